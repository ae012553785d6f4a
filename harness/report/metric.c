#include "harness/report/metric.h"

#include <math.h>
#include <stdio.h>

#define REAL(field) .name = #field, .offset = offsetof(struct metrics, field)
#define COUNT(field) REAL(field), .is_count = true

const struct metric_info metric_table[METRIC_COUNT] = {
    [METRIC_ELEMENTS] = {COUNT(elements), .title = "elements"},
    [METRIC_MISMATCHED] = {COUNT(mismatched), .title = "mismatched", .per_head = true},
    [METRIC_MAX_ABS_ERR] = {REAL(max_abs_err), .title = "max abs err", .per_head = true},
    [METRIC_MAX_ULP_ERR] = {REAL(max_ulp_err), .title = "max ulp", .per_head = true},
    [METRIC_P99_ULP_ERR] = {REAL(p99_ulp_err), .title = "p99 ulp", .per_head = true},
    [METRIC_P50_ULP_ERR] = {REAL(p50_ulp_err), .title = "p50 ulp"},
    [METRIC_MAX_REL_ERR] = {REAL(max_rel_err), .title = "max rel err"},
    [METRIC_MAX_SCALED_ERR] = {REAL(max_scaled_err), .title = "max scaled err", .per_head = true},
    [METRIC_RMS_ERR] = {REAL(rms_err), .title = "rms err", .per_head = true},
    [METRIC_NAN] = {COUNT(nan), .title = "NaN", .per_head = true},
    [METRIC_INF] = {COUNT(inf), .title = "infinite", .per_head = true},
    [METRIC_UNDECIDED] = {COUNT(undecided), .title = "undecided"},
    [METRIC_UNWRITTEN] = {COUNT(unwritten), .title = "unwritten"},
    [METRIC_BUDGET_USED] = {REAL(budget_used), .title = "budget used", .nan_is_unknown = true, .per_head = true},
    [METRIC_UNBOUNDED] = {COUNT(unbounded), .title = "unbounded"},
    [METRIC_LSE_MISMATCHED] = {COUNT(lse_mismatched), .title = "lse mismatched", .per_head = true},
    [METRIC_MAX_LSE_ERR] = {REAL(max_lse_err), .title = "max lse err", .per_head = true},
    [METRIC_LSE_BUDGET_USED] = {REAL(lse_budget_used), .title = "lse budget used", .nan_is_unknown = true,
                                .per_head = true},
    [METRIC_LSE_OFF] = {COUNT(lse_off), .title = "lse off", .per_head = true},
    [METRIC_LSE_UNBOUNDED] = {COUNT(lse_unbounded), .title = "lse unbounded"},
};

static int64_t read_count(enum metric metric, const struct metrics *metrics)
{
    return *(const int64_t *)((const char *)metrics + metric_table[metric].offset);
}

static double read_real(enum metric metric, const struct metrics *metrics)
{
    return *(const double *)((const char *)metrics + metric_table[metric].offset);
}

double metric_value(enum metric metric, const struct metrics *metrics)
{
    return metric_table[metric].is_count ? (double)read_count(metric, metrics) : read_real(metric, metrics);
}

json_t *metric_to_json(enum metric metric, const struct metrics *metrics)
{
    if (metric_table[metric].nan_is_unknown && isnan(read_real(metric, metrics)))
        return json_null();
    return metric_table[metric].is_count ? json_integer(read_count(metric, metrics))
                                         : json_from_double(read_real(metric, metrics));
}

char *metric_format(char *text, enum metric metric, const struct metrics *metrics)
{
    if (metric_table[metric].is_count)
        snprintf(text, METRIC_TEXT_SIZE, "%lld", (long long)read_count(metric, metrics));
    else if (isnan(read_real(metric, metrics)))
        snprintf(text, METRIC_TEXT_SIZE, "nan"); /* printf would show its sign */
    else
        snprintf(text, METRIC_TEXT_SIZE, "%.3g", read_real(metric, metrics));
    return text;
}
