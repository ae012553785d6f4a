/*
 * What is known of the arithmetic of a kernel that is not ours: the class that it says it is in, by whose bound it is
 * judged; or none, and what rounding can do is then what it can in the richest class.
 */
#ifndef HARNESS_EVALUATE_FOREIGN_CLASS_H
#define HARNESS_EVALUATE_FOREIGN_CLASS_H

#include "harness/subject/foreign.h"

/* Puts the class's model into the subject. ERROR_USAGE for one that there is not. source: what messages call the
 * kernel. */
enum error_kind foreign_class_take(struct foreign_subject *foreign, const char *source, struct error *error);

#endif
