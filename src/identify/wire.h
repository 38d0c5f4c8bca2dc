/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_WIRE_H
#define IDENTIFY_WIRE_H

#include "identify/files.h"
#include "identify/modes.h"
#include "identify/position.h"
#include "identify/record.h"

/*
 * Downloads by octets and packets alone: the wire model, T = S + H(S) + k MSS + e (the
 * symbols stand in wire.c). Where the client's direction was seen as well, its octets
 * tell how many selective acknowledgements it sent, and these how much was sent again.
 */

enum {
	WIRE_X_CLASSES = 5,  /* of segments below the MSS: 0, 1-2, 3-10, 11-30, more */
	WIRE_N_CLASSES = 20, /* of SACK options n: 0, 1, 2-3, 4-7, ... */
	/* Further ones, of what a client sent where the length of its request is not
	 * known: by half octaves of octets, plain and by TLS. */
	WIRE_ASK_STEPS = 40,
	WIRE_ASK_FIRST = WIRE_N_CLASSES + 1,
	WIRE_CLASSES = WIRE_ASK_FIRST + 2 * WIRE_ASK_STEPS,
	WIRE_BANDS = 128,    /* half octaves of octets */
	WIRE_NEAR_MAX = 64, /* files weighed one by one near T */
};

/* What of a path is learned: its losses. */
struct wire_path {
	uint32_t mss;             /* 0: by each record alone */
	/* c, where it is not the server's: the client's affair too */
	uint32_t own_overhead;
	uint32_t request; /* payload of a request beside the file's path, where paths are
			   * known; 0: not learned */
	bool is_request_exact;
	bool options_tell; /* the client's SACK options say what was sent again */
	double lam;               /* retransmissions per segment */
	double r;                 /* shape of their negative binomial */
	double tail;              /* share of downloads with many more */
	double q[WIRE_X_CLASSES]; /* share of remainders beside whole segments, by x */
	double q_whole; /* the same where no segment was sent again */
	/* Where the remainders of x <= 2 and of x > 2 come from, shares: segments that
	 * end at a page, the last segment, both, any. */
	double from[2][4];
	double options;            /* share of remainders that are TCP options */
	double by_n[WIRE_N_CLASSES]; /* mean k by the client's SACK options */
	double n_shape;            /* shape of the k around it; 0: not fitted */
	double n_share[WIRE_N_CLASSES]; /* share of downloads; all 0: not fitted */
	/* share of downloads that the catalogue does not have */
	double unknown;
	/* routers between the meter and either end by TTL, or HOPS_UNKNOWN */
	uint32_t hops_client, hops_server;
	/* where it is another path's: how likely any losses are; not learned */
	double broad;
	double flows;              /* that this was learned from */
};

/* What of a server is learned. */
struct wire_server {
	uint32_t overhead;   /* c: octets of headers per packet; 0: the usual */
	struct modes header; /* count 0: not learned */
	double several;      /* share of records that hold more than one download */
	double band[WIRE_BANDS]; /* share of downloads by half octave of T */
	double flows;
};

void wire_path_default(struct wire_path *path);
void wire_server_default(struct wire_server *server);

/* Octets of headers per packet where nothing else is known. */
uint32_t wire_overhead_usual(bool is_v6, bool timestamps);
/* c for a record of a server: learned, or the usual. */
uint32_t wire_overhead(const struct wire_server *server, const struct record *record);
/* Payload octets of the record, T; 0 if its octets cannot be such. */
uint64_t wire_payload(const struct record *record, uint32_t overhead);
/* The same of the client's side. */
uint64_t wire_request(const struct record *record, uint32_t overhead);
/* The largest segment that one record suggests; 0: none. */
uint32_t wire_mss(const struct record *record, uint32_t overhead);
/* The least that its packets leave room for; 0: none. */
uint32_t wire_mss_least(const struct record *record, uint32_t overhead);
/* That of Ethernet. */
uint32_t wire_mss_usual(uint32_t overhead, bool is_v6);
/* That of records 0..n-1 together. */
uint32_t wire_mss_of(const struct record *const *records, size_t n, uint32_t overhead);
/* How much less likely than Ethernet's a largest segment is beforehand, a logarithm. */
double wire_mss_doubt(uint32_t mss, uint32_t overhead, bool is_v6);
/* Log likelihood of a record's packets by segments of a size, by x. */
double wire_score_of_mss(const struct record *record, uint32_t overhead, uint32_t mss);
/* Segments below the MSS, x. */
int64_t wire_x(const struct record *record, uint64_t payload, uint32_t mss);
unsigned wire_x_class(int64_t x);
unsigned wire_n_class(uint64_t options);
/* Half octave of T: its number and its width in octets. */
unsigned wire_band(uint64_t payload, double *width);

