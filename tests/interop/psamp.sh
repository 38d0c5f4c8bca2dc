# SPDX-License-Identifier: BSD-2-Clause
# Reports of packets received: flows made of what weir and softflowd report of a capture
# are those of the capture itself; reports out of a sample are counted as they come; what
# is damaged is counted and survived. All traffic is on loopback, ports are free ones.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/interop/netflow/lib.sh"
export TZ=UTC
cd "$tmp" || exit 1
if ! have node; then
	skip "psamp" "node is not installed (script/setup test)"
	exit 0
fi
tool capture mixed.pcap

# receive_start STORE [ADDRESS [OPTION...]]: weir meter on reports; $receiver is its pid,
# $port its port
receive_start() {
	local store=$1 address=${2:-127.0.0.1:0} i
	shift
	[ $# -gt 0 ] && shift
	rm -f "$store.err"
	"$weir" meter -R "$address" --store "$store" --no-cut "$@" >"$store.out" 2>"$store.err" &
	receiver=$!
	children="$children $receiver"
	port=
	for ((i = 0; i < 200; i++)); do
		port=$(sed -n 's/.*listening on port \([0-9]*\).*/\1/p' "$store.err" 2>/dev/null)
		[ -n "$port" ] && return 0
		sleep 0.05
	done
	not_ok "meter -R $address listens"
}

# received STORE: the receiver is ended once it has read all; its summary is in STORE.out
received() {
	drained "$port"
	end "$receiver"
	is "$1: the receiver ends well" $? 0
}

# tcp ends and whole spans, too: what the headers of each packet tell
all=start,end,src,dst,src_port,dst_port,proto,packets,bytes,reverse_packets,reverse_bytes
all=$all,tcp_flags,reverse_tcp_flags,span,reverse_span,tos,ttl_min,ttl_max,icmp_type
lines() { "$weir" print --store "$1" -o tsv --fields "$all" | tail -n +2 | sort; }

while read -r name file listen to; do
	"$weir" meter -r "$file" --store "$name-direct" --no-cut >/dev/null
	receive_start "$name" "$listen"
	"$weir" meter -r "$file" -n "$to:$port" -v psamp >sent
	received "$name"
	lines "$name-direct" >want
	lines "$name" >got
	same "$name: flows of the reports are those of the capture" got want
	is "$name: every report arrived" "$(counter "$name.out" sections)" "$(counter sent packets)"
	is "$name: none is missing" "$(counter "$name.out" lost)" 0
	is "$name: every packet was metered" "$(awk '$1 == "metered" {print $2; exit}' "$name.out")" \
		"$(counter sent packets)"
done <<-END
	mixed mixed.pcap 127.0.0.1:0 127.0.0.1
	sequential $root/demo/sequential-1.pcap :0 127.0.0.1
	pipelined $root/demo/pipelined-1.pcap [::1]:0 [::1]
END

# Of a sample: what was selected, no more.
receive_start sampled
"$weir" meter -r "$root/demo/sequential-1.pcap" -n "127.0.0.1:$port" -v psamp --sample 10 >sent
received sampled
is "sampled: the packets of the sample are metered" \
	"$(awk '$1 == "metered" {print $2; exit}' sampled.out)" "$(awk '$1 == "metered" {print $2}' sent)"
like "sampled: the rate is told" "$(cat sampled.out)" "sampling 1:10"

# A filter, by the section's own link type.
receive_start filtered 127.0.0.1:0 udp port 53
"$weir" meter -r mixed.pcap -n "127.0.0.1:$port" -v psamp >sent
received filtered
is "filter: only what it lets through" "$("$weir" print --store filtered -o tsv --fields dst_port |
	tail -n +2 | sort -u)" 53

# softflowd's own frames. Without a control socket: with one this version waits for a
# client before the first packet.
if ! have softflowd || ! softflowd -h 2>&1 | grep -q psamp; then
	skip "softflowd" "softflowd with PSAMP is not installed (script/setup test)"
else
	# each packet is a frame there: of Ethernet, so that it needs a capture of that
	softflowd_reports() {
		softflowd -d -r "$root/demo/sequential-1.pcap" -v psamp -n "127.0.0.1:$port" -c none \
			-p "$tmp/softflowd.pid" >softflowd.out 2>&1 &
		reporter=$!
		children="$children $reporter"
		# it ends with the capture
		local i
		for ((i = 0; i < 400; i++)); do
			kill -0 "$reporter" 2>/dev/null || break
			sleep 0.05
		done
		end "$reporter"
	}
	"$weir" meter -r "$root/demo/sequential-1.pcap" --store direct --no-cut >out
	frames=$(awk '$1 == "sum" {print $2; exit}' out)
	# It sends as fast as it can, by a protocol that may lose some: three attempts.
	for attempt in 1 2 3; do
		rm -rf softflowd
		receive_start softflowd
		softflowd_reports
		received softflowd
		[ "$(counter softflowd.out sections)" = "$frames" ] && break
	done
	lines direct >want
	lines softflowd >got
	is "softflowd: a report for each frame" "$(counter softflowd.out sections)" "$frames"
	same "softflowd: flows of the reports are those of the capture" got want
	# and by the front, which has the template from nobody
	port=$(tool port)
	ln -sf "$weir" weir-softflowd
	./weir-softflowd -d -R "$port" -c none >front.out 2>front.err &
	receiver=$!
	children="$children $receiver"
	await_line front.err
	softflowd_reports
	drained "$port"
	end "$receiver"
	is "weir-softflowd -R: meters them" "$(sed -n 's/^Packets processed: //p' front.out)" "$frames"
fi

# Damage, noise, flows and other versions among the reports: counted, survived.
rm -f recorder
node "$root/tests/interop/netflow/datagrams.mjs" record reports.hex >recorder &
recorder=$!
children="$children $recorder"
await_line recorder
"$weir" meter -r mixed.pcap -n "127.0.0.1:$(cat recorder)" -v psamp >out
drained "$(cat recorder)"
end "$recorder"
tool damage reports.hex >damaged.hex
receive_start damaged
tool send "$port" damaged.hex
"$weir" meter -r mixed.pcap -n "127.0.0.1:$port" -v 5 >out 2>&1
"$weir" meter -r mixed.pcap -n "127.0.0.1:$port" -v ipfix --domain 9 >out 2>&1
received damaged
is "damaged: every datagram is accounted for" "$(($(counter damaged.out messages) +
	$(counter damaged.out short_message) + $(counter damaged.out unknown_version)))" \
	"$(counter damaged.out datagrams)"
is "damaged: every frame is in a named row" "$(awk '/^frames/ {on = 1; next} /^[^ ]/ {on = 0}
	on && $1 != "sum" {n += $2} END {print n}' damaged.out)" "$(counter damaged.out sections)"
is "damaged: flows are counted, not kept" "$(($(counter damaged.out other_records) > 0))" 1

status "with a file: refused" 2 "$weir" meter -R 127.0.0.1:0 -r mixed.pcap --store x
like "with a file: says why" "$(cat err)" "takes the place of -r and -i"
status "two addresses: refused" 1 "$weir" meter -R 127.0.0.1:0,127.0.0.1:0 -o tsv
status "tcp: refused" 1 "$weir" meter -R tcp:127.0.0.1:0 -o tsv
like "tcp: says why" "$(cat err)" "by udp"
