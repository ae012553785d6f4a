/* Documents as HTML, Markdown, JSON and CSV: whatever text says, it is shown and never obeyed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>

#include "harness/report/page/document_print.h"
#include "harness/report/page/plot_scale.h"

/* Ends of everything that a page has around text, and what no XML may hold. */
#define HOSTILE "</script></code></td>--><img src=x onerror=alert(1)>&amp;\"'`|*_[a](b)\x01\xff\n# x"

static void fill(struct document *document)
{
    document_begin(document, HOSTILE);
    document_verdict(document, TONE_BAD, HOSTILE);
    document_paragraph(document, "%s", HOSTILE);
    document_section(document, "one", HOSTILE);
    document_code(document, HOSTILE);
    document_item(document, TONE_BAD, "point-1", HOSTILE);
    document_note(document, TONE_BAD, "%s", HOSTILE);
    document_item_end(document);
    struct plot *plot = document_plot(document, &(struct plot_axes){HOSTILE, HOSTILE, HOSTILE, .limit = 1});
    struct plot_series *series = plot_series(plot, HOSTILE);
    plot_mark(series, 1, 2, HOSTILE);
    plot_mark(series, NAN, -INFINITY, HOSTILE);
    struct grid *grid = document_grid(document, HOSTILE);
    grid_column(grid, HOSTILE, HOSTILE, false);
    grid_column(grid, "n", NULL, true);
    grid_code(grid, HOSTILE);
    grid_number(grid, NAN);
    grid_text(grid, HOSTILE);
    grid_number(grid, -INFINITY);
    grid_text(grid, "x");
    grid_number(grid, 1.0 / 3);
    grid->rows_in_all = 4;
    grid->data = strdup("{\"words\":[],\"rows\":[[\"</script><img src=x>\"]]}");
    assert_non_null(grid->data);
    assert_false(document->spoilt);
}

static char *print(bool (*printer)(FILE *, const struct document *), const struct document *document)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    assert_true(printer(stream, document));
    assert_int_equal(fclose(stream), 0);
    return text;
}

static double evaluate(xmlXPathContext *context, const char *expression)
{
    xmlXPathObject *result = xmlXPathEvalExpression(BAD_CAST expression, context);
    assert_non_null(result);
    double value = xmlXPathCastToNumber(result);
    xmlXPathFreeObject(result);
    return value;
}

static void test_html_shows_what_looks_like_markup(void **state)
{
    (void)state;
    struct document document;
    fill(&document);
    char *text = print(document_print_html, &document);
    assert_null(strstr(text, "<img"));
    assert_non_null(strstr(text, "\\u003c/script>\\u003cimg src=x>"));
    /* Well-formed, but for the style sheet and the script, whose text is not XML's. */
    char *style = strstr(text, "<style>"), *script = strstr(text, "<script>");
    assert_non_null(style);
    assert_non_null(script);
    memset(style + 7, ' ', (size_t)(strstr(style, "</style>") - style) - 7);
    memset(script + 8, ' ', (size_t)(strstr(script, "</script>") - script) - 8);
    assert_null(strstr(script + 8, "<script"));
    xmlDoc *parsed = xmlReadMemory(text, (int)strlen(text), "page", NULL, XML_PARSE_NONET);
    assert_non_null(parsed);
    xmlXPathContext *context = xmlXPathNewContext(parsed);
    assert_non_null(context);
    assert_true(evaluate(context, "count(//script)") == 2); /* the data and the program's own */
    assert_true(evaluate(context, "count(//@*[starts-with(name(), 'on')])") == 0);
    assert_true(evaluate(context, "count(//tbody/tr)") == 3);
    assert_true(evaluate(context, "count(//td[. = 'nan'])") == 1);
    assert_true(evaluate(context, "count(//td[. = '-inf'])") == 1);
    assert_true(evaluate(context, "count(//td[@title = '0.3333333333333333'])") == 1);
    assert_true(evaluate(context, "count(//caption[contains(., '(3 of 4 rows)')])") == 1);
    assert_true(evaluate(context,
                         "count(//p[starts-with(., 'Rows that are not in this table') and contains(., ': 1.')])") == 1);
    assert_true(evaluate(context, "count(//*[local-name() = 'svg']//*[local-name() = 'title'])") == 2);
    assert_true(evaluate(context, "count(//@*[contains(., '//') and contains(., ':') and not(name() = 'xmlns')])") ==
                0);
    xmlXPathFreeContext(context);
    xmlFreeDoc(parsed);
    free(text);
    document_clear(&document);
}

static void test_markdown_shows_it_too(void **state)
{
    (void)state;
    struct document document;
    fill(&document);
    char *text = print(document_print_markdown, &document);
    /* Outside of code nothing is markup, and a line stays one. */
    assert_non_null(strstr(text,
                           "\n\\</script\\>\\</code\\>\\</td\\>--\\>\\<img src=x onerror=alert(1)\\>\\&amp;\"'\\`\\|"
                           "\\*\\_\\[a\\](b)\xEF\xBF\xBD\xEF\xBF\xBD \\# x\n"));
    assert_null(strstr(text, "\n# x"));
    assert_non_null(strstr(text, "| nan |"));
    assert_non_null(strstr(text, "(3 of 4 rows)"));
    free(text);
    document_clear(&document);
}

