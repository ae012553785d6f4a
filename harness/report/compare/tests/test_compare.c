/* Two files joined, and what is printed of them in each form. */
#include "harness/report/compare/tests/results_fixture.h"

#include <libxml/parser.h>
#include <libxml/xpath.h>

#include "harness/report/compare/compare_format.h"
#include "harness/report/compare/compare_text.h"
#include "harness/support/junit_document.h"

#define OTHER "output_digest=\"0000000000000009\";"

/* Two files and what became of their points. */
struct pair {
    struct results base, after;
    struct collation collation;
};

static void join(struct pair *pair, const char *const *before, size_t num_before, const char *const *after,
                 size_t num_after, const struct compare_rules *rules, const char *where)
{
    struct error error = {.text = ""};
    struct where *parsed = NULL;
    if (read_edits(&pair->base, before, num_before, &error) || read_edits(&pair->after, after, num_after, &error) ||
        (where && where_parse_names(&parsed, where, &compare_field_names, &error)) ||
        collate(&pair->collation, &pair->base, &pair->after, rules, parsed, &error))
        fail_msg("%s", error.text);
    where_free(parsed);
}

static void clear(struct pair *pair)
{
    collation_clear(&pair->collation);
    results_clear(&pair->after);
    results_clear(&pair->base);
}

static char *print(const struct compare_format *format, const struct compare_view *view)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    assert_true(format->print(stream, view));
    assert_int_equal(fclose(stream), 0);
    return text;
}

static const struct compare_rules rules = {.today = "2026-11-27"};

static const char *const before[] = {
    "key=\"a:same\"",
    "key=\"a:bits\"",
    "key=\"a:worse\"",
    "key=\"a:much worse\"",
    "key=\"b:gone\"",
    "key=\"b:better\"",
    "key=\"b:bug\";status=\"xfail\";expect=\"fail\"",
    "key=\"b:unlike\"",
};
static const char *const after[] = {
    "key=\"a:same\"",
    "key=\"a:bits\";" OTHER,
    "key=\"a:worse\";max_ulp_err=0.5000000001;" OTHER,
    "key=\"a:much worse\";max_ulp_err=0.75;max_abs_err=0.125;" OTHER,
    "key=\"b:better\";max_ulp_err=0.25;" OTHER,
    "key=\"b:bug\";status=\"xfail\";expect=\"fail\"",
    "key=\"b:new|<&>\"",
    "key=\"b:unlike\";truth_digest=\"4\"",
};
enum { NUM_BEFORE = sizeof before / sizeof before[0], NUM_AFTER = sizeof after / sizeof after[0] };

static void join_all(struct pair *pair, const char *where)
{
    join(pair, before, NUM_BEFORE, after, NUM_AFTER, &rules, where);
}

static void test_the_worst_first(void **state)
{
    (void)state;
    struct pair pair;
    static const char *const keys[] = {"b:unlike", "b:gone",    "a:much worse", "a:worse", "b:better",
                                       "a:bits",   "b:new|<&>", "a:same",       "b:bug"};
    join_all(&pair, NULL);
    assert_int_equal(pair.collation.count, 9);
    for (size_t i = 0; i < 9; i++)
        assert_string_equal(compared_key(&pair.collation.points[i]), keys[i]);
    assert_int_equal(collation_result(&pair.collation), COMPARE_IMPOSSIBLE);
    char *sentence = collation_sentence(&pair.collation);
    assert_string_equal(sentence, "1 not comparable, 1 missing, 2 worse, 1 better, 1 other bits, 1 new, 2 same bits: "
                                  "not comparable");
    free(sentence);
    clear(&pair);
}

/* What is skipped before and after, or new and skipped, is counted by itself, and where there is nothing else, or
 * nothing of the base was judged, nothing was compared: no form calls that good. */
