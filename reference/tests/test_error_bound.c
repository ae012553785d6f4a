/* What the error bound makes of chunks, fp8 caches and contracts. Kernels are held against it in test_rounding.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "reference/error_bound.h"
#include "reference/key_scores.h"
#include "reference/tests/drawn_problem.h"

enum { KEYS = 200, HEADS = 3, DIM = 16 };

/* An ordinary problem in f32, with k and v as kv_format says. */
struct made {
    struct problem problem;
    float q[HEADS * DIM], slopes[HEADS];
    void *k, *v;
    uint8_t visible[KEYS];
    double bound[HEADS * DIM], lse_bound[HEADS];
    struct truth truth;
};

/* Every rounding and every order of its own size, so that none hides behind another. */
static const struct rounding_model model = {
    .slope = 0x1p-24,
    .scale = 0x1p-23,
    .dot = 0x1p-22,
    .bias = 0x1.8p-24,
    .logit = 0x1.4p-24,
    .shift = 0x1.2p-24,
    .exponential = 0x1p-21,
    .rescale = 0x1.1p-22,
    .add = 0x1p-24,
    .logarithm = 0x1p-23,
    .lse_sum = 0x1p-24,
    .lse_base = 0x1.2p-24,
    .lse_slope = 0x1.1p-24,
    .division = 0x1p-24,
    .keys_per_round = 16,
    .sum_adds_per_round = 1,
    .out_adds_per_round = 2,
};

static struct made *made_new(enum kv_format kv_format)
{
    struct made *made = calloc(1, sizeof *made);
    uint64_t random = 11;
    assert_non_null(made);
    made->problem = (struct problem){.seq_len = KEYS,
                                     .num_heads = HEADS,
                                     .num_kv_heads = 1,
                                     .head_dim = DIM,
                                     .dtype = DTYPE_F32,
                                     .kv_format = kv_format,
                                     .k_scale = 1,
                                     .v_scale = 1,
                                     .scale = 0.25f,
                                     .q_position = KEYS - 1,
                                     .slopes = made->slopes,
                                     .q = made->q,
                                     .visible = made->visible};
    enum dtype dtype = problem_kv_dtype(&made->problem);
    for (int i = 0; i < HEADS * DIM; i++)
        made->q[i] = (float)draw_normal(&random);
    slopes_fill(made->slopes, HEADS, SLOPES_GEOMETRIC, 8, 0, HEADS);
    memset(made->visible, 1, KEYS);
    made->problem.k = made->k = draw_tensor(&random, &filling_kinds[0], dtype, KEYS, 1, DIM);
    made->problem.v = made->v = draw_tensor(&random, &filling_kinds[0], dtype, KEYS, 1, DIM);
    return made;
}

static void made_free(struct made *made)
{
    truth_clear(&made->truth);
    free(made->k);
    free(made->v);
    free(made);
}

/* Truth under a contract, and the bound of a model for it. */
static void bound_for(struct made *made, const struct rounding_model *rounding, const struct truth_contract *contract)
{
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1, .contract = contract};
    struct error error;
    truth_clear(&made->truth);
    assert_int_equal(truth_init(&made->truth, &made->problem, &error), ERROR_NONE);
    assert_int_equal(truth_compute(&made->truth, TRUTH_CERTIFIED, &made->problem, &options, &error), ERROR_NONE);
    assert_int_equal(
        error_bounds(made->bound, made->lse_bound, rounding, &made->problem, &made->truth, 1, NULL, &error),
        ERROR_NONE);
    for (int h = 0; h < HEADS; h++)
        assert_true(made->lse_bound[h] > 0 && made->lse_bound[h] < 1);
    for (int i = 0; i < HEADS * DIM; i++)
        assert_true(made->bound[i] > 0 && made->bound[i] < 1);
}

