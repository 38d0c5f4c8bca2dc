# SPDX-License-Identifier: BSD-2-Clause
# Sizes from servers: HEAD with retries, redirects, refusals, timeouts, a rate, and a run
# that is broken off; nginx's lists in HTML and JSON, exact and rounded. Loopback only.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
if ! command -v node >/dev/null; then
	skip "sizes from servers" "node is not installed (script/setup test)"
	exit 0
fi

node "$root/tests/interop/catalog/server.mjs" >port 2>server.err &
children=$!
for _ in $(seq 100); do [ -s port ] && break; sleep 0.05; done
base=http://127.0.0.1:$(cat port)
[ -s port ] && ok "the test server listens" || { not_ok "the test server listens"; exit 1; }
log() { node -e "fetch('$base/log').then(r => r.json()).then(l => console.log($1))"; }
build() { "$weir" catalog build "$@" >out 2>err; }
count() { awk -v id="$1" '$1 == id && $2 ~ /^[0-9]+$/ {print $2; found = 1} END {if (!found) print 0}' out; }
rows() { "$weir" catalog show "$1" -o tsv -f "$2" | tail -n +2 | tr '\t\n' ',/'; }

# manners
for path in sized/1000 nohead norange flaky/7 gone nolength moved/55 loop elsewhere packed \
	never twice words noise long; do
	echo "$base/$path"
done >urls
printf '%s\n' "$base/sized/3	a name	1.0" '# a comment' 'ftp://x/y' >>urls
build urls urls -w c.tsv --rate 0 --retries 2 --timeout 1s
is "asking ends well" "$? $(cat err)" "0 "
is "files that were measured" "$(rows c.tsv name,version,size)" \
	'a name,1.0,3/7,,7/long,,9/55,,55/packed,,100/1000,,1000/nohead,,4242/norange,,777777/'
is "what the server says is kept" "$(rows c.tsv content_type,etag,released | grep -c '"1000-tag",2024-03-09T10:11:12')" 1
is "no length" "$(count no_length)" 1
is "failed" "$(count failed)" 7
is "redirected" "$(count redirected)" "$(grep -cE '/(moved|loop|elsewhere)' urls)"
is "a line that is no URL" "$(count bad_entry)" 1
like "the first failure stands there" "$(cat out)" 'failed +first at http://127'
is "flaky was asked until it answered" "$(log "l.asked['/flaky/7']")" 3
is "a redirect to a file is not followed" "$(grep -c passwd c.tsv)" 0
is "an endless redirect ends" "$(log "l.asked['/loop'] <= 9")" true
is "nothing partial is left" "$(ls | grep -c partial)" 0
is "path and host of a URL" "$(rows c.tsv host,path | tr / '\n' | grep -c '^127.0.0.1:')" 8
build urls urls -w gz.tsv --rate 0 --retries 0 --timeout 1s --accept-encoding gzip
is "the size of what is sent packed" "$("$weir" catalog show gz.tsv -o tsv -f size,encoding name = packed | tail -n 1 | tr '\t' ,)" 10,gzip

# how fast and how many
seq 1 12 | sed "s,^,$base/slow/," >slow
build urls slow -w slow.tsv --rate 0 --parallel 3
is "no more at once than --parallel" "$(count measured) $(log 'l.most')" "12 3"
seq 20 25 | sed "s,^,$base/sized/," >paced
build urls paced -w paced.tsv --rate 10 --parallel 4
is "no faster than --rate" "$(log 'l.starts.at(-1) - l.starts.at(-6) >= 450')" true

# broken off and taken up again
seq 100 130 | sed "s,^,$base/slow/," >many
"$weir" catalog build urls many -w many.tsv --rate 20 --parallel 2 >out 2>err &
pid=$!
for _ in $(seq 200); do
	[ "$(cat many.tsv.partial 2>/dev/null | wc -l)" -ge 5 ] && break
	sleep 0.02
done
kill -INT $pid
wait $pid
is "a run that is broken off says so" "$? $(grep -c 'goes on from there' err)" "1 1"
is "it leaves no catalogue, but answers" "$([ -e many.tsv ] && echo catalogue) $([ "$(wc -l <many.tsv.partial)" -ge 5 ] && echo answers)" " answers"
printf 'http://cut.example/x\t200\t5' >>many.tsv.partial
kept=$(($(wc -l <many.tsv.partial)))
build urls many -w many.tsv --rate 0 --parallel 8
is "the next run ends it" "$? $(rows many.tsv size | tr / '\n' | grep -c .)" "0 31"
is "and takes the answers that there were" "$(count resumed) $(count measured)" "$kept $((31 - kept))"
is "and asks nobody twice but who was cut" "$(log "Object.entries(l.asked).filter(([u, n]) => u.startsWith('/slow/1') && u.length > 8 && n > 1).length <= 2")" true
is "nothing partial is left then" "$(ls | grep -c partial)" 0

