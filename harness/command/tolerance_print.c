#include "harness/command/tolerance_answer.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "harness/judge/contract/planted.h"
#include "harness/support/json_line.h"
#include "harness/support/json_value.h"

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void print_rule(const struct rule *rule)
{
    printf("  rule:");
    if (rule->by_elements) {
        static const char *const words[RULE_COMBINE_COUNT] = {
            [RULE_SUM] = "+", [RULE_EITHER] = "or", [RULE_BOTH] = "and"};
        printf(" atol %g %s rtol %g |truth|", rule->atol, words[rule->combine], rule->rtol);
        if (rule->ratio < 1)
            printf(" for %g%% of the elements", 100 * rule->ratio);
    }
    if (!isnan(rule->cosine))
        printf(" cosine >= %.9g", rule->cosine);
    if (!isnan(rule->nmse))
        printf(" nmse <= %g", rule->nmse);
    if (!isnan(rule->norm))
        printf(" relative norm <= %g", rule->norm);
    if (!isnan(rule->lse))
        printf(" lse %g", rule->lse);
    if (!isnan(rule->lse) && rule->lse_relative > 0)
        printf(" + %.2g |lse|", rule->lse_relative);
    printf("\n");
}

/* Which way a limit is rounded, so that whoever takes it as it is printed has what is said of it. */
enum rounded { TO_ALLOW_MORE, TO_ALLOW_LESS };

/* A number of `digits` digits, never below it, or never above it. */
static void print_rounded(const char *name, double number, int digits, bool up)
{
    char text[32];
    snprintf(text, sizeof text, "%.*g", digits, number);
    double printed = strtod(text, NULL);
    if (isfinite(number) && number != 0 && (up ? printed < number : printed > number)) {
        double step = pow(10, floor(log10(fabs(number))) + 1 - digits); /* of the last digit */
        snprintf(text, sizeof text, "%.*g", digits, number + (up ? step : -step) / 2);
    }
    printf("%s %s", name, text);
}

/* What the rule allows, times a factor. */
static void print_limits(const struct rule *rule, double factor, enum rounded rounded)
{
    const char *comma = "";
    bool up = rounded == TO_ALLOW_MORE;
    if (rule->by_elements) {
        print_rounded("atol", rule->atol * factor, 3, up);
        print_rounded(", rtol", rule->rtol * factor, 3, up);
        comma = ", ";
    }
    if (!isnan(rule->cosine)) {
        printf("%s", comma);
        print_rounded("cosine", fmax(1 - (1 - rule->cosine) * factor, -1), 9, !up);
        comma = ", ";
    }
    if (!isnan(rule->nmse)) {
        printf("%s", comma);
        print_rounded("nmse", rule->nmse * factor, 3, up);
        comma = ", ";
    }
    if (!isnan(rule->norm)) {
        printf("%s", comma);
        print_rounded("relative norm", rule->norm * factor, 3, up);
        comma = ", ";
    }
    if (!isnan(rule->lse)) {
        printf("%s", comma);
        print_rounded("lse", rule->lse * factor, 3, up);
    }
}

static void print_header(const struct rule *rule)
{
    printf("  %-24s %10s %10s %12s %10s", "fault", "max error", "refused", "cosine", "nmse");
    printf("%s %10s\n", isnan(rule->lse) ? "" : "  lse error", "needs");
}

static void print_answer(const struct rule *rule, const struct answer *answer, const char *word)
{
    const struct rule_figures *figures = &answer->figures;
    char refused[32] = "-";
    if (rule->by_elements)
        snprintf(refused, sizeof refused, "%.1f%%",
                 100 * (double)(figures->elements - figures->accepted) /
                     (double)(figures->elements > 0 ? figures->elements : 1));
    printf("  %-24s %10.3g %10s %12.6g %10.3g", answer->name, figures->max_abs, refused, figures->cosine,
           figures->nmse);
    if (!isnan(rule->lse))
        printf(" %10.3g", figures->lse);
    printf(" %10.3g   %s\n", figures->needed, word);
}

/* "WHAT: NAME, NAME." of the faults with an effect, if there are any. */
static void print_faults_with(const struct answers *answers, enum fault_effect effect, const char *what)
{
    int count = 0;
    for (int i = 0; i < num_planted_faults; i++)
        if (answers->faults[i].effect == effect)
            printf("%s%s", count++ ? ", " : what, answers->faults[i].name);
    printf("%s", count ? ".\n" : "");
}

