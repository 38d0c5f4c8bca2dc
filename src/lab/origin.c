/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One row per server program: what writes its configuration, and its command line. All
 * log a line per request with the columns of access.def, apart from Caddy, which writes
 * JSON, and s_server, which writes nothing: then the client tells.
 */
#include "lab/origin.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/access.h"
#include "lab/process.h"
#include "lab/topology.h"
#include "lab/wait.h"
#include "lab/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 400 };

struct place_of {
	const struct scenario *s;
	const struct topology *t;
	struct origin *origin;
	const char *folder;
	struct text *out;
};

unsigned
origin_port(const struct scenario *s)
{
	return s->server_tls == TLS_none ? PORT_HTTP : PORT_HTTPS;
}

/* An address as it stands in front of ":port". */
static const char *
bracketed(const struct scenario *s, const char *address, char *room, size_t size)
{
	snprintf(room, size, s->network_ipv6 ? "[%s]" : "%s", address);
	return room;
}

/* ---- configurations ---- */

static void
nginx_config(const struct place_of *at)
{
	const struct scenario *s = at->s;
	char room[64];
	unsigned i;

	text_printf(at->out, "daemon off; user root; worker_processes 1; pid %s/nginx.pid;\n"
	    "error_log %s/server.log;\nevents { worker_connections 1024; }\nhttp {\n",
	    at->folder, at->folder);
	for (i = 0; i < 5; i++)
		text_printf(at->out, "%s_temp_path %s;\n",
		    (const char *[]){"client_body", "proxy",
		    "fastcgi", "uwsgi", "scgi"}[i], at->folder);
	text_str(at->out, "types { text/plain txt; text/html html; "
	    "application/vnd.debian.binary-package deb; }\n"
	    "default_type application/octet-stream;\n"
	    "sendfile on; keepalive_requests 100000; keepalive_timeout 65s;\n"
	    "log_format access '");
	access_format(ACCESS_nginx, at->out);
	text_printf(at->out, "';\naccess_log %s access;\n", at->origin->access);
	if (s->server_gzip)
		text_str(at->out, "gzip on; gzip_types *; gzip_min_length 1;\n");
	text_printf(at->out, "server {\nroot %s;\n", at->origin->root);
	for (i = 0; i < s->network_servers; i++)
		text_printf(at->out, "listen %s:%u%s%s;\n",
		    bracketed(s, at->t->server_address[i], room, sizeof room),
		    origin_port(s), s->server_tls != TLS_none ? " ssl" : "",
		    s->server_http == HTTP_2 ? " http2" : "");
	if (s->server_tls != TLS_none)
		text_printf(at->out, "ssl_certificate %s/tls.crt; ssl_certificate_key "
		    "%s/tls.key;\n"
		    "ssl_protocols TLSv%s; ssl_buffer_size %u;\n", at->folder, at->folder,
		    tls_words[s->server_tls].text, (unsigned)s->server_record);
	text_str(at->out, "}\n}\n");
}

static void
apache_config(const struct place_of *at)
{
	const struct scenario *s = at->s;
	static const char *const modules[] = {"mpm_event", "authz_core", "mime", "logio",
	    "log_config", "ssl", "socache_shmcb"};
	char room[64];
	unsigned i;

	text_printf(at->out, "ServerRoot %s\nPidFile %s/apache.pid\nErrorLog %s/server.log\n"
	    "DefaultRuntimeDir %s\nMutex file:%s\n", at->folder, at->folder, at->folder,
	    at->folder, at->folder);
	for (i = 0; i < sizeof modules / sizeof *modules; i++)
		text_printf(at->out, "<IfModule !%s_module>\nLoadModule %s_module "
		    "/usr/lib/apache2/modules/mod_%s.so\n</IfModule>\n", modules[i],
		    modules[i], modules[i]);
	for (i = 0; i < s->network_servers; i++)
		text_printf(at->out, "Listen %s:%u\n",
		    bracketed(s, at->t->server_address[i],
		    room, sizeof room), origin_port(s));
	text_printf(at->out, "ServerName files.example\nTypesConfig /dev/null\n"
	    "AddType application/octet-stream .bin\nDocumentRoot %s\nMaxKeepAliveRequests 0\n"
	    "KeepAliveTimeout 65\nLogFormat \"", at->origin->root);
	access_format(ACCESS_apache, at->out);
	text_printf(at->out, "\" access\nCustomLog %s access\n", at->origin->access);
	if (s->server_tls != TLS_none)
		text_printf(at->out, "SSLEngine on\nSSLCertificateFile %s/tls.crt\n"
		    "SSLCertificateKeyFile %s/tls.key\nSSLProtocol -all +TLSv%s\n",
		    at->folder, at->folder, tls_words[s->server_tls].text);
}

