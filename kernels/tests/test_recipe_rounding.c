/* What each rounding that a recipe can ask for does to an answer: problems of a few keys, computed again step by step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/dialect/arithmetic.h"
#include "kernels/kernel.h"

enum { MAX_DIM = 128, MAX_KEYS = 4 * 256 };

/* A problem of one head in f32, whose elements are f16 numbers where a test gives it another dtype. */
struct small_problem {
    struct problem problem;
    float q[MAX_DIM], k[MAX_KEYS * MAX_DIM], v[MAX_KEYS * MAX_DIM], slope;
};

static void set_up(struct small_problem *small, int64_t seq_len, int head_dim)
{
    memset(small, 0, sizeof *small);
    small->problem = (struct problem){
        .seq_len = seq_len,
        .num_heads = 1,
        .num_kv_heads = 1,
        .head_dim = head_dim,
        .dtype = DTYPE_F32,
        .scale = 0.1f,
        .q_position = seq_len - 1,
        .slopes = &small->slope,
        .q = small->q,
        .k = small->k,
        .v = small->v,
    };
}

struct small_answer {
    float out[MAX_DIM], lse;
};

static struct small_answer answer_of(enum kernel kernel, const struct recipe *recipe, const struct small_problem *small)
{
    const struct kernel_options options = {.chunk_len = MAX_KEYS};
    struct small_answer answer;
    struct output output = {answer.out, &answer.lse};
    struct device *device;
    struct error error;
    double seconds;
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), ERROR_NONE);
    if (device_run(device, kernel, &options, recipe, &small->problem, &output, &seconds, &error))
        fail_msg("%s", error.text);
    device_close(device);
    return answer;
}

static float rounded(enum dtype_rounding rounding, float x)
{
    return dtype_round(dtype_rounding_dtype(rounding), x);
}

/* ---- logits: the lse of one key is its logit -------------------------------------------------------------------- */

static const float QUERY = 0x1.751p1f, KEY = 5.5f, SLOPE = 0x1.e6cp-2f;

/* One element of q and k is not 0. */
static float logit_of(const struct recipe *recipe)
{
    const float log2_e = 0x1.715476p+0f, ln_2 = 0x1.62e430p-1f;
    float scale = rounded(recipe->scale_dtype, 0.1f), bias = SLOPE * -3;
    bool scales_query = recipe->scale_entry == SCALE_QUERY;
    float query = scales_query ? rounded(recipe->query_dtype, QUERY * scale) : QUERY;
    float dot = rounded(recipe->dot_result_dtype, query * KEY), logit = dot + bias;
    if (recipe->scale_entry == SCALE_DOT)
        logit = fmaf(dot, scale, bias);
    if (recipe->scale_entry == SCALE_PRODUCT)
        logit = rounded(recipe->scaled_dtype, dot * scale) + bias;
    logit = rounded(recipe->logit_dtype, logit);
    return recipe->log2e == LOG2E_LOGIT ? logit * log2_e * ln_2 : logit;
}

#define NATURAL .sentinel = {.policy = SENTINEL_EXCLUDE}, .log2e = LOG2E_EXPONENTIAL

static void test_logits(void **state)
{
    static const struct recipe rows[] = {
        {NATURAL},
        {NATURAL, .scale_dtype = ROUND_F16},
        {NATURAL, .scale_dtype = ROUND_BF16},
        {NATURAL, .scale_entry = SCALE_PRODUCT},
        {NATURAL, .scale_entry = SCALE_PRODUCT, .scaled_dtype = ROUND_F16},
        {NATURAL, .scale_entry = SCALE_PRODUCT, .scaled_dtype = ROUND_BF16},
        {NATURAL, .dot_result_dtype = ROUND_F16},
        {NATURAL, .dot_result_dtype = ROUND_BF16},
        {NATURAL, .scale_entry = SCALE_QUERY},
        {NATURAL, .scale_entry = SCALE_QUERY, .query_dtype = ROUND_F16},
        {NATURAL, .scale_entry = SCALE_QUERY, .query_dtype = ROUND_BF16, .scale_dtype = ROUND_F16},
        {NATURAL, .logit_dtype = ROUND_F16},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .log2e = LOG2E_LOGIT},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .log2e = LOG2E_LOGIT, .logit_dtype = ROUND_BF16},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    (void)state;
    struct small_problem *small = malloc(sizeof *small);
    float expected[ROWS];
    assert_non_null(small);
    set_up(small, 1, 64);
    small->problem.q_position = 3;
    small->slope = SLOPE;
    small->q[0] = QUERY;
    small->k[0] = KEY;
    for (int i = 0; i < ROWS; i++) {
        expected[i] = logit_of(&rows[i]);
        for (int j = 0; j < i; j++)
            assert_true(expected[i] != expected[j]);
        for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++)
            assert_float_equal(answer_of((enum kernel)kernel, &rows[i], small).lse, expected[i], 0);
    }
    free(small);
}

/* ---- weights: two keys, v of the older one 1 and of the newer one 0 --------------------------------------------- */

