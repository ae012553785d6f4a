/* Error bounds: no sound kernel exceeds its own, and the bound is neither idle nor blind to a broken kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/attention/rounding.h"
#include "kernels/tests/made_problem.h"
#include "kernels/tests/sound_recipes.h"

/* A made problem, its truth and the kernel's output, widened. */
struct bench {
    struct made_problem made;
    struct truth truth;
    float *out;
    double *bound, *lse_bound;
    double lse_used; /* of the last budget_used: the largest error of an lse over its bound */
};

static struct bench bench_new(int64_t seq_len, int num_heads, int num_kv_heads, int head_dim, enum dtype dtype)
{
    struct bench bench = {.made = make_problem(seq_len, num_heads, num_kv_heads, head_dim, dtype)};
    struct truth_options options = {.precision = 160, .threads = 1};
    struct error error;
    size_t elements = (size_t)problem_elements(&bench.made.problem);
    bench.out = malloc(elements * sizeof *bench.out);
    bench.bound = malloc(elements * sizeof *bench.bound);
    bench.lse_bound = malloc((size_t)num_heads * sizeof *bench.lse_bound);
    assert_true(bench.out && bench.bound && bench.lse_bound);
    assert_int_equal(truth_init(&bench.truth, &bench.made.problem, &error), 0);
    assert_int_equal(truth_certified(&bench.truth, &bench.made.problem, &options, &error), 0);
    return bench;
}

static void bench_free(struct bench *bench)
{
    truth_clear(&bench->truth);
    free_problem(&bench->made);
    free(bench->out);
    free(bench->bound);
    free(bench->lse_bound);
}

/* Largest error of out over its bound; of lse in bench->lse_used. */
static double budget_used(struct bench *bench, enum kernel kernel, const struct recipe *recipe,
                          const struct rounding_model *model)
{
    const struct problem *problem = &bench->made.problem;
    struct kernel_options options = {.chunk_len = 96};
    struct device *device;
    struct error error;
    double seconds, used = 0;
    size_t elements = (size_t)problem_elements(problem);
    bench->lse_used = 0;
    if (kernel_refusal(kernel, recipe, problem->dtype, problem->kv_format))
        return 0; /* nothing runs */
    void *raw = malloc(elements * dtypes[problem->dtype].size_bytes);
    float *lse = malloc((size_t)problem->num_heads * sizeof *lse);
    assert_true(raw && lse);
    struct output output = {raw, lse};
    struct rounding_model own = kernel_rounding(kernel, &options, recipe, problem);

    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    assert_int_equal(device_run(device, kernel, &options, recipe, problem, &output, &seconds, &error), 0);
    device_close(device);
    dtype_widen(problem->dtype, raw, 0, elements, bench->out);
    assert_int_equal(
        error_bounds(bench->bound, bench->lse_bound, model ? model : &own, problem, &bench->truth, 1, NULL, &error), 0);
    for (size_t i = 0; i < elements; i++) {
        double err = fabs((double)bench->out[i] - bench->truth.value[i]);
        assert_true(bench->bound[i] >= 0);
        if (err > 0 && isfinite(bench->bound[i]))
            used = fmax(used, err / bench->bound[i]);
    }
    bench->lse_used = 0;
    for (int h = 0; h < problem->num_heads; h++) {
        double err = fabs((double)lse[h] - bench->truth.lse[h]);
        assert_true(bench->lse_bound[h] >= 0);
        if (err > 0 && isfinite(bench->lse_bound[h]))
            bench->lse_used = fmax(bench->lse_used, err / bench->lse_bound[h]);
    }
    free(raw);
    free(lse);
    return used;
}

