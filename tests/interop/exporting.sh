# SPDX-License-Identifier: BSD-2-Clause
# What netflow.sh leaves of weir's exporter: the old versions, connections, times in other
# units, an enterprise number of one's own, several collectors, collectors that are away,
# multicast, addresses, reports of packets. Received by collect and nfcapd, decoded by tshark.
# All traffic is on loopback, ports are free ones.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/interop/netflow/lib.sh"
export TZ=UTC
cd "$tmp" || exit 1
if ! have node; then
	skip "exporting" "node is not installed (script/setup test)"
	exit 0
fi
tool capture mixed.pcap

# record_start OUT COMMAND [WORD]: datagrams.mjs takes what comes into OUT; $recorder is its
# pid, $port its port
record_start() {
	rm -f recorder
	# not by tool: the pid has to be node's, not that of a shell around it
	node "$root/tests/interop/netflow/datagrams.mjs" "$2" "$1" ${3:+"$3"} >recorder 2>recorder.err &
	recorder=$!
	children="$children $recorder"
	await_line recorder
	port=$(cat recorder)
}

# decodes NAME FILE: tshark finds nothing wrong with the recorded messages
decodes() {
	if ! have tshark; then
		skip "$1: tshark" "tshark is not installed (script/setup test)"
		return
	fi
	tool pcap "$2" "$2.pcap"
	tshark -r "$2.pcap" -d udp.port==2055,cflow -V >tshark.out 2>tshark.err
	is "$1: tshark sees every message as cflow" "$(grep -c '^Cisco NetFlow/IPFIX' tshark.out)" \
		"$(grep -c . "$2")"
	is "$1: tshark complains of nothing" "$(grep -m 3 -iE \
		'malformed|expert info|no template found|unknown information element' tshark.out)" ""
}

# longest FILE: octets of the longest of the recorded datagrams
longest() { awk 'length > n {n = length} END {print n / 2}' "$1"; }

# sized NAME FILE MOST LEAST: the longest datagram has at most so many octets, and more than LEAST
sized() {
	local n
	n=$(longest "$2")
	is "$1: no datagram is above $3 octets" "$((n <= $3))" 1
	is "$1: and the longest, $n, above $4" "$((n > $4))" 1
}

# seconds: uniflows with times cut to whole seconds
seconds() { sed -E 's/\.[0-9]{3}//g'; }

# Each kind: name, address to listen at, whether IPv6 is left out, options of meter.
"$weir" meter -r mixed.pcap --store direct >/dev/null
stored direct >want
stored direct no6 >want-no6
while read -r name listen families options; do
	no6=""
	if [ "$families" = v4 ]; then no6=-no6; fi
	collect_start "$name" "$listen:127.0.0.1:0"
	to=127.0.0.1:$port
	version=${options#-v }
	if [ "$listen" = tcp ]; then record_start "$name.hex" record-tcp; else record_start "$name.hex" record; fi
	# shellcheck disable=SC2086
	status "$name: meter sends" 0 "$weir" meter -r mixed.pcap -n "$to,127.0.0.1:$port" $options
	is "$name: nothing refused or dropped" "$(grep -c ' 0 refused, 0 dropped, 0 failed' out)" 2
	sent=$(sed -n 's/.*: \([0-9]*\) datagrams, .*/\1/p' out | head -n 1)
	sleep 0.2
	end "$collector"
	end "$recorder"
	counter=datagrams
	[ "$listen" = tcp ] && counter=messages
	is "$name: collect received every message" \
		"$(awk -v n=$counter '$1 == n {print $2; exit}' "$name.out")" "$sent"
	stored "$name" ${no6#-} >got
	case $version in
	*sec*) seconds <"want${no6}" | sort >want-now; seconds <got | sort >got-now ;;
	*) cp "want${no6}" want-now; cp got got-now ;;
	esac
	same "$name: collect has the flows, times and sums of each direction" got-now want-now
	decodes "$name" "$name.hex"
	if [ "$listen" = udp ]; then sized "$name" "$name.hex" 7772 0; fi
done <<-END
	v1 udp v4 -v 1
	v7 udp v4 -v 7
	v5-engine udp v4 -v 5 --engine 3:4
	v9-sec udp all -v 9 -A sec
	v9-milli udp all -v 9 -A milli --domain 77
	v9-micro udp all -v 9 -A micro
	ipfix-sec udp all -v ipfix -A sec
	ipfix-nano udp all -v ipfix -A nano -b
	ipfix-plain udp all -v ipfix --plain -b
	tcp tcp all -v ipfix -P tcp
	tcp-biflow tcp all -v ipfix -P tcp -b
END

is "v5-engine: collect has engine type and id as its domain" \
	"$("$weir" print --store v5-engine -o tsv --fields domain | tail -n +2 | sort -u)" $((3 * 256 + 4))
