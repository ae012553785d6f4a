#include "harness/judge/cause/suspect.h"

#include <math.h>
#include <stdlib.h>

#include "harness/judge/poison.h"
#include "reference/key_rows.h"

/* exp(-60) of the largest weight, a million times, is below 2^-66. */
static const double NEGLIGIBLE = -60;

static double tolerance_at(const struct suspect *suspect, double truth)
{
    return suspect->tolerance->atol + suspect->tolerance->rtol * fabs(truth);
}

/* The problem of the row's query, with the keys of later queries behind its own: masked, as they are to it. */
static enum error_kind take_query(struct suspect *suspect, const struct problem *whole, int row, struct error *error)
{
    int query = row / whole->num_heads, later = problem_queries(whole) - 1 - query;
    suspect->one = problem_query(whole, query);
    suspect->problem = &suspect->one;
    if (later == 0)
        return ERROR_NONE;
    suspect->seen = malloc((size_t)whole->seq_len + 1);
    if (!suspect->seen)
        return error_memory(error, "a row's mask", (double)whole->seq_len);
    for (int64_t key = 0; key < whole->seq_len; key++)
        suspect->seen[key] = key < whole->seq_len - later && problem_visible(whole, key);
    suspect->one.seq_len = whole->seq_len;
    suspect->one.kv_slots = whole->kv_slots;
    suspect->one.visible = suspect->seen;
    return ERROR_NONE;
}

void suspect_forget_keys(struct suspect *suspect)
{
    free(suspect->dots);
    free(suspect->products);
    free(suspect->logits);
    suspect->dots = suspect->products = suspect->logits = NULL;
    suspect->visible = 0;
    suspect->sum = suspect->largest_product = 0;
}

bool suspect_leave_later_keys(struct suspect *suspect)
{
    if (!suspect->seen)
        return false;
    free(suspect->seen);
    suspect->seen = NULL;
    suspect_forget_keys(suspect);
    suspect->one = problem_query(suspect->whole, suspect->of_row / suspect->whole->num_heads);
    return true;
}

enum error_kind suspect_init(struct suspect *suspect, int row, bool by_lse, const struct exhibit *exhibit,
                             const struct metrics *metrics, struct error *error)
{
    const struct problem *problem = exhibit->problem;
    const struct truth *truth = exhibit->truth;
    size_t dim = (size_t)problem->head_dim, first = (size_t)row * dim;
    *suspect = (struct suspect){
        .whole = problem,
        .of_row = row,
        .parts = problem->k && problem->v ? NULL : exhibit->parts,
        .keys = problem->k && problem->v ? problem : NULL,
        .progress = exhibit->progress,
        .tolerance = &exhibit->criterion.tolerance,
        .truth_of = truth->contract.of,
        .head = row % problem->num_heads,
        .kv_head = problem_kv_head(problem, row % problem->num_heads),
        .slope = problem_row_slope(problem, row),
        .sink = problem->sink_logits ? (double)problem->sink_logits[row % problem->num_heads] : -INFINITY,
        .by_lse = by_lse,
        .beyond = metrics->budget_used > 1 || metrics->lse_budget_used > 1,
        .lse_bound = exhibit->lse_bound && isfinite(exhibit->lse_bound[row]) ? exhibit->lse_bound[row] : 0,
        .unbounded = exhibit->lse_bound && !isfinite(exhibit->lse_bound[row]),
        .is_rounding = exhibit->is_rounding,
        .is_coarse = exhibit->is_coarse,
        .lse_unknown = !exhibit->output->lse,
        .lse_unwritten = exhibit->output->lse && poison_is_at(DTYPE_F32, exhibit->output->lse, (size_t)row),
        .lse = exhibit->output->lse ? (double)exhibit->output->lse[row] : truth->lse[row],
        .truth_lse = truth->lse[row],
        .choices = SUSPECT_CHOICES,
        .best = {.signature = SIGNATURE_UNKNOWN, .residual = NAN},
    };
    if (isnan(suspect->lse))
        suspect->lse = NAN; /* texts show its sign */
    enum error_kind kind = take_query(suspect, problem, row, error);
    if (kind)
        return kind;
    suspect->out = malloc(5 * dim * sizeof(double));
    suspect->row = malloc(2 * dim * sizeof(float));
    if (!suspect->out || !suspect->row)
        return error_memory(error, "a head's signature", (double)(5 * dim * sizeof(double)));
    suspect->query = suspect->row + dim;
    suspect->truth = suspect->out + dim;
    suspect->magnitude = suspect->out + 2 * dim;
    suspect->slack = suspect->out + 3 * dim;
    suspect->predicted = suspect->out + 4 * dim;
    dtype_widen(problem->dtype, exhibit->output->out, first, dim, suspect->row);
    for (size_t d = 0; d < dim; d++) {
        suspect->out[d] = (double)suspect->row[d];
        suspect->truth[d] = truth->value[first + d];
        suspect->magnitude[d] = truth->magnitude[first + d];
        if (exhibit->bound && suspect->magnitude[d] > 0)
            suspect->bound_share = fmax(suspect->bound_share, exhibit->bound[first + d] / suspect->magnitude[d]);
    }
    return ERROR_NONE;
}