/* Recipes of every kind, on rows with holes. With BUDGETS in the environment what they use is printed. */
static void test_sound_recipes_stay_below_one(void **state)
{
    (void)state;
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        struct bench bench = bench_new(700, 4, 2, 64, (enum dtype)dtype);
        for (int i = 0; i < NUM_SOUND_RECIPES; i++)
            for (int kernel = 0; kernel < KERNEL_COUNT; kernel++) {
                double used = budget_used(&bench, (enum kernel)kernel, &sound_recipes[i], NULL);
                if (!(used <= 1 && bench.lse_used <= 1))
                    fail_msg("%s %s %s: %g of the bound, lse %g", dtypes[dtype].name, kernels[kernel]->name,
                             sound_recipes[i].name, used, bench.lse_used);
                if (getenv("BUDGETS"))
                    print_message("%-24s %-5s %-12s %.3g lse %.3g\n", sound_recipes[i].name, dtypes[dtype].name,
                                  kernels[kernel]->name, used, bench.lse_used);
            }
        bench_free(&bench);
    }
}

/* Multiplies a tensor of the bench. */
static void scale_tensor(struct bench *bench, void *tensor, size_t count, float factor)
{
    enum dtype dtype = bench->made.problem.dtype;
    for (size_t i = 0; i < count; i++) {
        float element;
        dtype_widen(dtype, tensor, i, 1, &element);
        element *= factor;
        dtype_narrow(dtype, tensor, i, 1, &element);
    }
}

/* The truth of a problem that was changed. */
static void bench_renew(struct bench *bench)
{
    struct truth_options options = {.precision = 160, .threads = 1};
    struct error error;
    assert_int_equal(truth_certified(&bench->truth, &bench->made.problem, &options, &error), 0);
}

/* Partial outputs that are subnormal in f16, divided: each chunk's absolute error enters whole, not by its weight. */
static void test_small_values_in_divided_partials(void **state)
{
    (void)state;
    struct bench bench = bench_new(700, 4, 2, 64, DTYPE_F32);
    scale_tensor(&bench, bench.made.v, 700 * 2 * 64, 1e-6f);
    bench_renew(&bench);
    for (int merge = 0; merge < MERGE_FORM_COUNT; merge++) {
        struct recipe recipe = {
            .sentinel.policy = SENTINEL_EXCLUDE, .merge = (enum merge_form)merge, .partial_dtype = ROUND_F16};
        double used = budget_used(&bench, KERNEL_SPLIT_KV, &recipe, NULL);
        if (!(used <= 1 && used > 0.1))
            fail_msg("%s: %g of the bound", merge_form_names[merge], used);
    }
    bench_free(&bench);
}

/* Values at the lower end of f32, in whose weighted sums each product loses up to 2^-150. */
static void test_subnormal_values(void **state)
{
    static const struct recipe recipes[] = {
        {.name = "f32", .sentinel.policy = SENTINEL_EXCLUDE},
        {.name = "bf16", .sentinel.policy = SENTINEL_EXCLUDE, .partial_dtype = ROUND_BF16},
        {.name = "divided",
         .sentinel.policy = SENTINEL_EXCLUDE,
         .merge = MERGE_NORMALIZED,
         .partial_dtype = ROUND_BF16},
        {.name = "raised", .sentinel.policy = SENTINEL_EXCLUDE, .max_offset = 12},
    };
    (void)state;
    for (int dtype = DTYPE_BF16; dtype <= DTYPE_F32; dtype++)
        for (float size = 1e-38f; size > 1e-41f; size *= 0.1f) {
            struct bench bench = bench_new(200, 4, 2, 64, (enum dtype)dtype);
            scale_tensor(&bench, bench.made.v, 200 * 2 * 64, size);
            bench_renew(&bench);
            for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++)
                for (int kernel = 0; kernel < KERNEL_COUNT; kernel++) {
                    double used = budget_used(&bench, (enum kernel)kernel, &recipes[i], NULL);
                    if (!(used <= 1))
                        fail_msg("%s %s %s %g: %g of the bound", recipes[i].name, dtypes[dtype].name,
                                 kernels[kernel]->name, (double)size, used);
                }
            bench_free(&bench);
        }
}

