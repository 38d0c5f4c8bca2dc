/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comparing catalogues: both sorted by what a file is known by, then walked side by side,
 * group by group.
 */
#include "catalog/diff.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* A catalogue's files in the order of comparison. */
struct side {
	const struct catalog *catalog;
	uint32_t *order;
	size_t n, from, to; /* the group at hand */
	bool *is_used;	    /* by place in order */
};

struct diff {
	struct side old, new;
	int (*change)(void *arg, const struct change *change, struct err *err);
	void *arg;
	struct err *err;
};

static const struct catalog_file *
file_at(const struct side *s, size_t at)
{
	return &catalog_files(s->catalog)[s->order[at]];
}

static int
compare_keys(const struct catalog *ca, const struct catalog_file *a,
	     const struct catalog *cb, const struct catalog_file *b)
{
	int by;

#define BY(id)                                                                           \
	if ((by = strcmp(catalog_text(ca, a->id), catalog_text(cb, b->id))) != 0)        \
		return by;
	BY(name)
	BY(arch)
	BY(suite)
	BY(encoding)
#undef BY
	return 0;
}

static int
compare_whole(const struct catalog *ca, const struct catalog_file *a,
	      const struct catalog *cb, const struct catalog_file *b)
{
	int by = strcmp(catalog_text(ca, a->version), catalog_text(cb, b->version));

	if (by != 0)
		return by;
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return strcmp(catalog_text(ca, a->path), catalog_text(cb, b->path));
}

static int
compare_files(const void *pa, const void *pb, void *arg)
{
	const struct catalog *c = arg;
	const struct catalog_file *a = &catalog_files(c)[*(const uint32_t *)pa];
	const struct catalog_file *b = &catalog_files(c)[*(const uint32_t *)pb];
	int by = compare_keys(c, a, c, b);

	if (by == 0)
		by = compare_whole(c, a, c, b);
	return by != 0 ? by : (a > b) - (a < b);
}

static void
side_init(struct side *s, const struct catalog *catalog)
{
	size_t i;

	*s = (struct side){.catalog = catalog, .n = catalog_count(catalog)};
	s->order = must(malloc((s->n + 1) * sizeof *s->order));
	s->is_used = must(calloc(s->n + 1, sizeof *s->is_used));
	for (i = 0; i < s->n; i++)
		s->order[i] = (uint32_t)i;
	/* compare_files only reads the catalogue */
	qsort_r(s->order, s->n, sizeof *s->order, compare_files,
		(void *)(uintptr_t)catalog);
}

static void
side_done(struct side *s)
{
	free(s->order);
	free(s->is_used);
}

static struct str
text_of(const struct catalog *catalog, uint32_t number)
{
	const char *s = catalog_text(catalog, number);

	return (struct str){s, (uint32_t)strlen(s)};
}

/* Either place may be SIZE_MAX: on the other side only. */
static int
tell(struct diff *d, const char *what, size_t old_at, size_t new_at)
{
	const struct side *s = new_at != SIZE_MAX ? &d->new : &d->old;
	const struct catalog_file *f = file_at(s, new_at != SIZE_MAX ? new_at : old_at);
	struct change c = {0};

	change_set(&c, change, ((struct str){what, (uint32_t)strlen(what)}));
	change_set(&c, name, text_of(s->catalog, f->name));
	if (f->arch != 0)
		change_set(&c, arch, text_of(s->catalog, f->arch));
	if (f->suite != 0)
		change_set(&c, suite, text_of(s->catalog, f->suite));
	if (old_at != SIZE_MAX) {
		d->old.is_used[old_at] = true;
		f = file_at(&d->old, old_at);
		if (f->version != 0)
			change_set(&c, old_version, text_of(d->old.catalog, f->version));
		change_set(&c, old_size, f->size);
		if (f->path != 0)
			change_set(&c, old_path, text_of(d->old.catalog, f->path));
	}
	if (new_at != SIZE_MAX) {
		d->new.is_used[new_at] = true;
		f = file_at(&d->new, new_at);
		if (f->version != 0)
			change_set(&c, version, text_of(d->new.catalog, f->version));
		change_set(&c, size, f->size);
		if (f->path != 0)
			change_set(&c, path, text_of(d->new.catalog, f->path));
	}
	return d->change(d->arg, &c, d->err);
}

