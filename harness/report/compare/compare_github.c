#include "harness/report/compare/compare_format.h"

#include <stdlib.h>
#include <string.h>

#include "harness/report/compare/compare_text.h"
#include "harness/support/text.h"

/* GitHub shows ten errors of a step and drops the others. */
enum { ANNOTATIONS_MAX = 10, CHANGES_NAMED = 6 };

/* Text of a workflow command; of a property, ':' and ',' are escaped too. */
static void print_escaped(FILE *stream, const char *text, bool is_property)
{
    for (const char *c = text; *c; c++)
        if (*c == '%' || *c == '\r' || *c == '\n' || (is_property && (*c == ':' || *c == ',')))
            fprintf(stream, "%%%02X", (unsigned char)*c);
        else
            fputc(*c, stream);
}

/* The place of the point in a baseline, which is a file of the repository. */
static void print_place(FILE *stream, const struct results *base, const struct compared *point)
{
    if (!base->is_baseline || strcmp(base->path, "-") == 0)
        return;
    fprintf(stream, " file=");
    print_escaped(stream, base->path, true);
    fprintf(stream, ",line=%zu,", point->a ? point->a->line : 1);
}

static bool print_annotation(FILE *stream, const struct collation *collation, const struct compared *point)
{
    char *changes = compared_changes(point, CHANGES_NAMED), *key = text_line(compared_key(point), POINT_KEY_SIZE);
    bool complete = changes && key;
    if (complete) {
        fprintf(stream, "::error");
        print_place(stream, collation->base, point);
        fprintf(stream, "%stitle=", collation->base->is_baseline ? "" : " ");
        print_escaped(stream, change_table[point->change].name, true);
        fprintf(stream, "::");
        print_escaped(stream, key, false);
        fprintf(stream, "%%0A");
        print_escaped(stream, changes, false);
        fprintf(stream, "\n");
    }
    free(key);
    free(changes);
    return complete;
}

static bool print_github(FILE *stream, const struct compare_view *view)
{
    const struct collation *collation = view->collation;
    size_t total = 0, printed = 0;
    bool complete = true;
    for (enum change change = 0; change < CHANGE_COUNT; change++)
        total += collation_outcome(collation, change) == CHANGE_IS_FINE ? 0 : collation->by_change[change];
    size_t most = total > ANNOTATIONS_MAX ? ANNOTATIONS_MAX - 1 : total;
    for (size_t i = 0; i < collation->count && printed < most && complete; i++)
        if (collation_outcome(collation, collation->points[i].change) != CHANGE_IS_FINE) {
            complete = print_annotation(stream, collation, &collation->points[i]);
            printed++;
        }
    char *sentence = collation_sentence(collation);
    if (total > most && sentence)
        fprintf(stream, "::error title=alibicheck compare::and %zu more: %s\n", total - most, sentence);
    if (collation->left_out_worse)
        fprintf(stream, "::warning title=alibicheck compare::left out by --where, and worse: %zu of %zu\n",
                collation->left_out_worse, collation->left_out);
    complete = complete && sentence;
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
