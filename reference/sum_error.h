/*
 * What a kernel's order of sums does to a key's contribution: (4) of error_bound.md, and whether its sums may overflow.
 */
#ifndef REFERENCE_SUM_ERROR_H
#define REFERENCE_SUM_ERROR_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "reference/rounding_model.h"

/* How often a key's contribution is rounded after it was formed (4): rounds that follow it in its chunk, merges. */
struct roundings {
    double rescales, sum_adds, out_adds;
    double narrow_sums, narrow_outs; /* of a lane's sums to a narrow dtype */
};

static inline struct roundings roundings_after(const struct rounding_model *model, int64_t seq_len, int64_t key)
{
    seq_len = seq_len > 0 ? seq_len : 1; /* of no keys, with a sink: no more than of one */
    int64_t chunk_len = model->chunk_len ? model->chunk_len : seq_len, chunk = key / chunk_len;
    int64_t chunks = (seq_len + chunk_len - 1) / chunk_len;
    int64_t end = (chunk + 1) * chunk_len < seq_len ? (chunk + 1) * chunk_len : seq_len;
    double rounds = (double)((end - 1 - chunk * chunk_len) / model->keys_per_round -
                             (key - chunk * chunk_len) / model->keys_per_round);
    double merges = model->chunk_len ? (double)(chunks - chunk) : 0;
    return (struct roundings){
        .rescales = rounds * model->rescales_per_round + model->rescales_after,
        .sum_adds = (rounds + 1) * model->sum_adds_per_round + model->sum_adds_after + merges,
        .out_adds = (rounds + 1) * model->out_adds_per_round + model->out_adds_after + merges,
        .narrow_sums = (rounds + 1) * (model->sum_adds_per_round + model->rescales_per_round),
        .narrow_outs = (rounds + 1) * (model->out_adds_per_round + model->rescales_per_round),
    };
}

/* n roundings of relative error e each, with the higher orders (Higham, lemma 3.1). */
static inline double compound(double n, double e)
{
    double first = n * e;
    return first < 0.5 ? first / (1 - first) : INFINITY;
}

/* (4): what additions do to a key's part of the sum of weights, and of the weighted sum. */
static inline double sum_error(const struct rounding_model *model, const struct roundings *roundings)
{
    double adds = compound(roundings->sum_adds, model->add), narrow = expm1(roundings->narrow_sums * model->sum_narrow);
    return adds + narrow + adds * narrow;
}

static inline double out_error(const struct rounding_model *model, const struct roundings *roundings)
{
    double adds = compound(roundings->out_adds, model->add), narrow = expm1(roundings->narrow_outs * model->out_narrow);
    return adds + narrow + adds * narrow;
}

/* Whether an element's sums may overflow, in f32 or as partial outputs; magnitude: the largest |v| as held; raised:
 * nats by which maxima are raised at least. */
bool sums_overflow(const struct rounding_model *model, int64_t seq_len, double magnitude, double raised);

#endif
