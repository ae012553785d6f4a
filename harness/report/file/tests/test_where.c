/* --where: what expressions mean, and what is refused where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/report/file/where.h"

static const char record_text[] =
    "{\"key\": \"a:seq_len=4096\", \"status\": \"pass\", \"kernel\": \"split_kv\", \"seq_len\": 4096, \"dtype\": "
    "\"f16\", \"sentinel\": \"-50000\", \"budget_used\": 0.25, \"lse_budget_used\": null, \"max_abs_err\": \"nan\", "
    "\"max_ulp_err\": \"inf\", \"max_rel_err\": 9007199254740993, \"seed\": \"18446744073709551615\", \"worst\": "
    "{\"head\": 3, \"dim\": 7}, "
    "\"oracles\": {\"partition\": \"held\"}, \"error\": null}";

static const struct {
    const char *text;
    bool holds;
} expressions[] = {
    {"seq_len = 4096", true},
    {"seq_len=4Ki", true},
    {"seq_len == 4.096k", true},
    {"seq_len != 4Ki", false},
    {"seq_len>=4k", true},
    {"seq_len > 4096", false},
    {"seq_len <= 4096", true},
    {"seq_len < 4096", false},
    {"dtype = f16", true},
    {"dtype = 'f16'", true},
    {"dtype = \"f 16\"", false},
    {"dtype != bf16", true},
    {"dtype ~ *16", true},
    {"dtype ~ f", false},
    {"dtype !~ b*", true},
    {"key ~ *seq_len=4096*", true},
    {"sentinel = -5e4", true},
    {"sentinel = -50000", true},
    {"sentinel = adaptive", false},
    {"budget_used > 0.2", true},
    {"budget_used > 2.5e-1", false},
    {"lse_budget_used = null", true},
    {"lse_budget_used != null", false},
    {"lse_budget_used < 1", false},
    {"lse_budget_used >= 1", false},
    {"lse_budget_used = 0", false},
    {"budget_used != null", true},
    {"error = null", true},
    {"error = none", true}, /* as a case writes it */
    {"error != none", false},
    {"error = 'none'", false},
    {"signature = none", false}, /* what a record does not know is none of it */
    {"error = 'null'", false},
    {"signature = null", true}, /* a record without the field does not know it */
    {"max_abs_err = nan", true},
    {"max_abs_err < 1", false},
    {"max_abs_err > 1", false},
    {"max_abs_err != nan", false},
    {"max_ulp_err > 1e300", true},
    {"max_ulp_err = inf", true},
    {"seed > 9e18", true},
    {"seed = 18446744073709551615", true},
    {"seed = 18446744073709551614", false}, /* the same double */
    {"seed > 18446744073709551614", true},
    {"seed <= 18446744073709551614", false},
    {"seed != 18446744073709551614", true},
    {"max_rel_err = 9007199254740993", true},
    {"max_rel_err = 9007199254740992", false}, /* the same double */
    {"max_rel_err >= 9007199254740993", true},
    {"max_rel_err < 9007199254740994", true},
    {"max_abs_err <= nan", false},
    {"max_abs_err >= nan", false},
    {"not max_abs_err < 1", true}, /* an order that is false, not one that is not known */
    {"not lse_budget_used < 1", true},
    {"signature !~ x", true},
    {"lse_budget_used = nan", false},
    {"budget_used < inf", true},
    {"max_ulp_err < inf", false},
    {"dtype=f16&&seq_len=1", false}, /* && and || end a word */
    {"dtype!=bf16&&seq_len=1", false},
    {"dtype=bf16||seq_len=4096", true},
    {"key ~ '*&&*'", false},
    {"key = 'a:seq_len=4096'", true},
    {"key = a:seq_len=4096", true},
    {"dtype = and", false},
    {"dtype = not or dtype = f16", true},
    {"worst.head = 3", true},
    {"worst.head < 3", false},
    {"oracles.partition = held", true},
    {"references.f32_absolute.mismatched = null", true},
    {"status = pass and dtype = f16", true},
    {"status = pass and dtype = bf16", false},
    {"status = fail or dtype = f16", true},
    {"status = fail or dtype = f16 and seq_len = 1", false}, /* `and` binds closer */
    {"(status = pass or dtype = bf16) and seq_len = 1", false},
    {"not status = pass", false},
    {"not (status = fail)", true},
    {"!(status = fail) && !dtype=bf16 || seq_len=1", true},
    {"not not status = pass", true},
    {"not status = fail and seq_len = 1", false}, /* `not` binds closest */
};

