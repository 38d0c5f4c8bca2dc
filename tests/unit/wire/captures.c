/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagrams of real exporters against what another decoder read from them: the number of
 * records, and for each flow listed its addresses, ports, octets and packets. Needs the
 * captures beside the project; skipped without them.
 */
#include "rig.h"

#include <dirent.h>

enum { FILE_MAX = 1 << 20 };

static size_t
read_file(const char *folder, const char *name, char *out)
{
	char path[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	if ((f = fopen(path, "rb")) == NULL)
		fail_msg("%s is missing", path);
	n = fread(out, 1, FILE_MAX - 1, f);
	fclose(f);
	out[n] = '\0';
	return n;
}

/* The text behind "key": within s, or NULL; only before end. */
static const char *
find_key(const char *s, const char *end, const char *key)
{
	char quoted[80];
	const char *at;

	snprintf(quoted, sizeof quoted, "\"%s\":", key);
	at = strstr(s, quoted);
	if (at == NULL || at >= end)
		return NULL;
	at += strlen(quoted);
	return at + strspn(at, " \"");
}

static const char *
find_either(const char *s, const char *end, const char *ipfix, const char *v9)
{
	const char *at = find_key(s, end, ipfix);

	return at != NULL ? at : find_key(s, end, v9);
}

static bool
matches(const struct batch *out, size_t row, unsigned field, const char *text)
{
	const struct column *c = &out->columns[field];
	struct addr a;

	if (text == NULL)
		return true;
	if (types[c->type].storage == STORAGE_ADDR) {
		a = column_addr(c, row);
		return a.is_v6 || (addr_parse(text, strcspn(text, "\""), &a) &&
		    memcmp(&a, &(struct addr){.v4 = column_addr(c, row).v4},
		    sizeof a) == 0);
	}
	if (c->form == COLUMN_ABSENT || column_is_null(c, row))
		return field == FLOW_src_port || field == FLOW_dst_port ||
		    strtoull(text, NULL, 10) == 0;
	return column_u64(c, row) == strtoull(text, NULL, 10);
}

static void
check_event(const char *name, const struct batch *out, const char *s, const char *end)
{
	const char *src = find_either(s, end, "sourceIPv4Address", "ipv4_src_addr");
	const char *bytes = find_either(s, end, "octetDeltaCount", "in_bytes");
	size_t row;

	if (src == NULL || bytes == NULL)
		return; /* options, or a flow without these */
	if (find_key(s, end, "out_bytes") != NULL && atoi(bytes) == 0)
		bytes = find_key(s, end, "out_bytes");
	for (row = 0; row < out->rows; row++) {
		if (matches(out, row, FLOW_src, src) && matches(out, row, FLOW_bytes,
		    bytes) && matches(out, row, FLOW_dst,
		    find_either(s, end, "destinationIPv4Address", "ipv4_dst_addr")) &&
		    matches(out, row, FLOW_src_port,
		    find_either(s, end, "sourceTransportPort", "l4_src_port")) &&
		    matches(out, row, FLOW_dst_port,
		    find_either(s, end, "destinationTransportPort", "l4_dst_port")) &&
		    matches(out, row, FLOW_ingress,
		    find_either(s, end, "ingressInterface", "input_snmp")) &&
		    matches(out, row, FLOW_proto,
		    find_either(s, end, "protocolIdentifier", "protocol")))
			return;
	}
	fail_msg("%s: no row for %.300s", name, s);
}

static void
check_case(const char *folder, const char *name)
{
	static char json[FILE_MAX], octets[FILE_MAX];
	struct wire_config config = {0};
	struct wire_decoder *d = wire_decoder_new(&config);
	struct batch *out = batch_new(&flow_schema, 8192);
	const struct addr exporter = {.v4 = 1};
	const uint64_t *n = wire_decoder_counters(d);
	char path[4096], file[256];
	const char *at, *end, *next;
	uint64_t records;
	size_t len;

	snprintf(path, sizeof path, "%s/expected", folder);
	read_file(path, name, json);
	at = strstr(json, "\"input_files\"");
	assert_non_null(at);
	end = strchr(at, ']');
	for (at = strchr(at, '['); (at = strchr(at, '"')) != NULL && at < end; at++) {
		len = strcspn(++at, "\"");
		snprintf(file, sizeof file, "%.*s", (int)len, at);
		at += len;
		len = read_file(folder, file, octets);
		assert_true(wire_decode(d, &exporter, (uint8_t *)octets, len, 1, out,
		    NULL) >= 0);
	}
	records = n[WIRE_records] + n[WIRE_options_records] + n[WIRE_other_records];
	at = find_key(json, json + strlen(json), "expected_record_count");
	assert_non_null(at);
	/* Data before its template is not lost here: there may be more than expected. */
	if (*at != 'n' && (n[WIRE_waited] > 0 ? records < strtoull(at, NULL, 10)
	    : records != strtoull(at, NULL, 10)))
		fail_msg("%s: %d records, not %.4s", name, (int)records, at);
	assert_int_equal(out->rows, n[WIRE_records]);
	for (at = strstr(json, "\"netflow\":"); at != NULL; at = next) {
		next = strstr(at + 1, "\"netflow\":");
		end = next != NULL ? next : strstr(at, "\"field_asserts\"");
		check_event(name, out, at, end == NULL ? at + strlen(at) : end);
	}
	batch_free(out);
	wire_decoder_free(d);
}

static void
test_captures(void **state)
{
	char folder[4000], expected[4096];
	const char *root = getenv("WEIR_ROOT");
	struct dirent *entry;
	DIR *dir;

	(void)state;
	snprintf(folder, sizeof folder, "%s/../shared/captures/netflow",
	    root == NULL ? "." : root);
	snprintf(expected, sizeof expected, "%s/expected", folder);
	if ((dir = opendir(expected)) == NULL) {
		print_message("skipped: no captures at %s\n", folder);
		skip();
	}
	while ((entry = readdir(dir)) != NULL) {
		if (strstr(entry->d_name, ".json") != NULL)
			check_case(folder, entry->d_name);
	}
	closedir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_captures)};

	return cmocka_run_group_tests_name("wire: captures", tests, NULL, NULL);
}
