/* What the classes of rows come to. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/judge/class/class_find.h"

/* What a set's roundings add to bounds, to first order. */
static double size_of(const double *size, class_set set)
{
    double sum = 0;
    for (int i = 0; i < CLASS_ROUNDING_COUNT; i++)
        sum += set >> i & 1 ? size[i] : 0;
    return sum;
}

static void of_rows(struct class_whole *whole, const struct class_report *report, int first, int last)
{
    struct class_sets covered, open;
    double size[CLASS_ROUNDING_COUNT] = {0};
    memset(&covered, 0xff, sizeof covered);
    memset(&open, 0xff, sizeof open);
    *whole = (struct class_whole){.output = true};
    for (int row = first; row < last; row++) {
        if (!class_report_has(report, row))
            continue;
        whole->output = whole->output && report->output[row];
        for (int i = 0; i < CLASS_SETS / 64; i++) {
            covered.words[i] &= report->covered[row].words[i];
            open.words[i] &= report->covered[row].words[i] | report->open[row].words[i];
        }
        for (int i = 0; i < CLASS_ROUNDING_COUNT; i++)
            size[i] += report->size[row][i];
    }
    whole->num_minimal = class_sets_minimal(whole->minimal, &covered);
    for (int i = 1; i < whole->num_minimal; i++)
        if (size_of(size, whole->minimal[i]) < size_of(size, whole->minimal[0])) {
            class_set smaller = whole->minimal[i];
            memmove(whole->minimal + 1, whole->minimal, (size_t)i * sizeof smaller);
            whole->minimal[0] = smaller;
        }
    whole->outcome = whole->num_minimal > 0 ? CLASS_FOUND : class_sets_empty(&open) ? CLASS_NONE : CLASS_UNBOUNDED;
}

void class_of_rows(struct class_whole *whole, const struct class_report *report)
{
    of_rows(whole, report, 0, report->num_rows);
}

void class_of_row(struct class_whole *whole, const struct class_report *report, int row)
{
    of_rows(whole, report, row, row + 1);
}

int class_fewest_roundings(const struct class_whole *whole)
{
    int fewest = CLASS_ROUNDING_COUNT + 1;
    for (int i = 0; i < whole->num_minimal; i++) {
        int roundings = __builtin_popcount(whole->minimal[i]);
        fewest = roundings < fewest ? roundings : fewest;
    }
    return whole->output ? -1 : fewest;
}

bool class_is_coarse(const struct class_whole *whole)
{
    bool coarse = whole->outcome != CLASS_UNBOUNDED && !whole->output;
    for (int i = 0; i < whole->num_minimal; i++)
        coarse = coarse && __builtin_popcount(class_closed(whole->minimal[i])) > 1;
    return coarse;
}

char *class_name(char *text, const struct class_whole *whole)
{
    if (whole->outcome == CLASS_FOUND)
        return class_format(text, &(struct arithmetic_class){whole->output, whole->minimal[0]});
    snprintf(text, CLASS_NAME_SIZE, "%s", whole->outcome == CLASS_NONE ? "none" : "unbounded");
    return text;
}

static enum class_standing row_stands(const struct class_report *report, int row, const struct arithmetic_class *asked)
{
    if (!class_report_has(report, row) || report->output[row])
        return CLASS_IN;
    if (asked->output)
        return CLASS_OUT_OF;
    if (class_sets_have(&report->covered[row], asked->set))
        return CLASS_IN;
    return class_sets_have(&report->open[row], asked->set) ? CLASS_OPEN_TO : CLASS_OUT_OF;
}

enum class_standing class_stands(const struct class_report *report, const struct arithmetic_class *asked, int *row)
{
    enum class_standing worst = CLASS_IN;
    for (int r = 0; r < report->num_rows; r++) {
        enum class_standing standing = row_stands(report, r, asked);
        if (standing > worst && row)
            *row = r;
        worst = standing > worst ? standing : worst;
    }
    return worst;
}

bool class_is_missed(const struct class_report *report, const struct class_demand *demand)
{
    return demand->asked && class_stands(report, &demand->arithmetic, NULL) == CLASS_OUT_OF;
}

enum decision class_decide(enum decision of_numbers, const struct class_report *report,
                           const struct class_demand *demand)
{
    enum class_standing standing = demand->asked ? class_stands(report, &demand->arithmetic, NULL) : CLASS_IN;
    if (of_numbers != DECISION_PASS || standing == CLASS_IN)
        return of_numbers;
    return standing == CLASS_OPEN_TO ? DECISION_UNBOUNDED : DECISION_FAIL;
}

bool class_covers(const struct class_report *report, const struct arithmetic_class *asked)
{
    return class_stands(report, asked, NULL) == CLASS_IN;
}

bool class_keep_asked(struct class_whole *whole, const struct class_report *report, const struct class_demand *demand)
{
    int kept = 0;
    if (!demand->asked)
        return whole->outcome == CLASS_FOUND;
    if (whole->outcome != CLASS_FOUND || !class_covers(report, &demand->arithmetic))
        return false;
    for (int i = 0; i < whole->num_minimal && !whole->output; i++)
        if (!(class_closed(whole->minimal[i]) & ~class_closed(demand->arithmetic.set)))
            whole->minimal[kept++] = whole->minimal[i];
    whole->num_minimal = whole->output ? whole->num_minimal : kept;
    return whole->output || kept > 0;
}
