/* Points side by side, each on a thread with a kernel of its own, and one alone among them: each has one record, and
 * all say the same as one after the other. `make check-threads` runs it under ThreadSanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/tests/case_fixture.h"
#include "harness/evaluate/foreign_class.h"
#include "harness/run/tests/run_fixture.h"
#include "harness/run/walk.h"
#include "harness/subject/callback.h"
#include "harness/subject/launch_watch.h"

enum { POINTS = 26, LARGE_AT = 12, WORKERS = 3 };
static const char cases[] =
    "case: a\nseq_len: [5, 33, 40, 41]\nnum_heads: 2\nhead_dim: 64\ndtype: f32\nseed: [1, 2, 3]\n"
    "---\ncase: large\nseq_len: 3000\nnum_heads: 2\nhead_dim: 64\ndtype: f32\n"
    "---\ncase: b\nseq_len: 7..19\nnum_heads: 2\nhead_dim: 64\ndtype: f32\n";

/* A kernel with all that a worker has of it. */
struct own {
    struct small_kernel context;
    struct alibicheck_kernel kernel;
    struct foreign_kernel described;
    struct foreign_subject subject;
    struct callback callback;
    struct launch_watch watch;
};

static enum error_kind open_own(void *context, void **opened, const struct foreign_subject **subject,
                                struct error *error)
{
    struct own *own = calloc(1, sizeof *own);
    (void)context;
    *opened = own;
    if (!own)
        return error_memory(error, "a kernel", sizeof *own);
    own->kernel = small_kernel(&own->context);
    enum error_kind kind = foreign_kernel_take(&own->described, &own->kernel, "the kernel", error);
    own->callback = (struct callback){.kernel = &own->kernel, .takes = own->described.takes, .giving = GIVE_A_COPY};
    own->subject = foreign_subject(&own->described, &callback_launcher, &own->callback);
    own->subject.subject.watch = &own->watch;
    *subject = &own->subject;
    return kind ? kind : foreign_class_take(&own->subject, "the kernel", error);
}

static void close_own(void *opened)
{
    struct own *own = opened;
    if (!own)
        return;
    callback_clear(&own->callback);
    launch_watch_clear(&own->watch);
    free(own);
}

/* What is compared of a point. */
struct seen {
    int records;
    enum status status;
    uint64_t output_digest;
};

static enum error_kind see(struct sink *sink, const struct record *record, struct error *error)
{
    struct seen *seen = (struct seen *)sink->state + (record->point - sink->plan->points);
    (void)error;
    seen->records++;
    seen->status = record->outcome.status;
    seen->output_digest = record->output_digest;
    return ERROR_NONE;
}

static void walk_all(struct seen *seen, struct side_by_side beside, int threads)
{
    static const struct sink_kind seeing = {.record = see};
    struct case_list list = parse(cases);
    struct point points[POINTS];
    size_t places[POINTS] = {0};
    struct selection selection = {.points = points, .places = places};
    for (size_t c = 0; c < list.count; c++)
        for (size_t i = 0; i < case_num_points(list.cases[c]); i++)
            case_point(list.cases[c], i, &points[selection.count++]);
    assert_int_equal(selection.count, POINTS);
    const struct kept_record *kept[POINTS] = {NULL};
    struct work_order order;
    struct progress progress = {0};
    struct summary summary = {.points_total = POINTS};
    const struct selection_options asked = {.threads = threads};
    const struct sink_plan plan = {.points = points, .num_points = POINTS};
    struct sink sink = {.kind = &seeing, .plan = &plan, .state = seen};
    struct error error = {0};
    void *first;
    struct walk_foreign foreign = {.name = "a function", .open = open_own, .close = close_own};
    assert_int_equal(work_order_make(&order, &selection, true, &error), ERROR_NONE);
    assert_int_equal(open_own(NULL, &first, &foreign.subject, &error), ERROR_NONE);
    if (beside.jobs > 1)
        beside.most_s = (side_by_side_seconds(&order, LARGE_AT, LARGE_AT + 1) + side_by_side_seconds(&order, 0, 1)) / 2;
    struct walk walk = {.selection = &selection,
                        .order = &order,
                        .asked = &asked,
                        .kept = kept,
                        .foreign = &foreign,
                        .beside = beside,
                        .threads = threads,
                        .progress = &progress,
                        .sinks = &sink,
                        .num_sinks = 1,
                        .summary = &summary};
    assert_int_equal(walk_points(&walk, &error), ERROR_NONE);
    close_own(first);
    work_order_clear(&order);
    case_list_clear(&list);
}

static void test_side_by_side_is_as_one_by_one(void **state)
{
    (void)state;
    struct seen one_by_one[POINTS] = {{0}}, beside[POINTS] = {{0}};
    const struct side_by_side many = {.jobs = WORKERS, .most_s = INFINITY, .most_point_s = 1e9, .most_bytes = 1e9};
    walk_all(one_by_one, (struct side_by_side){1, INFINITY, INFINITY, INFINITY}, 1);
    walk_all(beside, many, WORKERS);
    for (int i = 0; i < POINTS; i++) {
        assert_int_equal(beside[i].records, 1);
        assert_int_equal(beside[i].status, STATUS_PASS);
        assert_memory_equal(&beside[i], &one_by_one[i], sizeof beside[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_side_by_side_is_as_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
