#include "harness/judge/cause/keys_that_move.h"

#include <math.h>

/* rms of v_j - truth */
static double value_away(struct suspect *suspect, int64_t key)
{
    const int dims = suspect->problem->head_dim;
    const double scale = problem_value_scale(suspect->problem);
    double squares = 0;
    suspect_read_value(suspect, key, dims);
    for (int d = 0; d < dims; d++) {
        const double away = scale * (double)suspect->row[d] - suspect->truth[d];
        squares += away * away;
    }
    return sqrt(squares / dims);
}

int keys_that_move(struct suspect *suspect, double lse, double least, int enough)
{
    int count = 0;
    for (int64_t j = 0; j < suspect->problem->seq_len && count < enough; j++) {
        if (!suspect_visible(suspect, j))
            continue;
        const double exact = exp(suspect_logit(suspect, j) - suspect->truth_lse);
        count += fabs(exp(suspect->logits[j] - lse) - exact) * value_away(suspect, j) > least;
    }
    return count;
}
