/* Which points run beside others where nobody says, and that those which run alone do. */
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "harness/case/tests/case_fixture.h"
#include "harness/evaluate/evaluate.h"
#include "harness/run/walk.h"
#include "kernels/device/device.h"

/* Threads that the system still starts; below 0: as many as it does. */
static int threads_left = -1;

/* In the place of the C library's. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *), void *context)
{
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (threads_left == 0)
        return EAGAIN;
    threads_left -= threads_left > 0;
    *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    return create(thread, attributes, work, context);
}

enum { MAX_POINTS = 64 };
static const double PLENTY = 1e12;

struct desk {
    struct case_list list;
    struct point points[MAX_POINTS];
    struct selection selection;
    struct work_order order; /* as they stand */
};

static struct desk make_desk(const char *text)
{
    static struct desk desk;
    desk.list = parse(text);
    desk.selection = (struct selection){.points = desk.points};
    for (size_t c = 0; c < desk.list.count; c++)
        for (size_t i = 0; i < case_num_points(desk.list.cases[c]); i++)
            case_point(desk.list.cases[c], i, &desk.points[desk.selection.count++]);
    assert_true(desk.selection.count <= MAX_POINTS);
    struct error error;
    assert_int_equal(work_order_make(&desk.order, &desk.selection, true, &error), ERROR_NONE);
    return desk;
}

static void clear_desk(struct desk *desk)
{
    work_order_clear(&desk->order);
    case_list_clear(&desk->list);
}

static const char many_and_one[] =
    "case: a\nseq_len: [100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115]\n"
    "num_heads: 2\nhead_dim: 64\nsentinel: [-5e4, exclude]\noracles: none\n"
    "---\ncase: b\nseq_len: 9000\nnum_heads: 8\nhead_dim: 64\noracles: none\n"
    "---\ncase: c\nseq_len: [96, 97]\nnum_heads: 2\nhead_dim: 64\noracles: none\n";
enum { SMALL = 32, LARGE_AT = SMALL, ALL = SMALL + 3 };

/* Points of one problem are one group, whatever else they differ in. */
static void test_groups(void **state)
{
    (void)state;
    struct desk desk = make_desk(many_and_one);
    assert_int_equal(desk.selection.count, ALL);
    assert_int_equal(work_order_group_end(&desk.order, 0), 2);
    assert_int_equal(work_order_group_end(&desk.order, LARGE_AT), LARGE_AT + 1);
    assert_int_equal(work_order_group_end(&desk.order, ALL - 1), ALL);
    double two = side_by_side_seconds(&desk.order, 0, 2);
    double each = side_by_side_seconds(&desk.order, 0, 1);
    assert_true(two > each && two < 2 * each); /* their inputs are made once */
    clear_desk(&desk);
}

/* As many as there are threads, while memory and groups last; the large one runs alone. */
static void test_small_points_run_side_by_side(void **state)
{
    (void)state;
    struct desk desk = make_desk(many_and_one);
    for (int threads = 2; threads <= 3; threads++) {
        struct side_by_side beside = side_by_side_choose(&desk.order, threads, PLENTY);
        assert_int_equal(beside.jobs, threads);
        assert_true(side_by_side_seconds(&desk.order, 0, 2) <= beside.most_s);
        assert_true(side_by_side_seconds(&desk.order, LARGE_AT, LARGE_AT + 1) > beside.most_s);
    }
    assert_int_equal(side_by_side_choose(&desk.order, 1, PLENTY).jobs, 1);
    assert_int_equal(side_by_side_choose(&desk.order, 2, 1).jobs, 1);
    clear_desk(&desk);
}

