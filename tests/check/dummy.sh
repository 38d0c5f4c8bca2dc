# SPDX-License-Identifier: BSD-2-Clause
# One row in field.def is a field everywhere: a build with the option dummy_field has it
# in help, manual, load, print, every format, the filter, Parquet files and the views,
# with no line written for it anywhere else.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1

is "dummy stands in field.def and nowhere else in src" "$(grep -rlw 'dummy' src | tr '\n' ' ')" "src/model/field.def "
if ! meson setup "$tmp/dummy" "$root" -Ddummy_field=true -Doptimization=0 >"$tmp/log" 2>&1 ||
	! ninja -C "$tmp/dummy" weir >"$tmp/log" 2>&1; then
	not_ok "a build with dummy_field"
	tail -n 20 "$tmp/log" | sed 's/^/#   /'
	exit 1
fi
ok "a build with dummy_field"
plain=$weir
weir=$tmp/dummy/weir
cd "$tmp" || exit 1

for command in print meter load; do
	"$weir" $command --help >help
	is "$command --help lists it" "$(grep -cE '^  (dummy|reverse_dummy) +u32 ' help)" 2
	like "the manual of $command lists it" "$("$weir" manual $command)" '  reverse_dummy '
done
like "help says which direction it is" "$("$weir" print --help | grep reverse_dummy)" 'A row of the test build only \(from dst to src\)'
is "the plain build has no such field" "$("$plain" print --help | grep -c dummy)" 0

printf 'start\tsrc\tdst\tproto\tbytes\tdummy\treverse_dummy\n' >flows.tsv
printf '2026-11-23T10:00:00Z\t192.0.2.1\t192.0.2.2\tgre\t100\t7\t4294967295\n' >>flows.tsv
printf '2026-11-23T10:00:01Z\t192.0.2.1\t192.0.2.3\tgre\t100\t3\t\n' >>flows.tsv
printf '2026-11-23T10:00:02Z\t192.0.2.1\t192.0.2.4\tgre\t100\t\t0\n' >>flows.tsv
status "load takes the columns" 0 "$weir" load flows.tsv --store store
status "the plain build refuses them" 1 "$plain" load flows.tsv --store plain
print() { "$weir" print --store store "$@"; }
is "TSV" "$(print -o tsv --fields dst,dummy,reverse_dummy | tr '\t\n' ',/')" \
	"dst,dummy,reverse_dummy/192.0.2.2,7,4294967295/192.0.2.3,3,/192.0.2.4,,0/"
is "CSV" "$(print -o csv --fields dummy,reverse_dummy | tr -d '\r' | tr '\n' '/')" "dummy,reverse_dummy/7,4294967295/3,/,0/"
is "ndjson" "$(print -o ndjson --fields dummy,reverse_dummy | tr '\n' '/')" \
	'{"dummy":7,"reverse_dummy":4294967295}/{"dummy":3}/{"reverse_dummy":0}/'
like "table" "$(print --fields dummy,reverse_dummy | head -n 1)" '^ *Dummy +Rev Dummy *$'
is "the layout of all fields has it" "$(print -o tsv --fields all | head -n 1 | tr '\t' '\n' | grep -c '^\(reverse_\)\{0,1\}dummy$')" 2
is "filter: >" "$(print -o tsv --fields dst 'dummy > 5' | tail -n +2)" 192.0.2.2
is "filter: is null" "$(print -o tsv --fields dst 'dummy is null' | tail -n +2)" 192.0.2.4
is "filter: not with a null" "$(print -o csv --fields dst 'not reverse_dummy = 0' | tail -n +2 | wc -l)" 2
like "filter: its range" "$(print 'dummy > 4294967296' 2>&1)" "does not fit dummy"
like "filter: a slip of the hand" "$(print 'dumy > 5' 2>&1)" "did you mean 'dummy'"
print -o tsv --fields all >once.tsv
"$weir" load once.tsv --store again >out
is "loaded again as the same rows" "$("$weir" print --store again -o tsv --fields all | sort | cksum)" "$(sort <once.tsv | cksum)"

segment=$(echo store/date=2026-11-23/*.parquet)
is "Parquet: both columns stand in the footer" "$(tail -c 20000 "$segment" | grep -aoE '(reverse_)?dummy' | sort -u | tr '\n' ' ')" "dummy reverse_dummy "
if ! command -v node >/dev/null; then
	skip "Parquet: another reader" "node is not installed (script/setup test)"
elif [ ! -d "$root/tests/interop/node_modules/hyparquet" ] &&
	! npm --prefix "$root/tests/interop" install --no-save --no-audit --no-fund >npm.log 2>&1; then
	skip "Parquet: another reader" "npm install failed in tests/interop: $(tail -n 1 npm.log)"
else
	is "Parquet: another reader sees the values" \
		"$(node "$root/tests/interop/store/columns.mjs" "$segment" dummy reverse_dummy)" \
		'[[7,4294967295],[3,null],[null,0]]'
fi
is "views.sql shows it" "$(grep -cw 'dummy\|reverse_dummy' store/views.sql)" "$(grep -cw 'packets\|reverse_packets' store/views.sql)"
status "the plain build reads the other's store" 0 "$plain" print --store store -o csv --fields dst
is "and finds its rows" "$(wc -l <out)" 4
status "and the other way round" 0 "$plain" load "$root/tests/golden/flows.tsv" --store plain
is "with nulls" "$("$weir" print --store plain -o csv --fields start 'dummy is null' | wc -l)" 14
