/* Section "What is left out, and covered" of error_bound.md. */
#include "reference/key_scores.h"

#include <stdlib.h>
#include <string.h>

#include "reference/key_rows.h"
#include "reference/soft_cap.h"

/* Keys whose probabilities add up to less than e^-LN_TAIL enter as a whole. */
#define LN_TAIL 32.0

enum error_kind key_scores_init(struct key_scores *scores, const struct problem *problem, bool keep,
                                struct error *error)
{
    size_t keys = key_scores_room(problem), dim = (size_t)problem->head_dim;
    *scores = (struct key_scores){
        .logits = malloc(2 * keys * sizeof(double)),
        .query = malloc(dim * sizeof(double)),
        .row = malloc(dim * sizeof(float)),
        .dots = keep ? malloc(keys * sizeof(struct logit_dot)) : NULL,
        .of_query = keep ? malloc(dim * sizeof(double)) : NULL,
        .of_kv_head = -1,
    };
    if (!scores->logits || !scores->query || !scores->row || (keep && (!scores->dots || !scores->of_query))) {
        key_scores_clear(scores);
        return error_memory(error, "the error bound of a head", (double)keys * 4 * sizeof(double));
    }
    scores->absolute = scores->logits + keys;
    return ERROR_NONE;
}

void key_scores_clear(struct key_scores *scores)
{
    free(scores->logits);
    free(scores->query);
    free(scores->row);
    free(scores->dots);
    free(scores->of_query);
    *scores = (struct key_scores){0};
}

/* Logarithm of the number of equal terms that bound sum_{j < low} exp(bias_j), each as large as the newest of them: a
 * geometric series, or all of them where biases are rounded and only known to grow with j. */
static double ln_terms_below(const struct logit_terms *terms, int64_t low)
{
    if (!(terms->slope > 0))
        return INFINITY;
    bool exact = terms->of == TRUTH_OF_INPUTS || terms->of == TRUTH_OF_FORMULA;
    return 0.6932 * (ilogb(exact ? 1 + 1 / terms->slope : (double)low) + 1);
}

/* Begins with products of the head's query: those that are kept, if they are of it. */
static void begin_dots(struct key_scores *scores, const struct logit_terms *terms)
{
    size_t bytes = (size_t)terms->problem->head_dim * sizeof *scores->query;
    int64_t keys = terms->problem->seq_len;
    if (!scores->dots || (scores->of_kv_head == terms->kv_head && scores->dots_len == keys &&
                          !memcmp(scores->of_query, scores->query, bytes)))
        return;
    memcpy(scores->of_query, scores->query, bytes);
    scores->of_kv_head = terms->kv_head;
    scores->dots_low = scores->dots_len = keys;
}

/* Keys are asked for from the newest down. */
static struct logit_dot dot_of(struct key_scores *scores, const struct logit_terms *terms, int64_t key)
{
    if (!scores->dots)
        return logit_dot(terms, key, scores->row);
    for (; scores->dots_low > key; scores->dots_low--)
        scores->dots[scores->dots_low - 1].sum = NAN;
    if (isnan(scores->dots[key].sum))
        scores->dots[key] = logit_dot(terms, key, scores->row);
    return scores->dots[key];
}

int64_t key_scores_fill(struct key_scores *scores, const struct rounding_model *model,
                        const struct most_roundings *most, double lse, const struct tensor_bounds *bounds,
                        const struct logit_terms *terms, double *max)
{
    const struct problem *problem = terms->problem;
    int dim = problem->head_dim;
    const float *k_bounds = bounds->k + (size_t)terms->kv_head * (size_t)dim;
    double reach = 0;
    begin_dots(scores, terms);
    for (int d = 0; d < dim; d++)
        reach += fabs(scores->query[d]) * (double)k_bounds[d];
    reach = logit_absolute(model, terms, reach);

    *max = -INFINITY;
    int64_t low = problem->seq_len;
    bool saturates = problem->soft_cap == SOFT_CAP_AFTER_BIAS; /* no key is lighter than e^-2C of another */
    while (low > 0) {
        double bias = logit_bias(terms, low - 1);
        bool dropped = bias == -INFINITY; /* which says nothing of older keys: it may be on the query's other side */
        double tail = bias + problem_reach(problem, reach) - lse + ln_terms_below(terms, low);
        if (!dropped && !saturates && tail < -LN_TAIL) {
            double unseen = logit_error_unseen(model, terms, low - 1, bias, reach, lse, most->rescales) +
                            most->additions + model->weight;
            if (tail + unseen < -LN_TAIL)
                break;
        }
        low--;
        if (dropped)
            scores->logits[low] = -INFINITY;
        if ((!scores->dots || low < scores->dots_low) && (low + 1) % KEY_ROWS == 0)
            key_rows_fetch(problem, problem->k, terms->kv_head, low + 1 - KEY_ROWS);
        if (dropped || !problem_visible(problem, low))
            continue;
        struct logit_dot dot = dot_of(scores, terms, low);
        scores->logits[low] = problem_logit(problem, dot.sum * terms->scale, bias);
        scores->absolute[low] = logit_absolute(model, terms, dot.absolute);
        *max = fmax(*max, scores->logits[low]);
    }
    return low;
}
