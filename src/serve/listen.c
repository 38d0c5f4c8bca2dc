/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket file. Whether a socket that is there already is alive is found out by
 * connecting to it; replacing a dead one is done under a lock on its folder, so that of
 * two programs that start at once one does not remove the other's new socket.
 */
#include "serve/listen.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 64, LOCK_TRIES = 20 };

static int
address_make(const char *path, struct sockaddr_un *out, struct err *err)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (path[0] == '\0')
		return err_set(err, EINVAL, "a control socket needs a path");
	if (strlen(path) >= sizeof out->sun_path)
		return err_set(err, ENAMETOOLONG,
		    "control socket %s: the path is longer than "
		    "%zu octets", path, sizeof out->sun_path - 1);
	strcpy(out->sun_path, path);
	return 0;
}

static int
group_find(const char *group, gid_t *out, struct err *err)
{
	char space[16384];
	struct group row, *found = NULL;
	uint64_t number;

	if (parse_u64(group, strlen(group), &number) && number < UINT32_MAX) {
		*out = (gid_t)number;
		return 0;
	}
	if (getgrnam_r(group, &row, space, sizeof space, &found) != 0 || found == NULL)
		return err_set(err, ENOENT,
		    "there is no group '%s'; getent group lists them", group);
	*out = found->gr_gid;
	return 0;
}

/* An open folder with an exclusive lock, if one is to be had soon; -1: none. */
static int
folder_lock(const char *path)
{
	const struct timespec pause = {0, 50 * 1000 * 1000};
	const char *slash = strrchr(path, '/');
	char folder[108] = ".";
	int fd, tries;

	if (slash != NULL)
		snprintf(folder, sizeof folder, "%.*s",
		    slash == path ? 1 : (int)(slash - path), path);
	if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return -1;
	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			break;
		nanosleep(&pause, NULL);
	}
	return fd;
}

/* Removes the path if it is a socket that nobody listens to. */
static int
remove_dead(const struct sockaddr_un *address, struct err *err)
{
	const char *path = address->sun_path;
	struct stat before, after;
	int fd, code;

	if (lstat(path, &before) != 0)
		return errno == ENOENT ? 0 : err_set(err, errno, "control socket %s: %s",
		    path, strerror(errno));
	if (!S_ISSOCK(before.st_mode))
		return err_set(err, EEXIST,
		    "control socket %s: there is a file that is no socket; "
		    "remove it or take another path", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
		return err_set(err, errno, "control socket: %s", strerror(errno));
	code = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0
	    : errno;
	close(fd);
	if (code != ECONNREFUSED && code != ENOENT)
		return err_set(err, EADDRINUSE,
		    "control socket %s: %s; end that program or take "
		    "another path", path, code == 0 || code == EAGAIN
		    ? "another program listens there" : strerror(code));
	if (lstat(path, &after) == 0 && after.st_dev == before.st_dev &&
	    after.st_ino == before.st_ino && unlink(path) != 0 && errno != ENOENT)
		return err_set(err, errno,
		    "control socket %s: a dead one cannot be removed: %s", path,
		    strerror(errno));
	return 0;
}

static int
bind_path(struct listener *l, const struct sockaddr_un *address, struct err *err)
{
	mode_t mask = umask(0117);
	int status = bind(l->fd, (const struct sockaddr *)address, sizeof *address);
	int code = errno;

	umask(mask);
	if (status == 0)
		return 0;
	errno = code;
	return code == EADDRINUSE ? 1 : err_set(err, code, "control socket %s: %s",
	    address->sun_path, strerror(code));
}

static int
bind_or_replace(struct listener *l, const struct sockaddr_un *address, struct err *err)
{
	int status = bind_path(l, address, err);

	if (status > 0 && remove_dead(address, err) == 0 &&
	    (status = bind_path(l, address, err)) > 0)
		err_set(err, EADDRINUSE,
		    "control socket %s: another program has just taken it",
		    address->sun_path);
	return status == 0 ? 0 : -1;
}

/* Binds, and listens at once: a bound socket that does not would look like a dead one. */
static int
bind_and_listen(struct listener *l, const struct sockaddr_un *address, const gid_t *gid,
    struct err *err)
{
	const char *path = address->sun_path;
	struct stat st;

	if (bind_or_replace(l, address, err) != 0)
		return -1;
	if (lstat(path, &st) != 0)
		return err_set(err, errno, "control socket %s: %s", path,
		    strerror(errno));
	strcpy(l->path, path);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	if (gid != NULL && lchown(path, (uid_t)-1, *gid) != 0)
		return err_set(err, errno, "control socket %s: group %u: %s", path,
		    (unsigned)*gid, strerror(errno));
	if (listen(l->fd, BACKLOG) != 0)
		return err_set(err, errno, "control socket %s: %s", path,
		    strerror(errno));
	return 0;
}

int
listener_open(struct listener *l, const char *path, const char *group, struct err *err)
{
	struct sockaddr_un address;
	gid_t gid = 0;
	int lock, status;

	*l = (struct listener){.fd = -1};
	if (address_make(path, &address, err) != 0 ||
	    (group != NULL && group_find(group, &gid, err) != 0))
		return -1;
	if ((l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
		return err_set(err, errno, "control socket: %s", strerror(errno));
	lock = folder_lock(path);
	status = bind_and_listen(l, &address, group != NULL ? &gid : NULL, err);
	if (lock >= 0)
		close(lock);
	if (status != 0)
		listener_close(l);
	return status;
}

void
listener_close(struct listener *l)
{
	struct stat st;

	/* First the path: from then on nobody can take it for a dead one. */
	if (l->path[0] != '\0' && lstat(l->path, &st) == 0 && st.st_dev == l->dev &&
	    st.st_ino == l->ino)
		(void)unlink(l->path);
	if (l->fd >= 0)
		close(l->fd);
	*l = (struct listener){.fd = -1};
}

/* "user root, group weir" of the socket file, for those who may not connect. */
static void
owner_text(const char *path, char *out, size_t size)
{
	char space[16384];
	struct passwd user, *found_user = NULL;
	struct group group, *found_group = NULL;
	struct stat st;

	out[0] = '\0';
	if (lstat(path, &st) != 0)
		return;
	if (getpwuid_r(st.st_uid, &user, space, sizeof space / 2, &found_user) != 0)
		found_user = NULL;
	if (getgrgid_r(st.st_gid, &group, space + sizeof space / 2, sizeof space / 2,
	    &found_group) != 0)
		found_group = NULL;
	snprintf(out, size, "; it is for user %.64s and group %.64s",
	    found_user != NULL ? user.pw_name : "(no name)",
	    found_group != NULL ? group.gr_name : "(no name)");
}

int
listener_connect(const char *path, struct err *err)
{
	struct sockaddr_un address;
	char owner[256];
	int fd;

	if (address_make(path, &address, err) != 0)
		return -1;
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
		return err_set(err, errno, "socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	switch (errno) {
	case ENOENT:
		err_set(err, errno,
		    "%s: there is no such socket; is the program running, and with "
		    "this --control?", path);
		break;
	case ECONNREFUSED:
		err_set(err, errno, "%s: nobody listens there; the program has ended",
		    path);
		break;
	case EACCES:
	case EPERM:
		owner_text(path, owner, sizeof owner);
		err_set(err, errno, "%s: permission denied%s", path, owner);
		break;
	case EAGAIN:
		err_set(err, errno, "%s: too many clients are waiting; try again", path);
		break;
	default:
		err_set(err, errno, "%s: %s", path, strerror(errno));
	}
	close(fd);
	return -1;
}
