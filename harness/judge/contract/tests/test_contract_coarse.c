/* What is not named where weights in 8 bits or sums in 16 cover what is left: their bounds hold for many another. */
#include "harness/judge/contract/tests/contract_desk.h"

enum { MAX_HEADS = 64, MAX_ROWS = 2 * MAX_HEADS, MAX_DIM = 80, MAX_KEYS = 576 * 16 };

/* A problem that is larger than the desk's, and its tensors. */
struct large {
    uint16_t q[MAX_ROWS * MAX_DIM], k[MAX_KEYS * MAX_DIM], v[MAX_KEYS * MAX_DIM], out[MAX_ROWS * MAX_DIM];
    float slopes[MAX_HEADS], answered[MAX_HEADS], lse[MAX_ROWS];
};

/* So many elements of a dtype, each the sum of some draws times factor. */
static void draw_tensor(uint16_t *elements, int64_t count, enum dtype dtype, int draws, float factor, uint64_t *random)
{
    for (int64_t i = 0; i < count; i++) {
        float sum = 0, value;
        for (int n = 0; n < draws; n++) {
            const uint16_t half = draw(random);
            dtype_widen(DTYPE_F16, &half, 0, 1, &value);
            sum += value;
        }
        sum *= factor;
        dtype_narrow(dtype, elements, (size_t)i, 1, &sum);
    }
}

/* Gives a problem its tensors: slopes 2^(-(h + 1) / 4), q, k and v of so many draws times factor. */
static void fill(struct large *large, struct problem *problem, int draws, float factor, uint64_t random)
{
    const int64_t keys = problem->seq_len * problem->num_kv_heads * problem->head_dim;
    draw_tensor(large->q, problem_elements(problem), problem->dtype, draws, factor, &random);
    draw_tensor(large->k, keys, problem->dtype, draws, factor, &random);
    draw_tensor(large->v, keys, problem->dtype, draws, factor, &random);
    for (int h = 0; h < problem->num_heads; h++)
        large->slopes[h] = exp2f(-(float)(h + 1) / 4);
    problem->slopes = large->slopes;
    problem->q = large->q;
    problem->k = large->k;
    problem->v = large->v;
}

/* What one contract is said to explain, though it is not named. */
static void assert_not_named(const struct contract_finding *finding, const char *text, unsigned coarse)
{
    assert_int_equal(finding->num_fits, 1);
    assert_non_null(strstr(finding->fits[0].text, text));
    assert_true(finding->fits[0].set >> coarse & 1);
    assert_false(finding->named);
}

/* Slopes a quarter of an octave too large, of two keys under a soft cap: another position nearly does, and weights of 8
 * bits are coarse enough to cover the rest, in 4 of 400 draws. */
static void test_a_number_is_not_known_beside_a_coarse_class(void **state)
{
    static const uint64_t draws[] = {155, 259, 271, 368};
    static struct large large;
    const struct output output = {large.out, large.lse};
    struct problem problem = {.seq_len = 2,
                              .num_queries = 1,
                              .num_heads = 32,
                              .num_kv_heads = 8,
                              .head_dim = 64,
                              .dtype = DTYPE_BF16,
                              .scale = 0.125f,
                              .soft_cap = SOFT_CAP_AFTER_BIAS,
                              .soft_cap_value = 5,
                              .q_position = 22};
    for (int i = 0; i < 4; i++) {
        fill(&large, &problem, 1, 1, draws[i]);
        struct problem answered = problem;
        for (int h = 0; h < problem.num_heads; h++)
            large.answered[h] = exp2f(-(float)h / 4);
        answered.slopes = large.answered;
        answer_exactly(large.out, large.lse, &answered);
        assert_not_named(search_output(*state, &problem, &output), "position", CLASS_WEIGHTS8);
    }
}

/* A soft cap that is not multiplied back leaves logits of 1 at most: rows next to the plain mean. Sums in 16 bits over
 * so many keys are coarse enough to cover what is left under two contracts that make logits small as well, in one draw
 * of six. */
static void test_a_pair_is_not_known_beside_a_coarse_class(void **state)
{
    static struct large large;
    const struct output output = {large.out, large.lse};
    struct problem problem = {.seq_len = 576,
                              .num_queries = 2,
                              .num_heads = 64,
                              .num_kv_heads = 16,
                              .head_dim = 80,
                              .dtype = DTYPE_F16,
                              .scale = 0.11180340f,
                              .soft_cap = SOFT_CAP_AFTER_BIAS,
                              .soft_cap_value = 50,
                              .q_position = 575};
    fill(&large, &problem, 6, 0.35355f, 6); /* next to normal */
    struct problem answered = problem;
    for (int h = 0; h < problem.num_heads; h++)
        large.answered[h] = large.slopes[h] / 50;
    answered.slopes = large.answered;
    answered.scale /= 50;
    answered.soft_cap_value = 1;
    answer_exactly(large.out, large.lse, &answered);
    assert_not_named(search_output(*state, &problem, &output), "the scale twice", CLASS_SUMS16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_number_is_not_known_beside_a_coarse_class),
        TEST(test_a_pair_is_not_known_beside_a_coarse_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
