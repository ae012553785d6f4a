#include "reference/tests/arb_attention.h"

#if __has_include(<arb.h>)
#include <arb.h>
#else
#include <flint/arb.h>
#endif
#include <math.h>
#include <stdlib.h>

enum { BLOCK = 64 }; /* keys whose v is held as balls at once */

/* One thread's balls. */
struct workspace {
    arb_ptr weight; /* [N] logits, then weights; 0 where the key is not visible */
    arb_ptr query;  /* [D] */
    arb_ptr rows;   /* [BLOCK, D] of k or v, 0 where the key is not visible */
    arb_ptr out;    /* [D] sum_j w_j v_j */
    float *row;     /* [D] */
};

static void load_row(arb_ptr balls, struct workspace *workspace, const struct problem *problem, const void *tensor,
                     enum dtype dtype, size_t first)
{
    dtype_widen(dtype, tensor, first, (size_t)problem->head_dim, workspace->row);
    for (int d = 0; d < problem->head_dim; d++)
        arb_set_d(balls + d, (double)workspace->row[d]);
}

/* value + tail within radius contains the ball. */
static void store(double *value, double *tail, double *radius, const arb_t ball)
{
    arf_t rest;
    arf_init(rest);
    *value = arf_get_d(arb_midref(ball), ARF_RND_NEAR);
    arf_set_d(rest, *value);
    arf_sub(rest, arb_midref(ball), rest, ARF_PREC_EXACT, ARF_RND_DOWN);
    *tail = arf_get_d(rest, ARF_RND_NEAR);
    *radius = 1.01 * mag_get_d(arb_radref(ball)) + 0x1p-106 * fabs(*value) + 0x1p-1074;
    arf_clear(rest);
}

static void cap_logit(arb_ptr logit, const struct problem *problem, slong precision)
{
    arb_t cap;
    arb_init(cap);
    arb_set_d(cap, (double)problem->soft_cap_value);
    arb_div(logit, logit, cap, precision);
    arb_tanh(logit, logit, precision);
    arb_mul(logit, logit, cap, precision);
    arb_clear(cap);
}

/* s_j in the place of the weights; max is some number near the largest. False where no key is visible. */
static bool score_keys(arf_t max, struct workspace *workspace, const struct problem *problem, int head, slong precision)
{
    int kv_head = problem_kv_head(problem, head);
    bool any = false;
    arb_t scale, slope;
    arb_init(scale);
    arb_init(slope);
    arb_set_d(scale, problem_logit_scale(problem));
    arb_set_d(slope, (double)problem->slopes[head]);
    for (int64_t key = 0; key < problem->seq_len; key++) {
        arb_ptr logit = workspace->weight + key;
        if (!problem_visible(problem, key))
            continue;
        load_row(workspace->rows, workspace, problem, problem->k, problem_kv_dtype(problem),
                 problem_row(problem, key, kv_head));
        arb_dot(logit, NULL, 0, workspace->query, 1, workspace->rows, 1, problem->head_dim, precision);
        arb_mul(logit, logit, scale, precision);
        if (problem->soft_cap == SOFT_CAP_BEFORE_BIAS)
            cap_logit(logit, problem, precision);
        arb_addmul_si(logit, slope, (slong)problem_distance(problem, key), precision);
        if (problem->soft_cap == SOFT_CAP_AFTER_BIAS)
            cap_logit(logit, problem, precision);
        if (!any || arf_cmp(arb_midref(logit), max) > 0)
            arf_set(max, arb_midref(logit));
        any = true;
    }
    arb_clear(scale);
    arb_clear(slope);
    return any;
}

/* w_j in the place of the logits, and their sum. */
static void weigh_keys(arb_t sum, const arf_t max, struct workspace *workspace, const struct problem *problem,
                       slong precision)
{
    arb_zero(sum);
    for (int64_t key = 0; key < problem->seq_len; key++) {
        arb_ptr weight = workspace->weight + key;
        if (!problem_visible(problem, key)) {
            arb_zero(weight);
            continue;
        }
        arb_sub_arf(weight, weight, max, precision);
        arb_exp(weight, weight, precision);
        arb_add(sum, sum, weight, precision);
    }
}