/* Biases divided by a tiny scale are infinite in f32, and so is a slope, which leaves a distance of 0 NaN. */
static void test_divided_biases_that_overflow_have_no_bound(void **state)
{
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE, .scale_entry = SCALE_SUM};
    (void)state;
    struct bench bench = bench_new(20, 2, 2, 64, DTYPE_F32);
    for (int i = 0; i < 2; i++) {
        bench.made.problem.scale = i ? 1e-42f : 1e-40f;
        if (i)
            mask_keys(&bench.made, 0, 19, 1);
        bench_renew(&bench);
        budget_used(&bench, KERNEL_SINGLE_PASS, &recipe, NULL);
        assert_true(isinf(bench.lse_bound[1]) && isinf(bench.bound[64]));
    }
    bench_free(&bench);
}

/* All logits equal and small values, so that offsets that raise the maximum leave f16 weights and partials subnormal.
 */
static void test_raised_maxima_raise_floors(void **state)
{
    static const struct recipe recipes[] = {
        {.name = "weights", .sentinel.policy = SENTINEL_EXCLUDE, .max_offset = 12.5f, .weight_dtype = ROUND_F16},
        {.name = "partials", .sentinel.policy = SENTINEL_EXCLUDE, .max_offset = 12.5f, .partial_dtype = ROUND_F16},
    };
    (void)state;
    struct bench bench = bench_new(700, 4, 2, 64, DTYPE_F32);
    scale_tensor(&bench, bench.made.q, 4 * 64, 0);
    memset(bench.made.slopes, 0, 4 * sizeof(float));
    bench_renew(&bench);
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++) {
        double used = budget_used(&bench, KERNEL_SPLIT_KV, &recipes[i], NULL);
        if (!(used <= 1 && used > 0.01))
            fail_msg("%s: %g of the bound", recipes[i].name, used);
    }
    bench_free(&bench);
}

/* Some outputs are infinite: nothing is promised of those near the end of f16, all of the others. */
static void test_an_output_that_may_overflow_has_no_bound(void **state)
{
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    int infinite = 0, unbounded = 0;
    (void)state;
    struct bench bench = bench_new(1, 4, 2, 64, DTYPE_F16);
    bench.made.problem.kv_format = KV_E4M3;
    bench.made.problem.k_scale = 1;
    bench.made.problem.v_scale = 300;
    for (int i = 0; i < 2 * 64; i++)
        ((uint8_t *)bench.made.v)[i] = (uint8_t)(i % 127); /* to 448 */
    bench_renew(&bench);
    assert_true(budget_used(&bench, KERNEL_SINGLE_PASS, &recipe, NULL) <= 1);
    for (int i = 0; i < 4 * 64; i++) {
        infinite += isinf(bench.out[i]);
        unbounded += isinf(bench.bound[i]);
        assert_true(isinf(bench.bound[i]) == isinf(bench.out[i]));
    }
    assert_true(infinite > 0 && infinite < 128 && infinite == unbounded);
    bench_free(&bench);
}

