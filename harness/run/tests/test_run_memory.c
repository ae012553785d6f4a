/*
 * Memory that runs out at any place while cases are run: the run ends with an error value, or its point with a record
 * that says so; nothing is lost, and no other record comes of it than without. What fails is each allocation of the
 * first ALL, and further on one in STEP: all of them take a minute (ALIBICHECK_TEST_ALL=1).
 *
 * libfyaml gets what it asks for: what it makes of none is its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/support/tests/failing_memory.h"
#include "harness/run/tests/run_fixture.h"

#ifndef OTHER_ALLOCATOR

enum { ALL = 60, STEP = 29 };

static char sound_record[1 << 14];
static int passed;

static int32_t compare_record(void *context, const struct alibicheck_run_record *record)
{
    (void)context;
    const char *end = strstr(record->json, "\"truth_digest\""); /* a head may be left to MPFR, which is exacter */
    size_t size = (size_t)(end - record->json);
    if (!*sound_record)
        snprintf(sound_record, sizeof sound_record, "%s", record->json);
    if (!strcmp(record->status, "error"))
        return strstr(record->json, "out of memory: ") ? 0 : 99;
    return strncmp(sound_record, record->json, size) != 0 ? 98 : 0;
}

/* From nothing to results; what was said of a point is not that of a sound run: -1. */
static int work(enum mistake fault, struct alibicheck_error *error)
{
    static const char text[] =
        "case: small\nseq_len: 3\nnum_heads: 1\nhead_dim: 64\ndtype: f32\noracles: determinism\n";
    struct small_kernel context = {.fault = fault};
    const struct alibicheck_kernel kernel = small_kernel(&context);
    alibicheck_cases *cases = NULL;
    alibicheck_run_progress *progress = NULL;
    alibicheck_results *results = NULL;
    int status = alibicheck_cases_new(&cases, error);
    if (!status)
        status = alibicheck_cases_add_text(cases, "text", text, error);
    if (!status)
        status = alibicheck_cases_set(cases, "seed=3", error);
    if (!status)
        status = alibicheck_cases_only(cases, "small*", error);
    if (!status)
        status = alibicheck_cases_where(cases, "seq_len < 10", error);
    if (!status)
        status = alibicheck_cases_set_threads(cases, 1, error);
    if (!status)
        status = alibicheck_run_progress_new(&progress, error);
    if (!status)
        status = alibicheck_run(&results, cases, &kernel, compare_record, NULL, progress, error);
    passed = alibicheck_results_passed(results);
    if (status == ALIBICHECK_CANCELLED) /* the record is another one */
        status = -1;
    if (!status && alibicheck_results_count(results, "error") == 1 && !passed)
        status = ALIBICHECK_SYSTEM, snprintf(error->text, sizeof error->text, "out of memory: in a record");
    alibicheck_results_free(results);
    alibicheck_run_progress_free(progress);
    alibicheck_cases_free(cases);
    return status;
}

static void fail_at(enum mistake fault, long at, bool and_after)
{
    struct alibicheck_error error;
    turn.count = turn.failed = turn.live = 0;
    memset(turn.held, 0, sizeof turn.held);
    turn.fails_at = at;
    turn.and_after = and_after;
    turn.on = true;
    int status = work(fault, &error);
    turn.on = false;
    turn.fails_at = -1;
    if (turn.live != 0)
        fail_msg("allocation %ld of %ld fails: %ld blocks are lost; status %d, %s", at, turn.count, turn.live, status,
                 error.text);
    if (status == ALIBICHECK_OK) /* it could be done without */
        assert_int_equal(passed, fault == SOUND);
    else if (status != ALIBICHECK_SYSTEM || strncmp(error.text, "out of memory: ", 15) != 0)
        fail_msg("allocation %ld fails: status %d, \"%s\"", at, status, error.text);
}

static void fail_some(enum mistake fault, bool and_after)
{
    struct alibicheck_error error;
    const bool all = getenv("ALIBICHECK_TEST_ALL");
    *sound_record = 0;
    assert_int_equal(work(fault, &error), ALIBICHECK_OK); /* what libraries make once is there then */
    fail_at(fault, -1, false);
    const long count = turn.count;
    assert_true(count > 1000 && !turn.failed);
    for (long at = 0; at < count; at += at < ALL || all ? 1 : STEP)
        fail_at(fault, at, and_after);
}

static void test_an_allocation_fails(void **state)
{
    (void)state;
    fail_some(SOUND, false);
    fail_some(WRONG, false);
}

static void test_all_fail_from_one_on(void **state)
{
    (void)state;
    fail_some(SOUND, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_allocation_fails),
        cmocka_unit_test(test_all_fail_from_one_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

#else

int main(void)
{
    return 0;
}

#endif
