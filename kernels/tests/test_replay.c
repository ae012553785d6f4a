/* The replay of a kernel, stage by stage, against the kernel, the truth and closed forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/device/replay.h"
#include "kernels/tests/made_problem.h"
#include "kernels/tests/sound_recipes.h"

/* Stages whose roundings reach out. */
enum { FIRST_STAGE = STAGE_NONE + 1, LAST_STAGE = STAGE_OUTPUT };

static const struct recipe relative = {.sentinel.policy = SENTINEL_EXCLUDE};
static const struct recipe absolute = {.sentinel.policy = SENTINEL_EXCLUDE, .bias = BIAS_ABSOLUTE};

static struct replay replay_of(enum kernel kernel, const struct recipe *recipe, const struct problem *problem,
                               int threads)
{
    struct replay replay;
    struct error error;
    if (replay_run(&replay, kernel, &(struct kernel_options){.chunk_len = 96}, recipe, problem, threads, &error))
        fail_msg("%s", error.text);
    return replay;
}

static struct truth truth_of(const struct problem *problem)
{
    struct truth truth;
    struct error error;
    struct truth_options options = {.precision = 128, .threads = 1};
    assert_int_equal(truth_init(&truth, problem, &error), ERROR_NONE);
    assert_int_equal(truth_plain(&truth, problem, &options, &error), ERROR_NONE);
    return truth;
}

/* What a kernel on the host device computes, out widened. */
static void run_kernel(float *out, float *lse, enum kernel kernel, const struct recipe *recipe,
                       const struct problem *problem)
{
    size_t elements = (size_t)problem_elements(problem);
    void *raw = malloc(elements * dtypes[problem->dtype].size_bytes);
    struct device *device;
    struct error error;
    double seconds;
    assert_non_null(raw);
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), ERROR_NONE);
    if (device_run(device, kernel, &(struct kernel_options){.chunk_len = 96}, recipe, problem,
                   &(struct output){raw, lse}, &seconds, &error))
        fail_msg("%s", error.text);
    dtype_widen(problem->dtype, raw, 0, elements, out);
    device_close(device);
    free(raw);
}

static double stage_error(const struct replay *replay, size_t element, int stage)
{
    return replay->out[element].alone[stage] - replay->out[element].alone[STAGE_NONE];
}

/* `computed` is the kernel's output, no stage at all is the truth, the stages' errors add up to the kernel's. */
static void check_recipe(const struct problem *problem, const struct truth *truth, enum kernel kernel,
                         const struct recipe *recipe)
{
    size_t elements = (size_t)problem_elements(problem);
    float *out = malloc(elements * sizeof *out), lse[8];
    assert_true(out && problem->num_heads <= 8);
    struct replay replay = replay_of(kernel, recipe, problem, 1);
    run_kernel(out, lse, kernel, recipe, problem);
    for (size_t i = 0; i < elements; i++) {
        const struct replayed *element = &replay.out[i];
        double sum = 0, magnitude = 0, size = truth->magnitude[i];
        assert_memory_equal(&element->computed, &out[i], sizeof out[i]);
        if (!(fabs(element->alone[STAGE_NONE] - truth->value[i]) <= 1e-12 * size))
            fail_msg("%s %s, element %zu: %.17g without rounding, truth %.17g", kernels[kernel]->name,
                     recipe->name ? recipe->name : "", i, element->alone[STAGE_NONE], truth->value[i]);
        for (int stage = FIRST_STAGE; stage <= LAST_STAGE; stage++) {
            sum += stage_error(&replay, i, stage);
            magnitude += fabs(stage_error(&replay, i, stage));
        }
        double rest_of_error = (double)element->computed - element->alone[STAGE_NONE] - sum;
        if (!(fabs(rest_of_error) <= 1e-3 * magnitude + magnitude * magnitude / size + 1e-13 * size))
            fail_msg("%s %s, element %zu: the kernel is off by %g, its stages by %g together", kernels[kernel]->name,
                     recipe->name ? recipe->name : "", i, (double)element->computed - truth->value[i], sum);
        assert_true(stage_error(&replay, i, STAGE_LSE) == 0);
    }
    for (int h = 0; h < problem->num_heads; h++) {
        assert_memory_equal(&replay.lse[h].computed, &lse[h], sizeof lse[h]);
        assert_true(fabs(replay.lse[h].alone[STAGE_NONE] - truth->lse[h]) <= 1e-12 * (1 + fabs(truth->lse[h])));
    }
    replay_clear(&replay);
    free(out);
}

