# SPDX-License-Identifier: BSD-2-Clause
# softflowd's command lines, row by row of fronts.tsv: what weir-softflowd makes of them,
# and that weir meter takes that. In the table FLOWS, TIMES and FILETIMES stand for
# softflowd's defaults; "help", "note: ", "usage: " and "error: " for what is said.
. "$(dirname "$0")/../lib.sh"
table=$root/tests/golden/fronts.tsv
cd "$tmp" || exit 1
ln -s "$weir" softflowd
ln -s "$weir" softflowctl
cp "$root/demo/sequential-1.pcap" x.pcap

flows='--key=full --max-flows=8192 --mpls-labels=0 --no-cut'
times='--timeout=tcp_fin=0 --timeout=tcp_rst=120 --timeout=tcp_closed=300 --timeout=expint=60'
filetimes='--timeout=tcp=5d --timeout=tcp_fin=0 --timeout=tcp_rst=5d --timeout=tcp_closed=5d'
filetimes="$filetimes --timeout=udp=5d --timeout=icmp=5d --timeout=general=5d --timeout=expint=60"

rows=0
while IFS=$'\t' read -r old new; do
	rows=$((rows + 1))
	set -f
	# shellcheck disable=SC2086
	./softflowd --translate $old >out 2>err
	got=$?
	set +f
	case $new in
	help)
		is "$old: status" $got 0
		like "$old: usage on standard error, as softflowd" "$(cat err)" '^Usage: softflowd' ;;
	note:*)
		is "$old: status" $got 0
		is "$old: what has no effect is said" "$(cat err)" "${new#note: }" ;;
	usage:* | error:*)
		is "$old: status" $got 1
		is "$old: says why" "$(grep -vE '^(Usage|This is|  -|softflowd: |\./softflowd: )' err)" \
			"$(printf '%s' "${new#*: }")"
		is "$old: usage" "$(grep -c '^Usage: softflowd' err)" \
			"$(case $new in usage:*) echo 1 ;; *) echo 0 ;; esac)" ;;
	*)
		is "$old: status" $got 0
		new=$(printf '%s' "$new" | sed "s|FILETIMES|$filetimes|; s|FLOWS|$flows|; s|TIMES|$times|")
		is "$old" "$(cat out)" "weir meter $new"
		is "$old: nothing else is said" "$(cat err)" "" ;;
	esac
	# All that is translated is taken by weir meter: with an unknown timeout at the
	# end it fails at that, after everything else was right.
	if [ "${new#--}" != "$new" ]; then
		set -f
		# shellcheck disable=SC2086
		"$weir" meter $(sed 's/^weir meter //; s/ -- .*//' out) --timeout=nonsense=1 >out 2>err
		set +f
		like "$old: weir meter knows these options" "$(cat err)" "not 'nonsense=1'"
	fi
done <"$table"
is "the table was read to its end" $rows "$(wc -l <"$table")"
is "every letter of softflowd is in the table" \
	"$(for letter in 6 h d D L T H i r f t n m p c v s P A B b a C l R M N S x I g e; do
		cut -f 1 "$table" | grep -qE -- "(^| )-[a-zA-Z0-9]*$letter" || echo "$letter"
	done)" ""
status "statistics of a file" 0 ./softflowd -r x.pcap
like "in softflowd's words" "$(cat out)" '^Packets processed: 1391$'
status "a file that is not there" 1 ./softflowd -r nowhere.pcap
like "is said to be not there" "$(cat err)" 'nowhere\.pcap: No such file'
status "softflowctl without a command" 1 ./softflowctl
like "prints its usage" "$(cat err)" '^Usage: softflowctl'
status "softflowctl without a program" 1 ./softflowctl -c "$tmp/x.ctl" statistics
like "says what is missing" "$(cat err)" 'there is no such socket'
