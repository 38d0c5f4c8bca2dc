/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builders: small lists of every kind, made for this test, and what becomes of them; what
 * is wrong in a list is refused with its place or counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"
#include "catalog/build.h"
#include "catalog/builder.h"
#include "catalog/catalog.h"
#include "catalog/clean.h"
#include "model/catalogue.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row as "field=value ..." in the order of catalogue.def. */
static void
put_row(struct text *out, const struct catalog *catalog, size_t file)
{
	struct catalogue row;
	char when[32];
	unsigned i;

	catalog_row(catalog, file, &row);
	for (i = 0; i < CATALOGUE_FIELDS; i++) {
		const struct field *f = &catalogue_schema.fields[i];
		const char *member = (const char *)&row + f->offset;

		if (!row_has(row.present, i) || i == CATALOGUE_source ||
		    i == CATALOGUE_date)
			continue;
		text_printf(out, "%s=", f->id);
		if (f->type == TYPE_text) {
			text_bytes(out, ((const struct str *)(const void *)member)->data,
				   ((const struct str *)(const void *)member)->len);
		} else if (f->type == TYPE_u32) {
			text_u64(out, *(const uint32_t *)(const void *)member);
		} else if (f->type == TYPE_u64) {
			text_u64(out, *(const uint64_t *)(const void *)member);
		} else {
			time_print(*(const int64_t *)(const void *)member, STYLE_MACHINE,
			    when);
			text_bytes(out, when, 10);
		}
		text_char(out, ' ');
	}
	text_char(out, '\n');
}

struct sample {
	const char *kind, *label, *bytes, *rows; /* rows NULL: refused */
	const char *error;			  /* in the message, or NULL */
	enum build_counter counter;		  /* that must be 1, if not inputs */
};

static const char primary_xml[] =
    "<?xml version=\"1.0\"?>\n"
    "<metadata xmlns=\"http://linux.duke.edu/metadata/common\" "
    "xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"3\">\n"
    "<package type=\"rpm\"><name>pond</name><arch>x86_64</arch>"
    "<version epoch=\"2\" ver=\"1.5\" rel=\"3.el9\"/>"
    "<checksum type=\"sha256\" pkgid=\"YES\">00</checksum>"
    "<time file=\"1700000001\" build=\"1700000000\"/>"
    "<size package=\"12345\" installed=\"99999\" archive=\"88888\"/>"
    "<location href=\"Packages/p/pond-1.5-3.el9.x86_64.rpm\"/>"
    "<format><rpm:requires><rpm:entry name=\"libwater.so.1()(64bit)\"/>"
    "<rpm:entry name=\"rpmlib(PayloadIsZstd)\"/><rpm:entry name=\"bash\" flags=\"GE\"/>"
    "</rpm:requires></format></package>\n"
    "<package type=\"rpm\"><name>a&amp;b</name><arch>noarch</arch>"
    "<version epoch=\"0\" ver=\"1\" rel=\"1\"/><size package=\"7\"/>"
    "<location xml:base=\"https://other.example/x\" href=\"a.rpm\"/></package>\n"
    "<package type=\"rpm\"><name>bad</name><size package=\"many\"/></package>\n"
    "</metadata>\n";

