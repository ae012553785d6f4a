/*
 * The kernel on tensor cores: sums worked by hand, which tell the generations apart; every bit against a plain loop
 * over keys, heads and chunks; and that pages, batches, settings and the replay change none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/attention/columns.h"
#include "kernels/attention/rounding.h"
#include "kernels/device/replay.h"
#include "kernels/dialect/arithmetic.h"
#include "kernels/kernel.h"
#include "kernels/tests/made_problem.h"
#include "kernels/tests/open_host.h"

enum { MAX_HEADS = 24, MAX_DIM = 256, MAX_KEYS = 1024 };

struct result {
    uint16_t out[MAX_HEADS * MAX_DIM];
    float lse[MAX_HEADS];
};

static void run(struct device *device, const struct kernel_options *options, const struct recipe *recipe,
                const struct problem *problems, int num_sequences, struct result *results)
{
    struct output outputs[3];
    struct error error;
    double seconds;
    assert_true(num_sequences <= 3);
    memset(results, 0xff, (size_t)num_sequences * sizeof *results);
    for (int i = 0; i < num_sequences; i++)
        outputs[i] = (struct output){results[i].out, results[i].lse};
    const struct batch batch = {KERNEL_TENSOR_CORE, options, recipe, problems, outputs, num_sequences, false};
    if (device_run_batch(device, &batch, NULL, &seconds, &error))
        fail_msg("%s", error.text);
}

/* ---- by hand ---------------------------------------------------------------------------------------------------- */

enum { HAND_DIM = 64, HAND_TERMS = 8, HAND_KEYS = 32 };

/* A product at a place of the sum: of an element of the row for q.k, of a key for the product with v. */
struct hand_term {
    int at;
    float a, b;
};

/*
 * Sums of which all but a last place cancels. The first 16 places are one fused sum, the next 16 another whose c is the
 * first one's result. Terms are cut to 2^-25, 2^-24 and 2^-23 of the largest; Ampere's steps are of 8, Volta's of 4.
 */
static const struct {
    struct hand_term terms[HAND_TERMS];
    float results[TENSOR_CORE_COUNT]; /* Hopper, Ampere, Volta */
} by_hand[] = {
    /* Within the first step of every generation: what is left shows where it is not below the last place. */
    {{{0, 1, 1}, {1, -1, 1}, {2, 0x1p-9f, 0x1p-14f}}, {0x1p-23f, 0x1p-23f, 0x1p-23f}},
    {{{0, 1, 1}, {1, -1, 1}, {2, 0x1p-10f, 0x1p-14f}}, {0x1p-24f, 0x1p-24f, 0}},
    {{{0, 1, 1}, {1, -1, 1}, {2, 0x1p-11f, 0x1p-14f}}, {0x1p-25f, 0, 0}},
    {{{0, 1, 1}, {1, -1, 1}, {2, 0x1p-12f, 0x1p-14f}}, {0, 0, 0}},
    /* 1 + 2^-24, and -1 nine places on: Ampere's first step ends before, and is cut to f32, 1. */
    {{{0, 1, 1}, {1, 0x1p-10f, 0x1p-14f}, {9, -1, 1}}, {0x1p-24f, 0, 0}},
    /* 1 + 2^-24 - 1 with the last term five places on: Volta's first step ends before, and cuts to 23 bits anyway. */
    {{{0, 1, 1}, {1, 0x1p-10f, 0x1p-14f}, {5, -1, 1}}, {0x1p-24f, 0x1p-24f, 0}},
    /* 2.25 + 2^-23 - 2.25: products keep the exponent 0 of their factors, so that 2^-23 is kept by all within a step;
     * Volta's ends before the last term, and is cut to f32, whose last place is 2^-22 there. */
    {{{0, 1.5f, 1.5f}, {1, 0x1p-9f, 0x1p-14f}, {5, -1.5f, 1.5f}}, {0x1p-23f, 0x1p-23f, 0}},
    /* The second fused sum has the first one's result as c: 1 + 2^-25 - 1 there is Hopper's alone. */
    {{{0, 1, 1}, {16, 0x1p-11f, 0x1p-14f}, {17, -1, 1}}, {0x1p-25f, 0, 0}},
    /* Place 15 is of the first: 1 + 2^-24 is cut to f32 before -1 comes, whatever the generation. */
    {{{0, 1, 1}, {15, 0x1p-10f, 0x1p-14f}, {16, -1, 1}}, {0, 0, 0}},
    /* And place 16 of the second. */
    {{{0, 1, 1}, {16, 0x1p-10f, 0x1p-14f}, {18, -1, 1}}, {0x1p-24f, 0x1p-24f, 0}},
    /* Cut toward zero: -1.5 2^-25 leaves -2^-25. */
    {{{0, 1, 1}, {1, -1, 1}, {2, -0x1.8p-11f, 0x1p-14f}}, {-0x1p-25f, 0, 0}},
};

