/*
 * What is wrong with the text of an option that is read word by word, an expression of --where or a table of --table,
 * and at which place of it.
 */
#ifndef HARNESS_REPORT_FILE_EXPRESSION_FAULT_H
#define HARNESS_REPORT_FILE_EXPRESSION_FAULT_H

#include <stddef.h>

#include "reference/error.h"

struct where_names;

/* A text that is being read. */
struct expression {
    const char *option, *text;
    struct error *error;
};

/* ERROR_USAGE with "OPTION TEXT:COLUMN: what is wrong: 'the text'; allowed: ...", of size characters at a place of the
 * expression's text. */
enum error_kind expression_fault(const struct expression *expression, const char *at, size_t size, const char *what,
                                 const char *allowed);

/* The same of a field that is none of the names, with the one that may have been meant. */
enum error_kind expression_unknown_field(const struct expression *expression, const char *at, size_t size,
                                         const struct where_names *names);

#endif
