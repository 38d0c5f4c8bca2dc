/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_PLAIN_INSIDE_H
#define IDENTIFY_PLAIN_INSIDE_H

#include "identify/plain.h"

/* Inside of what is known of servers and paths: what naming and learning share. */

enum { INDEXES_MAX = 64 };

struct path {
	struct plain_path known;
	struct wire_tables *tables;
	bool is_own; /* false: few downloads; only its segments are its own */
	bool is_fitted; /* its losses were, to the records at hand */
};

struct server {
	struct plain_server known;
	struct wire_tables *tables;
	/* Losses of a path that is not known; made when first asked for. */
	struct wire_path broad;
	struct wire_tables *broad_tables;
	struct quic_numbers quic_numbers; /* of the records at hand */
	bool is_fitted; /* its losses were, to the records at hand */
	struct path *path;
	size_t paths;
};

struct index {
	struct mode header;
	uint32_t mss; /* of residues */
	uint64_t turn; /* in which it was last asked for: what one model borrows stays */
	struct sents *sents;
	struct residues *residues;
};

struct plain {
	const struct files *files;
	struct plain_config config;
	const struct popular *popular; /* NULL: not told */
	struct server all;
	struct server *server;
	size_t servers;
	struct index sents[INDEXES_MAX], residues[INDEXES_MAX];
	uint32_t version;
	/* What the guess of all servers gains of a record; 0: there was none. */
	double usual_gain;
	/* The same of the constants so found, held against records by plain_known.c, and
	 * what these leave unexplained; 0: there are none. */
	double usual_known, usual_other;
	uint64_t turn; /* counts the models made */
	size_t indexes_max, sents_count, sents_next, residues_count, residues_next;
	/* The last one found: records come sorted. */
	struct server *last;
};

/* A model and the indexes that it borrows. */
struct plain_ready {
	struct wire_model model;
	struct sents *sents[MODES_MAX];
	struct residues *residues[MODES_MAX];
};

/* Octets of headers per packet where none are learned; those that hold for a record. */
uint32_t plain_usual_overhead(const struct plain *plain, const struct record *record);
uint32_t plain_overhead(const struct plain *plain, const struct server *server,
			const struct record *record);
/* The same for a record of a path of that server; path may be NULL. */
uint32_t plain_path_overhead(const struct plain *plain, const struct server *server,
			     const struct path *path, const struct record *record);
/* What is known of a server, or of all. */
const struct wire_server *plain_wire_server(const struct plain *plain,
					    const struct server *server);

/*
 * Holds constants that are known against a server's records, those of all servers first
 * (plain_set_usual): true and a guess if they explain them about as well as those. mss and
 * class of SACK options by record, as wire_vote has them.
 */
void plain_set_usual(struct plain *plain, const struct record *const *records,
		     const uint32_t *mss, const uint8_t *n_class, size_t n);
bool plain_guess_known(struct plain *plain, const struct wire_server *known,
		       const struct record *const *records, const uint32_t *mss,
		       const uint8_t *n_class, size_t n, struct wire_guess *out);

/* What records 0..n-1 of a server agree on: true and a guess. like: what is known of all
 * servers, or NULL; is_thorough: what is unlikely is tried too. */
bool plain_guess_server(struct plain *plain, const struct record *const *records, size_t n,
			const struct wire_server *like, bool is_thorough,
			struct wire_guess *out);
void plain_take_guess(const struct wire_guess *guess, struct wire_server *out);
/* The same of records of all servers, which is then known of all of them. */
void plain_guess_all(struct plain *plain, const struct record *const *records, size_t n);

/* The largest segment of records 0..n-1 of a path; 0: they do not say. And octets of
 * headers per packet, where they are not the server's: 0, or what explains the records
 * much better. */
uint32_t plain_find_mss(struct plain *plain, struct server *server,
			const struct record *const *records, size_t n, uint32_t overhead);
uint32_t plain_find_overhead(struct plain *plain, struct server *server,
			     const struct record *const *records, size_t n);

/* Finds or adds; a pointer lasts until the next one is added. */
struct server *plain_server_add(struct plain *plain, const struct addr *addr,
    uint16_t port);
struct path *plain_path_add(struct server *server, const struct addr *client);

bool plain_knows(const struct plain *plain, const struct addr *addr, uint16_t port);
bool plain_knows_path(const struct server *server, const struct addr *client);

/* Tables of a path's parameters, made where there are none; and gone where these
 * changed. */
struct wire_tables *plain_tables(struct wire_tables **tables,
    const struct wire_path *path);
void plain_renew_tables(struct wire_tables **tables);

/* What is sent of each file beside a header constant; the same by residues of segments.
 * Borrowed until others were asked for in a later turn. */
struct sents *plain_sents(struct plain *plain, const struct mode *header);
struct residues *plain_residues(struct plain *plain, const struct mode *header,
				uint32_t mss, const struct sents *sents);
void plain_make_ready(struct plain *plain, const struct wire_server *server,
		      const struct wire_path *path, struct wire_tables *tables,
		      uint32_t overhead, uint32_t mss, struct plain_ready *out);

/* Names a record of a path of s that is not known, or, s being that of all, of a server;
 * mss: of its segments if it sends like the others. */
void plain_name_elsewhere(struct plain *plain, struct server *s, uint32_t mss,
			  const struct record *record, struct verdict *out);
/* The share of unknown files that is supposed for a record. */
double plain_unknown(struct plain *plain, const struct record *record);
/* As plain_several, whatever the probability of one or of several is; false where it
 * cannot be searched. */
bool plain_search_several(struct plain *plain, const struct record *record,
			  const struct verdict *alone, struct several *out);
/* The header's constant of a server whose records 0..n-1 hold two downloads each. */
bool plain_guess_sums(const struct plain *plain, const struct record *const *records,
		      size_t n, uint32_t overhead, struct wire_guess *out);
/* How many of a server's records 0..n-1 hold several downloads. */
void plain_learn_several(struct plain *plain, struct server *server,
			 const struct record *const *records, size_t n);

/* Losses as they are expected of a meter there. */
void plain_expect(struct wire_path *path, enum position position);
void plain_forget_indexes(struct plain *plain);

#endif
