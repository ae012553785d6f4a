#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/page/csv.h"
#include "harness/report/review/review_document.h"
#include "harness/report/review/review_table.h"
#include "harness/support/json_value.h"
#include "harness/support/text_stream.h"

/* ---- which columns ----------------------------------------------------------------------------------------------- */

static bool any_text(const struct review *review, int text)
{
    for (size_t p = 0; p < review->num_points; p++)
        if (review->points[p].text[text])
            return true;
    return false;
}

static bool any_number(const struct review *review, int number)
{
    for (size_t p = 0; p < review->num_points; p++)
        if (review->points[p].known >> number & 1)
            return true;
    return false;
}

struct point_columns {
    bool text[REVIEW_TEXTS], number[REVIEW_NUMBERS];
};

/* Those that some record has. */
static struct point_columns choose_columns(const struct review *review)
{
    struct point_columns columns;
    for (int t = 0; t < REVIEW_TEXTS; t++)
        columns.text[t] = review_texts[t].column && any_text(review, t);
    for (int n = 0; n < REVIEW_NUMBERS; n++)
        columns.number[n] = review_numbers[n].column && any_number(review, n);
    return columns;
}

/* ---- rows of a grid ---------------------------------------------------------------------------------------------- */

static void write_row(struct grid *grid, const struct review *review, const struct point_columns *columns,
                      const struct review_point *point)
{
    double value;
    grid_code(grid, point->key);
    for (int t = 0; t < REVIEW_TEXTS; t++) {
        const char *text = review_text_of(review, point, (enum review_text)t);
        if (columns->text[t])
            grid_toned(grid, t == TEXT_STATUS ? review_tone(text) : TONE_PLAIN, text);
    }
    for (int n = 0; n < REVIEW_NUMBERS; n++) {
        if (!columns->number[n])
            continue;
        if (!review_number_of(point, (enum review_number)n, &value))
            grid_unknown(grid);
        else if (review_numbers[n].count)
            grid_count(grid, value);
        else
            grid_number(grid, value);
    }
}

/* Points that did not end as expected first, then expected failures, then the others. */
static int rank(const struct review *review, const struct review_point *point)
{
    return !review_as_expected(review, point) ? 0 : !review_passed(review, point) ? 1 : 2;
}

/* ---- all of them for a script ------------------------------------------------------------------------------------ */

/* "0.000554" as a token of JSON. */
static void print_number(FILE *stream, double value)
{
    if (isnan(value))
        fputs("\"nan\"", stream);
    else if (isinf(value))
        fputs(value > 0 ? "\"inf\"" : "\"-inf\"", stream);
    else
        fprintf(stream, value == rint(value) && fabs(value) < 0x1p53 ? "%.0f" : "%.4g", value);
}

static bool print_text(FILE *stream, const char *text)
{
    json_t *string = json_from_text(text);
    char *printed = string ? json_print(string, JSON_ENCODE_ANY) : NULL;
    if (printed)
        fputs(printed, stream);
    free(printed);
    json_decref(string);
    return printed;
}

/* {"words":[...],"rows":[[key, word or number, ...], ...]}: words stand for columns of text as places in the list. */
static bool print_data(FILE *stream, const struct review *review, const struct point_columns *columns)
{
    bool complete = true;
    fputs("{\"words\":[\"-\"", stream);
    for (size_t w = 0; w < review->num_words && complete; w++) {
        putc(',', stream);
        complete = print_text(stream, review->words[w]);
    }
    fputs("],\"rows\":[", stream);
    for (size_t p = 0; p < review->num_points && complete; p++) {
        const struct review_point *point = &review->points[p];
        fputs(p ? ",\n[" : "\n[", stream);
        complete = print_text(stream, point->key);
        for (int t = 0; t < REVIEW_TEXTS; t++)
            if (columns->text[t])
                fprintf(stream, ",%u", point->text[t]);
        for (int n = 0; n < REVIEW_NUMBERS; n++) {
            if (!columns->number[n])
                continue;
            putc(',', stream);
            if (point->known >> n & 1)
                print_number(stream, point->number[n]);
            else
                fputs("null", stream);
        }
        putc(']', stream);
    }
    fputs("]}", stream);
    return complete;
}

static char *make_data(const struct review *review, const struct point_columns *columns)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = text_stream_open(&text, &size);
    bool complete = stream && print_data(stream, review, columns) && !ferror(stream);
    if (stream && fclose(stream) == 0 && complete)
        return text;
    free(text);
    return NULL;
}

void review_write_points(struct document *document, const struct review *review)
{
    struct point_columns columns = choose_columns(review);
    size_t shown = 0;
    document_section(document, "points", "All points");
    struct grid *grid = document_grid(document, "All points, those first that did not pass");
    grid_column(grid, "point", "Its key, as --only takes it.", false);
    for (int t = 0; t < REVIEW_TEXTS; t++)
        if (columns.text[t])
            grid_column(grid, review_texts[t].title, review_texts[t].about, false);
    for (int n = 0; n < REVIEW_NUMBERS; n++)
        if (columns.number[n])
            grid_column(grid, review_numbers[n].title, review_numbers[n].about, true);
    for (int r = 0; r < 3; r++)
        for (size_t p = 0; p < review->num_points && shown < POINTS_SHOWN; p++)
            if (rank(review, &review->points[p]) == r) {
                write_row(grid, review, &columns, &review->points[p]);
                shown++;
            }
    if (!grid)
        return;
    grid->searched = true;
    grid->rows_in_all = review->num_points;
    if (shown < review->num_points) {
        grid->data = make_data(review, &columns);
        document->spoilt |= !grid->data;
    }
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

static bool print_row(FILE *stream, const struct review *review, const struct review_point *point)
{
    bool complete = csv_print_text(stream, point->key);
    for (int t = 0; t < REVIEW_TEXTS; t++) {
        putc(',', stream);
        if (point->text[t])
            complete &= csv_print_text(stream, review_text_of(review, point, (enum review_text)t));
    }
    for (int n = 0; n < REVIEW_NUMBERS; n++) {
        putc(',', stream);
        if (point->known >> n & 1)
            csv_print_number(stream, point->number[n]);
    }
    return complete;
}

bool review_print_csv(FILE *stream, const struct review *review, const struct review_changes *changes)
{
    fputs("key", stream);
    for (int t = 0; t < REVIEW_TEXTS; t++)
        fprintf(stream, ",%s", review_texts[t].path);
    for (int n = 0; n < REVIEW_NUMBERS; n++)
        fprintf(stream, ",%s", review_numbers[n].path);
    fputs(changes ? ",change\r\n" : "\r\n", stream);
    bool complete = true;
    for (size_t p = 0; !changes && p < review->num_points && complete; p++) {
        complete = print_row(stream, review, &review->points[p]);
        fputs("\r\n", stream);
    }
    for (size_t c = 0; changes && c < changes->count && complete; c++) {
        const struct review_change *change = &changes->changes[c];
        complete =
            print_row(stream, change->after ? review : changes->before, change->after ? change->after : change->before);
        fprintf(stream, ",%s\r\n", change_table[change->change].name);
    }
    return complete;
}
