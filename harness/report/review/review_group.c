#include "harness/report/review/review_group.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/number.h"
#include "harness/support/room.h"

/* The group called label, of a series; NULL if memory ran out. */
static struct group *find(struct grouping *grouping, const char *label, double x, uint32_t series)
{
    char *identity = NULL;
    struct group *found = NULL, *groups;
    if (grouping->failed || asprintf(&identity, "%" PRIu32 " %s", series, label) < 0)
        goto out;
    const json_t *place = json_object_get(grouping->places, identity);
    if (place) {
        found = &grouping->groups[json_integer_value(place)];
        goto out;
    }
    groups = room_for_one(grouping->groups, &grouping->capacity, grouping->count, sizeof *groups);
    if (!groups)
        goto out;
    grouping->groups = groups;
    groups += grouping->count;
    *groups = (struct group){.label = strdup(label), .x = x, .series = series};
    if (groups->label &&
        json_object_set_new(grouping->places, identity, json_integer((json_int_t)grouping->count)) == 0)
        found = groups;
    grouping->count++;
out:
    grouping->failed |= !found;
    free(identity);
    return found;
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *one = a, *other = b;
    if (one->x != other->x)
        return one->x < other->x ? -1 : 1;
    return (one->series > other->series) - (one->series < other->series);
}

static void begin(struct grouping *grouping)
{
    *grouping = (struct grouping){.places = json_object()};
    grouping->failed = !grouping->places;
}

static void finish(struct grouping *grouping)
{
    if (grouping->count > 1)
        qsort(grouping->groups, grouping->count, sizeof *grouping->groups, compare_groups);
}

static void add_figure(struct figures *figures, enum figure figure, const struct review_point *point,
                       enum review_number number)
{
    double value;
    if (review_number_of(point, number, &value))
        figures_add(figures, figure, value);
}

static void add_point(struct figures *figures, const struct review *review, const struct review_point *point)
{
    double bound, count;
    figures->count++;
    figures->not_passed += !review_passed(review, point);
    figures->unexpected += !review_as_expected(review, point);
    figures->skipped += review_skipped(review, point);
    add_figure(figures, FIGURE_ABS, point, NUMBER_MAX_ABS_ERR);
    add_figure(figures, FIGURE_ULP, point, NUMBER_MAX_ULP_ERR);
    add_figure(figures, FIGURE_P99, point, NUMBER_P99_ULP_ERR);
    add_figure(figures, FIGURE_P50, point, NUMBER_P50_ULP_ERR);
    add_figure(figures, FIGURE_LSE, point, NUMBER_MAX_LSE_ERR);
    if (review_bound_used(point, &bound))
        figures_add(figures, FIGURE_BOUND, bound);
    figures->mismatched += review_number_of(point, NUMBER_MISMATCHED, &count) ? count : 0;
    figures->elements += review_number_of(point, NUMBER_ELEMENTS, &count) ? count : 0;
}

static void add_to(struct group *group, const struct review *review, const struct review_point *point)
{
    if (!group)
        return;
    add_point(&group->all, review, point);
    add_point(review_passed(review, point) ? &group->passed : &group->failed, review, point);
}

void group_by_text(struct grouping *grouping, const struct review *review, enum review_text text, bool by_series)
{
    begin(grouping);
    for (size_t p = 0; p < review->num_points; p++) {
        const struct review_point *point = &review->points[p];
        add_to(find(grouping, review_text_of(review, point, text), point->text[text],
                    by_series ? point->text[review->series] : 0),
               review, point);
    }
    finish(grouping);
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static bool add_number(json_t *numbers, double number)
{
    char text[NUMBER_TEXT_MAX] = "nan";
    if (isfinite(number))
        format_double(text, number);
    return json_object_set_new(numbers, text, json_true()) == 0;
}

/* Different numbers of a field among those that know it. */
static size_t count_numbers(const struct review *review, enum review_number number)
{
    json_t *numbers = json_object();
    double value;
    for (size_t p = 0; p < review->num_points && numbers; p++)
        if (review_number_of(&review->points[p], number, &value) && !add_number(numbers, value))
            break;
    size_t count = json_object_size(numbers);
    json_decref(numbers);
    return count;
}

size_t count_texts(const struct review *review, enum review_text text)
{
    bool *seen = calloc(review->num_words + 1, sizeof *seen);
    size_t count = 0;
    for (size_t p = 0; p < review->num_points && seen; p++) {
        count += !seen[review->points[p].text[text]];
        seen[review->points[p].text[text]] = true;
    }
    free(seen);
    return count;
}

struct number_groups number_groups_of(const struct review *review, enum review_number number, size_t most)
{
    return (struct number_groups){count_numbers(review, number) > most};
}

double number_group(char *text, const struct number_groups *groups, double number)
{
    double from = groups->binned && number >= 1 && isfinite(number) ? exp2(floor(log2(number))) : number;
    if (!isfinite(number))
        snprintf(text, 64, "%s", "-");
    else if (from != number || (groups->binned && number >= 2))
        snprintf(text, 64, "%.0f to %.0f", from, 2 * from - 1);
    else
        format_double(text, number);
    return from;
}

void group_by_number(struct grouping *grouping, const struct review *review, enum review_number number, bool by_series)
{
    struct number_groups groups = number_groups_of(review, number, GROUPS_MAX);
    begin(grouping);
    for (size_t p = 0; p < review->num_points; p++) {
        const struct review_point *point = &review->points[p];
        double value;
        char label[64];
        if (!review_number_of(point, number, &value))
            continue;
        double x = number_group(label, &groups, value);
        add_to(find(grouping, label, x, by_series ? point->text[review->series] : 0), review, point);
    }
    finish(grouping);
}

/* ---- heads ------------------------------------------------------------------------------------------------------- */

static void add_head(struct group *group, const struct panel *panel, int head)
{
    if (!group)
        return;
    figures_merge(&group->all, &panel->heads[head]);
    figures_merge(panel->passed ? &group->passed : &group->failed, &panel->heads[head]);
}

void group_by_head(struct grouping *grouping, const struct review *review, bool by_series)
{
    begin(grouping);
    for (size_t p = 0; p < review->num_panels; p++)
        for (int h = 0; h < review->panels[p].num_heads; h++) {
            char label[16];
            snprintf(label, sizeof label, "%d", h);
            struct group *group = find(grouping, label, h, by_series ? review->panels[p].series : 0);
            add_head(group, &review->panels[p], h);
        }
    finish(grouping);
}

void group_by_slope(struct grouping *grouping, const struct review *review, bool by_series)
{
    begin(grouping);
    for (size_t p = 0; p < review->num_panels; p++)
        for (int h = 0; h < review->panels[p].num_heads && review->panels[p].slopes; h++) {
            char label[NUMBER_TEXT_MAX];
            float slope = review->panels[p].slopes[h];
            struct group *group = find(grouping, isfinite(slope) ? format_float(label, slope) : "-", (double)slope,
                                       by_series ? review->panels[p].series : 0);
            add_head(group, &review->panels[p], h);
        }
    finish(grouping);
}

void grouping_clear(struct grouping *grouping)
{
    for (size_t g = 0; g < grouping->count; g++)
        free(grouping->groups[g].label);
    free(grouping->groups);
    json_decref(grouping->places);
    *grouping = (struct grouping){0};
}
