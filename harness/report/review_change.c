#include "harness/report/review_change.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/grid.h"
#include "harness/report/review_group.h"

const struct change_info change_table[CHANGE_COUNT] = {
    [CHANGE_UNLIKE] = {"not comparable", "Other inputs or another truth: the two say nothing of each other.", TONE_BAD},
    [CHANGE_FAILING] = {"newly failing", "Ended as expected, and no longer does.", TONE_BAD},
    [CHANGE_STATUS] = {"other verdict", "Has another verdict than before.", TONE_BAD},
    [CHANGE_SIGNATURE] = {"other signature", "Fails in another way than before.", TONE_BAD},
    [CHANGE_WORSE] = {"worse", "At least one error grew.", TONE_BAD},
    [CHANGE_MISSING] = {"missing", "Is no longer there.", TONE_BAD},
    [CHANGE_FIXED] = {"fixed", "Ends as expected, and did not.", TONE_GOOD},
    [CHANGE_BETTER] = {"better", "At least one error shrank, and none grew.", TONE_GOOD},
    [CHANGE_OTHER_BITS] = {"other bits", "Another output with equal figures.", TONE_EXPECTED},
    [CHANGE_NEW] = {"new", "Was not there before.", TONE_EXPECTED},
    [CHANGE_SAME] = {"same", "The same verdict and, where there is an output, the same bits.", TONE_PLAIN},
};

/* Figures in which a smaller number is better. */
static const enum review_number errors[] = {
    NUMBER_MISMATCHED,  NUMBER_MAX_ABS_ERR,     NUMBER_MAX_ULP_ERR, NUMBER_P99_ULP_ERR, NUMBER_P50_ULP_ERR,
    NUMBER_BUDGET_USED, NUMBER_LSE_BUDGET_USED, NUMBER_MAX_LSE_ERR, NUMBER_LSE_OFF,     NUMBER_NAN,
    NUMBER_INF,         NUMBER_UNWRITTEN,       NUMBER_UNBOUNDED,   NUMBER_UNDECIDED,
};

/* -1: smaller, 1: larger. What one of the two does not know has grown where it is unknown, but for a field that an
 * older program did not write. */
static int compare_error(const struct review_point *before, const struct review_point *after, enum review_number number)
{
    double a, b;
    bool known_a = review_number_of(before, number, &a), known_b = review_number_of(after, number, &b);
    if (!known_a || !known_b)
        return known_a > known_b;
    if (isnan(a) || isnan(b))
        return isnan(b) - isnan(a);
    return (b > a) - (b < a);
}

static enum change compare_errors(const struct review_point *before, const struct review_point *after)
{
    bool grew = false, shrank = false;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        int order = compare_error(before, after, errors[i]);
        grew |= order > 0;
        shrank |= order < 0;
    }
    return grew ? CHANGE_WORSE : shrank ? CHANGE_BETTER : CHANGE_OTHER_BITS;
}

static enum change compare_points(const struct review_changes *changes, const struct review_point *before,
                                  const struct review_point *after)
{
    const struct review *a = changes->before, *b = changes->after;
    bool expected_before = review_as_expected(a, before), expected_after = review_as_expected(b, after);
    bool same_status = !strcmp(review_text_of(a, before, TEXT_STATUS), review_text_of(b, after, TEXT_STATUS));
    bool same_signature = !strcmp(review_text_of(a, before, TEXT_SIGNATURE), review_text_of(b, after, TEXT_SIGNATURE));
    /* A run that failed has no digests: then the verdicts alone are compared. */
    bool ran_before = before->digest[DIGEST_OUTPUT], ran_after = after->digest[DIGEST_OUTPUT];
    if (ran_before && ran_after &&
        (before->digest[DIGEST_INPUT] != after->digest[DIGEST_INPUT] ||
         before->digest[DIGEST_TRUTH] != after->digest[DIGEST_TRUTH]))
        return CHANGE_UNLIKE;
    if (expected_before != expected_after)
        return expected_before ? CHANGE_FAILING : CHANGE_FIXED;
    if (!same_status || ran_before != ran_after)
        return CHANGE_STATUS;
    if (!same_signature && !review_passed(b, after))
        return CHANGE_SIGNATURE;
    if (before->digest[DIGEST_OUTPUT] == after->digest[DIGEST_OUTPUT])
        return CHANGE_SAME;
    return compare_errors(before, after);
}

static void put(struct review_changes *changes, enum change change, const struct review_point *before,
                const struct review_point *after)
{
    changes->changes[changes->count++] = (struct review_change){change, before, after};
    changes->by_kind[change]++;
}

enum error_kind review_compare(struct review_changes *changes, const struct review *before, const struct review *after,
                               struct error *error)
{
    size_t most = before->num_points + after->num_points;
    bool by_device = count_texts(before, TEXT_DEVICE) > 1 || count_texts(after, TEXT_DEVICE) > 1;
    bool *met = calloc(before->num_points, sizeof *met);
    *changes = (struct review_changes){.before = before, .after = after};
    changes->changes = calloc(most, sizeof *changes->changes);
    if (!met || !changes->changes) {
        free(met);
        review_changes_clear(changes);
        return error_memory(error, "a comparison", (double)most * sizeof *changes->changes);
    }
    for (size_t p = 0; p < after->num_points; p++) {
        const struct review_point *point = &after->points[p];
        size_t place = review_find(before, point->key, by_device ? review_text_of(after, point, TEXT_DEVICE) : NULL);
        if (place == SIZE_MAX) {
            put(changes, CHANGE_NEW, NULL, point);
            continue;
        }
        met[place] = true;
        put(changes, compare_points(changes, &before->points[place], point), &before->points[place], point);
    }
    for (size_t p = 0; p < before->num_points; p++)
        if (!met[p])
            put(changes, CHANGE_MISSING, &before->points[p], NULL);
    free(met);
    return ERROR_NONE;
}

void review_changes_clear(struct review_changes *changes)
{
    free(changes->changes);
    *changes = (struct review_changes){0};
}
