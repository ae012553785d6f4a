#include "harness/report/review/figures.h"

#include <math.h>

#include "harness/report/file/record_file.h"

const struct figure_info figure_table[FIGURE_COUNT] = {
    [FIGURE_ABS] = {"max_abs_err", NULL, "max abs err", "The largest |out - truth|.", "largest |out - truth|"},
    [FIGURE_ULP] = {"max_ulp_err", NULL, "max ulp",
                    "The largest error in units of the output's last place at the truth; 0.5 is a correct rounding.",
                    "largest error in ulp"},
    [FIGURE_P99] = {"p99_ulp_err", NULL, "p99 ulp", "The largest 99th percentile of a point's errors in ulp.",
                    "99th percentile in ulp"},
    [FIGURE_P50] = {"p50_ulp_err", NULL, "p50 ulp", "The largest median of a point's errors in ulp.", "median in ulp"},
    [FIGURE_BOUND] = {"budget_used", "lse_budget_used", "bound used",
                      "The largest share of its own error bound that an element of out, or an lse, uses; above 1 is a "
                      "bug.",
                      "largest share of the error bound"},
    [FIGURE_LSE] = {"max_lse_err", NULL, "max lse err", "The largest error of lse, in nats.",
                    "largest error of lse in nats"},
};

double larger(double a, double b)
{
    return isnan(a) || a > b ? a : b;
}

void figures_add(struct figures *figures, enum figure figure, double value)
{
    bool known = figures->known >> figure & 1;
    figures->largest[figure] = known ? larger(figures->largest[figure], value) : value;
    figures->known |= 1u << figure;
}

void figures_merge(struct figures *figures, const struct figures *other)
{
    figures->count += other->count;
    figures->not_passed += other->not_passed;
    figures->skipped += other->skipped;
    figures->unexpected += other->unexpected;
    figures->mismatched += other->mismatched;
    figures->elements += other->elements;
    for (int f = 0; f < FIGURE_COUNT; f++)
        if (other->known >> f & 1)
            figures_add(figures, (enum figure)f, other->largest[f]);
}

void figures_add_json(struct figures *figures, const json_t *object)
{
    double value;
    for (int f = 0; f < FIGURE_COUNT; f++) {
        if (record_number(json_object_get(object, figure_table[f].path), &value))
            figures_add(figures, (enum figure)f, value);
        if (figure_table[f].also && record_number(json_object_get(object, figure_table[f].also), &value))
            figures_add(figures, (enum figure)f, value);
    }
    if (record_number(json_object_get(object, "mismatched"), &value))
        figures->mismatched += value;
    if (record_number(json_object_get(object, "elements"), &value))
        figures->elements += value;
}
