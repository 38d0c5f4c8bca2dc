/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters by libpcap's compiler. A file's frames meet the program here; a live socket has
 * the kernel run it, for which the tag-stripping kernel needs instructions that libpcap
 * only makes for a handle that is open on the interface.
 */
#include "packet/bpf.h"

#include "base/err.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>

/* Whole frames: what the program returns is how much of a frame to keep. */
enum { SNAPLEN_ALL = 262144 };

struct packet_filter {
	struct bpf_program program;
};

/* pcap's registry numbers files (LINKTYPE_); its functions take DLT_, which differ
 * below. */
static int
dlt_of(uint32_t linktype)
{
	static const struct {
		uint32_t linktype;
		int dlt;
	} rows[] = {{100, DLT_ATM_RFC1483}, {101, DLT_RAW}, {102, DLT_SLIP_BSDOS},
	    {103, DLT_PPP_BSDOS}};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].linktype == linktype)
			return rows[i].dlt;
	}
	return (int)linktype;
}

/* Takes the handle. */
static int
compile_on(pcap_t *pcap, const char *text, struct packet_filter **out, struct err *err)
{
	struct packet_filter *filter;
	int status = -1;

	if ((filter = calloc(1, sizeof *filter)) == NULL) {
		err_set(err, ENOMEM, "filter '%s': out of memory", text);
	} else if (pcap_compile(pcap, &filter->program, text, 1, PCAP_NETMASK_UNKNOWN) !=
	    0) {
		err_set(err, EINVAL,
		    "filter '%s': %s; the language is that of pcap-filter(7)", text,
		    pcap_geterr(pcap));
		free(filter);
	} else {
		*out = filter;
		status = 0;
	}
	pcap_close(pcap);
	return status;
}

int
packet_filter_compile(const char *text, uint32_t linktype, uint32_t snaplen,
    struct packet_filter **out, struct err *err)
{
	pcap_t *pcap;

	if (snaplen == 0 || snaplen > SNAPLEN_ALL)
		snaplen = SNAPLEN_ALL;
	if ((pcap = pcap_open_dead(dlt_of(linktype), (int)snaplen)) == NULL)
		return err_set(err, ENOMEM, "filter '%s': out of memory", text);
	return compile_on(pcap, text, out, err);
}

int
packet_filter_compile_live(const char *text, const char *interface, uint32_t snaplen,
    struct packet_filter **out, struct err *err)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_create(interface, why);
	int status;

	if (snaplen == 0 || snaplen > SNAPLEN_ALL)
		snaplen = SNAPLEN_ALL;
	if (pcap == NULL)
		return err_set(err, EINVAL, "filter '%s' on %s: %s", text, interface,
		    why);
	pcap_set_snaplen(pcap, (int)snaplen);
	pcap_set_buffer_size(pcap, 1 << 18); /* nothing is read from it */
	if ((status = pcap_activate(pcap)) < 0) {
		err_set(err, status == PCAP_ERROR_PERM_DENIED ? EPERM : EINVAL,
		    "filter '%s' on %s: %s", text, interface, pcap_geterr(pcap));
		pcap_close(pcap);
		return -1;
	}
	return compile_on(pcap, text, out, err);
}

void
packet_filter_free(struct packet_filter *filter)
{
	if (filter == NULL)
		return;
	pcap_freecode(&filter->program);
	free(filter);
}

bool
packet_filter_match(const struct packet_filter *filter, const uint8_t *frame,
    uint32_t captured, uint32_t wire)
{
	return bpf_filter(filter->program.bf_insns, frame, wire, captured) != 0;
}

const struct sock_filter *
packet_filter_program(const struct packet_filter *filter, uint16_t *count)
{
	/* Both are the instruction of the one machine: code, jt, jf, k. */
	_Static_assert(sizeof(struct bpf_insn) == 8, "as struct sock_filter");
	*count = (uint16_t)filter->program.bf_len;
	return (const struct sock_filter *)(const void *)filter->program.bf_insns;
}
