/*
 * What goes wrong chunk by chunk: one chunk missing, or nothing but one; the lightest chunks missing; chunks merged by
 * an lse in another base; an epsilon in the denominators of the row, of the chunks, or of both. Chunks of 16, 32, ...,
 * 4096 keys from key 0 on. A learned sink is in no chunk, and stays.
 */
#include <math.h>
#include <stdlib.h>

#include "harness/judge/cause/hypothesis.h"
#include "harness/judge/cause/key_chunks.h"

/* Chunks by falling maximum. */
static int compare_chunks(const void *left, const void *right, void *maxima)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    double max_a = ((const double *)maxima)[a], max_b = ((const double *)maxima)[b];
    if (max_a != max_b)
        return max_a < max_b ? 1 : -1;
    return (a > b) - (a < b);
}

static void sort_chunks(struct key_chunks *chunks)
{
    for (int64_t c = 0; c < chunks->count; c++)
        chunks->order[c] = c;
    qsort_r(chunks->order, (size_t)chunks->count, sizeof *chunks->order, compare_chunks, chunks->max);
}

/* ---- chunks missing -------------------------------------------------------------------------------------------- */

/* (sum of out - factor * out[chunk]) and the rest's sum, divided, into suspect->predicted. Its lse; -inf without a
 * rest. */
static double predict_without(struct suspect *suspect, const struct key_chunks *chunks, int64_t chunk)
{
    int dims = suspect->problem->head_dim;
    double factor = factor_between(chunks->max[chunk], suspect->max), rest = suspect->sum - factor * chunks->sum[chunk];
    if (rest > 1e-3 * suspect->sum) {
        for (int d = 0; d < dims; d++)
            suspect->predicted[d] = (chunks->total[d] - factor * chunks->out[chunk * dims + d]) / rest;
        return suspect->max + log(rest);
    }
    /* Next to nothing is left of the difference: the others from scratch, relative to the largest of them. */
    int64_t largest = chunks->order[0] == chunk && chunks->count > 1 ? chunks->order[1] : chunks->order[0];
    double max = fmax(chunks->max[largest], suspect->sink);
    if (largest == chunk || chunks->max[largest] == -INFINITY)
        return -INFINITY;
    rest = factor_between(suspect->sink, max);
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] = 0;
    for (int64_t c = 0; c < chunks->count; c++) {
        factor = c == chunk ? 0 : factor_between(chunks->max[c], max);
        if (factor == 0)
            continue;
        rest += factor * chunks->sum[c];
        for (int d = 0; d < dims; d++)
            suspect->predicted[d] += factor * chunks->out[c * dims + d];
    }
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] /= rest;
    return max + log(rest);
}

static void offer_one_missing(struct suspect *suspect, const struct key_chunks *chunks)
{
    int dims = suspect->problem->head_dim;
    for (int64_t c = 0; c < chunks->count; c++) {
        long long first = (long long)(c * chunks->len), end = first + chunks->len;
        if (!(chunks->sum[c] > 0))
            continue;
        double lse = predict_without(suspect, chunks, c);
        if (lse > -INFINITY)
            suspect_offer(suspect, SIGNATURE_DROPPED_KEYS, true, suspect->predicted, lse,
                          "keys %lld to %lld missing, a chunk of %lld", first, end - 1, (long long)chunks->len);
        double max = fmax(chunks->max[c], suspect->sink), own = factor_between(chunks->max[c], max),
               sum = own * chunks->sum[c] + factor_between(suspect->sink, max);
        for (int d = 0; d < dims; d++)
            suspect->predicted[d] = own * chunks->out[c * dims + d] / sum;
        suspect_offer(suspect, SIGNATURE_DROPPED_KEYS, true, suspect->predicted, max + log(sum),
                      "all keys missing but %lld to %lld, a chunk of %lld", first, end - 1, (long long)chunks->len);
    }
}

/* The heaviest chunks alone, more and more of them. */
static void offer_lightest_missing(struct suspect *suspect, struct key_chunks *chunks)
{
    int dims = suspect->problem->head_dim;
    double sum = factor_between(suspect->sink, suspect->max), *out = chunks->scratch;
    for (int d = 0; d < dims; d++)
        out[d] = 0;
    for (int64_t i = 0; i + 1 < chunks->count; i++) {
        int64_t chunk = chunks->order[i];
        double factor = factor_between(chunks->max[chunk], suspect->max), next = chunks->max[chunks->order[i + 1]];
        if (factor == 0 || next == -INFINITY)
            return;
        sum += factor * chunks->sum[chunk];
        for (int d = 0; d < dims; d++) {
            out[d] += factor * chunks->out[chunk * dims + d];
            suspect->predicted[d] = out[d] / sum;
        }
        suspect_offer(suspect, SIGNATURE_DROPPED_KEYS, true, suspect->predicted, suspect->max + log(sum),
                      "|chunks of %lld keys missing| whose largest weight is exp(%.4g) of the row's or less",
                      (long long)chunks->len, next - suspect->max);
    }
}

/* ---- chunks merged ---------------------------------------------------------------------------------------------- */

/* What a merge takes a chunk's natural lse for, in nats. */
static double base_2_as_e(int64_t chunk, double lse)
{
    (void)chunk;
    return lse * M_LOG2E;
}

