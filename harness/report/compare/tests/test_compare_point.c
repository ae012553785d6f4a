/* What becomes of a point: every change that could be a regression is one. */
#include "harness/report/compare/tests/results_fixture.h"

#include "harness/report/compare/compare_point.h"

static enum compare_class classify(const char *before, const char *after, const struct compare_rules *rules)
{
    struct results a, b;
    struct compared point;
    read_one(&a, before);
    read_one(&b, after);
    compare_point(&point, &a.items[0], &b.items[0], rules);
    results_clear(&b);
    results_clear(&a);
    return point.class;
}

static const struct compare_rules exact = {.today = "2026-11-27"};

static void assert_class(const char *before, const char *after, const struct compare_rules *rules,
                         enum compare_class expected)
{
    enum compare_class class = classify(before, after, rules);
    if (class != expected)
        fail_msg("'%s' to '%s' is %s, not %s", before, after, class_table[class].name, class_table[expected].name);
}

#define OTHER "output_digest=\"0000000000000009\";"

static void test_bits_and_figures(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        enum compare_class class;
    } rows[] = {
        {"", "", CLASS_SAME_BITS},
        {"", OTHER, CLASS_OTHER_BITS},
        {"", OTHER "max_ulp_err=0.5000000000000001", CLASS_WORSE},
        {"", OTHER "max_ulp_err=0.49999999999999994", CLASS_BETTER},
        {"", OTHER "max_ulp_err=0.25;rms_err=0.06250000000000001", CLASS_WORSE}, /* nothing makes up for worse */
        {"", OTHER "max_abs_err=\"nan\"", CLASS_WORSE},
        {"max_abs_err=\"nan\"", OTHER "max_abs_err=\"inf\"", CLASS_BETTER},
        {"max_abs_err=\"nan\"", "max_abs_err=\"nan\"", CLASS_SAME_BITS},
        {"max_abs_err=\"inf\"", OTHER "max_abs_err=\"nan\"", CLASS_WORSE},
        {"", OTHER "budget_used=null", CLASS_WORSE}, /* what had a bound has none */
        {"budget_used=null", OTHER, CLASS_BETTER},
        {"budget_used=null", OTHER "budget_used=null", CLASS_OTHER_BITS},
        {"budget_used=null", OTHER "budget_used=1.5", CLASS_WORSE}, /* and what is known at last may be a fault */
        {"lse_budget_used=null", OTHER "lse_budget_used=\"nan\"", CLASS_WORSE},
        {"", "device=\"cuda\";kernel=\"two_pass\";recipe=\"mpt\"", CLASS_SAME_BITS},
        /* the same bits with other errors: what measures has changed, and not the output */
        {"", "budget_used=0.25", CLASS_JUDGED_OTHERWISE},
        {"", "max_ulp_err=0.75", CLASS_JUDGED_OTHERWISE},
        {"", "undecided=0", CLASS_JUDGED_OTHERWISE},
        {"status=\"fail\"", "", CLASS_JUDGED_OTHERWISE},
        {"status=\"xfail\";expect=\"fail\"", "", CLASS_JUDGED_OTHERWISE},
        {"status=\"fail\";oracles.batch=\"violated\"", "", CLASS_FIXED}, /* what else the kernel did is other */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_class(rows[i].before, rows[i].after, &exact, rows[i].class);
}

static void test_each_metric_can_be_worse(void **state)
{
    (void)state;
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        static const struct {
            const char *value;
            enum compare_class class;
        } rows[] = {{"4", CLASS_WORSE}, {"\"nan\"", CLASS_WORSE}, {"\"inf\"", CLASS_WORSE}, {"0", CLASS_BETTER}};
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            char edits[256];
            snprintf(edits, sizeof edits, OTHER "%s=%s", metric_table[metric].field.name, rows[i].value);
            assert_class("", edits, &exact, metric_table[metric].is_size ? CLASS_UNLIKE : rows[i].class);
        }
    }
}