static void test_expressions_mean_what_they_say(void **state)
{
    (void)state;
    json_t *record = json_loads(record_text, 0, NULL);
    assert_non_null(record);
    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        struct where *where;
        struct error error = {0};
        if (where_parse(&where, expressions[i].text, &error))
            fail_msg("%s", error.text);
        if (where_holds(where, record) != expressions[i].holds)
            fail_msg("%s: not %s", expressions[i].text, expressions[i].holds ? "true" : "false");
        where_free(where);
    }
    json_decref(record);
}

static const struct {
    const char *text, *message;
} refused[] = {
    {"", "--where '':1: a field is missing: ''; allowed: FIELD = VALUE, joined by and, or, not"},
    {"seqlen = 1", "--where 'seqlen = 1':1: unknown field: 'seqlen'; did you mean 'seq_len'? allowed: a name of "
                   "`alibicheck list record-fields`"},
    {"worst.heat = 1", "--where 'worst.heat = 1':1: unknown field: 'worst.heat'; allowed: a name of `alibicheck list "
                       "record-fields`"},
    {"heads.head = 1", "--where 'heads.head = 1':1: unknown field: 'heads.head'; allowed: a name of `alibicheck list "
                       "record-fields`"},
    {"seq_len", "--where 'seq_len':8: no comparison: ''; allowed: FIELD = != < <= > >= ~ !~ VALUE"},
    {"seq_len = ", "--where 'seq_len = ':11: a value is missing: ''; allowed: a number, a word, null"},
    {"seq_len < few", "--where 'seq_len < few':11: is compared with no number: 'few'; allowed: numbers; = and != "
                      "compare with words"},
    {"seq_len = few", "--where 'seq_len = few':11: is compared with no number: 'few'; allowed: numbers, null"},
    {"seq_len = 4K", "--where 'seq_len = 4K':11: is compared with no number: '4K'; allowed: numbers, null"},
    {"seq_len ~ 4*", "--where 'seq_len ~ 4*':11: is a glob, and the field a number: '4*'; allowed: a field of texts; = "
                     "!= < <= > >= NUMBER"},
    {"dtype=f16&&", "--where 'dtype=f16&&':12: a field is missing: ''; allowed: FIELD = VALUE, joined by and, or, not"},
    {"dtype=&&seq_len=1",
     "--where 'dtype=&&seq_len=1':7: a value is missing: '&&seq_len=1'; allowed: a number, a word, "
     "null"},
    {"dtype = 'f16", "--where 'dtype = 'f16':9: a quote is not closed: ''f16'; allowed: 'WORD' or \"WORD\""},
    {"(dtype = f16", "--where '(dtype = f16':13: a parenthesis is not closed: ''; allowed: )"},
    {"dtype = f16)", "--where 'dtype = f16)':12: nothing can follow here: ')'; allowed: and, or"},
    {"dtype = f16 seq_len = 1", "--where 'dtype = f16 seq_len = 1':13: nothing can follow here: 'seq_len = 1'; "
                                "allowed: and, or"},
    {"dtype = f16 and", "--where 'dtype = f16 and':16: a field is missing: ''; allowed: FIELD = VALUE, joined by and, "
                        "or, not"},
};

static void test_what_means_nothing_is_refused_at_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct where *where;
        struct error error = {0};
        assert_int_equal(where_parse(&where, refused[i].text, &error), ERROR_USAGE);
        assert_null(where);
        assert_string_equal(error.text, refused[i].message);
    }
}

static void test_parentheses_have_a_limit(void **state)
{
    (void)state;
    char text[1000];
    struct where *where;
    struct error error = {0};
    memset(text, '(', sizeof text);
    strcpy(text + 500, "seq_len=1");
    assert_int_equal(where_parse(&where, text, &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, "too many parentheses"));
    memset(text, '!', 500);
    assert_int_equal(where_parse(&where, text, &error), ERROR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions_mean_what_they_say),
        cmocka_unit_test(test_what_means_nothing_is_refused_at_its_place),
        cmocka_unit_test(test_parentheses_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
