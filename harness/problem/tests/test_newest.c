/* Parts that are opened with their newest keys alone: those keys are there, and a truth needs no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/problem/generate.h"
#include "reference/truth.h"

enum { KEYS = 9000, KV_HEADS = 4, HEADS = 8, DIM = 24 };

static struct problem_spec long_spec(enum distribution distribution)
{
    struct problem_spec spec = {
        .seq_len = KEYS,
        .num_heads = HEADS,
        .num_kv_heads = KV_HEADS,
        .head_dim = DIM,
        .dtype = DTYPE_BF16,
        .scale = 0x1.a20bd7p-3f,
        .slopes = SLOPES_GEOMETRIC,
        .max_bias = 4,
        .total_heads = HEADS,
        .q_position = KEYS - 1,
        .input = input_spec_of(distribution),
        .seed = 7,
    };
    return spec;
}

static const void *tensor_of(const struct inputs *inputs, enum tensor tensor)
{
    return tensor == TENSOR_K ? inputs->problem.k : inputs->problem.v;
}

/* The keys of a part from recent.first on are those of the part with all keys. */
static void assert_newest(const struct inputs *newest, const struct inputs *all)
{
    const struct problem *problem = &newest->problem;
    size_t bytes = (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
    assert_ptr_equal(problem->recent, &newest->recent);
    assert_null(all->problem.recent);
    assert_int_equal(newest->digest, 0);
    assert_true(all->digest != 0);
    for (enum tensor tensor = TENSOR_K; tensor <= TENSOR_V; tensor++)
        for (int head = 0; head < problem->num_kv_heads; head++)
            for (int64_t key = newest->recent.first[head]; key < problem->seq_len; key++) {
                size_t row = problem_row(problem, key, head) / (size_t)problem->head_dim * bytes;
                assert_memory_equal((const char *)tensor_of(newest, tensor) + row,
                                    (const char *)tensor_of(all, tensor) + row, bytes);
            }
}

/* Or older keys are wanted. */
static void assert_same_truth(const struct problem *a, const struct problem *b)
{
    const struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 2};
    size_t elements = (size_t)problem_elements(a) * sizeof(double);
    struct truth of_a, of_b;
    struct error error;
    assert_int_equal(truth_init(&of_a, a, &error), ERROR_NONE);
    assert_int_equal(truth_init(&of_b, b, &error), ERROR_NONE);
    assert_int_equal(truth_compute(&of_a, TRUTH_CERTIFIED, a, &options, &error), ERROR_NONE);
    assert_int_equal(truth_compute(&of_b, TRUTH_CERTIFIED, b, &options, &error), ERROR_NONE);
    if (!a->recent->wanted) {
        assert_memory_equal(of_a.value, of_b.value, elements);
        assert_memory_equal(of_a.radius, of_b.radius, elements);
    }
    truth_clear(&of_a);
    truth_clear(&of_b);
}

/* Keys of the last head that are added, the oldest and some in the midst, are its own, and change no other's. */
static void assert_add_keys(struct inputs *newest, const struct inputs *all, const struct problem_spec *spec,
                            struct part part)
{
    const struct problem *problem = &newest->problem;
    const int head = part.num_kv_heads - 1;
    size_t row = (size_t)part.num_kv_heads * DIM, bytes = DIM * dtypes[problem_kv_dtype(problem)].size_bytes;
    const struct key_range ranges[] = {{head, 0, 1}, {head, newest->recent.first[head] / 2, 3}};
    struct error error;
    if (newest->recent.first[head] < 100)
        return;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(inputs_add_keys(newest, spec, part, ranges[i], &error), ERROR_NONE);
    for (enum tensor tensor = TENSOR_K; tensor <= TENSOR_V; tensor++)
        for (size_t i = 0; i < 2; i++)
            for (int64_t key = ranges[i].first; key < ranges[i].first + ranges[i].count; key++) {
                size_t at = ((size_t)key * row + (size_t)head * DIM) / DIM * bytes;
                assert_memory_equal((const char *)tensor_of(newest, tensor) + at,
                                    (const char *)tensor_of(all, tensor) + at, bytes);
            }
    assert_newest(newest, all);
}

