/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * By dlopen(3): a program that is linked with libcurl, libarchive and libmicrohttpd takes
 * ten milliseconds and fifty libraries to print its version.
 */
#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>

#include "base/err.h"

int
library_load(const char *soname, const char *package, const char *const *names,
    void **functions, size_t n, struct err *err)
{
	void *library;
	size_t i;

	if (functions[0] != NULL)
		return 0;
	if ((library = dlopen(soname, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return err_set(err, ENOENT, "%s; install the package %s", dlerror(),
		    package);
	for (i = n; i-- > 0;) /* the first one last: it tells that all are there */
		if ((functions[i] = dlsym(library, names[i])) == NULL) {
			dlclose(library);
			return err_set(err, ENOSYS,
			    "%s has no function %s: too old a version; "
			    "update the package %s", soname, names[i], package);
		}
	return 0;
}
