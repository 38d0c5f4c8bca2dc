# SPDX-License-Identifier: BSD-2-Clause
# weir evaluate: every kind of verdict in each format, its agreement with the demo's own
# score, and what it refuses.  WEIR_RENEW=1 renews the golden files.
. "$(dirname "$0")/../lib.sh"
cd "$root/tests/golden" || exit 1
evaluate() { "$weir" evaluate --findings evaluate-findings.tsv --truth evaluate-truth.tsv "$@" 2>"$tmp/counters"; }
for format in table ndjson; do
	evaluate --group path --split 0.5 -o $format >"$tmp/$format"
	[ -n "${WEIR_RENEW:-}" ] && cp "$tmp/$format" evaluate-$format.golden
	is "$format is as before" "$(cat "$tmp/$format")" "$(cat evaluate-$format.golden)"
done
is "what is counted" "$(awk '{print $1, $2}' "$tmp/counters" | tr '\n' ',')" \
	"truths 10,findings 10,paired 9,absent 1,unjudged 1,"
evaluate -o ndjson >"$tmp/plain"
is "the sums without a split" \
	"$(grep '"grade":"all"' "$tmp/plain" | grep -o '"downloads":.*,"accuracy":[0-9.]*' | sort -u)" \
	'"downloads":10,"right":5,"wrong":3,"unnamed":2,"absent":1,"accuracy":0.5'
status "split at a time" 0 evaluate --split 2026-11-23T10:00:15Z -o ndjson
is "is where it was said" "$(grep -c '"part":"train".*"grade":"all","downloads":4' "$tmp/out")" 2
cd "$root" || exit 1
for run in sequential-1 pipelined-1; do
	"$weir" meter -r demo/$run.pcap --store "$tmp/$run" >/dev/null
	"$weir" identify --store "$tmp/$run" -c demo/packages.tsv.xz -o tsv -w "$tmp/$run.tsv"
	demo/score "$tmp/$run.tsv" demo/$run.truth.tsv demo/packages.tsv.xz >"$tmp/score"
	"$weir" evaluate --findings "$tmp/$run.tsv" --truth demo/$run.truth.tsv --tolerance 20s -o ndjson \
		>"$tmp/scored" 2>/dev/null
	is "$run: as many right and wrong as the demo's own score" \
		"$(head -n 1 "$tmp/scored" | grep -o '"right":[0-9]*,"wrong":[0-9]*')" \
		"$(awk 'NR == 1 {print "\"right\":" $5 ",\"wrong\":" $8}' "$tmp/score")"
done
# what other programs write: milliseconds, IPv4 as a server logs it that listens by IPv6; and
# a catalogue that knows no versions
printf 'name,start,client_port,client,version\nalpha,1763892000000,40001,::ffff:192.0.2.1,1.0\n' >"$tmp/logged.csv"
printf 'start\tclient\tclient_port\tname\tversion\tprobability\n2025-11-23T10:00:00.1Z\t192.0.2.1\t40001\talpha\t\t0.9\n' >"$tmp/f.tsv"
is "times and addresses as logged, names without a version" \
	"$("$weir" evaluate --findings "$tmp/f.tsv" --truth "$tmp/logged.csv" -o ndjson 2>&1 | head -n 1 | grep -o '"downloads":1,"right":1')" \
	'"downloads":1,"right":1'
printf 'client\tstart\tname\n192.0.2.1\tyesterday\ta\n' >"$tmp/bad.tsv"
status "a truth with a wrong time is refused" 1 "$weir" evaluate --findings "$tmp/sequential-1.tsv" --truth "$tmp/bad.tsv"
like "with file, line and column" "$(cat "$tmp/err")" "bad.tsv: line 2: column 'start'"
status "a file that is not there" 1 "$weir" evaluate --findings "$tmp/none.tsv" --truth "$tmp/bad.tsv"
status "no truth" 2 "$weir" evaluate --findings "$tmp/none.tsv"
status "an unknown format" 2 "$weir" evaluate --findings x --truth y -o pdf
