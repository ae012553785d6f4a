#include "harness/judge/verdict.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "harness/judge/poison.h"
#include "reference/computing_environment.h"

/* What rounding took from sum = a + b, exactly (Knuth's TwoSum; no operand order required). */
static double lost_in_sum(double a, double b, double sum)
{
    double b_in_sum = sum - a;
    return (a - (sum - b_in_sum)) + (b - b_in_sum);
}

/* What IEEE arithmetic gives is what the kernel gave. The tail is not looked at: where it decides, the exact result is
 * within 2^-53 of itself of the middle between the largest finite number and the next one, and either is as good a
 * rounding. */
bool rounds_to_non_finite(double output, enum dtype dtype, double value)
{
    if (isnan(output))
        return isnan(value);
    return isinf(output) && signbit(output) == signbit(value) && fabs(value) >= dtype_overflow(dtype);
}

/*
 * |(output - value) - tail| in double, and in *lost a bound on what its two subtractions rounded off.
 *
 * At most 2^-51 of the result: if value / 2 <= output <= 2 value the first subtraction is exact (Sterbenz) and the
 * second loses 2^-53 of the result. Otherwise |output - value| >= |value| / 2 >= 2^52 |tail|, so the result is the
 * first difference but for 2^-52 of it, and each subtraction loses 2^-53. Subtraction does not underflow.
 */
static double distance(double output, double value, double tail, double *lost)
{
    double difference = output - value;
    double rest = difference - tail;
    *lost = fabs(lost_in_sum(output, -value, difference)) + fabs(lost_in_sum(difference, -tail, rest));
    return fabs(rest);
}

/*
 * e <= atol + rtol * |truth|, and whether the truth's radius or rounding leaves that open.
 *
 * With t the exact truth, |t - (value + tail)| <= radius, the computed e and limit are off by at most
 *     e:      radius + what the two subtractions lost
 *     limit:  rtol * (radius + |tail|) + what the product and the sum lost,
 * each loss known exactly by an error-free transformation, except where the product's own loss underflows (2^-1074
 * covers it). The slack is the sum, raised by 2^-50 for its own few roundings. Where all is exact it is 0 and a tie is
 * decided: it passes.
 */
static struct comparison compare(double output, enum dtype dtype, double value, double tail, double radius,
                                 const struct tolerance *tolerance)
{
    if (rounds_to_non_finite(output, dtype, value))
        return (struct comparison){.err = 0};
    if (!isfinite(output) || !isfinite(value))
        return (struct comparison){.err = fabs(output - value), .mismatched = true};

    double err_lost;
    double err = distance(output, value, tail, &err_lost);
    double product = tolerance->rtol * fabs(value);
    double limit = tolerance->atol + product;
    struct comparison comparison = {.err = err, .mismatched = !(err <= limit)};
    if (isinf(limit))
        return comparison;

    double product_lost = fabs(fma(tolerance->rtol, fabs(value), -product));
    if (product < 0x1p-968 && tolerance->rtol > 0 && value != 0)
        product_lost += 0x1p-1074;
    double limit_lost = product_lost + fabs(lost_in_sum(tolerance->atol, product, limit));
    double slack = (radius + err_lost + limit_lost + tolerance->rtol * (radius + fabs(tail))) * (1 + 0x1p-50);
    comparison.undecided = slack > 0 && fabs(err - limit) <= slack;
    return comparison;
}

struct comparison judge_element(double output, enum dtype dtype, const struct truth *truth, size_t index,
                                const struct tolerance *tolerance)
{
    return compare(output, dtype, truth->value[index], truth->tail[index], truth->radius[index], tolerance);
}

static struct comparison compare_lse(double lse, const struct truth *truth, size_t row, double atol, double rtol)
{
    const struct tolerance tolerance = {.atol = atol, .rtol = rtol};
    return compare(lse, DTYPE_F32, truth->lse[row], truth->lse_tail[row], truth->lse_radius[row], &tolerance);
}

struct comparison judge_lse(double lse, const struct truth *truth, size_t row, const struct tolerance *tolerance)
{
    return compare_lse(lse, truth, row, tolerance->lse, TOLERANCE_LSE_ROUNDING);
}

/* Metrics in the making, of a row or of all. */
struct tally {
    struct metrics metrics;
    double sum_squares; /* over the elements whose e is a number */
    int64_t numbers;
    bool nan_seen; /* worst is a NaN and stays */
};