/* Where each takes a large part of the whole, all threads work on one after the other, as where it takes long. */
static void test_few_points_run_one_by_one(void **state)
{
    (void)state;
    struct desk desk = make_desk("case: a\nseq_len: [1000, 1001, 1002]\nnum_heads: 4\nhead_dim: 64\n");
    struct side_by_side beside = side_by_side_choose(&desk.order, 2, PLENTY);
    assert_true(beside.jobs == 1 && beside.most_s == INFINITY);
    clear_desk(&desk);
    desk =
        make_desk("case: a\nseq_len: 1000000\nnum_heads: 32\nhead_dim: 128\nseed: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n");
    assert_int_equal(side_by_side_choose(&desk.order, 2, PLENTY).jobs, 1);
    clear_desk(&desk);
    desk = make_desk("case: a\nseq_len: 100000\nnum_heads: 32\nnum_kv_heads: 32\nhead_dim: 128\nkernel: single_pass\n"
                     "oracles: none\nseed: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n");
    struct side_by_side lavish = {.jobs = 2, .most_s = INFINITY, .most_point_s = INFINITY, .most_bytes = 1e9};
    struct side_by_side patient = {.jobs = 2, .most_s = INFINITY, .most_point_s = 0.1, .most_bytes = INFINITY};
    assert_true(side_by_side_is_alone(&lavish, &desk.order, 0, 1)); /* 1.6 GB of k and v */
    assert_true(side_by_side_is_alone(&patient, &desk.order, 0, 1));
    assert_int_equal(side_by_side_choose(&desk.order, 2, PLENTY).jobs, 1);
    clear_desk(&desk);
}

/* Whichever of the points, or of a group's, takes the most counts: it may be the first of them or the last. */
static void test_the_largest_counts_wherever_it_stands(void **state)
{
    static const char *const of_kernels[] = {
        "case: a\nseq_len: 20000\nnum_heads: 2\nhead_dim: 64\nkernel: [two_pass, single_pass]\n",
        "case: a\nseq_len: 20000\nnum_heads: 2\nhead_dim: 64\nkernel: [single_pass, two_pass]\n"};
    static const char *const lengths[] = {
        "case: a\nseq_len: [600, 401..430]\nnum_heads: 2\nhead_dim: 64\noracles: none\n",
        "case: a\nseq_len: [401..430, 600]\nnum_heads: 2\nhead_dim: 64\noracles: none\n"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct desk desk = make_desk(of_kernels[i]);
        double first_s = side_by_side_seconds(&desk.order, 0, 1), both_s = side_by_side_seconds(&desk.order, 0, 2);
        double first_bytes = evaluate_bytes(&desk.points[0], 1), second_bytes = evaluate_bytes(&desk.points[1], 1);
        struct side_by_side some = {.jobs = 2, .most_s = INFINITY, .most_point_s = INFINITY, .most_bytes = INFINITY};
        assert_int_equal(work_order_group_end(&desk.order, 0), 2);
        assert_true(first_bytes != second_bytes && 2 * first_s > both_s);
        assert_false(side_by_side_is_alone(&some, &desk.order, 0, 2));
        some.most_bytes = (first_bytes + second_bytes) / 2;
        assert_true(side_by_side_is_alone(&some, &desk.order, 0, 2));
        some.most_bytes = INFINITY;
        some.most_point_s = both_s / 2; /* the inputs are the first one's */
        assert_true(side_by_side_is_alone(&some, &desk.order, 0, 2));
        clear_desk(&desk);
        desk = make_desk(lengths[i]);
        double most = evaluate_bytes(&desk.points[i ? desk.selection.count - 1 : 0], 1);
        assert_int_equal(side_by_side_choose(&desk.order, 2, 4.1 * most).jobs, 2);
        assert_int_equal(side_by_side_choose(&desk.order, 2, 3.9 * most).jobs, 1);
        clear_desk(&desk);
    }
}

/* What is asked for is done, with no more jobs than points. */
static void test_jobs_that_are_given(void **state)
{
    (void)state;
    struct desk desk = make_desk("case: a\nseq_len: [10, 11, 12]\nnum_heads: 4\nhead_dim: 64\n");
    for (int jobs = 1; jobs <= 4; jobs++) {
        struct side_by_side beside = side_by_side_given(desk.selection.count, jobs);
        assert_true(beside.jobs == (jobs < 3 ? jobs : 3) && beside.most_s == INFINITY);
    }
    assert_int_equal(side_by_side_given(0, 2).jobs, 1);
    clear_desk(&desk);
}

/* ---- a walk ------------------------------------------------------------------------------------------------------ */

/* Points of about the same size, of which one is taken for large: who begins beside it ends while it is launched, on
 * the walk's own device. */
static const char alike[] =
    "case: a\nseq_len: [2000, 2001, 2002, 2003, 2004, 2100, 2005, 2006, 2007]\nnum_heads: 8\nhead_dim: 64\n"
    "oracles: none\n";
enum { ALIKE = 9, LARGEST_AT = 5 };

