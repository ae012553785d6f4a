/* Conventional references: what they compute, in which arithmetic, and what they leave alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "reference/baseline.h"
#include "reference/slopes.h"
#include "reference/truth.h"

enum { DIM = 64, MAX_HEADS = 8 };

/* A problem with inputs in [-1.7, 1.7), and an answer to it. */
struct fixture {
    struct problem problem;
    void *q, *k, *v;
    float slopes[MAX_HEADS];
    uint8_t *visible;
    double out[MAX_HEADS * DIM], lse[MAX_HEADS];
};

static void *make_tensor(enum dtype dtype, size_t count, uint64_t state)
{
    void *tensor = malloc(count * dtypes[dtype].size_bytes);
    assert_non_null(tensor);
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        float value = ((float)(state >> 40) * 0x1p-24f - 0.5f) * 3.4f;
        dtype_narrow(dtype, tensor, i, 1, &value);
    }
    return tensor;
}

static struct fixture *fixture_new(int64_t seq_len, int num_heads, int num_kv_heads, enum dtype dtype)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    size_t elements = (size_t)seq_len * (size_t)num_kv_heads * DIM;
    fixture->q = make_tensor(dtype, (size_t)num_heads * DIM, 1);
    fixture->k = make_tensor(dtype, elements, 2);
    fixture->v = make_tensor(dtype, elements, 3);
    fixture->visible = malloc((size_t)seq_len);
    assert_non_null(fixture->visible);
    memset(fixture->visible, 1, (size_t)seq_len);
    slopes_fill(fixture->slopes, num_heads, SLOPES_BLOOM, 8, 0, num_heads);
    fixture->problem = (struct problem){.seq_len = seq_len,
                                        .num_heads = num_heads,
                                        .num_kv_heads = num_kv_heads,
                                        .head_dim = DIM,
                                        .dtype = dtype,
                                        .scale = 0.125f,
                                        .q_position = seq_len - 1,
                                        .slopes = fixture->slopes,
                                        .q = fixture->q,
                                        .k = fixture->k,
                                        .v = fixture->v};
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    free(fixture->q);
    free(fixture->k);
    free(fixture->v);
    free(fixture->visible);
    free(fixture);
}

static void attend(struct fixture *fixture, enum baseline kind, int threads)
{
    struct error error;
    for (int i = 0; i < MAX_HEADS * DIM; i++)
        fixture->out[i] = 7; /* to be overwritten */
    struct baseline_result results[BASELINE_COUNT] = {{NULL, NULL}};
    results[kind] = (struct baseline_result){fixture->out, fixture->lse};
    if (baseline_attention(1u << kind, &fixture->problem, threads, NULL, results, &error))
        fail_msg("%s", error.text);
}

/* The largest errors of the last answer against the truth. */
static void measure(const struct fixture *fixture, double *out_err, double *lse_err)
{
    struct truth truth;
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    struct error error;
    assert_int_equal(truth_init(&truth, &fixture->problem, &error), ERROR_NONE);
    assert_int_equal(truth_certified(&truth, &fixture->problem, &options, &error), ERROR_NONE);
    *out_err = *lse_err = 0;
    for (int i = 0; i < fixture->problem.num_heads * DIM; i++)
        *out_err = fmax(*out_err, fabs(fixture->out[i] - truth.value[i]));
    for (int h = 0; h < fixture->problem.num_heads; h++)
        *lse_err = fmax(*lse_err, fabs(fixture->lse[h] - truth.lse[h]));
    truth_clear(&truth);
}

static void mask_every_third(struct fixture *fixture)
{
    for (int64_t key = 1; key < fixture->problem.seq_len; key += 3)
        fixture->visible[key] = 0;
    fixture->problem.visible = fixture->visible;
}

