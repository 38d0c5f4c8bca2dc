/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks of namespaces: what they carry, and that nothing is left of them. Needs
 * root. */
#include "base/err.h"
#include "base/text.h"
#include "lab/leftover.h"
#include "lab/network.h"
#include "lab/process.h"
#include "lab/program.h"
#include "lab/space.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Does it, or fails with its message. */
#define DO(call)                                       \
	do {                                           \
		struct err err = {0};                  \
		if ((call) != 0)                       \
			fail_msg("%s", err.text);      \
	} while (0)

static bool
is_there(const char *full_name)
{
	char path[SPACE_PATH_MAX];

	space_path(full_name, path);
	return access(path, F_OK) == 0;
}

static struct network *
open_network(void)
{
	struct network *net = NULL;

	DO(network_open(&net, &err));
	return net;
}

/* A UDP socket in a namespace, bound to an address and port 9. */
static int
udp(const struct network *net, const char *space, const char *address)
{
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	bool is6 = strchr(address, ':') != NULL;
	int back, fd;

	DO(space_enter(network_space_name(net, space), &back, &err));
	fd = socket(is6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	space_leave(back);
	assert_true(fd >= 0);
	assert_int_equal(inet_pton(is6 ? AF_INET6 : AF_INET, address,
	    is6 ? (void *)&to6.sin6_addr : (void *)&to.sin_addr), 1);
	if (bind(fd, is6 ? (void *)&to6 : (void *)&to, is6 ? sizeof to6 : sizeof to) != 0)
		fail_msg("bind %s: %s", address, strerror(errno));
	return fd;
}

/* Sends a datagram from one to the other and back; the address that the receiver saw. */
static const char *
exchange(int from, int to, const char *to_address)
{
	static char seen[INET6_ADDRSTRLEN];
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct sockaddr_storage who;
	bool is6 = strchr(to_address, ':') != NULL;
	socklen_t len = sizeof who;
	struct pollfd polled = {to, POLLIN, 0};
	char room[16];

	(void)inet_pton(is6 ? AF_INET6 : AF_INET, to_address,
	    is6 ? (void *)&a6.sin6_addr : (void *)&a.sin_addr);
	if (sendto(from, "there", 5, 0, is6 ? (void *)&a6 : (void *)&a,
	    is6 ? sizeof a6 : sizeof a) != 5)
		fail_msg("send to %s: %s", to_address, strerror(errno));
	if (poll(&polled, 1, 5000) != 1)
		fail_msg("nothing came to %s", to_address);
	assert_int_equal(recvfrom(to, room, sizeof room, 0, (void *)&who, &len), 5);
	assert_int_equal(sendto(to, "back", 4, 0, (void *)&who, len), 4);
	polled.fd = from;
	assert_int_equal(poll(&polled, 1, 5000), 1);
	assert_int_equal(recv(from, room, sizeof room, 0), 4);
	(void)inet_ntop(is6 ? AF_INET6 : AF_INET,
	    is6 ? (void *)&((struct sockaddr_in6 *)&who)->sin6_addr
	    : (void *)&((struct sockaddr_in *)&who)->sin_addr, seen, sizeof seen);
	return seen;
}

static void
test_link(void **state)
{
	struct network_link link = {.a = {"a", "eth0", "192.0.2.1/24", "2001:db8::1/64"},
	    .b = {"b", "eth0", "192.0.2.2/24", "2001:db8::2/64"}, .mtu = 1280};
	struct network *net = open_network();
	const char *show[] = {"ip", "-n", NULL, "link", "show", "eth0", NULL};
	char name[SPACE_NAME_MAX + 1];
	struct text out;
	int from, to;

	DO(network_space(net, "a", &err));
	DO(network_space(net, "b", &err));
	DO(network_link(net, &link, &err));
	from = udp(net, "a", "192.0.2.1");
	to = udp(net, "b", "192.0.2.2");
	assert_string_equal(exchange(from, to, "192.0.2.2"), "192.0.2.1");
	close(from);
	close(to);
	from = udp(net, "a", "2001:db8::1"); /* at once: no duplicate detection */
	to = udp(net, "b", "2001:db8::2");
	assert_string_equal(exchange(from, to, "2001:db8::2"), "2001:db8::1");
	close(from);
	close(to);
	text_init(&out);
	show[2] = network_space_name(net, "b");
	DO(program_run(show, NULL, &out, &err));
	assert_non_null(strstr(out.data, "mtu 1280"));
	text_done(&out);
	snprintf(name, sizeof name, "%s", network_space_name(net, "a"));
	assert_true(is_there(name));
	network_close(net);
	assert_false(is_there(name));
}

/* client -- bridge of a switch -- router with NAT -- server */
static void
test_routes(void **state)
{
	static const struct network_link links[] = {
		{.a = {"client", "eth0", "10.0.0.2/24", "fd00::2/64"},
		    .b = {"switch", "p0"}},
		{.a = {"switch", "p1"}, .b = {"router", "in", "10.0.0.1/24",
		    "fd00::1/64"}},
		{.a = {"router", "out", "198.51.100.1/24", "2001:db8::1/64"},
		    .b = {"server", "eth0", "198.51.100.2/24", "2001:db8::2/64"},
		    .is_wire = true},
	};
	static const char *const names[] = {"client", "switch", "router", "server"};
	static const char *const servers[] = {"198.51.100.2", "2001:db8::2"};
	static const char *const clients[] = {"10.0.0.2", "fd00::2"};
	static const char *const routers[] = {"198.51.100.1", "2001:db8::1"};
	struct network *net;
	int from, to, k;
	size_t i;

	if (program_need("nft", NULL) != 0) {
		print_message("# skip: nft is not installed\n");
		skip();
	}
	net = open_network();
	for (i = 0; i < 4; i++)
		DO(network_space(net, names[i], &err));
	for (i = 0; i < 3; i++)
		DO(network_link(net, &links[i], &err));
	DO(network_bridge(net, "switch", "br0", &err));
	DO(network_port(net, "switch", "br0", "p0", &err));
	DO(network_port(net, "switch", "br0", "p1", &err));
	DO(network_route(net, "client", "default via 10.0.0.1", &err));
	DO(network_route(net, "client", "default via fd00::1", &err));
	DO(network_forward(net, "router", &err));
	DO(network_masquerade(net, "router", "out", &err));
	for (k = 0; k < 2; k++) {
		from = udp(net, "client", clients[k]);
		to = udp(net, "server", servers[k]);
		assert_string_equal(exchange(from, to, servers[k]), routers[k]);
		close(from);
		close(to);
	}
	network_close(net);
}

static void
test_settings(void **state)
{
	static const char *const offs[] = {"tcp-segmentation-offload: off",
	    "generic-segmentation-offload: off", "generic-receive-offload: off",
	    "tx-udp-segmentation: off", "tx-checksumming: off"};
	struct network_link link = {.a = {"a", "eth0", NULL, NULL},
	    .b = {"b", "eth0", NULL, NULL},
	    .is_wire = true};
	struct network *net = open_network();
	struct process_config config = {0};
	const char *argv[] = {"ethtool", "-k", "eth0", NULL};
	char value[64], output[300];
	struct err bad = {0};
	FILE *file;
	size_t i, n;

	DO(network_space(net, "a", &err));
	DO(network_space(net, "b", &err));
	DO(network_sysctl(net, "a", "net.ipv4.tcp_timestamps", "0", &err));
	DO(space_sysctl_get(network_space_name(net, "a"), "net.ipv4.tcp_timestamps",
	    value, sizeof value, &err));
	assert_string_equal(value, "0");
	DO(space_sysctl_get(network_space_name(net, "b"), "net.ipv4.tcp_timestamps",
	    value, sizeof value, &err));
	assert_string_equal(value, "1");
	assert_int_equal(network_sysctl(net, "a", "net.ipv4.no_such", "0", &bad), -1);
	assert_string_equal(bad.text,
	    "namespace a: net.ipv4.no_such: No such file or directory");
	bad = (struct err){0};
	assert_int_equal(network_sysctl(net, "a", "kernel.hostname", "x", &bad), -1);
	assert_string_equal(bad.text,
	    "namespace a: kernel.hostname: is no setting of a network (net....)");
	bad = (struct err){0};
	assert_int_equal(network_sysctl(net, "a", "net//kernel", "x", &bad), -1);
	DO(network_link(net, &link, &err));
	if (program_need("ethtool", NULL) == 0) {
		const char *folder = getenv("WEIR_TMP") == NULL ? "/tmp"
		    : getenv("WEIR_TMP");
		char text[8192];

		snprintf(output, sizeof output, "%s/features-%ld", folder,
		    (long)getpid());
		config = (struct process_config){.argv = argv,
		    .space = network_space_name(net, "b"), .output = output};
		DO(process_run(&config, 10000, &err));
		file = fopen(output, "r");
		assert_non_null(file);
		n = fread(text, 1, sizeof text - 1, file);
		text[n] = '\0';
		fclose(file);
		(void)unlink(output);
		for (i = 0; i < sizeof offs / sizeof *offs; i++) {
			if (strstr(text, offs[i]) == NULL)
				fail_msg("no '%s' in:\n%s", offs[i], text);
		}
		DO(network_offload(net, "b", "eth0", true, &err));
	}
	network_close(net);
}

static void
test_messages(void **state)
{
	static const struct {
		struct network_link link;
		const char *message;
	} rows[] = {
		{{.a = {"a", "eth0"}, .b = {"none", "eth0"}}, "no namespace 'none'"},
		{{.a = {"a", "eth0"}, .b = {"a", "a-very-long-name-it-is"}},
		    "no name for a device"},
		{{.a = {"a", "x y"}, .b = {"a", "eth1"}}, "no name for a device"},
		{{.a = {"a", "eth5", "192.0.2.300/24"}, .b = {"a", "eth6"}},
		    "192.0.2.300"},
		{{.a = {"a", "lo"}, .b = {"a", "eth7"}}, "File exists"},
	};
	static const char *const bad_names[] = {"", "a b", "../x", "-x", "a/b", "x;y",
	    "a-name-that-is-much-too-long-for-a-namespace"};
	struct network *net = open_network(), *second;
	struct err bad;
	size_t i;

	bad = (struct err){0};
	assert_int_equal(network_open(&second, &bad), -1);
	assert_string_equal(bad.text, "a program has one network at a time");
	DO(network_space(net, "a", &err));
	bad = (struct err){0};
	assert_int_equal(network_space(net, "a", &bad), -1);
	for (i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
		bad = (struct err){0};
		assert_int_equal(network_space(net, bad_names[i], &bad), -1);
		assert_non_null(strstr(bad.text, "is no name for a namespace"));
	}
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		bad = (struct err){0};
		assert_int_equal(network_link(net, &rows[i].link, &bad), -1);
		if (strstr(bad.text, rows[i].message) == NULL)
			fail_msg("'%s' has no '%s'", bad.text, rows[i].message);
	}
	bad = (struct err){0};
	assert_int_equal(network_route(net, "a", "default via 203.0.113.1", &bad), -1);
	assert_non_null(strstr(bad.text, "route add default via 203.0.113.1: ip: "));
	assert_null(network_space_name(net, "b"));
	network_close(net);
	network_close(NULL);
}