static void test_what_is_asked(void **state)
{
    (void)state;
    static const char *const looser[] = {
        "tolerance.atol=0.002",
        "tolerance.rtol=1",
        "tolerance.lse=0.5",
        "judge=\"tolerance\"",
        "judge=\"budget\"",
        "budget=2",
        "budget=null",
        "oracles.batch=\"not_run\"",
        "oracles.batch=\"not_applicable\"",
        "oracles.batch=\"not_run\";oracles.partition=\"held\"",
        "tolerance.atol=1;" OTHER "max_ulp_err=0.25",
        OTHER "judge=\"budget\";mismatched=0",
        "tolerance.atol=0.0005;tolerance.rtol=0.002",
    };
    for (size_t i = 0; i < sizeof looser / sizeof looser[0]; i++)
        assert_class("", looser[i], &exact, CLASS_JUDGED_OTHERWISE);
    /* a pass that is bought by a wider tolerance is no fix */
    assert_class("status=\"fail\"", OTHER "tolerance.atol=1;mismatched=0", &exact, CLASS_JUDGED_OTHERWISE);
    assert_class(NOT_RUN, "tolerance.atol=1", &exact, CLASS_JUDGED_OTHERWISE);
    assert_class("judge=\"tolerance\"", "judge=\"budget\"", &exact, CLASS_JUDGED_OTHERWISE);
    /* who asks for more and gets as much loses nothing */
    static const char *const stricter[] = {"tolerance.atol=0.0005", "budget=0.5", "oracles.partition=\"held\""};
    for (size_t i = 0; i < sizeof stricter / sizeof stricter[0]; i++)
        assert_class("", stricter[i], &exact, CLASS_SAME_BITS);
    assert_class("judge=\"tolerance\";budget=null", "", &exact, CLASS_SAME_BITS);
    assert_class("", "tolerance.atol=0.0005;mismatched=4", &exact, CLASS_JUDGED_OTHERWISE);
    assert_class("", "tolerance.atol=0.0005;mismatched=4;" OTHER, &exact, CLASS_WORSE);
}

/* The share of a bound is the kernel's and the recipe's own. */
static void test_bounds_of_another_recipe(void **state)
{
    (void)state;
    assert_class("", OTHER "budget_used=0.75;unbounded=9;lse_unbounded=9", &exact, CLASS_WORSE);
    static const char *const others[] = {"recipe_digest=\"6\";", "kernel=\"two_pass\";"};
    for (int i = 0; i < 2; i++) {
        char edits[256];
        snprintf(edits, sizeof edits, OTHER "%sbudget_used=0.75;lse_budget_used=0.75;unbounded=9;lse_unbounded=9",
                 others[i]);
        assert_class("", edits, &exact, CLASS_OTHER_BITS);
        snprintf(edits, sizeof edits, "%sbudget_used=0.75", others[i]);
        assert_class("", edits, &exact, CLASS_SAME_BITS);
        snprintf(edits, sizeof edits, OTHER "%sbudget_used=0.25;max_ulp_err=0.75", others[i]);
        assert_class("", edits, &exact, CLASS_WORSE);
        /* within its bound is what passes whichever bound it has */
        static const char *const lost[] = {"budget_used=1.0000000000000002", "budget_used=\"nan\"", "budget_used=null",
                                           "lse_budget_used=2", "lse_budget_used=null"};
        for (size_t j = 0; j < sizeof lost / sizeof lost[0]; j++) {
            snprintf(edits, sizeof edits, OTHER "%s%s", others[i], lost[j]);
            assert_class("", edits, &exact, CLASS_WORSE);
        }
        snprintf(edits, sizeof edits, OTHER "%sbudget_used=3", others[i]);
        assert_class("budget_used=2", edits, &exact, CLASS_OTHER_BITS);
        assert_class("budget_used=null", edits, &exact, CLASS_WORSE);
    }
}

static void test_other_problems_are_not_compared(void **state)
{
    (void)state;
    static const char *const edits[] = {
        "input_digest=\"0\"",
        "truth_digest=\"0\"",
        "elements=64",
        "truth_digest=\"0\";status=\"fail\"",
        "input_digest=\"0\";status=\"error\"",
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++)
        assert_class("", edits[i], &exact, CLASS_UNLIKE);
    assert_class("status=\"error\";truth_digest=\"0\"", "", &exact, CLASS_UNLIKE);
    assert_int_equal(class_outcome(CLASS_UNLIKE, &exact), CLASS_IS_NO_COMPARISON);
}

