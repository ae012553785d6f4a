/* A turned problem: the same numbers elsewhere, nothing rounded, the same answer. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/library/turned.h"
#include "reference/dtype.h"
#include "reference/truth.h"

enum { DIM = 24, KEYS = 33, HEADS = 4, KV_HEADS = 2, ROWS = HEADS };

static const struct {
    enum dtype dtype;
    enum kv_format kv;
} formats[] = {{DTYPE_F16, KV_AS_DTYPE}, {DTYPE_BF16, KV_AS_DTYPE}, {DTYPE_F32, KV_AS_DTYPE},
               {DTYPE_F16, KV_E4M3},     {DTYPE_BF16, KV_E5M2},     {DTYPE_F32, KV_E4M3FNUZ}};

/* Elements of any bits, but small enough for logits: zeros of both signs among them. */
struct drawn {
    struct problem problem;
    struct output output;
    float slopes[HEADS], lse[ROWS];
    unsigned char q[ROWS * DIM * 4], k[KEYS * KV_HEADS * DIM * 4], v[KEYS * KV_HEADS * DIM * 4], out[ROWS * DIM * 4];
};

static uint32_t next(uint32_t *state)
{
    return *state = *state * 1664525u + 1013904223u, *state >> 8;
}

static void draw(void *to, enum dtype dtype, int count, uint32_t *state)
{
    for (int i = 0; i < count; i++) {
        float number = (float)((int)(next(state) % 33) - 16) / 8;
        if (number == 0 && next(state) % 2 && dtype != DTYPE_E4M3FNUZ)
            number = -0.0f;
        dtype_narrow(dtype, to, (size_t)i, 1, &number);
    }
}

static void make(struct drawn *drawn, int format)
{
    uint32_t state = 7 + (uint32_t)format;
    *drawn = (struct drawn){.slopes = {0.5f, 0.25f, 0.125f, 0.0625f}};
    drawn->problem = (struct problem){
        .seq_len = KEYS,
        .num_queries = 1,
        .num_heads = HEADS,
        .num_kv_heads = KV_HEADS,
        .head_dim = DIM,
        .dtype = formats[format].dtype,
        .kv_format = formats[format].kv,
        .k_scale = 1,
        .v_scale = 1,
        .scale = 0.25f,
        .q_position = KEYS - 1,
        .slopes = drawn->slopes,
        .q = drawn->q,
        .k = drawn->k,
        .v = drawn->v,
    };
    drawn->output = (struct output){.out = drawn->out, .lse = drawn->lse};
    enum dtype of_keys = problem_kv_dtype(&drawn->problem);
    draw(drawn->q, formats[format].dtype, ROWS * DIM, &state);
    draw(drawn->k, of_keys, KEYS * KV_HEADS * DIM, &state);
    draw(drawn->v, of_keys, KEYS * KV_HEADS * DIM, &state);
    draw(drawn->out, formats[format].dtype, ROWS * DIM, &state);
}

static void find_truth(struct truth *truth, const struct problem *problem)
{
    const struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    struct error error;
    if (truth_init(truth, problem, &error) || truth_compute(truth, TRUTH_CERTIFIED, problem, &options, &error))
        fail_msg("%s", error.text);
}

/* Every element of the exact result is where its channel is, with its sign, to within both radii; and so is out. */
static void test_the_answer_is_turned_with_v(void **state)
{
    (void)state;
    static struct drawn drawn;
    for (int format = 0; format < (int)(sizeof formats / sizeof *formats); format++) {
        struct turning turning;
        struct turned turned;
        struct truth before, after;
        struct error error;
        make(&drawn, format);
        if (turning_draw(&turning, DIM, &error) ||
            turned_make(&turned, &turning, &drawn.problem, &drawn.output, &error))
            fail_msg("%s", error.text);
        find_truth(&before, &drawn.problem);
        find_truth(&after, &turned.problem);
        for (int r = 0; r < ROWS; r++) {
            assert_true(fabs(before.lse[r] - after.lse[r]) <=
                        before.lse_radius[r] + after.lse_radius[r] + 0x1p-50 * fabs(before.lse[r]));
            for (int d = 0; d < DIM; d++) {
                int to = r * DIM + d, from = r * DIM + turning.values.from[d];
                double sign = turning.values.flipped[d] ? -1 : 1;
                float was, is;
                dtype_widen(drawn.problem.dtype, drawn.out, (size_t)from, 1, &was);
                dtype_widen(drawn.problem.dtype, turned.out, (size_t)to, 1, &is);
                assert_true((double)is == sign * (double)was);
                assert_true(fabs(after.value[to] - sign * before.value[from]) <=
                            before.radius[from] + after.radius[to] + 0x1p-50 * fabs(before.value[from]));
            }
        }
        truth_clear(&before);
        truth_clear(&after);
        turned_clear(&turned);
    }
}

