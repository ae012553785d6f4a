/* The model of the tensor cores' sums: against sums worked by hand, and against a GPU's results (mma_digests.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernels/dialect/fused_sum.h"
#include "kernels/tests/mma_digests.h"
#include "kernels/probe/mma_made.h"

static uint32_t result_of(enum tensor_core tensor_core, enum dtype dtype, const struct mma_sum *sum)
{
    return mma_result(mma_float_bits(fused_sum(tensor_core, dtype, sum->a, sum->b, sum->c)));
}

/*
 * LSB is the last place that terms are cut to, 2^(largest exponent - 23) on Volta, 24 on Ampere, 25 on Hopper. A
 * product of 2 or more keeps the exponent of its factors: 1.5 * 1.5 has exponent 0.
 */
static const struct {
    float c, terms[MMA_TERMS][2], results[TENSOR_CORE_COUNT]; /* Volta, Ampere, Hopper: against the enum */
} by_hand[] = {
    /* 1 - 1 + 2^-q, all in the first step: what is left is 2^-q where LSB is no larger. */
    {0, {{1, 1}, {-1, 1}, {0x1p-9f, 0x1p-14f}}, {0x1p-23f, 0x1p-23f, 0x1p-23f}},
    {0, {{1, 1}, {-1, 1}, {0x1p-10f, 0x1p-14f}}, {0, 0x1p-24f, 0x1p-24f}},
    {0, {{1, 1}, {-1, 1}, {0x1p-11f, 0x1p-14f}}, {0, 0, 0x1p-25f}},
    {0, {{1, 1}, {-1, 1}, {0x1p-12f, 0x1p-14f}}, {0, 0, 0}},
    /* 1 + 2^-24, and -1 nine terms on. Hopper adds all at once. Ampere's first step ends with 1 + 2^-24 cut to 24 bits,
     * 1, and Volta's with 1 as well. */
    {0,
     {{1, 1}, {0x1p-10f, 0x1p-14f}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {-1, 1}},
     {0, 0, 0x1p-24f}},
    /* 2.25 + 2^-23, and -2.25 five terms on. LSB is 2^-23 or less, so the sum is exact up to there. Volta's first step
     * ends in front of -2.25 and is cut to f32, whose last place at 2.25 is 2^-22. */
    {0, {{1.5f, 1.5f}, {0x1p-9f, 0x1p-14f}, {0, 0}, {0, 0}, {0, 0}, {-1.5f, 1.5f}}, {0, 0x1p-23f, 0x1p-23f}},
    /* 1 - 1 +- 1.5 2^-25: cut toward zero to one place of 2^-25, not rounded to two, nor down to -2. */
    {0, {{1, 1}, {-1, 1}, {0x1.8p-11f, 0x1p-14f}}, {0, 0, 0x1p-25f}},
    {0, {{1, 1}, {-1, 1}, {-0x1.8p-11f, 0x1p-14f}}, {0, 0, -0x1p-25f}},
    /* 1 - 1 + 2 * 1.5 2^-26: each is cut, to 0; their sum, 1.5 2^-25, is not formed. */
    {0, {{1, 1}, {-1, 1}, {0x1.8p-12f, 0x1p-14f}, {0x1.8p-12f, 0x1p-14f}}, {0, 0, 0}},
    /* c is a term as the others: 1 - 1 + c, c = 1.11..1 2^-2 with 24 ones, from 2^-2 to 2^-25. */
    {0x1.fffffep-2f, {{1, 1}, {-1, 1}}, {0x1.fffff8p-2f, 0x1.fffffcp-2f, 0x1.fffffep-2f}},
    /* c = -2.25 has exponent 1, so LSB is twice that of 2.25 - 2.25 in products. */
    {0, {{1.5f, 1.5f}, {-1.5f, 1.5f}, {0x1p-11f, 0x1p-14f}}, {0, 0, 0x1p-25f}},
    {-2.25f, {{1.5f, 1.5f}, {0x1p-11f, 0x1p-14f}}, {0, 0, 0}},
    {-2.25f, {{1.5f, 1.5f}, {0x1p-10f, 0x1p-14f}}, {0, 0, 0x1p-24f}},
    /* c = 1 + 1.75 2^-24: to nearest it would be 1 + 2^-23. */
    {1, {{0x1.cp-10f, 0x1p-14f}}, {1, 1, 1}},
    {-1, {{-0x1.cp-10f, 0x1p-14f}}, {-1, -1, -1}},
    /* 1 - 2^-24 is an f32. 1 - 2^-25 is none: where 2^-25 is kept, the sum is cut to 1 - 2^-24. */
    {1, {{-0x1p-10f, 0x1p-14f}}, {1, 0x1.fffffep-1f, 0x1.fffffep-1f}},
    {1, {{-0x1p-11f, 0x1p-14f}}, {1, 1, 0x1.fffffep-1f}},
    {1, {{-0x1p-12f, 0x1p-14f}}, {1, 1, 1}},
    /* c = 1 and four times 2^-25: a place of f32 on Hopper. */
    {1,
     {{0x1p-11f, 0x1p-14f}, {0x1p-11f, 0x1p-14f}, {0x1p-11f, 0x1p-14f}, {0x1p-11f, 0x1p-14f}},
     {1, 1, 0x1.000002p0f}},
    /* 0 * 2^15 would have the exponent 1 of its factors, -14 + 15; it has no part in the alignment. */
    {0, {{0, 0x1p15f}, {0x1p-14f, 0x1p-14f}}, {0x1p-28f, 0x1p-28f, 0x1p-28f}},
    /* No sum is -0. */
    {-0.0f, {{-0.0f, 1}, {-0.0f, 1}}, {0, 0, 0}},
    {1, {{-1, 1}}, {0, 0, 0}},
    /* The rest is about infinity and NaN. */
    {0, {{INFINITY, -2}, {3, 1}}, {-INFINITY, -INFINITY, -INFINITY}},
    {0, {{INFINITY, 0}}, {NAN, NAN, NAN}},
    {INFINITY, {{-INFINITY, 1}}, {NAN, NAN, NAN}},
    {NAN, {{1, 1}}, {NAN, NAN, NAN}},
};

