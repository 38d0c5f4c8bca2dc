# SPDX-License-Identifier: BSD-2-Clause
# weir identify on rows as exporters have them that know neither spans nor who began: a
# server at a port of no service, each direction a row, in whole seconds; sampled packets of
# which only sequence numbers are told.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1

# 50 files of 1 to 50 MB, and 40 downloads of them from a server whose header has 260 octets
# and the size's digits; octets are payload + 52 a packet + 8 of the SYN-ACK.
awk 'BEGIN {
	srand(11); printf "name\tsize\tpath\n" >"files.tsv"
	for (i = 0; i < 50; i++) {
		size[i] = 1000000 + int(rand() * 49000000); path[i] = substr("a-path/of-some-length", 1, 3 + i % 19)
		printf "f%d\t%d\t%s\n", i, size[i], path[i] >"files.tsv"
	}
	head = "start\tend\tsrc\tdst\tsrc_port\tdst_port\tproto\tbytes\tpackets\ttcp_flags\n"
	printf "%s", head >"halves.tsv"
	printf "client\tclient_port\tstart\tname\n" >"truth.tsv"
	printf "start\tend\tsrc\tdst\tsrc_port\tdst_port\tproto\tbytes\tpackets\treverse_bytes\treverse_packets\tsampling\treverse_first_sequence\treverse_last_sequence\n" >"sampled.tsv"
	for (n = 0; n < 40; n++) {
		i = (n * 7) % 50; at = 1795500000 + 20 * n; port = 20000 + n
		sent = size[i] + 260 + length(size[i] ""); segments = int((sent + 1447) / 1448); packets = segments + 3
		printf "%d\t%d\t192.0.2.9\t10.0.0.7\t8090\t%d\ttcp\t%d\t%d\t27\n", at, at + 9, port, sent + 52 * packets + 8, packets >"halves.tsv"
		printf "%d\t%d\t10.0.0.7\t192.0.2.9\t%d\t8090\ttcp\t%d\t%d\t27\n", at, at + 9, port, 90 + length(path[i]) + 52 * 900 + 8, 900 >"halves.tsv"
		printf "10.0.0.7\t%d\t%d\tf%d\n", port, at, i >"truth.tsv"
		first = 1 + n % 10; last = first + 10 * int((segments - 1 - first) / 10); sampled = (last - first) / 10 + 1
		isn = (4294967295 - 3000000 * n) % 4294967296
		printf "%d\t%d\t10.0.0.7\t192.0.2.9\t%d\t80\ttcp\t0\t0\t%d\t%d\t10\t%.0f\t%.0f\n", at, at + 9, port, sampled * 1500, sampled, (isn + 1 + 1448 * first) % 4294967296, (isn + 1 + 1448 * last) % 4294967296 >"sampled.tsv"
	}
}'
# right NAME STORE LEAST: so many of 40 are named right at least, and none wrong
right() {
	"$weir" identify --store "$2" -c files.tsv -o tsv -w "$2.found"
	"$weir" evaluate --findings "$2.found" --truth truth.tsv -o ndjson 2>/dev/null | head -n 1 >score
	got=$(grep -o '"right":[0-9]*,"wrong":[0-9]*' score | tr -dc '0-9,')
	is "$1" "$([ "${got%,*}" -ge "$3" ] && [ "${got#*,}" = 0 ] && echo good || echo "$got")" good
}
"$weir" load --no-turn --no-join halves.tsv --store halves >/dev/null 2>&1
right "a server at 8090, a row for each direction as collected" halves 40
"$weir" load halves.tsv --store joined >/dev/null 2>&1
right "the same joined when loaded" joined 40
"$weir" load sampled.tsv --store sampled >/dev/null 2>&1
right "one packet in ten, with the first and last sequence number" sampled 36
