# SPDX-License-Identifier: BSD-2-Clause
# A store as others see it: DuckDB, hyparquet and parquet-wasm count and sum what weir
# print shows, values with the top bit set and nulls included, and find rows by them
# (statistics must not hide any); views.sql and views.py show addresses and names as weir
# print does.
. "$WEIR_ROOT/tests/lib.sh"
here=$root/tests/interop
export TZ=UTC
if ! command -v node >/dev/null; then
	skip "store: independent readers" "node is not installed (script/setup test)"
	exit 0
fi
if [ ! -d "$here/node_modules/hyparquet" ] &&
	! npm --prefix "$here" install --no-save --no-audit --no-fund >"$tmp/npm" 2>&1; then
	skip "store: independent readers" "npm install failed in tests/interop: $(tail -n 1 "$tmp/npm")"
	exit 0
fi
cd "$tmp" || exit 1

# extreme values of flows.tsv, and addresses that are easily written wrongly
{
	printf 'start\tsrc\tdst\tproto\tbytes\tpackets\n'
	n=0
	for a in ::1.2.3.4 fe80::1:0:0:1 1:0:0:2:0:0:0:3 1:0:0:2:3:0:0:4 2001:db8:0:1:1:1:1:1 \
		::ffff:0.0.0.0 ::ffff:255.255.255.255 ::1 1:: 0:1:: 64:ff9b::c000:201 \
		abcd:ef01:2345:6789:abcd:ef01:2345:6789 1:0:1:0:1:0:1:0 0:0:1::1:0:0 10:100:1000::a00 \
		::fffe:1.2.3.4 0.0.0.1 1.0.0.0 127.255.255.255 128.0.0.1; do
		printf '2026-11-24T00:00:%02dZ\t%s\t%s\t89\t%s\t1\n' $n "$a" "$a" $((n * 1000 + 1))
		n=$((n + 1))
	done
} >addresses.tsv
status "store of extreme values" 0 "$weir" load "$root/tests/golden/flows.tsv" addresses.tsv --store extreme
status "store of a capture" 0 "$weir" meter -r "$root/demo/pipelined-1.pcap" --store capture
for store in extreme capture; do
	"$weir" print --store $store -o tsv --fields all >$store.tsv || not_ok "$store: print"
	node "$here/store/check.mjs" "$tmp/$store" "$tmp/$store.tsv" $store || not_ok "$store: reading it"
done

# views.py needs pandas; its own half, texts of addresses, does not
python=$(command -v python3)
if [ -z "$python" ]; then
	skip "views.py" "python3 is not installed"
	exit 0
fi
mkdir -p stub/pandas && echo 'NA = object()' >stub/pandas/__init__.py
"$weir" print --store extreme -o tsv --fields src | tail -n +2 | sort -u >texts
PYTHONPATH=stub:extreme "$python" - texts >answer <<'PY'
import ipaddress, sys, views
wrong = []
for text in open(sys.argv[1]).read().split():
	packed = ipaddress.ip_address(text).packed
	v4 = int.from_bytes(packed, "big") if len(packed) == 4 else None
	got = views.address(v4, packed if v4 is None else None)
	if got != text:
		wrong.append(text + " became " + str(got))
print("; ".join(wrong), views.address(None, None), views.NAMES["proto"][6])
PY
is "views.py: addresses as weir print has them" "$(cat answer)" " None tcp"
if "$python" -c 'import pandas, pyarrow' 2>/dev/null || "$python" -c 'import pandas, fastparquet' 2>/dev/null; then
	(cd extreme && "$python" -c '
import views
frame = views.flows()
for row in sorted(str(t.value // 1000) + " " + str(a) for t, a in zip(frame["start"], frame["src"])): print(row)') >frame
	is "views.py: a frame of all rows" "$(cut -d' ' -f2 <frame | sort | cksum)" \
		"$("$weir" print --store extreme -o tsv --fields src | tail -n +2 | sort | cksum)"
else
	skip "views.py: a frame of all rows" "python3 has no pandas with a Parquet reader here"
fi
