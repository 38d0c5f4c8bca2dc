/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an oracle names that knows all true parameters, beside what weir names that learns
 * them: downloads of 60,000 made-up files (sizes even in the logarithm, 1 kB to 50 MB) by
 * their spans,
 * a share of them unknown, and by plain records.   bayes [FILES [DOWNLOADS [SEED]]]
 *
 * Spans:	X = S + digits(S) + H, H one of two with 70 and 30 %
 * Requests:	Y = path + R, R one of two with 90 and 10 %
 * Unknown:	a fifth; sizes and path lengths drawn like the catalogue's
 *
 * Plain records: sizes log-normal (median 5 MB), one header constant, segments sent again
 * geometric with a mean of one in 250 segments; octets and packets, and the client's.
 * None, 1, 5 or 20 of 100 downloads are of no file; the shares are learned from the first
 * quarter.
 *
 * The oracle's posterior is that of this model itself; it names the likeliest file where
 * that is likelier than not, as weir does. Prints both shares of known downloads that are
 * named right, and how many are named wrong.
 */
#include "base/err.h"
#include "base/hash.h"
#include "catalog/catalog.h"
#include "identify/files.h"
#include "identify/plain.h"
#include "identify/span.h"
#include "model/catalogue.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATH_MIN = 40, PATHS = 60, MODES = 2 };
static const double MEDIAN = 5e6, SPREAD = 1.2;
enum { BINS = 10, MSS = 1448, C = 52, HEADER = 247, REQUEST = 130, LOSSES = 250 };

static const uint32_t headers[MODES] = {240, 251}, requests[MODES] = {90, 99};
static const double header_share[MODES] = {0.7, 0.3}, request_share[MODES] = {0.9, 0.1},
		    unknown_share = 0.2, log_low = 6.907755, log_width = 10.819778;

static uint64_t state;

static double
uniform(void)
{
	state = mix64(state, 1);
	return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static uint64_t
draw_size(void)
{
	return (uint64_t)exp(log_low + log_width * uniform());
}

static uint32_t
draw_path(void)
{
	return PATH_MIN + (uint32_t)(uniform() * PATHS);
}

static struct catalog *
make_files(size_t n)
{
	static const char letters[] =
	    "pool/main/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvw"
				      "xyzabcdefghijklmnopqrstuvwxyzabcdefghijklmn";
	struct catalog *catalog = catalog_new();
	char name[32], path[160];
	size_t i;

	for (i = 0; i < n; i++) {
		struct catalogue row = {0};
		int k = snprintf(name, sizeof name, "f%07zu", i), m;

		m = snprintf(path, sizeof path, "%.*s/%s", (int)draw_path() - k - 1,
		    letters, name);
		catalogue_set(&row, name, ((struct str){name, (uint32_t)k}));
		catalogue_set(&row, path, ((struct str){path, (uint32_t)m}));
		catalogue_set(&row, path_len, (uint32_t)m);
		catalogue_set(&row, size, draw_size());
		if (catalog_add(catalog, &row, NULL) != 0)
			exit(1);
	}
	catalog_seal(catalog);
	return catalog;
}

static unsigned
draw_mode(const double *share)
{
	return uniform() < share[0] ? 0 : 1;
}

/* A download; its file, or count of an unknown one. */
static size_t
draw_download(const struct files *files, struct record *r)
{
	size_t file = (size_t)(uniform() * (double)files->count);
	uint64_t size = files->file[file].size;
	uint32_t path = files->file[file].path_len;

	if (uniform() < unknown_share) {
		file = files->count;
		size = draw_size();
		path = draw_path();
	}
	*r = (struct record){.has_span = true,
			     .has_request = true,
			     .span = size + size_digits(size, DIGITS_DECIMAL) +
				     headers[draw_mode(header_share)],
			     .request_span = path + requests[draw_mode(request_share)],
			     .sampling = 1};
	return file;
}

/* The share that a path length has among unknown files, with any request constant. */
static double
unknown_request(uint64_t request)
{
	double sum = 0;
	unsigned k;

	for (k = 0; k < MODES; k++)
		if (request >= requests[k] + PATH_MIN &&
		    request < requests[k] + PATH_MIN + PATHS)
			sum += request_share[k] / PATHS;
	return sum;
}

/* The likeliest file if it is likelier than not, else count. */
static size_t
oracle(const struct files *files, const struct record *r)
{
	double sum = 0, best = 0, weight,
	    prior = (1 - unknown_share) / (double)files->count;
	size_t at, to, found = files->count;
	unsigned i, k;

	at = catalog_lower(files->catalog, r->span - headers[1] - 20);
	to = catalog_lower(files->catalog, r->span - headers[0]);
	for (; at < to; at++) {
		uint64_t size = files->file[at].size;

		weight = 0;
		for (i = 0; i < MODES; i++)
			for (k = 0; k < MODES; k++)
				if (size + size_digits(size,
				    DIGITS_DECIMAL) + headers[i] == r->span &&
				    files->file[at].path_len + requests[k] ==
				    r->request_span)
					weight += prior * header_share[i] *
					    request_share[k];
		sum += weight;
		if (weight > best) {
			best = weight;
			found = at;
		}
	}
	sum += unknown_share / log_width / (double)(r->span - headers[0]) *
	       unknown_request(r->request_span);
	return best > 0.5 * sum ? found : files->count;
}

struct score {
	size_t known, right, wrong;
	/* Of names that are told with a probability. */
	size_t sure, sure_wrong, all;
	double sure_sum;
	double told[BINS], came_true[BINS];
};

static void
judge(struct score *s, size_t said, size_t truth, size_t none)
{
	s->known += truth < none;
	s->right += said < none && said == truth;
	s->wrong += said < none && said != truth;
}

static void
tell(const char *what, const char *who, const struct score *s)
{
	printf("%s: %-6s %.2f %% of %zu known downloads right, %zu named wrong\n", what,
	    who, 100.0 * (double)s->right / (double)s->known, s->known, s->wrong);
}

static void
by_spans(size_t n, size_t downloads)
{
	struct catalog *catalog = make_files(n);
	struct record *records = calloc(downloads, sizeof *records);
	size_t *truth = calloc(downloads, sizeof *truth), lessons = downloads / 10, i,
	    said;
	struct score best = {0}, weir = {0};
	struct constants constants;
	struct files files;
	struct verdict v;

	files_init(&files, catalog);
	for (i = 0; i < downloads; i++)
		truth[i] = draw_download(&files, &records[i]);
	/* What is learned from is not judged. */
	span_learn(&files, records, lessons, NULL, SPAN_PLAIN, &constants);
	for (i = lessons; i < downloads; i++) {
		judge(&best, oracle(&files, &records[i]), truth[i], files.count);
		span_name(&files, &constants, &records[i], &v);
		said = v.count > 0 && v.candidate[0].probability > 0.5
		    ? v.candidate[0].file
								      : files.count;
		judge(&weir, said, truth[i], files.count);
	}
	tell("spans", "oracle", &best);
	tell("spans", "weir", &weir);
	files_done(&files);
	catalog_free(catalog);
	free(records);
	free(truth);
}

static uint64_t
draw_plain_size(void)
{
	double normal = sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());

	return 1000 + (uint64_t)(MEDIAN * exp(SPREAD * normal));
}

