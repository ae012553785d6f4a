/*
 * A second output of the same problem: which of the two is wrong, element by element.
 */
#ifndef HARNESS_LIBRARY_OTHER_OUTPUT_H
#define HARNESS_LIBRARY_OTHER_OUTPUT_H

#include "harness/judge/exhibit.h"
#include "harness/judge/fault.h"
#include "harness/subject/given_output.h"

/* The exhibit's output against another one of its shape and dtype, which may have no lse. fault is overwritten and,
 * where the result is ERROR_NONE, to be cleared. ERROR_SYSTEM if memory is short. */
enum error_kind other_output_compare(struct fault *fault, const struct exhibit *exhibit,
                                     const struct given_output *other, struct error *error);

#endif
