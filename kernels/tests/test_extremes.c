/* Magnitudes at the ends of what f32 and narrow dtypes hold: a bound is infinite where something on the way overflows,
 * finite where nothing does, and holds either way. `make soak-extremes` runs far more of the second test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <mpfr.h>

#include "kernels/tests/extreme_run.h"

enum { KEYS = 20, DIM = 64 };

/* One head of equal elements: logits are scale k_scale 64 q k and their biases, the newest key's 0. */
struct row {
    const char *name;
    struct recipe recipe;
    double scale, query, key;
    double k_scale; /* 0: no fp8 cache */
    double slope;
    int64_t offset; /* of the keys, not of the query */
    double value;   /* of v; 0: 1 */
    double other;   /* elements of key 3's k; 0: as the others */
    bool masked;    /* key 3 is */
    bool alone;     /* all but key 3 and the newest are masked */
    enum truth_of of;
    bool cancels; /* every other element of k is negative */
    bool bounded;
};

#define NATURAL .log2e = LOG2E_EXPONENTIAL
#define QUERY .scale_entry = SCALE_QUERY
#define SUM .scale_entry = SCALE_SUM

static const struct row rows[] = {
    {.name = "folded scale", .scale = 2.4e38, .query = 1e-20, .key = 1e-20},
    {.name = "natural scale", .recipe = {NATURAL}, .scale = 2.4e38, .query = 1e-20, .key = 1e-20, .bounded = true},
    {.name = "folded scale that fits", .scale = 2.3e38, .query = 1e-20, .key = 1e-20, .bounded = true},
    {.name = "folded negative scale", .scale = -2.4e38, .query = 1e-20, .key = 1e-20},
    {.name = "scale times k_scale", .recipe = {NATURAL}, .scale = 1e20, .query = 1e-40, .key = 1, .k_scale = 1e20},
    {.name = "scale times k_scale that fits",
     .recipe = {NATURAL},
     .scale = 1e19,
     .query = 1e-40,
     .key = 1,
     .k_scale = 1e19,
     .bounded = true},
    {.name = "scales that cancel", .scale = 1e30, .query = 1, .key = 1, .k_scale = 1e-32, .bounded = true},
    {.name = "f16 slope", .recipe = {.slope_dtype = ROUND_F16}, .scale = 1, .query = 1, .key = 1, .slope = 70000},
    {.name = "f16 slope of a power of two",
     .recipe = {.slope_dtype = ROUND_F16},
     .scale = 1,
     .query = 1,
     .key = 1,
     .slope = 131072},
    {.name = "f16 slope that fits",
     .recipe = {.slope_dtype = ROUND_F16},
     .scale = 1,
     .query = 1,
     .key = 1,
     .slope = 65504,
     .bounded = true},
    {.name = "f32 slope", .scale = 1, .query = 1, .key = 1, .slope = 70000, .bounded = true},
    {.name = "folded slope", .scale = 1, .query = 1, .key = 1, .slope = 3e38},
    {.name = "natural slope", .recipe = {NATURAL}, .scale = 1, .query = 1, .key = 1, .slope = 3e38, .bounded = true},
    {.name = "divided slope", .recipe = {SUM}, .scale = 1e-10, .query = 1, .key = 1, .slope = 1e29},
    {.name = "divided slope that fits",
     .recipe = {SUM},
     .scale = 1e-10,
     .query = 1,
     .key = 1,
     .slope = 1e26,
     .bounded = true},
    {.name = "f16 bias to nothing",
     .recipe = {.bias_dtype = ROUND_F16},
     .scale = 1,
     .query = 1,
     .key = 1,
     .slope = 10000,
     .bounded = true},
    {.name = "scaled query", .recipe = {QUERY, NATURAL}, .scale = 1e10, .query = 1e30, .key = 1e-41},
    {.name = "scaled dot", .recipe = {NATURAL}, .scale = 1e10, .query = 1e30, .key = 1e-41, .bounded = true},
    {.name = "scaled query of 0", .recipe = {QUERY}, .scale = 0, .query = 1e30, .key = 1e30, .bounded = true},
    {.name = "q.k scaled by 0", .scale = 0, .query = 1e30, .key = 1e30},
    {.name = "q.k", .scale = 1e-38, .query = 1e19, .key = 1e19},
    {.name = "q.k that fits", .scale = 1e-38, .query = 1e18, .key = 1e18, .bounded = true},
    {.name = "q.k that cancels", .scale = 1e-38, .query = 1e19, .key = 1e19, .cancels = true},
    {.name = "f16 q.k", .recipe = {.dot_dtype = ROUND_F16}, .scale = 1e-4, .query = 40, .key = 40},
    {.name = "f16 q.k that cancels",
     .recipe = {.dot_dtype = ROUND_F16},
     .scale = 1e-4,
     .query = 40,
     .key = 40,
     .cancels = true},
    {.name = "f16 q.k that fits",
     .recipe = {.dot_dtype = ROUND_F16},
     .scale = 1e-4,
     .query = 30,
     .key = 30,
     .bounded = true},
    {.name = "f16 q.k that is scaled",
     .recipe = {QUERY, .dot_dtype = ROUND_F16},
     .scale = 1e-4,
     .query = 40,
     .key = 40,
     .bounded = true},
    {.name = "scale that is 0 in f32", .scale = 1e-20, .query = 1, .key = 1, .k_scale = 1e-30, .bounded = true},
    {.name = "divisor that is 0 in f32", .recipe = {SUM}, .scale = 1e-20, .query = 1, .key = 1, .k_scale = 1e-30},
    {.name = "sum before it is scaled",
     .recipe = {SUM, .bias = BIAS_ABSOLUTE},
     .scale = 2e-38,
     .query = 1.77e18,
     .key = 1.77e18,
     .slope = 0.22},
    {.name = "sum that fits",
     .recipe = {SUM, .bias = BIAS_ABSOLUTE},
     .scale = 2e-38,
     .query = 1.2e18,
     .key = 1.2e18,
     .slope = 0.22,
     .bounded = true},
    {.name = "masked key",
     .recipe = {.masked_entry = MASKED_ADD},
     .scale = 1,
     .query = 1,
     .key = 1,
     .other = 1e38,
     .masked = true},
    {.name = "masked key that fits",
     .recipe = {.masked_entry = MASKED_ADD},
     .scale = 1,
     .query = 1,
     .key = 1,
     .other = 1e36,
     .masked = true,
     .bounded = true},
    {.name = "masked key that is replaced",
     .scale = 1,
     .query = 1,
     .key = 1,
     .other = 1e38,
     .masked = true,
     .bounded = true},
    {.name = "averages of chunks",
     .recipe = {.max_offset = 12, .merge = MERGE_LSE},
     .scale = 1,
     .query = 0,
     .key = 0,
     .value = 3e38},
    {.name = "sums of chunks",
     .recipe = {.max_offset = 12, .merge = MERGE_NORMALIZED},
     .scale = 1,
     .query = 0,
     .key = 0,
     .value = 3e38,
     .bounded = true},
    {.name = "sum under an offset that is rounded down", /* to 2; 20 e^-2.0155 v would fit */
     .recipe = {NATURAL, .max_offset = 2.0155f},
     .scale = 1,
     .query = 64,
     .key = 64,
     .value = 1.265e38},
    {.name = "sum of weights that are rounded up", /* from e^-2 to 139 2^-10; 20 e^-2 v would fit */
     .recipe = {NATURAL, .max_offset = 2, .weight_dtype = ROUND_BF16},
     .scale = 1,
     .query = 1,
     .key = 1,
     .value = 1.2555e38},
    {.name = "f16 averages of chunks",
     .recipe = {.merge = MERGE_NORMALIZED, .partial_dtype = ROUND_F16},
     .scale = 1,
     .query = 0,
     .key = 0,
     .value = 70000},
    {.name = "f16 averages of chunks that fit",
     .recipe = {.merge = MERGE_NORMALIZED, .partial_dtype = ROUND_F16},
     .scale = 1,
     .query = 0,
     .key = 0,
     .value = 65000,
     .bounded = true},
    {.name = "masked logit",
     .recipe = {.masked_entry = MASKED_ADD},
     .scale = 100,
     .query = 1,
     .key = 0.01,
     .other = 1e36,
     .masked = true},
    {.name = "masked logit to nothing",
     .recipe = {.masked_entry = MASKED_ADD},
     .scale = 100,
     .query = 1,
     .key = 0.01,
     .other = -1e36,
     .masked = true,
     .bounded = true},
    {.name = "far key under an f16 slope of 0",
     .recipe = {.slope_dtype = ROUND_F16, .position_dtype = ROUND_F16},
     .scale = 1,
     .query = 1,
     .key = 1,
     .slope = 0x1p-26,
     .offset = -65504,
     .other = -10,
     .alone = true},
    {.name = "far key under an f16 slope",
     .recipe = {.slope_dtype = ROUND_F16, .position_dtype = ROUND_F16},
     .scale = 1,
     .query = 1,
     .key = 1,
     .slope = 0x1p-20,
     .offset = -65504,
     .other = -10,
     .alone = true,
     .bounded = true},
    {.name = "dropped older keys",
     .recipe = {.position_dtype = ROUND_F16},
     .scale = 1,
     .query = 1,
     .key = 1,
     .slope = 1,
     .offset = -70000,
     .of = TRUTH_OF_F16_DISTANCE,
     .bounded = true},
    {.name = "dropped keys under a slope of 0",
     .recipe = {.position_dtype = ROUND_F16},
     .scale = 1,
     .query = 1,
     .key = 1,
     .offset = -70000,
     .of = TRUTH_OF_F16_DISTANCE},
    {.name = "dropped newer keys",
     .recipe = {.position_dtype = ROUND_F16},
     .scale = 1,
     .query = 1,
     .key = 1,
     .slope = 1,
     .offset = 70000,
     .of = TRUTH_OF_F16_DISTANCE},
    {.name = "dropped keys whose q.k overflows",
     .recipe = {.position_dtype = ROUND_F16},
     .scale = 1,
     .query = 1e20,
     .key = 1e20,
     .slope = 1,
     .offset = -70000,
     .of = TRUTH_OF_F16_DISTANCE},
    {.name = "subnormal scaled query",
     .recipe = {QUERY, NATURAL},
     .scale = 0x1p-20,
     .query = 0x1.357p-118,
     .key = 0x1.8p+127,
     .bounded = true},
    {.name = "scaled query that is 0 in f32",
     .recipe = {QUERY, NATURAL},
     .scale = 0x1p-20,
     .query = 0x1.f57p-131,
     .key = 0x1.ep+127,
     .bounded = true},
    {.name = "subnormal divided slope",
     .recipe = {SUM},
     .scale = 1e35,
     .query = 1e-20,
     .key = 1e-20,
     .slope = 0x1.357p-24,
     .offset = 1 << 24,
     .bounded = true},
    {.name = "subnormal divided f16 slope",
     .recipe = {SUM, .slope_dtype = ROUND_F16},
     .scale = 1e35,
     .query = 1e-20,
     .key = 1e-20,
     .slope = 0x1p-24,
     .offset = 1 << 24,
     .bounded = true},
};

