/* Situations that case files describe, followed to the numbers: a logit at a sentinel, beside it, far from it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/tests/case_fixture.h"
#include "harness/problem/generate.h"

enum { KEYS = 33, HEADS = 8, DIM = 64 };

/* scale * q.k of a key, exact in double for these inputs. */
static double logit_of(const struct problem *problem, int head, int key)
{
    const float *q = problem->q, *k = problem->k;
    double dot = 0;
    for (int d = 0; d < DIM; d++)
        dot += (double)q[head * DIM + d] *
               (double)k[problem_row(problem, key, problem_kv_head(problem, head)) + (size_t)d];
    return (double)problem->scale * dot;
}

/* A sweep over the gap between a valid logit and a sentinel: at it, one ulp and 1000 above and below. The only visible
 * key is the newest, at the distance 0, so its logit is the row's and is exactly the number in the case file. */
static void test_a_logit_stands_exactly_where_the_case_puts_it(void **state)
{
    (void)state;
    const float sentinel = -10000, above = nextafterf(sentinel, 0), below = nextafterf(sentinel, -INFINITY);
    const double expected[] = {(double)sentinel, (double)above, (double)below, -9000, -11000};
    char text[1024];
    snprintf(text, sizeof text,
             HEAD "dtype: f32\nscale: 1\nmask: {window: 1}\ninput:\n"
                  "  - {distribution: logit_floor, value: -10000, spread: 0}\n"
                  "  - {distribution: logit_floor, value: %.9g, spread: 0}\n"
                  "  - {distribution: logit_floor, value: %.9g, spread: 0}\n"
                  "  - {distribution: logit_floor, value: -9000, spread: 0}\n"
                  "  - {distribution: logit_floor, value: -11000, spread: 0}\n",
             (double)above, (double)below);
    struct case_list list = parse(text);
    assert_int_equal(case_num_points(list.cases[0]), COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        struct point point;
        struct inputs inputs = {0};
        struct error error;
        case_point(list.cases[0], i, &point);
        assert_int_equal(inputs_generate(&inputs, &point.problem, whole_problem(&point.problem), 1, NULL, &error), 0);
        for (int key = 0; key < KEYS; key++)
            assert_int_equal(problem_visible(&inputs.problem, key), key == KEYS - 1);
        assert_int_equal(problem_distance(&inputs.problem, KEYS - 1), 0);
        for (int head = 0; head < HEADS; head++)
            assert_true(logit_of(&inputs.problem, head, KEYS - 1) == expected[i]);
        inputs_clear(&inputs);
    }
    case_list_clear(&list);
}

/* A chunk whose keys stand where they stand in the whole cache: its newest key is the query's, or it is far away. */
static void test_a_chunk_keeps_its_positions(void **state)
{
    (void)state;
    struct case_list list = parse(HEAD "kv_offset: [0, 1000]\nq_position: [1032, 5000]\n");
    static const int64_t newest[] = {-1000, -4968, 0, -3968};
    assert_int_equal(case_num_points(list.cases[0]), COUNT(newest));
    for (size_t i = 0; i < COUNT(newest); i++) {
        struct point point;
        struct inputs inputs = {0};
        struct error error;
        case_point(list.cases[0], i, &point);
        assert_int_equal(inputs_generate(&inputs, &point.problem, whole_problem(&point.problem), 1, NULL, &error), 0);
        assert_int_equal(problem_distance(&inputs.problem, KEYS - 1), newest[i]);
        assert_int_equal(problem_distance(&inputs.problem, 0), newest[i] - (KEYS - 1));
        inputs_clear(&inputs);
    }
    case_list_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_logit_stands_exactly_where_the_case_puts_it),
        cmocka_unit_test(test_a_chunk_keeps_its_positions),
    };
    return cmocka_run_group_tests_name("situations", tests, NULL, NULL) ? 1 : 0;
}
