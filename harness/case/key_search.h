/*
 * The key that a word stands for: what it names, what it is a slip of, and what could have stood there.
 */
#ifndef HARNESS_CASE_KEY_SEARCH_H
#define HARNESS_CASE_KEY_SEARCH_H

#include "harness/case/case_keys.h"

/* The key called name, or KEY_COUNT. */
enum key_id key_find(const char *name, size_t size);

/* The key that a mistyped name is closest to, or KEY_COUNT. */
enum key_id key_meant(const char *name, size_t size);

/* "did you mean 'x'? allowed: case, about, ..." for a key that does not exist. text: FIELD_ALLOWED_SIZE. */
char *key_advice(char *text, const char *name, size_t size);

#endif
