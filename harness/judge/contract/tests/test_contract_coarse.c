/* What is not named where weights in 8 bits or sums in 16 cover what is left: their bounds hold for many another. */
#include "harness/judge/contract/tests/contract_desk.h"

enum { FEW_H = 32, FEW_G = 8, FEW_D = 64, FEW_N = 2 };

/* Slopes a quarter of an octave too large, of two keys under a soft cap: another position nearly does, and weights of 8
 * bits are coarse enough to cover the rest. Whether it is named for one of some draws. */
static bool position_is_named(struct desk *desk, uint64_t random)
{
    static uint16_t q[FEW_H * FEW_D], k[FEW_N * FEW_G * FEW_D], v[FEW_N * FEW_G * FEW_D], out[FEW_H * FEW_D];
    static float lse[FEW_H];
    uint16_t *const tensors[] = {q, k, v};
    const int sizes[] = {FEW_H * FEW_D, FEW_N * FEW_G * FEW_D, FEW_N * FEW_G * FEW_D};
    float slopes[FEW_H], larger[FEW_H];
    struct truth truth;
    for (int t = 0; t < 3; t++)
        for (int i = 0; i < sizes[t]; i++) {
            const uint16_t half = draw(&random);
            float value;
            dtype_widen(DTYPE_F16, &half, 0, 1, &value);
            dtype_narrow(DTYPE_BF16, tensors[t], (size_t)i, 1, &value);
        }
    for (int h = 0; h < FEW_H; h++) {
        slopes[h] = exp2f(-(float)(h + 1) / 4);
        larger[h] = exp2f(-(float)h / 4);
    }
    struct problem problem = {.seq_len = FEW_N,
                              .num_queries = 1,
                              .num_heads = FEW_H,
                              .num_kv_heads = FEW_G,
                              .head_dim = FEW_D,
                              .dtype = DTYPE_BF16,
                              .scale = 0.125f,
                              .soft_cap = SOFT_CAP_AFTER_BIAS,
                              .soft_cap_value = 5,
                              .q_position = 22,
                              .slopes = larger,
                              .q = q,
                              .k = k,
                              .v = v};
    find_truth(&truth, &problem);
    for (int i = 0; i < FEW_H * FEW_D; i++) {
        const float value = (float)truth.value[i];
        dtype_narrow(DTYPE_BF16, out, (size_t)i, 1, &value);
    }
    for (int h = 0; h < FEW_H; h++)
        lse[h] = (float)truth.lse[h];
    truth_clear(&truth);
    problem.slopes = slopes;
    const struct output output = {out, lse};
    const struct contract_finding *finding = search_output(desk, &problem, &output);
    return finding->named && strstr(finding->fits[0].text, "position");
}

static void test_a_number_is_not_known_beside_a_coarse_class(void **state)
{
    static const uint64_t seeds[] = {155, 259, 271, 368}; /* the four of 400 whose bounds cover it */
    for (int i = 0; i < 4; i++)
        assert_false(position_is_named(*state, seeds[i]));
}

enum { SMALL_H = 64, SMALL_G = 16, SMALL_D = 80, SMALL_N = 576 };

/* A soft cap that is not multiplied back leaves logits of 1 at most: rows next to the plain mean. Sums in 16 bits over
 * so many keys are coarse enough to cover what is left under two contracts that make them small, too. */
/* Next to normal, of variance 1. */
static uint16_t draw_normal(uint64_t *random)
{
    float sum = 0;
    uint16_t half;
    for (int i = 0; i < 6; i++) {
        const uint16_t one = draw(random);
        float value;
        dtype_widen(DTYPE_F16, &one, 0, 1, &value);
        sum += value;
    }
    sum *= 0.35355f;
    dtype_narrow(DTYPE_F16, &half, 0, 1, &sum);
    return half;
}

static const struct contract_finding *search_small_logits(struct desk *desk, uint64_t random)
{
    enum { ROWS = 2 * SMALL_H };
    static uint16_t q[ROWS * SMALL_D], k[SMALL_N * SMALL_G * SMALL_D], v[SMALL_N * SMALL_G * SMALL_D];
    static uint16_t out[ROWS * SMALL_D];
    float slopes[SMALL_H], smaller[SMALL_H], lse[ROWS];
    struct truth truth;
    for (int i = 0; i < ROWS * SMALL_D; i++)
        q[i] = draw_normal(&random);
    for (int i = 0; i < SMALL_N * SMALL_G * SMALL_D; i++)
        k[i] = draw_normal(&random);
    for (int i = 0; i < SMALL_N * SMALL_G * SMALL_D; i++)
        v[i] = draw_normal(&random);
    for (int h = 0; h < SMALL_H; h++) {
        slopes[h] = exp2f(-(float)(h + 1) / 4);
        smaller[h] = slopes[h] / 50;
    }
    struct problem problem = {.seq_len = SMALL_N,
                              .num_queries = 2,
                              .num_heads = SMALL_H,
                              .num_kv_heads = SMALL_G,
                              .head_dim = SMALL_D,
                              .dtype = DTYPE_F16,
                              .scale = 0.11180340f / 50,
                              .soft_cap = SOFT_CAP_AFTER_BIAS,
                              .soft_cap_value = 1,
                              .q_position = SMALL_N - 1,
                              .slopes = smaller,
                              .q = q,
                              .k = k,
                              .v = v};
    find_truth(&truth, &problem);
    for (int i = 0; i < ROWS * SMALL_D; i++) {
        const float value = (float)truth.value[i];
        dtype_narrow(DTYPE_F16, out, (size_t)i, 1, &value);
    }
    for (int h = 0; h < ROWS; h++)
        lse[h] = (float)truth.lse[h];
    truth_clear(&truth);
    problem.scale *= 50;
    problem.soft_cap_value = 50;
    problem.slopes = slopes;
    const struct output output = {out, lse};
    return search_output(desk, &problem, &output);
}

static void test_a_pair_is_not_known_beside_a_coarse_class(void **state)
{
    const struct contract_finding *finding = search_small_logits(*state, 6); /* one draw of six whose bounds cover it */
    assert_int_equal(finding->num_fits, 1);
    assert_false(finding->named);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_number_is_not_known_beside_a_coarse_class),
        TEST(test_a_pair_is_not_known_beside_a_coarse_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