static atomic_bool in_launch;
static atomic_int launches, beside_it, records;
static atomic_long launch_ns; /* that it takes: others have time to come beside it, on a machine that is busy, too */

static enum error_kind launch_slowly(void *state, const struct launch_plan *plan, double *seconds, struct error *error)
{
    atomic_store(&in_launch, true);
    atomic_fetch_add(&launches, 1);
    nanosleep(&(struct timespec){.tv_nsec = atomic_load(&launch_ns)}, NULL);
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    atomic_store(&in_launch, false);
    return kind;
}

static enum error_kind count_record(struct sink *sink, const struct record *record, struct error *error)
{
    bool *done = sink->state;
    size_t index = (size_t)(record->point - sink->plan->points);
    (void)error;
    assert_false(done[index]);
    done[index] = true;
    atomic_fetch_add(&records, 1);
    atomic_fetch_add(&beside_it, atomic_load(&in_launch) ? 1 : 0);
    return ERROR_NONE;
}

/* The error of a walk of so many jobs, chosen or given. */
static enum error_kind walk_alike(bool chosen, struct error *error)
{
    static const struct sink_kind counting = {.record = count_record};
    struct desk desk = make_desk(alike);
    struct device_ops ops = device_host_ops;
    struct device *device;
    bool done[ALIKE] = {false};
    size_t places[ALIKE] = {0};
    const struct kept_record *kept[ALIKE] = {NULL};
    struct progress progress = {0};
    struct summary summary = {.points_total = ALIKE};
    const struct selection_options asked = {.threads = 4};
    const struct sink_plan plan = {.points = desk.points, .num_points = ALIKE};
    struct sink sink = {.kind = &counting, .plan = &plan, .state = done};
    double most_s =
        (side_by_side_seconds(&desk.order, 0, 1) + side_by_side_seconds(&desk.order, LARGEST_AT, LARGEST_AT + 1)) / 2;
    ops.launch = launch_slowly;
    desk.selection.points = desk.points;
    desk.selection.places = places;
    assert_int_equal(device_open_with(&device, DEVICE_HOST, &ops, &(struct device_options){.threads = 4}, error),
                     ERROR_NONE);
    struct walk walk = {
        .selection = &desk.selection,
        .order = &desk.order,
        .asked = &asked,
        .kept = kept,
        .device = device,
        .beside = {.jobs = 4, .most_s = chosen ? most_s : INFINITY, .most_point_s = PLENTY, .most_bytes = PLENTY},
        .threads = 4,
        .progress = &progress,
        .sinks = &sink,
        .num_sinks = 1,
        .summary = &summary};
    atomic_store(&records, 0);
    atomic_store(&launches, 0);
    atomic_store(&beside_it, 0);
    enum error_kind kind = walk_points(&walk, error);
    assert_true(kind || (atomic_load(&records) == ALIKE && summary.by_status[STATUS_PASS] == ALIKE));
    device_close(device);
    clear_desk(&desk);
    return kind;
}

static void test_nobody_works_beside_a_large_point(void **state)
{
    struct error error = {0};
    (void)state;
    atomic_store(&launch_ns, 999999999);
    assert_int_equal(walk_alike(true, &error), ERROR_NONE);
    assert_true(atomic_load(&launches) > 0);
    assert_int_equal(atomic_load(&beside_it), 0);
    atomic_store(&launch_ns, 0);
}

/* Of as many as nobody has asked for, those that the system starts will do. */
static void test_threads_that_are_not_to_be_had(void **state)
{
    struct error error = {0};
    (void)state;
    for (int left = 0; left < 2; left++) {
        threads_left = left; /* those of OpenMP have been started */
        assert_int_equal(walk_alike(true, &error), ERROR_NONE);
        threads_left = left;
        assert_int_equal(walk_alike(false, &error), ERROR_SYSTEM);
        assert_non_null(strstr(error.text, "cannot start --jobs 4"));
    }
    threads_left = -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_small_points_run_side_by_side),
        cmocka_unit_test(test_few_points_run_one_by_one),
        cmocka_unit_test(test_the_largest_counts_wherever_it_stands),
        cmocka_unit_test(test_jobs_that_are_given),
        cmocka_unit_test(test_nobody_works_beside_a_large_point),
        cmocka_unit_test(test_threads_that_are_not_to_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
