/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_LOG_H
#define CMD_LOG_H

/*
 * What a running program tells its operator: lines on standard error, or in the system's
 * log once there is no standard error any more. Any thread.
 */
enum log_level { LOG_TROUBLE, LOG_TELL, LOG_DETAIL };

void log_say(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Says more (+1) or less (-1) from now on; returns the level, at most LOG_DETAIL. */
int log_level_step(int step);
/* From now on syslog(3). */
void log_to_syslog(void);

#endif
