/* The bound of error_bound.md, equation by equation; the numbers in comments are those of its equations. */
#include "reference/error_bound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference/any_order.h"
#include "reference/bound_end.h"
#include "reference/computing_environment.h"
#include "reference/exp_dd.h"
#include "reference/key_rows.h"
#include "reference/like_heads.h"
#include "reference/sum_error.h"

/* What a head's bound is summed from, one thread's. */
struct bound_room {
    struct key_scores scores;
    struct any_order_room any_order; /* of a model that says so */
    double *from_weights;            /* [D] sum_j p_j |v_jd - o_d| eta_j */
    double *from_values;             /* [D] sum_j p_j |v_jd| alpha_j */
};

static void bound_room_clear(struct bound_room *room)
{
    key_scores_clear(&room->scores);
    any_order_room_clear(&room->any_order);
    free(room->from_weights);
    *room = (struct bound_room){0};
}

static enum error_kind bound_room_init(struct bound_room *room, const struct problem *problem, bool any_order,
                                       struct error *error)
{
    size_t dim = (size_t)problem->head_dim;
    *room = (struct bound_room){0};
    enum error_kind kind = key_scores_init(&room->scores, problem, any_order, error);
    if (!kind && any_order)
        kind = any_order_room_init(&room->any_order, problem, error);
    if (kind) {
        bound_room_clear(room);
        return kind;
    }
    room->from_weights = malloc(2 * dim * sizeof(double));
    if (!room->from_weights) {
        bound_room_clear(room);
        return error_memory(error, "the error bound of a head", (double)dim * 2 * sizeof(double));
    }
    room->from_values = room->from_weights + dim;
    return ERROR_NONE;
}

/* Nats by which the maximum is raised at least: the sum of both is rounded, away from the offset where it is large. */
static double raised_by(const struct rounding_model *model, const struct logit_terms *terms, double max)
{
    double shift = model->absolute_bias ? fabs(terms->slope) * fabs((double)terms->problem->q_position) : 0;
    return model->max_offset > 0 ? model->max_offset - (fabs(max) + shift + model->max_offset) * model->shift : 0;
}

/* p_j eta_j, from ln p_j and the error above. */
static double weighted_error(double probability, double log_probability, double error)
{
    if (error < 0.5)
        return probability * error * (1 + error);  /* e^x - 1 <= x (1 + x) there */
    double log_computed = log_probability + error; /* as large as the weight may be, and no error is larger */
    return log_computed < 1 ? exp_double(fmax(log_computed, EXP_LOWEST)) : INFINITY;
}

/* As far as the key with most of them is concerned. */
static struct most_roundings most_roundings(const struct rounding_model *model, int64_t seq_len)
{
    struct roundings most = roundings_after(model, seq_len, 0);
    return (struct most_roundings){compound(most.rescales, model->rescale), out_error(model, &most)};
}

/* Adds a key's part to the sums over v. */
static void add_values(struct bound_room *room, const struct problem *problem, int64_t key, int head, double eta_weight,
                       double alpha_weight, const double *out)
{
    double value_scale = problem_value_scale(problem);
    double *restrict from_weights = room->from_weights, *restrict from_values = room->from_values;
    const float *restrict row = room->scores.row;
    dtype_widen(problem_kv_dtype(problem), problem->v, problem_row(problem, key, problem_kv_head(problem, head)),
                (size_t)problem->head_dim, room->scores.row);
    for (int d = 0; d < problem->head_dim; d++) {
        double value = (double)row[d] * value_scale;
        from_weights[d] += eta_weight * fabs(value - out[d]);
        from_values[d] += alpha_weight * fabs(value);
    }
}

/* What a row's weights come to. */
struct row_sums {
    double lse, max;
    double from_sum;    /* sum_j p_j beta_j */
    double lost;        /* L of (2) */
    double unit_weight; /* the probability of a key whose weight is 1, if there were one: the largest is e^-offset */
    double raised;      /* nats by which the maximum is raised at least */
    double common;      /* nats that an error common to all weights is of: it cancels in out, and is in lse */
};

/* A learned sink's part, a key whose v is 0, with the maximum of all (8). */
static void add_sink(struct row_sums *sums, struct bound_room *room, const struct rounding_model *model,
                     const struct logit_terms *terms, const double *out)
{
    double sink = (double)terms->problem->sink_logits[terms->head], relative = fmin(sink - sums->lse, 0);
    double error = sink_error(model, terms, sink, fmax(sums->max, sink));
    double probability = relative < EXP_LOWEST ? 0 : exp_double(relative);
    double eta_weight = weighted_error(probability, relative, error);
    double beta_weight = (probability + eta_weight) * model->add;
    sums->max = fmax(sums->max, sink);
    sums->from_sum += beta_weight;
    sums->lost += eta_weight + beta_weight;
    for (int d = 0; d < terms->problem->head_dim; d++)
        room->from_weights[d] += eta_weight * fabs(out[d]);
}

