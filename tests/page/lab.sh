# SPDX-License-Identifier: BSD-2-Clause
# The page of weir lab table in Chromium.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1
if ! command -v chromium >/dev/null || ! command -v node >/dev/null; then
	skip "page: the lab in Chromium" "no chromium or node here"
	exit 0
fi
. tests/lab-data.sh
# A file's name is made hostile.
for s in one-hop six-hops vpn reuse; do
	sed -i 's,file-3,<img src=x onerror=alert(1)>,' "$lab/$s/truth.tsv" "$lab/$s/catalogue.tsv"
done
awk 'BEGIN {print "name\tsize"; for (i = 0; i < 2000; i++) print "x" i "\t" 900000 + 131 * i}' >"$tmp/decoys.tsv"
"$weir" lab table "$lab" --decoys "$tmp/decoys.tsv" -o html -w "$tmp/lab.html" 2>"$tmp/err" ||
	not_ok "page: the lab is written"
sklearn=$(/usr/bin/python3 -c 'import sklearn' 2>/dev/null && echo yes || echo no)
timeout 120 node tests/page/lab.mjs "$tmp/lab.html" "$sklearn"
