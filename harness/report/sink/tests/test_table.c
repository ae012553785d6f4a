/* The table: which columns it has, that it keeps to its width, and what it says of points that did not end as expected.
 */
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>

#include "harness/report/sink/table_row.h"
#include "harness/report/record/tests/sample.h"
#include "harness/report/sink/sink.h"
#include "harness/report/sink/table_layout.h"
#include "harness/report/sink/tests/capture.h"

/* Points whose records the sample gives, one after another. */
enum { NUM_POINTS = 4 };

struct desk {
    struct sample sample;
    struct test_case other;
    struct point points[NUM_POINTS];
    struct sink_plan plan;
    struct summary summary;
    struct error error;
};

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return -1;
    sample_init(&desk->sample);
    desk->other = (struct test_case){.name = "other", .path = "o.yaml", .key = "other:seed=1"};
    desk->plan = (struct sink_plan){.points = desk->points, .num_points = 1, .table = {.width = 100}};
    desk->points[0] = desk->sample.point;
    desk->points[0].problem.num_queries = 1;
    desk->points[0].problem.k_scale = desk->points[0].problem.v_scale = 1;
    desk->summary = (struct summary){.points_total = 48,
                                     .points_done = 48,
                                     .elapsed_s = 12.345,
                                     .by_status = {[STATUS_PASS] = 46, [STATUS_FAIL] = 2},
                                     .device_name = "host (2 threads)"};
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    sample_clear(&desk->sample);
    free(desk);
    return 0;
}

/* What the table prints of the points, each with the sample's output. */
static char *print_table(struct desk *desk)
{
    struct capture capture;
    struct sink sink;
    capture_begin(&capture);
    int kinds = sink_open(&sink, &sink_table, "-", &desk->plan, &desk->error);
    for (size_t i = 0; i < desk->plan.num_points; i++) {
        desk->sample.record.point = &desk->points[i];
        kinds += sink.kind->record(&sink, &desk->sample.record, &desk->error);
    }
    desk->sample.record.point = &desk->sample.point;
    kinds += sink.kind->close(&sink, &desk->summary, &desk->error);
    char *text = capture_end(&capture);
    assert_int_equal(kinds, 0);
    return text;
}

/* Right everywhere. */
static void make_right(struct desk *desk)
{
    desk->sample.out[6] = 0x3c00;
    sample_judge(&desk->sample);
    desk->sample.verdict.total.budget_used = 0.25;
    desk->sample.verdict.total.lse_budget_used = 0.625;
}

static void add_point(struct desk *desk, const struct point *point)
{
    desk->points[desk->plan.num_points++] = *point;
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void assert_without(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" in:\n%s", part, text);
}

/* ---- what is shown ---------------------------------------------------------------------------------------------- */

static void test_a_point(void **state)
{
    char *text = print_table(*state);
    assert_string_equal(
        text, "device: host (2 threads, fibers: x86-64)\n"
              "all points: kernel=split_kv, seq_len=3, num_heads=2, num_kv_heads=1, head_dim=4, dtype=f16,\n"
              "  sentinel=-50000, scale=0.1, input=outliers:mean=0.1:spread=0, seed=7\n"
              "     bound  mismatched  max abs err  at h,d   max ulp  verdict\n"
              "\n"
              "sample: A point made by hand.\n"
              "         -         1/8          0.5     1,2       512  FAIL\n"
              "      reproduce: alibicheck run cases/sample.yaml --only 'sample:kernel=split_kv,seq_len=3'\n"
              "\n"
              "48 points on host (2 threads): 46 pass, 2 fail; 12.3 s; first: fail; to see it: alibicheck run "
              "cases/sample.yaml --only 'sample:kernel=split_kv,seq_len=3' --verbose\n");
    free(text);
}

static void test_what_varies_is_a_column_and_what_does_not_is_said_once(void **state)
{
    struct desk *desk = *state;
    struct point point = desk->points[0];
    make_right(desk);
    point.problem.seq_len = 33001;
    point.problem.q_position = 33000; /* the last key, as in the first point: no value that varies */
    point.kernel = KERNEL_SINGLE_PASS;
    add_point(desk, &point);
    point.test_case = &desk->other;
    add_point(desk, &point);
    char *text = print_table(desk);
    assert_contains(text,
                    "\nall points: num_heads=2, num_kv_heads=1, head_dim=4, dtype=f16, sentinel=-50000, scale=0.1,\n");
    assert_contains(text, "\n  kernel       seq_len     bound  mismatched  max abs err  at h,d   max ulp  verdict\n\n"
                          "sample: A point made by hand.\n"
                          "  split_kv           3     0.625         0/8     8.67e-19     0,0  8.88e-16  pass\n"
                          "  single_pass    33001     0.625         0/8     8.67e-19     0,0  8.88e-16  pass\n\n"
                          "other\n"
                          "  single_pass    33001     0.625         0/8     8.67e-19     0,0  8.88e-16  pass\n\n"
                          "48 points on host (2 threads): 46 pass with up to 0.625 of the bound, 2 fail; 12.3 s\n");
    free(text);
}

