# SPDX-License-Identifier: BSD-2-Clause
# weir lab link between two network namespaces: numbered datagrams go through, and what arrived
# is what was asked for and what the statistics say; TCP segments are neither merged nor cut.
# Needs root and /dev/net/tun.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
if [ "$(id -u)" != 0 ] || ! command -v ip >/dev/null || [ ! -w /dev/net/tun ]; then
	skip "link" "needs root, ip(8) and /dev/net/tun"
	exit 0
fi
a=wla$$ b=wlb$$
if ! ip netns add $a 2>why; then
	skip "link" "no network namespace: $(head -n 1 why)"
	exit 0
fi
trap 'ip netns del $a; ip netns del $b; cleanup' EXIT
ip netns add $b || exit 1
cc -std=gnu17 -O1 -o numbered "$root/bench/numbered.c" || exit 1
for ns in $a $b; do ip netns exec $ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1; done

# link_start OPTION...: the emulator, with the release binary, for its timing; $link is its pid
link_start() {
	rm -f link.out link.err
	"$WEIR_RELEASE" lab link -o ndjson --seed 3 "$@" $a/eth0 $b/eth0 >link.out 2>link.err &
	link=$!
	children="$children $link"
	await grep -qs 'carries frames' link.err || { cat link.err; return 1; }
	address_ends
}
# Without ARP, so that the datagrams are all that goes through.
address_ends() {
	ip -n $a addr add 192.0.2.1/24 dev eth0
	ip -n $b addr add 192.0.2.2/24 dev eth0
	ip -n $a neigh replace 192.0.2.2 lladdr "$(ip netns exec $b cat /sys/class/net/eth0/address)" dev eth0
	ip -n $b neigh replace 192.0.2.1 lladdr "$(ip netns exec $a cat /sys/class/net/eth0/address)" dev eth0
}
link_stop() {
	kill -TERM "$link"
	wait "$link"
	is "$1: the link ends well" "$?" 0
}
# through NAME COUNT RATE OCTETS: sends, and leaves what arrived in got.out
through() {
	rm -f got.out
	ip netns exec $b ./numbered receive 192.0.2.2 9 1500 delays >got.out &
	local receiver=$!
	await grep -qs ready got.out
	ip netns exec $a ./numbered send 192.0.2.2 9 "$2" "$3" "$4" >sent.out
	wait $receiver
}
# got WORD: the number behind a word of the receiver's lines
got() { awk -v w="$1" '{for (i = 1; i < NF; i++) if ($i == w) print $(i + 1)}' got.out; }
# said KEY: a counter of the direction from the sender, of the last statistics
said() { grep '"from":"'$a/ link.out | tail -n 1 | sed -n 's/.*"'"$1"'":\([0-9]*\).*/\1/p'; }
# within NAME GOT WANTED SLACK
within() {
	if awk -v g="$2" -v w="$3" -v s="$4" 'BEGIN {exit !(g != "" && g >= w - s && g <= w + s)}'; then ok "$1"; else
		not_ok "$1"
		echo "#   got $2, wanted $3 within $4"
	fi
}
# five standard deviations of a count with this mean, its variance inflated by a factor
five() { awk -v m="$1" -v f="${2:-1}" 'BEGIN {print 5 * sqrt(m * f)}'; }

n=20000
link_start --delay 10ms
through plain $n 10000 100
kill -USR1 "$link"
await grep -qs "came" link.out
link_stop plain
is "plain: all arrive, once, in order" "$(got received) $(got distinct) $(got overtaken) $(got lost)" "$n $n 0 0"
is "plain: the statistics say so, twice" "$(grep -c "\"from\":\"$a/eth0\",\"to\":\"$b/eth0\",\"set\":\"delay=10000000ns\",\"seed\":3,\"came\":$n,.*\"left\":$n,.*\"lost\":0," link.out)" 2
# the least of 20,000, so that it does not matter what else the machine does
within "plain: the least delay is what was asked for, and a little" "$(got min)" 10150 150

link_start --loss 5%
through loss $n 20000 100
link_stop loss
within "loss: so many are lost" "$(($(said came) - $(got distinct)))" $((n / 20)) "$(five $((n / 20)))"
is "loss: what the statistics say" "$(said came) $(said lost) $(said left)" "$n $((n - $(got distinct))) $(got distinct)"
first=$(cksum <<<"$(cut -d' ' -f1 delays)")
link_start --loss 5% --delay 3ms
through again $n 20000 100
link_stop again
is "loss: the same seed loses the same datagrams" "$(cksum <<<"$(cut -d' ' -f1 delays)")" "$first"