is "v9-milli: collect has the source id" \
	"$("$weir" print --store v9-milli -o tsv --fields domain | tail -n +2 | sort -u)" 77
every direct >want-every
every tcp-biflow >got-every
same "tcp: every field survives" got-every want-every

# What v1 and v5 have no place for is said, once.
"$weir" meter -r mixed.pcap -n 127.0.0.1:9 -v 5 >out 2>err
is "v5: IPv6 flows are told as not sent" "$(grep -c 'IPv6 flows were not sent' err)" 1
is "v5: and counted" "$(counter out ipv6_left_out)" "$("$weir" print --store direct -o tsv --fields src |
	grep -c :)"

# How long datagrams get: within the machine 7,800 octets with their IP and UDP headers, which fit into 8 KiB of the kernel, or what is said.
many="-r mixed.pcap"
for name in 1 2 3 4 5; do many="$many -r $root/demo/pipelined-$name.pcap"; done
while read -r most least options; do
	record_start sizes.hex record
	# shellcheck disable=SC2086
	"$weir" meter $many -n "127.0.0.1:$port" $options >out 2>err
	sleep 0.2
	end "$recorder"
	is "local, $options: every datagram arrives" "$(grep -c . sizes.hex)" "$(counter out messages)"
	sized "local, $options" sizes.hex "$most" "$least"
done <<-END
	7772 6000 -v ipfix
	7772 6000 -v ipfix -b
	7772 6000 -v 9
	1464 1300 -v 5
	1472 1200 -v ipfix --mtu 1500
	1252 1000 -v 9 --mtu 1280
	20000 7772 -v ipfix --mtu 20028
END

# An enterprise number of one's own: collect learns it from the descriptions (RFC 5610).
collect_start pen
"$weir" meter -r mixed.pcap -n "127.0.0.1:$port" -b --pen 4242 >out
sleep 0.2
end "$collector"
every pen >got-every
same "pen: every field survives under another enterprise number" got-every want-every

# nfcapd on v1, v7 and absolute times in v9.
for options in "-v 1" "-v 7" "-v 9 -A milli"; do
	if ! have nfcapd || ! have nfdump; then
		skip "nfcapd $options" "nfcapd and nfdump are not installed (script/setup test)"
		continue
	fi
	folder=nf-${options//[ -]/}
	nfcapd_start "$folder" || continue
	# shellcheck disable=SC2086
	"$weir" meter -r mixed.pcap -n "127.0.0.1:$nfport" $options >out 2>err
	drained "$nfport"
	end "$nfcapd"
	case $options in *9*) from=want ;; *) from=want-no6 ;; esac
	is "nfcapd $options: packets and octets" \
		"$(nfdump -R "$folder" -I | awk '/^Packets:/ {p = $2} /^Bytes:/ {print p, $2}')" \
		"$(totals <$from | cut -d' ' -f2-)"
	nfdump -R "$folder" -q -N -6 -o 'fmt:%ts %te %sa %da' | awk '{print $1, $2, $3, $4, $5, $6}' |
		sort >got-now
	cut -d' ' -f1-6 $from | sort >want-now
	same "nfcapd $options: times and addresses" got-now want-now
done

# What is told of the exporter itself: its address, what it left out with the times of the
# first and the last, what it lost on the way.
{
	printf '\324\303\262\241\2\0\4\0\0\0\0\0\0\0\0\0\377\377\0\0\1\0\0\0'
	for i in 1 2 3; do # ARP, 42 octets
		printf '\145\063\127\151\0\0\0\0\52\0\0\0\52\0\0\0'
		printf '\377\377\377\377\377\377\2\0\0\0\0\1\10\6'
		head -c 28 /dev/zero
	done
} >arp.pcap
record_start itself.hex record
"$weir" meter -r mixed.pcap -r arp.pcap -n "127.0.0.1:$port" --domain 5 >out
sleep 0.2
end "$recorder"
decodes "itself" itself.hex
is "itself: frames without IP are in the summary" "$(awk '$1 == "not_ip" {print $2, $3; exit}' out)" "3 126"
if have tshark; then
	is "itself: its address" "$(grep -aoE 'ExporterAddr: .*' tshark.out | sort -u)" "ExporterAddr: 127.0.0.1"
	is "itself: what it ignored" "$(grep -aoE 'Ignored (Packets|Octets): [0-9]+' tshark.out | sort -u | xargs)" \
		"Ignored Octets: 126 Ignored Packets: 3"
	is "itself: and when" "$(awk '/Ignored Octets/ {on = 3} on-- > 0 && /StartTime/ {print $2, $3, $4}' tshark.out)" \
		"Jan 2, 2026"
fi

