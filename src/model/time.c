/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Microseconds since 1970 to and from text, proleptic Gregorian calendar, UTC. Day
 * numbers by counting years from March, so that leap days come last.
 */
#include "base/text.h"
#include "model/type.h"

#include <stdio.h>

enum { SECOND_US = 1000000 };
static const int64_t DAY_US = 86400 * (int64_t)SECOND_US;
static const uint64_t SECONDS_LAST = 253402300799; /* of the year 9999 */

static int64_t
days_from_date(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	unsigned year_of_era = (unsigned)(y - era * 400);
	unsigned day_of_year = (153 * (month + (month > 2 ? -3u : 9u)) + 2) / 5 + day - 1;
	unsigned day_of_era =
	    year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static void
date_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2);
}

static char *
put_digits(char *p, uint64_t v, int digits)
{
	int i;

	for (i = digits - 1; i >= 0; i--, v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + digits;
}

size_t
time_print(int64_t us, enum style style, char out[32])
{
	int64_t days = us / DAY_US, rest = us % DAY_US, year;
	unsigned month, day, seconds;
	char *p = out;

	if (rest < 0) {
		days--;
		rest += DAY_US;
	}
	date_from_days(days, &year, &month, &day);
	seconds = (unsigned)(rest / SECOND_US);
	if (year < 0 || year > 9999) /* not a time anybody meant: microseconds */
		return (size_t)snprintf(out, 32, "%lld", (long long)us);
	p = put_digits(p, (uint64_t)year, 4);
	*p++ = '-';
	p = put_digits(p, month, 2);
	*p++ = '-';
	p = put_digits(p, day, 2);
	*p++ = style == STYLE_MACHINE ? 'T' : ' ';
	p = put_digits(p, seconds / 3600, 2);
	*p++ = ':';
	p = put_digits(p, seconds / 60 % 60, 2);
	*p++ = ':';
	p = put_digits(p, seconds % 60, 2);
	*p++ = '.';
	if (style == STYLE_MACHINE) {
		p = put_digits(p, (uint64_t)(rest % SECOND_US), 6);
		*p++ = 'Z';
	} else {
		p = put_digits(p, (uint64_t)(rest % SECOND_US / 1000), 3);
	}
	*p = '\0';
	return (size_t)(p - out);
}

/* Exactly count digits, and one of the bytes in after (which is stepped over). */
static bool
take_digits(const char **s, const char *end, int count, unsigned *out)
{
	unsigned v = 0;

	if (end - *s < count)
		return false;
	for (; count > 0; count--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		v = v * 10 + (unsigned)(**s - '0');
	}
	*out = v;
	return true;
}

static bool
take_char(const char **s, const char *end, const char *any)
{
	for (; *any != '\0'; any++) {
		if (*s < end && **s == *any) {
			(*s)++;
			return true;
		}
	}
	return false;
}

/* Digits after a point or comma as microseconds; more than six are cut off. */
static bool
take_fraction(const char **s, const char *end, int64_t *us)
{
	int64_t unit = SECOND_US / 10;

	*us = 0;
	if (!take_char(s, end, ".,"))
		return true;
	if (*s == end || **s < '0' || **s > '9')
		return false;
	for (; *s < end && **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
		*us += (**s - '0') * unit;
	return true;
}

/* Seconds since 1970; numbers that would be seconds behind the year 9999 are milli-,
 * those that would be such then micro-, others nanoseconds. */
static int64_t
epoch_us(uint64_t whole, int64_t fraction_us)
{
	if (whole <= SECONDS_LAST)
		return (int64_t)whole * SECOND_US + fraction_us;
	if (whole / 1000 <= SECONDS_LAST)
		return (int64_t)whole * 1000 + fraction_us / 1000;
	return (int64_t)(whole / SECOND_US <= SECONDS_LAST ? whole : whole / 1000);
}

static bool
epoch_parse(const char *s, size_t n, int64_t *out_us)
{
	const char *end = s + n, *at = s;
	bool is_negative = n > 0 && s[0] == '-';
	int64_t us;
	uint64_t whole;

	at += is_negative;
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	if (!parse_u64(s + is_negative, (size_t)(at - s) - is_negative, &whole) ||
	    whole > INT64_MAX || !take_fraction(&at, end, &us) || at != end)
		return false;
	us = epoch_us(whole, us);
	*out_us = is_negative ? -us : us;
	return true;
}

bool
time_parse(const char *s, size_t n, int64_t *out_us)
{
	static const unsigned char days_of[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31,
	    30, 31};
	const char *end = s + n;
	unsigned year, month, day, hour = 0, minute = 0, second = 0, zh = 0, zm = 0;
	int64_t fraction = 0, us;
	char sign;

	if (n < 5 || s[4] != '-')
		return epoch_parse(s, n, out_us);
	if (!take_digits(&s, end, 4, &year) || !take_char(&s, end, "-") ||
	    !take_digits(&s, end, 2, &month) || !take_char(&s, end, "-") ||
	    !take_digits(&s, end, 2, &day) || month < 1 || month > 12 || day < 1 ||
	    day > days_of[month - 1] ||
	    (month == 2 && day == 29 &&
	    (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0))))
		return false;
	us = days_from_date(year, month, day) * DAY_US;
	if (s < end && take_char(&s, end, "Tt ")) {
		if (!take_digits(&s, end, 2, &hour) || !take_char(&s, end, ":") ||
		    !take_digits(&s, end, 2, &minute) ||
		    (take_char(&s, end, ":") && (!take_digits(&s, end, 2, &second) ||
		    !take_fraction(&s, end, &fraction))) ||
		    hour > 23 || minute > 59 || second > 60)
			return false;
	}
	us += ((int64_t)hour * 3600 + minute * 60 + second) * SECOND_US + fraction;
	if (s < end && !take_char(&s, end, "Zz")) {
		sign = *s;
		if (!take_char(&s, end, "+-") || !take_digits(&s, end, 2, &zh))
			return false;
		take_char(&s, end, ":");
		if (!take_digits(&s, end, 2, &zm) || zh > 23 || zm > 59)
			return false;
		us -= (sign == '-' ? -1 : 1) * ((int64_t)zh * 3600 + zm * 60) * SECOND_US;
	}
	if (s != end)
		return false;
	*out_us = us;
	return true;
}
