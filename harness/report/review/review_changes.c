#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/review/review_change_groups.h"
#include "harness/report/review/review_document.h"

/* "A and B", or how many there are. */
static void name_files(char *text, size_t size, const struct review *review)
{
    if (review->num_files == 1)
        snprintf(text, size, "%s", review->files[0].path);
    else
        snprintf(text, size, "%s and %zu more", review->files[0].path, review->num_files - 1);
}

/* What all points have in a field, or that they differ in it; NULL: no point knows it. */
static const char *common_text(const struct review *review, enum review_text text)
{
    const struct review_point *first = NULL;
    for (size_t p = 0; p < review->num_points; p++) {
        const struct review_point *point = &review->points[p];
        if (!point->text[text])
            continue;
        if (first && first->text[text] != point->text[text])
            return "several";
        first = first ? first : point;
    }
    return first ? review_text_of(review, first, text) : NULL;
}

/* "before.jsonl, build 0.1, kernel file 84b18c02312eff2d, without 3 points of its run". */
static void describe_side(char *text, size_t size, const struct review *review)
{
    char files[256], missing[64] = "";
    const char *build = common_text(review, TEXT_BUILD), *digest = common_text(review, TEXT_KERNEL_DIGEST);
    const size_t count = record_runs_missing(&review->runs);
    name_files(files, sizeof files, review);
    if (count)
        snprintf(missing, sizeof missing, ", without %zu %s of its run", count, count == 1 ? "point" : "points");
    snprintf(text, size, "%s, build %s%s%s%s", files, build ? build : "-", digest ? ", kernel file " : "",
             digest ? digest : "", missing);
}

static void write_kinds(struct document *document, const struct review_changes *changes)
{
    struct grid *grid = document_grid(document, "What became of each point");
    grid_column(grid, "change", NULL, false);
    grid_column(grid, "points", NULL, true);
    grid_column(grid, "what it means", NULL, false);
    for (int c = 0; c < CHANGE_COUNT; c++) {
        if (changes->by_change[c] == 0)
            continue;
        char about[160];
        snprintf(about, sizeof about, "Points that %s.", change_table[c].about);
        grid_toned(grid, change_tone((enum change)c), change_table[c].name);
        grid_count(grid, (double)changes->by_change[c]);
        grid_text(grid, about);
    }
}

/* ---- plots ------------------------------------------------------------------------------------------------------- */

static bool both(const struct review_change *change, enum review_number number, double *before, double *after)
{
    return change->before && change->after && change->change != CHANGE_UNLIKE &&
           review_number_of(change->before, number, before) && review_number_of(change->after, number, after);
}

enum { MARKS_MAX = 2000 };

static const struct {
    const char *name;
    enum tone tone;
    int colour;
} plotted[] = {{"better or fixed", TONE_GOOD, 2},
               {"other bits, equal figures", TONE_EXPECTED, 0},
               {"worse or newly failing", TONE_BAD, 1}};

/* The range of what a point that changed had and has; false if there is none. */
static bool find_range(const struct review_changes *changes, enum review_number number, double *least, double *most)
{
    double before, after;
    bool any = false;
    *least = INFINITY;
    *most = 0;
    for (size_t i = 0; i < changes->count; i++) {
        if (change_is_none(changes->changes[i].change) || !both(&changes->changes[i], number, &before, &after))
            continue;
        any = true;
        if (before > 0 && after > 0 && isfinite(before) && isfinite(after)) {
            *least = fmin(*least, fmin(before, after));
            *most = fmax(*most, fmax(before, after));
        }
    }
    return any;
}

static void add_marks(struct plot_series *series, const struct review_changes *changes, enum review_number number,
                      enum tone tone)
{
    double before, after;
    size_t put = 0;
    for (size_t i = 0; i < changes->count && put < MARKS_MAX; i++) {
        const struct review_change *change = &changes->changes[i];
        char text[256];
        if (change_tone(change->change) != tone || !both(change, number, &before, &after))
            continue;
        snprintf(text, sizeof text, "%.160s: %.4g before, %.4g after", change->after->key, before, after);
        plot_mark(series, before, after, text);
        put++;
    }
}

