#include "harness/judge/rule/rule.h"

#include <math.h>
#include <stdlib.h>

const char *const rule_combine_names[RULE_COMBINE_COUNT] = {
    [RULE_SUM] = "sum", [RULE_EITHER] = "either", [RULE_BOTH] = "both"};

static double ratio_of(double off, double allowed)
{
    return off == 0 ? 0 : allowed > 0 ? off / allowed : INFINITY;
}

/* What atol and rtol have to be multiplied by for the element to be accepted. */
static double needed_by(const struct rule *rule, double off, double reference)
{
    double absolute = ratio_of(off, rule->atol), relative = ratio_of(off, rule->rtol * fabs(reference));
    if (!isfinite(off))
        return INFINITY;
    switch (rule->combine) {
    case RULE_EITHER:
        return fmin(absolute, relative);
    case RULE_BOTH:
        return fmax(absolute, relative);
    default:
        return ratio_of(off, rule->atol + rule->rtol * fabs(reference));
    }
}

/* What is there is `figure`, and `allowed`, which is NAN where it is not asked, is to be multiplied. */
static void need(struct rule_figures *figures, double allowed, double figure)
{
    if (!isnan(allowed))
        figures->needed = fmax(figures->needed, isfinite(figure) ? ratio_of(figure, allowed) : (double)INFINITY);
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Elements of `count` that have to be accepted. */
static int64_t quorum(const struct rule *rule, int64_t count)
{
    return (int64_t)ceil(rule->ratio * (double)count * (1 - 0x1p-40));
}

bool rule_measure(struct rule_figures *figures, const struct rule *rule, const double *output, const double *reference,
                  int64_t count)
{
    double squares = 0, of_output = 0, of_reference = 0, along = 0;
    double *needed = malloc(((size_t)count + 1) * sizeof *needed);
    if (!needed)
        return false;
    *figures = (struct rule_figures){.elements = count};
    for (int64_t i = 0; i < count; i++) {
        double off = fabs(output[i] - reference[i]);
        needed[i] = needed_by(rule, isnan(off) ? INFINITY : off, reference[i]);
        figures->accepted += needed[i] <= 1;
        figures->max_abs = isnan(off) ? INFINITY : fmax(figures->max_abs, off);
        if (reference[i] != 0)
            figures->max_rel = fmax(figures->max_rel, isnan(off) ? INFINITY : off / fabs(reference[i]));
        squares += off * off;
        of_output += output[i] * output[i];
        of_reference += reference[i] * reference[i];
        along += output[i] * reference[i];
    }
    qsort(needed, (size_t)count, sizeof *needed, compare);
    int64_t asked = quorum(rule, count);
    figures->nmse = squares == 0 ? 0 : isnan(squares) ? INFINITY : squares / of_reference;
    figures->norm = sqrt(figures->nmse);
    figures->lse_accepted = true;
    if (rule->by_elements && asked > 0)
        figures->needed = needed[asked - 1];
    need(figures, rule->nmse, figures->nmse);
    need(figures, rule->norm, figures->norm);
    rule_set_cosine(figures, rule, along / sqrt(of_output * of_reference));
    free(needed);
    return true;
}

void rule_set_cosine(struct rule_figures *figures, const struct rule *rule, double cosine)
{
    figures->cosine = isnan(cosine) ? (double)NAN : cosine; /* without a sign */
    need(figures, 1 - rule->cosine, isnan(cosine) ? INFINITY : fmax(1 - cosine, 0));
}

void rule_measure_lse(struct rule_figures *figures, const struct rule *rule, const double *lse, const double *reference,
                      int64_t rows)
{
    for (int64_t r = 0; r < rows && !isnan(rule->lse); r++) {
        bool same = lse[r] == reference[r]; /* -inf is */
        double off = same ? 0 : fabs(lse[r] - reference[r]);
        double allowed = isfinite(reference[r]) ? rule->lse + rule->lse_relative * fabs(reference[r]) : rule->lse;
        off = isnan(off) ? INFINITY : off;
        figures->lse = fmax(figures->lse, off);
        figures->lse_accepted = figures->lse_accepted && off <= allowed;
        need(figures, allowed, off);
    }
}

bool rule_reads_output(const struct rule *rule)
{
    return rule->by_elements || !isnan(rule->cosine) || !isnan(rule->nmse) || !isnan(rule->norm);
}

bool rule_accepts(const struct rule *rule, const struct rule_figures *figures)
{
    if (rule->by_elements && figures->accepted < quorum(rule, figures->elements))
        return false;
    return figures->lse_accepted && (isnan(rule->cosine) || figures->cosine >= rule->cosine) &&
           (isnan(rule->nmse) || figures->nmse <= rule->nmse) && (isnan(rule->norm) || figures->norm <= rule->norm);
}
