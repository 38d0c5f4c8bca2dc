# SPDX-License-Identifier: BSD-2-Clause
# weir lab trace: the command's input, output and status pass through, its flows are shown
# and named, and nothing is left of it, even when the program is killed. The way out leads
# into a namespace of the test's own. Needs root.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
for tool in ip nft python3 curl; do
	command -v $tool >/dev/null && [ "$(id -u)" = 0 ] && continue
	skip "trace" "needs root and $tool"
	exit 0
done
to=wts$$
if ! ip netns add $to 2>why; then
	skip "trace" "no network namespace: $(head -n 1 why)"
	exit 0
fi
trap 'cleanup; ip netns del $to' EXIT
chmod 755 "$tmp"
ip -n $to link set lo up
ip -n $to addr add 198.51.100.7/32 dev lo
mkdir www
sizes="70001 1234567 2345678"
printf 'name\tversion\tsize\tpath\n' >catalog.tsv
for size in $sizes; do
	head -c $size /dev/urandom >www/file-$size
	printf 'file-%s\t1\t%s\t/file-%s\n' $size $size $size >>catalog.tsv
done
ip netns exec $to python3 -m http.server -d www -b 198.51.100.7 80 >server.log 2>&1 &
children="$children $!"
listens() { ip netns exec $to ss -Hltn 'sport = :80' | grep -q .; }
await listens
# what a trace changes in the namespace that it leads to
state() { ip -n $to -br link; ip netns exec $to nft list ruleset; ip netns exec $to sysctl -a 2>/dev/null | grep 'v4.*forwarding'; }
state >before
left() { ls /run/netns /run/weir-lab 2>/dev/null | grep -c -e "^weir-$1-" -e "^$1\$"; }

echo 'given' | "$weir" lab trace --local -- sh -c 'cat; echo told; echo wrong >&2; exit 7' >out 2>err
is "status of the command" "$?" 7
is "input and output of the command" "$(cat out)" "given
told"
is "its standard error" "$(grep -c '^wrong$' err)" 1
is "without flows there is no row" "$(grep -c 127.0.0.1 err)" 0
like "but a word" "$(cat err)" '^No flows: the command sent nothing'
"$weir" lab trace --local -o ndjson -- true >out 2>err
is "which programs do not get" "$(cat out err)" ""

"$weir" lab trace --local -o tsv -f src,dst,dst_port,reverse_bytes -w local.tsv -- sh -c \
	'python3 -m http.server -d www -b 127.0.0.1 8000 >/dev/null 2>&1 &
	until curl -s -o got http://127.0.0.1:8000/file-70001; do sleep 0.1; done; cat /sys/class/net/*/uevent' >out 2>err
is "local: ends well" "$?" 0
is "local: nothing else is printed" "$(cat err)" ""
is "local: /sys shows its own interfaces" "$(grep -c INTERFACE= out) $(grep -c INTERFACE=lo out)" "1 1"
like "local: the flow" "$(grep -v ' 0$' local.tsv)" "127.0.0.1	127.0.0.1	8000	7[0-9]{4}"

"$weir" lab trace --to $to -c catalog.tsv --store kept -- \
	curl -s --no-keepalive -o /dev/null http://198.51.100.7/file-1234567 --next -s -o /dev/null http://198.51.100.7/file-2345678 >out 2>err
is "out: ends well" "$?" 0
is "out: both downloads are named" "$(awk '$0 ~ / whole / {for (i = 1; i < NF; i++) if ($i == "whole") print $(i + 1)}' err | sort | tr '\n' ' ')" "file-1234567 file-2345678 "
is "out: both flows are shown, and nothing else" "$(grep -c '198.51.100.7  *80 .*tcp\|tcp .*198.51.100.7  *80 ' err)" 2
is "out: the store is kept" "$("$weir" print --store kept -o tsv -f dst_port | sort -u | tr '\n' ' ')" "80 dst_port "
is "out: the server saw the link's address" "$(grep -c '^100\..*file-1234567' server.log)" 1
state >after
is "out: nothing is left in the other namespace" "$(diff before after)" ""

