# SPDX-License-Identifier: BSD-2-Clause
# Every command of weir ctl on the release binary in its sandbox, live at an interface, by
# one worker and by two, and at a collector; and an interface that gets another name. In a
# network namespace that the test makes and removes.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
for part in python3 node ip; do
	command -v $part >/dev/null && continue
	skip "control, live" "$part is not installed (script/setup test)"
	exit 0
done
if [ "$(id -u)" != 0 ] || ! ip netns add "weir$$" 2>/dev/null; then
	skip "control, live" "needs root and network namespaces"
	exit 0
fi
trap 'cleanup; ip netns del "weir$$" 2>/dev/null' EXIT
cc -std=gnu17 -O1 -o replay "$root/bench/replay.c" || exit 1
kinds() { python3 -B "$root/tests/interop/softflowd/kinds.py" "$@"; }
kinds many.pcap many
kinds udp.pcap udp
inside() { ip netns exec "weir$$" "$@"; }
# json FILE EXPRESSION of s
json() { node -e 'const s = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")); console.log(eval(process.argv[2]))' "$1" "$2" 2>&1 | head -n 1; }
# ctl SOCKET ARGUMENT...: as another process, out of the sandbox
ctl() {
	local at=$1
	shift
	"$WEIR_RELEASE" ctl -c "$at" "$@"
}
inside sysctl -qw net.ipv6.conf.all.disable_ipv6=1
inside ip link set lo up
inside ip link add src type veth peer name dst
inside ip link set src up
inside ip link set dst up

