#include "harness/report/review_change.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/grid.h"
#include "harness/report/review_group.h"

const struct change_info change_table[CHANGE_COUNT] = {
    [CHANGE_UNLIKE] = {"not comparable", "Other inputs or another truth: the two say nothing of each other.", TONE_BAD},
    [CHANGE_FAILING] = {"newly failing", "Ended as expected, and no longer does.", TONE_BAD},
    [CHANGE_MISSING] = {"missing", "Is no longer there.", TONE_BAD},
    [CHANGE_NEW_FAILING] = {"new and failing", "Was not there, and does not end as expected.", TONE_BAD},
    [CHANGE_STATUS] = {"verdict changed", "Has another verdict than before.", TONE_BAD},
    [CHANGE_JUDGED] = {"judged otherwise",
                       "Another tolerance, budget, or way of judging: what passes now is not what "
                       "passed before.",
                       TONE_BAD},
    [CHANGE_SIGNATURE] = {"cause changed", "Fails in another way than before.", TONE_BAD},
    [CHANGE_FIXED_WORSE] = {"fixed and worse", "Ends as expected, and did not, and at least one error grew.", TONE_BAD},
    [CHANGE_WORSE] = {"worse", "At least one error grew.", TONE_BAD},
    [CHANGE_FIXED] = {"fixed", "Ends as expected, and did not.", TONE_GOOD},
    [CHANGE_BETTER] = {"better", "At least one error shrank, and none grew.", TONE_GOOD},
    [CHANGE_OTHER_BITS] = {"other bits", "Another output with equal figures.", TONE_EXPECTED},
    [CHANGE_NEW] = {"new", "Was not there, and ends as expected.", TONE_EXPECTED},
    [CHANGE_SAME] = {"same bits", "The same verdict and, where there is an output, the same bits.", TONE_PLAIN},
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

static bool same_text(const struct review_changes *changes, const struct review_point *before,
                      const struct review_point *after, enum review_text text)
{
    return strcmp(review_text_of(changes->before, before, text), review_text_of(changes->after, after, text)) == 0;
}

/* Another recipe has another bound, and a share of one says nothing of a share of the other. */
static bool is_comparable(enum review_number number, bool same_recipe)
{
    return same_recipe || (number != NUMBER_BUDGET_USED && number != NUMBER_LSE_BUDGET_USED);
}

static enum change compare_errors(const struct review_changes *changes, const struct review_point *before,
                                  const struct review_point *after)
{
    bool grew = false, shrank = false, same_recipe = same_text(changes, before, after, TEXT_RECIPE_DIGEST);
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        int order = is_comparable(errors[i], same_recipe) ? compare_error(before, after, errors[i]) : 0;
        grew |= order > 0;
        shrank |= order < 0;
    }
    return grew ? CHANGE_WORSE : shrank ? CHANGE_BETTER : CHANGE_OTHER_BITS;
}

static bool same_criterion(const struct review_changes *changes, const struct review_point *before,
                           const struct review_point *after)
{
    double a, b;
    bool known_a = review_number_of(before, NUMBER_BUDGET, &a), known_b = review_number_of(after, NUMBER_BUDGET, &b);
    return same_text(changes, before, after, TEXT_JUDGE) && same_text(changes, before, after, TEXT_TOLERANCE) &&
           known_a == known_b && (!known_a || a == b);
}

/* Of inputs that are the same. */
static enum change compare_results(const struct review_changes *changes, const struct review_point *before,
                                   const struct review_point *after)
{
    bool expected = review_as_expected(changes->after, after);
    bool was_expected = review_as_expected(changes->before, before);
    bool same_bits = before->digest[DIGEST_OUTPUT] == after->digest[DIGEST_OUTPUT];
    enum change difference = same_bits ? CHANGE_SAME : compare_errors(changes, before, after);
    if (was_expected && !expected)
        return CHANGE_FAILING;
    if (was_expected == expected && !same_text(changes, before, after, TEXT_STATUS))
        return CHANGE_STATUS;
    if (!same_criterion(changes, before, after))
        return CHANGE_JUDGED;
    if (!was_expected && expected)
        return difference == CHANGE_WORSE ? CHANGE_FIXED_WORSE : CHANGE_FIXED;
    if (!review_passed(changes->after, after) && !same_text(changes, before, after, TEXT_SIGNATURE))
        return CHANGE_SIGNATURE;
    return difference;
}

static enum change compare_points(const struct review_changes *changes, const struct review_point *before,
                                  const struct review_point *after)
{
    /* A run that failed has no digests: then the verdicts alone are compared. */
    bool ran_before = before->digest[DIGEST_OUTPUT], ran_after = after->digest[DIGEST_OUTPUT];
    if (ran_before && ran_after &&
        (before->digest[DIGEST_INPUT] != after->digest[DIGEST_INPUT] ||
         before->digest[DIGEST_TRUTH] != after->digest[DIGEST_TRUTH]))
        return CHANGE_UNLIKE;
    enum change change = compare_results(changes, before, after);
    return ran_before != ran_after && change > CHANGE_STATUS && change != CHANGE_FIXED ? CHANGE_STATUS : change;
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
            put(changes, review_as_expected(after, point) ? CHANGE_NEW : CHANGE_NEW_FAILING, NULL, point);
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
