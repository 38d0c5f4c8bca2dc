#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Measures catalogues made for the purpose: reading and sealing, memory, looking up, leak,
# diff.   bench/catalog.sh [FILES...]    (default 50 60000 1000000 5000000)
set -euo pipefail
cd "$(dirname "$0")/.."
script/build >/dev/null
work=build-bench/catalog
mkdir -p $work
cc -O2 -o $work/mkcatalog bench/mkcatalog.c -lm
cc -O2 -o $work/usage bench/usage.c
cc -std=gnu17 -D_GNU_SOURCE -O2 -flto -Isrc -o $work/lookup bench/lookup.c build/libcatalog.a \
	build/libmodel.a build/libbase.a -lxxhash -ldeflate -lz -llzma -llz4 -lzstd -lexpat \
	-ljansson -larchive -lcurl -lm

# row NAME COMMAND...
row() {
	local name=$1
	shift
	$work/usage $work/used "$@" >/dev/null
	awk -v n="$name" -v f="$files" '{printf "  %-22s %8.2f CPU s %8.0f MiB %6.0f octets/file\n",
		n, $1, $2 / 1024, $2 * 1024 / f}' $work/used
}
for files in "${@:-50}" $([ $# -gt 0 ] || echo 60000 1000000 5000000); do
	$work/mkcatalog "$files" >$work/list.tsv
	echo "$files files, $(stat -c %s $work/list.tsv) octets of TSV"
	row "read, seal, count" build/weir catalog show $work/list.tsv --statistics -o csv
	row "leak --summary" build/weir catalog leak $work/list.tsv --summary -o csv
	row "diff with itself" build/weir catalog diff $work/list.tsv $work/list.tsv -o csv
	row "merge, written again" build/weir catalog merge $work/list.tsv -w $work/merged.tsv
	echo "  $($work/lookup $work/list.tsv)"
done
rm -f $work/list.tsv $work/merged.tsv
