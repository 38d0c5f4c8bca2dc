/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_LEFTOVER_H
#define LAB_LEFTOVER_H

#include <stdbool.h>
#include <sys/types.h>

struct err;
struct leftover;
struct text;

/*
 * What a network makes outside of this process, written down before it is made, in a file
 * of the process's id that is locked as long as the process lives. One line each:
 *
 *	space NAME              a network namespace
 *	device SPACE NAME       in a namespace that stays; - is the machine's own
 *	table SPACE NAME        of nft, there
 *	sysctl SPACE KEY VALUE  a setting there, and what it was before
 */
int leftover_open(struct leftover **out, struct err *err);
/* Undoes all lines, the last first, and removes the file. May be NULL. */
void leftover_close(struct leftover *left);
int leftover_note(struct leftover *left, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What a setting was before any lab changed it: others that live may have. False if none
 * did. */
bool leftover_before(const char *space, const char *key, char *value,
		     unsigned value_bytes);

/*
 * Between these two no other lab changes a setting of a namespace that stays, nor undoes
 * it: what leftover_before says and what is noted after it stay true. -1 fd: there is no
 * lock, and leftover_unlock does nothing.
 */
int leftover_lock(void);
void leftover_unlock(int fd);

/* Undoes what processes that are gone have left; a line on each to told, which may be
 * NULL. */
int leftover_clean(struct text *told, struct err *err);

/* Kills what runs in a namespace (by its full name) and waits, for seconds at most, for
 * its end; how many there were. */
unsigned leftover_kill(const char *space);

#endif
