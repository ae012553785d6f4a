/* Outputs compared bit for bit: what is counted, which is the first, how far two numbers are apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "harness/judge/parting/bits.h"

enum { HEADS = 3, DIM = 4, QUERIES = 2 };

static const struct problem shape = {
    .num_queries = QUERIES, .num_heads = HEADS, .num_kv_heads = HEADS, .head_dim = DIM, .dtype = DTYPE_F16};

static void test_counts_and_first(void **state)
{
    uint16_t out[2][QUERIES * HEADS * DIM] = {{0}};
    float lse[2][QUERIES * HEADS] = {{0}};
    const struct output outputs[2] = {{out[0], lse[0]}, {out[1], lse[1]}};
    struct bits_apart bits;
    (void)state;
    out[1][4 * DIM + 2] = 5; /* query 1, head 1 */
    out[1][5 * DIM] = 0x8001;
    lse[1][3] = 1; /* query 1, head 0 */
    bits_begin(&bits);
    bits_take(&bits, &shape, outputs, 0, HEADS);
    assert_int_equal(bits.elements, QUERIES * HEADS * DIM);
    assert_int_equal(bits.differing, 2);
    assert_int_equal(bits.rows, QUERIES * HEADS);
    assert_int_equal(bits.lse_differing, 1);
    assert_true(bits.has_lse);
    assert_true(bits.max_ulp == 5);
    assert_true(bits.max_lse_ulp == 0x3f800000);
    assert_int_equal(bits.first_row, 3);
    assert_int_equal(bits.first_dim, -1);
    assert_true(bits.first[0] == 0 && bits.first[1] == 1);
    assert_int_equal(bits.first_bits[1], 0x3f800000);
    assert_true(bits_differ(&bits));
}

/* In a row of both, out comes before lse; parts come in any order of heads. */
static void test_first_over_parts(void **state)
{
    struct problem part = shape;
    uint16_t out[2][QUERIES * DIM] = {{0}};
    float lse[2][QUERIES] = {{0}};
    const struct output outputs[2] = {{out[0], lse[0]}, {out[1], lse[1]}},
                        without[2] = {{out[0], NULL}, {out[1], lse[1]}};
    struct bits_apart bits;
    (void)state;
    part.num_heads = part.num_kv_heads = 1;
    out[1][DIM + 3] = 1; /* query 1 */
    lse[1][1] = 1;
    bits_begin(&bits);
    bits_take(&bits, &part, outputs, 2, HEADS);
    assert_int_equal(bits.first_row, HEADS + 2);
    assert_int_equal(bits.first_dim, 3);
    bits_take(&bits, &part, outputs, 1, HEADS);
    assert_int_equal(bits.first_row, HEADS + 1);
    bits_begin(&bits);
    bits_take(&bits, &part, without, 0, HEADS);
    assert_false(bits.has_lse);
    assert_int_equal(bits.lse_differing, 0);
    assert_int_equal(bits.differing, 1);
}

static void test_nothing_differs(void **state)
{
    uint16_t out[QUERIES * HEADS * DIM] = {7};
    float lse[QUERIES * HEADS] = {3};
    const struct output outputs[2] = {{out, lse}, {out, lse}};
    struct bits_apart bits;
    (void)state;
    bits_begin(&bits);
    bits_take(&bits, &shape, outputs, 0, HEADS);
    assert_false(bits_differ(&bits));
    assert_int_equal(bits.first_row, -1);
}

static void test_steps(void **state)
{
    static const struct {
        enum dtype dtype;
        uint32_t a, b;
        double steps;
    } rows[] = {
        {DTYPE_F16, 0x3c00, 0x3c01, 1},
        {DTYPE_F16, 0x0001, 0x8001, 2}, /* across both zeros, which are one number */
        {DTYPE_F16, 0x0000, 0x8000, 0},
        {DTYPE_F16, 0x7bff, 0x7c00, INFINITY},
        {DTYPE_F16, 0x7e00, 0x3c00, INFINITY},
        {DTYPE_F16, 0x7c00, 0x7c00, 0},
        {DTYPE_BF16, 0x3f80, 0x3f7f, 1},
        {DTYPE_F32, 0x3f800000, 0x3f7fffff, 1},
        {DTYPE_F32, 0xbf800000, 0x3f800000, 2.0 * 0x3f800000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double steps = bits_steps(rows[i].dtype, rows[i].a, rows[i].b);
        assert_true(steps == rows[i].steps);
        assert_true(steps == bits_steps(rows[i].dtype, rows[i].b, rows[i].a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_and_first),
        cmocka_unit_test(test_first_over_parts),
        cmocka_unit_test(test_nothing_differs),
        cmocka_unit_test(test_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
