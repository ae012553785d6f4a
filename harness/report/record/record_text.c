/* A record in words: how to run it again, what became of its comparisons, how it failed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_bugs.h"
#include "harness/judge/cause/signature_info.h"
#include "harness/report/record/record.h"
#include "harness/support/text.h"
#include "harness/support/text_stream.h"

static bool put_options(FILE *stream, const char *option, const char *const *values, size_t count, bool always_quote)
{
    bool complete = true;
    for (size_t i = 0; complete && i < count; i++) {
        char *value = text_shell_quote(values[i], always_quote);
        complete = value && fprintf(stream, "%s%s", option, value) > 0;
        free(value);
    }
    return complete;
}

char *record_reproduce(const struct record *record, const char *more)
{
    char key[POINT_KEY_SIZE], *line = NULL;
    if (record->point->given)
        return asprintf(&line, "%s%s", record->point->given->command, more) < 0 ? NULL : line;
    const struct test_case *test_case = record->point->test_case;
    bool from_input = case_from_standard_input(test_case);
    const char *path = record->of_axes ? "" : from_input ? "-" : case_path(test_case);
    char *file = *path ? text_shell_quote(path, false) : strdup("");
    char *only = text_shell_quote(point_key(key, record->point), true);
    const char *here = path[0] == '-' && !from_input ? "./" : ""; /* else it would be read as an option */
    size_t size;
    FILE *stream = text_stream_open(&line, &size);
    bool complete = file && only && stream;
    if (complete)
        fprintf(stream, "alibicheck %s %s%s%s--only %s", record->of_axes ? "sweep" : "run", here, file,
                *path ? " " : "", only);
    complete = complete && put_options(stream, " --recipes=", record->recipes, record->num_recipes, false) &&
               put_options(stream, " --set ", record->settings, record->num_settings, true) &&
               fputs(record->foreign_option ? record->foreign_option : "", stream) >= 0 &&
               fprintf(stream, "%s%s", more, from_input ? " <CASE # the text that standard input had" : "") >= 0;
    free(only);
    free(file);
    if (stream && fclose(stream))
        complete = false;
    if (!complete) {
        free(line);
        line = NULL;
    }
    return line;
}

char *record_references(const struct record *record, const char *indent, bool all)
{
    char *text = NULL;
    size_t size;
    FILE *stream = text_stream_open(&text, &size);
    for (int kind = 0; stream && record->faults && kind < BASELINE_COUNT; kind++) {
        const struct fault *fault = &record->faults[kind];
        if (!(record->point->baselines >> kind & 1) || !(all || fault->total.mismatched || fault->truth.mismatched))
            continue;
        fprintf(stream, "%sagainst %s: ", indent, baselines[kind].name);
        fault_print(stream, fault, fault_side_names);
        fprintf(stream, "\n");
    }
    if (stream && record->other) {
        static const char *const sides[FAULT_SIDE_COUNT] = {"out", "other", "both"};
        fprintf(stream, "%sagainst other: ", indent);
        fault_print(stream, record->other, sides);
        fprintf(stream, "\n");
    }
    if (stream && fclose(stream) == 0)
        return text;
    free(text);
    return NULL;
}

/* What is wrong is said whatever judges; what is beyond its bound only where that judges. */
static void print_notes(FILE *stream, const char *separator, const struct criterion *criterion,
                        const struct metrics *total)
{
    static const enum metric counts[] = {METRIC_NAN,       METRIC_INF,           METRIC_UNWRITTEN,
                                         METRIC_UNBOUNDED, METRIC_LSE_UNBOUNDED, METRIC_UNDECIDED};
    char text[METRIC_TEXT_SIZE], phrase[METRIC_PHRASE_SIZE];
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (metric_value(counts[i], total) == 0)
            continue;
        fprintf(stream, "%s%s %s", separator, metric_format(text, counts[i], total), metric_table[counts[i]].title);
        separator = ", ";
    }
    if (criterion_lse_off(total)) {
        fprintf(stream, "%s%lld lse %s", separator, (long long)total->lse_off,
                metric_say_lse_off(phrase, total->max_lse_err));
        separator = ", ";
    }
    if (criterion->mode == JUDGE_TOLERANCE)
        return;
    if (criterion_out_beyond(criterion, total)) {
        fprintf(stream, "%sout %s", separator, metric_say_beyond(phrase, total->budget_used));
        separator = ", ";
    }
    if (criterion_lse_beyond(criterion, total))
        fprintf(stream, "%slse %s", separator, metric_say_beyond(phrase, total->lse_budget_used));
}