enum { HAND_SUMS = sizeof by_hand / sizeof by_hand[0] };

static void put(enum dtype dtype, uint16_t *tensor, int at, float value)
{
    dtype_narrow(dtype, tensor, (size_t)at, 1, &value);
}

/* With one key lse is its logit; natural, with scale 1 and without a bias, it is q.k itself. */
static void test_dots_by_hand(void **state)
{
    static uint16_t q[HAND_DIM], k[HAND_DIM], v[HAND_DIM];
    struct device *device = open_host();
    float slope = 0;
    (void)state;
    for (int row = 0; row < HAND_SUMS; row++)
        for (int t = 0; t < TENSOR_CORE_COUNT; t++)
            for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++) {
                struct result result;
                struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE,
                                        .log2e = LOG2E_EXPONENTIAL,
                                        .tensor_core = (enum tensor_core)t};
                struct problem problem = {.seq_len = 1,
                                          .num_heads = 1,
                                          .num_kv_heads = 1,
                                          .head_dim = HAND_DIM,
                                          .dtype = (enum dtype)dtype,
                                          .scale = 1,
                                          .slopes = &slope,
                                          .q = q,
                                          .k = k,
                                          .v = v};
                memset(q, 0, sizeof q);
                memset(k, 0, sizeof k);
                for (int i = 0; i < HAND_TERMS; i++)
                    if (by_hand[row].terms[i].a != 0) {
                        put((enum dtype)dtype, q, by_hand[row].terms[i].at, by_hand[row].terms[i].a);
                        put((enum dtype)dtype, k, by_hand[row].terms[i].at, by_hand[row].terms[i].b);
                    }
                run(device, &(struct kernel_options){.chunk_len = 64}, &recipe, &problem, 1, &result);
                if (result.lse[0] != by_hand[row].results[t])
                    fail_msg("row %d, %s, %s: q.k %a, not %a", row, tensor_cores[t].name, dtypes[dtype].name,
                             (double)result.lse[0], (double)by_hand[row].results[t]);
            }
    device_close(device);
}

/* With q = 0 and no bias all weights are 1: out is the fused sum of v over 32 keys, divided by 32. */
static void test_weighted_sums_by_hand(void **state)
{
    static uint16_t q[HAND_DIM], k[HAND_KEYS * HAND_DIM], v[HAND_KEYS * HAND_DIM];
    struct device *device = open_host();
    float slope = 0;
    (void)state;
    for (int row = 0; row < HAND_SUMS; row++)
        for (int t = 0; t < TENSOR_CORE_COUNT; t++)
            for (int dim = 0; dim < HAND_DIM; dim += 13) {
                struct result result;
                struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE, .tensor_core = (enum tensor_core)t};
                struct problem problem = {.seq_len = HAND_KEYS,
                                          .num_heads = 1,
                                          .num_kv_heads = 1,
                                          .head_dim = HAND_DIM,
                                          .dtype = DTYPE_BF16,
                                          .scale = 1,
                                          .slopes = &slope,
                                          .q = q,
                                          .k = k,
                                          .v = v};
                float out, expected = by_hand[row].results[t] / HAND_KEYS;
                memset(v, 0, sizeof v);
                for (int i = 0; i < HAND_TERMS; i++)
                    if (by_hand[row].terms[i].a != 0)
                        put(DTYPE_BF16, v, by_hand[row].terms[i].at * HAND_DIM + dim,
                            by_hand[row].terms[i].a * by_hand[row].terms[i].b);
                run(device, &(struct kernel_options){.chunk_len = 64}, &recipe, &problem, 1, &result);
                dtype_widen(DTYPE_BF16, result.out, (size_t)dim, 1, &out);
                /* 2.25 as a factor of 1 has exponent 1: its rows are those of q.k alone. */
                if (out != expected && fabsf(by_hand[row].terms[0].a) == 1)
                    fail_msg("row %d, %s, element %d: %a, not %a", row, tensor_cores[t].name, dim, (double)out,
                             (double)expected);
            }
    device_close(device);
}

