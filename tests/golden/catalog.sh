# SPDX-License-Identifier: BSD-2-Clause
# Catalogues as a user builds, joins, compares and shows them, and what sizes give away.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
rows() { tail -n +2 "$1" | cut -f "$2" | tr '\t\n' ',/'; }

# a mirror's folder, by its Release files
mirror=mirror/debian
mkdir -p $mirror/dists/bookworm/main/binary-amd64 $mirror/dists/bookworm/main/binary-arm64 \
	$mirror/dists/bookworm/main/debian-installer/binary-amd64 $mirror/dists/security/updates
main=$mirror/dists/bookworm/main
package() { printf 'Package: %s\nVersion: %s\nArchitecture: %s\nSize: %s\nFilename: pool/%s.deb\n\n' "$@" "$1"; }
{ package pond 1.0 amd64 1000; package reed 2.0 all 70000; } >amd64
{ package pond 1.0 arm64 1100; package reed 2.0 all 70000; } >arm64
xz -c amd64 >$main/binary-amd64/Packages.xz
gzip -c arm64 >$main/binary-arm64/Packages.gz
package installer 1 amd64 5 >$main/debian-installer/binary-amd64/Packages
{
	printf 'Origin: x\nSuite: stable\nCodename: bookworm\nDate: Sat, 09 Mar 2024 10:11:12 UTC\n'
	printf 'Acquire-By-Hash: yes\nSHA256:\n'
	for file in main/binary-amd64/Packages.xz main/debian-installer/binary-amd64/Packages; do
		printf ' %064d %8d %s\n' 7 "$(wc -c <$mirror/dists/bookworm/$file)" $file
	done
	printf ' %064d 12345 main/binary-amd64/Packages\n' 8
	printf ' %064d 99 main/binary-arm64/Packages.gz\n %064d 77 main/binary-arm64/Packages\n' 9 10
	printf ' %064d 55 main/binary-i386/Packages\n broken\n' 11
} >$mirror/dists/bookworm/Release
status "a mirror's folder" 0 "$weir" catalog build debian $mirror -w mirror.tsv
is "its packages, those of all architectures once" "$(rows mirror.tsv 1-5)" \
	"pond,1.0,amd64,bookworm,1000/pond,1.0,arm64,bookworm,1100/reed,2.0,all,bookworm,70000/"
is "the list's date" "$("$weir" catalog show mirror.tsv -o tsv -f date | sort -u | head -n 1)" 2024-03-09T10:11:12.000000Z
like "an index that is not there is counted" "$(cat out)" 'absent +1 '
like "one of another size than its Release says too" "$(cat out)" 'mismatch +1 '
like "and a line that is none" "$(cat out)" 'bad_entry +[0-9]'
"$weir" catalog build ubuntu $mirror --arch amd64 --indexes -w amd64.tsv >out
is "one architecture, with the indexes that apt fetches" "$(rows amd64.tsv 1,5,7 | sed 's/0\{50,\}/0../g')" \
	"$(printf '%s/' main/binary-amd64/Packages,12345,dists/bookworm/main/binary-amd64/by-hash/SHA256/0..8 \
		"main/binary-amd64/Packages.xz,$(wc -c <$main/binary-amd64/Packages.xz),dists/bookworm/main/binary-amd64/by-hash/SHA256/0..7" \
		main/binary-arm64/Packages,77,dists/bookworm/main/binary-arm64/by-hash/SHA256/0..10 \
		main/binary-arm64/Packages.gz,99,dists/bookworm/main/binary-arm64/by-hash/SHA256/0..9 \
		main/binary-i386/Packages,55,dists/bookworm/main/binary-i386/by-hash/SHA256/0..11 \
		main/debian-installer/binary-amd64/Packages,"$(wc -c <$main/debian-installer/binary-amd64/Packages)",dists/bookworm/main/debian-installer/binary-amd64/by-hash/SHA256/0..7 \
		pond,1000,pool/pond.deb reed,70000,pool/reed.deb)"
