/* Kernels on the host device against the plain truth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/device/launch.h"
#include "kernels/dialect/simt.h"
#include "kernels/kernel.h"
#include "kernels/tests/made_problem.h"

static const struct sentinel policies[] = {
    {.policy = SENTINEL_VALUE, .value = -5e4f},
    {.policy = SENTINEL_INFINITY},
    {.policy = SENTINEL_ADAPTIVE},
    {.policy = SENTINEL_EXCLUDE},
};
enum { NUM_POLICIES = sizeof policies / sizeof policies[0] };

struct result {
    float *out, *lse; /* out widened */
    void *raw;
    size_t raw_bytes;
};

static struct result run_kernel(enum kernel kernel, const struct recipe *recipe, const struct problem *problem,
                                int64_t chunk_len, int threads)
{
    size_t elements = (size_t)problem_elements(problem);
    struct result result = {
        .out = malloc(elements * sizeof(float)),
        .lse = malloc((size_t)problem->num_heads * sizeof(float)),
        .raw_bytes = elements * dtypes[problem->dtype].size_bytes,
    };
    struct device *device;
    struct error error;
    double seconds;
    result.raw = malloc(result.raw_bytes);
    assert_true(result.out && result.lse && result.raw);
    struct output output = {result.raw, result.lse};
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = threads}, &error),
                     ERROR_NONE);
    if (device_run(device, kernel, &(struct kernel_options){.chunk_len = chunk_len}, recipe, problem, &output, &seconds,
                   &error))
        fail_msg("%s", error.text);
    dtype_widen(problem->dtype, result.raw, 0, elements, result.out);
    device_close(device);
    return result;
}

static void free_result(struct result *result)
{
    free(result->out);
    free(result->lse);
    free(result->raw);
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

/*
 * Within half an ulp of the dtype plus `arithmetic` of sum w|v|/l. 4e-6 holds for every recipe with the relative bias
 * at these sizes: logits below 32 in base 2 where weight is, each off by 2^-20 at most, and D = 256 products a dot.
 */
static void assert_close(const struct result *result, const struct truth *truth, const struct problem *problem,
                         double arithmetic)
{
    for (int64_t i = 0; i < problem_elements(problem); i++) {
        double exact = truth->value[i], err = fabs((double)result->out[i] - exact);
        double allowed = 0.5 * dtype_ulp(problem->dtype, exact) * (1 + 1e-6) + arithmetic * truth->magnitude[i];
        if (!(err <= allowed))
            fail_msg("element %lld of N %lld D %d %s: %.9g, truth %.9g, error %g, allowed %g", (long long)i,
                     (long long)problem->seq_len, problem->head_dim, dtypes[problem->dtype].name,
                     (double)result->out[i], exact, err, allowed);
    }
    for (int h = 0; h < problem->num_heads; h++) {
        double exact = truth->lse[h];
        bool equal = (double)result->lse[h] == exact; /* -inf */
        if (!equal && !(fabs((double)result->lse[h] - exact) <= 4e-6 + 4e-7 * fabs(exact) + arithmetic))
            fail_msg("lse of head %d: %.9g, truth %.9g", h, (double)result->lse[h], exact);
    }
}

static void check_all_policies(const struct made_problem *made, int64_t chunk_len, enum bias_form bias,
                               double arithmetic)
{
    struct truth truth = truth_of(&made->problem);
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++)
        for (int policy = 0; policy < NUM_POLICIES; policy++)
            for (int exponential = 0; exponential <= EXPONENTIAL_EX2_APPROX; exponential++) {
                struct recipe recipe = {
                    .sentinel = policies[policy], .bias = bias, .exponential = (enum exponential)exponential};
                struct result result = run_kernel((enum kernel)kernel, &recipe, &made->problem, chunk_len, 1);
                assert_close(&result, &truth, &made->problem, arithmetic);
                free_result(&result);
            }
    truth_clear(&truth);
}

/* Every edge of tiles (32 keys), blocks (256) and chunks. */
static void test_lengths(void **state)
{
    static const int64_t lengths[] = {1, 2, 31, 32, 33, 63, 255, 256, 257, 511, 700};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct made_problem made = make_problem(lengths[i], 2, 2, 64, DTYPE_F16);
        check_all_policies(&made, 96, BIAS_RELATIVE, 4e-6);
        free_problem(&made);
    }
}