/* ---- a plain loop ----------------------------------------------------------------------------------------------- */

/* What some keys come to: of a warp's, a chunk's or a head's. */
struct sums {
    float max, sum, out[MAX_DIM];
};

static uint16_t element(const void *tensor, size_t row, int dim)
{
    return ((const uint16_t *)tensor)[row + (size_t)dim];
}

/* The natural factor of the default recipe, in base 2; 0 from nothing. */
static float factor_of(float from, float to)
{
    return isinf(from) ? 0 : exp2_polynomial(from - to);
}

static float logit_of(const struct problem *problem, enum tensor_core tensor_core, int head, int64_t key)
{
    const size_t q_row = (size_t)head * (size_t)problem->head_dim;
    const size_t k_row = problem_row(problem, key, problem_kv_head(problem, head));
    float dot = 0, to_base_2 = 0x1.715476p+0f, scale = problem->scale * to_base_2;
    float slope = problem->slopes[head] * to_base_2, distance = (float)(key - problem->q_position);
    for (int slab = 0; slab < problem->head_dim; slab += MMA_PRODUCTS) {
        uint16_t a[MMA_PRODUCTS], b[MMA_PRODUCTS];
        for (int i = 0; i < MMA_PRODUCTS; i++) {
            a[i] = element(problem->k, k_row, slab + i);
            b[i] = element(problem->q, q_row, slab + i);
        }
        dot = fused_sum(tensor_core, problem->dtype, a, b, dot);
    }
    return fmaf(dot, scale, slope * distance);
}

/* One tile of a warp; sums[8]: of the weights of keys that are alike modulo 8. */
static void take_tile(const struct problem *problem, enum tensor_core tensor_core, int head, int64_t tile, int64_t last,
                      struct sums *state, float *sums)
{
    float logits[WARP_SIZE], max = state->max;
    uint16_t weights[WARP_SIZE] = {0};
    for (int i = 0; i < WARP_SIZE; i++) {
        bool there = tile + i < last && problem_visible(problem, tile + i);
        logits[i] = there ? logit_of(problem, tensor_core, head, tile + i) : -INFINITY;
        max = fmaxf(max, logits[i]);
    }
    if (isinf(max))
        return;
    float factor = factor_of(state->max, max);
    for (int g = 0; g < 8; g++)
        sums[g] *= factor;
    for (int d = 0; d < problem->head_dim; d++)
        state->out[d] *= factor;
    state->max = max;
    for (int i = 0; i < WARP_SIZE; i++) {
        float weight = isinf(logits[i]) ? 0 : exp2_polynomial(logits[i] - max);
        sums[i % 8] += weight;
        dtype_narrow(problem->dtype, weights, (size_t)i, 1, &weight);
    }
    for (int half = 0; half < WARP_SIZE; half += MMA_PRODUCTS)
        for (int d = 0; d < problem->head_dim; d++) {
            uint16_t a[MMA_PRODUCTS] = {0};
            for (int i = 0; i < MMA_PRODUCTS; i++) {
                int64_t key = tile + half + i;
                if (key < last && problem_visible(problem, key))
                    a[i] = element(problem->v, problem_row(problem, key, problem_kv_head(problem, head)), d);
            }
            state->out[d] = fused_sum(tensor_core, problem->dtype, a, weights + half, state->out[d]);
        }
}