/* Powers of two scale every step exactly. */
static void test_an_fp8_cache_is_bounded_by_its_values(void **state)
{
    (void)state;
    for (enum kv_format kv_format = KV_E4M3; kv_format < KV_FORMAT_COUNT; kv_format++) {
        struct made *fp8 = made_new(kv_format), *f32 = made_new(KV_AS_DTYPE);
        fp8->problem.k_scale = 0.5f;
        fp8->problem.v_scale = -0.25f;
        dtype_widen(problem_kv_dtype(&fp8->problem), fp8->k, 0, KEYS * DIM, f32->k);
        dtype_widen(problem_kv_dtype(&fp8->problem), fp8->v, 0, KEYS * DIM, f32->v);
        for (int i = 0; i < KEYS * DIM; i++) {
            ((float *)f32->k)[i] *= 0.5f;
            ((float *)f32->v)[i] *= -0.25f;
        }
        bound_for(fp8, &model, NULL);
        bound_for(f32, &model, NULL);
        assert_memory_equal(fp8->bound, f32->bound, sizeof fp8->bound);
        made_free(fp8);
        made_free(f32);
    }
}

/* In either form of the bias a chunk is bounded like the longer cache of which all else is masked. */
static void test_a_chunk_is_bounded_by_its_positions(void **state)
{
    enum { FIRST = 120 };
    (void)state;
    for (int absolute = 0; absolute < 2; absolute++) {
        struct made *whole = made_new(KV_AS_DTYPE), *chunk = made_new(KV_AS_DTYPE);
        struct rounding_model rounding = model;
        rounding.absolute_bias = absolute;
        rounding.keys_per_round = 1; /* rounds of more would begin elsewhere */
        memset(whole->visible, 0, FIRST);
        chunk->problem.seq_len = KEYS - FIRST;
        chunk->problem.kv_offset = FIRST;
        chunk->problem.k = (float *)chunk->k + FIRST * DIM;
        chunk->problem.v = (float *)chunk->v + FIRST * DIM;
        bound_for(whole, &rounding, NULL);
        bound_for(chunk, &rounding, NULL);
        for (int i = 0; i < HEADS * DIM; i++)
            assert_true(fabs(whole->bound[i] - chunk->bound[i]) <= 1e-9 * whole->bound[i]);

        /* The absolute form pays for its positions, the relative one does not. */
        chunk->problem.kv_offset += 100000;
        chunk->problem.q_position += 100000;
        bound_for(chunk, &rounding, NULL);
        for (int i = 0; i < HEADS * DIM; i++)
            assert_true(absolute ? chunk->bound[i] > 2 * whole->bound[i]
                                 : fabs(whole->bound[i] - chunk->bound[i]) <= 1e-9 * whole->bound[i]);
        made_free(whole);
        made_free(chunk);
    }
}

/* A kernel without a rounding of its own is as far from the formula as its f32 scale and slopes take it. */
static void test_the_formula_counts_given_roundings(void **state)
{
    static const struct truth_contract formula = {.of = TRUTH_OF_FORMULA,
                                                  .default_scale = true,
                                                  .convention = SLOPES_GEOMETRIC,
                                                  .max_bias = 8,
                                                  .total_heads = HEADS};
    (void)state;
    const struct rounding_model none = {.keys_per_round = 1};
    struct made *made = made_new(KV_AS_DTYPE), *inputs = made_new(KV_AS_DTYPE);
    bound_for(inputs, &none, NULL);
    bound_for(made, &none, &formula);
    double used = 0;
    for (int i = 0; i < HEADS * DIM; i++) {
        double err = fabs(inputs->truth.value[i] - made->truth.value[i]);
        assert_true(err <= made->bound[i]);
        assert_true(inputs->bound[i] < 1e-3 * made->bound[i]);
        used = fmax(used, err / made->bound[i]);
    }
    for (int h = 0; h < HEADS; h++) {
        double err = fabs(inputs->truth.lse[h] - made->truth.lse[h]);
        assert_true(err <= made->lse_bound[h]);
        assert_true(inputs->lse_bound[h] < 1e-3 * made->lse_bound[h]);
    }
    print_message("formula: f32 slopes use up to %.3f of the bound\n", used);
    assert_true(used > 0.01);
    made_free(made);
    made_free(inputs);
}

