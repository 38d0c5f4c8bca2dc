/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter language: what holds for which rows, what is refused and where, and a
 * property: random filters over random batches agree with an evaluator that takes a row
 * at a time.
 */
#include "filter/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"
#include "model/batch.h"
#include "model/finding.h"
#include "model/flow.h"

static const uint8_t doc6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

/* Row 0: HTTPS over IPv4. Row 1: DNS over IPv6. Row 2: ICMP, reverse counters null. */
static struct batch *
three_flows(void)
{
	struct batch *b = batch_new(&flow_schema, 8);
	struct flow f = {0};

	flow_set(&f, start, 1795428000000000); /* 2026-11-23T10:00:00Z */
	flow_set(&f, end, 1795428005000000);
	flow_set(&f, src, addr_v4(0xc0000201));
	flow_set(&f, dst, addr_v4(0x0a010203));
	flow_set(&f, src_port, 50000);
	flow_set(&f, dst_port, 443);
	flow_set(&f, proto, 6);
	flow_set(&f, bytes, 2000000);
	flow_set(&f, packets, 20);
	flow_set(&f, reverse_bytes, 99);
	flow_set(&f, tcp_flags, 0x1b);
	flow_set(&f, extra, ((struct str){"{\"a b\":1}", 9}));
	flow_set(&f, coalesced, 1);
	batch_append(b, &f);
	memset(&f, 0, sizeof f);
	flow_set(&f, start, 1795428060000000);
	flow_set(&f, end, 1795428060250000);
	flow_set(&f, src, addr_v6(doc6));
	flow_set(&f, dst, addr_v6(doc6));
	flow_set(&f, src_port, 53);
	flow_set(&f, dst_port, 40000);
	flow_set(&f, proto, 17);
	flow_set(&f, bytes, 1024);
	flow_set(&f, packets, 2);
	flow_set(&f, reverse_bytes, 0);
	flow_set(&f, coalesced, 0);
	flow_set(&f, biflow_direction, DIRECTION_port);
	batch_append(b, &f);
	memset(&f, 0, sizeof f);
	flow_set(&f, start, 1795431600000000);
	flow_set(&f, end, 1795431600000000);
	flow_set(&f, src, addr_v4(0x0a020304));
	flow_set(&f, dst, addr_v4(0x0a010203));
	flow_set(&f, proto, 1);
	flow_set(&f, bytes, UINT64_MAX);
	flow_set(&f, packets, 1);
	batch_append(b, &f);
	return b;
}

