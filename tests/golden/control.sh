# SPDX-License-Identifier: BSD-2-Clause
# weir ctl and the control socket of weir collect: commands, formats, metrics by HTTP, and
# what is said when there is nobody to ask.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1


"$weir" collect --listen 127.0.0.1:0 --store flows -c c.ctl --metrics 127.0.0.1:0 >c.out 2>c.err &
collector=$!
children="$children $collector"
await grep -q 'listening on port' c.err || not_ok "collect listens"
await test -S c.ctl || not_ok "collect makes its control socket"
is "the control socket is for its user and group only" "$(stat -c %a c.ctl)" 660
port=$(sed -n 's/.*listening on port \([0-9]*\).*/\1/p' c.err)
http=$(sed -n 's/.*metrics by HTTP at port \([0-9]*\).*/\1/p' c.err)
for i in 1 2 3; do printf 'no flows' >"/dev/udp/127.0.0.1/$port"; done
seen() { "$weir" ctl -c c.ctl statistics | grep -qE '^  datagrams +3 '; }
if await seen; then ok "statistics of collect: datagrams"; else
	not_ok "statistics of collect: datagrams"
	"$weir" ctl -c c.ctl statistics | sed 's/^/#   /'
fi
like "statistics begin with the time since when they count" \
	"$("$weir" ctl -c c.ctl statistics | head -n 1)" \
	'^weir\[[0-9]+\]: Accumulated statistics since 20[0-9-]+T[0-9:]+ UTC:$'
"$weir" ctl -c c.ctl -o json statistics >json
is "statistics in JSON are one line" "$(wc -l <json)" 1
if command -v node >/dev/null; then
	is "that JavaScript reads" "$(node -e '
		const s = JSON.parse(require("fs").readFileSync("json", "utf8"))
		console.log(s.collect.datagrams, s.store.write_errors, s.since > 1.7e9)')" "3 0 true"
else
	skip "that JavaScript reads" "node is not installed (script/setup test)"
fi

# By HTTP and by the socket the same families, each with help and type; only counters that
# asking itself changes differ.
exec 3<>"/dev/tcp/127.0.0.1/$http"
printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
tr -d '\r' <&3 | sed '1,/^$/d' >by-http
exec 3>&-
"$weir" ctl -c c.ctl metrics >by-socket
is "metrics by HTTP and by the socket" "$(grep -v '^weir_control' by-http | cksum)" \
	"$(grep -v '^weir_control' by-socket | cksum)"
is "metrics: exporters" "$(awk '/^weir_exporters /' by-http)" "weir_exporters 0"
like "metrics: a counter" "$(grep -A 2 'HELP weir_collect_datagrams_total' by-http | tr '\n' '|')" \
	'^# HELP weir_collect_datagrams_total collect: .*\|# TYPE weir_collect_datagrams_total counter\|weir_collect_datagrams_total 3\|$'
is "metrics: every family has help, a type and samples; counters end in _total" "$(awk '
	$2 == "HELP" {help[$3] = 1; next}
	$2 == "TYPE" {if (!help[$3] || ($4 == "counter") != ($3 ~ /_total$/)) print; type[$3] = 1; next}
	{sub(/\{.*/, "", $1); if (!type[$1] || NF < 2) print; seen[$1] = 1}
	END {for (f in type) if (!seen[f]) print f}' by-http)" ""
is "metrics: no family twice" "$(grep '^# TYPE' by-http | sort | uniq -d)" ""

# A flow by NetFlow 5, after a gap of two by its sequence number: the exporter has a line
# of its own in every form.
v5() { # sequence, three octal digits: a header and a record in one write
	local times='\0\0\x10\0\x69\x2c\0\0\0\0\0\0' zeros='\0\0\0\0'
	# shellcheck disable=SC2059
	printf "\0\5\0\1$times\0\0\0\\$1\0\7\0\0\xc0\0\2\1\xc0\0\2\2$zeros$zeros\0\0\0\1\0\0\0\x64\0\0\0\1\0\0\0\2\x10\0\0\x35\0\0\x11\0$zeros$zeros"
}
v5 001 >"/dev/udp/127.0.0.1/$port"
v5 004 >"/dev/udp/127.0.0.1/$port"
told() { "$weir" ctl -c c.ctl metrics | grep -q '^weir_exporter_records_total{.*} 2$'; }
await told
is "metrics: an exporter of its own" \
	"$("$weir" ctl -c c.ctl metrics | grep '^weir_exporter' | grep -v last_seconds | tr '\n' ' ')" \
	"$(printf 'weir_exporters 1 '; while read -r id n; do
		printf 'weir_exporter_%s_total{exporter="127.0.0.1",domain="7",version="5"} %s ' "$id" "$n"
	done <<-'X'
		messages 2
		records 2
		lost 2
		waiting 0
		no_template 0
		bad_record 0
	X
	)"
like "JSON: an exporter of its own" "$("$weir" ctl -c c.ctl -o json statistics)" \
	'"exporters":\[\{"exporter":"127\.0\.0\.1","domain":7,"version":5,.*"records":2,"lost":2,'

# what is asked, the status, what is said
while IFS='|' read -r words wanted says; do
	# shellcheck disable=SC2086
	status "ctl $words" "$wanted" "$weir" ctl $words
	like "ctl $words: what it says" "$(cat out err)" "$says"
