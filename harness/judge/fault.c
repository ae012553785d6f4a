#include "harness/judge/fault.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "reference/computing_environment.h"

const char *const fault_side_names[FAULT_SIDE_COUNT] = {
    [FAULT_KERNEL] = "kernel",
    [FAULT_REFERENCE] = "reference",
    [FAULT_BOTH] = "both",
};

/* ---- finding --------------------------------------------------------------------------------------------------- */

/* A reference has more bits than the kernel's output, and may hold what is infinite there. */
static bool equal(double kernel, enum dtype dtype, double reference)
{
    return kernel == reference || (isinf(kernel) && rounds_to_non_finite(kernel, dtype, reference));
}

static bool disagree(double kernel, enum dtype dtype, double reference, double truth, const struct tolerance *tolerance)
{
    if (isnan(truth) && isnan(kernel) && isnan(reference))
        return false;
    double err = fabs(kernel - reference);
    /* An infinite difference is one, however large rtol * |reference|. */
    return !equal(kernel, dtype, reference) &&
           !(isfinite(err) && err <= tolerance->atol + tolerance->rtol * fabs(reference));
}

static bool beyond_half(const struct comparison *side, double truth, const struct tolerance *tolerance)
{
    if (side->mismatched || !isfinite(truth))
        return side->mismatched;
    return !(side->err <= (tolerance->atol + tolerance->rtol * fabs(truth)) / 2);
}

static enum fault_side attribute(const struct comparison *kernel, const struct comparison *reference, double truth,
                                 const struct tolerance *tolerance)
{
    bool by_kernel = beyond_half(kernel, truth, tolerance), by_reference = beyond_half(reference, truth, tolerance);
    if (!by_kernel && !by_reference) {
        by_kernel = kernel->err >= reference->err;
        by_reference = reference->err >= kernel->err;
    }
    return by_kernel && by_reference ? FAULT_BOTH : by_kernel ? FAULT_KERNEL : FAULT_REFERENCE;
}

static void count(struct fault_tally *tally, enum fault_side side)
{
    tally->mismatched++;
    tally->at_fault[side]++;
}

/* The reference's own error enters; worst_is_nan stays true from the first NaN on. */
static void tally_reference(struct fault *fault, bool *worst_is_nan, const struct comparison *reference, size_t index)
{
    double *maximum = &fault->truth.max_abs_err;
    fault->truth.mismatched += reference->mismatched;
    fault->truth.undecided += reference->undecided;
    if (!*worst_is_nan && !(fault->truth.worst >= 0 && reference->err <= *maximum))
        fault->truth.worst = (int64_t)index;
    *worst_is_nan |= isnan(reference->err);
    *maximum = fmax(*maximum, reference->err);
}

/* |a - b|, 0 where both are NaN or the same infinity. */
static double lse_distance(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) ? 0 : fabs(a - b);
}

/* The larger one; NaN if either is. */
static double larger(double a, double b)
{
    return isnan(a) || isnan(b) ? NAN : fmax(a, b);
}

