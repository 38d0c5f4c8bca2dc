/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_SPACE_H
#define LAB_SPACE_H

#include <stdbool.h>

struct err;

enum { SPACE_PATH_MAX = 300 };

/* The file of a network namespace, by its full name, as ip-netns(8) has it. */
void space_path(const char *space, char out[SPACE_PATH_MAX]);

/*
 * Takes this thread into a namespace. *back is where it was, for space_leave, which must
 * follow: a thread that cannot go back ends the program.
 */
int space_enter(const char *space, int *back, struct err *err);
void space_leave(int back);

/* In a namespace; NULL: where this thread is. Keys as sysctl(8) has them: dots, and
 * slashes for dots in names. */
int space_sysctl(const char *space, const char *key, const char *value, struct err *err);
int space_sysctl_get(const char *space, const char *key, char *value,
		     unsigned value_bytes, struct err *err);

/* Everything by which a device's segments differ from those on its wire: segmentation and
 * merging (TSO, GSO, GRO, LRO), and checksums that are left to the device. */
int space_offload(const char *space, const char *device, bool is_on, struct err *err);
/* Whether a device is there and can carry packets. */
bool space_is_running(const char *space, const char *device);

#endif
