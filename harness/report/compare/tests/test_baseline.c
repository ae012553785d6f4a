/* Baselines: written, read back, updated; what gets worse gets in for a reason alone. */
#include "harness/report/compare/tests/results_fixture.h"

#include "harness/report/compare/baseline.h"
#include "harness/report/compare/compare_field.h"

static const struct compare_rules rules = {.today = "2026-11-27"};

/* What an update of a baseline, its text or "", by records makes. */
static enum error_kind update(char **text, struct baseline_change *change, const char *before, const char *const *edits,
                              size_t count, const struct baseline_notes *notes, struct error *error)
{
    struct results base = {.path = "b", .is_baseline = true}, after;
    struct collation collation;
    if (*before) {
        write_results(before);
        if (results_read(&base, fixture_path, error))
            fail_msg("%s", error->text);
    }
    if (read_edits(&after, edits, count, error))
        fail_msg("%s", error->text);
    assert_int_equal(collate(&collation, &base, &after, &rules, NULL, error), 0);
    enum error_kind kind = baseline_update(text, change, &collation, notes, error);
    collation_clear(&collation);
    results_clear(&after);
    results_clear(&base);
    return kind;
}

static char *make(const char *const *edits, size_t count)
{
    struct baseline_change change;
    struct error error = {.text = ""};
    char *text = NULL;
    if (update(&text, &change, "", edits, count, &(struct baseline_notes){0}, &error))
        fail_msg("%s", error.text);
    return text;
}

static void assert_refused(const char *before, const char *edits, const struct baseline_notes *notes,
                           const char *expected)
{
    struct baseline_change change;
    struct error error = {.text = ""};
    char *text;
    assert_int_equal(update(&text, &change, before, &edits, 1, notes, &error), ERROR_USAGE);
    assert_null(text);
    assert_string_equal(error.text, expected);
}

/* The text that an update by one record makes. */
static char *updated(const char *before, const char *edits, const struct baseline_notes *notes)
{
    struct baseline_change change;
    struct error error = {.text = ""};
    char *text = NULL;
    if (update(&text, &change, before, &edits, 1, notes, &error))
        fail_msg("%s", error.text);
    return text;
}

static const struct baseline_notes none = {0}, why = {.reason = "a shorter polynomial"};
static const char *const sound[] = {""};
#define OTHER "output_digest=\"0000000000000009\";"
#define THE_POINT "'case:seq_len=9'"

static void test_lines_read_back(void **state)
{
    (void)state;
    static const char *const edits[] = {
        "key=\"b\";max_abs_err=\"nan\";max_rel_err=\"inf\";budget_used=null;rms_err=0.1;mismatched=0",
        "key=\"a\";max_ulp_err=4.9406564584124654e-324;recipe=\"\xc3\xa9\\\"\"",
        "key=\"c\";status=\"xfail\";expect=\"fail\";signature=\"leak\";oracles.batch=\"violated\";budget=null",
    };
    char *text = make(edits, 3);
    struct results base, after;
    struct collation collation;
    struct error error;
    assert_ptr_equal(strstr(text, "{\"baseline\":1,\"schema\":1,\"key\":\"a\",\"status\":\"pass\","), text);
    assert_null(strstr(text, "\"mismatched\":0"));
    write_results(text);
    assert_int_equal(results_read(&base, fixture_path, &error), 0);
    assert_true(base.is_baseline);
    assert_int_equal(read_edits(&after, edits, 3, &error), 0);
    assert_int_equal(collate(&collation, &base, &after, &rules, NULL, &error), 0);
    assert_int_equal(collation.by_change[CHANGE_SAME_BITS], 3);
    for (size_t i = 0; i < 3; i++)
        for (enum fact fact = 0; fact < FACT_COUNT; fact++)
            assert_int_equal(collation.points[i].tendencies[fact], TENDENCY_SAME);
    collation_clear(&collation);
    results_clear(&after);
    results_clear(&base);
    free(text);
}