static bool is_untold(const struct answer *fault, const struct answer *class)
{
    return fault->effect == FAULT_COUNTS && !class->is_none && fault->figures.needed <= class->figures.needed;
}

/* Faults that no rule of this form tells from sound arithmetic: it would have to accept them. */
static int print_untold(const struct answers *answers)
{
    int untold = 0;
    for (int i = 0; i < num_planted_faults; i++) {
        if (!is_untold(&answers->faults[i], answers->sought))
            continue;
        if (untold++ == 0)
            printf("  No rule of this form tells from sound %s: ", answers->sought->name);
        else
            printf(", ");
        printf("%s", answers->faults[i].name);
    }
    printf("%s", untold ? ".\n" : "");
    return untold;
}

/* Of which classes the loosest rule accepts all that is sound, and of which not. */
static void print_holding(const struct answers *answers)
{
    int holds = 0, refuses = 0;
    for (int i = 0; i < answers->num_sound; i++)
        if (!answers->sound[i].is_none && answers->sound[i].figures.needed < answers->least_fault)
            printf("%s%s", holds++ ? ", " : "  It accepts all that is sound of ", answers->sound[i].name);
    for (int i = 0; i < answers->num_sound; i++)
        if (answers->sound[i].is_none || answers->sound[i].figures.needed >= answers->least_fault)
            printf("%s%s",
                   refuses++ ? ", "
                   : holds   ? "; it may refuse "
                             : "  It may refuse what is sound of ",
                   answers->sound[i].name);
    printf("%s", holds || refuses ? ".\n" : "");
}

static void print_loosest(const struct asking *asking, const struct answers *answers)
{
    int untold = print_untold(answers);
    const char *which = untold ? "all others" : "all";
    if (untold == answers->num_faults)
        return;
    if (isinf(answers->least_fault)) {
        printf("  However loose, a rule of this form refuses %s.\n", which);
        return;
    }
    printf("  The loosest that refuses %s: just below ", which);
    print_limits(&asking->rule, answers->least_fault, TO_ALLOW_LESS);
    printf(" (%s).\n", answers->least_name);
    print_holding(answers);
}

/* What would have to be allowed; "WHO WORD LIMITS TAIL". Of a rule that allows nothing there is no multiple that does.
 */
static void print_needed(const struct rule *rule, double needed, const char *who, const char *word, const char *tail)
{
    if (isinf(needed)) {
        printf("  No multiple of this rule accepts %s%s.\n", who, tail);
        return;
    }
    printf("  %c%s %s ", toupper((unsigned char)who[0]), who + 1, word);
    print_limits(rule, needed, TO_ALLOW_MORE);
    printf("%s.\n", tail);
}

static void print_advice(const struct asking *asking, const struct answers *answers)
{
    const struct answer *sought = answers->sought;
    char who[CLASS_NAME_SIZE + 8], tail[32];
    print_faults_with(answers, FAULT_UNCHANGED, "  Changes nothing here, and is not counted: ");
    print_faults_with(answers, FAULT_OF_LSE, "  Changes lse alone, which a rule without --lse lets pass: ");
    if (answers->num_faults == 0)
        printf("  No fault changes the result of this problem: it says nothing of a rule.\n");
    else
        printf("  The rule lets %d of %d faults pass.\n", answers->num_accepted, answers->num_faults);
    if (sought->is_none) {
        printf("  Nothing is promised of sound %s here: no rule can be advised.\n", sought->name);
    } else {
        if (answers->num_faults > 0)
            print_loosest(asking, answers);
        snprintf(who, sizeof who, "sound %s", sought->name);
        print_needed(&asking->rule, sought->figures.needed, who, "may need", ", whatever the order of its sums");
    }
    if (isnan(answers->seen))
        return;
    snprintf(tail, sizeof tail, " on %d seed%s", answers->seeds, answers->seeds == 1 ? "" : "s");
    print_needed(&asking->rule, answers->seen, "the point's own kernel", "needs", tail);
}

