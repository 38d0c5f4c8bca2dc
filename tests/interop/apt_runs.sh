# SPDX-License-Identifier: BSD-2-Clause
# script/apt-runs, short: the real apt against a fake archive in network namespaces, one
# run with pipelining off and one as apt comes, at a server that waits before it answers.
# What the decoder can name depends on how busy the machine is: it is mostly all, nine of
# ten are asked for. Nothing may be wrong that is said with 0.99.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1
for part in apt-get nginx apache2 tcpdump ethtool python3 xz ip ss; do
	command -v $part >/dev/null && continue
	skip "apt-runs" "$part is not installed (script/setup test)"
	exit 0
done
if [ "$(id -u)" != 0 ] || ! ip netns add weir-apt-$$ 2>"$tmp/why"; then
	skip "apt-runs" "no network namespace: $(head -n 1 "$tmp/why" 2>/dev/null)"
	exit 0
fi
ip netns del weir-apt-$$

# run NAME PACKAGES LEAST ARGUMENTS...: a run; at least so many are named right
run() {
	local name=$1 packages=$2 least=$3
	shift 3
	status "$name: the run" 0 env WEIR="$weir" script/apt-runs -n $packages -o "$tmp/runs" "$@"
	sed 's/^/# /' "$tmp/out"
	[ ! -s "$tmp/err" ] || sed 's/^/# /' "$tmp/err"
	is "$name: all downloads are in the truth" \
		"$(sed -n 's/^.*: \([0-9]*\) downloads in truth.*/\1/p' "$tmp/out")" $packages
	is "$name: at least $least are named right" \
		"$(sed -n 's/.*truth: \([0-9]*\) named right.*/\1/p' "$tmp/out" |
			awk -v least="$least" '{print ($1 >= least)}')" 1
	like "$name: nothing is wrong that is said with 0.99" "$(tail -n 1 "$tmp/out")" \
		'said with 0\.99 0 wrong$'
}
run "pipelining off" 16 12 sequential 1
pcap=$tmp/runs/pipelined-waits-4.pcap
run "pipelined" 40 36 -w pipelined 4
"$weir" meter -r "$pcap" --store "$tmp/store" >"$tmp/meter"
is "pipelined: the meter left marks" "$(awk '$1 == "marks" {print ($2 >= 8)}' "$tmp/meter")" 1