static const struct sample samples[] = {
    {"rpm", "primary.xml", primary_xml,
     "name=pond version=2:1.5-3.el9 arch=x86_64 size=12345 "
     "path=Packages/p/pond-1.5-3.el9.x86_64.rpm released=2023-11-14 "
     "depends=libwater.so.1()(64bit) bash \n"
     "name=a&b version=1-1 arch=noarch size=7 path=x/a.rpm host=other.example \n",
     NULL, BUILD_bad_size},
    {"rpm", "repomd.xml",
     "<repomd><data type=\"primary\"><location href=\"repodata/p.xml\"/></data></repomd>",
     "",
     NULL, 0},
    {"rpm", "repomd.xml", "<repomd><data type=\"other\"/></repomd>", NULL, "type primary",
    0},
    {"rpm", "x.xml", "<html/>", NULL, "x.xml: line 1: begins with <html>", 0},
    {"rpm", "x.xml", "<metadata>\n<package>\n</metadata>", NULL,
    "x.xml: line 3: no good XML",
     0},
    {"rpm", "x.xml",
     "<?xml version=\"1.0\"?>\n<!DOCTYPE m [<!ENTITY a \"aaaa\"><!ENTITY b "
     "\"&a;&a;&a;\">]>\n<metadata>&b;</metadata>",
     NULL, "x.xml: line 2: it has a document type", 0},
    {"rpm", "x.xml", "<metadata>&nothing;</metadata>", NULL, "line 1: no good XML", 0},
    {"pypi", "pond.json",
     "{\"meta\":{\"api-version\":\"1.1\"},\"name\":\"pond\",\"files\":["
     "{\"filename\":\"pond-1.2.3-py3-none-any.whl\","
     "\"url\":\"https://files.example/packages/aa/pond-1.2.3-py3-none-any.whl\","
     "\"size\":4711,\"upload-time\":\"2024-03-09T10:11:12.5Z\"},"
     "{\"filename\":\"pond-1.2.3-cp311-cp311-manylinux_2_17_x86_64.whl\","
     "\"url\":\"../../packages/pond%2B.whl\",\"size\":99},"
     "{\"filename\":\"pond-1.2.tar.gz\",\"url\":\"https://files.example/p/pond-1.2.tar.gz\"},{\"filename\":\"pond-1.1.tar.gz\",\"size\":-3}]}",
     "name=pond version=1.2.3 arch=any size=4711 "
     "path=packages/aa/pond-1.2.3-py3-none-any.whl host=files.example "
     "released=2024-03-09 \n"
     "name=pond version=1.2.3 arch=manylinux_2_17_x86_64 size=99 "
     "path=packages/pond%2B.whl path_len=20 host=pypi.org \n",
     NULL, BUILD_no_size},
    {"pypi", "pond.json",
     "{\"info\":{\"name\":\"pond\",\"version\":\"2.0\",\"requires_dist\":[\"water>=1\","
     "\"fish (<2); extra == 'all'\",\"reed ; python_version < '3'\"]},"
     "\"releases\":{\"1.0\":[{\"filename\":\"pond-1.0.tar.gz\",\"size\":10,"
     "\"url\":\"https://f.example/a\",\"upload_time_iso_8601\":\"soon\"}],"
     "\"2.0\":[{\"filename\":\"pond-2.0.zip\",\"size\":20,\"url\":\"https://f.example/b\"}]}}",
     "name=pond version=1.0 size=10 path=a host=f.example \n"
     "name=pond version=2.0 size=20 path=b host=f.example depends=water reed \n",
     NULL, BUILD_bad_date},
    {"pypi", "x.json", "{\"files\":7}", NULL, "x.json: has neither", 0},
    {"pypi", "x.json", "{\"files\":\n [1, }", NULL, "x.json: line 2, column", 0},
    {"npm", "pond.json",
     "{\"name\":\"pond\",\"versions\":{\"1.0.0\":{\"dist\":{\"tarball\":"
     "\"https://registry.example/pond/-/pond-1.0.0.tgz\",\"unpackedSize\":5000}}},"
     "\"time\":{\"1.0.0\":\"2020-01-02T03:04:05.678Z\"}}",
     "", NULL, BUILD_no_size},
    {"npm", "x.json", "[]", NULL, "no object 'versions'", 0},
    {"npm", "x.json", "{\"versions\":{\"1\":{}}}", NULL, "version 1: \"1\"", 0},
    {"windows", "updates.csv",
     "Title,Products,Classification,Last Updated,Version,Size\r\n"
     "\"2024-03 Update, x64 (KB1)\",Windows 11,Security,3/12/2024,n/a,315.2 MB\r\n"
     "\"a \"\"quoted\"\"\nname\",,,,1,\"1,234,567\"\r\n"
     "bad,,,,,lots\r\n",
     "name=2024-03 Update, x64 (KB1) version=n/a suite=Windows 11 size=330511155 "
     "slack=53453 released=2024-03-12 \n"
     "name=a \"quoted\"\xef\xbf\xbdname version=1 size=1234567 \n",
     NULL, BUILD_bad_size},
    {"macos", "updates.csv",
    "name;size;url\nSafari;1,5 GB;https://s.example/Safari.pkg\n",
     "name=Safari size=1500000000 slack=50976563 path=Safari.pkg host=s.example \n", NULL,
     BUILD_inexact},
    {"updates", "updates.csv", "name,size\nx,1 MB\ny,2 MiB\nz,3 B\n",
     /* 1 MB may be 499023 bytes (of 0.499 MB) to 1573888 (of 1.501 MiB) */
     "name=x size=1036455 slack=537433 \nname=y size=2097152 slack=525313 \n"
     "name=z size=3 \n",
     NULL, 0},
    {"updates", "x.csv", "colour,size\n", NULL, "x.csv: line 1: the first line", 0},
    {"updates", "x.csv", "name,size\n\"open,1\n", NULL, "x.csv: line 2: a cell's quote",
    0},
    {"updates", "x.csv", "", NULL, "x.csv: empty", 0},
    {"updates", "x.csv", "name,size\na,1,2\n", NULL, "x.csv: line 2", 0},
    {"listing", "http://h.example/d/",
     "<html><h1>Index of /d/</h1><hr><pre><a href=\"../\">../</a>\n"
     "<a href=\"sub/\">sub/</a>                 01-Jan-2024 10:00                   -\n"
     "<a href=\"a%2Bb.deb\">a+b.deb</a>         02-Feb-2024 11:22               12345\n"
     "<a href=\"big.iso\">big.iso</a>           02-Feb-2024 11:22                 12M\n"
     "</pre></html>",
     "name=a+b.deb size=12345 path=d/a%2Bb.deb path_len=11 host=h.example "
     "released=2024-02-02 \n"
     "name=big.iso size=12582912 slack=525313 path=d/big.iso host=h.example "
     "released=2024-02-02 \n",
     NULL, BUILD_no_file},
    {"listing", "http://h.example/d/",
     "<table><tr><th><a href=\"?C=N;O=D\">Name</a></th></tr>\n"
     "<tr><td><img alt=\"[PARENTDIR]\"></td><td><a href=\"/\">Parent</a></td></tr>\n"
     "<tr><td><a href=\"x&amp;y.txt\">x&amp;y.txt</a></td><td align=\"right\">2024-03-04 "
     "05:06  </td><td align=\"right\">1.2K</td></tr>\n"
     "<tr><td><a href=\"/d/z.txt\">z.txt</a></td><td align=\"right\">2024-03-04 05:06"
     "  </td><td align=\"right\">972 </td></tr>\n"
     "<tr><td><a href=\"http://elsewhere.example/\">e</a></td></tr></table>",
     "name=x&y.txt size=1228 slack=53 path=d/x&y.txt host=h.example released=2024-03-04 "
     "\n"
     "name=z.txt size=972 path=d/z.txt host=h.example released=2024-03-04 \n",
     NULL, BUILD_inexact},
    {"listing", "http://h.example/d/",
     "[{ \"name\":\"a b\", \"type\":\"file\", \"mtime\":\"Sat, 09 Mar 2024 10:11:12 "
     "GMT\", \"size\":17 },\n"
     "{ \"name\":\"dir\", \"type\":\"directory\" }]",
     "name=a b size=17 path=d/a%20b path_len=7 host=h.example released=2024-03-09 \n",
     NULL,
     BUILD_no_file},
    {"listing", "x.html", "<p>nothing", NULL, "x.html: has no links", 0},
    {"listing", "x.json", "[{}]", NULL, "object 1", 0},
    {"urls", "list", "# c\nftp://a/b\n", NULL, "list: line 2: \"ftp://a/b\"", 0},
    {"catalogue", "c.tsv", "name\tsize\tslack\nx\t5\t3\ny\t6\t\n",
     "name=x size=5 slack=3 \nname=y size=6 \n", NULL, BUILD_inexact},
    {"debian", "Packages",
     "Package: pond\nSize: 5\nPre-Depends: water (>= 1)\n"
     "Depends: fish:any | frog (<< 2), reed [amd64] <!x>\nFilename: p\xe4th\n",
     "name=pond size=5 path=p%E4th path_len=6 depends=water fish|frog reed \n", NULL,
     BUILD_bad_text},
    {"debian", "InRelease",
     "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nPackage: a\nSize: 1\n"
     "-----BEGIN PGP SIGNATURE-----\n\nnonsense\n",
     "name=a size=1 \n", NULL, 0},
};