static void test_head_dims_and_dtypes(void **state)
{
    (void)state;
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
        for (int head_dim = HEAD_DIM_MIN; head_dim <= HEAD_DIM_MAX; head_dim += HEAD_DIM_STEP) {
            struct made_problem made = make_problem(77, 1, 1, head_dim, (enum dtype)dtype);
            check_all_policies(&made, 32, BIAS_RELATIVE, 4e-6);
            free_problem(&made);
        }
}

/* Query heads share KV heads in groups, in order. */
static void test_grouped_heads(void **state)
{
    static const int kv_heads[] = {1, 2, 3, 6};
    (void)state;
    for (size_t i = 0; i < sizeof kv_heads / sizeof kv_heads[0]; i++) {
        struct made_problem made = make_problem(150, 6, kv_heads[i], 80, DTYPE_BF16);
        check_all_policies(&made, 64, BIAS_RELATIVE, 4e-6);
        free_problem(&made);
    }
}

/* slope * j reaches 0.7 * 299 * log2(e) = 311: its rounding, 2^-16, is in every weight. */
static void test_absolute_bias(void **state)
{
    (void)state;
    struct made_problem made = make_problem(300, 4, 4, 64, DTYPE_F32);
    check_all_policies(&made, 64, BIAS_ABSOLUTE, 8 * 0x1p-16);
    free_problem(&made);
}

/* The query stands inside or before the keys: biases are positive behind it. */
static void test_query_position(void **state)
{
    static const int64_t positions[] = {0, 40, 90, 200};
    (void)state;
    for (size_t i = 0; i < sizeof positions / sizeof positions[0]; i++) {
        struct made_problem made = make_problem(100, 4, 2, 64, DTYPE_F32);
        made.problem.q_position = positions[i];
        check_all_policies(&made, 32, BIAS_RELATIVE, 2e-5);
        free_problem(&made);
    }
}

/* Holes, whole tiles and whole chunks without a visible key. The truth never sees the removed keys. */
static void test_masks(void **state)
{
    (void)state;
    struct made_problem made = make_problem(600, 2, 1, 64, DTYPE_F32);
    mask_keys(&made, 1, 600, 3);
    check_all_policies(&made, 64, BIAS_RELATIVE, 4e-6);
    mask_keys(&made, 128, 420, 1);
    check_all_policies(&made, 64, BIAS_RELATIVE, 4e-6);
    mask_keys(&made, 420, 600, 1);
    check_all_policies(&made, 64, BIAS_RELATIVE, 4e-6);
    free_problem(&made);
}

/* Without a visible key the two policies that promise it give 0 and -inf. */
static void test_empty_row(void **state)
{
    (void)state;
    struct made_problem made = make_problem(100, 2, 2, 64, DTYPE_F16);
    struct truth truth = truth_of(&made.problem);
    truth_clear(&truth);
    mask_keys(&made, 0, 100, 1);
    truth = truth_of(&made.problem);
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++)
        for (int policy = SENTINEL_INFINITY; policy <= SENTINEL_EXCLUDE; policy += 2) {
            struct recipe recipe = {.sentinel.policy = (enum sentinel_policy)policy};
            struct result result = run_kernel((enum kernel)kernel, &recipe, &made.problem, 32, 1);
            assert_close(&result, &truth, &made.problem, 0);
            assert_true(isinf(result.lse[0]) && result.lse[0] < 0);
            free_result(&result);
        }
    truth_clear(&truth);
    free_problem(&made);
}

/* A finite sentinel above the visible logits: -1e4 in their place hides them and the masked keys' v appears (lattice
 * 361); -inf, adaptive and exclude stay right on the same problem. */
static void test_reachable_sentinel_leaks(void **state)
{
    (void)state;
    struct made_problem made = make_problem(400, 1, 1, 64, DTYPE_F32);
    made.slopes[0] = 100;
    mask_keys(&made, 200, 400, 1); /* the visible keys' biases lie below -20000 */
    struct truth truth = truth_of(&made.problem);
    for (int policy = 0; policy < NUM_POLICIES; policy++) {
        struct recipe recipe = {.sentinel = policies[policy]};
        if (policies[policy].policy == SENTINEL_VALUE)
            recipe.sentinel.value = -1e4f;
        struct result result = run_kernel(KERNEL_SPLIT_KV, &recipe, &made.problem, 64, 1);
        double err = 0;
        for (int d = 0; d < 64; d++)
            err = fmax(err, fabs((double)result.out[d] - truth.value[d]));
        if (policies[policy].policy == SENTINEL_VALUE)
            assert_true(err > 0.1);
        else
            assert_true(err < 0.01);
        free_result(&result);
    }
    truth_clear(&truth);
    free_problem(&made);
}

