#include "harness/report/sink/table_row.h"

#include <stdlib.h>
#include <string.h>

#include "harness/report/sink/table_text.h"
#include "harness/support/text.h"
#include "harness/support/text_stream.h"

static const char indent[] = "      ";

/* ---- the row itself ---------------------------------------------------------------------------------------------- */

/* "" or the escape sequence that colours a cell. */
static const char *cell_colour(const struct table_style *style, const struct table_column *column, enum status status,
                               bool judged)
{
    static const char *const colours[STATUS_COUNT] = {
        [STATUS_PASS] = "\x1b[32m",    [STATUS_FAIL] = "\x1b[1;31m",  [STATUS_XFAIL] = "\x1b[33m",
        [STATUS_XPASS] = "\x1b[1;31m", [STATUS_ERROR] = "\x1b[1;35m", [STATUS_SKIP] = "\x1b[2m",
    };
    if (!style->colour)
        return "";
    return column->id == COLUMN_VERDICT ? colours[status] : judged ? "" : "\x1b[2m";
}

/* Text of a cell in its column; what is cut ends in "~". The last column gets no spaces after it, and is never cut. */
static void print_cell(FILE *out, const struct table_layout *layout, size_t i, const char *text, const char *colour)
{
    int width = layout->widths[i], length = (int)strlen(text), pad = length < width ? width - length : 0;
    bool is_text = layout->columns[i].text, last = i + 1 == layout->num_columns;
    bool cut = is_text && !last && length > width;
    fprintf(out, "%*s%s%.*s%s%s", TABLE_INDENT + (is_text ? 0 : pad), "", colour, cut ? width - 1 : length, text,
            cut ? "~" : "", *colour ? "\x1b[0m" : "");
    if (is_text && !last)
        fprintf(out, "%*s", pad, "");
}

void table_print_titles(FILE *out, const struct table_layout *layout)
{
    if (layout->point_width)
        fprintf(out, "%*s%-*s", TABLE_INDENT, "", layout->point_width, "point");
    for (size_t i = 0; i < layout->num_columns; i++)
        print_cell(out, layout, i, layout->columns[i].title, "");
    fprintf(out, "\n");
}

/* The keys that vary where they are no columns: on lines of their own where they do not fit. */
static bool print_point(FILE *out, const struct table_style *style, const struct point *point)
{
    const struct table_layout *layout = style->layout;
    char *text = table_with_prefix("  ", table_keys_format(layout->keys.varying, point));
    bool printed = text, fits = text && (int)strlen(text) <= TABLE_INDENT + layout->point_width;
    if (fits)
        fprintf(out, "%-*s", TABLE_INDENT + layout->point_width, text);
    else if (text)
        table_print_wrapped(out, text, strlen(text), layout->width);
    if (text && !fits)
        fprintf(out, "%*s", TABLE_INDENT + layout->point_width, "");
    free(text);
    return printed;
}

static bool print_row(FILE *out, const struct table_style *style, const struct record *record)
{
    const struct table_layout *layout = style->layout;
    bool printed = layout->point_width == 0 || print_point(out, style, record->point);
    for (size_t i = 0; i < layout->num_columns; i++) {
        char cell[TABLE_CELL_SIZE];
        bool judged = table_column_print(cell, &layout->columns[i], record);
        print_cell(out, layout, i, cell, cell_colour(style, &layout->columns[i], record->outcome.status, judged));
    }
    fprintf(out, "\n");
    return printed;
}

/* ---- what is known beside it ------------------------------------------------------------------------------------- */

/* In what way a point did not end as expected, in a word. */
static const char *way_of(const struct record *record)
{
    const struct signature_finding *finding = record->finding;
    if (record->outcome.status != STATUS_FAIL)
        return status_names[record->outcome.status];
    if (record->run_failure && finding && finding->signature == SIGNATURE_NO_ANSWER)
        return run_failures[record->run_failure].name;
    bool by_oracles = finding && finding->num_rows_failing == 0 && finding->signature == SIGNATURE_UNKNOWN;
    if (finding && finding->signature == SIGNATURE_UNKNOWN && record->contract && record->contract->named)
        return "right under another contract";
    if (finding && finding->signature != SIGNATURE_NONE && !by_oracles)
        return signature_names[finding->signature];
    for (int o = 0; record->oracles && o < ORACLE_COUNT; o++)
        if (record->oracles->outcome[o] == ORACLE_VIOLATED)
            return oracle_names[o];
    return record->classes && class_is_missed(record->classes, &record->point->demand) ? "class"
                                                                                       : status_names[STATUS_FAIL];
}

/* record_reproduce, with this program as the user has called it. */
static char *reproduce_here(const struct table_style *style, const struct record *record, const char *more)
{
    static const char name[] = "alibicheck ";
    char *line = record_reproduce(record, more), *here = NULL;
    if (!line || !style->program || strncmp(line, name, strlen(name)) != 0)
        return line;
    char *program = text_shell_quote(style->program, false);
    if (!program || asprintf(&here, "%s %s", program, line + strlen(name)) < 0)
        here = NULL;
    free(program);
    free(line);
    return here;
}

/* "leak; to see it: alibicheck run ... --verbose" as a new string, or NULL. */
static char *tell_failure(const struct table_style *style, const struct record *record)
{
    char *line = reproduce_here(style, record, " --verbose"), *reproduce = line ? text_clean(line) : NULL, *told = NULL;
    if (reproduce && asprintf(&told, "%s; to see it: %s", way_of(record), reproduce) < 0)
        told = NULL;
    free(line);
    free(reproduce);
    return told;
}

