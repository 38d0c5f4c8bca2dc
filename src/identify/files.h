/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_FILES_H
#define IDENTIFY_FILES_H

#include "base/search.h"
#include "catalog/catalog.h"

enum { CANDIDATES_MAX = 16, PATH_LENGTHS = 1024 };

struct quic_server;

/* Of the first file of a size what naming by spans looks at, in one place of memory. */
struct files_slot {
	uint64_t size;
	uint32_t file; /* + 1; 0: the slot is free */
	uint16_t path_octets;
	uint8_t source;
	bool is_shared; /* the next file has that size as well */
};

/* A catalogue with what the identifier derives from it once. */
struct files {
	const struct catalog *catalog;
	const struct catalog_file *file; /* by size */
	size_t count;
	uint8_t *source; /* by file: a small number of its source */
	double
	    path_share[PATH_LENGTHS]; /* share of files by length of the path, smoothed */
	double coded_share[PATH_LENGTHS]; /* the same, in Huffman's code */
	uint32_t *path_bits; /* by file: of its path in Huffman's code; 0: not known */
	/* By file, close together: its size, and path_len, 65535 for more. */
	uint64_t *size;
	uint16_t *path_octets;
	bool has_paths, has_all_paths;
	bool has_depends; /* some file tells what it needs */
	uint16_t path_least, path_most; /* of path_octets */
	struct files_slot *slots;	/* by hash of the size */
	uint32_t slot_mask;
	uint32_t *ranks; /* first file of each bucket of sizes */
	double narrow[64]; /* 2^-i */
};

/* What of the file, where a candidate is no whole one. */
enum part {
	PART_CUT,   /* its beginning: the client broke off, or the span is "at least" */
	PART_RANGE, /* a range that was asked for */
	PART_UNMODIFIED, /* nothing: the client has it already (304) */
	PARTS
};

/* A file that a record may be. */
struct candidate {
	uint32_t file;
	double probability;
	uint32_t header, rest; /* assumed: response header, request beside the path */
	uint64_t cost;         /* records and frames */
	/* number of the constant + 1; 0: none of them */
	uint8_t header_mode, request_mode;
	uint32_t k, e;         /* by the wire model */
	int32_t again, off;    /* by QUIC's: packets sent again, octets beside */
	int32_t shift;         /* request bytes of the next request (< 0: missing here) */
	bool is_partial;
	uint8_t part; /* enum part, of partial ones */
};

/* The candidates kept, likeliest first, and the probability of none in the catalogue. */
struct verdict {
	uint32_t count;
	struct candidate candidate[CANDIDATES_MAX];
	uint32_t fits; /* files with any part in it worth naming (1 % of the best) */
	/* that it is one of the files that fit, whole or cut off */
	double whole, partial;
	double unknown;
	double evidence;  /* likelihood of the record: sum over all hypotheses */
	uint32_t mss;     /* assumed by the wire model; 0: not used */
	uint64_t payload; /* T of the wire model */
	int64_t x;        /* its segments below the MSS */
	uint32_t overhead; /* its octets of headers per packet */
	bool is_elsewhere; /* nothing was learned of this path or server */
	/* by which a record of QUIC was weighed; of such only */
	const struct quic_server *quic;
};

/* Likeliest first, and how many fit. */
void verdict_sort(struct verdict *verdict);

void files_init(struct files *files, const struct catalog *catalog);
void files_done(struct files *files);
double files_path_share(const struct files *files, int64_t length, uint32_t phase);
/* Octets of a file's path in a request, by the phase of its coding (struct mode). */
uint32_t files_path_octets(const struct files *files, size_t file, uint32_t phase);

/* Slots that lie in one line of memory. */
enum { FILES_LINE = 4 };

/* Where the slot of a size is, or behind it: the first one of a line. */
static inline uint32_t
files_slot_of(const struct files *files, uint64_t size)
{
	return (uint32_t)(size * 0x9e3779b97f4a7c15u >> 32) & files->slot_mask &
	       ~(uint32_t)(FILES_LINE - 1);
}

/* The slot of the first file of exactly this size, NULL if there is none; in constant
 * time. */
static inline const struct files_slot *
files_find(const struct files *files, uint64_t size)
{
	uint32_t at = files_slot_of(files, size);

	while (files->slots[at].file != 0 && files->slots[at].size != size)
		at = (at + 1) & files->slot_mask;
	return files->slots[at].file != 0 ? &files->slots[at] : NULL;
}

