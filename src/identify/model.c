/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Model files. Reading believes nothing: the check sum guards against damage, the checks
 * of every count, index and text against malice.
 */
#include "identify/model.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/memory.h"
#include "identify/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT_VERSION = 1, HEAD_BYTES = 24, TEXT_MAX = 4096, CLASS_BYTES_MIN = 16 };

static const char magic[8] = {'w', 'e', 'i', 'r', '-', 'm', 'd', 'l'};
static const off_t FILE_BYTES_MAX = (off_t)4 << 30;

void
model_free(struct model *m)
{
	uint32_t i;

	if (m == NULL)
		return;
	for (i = 0; m->classes != NULL && i < m->class_count; i++) {
		free(m->classes[i].name);
		free(m->classes[i].version);
	}
	free(m->classes);
	classifier_free(m->classifier);
	free(m);
}

static void
set_version(struct model *m, uint32_t crc)
{
	snprintf(m->version, sizeof m->version, "%s-%08x",
	    classifier_names[classifier_kind(m->classifier)], crc);
}

/* ---- writing ---- */

static void
pack_text(struct text *out, const char *s)
{
	size_t n = strlen(s);

	pack_u32(out, (uint32_t)n);
	text_bytes(out, s, n);
}

static void
pack_body(const struct model *m, struct text *out)
{
	uint32_t i;

	pack_u64(out, m->rows);
	pack_u64(out, (uint64_t)m->from_us);
	pack_u64(out, (uint64_t)m->to_us);
	pack_u32(out, m->features.count);
	for (i = 0; i < m->features.count; i++)
		pack_text(out, feature_names[m->features.list[i]]);
	pack_u32(out, m->class_count);
	for (i = 0; i < m->class_count; i++) {
		pack_text(out, m->classes[i].name);
		pack_text(out, m->classes[i].version);
		pack_u64(out, m->classes[i].rows);
	}
	classifier_write(m->classifier, out);
}

