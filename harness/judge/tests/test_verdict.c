#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/poison.h"
#include "harness/judge/verdict.h"

enum { MAX_ELEMENTS = 1024 };

/* A judgement made by hand: one head unless a test says otherwise, truth 1 and output 1 everywhere. */
struct bench {
    uint32_t out[MAX_ELEMENTS]; /* room for any dtype */
    float lse[8];
    double value[MAX_ELEMENTS], tail[MAX_ELEMENTS], radius[MAX_ELEMENTS], magnitude[MAX_ELEMENTS];
    double truth_lse[8], truth_lse_tail[8], truth_lse_radius[8];
    struct problem problem;
    struct truth truth;
    struct output output;
    struct tolerance tolerance;
    struct verdict verdict;
};

static void set_out(struct bench *bench, size_t index, float value)
{
    dtype_narrow(bench->problem.dtype, bench->out, index, 1, &value);
}

static void set_up(struct bench *bench, enum dtype dtype, int num_heads, int head_dim)
{
    *bench = (struct bench){.problem = {.seq_len = 1,
                                        .num_heads = num_heads,
                                        .num_kv_heads = num_heads,
                                        .head_dim = head_dim,
                                        .dtype = dtype,
                                        .scale = 1},
                            .tolerance = {1e-3, 1e-3, 1e-3}};
    bench->truth = (struct truth){num_heads,
                                  head_dim,
                                  bench->value,
                                  bench->tail,
                                  bench->radius,
                                  bench->magnitude,
                                  bench->truth_lse,
                                  bench->truth_lse_tail,
                                  bench->truth_lse_radius,
                                  0,
                                  {0}};
    bench->output = (struct output){bench->out, bench->lse};
    for (int i = 0; i < num_heads * head_dim; i++) {
        set_out(bench, (size_t)i, 1);
        bench->value[i] = bench->magnitude[i] = 1;
    }
}

/* The verdict on all elements; its heads stay until the next one. */
static const struct metrics *judge(struct bench *bench)
{
    const struct exhibit exhibit = {&bench->problem, &bench->output, &bench->truth,
                                    .criterion.tolerance = bench->tolerance};
    struct error error;
    verdict_clear(&bench->verdict);
    assert_int_equal(verdict_reach(&bench->verdict, &exhibit, &error), 0);
    return &bench->verdict.total;
}

/* To the last bit; cmocka's assert_double_equal, which not every version has, takes an epsilon. */
#define assert_equals(a, b) assert_true((a) == (b))

static void test_exact_output_has_no_error(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 2, 4);
    bench.tolerance = (struct tolerance){0, 0, 0};
    const struct metrics *total = judge(&bench);
    assert_int_equal(total->elements, 8);
    assert_int_equal(total->mismatched, 0);
    assert_int_equal(total->undecided, 0);
    assert_int_equal(total->worst, 0);
    assert_equals(total->max_abs_err, 0);
    assert_equals(total->max_ulp_err, 0);
    assert_equals(total->rms_err, 0);
    assert_int_equal(total->unwritten, 0);
    verdict_clear(&bench.verdict);
}

static void test_one_error_in_every_unit(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 1, 4);
    set_out(&bench, 2, 3.0f); /* the truth is 2 - 2^-3: ulp 2^-10, error 1 + 2^-3 */
    bench.value[2] = 1.875;
    bench.magnitude[2] = 4.5;
    const struct metrics *total = judge(&bench);
    assert_int_equal(total->mismatched, 1);
    assert_int_equal(total->worst, 2);
    assert_equals(total->max_abs_err, 1.125);
    assert_equals(total->max_ulp_err, 1.125 * 1024);
    assert_equals(total->max_rel_err, 1.125 / 1.875);
    assert_equals(total->max_scaled_err, 0.25);
    assert_equals(total->rms_err, 1.125 / 2);
    verdict_clear(&bench.verdict);
}

static void test_ulp_is_that_of_the_dtype(void **state)
{
    (void)state;
    static const double ulp_of_one[DTYPE_COUNT] = {[DTYPE_F16] = 0x1p-10, [DTYPE_BF16] = 0x1p-7, [DTYPE_F32] = 0x1p-23};
    for (enum dtype dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        static struct bench bench;
        set_up(&bench, dtype, 1, 4);
        set_out(&bench, 1, (float)(1 + 2 * ulp_of_one[dtype]));
        bench.value[1] = 1 + 0.25 * ulp_of_one[dtype]; /* ulps are fractions: the truth is not rounded */
        assert_equals(judge(&bench)->max_ulp_err, 1.75);
        verdict_clear(&bench.verdict);
    }
}