/* Points that changed, one mark each; those that did not lie on the diagonal anyway. */
static void write_plot(struct document *document, const struct review_changes *changes, enum review_number number,
                       const char *title)
{
    double least, most;
    if (!find_range(changes, number, &least, &most))
        return;
    bool far = most > 20 * least;
    struct plot *plot = document_plot(
        document,
        &(struct plot_axes){
            .title = title, .x = "before", .y = "after", .x_log = far, .y_log = far, .diagonal = true, .limit = NAN});
    for (size_t s = 0; s < sizeof plotted / sizeof plotted[0]; s++) {
        struct plot_series *series = plot_series(plot, plotted[s].name);
        if (series) {
            series->colour = plotted[s].colour;
            series->failed = plotted[s].tone == TONE_BAD;
        }
        add_marks(series, changes, number, plotted[s].tone);
    }
}

/* ---- the points -------------------------------------------------------------------------------------------------- */

static const enum review_number shown[] = {NUMBER_MISMATCHED, NUMBER_MAX_ABS_ERR, NUMBER_MAX_ULP_ERR,
                                           NUMBER_BUDGET_USED, NUMBER_LSE_BUDGET_USED};
enum { SHOWN = sizeof shown / sizeof shown[0], FACTS_SHOWN = 4 };

/* Whether some point has the number, before or after. */
static bool is_known(const struct review_changes *changes, enum review_number number)
{
    double value;
    for (size_t c = 0; c < changes->count; c++) {
        const struct review_change *change = &changes->changes[c];
        if ((change->before && review_number_of(change->before, number, &value)) ||
            (change->after && review_number_of(change->after, number, &value)))
            return true;
    }
    return false;
}

static void write_number(struct grid *grid, const struct review_point *point, enum review_number number)
{
    double value;
    if (!point || !review_number_of(point, number, &value))
        grid_unknown(grid);
    else if (review_numbers[number].count)
        grid_count(grid, value);
    else
        grid_number(grid, value);
}

static void write_status(struct grid *grid, const struct review *review, const struct review_point *point)
{
    const char *status = point ? review_text_of(review, point, TEXT_STATUS) : "-";
    grid_toned(grid, point ? review_tone(status) : TONE_PLAIN, status);
}

/* "head 1, dim 30: 0.25, truth 0.5", of several queries "query 2, head 1, ...". */
static void write_worst(struct grid *grid, const struct review_point *point)
{
    double query, queries, head, dim, out, truth;
    char text[128] = "-", of_query[32] = "";
    if (point && review_number_of(point, NUMBER_NUM_QUERIES, &queries) && queries > 1 &&
        review_number_of(point, NUMBER_WORST_QUERY, &query))
        snprintf(of_query, sizeof of_query, "query %.0f, ", query);
    if (point && review_number_of(point, NUMBER_WORST_HEAD, &head) && review_number_of(point, NUMBER_WORST_DIM, &dim) &&
        review_number_of(point, NUMBER_WORST_OUT, &out) && review_number_of(point, NUMBER_WORST_TRUTH, &truth))
        snprintf(text, sizeof text, "%shead %.0f, dim %.0f: %.9g, truth %.9g", of_query, head, dim, out, truth);
    grid_text(grid, text);
}