/* Marks what is equal on both sides. */
static void
match_equal(struct diff *d)
{
	size_t a = d->old.from, b = d->new.from;
	int by;

	while (a < d->old.to && b < d->new.to) {
		by = compare_whole(d->old.catalog, file_at(&d->old, a), d->new.catalog,
				   file_at(&d->new, b));
		if (by == 0)
			d->old.is_used[a] = d->new.is_used[b] = true;
		a += by <= 0;
		b += by >= 0;
	}
}

static size_t
next_unused(const struct side *s, size_t at)
{
	while (at < s->to && s->is_used[at])
		at++;
	return at;
}

/* Of the unused, those of the same version are changed. */
static int
match_versions(struct diff *d)
{
	size_t a = next_unused(&d->old, d->old.from),
	    b = next_unused(&d->new, d->new.from);
	int by;

	while (a < d->old.to && b < d->new.to) {
		by = strcmp(catalog_text(d->old.catalog, file_at(&d->old, a)->version),
			    catalog_text(d->new.catalog, file_at(&d->new, b)->version));
		if (by == 0 && tell(d, "changed", a, b) != 0)
			return -1;
		a = next_unused(&d->old, a + (by < 0));
		b = next_unused(&d->new, b + (by > 0));
	}
	return 0;
}

static int
tell_rest(struct diff *d)
{
	size_t a = next_unused(&d->old, d->old.from),
	    b = next_unused(&d->new, d->new.from);
	bool is_pair = a < d->old.to && b < d->new.to &&
		       next_unused(&d->old, a + 1) == d->old.to &&
		       next_unused(&d->new, b + 1) == d->new.to;

	if (is_pair)
		return tell(d, "changed", a, b);
	for (; a < d->old.to; a = next_unused(&d->old, a)) {
		if (tell(d, "removed", a, SIZE_MAX) != 0)
			return -1;
	}
	for (; b < d->new.to; b = next_unused(&d->new, b)) {
		if (tell(d, "added", SIZE_MAX, b) != 0)
			return -1;
	}
	return 0;
}

/* Sets to behind the files that are known by the same as the one at from. */
static void
find_group(struct side *s)
{
	s->to = s->from;
	while (s->to < s->n && compare_keys(s->catalog, file_at(s, s->from), s->catalog,
					    file_at(s, s->to)) == 0)
		s->to++;
}

int
catalog_diff(const struct catalog *old, const struct catalog *new,
	     int (*change)(void *arg, const struct change *change, struct err *err),
	     void *arg, struct err *err)
{
	struct diff d = {.change = change, .arg = arg, .err = err};
	int by, ret = 0;

	side_init(&d.old, old);
	side_init(&d.new, new);
	while (ret == 0 && (d.old.from < d.old.n || d.new.from < d.new.n)) {
		by = d.old.from == d.old.n   ? 1
		     : d.new.from == d.new.n ? -1
					     : compare_keys(old, file_at(&d.old,
					     d.old.from), new, file_at(&d.new,
					     d.new.from));
		d.old.to = d.old.from;
		d.new.to = d.new.from;
		if (by <= 0)
			find_group(&d.old);
		if (by >= 0)
			find_group(&d.new);
		match_equal(&d);
		if ((ret = match_versions(&d)) == 0)
			ret = tell_rest(&d);
		d.old.from = d.old.to;
		d.new.from = d.new.to;
	}
	side_done(&d.old);
	side_done(&d.new);
	return ret;
}