/* The output is the nearest double to the truth: only the tail tells them apart. */
static void test_tail_enters_the_error(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F32, 1, 4);
    bench.tail[3] = -0x1p-55;
    assert_equals(judge(&bench)->max_abs_err, 0x1p-55);
    set_out(&bench, 3, 1 + 0x1p-23f);
    assert_equals(judge(&bench)->max_abs_err, 0x1p-23 + 0x1p-55);
    bench.truth_lse[0] = 1;
    bench.truth_lse_tail[0] = 0x1p-54;
    bench.lse[0] = 1;
    assert_equals(judge(&bench)->max_lse_err, 0x1p-54);
    verdict_clear(&bench.verdict);
}

static void test_negative_zero_is_zero(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 1, 4);
    set_out(&bench, 0, -0.0f);
    bench.value[0] = 0;
    bench.magnitude[0] = 0;
    bench.tolerance = (struct tolerance){0, 0, 0};
    const struct metrics *total = judge(&bench);
    assert_int_equal(total->mismatched, 0);
    assert_equals(total->max_ulp_err, 0);
    assert_equals(total->max_scaled_err, 0);
    verdict_clear(&bench.verdict);
}

static void test_zero_truth_has_ulps_but_no_relative_error(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 1, 4);
    set_out(&bench, 0, 0x1p-23f); /* two f16 subnormals */
    bench.value[0] = 0;
    const struct metrics *total = judge(&bench);
    assert_equals(total->max_ulp_err, 2);
    assert_equals(total->max_rel_err, 0);
    verdict_clear(&bench.verdict);
}

static void test_nan_is_a_mismatch_and_the_worst(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 1, 4);
    set_out(&bench, 0, 9);
    set_out(&bench, 2, NAN);
    set_out(&bench, 3, NAN);
    bench.tolerance.atol = 100;
    const struct metrics *total = judge(&bench);
    assert_int_equal(total->mismatched, 2);
    assert_int_equal(total->nan, 2);
    assert_int_equal(total->unwritten, 0);
    assert_int_equal(total->worst, 2);
    assert_equals(total->max_abs_err, 8);
    assert_equals(total->max_ulp_err, 8192);
    assert_equals(total->rms_err, sqrt(32)); /* of the two numbers */
    assert_equals(total->p50_ulp_err, 8192);
    assert_true(isnan(total->p99_ulp_err)); /* NaN sorts last */
    verdict_clear(&bench.verdict);
}

static void test_infinite_output(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_BF16, 1, 4);
    set_out(&bench, 1, -INFINITY);
    const struct metrics *total = judge(&bench);
    assert_int_equal(total->mismatched, 1);
    assert_int_equal(total->inf, 1);
    assert_int_equal(total->nan, 0);
    assert_int_equal(total->worst, 1);
    assert_true(isinf(total->max_abs_err));
    verdict_clear(&bench.verdict);
}

