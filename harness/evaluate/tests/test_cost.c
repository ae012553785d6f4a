/* What points are expected to take, how that is corrected, and how shards share it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/tests/case_fixture.h"
#include "harness/evaluate/cost.h"
#include "harness/evaluate/shards.h"

enum { NUM_POINTS = 24 };

/* Four lengths, three seeds, two sentinels of the same inputs. */
static struct case_list make_points(struct point *points)
{
    struct case_list list = parse("case: a\nseq_len: [9, 1000, 30000, 200000]\nnum_heads: 4\nhead_dim: 64\nseed: 0..2\n"
                                  "sentinel: [-5e4, exclude]\n");
    assert_int_equal(case_num_points(list.cases[0]), NUM_POINTS);
    for (size_t i = 0; i < NUM_POINTS; i++)
        case_point(list.cases[0], i, &points[i]);
    return list;
}

static void test_what_an_earlier_point_has_made_costs_nothing(void **state)
{
    (void)state;
    struct point points[NUM_POINTS];
    struct case_list list = make_points(points);
    const struct work_units first = work_units(&points[0], NULL), second = work_units(&points[1], &points[0]),
                            third = work_units(&points[2], &points[1]);
    assert_true(first.units[STEP_INPUTS] > 0 && first.units[STEP_TRUTH] > 0);
    assert_true(second.units[STEP_INPUTS] == 0 && second.units[STEP_TRUTH] == 0);
    assert_true(second.units[STEP_KERNEL] == first.units[STEP_KERNEL]);
    assert_true(third.units[STEP_INPUTS] == first.units[STEP_INPUTS]); /* another seed */
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++)
        assert_true(work_seconds(&second, (enum kernel)kernel) < work_seconds(&first, (enum kernel)kernel));
    case_list_clear(&list);
}

/* Seconds of a machine on which a kernel is three times as slow as expected, and the rest as expected. */
static struct seconds seconds_of(const struct work_units *units)
{
    struct cost_estimate expected = {.expected_s = {{0}}};
    cost_expect(&expected, units, KERNEL_SINGLE_PASS, 1);
    double s[STEP_COUNT];
    for (int step = 0; step < STEP_COUNT; step++)
        s[step] = expected.expected_s[step][COST_FIXED] + expected.expected_s[step][COST_UNITS];
    return (struct seconds){.inputs = s[STEP_INPUTS],
                            .kernel = 3 * s[STEP_KERNEL],
                            .truth = s[STEP_TRUTH],
                            .judge = s[STEP_JUDGE],
                            .reference = s[STEP_REFERENCE],
                            .oracles = s[STEP_ORACLES]};
}

static double total(const struct seconds *s)
{
    return s->inputs + s->kernel + s->truth + s->judge + s->reference + s->oracles;
}

static void test_an_estimate_learns_from_what_points_took(void **state)
{
    (void)state;
    struct point points[NUM_POINTS];
    struct case_list list = make_points(points);
    struct cost_estimate seen = {.expected_s = {{0}}}, left = {.expected_s = {{0}}};
    double true_left_s = 0;
    for (size_t i = 0; i < NUM_POINTS; i++) {
        const struct work_units units = work_units(&points[i], i > 0 ? &points[i - 1] : NULL);
        cost_expect(&left, &units, KERNEL_SINGLE_PASS, 1);
    }
    assert_true(cost_predict(&seen, &left) > 0);
    for (size_t i = 0; i < NUM_POINTS; i++) {
        const struct work_units units = work_units(&points[i], i > 0 ? &points[i - 1] : NULL);
        const struct seconds seconds = seconds_of(&units);
        if (i < 14) {
            cost_learn(&seen, &units, KERNEL_SINGLE_PASS, &seconds);
            cost_expect(&left, &units, KERNEL_SINGLE_PASS, -1);
        } else {
            true_left_s += total(&seconds);
        }
    }
    /* A kernel whose keys matter has been seen, so the rest is known. */
    assert_true(fabs(cost_predict(&seen, &left) / true_left_s - 1) < 1e-6);
    case_list_clear(&list);
}

static void test_shards_are_equal_everywhere_and_about_as_large(void **state)
{
    (void)state;
    struct point points[NUM_POINTS];
    struct case_list list = make_points(points);
    int shards[NUM_POINTS];
    double load_s[3] = {0};
    struct error error;
    assert_int_equal(shards_assign(shards, points, NUM_POINTS, 3, &error), ERROR_NONE);
    for (size_t i = 0; i < NUM_POINTS; i++) {
        assert_in_range(shards[i], 0, 2);
        bool belongs = i % 2 == 1;
        const struct work_units units = work_units(&points[i], belongs ? &points[i - 1] : NULL);
        load_s[shards[i]] += work_seconds(&units, points[i].kernel);
        if (belongs)
            assert_int_equal(shards[i], shards[i - 1]);
    }
    for (int s = 0; s < 3; s++) /* a seed each */
        assert_true(fabs(load_s[s] / load_s[0] - 1) < 1e-6);
    case_list_clear(&list);
}

static void test_more_shards_than_points(void **state)
{
    (void)state;
    struct point points[NUM_POINTS];
    struct case_list list = make_points(points);
    int shards[NUM_POINTS];
    bool taken[100] = {false};
    struct error error;
    assert_int_equal(shards_assign(shards, points, NUM_POINTS, 100, &error), ERROR_NONE);
    for (size_t i = 0; i < NUM_POINTS; i += 2) {
        assert_in_range(shards[i], 0, 99);
        assert_false(taken[shards[i]]);
        taken[shards[i]] = true;
    }
    case_list_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_an_earlier_point_has_made_costs_nothing),
        cmocka_unit_test(test_an_estimate_learns_from_what_points_took),
        cmocka_unit_test(test_shards_are_equal_everywhere_and_about_as_large),
        cmocka_unit_test(test_more_shards_than_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
