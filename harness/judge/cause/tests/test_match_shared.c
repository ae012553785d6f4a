/* What rows that fail have in common: when a name stands for all of them, by how many rows, and by whose silence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/cause/match_shared.h"

enum { ROWS = 4 };

/* What a row that fails says of the name that is asked about. */
enum says {
    SAYS_SO = 'S',    /* is explained by it */
    AS_WELL = 'A',    /* is explained by another one, and by it about as well */
    NO_BETTER = 'B',  /* by another one, and by it four times as badly */
    SENTINEL = 'L',   /* by another one that masked keys may have */
    NOTHING = '-',    /* by none; its lse alone failed */
    OF_NO_KEY = '0',  /* by none, with a remark */
    OTHERWISE = 'X',  /* by none, though it would show */
    OTHER_NAME = 'N', /* by another one, though it would show: for the same reason */
};

static void make_row(struct suspect *suspect, enum says says, const struct match *match)
{
    static double dots[1];
    *suspect = (struct suspect){
        .noise = 1, .error = 1, .by_lse = says == NOTHING, .dots = dots, .best.signature = SIGNATURE_UNKNOWN};
    struct match other = {.signature = SIGNATURE_DROPPED_KEYS, .rms = 1, .reason = match->reason + 1};
    switch (says) {
    case SAYS_SO:
        suspect->best = *match;
        return;
    case AS_WELL:
    case NO_BETTER:
        suspect->best = other;
        suspect->num_matches = 2;
        suspect->matches[0] = other;
        suspect->matches[1] = *match;
        suspect->matches[1].rms = says == AS_WELL ? 3.9 : 4;
        return;
    case SENTINEL:
        suspect->best = other;
        suspect->best.signature = SIGNATURE_UNIFORM;
        return;
    case OTHER_NAME:
        suspect->best = other;
        suspect->num_matches = 1;
        suspect->matches[0] = other;
        suspect->matches[0].reason = match->reason;
        suspect->error = 33;
        return;
    case OF_NO_KEY:
        strcpy(suspect->remark, "weight of no key");
        return;
    case OTHERWISE:
        suspect->error = 33;
        return;
    case NOTHING:
        return;
    }
}

static bool stands(const char *rows, const struct match *match)
{
    static struct suspect suspects[ROWS];
    for (int i = 0; i < ROWS; i++)
        make_row(&suspects[i], (enum says)rows[i], match);
    return match_stands(suspects, ROWS, match);
}

static void test_a_name_stands_by_most_rows(void **state)
{
    enum { FEW = SUSPECT_CHOICES, MANY = SUSPECT_CHOICES + 1 };
    static const struct {
        const char *rows;
        enum signature signature;
        bool fitted;
        double choices;
        bool stands;
    } rows[] = {
        {"SSSS", SIGNATURE_WRONG_SCALE, true, MANY, true},
        {"SSSX", SIGNATURE_WRONG_SCALE, true, MANY, true},
        {"SSAX", SIGNATURE_WRONG_SCALE, true, MANY, true},
        {"SSBX", SIGNATURE_WRONG_SCALE, false, FEW, false},
        {"S---", SIGNATURE_WRONG_SCALE, false, FEW, false},
        /* Of half of them if no other speaks against it, and it is neither any number nor one of many predictions. */
        {"SS--", SIGNATURE_WRONG_SCALE, false, FEW, true},
        {"SSN-", SIGNATURE_WRONG_SCALE, false, FEW, true},
        {"SSX-", SIGNATURE_WRONG_SCALE, false, FEW, false},
        {"SS--", SIGNATURE_WRONG_SCALE, false, MANY, false},
        {"SS--", SIGNATURE_WRONG_SCALE, true, FEW, false},
        {"SS--", SIGNATURE_WRONG_SLOPE, true, FEW, false},
        {"SS--", SIGNATURE_DROPPED_KEYS, true, FEW, true},
        /* Rows whose logits differ have other names by the same sentinel, and so have rows without a key. */
        {"SLLX", SIGNATURE_LEAK, true, MANY, true},
        {"S00X", SIGNATURE_LEAK, true, MANY, true},
        {"S0LX", SIGNATURE_LEAK, true, MANY, true},
        {"S0XX", SIGNATURE_LEAK, true, MANY, false},
        {"SLLX", SIGNATURE_WRONG_SCALE, false, FEW, false},
        {"S00X", SIGNATURE_WRONG_SCALE, false, FEW, false},
        /* Zeros are of one row if no other speaks against them; and what is no number, or not written, of any. */
        {"S---", SIGNATURE_SILENT_ZERO, false, FEW, true},
        {"SX--", SIGNATURE_SILENT_ZERO, false, FEW, false},
        {"SSXX", SIGNATURE_SILENT_ZERO, false, FEW, true},
        {"SXXX", SIGNATURE_NAN, false, FEW, true},
        {"SXXX", SIGNATURE_UNWRITTEN, false, FEW, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct match match = {.signature = rows[i].signature,
                                    .fitted = rows[i].fitted,
                                    .choices = rows[i].choices,
                                    .rms = 1,
                                    .reason = 7};
        if (stands(rows[i].rows, &match) != rows[i].stands)
            fail_msg("row %zu: %s", i, rows[i].rows);
    }
}

/* The chances of rows are multiplied, and by the number of predictions. Where lse alone bears a name out, less may be
 * had by chance. */
static void test_a_name_that_may_be_chance_does_not_stand(void **state)
{
    static const struct {
        const char *rows;
        bool by_lse;
        double chance, choices;
        bool stands;
    } rows[] = {
        {"SSSS", false, 1, 1, false},     {"SSSS", false, 0x1p-2, 1, true},  {"SSSS", false, 0x1p-2, 8, false},
        {"SSSX", false, 0x1p-2, 1, true}, {"SSSX", false, 0x1p-2, 2, false}, {"SSSS", true, 0x1p-2, 1, false},
        {"SSSS", true, 0x1p-4, 1, true},  {"SSSS", true, 0x1p-4, 16, false},
    };
    static struct suspect suspects[ROWS];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct match match = {.signature = SIGNATURE_WRONG_SCALE,
                                    .chance = rows[i].chance,
                                    .choices = rows[i].choices,
                                    .rms = 1,
                                    .reason = 7};
        for (int r = 0; r < ROWS; r++) {
            make_row(&suspects[r], (enum says)rows[i].rows[r], &match);
            suspects[r].by_lse = rows[i].by_lse;
        }
        if (match_stands(suspects, ROWS, &match) != rows[i].stands)
            fail_msg("row %zu", i);
    }
}