static void test_json_has_the_numbers(void **state)
{
    (void)state;
    struct document document;
    fill(&document);
    char *text = print(document_print_json, &document);
    json_t *parsed = json_loads(text, 0, NULL);
    assert_non_null(parsed);
    assert_false(json_is_true(json_object_get(parsed, "good")));
    const json_t *sections = json_object_get(parsed, "sections");
    assert_int_equal(json_array_size(sections), 2);
    const json_t *blocks = json_object_get(json_array_get(sections, 1), "blocks");
    assert_int_equal(json_array_size(blocks), 4);
    const json_t *table = json_object_get(json_array_get(blocks, 3), "table");
    const json_t *rows = json_object_get(table, "rows");
    assert_int_equal(json_array_size(rows), 3);
    assert_string_equal(json_string_value(json_array_get(json_array_get(rows, 0), 1)), "nan");
    assert_true(json_real_value(json_array_get(json_array_get(rows, 2), 1)) == 1.0 / 3);
    assert_int_equal(json_integer_value(json_object_get(table, "rows_in_all")), 4);
    json_decref(parsed);
    free(text);
    document_clear(&document);
}

static void test_csv_has_a_line_a_row(void **state)
{
    (void)state;
    struct document document;
    fill(&document);
    char *text = print(document_print_csv, &document);
    size_t lines = 0;
    for (const char *c = text; *c; c++) {
        lines += *c == '\n';
        assert_true((unsigned char)*c >= ' ' || (*c == '\r' && c[1] == '\n') || (*c == '\n' && c[-1] == '\r'));
        assert_int_not_equal((unsigned char)*c, 0xff);
    }
    assert_int_equal(lines, 4); /* titles, and three rows */
    assert_non_null(strstr(text, "\r\n\"</script></code></td>--><img src=x onerror=alert(1)>&amp;\"\"'`|*_[a](b)"
                                 "\xEF\xBF\xBD\xEF\xBF\xBD # x\",nan\r\n"));
    assert_non_null(strstr(text, "\"x\",0.33333333333333331\r\n"));
    free(text);
    document_clear(&document);
}

static void test_a_spoilt_document_is_not_printed(void **state)
{
    (void)state;
    struct document document;
    document_begin(&document, "title");
    document.spoilt = true;
    assert_false(document_print_html(stdout, &document));
    assert_false(document_print_markdown(stdout, &document));
    assert_false(document_print_json(stdout, &document));
    assert_false(document_print_csv(stdout, &document));
    document_clear(&document);
}

static void test_scales_hold_what_they_are_of(void **state)
{
    (void)state;
    static const struct {
        double least, most;
        bool log;
    } rows[] = {{0, 1, false},         {3, 3, false},       {-2, 7, false},         {1, 1048577, true},
                {5, 5, true},          {1e-30, 1e-9, true}, {0, 10, true},          {INFINITY, -INFINITY, true},
                {0, 0, true},          {-5, -1, true},      {33001, 33001.5, true}, {0, 0, false},
                {1e-300, 1e300, true}, {0, 1e308, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct plot_scale scale;
        plot_scale_make(&scale, rows[i].least, rows[i].most, rows[i].log);
        scale.from = 100;
        scale.to = 0;
        scale.off = -7;
        assert_true(isfinite(scale.least) && isfinite(scale.most) && scale.least < scale.most);
        assert_in_range(scale.num_ticks, 2, TICKS_MAX);
        for (int t = 1; t < scale.num_ticks; t++)
            assert_true(plot_place(&scale, scale.ticks[t]) < plot_place(&scale, scale.ticks[t - 1]));
        assert_true(plot_place(&scale, NAN) == -7 && plot_place(&scale, INFINITY) == -7);
        for (double value = -1e301; value < 1e301; value += 1e300)
            assert_true(plot_place(&scale, value) >= 0 && plot_place(&scale, value) <= 100);
        if (rows[i].least < rows[i].most && (rows[i].least > 0 || !rows[i].log)) {
            assert_true(scale.least <= rows[i].least && scale.most >= rows[i].most);
            assert_true(plot_place(&scale, rows[i].least) > plot_place(&scale, rows[i].most));
        }
    }
}

static void test_ticks_are_short(void **state)
{
    (void)state;
    static const struct {
        double tick;
        const char *text;
    } rows[] = {{0, "0"},         {0.25, "0.25"},     {1000, "1000"},     {1024, "1Ki"},      {0x1p20, "1Mi"},
                {1e6, "1e6"},     {1e-6, "1e-6"},     {0.0001, "1e-4"},   {-2, "-2"},         {1e-3, "0.001"},
                {0x1p16, "64Ki"}, {2e-7, "2e-7"},     {3 * 1e-7, "3e-7"}, {2.5e-4, "2.5e-4"}, {-2e-5, "-2e-5"},
                {2e5, "2e5"},     {9.999e-5, "1e-4"}, {NAN, "nan"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[32];
        assert_string_equal(plot_tick_text(text, rows[i].tick), rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html_shows_what_looks_like_markup),
        cmocka_unit_test(test_markdown_shows_it_too),
        cmocka_unit_test(test_json_has_the_numbers),
        cmocka_unit_test(test_csv_has_a_line_a_row),
        cmocka_unit_test(test_a_spoilt_document_is_not_printed),
        cmocka_unit_test(test_scales_hold_what_they_are_of),
        cmocka_unit_test(test_ticks_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