static struct sums chunk_of(const struct problem *problem, enum tensor_core tensor_core, int head, int64_t first,
                            int64_t last)
{
    static struct sums warps[BLOCK_WARPS];
    struct sums merged = {.max = -INFINITY};
    for (int w = 0; w < BLOCK_WARPS; w++) {
        float s[8] = {0};
        warps[w] = (struct sums){.max = -INFINITY};
        for (int64_t tile = first + w * WARP_SIZE; tile < last; tile += ROUND_KEYS)
            take_tile(problem, tensor_core, head, tile, last, &warps[w], s);
        warps[w].sum = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
        merged.max = fmaxf(merged.max, warps[w].max);
    }
    for (int w = 0; w < BLOCK_WARPS; w++) {
        float factor = factor_of(warps[w].max, merged.max);
        merged.sum = fmaf(warps[w].sum, factor, merged.sum);
        for (int d = 0; d < problem->head_dim; d++)
            merged.out[d] = fmaf(warps[w].out[d], factor, merged.out[d]);
    }
    return merged;
}

static void head_of(const struct problem *problem, enum tensor_core tensor_core, int64_t chunk_len, int head,
                    struct result *result)
{
    static struct sums chunks[MAX_KEYS / 32];
    struct sums merged = {.max = -INFINITY};
    int count = 0;
    for (int64_t first = 0; first < problem->seq_len; first += chunk_len) {
        int64_t last = first + chunk_len < problem->seq_len ? first + chunk_len : problem->seq_len;
        chunks[count] = chunk_of(problem, tensor_core, head, first, last);
        merged.max = fmaxf(merged.max, chunks[count++].max);
    }
    for (int c = 0; c < count; c++) {
        float factor = factor_of(chunks[c].max, merged.max);
        merged.sum += chunks[c].sum * factor;
        for (int d = 0; d < problem->head_dim; d++)
            merged.out[d] = fmaf(chunks[c].out[d], factor, merged.out[d]);
    }
    bool empty = merged.sum == 0;
    for (int d = 0; d < problem->head_dim; d++) {
        float out = empty ? 0 : merged.out[d] / merged.sum;
        dtype_narrow(problem->dtype, result->out, (size_t)(head * problem->head_dim + d), 1, &out);
    }
    result->lse[head] = empty ? -INFINITY : (merged.max + log2_polynomial(merged.sum)) * 0x1.62e430p-1f;
}

static void assert_same(const struct result *result, const struct result *expected, const struct problem *problem,
                        const char *of)
{
    for (int i = 0; i < problem->num_heads * problem->head_dim; i++)
        if (result->out[i] != expected->out[i])
            fail_msg("%s: element %d of N %lld H %d/%d D %d %s: %04x, not %04x", of, i, (long long)problem->seq_len,
                     problem->num_heads, problem->num_kv_heads, problem->head_dim, dtypes[problem->dtype].name,
                     result->out[i], expected->out[i]);
    assert_memory_equal(result->lse, expected->lse, (size_t)problem->num_heads * sizeof(float));
}

static const struct shape {
    int64_t seq_len, chunk_len;
    int heads, kv_heads, head_dim;
    enum dtype dtype;
    int64_t hole, hole_end, step; /* removed keys; step 0: none */
} shapes[] = {
    {1, 64, 1, 1, 64, DTYPE_F16, 0, 0, 0},       {31, 64, 8, 1, 128, DTYPE_BF16, 0, 0, 0},
    {33, 64, 2, 2, 80, DTYPE_F16, 0, 0, 0},      {300, 256, 3, 1, 96, DTYPE_BF16, 0, 300, 3},
    {257, 96, 12, 1, 64, DTYPE_F16, 90, 200, 1}, {700, 512, 9, 3, 64, DTYPE_BF16, 0, 0, 0},
    {600, 1024, 4, 2, 256, DTYPE_F16, 0, 0, 0},  {130, 32, 17, 1, 112, DTYPE_BF16, 64, 130, 1},
    {40, 32, 1, 1, 240, DTYPE_F16, 0, 40, 1},    {200, 40, 2, 1, 64, DTYPE_F16, 5, 200, 7},
};

