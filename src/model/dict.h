/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_DICT_H
#define MODEL_DICT_H

#include "model/type.h"

/* The distinct texts of a column, numbered from 0 in order of first use. */
struct dict;

struct dict *dict_new(void);
void dict_free(struct dict *dict);
void dict_clear(struct dict *dict);
uint32_t dict_code(struct dict *dict, const char *s, size_t n); /* adds if new */
/* The code, or UINT32_MAX if the text is not there. */
uint32_t dict_find(const struct dict *dict, const char *s, size_t n);
struct str dict_get(const struct dict *dict, uint32_t code); /* until dict_clear */
size_t dict_count(const struct dict *dict);

#endif
