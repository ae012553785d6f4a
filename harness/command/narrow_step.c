#include "harness/command/narrow_step.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a step rounds at a key, and what a unit of it is in nats. */
struct rounded {
    double value, nats;
};

/* A row's query, and how its logits are formed. */
struct row {
    const struct recipe *recipe;
    const struct problem *problem;
    int head;
    double lse;         /* of the truth */
    double logit_nats;  /* a unit of the logits */
    double bias_nats;   /* a unit of the bias */
    float *query, *key; /* [D] */
};

struct narrow_step {
    const char *name, *is; /* "biases", "slope * j" */
    enum stage stage;
    size_t member;                                                        /* of struct recipe */
    struct rounded (*at)(const struct row *row, int64_t key, double dot); /* NULL: no key tells */
};

static double position_of(const struct row *row, int64_t key)
{
    int64_t distance = problem_distance(row->problem, key);
    return (double)(row->recipe->bias == BIAS_ABSOLUTE ? distance + row->problem->q_position : distance);
}

static double slope_of(const struct row *row)
{
    return problem_row_slope(row->problem, row->head);
}

static struct rounded slope_at(const struct row *row, int64_t key, double dot)
{
    (void)dot;
    return (struct rounded){slope_of(row), fabs(position_of(row, key))};
}

static struct rounded position_at(const struct row *row, int64_t key, double dot)
{
    (void)dot;
    return (struct rounded){position_of(row, key), fabs(slope_of(row))};
}

static struct rounded bias_at(const struct row *row, int64_t key, double dot)
{
    (void)dot;
    return (struct rounded){slope_of(row) * position_of(row, key) / row->bias_nats, row->bias_nats};
}

static struct rounded logit_at(const struct row *row, int64_t key, double dot)
{
    return (struct rounded){(dot + slope_of(row) * position_of(row, key)) / row->logit_nats, row->logit_nats};
}

#define MEMBER(name) offsetof(struct recipe, name)

static const struct narrow_step steps[] = {
    {"slopes", "the slope", STAGE_SLOPE, MEMBER(slope_dtype), slope_at},
    {"positions", "the position", STAGE_BIAS, MEMBER(position_dtype), position_at},
    {"biases", "the bias", STAGE_BIAS, MEMBER(bias_dtype), bias_at},
    {"logits", "the logit", STAGE_LOGIT, MEMBER(logit_dtype), logit_at},
    {"the softmax scale", NULL, STAGE_SCALE, MEMBER(scale_dtype), NULL},
    {"q times the scale", NULL, STAGE_SCALE, MEMBER(query_dtype), NULL},
    {"q.k", NULL, STAGE_DOT, MEMBER(dot_result_dtype), NULL},
    {"products and sums of q.k", NULL, STAGE_DOT, MEMBER(dot_dtype), NULL},
    {"q.k times the scale", NULL, STAGE_LOGIT, MEMBER(scaled_dtype), NULL},
    {"sums of weights", NULL, STAGE_SUM, MEMBER(sum_dtype), NULL},
    {"weights", NULL, STAGE_WEIGHTED_SUM, MEMBER(weight_dtype), NULL},
    {"sums of weights times v", NULL, STAGE_WEIGHTED_SUM, MEMBER(weighted_sum_dtype), NULL},
    {"partial outputs", NULL, STAGE_MERGE, MEMBER(partial_dtype), NULL},
};

enum dtype narrow_step_dtype(const struct narrow_step *step, const struct recipe *recipe)
{
    enum dtype_rounding rounding;
    memcpy(&rounding, (const char *)recipe + step->member, sizeof rounding);
    return dtype_rounding_dtype(rounding);
}

const struct narrow_step *narrow_step_in(const struct recipe *recipe, enum stage stage)
{
    const struct narrow_step *found = NULL;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        enum dtype dtype = narrow_step_dtype(&steps[i], recipe);
        if (steps[i].stage != stage || dtype == DTYPE_F32)
            continue;
        if (!found || dtypes[dtype].significand_bits <= dtypes[narrow_step_dtype(found, recipe)].significand_bits)
            found = &steps[i];
    }
    return found;
}

const char *narrow_step_name(const struct narrow_step *step)
{
    return step->name;
}

