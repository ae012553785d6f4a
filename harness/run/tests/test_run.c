/* Cases run on a function through the public interface alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/run/tests/run_fixture.h"
#include "harness/support/tests/scratch.h"

static alibicheck_cases *small(void)
{
    alibicheck_cases *cases;
    assert_int_equal(alibicheck_cases_new(&cases, NULL), ALIBICHECK_OK);
    assert_int_equal(alibicheck_cases_add_text(cases, "text", small_cases, NULL), ALIBICHECK_OK);
    assert_int_equal(alibicheck_cases_set_threads(cases, 2, NULL), ALIBICHECK_OK);
    return cases;
}

/* Runs the small cases with a fault; what they came to is the caller's. */
static alibicheck_results *run_small(enum mistake fault, const char *setting, struct kept_records *kept)
{
    struct small_kernel context = {.fault = fault};
    const struct alibicheck_kernel kernel = small_kernel(&context);
    alibicheck_cases *cases = small();
    alibicheck_results *results;
    struct alibicheck_error error;
    if (setting)
        assert_int_equal(alibicheck_cases_set(cases, setting, &error), ALIBICHECK_OK);
    if (alibicheck_run(&results, cases, &kernel, keep_record, kept, NULL, &error))
        fail_msg("%s", error.text);
    assert_string_equal(error.text, "");
    assert_true(context.launches >= alibicheck_results_points(results));
    alibicheck_cases_free(cases);
    return results;
}

static const char *text_of(const char *json, const char *name)
{
    static char text[1024];
    char start[64], *at;
    snprintf(start, sizeof start, "\"%s\":", name);
    at = strstr(json, start);
    assert_non_null(at);
    at += strlen(start);
    snprintf(text, sizeof text, "%.*s", (int)strcspn(at, ",}"), at);
    return text;
}

/* ---- what comes of kernels --------------------------------------------------------------------------------------- */

static void test_a_sound_kernel_passes(void **state)
{
    (void)state;
    struct kept_records kept = {.count = 0};
    alibicheck_results *results = run_small(SOUND, NULL, &kept);
    assert_int_equal(alibicheck_results_passed(results), 1);
    assert_int_equal(alibicheck_results_points(results), 4);
    assert_int_equal(alibicheck_results_count(results, "pass"), 4);
    assert_int_equal(alibicheck_results_count(results, "fail"), 0);
    assert_int_equal(alibicheck_results_count(results, "passed"), -1);
    assert_string_equal(alibicheck_results_text(results), "4 points: 4 pass");
    assert_string_equal(alibicheck_results_failure(results), "");
    assert_int_equal(kept.count, 4);
    assert_int_equal(kept.points, 4);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(kept.messages[i], "");
        assert_string_equal(text_of(kept.json[i], "status"), "\"pass\"");
        assert_string_equal(text_of(kept.json[i], "device"), "\"foreign\"");
    }
    alibicheck_results_free(results);
    kept_records_clear(&kept);
}

/* Each fault, and what is said of its first point. */
static void test_faults_are_told(void **state)
{
    (void)state;
    static const struct {
        enum mistake fault;
        const char *setting, *in_failure;
    } rows[] = {
        {WRONG, NULL, "signature dropped-bias"},
        {WRONG, "oracles=none", "signature dropped-bias"},
        {REFUSES, NULL, "small failed: it returned 7: no such engine"},
        {WRITES_PAST, NULL, "oracle guards violated"},
        {CHANGES_V, NULL, "oracle inputs violated"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kept_records kept = {.count = 0};
        alibicheck_results *results = run_small(rows[i].fault, rows[i].setting, &kept);
        const char *failure = alibicheck_results_failure(results);
        assert_int_equal(alibicheck_results_passed(results), 0);
        assert_int_equal(alibicheck_results_count(results, "fail"), 4);
        assert_string_equal(alibicheck_results_text(results), "4 points: 4 fail");
        if (!strstr(failure, rows[i].in_failure))
            fail_msg("row %zu: no \"%s\" in \"%s\"", i, rows[i].in_failure, failure);
        assert_int_equal(strncmp(failure, "small:kernel=small,seq_len=5,", 29), 0);
        assert_string_equal(strchr(failure, '\n') + 1, kept.messages[0]);
        assert_null(strstr(failure, "reproduce")); /* no command line can */
        alibicheck_results_free(results);
        kept_records_clear(&kept);
    }
}

/* Who judges has what the kernel was given, whatever it makes of it, and its own floating-point environment. */
static void test_what_a_kernel_leaves_changes_no_judgement(void **state)
{
    (void)state;
    static const enum mistake faults[] = {CHANGES_V, CHANGES_FLOATS};
    static const char unasked[] = "oracles=schedule"; /* `none` would ask what the run has written to */
    struct kept_records sound = {.count = 0};
    alibicheck_results_free(run_small(SOUND, unasked, &sound));
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++) {
        struct kept_records kept = {.count = 0};
        fesetround(FE_DOWNWARD);
        alibicheck_results *results = run_small(faults[f], unasked, &kept);
        assert_int_equal(fegetround(), FE_DOWNWARD);
        fesetround(FE_TONEAREST);
        assert_int_equal(kept.count, 4);
        for (int i = 0; i < 4; i++)
            assert_string_equal(kept.json[i], sound.json[i]);
        alibicheck_results_free(results);
        kept_records_clear(&kept);
    }
    kept_records_clear(&sound);
}

