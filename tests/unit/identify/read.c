/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * identify/sequence_read: of the requests that apt sends in two parts where its ring of
 * 4096 octets ends, both parts are one request, whether marks show the first part or not.
 */
#include "identify/sequence_run.h"

#include "base/err.h"
#include "model/flow.h"
#include "model/mark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS = 4, MARKS = 8 };

struct rows {
	struct flow row[ROWS];
	uint64_t mark[ROWS][MARKS];
	uint32_t count;
};

/* A row of so many octets of requests, marked as given (ended by 0), and a response of
 * 10,000. */
static void
add_row(struct rows *r, uint64_t span, const uint32_t *marked)
{
	struct flow *row = &r->row[r->count], *last = r->count > 0 ? row - 1 : NULL;
	uint64_t offset = last != NULL ? last->offset + last->span : 0;
	uint64_t reverse_offset = r->count * UINT64_C(10000);
	uint32_t n = 0;

	for (; marked[n] != 0; n++)
		r->mark[r->count][n] = mark_pack(MARK_REQUEST, marked[n], reverse_offset);
	*row = (struct flow){0};
	flow_set(row, offset, offset);
	flow_set(row, span, span);
	flow_set(row, reverse_offset, reverse_offset);
	flow_set(row, reverse_span, 10000);
	if (n > 0)
		flow_set(row, marks, ((struct list){r->mark[r->count], n}));
	r->count++;
}

static void
expect_groups(const struct rows *r, const uint32_t *bytes, uint32_t count)
{
	struct sequence_config config;
	struct sequence_stats stats = {0};
	struct run run = {.config = &config, .stats = &stats};
	struct err err = {0};
	uint32_t i;

	sequence_config_init(&config);
	assert_int_equal(run_read(&run, r->row, r->count, &err), 0);
	assert_int_equal(run.group_count, count);
	for (i = 0; i < count; i++)
		assert_int_equal(run.groups[i].bytes, bytes[i]);
	run_done(&run);
}

/* 70 octets to the ring's end, 80 behind it. */
static void
joins_marked_parts(void **state)
{
	struct rows r = {0};

	add_row(&r, 150, (uint32_t[]){0});
	add_row(&r, 3876, (uint32_t[]){3876, 0});
	add_row(&r, 150, (uint32_t[]){70, 80, 0});
	add_row(&r, 140, (uint32_t[]){140, 0});
	expect_groups(&r, (uint32_t[]){150, 3876, 150, 140}, 4);
}

/* Less than what the meter marks is before the ring's end: in one row with the other
 * part, or at the end of the row before. */
static void
joins_parts_without_marks(void **state)
{
	struct rows r = {0};

	add_row(&r, 150, (uint32_t[]){0});
	add_row(&r, 3939, (uint32_t[]){3939, 0});
	add_row(&r, 291, (uint32_t[]){144, 140, 0});
	expect_groups(&r, (uint32_t[]){150, 3939, 151, 140}, 4);

	r = (struct rows){0};
	add_row(&r, 150, (uint32_t[]){0});
	add_row(&r, 3800, (uint32_t[]){3800, 0});
	add_row(&r, 146, (uint32_t[]){139, 0});
	add_row(&r, 284, (uint32_t[]){144, 140, 0});
	expect_groups(&r, (uint32_t[]){150, 3800, 139, 151, 140}, 5);
}

/* Elsewhere a part that is not marked belongs to the request before it. */
static void
leaves_others(void **state)
{
	struct rows r = {0};

	add_row(&r, 150, (uint32_t[]){0});
	add_row(&r, 3800, (uint32_t[]){3800, 0});
	add_row(&r, 147, (uint32_t[]){140, 0});
	add_row(&r, 284, (uint32_t[]){144, 140, 0});
	expect_groups(&r, (uint32_t[]){150, 3800, 147, 144, 140}, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(joins_marked_parts),
	    cmocka_unit_test(joins_parts_without_marks),
	    cmocka_unit_test(leaves_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