static void fill(float *tensor, size_t rows_of_it, double element, bool cancels)
{
    for (size_t i = 0; i < rows_of_it * DIM; i++)
        tensor[i] = (float)(cancels && i % 2 ? -element : element);
}

static void narrow(enum dtype dtype, float *tensor, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float element = tensor[i];
        dtype_narrow(dtype, tensor, i, 1, &element); /* behind what is still to be read */
    }
}

static void make_run(struct extreme_run *run, const struct row *row, enum kernel kernel)
{
    int64_t keys = row->recipe.merge ? 200 : KEYS;
    *run =
        (struct extreme_run){.recipe = row->recipe, .kernel = kernel, .options.chunk_len = 32, .contract.of = row->of};
    run->recipe.name = row->name;
    run->recipe.sentinel.policy = SENTINEL_INFINITY;
    run->slopes[0] = (float)row->slope;
    fill(run->q, 1, row->query, false);
    fill(run->k, (size_t)keys, row->key, row->cancels);
    fill(run->v, (size_t)keys, row->value > 0 ? row->value : 1, false);
    for (int i = 0; i < DIM; i++)
        run->k[3 * DIM + i] = row->other != 0 ? (float)row->other : run->k[3 * DIM + i];
    memset(run->visible, !row->alone, sizeof run->visible);
    run->visible[3] = !row->masked;
    run->visible[keys - 1] = 1;
    run->problem = (struct problem){
        .seq_len = keys,
        .num_heads = 1,
        .num_kv_heads = 1,
        .head_dim = DIM,
        .dtype = DTYPE_F32,
        .kv_format = row->k_scale > 0 ? KV_E4M3 : KV_AS_DTYPE,
        .k_scale = (float)row->k_scale,
        .v_scale = 1,
        .scale = (float)row->scale,
        .kv_offset = row->offset,
        .q_position = keys - 1,
        .slopes = run->slopes,
        .q = run->q,
        .k = run->k,
        .v = run->v,
        .visible = run->visible,
    };
    if (row->k_scale > 0) {
        narrow(DTYPE_E4M3, run->k, (size_t)keys * DIM);
        narrow(DTYPE_E4M3, run->v, (size_t)keys * DIM);
    }
}

