/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file is locked by fcntl(2): such a lock is the process's alone, not its children's.
 * Who can lock a file knows that its process is gone, and undoes its lines while holding
 * the lock; so two that clean at once do not meet. A file that was removed meanwhile is
 * seen by its link count. All that undoes may be done again, and does not mind what is
 * gone already.
 */
#include "lab/leftover.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/network.h"
#include "lab/program.h"
#include "lab/space.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	FILE_BYTES_MAX = 1 << 16,
	LINE_MAX_BYTES = 512,
	WORD_MAX = 128,
	KILL_ROUNDS = 200
};

struct leftover {
	int fd;
	char path[64];
};

/* Opens and locks a file: 0, or -1 and errno; EAGAIN: its process lives, ENOENT: removed.
 */
static int
open_locked(const char *path, int flags)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_APPEND | flags, 0644);
	struct stat status;

	if (fd < 0)
		return -1;
	if (fcntl(fd, F_SETLK, &lock) != 0) {
		close(fd);
		errno = EAGAIN;
		return -1;
	}
	if (fstat(fd, &status) == 0 && status.st_nlink > 0)
		return fd;
	close(fd);
	errno = ENOENT;
	return -1;
}

/* ---- undoing ---- */

static void
pause_ms(long ms)
{
	struct timespec t = {0, ms * 1000000};

	(void)nanosleep(&t, NULL);
}

/* Processes whose network is that of the device and inode; killed if so asked. */
static unsigned
processes_in(const struct stat *space, bool kill_them)
{
	char path[300];
	struct stat status;
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	unsigned n = 0;
	long pid;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if ((pid = strtol(entry->d_name, NULL, 10)) <= 1 || pid == getpid())
			continue;
		snprintf(path, sizeof path, "/proc/%ld/ns/net", pid);
		if (stat(path, &status) != 0 || status.st_ino != space->st_ino ||
		    status.st_dev != space->st_dev)
			continue;
		n++;
		if (kill_them)
			(void)kill((pid_t)pid, SIGKILL);
	}
	if (dir != NULL)
		closedir(dir);
	return n;
}

unsigned
leftover_kill(const char *space)
{
	char path[SPACE_PATH_MAX];
	struct stat status;
	unsigned n, i;

	space_path(space, path);
	if (stat(path, &status) != 0)
		return 0;
	n = processes_in(&status, true);
	for (i = 0; i < KILL_ROUNDS && n > 0 && processes_in(&status, true) > 0; i++)
		pause_ms(10);
	return n;
}

static void
undo_space(const char *name)
{
	const char *argv[] = {"ip", "netns", "del", name, NULL};
	char path[SPACE_PATH_MAX];

	space_path(name, path);
	if (strncmp(name, "weir-", 5) != 0 || strchr(name, '/') != NULL ||
	    access(path, F_OK) != 0)
		return; /* not ours */
	(void)leftover_kill(name);
	(void)program_run(argv, NULL, NULL, NULL);
	(void)unlink(path); /* where it is not mounted */
}

/* "SPACE WORD REST" to its words; NULL for the machine's own space. */
static int
split(const char *line, char space[WORD_MAX], char word[WORD_MAX], char rest[WORD_MAX])
{
	rest[0] = '\0';
	return sscanf(line, "%127s %127s %127[^\n]", space, word, rest);
}

static const char *
or_own(const char *space)
{
	return strcmp(space, "-") == 0 ? NULL : space;
}

static void
undo_device(const char *line)
{
	char space[WORD_MAX], name[WORD_MAX], rest[WORD_MAX];
	const char *argv[] = {"ip", "link", "del", "dev", name, NULL};
	int back;

	if (split(line, space, name, rest) != 2 ||
	    space_enter(or_own(space), &back, NULL) != 0)
		return;
	if (if_nametoindex(name) != 0)
		(void)program_run(argv, NULL, NULL, NULL);
	space_leave(back);
}

static void
undo_table(const char *line)
{
	char space[WORD_MAX], name[WORD_MAX], rest[WORD_MAX];
	const char *argv[] = {"nft", "delete", "table", "inet", name, NULL};
	int back;

	if (split(line, space, name, rest) != 2 ||
	    space_enter(or_own(space), &back, NULL) != 0)
		return;
	(void)program_run(argv, NULL, NULL, NULL);
	space_leave(back);
}

/* Not while another that lives needs the setting; its line goes under the lock. */
static void
undo_sysctl(const char *line)
{
	char space[WORD_MAX], key[WORD_MAX], value[WORD_MAX];

	if (split(line, space, key, value) == 3 &&
	    !leftover_before(or_own(space), key, NULL, 0))
		(void)space_sysctl(or_own(space), key, value, NULL);
}

static const struct {
	const char *word;
	void (*undo)(const char *rest);
} kinds[] = {{"space ", undo_space}, {"device ", undo_device}, {"table ", undo_table},
    {"sysctl ", undo_sysctl}};

static void
undo_line(const char *line)
{
	size_t i;

	for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strncmp(line, kinds[i].word, strlen(kinds[i].word)) == 0)
			kinds[i].undo(line + strlen(kinds[i].word));
	}
}

/* Undoes the lines of a locked file, the last first, and cuts each off as soon as it is
 * done; a line that was not written to its end was not done. */
static void
undo_file(int fd, const char *path)
{
	char *all = calloc(1, FILE_BYTES_MAX + 1), *end, *line;
	ssize_t n = all == NULL ? 0 : pread(fd, all, FILE_BYTES_MAX, 0);
	int lock;

	while (n > 0 && (end = strrchr(all, '\n')) != NULL) {
		*end = '\0';
		line = strrchr(all, '\n');
		line = line == NULL ? all : line + 1;
		lock = strncmp(line, "sysctl ", 7) == 0 ? leftover_lock() : -1;
		undo_line(line);
		if (ftruncate(fd, line - all) != 0)
			n = 0;
		leftover_unlock(lock);
	}
	free(all);
	(void)unlink(path);
	close(fd);
}

