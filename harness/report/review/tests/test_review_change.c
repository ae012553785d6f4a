/* Two reviews side by side: which point is whose, and that what became of it is what `compare` says. */
#include "harness/report/compare/tests/results_fixture.h"

#include "harness/report/page/document_print.h"
#include "harness/report/review/review_change.h"
#include "harness/report/review/review_document.h"
#include "harness/report/review/review_read.h"

/* Reads records with these edits, a line each. */
static void read_lines(struct review *review, const char *const *edits, size_t count)
{
    const char *paths[] = {fixture_path};
    struct error error = {.text = ""};
    FILE *file = fopen(fixture_path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < count; i++)
        put_record(file, edits[i]);
    assert_int_equal(fclose(file), 0);
    if (review_read(review, paths, 1, NULL, TEXT_DTYPE, true, &error))
        fail_msg("%s", error.text);
}

static void compare_lines(struct review_changes *changes, struct review reviews[2], const char *const before[2],
                          const char *const after[2])
{
    struct error error;
    read_lines(&reviews[0], before, before[1] ? 2 : 1);
    read_lines(&reviews[1], after, after[1] ? 2 : 1);
    assert_int_equal(review_compare(changes, &reviews[0], &reviews[1], &error), ERROR_NONE);
}

static void clear(struct review_changes *changes, struct review reviews[2])
{
    review_changes_clear(changes);
    review_clear(&reviews[0]);
    review_clear(&reviews[1]);
}

static void test_a_report_says_what_compare_says(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        enum change change;
    } rows[] = {
        {"", "", CHANGE_SAME_BITS},
        {"", "output_digest=\"9\"", CHANGE_OTHER_BITS},
        {"", "output_digest=\"9\"; max_abs_err=0.5", CHANGE_WORSE},
        {"", "output_digest=\"9\"; max_abs_err=0.5; max_ulp_err=0.25", CHANGE_WORSE},
        {"", "output_digest=\"9\"; max_abs_err=\"nan\"", CHANGE_WORSE},
        {"", "output_digest=\"9\"; max_abs_err=0.125", CHANGE_BETTER},
        {"", "status=\"fail\"", CHANGE_NEWLY_FAILING},
        {"status=\"fail\"", "output_digest=\"9\"", CHANGE_FIXED},
        {"status=\"fail\"", "", CHANGE_JUDGED_OTHERWISE},
        {"status=\"fail\"", "output_digest=\"9\"; max_abs_err=0.5", CHANGE_FIXED_WORSE},
        {"status=\"fail\"", "tolerance.atol=1", CHANGE_JUDGED_OTHERWISE},
        {"", "input_digest=\"9\"", CHANGE_UNLIKE},
        {"", "truth_digest=\"9\"", CHANGE_UNLIKE},
        {"", NOT_RUN, CHANGE_NEWLY_FAILING},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct review reviews[2];
        struct review_changes changes;
        const char *const before[2] = {rows[i].before}, *const after[2] = {rows[i].after};
        compare_lines(&changes, reviews, before, after);
        assert_int_equal(changes.count, 1);
        if (changes.changes[0].change != rows[i].change)
            fail_msg("row %zu: %s in place of %s", i, change_table[changes.changes[0].change].name,
                     change_table[rows[i].change].name);
        assert_int_equal(changes.by_change[rows[i].change], 1);
        clear(&changes, reviews);
    }
}

/* The section of changes as Markdown; the caller frees it. */
static char *print_section(const char *const before[2], const char *const after[2])
{
    struct review reviews[2];
    struct review_changes changes;
    struct document document;
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    compare_lines(&changes, reviews, before, after);
    document_begin(&document, "changes");
    review_write_changes(&document, &reviews[1], &changes);
    assert_true(document_print_markdown(stream, &document));
    assert_int_equal(fclose(stream), 0);
    document_clear(&document);
    clear(&changes, reviews);
    return text;
}

#define AT(head, out) "worst.query=0;worst.head=" head ";worst.dim=7;worst.out=" out ";worst.truth=0.25;seq_len=9; "

/* The largest change of a kind stands first, with the element that is the worst before and after, and groups have the
 * largest of points on both sides alone. */
static void test_where_it_changed(void **state)
{
    (void)state;
    static const char *const
        before[2] = {"worst={};key=\"less\"; dtype=\"f16\"; " AT("1", "0.5"),
                     "worst={};key=\"more\"; dtype=\"f16\"; " AT("2", "0.5")},
        *const after[2] = {"worst={};key=\"less\"; dtype=\"f16\"; max_ulp_err=0.75; output_digest=\"9\"; " AT("3",
                                                                                                              "0.375"),
                           "worst={};key=\"more\"; dtype=\"f16\"; max_ulp_err=8; output_digest=\"9\"; " AT("4", "0.5")},
        *const gone[2] = {
            "worst={};key=\"less\"; dtype=\"f16\"; max_ulp_err=0.75; output_digest=\"9\"; " AT("3", "0.375")};
    char *text = print_section(before, after);
    const char *more = strstr(text, "| worse | `more` |"), *less = strstr(text, "| worse | `less` |");
    assert_true(more && less && more < less);
    assert_non_null(strstr(text, "| head 1, dim 7: 0.5, truth 0.25 | head 3, dim 7: 0.375, truth 0.25 |"));
    assert_non_null(strstr(text, "| f16 | 2 | 2 | 0 | 0.25 | 0.25 | 0.5 | 8 |"));
    free(text);
    text = print_section(after, gone);
    assert_non_null(strstr(text, "| f16 | 1 | 0 | 0 | 0.25 | 0.25 | 0.75 | 0.75 |"));
    free(text);
}