char *record_format_error(char *text, const struct record *record, enum metric metric)
{
    double err = record->verdict->total.max_abs_err;
    if (record->verdict->total.nan > 0 && !isinf(err)) /* which the largest of the other errors would hide */
        return strcpy(text, "nan");
    if (err > 0 && record->truth && err <= truth_max_radius(record->truth))
        return strcpy(text, "~0");
    return metric_format(text, metric, &record->verdict->total);
}

char *record_say_largest(char *text, const struct record *record, bool ulp)
{
    const struct metrics *total = &record->verdict->total;
    char max_abs_err[METRIC_TEXT_SIZE], max_ulp_err[METRIC_TEXT_SIZE];
    const char *words =
        metric_say_not_finite(total->nan > 0 && !isinf(total->max_abs_err) ? (double)NAN : total->max_abs_err);
    if (words)
        return strcpy(text, words);
    snprintf(text, RECORD_LARGEST_SIZE, "max abs err %s%s%s",
             record_format_error(max_abs_err, record, METRIC_MAX_ABS_ERR), ulp ? ", max ulp err " : "",
             ulp ? record_format_error(max_ulp_err, record, METRIC_MAX_ULP_ERR) : "");
    return text;
}

/* Of what a bundle without k and v says. */
static const char claimed[] = "truth as the bundle has it",
                  claimed_with_cause[] = "truth and cause as the bundle has them";

/* The note that follows what was noted before. */
__attribute__((format(printf, 3, 4))) static void add_note(FILE *stream, bool *noted, const char *format, ...)
{
    va_list arguments;
    fputs(*noted ? "; " : "", stream);
    *noted = true;
    va_start(arguments, format);
    vfprintf(stream, format, arguments);
    va_end(arguments);
}

char *record_notes(const struct record *record)
{
    char *text = NULL;
    size_t size;
    FILE *stream = text_stream_open(&text, &size);
    if (!stream)
        return NULL;
    const struct given *given = record->point->given;
    const char *scales = given ? unsaid_scales[given->scales].note : NULL;
    bool noted = false;
    const char *failure = record->launch_failure && *record->launch_failure ? record->launch_failure : NULL;
    if (record_in_parts(record))
        add_note(stream, &noted, "launched in parts%s%s", failure ? ", after " : "", failure ? failure : "");
    else if (failure)
        add_note(stream, &noted, "launched on keys of the host's, after %s", failure);
    if (record_claim(record))
        add_note(stream, &noted, "%s", record_cause_is_claimed(record) ? claimed_with_cause : claimed);
    if (given && given->claim && given->claim->by_oracle)
        add_note(stream, &noted, "the run that wrote it failed by an oracle alone (%s), which no output shows",
                 given->claim->by_oracle);
    if (scales)
        add_note(stream, &noted, "%s", scales);
    if (given && given->sample.judged)
        add_note(stream, &noted, "sampled %lld of %lld rows", (long long)given->sample.rows,
                 (long long)given->sample.of);
    if (record->verdict && !record->is_unanswered)
        print_notes(stream, noted ? ", " : "", &record->point->criterion, &record->verdict->total);
    if (fclose(stream) == 0)
        return text;
    free(text);
    return NULL;
}

/* Who reads of the record. Pipes that were inherited lead to a function of whoever has begun the run. */
static enum remedy_reader reader_of(const struct record *record)
{
    static const char pipes[] = " --kernel-pipes";
    if (record->point->given)
        return REMEDY_FOR_OUTPUT;
    if (!record->point->foreign)
        return REMEDY_FOR_KERNEL;
    return record->foreign_option && strncmp(record->foreign_option, pipes, strlen(pipes)) != 0 ? REMEDY_FOR_PLUGIN
                                                                                                : REMEDY_FOR_FUNCTION;
}

