# SPDX-License-Identifier: BSD-2-Clause
# Collectors that refuse and come back, clocks that step: counted, told, survived. Live by the
# release binary in its sandbox, in a network namespace that the test makes and removes.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/interop/netflow/lib.sh"
cd "$tmp" || exit 1
for part in node python3 ip; do
	have $part && continue
	skip "refusing" "$part is not installed (script/setup test)"
	exit 0
done
kinds() { python3 -B "$root/tests/interop/softflowd/kinds.py" "$@"; }
kinds many.pcap many
kinds udp.pcap udp

# ---- files ----
# whole FILE: whether the packets metered are those in records
whole() { awk '$1 == "metered" {m = $2 " " $3} /in flow records/ {print ($4 " " $5 == m ? "whole" : "not whole")}' "$1" | tail -n 1; }
free=$(tool port)
status "-P tcp, nobody there: status 1" 1 "$weir" meter -r many.pcap -n "127.0.0.1:$free" -P tcp --patience 1s
like "-P tcp, nobody there: told once" "$(grep -c 'nobody takes flows there by tcp' err) $(cat err | tr '\n' ' ')" \
	'^1 .*[0-9]+ records were not sent: 127\.0\.0\.1'
is "-P tcp, nobody there: all records are counted as lost" \
	"$(awk '/^ *to 127/ {print $(NF - 2)}' out)" "$(awk '/^send/ {on = 1} on && $1 == "records" {print $2}' out)"
is "-P tcp, nobody there: all packets are in records" "$(whole out)" whole
status "udp, nobody there: status 0, for udp cannot know" 0 "$weir" meter -r many.pcap -n "127.0.0.1:$free" -v 5
like "udp, nobody there: told" "$(cat err)" 'nobody takes flows there by udp'

# times by the order of packets: back by a second, an hour, ten days, to 1970; forward by years
python3 -B - <<'X'
import struct
def frame(i):
	return bytes.fromhex("0200000000010200000000020800") + struct.pack(">BBHHHBBH", 0x45, 0, 60, i, 0, 64, 17, 0) \
		+ bytes((192, 0, 2, 1, 198, 51, 100, 1)) + struct.pack(">HHHH", 1000 + i % 7, 53, 40, 0) + bytes(32)
steps = [0, 1, -1, 2, -3600, 5, 3600, 86400 * 10, -86400 * 10, 1, 86400 * 365 * 9, 1, -86400 * 365 * 9, 3, 1, 1]
with open("steps.pcap", "wb") as out:
	out.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
	now, n = 1795428000, 0
	for step in steps:
		now += step
		for i in range(40):
			out.write(struct.pack("=IIII", now, i * 1000, 74, 74) + frame(n)); n += 1
	for second in (0, 1, 0xffffffff, 0x7fffffff, 0x80000000, now):
		for i in range(40):
			out.write(struct.pack("=IIII", second, 999999 + i, 74, 74) + frame(n)); n += 1
X
for input in steps.pcap -; do
	for options in '' '--sample 3' '-t udp=1' '-T ip' '-m 64'; do
		# shellcheck disable=SC2086
		timeout 120 "$weir" meter -r $input $options -o tsv -w rows.tsv -f packets,bytes <steps.pcap 2>out
		is "times that step, from $input $options: it ends well" $? 0
		[ "$options" = '--sample 3' ] || is "times that step, from $input $options: all packets in records" \
			"$(whole out) $(awk 'NR > 1 {p += $1} END {print p}' rows.tsv)" "whole 880"
	done
done
for counter in clock_resets; do
	like "times that step: counted, $counter" "$(grep -w $counter out)" "$counter +[1-9]"
done

# ---- live ----
if [ "$(id -u)" != 0 ] || ! ip netns add "weir$$" 2>/dev/null; then
	skip "live" "needs root and network namespaces"
	exit 0
fi
trap 'cleanup; ip netns del "weir$$" 2>/dev/null' EXIT
cc -std=gnu17 -O1 -o replay "$root/bench/replay.c" || exit 1
inside() { ip netns exec "weir$$" "$@"; }
inside sysctl -qw net.ipv6.conf.all.disable_ipv6=1
inside ip link set lo up
inside ip link add src type veth peer name dst
inside ip link set src up
inside ip link set dst up
for transport in udp tcp; do
	ip netns exec "weir$$" "$WEIR_RELEASE" meter -i dst -n 127.0.0.1:4739 -v ipfix -P $transport -t udp=1 \
		-c "$tmp/$transport.ctl" >$transport.out 2>$transport.err &
	meter=$!
	children="$children $meter"
	await grep -q 'capturing on' $transport.err
	inside ./replay src udp.pcap >/dev/null
	becomes "$transport: refused, told" grep -q "127.0.0.1:4739: nobody takes flows there by $transport" $transport.err
	inside ./replay src udp.pcap >/dev/null
	sleep 6
	is "$transport: refused, told once" "$(grep -c 'nobody takes' $transport.err)" 1
	listen=127.0.0.1:4739
	[ $transport = udp ] || listen=tcp:$listen
	ip netns exec "weir$$" "$WEIR_RELEASE" collect --listen $listen --store store-$transport >collect.out 2>collect.err &
	collector=$!
	children="$children $collector"
	await grep -q 'listening on' collect.err
	again() { inside ./replay src many.pcap; sleep 1.5; grep -q 'takes flows again' $transport.err; }
	becomes "$transport: it takes flows again, told" again
	has_some() { [ -n "$("$weir" print --store store-$transport -o tsv -f bytes 2>/dev/null | sed 1d)" ]; }
	becomes "$transport: flows arrive again" has_some
	end "$collector"
	again_down() { inside ./replay src udp.pcap; sleep 1.5; [ "$(grep -c 'nobody takes' $transport.err)" = 2 ]; }
	becomes "$transport: it ends, told" again_down
	inside "$WEIR_RELEASE" ctl -c "$tmp/$transport.ctl" statistics >stats
	like "$transport: refusals are in the statistics" "$(grep -w -e refused -e 'to 127.0.0.1:4739' stats | head -n 3)" '[1-9][0-9]* refused|refused +[1-9]'
	end "$meter"
	is "$transport: the meter ends well" $? 0
	is "$transport: all packets in records" "$(whole $transport.out)" whole
done
