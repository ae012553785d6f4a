/* Heads that are alike have one bound, and those that differ in anything that it depends on have their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reference/error_bound.h"
#include "reference/like_heads.h"
#include "reference/recent_keys.h"

enum { KEYS = 24, HEADS = 6, KV_HEADS = 3, DIM = 8 };

/* All heads are alike. */
struct made {
    struct problem problem;
    float q[HEADS * DIM], k[KEYS * KV_HEADS * DIM], v[KEYS * KV_HEADS * DIM], slopes[HEADS], sinks[HEADS];
    struct truth truth;
    struct tensor_bounds bounds;
};

static float number(int i)
{
    return (float)(i * 37 % 23) / 16 - 0.5f;
}

static struct made *made_new(void)
{
    struct made *made = calloc(1, sizeof *made);
    struct error error;
    assert_non_null(made);
    made->problem = (struct problem){.seq_len = KEYS,
                                     .num_heads = HEADS,
                                     .num_kv_heads = KV_HEADS,
                                     .head_dim = DIM,
                                     .dtype = DTYPE_F32,
                                     .k_scale = 1,
                                     .v_scale = 1,
                                     .scale = 0.25f,
                                     .q_position = KEYS - 1,
                                     .slopes = made->slopes,
                                     .sink_logits = made->sinks,
                                     .q = made->q,
                                     .k = made->k,
                                     .v = made->v};
    for (int i = 0; i < HEADS * DIM; i++)
        made->q[i] = number(i % DIM);
    for (int i = 0; i < KEYS * KV_HEADS * DIM; i++) {
        made->k[i] = number(i / DIM / KV_HEADS * DIM + i % DIM);
        made->v[i] = number(i / DIM / KV_HEADS * DIM + i % DIM + 7);
    }
    for (int h = 0; h < HEADS; h++) {
        made->slopes[h] = 0.25f;
        made->sinks[h] = 0.5f;
    }
    const struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    assert_int_equal(truth_init(&made->truth, &made->problem, &error), ERROR_NONE);
    assert_int_equal(truth_compute(&made->truth, TRUTH_CERTIFIED, &made->problem, &options, &error), ERROR_NONE);
    assert_int_equal(tensor_bounds_scan(&made->bounds, &made->problem, 1, NULL, &error), ERROR_NONE);
    return made;
}

static void made_free(struct made *made)
{
    truth_clear(&made->truth);
    tensor_bounds_clear(&made->bounds);
    free(made);
}

static void assert_like(const struct made *made, const int *expected)
{
    int like[HEADS];
    like_heads_find(like, &made->problem, &made->truth, &made->bounds);
    assert_memory_equal(like, expected, sizeof like);
}

static const int all[HEADS] = {0, 0, 0, 0, 0, 0}, none[HEADS] = {0, 1, 2, 3, 4, 5};

static void test_each_thing_that_differs_tells_heads_apart(void **state)
{
    /* Head 3 is the second of KV head 1. */
    static const int head_3[HEADS] = {0, 0, 0, 3, 4, 4}, of_kv_head_1[HEADS] = {0, 0, 2, 2, 4, 4};
    struct made *made = made_new();
    (void)state;
    assert_like(made, all);
    float *of_a_head[] = {&made->q[3 * DIM + DIM - 1], &made->slopes[3], &made->sinks[3]};
    for (size_t i = 0; i < sizeof of_a_head / sizeof of_a_head[0]; i++) {
        const float was = *of_a_head[i];
        *of_a_head[i] = was + 0.0625f;
        assert_like(made, head_3);
        *of_a_head[i] = was;
    }
    double *of_the_truth[] = {&made->truth.value[3 * DIM + DIM - 1], &made->truth.lse[3]};
    for (size_t i = 0; i < sizeof of_the_truth / sizeof of_the_truth[0]; i++) {
        const double was = *of_the_truth[i];
        *of_the_truth[i] = was + 0.0625;
        assert_like(made, head_3);
        *of_the_truth[i] = was;
    }
    const size_t newest = ((size_t)(KEYS - 1) * KV_HEADS + 1) * DIM + DIM - 1;
    float *of_a_kv_head[] = {&made->k[newest], &made->v[newest], &made->k[DIM], &made->bounds.k[2 * DIM - 1],
                             &made->bounds.v[2 * DIM - 1]};
    for (size_t i = 0; i < sizeof of_a_kv_head / sizeof of_a_kv_head[0]; i++) {
        const float was = *of_a_kv_head[i];
        *of_a_kv_head[i] = was + 0.0625f;
        assert_like(made, of_kv_head_1);
        *of_a_kv_head[i] = was;
    }
    assert_like(made, all);
    made_free(made);
}

static void test_a_formula_has_a_slope_for_each_head(void **state)
{
    struct made *made = made_new();
    (void)state;
    made->truth.contract.of = TRUTH_OF_FORMULA;
    assert_like(made, none);
    made_free(made);
}

static void test_of_keys_that_are_not_here_nothing_is_known(void **state)
{
    struct made *made = made_new();
    struct recent_keys recent = {.first = NULL};
    (void)state;
    made->problem.recent = &recent;
    assert_like(made, none);
    made_free(made);
}

static void test_bounds_of_like_heads_are_their_own(void **state)
{
    static const struct rounding_model model = {
        .dot = 0x1p-22, .exponential = 0x1p-21, .add = 0x1p-24, .keys_per_round = 16, .sum_adds_per_round = 1};
    struct made *made = made_new();
    struct error error;
    struct bound_room *room;
    double out[HEADS * DIM], lse[HEADS], alone[DIM], lse_alone;
    const struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    (void)state;
    made->slopes[4] = 0.5f;
    assert_int_equal(truth_compute(&made->truth, TRUTH_CERTIFIED, &made->problem, &options, &error), ERROR_NONE);
    assert_int_equal(bound_room_new(&room, &made->problem, &error), ERROR_NONE);
    assert_int_equal(error_bounds(out, lse, &model, &made->problem, &made->truth, 2, NULL, &error), ERROR_NONE);
    for (int h = 0; h < HEADS; h++) {
        error_bounds_of_head(alone, &lse_alone, room, &model, &made->problem, &made->truth, &made->bounds, h);
        assert_memory_equal(&out[h * DIM], alone, sizeof alone);
        assert_memory_equal(&lse[h], &lse_alone, sizeof lse_alone);
        assert_true(alone[0] > 0 && lse_alone > 0);
    }
    double only[HEADS];
    assert_int_equal(error_bounds(NULL, only, &model, &made->problem, &made->truth, 1, NULL, &error), ERROR_NONE);
    assert_memory_equal(only, lse, sizeof lse);
    bound_room_free(room);
    made_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_thing_that_differs_tells_heads_apart),
        cmocka_unit_test(test_a_formula_has_a_slope_for_each_head),
        cmocka_unit_test(test_of_keys_that_are_not_here_nothing_is_known),
        cmocka_unit_test(test_bounds_of_like_heads_are_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