static void
caddy_config(const struct place_of *at)
{
	const struct scenario *s = at->s;
	static const char *const versions[] = {"h1", "h1 h2", "h1 h2 h3"};
	unsigned i;

	text_printf(at->out, "{\n\tadmin off\n\tauto_https off\n"
	    "\tdefault_sni files.example\n\tservers {\n\t\tprotocols %s\n\t}\n}\n%s://:%u {\n"
	    "\tbind", versions[s->server_http],
	    s->server_tls == TLS_none ? "http" : "https", origin_port(s));
	for (i = 0; i < s->network_servers; i++)
		text_printf(at->out, " %s", at->t->server_address[i]);
	text_str(at->out, "\n");
	if (s->server_tls != TLS_none)
		text_printf(at->out, "\ttls %s/tls.crt %s/tls.key {\n\t\tprotocols tls%s tls%s\n"
		    "\t}\n", at->folder, at->folder, tls_words[s->server_tls].text,
		    tls_words[s->server_tls].text);
	text_printf(at->out, "\troot * %s\n\tfile_server\n\tlog {\n\t\toutput file %s {\n"
	    "\t\t\troll_disabled\n\t\t}\n\t\tformat json\n\t}\n}\n", at->origin->root,
	    at->origin->access);
}

static void
no_config(const struct place_of *at)
{
}

/* ---- programs ---- */

static void
nginx_words(const struct place_of *at, struct words *w)
{
	words_add(w, "nginx");
	words_add(w, "-e");
	words_add(w, "%s/server.log", at->folder);
	words_add(w, "-c");
	words_add(w, "%s/server.conf", at->folder);
}

static void
apache_words(const struct place_of *at, struct words *w)
{
	words_split(w, "apache2 -D FOREGROUND -f");
	words_add(w, "%s/server.conf", at->folder);
}

static void
caddy_words(const struct place_of *at, struct words *w)
{
	words_split(w, "caddy run --adapter caddyfile --config");
	words_add(w, "%s/server.conf", at->folder);
}

static void
s_server_words(const struct place_of *at, struct words *w)
{
	char room[64];

	words_split(w, at->s->server_tls == TLS_12 ? "openssl s_server -quiet -WWW "
	    "-tls1_2 -accept"
	    : "openssl s_server -quiet -WWW -tls1_3 -accept");
	words_add(w, "%s:%u", bracketed(at->s, at->t->server_address[0], room,
	    sizeof room), origin_port(at->s));
	words_add(w, "-cert");
	words_add(w, "%s/tls.crt", at->folder);
	words_add(w, "-key");
	words_add(w, "%s/tls.key", at->folder);
	words_add(w, "-max_send_frag");
	words_add(w, "%u", (unsigned)at->s->server_record);
}

static const struct {
	void (*config)(const struct place_of *);
	void (*words)(const struct place_of *, struct words *);
} programs[] = {
	[SERVER_nginx] = {nginx_config, nginx_words},
	[SERVER_caddy] = {caddy_config, caddy_words},
	[SERVER_apache] = {apache_config, apache_words},
	[SERVER_s_server] = {no_config, s_server_words},
};

/* ---- certificate ---- */

