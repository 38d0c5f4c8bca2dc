/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include <stddef.h>

struct err;

/*
 * A shared library that few commands need and that brings dozens of others with it: it is
 * loaded when it is first used, so that all other commands start without it. names are n
 * functions of it, whose addresses go to functions. package is what to install if it is
 * not there. Loading a second time does nothing; the library stays to the end of the
 * program.
 */
int library_load(const char *soname, const char *package, const char *const *names,
    void **functions, size_t n, struct err *err);

/*
 * For a list of functions as X(name): the table that library_load fills. After it come
 * #defines that lead calls to the table:
 *
 *	#define FUNCTIONS(X) X(curl_easy_init) X(curl_easy_cleanup)
 *	LIBRARY_TABLE(curl, FUNCTIONS)
 *	#define curl_easy_init curl.call.curl_easy_init
 *	LIBRARY_LOAD(curl, "libcurl.so.4", "libcurl4", err)
 */
#define LIBRARY_MEMBER(name) __typeof__(&name) name;
#define LIBRARY_NAME(name) #name,
#define LIBRARY_TABLE(table, FUNCTIONS)                              \
	static const char *const table##_names[] = {FUNCTIONS(LIBRARY_NAME)}; \
	static union {                                               \
		struct {                                             \
			FUNCTIONS(LIBRARY_MEMBER)                    \
		} call;                                              \
		void *all[sizeof table##_names / sizeof *table##_names]; \
	} table;
#define LIBRARY_LOAD(table, soname, package, err)                        \
	library_load(soname, package, table##_names, (table).all,        \
	    sizeof table##_names / sizeof *table##_names, err)

#endif