/* Where a budget judges, what is outside the tolerance is no failure, and stands in parentheses behind what judges. */
static void test_what_does_not_judge_is_in_parentheses(void **state)
{
    struct desk *desk = *state;
    desk->sample.verdict.total.budget_used = 0.25;
    desk->sample.record.outcome.status = STATUS_PASS;
    desk->points[0].criterion.mode = JUDGE_BUDGET;
    char *text = print_table(desk);
    assert_contains(text, "     bound  mismatched  max abs err  at h,d   max ulp  verdict\n");
    assert_contains(text, "      0.25       (1/8)          0.5     1,2       512  pass\n");
    free(text);
    desk->points[0].criterion.mode = JUDGE_TOLERANCE;
    text = print_table(desk);
    assert_contains(text, "  mismatched       bound  max abs err  at h,d   max ulp  verdict\n");
    assert_contains(text, "         1/8      (0.25)          0.5     1,2       512  pass\n");
    assert_without(text, "of the bound"); /* which judges nothing */
    free(text);
}

static void test_counts_what_a_healthy_run_has_not(void **state)
{
    struct desk *desk = *state;
    desk->sample.out[0] = 0x7e00;
    desk->sample.out[1] = 0x7c00;
    desk->sample.radius[2] = 1;
    desk->sample.lse[1] = 2.5f;
    sample_judge(&desk->sample);
    desk->sample.verdict.total.unbounded = 3;
    desk->sample.verdict.total.budget_used = INFINITY;
    desk->sample.verdict.total.lse_budget_used = 1.5;
    desk->summary = (struct summary){.points_total = 1, .points_done = 1, .by_status = {[STATUS_FAIL] = 1}};
    char *text = print_table(desk);
    assert_contains(text,
                    "       inf         3/8          inf     0,0       inf  FAIL\n"
                    "      1 NaN, 1 infinite, 3 unbounded, 1 undecided, 1 lse off by up to 0.499 nats, out beyond any\n"
                    "        multiple of its bound, lse 1.5 times its bound\n"
                    "      reproduce: ");
    assert_contains(text, "\n1 point: 1 fail; 0.0 s; first: fail; to see it: ");
    free(text);
}

/* What a tolerance alone judges is not said to be beyond a bound; digits that are the truth's own are not shown. */
static void test_says_nothing_that_does_not_judge(void **state)
{
    struct desk *desk = *state;
    struct sample *sample = &desk->sample;
    for (int i = 0; i < SAMPLE_ELEMENTS; i++)
        sample->radius[i] = 0x1p-59;
    desk->points[0].criterion.mode = JUDGE_TOLERANCE;
    make_right(desk);
    sample->verdict.total.budget_used = 7;
    sample->verdict.total.lse_budget_used = 8;
    desk->plan.table.detail = TABLE_VERBOSE;
    char *text = print_table(desk);
    assert_contains(text, "(8)           ~0     0,0        ~0  pass\n\n");
    assert_without(text, "times its bound");
    free(text);
}

static void test_a_run_that_failed(void **state)
{
    struct desk *desk = *state;
    sample_set_error(&desk->sample, "lane 3 left the shuffle\nat single_pass.cu:12");
    char *text = print_table(desk);
    assert_contains(text, "         -           -            -       -         -  ERROR\n"
                          "      error: lane 3 left the shuffle at single_pass.cu:12\n"
                          "      reproduce: alibicheck run cases/sample.yaml --only "
                          "'sample:kernel=split_kv,seq_len=3'\n");
    assert_contains(text, "; first: error; to see it: ");
    free(text);
}

