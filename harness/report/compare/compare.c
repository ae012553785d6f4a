#include "harness/report/compare/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/compare/compare_field.h"
#include "harness/report/compare/key_order.h"
#include "harness/support/text_stream.h"

/* ---- joining ----------------------------------------------------------------------------------------------------- */

static bool is_there(const struct result *result)
{
    return result && !result->removed;
}

/* Whether the point is one of those that are meant. */
static enum error_kind select_point(bool *selected, const struct compared *point, const struct where *where,
                                    const struct compare_rules *rules, struct error *error)
{
    *selected = true;
    if (!where)
        return ERROR_NONE;
    json_t *object = compared_to_json(point, rules);
    if (!object)
        return error_memory(error, "a point that is compared", FACT_COUNT * 256);
    *selected = where_holds(where, object);
    json_decref(object);
    return ERROR_NONE;
}

static enum error_kind add_point(struct collation *collation, const struct result *a, const struct result *b,
                                 const struct where *where, struct error *error)
{
    struct compared *point = &collation->points[collation->count];
    bool selected;
    if (!is_there(a) && !is_there(b))
        return ERROR_NONE;
    compare_point(point, a, b, &collation->rules);
    enum error_kind kind = select_point(&selected, point, where, &collation->rules, error);
    if (kind)
        return kind;
    collation->left_out += !selected;
    collation->left_out_worse += !selected && change_outcome(point->change, &collation->rules) != CHANGE_IS_FINE;
    collation->count += selected;
    collation->by_change[point->change] += selected;
    return ERROR_NONE;
}

/* Both are sorted by key: a merge. */
static enum error_kind join(struct collation *collation, const struct where *where, struct error *error)
{
    const struct results *base = collation->base, *new = collation->new;
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0, j = 0; (i < base->count || j < new->count) && !kind;) {
        int order = i == base->count ? 1 : j == new->count ? -1 : strcmp(base->items[i].key, new->items[j].key);
        const struct result *a = order <= 0 ? &base->items[i++] : NULL;
        const struct result *b = order >= 0 ? &new->items[j++] : NULL;
        kind = add_point(collation, a, b, where, error);
    }
    return kind;
}

static int by_change(const void *a, const void *b)
{
    const struct compared *left = a, *right = b;
    if (left->change != right->change)
        return left->change < right->change ? -1 : 1;
    if (left->growth != right->growth)
        return left->growth > right->growth ? -1 : 1;
    return key_order(compared_key(left), compared_key(right));
}

enum error_kind collate(struct collation *collation, const struct results *base, const struct results *new,
                        const struct compare_rules *rules, const struct where *where, struct error *error)
{
    size_t most = base->count + new->count;
    *collation = (struct collation){.base = base, .new = new, .rules = *rules, .base_judged = results_judged(base)};
    collation->points = calloc(most ? most : 1, sizeof *collation->points);
    if (!collation->points)
        return error_memory(error, "the points that are compared", (double)(most * sizeof *collation->points));
    enum error_kind kind = join(collation, where, error);
    if (!kind && where && collation->count == 0)
        kind = error_set(error, ERROR_USAGE, "--where holds for none of %zu points; allowed: what holds for one",
                         collation->left_out);
    if (!kind)
        qsort(collation->points, collation->count, sizeof *collation->points, by_change);
    return kind;
}

void collation_clear(struct collation *collation)
{
    free(collation->points);
    *collation = (struct collation){.count = 0};
}

/* ---- points of one file alone ------------------------------------------------------------------------------------ */

static bool has_pairs(const struct collation *collation)
{
    for (size_t i = 0; i < collation->count; i++)
        if (is_there(collation->points[i].a) && is_there(collation->points[i].b))
            return true;
    return false;
}

/* The name of the kernel that all points are of; NULL: they are of several, or it is not known. */
static const char *kernel_of(const struct results *results)
{
    const char *name = NULL;
    for (size_t i = 0; i < results->count; i++) {
        const struct fact_value *kernel = &results->items[i].facts[FACT_KERNEL];
        if (results->items[i].removed)
            continue;
        if (kernel->type != FACT_TEXT || (name && strcmp(name, kernel->text) != 0))
            return NULL;
        name = kernel->text;
    }
    return name;
}

char *collation_hint(const struct collation *collation)
{
    const char *before = kernel_of(collation->base), *after = kernel_of(collation->new);
    const size_t absent = record_runs_missing(&collation->new->runs);
    char *text = NULL;
    if (absent && collation->by_change[CHANGE_MISSING])
        return asprintf(&text,
                        "%zu %s of the new records' own run %s not there, as where they are one shard's or the run was "
                        "cut short: what is missing may be among them. `alibicheck merge` puts shards together, and "
                        "the command of the run with --resume computes what is missing",
                        absent, absent == 1 ? "point" : "points", absent == 1 ? "is" : "are") < 0
                   ? NULL
                   : text;
    const bool all_skipped = collation->by_change[CHANGE_SKIPPED] == collation->count; /* a baseline has none of them */
    if (has_pairs(collation) || all_skipped || collation->base->count == 0)
        return strdup("");
    if (!before || !after || !strcmp(before, after))
        return strdup(
            "no point is in both: their runs had other cases, another --set or --only, or kernels of other names");
    return asprintf(
               &text,
               "no point is in both: keys of points have the kernel's name, which is %s in the base and %s in the new "
               "records. If it is the same kernel, compare it once under its old name; --update-baseline with "
               "--reason then takes the new one over",
               before, after) < 0
               ? NULL
               : text;
}

