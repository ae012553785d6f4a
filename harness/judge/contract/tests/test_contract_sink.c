/* A weight that no key has: slots behind the last key that are read as zeros, and what is no number of slots. */
#include "harness/judge/contract/tests/contract_desk.h"

enum { LAST_OF_80 = 10, LAST_OF_128 = 58 }; /* slots that fill the tile of 70 keys */

static double slots_without_bias(const struct problem *problem, int head, double slots)
{
    (void)problem, (void)head;
    return slots;
}

static double slots_with_bias(const struct problem *problem, int head, double slots)
{
    double sum = 0;
    for (int slot = 1; slot <= (int)slots; slot++)
        sum += exp((double)problem->slopes[head] * (double)(problem->seq_len - 1 + slot - problem->q_position));
    return sum;
}

/* The output of a kernel whose sums of weights have more than the keys'. */
static void answer_with_weight(struct desk *desk, double (*weight)(const struct problem *, int, double), double slots)
{
    struct problem other = desk->problem;
    float sinks[H];
    for (int h = 0; h < H; h++)
        sinks[h] = (float)log(weight(&desk->problem, h, slots));
    other.sink_logits = sinks;
    answer(desk, &other);
}

static void test_slots_of_zeros_are_named(void **state)
{
    struct desk *desk = *state;
    for (int with_lse = 0; with_lse < 2; with_lse++) {
        answer_with_weight(desk, slots_without_bias, LAST_OF_80);
        assert_named(search(desk, with_lse), "10 slots behind the last key, read as zeros, without a bias");
        assert_int_equal(desk->finding.fits[0].seen_as, SIGNATURE_LEAK);
        answer_with_weight(desk, slots_without_bias, LAST_OF_128);
        assert_named(search(desk, with_lse), "58 slots behind the last key");
        answer_with_weight(desk, slots_with_bias, LAST_OF_80);
        assert_named(search(desk, with_lse), "10 slots behind the last key, read as zeros, with the biases of");
    }
    for (int h = 0; h < H; h++)
        desk->slopes[h] = 0;
    answer_with_weight(desk, slots_with_bias, LAST_OF_80);
    assert_named(search(desk, false), "10 slots behind the last key, read as zeros: a weight that no key has");
}

/* What is no number of slots that fill a tile may be a sum that does not begin with 0, a sink, or other slots: it has
 * no name. */
static void test_another_weight_is_no_slots(void **state)
{
    struct desk *desk = *state;
    static const double weights[] = {1, 9, 10.4, 12.5, 59};
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        for (int with_lse = 0; with_lse < 2; with_lse++) {
            answer_with_weight(desk, slots_without_bias, weights[i]);
            assert_named(search(desk, with_lse), "a sink of ");
            assert_int_equal(desk->finding.fits[0].seen_as, SIGNATURE_UNKNOWN);
        }
}

/* A sum that begins with 1 is that of one slot, too, which would fill the tile of 63 keys; 17 slots are no such sum. */
static void test_a_sum_that_begins_with_1_is_no_slot(void **state)
{
    struct desk *desk = *state;
    desk->problem.seq_len = 63;
    for (int with_lse = 0; with_lse < 2; with_lse++) {
        answer_with_weight(desk, slots_without_bias, 1);
        assert_named(search(desk, with_lse), "a sink of ");
        assert_int_equal(desk->finding.fits[0].seen_as, SIGNATURE_UNKNOWN);
        answer_with_weight(desk, slots_without_bias, 17);
        assert_named(search(desk, with_lse), "17 slots behind the last key");
        answer_with_weight(desk, slots_with_bias, 1);
        assert_named(search(desk, with_lse), "1 slot behind the last key, read as zeros, with the biases of");
    }
}

/* Beside keys of far more weight an out in 16 bits has room for half a slot more or less, and an lse has not. */
static void test_slots_that_out_leaves_open(void **state)
{
    struct desk *desk = *state;
    desk->problem.scale = 1;
    answer_with_weight(desk, slots_without_bias, LAST_OF_128 + 0.3);
    search(desk, false);
    assert_true(desk->finding.num_fits > 0);
    assert_null(strstr(desk->finding.fits[0].text, "slots"));
    answer_with_weight(desk, slots_without_bias, LAST_OF_128);
    search(desk, false);
    assert_null(strstr(desk->finding.fits[0].text, "slots"));
    assert_int_equal(search(desk, true)->num_fits, 1);
    assert_non_null(strstr(desk->finding.fits[0].text, "58 slots behind the last key"));
}

/* An output in f32 has more digits than the sums in f32 that it was made of. */
static void test_slots_of_sums_in_f32(void **state)
{
    struct desk *desk = *state;
    static float q[H * D], k[N * G * D], v[N * G * D], out[H * D];
    struct truth truth;
    float sinks[H];
    dtype_widen(DTYPE_F16, desk->q, 0, H * D, q);
    dtype_widen(DTYPE_F16, desk->k, 0, N * G * D, k);
    dtype_widen(DTYPE_F16, desk->v, 0, N * G * D, v);
    desk->problem.dtype = DTYPE_F32;
    desk->problem.q = q;
    desk->problem.k = k;
    desk->problem.v = v;
    for (int h = 0; h < H; h++)
        sinks[h] = logf(LAST_OF_80);
    struct problem other = desk->problem;
    other.sink_logits = sinks;
    find_truth(&truth, &other);
    for (int i = 0; i < H * D; i++)
        out[i] = (float)(truth.value[i] * (1 - 0x1p-21));
    truth_clear(&truth);
    const struct output output = {out, NULL};
    assert_named(search_output(desk, &desk->problem, &output), "10 slots behind the last key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_slots_of_zeros_are_named),
        TEST(test_another_weight_is_no_slots),
        TEST(test_a_sum_that_begins_with_1_is_no_slot),
        TEST(test_slots_that_out_leaves_open),
        TEST(test_slots_of_sums_in_f32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
