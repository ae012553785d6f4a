/* A kernel that promises no same bits, as one whose splits depend on what else is in a launch, is allowed what rounding
 * does to each result that is compared: to small ones little, and to those of a v that is constant more. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/oracle/tests/broken_subject.h"

enum { SMALL = -12 }; /* powers of 2 in all of v, the constant aside */

static int sequences, answered; /* of a launch */
static double off_by;           /* units in the last place of each element, where a launch has several sequences */
static bool last_alone;         /* of its last one: in the oracle the one whose v is constant */
static bool makes_nan;          /* in place of that */
static bool alternates;         /* launches are so by turns, two and two */
static const struct tolerance *tolerance; /* of the inquiry */

static void count_sequences(struct problem *problems, int i, void *scratch)
{
    (void)problems, (void)scratch;
    sequences = i + 1;
    answered = 0;
}

static void round_otherwise(const struct problem *problem, const struct kernel_options *options,
                            const struct output *output, int run)
{
    bool is_last = ++answered == sequences;
    const bool is_other = alternates ? (run + 1) / 2 % 2 : sequences > 1 || options->chunk_len != CHUNK;
    for (int64_t i = 0; i < problem_elements(problem) && is_other && (is_last || !last_alone); i++)
        f32(output->out)[i] *= makes_nan ? NAN : (float)(1 + off_by * 0x1p-23);
}

/* shown: what the oracle's line has to have in it, or NULL. */
static enum oracle_outcome ask(enum oracle oracle, const struct problem *problem, struct device *device,
                               bool may_differ, const char *shown)
{
    const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    int runs = 0;
    struct broken_subject broken = broken_subject(
        device, oracle == ORACLE_PARTITION ? KERNEL_SPLIT_KV : KERNEL_SINGLE_PASS, CHUNK, &recipe, &runs);
    struct oracle_inquiry inquiry = {
        .subject = &broken.subject, .problem = problem, .tolerance = tolerance, .threads = 1};
    struct oracle_report report;
    struct error error;
    broken.subject.may_differ = may_differ;
    broken.before = count_sequences;
    broken.after = round_otherwise;
    assert_int_equal(oracles_run(&report, &inquiry, 1u << oracle, &error), ERROR_NONE);
    if (shown && !strstr(report.detail[oracle], shown))
        fail_msg("'%s' is not in '%s'", shown, report.detail[oracle]);
    return report.outcome[oracle];
}

static enum oracle_outcome batch_of(const struct problem *problem, struct device *device, bool may_differ,
                                    const char *shown)
{
    return ask(ORACLE_BATCH, problem, device, may_differ, shown);
}

static void test_each_result_is_allowed_its_own_rounding(void **state)
{
    struct device *device = open_host();
    struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
    float sinks[H] = {-1, 2, 0.5f, 3};
    (void)state;
    for (size_t i = 0; i < problem_row(&made.problem, N, 0); i++)
        f32(made.problem.v)[i] = ldexpf(f32(made.problem.v)[i], SMALL);
    for (int with_sinks = 0; with_sinks < 2; with_sinks++) {
        made.problem.sink_logits = with_sinks ? sinks : NULL;
        off_by = 1;
        assert_int_equal(batch_of(&made.problem, device, true, NULL), ORACLE_HELD);
        assert_int_equal(batch_of(&made.problem, device, false, NULL), ORACLE_VIOLATED);
        off_by = 0x1p13; /* a thousandth, which is beyond all roundings */
        for (int alone = 0; alone < 2; alone++) {
            last_alone = alone;
            assert_int_equal(batch_of(&made.problem, device, true, alone ? "v constant" : "first"), ORACLE_VIOLATED);
        }
        last_alone = false;
    }
    free_problem(&made);
    device_close(device);
}

/* What a repeated run shows, although `determinism` is not asked. */
static void test_so_is_what_differs_from_run_to_run(void **state)
{
    struct device *device = open_host();
    struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
    (void)state;
    alternates = true;
    off_by = 1;
    assert_int_equal(batch_of(&made.problem, device, false, NULL), ORACLE_HELD);
    off_by = 0x1p13;
    assert_int_equal(batch_of(&made.problem, device, false, "rounding allows"), ORACLE_VIOLATED);
    alternates = false;
    free_problem(&made);
    device_close(device);
}

/* Keys that are equal, and logits so large that rounding may make anything of their weights. */
static struct made_problem make_equal_keys(void)
{
    struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
    const size_t row = problem_row(&made.problem, 1, 0);
    for (int key = 1; key < N; key++)
        memcpy(f32(made.problem.k) + (size_t)key * row, made.problem.k, row * sizeof(float));
    made.problem.scale = 0x1p40;
    return made;
}

static void test_no_rounding_makes_nan_of_a_number(void **state)
{
    struct device *device = open_host();
    struct made_problem made = make_equal_keys();
    (void)state;
    off_by = 1;
    assert_int_equal(batch_of(&made.problem, device, true, NULL), ORACLE_HELD);
    makes_nan = true;
    assert_int_equal(batch_of(&made.problem, device, true, "is nan as the first"), ORACLE_VIOLATED);
    makes_nan = false;
    free_problem(&made);
    device_close(device);
}

/* Where a bound is infinite, a number is not anything, but what the tolerance takes both results for. */
static void test_no_rounding_makes_another_number_of_a_right_one(void **state)
{
    static const struct tolerance strict = {.atol = 1e-6, .rtol = 1e-3, .lse = 1e-3};
    struct device *device = open_host();
    struct made_problem made = make_equal_keys();
    (void)state;
    for (int with_tolerance = 0; with_tolerance < 2; with_tolerance++) {
        tolerance = with_tolerance ? &strict : NULL;
        off_by = 0x1p14; /* two tolerances */
        assert_int_equal(batch_of(&made.problem, device, true, NULL), ORACLE_HELD);
        off_by = 0x1p17; /* sixteen */
        assert_int_equal(batch_of(&made.problem, device, true, with_tolerance ? " as the first" : NULL),
                         with_tolerance ? ORACLE_VIOLATED : ORACLE_HELD);
        assert_int_equal(
            ask(ORACLE_PARTITION, &made.problem, device, false, with_tolerance ? "; the tolerance allows 0.0" : NULL),
            with_tolerance ? ORACLE_VIOLATED : ORACLE_HELD);
        off_by = 0x1p14;
        assert_int_equal(ask(ORACLE_PARTITION, &made.problem, device, false, NULL), ORACLE_HELD);
    }
    tolerance = NULL;
    free_problem(&made);
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_result_is_allowed_its_own_rounding),
        cmocka_unit_test(test_so_is_what_differs_from_run_to_run),
        cmocka_unit_test(test_no_rounding_makes_nan_of_a_number),
        cmocka_unit_test(test_no_rounding_makes_another_number_of_a_right_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
