/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Giving up rights: capabilities by capset(2), paths by landlock(7), system calls by
 * seccomp(2) through libseccomp. Under AddressSanitizer, which makes calls of its own,
 * there is no seccomp.
 */
#include "base/sandbox.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { HAS_SECCOMP = 0 };
#else
enum { HAS_SECCOMP = 1 };
#endif

/* ---- capabilities ---- */

static int
capabilities_set(uint64_t permitted, uint64_t effective)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {
	    {.effective = (uint32_t)effective, .permitted = (uint32_t)permitted},
	    {.effective = (uint32_t)(effective >> 32),
	    .permitted = (uint32_t)(permitted >> 32)}};

	return (int)syscall(SYS_capset, &head, data);
}

static uint64_t
capabilities_permitted(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &head, data) != 0)
		return 0;
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

static int
capabilities_keep(uint64_t keep, struct err *err)
{
	unsigned i;

	keep &= capabilities_permitted();
	for (i = 0; i <= CAP_LAST_CAP; i++)
		(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0); /* needs CAP_SETPCAP */
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (capabilities_set(keep, keep) != 0)
		return err_set(err, errno, "capabilities cannot be given up: %s",
		    strerror(errno));
	return 0;
}

int
sandbox_user(const char *text, uint64_t capabilities, struct err *err)
{
	char name[256];
	const char *colon = strchr(text, ':');
	size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
	struct passwd *user;
	struct group *group;
	gid_t gid;

	if (len >= sizeof name)
		return err_set(err, EINVAL, "user '%s': too long", text);
	memcpy(name, text, len);
	name[len] = '\0';
	if ((user = getpwnam(name)) == NULL)
		return err_set(err, EINVAL, "there is no user '%s'", name);
	gid = user->pw_gid;
	if (colon != NULL && colon[1] != '\0') {
		if ((group = getgrnam(colon + 1)) == NULL)
			return err_set(err, EINVAL, "there is no group '%s'", colon + 1);
		gid = group->gr_gid;
	}
	if (getuid() == user->pw_uid && getgid() == gid)
		return 0;
	capabilities &= capabilities_permitted();
	(void)prctl(PR_SET_KEEPCAPS, capabilities != 0, 0, 0, 0);
	if (initgroups(name, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
		return err_set(err, errno, "cannot become user '%s': %s", text,
		    strerror(errno));
	if (capabilities != 0 && capabilities_set(capabilities, capabilities) != 0)
		return err_set(err, errno, "capabilities cannot be kept: %s",
		    strerror(errno));
	return 0;
}

/* ---- paths ---- */

/* Rights that came with later versions of the kernel's header than Debian 12's. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ull << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ull << 14)
#endif

static const uint64_t READ_RIGHTS = LANDLOCK_ACCESS_FS_READ_FILE |
    LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t FILE_RIGHTS = LANDLOCK_ACCESS_FS_EXECUTE |
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
    LANDLOCK_ACCESS_FS_TRUNCATE;

/* What the C library reads: names of hosts, time zones, its own parts. */
static const char *const library_paths[] = {"/etc", "/usr", "/lib", "/lib64", "/proc",
    "/sys/class/net", "/sys/devices/system/cpu", "/run/systemd/resolve"};

static uint64_t
rights_of_version(long version)
{
	uint64_t rights = LANDLOCK_ACCESS_FS_REFER - 1; /* all of the first version */

	if (version >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
	return rights;
}

static int
allow_path(int rules, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = rights};
	struct stat st;
	int status = 0;

	if (path == NULL || (rule.parent_fd = open(path, O_PATH | O_CLOEXEC)) < 0)
		return 0;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FILE_RIGHTS;
	if (rule.allowed_access != 0)
		status = (int)syscall(SYS_landlock_add_rule, rules,
		    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return status;
}

static int
allow_paths(int rules, const struct sandbox *s, uint64_t rights)
{
	int status = 0;
	size_t i;

	for (i = 0; i < sizeof library_paths / sizeof *library_paths; i++)
		status |= allow_path(rules, library_paths[i], READ_RIGHTS);
	for (i = 0; i < SANDBOX_PATHS; i++) {
		status |= allow_path(rules, s->writable[i],
		    rights & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE);
		status |= allow_path(rules, s->readable[i], READ_RIGHTS);
		status |= allow_path(rules, s->removable[i],
		    LANDLOCK_ACCESS_FS_REMOVE_FILE);
	}
	return status;
}

static int
limit_paths(const struct sandbox *s, struct text *notes, struct err *err)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr =
	    {.handled_access_fs = rights_of_version(version)};
	int rules, status;

	if (version <= 0) {
		text_str(notes, "the kernel has no Landlock: paths are not limited\n");
		return 0;
	}
	if ((rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0)) <
	    0)
		return err_set(err, errno, "Landlock: %s", strerror(errno));
	status = allow_paths(rules, s, attr.handled_access_fs);
	if (status != 0 || syscall(SYS_landlock_restrict_self, rules, 0) != 0)
		status = err_set(err, errno, "Landlock: %s", strerror(errno));
	close(rules);
	return status;
}

/* ---- system calls ---- */

static const struct {
	unsigned grant;
	const char *name;
} calls[] = {
#define CALL(grant, name) {SANDBOX_##grant, #name},
#include "base/sandbox.def"
#undef CALL
};

static int
allow_calls(scmp_filter_ctx filter, const struct sandbox *s)
{
	static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
	int status = 0, number;
	size_t i;

	for (i = 0; i < sizeof calls / sizeof *calls; i++) {
		if (!((s->grants | SANDBOX_ALWAYS) & calls[i].grant))
			continue;
		number = seccomp_syscall_resolve_name(calls[i].name);
		if (number >= 0)
			status |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
	for (i = 0; i < sizeof families / sizeof *families; i++) {
		if (s->grants & SANDBOX_NETWORK)
			status |= seccomp_rule_add(filter, SCMP_ACT_ALLOW,
			    SCMP_SYS(socket), 1,
			    SCMP_A0(SCMP_CMP_EQ, (unsigned)families[i]));
	}
	if (s->grants & SANDBOX_CAPTURE)
		status |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
		    SCMP_A0(SCMP_CMP_EQ, AF_PACKET));
	if (s->grants & SANDBOX_THREADS) {
		/* Threads, no processes. The arguments of clone3 cannot be seen: without
		 * it the C library takes clone. */
		status |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
		status |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
		    SCMP_SYS(clone3), 0);
	}
	return status;
}

