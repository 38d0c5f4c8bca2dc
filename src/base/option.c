/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Command-line options by table. GNU manners: --name VALUE, --name=VALUE, -n VALUE,
 * -nVALUE, flags may be bundled, options and operands may be mixed.
 */
#include "base/option.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

bool
option_number(const char *s, uint64_t *out)
{
	static const struct {
		const char *suffix;
		uint64_t factor;
	} units[] = {{"", 1}, {"k", 1000}, {"K", 1000}, {"M", 1000000}, {"G", 1000000000},
	    {"T", 1000000000000}, {"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}};
	size_t digits = strspn(s, "0123456789"), i;
	uint64_t v;

	if (!parse_u64(s, digits, &v))
		return false;
	for (i = 0; i < sizeof units / sizeof *units; i++) {
		if (strcmp(units[i].suffix, s + digits) == 0)
			return !__builtin_mul_overflow(v, units[i].factor, out);
	}
	return false;
}

bool
option_time(const char *s, int64_t *out_us)
{
	static const struct {
		const char *unit;
		int64_t us;
	} units[] = {{"ms", 1000}, {"us", 1}, {"s", 1000000}, {"m", 60000000},
	    {"h", 3600000000}, {"d", 86400000000}, {"w", 604800000000}};
	int64_t total = 0, us;
	uint64_t v;
	size_t digits, len, i;

	if (*s == '\0')
		return false;
	while (*s != '\0') {
		digits = strspn(s, "0123456789");
		if (!parse_u64(s, digits, &v) || v > INT64_MAX)
			return false;
		s += digits;
		len = strcspn(s, "0123456789");
		us = len == 0 ? 1000000 : 0;
		for (i = 0; i < sizeof units / sizeof *units && len > 0; i++) {
			if (strlen(units[i].unit) == len && memcmp(units[i].unit, s,
			    len) == 0)
				us = units[i].us;
		}
		if (us == 0 || __builtin_mul_overflow(us, (int64_t)v, &us) ||
		    __builtin_add_overflow(total, us, &total))
			return false;
		s += len;
	}
	*out_us = total;
	return true;
}

static int
store_value(const struct option_row *row, const char *text, void *values, struct err *err)
{
	void *member = (char *)values + row->offset;
	struct option_list *list;
	uint64_t number = 0;

	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)member = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)member = text;
		return 0;
	case OPTION_LIST:
		list = member;
		if (list->count == OPTION_LIST_MAX)
			return err_set(err, EINVAL, "--%s may be given %d times at most",
			    row->name, OPTION_LIST_MAX);
		list->items[list->count++] = text;
		return 0;
	case OPTION_NUMBER:
		if (!option_number(text, &number))
			return err_set(err, EINVAL,
			    "--%s takes a number such as 10, 4k or 1Mi, "
			    "not '%s'", row->name, text);
		if (number < row->min || (row->max != 0 && number > row->max))
			return err_set(err, EINVAL,
			    "--%s takes a number from %llu to %llu, "
			    "not %s", row->name, (unsigned long long)row->min,
			    (unsigned long long)(row->max != 0 ? row->max : UINT64_MAX),
			    text);
		*(uint64_t *)member = number;
		return 0;
	case OPTION_TIME:
		if (!option_time(text, member))
			return err_set(err, EINVAL,
			    "--%s takes a time such as 90, 1h30m or "
			    "500ms, not '%s'", row->name, text);
		return 0;
	}
	return -1;
}

static const struct option_row *
find_long(const struct option_row *rows, size_t n, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
			return &rows[i];
	}
	return NULL;
}

static int
parse_long(const struct option_row *rows, size_t n, const char *word, const char *next,
    bool *used_next, void *values, struct err *err)
{
	size_t len = strcspn(word, "=");
	const struct option_row *row = find_long(rows, n, word, len);

	if (row == NULL)
		return err_set(err, EINVAL,
		    "there is no option --%.*s; --help lists them", (int)len, word);
	if (row->type == OPTION_FLAG) {
		if (word[len] == '=')
			return err_set(err, EINVAL, "--%s takes no argument", row->name);
		return store_value(row, NULL, values, err);
	}
	if (word[len] == '=')
		return store_value(row, word + len + 1, values, err);
	if (next == NULL)
		return err_set(err, EINVAL, "--%s needs %s", row->name, row->argument);
	*used_next = true;
	return store_value(row, next, values, err);
}

static int
parse_letters(const struct option_row *rows, size_t n, const char *letters,
    const char *next, bool *used_next, void *values, struct err *err)
{
	size_t i;

	for (; *letters != '\0'; letters++) {
		for (i = 0; i < n && rows[i].letter != *letters; i++)
			;
		if (i == n)
			return err_set(err, EINVAL,
			    "there is no option -%c; --help lists them", *letters);
		if (rows[i].type == OPTION_FLAG) {
			if (store_value(&rows[i], NULL, values, err) != 0)
				return -1;
			continue;
		}
		if (letters[1] != '\0')
			return store_value(&rows[i], letters + 1, values, err);
		if (next == NULL)
			return err_set(err, EINVAL, "-%c needs %s", *letters,
			    rows[i].argument);
		*used_next = true;
		return store_value(&rows[i], next, values, err);
	}
	return 0;
}

int
options_parse(const struct option_row *rows, size_t n, int argc, char **argv,
    void *values, const char **operands, struct err *err)
{
	int i, count = 0, status;
	bool only_operands = false, used_next;
	const char *next;
	size_t k;

	for (k = 0; k < n; k++) {
		if (rows[k].fallback != NULL &&
		    store_value(&rows[k], rows[k].fallback, values, err) != 0)
			return -1;
	}
	for (i = 1; i < argc; i++) {
		next = i + 1 < argc ? argv[i + 1] : NULL;
		used_next = false;
		status = 0;
		if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0')
			operands[count++] = argv[i];
		else if (strcmp(argv[i], "--") == 0)
			only_operands = true;
		else if (argv[i][1] == '-')
			status = parse_long(rows, n, argv[i] + 2, next, &used_next,
			    values, err);
		else
			status = parse_letters(rows, n, argv[i] + 1, next, &used_next,
			    values, err);
		if (status != 0)
			return -1;
		i += used_next;
	}
	return count;
}

void
options_help(struct text *out, const struct option_row *rows, size_t n)
{
	struct text left;
	size_t i;

	text_init(&left);
	for (i = 0; i < n; i++) {
		text_clear(&left);
		if (rows[i].letter != 0)
			text_printf(&left, "-%c, ", rows[i].letter);
		text_printf(&left, "--%s", rows[i].name);
		if (rows[i].type != OPTION_FLAG)
			text_printf(&left, " %s", rows[i].argument);
		text_printf(out, "  %-26s", left.data);
		if (left.len > 26)
			text_printf(out, "\n  %26s", "");
		text_printf(out, "  %s", rows[i].help);
		if (rows[i].fallback != NULL && rows[i].type != OPTION_FLAG)
			text_printf(out, " (default %s)", rows[i].fallback);
		text_char(out, '\n');
	}
	text_done(&left);
}
