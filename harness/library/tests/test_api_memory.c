/*
 * Memory that runs out at any place: whatever is judged ends with an error value, and nothing is lost. It takes
 * seconds: a thousand allocations fail one after the other, each twice.
 *
 * GMP and MPFR end the process when they get no memory, and OpenMP does; that is theirs (docs/library.md), so they get
 * theirs (failing_memory.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/library/tests/api_fixture.h"
#include "harness/support/tests/failing_memory.h"
#include "harness/support/tests/scratch.h"

#ifndef OTHER_ALLOCATOR

/* ---- what is tried ----------------------------------------------------------------------------------------------- */

enum { FEW_KEYS = 5, FEW_HEADS = 2, FEW_DIM = 4 };

static char bundle[SCRATCH_SIZE]; /* of what is wrong */

/* That there was no memory for a bundle is no error of a wrong output, and is told with it: as if it were one here. */
static int bundle_status(const alibicheck_verdict *verdict, struct alibicheck_error *error)
{
    const char *why = alibicheck_verdict_bundle_error(verdict);
    if (!*why)
        return ALIBICHECK_OK;
    error->status = ALIBICHECK_SYSTEM;
    snprintf(error->text, sizeof error->text, "%s", why);
    return strstr(alibicheck_verdict_message(verdict), why) ? ALIBICHECK_SYSTEM : -1;
}

/* A small problem from nothing to a verdict and a truth; the status of what failed first. */
static int work(bool wrong, struct alibicheck_error *error)
{
    static float q[FEW_HEADS * FEW_DIM], k[FEW_KEYS * FEW_HEADS * FEW_DIM], v[FEW_KEYS * FEW_HEADS * FEW_DIM];
    static float out[FEW_HEADS * FEW_DIM], lse[FEW_HEADS];
    static const float slopes[FEW_HEADS] = {0.5f, 0.25f}, sinks[FEW_HEADS] = {-1, 1};
    static const uint8_t visible[FEW_KEYS] = {1, 1, 0, 1, 1};
    static const int64_t numbers[] = {0, 1, 2};
    const struct alibicheck_shape shape = {FEW_KEYS, 1, FEW_HEADS, FEW_HEADS, FEW_DIM};
    const struct alibicheck_pages pages = {numbers, 2, 3, 2 * FEW_HEADS * FEW_DIM, 2 * FEW_HEADS * FEW_DIM};
    const struct alibicheck_tensor tensors[] = {
        alibicheck_packed(q, ALIBICHECK_F32, FEW_HEADS, FEW_DIM),
        alibicheck_packed(k, ALIBICHECK_F32, FEW_HEADS, FEW_DIM),
        alibicheck_packed(v, ALIBICHECK_F32, FEW_HEADS, FEW_DIM),
    };
    const struct alibicheck_output output = {
        .out = alibicheck_packed(out, ALIBICHECK_F32, FEW_HEADS, FEW_DIM),
        .lse = lse,
        .lse_strides = {FEW_HEADS, 1},
        .lse_base = ALIBICHECK_LSE_BASE_E,
    };
    alibicheck_problem *problem = NULL;
    alibicheck_options *options = NULL;
    alibicheck_progress *progress = NULL;
    alibicheck_truth *truth = NULL;
    alibicheck_verdict *verdict = NULL;
    alibicheck_explanation *explanation = NULL;
    small_fill(q, FEW_HEADS * FEW_DIM, 1);
    small_fill(k, FEW_KEYS * FEW_HEADS * FEW_DIM, 2);
    small_fill(v, (FEW_KEYS - 1) * FEW_HEADS * FEW_DIM, 3);
    int status = alibicheck_problem_new(&problem, &shape, error);
    if (!status)
        status = alibicheck_problem_set_q(problem, &tensors[0], error);
    if (!status)
        status = alibicheck_problem_set_k(problem, &tensors[1], error);
    if (!status)
        status = alibicheck_problem_set_v(problem, &tensors[2], error);
    if (!status)
        status = alibicheck_problem_set_scale(problem, 0.5f, error);
    if (!status)
        status = alibicheck_problem_set_slope_convention(problem, "hf", error);
    if (!status)
        status = alibicheck_problem_set_slopes(problem, slopes, error);
    if (!status)
        status = alibicheck_problem_set_sink_logits(problem, sinks, error);
    if (!status)
        status = alibicheck_problem_set_visible(problem, visible, error);
    if (!status)
        status = alibicheck_problem_set_pages(problem, &pages, error);
    if (!status)
        status = alibicheck_options_new(&options, error);
    if (!status)
        status = alibicheck_options_set_threads(options, 1, error);
    if (!status && wrong)
        status = alibicheck_options_set_bundle_without_kv(options, bundle, 0, error);
    if (!status)
        status = alibicheck_progress_new(&progress, error);
    if (!status)
        status = alibicheck_options_set_progress(options, progress, error);
    if (!status)
        status = alibicheck_truth_compute(&truth, problem, options, error);
    if (!status && !wrong)
        for (int i = 0; i < FEW_HEADS * FEW_DIM; i++)
            out[i] = (float)alibicheck_truth_array(truth, ALIBICHECK_TRUTH_VALUE)[i];
    if (!status && !wrong)
        for (int h = 0; h < FEW_HEADS; h++)
            lse[h] = (float)alibicheck_truth_array(truth, ALIBICHECK_TRUTH_LSE)[h];
    if (!status && wrong)
        out[1] += 0.5f;
    if (!status)
        status = alibicheck_judge(&verdict, problem, &output, wrong ? &output : NULL, options, error);
    if (!status && alibicheck_verdict_passed(verdict) == wrong)
        status = -1;
    if (!status)
        status = bundle_status(verdict, error);
    if (!status && wrong)
        status = alibicheck_explain(&explanation, problem, &output, verdict, -1, -1, error);
    alibicheck_explanation_free(explanation);
    alibicheck_verdict_free(verdict);
    alibicheck_truth_free(truth);
    alibicheck_progress_free(progress);
    alibicheck_options_free(options);
    alibicheck_problem_free(problem);
    return status;
}

