# SPDX-License-Identifier: BSD-2-Clause
# The article's baseline: classifiers trained on labelled downloads of path a, by time
# split, name those of all three paths; within fixed intervals, and beside scikit-learn on
# the same rows. No download that is judged was learned from: of path a the later half is
# judged after training on the earlier half; after training on all of it, only b and c
# are.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1
data=../shared/captures/article
if [ ! -f $data/downloads.csv ]; then
	skip "classifiers on the article's downloads" "../shared/captures is not there"
	exit 0
fi
# The flows of a path as a router's records give them, and who they were.
for path in a b c; do
	awk -F, -v path=$path -v flows="$tmp/$path.tsv" -v truth="$tmp/$path.truth" 'NR == 1 {
		for (i = 1; i <= NF; i++) c[$i] = i
		print "start\tend\tsrc\tdst\tsrc_port\tdst_port\tproto\tbytes\tpackets\treverse_bytes\treverse_packets" >flows
		print "client\tclient_port\tstart\tname" >truth
		next }
	$c["scenario"] == path && $c["complete"] == 1 {
		print $c["first"] "\t" $c["last"] "\t" $c["cip"] "\t10.9.1.1\t" $c["cport"] "\t80\ttcp\t" \
			$c["cs_bytes"] "\t" $c["cs_pkts"] "\t" $c["sc_bytes"] "\t" $c["sc_pkts"] >flows
		print $c["cip"] "\t" $c["cport"] "\t" $c["first"] "\tf" $c["file"] >truth
	}' $data/downloads.csv
	"$weir" load "$tmp/$path.tsv" --store "$tmp/$path" >/dev/null || not_ok "$path: load"
done
middle=$(tail -n +2 "$tmp/a.truth" | cut -f3 | sort -g | awk '{t[NR] = $1} END {print t[int(NR / 2) + 1]}')
awk -v m="$middle" 'NR == 1 || $3 >= m' "$tmp/a.truth" >"$tmp/a.later"

# score TRAINED KIND FEATURES PATH TRUTH [FILTER]: a line "trained kind features path
# percent".
score() {
	local trained=$1 kind=$2 features=$3 path=$4 truth=$5
	shift 5
	"$weir" identify --store "$tmp/$path" --classifier "$tmp/model" --threshold 0.000001 -o tsv \
		-w "$tmp/found" "$@" || return
	"$weir" evaluate --findings "$tmp/found" --truth "$truth" -o ndjson 2>/dev/null | head -n 1 |
		sed "s/.*\"right\":\([0-9]*\).*\"downloads\":.*//; s/.*\"downloads\":\([0-9]*\),\"right\":\([0-9]*\),.*/\1 \2/" |
		awk -v key="$trained $kind $features $path" '{printf "%s %.1f\n", key, 100 * $2 / $1}' >>"$tmp/ours"
}
for trained in half all; do
	before=any
	[ $trained = half ] && before="start < $middle"
	for kind in tree forest knn; do
		for features in bytes bytes,packets; do
			"$weir" learn --store "$tmp/a" --labels "$tmp/a.truth" --classifier $kind --features $features \
				--float32 -w "$tmp/model" "$before" 2>"$tmp/learned" || not_ok "learn $trained $kind $features"
			[ $trained = half ] && score half $kind $features a "$tmp/a.later" "start >= $middle"
			score $trained $kind $features b "$tmp/b.truth"
			score $trained $kind $features c "$tmp/c.truth"
		done
	done
done
# Ties between features go to the one that comes first.
"$weir" learn --store "$tmp/a" --labels "$tmp/a.truth" --classifier tree --features packets,bytes --float32 \
	-w "$tmp/model" 2>"$tmp/learned" || not_ok "learn packets,bytes"
for path in b c; do score all tree packets,bytes $path "$tmp/$path.truth"; done
is "each was learned and judged" "$(wc -l <"$tmp/ours")" 32

if /usr/bin/python3 -c 'import sklearn' 2>/dev/null; then
	OMP_NUM_THREADS=1 /usr/bin/python3 -W ignore tests/golden/classifiers.py $data/downloads.csv >"$tmp/theirs"
	# A tree of one feature is the very same tree. Of two, a lot decides in
	# scikit-learn where both split equally well, here the order does: its trees lie
	# between the two orders.
	join -j 1 <(awk '{print $1 "/" $2 "/" $3 "/" $4, $5}' "$tmp/ours" | sort) \
		<(awk '{print $1 "/" $2 "/" $3 "/" $4, $5}' "$tmp/theirs" | sort) >"$tmp/both"
	is "scikit-learn judged the same" "$(wc -l <"$tmp/both")" 30
	is "trees of bytes are as right as scikit-learn's to the download" \
		"$(awk '$1 ~ "/tree/bytes/" && $2 != $3' "$tmp/both")" ""
	# Twelve seeds of either spread over 31 to 41 (scikit-learn) and 27 to 42 on c
	# with packets.
	is "forests within 3 points, 15 on c; neighbours within 2" "$(awk '{d = $2 - $3; d = d < 0 ? -d : d}
		$1 ~ "/forest/" && d > ($1 ~ "/c$" ? 15 : 3) || $1 ~ "/knn/" && d > 2' "$tmp/both")" ""
	of() { awk -v k="$1" '$1 "/" $2 "/" $3 "/" $4 == k {print $5}' "$tmp/ours"; }
	is "c: scikit-learn's trees of both lie between weir's of either order" \
		"$(awk -v l="$(of all/tree/packets,bytes/c)" -v h="$(of all/tree/bytes,packets/c)" \
			'$1 == "lots" && $2 == "c" {print (l <= $3 && $4 <= h && $4 - $3 > 10)}' "$tmp/theirs")" 1
	grep lots "$tmp/theirs" | sed "s/lots/#   scikit-learn's trees of bytes,packets, 40 lots, least and most, path/"
	echo "# trained on a: classifier, features, path: weir, scikit-learn"
	{ cat "$tmp/both"; grep packets,bytes "$tmp/ours"; } | sed 's/^/#   /'
else
	skip "scikit-learn on the same downloads" "python3-sklearn is not installed (script/setup test)"
	sed 's/^/#   /' "$tmp/ours"
fi
# What the article's way reaches: measured before, by scikit-learn
# (docs/results/classifiers.md).
while read -r trained kind features path low high; do
	got=$(awk -v k="$trained $kind $features $path" '$1 " " $2 " " $3 " " $4 == k {print $5}' "$tmp/ours")
	is "$kind of $features trained on $trained of a: path $path between $low and $high %" \
		"$(awk -v g="$got" -v l="$low" -v h="$high" 'BEGIN {print (g >= l && g <= h) ? "yes" : g}')" yes
done <<'END'
half tree bytes a 92.0 93.0
half tree bytes b 83.6 84.6
half tree bytes c 59.6 60.6
all tree bytes b 82.7 83.7
all tree bytes c 59.2 60.2
half tree bytes,packets a 90.5 93.5
half tree bytes,packets b 82.5 87.0
half tree bytes,packets c 57.0 62.0
all tree bytes,packets b 81.5 86.5
all tree bytes,packets c 57.0 62.0
all tree packets,bytes b 81.5 86.5
all tree packets,bytes c 10.0 25.0
half forest bytes b 82.6 85.6
half forest bytes,packets c 24.0 46.0
half knn bytes a 92.5 94.5
half knn bytes b 88.5 90.5
half knn bytes c 57.0 59.5
END
