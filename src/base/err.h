/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/*
 * What failed, where and why. A function that can fail returns 0 or -1 and fills the
 * caller's err; the text names the file, line, field or address and what to do about it.
 * err may be NULL where the caller does not care. The first error set stays.
 */
struct err {
	int code; /* an errno value; 0: nothing failed */
	char text[1024];
};

/* Sets err unless it is set already. Always returns -1. */
int err_set(struct err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts words in front of what an err already says: "FILE: line 3: " + text. Returns
 * -1. */
int err_prefix(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

#endif
