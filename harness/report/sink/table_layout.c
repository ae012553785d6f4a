#include "harness/report/sink/table_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/text_stream.h"

/*
 * Columns stand two spaces apart and from the edge. What a line has no room for goes in this order: where the largest
 * error is, how large it is, the ends of long texts, how many ulp it is, its class; and if that is not enough, the keys
 * are no columns but a text, with a line of its own where it is longer than what is left.
 */
enum { GAP = 2, SHORT_TEXT = 20, POINT_GOOD = 24, POINT_MIN = 6, NUM_LEAST = 4, LESS_THAN_TEXTS = 2 };

_Static_assert((int)KEY_COUNT <= 64, "a bit for each key");

/* ---- keys of points ---------------------------------------------------------------------------------------------- */

static bool is_default(const struct key *key, const char *value, const struct point *point)
{
    char preset[FIELD_TEXT_SIZE];
    return (key->preset || key->derived) && strcmp(value, key_default(preset, key, point)) == 0;
}

/* What was run, whether or not it is the default. */
static bool always_said(enum key_id id)
{
    return id == KEY_KERNEL || id == KEY_DTYPE || id == KEY_SENTINEL || !(keys[id].preset || keys[id].derived);
}

/* A default may be another for each point (q_position is seq_len - 1), and is no value that varies. */
static void tell_apart(struct table_keys *sets, enum key_id id, const struct point *points, size_t num_points)
{
    const struct key *key = &keys[id];
    char first[FIELD_TEXT_SIZE], value[FIELD_TEXT_SIZE];
    bool by_default = is_default(key, key_format(first, key, points), points), same = true;
    for (size_t i = 1; i < num_points && same; i++) {
        key_format(value, key, &points[i]);
        bool equal = strcmp(value, first) == 0;
        same = equal || (by_default && !always_said(id) && is_default(key, value, &points[i]));
    }
    if (!same)
        sets->varying |= UINT64_C(1) << id;
    else if (always_said(id) || !by_default)
        sets->constant |= UINT64_C(1) << id;
}

/* Whether somebody has said with what an output was made that was given: then a key of that means something. */
static bool is_said(const struct key *key, const struct point *point)
{
    return point->given->has_recipe &&
           (key == &keys[KEY_KERNEL] || key == &keys[KEY_RECIPE] || key == &keys[KEY_CHUNK_LEN]);
}

/* Of an output that was given, or a kernel that is not ours, some keys say nothing. */
static bool says_something(const struct key *key, const struct point *points)
{
    return !(points->given && key->of_kernel && !is_said(key, points)) &&
           (key->is_kernel || !key_is_of_others(key, points));
}

static struct table_keys keys_of_points(const struct point *points, size_t num_points)
{
    struct table_keys sets = {0};
    for (int id = 0; id < KEY_COUNT && num_points; id++)
        if (keys[id].axis && says_something(&keys[id], points))
            tell_apart(&sets, (enum key_id)id, points, num_points);
    return sets;
}