static int
limit_calls(const struct sandbox *s, struct text *notes, struct err *err)
{
	scmp_filter_ctx filter;
	int status;

	if (!HAS_SECCOMP) {
		text_str(notes,
		    "a build with sanitizers: system calls are not limited\n");
		return 0;
	}
	if ((filter = seccomp_init(SCMP_ACT_ERRNO(EPERM))) == NULL)
		return err_set(err, ENOMEM, "seccomp: out of memory");
	status = allow_calls(filter, s);
	if (status == 0 && (status = seccomp_load(filter)) != 0) {
		text_printf(notes, "seccomp: %s: system calls are not limited\n",
		    strerror(-status));
		status = 0;
	} else if (status != 0) {
		err_set(err, EINVAL, "seccomp: a rule is not accepted");
	}
	seccomp_release(filter);
	return status != 0 ? -1 : 0;
}

int
sandbox_enter(const struct sandbox *s, struct text *notes, struct err *err)
{
	size_t i;

	if (s->grants == SANDBOX_NONE)
		return 0;
	if (!s->keeps_all_capabilities && capabilities_keep(s->capabilities, err) != 0)
		return -1;
	for (i = 0; i < SANDBOX_PATHS; i++) {
		if (s->writable[i] != NULL && faccessat(AT_FDCWD, s->writable[i], W_OK,
		    AT_EACCESS) != 0 && errno == EACCES)
			return err_set(err, EACCES,
			    "%s: not writable once capabilities are given "
			    "up; run as its owner (--user) or give it to this user",
			    s->writable[i]);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(err, errno, "no_new_privs: %s", strerror(errno));
	if (limit_paths(s, notes, err) != 0)
		return -1;
	return limit_calls(s, notes, err);
}
