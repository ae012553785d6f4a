/*
 * What to do about a comparison that is not as good.
 */
#ifndef HARNESS_REPORT_COMPARE_COMPARE_ADVICE_H
#define HARNESS_REPORT_COMPARE_COMPARE_ADVICE_H

#include "harness/report/compare/compare.h"

/*
 * How to look at the first point that is worse, and by which options of `compare` what is meant is let pass, or becomes
 * the baseline: sentences, with "\n" between those of the two. "" where nothing is worse or cannot be compared. A new
 * string, or NULL.
 */
char *collation_advice(const struct collation *collation);

#endif