static const struct tally tally_empty = {.metrics = {.worst = -1, .budget_used = NAN, .lse_budget_used = NAN}};

/* An element as it enters the tallies. */
struct element {
    int64_t index;
    double output, truth, magnitude;
    struct comparison comparison;
    double err_ulp;
    double bound;        /* of the error, the truth's radius included; NaN: not known */
    double budget_share; /* NaN: no finite bound */
    bool unwritten;
};

static void raise_to(double *maximum, double value)
{
    if (value > *maximum)
        *maximum = value;
}

static void tally_element(struct tally *tally, const struct element *element)
{
    struct metrics *metrics = &tally->metrics;
    double err = element->comparison.err;
    bool same = err == 0;

    metrics->elements++;
    metrics->mismatched += element->comparison.mismatched;
    metrics->undecided += element->comparison.undecided;
    metrics->surely_off += element->comparison.mismatched && !element->comparison.undecided;
    metrics->nan += isnan(element->output) && !same;
    metrics->inf += isinf(element->output) && !same;
    metrics->unwritten += element->unwritten;
    metrics->unbounded += isinf(element->bound);
    if (isnan(metrics->budget_used) || element->budget_share > metrics->budget_used)
        metrics->budget_used = element->budget_share;
    if (isnan(err)) {
        if (!tally->nan_seen)
            metrics->worst = element->index;
        tally->nan_seen = true;
        return;
    }
    if (!tally->nan_seen && (metrics->worst < 0 || err > metrics->max_abs_err))
        metrics->worst = element->index;
    raise_to(&metrics->max_abs_err, err);
    raise_to(&metrics->max_ulp_err, element->err_ulp);
    if (isfinite(element->truth) && element->truth != 0)
        raise_to(&metrics->max_rel_err, err / fabs(element->truth));
    if (isfinite(element->magnitude) && err > 0)
        raise_to(&metrics->max_scaled_err, err / element->magnitude);
    tally->sum_squares += err * err; /* at most (2 * 2^128)^2: no overflow */
    tally->numbers++;
}

/* A row's lse as it enters the tallies. */
struct row_lse {
    struct comparison comparison;
    bool relatively_off; /* outside the tolerance of elements */
    double bound;        /* as an element's */
    double budget_share;
};

static void tally_lse(struct tally *tally, const struct row_lse *lse)
{
    struct metrics *metrics = &tally->metrics;
    metrics->lse_mismatched += lse->relatively_off;
    metrics->lse_off += lse->comparison.mismatched;
    metrics->undecided += lse->comparison.undecided;
    metrics->surely_off += lse->comparison.mismatched && !lse->comparison.undecided;
    metrics->lse_unbounded += isinf(lse->bound);
    if (isnan(metrics->lse_budget_used) || lse->budget_share > metrics->lse_budget_used)
        metrics->lse_budget_used = lse->budget_share;
    if (isnan(lse->comparison.err))
        metrics->max_lse_err = NAN;
    else
        raise_to(&metrics->max_lse_err, lse->comparison.err); /* a NaN there stays */
}

/* Ascending, NaN last. */
static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

/* The smallest value with at least percent % of the values at or below it: the ceil(percent * count / 100)-th. */
static double percentile(const double *sorted, int64_t count, int percent)
{
    return sorted[(percent * count + 99) / 100 - 1];
}

/* err_ulp: those of the tally's elements, in any order; sorted here. */
static void tally_finish(struct tally *tally, double *err_ulp)
{
    struct metrics *metrics = &tally->metrics;
    qsort(err_ulp, (size_t)metrics->elements, sizeof *err_ulp, compare_doubles);
    metrics->p99_ulp_err = percentile(err_ulp, metrics->elements, 99);
    metrics->p50_ulp_err = percentile(err_ulp, metrics->elements, 50);
    metrics->rms_err = sqrt(tally->sum_squares / (double)tally->numbers);
    if (tally->numbers == 0)
        metrics->max_abs_err = metrics->max_ulp_err = metrics->max_rel_err = metrics->max_scaled_err = NAN;
}

static double err_in_ulp(double err, enum dtype dtype, double value)
{
    return err == 0 || !isfinite(value) ? err : err / dtype_ulp(dtype, value);
}

