/* What ends a walk, and what is said of that and of a device that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/case/tests/case_fixture.h"
#include "harness/report/file/kept.h"
#include "harness/run/walk.h"
#include "harness/run/walking.h"
#include "kernels/tests/apart_device.h"

enum { POINTS = 2 };

/* A walk of two points of which a file has records, and the first one failed. */
struct desk {
    struct case_list list;
    struct point points[POINTS];
    size_t places[POINTS];
    struct selection selection;
    struct work_order order;
    struct kept_record records[POINTS];
    const struct kept_record *kept[POINTS];
    struct selection_options asked;
    struct progress progress;
    struct summary summary;
    struct walk walk;
    struct walking walking;
    struct error error;
};

static void make_desk(struct desk *desk)
{
    *desk = (struct desk){.list = parse("case: a\nseq_len: [5, 6]\nnum_heads: 2\nhead_dim: 64\n"),
                          .records = {{.status = STATUS_FAIL}, {.status = STATUS_PASS}},
                          .summary = {.points_total = POINTS}};
    desk->selection = (struct selection){.points = desk->points, .places = desk->places, .count = POINTS};
    for (size_t i = 0; i < POINTS; i++) {
        case_point(desk->list.cases[0], i, &desk->points[i]);
        desk->places[i] = i;
        desk->kept[i] = &desk->records[i];
    }
    assert_int_equal(work_order_make(&desk->order, &desk->selection, true, &desk->error), ERROR_NONE);
    desk->walk = (struct walk){.selection = &desk->selection,
                               .order = &desk->order,
                               .asked = &desk->asked,
                               .kept = desk->kept,
                               .progress = &desk->progress,
                               .summary = &desk->summary};
    desk->walking = (struct walking){.walk = &desk->walk, .error = &desk->error};
}

static void clear_desk(struct desk *desk)
{
    work_order_clear(&desk->order);
    case_list_clear(&desk->list);
}

static void test_the_first_failure_is_told(void **state)
{
    struct desk desk;
    struct error first, second;
    (void)state;
    make_desk(&desk);
    error_set(&first, ERROR_SYSTEM, "the disk is full");
    error_set(&second, ERROR_INTERRUPTED, "interrupted");
    walking_fail(&desk.walking, ERROR_NONE, &second);
    assert_false(walking_is_to_end(&desk.walking));
    walking_fail(&desk.walking, ERROR_SYSTEM, &first);
    walking_fail(&desk.walking, ERROR_INTERRUPTED, &second);
    assert_int_equal(desk.walking.kind, ERROR_SYSTEM);
    assert_string_equal(desk.error.text, first.text);
    assert_true(walking_is_to_end(&desk.walking));
    clear_desk(&desk);
}

/* A run that the first failure has stopped is not one that the time limit has: nothing is an error. */
static void test_a_limit_that_comes_later_changes_nothing(void **state)
{
    struct desk desk;
    (void)state;
    make_desk(&desk);
    desk.walk.fail_fast = true;
    walking_keep_point(&desk.walking, 0);
    assert_string_equal(desk.summary.cut_short, "stopped at the first failure");
    desk.walk.time_limit_s = 1e-9;
    assert_true(walking_is_to_end(&desk.walking));
    assert_string_equal(desk.summary.cut_short, "stopped at the first failure");
    assert_int_equal(desk.walking.kind, ERROR_NONE);
    clear_desk(&desk);
}

/* Nor does a failure that comes behind the time limit, in a point that had begun. */
static void test_a_failure_behind_the_limit_changes_nothing(void **state)
{
    struct desk desk;
    (void)state;
    make_desk(&desk);
    desk.walk.fail_fast = true;
    desk.walk.time_limit_s = 1e-9;
    assert_true(walking_is_to_end(&desk.walking));
    assert_string_equal(desk.summary.cut_short, "time limit");
    walking_keep_point(&desk.walking, 0);
    assert_string_equal(desk.summary.cut_short, "time limit");
    assert_int_equal(desk.walking.kind, ERROR_INTERRUPTED);
    assert_int_equal(desk.summary.by_status[STATUS_FAIL], 1);
    clear_desk(&desk);
}

/* ---- walks ------------------------------------------------------------------------------------------------------- */

static int records;

static enum error_kind count_record(struct sink *sink, const struct record *record, struct error *error)
{
    (void)sink, (void)record, (void)error;
    records++;
    return ERROR_NONE;
}

static int (*end_of_crash)(void *context, const char *signal);
static void *crashed_walk;

static enum error_kind keep_end(int (*end)(void *context, const char *signal), void *context, struct error *error)
{
    (void)error;
    end_of_crash = end;
    crashed_walk = context;
    return ERROR_NONE;
}

