# SPDX-License-Identifier: BSD-2-Clause
# The page of weir evaluate in Chromium.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1
if ! command -v chromium >/dev/null || ! command -v node >/dev/null; then
	skip "page: the evaluation in Chromium" "no chromium or node here"
	exit 0
fi
"$weir" evaluate --findings tests/golden/evaluate-findings.tsv --truth tests/golden/evaluate-truth.tsv \
	--group path --split 0.5 -o html -w "$tmp/evaluation.html" 2>/dev/null || not_ok "page: evaluation is written"
timeout 120 node tests/page/evaluate.mjs "$tmp/evaluation.html"
