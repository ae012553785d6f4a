/* In which order points are worked on: those of one large problem follow each other, all others stand as they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/case/tests/case_fixture.h"
#include "harness/run/work_order.h"

/* Two large problems, seeds 0 and 1, that two cases have, and a small one, which two have as well. */
static const char shared[] =
    "case: a\nseq_len: [33, 34]\nnum_heads: 2\nhead_dim: 64\n"
    "---\ncase: b\nseq_len: 50000\nnum_heads: 32\nhead_dim: 64\nseed: [0, 1]\nsentinel: [-inf, exclude]\n"
    "---\ncase: c\nseq_len: [34, 33]\nnum_heads: 2\nhead_dim: 64\n"
    "---\ncase: d\nseq_len: 50000\nnum_heads: 32\nhead_dim: 64\nseed: [2, 1, 0]\nbias: absolute\n";
enum { NUM_POINTS = 11 };

struct desk {
    struct case_list list;
    struct point points[NUM_POINTS];
    struct selection selection;
};

static struct desk *make_desk(void)
{
    struct desk *desk = calloc(1, sizeof *desk);
    assert_non_null(desk);
    desk->list = parse(shared);
    desk->selection.points = desk->points;
    for (size_t c = 0; c < desk->list.count; c++)
        for (size_t i = 0; i < case_num_points(desk->list.cases[c]); i++)
            case_point(desk->list.cases[c], i, &desk->points[desk->selection.count++]);
    assert_int_equal(desk->selection.count, NUM_POINTS);
    return desk;
}

static void assert_order(bool as_they_stand, const size_t expected[NUM_POINTS], size_t num_groups)
{
    struct desk *desk = make_desk();
    struct work_order order;
    struct error error;
    size_t groups = 0;
    assert_int_equal(work_order_make(&order, &desk->selection, as_they_stand, &error), ERROR_NONE);
    assert_int_equal(order.count, NUM_POINTS);
    for (size_t i = 0; i < NUM_POINTS; i++)
        assert_int_equal(order.indices[i], expected[i]);
    for (size_t first = 0; first < order.count; first = work_order_group_end(&order, first))
        groups++;
    assert_int_equal(groups, num_groups);
    work_order_clear(&order);
    case_list_clear(&desk->list);
    free(desk);
}

static void test_large_problems_are_worked_on_once(void **state)
{
    (void)state;
    assert_order(false, (const size_t[]){0, 1, 2, 3, 10, 4, 5, 9, 6, 7, 8}, 7);
}

static void test_as_they_stand(void **state)
{
    (void)state;
    assert_order(true, (const size_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 9);
}

/* What a point asks behind one that makes its inputs, and without it. */
static void test_units(void **state)
{
    struct desk *desk = make_desk();
    struct work_order order;
    struct error error;
    (void)state;
    assert_int_equal(work_order_make(&order, &desk->selection, false, &error), ERROR_NONE);
    assert_true(work_order_units(&order, 4, true).units[STEP_INPUTS] == 0);
    assert_true(work_order_units(&order, 4, false).units[STEP_INPUTS] > 0);
    assert_true(work_order_units(&order, 5, true).units[STEP_INPUTS] > 0);
    assert_true(work_order_units(&order, 0, true).units[STEP_INPUTS] > 0);
    work_order_clear(&order);
    case_list_clear(&desk->list);
    free(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_problems_are_worked_on_once),
        cmocka_unit_test(test_as_they_stand),
        cmocka_unit_test(test_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
