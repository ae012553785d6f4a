/* The library keeps what is wrong in bundles, of which none takes a verdict away. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/library/tests/api_trial.h"
#include "harness/support/tests/scratch.h"

static bool is_there(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file)
        fclose(file);
    return file;
}

/* A problem and an output, options of its judging, and a folder with the path of a bundle that there is none of yet. */
struct bundle_trial {
    struct small small;
    struct alibicheck_output output;
    alibicheck_problem *problem;
    alibicheck_options *options;
    char folder[SCRATCH_SIZE], path[SCRATCH_PATH_SIZE];
};

static void begin_bundle(struct bundle_trial *trial)
{
    trial->small = made();
    trial->output = small_output(&trial->small);
    trial->problem = problem_of(&trial->small);
    assert_ok(alibicheck_options_new(&trial->options, &error));
    assert_non_null(scratch_folder(trial->folder, "test_api_bundle"));
    snprintf(trial->path, sizeof trial->path, "%s/b.safetensors", trial->folder);
}

/* No bundle is left: each test has taken its own away. */
static void end_bundle(struct bundle_trial *trial)
{
    assert_int_equal(rmdir(trial->folder), 0);
    alibicheck_options_free(trial->options);
    alibicheck_problem_free(trial->problem);
}

static void test_a_bundle_is_written(void **state)
{
    (void)state;
    struct bundle_trial trial;
    alibicheck_verdict *verdict;
    begin_bundle(&trial);
    assert_ok(alibicheck_options_set_bundle(trial.options, trial.path, 1, &error));
    assert_ok(alibicheck_judge(&verdict, trial.problem, &trial.output, NULL, trial.options, &error));
    assert_false(is_there(trial.path)); /* it passes */
    alibicheck_verdict_free(verdict);
    trial.small.out[0] += 1;
    assert_ok(alibicheck_judge(&verdict, trial.problem, &trial.output, NULL, trial.options, &error));
    assert_true(is_there(trial.path));
    alibicheck_verdict_free(verdict);
    unlink(trial.path);
    assert_int_equal(rmdir(trial.folder), 0);
    /* It cannot be written any more: that is said before any work, which would be cancelled here. */
    alibicheck_progress *progress;
    assert_ok(alibicheck_progress_new(&progress, &error));
    assert_ok(alibicheck_options_set_progress(trial.options, progress, &error));
    alibicheck_progress_cancel(progress);
    assert_int_equal(alibicheck_judge(&verdict, trial.problem, &trial.output, NULL, trial.options, &error),
                     ALIBICHECK_SYSTEM);
    assert_null(verdict);
    alibicheck_options_free(trial.options);
    alibicheck_progress_free(progress);
    alibicheck_problem_free(trial.problem);
}

/* No file can grow: what was looked at before the work could be written then. */
static int judge_without_room(alibicheck_verdict **verdict, const alibicheck_problem *problem,
                              const struct alibicheck_output *output, const alibicheck_options *options)
{
    struct rlimit before, none;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &none);
    int status = alibicheck_judge(verdict, problem, output, NULL, options, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    return status;
}

static void test_a_bundle_that_cannot_be_written_takes_no_verdict_away(void **state)
{
    (void)state;
    struct bundle_trial trial;
    alibicheck_verdict *verdict;
    begin_bundle(&trial);
    for (int if_wrong = 0; if_wrong < 2; if_wrong++)
        for (int of = 0; of < 3; of++) {
            static int (*const set[])(alibicheck_options *, const char *, int, struct alibicheck_error *) = {
                alibicheck_options_set_bundle, alibicheck_options_set_bundle_without_kv,
                alibicheck_options_set_private_bundle};
            trial.small = made();
            assert_ok(set[of](trial.options, trial.path, if_wrong, &error));
            if (if_wrong) {
                assert_ok(judge_without_room(&verdict, trial.problem, &trial.output, trial.options));
                assert_string_equal(alibicheck_verdict_bundle_error(verdict), "");
                alibicheck_verdict_free(verdict);
            } else { /* it passes, and nobody is told anything but that */
                assert_int_equal(judge_without_room(&verdict, trial.problem, &trial.output, trial.options),
                                 ALIBICHECK_SYSTEM);
                assert_null(verdict);
            }
            trial.small.out[0] += 1;
            assert_ok(judge_without_room(&verdict, trial.problem, &trial.output, trial.options));
            assert_string_equal(alibicheck_verdict_status(verdict), "fail");
            const char *why = alibicheck_verdict_bundle_error(verdict), *message = alibicheck_verdict_message(verdict);
            assert_non_null(strstr(why, "File too large"));
            assert_int_equal(strncmp(message, "wrong: 1 of 128 elements", 24), 0);
            const char *line = strstr(message, "\n  no bundle was written: ");
            assert_non_null(line);
            assert_non_null(strstr(line, why));
            assert_false(is_there(trial.path));
            alibicheck_verdict_free(verdict);
        }
    assert_string_equal(alibicheck_verdict_bundle_error(NULL), "");
    end_bundle(&trial);
}

/* All of a file, which then is no more. */
static size_t bytes_of(uint8_t *bytes, size_t room, const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(bytes, 1, room, file) : 0;
    if (file)
        fclose(file);
    unlink(path);
    return size;
}

static void test_a_private_bundle_has_other_tensors(void **state)
{
    (void)state;
    static uint8_t plain[1 << 20], turned[2][1 << 20];
    struct bundle_trial trial;
    alibicheck_verdict *verdict;
    begin_bundle(&trial);
    size_t size[3];
    for (int i = 0; i < 3; i++) {
        assert_ok(i == 0 ? alibicheck_options_set_bundle(trial.options, trial.path, 0, &error)
                         : alibicheck_options_set_private_bundle(trial.options, trial.path, 0, &error));
        assert_ok(alibicheck_judge(&verdict, trial.problem, &trial.output, NULL, trial.options, &error));
        alibicheck_verdict_free(verdict);
        size[i] = bytes_of(i == 0 ? plain : turned[i - 1], sizeof plain, trial.path);
    }
    assert_true(size[0] > 8 && size[0] < sizeof plain && size[1] == size[0] && size[2] == size[0]);
    size_t tensors = 8 + plain[0] + ((size_t)plain[1] << 8); /* behind the header, which has digests */
    assert_true(tensors < size[0]);
    assert_memory_not_equal(plain + tensors, turned[0] + tensors, size[0] - tensors);
    assert_memory_not_equal(turned[0] + tensors, turned[1] + tensors, size[0] - tensors);
    end_bundle(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bundle_is_written),
        cmocka_unit_test(test_a_bundle_that_cannot_be_written_takes_no_verdict_away),
        cmocka_unit_test(test_a_private_bundle_has_other_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