static void test_each_element_goes_to_one_place(void **state)
{
    (void)state;
    struct turning turning, again;
    struct error error;
    bool seen[2][PROBLEM_MAX_DIM] = {{false}};
    int flipped = 0, moved = 0;
    assert_int_equal(turning_draw(&turning, PROBLEM_MAX_DIM, &error), ERROR_NONE);
    assert_int_equal(turning_draw(&again, PROBLEM_MAX_DIM, &error), ERROR_NONE);
    for (int d = 0; d < PROBLEM_MAX_DIM; d++) {
        assert_false(seen[0][turning.keys.from[d]] || seen[1][turning.values.from[d]]);
        seen[0][turning.keys.from[d]] = seen[1][turning.values.from[d]] = true;
        flipped += turning.keys.flipped[d];
        moved += turning.keys.from[d] != d;
    }
    /* 512 signs within 12 standard deviations; a place is kept about once. */
    assert_in_range(flipped, 512 - 192, 512 + 192);
    assert_true(moved > PROBLEM_MAX_DIM - 30);
    assert_memory_not_equal(turning.keys.from, again.keys.from, sizeof turning.keys.from);
    assert_memory_not_equal(turning.keys.from, turning.values.from, sizeof turning.keys.from);
}

/* Each element stays where it is, with the other sign. */
static struct turning of_other_signs(void)
{
    struct turning turning = {.head_dim = DIM};
    for (int d = 0; d < DIM; d++) {
        turning.keys.from[d] = turning.values.from[d] = (uint16_t)d;
        turning.keys.flipped[d] = turning.values.flipped[d] = true;
    }
    return turning;
}

/* NaN keep their bits, which may say that nothing was written; the one zero of e4m3fnuz stays a number. */
static void test_what_has_no_sign_keeps_its_bits(void **state)
{
    (void)state;
    static struct drawn drawn;
    static const uint16_t nans[] = {0x7e00, 0xfe00, 0x7c01, 0x7c00};
    const struct turning turning = of_other_signs();
    struct turned turned;
    struct error error;
    make(&drawn, 0);
    memcpy(drawn.out, nans, sizeof nans);
    assert_int_equal(turned_make(&turned, &turning, &drawn.problem, &drawn.output, &error), ERROR_NONE);
    assert_memory_equal(turned.out, nans, 3 * sizeof *nans);
    assert_int_equal(((const uint16_t *)turned.out)[3], 0xfc00);
    turned_clear(&turned);
    make(&drawn, 5);
    memset(drawn.k, 0, sizeof drawn.k);
    drawn.k[1] = 0x80, drawn.k[2] = 0x7f;
    assert_int_equal(turned_make(&turned, &turning, &drawn.problem, &drawn.output, &error), ERROR_NONE);
    assert_memory_equal(turned.k, "\0\x80\xff\0", 4);
    turned_clear(&turned);
}

/* The largest magnitude with a sign, and NaN next to it: infinity, or of e4m3 and e4m3fnuz a number. */
static void test_signs_end_where_numbers_do(void **state)
{
    static const struct {
        enum dtype dtype;
        enum kv_format kv;
        uint32_t last, nan; /* 0: zero, whose sign would be NaN */
    } rows[] = {{DTYPE_F16, KV_AS_DTYPE, 0x7c00, 0x7c01},
                {DTYPE_BF16, KV_AS_DTYPE, 0x7f80, 0x7f81},
                {DTYPE_F32, KV_AS_DTYPE, 0x7f800000, 0x7f800001},
                {DTYPE_F32, KV_E4M3, 0x7e, 0x7f},
                {DTYPE_F32, KV_E5M2, 0x7c, 0x7d},
                {DTYPE_F32, KV_E4M3FNUZ, 0x7f, 0}};
    static struct drawn drawn;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct turning turning = of_other_signs();
        struct turned turned;
        struct error error;
        make(&drawn, 0);
        drawn.problem.dtype = rows[i].dtype;
        drawn.problem.kv_format = rows[i].kv;
        const size_t bytes = dtypes[problem_kv_dtype(&drawn.problem)].size_bytes;
        const uint32_t sign = 1u << (8 * bytes - 1);
        uint32_t last = 0, nan = 0; /* little-endian, as the elements are */
        memcpy(drawn.k, &rows[i].last, bytes);
        memcpy(drawn.k + bytes, &rows[i].nan, bytes);
        assert_int_equal(turned_make(&turned, &turning, &drawn.problem, &drawn.output, &error), ERROR_NONE);
        memcpy(&last, turned.k, bytes);
        memcpy(&nan, (const char *)turned.k + bytes, bytes);
        assert_int_equal(last, rows[i].last | sign);
        assert_int_equal(nan, rows[i].nan);
        turned_clear(&turned);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_answer_is_turned_with_v),
        cmocka_unit_test(test_each_element_goes_to_one_place),
        cmocka_unit_test(test_what_has_no_sign_keeps_its_bits),
        cmocka_unit_test(test_signs_end_where_numbers_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
