/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two namespaces with nginx in one of them, or this machine's own network and the device
 * that its route to the URLs leaves by.
 */
#include "cmd/lab_fetch_way.h"

#include "base/err.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/lab_step.h"
#include "lab/process.h"
#include "lab/program.h"
#include "lab/route.h"
#include "lab/wait.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { READY_MS = 20000 };

static const char client_space[] = "client", server_space[] = "server";

static int
path_in(const struct lab_fetch_way *w, const char *name, char out[PATH_MAX],
	struct err *err)
{
	if (snprintf(out, PATH_MAX, "%s/%s", w->config->folder, name) < PATH_MAX)
		return 0;
	return err_set(err, ENAMETOOLONG, "%s: too long a name", w->config->folder);
}

/*
 * Whatever the folder is called, the server sees it at NETWORK_FOLDER; its own files are
 * named relative to the one of the results (-p).
 */
static int
write_config(const char *path, struct err *err)
{
	static const char config[] =
	    "daemon off; user root; worker_processes 1; pid nginx.pid;\n"
	    "events { worker_connections 1024; }\nhttp {\naccess_log off; sendfile on;\n"
	    "default_type application/octet-stream;\nclient_body_temp_path .; "
	    "proxy_temp_path .; fastcgi_temp_path .; uwsgi_temp_path .; scgi_temp_path "
	    ".;\n"
	    "server { listen 80; root " NETWORK_FOLDER "; }\n}\n";
	struct text t;
	int status;

	text_init(&t);
	text_str(&t, config);
	status = lab_file_write(path, &t, err);
	text_done(&t);
	return status;
}

static int
start_server(struct lab_fetch_way *w, struct err *err)
{
	char conf[PATH_MAX], log[PATH_MAX], seen[PATH_MAX + sizeof NETWORK_FOLDER];
	const char *argv[] = {"nginx",           "-p", w->config->folder, "-e", log, "-c",
			      conf, NULL};
	const char *files[] = {seen, NULL};
	struct process_config config = {.argv = argv,
					.log = log,
					.files = files,
					.space =
					    network_space_name(w->net, server_space)};

	snprintf(seen, sizeof seen, "%s:" NETWORK_FOLDER, w->config->root);
	if (program_need("nginx", err) != 0 || path_in(w, "nginx.conf", conf, err) != 0 ||
	    path_in(w, "nginx.log", log, err) != 0 || write_config(conf, err) != 0 ||
	    process_start(&config, &w->server, err) != 0)
		return -1;
	return wait_for_port(w->server, "nginx", log, config.space, false, 80, READY_MS,
			     err);
}

static int
open_network(struct lab_fetch_way *w, struct err *err)
{
	struct network_link link = {.a = {client_space, "eth0", "192.0.2.1/24", NULL},
				    .b = {server_space, "eth0", "192.0.2.80/24", NULL},
				    .is_wire = true};

	if (network_open(&w->net, err) != 0 ||
	    network_space(w->net, client_space, err) != 0 ||
	    network_space(w->net, server_space, err) != 0 ||
	    network_link(w->net, &link, err) != 0)
		return -1;
	w->space = network_space_name(w->net, client_space);
	snprintf(w->device, sizeof w->device, "eth0");
	return start_server(w, err);
}

/* The device that all URLs are reached by. A host without an address fails later, by
 * itself. */
static int
find_device(struct lab_fetch_way *w, struct err *err)
{
	char host[300], before[300] = "", device[DEVICE_NAME_MAX + 1];
	struct err why = {0};
	size_t i;

	for (i = 0; i < w->targets->count; i++) {
		lab_url_host(lab_target_text(w->targets, w->targets->list[i].url), host,
			     sizeof host);
		if (strcmp(host, before) == 0)
			continue; /* they are sorted */
		memcpy(before, host, sizeof before);
		err_clear(&why);
		if (route_device(host, device, &why) != 0) {
			if (why.code != EHOSTUNREACH)
				return err_set(err, why.code,
					       "%s; --interface names the one to meter",
					       why.text);
			complain("lab reference: %s", why.text);
			continue;
		}
		if (w->device[0] != '\0' && strcmp(w->device, device) != 0)
			return err_set(err, EINVAL,
				       "%s is reached by %s, others by %s: one run "
				       "meters one interface, which --interface names",
				       host, device, w->device);
		memcpy(w->device, device, sizeof device);
	}
	return w->device[0] != '\0'
		   ? 0
		   : err_set(err, EHOSTUNREACH,
			     "no host of these URLs is reached; --interface names the "
			     "interface to meter if curl gets there all the same");
}

int
lab_fetch_way_open(struct lab_fetch_way *w, const struct lab_fetch_config *config,
		   const struct lab_targets *targets, struct err *err)
{
	const char *named = config->interface;

	*w = (struct lab_fetch_way){.config = config, .targets = targets};
	if (config->root != NULL)
		return open_network(w, err);
	if (named == NULL)
		return find_device(w, err);
	if (strlen(named) > DEVICE_NAME_MAX)
		return err_set(err, EINVAL, "--interface: '%s' is no name of a device",
		    named);
	snprintf(w->device, sizeof w->device, "%s", named);
	return 0;
}

void
lab_fetch_way_close(struct lab_fetch_way *w)
{
	process_free(w->server);
	network_close(w->net);
	*w = (struct lab_fetch_way){0};
}
