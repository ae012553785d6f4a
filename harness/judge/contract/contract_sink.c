/* A weight that no key has. */
#include <math.h>

#include "harness/judge/contract/contract_makers.h"

/* A weight that no key has, the same logit in every row: out is a share of what it should be, which says how large. */
bool contract_fit_sink(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    struct contract_screen *screen = clue->screen;
    const struct problem *problem = &trial->problem;
    double lse = contract_screen_attend(screen, problem, clue->row), along = 0, square = 0;
    size_t dim = (size_t)screen->dim;
    (void)variant;
    dtype_widen(problem->dtype, trial->output.out, (size_t)clue->row * (size_t)problem->head_dim, dim, screen->row);
    for (size_t d = 0; d < dim; d++) {
        along += (double)screen->row[d] * screen->sums[d];
        square += screen->sums[d] * screen->sums[d];
    }
    double share = along / square, sink = lse + log(1 / share - 1);
    float *sinks =
        problem->sink_logits || !isfinite(sink) || !isfinite((float)sink) ? NULL : contract_own_slopes(trial);
    if (!sinks)
        return false;
    trial->problem.slopes = trial->before.slopes; /* the copy is for sinks */
    for (int h = 0; h < problem->num_heads; h++)
        sinks[h] = (float)sink;
    trial->problem.sink_logits = sinks;
    return contract_say(trial, "a sink of %.6g in every row: a weight that no key has", sink);
}
