/* A kernel that crashes on the host device ends the run in order: files are whole, and say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <libxml/parser.h>

#include "harness/command/crash.h"
#include "harness/run/walk.h"
#include "harness/support/tests/scratch.h"
#include "kernels/device/device.h"
#include "kernels/dialect/fiber.h"
#include "kernels/dialect/simt.h"

enum { POINTS = 5, CRASHES_AT = 3, EXIT_OF_CRASH = 3 };

struct nothing {
    int launch;
    float *place;
};

static float *volatile nowhere; /* the compiler is not to know */

SIMT_KERNEL(write_nowhere, struct nothing, args)
{
    if (threadIdx.x == 40 && args.launch == CRASHES_AT)
        *args.place = 1;
}

static int launches;

static enum error_kind launch_and_crash(void *state, const struct launch_plan *plan, double *seconds,
                                        struct error *error)
{
    const struct nothing args = {++launches, nowhere};
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    return kind ? kind
                : simt_launch(state, "write_nowhere", host_write_nowhere, &args, &(struct simt_grid){2, 1, 1, 64},
                              error);
}

static int end_run(void *context, enum error_kind kind, const struct error *error)
{
    struct walk *walk = context;
    assert_true(kind == ERROR_SYSTEM && strstr(error->text, "single_pass") && strstr(error->text, "SIGSEGV"));
    walk->summary->cut_short = "a kernel crashed";
    for (size_t i = 0; i < walk->num_sinks; i++) {
        struct error failure;
        assert_int_equal(walk->sinks[i].kind->close(&walk->sinks[i], walk->summary, &failure), ERROR_NONE);
    }
    return EXIT_OF_CRASH;
}

/* In a child: the points of a case on a device that crashes in the kernel of the third. */
static void walk_until_crash(const char *case_path, const char *results, const char *junit)
{
    const char *paths[] = {case_path}, *settings[] = {"oracles=none"};
    const struct selection_options options = {
        .paths = {paths, 1}, .settings = {settings, 1}, .device = "host", .threads = 2};
    struct device_ops ops = device_host_ops;
    struct progress progress = {0};
    struct selection selection;
    struct device *device;
    struct error error = {0};
    struct summary summary = {.points_total = POINTS};
    struct sink sinks[2];
    const struct kept_record *kept[POINTS] = {NULL};
    ops.launch = launch_and_crash;
    if (selection_make(&selection, &options, &error) ||
        device_open_with(&device, DEVICE_HOST, &ops, &(struct device_options){.threads = 2}, &error))
        _exit(100);
    const struct sink_plan plan = {.points = selection.points, .num_points = selection.count};
    if (selection.count != POINTS || sink_open(&sinks[0], &sink_junit, junit, &plan, &error) ||
        sink_open(&sinks[1], &sink_jsonl, results, &plan, &error))
        _exit(101);
    struct work_order order;
    if (work_order_make(&order, &selection, true, &error))
        _exit(103);
    struct walk walk = {.selection = &selection,
                        .order = &order,
                        .asked = &options,
                        .kept = kept,
                        .device = device,
                        .beside = side_by_side_given(selection.count, 1),
                        .threads = 2,
                        .progress = &progress,
                        .sinks = sinks,
                        .num_sinks = 2,
                        .summary = &summary,
                        .watch_begin = crash_watch_begin,
                        .watch_end = crash_watch_end,
                        .crashed = end_run};
    walk.crashed_context = &walk;
    walk_points(&walk, &error);
    _exit(102);
}

static void write_case(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "case: crash\nkernel: single_pass\nseq_len: 40\nnum_heads: 2\nhead_dim: 64\nseed: 1..%d\n", POINTS);
    fclose(file);
}

static void test_a_crash_keeps_what_was_done(void **state)
{
    char folder[SCRATCH_SIZE], paths[3][SCRATCH_PATH_SIZE];
    static const char *const names[] = {"case.yaml", "results.jsonl", "junit.xml"};
    int status;
    (void)state;
    if (FIBER_ASAN)
        skip();
    assert_non_null(scratch_folder(folder, "test_crash"));
    for (int i = 0; i < 3; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    write_case(paths[0]);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        walk_until_crash(paths[0], paths[1], paths[2]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_OF_CRASH);

    FILE *results = fopen(paths[1], "r");
    char *line = NULL;
    size_t size = 0;
    int records = 0;
    assert_non_null(results);
    for (; getline(&line, &size, results) > 0; records++) {
        json_t *record = json_loads(line, 0, NULL);
        const char *expected = records + 1 == CRASHES_AT ? "error" : "pass";
        assert_non_null(record);
        assert_string_equal(json_string_value(json_object_get(record, "status")), expected);
        json_decref(record);
    }
    assert_int_equal(records, CRASHES_AT);
    free(line);
    fclose(results);
    xmlDoc *document = xmlReadFile(paths[2], NULL, 0);
    assert_non_null(document);
    xmlChar *errors = xmlGetProp(xmlDocGetRootElement(document), BAD_CAST "errors");
    assert_string_equal((const char *)errors, "2"); /* the point's, and that the run did not come to its end */
    xmlFree(errors);
    xmlFreeDoc(document);
    for (int i = 0; i < 3; i++)
        unlink(paths[i]);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_crash_keeps_what_was_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