static void sum_values(struct workspace *workspace, const struct problem *problem, int head, slong precision)
{
    int dim = problem->head_dim, kv_head = problem_kv_head(problem, head);
    _arb_vec_zero(workspace->out, dim);
    for (int64_t first = 0; first < problem->seq_len; first += BLOCK) {
        int64_t left = problem->seq_len - first, count = left < BLOCK ? left : BLOCK;
        arb_ptr weight = workspace->weight + first;
        for (int64_t i = 0; i < count; i++) {
            if (problem_visible(problem, first + i))
                load_row(workspace->rows + i * dim, workspace, problem, problem->v, problem_kv_dtype(problem),
                         problem_row(problem, first + i, kv_head));
            else
                _arb_vec_zero(workspace->rows + i * dim, dim);
        }
        for (int d = 0; d < dim; d++)
            arb_dot(workspace->out + d, workspace->out + d, 0, weight, 1, workspace->rows + d, dim, count, precision);
    }
}

static void solve_head(struct truth *truth, struct workspace *workspace, const struct problem *problem, int head,
                       slong precision)
{
    size_t first = (size_t)head * (size_t)problem->head_dim;
    arb_t sum, sink, value_scale;
    arf_t max;
    arb_init(sum);
    arb_init(sink);
    arb_init(value_scale);
    arb_set_d(value_scale, problem_value_scale(problem));
    arf_init(max);
    load_row(workspace->query, workspace, problem, problem->q, problem->dtype, first);
    if (!score_keys(max, workspace, problem, head, precision)) {
        truth->lse[head] = problem->sink_logits ? (double)problem->sink_logits[head] : -INFINITY;
        goto out; /* and out is the 0 that truth_init left */
    }
    if (problem->sink_logits)
        arb_set_d(sink, (double)problem->sink_logits[head]);
    if (problem->sink_logits && arf_cmp(arb_midref(sink), max) > 0)
        arf_set(max, arb_midref(sink));
    weigh_keys(sum, max, workspace, problem, precision);
    if (problem->sink_logits) {
        arb_sub_arf(sink, sink, max, precision);
        arb_exp(sink, sink, precision);
        arb_add(sum, sum, sink, precision);
    }
    sum_values(workspace, problem, head, precision);
    for (int d = 0; d < problem->head_dim; d++) {
        size_t i = first + (size_t)d;
        arb_div(workspace->out + d, workspace->out + d, sum, precision);
        arb_mul(workspace->out + d, workspace->out + d, value_scale, precision);
        store(&truth->value[i], &truth->tail[i], &truth->radius[i], workspace->out + d);
    }
    arb_log(sum, sum, precision);
    arb_add_arf(sum, sum, max, precision);
    store(&truth->lse[head], &truth->lse_tail[head], &truth->lse_radius[head], sum);
out:
    arb_clear(sum);
    arb_clear(sink);
    arb_clear(value_scale);
    arf_clear(max);
}

enum error_kind arb_attention(struct truth *truth, const struct problem *problem, int precision, int threads,
                              struct error *error)
{
    size_t dim = (size_t)problem->head_dim;
    bool short_of_memory = false;
#pragma omp parallel num_threads(threads)
    {
        float *row = malloc(dim * sizeof *row);
        struct workspace workspace = {
            .weight = _arb_vec_init(problem->seq_len),
            .query = _arb_vec_init(problem->head_dim),
            .rows = _arb_vec_init((slong)BLOCK * problem->head_dim),
            .out = _arb_vec_init(problem->head_dim),
            .row = row,
        };
        if (!row) {
#pragma omp atomic write
            short_of_memory = true;
        }
#pragma omp for schedule(dynamic, 1)
        for (int head = 0; head < problem->num_heads; head++)
            if (row)
                solve_head(truth, &workspace, problem, head, precision);
        _arb_vec_clear(workspace.weight, problem->seq_len);
        _arb_vec_clear(workspace.query, problem->head_dim);
        _arb_vec_clear(workspace.rows, (slong)BLOCK * problem->head_dim);
        _arb_vec_clear(workspace.out, problem->head_dim);
        free(row);
        flint_cleanup();
    }
    return short_of_memory ? error_memory(error, "a row", (double)dim * sizeof(float)) : ERROR_NONE;
}
