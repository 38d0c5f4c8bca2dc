/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_STORE_SAMPLE_H
#define TESTS_STORE_SAMPLE_H

/* Rows of any schema, made from a number; and helpers for stores in WEIR_TMP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "model/batch.h"
#include "model/flow.h"
#include "model/sink.h"
#include "store/store.h"

union member {
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;
	uint8_t u8;
	double f64;
	struct addr addr;
	struct str text;
	struct list list;
};

/* A value of a field's type, the same for the same seed; extremes among them. */
static inline union member
sample_member(const struct field *field, uint64_t seed)
{
	static const char *const texts[] = {"", "a", "zwei", "\xe2\x82\xac",
					    "4:64:0:*:mss*20,7"};
	static const uint64_t extremes[] = {
	    0,         1,     127,      128,        255,
	    32768,     65535, 1u << 31, UINT32_MAX, (uint64_t)1 << 63,
	    UINT64_MAX};
	static uint64_t items[64];
	uint64_t h = mix64(seed, 77);
	uint64_t n = h % 3 == 0 ? extremes[h / 3 % 11] : h >> h % 64;
	union member m;

	memset(&m, 0, sizeof m);
	switch (types[field->type].storage) {
	case STORAGE_U8:
		m.u8 = (uint8_t)(field->type == TYPE_bool ? n & 1 : n);
		break;
	case STORAGE_U16:
		m.u16 = (uint16_t)n;
		break;
	case STORAGE_U32:
		m.u32 = (uint32_t)n;
		break;
	case STORAGE_U64:
	case STORAGE_I64:
		m.u64 = n;
		break;
	case STORAGE_F64:
		m.f64 = (double)n / 3;
		break;
	case STORAGE_ADDR:
		if (h % 4 == 0) {
			uint8_t v6[16];

			for (int i = 0; i < 16; i++)
				v6[i] = (uint8_t)(mix64(h, (uint64_t)i) & 0xff);
			m.addr = addr_v6(v6);
		} else {
			m.addr = addr_v4((uint32_t)n);
		}
		break;
	case STORAGE_TEXT:
		m.text.data = texts[h % 5];
		m.text.len = (uint32_t)strlen(texts[h % 5]);
		break;
	case STORAGE_LIST:
		m.list.count = (uint32_t)(h % 5);
		for (uint32_t i = 0; i < m.list.count; i++)
			items[i] = mix64(h, i);
		m.list.items = items;
		break;
	}
	return m;
}

static inline size_t
member_size(enum type_id type)
{
	switch (types[type].storage) {
	case STORAGE_ADDR:
		return sizeof(struct addr);
	case STORAGE_TEXT:
		return sizeof(struct str);
	case STORAGE_LIST:
		return sizeof(struct list);
	default:
		return storage_size(types[type].storage);
	}
}

/* True if row i of c is m, or null where m is NULL. */
static inline bool
row_equals(const struct column *c, size_t i, const union member *m)
{
	struct addr a;
	struct str t;
	struct list l;

	if (column_is_null(c, i) || m == NULL)
		return column_is_null(c, i) && m == NULL;
	switch (types[c->type].storage) {
	case STORAGE_U8:
		return column_u64(c, i) == m->u8;
	case STORAGE_U16:
		return column_u64(c, i) == m->u16;
	case STORAGE_U32:
		return column_u64(c, i) == m->u32;
	case STORAGE_U64:
	case STORAGE_I64:
		return column_u64(c, i) == m->u64;
	case STORAGE_F64:
		return column_f64(c, i) == m->f64;
	case STORAGE_ADDR:
		a = column_addr(c, i);
		return addr_compare(&a, &m->addr) == 0;
	case STORAGE_TEXT:
		t = column_text(c, i);
		return t.len == m->text.len && memcmp(t.data, m->text.data, t.len) == 0;
	case STORAGE_LIST:
		l = column_list(c, i);
		return l.count == m->list.count &&
		       (l.count == 0 || memcmp(l.items, m->list.items, l.count * 8) == 0);
	}
	return false;
}

/* ---- flows that carry a number ---- */

/* A flow of time t (seconds) whose bytes are id. */
static inline struct flow
sample_flow(uint64_t id, int64_t t_s)
{
	struct flow f;

	memset(&f, 0, sizeof f);
	flow_set(&f, start, t_s * 1000000);
	flow_set(&f, end, t_s * 1000000 + 500000);
	flow_set(&f, src, addr_v4((uint32_t)(0xc0000200 + id % 250)));
	flow_set(&f, dst, addr_v4(0xc6336401));
	flow_set(&f, proto, 6);
	flow_set(&f, bytes, id);
	flow_set(&f, packets, 1);
	return f;
}

/* Pushes flows first..first+n-1, all at t_s. 0 or -1. */
static inline int
push_flows(struct sink *sink, uint64_t first, size_t n, int64_t t_s, struct err *err)
{
	struct batch *b = batch_new(&flow_schema, n);
	int result;

	for (size_t i = 0; i < n; i++) {
		struct flow f = sample_flow(first + i, t_s);

		batch_append(b, &f);
	}
	result = sink_push(sink, b, err);
	batch_free(b);
	return result;
}

/* Counts how often each id < n occurs; returns all rows, -1 if the scan failed. */
static inline long
scan_ids(const char *dir, uint32_t *seen, size_t n, struct err *err)
{
	struct store_scan_config config = {.schema = &flow_schema};
	struct batch *b = batch_new(&flow_schema, BATCH_ROWS);
	struct store_scan *scan;
	long rows = 0;
	int more;

	if (seen != NULL)
		memset(seen, 0, n * sizeof *seen);
	if (store_scan_open(dir, &config, &scan, err) != 0) {
		batch_free(b);
		return -1;
	}
	while ((more = store_scan_next(scan, b, err)) > 0) {
		for (size_t i = 0; i < b->rows; i++) {
			uint64_t id = column_u64(&b->columns[FLOW_bytes], i);

			if (seen != NULL && id < n)
				seen[id]++;
		}
		rows += (long)b->rows;
	}
	store_scan_close(scan);
	batch_free(b);
	return more < 0 ? -1 : rows;
}

/* Fails unless each id < n was seen exactly once. */
static inline void
assert_each_once(const uint32_t *seen, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (seen[i] != 1)
			fail_msg("row %zu seen %u times", i, seen[i]);
}

static inline const char *
fresh_dir(const char *name)
{
	static char path[512];
	const char *tmp = getenv("WEIR_TMP");
	static unsigned count;

	snprintf(path, sizeof path, "%s/%s.%d.%u", tmp != NULL ? tmp : "/tmp", name,
		 (int)getpid(), count++);
	return path;
}

#define assert_ok(call)                                                                  \
	do {                                                                             \
		if ((call) != 0)                                                         \
			fail_msg("%s: %s", #call, err.text);                             \
	} while (0)

#endif