/* A baseline has the GPU that it was made on, and no name of a host; one of before has neither. */
static void test_another_gpu_is_seen(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        enum tendency tendency;
    } pairs[] = {
        {"device=\"cuda\";device_name=\"H100\"", "device=\"cuda\";device_name=\"H200\"", TENDENCY_OTHER},
        {"device=\"cuda\";device_name=\"H100\"", "device=\"cuda\";device_name=\"H100\"", TENDENCY_SAME},
        {"device=\"cuda\"", "device=\"cuda\";device_name=\"H100\"", TENDENCY_SAME},
        {"device_name=\"host (2 threads)\"", "device_name=\"host (4 threads)\"", TENDENCY_SAME},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *text = make(&pairs[i].before, 1);
        struct results base, after;
        struct collation collation;
        struct error error;
        assert_int_equal(strstr(text, "device_name") != NULL, i < 2);
        write_results(text);
        assert_int_equal(results_read(&base, fixture_path, &error), 0);
        assert_int_equal(read_edits(&after, &pairs[i].after, 1, &error), 0);
        assert_int_equal(collate(&collation, &base, &after, &rules, NULL, &error), 0);
        assert_int_equal(collation.points[0].tendencies[FACT_DEVICE_NAME], pairs[i].tendency);
        assert_int_equal(collation.points[0].change, CHANGE_SAME_BITS);
        collation_clear(&collation);
        results_clear(&after);
        results_clear(&base);
        free(text);
    }
}

static void test_nothing_changes_where_nothing_changed(void **state)
{
    (void)state;
    char *text = make(sound, 1), *again = updated(text, "", &why);
    assert_string_equal(text, again);
    free(again);
    free(text);
}

/* A baseline of skips holds nothing. Beside other points a skip is no line, and a point that was removed for a reason
 * keeps that when it is skipped from then on. */
static void test_skips_are_no_baseline(void **state)
{
    (void)state;
    static const char *const both[] = {"", "key=\"skipped\";" SKIPPED};
    static const char *const gone[] = {"", "key=\"skipped\""};
    struct baseline_change change;
    struct error error = {.text = ""};
    char refused[2 * SCRATCH_SIZE], *text = make(both, 2), *before = make(gone, 2), *removed = NULL, *again = NULL;
    snprintf(refused, sizeof refused,
             "--update-baseline: every point of %s is skipped, and a baseline of them holds nothing; allowed: results "
             "with a point that was judged",
             fixture_path);
    assert_null(strstr(text, "\"status\":\"skip\""));
    assert_null(strchr(strchr(text, '\n') + 1, '\n'));
    assert_refused("", SKIPPED, &none, refused);
    assert_refused(text, SKIPPED, &why, refused);
    assert_int_equal(update(&removed, &change, before, both, 2, &why, &error), 0);
    assert_int_equal(change.removed, 1);
    assert_non_null(strstr(removed, "\"status\":\"removed\""));
    assert_int_equal(update(&again, &change, removed, both, 2, &none, &error), 0);
    assert_string_equal(again, removed);
    assert_int_equal(change.kept, 2);
    free(again);
    free(removed);
    free(before);
    free(text);
}

static void test_worse_needs_a_reason(void **state)
{
    (void)state;
    char *text = make(sound, 1);
    static const char *const edits[] = {OTHER "max_ulp_err=0.75", "tolerance.atol=1", "input_digest=\"0\"",
                                        "budget_used=0.25"};
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++)
        assert_refused(text, edits[i], &none,
                       "--update-baseline: 1 point is not as good as before, " THE_POINT
                       "; allowed: --reason TEXT, which is kept beside them");
    char *worse = updated(text, edits[0], &why);
    assert_non_null(strstr(worse, "\"max_ulp_err\":0.75,"));
    assert_non_null(strstr(worse, ",\"reason\":\"a shorter polynomial\",\"date\":\"2026-11-27\"}\n"));
    char *better = updated(worse, "output_digest=\"8\";max_ulp_err=0.625", &none); /* still worse than it once was */
    assert_non_null(strstr(better, "\"max_ulp_err\":0.625,"));
    assert_non_null(strstr(better, "\"reason\":\"a shorter polynomial\""));
    free(better);
    free(worse);
    free(text);
}

