/* The other sequences of a launch: they are those of the batch, and are made once as long as they are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/tests/case_fixture.h"
#include "harness/evaluate/companions.h"

enum { LENGTHS = 3 };

static const char three[] = "case: a\nseq_len: [97, 1, 300]\nnum_heads: 4\nnum_kv_heads: 2\nhead_dim: 64\n"
                            "batch: together\ndtype: [f16, f32]\noracles: none\n";

/* Makes those of the case's point of a sequence and a dtype, which is its innermost axis. */
static void make(struct companions *companions, const struct case_list *list, int which, int sequence, int dtype)
{
    struct point point;
    struct error error;
    case_point(list->cases[which], (size_t)(2 * sequence + dtype), &point);
    assert_int_equal(point.problem.sequence, sequence);
    assert_int_equal(point.problem.dtype, dtype ? DTYPE_F32 : DTYPE_F16);
    if (companions_make(companions, &point, 2, NULL, &error))
        fail_msg("%s", error.text);
    assert_int_equal(companions->count, LENGTHS);
}

/* Whether a companion is what its sequence is by itself. */
static bool is_itself(const struct companions *companions, const struct case_list *list, int which, int i, int dtype)
{
    struct point point;
    struct inputs inputs = {.k = NULL};
    struct error error;
    case_point(list->cases[which], (size_t)(2 * i + dtype), &point);
    if (inputs_generate(&inputs, &point.problem, whole_problem(&point.problem), 1, NULL, &error))
        fail_msg("%s", error.text);
    const struct problem *made = &companions->problems[i];
    const size_t bytes =
        (size_t)inputs.problem.seq_len * problem_row(&inputs.problem, 1, 0) * dtypes[inputs.problem.dtype].size_bytes;
    const bool same = made->seq_len == inputs.problem.seq_len && made->dtype == inputs.problem.dtype &&
                      !memcmp(made->k, inputs.problem.k, bytes) && !memcmp(made->v, inputs.problem.v, bytes);
    inputs_clear(&inputs);
    return same;
}

static void assert_themselves(const struct companions *companions, const struct case_list *list, int which, int point,
                              int dtype)
{
    for (int i = 0; i < LENGTHS; i++)
        assert_true(i == point || is_itself(companions, list, which, i, dtype));
}

static int num_batches(const struct companions *companions)
{
    int count = 0;
    for (const struct batch_inputs *batch = companions->newest; batch; batch = batch->older)
        count++;
    return count;
}

/* Also with points of the other dtype between, as a case has them. */
static void test_inputs_of_a_batch_are_made_once(void **state)
{
    (void)state;
    struct case_list list = parse(three);
    struct companions companions = {.count = 0};
    const void *newest_keys[2];
    for (int sequence = 0; sequence < LENGTHS; sequence++)
        for (int dtype = 0; dtype < 2; dtype++) {
            make(&companions, &list, 0, sequence, dtype);
            assert_themselves(&companions, &list, 0, sequence, dtype);
            if (sequence == 0)
                newest_keys[dtype] = companions.problems[2].k;
            else if (sequence == 1)
                assert_ptr_equal(companions.problems[2].k, newest_keys[dtype]);
        }
    assert_int_equal(num_batches(&companions), 2);
    companions_clear(&companions);
    assert_null(companions.newest);
    case_list_clear(&list);
}

/* The point's own is the caller's: none of it is made here. What could not be made is made when it is asked for again.
 */
static void test_inputs_that_were_interrupted_are_made_again(void **state)
{
    (void)state;
    struct case_list list = parse(three);
    struct companions companions = {.count = 0};
    struct progress progress = {.cancelled = true};
    struct point point;
    struct error error;
    case_point(list.cases[0], 2, &point);
    assert_int_equal(companions_make(&companions, &point, 1, &progress, &error), ERROR_INTERRUPTED);
    make(&companions, &list, 0, 2, 0);
    assert_themselves(&companions, &list, 0, 2, 0);
    assert_null(companions.problems[2].k);
    assert_null(companions.newest->inputs[2].k);
    companions_clear(&companions);
    case_list_clear(&list);
}

static void test_another_batch_has_inputs_of_its_own(void **state)
{
    (void)state;
    struct case_list list = parse("case: a\nseq_len: [97, 1, 300]\nnum_heads: 4\nnum_kv_heads: 2\nhead_dim: 64\n"
                                  "batch: together\nseed: [1, 2]\noracles: none\n");
    struct companions companions = {.count = 0};
    const void *keys = NULL;
    for (size_t i = 0; i < case_num_points(list.cases[0]); i++) {
        struct point point;
        struct error error;
        case_point(list.cases[0], i, &point);
        if (point.problem.sequence != 0)
            continue;
        if (companions_make(&companions, &point, 1, NULL, &error))
            fail_msg("%s", error.text);
        assert_ptr_not_equal(companions.problems[2].k, keys);
        keys = companions.problems[2].k;
    }
    assert_int_equal(num_batches(&companions), 2);
    companions_clear(&companions);
    case_list_clear(&list);
}

static void test_what_is_kept_is_bounded(void **state)
{
    (void)state;
    struct case_list list = parse(three);
    struct companions companions = {.most_bytes = 1};
    for (int point = 0; point < 2 * LENGTHS; point++) {
        make(&companions, &list, 0, point / 2, point % 2);
        assert_int_equal(num_batches(&companions), 1);
        assert_themselves(&companions, &list, 0, point / 2, point % 2);
    }
    companions_clear(&companions);
    companions.most_bytes = 1 << 20;
    make(&companions, &list, 0, 0, 0);
    make(&companions, &list, 0, 0, 1);
    assert_int_equal(num_batches(&companions), 2);
    companions_clear(&companions);
    case_list_clear(&list);
}

static void test_another_case_leaves_nothing_of_one(void **state)
{
    (void)state;
    char text[2 * sizeof three + 8];
    snprintf(text, sizeof text, "%s---\n%s", three, three);
    strstr(text, "---\ncase: a")[10] = 'b';
    struct case_list list = parse(text);
    struct companions companions = {.count = 0};
    struct point point;
    make(&companions, &list, 0, 1, 0);
    make(&companions, &list, 1, 1, 0);
    assert_themselves(&companions, &list, 1, 1, 0);
    assert_int_equal(num_batches(&companions), 1);
    case_point(list.cases[0], 0, &point);
    companions_leave(&companions, &point);
    assert_null(companions.newest);
    assert_int_equal(companions.count, 0);
    companions_clear(&companions);
    case_list_clear(&list);
}

/* Behind an out of 10 bytes, too. */
static void test_each_lse_is_aligned(void **state)
{
    (void)state;
    struct case_list list = parse("case: a\nseq_len: [97, 1, 300]\nnum_heads: 1\nhead_dim: 5\nbatch: together\n"
                                  "dtype: [f16, f32]\noracles: none\n");
    struct companions companions = {.count = 0};
    make(&companions, &list, 0, 0, 0);
    for (int i = 0; i < LENGTHS; i++)
        assert_int_equal((uintptr_t)companions.outputs[i].lse % sizeof(float), 0);
    companions_clear(&companions);
    case_list_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inputs_of_a_batch_are_made_once),
        cmocka_unit_test(test_inputs_that_were_interrupted_are_made_again),
        cmocka_unit_test(test_another_batch_has_inputs_of_its_own),
        cmocka_unit_test(test_what_is_kept_is_bounded),
        cmocka_unit_test(test_another_case_leaves_nothing_of_one),
        cmocka_unit_test(test_each_lse_is_aligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