/* Slopes that were rounded to bf16 are farther from the formula than f32's are. */
static void test_the_formula_counts_all_roundings_of_a_slope(void **state)
{
    static const struct truth_contract formula = {
        .of = TRUTH_OF_FORMULA, .convention = SLOPES_FALCON, .max_bias = 8, .head_offset = 8, .total_heads = 8 + HEADS};
    (void)state;
    const struct rounding_model none = {.keys_per_round = 1};
    struct made *made = made_new(KV_AS_DTYPE), *inputs = made_new(KV_AS_DTYPE);
    slopes_fill(made->slopes, HEADS, SLOPES_FALCON, 8, 8, 8 + HEADS);
    slopes_fill(inputs->slopes, HEADS, SLOPES_FALCON, 8, 8, 8 + HEADS);
    bound_for(inputs, &none, NULL);
    bound_for(made, &none, &formula);
    double used = 0;
    for (int i = 0; i < HEADS * DIM; i++) {
        double err = fabs(inputs->truth.value[i] - made->truth.value[i]);
        assert_true(err <= made->bound[i]);
        used = fmax(used, err / made->bound[i]);
    }
    for (int h = 0; h < HEADS; h++)
        assert_true(fabs(inputs->truth.lse[h] - made->truth.lse[h]) <= made->lse_bound[h]);
    assert_true(used > 0.01);
    made_free(made);
    made_free(inputs);
}

/* Keys that f16 distances drop, newer than the query and older, are bounded like masked ones. */
static void test_dropped_keys_are_masked_keys(void **state)
{
    static const struct truth_contract f16 = {.of = TRUTH_OF_F16_DISTANCE};
    (void)state;
    for (int side = -1; side <= 1; side += 2) {
        struct made *dropped = made_new(KV_AS_DTYPE), *masked = made_new(KV_AS_DTYPE);
        int64_t offset = side < 0 ? -65520 - 150 : 65520 - 50; /* 50 keys are within reach */
        dropped->problem.kv_offset = masked->problem.kv_offset = offset;
        dropped->problem.q_position = masked->problem.q_position = 0;
        for (int key = 0; key < KEYS; key++)
            masked->visible[key] = llabs(offset + key) < 65520;
        bound_for(masked, &model, &f16);
        bound_for(dropped, &model, &f16);
        for (int i = 0; i < HEADS * DIM; i++) /* the tail's 2^-46 knows the largest v of visible keys */
            assert_true(fabs(masked->bound[i] - dropped->bound[i]) <= 1e-6 * masked->bound[i]);
        made_free(masked);
        made_free(dropped);
    }
}

/* The bias of bf16 decides which keys weigh: with constant values but for one key the bound follows that key's weight.
 */
static void test_bf16_biases_weigh_keys(void **state)
{
    static const struct truth_contract bf16 = {.of = TRUTH_OF_BF16_BIAS};
    (void)state;
    const struct rounding_model rounding = {.exponential = 0x1p-20, .keys_per_round = 1};
    struct made *made = made_new(KV_AS_DTYPE);
    float *v = made->v;
    memset(made->k, 0, sizeof(float) * KEYS * DIM);
    for (int i = 0; i < HEADS; i++)
        made->slopes[i] = 0.5f;
    for (int key = 0; key < KEYS; key++)
        for (int d = 0; d < DIM; d++)
            v[key * DIM + d] = key == KEYS - 1;
    made->problem.kv_offset = 1024 - KEYS + 2; /* newest: position 1025, bias bf16(512.5) = 512, as position 1024's */
    made->problem.q_position = 1025;
    bound_for(made, &rounding, &bf16);
    /* p (1 - p) twice: sum_j p_j |v_j - p| eta, p the newest key's weight, which is what out is. */
    double p = made->truth.value[0], expected = 2 * p * (1 - p) * 0x1p-20;
    assert_true(fabs(made->bound[0] - expected) < 1e-3 * expected);
    assert_true(p < 0.3); /* exact biases: 1 - e^-0.5 = 0.39 */
    made_free(made);
}