static void test_non_finite_truth(void **state)
{
    (void)state;
    static const struct {
        float out;
        double truth;
        int mismatched, nan, inf;
        double err; /* where that is a number */
    } rows[] = {
        {NAN, NAN, 0, 0, 0, 0},
        {INFINITY, INFINITY, 0, 0, 0, 0},
        {-INFINITY, -INFINITY, 0, 0, 0, 0},
        {INFINITY, -INFINITY, 1, 0, 1, INFINITY},
        {-INFINITY, INFINITY, 1, 0, 1, INFINITY},
        {1, INFINITY, 1, 0, 0, INFINITY},
        {1, NAN, 1, 0, 0, 0},
        {NAN, INFINITY, 1, 1, 0, 0},
        {INFINITY, NAN, 1, 0, 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct bench bench;
        set_up(&bench, DTYPE_F32, 1, 4);
        set_out(&bench, 0, rows[i].out);
        bench.value[0] = bench.magnitude[0] = rows[i].truth;
        const struct metrics *total = judge(&bench);
        assert_int_equal(total->mismatched, rows[i].mismatched);
        assert_int_equal(total->nan, rows[i].nan);
        assert_int_equal(total->inf, rows[i].inf);
        assert_int_equal(total->undecided, 0);
        assert_equals(total->max_abs_err, rows[i].err);
        assert_equals(total->max_ulp_err, rows[i].err);
        verdict_clear(&bench.verdict);
    }
}

/* 65520, half an ulp above the largest f16, is the first number that rounds to infinity; and so on. */
static void test_an_infinity_is_what_rounds_to_it(void **state)
{
    (void)state;
    static const struct {
        enum dtype dtype;
        float out;
        double truth;
        int mismatched;
    } rows[] = {
        {DTYPE_F16, INFINITY, 65520, 0},
        {DTYPE_F16, INFINITY, 65520 - 0x1p-37, 1},
        {DTYPE_F16, -INFINITY, -1e300, 0},
        {DTYPE_F16, -INFINITY, 65520, 1},
        {DTYPE_F16, 65504, 97000, 1},
        {DTYPE_F16, NAN, 97000, 1},
        {DTYPE_BF16, INFINITY, 0x1.ffp127, 0},
        {DTYPE_BF16, INFINITY, 0x1.fep127, 1},
        {DTYPE_F32, -INFINITY, -0x1.ffffffp127, 0},
        {DTYPE_F32, -INFINITY, -0x1.fffffep127, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct bench bench;
        set_up(&bench, rows[i].dtype, 1, 4);
        set_out(&bench, 0, rows[i].out);
        bench.value[0] = bench.magnitude[0] = rows[i].truth;
        const struct metrics *total = judge(&bench);
        assert_int_equal(total->mismatched, rows[i].mismatched);
        assert_int_equal(total->surely_off, rows[i].mismatched);
        assert_int_equal(total->inf, rows[i].mismatched && isinf(rows[i].out));
        assert_int_equal(total->undecided, 0);
        if (!rows[i].mismatched)
            assert_equals(total->max_abs_err + total->max_ulp_err + total->max_rel_err, 0);
        verdict_clear(&bench.verdict);
    }
}

static void test_so_is_an_infinite_lse(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 2, 4);
    bench.truth_lse[0] = -0x1p128;
    bench.truth_lse[1] = 65520; /* which f32 holds */
    bench.lse[0] = -INFINITY;
    bench.lse[1] = 65520;
    assert_int_equal(judge(&bench)->lse_off, 0);
    bench.lse[1] = INFINITY;
    assert_int_equal(judge(&bench)->lse_off, 1);
    bench.lse[0] = INFINITY;
    assert_int_equal(judge(&bench)->lse_off, 2);
    verdict_clear(&bench.verdict);
}

/* e = 2^-10 against limits a hair to each side of it and on it; all of it exact, so even the tie is decided. */
static void test_ties_at_the_tolerance_pass(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 1, 4);
    set_out(&bench, 0, 1 + 0x1p-10f);
    static const struct {
        struct tolerance tolerance;
        int mismatched;
    } rows[] = {
        {{0x1p-10, 0, 0}, 0},
        {{0, 0x1p-10, 0}, 0},
        {{0x1p-11, 0x1p-11, 0}, 0},
        {{0x1.fffffffffffffp-11, 0, 0}, 1},
        {{0x1.0000000000001p-10, 0, 0}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bench.tolerance = rows[i].tolerance;
        const struct metrics *total = judge(&bench);
        assert_int_equal(total->mismatched, rows[i].mismatched);
        assert_int_equal(total->undecided, 0);
    }
    verdict_clear(&bench.verdict);
}

static void test_radius_leaves_a_comparison_undecided(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 1, 4);
    set_out(&bench, 0, 1 + 0x1p-10f);
    bench.tolerance = (struct tolerance){0x1.1p-10, 0, 0x1.1p-10}; /* 2^-14 above e */
    static const struct {
        double radius;
        int undecided;
    } rows[] = {{0, 0}, {0x1.fp-15, 0}, {0x1p-14, 1}, {0x1p-3, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bench.radius[0] = rows[i].radius;
        assert_int_equal(judge(&bench)->undecided, rows[i].undecided);
    }
    /* The limit moves with the truth as well: rtol 1 doubles what the radius leaves open. */
    bench.radius[0] = 0x1.8p-15;
    bench.tolerance = (struct tolerance){0x1.1p-10, 0, 0x1.1p-10};
    assert_int_equal(judge(&bench)->undecided, 0);
    bench.tolerance = (struct tolerance){0x1.1p-10 - 1, 1, 0x1.1p-10 - 1};
    assert_int_equal(judge(&bench)->undecided, 1);
    verdict_clear(&bench.verdict);
}

/* What is known to be off is so whatever is left open beside it: a NaN, an element, an lse. */
static void test_what_is_surely_off_is_so_beside_what_is_left_open(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 2, 4);
    bench.tolerance = (struct tolerance){0, 0, 0};
    for (int i = 0; i < 8; i++)
        bench.radius[i] = 0x1p-40;
    for (int row = 0; row < 2; row++)
        bench.truth_lse_radius[row] = 0x1p-40;
    bench.value[2] += 0x1p-41;
    bench.truth_lse[0] = 0x1p-41;
    const struct metrics *total = judge(&bench);
    assert_int_equal(total->undecided, 10);
    assert_int_equal(total->mismatched, 1);
    assert_int_equal(total->lse_off, 1);
    assert_int_equal(total->surely_off, 0);
    set_out(&bench, 1, NAN);
    set_out(&bench, 6, 2);
    bench.lse[1] = 0x1p-20f;
    total = judge(&bench);
    assert_int_equal(total->undecided, 7);
    assert_int_equal(total->surely_off, 3);
    assert_int_equal(bench.verdict.rows[0].surely_off, 1);
    assert_int_equal(bench.verdict.rows[1].surely_off, 2);
    verdict_clear(&bench.verdict);
}

