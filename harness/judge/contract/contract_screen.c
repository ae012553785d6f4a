#include "harness/judge/contract/contract_screen.h"

#include <math.h>
#include <stdlib.h>

#include "reference/soft_cap.h"

enum error_kind contract_screen_init(struct contract_screen *screen, const struct problem *problem, struct error *error)
{
    size_t keys = (size_t)problem->seq_len + 1, dim = (size_t)problem->head_dim;
    *screen = (struct contract_screen){
        .logits = malloc(keys * sizeof(double)),
        .sums = malloc(2 * dim * sizeof(double)),
        .row = malloc(dim * sizeof(float)),
    };
    if (screen->logits && screen->sums && screen->row) {
        screen->query = screen->sums + dim;
        return ERROR_NONE;
    }
    contract_screen_clear(screen);
    return error_memory(error, "a row under another contract", (double)keys * sizeof(double));
}

void contract_screen_clear(struct contract_screen *screen)
{
    free(screen->logits);
    free(screen->sums);
    free(screen->row);
    *screen = (struct contract_screen){.logits = NULL};
}

static double attend(struct contract_screen *screen, const struct problem *problem, int head)
{
    size_t dim = (size_t)problem->head_dim;
    int kv_head = problem_kv_head(problem, head);
    double scale = problem_logit_scale(problem), slope = (double)problem->slopes[head], sum = 0,
           max = problem->sink_logits ? (double)problem->sink_logits[head] : -INFINITY;
    dtype_widen(problem->dtype, problem->q, (size_t)head * dim, dim, screen->row);
    for (size_t d = 0; d < dim; d++) {
        screen->query[d] = (double)screen->row[d];
        screen->sums[d] = 0;
    }
    for (int64_t key = 0; key < problem->seq_len; key++) {
        double product = 0;
        screen->logits[key] = -INFINITY;
        if (!problem_visible(problem, key))
            continue;
        dtype_widen(problem_kv_dtype(problem), problem->k, problem_row(problem, key, kv_head), dim, screen->row);
        for (size_t d = 0; d < dim; d++)
            product += screen->query[d] * (double)screen->row[d];
        screen->logits[key] = problem_logit(problem, scale * product, slope * (double)problem_distance(problem, key));
        max = fmax(max, screen->logits[key]);
    }
    if (max == -INFINITY)
        return max;
    if (problem->sink_logits)
        sum = exp((double)problem->sink_logits[head] - max);
    for (int64_t key = 0; key < problem->seq_len; key++) {
        double weight = exp(screen->logits[key] - max);
        if (!(weight > 0))
            continue;
        sum += weight;
        dtype_widen(problem_kv_dtype(problem), problem->v, problem_row(problem, key, kv_head), dim, screen->row);
        for (size_t d = 0; d < dim; d++)
            screen->sums[d] += weight * (double)screen->row[d];
    }
    for (size_t d = 0; d < dim; d++)
        screen->sums[d] *= problem_value_scale(problem) / sum;
    return max + log(sum);
}

double contract_screen_attend(struct contract_screen *screen, const struct problem *problem, int row)
{
    const struct problem one = problem_query(problem, row / problem->num_heads);
    return attend(screen, &one, row % problem->num_heads);
}

double contract_screen_squares(const struct contract_screen *screen, const struct contract_trial *trial, int row,
                               double factor)
{
    size_t dim = (size_t)trial->problem.head_dim;
    double squares = 0;
    dtype_widen(trial->problem.dtype, trial->output.out, (size_t)row * dim, dim, screen->row);
    for (size_t d = 0; d < dim; d++) {
        double off = (double)screen->row[d] - screen->sums[d] * factor;
        squares += off * off;
    }
    return squares;
}

bool contract_screen_row(struct contract_screen *screen, const struct contract_trial *trial, int row)
{
    const struct problem *problem = &trial->problem;
    const struct truth *truth = trial->stated->truth;
    size_t dim = (size_t)problem->head_dim, first = (size_t)row * dim;
    double lse = contract_screen_attend(screen, problem, row);
    double of_trial = contract_screen_squares(screen, trial, row, 1), of_stated = 0, noise = 0;
    for (size_t d = 0; d < dim; d++) {
        float stated;
        dtype_widen(problem->dtype, trial->stated->output->out, first + d, 1, &stated);
        double before = (double)stated - truth->value[first + d];
        double ulp = isfinite(screen->sums[d]) ? dtype_ulp(problem->dtype, screen->sums[d]) : INFINITY;
        of_stated += before * before;
        noise += 4 * ulp * ulp;
    }
    if (trial->output.lse && trial->stated->output->lse) {
        double off = fabs((double)trial->output.lse[row] - lse),
               before = fabs((double)trial->stated->output->lse[row] - truth->lse[row]);
        if (!(off <= before / 8 || off <= 0x1p-8 + 0x1p-20 * fabs(lse) || off == 0))
            return false;
    }
    return isfinite(of_trial) && (of_trial <= of_stated / 64 || of_trial <= noise);
}
