# SPDX-License-Identifier: BSD-2-Clause
# Independent readers (DuckDB, parquet-wasm, hyparquet) find in our Parquet files what the
# writer says is there: counts, nulls, sums, least and greatest values of every type. And
# our reader finds what they write, or names what it cannot read.
. "$WEIR_ROOT/tests/lib.sh"
here=$root/tests/interop
write=$(dirname "$weir")/tests/unit/parquet/interop-parquet-write
read=$(dirname "$weir")/tests/unit/parquet/interop-parquet-read

if ! command -v node >/dev/null; then
	skip "parquet: independent readers" "node is not installed (script/setup test)"
	exit 0
fi
if [ ! -d "$here/node_modules/hyparquet" ] &&
	! npm --prefix "$here" install --no-save --no-audit --no-fund >"$tmp/npm" 2>&1; then
	skip "parquet: independent readers" "npm install failed in tests/interop: $(tail -n 1 "$tmp/npm")"
	exit 0
fi
for codec in none lz4 zstd; do
	if "$write" "$tmp/$codec.parquet" "$codec" >"$tmp/$codec.json"; then
		node "$here/parquet/check.mjs" "$tmp/$codec.parquet" "$tmp/$codec.json" "parquet $codec"
	else
		not_ok "parquet $codec: written"
	fi
done
node "$here/parquet/foreign.mjs" "$read" "$tmp"
