#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# How fast downloads are found by their spans, in catalogues of 50 to 5 million files.
#   bench/identify.sh [quick]
# Prints a row a catalogue: files, lookups, million lookups a CPU second, share of the known
# ones whose file (or one of its size and path length) is the likeliest, peak MiB. Uses the
# libraries of build, which script/build makes.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f build/libidentify.a ] || script/build >/dev/null
sizes="50 1000 66493 1000000 5000000" lookups=2000000
[ "${1:-}" = quick ] && sizes="50 66493" lookups=500000
work=build-bench
mkdir -p $work
libs=$(for layer in identify catalog model base; do echo build/lib$layer.a; done)
# shellcheck disable=SC2046,SC2086
cc -std=gnu17 -D_GNU_SOURCE -O3 -flto=auto -Isrc -o $work/spans bench/spans.c -Wl,--start-group $libs -Wl,--end-group \
	$(pkg-config --libs libzstd liblz4 libdeflate liblzma libxxhash) -lm -pthread
echo "files lookups million/s first MiB"
for files in $sizes; do $work/spans "$files" "$lookups"; done
