/* What a record is told as: a headline, findings, notes, and the line that runs it again; and what becomes of a kernel
 * that failed to run. */
#include <stdlib.h>
#include <string.h>

#include "harness/report/record/tests/record_trial.h"

static void test_reproduce_is_quoted_for_a_shell(void **state)
{
    struct sample *sample = *state;
    static const struct {
        const char *path, *key, *line;
    } rows[] = {
        {"cases/a.yaml", "a:seed=1", "alibicheck run cases/a.yaml --only 'a:seed=1'"},
        {"my cases/a.yaml", "it's:seed=1", "alibicheck run 'my cases/a.yaml' --only 'it'\\''s:seed=1'"},
        {"-a.yaml", "$(x)", "alibicheck run ./-a.yaml --only '$(x)'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sample->test_case.path = rows[i].path;
        sample->test_case.key = rows[i].key;
        char *line = record_reproduce(&sample->record, "");
        assert_string_equal(line, rows[i].line);
        free(line);
    }
    static const char *const settings[] = {"seed=3", "tolerance={atol: 0}"};
    sample->record.settings = settings;
    sample->record.num_settings = 2;
    char *line = record_reproduce(&sample->record, "");
    assert_string_equal(line, "alibicheck run ./-a.yaml --only '$(x)' --set 'seed=3' --set 'tolerance={atol: 0}'");
    free(line);
}

/* Which bug would have left its output unwritten nobody knows. */
static void test_a_kernel_that_failed_to_run_has_no_known_bug(void **state)
{
    struct sample *sample = *state;
    struct signature_finding finding = {.signature = SIGNATURE_UNWRITTEN};
    char *bugs;
    sample->test_case.known_bugs = "unwritten: K60";
    sample->record.finding = &finding;
    sample->record.outcome.status = STATUS_FAIL;
    assert_true(record_known_bugs(&bugs, &sample->record));
    assert_string_equal(bugs, "K60");
    free(bugs);
    snprintf(sample->record.outcome.reason, sizeof sample->record.outcome.reason, "expected to fail as leak");
    assert_true(record_known_bugs(&bugs, &sample->record));
    assert_string_equal(bugs, "K60"); /* whatever was expected */
    free(bugs);
    finding.signature = SIGNATURE_NO_ANSWER;
    assert_true(record_known_bugs(&bugs, &sample->record));
    assert_null(bugs);
    char *text = record_findings(&sample->record, "", false);
    assert_non_null(text);
    assert_null(strstr(text, "known bug"));
    free(text);
}

/* Where there is no name, each is sent to what he can do; no head is said to have been passed over. */
static void test_nobody_is_sent_to_a_line_that_he_has_not(void **state)
{
    static const struct {
        const char *option, *told;
        int examined;
        const char *heads;
    } rows[] = {
        {" --plugin=./mine.so", "the line that runs the point alone, with `explain` in place of `run`", 2,
         "unknown (2 heads examined)\n"},
        {" --kernel-command='ssh box run --kernel-pipes'", "in place of `run`", 1, "unknown (1 head examined)\n"},
        {" --kernel-pipes=3,4", "or a program that serves the function", 0, "unknown\n"},
        {NULL, "or a program that serves the function", 1, "unknown (1 head examined)\n"},
    };
    struct sample *sample = *state;
    sample->point.foreign = "mine";
    sample->record.outcome.status = STATUS_FAIL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct signature_finding finding = {
            .signature = SIGNATURE_UNKNOWN, .num_rows_failing = 2, .num_rows_examined = rows[i].examined};
        sample->record.finding = &finding;
        sample->record.foreign_option = rows[i].option;
        char *text = record_findings(&sample->record, "", true);
        assert_non_null(text);
        assert_non_null(strstr(text, rows[i].told));
        assert_non_null(strstr(text, rows[i].heads));
        free(text);
    }
}