/* The bound of an output of this magnitude, from the errors of the sums: (2) divided, and what follows. */
static double finished_bound(const struct rounding_model *model, const struct problem *problem,
                             const struct row_sums *sums, double error, double magnitude, double largest_v)
{
    if (!(sums->lost < 0.5) || sums_overflow(model, problem->seq_len, largest_v, sums->raised))
        return INFINITY;
    return bound_of_output(model, problem, magnitude, error / (1 - sums->lost));
}

static double element_bound(const struct bound_room *room, const struct rounding_model *model,
                            const struct problem *problem, const struct row_sums *sums, int d, double out,
                            double largest_v)
{
    double magnitude = fabs(out), value_scale = fabs(problem_value_scale(problem));
    double error = room->from_weights[d] + room->from_values[d] + magnitude * sums->from_sum +
                   2 * TAIL * (largest_v * value_scale + magnitude) +
                   (model->out_floor * sums->unit_weight + model->divided_floor) * value_scale; /* (2) */
    return finished_bound(model, problem, sums, error, magnitude, largest_v);
}

double error_bound_of_constant(const struct rounding_model *model, const struct problem *problem, double value)
{
    if (problem->seq_len == 0)
        return 0;
    if (model->any_order)
        return INFINITY;
    const struct roundings most = roundings_after(model, problem->seq_len, 0);
    double raised = exp(model->max_offset), value_scale = fabs(problem_value_scale(problem));
    double magnitude = fabs(value) * value_scale, beta = sum_error(model, &most) + model->sum_floor * raised;
    double floors = (model->weight_floor * raised + model->probability_floor) * (double)problem->seq_len;
    double alpha = out_error(model, &most) + model->weight + model->partial + floors;
    const struct row_sums sums = {.lost = beta + compound(most.rescales, model->rescale), .raised = model->max_offset};
    double error = magnitude * (alpha + beta + 2 * compound(most.rescales, model->rescale) + 4 * TAIL) +
                   (model->out_floor * raised + model->divided_floor) * value_scale;
    return finished_bound(model, problem, &sums, error, magnitude, fabs(value));
}

/* (7) */
static double lse_bound(const struct rounding_model *model, const struct logit_terms *terms,
                        const struct row_sums *sums)
{
    double lost = sums->lost + 2 * TAIL;
    if (!(lost < 0.5))
        return INFINITY;
    return bound_of_lse(model, terms, sums->lse, sums->max, lost / (1 - lost) + sums->common);
}

/* A row at work. */
struct row {
    struct bound_room *room;
    const struct rounding_model *model;
    const struct problem *problem;
    const struct tensor_bounds *bounds;
    const struct logit_terms *terms;
    const double *value; /* [D] of the truth */
    double lse;          /* of the truth */
};

/* (3) of a visible key that was scored, relative to a row whose lse is `lse`. */
static double key_error(const struct row *row, int64_t key, double lse, double max)
{
    const struct roundings roundings = roundings_after(row->model, row->problem->seq_len, key);
    return logit_error(row->model, row->terms, key, row->room->scores.logits[key], row->room->scores.absolute[key], lse,
                       max, compound(roundings.rescales, row->model->rescale));
}

static bool counts(const struct row *row, int64_t key)
{
    return key_counts(&row->room->scores, row->problem, key);
}

/* From the returned key on, for a row whose lse is `lse`. */
static int64_t score_keys(struct row *row, double lse, double *max)
{
    const struct most_roundings most = most_roundings(row->model, row->problem->seq_len);
    return key_scores_fill(&row->room->scores, row->model, &most, lse, row->bounds, row->terms, max);
}

static void clear_sums(struct row *row)
{
    for (int d = 0; d < row->problem->head_dim; d++)
        row->room->from_weights[d] = row->room->from_values[d] = 0;
}

