#include "harness/report/compare/compare_format.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/compare/compare_advice.h"
#include "harness/report/compare/compare_text.h"
#include "harness/support/text.h"

/* Changes of a point, and points of a change that is fine, which are named where not everything is asked for. */
enum { CHANGES_NAMED = 3, POINTS_NAMED = 20, INDENT = 6 };

/* ---- changes ----------------------------------------------------------------------------------------------------- */

static const char *colour_of(const struct compare_view *view, enum change_outcome outcome)
{
    static const char *const colours[] = {
        [CHANGE_IS_FINE] = "\x1b[32m", [CHANGE_IS_WORSE] = "\x1b[1;31m", [CHANGE_IS_NO_COMPARISON] = "\x1b[1;35m"};
    return view->colour ? colours[outcome] : "";
}

static const char *colour_end(const struct compare_view *view)
{
    return view->colour ? "\x1b[0m" : "";
}

/* Text behind an indentation, broken behind a separator where a line would be wider. */
static void print_wrapped(FILE *stream, const char *text, const char *separator, int indent, int width)
{
    size_t kept = strcspn(separator, " "); /* of the separator, at the end of a line */
    int column = 0;
    while (*text) {
        const char *end = strstr(text, separator);
        int length = end ? (int)(end - text + kept) : (int)strlen(text), gap = (int)strlen(separator) - (int)kept;
        if (column > 0 && column + gap + length > width) {
            fprintf(stream, "\n");
            column = 0;
        }
        column += fprintf(stream, "%*s%.*s", column ? gap : indent, "", length, text);
        text += end ? length + gap : length;
    }
    fprintf(stream, "\n");
}

/* Key and changes in one line if they fit there, else the changes behind the key. */
static bool print_point(FILE *stream, const struct compare_view *view, const struct compared *point)
{
    char *changes = compared_changes(point, view->verbose ? CHANGES_ALL : CHANGES_NAMED);
    char *notes = compared_notes(point), *key = text_line(compared_key(point), POINT_KEY_SIZE);
    bool complete = changes && notes && key, wanted = changes && *changes;
    if (complete) {
        int width = (int)(strlen(key) + strlen(changes)) + 4;
        if (wanted && width <= view->width) {
            fprintf(stream, "  %s  %s\n", key, changes);
        } else {
            print_wrapped(stream, key, ",", 2, view->breaks_keys ? view->width : INT_MAX);
            if (wanted)
                print_wrapped(stream, changes, ", ", INDENT, view->width);
        }
        if (*notes)
            print_wrapped(stream, notes, ", ", INDENT, view->width);
    }
    free(key);
    free(notes);
    free(changes);
    return complete;
}

static bool print_change(FILE *stream, const struct compare_view *view, enum change change,
                         const struct compared **points)
{
    size_t count = view->collation->by_change[change];
    enum change_outcome outcome = collation_outcome(view->collation, change);
    size_t named = outcome == CHANGE_IS_FINE && !view->verbose && count > POINTS_NAMED ? POINTS_NAMED : count;
    bool complete = true;
    fprintf(stream, "%s%s%s: %zu that %s\n", colour_of(view, outcome), change_table[change].name, colour_end(view),
            count, change_table[change].about);
    for (size_t i = 0; i < named && complete; i++)
        complete = print_point(stream, view, points[i]);
    if (named < count)
        fprintf(stream, "  and %zu more (--verbose names them)\n", count - named);
    fprintf(stream, "\n");
    return complete;
}