static struct catalog *
make_plain_files(size_t n)
{
	struct catalog *catalog = catalog_new();
	char name[32];
	size_t i;

	for (i = 0; i < n; i++) {
		int len = snprintf(name, sizeof name, "file%zu", i);
		struct catalogue row = {0};

		catalogue_set(&row, name, ((struct str){name, (uint32_t)len}));
		catalogue_set(&row, size, draw_plain_size());
		if (catalog_add(catalog, &row, NULL) != 0)
			exit(1);
	}
	catalog_seal(catalog);
	return catalog;
}

static const struct mode plain_header = {.bytes = HEADER, .digits = DIGITS_HEX,
    .inner = HEADER};

static double
mean_again(uint64_t sent)
{
	return (double)((sent + MSS - 1) / MSS) / LOSSES;
}

/* A download; its file, or count of an unknown one. */
static size_t
draw_plain(const struct files *files, size_t i, double unknown, struct record *r)
{
	bool is_known = uniform() >= unknown;
	size_t pick = (size_t)(uniform() * (double)files->count);
	uint64_t sent = mode_sent(&plain_header, is_known ? files->file[pick].size
							  : draw_plain_size()),
		 segments = (sent + MSS - 1) / MSS, k, acks;
	double mean = mean_again(sent);

	k = (uint64_t)(log(uniform()) / log(mean / (1 + mean)));
	/* The client's acknowledgements say nothing of losses here. */
	acks = 4 + segments / 2;
	*r = (struct record){.start_us = (int64_t)i,
			     .client = addr_v4(0x0a000001),
			     .server = addr_v4(0xc6336401),
			     .server_port = 80,
			     .client_port = (uint16_t)i,
			     .packets = 3 + segments + k,
			     .bytes = sent + k * MSS + C * (3 + segments + k) + 8,
			     .request_packets = acks,
			     .request_bytes = REQUEST + C * acks + 8,
			     .sampling = 1,
			     .has_handshake = true};
	return is_known ? pick : files->count;
}

