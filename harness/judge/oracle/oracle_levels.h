/*
 * Problems that tell keys apart, and whose results are known without a truth.
 *
 * k of a key is one of LEVELS numbers in all its elements, its v one of KINDS rows of eighths; both by a mix of key and
 * KV head. q is one number, and slopes are 0. So a key's logit is one of LEVELS, all between -1 and 1 where the scale
 * allows, and out is a sum over LEVELS x KINDS counts: known to 2^-44, and other where a key is left out, counted
 * twice, or has another's v or weight.
 */
#ifndef HARNESS_JUDGE_ORACLE_ORACLE_LEVELS_H
#define HARNESS_JUDGE_ORACLE_ORACLE_LEVELS_H

#include "harness/judge/oracle/oracle_work.h"

/* A factor common to a row is constant_v's to say, up to this far from 1. */
#define LEVELS_COMMON_FACTOR 0x1p-6

/* What rounds f64's own sums, of numbers of this size. */
static inline double levels_slack(double magnitude)
{
    return magnitude * 0x1p-44;
}

/* What has a part in the result beside keys and v, which such problems do not know; NULL: nothing. */
const char *levels_know_less(const struct problem *problem);

/* Why the subject cannot be put to such a problem; NULL: it can. */
const char *levels_do_not_apply(const struct oracle_work *work);

/* An element of v of one of the kinds of rows: 1 to 4 eighths, which e5m2 holds, of either sign. */
float levels_element(int kind, int dim);

/* The number in q: a power of two by which logits of k = 1 come to at most 1, as far as every dtype has one. */
float levels_query(const struct problem *problem);

/* Makes that of a q [Q, H, D] in the problem's dtype. */
void levels_load_query(void *q, const struct problem *problem);

/* [Q, H, D], [num_keys, Hkv, D] in the dtypes of a problem. */
struct levels_tensors {
    void *q, *k, *v;
};

/* Fills them with the keys 0 .. num_keys - 1. ERROR_SYSTEM if memory is short. */
enum error_kind levels_load(const struct levels_tensors *tensors, const struct problem *problem, int64_t num_keys,
                            struct error *error);

/* work->expected and work->allowed of a problem whose keys are those from first_key on; it has no more rows than the
 * trial. lse of a row with keys is allowed anything. */
enum error_kind levels_expect(struct oracle_work *work, const struct problem *problem, int64_t first_key,
                              struct error *error);

/* work->allowed and work->tolerated of a problem whose exact result is work->expected, and whose k comes to largest_k;
 * lse of a row with keys is allowed anything. */
enum error_kind levels_allow(struct oracle_work *work, const struct problem *problem, double largest_k,
                             struct error *error);

/* What is not written at all is poison's to say. */
void levels_forgive_unwritten(struct oracle_work *work, const struct problem *problem);

/* Concludes from work->got. Other oracles' faults are not counted: what is not written, a factor common to a row. */
void levels_judge(struct oracle_work *work, enum oracle oracle, const struct problem *problem, const char *run_was);

#endif