static void test_skipped_is_not_compared(void **state)
{
    (void)state;
    static const char *const gone = SKIPPED ";key=\"a:gone\"", *const other = SKIPPED ";key=\"a:other\"",
                             *const judged = "key=\"a:judged\"", *const worse = "key=\"a:judged\";status=\"fail\"",
                             *const taken = "key=\"a:gone\"";
    static const struct {
        const char *before[2], *after[2];
        const char *where, *sentence, *why;
        enum junit_result first;
    } rows[] = {
        {{judged, gone}, {judged, gone}, NULL, "1 same bits, 1 skipped: as good", "", JUNIT_PASSED},
        {{judged}, {judged, other}, NULL, "1 same bits, 1 skipped: as good", "", JUNIT_PASSED},
        {{judged, gone}, {worse, gone}, NULL, "1 newly failing, 1 skipped: worse", "", JUNIT_FAILED},
        {{judged, gone}, {judged, taken}, NULL, "1 new, 1 same bits: as good", "", JUNIT_PASSED},
        {{judged, gone}, {judged, taken}, "change = new", "1 new, 1 left out by --where: as good", "", JUNIT_PASSED},
        {{gone}, {gone}, NULL, "1 skipped: not comparable", "every point is skipped", JUNIT_ERROR},
        {{gone}, {gone, other}, NULL, "2 skipped: not comparable", "every point is skipped", JUNIT_ERROR},
        {{judged, gone},
         {judged, gone},
         "status_a = skip",
         "1 skipped, 1 left out by --where: not comparable",
         "every point is skipped",
         JUNIT_ERROR},
        {{gone}, {taken}, NULL, "1 new: not comparable", "no point of the base was judged", JUNIT_ERROR},
        {{gone},
         {judged, gone},
         NULL,
         "1 new, 1 skipped: not comparable",
         "no point of the base was judged",
         JUNIT_ERROR},
        {{gone}, {worse}, NULL, "1 missing, 1 new and failing: worse", "", JUNIT_FAILED},
    };
    static const char *const marks[] = {
        [JUNIT_PASSED] = "errors=\"0\"", [JUNIT_FAILED] = "<failure", [JUNIT_ERROR] = "<error"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair pair;
        join(&pair, rows[i].before, 1 + (rows[i].before[1] != NULL), rows[i].after, 1 + (rows[i].after[1] != NULL),
             &rules, rows[i].where);
        const struct compare_view view = {.collation = &pair.collation, .width = 80};
        char *sentence = collation_sentence(&pair.collation), *junit = print(&compare_junit, &view),
             *table = print(&compare_table, &view), *markdown = print(&compare_markdown, &view),
             *github = print(&compare_github, &view);
        assert_string_equal(sentence, rows[i].sentence);
        assert_int_equal(*rows[i].why != '\0', *collation_void(&pair.collation) != '\0');
        assert_non_null(strstr(collation_void(&pair.collation), rows[i].why));
        assert_non_null(strstr(table, rows[i].why));
        assert_non_null(strstr(markdown, rows[i].why));
        assert_non_null(strstr(github, rows[i].why));
        assert_int_equal(*github != '\0', rows[i].first != JUNIT_PASSED);
        assert_non_null(strstr(junit, marks[rows[i].first]));
        assert_null(strstr(table, "that are skipped")); /* they are many, and none is named */
        free(github);
        free(markdown);
        free(table);
        free(junit);
        free(sentence);
        clear(&pair);
    }
    struct pair pair;
    join(&pair, rows[0].before, 2, rows[0].after, 2, &rules, NULL);
    char *junit = print(&compare_junit, &(struct compare_view){.collation = &pair.collation, .width = 80});
    assert_non_null(strstr(junit, "tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"1\""));
    free(junit);
    clear(&pair);
}

