# SPDX-License-Identifier: BSD-2-Clause
# Real sessions between real programs, captured at the client, at a router in the middle
# and at the server, each a network namespace of its own: HTTP/1.1 keep-alive, HTTP/2 at a
# window of 64 KiB, a rate-limited download, pipelined requests, a websocket, scp, an
# interactive shell and 100,000 database queries; without offloading and with GSO, GRO and
# TSO. What the programs say they sent and received is what the records say. Needs root.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
here=$root/tests/interop/sessions
for tool in ip ethtool tcpdump; do
	command -v $tool >/dev/null && continue
	skip "sessions" "$tool is not installed"
	exit 0
done
client=192.0.2.2 server=198.51.100.2
ends="wc$$ wr$$ ws$$"
if [ "$(id -u)" != 0 ] || ! ip netns add wc$$ 2>why; then
	skip "sessions" "no network namespaces: $(head -n 1 why 2>/dev/null || echo 'not root')"
	exit 0
fi
run_sshd=""
tidy() {
	local ns
	for pid in $children; do kill "$pid" 2>/dev/null; done
	for pid in $children; do wait "$pid" 2>/dev/null; done
	for ns in $ends; do ip netns del "$ns" 2>/dev/null; done
	[ -n "$run_sshd" ] && rmdir /run/sshd
	cleanup
}
trap tidy EXIT
ip netns add wr$$ && ip netns add ws$$ || exit 1
chmod 755 "$tmp"
at() { local ns=$1$$; shift; ip netns exec "$ns" "$@"; }
at wc ip link add c0 type veth peer name r0 netns wr$$ || exit 1
at wr ip link add r1 type veth peer name s0 netns ws$$ || exit 1
for ns in wc wr ws; do
	at $ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	at $ns ip link set lo up
done
at wc ip addr add $client/24 dev c0
at wr ip addr add 192.0.2.1/24 dev r0
at wr ip addr add 198.51.100.1/24 dev r1
at ws ip addr add $server/24 dev s0
at wc ip link set c0 up
at wr ip link set r0 up
at wr ip link set r1 up
at ws ip link set s0 up
at wc ip route add default via 192.0.2.1
at ws ip route add default via 198.51.100.1
at wr sysctl -qw net.ipv4.ip_forward=1
# offload WORD: at every interface
offload() {
	at wc ethtool -K c0 tso "$1" gso "$1" gro "$1"
	at wr ethtool -K r0 tso "$1" gso "$1" gro "$1"
	at wr ethtool -K r1 tso "$1" gso "$1" gro "$1"
	at ws ethtool -K s0 tso "$1" gso "$1" gro "$1"
} >/dev/null 2>&1

listens() { at ws ss -Hltn "sport = :$1" | grep -q .; }
# behind NAMESPACE COMMAND...: in the background, ended with the test
behind() {
	local ns=$1
	shift
	ip netns exec "$ns$$" "$@" >>servers.out 2>&1 &
	children="$children $!"
}

# The sessions' servers; "have" has the names of those that are there.
have=""
sizes="200 1500 100000 20 3000000 1023 70000 20000"
nginx_start() {
	local size
	mkdir -p www logs
	for size in $sizes 250000; do
		head -c "$size" /dev/urandom >www/$size
	done
	openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.crt -days 2 \
		-subj /CN=weir 2>/dev/null
	cat >nginx.conf <<-END
		daemon off; master_process off; user root; pid $tmp/nginx.pid; error_log $tmp/logs/error.log;
		events {}
		http {
			log_format lengths '\$server_port \$request_length \$bytes_sent';
			access_log $tmp/logs/access.log lengths;
			client_body_temp_path $tmp/logs; proxy_temp_path $tmp/logs; fastcgi_temp_path $tmp/logs;
			uwsgi_temp_path $tmp/logs; scgi_temp_path $tmp/logs;
			root $tmp/www; default_type application/octet-stream;
			server { listen 8001; }
			server { listen 8002; limit_rate 100k; }
			server { listen 8003 http2; }
			server { listen 8004 ssl http2; ssl_certificate $tmp/tls.crt; ssl_certificate_key $tmp/tls.key; }
			limit_req_zone all zone=all:32k rate=2r/s;
			server { listen 8005; limit_req zone=all burst=9; }
		}
	END
	behind ws nginx -c "$tmp/nginx.conf" -e "$tmp/logs/error.log"
	await listens 8005 && have="$have nginx"
}
sshd_start() {
	[ -d /run/sshd ] || { mkdir -m 755 /run/sshd && run_sshd=yes; }
	ssh-keygen -q -t ed25519 -N '' -f host_key
	ssh-keygen -q -t ed25519 -N '' -f key
	cat >sshd_config <<-END
		Port 8022
		Port 8023
		Port 8024
		HostKey $tmp/host_key
		AuthorizedKeysFile $tmp/key.pub
		PidFile none
		StrictModes no
		UsePAM no
		PermitRootLogin yes
		PasswordAuthentication no
		Subsystem sftp internal-sftp
	END
	behind ws "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f "$tmp/sshd_config"
	await listens 8024 && have="$have ssh"
}
redis_start() {
	ln -s "$redis" redis-server
	behind ws ./redis-server --bind $server --port 8007 --protected-mode no --save '' --dir "$tmp"
	await listens 8007 && have="$have redis"
}
export PATH=$PATH:/usr/sbin:/sbin
# redis-server is redis-check-rdb by another name; the package of tools brings no service
redis=$(command -v redis-server || command -v redis-check-rdb)
if command -v nginx >/dev/null && command -v curl >/dev/null; then nginx_start; else
	skip "HTTP sessions" "nginx or curl is not installed"
