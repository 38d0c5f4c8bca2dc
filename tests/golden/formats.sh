# SPDX-License-Identifier: BSD-2-Clause
# What flows.tsv becomes: stored and printed in every format beside golden outputs, picked
# by every kind of filter, cut by window and limit, and loaded again as the same rows.
# WEIR_GOLDEN=renew writes the golden outputs anew; read their diff before committing it.
. "$(dirname "$0")/../lib.sh"
here=$root/tests/golden
cd "$tmp" || exit 1
export TZ=UTC

# golden NAME: $tmp/out is what NAME.golden says
golden() {
	if [ "${WEIR_GOLDEN:-}" = renew ]; then cp "$tmp/out" "$here/$1.golden"; fi
	if cmp -s "$tmp/out" "$here/$1.golden"; then ok "$1 is as before"; else
		not_ok "$1 is as before"
		diff "$here/$1.golden" "$tmp/out" | head -n 20 | sed 's/^/#   /'
	fi
}
show() { "$weir" print --store "$tmp/store" "$@"; }

cp "$here/flows.tsv" .
status "load flows.tsv" 0 "$weir" load flows.tsv --store store
is "load says nothing of errors" "$(cat err)" ""
is "what load did" "$(awk '{print $1, $2}' out | tr '\n' ' ')" "lines 14 rows 13 turned 1 joined 1 "

# formats and layouts
for format in table tsv csv ndjson; do
	status "print -o $format" 0 show -o $format --fields all
	golden "flows-$format"
done
status "print" 0 show
golden flows-line
for layout in spans export fingerprints; do
	status "layout $layout" 0 show -o tsv --fields $layout
	golden "flows-$layout"
done
status "derived fields" 0 show -o csv --fields start,duration,bytes_scaled,packets_scaled
golden flows-derived
status "fields in the order asked for" 0 show -o tsv --fields dst,src --limit 1
is "heading of the fields" "$(head -n 1 out)" "$(printf 'dst\tsrc')"
status "layouts and fields together" 0 show -o tsv --fields export,proto --limit 1
is "heading of both" "$(head -n 1 out | awk '{print NF, $NF}')" "11 proto"
status "-w FILE" 0 show -o csv --fields all -w written.csv
is "nothing on standard output with -w" "$(cat out)" ""
show -o csv --fields all >printed.csv
is "-w writes what standard output gets" "$(cksum <written.csv)" "$(cksum <printed.csv)"
status "load -o stores nothing" 0 "$weir" load flows.tsv -o ndjson
is "load -o prints the rows" "$(wc -l <out)" 13
if command -v node >/dev/null; then
	show -o ndjson --fields all | node -e '
		const lines = require("fs").readFileSync(0, "utf8").trimEnd().split("\n");
		const rows = lines.map((l) => JSON.parse(l));
		console.log(rows.length, rows.filter((r) => r.extra === "{\"a\":\"tab\tquote\\\"newline\nback\\slash\"}").length,
			Object.values(rows).every((r) => !Object.values(r).includes(null)));' >json
	is "each line is JSON for another reader, texts exact, nulls left out" "$(cat json)" "13 1 true"
else
	skip "ndjson read by another reader" "node is not installed"
fi

# the server's rows
is "a server's row is turned round" \
	"$(show -o tsv --fields src,src_port,dst,dst_port,bytes,packets,reverse_bytes,reverse_packets,dst_as,dst_mac,src_mac,tcp_flags,reverse_tcp_flags,reverse_span,biflow_direction 'dst 203.0.113.80' | tail -n 1 | tr '\t' ' ')" \
	"192.0.2.1 40001 203.0.113.80 80 0 0 500000 350 64500 02:00:00:00:00:80   ...AP.S. 480000 port"
is "two directions are one row" \
	"$(show -o tsv --fields src,src_port,dst,dst_port,bytes,packets,reverse_bytes,reverse_packets,start,end 'dst 203.0.113.81' | tail -n 1 | tr '\t' ' ')" \
	"192.0.2.1 40002 203.0.113.81 443 700 7 9000 9 2026-11-23T10:00:11.000000Z 2026-11-23T10:00:12.000000Z"
is "--no-turn leaves rows as they are" \
	"$("$weir" load flows.tsv --no-turn -o tsv 2>/dev/null | cut -f4-7 | grep -c '^203.0.113.80	80	192.0.2.1	40001$')" 1
