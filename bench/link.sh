#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What the link emulator forwards: numbered datagrams of 200 octets from one namespace to
# another, as fast as the sender can and at 200,000 a second, by TAP devices and by packet
# sockets. Sender and receiver run on one core, the emulator on another, all before other
# programs. Needs root.
#   bench/link.sh [COUNT]        (default 2000000; WEIR=build/weir)
# A line for each: frames that came through in a second, those that the kernel dropped
# before they came in, the emulator's own processor time for each, and how much longer
# than the delay they were under way, in the middle and for one in a hundred.
set -euo pipefail
cd "$(dirname "$0")/.."
weir=$(realpath "${WEIR:-build/weir}")
count=${1:-2000000}
work=$(mktemp -d)
a=wba$$ b=wbb$$ m=wbm$$ link=
tidy() {
	[ -z "$link" ] || { kill "$link" && wait "$link"; } 2>/dev/null || :
	for ns in $a $b $m; do ip netns del $ns 2>/dev/null || :; done
	rm -rf "$work"
}
trap tidy EXIT
cc -std=gnu17 -O2 -o "$work/numbered" bench/numbered.c
for ns in $a $b $m; do
	ip netns add $ns
	ip netns exec $ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1
done
await() { for _ in $(seq 400); do "$@" && return; sleep 0.05; done; return 1; }

# measure KIND RATE SETTINGS...
measure() {
	local kind=$1 rate=$2 ends="$a/eth0 $b/eth0" before after
	shift 2
	if [ $kind = packet ]; then
		ends="--packet $m/p0 $m/p1"
		ip -n $m link add name p0 type veth peer name eth0 netns $a
		ip -n $m link add name p1 type veth peer name eth0 netns $b
		for end in "$m p0" "$m p1" "$a eth0" "$b eth0"; do ip -n ${end% *} link set dev ${end#* } up; done
		for ns in $a $b; do ip netns exec $ns ethtool -K eth0 tso off gso off gro off tx off >/dev/null 2>&1; done
	fi
	# shellcheck disable=SC2086
	taskset -c 0 "$weir" lab link -o ndjson "$@" $ends >"$work/link" 2>"$work/err" &
	link=$!
	await grep -qs 'carries frames' "$work/err"
	ip -n $a addr add 192.0.2.1/24 dev eth0
	ip -n $b addr add 192.0.2.2/24 dev eth0
	ip -n $a neigh replace 192.0.2.2 lladdr "$(ip netns exec $b cat /sys/class/net/eth0/address)" dev eth0
	ip netns exec $b chrt -r 1 taskset -c 1 "$work/numbered" receive 192.0.2.2 9 1000 >"$work/got" &
	local receiver=$!
	await grep -qs ready "$work/got"
	ip netns exec $a chrt -r 1 taskset -c 1 "$work/numbered" send 192.0.2.2 9 "$count" "$rate" 200 >/dev/null
	wait $receiver
	after=$(awk '{print $14 + $15}' "/proc/$link/stat")
	kill "$link"
	wait "$link" || :
	link=
	[ $kind = tap ] || for end in p0 p1; do ip -n $m link del dev $end; done
	awk -v kind="$kind" -v rate="$rate" -v set="$*" -v ticks="$after" -v hz="$(getconf CLK_TCK)" \
		-v missed="$(head -n 1 "$work/link" | sed 's/.*"missed":\([0-9]*\).*/\1/')" -v delay="$([[ "$*" == *--delay* ]] && echo 10000 || echo 0)" '
		/^received/ {n = $2; seconds = $9}
		$1 == "received" {for (i = 1; i < NF; i++) if ($i == "seconds") seconds = $(i + 1)}
		/^delay_us/ {p50 = $5 - delay; p99 = $7 - delay}
		END {
			printf "%-7s %-9s %-40s %8.0f frames/s, %7d dropped, %5.2f us of processor each, +%.0f us, 1 %% +%.0f us\n",
				kind, rate == 0 ? "flood" : rate "/s", set, n / seconds, missed, ticks / hz / n * 1e6, p50, p99
		}' "$work/got"
}
for rate in 0 200000; do
	for kind in tap packet; do
		measure $kind $rate
		measure $kind $rate --delay 10ms --jitter 1ms
	done
done
measure tap 200000 --delay 10ms --rate 1G --loss 1% --burst 3 --reorder 1% --duplicate 1%
