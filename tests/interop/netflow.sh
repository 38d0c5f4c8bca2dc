# SPDX-License-Identifier: BSD-2-Clause
# weir's exporter and collector beside those of others: what the meter sends is received by
# nfcapd and decoded by tshark, what softflowd sends is received by weir; all sums are those
# of the capture. And weir's collector under damage, late templates, SIGTERM and kill -9.
# All traffic is on loopback, ports are free ones.
. "$(dirname "$0")/../lib.sh"
tool() { node "$root/tests/interop/netflow/datagrams.mjs" "$@"; }
have() { command -v "$1" >/dev/null; }
export TZ=UTC
cd "$tmp" || exit 1
if ! have node; then
	skip "netflow" "node is not installed (script/setup test)"
	exit 0
fi

# await_line FILE: waits for the file to have a line, 10 s at most
await_line() {
	local i
	for ((i = 0; i < 200; i++)); do
		[ -s "$1" ] && return 0
		sleep 0.05
	done
	return 1
}

# collect_start STORE: weir collect; $collector is its pid, $port its port. What it says
# stands in STORE.err, its summary in STORE.out.
collect_start() {
	rm -f "$1.err"
	"$weir" collect --listen 127.0.0.1:0 --store "$1" >"$1.out" 2>"$1.err" &
	collector=$!
	children="$children $collector"
	local i
	port=
	await_line "$1.err"
	for ((i = 0; i < 200; i++)); do
		port=$(sed -n 's/.*listening on port \([0-9]*\).*/\1/p' "$1.err")
		[ -n "$port" ] && return 0
		sleep 0.05
	done
	not_ok "collect --store $1 listens"
}

# end PID [SIGNAL]: ends a child and waits for it; its status
end() {
	kill "-${2:-TERM}" "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	local status=$?
	local pid rest=""
	for pid in $children; do [ "$pid" = "$1" ] || rest="$rest $pid"; done
	children=$rest
	return $status
}