link_start --loss 6% --burst 4
through bursts $n 20000 100
link_stop bursts
within "bursts: so many are lost" "$(said lost)" $((n * 6 / 100)) "$(five $((n * 6 / 100)) 8)"
within "bursts: their mean length" "$(awk -v l="$(got lost)" -v g="$(got gaps)" 'BEGIN {print l / g}')" 4 1
is "bursts: what arrived says the same as the statistics" "$(got distinct) $(got received)" "$(said left) $(said left)"

# Held back for so long that others come meanwhile even where the sender has to wait.
link_start --delay 5ms --reorder 3% --reorder-by 30ms --duplicate 2%
through order $n 10000 100
link_stop order
within "reordering: so many are overtaken" "$(got overtaken)" $((n * 3 / 100)) "$(five $((n * 3 / 100)))"
within "reordering: as the statistics say, but for the last ones" "$(got overtaken)" "$(said held_back)" 30
within "duplication: so many come twice" "$(got copies)" $((n * 2 / 100)) "$(five $((n * 2 / 100)))"
is "duplication: as the statistics say" "$(got copies) $(got distinct)" "$(said copied) $n"

# 142 octets a frame: 20,000 of them take 2.272 s at 10 Mbit/s. All come at once and wait, so
# that only the last one's time matters.
# 2.272, and what the last one had to wait for this machine: the least of three attempts at most
for attempt in 1 2 3; do
	link_start --rate 10M --queue 30000
	through rate $n 0 100
	link_stop "rate, attempt $attempt"
	awk -v took="$(got took)" 'BEGIN {exit !(took < 2.57)}' && break
done
is "rate: all arrive" "$(got distinct) $(said left)" "$n $n"
within "rate: in the time that they take" "$(got took)" 2.420 0.15

link_start --rate 10M --queue 50
through queue $n 0 100
link_stop queue
is "queue: what does not arrive was dropped by it" "$(($(said queue_full) + $(got received)))" $n
is "queue: some was" "$(($(said queue_full) > 0))" 1

link_start --corrupt 10%
through corrupt 5000 10000 400
link_stop corrupt
within "corruption: so many frames are changed" "$(said corrupted)" 500 "$(five 500)"
# a datagram whose header or payload differs is dropped by its checksums; an address may
# change into that of nobody
within "corruption: none of them arrives" "$(got distinct)" $((5000 - $(said corrupted))) 0

# TCP with all offloads that the kernel has: frames are those of a wire.
if command -v tcpdump >/dev/null && command -v openssl >/dev/null && command -v python3 >/dev/null; then
	link_start --delay 2ms
	ip netns exec $b tcpdump -i eth0 -w tcp.pcap -s 96 tcp 2>dump.err &
	dump=$!
	children="$children $dump"
	await grep -qs listening dump.err
	head -c 3000000 /dev/zero >file
	ip netns exec $a python3 -m http.server -b 192.0.2.1 8000 >/dev/null 2>&1 &
	server=$!
	children="$children $server"
	listens() { ip netns exec $a ss -Hltn 'sport = :8000' | grep -q .; }
	await listens
	ip netns exec $b python3 -c 'import urllib.request as u; print(len(u.urlopen("http://192.0.2.1:8000/file").read()))' >read.out
	kill "$server"
	sleep 1
	kill "$dump"
	wait "$dump"
	link_stop tcp
	is "TCP: the file arrives" "$(cat read.out)" 3000000
	tcpdump -nr tcp.pcap 2>/dev/null | sed -n 's/.*length \([0-9]*\).*/\1/p' | sort -n >lengths
	is "TCP: no segment is longer than the link allows, most are as long" \
		"$(tail -n 1 lengths) $(awk '$1 == 1448 {n++} END {print (n > 2000)}' lengths)" "1448 1"
else
	skip "link: TCP" "needs tcpdump and python3"
fi

# Interfaces that exist, with --packet, in a namespace of their own; the ends offload.
c=wlc$$
trap 'ip netns del $a; ip netns del $b; ip netns del $c; cleanup' EXIT
ip netns add $c || exit 1
ip netns exec $c sysctl -qw net.ipv6.conf.all.disable_ipv6=1
for pair in "$a p0" "$b p1"; do
	set -- $pair
	ip -n $c link add name "$2" type veth peer name eth0 netns "$1"
	ip -n $c link set dev "$2" up
	ip -n "$1" link set dev eth0 up
