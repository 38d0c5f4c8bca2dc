# SPDX-License-Identifier: BSD-2-Clause
# weir under softflowd's name beside softflowd itself: the same command lines, the same
# statistics, the same sums at nfcapd where softflowd's are those of the capture;
# softflowctl at weir's control socket and weir ctl at softflowd's. What is sent stays on
# loopback; live captures happen in a network namespace that the test makes and removes.
. "$(dirname "$0")/../lib.sh"
tool() { node "$root/tests/interop/netflow/datagrams.mjs" "$@"; }
have() { command -v "$1" >/dev/null; }
cd "$tmp" || exit 1
ln -s "$weir" weir-softflowd
ln -s "$weir" weir-softflowctl
for part in softflowd softflowctl nfcapd nfdump tshark node; do
	have $part && continue
	skip "softflowd" "$part is not installed (script/setup test)"
	exit 0
done

captures=$root/demo/sequential-1.pcap
for name in mixed tls; do
	[ -f "$root/../shared/captures/meter/$name.pcap" ] &&
		captures="$captures $root/../shared/captures/meter/$name.pcap"
done

# truth FILE: packets and octets of its IP packets, by tshark
truth() {
	tshark -r "$1" -Y 'ip or ipv6' -T fields -E occurrence=f -e ip.len -e ipv6.plen 2>/dev/null |
		awk -F'\t' '{p++; b += $1 != "" ? $1 : $2 + 40} END {print p, b}'
}
# sums FILE: packets and octets of all protocols of a statistics text
sums() {
	awk '/^Per-protocol/ {on = 1; next} /^$/ {on = 0}
		on {p += $(NF - 2); b += $(NF - 3)} END {print p, b}' "$1"
}
# old FILE: the part of a statistics text that softflowd has too
old() { sed '/^frames$/,$d; /^capture$/,$d' "$1" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'; }

# nfcapd_start FOLDER: $nfcapd is its pid, $nfport its port
nfcapd_start() {
	local try i
	mkdir -p "$1"
	for ((try = 0; try < 5; try++)); do
		nfport=$(tool port)
		nfcapd -b 127.0.0.1 -p "$nfport" -w "$1" -t 3600 >"$1.log" 2>&1 &
		nfcapd=$!
		for ((i = 0; i < 100; i++)); do
			grep -qs Startup "$1.log" && break
			kill -0 "$nfcapd" 2>/dev/null || break
			sleep 0.05
		done
		if kill -0 "$nfcapd" 2>/dev/null; then
			children="$children $nfcapd"
			return 0
		fi
	done
	not_ok "nfcapd starts in $1"
	return 1
}
# nfcapd_end FOLDER: waits until it has read all; its sums go to $got
nfcapd_end() {
	local i
	for ((i = 0; i < 200; i++)); do
		awk -v at="$(printf '0100007F:%04X' "$nfport")" \
			'$2 == at && $5 !~ /:00000000$/ {waits = 1} END {exit waits}' /proc/net/udp && break
		sleep 0.05
	done
	sleep 0.2
	kill "$nfcapd"
	wait "$nfcapd" 2>/dev/null
	children=$(echo " $children " | sed "s/ $nfcapd / /")
	got=$(nfdump -R "$1" -I | awk '/^Packets:/ {p = $2} /^Bytes:/ {print p, $2}')
}

for capture in $captures; do
	name=$(basename "$capture" .pcap)
	for version in 5 9 10; do
		for program in softflowd weir-softflowd; do
			nfcapd_start "$program-$name-$version" || continue
			path=$program
			[ $program = weir-softflowd ] && path=./weir-softflowd
			$path -6 -a -r "$capture" -v $version -n "127.0.0.1:$nfport" \
				>"$program-$name-$version.txt" 2>"$program-$name-$version.err"
			is "$name v$version: $program ends well" $? 0
			nfcapd_end "$program-$name-$version"
			eval "$(echo $program | tr - _)_got=\$got"
		done
		theirs=softflowd-$name-$version.txt ours=weir-softflowd-$name-$version.txt
		like "$name v$version: packets processed" "$(grep -x \
			"$(sed -n '/^Packets processed/p' $theirs)" $ours)" ^Packets
		is "$name v$version: ignored packets" "$(sed -n '/^Ignored/p' $ours)" \
			"$(sed -n '/^Ignored/p' $theirs)"
		is "$name v$version: the statistics' sums are those of the capture" \
			"$(sums $ours)" "$(truth "$capture")"
		is "$name v$version: softflowd's packets by protocol are ours" \
			"$(awk '/^Per-protocol/ {on = 1; next} /^$/ {on = 0} on {print $1, $(NF - 2)}' $ours)" \
			"$(awk '/^Per-protocol/ {on = 1; next} /^$/ {on = 0} on {print $1, $(NF - 2)}' $theirs)"
		# NetFlow 5 leaves IPv6 out, at both
		if [ $version != 5 ] || ! grep -q ipv6 $ours; then
			is "$name v$version: nfcapd has the sums of the capture" \
				"$weir_softflowd_got" "$(truth "$capture")"
		fi
		if [ "$(sums $theirs)" = "$(sums $ours)" ]; then
			is "$name v$version: nfcapd has the same sums from softflowd" \
				"$weir_softflowd_got" "$softflowd_got"
		else
			echo "# $name v$version: softflowd counts $(sums $theirs), the capture has $(truth "$capture")"
		fi
		case $name in
		sequential*) # one connection: every figure of softflowd's text; but in versions 9
			# and 10 softflowd counts its option data as records of flows
			leave='^$'
			[ $version = 5 ] || leave='^$|^Flows exported'
			is "$name v$version: the whole text of statistics" \
				"$(old $ours | grep -vE "$leave")" "$(old $theirs | grep -vE "$leave")" ;;
		esac
	done
