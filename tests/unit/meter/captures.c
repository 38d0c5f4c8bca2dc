/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real captures against another meter's flows: octets and packets per five-tuple and
 * direction must be equal (timeouts differ, so rows need not be). Its files are CSV with
 * a line of types and names somewhere in them.
 */
#include "rig.h"

#include "packet/source.h"

struct total {
	char src[ADDR_TEXT], dst[ADDR_TEXT];
	long src_port, dst_port, proto;
	uint64_t packets, bytes;
};

struct totals {
	struct total rows[512];
	size_t n;
};

static void
total_add(struct totals *t, const struct total *one)
{
	size_t i = 0;

	while (i < t->n && (strcmp(t->rows[i].src, one->src) != 0 ||
	           strcmp(t->rows[i].dst, one->dst) != 0 ||
	           t->rows[i].src_port != one->src_port ||
	           t->rows[i].dst_port != one->dst_port ||
	           t->rows[i].proto != one->proto))
		i++;
	assert_true(i < 512);
	if (one->packets == 0)
		return;
	if (i == t->n) {
		t->rows[t->n++] = *one;
		return;
	}
	t->rows[i].packets += one->packets;
	t->rows[i].bytes += one->bytes;
}

/* Both directions of a row. */
static void
total_both(struct totals *t, struct total *one, uint64_t packets, uint64_t bytes)
{
	struct total back = *one;

	total_add(t, one);
	memcpy(back.src, one->dst, sizeof back.src);
	memcpy(back.dst, one->src, sizeof back.dst);
	back.src_port = one->dst_port;
	back.dst_port = one->src_port;
	back.packets = packets;
	back.bytes = bytes;
	total_add(t, &back);
}

enum { SRC, DST, SPORT, DPORT, PROTO, PACKETS, BYTES, REV_PACKETS, REV_BYTES, NAMES };
static const char *const names[NAMES] = {"SRC_IP", "DST_IP", "SRC_PORT", "DST_PORT",
    "PROTOCOL",
	"PACKETS", "BYTES", "PACKETS_REV", "BYTES_REV"};

static void
expected_read(FILE *file, struct totals *t)
{
	char line[8192], *cell, *save;
	int at[NAMES] = {0};

	for (int round = 0; round < 2; round++) {
		rewind(file);
		while (fgets(line, sizeof line, file) != NULL) {
			char *cells[64] = {0};
			struct total one = {0};
			int n = 0;

			/* Empty cells stand only behind those wanted here. */
			for (cell = strtok_r(line, ",\n", &save); cell != NULL && n < 64;
			     cell = strtok_r(NULL, ",\n", &save))
				cells[n++] = cell;
			if (strchr(cells[0], ' ') != NULL) {
				for (int i = 0; i < n; i++)
					for (int k = 0; k < NAMES; k++)
						if (strcmp(strchr(cells[i], ' ') + 1,
						    names[k]) == 0)
							at[k] = i;
				continue;
			}
			if (round == 0)
				continue;
			snprintf(one.src, sizeof one.src, "%s", cells[at[SRC]]);
			snprintf(one.dst, sizeof one.dst, "%s", cells[at[DST]]);
			one.src_port = atol(cells[at[SPORT]]);
			one.dst_port = atol(cells[at[DPORT]]);
			one.proto = atol(cells[at[PROTO]]);
			one.packets = strtoull(cells[at[PACKETS]], NULL, 10);
			one.bytes = strtoull(cells[at[BYTES]], NULL, 10);
			total_both(t, &one, strtoull(cells[at[REV_PACKETS]], NULL, 10),
			    strtoull(cells[at[REV_BYTES]], NULL, 10));
		}
	}
}

static void
capture_read(const char *path, struct totals *t)
{
	struct rig *r = rig_new();
	struct source *source;
	struct packet burst[SOURCE_BURST];
	int n;

	assert_int_equal(source_open(path, &source, &r->err), 0);
	while ((n = source_burst(source, burst, &r->err)) > 0) {
		for (int i = 0; i < n; i++) {
			r->packets++;
			r->bytes += burst[i].ip_bytes;
		}
		assert_int_equal(meter_packets(r->meter, burst, (size_t)n, &r->err), 0);
	}
	assert_int_equal(n, 0);
	source_close(source);
	rig_done(r);
	for (size_t i = 0; i < r->n; i++) {
		const struct flow *f = &r->rows[i];
		struct total one = {.src_port = flow_or(f, src_port, 0),
			.dst_port = flow_or(f, dst_port, 0), .proto = f->proto,
			.packets = f->packets, .bytes = f->bytes};

		addr_print(&f->src, one.src);
		addr_print(&f->dst, one.dst);
		total_both(t, &one, flow_or(f, reverse_packets, 0),
		    flow_or(f, reverse_bytes, 0));
	}
	rig_free(r);
}

static void
compare(const char *capture, const char *expected)
{
	static struct totals ours, theirs;
	const char *root = getenv("WEIR_ROOT");
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/../shared/captures/meter/expected/%s",
	    root == NULL ? "." : root, expected);
	if ((file = fopen(path, "r")) == NULL) {
		print_message("skipped: no %s\n", path);
		skip();
		return;
	}
	ours.n = theirs.n = 0;
	expected_read(file, &theirs);
	fclose(file);
	snprintf(path, sizeof path, "%s/../shared/captures/meter/%s",
	    root == NULL ? "." : root, capture);
	capture_read(path, &ours);
	assert_true(theirs.n > 0);
	for (size_t i = 0; i < theirs.n; i++) {
		size_t before = ours.n;
		struct total one = theirs.rows[i];

		one.packets = (uint64_t)0 - one.packets;
		one.bytes = (uint64_t)0 - one.bytes;
		total_add(&ours, &one);
		assert_int_equal(ours.n, before); /* we have it too */
	}
	for (size_t i = 0; i < ours.n; i++)
		if (ours.rows[i].proto == 6 || strcmp(expected, "tls") != 0) {
			assert_int_equal(ours.rows[i].packets, 0);
			assert_int_equal(ours.rows[i].bytes, 0);
		}
}

static void
test_dns(void **state)
{
	compare("dns.pcap", "dns");
}

static void
test_http(void **state)
{
	compare("http.pcap", "http");
	compare("http.pcap", "basicplus");
}

static void
test_tls(void **state)
{
	compare("tls.pcap", "tls"); /* which leaves out what is not TLS over TCP */
}

static void
test_vlan(void **state)
{
	compare("vlan.pcap", "vlan");
}

static void
test_mixed(void **state)
{
	compare("mixed.pcap", "basic");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_mixed),
	};

	return cmocka_run_group_tests_name("meter/captures", tests, NULL, NULL);
}
