#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Holds weir meter against tshark on all pcap and pcapng files below a folder: frames and
# octets add up in every key, tunnel mode and sample, and flow by flow packets, octets,
# times and TCP flags are those that follow from tshark's fields.
#   bench/captures.sh FOLDER [all]    prints what differs, then one line of sums
# Each capture is metered in two of the 42 pairs of key and mode besides the default,
# which are drawn; with "all" in all of them.
# WEIR=PROGRAM checks that one, such as build-test/weir with the sanitizers. docs/meter.md
# says what it showed, and why some of tshark's flows are others.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in tshark mergecap capinfos python3; do
	command -v $tool >/dev/null || { echo "bench/captures.sh: needs $tool" >&2; exit 1; }
done
[ -d "${1:-}" ] || { sed -n 's/^#   /usage: /p' bench/captures.sh >&2; exit 2; }
exec python3 -B bench/captures.py "${WEIR:-build/weir}" "$@"
