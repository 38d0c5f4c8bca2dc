# SPDX-License-Identifier: BSD-2-Clause
# The units of packaging/systemd are understood by systemd and leave little exposed, and
# what they say of weir's options is true.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1

for unit in packaging/systemd/*.service; do
	name=$(basename "$unit")
	line=$(sed -n 's/^ExecStart=//p' "$unit")
	bad=""
	for option in $(printf '%s\n' "$line" | grep -oE -- ' --?[a-z-]+' ; sed -n 's/.*"WEIR_OUTPUT=\(--[a-z]*\).*/\1/p' "$unit"); do
		"$weir" "$(printf '%s\n' "$line" | awk '{print $2}')" --help |
			grep -qE "(^|[ ,])$option([ ,]|$)" || bad="$bad $option"
	done
	is "$name: its options are weir's" "$bad" ""
	if ! command -v systemd-analyze >/dev/null; then
		skip "$name: systemd understands it" "systemd-analyze is not installed (package systemd)"
		continue
	fi
	# the program need not be installed for this
	mkdir -p "$tmp/units"
	instance=$(printf '%s' "$name" | sed 's/@\./@eth0./')
	sed "s,^ExecStart=/usr/bin/weir,ExecStart=$weir," "$unit" >"$tmp/units/$name"
	SYSTEMD_UNIT_PATH="$tmp/units:" systemd-analyze verify --man=no "$tmp/units/$instance" >"$tmp/verify" 2>&1
	is "$name: systemd understands it" "$(grep -F "$name" "$tmp/verify"; grep -F "$instance" "$tmp/verify")" ""
	exposure=$(systemd-analyze security --offline=yes "$tmp/units/$name" 2>/dev/null |
		sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p')
	if [ -z "$exposure" ]; then
		skip "$name: exposure" "this systemd-analyze cannot do it offline"
	else
		is "$name: its exposure by systemd's reckoning is at most 2.5 of 10" \
			"$(awk -v e="$exposure" 'BEGIN {print (e <= 2.5) ? "yes" : e}')" yes
	fi
done