/* Emulated, by the program that script/test names. */
static void
test_emulated(void **state)
{
	static const char *const options[] = {"--delay", "20ms", "--back", "delay=5ms",
	    NULL};
	struct network_link link = {.a = {"a", "eth0", "192.0.2.1/24", "2001:db8::1/64"},
	    .b = {"b", "eth0", "192.0.2.2/24", "2001:db8::2/64"}, .mtu = 1400};
	const char *program = getenv("WEIR"), *bad[] = {"--loss", "200%", NULL};
	struct process *p = NULL;
	struct timespec before, after;
	struct network *net;
	struct err failed = {0};
	double ms;
	int from, to, i;

	if (program == NULL || access("/dev/net/tun", W_OK) != 0) {
		print_message("# skip: needs WEIR (script/test sets it) and /dev/net/tun\n");
		skip();
	}
	net = open_network();
	DO(network_space(net, "a", &err));
	DO(network_space(net, "b", &err));
	assert_int_equal(network_emulate(net, &link, bad, program, NULL, NULL, &failed),
	    -1);
	assert_string_equal(failed.text, "the link emulator ended with status 2");
	DO(network_emulate(net, &link, options, program, NULL, &p, &err));
	from = udp(net, "a", "192.0.2.1");
	to = udp(net, "b", "192.0.2.2");
	for (i = 0; i < 2; i++) { /* the first waits for ARP */
		clock_gettime(CLOCK_MONOTONIC, &before);
		assert_string_equal(exchange(from, to, "192.0.2.2"), "192.0.2.1");
		clock_gettime(CLOCK_MONOTONIC, &after);
	}
	ms = (double)(after.tv_sec - before.tv_sec) * 1e3 +
	    (double)(after.tv_nsec - before.tv_nsec) / 1e6;
	assert_true(ms >= 25);
	close(from);
	close(to);
	assert_true(process_is_running(p));
	network_close(net);
}

