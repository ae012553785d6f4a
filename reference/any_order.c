/* any_order.md, equation by equation; the numbers in comments are those of its equations. */
#include "reference/any_order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference/bound_end.h"
#include "reference/exp_dd.h"
#include "reference/key_rows.h"

/* Logits are counted in steps of 1/64 nat, those that lie far below the maximum in one. */
enum { STEPS = 64 * 64 };
static const double step_nats = 1.0 / 64;

/* ln TAIL, and a little more. */
#define LN_TAIL (-31.8)

/* Weights above this have no bound. */
#define LARGEST_LOG_WEIGHT 30.0

/* Sums over keys, of each element of an output. */
enum value_sum {
    FROM_LOGITS,       /* sum_j p_j (e^x_j - 1) |v_jd - o_d| */
    FROM_WEIGHTS,      /* sum_j p_j e^x_j (e^y_j - 1) |v_jd| */
    FROM_NARROW,       /* sum_j n_j |v_jd| */
    FROM_NARROW_APART, /* sum_j n_j |v_jd - o_d| */
    SIZE,              /* sum_j q_j |v_jd| */
    POSITIVE,          /* the same of positive v_jd */
    LIGHT_SIZE,        /* the same of light keys */
    VALUE_SUMS
};

enum error_kind any_order_room_init(struct any_order_room *room, const struct problem *problem, struct error *error)
{
    size_t keys = key_scores_room(problem), dim = (size_t)problem->head_dim;
    *room = (struct any_order_room){
        .logit_error = malloc(2 * keys * sizeof(double)),
        .above = malloc((STEPS + 1) * sizeof(int32_t)),
        .values = malloc(VALUE_SUMS * dim * sizeof(double)),
    };
    if (!room->logit_error || !room->above || !room->values) {
        any_order_room_clear(room);
        return error_memory(error, "the error bound of a head", (double)keys * 2 * sizeof(double));
    }
    room->weight_error = room->logit_error + keys;
    return ERROR_NONE;
}

void any_order_room_clear(struct any_order_room *room)
{
    free(room->logit_error);
    free(room->above);
    free(room->values);
    *room = (struct any_order_room){0};
}

/* A row at work. */
struct row {
    struct any_order_room *room;
    struct key_scores *scores;
    const struct rounding_model *model;
    const struct problem *problem;
    const struct logit_terms *terms;
    const double *value; /* [D] of the truth */
    double lse, max;     /* of the truth; the largest logit, the sink's included */
    int64_t low;         /* keys below it are not looked at */
    double visible;      /* keys that may have weight, a sink included */
};

/* What weights come to. */
struct weight_sums {
    double size;      /* sum_j q_j, the largest that they may be */
    double light;     /* the same of light keys */
    double least;     /* the least that they may be */
    double one;       /* the largest of what single ones are at least */
    double apart;     /* sum_j p_j e^x_j (e^y_j - 1) */
    double from_sink; /* p_sink (e^x - 1) + n_sink */
    double heavy;     /* how many keys are not light */
    double rescales;  /* of one of those at most */
};

/* The most that happens to a key on its way, by the model's chain. */
static double at_most(const struct rounding_model *model, double count)
{
    return model->chain > 0 ? fmin(count, (double)model->chain) : count;
}

/* What is added up. */
struct terms {
    double size, side; /* their magnitudes together; those of one sign at most */
    double light;      /* those of light keys */
};

/* What `count` additions of f32 lose, and of them what comes into further ones: partial sums are at most `side`, and a
 * term goes through no more of them than the chain. */
static double lost_in_few(const struct rounding_model *model, const struct terms *terms, double count, double others)
{
    double chain = at_most(model, count);
    double side = count * model->add, whole = chain * model->add;
    double by_side = side < 1 ? (side * terms->side + others) / (1 - side) : INFINITY;
    double by_chain = whole < 1 ? (whole * terms->size + others) / (1 - whole) : INFINITY;
    return fmin(by_side, by_chain);
}

/* (3): what additions lose in any tree, and what rescaling makes of it; all: how many terms there are. */
static double lost_in_additions(const struct rounding_model *model, const struct weight_sums *sums,
                                const struct terms *terms, double all)
{
    double light_keys = fmax(all - sums->heavy, 0), most = at_most(model, all) + model->rescales_after;
    double growth = exp(most * model->rescale), heavy_growth = exp(sums->rescales * model->rescale);
    double of_light = terms->light * ((model->add_lost + 1) * exp(at_most(model, light_keys) * model->add) - 1);
    double of_all = lost_in_few(model, terms, fmax(all - 1, 0), 0) * growth;
    double of_heavy = lost_in_few(model, terms, fmax(sums->heavy - 1, 0), of_light * growth / heavy_growth);
    return fmin(of_all, of_heavy * heavy_growth);
}

