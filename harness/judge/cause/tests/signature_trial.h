/*
 * A problem, its truth and an output for the tests of signatures; attention broken in one way, in double precision and
 * from the formula alone, rounded to the dtype.
 */
#ifndef HARNESS_JUDGE_CAUSE_TESTS_SIGNATURE_TRIAL_H
#define HARNESS_JUDGE_CAUSE_TESTS_SIGNATURE_TRIAL_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/cause/signature.h"
#include "kernels/tests/made_problem.h"

/* A problem, its truth, and an output that starts out as the truth rounded. */
struct signature_trial {
    struct made_problem made;
    struct truth truth;
    struct output output;
    struct tolerance tolerance;
    double *bound;           /* [H, D]; NULL: judged by the tolerance */
    double *lse_bound;       /* [H]; NULL: none */
    bool judge_by_tolerance; /* though there is a bound */
    bool turned;             /* its elements have an order and signs that are not their own */
    bool is_rounding;        /* a class explains it */
    bool is_coarse;          /* but none of one rounding */
    const bool *rows;        /* [H], those that are judged; NULL: all */
    struct oracle_facts facts;
    struct signature_finding finding;
};

static inline void set_out(struct signature_trial *trial, int head, const double *out)
{
    size_t dim = (size_t)trial->made.problem.head_dim;
    for (size_t d = 0; d < dim; d++) {
        float element = (float)out[d];
        dtype_narrow(trial->made.problem.dtype, trial->output.out, (size_t)head * dim + d, 1, &element);
    }
}

static inline double out_at(const struct signature_trial *trial, int head, int dim)
{
    float element;
    size_t index = (size_t)head * (size_t)trial->made.problem.head_dim + (size_t)dim;
    dtype_widen(trial->made.problem.dtype, trial->output.out, index, 1, &element);
    return (double)element;
}

/* Takes the truth of the problem as it stands, under a contract other than the formula. */
static inline void begin_under(struct signature_trial *trial, enum truth_of truth_of)
{
    const struct problem *problem = &trial->made.problem;
    struct truth_contract contract = {.of = truth_of};
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1, .contract = &contract};
    struct error error;
    size_t elements = (size_t)problem_elements(problem);
    assert_int_equal(truth_init(&trial->truth, problem, &error), ERROR_NONE);
    assert_int_equal(truth_compute(&trial->truth, TRUTH_CERTIFIED, problem, &options, &error), ERROR_NONE);
    trial->output.out = malloc(elements * dtypes[problem->dtype].size_bytes);
    trial->output.lse = malloc((size_t)problem->num_heads * sizeof(float));
    assert_true(trial->output.out && trial->output.lse);
    for (int h = 0; h < problem->num_heads; h++) {
        set_out(trial, h, trial->truth.value + h * problem->head_dim);
        trial->output.lse[h] = (float)trial->truth.lse[h];
    }
    trial->tolerance = (struct tolerance){1e-3, 1e-3, 1e-3};
}

static inline void begin(struct signature_trial *trial)
{
    begin_under(trial, TRUTH_OF_INPUTS);
}

/* Of a kernel that gives none. */
static inline void forget_lse(struct signature_trial *trial)
{
    free(trial->output.lse);
    trial->output.lse = NULL;
}

static inline struct signature_trial make_trial(int64_t seq_len, int num_heads, int num_kv_heads, int head_dim,
                                                enum dtype dtype)
{
    return (struct signature_trial){.made = make_problem(seq_len, num_heads, num_kv_heads, head_dim, dtype)};
}

static inline void find(struct signature_trial *trial)
{
    const struct exhibit exhibit = {
        .problem = &trial->made.problem,
        .output = &trial->output,
        .truth = &trial->truth,
        .bound = trial->bound,
        .lse_bound = trial->lse_bound,
        .criterion = {trial->bound && !trial->judge_by_tolerance ? JUDGE_BUDGET : JUDGE_TOLERANCE, trial->tolerance, 1},
        .rows = trial->rows,
        .turned = trial->turned,
        .is_rounding = trial->is_rounding,
        .is_coarse = trial->is_coarse,
    };
    struct verdict verdict;
    struct error error;
    assert_int_equal(verdict_reach(&verdict, &exhibit, &error), ERROR_NONE);
    assert_int_equal(signature_find(&trial->finding, &exhibit, &verdict, &trial->facts, 1, &error), ERROR_NONE);
    verdict_clear(&verdict);
}

static inline void end(struct signature_trial *trial)
{
    free(trial->output.out);
    free(trial->output.lse);
    free(trial->bound);
    free(trial->lse_bound);
    truth_clear(&trial->truth);
    free_problem(&trial->made);
}

