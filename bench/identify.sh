#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# How fast downloads are found by their spans, in catalogues of 50 to 5 million files, and
# how near what is named comes to what an oracle names that knows all parameters.
#   bench/identify.sh [quick]
# Prints a row a catalogue: files, lookups, million lookups a CPU second, share of the
# known ones whose file (or one of its size and path length) is the likeliest, peak MiB;
# then the shares named right by the oracle and by weir (bench/bayes.c). Uses the
# libraries of build, which script/build makes.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f build/libidentify.a ] || script/build >/dev/null
sizes="50 1000 66493 1000000 5000000" lookups=2000000 downloads=20000
[ "${1:-}" = quick ] && sizes="50 66493" lookups=500000 downloads=4000
work=build-bench
mkdir -p $work
libs=$(for layer in identify catalog model base; do echo build/lib$layer.a; done)
for program in spans bayes; do
	# shellcheck disable=SC2046,SC2086
	cc -std=gnu17 -D_GNU_SOURCE -O3 -flto=auto -Isrc -o $work/$program bench/$program.c \
		-Wl,--start-group $libs -Wl,--end-group \
		$(pkg-config --libs libzstd liblz4 libdeflate liblzma libxxhash) -lm -pthread
done
echo "files lookups million/s first MiB"
for files in $sizes; do $work/spans "$files" "$lookups"; done
$work/bayes 60000 $downloads