# v9 has options data of the system's scope for the address (RFC 3954, 6.1).
record_start itself9.hex record
recorded=$port
collect_start itself9
"$weir" meter -r mixed.pcap -n "127.0.0.1:$recorded,127.0.0.1:$port" -v 9 >out
sleep 0.2
end "$recorder"
end "$collector"
decodes "itself, v9" itself9.hex
if have tshark; then
	is "itself, v9: its address" "$(grep -aoE 'ExporterAddr: .*' tshark.out | sort -u)" "ExporterAddr: 127.0.0.1"
fi
is "itself, v9: collect tells it" "$(grep -c ', says it is 127.0.0.1$' itself9.out)" 1

# Two collectors share the flows, or each gets all.
collect_start one
first=$collector to=127.0.0.1:$port
collect_start two
"$weir" meter -r mixed.pcap -n "$to,127.0.0.1:$port" -v 9 -l >out
sleep 0.2
end "$first"
end "$collector"
stored one >got-one
stored two >got-two
sort got-one got-two >got
same "balance: together they have every flow once" got want
is "balance: each has some" "$(($(grep -c . got-one) > 0 && $(grep -c . got-two) > 0))" 1
is "balance: neither misses a sequence number" "$(cat one.out two.out | grep -c ' 0 lost, ')" 2

# Collectors that are away: counted, and the meter goes on.
free=$(tool port)
status "away, udp: meter ends well" 0 "$weir" meter -r mixed.pcap -n "127.0.0.1:$free" -v 9
is "away, udp: refusals are counted" "$(grep -cE ' [1-9][0-9]* refused' out)" 1
status "away, tcp: meter says so by its status" 1 "$weir" meter -r mixed.pcap -n "127.0.0.1:$free" -P tcp \
	--patience 300ms --store away
is "away, tcp: all records are told as lost" "$(sed -n 's/.*, \([0-9]*\) records lost.*/\1/p' out)" \
	"$(grep -c . want)"
stored away >got
same "away, tcp: the store has every flow" got want
if "$weir" meter -r mixed.pcap -n "127.0.0.1:$free" -P sctp --patience 100ms >out 2>err; then
	ok "sctp: this kernel has it"
else
	like "sctp: what is missing is said" "$(cat err)" "this kernel has no SCTP"
fi
status "tcp and v9 do not go together" 2 "$weir" meter -r mixed.pcap -n 127.0.0.1:9 -P tcp -v 9

# Where it comes from, and groups.
collect_start source
"$weir" meter -r mixed.pcap -n "127.0.0.1:$port" -v 9 -e 127.0.0.2 >out
sleep 0.2
end "$collector"
is "source: collect sees the address" \
	"$("$weir" print --store source -o tsv --fields exporter | tail -n +2 | sort -u)" 127.0.0.2
record_start group.hex record-group 239.192.7.8
if [ -z "$port" ]; then
	skip "multicast" "no multicast on the loopback: $(head -n 1 recorder.err)"
else
	"$weir" meter -r mixed.pcap -n "239.192.7.8:$port" -v 9 -e 127.0.0.1 -L 1 >out 2>err
	sleep 0.2
	end "$recorder"
	is "multicast: the group gets every datagram" "$(grep -c . group.hex)" "$(counter out messages)"
fi

# Reports of packets: the headers of each, and nothing behind them.
record_start psamp.hex record
status "psamp: meter sends" 0 "$weir" meter -r mixed.pcap -n "127.0.0.1:$port" -v psamp
sleep 0.2
end "$recorder"
decodes psamp psamp.hex
is "psamp: a report for each packet" "$(counter out packets)" "$(counter out packets_seen)"
if have tshark; then
	# IPv4 and IPv6 headers of the capture, and their transport's: all else is payload
	tshark -r mixed.pcap -T fields -e ip.len -e ipv6.plen -e frame.protocols >frames 2>/dev/null
	is "psamp: tshark finds every report" "$(grep -c 'IP Total Length' tshark.out)" \
		"$(grep -c . frames)"
	is "psamp: no section is longer than its headers" "$(awk '/String_len_short/ {
		if ($2 > 60) print $2 }' tshark.out | sort -u)" ""
	is "psamp: and none is empty" "$(grep -c 'String_len_short: 0$' tshark.out)" 0
fi
record_start tenth.hex record
"$weir" meter -r "$root/demo/sequential-1.pcap" -n "127.0.0.1:$port" -v psamp --sample 10 >out
sleep 0.2
end "$recorder"
decodes "psamp, sampled" tenth.hex
is "psamp, sampled: one packet in ten" "$(counter out packets)" \
	"$((($(counter out packets_seen) + 9) / 10))"
