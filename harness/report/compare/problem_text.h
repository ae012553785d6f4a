/*
 * The problem of a point, as its record states it: what digests of inputs and truth do not cover where these are not
 * known, and what the key of a point leaves out.
 */
#ifndef HARNESS_REPORT_COMPARE_PROBLEM_TEXT_H
#define HARNESS_REPORT_COMPARE_PROBLEM_TEXT_H

#include <jansson.h>

/*
 * "seq_len=9,scale=0.125,soft_cap.before_bias=30": what a record says of the problem, in a fixed order, without what is
 * as usual or null. A new string, or NULL if memory ran out.
 */
char *problem_text(const json_t *record);

/* The same of a text that an older program wrote into a baseline, without what is as usual and was said there. A new
 * string, or NULL. */
char *problem_text_as_now(const char *text);

#endif
