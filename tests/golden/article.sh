# SPDX-License-Identifier: BSD-2-Clause
# The article's experiment from octets and packets alone: 1,988 downloads of 50 files over
# three paths, as a router's records give them. Learned without labels on each path's own
# flows.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1
data=../shared/captures/article
if [ ! -f $data/downloads.csv ]; then
	skip "the article's downloads" "../shared/captures is not there"
	exit 0
fi
awk -F, 'BEGIN {print "name\tsize"} NR > 1 {print "f" $1 "\t" $2}' $data/files.csv >"$tmp/files.tsv"
for path in a b c; do
	awk -F, -v path=$path 'NR == 1 {
		for (i = 1; i <= NF; i++) c[$i] = i
		print "start\tend\tsrc\tdst\tsrc_port\tdst_port\tproto\tbytes\tpackets\treverse_bytes\treverse_packets"
		next }
	$c["scenario"] == path && $c["complete"] == 1 { print $c["first"] "\t" $c["last"] "\t" $c["cip"] \
		"\t10.9.1.1\t" $c["cport"] "\t80\ttcp\t" $c["cs_bytes"] "\t" $c["cs_pkts"] "\t" \
		$c["sc_bytes"] "\t" $c["sc_pkts"] }' $data/downloads.csv >"$tmp/$path.tsv"
	awk -F, -v path=$path 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
		$c["scenario"] == path && $c["complete"] == 1 { print $c["cport"] " " int($c["sc_bytes"]) " f" $c["file"] }' \
		$data/downloads.csv >"$tmp/$path.truth"
	status "$path: load" 0 "$weir" load "$tmp/$path.tsv" --store "$tmp/$path"
	status "$path: identify" 0 "$weir" identify --store "$tmp/$path" -c "$tmp/files.tsv" -o tsv -w "$tmp/$path.found"
	awk -F'\t' 'NR == FNR { split($0, t, " "); name[t[1] " " t[2]] = t[3]; n++; next }
		FNR > 1 { truth = name[$4 " " $7]; right += $9 == truth; wrong += $9 != "" && $9 != truth
			sure += $9 != "" && $11 >= 0.99; bad += $9 != "" && $11 >= 0.99 && $9 != truth }
		END { printf "%d downloads, %d right, %d wrong; %d said with 0.99, %d of them wrong\n", n, right, wrong, sure, bad
			print (right >= 0.985 * n && wrong <= 0.002 * n && bad <= 0.005 * sure) >"/dev/stderr" }' \
		"$tmp/$path.truth" "$tmp/$path.found" >"$tmp/score" 2>"$tmp/verdict"
	sed "s/^/# $path: /" "$tmp/score"
	is "$path: 98.5 % are named right, 0.2 % wrong at most" "$(cat "$tmp/verdict")" 1
done