/* e / bound; 0 where both are 0, infinite for a NaN output, NaN where nothing is promised. */
static double budget_share(double err, double bound)
{
    if (!isfinite(bound))
        return NAN;
    if (isnan(err))
        return INFINITY;
    return err == 0 ? 0 : err / bound;
}

/* Elements of row r, whose errors in ulp go to err_ulp [D]. outputs: room for a row. */
static void tally_out(struct tally *of_row, struct tally *total, const struct exhibit *exhibit, size_t r,
                      float *outputs, double *err_ulp)
{
    const struct truth *truth = exhibit->truth;
    const enum dtype dtype = exhibit->problem->dtype;
    const void *out = exhibit->output->out;
    const size_t head_dim = (size_t)exhibit->problem->head_dim;
    dtype_widen(dtype, out, r * head_dim, head_dim, outputs);
    for (size_t d = 0; d < head_dim; d++) {
        size_t i = r * head_dim + d;
        struct element element = {
            .index = (int64_t)i,
            .output = outputs[d],
            .truth = truth->value[i],
            .magnitude = truth->magnitude[i],
            .comparison = judge_element(outputs[d], dtype, truth, i, &exhibit->criterion.tolerance),
            .unwritten = poison_is_at(dtype, out, i),
        };
        element.bound = exhibit->bound ? exhibit->bound[i] + truth->radius[i] : NAN;
        element.budget_share = budget_share(element.comparison.err, element.bound);
        err_ulp[d] = element.err_ulp = err_in_ulp(element.comparison.err, dtype, truth->value[i]);
        tally_element(of_row, &element);
        tally_element(total, &element);
    }
}

static void tally_lse_of_row(struct tally *of_row, struct tally *total, const struct exhibit *exhibit, size_t r)
{
    const struct truth *truth = exhibit->truth;
    const struct tolerance *tolerance = &exhibit->criterion.tolerance;
    const float given = exhibit->output->lse[r];
    struct row_lse lse = {
        .comparison = judge_lse(given, truth, r, tolerance),
        .relatively_off = compare_lse(given, truth, r, tolerance->atol, tolerance->rtol).mismatched,
        .bound = exhibit->lse_bound ? exhibit->lse_bound[r] + truth->lse_radius[r] : NAN,
    };
    lse.budget_share = budget_share(lse.comparison.err, lse.bound);
    tally_lse(of_row, &lse);
    tally_lse(total, &lse);
}

enum error_kind verdict_reach(struct verdict *verdict, const struct exhibit *exhibit, struct error *error)
{
    const struct problem *problem = exhibit->problem;
    size_t num_rows = (size_t)problem_rows(problem), head_dim = (size_t)problem->head_dim;
    size_t elements = num_rows * head_dim;
    enum error_kind kind = ERROR_NONE;
    COMPUTING_ENVIRONMENT();
    *verdict = (struct verdict){.num_rows = problem_rows(problem)};
    verdict->rows = calloc(num_rows, sizeof *verdict->rows);
    double *err_ulp = malloc(elements * sizeof *err_ulp);
    float *row = malloc(head_dim * sizeof *row);
    if (!verdict->rows || !err_ulp || !row) {
        kind = error_memory(error, "judging", (double)(elements * sizeof *err_ulp));
        verdict_clear(verdict);
        goto out;
    }

    struct tally total = tally_empty;
    double *end = err_ulp; /* of the rows so far */
    for (size_t r = 0; r < num_rows; r++) {
        struct tally of_row = tally_empty;
        if (exhibit->rows && !exhibit->rows[r]) {
            verdict->rows[r] = of_row.metrics;
            continue;
        }
        tally_out(&of_row, &total, exhibit, r, row, end);
        if (exhibit->output->lse)
            tally_lse_of_row(&of_row, &total, exhibit, r);
        of_row.metrics.lse_unknown = !exhibit->output->lse;
        tally_finish(&of_row, end);
        end += head_dim;
        verdict->rows[r] = of_row.metrics;
    }
    tally_finish(&total, err_ulp);
    verdict->total = total.metrics;
    verdict->total.lse_unknown = !exhibit->output->lse;

out:
    free(row);
    free(err_ulp);
    return kind;
}

void verdict_clear(struct verdict *verdict)
{
    free(verdict->rows);
    *verdict = (struct verdict){.num_rows = 0};
}
