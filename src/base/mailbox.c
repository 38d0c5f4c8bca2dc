/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int
mailbox_init(struct mailbox *box)
{
	pthread_condattr_t attr;

	memset(box, 0, sizeof *box);
	if ((box->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		return -1;
	pthread_mutex_init(&box->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&box->changed, &attr);
	pthread_condattr_destroy(&attr);
	return 0;
}

void
mailbox_done(struct mailbox *box)
{
	close(box->wake_fd);
	pthread_mutex_destroy(&box->lock);
	pthread_cond_destroy(&box->changed);
}

void
mailbox_wake(struct mailbox *box)
{
	uint64_t one = 1;
	ssize_t n = write(box->wake_fd, &one, sizeof one);

	(void)n; /* full: it is readable anyway */
}

static struct timespec
in_ms(int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000l;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

int
mailbox_ask(struct mailbox *box, void (*call)(void *arg), void *arg, int timeout_ms)
{
	struct timespec until = in_ms(timeout_ms);
	unsigned long before;
	int status = 0, waited = 0;

	pthread_mutex_lock(&box->lock);
	while ((box->call != NULL || box->is_running) && !box->is_closed && waited == 0)
		waited = pthread_cond_timedwait(&box->changed, &box->lock, &until);
	if (waited != 0) {
		status = -1; /* another's call is in the way */
		goto done;
	}
	if (box->is_closed) {
		call(arg);
		goto done;
	}
	before = box->calls;
	box->call = call;
	box->arg = arg;
	__atomic_store_n(&box->is_posted, true, __ATOMIC_RELEASE);
	mailbox_wake(box);
	while (box->calls == before) {
		if (waited == 0)
			waited = pthread_cond_timedwait(&box->changed, &box->lock,
			    &until);
		else if (box->is_running)
			pthread_cond_wait(&box->changed, &box->lock);
		else
			break;
	}
	if (box->calls == before) {
		box->call = NULL;
		__atomic_store_n(&box->is_posted, false, __ATOMIC_RELEASE);
		status = -1;
	}
done:
	pthread_cond_broadcast(&box->changed);
	pthread_mutex_unlock(&box->lock);
	return status;
}

void
mailbox_serve(struct mailbox *box)
{
	void (*call)(void *);
	uint64_t count;
	ssize_t n = read(box->wake_fd, &count, sizeof count);

	(void)n;
	if (!mailbox_is_posted(box))
		return;
	pthread_mutex_lock(&box->lock);
	if ((call = box->call) != NULL) {
		box->call = NULL;
		box->is_running = true;
		__atomic_store_n(&box->is_posted, false, __ATOMIC_RELEASE);
		pthread_mutex_unlock(&box->lock);
		call(box->arg);
		pthread_mutex_lock(&box->lock);
		box->is_running = false;
		box->calls++;
	}
	pthread_cond_broadcast(&box->changed);
	pthread_mutex_unlock(&box->lock);
}

void
mailbox_close(struct mailbox *box)
{
	mailbox_serve(box);
	pthread_mutex_lock(&box->lock);
	box->is_closed = true;
	if (box->call != NULL) { /* came after that */
		box->call(box->arg);
		box->call = NULL;
		box->calls++;
	}
	pthread_cond_broadcast(&box->changed);
	pthread_mutex_unlock(&box->lock);
}
