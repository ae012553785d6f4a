/* Every expectation against every decision, oracle and signature, and what is said of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/evaluate/outcome.h"
#include "harness/judge/verdict.h"

static const struct expectation expectations[] = {
    {.failure = false},
    {.failure = true},
    {.failure = true, .signature = SIGNATURE_LEAK},
};
static const char *const expectation_names[] = {"pass", "fail", "fail as leak"};
static const enum signature signatures[] = {SIGNATURE_NONE, SIGNATURE_LEAK, SIGNATURE_NAN};

enum { NUM_EXPECTATIONS = 3, NUM_SIGNATURES = 3 };

enum { P = STATUS_PASS, F = STATUS_FAIL, X = STATUS_XFAIL, U = STATUS_XPASS, E = STATUS_ERROR };

/* By the decision, whether an oracle is violated, the expectation and the signature found. */
static const int expected_status[DECISION_COUNT][2][NUM_EXPECTATIONS][NUM_SIGNATURES] = {
    [DECISION_PASS] = {{{P, P, P}, {U, U, U}, {U, U, U}}, {{F, F, F}, {X, X, X}, {F, X, F}}},
    [DECISION_FAIL] = {{{F, F, F}, {X, X, X}, {F, X, F}}, {{F, F, F}, {X, X, X}, {F, X, F}}},
    [DECISION_UNDECIDED] = {{{E, E, E}, {E, E, E}, {E, E, E}}, {{E, E, E}, {E, E, E}, {E, E, E}}},
    [DECISION_UNBOUNDED] = {{{E, E, E}, {E, E, E}, {E, E, E}}, {{E, E, E}, {E, E, E}, {E, E, E}}},
};

static void test_status_of_every_combination(void **state)
{
    (void)state;
    for (int decision = 0; decision < DECISION_COUNT; decision++)
        for (int violated = 0; violated < 2; violated++)
            for (int e = 0; e < NUM_EXPECTATIONS; e++)
                for (int s = 0; s < NUM_SIGNATURES; s++) {
                    enum status status =
                        outcome_status(&expectations[e], (enum decision)decision, violated, signatures[s]);
                    int wanted = expected_status[decision][violated][e][s];
                    if ((int)status != wanted)
                        fail_msg("expected to %s, decision %d, oracle violated %d, found %s: %s in place of %s",
                                 expectation_names[e], decision, violated, signature_names[signatures[s]],
                                 status_names[status], status_names[wanted]);
                }
}

static void test_status_as_expected(void **state)
{
    (void)state;
    assert_true(status_as_expected(STATUS_PASS));
    assert_true(status_as_expected(STATUS_XFAIL));
    assert_false(status_as_expected(STATUS_FAIL));
    assert_false(status_as_expected(STATUS_XPASS));
    assert_false(status_as_expected(STATUS_ERROR));
}