static void test_a_bound_is_infinite_where_something_overflows(void **state)
{
    struct device *device = *state;
    struct extreme_run *run = test_malloc(sizeof *run);
    struct error error;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
            struct extreme_counts counts = {0};
            struct extreme_worst worst;
            if (rows[i].recipe.merge && kernel != KERNEL_SPLIT_KV)
                continue;
            make_run(run, &rows[i], (enum kernel)kernel);
            assert_int_equal(extreme_judge(&counts, &worst, run, device, &error), ERROR_NONE);
            if (counts.accused > 0 || counts.bounded != (rows[i].bounded ? DIM : 0))
                fail_msg("%s, %s: %ld of %d elements have a bound, %ld are beyond it: %s is %g, %g +- %g expected",
                         kernels[kernel]->name, rows[i].name, counts.bounded, DIM, counts.accused, worst.of,
                         worst.number, worst.truth, worst.bound);
        }
    test_free(run);
}

/* Some runs. */
static struct extreme_counts hold_extremes(struct device *device, uint64_t seed, int first, int runs,
                                           bool on_tensor_cores)
{
    struct extreme_run *run = test_malloc(sizeof *run);
    struct extreme_counts counts = {0};
    struct error error;
    for (int number = first; number < first + runs; number++) {
        struct extreme_worst worst;
        char text[EXTREME_TEXT_SIZE];
        run->on_tensor_cores = on_tensor_cores;
        extreme_draw(run, seed, (uint64_t)number);
        assert_int_equal(extreme_judge(&counts, &worst, run, device, &error), ERROR_NONE);
        if (!(worst.used <= 1))
            fail_msg("run %d: %s %d is %.9g, %.9g +- %.3g expected: %s", number, worst.of, worst.index, worst.number,
                     worst.truth, worst.bound, extreme_format(text, run));
    }
    test_free(run);
    return counts;
}

