#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/review/review_document.h"
#include "harness/report/review/review_group.h"

enum { SERIES_MAX = 8 };

/* What points, or heads, are grouped by. */
struct axis {
    const char *title; /* of a column, and of the axis of a plot */
    const char *heading;
    const char *name; /* of the anchor */
    const char *noun; /* what follows a label: "33001 keys" */
    void (*group)(struct grouping *grouping, const struct review *review, bool by_series);
    enum review_text text; /* of an axis of words */
    bool words, plotted, heads, x_log;
};

static void by_length(struct grouping *grouping, const struct review *review, bool by_series)
{
    group_by_number(grouping, review, NUMBER_SEQ_LEN, by_series);
}

static void by_head_dim(struct grouping *grouping, const struct review *review, bool by_series)
{
    group_by_number(grouping, review, NUMBER_HEAD_DIM, by_series);
}

static void by_heads(struct grouping *grouping, const struct review *review, bool by_series)
{
    group_by_number(grouping, review, NUMBER_NUM_HEADS, by_series);
}

#define WORDS(of_text, its_heading, its_name)                                    \
    {                                                                            \
        .heading = its_heading, .name = its_name, .text = of_text, .words = true \
    }

static const struct axis axes[] = {
    {"keys", "By sequence length", "by-length", "keys", by_length, .plotted = true, .x_log = true},
    {"head", "By head", "by-head", "", group_by_head, .plotted = true, .heads = true},
    {"slope", "By slope", "by-slope", "", group_by_slope, .plotted = true, .heads = true, .x_log = true},
    WORDS(TEXT_DTYPE, "By dtype", "by-dtype"),
    WORDS(TEXT_KV_DTYPE, "By dtype of k and v", "by-kv-dtype"),
    WORDS(TEXT_SENTINEL, "By sentinel policy", "by-sentinel"),
    WORDS(TEXT_KERNEL, "By kernel", "by-kernel"),
    WORDS(TEXT_RECIPE, "By recipe", "by-recipe"),
    WORDS(TEXT_DEVICE, "By device", "by-device"),
    WORDS(TEXT_INPUT, "By inputs", "by-inputs"),
    WORDS(TEXT_MASK, "By mask", "by-mask"),
    WORDS(TEXT_CASE, "By case", "by-case"),
    {"head dim", "By head dim", "by-head-dim", "elements", by_head_dim, .heads = false},
    {"heads", "By number of heads", "by-heads", "heads", by_heads, .heads = false},
};

/* The figures that some group has: bit f. What none has, as shares of a bound where a kernel has none, is left out. */
static unsigned known_in(const struct grouping *grouping)
{
    unsigned known = 0;
    for (size_t g = 0; g < grouping->count; g++)
        known |= grouping->groups[g].all.known;
    return known;
}

static bool is_shown(unsigned known, int figure, bool of_heads)
{
    return known >> figure & 1 && !(of_heads && figure == FIGURE_P50);
}

/* What a table of figures has. */
struct figure_grid {
    unsigned known;
    bool of_heads, some_skipped;
};

static struct figure_grid shown_of(const struct grouping *grouping, bool of_heads)
{
    struct figure_grid shown = {.known = known_in(grouping), .of_heads = of_heads};
    for (size_t g = 0; g < grouping->count && !of_heads; g++)
        shown.some_skipped |= grouping->groups[g].all.skipped > 0;
    return shown;
}

static void figure_columns(struct grid *grid, const struct figure_grid *shown)
{
    grid_column(grid, shown->of_heads ? "heads" : "points", NULL, true);
    if (shown->some_skipped)
        grid_column(grid, "skipped", "Points that were not run: the kernel does not take them.", true);
    if (!shown->of_heads)
        grid_column(grid, "did not pass", "Of the points that were run.", true);
    grid_column(grid, "mismatched", "Elements outside the tolerance.", true);
    for (int f = 0; f < FIGURE_COUNT; f++)
        if (is_shown(shown->known, f, shown->of_heads))
            grid_column(grid, figure_table[f].title, figure_table[f].about, true);
}

