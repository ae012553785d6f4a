/*
 * A verdict for people: what is wrong, where, of what, and what to do about it.
 */
#ifndef HARNESS_LIBRARY_JUDGED_MESSAGE_H
#define HARNESS_LIBRARY_JUDGED_MESSAGE_H

#include "harness/library/judged_record.h"

/* Some lines, each with its end. Errors are absolute or in ulp, and never relative, which says nothing near 0. A new
 * string, or NULL. */
char *judged_message(const struct judged_record *record);

#endif
