#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/case/recipe_library.h"
#include "harness/sentinel/sentinel_tensors.h"
#include "harness/sentinel/stand_ins.h"
#include "harness/support/file.h"
#include "harness/support/npy.h"
#include "harness/support/tests/scratch.h"

enum { HEADS = 6, KV_HEADS = 2, DIM = 20, KEYS = 97, POINT_SIZE = 1024 };

/* A dumped point in a folder of its own, and the same tensors in memory. */
struct fixture {
    char folder[SCRATCH_SIZE];
    char *q, *k, *slopes, *point;
    uint32_t q_raw[HEADS * DIM], k_raw[KEYS * KV_HEADS * DIM]; /* elements of up to 4 bytes, packed */
    float q_f32[HEADS * DIM], k_f32[KEYS * KV_HEADS * DIM];
    float slopes_f32[HEADS];
};

static void fill(float *wide, void *raw, enum dtype dtype, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        wide[i] = (float)((double)(seed >> 11) * 0x1p-51 - 2);
    }
    dtype_narrow(dtype, raw, 0, count, wide);
    dtype_widen(dtype, raw, 0, count, wide);
}

static void write_text(const char *path, const char *text)
{
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    assert_true(fputs(text, stream) >= 0);
    assert_int_equal(fclose(stream), 0);
}

static void write_array(const char *path, const char *type, int num_axes, int64_t a, int64_t b, int64_t c,
                        const void *data)
{
    struct error error = {0};
    struct npy_array array = {.type = type, .num_axes = num_axes, .shape = {a, b, c}, .data = data};
    assert_int_equal(npy_write(path, &array, &error), 0);
}

static void make(struct fixture *fixture, enum dtype q_dtype, enum dtype k_dtype, const char *point)
{
    assert_non_null(scratch_folder(fixture->folder, "test_tensors"));
    fixture->q = file_join(fixture->folder, "q.npy");
    fixture->k = file_join(fixture->folder, "k.npy");
    fixture->slopes = file_join(fixture->folder, "slopes.npy");
    fixture->point = file_join(fixture->folder, "point.json");
    assert_true(fixture->q && fixture->k && fixture->slopes && fixture->point);
    fill(fixture->q_f32, fixture->q_raw, q_dtype, HEADS * DIM, 1);
    fill(fixture->k_f32, fixture->k_raw, k_dtype, (size_t)KEYS * KV_HEADS * DIM, 2);
    for (int h = 0; h < HEADS; h++)
        fixture->slopes_f32[h] = 0.3f * (float)h;
    write_array(fixture->q, dtypes[q_dtype].numpy, 2, HEADS, DIM, 0, fixture->q_raw);
    write_array(fixture->k, dtypes[k_dtype].numpy, 3, KEYS, KV_HEADS, DIM, fixture->k_raw);
    write_array(fixture->slopes, "<f4", 1, HEADS, 0, 0, fixture->slopes_f32);
    write_text(fixture->point, point);
}

static void remove_all(struct fixture *fixture)
{
    char *const paths[] = {fixture->q, fixture->k, fixture->slopes, fixture->point};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        unlink(paths[i]);
        free(paths[i]);
    }
    assert_int_equal(rmdir(fixture->folder), 0);
}

static long double score_of(const struct fixture *fixture, double scale, int head, int64_t key)
{
    long double sum = 0;
    const float *k = fixture->k_f32 + (size_t)(key * KV_HEADS + head / (HEADS / KV_HEADS)) * DIM;
    for (int d = 0; d < DIM; d++)
        sum += (long double)fixture->q_f32[head * DIM + d] * (long double)k[d];
    return (long double)scale * sum;
}

