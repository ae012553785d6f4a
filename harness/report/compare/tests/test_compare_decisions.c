/*
 * What a comparison does with each field of a record, and with each key of a case: a field or a key that is added fails
 * here until somebody has decided.
 */
#include "harness/report/compare/tests/results_fixture.h"

#include "harness/case/case_keys.h"
#include "harness/report/compare/compare_point.h"
#include "harness/report/record/record_field.h"

/* A field, with all that is below it where ".*" follows; edits of a record before and after, or NULL; and what the
 * change is called. Beside what is not looked at stands why. */
struct ruling {
    const char *path, *before, *after;
    enum change change;
};

#define OF(path, part, before, after, change)         \
    {                                                 \
        path, part "=" before, part "=" after, change \
    }
#define CHANGES(name, before, after, change) OF(name, name, before, after, change)
#define UNLIKE(name, before, after) OF(name, name, before, after, CHANGE_UNLIKE)
#define UNLIKE_IN(part, member, before, after) OF(part "." member, part, before, after, CHANGE_UNLIKE)
#define NOT_LOOKED_AT(name, before, after) OF(name, name, before, after, CHANGE_SAME_BITS)
#define NOT_LOOKED_AT_BELOW(name, before, after) OF(name ".*", name, before, after, CHANGE_SAME_BITS)
#define BY_OTHERS(path)                    \
    {                                      \
        path, NULL, NULL, CHANGE_SAME_BITS \
    } /* by rulings of what it is part of, or has */

#define TAKEN(by) "{\"version\":\"" by "\",\"commit\":\"" by "\",\"facts\":[\"truth\"]}"