/* What another process does with a network; it tells by a pipe when it is done, and then
 * sleeps. */
static pid_t
child_with_network(char name[SPACE_NAME_MAX + 1], pid_t *sleeper)
{
	static const char *const argv[] = {"sleep", "1000", NULL};
	struct process_config config = {.argv = argv};
	struct network *net;
	struct process *p;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		struct err err = {0};

		if (network_open(&net, &err) != 0 || network_space(net, "held",
		    &err) != 0)
			_exit(1);
		config.space = network_space_name(net, "held");
		if (process_start(&config, &p, &err) != 0)
			_exit(1);
		*sleeper = process_pid(p);
		if (write(fds[1], config.space, SPACE_NAME_MAX + 1) < 0 ||
		    write(fds[1], sleeper, sizeof *sleeper) < 0)
			_exit(1);
		pause();
	}
	assert_int_equal(read(fds[0], name, SPACE_NAME_MAX + 1), SPACE_NAME_MAX + 1);
	assert_int_equal(read(fds[0], sleeper, sizeof *sleeper), sizeof *sleeper);
	close(fds[0]);
	close(fds[1]);
	return pid;
}

static void
await_gone(pid_t pid)
{
	int i;

	for (i = 0; i < 500 && kill(pid, 0) == 0; i++)
		usleep(10000);
	assert_int_equal(kill(pid, 0), -1);
}

