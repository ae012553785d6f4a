/*
 * Another problem than the trial's, which is launched before and after it: of another length, with another head_dim
 * where the subject takes one, and fewer heads where there are many. What it leaves behind, in a workspace or in the
 * kernel's own memory, must not show in the trial, nor what the trial leaves in it. And the trial's own shapes with
 * other numbers: what is kept by shapes is not to hold what they do not determine.
 */
#ifndef HARNESS_JUDGE_ORACLE_ORACLE_OTHER_H
#define HARNESS_JUDGE_ORACLE_ORACLE_OTHER_H

#include "harness/judge/oracle/oracle_work.h"

#define OTHER_TEXT "launches of another length and head_dim"

/* Makes it and runs it twice, the second time after itself, on a workspace that a launch finds that asks for
 * WORKSPACE_KEPT. */
enum error_kind other_run_before(struct oracle_work *work, struct error *error);

/* Runs it again, on what is there now. */
enum error_kind other_run_after(struct oracle_work *work, struct error *error);

/* Runs the trial's own shapes with other numbers: scales, slopes, soft cap, sinks, mask and positions; of every second
 * choice without its mask and cap, and with a mask where it has none. What comes of that is for nobody. The trial is
 * reloaded. */
#define NUMBERS_TEXT "a launch of these shapes with other numbers"
enum error_kind other_numbers_run(struct oracle_work *work, struct error *error);

/* Concludes `history` from those of the other problem, where bits can be compared. */
void other_judge(struct oracle_work *work);

/* Bytes that it takes beside a trial of this shape, at most; its k and v, and their launch's, are no more than half of
 * what the trial's are. */
double other_bytes(const struct problem *part);

#endif
