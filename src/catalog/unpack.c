/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines out of a file that may be compressed. A step function per format fills the output
 * buffer from the input buffer; unpack_line cuts lines from the output buffer and asks
 * for more when it holds no whole line.
 */
#include "catalog/unpack.h"

#include "base/err.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { INPUT_BYTES = 1 << 18, OUTPUT_BYTES = 1 << 18, LINE_MAX_BYTES = 1 << 20 };

enum format { FORMAT_PLAIN, FORMAT_GZ, FORMAT_XZ, FORMAT_LZ4, FORMAT_ZSTD };

struct unpack {
	char *label;
	int fd;
	ssize_t (*read)(void *arg, void *to, size_t n, struct err *err); /* or NULL */
	void *read_arg;
	bool owns_in, at_eof, at_end, frame_open;
	enum format format;
	uint8_t *in;
	size_t in_at, in_len;
	char *out; /* lines not yet given out lie in out_at .. out_len */
	size_t out_at, out_len, out_cap;
	uint64_t limit, total, line;
	z_stream gz;
	lzma_stream xz;
	LZ4F_dctx *lz4;
	ZSTD_DCtx *zstd;
};

void
unpack_close(struct unpack *u)
{
	if (u == NULL)
		return;
	if (u->format == FORMAT_GZ)
		inflateEnd(&u->gz);
	if (u->format == FORMAT_XZ)
		lzma_end(&u->xz);
	LZ4F_freeDecompressionContext(u->lz4);
	ZSTD_freeDCtx(u->zstd);
	if (u->fd >= 0)
		close(u->fd);
	if (u->owns_in)
		free(u->in);
	free(u->out);
	free(u->label);
	free(u);
}

static ssize_t
input_read(struct unpack *u, struct err *err)
{
	ssize_t n;

	if (u->read != NULL)
		return u->read(u->read_arg, u->in, INPUT_BYTES, err);
	if (u->fd < 0)
		return 0;
	do
		n = read(u->fd, u->in, INPUT_BYTES);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		err_set(err, errno, "%s: cannot read: %s", u->label, strerror(errno));
	return n;
}

/* Refills the input when it is used up. */
static int
input_fill(struct unpack *u, struct err *err)
{
	ssize_t n;

	if (u->in_at < u->in_len || u->at_eof)
		return 0;
	if ((n = input_read(u, err)) < 0)
		return -1;
	u->in_at = 0;
	u->in_len = (size_t)n;
	u->at_eof = n == 0;
	return 0;
}

static bool
starts_with(const struct unpack *u, const char *magic, size_t n)
{
	return u->in_len >= n && memcmp(u->in, magic, n) == 0;
}

static int
detect(struct unpack *u, struct err *err)
{
	if (starts_with(u, "\x1f\x8b", 2)) {
		u->format = FORMAT_GZ;
		/* 16: with a gzip header */
		if (inflateInit2(&u->gz, 16 + MAX_WBITS) != Z_OK)
			return err_set(err, ENOMEM, "%s: no memory to unpack gz",
				       u->label);
	} else if (starts_with(u,
			       "\xfd"
			       "7zXZ\0",
			       6)) {
		u->format = FORMAT_XZ;
		u->xz = (lzma_stream)LZMA_STREAM_INIT;
		if (lzma_stream_decoder(&u->xz, (uint64_t)1 << 28, LZMA_CONCATENATED) !=
		    LZMA_OK)
			return err_set(err, ENOMEM, "%s: no memory to unpack xz",
				       u->label);
	} else if (starts_with(u, "\x04\x22\x4d\x18", 4)) {
		u->format = FORMAT_LZ4;
		if (LZ4F_isError(LZ4F_createDecompressionContext(&u->lz4, LZ4F_VERSION)))
			return err_set(err, ENOMEM, "%s: no memory to unpack lz4",
				       u->label);
	} else if (starts_with(u, "\x28\xb5\x2f\xfd", 4)) {
		u->format = FORMAT_ZSTD;
		u->zstd = must(ZSTD_createDCtx());
	} else if (starts_with(u, "BZh", 3)) {
		return err_set(err, EINVAL,
		    "%s: bzip2 is not read: give it as bunzip2 or "
					    "another packing has it",
			       u->label);
	}
	return 0;
}

static struct unpack *
unpack_new(const char *label, uint64_t limit_bytes)
{
	struct unpack *u = must(calloc(1, sizeof *u));

	u->label = must(strdup(label));
	u->limit = limit_bytes;
	u->fd = -1;
	u->out_cap = OUTPUT_BYTES;
	u->out = must(malloc(u->out_cap));
	return u;
}

int
unpack_fd(int fd, const char *label, uint64_t limit_bytes, struct unpack **out,
	  struct err *err)
{
	struct unpack *u = unpack_new(label, limit_bytes);

