# SPDX-License-Identifier: BSD-2-Clause
# Options of softflowd one by one, by softflowd and by weir-softflowd: the same exit statuses,
# the same records at nfcapd, the same statistics, the same reasons for which flows end. Where
# the two differ on purpose, docs/softflowd.md says why. What is sent stays on loopback; live
# captures happen in a network namespace that the test makes and removes.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/interop/netflow/lib.sh"
cd "$tmp" || exit 1
ln -s "$weir" weir-softflowd
for part in softflowd softflowctl nfcapd nfdump node python3; do
	have $part && continue
	skip "softflowd's options" "$part is not installed (script/setup test)"
	exit 0
done
kinds() { python3 -B "$root/tests/interop/softflowd/kinds.py" "$@"; }
kinds ends.pcap open half fin rst udp icmp gre
kinds echo.pcap echo
kinds fragments.pcap fragments udp
kinds many.pcap many
shared=$root/../shared/captures/meter
for name in http dns; do
	[ -f "$shared/$name.pcap" ] && cp "$shared/$name.pcap" .
done

# ---- exit statuses: options; both end with the same, within 5 s ----
while read -r options; do
	for program in softflowd ./weir-softflowd; do
		eval "timeout 5 $program $options" >out 2>err </dev/null
		echo $?
	done >statuses
	is "status: $options" "$(sed -n 2p statuses)" "$(sed -n 1p statuses)"
done <<-'X'
	-h
	-z
	-d
	-r none.pcap
	-r /dev/null
	-r ends.pcap
	-r ends.pcap -i lo
	-r ends.pcap -r echo.pcap
	-r ends.pcap -n 127.0.0.1
	-r ends.pcap -n 127.0.0.1:
	-r ends.pcap -n :99
	-r ends.pcap -n 127.0.0.1:no-such-service
	-r ends.pcap -n 127.0.0.1:9
	-r ends.pcap -n [::1]:9
	-r ends.pcap -n localhost:discard
	-r ends.pcap -n 127.0.0.1:9,127.0.0.1:10 -l
	-r ends.pcap -n 127.0.0.1:9 -v psamp
	-r ends.pcap -n 127.0.0.1:9 -S lo
	-r ends.pcap -n 127.0.0.1:9 -L 255
	-r ends.pcap -L 256
	-r ends.pcap -L -1
	-r ends.pcap -v 7
	-r ends.pcap -v x
	-r ends.pcap -T none
	-r ends.pcap -T Ether
	-r ends.pcap -P none
	-r ends.pcap -P UDP -n 127.0.0.1:9
	-r ends.pcap -A none
	-r ends.pcap -A NANO -b -v 10 -n 127.0.0.1:9
	-r ends.pcap -s 0
	-r ends.pcap -s -3
	-r ends.pcap -s none
	-r ends.pcap -m 0
	-r ends.pcap -C 10
	-r ends.pcap -B 0
	-r ends.pcap -x 11
	-r ends.pcap -x -1
	-r ends.pcap -x 10
	-r ends.pcap -t tcp
	-r ends.pcap -t tcp=
	-r ends.pcap -t =5
	-r ends.pcap -t tcp=1x
	-r ends.pcap -t none=1
	-r ends.pcap -t general=0
	-r ends.pcap -t general=0h
	-r ends.pcap -t tcp=1W2D3h4M5s -t tcp.rst=0 -t tcp.fin=1 -t udp=1 -t icmp=1 -t maxlife=0 -t expint=0
	-r ends.pcap -6 -D -N -a -l
	-r ends.pcap host host host
	-r ends.pcap tcp port 80
	-r ends.pcap 'tcp port 80' and host 192.0.2.1
	-i none -d
	-i 3:none -d
	-i lo -d -c none/softflowd.ctl
X

