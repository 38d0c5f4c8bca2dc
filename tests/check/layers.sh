# SPDX-License-Identifier: BSD-2-Clause
# The order of the layers: what each folder of src/ may include, which libraries' symbols
# it may need, and that every header compiles alone. The table stands once, in
# ARCHITECTURE.md.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1

awk -F'|' '/^\| src\// {on = 1; next} on && /^\| [a-z]+ \|/ {gsub(/ /, "", $2); print $2 ":" $4; next}
	on && !/^\|/ {on = 0}' ARCHITECTURE.md >"$tmp/table"
is "the layer table of ARCHITECTURE.md names every folder of src" \
	"$(cut -d: -f1 "$tmp/table" | sort | tr '\n' ' ')" \
	"$(ls src | sort | tr '\n' ' ')"

bad=""
while IFS=: read -r folder may; do
	[ "$may" = " all " ] && continue
	for other in $(grep -ho '^#include "[a-z]*/' src/"$folder"/* 2>/dev/null |
		sed 's/#include "//; s,/,,' | sort -u); do
		case " $folder $may " in *" $other "*) ;; *) bad="$bad $folder->$other" ;; esac
	done
done <"$tmp/table"
is "folders include only what their row allows" "$bad" ""

# Symbols: what a library leaves undefined must be defined in one it may include.
for lib in build-test/lib*.a; do
	[ -f "$lib" ] || continue
	name=$(basename "$lib" .a | sed 's/^lib//')
	nm -P --defined-only "$lib" 2>/dev/null | awk -v n="$name" 'NF > 2 && $2 ~ /[TDBRV]/ {print $1, n}'
done >"$tmp/defined"
bad=""
while IFS=: read -r folder may; do
	lib=build-test/lib$folder.a
	[ -f "$lib" ] || continue
	nm -P --undefined-only "$lib" 2>/dev/null | awk '$2 == "U" {print $1}' | sort -u >"$tmp/undefined"
	for other in $(awk 'NR == FNR {want[$1] = 1; next} $1 in want {print $2}' \
		"$tmp/undefined" "$tmp/defined" | sort -u); do
		case " $folder $may " in *" $other "*) ;; *) bad="$bad $folder->$other" ;; esac
	done
done <"$tmp/table"
is "libraries need only symbols of libraries they may include" "$bad" ""
is "libraries were there to be looked at" "$([ -s "$tmp/defined" ] && echo yes)" yes

bad=""
for header in src/*/*.h; do
	printf '#include "%s"\n' "${header#src/}" >"$tmp/one.c"
	gcc -std=gnu17 -D_GNU_SOURCE -Isrc -fsyntax-only "$tmp/one.c" 2>"$tmp/err" || bad="$bad $header"
done
is "every header compiles alone" "$bad" ""

is "no folder of src is without a library or commands" \
	"$(for d in src/*/; do [ -f "$d/meson.build" ] || echo "$d"; done)" ""
is "every source names its licence" \
	"$(find src tests/unit tests/interop fuzz script \( -path '*/node_modules' -o -path 'fuzz/corpus' \) -prune -o \
		-type f \( -name '*.[ch]' -o -name '*.def' -o -path 'script/*' \) -print | xargs grep -L SPDX-License-Identifier)" ""
