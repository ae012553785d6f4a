/* Expressions of definitions: what Python makes of them, and nothing where that is not known. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/command/trace_expression.h"

/* The axes a = 7, b = -3, len_x = 0, and the tensor t, whose last number is 12. */
static bool find(const void *context, const char *name, size_t size, bool last, int64_t *value)
{
    static const struct {
        const char *name;
        bool last;
        int64_t value;
    } known[] = {{"a", false, 7}, {"b", false, -3}, {"len_x", false, 0}, {"t", true, 12}, {"big", false, INT64_MAX}};
    (void)context;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (last == known[i].last && strlen(known[i].name) == size && !memcmp(name, known[i].name, size)) {
            *value = known[i].value;
            return true;
        }
    return false;
}

static const struct trace_names names = {find, NULL};

static void values_are_those_of_python(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } rows[] = {
        {"a", 7},
        {" a + 1 ", 8},
        {"a-b-1", 9},
        {"2+3*4", 14},
        {"(2+3)*4", 20},
        {"a//2", 3},
        {"b//2", -2},
        {"b % 2", 1},
        {"a % -4", -1},
        {"-a//2", -4},
        {"6/3", 2},
        {"2**3**2", 512},
        {"-2**2", -4},
        {"2**-0", 1},
        {"(-1)**101", -1},
        {"(-1)**100", 1},
        {"0**70", 0},
        {"2**62", INT64_C(1) << 62},
        {"+a", 7},
        {"--a", 7},
        {"t[-1]", 12},
        {"t[-1].item()", 12},
        {"t [ - 1 ] . item ( ) * 2", 24},
        {"9223372036854775807", INT64_MAX},
        {"len_x", 0},
        {"a % -1", 0},
        {"big // -1", -INT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t value = -99;
        if (!trace_expression_value(&value, rows[i].text, &names) || value != rows[i].value)
            fail_msg("%s is %" PRId64 ", not %" PRId64, rows[i].text, rows[i].value, value);
    }
}

static void what_is_not_known_has_no_value(void **state)
{
    static const char *const texts[] = {
        "",
        "c",
        "t",
        "a[-1]",
        "t[-2]",
        "t[0]",
        "t[-1].max()",
        "t[-1].items()",
        "t[-1",
        "a b",
        "a +",
        "* a",
        "a ** -1",
        "7/2",
        "a/0",
        "a//0",
        "a%0",
        "1.5",
        "1e3",
        "1_000",
        "0x10",
        "007",
        "big + 1",
        "big * 2",
        "-big - 2",
        "2**63",
        "2**64",
        "(a",
        "a)",
        "()",
        "max(a, b)",
        "a == a",
        "a and b",
        "a; b",
        "a\"",
        "a if b else a",
        "a.item",
        "9223372036854775808",
        "(-2)**63//-1",
        "a < b",
        "not a",
        "7 // 2.",
        "a***b",
        "a = 7",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t value;
        if (trace_expression_value(&value, texts[i], &names))
            fail_msg("%s is %" PRId64, texts[i], value);
    }
}

static void constraints_hold_or_do_not_or_are_not_known(void **state)
{
    static const struct {
        const char *text;
        enum trace_truth truth;
    } rows[] = {
        {"a == b + 10", TRACE_TRUE},
        {"a == 8", TRACE_FALSE},
        {"a != 8", TRACE_TRUE},
        {"a != 7", TRACE_FALSE},
        {"a < 8", TRACE_TRUE},
        {"a < 7", TRACE_FALSE},
        {"a <= 7", TRACE_TRUE},
        {"a <= 6", TRACE_FALSE},
        {"a > 6", TRACE_TRUE},
        {"a > 7", TRACE_FALSE},
        {"a >= 7", TRACE_TRUE},
        {"a >= 8", TRACE_FALSE},
        {"t[-1].item() == 12", TRACE_TRUE},
        {"12 == t[-1]", TRACE_TRUE},
        {"a", TRACE_UNKNOWN},
        {"a = 7", TRACE_UNKNOWN},
        {"a == 7 == 7", TRACE_UNKNOWN},
        {"a == 8 or True", TRACE_UNKNOWN},
        {"a in (7, 8)", TRACE_UNKNOWN},
        {"a is None", TRACE_UNKNOWN},
        {"(a == 8)", TRACE_UNKNOWN},
        {"a == c", TRACE_UNKNOWN},
        {"a == ", TRACE_UNKNOWN},
        {"not a == 8", TRACE_UNKNOWN},
        {"a == 8 if b else 1", TRACE_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t sides[2] = {-99, -99};
        if (trace_constraint_holds(rows[i].text, &names, sides) != rows[i].truth)
            fail_msg("%s: sides %" PRId64 " and %" PRId64, rows[i].text, sides[0], sides[1]);
    }
}

static void nesting_ends(void **state)
{
    enum { DEEP = 1 << 20 };
    static const char *const nests[] = {"(", "-", "2**", "-(", "+"};
    (void)state;
    for (size_t n = 0; n < sizeof nests / sizeof *nests; n++) {
        size_t size = strlen(nests[n]);
        char *text = malloc(DEEP * size + 2);
        int64_t value;
        assert_non_null(text);
        for (size_t i = 0; i < DEEP; i++)
            memcpy(text + i * size, nests[n], size);
        strcpy(text + DEEP * size, "1");
        assert_false(trace_expression_value(&value, text, &names));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_python),
        cmocka_unit_test(what_is_not_known_has_no_value),
        cmocka_unit_test(constraints_hold_or_do_not_or_are_not_known),
        cmocka_unit_test(nesting_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
