#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# How fast downloads are identified.
#   bench/identify.sh [quick] [PART...]    prints rows for script/bench on standard output:
#   MEASURE|UNIT|PEER|PEER'S|WEIR'S|more or less|GOAL, PEER and GOAL perhaps empty
# spans        one by one by their spans in catalogues of 50 to 5 million files, one in ten of
#              no file (bench/spans.c)
# plain        the same by octets and packets (bench/plain.c)
# classifiers  trees, forests and neighbours beside scikit-learn's, on the same rows in the
#              same run, one core each (bench/classify.py)
# whole        weir identify from a store to findings as TSV, with what it learns from the
#              records themselves, beside scikit-learn's nearest neighbour, which learns from a
#              labelled half of them and names the other (bench/records.py, bench/whole.py)
# oracle       no rows: what one names that knows all parameters, and what weir names that
#              learns them (bench/bayes.c)
# The first four if none is told. WEIR=PROGRAM measures that one in whole.
set -euo pipefail
cd "$(dirname "$0")/.."
size=full parts=""
for word in "$@"; do
	case "$word" in
	quick | full) size=$word ;;
	spans | plain | classifiers | whole | oracle) parts="$parts $word" ;;
	*) echo "usage: bench/identify.sh [quick] [spans | plain | classifiers | whole | oracle]..." >&2; exit 2 ;;
	esac
done
is_quick() { [ $size = quick ]; }
runs=3
is_quick && runs=1
work=build-bench/identify
mkdir -p $work
# built NAME: a program of bench/, built as the release is.
built() {
	[ -f build/build.ninja ] || script/build >/dev/null
	ninja -C build "bench-$1" >$work/built || { cat $work/built >&2; exit 1; }
	echo "build/bench-$1"
}
# middle COLUMN: the median of lines on standard input.
middle() { awk -v c="$1" '{print $c}' | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
grouped() { sed ':a; s/\B[0-9]\{3\}\b/,&/; ta' <<<"$1"; }
has_peer() { /usr/bin/python3 -c 'import sklearn' 2>/dev/null; }

spans() {
	local program files lookups=2000000 goal
	program=$(built spans)
	is_quick && lookups=500000
	for files in 50 1000 66493 $(is_quick || echo 1000000 5000000); do
		for _ in $(seq $runs); do $program "$files" $lookups; done >$work/spans
		goal=""
		[ "$files" = 66493 ] && goal=5
		echo "spans, $(grouped "$files") files|M/CPU s|-|-|$(middle 3 <$work/spans)|more|$goal"
		awk '$4 < 0.999 {print "bench/identify.sh: of", $1, "files the likeliest was right in", $4}' $work/spans >&2
	done
	echo "  memory at the most|MiB|-|-|$(middle 5 <$work/spans)|less|"
}

plain() {
	local program files goal
	program=$(built plain)
	for files in 50 1000 60000 $(is_quick || echo 1000000); do
		for _ in $(seq $runs); do $program "$files"; done >$work/plain
		goal=""
		[ "$files" = 60000 ] && goal=200
		echo "plain records, $(grouped "$files") files|thousand/CPU s|-|-|$(middle 3 <$work/plain | awk '{print $1 / 1000}')|more|$goal"
	done
}

classifiers() {
	has_peer || { echo "bench/identify.sh: no classifiers: python3-sklearn is not installed" >&2; return; }
	mkdir -p $work/classify
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
		/usr/bin/python3 -W ignore bench/classify.py "$(built classifier)" $work/classify $size
	rm -rf $work/classify
}

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
# seconds KIND COUNT: CPU seconds; findings are kept.
seconds() {
	local name=$work/$1-$2
	for _ in $(seq $runs); do
		build-bench/usage "$name.usage" "$WEIR" identify --store "$name.store" \
			-c $work/packages.tsv -o tsv -w "$name.findings" >/dev/null 2>&1
		cat "$name.usage"
	done | middle 1
}
# right KIND COUNT: per cent of all downloads that are named right, or not where they are of
# no file.
right() {
	"$WEIR" evaluate --findings "$work/$1-$2.findings" --truth "$work/$1-$2.truth" -o ndjson 2>/dev/null |
		awk -F'[:,]' '/"part":"all","group":"all","grade":"all"/ {
			for (i = 1; i < NF; i++) if ($i == "\"accuracy\"") printf "%.1f\n", 100 * $(i + 1); exit }'
}
whole() {
	local kind count half all goal peer rate named
	[ -n "${WEIR:-}" ] || { script/build >/dev/null; WEIR=build/weir; }
	[ build-bench/usage -nt bench/usage.c ] || cc -std=gnu17 -O2 -o build-bench/usage bench/usage.c
	xz -dc demo/packages.tsv.xz >$work/packages.tsv
	for kind in spans plain; do
		count=300000 goal=""
		[ $kind = plain ] && count=100000 goal=200
		is_quick && count=$((count / 5))
		store $kind $count
		store $kind $((count / 2))
		half=$(seconds $kind $((count / 2)))
		all=$(seconds $kind $count)
		peer=- rate=- named=-
		if has_peer; then
			peer="scikit-learn"
			read -r rate named < <(/usr/bin/python3 -W ignore bench/whole.py "$work/$kind-$count")
			rate=$(awk -v r="$rate" 'BEGIN {print r / 1000}')
		fi
		echo "identify, $(grouped $count) records, $kind|thousand/CPU s|$peer|$rate|$(awk -v n=$count -v s="$all" 'BEGIN {print n / s / 1000}')|more|$goal"
		awk -v n=$count -v a="$half" -v b="$all" 'BEGIN {
			if (b - a >= a / 10)
				print "  each of them beyond the half|thousand/CPU s|-|-|" n / 2 / (b - a) / 1000 "|more|" }'
		echo "  named right|%|$peer|$named|$(right $kind $count)|more|"
	done
}

for part in ${parts:-spans plain classifiers whole}; do
	case $part in
	oracle) "$(built bayes)" 60000 "$(is_quick && echo 4000 || echo 20000)" ;;
	*) $part ;;
	esac
done
