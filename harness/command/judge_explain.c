#include "harness/command/judge_explain.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/judge/contract/row_terms.h"

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

static enum error_kind print_element(const struct record *record, struct error *error)
{
    struct row_term terms[TERMS];
    const struct problem *problem = record->problem;
    const struct exhibit exhibit = {.problem = problem, .output = record->output, .truth = record->truth};
    int64_t element = record->verdict->total.worst;
    int count, dim = problem->head_dim, row = (int)(element / dim);
    float out;
    if (element < 0 || !problem->k || !problem->v)
        return ERROR_NONE;
    enum error_kind kind = row_terms_find(terms, TERMS, &count, &exhibit, row, (int)(element % dim), error);
    if (kind)
        return kind;
    dtype_widen(problem->dtype, record->output->out, (size_t)element, 1, &out);
    double truth = record->truth->value[element], err = fabs((double)out - truth);
    printf("\n  worst element: query %d, head %d, dim %d: out %.9g, truth %.9g, error %.3g, %.3g ulp\n",
           row / problem->num_heads, row % problem->num_heads, (int)(element % dim), plain((double)out), truth,
           plain(err), plain(err / dtype_ulp(problem->dtype, truth)));
    printf("  %10s %10s %11s %11s %11s %11s %13s %13s\n", "key", "distance", "bias", "logit", "weight", "v",
           "without it", "with it twice");
    for (int i = 0; i < count; i++)
        print_term(&terms[i], (double)out, truth, problem->dtype);
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

enum error_kind judge_explain(const struct record *record, struct error *error)
{
    if (!record->verdict || !record->problem)
        return ERROR_NONE;
    enum error_kind kind = print_element(record, error);
    if (!kind && record->classes)
        print_classes(record);
    if (!kind && (fflush(stdout) || ferror(stdout)))
        kind = error_set(error, ERROR_SYSTEM, "stdout: cannot be written");
    return kind;
}
