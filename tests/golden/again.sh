# SPDX-License-Identifier: BSD-2-Clause
# weir identify where few files are downloaded again and again: half of them are in no
# catalogue, beside a thousand that nobody downloads; and where every record of a router has
# two of fifty.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1

awk -v SEED="${WEIR_SEED:-5}" 'function sent(i) { return size[i] + 260 + length(size[i] "") }
function lost(n) { return rand() < 0.3 ? 0 : int(-log(1 - rand()) * n / 400) }
BEGIN {
	srand(SEED); printf "name\tsize\tpath\n" >"half.tsv"; printf "name\tsize\tpath\n" >"all.tsv"
	for (i = 0; i < 50; i++) {
		size[i] = 1000000 + int(rand() * 49000000); length_of[i] = 4 + int(rand() * 30)
		line = sprintf("f%d\t%d\t%s", i, size[i], substr("a-path/of-some-length-that-is-long-enough", 1, length_of[i]))
		print line >"all.tsv"
		if (i < 25) print line >"half.tsv"
	}
	for (i = 0; i < 1000; i++)
		printf "d%d\t%d\t%s\n", i, 1000000 + int(rand() * 49000000), substr("b-path/of-some-length-that-is-long-enough", 1, 4 + int(rand() * 30)) >"half.tsv"
	head = "start\tend\tsrc\tdst\tsrc_port\tdst_port\tproto\tbytes\tpackets\treverse_bytes\treverse_packets"
	print head "\tspan\treverse_span" >"spans"; print head >"plain"; print head >"two"
	print "client\tclient_port\tstart\tname" >"once.truth"; print "client\tclient_port\tstart\tname" >"two.truth"
	for (n = 0; n < 600; n++) {
		i = int(rand() * 50); j = int(rand() * 50); at = 1795500000 + 20 * n; ports = sprintf("10.0.0.%d\t192.0.2.9\t%d\t80\ttcp", 1 + n % 9, 20000 + n)
		bytes = sent(i); segments = int((bytes + 1447) / 1448); k = lost(segments); packets = segments + 3 + k
		row = sprintf("%d\t%d\t%s\t%d\t%d\t%.0f\t%d", at, at + 9, ports, 52 * 900 + 98 + length_of[i], 900, bytes + 1448 * k + 52 * packets + 8, packets)
		print row "\t" 90 + length_of[i] "\t" bytes >"spans"; print row >"plain"
		printf "10.0.0.%d\t%d\t%d\t%s\n", 1 + n % 9, 20000 + n, at, i < 25 ? "f" i : "" >"once.truth"
		if (n >= 200) continue
		bytes += sent(j); segments = int((bytes + 1447) / 1448); k = lost(segments); packets = segments + 3 + k
		printf "%d\t%d\t%s\t%d\t%d\t%.0f\t%d\n", at, at + 9, ports, 52 * 900 + 188 + length_of[i] + length_of[j], 900, bytes + 1448 * k + 52 * packets + 8, packets >"two"
		printf "10.0.0.%d\t%d\t%d\tf%d\n10.0.0.%d\t%d\t%d\tf%d\n", 1 + n % 9, 20000 + n, at, i, 1 + n % 9, 20000 + n, at + 5, j >"two.truth"
	}
}'
# judged NAME CATALOGUE TRUTH: into $right, $wrong, $sure (wrong of what was said with 0.99)
judged() {
	"$weir" load "$1" --store "$1.store" >/dev/null 2>&1
	"$weir" identify --store "$1.store" -c "$2" -o tsv -w "$1.found"
	"$weir" evaluate --findings "$1.found" --truth "$3" -o ndjson 2>/dev/null | head -n 1 >score
	read -r right wrong sure <<<"$(sed 's/.*"right":\([0-9]*\),"wrong":\([0-9]*\),.*"sure_wrong":\([0-9]*\),.*/\1 \2 \3/' score)"
	echo "# $1: $right right, $wrong wrong, $sure of these said with 0.99"
}
judged spans half.tsv once.truth
is "by spans files of no catalogue stay unknown, however often they come" "$right $wrong" "600 0"
judged plain half.tsv once.truth
is "by octets and packets too: 98 of 100 right" "$([ "$right" -ge 588 ] && echo yes)" yes
is "and what is sure is right" "$sure" 0
judged two all.tsv two.truth
is "two downloads on each record: 93 of 100 right" "$([ "$right" -ge 372 ] && echo yes)" yes