	u->fd = fd;
	u->owns_in = true;
	u->in = must(malloc(INPUT_BYTES));
	if (input_fill(u, err) < 0 || detect(u, err) < 0) {
		unpack_close(u);
		return -1;
	}
	*out = u;
	return 0;
}

int
unpack_open(const char *path, uint64_t limit_bytes, struct unpack **out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, errno, "%s: cannot open: %s", path, strerror(errno));
	return unpack_fd(fd, path, limit_bytes, out, err);
}

struct unpack *
unpack_from(ssize_t (*read)(void *arg, void *to, size_t n, struct err *err), void *arg,
	    uint64_t limit_bytes, const char *label)
{
	struct unpack *u = unpack_new(label, limit_bytes);

	u->read = read;
	u->read_arg = arg;
	u->owns_in = true;
	u->in = must(malloc(INPUT_BYTES));
	return u;
}

struct unpack *
unpack_over(const void *bytes, size_t n, uint64_t limit_bytes, const char *label)
{
	struct unpack *u = unpack_new(label, limit_bytes);
	struct err ignored = {0};

	u->in = (uint8_t *)(uintptr_t)bytes; /* only read; owns_in is false */
	u->in_len = n;
	detect(u, &ignored);
	return u;
}

static int
broken(const struct unpack *u, const char *format, const char *why, struct err *err)
{
	return err_set(err, EINVAL,
		       "%s: damaged %s data after line %llu (%s): fetch it again",
		       u->label, format, (unsigned long long)u->line, why);
}

static int
step_plain(struct unpack *u, size_t room, struct err *err)
{
	size_t n = u->in_len - u->in_at;

	if (n > room)
		n = room;
	memcpy(u->out + u->out_len, u->in + u->in_at, n);
	u->in_at += n;
	u->out_len += n;
	u->at_end = u->at_eof;
	return 0;
}

static int
step_xz(struct unpack *u, size_t room, struct err *err)
{
	lzma_ret ret;

	u->xz.next_in = u->in + u->in_at;
	u->xz.avail_in = u->in_len - u->in_at;
	u->xz.next_out = (uint8_t *)u->out + u->out_len;
	u->xz.avail_out = room;
	ret = lzma_code(&u->xz, u->at_eof ? LZMA_FINISH : LZMA_RUN);
	u->in_at = u->in_len - u->xz.avail_in;
	u->out_len += room - u->xz.avail_out;
	u->at_end = ret == LZMA_STREAM_END;
	if (ret != LZMA_OK && ret != LZMA_STREAM_END)
		return broken(u, "xz",
			      ret == LZMA_BUF_ERROR ? "it ends early" : "bad data", err);
	return 0;
}

static int
step_lz4(struct unpack *u, size_t room, struct err *err)
{
	size_t used = u->in_len - u->in_at, made = room, left;

	if (u->at_eof && u->in_at == u->in_len && !u->frame_open) {
		u->at_end = true;
		return 0;
	}
	left = LZ4F_decompress(u->lz4, u->out + u->out_len, &made, u->in + u->in_at,
			       &used, NULL);
	if (LZ4F_isError(left))
		return broken(u, "lz4", LZ4F_getErrorName(left), err);
	u->in_at += used;
	u->out_len += made;
	u->frame_open = left != 0;
	if (u->at_eof && used == 0 && made == 0 && u->frame_open)
		return broken(u, "lz4", "it ends early", err);
	return 0;
}

static int
step_zstd(struct unpack *u, size_t room, struct err *err)
{
	ZSTD_inBuffer in = {u->in, u->in_len, u->in_at};
	ZSTD_outBuffer out = {u->out + u->out_len, room, 0};
	size_t left;

	if (u->at_eof && u->in_at == u->in_len && !u->frame_open) {
		u->at_end = true;
		return 0;
	}
	left = ZSTD_decompressStream(u->zstd, &out, &in);
	if (ZSTD_isError(left))
		return broken(u, "zstd", ZSTD_getErrorName(left), err);
	if (u->at_eof && in.pos == u->in_at && out.pos == 0 && left != 0)
		return broken(u, "zstd", "it ends early", err);
	u->in_at = in.pos;
	u->out_len += out.pos;
	u->frame_open = left != 0;
	return 0;
}

/* Members of a gz file follow one another; each begins like a file. */
static int
step_gz(struct unpack *u, size_t room, struct err *err)
{
	int ret;

	if (!u->frame_open && u->in_at == u->in_len && u->at_eof) {
		u->at_end = true;
		return 0;
	}
	u->gz.next_in = u->in + u->in_at;
	u->gz.avail_in = (uInt)(u->in_len - u->in_at);
	u->gz.next_out = (Bytef *)u->out + u->out_len;
	u->gz.avail_out = (uInt)room;
	ret = inflate(&u->gz, Z_NO_FLUSH);
	u->in_at = u->in_len - u->gz.avail_in;
	u->out_len += room - u->gz.avail_out;
	u->frame_open = ret != Z_STREAM_END;
	if (ret == Z_STREAM_END)
		ret = inflateReset(&u->gz);
	else if (ret == Z_BUF_ERROR && !u->at_eof)
		ret = Z_OK;
	if (ret != Z_OK)
		return broken(u, "gz",
			      ret == Z_BUF_ERROR ? "it ends early" : "bad data", err);
	return 0;
}