/* A point that is skipped now, or has no output, says so and why, before what it has lost by that. */
static void test_why_a_point_is_gone(void **state)
{
    (void)state;
    static const char *const fine[] = {"class=\"f32\""};
    static const struct {
        const char *after, *changes;
    } rows[] = {
        {SKIPPED ";error=\"it does not take gqa\"", "status pass -> skip (it does not take gqa)"},
        {"status=\"fail\";signature=\"no-answer\";run_failure=\"crash\";class=null;error=\"signal 6\";" OTHER,
         "status pass -> fail (signal 6), signature none -> no-answer, run_failure none -> crash, 1 more"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair pair;
        join(&pair, fine, 1, &rows[i].after, 1, &rules, NULL);
        char *changes = compared_changes(&pair.collation.points[0], 3);
        assert_string_equal(changes, rows[i].changes);
        free(changes);
        clear(&pair);
        if (!strstr(rows[i].changes, "skip"))
            continue;
        join(&pair, &rows[i].after, 1, fine, 1, &rules, NULL); /* there is as little to say of one that is taken now */
        changes = compared_changes(&pair.collation.points[0], 3);
        assert_string_equal(changes, "status skip -> pass");
        free(changes);
        clear(&pair);
    }
}

static void test_results(void **state)
{
    (void)state;
    static const struct {
        const char *where;
        enum compare_result result;
        size_t left_out, left_out_worse;
    } rows[] = {
        {"key = a:same", COMPARE_AS_GOOD, 8, 4},
        {"change = 'other bits' or change = better or change = new", COMPARE_AS_GOOD, 6, 4},
        {"max_ulp_err_pct > 0", COMPARE_WORSE, 7, 2},
        {"status_b = null", COMPARE_WORSE, 8, 3},
        {"outcome = worse", COMPARE_WORSE, 6, 1},
        {"outcome != fine", COMPARE_IMPOSSIBLE, 5, 0},
        {"max_ulp_err_diff < 0", COMPARE_AS_GOOD, 8, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair pair;
        join_all(&pair, rows[i].where);
        assert_int_equal(collation_result(&pair.collation), rows[i].result);
        assert_int_equal(pair.collation.left_out, rows[i].left_out);
        assert_int_equal(pair.collation.left_out_worse, rows[i].left_out_worse);
        clear(&pair);
    }
}

/* Who compares two kernels is told so, and of how many points. */
static void test_other_subjects_are_counted(void **state)
{
    (void)state;
    static const char *const ours[] = {"key=\"a\"", "key=\"b\"", "key=\"c\""};
    static const char *const theirs[] = {"key=\"a\";kernel=\"single_pass\"",
                                         "key=\"b\";kernel=\"single_pass\";recipe_digest=\"9\"", "key=\"c\""};
    struct pair pair;
    join(&pair, ours, 3, theirs, 3, &rules, NULL);
    char *text = collation_subjects(&pair.collation);
    assert_non_null(text);
    assert_string_equal(text, "2 of another kernel, 1 of another recipe");
    free(text);
    clear(&pair);
    join(&pair, ours, 3, ours, 3, &rules, NULL);
    text = collation_subjects(&pair.collation);
    assert_string_equal(text, "");
    free(text);
    clear(&pair);
}

/* The kernel's own words for what it runs on, wherever its file lies; of the host device the name says nothing. */
static void test_another_gpu_is_told(void **state)
{
    (void)state;
    static const char none[] = "", other[] = "1 of another device_name";
    static const struct {
        const char *before, *after, *said;
    } pairs[] = {
        {"\"--plugin ./a.so, H100, driver 13.0\";device=\"foreign\"",
         "\"--plugin /b/a.so, H100, driver 13.0\";device=\"foreign\"", none},
        {"\"--plugin ./a.so, H100, driver 13.0\";device=\"foreign\"",
         "\"--plugin ./a.so, H200, driver 13.0\";device=\"foreign\"", other},
        {"\"--plugin ./a.so\";device=\"foreign\"", "\"--plugin ./b.so\";device=\"foreign\"", none},
        {"\"H100 (sm_90)\";device=\"cuda\"", "\"A100 (sm_80)\";device=\"cuda\"", other},
        {"\"H100 (sm_90)\";device=\"cuda\"", "\"H100 (sm_90)\";device=\"cuda\"", none},
        {"null;device=\"cuda\"", "\"A100 (sm_80)\";device=\"cuda\"", none},
        {"\"host (2 threads)\"", "\"host (4 threads)\"", none},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char edits[2][256];
        const char *const one[] = {edits[0]}, *const two[] = {edits[1]};
        struct pair pair;
        snprintf(edits[0], sizeof edits[0], "device_name=%s", pairs[i].before);
        snprintf(edits[1], sizeof edits[1], "device_name=%s", pairs[i].after);
        join(&pair, one, 1, two, 1, &rules, NULL);
        char *text = collation_subjects(&pair.collation);
        assert_string_equal(text, pairs[i].said);
        free(text);
        clear(&pair);
    }
}

static void test_bits_turn_red(void **state)
{
    (void)state;
    struct pair pair;
    const struct compare_rules every = {.bits = true, .today = rules.today};
    join(&pair, before + 1, 1, after + 1, 1, &rules, NULL);
    assert_int_equal(collation_result(&pair.collation), COMPARE_AS_GOOD);
    clear(&pair);
    join(&pair, before + 1, 1, after + 1, 1, &every, NULL);
    assert_int_equal(collation_result(&pair.collation), COMPARE_WORSE);
    clear(&pair);
}

static void test_table(void **state)
{
    (void)state;
    struct pair pair;
    join_all(&pair, "change = worse or change = 'not comparable' or change = missing");
    struct compare_view view = {.collation = &pair.collation, .width = 80};
    char *text = print(&compare_table, &view);
    const char *changes = strstr(text, "\n\n");
    assert_non_null(changes);
    assert_string_equal(
        changes,
        "\n\nnot comparable: 1 that have another problem, other inputs, another truth, or another sample of rows\n"
        "  b:unlike  truth_digest 0000000000000003 -> 4\n\n"
        "missing: 1 that were there, and are not\n"
        "  b:gone\n\n"
        "worse: 2 that have a figure or a class that is worse\n"
        "  a:much worse  max_ulp_err 0.5 -> 0.75 (+50%)\n"
        "  a:worse  max_ulp_err 0.5 -> 0.5000000001 (+2e-08%)\n\n"
        "to see the first, add --only 'b:unlike' --verbose to the run's command, and\n"
        "--bundle DIR to keep it as a file for `alibicheck judge`; `alibicheck explain\n"
        "CASE... --only KEY` says what its error is made of\n"
        "what is not comparable has another problem, other inputs or other rows than\n"
        "before: make the base once more, by the same program and options; of points that\n"
        "are missing the run was to have all that the base has: the same cases, without\n"
        "--only and --where; --allow METRIC=+X% lets a figure be worse by so much,\n"
        "--allow all=+X% each of them\n\n"
        "1 not comparable, 1 missing, 2 worse, 5 left out by --where: not comparable\n");
    free(text);
    clear(&pair);
}

/* What is said to do helps: of records no baseline can be updated, and what fails needs a link and a day. */
static void test_advice(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        bool of_baseline;
        const char *const said[4], *const unsaid[3];
    } rows[] = {
        {"key=\"a:1\"", "key=\"a:1\"", true, {""}, {"to see", "--", "meant"}},
        {"key=\"a:1\"", "key=\"a:1\";max_ulp_err=0.25;" OTHER, true, {""}, {"to see", "--", "meant"}},
        {"key=\"a:1\"",
         "key=\"a:1\";max_ulp_err=0.75;" OTHER,
         true,
         {"--only 'a:1' --verbose", "--allow METRIC=+X%", "--update-baseline --reason TEXT"},
         {"--known-failure", "missing", "not comparable"}},
        {"key=\"a:1\"",
         "key=\"a:1\";max_ulp_err=0.75;" OTHER,
         false,
         {"--only 'a:1' --verbose", "--allow METRIC=+X%"},
         {"--known-failure", "--update-baseline"}},
        {"key=\"a:1\"",
         "key=\"a:1\";status=\"fail\";" OTHER,
         true,
         {"--only 'a:1' --verbose", "--update-baseline", "--known-failure LINK and --expires YYYY-MM-DD"},
         {"--allow"}},
        {"key=\"a:1\"", "key=\"a:1\";truth_digest=\"4\"", true, {"not comparable", "--reason TEXT"}, {"--allow"}},
        {"key=\"a:1\"", "key=\"a:2\"", true, {"without --only", "--update-baseline"}, {"to see", "--allow"}},
        {"key=\"a:1\"",
         "key=\"a:2\";run={\"digest\":\"1\",\"index\":0,\"of\":3}",
         true,
         {"2 points of the new records' own run are not there"},
         {"without --only", "--update-baseline", "to see"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair pair;
        join(&pair, &rows[i].before, 1, &rows[i].after, 1, &rules, NULL);
        pair.base.is_baseline = rows[i].of_baseline;
        struct compare_view view = {.collation = &pair.collation, .width = 1000};
        char *text = print(&compare_table, &view);
        for (size_t j = 0; j < 4 && rows[i].said[j]; j++)
            assert_non_null(strstr(text, rows[i].said[j]));
        for (size_t j = 0; j < 3 && rows[i].unsaid[j]; j++)
            if (strstr(text, rows[i].unsaid[j]))
                fail_msg("row %zu says %s: %s", i, rows[i].unsaid[j], text);
        free(text);
        view.updates = true;
        text = print(&compare_table, &view);
        assert_null(strstr(text, "to see"));
        free(text);
        clear(&pair);
    }
}

/* An update says whether it has changed anything. */
static void test_update(void **state)
{
    (void)state;
    static const struct {
        struct baseline_change change;
        const char *said;
    } rows[] = {
        {{.kept = 1}, ": worse; the baseline stays as it was\n"},
        {{.added = 1}, ": worse; the baseline is updated\n"},
        {{.changed = 1}, ": worse; the baseline is updated\n"},
        {{.removed = 1}, ": worse; the baseline is updated\n"},
    };
    struct pair pair;
    join_all(&pair, "change = worse");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct compare_view view = {
            .collation = &pair.collation, .width = 80, .updates = true, .updated = &rows[i].change};
        char *text = print(&compare_table, &view);
        assert_non_null(strstr(text, rows[i].said));
        free(text);
    }
    clear(&pair);
}

static void test_columns(void **state)
{
    (void)state;
    struct pair pair;
    struct error error;
    struct compare_field columns[4], order;
    join_all(&pair, "change = worse or change = missing");
    static const char *const names[] = {"key", "change", "max_ulp_err_b", "max_ulp_err_pct"};
    for (int i = 0; i < 4; i++)
        assert_int_equal(compare_field_parse(&columns[i], "--columns", names[i], strlen(names[i]), &error), 0);
    assert_int_equal(compare_field_parse(&order, "--sort", "-max_ulp_err_b", 14, &error), 0);
    struct compare_view view = {.collation = &pair.collation,
                                .width = 80,
                                .columns = columns,
                                .num_columns = 4,
                                .order = &order,
                                .num_order = 1};
    char *text = print(&compare_table, &view);
    const char *rows = strstr(text, "\n\n");
    assert_non_null(rows);
    assert_string_equal(rows, "\n\nkey           change   max_ulp_err_b  max_ulp_err_pct\n"
                              "a:much worse  worse             0.75               50\n"
                              "a:worse       worse              0.5            2e-08\n"
                              "b:gone        missing              -                -\n\n"
                              "1 missing, 2 worse, 6 left out by --where, 1 of them worse: worse\n");
    free(text);
    assert_int_equal(compare_field_parse(&order, "--sort", "max_ulp_er_pct", 14, &error), ERROR_USAGE);
    assert_int_equal(compare_field_parse(&order, "--sort", "elements_diff", 13, &error), ERROR_USAGE);
    assert_int_equal(compare_field_parse(&order, "--sort", "", 0, &error), ERROR_USAGE);
    clear(&pair);
}

static void test_json(void **state)
{
    (void)state;
    struct pair pair;
    join_all(&pair, NULL);
    struct compare_view view = {.collation = &pair.collation, .width = 80};
    char *text = print(&compare_json, &view);
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "verdict")), "not comparable");
    assert_int_equal(json_integer_value(json_object_get(json, "exit_code")), 3);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "changes"), "same bits")), 2);
    const json_t *points = json_object_get(json, "points");
    assert_int_equal(json_array_size(points), 7);
    const json_t *worse = json_array_get(points, 2);
    assert_string_equal(json_string_value(json_object_get(worse, "key")), "a:much worse");
    assert_true(json_real_value(json_object_get(worse, "max_ulp_err_diff")) == 0.25);
    assert_int_equal(json_integer_value(json_object_get(worse, "max_ulp_err_pct")), 50);
    assert_int_equal(json_integer_value(json_object_get(worse, "max_abs_err_pct")), -50);
    json_decref(json);
    free(text);
    clear(&pair);
}