/* A contract that the kernel took stands above the name, and one that merely fits below it, unless there is none. */
static void test_what_is_known_for_certain_comes_first(void **state)
{
    static const struct {
        bool named;
        enum signature signature;
        bool contract_first;
    } rows[] = {
        {true, SIGNATURE_WRONG_SCALE, true},
        {true, SIGNATURE_UNKNOWN, true},
        {false, SIGNATURE_DROPPED_KEYS, false},
        {false, SIGNATURE_UNKNOWN, true},
    };
    struct sample *sample = *state;
    sample->record.outcome.status = STATUS_FAIL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct signature_finding finding = {.signature = rows[i].signature};
        const struct contract_finding contract = {
            .fits = {{.text = "half the scale", .class_name = "f32", .remedy = ""}},
            .num_fits = 1,
            .named = rows[i].named};
        sample->record.finding = &finding;
        sample->record.contract = &contract;
        char *text = record_findings(&sample->record, "", false);
        assert_non_null(text);
        const char *of_contract = strstr(text, "half the scale"), *of_finding = strstr(text, "signature");
        assert_true(of_contract && of_finding);
        assert_int_equal(of_contract < of_finding, rows[i].contract_first);
        free(text);
    }
}

/* Other bits from run to run may be meant, which is said where nothing else was seen. */
static void test_other_bits_in_another_run_are_told_as_such(void **state)
{
    static const struct {
        unsigned violated;
        enum oracles_alone alone;
    } rows[] = {
        {1u << ORACLE_DETERMINISM, ORACLES_ALONE_DETERMINISM},
        {1u << ORACLE_DETERMINISM | 1u << ORACLE_INPUTS, ORACLES_ALONE_BOTH},
        {1u << ORACLE_DETERMINISM | 1u << ORACLE_BATCH, ORACLES_ALONE_COPIES},
        {1u << ORACLE_INPUTS | 1u << ORACLE_BATCH, ORACLES_ALONE_COPIES},
        {1u << ORACLE_BATCH, ORACLES_ALONE_COPIES},
        {1u << ORACLE_GUARDS, ORACLES_ALONE_WRITES},
        {1u << ORACLE_GUARDS | 1u << ORACLE_INPUTS, ORACLES_ALONE_WRITES},
        {0, ORACLES_ALONE_NOT},
    };
    struct sample *sample = *state;
    static const struct signature_finding finding = {.signature = SIGNATURE_UNKNOWN, .detail = "by an oracle alone"};
    sample->record.outcome.status = STATUS_FAIL;
    sample->record.finding = &finding;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct oracle_report report = {.detail = {""}};
        for (int oracle = 0; oracle < ORACLE_COUNT; oracle++)
            report.outcome[oracle] = rows[i].violated >> oracle & 1 ? ORACLE_VIOLATED : ORACLE_HELD;
        sample->record.oracles = &report;
        assert_int_equal(record_oracles_alone(&sample->record), rows[i].alone);
        char *text = record_findings(&sample->record, "", true);
        assert_non_null(text);
        assert_int_equal(strstr(text, "on a changed copy") != NULL, rows[i].alone == ORACLES_ALONE_COPIES);
        assert_int_equal(strstr(text, "is somebody else's") != NULL,
                         rows[i].alone == ORACLES_ALONE_WRITES || rows[i].alone == ORACLES_ALONE_BOTH);
        assert_int_equal(strstr(text, "gave other bits") != NULL,
                         rows[i].alone == ORACLES_ALONE_DETERMINISM || rows[i].alone == ORACLES_ALONE_BOTH);
        assert_int_equal(strstr(text, "from run to run") != NULL, rows[i].alone == ORACLES_ALONE_DETERMINISM);
        free(text);
    }
}

