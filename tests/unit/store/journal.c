/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What survives: writers killed at any moment, journals cut or damaged anywhere, full
 * disks, closed folders. Each row that was acknowledged is seen exactly once, before and
 * after recovery; nothing is thrown away.
 */
#include "sample.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { GATHER = 64 };

static const struct store_config small = {
    .writer = "test", .sync = STORE_SYNC_NEVER, .gather_rows = GATHER};

static uint32_t seen[1 << 18];

/* The only file of STORE/journal/test with this suffix. */
static bool
find_file(const char *dir, const char *suffix, char out[1024])
{
	char folder[600];
	struct dirent *e;
	bool is_found = false;
	DIR *d;

	snprintf(folder, sizeof folder, "%s/journal/test", dir);
	if ((d = opendir(folder)) == NULL)
		return false;
	while ((e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name), m = strlen(suffix);

		if (n >= m && strcmp(e->d_name + n - m, suffix) == 0 &&
		    e->d_name[0] != '.') {
			snprintf(out, 1024, "%s/%s", folder, e->d_name);
			is_found = true;
		}
	}
	closedir(d);
	return is_found;
}

static int
count_damaged(const char *dir)
{
	char folder[600];
	struct dirent *e;
	int n = 0;
	DIR *d;

	snprintf(folder, sizeof folder, "%s/journal/test", dir);
	d = opendir(folder);
	while (d != NULL && (e = readdir(d)) != NULL)
		n += strncmp(e->d_name, "damaged-", 8) == 0;
	if (d != NULL)
		closedir(d);
	return n;
}

static void
reopen(const char *dir)
{
	struct store *store;
	struct err err = {0};

	assert_ok(store_open(dir, &small, &store, &err));
	store_close(store);
}

/* Killed at a random moment; the child says through a pipe what was acknowledged. */
static void
test_kill(void **state)
{
	for (int turn = 0; turn < 8; turn++) {
		char dir[512];
		struct err err = {0};
		uint64_t acknowledged = 0, got;
		int fds[2], status;
		pid_t pid;
		long rows;

		snprintf(dir, sizeof dir, "%s", fresh_dir("kill"));
		assert_int_equal(pipe(fds), 0);
		if ((pid = fork()) == 0) {
			struct store_config config = small;
			struct store *store;
			struct sink *sink;

			config.clock = STORE_CLOCK_PACKET;
			config.rotation_s = 10;
			if (store_open(dir, &config, &store, &err) != 0 ||
			    store_sink(store, &flow_schema, &sink, &err) != 0)
				_exit(1);
			for (uint64_t i = 0; i < sizeof seen / 4; i += GATHER) {
				uint64_t n = i + GATHER;

				if (push_flows(sink, i, GATHER, (int64_t)i / 500, &err) !=
					0 ||
				    write(fds[1], &n, sizeof n) != sizeof n)
					_exit(1);
			}
			_exit(0);
		}
		close(fds[1]);
		for (int i = 0; i < 20 + turn * 17; i++)
			assert_int_equal(read(fds[0], &got, sizeof got), sizeof got);
		acknowledged = got;
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		while (read(fds[0], &got, sizeof got) == sizeof got)
			acknowledged = got;
		close(fds[0]);
		for (int i = 0; i < 3;
		     i++) { /* as it lies, recovered, opened once more */
			rows = scan_ids(dir, seen, sizeof seen / 4, &err);
			if (rows < (long)acknowledged)
				fail_msg("%ld rows of %llu: %s", rows,
					 (unsigned long long)acknowledged, err.text);
			assert_true(rows <= (long)acknowledged + GATHER);
			assert_each_once(seen, (size_t)rows);
			reopen(dir);
		}
	}
}

/* A flow table of three fields: small records. */
static const struct schema *
tiny_schema(void)
{
	static struct field fields[3];
	static struct schema tiny;

	tiny = flow_schema;
	fields[0] = flow_schema.fields[FLOW_start];
	fields[1] = flow_schema.fields[FLOW_end];
	fields[2] = flow_schema.fields[FLOW_bytes];
	tiny.fields = fields;
	tiny.count = tiny.stored = 3;
	return &tiny;
}

