#include "harness/judge/cause/inquiry.h"

#include <math.h>

static bool has_bound(const struct inquiry *inquiry, double budget_used)
{
    return inquiry->by_bound && !isnan(budget_used);
}

bool inquiry_out_fails(const struct inquiry *inquiry, int row)
{
    const struct metrics *metrics = &inquiry->verdict->rows[row];
    if (!has_bound(inquiry, metrics->budget_used))
        return criterion_out_off(metrics);
    return criterion_out_beyond(&inquiry->exhibit->criterion, metrics) ||
           metrics->nan + metrics->inf + metrics->unwritten > 0;
}

bool inquiry_lse_fails(const struct inquiry *inquiry, int row)
{
    const struct metrics *metrics = &inquiry->verdict->rows[row];
    if (!has_bound(inquiry, metrics->lse_budget_used))
        return criterion_lse_off(metrics);
    return criterion_lse_beyond(&inquiry->exhibit->criterion, metrics);
}

static double larger(double a, double b)
{
    return isnan(a) || isnan(b) ? INFINITY : fmax(a, b);
}

double inquiry_allowed(const struct inquiry *inquiry, double truth)
{
    return inquiry->exhibit->criterion.tolerance.atol + inquiry->exhibit->criterion.tolerance.rtol * fabs(truth);
}

/* The largest error of out in units of what is allowed. */
static double out_severity(const struct inquiry *inquiry, int row, float *elements)
{
    const struct problem *problem = inquiry->exhibit->problem;
    const struct metrics *metrics = &inquiry->verdict->rows[row];
    size_t dim = (size_t)problem->head_dim, first = (size_t)row * dim;
    double severity = 0;
    if (metrics->nan + metrics->unwritten > 0)
        return INFINITY;
    if (has_bound(inquiry, metrics->budget_used))
        return metrics->budget_used / inquiry->exhibit->criterion.budget;
    dtype_widen(problem->dtype, inquiry->exhibit->output->out, first, dim, elements);
    for (size_t d = 0; d < dim; d++) {
        struct comparison element = judge_element((double)elements[d], problem->dtype, inquiry->exhibit->truth,
                                                  first + d, &inquiry->exhibit->criterion.tolerance);
        if (element.err != 0)
            severity =
                larger(severity, element.err / inquiry_allowed(inquiry, inquiry->exhibit->truth->value[first + d]));
    }
    return severity;
}

/* The same of lse where it fails, else 0. */
static double lse_severity(const struct inquiry *inquiry, int row)
{
    const struct metrics *metrics = &inquiry->verdict->rows[row];
    if (!inquiry_lse_fails(inquiry, row))
        return 0;
    if (has_bound(inquiry, metrics->lse_budget_used))
        return metrics->lse_budget_used / inquiry->exhibit->criterion.budget;
    struct comparison lse = judge_lse((double)inquiry->exhibit->output->lse[row], inquiry->exhibit->truth, (size_t)row,
                                      &inquiry->exhibit->criterion.tolerance);
    return larger(0,
                  lse.err / tolerance_lse(&inquiry->exhibit->criterion.tolerance, inquiry->exhibit->truth->lse[row]));
}

struct ranked_row inquiry_rank_row(const struct inquiry *inquiry, int row, float *elements)
{
    bool by_out = inquiry_out_fails(inquiry, row);
    return (struct ranked_row){
        .row = row,
        .failing = by_out || inquiry_lse_fails(inquiry, row),
        .out_fails = by_out,
        .severity = larger(out_severity(inquiry, row, elements), lse_severity(inquiry, row)),
    };
}

int inquiry_compare_rows(const void *left, const void *right)
{
    const struct ranked_row *a = left, *b = right;
    if (a->out_fails != b->out_fails)
        return a->out_fails ? -1 : 1;
    if (a->failing != b->failing)
        return a->failing ? -1 : 1;
    if (a->severity != b->severity)
        return a->severity < b->severity ? 1 : -1;
    return (a->row > b->row) - (a->row < b->row);
}

void inquiry_place(struct signature_finding *finding, const struct problem *problem, int row)
{
    finding->query = row / problem->num_heads;
    finding->head = row % problem->num_heads;
}