/* A comparison of a part that is as good says what it does not look at, in every form. */
static void test_what_is_left_out_is_said(void **state)
{
    (void)state;
    static const struct {
        const struct compare_format *format;
        const char *said;
    } rows[] = {
        {&compare_table, "\n1 same bits, 8 left out by --where, 4 of them worse: as good\n"},
        {&compare_json, "\"left_out\":8,\"left_out_worse\":4,"},
        {&compare_markdown, "\n\n8 left out by --where, 4 of them worse\n"},
        {&compare_junit, "<property name=\"left_out\" value=\"8 left out by --where, 4 of them worse\"/>"},
        {&compare_github, "::warning title=alibicheck compare::left out by --where, and worse: 4 of 8\n"},
    };
    struct pair pair;
    join_all(&pair, "key = a:same");
    struct compare_view view = {.collation = &pair.collation, .width = 80};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = print(rows[i].format, &view);
        if (!strstr(text, rows[i].said))
            fail_msg("'%s' is not in\n%s", rows[i].said, text);
        free(text);
    }
    clear(&pair);
}

/* count points that are missing, whose keys have so many digits. */
static void join_missing(struct pair *pair, size_t count, int digits)
{
    FILE *file = fopen(fixture_path, "w");
    struct error error;
    assert_non_null(file);
    for (size_t i = 0; i < count; i++) {
        char edits[512];
        snprintf(edits, sizeof edits, "key=\"p:%%%0*zu\"", digits, i);
        put_record(file, edits);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(results_read(&pair->base, fixture_path, &error), 0);
    static const char *const one[] = {"key=\"other\""};
    assert_int_equal(read_edits(&pair->after, one, 1, &error), 0);
    assert_int_equal(collate(&pair->collation, &pair->base, &pair->after, &rules, NULL, &error), 0);
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        count++;
    return count;
}

static void test_at_most_ten_annotations(void **state)
{
    (void)state;
    for (size_t count = 8; count <= 12; count++) {
        struct pair pair;
        join_missing(&pair, count, 5);
        struct compare_view view = {.collation = &pair.collation, .width = 80};
        char *text = print(&compare_github, &view);
        static const char first[] = "::error title=alibicheck compare::no point is in both: ";
        assert_true(!strncmp(text, first, strlen(first))); /* one of the ten */
        assert_int_equal(count_of(text, "::error"), count < 9 ? count + 1 : 10);
        assert_int_equal(count_of(text, "\n"), count < 9 ? count + 1 : 10);
        assert_int_equal(count_of(text, "p:%25000"), count <= 9 ? count : 8);
        char rest[32];
        snprintf(rest, sizeof rest, "::and %zu more: ", count - 8);
        assert_int_equal(count_of(text, rest), count > 9);
        free(text);
        clear(&pair);
    }
}

static void test_markdown_is_small(void **state)
{
    (void)state;
    struct pair pair;
    join_missing(&pair, 2500, 480);
    struct compare_view view = {.collation = &pair.collation, .width = 80};
    char *text = print(&compare_markdown, &view);
    assert_true(strlen(text) < 1 << 20);
    assert_true(strlen(text) > 900000);
    assert_non_null(strstr(text, "| 2500 | missing | worse |"));
    assert_int_equal(count_of(text, "\nand "), 2); /* the new one does not fit either */
    free(text);
    clear(&pair);
    join_all(&pair, NULL);
    view.collation = &pair.collation;
    text = print(&compare_markdown, &view);
    assert_non_null(strstr(text, "| `b:new\\|<&>` |"));
    free(text);
    clear(&pair);
}

/* A command in what is to be done is code, and a key that has backticks breaks out of none. */
static void test_markdown_has_commands_as_code(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after, *has;
    } rows[] = {
        {"key=\"a:b_c\"", "key=\"a:b_c\";max_ulp_err=0.75", "--only 'a:b\\_c' --verbose to the run's command"},
        {"key=\"a:b\"", "key=\"a:b\";max_ulp_err=0.75", "; `alibicheck explain CASE... --only KEY` says"},
        {"key=\"a:```<b>`\"", "key=\"a:```<b>`\";max_ulp_err=0.75", "--only 'a:\\`\\`\\`\\<b\\>\\`'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair pair;
        join(&pair, &rows[i].before, 1, &rows[i].after, 1, &rules, NULL);
        const struct compare_view view = {.collation = &pair.collation, .width = 80};
        char *text = print(&compare_markdown, &view);
        if (!strstr(text, rows[i].has))
            fail_msg("%s is not in %s", rows[i].has, text);
        free(text);
        clear(&pair);
    }
}

static void assert_xpath(xmlDoc *document, const char *expression, const char *expected)
{
    xmlXPathContext *context = xmlXPathNewContext(document);
    xmlXPathObject *result = xmlXPathEval(BAD_CAST expression, context);
    assert_non_null(result);
    xmlChar *text = xmlXPathCastToString(result);
    assert_string_equal((char *)text, expected);
    xmlFree(text);
    xmlXPathFreeObject(result);
    xmlXPathFreeContext(context);
}

static void test_junit(void **state)
{
    (void)state;
    struct pair pair;
    join_all(&pair, NULL);
    for (int gitlab = 0; gitlab < 2; gitlab++) {
        struct compare_view view = {.collation = &pair.collation, .width = 80, .gitlab = gitlab};
        char *text = print(&compare_junit, &view);
        xmlDoc *document = xmlReadMemory(text, (int)strlen(text), "junit.xml", NULL, XML_PARSE_NONET);
        assert_non_null(document);
        assert_xpath(document, "string(/testsuites/@tests)", "9");
        assert_xpath(document, "string(/testsuites/@failures)", "3");
        assert_xpath(document, "string(/testsuites/@errors)", "1");
        assert_xpath(document, "string(/testsuites/@skipped)", gitlab ? "1" : "0");
        assert_xpath(document, "count(//testsuite)", "2");
        assert_xpath(document, "string(//testsuite[1]/@name)", "a");
        assert_xpath(document, "string(//testsuite[1]/@tests)", "4");
        assert_xpath(document, "string(//testsuite[1]/@failures)", "2");
        assert_xpath(document, "count(//testcase[@name='b:bug']/skipped)", gitlab ? "1" : "0");
        assert_xpath(document, "string(//testcase[@name='a:worse']/@classname)", "a");
        assert_xpath(document, "string(//testcase[@name='a:worse']/failure/@type)", "worse");
        assert_xpath(document, "contains(//testcase[@name='a:worse']/failure, '0.5 -> 0.5000000001')", "true");
        assert_xpath(document, "count(//testcase[@name='b:gone']/failure)", "1");
        assert_xpath(document, "count(//testcase[@name='b:unlike']/error)", "1");
        assert_xpath(document, "count(//testcase[@name='a:same']/*)", "0");
        assert_xpath(document, "count(//testcase[@name='b:new|<&>']/failure)", "0");
        assert_xpath(document, "count(//properties/property[@name='base'])", "2");
        xmlFreeDoc(document);
        free(text);
    }
    clear(&pair);
}

static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after, *changes;
    } rows[] = {
        {"", "status=\"fail\";signature=\"leak\";mismatched=9;max_abs_err=7;" OTHER,
         "status pass -> fail, signature none -> leak, mismatched 3 -> 9 (+200%), max_abs_err 0.25 -> 7 (28 times)"},
        {"", "tolerance.atol=0.01;oracles.batch=\"not_run\"", "atol 0.001 -> 0.01 (looser), oracles -batch (looser)"},
        {"", "tolerance.rtol=0;oracles.partition=\"held\"",
         "rtol 0.001 -> 0 (stricter), oracles +partition (stricter)"},
        {"", "max_ulp_err=0.75;budget_used=0.25;kernel=\"two_pass\";" OTHER,
         "max_ulp_err 0.5 -> 0.75 (+50%), kernel split_kv -> two_pass"},
        {"", "max_ulp_err=\"nan\";" OTHER, "max_ulp_err 0.5 -> nan"},
        {"", "budget_used=null;" OTHER, "budget_used 0.5 -> -"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair pair;
        join(&pair, &rows[i].before, 1, &rows[i].after, 1, &rules, NULL);
        char *changes = compared_changes(&pair.collation.points[0], 8);
        assert_string_equal(changes, rows[i].changes);
        free(changes);
        clear(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_worst_first),
        cmocka_unit_test(test_skipped_is_not_compared),
        cmocka_unit_test(test_why_a_point_is_gone),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_other_subjects_are_counted),
        cmocka_unit_test(test_another_gpu_is_told),
        cmocka_unit_test(test_bits_turn_red),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_advice),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_what_is_left_out_is_said),
        cmocka_unit_test(test_at_most_ten_annotations),
        cmocka_unit_test(test_markdown_is_small),
        cmocka_unit_test(test_markdown_has_commands_as_code),
        cmocka_unit_test(test_junit),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