static void
push_tiny(struct sink *sink, uint64_t first, size_t n)
{
	struct batch *b = batch_new(tiny_schema(), n);
	struct err err = {0};

	for (unsigned f = 0; f < 3; f++) {
		batch_flat(b, f);
		for (size_t i = 0; i < n; i++) {
			uint64_t v = first + i;

			batch_put(b, f, i, &v);
		}
	}
	b->rows = n;
	assert_ok(sink_push(sink, b, &err));
	batch_free(b);
}

/* Makes a store whose journal has records of GATHER rows; returns its bytes, and in ends
 * where each record ends. */
static uint8_t *
make_journal(const char *dir, char path[1024], int records, size_t *ends)
{
	struct store *store;
	struct sink *sink;
	struct stat st;
	struct err err = {0};
	uint8_t *bytes;
	int fd;

	assert_ok(store_open(dir, &small, &store, &err));
	assert_ok(store_sink(store, tiny_schema(), &sink, &err));
	for (int i = 0; i < records; i++) {
		push_tiny(sink, (uint64_t)i * GATHER, GATHER);
		assert_true(find_file(dir, ".journal", path));
		assert_int_equal(stat(path, &st), 0);
		ends[i] = (size_t)st.st_size;
	}
	bytes = malloc(ends[records - 1]);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, bytes, ends[records - 1]), ends[records - 1]);
	close(fd);
	store_sink_abandon(sink);
	assert_ok(sink_close(sink, &err));
	store_close(store);
	return bytes;
}