char *table_keys_format(uint64_t set, const struct point *point)
{
    char *text = NULL;
    size_t size;
    const char *before = "";
    FILE *stream = text_stream_open(&text, &size);
    for (int id = 0; stream && id < KEY_COUNT; id++) {
        char value[FIELD_TEXT_SIZE];
        if (!(set >> id & 1))
            continue;
        fprintf(stream, "%s%s=%s", before, keys[id].field.name, key_format(value, &keys[id], point));
        before = ", ";
    }
    if (stream && fclose(stream) == 0)
        return text;
    free(text);
    return NULL;
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static void add_column(struct table_layout *layout, int id, const struct point *points, size_t num_points)
{
    const struct table_column column = table_column_at(id);
    int width = (int)strlen(column.title);
    if (layout->num_columns == TABLE_MAX_CHOSEN)
        return;
    for (size_t i = 0; i < num_points; i++) {
        int needed = table_column_width(&column, &points[i]);
        width = needed > width ? needed : width;
    }
    layout->columns[layout->num_columns] = column;
    layout->widths[layout->num_columns++] = width;
}

static void drop_column(struct table_layout *layout, int id)
{
    size_t kept = 0;
    for (size_t i = 0; i < layout->num_columns; i++) {
        if (layout->columns[i].id == id)
            continue;
        layout->columns[kept] = layout->columns[i];
        layout->widths[kept++] = layout->widths[i];
    }
    layout->num_columns = kept;
}

static bool has_column(const struct table_layout *layout, int id)
{
    for (size_t i = 0; i < layout->num_columns; i++)
        if (layout->columns[i].id == id)
            return true;
    return false;
}

/* Characters that the columns take. */
static int columns_width(const struct table_layout *layout)
{
    int width = 0;
    for (size_t i = 0; i < layout->num_columns; i++)
        width += GAP + layout->widths[i];
    return width;
}

/* Takes from the widest text what is too much, as long as one is longer than SHORT_TEXT. */
static void shorten_texts(struct table_layout *layout)
{
    for (int excess = columns_width(layout) - layout->width; excess > 0;) {
        int widest = -1;
        for (size_t i = 0; i < layout->num_columns; i++) {
            const struct table_column *column = &layout->columns[i];
            if (column->text && column->key != KEY_COUNT && layout->widths[i] > SHORT_TEXT &&
                layout->widths[i] > (int)strlen(column->title) &&
                (widest < 0 || layout->widths[i] > layout->widths[widest]))
                widest = (int)i;
        }
        if (widest < 0)
            return;
        layout->widths[widest]--;
        excess--;
    }
}

enum { COLUMN_NONE = -1 };

/* Whether classes are found of some of the points, whatever they come to. */
static bool has_classes(const struct point *points, size_t num_points)
{
    for (size_t i = 0; i < num_points; i++)
        if (points[i].given || points[i].foreign || points[i].find_class != CLASS_OF_OTHERS)
            return true;
    return false;
}

/* The keys that vary, what judges first, then what else is known. */
static void choose_columns(struct table_layout *layout, const struct point *points, size_t num_points)
{
    bool by_tolerance = true;
    for (size_t i = 0; i < num_points && by_tolerance; i++)
        by_tolerance = points[i].criterion.mode == JUDGE_TOLERANCE;
    const int mismatched = table_column_of_metric(METRIC_MISMATCHED);
    const bool foreign = num_points > 0 && points->foreign;
    const bool given = num_points > 0 && (points->given || foreign); /* of which there may be no bound */
    const bool bounded = !given || (foreign ? !by_tolerance : points->given->has_recipe);
    const int figures[] = {
        by_tolerance || !bounded ? mismatched : COLUMN_BOUND,
        !bounded       ? COLUMN_NONE
        : by_tolerance ? COLUMN_BOUND
                       : mismatched,
        has_classes(points, num_points) ? COLUMN_CLASS : COLUMN_NONE,
        table_column_of_metric(METRIC_MAX_ABS_ERR),
        COLUMN_WORST,
        table_column_of_metric(METRIC_MAX_ULP_ERR),
        COLUMN_VERDICT,
    };
    for (int id = 0; id < KEY_COUNT; id++)
        if (layout->keys.varying >> id & 1)
            add_column(layout, table_column_of_key((enum key_id)id), points, num_points);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (figures[i] != COLUMN_NONE)
            add_column(layout, figures[i], points, num_points);
}

static void drop_figures(struct table_layout *layout, int room, size_t at_most)
{
    const int least[NUM_LEAST] = {COLUMN_WORST, table_column_of_metric(METRIC_MAX_ABS_ERR),
                                  table_column_of_metric(METRIC_MAX_ULP_ERR), COLUMN_CLASS};
    for (size_t i = 0; i < at_most && columns_width(layout) > room; i++)
        drop_column(layout, least[i]);
}

static void fit_columns(struct table_layout *layout, const struct point *points, size_t num_points)
{
    choose_columns(layout, points, num_points);
    drop_figures(layout, layout->width, LESS_THAN_TEXTS);
    shorten_texts(layout);
    /* Several cases may yet have columns of their own, and all figures. */
    if (num_points == 0 || points[0].test_case == points[num_points - 1].test_case)
        drop_figures(layout, layout->width, NUM_LEAST);
    if (columns_width(layout) <= layout->width)
        return;
    layout->num_columns = 0;
    choose_columns(layout, points, num_points);
    for (int id = 0; id < KEY_COUNT; id++)
        drop_column(layout, table_column_of_key((enum key_id)id));
    drop_figures(layout, layout->width - GAP - POINT_GOOD, LESS_THAN_TEXTS);
    drop_figures(layout, layout->width - GAP - POINT_MIN, NUM_LEAST);
    layout->point_width = layout->width - GAP - columns_width(layout);
    if (layout->point_width < POINT_MIN)
        layout->point_width = POINT_MIN;
}

void table_layout_make(struct table_layout *layout, const struct table_options *options, int width,
                       const struct point *points, size_t num_points)
{
    *layout = (struct table_layout){.width = width, .keys = keys_of_points(points, num_points)};
    if (options->num_columns == 0) {
        fit_columns(layout, points, num_points);
        layout->has_lost_place = !has_column(layout, COLUMN_WORST);
        return;
    }
    for (size_t i = 0; i < options->num_columns; i++)
        add_column(layout, options->columns[i], points, num_points);
    shorten_texts(layout);
}