record_start chance.hex record
"$weir" meter -r "$root/demo/sequential-1.pcap" -n "127.0.0.1:$port" -v psamp --sample-random 10 >out
sleep 0.2
end "$recorder"
decodes "psamp, by chance" chance.hex
is "psamp, by chance: the packets of the meter's sample are reported, and no others" \
	"$(counter out packets)" "$(awk '$1 == "metered" {print $2}' out)"
is "psamp, by chance: some, out of all" "$(($(counter out packets) > 0 &&
	$(counter out packets) < $(counter out packets_seen)))" 1

# A path with a small MTU, between two network namespaces of this test's own: no datagram is
# longer than it takes, none is cut into fragments, none is lost.
names="weir-mtu-a-$$ weir-mtu-b-$$"
namespaces_end() { for name in $names; do ip netns del "$name" 2>/dev/null; done; }
namespaces() {
	local name
	for name in $names; do ip netns add "$name" || return 1; done
	# shellcheck disable=SC2086
	set -- $names
	ip -n "$1" link add wm0 mtu 1200 type veth peer name wm1 mtu 1200 netns "$2" &&
		ip -n "$1" address add 198.18.77.1/24 dev wm0 && ip -n "$2" address add 198.18.77.2/24 dev wm1 &&
		ip -n "$1" link set wm0 up && ip -n "$2" link set wm1 up && inside_a="ip netns exec $1" &&
		inside_b="ip netns exec $2"
}
trap 'namespaces_end; cleanup' EXIT
if [ "$(id -u)" != 0 ] || ! have ip; then
	skip "mtu" "making network namespaces takes root and iproute2"
elif ! namespaces >netns.out 2>&1; then
	skip "mtu" "no network namespaces here: $(head -n 1 netns.out)"
else
	plain=$weir
	for options in "-v 9" "-v ipfix -b" "-v 9 --mtu 9000"; do
		store=mtu-${options//[ -]/}
		weir="$tmp/inside"
		printf '#!/bin/sh\nexec %s %s "$@"\n' "$inside_b" "$plain" >inside
		chmod +x inside
		collect_start "$store" 198.18.77.2:0
		weir=$plain
		# shellcheck disable=SC2086
		$inside_a "$weir" meter -r mixed.pcap -r "$root/demo/pipelined-1.pcap" --store "$store-direct" \
			-n "198.18.77.2:$port" $options >out 2>err
		sleep 0.3
		end "$collector"
		stored "$store-direct" >mtu-want
		stored "$store" >mtu-got
		same "mtu, $options: every flow arrives" mtu-got mtu-want
		is "mtu, $options: nothing refused or dropped" "$(grep -c ' 0 refused, 0 dropped, 0 failed' out)" 1
	done
	# To another machine 1,400 octets at most, less where the path takes less, more where told.
	# shellcheck disable=SC2086
	set -- $names
	at=0
	while read -r path address most least options; do
		if [ "$path" != "$at" ]; then
			ip -n "$1" link set wm0 mtu "$path"
			ip -n "$2" link set wm1 mtu "$path"
			at=$path
			if [ "$path" -ge 1280 ]; then # below there is no IPv6
				ip -n "$1" address replace fd77::1/64 dev wm0 nodad
				ip -n "$2" address replace fd77::2/64 dev wm1 nodad
			fi
		fi
		name="path of $path, ${options}, to $address"
		rm -f recorder
		$inside_b node "$root/tests/interop/netflow/datagrams.mjs" record sizes.hex "$address" >recorder 2>&1 &
		recorder=$!
		children="$children $recorder"
		await_line recorder
		port=$(cat recorder)
		case $address in *:*) address="[$address]" ;; esac
		# shellcheck disable=SC2086
		$inside_a "$weir" meter $many -n "$address:$port" $options >out 2>err
		sleep 0.3
		end "$recorder"
		is "$name: every datagram arrives" "$(grep -c . sizes.hex)" "$(counter out messages)"
		sized "$name" sizes.hex "$most" "$least"
	done <<-END
		1200 198.18.77.2 1172 900 -v ipfix
		1300 fd77::2 1252 1000 -v ipfix
		1300 fd77::2 1252 1000 -v 9 --mtu 9000
		9000 198.18.77.2 1400 1172 -v ipfix
		9000 198.18.77.2 1400 1172 -v ipfix -b
		9000 198.18.77.2 1400 1172 -v 9
		9000 fd77::2 1400 1172 -v ipfix
		9000 198.18.77.2 3972 1400 -v ipfix --mtu 4000
		9000 fd77::2 3952 1400 -v ipfix --mtu 4000
		9000 198.18.77.2 8972 3972 -v 9 --mtu 20000
	END
	is "mtu: nothing was fragmented" "$($inside_a cat /proc/net/snmp | awk '/^Ip:/ {
		if (!at) for (i = 2; i <= NF; i++) { if ($i == "FragCreates") at = i } else print $at }')" 0
fi