is "--no-join leaves two rows" "$("$weir" load flows.tsv --no-join -o ndjson 2>/dev/null | wc -l)" 14

# filters: the counts were worked out by hand from flows.tsv
count() {
	is "filter: ${2:-nothing}" "$(show -o ndjson --fields start "$2" 2>&1 | wc -l)" "$1"
}
count 13 ''
count 13 'any'
count 4 'src 10/8'
count 4 'src net 10.0.0.0/8'
count 1 'src = 128.0.0.0'
count 5 'src 128.0.0.0/1'
count 8 'src >= 128.0.0.0'
count 1 'dst 8000::/1'
count 1 'dst ::'
count 1 'net 2001:db8::/32'
count 4 'host 192.0.2.1'
count 9 'src not in [10/8]'
count 6 'dst in [10/8, 8000::/1, 2001:db8::/32]'
count 2 'port 443'
count 11 'not port 443'
count 6 'port != 443'
count 1 'src port 1'
count 4 'dst port in [80, 443]'
count 4 'proto tcp'
count 4 'proto 6'
count 1 'proto 253'
count 5 'proto tcp or proto icmp'
count 2 '(proto tcp or proto udp) and not port > 1023'
count 3 'bytes > 1k'
count 2 'bytes > 1M'
count 2 'bytes >= 2147483648'
count 1 'bytes > 2147483648'
count 3 'bytes > 2Ki'
count 1 'bytes = 18446744073709551615'
count 7 'packets < 2'
count 1 'reverse_packets >= 9223372036854775808'
count 1 'connection = 9223372036854775808'
count 4 'reverse_bytes > 1k'
count 9 'not reverse_bytes > 1k'
count 8 'reverse_bytes is null'
count 5 'src_port is null'
count 8 'src_port is not null'
count 6 'not (src_port > 0)'
count 6 'start >= 2026-11-23T10:00:07Z'
count 1 'start < 1970-01-02'
count 1 'end > 2030-01-01'
count 4 'duration > 1s'
count 8 'duration > 500ms'
count 1 'handshake < 20ms'
count 1 'extra ~ quoted'
count 1 "extra = \"=cmd|' /C'!A0\""
count 2 'flags ~ SF'
count 1 'flags !~ R'
count 1 'mac 02:00:00:00:00:01'
count 1 'as 4294967295'
count 1 'src as 4294967295'
count 1 'vlan 100'
count 1 'coalesced = 0'
count 2 'marks is not null'
count 1 'end_reason = end'
count 2 'biflow_direction port'
count 1 'span_kind exact'
count 1 'bytes_scaled = 2147483648000'
count 2 'bytes_scaled > 1G'
is "a filter of several words needs no quotes" "$(show -o ndjson proto tcp and port 443 | wc -l)" 2

# window and limit
is "--from takes what ends then or later" "$(show -o ndjson --from 2026-11-23T10:00:10Z | wc -l)" 7
is "--to takes what starts before" "$(show -o ndjson --to 2026-11-23T10:00:04Z | wc -l)" 5
is "--from and --to" "$(show -o ndjson --from 2026-11-23T10:00:07Z --to 2026-11-23T10:00:09Z 'start > 2000-01-01' | wc -l)" 2
is "--from in epoch seconds" "$(show -o ndjson --from 253402300799 | wc -l)" 1
is "--limit" "$(show -o ndjson --limit 3 | wc -l)" 3
is "--limit with a filter" "$(show -o ndjson --limit 3 'proto tcp' | wc -l)" 3
is "--limit above the rows" "$(show -o ndjson --limit 999 | wc -l)" 13

# and back
show -o tsv --fields all >once.tsv
"$weir" load once.tsv --store again >/dev/null
"$weir" print --store again -o tsv --fields all >twice.tsv
is "TSV loads as the same rows" "$(sort twice.tsv | cksum)" "$(sort once.tsv | cksum)"
show -o csv --fields all >once.csv
"$weir" load once.csv --store csv >/dev/null
"$weir" print --store csv -o tsv --fields all >csv.tsv
is "CSV loads as the same rows" "$(sort csv.tsv | cksum)" "$(sort once.tsv | cksum)"
is "every column came back" "$(head -n 1 twice.tsv)" "$(head -n 1 once.tsv)"
status "two loads into one store" 0 "$weir" load once.tsv --store again
is "hold both" "$("$weir" print --store again -o ndjson | wc -l)" 26