/* ---- what it comes to -------------------------------------------------------------------------------------------- */

enum change_outcome collation_outcome(const struct collation *collation, enum change change)
{
    return change_outcome(change, &collation->rules);
}

/* The worst that became of a point, by what each change counts as. */
static enum compare_result result_of_points(const struct collation *collation)
{
    enum compare_result result = COMPARE_AS_GOOD;
    for (enum change change = 0; change < CHANGE_COUNT; change++) {
        enum change_outcome outcome = collation_outcome(collation, change);
        if (collation->by_change[change] == 0 || outcome == CHANGE_IS_FINE)
            continue;
        if (outcome == CHANGE_IS_NO_COMPARISON)
            return COMPARE_IMPOSSIBLE;
        result = COMPARE_WORSE;
    }
    return result;
}

const char *collation_void(const struct collation *collation)
{
    if (result_of_points(collation) != COMPARE_AS_GOOD)
        return "";
    if (collation->count > 0 && collation->by_change[CHANGE_SKIPPED] == collation->count)
        return "nothing is compared: every point is skipped, and was not judged before";
    if (collation->base->count > 0 && collation->base_judged == 0)
        return "nothing is compared: no point of the base was judged";
    return "";
}

enum compare_result collation_result(const struct collation *collation)
{
    return *collation_void(collation) ? COMPARE_IMPOSSIBLE : result_of_points(collation);
}

const char *collation_verdict(const struct collation *collation)
{
    switch (collation_result(collation)) {
    case COMPARE_AS_GOOD:
        return "as good";
    case COMPARE_WORSE:
        return "worse";
    case COMPARE_IMPOSSIBLE:
        return "not comparable";
    }
    return "";
}

char *collation_left_out(const struct collation *collation)
{
    char *text = NULL;
    if (collation->left_out == 0)
        return strdup("");
    int length = collation->left_out_worse ? asprintf(&text, "%zu left out by --where, %zu of them worse",
                                                      collation->left_out, collation->left_out_worse)
                                           : asprintf(&text, "%zu left out by --where", collation->left_out);
    return length < 0 ? NULL : text;
}

char *collation_sentence(const struct collation *collation)
{
    char *text = NULL;
    size_t size;
    const char *separator = "";
    char *left_out = collation_left_out(collation);
    FILE *stream = left_out ? text_stream_open(&text, &size) : NULL;
    if (!stream) {
        free(left_out);
        return NULL;
    }
    for (enum change change = 0; change < CHANGE_COUNT; change++)
        if (collation->by_change[change]) {
            fprintf(stream, "%s%zu %s", separator, collation->by_change[change], change_table[change].name);
            separator = ", ";
        }
    fprintf(stream, "%s%s: %s", *left_out ? separator : "", left_out, collation_verdict(collation));
    free(left_out);
    if (fclose(stream) == 0)
        return text;
    free(text);
    return NULL;
}

/* Whether a part of the subject is another one. A recipe is what it says, whatever it is called. */
static bool has_other(const struct compared *point, enum fact fact)
{
    return fact_info(fact).role == FACT_OF_SUBJECT && fact != FACT_RECIPE_DIGEST &&
           point->tendencies[fact == FACT_RECIPE ? FACT_RECIPE_DIGEST : fact] != TENDENCY_SAME;
}

char *collation_subjects(const struct collation *collation)
{
    char *text = NULL;
    size_t size;
    const char *separator = "";
    FILE *stream = text_stream_open(&text, &size);
    if (!stream)
        return NULL;
    for (enum fact fact = 0; fact < FACT_COUNT; fact++) {
        size_t others = 0;
        for (size_t i = 0; i < collation->count; i++)
            others += has_other(&collation->points[i], fact);
        if (others) {
            fprintf(stream, "%s%zu of another %s", separator, others, fact_info(fact).name);
            separator = ", ";
        }
    }
    if (fclose(stream) == 0)
        return text;
    free(text);
    return NULL;
}

char *collation_describe(const struct results *results)
{
    char *text = NULL, missing[64] = "";
    size_t points = results_points(results), num_missing = record_runs_missing(&results->runs);
    if (num_missing)
        snprintf(missing, sizeof missing, ", without %zu of the run's points", num_missing);
    int length =
        asprintf(&text, "%s: %s%zu point%s%s%s%s%s", results_name(results), results->is_baseline ? "baseline, " : "",
                 points, points == 1 ? "" : "s", results->made_by ? ", by " : "",
                 results->made_by ? results->made_by : "", results->mixed ? " and other builds or files" : "", missing);
    return length < 0 ? NULL : text;
}
