/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * views.sql and views.py: how other programs see addresses, enumerations and protocols as
 * text. Both are made from the schema and the type table, so a new field appears in them
 * at once. IPv6 text follows RFC 5952: lower case, no leading zeros, the longest run of
 * two or more zero groups as ::, the first of equals.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "model/schema.h"
#include "store/store_private.h"

static const char sql_macros[] =
    "CREATE OR REPLACE MACRO weir_ipv4(a) AS\n"
    "  (a // 16777216) || '.' || (a // 65536 % 256) || '.' || (a // 256 % 256) || '.' "
    "||\n"
    "  (a % 256);\n"
    "CREATE OR REPLACE MACRO weir_groups(h) AS\n"
    "  regexp_replace(rtrim(regexp_replace(lower(h), '(....)', '\\1:', 'g'), ':'),\n"
    "    '(^|:)0{1,3}([0-9a-f])', '\\1\\2', 'g');\n";

static void
put_sql_ipv6(struct text *out)
{
	text_str(out, "CREATE OR REPLACE MACRO weir_shorten(g) AS CASE\n"
		      "  WHEN g = '0:0:0:0:0:0:0:0' THEN '::'\n");
	for (int n = 7; n >= 2; n--)
		text_printf(out,
			    "  WHEN regexp_matches(g, '(^|:)0(:0){%d}(:|$)')\n"
			    "    THEN regexp_replace(g, '(^|:)0(:0){%d}(:|$)', '::')\n",
			    n - 1, n - 1);
	text_str(out,
		 "  ELSE g END;\n"
		 "CREATE OR REPLACE MACRO weir_ipv6(b) AS CASE\n"
		 "  WHEN hex(b)[1:24] = '00000000000000000000FFFF' THEN '::ffff:' ||\n"
		 "    weir_ipv4(('0x' || hex(b)[25:32])::BIGINT)\n"
		 "  ELSE weir_shorten(weir_groups(hex(b))) END;\n"
		 "CREATE OR REPLACE MACRO weir_address(v4, v6) AS\n"
		 "  CASE WHEN v4 IS NOT NULL THEN weir_ipv4(v4)\n"
		 "       WHEN v6 IS NOT NULL THEN weir_ipv6(v6) END;\n");
}

/* The name of an enum's or protocol's number, or NULL. */
static const char *
value_name(enum type_id type, unsigned number, unsigned names)
{
	if (types[type].names != NULL)
		return number < names ? types[type].names[number] : NULL;
	return type == TYPE_protocol ? protocol_name((uint8_t)number) : NULL;
}

static unsigned
count_names(enum type_id type)
{
	unsigned n = 0;

	while (types[type].names != NULL && types[type].names[n] != NULL)
		n++;
	return n;
}

static bool
has_names(enum type_id type)
{
	return types[type].names != NULL || type == TYPE_protocol;
}

static void
put_sql_names(struct text *out, const struct field *field)
{
	unsigned names = count_names(field->type);

	text_printf(out, "  CASE \"%s\"", field->id);
	for (unsigned i = 0; i < 256; i++) {
		const char *name = value_name(field->type, i, names);

		if (name != NULL)
			text_printf(out, " WHEN %u THEN '%s'", i, name);
	}
	text_printf(out, "\n    ELSE CAST(\"%s\" AS VARCHAR) END AS \"%s\"", field->id,
		    field->id);
}

static void
put_sql(struct text *out, const struct schema *schema, const char *glob, bool is_dated)
{
	text_printf(
	    out,
	    "-- The %ss of this store with addresses and names as text, for DuckDB. From "
	    "the\n"
	    "-- store's folder:  duckdb -init %s%sviews.sql\n"
	    "-- Made by weir from its field table; overwritten when that changes.\n",
	    schema->name, is_dated ? "" : schema->name, is_dated ? "" : "s/");
	text_str(out, sql_macros);
	put_sql_ipv6(out);
	text_printf(out, "CREATE OR REPLACE VIEW %ss AS SELECT\n", schema->name);
	for (unsigned f = 0; f < schema->stored; f++) {
		const struct field *field = &schema->fields[f];

		if (types[field->type].storage == STORAGE_ADDR)
			text_printf(out,
				    "  weir_address(\"%s_ipv4\", \"%s_ipv6\") AS \"%s\"",
				    field->id, field->id, field->id);
		else if (has_names(field->type))
			put_sql_names(out, field);
		else
			text_printf(out, "  \"%s\"", field->id);
		text_str(out, is_dated || f + 1 < schema->stored ? ",\n" : "\n");
	}
	if (is_dated)
		text_str(out, "  \"date\"\n");
	text_printf(out, "FROM read_parquet('%s', union_by_name = true%s);\n", glob,
		    is_dated ? ", hive_partitioning = true" : "");
}

static void
put_py_addresses(struct text *out, const struct schema *schema)
{
	bool is_first = true;

	text_str(out, "ADDRESSES = [");
	for (unsigned f = 0; f < schema->stored; f++) {
		const struct field *field = &schema->fields[f];

		if (types[field->type].storage != STORAGE_ADDR)
			continue;
		text_printf(out, "%s\"%s\"", is_first ? "" : ", ", field->id);
		is_first = false;
	}
	text_str(out, "]\n");
}

