/* The case key `reference`: a set of names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/tests/case_fixture.h"

#define BIT(kind) (1u << BASELINE_##kind)

static unsigned references_of(const char *text, const char *const *settings, size_t num_settings)
{
    struct case_list list = parse_with(text, settings, num_settings);
    struct point point;
    assert_int_equal(case_num_points(list.cases[0]), 1);
    case_point(list.cases[0], 0, &point);
    case_list_clear(&list);
    return point.baselines;
}

static void test_none_one_or_some(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned baselines;
    } rows[] = {
        {HEAD, 0},
        {HEAD "reference: none\n", 0},
        {HEAD "reference: f32_absolute\n", BIT(F32_ABSOLUTE)},
        {HEAD "reference: [f64_absolute]\n", BIT(F64_ABSOLUTE)},
        {HEAD "reference: [f64_relative, f32_absolute, f32_relative]\n",
         BIT(F32_ABSOLUTE) | BIT(F32_RELATIVE) | BIT(F64_RELATIVE)},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(references_of(rows[i].text, NULL, 0), rows[i].baselines);
}

static void test_a_setting_replaces_it(void **state)
{
    (void)state;
    const char *some[] = {"reference=[f32_relative, f64_absolute]"}, *none[] = {"reference=none"};
    assert_int_equal(references_of(HEAD "reference: f32_absolute\n", some, 1), BIT(F32_RELATIVE) | BIT(F64_ABSOLUTE));
    assert_int_equal(references_of(HEAD "reference: f32_absolute\n", none, 1), 0);
}

/* A list of them is no axis: one point, whose key does not speak of it. */
static void test_points_are_called_as_without_it(void **state)
{
    (void)state;
    struct case_list list = parse(HEAD "reference: [f32_absolute, f64_relative]\n");
    struct point point;
    char key[POINT_KEY_SIZE];
    case_point(list.cases[0], 0, &point);
    assert_string_equal(point_key(key, &point), "a:seq_len=33,num_heads=8,head_dim=64");
    case_list_clear(&list);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *value, *says;
    } rows[] = {
        {"f32_absolut",
         "test.yaml:5:12: unknown reference: 'f32_absolut'; did you mean 'f32_absolute'? allowed: none, f32_absolute, "
         "f32_relative, f64_relative, f64_absolute, lists of names"},
        {"[f32_absolute, f64]", "test.yaml:5:27: unknown reference: 'f64'; allowed: none, f32_absolute"},
        {"[none]", "test.yaml:5:13: reference takes 'none' alone, not in a list; allowed: none, f32_absolute"},
        {"[f32_absolute, f32_absolute]", "test.yaml:5:27: duplicate value of reference: 'f32_absolute'; allowed: each"},
        {"[]", "test.yaml:5:12: reference has no values: '[]'; allowed: none, f32_absolute"},
        {"[[f32_absolute]]", "test.yaml:5:13: reference "},
        {"{f32_absolute: 1}", "test.yaml:5:12: reference "},
        {"1..2", "test.yaml:5:12: unknown reference: '1..2'; allowed: "},
        {"", "test.yaml:5:"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[256];
        struct case_list list = {0};
        struct error error = {0};
        snprintf(text, sizeof text, HEAD "reference: %s\n", rows[i].value);
        assert_int_equal(case_list_parse(&list, "test.yaml", text, strlen(text), NULL, 0, &error), ERROR_USAGE);
        assert_int_equal(list.count, 0);
        case_list_clear(&list);
        if (strncmp(error.text, rows[i].says, strlen(rows[i].says)) != 0)
            fail_msg("'%s' does not start with '%s'", error.text, rows[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_one_or_some),
        cmocka_unit_test(test_a_setting_replaces_it),
        cmocka_unit_test(test_points_are_called_as_without_it),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests_name("case_reference", tests, NULL, NULL) ? 1 : 0;
}