# nfcapd_start FOLDER: nfcapd; $nfcapd is its pid, $nfport its port
nfcapd_start() {
	local try
	mkdir -p "$1"
	for ((try = 0; try < 5; try++)); do
		nfport=$(tool port)
		nfcapd -b 127.0.0.1 -p "$nfport" -w "$1" -t 3600 >"$1.log" 2>&1 &
		nfcapd=$!
		local i
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

# drained PORT...: waits until the sockets at these ports have nothing left to read, and
# their owners a moment to work on what they read
drained() {
	local port i hex
	for port in "$@"; do
		hex=$(printf '0100007F:%04X' "$port")
		for ((i = 0; i < 200; i++)); do
			awk -v at="$hex" '$2 == at && $5 !~ /:00000000$/ {waits = 1} END {exit waits}' \
				/proc/net/udp && break
			sleep 0.05
		done
	done
	sleep 0.1
}

# counter FILE NAME: a number of a summary, 0 if it is not there
counter() { awk -v name="$2" '$1 == name {n = $2} END {print n + 0}' "$1"; }

# uniflows [no6]: rows of `print -o tsv` with the fields below to rows of one direction, "start
# end src dst sport dport proto packets bytes" with times cut to milliseconds, sorted.
fields=start,end,src,dst,src_port,dst_port,proto,packets,bytes,reverse_packets,reverse_bytes
uniflows() {
	awk -F'\t' -v no6="${1:-}" '
	function ms(t) {
		sub(/Z$/, "", t)
		sub("T", " ", t)
		return substr(t (t ~ /\./ ? "" : ".000"), 1, 23)
	}
	NR == 1 || (no6 != "" && $3 ~ /:/) { next }
	{ $5 += 0; $6 += 0 }
	{ print ms($1), ms($2), $3, $4, $5, $6, $7, $8, $9 }
	$10 != "" { print ms($1), ms($2), $4, $3, $6, $5, $7, $10, $11 }' | sort
}
# totals: the number of such rows, and their packets and octets
totals() { awk '{p += $(NF - 1); b += $NF} END {printf "%d %d %d\n", NR, p, b}'; }
# stored STORE [no6]: its flows as uniflows
stored() { "$weir" print --store "$1" -o tsv --fields $fields | uniflows "${2:-}"; }
# same NAME FILE FILE
same() {
	if cmp -s "$2" "$3" && [ -s "$2" ]; then ok "$1"; else
		not_ok "$1"
		diff "$2" "$3" | head -n 10 | sed 's/^/#   /'
	fi
}
# every STORE: all fields but those that tell where a record came from
every() {
	"$weir" print --store "$1" -o tsv --fields all | awk -F'\t' -v OFS='\t' '
	NR == 1 { for (i = 1; i <= NF; i++) skip[i] = $i ~ /^(exporter|domain|received)$/ }
	{ line = ""; for (i = 1; i <= NF; i++) if (!skip[i]) line = line $i OFS; print line }' | sort
}

# What the meter sends, at nfcapd and at collect: two captures, four kinds of export. Each
# run of the meter also fills a store, and its datagrams are recorded for the tests below.
tool capture mixed.pcap
cp "$root/demo/sequential-1.pcap" demo.pcap
captures="demo mixed"
if [ -f "$root/../shared/captures/meter/mixed.pcap" ]; then
	cp "$root/../shared/captures/meter/mixed.pcap" found.pcap
	captures="$captures found"
fi
for capture in $captures; do
	for kind in 5 9 ipfix biflow; do
		name=$capture-$kind
		version=$kind flags="" no6=""
		if [ $kind = biflow ]; then version=ipfix flags=-b; fi
		if [ $kind = 5 ]; then no6=no6; fi
		collect_start "$name"
		to=127.0.0.1:$port
		rm -f recorder
		# not by tool: the pid has to be node's, not that of a shell around it
		node "$root/tests/interop/netflow/datagrams.mjs" record "$name.hex" >recorder &
		recorder=$!
		children="$children $recorder"
		await_line recorder
		to=$to,127.0.0.1:$(cat recorder)
		nfcapd=
		if have nfcapd && have nfdump && nfcapd_start "nf-$name"; then to=$to,127.0.0.1:$nfport; fi
		status "$name: meter sends" 0 "$weir" meter -r $capture.pcap --store "$name-direct" \
			-n "$to" -v $version $flags
		is "$name: nothing refused or dropped" \
			"$(grep -c ' 0 refused, 0 dropped, 0 failed' out)" "$(echo "$to" | tr ',' '\n' | grep -c .)"
		sent=$(sed -n 's/.*: \([0-9]*\) datagrams, .*/\1/p' out | head -n 1)
		# shellcheck disable=SC2046
		drained $(echo "$to" | tr ',' '\n' | sed 's/.*://')
		end "$collector"
		is "$name: collect ends well at SIGTERM" $? 0
		end "$recorder"
		is "$name: collect received every datagram" "$(counter "$name.out" datagrams)" "$sent"
		is "$name: collect lost nothing" "$(grep -c ' 0 lost, ' "$name.out")" 1

		stored "$name-direct" $no6 >want
		if [ $kind = biflow ]; then
			every "$name-direct" >want-every
			every "$name" >got-every
			same "$name: every field survives" got-every want-every
		fi
		stored "$name" >got
		same "$name: collect has the flows, times and sums of each direction" got want

		if [ -z "$nfcapd" ]; then
			skip "$name: nfdump" "nfcapd and nfdump are not installed (script/setup test)"
			continue
		fi
		end "$nfcapd"
		nfdump -R "nf-$name" -q -N -6 -o \
			'fmt:%ts %te %sa %da %sp %dp %pr %ipkt %ibyt %opkt %obyt' >nf 2>nf.err
		# nfdump writes ICMP's type and code as destination port "8.0", and our biflows as
		# one row with the counters of both directions
		awk 'BEGIN { names[1] = "icmp"; names[6] = "tcp"; names[17] = "udp"; names[58] = "icmpv6" }
		{ name = $9 in names ? names[$9] : $9; a = $7; b = $8 }
		name ~ /icmp/ { a = b = 0 }
		{ print $1, $2, $3, $4, $5, $6, a, b, name, $10, $11 }
		$12 > 0 { print $1, $2, $3, $4, $6, $5, b, a, name, $12, $13 }' nf | sort >nf-got
		same "$name: nfdump has the flows, times and sums of each direction" nf-got want
		is "$name: nfdump's sums" \
			"$(nfdump -R "nf-$name" -I | awk '/^Packets:/ {p = $2} /^Bytes:/ {print p, $2}')" \
			"$(totals <want | cut -d' ' -f2-)"
		is "$name: nfcapd found the sequence whole" \
			"$(sed -n "s/^Ident:.*Sequence Errors: \([0-9]*\), Bad Packets: \([0-9]*\).*/\1 \2/p" \
			"nf-$name.log")" "0 0"
	done
done

# What softflowd meters and sends, at collect: packets and octets of each pair of hosts.
pairs() { awk '{p[$5 " " $6 " " $9] += $10; b[$5 " " $6 " " $9] += $11}
	END {for (k in p) print k, p[k], b[k]}' | sort; }
for version in 5 9 10; do
	for capture in demo mixed; do
		name=softflowd-$version-$capture no6=""
		if ! have softflowd; then
			skip "$name" "softflowd is not installed (script/setup test)"
			continue
		fi
		if [ $version = 5 ]; then no6=no6; fi
		collect_start "$name"
		timeout 20 softflowd -d -r $capture.pcap -n "127.0.0.1:$port" -v $version \
			-p "$tmp/softflowd.pid" -c none >softflowd.out 2>&1
		sleep 0.1
		end "$collector"
		is "$name: collect ends well" $? 0
		stored "$name" | pairs >got
		stored "$capture-9-direct" $no6 | pairs >want
		same "$name: packets and octets of each pair of hosts" got want
		# softflowd's IPFIX sequence counts the message that it stands in, so that gaps
		# show between messages of unequal length (in tshark, too).
		[ $version = 10 ] && continue
		is "$name: nothing lost" "$(grep -c ' 0 lost, ' "$name.out")" 1
	done
done

# tshark decodes every datagram that weir sent, with all templates known.
for capture in $captures; do
	for kind in 5 9 ipfix biflow; do
		name=$capture-$kind
		if ! have tshark; then
			skip "$name: tshark" "tshark is not installed (script/setup test)"
			continue
		fi
		tool pcap "$name.hex" "$name.pcap"
		tshark -r "$name.pcap" -d udp.port==2055,cflow -V >tshark.out 2>tshark.err
		is "$name: tshark sees every datagram as cflow" "$(grep -c '^Cisco NetFlow/IPFIX' tshark.out)" \
			"$(grep -c . "$name.hex")"
		is "$name: tshark complains of nothing" "$(grep -m 3 -iE \
			'malformed|expert info|no template found|unknown information element' tshark.out)" ""
		is "$name: tshark finds every flow" "$(grep -cE '^ +Flow [0-9]+( \[.*\])?$|^ +pdu [0-9]+/' tshark.out)" \
			"$(($(counter "$name.out" records) + $(counter "$name.out" options_records)))"
	done
done

# Data before their templates: the same flows, whatever the order.
for kind in 9 ipfix biflow; do
	name=mixed-$kind
	tool templates-last "$name.hex" >late.hex
	collect_start "late-$kind"
	tool send "$port" late.hex
	sleep 0.1
	end "$collector"
	is "late templates, $kind: collect ends well" $? 0
	every "$name" >want
	every "late-$kind" >got
	same "late templates, $kind: every flow and field" got want
	is "late templates, $kind: sets waited" \
		"$(awk '$1 == "waiting" {w = $2} $1 == "waited" {d = $2} END {print (w > 0 && w == d)}' \
		"late-$kind.out")" 1
done

# Captures years apart in one run: v5's and v9's clock of 49 days is set anew between them.
node -e '
const fs = require("fs"), capture = fs.readFileSync("mixed.pcap");
for (let at = 24; at < capture.length; at += 16 + capture.readUInt32LE(at + 8))
	capture.writeUInt32LE(capture.readUInt32LE(at) - 300000000, at);
fs.writeFileSync("old.pcap", capture);'
for version in 5 9; do
	no6=""
	if [ $version = 5 ]; then no6=no6; fi
	collect_start "years-$version"
	status "captures years apart, v$version: meter sends" 0 "$weir" meter -r demo.pcap -r old.pcap \
		-r demo.pcap --store "years-$version-direct" -n "127.0.0.1:$port" -v $version
	is "captures years apart, v$version: no time is cut" "$(counter out times_cut)" 0
	sleep 0.1
	end "$collector"
	stored "years-$version-direct" $no6 >want
	stored "years-$version" >got
	same "captures years apart, v$version: flows, times and sums" got want
done

# Damage: collect lives on, counts, and stores what is good.
collect_start good
cat mixed-5.hex demo-9.hex demo-ipfix.hex >good.hex
tool damage good.hex >bad.hex
tool send "$port" bad.hex
kill -0 "$collector"
is "damaged datagrams: collect is alive" $? 0
tool send "$port" demo-5.hex
sleep 0.1
end "$collector"
is "damaged datagrams: collect ends well" $? 0
is "damaged datagrams: all were received" "$(counter good.out datagrams)" \
	"$(cat bad.hex demo-5.hex | grep -c .)"
for name in unknown_version short_message bad_length bad_set; do
	is "damaged datagrams: counted as $name" "$(($(counter good.out $name) > 0))" 1
done
is "damaged datagrams: no complaint of the sanitizers" \
	"$(grep -cE 'runtime error|AddressSanitizer' good.err)" 0
stored good | sort -u >got
stored demo-5-direct >want
is "damaged datagrams: the good ones after them are stored" "$(comm -13 got want | grep -c .)" 0

# SIGTERM right behind the last datagram: all is written and summed up.
collect_start term
tool send "$port" demo-9.hex
end "$collector"
is "SIGTERM: collect ends well" $? 0
stored term >got
same "SIGTERM: every flow is stored" got want
is "SIGTERM: the summary counts them" "$(counter term.out records)" "$(grep -c . want)"
is "SIGTERM: no journal is left" "$(find term/journal -type f ! -name lock | grep -c .)" 0

# kill -9: what was received 1.5 s ago is there, before and after another writer recovers it.
collect_start killed
tool send "$port" demo-9.hex
sleep 1.5
end "$collector" KILL
stored killed >got
same "kill -9: print has every flow of 1.5 s ago" got want
collect_start killed
tool send "$port" demo-5.hex
sleep 0.1
end "$collector"
is "kill -9: a second collect ends well" $? 0
is "kill -9: and made a segment of each journal" "$(counter killed.out segments_made) \
$(find killed -name '*.parquet' | grep -c .) $(find killed/journal -type f ! -name lock | grep -c .)" "2 2 0"
stored killed >got
sort want want >twice
same "kill -9: the flows of both runs, each once" got twice
