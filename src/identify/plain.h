/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_PLAIN_H
#define IDENTIFY_PLAIN_H

#include "identify/files.h"
#include "identify/position.h"
#include "identify/quic.h"
#include "identify/record.h"
#include "identify/several.h"
#include "identify/wire.h"

/*
 * Plain records: what is known of their servers and paths (a client of a server), and
 * naming by it. A path is described by its own parameters where enough downloads came
 * over it, else by its server's, else by those of all servers, else by usual ones.
 */
struct plain;
struct err;

enum { PLAIN_RECORDS_MIN = 3, PLAIN_FIT_MIN = 30 };

struct plain_config {
	bool is_fixed;        /* no EM: usual losses */
	bool timestamps_off;  /* c is 12 less than usual where it is not learned */
	uint32_t overhead;    /* c, if told; 0: found out */
	bool no_several;      /* a record holds one download */
	/* of the meter, if told: what is expected of losses that are not learned */
	enum position position;
};

struct plain *plain_new(const struct files *files, const struct plain_config *config);
void plain_free(struct plain *plain);

/*
 * Learns from the plain ones among records 0..n-1, sorted by server, its port, client.
 * What was known before is the prior; servers and paths without new records are kept.
 */
void plain_learn(struct plain *plain, const struct record *records, size_t n);

/*
 * The same for a model that is frozen: what it knows of servers and paths stays, and what
 * of all; those that it does not know are learned, with that as the prior.
 */
void plain_adapt(struct plain *plain, const struct record *records, size_t n);

/*
 * Files that are downloaded again and again, borrowed while records are named; NULL:
 * none. plain_refit fits the share of unknown files and the losses of what plain_learn or
 * plain_adapt fitted to the same records again, with them.
 */
struct popular;

void plain_set_popular(struct plain *plain, const struct popular *popular);
void plain_refit(struct plain *plain, const struct record *records, size_t n);

/* Logarithms: how likely a record has so many octets beside a file as sent once; and
 * before it is looked at that it is of one listed file of its size, or of one that is not
 * listed, an octet wide. */
double plain_fits(struct plain *plain, const struct record *record, uint64_t beside);
void plain_prior(struct plain *plain, const struct record *record, double *listed,
		 double *unlisted);

/* How many files QUIC's connections carry, server by server: by the records at hand, and
 * no part of what is known of servers. */
void plain_count(struct plain *plain, const struct record *records, size_t n);

/* The records of TCP that are named by octets and packets. */
bool plain_is(const struct record *record);

void plain_name(struct plain *plain, const struct record *record, struct verdict *out);
/* Whether a record holds several downloads rather than what plain_name said; out if
 * so. */
bool plain_several(struct plain *plain, const struct record *record,
		   const struct verdict *alone, struct several *out);

/* What is known of a server or a path, for listing and for model files. */
struct plain_server {
	struct addr addr;
	uint16_t port;
	struct wire_server wire;
	struct wire_path path; /* of all its clients together */
	struct quic_server quic;
};

struct plain_path {
	struct addr client;
	struct wire_path wire;
};

size_t plain_servers(const struct plain *plain);
/* The i-th, by address and port; -1: of all servers. */
const struct plain_server *plain_server_at(const struct plain *plain, ptrdiff_t i);
size_t plain_paths(const struct plain *plain, size_t server);
const struct plain_path *plain_path_at(const struct plain *plain, size_t server,
    size_t i);
/* Adds or replaces, in any order: a path of a server, or, path NULL, a server; one
 * without address and port stands for all. */
void plain_set(struct plain *plain, const struct plain_server *server,
	       const struct plain_path *path);

/* How often this was fitted: 0, never. */
uint32_t plain_version(const struct plain *plain);
void plain_set_version(struct plain *plain, uint32_t version);

#endif
