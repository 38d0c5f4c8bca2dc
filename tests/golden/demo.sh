# SPDX-License-Identifier: BSD-2-Clause
# The main job on the recorded captures: what must be named is named, nothing is named
# wrong with certainty, and the meter accounts for every frame.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1
for capture in demo/*.pcap; do
	run=$(basename "$capture" .pcap)
	status "$run: meter" 0 "$weir" meter -r demo/$run.pcap --store "$tmp/$run"
	cp "$tmp/out" "$tmp/summary"
	is "$run: packets metered are those in records" \
		"$(awk '$1 == "metered" {print $2, $3}' "$tmp/summary")" \
		"$(awk '/in flow records/ {print $4, $5}' "$tmp/summary")"
	is "$run: frames add up" "$(awk '/^IP/ {exit} $1 == "sum" {s = $2} $1 != "sum" && NR > 1 {n += $2} END {print (s == n && n > 0)}' "$tmp/summary")" 1
	status "$run: identify" 0 "$weir" identify --store "$tmp/$run" -c demo/packages.tsv.xz -o tsv -w "$tmp/$run.tsv"
	demo/score "$tmp/$run.tsv" demo/$run.truth.tsv demo/packages.tsv.xz >"$tmp/score"
	sed 's/^/# /' "$tmp/score"
	is "$run: what is said with 0.99 is right" \
		"$(awk '/said with 0.99/ {print ($1 == $7)}' "$tmp/score")" 1
	is "$run: the twelve first columns" "$(head -n 1 "$tmp/$run.tsv" | cut -f1-12 | tr '\t' ' ')" \
		"start end client client_port server server_port bytes kind name version probability grade"
done
for run in sequential-1 sequential-2 sequential-3; do
	demo/score "$tmp/$run.tsv" demo/$run.truth.tsv demo/packages.tsv.xz >"$tmp/score"
	is "$run: every package that is unique is named" \
		"$(awk '/unique in the list/ {print ($1 == $3 && $1 > 30)}' "$tmp/score")" 1
done
"$weir" identify --store "$tmp/pipelined-5" -c demo/packages.tsv.xz --explain -o ndjson >"$tmp/out"
like "a pipelined finding says what its border was believed by" "$(cat "$tmp/out")" \
	'816421 bytes between two borders = size 816288 \+ header 133; request 182 = path 94 \+ 88; it ends there by: a short segment, and a request sent then'
like "and that a block was filled" "$(cat "$tmp/out")" \
	'size 1561480 \+ header 134; request 145 = path 57 \+ 88; it ends there by: the files of the stretch come out'
for run in 1 2 3 4 5; do
	demo/score "$tmp/pipelined-$run.tsv" demo/pipelined-$run.truth.tsv demo/packages.tsv.xz >"$tmp/score"
	is "pipelined-$run: every package that is unique is named, none wrong" \
		"$(awk '/downloads in truth/ {w = $8} /unique in the list/ {print ($1 == $3 && $1 > 27 && w == 0)}' "$tmp/score")" 1
done
# A connection of few answers, too few for a vote, is named by what another one of its
# server shows.
if command -v tcpdump >/dev/null; then
	tcpdump -r demo/pipelined-4.pcap -c 90 -w "$tmp/short.pcap" 2>"$tmp/why"
	for capture in "$tmp/short.pcap" demo/pipelined-1.pcap; do
		status "a short connection beside another one: meter" 0 "$weir" meter -r "$capture" --store "$tmp/both"
	done
	"$weir" identify --store "$tmp/both" -c demo/packages.tsv.xz -o tsv -w "$tmp/both.tsv"
	demo/score "$tmp/both.tsv" demo/pipelined-4.truth.tsv demo/packages.tsv.xz >"$tmp/both.score"
	is "of a short connection beside another one three answers or more are named (alone none)" \
		"$(awk '/downloads in truth/ {print ($5 >= 3)}' "$tmp/both.score")" 1
else
	skip "a short connection" "tcpdump is not installed (script/setup test)"
fi
status "inventory as ndjson" 0 "$weir" inventory --store "$tmp/sequential-1" -c demo/packages.tsv.xz -o ndjson
is "one host is found" "$(wc -l <"$tmp/out")" 1
like "its distribution" "$(cat "$tmp/out")" '"distribution":"Debian 12"'
like "its system" "$(cat "$tmp/out")" '"os":"Linux"'
