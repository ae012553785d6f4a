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

char *class_name(char *text, const struct class_whole *whole)
{
    if (whole->outcome == CLASS_FOUND)
        return class_format(text, &(struct arithmetic_class){whole->output, whole->minimal[0]});
    snprintf(text, CLASS_NAME_SIZE, "%s", whole->outcome == CLASS_NONE ? "none" : "unbounded");
    return text;
}

int class_first_uncovered(const struct class_report *report, const struct arithmetic_class *asked)
{
    int row = 0;
    while (row < report->num_rows &&
           (!class_report_has(report, row) ||
            (asked->output ? report->output[row] : class_sets_have(&report->covered[row], asked->set))))
        row++;
    return row;
}

bool class_covers(const struct class_report *report, const struct arithmetic_class *asked)
{
    return class_first_uncovered(report, asked) == report->num_rows;
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
