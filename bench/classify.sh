#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Measures the classifiers beside scikit-learn (Debian's) on the same rows in the same
# run.
#   bench/classify.sh [quick]
# CPU seconds, the best of several, one core each (scikit-learn's n_jobs is 1); the
# rows are made from a fixed seed. quick: the large fit has a tenth of its rows.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! /usr/bin/python3 -c 'import sklearn' 2>/dev/null; then
	echo "bench/classify.sh: python3-sklearn is not installed (script/setup test)" >&2
	exit 1
fi
work=build-bench
mkdir -p $work/classify
trap 'rm -rf $work/classify' EXIT
# -O3 as the release is built; the same sources.
cc -std=gnu17 -D_GNU_SOURCE -O3 -ffp-contract=off -Isrc -o $work/classifier \
	tests/interop/sklearn/classify.c src/identify/{classifier,flat,forest,grow,knn,samples,tree}.c \
	src/base/{err,hash,text}.c -lxxhash -ldeflate -lm
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
/usr/bin/python3 -W ignore bench/classify.py $work/classifier $work/classify "${1:-full}" >$work/classify/table
echo "$(nproc --all) cores of $(awk -F': ' '/^model name/ {print $2; exit}' /proc/cpuinfo)," \
	"scikit-learn $(/usr/bin/python3 -c 'import sklearn; print(sklearn.__version__)')," \
	"CPU seconds, load $(cut -d' ' -f1 /proc/loadavg)"
column -t -s'|' -R 3,4,5 $work/classify/table