/* Probabilities of k for a path, made when first asked for; see wire_table.c. */
struct wire_tables;

struct wire_tables *wire_tables_new(const struct wire_path *path);
void wire_tables_free(struct wire_tables *tables);
struct wire_losses {
	float *p; /* of k = 0..count-1 */
	double *sum; /* of p up to each k; NULL where n is known */
	size_t count, peak; /* the likeliest k */
	double tail; /* from k = count on: tail / (k + 1) */
};

/* For records whose n is of a class (n_class < WIRE_N_CLASSES), or of a class by what
 * their clients sent, or else not known, with that many segments. */
const struct wire_losses *wire_table(struct wire_tables *tables, unsigned n_class,
				     double segments);

static inline double
wire_losses_p(const struct wire_losses *losses, uint64_t k)
{
	return k < losses->count ? losses->p[k] : losses->tail / (double)(k + 1);
}

/* The same for one k, slowly: the tables' twin. */
double wire_p_of_k(const struct wire_path *path, unsigned n_class, double segments,
		   uint64_t k);

/* The files by what a server sends for them under one header, and these sorted by
 * (S + H) mod MSS, then size. */
struct sents;
struct residues;

struct sents *sents_new(const struct files *files, const struct mode *header);
void sents_free(struct sents *sents);
struct residues *residues_new(const struct sents *sents, uint32_t mss);
void residues_free(struct residues *residues);
/* Octets sent for each file, rising. */
const uint64_t *sents_of(const struct sents *sents);
/* The first file for which at least so much is sent. */
size_t sents_lower(const struct sents *sents, uint64_t sent);
/* A file in the index: octets sent for it beside its number, so that a search stays in
 * one place of memory. */
struct residue {
	uint64_t sent;
	uint32_t file;
};
/* Files whose S + H leaves this residue, by number, rising. */
const struct residue *residues_at(const struct residues *residues, uint32_t residue,
				  size_t *count);

struct popular;

struct wire_model {
	const struct files *files;
	const struct popular *popular; /* NULL: nothing is known of such files */
	const struct wire_server *server;
	const struct wire_path *path;
	struct wire_tables *tables; /* of path */
	struct sents *const *sents; /* by header mode */
	struct residues *const *residues; /* by header mode, for this mss */
	uint32_t mss, overhead;
};

void wire_name(const struct wire_model *model, const struct record *record,
	       struct verdict *out);
/* p(k) p(e) of so many octets beside a file as sent once. */
double wire_p_of_beside(const struct wire_model *model, const struct record *record,
			uint64_t beside);
/* The obvious twin: weighs every file. Slow; agrees with wire_name up to what
 * WIRE_NEAR_MAX leaves out. */
void wire_name_slowly(const struct wire_model *model, const struct record *record,
		      struct verdict *out);
/*
 * Without a header: usual ones are supposed, and usual costs of TLS with the probability
 * tls. Adds files' weights to a tally, times scale.
 */
struct wire_blind {
	const struct files *files;
	const struct popular *popular; /* NULL: nothing is known of such files */
	const struct wire_path *path;
	struct wire_tables *tables; /* of path */
	uint32_t overhead, mss;
	double tls;
};

void wire_weigh_blind(const struct wire_blind *blind, const struct record *record,
    double scale, struct tally *tally);