/* As far as any key is concerned. */
static struct most_roundings most_roundings(const struct rounding_model *model, double keys)
{
    return (struct most_roundings){
        .rescales = (at_most(model, keys) + model->rescales_after) * model->rescale,
        .additions = log1p(model->add_lost) + at_most(model, keys) * model->add + model->narrow_weight,
    };
}

/* Errors of keys that were scored. False if there is one that nothing is promised of. */
static bool find_errors(const struct row *row, double rescales)
{
    for (int64_t key = row->low; key < row->problem->seq_len; key++) {
        struct key_error error = {-INFINITY, -INFINITY};
        if (key_counts(row->scores, row->problem, key))
            error = key_error_parts(row->model, row->terms, key, row->scores->logits[key], row->scores->absolute[key],
                                    row->lse, row->max, rescales);
        if (error.weight == INFINITY)
            return false;
        row->room->logit_error[key] = error.logit;
        row->room->weight_error[key] = error.weight - error.logit - rescales;
    }
    return true;
}

/* How many steps a logit lies below the maximum, at least or at most; above it: 0. */
static int step_of(const struct row *row, double logit, bool at_most_below)
{
    double steps = (row->max - logit) / step_nats;
    steps = at_most_below ? floor(steps) : ceil(steps);
    return (int)fmin(fmax(steps, 0), STEPS);
}

/* above[s]: keys that may be within s steps of the maximum, or above it. */
static void count_above(const struct row *row)
{
    int32_t *above = row->room->above;
    memset(above, 0, (STEPS + 1) * sizeof *above);
    for (int64_t key = row->low; key < row->problem->seq_len; key++)
        if (row->room->logit_error[key] != -INFINITY)
            above[step_of(row, row->scores->logits[key] + row->room->logit_error[key], true)]++;
    for (int s = 1; s <= STEPS; s++)
        above[s] += above[s - 1];
}

/* (4): new maxima that may come after a key, or a sink, whose logit is this at least: of keys that may lie above it,
 * itself counted, and of the sink. Keys that were not looked at weigh less than TAIL each. */
static double rescales_after(const struct row *row, double logit)
{
    int step = step_of(row, logit, false);
    bool all = step == STEPS || logit < row->lse + LN_TAIL;
    double above = all ? row->visible : (double)row->room->above[step] + (row->problem->sink_logits != NULL);
    return at_most(row->model, fmax(above - 1, 0)) + row->model->rescales_after;
}

/* What a key's weight may come to, and by how much. */
struct key_weight {
    double largest, least; /* q_j; and the other end */
    double from_logit;     /* p_j (e^x_j - 1) */
    double apart;          /* p_j e^x_j (e^y_j - 1) */
    double narrow;         /* n_j */
};

static double bounded_exp(double x)
{
    return x < EXP_LOWEST ? 0 : exp_double(fmin(x, 1)) * (x > 1 ? exp(x - 1) : 1);
}

/* weight (e^x - 1), of which grown is weight e^x. */
static double grown_by(double weight, double grown, double x)
{
    return x < 0.5 ? weight * expm1(x) : grown - weight;
}

static struct key_weight key_weight(const struct row *row, double relative, double logit_error, double weight_error,
                                    double unit_weight)
{
    const struct rounding_model *model = row->model;
    double probability = bounded_exp(fmin(relative, 0)), moved = bounded_exp(relative + logit_error);
    struct key_weight weight = {
        .largest = bounded_exp(relative + logit_error + weight_error),
        .least = bounded_exp(relative - logit_error - weight_error),
    };
    weight.from_logit = grown_by(probability, moved, logit_error);
    weight.apart = grown_by(moved, weight.largest, weight_error);
    double floor = fmax(model->narrow_weight_floor * unit_weight, model->narrow_probability_floor);
    weight.narrow = fmax(weight.largest * model->narrow_weight, fmin(weight.largest, floor)); /* (5) */
    weight.largest += weight.narrow;
    weight.least = fmax(weight.least - weight.narrow, 0);
    return weight;
}

