/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_PACKER_H
#define STORE_PACKER_H

struct batch;
struct err;
struct layout;
struct parquet_values;

/* Batches to values for parquet_encode_group; keeps its memory from batch to batch. */
struct packer;

int packer_new(struct packer **out, const struct layout *layout, struct err *err);
void packer_free(struct packer *packer);
/* The values borrow from batch and packer until either is used again. */
const struct parquet_values *packer_values(struct packer *packer,
    const struct batch *batch);

#endif