/* Fails each allocation in its turn, or it and all that follow, until there is none left. A few can be done without,
 * and what is judged is then the same: a certificate that finds no memory leaves its head to MPFR, a text is tried
 * again. */
static void fail_each(bool wrong, bool and_after)
{
    struct alibicheck_error error;
    long done_without = 0;
    assert_int_equal(work(wrong, &error), ALIBICHECK_OK); /* what libraries make once is there then */
    for (long at = 0;; at++) {
        turn.count = turn.failed = turn.live = 0;
        memset(turn.held, 0, sizeof turn.held);
        turn.fails_at = at;
        turn.and_after = and_after;
        turn.on = true;
        int status = work(wrong, &error);
        turn.on = false;
        turn.fails_at = -1;
        if (turn.live != 0)
            fail_msg("allocation %ld of %ld fails: %ld blocks are lost; status %d, %s", at, turn.count, turn.live,
                     status, error.text);
        if (status == ALIBICHECK_OK && turn.failed > 0)
            done_without++;
        else if (status == ALIBICHECK_OK)
            break;
        else if (status != ALIBICHECK_SYSTEM || error.status != status ||
                 strncmp(error.text, "out of memory: ", 15) != 0)
            fail_msg("allocation %ld fails: status %d, \"%s\"", at, status, error.text);
    }
    assert_true(turn.count > 100 && done_without < turn.count / 4);
}

static int remove_bundle(void **state)
{
    (void)state;
    unlink(bundle);
    return 0;
}

static void test_an_allocation_fails(void **state)
{
    (void)state;
    fail_each(false, false);
    fail_each(true, false);
}

static void test_all_fail_from_one_on(void **state)
{
    (void)state;
    fail_each(false, true);
    fail_each(true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_allocation_fails),
        cmocka_unit_test(test_all_fail_from_one_on),
    };
    const int file = scratch_file(bundle, "test_api_memory"); /* a bundle replaces it */
    if (file < 0 || close(file) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, remove_bundle) != 0;
}

#else

int main(void)
{
    return 0;
}

#endif