/* Every kernel, exponential, bias form and policy. */
static void check_problem(const struct made_problem *made)
{
    struct truth truth = truth_of(&made->problem);
    enum { EXPONENTIALS = EXPONENTIAL_EX2_APPROX + 1, BIASES = BIAS_NONE };
    for (int variant = 0; variant < KERNEL_ANY_COUNT * EXPONENTIALS * BIASES * SENTINEL_COUNT; variant++) {
        int rest = variant;
        enum kernel kernel = (enum kernel)(rest % KERNEL_ANY_COUNT);
        struct recipe recipe = {.exponential = (enum exponential)((rest /= KERNEL_ANY_COUNT) % EXPONENTIALS)};
        recipe.bias = (enum bias_form)((rest /= EXPONENTIALS) % BIASES);
        recipe.sentinel.policy = (enum sentinel_policy)(rest / BIASES);
        recipe.sentinel.value = -5e4f;
        check_recipe(&made->problem, &truth, kernel, &recipe);
    }
    truth_clear(&truth);
}

/* Every other choice of a recipe rounds through the same stages. */
static void test_agrees_for_every_recipe(void **state)
{
    (void)state;
    struct made_problem made = make_problem(150, 2, 1, 64, DTYPE_F32);
    struct truth truth = truth_of(&made.problem);
    for (int i = 0; i < NUM_SOUND_RECIPES; i++)
        for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++)
            check_recipe(&made.problem, &truth, (enum kernel)kernel, &sound_recipes[i]);
    truth_clear(&truth);
    free_problem(&made);
}

static void test_agrees_with_kernel_and_truth(void **state)
{
    (void)state;
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        struct made_problem made = make_problem(300, 2, 1, 64 << dtype, (enum dtype)dtype);
        if (dtype == DTYPE_BF16) {
            mask_keys(&made, 1, 300, 3);
            mask_keys(&made, 150, 260, 1);
        }
        check_problem(&made);
        free_problem(&made);
    }
}

static void test_threads_do_not_change_bits(void **state)
{
    (void)state;
    struct made_problem made = make_problem(500, 5, 5, 96, DTYPE_BF16);
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
        struct replay one = replay_of((enum kernel)kernel, &relative, &made.problem, 1);
        struct replay three = replay_of((enum kernel)kernel, &relative, &made.problem, 3);
        for (int i = 0; i < 5 * 96; i++)
            assert_memory_equal(one.out[i].alone, three.out[i].alone, ROUNDING_STAGE_COUNT * sizeof(double));
        replay_clear(&one);
        replay_clear(&three);
    }
    free_problem(&made);
}

/* Two keys, q = 0, v = 0 and 1: out = 1 / (1 + 2^-x) with x the base-2 distance of the logits. */
struct two_keys {
    struct made_problem made;
    float slope;
};

static struct two_keys make_two_keys(enum dtype dtype, float slope)
{
    struct two_keys two = {make_problem(2, 1, 1, 64, dtype), slope};
    float zero = 0, one = 1;
    for (size_t d = 0; d < 64; d++) {
        dtype_narrow(dtype, two.made.q, d, 1, &zero);
        dtype_narrow(dtype, two.made.v, d, 1, &zero);
        dtype_narrow(dtype, two.made.v, 64 + d, 1, &one);
    }
    two.made.slopes[0] = slope;
    return two;
}

/* The slope's error alone: x = f32(slope f32(log2 e)), everything else exact. */
static void test_slope_stage_is_what_it_says(void **state)
{
    (void)state;
    struct two_keys two = make_two_keys(DTYPE_F32, 1.1f);
    float in_base_2 = two.slope * 0x1.715476p+0f;
    double expected = 1 / (1 + exp2(-(double)in_base_2)), truth = 1 / (1 + exp(-(double)two.slope));
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
        struct replay replay = replay_of((enum kernel)kernel, &relative, &two.made.problem, 1);
        assert_true(fabs(replay.out[0].alone[STAGE_NONE] - truth) <= 1e-15);
        assert_true(fabs(replay.out[0].alone[STAGE_SLOPE] - expected) <= 1e-15);
        assert_true(fabs(expected - truth) > 1e-9);
        replay_clear(&replay);
    }
    free_problem(&two.made);
}

/* The output's rounding alone: half an ulp at most, that of the computed value, and of no other stage. */
static void test_output_stage_is_what_it_says(void **state)
{
    (void)state;
    struct two_keys two = make_two_keys(DTYPE_F16, 0.3f);
    struct replay replay = replay_of(KERNEL_SINGLE_PASS, &relative, &two.made.problem, 1);
    double error = stage_error(&replay, 0, STAGE_OUTPUT), exact = replay.out[0].alone[STAGE_NONE];
    assert_true(fabs(error) > 0 && fabs(error) <= 0.5 * dtype_ulp(DTYPE_F16, exact));
    assert_true(fabs(exact + error - (double)replay.out[0].computed) <= 1e-7);
    for (int stage = FIRST_STAGE; stage < STAGE_OUTPUT; stage++)
        assert_true(fabs(stage_error(&replay, 0, stage)) <= 0x1p-23);
    replay_clear(&replay);
    free_problem(&two.made);
}