/* Whether an output that is wrong is in a table that had no room to say where. */
static bool has_lost_its_place(const struct table_style *style, const struct record *record)
{
    if (record->outcome.status != STATUS_FAIL || !record->verdict || record->is_unanswered ||
        !style->layout->has_lost_place)
        return false;
    const struct criterion *criterion = &record->point->criterion;
    const struct metrics *total = &record->verdict->total;
    return criterion_out_off(total) || (criterion->mode != JUDGE_TOLERANCE && criterion_out_beyond(criterion, total));
}

/* "largest error at query 1, head 2, dim 44", in place of the column. */
static void print_place(FILE *out, const char *separator, const struct record *record)
{
    const struct problem_spec *problem = &record->point->problem;
    const int64_t worst = record->verdict->total.worst, row = worst / problem->head_dim;
    fprintf(out, "%slargest error at ", separator);
    if (problem_spec_queries(problem) > 1)
        fprintf(out, "query %lld, ", (long long)(row / problem->num_heads));
    fprintf(out, "head %lld, dim %lld", (long long)(row % problem->num_heads), (long long)(worst % problem->head_dim));
}

/* What the columns do not say: of a failure that is expected only if all is asked for. */
static bool print_notes(FILE *out, const struct table_style *style, const struct record *record)
{
    if (record->outcome.status == STATUS_XFAIL && style->detail != TABLE_VERBOSE)
        return true;
    char *notes = record_notes(record), *line = NULL;
    size_t size;
    FILE *stream = notes ? text_stream_open(&line, &size) : NULL;
    if (stream) {
        const bool numbered =
            style->of_batch && (style->detail == TABLE_VERBOSE || record->outcome.status == STATUS_FAIL);
        if (numbered)
            fprintf(stream, "%ssequence %d", indent, record->point->problem.sequence);
        if (*notes)
            fprintf(stream, "%s%s", numbered ? ": " : indent, notes);
        if (has_lost_its_place(style, record))
            print_place(stream, *notes || numbered ? ", " : indent, record);
    }
    bool printed = stream && fclose(stream) == 0;
    free(notes);
    if (printed && *line)
        return table_print_lines(out, line, style->layout->width);
    free(line);
    return printed;
}

static bool print_findings(FILE *out, const struct table_style *style, const struct record *record, bool explained)
{
    return table_print_lines(out, record_findings(record, indent, explained), style->layout->width);
}

static bool print_end(FILE *out, const struct table_style *style, const struct record *record)
{
    bool unexpected = !status_as_expected(record->outcome.status), all = style->detail == TABLE_VERBOSE;
    bool printed = table_print_lines(out, record_references(record, indent, all), style->layout->width);
    bool skipped = record->outcome.status == STATUS_SKIP;
    if (record->outcome.reason[0] && (unexpected || all || skipped))
        printed = table_print_text(out, skipped ? "      skipped: " : "      error: ",
                                   text_line(record->outcome.reason, sizeof record->outcome.reason)) &&
                  printed;
    if (unexpected)
        printed = table_print_text(out, "      reproduce: ", reproduce_here(style, record, "")) && printed;
    return printed;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

enum row_part { PART_ROW, PART_BRIEF, PART_EXPLAINED, PART_END };

static bool print_part(FILE *out, const struct table_style *style, const struct record *record, enum row_part part)
{
    bool findings = !status_as_expected(record->outcome.status) || style->detail == TABLE_VERBOSE;
    switch (part) {
    case PART_ROW:
        return print_row(out, style, record) && print_notes(out, style, record);
    case PART_BRIEF:
    case PART_EXPLAINED:
        return !findings || print_findings(out, style, record, part == PART_EXPLAINED);
    case PART_END:
        return print_end(out, style, record);
    }
    return false;
}

/* A part as a new string, or NULL. */
static char *make_part(const struct table_style *style, const struct record *record, enum row_part part)
{
    char *text = NULL;
    size_t size;
    FILE *out = text_stream_open(&text, &size);
    bool printed = out && print_part(out, style, record, part);
    if (out && fclose(out) == 0 && printed)
        return text;
    free(text);
    return NULL;
}

bool table_row_make(struct table_row *row, const struct table_style *style, const struct record *record)
{
    const enum oracles_alone alone = record_oracles_alone(record);
    *row = (struct table_row){
        .unexpected = !status_as_expected(record->outcome.status),
        .meaning = alone             ? SIGNATURE_COUNT + (unsigned)alone
                   : record->finding ? (unsigned)record->finding->signature
                                     : (unsigned)SIGNATURE_NONE,
    };
    if (row->unexpected && !(row->failure = tell_failure(style, record)))
        return false;
    bool is_skipped = record->outcome.status == STATUS_SKIP;
    if (is_skipped && !(row->skipped = text_line(record->outcome.reason, sizeof record->outcome.reason)))
        return false;
    if (!row->unexpected && style->detail == TABLE_QUIET)
        return true;
    row->text = make_part(style, record, PART_ROW);
    row->brief = make_part(style, record, PART_BRIEF);
    row->explained = make_part(style, record, PART_EXPLAINED);
    row->end = make_part(style, record, PART_END);
    return row->text && row->brief && row->explained && row->end;
}

void table_row_clear(struct table_row *row)
{
    free(row->failure);
    free(row->skipped);
    free(row->text);
    free(row->brief);
    free(row->explained);
    free(row->end);
    *row = (struct table_row){.text = NULL};
}