/* By status before and after; what a case expects goes with it. */
static void test_status(void **state)
{
    (void)state;
    static const char *const of[STATUS_COUNT] = {
        [STATUS_PASS] = "status=\"pass\";" OTHER,
        [STATUS_FAIL] = "status=\"fail\"",
        [STATUS_XFAIL] = "status=\"xfail\";expect=\"fail\"",
        [STATUS_XPASS] = "status=\"xpass\";expect=\"fail\"",
        [STATUS_ERROR] = NOT_RUN,
    };
    static const enum compare_class expected[STATUS_COUNT][STATUS_COUNT] = {
        {CLASS_SAME_BITS, CLASS_NEWLY_FAILING, CLASS_VERDICT, CLASS_VERDICT, CLASS_NEWLY_FAILING},
        {CLASS_FIXED, CLASS_SAME_BITS, CLASS_VERDICT, CLASS_VERDICT, CLASS_VERDICT},
        {CLASS_FIXED, CLASS_NEWLY_FAILING, CLASS_SAME_BITS, CLASS_VERDICT, CLASS_NEWLY_FAILING},
        {CLASS_FIXED, CLASS_VERDICT, CLASS_VERDICT, CLASS_SAME_BITS, CLASS_VERDICT},
        /* a failure that is expected all of a sudden is no fix */
        {CLASS_FIXED, CLASS_NEWLY_FAILING, CLASS_JUDGED_OTHERWISE, CLASS_VERDICT, CLASS_NOT_JUDGED},
    };
    for (int a = 0; a < STATUS_COUNT; a++)
        for (int b = 0; b < STATUS_COUNT; b++)
            assert_class(of[a], of[b], &exact, expected[a][b]);
    assert_class(NOT_RUN ";expect=\"fail\"", of[STATUS_XFAIL], &exact, CLASS_FIXED);
    assert_class(of[STATUS_FAIL], "max_ulp_err=0.75;" OTHER, &exact, CLASS_FIXED_WORSE);
    assert_class(of[STATUS_FAIL], "status=\"fail\";expect=\"fail\"", &exact, CLASS_JUDGED_OTHERWISE);
}

static void test_only_as_good_is_green(void **state)
{
    (void)state;
    static const enum compare_class green[] = {CLASS_OTHER_BITS, CLASS_ALLOWED, CLASS_BETTER,
                                               CLASS_FIXED,      CLASS_NEW,     CLASS_SAME_BITS};
    for (enum compare_class class = 0; class < CLASS_COUNT; class ++) {
        bool expected = false;
        for (size_t i = 0; i < sizeof green / sizeof green[0]; i++)
            expected |= class == green[i];
        assert_int_equal(class_outcome(class, &exact) == CLASS_IS_FINE, expected);
        assert_non_null(class_table[class].name);
        assert_non_null(class_table[class].about);
    }
}