enum { NUM_SHAPES = sizeof shapes / sizeof shapes[0] };

static struct made_problem made_of(const struct shape *shape, int index)
{
    struct made_problem made =
        make_sequence(index, shape->seq_len, shape->heads, shape->kv_heads, shape->head_dim, shape->dtype);
    if (shape->step)
        mask_keys(&made, shape->hole, shape->hole_end, shape->step);
    return made;
}

static void test_bits_of_a_plain_loop(void **state)
{
    static struct result result, expected;
    struct device *device = open_host();
    (void)state;
    for (int i = 0; i < NUM_SHAPES; i++)
        for (int t = 0; t < TENSOR_CORE_COUNT; t++) {
            const struct shape *shape = &shapes[i];
            struct made_problem made = made_of(shape, i);
            struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE, .tensor_core = (enum tensor_core)t};
            run(device, &(struct kernel_options){.chunk_len = shape->chunk_len}, &recipe, &made.problem, 1, &result);
            for (int head = 0; head < shape->heads; head++)
                head_of(&made.problem, (enum tensor_core)t, shape->chunk_len, head, &expected);
            assert_same(&result, &expected, &made.problem, tensor_cores[t].name);
            free_problem(&made);
        }
    device_close(device);
}

/* ---- the bound -------------------------------------------------------------------------------------------------- */

static struct truth truth_of(const struct problem *problem)
{
    struct truth truth;
    struct error error;
    assert_int_equal(truth_init(&truth, problem, &error), ERROR_NONE);
    assert_int_equal(truth_plain(&truth, problem, &(struct truth_options){.precision = 128, .threads = 1}, &error), 0);
    return truth;
}

/* The share of its bound that the first element of out uses, or lse where that is asked for. All weights are 1, so that
 * what they are rounded by, which is far more than the sums are off by, is left out. */
static double share_of_bound(const struct kernel_options *options, const struct recipe *recipe,
                             const struct problem *problem, bool of_lse)
{
    static struct result result;
    static double bound[MAX_DIM], lse_bound;
    struct truth truth = truth_of(problem);
    struct device *device = open_host();
    struct error error;
    struct rounding_model model = kernel_rounding(KERNEL_TENSOR_CORE, options, recipe, problem);
    float out;
    model.weight = model.weight_floor = 0;
    assert_int_equal(error_bounds(bound, &lse_bound, &model, problem, &truth, 1, NULL, &error), ERROR_NONE);
    run(device, options, recipe, problem, 1, &result);
    dtype_widen(problem->dtype, result.out, 0, 1, &out);
    double share =
        of_lse ? fabs((double)result.lse[0] - truth.lse[0]) / lse_bound : fabs((double)out - truth.value[0]) / bound[0];
    device_close(device);
    truth_clear(&truth);
    return share;
}

/* 1.98 of half a last place of 1: cut to nothing, as often as a fused sum has products. */
static float just_below(enum tensor_core tensor_core)
{
    return ldexpf(0x1.fcp0f, -tensor_cores[tensor_core].fraction_bits - 1);
}