/* Adds a key's part to the sums over v. */
static void add_values(const struct row *row, int64_t key, const struct key_weight *weight, bool light)
{
    const struct problem *problem = row->problem;
    size_t dim = (size_t)problem->head_dim;
    double scale = problem_value_scale(problem), *sums = row->room->values;
    const float *restrict v = row->scores->row;
    const double *restrict exact = row->value;
    double *restrict from_logits = sums + FROM_LOGITS * dim, *restrict from_weights = sums + FROM_WEIGHTS * dim,
                     *restrict from_narrow = sums + FROM_NARROW * dim,
                     *restrict from_narrow_apart = sums + FROM_NARROW_APART * dim, *restrict sizes = sums + SIZE * dim,
                     *restrict positive = sums + POSITIVE * dim, *restrict light_sizes = sums + LIGHT_SIZE * dim;
    dtype_widen(problem_kv_dtype(problem), problem->v, problem_row(problem, key, row->terms->kv_head), dim,
                row->scores->row);
#pragma omp simd
    for (size_t d = 0; d < dim; d++) {
        double value = (double)v[d] * scale, apart = fabs(value - exact[d]), size = fabs(value);
        from_logits[d] += weight->from_logit * apart;
        from_weights[d] += weight->apart * size;
        from_narrow[d] += weight->narrow * size;
        from_narrow_apart[d] += weight->narrow * apart;
        sizes[d] += weight->largest * size;
        positive[d] += weight->largest * (0.5 * (value + size)); /* exact, and without a branch */
    }
    for (size_t d = 0; light && d < dim; d++)
        light_sizes[d] += weight->largest * fabs((double)v[d] * scale);
}

static void add_weight(struct weight_sums *sums, const struct key_weight *weight, bool light)
{
    sums->size += weight->largest;
    sums->light += light ? weight->largest : 0;
    sums->least += weight->least;
    sums->one = fmax(sums->one, weight->least);
    sums->apart += weight->apart;
    sums->heavy += !light;
}

/* A learned sink: a key whose v is 0. */
static void add_sink(const struct row *row, struct weight_sums *sums)
{
    double sink = (double)row->problem->sink_logits[row->terms->head];
    double error = sink_error(row->model, row->terms, sink, row->max);
    double rescales = rescales_after(row, sink - error);
    struct key_weight weight = key_weight(row, sink - row->lse, error + rescales * row->model->rescale, 0, 0);
    add_weight(sums, &weight, false);
    sums->rescales = fmax(sums->rescales, rescales);
    sums->from_sink = weight.from_logit + weight.narrow;
}

/* Sums of row->low and newer. False where nothing is promised. */
static bool sum_keys(const struct row *row, struct weight_sums *sums, bool with_values)
{
    const struct rounding_model *model = row->model;
    double unit_weight = bounded_exp(fmin(row->max - row->lse, 0)) * exp(model->max_offset);
    *sums = (struct weight_sums){0};
    memset(row->room->values, 0, (size_t)(VALUE_SUMS * row->problem->head_dim) * sizeof(double));
    for (int64_t key = row->low; key < row->problem->seq_len; key++) {
        if (with_values && (key - row->low) % KEY_ROWS == 0)
            key_rows_fetch(row->problem, row->problem->v, row->terms->kv_head, key);
        double logit_error = row->room->logit_error[key], relative = row->scores->logits[key] - row->lse;
        if (logit_error == -INFINITY)
            continue;
        double rescales = rescales_after(row, row->scores->logits[key] - logit_error);
        double weight_error = row->room->weight_error[key] + rescales * model->rescale;
        if (!(relative + logit_error + weight_error < LARGEST_LOG_WEIGHT))
            return false;
        struct key_weight weight = key_weight(row, relative, logit_error, weight_error, unit_weight);
        bool light = weight.largest <= model->add;
        add_weight(sums, &weight, light);
        if (!light)
            sums->rescales = fmax(sums->rescales, rescales);
        if (with_values)
            add_values(row, key, &weight, light);
    }
    if (row->problem->sink_logits)
        add_sink(row, sums);
    return true;
}

/* (7): the least that the sum of weights may come to, additions counted, relative to what it is. No sum of weights is
 * less than one of them, since rounding is monotonic. */
static double least_sum(const struct row *row, const struct weight_sums *sums, double *lost)
{
    const struct rounding_model *model = row->model;
    const struct terms weights = {sums->size + TAIL, sums->size + TAIL, sums->light + TAIL};
    *lost = lost_in_additions(model, sums, &weights, row->visible);
    double floors = model->sum_floor * bounded_exp(fmin(row->max - row->lse, 0)) * exp(model->max_offset);
    *lost += floors;
    return fmax(sums->least - *lost, sums->one - floors);
}