/* Of very many predictions some share a bound, and the direction that out moves along: a number a row tells them apart,
 * and the chance that all rows have it is what counts. */
static void test_of_many_predictions_one_number_tells(void **state)
{
    static const struct {
        const char *rows;
        double choices, chance_of_one;
        bool stands;
    } rows[] = {
        {"SSSS", SUSPECT_CHOICES + 1, 0x1p-4, true}, {"SSSS", SUSPECT_CHOICES + 1, 0x1p-2, false},
        {"SSSX", SUSPECT_CHOICES + 1, 0x1p-4, true}, {"SSSX", SUSPECT_CHOICES + 1, 0x1p-3, false},
        {"SSSS", SUSPECT_CHOICES, 1, true},
    };
    static struct suspect suspects[ROWS];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct match match = {.signature = SIGNATURE_WRONG_MERGE,
                                    .chance = 0x1p-12,
                                    .chance_of_one = rows[i].chance_of_one,
                                    .choices = rows[i].choices,
                                    .rms = 1,
                                    .reason = 7};
        for (int r = 0; r < ROWS; r++)
            make_row(&suspects[r], (enum says)rows[i].rows[r], &match);
        if (match_stands(suspects, ROWS, &match) != rows[i].stands)
            fail_msg("row %zu", i);
    }
}

/* A row takes the match that most rows have, if that explains it about as well. */
static void test_a_row_takes_what_most_have(void **state)
{
    const struct match match = {.signature = SIGNATURE_WRONG_SCALE, .choices = 1, .rms = 1, .reason = 7};
    static struct suspect suspects[ROWS];
    (void)state;
    for (int as_well = 0; as_well < 2; as_well++) {
        for (int i = 0; i < ROWS; i++)
            make_row(&suspects[i], i > 0 ? SAYS_SO : as_well ? AS_WELL : NO_BETTER, &match);
        assert_int_equal(match_rows(suspects, ROWS, &match, false), ROWS - 1 + as_well);
        assert_ptr_equal(match_most_shared(suspects, ROWS, &suspects[0]),
                         as_well ? &suspects[0].matches[1] : &suspects[0].best);
        assert_ptr_equal(match_most_shared(suspects, ROWS, &suspects[1]), &suspects[1].best);
    }
    make_row(&suspects[0], OTHERWISE, &match);
    assert_int_equal(match_most_shared(suspects, ROWS, &suspects[0])->signature, SIGNATURE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_stands_by_most_rows),
        cmocka_unit_test(test_a_name_that_may_be_chance_does_not_stand),
        cmocka_unit_test(test_of_many_predictions_one_number_tells),
        cmocka_unit_test(test_a_row_takes_what_most_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
