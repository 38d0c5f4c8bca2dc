/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers that send what others do, and one that does so for half of its downloads only:
 * each has its own headers in the end, whether these were held against its records or
 * found by their vote.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"
#include "catalog/catalog.h"
#include "identify/plain.h"
#include "model/catalogue.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILES = 3000, SERVERS = 40, OF_SERVER = 80, KINDS = 3, MSS = 1448, C = 52 };

static const struct mode kinds[KINDS] = {
    {.bytes = 233, .digits = DIGITS_HEX, .inner = 233},
    {.bytes = 257, .digits = DIGITS_DECIMAL, .inner = 257},
    {.bytes = 301, .digits = DIGITS_HEX, .inner = 301}};
/* The last server's alone, beside one of these. */
static const struct mode own = {.bytes = 411, .digits = DIGITS_DECIMAL, .inner = 411};

static uint64_t state;

static double
uniform(void)
{
	state = mix64(state, 1);
	return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static struct catalog *
make_catalog(void)
{
	struct catalog *catalog = catalog_new();
	size_t i;

	for (i = 0; i < FILES; i++) {
		struct catalogue row = {0};
		char name[32];
		int n = snprintf(name, sizeof name, "file%zu", i);

		catalogue_set(&row, name, ((struct str){name, (uint32_t)n}));
		catalogue_set(&row, size, 200000 + (uint64_t)(4e7 * pow(uniform(), 3)));
		assert_int_equal(catalog_add(catalog, &row, NULL), 0);
	}
	catalog_seal(catalog);
	return catalog;
}

static const struct mode *
mode_of(size_t server, size_t i)
{
	return server + 1 == SERVERS && i % 2 == 0 ? &own : &kinds[server % KINDS];
}

static struct record
download(const struct files *files, size_t server, size_t i)
{
	uint64_t size = files->file[(size_t)(uniform() * (double)files->count)].size,
		 sent = mode_sent(mode_of(server, i), size),
		 segments = (sent + MSS - 1) / MSS, again = 0;

	while (uniform() < 0.4)
		again++;
	return (struct record){.start_us = (int64_t)i,
			       .client = addr_v4(0x0a000001),
			       .server = addr_v4(0xc6336401 + (uint32_t)server),
			       .server_port = 80,
			       .client_port = (uint16_t)(1024 + i),
			       .packets = 3 + segments + again,
			       .bytes = sent + again * MSS + C * (3 + segments + again) +
					8,
			       .request_packets = 4 + segments / 2,
			       .request_bytes = 130 + C * (4 + segments / 2) + 8,
			       .sampling = 1,
			       .has_handshake = true};
}

static bool
has(const struct modes *header, const struct mode *mode)
{
	uint32_t i;

	for (i = 0; i < header->count; i++)
		if (header->mode[i].bytes == mode->bytes &&
		    header->mode[i].digits == mode->digits)
			return true;
	return false;
}

static void
test_servers(void **state_of_test)
{
	struct catalog *catalog;
	struct plain_config config = {0};
	struct record *records = calloc(SERVERS * OF_SERVER, sizeof *records);
	struct plain *plain;
	struct files files;
	size_t i;

	for (state = 11; state < 14; state += 1) {
		uint64_t before = state;

		catalog = make_catalog();
		files_init(&files, catalog);
		for (i = 0; i < SERVERS * OF_SERVER; i++)
			records[i] = download(&files, i / OF_SERVER, i);
		plain = plain_new(&files, &config);
		plain_learn(plain, records, SERVERS * OF_SERVER);
		assert_int_equal(plain_servers(plain), SERVERS);
		for (i = 0; i < SERVERS; i++) {
			const struct modes *header =
			    &plain_server_at(plain, (ptrdiff_t)i)->wire.header;

			assert_int_equal(header->count, i + 1 == SERVERS ? 2 : 1);
			assert_true(has(header, mode_of(i, 0)));
			assert_true(has(header, mode_of(i, 1)));
		}
		plain_free(plain);
		files_done(&files);
		catalog_free(catalog);
		state = before;
	}
	free(records);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_servers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