static void test_an_interrupted_run(void **state)
{
    struct desk *desk = *state;
    desk->plan.num_points = 0;
    desk->summary = (struct summary){.points_total = 48,
                                     .points_done = 12,
                                     .by_status = {[STATUS_PASS] = 12},
                                     .device_name = "host",
                                     .elapsed_s = 3,
                                     .cut_short = "interrupted"};
    char *text = print_table(desk);
    assert_string_equal(text, "interrupted: 12 of 48 points done on host: 12 pass; 3.0 s\n");
    free(text);
}

/* Points that a run has kept have no row; the last line tells of the first that failed. */
static void test_kept_points(void **state)
{
    struct desk *desk = *state;
    struct kept_record kept[] = {{.status = STATUS_PASS},
                                 {.status = STATUS_FAIL, .headline = (char[]){"fail, line 2"}},
                                 {.status = STATUS_ERROR, .headline = (char[]){"error, line 3"}}};
    struct capture capture;
    struct sink sink;
    for (int i = 1; i < NUM_POINTS; i++)
        add_point(desk, &desk->points[0]);
    make_right(desk);
    desk->summary.points_kept = 3;
    capture_begin(&capture);
    int kinds = sink_open(&sink, &sink_table, "-", &desk->plan, &desk->error);
    for (size_t i = 0; i < 3; i++)
        kinds += sink.kind->keep(&sink, &desk->points[i], &kept[i], &desk->error);
    desk->sample.record.point = &desk->points[3];
    kinds += sink.kind->record(&sink, &desk->sample.record, &desk->error);
    kinds += sink.kind->close(&sink, &desk->summary, &desk->error);
    char *text = capture_end(&capture);
    assert_int_equal(kinds, 0);
    assert_contains(text, "  pass\n\n48 points on host (2 threads): 46 pass, 2 fail; 12.3 s; first: "
                          "sample:kernel=split_kv,seq_len=3: fail, line 2\n");
    free(text);
}

/* Rows stand in the order of points, whichever ends first; those behind a point that never ended are not lost. */
static void test_rows_are_in_order(void **state)
{
    struct desk *desk = *state;
    struct signature_finding finding = {.signature = SIGNATURE_LEAK, .detail = "a key"};
    static const int order[] = {3, 1, 0}; /* and never 2 */
    struct capture capture;
    struct sink sink;
    for (int i = 1; i < NUM_POINTS; i++)
        add_point(desk, &desk->points[0]);
    for (int i = 0; i < NUM_POINTS; i++)
        desk->points[i].problem.seed = (uint64_t)i;
    desk->points[3].test_case = &desk->other;
    desk->sample.record.finding = &finding;
    capture_begin(&capture);
    int kinds = sink_open(&sink, &sink_table, "-", &desk->plan, &desk->error);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        desk->sample.record.point = &desk->points[order[i]];
        kinds += sink.kind->record(&sink, &desk->sample.record, &desk->error);
    }
    kinds += sink.kind->close(&sink, &desk->summary, &desk->error);
    char *text = capture_end(&capture);
    assert_int_equal(kinds, 0);
    const char *rows[3] = {strstr(text, "\n     0  "), strstr(text, "\n     1  "), strstr(text, "\n     3  ")};
    const char *meaning = strstr(text, "\n        "), *other = strstr(text, "\nother\n");
    assert_true(rows[0] && rows[1] && rows[2] && meaning && other);
    assert_true(rows[0] < meaning && meaning < rows[1] && rows[1] < other && other < rows[2]);
    assert_contains(text, "; first: leak; to see it: alibicheck run cases/sample.yaml ");
    free(text);
}

/* A contract that is named is what the failure is, where no signature is. */
static void test_a_named_contract_is_told_first(void **state)
{
    struct desk *desk = *state;
    struct signature_finding unknown = {.signature = SIGNATURE_UNKNOWN, .num_rows_failing = 1};
    struct contract_finding contract = {
        .fits = {{.name = "scale", .remedy = "Take it.", .text = "scale 2 in place of 1"}}, .num_fits = 1};
    desk->sample.record.finding = &unknown;
    desk->sample.record.contract = &contract;
    for (int named = 0; named < 2; named++) {
        contract.named = named;
        char *text = print_table(desk);
        assert_contains(text,
                        named ? "; first: right under another contract; to see it: " : "; first: unknown; to see it: ");
        free(text);
    }
    desk->sample.record.finding = NULL;
    desk->sample.record.contract = NULL;
}