/* Divided f16 partials hold any average of f16 values, undivided ones do not hold their sum; f32 sums overflow too. */
static void test_sums_that_may_overflow_have_no_bound(void **state)
{
    static const struct {
        enum dtype dtype;
        float factor; /* of v, up to 3.5 */
        enum merge_form merge;
        enum dtype_rounding partial;
        bool bounded;
    } rows[] = {
        {DTYPE_F16, 10000, MERGE_NORMALIZED, ROUND_F16, true}, {DTYPE_F16, 10000, MERGE_MAX_SUM, ROUND_F16, false},
        {DTYPE_F16, 10000, MERGE_MAX_SUM, ROUND_F32, true},    {DTYPE_F16, 10, MERGE_MAX_SUM, ROUND_F16, true},
        {DTYPE_F32, 1e35f, MERGE_MAX_SUM, ROUND_F32, true},    {DTYPE_F32, 2e37f, MERGE_MAX_SUM, ROUND_F32, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recipe recipe = {
            .sentinel.policy = SENTINEL_EXCLUDE, .merge = rows[i].merge, .partial_dtype = rows[i].partial};
        struct bench bench = bench_new(200, 2, 2, 64, rows[i].dtype);
        scale_tensor(&bench, bench.made.v, 200 * 2 * 64, rows[i].factor);
        bench_renew(&bench);
        assert_true(budget_used(&bench, KERNEL_SPLIT_KV, &recipe, NULL) <= 1);
        for (int e = 0; e < 2 * 64; e++)
            if (isfinite(bench.bound[e]) != rows[i].bounded)
                fail_msg("row %zu, element %d: %g", i, e, bench.bound[e]);
        bench_free(&bench);
    }
}

/* A flat problem of two kinds of keys: dim 0 of their v is 1 and -1, the others 0. */
static struct bench bench_of_two_kinds(int head_dim, float scale, float query, float first_key, float second_key)
{
    struct bench bench = bench_new(64, 1, 1, head_dim, DTYPE_F32);
    float *q = bench.made.q, *k = bench.made.k, *v = bench.made.v;
    bench.made.problem.scale = scale;
    bench.made.slopes[0] = 0;
    for (int d = 0; d < head_dim; d++) {
        q[d] = query;
        for (int key = 0; key < 64; key++) {
            k[key * head_dim + d] = key % 2 ? second_key : first_key;
            v[key * head_dim + d] = d > 0 ? 0.0f : key % 2 ? -1.0f : 1.0f;
        }
    }
    return bench;
}

/* Products of a scaled query that are subnormal in f16, one kind of keys' rounded up and the other's down. */
static void test_floors_of_a_scaled_query(void **state)
{
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE,
                            .log2e = LOG2E_EXPONENTIAL,
                            .scale_entry = SCALE_QUERY,
                            .dot_dtype = ROUND_F16};
    (void)state;
    struct bench bench = bench_of_two_kinds(256, 0x1p-12f, 0x1p-12f, 0.6f, 0.4f);
    bench_renew(&bench);
    double used = budget_used(&bench, KERNEL_SINGLE_PASS, &recipe, NULL);
    if (!(used <= 1 && used > 0.1))
        fail_msg("%g of the bound", used);

    /* The scaled products have to fit f16, or the unscaled ones. */
    const struct kernel_options options = {.chunk_len = 96};
    struct problem *problem = &bench.made.problem;
    problem->scale = 0.25f;
    assert_true(kernel_rounding(KERNEL_SINGLE_PASS, &options, &recipe, problem).dot_max == 65504);
    recipe.scale_entry = SCALE_DOT;
    assert_true(kernel_rounding(KERNEL_SINGLE_PASS, &options, &recipe, problem).dot_max == 65504 / 4.0);
    bench_free(&bench);
}

/* Biases divided by a large scale are subnormal in f16, and their error is multiplied by it again. */
static void test_floors_of_a_scaled_sum(void **state)
{
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE, .scale_entry = SCALE_SUM, .bias_dtype = ROUND_F16};
    (void)state;
    struct bench bench = bench_of_two_kinds(64, 1000, 0, 0, 0);
    bench.made.slopes[0] = 1000 * 0x1.8p-25f; /* a bias of 3/4 2^-24, rounded to 2^-24 */
    mask_keys(&bench.made, 0, 62, 1);
    bench_renew(&bench);
    double used = budget_used(&bench, KERNEL_SINGLE_PASS, &recipe, NULL);
    if (!(used <= 1 && used > 0.01))
        fail_msg("%g of the bound", used);
    bench_free(&bench);
}

