#include "harness/report/compare/compare_format.h"

#include <stdlib.h>
#include <string.h>

#include "harness/report/compare/compare_advice.h"
#include "harness/report/compare/compare_text.h"
#include "harness/support/markdown.h"
#include "harness/support/text.h"

/* GitHub takes a step summary of 1 MiB and drops it whole if it is larger. */
enum { MARKDOWN_MAX_BYTES = 1000000, CHANGES_NAMED = 6, FINE_NAMED = 200 };

/* Code, in which a bar would end the cell. */
static void print_code(FILE *stream, const char *text)
{
    fputc('`', stream);
    for (const char *c = text; *c; c++) {
        if (*c == '|')
            fputc('\\', stream);
        fputc(*c, stream);
    }
    fputc('`', stream);
}

/* A cell of a table: code if nothing in it would end the code or escape the escape, and no bar ends the cell. */
static bool print_cell(FILE *stream, const char *text, bool as_code)
{
    char *line = text_line(text, POINT_KEY_SIZE);
    if (line && as_code && !line[strcspn(line, "`\\")])
        print_code(stream, line);
    else if (line)
        markdown_print(stream, line, strlen(line));
    free(line);
    return line;
}

/* A line of prose, in which what stands between two backticks is code, unless a key or a name has two in a row, which
 * would end none of ours. No cell of a table. */
static bool print_prose(FILE *stream, const char *text)
{
    if (strstr(text, "``"))
        return print_cell(stream, text, false);
    char *line = text_line(text, POINT_KEY_SIZE);
    for (const char *rest = line; rest && *rest;) {
        const char *end = *rest == '`' ? strchr(rest + 1, '`') : NULL;
        const size_t length = end ? (size_t)(end - rest) + 1 : 1 + strcspn(rest + 1, "`");
        if (end)
            fwrite(rest, 1, length, stream);
        else
            markdown_print(stream, rest, length);
        rest += length;
    }
    free(line);
    return line;
}

static bool print_row(FILE *stream, const struct compare_view *view, const struct compared *point)
{
    char *changes = compared_changes(point, view->verbose ? CHANGES_ALL : CHANGES_NAMED);
    char *notes = compared_notes(point);
    bool complete = changes && notes;
    if (complete) {
        fprintf(stream, "| ");
        complete = print_cell(stream, compared_key(point), true);
        fprintf(stream, " | ");
        complete = print_cell(stream, changes, false) && complete;
        if (*notes) {
            fprintf(stream, "%s", *changes ? "; " : "");
            complete = print_cell(stream, notes, false) && complete;
        }
        fprintf(stream, " |\n");
    }
    free(notes);
    free(changes);
    return complete;
}

static bool print_change(FILE *stream, const struct compare_view *view, enum change change,
                         const struct compared **points)
{
    size_t count = view->collation->by_change[change], named = 0;
    bool is_fine = collation_outcome(view->collation, change) == CHANGE_IS_FINE, complete = true;
    size_t most = is_fine && !view->verbose && count > FINE_NAMED ? FINE_NAMED : count;
    fprintf(stream,
            "\n<details%s><summary><b>%s</b>: %zu that %s</summary>\n\n| point | what is said of it |\n|---|---|\n",
            is_fine ? "" : " open", change_table[change].name, count, change_table[change].about);
    for (; named < most && complete && ftell(stream) < MARKDOWN_MAX_BYTES; named++)
        complete = print_row(stream, view, points[named]);
    if (named < count)
        fprintf(stream, "\nand %zu more\n", count - named);
    fprintf(stream, "\n</details>\n");
    return complete;
}

static bool print_counts(FILE *stream, const struct collation *collation)
{
    char *left_out = collation_left_out(collation);
    fprintf(stream, "\n| points | change | counts as |\n|---:|---|---|\n");
    for (enum change change = 0; change < CHANGE_COUNT; change++)
        if (collation->by_change[change])
            fprintf(stream, "| %zu | %s | %s |\n", collation->by_change[change], change_table[change].name,
                    change_outcome_texts[collation_outcome(collation, change)]);
    if (left_out && *left_out)
        fprintf(stream, "\n%s\n", left_out);
    free(left_out);
    return left_out;
}

/* What to do about it: a list. */
static bool print_advice(FILE *stream, const struct compare_view *view)
{
    char *advice = view->updates ? strdup("") : collation_advice(view->collation), *rest = advice;
    bool complete = advice;
    if (complete && *advice)
        fputs("\n", stream);
    for (char *line; complete && (line = strsep(&rest, "\n")) && *line;) {
        fputs("- ", stream);
        complete = print_prose(stream, line);
        fputs("\n", stream);
    }
    free(advice);
    return complete;
}

static bool print_heading(FILE *stream, const struct collation *collation)
{
    char *before = collation_describe(collation->base), *after = collation_describe(collation->new);
    char *subjects = collation_subjects(collation), *hint = collation_hint(collation);
    bool complete = before && after && subjects && hint;
    if (complete) {
        fprintf(stream, "### alibicheck compare: %s\n\n", collation_verdict(collation));
        fprintf(stream, "- base: ");
        complete = print_cell(stream, before, false);
        fprintf(stream, "\n- new: ");
        complete = print_cell(stream, after, false) && complete;
        fprintf(stream, "%s%s\n", *subjects ? "; " : "", subjects);
        if (*collation_void(collation))
            fprintf(stream, "\n%s\n", collation_void(collation));
        if (*hint)
            fputs("\n", stream);
        complete = print_prose(stream, hint) && complete;
        if (*hint)
            fputs("\n", stream);
    }
    free(hint);
    free(subjects);
    free(after);
    free(before);
    return complete;
}

static bool print_markdown(FILE *stream, const struct compare_view *view)
{
    const struct collation *collation = view->collation;
    const struct compared **points = compare_view_order(view, true), **first = points;
    bool complete =
        points && print_heading(stream, collation) && print_counts(stream, collation) && print_advice(stream, view);
    for (enum change change = 0; change < CHANGE_COUNT && complete; change++) {
        if (collation->by_change[change] && !change_is_none(change))
            complete = print_change(stream, view, change, first);
        first += collation->by_change[change];
    }
    free(points);
    return complete;
}

/* Markdown for a step summary or a comment: below 1 MiB whatever there is to say. */
const struct compare_format compare_markdown = {
    .option = "markdown",
    .about = "Markdown for a step summary or a comment, below 1 MiB",
    .print = print_markdown,
};