static void bounds_are(const struct made *made, const struct rounding_model *rounding, bool with_out, bool with_lse)
{
    double out[HEADS * DIM], lse[HEADS];
    struct error error;
    assert_int_equal(error_bounds(with_out ? out : NULL, with_lse ? lse : NULL, rounding, &made->problem, &made->truth,
                                  2, NULL, &error),
                     ERROR_NONE);
    if (with_out)
        assert_memory_equal(out, made->bound, sizeof out);
    if (with_lse)
        assert_memory_equal(lse, made->lse_bound, sizeof lse);
}

/* Out and lse each alone are what they are together; an empty row has bounds of 0. */
static void test_either_bound_alone(void **state)
{
    static const double zeros[HEADS * DIM];
    (void)state;
    struct made *made = made_new(KV_AS_DTYPE);
    bound_for(made, &model, NULL);
    bounds_are(made, &model, true, false);
    bounds_are(made, &model, false, true);
    memset(made->visible, 0, KEYS);
    for (int h = 0; h < HEADS; h++)
        made->truth.lse[h] = -INFINITY;
    memcpy(made->bound, zeros, sizeof made->bound);
    memcpy(made->lse_bound, zeros, sizeof made->lse_bound);
    bounds_are(made, &model, true, true);
    made_free(made);
}

/* (7) with one rounding at a time. One key whose logit is its bias: nothing but its weight's and the lse's errors. */
static void test_lse_takes_each_of_its_roundings(void **state)
{
    static const struct {
        const char *name;
        struct rounding_model model;
        double expected; /* logit -6, slope 1/2, P 20 */
    } rows[] = {
        {"logarithm", {.logarithm = 0x1p-20}, 0.5 * 0x1p-20},
        {"raised logarithm", {.logarithm = 0x1p-20, .max_offset = 3}, 3.5 * 0x1p-20},
        {"sum", {.lse_sum = 0x1p-20}, 6 * 0x1p-20},
        {"base", {.lse_base = 0x1p-20}, 6 * 0x1p-20},
        {"slope of the relative form", {.lse_slope = 0x1p-20}, 0},
        {"slope of the absolute form", {.lse_slope = 0x1p-20, .absolute_bias = true}, 10 * 0x1p-20},
        {"sums of the absolute form", {.lse_sum = 0x1p-20, .absolute_bias = true}, 12 * 0x1p-20},
        {"floor of a slope", {.slope_floor = 0x1p-20}, 12 * 0x1p-20},
        {"floor of an absolute slope", {.slope_floor = 0x1p-20, .absolute_bias = true}, (12 + 20) * 0x1p-20},
        /* A narrow slope is rounded once more as it is divided by the scale, whichever part of its own is the larger.
         */
        {"a divided slope", {.slope_divided = 0x1p-20}, 12 * 0x1p-20},
        {"a narrow slope, divided", {.slope_narrow = 0x1p-20, .slope_divided = 0x1p-20}, (6 + 12) * 0x1p-20},
        {"a subnormal slope, divided",
         {.slope_narrow = 0x1p-24, .slope_floor = 0x1p-20, .slope_divided = 0x1p-20},
         (12 + 12) * 0x1p-20},
        {"exponential", {.exponential = 0x1p-20}, 0x1p-20},
        {"additions", {.add = 0x1p-20, .sum_adds_after = 4}, 4 * 0x1p-20},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rounding_model rounding = rows[i].model;
        struct made *made = made_new(KV_AS_DTYPE);
        struct error error;
        double lse[HEADS];
        rounding.keys_per_round = 1;
        memset(made->q, 0, sizeof made->q);
        memset(made->visible, 0, KEYS);
        made->visible[8] = 1;
        made->problem.q_position = 20;
        made->problem.seq_len = 9;
        for (int h = 0; h < HEADS; h++)
            made->slopes[h] = 0.5f;
        struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
        assert_int_equal(truth_init(&made->truth, &made->problem, &error), ERROR_NONE);
        assert_int_equal(truth_certified(&made->truth, &made->problem, &options, &error), ERROR_NONE);
        assert_int_equal(error_bounds(NULL, lse, &rounding, &made->problem, &made->truth, 1, NULL, &error), ERROR_NONE);
        for (int h = 0; h < HEADS; h++) /* 2^-45 for keys that are left out */
            if (!(fabs(lse[h] - rows[i].expected) <= 0x1p-44 + 1e-4 * rows[i].expected))
                fail_msg("%s: %a, expected %a", rows[i].name, lse[h], rows[i].expected);
        made_free(made);
    }
}

