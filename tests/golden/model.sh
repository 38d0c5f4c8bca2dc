# SPDX-License-Identifier: BSD-2-Clause
# weir model: fitted on the first half by time of the article's downloads, frozen, and the
# second half named by it; hostile files.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1

status "no model: usage" 2 "$weir" model
status "fit needs a store" 2 "$weir" model fit -w "$tmp/m"
printf 'weir-wire-model\t1\nserver\tport\tclient\tparameter\tvalue\n-\t-\t-\tlam\t-3\n' >"$tmp/bad"
status "a parameter out of bounds" 1 "$weir" model show "$tmp/bad"
"$weir" model show "$tmp/bad" 2>"$tmp/err"
is "its message says where and what" "$(grep -c 'line 3: lam takes 1 number from 0 to 10' "$tmp/err")" 1
printf 'hello\n' >"$tmp/bad"
status "no model file" 1 "$weir" model show "$tmp/bad"
status "frozen without a model" 2 "$weir" identify --store "$tmp" -c x --frozen
status "adapting without a model" 2 "$weir" identify --store "$tmp" -c x --adapt
status "frozen and adapting" 2 "$weir" identify --store "$tmp" -c x --model "$tmp/m" --frozen --adapt

data=../shared/captures/article
if [ ! -f $data/downloads.csv ]; then
	skip "the article's downloads" "../shared/captures is not there"
	exit 0
fi
awk -F, 'BEGIN {print "name\tsize"} NR > 1 {print "f" $1 "\t" $2}' $data/files.csv >"$tmp/files.tsv"
for path in a b c; do
	awk -F, -v path=$path 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	$c["scenario"] == path && $c["complete"] == 1 { print $c["first"] "\t" $c["last"] "\t" $c["cip"] \
		"\t10.9.1.1\t" $c["cport"] "\t80\ttcp\t" $c["cs_bytes"] "\t" $c["cs_pkts"] "\t" \
		$c["sc_bytes"] "\t" $c["sc_pkts"] "\tf" $c["file"] }' $data/downloads.csv | sort -n >"$tmp/all"
	half=$(($(wc -l <"$tmp/all") / 2))
	columns="start\tend\tsrc\tdst\tsrc_port\tdst_port\tproto\tbytes\tpackets\treverse_bytes\treverse_packets"
	{ printf "$columns\n"; head -n $half "$tmp/all" | cut -f 1-11; } >"$tmp/first.tsv"
	{ printf "$columns\n"; tail -n +$((half + 1)) "$tmp/all" | cut -f 1-11; } >"$tmp/second.tsv"
	tail -n +$((half + 1)) "$tmp/all" | awk -F'\t' '{print $5 " " $10 " " $12}' >"$tmp/truth"
	status "$path: load the first half" 0 "$weir" load "$tmp/first.tsv" --store "$tmp/$path.1"
	status "$path: load the second half" 0 "$weir" load "$tmp/second.tsv" --store "$tmp/$path.2"
	status "$path: fit on the first" 0 "$weir" model fit --store "$tmp/$path.1" -c "$tmp/files.tsv" \
		-w "$tmp/$path.model"
	cp "$tmp/$path.model" "$tmp/$path.before"
	status "$path: name the second" 0 "$weir" identify --store "$tmp/$path.2" -c "$tmp/files.tsv" \
		--model "$tmp/$path.model" --frozen -o tsv -w "$tmp/$path.found"
	status "$path: name by what adapts" 0 "$weir" identify --store "$tmp/$path.2" -c "$tmp/files.tsv" \
		--model "$tmp/$path.model" --adapt -o tsv -w "$tmp/$path.adapted"
	is "$path: what the model has stays, so the names do" "$(cmp "$tmp/$path.found" "$tmp/$path.adapted" && echo same)" same
	is "$path: a frozen model stays as it is" "$(cmp "$tmp/$path.before" "$tmp/$path.model" && echo same)" same
	awk -F'\t' 'NR == FNR { split($0, t, " "); name[t[1] " " t[2]] = t[3]; n++; next }
		FNR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
		{ truth = name[$c["client_port"] " " $c["bytes"]]; said = $c["name"]; right += said == truth
			wrong += said != "" && said != truth; sure += said != "" && $c["probability"] >= 0.99
			bad += said != "" && $c["probability"] >= 0.99 && said != truth }
		END { printf "%d downloads, %d right, %d wrong; %d said with 0.99, %d of them wrong\n", n, right, wrong, sure, bad
			print (right >= 0.99 * n && wrong <= 0.005 * n && bad <= 0.005 * sure) >"/dev/stderr" }' \
		"$tmp/truth" "$tmp/$path.found" >"$tmp/score" 2>"$tmp/verdict"
	sed "s/^/# $path, frozen: /" "$tmp/score"
	is "$path: 99 % of the second half are named right" "$(cat "$tmp/verdict")" 1
	"$weir" model show "$tmp/$path.model" -o tsv >"$tmp/shown"
	is "$path: the model shows the path's segments" \
		"$(awk -F'\t' '$3 != "-" && $4 == "mss" {print $5}' "$tmp/shown")" \
		"$([ $path = c ] && echo 1368 || echo 1448)"
done
status "a model goes on being fitted" 0 "$weir" identify --store "$tmp/a.2" -c "$tmp/files.tsv" \
	--model "$tmp/a.model" -o tsv -w "$tmp/again"
is "and counts" "$("$weir" model show "$tmp/a.model" -o tsv | awk -F'\t' '$4 == "version" {print $5}')" 2

# For people: what a terminal of 100 columns shows, each parameter under its path, meanings once.
"$weir" model show "$tmp/b.model" >"$tmp/people"
is "for people no line has more than 100 columns" "$(awk 'length > 100' "$tmp/people" | wc -l)" 0
is "every parameter of every path is there" "$(grep -cE '^  [a-z]' "$tmp/people")" \
	"$("$weir" model show "$tmp/b.model" -o tsv | tail -n +2 | wc -l)"
is "under as many headings as there are paths" "$(grep -cE '^(All servers|Server )' "$tmp/people")" \
	"$("$weir" model show "$tmp/b.model" -o tsv | tail -n +2 | cut -f 1-3 | uniq | wc -l)"
is "a meaning is told once" "$(grep -c 'largest segment; 0: by each record' "$tmp/people")" 1
band=$("$weir" model show "$tmp/b.model" -o tsv | awk -F'\t' '$4 == "band" {print $5; exit}')
is "many values are how many, and from what to what" "$(awk '$1 == "band" {print $2, $3, $4, $5, $6; exit}' "$tmp/people")" \
	"$(printf '%s' "$band" | tr ',' '\n' | LC_ALL=C sort -g | awk '{v[NR] = $1 + 0} END {printf "%d values, %.3g to %.3g\n", NR, v[1], v[NR]}')"
is "columns that are asked for have all of them" "$("$weir" model show "$tmp/b.model" -f parameter,value | awk '$1 == "band" {print $2; exit}')" "$band"