static void
check_sample(const struct sample *s, const void *bytes, size_t n)
{
	static const struct build_config config = {0};
	struct build *b = build_new(&config);
	struct err err = {0};
	struct text got;
	size_t i;
	int ret = build_bytes(b, builder_find(s->kind), bytes, n, s->label, &err);

	text_init(&got);
	if (s->rows == NULL) {
		if (ret == 0 || strstr(err.text, s->error) == NULL)
			fail_msg("%s %s: wanted '%s', got '%s'", s->kind, s->bytes,
			    s->error, err.text);
	} else {
		if (ret != 0)
			fail_msg("%s: %s", s->kind, err.text);
		for (i = 0; i < catalog_count(build_catalog(b)); i++)
			put_row(&got, build_catalog(b), i);
		if (strcmp(got.data, s->rows) != 0)
			fail_msg("%s %s:\n got    %s wanted %s", s->kind, s->label,
			    got.data, s->rows);
		if (s->counter != 0 && build_counters(b)[s->counter] != 1)
			fail_msg("%s %s: %s is %llu", s->kind, s->label,
				 build_counter_rows[s->counter].id,
				 (unsigned long long)build_counters(b)[s->counter]);
	}
	text_done(&got);
	build_free(b);
}

/* The list as it is, and cut anywhere: an error or fewer rows, never more. */
static void
test_samples(void **state)
{
	static const struct build_config config = {0};
	size_t i, cut, n;

	for (i = 0; i < sizeof samples / sizeof *samples; i++) {
		n = strlen(samples[i].bytes);
		check_sample(&samples[i], samples[i].bytes, n);
		for (cut = 0; cut < n; cut += 5) {
			struct build *b = build_new(&config);
			struct err err = {0};

			if (build_bytes(b, builder_find(samples[i].kind),
			    samples[i].bytes, cut, "cut", &err) != 0 &&
			    strstr(err.text, "cut: ") == NULL)
				fail_msg("%s cut at %zu: %s", samples[i].kind, cut,
				    err.text);
			build_free(b);
		}
	}
}