/* (2), key by key; with_values: what out needs, too. */
static struct row_sums sum_keys(struct row *row, bool with_values)
{
    const struct rounding_model *model = row->model;
    const struct problem *problem = row->problem;
    struct bound_room *room = row->room;
    struct row_sums sums = {.lse = row->lse};
    clear_sums(row);
    int64_t low = score_keys(row, row->lse, &sums.max);
    sums.raised = isfinite(sums.max) ? raised_by(model, row->terms, sums.max) : 0; /* a sink may be all there is */
    if (problem->sink_logits)
        add_sink(&sums, room, model, row->terms, row->value);
    sums.unit_weight = exp_double(fmin(sums.max - sums.lse, 0)) * exp(model->max_offset);
    for (int64_t key = low; key < problem->seq_len; key++) {
        if (with_values && (key - low) % KEY_ROWS == 0)
            key_rows_fetch(problem, problem->v, row->terms->kv_head, key);
        double error = counts(row, key) ? key_error(row, key, sums.lse, sums.max) : -INFINITY;
        if (error == -INFINITY)
            continue;
        struct roundings roundings = roundings_after(model, problem->seq_len, key);
        if (problem->sink_logits) { /* a sum and a product more; two products and a quotient if out is divided before */
            roundings.sum_adds++;
            roundings.out_adds += 3;
        }
        double relative = room->scores.logits[key] - sums.lse;
        double probability = relative < EXP_LOWEST ? 0 : exp_double(fmin(relative, 0));
        double eta_weight = weighted_error(probability, relative, error), weight = probability + eta_weight;
        double beta_weight = weight * sum_error(model, &roundings);
        sums.from_sum += beta_weight;
        sums.lost += eta_weight + beta_weight;
        if (with_values)
            add_values(room, problem, key, row->terms->head, eta_weight,
                       weight * (out_error(model, &roundings) + model->weight + model->partial) +
                           model->weight_floor * sums.unit_weight + model->probability_floor,
                       row->value);
    }
    sums.from_sum += model->sum_floor * sums.unit_weight;
    sums.lost += model->sum_floor * sums.unit_weight;
    return sums;
}

/*
 * Section "One key". False if there is not one key beside which all others weigh nothing to the kernel, by however much
 * it may have that key's own logit too low; sums and what out needs are then those of sum_keys, or of nothing.
 */
static bool sum_one_key(struct row *row, struct row_sums *sums, bool with_values)
{
    const struct rounding_model *model = row->model;
    int64_t newest = row->problem->seq_len - 1, low, one = -1;
    double max, error = INFINITY;
    if (row->problem->sink_logits) /* which has weight, too */
        return false;
    low = score_keys(row, row->lse, &max);
    for (int64_t key = newest; key >= low && one < 0; key--)
        if (counts(row, key) && row->room->scores.logits[key] == max)
            one = key;
    if (one >= 0)
        error = key_error(row, one, row->lse, max);
    if (!isfinite(error))
        return false;
    low = score_keys(row, row->lse - error, &max);
    for (int64_t key = low; key <= newest; key++)
        if (key != one && counts(row, key) && key_error(row, key, row->lse - error, max) != -INFINITY)
            return false;
    const struct roundings roundings = roundings_after(model, row->problem->seq_len, one);
    double rescales = compound(roundings.rescales, model->rescale), raised = raised_by(model, row->terms, max);
    double unit_weight = exp(fmax(model->max_offset, 2 * model->max_offset - raised));
    double beta = rescales + sum_error(model, &roundings) + model->sum_floor * unit_weight;
    *sums = (struct row_sums){
        .lse = row->lse,
        .max = max,
        .from_sum = beta,
        .lost = beta,
        .unit_weight = unit_weight,
        .raised = raised,
        .common = error,
    };
    clear_sums(row);
    if (with_values)
        add_values(row->room, row->problem, one, row->terms->head, 1,
                   rescales + out_error(model, &roundings) + model->weight + model->partial +
                       model->weight_floor * unit_weight + model->probability_floor,
                   row->value);
    return true;
}

