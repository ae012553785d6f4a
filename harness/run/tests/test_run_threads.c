/* Several threads run cases at once, of their own and some that they share, each judged on threads of its own. `make
 * check-threads` runs it under ThreadSanitizer, with regions that it can follow (harness/portable_openmp.c). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/run/tests/run_fixture.h"

enum { THREADS = 3, TIMES = 2, WORKERS = 2 };

struct task {
    pthread_t thread;
    alibicheck_cases *shared; /* NULL: the thread makes its own */
    enum mistake fault;
    struct kept_records kept;
    char failure[1024];
};

static int make_cases(alibicheck_cases **cases, struct alibicheck_error *error)
{
    int status = alibicheck_cases_new(cases, error);
    if (!status)
        status = alibicheck_cases_add_text(*cases, "text", small_cases, error);
    if (!status)
        status = alibicheck_cases_set(*cases, "seed=1", error);
    return status ? status : alibicheck_cases_set_threads(*cases, WORKERS, error);
}

static int run_once(struct task *task)
{
    struct small_kernel context = {.fault = task->fault};
    const struct alibicheck_kernel kernel = small_kernel(&context);
    struct alibicheck_error error = {0, ""};
    alibicheck_cases *own = NULL;
    alibicheck_results *results = NULL;
    kept_records_clear(&task->kept);
    int status = task->shared ? 0 : make_cases(&own, &error);
    if (!status)
        status = alibicheck_run(&results, task->shared ? task->shared : own, &kernel, keep_record, &task->kept, NULL,
                                &error);
    if (status)
        memcpy(task->failure, error.text, sizeof error.text);
    else if (alibicheck_results_passed(results) != (task->fault == SOUND))
        snprintf(task->failure, sizeof task->failure, "%s", alibicheck_results_text(results));
    alibicheck_results_free(results);
    alibicheck_cases_free(own);
    return status;
}

static void *work(void *context)
{
    for (int i = 0; i < TIMES; i++)
        if (run_once(context))
            break;
    return NULL;
}

static void run_at_once(enum mistake fault, bool share)
{
    struct task tasks[THREADS] = {{.shared = NULL}};
    alibicheck_cases *cases = NULL;
    assert_int_equal(make_cases(&cases, NULL), ALIBICHECK_OK);
    for (int i = 0; i < THREADS; i++) {
        tasks[i] = (struct task){.fault = fault, .shared = share ? cases : NULL};
        assert_int_equal(pthread_create(&tasks[i].thread, NULL, work, &tasks[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(tasks[i].thread, NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_string_equal(tasks[i].failure, "");
        assert_int_equal(tasks[i].kept.count, 2);
        for (int p = 0; p < 2; p++) {
            assert_string_equal(tasks[i].kept.json[p], tasks[0].kept.json[p]);
            assert_string_equal(tasks[i].kept.messages[p], tasks[0].kept.messages[p]);
        }
    }
    for (int i = 0; i < THREADS; i++)
        kept_records_clear(&tasks[i].kept);
    alibicheck_cases_free(cases);
}

static void test_cases_of_their_own(void **state)
{
    (void)state;
    run_at_once(SOUND, false);
}

/* What is wrong goes further ways: contracts, signatures. */
static void test_cases_that_they_share(void **state)
{
    (void)state;
    run_at_once(WRONG, true);
}

static void *stop(void *progress)
{
    int64_t done, points;
    do {
        alibicheck_run_progress_read(progress, &done, &points);
    } while (done == 0);
    alibicheck_run_progress_stop(progress);
    return NULL;
}

static void test_another_thread_stops_a_run(void **state)
{
    (void)state;
    struct small_kernel context = {.fault = SOUND};
    const struct alibicheck_kernel kernel = small_kernel(&context);
    alibicheck_cases *cases;
    alibicheck_results *results;
    alibicheck_run_progress *progress;
    pthread_t thread;
    struct alibicheck_error error;
    assert_int_equal(alibicheck_cases_new(&cases, &error), ALIBICHECK_OK);
    assert_int_equal(alibicheck_cases_add_text(cases, "text", small_cases, &error), ALIBICHECK_OK);
    assert_int_equal(alibicheck_cases_set(cases, "seed=1..5000", &error), ALIBICHECK_OK);
    assert_int_equal(alibicheck_run_progress_new(&progress, &error), ALIBICHECK_OK);
    assert_int_equal(pthread_create(&thread, NULL, stop, progress), 0);
    assert_int_equal(alibicheck_run(&results, cases, &kernel, NULL, NULL, progress, &error), ALIBICHECK_CANCELLED);
    pthread_join(thread, NULL);
    assert_int_equal(strncmp(alibicheck_results_text(results), "stopped: ", 9), 0);
    assert_int_equal(alibicheck_results_points(results), 10000);
    assert_int_equal(alibicheck_results_passed(results), 0);
    alibicheck_results_free(results);
    alibicheck_run_progress_free(progress);
    alibicheck_cases_free(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_of_their_own),
        cmocka_unit_test(test_cases_that_they_share),
        cmocka_unit_test(test_another_thread_stops_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