/* The first runs of `make soak-extremes`. That half of all numbers have a bound holds infinity off as a way out. */
static void test_no_bound_is_exceeded_at_the_extremes(void **state)
{
    for (int on_tensor_cores = 0; on_tensor_cores < 2; on_tensor_cores++) {
        struct extreme_counts counts = hold_extremes(*state, 0, 0, on_tensor_cores ? 150 : 300, on_tensor_cores);
        assert_true(2 * counts.bounded > counts.elements && 2 * counts.lses_bounded > counts.lses);
    }
}

/* Where slope * position, or lse, is beyond f32. */
static void test_an_lse_that_overflows_has_no_bound(void **state)
{
    static const int numbers[] = {356, 1047, 5002, 5742, 9500, 17224};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        hold_extremes(*state, 1, numbers[i], 1, true);
    hold_extremes(*state, 1, 5002, 1, false);
}

/* Weights that were divided by their sum first, so that no raised maximum makes them small: their weighted sum is
 * beyond f32 on the way. */
static void test_probabilities_under_a_raised_maximum(void **state)
{
    hold_extremes(*state, 7, 3675, 1, false);
}

static int open_device(void **state)
{
    struct error error;
    return device_open((struct device **)state, DEVICE_HOST, &(struct device_options){.threads = 1}, &error) !=
           ERROR_NONE;
}

static int close_device(void **state)
{
    device_close(*state);
    mpfr_free_cache();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bound_is_infinite_where_something_overflows),
        cmocka_unit_test(test_no_bound_is_exceeded_at_the_extremes),
        cmocka_unit_test(test_an_lse_that_overflows_has_no_bound),
        cmocka_unit_test(test_probabilities_under_a_raised_maximum),
    };
    return cmocka_run_group_tests_name("extremes", tests, open_device, close_device) != 0;
}
