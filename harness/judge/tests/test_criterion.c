/* What passes: every way of judging against every way in which numbers can be off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/judge/verdict.h"

/* One thing that is off, and what each mode makes of it with a budget of 2. */
struct fault {
    const char *name;
    struct metrics metrics;
    enum decision decisions[JUDGE_MODE_COUNT];
};

static const enum decision passes = DECISION_PASS, fails = DECISION_FAIL;

static void check(const char *name, const struct metrics *metrics, enum judge_mode mode, enum decision expected)
{
    const struct criterion criterion = {.mode = mode, .budget = 2};
    enum decision decision = criterion_decide(&criterion, metrics);
    if (decision != expected)
        fail_msg("%s, %s: decision %d in place of %d", name, judge_mode_names[mode], (int)decision, (int)expected);
}

#define SHARES(out, lse) .elements = 8, .budget_used = (out), .lse_budget_used = (lse)
#define SOUND SHARES(0.5, 0.25)

static void test_each_mode_sees_what_it_judges(void **state)
{
    (void)state;
    const struct fault faults[] = {
        {"nothing", {SOUND}, {passes, passes, passes}},
        {"an element outside the tolerance", {SOUND, .mismatched = 1}, {fails, fails, passes}},
        {"an lse outside the tolerance", {SOUND, .lse_off = 1}, {fails, fails, passes}},
        {"an lse outside a tolerance that grows with it", {SOUND, .lse_mismatched = 1}, {passes, passes, passes}},
        {"out at its budget", {SHARES(2, 0.25)}, {passes, passes, passes}},
        {"out beyond its budget", {SHARES(2.0001, 0.25)}, {fails, passes, fails}},
        {"lse at its budget", {SHARES(0.5, 2)}, {passes, passes, passes}},
        {"lse beyond its budget", {SHARES(0.5, 2.0001)}, {fails, passes, fails}},
        {"a NaN, infinitely beyond its bound", {SHARES(INFINITY, 0.25)}, {fails, passes, fails}},
        {"an element without a bound", {SOUND, .unbounded = 1}, {passes, passes, DECISION_UNBOUNDED}},
        {"an lse without a bound", {SOUND, .lse_unbounded = 1}, {passes, passes, DECISION_UNBOUNDED}},
        {"out without bounds", {SHARES(NAN, 0.25)}, {passes, passes, DECISION_UNBOUNDED}},
        {"lse without bounds", {SHARES(0.5, NAN)}, {passes, passes, DECISION_UNBOUNDED}},
        {"an undecided element", {SOUND, .undecided = 1}, {DECISION_UNDECIDED, DECISION_UNDECIDED, DECISION_PASS}},
        {"an undecided element that is rather outside the tolerance",
         {SOUND, .undecided = 1, .mismatched = 1},
         {DECISION_UNDECIDED, DECISION_UNDECIDED, DECISION_PASS}},
        {"an undecided element beside one outside the tolerance",
         {SOUND, .undecided = 1, .mismatched = 1, .surely_off = 1},
         {fails, fails, DECISION_PASS}},
        {"an undecided element beside one beyond its bound",
         {SHARES(3, 0.25), .undecided = 1},
         {fails, DECISION_UNDECIDED, fails}},
        {"an element without a bound beside one outside the tolerance",
         {SOUND, .unbounded = 1, .mismatched = 1},
         {fails, fails, DECISION_UNBOUNDED}},
        {"an element without a bound beside one beyond its bound",
         {SHARES(3, 0.25), .unbounded = 1},
         {fails, passes, fails}},
        {"an lse without a bound beside an element beyond its bound",
         {SHARES(3, NAN), .lse_unbounded = 1},
         {fails, passes, fails}},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        for (int mode = 0; mode < JUDGE_MODE_COUNT; mode++)
            check(faults[i].name, &faults[i].metrics, (enum judge_mode)mode, faults[i].decisions[mode]);
}

static void test_modes_have_names(void **state)
{
    (void)state;
    static const char *const names[JUDGE_MODE_COUNT] = {"both", "tolerance", "budget"};
    for (int mode = 0; mode < JUDGE_MODE_COUNT; mode++)
        assert_string_equal(judge_mode_names[mode], names[mode]);
}

/* What is not said is the dtype's own; 0 is said. */
static void test_a_tolerance_of_nothing_is_one(void **state)
{
    (void)state;
    struct tolerance none = {0, 0, 0}, unsaid = {-1, 0, -1};
    tolerance_derive(&none, DTYPE_F16);
    assert_true(none.atol == 0 && none.rtol == 0 && none.lse == 0);
    tolerance_derive(&unsaid, DTYPE_BF16);
    assert_true(unsaid.atol == 1e-2 && unsaid.rtol == 0 && unsaid.lse == 1e-2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mode_sees_what_it_judges),
        cmocka_unit_test(test_modes_have_names),
        cmocka_unit_test(test_a_tolerance_of_nothing_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