fi
if command -v sshd >/dev/null && command -v scp >/dev/null; then sshd_start; else
	skip "ssh sessions" "openssh-server or openssh-client is not installed"
fi
if [ -n "$redis" ] && command -v redis-cli >/dev/null; then redis_start; else
	skip "database queries" "redis-tools is not installed"
fi
if command -v python3 >/dev/null; then
	behind ws python3 -B "$here/websocket.py" serve $server 8006
	await listens 8006 && have="$have websocket"
else
	skip "websocket" "python3 is not installed"
fi

# The sessions; each writes what its programs know into a file of its name.
keep_alive() { # octets of request, header and body, and when the connection was made
	# shellcheck disable=SC2046
	at wc curl -s -w '%{size_request} %{size_header} %{size_download} %{time_connect}\n' \
		$(for size in $sizes; do echo "-o /dev/null http://$server:8001/$size"; done) >"$1.keep"
}
slow() {
	at wc curl -s -o /dev/null -w '%{size_request} %{size_header} %{size_download}\n' \
		http://$server:8002/250000 >"$1.slow"
}
http2() {
	# shellcheck disable=SC2086
	at wc node "$here/http2.cjs" http://$server:8003 $(printf '/%s ' $sizes) >"$1.h2c"
	# shellcheck disable=SC2086
	at wc node "$here/http2.cjs" https://$server:8004 $(printf '/%s ' $sizes) >"$1.h2"
}
pipelined() { # five requests before the first is answered: the server makes them wait
	at wc python3 -B - $server 8005 >"$1.pipelined" <<-END
		import socket, sys, time
		def ask(request):
		    s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
		    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		    for part in request:
		        s.sendall(part)
		        time.sleep(0.01)
		    octets = 0
		    while data := s.recv(1 << 16):
		        octets += len(data)
		    return octets
		head, close = b" HTTP/1.1\\r\\nHost: weir\\r\\n", b"Connection: close\\r\\n\\r\\n"
		ask([b"GET /20" + head + close])
		print(ask([b"GET /70000" + head + b"X-Padding: " + b"x" * (60 + i) + b"\\r\\n" +
		           (close if i == 4 else b"\\r\\n") for i in range(5)]))
	END
}
websocket() { at wc python3 -B "$here/websocket.py" talk $server 8006 >"$1.websocket"; }
secure="-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o IdentitiesOnly=yes"
copy() {
	# shellcheck disable=SC2086
	at wc scp -q -F none -i key $secure -P 8022 $server:"$tmp/www/3000000" "$1.copied" </dev/null
	# shellcheck disable=SC2086
	at wc scp -q -O -F none -i key $secure -P 8023 $server:"$tmp/www/3000000" "$1.copied2" </dev/null
}
shell() { # keystrokes with pauses, each echoed by the terminal
	local line='echo hello; cat /proc/version' i
	{
		sleep 0.5
		for ((i = 0; i < ${#line}; i++)); do
			printf %s "${line:i:1}"
			sleep 0.03
		done
		printf '\nexit\n'
		sleep 0.5
	} | at wc ssh -tt -F none -i key $secure -p 8024 $server 'PS1="$ " exec sh -i' >"$1.shell" 2>&1
}
# 100,000 queries of 64 octets or more, among them some with large answers; of every query
# the octets of the answer, in order.
queries() {
	awk 'BEGIN {for (i = 1; i <= 100000; i++) {
		n = i % 10000 == 0 ? 300000 : i % 500 == 0 ? 20000 : i % 10 == 0 ? 1500 : 200
		k = sprintf("key:%060d", n)
		print "GET " k >"queries"
		print 84, 1 + length(n) + 2 + n + 2 >"answers"}}'
	for n in 200 1500 20000 300000; do
		printf 'SET key:%060d ' $n
		head -c $n /dev/zero | tr '\0' x
		echo
	done | at ws redis-cli -h $server -p 8007 >/dev/null
	# the client asks for the commands' documentation first
	docs=$(at wc bash -c 'exec 3<>/dev/tcp/'$server'/8007
		printf "*2\r\n\$7\r\nCOMMAND\r\n\$4\r\nDOCS\r\n*1\r\n\$4\r\nQUIT\r\n" >&3; wc -c <&3')
	sed -i "1i 27 $((docs - 5))" answers
	capture "$1"
	at wc redis-cli -h $server -p 8007 <queries | wc -lc >"$1.queries"
	captured "$1"
}

# capture NAME: starts tcpdump at the three places; captured ends it.
capture() {
	local place
	dumps=""
	while read -r place ns interface; do
		ip netns exec "$ns$$" tcpdump -i "$interface" -s 100 -B 65536 -U \
			--immediate-mode -Z root -w "$1.$place.pcap" tcp 2>"$1.$place.log" &
		dumps="$dumps $!"
	done <<-END
		client wc c0
		middle wr r1
		server ws s0
	END
	children="$children $dumps"
	for place in client middle server; do
		await grep -q 'listening on' "$1.$place.log"
	done
}
# A connection that is refused comes last in every capture.
marker() { tcpdump -nr "$1" 'tcp src port 9' 2>/dev/null | grep -q .; }
captured() {
	local place
	at wc bash -c "echo >/dev/tcp/$server/9" 2>/dev/null
	for place in client middle server; do await marker "$1.$place.pcap"; done
	# shellcheck disable=SC2086
	kill -INT $dumps
	# shellcheck disable=SC2086
	wait $dumps
	is "$1: nothing was lost by the captures" \
		"$(cat "$1".*.log | awk '/dropped by kernel/ {n += $1} END {print n + 0}')" 0
}
# sessions NAME: all but the queries, at the same time
sessions() {
	local jobs=""
	capture "$1"
	case "$have" in *nginx*)
		keep_alive "$1" & jobs="$jobs $!"
		slow "$1" & jobs="$jobs $!"
		http2 "$1" & jobs="$jobs $!"
		pipelined "$1" & jobs="$jobs $!" ;;
	esac
	case "$have" in *ssh*)
		copy "$1" & jobs="$jobs $!"
		shell "$1" & jobs="$jobs $!" ;;
	esac
	case "$have" in *websocket*) websocket "$1" & jobs="$jobs $!" ;; esac
	# shellcheck disable=SC2086
	wait $jobs
	captured "$1"
	cp logs/access.log "$1.access"; : >logs/access.log
}

