/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_SERVICE_H
#define BASE_SERVICE_H

#include <stdint.h>

struct err;

/*
 * What a program that stays does for those who start it: the background, a pid file, and
 * the messages of systemd's sd_notify(3), which are datagrams to the socket
 * $NOTIFY_SOCKET.
 */

/*
 * Goes on in a child without terminal; the caller's process ends when the child calls
 * service_ready, with status 0, or when it dies, with its status or 1. Before any thread.
 */
int service_background(int *ready_fd, struct err *err);
/* Tells the waiting parent, and gives standard input, output and error up. */
void service_ready(int ready_fd);

/*
 * Makes a file with this process's id, locked as long as the process lives, so that a
 * second one is refused. The folder must exist. *out is to be given to pid_file_remove.
 */
int pid_file_make(const char *path, int *out, struct err *err);
/* Removes it; where that is not permitted any more it is emptied. fd -1 is allowed. */
void pid_file_remove(const char *path, int fd);

/* Opens the way to systemd; nothing is sent where it did not ask. Returns a socket or
 * -1. */
int notify_open(void);
/* "READY=1", "STATUS=...", "WATCHDOG=1", "STOPPING=1"; lines may be joined. fd -1:
 * nothing. */
void notify_send(int fd, const char *text);
/* How often systemd wants to hear WATCHDOG=1, in ms: half of its limit; 0: never. */
int64_t notify_watchdog_ms(void);

#endif
