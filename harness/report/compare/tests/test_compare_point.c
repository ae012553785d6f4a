/* What becomes of a point: every change that could be a regression is one. */
#include "harness/report/compare/tests/results_fixture.h"

#include "harness/report/compare/compare_point.h"

static enum change classify(const char *before, const char *after, const struct compare_rules *rules)
{
    struct results a, b;
    struct compared point;
    read_one(&a, before);
    read_one(&b, after);
    compare_point(&point, &a.items[0], &b.items[0], rules);
    results_clear(&b);
    results_clear(&a);
    return point.change;
}

static const struct compare_rules exact = {.today = "2026-11-27"};

static void assert_change(const char *before, const char *after, const struct compare_rules *rules,
                          enum change expected)
{
    enum change change = classify(before, after, rules);
    if (change != expected)
        fail_msg("'%s' to '%s' is %s, not %s", before, after, change_table[change].name, change_table[expected].name);
}

#define OTHER "output_digest=\"0000000000000009\";"

static void test_bits_and_figures(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        enum change change;
    } rows[] = {
        {"", "", CHANGE_SAME_BITS},
        {"", OTHER, CHANGE_OTHER_BITS},
        {"", OTHER "max_ulp_err=0.5000000000000001", CHANGE_WORSE},
        {"", OTHER "max_ulp_err=0.49999999999999994", CHANGE_BETTER},
        {"", OTHER "max_ulp_err=0.25;rms_err=0.06250000000000001", CHANGE_WORSE}, /* nothing makes up for worse */
        {"", OTHER "max_abs_err=\"nan\"", CHANGE_WORSE},
        {"max_abs_err=\"nan\"", OTHER "max_abs_err=\"inf\"", CHANGE_BETTER},
        {"max_abs_err=\"nan\"", "max_abs_err=\"nan\"", CHANGE_SAME_BITS},
        {"max_abs_err=\"inf\"", OTHER "max_abs_err=\"nan\"", CHANGE_WORSE},
        {"", OTHER "budget_used=null", CHANGE_WORSE}, /* what had a bound has none */
        {"budget_used=null", OTHER, CHANGE_BETTER},
        {"budget_used=null", OTHER "budget_used=null", CHANGE_OTHER_BITS},
        {"budget_used=null", OTHER "budget_used=1.5", CHANGE_WORSE}, /* and what is known at last may be a fault */
        {"lse_budget_used=null", OTHER "lse_budget_used=\"nan\"", CHANGE_WORSE},
        {"", "device=\"cuda\";kernel=\"two_pass\";recipe=\"mpt\"", CHANGE_SAME_BITS},
        /* the same bits with other errors: what measures has changed, and not the output */
        {"", "budget_used=0.25", CHANGE_JUDGED_OTHERWISE},
        {"", "max_ulp_err=0.75", CHANGE_JUDGED_OTHERWISE},
        /* bounds are worked out in f64 */
        {"", "budget_used=0.5000000000000001", CHANGE_SAME_BITS},
        {"", OTHER "budget_used=0.5000000000000001", CHANGE_OTHER_BITS},
        {"", "budget_used=0.500000001", CHANGE_JUDGED_OTHERWISE},
        {"", OTHER "budget_used=0.500000001", CHANGE_WORSE},
        {"budget_used=1", "budget_used=1.0000000000000002", CHANGE_JUDGED_OTHERWISE},
        {"", "undecided=0", CHANGE_JUDGED_OTHERWISE},
        {"status=\"fail\"", "", CHANGE_JUDGED_OTHERWISE},
        {"status=\"xfail\";expect=\"fail\"", "", CHANGE_JUDGED_OTHERWISE},
        {"status=\"fail\";oracles.batch=\"violated\"", "", CHANGE_FIXED}, /* what else the kernel did is other */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_change(rows[i].before, rows[i].after, &exact, rows[i].change);
}