static const struct {
	const char *text;
	uint64_t rows; /* that pass, as bits */
} holds[] = {
    {"", 7},
    {"  ", 7},
    {"any", 7},
    {"not any", 0},
    {"any and proto tcp", 1},
    {"proto tcp", 1},
    {"proto = 17", 2},
    {"proto TCP or proto icmp", 5},
    {"proto in [tcp, udp]", 3},
    {"proto not in [tcp,udp]", 4},
    {"proto [tcp]", 1},
    {"port 443", 1},
    {"port 53", 2},
    {"src port 53", 2},
    {"dst port 53", 0},
    {"port in [80,443]", 1},
    {"port != 443", 2},
    {"not port 443", 6},
    {"port is null", 4},
    {"port is not null", 3},
    {"port >= 40k", 3},
    {"src_port == 50000", 1},
    {"src 192.0.2.1", 1},
    {"src net 192.0.2/24", 1},
    {"dst net 10/8", 5},
    {"net 10/8", 5},
    {"src net 10.2.0.0/16", 4},
    {"net 0/0", 5},
    {"net ::/0", 2},
    {"net 2001:db8::/32", 2},
    {"host 2001:db8::1", 2},
    {"ip 192.0.2.1", 1},
    {"src = 10/8", 4},
    {"src != 10/8", 3},
    {"src in [10/8, 2001:db8::1]", 6},
    {"src > 192.0.2.0", 3},
    {"src < 2001:db8::1", 5},
    {"src <= 2001:db8::1", 7},
    {"src >= 2001:db8::1", 2},
    {"src < 0.0.0.0", 0},
    {"net 10.1.2.3/32", 5},
    {"net 10.1.2.99/24", 5},
    {"net 2001:db8::1/128", 2},
    {"bytes > 1M", 5},
    {"bytes = 1Ki", 2},
    {"bytes == 2M", 1},
    {"bytes >= 1.5M", 5},
    {"bytes = 18446744073709551615", 4},
    {"bytes > 18446744073709551615", 0},
    {"bytes < 0", 0},
    {"bytes gt 1024 and bytes lt 1G", 1},
    {"bytes != 1024", 5},
    {"bytes le 1024", 2},
    {"bytes ne 1024", 5},
    {"bytes ge 2M", 5},
    {"reverse_bytes = 0", 2},
    {"reverse_bytes != 0", 1},
    {"not reverse_bytes = 0", 5},
    {"reverse_bytes is null", 4},
    {"reverse_bytes is not null", 3},
    {"vlan is null", 7},
    {"vlan = 1", 0},
    {"not vlan = 1", 7},
    {"vlan is not null", 0},
    {"start >= 2026-11-23T10:01", 6},
    {"start = 1795428000", 1},
    {"start < \"2026-11-23 10:01:00\"", 1},
    {"duration >= 5", 1},
    {"duration = 5s", 1},
    {"duration < 1s and duration > 0", 2},
    {"duration = 250ms", 2},
    {"duration < 1m", 7},
    {"duration > -1h", 7},
    {"duration = 0.25", 2},
    {"flags S", 1},
    {"flags SA", 1},
    {"flags R", 0},
    {"tcp_flags ~ F", 1},
    {"tcp_flags = SAPF", 1},
    {"tcp_flags = S", 0},
    {"tcp_flags !~ R", 1},
    {"flags != S", 1},
    {"extra ~ 'a b'", 1},
    {"extra = \"{\\\"a b\\\":1}\"", 1},
    {"extra ~ zzz", 0},
    {"extra !~ zzz", 1},
    {"not extra ~ zzz", 7},
    {"extra < zzz", 0},
    {"extra > A", 1},
    {"extra in [x, '{\"a b\":1}']", 1},
    {"extra is null", 6},
    {"coalesced", 1},
    {"not coalesced", 6},
    {"coalesced = 0", 2},
    {"coalesced and port 443", 1},
    {"biflow_direction = port", 2},
    {"biflow_direction port", 2},
    {"marks is null", 7},
    {"not (proto tcp or proto udp)", 4},
    {"!(proto tcp) && !(proto udp)", 4},
    {"proto tcp || proto udp and port 443", 1},
    {"(proto tcp or proto udp) and port 53", 2},
    {"not not proto tcp", 1},
    {"src\tport\n53", 2},
};

static void
test_holds(void **state)
{
	struct batch *b = three_flows();
	struct err err = {0};
	uint64_t alive[1];
	size_t i, n;

	for (i = 0; i < sizeof holds / sizeof holds[0]; i++) {
		struct filter *f = filter_parse(&flow_schema, holds[i].text, &err);

		if (f == NULL)
			fail_msg("%s: %s", holds[i].text, err.text);
		n = filter_select(f, b, alive);
		if (alive[0] != holds[i].rows ||
		    n != (size_t)__builtin_popcountll(holds[i].rows))
			fail_msg("%s: rows %lx, not %lx", holds[i].text, alive[0],
				 holds[i].rows);
		filter_free(f);
	}
	batch_free(b);
}

