# SPDX-License-Identifier: BSD-2-Clause
# Live metering on a veth pair in a network namespace of its own: what was sent is what
# was metered, whatever happens to the interface; signals, daemon, user and sandbox. Needs
# root.
. "$(dirname "$0")/../lib.sh"
export TZ=UTC
cd "$tmp" || exit 1
if [ "$(id -u)" != 0 ] || ! command -v ip >/dev/null; then
	skip "live" "needs root and ip(8) for network namespaces"
	exit 0
fi
ns=weir-test-$$
if ! ip netns add $ns 2>"$tmp/why"; then
	skip "live" "no network namespace: $(head -n 1 "$tmp/why")"
	exit 0
fi
trap 'ip netns del $ns 2>/dev/null; cleanup' EXIT
chmod 755 "$tmp"
inside() { ip netns exec $ns "$@"; }
for tool in replay mkcorpus; do
	cc -std=gnu17 -O1 -o $tool "$root/bench/$tool.c" || exit 1
done
link_make() {
	inside ip link add src type veth peer name dst
	for end in src dst; do
		inside ip link set $end mtu 65535
		inside ip link set $end up
	done
}
inside sysctl -qw net.ipv6.conf.all.disable_ipv6=1
inside ip link set lo up
link_make

# await_named NAME COMMAND...: waits until the command is true, 20 s at most; says so if not
await_named() {
	local name=$1
	shift
	waited "$@" && return 0
	not_ok "$name"
	return 1
}
# meter_start NAME ARGUMENT...: $program meter in the namespace; NAME.err has its log,
# NAME.out its statistics; $meter is its pid
program=$weir
meter_start() {
	local name=$1
	shift
	rm -f "$name.err" "$name.out"
	ip netns exec $ns "$program" meter "$@" >"$name.out" 2>"$name.err" &
	meter=$!
	children="$children $meter"
	await_named "$name: captures" grep -qs 'capturing on' "$name.err" || head -n 5 "$name.err"
}
# meter_stop NAME: ends it, and it ends well
meter_stop() {
	local got
	kill -TERM "$meter"
	wait "$meter"
	got=$?
	[ $got = 0 ] || { not_ok "$1: ends well"; echo "#   status $got"; tail -n 5 "$1.err"; }
	# with -o the statistics are on standard error
	cat "$1.err" >>"$1.out"
}
# got NAME ROW [COLUMN]: a number of the statistics
got() { awk -v row="$2" -v c="${3:-2}" '$1 == row {n = $c} END {print n + 0}' "$1.out"; }
send() { inside ./replay src "$@" | tail -n 1; }
# flows FILE: packets and octets of each pair of endpoints, without times
flows() {
	awk -F'\t' 'NR == 1 {next} {p[$1 FS $2 FS $3 FS $4 FS $5] += $6 + $8; b[$1 FS $2 FS $3 FS $4 FS $5] += $7 + $9}
		END {for (k in p) print k, p[k], b[k]}' "$1" | sort
}
fields=proto,src,src_port,dst,dst_port,packets,bytes,reverse_packets,reverse_bytes

# What is sent: many conversations, with frames longer than any snapshot.
./mkcorpus mixed sent.pcap 6000 "$root/demo/pipelined-1.pcap" "$root/demo/sequential-1.pcap" >/dev/null
packets=$("$weir" meter -r sent.pcap --no-cut -o tsv -w file.tsv -f $fields 2>&1 | awk '$1 == "metered" {print $2}')
octets=$("$weir" meter -r sent.pcap --no-cut -o tsv -w /dev/null 2>&1 | awk '$1 == "metered" {print $3}')
flows file.tsv >file.flows
for workers in 1 2; do
	meter_start "w$workers" -i dst --workers $workers --no-cut -o tsv -w w$workers.tsv -f $fields
	sent=$(send sent.pcap 20000)
	meter_stop w$workers
	is "$workers worker(s): every frame was seen" "$(got w$workers sum)" "${sent%% *}"
	is "$workers worker(s): nothing was dropped" "$(got w$workers dropped) $(got w$workers queue_full)" "0 0"
	is "$workers worker(s): SIGTERM wrote all packets" \
		"$(awk '/in flow records/ {print $4, $5}' w$workers.out | tail -n 1)" "$packets $octets"
	flows w$workers.tsv >w$workers.flows
	is "$workers worker(s): the flows of the file" "$(cksum <w$workers.flows)" "$(cksum <file.flows)"
done
is "2 workers: each had its share" \
	"$(awk '$1 == "worker" && $3 * 5 > '"$packets"' {n++} END {print n + 0}' w2.out)" 2