static void figure_cells(struct grid *grid, const struct figures *figures, const struct figure_grid *shown)
{
    grid_count(grid, (double)figures->count);
    if (shown->some_skipped)
        grid_count(grid, (double)figures->skipped);
    if (!shown->of_heads)
        grid_count(grid, (double)(figures->not_passed - figures->skipped));
    grid_count(grid, figures->mismatched);
    for (int f = 0; f < FIGURE_COUNT; f++) {
        bool known = figures->known >> f & 1;
        enum tone tone = known && f == FIGURE_BOUND && !(figures->largest[f] <= 1) ? TONE_BAD : TONE_PLAIN;
        if (!is_shown(shown->known, f, shown->of_heads))
            continue;
        if (known)
            grid_heat(grid, figures->largest[f], HEAT_NONE, tone);
        else
            grid_unknown(grid);
    }
}

static void group(const struct axis *axis, struct grouping *grouping, const struct review *review, bool by_series)
{
    if (axis->words)
        group_by_text(grouping, review, axis->text, by_series);
    else
        axis->group(grouping, review, by_series);
}

static const char *title_of(const struct axis *axis)
{
    return axis->words ? review_texts[axis->text].title : axis->title;
}

static void write_grid(struct document *document, const struct axis *axis, const struct grouping *grouping)
{
    char caption[128];
    const struct figure_grid shown = shown_of(grouping, axis->heads);
    snprintf(caption, sizeof caption, "%s: the largest error of each row", axis->heading);
    struct grid *grid = document_grid(document, caption);
    grid_column(grid, title_of(axis), NULL, !axis->words);
    figure_columns(grid, &shown);
    for (size_t g = 0; g < grouping->count; g++) {
        grid_text(grid, grouping->groups[g].label);
        figure_cells(grid, &grouping->groups[g].all, &shown);
    }
}

/* ---- plots ------------------------------------------------------------------------------------------------------- */

static void add_mark(struct plot_series *series, const struct axis *axis, const struct group *group,
                     const struct figures *figures, enum figure figure)
{
    char text[192];
    if (!(figures->known >> figure & 1))
        return;
    snprintf(text, sizeof text, "%s %s%s%s: %.3g (%zu %s)", axis->heads ? title_of(axis) : "", group->label,
             *axis->noun ? " " : "", axis->noun, figures->largest[figure], figures->count,
             axis->heads           ? "in all"
             : figures->count == 1 ? "point"
                                   : "points");
    plot_mark(series, group->x, figures->largest[figure], text + (*text == ' '));
}

/* The series of a word: those that pass joined, of those that do not a cross each. */
static void add_series(struct plot *plot, const struct axis *axis, const struct grouping *grouping, enum figure figure,
                       uint32_t word, const char *name, int colour)
{
    struct plot_series *series = plot_series(plot, name);
    if (series) {
        series->joined = true;
        series->colour = colour;
    }
    bool failing = false;
    for (size_t g = 0; g < grouping->count; g++) {
        const struct group *group = &grouping->groups[g];
        if (group->series != word)
            continue;
        add_mark(series, axis, group, &group->passed, figure);
        failing |= group->failed.known >> figure & 1;
    }
    if (!failing)
        return;
    char failed_name[160];
    snprintf(failed_name, sizeof failed_name, "%s, not passed", name);
    series = plot_series(plot, failed_name);
    if (series) {
        series->failed = true;
        series->colour = colour;
    }
    for (size_t g = 0; g < grouping->count; g++)
        if (grouping->groups[g].series == word)
            add_mark(series, axis, &grouping->groups[g], &grouping->groups[g].failed, figure);
}

