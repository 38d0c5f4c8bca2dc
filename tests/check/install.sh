# SPDX-License-Identifier: BSD-2-Clause
# meson install puts the program, its other names and all manual pages where they belong.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1

status "meson install works" 0 env DESTDIR="$tmp/to" meson install -C build-test --no-rebuild --quiet
bin=$(dirname "$(find "$tmp/to" -name weir -type f)")
is "weir is installed once" "$(find "$tmp/to" -name weir -type f | wc -l)" 1
is "each other name of weir --help is installed, and nothing else is" \
	"$(ls "$bin" | tr '\n' ' ')" \
	"$({ echo weir; "$weir" --help | awk '/^    weir-/ {print $1}'; } | sort | tr '\n' ' ')"
for name in "$bin"/weir-*; do
	status "$(basename "$name") -h" 0 "$name" -h
	like "$(basename "$name") answers as what it stands for" "$(cat "$tmp/err")" \
		"^Usage: $(basename "$name" | sed 's/^weir-//') "
done
is "all manual pages are installed" \
	"$(find "$tmp/to" -path '*/man1/*' -type f | sed 's,.*/,,; s/\.gz$//' | sort | tr '\n' ' ')" \
	"$(ls docs/man | sort | tr '\n' ' ')"