static void
test_leftovers(void **state)
{
	char name[SPACE_NAME_MAX + 1], path[64], expected[128];
	pid_t pid, sleeper, stray;
	struct network *net;
	struct text told;

	/* One that lives is left alone. */
	pid = child_with_network(name, &sleeper);
	snprintf(path, sizeof path, NETWORK_FOLDER "/%ld", (long)pid);
	net = open_network();
	assert_true(is_there(name));
	assert_int_equal(kill(sleeper, 0), 0);

	/* Something in its namespace that is nobody's child, once the program has
	 * died. */
	if ((stray = fork()) == 0) {
		int back;

		if (space_enter(name, &back, NULL) != 0)
			_exit(1);
		pause();
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	await_gone(sleeper);
	assert_true(is_there(name));
	assert_int_equal(access(path, F_OK), 0);
	text_init(&told);
	DO(network_clean(&told, &err));
	snprintf(expected, sizeof expected, "left by process %ld, removed:\nspace %s\n",
	    (long)pid, name);
	if (strstr(told.data, expected) == NULL)
		fail_msg("'%s' has no '%s'", told.data, expected);
	assert_int_equal(waitpid(stray, NULL, 0), stray);
	assert_false(is_there(name));
	assert_int_equal(access(path, F_OK), -1);
	text_clear(&told);
	DO(network_clean(&told, &err));
	assert_null(strstr(told.data, name));
	text_done(&told);
	network_close(net);

	/* And by the next one that opens. */
	pid = child_with_network(name, &sleeper);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	net = open_network();
	assert_false(is_there(name));
	network_close(net);
}

/* Lines that no lab writes are passed over: nothing but what is a lab's is touched. */
static void
test_strange_lines(void **state)
{
	static const char *const lines[] = {"space ../../tmp/weir-strange-%ld",
	    "space weir-/../../../tmp/weir-strange-%ld",
	    "space", "device", "device -", "device - no-such-device x", "table - ",
	    "sysctl - net.ipv4.no_such 1",
	    "sysctl - kernel.hostname x", "sysctl no-such-space net.ipv4.ip_forward 1",
	    "strange", "", "sysctl"};
	struct leftover *left = NULL;
	char path[64], name[256], host[2][65];
	FILE *f;
	size_t i;

	snprintf(path, sizeof path, "/tmp/weir-strange-%ld", (long)getpid());
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(gethostname(host[0], sizeof host[0]), 0);
	DO(leftover_open(&left, &err));
	for (i = 0; i < sizeof lines / sizeof *lines; i++) {
		snprintf(name, sizeof name, "%s", lines[i]);
		if (strstr(name, "%ld") != NULL)
			snprintf(strstr(name, "%ld"), 32, "%ld", (long)getpid());
		DO(leftover_note(left, &err, "%s", name));
	}
	leftover_close(left);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(gethostname(host[1], sizeof host[1]), 0);
	assert_string_equal(host[0], host[1]);
}

/* A setting of the machine goes back to what it was before the first lab changed it. */
static void
test_before(void **state)
{
	struct leftover *left;
	char value[64] = "";
	int status, up[2], down[2];
	pid_t pid;

	assert_int_equal(pipe(up), 0);
	assert_int_equal(pipe(down), 0);
	if ((pid = fork()) == 0) {
		if (leftover_open(&left, NULL) != 0 ||
		    leftover_note(left, NULL, "sysctl - net.weir.none 7 8") != 0 ||
		    write(up[1], "", 1) != 1 || read(down[0], value, 1) != 1)
			_exit(1);
		leftover_close(left);
		_exit(0);
	}
	assert_int_equal(read(up[0], value, 1), 1);
	assert_true(leftover_before(NULL, "net.weir.none", value, sizeof value));
	assert_string_equal(value, "7 8");
	assert_false(leftover_before(NULL, "net.weir", value, sizeof value));
	assert_false(leftover_before("other", "net.weir.none", value, sizeof value));
	assert_int_equal(write(down[1], "", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_false(leftover_before(NULL, "net.weir.none", value, sizeof value));
	close(up[0]), close(up[1]), close(down[0]), close(down[1]);
}

/* What a resolv.conf says of servers that are not reached is left out. */
static void
test_resolvers(void **state)
{
	static const struct {
		const char *file, *upstream; /* NULL: is not there */
		const char *out;             /* NULL: refused */
		bool has_6;
	} rows[] = {
		{"nameserver 192.0.2.53\nsearch example.org\n", NULL, ""},
		{"nameserver 127.0.0.53\nsearch example.org\n", "nameserver 192.0.2.53\n",
		    "nameserver 192.0.2.53\n"},
		{"search x\n nameserver 127.0.0.1\nnameserver 192.0.2.1\nnameserver ::1\n", NULL,
		    "search x\nnameserver 192.0.2.1\n"},
		{"nameserver 127.0.0.53\n", "nameserver 2001:db8::53\n", NULL},
		{"nameserver 127.0.0.53\n", NULL, NULL}, {"", NULL, NULL},
		{NULL, NULL, NULL},
		{NULL, "nameserver 192.0.2.53", "nameserver 192.0.2.53"},
		{"nameserver 2001:db8::53\n", NULL, "", true},
		{"nameserver ::1\nnameserver FE80::1%eth0\nnameserver 2001:db8::53\n",
		    NULL, "nameserver 2001:db8::53\n", true},
		{"nameserver ::1\n", NULL, NULL, true},
	};
	const char *folder = getenv("WEIR_TMP") == NULL ? "/tmp" : getenv("WEIR_TMP");
	char paths[2][300];
	struct text out;
	struct err failed;
	size_t i, k;
	FILE *f;

	text_init(&out);
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (k = 0; k < 2; k++) {
			const char *text = k == 0 ? rows[i].file : rows[i].upstream;

			snprintf(paths[k], sizeof paths[k], "%s/resolv-%ld-%zu", folder,
			    (long)getpid(), k);
			(void)unlink(paths[k]);
			if (text == NULL)
				continue;
			f = fopen(paths[k], "w");
			fputs(text, f);
			fclose(f);
		}
		failed = (struct err){0};
		if (rows[i].out == NULL) {
			assert_int_equal(network_resolvers(paths[0], paths[1],
			    rows[i].has_6, &out, &failed), -1);
			assert_non_null(strstr(failed.text, "no name server is reached"));
		} else {
			DO(network_resolvers(paths[0], paths[1], rows[i].has_6, &out,
			    &err));
			assert_string_equal(out.data, rows[i].out);
		}
	}
	(void)unlink(paths[0]);
	(void)unlink(paths[1]);
	text_done(&out);
}

int
main(void)
{
	const struct CMUnitTest list[] = {
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_emulated),
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_before),
		cmocka_unit_test(test_strange_lines),
		cmocka_unit_test(test_resolvers),
	};
	struct err err = {0};

	if (network_possible(&err) != 0) {
		printf("skip - networks: %s\n", err.text);
		return 0;
	}
	return cmocka_run_group_tests(list, NULL, NULL);
}
