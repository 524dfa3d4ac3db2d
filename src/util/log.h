/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines for the person who runs the server: to stderr in the foreground, to syslog once
 * detached. One struct log per server, handed down; nothing here is global.
 */
#ifndef EXT4D_UTIL_LOG_H
#define EXT4D_UTIL_LOG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/cleanup.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Most lines log_limited() lets through at once, and afterwards per second. */
#define LOG_BURST 20
#define LOG_PER_SECOND 5

struct log {
	enum log_level max;   /* [const] after start; quieter levels only */
	atomic_bool to_syslog; /* set once, while workers may log already */
	const char *prefix;   /* [const] program name; outlives the log */
	pthread_mutex_t lock; /* leaf: taken with anything held, takes nothing */
	unsigned tokens;      /* [lock] lines log_limited() may still let through */
	uint64_t last_sec;    /* [lock] CLOCK_MONOTONIC second of the last refill */
	uint64_t suppressed;  /* [lock] lines dropped since the last one let through */
};

/* Initialises *log to write to stderr at levels up to max. */
void log_init(struct log *log, const char *prefix, enum log_level max);

/* Sends everything from here on to syslog(3): call it before stderr is closed. */
void log_to_syslog(struct log *log);

/* One line, no newline at the end. Any thread. Keeps errno. */
void log_line(struct log *log, enum log_level level, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * The same for lines that an image can provoke: a token bucket of LOG_BURST lines, refilled at
 * LOG_PER_SECOND; how many were dropped is said with the next line that passes.
 */
void log_limited(struct log *log, enum log_level level, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * Names come from images and strangers: a control character, of one byte or of UTF-8's two (C2 80 to C2 9F), must
 * not reach a terminal or split a line.
 */
void log_make_printable(char *line);

#define log_error(log, ...) log_line(log, LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(log, ...) log_line(log, LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(log, ...) log_line(log, LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(log, ...) log_line(log, LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