/* Of what can be run again, and was looked at once. */
static const char without_oracles[] =
    "{look}. `--set oracles=all` runs it on changed copies of the problem as well, which tell more.";

/* Whether a kernel is beyond the bound of the arithmetic that it says, within its tolerance, and a single rounding more
 * explains it: several may hide other faults. */
static bool rounds_more_than_it_says(const struct record *record)
{
    const struct point *point = record->point;
    const struct metrics *total = &record->verdict->total;
    return !point->given && point->foreign_arithmetic && *point->foreign_arithmetic && !criterion_out_off(total) &&
           !criterion_lse_off(total) && criterion_out_beyond(&point->criterion, total) &&
           !criterion_lse_beyond(&point->criterion, total) && record->classes && record->classes->num_rows > 0 &&
           record->class_of_all->outcome == CLASS_FOUND && !class_is_coarse(record->class_of_all) &&
           !(record->contract && record->contract->num_fits > 0);
}

static const char more_than_it_says[] = "A rounding beyond the arithmetic that the kernel declares would explain it, "
                                        "as its class says: do that step in f32, "
                                        "or declare the class, if it is meant.";

/* Whether a kernel is outside its tolerance, and within the bound of the arithmetic that it says, which nothing else
 * that was seen contradicts. Its failure has no name where errors have a direction, as those of a row's few keys have.
 */
static bool rounds_as_it_says(const struct record *record)
{
    const struct point *point = record->point;
    const struct metrics *total = &record->verdict->total;
    return !point->given && point->foreign_arithmetic && *point->foreign_arithmetic && total->budget_used <= 1 &&
           !(total->lse_budget_used > 1) && total->unbounded + total->lse_unbounded + total->nan + total->inf == 0 &&
           total->unwritten == 0 && !(record->oracles && oracles_violated_mask(record->oracles) != 0) &&
           !(record->contract && record->contract->num_fits > 0);
}

static const char as_much_as_it_says[] =
    "It is no further off than the arithmetic that the kernel declares may be by its "
    "roundings: {within-bound}. Hold more in f32, or allow for it in the tolerance.";

/* Of zeros that are no matter of low logits. */
static const char zeros_of_nan[] =
    "What stands in slots without a visible key changes the result (oracle masked_slots): a NaN that is read there "
    "may become 0 in a guard such as l > 0. Read no slot behind the last key, or whose key is masked.";

static bool reads_masked_slots(const struct record *record)
{
    return record->oracles && oracles_violated_mask(record->oracles) >> ORACLE_MASKED_SLOTS & 1;
}

static const char *remedy_of(const struct record *record)
{
    const struct signature_finding *finding = record->finding;
    const struct given *given = record->point->given;
    if (finding->signature == SIGNATURE_SILENT_ZERO && reads_masked_slots(record))
        return zeros_of_nan;
    if (given && given->sample.judged)
        return finding->remedy;
    if (finding->signature == SIGNATURE_UNKNOWN && record->contract && record->contract->named)
        return "It is right under the contract above.";
    if (record_claim(record) && finding->signature == SIGNATURE_UNKNOWN)
        return finding->remedy && !record_cause_is_claimed(record)
                   ? finding->remedy
                   : "With --q, --k and --v, --explain says what its worst element is made of.";
    if (given && given->has_recipe && finding->signature == SIGNATURE_UNKNOWN &&
        !criterion_out_off(&record->verdict->total) && !criterion_lse_off(&record->verdict->total))
        return "It may be made with other operations than --recipe says, or in another order: the class says with "
               "which.";
    if (finding->signature == SIGNATURE_UNKNOWN && rounds_more_than_it_says(record))
        return more_than_it_says;
    if (finding->signature == SIGNATURE_UNKNOWN && rounds_as_it_says(record))
        return as_much_as_it_says;
    if (!given && finding->signature == SIGNATURE_UNKNOWN && record->point->oracles == 0)
        return without_oracles;
    return finding->remedy ? finding->remedy : signature_remedy(finding->signature);
}