static const struct {
	const char *text;
	const char *words; /* in the message */
	int caret;         /* column of the mistake */
} wrongs[] = {
    {"byts > 1", "did you mean 'bytes'", 0},
    {"proto tcp and tcp", "write 'proto tcp'", 14},
    {"zzzzzzzz = 1", "--help", 0},
    {"bytes >", "ends where a value", 7},
    {"bytes", "ends where an operator", 5},
    {"bytes > and", "does not fit bytes", 8},
    {"bytes > 1X", "up to 2^64", 8},
    {"bytes > -1", "does not fit", 8},
    {"bytes > 1e3", "does not fit", 8},
    {"bytes > 99999999999999999999", "not fit", 8},
    {"bytes = 1.0001k", "does not fit", 8},
    {"bytes = .", "does not fit", 8},
    {"src_port 65536", "up to 65535", 9},
    {"proto 256", "protocol", 6},
    {"src 10.1.2", "no address", 4},
    {"src 10/33", "longer than /32", 4},
    {"src 2001:db8::/129", "longer than /128", 4},
    {"src < 10/8", "prefix", 6},
    {"src x/8", "no prefix", 4},
    {"src /8", "no prefix", 4},
    {"start > tomorrow", "2026-11-23T10:05:00Z", 8},
    {"duration > 1y", "no duration", 11},
    {"(proto tcp", "or ')'", 10},
    {"proto tcp)", "'and' or 'or'", 9},
    {"proto tcp port 80", "'and' or 'or'", 10},
    {"port in 80", "list such as", 8},
    {"port in [80", "',' or ']'", 11},
    {"port in [80 443]", "',' or ']'", 12},
    {"port in []", "a value", 9},
    {"extra = \"x", "no end", 8},
    {"extra = 'x", "no end", 8},
    {"bytes ~ 1", "'~' does not work on bytes", 6},
    {"coalesced > 0", "does not work", 10},
    {"marks = 1", "does not work", 6},
    {"marks 1", "operator", 6},
    {"= 1", "field", 0},
    {"flags Z", "CEUAPRSF", 6},
    {"bytes > 1 and", "ends where", 13},
    {"\x01", "control", 0},
    {"coalesced = 2", "0 or 1", 12},
    {"not", "ends where", 3},
    {"proto", "ends", 5},
};

static void
test_wrongs(void **state)
{
	char caret[128];
	size_t i;

	for (i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
		struct err err = {0};

		if (filter_parse(&flow_schema, wrongs[i].text, &err) != NULL)
			fail_msg("%s: is a filter", wrongs[i].text);
		snprintf(caret, sizeof caret, "\n  %*s^", wrongs[i].caret, "");
		if (strstr(err.text, wrongs[i].words) == NULL ||
		    strcmp(strrchr(err.text, '\n'), caret) != 0)
			fail_msg("%s: %s", wrongs[i].text, err.text);
	}
}

static void
refuse(struct text *t, const char *words)
{
	struct err err = {0};

	assert_null(filter_parse(&flow_schema, t->data, &err));
	if (strstr(err.text, words) == NULL)
		fail_msg("%s", err.text);
	text_clear(t);
}

static void
test_limits(void **state)
{
	struct text t;
	unsigned i;

	text_init(&t);
	for (i = 0; i < FILTER_DEPTH_MAX + 1; i++)
		text_char(&t, i % 2 ? '(' : '!');
	refuse(&t, "deep");
	for (i = 0; i <= FILTER_TESTS_MAX; i++)
		text_str(&t, i == 0 ? "vlan 1" : " or vlan 1");
	refuse(&t, "comparisons");
	text_str(&t, "vlan in [1");
	for (i = 0; i < FILTER_VALUES_MAX; i++)
		text_str(&t, ",1");
	text_char(&t, ']');
	refuse(&t, "values");
	for (i = 0; i <= FILTER_TEXT_MAX; i++)
		text_char(&t, ' ');
	refuse(&t, "longer");
	for (i = 0; i < 2000; i++)
		text_char(&t, 'x');
	refuse(&t, "^");
	text_done(&t);
}

static void
test_fields(void **state)
{
	uint64_t fields[SCHEMA_FIELDS_MAX / 64] = {0};
	struct filter *f =
	    filter_parse(&flow_schema, "duration > 1 and (port 53 or any)", NULL);
	unsigned i, n = 0;

	assert_non_null(f);
	assert_false(filter_is_any(f));
	filter_fields(f, fields);
	for (i = 0; i < SCHEMA_FIELDS_MAX; i++)
		n += row_has(fields, i);
	assert_int_equal(n, 4);
	assert_true(row_has(fields, FLOW_start) && row_has(fields, FLOW_end));
	assert_true(row_has(fields, FLOW_src_port) && row_has(fields, FLOW_dst_port));
	filter_free(f);
	f = filter_parse(&flow_schema, "any", NULL);
	assert_true(filter_is_any(f));
	filter_free(f);
}

/* Sugar and kernels follow the schema: here there are client and server, f64 and enums.
 */
