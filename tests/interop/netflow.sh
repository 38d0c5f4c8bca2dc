# SPDX-License-Identifier: BSD-2-Clause
# weir's exporter and collector beside those of others: what the meter sends is received
# by nfcapd and decoded by tshark, what softflowd sends is received by weir; all sums are
# those of the capture. And weir's collector under damage, late templates, SIGTERM and
# kill -9. All traffic is on loopback, ports are free ones.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/interop/netflow/lib.sh"
export TZ=UTC
cd "$tmp" || exit 1
if ! have node; then
	skip "netflow" "node is not installed (script/setup test)"
	exit 0
fi

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
		# nfdump writes ICMP's type and code as destination port "8.0", and our
		# biflows as one row with the counters of both directions
		awk 'BEGIN { names[1] = "icmp"; names[6] = "tcp"; names[17] = "udp"; names[58] = "icmpv6" }
		{ name = $9 in names ? names[$9] : $9; a = $7; b = $8 }
		name ~ /icmp/ { a = b = 0 }
		{ print $1, $2, $3, $4, $5, $6, a, b, name, $10, $11 }
		$12 > 0 { print $1, $2, $3, $4, $6, $5, b, a, name, $12, $13 }' nf | sort >nf-got
		same "$name: nfdump has the flows, times and sums of each direction" nf-got want
		is "$name: nfdump's sums" \
			"$(nfdump -R "nf-$name" -I | awk '/^Packets:/ {p = $2} /^Bytes:/ {print p, $2}')" \
			"$(totals <want | cut -d' ' -f2-)"
		# its CSV has whole seconds, so times are left out
		nfdump -R "nf-$name" -N -o csv >nf.csv 2>nf.err
		status "$name: load reads nfdump's CSV" 0 "$weir" load --no-turn --no-join nf.csv \
			--store "nf-$name-csv"
		stored "nf-$name-csv" | cut -d' ' -f5- | sort >nf-got
		cut -d' ' -f5- want | sort >nf-want
		same "$name: load has nfdump's flows and sums of each direction" nf-got nf-want
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
		# softflowd's IPFIX sequence counts the message that it stands in, so that
		# gaps show between messages of unequal length (in tshark, too).
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

# Captures years apart in one run: v5's and v9's clock of 49 days is set anew between
# them.
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

# Rights: those that are not needed are given up. The sanitizers forbid the filter of
# system calls, so this is the release binary.
if [ -x "${WEIR_RELEASE:-}" ]; then
	weir=$WEIR_RELEASE collect_start rights
	is "collect keeps no rights it does not need" \
		"$(awk '/^(CapEff|NoNewPrivs|Seccomp):/ {print $1, $2}' /proc/"$collector"/status | sort | xargs)" \
		"CapEff: 0000000000000000 NoNewPrivs: 1 Seccomp: 2"
	tool send "$port" mixed-5.hex
	sleep 1.5
	end "$collector"
	is "collect without rights ends well" $? 0
	is "collect without rights stores what came" "$(counter rights.out rows_written)" \
		"$(counter rights.out records)"
else
	skip "collect's rights" "there is no release binary (WEIR_RELEASE)"
fi

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

# kill -9: what was received 1.5 s ago is there, before and after another writer recovers
# it.
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
