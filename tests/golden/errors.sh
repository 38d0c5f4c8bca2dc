# SPDX-License-Identifier: BSD-2-Clause
# Bad input and bad luck: each ends with exit status 1 or 2 and a message that names the
# file and the place in it, nothing crashes, and nothing that was stored is lost.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
export TZ=UTC
flows=$root/tests/golden/flows.tsv
capture=$root/demo/sequential-1.pcap

# refused NAME STATUS REGEX ARGUMENT...: weir ends with STATUS and a message that matches
refused() {
	local name=$1 wanted=$2 regex=$3 got
	shift 3
	"$weir" "$@" >out 2>err </dev/null
	got=$?
	if [ $got = "$wanted" ] && grep -qE -- "$regex" err && ! grep -q Sanitizer err; then ok "$name"; else
		not_ok "$name"
		printf '#   status %s, wanted %s; wanted a message like %s\n' $got "$wanted" "$regex"
		head -n 10 err | sed 's/^/#   /'
	fi
}
rows() { "$weir" print --store "$1" -o ndjson 2>/dev/null | wc -l; }
# adds_up NAME: the summary in out accounts for every packet that was metered
adds_up() {
	is "$1" "$(awk '$1 == "metered" {print $2, $3}' out)" "$(awk '/in flow records/ {print $4, $5}' out)"
}
# pcap LINKTYPE, then records: record CAPTURED WIRE BYTES(hex)
pcap() { perl -e 'print pack("LSSlLLL", 0xa1b2c3d4, 2, 4, 0, 0, 262144, $ARGV[0])' "$1"; }
record() { perl -e 'print pack("LLLL", 1795428000, 0, $ARGV[0], $ARGV[1]), pack("H*", $ARGV[2])' "$@"; }
udp=450000200001000040110000c0000201c6336401 # IPv4 of 32 octets, UDP, 192.0.2.1 to 198.51.100.1
udp=${udp}9c400035000c000000000000