static void
test_findings(void **state)
{
	struct batch *b = batch_new(&finding_schema, 4);
	struct finding row = {0};
	struct filter *f;
	uint64_t alive[1];

	finding_set(&row, client, addr_v4(0x0a000001));
	finding_set(&row, server, addr_v4(0xc0000201));
	finding_set(&row, server_port, 80);
	finding_set(&row, probability, 0.99);
	finding_set(&row, kind, KIND_whole);
	finding_set(&row, name, ((struct str){"libc6", 5}));
	batch_append(b, &row);
	f = filter_parse(
	    &finding_schema,
	    "net 10/8 and port 80 and probability >= 0.99 and "
	    "probability < 1 and probability > 0.5 and kind whole and name libc6",
	    NULL);
	assert_non_null(f);
	assert_int_equal(filter_select(f, b, alive), 1);
	filter_free(f);
	batch_free(b);
}

static void
test_help(void **state)
{
	struct text t;

	text_init(&t);
	filter_help(&t, &flow_schema);
	assert_non_null(strstr(t.data, "is not null"));
	assert_non_null(strstr(t.data, "src_port or dst_port"));
	assert_non_null(strstr(t.data, "bytes_scaled"));
	text_done(&t);
}

/* The property: a random tree, its text, and what it means said the slow way. */

static uint64_t seed;

static uint32_t
dice(uint32_t sides)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % sides;
}

enum { TREE_NODES = 64, TEXTS = 6, PROPERTY_ROWS = 200 };

static const char *const texts[TEXTS] = {"", "a", "ab", "b a", "zz\"", "c\\d"};
static const char *const signs[6] = {"=", "!=", "<", "<=", ">", ">="};

struct tree {
	enum { LEAF, NOT, AND, OR } kind;
	struct tree *a, *b;
	unsigned field;
	enum { COMPARE, IN, HAS, PREFIX, IS_NULL } form;
	bool is_negated;
	unsigned sign;      /* of COMPARE */
	uint64_t values[3]; /* numbers, or indices into texts */
	unsigned count;
	struct addr addr;
	unsigned bits;
};

static struct tree trees[TREE_NODES];
static unsigned tree_count;

static struct addr
some_addr(void)
{
	uint8_t bytes[16] = {0x20,
			     0x01, [14] = (uint8_t)dice(4), [15] = (uint8_t)dice(4)};

	return dice(3) == 0 ? addr_v6(bytes)
			    : addr_v4(0x0a000000 + dice(4) * 256 + dice(4));
}

/* Fields with few values, so that comparisons often meet. */
static const unsigned fields[] = {
    FLOW_bytes,    FLOW_reverse_bytes, FLOW_src_port,    FLOW_tos,       FLOW_src,
    FLOW_next_hop, FLOW_extra,         FLOW_fingerprint, FLOW_tcp_flags, FLOW_duration,
    FLOW_vlan,     FLOW_domain,        FLOW_coalesced};
enum { FIELDS = sizeof fields / sizeof fields[0] };

static struct tree *
some_tree(unsigned depth)
{
	struct tree *t = &trees[tree_count++];
	const struct type *type;
	unsigned i;

	*t = (struct tree){.kind = depth == 0 ? LEAF : dice(4), .is_negated = dice(2)};
	if (t->kind != LEAF)
		t->a = some_tree(depth - 1);
	if (t->kind == AND || t->kind == OR)
		t->b = some_tree(depth - 1);
	t->field = fields[dice(FIELDS)];
	type = &types[flow_schema.fields[t->field].type];
	t->form = dice(5) == 0 ? IS_NULL : dice(3) == 0 ? IN : COMPARE;
	if (type->storage == STORAGE_ADDR && t->form == IN)
		t->form = PREFIX;
	if ((type->storage == STORAGE_TEXT || type == &types[TYPE_tcp_flags]) &&
	    dice(3) == 0)
		t->form = HAS;
	t->sign = dice(type->is_ordered ? 6 : 2);
	t->count = t->form == IN ? 1 + dice(3) : 1;
	for (i = 0; i < t->count; i++)
		t->values[i] = type == &types[TYPE_bool] ? dice(2) : dice(TEXTS);
	t->addr = some_addr();
	t->bits = dice(t->addr.is_v6 ? 129 : 33);
	return t;
}

