#include "harness/judge/contract/contract_evidence.h"

#include <math.h>
#include <stdlib.h>

enum { EVIDENCE_ELEMENTS = 64, EVIDENCE_ROWS = 2, EVIDENCE_FACTOR = 8 };

/* A row of nothing but 0 is what many mistakes leave of it. */
static bool row_is_zero(const struct exhibit *exhibit, size_t row)
{
    size_t dim = (size_t)exhibit->problem->head_dim;
    bool zero = true;
    for (size_t i = row * dim; i < (row + 1) * dim && zero; i++) {
        float out;
        dtype_widen(exhibit->problem->dtype, exhibit->output->out, i, 1, &out);
        zero = out == 0;
    }
    return zero;
}

/* Elements of a row that are off by so much. */
static int64_t elements_off(const struct exhibit *exhibit, const double *bound, size_t row)
{
    const struct problem *problem = exhibit->problem;
    const struct truth *truth = exhibit->truth;
    size_t dim = (size_t)problem->head_dim;
    int64_t count = 0;
    if (row_is_zero(exhibit, row))
        return 0;
    for (size_t i = row * dim; i < (row + 1) * dim; i++) {
        float out;
        dtype_widen(problem->dtype, exhibit->output->out, i, 1, &out);
        double off = fabs((double)out - truth->value[i] - truth->tail[i]);
        count += isnan(off) || off > EVIDENCE_FACTOR * (bound[i] + truth->radius[i]);
    }
    return count;
}

static bool lse_off(const struct exhibit *exhibit, const double *bound, size_t row)
{
    const struct truth *truth = exhibit->truth;
    double off = exhibit->output->lse ? fabs((double)exhibit->output->lse[row] - truth->lse[row]) : 0;
    return isnan(off) || off > EVIDENCE_FACTOR * (bound[row] + truth->lse_radius[row]);
}

enum error_kind contract_evidence(bool *enough, const struct exhibit *exhibit, class_set set, int threads,
                                  struct progress *progress, struct error *error)
{
    const struct problem *problem = exhibit->problem;
    const struct rounding_model model = class_rounding_model(set, problem);
    size_t elements = (size_t)problem_elements(problem), rows = (size_t)problem_rows(problem);
    double *bound = malloc(elements * sizeof *bound), *lse_bound = malloc(rows * sizeof *lse_bound);
    int64_t off = 0, rows_off = 0, lses_off = 0;
    enum error_kind kind =
        bound && lse_bound ? error_bounds(bound, lse_bound, &model, problem, exhibit->truth, threads, progress, error)
                           : error_memory(error, "bounds", (double)elements * sizeof *bound);
    for (size_t row = 0; row < rows && !kind; row++) {
        int64_t of_row = elements_off(exhibit, bound, row);
        off += of_row;
        rows_off += of_row > 0;
        lses_off += lse_off(exhibit, lse_bound, row);
    }
    *enough = !kind && ((off >= EVIDENCE_ELEMENTS && rows_off >= EVIDENCE_ROWS) || lses_off >= EVIDENCE_ROWS);
    free(bound);
    free(lse_bound);
    return kind;
}