static void test_weights(void **state)
{
    static const struct {
        enum dtype_rounding dtype;
        float scale;
    } rows[] = {{ROUND_F32, 0},  {ROUND_F16, 0},    {ROUND_BF16, 0},   {ROUND_E4M3, 0},
                {ROUND_E5M2, 0}, {ROUND_E4M3, 448}, {ROUND_E4M3, 300}, {ROUND_E5M2, 3}};
    (void)state;
    struct small_problem *small = malloc(sizeof *small);
    assert_non_null(small);
    set_up(small, 2, 64);
    small->slope = 0x1.8p-1f;
    for (int d = 0; d < 64; d++)
        small->v[d] = 1;
    float difference = small->slope * 0x1.715476p+0f * -1.0f;
    float older = exponential_by(EXPONENTIAL_POLYNOMIAL, difference), sum = older + 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int form = 0; form < WEIGHT_FORM_COUNT; form++) {
            struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE},
                                    .weight_form = (enum weight_form)form,
                                    .weight_dtype = rows[i].dtype,
                                    .weight_scale = rows[i].scale};
            float weights[] = {older, older / sum}, factor = rows[i].scale > 0 ? rows[i].scale : 1;
            for (int w = 0; w < 2; w++)
                weights[w] = rounded(rows[i].dtype, weights[w] * factor) / factor;
            float at_the_end = weights[0] / sum, first = weights[1];
            assert_true(at_the_end != first || rows[i].dtype == ROUND_F32);
            assert_float_equal(answer_of(KERNEL_TWO_PASS, &recipe, small).out[0],
                               form == WEIGHT_PROBABILITIES ? first : at_the_end, 0);
            assert_float_equal(answer_of(KERNEL_SINGLE_PASS, &recipe, small).out[0], at_the_end, 0);
            assert_float_equal(answer_of(KERNEL_SPLIT_KV, &recipe, small).out[0], at_the_end, 0);
        }
    free(small);
}

/* An empty row, an epsilon and a sum that starts at 1 do to probabilities what they do to exponentials. */
static void test_probabilities_of_special_rows(void **state)
{
    static const struct recipe rows[] = {
        {.sentinel = {.policy = SENTINEL_INFINITY}},
        {.sentinel = {.policy = SENTINEL_INFINITY}, .epsilon = 0.25f},
        {.sentinel = {.policy = SENTINEL_INFINITY}, .division = DIVISION_RECIPROCAL},
        {.sentinel = {SENTINEL_VALUE, -2}, .initial_sum = 1},
        {.sentinel = {.policy = SENTINEL_INFINITY}, .empty_row = EMPTY_ROW_DIVIDE, .guards = GUARDS_NONE},
    };
    static const uint8_t masks[][3] = {{1, 1, 1}, {1, 0, 0}, {0, 0, 0}};
    (void)state;
    struct small_problem *small = malloc(sizeof *small);
    assert_non_null(small);
    set_up(small, 3, 64);
    small->slope = 0.5f;
    for (int i = 0; i < 3 * 64; i++)
        small->v[i] = (float)(i / 64 + 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t m = 0; m < sizeof masks / sizeof masks[0]; m++) {
            struct recipe recipe = rows[i];
            small->problem.visible = masks[m];
            struct small_answer end = answer_of(KERNEL_TWO_PASS, &recipe, small);
            recipe.weight_form = WEIGHT_PROBABILITIES;
            struct small_answer first = answer_of(KERNEL_TWO_PASS, &recipe, small);
            assert_int_equal(isnan(first.out[0]), isnan(end.out[0]));
            assert_memory_equal(&first.lse, &end.lse, sizeof end.lse);
            if (!isnan(end.out[0]))
                assert_float_equal(first.out[0], end.out[0], 1e-6f);
        }
    free(small);
}

/* ---- sums ------------------------------------------------------------------------------------------------------- */

/* 16 keys of weight 1 that one group of lanes takes one after the other. */
static void test_weighted_sums(void **state)
{
    static const enum dtype_rounding rows[] = {ROUND_F32, ROUND_F16, ROUND_BF16};
    (void)state;
    struct small_problem *small = malloc(sizeof *small);
    assert_non_null(small);
    set_up(small, 16, 128);
    for (int i = 0; i < 16 * 128; i++)
        small->v[i] = 1 + (float)(i / 128) * 0x1p-8f;
    float before = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}, .weighted_sum_dtype = rows[i]};
        float sum = 0;
        for (int key = 0; key < 16; key++)
            sum = rounded(rows[i], sum + small->v[key * 128]);
        assert_true(sum != before);
        before = sum;
        for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++)
            assert_float_equal(answer_of((enum kernel)kernel, &recipe, small).out[0], sum / 16, 0);
    }
    free(small);
}