/*
 * Rounding errors of f32 and f64 at 700 keys: the bias, up to 0.7 * 700 < 512 in the absolute form, is off by half an
 * ulp, 2^-16 in f32, and the outputs by at most some 10 times as much. f32 results are no better than 2^-30.
 */
static void test_every_kind_is_as_good_as_its_arithmetic(void **state)
{
    (void)state;
    static const struct {
        double least, most;
    } limits[BASELINE_COUNT] = {
        [BASELINE_F32_ABSOLUTE] = {0x1p-22, 1e-4},
        [BASELINE_F32_RELATIVE] = {0x1p-30, 1e-5},
        [BASELINE_F64_RELATIVE] = {0, 1e-14},
        [BASELINE_F64_ABSOLUTE] = {0, 1e-12},
    };
    for (enum dtype dtype = 0; dtype < DTYPE_COUNT; dtype++)
        for (int variant = 0; variant < 3; variant++) {
            struct fixture *fixture = fixture_new(700, 8, variant == 1 ? 2 : 8, dtype);
            if (variant == 1)
                fixture->problem.q_position = 200; /* positive biases */
            if (variant == 2)
                mask_every_third(fixture);
            for (enum baseline kind = 0; kind < BASELINE_COUNT; kind++) {
                double out_err, lse_err;
                attend(fixture, kind, 2);
                measure(fixture, &out_err, &lse_err);
                if (!(out_err <= limits[kind].most && out_err >= limits[kind].least))
                    fail_msg("%s of %s, variant %d: off by %g", baselines[kind].name, dtypes[dtype].name, variant,
                             out_err);
                if (!(lse_err <= 100 * limits[kind].most))
                    fail_msg("%s of %s, variant %d: lse off by %g", baselines[kind].name, dtypes[dtype].name, variant,
                             lse_err);
            }
            fixture_free(fixture);
        }
}

/* A chunk of an fp8 cache: scales multiply, positions count from kv_offset. */
static void test_chunks_of_fp8_caches(void **state)
{
    (void)state;
    static const double most[BASELINE_COUNT] = {1e-4, 1e-5, 1e-14, 1e-12};
    for (enum kv_format kv_format = KV_E4M3; kv_format < KV_FORMAT_COUNT; kv_format++) {
        struct fixture *fixture = fixture_new(400, 4, 2, DTYPE_F16);
        struct problem *problem = &fixture->problem;
        problem->kv_format = kv_format;
        problem->k_scale = 0.6f;
        problem->v_scale = 0.9f;
        problem->kv_offset = 250;
        problem->q_position = 700;
        free(fixture->k);
        free(fixture->v);
        problem->k = fixture->k = make_tensor(problem_kv_dtype(problem), 400 * 2 * DIM, 4);
        problem->v = fixture->v = make_tensor(problem_kv_dtype(problem), 400 * 2 * DIM, 5);
        for (enum baseline kind = 0; kind < BASELINE_COUNT; kind++) {
            double out_err, lse_err;
            attend(fixture, kind, 2);
            measure(fixture, &out_err, &lse_err);
            if (!(out_err <= most[kind] && lse_err <= 100 * most[kind]))
                fail_msg("%s: off by %g, lse by %g", baselines[kind].name, out_err, lse_err);
        }
        fixture_free(fixture);
    }
}

/*
 * Twelve keys at the end of 33001, q.k a single product of about 10,000, v the unit vectors: out[j] is the weight of
 * key j. An ulp of a logit of 1000 is 2^-14, so every rounding shows.
 */
