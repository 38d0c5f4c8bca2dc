/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_XML_H
#define CATALOG_XML_H

#include "base/text.h"
#include "catalog/unpack.h"

#include <stdbool.h>

enum { XML_DEPTH_MAX = 64, XML_TEXT_MAX = 65536 };

/*
 * XML of any size as it comes (expat). open and close get an element's name without its
 * prefix; close also the text directly in it, cut at XML_TEXT_MAX. They return 0, or -1
 * and err set. A document type is refused: no entity is ever expanded but the five of
 * XML.
 */
struct xml_handler {
	int (*open)(void *arg, const char *name, const char **attributes, uint64_t line,
		    struct err *err);
	int (*close)(void *arg, const char *name, const struct text *text, uint64_t line,
		     struct err *err);
	void *arg;
};

int xml_read(struct unpack *in, const struct xml_handler *handler, struct err *err);
/* An attribute's value by its name without prefix; NULL if it is not there. */
const char *xml_attribute(const char **attributes, const char *name);

#endif
