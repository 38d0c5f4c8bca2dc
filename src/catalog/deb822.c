/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deb822 paragraphs: "Field: value" lines, continued by lines that start with a blank, an
 * empty line between paragraphs.
 */
#include "catalog/deb822.h"

#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

static const char SIGNED[] = "-----BEGIN PGP SIGNED MESSAGE-----";
static const char SIGNATURE[] = "-----BEGIN PGP SIGNATURE-----";

void
deb822_init(struct deb822 *d, struct unpack *in, const char *const *names, size_t count)
{
	size_t i;

	assert(count <= DEB822_FIELDS_MAX);
	*d = (struct deb822){.in = in, .names = names, .count = count, .folding = -1};
	for (i = 0; i < count; i++)
		text_init(&d->values[i]);
}

void
deb822_done(struct deb822 *d)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		text_done(&d->values[i]);
}

static int
wrong(const struct deb822 *d, struct err *err, const char *why)
{
	return err_set(err, EINVAL, "%s: line %llu (paragraph %llu%s%.200s): %s",
		       unpack_label(d->in), (unsigned long long)unpack_line_number(d->in),
		       (unsigned long long)d->number,
		       d->values[0].len > 0 ? ", package " : "", d->values[0].data, why);
}

static void
trim(const char **s, size_t *n)
{
	while (*n > 0 && (**s == ' ' || **s == '\t'))
		(*s)++, (*n)--;
	while (*n > 0 && ((*s)[*n - 1] == ' ' || (*s)[*n - 1] == '\t'))
		(*n)--;
}

static int
fold_line(struct deb822 *d, const char *line, size_t len, struct err *err)
{
	struct text *value;

	if (!d->is_open)
		return wrong(d, err, "a continuation line with no field before it");
	if (d->folding < 0)
		return 0;
	value = &d->values[d->folding];
	trim(&line, &len);
	if (value->len > 0)
		text_char(value, '\n');
	text_bytes(value, line, len);
	return 0;
}

static int
take_line(struct deb822 *d, const char *line, size_t len, struct err *err)
{
	const char *colon, *value;
	size_t i, name_len, n;

	if (line[0] == ' ' || line[0] == '\t')
		return fold_line(d, line, len, err);
	colon = memchr(line, ':', len);
	if (colon == NULL || colon == line)
		return wrong(d, err, "no 'Field: value' line: is this a Packages index?");
	name_len = (size_t)(colon - line);
	d->is_open = true;
	d->folding = -1;
	for (i = 0; i < d->count; i++) {
		if (strlen(d->names[i]) != name_len ||
		    strncasecmp(d->names[i], line, name_len) != 0)
			continue;
		if (d->values[i].len > 0)
			return wrong(d, err, "a field that stands there twice");
		d->folding = (int)i;
		value = colon + 1;
		n = len - name_len - 1;
		trim(&value, &n);
		text_bytes(&d->values[i], value, n);
	}
	return 0;
}

static bool
is_line(const char *line, size_t len, const char *wanted)
{
	return len == strlen(wanted) && memcmp(line, wanted, len) == 0;
}

/* Over the armour's own headers to the empty line behind them. */
static int
skip_armour(struct deb822 *d, struct err *err)
{
	const char *line;
	size_t len;
	int more;

	while ((more = unpack_line(d->in, &line, &len, err)) > 0 && len > 0)
		;
	return more;
}

int
deb822_next(struct deb822 *d, struct err *err)
{
	const char *line;
	size_t len, i;
	int more;

	for (i = 0; i < d->count; i++)
		text_clear(&d->values[i]);
	d->is_open = false;
	d->folding = -1;
	if (d->is_ended)
		return 0;
	while ((more = unpack_line(d->in, &line, &len, err)) > 0) {
		if (len == 0 && d->is_open)
			return 1;
		if (len == 0)
			continue;
		if (is_line(line, len, SIGNATURE)) {
			d->is_ended = true;
			break;
		}
		if (!d->is_open && d->number == 0 && is_line(line, len, SIGNED)) {
			if ((more = skip_armour(d, err)) <= 0)
				return more;
			continue;
		}
		if (!d->is_open) {
			d->number++;
			d->line = unpack_line_number(d->in);
		}
		if (take_line(d, line, len, err) < 0)
			return -1;
	}
	return more < 0 ? -1 : d->is_open;
}