static void
put_file(const char *path, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static size_t
unlink_all(const char *dir, const char *pattern)
{
	char path[1024];
	glob_t found;
	size_t n = 0;

	snprintf(path, sizeof path, "%s/%s", dir, pattern);
	if (glob(path, 0, NULL, &found) == 0) {
		for (n = 0; n < found.gl_pathc; n++)
			unlink(found.gl_pathv[n]);
		globfree(&found);
	}
	return n;
}

/* The journal cut at every byte of its last record: the others stay, none comes twice. */
static void
test_cut(void **state)
{
	char dir[512], path[1024];
	size_t ends[3];
	uint8_t *bytes;

	snprintf(dir, sizeof dir, "%s", fresh_dir("cut"));
	bytes = make_journal(dir, path, 3, ends);
	for (size_t n = ends[1]; n <= ends[2]; n++) {
		size_t want = n == ends[2] ? 3 * GATHER : 2 * GATHER;
		struct err err = {0};

		put_file(path, bytes, n);
		for (int i = 0; i < 2; i++) {
			if (scan_ids(dir, seen, want, &err) != (long)want)
				fail_msg("cut at %zu, turn %d: %s", n, i, err.text);
			assert_each_once(seen, want);
			reopen(dir);
		}
		assert_int_equal(count_damaged(dir), n != ends[1] && n != ends[2]);
		assert_int_equal(access(path, F_OK), -1);
		unlink_all(dir, "journal/test/damaged-*");
		assert_int_equal(unlink_all(dir, "date=*/*.parquet"), 1);
	}
	free(bytes);
}

/* One byte changed anywhere: never a wrong row, never silence, the rest is read. */
static void
test_damage(void **state)
{
	char dir[512], path[1024];
	size_t ends[3];
	uint8_t *bytes;

	snprintf(dir, sizeof dir, "%s", fresh_dir("damage"));
	bytes = make_journal(dir, path, 3, ends);
	for (size_t at = 0; at < ends[2]; at += at < ends[0] ? 3 : 11) {
		struct store *store;
		struct err err = {0};
		long rows;

		bytes[at] ^= 0x20;
		put_file(path, bytes, ends[2]);
		bytes[at] ^= 0x20;
		rows = scan_ids(dir, seen, 3 * GATHER, &err);
		if (rows != -1 || strstr(err.text, "offset") == NULL)
			fail_msg("byte %zu changed: %ld rows, \"%s\"", at, rows,
				 err.text);
		for (size_t i = 0; i < 3 * GATHER; i++)
			assert_true(seen[i] <= 1);
		err_clear(&err);
		assert_ok(store_open(dir, &small, &store, &err));
		assert_true(store_counters(store)[STORE_damage_found] > 0);
		assert_non_null(strstr(store_notes(store), "damaged-"));
		store_close(store);
		rows = scan_ids(dir, seen, 3 * GATHER, &err);
		if (rows < 0)
			fail_msg("after recovery: %s", err.text);
		for (size_t i = 0; i < 3 * GATHER; i++)
			assert_true(seen[i] <= 1);
		if (at >= ends[0]) /* the first record is whole */
			assert_true(rows >= GATHER);
		assert_true(unlink_all(dir, "journal/test/damaged-*") > 0);
		unlink_all(dir, "date=*/*.parquet");
	}
	free(bytes);
}

/* A journal whose segment exists already is not read, and goes when the store is opened.
 */
static void
test_twice(void **state)
{
	char dir[512], path[1024];
	size_t ends[2];
	struct err err = {0};
	uint8_t *bytes;

	snprintf(dir, sizeof dir, "%s", fresh_dir("twice"));
	bytes = make_journal(dir, path, 2, ends);
	reopen(dir);
	put_file(path, bytes, ends[1]);
	assert_int_equal(scan_ids(dir, seen, 2 * GATHER, &err), 2 * GATHER);
	assert_each_once(seen, 2 * GATHER);
	reopen(dir);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(scan_ids(dir, seen, 2 * GATHER, &err), 2 * GATHER);
	assert_each_once(seen, 2 * GATHER);
	free(bytes);
}

/* A disk that is full at any size: what was acknowledged stays, the message helps, and
 * writing goes on when there is room again. */
static void
test_full(void **state)
{
	for (rlim_t limit = 100; limit < 60000; limit = limit * 5 / 3) {
		char dir[512];
		struct err err = {0};
		int status, fds[2];
		uint64_t written = 0;
		pid_t pid;

		snprintf(dir, sizeof dir, "%s", fresh_dir("full"));
		assert_int_equal(pipe(fds), 0);
		reopen(dir);
		if ((pid = fork()) == 0) {
			struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
			struct rlimit r = {limit, RLIM_INFINITY};
			struct store *store;
			struct sink *sink;

			signal(SIGXFSZ, SIG_IGN);
			if (store_open(dir, &small, &store, &err) != 0 ||
			    store_sink(store, &flow_schema, &sink, &err) != 0)
				_exit(1);
			setrlimit(RLIMIT_FSIZE, &r);
			for (uint64_t i = 0; i < 100 * GATHER; i += GATHER)
				if (push_flows(sink, i, GATHER, 1000000, &err) != 0)
					break;
			if (err.code != EFBIG ||
			    strstr(err.text, "free some space") == NULL)
				_exit(2);
			err_clear(&err);
			written = store_counters(store)[STORE_rows_written];
			setrlimit(RLIMIT_FSIZE, &none);
			if (write(fds[1], &written, sizeof written) != sizeof written)
				_exit(3);
			if (limit % 2 == 0) /* dies so, or goes on and closes */
				_exit(0);
			if (sink_close(sink, &err) != 0)
				_exit(4);
			store_close(store);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("limit %lu: child's status %x", (unsigned long)limit,
				 status);
		assert_int_equal(read(fds[0], &written, sizeof written), sizeof written);
		close(fds[0]);
		close(fds[1]);
		if (limit % 2 != 0)
			written += GATHER; /* was gathered, written on close */
		for (int i = 0; i < 2; i++) {
			assert_int_equal(scan_ids(dir, seen, written, &err), written);
			assert_each_once(seen, written);
			reopen(dir);
		}
	}
}

/* No room for the segment: the journal stays and is made a segment later. */
static void
test_full_at_close(void **state)
{
	char dir[512];
	struct err err = {0};
	int status;
	pid_t pid;

	snprintf(dir, sizeof dir, "%s", fresh_dir("fullclose"));
	if ((pid = fork()) == 0) {
		struct rlimit r = {4096, RLIM_INFINITY};
		struct store *store;
		struct sink *sink;

		signal(SIGXFSZ, SIG_IGN);
		if (store_open(dir, &small, &store, &err) != 0 ||
		    store_sink(store, &flow_schema, &sink, &err) != 0 ||
		    push_flows(sink, 0, 10 * GATHER, 1000000, &err) != 0)
			_exit(1);
		setrlimit(RLIMIT_FSIZE, &r);
		_exit(sink_close(sink, &err) == -1 &&
			      strstr(err.text, "stay in the journal")
			  ? 0
			  : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(scan_ids(dir, seen, 10 * GATHER, &err), 10 * GATHER);
		assert_each_once(seen, 10 * GATHER);
		reopen(dir);
	}
	assert_int_equal(unlink_all(dir, "date=*/.*tmp"), 0);
}

/* Folders that may not be read or written, for a user who is not root. */
static void
test_closed_folder(void **state)
{
	static const char *const closed[] = {"", "/journal", "/journal/test"};
	struct err err = {0};
	int status;

	if (geteuid() != 0) {
		printf("skipped: needs root to become nobody\n");
		skip();
	}
	for (int i = 0; i < 3; i++) {
		char dir[512], path[1024];
		size_t ends[2];
		pid_t pid;

		snprintf(dir, sizeof dir, "%s", fresh_dir("closed"));
		free(make_journal(dir, path, 2, ends));
		for (int k = 0; k < 3; k++) {
			snprintf(path, sizeof path, "%s%s", dir, closed[k]);
			assert_int_equal(chmod(path, k == i ? 0700 : 0755), 0);
		}
		if ((pid = fork()) == 0) {
			struct store *store;

			if (setgid(65534) != 0 || setuid(65534) != 0)
				_exit(1);
			if (scan_ids(dir, NULL, 0, &err) != -1 || err.code != EACCES ||
			    strstr(err.text, dir) == NULL)
				_exit(2);
			err_clear(&err);
			if (store_open(dir, &small, &store, &err) != -1 ||
			    err.code != EACCES || strstr(err.text, dir) == NULL)
				_exit(3);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("folder \"%s\": status %x", closed[i], status);
	}
}

/* Two writers of one name share a store; a reader sees all rows once at any moment. */
static void
test_two_writers_and_reader(void **state)
{
	enum { EACH = 600 * GATHER };
	char dir[512];
	struct err err = {0};
	pid_t pids[2];
	int status, rounds = 0, alive = 2;
	long last = 0;

	snprintf(dir, sizeof dir, "%s", fresh_dir("two"));
	reopen(dir);
	for (int w = 0; w < 2; w++)
		if ((pids[w] = fork()) == 0) {
			struct store_config config = small;
			struct store *store;
			struct sink *sink;

			config.clock = STORE_CLOCK_PACKET;
			config.rotation_s = 10;
			if (store_open(dir, &config, &store, &err) != 0 ||
			    store_sink(store, &flow_schema, &sink, &err) != 0)
				_exit(1);
			for (uint64_t i = 0; i < EACH; i += GATHER)
				if (push_flows(sink, (uint64_t)w * EACH + i, GATHER,
					       (int64_t)i / 100, &err) != 0)
					_exit(2);
			if (sink_close(sink, &err) != 0)
				_exit(3);
			_exit(0);
		}
	while (alive > 0) {
		long rows = scan_ids(dir, seen, 2 * EACH, &err);

		if (rows < last)
			fail_msg("round %d: %ld rows after %ld: %s", rounds, rows, last,
				 err.text);
		for (size_t w = 0; w < 2;
		     w++) { /* each writer's rows are a prefix, once */
			bool is_over = false;

			for (size_t i = 0; i < EACH; i++) {
				uint32_t n = seen[w * EACH + i];

				if (n > 1 || (n == 1 && is_over))
					fail_msg(
					    "round %d: row %zu of writer %zu: %u times",
					    rounds, i, w, n);
				is_over = n == 0;
			}
		}
		last = rows;
		rounds++;
		for (int w = 0; w < 2; w++)
			if (pids[w] > 0 &&
			    waitpid(pids[w], &status, WNOHANG) == pids[w]) {
				assert_int_equal(status, 0);
				pids[w] = 0;
				alive--;
			}
	}
	assert_int_equal(scan_ids(dir, seen, 2 * EACH, &err), 2 * EACH);
	assert_each_once(seen, 2 * EACH);
	assert_true(rounds > 2);
}

/* A damaged segment: its error names file and place, the others are read. */
static void
test_damaged_segment(void **state)
{
	struct store_scan_config config = {.schema = &flow_schema, .keep_going = true};
	struct batch *b = batch_new(&flow_schema, BATCH_ROWS);
	struct store_config sc = small;
	struct store_scan *scan;
	struct store *store;
	struct sink *sink;
	struct err err = {0};
	char dir[512], pattern[600];
	struct stat st;
	glob_t found;
	int fd, more;
	long rows = 0;

	snprintf(dir, sizeof dir, "%s", fresh_dir("segment"));
	sc.clock = STORE_CLOCK_PACKET;
	assert_ok(store_open(dir, &sc, &store, &err));
	assert_ok(store_sink(store, &flow_schema, &sink, &err));
	for (uint64_t i = 0; i < 4; i++)
		assert_ok(
		    push_flows(sink, i * 100, 100, 1000000 + (int64_t)i * 1000, &err));
	assert_ok(sink_close(sink, &err));
	store_close(store);
	snprintf(pattern, sizeof pattern, "%s/date=*/*.parquet", dir);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 4);
	assert_int_equal(stat(found.gl_pathv[1], &st), 0);
	assert_int_equal(st.st_mode & 027, 0);
	assert_int_equal(truncate(found.gl_pathv[1], st.st_size / 2), 0);
	fd = open(found.gl_pathv[2], O_RDWR);
	assert_int_equal(pwrite(fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, 40), 8);
	close(fd);

	assert_int_equal(scan_ids(dir, seen, 400, &err), -1);
	assert_non_null(strstr(err.text, found.gl_pathv[1]));
	assert_non_null(strstr(err.text, "2 files"));
	assert_true(seen[0] == 1 && seen[399] == 1);
	err_clear(&err);
	assert_ok(store_scan_open(dir, &config, &scan, &err));
	while ((more = store_scan_next(scan, b, &err)) > 0)
		rows += (long)b->rows;
	assert_int_equal(more, 0);
	assert_int_equal(rows, 200);
	assert_int_equal(store_scan_counters(scan)[STORE_files_failed], 2);
	assert_non_null(strstr(store_scan_notes(scan), found.gl_pathv[2]));
	store_scan_close(scan);
	globfree(&found);
	batch_free(b);
}

/* The promises about time, by a clock of our own: a second for rows, then a new interval.
 */
static int64_t clock_us;

static int64_t
fake_now(void *arg)
{
	return clock_us;
}

static void
test_tick(void **state)
{
	struct store_config config = small;
	struct store *store;
	struct sink *sink;
	struct err err = {0};
	char dir[512];

	snprintf(dir, sizeof dir, "%s", fresh_dir("tick"));
	config.gather_rows = 1000;
	config.sync = STORE_SYNC_SECOND;
	config.now = fake_now;
	clock_us = (int64_t)1700000000 * 1000000; /* 200 s into its interval */
	assert_ok(store_open(dir, &config, &store, &err));
	assert_ok(store_sink(store, &flow_schema, &sink, &err));
	assert_ok(push_flows(sink, 0, 10, 5, &err));
	assert_int_equal(scan_ids(dir, seen, 10, &err), 0);
	clock_us += 999999;
	assert_ok(store_sink_tick(sink, &err));
	assert_int_equal(scan_ids(dir, seen, 10, &err), 0);
	clock_us += 1;
	assert_ok(store_sink_tick(sink, &err));
	assert_int_equal(scan_ids(dir, seen, 10, &err), 10);
	clock_us += (int64_t)100 * 1000000;
	assert_ok(store_sink_tick(sink, &err));
	assert_int_equal(store_counters(store)[STORE_segments_made], 1);
	assert_int_equal(scan_ids(dir, seen, 10, &err), 10);
	assert_ok(push_flows(sink, 10, 5, 5, &err));
	assert_ok(sink_close(sink, &err));
	assert_int_equal(store_counters(store)[STORE_segments_made], 2);
	assert_int_equal(scan_ids(dir, seen, 15, &err), 15);
	assert_each_once(seen, 15);
	store_close(store);
}

/* Small groups of a journal become big ones in the segment, in the same order. */
static void
test_merge(void **state)
{
	struct store_config config = small;
	struct store_scan_config sc = {.schema = &flow_schema};
	struct batch *b = batch_new(&flow_schema, BATCH_ROWS);
	struct store_scan *scan;
	struct store *store;
	struct sink *sink;
	struct err err = {0};
	char dir[512];
	uint64_t next = 0;

	snprintf(dir, sizeof dir, "%s", fresh_dir("merge"));
	config.gather_rows = 4096;
	assert_ok(store_open(dir, &config, &store, &err));
	assert_ok(store_sink(store, &flow_schema, &sink, &err));
	for (uint64_t i = 0; i < 20; i++) {
		uint64_t n = i == 7 ? 3000 : 50 + i;

		assert_ok(push_flows(sink, next, n, 5, &err));
		assert_ok(sink_flush(sink, &err));
		next += n;
	}
	assert_ok(sink_close(sink, &err));
	store_close(store);
	assert_ok(store_scan_open(dir, &sc, &scan, &err));
	for (uint64_t at = 0; at < next;) {
		assert_int_equal(store_scan_next(scan, b, &err), 1);
		for (size_t i = 0; i < b->rows; i++)
			assert_int_equal(column_u64(&b->columns[FLOW_bytes], i), at++);
	}
	assert_int_equal(store_scan_next(scan, b, &err), 0);
	assert_int_equal(store_scan_counters(scan)[STORE_groups_read], 3);
	store_scan_close(scan);
	batch_free(b);
}

/* A batch of more than half a group is written as it lies, behind what came before. */
static void
test_whole(void **state)
{
	static const struct {
		uint64_t n, seen; /* pushed; and seen by a reader then */
	} rows[] = {{10, 0}, {40, 50}, {32, 50}, {33, 115}, {20, 115}, {20, 115}, {30, 179},
		{64, 249}};
	struct store_config config = small;
	struct store_scan_config sc = {.schema = &flow_schema};
	struct batch *b = batch_new(&flow_schema, BATCH_ROWS);
	struct store_scan *scan;
	struct store *store;
	struct sink *sink;
	struct err err = {0};
	char dir[512];
	uint64_t next = 0, at = 0;

	snprintf(dir, sizeof dir, "%s", fresh_dir("whole"));
	assert_ok(store_open(dir, &config, &store, &err));
	assert_ok(store_sink(store, &flow_schema, &sink, &err));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_ok(push_flows(sink, next, rows[i].n, 5, &err));
		next += rows[i].n;
		assert_int_equal(scan_ids(dir, seen, next, &err), rows[i].seen);
		assert_int_equal(store_counters(store)[STORE_rows_written], rows[i].seen);
	}
	assert_ok(sink_close(sink, &err));
	store_close(store);
	assert_ok(store_scan_open(dir, &sc, &scan, &err));
	while (at < next) {
		assert_int_equal(store_scan_next(scan, b, &err), 1);
		for (size_t i = 0; i < b->rows; i++)
			assert_int_equal(column_u64(&b->columns[FLOW_bytes], i), at++);
	}
	assert_int_equal(store_scan_next(scan, b, &err), 0);
	store_scan_close(scan);
	batch_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_merge),
	    cmocka_unit_test(test_whole),
	    cmocka_unit_test(test_tick),
	    cmocka_unit_test(test_kill),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_damage),
	    cmocka_unit_test(test_twice),
	    cmocka_unit_test(test_full),
	    cmocka_unit_test(test_full_at_close),
	    cmocka_unit_test(test_closed_folder),
	    cmocka_unit_test(test_two_writers_and_reader),
	    cmocka_unit_test(test_damaged_segment),
	};

	return cmocka_run_group_tests_name("store/journal", tests, NULL, NULL);
}
