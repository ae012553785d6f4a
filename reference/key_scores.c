/* Section "What is left out, and covered" of error_bound.md. */
#include "reference/key_scores.h"

#include <stdlib.h>

#include "reference/soft_cap.h"

/* Keys whose probabilities add up to less than e^-LN_TAIL enter as a whole. */
#define LN_TAIL 32.0

enum error_kind key_scores_init(struct key_scores *scores, const struct problem *problem, struct error *error)
{
    size_t keys = (size_t)problem->seq_len, dim = (size_t)problem->head_dim;
    *scores = (struct key_scores){
        .logits = malloc((2 * keys + 1) * sizeof(double)), /* of no keys too: malloc(0) may be NULL */
        .query = malloc(dim * sizeof(double)),
        .row = malloc(dim * sizeof(float)),
    };
    if (!scores->logits || !scores->query || !scores->row) {
        key_scores_clear(scores);
        return error_memory(error, "the error bound of a head", (double)keys * 2 * sizeof(double));
    }
    scores->absolute = scores->logits + keys;
    return ERROR_NONE;
}

void key_scores_clear(struct key_scores *scores)
{
    free(scores->logits);
    free(scores->query);
    free(scores->row);
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

int64_t key_scores_fill(struct key_scores *scores, const struct rounding_model *model,
                        const struct most_roundings *most, double lse, const struct tensor_bounds *bounds,
                        const struct logit_terms *terms, double *max)
{
    const struct problem *problem = terms->problem;
    int dim = problem->head_dim;
    const float *k_bounds = bounds->k + (size_t)terms->kv_head * (size_t)dim;
    double reach = 0;
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
        if (dropped || !problem_visible(problem, low))
            continue;
        struct logit_dot dot = logit_dot(terms, low, scores->row);
        scores->logits[low] = problem_logit(problem, dot.sum * terms->scale, bias);
        scores->absolute[low] = logit_absolute(model, terms, dot.absolute);
        *max = fmax(*max, scores->logits[low]);
    }
    return low;
}