# A second way out beyond: forwarded, with the namespace's own address.
far=wtf$$
ip netns add $far
trap 'cleanup; ip netns del $to; ip netns del $far' EXIT
ip -n $to link add name beyond type veth peer name eth0 netns $far
ip -n $to addr add 203.0.113.1/24 dev beyond
ip -n $to link set dev beyond up
ip -n $far addr add 203.0.113.2/24 dev eth0
ip -n $far link set dev eth0 up
ip netns exec $far python3 -m http.server -d www -b 203.0.113.2 80 >far.log 2>&1 &
children="$children $!"
far_listens() { ip netns exec $far ss -Hltn 'sport = :80' | grep -q .; }
await far_listens
state >before
"$weir" lab trace --to $to -c catalog.tsv -o ndjson -w far.json -- curl -s -o got http://203.0.113.2/file-70001 2>err
is "beyond: ends well" "$?" 0
is "beyond: the file arrives" "$(cksum <got)" "$(cksum <www/file-70001)"
is "beyond: with the namespace's own address" "$(grep -c '^203.0.113.1 .*file-70001' far.log)" 1
is "beyond: flows and findings in the file" "$(grep -c '"dst_port":80' far.json) $(grep -c '"name":"file-70001"' far.json)" "1 1"
state >after
is "beyond: nothing is left" "$(diff before after)" ""

# IPv6, where the other namespace has routes of it.
if ip -n $to -6 addr add 2001:db8:1::1/64 dev beyond nodad 2>/dev/null; then
	ip -n $to -6 addr add 2001:db8:7::7/128 dev lo
	ip -n $far -6 addr add 2001:db8:1::2/64 dev eth0 nodad
	ip -n $far -6 addr add 2001:db8:9::9/128 dev lo
	ip -n $to -6 route add default via 2001:db8:1::2
	for at in "$to 2001:db8:7::7" "$far ::"; do
		ip netns exec "${at% *}" python3 -m http.server -d www -b "${at#* }" 8080 >six-${at% *}.log 2>&1 &
		children="$children $!"
	done
	six_listens() { ip netns exec "$1" ss -Hltn 'sport = :8080' | grep -q .; }
	await six_listens $to
	await six_listens $far
	state6() { state; ip -n $to -6 route; ip netns exec $to sysctl -a 2>/dev/null | grep -e 'v6.*forwarding' -e accept_ra; }
	state6 >before6
	"$weir" lab trace --to $to -c catalog.tsv -o ndjson -w six.json -- sh -c 'curl -gs -o here "http://[2001:db8:7::7]:8080/file-70001" &&
		curl -gs -o far "http://[2001:db8:1::2]:8080/file-1234567" && curl -gs -o default "http://[2001:db8:9::9]:8080/file-70001";
		status=$?; cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6; ip -6 addr show dev eth0 scope link; exit $status' >out 2>err
	is "IPv6: ends well" "$?" 0
	is "IPv6: no address but the link's" "$(cat out)" 0
	is "IPv6: the files arrive" "$(cksum <here) $(cksum <far)" "$(cksum <www/file-70001) $(cksum <www/file-1234567)"
	is "IPv6: with the namespace's own address" "$(grep -c '^2001:db8:1::1 .*file-' six-$far.log)" 2
	is "IPv6: three flows, and nothing else" "$(grep -c '"dst_port":8080' six.json) $(grep -c '"proto"' six.json)" "3 3"
	is "IPv6: the files are named" "$(grep -o '"name":"file-[0-9]*"' six.json | sort | uniq -c | awk '{print $1}' | tr '\n' ' ')" "1 2 "
	state6 >after6
	is "IPv6: nothing is left" "$(diff before6 after6)" ""
	state >before
else
	skip "IPv6" "the kernel has none"
fi

# What the command leaves behind ends with it; so it does when the program is ended or
# killed.
runs() { kill -0 "$1" 2>/dev/null; }
gone() { ! runs "$1"; }
"$weir" lab trace --to $to -- sh -c 'setsid sleep 1000 & echo $! >pid; exit 0' 2>err
is "what the command leaves behind is ended" "$(runs "$(cat pid)" && echo runs)" ""
for signal in TERM KILL; do
	rm -f pid
	"$weir" lab trace --to $to -- sh -c 'echo $$ >pid; exec sleep 1000' >out 2>err &
	trace=$!
	children="$children $trace"
	await test -s pid
	is "SIG$signal: while it runs there is something to remove" "$([ "$(left $trace)" -ge 2 ] && echo yes)" yes
	kill -$signal $trace
	wait $trace 2>/dev/null
	is "SIG$signal: status" "$?" "$([ $signal = TERM ] && echo 143 || echo 137)"
	await gone "$(cat pid)" && ok "SIG$signal: the command is ended"
	if [ $signal = KILL ]; then
		is "SIGKILL: something is left" "$([ "$(left $trace)" -ge 2 ] && echo yes)" yes
		status "weir lab clean" 0 "$weir" lab clean
		like "weir lab clean tells what it removed" "$(tr '\n' ';' <out)" "left by process $trace, removed:;space weir-$trace-trace;device $to weir$trace;.*table $to weir-$trace;"
	fi
	is "SIG$signal: nothing is left" "$(left $trace)" 0
	state >after
	is "SIG$signal: nor in the other namespace" "$(diff before after)" ""