void suspect_clear(struct suspect *suspect)
{
    free(suspect->seen);
    free(suspect->out);
    free(suspect->row);
    free(suspect->dots);
    free(suspect->products);
    free(suspect->logits);
    *suspect = (struct suspect){.problem = NULL};
}

enum error_kind suspect_need_keys(struct suspect *suspect, int kv_head, struct error *error)
{
    const struct key_parts *parts = suspect->parts;
    if (!parts)
        return ERROR_NONE;
    return parts->open(parts->context, parts->of_kv_head(parts->context, kv_head), NULL, &suspect->keys, error);
}

bool suspect_shares_part(const struct suspect *suspect, int kv_head)
{
    const struct key_parts *parts = suspect->parts;
    return !parts || parts->of_kv_head(parts->context, kv_head) ==
                         parts->of_kv_head(parts->context, problem_kv_head(suspect->problem, suspect->head));
}

/* Keys whose sums are added side by side: each in the order of its channels, and none waits for another's. */
enum { DOTS_AT_ONCE = 4 };

/* q.k of the keys from first on. */
static void sum_products(double sums[DOTS_AT_ONCE], const struct suspect *suspect, int kv_head, int64_t first)
{
    const struct problem *problem = suspect->problem;
    int dim = problem->head_dim;
    float rows[DOTS_AT_ONCE][PROBLEM_MAX_DIM];
    for (int i = 0; i < DOTS_AT_ONCE; i++) /* of too few keys the last one several times */
        dtype_widen(problem_kv_dtype(problem), suspect->keys->k,
                    suspect_row(suspect, first + i < problem->seq_len ? first + i : problem->seq_len - 1, kv_head),
                    (size_t)dim, rows[i]);
    double sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    for (int d = 0; d < dim; d++) {
        double query = (double)suspect->query[d];
        sum0 += query * (double)rows[0][d];
        sum1 += query * (double)rows[1][d];
        sum2 += query * (double)rows[2][d];
        sum3 += query * (double)rows[3][d];
    }
    sums[0] = sum0, sums[1] = sum1, sums[2] = sum2, sums[3] = sum3;
}

void suspect_read_dots(struct suspect *suspect, int kv_head, double *dots, double *products)
{
    const struct problem *problem = suspect->problem, *keys = suspect->keys;
    double scale = problem_logit_scale(problem), sums[DOTS_AT_ONCE] = {0};
    for (int64_t j = 0; j < problem->seq_len; j++) {
        if (progress_cancelled(suspect->progress)) {
            dots[j] = 0;
            if (products)
                products[j] = 0;
            continue;
        }
        if (j % KEY_ROWS == 0)
            key_rows_fetch(keys, keys->k, suspect_kv_head_at_hand(suspect, kv_head), j);
        if (j % DOTS_AT_ONCE == 0)
            sum_products(sums, suspect, kv_head, j);
        dots[j] = scale * sums[j % DOTS_AT_ONCE];
        if (products)
            products[j] = dots[j];
        if (problem->soft_cap == SOFT_CAP_BEFORE_BIAS)
            dots[j] = soft_capped(problem, dots[j]);
    }
}

static void sum_weights(struct suspect *suspect)
{
    const struct problem *problem = suspect->problem;
    suspect->max = suspect->sink;
    for (int64_t j = 0; j < problem->seq_len; j++)
        if (suspect_visible(suspect, j)) {
            suspect->visible++;
            suspect->largest_product = fmax(suspect->largest_product, fabs(suspect_product(suspect, j)));
            suspect->max = fmax(suspect->max, suspect_logit(suspect, j));
        }
    if (suspect->sink > -INFINITY)
        suspect->sum += exp(suspect->sink - suspect->max);
    for (int64_t j = 0; j < problem->seq_len; j++)
        if (suspect_visible(suspect, j))
            suspect->sum += exp(suspect_logit(suspect, j) - suspect->max);
}

/* The size of lse, 1 at least: what it is rounded by is of that. The truth's is -inf in a row without a key. */
static double size_of_lse(const struct suspect *suspect)
{
    double size = isfinite(suspect->truth_lse) ? fabs(suspect->truth_lse) : 1;
    return fmax(1, isfinite(suspect->lse) ? fmax(size, fabs(suspect->lse)) : size);
}

/* What a match may leave: slack for each element, noise as an rms. */
static void set_limits(struct suspect *suspect)
{
    const struct problem *problem = suspect->problem;
    double squares = 0, f32_loss = 0x1p-23 * (8 + (suspect->visible ? fabs(suspect->max) : 0));
    double size = isfinite(suspect->truth_lse) ? fmax(1, fabs(suspect->truth_lse)) : size_of_lse(suspect);
    if (suspect->by_lse) {
        suspect->error = fabs(suspect->lse - suspect->truth_lse);
        suspect->noise = 4 * dtype_ulp(DTYPE_F32, size);
        return;
    }
    for (int d = 0; d < problem->head_dim; d++) {
        double ulp = dtype_ulp(problem->dtype, suspect->out[d]), loss = f32_loss * suspect->magnitude[d];
        suspect->slack[d] = fmax(tolerance_at(suspect, suspect->truth[d]) / 4, ulp) + loss;
        squares += 0.09 * ulp * ulp + loss * loss / 256;
    }
    suspect->noise = sqrt(squares / problem->head_dim);
    suspect->error = suspect_rms(suspect, suspect->truth, problem->head_dim);
}

