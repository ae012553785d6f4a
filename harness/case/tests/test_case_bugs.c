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

static const char *const fit_names[] = {"none", "by signature", "by evidence"};

/* wanted: how it fits, and the bugs that do: "by signature: K6 K6B"; "none". */
static void expect(const char *text, const struct seen_failure *seen, const char *wanted)
{
    char said[256] = "";
    enum bugs_fit fit = known_bugs_fit(text, seen);
    FILE *stream = fmemopen(said, sizeof said, "w");
    assert_non_null(stream);
    fprintf(stream, "%s%s", fit_names[fit], fit == BUGS_NONE ? "" : ": ");
    assert_true(fit == BUGS_NONE || known_bugs_print(stream, text, seen, fit));
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(said, wanted);
}

static void expect_of(const char *text, enum signature signature, const char *wanted)
{
    const struct seen_failure seen = {.signature = signature};
    expect(text, &seen, wanted);
}

static void test_bugs_by_signature(void **state)
{
    (void)state;
    const char text[] = "nan: K6 K6B; leak: K2; wrong-scale: K49";
    expect_of(text, SIGNATURE_NAN, "by signature: K6 K6B");
    expect_of(text, SIGNATURE_LEAK, "by signature: K2");
    expect_of(text, SIGNATURE_WRONG_SCALE, "by signature: K49");
    expect_of(text, SIGNATURE_WRONG_SLOPE, "none");
    expect_of(text, SIGNATURE_UNKNOWN, "none");
    expect_of(NULL, SIGNATURE_NAN, "none");
}

/* Words of what was found, in the finding or in the contract that has a name; those that nothing more is known of step
 * back. */
static void test_evidence_goes_before_the_signature(void **state)
{
    (void)state;
    const char text[] =
        "leak: K1 (two | three) K2; wrong-slope: K54 (scale times it | by the scale) K56 (opposite sign) "
        "K7; nan: K6 (2 of & dtype f16) K61 (lse alone)";
    struct contract_finding contract = {.num_fits = 1, .named = true};
    snprintf(contract.fits[0].text, sizeof contract.fits[0].text, "biases of the opposite sign");
    struct seen_failure seen = {.signature = SIGNATURE_WRONG_SLOPE, .detail = "the softmax scale times it"};
    expect(text, &seen, "by evidence: K54");
    seen.contract = &contract;
    expect(text, &seen, "by evidence: K54 K56");
    seen.detail = "";
    expect(text, &seen, "by evidence: K56");
    contract.named = false; /* one of several */
    expect(text, &seen, "by signature: K7");
    expect(text, &(struct seen_failure){.signature = SIGNATURE_LEAK, .detail = "one or three"}, "by evidence: K1");
    expect(text, &(struct seen_failure){.signature = SIGNATURE_LEAK, .detail = "tw"}, "by signature: K2");
    expect(text, &(struct seen_failure){.signature = SIGNATURE_NAN, .detail = "2 of 64", .dtype = DTYPE_F16},
           "by evidence: K6");
    expect(text, &(struct seen_failure){.signature = SIGNATURE_NAN, .detail = "2 of 64", .dtype = DTYPE_F32}, "none");
    expect(text, &(struct seen_failure){.signature = SIGNATURE_NAN, .detail = "lse alone", .dtype = DTYPE_F16},
           "by evidence: K61");
}

