/* What is left of a run: of points that are kept nothing, and of all that are done nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/tests/case_fixture.h"
#include "harness/run/time_left.h"

enum { NUM_POINTS = 6 };

struct desk {
    struct case_list list;
    struct point points[NUM_POINTS];
    struct selection selection;
    struct work_order order;
    const struct kept_record *kept[NUM_POINTS];
};

/* Three lengths, two sentinels of the same inputs. */
static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return -1;
    desk->list = parse("case: a\nseq_len: [9, 1000, 30000]\nnum_heads: 4\nhead_dim: 64\nsentinel: [-5e4, exclude]\n");
    assert_int_equal(case_num_points(desk->list.cases[0]), NUM_POINTS);
    for (size_t i = 0; i < NUM_POINTS; i++)
        case_point(desk->list.cases[0], i, &desk->points[i]);
    desk->selection = (struct selection){.points = desk->points, .count = NUM_POINTS};
    struct error error;
    assert_int_equal(work_order_make(&desk->order, &desk->selection, true, &error), ERROR_NONE);
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    work_order_clear(&desk->order);
    case_list_clear(&desk->list);
    free(desk);
    return 0;
}

static double seconds_at(const struct desk *desk, size_t index, bool alone)
{
    const struct work_units units =
        work_units(&desk->points[index], index > 0 && !alone ? &desk->points[index - 1] : NULL);
    return work_seconds(&units, desk->points[index].kernel);
}

static void assert_near(double a, double b)
{
    assert_true(a - b < 1e-9 && b - a < 1e-9);
}

static void test_before_anything_is_done_it_is_what_points_are_expected_to_take(void **state)
{
    struct desk *desk = *state;
    double sum_s = 0;
    for (size_t i = 0; i < NUM_POINTS; i++)
        sum_s += seconds_at(desk, i, false);
    struct time_left left = time_left_begin(&desk->order, desk->kept);
    assert_near(time_left_s(&left), sum_s);
}

/* A point that is kept takes no time, and makes no inputs for the one behind it. */
static void test_points_that_are_kept(void **state)
{
    struct desk *desk = *state;
    const struct kept_record kept = {.place = 2};
    double sum_s = 0;
    desk->kept[2] = &kept;
    for (size_t i = 0; i < NUM_POINTS; i++)
        sum_s += i == 2 ? 0 : seconds_at(desk, i, i == 3);
    assert_true(seconds_at(desk, 3, true) > seconds_at(desk, 3, false));
    struct time_left left = time_left_begin(&desk->order, desk->kept);
    assert_near(time_left_s(&left), sum_s);
}

static void test_when_all_is_done_nothing_is_left(void **state)
{
    struct desk *desk = *state;
    const struct seconds seconds = {.inputs = 0.5, .kernel = 3, .truth = 1};
    struct time_left left = time_left_begin(&desk->order, desk->kept);
    double before_s = time_left_s(&left);
    for (size_t i = 0; i < NUM_POINTS; i++) {
        assert_true(time_left_s(&left) > 0);
        time_left_learn(&left, i, &seconds);
    }
    assert_true(before_s > 0);
    assert_near(left.evaluated_s, 4.5 * NUM_POINTS);
    assert_near(time_left_s(&left), 0);
}

/* Two jobs: the clock goes half as fast as the steps. */
static void test_points_beside_each_other(void **state)
{
    struct desk *desk = *state;
    struct time_left left = time_left_begin(&desk->order, desk->kept);
    const struct seconds seconds = {.kernel = 1};
    time_left_learn(&left, 0, &seconds);
    double left_s = cost_predict(&left.seen, &left.left);
    left.start_s = seconds_now() - 0.5;
    double ratio = time_left_s(&left) / left_s;
    assert_true(ratio >= 0.5 && ratio < 0.75);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_before_anything_is_done_it_is_what_points_are_expected_to_take, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_points_that_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_when_all_is_done_nothing_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_points_beside_each_other, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