static inline void expect(struct signature_trial *trial, enum signature signature, const char *in_detail)
{
    find(trial);
    const struct signature_finding *finding = &trial->finding;
    if (finding->signature != signature || !strstr(finding->detail, in_detail))
        fail_msg("%s (\"%s\", residual %g, head %d) in place of %s (\"%s\")", signature_names[finding->signature],
                 finding->detail, finding->residual, finding->head, signature_names[signature], in_detail);
    if (signature != SIGNATURE_UNKNOWN && signature != SIGNATURE_NONE)
        assert_true(finding->num_rows_explained > 0 && finding->num_rows_explained <= finding->num_rows_examined &&
                    finding->num_rows_examined <= finding->num_rows_failing);
}

static inline void expect_and_end(struct signature_trial *trial, enum signature signature, const char *in_detail)
{
    expect(trial, signature, in_detail);
    end(trial);
}

/* ---- attention, broken ----------------------------------------------------------------------------------------- */

static inline double element(const void *tensor, enum dtype dtype, size_t index)
{
    float value;
    dtype_widen(dtype, tensor, index, 1, &value);
    return (double)value;
}

static inline double scaled_dot(const struct problem *problem, int head, int64_t key)
{
    size_t dim = (size_t)problem->head_dim, row = problem_row(problem, key, problem_kv_head(problem, head));
    double dot = 0;
    for (size_t d = 0; d < dim; d++)
        dot += element(problem->q, problem->dtype, (size_t)head * dim + d) *
               element(problem->k, problem_kv_dtype(problem), row + d);
    return problem_logit_scale(problem) * dot;
}

static inline double right_logit(const struct problem *problem, int head, int64_t key)
{
    return scaled_dot(problem, head, key) + (double)problem->slopes[head] * (double)problem_distance(problem, key);
}

/* The logit that a broken kernel gives a key, -INFINITY for none. */
typedef double logit_rule(const struct problem *problem, int head, int64_t key, double parameter);

/* Softmax of the rule's logits, its out[D] and lse; `slots` more keys have logit slot_logit and v = 0. */
static inline double attend_exactly(const struct problem *problem, int head, logit_rule *rule, double parameter,
                                    int slots, double slot_logit, double *out)
{
    int dims = problem->head_dim;
    double max = slots ? slot_logit : -INFINITY, sum = 0;
    double *logits = malloc((size_t)problem->seq_len * sizeof *logits);
    assert_non_null(logits);
    for (int64_t j = 0; j < problem->seq_len; j++) {
        logits[j] = rule(problem, head, j, parameter);
        max = fmax(max, logits[j]);
    }
    for (int d = 0; d < dims; d++)
        out[d] = 0;
    for (int64_t j = 0; j < problem->seq_len; j++) {
        double weight = logits[j] == -INFINITY ? 0 : exp(logits[j] - max);
        size_t row = problem_row(problem, j, problem_kv_head(problem, head));
        sum += weight;
        for (int d = 0; d < dims && weight > 0; d++)
            out[d] +=
                weight * problem_value_scale(problem) * element(problem->v, problem_kv_dtype(problem), row + (size_t)d);
    }
    sum += slots ? slots * exp(slot_logit - max) : 0;
    for (int d = 0; d < dims; d++)
        out[d] /= sum;
    free(logits);
    return max + log(sum);
}

/* The same as the trial's output. */
static inline void attend(struct signature_trial *trial, int head, logit_rule *rule, double parameter, int slots,
                          double slot_logit)
{
    double out[256];
    trial->output.lse[head] =
        (float)attend_exactly(&trial->made.problem, head, rule, parameter, slots, slot_logit, out);
    set_out(trial, head, out);
}

static inline void break_all(struct signature_trial *trial, logit_rule *rule, double parameter)
{
    for (int h = 0; h < trial->made.problem.num_heads; h++)
        attend(trial, h, rule, parameter, 0, 0);
}

/* out further off than its fault has it, a share of the error in signs of no order. */
static inline void leave(struct signature_trial *trial, double share)
{
    int dims = trial->made.problem.head_dim;
    for (int h = 0; h < trial->made.problem.num_heads; h++) {
        double out[256], squares = 0;
        for (int d = 0; d < dims; d++)
            squares += pow(out_at(trial, h, d) - trial->truth.value[h * dims + d], 2);
        for (int d = 0; d < dims; d++) {
            bool up = (uint32_t)(h * dims + d) * 2654435761u >> 30 & 1;
            out[d] = out_at(trial, h, d) + (up ? 1 : -1) * share * sqrt(squares / dims);
        }
        set_out(trial, h, out);
    }
}