/* rtol * truth is rounded: an e within that rounding of the limit is left open. */
static void test_rounding_of_the_limit_is_no_verdict(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F32, 1, 4);
    set_out(&bench, 0, 3);
    bench.value[0] = 3 + 0.004;
    bench.tolerance.atol = (bench.value[0] - 3) - bench.tolerance.rtol * bench.value[0];
    assert_int_equal(judge(&bench)->undecided, 1);
    bench.tolerance.atol *= 1 + 0x1p-40;
    assert_int_equal(judge(&bench)->undecided, 0);
    verdict_clear(&bench.verdict);
}

/* What the sum and the product of a limit have lost, though it was rounded up, and though the loss is less than every
 * double: e lies between the exact limit and the rounded one. */
static void test_a_limit_that_was_rounded_up_is_no_verdict(void **state)
{
    (void)state;
    static const struct {
        double output, value;
        struct tolerance tolerance;
        bool undecided;
    } rows[] = {
        {0x1p-7 - 0x1p-52,
         1 + 0x1p-7,
         {.atol = 1, .rtol = 0x1p-53},
         true}, /* 1 + 2^-53 + 2^-60, in a double 1 + 2^-52 */
        {0x1p-7, 1 + 0x1p-7, {.atol = 1, .rtol = 0}, false},
        {0x2p-1074, 0x1p-1074, {.rtol = 0.75}, true}, /* 0.75 * 2^-1074, in a double 2^-1074 */
        {0x2p-1074, 0x1p-1074, {.rtol = 1}, true},    /* nobody looks whether it was lost there */
        {0x1p-1074, 0, {.atol = 0x1p-1074, .rtol = 0.75}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct bench bench;
        set_up(&bench, DTYPE_F32, 1, 1);
        bench.value[0] = rows[i].value;
        const struct comparison comparison =
            judge_element(rows[i].output, DTYPE_F32, &bench.truth, 0, &rows[i].tolerance);
        assert_false(comparison.mismatched);
        assert_int_equal(comparison.undecided, rows[i].undecided);
    }
}

static void test_percentiles_are_nearest_rank(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 2, 100);
    /* Head 0: 0 to 99 ulp, shuffled by a multiplier prime to 100. Head 1: 100 to 199 ulp. */
    for (int i = 0; i < 100; i++) {
        set_out(&bench, (size_t)i, (float)(1 + 0x1p-10 * (i * 37 % 100)));
        set_out(&bench, (size_t)(100 + i), (float)(1 + 0x1p-10 * (100 + i * 37 % 100)));
    }
    const struct metrics *total = judge(&bench);
    const struct metrics *heads = bench.verdict.rows;
    assert_equals(heads[0].p50_ulp_err, 49);
    assert_equals(heads[0].p99_ulp_err, 98);
    assert_equals(heads[1].p50_ulp_err, 149);
    assert_equals(total->p50_ulp_err, 99);
    assert_equals(total->p99_ulp_err, 197);
    verdict_clear(&bench.verdict);

    /* Ranks that are no whole number are rounded up: 99% of four is all four. */
    set_up(&bench, DTYPE_F16, 1, 4);
    set_out(&bench, 2, 1 + 0x1p-10f);
    assert_equals(judge(&bench)->p99_ulp_err, 1);
    assert_equals(bench.verdict.total.p50_ulp_err, 0);
    verdict_clear(&bench.verdict);
}