/* "signature leak: DETAIL (3 of 4 heads examined)", and of a failure that nobody expected what it means and takes. */
static bool print_finding(FILE *stream, const char *indent, const struct record *record, bool explained)
{
    const struct signature_finding *finding = record->finding;
    enum signature signature = finding->signature;
    bool brief = !explained || status_as_expected(record->outcome.status);
    bool of_queries = problem_spec_queries(&record->point->problem) > 1;
    bool untried = (record->point->given && record->point->given->sample.judged) ||
                   (record_claim(record) && !record_cause_is_claimed(record)); /* no failure mode was */
    char rows[EXAMINED_SIZE], remedy[REMEDY_SIZE];
    if (signature == SIGNATURE_NONE)
        return true;
    signature_examined(rows, signature != SIGNATURE_UNKNOWN, finding->num_rows_explained, finding->num_rows_examined,
                       of_queries);
    bool named = fprintf(stream, "%ssignature %s%s%s%s\n", indent, signature_names[signature],
                         finding->detail[0] ? ": " : "", finding->detail, rows) > 0;
    if (!brief && record_oracles_alone(record))
        return fprintf(stream, "%s  %s\n", indent, record_oracles_alone_meanings[record_oracles_alone(record)]) > 0 &&
               named;
    return named &&
           (brief || fprintf(stream, "%s  %s%s%s\n", indent, untried ? "" : signature_meaning(signature),
                             untried ? "" : " ", remedy_for(remedy, remedy_of(record), reader_of(record))) > 0);
}

enum { CLASSES_SHOWN = 3 };

/* "class f32+weights16, where f32 is asked: row 3", of a point that fails. */
static bool print_class(FILE *stream, const char *indent, const struct record *record)
{
    char found[CLASS_NAME_SIZE], asked[CLASS_NAME_SIZE];
    const struct point *point = record->point;
    if (record->classes->num_rows == 0)
        return true;
    const struct class_whole *whole = record->class_of_all;
    bool printed = fprintf(stream, "%sclass %s", indent, class_name(found, whole)) > 0;
    for (int i = 1; i < whole->num_minimal && i < CLASSES_SHOWN && printed; i++)
        printed =
            fprintf(stream, " or %s", class_format(found, &(struct arithmetic_class){false, whole->minimal[i]})) > 0;
    if (!printed)
        return false;
    if (class_is_missed(record->classes, &point->demand)) {
        int row = 0, heads = point->problem.num_heads;
        class_stands(record->classes, &point->demand.arithmetic, &row);
        if (fprintf(stream, ", where %s is asked for: head %d", class_format(asked, &point->demand.arithmetic),
                    row % heads) < 0 ||
            (problem_spec_queries(&point->problem) > 1 && fprintf(stream, " of query %d", row / heads) < 0))
            return false;
    }
    return fprintf(stream, "\n") > 0;
}

/* What is to be done about a contract, or about both of a pair. */
static bool print_remedies(FILE *stream, const char *indent, const struct contract_fit *fit)
{
    return fprintf(stream, "%s  %s\n", indent, fit->remedy) > 0 &&
           (!fit->remedy_too || fprintf(stream, "%s  %s\n", indent, fit->remedy_too) > 0);
}

/* "right under: SENTENCE (class f32)" with what to do, or the contracts among which the output does not decide. */
static bool print_contract(FILE *stream, const char *indent, const struct record *record, bool explained)
{
    const struct contract_finding *contract = record->contract;
    bool complete = true;
    for (int i = 0; i < contract->num_fits && i < CONTRACT_FITS_MAX && complete; i++) {
        const struct contract_fit *fit = &contract->fits[i];
        complete =
            fprintf(stream, "%s%s %s (class %s)\n", indent,
                    contract->named ? "right under:" : "would be right under:", fit->text, fit->class_name) > 0 &&
            (!explained || !contract->named || print_remedies(stream, indent, fit));
    }
    return complete;
}

static const char *bugs_of_case(const struct record *record)
{
    const struct point *point = record->point;
    return !point->given && point->test_case ? case_known_bugs(point->test_case) : NULL;
}

/* That the kernel crashed, ended or refused says nothing of its bugs. */
static bool has_not_run(const struct record *record)
{
    return record->finding && record->finding->signature == SIGNATURE_NO_ANSWER;
}

