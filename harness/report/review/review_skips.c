/* Points that were not run: each reason once, since hundreds of points may share it. */
#include <stdlib.h>
#include <string.h>

#include "harness/report/review/review_document.h"

struct skip {
    char *reason;
    size_t count;
    const struct review_point *first;
};

/* A row is looked for from the first one on: what is beyond is counted. */
enum { REASONS_SHOWN = 100 };

struct skips {
    struct skip items[REASONS_SHOWN];
    size_t count, others;
};

/* Why the point was not run, a new string; NULL if memory ran out. */
static char *reason_of(const struct review_point *point)
{
    json_t *failure = point->failure ? json_loads(point->failure, 0, NULL) : NULL;
    const char *reason = json_string_value(json_object_get(failure, "error"));
    char *text = strdup(reason ? reason : "-");
    json_decref(failure);
    return text;
}

static bool add_skip(struct skips *skips, const struct review_point *point)
{
    char *reason = reason_of(point);
    size_t i = 0;
    if (!reason)
        return false;
    while (i < skips->count && strcmp(skips->items[i].reason, reason) != 0)
        i++;
    if (i == REASONS_SHOWN) {
        skips->others++;
    } else if (i == skips->count) {
        skips->items[skips->count++] = (struct skip){reason, 1, point};
        return true;
    } else {
        skips->items[i].count++;
    }
    free(reason);
    return true;
}

static void write_skips(struct document *document, const struct skips *skips)
{
    document_section(document, "skipped", "Points that were not run");
    struct grid *grid = document_grid(document, "Points that the kernel does not take, by the reason");
    grid_column(grid, "why", NULL, false);
    grid_column(grid, "points", NULL, true);
    grid_column(grid, "the first of them", NULL, false);
    for (size_t i = 0; i < skips->count; i++) {
        grid_text(grid, skips->items[i].reason);
        grid_count(grid, (double)skips->items[i].count);
        grid_code(grid, skips->items[i].first->key);
    }
    if (skips->others)
        document_note(document, TONE_EXPECTED, "%zu more for other reasons.", skips->others);
}

void review_write_skips(struct document *document, const struct review *review)
{
    struct skips skips = {.count = 0};
    for (size_t p = 0; p < review->num_points; p++)
        if (review_skipped(review, &review->points[p]))
            document->spoilt |= !add_skip(&skips, &review->points[p]);
    if (skips.count)
        write_skips(document, &skips);
    for (size_t i = 0; i < skips.count; i++)
        free(skips.items[i].reason);
}