/* A label for which there is no room is one group all the same. */
static void test_a_long_label_is_one_group(void **state)
{
    (void)state;
    enum { LONG = 400 };
    char longest[LONG + 1], edits[2][LONG + 64];
    memset(longest, 'x', LONG);
    longest[LONG] = '\0';
    for (int i = 0; i < 2; i++)
        snprintf(edits[i], sizeof edits[i], "key=\"%d\"; dtype=\"%s\"; output_digest=\"9\"", i, longest);
    const char *const after[2] = {edits[0], edits[1]};
    char before[2][LONG + 64];
    for (int i = 0; i < 2; i++)
        snprintf(before[i], sizeof before[i], "key=\"%d\"; dtype=\"%s\"", i, longest);
    char *text = print_section((const char *const[2]){before[0], before[1]}, after);
    assert_non_null(strstr(text, "x | 2 | 0 | 0 |"));
    free(text);
}

/* A point may be worse by what no column of figures has. */
static void test_what_changed_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after, *told;
    } rows[] = {
        {"", "", ""},
        {"", "output_digest=\"9\"; max_lse_err=0.75", "max_lse_err "},
        {"", "output_digest=\"9\"; oracles.poison=\"violated\"", "violated "},
        {"", "tolerance.atol=1", "atol "},
        {"", "status=\"fail\"", "status pass -> fail"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct review reviews[2];
        struct review_changes changes;
        const char *const before[2] = {rows[i].before}, *const after[2] = {rows[i].after};
        compare_lines(&changes, reviews, before, after);
        char *facts = review_change_facts(&changes.changes[0], 4);
        assert_non_null(facts);
        if (!strstr(facts, rows[i].told) || !*facts != !*rows[i].told)
            fail_msg("row %zu: no \"%s\" in \"%s\"", i, rows[i].told, facts);
        free(facts);
        clear(&changes, reviews);
    }
}

/* With one device on each side keys are enough: a GPU after the host. With several, each goes with its own. */
static void test_each_point_meets_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *before[2], *after[2];
        size_t same, missing, new, failing;
    } rows[] = {
        {{""}, {"key=\"b\""}, 0, 1, 1, 0},
        {{""}, {"key=\"b\"; status=\"fail\""}, 0, 1, 0, 1},
        {{"", "key=\"b\""}, {"key=\"b\""}, 1, 1, 0, 0},
        {{""}, {"device=\"cuda\""}, 1, 0, 0, 0},
        {{"", "device=\"cuda\"; output_digest=\"9\""}, {"device=\"cuda\"; output_digest=\"9\"", ""}, 2, 0, 0, 0},
        {{"", "device=\"cuda\"; output_digest=\"9\""}, {"device=\"cuda\"; output_digest=\"9\""}, 1, 1, 0, 0},
        {{"device=\"cuda\""}, {"", "device=\"cuda\""}, 1, 0, 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct review reviews[2];
        struct review_changes changes;
        compare_lines(&changes, reviews, rows[i].before, rows[i].after);
        assert_int_equal(changes.by_change[CHANGE_SAME_BITS], rows[i].same);
        assert_int_equal(changes.by_change[CHANGE_MISSING], rows[i].missing);
        assert_int_equal(changes.by_change[CHANGE_NEW], rows[i].new);
        assert_int_equal(changes.by_change[CHANGE_NEW_FAILING], rows[i].failing);
        assert_int_equal(changes.count, rows[i].same + rows[i].missing + rows[i].new + rows[i].failing);
        for (size_t c = 0; c < changes.count; c++) {
            assert_int_equal(!changes.changes[c].before, changes.changes[c].change == CHANGE_NEW ||
                                                             changes.changes[c].change == CHANGE_NEW_FAILING);
            assert_int_equal(!changes.changes[c].after, changes.changes[c].change == CHANGE_MISSING);
        }
        clear(&changes, reviews);
    }
}

/* What lacks a fact cannot be compared, and may be reported. */
static void test_records_without_a_fact(void **state)
{
    (void)state;
    const char *paths[] = {fixture_path};
    struct review review;
    struct error error;
    FILE *file = fopen(fixture_path, "w");
    assert_non_null(file);
    put_record(file, "recipe_digest=-");
    assert_int_equal(fclose(file), 0);
    assert_int_equal(review_read(&review, paths, 1, NULL, TEXT_DTYPE, true, &error), ERROR_SYSTEM);
    assert_non_null(strstr(error.text, ":1: `recipe_digest` is missing"));
    assert_int_equal(review_read(&review, paths, 1, NULL, TEXT_DTYPE, false, &error), ERROR_NONE);
    review_clear(&review);
}

static void test_nothing_worse_looks_good(void **state)
{
    (void)state;
    for (enum change change = 0; change < CHANGE_COUNT; change++) {
        bool bad =
            change_table[change].outcome == CHANGE_IS_WORSE || change_table[change].outcome == CHANGE_IS_NO_COMPARISON;
        assert_int_equal(change_tone(change) == TONE_BAD, bad);
    }
    assert_int_equal(change_tone(CHANGE_FIXED), TONE_GOOD);
    assert_int_equal(change_tone(CHANGE_OTHER_BITS), TONE_EXPECTED);
    assert_int_equal(change_tone(CHANGE_SAME_BITS), TONE_PLAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_report_says_what_compare_says), cmocka_unit_test(test_what_changed_is_told),
        cmocka_unit_test(test_each_point_meets_its_own),        cmocka_unit_test(test_records_without_a_fact),
        cmocka_unit_test(test_nothing_worse_looks_good),        cmocka_unit_test(test_where_it_changed),
        cmocka_unit_test(test_a_long_label_is_one_group),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