static void test_what_is_allowed_does_not_add_up(void **state)
{
    (void)state;
    struct compare_rules allowing = rules;
    allowing.allowances[METRIC_MAX_ULP_ERR].relative = 1;
    char *text = make(sound, 1), *kept;
    static const char *const edits[] = {OTHER "max_ulp_err=0.75"};
    struct results base, after;
    struct collation collation;
    struct baseline_change change;
    struct error error;
    write_results(text);
    assert_int_equal(results_read(&base, fixture_path, &error), 0);
    assert_int_equal(read_edits(&after, edits, 1, &error), 0);
    assert_int_equal(collate(&collation, &base, &after, &allowing, NULL, &error), 0);
    assert_int_equal(collation.points[0].change, CHANGE_ALLOWED);
    assert_int_equal(baseline_update(&kept, &change, &collation, &none, &error), 0);
    assert_string_equal(kept, text);
    assert_int_equal(change.kept, 1);
    free(kept);
    collation_clear(&collation);
    results_clear(&after);
    results_clear(&base);
    free(text);
}

static void test_failures_need_a_link(void **state)
{
    (void)state;
    static const struct baseline_notes all = {"why", "https://example.org/7", "2027-01-31"};
    char *text = make(sound, 1);
    assert_refused(text, "status=\"fail\"", &why,
                   "--update-baseline: 1 point is failing, " THE_POINT
                   "; allowed: --known-failure LINK and --expires YYYY-MM-DD");
    assert_refused(text, NOT_RUN, &all,
                   "--update-baseline: 1 point is not judged, and so no baseline, " THE_POINT
                   "; allowed: points that were judged, or --where without them");
    char *known = updated(text, "status=\"fail\"", &all);
    assert_non_null(strstr(known, "\"known_failure\":\"https://example.org/7\",\"expires\":\"2027-01-31\","));
    char *still = updated(known, "status=\"fail\";" OTHER, &none);
    assert_non_null(strstr(still, "\"expires\":\"2027-01-31\""));
    char *fixed = updated(known, OTHER, &none);
    assert_null(strstr(fixed, "known_failure"));
    assert_null(strstr(fixed, "expires"));
    free(fixed);
    free(still);
    free(known);
    free(text);
}

/* Each way in which lines change is counted, of several: none gone, added or changed is one point. */
static void test_what_becomes_of_points_is_counted(void **state)
{
    (void)state;
    static const char *const four[] = {"key=\"a\"", "key=\"b\"", "key=\"c\"", "key=\"d\""};
    static const char *const edits[] = {"key=\"a\"", "key=\"e\"", "key=\"f\"", "key=\"g\""};
    static const char *const others[] = {"key=\"a\";" OTHER, "key=\"b\";" OTHER, "key=\"c\"", "key=\"d\";" OTHER};
    struct baseline_change change;
    struct error error;
    char *text = make(four, 4), *less = NULL;
    assert_int_equal(update(&less, &change, text, edits, 4, &why, &error), 0);
    assert_int_equal(change.removed, 3);
    assert_int_equal(change.added, 3);
    assert_int_equal(change.kept, 1);
    assert_int_equal(change.changed, 0);
    free(less);
    assert_int_equal(update(&less, &change, text, others, 4, &why, &error), 0);
    assert_int_equal(change.removed, 0);
    assert_int_equal(change.added, 0);
    assert_int_equal(change.kept, 1);
    assert_int_equal(change.changed, 3);
    free(less);
    free(text);
}