/* How many are skipped, and why: a head_dim that none of our kernels take may be a slip. */
static void test_why_points_are_skipped(void **state)
{
    struct desk *desk = *state;
    static const struct {
        const char *reasons[2], *foreign, *expected;
    } rows[] = {
        {{"no head_dim 60", "no head_dim 60"}, NULL, ": 46 pass, 2 skip (no head_dim 60); 12.3 s"},
        {{"no head_dim 60", "no head_dim 72"}, NULL, ": 46 pass, 2 skip (the first: no head_dim 60); 12.3 s"},
        {{"no head_dim 60", "no head_dim 72"}, "mine", ": 46 pass, 2 skip; 12.3 s"},
    };
    add_point(desk, &desk->points[0]);
    desk->summary.by_status[STATUS_FAIL] = 0;
    desk->summary.by_status[STATUS_SKIP] = 2;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        struct capture capture;
        struct sink sink;
        desk->plan.table.detail = i % 2 ? TABLE_QUIET : TABLE_NORMAL;
        capture_begin(&capture);
        int kinds = sink_open(&sink, &sink_table, "-", &desk->plan, &desk->error);
        for (int point = 1; point >= 0; point--) { /* the first in the table, whichever ended first */
            desk->points[point].foreign = rows[i / 2].foreign;
            desk->sample.record.point = &desk->points[point];
            desk->sample.record.outcome.status = STATUS_SKIP;
            snprintf(desk->sample.record.outcome.reason, sizeof desk->sample.record.outcome.reason, "%s",
                     rows[i / 2].reasons[point]);
            kinds += sink.kind->record(&sink, &desk->sample.record, &desk->error);
        }
        kinds += sink.kind->close(&sink, &desk->summary, &desk->error);
        char *text = capture_end(&capture);
        assert_int_equal(kinds, 0);
        assert_contains(text, rows[i / 2].expected);
        free(text);
    }
}

/* ---- how much --------------------------------------------------------------------------------------------------- */

static void test_details(void **state)
{
    struct desk *desk = *state;
    struct signature_finding finding = {.signature = SIGNATURE_LEAK, .detail = "a key"};
    desk->sample.record.finding = &finding;
    add_point(desk, &desk->points[0]);
    char *text = print_table(desk);
    const char *first = strstr(text, "signature leak: a key"), *meaning = first ? strstr(first, "\n        ") : NULL;
    assert_non_null(meaning);
    const char *second = strstr(first + 1, "signature leak: a key");
    assert_non_null(second);
    assert_true(meaning < second);
    assert_null(strstr(second, "\n        ")); /* what it means has been said */
    assert_contains(text, "; first: leak; to see it: ");
    free(text);

    desk->plan.table.detail = TABLE_VERBOSE;
    text = print_table(desk);
    second = strstr(strstr(text, "signature leak") + 1, "signature leak");
    assert_non_null(strstr(second, "\n        "));
    free(text);

    desk->plan.table.detail = TABLE_NORMAL;
    desk->sample.record.outcome.status = STATUS_XFAIL;
    text = print_table(desk);
    assert_contains(text, "  xfail leak\n");
    assert_without(text, "signature leak");
    assert_without(text, "reproduce");
    assert_without(text, "first");
    free(text);

    desk->plan.table.detail = TABLE_VERBOSE;
    text = print_table(desk);
    assert_contains(text, "      signature leak: a key");
    free(text);
}

/* A point after one that failed by another oracle alone is told what its own means. */
static void test_each_meaning_of_oracles_is_told(void **state)
{
    static const enum oracle oracles_seen[] = {ORACLE_BATCH, ORACLE_GUARDS, ORACLE_DETERMINISM};
    const struct signature_finding finding = {.signature = SIGNATURE_UNKNOWN, .detail = "by an oracle alone"};
    struct desk *desk = *state;
    enum oracles_alone alone[3];
    for (int i = 0; i < 3; i++) {
        struct oracle_report report = {.detail = {""}};
        report.outcome[oracles_seen[i]] = ORACLE_VIOLATED;
        desk->sample.record.finding = &finding;
        desk->sample.record.oracles = &report;
        desk->sample.record.outcome.status = STATUS_XFAIL;
        struct table_row row;
        assert_true(table_row_make(&row, &(struct table_style){.detail = TABLE_QUIET}, &desk->sample.record));
        alone[i] = record_oracles_alone(&desk->sample.record);
        assert_int_equal(row.meaning, SIGNATURE_COUNT + (unsigned)alone[i]);
        table_row_clear(&row);
    }
    assert_true(alone[0] != alone[1] && alone[1] != alone[2] && alone[0] != alone[2]);
}