int
leftover_lock(void)
{
	int fd = open(NETWORK_FOLDER "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);

	while (fd >= 0 && flock(fd, LOCK_EX) != 0 && errno == EINTR)
		;
	return fd;
}

void
leftover_unlock(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* ---- the file of this process ---- */

int
leftover_open(struct leftover **out, struct err *err)
{
	struct leftover *left;
	int i;

	if ((left = calloc(1, sizeof *left)) == NULL)
		return err_set(err, ENOMEM, "out of memory");
	snprintf(left->path, sizeof left->path, NETWORK_FOLDER "/%ld", (long)getpid());
	if (mkdir(NETWORK_FOLDER, 0755) != 0 && errno != EEXIST) {
		err_set(err, errno, NETWORK_FOLDER ": cannot be made: %s",
		    strerror(errno));
		goto fail;
	}
	/* whatever the umask: others may know what is left */
	(void)chmod(NETWORK_FOLDER, 0755);
	/* A file of an earlier process of the same id may be in the hands of one that
	 * cleans. */
	for (i = 0; i < 500; i++) {
		left->fd = open_locked(left->path, O_CREAT);
		if (left->fd >= 0 || (errno != EAGAIN && errno != ENOENT))
			break;
		pause_ms(10);
	}
	if (left->fd < 0) {
		err_set(err, errno, "%s: %s", left->path, strerror(errno));
		goto fail;
	}
	*out = left;
	return 0;

fail:
	free(left);
	return -1;
}

void
leftover_close(struct leftover *left)
{
	if (left == NULL)
		return;
	undo_file(left->fd, left->path);
	free(left);
}

int
leftover_note(struct leftover *left, struct err *err, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof line - 1, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof line - 1)
		return err_set(err, EINVAL, "%s: a line is too long", left->path);
	line[n++] = '\n';
	if (write(left->fd, line, (size_t)n) != n)
		return err_set(err, errno, "%s: %s", left->path, strerror(errno));
	return 0;
}

/* ---- those of others ---- */

/* Calls each for the files of the folder, but for this process's own. */
static int
walk(int (*each)(const char *path, void *arg), void *arg)
{
	struct dirent *entry;
	char path[300];
	DIR *dir = opendir(NETWORK_FOLDER);
	int status = 0;

	while (dir != NULL && status == 0 && (entry = readdir(dir)) != NULL) {
		if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name) ||
		    strtol(entry->d_name, NULL, 10) == getpid())
			continue;
		snprintf(path, sizeof path, NETWORK_FOLDER "/%s", entry->d_name);
		status = each(path, arg);
	}
	if (dir != NULL)
		closedir(dir);
	return status;
}

struct before {
	const char *space, *key;
	char *value;
	unsigned value_bytes;
};

/* Whether the process of an open file lives; one that cannot be asked does. */
static bool
is_alive(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

static int
find_before(const char *path, void *arg)
{
	const struct before *b = arg;
	char line[LINE_MAX_BYTES], space[WORD_MAX], key[WORD_MAX], value[WORD_MAX] = "";
	FILE *file = fopen(path, "re");
	int found = 0;

	if (file == NULL)
		return 0;
	if (is_alive(fileno(file))) {
		while (found == 0 && fgets(line, sizeof line, file) != NULL)
			found = strncmp(line, "sysctl ", 7) == 0 &&
			    split(line + 7, space, key, value) == 3 &&
			    strcmp(key, b->key) == 0 && strcmp(space, b->space) == 0;
	}
	fclose(file);
	if (found && b->value != NULL)
		snprintf(b->value, b->value_bytes, "%s", value);
	return found;
}

bool
leftover_before(const char *space, const char *key, char *value, unsigned value_bytes)
{
	struct before b = {space == NULL ? "-" : space, key, value, value_bytes};

	return walk(find_before, &b) != 0;
}

struct clean {
	struct text *told; /* may be NULL */
	struct err *err;
};

/* What only root may remove, and perhaps read: that it is there must be known to others,
 * too. */
static int
clean_refuse(const char *path, struct err *err)
{
	const char *process = strrchr(path, '/') + 1;
	char proc[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool alive;

	snprintf(proc, sizeof proc, "/proc/%.20s", process);
	alive = fd >= 0 ? is_alive(fd) : access(proc, F_OK) == 0;
	if (fd >= 0)
		close(fd);
	return alive ? 0 : err_set(err, EPERM,
	    "process %s has left network namespaces (%s): "
	    "removing them needs root", process, path);
}

static int
clean_one(const char *path, void *arg)
{
	struct clean *c = arg;
	char room[4096];
	ssize_t n;
	int fd;

	if (geteuid() != 0)
		return clean_refuse(path, c->err);
	if ((fd = open_locked(path, 0)) < 0)
		return 0;
	n = pread(fd, room, sizeof room - 1, 0);
	room[n > 0 ? n : 0] = '\0';
	if (c->told != NULL)
		text_printf(c->told, "left by process %s, removed:\n%s",
		    strrchr(path, '/') + 1, n > 0 ? room : "nothing\n");
	undo_file(fd, path);
	return 0;
}

int
leftover_clean(struct text *told, struct err *err)
{
	struct clean c = {told, err};

	if (access(NETWORK_FOLDER, R_OK | X_OK) != 0 && errno != ENOENT)
		return err_set(err, errno, NETWORK_FOLDER ": %s: needs root",
		    strerror(errno));
	return walk(clean_one, &c);
}
