# SPDX-License-Identifier: BSD-2-Clause
# What options of softflowd do beyond the records, by softflowd and by weir-softflowd: where
# exports leave and with which TTL and address, how collectors share them, labels, buffers,
# promiscuous mode, PSAMP; and -e, -I, -M, which only newer versions of softflowd have. In a
# network namespace that the test makes and removes.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/interop/netflow/lib.sh"
cd "$tmp" || exit 1
for part in softflowd softflowctl nfcapd nfdump tshark tcpdump node python3; do
	have $part && continue
	skip "effects of softflowd's options" "$part is not installed (script/setup test)"
	exit 0
done
if [ "$(id -u)" != 0 ] || ! ip netns add "weir$$" 2>/dev/null; then
	skip "effects of softflowd's options" "needs root and network namespaces"
	exit 0
fi
trap 'cleanup; ip netns del "weir$$" 2>/dev/null; ip netns del "weir$$b" 2>/dev/null' EXIT
ln -s "$weir" weir-softflowd
kinds() { python3 -B "$root/tests/interop/softflowd/kinds.py" "$@"; }
kinds many.pcap many
kinds mpls.pcap mpls
kinds udp.pcap udp
kinds arp.pcap arp
cc -std=gnu17 -O1 -o replay "$root/bench/replay.c" || exit 1
inside() { ip netns exec "weir$$" "$@"; }
# program SIDE: its path
program() { if [ "$1" = ours ]; then echo ./weir-softflowd; else echo softflowd; fi; }

# src - dst carry what is metered; out0 and out1 lead to collectors in another namespace
ip netns add "weir$$b"
inside sysctl -qw net.ipv6.conf.all.disable_ipv6=1
inside ip link set lo up
inside ip link add src type veth peer name dst
inside ip link set src up
inside ip link set dst up
for n in 0 1; do
	inside ip link add out$n type veth peer name in$n
	inside ip link set in$n netns "weir$$b"
	inside ip addr add 10.9.$n.1/24 dev out$n
	inside ip link set out$n up
	ip -n "weir$$b" addr add 10.9.$n.2/24 dev in$n
	ip -n "weir$$b" link set in$n up
done
inside ip addr add 10.9.0.3/24 dev out0
inside ip route add default via 10.9.1.2
ip -n "weir$$b" link set lo up

# seen INTERFACE FIELDS COMMAND...: what comes in there while a command runs: fields of the
# datagrams to port 2055, each once
seen() {
	local at=$1 fields=$2
	shift 2
	rm -f seen.pcap dump.err
	ip netns exec "weir$$b" tcpdump -Z root --immediate-mode -U -i "$at" -w seen.pcap udp port 2055 2>dump.err &
	local dump=$!
	await grep -q listening dump.err
	"$@" >/dev/null 2>&1
	sleep 0.3
	kill -INT $dump
	wait $dump 2>/dev/null
	# shellcheck disable=SC2086
	tshark -r seen.pcap -Y udp -T fields $fields 2>/dev/null | sort -u | tr '\t\n' ' ;'
}
for side in theirs ours; do
	sf=$(program $side)
	is "$side: -L, and -S for a group: they leave there, with this TTL" \
		"$(seen in0 "-e ip.dst -e ip.ttl" inside $sf -r udp.pcap -v 5 -n 239.1.2.3:2055 -L 7 -S out0)" \
		"239.1.2.3 7;"
	is "$side: to a group without -L: not beyond the link" \
		"$(seen in0 "-e ip.ttl" inside $sf -r udp.pcap -v 5 -n 239.1.2.3:2055 -S out0)" "1;"
	is "$side: -S: not through the other" \
		"$(seen in1 "-e ip.ttl" inside $sf -r udp.pcap -v 5 -n 239.1.2.3:2055 -S out0)" ""
done
is "-L for one collector, too" \
	"$(seen in0 "-e ip.src -e ip.ttl" inside ./weir-softflowd -r udp.pcap -v 5 -n 10.9.0.2:2055 -L 9)" "10.9.0.1 9;"
is "-e: exports come from this address" \
	"$(seen in0 "-e ip.src" inside ./weir-softflowd -r udp.pcap -v 5 -n 10.9.0.2:2055 -e 10.9.0.3)" "10.9.0.3;"
status "-e with an address that is not this machine's" 1 \
	inside ./weir-softflowd -r udp.pcap -v 5 -n 10.9.0.2:2055 -e 192.0.2.77
like "-e with an address that is not this machine's: says so" "$(cat err)" '192\.0\.2\.77: Cannot assign'

# -l: each flow is sent once, to one of the collectors; without it to all
for side in theirs ours; do
	for options in -l ''; do
		rm -rf one two
		nfcapd_start one || continue
		first=$nfcapd first_port=$nfport
		nfcapd_start two || continue
		# shellcheck disable=SC2086
		$(program $side) -a -r many.pcap -v 5 -n "127.0.0.1:$first_port,127.0.0.1:$nfport" $options >out 2>err
		drained "$first_port" "$nfport"
		end "$first"
		end "$nfcapd"
		for to in one two; do nfdump -R $to -q -N -o 'fmt:%sp %dp %pkt' | sort >$to.rows; done
		if [ -n "$options" ]; then
			is "$side: -l: each flow once" "$(cat one.rows two.rows | sort -u | wc -l) $(cat one.rows two.rows | wc -l)" "300 300"
			is "$side: -l: each collector has some" "$([ -s one.rows ] && [ -s two.rows ] && echo yes)" yes
		else
			is "$side: without -l: each flow at both" "$(wc -l <one.rows) $(wc -l <two.rows)" "300 300"
		fi
	done