static double base_e_as_2(int64_t chunk, double lse)
{
    (void)chunk;
    return lse * M_LN2;
}

static double first_in_base_2(int64_t chunk, double lse)
{
    return chunk == 0 ? lse * M_LOG2E : lse;
}

static void offer_merge(struct suspect *suspect, const struct key_chunks *chunks,
                        double (*taken)(int64_t chunk, double lse), const char *text)
{
    int dims = suspect->problem->head_dim;
    double max = suspect->sink;
    for (int64_t c = 0; c < chunks->count; c++)
        if (chunks->sum[c] > 0)
            max = fmax(max, taken(c, chunks->max[c] + log(chunks->sum[c])));
    double sum = factor_between(suspect->sink, max);
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] = 0;
    for (int64_t c = 0; c < chunks->count; c++) {
        if (!(chunks->sum[c] > 0))
            continue;
        double weight = exp(taken(c, chunks->max[c] + log(chunks->sum[c])) - max);
        sum += weight;
        for (int d = 0; d < dims; d++)
            suspect->predicted[d] += weight / chunks->sum[c] * chunks->out[c * dims + d];
    }
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] /= sum;
    suspect_offer(suspect, SIGNATURE_WRONG_LSE, false, suspect->predicted, max + log(sum),
                  "|chunks of %lld keys are merged by their lse, %s|", (long long)chunks->len, text);
}

static void offer_merges(struct suspect *suspect, const struct key_chunks *chunks)
{
    if (chunks->count < 2)
        return;
    offer_merge(suspect, chunks, base_2_as_e, "in base 2, as if it were natural");
    offer_merge(suspect, chunks, base_e_as_2, "natural, as if it were in base 2");
    offer_merge(suspect, chunks, first_in_base_2, "the first one's in base 2, the others' natural");
}

/* ---- epsilon --------------------------------------------------------------------------------------------------- */

/*
 * truth - out = epsilon / sum * effect to first order, where effect is the truth for an epsilon in the row's sum and
 * sum_c exp(max_c - max) out_c / sum_c for one in each chunk's; least squares.
 */
static struct epsilon_fit fit_epsilon(struct suspect *suspect, const double *effect)
{
    int dims = suspect->problem->head_dim;
    double above = 0, below = 0;
    for (int d = 0; d < dims; d++) {
        above += effect[d] * (suspect->truth[d] - suspect->out[d]);
        below += effect[d] * effect[d];
    }
    double coefficient = above / below;
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] = suspect->truth[d] - coefficient * effect[d];
    double rms = suspect_rms(suspect, suspect->predicted, dims);
    return (struct epsilon_fit){
        .epsilon = coefficient * suspect->sum,
        .sigma = fmax(rms, suspect->noise) / sqrt(below) * suspect->sum,
        .rms = rms,
        .residual = suspect_residual(suspect, suspect->predicted),
    };
}

/* Not to first order: out = truth / (1 + epsilon / sum). */
static void fit_epsilon_of_row(struct suspect *suspect)
{
    struct epsilon_fit fit = fit_epsilon(suspect, suspect->truth);
    double share = fit.epsilon / suspect->sum;
    fit.epsilon /= 1 - share;
    fit.sigma /= (1 - share) * (1 - share);
    suspect->epsilons[EPSILON_OF_ROW] = fit;
}

static void fit_epsilons_of_chunks(struct suspect *suspect, const struct key_chunks *chunks, int level)
{
    int dims = suspect->problem->head_dim;
    double *effect = chunks->scratch;
    for (int d = 0; d < dims; d++)
        effect[d] = 0;
    for (int64_t c = 0; c < chunks->count; c++) {
        double factor = factor_between(chunks->max[c], suspect->max);
        for (int d = 0; d < dims && factor > 0; d++)
            effect[d] += factor * chunks->out[c * dims + d] / chunks->sum[c];
    }
    struct epsilon_fit *fits = suspect->epsilons + EPSILON_FIRST_CHUNKED + 2 * level;
    fits[1] = fit_epsilon(suspect, effect);
    for (int d = 0; d < dims; d++)
        effect[d] += suspect->truth[d];
    fits[0] = fit_epsilon(suspect, effect);
}

enum error_kind hypothesis_chunk(struct suspect *suspect, struct error *error)
{
    int dims = suspect->problem->head_dim;
    struct key_chunks chunks;
    if (suspect->visible == 0 || suspect->by_lse)
        return ERROR_NONE;
    enum error_kind kind = key_chunks_init(&chunks, suspect, error);
    if (kind)
        goto out;
    fit_epsilon_of_row(suspect);
    for (int level = 0; level < SUSPECT_CHUNK_LENS; level++) {
        fit_epsilons_of_chunks(suspect, &chunks, level);
        sort_chunks(&chunks);
        if (suspect->fails && !suspect_is_settled(suspect))
            offer_merges(suspect, &chunks);
        if (suspect->fails && !suspect_lse_rose(suspect) &&
            (!suspect_is_settled(suspect) || suspect->best.signature == SIGNATURE_DROPPED_KEYS)) {
            offer_one_missing(suspect, &chunks);
            offer_lightest_missing(suspect, &chunks);
        }
        key_chunks_double(&chunks, dims);
    }

out:
    key_chunks_clear(&chunks);
    return kind;
}