enum error_kind fault_find(struct fault *fault, const struct exhibit *exhibit, const double *reference,
                           const double *reference_lse, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    const struct problem *problem = exhibit->problem;
    const struct output *output = exhibit->output;
    const struct truth *truth = exhibit->truth;
    const struct tolerance *tolerance = &exhibit->criterion.tolerance;
    size_t num_heads = (size_t)problem->num_heads, head_dim = (size_t)problem->head_dim;
    size_t num_rows = (size_t)problem_rows(problem);
    bool worst_is_nan = false;
    *fault = (struct fault){.num_heads = problem->num_heads, .head_dim = problem->head_dim, .truth.worst = -1};
    fault->heads = calloc(num_heads, sizeof *fault->heads);
    float *row = malloc(head_dim * sizeof *row);
    if (!fault->heads || !row) {
        fault_clear(fault);
        free(row);
        return error_memory(error, "comparing with a reference", (double)(num_heads * sizeof *fault->heads));
    }
    for (size_t r = 0; r < num_rows; r++) {
        if (exhibit->rows && !exhibit->rows[r])
            continue;
        fault->elements += (int64_t)head_dim;
        dtype_widen(problem->dtype, output->out, r * head_dim, head_dim, row);
        for (size_t d = 0; d < head_dim; d++) {
            size_t i = r * head_dim + d;
            struct comparison by_kernel = judge_element((double)row[d], problem->dtype, truth, i, tolerance);
            struct comparison by_reference = judge_element(reference[i], problem->dtype, truth, i, tolerance);
            tally_reference(fault, &worst_is_nan, &by_reference, i);
            if (!equal((double)row[d], problem->dtype, reference[i]))
                fault->max_abs_err = fmax(fault->max_abs_err, fabs((double)row[d] - reference[i]));
            if (disagree((double)row[d], problem->dtype, reference[i], truth->value[i], tolerance)) {
                enum fault_side side = attribute(&by_kernel, &by_reference, truth->value[i], tolerance);
                count(&fault->total, side);
                count(&fault->heads[r % num_heads], side);
            }
        }
        if (output->lse)
            fault->max_lse_err = larger(fault->max_lse_err, lse_distance((double)output->lse[r], reference_lse[r]));
        fault->truth.max_lse_err =
            larger(fault->truth.max_lse_err, judge_lse(reference_lse[r], truth, r, tolerance).err);
    }
    free(row);
    return ERROR_NONE;
}

void fault_clear(struct fault *fault)
{
    free(fault->heads);
    *fault = (struct fault){.num_heads = 0};
}

/* ---- telling --------------------------------------------------------------------------------------------------- */

/* "head 3", "heads 0-2, 5": those with a disagreement that is the side's fault, the first few runs of them. */
static void print_heads(FILE *stream, const struct fault *fault, enum fault_side side)
{
    enum { MAX_RUNS = 4 };
    int runs = 0, concerned = 0;
    for (int h = 0; h < fault->num_heads; h++)
        concerned += fault->heads[h].at_fault[side] > 0;
    fprintf(stream, concerned == 1 ? "head " : "heads ");
    for (int first = 0, last; first < fault->num_heads; first = last + 1) {
        last = first;
        if (fault->heads[first].at_fault[side] == 0)
            continue;
        while (last + 1 < fault->num_heads && fault->heads[last + 1].at_fault[side] > 0)
            last++;
        if (runs++ == MAX_RUNS) {
            fprintf(stream, ", ...");
            break;
        }
        fprintf(stream, "%s%d", runs > 1 ? ", " : "", first);
        if (last > first)
            fprintf(stream, "-%d", last);
    }
}

void fault_print(FILE *stream, const struct fault *fault, const char *const *names)
{
    long long elements = (long long)fault->elements;
    if (fault->total.mismatched == 0)
        fprintf(stream, "agrees, %.3g max", fault->max_abs_err);
    else
        fprintf(stream, "%lld/%lld differ, %.3g max", (long long)fault->total.mismatched, elements, fault->max_abs_err);
    const char *separator = ": ", *at_fault = " at fault";
    for (enum fault_side side = 0; side < FAULT_SIDE_COUNT; side++) {
        if (fault->total.at_fault[side] == 0)
            continue;
        fprintf(stream, "%s%s%s in %lld (", separator, names[side], at_fault, (long long)fault->total.at_fault[side]);
        print_heads(stream, fault, side);
        fprintf(stream, ")");
        separator = ", ";
        at_fault = "";
    }
    if (fault->truth.mismatched > 0)
        fprintf(stream, "; %s itself %lld/%lld wrong, %.3g max", names[FAULT_REFERENCE],
                (long long)fault->truth.mismatched, elements, fault->truth.max_abs_err);
    else if (fault->total.mismatched > 0)
        fprintf(stream, "; %s itself within tolerance, %.3g max", names[FAULT_REFERENCE], fault->truth.max_abs_err);
    if (fault->truth.undecided > 0)
        fprintf(stream, ", %lld undecided", (long long)fault->truth.undecided);
}