/* Scores over every key and logits over those from first_visible to last_visible, one by one in long double. */
static void check_heads(const struct sentinel_tensors *tensors, const struct fixture *fixture, double scale,
                        const float *slopes, int64_t first_visible, int64_t last_visible, int64_t origin)
{
    for (int h = 0; h < HEADS; h++) {
        long double score[2] = {INFINITY, -INFINITY}, logit[2] = {INFINITY, -INFINITY};
        long double masked = -INFINITY;
        int64_t at[2] = {-1, -1};
        for (int64_t key = 0; key < KEYS; key++) {
            long double s = score_of(fixture, scale, h, key), l = s + (long double)slopes[h] * (key - origin);
            score[0] = fminl(score[0], s);
            score[1] = fmaxl(score[1], s);
            if (key < first_visible || key > last_visible) {
                masked = fmaxl(masked, l);
                continue;
            }
            at[0] = l < logit[0] ? key : at[0];
            at[1] = l > logit[1] ? key : at[1];
            logit[0] = fminl(logit[0], l);
            logit[1] = fmaxl(logit[1], l);
        }
        const struct head_range *range = &tensors->ranges[h];
        const struct tensor_head *head = &tensors->heads[h];
        assert_true(range->slope == (double)slopes[h]);
        assert_true((long double)range->lowest_score <= score[0] &&
                    (long double)range->lowest_score >= score[0] - 1e-12L);
        assert_true((long double)range->highest_score >= score[1] &&
                    (long double)range->highest_score <= score[1] + 1e-12L);
        assert_true(fabsl((long double)head->lowest_logit - logit[0]) <= 1e-12L);
        assert_true(fabsl((long double)head->highest_logit - logit[1]) <= 1e-12L);
        assert_true((long double)head->highest_masked == masked ||
                    fabsl((long double)head->highest_masked - masked) <= 1e-12L);
        assert_int_equal(head->lowest_key, at[0]);
        assert_int_equal(head->highest_key, at[1]);
    }
}

