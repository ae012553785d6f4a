/*
 * JSON on standard output, one value a line.
 */
#ifndef HARNESS_SUPPORT_JSON_LINE_H
#define HARNESS_SUPPORT_JSON_LINE_H

#include <jansson.h>

#include "reference/error.h"

/*
 * Prints a value, which it takes; NULL: there was no memory for it, or for a part of it. `what` is what memory was
 * wanted for. ERROR_SYSTEM, and nothing of the value is printed where memory ran out. What is printed may wait for
 * file_flush.
 */
enum error_kind json_line_print(json_t *value, const char *what, struct error *error);

#endif