static void test_what_is_skipped_alone_has_not_passed(void **state)
{
    (void)state;
    struct small_kernel context = {.fault = SOUND};
    const struct alibicheck_kernel kernel = small_kernel(&context);
    alibicheck_cases *cases = small();
    alibicheck_results *results;
    assert_int_equal(alibicheck_cases_set(cases, "dtype=f16", NULL), ALIBICHECK_OK);
    assert_int_equal(alibicheck_run(&results, cases, &kernel, NULL, NULL, NULL, NULL), ALIBICHECK_OK);
    assert_string_equal(alibicheck_results_text(results), "4 points: 4 skip");
    assert_string_equal(alibicheck_results_failure(results), "");
    assert_int_equal(alibicheck_results_passed(results), 0);
    assert_int_equal(context.launches, 0);
    alibicheck_results_free(results);
    alibicheck_cases_free(cases);
}

static void test_a_second_run_is_the_first(void **state)
{
    (void)state;
    struct kept_records first = {.count = 0}, second = {.count = 0};
    alibicheck_results_free(run_small(WRONG, NULL, &first));
    alibicheck_results_free(run_small(WRONG, NULL, &second));
    assert_int_equal(first.count, 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(first.json[i], second.json[i]);
    kept_records_clear(&first);
    kept_records_clear(&second);
}

/* ---- which points ------------------------------------------------------------------------------------------------ */

static void test_points_are_chosen(void **state)
{
    (void)state;
    struct small_kernel context = {.fault = SOUND};
    const struct alibicheck_kernel kernel = small_kernel(&context);
    alibicheck_cases *cases = small();
    alibicheck_results *results;
    struct kept_records kept = {.count = 0};
    assert_int_equal(alibicheck_cases_set(cases, "seed=[7, 8, 9]", NULL), ALIBICHECK_OK);
    assert_int_equal(alibicheck_cases_set(cases, "oracles=none", NULL), ALIBICHECK_OK);
    assert_int_equal(alibicheck_cases_only(cases, "*seq_len=33*", NULL), ALIBICHECK_OK);
    assert_int_equal(alibicheck_cases_only(cases, "*seq_len=6*", NULL), ALIBICHECK_OK);
    assert_int_equal(alibicheck_cases_where(cases, "seed > 7", NULL), ALIBICHECK_OK);
    assert_int_equal(alibicheck_cases_where(cases, "seed < 9", NULL), ALIBICHECK_OK);
    assert_int_equal(alibicheck_run(&results, cases, &kernel, keep_record, &kept, NULL, NULL), ALIBICHECK_OK);
    assert_int_equal(kept.count, 1);
    assert_string_equal(text_of(kept.json[0], "seed"), "8");
    assert_string_equal(text_of(kept.json[0], "seq_len"), "33");
    assert_int_equal(context.launches, 1); /* no oracle launches it again */
    assert_int_equal(alibicheck_results_passed(results), 1);
    alibicheck_results_free(results);
    alibicheck_cases_free(cases);
    kept_records_clear(&kept);
}

static void test_files_and_texts_are_run(void **state)
{
    (void)state;
    char path[SCRATCH_SIZE];
    struct small_kernel context = {.fault = SOUND};
    const struct alibicheck_kernel kernel = small_kernel(&context);
    alibicheck_cases *cases = small();
    alibicheck_results *results;
    struct kept_records kept = {.count = 0};
    int file = scratch_pattern(path, "test_run", ".yaml") ? mkstemps(path, 5) : -1;
    assert_true(file >= 0);
    assert_true(dprintf(file, "case: of_file\nseq_len: 3\nnum_heads: 1\nhead_dim: 64\ndtype: f32\n") > 0);
    close(file);
    assert_int_equal(alibicheck_cases_add_path(cases, path, NULL), ALIBICHECK_OK);
    assert_int_equal(alibicheck_run(&results, cases, &kernel, keep_record, &kept, NULL, NULL), ALIBICHECK_OK);
    assert_int_equal(kept.count, 5);
    assert_string_equal(text_of(kept.json[0], "case"), "\"of_file\"");
    assert_string_equal(text_of(kept.json[1], "case"), "\"small\"");
    assert_int_equal(alibicheck_results_passed(results), 1);
    alibicheck_results_free(results);
    alibicheck_cases_free(cases);
    kept_records_clear(&kept);
    unlink(path);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

/* What is said of cases, and the error: of that function, or of the run. */
static void test_wrong_cases_are_refused(void **state)
{
    (void)state;
    static char long_text[(1 << 20) + 2];
    memset(long_text, '#', sizeof long_text - 1);
    static const struct {
        int (*say)(alibicheck_cases *cases, const char *text, struct alibicheck_error *error);
        const char *text, *error;
    } rows[] = {
        {alibicheck_cases_set, "seq_lens=4", "--set seq_lens=4:1: unknown key: 'seq_lens'"},
        {alibicheck_cases_set, "seed", "--set seed:1: a setting has no '='"},
        {alibicheck_cases_set, NULL, "setting: is NULL"},
        {alibicheck_cases_only, "nothing*", "--only nothing*: no point has such a key"},
        {alibicheck_cases_where, "seq_len >", "--where 'seq_len >':10: a value is missing"},
        {alibicheck_cases_where, "seq_len > 100", "--where seq_len > 100: holds for no point"},
        {alibicheck_cases_add_path, "/nowhere/x.yaml", "/nowhere/x.yaml: cannot be opened: No such file"},
        {alibicheck_cases_add_path, "seed", "seed: cannot be opened: No such file"},
        {alibicheck_cases_add_path, "-", "path: is \"-\"; allowed: a case file or a folder of them"},
        {alibicheck_cases_add_path, NULL, "path: is NULL"},
    };
    struct small_kernel context = {.fault = SOUND};
    const struct alibicheck_kernel kernel = small_kernel(&context);
    struct alibicheck_error error;
    alibicheck_results *results;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        alibicheck_cases *cases = small();
        int status = rows[i].say(cases, rows[i].text, &error);
        results = (alibicheck_results *)&error;
        if (!status)
            status = alibicheck_run(&results, cases, &kernel, NULL, NULL, NULL, &error);
        assert_int_equal(status, ALIBICHECK_INVALID);
        assert_int_equal(error.status, ALIBICHECK_INVALID);
        if (strncmp(error.text, rows[i].error, strlen(rows[i].error)) != 0)
            fail_msg("row %zu: \"%s\"", i, error.text);
        alibicheck_cases_free(cases);
    }
    alibicheck_cases *cases = small();
    assert_int_equal(alibicheck_cases_add_text(cases, "long", long_text, &error), ALIBICHECK_INVALID);
    assert_int_equal(alibicheck_cases_add_text(cases, "", "case: a\n", &error), ALIBICHECK_INVALID);
    assert_int_equal(alibicheck_cases_set_threads(cases, 1025, &error), ALIBICHECK_INVALID);
    assert_string_equal(error.text, "threads: 1025; allowed: 1 to 1024, 0 for one a CPU");
    assert_int_equal(alibicheck_cases_add_text(cases, "other", "case: a\nseq_len: x\n", &error), ALIBICHECK_OK);
    assert_int_equal(alibicheck_run(&results, cases, &kernel, NULL, NULL, NULL, &error), ALIBICHECK_INVALID);
    assert_int_equal(strncmp(error.text, "other:2:10: ", 12), 0);
    assert_null(results);
    alibicheck_cases_free(cases);
    assert_int_equal(alibicheck_cases_new(&cases, NULL), ALIBICHECK_OK);
    assert_int_equal(alibicheck_run(&results, cases, &kernel, NULL, NULL, NULL, &error), ALIBICHECK_INVALID);
    assert_string_equal(error.text, "cases: there are none; allowed: paths and texts of cases");
    assert_int_equal(alibicheck_run(&results, NULL, &kernel, NULL, NULL, NULL, &error), ALIBICHECK_INVALID);
    assert_int_equal(alibicheck_run(NULL, cases, &kernel, NULL, NULL, NULL, &error), ALIBICHECK_INVALID);
    assert_int_equal(alibicheck_run(&results, cases, NULL, NULL, NULL, NULL, &error), ALIBICHECK_INVALID);
    assert_string_equal(error.text, "kernel: is NULL");
    alibicheck_cases_free(cases);
    assert_int_equal(context.launches, 0);
}

static void test_wrong_kernels_are_refused(void **state)
{
    (void)state;
    static const int32_t negative[] = {-1, 0};
    struct small_kernel context = {.fault = SOUND};
    const struct alibicheck_kernel kernel = small_kernel(&context);
    struct alibicheck_kernel kernels[8];
    static const char *const errors[] = {"the kernel: a kernel of ABI 6; allowed: 1 to 5, ",
                                         "the kernel: a kernel without a name",
                                         "the kernel: a kernel without a function",
                                         "the kernel: kernel small has arithmetic 'f64'",
                                         "the kernel: the kernel is called split_kv, as one of ours",
                                         "the kernel: kernel small takes no dtype",
                                         "the kernel: kernel small takes head_dim -1",
                                         "the kernel has tensors in a GPU's memory; allowed: in this process's, or as"};
    for (int i = 0; i < 8; i++)
        kernels[i] = kernel;
    kernels[0].abi = ALIBICHECK_KERNEL_ABI + 1;
    kernels[1].name = NULL;
    kernels[2].launch = NULL;
    kernels[3].arithmetic = "f64";
    kernels[4].name = "split_kv";
    kernels[5].takes = ALIBICHECK_KERNEL_LSE;
    kernels[6].head_dims = negative;
    kernels[7].memory = ALIBICHECK_KERNEL_CUDA_MEMORY;
    for (int i = 0; i < 8; i++) {
        alibicheck_cases *cases = small();
        alibicheck_results *results;
        struct alibicheck_error error;
        assert_int_equal(alibicheck_run(&results, cases, &kernels[i], NULL, NULL, NULL, &error), ALIBICHECK_INVALID);
        if (strncmp(error.text, errors[i], strlen(errors[i])) != 0)
            fail_msg("kernel %d: \"%s\"", i, error.text);
        assert_null(results);
        alibicheck_cases_free(cases);
    }
}

/* ---- stopping ---------------------------------------------------------------------------------------------------- */

static void test_who_takes_records_stops_a_run(void **state)
{
    (void)state;
    struct small_kernel context = {.fault = SOUND};
    const struct alibicheck_kernel kernel = small_kernel(&context);
    alibicheck_cases *cases = small();
    alibicheck_results *results;
    alibicheck_run_progress *progress;
    struct alibicheck_error error;
    struct kept_records kept = {.stop_after = 3};
    int64_t done = -1, points = -1;
    assert_int_equal(alibicheck_run_progress_new(&progress, &error), ALIBICHECK_OK);
    alibicheck_run_progress_read(progress, &done, &points);
    assert_true(done == 0 && points == 0);
    assert_int_equal(alibicheck_run(&results, cases, &kernel, keep_record, &kept, progress, &error),
                     ALIBICHECK_CANCELLED);
    assert_string_equal(error.text, "stopped by the function that takes records");
    assert_string_equal(alibicheck_results_text(results), "stopped: 3 of 4 points done: 3 pass");
    assert_int_equal(alibicheck_results_passed(results), 0);
    alibicheck_run_progress_read(progress, &done, &points);
    assert_true(done == 3 && points == 4);
    alibicheck_results_free(results);
    alibicheck_run_progress_free(progress);
    alibicheck_cases_free(cases);
    kept_records_clear(&kept);
}

static void test_a_kernel_stops_a_run(void **state)
{
    (void)state;
    struct small_kernel context = {.fault = STOPS};
    const struct alibicheck_kernel kernel = small_kernel(&context);
    alibicheck_cases *cases = small();
    alibicheck_results *results;
    struct alibicheck_error error;
    assert_int_equal(alibicheck_run_progress_new(&context.progress, &error), ALIBICHECK_OK);
    for (int again = 0; again < 2; again++) { /* what was stopped stays so */
        assert_int_equal(alibicheck_run(&results, cases, &kernel, NULL, NULL, context.progress, &error),
                         ALIBICHECK_CANCELLED);
        assert_string_equal(alibicheck_results_text(results), "stopped: 0 of 4 points done");
        assert_int_equal(alibicheck_results_passed(results), 0);
        assert_int_equal(context.launches, 1);
        alibicheck_results_free(results);
    }
    alibicheck_run_progress_free(context.progress);
    alibicheck_cases_free(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sound_kernel_passes),
        cmocka_unit_test(test_faults_are_told),
        cmocka_unit_test(test_what_a_kernel_leaves_changes_no_judgement),
        cmocka_unit_test(test_what_is_skipped_alone_has_not_passed),
        cmocka_unit_test(test_a_second_run_is_the_first),
        cmocka_unit_test(test_points_are_chosen),
        cmocka_unit_test(test_files_and_texts_are_run),
        cmocka_unit_test(test_wrong_cases_are_refused),
        cmocka_unit_test(test_wrong_kernels_are_refused),
        cmocka_unit_test(test_who_takes_records_stops_a_run),
        cmocka_unit_test(test_a_kernel_stops_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
