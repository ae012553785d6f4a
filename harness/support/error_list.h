/*
 * Errors of one input that are told together, so that a person mends them in one go.
 */
#ifndef HARNESS_SUPPORT_ERROR_LIST_H
#define HARNESS_SUPPORT_ERROR_LIST_H

#include <stddef.h>

#include "reference/error.h"

enum { ERROR_LIST_MAX = 10 }; /* lines */

struct error_list {
    struct error *error; /* the caller's: a line for each that is told */
    size_t count, told;  /* of errors, those that were told before apart */
};

/*
 * Takes what a step of reading came to, whose result is kind. ERROR_NONE: nothing was wrong, or the input was, which
 * list->error now says in a line of its own. Any other result is to end the reading; list->error says it alone.
 */
enum error_kind error_list_take(struct error_list *list, enum error_kind kind, const struct error *error);

/* The result of reading all of an input: ERROR_USAGE if it had errors. A last line counts those that were not told. */
enum error_kind error_list_finish(struct error_list *list, const char *name);

#endif
