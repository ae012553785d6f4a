#include "harness/command/judge_explain.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/judge/contract/row_terms.h"
#include "harness/support/json_value.h"

enum { TERMS = 8 };

static double plain(double number)
{
    return isnan(number) ? (double)NAN : number;
}

/* "  <- out" where the output is what it would be then. */
static const char *mark(double value, double out, enum dtype dtype)
{
    return isfinite(value) && isfinite(out) && fabs(value - out) <= dtype_ulp(dtype, value) ? " = out" : "";
}

/* The exact result is not that, too: what it is within an ulp of both tells nothing. */
static void print_term(const struct row_term *term, double out, double truth, enum dtype dtype)
{
    bool tells = !(fabs(out - truth) <= 2 * dtype_ulp(dtype, truth));
    printf("  %10" PRId64 " %10" PRId64 " %11.5g %11.5g %11.4g %11.5g %13.7g%s %13.7g%s\n", term->key, term->distance,
           term->bias, term->logit, term->weight, term->value, plain(term->dropped),
           tells ? mark(term->dropped, out, dtype) : "", plain(term->doubled),
           tells ? mark(term->doubled, out, dtype) : "");
}

/* An element and what it is made of. */
struct element {
    int64_t index; /* below 0: there is none, or its keys are not at hand */
    int row, dim, num_terms;
    double out, truth;
    struct row_term terms[TERMS];
};

static enum error_kind find_element(struct element *element, const struct record *record, int64_t wanted,
                                    struct error *error)
{
    const struct problem *problem = record->problem;
    const struct exhibit exhibit = {.problem = problem, .output = record->output, .truth = record->truth};
    float out;
    *element = (struct element){.index = wanted >= 0 ? wanted : record->verdict->total.worst};
    if (!problem->k || !problem->v)
        element->index = -1;
    if (element->index < 0)
        return ERROR_NONE;
    element->row = (int)(element->index / problem->head_dim);
    element->dim = (int)(element->index % problem->head_dim);
    dtype_widen(problem->dtype, record->output->out, (size_t)element->index, 1, &out);
    element->out = (double)out;
    element->truth = record->truth->value[element->index];
    return row_terms_find(element->terms, TERMS, &element->num_terms, &exhibit, element->row, element->dim, error);
}

static enum error_kind print_element(const struct record *record, int64_t wanted, struct error *error)
{
    struct element element;
    const struct problem *problem = record->problem;
    enum error_kind kind = find_element(&element, record, wanted, error);
    if (kind || element.index < 0)
        return kind;
    double out = element.out, truth = element.truth, err = fabs(out - truth);
    printf("\n  %s: query %d, head %d, dim %d: out %.9g, truth %.9g, error %.3g, %.3g ulp\n",
           wanted < 0 ? "worst element" : "element", element.row / problem->num_heads, element.row % problem->num_heads,
           element.dim, plain(out), truth, plain(err), plain(err / dtype_ulp(problem->dtype, truth)));
    printf("  %10s %10s %11s %11s %11s %11s %13s %13s\n", "key", "distance", "bias", "logit", "weight", "v",
           "without it", "with it twice");
    for (int i = 0; i < element.num_terms; i++)
        print_term(&element.terms[i], out, truth, problem->dtype);
    return ERROR_NONE;
}

/* Rows of one class after another: "  class f32: heads 0-3, 5". */
static void print_classes(const struct record *record)
{
    const struct class_report *report = record->classes;
    int heads = record->problem->num_heads;
    char name[CLASS_NAME_SIZE], other[CLASS_NAME_SIZE];
    for (int row = 0; row < report->num_rows; row++) {
        struct class_whole whole;
        bool said = false;
        class_of_row(&whole, report, row);
        class_name(name, &whole);
        for (int earlier = 0; earlier < row && !said; earlier++) {
            class_of_row(&whole, report, earlier);
            said = !strcmp(class_name(other, &whole), name);
        }
        if (said)
            continue;
        printf("  class %s: %s", name, report->num_rows > heads ? "rows (query:head)" : "heads");
        int shown = 0;
        for (int same = row; same < report->num_rows; same++) {
            class_of_row(&whole, report, same);
            if (strcmp(class_name(other, &whole), name) != 0)
                continue;
            if (report->num_rows > heads)
                printf("%s %d:%d", shown++ ? "," : "", same / heads, same % heads);
            else
                printf("%s %d", shown++ ? "," : "", same);
        }
        printf("\n");
    }
}

enum error_kind judge_explain(const struct record *record, int64_t element, struct error *error)
{
    if (!record->verdict || !record->problem)
        return ERROR_NONE;
    enum error_kind kind = print_element(record, element, error);
    if (!kind && record->classes)
        print_classes(record);
    if (!kind && (fflush(stdout) || ferror(stdout)))
        kind = error_set(error, ERROR_SYSTEM, "stdout: cannot be written");
    return kind;
}

enum error_kind judge_explain_json(json_t **element, const struct record *record, int64_t wanted, struct error *error)
{
    struct element found;
    *element = NULL;
    if (!record->verdict || !record->problem)
        return ERROR_NONE;
    enum error_kind kind = find_element(&found, record, wanted, error);
    if (kind || found.index < 0)
        return kind;
    json_t *terms = json_array();
    for (int i = 0; i < found.num_terms; i++) {
        const struct row_term *term = &found.terms[i];
        json_array_append_new(terms,
                              json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "key", (json_int_t)term->key,
                                        "distance", (json_int_t)term->distance, "bias", json_from_double(term->bias),
                                        "logit", json_from_double(term->logit), "weight",
                                        json_from_double(term->weight), "v", json_from_double(term->value), "without",
                                        json_from_double(term->dropped), "twice", json_from_double(term->doubled)));
    }
    int heads = record->problem->num_heads;
    *element = json_pack("{s:i, s:i, s:i, s:o, s:o, s:o}", "query", found.row / heads, "head", found.row % heads, "dim",
                         found.dim, "out", json_from_double(found.out), "truth", json_from_double(found.truth), "terms",
                         terms);
    return *element ? ERROR_NONE : error_memory(error, "an explanation as JSON", 0);
}
