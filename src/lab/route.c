/* SPDX-License-Identifier: BSD-2-Clause */
/* The resolver knows a host's addresses, ip(8) the route to each. */
#include "lab/route.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

bool
route_device_of(const char *line, char device[DEVICE_NAME_MAX + 1])
{
	const char *at = strstr(line, " dev ");
	size_t n;

	if (at == NULL)
		return false;
	at += strlen(" dev ");
	n = strcspn(at, " \\\n");
	if (n == 0 || n > DEVICE_NAME_MAX)
		return false;
	memcpy(device, at, n);
	device[n] = '\0';
	return true;
}

/* "name", "192.0.2.1:80" or "[2001:db8::1]:80" without brackets and port. */
static void
bare(const char *host, char *out, size_t size)
{
	if (*host == '[')
		snprintf(out, size, "%.*s", (int)strcspn(host + 1, "]"), host + 1);
	else
		snprintf(out, size, "%.*s", (int)strcspn(host, ":"), host);
}

static int
device_to(const struct addrinfo *to, char device[DEVICE_NAME_MAX + 1], struct err *err)
{
	char address[NI_MAXHOST];
	const char *argv[] = {"ip", "-o", "route", "get", address, NULL};
	struct text said;
	int status;

	if (getnameinfo(to->ai_addr, to->ai_addrlen, address, sizeof address, NULL, 0,
	    NI_NUMERICHOST) != 0)
		return err_set(err, EHOSTUNREACH, "an address that is none");
	text_init(&said);
	status = program_run(argv, NULL, &said, err);
	if (status == 0 && !route_device_of(said.data, device))
		status = err_set(err, EHOSTUNREACH, "ip route get %s: names no device",
		    address);
	text_done(&said);
	return status;
}

int
route_device(const char *host, char device[DEVICE_NAME_MAX + 1], struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all, *to;
	char name[300], found[DEVICE_NAME_MAX + 1] = "", one[DEVICE_NAME_MAX + 1];
	struct err why = {0};
	int code, status = 0;

	if (program_need("ip", err) != 0)
		return -1;
	bare(host, name, sizeof name);
	if ((code = getaddrinfo(name, NULL, &hints, &all)) != 0)
		return err_set(err, EHOSTUNREACH, "%s: %s", name,
		    code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
	for (to = all; to != NULL && status == 0; to = to->ai_next) {
		if (device_to(to, one, &why) != 0)
			continue; /* no route: downloads do not go there either */
		if (found[0] != '\0' && strcmp(found, one) != 0)
			status = err_set(err, EINVAL, "%s is reached by %s and by %s",
			    name, found, one);
		memcpy(found, one, sizeof found);
	}
	freeaddrinfo(all);
	if (status == 0 && found[0] == '\0')
		return err_set(err, EHOSTUNREACH, "no route leads to %s: %s", name,
		    why.text);
	if (status == 0)
		memcpy(device, found, sizeof found);
	return status;
}