static void test_files_of_every_dtype(void **state)
{
    (void)state;
    static const struct {
        enum dtype q, k;
    } rows[] = {
        {DTYPE_F16, DTYPE_F16},  {DTYPE_BF16, DTYPE_BF16}, {DTYPE_F32, DTYPE_F32},
        {DTYPE_F16, DTYPE_E4M3}, {DTYPE_BF16, DTYPE_E5M2},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (int bias = 0; bias < BIAS_NONE; bias++) {
            struct fixture fixture;
            struct sentinel_tensors tensors;
            struct error error = {0};
            float slopes[HEADS];
            make(&fixture, rows[r].q, rows[r].k, "");
            struct tensor_request request = {
                .q = fixture.q,
                .k = fixture.k,
                .raw_bf16 = rows[r].q == DTYPE_BF16,
                .raw_fp8 = rows[r].k >= DTYPE_COUNT ? rows[r].k : DTYPE_COUNT_WITH_FP8,
                .scale = bias == BIAS_ABSOLUTE ? -0.75 : NAN,
                .bias = (enum bias_form)bias,
                .max_bias = 16,
                .head_offset = 3,
            };
            slopes_fill(slopes, HEADS, SLOPES_BLOOM, 16, 3, HEADS + 3);
            double scale = bias == BIAS_ABSOLUTE ? -0.75 : (double)(float)(1 / sqrt(DIM));
            assert_int_equal(sentinel_tensors_read(&tensors, &request, &error), 0);
            assert_int_equal(tensors.seq_len, KEYS);
            assert_int_equal(tensors.num_visible, KEYS);
            assert_int_equal(tensors.nearest_distance, 0);
            assert_int_equal(tensors.span, KEYS);
            assert_int_equal(tensors.k_dtype, rows[r].k);
            check_heads(&tensors, &fixture, scale, slopes, 0, KEYS - 1, bias == BIAS_ABSOLUTE ? 0 : KEYS - 1);
            sentinel_tensors_clear(&tensors);
            remove_all(&fixture);
        }
}

#define SHAPE "\"seq_len\": 97, \"num_heads\": 6, \"num_kv_heads\": 2, \"head_dim\": 20"
#define POINT "{" SHAPE ", \"dtype\": \"f16\", \"scale\": 0.25, \"q_position\": "

/* Slopes, scale, mask and the query's place are those of the folder. */
static void test_dumped_point(void **state)
{
    (void)state;
    struct fixture fixture;
    struct sentinel_tensors tensors;
    struct error error = {0};
    make(&fixture, DTYPE_F16, DTYPE_F16, POINT "150, \"kv_offset\": 20, \"mask\": [[0, 10], [80, 97]]}");
    struct tensor_request request = {.dump = fixture.folder};
    assert_int_equal(sentinel_tensors_read(&tensors, &request, &error), 0);
    assert_int_equal(tensors.num_visible, 70);
    assert_int_equal(tensors.nearest_distance, 150 - 20 - 79);
    assert_int_equal(tensors.span, 131);
    assert_int_equal(tensors.first_position, 20);
    assert_int_equal(tensors.keys_ahead, 0);
    check_heads(&tensors, &fixture, 0.25, fixture.slopes_f32, 10, 79, 130);
    sentinel_tensors_clear(&tensors);

    write_text(fixture.point, POINT "50, \"mask\": [[0, 10], [40, 97]]}");
    assert_int_equal(sentinel_tensors_read(&tensors, &request, &error), 0);
    assert_int_equal(tensors.span, 51);
    assert_int_equal(tensors.keys_ahead, 46);
    check_heads(&tensors, &fixture, 0.25, fixture.slopes_f32, 10, 39, 50);
    sentinel_tensors_clear(&tensors);

    write_text(fixture.point, POINT "96, \"mask\": [[0, 97]]}");
    assert_int_equal(sentinel_tensors_read(&tensors, &request, &error), 0);
    assert_int_equal(tensors.num_visible, 0);
    assert_int_equal(tensors.heads[0].lowest_key, -1);
    sentinel_tensors_clear(&tensors);
    remove_all(&fixture);

    /* An fp8 scale belongs to the scores. */
    make(&fixture, DTYPE_F16, DTYPE_E4M3, POINT "96, \"kv_dtype\": \"e4m3\", \"k_scale\": 0.5, \"mask\": null}");
    request.dump = fixture.folder;
    assert_int_equal(sentinel_tensors_read(&tensors, &request, &error), 0);
    assert_int_equal(tensors.k_dtype, DTYPE_E4M3);
    check_heads(&tensors, &fixture, 0.125, fixture.slopes_f32, 0, KEYS - 1, KEYS - 1);
    sentinel_tensors_clear(&tensors);
    remove_all(&fixture);
}

static void test_points_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *point, *reason;
    } rows[] = {
        {"", "point.json"},
        {"[1]", "seq_len: allowed: whole numbers"},
        {"{\"seq_len\": 97, \"seq_len\": 97}", "duplicate"},
        {"{" SHAPE ", \"dtype\": \"f16\", \"scale\": 0.25}", "q_position"},
        {"{" SHAPE ", \"dtype\": \"f64\", \"scale\": 0.25, \"q_position\": 96}", "dtype: allowed: f16, bf16, f32"},
        {"{" SHAPE ", \"dtype\": \"f16\", \"scale\": \"1\", \"q_position\": 96}", "scale: allowed"},
        {"{" SHAPE ", \"dtype\": \"f16\", \"scale\": 1e39, \"q_position\": 96}", "scale: allowed"},
        {POINT "1e3}", "q_position: allowed"},
        {POINT "9007199254740993}", "q_position: allowed"},
        {POINT "96, \"bias\": \"sideways\"}", "bias: allowed: relative, absolute"},
        {POINT "96, \"mask\": 3}", "mask: allowed"},
        {POINT "96, \"mask\": [[0, 98]]}", "mask: range 0"},
        {POINT "96, \"mask\": [[0, 5], [4, 6]]}", "mask: range 1"},
        {POINT "96, \"mask\": [[7, 7]]}", "mask: range 0"},
        {POINT "96, \"mask\": [[-1, 7]]}", "mask: range 0"},
        {POINT "96, \"mask\": [[1, 7, 8]]}", "mask: range 0"},
        {"{\"seq_len\": 98, \"num_heads\": 6, \"num_kv_heads\": 2, \"head_dim\": 20, \"dtype\": \"f16\", \"scale\": 1, "
         "\"q_position\": 96}",
         "k.npy: has '<f2' [97, 2, 20]; allowed: '<f2' [98, 2, 20]"},
        {"{" SHAPE ", \"dtype\": \"f32\", \"scale\": 1, \"q_position\": 96}",
         "q.npy: has '<f2' [6, 20]; allowed: '<f4' [6, 20]"},
        /* No bias, no sentinel that it could reach. */
        {POINT "96, \"bias\": \"none\"}", "point.json: bias: allowed: relative, absolute"},
    };
    struct fixture fixture;
    make(&fixture, DTYPE_F16, DTYPE_F16, "");
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct sentinel_tensors tensors;
        struct error error = {0};
        write_text(fixture.point, rows[r].point);
        struct tensor_request request = {.dump = fixture.folder};
        assert_int_equal(sentinel_tensors_read(&tensors, &request, &error), ERROR_USAGE);
        assert_null(tensors.ranges);
        if (!strstr(error.text, rows[r].reason) || !strstr(error.text, fixture.folder))
            fail_msg("%s: %s", rows[r].point, error.text);
    }
    remove_all(&fixture);
}

