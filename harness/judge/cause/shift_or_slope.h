/*
 * Where next to all weight of a row is on one key, another slope moves lse and leaves out alone, as biases that are all
 * off by a number of keys do.
 */
#ifndef HARNESS_JUDGE_CAUSE_SHIFT_OR_SLOPE_H
#define HARNESS_JUDGE_CAUSE_SHIFT_OR_SLOPE_H

#include "harness/judge/cause/inquiry.h"

/* Whether one factor on the slopes gives the lse of all failing rows that are looked at, max_rows at most, as biases
 * moved by slope * keys do. ranked: all rows. */
enum error_kind shift_may_be_slope(bool *may_be, double keys, const struct inquiry *inquiry,
                                   const struct ranked_row *ranked, int max_rows, struct error *error);

#endif