# captures
head -c 100000 "$capture" >cut.pcap
refused "cut capture" 1 'cut.pcap: at offset [0-9]+: .*cut off' meter -r cut.pcap --store cut
adds_up "cut capture: the packets before are in flows"
is "cut capture: the flows before are stored" "$([ "$(rows cut)" -gt 10 ] && echo yes)" yes
: >empty.pcap
refused "empty capture" 1 'empty.pcap: the file is empty' meter -r empty.pcap --store s
head -c 10 "$capture" >head.pcap
refused "cut file header" 1 'head.pcap: cut off' meter -r head.pcap --store s
pcap 1 >none.pcap
status "a capture of no packets is good" 0 "$weir" meter -r none.pcap --store s
echo 'this is no capture' >text.pcap
refused "text as capture" 1 'text.pcap: no capture file' meter -r text.pcap --store s
gzip -c none.pcap >none.gz
refused "compressed capture" 1 'none.gz: compressed; give it as: zcat' meter -r none.gz --store s
mkdir none && : >none/.hidden
refused "a folder without captures" 1 'none: no capture is in this folder' meter -r none --store s
refused "no such capture" 1 'nothing.pcap: No such file' meter -r nothing.pcap --store s
{ pcap 101; record 32 32 "$udp"; record 4294967295 4294967295 "$udp"; record 32 32 "$udp"; } >absurd.pcap
refused "absurd record length" 1 'absurd.pcap: at offset 72: .*corrupt' meter -r absurd.pcap --store absurd
is "absurd record length: the packet before is a flow" "$(rows absurd)" 1
{ pcap 101; record 0 0 ''; record 0 32 ''; record 32 32 "$udp"; } >zero.pcap
status "records of length zero" 0 "$weir" meter -r zero.pcap --store zero
is "records of length zero are counted" "$(awk '/^ +short_link/ {n += $2} END {print n}' out)" 2
is "records of length zero: the other is a flow" "$(rows zero)" 1
{ pcap 101; record 32 20 "$udp"; record 32 32 "$udp"; } >wire.pcap
"$weir" meter -r wire.pcap --store wire >out 2>err
like "captured more than was on the wire: counted" "$(cat out)" 'bad_length +1 '
adds_up "captured more than was on the wire: adds up"
is "captured more than was on the wire: the other is a flow" "$("$weir" print --store wire -o tsv --fields packets | tail -n 1)" 1
{ pcap 9999; record 32 32 "$udp"; } >link.pcap
"$weir" meter -r link.pcap --store link >out 2>err
like "unknown link type: counted" "$(cat out err)" 'unknown_link +1 |link type'
bad=""
for file in "$root"/fuzz/corpus/packet/*; do
	"$weir" meter -r "$file" -o tsv >out 2>err
	case $? in 0 | 1) ;; *) bad="$bad $file" ;; esac
	grep -q Sanitizer err && bad="$bad $file"
done
for at in 0 4 20 24 32 36 40 52 54 60 62 72 100 132 200 300; do
	head -c 4000 "$capture" >flip.pcap
	printf '\377\200\377' | dd of=flip.pcap bs=1 seek=$at conv=notrunc 2>/dev/null
	"$weir" meter -r flip.pcap -o tsv >out 2>err
	case $? in 0 | 1) ;; *) bad="$bad flip:$at" ;; esac
	grep -q Sanitizer err && bad="$bad flip:$at"
	[ "$(awk '$1 == "metered" {print $2, $3}' err)" = "$(awk '/in flow records/ {print $4, $5}' err)" ] ||
		bad="$bad sum:$at"
done
is "odd and flipped captures end well and add up" "$bad" ""

# catalogues
catalogue() {
	printf "$3" >c.tsv
	refused "catalogue: $1" 1 "c.tsv: $2" catalog show c.tsv
}
catalogue "negative size" 'line 3: size .*-5' 'name\tsize\nbar\t7\nfoo\t-5\n'
catalogue "size in words" 'line 2: size .*big' 'name\tsize\nfoo\tbig\n'
catalogue "size above 2^64" 'line 2: size ' 'name\tsize\nfoo\t99999999999999999999\n'
catalogue "missing name" 'line 2: name and size' 'name\tsize\n\t5\n'
catalogue "missing size" 'line 2: name and size' 'name\tsize\nfoo\t\n'
catalogue "no size column" 'line 1: .*name and size' 'name\tversion\nfoo\t1\n'
catalogue "unknown column" "line 1: .*'colour'" 'name\tsize\tcolour\nfoo\t1\tred\n'
catalogue "a column twice" "line 1: .*'size'" 'name\tsize\tsize\nfoo\t1\t1\n'
catalogue "too many cells" 'line 2: more cells' 'name\tsize\nfoo\t5\t6\n'
printf 'name,size\nfoo,-1\nbar,7\nfoo,x\n' >c.tsv
refused "wrong lines of a catalogue are counted" 1 'catalogues: 2 wrong lines' catalog show c.tsv -o tsv -f name,size
is "and the others are there" "$(tail -n 1 out)" "$(printf 'bar\t7')"
catalogue "empty" 'empty' ''
"$weir" load "$flows" --store good >/dev/null
printf 'name\tsize\nfoo\t-1\nbar\t7\n' >c.tsv
refused "identify with a catalogue of wrong lines" 1 'c.tsv: line 2: size .*-1' identify --store good -c c.tsv
: >c.tsv
refused "identify with a wrong catalogue" 1 'c.tsv: empty' identify --store good -c c.tsv
refused "identify without its catalogue" 1 'nothing.tsv: .*No such file' identify --store good -c nothing.tsv
refused "inventory without its catalogue" 1 'nothing.tsv: .*No such file' inventory --store good -c nothing.tsv
head -c 5000 /dev/urandom >Packages
refused "noise as package index" 1 'Packages: line [0-9]+' catalog build debian Packages -w built.tsv
gzip -c "$root/ARCHITECTURE.md" | head -c 800 >Packages.gz
refused "cut gzip as package index" 1 'Packages.gz: ' catalog build debian Packages.gz -w built.tsv

printf 'Title,Size,Product\ngood,7,x\nbad,lots,y\n' >u.csv
status "a wrong size of a CSV of updates" 0 "$weir" catalog build updates u.csv -w u.tsv
is "is told as the cell says it" "$(cat out err | grep -c 'first at u.csv: line 3: "lots"$')" 1

# filters and options
filter() {
	refused "filter: $1" 2 "$2" print --store good "$1"
	[ -z "${3:-}" ] || is "filter: $1: the caret" "$(grep -n '\^' err | tail -n 1 | sed 's/.*://' | tr -d '\n' | wc -c)" "$3"
}
filter 'byes > 1' "'byes': did you mean 'bytes'" 3
filter 'bytes > 1 and prot tcp' "did you mean 'proto'" 17
filter 'bytes >' 'ends where a value should follow' 10
filter '(bytes > 1' 'ends where' 13
filter 'src 300.1.1.1' 'no address or prefix' 7
filter 'src 10.0.0.0/33' 'longer than /32' 7
filter 'bytes > 18446744073709551616' 'does not fit bytes' 11
filter 'src_port = 65536' 'does not fit src_port' 14
filter 'marks > 1' 'does not work on marks' 9
filter 'proto nonsense' 'nonsense'
filter 'start > yesterday' 'yesterday'
filter 'extra ~ "open' '.'
filter "$(printf '(%.0s' $(seq 5000))" '.'
refused "no command" 2 'usage' --
refused "unknown command" 2 "no command 'nonsense'" nonsense
refused "unknown option" 2 'no option --stor' print --stor good
refused "option without its value" 2 '--store needs DIR' print --store
refused "no store" 2 '--store DIR is needed' print
refused "unknown format" 2 "'xml': choose one of table" print --store good -o xml
refused "unknown field" 2 "'strat'.*did you mean 'start'" print --store good --fields strat
refused "limit of no number" 2 "--limit takes a number" print --store good --limit many
refused "negative limit" 2 "--limit takes a number" print --store good --limit -1
refused "time that is none" 2 "--from takes .*yesterday" print --store good --from yesterday
refused "load of nothing" 2 'needs a FILE' load --store good
refused "load to nowhere" 2 '--store DIR' load "$flows"
refused "meter of nothing" 2 '-r FILE, -i INTERFACE or --receive-psamp HOST:PORT is needed' meter --store good
refused "meter to nowhere" 2 'say where flows go' meter -r none.pcap
refused "meter with words that are no filter" 2 "filter 'more': .*given with -r" meter -r none.pcap --store good more
refused "unknown timeout" 2 "not 'foo=3'" meter -r none.pcap --store good -t foo=3
refused "time that is none" 2 "not 'udp=soon'" meter -r none.pcap --store good -t udp=soon
refused "unknown flow key" 2 "not 'mac'" meter -r none.pcap --store good -T mac
refused "direction by MAC without MACs" 2 'add --key ether' meter -r none.pcap --store good -H 02:00:00:00:00:01
refused "MAC address that is none" 2 "not '02:00'" meter -r none.pcap --store good -T ether -H 02:00
refused "unknown kind of tunnel" 2 "not 'wireguard'" meter -r none.pcap --store good --tunnel wireguard
refused "two kinds of sampling" 2 'exclude each other' meter -r none.pcap --store good -s 2 --sample-random 2
refused "unknown version" 2 "not '8'" meter -r none.pcap -n 127.0.0.1:9 -v 8
refused "unknown transport" 2 "not 'dccp'" meter -r none.pcap -n 127.0.0.1:9 -P dccp
refused "NetFlow by tcp" 2 "goes by udp only" meter -r none.pcap -n 127.0.0.1:9 -P tcp -v 9
refused "unit of times" 2 "not 'hours'" meter -r none.pcap -n 127.0.0.1:9 -A hours
refused "absolute times in v5" 2 "only the uptime clock" meter -r none.pcap -n 127.0.0.1:9 -v 5 -A milli
refused "engine of ipfix" 2 "use --domain" meter -r none.pcap -n 127.0.0.1:9 --engine 1:2
refused "engine too large" 2 "TYPE:ID" meter -r none.pcap -n 127.0.0.1:9 -v 5 --engine 1:256
refused "reports of flows" 2 "reports packets" meter -r none.pcap -n 127.0.0.1:9 -v psamp -b
refused "collector without port" 1 'no port; write HOST:PORT' meter -r none.pcap -n 127.0.0.1
refused "collector's port too large" 1 'port' meter -r none.pcap -n 127.0.0.1:99999
refused "strip of one file" 2 'needs two files' strip none.pcap
refused "identify of no store" 2 '--store DIR is needed' identify

# tables of flows
head='start\tsrc\tdst\tproto\tbytes'
good='2026-01-01\t10.0.0.1\t10.0.0.2\tudp\t5'
table() {
	printf "$3" >t.tsv
	refused "load: $1" 1 "$2" load t.tsv -o ndjson
}
table "one wrong line" "t.tsv:3: column 'start': 'x' is not" "$head\n$good\nx\t10.0.0.1\t10.0.0.2\tudp\t5\n$good\n"
is "the wrong line is counted" "$(awk '$1 == "bad_lines" {print $2}' err)" 1
is "the other lines come" "$(wc -l <out)" 2
table "negative octets" "t.tsv:2: column 'bytes': '-5'" "$head\n2026-01-01\t10.0.0.1\t10.0.0.2\tudp\t-5\n"
table "port above 65535" "t.tsv:2: column 'src_port': '70000'" "$head\tsrc_port\n$good\t70000\n"
table "a day that is none" "t.tsv:2: column 'start': '2026-02-30'" "$head\n2026-02-30\t10.0.0.1\t10.0.0.2\tudp\t5\n"
table "an empty cell that must be filled" "t.tsv:2: column 'dst': empty" "$head\n2026-01-01\t10.0.0.1\t\tudp\t5\n"
table "too few cells" 't.tsv:2: 2 cells.* 5' "$head\n2026-01-01\t10.0.0.1\n"
table "too many cells" 't.tsv:2: 6 cells.* 5' "$head\n$good\t7\n"
table "an end before its start" 't.tsv:2: end is before start' "$head\tend\n$good\t2025-01-01\n"
table "an open quote" 't.csv:2: .*quote|t.tsv:2: .*quote' 'start,src,dst,proto,bytes\n2026-01-01,10.0.0.1,10.0.0.2,udp,"5\n'
table "unknown column" "t.tsv:1: .*'byes': did you mean 'bytes'" "$head\tbyes\n$good\t7\n"
table "a column twice" 't.tsv:1: two columns are named start' "$head\tstart\n$good\t1\n"
table "no column of octets" 't.tsv:1: the heading lacks bytes' 'start\tsrc\tdst\tproto\n'
table "an empty file" 't.tsv: empty' ''
refused "load: no such file" 1 'nothing.tsv: .*No such file' load nothing.tsv --store s
refused "load: a folder" 1 'demo: .*directory' load "$root/demo" --store s
perl -e 'print "start\tsrc\tdst\tproto\tbytes\n"; print "x\n" for 1..50' >t.tsv
refused "load: fifty wrong lines" 1 't.tsv:2: ' load t.tsv -o ndjson
is "ten of them are reported" "$(grep -c '^weir: t.tsv:' err)" 10
is "all of them are counted" "$(awk '$1 == "bad_lines" {print $2}' err)" 50

# stores that cannot be read
refused "no such store" 1 'nowhere: no such folder' print --store nowhere
mkdir folder
refused "a folder that is no store" 1 'folder: .*it is no store' print --store folder
refused "a file as store" 1 'flows.tsv: is a file' print --store "$flows"
refused "a file as store to write" 1 'flows.tsv' load "$flows" --store "$flows"
nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
cp -r good closed
cp "$weir" ./weir-copy && chmod 755 weir-copy "$tmp"
if [ "$(id -u)" = 0 ] && $nobody ./weir-copy --version >/dev/null 2>&1; then
	as_nobody() {
		$nobody ./weir-copy "$@"
	}
else
	as_nobody() { "$weir" "$@"; } # the owner is refused too, but for root
fi
chmod 000 closed
if [ "$(id -u)" = 0 ] && ! $nobody ./weir-copy --version >/dev/null 2>&1; then
	skip "unreadable stores" "cannot become nobody (setpriv)"
else
	as_nobody print --store closed >out 2>err
	is "unreadable store: status" $? 1
	like "unreadable store: message" "$(cat err)" 'closed.*Permission denied'
	as_nobody load "$flows" --store closed >out 2>err
	is "unwritable store: status" $? 1
	like "unwritable store: message" "$(cat err)" 'closed.*Permission denied'
	chmod 755 closed
	find closed -type d -exec chmod 755 {} +
	find closed -type f -exec chmod 644 {} +
	chmod 000 closed/date=2026-11-23/*.parquet
	as_nobody print --store closed -o ndjson >out 2>err
	is "one unreadable segment: status" $? 1
	like "one unreadable segment: message" "$(cat err)" 'closed/date=2026-11-23/.*Permission denied'
	is "one unreadable segment: the others come" "$(cat out | wc -l)" 6
fi
chmod -R u+rwX closed

# full disks
refused "print to a full disk" 1 '/dev/full: .*No space' print --store good -w /dev/full
refused "load to a full disk" 1 '/dev/full: .*No space' load "$flows" -o tsv -w /dev/full
for command in "print --store good" "load $flows -o csv" "--help" "print --help" "meter -r none.pcap --store s"; do
	"$weir" $command >/dev/full 2>err
	is "standard output full: $command" "$? $(grep -c 'standard output.*No space' err)" "1 1"
done
perl -e 'print "start\tsrc\tdst\tproto\tbytes\tpackets\n"; $x = 1;
	for (1 .. 150000) { $x = $x * 1103515245 + 12345 & 0x7fffffff;
		printf "%d.%06d\t10.%d.%d.%d\t192.0.2.1\tgre\t%d\t%d\n", 1795428000 + $_ / 500, $_ % 1000000, $_ >> 16, $_ >> 8 & 255, $_ & 255, $x, $x >> 15 }' >big.tsv
"$weir" load "$flows" --store full >/dev/null
(
	ulimit -f 400
	trap '' XFSZ
	"$weir" load big.tsv --store full >out 2>err
	echo $? >rc
)
is "file size limit: status" "$(cat rc)" 1
like "file size limit: message names the file" "$(cat err)" 'full/.*(File too large|No space)'
like "file size limit: message tells what is stored" "$(cat err)" 'store full: [0-9]+ rows|rows'
is "file size limit: what was stored before is there" "$("$weir" print --store full -o ndjson 'not proto gre or src 10.0.0.1 and extra is not null' 2>/dev/null | wc -l)" 13
before=$(rows full)
status "file size limit: the store can be written again" 0 "$weir" load "$flows" --store full
is "file size limit: nothing is lost by that" "$(rows full)" $((before + 13))
is "file size limit: no row twice" "$("$weir" print --store full -o tsv --fields start,src 'bytes_scaled > 0 and proto gre and extra is null' | sort | uniq -d | wc -l)" 0
if unshare -m true 2>/dev/null; then
	mkdir small
	unshare -m sh -c '
		mount -t tmpfs -o size=300k none small || exit 9
		"$1" load "$2" --store small/store >/dev/null || exit 8
		"$1" load big.tsv --store small/store >out 2>err
		echo $? >rc
		"$1" print --store small/store -o ndjson --to 2026-11-23T10:00:00Z >/dev/null 2>err2
		"$1" print --store small/store -o ndjson "not proto gre or extra is not null" 2>>err2 | wc -l >rows
	' sh "$weir" "$flows"
	case $? in
	9) skip "full tmpfs" "cannot mount a tmpfs" ;;
	*)
		is "full tmpfs: status" "$(cat rc)" 1
		like "full tmpfs: message" "$(cat err)" 'small/store.*No space left'
		is "full tmpfs: what was stored before is readable" "$(cat rows)" 13
		is "full tmpfs: without complaint" "$(cat err2)" ""
		;;
	esac
else
	skip "full tmpfs" "unshare -m is not allowed"
fi

# damage
damaged() { # NAME REGEX: the store damaged/ has one damaged segment, 6 of 13 rows are elsewhere
	refused "damage: $1" 1 "damaged/$2" print --store damaged -o ndjson --fields all
	is "damage: $1: the other rows come" "$(wc -l <out)" 6
}
fresh() {
	rm -rf damaged
	cp -r good damaged
	segment=$(echo damaged/date=2026-11-23/*.parquet)
	size=$(stat -c %s "$segment")
}
fresh && truncate -s $((size / 2)) "$segment"
damaged "half a segment" 'date=.*parquet: offset [0-9]+: .*restore it'
fresh && truncate -s 0 "$segment"
damaged "a segment of nothing" 'date=.*parquet: 0 bytes'
for at in 4 20 200 600 1500; do
	fresh && printf '\377\377\377\377' | dd of="$segment" bs=1 seek=$at conv=notrunc 2>/dev/null
	damaged "bytes at $at" "date=.*parquet: offset [0-9]+: .*column"
done
for at in 4 8 20; do
	fresh && printf '\377\377' | dd of="$segment" bs=1 seek=$((size - at)) conv=notrunc 2>/dev/null
	damaged "bytes $at before the end" "date=.*parquet: .*offset [0-9]+|date=.*parquet: .*footer"
done
fresh
bad=""
for at in $(seq 0 97 "$size"); do
	cp good/date=2026-11-23/*.parquet "$segment"
	printf '\200\377' | dd of="$segment" bs=1 seek="$at" conv=notrunc 2>/dev/null
	"$weir" print --store damaged -o tsv --fields all >out 2>err
	case $? in 0 | 1) ;; *) bad="$bad $at" ;; esac
	grep -q Sanitizer err && bad="$bad $at"
done
is "damage anywhere does not crash" "$bad" ""
fresh
mkdir -p damaged/journal/weir
head -c 5000 /dev/urandom >damaged/journal/weir/flows-20261123T0950Z-b7284016b090a176.journal
refused "garbage in the journal" 1 'journal/weir/flows-.*journal: offset 0: ' print --store damaged -o ndjson
is "garbage in the journal: all other rows come" "$(wc -l <out)" 13
status "garbage in the journal is set aside by the next writer" 0 "$weir" load "$flows" --store damaged
like "and named" "$(cat err)" 'journal: offset 0: .*set aside as'
status "and then all is well" 0 "$weir" print --store damaged -o ndjson

# a reader that has enough
for format in table tsv csv ndjson; do
	"$weir" print --store full -o $format 2>err | head -n 1 >out
	is "head -n 1 of $format" "$(wc -l <out) $(cat err)" "1 "
done
"$weir" meter -r "$capture" -o ndjson 2>err | head -n 1 >out
is "head -n 1 of meter" "$(wc -l <out) $(grep -c 'Broken\|Sanitizer' err)" "1 0"

# kill -9: packets of one flow each, slowly; what a reader has seen stays, once
mkfifo pipe
perl -e '$| = 1; print pack("LSSlLLL", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101);
	for my $i (0 .. 59999) {
		print pack("LLLL", 1795428000 + int($i / 1000), $i % 1000 * 1000, 32, 32),
			pack("CCnnnCCnNNnnnn", 0x45, 0, 32, 1, 0, 64, 17, 0, 0x0a000000 + $i, 0xc0000201, 40000, 53, 12, 0), "\0" x 4;
		select undef, undef, undef, 0.25 if $i % 4000 == 3999;
	}
	sleep 30' >pipe &
feeder=$!
"$weir" meter -r - --store killed -t udp=1s <pipe >out 2>err &
meter=$!
children="$feeder $meter"
seen=0
for _ in $(seq 40); do
	sleep 0.2
	seen=$(rows killed)
	[ "$seen" -gt 10000 ] && break
done
kill -9 $meter
wait $meter 2>/dev/null
kill $feeder 2>/dev/null
is "killed meter: a reader saw rows while it ran" "$([ "$seen" -gt 10000 ] && echo yes)" yes
status "killed meter: print" 0 "$weir" print --store killed -o tsv --fields start,src
tail -n +2 out | sort >after
is "killed meter: no row that was seen is lost" "$([ "$(wc -l <after)" -ge "$seen" ] && echo yes)" yes
is "killed meter: no row twice" "$(uniq -d after | wc -l)" 0
status "killed meter: the next writer takes over" 0 "$weir" load "$flows" --store killed
"$weir" print --store killed -o tsv --fields start,src 'port 53' | tail -n +2 | sort >later
is "killed meter: the same rows, as segments" "$(cksum <later)" "$(cksum <after)"
is "killed meter: no journal is left" "$(find killed/journal -name '*.journal' | wc -l)" 0