# The records, and what they should be.
columns=dst_port,src_port,exchange,folded,offset,span,reverse_offset,reverse_span,span_kind,reverse_span_kind,coalesced,mid_stream,packets,bytes,reverse_packets,reverse_bytes,ttl_min,handshake,fingerprint,reverse_fingerprint,marks
# records CAPTURE OUT [FILTER]
records() {
	"$weir" meter -r "$1" -o tsv -f $columns ${3:+"$3"} 2>said.err |
		awk -F '\t' 'NR > 1 && $1 > 8000' | sort -n -t "$(printf '\t')" -k1,1 -k2,2 -k3,3 >"$2"
}
# of FILE PORT COLUMNS: these columns of the connections to a port, a row a line
of() { awk -F '\t' -v port="$2" -v list="$3" '$1 == port {n = split(list, c, ",")
	for (i = 1; i <= n; i++) printf "%s%s", $c[i], i < n ? " " : "\n"}' "$1"; }
exchanges=3,4,5,6,7,8
# rules FILE: what the size rules make of exchanges given as request and response octets:
# ordinal, how many were folded, offset and span of the client's and of the server's
# stream
rules() {
	awk '{own = $2 >= 262144 || (NR <= 1024 && $2 >= 8192) || (NR <= 64 && $2 >= 1024) || $1 >= 65536
		if (own) print NR - 1, 0, c, $1, s, $2
		else {if (folded++ == 0) {ordinal = NR - 1; fc = c; fs = s} fq += $1; fr += $2}
		c += $1; s += $2}
		BEGIN {c = s = 0} END {if (folded) print ordinal, folded, fc, fq, fs, fr}' "$1" | sort -n
}
# Packets and octets of every server's port from and to it: by tcpdump, and of records.
sums_tcpdump() {
	tcpdump -nqe -r "$1" 2>/dev/null | awk '{for (i = 1; $i != "length"; i++) ; len = $(i + 1) - 14
		n = split($(i + 2), a, "."); split($(i + 4), b, "[.:]")
		if (a[5] > 8000 && a[5] < 9000) {rp[a[5]]++; rb[a[5]] += len}
		if (b[5] > 8000 && b[5] < 9000) {p[b[5]]++; o[b[5]] += len}}
		END {for (k in p) print k, p[k], o[k], rp[k], rb[k]}' | sort
}
sums_records() {
	awk -F '\t' '{p[$1] += $13; o[$1] += $14; rp[$1] += $15; rb[$1] += $16}
		END {for (k in p) print k, p[k], o[k], rp[k], rb[k]}' "$1" | sort
}
# Octets of both streams of every connection: tshark's sequence numbers, and spans.
streams_tshark() {
	tshark -r "$1" -n -o tcp.desegment_tcp_streams:FALSE -Y 'tcp.len > 0' -T fields -e tcp.srcport \
		-e tcp.dstport -e tcp.seq -e tcp.len 2>/dev/null | awk '{end = $3 + $4 - 1
		if ($1 > 8000 && $1 < 9000) {k = $1 " " $2; if (end > s[k]) s[k] = end}
		else {k = $2 " " $1; if (end > c[k]) c[k] = end}}
		END {for (k in c) print k, c[k], s[k]}' | sort
}
streams_records() {
	awk -F '\t' '{k = $1 " " $2; c[k] += $6; s[k] += $8} END {for (k in c) print k, c[k], s[k]}' "$1" | sort
}

