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
#include "lab/network.h"
#include "lab/process.h"
#include "lab/topology.h"
#include "lab/wait.h"
#include "lab/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 400 };

/*
 * Where the server sees its folder (process.h): each of these programs has quotes, blanks
 * and variables of its own in its configuration, and a folder's name may have any of
 * them.
 */
#define SEEN   NETWORK_FOLDER
#define ACCESS "/access.log"
#define ROOT   "/" ORIGIN_ROOT

struct place_of {
	const struct scenario *s;
	const struct topology *t;
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

	text_str(at->out, "daemon off; user root; worker_processes 1; pid "
	    SEEN "/nginx.pid;\nerror_log " SEEN "/server.log;\n"
	    "events { worker_connections 1024; }\nhttp {\n");
	for (i = 0; i < 5; i++)
		text_printf(at->out, "%s_temp_path " SEEN ";\n",
		    (const char *[]){"client_body", "proxy",
		    "fastcgi", "uwsgi", "scgi"}[i]);
	text_str(at->out, "types { text/plain txt; text/html html; "
	    "application/vnd.debian.binary-package deb; }\n"
	    "default_type application/octet-stream;\n"
	    "sendfile on; keepalive_requests 100000; keepalive_timeout 65s;\n"
	    "log_format access '");
	access_format(ACCESS_nginx, at->out);
	text_str(at->out, "';\naccess_log " SEEN ACCESS " access;\n");
	if (s->server_gzip)
		text_str(at->out, "gzip on; gzip_types *; gzip_min_length 1;\n");
	text_str(at->out, "server {\nroot " SEEN ROOT ";\n");
	for (i = 0; i < s->network_servers; i++)
		text_printf(at->out, "listen %s:%u%s%s;\n",
		    bracketed(s, at->t->server_address[i], room, sizeof room),
		    origin_port(s), s->server_tls != TLS_none ? " ssl" : "",
		    s->server_http == HTTP_2 ? " http2" : "");
	if (s->server_tls != TLS_none)
		text_printf(at->out,
		    "ssl_certificate " SEEN "/tls.crt; ssl_certificate_key "
		    SEEN "/tls.key;\nssl_protocols TLSv%s; ssl_buffer_size %u;\n",
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

	text_str(at->out, "ServerRoot " SEEN "\nPidFile " SEEN "/apache.pid\n"
	    "ErrorLog " SEEN "/server.log\nDefaultRuntimeDir " SEEN "\n"
	    "Mutex file:" SEEN "\n");
	for (i = 0; i < sizeof modules / sizeof *modules; i++)
		text_printf(at->out, "<IfModule !%s_module>\nLoadModule %s_module "
		    "/usr/lib/apache2/modules/mod_%s.so\n</IfModule>\n", modules[i],
		    modules[i], modules[i]);
	for (i = 0; i < s->network_servers; i++)
		text_printf(at->out, "Listen %s:%u\n",
		    bracketed(s, at->t->server_address[i],
		    room, sizeof room), origin_port(s));
	text_str(at->out, "ServerName files.example\nTypesConfig /dev/null\n"
	    "AddType application/octet-stream .bin\nDocumentRoot " SEEN ROOT "\n"
	    "MaxKeepAliveRequests 0\nKeepAliveTimeout 65\nLogFormat \"");
	access_format(ACCESS_apache, at->out);
	text_str(at->out, "\" access\nCustomLog " SEEN ACCESS " access\n");
	if (s->server_tls != TLS_none)
		text_printf(at->out, "SSLEngine on\nSSLCertificateFile " SEEN "/tls.crt\n"
		    "SSLCertificateKeyFile " SEEN "/tls.key\nSSLProtocol -all +TLSv%s\n",
		    tls_words[s->server_tls].text);
}

static void
caddy_config(const struct place_of *at)
{
	const struct scenario *s = at->s;
	static const char *const versions[] = {"h1", "h1 h2", "h1 h2 h3"};
	unsigned i;

	text_printf(at->out, "{\n\tadmin off\n\tauto_https off\n"
	    "\tdefault_sni files.example\n"
	    "\tservers {\n"
	    "\t\tprotocols %s\n"
	    "\t}\n"
	    "}\n"
	    "%s://:%u {\n"
	    "\tbind", versions[s->server_http],
	    s->server_tls == TLS_none ? "http" : "https", origin_port(s));
	for (i = 0; i < s->network_servers; i++)
		text_printf(at->out, " %s", at->t->server_address[i]);
	text_str(at->out, "\n");
	if (s->server_tls != TLS_none)
		text_printf(at->out,
		    "\ttls " SEEN "/tls.crt " SEEN "/tls.key {\n\t\tprotocols "
		    "tls%s tls%s\n\t}\n", tls_words[s->server_tls].text,
		    tls_words[s->server_tls].text);
	text_str(at->out, "\troot * " SEEN ROOT "\n\tfile_server\n\tlog {\n"
	    "\t\toutput file " SEEN ACCESS " {\n\t\t\troll_disabled\n\t\t}\n"
	    "\t\tformat json\n\t}\n}\n");
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
	words_add(w, SEEN "/server.log");
	words_add(w, "-c");
	words_add(w, SEEN "/server.conf");
}

static void
apache_words(const struct place_of *at, struct words *w)
{
	words_split(w, "apache2 -D FOREGROUND -f");
	words_add(w, SEEN "/server.conf");
}

static void
caddy_words(const struct place_of *at, struct words *w)
{
	words_split(w, "caddy run --adapter caddyfile --config");
	words_add(w, SEEN "/server.conf");
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
	words_add(w, SEEN "/tls.crt");
	words_add(w, "-key");
	words_add(w, SEEN "/tls.key");
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
	static const char script[] = "openssl x509 -in \"$1\" -noout -pubkey | "
	    "openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl "
	    "base64";
	char certificate[PATH_BYTES], out[PATH_BYTES];
	const char *argv[] = {"sh", "-c", script, "sh", certificate, NULL};
	struct process_config config = {.argv = argv, .output = out};
	FILE *file;

	snprintf(out, sizeof out, "%.300s/tls.spki", folder);
	snprintf(certificate, sizeof certificate, "%.300s/tls.crt", folder);
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
    const char *folder, struct err *err)
{
	static const char *const environment[] = {"HOME=" SEEN, NULL};
	char log[PATH_BYTES], seen[PATH_BYTES];
	const char *const files[] = {seen, NULL};
	struct words words;
	struct process_config config = {.space = t->server,
					.log = log,
					.output = log,
					.folder = origin->root,
					.environment = environment,
					.files = files};
	struct text text;
	struct place_of at = {s, t, &text};
	int status;

	*origin = (struct origin){0};
	if (strlen(folder) > 250)
		return err_set(err, ENAMETOOLONG, "%s: the path is too long", folder);
	snprintf(origin->root, sizeof origin->root, "%s" ROOT, folder);
	snprintf(origin->access, sizeof origin->access, "%s" ACCESS, folder);
	snprintf(log, sizeof log, "%s/server.out", folder);
	snprintf(seen, sizeof seen, "%s:" SEEN, folder);
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