static void
put_py_names(struct text *out, const struct schema *schema)
{
	text_str(out, "NAMES = {\n");
	for (unsigned f = 0; f < schema->stored; f++) {
		const struct field *field = &schema->fields[f];
		unsigned names = count_names(field->type);

		if (!has_names(field->type))
			continue;
		text_printf(out, "    \"%s\": {", field->id);
		for (unsigned i = 0; i < 256; i++) {
			const char *name = value_name(field->type, i, names);

			if (name != NULL)
				text_printf(out, "%u: \"%s\", ", i, name);
		}
		text_str(out, "},\n");
	}
	text_str(out, "}\n");
}

static void
put_py(struct text *out, const struct schema *schema, const char *glob)
{
	text_printf(
	    out,
	    "# The %ss of this store as a pandas frame with addresses and names as "
	    "text:\n"
	    "#     python3 -i views.py\n"
	    "# Made by weir from its field table; overwritten when that changes.\n"
	    "import glob\n"
	    "import ipaddress\n"
	    "import os\n"
	    "\n"
	    "import pandas\n"
	    "\n",
	    schema->name);
	put_py_addresses(out, schema);
	put_py_names(out, schema);
	text_str(
	    out,
	    "\n\n"
	    "def address(v4, v6):\n"
	    "    \"\"\"The text of an address from its two leaves, of which one is "
	    "set.\"\"\"\n"
	    "    if v6 is not None and v6 == v6:\n"
	    "        a = ipaddress.IPv6Address(bytes(v6))\n"
	    "        return f\"::ffff:{a.ipv4_mapped}\" if a.ipv4_mapped else str(a)\n"
	    "    if v4 is not None and v4 == v4 and v4 is not pandas.NA:\n"
	    "        return str(ipaddress.IPv4Address(int(v4)))\n"
	    "    return None\n"
	    "\n\n"
	    "def as_text(frame):\n"
	    "    \"\"\"Joins address leaves and names the numbers of "
	    "enumerations.\"\"\"\n"
	    "    for name in ADDRESSES:\n"
	    "        v4, v6 = name + \"_ipv4\", name + \"_ipv6\"\n"
	    "        if v4 in frame.columns:\n"
	    "            texts = [address(a, b) for a, b in zip(frame[v4], frame[v6])]\n"
	    "            frame.insert(frame.columns.get_loc(v4), name, texts)\n"
	    "            frame = frame.drop(columns=[v4, v6])\n"
	    "    for name, names in NAMES.items():\n"
	    "        if name in frame.columns:\n"
	    "            frame[name] = frame[name].map(\n"
	    "                lambda v: None if v != v or v is None else "
	    "names.get(int(v), str(int(v))))\n"
	    "    return frame\n");
	text_printf(
	    out,
	    "\n\n"
	    "def %ss(store=os.path.dirname(os.path.abspath(__file__)), columns=None):\n"
	    "    files = sorted(glob.glob(os.path.join(store, \"%s\")))\n"
	    "    frames = [pandas.read_parquet(f, columns=columns, partitioning=None) "
	    "for f in files]\n"
	    "    return as_text(pandas.concat(frames, ignore_index=True))\n",
	    schema->name, glob);
}

static bool
is_file_same(const char *path, const struct text *want)
{
	char *have = malloc(want->len + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_same = false;

	if (have != NULL && fd >= 0)
		is_same = read(fd, have, want->len + 1) == (ssize_t)want->len &&
			  memcmp(have, want->data, want->len) == 0;
	if (fd >= 0)
		close(fd);
	free(have);
	return is_same;
}

/* Writes under a hidden name of this process and renames, if the content differs. */
static int
write_file(const char *folder, const char *name, const struct text *text, struct err *err)
{
	char path[PATH_MAX], hidden[PATH_MAX];
	int fd, code;
	ssize_t done;

	if (path_make(path, err, "%s/%s", folder, name) != 0 ||
	    path_make(hidden, err, "%s/.%s.%d.tmp", folder, name, (int)getpid()) != 0)
		return -1;
	if (is_file_same(path, text))
		return 0;
	if ((fd = open(hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		       0640)) < 0)
		return err_set(err, errno, "%s: cannot create: %s", hidden,
			       strerror(errno));
	done = write(fd, text->data, text->len);
	code = done < 0 ? errno : done != (ssize_t)text->len ? ENOSPC : 0;
	close(fd);
	if (code == 0 && rename(hidden, path) == 0)
		return 0;
	code = code != 0 ? code : errno;
	unlink(hidden);
	return err_set(err, code, "%s: cannot write: %s", path, strerror(code));
}

int
views_write(const char *dir, const char *subfolder, const struct schema *schema,
	    struct err *err)
{
	char folder[PATH_MAX], sql_glob[256], py_glob[160];
	struct text sql, py;
	int result;

	if (path_make(folder, err, "%s%s%s", dir, subfolder == NULL ? "" : "/",
		      subfolder == NULL ? "" : subfolder) != 0)
		return -1;
	if (subfolder == NULL) {
		snprintf(py_glob, sizeof py_glob, "date=*/%.64ss-*.parquet",
			 schema->name);
		snprintf(sql_glob, sizeof sql_glob, "%s", py_glob);
	} else {
		snprintf(py_glob, sizeof py_glob, "%.64ss-*.parquet", schema->name);
		snprintf(sql_glob, sizeof sql_glob, "%.60s/%s", subfolder, py_glob);
	}
	text_init(&sql);
	text_init(&py);
	put_sql(&sql, schema, sql_glob, subfolder == NULL);
	put_py(&py, schema, py_glob);
	result = write_file(folder, "views.sql", &sql, err);
	if (result == 0)
		result = write_file(folder, "views.py", &py, err);
	text_done(&sql);
	text_done(&py);
	return result;
}