static void
write_value(struct text *out, const struct tree *t, unsigned i)
{
	enum storage storage = types[flow_schema.fields[t->field].type].storage;
	const char *s = texts[t->values[i]];
	char addr[ADDR_TEXT];

	if (storage == STORAGE_ADDR) {
		addr_print(&t->addr, addr);
		text_str(out, addr);
	} else if (storage == STORAGE_TEXT) {
		text_char(out, '"');
		for (; *s != '\0'; s++) {
			if (*s == '"' || *s == '\\')
				text_char(out, '\\');
			text_char(out, *s);
		}
		text_char(out, '"');
	} else {
		text_u64(out, t->values[i]);
	}
}

static void
write_leaf(struct text *out, const struct tree *t)
{
	unsigned i;

	text_str(out, flow_schema.fields[t->field].id);
	switch (t->form) {
	case COMPARE:
		text_printf(out, " %s ", signs[t->sign]);
		write_value(out, t, 0);
		break;
	case IN:
		text_str(out, t->is_negated ? " not in [" : " in [");
		for (i = 0; i < t->count; i++) {
			text_str(out, i == 0 ? "" : ", ");
			write_value(out, t, i);
		}
		text_char(out, ']');
		break;
	case HAS:
		text_str(out, t->is_negated ? " !~ " : " ~ ");
		write_value(out, t, 0);
		break;
	case PREFIX:
		text_str(out, t->is_negated ? " != " : " = ");
		write_value(out, t, 0);
		text_printf(out, "/%u", t->bits);
		break;
	case IS_NULL:
		text_str(out, t->is_negated ? " is not null" : " is null");
		break;
	}
}

static void
write_tree(struct text *out, const struct tree *t)
{
	text_char(out, '(');
	if (t->kind == NOT)
		text_str(out, dice(2) ? "not " : "!");
	if (t->kind == LEAF)
		write_leaf(out, t);
	else
		write_tree(out, t->a);
	if (t->b != NULL) {
		text_str(out, t->kind == AND ? " and " : " or ");
		write_tree(out, t->b);
	}
	text_char(out, ')');
}

static bool
says(unsigned sign, int order)
{
	const bool answers[6] = {order == 0, order != 0, order<0, order <= 0, order> 0,
				 order >= 0};

	return answers[sign];
}

static bool
in_prefix(struct addr a, struct addr net, unsigned bits)
{
	unsigned i;

	if (a.is_v6 != net.is_v6)
		return false;
	for (i = 0; i < bits; i++) {
		if (a.is_v6 ? (a.v6[i / 8] ^ net.v6[i / 8]) >> (7 - i % 8) & 1
			    : (a.v4 ^ net.v4) >> (31 - i) & 1)
			return false;
	}
	return true;
}

static int
order_of(const struct tree *t, const struct column *c, size_t row, unsigned value)
{
	const struct type *type = &types[c->type];
	struct addr a;
	struct str s;
	const char *other = texts[t->values[value]];
	int order;

	if (type->storage == STORAGE_ADDR) {
		a = column_addr(c, row);
		return addr_compare(&a, &t->addr);
	}
	if (type->storage == STORAGE_TEXT) {
		s = column_text(c, row);
		order = strncmp(s.data, other, s.len);
		return order != 0 ? order : (int)s.len - (int)strlen(other);
	}
	if (type->storage == STORAGE_I64) {
		int64_t v = (int64_t)column_u64(c, row),
			w = (int64_t)t->values[value] * 1000000;

		return v < w ? -1 : v > w;
	}
	return column_u64(c, row) < t->values[value]
		   ? -1
		   : column_u64(c, row) > t->values[value];
}

