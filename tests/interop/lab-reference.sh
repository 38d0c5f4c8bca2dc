# SPDX-License-Identifier: BSD-2-Clause
# weir lab reference: a folder served by nginx in a namespace, URLs of a server on the loopback; a
# run that was stopped goes on; what is measured and labelled names the downloads again.
. "$(dirname "$0")/../lib.sh"
if [ "$(id -u)" != 0 ] || ! command -v ip >/dev/null; then
	skip "lab reference" "needs root and ip(8) for network namespaces"
	exit 0
fi
if ! unshare -n true 2>"$tmp/why"; then
	skip "lab reference" "no network namespace: $(head -n 1 "$tmp/why")"
	exit 0
fi
for program in curl nginx python3; do
	command -v $program >/dev/null || { skip "lab reference" "$program is not installed (script/setup test)"; exit 0; }
done
cd "$tmp" || exit 1
mkdir -p files/sub
for i in 1 2 3 4 5 6; do head -c $((70000 * i + 13 * i * i)) /dev/zero >"files/part $i.bin"; done
head -c 12345 /dev/zero >files/sub/a+b.bin
sizes() { find files -type f -printf '%s\n' | sort -n; }

if command -v setpriv >/dev/null; then
	chmod 755 "$tmp"
	mkdir -m 777 others
	cp "$weir" others/weir
	status "a folder, not by root" 1 setpriv --reuid=65534 --regid=65534 --clear-groups \
		others/weir lab reference files -w others/files.tsv
	like "a folder, not by root: told" "$(cat err)" '^weir: lab reference: needs root, to make network namespaces$'
	is "a folder, not by root: nothing is made" "$(ls others)" weir
fi
status "a folder" 0 "$weir" lab reference files -n 2 -w files.tsv -o tsv
cp out measured
is "a row a file, of two downloads each, all metered" \
	"$(awk -F'\t' 'NR == 1 {for (i = 1; i <= NF; i++) c[$i] = i; next} {print $c["downloads"] " " $c["metered"] " " $c["sizes"]}' measured | sort | uniq -c | tr -s ' ')" " 7 2 2 1"
is "sizes are the files'" "$(awk -F'\t' 'NR > 1 {print $2}' measured | sort -n)" "$(sizes)"
is "spans are exact and header and request are the server's and curl's" \
	"$(awk -F'\t' 'NR == 1 {for (i = 1; i <= NF; i++) c[$i] = i; next}
		$c["span_low"] != $c["span_high"] || $c["span"] != $c["size"] + $c["header"] {print "not " $0}
		{split($c["url"], u, "192.0.2.80/"); rest[$c["request"] - length(u[2])]; from[$c["header"] - length($c["size"]) - length(sprintf("%x", $c["size"]))]}
		END {for (r in rest) n++; for (h in from) m++; print n, m}' measured)" "1 1"
is "the catalogue has them, with paths as they are sent" \
	"$(awk -F'\t' 'NR > 1 {print $1 " " $7}' files.tsv | sort | tail -n 2 | tr '\n' ,)" "part 6.bin part%206.bin,sub/a+b.bin sub/a%2Bb.bin,"
is "the catalogue names every download" \
	"$("$weir" identify --store files.tsv.lab/store -c files.tsv -o tsv -f size,name | awk -F'\t' 'NR > 1 && $2 != ""' | sort | uniq -c | awk '{print $1 " " $2}' | sort -k2n)" \
	"$(sizes | sed 's/^/2 /')"
status "weir learn takes store and labels" 0 "$weir" learn --store files.tsv.lab/store --labels files.tsv.lab/labels.tsv -w learned.tsv
is "and learns the same sizes" "$(awk -F'\t' 'NR > 1 {print $5}' learned.tsv | sort -n)" "$(sizes)"
"$weir" lab reference files -n 3 -w files.tsv -o tsv -f downloads >out 2>err &
pid=$!
wait $pid
is "no namespace is left" "$(ip netns list | grep -c "^weir-$pid-")" 0
is "more of it later is added" "$(sort out | uniq -c | tr -s ' ' | tr '\n' ,)" " 7 3, 1 downloads,"
is "to what is there" "$(tail -n +2 files.tsv.lab/downloads.tsv | wc -l)" 21