/* What slopes are multiplied by is rounded where its dtype does not hold all whole numbers of that size. */
static void test_far_positions_are_rounded(void **state)
{
    static const struct {
        enum bias_form bias;
        enum dtype_rounding dtype;
        int64_t kv_offset, q_position;
        bool exact;
    } rows[] = {
        {BIAS_RELATIVE, ROUND_F32, 0, 9, true},
        {BIAS_RELATIVE, ROUND_F32, (1 << 24) - 20, -(1 << 23) + 1, false}, /* 1.5 2^24 apart */
        {BIAS_RELATIVE, ROUND_F32, 1 << 30, (1 << 30) + 9, true},
        {BIAS_RELATIVE, ROUND_F32, 0, 1 << 24, true},
        {BIAS_RELATIVE, ROUND_F32, 0, (1 << 24) + 1, false},
        {BIAS_ABSOLUTE, ROUND_F32, 1 << 30, (1 << 30) + 9, false},
        {BIAS_ABSOLUTE, ROUND_F32, (1 << 24) - 9, (1 << 24) - 9, true},
        {BIAS_ABSOLUTE, ROUND_F32, (1 << 24) - 8, (1 << 24) - 9, false},
        {BIAS_RELATIVE, ROUND_F16, 0, 2048, true},
        {BIAS_RELATIVE, ROUND_F16, 0, 2049, false},
        {BIAS_ABSOLUTE, ROUND_BF16, 250, 259, false},
        {BIAS_RELATIVE, ROUND_BF16, 250, 259, true},
    };
    struct error error;
    (void)state;
    struct bench bench = bench_new(10, 1, 1, 64, DTYPE_F32);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recipe recipe = {
            .sentinel.policy = SENTINEL_EXCLUDE, .bias = rows[i].bias, .position_dtype = rows[i].dtype};
        bench.made.problem.kv_offset = rows[i].kv_offset;
        bench.made.problem.q_position = rows[i].q_position;
        bench.made.slopes[0] = 1e-8f;
        bench_renew(&bench);
        assert_true(budget_used(&bench, KERNEL_SINGLE_PASS, &recipe, NULL) <= 1);
        assert_true(bench.lse_used <= 1);
        struct rounding_model model = kernel_rounding(KERNEL_SINGLE_PASS, &(struct kernel_options){.chunk_len = 96},
                                                      &recipe, &bench.made.problem);
        double without[64];
        model.position = 0;
        assert_int_equal(error_bound(without, &model, &bench.made.problem, &bench.truth, 1, NULL, &error), 0);
        if ((without[0] == bench.bound[0]) != rows[i].exact)
            fail_msg("row %zu: %a, without %a", i, bench.bound[0], without[0]);
    }
    bench_free(&bench);
}

/*
 * A key that weighs nothing but for rounding: its q.k is the sum of large terms whose bf16 sums are too high, and among
 * keys that have none. It lies too far away to be looked at, or it is near and other terms cancel.
 */
static void test_light_keys_that_rounding_makes_heavy(void **state)
{
    enum { KEYS = 64, DIM = 64, LANE = 8 };
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE, .dot_dtype = ROUND_BF16};
    float best = 0, best_gain = 0, cancel = 0;
    (void)state;
    for (float c = 900; c < 1020; c += 0.25f) {
        float sum = 0;
        for (int i = 0; i < LANE; i++)
            sum = dtype_round(DTYPE_BF16, sum + c);
        if (sum - LANE * c > best_gain)
            best = c, best_gain = sum - LANE * c;
    }
    cancel = 32 * ceilf((LANE * best + 17) / 32); /* a lane of that sum is exact */
    for (int near = 1; near >= 0; near--) {
        struct bench bench = bench_new(KEYS, 1, 1, DIM, DTYPE_F32);
        float *q = bench.made.q, *k = bench.made.k, *v = bench.made.v;
        memset(k, 0, KEYS * DIM * sizeof *k);
        for (int d = 0; d < DIM; d++) {
            bool cancels = near && d >= DIM / 2;
            q[d] = 1;
            k[d] = !cancels ? best : d % LANE < LANE - 1 ? -1024.0f : 1024 * (LANE - 1) - cancel;
            v[d] = 1000;
        }
        bench.made.problem.scale = 1;
        bench.made.slopes[0] = near ? 0 : (DIM * best + 60) / (KEYS - 1);
        bench_renew(&bench);
        double used = budget_used(&bench, KERNEL_SINGLE_PASS, &recipe, NULL);
        if (!(used <= 1 && bench.lse_used <= 1))
            fail_msg("%s: %g of the bound, lse %g", near ? "near" : "far", used, bench.lse_used);
        bench_free(&bench);
    }
}