static inline void leave_something(struct signature_trial *trial)
{
    leave(trial, 1.0 / 30);
}

static inline double visible_or_none(const struct problem *problem, int64_t key, double logit)
{
    return problem_visible(problem, key) ? logit : -INFINITY;
}

static inline double rule_right(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    return visible_or_none(problem, key, right_logit(problem, head, key));
}

/* The output is the exact result of another problem of that shape. */
static inline void answer_as_of(struct signature_trial *trial, const struct problem *other)
{
    double *out = malloc((size_t)other->head_dim * sizeof *out);
    assert_non_null(out);
    for (int h = 0; h < other->num_heads; h++) {
        trial->output.lse[h] = (float)attend_exactly(other, h, rule_right, 0, 0, 0, out);
        set_out(trial, h, out);
    }
    free(out);
}

static inline double rule_no_bias(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    return visible_or_none(problem, key, scaled_dot(problem, head, key));
}

/* The slope times a factor. */
static inline double rule_slope(const struct problem *problem, int head, int64_t key, double factor)
{
    double bias = factor * (double)problem->slopes[head] * (double)problem_distance(problem, key);
    return visible_or_none(problem, key, scaled_dot(problem, head, key) + bias);
}

/* The slope to a power: 2 is max_bias doubled. */
static inline double rule_slope_power(const struct problem *problem, int head, int64_t key, double power)
{
    double bias = pow((double)problem->slopes[head], power) * (double)problem_distance(problem, key);
    return visible_or_none(problem, key, scaled_dot(problem, head, key) + bias);
}

static inline double rule_slope_bf16(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    double bias = (double)dtype_round(DTYPE_BF16, problem->slopes[head]) * (double)problem_distance(problem, key);
    return visible_or_none(problem, key, scaled_dot(problem, head, key) + bias);
}

static inline double rule_top_left(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    return visible_or_none(problem, key, scaled_dot(problem, head, key) - (double)problem->slopes[head] * (double)key);
}

static inline double rule_geometric(const struct problem *problem, int head, int64_t key, double max_bias)
{
    float slopes[64];
    slopes_fill(slopes, problem->num_heads, SLOPES_GEOMETRIC, max_bias, 0, problem->num_heads);
    double bias = (double)slopes[head] * (double)problem_distance(problem, key);
    return visible_or_none(problem, key, scaled_dot(problem, head, key) + bias);
}

/* Masked keys have a finite logit of their own. */
static inline double rule_replaced(const struct problem *problem, int head, int64_t key, double sentinel)
{
    return problem_visible(problem, key) ? right_logit(problem, head, key) : sentinel;
}

/* Masked keys have a number added to theirs. */
static inline double rule_added(const struct problem *problem, int head, int64_t key, double sentinel)
{
    return right_logit(problem, head, key) + (problem_visible(problem, key) ? 0 : sentinel);
}

static inline double rule_constant(const struct problem *problem, int head, int64_t key, double constant)
{
    (void)problem;
    (void)head;
    (void)key;
    return constant;
}

static inline double rule_newest_missing(const struct problem *problem, int head, int64_t key, double count)
{
    return (double)key >= (double)problem->seq_len - count ? -INFINITY : rule_right(problem, head, key, 0);
}

static inline double rule_older_missing(const struct problem *problem, int head, int64_t key, double distance)
{
    return -(double)problem_distance(problem, key) > distance ? -INFINITY : rule_right(problem, head, key, 0);
}

static inline double rule_floor(const struct problem *problem, int head, int64_t key, double floor)
{
    double logit = rule_right(problem, head, key, 0);
    return logit < floor ? -INFINITY : logit;
}

/* Chunk number `chunk` of 128 keys is missing. */
static inline double rule_chunk_missing(const struct problem *problem, int head, int64_t key, double chunk)
{
    return (double)(key / 128) == chunk ? -INFINITY : rule_right(problem, head, key, 0);
}

/* A bound on every element, the problem judged by it alone. */
static inline void set_bound(struct signature_trial *trial, double relative)
{
    size_t elements = (size_t)problem_elements(&trial->made.problem);
    trial->bound = malloc(elements * sizeof(double));
    assert_non_null(trial->bound);
    for (size_t i = 0; i < elements; i++)
        trial->bound[i] = relative * trial->truth.magnitude[i];
}

static inline void set_lse_bound(struct signature_trial *trial, double bound)
{
    size_t rows = (size_t)trial->made.problem.num_heads;
    trial->lse_bound = malloc(rows * sizeof(double));
    assert_non_null(trial->lse_bound);
    for (size_t i = 0; i < rows; i++)
        trial->lse_bound[i] = bound;
}

#endif
