#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The article's downloads by octets and packets: a model is fitted on the first half by
# time of each path, without labels, and frozen; the second half is named by it. Decoys
# are other files in the catalogue: sizes of Debian's packages, or log-normal ones (median
# 5 MB).
#   bench/article.sh    needs ../shared/captures/article; WEIR=PROGRAM measures that one
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C TZ=UTC
data=../shared/captures/article
[ -f $data/downloads.csv ] || { echo "$data is not there"; exit 0; }
if [ -z "${WEIR:-}" ]; then
	script/build >/dev/null
	WEIR=build/weir
fi
work=build-bench/article
rm -rf $work
mkdir -p $work
awk -F, 'BEGIN {print "name\tsize"} NR > 1 {print "f" $1 "\t" $2}' $data/files.csv >$work/none.tsv
{ cat $work/none.tsv; xzcat demo/packages.tsv.xz | grep -v '^#' |
	awk -F'\t' 'NR > 1 {print "decoy" NR "\t" $5}'; } >$work/debian.tsv
for n in 1000 60000; do
	{ cat $work/none.tsv; awk -v n=$n 'BEGIN { srand(20261129)
		for (i = 0; i < n; i++) {
			z = sqrt(-2 * log(1 - rand())) * cos(6.2831853 * rand())
			printf "decoy%d\t%d\n", i, 1000 + 5e6 * exp(1.2 * z)
		} }'; } >$work/normal-$n.tsv
done
for path in a b c; do
	awk -F, -v path=$path 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	$c["scenario"] == path && $c["complete"] == 1 { print $c["first"] "\t" $c["last"] "\t" $c["cip"] \
		"\t10.9.1.1\t" $c["cport"] "\t80\ttcp\t" $c["cs_bytes"] "\t" $c["cs_pkts"] "\t" \
		$c["sc_bytes"] "\t" $c["sc_pkts"] "\tf" $c["file"] }' $data/downloads.csv | sort -n >$work/all
	half=$(($(wc -l <$work/all) / 2))
	columns="start\tend\tsrc\tdst\tsrc_port\tdst_port\tproto\tbytes\tpackets\treverse_bytes\treverse_packets"
	{ printf "$columns\n"; head -n $half $work/all | cut -f 1-11; } >$work/first.tsv
	{ printf "$columns\n"; tail -n +$((half + 1)) $work/all | cut -f 1-11; } >$work/second.tsv
	tail -n +$((half + 1)) $work/all | awk -F'\t' '{print $5 " " $10 " " $12}' >$work/truth
	"$WEIR" load $work/first.tsv --store $work/$path.1 >/dev/null 2>&1
	"$WEIR" load $work/second.tsv --store $work/$path.2 >/dev/null 2>&1
	for decoys in none normal-1000 normal-60000 debian; do
		"$WEIR" model fit --store $work/$path.1 -c $work/$decoys.tsv -w $work/model 2>/dev/null
		"$WEIR" identify --store $work/$path.2 -c $work/$decoys.tsv --model $work/model --frozen \
			-o tsv -w $work/found 2>/dev/null
		"$WEIR" identify --store $work/$path.2 -c $work/$decoys.tsv --model $work/model --frozen \
			--threshold 0.000001 -o tsv -w $work/likeliest 2>/dev/null
		awk -F'\t' -v what="path $path, decoys $decoys" 'NR == FNR { split($0, t, " ")
				name[t[1] " " t[2]] = t[3]; n++; next }
			FNR == 1 { files++ } FNR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
			files == 2 { top += $c["name"] == name[$c["client_port"] " " $c["bytes"]]; next }
			{ truth = name[$c["client_port"] " " $c["bytes"]]; said = $c["name"]
				right += said == truth; wrong += said != "" && said != truth
				sure += said != "" && $c["probability"] >= 0.99
				bad += said != "" && $c["probability"] >= 0.99 && said != truth }
			END { printf "%-30s %4d: %5.1f %% likeliest, %5.1f %% named right, %d wrong; 0.99: %d, wrong %d\n",
				what, n, 100 * top / n, 100 * right / n, wrong, sure, bad }' $work/truth $work/found \
			$work/likeliest
		rm -f $work/found $work/likeliest
	done
done