static void
test_every_kind_has_a_sample(void **state)
{
	static const char *const elsewhere[] = {"ubuntu", "alpine", "arch", "files"};
	size_t i, k;

	for (i = 0; i < builder_count; i++) {
		bool found = false;

		for (k = 0; k < sizeof samples / sizeof *samples; k++)
			found |= strcmp(samples[k].kind, builders[i].kind) == 0;
		for (k = 0; k < sizeof elsewhere / sizeof *elsewhere; k++)
			found |= strcmp(elsewhere[k], builders[i].kind) == 0;
		if (!found)
			fail_msg("no sample of %s", builders[i].kind);
	}
}

struct member {
	const char *name, *bytes;
};

/* A packed tar archive of the members; returns its length. */
static size_t
make_tar(const struct member *members, size_t n, int filter, char *out, size_t room)
{
	struct archive *a = archive_write_new();
	size_t used = 0, i;

	archive_write_set_format_ustar(a);
	archive_write_add_filter(a, filter);
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open_memory(a, out, room, &used), ARCHIVE_OK);
	for (i = 0; i < n; i++) {
		struct archive_entry *e = archive_entry_new();

		archive_entry_set_pathname(e, members[i].name);
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_perm(e, 0644);
		archive_entry_set_size(e, (la_int64_t)strlen(members[i].bytes));
		assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
		archive_write_data(a, members[i].bytes, strlen(members[i].bytes));
		archive_entry_free(e);
	}
	archive_write_close(a);
	archive_write_free(a);
	return used;
}