done

# ---- live ----
if [ "$(id -u)" != 0 ] || ! ip netns add "weir$$" 2>/dev/null; then
	skip "live" "needs root and network namespaces"
	exit 0
fi
trap 'cleanup; ip netns del "weir$$" 2>/dev/null' EXIT
ip -n "weir$$" link set lo up
inside() { ip netns exec "weir$$" "$@"; }
# 5 UDP datagrams of 100 octets in a flow of their own, none answered
traffic() {
	inside node -e 'const s = require("dgram").createSocket("udp4");
		s.bind(0, "127.0.0.1", async () => { for (let i = 0; i < 5; i++)
			await new Promise(r => s.send(Buffer.alloc(72), 9, "127.0.0.1", r)); s.close() })'
}
# has SOCKET TEXT: softflowctl shows it
has() { softflowctl -c "$1" "$2" 2>/dev/null | grep -qE -- "$3"; }

inside ./weir-softflowd -d -i lo -c ours.ctl -t expint=0 udp >ours.out 2>ours.err &
ours=$!
children="$children $ours"
await test -S ours.ctl || not_ok "weir-softflowd makes its control socket"
traffic
if await has ours.ctl statistics '^Packets processed: 5$'; then
	ok "softflowctl statistics of weir: packets processed"
else
	not_ok "softflowctl statistics of weir: packets processed"
	softflowctl -c ours.ctl statistics | head -n 12 | sed 's/^/#   /'
fi
softflowctl -c ours.ctl dump-flows >dump
like "softflowctl dump-flows of weir" "$(cat dump)" \
	'^ACTIVE seq:[0-9]+ \[127\.0\.0\.1\]:[0-9]+ <> \[127\.0\.0\.1\]:9 proto:17 octets>:500 packets>:5 octets<:0 packets<:0 start:20'
like "and when it will be over" "$(cat dump)" '^EXPIRY EVENT for flow [0-9]+ in 2[0-9][0-9] seconds'
# word, what is answered
while IFS='|' read -r word answer; do
	softflowctl -c ours.ctl "$word" >answer 2>&1
	is "softflowctl $word of weir: status" $? 0
	like "softflowctl $word of weir" "$(cat answer)" "$answer"
