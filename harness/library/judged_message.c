#include "harness/library/judged_message.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/judge/cause/signature_info.h"
#include "harness/library/judged_worst.h"
#include "harness/support/text_stream.h"

/* NaN without the sign that printf would show. */
static double plain(double number)
{
    return isnan(number) ? (double)NAN : number;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void print_first_line(FILE *stream, const struct judged_record *record)
{
    const struct metrics *total = &record->judged->verdict.total;
    const struct tolerance *tolerance = &record->judging->criterion.tolerance;
    enum decision decision = criterion_decide(&record->judging->criterion, total);
    char phrase[METRIC_PHRASE_SIZE];
    const char *dtype = dtypes[record->problem->dtype].name;
    if (decision == DECISION_UNDECIDED) {
        fprintf(stream, "not decided: the tolerance of %" PRId64 " comparisons lies within the radius of the truth\n",
                total->undecided);
        return;
    }
    if (judged_class_is_open(record->judging, record->judged)) {
        char asked[CLASS_NAME_SIZE];
        fprintf(stream, "not decided: in class %s rounding can do anything, so whether out is in it cannot be told\n",
                class_format(asked, &record->judging->demand.arithmetic));
        return;
    }
    if (decision == DECISION_PASS) {
        fprintf(stream,
                "right: all %" PRId64 " elements of out are within %.3g + %.3g |truth|; at most %.3g off, %.3g "
                "ulp of %s",
                total->elements, tolerance->atol, tolerance->rtol, plain(total->max_abs_err), plain(total->max_ulp_err),
                dtype);
        if (!total->lse_unknown)
            fprintf(stream, "; lse at most %.3g nats off", plain(total->max_lse_err));
        fprintf(stream, "\n");
        return;
    }
    fprintf(stream, "wrong: ");
    if (total->mismatched > 0)
        fprintf(stream,
                "%" PRId64 " of %" PRId64 " elements of out are further than %.3g + %.3g |truth| from the exact "
                "result",
                total->mismatched, total->elements, tolerance->atol, tolerance->rtol);
    if (total->nan + total->inf > 0)
        fprintf(stream, ", %" PRId64 " NaN and %" PRId64 " infinite among them", total->nan, total->inf);
    if (total->lse_off > 0)
        fprintf(stream, "%s%" PRId64 " of %d lse are %s", total->mismatched > 0 ? "; " : "", total->lse_off,
                record->judged->verdict.num_rows, metric_say_lse_off(phrase, total->max_lse_err));
    fprintf(stream, "\n");
}

/* How much of its class's bound an error is: "0.93", "-" where that is not known or there is none. */
static char *format_share(char *text, size_t size, double err, double bound)
{
    if (isnan(bound) || isnan(err) || isinf(bound))
        snprintf(text, size, "-");
    else
        snprintf(text, size, "%.3g", err == 0 ? 0 : err / bound);
    return text;
}

static void print_elements(FILE *stream, const struct judged_record *record, const struct worst *worst,
                           const double *bounds)
{
    int64_t dim = record->problem->head_dim, heads = record->problem->num_heads;
    char name[CLASS_NAME_SIZE], share[32];
    const struct arithmetic_class said = {false, worst_class(record)};
    if (worst->count > 0)
        fprintf(stream,
                "  the elements furthest beyond their tolerance, with their errors in ulp of %s and in bounds of class "
                "%s:\n"
                "  %7s %6s %5s %15s %15s %10s %10s %10s\n",
                dtypes[record->problem->dtype].name, class_format(name, &said), "query", "head", "dim", "out", "truth",
                "error", "ulp", "bounds");
    for (int i = 0; i < worst->count; i++) {
        const struct wrong *wrong = &worst->shown[i];
        double ulp =
            isfinite(wrong->truth) ? wrong->err / dtype_ulp(record->problem->dtype, wrong->truth) : (double)NAN;
        fprintf(stream, "  %7" PRId64 " %6" PRId64 " %5" PRId64 " %15.9g %15.9g %10.3g %10.3g %10s\n",
                wrong->at / dim / heads, wrong->at / dim % heads, wrong->at % dim, plain(wrong->out),
                plain(wrong->truth), plain(wrong->err), plain(ulp),
                format_share(share, sizeof share, wrong->err, bounds[i]));
    }
}

static void print_lses(FILE *stream, const struct judged_record *record, const struct worst *worst)
{
    int64_t heads = record->problem->num_heads;
    if (worst->count > 0)
        fprintf(stream, "  the worst lse:\n  %7s %6s %5s %15s %15s %10s\n", "query", "head", "", "lse", "truth",
                "nats");
    for (int i = 0; i < worst->count; i++) {
        const struct wrong *wrong = &worst->shown[i];
        fprintf(stream, "  %7" PRId64 " %6" PRId64 " %5s %15.9g %15.9g %10.3g\n", wrong->at / heads, wrong->at % heads,
                "", plain(wrong->out), plain(wrong->truth), plain(wrong->err));
    }
}

static const char *remedy_of(const struct judged_record *record)
{
    const struct signature_finding *finding = &record->judged->finding;
    if (finding->signature == SIGNATURE_UNKNOWN && record->judged->contract.named)
        return "It is right under the contract above.";
    return finding->remedy ? finding->remedy : signature_remedy(finding->signature);
}

static void print_cause(FILE *stream, const struct judged_record *record)
{
    const struct signature_finding *finding = &record->judged->finding;
    char remedy[REMEDY_SIZE];
    if (finding->signature == SIGNATURE_NONE)
        return;
    fprintf(stream, "  cause: %s%s%s", signature_names[finding->signature], finding->detail[0] ? ": " : "",
            finding->detail);
    if (finding->num_rows_examined > 0)
        fprintf(stream, " (%d of %d %s examined)", finding->num_rows_explained, finding->num_rows_examined,
                problem_spec_queries(record->problem) > 1 ? "rows" : "heads");
    fprintf(stream, "\n    %s %s\n", signature_meaning(finding->signature),
            remedy_for(remedy, remedy_of(record), REMEDY_FOR_CALLER));
}

static bool row_is_wrong(const struct metrics *row)
{
    return row->mismatched > 0 || row->lse_off > 0;
}

/* "1 of 8 heads is wrong:", "9 of 16 rows (a query and a head) are wrong, the worst of them:" */
static void print_count(FILE *stream, const struct judged_record *record, int wrong)
{
    bool of_queries = problem_spec_queries(record->problem) > 1;
    int rows = record->judged->verdict.num_rows;
    fprintf(stream, "  %d of %d %s%s %s wrong%s:\n", wrong, rows, of_queries ? "row" : "head", rows > 1 ? "s" : "",
            of_queries  ? (wrong > 1 ? "(a query and a head) are" : "(a query and a head) is")
            : wrong > 1 ? "are"
                        : "is",
            wrong > WORST_ROWS ? ", the worst of them" : "");
}

static void print_rows(FILE *stream, const struct judged_record *record, const struct worst *worst)
{
    const struct verdict *verdict = &record->judged->verdict;
    int heads = record->problem->num_heads, wrong = 0;
    for (int r = 0; r < verdict->num_rows; r++)
        wrong += row_is_wrong(&verdict->rows[r]);
    if (wrong == 0)
        return;
    print_count(stream, record, wrong);
    fprintf(stream, "  %7s %6s %5s %15s %15s %10s %10s  %s\n", "query", "head", "", "elements wrong", "max error",
            "max ulp", "lse nats", "class");
    for (int i = 0; i < worst->count; i++) {
        int r = (int)worst->shown[i].at;
        const struct metrics *row = &verdict->rows[r];
        char lse[METRIC_TEXT_SIZE], name[CLASS_NAME_SIZE];
        struct class_whole whole;
        class_of_row(&whole, &record->judged->classes, r);
        fprintf(stream, "  %7d %6d %5s %15" PRId64 " %15.3g %10.3g %10s  %s\n", r / heads, r % heads, "",
                row->mismatched, plain(row->max_abs_err), plain(row->max_ulp_err),
                metric_format(lse, METRIC_MAX_LSE_ERR, row), class_name(name, &whole));
    }
}

static void print_other(FILE *stream, const struct judged_record *record)
{
    const struct fault *fault = record->other;
    if (!fault)
        return;
    const int64_t *at_fault = fault->total.at_fault;
    bool other_right = fault->truth.mismatched == 0;
    const char *words = metric_say_not_finite(fault->truth.max_abs_err);
    fprintf(stream, "  other: is %s (%" PRId64 " of %" PRId64 " elements further from the exact result, ",
            other_right ? "right" : "wrong", fault->truth.mismatched, fault->elements);
    if (words)
        fprintf(stream, "%s)", words);
    else
        fprintf(stream, "at most %.3g off)", fault->truth.max_abs_err);
    if (fault->total.mismatched == 0)
        fprintf(stream, " and agrees with out\n");
    else
        fprintf(stream,
                "\n    the two differ in %" PRId64 " elements: out is at fault in %" PRId64 ", other in %" PRId64
                ", both in %" PRId64 "\n",
                fault->total.mismatched, at_fault[FAULT_KERNEL], at_fault[FAULT_REFERENCE], at_fault[FAULT_BOTH]);
}

/* "  class: f32, where output is asked for": the tightest arithmetic that explains the error. */
static void print_class(FILE *stream, const struct judged_record *record)
{
    char found[CLASS_NAME_SIZE], asked[CLASS_NAME_SIZE];
    fprintf(stream, "  class: %s", class_name(found, &record->judged->class_of_all));
    if (class_is_missed(&record->judged->classes, &record->judging->demand))
        fprintf(stream, ", where %s is asked for", class_format(asked, &record->judging->demand.arithmetic));
    fprintf(stream, "\n");
}

/* Under which contracts the output would be right. */
static void print_contract(FILE *stream, const struct judged_record *record)
{
    const struct contract_finding *contract = &record->judged->contract;
    for (int i = 0; i < contract->num_fits && i < CONTRACT_FITS_MAX; i++) {
        const struct contract_fit *fit = &contract->fits[i];
        fprintf(stream, "  %s %s (class %s)\n", contract->named ? "right under:" : "would be right under:", fit->text,
                fit->class_name);
        if (contract->named)
            fprintf(stream, "    %s\n%s%s%s", fit->remedy, fit->remedy_too ? "    " : "",
                    fit->remedy_too ? fit->remedy_too : "", fit->remedy_too ? "\n" : "");
    }
}

char *judged_message(const struct judged_record *record)
{
    char *text = NULL;
    size_t size;
    double bounds[WORST_ELEMENTS];
    struct worst elements, lses, rows;
    worst_find(&elements, &lses, &rows, record);
    if (worst_bounds(bounds, &elements, record))
        return NULL;
    FILE *stream = text_stream_open(&text, &size);
    if (!stream)
        return NULL;
    print_first_line(stream, record);
    print_elements(stream, record, &elements, bounds);
    print_lses(stream, record, &lses);
    print_class(stream, record);
    print_contract(stream, record);
    print_cause(stream, record);
    print_rows(stream, record, &rows);
    print_other(stream, record);
    if (unsaid_scales[record->scales].note)
        fprintf(stream, "  %s\n", unsaid_scales[record->scales].note);
    bool complete = !ferror(stream);
    if (fclose(stream) == 0 && complete)
        return text;
    free(text);
    return NULL;
}
