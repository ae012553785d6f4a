/* What is told of launches from one to the next, and above all what is not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h wants these before it */
#include <cmocka.h>

#include "harness/subject/launch_watch.h"

enum { KEYS = 5, KV_HEADS = 2, DIM = 16, ROWS = KEYS * KV_HEADS };

/* A launch: v's rows are told apart by a number each, and out's elements count from one. */
struct fixture {
    float v[ROWS][DIM], out[KV_HEADS][DIM];
    struct problem problem;
    struct output output;
    struct sequences sequences;
};

static void make(struct fixture *fixture, int first_row, float first_out)
{
    for (int row = 0; row < ROWS; row++)
        for (int d = 0; d < DIM; d++)
            fixture->v[row][d] = (float)(first_row + row);
    for (int i = 0; i < KV_HEADS * DIM; i++)
        fixture->out[i / DIM][i % DIM] = first_out + (float)i;
    fixture->problem = (struct problem){.seq_len = KEYS,
                                        .num_heads = KV_HEADS,
                                        .num_kv_heads = KV_HEADS,
                                        .head_dim = DIM,
                                        .dtype = DTYPE_F32,
                                        .v = fixture->v};
    fixture->output = (struct output){.out = fixture->out};
    fixture->sequences = (struct sequences){.problems = &fixture->problem, .outputs = &fixture->output, .count = 1};
}

static void take(struct launch_watch *watch, int first_row, float first_out)
{
    static const struct memory_audit nothing = {.changed = ""};
    struct fixture fixture;
    make(&fixture, first_row, first_out);
    launch_watch_take(watch, &fixture.sequences, ERROR_NONE, &nothing);
}

static void test_an_output_given_again_is_told(void **state)
{
    struct launch_watch watch = {.num_launches = 0};
    (void)state;
    take(&watch, 0, 1);
    uint64_t first = watch.last;
    assert_true(first != 0 && watch.repeats == 0);
    take(&watch, 100, 2);
    assert_true(watch.repeats == 0 && watch.last != first);
    take(&watch, 200, 1);
    assert_true(watch.repeats == first);
    /* It was the answer of another launch only if it was right there. */
    assert_false(launch_watch_is_right(&watch, first));
    launch_watch_approve(&watch, first);
    assert_true(launch_watch_is_right(&watch, first));
    take(&watch, 0, 1); /* which is the first one again */
    assert_true(watch.repeats == 0 && watch.last == first);
    launch_watch_clear(&watch);
}

/* A row of v that both have, wherever it is, may be all that a kernel has read. */
static void test_launches_with_a_row_in_common_are_not_compared(void **state)
{
    (void)state;
    static const int first_rows[] = {0, 1, ROWS - 1, -(ROWS - 1)};
    for (size_t i = 0; i < sizeof first_rows / sizeof first_rows[0]; i++) {
        struct launch_watch watch = {.num_launches = 0};
        take(&watch, 0, 1);
        take(&watch, first_rows[i], 1);
        assert_true(watch.repeats == 0);
        launch_watch_clear(&watch);
    }
    struct launch_watch watch = {.num_launches = 0};
    take(&watch, 0, 1);
    take(&watch, ROWS, 1);
    assert_true(watch.repeats != 0);
    launch_watch_clear(&watch);
}

static void test_what_tells_nothing_is_not_remembered(void **state)
{
    (void)state;
    static const struct memory_audit nothing = {.changed = ""};
    enum { FEW_NUMBERS, NAN_ALONE, NO_KEYS, TWO_SEQUENCES, FAILED_BETWEEN, CASES };
    for (int what = 0; what < CASES; what++) {
        struct launch_watch watch = {.num_launches = 0};
        for (int launch = 0; launch < 2; launch++) {
            struct fixture fixture;
            make(&fixture, launch * 100, 1);
            for (int i = 0; i < KV_HEADS * DIM && what <= NAN_ALONE; i++)
                fixture.out[i / DIM][i % DIM] = what == FEW_NUMBERS ? (float)(i % WATCH_NUMBERS) : NAN;
            const struct problem problems[2] = {fixture.problem, fixture.problem};
            const struct output outputs[2] = {fixture.output, fixture.output};
            if (what == NO_KEYS)
                fixture.problem.seq_len = 0;
            if (what == TWO_SEQUENCES)
                fixture.sequences = (struct sequences){.problems = problems, .outputs = outputs, .count = 2};
            launch_watch_take(&watch, &fixture.sequences, ERROR_NONE, &nothing);
            if (what == FAILED_BETWEEN && launch == 0)
                launch_watch_take(&watch, &fixture.sequences, ERROR_SUBJECT, &nothing);
        }
        assert_true(watch.repeats == 0);
        launch_watch_clear(&watch);
    }
}

/* What was right stays longest; other outputs come and go. */
static void test_memory_is_bounded(void **state)
{
    struct launch_watch watch = {.num_launches = 0};
    (void)state;
    take(&watch, 0, 1);
    const uint64_t right = watch.last;
    launch_watch_approve(&watch, right);
    take(&watch, 100, 1000);
    for (int i = 0; i < 3 * WATCH_LAUNCHES; i++)
        take(&watch, 1000 + i * ROWS, 2000 + (float)i * 100);
    take(&watch, 500, 1);
    assert_true(watch.repeats == right);
    take(&watch, 600, 1000);
    assert_true(watch.repeats == 0);
    launch_watch_clear(&watch);
}

static void test_a_stray_read_is_kept_and_told_after_a_write(void **state)
{
    struct launch_watch watch = {.num_launches = 0};
    struct fixture fixture;
    char text[200];
    (void)state;
    make(&fixture, 0, 1);
    assert_false(memory_audit_say(text, sizeof text, &watch.audit));
    launch_watch_take(&watch, &fixture.sequences, ERROR_NONE, &(struct memory_audit){.read = {"v", 70, 64}});
    launch_watch_take(&watch, &fixture.sequences, ERROR_NONE, &(struct memory_audit){.read = {"k", 1, 0}});
    assert_true(memory_audit_say(text, sizeof text, &watch.audit));
    assert_string_equal(text, "read at byte 70 of v, which has 64");
    launch_watch_take(&watch, &fixture.sequences, ERROR_NONE, &(struct memory_audit){.written = {"k", -7, 3}});
    assert_true(memory_audit_say(text, sizeof text, &watch.audit));
    assert_string_equal(text, "written to at byte -7 of k, which has 3");
    launch_watch_clear(&watch);
}

static void test_the_first_stray_write_is_kept(void **state)
{
    struct launch_watch watch = {.num_launches = 0};
    struct fixture fixture;
    (void)state;
    make(&fixture, 0, 1);
    launch_watch_take(&watch, &fixture.sequences, ERROR_NONE, &(struct memory_audit){.written = {"k", 7, 3}});
    launch_watch_take(&watch, &fixture.sequences, ERROR_NONE,
                      &(struct memory_audit){.written = {"lse", 0, 0}, .changed = "v"});
    assert_string_equal(watch.audit.written.name, "k");
    assert_int_equal(watch.audit.written.offset_bytes, 7);
    assert_string_equal(watch.audit.changed, "v");
    launch_watch_clear(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_output_given_again_is_told),
        cmocka_unit_test(test_launches_with_a_row_in_common_are_not_compared),
        cmocka_unit_test(test_what_tells_nothing_is_not_remembered),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_the_first_stray_write_is_kept),
        cmocka_unit_test(test_a_stray_read_is_kept_and_told_after_a_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
