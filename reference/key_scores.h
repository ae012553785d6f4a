/*
 * The logits of a row's keys, from the newest down to those that weigh nothing: what its error bound is summed over.
 */
#ifndef REFERENCE_KEY_SCORES_H
#define REFERENCE_KEY_SCORES_H

#include <math.h>

#include "reference/logit_error.h"
#include "reference/tensor_bounds.h"

/* Keys that are not looked at add up to less than 2^-46 of a row's weights, as they are and as the kernel has them. */
#define TAIL 0x1p-46

/* One thread's, for any head of a problem, one after the other. */
struct key_scores {
    double *logits;   /* [N] s_j, natural; those of keys from `low` on; -inf where a contract drops the key */
    double *absolute; /* [N] |scale| sum_i |q_i k_ij| (logit_absolute) */
    double *query;    /* [D] the head's q */
    float *row;       /* [D] of k or v, as it comes */
    /* Products of one query and the keys [dots_low, dots_len) of a KV head, for the next model that asks for them. */
    struct logit_dot *dots; /* [N], a sum of NaN where a key was not looked at; NULL: none are kept */
    double *of_query;       /* [D] */
    int of_kv_head;         /* -1: they are of none */
    int64_t dots_low, dots_len;
};

/* Allocates; key_scores_clear frees, and accepts zeroed ones. keep: many models are asked about one head, and k stays
 * as it is between. ERROR_SYSTEM if memory is short. */
enum error_kind key_scores_init(struct key_scores *scores, const struct problem *problem, bool keep,
                                struct error *error);
void key_scores_clear(struct key_scores *scores);

/* Keys that there has to be room for, for any query of the problem: one that has none has one, which is masked
 * (problem_query). */
static inline size_t key_scores_room(const struct problem *problem)
{
    return problem->seq_len > 0 ? (size_t)problem->seq_len : 1;
}

/* What roundings do to any key at most, its logit's aside: relative errors of all its rescalings, and of all additions
 * to its part of the output. */
struct most_roundings {
    double rescales, additions;
};

/*
 * Logits of visible keys from the newest down to the key that is returned: those below it weigh less than TAIL
 * together, as they are and as the kernel has them, by the geometric series of truth_certified.md, lemma 3, with the
 * row's lse known. max: the largest of them, -inf of none. scores->query is the head's; terms are too.
 */
int64_t key_scores_fill(struct key_scores *scores, const struct rounding_model *model,
                        const struct most_roundings *most, double lse, const struct tensor_bounds *bounds,
                        const struct logit_terms *terms, double *max);

/* Whether a key from the returned one on is visible, and the contract keeps it. */
static inline bool key_counts(const struct key_scores *scores, const struct problem *problem, int64_t key)
{
    return problem_visible(problem, key) && scores->logits[key] != -INFINITY;
}

#endif
