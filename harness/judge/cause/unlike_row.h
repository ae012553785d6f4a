/*
 * A name, and a row that was not examined for it. The worst rows are often alike, as those of the steepest slopes are,
 * whose far keys have no weight: whatever is done to these looks as if they were missing. The row of the gentlest slope
 * tells more of the others.
 */
#ifndef HARNESS_JUDGE_CAUSE_UNLIKE_ROW_H
#define HARNESS_JUDGE_CAUSE_UNLIKE_ROW_H

#include "harness/judge/cause/inquiry.h"
#include "harness/judge/cause/suspect.h"

/* Whether a match is of what a row like others would share with them by chance. */
bool unlike_row_is_asked(const struct match *match);

/* The place among ranked rows of the one with the gentlest slope whose out fails, behind the first `examined`; or,
 * where that one was asked, `but` being its place, of the next one. -1: none has a gentler one than all of these. */
int unlike_row_at(const struct inquiry *inquiry, const struct ranked_row *ranked, int examined, int but);

/* Takes the name of a match away where the row plainly is not so. Whether it is off by enough to tell. */
bool unlike_row_hear(struct signature_finding *finding, const struct match *match, const struct suspect *unlike);

#endif
