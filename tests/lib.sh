# SPDX-License-Identifier: BSD-2-Clause
# For the shell tests: source this. Each prints lines "ok - name", "not ok - name" or
# "skip - name: reason", which script/test counts. $weir is the binary under test, $root
# the project, $tmp a fresh folder that is removed on exit.
set -u
root=${WEIR_ROOT:?run by script/test}
weir=${WEIR:?run by script/test}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weir-test.XXXXXX")
children=""
cleanup() {
	for pid in $children; do kill "$pid" 2>/dev/null; done
	rm -rf "$tmp"
}
trap cleanup EXIT

ok() { printf 'ok - %s\n' "$1"; }
not_ok() { printf 'not ok - %s\n' "$1"; }
skip() { printf 'skip - %s: %s\n' "$1" "$2"; }

# is NAME GOT WANTED
is() {
	if [ "$2" = "$3" ]; then ok "$1"; else
		not_ok "$1"
		printf '#   got    %s\n#   wanted %s\n' "$2" "$3" | head -n 20
	fi
}

# like NAME TEXT REGEX
like() {
	if printf '%s' "$2" | grep -qE -- "$3"; then ok "$1"; else
		not_ok "$1"
		printf '#   %s\n#   has no match for %s\n' "$2" "$3" | head -n 20
	fi
}

# status NAME WANTED COMMAND...   (standard error goes to $tmp/err)
status() {
	local name=$1 wanted=$2 got
	shift 2
	"$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	is "$name" "$got" "$wanted"
}

# waited COMMAND...: false if it is not true within $patience seconds
patience=20
waited() {
	local end=$((SECONDS + patience))
	while ! "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}
# await COMMAND...: until it is true; that it never was is a failure
await() { waited "$@" || { not_ok "await $*"; return 1; }; }
# becomes NAME COMMAND...: a test that it comes true
becomes() {
	local name=$1
	shift
	if waited "$@"; then ok "$name"; else not_ok "$name"; fi
}
