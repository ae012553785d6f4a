#include "harness/judge/cause/copied_row.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *elements_of(const struct exhibit *exhibit, int row)
{
    const struct problem *problem = exhibit->problem;
    return (const char *)exhibit->output->out +
           (size_t)row * (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes;
}

/* Whether an out is right in a row, and would not be in the suspect's: another one by more than noise. */
static bool is_another(const struct suspect *suspect, const struct exhibit *exhibit, int row)
{
    const double *truth = exhibit->truth->value + (size_t)row * (size_t)exhibit->problem->head_dim;
    double squares = 0;
    for (int d = 0; d < exhibit->problem->head_dim; d++)
        squares += (truth[d] - suspect->truth[d]) * (truth[d] - suspect->truth[d]);
    return sqrt(squares / exhibit->problem->head_dim) > 8 * suspect->noise;
}

/* The row that the suspect is a copy of, or -1. */
static int original_of(const struct suspect *suspect, const struct inquiry *inquiry)
{
    const struct exhibit *exhibit = inquiry->exhibit;
    const size_t size_bytes = (size_t)exhibit->problem->head_dim * dtypes[exhibit->problem->dtype].size_bytes;
    for (int row = 0; row < problem_rows(exhibit->problem); row++)
        if (row != suspect->of_row && (!exhibit->rows || exhibit->rows[row]) &&
            !memcmp(elements_of(exhibit, row), elements_of(exhibit, suspect->of_row), size_bytes) &&
            !inquiry_out_fails(inquiry, row) && is_another(suspect, exhibit, row))
            return row;
    return -1;
}

/* Whether all heads that share the suspect's KV head are wrong, and it is not the only one. */
static bool group_is_wrong(const struct suspect *suspect, const struct inquiry *inquiry)
{
    const struct problem *problem = suspect->whole;
    const int first = suspect->of_row - suspect->head;
    int heads = 0;
    for (int head = 0; head < problem->num_heads; head++)
        if (problem_kv_head(problem, head) == problem_kv_head(problem, suspect->head)) {
            heads++;
            if (!inquiry_out_fails(inquiry, first + head))
                return false;
        }
    return heads > 1;
}

void copied_row_hear(struct suspect *suspect, const struct inquiry *inquiry)
{
    const struct match *best = &suspect->best;
    if (!suspect->dots || suspect->by_lse || suspect->visible == 0)
        return;
    const int original = original_of(suspect, inquiry), heads = suspect->whole->num_heads;
    if (original < 0)
        return;
    bool lse_tells = best->confirmed && suspect_lse_is_off(suspect);
    bool is_better = best->rms > 1.25 * suspect->noise;
    bool is_as_good = best->signature == SIGNATURE_WRONG_KV_HEAD && !group_is_wrong(suspect, inquiry);
    if (best->signature != SIGNATURE_UNKNOWN && (lse_tells || (!is_better && !is_as_good)))
        return;
    suspect->is_seen = true;
    suspect->best = (struct match){.signature = SIGNATURE_UNKNOWN, .residual = NAN};
    suspect->num_matches = 0;
    if (problem_queries(suspect->whole) > 1)
        snprintf(
            suspect->remark, sizeof suspect->remark,
            "out is that of head %d of query %d, bit for bit: the row may be copied, or written to another's place",
            original % heads, original / heads);
    else
        snprintf(suspect->remark, sizeof suspect->remark,
                 "out is that of head %d, bit for bit: the row may be copied, or written to another's place", original);
}
