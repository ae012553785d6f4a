/*
 * The known bugs that a case stands for: its key `known_bugs`, as case_known_bugs returns it.
 */
#ifndef HARNESS_CASE_CASE_BUGS_H
#define HARNESS_CASE_CASE_BUGS_H

#include <stddef.h>

#include "harness/judge/judgement.h"

/* Of "leak: K2 K5; nan: K6" the bugs that fail with the signature: the beginning of "K2 K5", which has *size
 * characters. NULL and 0 if none do, or text is NULL. */
const char *known_bugs_as(const char *text, enum signature signature, size_t *size);

#endif