# a registry's list, measured
cat >npm.json <<EOF
{"name": "pond", "versions": {
 "1.0.0": {"dist": {"tarball": "$base/sized/501", "unpackedSize": 99999}},
 "2.0.0": {"dist": {"tarball": "$base/sized/502", "unpackedSize": 99999}}}}
EOF
build npm npm.json -w npm.tsv
is "npm without servers: no sizes" "$(count no_size) $(rows npm.tsv name)" "2 "
build npm npm.json -w npm.tsv --measure --rate 0
is "npm measured" "$(rows npm.tsv name,version,size)" "pond,1.0.0,501/pond,2.0.0,502/"

# a rounded catalogue, measured
printf 'name\tsize\tslack\tpath\nx\t1000\t50\tsized/1040\ny\t7\t\tz\n' >rounded.tsv
build catalogue rounded.tsv -w exact.tsv --measure --base "$base/" --rate 0
is "a rounded catalogue becomes exact" "$(rows exact.tsv name,size,slack)" "y,7,/x,1040,/"
printf 'start\tsrc\tdst\tproto\tbytes\n2026-11-23T10:00:00Z\t192.0.2.1\t192.0.2.2\ttcp\t9\n' >flow.tsv
"$weir" load flow.tsv --store store >/dev/null
"$weir" identify --store store --catalog rounded.tsv >out 2>err
like "identification leaves rounded sizes out and says so" "$(cat err)" '1 files of the catalogues have rounded sizes'

# documents from servers
status "a document that is not there" 1 "$weir" catalog build debian "$base/gone" -w no.tsv --retries 0
like "says what the server said" "$(cat err)" '/gone: the server answers 404'
status "a server that is not there" 1 "$weir" catalog build listing http://127.0.0.1:1/ -w no.tsv --retries 0
build listing "$base/list/" -w list.tsv --depth 2 --rate 0
is "a list's folders, as deep as asked for" "$(rows list.tsv path,size)" \
	"list/one,11/list/deep/one,11/list/deep/deep/one,11/"
is "and no deeper" "$(count too_deep)" 1

is "the test server had no trouble" "$(cat server.err)" ""

# nginx
if ! command -v nginx >/dev/null; then
	skip "nginx's lists" "nginx is not installed (script/setup test)"
	exit 0
fi
mkdir -p www/sub/deeper logs
head -c 1048999 /dev/zero >'www/big+file~1.iso'
head -c 12 /dev/zero >'www/a b&c.txt'
head -c 4096 /dev/zero >www/sub/x.deb
head -c 5 /dev/zero >www/sub/deeper/y.deb
free=$(node -e "const s = require('net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close() })")
cat >nginx.conf <<EOF
daemon off; pid $tmp/nginx.pid; error_log $tmp/logs/error.log; worker_processes 1;
$([ "$(id -u)" = 0 ] && echo "user root;")
events {}
http {
	access_log off; types {} default_type application/octet-stream;
	client_body_temp_path $tmp/logs; proxy_temp_path $tmp/logs; fastcgi_temp_path $tmp/logs;
	uwsgi_temp_path $tmp/logs; scgi_temp_path $tmp/logs;
	server {
		listen 127.0.0.1:$free; root $tmp/www; autoindex on;
		location /rounded/ { alias $tmp/www/; autoindex_exact_size off; }
		location /json/ { alias $tmp/www/; autoindex_format json; }
	}
}
EOF
chmod 755 "$tmp"
nginx -p "$tmp" -c "$tmp/nginx.conf" -e "$tmp/logs/error.log" 2>nginx.err &
children="$children $!"
for _ in $(seq 100); do [ -s nginx.pid ] && break; sleep 0.05; done
web=http://127.0.0.1:$free
build listing "$web/" -w html.tsv --depth 3
is "nginx's HTML" "$? $(rows html.tsv name,size,path)" \
	"0 y.deb,5,sub/deeper/y.deb/a b&c.txt,12,a%20b%26c.txt/x.deb,4096,sub/x.deb/big+file~1.iso,1048999,big%2Bfile~1.iso/"
build listing "$web/json/" -w json.tsv --depth 3
is "nginx's JSON says the same" "$(rows json.tsv name,size)" "$(rows html.tsv name,size)"
build listing "$web/rounded/" -w rounded.tsv
is "rounded sizes have slack" "$(rows rounded.tsv name,size,slack)" "a b&c.txt,12,/big+file~1.iso,1048576,525313/"
build listing "$web/rounded/" -w measured.tsv --measure --rate 0
is "and are exact when measured" "$(rows measured.tsv name,size,slack)" "a b&c.txt,12,/big+file~1.iso,1048999,/"
build files www -w files.tsv
is "the folder itself says the same" "$(rows files.tsv name,size)" "$(rows html.tsv name,size)"