static void test_causes(void **state)
{
    (void)state;
    static const char before[] = "status=\"xfail\";expect=\"fail\";signature=\"leak\";oracles.batch=\"violated\"";
    static const struct {
        const char *after;
        enum compare_class class;
    } rows[] = {
        {"signature=\"leak\";oracles.batch=\"violated\"", CLASS_SAME_BITS},
        {"signature=\"unknown\";oracles.batch=\"violated\";" OTHER "max_ulp_err=0.25", CLASS_CAUSE},
        {"signature=\"leak\";oracles.batch=\"violated\";oracles.inputs=\"violated\"", CLASS_CAUSE},
        {"signature=\"leak\";oracles.inputs=\"violated\"", CLASS_CAUSE},
        {"signature=\"leak\"", CLASS_BETTER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char after[512];
        snprintf(after, sizeof after, "status=\"xfail\";expect=\"fail\";%s", rows[i].after);
        assert_class(before, after, &exact, rows[i].class);
    }
}

static void test_allowances(void **state)
{
    (void)state;
    struct compare_rules rules = exact;
    rules.allowances[METRIC_MAX_ULP_ERR].relative = 0.5;
    rules.allowances[METRIC_MISMATCHED].absolute = 2;
    static const struct {
        const char *edits;
        enum compare_class class;
    } rows[] = {
        {OTHER "max_ulp_err=0.75", CLASS_ALLOWED},
        {OTHER "max_ulp_err=0.7500001", CLASS_WORSE},
        {OTHER "max_ulp_err=\"inf\"", CLASS_WORSE},
        {OTHER "max_ulp_err=\"nan\"", CLASS_WORSE},
        {OTHER "mismatched=5", CLASS_ALLOWED},
        {OTHER "mismatched=6", CLASS_WORSE},
        {OTHER "mismatched=5;max_ulp_err=0.75;rms_err=0.07", CLASS_WORSE},
        {OTHER "mismatched=5;rms_err=0.01", CLASS_ALLOWED},
        {OTHER "mismatched=5;status=\"fail\"", CLASS_NEWLY_FAILING}, /* no allowance turns a failure into a pass */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_class("", rows[i].edits, &rules, rows[i].class);
    assert_class("max_ulp_err=0", OTHER "max_ulp_err=1e-300", &rules, CLASS_WORSE); /* half of nothing */
    assert_class("max_ulp_err=\"inf\"", OTHER "max_ulp_err=\"nan\"", &rules, CLASS_WORSE);
}

static void test_every_bit(void **state)
{
    (void)state;
    struct compare_rules rules = {.bits = true, .today = exact.today};
    rules.allowances[METRIC_RMS_ERR].absolute = 1;
    assert_class("", "", &rules, CLASS_SAME_BITS);
    static const char *const edits[] = {OTHER, OTHER "max_ulp_err=0.25", OTHER "rms_err=0.5"};
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++)
        assert_class("", edits[i], &rules, CLASS_OTHER_BITS);
    assert_class("", OTHER "max_ulp_err=0.75", &rules, CLASS_WORSE);
    assert_int_equal(class_outcome(CLASS_OTHER_BITS, &rules), CLASS_IS_WORSE);
}

#define LINE                                                                                                        \
    "{\"baseline\":1,\"schema\":1,\"key\":\"case:seq_len=9\",\"status\":\"fail\",\"expect\":\"pass\",\"elements\":" \
    "128,"                                                                                                          \
    "\"mismatched\":3,\"max_abs_err\":0.25,\"max_ulp_err\":0.5,\"p99_ulp_err\":0.5,\"p50_ulp_err\":0.25,"           \
    "\"max_rel_err\":0.125,\"max_scaled_err\":0.125,\"rms_err\":0.0625,\"nan\":1,\"inf\":1,\"undecided\":1,"        \
    "\"unwritten\":1,\"budget_used\":0.5,\"unbounded\":2,\"lse_mismatched\":2,\"max_lse_err\":0.5,"                 \
    "\"lse_budget_used\":0.5,\"lse_off\":1,\"lse_unbounded\":2,\"output_digest\":\"0000000000000001\","             \
    "\"judge\":\"both\",\"atol\":0.001,\"rtol\":0.001,\"lse_tolerance\":0.001,\"budget\":1,"                        \
    "\"oracles\":\"poison,inputs,batch\",\"input_digest\":\"0000000000000002\","                                    \
    "\"truth_digest\":\"0000000000000003\",\"kernel\":\"split_kv\",\"recipe\":\"mlx\",\"recipe_digest\":\"5\","     \
    "\"device\":\"host\","                                                                                          \
    "\"known_failure\":\"https://example.org/1\",\"expires\":\"2026-11-27\"}"

static void test_known_failures_expire(void **state)
{
    (void)state;
    struct compare_rules late = {.today = "2026-11-28"};
    assert_class(LINE, "status=\"fail\"", &exact, CLASS_SAME_BITS);
    assert_class(LINE, "status=\"fail\"", &late, CLASS_EXPIRED);
    assert_class(LINE, "status=\"pass\";" OTHER, &late, CLASS_FIXED);
}

static void test_points_on_one_side(void **state)
{
    (void)state;
    static const struct {
        const char *edits;
        enum compare_class class;
    } rows[] = {{"", CLASS_NEW},
                {"status=\"xfail\";expect=\"fail\"", CLASS_NEW},
                {"status=\"fail\"", CLASS_NEW_FAILING},
                {"status=\"xpass\";expect=\"fail\"", CLASS_NEW_FAILING},
                {NOT_RUN, CLASS_NEW_FAILING}};
    struct compared point;
    struct results results;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        read_one(&results, rows[i].edits);
        compare_point(&point, NULL, &results.items[0], &exact);
        assert_int_equal(point.class, rows[i].class);
        compare_point(&point, &results.items[0], NULL, &exact);
        assert_int_equal(point.class, CLASS_MISSING);
        results_clear(&results);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits_and_figures),
        cmocka_unit_test(test_each_metric_can_be_worse),
        cmocka_unit_test(test_what_is_asked),
        cmocka_unit_test(test_bounds_of_another_recipe),
        cmocka_unit_test(test_other_problems_are_not_compared),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_only_as_good_is_green),
        cmocka_unit_test(test_causes),
        cmocka_unit_test(test_allowances),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_known_failures_expire),
        cmocka_unit_test(test_points_on_one_side),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