done
# Two at once.
"$weir" lab trace --to $to -- sh -c 'until [ -e second ]; do sleep 0.05; done; curl -s -o one http://203.0.113.2/file-70001' >out 2>err &
first=$!
children="$children $first"
"$weir" lab trace --to $to -- sh -c 'curl -s -o two http://203.0.113.2/file-70001; touch second' >out 2>err2
is "two at once: the second ends well" "$?" 0
wait $first
is "two at once: the first too" "$? $(cksum <one) $(cksum <two)" "0 $(cksum <www/file-70001) $(cksum <www/file-70001)"
state >after
is "two at once: nothing is left" "$(diff before after)" ""
some=""
for i in 1 2 3 4 5 6; do
	"$weir" lab trace --to $to -- sleep 0.3 >/dev/null 2>"many$i" &
	some="$some $!"
done
statuses=""
for pid in $some; do
	wait "$pid"
	statuses="$statuses$?"
done
is "six at once: all end well" "$statuses" 000000
state >after
is "six at once: nothing is left" "$(diff before after)" ""

is "files of the command have its caller's umask" \
	"$(umask 002; "$weir" lab trace --local -- sh -c 'umask; touch made' 2>err; stat -c %a made)" "0002
664"
is "as another user" "$("$weir" lab trace --local --user nobody -- id -un 2>err)" nobody
status "no command" 2 "$weir" lab trace --local
like "no command: says how" "$(cat err)" "needs a command: weir lab trace"
status "a command that is not there" 1 "$weir" lab trace --local -- no-such-command-$$
like "a command that is not there: named" "$(cat err)" "no-such-command-$$: no such command"
status "no such namespace" 1 "$weir" lab trace --to none-$$ -- true
like "no such namespace: named" "$(cat err)" "network namespace none-$$: No such file"
status "no such catalogue" 1 "$weir" lab trace --local -c none.tsv -- touch was-run
like "no such catalogue: named" "$(cat err)" "none.tsv: No such file"
is "no such catalogue: before the command runs" "$(ls was-run 2>/dev/null)" ""
status "a store that is there" 1 "$weir" lab trace --local --store kept -- touch was-run
like "a store that is there: told" "$(cat err)" "store kept: is there already"
is "a store that is there: before the command runs" "$(ls was-run 2>/dev/null)" ""
status "a format that is none" 2 "$weir" lab trace --local -o html -- true
if setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$weir"; then
	for verb in "trace --local -- true" "run -o $tmp/none tls12" "link $to/eth0 $to/eth1"; do
		# shellcheck disable=SC2086
		status "weir lab $verb without root" 1 setpriv --reuid 65534 --regid 65534 --clear-groups "$weir" lab $verb
		like "weir lab $verb without root: says so" "$(cat err)" "^weir: lab ${verb%% *}: .*needs root"
	done
	as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
	status "weir lab list without root" 0 as_nobody "$weir" lab list
	status "weir lab run of what is none, without root" 1 as_nobody "$weir" lab run -o "$tmp/none" no-such
	like "weir lab run of what is none, without root: says which" "$(cat err)" "there is no scenario 'no-such'"
	is "without root: no folder is made" "$(ls -d "$tmp/none" 2>/dev/null)" ""
	rm -f pid
	"$weir" lab trace --to $to -- sh -c 'echo $$ >pid; exec sleep 1000' >/dev/null 2>&1 &
	trace=$!
	children="$children $trace"
	await test -s pid
	status "weir lab clean without root: of labs that live it needs none" 0 as_nobody "$weir" lab clean
	kill -KILL $trace
	wait $trace 2>/dev/null
	status "weir lab clean without root where something is left" 1 as_nobody "$weir" lab clean
	like "weir lab clean without root where something is left: says so" "$(cat err)" \
		"process $trace has left network namespaces .*needs root"
	status "weir lab clean" 0 "$weir" lab clean
	is "weir lab clean: nothing is left" "$(left $trace)" 0
else
	skip "without root" "another user cannot execute $weir"
fi
