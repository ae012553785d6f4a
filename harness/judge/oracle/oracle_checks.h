/*
 * The checks of the table in oracle.c that have files of their own. Each concludes its oracle, or fails as oracles_run
 * does.
 */
#ifndef HARNESS_JUDGE_ORACLE_ORACLE_CHECKS_H
#define HARNESS_JUDGE_ORACLE_ORACLE_CHECKS_H

#include "harness/judge/oracle/oracle_work.h"

/* oracle_slots.c: what no query sees. */
enum error_kind check_masked_slots(struct oracle_work *work, struct error *error);

/* oracle_rounding.c: runs that round otherwise. */
enum error_kind check_partition(struct oracle_work *work, struct error *error);
enum error_kind check_constant_v(struct oracle_work *work, struct error *error);
enum error_kind check_bias_shift(struct oracle_work *work, struct error *error);

/* oracle_setting.c: launches in another setting. */
enum error_kind check_schedule(struct oracle_work *work, struct error *error);
enum error_kind check_placement(struct oracle_work *work, struct error *error);
enum error_kind check_offsets(struct oracle_work *work, struct error *error);
enum error_kind check_history(struct oracle_work *work, struct error *error);

/* oracle_offsets.c: the same of a subject that is to be asked with few keys (subject.far_keys). */
enum error_kind check_far_offsets(struct oracle_work *work, struct error *error);
enum { OFFSETS_MANY_ELEMENTS = 1 << 14 }; /* of out, where it launches TRIAL_MANY sequences */

/* oracle_strides.c: tensors that lie otherwise. */
enum error_kind check_strides(struct oracle_work *work, struct error *error);

/* oracle_heads.c: rows in another order. */
enum error_kind check_head_permutation(struct oracle_work *work, struct error *error);

/* oracle_key.c: problems whose result shows single keys. */
enum error_kind check_one_key(struct oracle_work *work, struct error *error);
enum error_kind check_each_key(struct oracle_work *work, struct error *error);

/* oracle_quiet.c: keys that weigh little alone. */
enum error_kind check_quiet_keys(struct oracle_work *work, struct error *error);

/* oracle_many.c: many sequences of lengths at and around boundaries. */
enum error_kind check_lengths(struct oracle_work *work, struct error *error);
double
many_bytes(const struct problem *part); /* that this takes for a trial of this shape, at most, launches included */

/* oracle_batch.c: among other sequences of one launch. */
enum error_kind check_batch(struct oracle_work *work, struct error *error);

#endif
