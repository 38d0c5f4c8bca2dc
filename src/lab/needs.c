/* SPDX-License-Identifier: BSD-2-Clause */
/* What must be installed for a scenario: the words it chose name their programs. */
#include "lab/needs.h"

#include "base/err.h"
#include "lab/process.h"
#include "lab/program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Programs with blanks between them. */
static int
need_all(const char *list, struct err *err)
{
	size_t len;

	if (list == NULL)
		return 0;
	for (; *list != '\0'; list += len) {
		char name[64];

		list += strspn(list, " ");
		len = strcspn(list, " ");
		snprintf(name, sizeof name, "%.*s", (int)len, list);
		if (len > 0 && program_need(name, err) != 0)
			return -1;
	}
	return 0;
}

static int
need_requests(struct err *err)
{
	static const char *const argv[] = {"/usr/bin/python3", "-c", "import requests",
	    NULL};
	struct err none = {0};

	if (program_run(argv, NULL, NULL, &none) != 0)
		return err_set(err, ENOENT,
		    "Python's requests are not installed; on Debian: "
		    "apt-get install python3-requests");
	return 0;
}

/* WireGuard by the kernel, tried in a namespace that goes away at once, or as a
 * program. */
static int
need_wireguard(struct err *err)
{
	static const char *const argv[] = {"unshare", "-n", "ip", "link", "add", "wg0",
	    "type", "wireguard", NULL};
	struct err none = {0};

	return program_run(argv, NULL, NULL, &none) == 0 ? 0
	    : program_need("wireguard-go", err);
}

/*
 * The machine's kernel: a congestion control that is no module is not there for
 * namespaces.
 */
static int
need_congestion(const char *name, struct err *err)
{
	FILE *file = fopen("/proc/sys/net/ipv4/tcp_available_congestion_control", "r");
	char line[256] = "", *word, *rest = line;

	if (file != NULL) {
		if (fgets(line, sizeof line, file) == NULL)
			line[0] = '\0';
		fclose(file);
	}
	while ((word = strsep(&rest, " \n")) != NULL)
		if (strcmp(word, name) == 0)
			return 0;
	return err_set(err, ENOENT, "the kernel has no congestion control %s; try: "
	    "modprobe tcp_%s", name, name);
}

int
scenario_needs(const struct scenario *s, struct err *err)
{
	const char *const lists[] = {"ip ss nft",
	    scenario_places_there(s) & s->meter_softflowd ? "softflowd softflowctl "
	    "nfcapd nfdump" : NULL,
	    vpn_words[s->network_vpn].programs, server_words[s->server_program].programs,
	    tls_words[s->server_tls].programs, client_words[s->client_program].programs};
	size_t i;

	for (i = 0; i < sizeof lists / sizeof *lists; i++)
		if (need_all(lists[i], err) != 0)
			return -1;
	if (s->client_program == CLIENT_requests && need_requests(err) != 0)
		return -1;
	if (s->network_vpn == VPN_wireguard && need_wireguard(err) != 0)
		return -1;
	return need_congestion(congestion_words[s->network_congestion].text, err);
}