# octets in hexadecimal as a capture of one frame
frame() {
	perl -e 'print pack("LSSlLLL", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1);
		for (@ARGV) { my $f = pack("H*", $_); print pack("LLLL", 1795428000, 0, length $f, length $f), $f }' "$@"
}
udp() { echo "450000200001000040110000c0000201c63364$1"9c400035000c000000000000; }
ether=020000000001020000000002
frame ${ether}8100002a0800"$(udp 01)" ${ether}88a800078100002a0800"$(udp 02)" ${ether}0800"$(udp 03)" >vlan.pcap
meter_start vlan -i 9:dst -o tsv -w vlan.tsv -f dst,vlan,inner_vlan,bytes,ingress
send vlan.pcap >/dev/null
meter_stop vlan
is "VLAN tags, which the kernel takes out, are in the flows; so is the interface's number" \
	"$(tail -n +2 vlan.tsv | sort | tr '\t\n' ' ;')" \
	"198.51.100.1 42  32 9;198.51.100.2 7 42 32 9;198.51.100.3   32 9;"
"$weir" meter -r vlan.pcap -o tsv -w vlanfile.tsv -f dst,vlan,inner_vlan,bytes 2>/dev/null
is "VLAN tags: as from the file" "$(cut -f1-4 vlan.tsv | sort | cksum)" "$(sort vlanfile.tsv | cksum)"

# Without a number given flows have the interface's at the time when they are written, and its
# MAC address at the start tells the direction.
number() { inside cat /sys/class/net/dst/ifindex; }
mac=$(inside cat /sys/class/net/dst/address | tr -d :)
frame "${mac}0200000000020800$(udp 01)" "020000000002${mac}0800$(udp 02)" ${ether}0800"$(udp 03)" >own.pcap
meter_start own -i dst -T ether -t udp=1 -o tsv -w own.tsv -f dst,ingress,flow_direction
send own.pcap >/dev/null
before=$(number)
rows_are() { [ "$(wc -l <"$1")" = "$2" ]; }
await_named "own: flows are written" rows_are own.tsv 4
inside ip link del dst
await_named "own: vanished" grep -q 'dst vanished' own.err
inside ip link add veth9 type dummy # takes the number that would come next
link_make
await_named "own: back" grep -q 'dst is back' own.err
send vlan.pcap >/dev/null
meter_stop own
inside ip link del veth9
is "the interface's own number, and the direction by its MAC address" \
	"$(awk -F'\t' -v n="$before" '$2 == n {print $1, $3}' own.tsv | sort | tr '\n' ';')" \
	"198.51.100.1 0;198.51.100.2 1;198.51.100.3 ;"
is "the number of the one that came back" \
	"$([ "$before" != "$(number)" ] && awk -F'\t' -v n="$(number)" '$2 == n {k++} END {print k + 0}' own.tsv)" 3

meter_start snap -i dst -C 64 --no-cut -o tsv -w snap.tsv -f $fields
send sent.pcap 20000 >/dev/null
meter_stop snap
flows snap.tsv >snap.flows
is "64 octets of each frame are enough for the same flows" "$(cksum <snap.flows)" "$(cksum <file.flows)"

meter_start filter -i dst -o tsv -w filter.tsv -f dst vlan and dst host 198.51.100.1
send vlan.pcap >/dev/null
meter_stop filter
is "a filter that looks into the tag" "$(tail -n +2 filter.tsv | tr '\n' ' ')" "198.51.100.1 "
status "a filter that is none" 2 inside "$weir" meter -i dst -o tsv host host
like "a filter that is none: says why" "$(cat err)" "filter 'host host': .*pcap-filter"
status "an interface that is not there" 1 inside "$weir" meter -i nowhere -o tsv
like "an interface that is not there: named" "$(cat err)" 'nowhere: '

# A flow on a quiet link is written without a further packet and without an end.
meter_start quiet -i dst -t udp=1 -o tsv -w quiet.tsv -f dst
send vlan.pcap >/dev/null
has_rows() { [ "$(wc -l <"$1")" = "$2" ]; }
await_named "quiet link: flows are written when their time is over" has_rows quiet.tsv 4 &&
	ok "quiet link: flows are written when their time is over"
meter_stop quiet

# The interface goes down and up, vanishes and comes back; with two workers too.
for workers in 1 2; do
	meter_start gone$workers -i dst --workers $workers -o tsv -w gone.tsv -f $fields
	send vlan.pcap >/dev/null
	inside ip link set dst down
	told() { [ "$(grep -c "dst $1" gone$workers.err)" = $workers ]; }
	await_named "down is told" told 'is down'
	inside ip link set dst up
	await_named "up is told" told 'is up again'
	send vlan.pcap >/dev/null
	sleep 0.3
	inside ip link del dst
	await_named "vanished is told" told vanished
	link_make
	await_named "back is told" told 'is back'
	send vlan.pcap >/dev/null
	meter_stop gone$workers
	is "$workers worker(s): frames before, between and after" "$(got gone$workers ip)" 9
	is "$workers worker(s): down, up, vanished and back were counted" \
		"$(for c in went_down came_up vanished reopened; do got gone$workers $c; done | tr '\n' ' ')" \
		"$workers $workers $workers $workers "
done

# A reader that is stopped: what the ring cannot hold is counted by the kernel.
meter_start tiny -i dst -B 64Ki --no-cut -o tsv -w /dev/null
kill -STOP "$meter"
sent=$(send sent.pcap)
kill -CONT "$meter"
sleep 0.3
meter_stop tiny
is "frames dropped are told" "$([ "$(got tiny dropped)" -gt 0 ] && echo yes)" yes
is "frames dropped and frames seen are those sent" "$(($(got tiny dropped) + $(got tiny sum)))" "${sent%% *}"
is "frames dropped: the others are in flows" "$(awk '/in flow records/ {print $4}' tiny.out | tail -n 1)" "$(got tiny metered)"