static void assert_result(enum tensor_core tensor_core, enum dtype dtype, size_t row, float c,
                          const float terms[MMA_TERMS][2], float expected)
{
    struct mma_sum sum = {.c = c};
    for (int k = 0; k < MMA_TERMS; k++) {
        sum.a[k] = mma_element(dtype, terms[k][0]);
        sum.b[k] = mma_element(dtype, terms[k][1]);
    }
    uint32_t result = result_of(tensor_core, dtype, &sum);
    if (result != mma_result(mma_float_bits(expected)))
        fail_msg("row %zu, %s, %s: %a, not %a", row, tensor_cores[tensor_core].name, dtypes[dtype].name,
                 (double)mma_float(result), (double)expected);
}

static void test_sums_by_hand(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof by_hand / sizeof by_hand[0]; row++)
        for (int t = 0; t < TENSOR_CORE_COUNT; t++)
            for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++)
                assert_result((enum tensor_core)t, (enum dtype)dtype, row, by_hand[row].c, by_hand[row].terms,
                              by_hand[row].results[TENSOR_CORE_COUNT - 1 - t]);
}

/* One term each where nothing else is said; all generations. */
static const struct {
    enum dtype dtype;
    float c, terms[MMA_TERMS][2], result;
} ranges[] = {
    /* Subnormal factors are numbers. 2^-24 * 2^15 has the exponent of the smallest normal f16, -14 + 15 = 1, so that
     * 2^-28 is below every LSB, 2^-22 to 2^-24. */
    {DTYPE_F16, 0, {{0x1p-24f, 0x1p-24f}}, 0x1p-48f},
    {DTYPE_F16, 0, {{0x1p-24f, 0x1p15f}, {0x1p-14f, 0x1p-14f}}, 0x1p-9f},
    {DTYPE_BF16, 0, {{0x1p-133f, 0x1p127f}}, 0x1p-6f},
    /* Subnormal results are cut to multiples of 2^-149, and vanish to +0. */
    {DTYPE_BF16, 0, {{0x1.8p-70f, 0x1p-70f}}, 0x1.8p-140f},
    {DTYPE_BF16, 0, {{-0x1.fcp-75f, 0x1p-74f}}, -0x1p-149f},
    {DTYPE_BF16, 0, {{-0x1.fcp-75f, 0x1p-75f}}, 0},
    {DTYPE_BF16, 0x1p-149f, {{0x1p-75f, 0x1p-74f}}, 0x1p-148f},
    /* Sums may exceed f32 on their way, not at their end. */
    {DTYPE_BF16, 0, {{0x1p64f, 0x1p64f}}, INFINITY},
    {DTYPE_BF16, 0, {{0x1p127f, 0x1p127f}, {-0x1p127f, 0x1p127f}}, 0},
    {DTYPE_BF16, 0, {{-0x1p64f, 0x1p64f}, {0x1p64f, 0x1p63f}}, -0x1p127f},
    {DTYPE_BF16, 0x1.fffffep127f, {{0x1.8p52f, 0x1p51f}}, 0x1.fffffep127f}, /* 0.75 of its last place more */
    {DTYPE_BF16, 0x1.fffffep127f, {{0x1p52f, 0x1p52f}}, INFINITY},          /* one place more */
    {DTYPE_BF16, INFINITY, {{-0x1p127f, 0x1p127f}}, INFINITY},
};

static void test_ends_of_the_range(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof ranges / sizeof ranges[0]; row++)
        for (int t = 0; t < TENSOR_CORE_COUNT; t++)
            assert_result((enum tensor_core)t, ranges[row].dtype, row, ranges[row].c, ranges[row].terms,
                          ranges[row].result);
}

