/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_PROCESS_H
#define LAB_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct process;
struct text;

/*
 * Programs of the lab: each runs in a network namespace, below a keeper, a small process
 * that takes on whatever the program leaves behind. So ending a process ends all that it
 * started, also what made itself a daemon, and it ends too when this program dies,
 * however it does.
 *
 * The thread that starts a process must live as long as it.
 */
struct process_config {
	/* NULL at the end; argv[0] is looked for in PATH */
	const char *const *argv;
	/* full name of a namespace; NULL: this program's own */
	const char *space;
	/* "NAME=VALUE", beside this program's; NULL at the end */
	const char *const *environment;
	/* "FILE:PLACE": the process and its children see FILE, or a folder, at PLACE, as
	 * /etc/hosts, say; both exist. PLACE has no ':'. NULL at the end; may be NULL. */
	const char *const *files;
	const char *folder;             /* it starts in; NULL: this program's */
	/* "NAME"; NULL: this program's. With HOME and USER */
	const char *user;
	const char *input;              /* a file; NULL: /dev/null */
	/* a file, made anew, for standard output; NULL: the log */
	const char *output;
	/* a file, appended to, for standard error; NULL: /dev/null */
	const char *log;
	/* Input, output and log are this program's, unless named above, and so is its
	 * terminal. */
	bool is_foreground;
};

/* -1 also if the program cannot be executed; the message names it and, by program.def,
 * its package. */
int process_start(const struct process_config *config, struct process **out,
    struct err *err);

enum process_state {
	PROCESS_ENDED,
	PROCESS_RUNNING, /* the time is over */
	PROCESS_STOP,    /* stop_asked */
};

/* Waits for its end for at most timeout_ms; -1: for ever. */
enum process_state process_wait(struct process *process, int64_t timeout_ms);
/* Waits for one of them, of 256 at most; *which is the first that has ended. NULLs are
 * passed over. */
enum process_state process_wait_any(struct process *const *list, unsigned n,
    int64_t timeout_ms, unsigned *which);

/* Sends a signal to the program alone. */
void process_signal(struct process *process, int number);
/*
 * Ends it: SIGTERM to the program, after grace_ms SIGKILL to it and to all that it
 * started. Returns when none of them is left. May be called for one that ended.
 */
void process_end(struct process *process, int64_t grace_ms);
/* Ends it with no grace if it still runs. May be NULL. */
void process_free(struct process *process);

pid_t process_pid(const struct process *process); /* the program's */
bool process_is_running(struct process *process);
/* As a shell has it: its exit status, or 128 + the signal that ended it. After its
 * end. */
int process_status(const struct process *process);
/* "ended with status 1", "was ended by signal 9 (Killed)", "is running". */
void process_status_text(struct process *process, struct text *out);

/*
 * Starts it and waits for its end: 0 only if it ended with status 0. The message has the
 * program's name, how it ended and the last lines of its log.
 */
int process_run(const struct process_config *config, int64_t timeout_ms, struct err *err);

/* Adds "; FILE ends with:" and the last lines of a log, if it has any. */
void process_log_tail(const char *log, struct text *out);

/*
 * From now on SIGINT, SIGTERM and SIGHUP make stop_asked true and waiting end in place of
 * ending the program, so that it can remove what it made. Before any thread.
 */
int stop_catch(struct err *err);
/* The same without SIGINT, which is ignored: it is for a child in the foreground. */
int stop_catch_quietly(struct err *err);
bool stop_asked(void);
/* Readable once it is; -1 before stop_catch. */
int stop_fd(void);
/* Waits so long, or until asked to stop: then false. */
bool stop_sleep(int64_t ms);

#endif
