// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>

static const int syslog_priority[] = {
	[LOG_LEVEL_ERROR] = LOG_ERR,
	[LOG_LEVEL_WARN] = LOG_WARNING,
	[LOG_LEVEL_INFO] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

void log_init(struct log *log, const char *prefix, enum log_level max)
{
	*log = (struct log){ .max = max, .prefix = prefix, .tokens = LOG_BURST };
	pthread_mutex_init(&log->lock, NULL);
}

void log_to_syslog(struct log *log)
{
	openlog(log->prefix, LOG_PID, LOG_DAEMON);
	log->to_syslog = true;
}

void log_make_printable(char *line)
{
	for (unsigned char *at = (unsigned char *)line; *at; at++) {
		if (at[0] == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0)
			at[0] = at[1] = '?';
		else if (*at < ' ' || *at == 0x7f)
			*at = '?';
	}
}

static void emit(struct log *log, enum log_level level, char *line)
{
	log_make_printable(line);
	if (log->to_syslog)
		syslog(syslog_priority[level], "%s", line);
	else
		dprintf(STDERR_FILENO, "%s: %s\n", log->prefix, line);
}

void log_line(struct log *log, enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	char line[1024];
	va_list ap;

	if (level > log->max)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	emit(log, level, line);
	errno = saved;
}

/* Takes a token if there is one; *ret_dropped is how many lines went unsaid before this one. */
static bool take_token(struct log *log, uint64_t *ret_dropped)
{
	struct timespec now;
	uint64_t sec;
	bool ok;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sec = (uint64_t)now.tv_sec;
	pthread_mutex_lock(&log->lock);
	if (log->last_sec && sec > log->last_sec) {
		uint64_t fresh = (sec - log->last_sec) * LOG_PER_SECOND;

		log->tokens = fresh > LOG_BURST - log->tokens ? LOG_BURST :
								log->tokens + (unsigned)fresh;
	}
	log->last_sec = sec;
	ok = log->tokens > 0;
	if (ok) {
		log->tokens--;
		*ret_dropped = log->suppressed;
		log->suppressed = 0;
	} else {
		log->suppressed++;
	}
	pthread_mutex_unlock(&log->lock);
	return ok;
}

void log_limited(struct log *log, enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	uint64_t dropped = 0;
	char line[1024];
	va_list ap;

	if (level > log->max || !take_token(log, &dropped))
		goto out;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (dropped)
		log_line(log, level, "%llu similar lines suppressed", (unsigned long long)dropped);
	emit(log, level, line);
out:
	errno = saved;
}
