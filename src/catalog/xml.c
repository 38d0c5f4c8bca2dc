/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expat under a rein: no document types, bounded depth and texts, errors with their line.
 */
#include "catalog/xml.h"

#include "base/err.h"
#include "base/memory.h"

#include <errno.h>
#include <expat.h>
#include <string.h>

struct xml {
	XML_Parser parser;
	const struct xml_handler *handler;
	struct text text;
	size_t depth;
	bool failed;
	struct err *err;
	const char *label;
};

static const char *
plain_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon != NULL ? colon + 1 : name;
}

const char *
xml_attribute(const char **attributes, const char *name)
{
	for (; attributes[0] != NULL; attributes += 2) {
		if (strcmp(plain_name(attributes[0]), name) == 0)
			return attributes[1];
	}
	return NULL;
}

static uint64_t
line_of(const struct xml *x)
{
	return XML_GetCurrentLineNumber(x->parser);
}

static void
stop(struct xml *x)
{
	x->failed = true;
	XML_StopParser(x->parser, XML_FALSE);
}

static void XMLCALL
on_open(void *arg, const char *name, const char **attributes)
{
	struct xml *x = arg;

	if (x->failed)
		return;
	text_clear(&x->text);
	if (++x->depth > XML_DEPTH_MAX) {
		err_set(x->err, EINVAL, "%s: line %llu: elements more than %d deep",
		    x->label, (unsigned long long)line_of(x), XML_DEPTH_MAX);
		stop(x);
	} else if (x->handler->open(x->handler->arg, plain_name(name), attributes,
				    line_of(x), x->err) != 0) {
		stop(x);
	}
}

static void XMLCALL
on_close(void *arg, const char *name)
{
	struct xml *x = arg;

	if (x->failed)
		return;
	x->depth--;
	if (x->handler->close(x->handler->arg, plain_name(name), &x->text, line_of(x),
			      x->err) != 0)
		stop(x);
	text_clear(&x->text);
}

static void XMLCALL
on_text(void *arg, const char *s, int n)
{
	struct xml *x = arg;
	size_t room = XML_TEXT_MAX - x->text.len;

	text_bytes(&x->text, s, (size_t)n < room ? (size_t)n : room);
}

static void XMLCALL
on_doctype(void *arg, const char *name, const char *system, const char *public,
    int internal)
{
	struct xml *x = arg;

	if (!x->failed)
		err_set(x->err, EINVAL,
			"%s: line %llu: it has a document type, which no such list has",
			x->label, (unsigned long long)line_of(x));
	stop(x);
}

int
xml_read(struct unpack *in, const struct xml_handler *handler, struct err *err)
{
	struct xml x = {.handler = handler, .err = err, .label = unpack_label(in)};
	const char *bytes;
	size_t n;
	int more;

	x.parser = must(XML_ParserCreate(NULL));
	text_init(&x.text);
	XML_SetUserData(x.parser, &x);
	XML_SetElementHandler(x.parser, on_open, on_close);
	XML_SetCharacterDataHandler(x.parser, on_text);
	XML_SetStartDoctypeDeclHandler(x.parser, on_doctype);
	do {
		more = unpack_bytes(in, &bytes, &n, err);
		if (more < 0)
			break;
		if (XML_Parse(x.parser, more > 0 ? bytes : "", more > 0 ? (int)n : 0,
			      more == 0) == XML_STATUS_OK)
			continue;
		if (!x.failed)
			err_set(err, EINVAL, "%s: line %llu: no good XML: %s", x.label,
				(unsigned long long)line_of(&x),
				XML_ErrorString(XML_GetErrorCode(x.parser)));
		more = -1;
	} while (more > 0);
	XML_ParserFree(x.parser);
	text_done(&x.text);
	return more;
}
