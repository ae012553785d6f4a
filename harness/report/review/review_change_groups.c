#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/review/figures.h"
#include "harness/report/review/review_change_groups.h"
#include "harness/report/review/review_group.h"
#include "harness/support/room.h"

enum { SIDES = 2, COMPARED = 3, LABEL_SIZE = 256 };

/* The points of both sides that agree in something: what became of them, and the largest of each figure before and
 * after. */
struct change_group {
    char label[LABEL_SIZE]; /* as much as there is room for */
    double x;               /* by which groups stand: a number, or the place where the label was met first */
    size_t points, worse, better;
    bool known[COMPARED];
    double largest[SIDES][COMPARED];
};

struct change_groups {
    struct change_group *groups;
    size_t count, capacity;
    bool spoilt;
};

static const char *const titles[COMPARED] = {"max abs err", "max ulp", "bound used"};

static bool figure_of(const struct review_point *point, int figure, double *value)
{
    switch (figure) {
    case 0:
        return review_number_of(point, NUMBER_MAX_ABS_ERR, value);
    case 1:
        return review_number_of(point, NUMBER_MAX_ULP_ERR, value);
    default:
        return review_bound_used(point, value);
    }
}

static struct change_group *find(struct change_groups *groups, const char *label, double x)
{
    for (size_t g = 0; g < groups->count; g++)
        if (strncmp(groups->groups[g].label, label, LABEL_SIZE - 1) == 0)
            return &groups->groups[g];
    struct change_group *more = room_for_one(groups->groups, &groups->capacity, groups->count, sizeof *more);
    groups->spoilt |= !more;
    if (!more)
        return NULL;
    groups->groups = more;
    more += groups->count++;
    *more = (struct change_group){.x = x};
    snprintf(more->label, sizeof more->label, "%s", label);
    return more;
}

/* Of a figure that one side does not know there is no comparison. */
static void add(struct change_group *group, const struct review_change *change)
{
    const enum tone tone = change_tone(change->change);
    group->points++;
    group->worse += tone == TONE_BAD;
    group->better += tone == TONE_GOOD;
    for (int f = 0; f < COMPARED; f++) {
        double before, after;
        if (!figure_of(change->before, f, &before) || !figure_of(change->after, f, &after))
            continue;
        group->largest[0][f] = group->known[f] ? larger(group->largest[0][f], before) : before;
        group->largest[1][f] = group->known[f] ? larger(group->largest[1][f], after) : after;
        group->known[f] = true;
    }
}

/* What is on one side alone, or of another problem, has nothing to be held against. */
static bool is_meant(const struct review_change *change)
{
    return change->before && change->after && change->change != CHANGE_UNLIKE;
}

static void group_by_series(struct change_groups *groups, const struct review_changes *changes)
{
    for (size_t c = 0; c < changes->count; c++) {
        const struct review_change *change = &changes->changes[c];
        if (!is_meant(change))
            continue;
        struct change_group *group =
            find(groups, review_text_of(changes->after, change->after, changes->after->series), (double)groups->count);
        if (group)
            add(group, change);
    }
}

static void group_by_keys(struct change_groups *groups, const struct review_changes *changes)
{
    const struct number_groups lengths = number_groups_of(changes->after, NUMBER_SEQ_LEN, GROUPS_MAX);
    for (size_t c = 0; c < changes->count; c++) {
        const struct review_change *change = &changes->changes[c];
        char label[LABEL_SIZE];
        double keys;
        if (!is_meant(change) || !review_number_of(change->after, NUMBER_SEQ_LEN, &keys))
            continue;
        const double x = number_group(label, &lengths, keys);
        struct change_group *group = find(groups, label, x);
        if (group)
            add(group, change);
    }
}

static int compare_groups(const void *a, const void *b)
{
    const struct change_group *one = a, *other = b;
    return (one->x > other->x) - (one->x < other->x);
}

static bool is_known(const struct change_groups *groups, int figure)
{
    for (size_t g = 0; g < groups->count; g++)
        if (groups->groups[g].known[figure])
            return true;
    return false;
}

static void write_row(struct grid *grid, const struct change_group *group, const bool *known)
{
    grid_text(grid, group->label);
    grid_count(grid, (double)group->points);
    grid_count(grid, (double)group->worse);
    grid_count(grid, (double)group->better);
    for (int f = 0; f < COMPARED; f++)
        for (int side = 0; side < SIDES && known[f]; side++) {
            if (group->known[f])
                grid_number(grid, group->largest[side][f]);
            else
                grid_unknown(grid);
        }
}

/* Takes the groups. */
static void write_groups(struct document *document, struct change_groups *groups, const char *title)
{
    char text[96];
    bool known[COMPARED];
    snprintf(text, sizeof text, "Points on both sides, by %s: the largest errors before and after", title);
    if (groups->count > 1)
        qsort(groups->groups, groups->count, sizeof *groups->groups, compare_groups);
    struct grid *grid = document_grid(document, text);
    grid_column(grid, title, NULL, false);
    grid_column(grid, "points", NULL, true);
    grid_column(grid, "worse", "Newly failing and not comparable ones among them.", true);
    grid_column(grid, "better", "Fixed ones among them.", true);
    for (int f = 0; f < COMPARED; f++) {
        known[f] = is_known(groups, f);
        if (!known[f])
            continue;
        snprintf(text, sizeof text, "%s before", titles[f]);
        grid_column(grid, text, NULL, true);
        grid_column(grid, "after", NULL, true);
    }
    for (size_t g = 0; g < groups->count; g++)
        write_row(grid, &groups->groups[g], known);
    document->spoilt |= groups->spoilt;
    free(groups->groups);
}

void review_write_change_groups(struct document *document, const struct review_changes *changes)
{
    struct change_groups by_series = {0}, by_keys = {0};
    group_by_series(&by_series, changes);
    group_by_keys(&by_keys, changes);
    if (by_series.count > 0)
        write_groups(document, &by_series, review_texts[changes->after->series].title);
    if (by_keys.count > 1)
        write_groups(document, &by_keys, review_numbers[NUMBER_SEQ_LEN].title);
    else
        free(by_keys.groups);
}