static void test_sound_kernels_stay_below_one(void **state)
{
    static const int64_t lengths[] = {1, 2, 40, 300, 1500};
    (void)state;
    for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++)
        for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
            struct bench bench = bench_new(lengths[n], 4, 2, n % 2 ? 64 : 144, (enum dtype)dtype);
            for (int kernel = 0; kernel < KERNEL_COUNT; kernel++)
                for (int bias = 0; bias < BIAS_NONE; bias++)
                    for (int exponential = 0; exponential <= EXPONENTIAL_EX2_APPROX; exponential++) {
                        struct recipe recipe = {.sentinel = {.policy = SENTINEL_INFINITY},
                                                .bias = (enum bias_form)bias,
                                                .exponential = (enum exponential)exponential};
                        double used = budget_used(&bench, (enum kernel)kernel, &recipe, NULL);
                        if (!(used <= 1 && bench.lse_used <= 1))
                            fail_msg("N %lld %s kernel %d bias %d exponential %d: %g of the bound, lse %g",
                                     (long long)lengths[n], dtypes[dtype].name, kernel, bias, exponential, used,
                                     bench.lse_used);
                    }
            bench_free(&bench);
        }
}

/* Every sound recipe far into a context: positions of 1e6, which the absolute form adds to all logits and takes off. */
static void test_lse_far_into_a_context(void **state)
{
    (void)state;
    struct bench bench = bench_new(200, 4, 2, 64, DTYPE_F32);
    bench.made.problem.kv_offset += 1000000;
    bench.made.problem.q_position += 1000003;
    bench_renew(&bench);
    for (int i = 0; i < NUM_SOUND_RECIPES; i++) {
        double used = budget_used(&bench, KERNEL_SPLIT_KV, &sound_recipes[i], NULL);
        if (!(used <= 1 && bench.lse_used <= 1))
            fail_msg("%s: %g of the bound, lse %g", sound_recipes[i].name, used, bench.lse_used);
        for (int h = 0; sound_recipes[i].bias == BIAS_RELATIVE && h < 4; h++)
            assert_true(bench.lse_bound[h] < INFINITY);
    }
    bench_free(&bench);
}

/* One key at an enormous distance, alone or as the newest of many under a steep slope, weighs 1: every sound recipe has
 * a bound for it that is as small as that of a key nearby, and stays below it. */
static void test_one_key_at_an_enormous_distance(void **state)
{
    static const int64_t lengths[] = {1, 300};
    (void)state;
    for (int n = 0; n < 2; n++)
        for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
            struct bench bench = bench_new(lengths[n], 4, 2, 64, (enum dtype)dtype);
            bench.made.problem.q_position = 100000;
            for (int h = 0; h < 4; h++)
                bench.made.slopes[h] = 100.0f + (float)h / 3;
            bench_renew(&bench);
            for (int i = 0; i < NUM_SOUND_RECIPES; i++)
                for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
                    double used = budget_used(&bench, (enum kernel)kernel, &sound_recipes[i], NULL);
                    if (!(used <= 1 && bench.lse_used <= 1))
                        fail_msg("N %lld %s %s %s: %g of the bound, lse %g", (long long)lengths[n], dtypes[dtype].name,
                                 kernels[kernel]->name, sound_recipes[i].name, used, bench.lse_used);
                    if (i == 0)
                        for (int d = 0; d < 4 * 64; d++)
                            assert_true(bench.bound[d] < 0.01);
                }
            bench_free(&bench);
        }
}

