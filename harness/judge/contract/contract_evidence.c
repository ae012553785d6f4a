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

/* What a set of roundings may be off by, of an exhibit's elements and lse. */
struct allowed {
    double *out, *lse; /* [R, D], [R] */
};

static void allowed_clear(struct allowed *allowed)
{
    free(allowed->out);
    free(allowed->lse);
}

static enum error_kind allow(struct allowed *allowed, const struct exhibit *exhibit, class_set set, int threads,
                             struct progress *progress, struct error *error)
{
    const struct problem *problem = exhibit->problem;
    const struct rounding_model model = class_rounding_model(set, problem);
    size_t elements = (size_t)problem_elements(problem), rows = (size_t)problem_rows(problem);
    *allowed = (struct allowed){malloc(elements * sizeof(double)), malloc(rows * sizeof(double))};
    if (!allowed->out || !allowed->lse)
        return error_memory(error, "bounds", (double)elements * sizeof(double));
    return error_bounds(allowed->out, allowed->lse, &model, problem, exhibit->truth, threads, progress, error);
}

enum error_kind contract_count_off(struct contract_off *off, const struct exhibit *exhibit, class_set set, int threads,
                                   struct progress *progress, struct error *error)
{
    struct allowed allowed;
    enum error_kind kind = allow(&allowed, exhibit, set, threads, progress, error);
    for (size_t row = 0; row < (size_t)problem_rows(exhibit->problem) && !kind; row++) {
        int64_t of_row = elements_off(exhibit, allowed.out, row);
        off->elements += of_row;
        off->rows += of_row > 0;
        off->lses += lse_off(exhibit, allowed.lse, row);
    }
    allowed_clear(&allowed);
    return kind;
}

bool contract_is_enough(const struct contract_off *off)
{
    return (off->elements >= EVIDENCE_ELEMENTS && off->rows >= EVIDENCE_ROWS) || off->lses >= EVIDENCE_ROWS;
}

/* What an output that is read otherwise has more. */
static double change(double was, double is)
{
    return was == is || (isnan(was) && isnan(is)) ? 0 : is - was;
}

/* Two exact numbers, of which each is known to a radius, further apart than is allowed; where nothing is, any are. */
static bool are_apart(double a, double b, double radii, double allowed)
{
    return a != b && !(fabs(a - b) <= allowed + radii) && !isinf(allowed);
}

enum error_kind contract_differs(bool *differs, const struct contract_trial *trial, const struct truth *truth,
                                 class_set set, int threads, struct progress *progress, struct error *error)
{
    const struct exhibit *stated = trial->stated;
    const struct truth *before = stated->truth;
    size_t elements = (size_t)problem_elements(stated->problem), rows = (size_t)problem_rows(stated->problem);
    struct allowed allowed;
    *differs = false;
    enum error_kind kind = allow(&allowed, stated, set, threads, progress, error);
    for (size_t i = 0; i < elements && !kind && !*differs; i++) {
        float was, is;
        dtype_widen(stated->problem->dtype, stated->output->out, i, 1, &was);
        dtype_widen(stated->problem->dtype, trial->output.out, i, 1, &is);
        *differs = are_apart(before->value[i] + before->tail[i] + change((double)was, (double)is),
                             truth->value[i] + truth->tail[i], before->radius[i] + truth->radius[i], allowed.out[i]);
    }
    for (size_t row = 0; row < rows && !kind && !*differs && stated->output->lse; row++)
        *differs =
            are_apart(before->lse[row] + change((double)stated->output->lse[row], (double)trial->output.lse[row]),
                      truth->lse[row], before->lse_radius[row] + truth->lse_radius[row], allowed.lse[row]);
    allowed_clear(&allowed);
    return kind;
}