/* A key that weighs e^-100, but whose q.k may be off by more: it is near and its terms cancel, or it is far away. */
static void test_light_keys_may_be_heavy_to_the_kernel(void **state)
{
    (void)state;
    for (int far = 0; far < 2; far++)
        for (int large = 0; large < 2; large++) {
            const struct rounding_model rounding = {.dot = large ? 0.4 : 0.01, .keys_per_round = 1};
            struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
            struct made *made = made_new(KV_AS_DTYPE);
            struct error error;
            float *k = made->k;
            memset(k, 0, sizeof(float) * KEYS * DIM);
            for (int d = 0; d < DIM; d++)
                k[d] = far || d < DIM / 2 ? 100.0f : -150.0f; /* times 1/4: 400; 200 - 300 */
            for (int h = 0; h < HEADS; h++)
                made->slopes[h] = far ? 500.0f / (KEYS - 1) : 0;
            for (int i = 0; i < HEADS * DIM; i++)
                made->q[i] = 1;
            assert_int_equal(truth_init(&made->truth, &made->problem, &error), ERROR_NONE);
            assert_int_equal(truth_certified(&made->truth, &made->problem, &options, &error), ERROR_NONE);
            assert_int_equal(
                error_bounds(made->bound, made->lse_bound, &rounding, &made->problem, &made->truth, 1, NULL, &error),
                ERROR_NONE);
            for (int h = 0; h < HEADS; h++)
                assert_true(large ? isinf(made->lse_bound[h]) : made->lse_bound[h] < 1e-9);
            for (int i = 0; i < HEADS * DIM; i++)
                assert_true(large ? isinf(made->bound[i]) : made->bound[i] < 1e-9);
            made_free(made);
        }
}

/* Fused sums take an element below the least normal number for that: what it is multiplied by is aligned so, be it of k
 * or of q. What is 0 is not. */
static void test_elements_below_the_least_normal_are_aligned_as_it(void **state)
{
    enum { ELEMENTS = 2 };
    static const double normal = 0x1p-14, low = 0x1p-20;
    static const struct {
        double query[ELEMENTS];
        float k[ELEMENTS];
        double largest;
    } rows[] = {
        {{1, 1}, {8, 8}, 0x1p-14},
        {{low, 1}, {8, low}, 8 * 0x1p-14},
        {{1, low}, {low, 8}, 8 * 0x1p-14},
        {{low, low}, {8, 4}, 8 * 0x1p-14},
        {{4, low}, {low, low}, 4 * 0x1p-14},
        {{low, 0}, {low, 8}, 0x1p-28},
        {{low, 0}, {0, 8}, 0},
    };
    const struct rounding_model fused = {.dot_alignment = 0x1p-24, .dot_normal = normal};
    struct made *made = made_new(KV_AS_DTYPE);
    (void)state;
    made->problem.head_dim = ELEMENTS;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct logit_terms terms =
            logit_terms_of(&fused, &made->problem, &made->truth.contract, 0, rows[i].query, rows[i].k);
        assert_true(terms.dot_floor == 0x1p-24 * rows[i].largest * (double)made->problem.scale);
    }
    made_free(made);
}

/* Keys that are not looked at weigh less than TAIL together, by slopes under which many of them weigh next to the same:
 * all logits are biases. */
