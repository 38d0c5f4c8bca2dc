# SPDX-License-Identifier: BSD-2-Clause
# weir identify on 320 downloads of 60 files from eight real servers at once: nginx by IPv4,
# IPv6, TLS and HTTP/2, Apache, Caddy, Python's http.server and openssl s_server, on ports of
# their own (servers.tsv.xz: what weir's meter said at the server's end of an emulated link
# with 4 ms and 0.2 % lost; curl was the client, one connection in ten for four downloads).
# What one server is like must not keep another from being learned.
. "$(dirname "$0")/../lib.sh"
cd "$root/tests/golden" || exit 1
xz -dc servers.tsv.xz >"$tmp/flows.tsv"
"$weir" load "$tmp/flows.tsv" --store "$tmp/store" >/dev/null 2>&1
"$weir" identify --store "$tmp/store" -c servers-files.tsv -o tsv -w "$tmp/found.tsv"
"$weir" evaluate --findings "$tmp/found.tsv" --truth servers-truth.tsv --group how -o ndjson >"$tmp/score" 2>/dev/null
# right GROUP LEAST: so many of a server's are named right at least
right() {
	got=$(grep '"row":"score"' "$tmp/score" | grep "\"group\":\"$1\",\"grade\":\"all\"" | grep -o '"right":[0-9]*' | tr -dc 0-9)
	is "$1: $2 named right" "$([ "$got" -ge "$2" ] && echo yes || echo "$got")" yes
}
for server in nginx:37 nginx6:37 caddy:37 apache:37 python:36 tls:36 ssl:36 keepalive:28 h2:32; do
	right "${server%:*}" "${server#*:}"
done
is "nothing said with 0.99 is wrong" \
	"$(head -n 1 "$tmp/score" | grep -o '"sure_wrong":[0-9]*')" '"sure_wrong":0'