done

# -x: labels of the first packet, from the top. (Of -x 1 the one that is told ends the stack
# in weir, for what it does not keep it does not know.)
for options in '' '-x 3' '-x 10'; do
	for side in theirs ours; do
		rm -rf $side
		nfcapd_start $side || continue
		# shellcheck disable=SC2086
		$(program $side) -a -r mpls.pcap -v 9 -n "127.0.0.1:$nfport" $options >out 2>err
		drained "$nfport"
		end "$nfcapd"
		nfdump -R $side -q -N -o 'fmt:%sp %dp %pkt %mpls1 %mpls2 %mpls3 %mpls4' | sed 's/  */ /g' | sort >$side.rows
	done
	same "labels with '$options'" ours.rows theirs.rows
done

# live_start SIDE OPTION...: the program at dst, once it captures; $pid is its pid
live_start() {
	local side=$1
	shift
	rm -f "$side.ctl" err
	ip netns exec "weir$$" "$(program "$side")" -d -i dst -c "$tmp/$side.ctl" "$@" >out 2>err &
	pid=$!
	children="$children $pid"
	await grep -qE 'starting data collection|capturing on' err
	await test -S "$side.ctl"
}
# settled SIDE: what softflowctl tells of packets stays as it is for half a second
settled() {
	local before
	before=$(softflowctl -c "$1.ctl" statistics | tee "$1.stats" | grep '^Packets')
	sleep 0.5
	[ -n "$before" ] && [ "$(softflowctl -c "$1.ctl" statistics | grep '^Packets')" = "$before" ]
}

# -N and -B, live
for side in theirs ours; do
	for options in '' -N; do
		# shellcheck disable=SC2086
		live_start $side $options
		is "$side: promiscuous with '$options'" \
			"$(inside ip -d link show dst | grep -o 'promiscuity [0-9]*')" "promiscuity $([ -z "$options" ] && echo 1 || echo 0)"
		softflowctl -c $side.ctl shutdown >/dev/null 2>&1
		wait $pid 2>/dev/null
	done
	for size in 65536 33554432; do
		live_start $side -B $size
		stopped() { [ "$(awk '{print $3}' /proc/$pid/stat)" = T ]; }
		kill -STOP $pid
		await stopped
		inside ./replay src arp.pcap 100000 8 >/dev/null
		kill -CONT $pid
		await settled $side
		is "$side: -B $size: frames were dropped" \
			"$(awk '/^Packets dropped by libpcap/ {print ($NF > 0 ? "some" : "none")}' $side.stats)" \
			"$([ $size = 65536 ] && echo some || echo none)"
		softflowctl -c $side.ctl shutdown >/dev/null 2>&1
		wait $pid 2>/dev/null
	done
done

# -R: reports of packets received (softflowd itself waits for a client of its control socket
# before the first)
for side in ours; do
	port=$(inside node "$root/tests/interop/netflow/datagrams.mjs" port)
	rm -f $side.ctl
	ip netns exec "weir$$" $(program $side) -d -R "$port" -c "$tmp/$side.ctl" >out 2>err &
	pid=$!
	children="$children $pid"
	await test -S $side.ctl
	inside "$weir" meter -r many.pcap -n "127.0.0.1:$port" -v psamp >/dev/null 2>&1
	all_flows() { softflowctl -c $side.ctl statistics | tee $side.stats | grep -q 'Packets processed: 600$'; }
	await all_flows
	softflowctl -c $side.ctl shutdown >/dev/null 2>&1
	wait $pid 2>/dev/null
done
is "-R: packets and flows" "$(grep -E '^(Number of active|Packets processed)' ours.stats | tr '\n' ' ')" \
	"Number of active flows: 300 Packets processed: 600 "

# -M: two threads share the interface; -I: the uptime clock begins anew
ip netns exec "weir$$" ./weir-softflowd -d -i dst -c "$tmp/m.ctl" -M >out 2>err &
pid=$!
children="$children $pid"
await grep -q 'with 2 workers' err && ok "-M: two workers" || not_ok "-M: two workers"
kill -TERM $pid
wait $pid 2>/dev/null
promiscuous() { inside ip -d link show dst | grep -q 'promiscuity 1'; }
# exported COUNT: so many datagrams came
exported() { [ "$(tshark -r seen.pcap -Y udp -T fields -e frame.number 2>/dev/null | wc -l)" -ge "$1" ]; }
uptimes() {
	local pid i
	ip netns exec "weir$$" ./weir-softflowd -d -i dst -c none -v 5 -n 10.9.0.2:2055 -t udp=1 -t expint=0 -I 2 &
	pid=$!
	await promiscuous
	for i in 1 2 3 4 5 6; do
		inside ./replay src udp.pcap
		await exported $i
	done
	kill -TERM $pid
	wait $pid
}
seen in0 "-e cflow.sysuptime" uptimes >/dev/null
tshark -r seen.pcap -d udp.port==2055,cflow -T fields -e frame.time_relative -e cflow.sysuptime 2>/dev/null >up
# (it begins at an hour, for flows that were there before)
is "-I: of six seconds and more the clock tells less than half" \
	"$(awk 'NR == 1 || $2 < least {least = $2} $2 > most {most = $2}
		END {print NR, ($1 > 5), (most - least < $1 / 2)}' up)" "6 1 1"