/* Words are no evidence where they are the rest of others. */
static void test_words_are_whole(void **state)
{
    (void)state;
    static const struct {
        const char *evidence, *detail, *says;
    } rows[] = {
        {"2 times it", "slope 0.5 in place of 0.25: 2 times it", "by evidence: K1"},
        {"2 times it", "slope 0.8 in place of 0.25: 3.2 times it", "none"},
        {"2 times it", "slope 3 in place of 0.25: 12 times it", "none"},
        {"2 times it", "slope 0.55 in place of 0.25: 2.2 times it", "none"},
        {"2 times it", "slope -0.5 in place of 0.25: -2 times it", "none"},
        {"1 of them", "the keys of later queries are let in: 11 of them (1 of 1)", "none"},
        {"1 of them", "the keys of later queries are let in: 1 of them (1 of 1)", "by evidence: K1"},
        {"1 of them", "11 of them, 1 of them", "by evidence: K1"},
        {"slope 2", "slope 2.5 in place of 1", "none"},
        {"slope 2", "slope 2", "by evidence: K1"},
        {"slope 2", "in place of slope 2.", "by evidence: K1"},
        {"in tile", "in tiles of 8 keys", "none"},
        {"carry 100%", "masked keys carry 100% of the weight", "by evidence: K1"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[64];
        snprintf(text, sizeof text, "wrong-slope: K1 (%s)", rows[i].evidence);
        expect(text, &(struct seen_failure){.signature = SIGNATURE_WRONG_SLOPE, .detail = rows[i].detail},
               rows[i].says);
    }
}

static void test_oracles_are_evidence(void **state)
{
    (void)state;
    const char text[] = "unknown: K44 (oracle batch) K43";
    struct seen_failure seen = {.signature = SIGNATURE_UNKNOWN, .violated = 1u << ORACLE_BATCH | 1u << ORACLE_POISON};
    expect(text, &seen, "by evidence: K44");
    seen.violated = 1u << ORACLE_POISON;
    expect(text, &seen, "by signature: K43");
}

static void test_a_class_is_evidence(void **state)
{
    (void)state;
    const char text[] = "unknown: K31 (class f32+absolute-bias)";
    struct seen_failure seen = {.signature = SIGNATURE_UNKNOWN, .arithmetic = "f32+absolute-bias"};
    expect(text, &seen, "by evidence: K31");
    seen.arithmetic = "f32+absolute-bias+bias16";
    expect(text, &seen, "none");
    expect("unknown: K31 (class f32+bias16+absolute-bias)", &seen, "by evidence: K31"); /* in whatever order */
    expect("unknown: K31 (class f32)", &seen, "none");
    expect("unknown: K31 (class output)", &seen, "none");
    seen.arithmetic = "unbounded";
    expect(text, &seen, "none");
    seen.arithmetic = NULL;
    expect(text, &seen, "none");
}

static void test_evidence_that_must_not_be_there(void **state)
{
    (void)state;
    const char text[] = "wrong-scale: K49 (k ignored) K50 (v ignored & !k ignored)";
    struct seen_failure seen = {.signature = SIGNATURE_WRONG_SCALE, .detail = "k ignored, v ignored"};
    expect(text, &seen, "by evidence: K49");
    seen.detail = "v ignored";
    expect(text, &seen, "by evidence: K50");
    seen.detail = "";
    expect(text, &seen, "none");
}

static void test_all_of_them_without_evidence(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"nan: K6; leak: K2 K5", "nan: K6; leak: K2 K5"},
        {"nan: K6 (a | b) K7; leak: K2 (c) K5 (d & e)", "nan: K6 K7; leak: K2 K5"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char said[128] = "";
        FILE *stream = fmemopen(said, sizeof said, "w");
        assert_non_null(stream);
        assert_true(known_bugs_print_all(stream, rows[i][0]));
        assert_int_equal(fclose(stream), 0);
        assert_string_equal(said, rows[i][1]);
    }
}

static void test_is_kept_in_the_order_of_the_file(void **state)
{
    (void)state;
    struct case_list list =
        parse(HEAD "known_bugs: {wrong-lse: K41 K42 (base 2), nan: 'K6'}\n---\ncase: b\nseq_len: 33\n"
                   "num_heads: 8\nhead_dim: 64\n");
    assert_string_equal(case_known_bugs(list.cases[0]), "wrong-lse: K41 K42 (base 2); nan: K6");
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
        {"known_bugs: {leak: K1 (}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 ()}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (a}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (a |)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (& a)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (a; b)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (a (b)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1(a)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (a)K2}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: (a)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (oracle batsh)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (a | dtype f17)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (class f33)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (!)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (! dtype f16)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (a & !!dtype f32)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (oracle)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (!dtype)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (a | class )}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
        {"known_bugs: {leak: K1 (dtype e4m3)}\n", "test.yaml:5:20: known_bugs does not name bugs: "},
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
        cmocka_unit_test(test_evidence_goes_before_the_signature),
        cmocka_unit_test(test_words_are_whole),
        cmocka_unit_test(test_oracles_are_evidence),
        cmocka_unit_test(test_a_class_is_evidence),
        cmocka_unit_test(test_evidence_that_must_not_be_there),
        cmocka_unit_test(test_all_of_them_without_evidence),
        cmocka_unit_test(test_is_kept_in_the_order_of_the_file),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