# bursts_check NAME RECORDS PORT OCTETS: nothing but 50 octets at once of the client's
# ends an exchange: neither window updates, which come with every 32 KiB, nor pings nor
# acknowledgements. Several that wait for each other may well be 50 together, so the
# number of records is not fixed. The octets are in records of their own.
bursts_check() {
	local most
	most=$(tcpdump -nqr "${2%tsv}pcap" "tcp dst port $3" 2>/dev/null | awk '$NF >= 50 {n++} END {print n + 1}')
	is "$1: small bursts cut nothing" "$(of "$2" $3 4 | awk -v most="$most" \
		'{n += $1 > 0 ? $1 : 1} END {if (n > most) print n, most; else print "good"}')" good
	is "$1: what was sent is in large records" "$(of "$2" $3 8 | awk -v octets="$4" \
		'$1 >= 8192 {n += $1} END {if (n < octets) print n; else print "good"}')" good
}
# records_check VARIANT PLACE: of all sessions but the queries
records_check() {
	local v=$1 on="$1, $2" file=$1.$2.tsv
	is "$on: packets and octets are tcpdump's" "$(sums_records "$file")" "$(sums_tcpdump "$1.$2.pcap")"
	command -v tshark >/dev/null &&
		is "$on: spans add up to tshark's streams" "$(streams_records "$file")" "$(streams_tshark "$1.$2.pcap")"
	is "$on: every span is exact, from the beginning" "$(cut -f 9,10,12 "$file" | sort -u | tr '\t' ' ')" "exact exact 0"
	is "$on: one handshake and two fingerprints a connection" \
		"$(awk -F '\t' '$18 > 0 && $19 ~ /^4:64:0:1460:mss\*[0-9]+,[0-9]+:mss,sok,ts,nop,ws:df,id[+]:0$/ &&
			$20 ~ /^4:64:0:1460:mss/ {n[$1 FS $2]++} {c[$1 FS $2]} END {for (k in c) {all++; good += n[k] == 1}
			print all - good, "of", (all > 0), "without"}' "$file")" "0 of 1 without"
	case "$have" in *nginx*)
		is "$on: keep-alive: each download a record, headers and body" \
			"$(of "$file" 8001 $exchanges)" "$(rules "$v.keep.list")"
		is "$on: a rate-limited download is one record" \
			"$(of "$file" 8002 $exchanges)" "$(rules "$v.slow.list")"
		for port in 8003 8004; do bursts_check "$on: HTTP/2, port $port" "$file" $port 3190000; done
		is "$on: coalesced segments are told" "$(of "$file" 8001 11,8 | awk '$2 > 1000000 {print $1}')" \
			"$([ "$v" = on ] && echo 1 || echo 0)" ;;
	esac
	case "$have" in *nginx*websocket*)
		is "$on: pipelined requests are one record" "$(of "$file" 8005 4,6,8 | tail -n 1)" \
			"0 $(awk '$1 == 8005 && $3 > 70000 {n += $2} END {print n}' "$v.access") $(cat "$v.pipelined")"
		is "$on: and a mark tells of each of them" "$(of "$file" 8005 21 | tail -n 1 | tr ' ,' '\n\n' | marks_requests)" \
			"$(awk '$1 == 8005 && $3 > 70000 {print $2, 0}' "$v.access")" ;;
	esac
	case "$have" in *websocket*)
		is "$on: a websocket with pings is one record" "$(of "$file" 8006 4,6,8)" "0 $(cat "$v.websocket")" ;;
	esac
	case "$have" in *ssh*)
		for port in 8022 8023; do bursts_check "$on: scp, port $port" "$file" $port 3000000; done
		# the echoes of the shell may be 1 KiB or less, together: then they are
		# small talk, too
		is "$on: a shell is one record, besides the key exchange and the login" "$(of "$file" 8024 3,4 |
			awk '$2 > 0 {talk++} $2 == 0 && $1 < 3 {keys++} $2 == 0 && $1 >= 3 {shell++}
			END {print (NR > 0 && talk <= 1 && keys <= 2 && shell <= 1)}')" 1 ;;
	esac
}
# Marks of requests, from stdin one a line: octets and offset.
marks_requests() {
	python3 -c 'import sys
for line in sys.stdin:
    mark = int(line.strip("[]\n") or 3 << 62)
    if mark >> 62 == 0:
        print(mark >> 40 & (1 << 22) - 1, mark & (1 << 40) - 1)'
}
# One direction alone tells the same: acknowledgements have the rest.
one_direction() {
	local on="$1, $2" all=$1.$2.tsv one=$1.$2.one.tsv side kinds port
	for side in client server; do
		if [ $side = client ]; then kinds="exact by_ack"; else kinds="by_ack exact"; fi
		records "$1.$2.pcap" "$one" "src host ${!side}"
		for port in 8001 8002 8005 8006; do
			is "$on: what the $side sent tells the records of port $port" \
				"$(of "$one" $port $exchanges,9,10)" "$(of "$all" $port $exchanges | sed "s/\$/ $kinds/")"
		done
		is "$on: what the $side sent tells all streams" "$(streams_records "$one")" "$(streams_records "$all")"
	done
}