static void
test_archives(void **state)
{
	static const struct member apk[] = {
	    {".SIGN.RSA.x.rsa.pub", "signature"},
	    {"DESCRIPTION", "v3.19.1-0-gabc\n"},
	    {"APKINDEX", "C:Q1abc=\nP:pond\nV:1.2-r3\nA:x86_64\nS:4096\nI:9999\n"
			 "t:1700000000\nD:musl>=1.2 so:libc.musl-x86_64.so.1 !lake\n\n"
			 "P:reed\nV:1\nS:12x\n\nP:last\nV:2-r0\nA:noarch\nS:7\n"},
	};
	static const struct member db[] = {
	    {"pond-1:2.0-1/desc",
	     "%FILENAME%\npond-1:2.0-1-x86_64.pkg.tar.zst\n\n%NAME%\npond\n\n%VERSION%\n"
	     "1:2.0-1\n\n%CSIZE%\n31415\n\n%ISIZE%\n99\n\n%ARCH%\nx86_64\n\n%BUILDDATE%\n"
	     "1700000000\n\n%DEPENDS%\nglibc>=2.38\nwater\n\n%DESC%\n%NAME%\n"},
	    {"reed-1-1/desc", "%NAME%\nreed\n\n%VERSION%\n1-1\n"},
	    {"reed-1-1/files", "%FILES%\nusr/\n"},
	};
	static const struct sample wanted[] = {
	    {"alpine", "APKINDEX.tar.gz", "",
	     "name=pond version=1.2-r3 arch=x86_64 suite=v3.19.1-0-gabc size=4096 "
	     "path=pond-1.2-r3.apk released=2023-11-14 "
	     "depends=musl so:libc.musl-x86_64.so.1 \n"
	     "name=last version=2-r0 arch=noarch suite=v3.19.1-0-gabc size=7 "
	     "path=last-2-r0.apk \n",
	     NULL, BUILD_bad_size},
	    {"arch", "x/core.db.tar.gz", "",
	     "name=pond version=1:2.0-1 arch=x86_64 suite=core size=31415 "
	     "path=pond-1:2.0-1-x86_64.pkg.tar.zst released=2023-11-14 "
	     "depends=glibc water \n",
	     NULL, BUILD_bad_size},
	    {"alpine", "x", "", NULL, "x: has no file APKINDEX", 0},
	    {"arch", "x", "", NULL, "x: has no PACKAGE/desc", 0},
	};
	static char tar[1 << 16];
	static const int filters[] = {ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP,
				      ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_XZ};
	static const struct build_config config = {0};
	size_t i, n, cut;

	for (i = 0; i < sizeof filters / sizeof *filters; i++) {
		check_sample(&wanted[0], tar, make_tar(apk, 3, filters[i], tar,
		    sizeof tar));
		n = make_tar(db, 3, filters[i], tar, sizeof tar);
		check_sample(&wanted[1], tar, n);
		check_sample(&wanted[2], tar, n);
		check_sample(&wanted[3], tar, make_tar(apk, 2, filters[i], tar,
		    sizeof tar));
		n = make_tar(apk, 3, filters[i], tar, sizeof tar);
		for (cut = 0; cut < n; cut += 1 + n / 97) {
			struct build *b = build_new(&config);
			struct err err = {0};

			if (build_bytes(b, builder_find("alpine"), tar, cut, "cut",
			    &err) != 0)
				assert_non_null(strstr(err.text, "cut: "));
			build_free(b);
		}
	}
}

/* A bomb: 100 MB of zeros in a few kB are not unpacked. */
static void
test_bombs(void **state)
{
	static const char *const kinds[] = {"debian", "rpm",	 "alpine", "arch",
					    "pypi",   "listing", "windows"};
	static const struct build_config config = {0};
	static char zeros[1 << 20], packed[1 << 20];
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	size_t used = 0, i;

	archive_write_set_format_raw(a);
	archive_write_add_filter_gzip(a);
	archive_write_open_memory(a, packed, sizeof packed, &used);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_write_header(a, e);
	for (i = 0; i < 100; i++)
		archive_write_data(a, zeros, sizeof zeros);
	archive_entry_free(e);
	archive_write_close(a);
	archive_write_free(a);
	assert_true(used > 1000 && used < sizeof packed);
	for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct build *b = build_new(&config);
		struct err err = {0};

		assert_int_equal(
		    build_bytes(b, builder_find(kinds[i]), packed, used, "bomb", &err),
		    -1);
		assert_non_null(strstr(err.text, "bomb: "));
		build_free(b);
	}
}