/* 1, and all that comes after it is cut. */
static void test_bound_of_dots_is_nearly_reached(void **state)
{
    static uint16_t q[MAX_DIM], k[MAX_DIM], v[MAX_DIM];
    const struct recipe natural = {.sentinel.policy = SENTINEL_EXCLUDE, .log2e = LOG2E_EXPONENTIAL};
    const float slope = 0;
    (void)state;
    for (int t = 0; t < TENSOR_CORE_COUNT; t++)
        for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++) {
            struct recipe recipe = natural;
            struct problem problem = {.seq_len = 1,
                                      .num_heads = 1,
                                      .num_kv_heads = 1,
                                      .head_dim = MAX_DIM,
                                      .dtype = (enum dtype)dtype,
                                      .scale = 1,
                                      .slopes = &slope,
                                      .q = q,
                                      .k = k,
                                      .v = v};
            recipe.tensor_core = (enum tensor_core)t;
            for (int d = 0; d < MAX_DIM; d++) {
                put((enum dtype)dtype, q, d, d == 0 ? 1 : 0x1p-12f);
                put((enum dtype)dtype, k, d, d == 0 ? 1 : just_below(recipe.tensor_core) * 0x1p12f);
            }
            double share = share_of_bound(&(struct kernel_options){.chunk_len = 64}, &recipe, &problem, true);
            if (!(share > 0.6 && share <= 1))
                fail_msg("%s, %s: %g of the bound of lse", tensor_cores[t].name, dtypes[dtype].name, share);
        }
}

/* 1 and, as one warp's last key, -1: what lies between is cut, round by round. */
static void test_bound_of_weighted_sums_is_nearly_reached(void **state)
{
    enum { ROUNDS = 16, KEYS = ROUNDS * ROUND_KEYS, LAST = KEYS - ROUND_KEYS + WARP_SIZE - 1, DIM = 64 };
    static uint16_t q[DIM], k[KEYS * DIM], v[KEYS * DIM];
    static uint8_t visible[KEYS];
    const float slope = 0;
    (void)state;
    for (int key = 0; key < KEYS; key++)
        visible[key] = key % ROUND_KEYS < WARP_SIZE;
    for (int t = 0; t < TENSOR_CORE_COUNT; t++) {
        const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE, .tensor_core = (enum tensor_core)t};
        struct problem problem = {.seq_len = KEYS,
                                  .num_heads = 1,
                                  .num_kv_heads = 1,
                                  .head_dim = DIM,
                                  .dtype = DTYPE_BF16,
                                  .scale = 1,
                                  .slopes = &slope,
                                  .visible = visible,
                                  .q = q,
                                  .k = k,
                                  .v = v};
        for (int key = 0; key < KEYS; key++)
            put(DTYPE_BF16, v, key * DIM, key == 0 ? 1 : key == LAST ? -1 : just_below(recipe.tensor_core));
        double share = share_of_bound(&(struct kernel_options){.chunk_len = KEYS}, &recipe, &problem, false);
        if (!(share > 0.5 && share <= 1))
            fail_msg("%s: %g of the bound of out", tensor_cores[t].name, share);
    }
}

/* ---- what changes no bit ---------------------------------------------------------------------------------------- */

static void test_pages_settings_and_batches(void **state)
{
    static struct result plain[3], other[3];
    const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    const struct kernel_options options = {.chunk_len = 96}, others[] = {
                                                                 {.chunk_len = 96, .page_size = 16, .page_seed = 5},
                                                                 {.chunk_len = 96, .page_size = 7, .page_seed = 6},
                                                                 {.chunk_len = 96, .setting.backward = true},
                                                             };
    struct made_problem made[3];
    struct problem problems[3];
    struct device *device = open_host();
    (void)state;
    for (int i = 0; i < 3; i++) {
        made[i] = make_sequence(i, (int64_t[]){300, 5, 97}[i], 12, 1, 80, DTYPE_BF16);
        if (i == 2)
            mask_keys(&made[i], 3, 90, 2);
        problems[i] = made[i].problem;
        run(device, &options, &recipe, &problems[i], 1, &plain[i]);
    }
    for (size_t o = 0; o < sizeof others / sizeof others[0]; o++)
        for (int i = 0; i < 3; i++) {
            run(device, &others[o], &recipe, &problems[i], 1, other);
            assert_same(other, &plain[i], &problems[i], "pages or order");
        }
    run(device, &others[0], &recipe, problems, 3, other);
    for (int i = 0; i < 3; i++) {
        assert_same(&other[i], &plain[i], &problems[i], "batch");
        free_problem(&made[i]);
    }
    device_close(device);
}

