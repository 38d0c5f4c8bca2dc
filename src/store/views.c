/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store_private.h"
int views_write(const char *dir, const char *subfolder, const struct schema *schema,
    struct err *err) { return 0; }