static bool print_changes(FILE *stream, const struct compare_view *view)
{
    const struct compared **points = compare_view_order(view, true), **first = points;
    bool complete = points;
    for (enum change change = 0; change < CHANGE_COUNT && complete; change++) {
        size_t count = view->collation->by_change[change];
        if (count && !change_is_none(change))
            complete = print_change(stream, view, change, first);
        first += count;
    }
    free(points);
    return complete;
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

/* A new string, or NULL. */
static char *make_cell(const struct compare_view *view, size_t column, const struct compared *point)
{
    char text[FACT_TEXT_SIZE];
    const struct fact_value value = compare_field_value(&view->columns[column], point, &view->collation->rules);
    if (value.type == FACT_TEXT) /* a key may be longer than fact_format's text */
        return text_line(*value.text ? value.text : "none", POINT_KEY_SIZE);
    return strdup(fact_format(text, &value, 6));
}

static void print_cell(FILE *stream, const char *text, int width, bool to_the_right, bool is_last)
{
    fprintf(stream, "%*s%s", to_the_right ? width : is_last ? 0 : -width, text, is_last ? "\n" : "  ");
}

/* The widest text of a column, its title included; -1 if memory ran out. */
static int column_width(const struct compare_view *view, size_t column)
{
    char name[COMPARE_FIELD_SIZE];
    int width = (int)strlen(compare_field_name(name, &view->columns[column]));
    for (size_t i = 0; i < view->collation->count; i++) {
        char *text = make_cell(view, column, &view->collation->points[i]);
        if (!text)
            return -1;
        width = (int)strlen(text) > width ? (int)strlen(text) : width;
        free(text);
    }
    return width;
}

static bool is_number(const struct compare_field *field)
{
    return field->part >= PART_A && !fact_info(field->fact).is_text;
}

/* point NULL: the titles. */
static bool print_row(FILE *stream, const struct compare_view *view, const int *widths, const struct compared *point)
{
    bool complete = true;
    for (size_t column = 0; column < view->num_columns && complete; column++) {
        const struct compare_field *field = &view->columns[column];
        char name[COMPARE_FIELD_SIZE], *text = point ? make_cell(view, column, point) : NULL;
        complete = text || !point;
        if (complete)
            print_cell(stream, text ? text : compare_field_name(name, field), widths[column], is_number(field),
                       column + 1 == view->num_columns);
        free(text);
    }
    return complete;
}

/* Every point a row, in columns as wide as what stands in them: for people, and for programs that split at spaces. */
static bool print_columns(FILE *stream, const struct compare_view *view)
{
    const struct compared **points = compare_view_order(view, view->num_order == 0);
    int *widths = calloc(view->num_columns, sizeof *widths);
    bool complete = points && widths;
    for (size_t column = 0; complete && column < view->num_columns; column++) {
        widths[column] = column_width(view, column);
        complete = widths[column] >= 0;
    }
    complete = complete && print_row(stream, view, widths, NULL);
    for (size_t i = 0; complete && i < view->collation->count; i++)
        complete = print_row(stream, view, widths, points[i]);
    fprintf(stream, "\n");
    free(widths);
    free(points);
    return complete;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static const char *update_text(const struct baseline_change *change)
{
    if (!change)
        return "";
    return change->added + change->changed + change->removed ? "; the baseline is updated"
                                                             : "; the baseline stays as it was";
}

/* How it ends, on the last line: what is worth doing about it stands before, unless that is being done, or programs
 * read columns. */
static bool print_end(FILE *stream, const struct compare_view *view)
{
    const bool advises = !view->updates && view->num_columns == 0;
    char *sentence = collation_sentence(view->collation);
    char *advice = advises ? collation_advice(view->collation) : strdup(""), *rest = advice;
    const bool complete = sentence && advice;
    for (char *line; complete && (line = strsep(&rest, "\n")) && *line;)
        print_wrapped(stream, line, " ", 0, view->width);
    if (complete)
        fprintf(stream, "%s%s%s\n", *advice ? "\n" : "", sentence, update_text(view->updated));
    free(advice);
    free(sentence);
    return complete;
}

static bool print_table(FILE *stream, const struct compare_view *view)
{
    const struct collation *collation = view->collation;
    char *before = collation_describe(collation->base), *after = collation_describe(collation->new);
    char *subjects = collation_subjects(collation), *hint = collation_hint(collation);
    bool complete = before && after && subjects && hint;
    if (complete) {
        fprintf(stream, "base  %s\nnew   %s%s%s\n\n", before, after, *subjects ? "; " : "", subjects);
        if (*hint)
            print_wrapped(stream, hint, " ", 0, view->width);
        fputs(*hint ? "\n" : "", stream);
        if (*collation_void(collation))
            fprintf(stream, "%s\n\n", collation_void(collation));
        complete = (view->num_columns ? print_columns(stream, view) : print_changes(stream, view)) && complete;
        complete = print_end(stream, view) && complete;
    }
    free(hint);
    free(subjects);
    free(after);
    free(before);
    return complete;
}

/* What got worse first, and a last line that says what matters. */
const struct compare_format compare_table = {
    .print = print_table,
};
