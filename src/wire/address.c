/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket addresses from text, and to the model's addresses.
 */
#include "wire/address.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* getaddrinfo takes 99999 for the port 34463. A word may be a service's name. */
static bool
is_port(const char *s)
{
	char *end;
	unsigned long port = strtoul(s, &end, 10);

	return *s < '0' || *s > '9' || (*end == '\0' && port > 0 && port <= 65535);
}

int
address_resolve(const char *text, bool is_to_listen, struct sockaddr_storage *out,
    socklen_t *out_len, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
	    .ai_flags = is_to_listen ? AI_PASSIVE : 0}, *found;
	const char *colon = strrchr(text, ':'), *host = text, *end = colon;
	char name[256];
	int failed;

	if (colon == NULL || colon[1] == '\0')
		return err_set(err, EINVAL, "%s: no port; write HOST:PORT or [IPV6]:PORT",
		    text);
	if (!is_port(colon + 1) && !(is_to_listen && strcmp(colon + 1, "0") == 0))
		return err_set(err, EINVAL, "%s: a port is a number from 1 to 65535",
		    text);
	if (*host == '[' && end > host && end[-1] == ']') {
		host++;
		end--;
	} else if (memchr(host, ':', (size_t)(end - host)) != NULL) {
		return err_set(err, EINVAL, "%s: write an IPv6 address as [IPV6]:PORT",
		    text);
	}
	if ((size_t)(end - host) >= sizeof name || (host == end && !is_to_listen))
		return err_set(err, EINVAL, "%s: no host; write HOST:PORT", text);
	memcpy(name, host, (size_t)(end - host));
	name[end - host] = '\0';
	if (host == end)
		strcpy(name, "::");
	failed = getaddrinfo(name, colon + 1, &hints, &found);
	if (failed != 0 && host == end) /* no IPv6 here */
		failed = getaddrinfo("0.0.0.0", colon + 1, &hints, &found);
	if (failed != 0)
		return err_set(err, EINVAL, "%s: %s", text, gai_strerror(failed));
	memset(out, 0, sizeof *out);
	memcpy(out, found->ai_addr, found->ai_addrlen);
	*out_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

int
address_resolve_host(const char *text, struct sockaddr_storage *out, socklen_t *out_len,
    struct err *err)
{
	const char *colon = strchr(text, ':');
	bool is_bare_six = colon != NULL && strchr(colon + 1, ':') != NULL &&
	    *text != '[';
	size_t len = strlen(text);
	char whole[300];

	if (len > 256)
		return err_set(err, EINVAL, "%.64s...: too long for an address", text);
	if (is_bare_six)
		snprintf(whole, sizeof whole, "[%s]:0", text);
	else if (colon == NULL || (*text == '[' && text[len - 1] == ']'))
		snprintf(whole, sizeof whole, "%s:0", text);
	else
		snprintf(whole, sizeof whole, "%s", text);
	return address_resolve(whole, true, out, out_len, err);
}

uint16_t
address_port(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
	return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

struct addr
address_of(const struct sockaddr_storage *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *six;
	uint32_t four;

	if (address->ss_family != AF_INET6) {
		four = ((const struct sockaddr_in *)address)->sin_addr.s_addr;
		return addr_v4(ntohl(four));
	}
	six = ((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr;
	if (memcmp(six, mapped, sizeof mapped) != 0)
		return addr_v6(six);
	memcpy(&four, six + 12, sizeof four);
	return addr_v4(ntohl(four));
}