/* What known bugs are told by. name: CLASS_NAME_SIZE, which outlives it. */
static struct seen_failure seen_in(const struct record *record, char *name)
{
    return (struct seen_failure){
        .signature = record->finding->signature,
        .detail = record->finding->detail,
        .contract = record->contract,
        .arithmetic = record->classes && record->class_of_all ? class_name(name, record->class_of_all) : NULL,
        .violated = record->oracles ? oracles_violated_mask(record->oracles) : 0,
        .dtype = record->point->problem.dtype,
    };
}

/* The best fit of a bug of its case; a failure that nothing is known of but where it is fits by its signature. */
static enum bugs_fit bugs_fit_of(const struct record *record)
{
    enum status status = record->outcome.status;
    if ((status != STATUS_FAIL && status != STATUS_XFAIL) || !record->finding || has_not_run(record))
        return BUGS_NONE;
    char name[CLASS_NAME_SIZE];
    const struct seen_failure seen = seen_in(record, name);
    return known_bugs_fit(bugs_of_case(record), &seen);
}

bool record_known_bugs(char **bugs, const struct record *record)
{
    size_t size;
    enum bugs_fit fit = bugs_fit_of(record);
    *bugs = NULL;
    if (fit == BUGS_NONE || (fit == BUGS_BY_SIGNATURE && record->finding->signature == SIGNATURE_UNKNOWN))
        return true;
    FILE *stream = text_stream_open(bugs, &size);
    char name[CLASS_NAME_SIZE];
    const struct seen_failure seen = seen_in(record, name);
    bool complete = stream && known_bugs_print(stream, bugs_of_case(record), &seen, fit);
    if (stream && fclose(stream) == 0 && complete)
        return true;
    free(*bugs);
    *bugs = NULL;
    return false;
}

/* "known bugs that fail so here: K2 K5", or, where none does, how those fail that the case names:
 * "nan: K20 K86". */
static bool print_known_bugs(FILE *stream, const char *indent, const struct record *record)
{
    const char *all = bugs_of_case(record);
    enum bugs_fit fit = bugs_fit_of(record);
    if (record->outcome.status != STATUS_FAIL || !all || has_not_run(record))
        return true;
    if (fit == BUGS_NONE)
        return fprintf(stream, "%sno known bug fails so here; those that are known fail otherwise: ", indent) > 0 &&
               known_bugs_print_all(stream, all) && fprintf(stream, "\n") > 0;
    char name[CLASS_NAME_SIZE];
    const struct seen_failure seen = seen_in(record, name);
    bool by_place = fit == BUGS_BY_SIGNATURE && seen.signature == SIGNATURE_UNKNOWN;
    return fprintf(stream, "%s%s ", indent,
                   by_place ? "a failure without a name here may be" : "known bugs that fail so here:") > 0 &&
           known_bugs_print(stream, all, &seen, fit) && fprintf(stream, "\n") > 0;
}

/* Whether the contract is the better answer of the two: it is the one that the kernel took, or the failure has no other
 * name. Contracts that merely fit as well stand behind a name. */
static bool leads_with_contract(const struct record *record)
{
    const bool has_name = record->finding && record->finding->signature != SIGNATURE_NONE &&
                          record->finding->signature != SIGNATURE_UNKNOWN;
    return record->contract && (record->contract->named || !has_name);
}

char *record_findings(const struct record *record, const char *indent, bool explained)
{
    char *text = NULL;
    size_t size;
    FILE *stream = text_stream_open(&text, &size);
    const bool first = leads_with_contract(record);
    bool complete = stream && (!record->classes || print_class(stream, indent, record));
    complete = complete && (!first || print_contract(stream, indent, record, explained));
    complete = complete && (!record->finding || print_finding(stream, indent, record, explained));
    complete = complete && (first || !record->contract || print_contract(stream, indent, record, explained));
    for (int o = 0; complete && record->oracles && o < ORACLE_COUNT; o++)
        if (record->oracles->outcome[o] == ORACLE_VIOLATED)
            complete =
                fprintf(stream, "%soracle %s violated: %s\n", indent, oracle_names[o], record->oracles->detail[o]) > 0;
    complete = complete && print_known_bugs(stream, indent, record);
    complete = stream && fclose(stream) == 0 && complete;
    if (complete)
        return text;
    free(text);
    return NULL;
}