/* Whatever stands in its output. */
static void test_a_kernel_that_failed_to_run_never_passes(void **state)
{
    struct sample *sample = *state;
    struct record record = {.point = &sample->point};
    const struct evaluation ran = {.subject_failure = ""}, gone = {.subject_failure = "it has gone"};
    record_take(&record, ERROR_NONE, NULL, &ran);
    assert_int_equal(record.outcome.status, STATUS_PASS);
    record_take(&record, ERROR_NONE, NULL, &gone);
    assert_int_equal(record.outcome.status, STATUS_FAIL);
    assert_string_equal(record.outcome.reason, "it has gone");
    sample->point.expect_fail = true;
    record_take(&record, ERROR_NONE, NULL, &gone);
    assert_int_equal(record.outcome.status, STATUS_FAIL);
    /* Also where no oracle could be tried, since the kernel had gone. */
    struct evaluation untried = gone;
    sample->point.oracles = 1u << ORACLE_BATCH;
    untried.oracles.outcome[ORACLE_BATCH] = ORACLE_NOT_APPLICABLE;
    record_take(&record, ERROR_NONE, NULL, &untried);
    assert_int_equal(record.outcome.status, STATUS_FAIL);
    assert_string_equal(record.outcome.reason, "it has gone");
    assert_non_null(record.verdict);
}

/* One behind the other, whichever there are. */
static void test_notes_are_apart(void **state)
{
    struct sample *sample = *state;
    const bool rows[SAMPLE_H] = {true};
    const struct given_claim claim = {.version = "0.1", .commit = "abc"};
    struct given given = {
        .scales = SCALES_UNSAID, .sample = {.judged = rows, .rows = 1, .of = SAMPLE_H}, .claim = &claim};
    static const char all[] = "truth as the bundle has it; of fp8 what is not said of k_scale and v_scale is taken for "
                              "1; sampled 1 of 2 rows";
    sample->point.given = &given;
    char *notes = record_notes(&sample->record);
    assert_non_null(notes);
    assert_true(!strncmp(notes, all, strlen(all)));
    free(notes);
    given = (struct given){.scales = SCALES_OF_TWO_TYPES};
    notes = record_notes(&sample->record);
    assert_non_null(notes);
    static const char one[] = "k_scale and v_scale are 1";
    assert_true(!strncmp(notes, one, strlen(one)));
    free(notes);
    sample->point.given = NULL;
}

/* Why it did is said wherever its failure is; its poison is no news. */
static void test_a_failure_to_run_is_told(void **state)
{
    struct sample *sample = *state;
    struct record record = sample->record;
    record.is_unanswered = true;
    record.run_failure = RUN_FAILURE_HANG;
    record.outcome = (struct outcome){.status = STATUS_FAIL, .reason = "mine gave no answer within 1 s"};
    char *headline = record_headline(&record), *detail = record_detail(&record, headline),
         *notes = record_notes(&record);
    assert_string_equal(headline, "hang: mine gave no answer within 1 s");
    assert_non_null(strstr(detail, "fail: hang: mine gave no answer within 1 s\n"));
    assert_null(strstr(detail, "error: "));
    assert_null(strstr(notes, "NaN"));
    free(headline);
    free(detail);
    free(notes);
    /* Of one that ran, and failed otherwise than expected, the headline is of its numbers. */
    record.is_unanswered = false;
    headline = record_headline(&record);
    detail = record_detail(&record, headline);
    assert_non_null(strstr(headline, "elements mismatched"));
    assert_non_null(strstr(detail, "\nerror: mine gave no answer within 1 s\n"));
    free(headline);
    free(detail);
    json_t *json = round_trip(&record);
    assert_string_equal(json_string_value(json_object_get(json, "run_failure")), "hang");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reproduce_is_quoted_for_a_shell),
        TEST(test_a_kernel_that_failed_to_run_has_no_known_bug),
        TEST(test_nobody_is_sent_to_a_line_that_he_has_not),
        TEST(test_what_is_known_for_certain_comes_first),
        TEST(test_other_bits_in_another_run_are_told_as_such),
        TEST(test_a_kernel_that_failed_to_run_never_passes),
        TEST(test_notes_are_apart),
        TEST(test_a_failure_to_run_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
