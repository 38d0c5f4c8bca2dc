#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# How fast weir identify is as a whole, from a store to findings as TSV, with what it
# learns from the records themselves; beside it scikit-learn's nearest neighbour, which
# learns from a labelled half of the same records and names the other half.
#   bench/whole.sh [quick]
# Records are made by bench/records.py from a fixed seed: 100 servers, 5,000 clients, the
# 66,493 files of demo/packages.tsv.xz, one in ten of another file. Prints for spans and
# for plain records: records, CPU seconds, records a CPU second, share right; and what
# each record more costs once all is learned, by the difference of two runs. WEIR=PROGRAM
# measures that one instead of building.
set -euo pipefail
cd "$(dirname "$0")/.."
spans=300000 plain=100000
[ "${1:-}" = quick ] && spans=60000 plain=20000
[ -n "${WEIR:-}" ] || { script/build >/dev/null; WEIR=build/weir; }
work=build-bench/whole
mkdir -p $work
[ build-bench/usage -nt bench/usage.c ] || cc -std=gnu17 -O2 -o build-bench/usage bench/usage.c
xz -dc demo/packages.tsv.xz >$work/packages.tsv

# store KIND COUNT: makes the records and their store unless they are there.
store() {
	local name=$work/$1-$2 made
	made="$(cat bench/records.py demo/packages.tsv.xz | cksum)"
	[ "$(cat "$name.made" 2>/dev/null)" = "$made" ] && return
	rm -rf "$name.store"
	/usr/bin/python3 bench/records.py "$1" "$2" $work/packages.tsv 1 "$name.truth" >"$name.tsv"
	"$WEIR" load --store "$name.store" "$name.tsv" >/dev/null 2>&1
	echo "$made" >"$name.made"
}
# seconds KIND COUNT: CPU seconds, the least of three runs; findings are kept.
seconds() {
	local name=$work/$1-$2
	for _ in 1 2 3; do
		build-bench/usage "$name.usage" "$WEIR" identify --store "$name.store" \
			-c $work/packages.tsv -o tsv -w "$name.findings" >/dev/null 2>&1
		cut -d' ' -f1 "$name.usage"
	done | sort -g | head -n 1
}
# right KIND COUNT: per cent of all downloads that are named right, or not where they are
# of no file.
right() {
	"$WEIR" evaluate --findings "$work/$1-$2.findings" --truth "$work/$1-$2.truth" -o ndjson 2>/dev/null |
		awk -F'[:,]' '/"part":"all","group":"all","grade":"all"/ {
			for (i = 1; i < NF; i++) if ($i == "\"accuracy\"") printf "%.1f\n", 100 * $(i + 1); exit }'
}
echo "records|CPU s|records a CPU s|right %|each more, a CPU s|scikit-learn|right %"
for row in "spans $spans" "plain $plain"; do
	read -r kind count <<<"$row"
	store "$kind" "$count"
	store "$kind" $((count / 2))
	half=$(seconds "$kind" $((count / 2)))
	all=$(seconds "$kind" "$count")
	peer=$(/usr/bin/python3 -W ignore bench/whole.py "$work/$kind-$count" 2>/dev/null || echo "- -")
	echo "$kind $count $all $half $(right "$kind" "$count") $peer" |
		awk '{printf "%s %d|%.2f|%.0f|%s|%s|%s|%s\n", $1, $2, $3, $2 / $3, $5, ($3 > $4 * 1.1 ? sprintf("%.0f", $2 / 2 / ($3 - $4)) : "-"), $6, $7}'
done | cat