done <<-'X'
	help|Valid control words are:
	stop-gather|weir\[[0-9]+\]: Data collection stopped\.
	start-gather|weir\[[0-9]+\]: Data collection resumed\.
	debug+|Debug level increased\.
	debug-|Debug level decreased\.
	timeouts|UDP timeout: 300s
	timeouts|TCP post-FIN timeout: 300s
	timeouts|TCP post-RST timeout: 120s
	timeouts|Expiry interval: 0s
	timeouts udp=200|UDP timeout: 200s
	send-template|nothing is sent
	expire-all|Expired 1 flows\.
	nonsense|Unknown control command "nonsense"
X
softflowctl -c ours.ctl statistics >ours.txt
for line in 'Number of active flows: 0' 'Packets processed: 5' 'Fragments: 0' \
	'Ignored packets: 0 \(0 non-IP, 0 too short\)' 'Flows expired: 1 \(0 forced\)' \
	'Flows exported: 0 \(0 records\) in 0 packets \(0 failures\)' \
	'Packets received by libpcap: [1-9]' 'Packets dropped by libpcap: 0' \
	'Packets dropped by interface: 0' 'Flow bytes: +500 +500 +500' \
	'Flow packets: +5 +5 +5' 'Duration: +0\.[0-9][0-9]s' 'flushed = +1$' \
	'udp \(17\): +500 +5 +0\.[0-9][0-9]s'; do
	like "statistics of weir: $line" "$(cat ours.txt)" "^ *(weir.*)?$line"
done
# Clients that say nothing, that never end their line, that do not read what they asked
# for: packets are metered and others are answered all the same.
node -e 'const net = require("net"), held = []
	for (let i = 0; i < 60; i++) {
		const s = net.connect("ours.ctl", () => {
			if (i % 3 == 1) s.write("x".repeat(100))
			if (i % 3 == 2) s.write("weir metrics\n".repeat(18))
		})
		s.pause()
		s.on("error", () => {})
		held.push(s)
	}
	console.log("held")
	setTimeout(() => process.exit(), 60000)' >held 2>&1 &
rude=$!
children="$children $rude"
await grep -q held held || not_ok "rude clients connect"
traffic
if await has ours.ctl statistics '^Packets processed: 10$'; then
	ok "rude clients hold up neither packets nor answers"
else
	not_ok "rude clients hold up neither packets nor answers"
fi
kill $rude
wait $rude 2>/dev/null
children=$(echo " $children " | sed "s/ $rude / /")
like "delete-all" "$(softflowctl -c ours.ctl delete-all)" 'Deleted 1 flows\.'
like "what was deleted is counted" "$(softflowctl -c ours.ctl statistics)" 'deleted_packets +5 '
softflowctl -c ours.ctl stop-gather >/dev/null
traffic
await has ours.ctl statistics 'not_gathered +5 ' || not_ok "what stop-gather lets pass is counted"
like "stop-gather: no packet more is processed" "$(softflowctl -c ours.ctl statistics)" \
	'Packets processed: 10$'
"$weir" ctl -c ours.ctl metrics >metrics
if python3 -c 'import prometheus_client' 2>/dev/null || /usr/bin/python3 -c 'import prometheus_client' 2>/dev/null; then
	python=python3
	python3 -c 'import prometheus_client' 2>/dev/null || python=/usr/bin/python3
	$python - metrics >parsed 2>&1 <<-'X'
	import sys
	from prometheus_client.parser import text_string_to_metric_families as parse
	n = 0
	for family in parse(open(sys.argv[1]).read()):
	    assert family.documentation and family.type in ('counter', 'gauge'), family
	    assert family.name.startswith('weir_'), family.name
	    for sample in family.samples:
	        n += 1
	        if sample.name == 'weir_meter_packets_total':
	            print('packets', sample.value)
	        if sample.name == 'weir_meter_protocol_bytes_total':
	            print('proto', sample.labels['proto'], sample.value)
	print('enough' if n > 80 else 'few')
	X
	is "Prometheus' own parser reads the metrics" "$(cat parsed | tr '\n' ' ')" \
		"proto 17 500.0 packets 10.0 enough "