# Signals and the pid file.
meter_start signals -i dst -o tsv -w moved.tsv -f dst -p pid -t udp=1
is "pid file" "$(cat pid)" "$meter"
status "a second one with the same pid file" 1 inside "$weir" meter -i dst -o tsv -w /dev/null -p pid
like "a second one: told why" "$(cat err)" 'another one is running'
send vlan.pcap >/dev/null
await_named "rows before SIGHUP" has_rows moved.tsv 4
mv moved.tsv old.tsv
kill -HUP "$meter"
await_named "SIGHUP makes the file anew" test -f moved.tsv && ok "SIGHUP makes the file anew"
send vlan.pcap >/dev/null
await_named "rows after SIGHUP are in the new file" has_rows moved.tsv 4 && ok "rows after SIGHUP are in the new file"
is "rows before SIGHUP stay in the old file" "$(wc -l <old.tsv)" 4
kill -USR1 "$meter"
await_named "SIGUSR1 writes statistics to the log" grep -q 'weir:  *metered  *6 ' signals.err && ok "SIGUSR1 writes statistics to the log"
meter_stop signals
is "the pid file is gone" "$(ls pid 2>/dev/null)" ""

ip netns exec $ns "$weir" meter -i dst --daemon -p daemon.pid -o tsv -w daemon.tsv -f dst -t udp=1 >daemon.out 2>daemon.err
is "the daemon's parent ends well once it captures" "$?" 0
daemon=$(cat daemon.pid)
children="$children $daemon"
send vlan.pcap >/dev/null
await_named "the daemon writes flows" has_rows daemon.tsv 4 && ok "the daemon writes flows"
kill -TERM "$daemon"
is_gone() { ! kill -0 "$1" 2>/dev/null; }
await_named "the daemon ends" is_gone "$daemon" && ok "the daemon ends"
ip netns exec $ns "$weir" meter -i dst --daemon -p none/daemon.pid -o tsv -w /dev/null >/dev/null 2>err
is "a daemon that cannot start" "$?" 1
like "a daemon that cannot start says why" "$(cat err)" 'none/daemon.pid: No such file'

# What the release binary gives up, and what works without it.
program=$WEIR_RELEASE
mkdir -m 777 box
for workers in 1 2; do
	meter_start box$workers -D -i dst --workers $workers --user nobody --store box/store$workers \
		--rotate 1s -n 127.0.0.1:9 -o tsv -w box/text.tsv -f dst -c "$tmp/box/ctl" -t udp=1
	of() { awk -v row="$1:" '$1 == row {print $2}' "/proc/$meter/status"; }
	is "sandbox, $workers worker: user, no new privileges, system calls filtered" \
		"$(of Uid) $(of NoNewPrivs) $(of Seccomp)" "$(id -u nobody) 1 2"
	# a second worker can only be opened again with CAP_NET_RAW and CAP_NET_ADMIN
	is "sandbox, $workers worker: capabilities" "$(of CapEff) $(of CapPrm)" \
		"$([ $workers = 1 ] && echo 0000000000000000 0000000000000000 || echo 0000000000003000 0000000000003000)"
	send vlan.pcap >/dev/null
	await_named "sandbox: flows are written" has_rows box/text.tsv 4 && ok "sandbox: flows are written"
	segments() { [ -n "$(find box/store$workers -name 'flows-*.parquet' 2>/dev/null)" ]; }
	await_named "sandbox: the store is rotated" segments && ok "sandbox: the store is rotated"
	inside "$weir" ctl -c "$tmp/box/ctl" statistics >ctl.out 2>&1
	is "sandbox: the control socket answers" "$?" 0
	rm -f box/text.tsv
	ln -s "$tmp/outside.tsv" box/text.tsv
	: >outside.tsv
	chmod 666 outside.tsv
	kill -HUP "$meter"
	await_named "sandbox: a file elsewhere is refused" grep -q 'text.tsv: Permission denied' box$workers.err &&
		ok "sandbox: a file elsewhere is refused"
	rm -f box/text.tsv
	inside ip link del dst
	await_named "sandbox: vanished" grep -q 'dst vanished' box$workers.err
	link_make
	await_named "sandbox: the interface is captured again" grep -q 'dst is back' box$workers.err &&
		ok "sandbox: the interface is captured again"
	meter_stop box$workers
	is "sandbox: rows are in the store" "$("$weir" print --store box/store$workers -o tsv | wc -l)" 4
	is "sandbox: the control socket is removed" "$(ls box/ctl 2>/dev/null)" ""
done
meter_start nobox -i dst --no-sandbox -o tsv -w /dev/null
is "--no-sandbox" "$(awk '$1 == "NoNewPrivs:" || $1 == "Seccomp:" {printf "%s ", $2}' "/proc/$meter/status")" "0 0 "
meter_stop nobox