static const struct ruling rulings[] = {
    /* how a point ended, and what is asked of it; test_compare_point.c has more */
    CHANGES("status", "\"pass\"", "\"fail\"", CHANGE_NEWLY_FAILING),
    CHANGES("expect", "\"pass\"", "\"fail\";status=\"xfail\"", CHANGE_VERDICT),
    CHANGES("expected_signature", "\"leak\";expect=\"fail\";status=\"xfail\"", "null;expect=\"fail\";status=\"xfail\"",
            CHANGE_JUDGED_OTHERWISE),
    BY_OTHERS("tolerance"), /* by what it has */
    CHANGES("tolerance.atol", "0.001", "0.002", CHANGE_JUDGED_OTHERWISE),
    CHANGES("tolerance.rtol", "0.001", "0.002", CHANGE_JUDGED_OTHERWISE),
    CHANGES("tolerance.lse", "0.001", "0.002", CHANGE_JUDGED_OTHERWISE),
    CHANGES("budget", "1", "2", CHANGE_JUDGED_OTHERWISE),
    CHANGES("judge", "\"both\"", "\"tolerance\"", CHANGE_JUDGED_OTHERWISE),
    CHANGES("class_asked", "\"f32\"", "null", CHANGE_JUDGED_OTHERWISE),
    CHANGES("promises", "\"same_bits\"", "\"\"", CHANGE_JUDGED_OTHERWISE),
    BY_OTHERS("oracles"),
    BY_OTHERS("oracles.NAME"), /* test_oracles_count */
    CHANGES("taken_over", "null", "{\"facts\":[\"truth\"]}", CHANGE_JUDGED_OTHERWISE),
    BY_OTHERS("taken_over.facts"),                                                    /* see above */
    OF("taken_over.version", "taken_over", TAKEN("1"), TAKEN("2"), CHANGE_SAME_BITS), /* who made it, as of a record */
    OF("taken_over.commit", "taken_over", TAKEN("1"), TAKEN("2"), CHANGE_SAME_BITS),

    /* how it failed */
    CHANGES("signature", "\"leak\"", "\"nan\"", CHANGE_CAUSE),
    CHANGES("run_failure", "\"crash\"", "\"hang\"", CHANGE_CAUSE),
    CHANGES("contract", "{\"named\":true,\"fits\":[\"scale 1\"],\"num_fits\":1}",
            "{\"named\":true,\"fits\":[\"scale 2\"],\"num_fits\":1}", CHANGE_CAUSE),
    BY_OTHERS("contract.*"),
    NOT_LOOKED_AT_BELOW("finding", "null", "{\"detail\":\"of other numbers\"}"),     /* the signature's numbers */
    NOT_LOOKED_AT_BELOW("oracle_details", "{}", "{\"batch\":\"of other numbers\"}"), /* the oracles' */
    NOT_LOOKED_AT("error", "null", "\"other words\""),                               /* of status and run_failure */
    NOT_LOOKED_AT("known_bugs", "null", "\"K1\""),                                   /* nothing is judged by them */
    NOT_LOOKED_AT_BELOW("explanation", "null", "{\"query\":1}"),

    /* figures */
    UNLIKE("elements", "128", "64"),
    CHANGES("mismatched", "3", "4;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("max_abs_err", "0.25", "0.5;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("max_ulp_err", "0.25", "0.5;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("budget_used", "0.25", "0.5;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("nan", "1", "2;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("inf", "1", "2;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("undecided", "1", "2;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("unwritten", "1", "2;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("p99_ulp_err", "0.25", "0.5;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("p50_ulp_err", "0.25", "0.5;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("max_rel_err", "0.25", "0.5;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("max_scaled_err", "0.25", "0.5;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("rms_err", "0.25", "0.5;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("max_lse_err", "0.25", "0.5;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("unbounded", "1", "2;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("lse_mismatched", "1", "2;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("lse_budget_used", "0.25", "0.5;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("lse_off", "1", "2;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("lse_unbounded", "1", "2;output_digest=\"9\"", CHANGE_WORSE),
    CHANGES("class", "\"f32\"", "\"none\";output_digest=\"9\"", CHANGE_WORSE),
    NOT_LOOKED_AT("classes", "[\"f32\"]", "[\"f32+bias16\"]"), /* the first of them is the class */
    NOT_LOOKED_AT("head_classes", "[\"f32\"]", "[\"none\"]"),  /* the class is that of all heads */
    NOT_LOOKED_AT_BELOW("worst", "null", "{\"head\":1}"),      /* its errors are figures */
    BY_OTHERS("heads[].*"),
    NOT_LOOKED_AT("heads", "[]", "[{\"nan\":1}]"),
    NOT_LOOKED_AT_BELOW("references", "null", "{\"f64_relative\":{\"mismatched\":1}}"), /* nothing is judged by them */

    /* the bits */
    CHANGES("output_digest", "\"1\"", "\"2\"", CHANGE_OTHER_BITS),

    /* the problem */
    UNLIKE("input_digest", "\"1\"", "\"2\""),
    UNLIKE("truth_digest", "\"1\"", "\"2\""),
    UNLIKE("truth_of", "\"inputs\"", "\"formula\""),
    UNLIKE("seq_len", "9", "10"),
    UNLIKE("num_heads", "2", "4"),
    UNLIKE("num_kv_heads", "2", "1"),
    UNLIKE("head_dim", "64", "128"),
    UNLIKE("num_queries", "1", "2"),
    UNLIKE("dtype", "\"f16\"", "\"bf16\""),
    UNLIKE("kv_dtype", "\"f16\"", "\"e4m3\""),
    UNLIKE("k_scale", "1", "0.5"),
    UNLIKE("v_scale", "1", "0.5"),
    UNLIKE("scale", "0.125", "0.12500000000000003"),
    UNLIKE("slopes", "\"bloom\"", "\"hf\""),
    UNLIKE_IN("slopes", "values", "{\"values\":[1,0.5,0.25,0.125,0.0625]}",
              "{\"values\":[1,0.5,0.25,0.125,0.0625000001]}"),
    UNLIKE("max_bias", "8", "4"),
    UNLIKE("head_offset", "0", "8"),
    UNLIKE("total_heads", "8", "16"),
    UNLIKE("soft_cap", "null", "{\"before_bias\":30}"),
    UNLIKE_IN("soft_cap", "PARAMETER", "{\"before_bias\":30}", "{\"after_bias\":30}"),
    UNLIKE("sink_logits", "null", "{\"value\":2}"),
    UNLIKE_IN("sink_logits", "PARAMETER", "{\"value\":2}", "{\"value\":-2}"),
    UNLIKE("q_position", "8", "9"),
    UNLIKE("kv_offset", "0", "8"),
    UNLIKE("mask", "null", "\"given\""),
    UNLIKE_IN("mask", "PARAMETER", "{\"window\":4}", "{\"window\":5}"),
    UNLIKE("input", "{\"distribution\":\"normal\"}", "{\"distribution\":\"uniform\"}"),
    UNLIKE_IN("input", "distribution", "{\"distribution\":\"normal\"}", "{\"distribution\":\"uniform\"}"),
    UNLIKE_IN("input", "PARAMETER", "{\"mean\":0}", "{\"mean\":1}"),
    UNLIKE("seed", "0", "\"18446744073709551615\""),
    UNLIKE("workload", "null", "{\"definition\":\"a\"}"),
    UNLIKE_IN("workload", "definition", "{\"definition\":\"a\"}", "{\"definition\":\"b\"}"),
    UNLIKE_IN("workload", "uuid", "{\"uuid\":\"a\"}", "{\"uuid\":\"b\"}"),
    UNLIKE_IN("workload", "seed", "{\"seed\":1}", "{\"seed\":2}"),
#define SAMPLE(rows, of, drawn, drawn_of, sequences, seed)                                                    \
    "{\"rows\":" rows ",\"of\":" of ",\"drawn\":" drawn ",\"drawn_of\":" drawn_of ",\"sequences\":" sequences \
    ",\"seed\":" seed "}"
    UNLIKE("sample", "null", SAMPLE("1", "2", "3", "8", "4", "0")),
    UNLIKE_IN("sample", "rows", SAMPLE("1", "2", "3", "8", "4", "0"), SAMPLE("2", "2", "3", "8", "4", "0")),
    UNLIKE_IN("sample", "of", SAMPLE("1", "2", "3", "8", "4", "0"), SAMPLE("1", "3", "3", "8", "4", "0")),
    UNLIKE_IN("sample", "drawn", SAMPLE("1", "2", "3", "8", "4", "0"), SAMPLE("1", "2", "4", "8", "4", "0")),
    UNLIKE_IN("sample", "drawn_of", SAMPLE("1", "2", "3", "8", "4", "0"), SAMPLE("1", "2", "3", "9", "4", "0")),
    UNLIKE_IN("sample", "sequences", SAMPLE("1", "2", "3", "8", "4", "0"), SAMPLE("1", "2", "3", "8", "5", "0")),
    UNLIKE_IN("sample", "seed", SAMPLE("1", "2", "3", "8", "4", "0"), SAMPLE("1", "2", "3", "8", "4", "1")),
    UNLIKE("sampled_truth_digest", "\"1\"", "\"2\""),
    UNLIKE("page_size", "0", "16"),
    UNLIKE("page_seed", "0", "1"),
    UNLIKE("pool_pages", "0", "16"),
    UNLIKE("batch", "[9,17]", "[9,33]"),
    UNLIKE("sequence", "0", "1"),
    UNLIKE("shared_prefix", "0", "16"),

    /* how its truth is computed: the digest is that of the truth, and what its radius leaves open is counted */
    NOT_LOOKED_AT("truth_radius", "0", "1"),
    NOT_LOOKED_AT("truth_method", "\"certified\"", "\"plain\""),
    NOT_LOOKED_AT("truth_precision", "160", "320"),
    NOT_LOOKED_AT("contract_distance", "0", "1"),

    /* what was run, which may be another: its name is said */
    NOT_LOOKED_AT("kernel", "\"split_kv\"", "\"two_pass\""),
    NOT_LOOKED_AT("recipe", "\"mlx\"", "\"mpt\""),
    NOT_LOOKED_AT("recipe_digest", "\"1\"", "\"2\""),
    NOT_LOOKED_AT("device", "\"host\"", "\"cuda\""),
    NOT_LOOKED_AT("device_name", "\"H100\";device=\"cuda\"", "\"H200\";device=\"cuda\""), /* of a GPU */
    NOT_LOOKED_AT("kernel_digest", "\"1\"", "\"2\""),                                     /* said beside the build */
    NOT_LOOKED_AT("sentinel", "\"-inf\"", "\"exclude\""), /* these are the recipe's, and so in its digest */
    NOT_LOOKED_AT("bias", "\"relative\"", "\"absolute\""),
    NOT_LOOKED_AT("exponential", "\"exp\"", "\"exp2\""),
    NOT_LOOKED_AT_BELOW("recipe_keys", "{}", "{\"bias\":\"absolute\"}"),
    NOT_LOOKED_AT_BELOW("overridden", "{}", "{\"bias\":\"absolute\"}"),
    NOT_LOOKED_AT("chunk_len", "32", "64"), /* of the kernel; where it is not as usual, in the key */

    /* who made the record, where and when, and of which run: points that are missing are named */
    NOT_LOOKED_AT("schema", "1", "1"),
    NOT_LOOKED_AT("case", "\"a\"", "\"b\""),                          /* the key begins with it */
    NOT_LOOKED_AT("key", "\"case:seq_len=9\"", "\"case:seq_len=9\""), /* what is joined by */
    NOT_LOOKED_AT_BELOW("seconds", "{}", "{\"truth\":1}"),
    NOT_LOOKED_AT_BELOW("build", "{}", "{\"version\":\"2\"}"),
    NOT_LOOKED_AT("launched", "\"whole\"", "\"parts\""),
    NOT_LOOKED_AT("launch_failure", "null", "\"no memory\""), /* of the device; what was launched in parts is judged */
    NOT_LOOKED_AT("fidelity", "\"exact\"", "\"bounded\""),
    NOT_LOOKED_AT("settings", "[]", "[\"seed=1\"]"), /* what they come to is in the key */
    NOT_LOOKED_AT("point_digest", "\"1\"", "\"2\""), /* by what it is a digest of */
    NOT_LOOKED_AT_BELOW("run", "null", "null"),
};

enum { NUM_RULINGS = sizeof rulings / sizeof rulings[0] };

static enum change classify(const char *before, const char *after)
{
    static const struct compare_rules rules = {.today = "2026-11-27"};
    struct results a, b;
    struct compared point;
    read_one(&a, before);
    read_one(&b, after);
    compare_point(&point, &a.items[0], &b.items[0], &rules);
    results_clear(&b);
    results_clear(&a);
    return point.change;
}

static void test_each_decision_is_as_it_says(void **state)
{
    (void)state;
    for (int i = 0; i < NUM_RULINGS; i++) {
        const struct ruling *ruling = &rulings[i];
        if (!ruling->before)
            continue;
        enum change change = classify(ruling->before, ruling->after);
        if (change != ruling->change)
            fail_msg("'%s' to '%s' is %s, not %s", ruling->before, ruling->after, change_table[change].name,
                     change_table[ruling->change].name);
    }
}

static bool is_decided(const char *path)
{
    for (int i = 0; i < NUM_RULINGS; i++) {
        const char *of = rulings[i].path;
        size_t length = strlen(of);
        bool all = length > 2 && !strcmp(of + length - 2, ".*");
        if (strcmp(of, path) == 0)
            return true;
        if (all && !strncmp(of, path, length - 2) && (!path[length - 2] || path[length - 2] == '.'))
            return true;
    }
    return false;
}

static void check_field(void *context, const char *const *cells)
{
    (void)context;
    if (!is_decided(cells[0]))
        fail_msg("what `compare` does with a change of %s is not decided", cells[0]);
}

static void test_each_field_is_decided(void **state)
{
    (void)state;
    record_visit_fields(check_field, NULL);
}

struct search {
    const char *path;
    bool found;
};

static void find_path(void *context, const char *const *cells)
{
    struct search *search = context;
    size_t length = strcspn(search->path, "*");
    length -= search->path[length] == '*';
    search->found |= strlen(cells[0]) == length && !strncmp(cells[0], search->path, length);
    if (search->path[length] == '.') /* of a list */
        search->found |= !strncmp(cells[0], search->path, length + 1);
}

/* No decision is about what no record has. */
static void test_each_decision_is_of_a_field(void **state)
{
    (void)state;
    for (int i = 0; i < NUM_RULINGS; i++) {
        struct search search = {.path = rulings[i].path};
        record_visit_fields(find_path, &search);
        if (!search.found)
            fail_msg("no record has %s", search.path);
    }
}

/* What a case says is in the key of its points, so that another value is another point, but for these keys. */
static const struct {
    enum key_id key;
    const char *field; /* of a record that has it; NULL: no comparison looks at it */
} keys_beside[] = {
    {KEY_CASE, "key"},
    {KEY_ABOUT, NULL}, /* words */
    {KEY_TRUTH, "truth_method"},
    {KEY_TRUTH_PRECISION, "truth_precision"},
    {KEY_REFERENCE, "references.*"},
    {KEY_JUDGE, "judge"},
    {KEY_TOLERANCE, "tolerance"},
    {KEY_BUDGET, "budget"},
    {KEY_CLASS, "class_asked"},
    {KEY_FIND_CLASS, "class"}, /* which is lost where nobody looks for it any more */
    {KEY_ORACLES, "oracles.NAME"},
    {KEY_EXPECT, "expect"},
    {KEY_SIGNATURE, "expected_signature"},
    {KEY_BECAUSE, NULL},
    {KEY_KNOWN_BUGS, "known_bugs"},
};

static void test_each_key_is_decided(void **state)
{
    (void)state;
    for (enum key_id id = 0; id < KEY_COUNT; id++) {
        const char *field = NULL;
        bool beside = false;
        for (size_t i = 0; i < sizeof keys_beside / sizeof keys_beside[0]; i++)
            if (keys_beside[i].key == id) {
                field = keys_beside[i].field;
                beside = true;
            }
        if (beside == keys[id].axis)
            fail_msg("%s is %s", keys[id].field.name, beside ? "in the key of a point" : "not decided");
        bool decided = !field;
        for (int i = 0; i < NUM_RULINGS && !decided; i++)
            decided = !strcmp(rulings[i].path, field);
        assert_true(decided);
    }
}

/* What a baseline of before does not say is as it is. */
static void test_baselines_of_before(void **state)
{
    (void)state;
    struct results record, baseline;
    struct compared point;
    const struct compare_rules rules = {.today = "2026-11-27"};
    read_one(&record, "scale=0.125");
    read_one(&baseline, "");
    fact_clear(&baseline.items[0].facts[FACT_PROBLEM]);
    compare_point(&point, &baseline.items[0], &record.items[0], &rules);
    assert_int_equal(point.change, CHANGE_SAME_BITS);
    results_clear(&baseline);
    results_clear(&record);
}

/* jq and others print 8.0 as 8: the problem is the same, be it a number, a member's or a list's. */
static void test_numbers_as_other_tools_print_them(void **state)
{
    (void)state;
#define PRINTED(before, after)                                 \
    {                                                          \
        before "2.0" after, before "2" after, before "3" after \
    }
    static const char *const rows[][3] = {
        PRINTED("k_scale=", ""),
        PRINTED("v_scale=", ""),
        PRINTED("scale=", ""),
        PRINTED("max_bias=", ""),
        PRINTED("slopes={\"values\":[0.5,", "]}"),
        PRINTED("slopes={\"values\":[0.5,1,1,1,", "]}"),
        PRINTED("soft_cap={\"before_bias\":", "}"),
        PRINTED("sink_logits={\"value\":", "}"),
        PRINTED("sink_logits={\"values\":[", "]}"),
        PRINTED("input={\"mean\":", "}"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(classify(rows[i][0], rows[i][1]), CHANGE_SAME_BITS);
        assert_int_equal(classify(rows[i][1], rows[i][0]), CHANGE_SAME_BITS);
        assert_int_equal(classify(rows[i][0], rows[i][2]), CHANGE_UNLIKE);
    }
}

/* What a record of before does not say of a problem is what it usually is. */
static void test_what_was_not_said_is_as_usual(void **state)
{
    (void)state;
    static const char *const usual[] = {"k_scale=1.0", "k_scale=1",     "v_scale=1.0", "num_queries=1",
                                        "kv_offset=0", "head_offset=0", "page_size=0", "shared_prefix=0"};
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        assert_int_equal(classify("", usual[i]), CHANGE_SAME_BITS);
    assert_int_equal(classify("", "k_scale=0.5"), CHANGE_UNLIKE);
}

/* A sample whose truth a baseline of before does not say is that of these tensors. */
static void test_samples_of_before(void **state)
{
    (void)state;
    const char *sampled = "sample=" SAMPLE("1", "2", "3", "8", "4", "0");
    char of_now[200];
    snprintf(of_now, sizeof of_now, "%s;sampled_truth_digest=\"1\"", sampled);
    assert_int_equal(classify(sampled, of_now), CHANGE_SAME_BITS);
    assert_int_equal(classify(of_now, of_now), CHANGE_SAME_BITS);
}

/* Of a failure: another contract is another cause, a name at last is none, and one that is gone is. */
static void test_contracts(void **state)
{
    (void)state;
#define CONTRACT(named, fit) "status=\"fail\";contract={\"named\":" named ",\"fits\":[\"" fit "\"],\"num_fits\":1}"
    assert_int_equal(classify(CONTRACT("true", "scale 1"), CONTRACT("true", "scale 1")), CHANGE_SAME_BITS);
    assert_int_equal(classify(CONTRACT("true", "scale 1"), CONTRACT("false", "scale 1")), CHANGE_CAUSE);
    assert_int_equal(classify(CONTRACT("true", "scale 1"), "status=\"fail\""), CHANGE_CAUSE);
    assert_int_equal(classify("status=\"fail\"", CONTRACT("true", "scale 1")), CHANGE_BETTER);
    assert_int_equal(classify(CONTRACT("false", "scale 1"), CONTRACT("false", "scale 2")), CHANGE_SAME_BITS);
}

/* What a case expects of a failure that is known. */
static void test_expected_signatures(void **state)
{
    (void)state;
#define KNOWN(expected, signature) \
    "status=\"xfail\";expect=\"fail\";signature=\"" signature "\";expected_signature=" expected
    assert_int_equal(classify(KNOWN("\"leak\"", "leak"), KNOWN("\"leak\"", "leak")), CHANGE_SAME_BITS);
    assert_int_equal(classify(KNOWN("\"leak\"", "leak"), KNOWN("null", "leak")), CHANGE_JUDGED_OTHERWISE);
    assert_int_equal(classify(KNOWN("\"leak\"", "leak"), KNOWN("\"nan\"", "nan")), CHANGE_JUDGED_OTHERWISE);
    assert_int_equal(classify(KNOWN("null", "leak"), KNOWN("\"leak\"", "leak")), CHANGE_SAME_BITS);
    assert_int_equal(classify(KNOWN("\"leak\"", "leak"), "output_digest=\"9\""), CHANGE_FIXED);
}

static void test_oracles_count(void **state)
{
    (void)state;
    assert_int_equal(classify("", "oracles.batch=\"not_run\""), CHANGE_JUDGED_OTHERWISE);
    assert_int_equal(classify("status=\"fail\"", "status=\"fail\";oracles.batch=\"violated\""), CHANGE_CAUSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_field_is_decided),
        cmocka_unit_test(test_each_decision_is_of_a_field),
        cmocka_unit_test(test_each_decision_is_as_it_says),
        cmocka_unit_test(test_each_key_is_decided),
        cmocka_unit_test(test_baselines_of_before),
        cmocka_unit_test(test_contracts),
        cmocka_unit_test(test_expected_signatures),
        cmocka_unit_test(test_oracles_count),
        cmocka_unit_test(test_samples_of_before),
        cmocka_unit_test(test_numbers_as_other_tools_print_them),
        cmocka_unit_test(test_what_was_not_said_is_as_usual),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