static int
write_all(int fd, const char *data, size_t n)
{
	ssize_t done;

	while (n > 0) {
		done = write(fd, data, n);
		if (done < 0 && errno != EINTR)
			return -1;
		data += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}

static int
replace_file(const char *path, const struct text *head, const struct text *body,
    struct err *err)
{
	char *temporary;
	int fd;

	if (asprintf(&temporary, "%s.new-%ld", path, (long)getpid()) < 0)
		return err_set(err, ENOMEM, "%s: out of memory", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0) {
		err_set(err, errno, "%s: %s", temporary, strerror(errno));
		free(temporary);
		return -1;
	}
	if (write_all(fd, head->data, head->len) != 0 ||
	    write_all(fd, body->data, body->len) != 0 || fsync(fd) != 0) {
		err_set(err, errno, "%s: %s", path, strerror(errno));
		close(fd);
		goto fail;
	}
	if (close(fd) != 0 || rename(temporary, path) != 0) {
		err_set(err, errno, "%s: %s", path, strerror(errno));
		goto fail;
	}
	free(temporary);
	return 0;

fail:
	unlink(temporary);
	free(temporary);
	return -1;
}

int
model_write(struct model *m, const char *path, struct err *err)
{
	struct text head, body;
	uint32_t crc;
	int status;

	text_init(&head);
	text_init(&body);
	pack_body(m, &body);
	crc = crc32_of(0, body.data, body.len);
	set_version(m, crc);
	text_bytes(&head, magic, sizeof magic);
	pack_u32(&head, FORMAT_VERSION);
	pack_u32(&head, crc);
	pack_u64(&head, body.len);
	status = replace_file(path, &head, &body, err);
	text_done(&head);
	text_done(&body);
	return status;
}

/* ---- reading ---- */

/* A text, copied; NULL and a failed cursor if it is too long or holds control
 * characters. */
static char *
unpack_text(struct cursor *in)
{
	uint32_t n = cursor_be32(in), i;
	const uint8_t *bytes = n <= TEXT_MAX ? cursor_take(in, n) : NULL;
	char *s;

	for (i = 0; bytes != NULL && i < n; i++)
		if (bytes[i] < 0x20 || bytes[i] == 0x7f)
			bytes = NULL;
	if (bytes == NULL) {
		in->failed = true;
		in->at = in->end;
		return NULL;
	}
	s = must(malloc(n + 1u));
	memcpy(s, bytes, n);
	s[n] = '\0';
	return s;
}

static int
unpack_features(struct cursor *in, struct features *out, struct err *err)
{
	uint32_t count = cursor_be32(in), i;
	struct features one;

	if (count == 0 || count > SAMPLES_FEATURES_MAX)
		return err_set(err, EINVAL, "%u features", count);
	for (i = 0; i < count; i++) {
		char *name = unpack_text(in);

		if (name == NULL || features_parse(&one, name, err) != 0 ||
		    one.count != 1) {
			free(name);
			return err_set(err, EINVAL, "feature %u has no name", i);
		}
		free(name);
		out->list[out->count++] = one.list[0];
	}
	return 0;
}

static int
unpack_classes(struct cursor *in, struct model *m, struct err *err)
{
	uint32_t count = cursor_be32(in), i;

	if (count == 0 || count > SAMPLES_CLASSES_MAX ||
	    count > cursor_left(in) / CLASS_BYTES_MIN)
		return err_set(err, EINVAL, "%u classes in %zu octets", count,
		    cursor_left(in));
	m->classes = must(calloc(count, sizeof *m->classes));
	m->class_count = count;
	for (i = 0; i < count; i++) {
		m->classes[i].name = unpack_text(in);
		m->classes[i].version = unpack_text(in);
		m->classes[i].rows = cursor_be64(in);
	}
	if (!cursor_ok(in))
		return err_set(err, EINVAL,
		    "a class's name is cut off, longer than %d bytes "
		    "or no text", TEXT_MAX);
	return 0;
}

static int
unpack_body(struct cursor *in, struct model *m, struct err *err)
{
	m->rows = cursor_be64(in);
	m->from_us = (int64_t)cursor_be64(in);
	m->to_us = (int64_t)cursor_be64(in);
	if (unpack_features(in, &m->features, err) != 0 || unpack_classes(in, m,
	    err) != 0 || classifier_read(in, m->features.count, m->class_count,
	    &m->classifier, err) != 0)
		return -1;
	if (cursor_left(in) > 0)
		return err_set(err, EINVAL, "%zu octets behind the classifier",
		    cursor_left(in));
	return 0;
}

/* What is wrong with the head; NULL: nothing. */
static const char *
check_head(struct cursor *in, uint32_t *crc)
{
	const uint8_t *begin = cursor_take(in, sizeof magic);
	uint32_t version = cursor_be32(in);
	uint64_t octets;

	*crc = cursor_be32(in);
	octets = cursor_be64(in);
	if (!cursor_ok(in) || memcmp(begin, magic, sizeof magic) != 0)
		return "no model file of weir (weir learn --classifier makes one)";
	if (version != FORMAT_VERSION)
		return "a model file of another version of weir: learn it again";
	if (octets != cursor_left(in))
		return "a model file that was cut off or added to: learn it again";
	return NULL;
}

int
model_read_bytes(const void *bytes, size_t n, const char *label, struct model **out,
    struct err *err)
{
	struct cursor in = cursor_over(bytes, n);
	struct model *m = NULL;
	const char *why;
	uint32_t crc;

	if ((why = check_head(&in, &crc)) != NULL)
		return err_set(err, EINVAL, "%s: %s", label, why);
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	if (crc32_of(0, in.at, cursor_left(&in)) != crc)
		return err_set(err, EINVAL,
		    "%s: a damaged model file, by its check sum: learn "
		    "it again", label);
#endif
	m = must(calloc(1, sizeof *m));
	if (unpack_body(&in, m, err) != 0) {
		err_prefix(err, "%s: octet %zu: ", label, n - cursor_left(&in));
		model_free(m);
		return -1;
	}
	set_version(m, crc);
	*out = m;
	return 0;
}

int
model_read(const char *path, struct model **out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), status = -1;
	char *data = NULL;
	size_t n = 0;
	ssize_t more = 1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		err_set(err, errno, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX) {
		err_set(err, EINVAL, "%s: no regular file of at most %lld octets", path,
		    (long long)FILE_BYTES_MAX);
		goto fail;
	}
	if ((data = malloc((size_t)st.st_size + 1)) == NULL) {
		err_set(err, ENOMEM, "%s: %lld octets: out of memory", path,
		    (long long)st.st_size);
		goto fail;
	}
	while (n < (size_t)st.st_size && more > 0) {
		more = read(fd, data + n, (size_t)st.st_size - n);
		n += more > 0 ? (size_t)more : 0;
	}
	if (more < 0)
		err_set(err, errno, "%s: %s", path, strerror(errno));
	else
		status = model_read_bytes(data, n, path, out, err);

fail:
	if (fd >= 0)
		close(fd);
	free(data);
	return status;
}