/* base64 of the SHA-256 of the public key, as Chromium takes it. */
static int
spki_find(struct origin *origin, const char *folder, struct err *err)
{
	char script[1000], out[400];
	const char *argv[] = {"sh", "-c", script, NULL};
	struct process_config config = {.argv = argv, .output = out};
	FILE *file;

	snprintf(out, sizeof out, "%.300s/tls.spki", folder);
	snprintf(script, sizeof script, "openssl x509 -in '%.300s/tls.crt' -noout -pubkey | "
	    "openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64",
	    folder);
	if (process_run(&config, 10000, err) != 0)
		return -1;
	if ((file = fopen(out, "r")) == NULL ||
	    fgets(origin->spki, sizeof origin->spki, file) == NULL) {
		if (file != NULL)
			fclose(file);
		return err_set(err, EIO, "%s: no hash of the certificate's key", out);
	}
	fclose(file);
	origin->spki[strcspn(origin->spki, "\n")] = '\0';
	return 0;
}

static int
certificate_make(struct origin *origin, const struct topology *t, const char *folder,
    struct err *err)
{
	char key[PATH_BYTES], certificate[PATH_BYTES], log[PATH_BYTES], names[PATH_BYTES];
	const char *argv[] = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
	    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate,
	    "-days", "13", "-subj", "/CN=files.example", "-addext", names, NULL};
	struct process_config config = {.argv = argv, .log = log, .output = log};

	snprintf(key, sizeof key, "%s/tls.key", folder);
	snprintf(certificate, sizeof certificate, "%s/tls.crt", folder);
	snprintf(log, sizeof log, "%s/tls.log", folder);
	snprintf(names, sizeof names, "subjectAltName=DNS:files.example,IP:%s",
	    t->server_address[0]);
	if (process_run(&config, 30000, err) != 0)
		return -1;
	return spki_find(origin, folder, err);
}

static int
config_write(const struct text *text, const char *folder, struct err *err)
{
	char path[PATH_BYTES];
	FILE *file;

	snprintf(path, sizeof path, "%.380s/server.conf", folder);
	if ((file = fopen(path, "w")) == NULL ||
	    fwrite(text->data, 1, text->len, file) != text->len) {
		if (file != NULL)
			fclose(file);
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	}
	return fclose(file) == 0 ? 0 : err_set(err, errno, "%s: %s", path,
	    strerror(errno));
}

int
origin_start(struct origin *origin, const struct scenario *s, const struct topology *t,
    const char *folder, const char *root, struct err *err)
{
	char log[PATH_BYTES], home[PATH_BYTES];
	const char *const environment[] = {home, NULL};
	struct words words;
	struct process_config config = {.space = t->server, .log = log,
	    .output = log, .folder = root, .environment = environment};
	struct text text;
	struct place_of at = {s, t, origin, folder, &text};
	int status;

	*origin = (struct origin){0};
	if (strlen(folder) > 250 || strlen(root) > 250)
		return err_set(err, ENAMETOOLONG, "%s: the path is too long", folder);
	snprintf(origin->root, sizeof origin->root, "%s", root);
	snprintf(origin->access, sizeof origin->access, "%s/access.log", folder);
	snprintf(log, sizeof log, "%s/server.out", folder);
	snprintf(home, sizeof home, "HOME=%s", folder);
	if (s->server_tls != TLS_none && certificate_make(origin, t, folder, err) != 0)
		return -1;
	text_init(&text);
	programs[s->server_program].config(&at);
	status = config_write(&text, folder, err);
	text_done(&text);
	if (status != 0)
		return -1;
	words_init(&words);
	programs[s->server_program].words(&at, &words);
	config.argv = words_argv(&words);
	if ((status = process_start(&config, &origin->process, err)) == 0)
		status = wait_for_port(origin->process, config.argv[0], log, t->server,
		    s->server_http == HTTP_3, origin_port(s), 20000, err);
	words_done(&words);
	if (status != 0)
		origin_stop(origin);
	return status;
}

void
origin_stop(struct origin *origin)
{
	if (origin->process != NULL)
		process_end(origin->process, 5000);
	process_free(origin->process);
	origin->process = NULL;
}