done <<'X'
-c c.ctl help|0|^Valid control words are:
-c c.ctl -o json help|0|\{"name":"statistics","argument":null,
-c c.ctl expire-all|1|weir: ctl: Unknown control command "expire-all"$
-c c.ctl statistics now|1|statistics takes no argument
-c c.ctl -o json metrics|1|metrics has no JSON form
-c c.ctl -o yaml statistics|2|-o takes text, json or ndjson, not 'yaml'
-c c.ctl -t 0 statistics|2|-t takes a time
-c c.ctl|2|say a command
-c nowhere.ctl statistics|1|nowhere\.ctl: there is no such socket; is the program running
-c json statistics|1|json: nobody listens there
X
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$tmp"
	status "ctl of another user" 1 setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$weir" ctl -c "$tmp/c.ctl" statistics
	like "says who may" "$(cat err)" 'permission denied; it is for user .* and group '
else
	skip "ctl of another user" "needs root and setpriv"
fi
status "a second collector at the same socket" 1 \
	"$weir" collect --listen 127.0.0.1:0 -o tsv -c c.ctl
like "is refused" "$(cat err)" 'control socket c\.ctl: another program listens there'
status "metrics at a taken port" 1 \
	"$weir" collect --listen 127.0.0.1:0 -o tsv --metrics "127.0.0.1:$http"
like "are refused" "$(cat err)" "metrics at 127.0.0.1:$http: Address already in use"
status "a group without a socket" 1 "$weir" collect --listen 127.0.0.1:0 -o tsv --control-group 0
like "is an error" "$(cat err)" '--control-group needs --control'

kill -9 "$collector"
wait "$collector" 2>/dev/null
status "ctl after a kill -9" 1 "$weir" ctl -c c.ctl statistics
like "says so" "$(cat err)" 'nobody listens there; the program has ended'
"$weir" collect --listen 127.0.0.1:0 --store flows -c c.ctl --control-group "$(id -g)" >c.out 2>c.err &
collector=$!
children="$collector"
answers() { "$weir" ctl -c c.ctl help; }
if await answers; then ok "the next collector replaces the dead socket"; else
	not_ok "the next collector replaces the dead socket"
fi
status "shutdown" 0 "$weir" ctl -c c.ctl shutdown
like "shutdown is answered" "$(cat out)" 'Shutting down gracefully'
wait "$collector"
is "shutdown ends collect well" $? 0
children=""
is "the control socket is gone" "$(ls c.ctl 2>/dev/null)" ""

# Without -c: the usual socket, else the only one of its folder, as the systemd unit names
# it. In a mount namespace, where /run is this test's.
cat >here.sh <<'END'
mount -t tmpfs none /run && mkdir /run/weir || exit 77
nobody=$("$weir" ctl statistics 2>&1)
"$weir" collect --listen 127.0.0.1:0 -o tsv -c /run/weir/meter-eth0.ctl >/dev/null 2>one.err &
for i in $(seq 200); do [ -S /run/weir/meter-eth0.ctl ] && break; sleep 0.05; done
only=$("$weir" ctl statistics 2>&1 | head -n 1)
"$weir" collect --listen 127.0.0.1:0 -o tsv -c /run/weir/meter-eth1.ctl >/dev/null 2>two.err &
for i in $(seq 200); do [ -S /run/weir/meter-eth1.ctl ] && break; sleep 0.05; done
several=$("$weir" ctl statistics 2>&1)
"$weir" collect --listen 127.0.0.1:0 -o tsv -c /run/weir/meter.ctl >/dev/null 2>three.err &
for i in $(seq 200); do [ -S /run/weir/meter.ctl ] && break; sleep 0.05; done
usual=$("$weir" ctl statistics 2>&1 | head -n 1)
kill $(jobs -p)
wait
printf '%s\n' "$nobody" "$only" "$several" "$usual"
END
weir=$weir unshare -m bash here.sh >here.out 2>here.err
if [ $? = 77 ] || ! [ -s here.out ]; then
	skip "ctl without -c" "no mount namespace here: $(head -n 1 here.err)"
else
	like "ctl without -c: nobody" "$(sed -n 1p here.out)" '/run/weir/meter.ctl'
	like "ctl without -c: the only one" "$(sed -n 2p here.out)" 'Accumulated statistics'
	like "ctl without -c: several are listed" "$(sed -n 3p here.out)" \
		'choose one with -c: /run/weir/meter-eth0.ctl /run/weir/meter-eth1.ctl'
	like "ctl without -c: the usual one is first" "$(sed -n 4p here.out)" 'Accumulated statistics'
fi

# What is wrong with an address is told before a store is made.
status "a bad address" 1 "$weir" collect --listen 127.0.0.1:none --store never
is "and no folder is left" "$(ls -d never 2>/dev/null)" ""

# The release, whose system calls are limited, can be told to end, too.
if [ -x "${WEIR_RELEASE:-}" ]; then
	"$WEIR_RELEASE" collect --listen 127.0.0.1:0 --store boxed -c boxed.ctl >boxed.out 2>boxed.err &
	collector=$!
	children="$children $collector"
	boxed() { "$weir" ctl -c boxed.ctl help; }
	await boxed || not_ok "the release answers"
	is "the release is in its sandbox" "$(awk '$1 == "Seccomp:" {print $2}' "/proc/$collector/status")" 2
	status "the release: shutdown" 0 "$weir" ctl -c boxed.ctl shutdown
	wait "$collector"
	is "the release: shutdown ends it well" $? 0
	children=""
else
	skip "shutdown of the release" "there is no release binary (script/build)"
fi