done
rm -f link.out link.err
"$weir" lab link --packet -o ndjson --delay 5ms --loss 2% $c/p0 $c/p1 >link.out 2>link.err &
link=$!
children="$children $link"
await grep -qs 'carries frames' link.err || cat link.err
address_ends
through packet 5000 5000 100
link_stop packet
is "packet sockets: what arrived says the same as the statistics" \
	"$(got distinct)" "$(grep '"from":"'$c/p0 link.out | sed 's/.*"left":\([0-9]*\).*/\1/')"
within "packet sockets: loss" "$(got distinct)" 4900 "$(five 100)"
within "packet sockets: the least delay" "$(got min)" 5500 500

# A sender that leaves cutting to its device: no wire carries that, and it is told.
if command -v python3 >/dev/null; then
	rm -f link.out link.err
	"$weir" lab link --packet -o ndjson $c/p0 $c/p1 >link.out 2>link.err &
	link=$!
	children="$children $link"
	await grep -qs 'carries frames' link.err
	ip netns exec $b python3 -c 'import socket
s = socket.create_server(("192.0.2.2", 8001)); print("up", flush=True)
c = s.accept()[0]; c.settimeout(1)
try:
	while c.recv(65536): pass
except TimeoutError: pass' >server.out &
	server=$!
	children="$children $server"
	await grep -qs up server.out
	ip netns exec $a python3 -c 'import socket
c = socket.create_connection(("192.0.2.2", 8001)); c.settimeout(1)
try: c.sendall(bytes(300000))
except TimeoutError: pass'
	wait $server
	link_stop merged
	is "packet sockets: segments that were not cut are counted" "$(($(sed -n 's/.*"merged":\([0-9]*\).*/\1/p' link.out | head -n 1) > 0))" 1
fi

# The same as text.
"$weir" lab link --loss 100% --back delay=1ms $a/eth1 $b/eth1 >text.out 2>text.err &
link=$!
children="$children $link"
await grep -qs 'carries frames' text.err
ip -n $a addr add 192.0.2.9/32 peer 192.0.2.10 dev eth1
ip -n $a neigh replace 192.0.2.10 lladdr 02:00:00:00:00:01 dev eth1
ip netns exec $a ./numbered send 192.0.2.10 9 7 1000 100 >sent.out
kill -INT "$link"
wait "$link"
is "text: the link ends well" "$?" 0
is "text: all counters that are not 0, of both directions" "$(awk 'NR > 2 {print $1, $2, $3}' text.out | tr '\n' ';')" \
	"came 7 0;came_bytes 994 0;lost 7 0;bursts 1 0;"
like "text: which direction is which" "$(head -n 1 text.out)" "^ahead is from $a/eth1 to $b/eth1, back from $b/eth1 to $a/eth1"

# What is wrong is said.
status "no such namespace" 1 "$weir" lab link none-$$/eth0 $b/eth1
like "no such namespace: named" "$(cat err)" "network namespace none-$$: No such file"
status "no such interface" 1 "$weir" lab link --packet $c/none $c/p1
like "no such interface: named" "$(cat err)" "none: there is no such interface"
status "a setting that is none" 2 "$weir" lab link --loss lots $a/eth1 $b/eth1
like "a setting that is none: says what it takes" "$(cat err)" "^weir: lab link: --loss takes a share such as 1%"
status "settings of a direction" 2 "$weir" lab link --back loss=1%,speed=3 $a/eth1 $b/eth1
like "settings of a direction: says which there are" "$(cat err)" "back: a link has no 'speed', but delay, jitter"
status "one interface" 2 "$weir" lab link $a/eth1
while read -r words; do
	# shellcheck disable=SC2086
	status "refused: $words" 2 "$weir" lab link $words
	is "refused: $words: with a message of one line" "$(grep -c '^weir: lab link: ..*' err) $(wc -l <err)" "1 1"
done <<END
--mtu 67 $a/e $b/e
--mtu 65522 $a/e $b/e
--slots 1 $a/e $b/e
--slots 4194305 $a/e $b/e
--seed -1 $a/e $b/e
--rate 5 $a/e $b/e
--rate 1M --queue 0 $a/e $b/e
--queue 1000001 $a/e $b/e
--burst 0.5 $a/e $b/e
--loss 99% --burst 1 $a/e $b/e
--ahead loss=99%,burst=1 $a/e $b/e
--delay 10 $a/e $b/e
--delay 601s $a/e $b/e
--format xml $a/e $b/e
$a/name-of-16-chars $b/e
$a/ $b/e
/e $b/e
$a/e $b/e $b/f
END
