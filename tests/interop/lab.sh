# SPDX-License-Identifier: BSD-2-Clause
# A quick run of the lab: real servers, clients and meters in namespaces. The truth has every
# download; records have the octets that the server counted; spans name all at one hop; what is
# done is not done again, and what was broken off goes on. Needs root.
. "$(dirname "$0")/../lib.sh"
export TZ=UTC PATH=$PATH:/usr/sbin:/sbin
cd "$tmp" || exit 1
patience=120
lab="$WEIR_RELEASE lab" # what is measured is timed, and sanitizers take their time
weir=$WEIR_RELEASE
for tool in ip ss nft nginx wget curl softflowd softflowctl nfcapd nfdump; do
	command -v $tool >/dev/null && continue
	skip "lab" "$tool is not installed"
	exit 0
done
if ! $lab trace --local -- true 2>err && grep -qE 'root|namespace|permitted' err; then
	skip "lab" "$(tail -n 1 err)"
	exit 0
fi

# What is wrong is told, and nothing is run.
status "a scenario that is none" 1 $lab run -o data nowhere
like "a scenario that is none: told" "$(cat err)" "no scenario 'nowhere'"
printf '[network]\nhops = 99\n' >bad.lab
status "a file that is none" 1 $lab run -o data ./bad.lab
like "a file that is none: its line" "$(cat err)" 'bad.lab: line 2: hops takes 1 to 12'
printf '[network]\nnarrow = 1501\n\n[files]\ncount = 5\n' >wide.lab
status "a scenario that contradicts itself" 1 $lab run -o data ./wide.lab
like "a scenario that contradicts itself: its line" "$(cat err)" 'wide.lab: line 2: network: narrow is above mtu'
mkdir folder.lab
status "a folder for a scenario" 1 $lab run -o data ./folder.lab
like "a folder for a scenario: told" "$(cat err)" 'folder.lab: Is a directory'
status "a scenario without a quick run" 1 $lab run --quick -o data vpn
like "a scenario without a quick run: told" "$(cat err)" 'vpn has no quick run'
status "a scale that is none" 2 $lab run --scale 0 -o data
kept=others/apt/work # a name that the lab's own folders have
mkdir -p $kept
echo mine >$kept/paper
status "a folder that no run made" 1 $lab run -o others --quick
like "a folder that no run made: told" "$(cat err)" "others is no folder of weir lab run: it has 'apt'"
is "a folder that no run made: left as it was" "$(find others -type f)" $kept/paper
# a program that cannot be executed is missing, whether it is installed or not
printf '[server]\nprogram = caddy\n' >absent.lab
hide() {
	local caddy
	caddy=$(command -v caddy) || { "$@"; return; }
	unshare -m sh -c 'mount --bind /dev/null "$1" && shift && exec "$@"' sh "$caddy" "$@"
}
hide $lab run -o absent ./absent.lab >said 2>err
is "a missing program is no failure" "$?" 0
like "a missing program: its scenario is skipped, and its package told" "$(cat said)" \
	'^absent +skipped.*caddy is not installed; on Debian: apt-get install caddy'
is "a missing program: the data set says so" "$(awk '$1 == "state" {print $2}' absent/absent/run.tsv)" skipped

# tsv FILE COLUMN...: these columns of a table, blanks between
tsv() {
	local file=$1
	shift
	awk -F'\t' -v list="$*" 'NR == 1 {n = split(list, want, " "); for (i = 1; i <= NF; i++) at[$i] = i; next}
		{for (i = 1; i <= n; i++) printf "%s%s", $at[want[i]], i < n ? " " : "\n"}' "$file"
}
# octets of each connection, from lines of the server's port, the client's and octets
octets() { awk '$1 == 80 || $1 == 443 {n[$2] += $3} END {for (p in n) print p, n[p]}' | sort; }
key() { awk -F'\t' -v key="$2" '$1 == key {print $2}' "$1/run.tsv"; }

$lab run --quick -o data --seed 7 >said 2>err
is "a quick run" "$?" 0
sed 's/^/# /' said err
wanted="one-hop:60 six-hops:12 reuse:30 tls13:20"
is "a quick run: what it ran" "$(ls -d data/*/ | xargs -n 1 basename | sort | tr '\n' ' ')" \
	"$(for w in $wanted; do echo "${w%:*}"; done | sort | tr '\n' ' ')"