/* A lane takes a key a round; those of a round weigh the same, and less from round to round. v is 1. */
static void test_sums_of_weights(void **state)
{
    static const enum dtype_rounding rows[] = {ROUND_F32, ROUND_F16, ROUND_BF16};
    (void)state;
    struct small_problem *small = malloc(sizeof *small);
    assert_non_null(small);
    set_up(small, MAX_KEYS, 64);
    small->problem.scale = 1;
    small->q[0] = 1;
    for (int key = 0; key < MAX_KEYS; key++) {
        small->k[key * 64] = -(float)(key / 256) / 4;
        small->v[key * 64] = 1;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}, .sum_dtype = rows[i]};
        float sum = 0, exact = 0;
        for (int round = 0; round < MAX_KEYS / 256; round++) {
            float weight = exponential_by(EXPONENTIAL_POLYNOMIAL, -(float)round / 4 * 0x1.715476p+0f);
            sum = rounded(rows[i], sum + weight);
            exact += weight;
        }
        assert_int_equal(sum != exact, rows[i] != ROUND_F32);
        for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
            struct small_answer answer = answer_of((enum kernel)kernel, &recipe, small);
            assert_float_equal(answer.out[0], exact / sum, 1e-6f);
            assert_float_equal(answer.lse, logf(256 * sum), 1e-5f);
        }
    }
    free(small);
}

/* Tiles of 64 keys whose maxima rise: weights are rounded against the maximum so far, and scaled down afterwards. */
static void test_running_maximum(void **state)
{
    enum { KEYS = 200, TILE = 64 };
    (void)state;
    struct small_problem *small = malloc(sizeof *small);
    assert_non_null(small);
    set_up(small, KEYS, 64);
    small->problem.scale = 1;
    small->q[0] = 1;
    for (int key = 0; key < KEYS; key++) {
        small->k[key * 64] = (float)key * 0x1.3p-6f;
        small->v[key * 64] = (float)(key * 37 % 50);
    }
    double above = 0, below = 0, at_once = 0;
    double last = (double)(small->k[(KEYS - 1) * 64] * 0x1.715476p+0f);
    for (int key = 0; key < KEYS; key++) {
        int newest = key / TILE * TILE + TILE - 1 < KEYS ? key / TILE * TILE + TILE - 1 : KEYS - 1;
        double max = (double)(small->k[newest * 64] * 0x1.715476p+0f);
        double logit = (double)(small->k[key * 64] * 0x1.715476p+0f), weight = exp2(logit - max);
        above += (double)rounded(ROUND_BF16, (float)weight) * exp2(max - last) * (double)small->v[key * 64];
        below += weight * exp2(max - last);
        at_once += (double)rounded(ROUND_BF16, (float)exp2(logit - last)) * (double)small->v[key * 64];
    }
    struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}, .weight_dtype = ROUND_BF16, .tile_keys = TILE};
    assert_true(fabs(above - at_once) > 1e-3 * below);
    assert_float_equal(answer_of(KERNEL_TWO_PASS, &recipe, small).out[0], (float)(above / below), 1e-4f);
    recipe.tile_keys = 0;
    assert_float_equal(answer_of(KERNEL_TWO_PASS, &recipe, small).out[0], (float)(at_once / below), 1e-4f);
    free(small);
}

/* ---- input ------------------------------------------------------------------------------------------------------ */

/* `input` is the dtype of the problem, in every field. */
static void test_input_is_the_dtype_of_q(void **state)
{
    struct recipe recipe, expected;
    enum dtype_rounding *members[2][13];
    struct recipe *recipes[] = {&recipe, &expected};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct recipe *r = recipes[i];
        enum dtype_rounding *of[] = {&r->slope_dtype,  &r->position_dtype, &r->bias_dtype,       &r->scale_dtype,
                                     &r->query_dtype,  &r->dot_dtype,      &r->dot_result_dtype, &r->scaled_dtype,
                                     &r->logit_dtype,  &r->weight_dtype,   &r->sum_dtype,        &r->weighted_sum_dtype,
                                     &r->partial_dtype};
        memcpy(members[i], of, sizeof of);
    }
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
        for (int m = 0; m < 13; m++) {
            recipe = expected = (struct recipe){.bias = BIAS_ABSOLUTE, .logit_dtype = ROUND_F16};
            *members[0][m] = ROUND_INPUT;
            *members[1][m] = dtype == DTYPE_F16 ? ROUND_F16 : dtype == DTYPE_BF16 ? ROUND_BF16 : ROUND_F32;
            struct recipe resolved = recipe_for(&recipe, (enum dtype)dtype);
            assert_memory_equal(&resolved, &expected, sizeof resolved);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logits),          cmocka_unit_test(test_weights),
        cmocka_unit_test(test_weighted_sums),   cmocka_unit_test(test_probabilities_of_special_rows),
        cmocka_unit_test(test_sums_of_weights), cmocka_unit_test(test_input_is_the_dtype_of_q),
        cmocka_unit_test(test_running_maximum),
    };
    int failed = cmocka_run_group_tests_name("recipe rounding", tests, NULL, NULL);
    return failed > 125 ? 125 : failed;
}