/* Slopes that f16 holds cost nothing, and one bit more costs what it is rounded by; subnormal ones too. */
static void test_slopes_that_are_held_are_not_rounded(void **state)
{
    static const struct {
        float slope;
        bool held;
    } rows[] = {{0.5f, true},
                {0x1.ffcp-2f, true},
                {0x1.ffep-2f, false},
                {0x1p-24f, true},
                {0x1.8p-23f, true},
                {0x1.4p-23f, false},
                {0x1p-25f, false},
                {-0x1.004p-9f, true},
                {-0x1.002p-9f, false},
                {0x1.8p-14f, true},
                {0, true}};
    struct recipe narrow = {.sentinel.policy = SENTINEL_EXCLUDE, .slope_dtype = ROUND_F16},
                  wide = {.sentinel.policy = SENTINEL_EXCLUDE};
    (void)state;
    struct bench bench = bench_new(100, 1, 1, 64, DTYPE_F32);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int bias = 0; bias < BIAS_NONE; bias++) {
            narrow.bias = wide.bias = (enum bias_form)bias;
            bench.made.slopes[0] = rows[i].slope;
            bench_renew(&bench);
            assert_true((dtype_round(DTYPE_F16, rows[i].slope) == rows[i].slope) == rows[i].held);
            assert_true(budget_used(&bench, KERNEL_SINGLE_PASS, &wide, NULL) <= 1);
            double lse = bench.lse_bound[0], out = bench.bound[0];
            double used = budget_used(&bench, KERNEL_SINGLE_PASS, &narrow, NULL);
            if (!(used <= 1 && bench.lse_used <= 1) || (bench.lse_bound[0] > lse * (1 + 1e-6)) == rows[i].held ||
                (bench.bound[0] > out * (1 + 1e-6)) == rows[i].held)
                fail_msg("slope %a: %g of the bound, lse %g; bounds %g %g, unrounded %g %g", (double)rows[i].slope,
                         used, bench.lse_used, bench.bound[0], bench.lse_bound[0], out, lse);
        }
    bench_free(&bench);
}

/* An error that all logits share leaves out as it is and shows in lse alone: a key's distance, a slope in 2^-12. */
static void test_lse_shows_what_cancels_in_out(void **state)
{
    struct recipe shifted = {.sentinel.policy = SENTINEL_EXCLUDE, .key_shift = 1};
    struct recipe sound = {.sentinel.policy = SENTINEL_EXCLUDE};
    (void)state;
    struct bench bench = bench_new(1500, 8, 4, 64, DTYPE_F32);
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
        assert_true(budget_used(&bench, (enum kernel)kernel, &shifted, NULL) <= 1);
        for (int h = 0; h < 8; h++) /* every head's, the flattest one's of 2^-8 included */
            assert_true(bench.lse_bound[h] < 0.01 * (double)bench.made.slopes[h]);
        assert_true(bench.lse_used > 100);
        budget_used(&bench, (enum kernel)kernel, &sound, NULL);
        assert_true(bench.lse_used < 1 && bench.lse_used > 0.01);
    }
    bench_free(&bench);
}

/* With f16 output the half ulp of its last rounding is reached; in f32 worst-case constants leave room, not orders. */
static void test_bound_is_not_idle(void **state)
{
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    (void)state;
    struct bench half = bench_new(300, 4, 4, 128, DTYPE_F16), single = bench_new(300, 4, 4, 128, DTYPE_F32);
    assert_true(budget_used(&half, KERNEL_SINGLE_PASS, &recipe, NULL) > 0.9);
    assert_true(budget_used(&single, KERNEL_SINGLE_PASS, &recipe, NULL) > 0.01);
    bench_free(&half);
    bench_free(&single);
}