/* exclude reads neither k nor v of a removed key: NaN there changes nothing. */
static void test_exclude_skips_poisoned_keys(void **state)
{
    (void)state;
    struct made_problem made = make_problem(100, 1, 1, 64, DTYPE_F32);
    mask_keys(&made, 3, 100, 5);
    struct truth truth = truth_of(&made.problem);
    for (int64_t key = 3; key < 100; key += 5)
        for (int d = 0; d < 64; d++)
            ((float *)made.v)[key * 64 + d] = ((float *)made.k)[key * 64 + d] = NAN;
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
        struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
        struct result result = run_kernel((enum kernel)kernel, &recipe, &made.problem, 32, 1);
        assert_close(&result, &truth, &made.problem, 4e-6);
        free_result(&result);
    }
    truth_clear(&truth);
    free_problem(&made);
}

static void test_threads_do_not_change_bits(void **state)
{
    (void)state;
    struct made_problem made = make_problem(1000, 5, 5, 96, DTYPE_F16);
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
        struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
        struct result one = run_kernel((enum kernel)kernel, &recipe, &made.problem, 128, 1);
        struct result three = run_kernel((enum kernel)kernel, &recipe, &made.problem, 128, 3);
        assert_memory_equal(one.raw, three.raw, one.raw_bytes);
        assert_memory_equal(one.lse, three.lse, 5 * sizeof(float));
        free_result(&one);
        free_result(&three);
    }
    free_problem(&made);
}

/* Lanes and warps in the opposite order: a kernel that lacks a barrier would read what is not there yet. */
static void test_no_races(void **state)
{
    (void)state;
    struct made_problem made = make_problem(900, 2, 1, 128, DTYPE_BF16);
    struct simt_executor *executor;
    struct error error;
    struct recipe recipe = {.sentinel.policy = SENTINEL_INFINITY};
    uint16_t out[2][256];
    float lse[2][2], partials[2 * 29 * 130];
    struct launch_plan plan;
    enum { PARTIALS = 2 * 29 };

    for (int order = SIMT_FORWARD; order <= SIMT_BACKWARD; order++) {
        const struct output output = {out[order], lse[order]};
        const struct kernel_options options = {.chunk_len = 32};
        const struct batch batch = {KERNEL_SPLIT_KV, &options, &recipe, &made.problem, &output, 1, false};
        assert_int_equal(simt_executor_new(&executor, 1, (enum simt_order)order, sizeof(float), &error), ERROR_NONE);
        assert_int_equal(plan_launches(&plan, &batch, &(struct plan_options){.real_bytes = sizeof(float)}, &error),
                         ERROR_NONE);
        assert_int_equal(plan.buffers[BUFFER_WORKSPACE].size_bytes, PARTIALS * sizeof(float));
        for (enum buffer b = 0; b < BUFFER_COUNT; b++)
            plan_bind(&plan, b, (void *)(uintptr_t)plan.buffers[b].source);
        for (enum buffer b = BUFFER_WORKSPACE; b < BUFFER_COUNT; b++) /* maxima, sums and outputs */
            plan_bind(&plan, b, partials + (b - BUFFER_WORKSPACE) * PARTIALS);
        for (int i = 0; i < plan.num_launches; i++) {
            const struct launch *launch = &plan.launches[i];
            struct simt_grid grid = {launch->blocks_x, launch->blocks_y, launch->blocks_z, launch->threads};
            simt_kernel *function = (simt_kernel *)host_split_kv.forms[i][launch->form].function;
            assert_int_equal(simt_launch(executor, "split_kv", function, &plan.args, &grid, &error), ERROR_NONE);
        }
        plan_clear(&plan);
        simt_executor_free(executor);
    }
    assert_memory_equal(out[SIMT_FORWARD], out[SIMT_BACKWARD], sizeof out[0]);
    assert_memory_equal(lse[SIMT_FORWARD], lse[SIMT_BACKWARD], sizeof lse[0]);
    free_problem(&made);
}

/* What 32-bit indices cannot count. Nothing of such a problem is read. */
static void test_refuses_sizes(void **state)
{
    static const struct {
        int64_t seq_len;
        int page_size, num_heads;
        const char *text;
    } rows[] = {{INT64_C(1) << 32, 16, 1, "no pages for more than 2^32 - 1 keys"},
                {INT64_C(1) << 31, 0, 64, "no more than 2^31 - 1 chunks of all heads"}};
    const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    const struct output output = {NULL, NULL};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made_problem made = make_problem(1, rows[i].num_heads, 1, 64, DTYPE_F16);
        const struct kernel_options options = {.chunk_len = 32, .page_size = rows[i].page_size};
        const struct batch batch = {KERNEL_SPLIT_KV, &options, &recipe, &made.problem, &output, 1, false};
        struct launch_plan plan;
        struct error error;
        made.problem.seq_len = rows[i].seq_len;
        assert_int_equal(plan_launches(&plan, &batch, &(struct plan_options){.real_bytes = sizeof(float)}, &error),
                         ERROR_USAGE);
        assert_non_null(strstr(error.text, rows[i].text));
        plan_clear(&plan);
        free_problem(&made);
    }
}