# URLs, of a server on the loopback.
python3 -c '
import http.server, os, sys
os.chdir("files")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(server.server_port, flush=True)
server.serve_forever()' >port 2>/dev/null &
children="$children $!"
for _ in $(seq 100); do [ -s port ] && break; sleep 0.05; done
base=http://127.0.0.1:$(cat port)
status "a list of a folder" 0 "$weir" lab reference "$base/" -i lo --pause 0 -n 1 -w listed.tsv -o tsv
is "its files, not what is in folders below" "$(awk -F'\t' 'NR > 1 {print $2}' out | sort -n)" "$(find files -maxdepth 1 -type f -printf '%s\n' | sort -n)"
printf '# two\n%s/part%%201.bin\tfirst\n%s/part%%202.bin\n%s/gone\n' "$base" "$base" "$base" >urls
status "a server that does not listen" 1 "$weir" lab reference http://127.0.0.1:1/x -n 1 --pause 0 -w none.tsv
like "curl's own words are told" "$(cat "$tmp/err")" 'http://127.0.0.1:1/x: curl: \(7\) .*127.0.0.1 port 1'
like "and that it can be tried again" "$(cat "$tmp/err")" '1 download failed; the same command tries again'
status "a file of URLs, of which one is gone" 1 "$weir" lab reference urls --pause 0 -n 2 -w urls.tsv -o tsv
like "is told" "$(cat err)" "$base/gone: the server answers 404"
is "the others are there" "$(awk -F'\t' 'NR > 1 {print $1 " " $4 " " $5}' out | tr '\n' ,)" "first 2 2,part 2.bin 2 2,"

is "the interface was found" "$(grep -o 'capturing on [^ ,]*' urls.tsv.lab/meter.log | sort -u)" "capturing on lo"

# The same by IPv6, and by another device than the route's.
if [ -e /proc/sys/net/ipv6 ] && python3 -c 'import socket; socket.create_server(("::1", 0), family=socket.AF_INET6)' 2>/dev/null; then
	python3 -c '
import http.server, os, socket
os.chdir("files")
class Server(http.server.ThreadingHTTPServer):
	address_family = socket.AF_INET6
server = Server(("::1", 0), http.server.SimpleHTTPRequestHandler)
print(server.server_port, flush=True)
server.serve_forever()' >port6 2>/dev/null &
	children="$children $!"
	for _ in $(seq 100); do [ -s port6 ] && break; sleep 0.05; done
	status "IPv6" 0 "$weir" lab reference "http://[::1]:$(cat port6)/part%203.bin" --pause 0 -n 2 -w six.tsv -o tsv
	is "IPv6: metered" "$(awk -F'\t' 'NR > 1 {print $2 " " $4 " " $5}' out)" "$(stat -c %s 'files/part 3.bin') 2 2"
else
	skip "IPv6" "no loopback address of IPv6"
fi

# Folders of any name: what is served, and where the results go.
odd="it's \"\$HOME\" 5%; { a\\b }"
mkdir "$odd"
cp -r files "$odd/files"
status "odd names" 0 "$weir" lab reference "$odd/files" -n 1 -d "$odd/results" -w "$odd/files.tsv" -o tsv
is "odd names: all files, metered" "$(awk -F'\t' 'NR > 1 {print $2 " " $5}' out | sort -n | tr '\n' ,)" "$(sizes | sed 's/$/ 1/' | tr '\n' ,)"

# Stopped after the first download, it rests; then it goes on.
"$weir" lab reference urls -i lo --pause 1h -n 2 -w stopped.tsv >out 2>err &
pid=$!
children="$children $pid"
for _ in $(seq 400); do [ "$(wc -l 2>/dev/null <stopped.tsv.lab/downloads.tsv)" = 2 ] && break; sleep 0.05; done
kill -INT $pid
wait $pid
is "a signal stops it" $? 1
like "and it says what to do" "$(cat err)" 'the same command goes on from here'
printf '127.0.0.1\t5' >>stopped.tsv.lab/downloads.tsv
"$weir" lab reference urls -i lo --pause 0 -n 2 -w stopped.tsv -o tsv >out 2>err
is "all is there then, half a line of a crash is not" "$(awk -F'\t' 'NR > 1 {print $4 " " $5}' out | tr '\n' ,)" "2 2,2 2,"
is "nothing was fetched twice" "$(tail -n +2 stopped.tsv.lab/downloads.tsv | wc -l)" 4

echo nonsense >words
while IFS='|' read -r source words message; do
	# shellcheck disable=SC2086
	"$weir" lab reference "$source" -w wrong.tsv $words >out 2>err
	like "refused: $source $words" "$(cat err)" "$message"
done <<END
ftp://127.0.0.1/x|-i lo|is no URL of http or https
http://none.invalid/x||no host of these URLs is reached
http://192.0.2.300/x||no host of these URLs is reached
files|-i lo|without --interface
nowhere||No such file
words|-i lo|words: line 1: .* is no URL
$base/gone|-i lo --pause 0 -n 1|no download succeeded
$base/part%201.bin|-i none0 --pause 0|none0
END
is "nothing was written" "$(ls wrong.tsv 2>/dev/null)" ""
status "no catalogue to write" 2 "$weir" lab reference files