mkdir lists
lz4 -q amd64 lists/h_debian_dists_bookworm_main_binary-amd64_Packages.lz4
cp arm64 lists/h_debian_dists_sid_main_binary-arm64_Packages
: >lists/lock
"$weir" catalog build debian lists -w lists.tsv >out
is "apt's own folder" "$(rows lists.tsv 1,4)" "pond,bookworm/pond,sid/reed,bookworm/"
mkdir empty
status "a folder without lists" 1 "$weir" catalog build debian empty -w no.tsv
like "is named" "$(cat err)" 'empty: no dists/'

# an rpm repository's folder
mkdir -p repo/repodata
printf '<metadata><package type="rpm"><name>pond</name><arch>noarch</arch><version epoch="0" ver="1" rel="2"/><size package="4711"/><location href="p/pond.rpm"/></package></metadata>' |
	gzip >repo/repodata/primary.xml.gz
printf '<repomd><data type="primary"><location href="repodata/primary.xml.gz"/><size>1</size></data></repomd>' >repo/repodata/repomd.xml
status "an rpm repository" 0 "$weir" catalog build rpm repo -w rpm.tsv --suite el9
is "its packages" "$(rows rpm.tsv 1-5)" "pond,1-2,noarch,el9,4711/"
like "a list of another size than repomd.xml says" "$(cat out)" 'mismatch +1 '
(cd repo/repodata && "$weir" catalog build rpm repomd.xml -w ../../here.tsv >/dev/null)
is "found from beside it too" "$(rows here.tsv 1,5)" "pond,4711/"
printf '<repomd><data type="primary"><location href="../../../etc/passwd"/></data></repomd>' >evil.xml
status "a repomd.xml that points elsewhere" 1 "$weir" catalog build rpm evil.xml -w no.tsv
like "is refused" "$(cat err)" 'outside the repository'

# folders
mkdir -p files/a/b
printf 12345 >files/a/b/x
ln -s x files/a/link
mkfifo files/pipe
status "a folder of files" 0 "$weir" catalog build files files -w files.tsv
is "its files" "$(rows files.tsv 1,5,7)" "x,5,a/b/x/"
like "what is no file is counted" "$(cat out)" 'no_file +2 '
status "a folder where a file is wanted" 1 "$weir" catalog build npm files -w no.tsv
like "says what is wanted" "$(cat err)" 'files: is a folder; npm takes'
status "an unknown kind" 2 "$weir" catalog build cheese x -w no.tsv
like "names the kinds" "$(cat err)" 'debian, ubuntu, rpm, alpine, arch, pypi, npm'
is "standard input and output" "$("$weir" catalog build debian - -w - <amd64 2>err | tail -n +2 | cut -f 1,5 | tr '\t\n' ',/')" "pond,1000/reed,70000/"
like "the counters go aside then" "$(cat err)" 'kept +2 '

# merge
printf 'name\tversion\tsize\tpath\nx\t1\t5\tp\ny\t1\t7\t\n' >one.tsv
printf 'size\tname\tversion\tpath\n5\tx\t1\tp\n6\tx\t1\tp\n' >two.tsv
status "merge" 0 "$weir" catalog merge one.tsv two.tsv -w both.tsv
is "doubles are dropped, contradictions kept" "$(rows both.tsv 1,5)" "x,5/x,6/y,7/"
like "both are told" "$(tr '\n' ' ' <out)" '1 were listed twice.*1 contradict'
like "the contradiction in words" "$(cat err)" 'contradiction: x 1  has 5 bytes .* and 6 '
"$weir" catalog merge two.tsv one.tsv -w again.tsv >out 2>/dev/null
is "the order does not matter" "$(cksum <again.tsv)" "$(cksum <both.tsv)"