for w in $wanted; do
	name=${w%:*} n=${w#*:} dir=data/${w%:*}
	is "$name: is done" "$(key $dir state)" done
	is "$name: the truth has every download, whole" \
		"$(tsv $dir/truth.tsv kind | sort | uniq -c | awk '{print $1, $2}')" "$n whole"
	is "$name: of files of the catalogue, with their sizes" \
		"$(tsv $dir/truth.tsv name size | sort -u | join - <(tsv $dir/catalogue.tsv name size | sort) | awk '$2 != $3' | wc -l)" 0
	is "$name: no packet escaped weir's meters" \
		"$(awk -F'\t' '$1 ~ /^dropped_/ {n += $2} END {print n + 0}' $dir/run.tsv)" 0
	connections=$(tsv $dir/truth.tsv client_port | sort -u | wc -l)
	tsv $dir/places.tsv place >places
	while read -r place; do
		"$weir" print --store "$dir/places/$place/softflowd" -o tsv -f src_port,dst_port,reverse_bytes,start >soft.tsv
		is "$name, $place: softflowd has each connection" \
			"$(tsv soft.tsv dst_port src_port | awk '$1 == 80 || $1 == 443 {print $2}' | sort -u | wc -l)" "$connections"
		"$weir" print --store "$dir/places/$place/store" -o tsv -f src_port,dst_port,reverse_span,reverse_bytes,start >own.tsv
		is "$name, $place: softflowd has the octets that weir's meter has" \
			"$(tsv soft.tsv dst_port src_port reverse_bytes | octets)" \
			"$(tsv own.tsv dst_port src_port reverse_bytes | octets)"
		if [ "$name" != tls13 ]; then
			# the spans of a connection are what the server counted, header and body
			is "$name, $place: spans are the octets of the server's log" \
				"$(tsv own.tsv dst_port src_port reverse_span | octets)" \
				"$(tsv $dir/truth.tsv client_port span_response | awk '{n[$1] += $2} END {for (p in n) print p, n[p]}' | sort)"
		fi
	done <places
done
is "six hops: five places" "$(tsv data/six-hops/places.tsv place | tr '\n' ' ')" "subnet switch edge border transit "
is "reuse: ten downloads a connection" \
	"$(tsv data/reuse/truth.tsv client_port | sort | uniq -c | awk '{print $1}' | sort -u)" 10
is "reuse: in order" "$(tsv data/reuse/truth.tsv order | sort -n | uniq -c | awk '{print $1}' | sort -u)" 3
is "six hops: packets were lost, and sent again" \
	"$("$weir" print --store data/six-hops/places/transit/store -o tsv -f reverse_retransmitted,start |
		awk 'NR > 1 {n += $1} END {print (n > 0)}')" 1

# One hop: spans name all, with nothing learned from what is judged.
for place in subnet switch; do
	"$weir" identify --store data/one-hop/places/$place/store -c data/one-hop/catalogue.tsv -o tsv -w found.tsv 2>/dev/null
	"$weir" evaluate --findings found.tsv --truth data/one-hop/truth.tsv -o ndjson 2>/dev/null |
		grep -m 1 '"grade":"all"' >score
	like "one hop, $place: spans name every download" "$(cat score)" '"downloads":60,"right":60,'
done

# Clients behind a NAT by IPv6, and parts of files: who is who, and what was got.
printf '%s\n' '[scenario]' 'downloads = 30' '[network]' 'nat = yes' 'clients = 3' 'hops = 3' 'ipv6 = yes' \
	'[files]' 'min = 1k' 'max = 2M' '[client]' 'program = curl' 'parallel = 3' 'ranges = 0.2' 'resume = 0.2' \
	'abort = 0.2' 'unmodified = 0.1' '[meter]' 'softflowd = edge' >mixed.lab
status "clients behind a NAT" 0 $lab run -o data ./mixed.lab
is "NAT: places" "$(tsv data/mixed/places.tsv place view plain | tr '\n' ';')" \
	"switch own router;edge seen softflowd;border seen router;"
is "NAT: three clients, ten runs each, seen as one" \
	"$(tsv data/mixed/truth.tsv client | sort -u | wc -l) $(tsv data/mixed/truth.tsv client_seen | sort -u | wc -l)" "3 1"
for view in "switch client client_port" "border client_seen client_seen_port"; do
	read -r place address port <<<"$view"
	# two requests of a run that was resumed are two connections, each a row of the truth
	is "NAT, $place: every download's connection was recorded, as its client looks there" \
		"$(tsv data/mixed/truth.tsv $address $port | sort -u)" \
		"$("$weir" print --store data/mixed/places/$place/store -o tsv -f src,src_port,dst_port,start >own.tsv
			tsv own.tsv dst_port src src_port | awk '$1 == 80 {print $2, $3}' | sort -u)"