static int
step(struct unpack *u, struct err *err)
{
	size_t before = u->out_len, room = u->out_cap - u->out_len;
	int ret;

	if (input_fill(u, err) < 0)
		return -1;
	switch (u->format) {
	case FORMAT_GZ:
		ret = step_gz(u, room, err);
		break;
	case FORMAT_XZ:
		ret = step_xz(u, room, err);
		break;
	case FORMAT_LZ4:
		ret = step_lz4(u, room, err);
		break;
	case FORMAT_ZSTD:
		ret = step_zstd(u, room, err);
		break;
	default:
		ret = step_plain(u, room, err);
		break;
	}
	u->total += u->out_len - before;
	if (ret == 0 && u->total > u->limit)
		return err_set(err, EFBIG,
			       "%s: unpacks to more than %llu bytes: not a list of "
			       "files?",
			       u->label, (unsigned long long)u->limit);
	return ret;
}

/* Moves what is left to the front and makes room. */
static int
output_room(struct unpack *u, struct err *err)
{
	memmove(u->out, u->out + u->out_at, u->out_len - u->out_at);
	u->out_len -= u->out_at;
	u->out_at = 0;
	if (u->out_len < u->out_cap)
		return 0;
	if (u->out_len >= LINE_MAX_BYTES)
		return err_set(err, EINVAL,
			       "%s: line %llu: longer than 1 MiB: not a list of "
			       "files?",
			       u->label, (unsigned long long)u->line + 1);
	u->out = must(realloc(u->out, u->out_cap *= 2));
	return 0;
}

int
unpack_line(struct unpack *u, const char **line, size_t *len, struct err *err)
{
	size_t seen = 0;
	const char *end;

	for (;;) {
		end = memchr(u->out + u->out_at + seen, '\n',
			     u->out_len - u->out_at - seen);
		if (end != NULL || u->at_end)
			break;
		seen = u->out_len - u->out_at;
		if (output_room(u, err) < 0 || step(u, err) < 0)
			return -1;
	}
	if (end == NULL && u->out_at == u->out_len)
		return 0;
	*line = u->out + u->out_at;
	*len = end != NULL ? (size_t)(end - *line) : u->out_len - u->out_at;
	u->out_at += *len + (end != NULL);
	u->line++;
	if (*len > LINE_MAX_BYTES)
		return err_set(err, EINVAL,
			       "%s: line %llu: longer than 1 MiB: not a list of "
			       "files?",
			       u->label, (unsigned long long)u->line);
	if (*len > 0 && (*line)[*len - 1] == '\r')
		(*len)--;
	return 1;
}

int
unpack_peek(struct unpack *u, const char **bytes, size_t *n, struct err *err)
{
	while (u->out_at == u->out_len && !u->at_end) {
		u->out_at = u->out_len = 0;
		if (step(u, err) < 0)
			return -1;
	}
	*bytes = u->out + u->out_at;
	*n = u->out_len - u->out_at;
	return *n > 0;
}

int
unpack_bytes(struct unpack *u, const char **bytes, size_t *n, struct err *err)
{
	int more = unpack_peek(u, bytes, n, err);

	u->out_at = more > 0 ? u->out_len : u->out_at;
	return more;
}

int
unpack_all(struct unpack *u, size_t max_bytes, char **out, size_t *n, struct err *err)
{
	char *all = NULL;
	const char *bytes;
	size_t len = 0, cap = 0, more_len;
	int more;

	while ((more = unpack_bytes(u, &bytes, &more_len, err)) > 0) {
		if (len + more_len > max_bytes) {
			more = err_set(err, EFBIG,
			    "%s: more than %zu bytes: too much for one "
						   "document; split it",
				       u->label, max_bytes);
			break;
		}
		if (len + more_len + 1 > cap)
			all = must(realloc(all, cap = 2 * (len + more_len) + 1));
		memcpy(all + len, bytes, more_len);
		len += more_len;
	}
	if (more < 0) {
		free(all);
		return -1;
	}
	all = must(realloc(all, len + 1));
	all[len] = '\0';
	*out = all;
	*n = len;
	return 0;
}

uint64_t
unpack_line_number(const struct unpack *u)
{
	return u->line;
}

const char *
unpack_label(const struct unpack *u)
{
	return u->label;
}
