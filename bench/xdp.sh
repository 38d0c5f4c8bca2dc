#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What frames cost that are only counted, by a TPACKET_V3 ring and by AF_XDP, on a veth
# pair in a network namespace of its own while bench/replay sends as fast as it can. Two
# rows a kind of traffic and way: CPU seconds per million frames of the counting process,
# and of the whole machine less the same without a receiver, for most of the work is done
# in the softirq that delivers a frame. Needs root, and a machine with nothing else to do.
#   bench/xdp.sh
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "bench/xdp.sh: needs root for a network namespace" >&2; exit 1; }
packets=300000 rounds=4 runs=3 work=build-bench
mkdir -p $work/corpus
for tool in mkcorpus replay xdp; do
	[ $work/$tool -nt bench/$tool.c ] || cc -std=gnu17 -O2 -o $work/$tool bench/$tool.c
done
[ -f $work/corpus/live-short.pcap ] || $work/mkcorpus short $work/corpus/live-short.pcap $((packets / 2)) >/dev/null
[ -f $work/corpus/live-heavy.pcap ] || $work/mkcorpus heavy $work/corpus/live-heavy.pcap $packets >/dev/null
run=$(mktemp -d)
ns=weir-xdp-$$
pid=
trap '[ -z "$pid" ] || kill $pid 2>/dev/null; ip netns del $ns 2>/dev/null; rm -rf "$run"' EXIT
ip netns add $ns
inside() { ip netns exec $ns "$@"; }
inside sysctl -qw net.ipv6.conf.all.disable_ipv6=1
inside ip link add src type veth peer name dst
for end in src dst; do inside ip link set $end up; done

busy() { awk -v hz="$(getconf CLK_TCK)" '/^cpu / {print ($2 + $3 + $4 + $7 + $8) / hz}' /proc/stat; }
median() { sort -g "$1" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
for kind in short heavy; do
	for _ in $(seq $runs); do
		for way in none ring generic native; do
			pid=
			if [ $way != none ]; then
				ip netns exec $ns $work/xdp dst $way >"$run/out" 2>"$run/err" &
				pid=$!
				for _ in $(seq 100); do
					grep -qs ready "$run/out" && break
					kill -0 $pid 2>/dev/null || break
					sleep 0.05
				done
				grep -qs ready "$run/out" || { cat "$run/err" >&2; pid=; continue; }
			fi
			before=$(busy)
			sent=$(inside $work/replay src $work/corpus/live-$kind.pcap 0 $rounds)
			after=$(busy)
			echo "$before $after ${sent%% *}" | awk '{print ($2 - $1) * 1e6 / $3}' >>"$run/$kind.$way.all"
			[ -n "$pid" ] || continue
			sleep 0.3
			kill $pid
			wait $pid || :
			pid=
			tail -n 1 "$run/out" | awk -v sent="${sent%% *}" \
				'{print $4 * 1e6 / sent > "/dev/stderr"; print sent - $1, $3}' \
				>>"$run/$kind.$way.lost" 2>>"$run/$kind.$way.own"
		done
	done
	base=$(median "$run/$kind.none.all")
	for way in ring generic native; do
		[ -s "$run/$kind.$way.own" ] || continue
		echo "$kind|$way|$(median "$run/$kind.$way.own")|$(awk -v a="$(median "$run/$kind.$way.all")" -v b="$base" 'BEGIN {printf "%.3f", a - b}')|$(median "$run/$kind.$way.lost" )" >>"$run/table"
	done
done
{ echo "traffic|way|CPU s/Mframes of the process|of the machine|frames not seen"; cat "$run/table"; } | column -t -s'|'