static void test_f32_forms_round_as_f32_does(void **state)
{
    (void)state;
    enum { KEYS = 33001, VISIBLE = 12 };
    struct fixture *fixture = fixture_new(KEYS, 1, 1, DTYPE_F32);
    float slope = fixture->slopes[0] = 0x1.ae89fap-1f; /* 2^-0.25 */
    float *v = fixture->v;
    float *query = memset(fixture->q, 0, DIM * sizeof(float)), *k = fixture->k;
    query[0] = 1;
    fixture->problem.scale = 0.1f;
    memset(fixture->visible, 0, KEYS);
    fixture->problem.visible = fixture->visible;
    for (int j = 0; j < VISIBLE; j++) {
        fixture->visible[KEYS - VISIBLE + j] = 1;
        k[(size_t)(KEYS - VISIBLE + j) * DIM] = 10001.3f + 0.7f * (float)j;
        for (int d = 0; d < DIM; d++)
            v[(size_t)(KEYS - VISIBLE + j) * DIM + (size_t)d] = (float)(d == j);
    }
    for (int absolute = 0; absolute < 2; absolute++) {
        float logits[VISIBLE], sum = 0;
        for (int j = 0; j < VISIBLE; j++) {
            float bias = slope * (float)(absolute ? KEYS - VISIBLE + j : j - (VISIBLE - 1));
            float product = k[(size_t)(KEYS - VISIBLE + j) * DIM] * 0.1f;
            logits[j] = product + bias;
        }
        for (int j = 0; j < VISIBLE; j++)
            sum += expf(logits[j] - logits[VISIBLE - 1]);
        attend(fixture, absolute ? BASELINE_F32_ABSOLUTE : BASELINE_F32_RELATIVE, 1);
        for (int j = 0; j < VISIBLE; j++) {
            double expected = (double)(expf(logits[j] - logits[VISIBLE - 1]) / sum);
            assert_true(fabs(fixture->out[j] - expected) <= 0x1p-21 * expected); /* the order of the sum is free */
            assert_true((double)(float)fixture->out[j] == fixture->out[j]);
        }
        float lse = logits[VISIBLE - 1] + logf(sum);
        if (absolute)
            lse -= slope * (float)(KEYS - 1);
        assert_true(fabs(fixture->lse[0] - (double)lse) <= (absolute ? 0x1p-9 : 0x1p-14));
    }
    fixture_free(fixture);
}

static void test_removed_keys_are_not_looked_at(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(600, 2, 2, DTYPE_F32);
    double expected[2 * DIM];
    mask_every_third(fixture);
    for (enum baseline kind = 0; kind < BASELINE_COUNT; kind++) {
        attend(fixture, kind, 1);
        memcpy(expected, fixture->out, sizeof expected);
        for (size_t key = 1; key < 600; key += 3)
            for (size_t d = 0; d < 2 * DIM; d++) {
                ((float *)fixture->k)[key * 2 * DIM + d] = INFINITY;
                ((float *)fixture->v)[key * 2 * DIM + d] = NAN;
            }
        attend(fixture, kind, 1);
        assert_memory_equal(expected, fixture->out, sizeof expected);
    }
    fixture_free(fixture);
}

static void test_an_empty_row_is_zero(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(300, 2, 1, DTYPE_F16);
    memset(fixture->visible, 0, 300);
    fixture->problem.visible = fixture->visible;
    for (enum baseline kind = 0; kind < BASELINE_COUNT; kind++) {
        attend(fixture, kind, 1);
        for (int i = 0; i < 2 * DIM; i++)
            assert_true(fixture->out[i] == 0);
        assert_true(fixture->lse[0] == -INFINITY && fixture->lse[1] == -INFINITY);
    }
    fixture_free(fixture);
}

static void test_a_nan_stays_in_its_head(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(300, 3, 3, DTYPE_F32);
    ((float *)fixture->k)[3 * DIM + DIM + 5] = NAN; /* key 1, head 1 */
    for (enum baseline kind = 0; kind < BASELINE_COUNT; kind++) {
        attend(fixture, kind, 1);
        for (int i = 0; i < 3 * DIM; i++)
            assert_int_equal(isnan(fixture->out[i]), i / DIM == 1);
        for (int h = 0; h < 3; h++)
            assert_int_equal(isnan(fixture->lse[h]), h == 1);
    }
    fixture_free(fixture);
}

