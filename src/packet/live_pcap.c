/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture by libpcap, for what the ring does not know: other link types, and devices that
 * are no interfaces (any, nflog). A frame is only valid until the next one is asked for,
 * so the few of a burst are copied.
 */
#include "packet/live_private.h"

#include "base/err.h"
#include "packet/bpf.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 100 };

/* libpcap's DLT_ numbers are the registry's but for raw IP, which has several. */
static uint32_t
linktype_of(int dlt)
{
	return dlt == DLT_RAW ? 101 : (uint32_t)dlt;
}

static int
lp_fail(struct live *l, const char *why, int code, struct err *err)
{
	return err_set(err, code == PCAP_ERROR_PERM_DENIED ? EPERM : EIO, "%s: %s%s",
	    l->config.interface, why, code == PCAP_ERROR_PERM_DENIED
	    ? "; run as root, or with CAP_NET_RAW and CAP_NET_ADMIN" : "");
}

static int
lp_open(struct live *l, struct err *err)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_create(l->config.interface, why);
	int code;

	if ((l->pcap = pcap) == NULL)
		return lp_fail(l, why, 0, err);
	pcap_set_snaplen(pcap, (int)l->config.snaplen);
	pcap_set_promisc(pcap, l->config.is_promiscuous);
	pcap_set_timeout(pcap, TIMEOUT_MS);
	pcap_set_buffer_size(pcap, (int)l->config.buffer_bytes);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	if ((code = pcap_activate(pcap)) < 0)
		return lp_fail(l, pcap_geterr(pcap), code, err);
	(void)pcap_set_datalink(pcap, DLT_LINUX_SLL2); /* where there is a choice */
	if (pcap_setnonblock(pcap, 1, why) != 0)
		return lp_fail(l, why, 0, err);
	l->linktype = linktype_of(pcap_datalink(pcap));
	if (packet_link_name(l->linktype) == NULL)
		return err_set(err, EINVAL,
		    "%s: link type %s has no packets that could be metered",
		    l->config.interface, pcap_datalink_val_to_name(pcap_datalink(pcap)));
	if ((l->fd = pcap_get_selectable_fd(pcap)) < 0)
		return err_set(err, EINVAL, "%s: cannot be waited for",
		    l->config.interface);
	l->copy_bytes = ((size_t)pcap_snapshot(pcap) + 63) & ~(size_t)63;
	free(l->copies);
	if ((l->copies = malloc(l->copy_bytes * SOURCE_BURST)) == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", l->config.interface);
	l->copies_used = 0;
	l->pcap_received = l->pcap_dropped = l->pcap_before = 0;
	return 0;
}

/* libpcap's own way, because it also runs filters that the kernel does not take. */
static int
lp_start(struct live *l, struct err *err)
{
	struct bpf_program program;
	const char *text = l->config.filter == NULL ? "" : l->config.filter;
	int status = 0;

	if (pcap_compile(l->pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) != 0)
		return err_set(err, EINVAL, "filter '%s': %s; the language is that of "
		    "pcap-filter(7)", text, pcap_geterr(l->pcap));
	if (text[0] != '\0' && pcap_setfilter(l->pcap, &program) != 0)
		status = lp_fail(l, pcap_geterr(l->pcap), 0, err);
	pcap_freecode(&program);
	return status;
}

static void
lp_stats(struct live *l)
{
	struct pcap_stat stat;

	if (l->pcap == NULL || pcap_stats(l->pcap, &stat) != 0)
		return;
	l->counters[LIVE_received] += stat.ps_recv - l->pcap_received;
	l->counters[LIVE_dropped] += stat.ps_drop - l->pcap_dropped;
	l->counters[LIVE_dropped_before] += stat.ps_ifdrop - l->pcap_before;
	l->pcap_received = stat.ps_recv;
	l->pcap_dropped = stat.ps_drop;
	l->pcap_before = stat.ps_ifdrop;
}

static void
lp_close(struct live *l)
{
	lp_stats(l);
	if (l->pcap != NULL)
		pcap_close(l->pcap);
	free(l->copies);
	l->pcap = NULL;
	l->copies = NULL;
	l->fd = -1;
}

static int
lp_reopen(struct live *l, struct err *err)
{
	lp_close(l);
	if (lp_open(l, err) == 0 && lp_start(l, err) == 0)
		return 0;
	lp_close(l);
	return -1;
}

static enum capture_event
lp_next(struct live *l, bool may_advance, struct record *out, struct err *err)
{
	struct pcap_pkthdr *h;
	const uint8_t *frame;
	uint8_t *copy;
	int status;

	if (l->pcap == NULL)
		return CAPTURE_END;
	if (may_advance)
		l->copies_used = 0;
	if (l->copies_used == SOURCE_BURST)
		return CAPTURE_REFILL;
	if ((status = pcap_next_ex(l->pcap, &h, &frame)) < 0) {
		l->is_broken = true; /* live_check opens it again */
		return CAPTURE_END;
	}
	if (status == 0)
		return CAPTURE_END;
	copy = l->copies + l->copies_used++ * l->copy_bytes;
	*out = (struct record){copy, h->caplen, h->len, l->linktype,
	    (int64_t)h->ts.tv_sec * 1000000000 + h->ts.tv_usec};
	if (out->captured > l->copy_bytes)
		out->captured = (uint32_t)l->copy_bytes;
	memcpy(copy, frame, out->captured);
	return CAPTURE_RECORD;
}

const struct live_kind live_pcap_kind = {
	.open = lp_open,
	.start = lp_start,
	.reopen = lp_reopen,
	.close = lp_close,
	.next = lp_next,
	.stats = lp_stats,
};
