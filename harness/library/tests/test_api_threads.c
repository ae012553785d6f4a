/* Several threads judge at once, problems of their own and one that they share, each on threads of its own. `make
 * check-threads` runs it under ThreadSanitizer, with regions that it can follow (harness/portable_openmp.c). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/library/tests/api_fixture.h"

enum { THREADS = 4, TIMES = 3, WORKERS = 3 };

/* What a thread judges, and what came of it. */
struct task {
    pthread_t thread;
    const alibicheck_problem *shared; /* NULL: the thread makes its own */
    const struct small *small;
    const struct alibicheck_output *output;
    char *record; /* up to the time that it took */
    char *message;
    char failure[1024];
};

static char *until(const char *text, const char *end)
{
    const char *at = strstr(text, end);
    return strndup(text, at ? (size_t)(at - text) : strlen(text));
}

static int judge_once(struct task *task)
{
    struct alibicheck_error error;
    alibicheck_problem *own = NULL;
    alibicheck_options *options = NULL;
    alibicheck_verdict *verdict = NULL;
    alibicheck_truth *truth = NULL;
    int status = task->shared ? 0 : small_problem(&own, task->small, &error);
    const alibicheck_problem *problem = task->shared ? task->shared : own;
    if (!status)
        status = alibicheck_options_new(&options, &error);
    if (!status)
        status = alibicheck_options_set_threads(options, WORKERS, &error);
    if (!status)
        status = alibicheck_judge(&verdict, problem, task->output, task->output, options, &error);
    if (!status)
        status = alibicheck_truth_compute(&truth, problem, options, &error);
    if (status)
        memcpy(task->failure, error.text, sizeof error.text);
    free(task->record);
    free(task->message);
    task->record = until(alibicheck_verdict_json(verdict), "\"seconds\"");
    task->message = strdup(alibicheck_verdict_message(verdict));
    alibicheck_truth_free(truth);
    alibicheck_verdict_free(verdict);
    alibicheck_options_free(options);
    alibicheck_problem_free(own);
    return status;
}

static void *work(void *context)
{
    for (int i = 0; i < TIMES; i++)
        if (judge_once(context))
            break;
    return NULL;
}

static void judge_at_once(const struct small *small, const struct alibicheck_output *output, bool share)
{
    struct task tasks[THREADS] = {{.shared = NULL}};
    alibicheck_problem *problem = NULL;
    struct alibicheck_error error;
    assert_int_equal(small_problem(&problem, small, &error), ALIBICHECK_OK);
    for (int i = 0; i < THREADS; i++) {
        tasks[i] = (struct task){.small = small, .output = output, .shared = share ? problem : NULL};
        assert_int_equal(pthread_create(&tasks[i].thread, NULL, work, &tasks[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(tasks[i].thread, NULL);
        assert_string_equal(tasks[i].failure, "");
        assert_string_equal(tasks[i].record, tasks[0].record);
        assert_string_equal(tasks[i].message, tasks[0].message);
    }
    for (int i = 0; i < THREADS; i++) {
        free(tasks[i].record);
        free(tasks[i].message);
    }
    alibicheck_problem_free(problem);
}

static void test_problems_of_their_own(void **state)
{
    (void)state;
    static struct small small;
    const struct alibicheck_output output = small_output(&small);
    small_make(&small);
    judge_at_once(&small, &output, false);
}

/* What is wrong goes further ways: contracts, signatures. */
static void test_a_problem_that_they_share(void **state)
{
    (void)state;
    static struct small small;
    const struct alibicheck_output output = small_output(&small);
    small_make(&small);
    for (int d = 0; d < 3 * DIM; d++)
        small.out[d] *= 1.25f;
    judge_at_once(&small, &output, true);
}

static void *cancel(void *progress)
{
    alibicheck_progress_cancel(progress);
    return NULL;
}

static void test_another_thread_cancels(void **state)
{
    (void)state;
    static struct small small;
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem;
    alibicheck_options *options;
    alibicheck_progress *progress;
    alibicheck_verdict *verdict;
    struct alibicheck_error error;
    pthread_t thread;
    small_make(&small);
    assert_int_equal(small_problem(&problem, &small, &error), ALIBICHECK_OK);
    assert_int_equal(alibicheck_options_new(&options, &error), ALIBICHECK_OK);
    assert_int_equal(alibicheck_progress_new(&progress, &error), ALIBICHECK_OK);
    assert_int_equal(alibicheck_options_set_threads(options, WORKERS, &error), ALIBICHECK_OK);
    assert_int_equal(alibicheck_options_set_progress(options, progress, &error), ALIBICHECK_OK);
    assert_int_equal(pthread_create(&thread, NULL, cancel, progress), 0);
    int status = ALIBICHECK_OK;
    while (status == ALIBICHECK_OK) { /* once it has cancelled, nothing is judged any more */
        const char *step;
        status = alibicheck_judge(&verdict, problem, &output, NULL, options, &error);
        alibicheck_progress_read(progress, &step, NULL, NULL);
        alibicheck_verdict_free(verdict);
    }
    assert_int_equal(status, ALIBICHECK_CANCELLED);
    pthread_join(thread, NULL);
    alibicheck_progress_free(progress);
    alibicheck_options_free(options);
    alibicheck_problem_free(problem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problems_of_their_own),
        cmocka_unit_test(test_a_problem_that_they_share),
        cmocka_unit_test(test_another_thread_cancels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