void error_bounds_of_head(double *out, double *lse, struct bound_room *room, const struct rounding_model *model,
                          const struct problem *problem, const struct truth *truth, const struct tensor_bounds *bounds,
                          int head)
{
    int dim = problem->head_dim;
    const double *value = truth->value + (size_t)head * (size_t)dim;
    size_t kv_row = (size_t)problem_kv_head(problem, head) * (size_t)dim;
    const float *k_bounds = bounds->k + kv_row, *v_bounds = bounds->v + kv_row;

    dtype_widen(problem->dtype, problem->q, (size_t)head * (size_t)dim, (size_t)dim, room->scores.row);
    for (int d = 0; d < dim; d++)
        room->scores.query[d] = (double)room->scores.row[d];
    struct logit_terms terms = logit_terms_of(model, problem, &truth->contract, head, room->scores.query, k_bounds);
    bool overflow = logits_overflow(model, &terms, room->scores.row);
    if (!isfinite(truth->lse[head]) || overflow) {
        double bound = truth->lse[head] == -INFINITY && !overflow ? 0 : INFINITY; /* an empty row is exactly 0 */
        for (int d = 0; out && d < dim; d++)
            out[d] = bound;
        if (lse)
            *lse = bound;
        return;
    }
    if (model->any_order) {
        any_order_bounds(out, lse, &room->any_order, &room->scores, model, &terms, bounds, value, truth->lse[head]);
        return;
    }
    struct row row = {room, model, problem, bounds, &terms, value, truth->lse[head]};
    struct row_sums sums = sum_keys(&row, out);
    if (!(sums.lost < 0.5))
        (void)sum_one_key(&row, &sums, out);
    for (int d = 0; out && d < dim; d++)
        out[d] = element_bound(room, model, problem, &sums, d, value[d], (double)v_bounds[d]);
    if (lse)
        *lse = lse_bound(model, &terms, &sums);
}

enum error_kind bound_room_new(struct bound_room **room, const struct problem *problem, struct error *error)
{
    *room = calloc(1, sizeof **room);
    if (!*room)
        return error_memory(error, "the error bound of a head", (double)sizeof **room);
    return bound_room_init(*room, problem, true, error);
}

void bound_room_free(struct bound_room *room)
{
    if (room)
        bound_room_clear(room);
    free(room);
}

/* The bounds of those heads that were left out, since they are like others. */
static void copy_like(double *out, double *lse, const int *like, const struct problem *problem)
{
    const size_t dim = (size_t)problem->head_dim;
    for (size_t head = 0; head < (size_t)problem->num_heads; head++) {
        const size_t other = (size_t)like[head];
        if (out && other != head)
            memcpy(out + head * dim, out + other * dim, dim * sizeof *out);
        if (lse)
            lse[head] = lse[other];
    }
}

static enum error_kind bounds_of_query(double *out, double *lse, const struct rounding_model *model,
                                       const struct problem *problem, const struct truth *truth,
                                       const struct tensor_bounds *bounds, int threads, const struct progress *progress,
                                       struct error *error)
{
    enum error_kind result = ERROR_NONE;
    int *like = malloc((size_t)problem->num_heads * sizeof *like);
    if (!like)
        return error_memory(error, "error bounds", (double)problem->num_heads * sizeof *like);
    like_heads_find(like, problem, truth, bounds);
#pragma omp parallel num_threads(threads)
    {
        COMPUTING_ENVIRONMENT();
        struct bound_room room;
        struct error failure;
        enum error_kind kind = bound_room_init(&room, problem, model->any_order, &failure);
#pragma omp for schedule(dynamic, 1)
        for (int head = problem->num_heads - 1; head >= 0; head--)
            if (!kind && like[head] == head && !progress_cancelled(progress))
                error_bounds_of_head(out ? out + (size_t)head * (size_t)problem->head_dim : NULL,
                                     lse ? lse + head : NULL, &room, model, problem, truth, bounds, head);
        if (kind) {
#pragma omp critical
            result = error_set(error, kind, "%s", failure.text);
        }
        bound_room_clear(&room);
        mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
    }
    if (!result && progress_cancelled(progress))
        result = error_set(error, ERROR_INTERRUPTED, "interrupted");
    if (!result)
        copy_like(out, lse, like, problem);
    free(like);
    return result;
}

enum error_kind error_bounds(double *out, double *lse, const struct rounding_model *model,
                             const struct problem *problem, const struct truth *truth, int threads,
                             const struct progress *progress, struct error *error)
{
    struct tensor_bounds bounds = {.k = NULL};
    enum error_kind kind = ERROR_NONE;
    for (int query = 0; query < problem_queries(problem) && !kind; query++) {
        int row = query * problem->num_heads;
        struct problem one = problem_query(problem, query);
        struct truth of_one = truth_rows(truth, row, problem->num_heads);
        kind = tensor_bounds_of_query(&bounds, problem, query, threads, progress, error);
        if (kind)
            break;
        kind = bounds_of_query(out ? out + (size_t)row * (size_t)problem->head_dim : NULL, lse ? lse + row : NULL,
                               model, &one, &of_one, &bounds, threads, progress, error);
    }
    tensor_bounds_clear(&bounds);
    return kind;
}

enum error_kind error_bound(double *bound, const struct rounding_model *model, const struct problem *problem,
                            const struct truth *truth, int threads, const struct progress *progress,
                            struct error *error)
{
    return error_bounds(bound, NULL, model, problem, truth, threads, progress, error);
}