/* q = 0: the only logit error is the bias's, slope_log2 j rounded, in the absolute form. */
static void test_absolute_bias_rounds_in_the_bias_stage(void **state)
{
    (void)state;
    struct made_problem made = make_problem(3000, 1, 1, 64, DTYPE_F32);
    made.slopes[0] = 0x1.aeb4a2p-1f;
    memset(made.q, 0, 64 * sizeof(float));
    struct replay replay = replay_of(KERNEL_SINGLE_PASS, &absolute, &made.problem, 1);
    double by_stage[ROUNDING_STAGE_COUNT] = {0}, slope_log2 = (double)(made.slopes[0] * 0x1.715476p+0f);
    for (size_t d = 0; d < 64; d++)
        for (int stage = FIRST_STAGE; stage <= LAST_STAGE; stage++)
            by_stage[stage] = fmax(by_stage[stage], fabs(stage_error(&replay, d, stage)));
    for (int stage = FIRST_STAGE; stage <= LAST_STAGE; stage++)
        if (stage != STAGE_BIAS)
            assert_true(by_stage[STAGE_BIAS] > 10 * by_stage[stage]);
    assert_true(by_stage[STAGE_LOGIT] == 0);

    /* The same, by hand: a weight's relative error is ln 2 times its logit's; only the newest 100 keys matter. */
    double exact_sum = 0, rounded_sum = 0, exact_out = 0, rounded_out = 0;
    for (int j = 2900; j < 3000; j++) {
        double exact = (double)made.slopes[0] * M_LOG2E * j;
        double rounded = exact + ((double)(float)(slope_log2 * j) - slope_log2 * j);
        double v = (double)((float *)made.v)[j * 64], newest = (double)made.slopes[0] * M_LOG2E * 2999;
        exact_sum += exp2(exact - newest), exact_out += exp2(exact - newest) * v;
        rounded_sum += exp2(rounded - newest), rounded_out += exp2(rounded - newest) * v;
    }
    assert_true(fabs(replay.out[0].alone[STAGE_NONE] - exact_out / exact_sum) <= 1e-11);
    assert_true(fabs(replay.out[0].alone[STAGE_BIAS] - rounded_out / rounded_sum) <= 1e-11);
    replay_clear(&replay);
    free_problem(&made);
}

/* A finite sentinel above the visible logits is wrong in exact arithmetic, and no stage says otherwise. */
static void test_sentinel_that_leaks_is_no_rounding(void **state)
{
    (void)state;
    struct made_problem made = make_problem(400, 1, 1, 64, DTYPE_F32);
    made.slopes[0] = 100;
    mask_keys(&made, 200, 400, 1);
    struct recipe recipe = {.sentinel = {SENTINEL_VALUE, -1e4f}};
    struct truth truth = truth_of(&made.problem);
    struct replay replay = replay_of(KERNEL_SPLIT_KV, &recipe, &made.problem, 1);
    double leaked = 0, rounded = 0;
    for (size_t d = 0; d < 64; d++) {
        leaked = fmax(leaked, fabs(replay.out[d].alone[STAGE_NONE] - truth.value[d]));
        for (int stage = FIRST_STAGE; stage <= LAST_STAGE; stage++)
            rounded = fmax(rounded, fabs(stage_error(&replay, d, stage)));
    }
    assert_true(leaked > 0.1);
    assert_true(rounded < 1e-5);
    replay_clear(&replay);
    truth_clear(&truth);
    free_problem(&made);
}

static void test_empty_row(void **state)
{
    (void)state;
    struct made_problem made = make_problem(100, 2, 2, 64, DTYPE_F16);
    mask_keys(&made, 0, 100, 1);
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
        struct replay replay = replay_of((enum kernel)kernel, &relative, &made.problem, 1);
        for (int i = 0; i < 2 * 64; i++)
            for (int stage = 0; stage < ROUNDING_STAGE_COUNT; stage++)
                assert_true(replay.out[i].alone[stage] == 0);
        assert_true(isinf(replay.lse[0].alone[STAGE_NONE]));
        replay_clear(&replay);
    }
    free_problem(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_kernel_and_truth),
        cmocka_unit_test(test_agrees_for_every_recipe),
        cmocka_unit_test(test_threads_do_not_change_bits),
        cmocka_unit_test(test_slope_stage_is_what_it_says),
        cmocka_unit_test(test_output_stage_is_what_it_says),
        cmocka_unit_test(test_absolute_bias_rounds_in_the_bias_stage),
        cmocka_unit_test(test_sentinel_that_leaks_is_no_rounding),
        cmocka_unit_test(test_empty_row),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL) != 0;
}
