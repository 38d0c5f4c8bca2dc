/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue between two threads keeps order and loses nothing; a mailbox calls in its
 * owner's thread, gives up in time, and still works when the owner is gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mailbox.h"
#include "base/ring.h"

#include <poll.h>
#include <sched.h>
#include <string.h>

enum { ITEMS = 200000 };

static void *
put_all(void *arg)
{
	struct ring *r = arg;
	uintptr_t i;

	for (i = 1; i <= ITEMS; i++) {
		while (!ring_put(r, (void *)i))
			sched_yield();
	}
	return NULL;
}

static void
test_ring_order(void **state)
{
	static struct ring r;
	uintptr_t want = 1;
	pthread_t thread;
	void *item;

	assert_int_equal(pthread_create(&thread, NULL, put_all, &r), 0);
	while (want <= ITEMS) {
		if ((item = ring_take(&r)) == NULL) {
			sched_yield();
			continue;
		}
		assert_int_equal((uintptr_t)item, want);
		want++;
	}
	pthread_join(thread, NULL);
	assert_true(ring_is_empty(&r));
	assert_null(ring_take(&r));
}

static void
test_ring_full(void **state)
{
	static struct ring r;
	uintptr_t i;

	for (i = 1; i <= RING_SLOTS; i++)
		assert_true(ring_put(&r, (void *)i));
	assert_false(ring_put(&r, (void *)i));
	assert_int_equal((uintptr_t)ring_take(&r), 1);
	assert_true(ring_put(&r, (void *)i));
	assert_false(ring_put(&r, (void *)i));
}

struct owner {
	struct mailbox box;
	pthread_t thread;
	bool should_end; /* set by a call, so by the owner itself */
	int calls;
};

static void
count(void *arg)
{
	struct owner *o = arg;

	assert_true(pthread_equal(pthread_self(), o->thread) || o->box.is_closed);
	o->calls++;
}

static void
end(void *arg)
{
	((struct owner *)arg)->should_end = true;
}

static void *
own(void *arg)
{
	struct owner *o = arg;
	struct pollfd fd = {o->box.wake_fd, POLLIN, 0};

	while (!o->should_end) {
		poll(&fd, 1, -1);
		mailbox_serve(&o->box);
	}
	mailbox_close(&o->box);
	return NULL;
}

struct asker {
	struct owner *owner;
	int failed;
};

static void *
ask_often(void *arg)
{
	struct asker *a = arg;
	int i;

	for (i = 0; i < 1000; i++)
		a->failed += mailbox_ask(&a->owner->box, count, a->owner, 60000) != 0;
	return NULL;
}

static void
test_mailbox(void **state)
{
	struct owner o = {.calls = 0};
	struct asker askers[3] = {{&o, 0}, {&o, 0}, {&o, 0}};
	pthread_t threads[3];
	int i;

	assert_int_equal(mailbox_init(&o.box), 0);
	assert_int_equal(pthread_create(&o.thread, NULL, own, &o), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &askers[i]),
		    0);
	for (i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(askers[i].failed, 0);
	}
	assert_int_equal(o.calls, 3000);
	assert_int_equal(mailbox_ask(&o.box, end, &o, 60000), 0);
	pthread_join(o.thread, NULL);
	/* the owner is gone: the asking thread does it */
	assert_int_equal(mailbox_ask(&o.box, count, &o, 60000), 0);
	assert_int_equal(o.calls, 3001);
	mailbox_done(&o.box);
}

static void
test_mailbox_gives_up(void **state)
{
	struct owner o = {.calls = 0};

	assert_int_equal(mailbox_init(&o.box), 0);
	o.thread = pthread_self();
	assert_int_equal(mailbox_ask(&o.box, count, &o, 10), -1);
	assert_false(mailbox_is_posted(&o.box));
	mailbox_serve(&o.box); /* what was given up is not called any more */
	assert_int_equal(o.calls, 0);
	mailbox_done(&o.box);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ring_order),
	    cmocka_unit_test(test_ring_full),
	    cmocka_unit_test(test_mailbox),
	    cmocka_unit_test(test_mailbox_gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