/* Of a record in a model. */
struct wire_sight {
	uint64_t payload;  /* T */
	int64_t x;
	unsigned n_class;  /* WIRE_N_CLASSES: not known; more: see WIRE_ASK_FIRST */
	double segments;
};

/* The class of what a client sent, if requests may have any length; WIRE_N_CLASSES where
 * nothing was seen of it. */
unsigned wire_ask_class(const struct record *record, uint32_t overhead);
/* Log likelihood of the client's octets if its packets have so many octets of headers:
 * what is left are a request and SACK options. */
double wire_score_of_request(const struct record *record, uint32_t overhead);
/* The class of SACK options in a request of so many octets of payload. */
unsigned wire_options_class(const struct wire_path *path, uint64_t request);
void wire_look(const struct wire_model *model, const struct record *record,
	       struct wire_sight *out);
/* p(e | k, x, n): e octets beside whole segments, tail being (S + H) mod MSS. */
double wire_p_of_e(const struct wire_path *path, uint32_t mss,
    const struct wire_sight *sight, uint64_t k, uint32_t e, uint32_t tail);
/* The same in parts, for many files of one record: sources of remainders, prepared
 * once. */
struct wire_parts {
	double q[2]; /* without and with whole segments sent again */
	double page_share, last_share, both_share, any_share, options;
	double other; /* of headers that are none of those known */
	uint32_t page; /* a power of two */
};

void wire_parts_of_e(const struct wire_path *path, uint32_t mss,
		     const struct wire_sight *sight, struct wire_parts *out);
/* Of a TCP option of e octets, e > 0: its share among such. */
double wire_option_share(uint32_t e);

static inline double
wire_parts_p(const struct wire_parts *parts, uint32_t mss, uint64_t k, uint32_t e,
	     uint32_t tail)
{
	uint32_t behind = e >= tail ? e - tail : e + mss - tail, page = parts->page - 1;
	double q = parts->q[k > 0], p = parts->any_share;

	p += (e & page) == 0 ? parts->page_share : 0;
	p += e == tail ? parts->last_share : 0;
	p += (behind & page) == 0 ? parts->both_share : 0;
	p = q * p + parts->other;
	if (e == 0)
		return p + (1 - q) * (1 - parts->options);
	return e > 24 ? p : p + (1 - q) * parts->options * wire_option_share(e);
}

/* How much likelier files of that size are than if all of the catalogue were as likely,
 * by the sizes that a server's records have. */
double wire_band_factor(const struct files *files, const struct wire_server *server,
			uint64_t payload);
/* Density per octet of the T of files that the catalogue does not have. */
double wire_unknown_density(const struct files *files, const struct wire_server *server,
			    uint64_t payload);

/* One round of EM: what records of a model's path say, of many so many evenly, into out,
 * which may be that path; base is the prior, where they are few. */
void wire_refit(const struct wire_model *model, const struct record *const *records,
		size_t n, size_t most, const struct wire_path *base,
		struct wire_path *out);
/* The bands of a server's records. */
void wire_learn_bands(const struct record *const *records, size_t n,
		      struct wire_server *server);
/* The constant of requests, where files have no paths; path is left as it is where
 * nothing can be said. */
void wire_learn_request(const struct record *const *records, size_t n, uint32_t overhead,
			struct wire_path *path);
/* The same where they have, by what the model names. */
void wire_learn_request_paths(const struct wire_model *model,
			      const struct record *const *records, size_t n,
			      struct wire_path *path);

/* A guess at what a server sends: c, law and header constants. */
struct wire_guess {
	uint32_t overhead;
	enum tls_law law;
	struct modes header;
	double gain; /* in log likelihood over chance */
	size_t records; /* that voted: few of many */
	bool is_significant;
};

/*
 * Finds header constants by vote over records 0..n-1 under a guess's c and law; mss and
 * class of SACK options (WIRE_N_CLASSES: not known) by record. Files and records are
 * matched with usual losses, without labels.
 */
void wire_vote(const struct files *files, const struct record *const *records,
	       const uint32_t *mss, const uint8_t *n_class, size_t n,
	       struct wire_guess *guess);

#endif
