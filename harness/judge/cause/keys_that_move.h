/*
 * How many keys a prediction moves out by. Where few make all of an error, whatever else moves weight among these makes
 * about the same one; where many do, each by more than rounding hides and as one number says of it, nothing else does.
 */
#ifndef HARNESS_JUDGE_CAUSE_KEYS_THAT_MOVE_H
#define HARNESS_JUDGE_CAUSE_KEYS_THAT_MOVE_H

#include "harness/judge/cause/suspect.h"

/*
 * Keys whose weight by suspect->logits, of which lse is given, and whose exact weight differ so much that out moves by
 * more than `least`: rms of (w'_j - w_j) (v_j - truth). Counts to `enough`. O(N D).
 */
int keys_that_move(struct suspect *suspect, double lse, double least, int enough);

#endif
