#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Live metering on a veth pair in a network namespace of its own, weir and softflowd on
# the same link, each alone, in turns, while bench/replay sends as fast as it can.
#   bench/live.sh [quick]     needs root; prints rows for script/bench on standard output:
#   MEASURE|UNIT|PEER|PEER'S|WEIR'S|more or less
# WEIR=PROGRAM measures that one. Both export NetFlow v9 to a sink on the loopback. A row
# says what the meter's process used, user and system time; the kernel's work for the
# sender and for the link is the sender's. Frames that a meter did not see are told on
# standard error.
set -euo pipefail
cd "$(dirname "$0")/.."
WEIR=${WEIR:-build/weir}
runs=3 packets=300000 rounds=8
[ "${1:-full}" = quick ] && runs=1 rounds=4
[ "$(id -u)" = 0 ] || { echo "bench/live.sh: needs root for a network namespace" >&2; exit 1; }
work=build-bench
mkdir -p $work/corpus
run=$(mktemp -d)
ns=weir-bench-$$
pids=""
cleanup() {
	local pid
	for pid in $pids; do kill "$pid" 2>/dev/null || :; done
	ip netns del $ns 2>/dev/null || :
	rm -rf "$run"
}
trap cleanup EXIT
for tool in mkcorpus sink usage replay; do
	[ $work/$tool -nt bench/$tool.c ] || cc -std=gnu17 -O2 -o $work/$tool bench/$tool.c
done

# What is sent, as in script/bench: small packets of flows that all live, the worst for a
# meter; full segments of few connections; real traffic, with frames that a machine
# merged.
made() { [ -f $work/corpus/live-"$1".pcap ] || $work/mkcorpus "$1" $work/corpus/live-"$1".pcap "${@:2}" >/dev/null; }
made short $((packets / 2))
made heavy $packets
# shellcheck disable=SC2046
made mixed $packets $(for file in demo/*.pcap ../shared/captures/meter/*.pcap; do
	[ -f "$file" ] && [ "$(head -c 4 "$file" | od -An -tx1 | tr -d ' ')" = d4c3b2a1 ] && echo "$file"
done || :)

ip netns add $ns
inside() { ip netns exec $ns "$@"; }
inside sysctl -qw net.ipv6.conf.all.disable_ipv6=1
inside ip link set lo up
inside ip link add src type veth peer name dst
for end in src dst; do
	inside ip link set $end mtu 65535
	inside ip link set $end up
done
ip netns exec $ns $work/sink "$run/port" >/dev/null &
pids=$!
while [ ! -s "$run/port" ]; do sleep 0.05; done
to=127.0.0.1:$(cat "$run/port")

# metered NAME CORPUS WAIT COMMAND...: starts the meter, sends, lets it end; notes CPU
# seconds per million frames sent. WAIT is a command that is true once the meter captures.
metered() {
	local name=$1 corpus=$2 ready=$3 meter sent
	shift 3
	ip netns exec $ns $work/usage "$run/usage" "$@" >"$run/$name.out" 2>"$run/$name.err" &
	meter=$!
	pids="$pids $meter"
	for _ in $(seq 100); do
		eval "$ready" && break
		sleep 0.05
	done
	sleep 0.2
	# merged frames are long: a quarter of them takes as long to send
	sent=$(inside $work/replay src $work/corpus/live-"$corpus".pcap 0 \
		$(($([ "$corpus" = mixed ] && echo "$rounds / 4" || echo "$rounds"))))
	sleep 1
	kill -TERM $meter
	wait $meter || :
	echo "$sent" >"$run/$name.sent"
	awk -v sent="${sent%% *}" '{print $1 * 1e6 / sent}' "$run/usage" >>"$run/$name.runs"
}
median() { sort -g "$run/$1.runs" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
# seen NAME SENT GOT: tells of frames that are missing
seen() {
	[ "$2" = "$3" ] || echo "bench/live.sh: $1 saw ${3:-nothing} of $2 frames" >&2
}

for corpus in short heavy mixed; do
	for _ in $(seq $runs); do
		metered weir-$corpus $corpus 'grep -qs capturing "$run/weir-$corpus.err"' \
			"$WEIR" meter -i dst -n "$to" -v 9
		seen "weir" "$(cut -d' ' -f1 "$run/weir-$corpus.sent")" \
			"$(awk '$1 == "sum" {print $2}' "$run/weir-$corpus.out" | tail -n 1)"
		awk '$1 == "dropped" || $1 == "queue_full" {print "bench/live.sh: weir:", $0}' "$run/weir-$corpus.out" >&2
		metered softflowd-$corpus $corpus '[ -S "$run/ctl" ]' \
			softflowd -d -i dst -m 4000000 -n "$to" -v 9 -p "$run/pid" -c "$run/ctl"
	done
	rate=$(awk '{printf "%.2f", $1 / $3 / 1e6}' "$run/weir-$corpus.sent")
	echo "live $corpus, $rate M frames/s|CPU s/Mframes|softflowd|$(median softflowd-$corpus)|$(median weir-$corpus)|less"
done