/* Quiet is about what is as expected; nothing that failed is lost. */
static void test_quiet(void **state)
{
    static const struct {
        enum status status;
        bool shown;
    } rows[] = {
        {STATUS_PASS, false}, {STATUS_FAIL, true}, {STATUS_XFAIL, false}, {STATUS_XPASS, true}, {STATUS_ERROR, true}};
    struct desk *desk = *state;
    desk->plan.table.detail = TABLE_QUIET;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        desk->sample.record.outcome.status = rows[i].status;
        char *text = print_table(desk);
        if (rows[i].shown)
            assert_contains(text, "      reproduce: ");
        else
            assert_string_equal(text, "48 points on host (2 threads): 46 pass, 2 fail; 12.3 s\n");
        assert_contains(text, "48 points on host (2 threads): 46 pass, 2 fail; 12.3 s");
        free(text);
    }
}

/* ---- columns and width ------------------------------------------------------------------------------------------ */

static void choose(struct desk *desk, const char *name)
{
    int id = table_column_find(name, strlen(name));
    if (id < 0)
        fail_msg("no column %s", name);
    desk->plan.table.columns[desk->plan.table.num_columns++] = (unsigned char)id;
}

static void test_columns_are_those_that_are_asked_for(void **state)
{
    struct desk *desk = *state;
    static const char *const names[] = {"verdict", "seq_len", "p99_ulp_err", "seconds", "signature"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        choose(desk, names[i]);
    char *text = print_table(desk);
    assert_contains(text, "\n  verdict  seq_len   p99 ulp   seconds  signature\n");
    assert_contains(text, "\n  FAIL           3       512      1.88  -\n");
    free(text);
}

static void test_each_column_has_a_name(void **state)
{
    (void)state;
    for (int id = 0; id < table_num_columns(); id++) {
        const struct table_column column = table_column_at(id);
        int found = table_column_find(column.name, strlen(column.name));
        if (column.key == KEY_COUNT || keys[column.key].axis)
            assert_int_equal(found, id);
        else
            assert_true(found < 0 || found < table_column_of_key(0)); /* texts of a case; `signature` is a record's */
    }
    assert_true(table_num_columns() <= 256); /* table_options holds them in bytes */
    char advice[FIELD_ALLOWED_SIZE];
    table_column_advice(advice, "mx_ulp_err", 10);
    assert_contains(advice, "did you mean 'max_ulp_err'? allowed: verdict, bound, ");
    assert_contains(advice, ", mask");
    assert_without(advice, "because");
}

static void assert_lines_fit(const char *text, size_t width)
{
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > width && strncmp(line, "      reproduce: ", 17) != 0 &&
            strncmp(line, "48 points", 9) != 0)
            fail_msg("wider than %zu: %.*s", width, (int)strcspn(line, "\n"), line);
}

/* What a line has no room for is left out, cut, and at last on a line of its own. */
static void test_the_table_keeps_to_its_width(void **state)
{
    struct desk *desk = *state;
    struct point point = desk->points[0];
    make_right(desk);
    point.problem.seq_len = 33001;
    point.problem.q_position = 33000;
    point.problem.mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 256, .sinks = 4};
    point.kernel = KERNEL_SINGLE_PASS;
    add_point(desk, &point);
    static const int widths[] = {132, 100, 80, 72, 60, 40};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        desk->plan.table.width = widths[i];
        char *text = print_table(desk);
        assert_lines_fit(text, (size_t)widths[i]);
        assert_contains(text, "0.625");
        assert_contains(text, "0/8");
        assert_contains(text, "  pass\n");
        assert_contains(text, "33001");
        free(text);
    }
    desk->plan.table.width = 80;
    char *text = print_table(desk);
    assert_without(text, "at h,d");
    free(text);
}