done
is "parts: the kinds that were asked for" "$(tsv data/mixed/truth.tsv kind | sort -u | tr '\n' ' ')" "partial ranges unmodified whole "
"$weir" print --store data/mixed/places/border/store -o tsv -f src_port,dst_port,reverse_span,start >own.tsv
is "parts: what was got whole, by ranges or not at all has the octets of the log" \
	"$(tsv data/mixed/truth.tsv client_port kind span_response | awk '$2 != "partial" {print $1, $3}' | sort)" \
	"$(tsv own.tsv dst_port src_port reverse_span | octets |
		grep -F -w -f <(tsv data/mixed/truth.tsv client_port kind | awk '$2 != "partial" {print $1}') | sort)"
is "parts: what was broken off has no more" \
	"$(tsv data/mixed/truth.tsv client_port kind span_response | awk '$2 == "partial" {print $1, $3}' | sort |
		join - <(tsv own.tsv dst_port src_port reverse_span | octets) | awk '$3 > $2' | wc -l)" 0

# Again: nothing is done twice, and nothing is mixed up.
cp data/six-hops/truth.tsv before.tsv
status "again" 0 $lab run --quick -o data --seed 7
is "again: all was done" "$(grep -c 'was done' "$tmp/out")" 4
is "again: the truth is the same" "$(cksum <data/six-hops/truth.tsv)" "$(cksum <before.tsv)"
status "again with another seed" 1 $lab run --quick -o data --seed 8 six-hops
like "again with another seed: told" "$(cat "$tmp/out")" 'was begun with seed 7, not 8; remove it'

# Broken off in its second block, it goes on there: when the first is done, and the folder of
# nfcapd, which is there while a block is recorded, is there again. A block rests for 3 s in all.
printf '[scenario]\ndownloads = 30\nblock = 10\n[network]\nhops = 1\n[client]\npause = 300ms\n[files]\nmin = 1k\nmax = 1M\n' >mine.lab
# begin OPTION...: a run in the background; $run is its pid
begin() {
	$lab run -o data "$@" >said 2>err &
	run=$!
	children="$children $run"
}
in_block() { [ "$(key data/mine blocks_done 2>/dev/null)" = "$1" ] && [ -d data/mine/places/switch/nfcapd ]; }
begin ./mine.lab
await in_block 1
status "broken off: nobody else works in the folder meanwhile" 1 $lab run -o data tls13
like "broken off: nobody else works there: told" "$(cat "$tmp/err")" 'data: another weir lab run works there'
kill -INT $run
wait $run
like "broken off: told how to go on" "$(cat err)" 'stopped; the same command goes on'
is "broken off: it says so" "$(key data/mine state) $(key data/mine blocks_done)" "running 1"
is "broken off: its namespaces are gone" "$(ip netns list | grep -c "weir-$run-")" 0
# Killed, it leaves namespaces; the next run removes them, and says so.
begin ./mine.lab
has_spaces() { ip netns list | grep -q "weir-$run-client1"; }
await has_spaces
kill -KILL $run
wait $run 2>/dev/null
left=$run
is "killed: namespaces are left" "$(($(ip netns list | grep -c "weir-$left-") > 0))" 1
status "gone on with" 0 $lab run -o data ./mine.lab
like "gone on with: what was left is told" "$(cat "$tmp/err")" "^left by process $left, removed:"
like "gone on with: each namespace" "$(cat "$tmp/err")" "^space weir-$left-client1"
is "gone on with: nothing is left" "$(ip netns list | grep -c "weir-$left-")" 0
is "gone on with: done" "$(key data/mine state) $(key data/mine rows)" "done 30"
is "gone on with: each block once" "$(tsv data/mine/truth.tsv block | sort | uniq -c | awk '{print $1, $2}' | tr '\n' ';')" "10 0;10 1;10 2;"
weir_found() {
	"$weir" identify --store data/mine/places/switch/store -c data/mine/catalogue.tsv -o tsv -w found.tsv 2>/dev/null
	"$weir" evaluate --findings found.tsv --truth data/mine/truth.tsv -o ndjson 2>/dev/null | grep -m 1 '"grade":"all"'
}
like "gone on with: spans name every download" "$(weir_found)" '"downloads":30,"right":30,'

# What its first downloads foresee to take longer than its limit becomes less: 60 downloads of
# 250 kB on average by 8 Mbit/s are 15 s, and 8 s are given.
printf '%s\n' '[scenario]' 'downloads = 60' 'block = 30' '[network]' 'hops = 2' '[link]' 'rate = 8M' 'queue = 100' \
	'[files]' 'min = 100k' 'max = 400k' >slow.lab
