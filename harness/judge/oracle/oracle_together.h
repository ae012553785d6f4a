/*
 * One launch for several oracles. A sound kernel, which is the usual one, gives the base run's bits with all that must
 * not matter changed at once: other numbers in masked slots, heads in another order, every setting
 * (kernels/launch_setting.h), and another problem launched before. Where that shows, each oracle launches the kernel
 * for itself, so that the right one is named.
 *
 * A kernel that is not ours is not asked so: what it keeps from launch to launch is to show in each of them.
 */
#ifndef HARNESS_JUDGE_ORACLE_ORACLE_TOGETHER_H
#define HARNESS_JUDGE_ORACLE_ORACLE_TOGETHER_H

#include "harness/judge/oracle/oracle_work.h"

extern const struct launch_setting all_settings;

/* The repeated run, and that launch, where it can be had: *hold says whether its bits are the base run's. */
enum error_kind oracle_need_together(struct oracle_work *work, bool *hold, struct error *error);

/* The same, and of an oracle that holds if they are, that it does. */
enum error_kind oracle_hold_together(struct oracle_work *work, enum oracle oracle, bool *hold, struct error *error);

/* Concludes `history` from it where it shows and all of its oracles were asked, of which none has: what it is that
 * shows together alone, nobody knows. */
void oracle_tell_together(struct oracle_work *work);

/* What it changes of a reloaded trial. oracle_slots.c: what stands where no query sees it. */
void slots_spoil(struct oracle_work *work);

/* oracle_heads.c: why heads cannot be told apart by their order, NULL: they can; another order of them; and of what
 * comes of them. */
const char *heads_have_no_order(const struct oracle_work *work);
void heads_reorder(struct trial *trial);
void heads_reorder_values(struct trial_values *values, const struct problem *problem);

#endif
