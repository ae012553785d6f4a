/*
 * How functions of an interface begin and end, those of both libraries.
 */
#ifndef HARNESS_LIBRARY_API_END_H
#define HARNESS_LIBRARY_API_END_H

#include <stdbool.h>

#include "harness/library/alibicheck.h"
#include "reference/error.h"

/* Hands *failure to the caller: returns its kind as a status. NULL is success. */
int api_end(struct alibicheck_error *error, const struct error *failure);

/* Whether the argument is there; else fills *failure. */
bool api_has(const void *argument, const char *name, struct error *failure);

/* Takes a number of threads, 0 for the default; else fills *failure. */
bool api_take_threads(int *taken, int threads, struct error *failure);

#endif
