#include "harness/library/judged_message.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/judge/cause/signature_info.h"

enum { WORST_SHOWN = 5, ROWS_SHOWN = 8 };

/* ---- elements ---------------------------------------------------------------------------------------------------- */

/* An element, or a row's lse, that is outside its tolerance. */
struct wrong {
    int64_t at;
    double out, truth, err;
    double share; /* of its tolerance; infinite for what is no number */
};

/* The worst, the worst first; of equals the first. */
struct worst {
    struct wrong shown[WORST_SHOWN];
    int count;
};

static void offer(struct worst *worst, const struct wrong *wrong)
{
    int place = worst->count;
    while (place > 0 && wrong->share > worst->shown[place - 1].share)
        place--;
    if (place == WORST_SHOWN)
        return;
    worst->count += worst->count < WORST_SHOWN;
    for (int i = worst->count - 1; i > place; i--)
        worst->shown[i] = worst->shown[i - 1];
    worst->shown[place] = *wrong;
}

static double share_of(double err, double tolerance)
{
    return isnan(err) ? (double)INFINITY : err == 0 ? 0 : err / tolerance;
}

static void find_elements(struct worst *worst, const struct judged_record *record)
{
    const struct judged_output *judged = record->judged;
    const struct tolerance *tolerance = &record->judging->criterion.tolerance;
    for (int64_t i = 0; i < (int64_t)judged->truth.num_rows * judged->truth.head_dim; i++) {
        float out;
        dtype_widen(record->problem->dtype, judged->output.out, (size_t)i, 1, &out);
        struct comparison compared = judge_element((double)out, &judged->truth, (size_t)i, tolerance);
        double truth = judged->truth.value[i];
        const struct wrong wrong = {i, (double)out, truth, compared.err,
                                    share_of(compared.err, tolerance->atol + tolerance->rtol * fabs(truth))};
        if (compared.mismatched)
            offer(worst, &wrong);
    }
}

static void find_lse(struct worst *worst, const struct judged_record *record)
{
    const struct judged_output *judged = record->judged;
    const struct tolerance *tolerance = &record->judging->criterion.tolerance;
    for (int64_t r = 0; judged->output.lse && r < judged->truth.num_rows; r++) {
        double lse = (double)judged->output.lse[r], truth = judged->truth.lse[r];
        struct comparison compared = judge_lse(lse, &judged->truth, (size_t)r, tolerance);
        const struct wrong wrong = {r, lse, truth, compared.err,
                                    share_of(compared.err, tolerance_lse(tolerance, truth))};
        if (compared.mismatched)
            offer(worst, &wrong);
    }
}

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

static void print_elements(FILE *stream, const struct judged_record *record)
{
    struct worst worst = {.count = 0};
    int64_t dim = record->problem->head_dim, heads = record->problem->num_heads;
    find_elements(&worst, record);
    if (worst.count > 0)
        fprintf(stream, "  the worst elements:\n  %7s %6s %5s %15s %15s %10s %10s\n", "query", "head", "dim", "out",
                "truth", "error", "ulp");
    for (int i = 0; i < worst.count; i++) {
        const struct wrong *wrong = &worst.shown[i];
        double ulp =
            isfinite(wrong->truth) ? wrong->err / dtype_ulp(record->problem->dtype, wrong->truth) : (double)NAN;
        fprintf(stream, "  %7" PRId64 " %6" PRId64 " %5" PRId64 " %15.9g %15.9g %10.3g %10.3g\n",
                wrong->at / dim / heads, wrong->at / dim % heads, wrong->at % dim, plain(wrong->out),
                plain(wrong->truth), plain(wrong->err), plain(ulp));
    }
    worst.count = 0;
    find_lse(&worst, record);
    if (worst.count > 0)
        fprintf(stream, "  the worst lse:\n  %7s %6s %5s %15s %15s %10s\n", "query", "head", "", "lse", "truth",
                "nats");
    for (int i = 0; i < worst.count; i++) {
        const struct wrong *wrong = &worst.shown[i];
        fprintf(stream, "  %7" PRId64 " %6" PRId64 " %5s %15.9g %15.9g %10.3g\n", wrong->at / heads, wrong->at % heads,
                "", plain(wrong->out), plain(wrong->truth), plain(wrong->err));
    }
}

/* What is to be done about an output whose kernel nobody can replay. */
static const char *remedy_of(const struct judged_record *record)
{
    const struct signature_finding *finding = &record->judged->finding;
    if (finding->signature != SIGNATURE_UNKNOWN)
        return finding->remedy ? finding->remedy : signature_remedy(finding->signature);
    if (record->judged->contract.named)
        return "It is right under the contract above.";
    return "See what its worst element is made of: write a bundle, and alibicheck judge BUNDLE --explain.";
}

static void print_cause(FILE *stream, const struct judged_record *record)
{
    const struct signature_finding *finding = &record->judged->finding;
    if (finding->signature == SIGNATURE_NONE)
        return;
    fprintf(stream, "  cause: %s%s%s", signature_names[finding->signature], finding->detail[0] ? ": " : "",
            finding->detail);
    if (finding->num_rows_examined > 0)
        fprintf(stream, " (%d of %d %s examined)", finding->num_rows_explained, finding->num_rows_examined,
                problem_spec_queries(record->problem) > 1 ? "rows" : "heads");
    fprintf(stream, "\n    %s %s\n", signature_meaning(finding->signature), remedy_of(record));
}

static bool row_is_wrong(const struct metrics *row)
{
    return row->mismatched > 0 || row->lse_off > 0;
}

static void print_rows(FILE *stream, const struct judged_record *record)
{
    const struct verdict *verdict = &record->judged->verdict;
    int heads = record->problem->num_heads, wrong = 0, shown = 0;
    for (int r = 0; r < verdict->num_rows; r++)
        wrong += row_is_wrong(&verdict->rows[r]);
    if (wrong == 0)
        return;
    fprintf(stream, "  %d of %d %s wrong%s:\n  %7s %6s %5s %15s %15s %10s %10s\n", wrong, verdict->num_rows,
            problem_spec_queries(record->problem) > 1 ? "rows, a query and a head, are" : "heads are",
            wrong > ROWS_SHOWN ? ", the first of them" : "", "query", "head", "", "elements wrong", "max error",
            "max ulp", "lse nats");
    for (int r = 0; r < verdict->num_rows && shown < ROWS_SHOWN; r++) {
        const struct metrics *row = &verdict->rows[r];
        char lse[METRIC_TEXT_SIZE];
        if (!row_is_wrong(row))
            continue;
        fprintf(stream, "  %7d %6d %5s %15" PRId64 " %15.3g %10.3g %10s\n", r / heads, r % heads, "", row->mismatched,
                plain(row->max_abs_err), plain(row->max_ulp_err), metric_format(lse, METRIC_MAX_LSE_ERR, row));
        shown++;
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

/* "  class f32: the tightest arithmetic that explains the error". */
static void print_class(FILE *stream, const struct judged_record *record)
{
    char found[CLASS_NAME_SIZE], asked[CLASS_NAME_SIZE];
    fprintf(stream, "  class: %s", class_name(found, &record->judged->class_of_all));
    if (judged_out_of_class(record->judging, record->judged))
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
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return NULL;
    print_first_line(stream, record);
    print_elements(stream, record);
    print_class(stream, record);
    print_contract(stream, record);
    print_cause(stream, record);
    print_rows(stream, record);
    print_other(stream, record);
    bool complete = !ferror(stream);
    if (fclose(stream) == 0 && complete)
        return text;
    free(text);
    return NULL;
}