static void test_tensors_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        int num_axes;
        int64_t shape[3];
        bool is_q;
        const char *reason;
    } rows[] = {
        {"<f2", 3, {6, 20, 1}, true, "allowed: 2 axes [H, D]"},
        {"<f2", 2, {2000, 1, 0}, true, "up to 1024"},
        {"<f8", 2, {6, 20, 0}, true, "unknown kind"},
        {"<u2", 2, {6, 20, 0}, true, "--dtype bf16"},
        {"|u1", 3, {97, 2, 20}, false, "e4m3, e5m2 or e4m3fnuz"},
        {"<f2", 2, {97, 40, 0}, false, "3 axes [N, Hkv, 20]"},
        {"<f2", 3, {97, 2, 19}, false, "3 axes [N, Hkv, 20]"},
        {"<f2", 3, {97, 4, 20}, false, "a divisor of 6"},
        {"<f2", 3, {20, 12, 20}, false, "a divisor of 6"},
    };
    static const uint64_t zeros[2000];
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct fixture fixture;
        struct sentinel_tensors tensors;
        struct error error = {0};
        make(&fixture, DTYPE_F16, DTYPE_F16, "");
        const char *path = rows[r].is_q ? fixture.q : fixture.k;
        write_array(path, rows[r].type, rows[r].num_axes, rows[r].shape[0], rows[r].shape[1], rows[r].shape[2], zeros);
        struct tensor_request request = {
            .q = fixture.q, .k = fixture.k, .raw_fp8 = DTYPE_COUNT_WITH_FP8, .scale = NAN, .max_bias = 8};
        assert_int_equal(sentinel_tensors_read(&tensors, &request, &error), ERROR_USAGE);
        if (!strstr(error.text, rows[r].reason) || strstr(error.text, path) != error.text)
            fail_msg("row %zu: %s", r, error.text);
        remove_all(&fixture);
    }
}

/* A NaN would hide every lower score behind it. */
static void test_elements_that_are_not_finite(void **state)
{
    (void)state;
    for (int t = 0; t < 2; t++) {
        struct fixture fixture;
        struct sentinel_tensors tensors;
        struct error error = {0};
        make(&fixture, DTYPE_F32, DTYPE_F32, "");
        static float elements[KEYS * KV_HEADS * DIM];
        memset(elements, 0, sizeof elements);
        elements[37] = t ? -INFINITY : NAN;
        write_array(t ? fixture.k : fixture.q, "<f4", t ? 3 : 2, t ? KEYS : HEADS, t ? KV_HEADS : DIM, DIM, elements);
        struct tensor_request request = {.q = fixture.q, .k = fixture.k, .scale = NAN, .max_bias = 8};
        assert_int_equal(sentinel_tensors_read(&tensors, &request, &error), ERROR_USAGE);
        assert_non_null(strstr(error.text, t ? "element 37 is -inf" : "element 37 is "));
        remove_all(&fixture);
    }
}