enum error_kind suspect_read_keys(struct suspect *suspect, struct error *error)
{
    const struct problem *problem = suspect->problem;
    size_t keys = (size_t)problem->seq_len, dim = (size_t)problem->head_dim;
    enum error_kind kind = suspect_need_keys(suspect, suspect->kv_head, error);
    if (kind)
        return kind;
    suspect->dots = malloc((keys + 1) * sizeof(double)); /* of no keys too: malloc(0) may be NULL */
    suspect->logits = malloc((keys + 1) * sizeof(double));
    suspect->products = problem->soft_cap ? malloc((keys + 1) * sizeof(double)) : NULL;
    if (!suspect->dots || !suspect->logits || (problem->soft_cap && !suspect->products))
        return error_memory(error, "a head's signature", 2.0 * (double)keys * sizeof(double));
    dtype_widen(problem->dtype, problem->q, (size_t)suspect->head * dim, dim, suspect->query);
    suspect_read_dots(suspect, suspect->kv_head, suspect->dots, suspect->products);
    sum_weights(suspect);
    set_limits(suspect);
    suspect->of_one_key = INFINITY;
    return ERROR_NONE;
}

void suspect_read_value(struct suspect *suspect, int64_t key, int dims)
{
    const struct problem *problem = suspect->problem;
    dtype_widen(problem_kv_dtype(problem), suspect->keys->v, suspect_row(suspect, key, suspect->kv_head), (size_t)dims,
                suspect->row);
}

void suspect_fill_slope(struct suspect *suspect, double slope)
{
    const struct problem *problem = suspect->problem;
    for (int64_t j = 0; j < problem->seq_len; j++)
        suspect->logits[j] =
            problem_visible(problem, j)
                ? suspect_capped(suspect, suspect->dots[j] + slope * (double)problem_distance(problem, j))
                : -INFINITY;
}

double suspect_attend(struct suspect *suspect, int dims)
{
    int64_t keys = suspect->problem->seq_len;
    double max = suspect->sink, sum = 0;
    for (int64_t j = 0; j < keys; j++)
        max = fmax(max, suspect->logits[j]);
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] = 0;
    if (max == -INFINITY || progress_cancelled(suspect->progress))
        return -INFINITY;
    sum = exp(suspect->sink - max);
    for (int64_t j = 0; j < keys; j++) {
        double shifted = suspect->logits[j] - max;
        if (shifted < NEGLIGIBLE)
            continue;
        double weight = exp(shifted);
        sum += weight;
        suspect_read_value(suspect, j, dims);
        for (int d = 0; d < dims; d++)
            suspect->predicted[d] += weight * (double)suspect->row[d];
    }
    double factor = problem_value_scale(suspect->problem) / sum;
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] *= factor;
    return max + log(sum);
}

double suspect_rms(const struct suspect *suspect, const double *predicted, int dims)
{
    double squares = 0;
    for (int d = 0; d < dims; d++)
        squares += (suspect->out[d] - predicted[d]) * (suspect->out[d] - predicted[d]);
    return sqrt(squares / dims);
}

double suspect_residual(const struct suspect *suspect, const double *predicted)
{
    double residual = 0;
    for (int d = 0; d < suspect->problem->head_dim; d++)
        residual = fmax(
            residual, suspect_in_units(fabs(suspect->out[d] - predicted[d]), tolerance_at(suspect, suspect->truth[d])));
    return residual;
}

double suspect_lse_rounding(const struct suspect *suspect)
{
    double ulps = 4 * dtype_ulp(DTYPE_F32, fmax(size_of_lse(suspect), suspect->visible ? fabs(suspect->max) : 0));
    return fmax(ulps, suspect->lse_bound);
}

bool suspect_lse_is_exactly(const struct suspect *suspect, double lse)
{
    return !suspect->lse_unknown && (suspect->lse == lse || fabs(suspect->lse - lse) <= suspect_lse_rounding(suspect));
}

bool suspect_lse_is(const struct suspect *suspect, double lse)
{
    double err = fabs(suspect->lse - suspect->truth_lse), size = fmax(1, fmax(fabs(suspect->lse), fabs(lse)));
    double known_to = isfinite(err) ? fmin(err, size) / 64 : 0;
    return !suspect->lse_unknown &&
           (suspect->lse == lse || fabs(suspect->lse - lse) <= fmax(suspect_lse_rounding(suspect), known_to));
}

bool suspect_lse_is_off(const struct suspect *suspect)
{
    return !suspect->lse_unknown && !(fabs(suspect->lse - suspect->truth_lse) <= 8 * suspect_lse_rounding(suspect));
}

bool suspect_lse_rose(const struct suspect *suspect)
{
    return suspect->lse - suspect->truth_lse > suspect_lse_rounding(suspect);
}
