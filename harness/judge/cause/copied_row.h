/*
 * Rows that are, bit for bit, what another row rightly is. Attention that is wrong in some way gives such a row only
 * where that way makes the two problems one.
 */
#ifndef HARNESS_JUDGE_CAUSE_COPIED_ROW_H
#define HARNESS_JUDGE_CAUSE_COPIED_ROW_H

#include "harness/judge/cause/inquiry.h"
#include "harness/judge/cause/suspect.h"

/*
 * Takes its name from a row whose out is that of another one, which does not fail, where its best prediction is further
 * from it than rounding leads: a copy explains it to the last bit. So it does where the prediction is another KV head's
 * and no worse, but other heads of the group, whose KV head it would be too, are right, or there are none. An lse that
 * is off as predicted tells otherwise. What the row is a copy of becomes its remark. Nothing where the row is right, or
 * of zeros or NaN, or the two are right alike.
 */
void copied_row_hear(struct suspect *suspect, const struct inquiry *inquiry);

#endif
