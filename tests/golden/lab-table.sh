# SPDX-License-Identifier: BSD-2-Clause
# weir lab table over a made data set: every figure, what is told of misses, that steps
# are run once, and what is said of what is not there.  WEIR_RENEW=1 renews the golden
# file.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1
. tests/lab-data.sh
status "the table of a data set" 0 "$weir" lab table "$lab" -o ndjson -w "$tmp/first"
# figure SCENARIO METHOD: downloads, right, wrong, unknown, absent
figure() {
	grep "\"row\":\"score\",\"scenario\":\"$1\",\"place\":\"subnet\",\"method\":\"$2\",.*\"kind\":\"all\"" "$tmp/first" |
		sed 's/.*"downloads":\([0-9]*\),"right":\([0-9]*\),"wrong":\([0-9]*\),"unknown":\([0-9]*\),"absent":\([0-9]*\).*/\1 \2 \3 \4 \5/'
}
classifiers="tree tree-packets"
if /usr/bin/python3 -c 'import sklearn' 2>/dev/null; then
	for kind in tree forest knn; do classifiers="$classifiers sklearn-$kind sklearn-$kind-packets"; done
else
	skip "the table's columns of scikit-learn" "python3-sklearn is not installed (script/setup test)"
	like "they say so" "$(grep '"sklearn-knn"' "$tmp/first")" 'python3-sklearn is not installed'
fi
# Of six-hops a classifier names right what was sent once, 8, and of the rest the largest
# file, which has no next one, 2; of reuse, where sums are beyond all files, the largest
# file again.
for method in $classifiers; do
	is "$method: one-hop" "$(figure one-hop $method)" "24 24 0 0 0"
	is "$method: six-hops" "$(figure six-hops $method)" "24 10 14 0 0"
	is "$method: vpn" "$(figure vpn $method)" "16 16 0 0 0"
	is "$method: reuse" "$(figure reuse $method)" "30 3 7 20 0"
done
for method in wire wire-fitted spans; do
	is "$method: one-hop" "$(figure one-hop $method)" "24 24 0 0 0"
	is "$method: six-hops" "$(figure six-hops $method)" "24 24 0 0 0"
	is "$method: vpn" "$(figure vpn $method)" "16 16 0 0 0"
done
# Frozen on single downloads the wire model says nothing of three.
is "wire: reuse" "$(figure reuse wire)" "30 0 0 30 0"
is "spans: reuse" "$(figure reuse spans)" "30 30 0 0 0"
is "retransmissions are those of the spans" \
	"$(grep '"again","scenario":"six-hops".*"method":"tree"' "$tmp/first" | sed 's/.*"from":\([0-9]*\).*"downloads":\([0-9]*\),"right":\([0-9]*\).*/\1 \2 \3/' | tr '\n' ,)" "0 8 8,1 16 2,"
is "a miss a download that was not named right" "$(grep -c '"miss".*"method":"tree"' "$tmp/first")" $((14 + 27))
like "with what was said" "$(grep '"miss","scenario":"six-hops".*"method":"tree"' "$tmp/first" | head -n 1)" \
	'"name":"file-1","kind":"whole","said":"file-2","probability":1,"again":2,"why":"another file was named"'
like "or why nothing was" "$(grep '"miss","scenario":"reuse".*"method":"tree"' "$tmp/first")" 'holds 3 downloads and no name is left'
is "a bin where all was right" \
	"$(grep '"bin","scenario":"reuse","method":"spans"' "$tmp/first" | grep -o '"names":.*"share":[0-9.]*' | sed 's/"probability":[0-9.]*,//')" \
	'"names":30,"right":30,"share":1'
status "as text" 0 "$weir" lab table "$lab" -w "$tmp/text"
[ -n "${WEIR_RENEW:-}" ] && cp "$tmp/text" tests/golden/lab-table.golden
case "$classifiers" in *sklearn*) is "text is as before" "$(cat "$tmp/text")" "$(cat tests/golden/lab-table.golden)" ;; esac