static void
test_sizes(void **state)
{
	static const struct {
		const char *text;
		enum units units;
		uint64_t size, slack; /* slack: UINT64_MAX for no size */
	} cases[] = {
	    {"0", 0, 0, 0},
	    {" 1234567 ", 0, 1234567, 0},
	    {"1,234,567", 0, 1234567, 0},
	    {"1,234 bytes", 0, 1234, 0},
	    {"12 B", 0, 12, 0},
	    {"1 KB", UNITS_DECIMAL, 1000, 501},
	    {"1 KB", UNITS_BINARY, 1024, 514},
	    {"1K", UNITS_BINARY, 1024, 514},
	    {"1KiB", UNITS_DECIMAL, 1024, 514},
	    {"1.5 GB", UNITS_DECIMAL, 1500000000, 50976563},
	    {"", 0, 0, UINT64_MAX},
	    {"-", 0, 0, UINT64_MAX},
	    {"-5", 0, 0, UINT64_MAX},
	    {"5 parsecs", 0, 0, UINT64_MAX},
	    {"1.5", 0, 0, UINT64_MAX},
	    {"1.5 B", 0, 0, UINT64_MAX},
	    {"9223372036854775808", 0, 0, UINT64_MAX},
	    {"99999999 TB", 0, 0, UINT64_MAX},
	    {"0x10", 0, 0, UINT64_MAX},
	    {"1e9", 0, 0, UINT64_MAX},
	    {"K", 0, 0, UINT64_MAX},
	};
	uint64_t size, slack;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool good = size_parse(cases[i].text, strlen(cases[i].text),
		    cases[i].units, &size, &slack);

		if (good != (cases[i].slack != UINT64_MAX) ||
		    (good && (size != cases[i].size || slack != cases[i].slack)))
			fail_msg("'%s': %d %llu %llu", cases[i].text, good,
				 (unsigned long long)size, (unsigned long long)slack);
	}
}

static void
test_urls(void **state)
{
	static const char *const cases[][3] = {
	    {"http://h/a/b", "c", "http://h/a/c"},
	    {"http://h/a/b/", "c", "http://h/a/b/c"},
	    {"http://h/a/b", "/c", "http://h/c"},
	    {"http://h/a/b", "../c", "http://h/c"},
	    {"http://h/a/b", "../../../c", "http://h/c"},
	    {"http://h/a/b", "./c", "http://h/a/c"},
	    {"http://h", "c", "http://h/c"},
	    {"http://h/a?x=/y", "c", "http://h/c"},
	    {"http://h/a", "//g/c", "http://g/c"},
	    {"http://h/a", "https://g/c", "https://g/c"},
	    {"http://h/a/", "", "http://h/a/"},
	};
	struct text out;
	size_t i;

	text_init(&out);
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		text_clear(&out);
		url_join(&out, cases[i][0], cases[i][1]);
		assert_string_equal(out.data, cases[i][2]);
	}
	text_done(&out);
}

static void
test_utf8(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} cases[] = {
	    {"a", 1},	     {"\n", 0},		   {"\x7f", 0},		{"\xc3\xa4", 2},
	    {"\xc3", 0},	     {"\xc0\x80", 0},	   {"\xc2\x85",
	    0},	{"\xe2\x82\xac", 3},
	    {"\xe0\x80\x80", 0}, {"\xed\xa0\x80", 0}, {"\xf0\x9f\x90\x9f", 4},
	    {"\xf4\x90\x80\x80", 0}, {"\xf8\x88\x80\x80", 0}, {"\x80", 0},
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(utf8_length(cases[i].bytes, strlen(cases[i].bytes)),
				 cases[i].length);
}

/* --base places rows and --arch thins them. */
static void
test_config(void **state)
{
	static const char *const archs[] = {"amd64"};
	static const struct build_config config = {.base = "http://h.example/debian",
						   .suite = "mine",
						   .archs = archs,
						   .arch_count = 1};
	static const char index[] =
	    "Package: a\nArchitecture: amd64\nSize: 1\nFilename: pool/a+.deb\n\n"
	    "Package: b\nArchitecture: arm64\nSize: 2\nFilename: pool/b.deb\n\n"
	    "Package: c\nArchitecture: all\nSize: 3\nFilename: pool/c.deb\n";
	struct build *b = build_new(&config);
	struct text got;

	assert_int_equal(build_bytes(b, builder_find("ubuntu"), index, sizeof index - 1,
				     "Packages", NULL),
			 0);
	assert_int_equal(catalog_count(build_catalog(b)), 2);
	text_init(&got);
	put_row(&got, build_catalog(b), 0);
	assert_string_equal(got.data, "name=a arch=amd64 suite=mine size=1 "
				      "path=debian/pool/a+.deb host=h.example \n");
	assert_int_equal(catalog_files(build_catalog(b))[0].path_len, 20);
	assert_int_equal(build_counters(b)[BUILD_other_arch], 1);
	text_done(&got);
	build_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_samples),
	        cmocka_unit_test(test_every_kind_has_a_sample),
	    cmocka_unit_test(test_archives), cmocka_unit_test(test_bombs),
	    cmocka_unit_test(test_sizes), cmocka_unit_test(test_urls),
	    cmocka_unit_test(test_utf8), cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests_name("catalog: builders", tests, NULL, NULL);
}
