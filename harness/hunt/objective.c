#include "harness/hunt/objective.h"

#include <math.h>
#include <stdlib.h>

#include "harness/judge/class/class_rounding.h"

/* The larger one; a NaN is nothing. */
static double larger(double a, double b)
{
    return b > a ? b : a;
}

static double lse_of(const struct evaluation *evaluation, size_t row)
{
    return (double)evaluation->judged.output.lse[row];
}

/* ---- error / bound ----------------------------------------------------------------------------------------------- */

static enum error_kind budget_value(double *value, const struct evaluator *evaluator, const struct point *point,
                                    const struct evaluation *evaluation, struct error *error)
{
    const struct metrics *total = &evaluation->judged.verdict.total;
    (void)evaluator, (void)point, (void)error;
    *value = larger(larger(0, total->budget_used), total->lse_unknown ? 0 : total->lse_budget_used);
    return ERROR_NONE;
}

/* ---- error / tolerance ------------------------------------------------------------------------------------------- */

static double share(double err, double allowed)
{
    return err == 0 ? 0 : err / allowed;
}

static enum error_kind tolerance_value(double *value, const struct evaluator *evaluator, const struct point *point,
                                       const struct evaluation *evaluation, struct error *error)
{
    const struct tolerance *tolerance = &point->criterion.tolerance;
    const struct truth *truth = &evaluation->judged.truth;
    const struct problem *problem = &evaluation->judged.problem;
    size_t elements = (size_t)problem_elements(problem), rows = (size_t)problem_rows(problem);
    (void)evaluator, (void)error;
    *value = 0;
    for (size_t i = 0; i < elements; i++) {
        float output;
        dtype_widen(problem->dtype, evaluation->judged.output.out, i, 1, &output);
        struct comparison compared = judge_element((double)output, problem->dtype, truth, i, tolerance);
        *value = larger(*value, share(compared.err, tolerance->atol + tolerance->rtol * fabs(truth->value[i])));
    }
    for (size_t r = 0; r < rows && evaluation->judged.output.lse; r++) {
        struct comparison compared = judge_lse(lse_of(evaluation, r), truth, r, tolerance);
        *value = larger(*value, share(compared.err, tolerance_lse(tolerance, truth->lse[r])));
    }
    return ERROR_NONE;
}

/* ---- error / bound of a class ------------------------------------------------------------------------------------ */

/* The largest share of bounds that promise something. */
static double largest_share(const struct evaluation *evaluation, const double *bound, const double *lse_bound)
{
    const struct tolerance nothing = {0, 0, 0};
    const struct truth *truth = &evaluation->judged.truth;
    const struct problem *problem = &evaluation->judged.problem;
    size_t elements = (size_t)problem_elements(problem), rows = (size_t)problem_rows(problem);
    double largest = 0;
    for (size_t i = 0; i < elements; i++) {
        float output;
        dtype_widen(problem->dtype, evaluation->judged.output.out, i, 1, &output);
        struct comparison compared = judge_element((double)output, problem->dtype, truth, i, &nothing);
        if (isfinite(bound[i]))
            largest = larger(largest, share(compared.err, bound[i] + truth->radius[i]));
    }
    for (size_t r = 0; r < rows && evaluation->judged.output.lse; r++) {
        struct comparison compared = judge_lse(lse_of(evaluation, r), truth, r, &nothing);
        if (isfinite(lse_bound[r]))
            largest = larger(largest, share(compared.err, lse_bound[r] + truth->lse_radius[r]));
    }
    return largest;
}

static enum error_kind class_value(double *value, const struct evaluator *evaluator, const struct point *point,
                                   const struct evaluation *evaluation, struct error *error)
{
    const struct problem *problem = &evaluation->judged.problem;
    class_set set = point->demand.asked ? point->demand.arithmetic.set : CLASS_F32;
    const struct rounding_model model = class_rounding_model(set, problem);
    size_t elements = (size_t)problem_elements(problem), rows = (size_t)problem_rows(problem);
    double *bound = malloc((elements + rows) * sizeof *bound);
    *value = 0;
    if (!bound)
        return error_memory(error, "a class's bound", (double)(elements + rows) * sizeof *bound);
    enum error_kind kind = error_bounds(bound, bound + elements, &model, problem, &evaluation->judged.truth,
                                        evaluator->threads, evaluator->progress, error);
    if (!kind)
        *value = largest_share(evaluation, bound, bound + elements);
    free(bound);
    return kind;
}

/* ---- ulps -------------------------------------------------------------------------------------------------------- */

static enum error_kind ulp_value(double *value, const struct evaluator *evaluator, const struct point *point,
                                 const struct evaluation *evaluation, struct error *error)
{
    (void)evaluator, (void)point, (void)error;
    *value = larger(0, evaluation->judged.verdict.total.max_ulp_err);
    return ERROR_NONE;
}

const struct objective_info objectives[OBJECTIVE_COUNT] = {
    [OBJECTIVE_BUDGET] = {"budget", "error / error bound of the kernel's own roundings, of out and lse", budget_value},
    [OBJECTIVE_TOLERANCE] = {"tolerance", "error / tolerance, of out and lse", tolerance_value},
    [OBJECTIVE_CLASS] = {"class", "error / error bound of the class that the case asks for, or of f32", class_value},
    [OBJECTIVE_ULP] = {"ulp", "error of out in ulps of the truth", ulp_value},
};

const struct field objective_field = {
    .name = "objective", .type = FIELD_CHOICE, .names = FIELD_NAMES_OF(objectives, name, OBJECTIVE_COUNT)};

enum error_kind objective_value(double *value, enum objective objective, const struct evaluator *evaluator,
                                const struct point *point, const struct evaluation *evaluation, struct error *error)
{
    const struct metrics *total = &evaluation->judged.verdict.total;
    *value = INFINITY;
    if (total->nan + total->inf + total->unwritten > 0 || *evaluation->subject_failure)
        return ERROR_NONE;
    return objectives[objective].value(value, evaluator, point, evaluation, error);
}