# Steps are not run again, unless what they were made of has changed.
made() { (cd "$lab" && find . \( -path '*/results/*.tsv' -o -path './models/*.model' \) -exec stat -c '%n %i %Z' {} + | sort); }
made >"$tmp/before"
status "the table again" 0 "$weir" lab table "$lab" -o ndjson -w "$tmp/second"
is "says the same" "$(cat "$tmp/second")" "$(cat "$tmp/first")"
is "and makes nothing anew" "$(made)" "$(cat "$tmp/before")"
# What counts is what is in the files, not where they are, what they are called from outside,
# or when they were written.
find "$lab" -name '*.parquet' -exec touch {} +
mv "$lab" "$tmp/elsewhere"
status "the table from another folder" 0 sh -c "cd '$tmp/elsewhere/models' && '$weir' lab table ../../elsewhere/ -o ndjson -w '$tmp/moved'"
is "says the same" "$(cat "$tmp/moved")" "$(cat "$tmp/first")"
mv "$tmp/elsewhere" "$lab"
is "and makes nothing anew" "$(made)" "$(cat "$tmp/before")"
# a file with other octets, as many and of the same time
cp -p "$lab/vpn/catalogue.tsv" "$tmp/catalogue.tsv"
sed -i 's/file-7/file-x/' "$lab/vpn/catalogue.tsv"
touch -r "$tmp/catalogue.tsv" "$lab/vpn/catalogue.tsv"
status "other content of the same size and time" 0 "$weir" lab table "$lab" -o ndjson -w "$tmp/other"
like "is seen" "$(grep '"score","scenario":"vpn".*"spans".*"all"' "$tmp/other")" '"right":14,"wrong":2'
is "and nothing else is made anew" "$(made | diff - "$tmp/before" | sed -n 's,^< \./\(.*\)\.tsv .*,\1,p' | sort | tr '\n' ' ')" \
	"vpn/results/subnet.spans vpn/results/subnet.wire vpn/results/subnet.wire-fitted "
cp -p "$tmp/catalogue.tsv" "$lab/vpn/catalogue.tsv"
status "as it was" 0 "$weir" lab table "$lab" -o ndjson -w "$tmp/other"
made >"$tmp/before"
finish vpn
status "after a change" 0 "$weir" lab table "$lab" -o ndjson -w "$tmp/third"
is "only what hangs on it is made anew" \
	"$(made | diff - "$tmp/before" | sed -n 's,^< \./\([a-z-]*\)/.*,\1,p' | sort -u | tr '\n' ' ')" "vpn "
is "the figures of the others stay" "$(diff "$tmp/third" "$tmp/first" | grep -v -e '"vpn"' -e '"all"' | grep -c '^[<>]')" 0