/* The absolute form's error needs its own bound: that of the relative form does not cover it. */
static void test_other_recipes_bound_is_exceeded(void **state)
{
    struct recipe absolute = {.sentinel.policy = SENTINEL_EXCLUDE, .bias = BIAS_ABSOLUTE};
    struct recipe relative = {.sentinel.policy = SENTINEL_EXCLUDE, .bias = BIAS_RELATIVE};
    (void)state;
    struct bench bench = bench_new(1500, 4, 4, 64, DTYPE_F32);
    struct rounding_model model =
        kernel_rounding(KERNEL_SINGLE_PASS, &(struct kernel_options){.chunk_len = 96}, &relative, &bench.made.problem);
    assert_true(budget_used(&bench, KERNEL_SINGLE_PASS, &absolute, NULL) <= 1);
    assert_true(budget_used(&bench, KERNEL_SINGLE_PASS, &absolute, &model) > 1);
    bench_free(&bench);
}

/* One key dropped in 1500 by mask: far within the tolerances in use, far outside what rounding explains. */
static void test_dropped_key_exceeds_the_bound(void **state)
{
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    (void)state;
    struct bench bench = bench_new(1500, 4, 4, 64, DTYPE_F32);
    mask_keys(&bench.made, 1480, 1481, 1); /* after the truth was computed */
    assert_true(budget_used(&bench, KERNEL_SINGLE_PASS, &recipe, NULL) > 10);
    bench_free(&bench);
}

/* An error in each term of the model alone makes the bound grow. */
static void test_every_term_counts(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
    } terms[] = {
#define TERM(field) {#field, offsetof(struct rounding_model, field)}
        TERM(slope), TERM(scale),       TERM(dot),     TERM(bias), TERM(logit),
        TERM(shift), TERM(exponential), TERM(rescale), TERM(add),  TERM(division),
    };
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    struct error error;
    (void)state;
    struct bench bench = bench_new(300, 1, 1, 64, DTYPE_F32);
    struct rounding_model model =
        kernel_rounding(KERNEL_SPLIT_KV, &(struct kernel_options){.chunk_len = 96}, &recipe, &bench.made.problem);
    assert_int_equal(error_bound(bench.bound, &model, &bench.made.problem, &bench.truth, 1, NULL, &error), 0);
    double before = bench.bound[5];
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        struct rounding_model worse = model;
        *(double *)((char *)&worse + terms[i].offset) += 0x1p-18;
        assert_int_equal(error_bound(bench.bound, &worse, &bench.made.problem, &bench.truth, 1, NULL, &error), 0);
        if (!(bench.bound[5] > 1.05 * before))
            fail_msg("%s: %g before, %g after", terms[i].name, before, bench.bound[5]);
    }
    bench_free(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_kernels_stay_below_one),
        cmocka_unit_test(test_sound_recipes_stay_below_one),
        cmocka_unit_test(test_small_values_in_divided_partials),
        cmocka_unit_test(test_raised_maxima_raise_floors),
        cmocka_unit_test(test_slopes_that_are_held_are_not_rounded),
        cmocka_unit_test(test_light_keys_that_rounding_makes_heavy),
        cmocka_unit_test(test_subnormal_values),
        cmocka_unit_test(test_divided_biases_that_overflow_have_no_bound),
        cmocka_unit_test(test_lse_far_into_a_context),
        cmocka_unit_test(test_one_key_at_an_enormous_distance),
        cmocka_unit_test(test_lse_shows_what_cancels_in_out),
        cmocka_unit_test(test_far_positions_are_rounded),
        cmocka_unit_test(test_floors_of_a_scaled_query),
        cmocka_unit_test(test_floors_of_a_scaled_sum),
        cmocka_unit_test(test_an_output_that_may_overflow_has_no_bound),
        cmocka_unit_test(test_sums_that_may_overflow_have_no_bound),
        cmocka_unit_test(test_bound_is_not_idle),
        cmocka_unit_test(test_other_recipes_bound_is_exceeded),
        cmocka_unit_test(test_dropped_key_exceeds_the_bound),
        cmocka_unit_test(test_every_term_counts),
    };
    return cmocka_run_group_tests_name("rounding", tests, NULL, NULL) != 0;
}