static void test_keys_that_are_not_looked_at_weigh_less_than_the_tail(void **state)
{
    enum { MANY = 1 << 14 };
    static const float q[1], k[MANY];
    (void)state;
    for (int exponent = 2; exponent <= 8; exponent++) {
        const float slope = ldexpf(1.5f, -exponent);
        const struct problem problem = {.seq_len = MANY,
                                        .num_heads = 1,
                                        .num_kv_heads = 1,
                                        .head_dim = 1,
                                        .dtype = DTYPE_F32,
                                        .scale = 1,
                                        .q_position = MANY - 1,
                                        .slopes = &slope,
                                        .q = q,
                                        .k = k,
                                        .v = k};
        const struct truth_contract inputs = {.of = TRUTH_OF_INPUTS};
        const struct rounding_model exact = {.dot = 0};
        const struct most_roundings none = {0, 0};
        const double step = exp(-(double)slope), lse = -log1p(-step); /* of keys without end */
        struct tensor_bounds bounds;
        struct key_scores scores;
        struct error error;
        double max, unseen;
        assert_int_equal(key_scores_init(&scores, &problem, false, &error), ERROR_NONE);
        assert_int_equal(tensor_bounds_scan(&bounds, &problem, 1, NULL, &error), ERROR_NONE);
        scores.query[0] = 0;
        struct logit_terms terms = logit_terms_of(&exact, &problem, &inputs, 0, scores.query, bounds.k);
        int64_t low = key_scores_fill(&scores, &exact, &none, lse, &bounds, &terms, &max);
        unseen = exp(-(double)slope * (double)(MANY - low));
        assert_true(low > 0 && low < MANY && max == 0);
        assert_true(unseen < TAIL);
        tensor_bounds_clear(&bounds);
        key_scores_clear(&scores);
    }
}

/* A key that is all that counts weighs 1, whatever its logit: out is bounded by additions alone, lse by the logit too.
 * A key that may weigh something to the kernel leaves no bound. */
static void test_one_key_weighs_one_whatever_its_logit(void **state)
{
    static const struct {
        const char *name;
        int keys;
        float slope, older_k;
        bool bounded;
    } rows[] = {
        {"alone", 1, 100, 60, true},
        {"far above the next", KEYS, 0x1p20f, 60, true},
        {"near the next", 2, 100, 60, false},             /* 100 nats, and either logit is off by 119 */
        {"near one without an error", 2, -120, 0, false}, /* 120 nats, and 119 of its own */
        {"as heavy as the next", 2, 0, 60, false},
    };
    static const struct rounding_model rounding = {
        .bias = 0x1p-24, .dot = 0.5, .add = 0x1p-20, .keys_per_round = KEYS, .sum_adds_after = 3, .out_adds_after = 5};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
        struct made *made = made_new(KV_AS_DTYPE);
        struct error error;
        const float *newest = (const float *)made->v + (rows[i].keys - 1) * DIM;
        for (int k = 0; k < KEYS * DIM; k++) /* q.k of 238 and errors of half of it */
            ((float *)made->k)[k] = k / DIM < rows[i].keys - 1 ? rows[i].older_k : 60;
        for (int j = 0; j < HEADS * DIM; j++)
            made->q[j] = 1;
        for (int h = 0; h < HEADS; h++)
            made->slopes[h] = rows[i].slope;
        made->problem.seq_len = rows[i].keys;
        made->problem.q_position = 100000;
        assert_int_equal(truth_init(&made->truth, &made->problem, &error), ERROR_NONE);
        assert_int_equal(truth_certified(&made->truth, &made->problem, &options, &error), ERROR_NONE);
        assert_int_equal(
            error_bounds(made->bound, made->lse_bound, &rounding, &made->problem, &made->truth, 1, NULL, &error),
            ERROR_NONE);
        for (int j = 0; j < HEADS * DIM; j++) {
            double expected = fabs((double)newest[j % DIM]) * (5 + 3) * 0x1p-20;
            if (rows[i].bounded ? !(fabs(made->bound[j] - expected) <= 1e-4 * expected + 0x1p-40)
                                : !isinf(made->bound[j]))
                fail_msg("%s: %a, expected %a", rows[i].name, made->bound[j], expected);
        }
        double bias = (double)rows[i].slope * (100000 - (rows[i].keys - 1)) * 0x1p-24, expected = 120 + bias;
        for (int h = 0; h < HEADS; h++)
            if (rows[i].bounded ? !(fabs(made->lse_bound[h] - expected) <= 1e-3 * expected)
                                : !isinf(made->lse_bound[h]))
                fail_msg("%s: lse %a, expected %a", rows[i].name, made->lse_bound[h], expected);
        made_free(made);
    }
}