static void test_heads_are_judged_apart(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 3, 4);
    set_out(&bench, 1 * 4 + 3, 2);
    set_out(&bench, 2 * 4 + 1, NAN);
    bench.lse[1] = 1;
    judge(&bench);
    const struct metrics *heads = bench.verdict.rows;
    assert_int_equal(bench.verdict.num_rows, 3);
    assert_int_equal(heads[0].elements, 4);
    assert_int_equal(heads[0].mismatched, 0);
    assert_int_equal(heads[0].worst, 0);
    assert_int_equal(heads[1].mismatched, 1);
    assert_int_equal(heads[1].worst, 7);
    assert_equals(heads[1].rms_err, 0.5);
    assert_equals(heads[1].max_lse_err, 1);
    assert_int_equal(heads[2].nan, 1);
    assert_int_equal(heads[2].worst, 9);
    assert_equals(heads[2].max_abs_err, 0);
    assert_int_equal(bench.verdict.total.worst, 9);
    verdict_clear(&bench.verdict);
}

/* Of rows that are not judged nothing is known, whatever stands in them. */
static void test_rows_that_are_not_judged_have_no_figures(void **state)
{
    (void)state;
    static struct bench bench;
    static const bool rows[] = {false, true, false};
    set_up(&bench, DTYPE_F16, 3, 4);
    set_out(&bench, 0, NAN);
    set_out(&bench, 5, 1.5f);
    set_out(&bench, 11, 2);
    bench.magnitude[5] = 4;
    const struct exhibit exhibit = {&bench.problem, &bench.output, &bench.truth, .rows = rows,
                                    .criterion.tolerance = bench.tolerance};
    struct error error;
    assert_int_equal(verdict_reach(&bench.verdict, &exhibit, &error), 0);
    const struct metrics *total = &bench.verdict.total;
    assert_int_equal(total->elements, 4);
    assert_int_equal(total->mismatched, 1);
    assert_int_equal(total->worst, 5);
    assert_equals(total->max_abs_err, 0.5);
    assert_equals(total->max_scaled_err, 0.125);
    for (int r = 0; r < 3; r += 2) {
        const struct metrics *row = &bench.verdict.rows[r];
        assert_int_equal(row->elements, 0);
        assert_int_equal(row->worst, -1);
        assert_true(isnan(row->budget_used) && isnan(row->lse_budget_used));
    }
    verdict_clear(&bench.verdict);
}

static void test_first_of_equal_errors_is_the_worst(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 2, 4);
    set_out(&bench, 3, 2);
    set_out(&bench, 5, 0);
    assert_int_equal(judge(&bench)->worst, 3);
    verdict_clear(&bench.verdict);
}

static void test_poison_is_a_nan_that_is_counted_until_overwritten(void **state)
{
    (void)state;
    for (enum dtype dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        static struct bench bench;
        set_up(&bench, dtype, 2, 4);
        output_poison(&bench.output, &bench.problem);
        const struct metrics *total = judge(&bench);
        assert_int_equal(total->unwritten, 8);
        assert_int_equal(total->nan, 8);
        assert_true(isnan(total->max_lse_err));
        for (size_t i = 0; i < 8; i++)
            set_out(&bench, i, i == 0 ? NAN : 1); /* a NaN that was computed is not the poison */
        bench.lse[0] = 0;
        total = judge(&bench);
        assert_int_equal(total->unwritten, 0);
        assert_int_equal(total->nan, 1);
        assert_true(isnan(total->max_lse_err));
        assert_equals(bench.verdict.rows[0].max_lse_err, 0);
        verdict_clear(&bench.verdict);
    }
}

