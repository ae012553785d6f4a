#include "harness/report/review/review_change.h"

#include <stdlib.h>

#include "harness/report/compare/compare_text.h"
#include "harness/report/review/review_group.h"

enum tone change_tone(enum change change)
{
    if (change_table[change].outcome == CHANGE_IS_WORSE || change_table[change].outcome == CHANGE_IS_NO_COMPARISON)
        return TONE_BAD;
    if (change == CHANGE_FIXED || change == CHANGE_BETTER)
        return TONE_GOOD;
    return change_is_none(change) ? TONE_PLAIN : TONE_EXPECTED;
}

static void compare_points(struct compared *compared, const struct review_point *before,
                           const struct review_point *after)
{
    static const struct compare_rules rules = {.today = ""};
    compare_point(compared, before ? before->facts : NULL, after ? after->facts : NULL, &rules);
}

char *review_change_facts(const struct review_change *change, int most)
{
    struct compared compared;
    compare_points(&compared, change->before, change->after);
    return compared_changes(&compared, most);
}

/* One of the two is there. */
static void put(struct review_changes *changes, const struct review_point *before, const struct review_point *after)
{
    struct compared compared;
    compare_points(&compared, before, after);
    changes->changes[changes->count++] = (struct review_change){compared.change, before, after, compared.growth};
    changes->by_change[compared.change]++;
    changes->unchanged += change_is_none(compared.change);
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
            put(changes, NULL, point);
            continue;
        }
        met[place] = true;
        put(changes, &before->points[place], point);
    }
    for (size_t p = 0; p < before->num_points; p++)
        if (!met[p])
            put(changes, &before->points[p], NULL);
    free(met);
    return ERROR_NONE;
}

void review_changes_clear(struct review_changes *changes)
{
    free(changes->changes);
    *changes = (struct review_changes){0};
}