/* What excluded keys hold is not read. */
static void test_poisoned_keys(void **state)
{
    static struct result right, poisoned;
    const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    const struct kernel_options options = {.chunk_len = 64};
    struct made_problem made = make_problem(200, 3, 1, 64, DTYPE_F16);
    struct device *device = open_host();
    (void)state;
    mask_keys(&made, 1, 200, 3);
    run(device, &options, &recipe, &made.problem, 1, &right);
    for (int key = 1; key < 200; key += 3)
        for (int d = 0; d < 64; d++)
            ((uint16_t *)made.k)[key * 64 + d] = ((uint16_t *)made.v)[key * 64 + d] = 0x7fff; /* NaN */
    run(device, &options, &recipe, &made.problem, 1, &poisoned);
    assert_same(&poisoned, &right, &made.problem, "poisoned");
    device_close(device);
    free_problem(&made);
}

/* The replay computes the kernel's bits; where no stage rounds it is the truth. */
static void test_replay(void **state)
{
    static struct result result;
    struct device *device = open_host();
    struct error error;
    (void)state;
    for (int t = 0; t < TENSOR_CORE_COUNT; t++) {
        const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE, .tensor_core = (enum tensor_core)t};
        const struct kernel_options options = {.chunk_len = 64};
        struct made_problem made = make_problem(150, 3, 1, 80, t == 1 ? DTYPE_BF16 : DTYPE_F16);
        struct truth truth = truth_of(&made.problem);
        struct replay replay;
        run(device, &options, &recipe, &made.problem, 1, &result);
        assert_int_equal(replay_run(&replay, KERNEL_TENSOR_CORE, &options, &recipe, &made.problem, 1, &error), 0);
        double dot = 0, weights = 0;
        for (int i = 0; i < 3 * 80; i++) {
            const struct replayed *replayed = (const struct replayed *)replay.out + i;
            float widened;
            dtype_widen(made.problem.dtype, result.out, (size_t)i, 1, &widened);
            assert_true(replayed->computed == widened);
            assert_true(fabs(replayed->alone[STAGE_NONE] - truth.value[i]) <= 1e-12 * truth.magnitude[i]);
            dot = fmax(dot, fabs(replayed->alone[STAGE_DOT] - truth.value[i]));
            weights = fmax(weights, fabs(replayed->alone[STAGE_WEIGHTED_SUM] - truth.value[i]));
        }
        assert_true(dot > 1e-9 && dot < 1e-4);
        assert_true(weights > 1e-6 && weights < 1e-2); /* which are rounded to 16 bits */
        truth_clear(&truth);
        replay_clear(&replay);
        free_problem(&made);
    }
    device_close(device);
}

/* ---- what it takes ---------------------------------------------------------------------------------------------- */

/* Blocks have every head once, none of two KV heads where rows are shared, and no more than there are columns. */
static void test_columns(void **state)
{
    (void)state;
    for (int kv_heads = 1; kv_heads <= 4; kv_heads++)
        for (int group = 1; group <= 20; group++)
            for (int map = 0; map < KV_HEAD_MAP_COUNT; map++) {
                struct attention_args args = {.num_heads = kv_heads * group, .num_kv_heads = kv_heads};
                args.recipe.contract.kv_head_map = (enum kv_head_map)map;
                int next = 0;
                for (int block = 0; block < column_blocks(&args); block++) {
                    struct columns columns = columns_of_block(&args, block);
                    assert_int_equal(columns.first_head, next);
                    assert_true(columns.heads >= 1 && columns.heads <= MMA_COLUMNS);
                    for (int i = 0; i < columns.heads && map == KV_HEAD_GROUPED; i++)
                        assert_int_equal((columns.first_head + i) / group, columns.first_head / group);
                    next += columns.heads;
                }
                assert_int_equal(next, args.num_heads);
            }
}