else
	skip "Prometheus' own parser reads the metrics" "python3-prometheus-client is not installed (script/setup test)"
fi
like "shutdown" "$(softflowctl -c ours.ctl shutdown)" 'Shutting down gracefully'
wait $ours
is "shutdown: status" $? 0
children=$(echo " $children " | sed "s/ $ours / /")
is "shutdown: the control socket is gone" "$(ls ours.ctl 2>/dev/null)" ""

inside softflowd -d -i lo -c "$tmp/theirs.ctl" -t expint=1 udp >theirs.out 2>theirs.err &
theirs=$!
children="$children $theirs"
await test -S theirs.ctl || not_ok "softflowd makes its control socket"
status "weir ctl statistics of softflowd" 0 "$weir" ctl -c theirs.ctl statistics
like "its text" "$(cat out)" '^Number of active flows: '
status "weir-softflowctl timeouts of softflowd" 0 ./weir-softflowctl -c theirs.ctl timeouts
like "its text" "$(cat out)" 'TCP timeout: 3600s'
status "weir ctl -o json of softflowd says what it cannot" 1 "$weir" ctl -c theirs.ctl -o json statistics
like "and why" "$(cat err)" 'has no JSON'
status "weir-softflowctl exit" 0 ./weir-softflowctl -c theirs.ctl exit
wait $theirs 2>/dev/null
children=$(echo " $children " | sed "s/ $theirs / /")

# As a daemon, with softflowd's pid file, and metrics by HTTP: with the sanitizers, and
# the release, in which system calls are limited too.
for program in "$weir" "${WEIR_RELEASE:-}"; do
	if [ ! -x "$program" ]; then
		skip "daemon of the release" "there is no release binary (script/build)"
		continue
	fi
	kind=$(basename "$(dirname "$program")")
	ln -sf "$program" weir-softflowd
	status "$kind: the daemon starts" 0 inside ./weir-softflowd -i lo -n 127.0.0.1:9 \
		-p "$tmp/d.pid" -c "$tmp/d.ctl"
	pid=$(cat d.pid 2>/dev/null)
	children="$children $pid"
	is "$kind: its pid file names it once the parent has ended" \
		"$(readlink "/proc/${pid:-0}/exe")" "$(readlink -f "$program")"
	traffic
	if await has d.ctl statistics '^Packets processed: [1-9]'; then
		ok "$kind: it meters and answers"
	else
		not_ok "$kind: it meters and answers"
	fi
	like "$kind: JSON lines of flows" "$("$weir" ctl -c d.ctl -o ndjson dump-flows | head -n 1)" \
		'^\{"start":"20.*"proto":"udp".*"packets":'
	softflowctl -c d.ctl shutdown >answer
	like "$kind: shutdown" "$(cat answer)" 'Shutting down'
	gone() { [ ! -e "/proc/$pid" ]; }
	if await gone; then ok "$kind: it ends"; else not_ok "$kind: it ends"; fi
	children=$(echo " $children " | sed "s/ $pid / /")
	is "$kind: nothing of it is left" "$(ls d.pid d.ctl 2>/dev/null)" ""

	inside "$program" meter -i lo -c d.ctl --metrics 127.0.0.1:0 >"$kind.out" 2>"$kind.err" &
	pid=$!
	children="$children $pid"
	await grep -q 'capturing on' "$kind.err" || not_ok "$kind: meter captures"
	http=$(sed -n 's/.*metrics by HTTP at port \([0-9]*\).*/\1/p' "$kind.err")
	inside bash -c "exec 3<>/dev/tcp/127.0.0.1/${http:-0} && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && cat <&3" >page
	like "$kind: metrics by HTTP" "$(tr -d '\r' <page | tr '\n' '|')" \
		'^HTTP/1\.[01] 200 OK\|.*\|weir_meter_gathering 1\|'
	status "$kind: ctl shutdown" 0 "$weir" ctl -c d.ctl shutdown
	wait "$pid"
	is "$kind: shutdown ends well" $? 0
	children=$(echo " $children " | sed "s/ $pid / /")
done