# ---- records and statistics: capture, version, options ----
# records FOLDER: those that nfcapd wrote, sorted, their times at the end
records() {
	nfdump -R "$1" -q -N -o 'fmt:%pr %sap %dap %pkt %byt %flg %tos %ts %te' 2>/dev/null | sort
}
untimed() { awk '{NF -= 4; print}' "$1"; }
# apart FILE FILE: the times of two such lists differ by a millisecond at most
apart() {
	paste -d ' ' "$1" "$2" | awk 'function s(t, p) {split(t, p, ":"); return p[1] * 3600 + p[2] * 60 + p[3]}
		{n = NF / 2; for (i = 0; i <= 2; i += 2) {d = s($(n - i)) - s($(NF - i))
			if (d > 0.0011 || d < -0.0011) bad++}} END {print bad + 0}'
}
# figures FILE: what both programs' statistics count alike
figures() {
	sed '/^frames$/,$d' "$1" | grep -E '^(Packets (processed|non)|Fragments|Ignored|Flows e)|^ +[^ ]+ \([0-9]+\):|^  Flow| = ' |
		sed 's/ in [0-9]* packets.*//; s/ *[0-9.]*s *[0-9.]*s$//'
}
while IFS='|' read -r capture version options; do
	[ -f "$capture.pcap" ] || continue
	name="$capture, version $version $options"
	rm -rf theirs ours
	for side in theirs ours; do
		nfcapd_start $side || continue 2
		program=softflowd
		[ $side = ours ] && program=./weir-softflowd
		eval "$program -a -r $capture.pcap -v $version -n 127.0.0.1:$nfport $options" >$side.txt 2>err
		drained "$nfport"
		end "$nfcapd"
		records $side >$side.records
		untimed $side.records >$side.untimed
	done
	same "$name: records" ours.untimed theirs.untimed
	# in versions 9 and 10 softflowd's are up to a second apart from the packets'
	[ "$version" -gt 5 ] ||
		is "$name: times, to a millisecond" "$(apart ours.records theirs.records)" 0
	is "$name: statistics" "$(figures ours.txt)" "$(figures theirs.txt)"
done <<-'X'
	ends|1|
	ends|5|
	ends|9|
	ends|10|
	ends|10|-A milli
	ends|5|-T port
	ends|5|-T proto
	ends|5|-T ip
	ends|9|-T vlan
	ends|9|-T ether
	ends|5|-C 96
	ends|5|-m 64
	ends|5|tcp
	ends|5|dst host 192.0.2.1
	ends|9|src port 80
	ends|10|not tcp
	many|5|
	many|9|
	many|5|-m 64
	many|5|-m 100
	many|5|-s 2
	many|5|-s 7
	many|9|-s 100
	http|1|
	http|5|
	http|9|
	http|10|
	http|5|-s 2
	http|5|-s 10
	http|9|src port 80
	dns|5|
	dns|9|-T proto
X

# SYN, FIN and RST outside the sample lend their flags to their flows, nothing else.
for side in theirs ours; do
	program=softflowd
	[ $side = ours ] && program=./weir-softflowd
	$program -a -r ends.pcap -s 3 >$side.txt 2>err
done
is "sampled: packets and octets" "$(figures ours.txt | grep -E '^Packets|^ +[a-z]')" \
	"$(figures theirs.txt | grep -E '^Packets|^ +[a-z]')"

# Of both directions, which softflowd takes for two flows, the same records all the same.
for version in 5 9 10; do
	rm -rf ours
	nfcapd_start ours || continue
	./weir-softflowd -r echo.pcap -v $version -n 127.0.0.1:"$nfport" >ours.txt 2>err
	drained "$nfport"
	end "$nfcapd"
	is "echo, version $version: request and answer have their types" \
		"$(nfdump -R ours -q -N -o 'fmt:%sa %da %it %ic %pkt' | awk '{$1 = $1; print}' | sort | tr '\n' ';')" \
		"192.0.2.1 198.51.100.1 8 0 1;198.51.100.1 192.0.2.1 0 0 1;"
done
./weir-softflowd -r fragments.pcap >ours.txt 2>err
is "later fragments are their first one's flow" "$(grep -E '^(Fragments|Flows expired)' ours.txt | tr '\n' ' ')" \
	"Fragments: 2 Flows expired: 2 (0 forced) "

# ---- live: why flows end ----
if [ "$(id -u)" != 0 ] || ! ip netns add "weir$$" 2>/dev/null; then
	skip "live" "needs root and network namespaces"
	exit 0
fi
trap 'cleanup; ip netns del "weir$$" 2>/dev/null' EXIT
inside() { ip netns exec "weir$$" "$@"; }
cc -std=gnu17 -O1 -o replay "$root/bench/replay.c" || exit 1
inside sysctl -qw net.ipv6.conf.all.disable_ipv6=1
inside ip link set lo up
inside ip link add src type veth peer name dst
inside ip link set src up
inside ip link set dst up
kinds arp.pcap arp