static void print_text(const struct asking *asking, const struct answers *answers)
{
    char key[POINT_KEY_SIZE];
    printf("%s\n", point_key(key, asking->point));
    print_rule(&asking->rule);
    print_header(&asking->rule);
    for (int i = 0; i < num_planted_faults; i++)
        if (answers->faults[i].effect == FAULT_COUNTS)
            print_answer(&asking->rule, &answers->faults[i], answers->faults[i].accepted ? "PASSES" : "refused");
    printf("  sound, at its bound\n");
    for (int i = 0; i < answers->num_sound; i++) {
        const struct answer *sound = &answers->sound[i];
        if (sound->is_none)
            printf("  %-24s nothing is promised\n", sound->name);
        else
            print_answer(&asking->rule, sound, sound->accepted ? "accepted" : "MAY BE REFUSED");
    }
    print_advice(asking, answers);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *json_or_null(double number)
{
    return isnan(number) ? json_null() : json_from_double(number);
}

static json_t *json_from_answer(const struct rule *rule, const struct answer *answer)
{
    const struct rule_figures *figures = &answer->figures;
    return json_pack("{s:s, s:b, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", answer->name, "accepted",
                     (int)answer->accepted, "elements", (json_int_t)figures->elements, "within",
                     rule->by_elements ? json_integer((json_int_t)figures->accepted) : json_null(), "max_abs",
                     json_from_double(figures->max_abs), "max_rel", json_from_double(figures->max_rel), "cosine",
                     json_or_null(figures->cosine), "nmse", json_from_double(figures->nmse), "norm",
                     json_from_double(figures->norm), "lse",
                     isnan(rule->lse) ? json_null() : json_from_double(figures->lse), "needs",
                     json_from_double(figures->needed));
}

static json_t *json_from_faults(const struct rule *rule, const struct answers *answers)
{
    json_t *list = json_array();
    for (int i = 0; i < num_planted_faults; i++)
        if (answers->faults[i].effect == FAULT_COUNTS &&
            json_array_append_new(list, json_from_answer(rule, &answers->faults[i])))
            return json_finish(list, false);
    return list;
}

static json_t *json_from_names(const struct answers *answers, enum fault_effect effect)
{
    json_t *list = json_array();
    for (int i = 0; i < num_planted_faults; i++)
        if (answers->faults[i].effect == effect && json_array_append_new(list, json_string(answers->faults[i].name)))
            return json_finish(list, false);
    return list;
}

static json_t *json_from_sound(const struct rule *rule, const struct answers *answers)
{
    json_t *list = json_array();
    for (int i = 0; i < answers->num_sound; i++)
        if (!answers->sound[i].is_none && json_array_append_new(list, json_from_answer(rule, &answers->sound[i])))
            return json_finish(list, false);
    return list;
}

static json_t *json_from_rule(const struct rule *rule)
{
    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "atol",
                     rule->by_elements ? json_from_double(rule->atol) : json_null(), "rtol",
                     rule->by_elements ? json_from_double(rule->rtol) : json_null(), "combine",
                     rule_combine_names[rule->combine], "ratio", json_from_double(rule->ratio), "cosine",
                     json_or_null(rule->cosine), "nmse", json_or_null(rule->nmse), "norm", json_or_null(rule->norm),
                     "lse", json_or_null(rule->lse), "lse_relative",
                     isnan(rule->lse) ? json_null() : json_from_double(rule->lse_relative));
}

static enum error_kind print_json(const struct asking *asking, const struct answers *answers, struct error *error)
{
    char key[POINT_KEY_SIZE];
    const struct rule *rule = &asking->rule;
    json_t *object = json_pack(
        "{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "key", point_key(key, asking->point), "rule",
        json_from_rule(rule), "class", answers->sought->name, "faults", json_from_faults(rule, answers), "unchanged",
        json_from_names(answers, FAULT_UNCHANGED), "of_lse", json_from_names(answers, FAULT_OF_LSE), "sound",
        json_from_sound(rule, answers), "least_fault", json_from_double(answers->least_fault), "most_sound",
        answers->sought->is_none ? json_null() : json_from_double(answers->sought->figures.needed), "seen",
        json_or_null(answers->seen), "seeds", answers->seeds);
    return json_line_print(object, "an answer as JSON", error);
}

enum error_kind tolerance_print(const struct asking *asking, const struct answers *answers, struct error *error)
{
    if (asking->options->json)
        return print_json(asking, answers, error);
    print_text(asking, answers);
    return ERROR_NONE;
}
