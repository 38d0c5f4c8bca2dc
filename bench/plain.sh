#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Measures naming of plain records (octets and packets) against catalogues of several
# sizes.
#   bench/plain.sh [FILES...]    (default 50 1000 60000 1000000)
set -euo pipefail
cd "$(dirname "$0")/.."
script/build >/dev/null
work=build-bench/plain
mkdir -p $work
cc -std=gnu17 -D_GNU_SOURCE -O2 -flto -Isrc -o $work/plain bench/plain.c build/libidentify.a \
	build/libcatalog.a build/libmodel.a build/libbase.a -lxxhash -ldeflate -lz -llzma -llz4 \
	-lzstd -lexpat -ljansson -larchive -lcurl -lm
for files in "${@:-50}" $([ $# -gt 0 ] || echo 1000 60000 1000000); do
	$work/plain "$files"
done