# live_start OPTIONS: both at the same interface
live_start() {
	rm -f theirs.ctl ours.ctl
	# shellcheck disable=SC2086
	inside softflowd -d -i dst -c "$tmp/theirs.ctl" $1 >theirs.out 2>theirs.err &
	theirs=$!
	# shellcheck disable=SC2086
	inside ./weir-softflowd -d -i dst -c "$tmp/ours.ctl" $1 >ours.out 2>ours.err &
	ours=$!
	children="$children $theirs $ours"
	await test -S theirs.ctl && await test -S ours.ctl && await grep -q 'capturing on' ours.err ||
		not_ok "live $1: both capture"
}
live_end() {
	local side
	for side in theirs ours; do
		softflowctl -c $side.ctl shutdown >/dev/null 2>&1
		wait "${!side}" 2>/dev/null
		echo $? >status
		# softflowd's own status is 1 then, in the foreground
		[ $side = theirs ] || is "live $1: it ends well" "$(cat status)" 0
		children=$(echo " $children " | sed "s/ ${!side} / /")
	done
}
reasons() { softflowctl -c "$1.ctl" statistics | grep -E ' = ' | tr -s ' \n' ' '; }
seen() { softflowctl -c "$1.ctl" statistics | grep -qx "Packets processed: $2"; }
none_left() { softflowctl -c "$1.ctl" statistics | grep -qx 'Number of active flows: 0'; }
# feed: frames without IP. softflowd sees a packet when those after it fill a block of its
# capture's memory, and looks for what is over when it sees one
feed() { inside ./replay src arp.pcap 2000 60 >/dev/null 2>&1 & feeder=$!; children="$children $feeder"; }
feed_end() {
	kill $feeder 2>/dev/null
	wait $feeder 2>/dev/null
	children=$(echo " $children " | sed "s/ $feeder / /")
}
# timeouts, then how many flows end for which reason: those of softflowd, and ours
while read -r options; do
	live_start "$options"
	inside ./replay src ends.pcap >/dev/null
	feed
	await seen theirs 25 && await none_left theirs && await none_left ours ||
		not_ok "live $options: all flows end"
	feed_end
	is "live $options: reasons" "$(reasons ours)" "$(reasons theirs)"
	softflowctl -c theirs.ctl timeouts | sed 1d >theirs.timeouts
	softflowctl -c ours.ctl timeouts | sed 1d | head -n 8 >ours.timeouts
	same "live $options: timeouts are shown" ours.timeouts theirs.timeouts
	live_end "$options"
done <<-'X'
	-t tcp=3 -t tcp.rst=1 -t tcp.fin=2 -t udp=1 -t icmp=1 -t general=2 -t expint=1
	-t tcp=2 -t tcp.rst=0 -t tcp.fin=0 -t udp=0 -t icmp=0 -t general=1s -t expint=1
	-t tcp=0 -t tcp.rst=1 -t tcp.fin=0 -t udp=1S -t icmp=0 -t general=2 -t expint=2 -t maxlife=0
X

# control words, of both in the same state: those that say how many flows there were
live_start "-t expint=0 -n 127.0.0.1:9"
inside ./replay src ends.pcap >/dev/null
feed
await seen theirs 25 && await seen ours 25 || not_ok "live: both saw all packets"
feed_end
dumped() { softflowctl -c "$1.ctl" dump-flows | sed -n 's/^ACTIVE seq:[0-9]* \(.*\) start:.* \(tcp>:.*tcp<:..\) .*/\1 \2/p' | sort; }
dumped theirs >theirs.dump
dumped ours >ours.dump
same "live: dump-flows" ours.dump theirs.dump
for word in dump-flows expire-all delete-all send-template stop-gather start-gather debug+ debug- timeouts; do
	is "live: $word" "$(softflowctl -c ours.ctl $word | head -n 1 | sed 's/^weir\[[0-9]*\]/PROGRAM/')" \
		"$(softflowctl -c theirs.ctl $word | head -n 1 | sed 's/^softflowd\[[0-9]*\]/PROGRAM/')"
done
is "live: flushed" "$(reasons ours)" "$(reasons theirs)"
live_end "control"