static void test_threads_do_not_change_a_bit(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(1000, 8, 4, DTYPE_BF16);
    struct fixture before;
    for (enum baseline kind = 0; kind < BASELINE_COUNT; kind++) {
        attend(fixture, kind, 1);
        before = *fixture;
        attend(fixture, kind, 3);
        assert_memory_equal(before.out, fixture->out, sizeof before.out);
        assert_memory_equal(before.lse, fixture->lse, sizeof before.lse);
    }
    fixture_free(fixture);
}

/* Whatever is in the problem, and whichever are asked for together. */
static void test_baselines_together_have_the_bits_of_each_alone(void **state)
{
    static const float sinks[] = {1.5F, -2, 0, 0.25F};
    static const unsigned together[] = {0xf, 0x5, 0x6, 0xb};
    (void)state;
    for (size_t i = 0; i < sizeof together / sizeof together[0]; i++) {
        struct fixture *fixture = fixture_new(600, 4, 2, i % 2 ? DTYPE_BF16 : DTYPE_F16);
        double out[BASELINE_COUNT][MAX_HEADS * DIM], lse[BASELINE_COUNT][MAX_HEADS];
        struct baseline_result results[BASELINE_COUNT];
        struct error error;
        for (int64_t key = 100; key < 560 && i > 0; key += 3)
            fixture->visible[key] = 0;
        fixture->problem.visible = fixture->visible;
        fixture->problem.sink_logits = i == 2 ? sinks : NULL;
        fixture->problem.soft_cap = i == 3 ? SOFT_CAP_BEFORE_BIAS : SOFT_CAP_NONE;
        fixture->problem.soft_cap_value = 2;
        for (enum baseline kind = 0; kind < BASELINE_COUNT; kind++)
            results[kind] = (struct baseline_result){out[kind], lse[kind]};
        if (baseline_attention(together[i], &fixture->problem, 2, NULL, results, &error))
            fail_msg("%s", error.text);
        for (enum baseline kind = 0; kind < BASELINE_COUNT; kind++) {
            if (!(together[i] >> kind & 1))
                continue;
            attend(fixture, kind, 1);
            assert_memory_equal(out[kind], fixture->out, 4 * DIM * sizeof(double));
            assert_memory_equal(lse[kind], fixture->lse, 4 * sizeof(double));
        }
        fixture_free(fixture);
    }
}

static void test_progress_and_cancelling(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(300, 8, 2, DTYPE_F16);
    struct progress progress = {.cancelled = false};
    struct error error;
    const struct baseline_result results[BASELINE_COUNT] = {[BASELINE_F32_RELATIVE] = {fixture->out, fixture->lse}};
    const unsigned kinds = 1u << BASELINE_F32_RELATIVE;
    assert_int_equal(baseline_attention(kinds, &fixture->problem, 2, &progress, results, &error), ERROR_NONE);
    assert_int_equal(atomic_load(&progress.work_done), 300 * 8);
    atomic_store(&progress.cancelled, true);
    assert_int_equal(baseline_attention(kinds, &fixture->problem, 2, &progress, results, &error), ERROR_INTERRUPTED);
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_is_as_good_as_its_arithmetic),
        cmocka_unit_test(test_chunks_of_fp8_caches),
        cmocka_unit_test(test_f32_forms_round_as_f32_does),
        cmocka_unit_test(test_removed_keys_are_not_looked_at),
        cmocka_unit_test(test_an_empty_row_is_zero),
        cmocka_unit_test(test_a_nan_stays_in_its_head),
        cmocka_unit_test(test_threads_do_not_change_a_bit),
        cmocka_unit_test(test_baselines_together_have_the_bits_of_each_alone),
        cmocka_unit_test(test_progress_and_cancelling),
    };
    return cmocka_run_group_tests_name("conventional", tests, NULL, NULL) ? 1 : 0;
}