static void check(const struct problem_spec *spec)
{
    static const struct part parts[] = {{0, 1}, {3, 1}, {0, 2}, {1, 2}, {1, 3}, {0, KV_HEADS}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct inputs newest = {0}, all = {0};
        struct error error;
        assert_int_equal(inputs_generate(&all, spec, parts[i], 2, NULL, &error), ERROR_NONE);
        assert_int_equal(inputs_generate_newest(&newest, spec, parts[i], 2, NULL, &error), ERROR_NONE);
        assert_newest(&newest, &all);
        assert_add_keys(&newest, &all, spec, parts[i]);
        if (!newest.problem.bounds) /* of the whole, whose bounds a device is to find */
            newest.problem.bounds = all.problem.bounds = &newest.bounds;
        assert_same_truth(&newest.problem, &all.problem);
        /* Where no logit is far above the least that it may be, the guess of recent_keys_needed() fails. */
        if (spec->input.distribution != DISTRIBUTION_CONSTANT && spec->input.distribution != DISTRIBUTION_LOGIT_FLOOR)
            assert_false(newest.recent.wanted);
        inputs_clear(&newest);
        inputs_clear(&all);
    }
}

static void test_the_newest_keys_are_there(void **state)
{
    (void)state;
    for (enum distribution distribution = 0; distribution < DISTRIBUTION_COUNT; distribution++) {
        struct problem_spec spec = long_spec(distribution);
        if (distribution == DISTRIBUTION_LOGIT_FLOOR)
            spec.input.value = -20;
        check(&spec);
    }
}

static void test_several_queries_masks_and_fp8(void **state)
{
    (void)state;
    struct problem_spec queries = long_spec(DISTRIBUTION_NORMAL), window = queries, fp8 = queries;
    queries.num_queries = 3;
    check(&queries);
    window.mask.kind = MASK_WINDOW;
    window.mask.window = KEYS / 2;
    check(&window);
    fp8.kv_format = KV_E4M3;
    fp8.k_scale = fp8.v_scale = 0.5f;
    check(&fp8);
}

/* Slopes that do not fall: all keys are there, and their bounds are those of what is made. */
static void test_all_keys_where_it_does_not_pay(void **state)
{
    static const float flat[HEADS] = {0, 0, 0, 0, 0, 0, 0, 0};
    struct problem_spec spec = long_spec(DISTRIBUTION_NORMAL);
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        const struct part part = whole ? (struct part){0, KV_HEADS} : (struct part){1, 1};
        struct inputs newest = {0}, all = {0};
        struct error error;
        spec.slope_values = flat;
        spec.num_slope_values = HEADS;
        assert_int_equal(inputs_generate(&all, &spec, part, 1, NULL, &error), ERROR_NONE);
        assert_int_equal(inputs_generate_newest(&newest, &spec, part, 1, NULL, &error), ERROR_NONE);
        assert_null(newest.problem.recent);
        assert_int_equal(newest.digest, all.digest);
        assert_memory_equal(newest.bounds.k, all.bounds.k, (size_t)(2 * part.num_kv_heads * DIM) * sizeof(float));
        inputs_clear(&newest);
        inputs_clear(&all);
    }
}

/* What an earlier opening left does not pass for keys: inputs that are reused say what is there. */
static void test_inputs_are_reused(void **state)
{
    const struct problem_spec spec = long_spec(DISTRIBUTION_NORMAL);
    const struct part part = {1, 2};
    struct inputs inputs = {0}, all = {0};
    struct error error;
    (void)state;
    assert_int_equal(inputs_generate(&all, &spec, part, 1, NULL, &error), ERROR_NONE);
    assert_int_equal(inputs_generate_newest(&inputs, &spec, part, 1, NULL, &error), ERROR_NONE);
    inputs_reuse(&inputs);
    assert_int_equal(inputs_generate(&inputs, &spec, part, 1, NULL, &error), ERROR_NONE);
    assert_null(inputs.problem.recent);
    assert_int_equal(inputs.digest, all.digest);
    inputs_reuse(&inputs);
    assert_int_equal(inputs_generate_newest(&inputs, &spec, part, 1, NULL, &error), ERROR_NONE);
    assert_newest(&inputs, &all);
    inputs_clear(&inputs);
    inputs_clear(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_keys_are_there),
        cmocka_unit_test(test_several_queries_masks_and_fp8),
        cmocka_unit_test(test_all_keys_where_it_does_not_pay),
        cmocka_unit_test(test_inputs_are_reused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
