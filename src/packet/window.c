/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps move along a file. Their pages are entered into the page table at once
 * (MADV_POPULATE_READ, Linux 5.14), which is what makes a map cheaper than read(2):
 * nothing is copied and nothing faults. Where the kernel does not know that, pages fault
 * in.
 *
 * SIGBUS comes to the thread that touched the page, so a handler finds the window in a
 * variable of the thread. It puts zeros there and lets the access go on; any other SIGBUS
 * goes the way it would have gone.
 */
#include "packet/window.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

static _Thread_local struct window *current;
static struct sigaction before;

static void
on_bus(int number, siginfo_t *info, void *context)
{
	struct window *w = current;
	uint8_t *at = info->si_addr;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), skip;

	(void)context;
	if (w == NULL || w->bytes == NULL || at < w->bytes || at >= w->bytes + w->len) {
		sigaction(number, &before, NULL); /* and the same again */
		return;
	}
	skip = (size_t)(at - w->bytes) / page * page;
	if (mmap(w->bytes + skip, w->len - skip, PROT_READ,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		sigaction(number, &before, NULL);
	w->is_cut = true;
}

/* Ours, in place of what is there, unless it is there already. */
static void
handler_install(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct sigaction action = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO}, now;

	pthread_mutex_lock(&lock);
	if (sigaction(SIGBUS, NULL, &now) == 0 && now.sa_sigaction != on_bus) {
		before = now;
		sigaction(SIGBUS, &action, NULL);
	}
	pthread_mutex_unlock(&lock);
}

int
window_move(struct window *w, uint64_t offset, size_t len)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), from = offset / page * page;
	void *bytes;

	handler_install();
	window_done(w);
	len += (size_t)(offset - from);
	bytes = mmap(NULL, len, PROT_READ, MAP_SHARED, w->fd, (off_t)from);
	if (bytes == MAP_FAILED)
		return -1;
	(void)madvise(bytes, len, MADV_POPULATE_READ);
	w->from = from;
	w->bytes = bytes;
	w->len = len;
	current = w;
	return 0;
}

void
window_claim(struct window *w)
{
	current = w;
}

void
window_done(struct window *w)
{
	if (w->bytes == NULL)
		return;
	munmap(w->bytes, w->len);
	w->bytes = NULL;
	if (current == w)
		current = NULL;
}