static int say_crash(void *context, enum error_kind kind, const struct error *error)
{
    (void)context;
    return kind == ERROR_SYSTEM && records == POINTS &&
                   !strcmp(error->text, "a kernel crashed (SIGSEGV) while 2 points were worked on")
               ? 0
               : 1;
}

static void no_watch(void)
{
}

/* The points of a case, of which no file has records. */
static enum error_kind walk_case(struct desk *desk, const char *text, struct device *device, FILE *notes)
{
    static const struct sink_kind counting = {.record = count_record};
    *desk = (struct desk){
        .list = parse(text), .summary = {.points_total = POINTS}, .asked = {.threads = 1, .notes = notes}};
    const struct sink_plan plan = {.points = desk->points, .num_points = POINTS};
    struct sink sink = {.kind = &counting, .plan = &plan};
    desk->selection = (struct selection){.points = desk->points, .places = desk->places, .count = POINTS};
    assert_int_equal(case_num_points(desk->list.cases[0]), POINTS);
    for (size_t i = 0; i < POINTS; i++)
        case_point(desk->list.cases[0], i, &desk->points[i]);
    assert_int_equal(work_order_make(&desk->order, &desk->selection, true, &desk->error), ERROR_NONE);
    desk->walk = (struct walk){.selection = &desk->selection,
                               .order = &desk->order,
                               .asked = &desk->asked,
                               .kept = desk->kept,
                               .device = device,
                               .beside = {.jobs = 1},
                               .threads = 1,
                               .progress = &desk->progress,
                               .sinks = &sink,
                               .num_sinks = 1,
                               .summary = &desk->summary,
                               .watch_begin = keep_end,
                               .watch_end = no_watch,
                               .crashed = say_crash};
    records = 0;
    enum error_kind kind = walk_points(&desk->walk, &desk->error);
    clear_desk(desk);
    return kind;
}

/* Of one problem that is worked on in parts. */
static const char large[] = "case: a\nseq_len: 2000000\nnum_heads: 8\nhead_dim: 64\noracles: none\n"
                            "sentinel: [-5e4, exclude]\n";
static struct progress *interrupted;

/* In the place of a device's room, which is asked for once points have begun. */
static enum error_kind interrupt(void *state, size_t *size_bytes, struct error *error)
{
    interrupted->cancelled = true;
    return apart_room(state, size_bytes, error);
}

/* None of them has been judged. */
static void test_points_that_are_interrupted_have_no_record(void **state)
{
    struct desk desk;
    struct device *device;
    (void)state;
    interrupted = &desk.progress;
    assert_int_equal(apart_device_open(&device, 1, &desk.error), ERROR_NONE);
    apart.ops.room = interrupt;
    assert_int_equal(walk_case(&desk, large, device, NULL), ERROR_INTERRUPTED);
    assert_true(records == 0 && desk.summary.points_done == 0);
    device_close(device);
}

static enum error_kind crash(void *state, size_t *size_bytes, struct error *error)
{
    (void)state, (void)size_bytes, (void)error;
    _exit(end_of_crash(crashed_walk, "SIGSEGV"));
}

/* Which of the points that are worked on together has crashed nobody knows. */
static void test_a_crash_among_several_points_is_of_no_kernel(void **state)
{
    struct desk desk;
    struct device *device;
    int status;
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        if (apart_device_open(&device, 1, &desk.error))
            _exit(2);
        apart.ops.room = crash;
        walk_case(&desk, large, device, NULL);
        _exit(3);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* That a device makes other keys than it should is said once; each point has its result all the same. */
static void test_a_device_that_fails_is_told_once(void **state)
{
    static const char two[] = "case: a\nseq_len: 301\nnum_heads: 6\nhead_dim: 64\noracles: none\nseed: [1, 2]\n";
    struct desk desk;
    struct device *device;
    char *text;
    size_t size;
    FILE *notes = open_memstream(&text, &size);
    (void)state;
    assert_non_null(notes);
    assert_int_equal(apart_device_open(&device, 1, &desk.error), ERROR_NONE);
    apart.ops.make_elements = apart_make_badly;
    assert_int_equal(walk_case(&desk, two, device, notes), ERROR_NONE);
    assert_int_equal(fclose(notes), 0);
    assert_true(records == POINTS && desk.summary.by_status[STATUS_PASS] == POINTS);
    const char *said = strstr(text, "was launched on keys of the host's, after ");
    assert_non_null(said);
    assert_null(strstr(said + 1, "was launched"));
    free(text);
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_failure_is_told),
        cmocka_unit_test(test_a_limit_that_comes_later_changes_nothing),
        cmocka_unit_test(test_a_failure_behind_the_limit_changes_nothing),
        cmocka_unit_test(test_points_that_are_interrupted_have_no_record),
        cmocka_unit_test(test_a_crash_among_several_points_is_of_no_kernel),
        cmocka_unit_test(test_a_device_that_fails_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
