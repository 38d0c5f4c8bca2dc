# SPDX-License-Identifier: BSD-2-Clause
# For the tests of export and collection: exporters and collectors that are started and
# ended, and flows as lines that can be compared.
tool() { node "$root/tests/interop/netflow/datagrams.mjs" "$@"; }
have() { command -v "$1" >/dev/null; }

# await_line FILE: waits for the file to have a line, 10 s at most
await_line() {
	local i
	for ((i = 0; i < 200; i++)); do
		[ -s "$1" ] && return 0
		sleep 0.05
	done
	return 1
}

# collect_start STORE [ADDRESS]: weir collect, by default at a UDP port; $collector is its
# pid, $port its port. What it says stands in STORE.err, its summary in STORE.out.
collect_start() {
	rm -f "$1.err"
	"$weir" collect --listen "${2:-127.0.0.1:0}" --store "$1" >"$1.out" 2>"$1.err" &
	collector=$!
	children="$children $collector"
	local i
	port=
	await_line "$1.err"
	for ((i = 0; i < 200; i++)); do
		port=$(sed -n 's/.*listening on [a-z ]*port \([0-9]*\).*/\1/p' "$1.err")
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
		rm -f "$1.log" # of another one in the same folder, before
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

# uniflows [no6]: rows of `print -o tsv` with the fields below to rows of one direction,
# "start end src dst sport dport proto packets bytes" with times cut to milliseconds,
# sorted.
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
