#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/review/review_document.h"
#include "harness/report/review/review_group.h"
#include "harness/support/number.h"
#include "harness/support/text_stream.h"

enum { VALUES_SHOWN = 12 };

/* "f16 (20 points); bf16 (4)", of a field that does not know of some "-". */
static void list_groups(FILE *stream, const struct grouping *grouping, size_t num_points)
{
    size_t shown = grouping->count > VALUES_SHOWN ? VALUES_SHOWN : grouping->count, told = 0;
    for (size_t g = 0; g < shown; g++) {
        const struct group *group = &grouping->groups[g];
        fprintf(stream, "%s%s", g ? "; " : "", group->label);
        if (grouping->count > 1 || group->all.count < num_points)
            fprintf(stream, g ? " (%zu)" : group->all.count == 1 ? " (%zu point)" : " (%zu points)", group->all.count);
        told += group->all.count;
    }
    if (shown < grouping->count)
        fprintf(stream, "; and %zu more (%zu points)", grouping->count - shown, num_points - told);
}

/* A row of the setting and its values, unless no record knows it. */
static void write_setting(struct document *document, struct grid *grid, const struct review *review,
                          const struct grouping *grouping, const struct review_field *field)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = text_stream_open(&text, &size);
    bool known = grouping->count > 1 || (grouping->count == 1 && strcmp(grouping->groups[0].label, "-") != 0);
    if (stream)
        list_groups(stream, grouping, review->num_points);
    if (!stream || fclose(stream) != 0 || grouping->failed) {
        document->spoilt = true;
    } else if (known) {
        grid_text(grid, field->title);
        grid_text(grid, text);
        grid_text(grid, field->about);
    }
    free(text);
}

static void write_settings(struct document *document, const struct review *review)
{
    struct grid *grid = document_grid(document, "What the points were run with");
    struct grouping grouping;
    grid_column(grid, "setting", NULL, false);
    grid_column(grid, "values", NULL, false);
    grid_column(grid, "what it is", NULL, false);
    for (int t = 0; t < REVIEW_TEXTS; t++) {
        if (!review_texts[t].setting)
            continue;
        group_by_text(&grouping, review, (enum review_text)t, false);
        write_setting(document, grid, review, &grouping, &review_texts[t]);
        grouping_clear(&grouping);
    }
    for (int n = 0; n < REVIEW_NUMBERS; n++) {
        if (!review_numbers[n].setting)
            continue;
        group_by_number(&grouping, review, (enum review_number)n, false);
        write_setting(document, grid, review, &grouping, &review_numbers[n]);
        grouping_clear(&grouping);
    }
}

static void write_files(struct document *document, const struct review *review)
{
    struct grid *grid = document_grid(document, "The files that were read");
    grid_column(grid, "file", NULL, false);
    grid_column(grid, "records", "What the file has.", true);
    grid_column(grid, "points", "Those that are shown here.", true);
    for (size_t f = 0; f < review->num_files; f++) {
        grid_code(grid, review->files[f].path);
        grid_count(grid, (double)review->files[f].num_records);
        grid_count(grid, (double)review->files[f].num_points);
    }
}

/* Each recipe, key by key: a name alone says nothing to who has another version of it. */
static void write_recipes(struct document *document, const struct review *review)
{
    if (count_texts(review, TEXT_RECIPE_KEYS) == 1 && !review->points[0].text[TEXT_RECIPE_KEYS])
        return;
    bool *told = calloc(review->num_words + 1, sizeof *told);
    struct grid *grid = document_grid(document, "The recipes, key by key");
    document->spoilt |= !told;
    grid_column(grid, "recipe", NULL, false);
    grid_column(grid, "digest", review_texts[TEXT_RECIPE_DIGEST].about, false);
    grid_column(grid, "what it comes to", NULL, false);
    for (size_t p = 0; p < review->num_points && told; p++) {
        const struct review_point *point = &review->points[p];
        if (!told[point->text[TEXT_RECIPE_DIGEST]]) {
            grid_text(grid, review_text_of(review, point, TEXT_RECIPE));
            grid_text(grid, review_text_of(review, point, TEXT_RECIPE_DIGEST));
            grid_text(grid, review_text_of(review, point, TEXT_RECIPE_KEYS));
        }
        told[point->text[TEXT_RECIPE_DIGEST]] = true;
    }
    free(told);
}

void review_write_run(struct document *document, const struct review *review, const struct review_options *options)
{
    document_section(document, "run", "What was run");
    if (options->command) {
        document_paragraph(document, "The records were made with");
        document_code(document, options->command);
    }
    char text[64];
    document_paragraph(document, "%s on %zu different inputs; %.3g s spent, in all steps together.",
                       count_text(text, (double)review->num_points, "point"), json_object_size(review->inputs),
                       review->seconds);
    if (review->first_ended && review->last_ended)
        document_paragraph(document, "The first point was done at %s, the last one at %s.", review->first_ended,
                           review->last_ended);
    if (!isnan(review->radius))
        document_paragraph(document,
                           "Each output is compared with the exact result for the same inputs, which is known to "
                           "within %.2g.",
                           review->radius);
    write_files(document, review);
    write_settings(document, review);
    write_recipes(document, review);
}