# diff
cat >monday.tsv <<EOF
name	version	arch	suite	size	path
gone	1	amd64	s	10	pool/gone
new-version	1	amd64	s	20	pool/n1
same	1	amd64	s	30	pool/same
size	1	amd64	s	40	pool/size
EOF
cat >tuesday.tsv <<EOF
name	version	arch	suite	size	path
came	1	amd64	s	11	pool/came
new-version	2	amd64	s	21	pool/n2
same	1	amd64	s	30	pool/same
size	1	amd64	s	41	pool/size
EOF
is "diff" "$("$weir" catalog diff monday.tsv tuesday.tsv -o tsv)" "$(cat <<EOF
change	name	arch	suite	old_version	version	old_size	size	old_path	path
added	came	amd64	s		1		11		pool/came
removed	gone	amd64	s	1		10		pool/gone	
changed	new-version	amd64	s	1	2	20	21	pool/n1	pool/n2
changed	size	amd64	s	1	1	40	41	pool/size	pool/size
EOF
)"
is "diff as ndjson" "$("$weir" catalog diff monday.tsv tuesday.tsv -o ndjson --limit 1)" \
	'{"change":"added","name":"came","arch":"amd64","suite":"s","version":"1","size":11,"path":"pool/came"}'
is "diff of the same" "$("$weir" catalog diff monday.tsv monday.tsv -o csv | wc -l)" 1

# show
packages=$root/demo/packages.tsv.xz
is "show: a filter" "$("$weir" catalog show "$packages" -o tsv -f name,size 'name = bash' | tail -n 1 | cut -f 1)" bash
is "show: sorted" "$("$weir" catalog show tuesday.tsv --sort -size -o tsv -f name | tr '\n' ' ')" "name size same new-version came "
is "show: sorted by text" "$("$weir" catalog show tuesday.tsv --sort name -o tsv -f name --limit 2 | tr '\n' ' ')" "name came new-version "
is "show: several catalogues" "$("$weir" catalog show monday.tsv -c tuesday.tsv -o tsv | wc -l)" 8
is "show: nothing passes" "$("$weir" catalog show tuesday.tsv -o ndjson 'size > 1G')" ""
status "show: a wrong filter" 2 "$weir" catalog show tuesday.tsv 'sise > 1'
status "show: a wrong order" 2 "$weir" catalog show tuesday.tsv --sort colour
is "show: the catalogue in numbers" "$("$weir" catalog show tuesday.tsv -c monday.tsv --statistics -o ndjson)" \
	'{"files":7,"names":5,"sizes":7,"unique":7,"rounded":0,"pathless":0,"total":173,"smallest":10,"p5":10,"p25":20,"median":21,"p75":40,"p95":41,"largest":41}'

# leak
cat >leak.tsv <<EOF
name	size	path
a	100000	p
b	100000	q
c	100000	longer
d	100060	p
e	101448	p
f	300000	p
EOF
is "leak: how many files fit each" "$("$weir" catalog leak leak.tsv -o csv -f name,exact,path,within_64,within_1k,part_100,wire | tr -d '\r' | tr '\n' /)" \
	"name,exact,path,within_64,within_1k,part_100,wire/a,3,2,4,4,4,3/b,3,2,4,4,4,3/c,3,1,4,4,4,3/d,1,1,4,4,4,1/e,1,1,1,1,1,4/f,1,1,1,1,1,1/"
"$weir" catalog leak "$packages" --summary -o csv 'suite = bookworm' | tr -d '\r' >bookworm
summary() { awk -F, -v s="$1" -v m="$2" -v c="$3" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == c) k = i} $1 == s && $4 == m {printf "%.1f", $k}' bookworm; }
is "leak: Debian 12 main, top-1 by exact size, 64, 256, 1024 bytes, 0.01, 0.1, 1 %" \
	"$(for c in exact within_64 within_256 within_1k part_10k part_1k part_100; do summary all top-1 $c; echo; done | tr '\n' ' ')" \
	"64.2 21.1 12.3 6.8 43.4 8.0 1.0 "
is "leak: of 1 MB and more" \
	"$(for c in exact within_64 within_256 within_1k part_10k part_1k part_100; do summary "1 MB and more" top-1 $c; echo; done | tr '\n' ' ')" \
	"99.6 90.4 72.9 47.3 75.2 23.3 3.6 "
"$weir" catalog leak "$packages" --summary -o csv | tr -d '\r' >bookworm
is "leak: all of the archive, unique by size, and by size and path" "$(summary all unique exact) $(summary all unique path)" "46.7 96.4"