/* The likeliest file that octets and packets allow, and its probability: packets tell the
 * segments in all. */
static size_t
plain_oracle(const struct files *files, double unknown, const struct record *r,
	     double *probability)
{
	uint64_t payload = r->bytes - C * r->packets - 8, sent, k;
	double best = 0, sum, mean, p, of_median;
	size_t i, found = files->count;

	/* Sizes differ by far more than what is sent again: their density at the
	 * payload. */
	of_median = log(((double)payload - HEADER - 1000) / MEDIAN) / SPREAD;
	sum = payload > HEADER + 1000
		  ? unknown * (double)files->count / (1 - unknown) *
			exp(-0.5 * of_median * of_median) /
			(2.5066283 * SPREAD * ((double)payload - HEADER - 1000))
		  : 0;
	for (i = 0; i < files->count; i++) {
		sent = mode_sent(&plain_header, files->file[i].size);
		if (sent > payload)
			break;
		if ((payload - sent) % MSS != 0)
			continue;
		k = (payload - sent) / MSS;
		mean = mean_again(sent);
		p = pow(mean / (1 + mean), (double)k) / (1 + mean);
		sum += p;
		if (p > best) {
			best = p;
			found = i;
		}
	}
	*probability = sum > 0 ? best / sum : 0;
	return found;
}

/* Whether the likeliest file's probability means what it says. */
static void
judge_probability(struct score *s, double p, size_t said, size_t truth)
{
	bool is_right = said == truth;
	unsigned bin = p >= 1 ? BINS - 1 : (unsigned)(p * BINS);

	s->all++;
	s->told[bin] += p;
	s->came_true[bin] += is_right;
	s->sure += p >= 0.99;
	s->sure_sum += p >= 0.99 ? p : 0;
	s->sure_wrong += p >= 0.99 && !is_right;
}

static void
tell_calibration(const char *who, const struct score *s)
{
	double sum = 0;
	unsigned i;

	for (i = 0; i < BINS; i++)
		sum += fabs(s->told[i] - s->came_true[i]);
	printf("  %-6s with 0.99: %zu, wrong %zu, by what is said %.1f; calibration error %.4f\n",
	       who, s->sure, s->sure_wrong, (double)s->sure - s->sure_sum,
	       sum / (double)s->all);
}

static void
by_octets(size_t n, size_t downloads, double unknown)
{
	struct catalog *catalog = make_plain_files(n);
	struct record *records = calloc(downloads, sizeof *records);
	size_t *truth = calloc(downloads, sizeof *truth), lessons = downloads / 4, i,
	    said;
	struct plain_config config = {.no_several = true};
	struct score best = {0}, weir = {0};
	struct plain *plain;
	struct files files;
	struct verdict v;
	double p;

	files_init(&files, catalog);
	for (i = 0; i < downloads; i++)
		truth[i] = draw_plain(&files, i, unknown, &records[i]);
	plain = plain_new(&files, &config);
	plain_learn(plain, records, lessons);
	for (i = lessons; i < downloads; i++) {
		said = plain_oracle(&files, unknown, &records[i], &p);
		judge_probability(&best, p, said, truth[i]);
		judge(&best, p > 0.5 ? said : files.count, truth[i], files.count);
		plain_name(plain, &records[i], &v);
		p = v.count > 0 ? v.candidate[0].probability : 0;
		said = v.count > 0 ? v.candidate[0].file : files.count;
		judge_probability(&weir, p, said, truth[i]);
		judge(&weir, p > 0.5 ? said : files.count, truth[i], files.count);
	}
	printf("octets and packets, %g %% of no file\n", 100 * unknown);
	tell("octets and packets", "oracle", &best);
	tell_calibration("oracle", &best);
	tell("octets and packets", "weir", &weir);
	tell_calibration("weir", &weir);
	if (plain_servers(plain) > 0)
		printf("  unknown files learned: %.2f %%\n",
		       100 * plain_server_at(plain, 0)->path.unknown);
	plain_free(plain);
	files_done(&files);
	catalog_free(catalog);
	free(records);
	free(truth);
}

int
main(int argc, char **argv)
{
	static const double unknown[] = {0, 0.01, 0.05, 0.2};
	size_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 60000,
	       downloads = argc > 2 ? strtoull(argv[2], NULL, 10) : 20000, i;

	state = argc > 3 ? strtoull(argv[3], NULL, 10) : 20261130;
	by_spans(n, downloads);
	for (i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
		by_octets(n, downloads / 5, unknown[i]);
	return 0;
}