static void test_points_come_and_go(void **state)
{
    (void)state;
    static const char *const two[] = {"key=\"a\"", "key=\"b\""};
    char *text = make(two, 2);
    assert_refused(text, "key=\"a\"", &none,
                   "--update-baseline: 1 point is not as good as before, 'b'; allowed: --reason TEXT, which is kept "
                   "beside them");
    char *less = updated(text, "key=\"a\"", &why);
    assert_non_null(strstr(less, "{\"baseline\":1,\"schema\":1,\"key\":\"b\",\"status\":\"removed\","
                                 "\"reason\":\"a shorter polynomial\",\"date\":\"2026-11-27\"}\n"));
    char *again = updated(less, "key=\"a\"", &none);
    assert_string_equal(again, less);
    struct baseline_change change;
    struct error error;
    char *back;
    assert_int_equal(update(&back, &change, less, two, 2, &none, &error), 0);
    assert_string_equal(back, text);
    assert_int_equal(change.added, 1);
    assert_int_equal(change.kept, 1);
    free(back);
    free(again);
    free(less);
    free(text);
}

/* A run that was cut short, or a shard of one, tells nothing of points that it did not come to. */
static void test_a_part_of_a_run_removes_nothing(void **state)
{
    (void)state;
    static const char *const two[] = {"key=\"a\"", "key=\"b\""};
    static const char part[] = "key=\"a\";run={\"index\":0,\"of\":2,\"digest\":\"1\"}",
                      whole[] = "key=\"a\";run={\"index\":0,\"of\":1,\"digest\":\"1\"}";
    char *text = make(two, 2);
    assert_refused(
        text, part, &why,
        "--update-baseline: 1 point is missing, and the new records are not all of their run's, 'b'; allowed: "
        "all of them (run --resume, merge), or --where 'change != missing'");
    char *less = updated(text, whole, &why), *same = updated(less, part, &none);
    assert_non_null(strstr(less, "\"key\":\"b\",\"status\":\"removed\""));
    assert_string_equal(same, less);
    free(same);
    free(less);
    free(text);
}

/* Nor does one that was told to leave points out: which of them are gone? */
static void test_a_run_of_chosen_points_removes_nothing(void **state)
{
    (void)state;
    static const char *const two[] = {"key=\"a\"", "key=\"b\""};
    static const char chosen[] = "key=\"a\";run={\"index\":0,\"of\":1,\"left_out\":1,\"digest\":\"1\"}",
                      all[] = "key=\"a\";run={\"index\":0,\"of\":1,\"left_out\":0,\"digest\":\"1\"}";
    char *text = make(two, 2);
    assert_refused(text, chosen, &why,
                   "--update-baseline: 1 point is missing, and the new records are of a run that was told to leave "
                   "points of its cases out, 'b'; allowed: a run without --only, --where and --last-failed, or --where "
                   "'change != missing'");
    char *less = updated(text, all, &why), *same = updated(less, chosen, &none);
    assert_non_null(strstr(less, "\"key\":\"b\",\"status\":\"removed\""));
    assert_string_equal(same, less);
    free(same);
    free(less);
    free(text);
}

