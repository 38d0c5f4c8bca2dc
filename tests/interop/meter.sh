# SPDX-License-Identifier: BSD-2-Clause
# What the meter makes of captures of many protocols (meter/make.py), of the project's own
# and of those beside it: in every key, with tunnels closed and open, sampled or not,
# every frame is in a flow or in a named counter, and the octets are the same; per pair of
# addresses they are those of tshark.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1
have() { command -v "$1" >/dev/null; }
if ! have python3; then skip "captures of many protocols" "python3 is not installed"; exit 0; fi
python3 -B tests/interop/meter/make.py "$tmp" || { not_ok "make captures"; exit 1; }
made="$tmp/links.pcapng $tmp/ethernet.pcap $tmp/tunnels.pcap $tmp/damaged.pcap"
near=../shared/captures/meter
others=$(ls demo/*-1.pcap)
if [ -d $near ]; then others="$others $(ls $near/*.pcap)"; else
	skip "captures beside the project" "no $near"
fi

# Frames add up, metered is in records; prints packets and octets of IP.
sums() {
	awk '/^IP/ {ip = 1; next} /^[a-z]/ {ip = 0}
		/^frames/ {frames = 1; next}
		frames && !ip && $1 == "sum" {sum = $2; frames = 0}
		frames && !ip {n += $2; if ($1 == "ip") seen = $2}
		ip && $1 == "metered" {mp = $2; mb = $3}
		ip && $1 == "unsampled" {up = $2; ub = $3}
		ip && $1 == "outside" {op = $2; ob = $3}
		ip && /in flow records/ {rp[++r] = $4; rb[r] = $5}
		END {good = n == sum && n > 0 && mp == rp[1] && mb == rb[1] && op == rp[2] &&
			ob == rb[2] && seen + 0 == mp + up + op
			print (good ? "adds up" : "does not add up"), mp + up + op, mb + ub + ob}' "$1"
}

# A link type that nobody can read is named, and its frames are counted.
printf '\324\303\262\241\2\0\4\0\0\0\0\0\0\0\0\0\377\377\0\0\223\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0x' >"$tmp/user0.pcap"
status "a link type of users" 0 "$weir" meter -r "$tmp/user0.pcap" -o tsv
like "is named" "$(cat "$tmp/err")" 'link type 147 is not known'
is "and counted" "$(awk '$1 == "unknown_link" {print $2, $3}' "$tmp/err")" "1 1"

for capture in $made $others; do
	name=$(basename "$capture")
	wanted=$("$weir" meter -r "$capture" -o tsv -w /dev/null 2>&1 >/dev/null | tee "$tmp/said" >/dev/null; sums "$tmp/said")
	case "$wanted" in "adds up"*) ok "$name: $wanted" ;; *) not_ok "$name: $wanted" ;; esac
	bad=""
	case "$capture" in "$tmp"/*) more="--sample-random 4 --uniflow" ;; *) more="" ;; esac
	for key in full port proto noproto ip vlan ether; do
		for how in "" "--tunnel gre,vxlan -s 3" "--tunnel inner -m 64 -t udp=1s -t expint=30" \
			${more:+"$more"}; do
			# shellcheck disable=SC2086
			"$weir" meter -r "$capture" -T $key $how -o tsv -w /dev/null >/dev/null 2>"$tmp/said" ||
				bad="$bad; $key $how fails"
			[ "$(sums "$tmp/said")" = "$wanted" ] || bad="$bad; $key $how: $(sums "$tmp/said")"
		done
	done
	is "$name: the same in every key, tunnel mode and sample" "$bad" ""
done

if ! have tshark; then skip "sums per pair of addresses" "tshark is not installed"; exit 0; fi
# Packets and octets per source and destination, by tshark: those of the first IP header,
# or with the addresses of the last one. TSO's length 0 is the frame behind Ethernet.
by_tshark() {
	tshark -r "$1" -n -o ip.defragment:FALSE -o ipv6.defragment:FALSE -o tcp.desegment_tcp_streams:FALSE \
		-T fields -E occurrence=a -E aggregator=, -e frame.protocols -e ip.src -e ip.dst -e ipv6.src \
		-e ipv6.dst -e ip.len -e ipv6.plen -e frame.len 2>/dev/null | awk -F '\t' -v inner="$2" '
		{n = split($1, p, ":"); first = last = ""; m4 = split($2, s4, ","); split($3, d4, ",")
		 m6 = split($4, s6, ","); split($5, d6, ","); split($6, len4, ","); split($7, len6, ",")
		 for (i = 1; i <= n; i++) if (p[i] == "ip" || p[i] == "ipv6") {if (first == "") first = p[i]; last = p[i]}
		 if (first == "") next
		 octets = first == "ip" ? len4[1] : len6[1] + 40
		 if (octets == 0) octets = $8 - 14
		 if (!inner) k = first == "ip" ? s4[1] "\t" d4[1] : s6[1] "\t" d6[1]
		 else k = last == "ip" ? s4[m4] "\t" d4[m4] : s6[m6] "\t" d6[m6]
		 packets[k]++; bytes[k] += octets}
		END {for (k in packets) print k "\t" packets[k] "\t" bytes[k]}' | LC_ALL=C sort
}
by_weir() {
	# shellcheck disable=SC2086
	"$weir" meter -r "$1" -T ip $2 -o tsv --fields src,dst,packets,bytes,reverse_packets,reverse_bytes 2>/dev/null |
		awk -F '\t' 'NR > 1 {p[$1 "\t" $2] += $3; b[$1 "\t" $2] += $4
			if ($5 != "") {p[$2 "\t" $1] += $5; b[$2 "\t" $1] += $6}}
			END {for (k in p) print k "\t" p[k] "\t" b[k]}' | LC_ALL=C sort
}
for capture in $tmp/links.pcapng $tmp/ethernet.pcap $tmp/tunnels.pcap $others; do
	name=$(basename "$capture")
	by_tshark "$capture" "" >"$tmp/theirs"
	is "$name: packets and octets per pair of addresses are tshark's" "$(by_weir "$capture" "")" "$(cat "$tmp/theirs")"
	is "$name: and there are some" "$([ -s "$tmp/theirs" ] && echo some)" some
done
is "tunnels.pcap: opened, the addresses are tshark's last ones" \
	"$(by_weir "$tmp/tunnels.pcap" "--tunnel inner")" "$(by_tshark "$tmp/tunnels.pcap" 1)"

# Conversations with ports, where nothing is inside anything.
ports_tshark() {
	tshark -r "$1" -n -o ip.defragment:FALSE -o tcp.desegment_tcp_streams:FALSE -Y 'tcp || udp' \
		-T fields -E occurrence=f -e ip.src -e ip.dst -e ipv6.src -e ipv6.dst -e tcp.srcport -e tcp.dstport \
		-e udp.srcport -e udp.dstport -e ip.len -e ipv6.plen -e frame.protocols -e icmp.type 2>/dev/null |
		awk -F '\t' '$12 == "" {k = $1 $3 "\t" $5 $7 "\t" $2 $4 "\t" $6 $8; p[k]++; b[k] += $9 != "" ? $9 : $10 + 40}
		END {for (k in p) print k "\t" p[k] "\t" b[k]}' | LC_ALL=C sort
}
for capture in $others; do
	name=$(basename "$capture")
	"$weir" meter -r "$capture" -T full -o tsv \
		--fields src,src_port,dst,dst_port,packets,bytes,reverse_packets,reverse_bytes,proto 2>/dev/null |
		awk -F '\t' 'NR > 1 && ($9 == "tcp" || $9 == "udp" || $9 == 6 || $9 == 17) {
			k = $1 "\t" $2 "\t" $3 "\t" $4; p[k] += $5; b[k] += $6
			if ($7 != "") {k = $3 "\t" $4 "\t" $1 "\t" $2; p[k] += $7; b[k] += $8}}
			END {for (k in p) print k "\t" p[k] "\t" b[k]}' | LC_ALL=C sort >"$tmp/ours"
	is "$name: packets and octets per five-tuple are tshark's" "$(cat "$tmp/ours")" "$(ports_tshark "$capture")"
done