/* lse of head 0, its tanh off by a share of itself. */
static double lse_of_capped(const struct made *made, double share)
{
    const struct problem *problem = &made->problem;
    double cap = (double)problem->soft_cap_value * (1 + share), logits[KEYS], max = -INFINITY, sum = 0;
    for (int j = 0; j < KEYS; j++) {
        double product = 0, bias = (double)made->slopes[0] * (double)problem_distance(problem, j);
        for (int d = 0; d < DIM; d++)
            product += (double)problem->scale * (double)made->q[d] * (double)((const float *)made->k)[j * DIM + d];
        bool first = problem->soft_cap == SOFT_CAP_BEFORE_BIAS;
        logits[j] = cap * tanh((product + (first ? 0 : bias)) / (double)problem->soft_cap_value) + (first ? bias : 0);
        max = fmax(max, logits[j]);
    }
    for (int j = 0; j < KEYS; j++)
        sum += exp(logits[j] - max);
    return max + log(sum);
}

/* A kernel whose only error is that of its tanh. */
static void test_a_tanh_that_errs_is_bounded(void **state)
{
    (void)state;
    const struct rounding_model rounding = {.cap = 0x1p-10, .keys_per_round = 1};
    for (enum soft_cap soft_cap = SOFT_CAP_BEFORE_BIAS; soft_cap < SOFT_CAP_COUNT; soft_cap++) {
        struct made *made = made_new(KV_AS_DTYPE);
        made->problem.soft_cap = soft_cap;
        made->problem.soft_cap_value = 2;
        bound_for(made, &rounding, NULL);
        double err = fabs(lse_of_capped(made, 0x1p-10) - lse_of_capped(made, 0));
        assert_true(err > 0.1 * made->lse_bound[0] && err <= made->lse_bound[0]);
        made_free(made);
    }
}

/* A sink has the share of the row's weight that a key of its logit has: with one key that weighs as much, whatever the
 * logits are, lse is off by what each of both may be. */
static void test_a_sink_weighs_what_its_logit_says(void **state)
{
    (void)state;
    static const double error = 0x1p-12;
    static const float sinks[HEADS] = {-20, -20, -20};
    const struct rounding_model exponentials = {.exponential = error, .keys_per_round = 16};
    struct made *made = made_new(KV_AS_DTYPE);
    memset(made->visible, 0, KEYS);
    made->visible[0] = 1;
    made->problem.q_position = 20;
    made->problem.sink_logits = sinks;
    for (int h = 0; h < HEADS; h++)
        made->slopes[h] = 1;
    memset(made->q, 0, sizeof made->q);
    bound_for(made, &exponentials, &(struct truth_contract){.of = TRUTH_OF_INPUTS});
    for (int h = 0; h < HEADS; h++)
        assert_true(fabs(made->lse_bound[h] / error - 1) < 0.01);
    made_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_fp8_cache_is_bounded_by_its_values),
        cmocka_unit_test(test_a_chunk_is_bounded_by_its_positions),
        cmocka_unit_test(test_the_formula_counts_given_roundings),
        cmocka_unit_test(test_the_formula_counts_all_roundings_of_a_slope),
        cmocka_unit_test(test_dropped_keys_are_masked_keys),
        cmocka_unit_test(test_bf16_biases_weigh_keys),
        cmocka_unit_test(test_light_keys_may_be_heavy_to_the_kernel),
        cmocka_unit_test(test_either_bound_alone),
        cmocka_unit_test(test_lse_takes_each_of_its_roundings),
        cmocka_unit_test(test_elements_below_the_least_normal_are_aligned_as_it),
        cmocka_unit_test(test_keys_that_are_not_looked_at_weigh_less_than_the_tail),
        cmocka_unit_test(test_one_key_weighs_one_whatever_its_logit),
        cmocka_unit_test(test_a_tanh_that_errs_is_bounded),
        cmocka_unit_test(test_a_sink_weighs_what_its_logit_says),
    };
    int failed = cmocka_run_group_tests_name("error_bound", tests, NULL, NULL);
    mpfr_free_cache();
    return failed != 0;
}
