/* Logits in emulated arithmetic (order_kernel.h), and orders of what is summed up. */
#ifndef HARNESS_JUDGE_CLASS_TESTS_ORDER_LOGIT_H
#define HARNESS_JUDGE_CLASS_TESTS_ORDER_LOGIT_H

#include "harness/judge/class/tests/order_choices.h"

struct order_keyed {
    double by;
    int64_t index;
};

static inline int order_compare(const void *left, const void *right)
{
    const struct order_keyed *a = left, *b = right;
    return a->by != b->by ? (a->by > b->by) - (a->by < b->by) : (a->index > b->index) - (a->index < b->index);
}

/* Indices of an order; by[i]: what ascends. */
static inline void order_sort(struct order_keyed *keyed, int64_t count, enum order_of_keys order, uint64_t *state)
{
    for (int64_t i = 0; i < count; i++) {
        double random = draw_between(state, 0, 1);
        if (order == KEYS_FORWARDS || order == KEYS_BACKWARDS)
            keyed[i].by = (double)i;
        if (order == KEYS_RANDOM)
            keyed[i].by = random;
        if (order == KEYS_BACKWARDS || order == KEYS_DESCENDING)
            keyed[i].by = -keyed[i].by;
    }
    qsort(keyed, (size_t)count, sizeof *keyed, order_compare);
}

/* Whether q, k and v are numbers that tensor cores take. */
static inline bool order_is_16_bits(const struct order_work *work)
{
    return work->problem->dtype != DTYPE_F32 && work->problem->kv_format == KV_AS_DTYPE;
}

/* sum + a . b, of numbers of the problem's dtype. */
static inline float order_fused(const struct order_work *work, const float *a, const float *b, int count, float sum)
{
    for (int first = 0; first < count; first += MMA_PRODUCTS) {
        uint16_t a_bits[MMA_PRODUCTS] = {0}, b_bits[MMA_PRODUCTS] = {0};
        size_t some = (size_t)(count - first < MMA_PRODUCTS ? count - first : MMA_PRODUCTS);
        dtype_narrow(work->problem->dtype, a_bits, 0, some, a + first);
        dtype_narrow(work->problem->dtype, b_bits, 0, some, b + first);
        sum = fused_sum(work->kernel->tensor_core, work->problem->dtype, a_bits, b_bits, sum);
    }
    return sum;
}

/* q.k of what query and k are held as. */
static inline float order_dot(struct order_work *work, const float *k)
{
    struct order_keyed keyed[256];
    float sum = 0;
    if (order_is_16_bits(work) && work->kernel->tensor_core_dot && work->kernel->scale != SCALES_QUERY)
        return order_fused(work, work->query, k, work->dim, 0);
    for (int i = 0; i < work->dim; i++)
        keyed[i] = (struct order_keyed){(double)work->query[i] * (double)k[i], i};
    order_sort(keyed, work->dim, work->kernel->products, &work->state);
    if (work->kernel->products == KEYS_RANDOM) { /* and in pairs */
        float terms[256];
        for (int i = 0; i < work->dim; i++)
            terms[i] = work->query[keyed[i].index] * k[keyed[i].index];
        for (int count = work->dim; count > 1; count = (count + 1) / 2)
            for (int i = 0; i < count / 2; i++) {
                terms[i] += terms[count - 1 - i];
            }
        return terms[0];
    }
    for (int i = 0; i < work->dim; i++) {
        float a = work->query[keyed[i].index], b = k[keyed[i].index];
        sum = work->kernel->fused_dot ? fmaf(a, b, sum) : a * b + sum;
    }
    return sum;
}

/* Not beneath a soft cap, which a constant in all logits would change. */
static inline bool order_absolute(const struct order_work *work)
{
    return order_has(work->kernel, CLASS_ABSOLUTE_BIAS) && work->problem->soft_cap != SOFT_CAP_AFTER_BIAS;
}

static inline float order_bias(const struct order_work *work, int64_t key)
{
    bool absolute = order_absolute(work);
    int64_t position = absolute ? work->problem->kv_offset + key : problem_distance(work->problem, key);
    float held = order_narrowed(work, CLASS_BIAS16, (float)position);
    return order_narrowed(work, CLASS_BIAS16, work->slope * held);
}