static void test_refusals(void **state)
{
    static const struct {
        struct recipe recipe;
        enum dtype dtype;
        enum kv_format kv_format;
        bool taken;
    } rows[] = {
        {{.name = "sound"}, DTYPE_F16, KV_AS_DTYPE, true},
        {{.name = "sound"}, DTYPE_BF16, KV_AS_DTYPE, true},
        {{.name = "sound"}, DTYPE_F32, KV_AS_DTYPE, false},
        {{.name = "sound"}, DTYPE_F16, KV_E4M3, false},
        {{.weight_dtype = ROUND_INPUT}, DTYPE_BF16, KV_AS_DTYPE, true},
        {{.weight_dtype = ROUND_F16}, DTYPE_F16, KV_AS_DTYPE, true},
        {{.weight_dtype = ROUND_F16}, DTYPE_BF16, KV_AS_DTYPE, false},
        {{.weight_dtype = ROUND_E4M3}, DTYPE_F16, KV_AS_DTYPE, false},
        {{.weight_dtype = ROUND_INPUT, .weight_scale = 2}, DTYPE_F16, KV_AS_DTYPE, false},
        {{.dot_dtype = ROUND_F16}, DTYPE_F16, KV_AS_DTYPE, false},
        {{.sum_dtype = ROUND_F16}, DTYPE_F16, KV_AS_DTYPE, false},
        {{.weighted_sum_dtype = ROUND_F16}, DTYPE_F16, KV_AS_DTYPE, false},
        {{.scale_entry = SCALE_QUERY}, DTYPE_F16, KV_AS_DTYPE, false},
        {{.scale_entry = SCALE_SUM, .dot_result_dtype = ROUND_F16, .logit_dtype = ROUND_F16},
         DTYPE_F16,
         KV_AS_DTYPE,
         true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(!kernel_refusal(KERNEL_TENSOR_CORE, &rows[i].recipe, rows[i].dtype, rows[i].kv_format),
                         rows[i].taken);
        if (!rows[i].taken)
            assert_non_null(strstr(
                kernel_refusal(KERNEL_TENSOR_CORE, &rows[i].recipe, rows[i].dtype, rows[i].kv_format), "; allowed: "));
        assert_null(kernel_refusal(KERNEL_SPLIT_KV, &rows[i].recipe, rows[i].dtype, rows[i].kv_format));
    }
    struct made_problem made = make_problem(3, 1, 1, 64, DTYPE_F32);
    struct device *device = open_host();
    struct error error;
    float out[64], lse;
    double seconds;
    struct output output = {out, &lse};
    assert_int_equal(device_run(device, KERNEL_TENSOR_CORE, &(struct kernel_options){.chunk_len = 64}, &rows[0].recipe,
                                &made.problem, &output, &seconds, &error),
                     ERROR_USAGE);
    assert_string_equal(error.text,
                        "kernel tensor_core takes f16 and bf16 alone; allowed: dtype f16 or bf16, and kv_dtype "
                        "as dtype");
    device_close(device);
    free_problem(&made);
}

static void test_generations_of_gpus(void **state)
{
    (void)state;
    assert_int_equal(tensor_core_of_capability(7, 0), TENSOR_CORE_VOLTA);
    assert_int_equal(tensor_core_of_capability(7, 5), TENSOR_CORE_COUNT);
    assert_int_equal(tensor_core_of_capability(8, 0), TENSOR_CORE_AMPERE);
    assert_int_equal(tensor_core_of_capability(8, 9), TENSOR_CORE_AMPERE);
    assert_int_equal(tensor_core_of_capability(9, 0), TENSOR_CORE_HOPPER);
    assert_int_equal(tensor_core_of_capability(10, 0), TENSOR_CORE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dots_by_hand),
        cmocka_unit_test(test_weighted_sums_by_hand),
        cmocka_unit_test(test_bits_of_a_plain_loop),
        cmocka_unit_test(test_pages_settings_and_batches),
        cmocka_unit_test(test_poisoned_keys),
        cmocka_unit_test(test_bound_of_dots_is_nearly_reached),
        cmocka_unit_test(test_bound_of_weighted_sums_is_nearly_reached),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_generations_of_gpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
