# SPDX-License-Identifier: BSD-2-Clause
# The manual pages: every command has one, each says what the program says now
# (script/manual renews them), mandoc finds no fault, and --help works.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1

mkdir "$tmp/man"
bash script/manual "$weir" "$tmp/man" || not_ok "script/manual runs"
"$weir" --help | awk '/^  [a-z]/ {print $1}' >"$tmp/commands"
is "there are commands" "$([ "$(wc -l <"$tmp/commands")" -gt 5 ] && echo yes)" yes
is "help lists the commands of command.def" "$(tr '\n' ' ' <"$tmp/commands")" \
	"$(sed -n 's/^COMMAND(\(.*\))/\1/p' src/cmd/command.def | tr '\n' ' ')"
# A command's verbs are commands as well: "lab link", with the page weir-lab-link.
while read -r command; do
	echo "$command"
	"$weir" "$command" --help | awk -v c="$command" '/^Verbs:/ {on = 1; next} /^$/ {on = 0} on {print c " " $1}'
done <"$tmp/commands" >"$tmp/verbs"
mv "$tmp/verbs" "$tmp/commands"
is "help lists the verbs of lab.def" "$(sed -n 's/^lab //p' "$tmp/commands" | tr '\n' ' ')" \
	"$(sed -n 's/^LAB(\(.*\))/\1/p' src/cmd/lab.def | tr '\n' ' ')"
"$weir" --help | awk '/^    weir-/ {print $1}' >"$tmp/fronts"
is "there are programs under other names" "$([ "$(wc -l <"$tmp/fronts")" -ge 2 ] && echo yes)" yes
is "each command has a page and there is no page without a command" \
	"$(ls docs/man | grep '\.1$' | sort | tr '\n' ' ')" \
	"$({ sed 's/ /-/; s/.*/weir-&.1/; $a weir.1' "$tmp/commands"; sed 's/$/.1/' "$tmp/fronts"; } | sort | tr '\n' ' ')"
for page in "$tmp"/man/*.1; do
	name=$(basename "$page")
	if cmp -s "$page" "docs/man/$name"; then ok "$name is what weir manual prints"; else
		not_ok "$name is what weir manual prints (script/manual renews it)"
		diff "docs/man/$name" "$page" 2>&1 | head -n 10 | sed 's/^/#   /'
	fi
	if command -v mandoc >/dev/null; then
		is "$name has no fault for mandoc" "$(mandoc -T lint -W warning "$page" 2>&1 | sed 's,.*/,,')" ""
	else
		skip "$name has no fault for mandoc" "mandoc is not installed (script/setup test)"
	fi
done
while read -r command; do
	page=weir-${command/ /-}.1
	# shellcheck disable=SC2086
	status "$command --help" 0 "$weir" $command --help
	is "$command --help: on standard output only, with usage, options and statuses" \
		"$(cat "$tmp/err")$(grep -c -e "^usage: weir $command " -e '^Exit status: ' "$tmp/out")" 2
	is "$command: page and help name the same options" \
		"$(sed -n 's/^\.It .*Fl \\-\([a-z-]*\).*/\1/p' "$tmp/man/$page" | tr '\n' ' ')" \
		"$(awk '/^Options:/ {on = 1; next} /^$/ {on = 0} on' "$tmp/out" | grep -oE '^  (-., )?--[a-z-]+' | sed 's/.*--//' | tr '\n' ' ')"
	is "$command: no line of help is cut or formatted wrongly" "$(grep -c '(null)\|%[sdu]' "$tmp/out")" 0
done <"$tmp/commands"
status "weir --help" 0 "$weir" --help
status "weir --version" 0 "$weir" --version
like "the version" "$(cat "$tmp/out")" '^weir [0-9a-z]'