static void test_each_metric_can_be_worse(void **state)
{
    (void)state;
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        static const struct {
            const char *value;
            enum change change;
        } rows[] = {{"4", CHANGE_WORSE}, {"\"nan\"", CHANGE_WORSE}, {"\"inf\"", CHANGE_WORSE}, {"0", CHANGE_BETTER}};
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            char edits[256];
            snprintf(edits, sizeof edits, OTHER "%s=%s", metric_table[metric].field.name, rows[i].value);
            assert_change("", edits, &exact, metric_table[metric].is_size ? CHANGE_UNLIKE : rows[i].change);
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
        assert_change("", looser[i], &exact, CHANGE_JUDGED_OTHERWISE);
    /* a pass that is bought by a wider tolerance is no fix */
    assert_change("status=\"fail\"", OTHER "tolerance.atol=1;mismatched=0", &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change(NOT_RUN, "tolerance.atol=1", &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change("judge=\"tolerance\"", "judge=\"budget\"", &exact, CHANGE_JUDGED_OTHERWISE);
    /* A promise that is given up is no longer asked for, and a record of before promises nothing. */
    assert_change("promises=\"same_bits\"", "promises=\"\"", &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change("promises=\"same_bits\"", "", &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change("promises=null", "promises=\"\"", &exact, CHANGE_SAME_BITS);
    assert_change("promises=\"\"", "promises=\"same_bits\"", &exact, CHANGE_SAME_BITS);
    /* So with a class; whether another one asks for less is not decided. */
    assert_change("class_asked=\"f32\"", "", &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change("class_asked=\"f32\"", "class_asked=null", &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change("class_asked=\"f32\"", "class_asked=\"f32+weights16\"", &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change("class_asked=null", "class_asked=\"f32\"", &exact, CHANGE_SAME_BITS);
    /* who asks for more and gets as much loses nothing */
    static const char *const stricter[] = {"tolerance.atol=0.0005", "budget=0.5", "oracles.partition=\"held\""};
    for (size_t i = 0; i < sizeof stricter / sizeof stricter[0]; i++)
        assert_change("", stricter[i], &exact, CHANGE_SAME_BITS);
    assert_change("judge=\"tolerance\";budget=null", "", &exact, CHANGE_SAME_BITS);
    /* as a kernel does that says its arithmetic from now on, unless the bound that is asked for the first time does not
     * hold; a share that is known at last where nothing more is asked was not measured before */
#define NO_BOUND "judge=\"tolerance\";budget=null;budget_used=null;lse_budget_used=null"
    assert_change(NO_BOUND, "", &exact, CHANGE_SAME_BITS);
    assert_change(NO_BOUND, OTHER, &exact, CHANGE_OTHER_BITS);
    assert_change(NO_BOUND, "budget_used=1.5", &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change(NO_BOUND, "judge=\"tolerance\";budget=null", &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change("budget_used=null;lse_budget_used=null", "", &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change("", NO_BOUND, &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change("", "tolerance.atol=0.0005;mismatched=4", &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change("", "tolerance.atol=0.0005;mismatched=4;" OTHER, &exact, CHANGE_WORSE);
}

/* The class of an output: what explains its error, where every figure is within what is allowed. */
static void test_classes(void **state)
{
    (void)state;
    static const struct compare_rules loose = {
        .today = "2026-11-27",
        .allowances = {[METRIC_MAX_ABS_ERR] = {.relative = 1}, [METRIC_MAX_ULP_ERR] = {.relative = 1}}};
    static const struct {
        const char *before, *after;
        enum change change;
    } rows[] = {
        {"f32", "f32", CHANGE_OTHER_BITS},
        {"f32", "none", CHANGE_WORSE},
        {"f32", "unbounded", CHANGE_WORSE},
        {"unbounded", "none", CHANGE_WORSE},
        {"none", "unbounded", CHANGE_BETTER},
        {"none", "f32+sums16", CHANGE_BETTER},
        {"output", "f32", CHANGE_WORSE},
        {"f32", "output", CHANGE_BETTER},
        {"f32", "f32+weights16", CHANGE_WORSE},
        {"f32+weights16", "f32+weights16+bias16", CHANGE_WORSE},
        {"f32+weights16", "f32+weights8", CHANGE_WORSE}, /* which has the other's rounding */
        {"f32+weights16+bias16", "f32+bias16", CHANGE_BETTER},
        {"f32+weights16", "f32+bias16", CHANGE_OTHER_BITS},
        {"f32", "of no class that there is", CHANGE_WORSE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char before[96], after[160];
        snprintf(before, sizeof before, "class=\"%s\"", rows[i].before);
        snprintf(after, sizeof after, OTHER "class=\"%s\"", rows[i].after);
        assert_change(before, after, &exact, rows[i].change);
        snprintf(after, sizeof after, OTHER "class=\"%s\";max_ulp_err=0.75", rows[i].after);
        assert_change(before, after, &loose, rows[i].change == CHANGE_WORSE ? CHANGE_WORSE : CHANGE_ALLOWED);
        if (strcmp(rows[i].before, rows[i].after) == 0)
            continue;
        snprintf(after, sizeof after, "class=\"%s\"", rows[i].after); /* of the same bits: what measures has changed */
        assert_change(before, after, &exact, CHANGE_JUDGED_OTHERWISE);
    }
    /* One that nobody looks for any more is lost, but for that of a failure that is gone; a new one says nothing. */
    assert_change("class=\"f32\"", OTHER, &exact, CHANGE_WORSE);
    assert_change("class=\"f32\"", OTHER "class=null", &exact, CHANGE_WORSE);
    assert_change("class=\"f32\"", "class=null", &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change("class=null", OTHER "class=\"none\"", &exact, CHANGE_OTHER_BITS);
    assert_change("class=null", "class=\"none\"", &exact, CHANGE_SAME_BITS);
    assert_change("class=null", "", &exact, CHANGE_SAME_BITS);
    assert_change("class=\"none\";status=\"fail\"", OTHER, &exact, CHANGE_FIXED);
    assert_change("class=\"f32\";status=\"fail\"", OTHER "class=\"none\"", &exact, CHANGE_FIXED_WORSE);
}

/* Where a kernel has come to write lse, the class is one of both, and says nothing of out; but that nothing explains
 * them does. Where it wrote lse before, it does, too. */
static void test_a_class_of_lse_as_well(void **state)
{
    (void)state;
#define FOREIGN "device=\"foreign\";recipe=null;recipe_digest=null;"
#define NO_LSE FOREIGN "max_lse_err=null;lse_mismatched=null;lse_budget_used=null;lse_off=null;lse_unbounded=null;"
    assert_change(NO_LSE "class=\"output\"", FOREIGN OTHER "class=\"f32\"", &exact, CHANGE_BETTER);
    assert_change(NO_LSE "class=\"output\"", FOREIGN OTHER "class=\"none\"", &exact, CHANGE_WORSE);
    assert_change(NO_LSE "class=\"output\"", FOREIGN OTHER "class=\"f32\";max_ulp_err=0.75", &exact, CHANGE_WORSE);
    assert_change(NO_LSE "class=\"output\"", NO_LSE OTHER "class=\"f32\"", &exact, CHANGE_WORSE);
    assert_change(FOREIGN "class=\"output\"", FOREIGN OTHER "class=\"f32\"", &exact, CHANGE_WORSE);
    assert_change(FOREIGN "class=\"f32\"", NO_LSE OTHER "class=\"output\"", &exact, CHANGE_WORSE);
}

/* What was computed, and is now as a bundle without k and v says it. */
static void test_what_is_taken_over(void **state)
{
    (void)state;
    static const char truth[] = "taken_over={\"facts\":[\"truth\"]}",
                      more[] = "taken_over={\"facts\":[\"truth\",\"bounds\"]}";
    assert_change("", truth, &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change("taken_over=null", more, &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change(truth, more, &exact, CHANGE_JUDGED_OTHERWISE);
    assert_change(more, truth, &exact, CHANGE_SAME_BITS);
    assert_change(more, "", &exact, CHANGE_SAME_BITS);
    assert_change(truth, truth, &exact, CHANGE_SAME_BITS);
}

/* How a kernel fails to run is in what way the point fails. */
static void test_run_failures(void **state)
{
    (void)state;
    static const char crash[] = "status=\"fail\";run_failure=\"crash\"",
                      hang[] = "status=\"fail\";run_failure=\"hang\"";
    assert_change(crash, hang, &exact, CHANGE_CAUSE);
    assert_change(crash, crash, &exact, CHANGE_SAME_BITS);
    assert_change("status=\"fail\"", hang, &exact, CHANGE_CAUSE);
    assert_change("status=\"fail\";run_failure=null", "status=\"fail\"", &exact, CHANGE_SAME_BITS);
    assert_change(crash, OTHER "status=\"fail\"", &exact, CHANGE_BETTER);
    assert_change(crash, OTHER, &exact, CHANGE_FIXED);
}

/* The share of a bound is the kernel's and the recipe's own. */
static void test_bounds_of_another_recipe(void **state)
{
    (void)state;
    assert_change("", OTHER "budget_used=0.75;unbounded=9;lse_unbounded=9", &exact, CHANGE_WORSE);
    static const char *const others[] = {"recipe_digest=\"6\";", "kernel=\"two_pass\";"};
    for (int i = 0; i < 2; i++) {
        char edits[256];
        snprintf(edits, sizeof edits, OTHER "%sbudget_used=0.75;lse_budget_used=0.75;unbounded=9;lse_unbounded=9",
                 others[i]);
        assert_change("", edits, &exact, CHANGE_OTHER_BITS);
        snprintf(edits, sizeof edits, "%sbudget_used=0.75", others[i]);
        assert_change("", edits, &exact, CHANGE_SAME_BITS);
        snprintf(edits, sizeof edits, OTHER "%sbudget_used=0.25;max_ulp_err=0.75", others[i]);
        assert_change("", edits, &exact, CHANGE_WORSE);
        /* within its bound is what passes whichever bound it has */
        static const char *const lost[] = {"budget_used=1.0000000000000002", "budget_used=\"nan\"", "budget_used=null",
                                           "lse_budget_used=2", "lse_budget_used=null"};
        for (size_t j = 0; j < sizeof lost / sizeof lost[0]; j++) {
            snprintf(edits, sizeof edits, OTHER "%s%s", others[i], lost[j]);
            assert_change("", edits, &exact, CHANGE_WORSE);
        }
        snprintf(edits, sizeof edits, OTHER "%sbudget_used=3", others[i]);
        assert_change("budget_used=2", edits, &exact, CHANGE_OTHER_BITS);
        assert_change("budget_used=null", edits, &exact, CHANGE_WORSE);
    }
}

static void test_other_problems_are_not_compared(void **state)
{
    (void)state;
    static const char *const edits[] = {
        "input_digest=\"0\"",
        "truth_digest=\"0\"",
        "elements=64",
        "truth_of=\"bf16_bias\"",
        OTHER "truth_of=\"bf16_bias\"",
        "truth_digest=\"0\";status=\"fail\"",
        "input_digest=\"0\";status=\"error\"",
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++)
        assert_change("", edits[i], &exact, CHANGE_UNLIKE);
    assert_change("status=\"error\";truth_digest=\"0\"", "", &exact, CHANGE_UNLIKE);
    /* What a baseline of before does not say is as it is, if the truth is the same. */
    assert_change("truth_of=-", "truth_of=\"formula\"", &exact, CHANGE_SAME_BITS);
    assert_change("truth_of=-", "truth_of=\"formula\";truth_digest=\"0\"", &exact, CHANGE_UNLIKE);
    assert_int_equal(change_outcome(CHANGE_UNLIKE, &exact), CHANGE_IS_NO_COMPARISON);
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
        [STATUS_SKIP] = SKIPPED,
    };
    static const enum change expected[STATUS_COUNT][STATUS_COUNT] = {
        {CHANGE_SAME_BITS, CHANGE_NEWLY_FAILING, CHANGE_VERDICT, CHANGE_VERDICT, CHANGE_NEWLY_FAILING, CHANGE_MISSING},
        {CHANGE_FIXED, CHANGE_SAME_BITS, CHANGE_VERDICT, CHANGE_VERDICT, CHANGE_VERDICT, CHANGE_MISSING},
        {CHANGE_FIXED, CHANGE_NEWLY_FAILING, CHANGE_SAME_BITS, CHANGE_VERDICT, CHANGE_NEWLY_FAILING, CHANGE_MISSING},
        {CHANGE_FIXED, CHANGE_VERDICT, CHANGE_VERDICT, CHANGE_SAME_BITS, CHANGE_VERDICT, CHANGE_MISSING},
        /* a failure that is expected all of a sudden is no fix */
        {CHANGE_FIXED, CHANGE_NEWLY_FAILING, CHANGE_JUDGED_OTHERWISE, CHANGE_VERDICT, CHANGE_NOT_JUDGED,
         CHANGE_MISSING},
        {CHANGE_NEW, CHANGE_NEW_FAILING, CHANGE_NEW, CHANGE_NEW_FAILING, CHANGE_NEW_FAILING, CHANGE_SKIPPED},
    };
    for (int a = 0; a < STATUS_COUNT; a++)
        for (int b = 0; b < STATUS_COUNT; b++)
            assert_change(of[a], of[b], &exact, expected[a][b]);
    assert_change(NOT_RUN ";expect=\"fail\"", of[STATUS_XFAIL], &exact, CHANGE_FIXED);
    assert_change(of[STATUS_FAIL], "max_ulp_err=0.75;" OTHER, &exact, CHANGE_FIXED_WORSE);
    assert_change(of[STATUS_FAIL], "status=\"fail\";expect=\"fail\"", &exact, CHANGE_JUDGED_OTHERWISE);
}

static void test_only_as_good_is_green(void **state)
{
    (void)state;
    static const enum change green[] = {CHANGE_OTHER_BITS, CHANGE_ALLOWED,   CHANGE_BETTER, CHANGE_FIXED,
                                        CHANGE_NEW,        CHANGE_SAME_BITS, CHANGE_SKIPPED};
    for (enum change change = 0; change < CHANGE_COUNT; change++) {
        bool expected = false;
        for (size_t i = 0; i < sizeof green / sizeof green[0]; i++)
            expected |= change == green[i];
        assert_int_equal(change_outcome(change, &exact) == CHANGE_IS_FINE, expected);
        assert_non_null(change_table[change].name);
        assert_non_null(change_table[change].about);
    }
}

static void test_causes(void **state)
{
    (void)state;
    static const char before[] = "status=\"xfail\";expect=\"fail\";signature=\"leak\";oracles.batch=\"violated\"";
    static const struct {
        const char *after;
        enum change change;
    } rows[] = {
        {"signature=\"leak\";oracles.batch=\"violated\"", CHANGE_SAME_BITS},
        {"signature=\"unknown\";oracles.batch=\"violated\";" OTHER "max_ulp_err=0.25", CHANGE_CAUSE},
        {"signature=\"leak\";oracles.batch=\"violated\";oracles.inputs=\"violated\"", CHANGE_CAUSE},
        {"signature=\"leak\";oracles.inputs=\"violated\"", CHANGE_CAUSE},
        {"signature=\"leak\"", CHANGE_BETTER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char after[512];
        snprintf(after, sizeof after, "status=\"xfail\";expect=\"fail\";%s", rows[i].after);
        assert_change(before, after, &exact, rows[i].change);
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
        enum change change;
    } rows[] = {
        {OTHER "max_ulp_err=0.75", CHANGE_ALLOWED},
        {OTHER "max_ulp_err=0.7500001", CHANGE_WORSE},
        {OTHER "max_ulp_err=\"inf\"", CHANGE_WORSE},
        {OTHER "max_ulp_err=\"nan\"", CHANGE_WORSE},
        {OTHER "mismatched=5", CHANGE_ALLOWED},
        {OTHER "mismatched=6", CHANGE_WORSE},
        {OTHER "mismatched=5;max_ulp_err=0.75;rms_err=0.07", CHANGE_WORSE},
        {OTHER "mismatched=5;rms_err=0.01", CHANGE_ALLOWED},
        {OTHER "mismatched=5;status=\"fail\"", CHANGE_NEWLY_FAILING}, /* no allowance turns a failure into a pass */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_change("", rows[i].edits, &rules, rows[i].change);
    assert_change("max_ulp_err=0", OTHER "max_ulp_err=1e-300", &rules, CHANGE_WORSE); /* half of nothing */
    assert_change("max_ulp_err=\"inf\"", OTHER "max_ulp_err=\"nan\"", &rules, CHANGE_WORSE);
}

static void test_every_bit(void **state)
{
    (void)state;
    struct compare_rules rules = {.bits = true, .today = exact.today};
    rules.allowances[METRIC_RMS_ERR].absolute = 1;
    assert_change("", "", &rules, CHANGE_SAME_BITS);
    static const char *const edits[] = {OTHER, OTHER "max_ulp_err=0.25", OTHER "rms_err=0.5"};
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++)
        assert_change("", edits[i], &rules, CHANGE_OTHER_BITS);
    assert_change("", OTHER "max_ulp_err=0.75", &rules, CHANGE_WORSE);
    assert_int_equal(change_outcome(CHANGE_OTHER_BITS, &rules), CHANGE_IS_WORSE);
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

/* What older baselines said of a cache without a scale is the same problem, and a scale that is none is not. */
static void test_problems_of_older_baselines(void **state)
{
    (void)state;
    static const char now[] = "seq_len=9,scale=1.0", *const same[] = {"seq_len=9,k_scale=1.0,v_scale=1.0,scale=1.0",
                                                                      "seq_len=9,scale=1.0,kv_offset=0"};
    static const char *const other[] = {"seq_len=9,k_scale=2.0,scale=1.0", "seq_len=9", "seq_len=9,scale=1.5",
                                        "seq_len=9,k_scale=1.05,scale=1.0", "seq_len=9,scale=1.0,kv_offset=1"};
    char before[2048], after[2048];
    snprintf(after, sizeof after, "{\"problem\":\"%s\",%s", now, &LINE[1]);
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        snprintf(before, sizeof before, "{\"problem\":\"%s\",%s", same[i], &LINE[1]);
        assert_change(before, after, &exact, CHANGE_SAME_BITS);
    }
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        snprintf(before, sizeof before, "{\"problem\":\"%s\",%s", other[i], &LINE[1]);
        assert_change(before, after, &exact, CHANGE_UNLIKE);
    }
}

static void test_known_failures_expire(void **state)
{
    (void)state;
    struct compare_rules late = {.today = "2026-11-28"};
    assert_change(LINE, "status=\"fail\"", &exact, CHANGE_SAME_BITS);
    assert_change(LINE, "status=\"fail\"", &late, CHANGE_EXPIRED);
    assert_change(LINE, "status=\"pass\";" OTHER, &late, CHANGE_FIXED);
}

static void test_points_on_one_side(void **state)
{
    (void)state;
    static const struct {
        const char *edits;
        enum change change;
    } rows[] = {{"", CHANGE_NEW},
                {"status=\"xfail\";expect=\"fail\"", CHANGE_NEW},
                {"status=\"fail\"", CHANGE_NEW_FAILING},
                {"status=\"xpass\";expect=\"fail\"", CHANGE_NEW_FAILING},
                {NOT_RUN, CHANGE_NEW_FAILING},
                {SKIPPED, CHANGE_SKIPPED}};
    struct compared point;
    struct results results;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        read_one(&results, rows[i].edits);
        compare_point(&point, NULL, &results.items[0], &exact);
        assert_int_equal(point.change, rows[i].change);
        compare_point(&point, &results.items[0], NULL, &exact);
        assert_int_equal(point.change, CHANGE_MISSING);
        results_clear(&results);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits_and_figures),
        cmocka_unit_test(test_each_metric_can_be_worse),
        cmocka_unit_test(test_what_is_asked),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_a_class_of_lse_as_well),
        cmocka_unit_test(test_what_is_taken_over),
        cmocka_unit_test(test_run_failures),
        cmocka_unit_test(test_bounds_of_another_recipe),
        cmocka_unit_test(test_other_problems_are_not_compared),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_only_as_good_is_green),
        cmocka_unit_test(test_causes),
        cmocka_unit_test(test_allowances),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_problems_of_older_baselines),
        cmocka_unit_test(test_known_failures_expire),
        cmocka_unit_test(test_points_on_one_side),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
