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

# A server's log and the bare order of downloads as labels.
tail -n +2 demo/sequential-1.truth.tsv | sort -t"$(printf '\t')" -k3,3 >"$tmp/truth"
# A log's line bears the time of the answer's end.
"$weir" print --store "$tmp/store" -o tsv --fields start,end 'reverse_span > 500' | tail -n +2 | sort | cut -f2 >"$tmp/ends"
paste "$tmp/truth" "$tmp/ends" | awk -F'\t' '{print $1 " " $2 " [" $NF "] \"GET /debian/" $7 " HTTP/1.1\" 200 " $6}
	END {print $1 " " $2 " [" $3 "] \"GET /favicon.ico HTTP/1.1\" 404 0"}' >"$tmp/access.log"
status "learn from a log" 0 "$weir" learn --store "$tmp/store" --log "$tmp/access.log" \
	--log-format '$remote_addr $remote_port [$time_iso8601] "$request" $status $body_bytes_sent' -w "$tmp/logged.tsv"
like "lines that are no download are counted" "$(cat "$tmp/err")" 'other +1 '
is "sizes and names are the log's" "$(tail -n +2 "$tmp/logged.tsv" | cut -f5 | sort -n | uniq | wc -l)" \
	"$(cut -f6 "$tmp/truth" | sort -n | uniq | wc -l)"
cut -f4 "$tmp/truth" >"$tmp/order"
status "an order that is no longer than the flows are many" 1 "$weir" learn --store "$tmp/store" --order "$tmp/order" \
	-w "$tmp/no.tsv" 'bytes < 0'
like "says both numbers" "$(cat "$tmp/err")" '40 names in order, but 0 flows'
status "learn from an order" 0 "$weir" learn --store "$tmp/store" --order "$tmp/order" -w "$tmp/ordered.tsv" 'reverse_span > 500'
is "names are those of the labels" "$(tail -n +2 "$tmp/ordered.tsv" | cut -f1 | sort)" "$(sort "$tmp/order")"
status "an order beside labels" 1 "$weir" learn --store "$tmp/store" --labels "$tmp/labels.tsv" --order "$tmp/order" -w "$tmp/no.tsv"

# A classifier of the same flows names them.
status "train a tree" 0 "$weir" learn --store "$tmp/store" --labels "$tmp/labels.tsv" --classifier tree --features span -w "$tmp/tree"
status "name by it" 0 "$weir" identify --store "$tmp/store" --classifier "$tmp/tree" -o tsv --fields name,version,grade -w "$tmp/named"
is "every labelled download gets its name" \
	"$(tail -n +2 "$tmp/named" | cut -f1,2 | sort -u)" "$(cut -f4,5 "$tmp/truth" | sort -u)"
is "by what was learned" "$(tail -n +2 "$tmp/named" | cut -f3 | sort -u)" learned
status "keep findings of a model" 0 "$weir" identify --store "$tmp/store" --classifier "$tmp/tree" -o tsv --keep -w "$tmp/named"
is "they are in the store" "$(ls "$tmp/store/findings" | grep -c 'findings-tree-')" 1
head -n 2 "$tmp/labels.tsv" >"$tmp/one.tsv"
status "one file is no lesson" 1 "$weir" learn --store "$tmp/store" --labels "$tmp/one.tsv" --classifier tree --features span -w "$tmp/no"
like "which is said" "$(cat "$tmp/err")" 'needs two at least'
status "an unknown feature" 2 "$weir" learn --store "$tmp/store" --labels "$tmp/labels.tsv" --classifier tree --features weight -w "$tmp/no"
status "an unknown classifier" 2 "$weir" learn --store "$tmp/store" --labels "$tmp/labels.tsv" --classifier oracle -w "$tmp/no"
is "nothing is written then" "$(ls "$tmp/no" 2>/dev/null)" ""
head -c 200 "$tmp/tree" >"$tmp/cut"
status "a model that was cut off" 1 "$weir" identify --store "$tmp/store" --classifier "$tmp/cut"
like "is told as such" "$(cat "$tmp/err")" "cut: a model file that was cut off"
status "a catalogue as a model" 1 "$weir" identify --store "$tmp/store" --classifier "$tmp/learned.tsv"
like "is told as such" "$(cat "$tmp/err")" "no model file of weir"
status "a catalogue and a model" 2 "$weir" identify --store "$tmp/store" --classifier "$tmp/tree" -c "$tmp/learned.tsv"