/* The first file of exactly this size, count if none. */
static inline size_t
files_first(const struct files *files, uint64_t size)
{
	const struct files_slot *slot = files_find(files, size);

	return slot != NULL ? slot->file - 1 : files->count;
}

/* Gets the memory that files_find will look at. */
static inline void
files_prefetch(const struct files *files, uint64_t size)
{
	__builtin_prefetch(&files->slots[files_slot_of(files, size)]);
}

/* Buckets of sizes: 16 bytes wide up to 4096, then 256 to a power of two. */
enum {
	BUCKET_BITS = 4,
	BUCKET_LINEAR = 4096,
	BUCKETS = 256 + 51 * 256 + 1,
};

static inline uint32_t
files_bucket(uint64_t size, uint32_t *shift)
{
	if (size < BUCKET_LINEAR) {
		*shift = BUCKET_BITS;
		return (uint32_t)size >> BUCKET_BITS;
	}
	*shift = 55 - (uint32_t)__builtin_clzll(size);
	return (*shift - 3) * 256 + ((uint32_t)(size >> *shift) & 255);
}

/* Files smaller than size, about; and files per byte near size, at least one in the
 * range. In constant time. */
static inline double
files_rank(const struct files *files, uint64_t size)
{
	uint32_t shift, bucket = files_bucket(size, &shift), low;

	if (bucket >= BUCKETS)
		return (double)files->count;
	low = files->ranks[bucket];
	/* A bucket is 2^shift wide: its inverse is exact, and so is what is within. */
	return low + (double)(int32_t)(files->ranks[bucket + 1] - low) *
			 ((double)(int64_t)(size & (((uint64_t)1 << shift) - 1)) *
			  files->narrow[shift]);
}

/* Of files low..high-1, the first of at least this size, high if none. Which half it is
 * in cannot be foreseen, so that a jump would mostly be taken back. */
static inline size_t
files_search(const struct files *files, size_t low, size_t high, uint64_t size)
{
	const uint64_t *at = files->size + low;
	size_t n = high - low, half;

	while (n > 1) {
		half = n / 2;
		at += at[half - 1] < size ? half : 0;
		n -= half;
	}
	return (size_t)(at - files->size) + (n == 1 && *at < size);
}

/* The first file of at least this size, count if none. */
static inline size_t
files_lower(const struct files *files, uint64_t size)
{
	uint32_t shift, bucket = files_bucket(size, &shift);

	return bucket >= BUCKETS ? files->count
				 : files_search(files, files->ranks[bucket],
						files->ranks[bucket + 1], size);
}

double files_density(const struct files *files, uint64_t size);

/* Collects weights: keeps the best candidates, sums all. */
struct tally {
	struct verdict *out;
	double sum; /* of all weights added */
	double whole, partial; /* of those of files, by kind */
	/* Of those kept, heaviest first, and which candidate it is. */
	double kept[CANDIDATES_MAX];
	uint8_t slot[CANDIDATES_MAX];
	uint64_t filter; /* a bit for each file kept: others are surely new */
};

void tally_begin(struct tally *tally, struct verdict *out);
/* Adds a weight; a file may come more than once, its weights add if it is still kept. */
void tally_add(struct tally *tally, const struct candidate *candidate, double weight);
/* The same of a whole file that has not come before; header, rest: of its candidate. */
void tally_keep(struct tally *tally, uint32_t file, uint32_t header, uint32_t rest,
		double weight);

/* Whether a file of that weight that has not come before would be kept. */
static inline bool
tally_is_kept(const struct tally *tally, double weight)
{
	return tally->out->count < CANDIDATES_MAX ||
	       weight > tally->kept[CANDIDATES_MAX - 1];
}

/* The candidate to fill in for a file of that weight, a whole one, if it is the first of
 * all, as it mostly is; NULL: else, and tally_add takes it. */
static inline struct candidate *
tally_first(struct tally *t, uint32_t file, double weight)
{
	if (t->out->count > 0 || !(weight > 0))
		return NULL;
	t->sum += weight;
	t->whole += weight;
	t->kept[0] = weight;
	t->slot[0] = 0;
	t->filter = (uint64_t)1 << (file & 63);
	t->out->count = 1;
	return &t->out->candidate[0];
}

/* Adds the weight of further files, cut off, that are not told one by one. */
void tally_add_rest(struct tally *tally, double weight);
/* unknown: the weight of no file. Turns weights into probabilities, sorts. */
void tally_end(struct tally *tally, double unknown);

#endif