static void test_refuses_head_dim(void **state)
{
    (void)state;
    struct made_problem made = make_problem(4, 1, 1, 72, DTYPE_F16);
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    const struct output output = {NULL, NULL};
    const struct kernel_options options = {.chunk_len = 32};
    const struct batch batch = {KERNEL_SINGLE_PASS, &options, &recipe, &made.problem, &output, 1, false};
    struct launch_plan plan;
    struct error error;
    assert_int_equal(plan_launches(&plan, &batch, &(struct plan_options){.real_bytes = sizeof(float)}, &error),
                     ERROR_USAGE);
    plan_clear(&plan);
    assert_non_null(strstr(error.text, "72"));
    free_problem(&made);
}

/* What is said of kernels is so. */
static void test_words(void **state)
{
    (void)state;
    int from, to, step;
    char names[KERNEL_NAMES_SIZE];
    assert_int_equal(sscanf(HEAD_DIMS_WORDS, "%d to %d in steps of %d", &from, &to, &step), 3);
    for (int head_dim = 1; head_dim <= 2 * to; head_dim++)
        assert_int_equal(kernel_takes_head_dim(head_dim),
                         head_dim >= from && head_dim <= to && (head_dim - from) % step == 0);
    assert_string_equal(kernels_with_chunks(names), "split_kv or tensor_core");
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++)
        assert_int_equal(strstr(names, kernel_names[kernel]) != NULL, kernels[kernel]->uses_chunk_len);
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++) {
        assert_string_equal(kernels[kernel]->name, kernel_names[kernel]);
        bool any_dtype = true;
        for (enum dtype dtype = 0; dtype < DTYPE_COUNT; dtype++)
            any_dtype &= !kernel_refusal((enum kernel)kernel, &(struct recipe){.name = NULL}, dtype, KV_AS_DTYPE);
        assert_int_equal(any_dtype, kernel < KERNEL_ANY_COUNT);
    }
}

/* The adaptive value lies below every logit of the problem, and says so when no f32 does. */
static void test_adaptive_sentinel(void **state)
{
    (void)state;
    struct made_problem made = make_problem(500, 3, 1, 64, DTYPE_F32);
    struct error error;
    float sentinel;
    assert_int_equal(adaptive_sentinel(&sentinel, &made.problem, &(struct recipe){.bias = BIAS_RELATIVE}, &error),
                     ERROR_NONE);
    double lowest = 0;
    for (int h = 0; h < 3; h++)
        for (int j = 0; j < 500; j++) {
            double dot = 0;
            for (int d = 0; d < 64; d++)
                dot += (double)((float *)made.q)[h * 64 + d] * (double)((float *)made.k)[j * 64 + d];
            lowest = fmin(lowest, (dot * (double)made.problem.scale + (double)made.slopes[h] * (j - 499)) * M_LOG2E);
        }
    assert_true((double)sentinel <= lowest - 126);
    assert_true((double)sentinel >= 10 * lowest - 1000);
    ((float *)made.k)[7] = 3e38f;
    ((float *)made.q)[7] = 3e38f;
    assert_int_equal(adaptive_sentinel(&sentinel, &made.problem, &(struct recipe){.bias = BIAS_RELATIVE}, &error),
                     ERROR_SYSTEM);
    free_problem(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_head_dims_and_dtypes),
        cmocka_unit_test(test_grouped_heads),
        cmocka_unit_test(test_absolute_bias),
        cmocka_unit_test(test_query_position),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_empty_row),
        cmocka_unit_test(test_reachable_sentinel_leaks),
        cmocka_unit_test(test_exclude_skips_poisoned_keys),
        cmocka_unit_test(test_threads_do_not_change_bits),
        cmocka_unit_test(test_no_races),
        cmocka_unit_test(test_refuses_sizes),
        cmocka_unit_test(test_refuses_head_dim),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_adaptive_sentinel),
    };
    return cmocka_run_group_tests_name("kernels", tests, NULL, NULL) != 0;
}