/*
 * 2^-139 - 2^-q on Hopper. Terms are not aligned to exponents below -133, so LSB is 2^-158: to 2^-158 the sum is below
 * 2^-139 and is cut to the next multiple of 2^-149, beyond it is not.
 */
static void test_least_alignment(void **state)
{
    (void)state;
    for (int q = 150; q <= 170; q++) {
        float terms[MMA_TERMS][2] = {{0x1p-69f, 0x1p-70f}, {-ldexpf(1, 80 - q), 0x1p-80f}};
        assert_result(TENSOR_CORE_HOPPER, DTYPE_BF16, (size_t)q, 0, (const float(*)[2])terms,
                      q <= 158 ? 0x1.ff8p-140f : 0x1p-139f);
    }
}

static void test_made_sums_as_on_the_gpu(void **state)
{
    (void)state;
    for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++)
        for (size_t row = 0; row < MADE_ROWS; row++) {
            uint64_t digest = MMA_DIGEST_START;
            struct mma_sum sum;
            for (size_t i = 0; i < mma_made_sums(row); i++)
                if (mma_made_sum((enum dtype)dtype, row, i, &sum))
                    digest = mma_digest(digest, result_of(TENSOR_CORE_HOPPER, (enum dtype)dtype, &sum));
            if (digest != mma_made_digests[dtype][row])
                fail_msg("%s: other results than on %s: %s", dtypes[dtype].name, mma_device, mma_made[row].tells);
        }
}

/* 200,000 sums of each dtype in a quarter of a second; all 1,000,000 with MMA_ALL=1. */
static void test_drawn_sums_as_on_the_gpu(void **state)
{
    size_t blocks = getenv("MMA_ALL") ? DRAWN_BLOCKS : DIGESTED_BLOCKS;
    (void)state;
    for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++) {
        uint64_t all = MMA_DIGEST_START;
        for (size_t block = 0; block < blocks; block++) {
            uint64_t digest = MMA_DIGEST_START;
            struct mma_sum sum;
            for (size_t i = 0; i < DRAWN_BLOCK; i++) {
                mma_drawn_sum((enum dtype)dtype, block * DRAWN_BLOCK + i, &sum);
                uint32_t result = result_of(TENSOR_CORE_HOPPER, (enum dtype)dtype, &sum);
                digest = mma_digest(digest, result);
                all = mma_digest(all, result);
            }
            if (block < DIGESTED_BLOCKS && digest != mma_drawn_digests[dtype][block])
                fail_msg("%s, distribution %d: other results than on %s in sums %zu to %zu", dtypes[dtype].name,
                         (int)(block % DRAWN_DISTRIBUTIONS), mma_device, block * DRAWN_BLOCK,
                         (block + 1) * DRAWN_BLOCK - 1);
        }
        assert_true(blocks < DRAWN_BLOCKS || all == mma_all_drawn[dtype]);
    }
}

/* The whole product against its elements, infinities and NaNs among them. */
static void test_product_is_its_sums(void **state)
{
    (void)state;
    for (int t = 0; t < TENSOR_CORE_COUNT; t++)
        for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++)
            for (uint64_t n = 0; n < DRAWN_DISTRIBUTIONS * DRAWN_BLOCK; n += DRAWN_BLOCK / 4) {
                struct mma_operands operands;
                float c[MMA_ROWS][MMA_COLUMNS];
                struct mma_sum sum;
                for (int m = 0; m < MMA_ROWS; m++) {
                    mma_drawn_sum((enum dtype)dtype, n + (uint64_t)m, &sum);
                    memcpy(operands.a[m], sum.a, sizeof sum.a);
                    memcpy(operands.b[m % MMA_COLUMNS], sum.b, sizeof sum.b);
                    for (int column = 0; column < MMA_COLUMNS; column++)
                        c[m][column] = operands.d[m][column] = ldexpf(sum.c, -column);
                }
                fused_product((enum tensor_core)t, (enum dtype)dtype, &operands);
                for (int m = 0; m < MMA_ROWS; m++)
                    for (int column = 0; column < MMA_COLUMNS; column++) {
                        float d = fused_sum((enum tensor_core)t, (enum dtype)dtype, operands.a[m], operands.b[column],
                                            c[m][column]);
                        assert_int_equal(mma_result(mma_float_bits(operands.d[m][column])),
                                         mma_result(mma_float_bits(d)));
                    }
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_by_hand),
        cmocka_unit_test(test_ends_of_the_range),
        cmocka_unit_test(test_least_alignment),
        cmocka_unit_test(test_made_sums_as_on_the_gpu),
        cmocka_unit_test(test_drawn_sums_as_on_the_gpu),
        cmocka_unit_test(test_product_is_its_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
