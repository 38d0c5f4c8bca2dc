# SPDX-License-Identifier: BSD-2-Clause
# Learning as the article did: labelled flows give a catalogue, which names other flows.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1
"$weir" meter -r demo/sequential-1.pcap --store "$tmp/store" >/dev/null
cut -f1-5 demo/sequential-1.truth.tsv >"$tmp/labels.tsv"
cut -f1-6 demo/sequential-1.truth.tsv >"$tmp/sized.tsv"
status "learn from labels without sizes" 0 "$weir" learn --store "$tmp/store" --labels "$tmp/labels.tsv" -w "$tmp/learned.tsv"
is "a file per label" "$(tail -n +2 "$tmp/learned.tsv" | wc -l)" 40
"$weir" identify --store "$tmp/store" -c "$tmp/learned.tsv" -o tsv --fields name,version | tail -n +2 | sort >"$tmp/got"
tail -n +2 demo/sequential-1.truth.tsv | cut -f4,5 | sort >"$tmp/wanted"
is "the learned catalogue names every download" "$(cat "$tmp/got")" "$(cat "$tmp/wanted")"
status "learn from labels with sizes" 0 "$weir" learn --store "$tmp/store" --labels "$tmp/sized.tsv" -w "$tmp/learned.tsv"
is "then sizes are exact" \
	"$(tail -n +2 "$tmp/learned.tsv" | cut -f1,5 | sort)" \
	"$(tail -n +2 demo/sequential-1.truth.tsv | cut -f4,6 | sort)"
printf 'name\tclient\tsize\nx\t192.0.2.1\t-5\n' >"$tmp/bad.tsv"
status "a negative size is refused" 1 "$weir" learn --store "$tmp/store" --labels "$tmp/bad.tsv" -w "$tmp/no.tsv"
like "and named with file and line" "$(cat "$tmp/err")" 'bad.tsv: line 2'
is "nothing is written then" "$(ls "$tmp/no.tsv" 2>/dev/null)" ""