for workers in 1 2; do
	n="$workers worker(s)"
	rm -f m.ctl m.err
	ip netns exec "weir$$" "$WEIR_RELEASE" meter -D -i dst --workers $workers --store store$workers \
		-n 127.0.0.1:9 -v 9 -c "$tmp/m.ctl" --metrics 127.0.0.1:0 -o tsv -w "$tmp/rows$workers.tsv" -f packets,reverse_packets \
		>m.out 2>m.err &
	meter=$!
	children="$children $meter"
	await grep -q 'capturing on' m.err
	is "$n: the sandbox is there" "$(awk '$1 == "Seccomp:" {print $2}' /proc/$meter/status)" 2
	metered() { ctl m.ctl statistics | awk '$1 == "packets" {n = $2} END {exit n != '"$1"'}'; }
	inside ./replay src many.pcap >/dev/null
	becomes "$n: statistics: packets" metered 600
	is "$n: dump-flows: each flow" "$(ctl m.ctl dump-flows | grep -c '^ACTIVE')" 300
	ctl m.ctl -o json dump-flows >dump.json
	is "$n: dump-flows in JSON: each flow, as JavaScript reads it" \
		"$(node -e 'console.log(require("fs").readFileSync("dump.json", "utf8").trim().split("\n").map(JSON.parse).flat().length)' 2>&1 | tail -n 1)" 300
	ctl m.ctl timeouts >timeouts
	like "$n: timeouts are shown" "$(tr '\n' ' ' <timeouts)" 'udp.*300'
	ctl m.ctl timeouts udp=77s >out
	like "$n: a timeout is set" "$(ctl m.ctl timeouts | grep -w udp | head -n 1)" 77
	ctl m.ctl timeouts none=1 >out 2>err
	is "$n: a timeout that is none: status" "$?" 1
	ctl m.ctl stop-gather >/dev/null
	inside ./replay src udp.pcap >/dev/null
	sleep 0.5
	metered 600 && ok "$n: stop-gather: nothing more is metered" || not_ok "$n: stop-gather: nothing more is metered"
	ctl m.ctl start-gather >/dev/null
	inside ./replay src udp.pcap >/dev/null
	becomes "$n: start-gather: metered again" metered 602
	ctl m.ctl expire-all >/dev/null
	none() { [ "$(ctl m.ctl dump-flows | grep -c '^ACTIVE')" = 0 ]; }
	becomes "$n: expire-all: no flow is left" none
	written() { [ "$(awk 'NR > 1 {p += $1 + $2} END {print p + 0}' "rows$workers.tsv")" = 602 ]; }
	becomes "$n: expire-all: they are written" written
	inside ./replay src udp.pcap >/dev/null
	becomes "$n: two more" metered 604
	ctl m.ctl delete-all >/dev/null
	becomes "$n: delete-all: no flow is left" none
	ctl m.ctl send-template >out
	is "$n: send-template" "$?" 0
	ctl m.ctl debug+ >out && ctl m.ctl debug- >>out
	is "$n: debug+ and debug-" "$? $(wc -l <out)" "0 2"
	ctl m.ctl -o json statistics >s.json
	is "$n: statistics in JSON" "$(json s.json 'JSON.stringify(s).includes("\"deleted_packets\":2")')" true
	ctl m.ctl metrics >metrics
	like "$n: metrics" "$(grep '^weir_meter_packets_total' metrics)" ' 604$'
	http=$(sed -n 's/.*metrics by HTTP at port \([0-9]*\).*/\1/p' m.err)
	inside node -e 'require("http").get("http://127.0.0.1:" + process.argv[1] + "/metrics", r => r.pipe(process.stdout))' "$http" >by-http
	is "$n: metrics by HTTP: the same families" "$(grep '^# TYPE' by-http | cksum)" "$(grep '^# TYPE' metrics | cksum)"
	ctl m.ctl no-such >out 2>err
	is "$n: a command that is none: status" "$?" 1
	# another name, while it captures: what has the old one is waited for
	inside ip link set dst down
	inside ip link set dst name other
	inside ip link set other up
	becomes "$n: renamed: told" grep -q 'dst vanished' m.err
	inside ip link set other down
	inside ip link set other name dst
	inside ip link set dst up
	becomes "$n: its name again: told" grep -q 'dst is back' m.err
	renamed() { inside ./replay src udp.pcap; ctl m.ctl statistics | awk '$1 == "packets" {n = $2} END {exit n <= 604}'; }
	becomes "$n: its name again: metered again" renamed
	ctl m.ctl $([ $workers = 1 ] && echo shutdown || echo exit) >out
	wait $meter
	is "$n: $([ $workers = 1 ] && echo shutdown || echo exit): it ends well" $? 0
	children=$(echo " $children " | sed "s/ $meter / /")
	is "$n: the control socket is gone" "$(ls m.ctl 2>/dev/null)" ""
	if [ $workers = 1 ]; then
		is "$n: what was metered is in records or deleted" "$(awk '$1 == "metered" {m = $2}
			/in flow records/ {r = $4} $1 == "deleted_packets" {d = $2} END {print (m > 604), m - r - d}' m.err)" "1 0"
	fi
done

ip netns exec "weir$$" "$WEIR_RELEASE" collect --listen 127.0.0.1:4739 --store collected -c "$tmp/c.ctl" >c.out 2>c.err &
collector=$!
children="$children $collector"
await grep -q 'listening on' c.err
is "collect: the sandbox is there" "$(awk '$1 == "Seccomp:" {print $2}' /proc/$collector/status)" 2
inside "$WEIR_RELEASE" meter -r many.pcap -n 127.0.0.1:4739 >/dev/null 2>&1
arrived() { ctl c.ctl statistics | awk '$1 == "records" {n = $2} END {exit n != 300}'; }
becomes "collect: statistics: records" arrived
ctl c.ctl -o json statistics >s.json
is "collect: statistics in JSON" "$(json s.json 's.collect.datagrams > 0')" true
like "collect: metrics" "$(ctl c.ctl metrics | grep -E '^weir_(wire|collect)_.*records.* 300$' | head -n 1)" ' 300$'
ctl c.ctl shutdown >out
wait $collector
is "collect: shutdown: it ends well" $? 0
children=$(echo " $children " | sed "s/ $collector / /")
is "collect: all is stored" "$("$weir" print --store collected -o csv -f packets | sed 1d | wc -l)" 300