/* Where the keys of all points are too many for a line, cases have columns of their own. */
static void test_cases_have_columns_of_their_own(void **state)
{
    struct desk *desk = *state;
    struct point point = desk->points[0];
    make_right(desk);
    point.kernel = KERNEL_SINGLE_PASS;
    add_point(desk, &point);
    point.test_case = &desk->other;
    point.problem.seq_len = 33001;
    point.problem.q_position = 7;
    point.problem.seed = 12345678901234567;
    point.problem.head_dim = 128;
    point.problem.mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 256};
    point.recipe.sentinel.policy = SENTINEL_EXCLUDE;
    add_point(desk, &point);
    desk->plan.table.width = 80;
    char *text = print_table(desk);
    assert_lines_fit(text, 80);
    assert_contains(text, "\nsample: A point made by hand.\n  seq_len=3, head_dim=4, sentinel=-50000, seed=7\n"
                          "  kernel          bound  mismatched  max abs err  at h,d   max ulp  verdict\n"
                          "  split_kv        0.625  ");
    assert_contains(text, "\nother\n  kernel=single_pass, seq_len=33001, head_dim=128, sentinel=exclude,\n"
                          "    q_position=7, mask=window:256, seed=12345678901234567\n"
                          "     bound  mismatched  max abs err  at h,d   max ulp  verdict\n     0.625  ");
    free(text);
}

/* Titles stand above the first case that has them. */
static void test_titles_are_said_once(void **state)
{
    struct desk *desk = *state;
    struct point point = desk->points[0];
    point.problem.seed = 8;
    add_point(desk, &point);
    point.test_case = &desk->other;
    point.problem.head_dim = 128;
    point.problem.seq_len = 1000;
    point.problem.q_position = 7;
    point.problem.mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 123456};
    add_point(desk, &point);
    point.problem.seed = 9;
    add_point(desk, &point);
    desk->plan.table.width = 60;
    char *text = print_table(desk);
    const char *titles = strstr(text, "\n  seed  ");
    assert_non_null(titles);
    assert_null(strstr(titles + 1, "\n  seed  "));
    free(text);
}

/* And where a case has too many, they are text before its rows. */
static void test_many_keys_are_text(void **state)
{
    struct desk *desk = *state;
    struct point point = desk->points[0];
    make_right(desk);
    point.problem.seq_len = 33001;
    point.problem.q_position = 7;
    point.problem.seed = 12345678901234567;
    point.problem.mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 256};
    point.recipe.sentinel.policy = SENTINEL_EXCLUDE;
    add_point(desk, &point);
    desk->plan.table.width = 72;
    char *text = print_table(desk);
    assert_lines_fit(text, 72);
    assert_contains(text, "\n  seq_len=33001, sentinel=exclude, q_position=7, mask=window:256,\n"
                          "    seed=12345678901234567\n                   ");
    free(text);
}

/* ---- the terminal ----------------------------------------------------------------------------------------------- */

/* Names must not drive the terminal. */
static void test_no_control_characters(void **state)
{
    struct desk *desk = *state;
    desk->sample.test_case.name = "\x1b[31mred";
    desk->sample.test_case.key = "\x1b[31mred:\x07";
    char *text = print_table(desk);
    for (char *c = text; *c; c++)
        assert_true((unsigned char)*c >= ' ' || *c == '\n');
    free(text);
}

static void test_a_full_disk_is_reported(void **state)
{
    struct desk *desk = *state;
    struct sink sink;
    fflush(stdout);
    int saved = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY);
    dup2(full, STDOUT_FILENO);
    close(full);
    sink_open(&sink, &sink_table, "-", &desk->plan, &desk->error);
    desk->sample.record.point = &desk->points[0];
    enum error_kind kind = sink.kind->record(&sink, &desk->sample.record, &desk->error);
    struct error unused;
    sink.kind->close(&sink, &desk->summary, &unused);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    clearerr(stdout);
    assert_int_equal(kind, ERROR_SYSTEM);
    assert_string_equal(desk->error.text, "cannot write standard output: No space left on device");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_point),
        TEST(test_what_varies_is_a_column_and_what_does_not_is_said_once),
        TEST(test_what_does_not_judge_is_in_parentheses),
        TEST(test_counts_what_a_healthy_run_has_not),
        TEST(test_says_nothing_that_does_not_judge),
        TEST(test_a_run_that_failed),
        TEST(test_an_interrupted_run),
        TEST(test_kept_points),
        TEST(test_rows_are_in_order),
        TEST(test_a_named_contract_is_told_first),
        TEST(test_why_points_are_skipped),
        TEST(test_details),
        TEST(test_each_meaning_of_oracles_is_told),
        TEST(test_quiet),
        TEST(test_columns_are_those_that_are_asked_for),
        TEST(test_each_column_has_a_name),
        TEST(test_the_table_keeps_to_its_width),
        TEST(test_cases_have_columns_of_their_own),
        TEST(test_titles_are_said_once),
        TEST(test_many_keys_are_text),
        TEST(test_no_control_characters),
        TEST(test_a_full_disk_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
