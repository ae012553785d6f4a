/* A search for a cause that is cancelled: it says so, and soon. */
#include <time.h>

#include "harness/judge/cause/tests/signature_trial.h"

static double cpu_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Of elements that nothing explains; its CPU time, of this thread. */
static enum error_kind search(struct signature_trial *trial, const struct progress *progress, double *seconds,
                              struct error *error)
{
    const struct exhibit exhibit = {.problem = &trial->made.problem,
                                    .output = &trial->output,
                                    .truth = &trial->truth,
                                    .criterion = {JUDGE_TOLERANCE, trial->tolerance, 1},
                                    .progress = progress};
    struct verdict verdict;
    assert_int_equal(verdict_reach(&verdict, &exhibit, error), ERROR_NONE);
    const double start = cpu_s();
    const enum error_kind kind = signature_find(&trial->finding, &exhibit, &verdict, &trial->facts, 1, error);
    *seconds = cpu_s() - start;
    verdict_clear(&verdict);
    return kind;
}

/* What takes the longest is asked of rows that nothing explains: of 60,000 keys half a minute. */
static void test_a_cancelled_search_ends_soon(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(3000, 2, 2, 64, DTYPE_F16);
    struct progress progress = {.cancelled = false};
    struct error error = {.text = ""};
    double whole_s, cancelled_s = INFINITY;
    begin(&trial);
    for (int d = 0; d < 64; d++) {
        float element = (float)((d * 37 + 11) % 64) / 40 - 0.8f;
        dtype_narrow(DTYPE_F16, trial.output.out, (size_t)d, 1, &element);
    }
    assert_int_equal(search(&trial, &progress, &whole_s, &error), ERROR_NONE);
    assert_int_equal(trial.finding.signature, SIGNATURE_UNKNOWN);
    atomic_store(&progress.cancelled, true);
    for (int i = 0; i < 3; i++) { /* the least of them is the work's own, whatever else runs on the CPU */
        double seconds;
        assert_int_equal(search(&trial, &progress, &seconds, &error), ERROR_INTERRUPTED);
        assert_string_equal(error.text, "interrupted");
        cancelled_s = fmin(cancelled_s, seconds);
    }
    if (!(cancelled_s < whole_s / 5))
        fail_msg("%g s of CPU where it is cancelled, %g s where it is not", cancelled_s, whole_s);
    end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cancelled_search_ends_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