/* An update of some points alone. */
static void test_what_is_left_out_stays(void **state)
{
    (void)state;
    static const char *const before[] = {"key=\"a\"", "key=\"b\"", "key=\"c\""};
    static const char *const after[] = {"key=\"a\";max_ulp_err=0.75;" OTHER, "key=\"b\";max_ulp_err=0.75;" OTHER};
    char *text = make(before, 3), *part;
    struct results base, now;
    struct collation collation;
    struct baseline_change change;
    struct where *where;
    struct error error;
    write_results(text);
    assert_int_equal(results_read(&base, fixture_path, &error), 0);
    assert_int_equal(read_edits(&now, after, 2, &error), 0);
    assert_int_equal(where_parse_names(&where, "key = b", &compare_field_names, &error), 0);
    assert_int_equal(collate(&collation, &base, &now, &rules, where, &error), 0);
    assert_int_equal(baseline_update(&part, &change, &collation, &why, &error), 0);
    assert_int_equal(change.changed, 1);
    assert_int_equal(change.kept, 2);
    const char *end = strchr(text, '\n') + 1, *last = strstr(text, "{\"baseline\":1,\"schema\":1,\"key\":\"c\"");
    assert_memory_equal(part, text, (size_t)(end - text));
    assert_non_null(strstr(part, "\"key\":\"b\",\"status\":\"pass\""));
    assert_non_null(strstr(part, "\"reason\":\"a shorter polynomial\""));
    assert_non_null(last);
    assert_non_null(strstr(part, last));
    free(part);
    where_free(where);
    collation_clear(&collation);
    results_clear(&now);
    results_clear(&base);
    free(text);
}

/* Lines that nobody may have written, by hand or by a merge. */
static void test_lines_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *expected;
    } rows[] = {
        {"\"status\":\"pass\"", "\"status\":\"fail\"",
         "1: `known_failure` is missing, and the point fails; a known failure has a link and the day on which it "
         "expires"},
        {"\"status\":\"pass\"", "\"status\":\"error\"",
         "1: `status` is error: a point that was not judged is no baseline"},
        {"\"max_ulp_err\":0.5,", "", "1: `max_ulp_err` is missing; --update-baseline writes the line anew"},
        {"\"max_ulp_err\":0.5,", "\"max_ulp_err\":null,",
         "1: `max_ulp_err` is null, and the point was judged; --update-baseline writes the line anew"},
        {"\"elements\":128,", "", "1: `elements` is missing; --update-baseline writes the line anew"},
        {"\"device\":", "\"expires\":\"soon\",\"device\":", "1: `expires` is no day; allowed: YYYY-MM-DD"},
        {"\"device\":", "\"reason\":\"\",\"device\":", "1: `reason` is no text"},
    };
    char *text = make(sound, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char broken[4096], expected[1024];
        struct results results;
        struct error error = {.text = ""};
        const char *at = strstr(text, rows[i].from);
        assert_non_null(at);
        snprintf(broken, sizeof broken, "%.*s%s%s", (int)(at - text), text, rows[i].to, at + strlen(rows[i].from));
        write_results(broken);
        snprintf(expected, sizeof expected, "%s:%s", fixture_path, rows[i].expected);
        assert_int_equal(results_read(&results, fixture_path, &error), ERROR_USAGE);
        assert_string_equal(error.text, expected);
        results_clear(&results);
    }
    /* a count that is left out is 0: that can only be stricter */
    const char *nan = strstr(text, "\"nan\":1,");
    assert_non_null(nan);
    char stricter[4096];
    snprintf(stricter, sizeof stricter, "%.*s%s", (int)(nan - text), text, nan + 8);
    assert_refused(stricter, OTHER, &none,
                   "--update-baseline: 1 point is not as good as before, " THE_POINT
                   "; allowed: --reason TEXT, which is kept beside them");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_read_back),
        cmocka_unit_test(test_another_gpu_is_seen),
        cmocka_unit_test(test_nothing_changes_where_nothing_changed),
        cmocka_unit_test(test_skips_are_no_baseline),
        cmocka_unit_test(test_worse_needs_a_reason),
        cmocka_unit_test(test_what_is_allowed_does_not_add_up),
        cmocka_unit_test(test_failures_need_a_link),
        cmocka_unit_test(test_what_becomes_of_points_is_counted),
        cmocka_unit_test(test_points_come_and_go),
        cmocka_unit_test(test_a_part_of_a_run_removes_nothing),
        cmocka_unit_test(test_a_run_of_chosen_points_removes_nothing),
        cmocka_unit_test(test_what_is_left_out_stays),
        cmocka_unit_test(test_lines_that_are_refused),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