for variant in off on; do
	offload $variant
	sessions $variant
	[ -f $variant.keep ] && awk '{print $1, $2 + $3}' $variant.keep >$variant.keep.list
	[ -f $variant.slow ] && awk '{print $1, $2 + $3}' $variant.slow >$variant.slow.list
	for place in client middle server; do
		records $variant.$place.pcap $variant.$place.tsv
		records_check $variant $place
		one_direction $variant $place
	done
	[ -f $variant.keep ] && is "$variant: the handshake takes no longer than curl says" \
		"$(awk -v s="$(of $variant.client.tsv 8001 18 | head -n 1)" 'NR == 1 {print s <= $4}' $variant.keep)" 1
done

# The rate-limited download without its first packets.
case "$have" in *nginx*)
	for place in client middle server; do
		tcpdump -r off.$place.pcap -w slow.pcap 'tcp port 8002' 2>/dev/null
		editcap slow.pcap late.pcap 1-10
		records late.pcap late.tsv
		is "$place: without the handshake it began before, and is at least so long" \
			"$(of late.tsv 8002 10,12 | head -n 1)" "at_least 1"
		is "$place: and ends where it ended" "$(of late.tsv 8002 8 | awk '{n += $1} END {print (n > 200000)}')" 1
	done ;;
esac

# Last, for its size: one connection with 100,000 queries and answers.
case "$have" in *redis*)
	offload off
	queries q
	rules answers >wanted
	for place in client middle server; do
		records q.$place.pcap q.tsv
		is "$place: 100,000 queries: the records that the size rules make" "$(of q.tsv 8007 $exchanges)" "$(cat wanted)"
		is "$place: 100,000 queries: packets and octets are tcpdump's" "$(sums_records q.tsv)" "$(sums_tcpdump q.$place.pcap)"
		for side in client server; do
			records q.$place.pcap q.tsv "src host ${!side}"
			is "$place: 100,000 queries: the same of what the $side sent" "$(of q.tsv 8007 $exchanges)" "$(cat wanted)"
		done
	done
	is "100,000 queries: few records" "$(awk 'END {print (NR <= 1100 + 10)}' wanted)" 1 ;;
esac