static void write_row(struct grid *grid, const struct review_changes *changes, const struct review_change *change,
                      const bool *known)
{
    const struct review_point *before = change->before, *after = change->after;
    char *facts =
        before && after ? review_change_facts(change, FACTS_SHOWN) : NULL; /* of one side the columns say it */
    grid_toned(grid, change_tone(change->change), change_table[change->change].name);
    grid_code(grid, after ? after->key : before->key);
    grid_text(grid, facts && *facts ? facts : "-");
    free(facts);
    write_status(grid, changes->before, before);
    write_status(grid, changes->after, after);
    grid_text(grid, before ? review_text_of(changes->before, before, TEXT_SIGNATURE) : "-");
    grid_text(grid, after ? review_text_of(changes->after, after, TEXT_SIGNATURE) : "-");
    for (int n = 0; n < SHOWN; n++) {
        if (!known[n])
            continue;
        write_number(grid, before, shown[n]);
        write_number(grid, after, shown[n]);
    }
    write_worst(grid, before);
    write_worst(grid, after);
}

/* By change, the worst first; within one by growth, and then as they are. */
static int compare_changes(const void *a, const void *b)
{
    const struct review_change *one = *(const struct review_change *const *)a,
                               *other = *(const struct review_change *const *)b;
    if (one->change != other->change)
        return one->change < other->change ? -1 : 1;
    if (one->growth != other->growth)
        return one->growth > other->growth ? -1 : 1;
    return (one > other) - (one < other);
}

/* A new array of changes->count pointers, or NULL. */
static const struct review_change **sort_changes(const struct review_changes *changes)
{
    const struct review_change **order = calloc(changes->count + 1, sizeof *order);
    for (size_t i = 0; order && i < changes->count; i++)
        order[i] = &changes->changes[i];
    if (order && changes->count > 1)
        qsort(order, changes->count, sizeof *order, compare_changes);
    return order;
}

static void write_points(struct document *document, const struct review_changes *changes)
{
    size_t put = 0;
    char title[64];
    bool known[SHOWN];
    struct grid *grid = document_grid(document, "Points that changed, the most important change first");
    grid_column(grid, "change", NULL, false);
    grid_column(grid, "point", NULL, false);
    grid_column(grid, "what changed", "What the change is about first, as `alibicheck compare` says it.", false);
    grid_column(grid, "verdict before", NULL, false);
    grid_column(grid, "after", NULL, false);
    grid_column(grid, "signature before", NULL, false);
    grid_column(grid, "after", NULL, false);
    for (int n = 0; n < SHOWN; n++) {
        known[n] = is_known(changes, shown[n]);
        if (!known[n])
            continue;
        snprintf(title, sizeof title, "%s before", review_numbers[shown[n]].title);
        grid_column(grid, title, review_numbers[shown[n]].about, true);
        grid_column(grid, "after", review_numbers[shown[n]].about, true);
    }
    grid_column(grid, "worst element before",
                "The element whose error is the largest: the output there, and the truth.", false);
    grid_column(grid, "after", "The element whose error is the largest: the output there, and the truth.", false);
    const struct review_change **order = sort_changes(changes);
    document->spoilt |= !order;
    for (size_t i = 0; order && i < changes->count && put < CHANGES_SHOWN; i++)
        if (!change_is_none(order[i]->change)) {
            write_row(grid, changes, order[i], known);
            put++;
        }
    free(order);
    if (grid) {
        grid->rows_in_all = changes->count - changes->unchanged;
        grid->searched = true;
    }
}

void review_write_changes(struct document *document, const struct review *review, const struct review_changes *changes)
{
    char before[1024], after[1024], text[64];
    describe_side(before, sizeof before, changes->before);
    describe_side(after, sizeof after, review);
    document_section(document, "changes", "Before and after");
    document_paragraph(document,
                       "Before: %s. After: %s. Every figure is compared as it is, without an allowance: inputs are the "
                       "same, so accuracy has no noise.",
                       before, after);
    write_kinds(document, changes);
    if (changes->unchanged == changes->count) {
        document_paragraph(document, "Of %s none has changed.", count_text(text, (double)changes->count, "point"));
        return;
    }
    review_write_change_groups(document, changes);
    write_plot(document, changes, NUMBER_BUDGET_USED, "Share of the error bound of points that changed");
    write_plot(document, changes, NUMBER_MAX_ULP_ERR, "Largest error in ulp of points that changed");
    write_points(document, changes);
}