static void widen(double *least, double *most, const struct figures *figures, enum figure figure)
{
    double value = figures->largest[figure];
    if (!(figures->known >> figure & 1) || !isfinite(value) || value <= 0)
        return;
    *least = fmin(*least, value);
    *most = fmax(*most, value);
}

/* Whether the values ask for a logarithmic axis: positive ones that lie far apart. */
static bool far_apart(const struct grouping *grouping, enum figure figure)
{
    double least = INFINITY, most = 0;
    for (size_t g = 0; g < grouping->count; g++) {
        const struct group *group = &grouping->groups[g];
        widen(&least, &most, &group->passed, figure);
        widen(&least, &most, &group->failed, figure);
    }
    return most > 20 * least;
}

static void write_plot(struct document *document, const struct review *review, const struct axis *axis,
                       const struct grouping *grouping, enum figure figure, bool by_series)
{
    char title[128];
    bool *told = calloc(review->num_words + 1, sizeof *told); /* words that the grouping has */
    snprintf(title, sizeof title, "%s: %s", axis->heading, figure_table[figure].axis);
    struct plot *plot = document_plot(document, &(struct plot_axes){.title = title,
                                                                    .x = title_of(axis),
                                                                    .y = figure_table[figure].axis,
                                                                    .x_log = axis->x_log,
                                                                    .y_log = far_apart(grouping, figure),
                                                                    .limit = figure == FIGURE_BOUND ? 1 : NAN});
    document->spoilt |= !told;
    for (size_t g = 0; g < grouping->count && told; g++)
        told[grouping->groups[g].series] = true;
    int colour = 0; /* a word has the same one in every plot */
    for (uint32_t word = 0; told && word <= review->num_words; word++)
        if (told[word])
            add_series(plot, axis, grouping, figure, word,
                       !by_series ? (axis->heads ? "all heads" : "all points")
                       : word     ? review->words[word - 1]
                                  : "-",
                       colour++);
    free(told);
}

static void write_axis(struct document *document, const struct review *review, const struct axis *axis)
{
    static const enum figure plotted[] = {FIGURE_ABS, FIGURE_ULP, FIGURE_BOUND};
    struct grouping grouping, by_series;
    size_t series = count_texts(review, review->series);
    bool apart = series > 1 && series <= SERIES_MAX;
    group(axis, &grouping, review, false);
    group(axis, &by_series, review, apart);
    document->spoilt |= grouping.failed || by_series.failed;
    if (grouping.count > 1) {
        document_subsection(document, axis->name, axis->heading);
        for (size_t i = 0; i < sizeof plotted / sizeof plotted[0] && axis->plotted; i++)
            if (known_in(&by_series) >> plotted[i] & 1)
                write_plot(document, review, axis, &by_series, plotted[i], apart);
        write_grid(document, axis, &grouping);
    }
    grouping_clear(&grouping);
    grouping_clear(&by_series);
}

void review_write_figures(struct document *document, const struct review *review)
{
    struct figures all = {0};
    struct grouping statuses;
    document_section(document, "figures", "How far off");
    group_by_text(&statuses, review, TEXT_STATUS, false);
    struct grid *grid = document_grid(document, "All points: the largest error of each row");
    const struct figure_grid shown = shown_of(&statuses, false);
    grid_column(grid, "verdict", NULL, false);
    figure_columns(grid, &shown);
    for (size_t g = 0; g < statuses.count; g++) {
        grid_toned(grid, review_tone(statuses.groups[g].label), statuses.groups[g].label);
        figure_cells(grid, &statuses.groups[g].all, &shown);
        figures_merge(&all, &statuses.groups[g].all);
    }
    if (statuses.count > 1) {
        grid_text(grid, "all");
        figure_cells(grid, &all, &shown);
    }
    document->spoilt |= statuses.failed;
    grouping_clear(&statuses);
    for (size_t a = 0; a < sizeof axes / sizeof axes[0]; a++)
        write_axis(document, review, &axes[a]);
}
