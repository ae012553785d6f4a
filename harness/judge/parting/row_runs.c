#include "harness/judge/parting/row_runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/parting/bits.h"
#include "harness/judge/poison.h"
#include "reference/soft_cap.h"

static size_t v_bytes(const struct problem *problem)
{
    size_t rows = (size_t)(problem->seq_len + problem->kv_slots) * (size_t)problem->num_kv_heads;
    return rows * (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
}

static size_t out_bytes(const struct problem *problem)
{
    return (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes;
}

double row_runs_bytes(const struct problem *shape)
{
    return (double)v_bytes(shape) + 9.0 * (double)shape->seq_len + 3.0 * (double)out_bytes(shape);
}

/* ---- logits ------------------------------------------------------------------------------------------------------ */

static void estimate_logits(struct row_runs *runs)
{
    const struct problem *problem = &runs->problem;
    int head = runs->inquiry->head, dims = problem->head_dim;
    float query[1024], row[1024];
    dtype_widen(problem->dtype, problem->q, (size_t)head * (size_t)dims, (size_t)dims, query);
    for (int64_t key = 0; key < problem->seq_len; key++) {
        double dot = 0;
        dtype_widen(problem_kv_dtype(problem), problem->k, problem_row(problem, key, problem_kv_head(problem, head)),
                    (size_t)dims, row);
        for (int d = 0; d < dims; d++)
            dot += (double)query[d] * (double)row[d];
        runs->logits[key] = problem_logit(problem, dot * problem_logit_scale(problem),
                                          problem_row_slope(problem, head) * (double)problem_distance(problem, key));
    }
}

/* What a key's weight is of all weights, with logits of 0 where q and slopes are. */
static double share_of(const struct row_runs *runs, const struct row_change *change, int64_t key)
{
    double most = -INFINITY, sum = 0;
    if (change->no_query && change->no_slopes)
        return 1 / (double)change->num_keys;
    for (size_t i = 0; i < change->num_keys; i++)
        most = fmax(most, runs->logits[change->keys[i]]);
    for (size_t i = 0; i < change->num_keys; i++)
        sum += exp(runs->logits[change->keys[i]] - most);
    return exp(runs->logits[key] - most) / sum;
}

/* The heaviest of the keys but one; -1: none. */
static int64_t heaviest(const struct row_runs *runs, const struct row_change *change, int64_t but)
{
    int64_t found = -1;
    for (size_t i = 0; i < change->num_keys; i++)
        if (change->keys[i] != but && (found < 0 || runs->logits[change->keys[i]] > runs->logits[found]))
            found = change->keys[i];
    return found;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

enum error_kind row_runs_begin(struct row_runs *runs, const struct parting_inquiry *inquiry, struct error *error)
{
    const struct problem *problem = inquiry->problem;
    double keys = (double)problem->seq_len * problem->num_heads * problem->head_dim;
    *runs = (struct row_runs){.inquiry = inquiry, .problem = *problem};
    runs->problem.sink_logits = NULL;
    runs->problem.masks = NULL;
    runs->problem.bounds = NULL; /* of other values */
    runs->max = inquiry->max_runs ? inquiry->max_runs : (int64_t)fmax(64, fmin(10000, PARTING_WORK / (keys + 1e5)));
    runs->logits = malloc(((size_t)problem->seq_len + 1) * sizeof *runs->logits);
    runs->visible = malloc((size_t)problem->seq_len + 1);
    runs->v = malloc(v_bytes(problem) + 1);
    runs->zero_q = calloc(1, out_bytes(problem));
    runs->zero_slopes = calloc((size_t)problem->num_heads, sizeof(float));
    for (int s = 0; s < 2; s++) {
        runs->outputs[s].out = malloc(out_bytes(problem));
        runs->outputs[s].lse = malloc((size_t)problem->num_heads * sizeof(float));
    }
    if (!runs->logits || !runs->visible || !runs->v || !runs->zero_q || !runs->zero_slopes || !runs->outputs[0].out ||
        !runs->outputs[0].lse || !runs->outputs[1].out || !runs->outputs[1].lse)
        return error_memory(error, "copies of a row", row_runs_bytes(problem));
    estimate_logits(runs);
    return ERROR_NONE;
}

void row_runs_clear(struct row_runs *runs)
{
    for (int s = 0; s < 2; s++) {
        free(runs->outputs[s].out);
        free(runs->outputs[s].lse);
    }
    free(runs->zero_slopes);
    free(runs->zero_q);
    free(runs->v);
    free(runs->visible);
    free(runs->logits);
    *runs = (struct row_runs){.inquiry = NULL};
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

static struct problem changed_problem(struct row_runs *runs, const struct row_change *change)
{
    struct problem problem = runs->problem;
    memset(runs->visible, 0, (size_t)problem.seq_len);
    for (size_t i = 0; i < change->num_keys; i++)
        runs->visible[change->keys[i]] = 1;
    problem.visible = runs->visible;
    if (change->no_query)
        problem.q = runs->zero_q;
    if (change->no_slopes)
        problem.slopes = runs->zero_slopes;
    return problem;
}

static enum error_kind run_one(struct row_runs *runs, const struct problem *problem, int side, struct error *error)
{
    const struct subject *subject = runs->inquiry->subjects[side];
    struct output output = runs->outputs[side];
    struct sequences sequences = {problem, &output, 1, NULL, NULL, false};
    double seconds = 0;
    if (progress_cancelled(runs->inquiry->progress))
        return error_set(error, ERROR_INTERRUPTED, "interrupted");
    if (subject->without_lse)
        output.lse = NULL;
    output_poison(&output, problem);
    enum error_kind kind = subject->ops->run(subject, &sequences, NULL, &seconds, error);
    runs->count++;
    if (!kind)
        output_unite_nans(&output, problem);
    return kind;
}

/* Runs both, and compares the row. */
static enum error_kind run_both(struct row_runs *runs, const struct problem *problem, struct row_seen *seen,
                                struct error *error)
{
    struct output outputs[2] = {runs->outputs[0], runs->outputs[1]};
    enum error_kind kind = ERROR_NONE;
    for (int side = 0; side < 2 && !kind; side++) {
        kind = run_one(runs, problem, side, error);
        if (runs->inquiry->subjects[side]->without_lse)
            outputs[side].lse = NULL;
    }
    if (kind)
        return kind;
    int head = runs->inquiry->head;
    seen->too_low = outputs[0].lse && (double)outputs[0].lse[head] < runs->inquiry->subjects[0]->least_logit;
    seen->out = !seen->too_low && bits_row_out_differs(problem, outputs, head);
    seen->lse = !seen->too_low && bits_row_lse_differs(outputs, head);
    return ERROR_NONE;
}

/* Takes from v of a key what the row's out is, so that the next one is near 0. False: it is no number. */
static bool sharpen(struct row_runs *runs, const struct problem *problem, double share, int64_t key)
{
    int head = runs->inquiry->head, dims = problem->head_dim;
    size_t first = problem_row(problem, key, problem_kv_head(problem, head));
    float out[1024], row[1024];
    dtype_widen(problem->dtype, runs->outputs[0].out, (size_t)head * (size_t)dims, (size_t)dims, out);
    dtype_widen(problem_kv_dtype(problem), runs->v, first, (size_t)dims, row);
    double most = dtypes[problem_kv_dtype(problem)].max, weight = share * problem_value_scale(problem);
    for (int d = 0; d < dims; d++) {
        double value = (double)row[d] - (double)out[d] / weight;
        if (!(fabs(value) <= most))
            return false;
        row[d] = (float)value;
    }
    dtype_narrow(problem_kv_dtype(problem), runs->v, first, (size_t)dims, row);
    return true;
}

/* Twice, with the two heaviest keys: what the first one's dtype leaves of out, the second one takes. problem->v is
 * runs->v. */
static enum error_kind run_sharpened(struct row_runs *runs, const struct row_change *change, struct problem *problem,
                                     struct row_seen *seen, struct error *error)
{
    int64_t first = heaviest(runs, change, -1);
    const int64_t keys[2] = {first, heaviest(runs, change, first)};
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < 2 && !kind && !seen->out; i++) {
        struct row_seen again = {.out = false};
        if (!sharpen(runs, problem, share_of(runs, change, keys[i]), keys[i]))
            return ERROR_NONE;
        kind = run_both(runs, problem, &again, error);
        seen->out = seen->sharpened = again.out;
        seen->lse |= again.lse;
    }
    return kind;
}

/* ---- exact products ---------------------------------------------------------------------------------------------- */

enum { SPREAD = 8 };

/* Gives v of a key, the same in every dim, other values in some: next to each other in its dtype. */
static void spread(struct row_runs *runs, const struct problem *problem, int64_t key)
{
    enum dtype dtype = problem_kv_dtype(problem);
    size_t first = problem_row(problem, key, problem_kv_head(problem, runs->inquiry->head));
    for (int d = 0; d < problem->head_dim; d++) {
        float value;
        dtype_widen(dtype, runs->v, first + (size_t)d, 1, &value);
        value += (float)((d % SPREAD - SPREAD / 2) * dtype_ulp(dtype, (double)value));
        dtype_narrow(dtype, runs->v, first + (size_t)d, 1, &value);
    }
}

/* By how much both outs differ in those dims, if their ratios do by more than rounding can make them; else 0. */
static double shift_of(const struct row_runs *runs, const struct problem *problem)
{
    double least = INFINITY, most = -INFINITY, shift = 0;
    double rounding = ldexp(16, -dtypes[problem->dtype].significand_bits);
    size_t first = (size_t)runs->inquiry->head * (size_t)problem->head_dim;
    for (size_t d = 0; d < SPREAD && d < (size_t)problem->head_dim; d++) {
        float a, b;
        dtype_widen(problem->dtype, runs->outputs[0].out, first + d, 1, &a);
        dtype_widen(problem->dtype, runs->outputs[1].out, first + d, 1, &b);
        if (!(fmin(fabs((double)a), fabs((double)b)) >= ldexp(1, dtypes[problem->dtype].min_exponent)))
            continue; /* few bits are left */
        least = fmin(least, (double)b / (double)a);
        most = fmax(most, (double)b / (double)a);
        shift = fmax(shift, fabs((double)b - (double)a));
    }
    return most - least > rounding ? shift : 0;
}

static float large_value(const struct problem *problem)
{
    return dtypes[problem_kv_dtype(problem)].max > 2048 ? 1024 : 64;
}

static enum error_kind run_exact_products(struct row_runs *runs, const struct row_change *change,
                                          struct problem *problem, struct row_seen *seen, struct error *error)
{
    int64_t key = heaviest(runs, change, -1);
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < 2 && !kind; i++) {
        struct row_seen again = {.out = false};
        if (!sharpen(runs, problem, share_of(runs, change, key), key))
            return ERROR_NONE;
        if (i == 1)
            spread(runs, problem, key);
        kind = run_both(runs, problem, &again, error);
        seen->out |= again.out;
        seen->shift = shift_of(runs, problem) / ((1 - share_of(runs, change, key)) * (double)large_value(problem));
    }
    return kind;
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

/* Of key `but` 0. */
static void fill_values(struct row_runs *runs, float value, int64_t but)
{
    const struct problem *problem = &runs->problem;
    size_t dims = (size_t)problem->head_dim;
    float values[1024], zeros[1024] = {0};
    for (size_t d = 0; d < dims; d++)
        values[d] = value;
    for (int64_t i = 0; i < (problem->seq_len + problem->kv_slots) * problem->num_kv_heads; i++)
        dtype_narrow(problem_kv_dtype(problem), runs->v, (size_t)i * dims, dims,
                     i / problem->num_kv_heads == but ? zeros : values);
}

/* What v is, where it is not the problem's own or is about to be changed. */
static void change_values(struct row_runs *runs, const struct row_change *change, struct problem *problem)
{
    if (!change->ones && !change->exact_products && !change->sharp)
        return;
    if (change->exact_products) /* large, so that what is left of out is no subnormal number */
        fill_values(runs, large_value(problem), heaviest(runs, change, -1));
    else if (change->ones)
        fill_values(runs, 1, -1);
    else
        memcpy(runs->v, problem->v, v_bytes(problem));
    problem->v = runs->v;
}

enum error_kind row_runs_make(struct row_runs *runs, const struct row_change *change, struct row_seen *seen,
                              struct error *error)
{
    struct problem problem = changed_problem(runs, change);
    *seen = (struct row_seen){.out = false};
    change_values(runs, change, &problem);
    enum error_kind kind = run_both(runs, &problem, seen, error);
    if (!kind && change->exact_products)
        kind = run_exact_products(runs, change, &problem, seen, error);
    else if (!kind && change->sharp && !seen->out && change->num_keys > 1)
        kind = run_sharpened(runs, change, &problem, seen, error);
    return kind;
}