enum stage narrow_step_stage(const struct narrow_step *step)
{
    return step->stage;
}

bool narrow_step_is_of_bias(const struct narrow_step *step)
{
    return step->at != NULL;
}

static double dot_of(const struct row *row, int64_t key)
{
    const struct problem *problem = row->problem;
    double dot = 0;
    dtype_widen(problem_kv_dtype(problem), problem->k, problem_row(problem, key, problem_kv_head(problem, row->head)),
                (size_t)problem->head_dim, row->key);
    for (int d = 0; d < problem->head_dim; d++)
        dot += (double)row->query[d] * (double)row->key[d];
    return problem_logit_scale(problem) * dot;
}

/* The visible key at which half an ulp takes most from its weight, in units of all weight; -1: none. */
static int64_t worst_key(const struct row *row, const struct narrow_step *step, enum dtype dtype,
                         struct rounded *rounded)
{
    int64_t worst = -1;
    double most = 0;
    for (int64_t key = 0; key < row->problem->seq_len; key++) {
        if (!problem_visible(row->problem, key))
            continue;
        double dot = dot_of(row, key);
        double weight = exp(dot + slope_of(row) * (double)problem_distance(row->problem, key) - row->lse);
        struct rounded at = step->at(row, key, dot);
        double loss = weight * fmin(1, dtype_ulp(dtype, at.value) * at.nats);
        if (at.value != 0 && loss > most) {
            most = loss;
            worst = key;
            *rounded = at;
        }
    }
    return worst;
}

static void format_at_key(char *text, size_t size, const struct narrow_step *step, const struct row *row,
                          enum dtype dtype)
{
    struct rounded rounded = {0, 0};
    int64_t key = worst_key(row, step, dtype, &rounded);
    double ulp = dtype_ulp(dtype, rounded.value);
    bool in_units = step->at == bias_at || step->at == logit_at;
    const char *units = !in_units ? "" : row->logit_nats < 1 ? " in base 2" : " in natural units";
    if (step->at == bias_at && row->recipe->scale_entry == SCALE_SUM)
        units = " before the scale";
    int length = snprintf(text, size, "the rounding of %s to %s", step->name, dtypes[dtype].name);
    if (key >= 0 && (size_t)length < size)
        snprintf(
            text + length, size - (size_t)length,
            ": at key %lld, where it matters most, %s is %.4g%s, and one %s ulp is %.2g; half of it changes a weight "
            "by %.2g%%",
            (long long)key, step->is, rounded.value, units, dtypes[dtype].name, ulp,
            100 * expm1(0.5 * ulp * rounded.nats));
}

void narrow_step_format(char *text, size_t size, const struct narrow_step *step, const struct recipe *recipe,
                        const struct rounding_model *model, const struct evaluation *evaluation, int head)
{
    const struct problem *problem = &evaluation->judged.problem;
    enum dtype dtype = narrow_step_dtype(step, recipe);
    double unit = ldexp(1, -dtypes[dtype].significand_bits), logit_nats = recipe->log2e == LOG2E_FOLDED ? M_LN2 : 1;
    size_t dim = (size_t)problem->head_dim;
    struct row row = {
        .recipe = recipe,
        .problem = problem,
        .head = head,
        .lse = evaluation->judged.truth.lse[head],
        .logit_nats = logit_nats,
        .bias_nats = recipe->scale_entry == SCALE_SUM ? fabs(problem_logit_scale(problem)) : logit_nats,
        .query = malloc(2 * dim * sizeof(float)),
    };
    row.key = row.query ? row.query + dim : NULL;
    if (step->at && row.query) {
        dtype_widen(problem->dtype, problem->q, (size_t)head * dim, dim, row.query);
        format_at_key(text, size, step, &row, dtype);
    } else if (step->stage == STAGE_MERGE && model->chunk_len) {
        snprintf(text, size, "the rounding of the partial outputs of %lld chunks to %s, by up to %.2g%% of each",
                 (long long)((problem->seq_len + model->chunk_len - 1) / model->chunk_len), dtypes[dtype].name,
                 100 * unit);
    } else {
        snprintf(text, size, "the rounding of %s to %s, by up to %.2g%% of each", step->name, dtypes[dtype].name,
                 100 * unit);
    }
    free(row.query);
}