/* More keys than a block holds are the same keys: extremes in the first and in the last block are found. */
static void test_keys_beyond_a_block(void **state)
{
    (void)state;
    enum { MANY = 40000 }; /* of 8 elements: more than 2^18 */
    struct fixture fixture;
    struct sentinel_tensors tensors;
    struct error error = {0};
    make(&fixture, DTYPE_F32, DTYPE_F32, "");
    float q[8] = {1};
    float *k = calloc((size_t)MANY * 8, sizeof *k);
    assert_non_null(k);
    k[5 * 8] = -3;
    k[(MANY - 2) * 8] = 7;
    write_array(fixture.q, "<f4", 2, 1, 8, 0, q);
    write_array(fixture.k, "<f4", 3, MANY, 1, 8, k);
    free(k);
    struct tensor_request request = {.q = fixture.q, .k = fixture.k, .scale = 1, .max_bias = 40};
    assert_int_equal(sentinel_tensors_read(&tensors, &request, &error), 0);
    assert_true(fabs(tensors.ranges[0].lowest_score + 3) < 1e-12);
    assert_true(fabs(tensors.ranges[0].highest_score - 7) < 1e-12);
    assert_int_equal(tensors.heads[0].lowest_key, 5);
    assert_int_equal(tensors.heads[0].highest_key, MANY - 2);
    sentinel_tensors_clear(&tensors);
    remove_all(&fixture);
}

/* Heads known one by one: the lowest logit is that of the worst head, where one bound for all takes the worst of
 * each, and the sentinels' distances are no shorter. */
static void test_ranges_of_heads(void **state)
{
    (void)state;
    const struct head_range heads[] = {{0.5, -10, 20}, {0.25, -300, 5}};
    struct stand_in_list stand_ins;
    struct error error;
    assert_int_equal(stand_ins_make(&stand_ins, &error), ERROR_NONE);
    struct logit_range one_by_one = {.heads = heads, .num_heads = 2};
    struct logit_range together = {.dot_bound = 300, .steepest_slope = 0.5};
    assert_true(lowest_logit(&one_by_one, 0, BASE_E) == -300);
    assert_true(lowest_logit(&one_by_one, 1000, BASE_E) == -550);
    assert_true(lowest_logit(&one_by_one, 10000, BASE_E) == -5010);
    assert_true(lowest_logit(&together, 10000, BASE_E) == -5300);
    assert_true(highest_logit(&one_by_one, 5, BASE_E) == 20);
    for (int i = 0; i < stand_ins.count; i++)
        for (int64_t nearest = 0; nearest < 1 << 18; nearest = 3 * nearest + 1) {
            one_by_one.nearest_distance = together.nearest_distance = nearest;
            assert_true(stand_in_standing(&stand_ins.rows[i], &one_by_one, 1 << 20) <=
                        stand_in_standing(&stand_ins.rows[i], &together, 1 << 20));
        }
    /* -1e4 replaced, own base e: the row's maximum may be -10 - slope K in head 0. */
    assert_int_equal(stand_in_unsafe_from(&stand_ins.rows[0], &one_by_one),
                     (int64_t)floor((1e4 - 10 - 126 * M_LN2) * 2) + 1);
    /* Added: the masked key of head 0 has a score of up to 20. */
    assert_int_equal(stand_in_unsafe_from(&stand_ins.rows[1], &one_by_one),
                     (int64_t)floor((1e4 - 10 - 20 - 126 * M_LN2) * 2) + 1);
    stand_ins_clear(&stand_ins);
    recipe_library_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_of_every_dtype),
        cmocka_unit_test(test_dumped_point),
        cmocka_unit_test(test_points_that_are_refused),
        cmocka_unit_test(test_tensors_that_are_refused),
        cmocka_unit_test(test_elements_that_are_not_finite),
        cmocka_unit_test(test_keys_beyond_a_block),
        cmocka_unit_test(test_ranges_of_heads),
    };
    return cmocka_run_group_tests_name("sentinel_tensors", tests, NULL, NULL) ? 1 : 0;
}