sed 's/^downloads/less = downloads\n&/' slow.lab >fewer.lab
begin --limit 8s ./slow.lab
became_less() { [ -n "$(key data/slow less 2>/dev/null)" ]; }
await became_less
kill -INT $run
wait $run
is "too slow: what became less is kept before anything more is done" \
	"$(key data/slow blocks_done) $(key data/slow scale_asked) $(key data/slow downloads_asked)" "0 1 60"
scale=$(key data/slow scale)
foreseen=$(key data/slow foreseen)
# The link gives the least; a busy machine may take longer, and then less is left to do
# (tests/unit/lab/pace.c has what is foreseen exactly).
is "too slow: foreseen to take as long as the link does, at the least" "$(awk -v s="$foreseen" 'BEGIN {print (s > 12)}')" 1
is "too slow: as much less as it takes" "$(awk -v s="$scale" 'BEGIN {print (s >= 0.05 && s < 0.6)}')" 1
status "too slow, gone on with" 0 $lab run -o data --limit 8s ./slow.lab
like "too slow: it says so" "$(cat "$tmp/out")" "^slow  .*, sizes times 0\\.[0-9]*, .*as [0-9]+ s were foreseen"
is "too slow: as many downloads as it says, of files that have the size" \
	"$(key data/slow state) $(tsv data/slow/truth.tsv size | sort -n | awk -v s="$(key data/slow scale)" \
		'{n++; least += $1 < 100000 * s - 1; most += $1 > 400000 * s + 1} END {print n, least, most}')" \
	"done $(key data/slow downloads) 0 0"
is "too slow: nothing else was recorded" \
	"$("$weir" print --store data/slow/places/edge/store -o tsv -f src_port,dst_port,start >own.tsv
		tsv own.tsv dst_port src_port | awk '$1 == 80 {print $2}' | sort)" \
	"$(tsv data/slow/truth.tsv client_port | sort)"
like "too slow: the scenario is kept as it was run" "$(cat data/slow/scenario.lab)" "^scale = $(key data/slow scale)\$"
status "too slow, with fewer downloads" 0 $lab run -o data --limit 8s ./fewer.lab
is "too slow, with fewer downloads: of files as they were" \
	"$(key data/fewer scale) $(tsv data/fewer/truth.tsv name | wc -l)" "1 $(key data/fewer downloads)"
# 8 s have room for 32 of them on this link
is "too slow, with fewer downloads: that many" \
	"$(key data/fewer downloads | awk '{print ($1 >= 1 && $1 < 36)}')" 1
"$weir" lab table data >table
like "too slow: the table says so" "$(cat table)" '^fewer was made less: [0-9]* of 60 downloads, as [0-9]+ s were foreseen$'
status "no limit" 0 $lab run -o data --limit 0 -n 20 --scale 0.5 ./slow.lab -o unlimited
is "no limit: nothing is less" "$(key unlimited/slow less) $(key unlimited/slow rows)" " 20"

# In a folder of any name, and beside another run: they share no namespaces, ports or files.
odd="it's \"\$HOME\" 5%; { a\\b }:"
$lab run --quick -o beside tls13 six-hops >beside.said 2>beside.err &
run=$!
children="$children $run"
await test -e beside/tls13/places/edge/nfcapd
status "a folder of any name" 0 $lab run --quick -o "$odd" tls13
wait $run
is "beside another run: both are done" "$? $(key beside/tls13 rows) $(key beside/six-hops rows)" "0 20 12"
is "beside another run: each has its own connections" \
	"$("$weir" print --store beside/tls13/places/edge/softflowd -o tsv -f src_port,dst_port,start >own.tsv
		tsv own.tsv dst_port src_port | awk '$1 == 443 {print $2}' | sort)" \
	"$(tsv beside/tls13/truth.tsv client_port | sort)"
is "a folder of any name: done" "$(key "$odd/tls13" state) $(key "$odd/tls13" rows)" "done 20"
is "a folder of any name: softflowd's records, too" \
	"$("$weir" print --store "$odd/tls13/places/edge/softflowd" -o tsv -f src_port,dst_port,start >own.tsv
		tsv own.tsv dst_port | grep -c '^443$')" 20
status "a folder of any name: its table" 0 "$weir" lab table "$odd" -o ndjson
like "a folder of any name: spans" "$(grep '"method":"spans".*"kind":"all"' "$tmp/out" | head -n 1)" '"downloads":20,'

# The table of it.
status "the table" 0 "$weir" lab table data -o ndjson
like "the table: spans at one hop" "$(grep '"scenario":"one-hop".*"method":"spans".*"kind":"all"' "$tmp/out" | head -n 1)" '"right":30,'
