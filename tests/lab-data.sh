# SPDX-License-Identifier: BSD-2-Clause
# For tests of weir lab table: source this. $lab becomes a data set of which every figure
# is known: eight files about 3,000 octets apart; records as one router would write them,
# spans as weir's meter would.
#   one-hop    clean; 40 training downloads, 24 later ones
#   six-hops   two segments sent again in two of three: octets look like the next file's
#   vpn        one segment sent again in each, behind a NAT
#   reuse      three downloads a connection: one plain record, three exchanges
lab=$tmp/lab
# make SCENARIO K CONNECTIONS PER START ROLE: downloads; K segments sent again in all, if
# it is 2 in those whose number is no multiple of 3.
make() {
	local s=$1
	mkdir -p "$lab/$s/places/subnet"
	awk -v scenario="$s" -v most="$2" -v n="$3" -v per="$4" -v start="$5" -v role="$6" -v dir="$tmp/$s" '
	function row(file, exchange, span, octets, packets, from, to, port, again) {
		printf "%.3f\t%.3f\t%s\t198.51.100.1\t%d\t80\ttcp\t%d\t%d\t%d\t%d\t%s\n", from, to, client, port,
			52 * 6 + 120, 6, octets, packets, again >>file
	}
	BEGIN {
		OFS = "\t"
		own = scenario == "vpn" ? "10.0.0.2" : "10.0.0.1"
		client = scenario == "vpn" ? "192.0.2.9" : own
		for (i = 0; i < n; i++) {
			k = most == 2 && i % 3 == 0 ? 0 : most
			from = start + 10 * i; port = 20000 + i; seen = scenario == "vpn" ? port + 10000 : port
			octets = 8; packets = 3
			for (j = 0; j < per; j++) {
				f = (i * per + j) % 8; size = 1000000 + 3000 * f + 37 * f * f; span = size + 250
				segments = int((span + 1447) / 1448) + k
				own_octets = span + 1448 * k + 52 * segments
				octets += own_octets; packets += segments
				when = from + 0.5 * j
				print own, port, sprintf("%.1f", when), "file-" f, "", size, role, "whole", client, seen >>(dir ".truth")
				row(dir ".spans", j, span, own_octets + (j == 0 ? 164 : 0), segments + (j == 0 ? 3 : 0),
					when, when + 0.4, seen, (i + 1) "\t" j "\t120\texact\t" span "\texact\t" 1448 * k "\t1448")
			}
			row(dir ".plain", 0, 0, octets + 52 * 3, packets, from, from + 0.5 * per, seen, "")
		}
	}'
}
columns="start\tend\tsrc\tdst\tsrc_port\tdst_port\tproto\tbytes\tpackets\treverse_bytes\treverse_packets"
# finish SCENARIO: stores, truth and the rest from what was made.
finish() {
	local s=$1
	rm -rf "$lab/$s/places/subnet/softflowd" "$lab/$s/places/subnet/store"
	{ printf "client\tclient_port\tstart\tname\tversion\tsize\trole\tkind\tclient_seen\tclient_seen_port\n"
		cat "$tmp/$s.truth"; } >"$lab/$s/truth.tsv"
	{ printf "$columns\n"; sed 's/\t$//' "$tmp/$s.plain"; } >"$tmp/plain.tsv"
	{ printf "$columns\tconnection\texchange\tspan\tspan_kind\treverse_span\treverse_span_kind\treverse_retransmitted\treverse_max_segment\n"
		cat "$tmp/$s.spans"; } >"$tmp/spans.tsv"
	"$weir" load "$tmp/plain.tsv" --store "$lab/$s/places/subnet/softflowd" >"$tmp/err" 2>&1 || not_ok "$s: load: $(cat "$tmp/err")"
	"$weir" load "$tmp/spans.tsv" --store "$lab/$s/places/subnet/store" >"$tmp/err" 2>&1 || not_ok "$s: load: $(cat "$tmp/err")"
	awk 'BEGIN {print "name\tsize"; for (f = 0; f < 8; f++) print "file-" f "\t" 1000000 + 3000 * f + 37 * f * f}' >"$lab/$s/catalogue.tsv"
	printf 'state\tdone\nseed\t7\nkernel\t6.1.0\ndate\t2026-11-30\n' >"$lab/$s/run.tsv"
}
make one-hop 0 40 1 1795000000 train
make one-hop 0 24 1 1795010000 test
make six-hops 2 24 1 1795020000 test
make vpn 1 16 1 1795030000 test
make reuse 0 10 3 1795040000 test
for s in one-hop six-hops vpn reuse; do finish $s; done
