/*
 * A point that is compared, in words.
 */
#ifndef HARNESS_REPORT_COMPARE_COMPARE_TEXT_H
#define HARNESS_REPORT_COMPARE_COMPARE_TEXT_H

#include "harness/report/compare/compare.h"

enum { CHANGES_ALL = FACT_COUNT };

/*
 * What changed, what its change is about first: "status pass -> fail, max_ulp_err 0.49 -> 0.51 (+4.1%), 3 more"; of a
 * point that is on one side alone how it ended, if it did not pass. At most `most` changes; CHANGES_ALL are all,
 * digests of bits and figures that are better beside others that are worse included. A new string, or NULL.
 */
char *compared_changes(const struct compared *point, int most);

/* What people said of the point in a baseline: "known failure LINK, expires DAY; worse since DAY: REASON"; "" without
 * that. A new string, or NULL. */
char *compared_notes(const struct compared *point);

#endif