static void test_outcome_of_a_point_and_its_reason(void **state)
{
    (void)state;
    static const struct {
        struct expectation expected;
        struct criterion criterion;
        struct metrics total;
        enum oracle_outcome oracle;
        unsigned asked; /* oracles beside it */
        enum signature found;
        enum status status;
        const char *reason;
    } rows[] = {
        {.status = STATUS_PASS, .reason = ""},
        {.total = {.mismatched = 1}, .found = SIGNATURE_LEAK, .status = STATUS_FAIL, .reason = ""},
        {.oracle = ORACLE_HELD, .status = STATUS_PASS, .reason = ""},
        {.oracle = ORACLE_VIOLATED, .status = STATUS_FAIL, .reason = ""},
        {.expected = {.failure = true}, .status = STATUS_XPASS, .reason = ""},
        {.expected = {.failure = true}, .oracle = ORACLE_HELD, .status = STATUS_XPASS, .reason = ""},
        {.expected = {.failure = true},
         .oracle = ORACLE_NOT_APPLICABLE,
         .status = STATUS_SKIP,
         .reason = "the failure that is expected could not be looked for: batch: no such device"},
        {.expected = {.failure = true},
         .oracle = ORACLE_NOT_APPLICABLE,
         .asked = 1u << ORACLE_GUARDS, /* which was tried */
         .status = STATUS_XPASS,
         .reason = ""},
        {.expected = {.failure = true},
         .oracle = ORACLE_NOT_APPLICABLE,
         .total = {.mismatched = 1},
         .status = STATUS_XFAIL,
         .reason = ""},
        {.oracle = ORACLE_NOT_APPLICABLE, .status = STATUS_PASS, .reason = ""},
        {.expected = {true, SIGNATURE_LEAK},
         .total = {.mismatched = 1},
         .found = SIGNATURE_LEAK,
         .status = STATUS_XFAIL,
         .reason = ""},
        {.expected = {true, SIGNATURE_LEAK},
         .total = {.mismatched = 1},
         .found = SIGNATURE_NAN,
         .status = STATUS_FAIL,
         .reason = "expected to fail as leak, fails as nan"},
        {.expected = {true, SIGNATURE_LEAK},
         .oracle = ORACLE_VIOLATED,
         .status = STATUS_FAIL,
         .reason = "expected to fail as leak, fails as none"},
        {.total = {.undecided = 3},
         .status = STATUS_ERROR,
         .reason =
             "the tolerance lies within the radius of the truth for 3 elements; allow a little more or, in a case, "
             "raise truth_precision"},
        {.criterion = {.mode = JUDGE_BUDGET},
         .total = {.unbounded = 4, .lse_unbounded = 1},
         .status = STATUS_ERROR,
         .reason = "rounding can do anything to 4 elements, so a budget says nothing; give a tolerance"},
        {.criterion = {.mode = JUDGE_BUDGET},
         .total = {.lse_unbounded = 1},
         .status = STATUS_ERROR,
         .reason = "rounding can do anything to 1 lse, so a budget says nothing; give a tolerance"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct point point = {.expect_fail = rows[i].expected.failure,
                                    .signature = rows[i].expected.signature,
                                    .oracles = 1u << ORACLE_BATCH | rows[i].asked,
                                    .criterion = rows[i].criterion};
        const struct oracle_report report = {
            .outcome = {[ORACLE_BATCH] = rows[i].oracle, [ORACLE_GUARDS] = ORACLE_HELD},
            .detail = {[ORACLE_BATCH] = "no such device"}};
        const struct class_report no_classes = {.num_rows = 0};
        struct outcome outcome;
        outcome_reach(&outcome, &point, &rows[i].total, &no_classes, &report, rows[i].found);
        assert_int_equal(outcome.status, rows[i].status);
        assert_string_equal(outcome.reason, rows[i].reason);
    }
}

/* Whatever its numbers are: a class that is asked for, and does not cover a row. Nothing is asked where nothing was
 * found out. */
static void test_an_output_outside_the_class_that_is_asked_for_fails(void **state)
{
    (void)state;
    const struct metrics total = {.elements = 2};
    const struct oracle_report held = {.outcome = {[ORACLE_BATCH] = ORACLE_HELD}};
    const struct arithmetic_class f32 = {.set = CLASS_F32};
    struct point point = {.criterion = {.mode = JUDGE_TOLERANCE}, .demand = {true, f32}};
    struct class_report classes;
    struct outcome outcome;
    assert_int_equal(class_report_init(&classes, 2, NULL), ERROR_NONE);
    class_sets_add_above(&classes.covered[0], CLASS_F32);
    class_sets_add_above(&classes.covered[1], 1 << CLASS_WEIGHTS16);
    outcome_reach(&outcome, &point, &total, &classes, &held, SIGNATURE_NONE);
    assert_int_equal(outcome.status, STATUS_FAIL);
    point.demand.arithmetic.set = 1 << CLASS_WEIGHTS16;
    outcome_reach(&outcome, &point, &total, &classes, &held, SIGNATURE_NONE);
    assert_int_equal(outcome.status, STATUS_PASS);
    point.demand = (struct class_demand){false, f32};
    outcome_reach(&outcome, &point, &total, &classes, &held, SIGNATURE_NONE);
    assert_int_equal(outcome.status, STATUS_PASS);
    class_report_clear(&classes);
}

/* A class that is asked for, and promises nothing of a row: neither a pass nor a fail, unless the numbers fail or an
 * oracle does. */
static void test_a_class_that_cannot_be_told_decides_nothing(void **state)
{
    (void)state;
    const struct metrics right = {.elements = 2}, off = {.elements = 2, .mismatched = 1};
    const struct oracle_report held = {.outcome = {[ORACLE_BATCH] = ORACLE_HELD}},
                               violated = {.outcome = {[ORACLE_BATCH] = ORACLE_VIOLATED}};
    const struct point point = {.problem = {.num_heads = 2},
                                .criterion = {.mode = JUDGE_TOLERANCE},
                                .demand = {true, {.set = 1 << CLASS_LOGITS16}},
                                .oracles = 1u << ORACLE_BATCH};
    struct class_report classes;
    struct outcome outcome;
    assert_int_equal(class_report_init(&classes, 2, NULL), ERROR_NONE);
    class_sets_add_above(&classes.covered[0], CLASS_F32);
    class_sets_add_above(&classes.open[1], 1 << CLASS_LOGITS16);
    outcome_reach(&outcome, &point, &right, &classes, &held, SIGNATURE_NONE);
    assert_int_equal(outcome.status, STATUS_ERROR);
    assert_string_equal(outcome.reason,
                        "in class f32+logits16 rounding can do anything to head 1, so whether the output is in it "
                        "cannot be told; ask for another class, or for none");
    assert_false(class_is_missed(&classes, &point.demand));
    outcome_reach(&outcome, &point, &off, &classes, &held, SIGNATURE_UNKNOWN);
    assert_int_equal(outcome.status, STATUS_FAIL);
    outcome_reach(&outcome, &point, &right, &classes, &violated, SIGNATURE_UNKNOWN);
    assert_int_equal(outcome.status, STATUS_FAIL);
    assert_string_equal(outcome.reason, "");
    class_report_clear(&classes);
}

static void test_a_point_that_was_not_run_is_an_error(void **state)
{
    (void)state;
    struct outcome outcome;
    outcome_not_run(&outcome, "the GPU fell off");
    assert_int_equal(outcome.status, STATUS_ERROR);
    assert_string_equal(outcome.reason, "the GPU fell off");
}

/* What files say. A name from elsewhere is no pass. */
static void test_statuses_by_name(void **state)
{
    (void)state;
    static const char *const good[] = {"pass", "xfail"}, *const bad[] = {"fail",   "xpass", "error",
                                                                         "passed", "PASS",  ""};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(status_name_as_expected(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(status_name_as_expected(bad[i]));
}

static void test_statuses_that_an_expectation_allows(void **state)
{
    (void)state;
    static const bool possible[2][STATUS_COUNT] = {
        {[STATUS_PASS] = true, [STATUS_FAIL] = true, [STATUS_ERROR] = true, [STATUS_SKIP] = true},
        {[STATUS_XFAIL] = true,
         [STATUS_XPASS] = true,
         [STATUS_FAIL] = true,
         [STATUS_ERROR] = true,
         [STATUS_SKIP] = true},
    };
    for (int expects_failure = 0; expects_failure < 2; expects_failure++)
        for (int status = 0; status < STATUS_COUNT; status++)
            assert_int_equal(status_is_possible((enum status)status, expects_failure),
                             possible[expects_failure][status]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_of_every_combination),
        cmocka_unit_test(test_status_as_expected),
        cmocka_unit_test(test_outcome_of_a_point_and_its_reason),
        cmocka_unit_test(test_an_output_outside_the_class_that_is_asked_for_fails),
        cmocka_unit_test(test_a_class_that_cannot_be_told_decides_nothing),
        cmocka_unit_test(test_a_point_that_was_not_run_is_an_error),
        cmocka_unit_test(test_statuses_by_name),
        cmocka_unit_test(test_statuses_that_an_expectation_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