static bool
leaf_holds(const struct tree *t, const struct batch *b, size_t row)
{
	const struct column *c = &b->columns[t->field];
	bool is_null = column_is_null(c, row), is_found = false;
	char text[16] = "";
	struct str s;
	unsigned i;

	if (t->form == IS_NULL || is_null)
		return t->form == IS_NULL && is_null != t->is_negated;
	switch (t->form) {
	case COMPARE:
		return says(t->sign, order_of(t, c, row, 0));
	case PREFIX:
		return in_prefix(column_addr(c, row), t->addr, t->bits) != t->is_negated;
	case HAS:
		if (types[c->type].storage == STORAGE_TEXT) {
			s = column_text(c, row);
			memcpy(text, s.data, s.len);
			is_found = strstr(text, texts[t->values[0]]) != NULL;
		} else {
			is_found = (t->values[0] & ~column_u64(c, row)) == 0;
		}
		return is_found != t->is_negated;
	default:
		for (i = 0; i < t->count; i++)
			is_found = is_found || order_of(t, c, row, i) == 0;
		return is_found != t->is_negated;
	}
}

static bool
tree_holds(const struct tree *t, const struct batch *b, size_t row)
{
	switch (t->kind) {
	case LEAF:
		return leaf_holds(t, b, row);
	case NOT:
		return !tree_holds(t->a, b, row);
	case AND:
		return tree_holds(t->a, b, row) && tree_holds(t->b, b, row);
	default:
		return tree_holds(t->a, b, row) || tree_holds(t->b, b, row);
	}
}

static struct str
some_text(void)
{
	const char *s = texts[dice(TEXTS)];

	return (struct str){s, (uint32_t)strlen(s)};
}

static void
fill(struct batch *b)
{
	bool has_mac = dice(2), has_v6 = dice(2);
	size_t rows = dice(PROPERTY_ROWS + 1);

	while (b->rows < rows) {
		struct flow f = {0};

		flow_set(&f, start, 1000000);
		flow_set(&f, end, dice(8) * 1000000);
		flow_set(&f, bytes, dice(TEXTS));
		flow_set(&f, src,
			 has_v6 ? some_addr() : addr_v4(0x0a000000 + dice(1024)));
		if (dice(2))
			flow_set(&f, reverse_bytes, dice(TEXTS));
		if (dice(3))
			flow_set(&f, src_port, (uint16_t)dice(TEXTS));
		if (dice(2))
			flow_set(&f, tos, (uint8_t)dice(TEXTS));
		if (dice(2))
			flow_set(&f, next_hop, some_addr());
		if (dice(3))
			flow_set(&f, extra, some_text());
		if (dice(3))
			flow_set(&f, tcp_flags, (uint16_t)dice(8));
		if (has_mac)
			flow_set(&f, coalesced, (uint8_t)dice(2));
		batch_append(b, &f);
	}
	if (dice(2))
		batch_constant(b, FLOW_domain, &(uint32_t){dice(TEXTS)});
	if (dice(2)) {
		struct str s = some_text();

		batch_constant(b, FLOW_fingerprint, &s);
	}
}

static void
agree(struct batch *b)
{
	uint64_t alive[(PROPERTY_ROWS + 63) / 64 + 1], start_seed = seed;
	struct tree *tree;
	struct filter *f;
	struct text text;
	struct err err = {0};
	size_t row, n = 0;

	text_init(&text);
	tree_count = 0;
	tree = some_tree(4);
	write_tree(&text, tree);
	if ((f = filter_parse(&flow_schema, text.data, &err)) == NULL)
		fail_msg("seed %lu: %s: %s", start_seed, text.data, err.text);
	n = filter_select(f, b, alive);
	batch_derive(b, FLOW_duration);
	for (row = 0; row < b->rows; row++) {
		if (tree_holds(tree, b, row) != (alive[row / 64] >> row % 64 & 1))
			fail_msg("seed %lu: row %zu: %s", start_seed, row, text.data);
		n -= alive[row / 64] >> row % 64 & 1;
	}
	assert_int_equal(n, 0);
	filter_free(f);
	text_done(&text);
}

static void
test_agrees_with_slow_twin(void **state)
{
	struct batch *b = batch_new(&flow_schema, PROPERTY_ROWS);
	unsigned i, j;

	seed = 20261123;
	for (i = 0; i < 60; i++) {
		batch_clear(b);
		fill(b);
		for (j = 0; j < 50; j++)
			agree(b);
	}
	batch_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_holds),
	    cmocka_unit_test(test_wrongs),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_findings),
	    cmocka_unit_test(test_help),
	    cmocka_unit_test(test_agrees_with_slow_twin),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
