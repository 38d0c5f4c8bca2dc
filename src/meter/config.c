/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The meter's settings by name, as people write them in this program's options and in
 * those of softflowd, whose names for timeouts have a dot where ours have a line.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/option.h"
#include "base/text.h"
#include "meter/meter.h"
#include "model/flow.h"

enum { NAME_MAX_BYTES = 32 };

const struct meter_expire_row meter_expire_rows[METER_EXPIRES] = {
#define EXPIRE(id, seconds, reason, idle, text) \
    {#id, seconds, END_REASON_##reason, idle, text},
#include "meter/expire.def"
#undef EXPIRE
};

const struct meter_key_row meter_key_rows[METER_KEYS] = {
#define KEY(id, ports, proto, vlan, mac, help) {#id, ports, proto, vlan, mac, help},
#include "meter/key.def"
#undef KEY
};

void
meter_config_default(struct meter_config *config)
{
	*config = (struct meter_config){.max_flows = 4u << 20, .request_min = 50,
		.cut_exchanges = true, .key = METER_KEY_DEFAULT,
		.labels = METER_LABELS_MAX,
		.seed = random_seed()};
	for (int i = 0; i < METER_EXPIRES; i++)
		config->timeout_s[i] = meter_expire_rows[i].default_s;
}

/* The row is a time, and not only a reason. */
static bool
is_timeout(size_t row)
{
	return meter_expire_rows[row].is_idle || row == METER_EXPIRE_active ||
	    row == METER_EXPIRE_maxlife;
}

int
meter_config_timeout(struct meter_config *config, const char *text, struct err *err)
{
	size_t len = strcspn(text, "="), row;
	char name[NAME_MAX_BYTES] = "";
	int64_t us;
	uint32_t seconds;

	if (text[len] != '=' || len >= sizeof name || !option_time(text + len + 1, &us) ||
	    us / 1000000 >= UINT32_MAX)
		return err_set(err, EINVAL, "a timeout is NAME=TIME, such as udp=5m or "
		    "maxlife=1h30m, not '%s'; --help lists the names", text);
	memcpy(name, text, len);
	seconds = (uint32_t)((us + 999999) / 1000000);
	if (strcmp(name, "expint") == 0) {
		config->expire_interval_s = seconds;
		return 0;
	}
	/* softflowd's tcp.fin begins with the second FIN, our tcp_fin with the first. */
	if (strcmp(name, "tcp.fin") == 0)
		config->timeout_s[METER_EXPIRE_tcp_closed] = seconds;
	for (size_t i = 0; i < len; i++)
		if (name[i] == '.')
			name[i] = '_';
	for (row = 0; row < METER_EXPIRES; row++) {
		if (is_timeout(row) && strcmp(meter_expire_rows[row].id, name) == 0) {
			config->timeout_s[row] = seconds;
			return 0;
		}
	}
	return err_set(err, EINVAL,
	    "a timeout has one of the names that --help lists, not '%s'", text);
}

int
meter_config_key(struct meter_config *config, const char *name, struct err *err)
{
	char names[256] = "";

	for (size_t i = 0; i < METER_KEYS; i++) {
		if (strcasecmp(meter_key_rows[i].id, name) == 0) {
			config->key = (enum meter_key)i;
			return 0;
		}
		if (i > 0)
			strcat(names, i + 1 < METER_KEYS ? ", " : " or ");
		strcat(names, meter_key_rows[i].id);
	}
	return err_set(err, EINVAL, "a flow key is %s, not '%s'", names, name);
}

int
meter_config_mac(struct meter_config *config, const char *text, struct err *err)
{
	static const char *const forms[] = {"%2x:%2x:%2x:%2x:%2x:%2x%c",
	    "%2x-%2x-%2x-%2x-%2x-%2x%c"};
	unsigned part[6];
	uint64_t mac = 0;
	char rest;

	if (sscanf(text, forms[strchr(text, '-') != NULL], &part[0], &part[1], &part[2],
	    &part[3], &part[4], &part[5], &rest) != 6)
		return err_set(err, EINVAL,
		    "a MAC address is 02:00:00:00:00:01, not '%s'", text);
	if (config->mac_count == METER_MACS_MAX)
		return err_set(err, EINVAL, "%d MAC addresses of our own at most",
		    METER_MACS_MAX);
	for (int i = 0; i < 6; i++)
		mac = mac << 8 | part[i];
	config->macs[config->mac_count++] = mac;
	return 0;
}

int
meter_config_check(const struct meter_config *config, struct err *err)
{
	if (config->mac_count > 0 && !meter_key_rows[config->key].has_mac)
		return err_set(err, EINVAL,
		    "the direction by MAC address needs flows by MAC "
		    "address: add --key ether");
	return 0;
}

void
meter_config_help(struct text *out)
{
	text_str(out, "Flow keys (--key NAME):\n");
	for (int i = 0; i < METER_KEYS; i++)
		text_printf(out, "  %-16s %s%s\n", meter_key_rows[i].id,
		    meter_key_rows[i].help, i == METER_KEY_DEFAULT ? "; the default"
		    : "");
	text_str(out, "\nTimeouts (-t NAME=TIME; units us ms s m h d w, seconds without; "
	    "idle ones 5 days at most):\n");
	for (size_t i = 0; i < METER_EXPIRES; i++) {
		if (is_timeout(i))
			text_printf(out, "  %-16s %7u s  %s\n", meter_expire_rows[i].id,
			    meter_expire_rows[i].default_s, meter_expire_rows[i].help);
	}
	text_printf(out, "  %-16s %7u s  %s\n", "expint", 0,
	    "how often ended flows are looked "
	    "for; 0: every second");
}

unsigned
meter_key_fields(const struct meter_config *config, uint16_t out[METER_KEY_FIELDS])
{
	const struct meter_key_row *key = &meter_key_rows[config->key];
	const struct {
		bool is_there;
		uint16_t field;
	} all[METER_KEY_FIELDS] = {{true, FLOW_src}, {true, FLOW_dst},
	    {key->has_ports, FLOW_src_port}, {key->has_ports, FLOW_dst_port},
	    {key->has_ports, FLOW_icmp_type}, {key->has_ports, FLOW_icmp_code},
	    {key->has_proto, FLOW_proto}, {key->has_vlan, FLOW_vlan},
	    {key->has_vlan, FLOW_inner_vlan}, {config->has_segments, FLOW_segment},
	    {config->has_segments, FLOW_tunnel_key}, {key->has_mac, FLOW_src_mac},
	    {key->has_mac, FLOW_dst_mac}};
	unsigned n = 0;

	for (unsigned i = 0; i < METER_KEY_FIELDS; i++)
		if (all[i].is_there)
			out[n++] = all[i].field;
	return n;
}
