/*
 * JSON values beyond what jansson makes of itself. New values; NULL if memory ran out.
 */
#ifndef HARNESS_SUPPORT_JSON_VALUE_H
#define HARNESS_SUPPORT_JSON_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* What every JSON text is printed with: 17 digits, so that each double reads back exactly. */
enum { JSON_PRINT_FLAGS = JSON_REAL_PRECISION(17) };

/* A number, or for what JSON has no number the string "nan", "inf" or "-inf". */
json_t *json_from_double(double value);

/* text as a string, exactly if it is UTF-8. */
json_t *json_from_text(const char *text);

/* 16 hexadecimal digits. */
json_t *json_from_digest(uint64_t digest);

/* "2026-11-27T13:05:59Z"; null for 0. */
json_t *json_from_time(time_t time);

/* JSON readers take integers to 2^63 - 1; a larger one is a string of its digits. */
json_t *json_from_unsigned(uint64_t value);

/* Appends a member; takes value, which may be NULL for want of memory. False if it is, or memory ran out. */
bool json_put(json_t *object, const char *name, json_t *value);

/* object if complete; else frees it, NULL. */
json_t *json_finish(json_t *object, bool complete);

/* value as text with jansson's flags, to be freed; NULL if memory ran out. json_dumps leaves out what it had no memory
 * for (jansson 2.14, do_dump of an object's keys). */
char *json_print(const json_t *value, size_t flags);

#endif
