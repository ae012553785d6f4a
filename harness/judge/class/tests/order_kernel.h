/*
 * Attention in emulated arithmetic: a class's roundings and no others, in any order of operations that its bound has to
 * hold for. What a kernel does is drawn: orders of keys and of products, trees of additions, where maxima are taken and
 * states merged, what scales and bases enter where, how weights are divided. Errors of exponentials are as large as the
 * class allows, at random or all on one side. Every operation is one of f32, rounded to nearest, or of what the class
 * holds in fewer bits.
 */
#ifndef HARNESS_JUDGE_CLASS_TESTS_ORDER_KERNEL_H
#define HARNESS_JUDGE_CLASS_TESTS_ORDER_KERNEL_H

#include "harness/judge/class/tests/order_state.h"

/* out[D] and lse of a head. */
static inline void order_head(float *out, float *lse, struct order_work *work)
{
    const struct order_kernel *kernel = work->kernel;
    const struct problem *problem = work->problem;
    struct order_state state = {.out = out};
    order_clear(work, &state);
    bool sink_first = problem->sink_logits && kernel->sink_first && kernel->tree == TREE_ONLINE &&
                      !order_absolute(work) && kernel->base != BASE_SCALED_APART;
    if (sink_first) {
        state.max = order_sink(work);
        state.sum = 1;
    }
    if (work->num_keys > 0) {
        if (kernel->tree == TREE_ONLINE)
            order_online(work, &state, 0, work->num_keys);
        else if (kernel->tree == TREE_CHUNKS)
            order_chunks(work, &state);
        else if (kernel->tree == TREE_KNOWN)
            order_known(work, &state);
        else
            order_tree_of(work, &state, 0, work->num_keys, kernel->tree == TREE_PAIRS);
        order_relative(work, &state);
    }
    bool divided = kernel->probabilities && work->num_keys > 0;
    if (problem->sink_logits && !sink_first) {
        if (work->num_keys == 0) {
            state.max = order_sink(work);
            state.sum = 1;
        } else {
            order_take_sink(work, &state, divided);
        }
    }
    bool empty = state.sum == 0;
    bool to_v_scale = problem->kv_format != KV_AS_DTYPE && !kernel->scaled_k;
    for (int d = 0; d < work->dim; d++) {
        if (!empty && !divided)
            out[d] = order_divided(work, out[d], state.sum);
        if (to_v_scale)
            out[d] *= problem->v_scale;
    }
    bool base_2 = kernel->base == BASE_FOLDED || kernel->base == BASE_LOGIT;
    *lse = empty ? -INFINITY : order_state_lse(work, &state) * (base_2 ? (float)M_LN2 : 1);
}

/* out in the problem's dtype, lse[R]; target[R, D]: the exact output. */
static inline void order_kernel_run(const struct order_kernel *drawn, const struct problem *whole, void *out,
                                    float *lse, const double *target)
{
    struct order_kernel kernel = *drawn;
    int dim = whole->head_dim;
    size_t keys = (size_t)whole->seq_len + 1;
    struct order_work work = {.kernel = &kernel,
                              .dim = dim,
                              .narrow = whole->dtype == DTYPE_F16 ? DTYPE_F16 : DTYPE_BF16,
                              .keys = malloc(keys * sizeof(int64_t)),
                              .logits = malloc(keys * sizeof(float))};
    struct order_keyed *keyed = malloc(keys * sizeof *keyed);
    float row[256];
    if (!work.keys || !work.logits || !keyed)
        abort();
    order_kernel_fit(&kernel, whole);
    for (int r = 0; r < problem_rows(whole); r++) {
        const struct problem problem = problem_query(whole, r / whole->num_heads);
        work.problem = &problem;
        work.head = r % whole->num_heads;
        work.kv_head = problem_kv_head(&problem, work.head);
        work.state = kernel.seed + (uint64_t)r;
        work.target = target + (size_t)r * (size_t)dim;
        work.num_keys = 0;
        order_begin(&work);
        for (int64_t key = 0; key < problem.seq_len; key++)
            if (problem_visible(&problem, key)) {
                work.logits[key] = order_logit(&work, key);
                keyed[work.num_keys++] = (struct order_keyed){(double)work.logits[key], key};
            }
        order_sort(keyed, work.num_keys, kernel.keys, &work.state);
        for (int64_t i = 0; i < work.num_keys; i++)
            work.keys[i] = keyed[i].index;
        order_head(row, &lse[r], &work);
        dtype_narrow(whole->dtype, out, (size_t)r * (size_t)dim, (size_t)dim, row);
    }
    free(work.keys);
    free(work.logits);
    free(keyed);
}

#endif
