/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>

/*
 * Lets other threads have a function called in the thread that owns the mailbox, and wait
 * for it: so the owner's state needs no locks. One call at a time.
 */
struct mailbox {
	pthread_mutex_t lock;  /* of what follows */
	pthread_cond_t changed;
	void (*call)(void *arg); /* waiting to be called; NULL: none */
	void *arg;
	bool is_running, is_closed;
	unsigned long calls;     /* that were served */
	int wake_fd;             /* the owner polls this eventfd */
	bool is_posted;          /* atomic: what the owner looks at between its work */
};

/* -1 and errno without an eventfd. */
int mailbox_init(struct mailbox *box);
void mailbox_done(struct mailbox *box);

/*
 * Has call(arg) called by the owner, and waits for its end; -1 if the owner did not come
 * to it in time, in which case it is not called any more. Once the mailbox is closed the
 * calling thread does it itself, for then nobody else touches the owner's state.
 */
int mailbox_ask(struct mailbox *box, void (*call)(void *arg), void *arg, int timeout_ms);

/* The owner's: does what was asked for, and resets the eventfd. */
void mailbox_serve(struct mailbox *box);
/* The owner's last act. */
void mailbox_close(struct mailbox *box);

/* Makes the owner's poll return. Any thread. */
void mailbox_wake(struct mailbox *box);

/* Whether mailbox_serve has something to do; costs a load. */
static inline bool
mailbox_is_posted(const struct mailbox *box)
{
	return __atomic_load_n(&box->is_posted, __ATOMIC_ACQUIRE);
}

#endif