# One at a time, and one that is stopped goes on.
rm "$lab"/*/results/*.made
(flock 9; exec sleep 600) 9>"$lab/models/lock" &
holder=$!
children="$children $holder"
for _ in $(seq 100); do flock -n "$lab/models/lock" true || break; sleep 0.05; done
status "a second one" 1 "$weir" lab table "$lab"
like "is told to wait" "$(cat "$tmp/err")" 'another weir lab table is at work'
kill $holder 2>/dev/null
wait $holder 2>/dev/null
printf '#!/bin/sh\necho started >>"%s/python"\nexec sleep 600\n' "$tmp" >"$tmp/slow"
chmod 755 "$tmp/slow"
"$weir" lab table "$lab" --python "$tmp/slow" >"$tmp/out" 2>"$tmp/err" &
pid=$!
children="$children $pid"
for _ in $(seq 400); do [ -s "$tmp/python" ] && break; sleep 0.05; done
kill -INT $pid
wait $pid
is "a signal stops it, what it started too" $? 1
like "and it says so" "$(cat "$tmp/err")" 'stopped; the same command goes on from here'
is "nothing is printed then" "$(cat "$tmp/out")" ""
status "then it goes on" 0 "$weir" lab table "$lab" -o ndjson -w "$tmp/again"
is "to the same end" "$(cat "$tmp/again")" "$(cat "$tmp/third")"

# What follows is quicker without scikit-learn.
quick="--python /bin/false"
# Decoys: of their sizes alone, so that spans name as before.
awk 'BEGIN {print "name\tsize"; for (i = 0; i < 2000; i++) print "x" i "\t" 900000 + 131 * i}' >"$tmp/decoys.tsv"
status "with decoys" 0 "$weir" lab table "$lab" $quick --decoys "$tmp/decoys.tsv" -o tsv -w "$tmp/decoyed"
like "a Python without scikit-learn" "$(grep sklearn-tree "$tmp/decoyed" | head -n 1)" 'python3-sklearn is not installed \(/bin/false\)'
is "catalogues have as many names as there are" "$(awk -F'\t' '$2 == "one-hop" && $4 == "spans" {print $5 " " $8}' "$tmp/decoyed" | tr '\n' ,)" \
	"8 24,1000 24,2008 24,"

is "and are made once, as all scenarios have the same files" "$(find "$lab" -name 'catalogue-1000.tsv' | wc -l)" 1

# What is not there is said, and the rest is told.
rm -r "$lab/reuse/places/subnet/store" "$lab/one-hop/places/subnet/softflowd" "$lab/reuse/run.tsv"
status "a data set with holes" 0 "$weir" lab table "$lab" $quick -o ndjson -w "$tmp/holes"
like "no store of weir's" "$(grep '"reuse".*"spans"' "$tmp/holes")" 'no store of weir.s meter here'
like "nothing to learn from" "$(grep '"vpn".*"method":"tree"' "$tmp/holes")" 'the training downloads have no plain records'
like "a run that is not done" "$(grep '"run","scenario":"reuse"' "$tmp/holes")" '"state":"no run.tsv"'
status "as text" 0 "$weir" lab table "$lab" $quick
like "which people see too" "$(cat "$tmp/out")" '^reuse is not finished: no run.tsv'
mkdir "$lab/quic" "$lab/ipv6"
printf 'state\tskipped\nreason\tcaddy is not installed\n' >"$lab/quic/run.tsv"
printf 'state\trunning\n' >"$lab/ipv6/run.tsv"
head -n 1 "$lab/vpn/truth.tsv" >"$lab/ipv6/truth.tsv"
status "scenarios without downloads" 0 "$weir" lab table "$lab" $quick
like "one was skipped" "$(cat "$tmp/out")" '^quic is not finished: skipped: caddy is not installed$'
like "one has only begun" "$(cat "$tmp/out")" '^ipv6 is not finished: running$'
is "both have no figures" "$(grep -c '^quic,\|^ipv6,' "$tmp/out")" 0
rm -r "$lab/one-hop"
status "no training" 0 "$weir" lab table "$lab" $quick -o ndjson -w "$tmp/untaught"
like "is said" "$(grep '"vpn".*"method":"wire"' "$tmp/untaught")" 'no scenario has training downloads'
echo garbage >"$lab/vpn/places/subnet/softflowd/$(cd "$lab/vpn/places/subnet/softflowd" && find . -name '*.parquet' | head -n 1)"
status "a store that cannot be read" 1 "$weir" lab table "$lab" $quick -o ndjson -w "$tmp/broken"
like "is told" "$(cat "$tmp/err")" 'parquet'
like "and noted" "$(grep '"vpn".*"method":"wire-fitted"' "$tmp/broken")" '"note":"'
like "beside what could be" "$(grep '"vpn".*"method":"spans"' "$tmp/broken")" '"right":16'
printf '10.0.0.1\t1\t1795000001\tx\t\t1\ttrain\twhole\t\t\n' >>"$lab/six-hops/truth.tsv"
sed -i 's/^10.0.0.1\t20003\t[0-9.]*/10.0.0.1\t20003\t1/' "$lab/six-hops/truth.tsv"
status "training beside what is judged" 1 "$weir" lab table "$lab"
like "is refused" "$(cat "$tmp/err")" 'six-hops/truth.tsv: training and other downloads overlap in time'
mkdir "$tmp/empty"
status "an empty folder" 1 "$weir" lab table "$tmp/empty"
like "says what should be there" "$(cat "$tmp/err")" 'no folder with a truth.tsv or run.tsv'
status "no folder" 2 "$weir" lab table
status "an unknown format" 2 "$weir" lab table "$lab" -o pdf
status "other misses" 2 "$weir" lab table "$lab" --misses some
