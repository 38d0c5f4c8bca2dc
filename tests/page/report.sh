# SPDX-License-Identifier: BSD-2-Clause
# The HTML report in Chromium.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1
if ! command -v chromium >/dev/null || ! command -v node >/dev/null; then
	skip "page: the report in Chromium" "no chromium or node here"
	exit 0
fi
# The name of one of the downloads is made hostile.
xz -dc demo/packages.tsv.xz | sed 's,^appstream-doc\t,<img src=x onerror=alert(1)>\t,' >"$tmp/packages.tsv"
"$weir" meter -r demo/sequential-1.pcap --store "$tmp/store" >/dev/null || not_ok "page: meter"
"$weir" inventory --store "$tmp/store" -c "$tmp/packages.tsv" -o html -w "$tmp/report.html" ||
	not_ok "page: report is written"
timeout 120 node tests/page/report.mjs "$tmp/report.html"