/* -NaN and NaN, poison and what a GPU gives are one; all else, infinities and -0 too, stays. */
static void test_nans_are_united(void **state)
{
    (void)state;
    for (enum dtype dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        static struct bench bench;
        const float kept[] = {-INFINITY, -0.0f, 1.5f, INFINITY};
        size_t size_bytes = dtypes[dtype].size_bytes;
        set_up(&bench, dtype, 2, 4);
        output_poison(&bench.output, &bench.problem);
        for (size_t i = 0; i < 4; i++)
            set_out(&bench, i, kept[i]);
        set_out(&bench, 4, NAN);
        set_out(&bench, 5, -NAN);
        bench.lse[0] = -NAN;
        output_unite_nans(&bench.output, &bench.problem);
        const char *out = bench.output.out;
        for (size_t i = 0; i < 8; i++) {
            float value;
            dtype_widen(dtype, out, i, 1, &value);
            if (i < 4)
                assert_true(value == kept[i] && signbit(value) == signbit(kept[i]));
            else
                assert_true(isnan(value) && memcmp(out + i * size_bytes, out + 7 * size_bytes, size_bytes) == 0);
        }
        assert_true(isnan(bench.lse[0]) && memcmp(&bench.lse[0], &bench.lse[1], sizeof bench.lse[0]) == 0);
    }
}

static void test_empty_row_has_an_exact_lse(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 2, 4);
    bench.truth_lse[0] = -INFINITY;
    bench.lse[0] = -INFINITY;
    assert_equals(judge(&bench)->max_lse_err, 0);
    bench.lse[0] = -50000;
    assert_true(isinf(judge(&bench)->max_lse_err));
    verdict_clear(&bench.verdict);
}

/* A wrong lse fails a point whose output is right: that is how a bias off by a constant shows. */
static void test_lse_is_judged_by_the_tolerance(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 3, 2);
    bench.lse[0] = bench.lse[1] = bench.lse[2] = 4;
    bench.truth_lse[0] = bench.truth_lse[1] = bench.truth_lse[2] = 4;
    bench.truth_lse[1] += 0x1p-7; /* limit 1e-3 + 4e-3 */
    bench.lse[2] = NAN;
    const struct metrics *total = judge(&bench);
    assert_int_equal(total->mismatched, 0);
    assert_int_equal(total->lse_mismatched, 2);
    for (int h = 0; h < 3; h++)
        assert_int_equal(bench.verdict.rows[h].lse_mismatched, h > 0);
    bench.truth_lse_radius[1] = 0x1p-7;
    assert_int_equal(judge(&bench)->undecided, 1);
    verdict_clear(&bench.verdict);
}

/* An lse's error in units of its bound: 0 in 0 is nothing, a NaN is everything, an infinite bound promises nothing. */
static void test_lse_has_a_budget_of_its_own(void **state)
{
    (void)state;
    static struct bench bench;
    struct error error;
    double bounds[4] = {0.5, 0, INFINITY, 0.25};
    set_up(&bench, DTYPE_F32, 4, 2);
    for (int h = 0; h < 4; h++)
        bench.truth_lse[h] = bench.lse[h] = 3;
    bench.lse[0] = 3.25f;
    bench.lse[2] = 100;
    for (int nan = 0; nan < 2; nan++) {
        const struct exhibit exhibit = {&bench.problem, &bench.output, &bench.truth, .lse_bound = bounds,
                                        .criterion.tolerance = bench.tolerance};
        verdict_clear(&bench.verdict);
        assert_int_equal(verdict_reach(&bench.verdict, &exhibit, &error), 0);
        assert_true(bench.verdict.rows[0].lse_budget_used == 0.5);
        assert_true(bench.verdict.rows[1].lse_budget_used == 0);
        assert_true(isnan(bench.verdict.rows[2].lse_budget_used));
        assert_true(bench.verdict.total.lse_budget_used == (nan ? INFINITY : 0.5));
        bench.lse[3] = NAN;
    }
    assert_int_equal(bench.verdict.total.lse_unbounded, 1);
    assert_int_equal(bench.verdict.rows[2].lse_unbounded, 1);
    assert_true(isnan(judge(&bench)->lse_budget_used));
    assert_int_equal(bench.verdict.total.lse_unbounded, 0); /* not known is not infinite */
    verdict_clear(&bench.verdict);
}

/*
 * An error of lse is one of nats, whatever |lse| is, but for what f32 takes from an lse of that size: 2^-21 of it. The
 * relative count, which grows with |lse|, stays what it was and is another.
 */