/* Whether so much may be lost that it is worth to see what is left of the weights before v is read: without any of
 * them no element has a bound. */
static bool may_lose_all(const struct row *row)
{
    return at_most(row->model, row->visible) * row->model->add > 0.25;
}

/* (6) and (7) */
static double element_bound(const struct row *row, const struct weight_sums *sums, int d, double largest_v)
{
    const struct rounding_model *model = row->model;
    const struct problem *problem = row->problem;
    int dim = problem->head_dim;
    const double *values = row->room->values + d;
    double scale = fabs(problem_value_scale(problem)), magnitude = fabs(row->value[d]), largest = largest_v * scale;
    double lost, least = least_sum(row, sums, &lost);
    if (!(least > 0))
        return INFINITY;
    double size = values[SIZE * dim] + TAIL * largest, tail = TAIL * largest, rounded = 1 + model->weight;
    double positive = values[POSITIVE * dim], side = fmax(positive, values[SIZE * dim] - positive) + tail;
    const struct terms terms = {size * rounded, side * rounded, (values[LIGHT_SIZE * dim] + tail) * rounded};
    double additions = lost_in_additions(model, sums, &terms, row->visible);
    double unit_weight = bounded_exp(fmin(row->max - row->lse, 0)) * exp(model->max_offset);
    double error = values[FROM_LOGITS * dim] + magnitude * sums->from_sink + values[FROM_WEIGHTS * dim] +
                   magnitude * sums->apart + fmax(values[FROM_NARROW * dim], values[FROM_NARROW_APART * dim]) +
                   size * model->weight + additions + (terms.size + additions) * model->partial + magnitude * lost +
                   4 * TAIL * (largest + magnitude);
    double floors = model->out_floor * unit_weight / least + model->divided_floor;
    error /= least;
    if (model->lse_weights)
        error += (magnitude + error) * (bound_of_lse(model, row->terms, row->lse, row->max, 0) + model->exponential);
    if (!(error <= largest + magnitude)) /* what any weights give */
        return INFINITY;
    return bound_of_output(model, problem, magnitude, error + floors * fmax(scale, 1));
}

static double lse_bound(const struct row *row, const struct weight_sums *sums)
{
    double lost, least = least_sum(row, sums, &lost);
    if (!(least > 0))
        return INFINITY;
    return bound_of_lse(row->model, row->terms, row->lse, row->max,
                        fmax(log(sums->size + lost + 2 * TAIL), -log(least)));
}

static double visible_keys(const struct problem *problem)
{
    int64_t count = problem->sink_logits ? 1 : 0;
    for (int64_t key = 0; key < problem->seq_len; key++)
        count += problem_visible(problem, key);
    return (double)count;
}

void any_order_bounds(double *out, double *lse, struct any_order_room *room, struct key_scores *scores,
                      const struct rounding_model *model, const struct logit_terms *terms,
                      const struct tensor_bounds *bounds, const double *value, double row_lse)
{
    const struct problem *problem = terms->problem;
    struct row row = {.room = room,
                      .scores = scores,
                      .model = model,
                      .problem = problem,
                      .terms = terms,
                      .value = value,
                      .lse = row_lse,
                      .visible = visible_keys(problem)};
    const struct most_roundings most = most_roundings(model, row.visible);
    struct weight_sums sums;
    double lost;
    row.low = key_scores_fill(scores, model, &most, row_lse, bounds, terms, &row.max);
    if (problem->sink_logits)
        row.max = fmax(row.max, (double)problem->sink_logits[terms->head]);
    bool promised = !overflows(row.visible, model->sum_max) && find_errors(&row, most.rescales);
    if (promised) {
        count_above(&row);
        promised = !(out && may_lose_all(&row)) || (sum_keys(&row, &sums, false) && least_sum(&row, &sums, &lost) > 0);
    }
    promised = promised && sum_keys(&row, &sums, out);
    for (int d = 0; out && d < problem->head_dim; d++)
        out[d] = promised ? element_bound(&row, &sums, d, (double)bounds->v[terms->kv_head * problem->head_dim + d])
                          : INFINITY;
    if (lse)
        *lse = promised ? lse_bound(&row, &sums) : INFINITY;
}
