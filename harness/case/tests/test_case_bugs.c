/* The case key `known_bugs`: what it takes, and which bugs fail with a signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/case_bugs.h"
#include "harness/case/tests/case_fixture.h"

static void expect(const char *text, enum signature signature, const char *wanted)
{
    size_t size = 99;
    const char *bugs = known_bugs_as(text, signature, &size);
    assert_int_equal(size, wanted ? strlen(wanted) : 0);
    assert_int_equal(bugs != NULL, wanted != NULL);
    if (wanted)
        assert_memory_equal(bugs, wanted, size);
}

static void test_bugs_by_signature(void **state)
{
    (void)state;
    const char text[] = "nan: K6 K6B; leak: K2; wrong-scale: K49";
    expect(text, SIGNATURE_NAN, "K6 K6B");
    expect(text, SIGNATURE_LEAK, "K2");
    expect(text, SIGNATURE_WRONG_SCALE, "K49");
    expect(text, SIGNATURE_WRONG_SLOPE, NULL);
    expect(text, SIGNATURE_UNKNOWN, NULL);
    expect(NULL, SIGNATURE_NAN, NULL);
}

static void test_is_kept_in_the_order_of_the_file(void **state)
{
    (void)state;
    struct case_list list = parse(HEAD "known_bugs: {wrong-lse: K41 K42, nan: 'K6'}\n---\ncase: b\nseq_len: 33\n"
                                       "num_heads: 8\nhead_dim: 64\n");
    assert_string_equal(case_known_bugs(list.cases[0]), "wrong-lse: K41 K42; nan: K6");
    assert_null(case_known_bugs(list.cases[1]));
    struct point point;
    char key[POINT_KEY_SIZE];
    case_point(list.cases[0], 0, &point);
    assert_string_equal(point_key(key, &point), "a:seq_len=33,num_heads=8,head_dim=64"); /* says nothing of it */
    case_list_clear(&list);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"known_bugs: K1\n",
         "test.yaml:5:13: known_bugs is not a mapping: 'K1'; allowed: {SIGNATURE: BUG BUG ..., ...}"},
        {"known_bugs:\n", "test.yaml:5:"},
        {"known_bugs: {}\n", "test.yaml:5:13: known_bugs is not a mapping"},
        {"known_bugs: {lek: K1}\n", "test.yaml:5:14: unknown signature of known_bugs: 'lek'; allowed: {SIGNATURE:"},
        {"known_bugs: {none: K1}\n", "test.yaml:5:14: unknown signature of known_bugs: 'none'"},
        {"known_bugs: {leak: K1, leak: K2}\n", "test.yaml:5:24: "},
        {"known_bugs: {leak: 'K1; nan'}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: 'K1  K2'}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: ' K1'}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: 'K1 '}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: ''}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: [K1]}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[256];
        struct case_list list = {0};
        struct error error = {0};
        snprintf(text, sizeof text, HEAD "%s", rows[i].text);
        assert_int_equal(case_list_parse(&list, "test.yaml", text, strlen(text), NULL, 0, &error), ERROR_USAGE);
        if (strncmp(error.text, rows[i].says, strlen(rows[i].says)) != 0)
            fail_msg("%s: %s", rows[i].text, error.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bugs_by_signature),
        cmocka_unit_test(test_is_kept_in_the_order_of_the_file),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
