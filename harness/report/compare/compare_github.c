#include "harness/report/compare/compare_format.h"

#include <stdlib.h>
#include <string.h>

#include "harness/report/compare/compare_text.h"
#include "harness/support/github_annotation.h"
#include "harness/support/text.h"

enum { CHANGES_NAMED = 6 };

/* The point's key, and what there is to say of it, each in a line of its own; a new string, or NULL. */
static char *annotation_text(const struct compared *point)
{
    char *changes = compared_changes(point, CHANGES_NAMED), *notes = compared_notes(point),
         *key = text_line(compared_key(point), POINT_KEY_SIZE), *text = NULL;
    if (changes && notes && key &&
        asprintf(&text, "%s%s%s%s%s", key, *changes ? "\n" : "", changes, *notes ? "\n" : "", notes) < 0)
        text = NULL;
    free(key);
    free(notes);
    free(changes);
    return text;
}

static bool print_annotation(FILE *stream, const struct collation *collation, const struct compared *point)
{
    const struct results *base = collation->base;
    /* A baseline is a file of the repository. */
    bool has_place = base->is_baseline && strcmp(base->path, "-") != 0;
    char *text = annotation_text(point);
    const struct github_annotation annotation = {
        .level = "error",
        .path = has_place ? base->path : NULL,
        .line = point->a ? point->a->line : 1,
        .title = change_table[point->change].name,
        .text = text,
    };
    if (text)
        github_annotation_print(stream, &annotation);
    free(text);
    return text != NULL;
}

/* Of the comparison, and of no point. */
static void print_remark(FILE *stream, const char *level, const char *text)
{
    const struct github_annotation annotation = {.level = level, .title = "alibicheck compare", .text = text};
    github_annotation_print(stream, &annotation);
}

static bool print_github(FILE *stream, const struct compare_view *view)
{
    const struct collation *collation = view->collation;
    size_t total = 0, printed = 0;
    bool complete = true;
    for (enum change change = 0; change < CHANGE_COUNT; change++)
        total += collation_outcome(collation, change) == CHANGE_IS_FINE ? 0 : collation->by_change[change];
    char *sentence = collation_sentence(collation), *hint = collation_hint(collation);
    const size_t room = GITHUB_ANNOTATIONS_MAX - (hint && *hint ? 1 : 0), most = total > room ? room - 1 : total;
    if (hint && *hint) /* which explains the others */
        print_remark(stream, "error", hint);
    for (size_t i = 0; i < collation->count && printed < most && complete; i++)
        if (collation_outcome(collation, collation->points[i].change) != CHANGE_IS_FINE) {
            complete = print_annotation(stream, collation, &collation->points[i]);
            printed++;
        }
    if (total > most && sentence)
        fprintf(stream, "::error title=alibicheck compare::and %zu more: %s\n", total - most, sentence);
    if (*collation_void(collation))
        print_remark(stream, "error", collation_void(collation));
    if (collation->left_out_worse)
        fprintf(stream, "::warning title=alibicheck compare::left out by --where, and worse: %zu of %zu\n",
                collation->left_out_worse, collation->left_out);
    complete = complete && sentence && hint;
    free(hint);
    free(sentence);
    return complete;
}

/* Annotations of GitHub Actions, the worst points first: ten at most, the last of which counts the others. */
const struct compare_format compare_github = {
    .option = "github",
    .about = "annotations for GitHub Actions, behind what else is printed: ten at most, the rest counted",
    .is_beside = true,
    .print = print_github,
};