static inline float order_logit(struct order_work *work, int64_t key)
{
    const struct order_kernel *kernel = work->kernel;
    const struct problem *problem = work->problem;
    float k[256], cap = problem->soft_cap_value, log2_e = (float)M_LOG2E,
                  base = kernel->base == BASE_FOLDED ? log2_e : 1;
    dtype_widen(problem_kv_dtype(problem), problem->k, problem_row(problem, key, work->kv_head), (size_t)work->dim, k);
    for (int i = 0; i < work->dim; i++) {
        if (kernel->scaled_k && problem->kv_format != KV_AS_DTYPE)
            k[i] *= problem->k_scale;
        k[i] = order_narrowed(work, CLASS_QUERY16, k[i]);
    }
    float dot = order_narrowed(work, CLASS_LOGITS16, order_dot(work, k)), bias = order_bias(work, key), logit;
    bool product = kernel->scale == SCALES_PRODUCT || problem->soft_cap == SOFT_CAP_BEFORE_BIAS;
    if (product && kernel->scale != SCALES_QUERY)
        dot = order_narrowed(work, CLASS_LOGITS16, dot * work->scale);
    if (problem->soft_cap == SOFT_CAP_BEFORE_BIAS) {
        float capped = order_tanh(work, dot / cap) * (cap * base);
        logit = order_narrowed(work, CLASS_LOGITS16, capped) + bias;
    } else if (kernel->scale == SCALES_DOT) {
        logit = fmaf(dot, work->scale, bias);
    } else if (kernel->scale == SCALES_SUM) {
        logit = (dot + bias) * work->scale;
    } else {
        logit = dot + bias;
    }
    if (problem->soft_cap == SOFT_CAP_AFTER_BIAS)
        logit = order_tanh(work, logit / (cap * base)) * (cap * base);
    logit = order_narrowed(work, CLASS_LOGITS16, logit);
    return kernel->base == BASE_LOGIT ? logit * log2_e : logit;
}

/* Scale, slope and query as the kernel has them. */
static inline void order_begin(struct order_work *work)
{
    const struct order_kernel *kernel = work->kernel;
    const struct problem *problem = work->problem;
    bool fp8 = problem->kv_format != KV_AS_DTYPE, capped = problem->soft_cap == SOFT_CAP_BEFORE_BIAS;
    float log2_e = (float)M_LOG2E, scale = problem->scale, slope = problem->slopes[work->head];
    scale = order_narrowed(work, CLASS_QUERY16, scale);
    if (fp8 && !kernel->scaled_k)
        scale *= problem->k_scale;
    slope = order_narrowed(work, CLASS_BIAS16, slope);
    if (kernel->scale == SCALES_SUM && !capped)
        slope /= scale;
    else if (kernel->base == BASE_FOLDED)
        slope *= log2_e;
    if (kernel->base == BASE_FOLDED && !capped)
        scale *= log2_e;
    work->scale = scale;
    work->slope = slope;
    work->log2_e = kernel->base == BASE_SCALED_APART ? log2_e : 1;
    dtype_widen(problem->dtype, problem->q, (size_t)(work->head * work->dim), (size_t)work->dim, work->query);
    for (int i = 0; i < work->dim; i++) {
        if (kernel->scale == SCALES_QUERY)
            work->query[i] *= scale;
        work->query[i] = order_narrowed(work, CLASS_QUERY16, work->query[i]);
    }
}

/* Whether a kernel as drawn is one of its class: what the table of class_rounding.c does not have is left out. */
static inline void order_kernel_fit(struct order_kernel *kernel, const struct problem *problem)
{
    if (order_has(kernel, CLASS_BIAS16) || order_has(kernel, CLASS_LOGITS16) || order_has(kernel, CLASS_QUERY16)) {
        if (kernel->scale == SCALES_SUM)
            kernel->scale = SCALES_PRODUCT; /* 16 bits hold natural logits and biases */
        if (kernel->base == BASE_FOLDED)
            kernel->base = BASE_NATURAL;
    }
    if (problem->soft_cap == SOFT_CAP_BEFORE_BIAS && kernel->scale == SCALES_SUM)
        kernel->scale = SCALES_PRODUCT;
}

#endif