static void test_lse_is_judged_in_nats(void **state)
{
    (void)state;
    static struct bench bench;
    static const double sizes[] = {1, 100, 1e4, 1e6}, errors[] = {1e-4, 1e-2, 1};
    static const bool off[4][3] = {{0, 1, 1}, {0, 1, 1}, {0, 1, 1}, {0, 0, 1}},
                      relatively[4][3] = {{0, 1, 1}, {0, 0, 1}, {0, 0, 0}, {0, 0, 0}};
    set_up(&bench, DTYPE_F16, 1, 2);
    for (int size = 0; size < 4; size++)
        for (int error = 0; error < 3; error++)
            for (int sign = -1; sign <= 1; sign += 2) {
                bench.lse[0] = (float)(sign * sizes[size]);
                bench.truth_lse[0] = (double)bench.lse[0] + errors[error];
                const struct metrics *total = judge(&bench);
                assert_int_equal(total->lse_off, off[size][error]);
                assert_int_equal(bench.verdict.rows[0].lse_off, off[size][error]);
                assert_int_equal(total->lse_mismatched, relatively[size][error]);
            }
    verdict_clear(&bench.verdict);
}

/* Its own part of the tolerance decides, and no other one. */
static void test_lse_has_a_tolerance_of_its_own(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 1, 2);
    bench.lse[0] = 0;
    bench.truth_lse[0] = 0x1p-6;
    for (int wide = 0; wide < 2; wide++) {
        bench.tolerance = wide ? (struct tolerance){0, 0, 0x1p-5} : (struct tolerance){1, 1, 0x1p-7};
        assert_int_equal(judge(&bench)->lse_off, !wide);
        assert_int_equal(judge(&bench)->lse_mismatched, wide);
    }
    verdict_clear(&bench.verdict);
}

/* Errors of outputs that are no number are none, not 0; where one is a number, they are of that. */
static void test_a_row_of_nan_has_no_errors(void **state)
{
    (void)state;
    static struct bench bench;
    set_up(&bench, DTYPE_F16, 2, 2);
    for (int d = 0; d < 2; d++)
        set_out(&bench, d, NAN);
    set_out(&bench, 3, 1.5f);
    judge(&bench);
    const struct metrics *row = &bench.verdict.rows[0], *total = &bench.verdict.total;
    const double errors[] = {row->max_abs_err, row->max_ulp_err,    row->p50_ulp_err, row->p99_ulp_err,
                             row->max_rel_err, row->max_scaled_err, row->rms_err};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        assert_true(isnan(errors[i]));
    assert_int_equal(row->nan, 2);
    assert_true(total->max_abs_err == fabs(bench.value[3] - 1.5) && isfinite(total->rms_err));
    verdict_clear(&bench.verdict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lse_has_a_budget_of_its_own),
        cmocka_unit_test(test_exact_output_has_no_error),
        cmocka_unit_test(test_one_error_in_every_unit),
        cmocka_unit_test(test_ulp_is_that_of_the_dtype),
        cmocka_unit_test(test_tail_enters_the_error),
        cmocka_unit_test(test_negative_zero_is_zero),
        cmocka_unit_test(test_zero_truth_has_ulps_but_no_relative_error),
        cmocka_unit_test(test_nan_is_a_mismatch_and_the_worst),
        cmocka_unit_test(test_infinite_output),
        cmocka_unit_test(test_an_infinity_is_what_rounds_to_it),
        cmocka_unit_test(test_so_is_an_infinite_lse),
        cmocka_unit_test(test_non_finite_truth),
        cmocka_unit_test(test_ties_at_the_tolerance_pass),
        cmocka_unit_test(test_radius_leaves_a_comparison_undecided),
        cmocka_unit_test(test_what_is_surely_off_is_so_beside_what_is_left_open),
        cmocka_unit_test(test_rounding_of_the_limit_is_no_verdict),
        cmocka_unit_test(test_a_limit_that_was_rounded_up_is_no_verdict),
        cmocka_unit_test(test_percentiles_are_nearest_rank),
        cmocka_unit_test(test_heads_are_judged_apart),
        cmocka_unit_test(test_rows_that_are_not_judged_have_no_figures),
        cmocka_unit_test(test_first_of_equal_errors_is_the_worst),
        cmocka_unit_test(test_poison_is_a_nan_that_is_counted_until_overwritten),
        cmocka_unit_test(test_nans_are_united),
        cmocka_unit_test(test_empty_row_has_an_exact_lse),
        cmocka_unit_test(test_lse_is_judged_by_the_tolerance),
        cmocka_unit_test(test_lse_is_judged_in_nats),
        cmocka_unit_test(test_lse_has_a_tolerance_of_its_own),
        cmocka_unit_test(test_a_row_of_nan_has_no_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
