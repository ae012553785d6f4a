#include "harness/library/metric.h"

#include <math.h>
#include <stdio.h>

#include "harness/support/field_json.h"
#include "harness/support/json_value.h"

#define METRIC(member, of_type, says) \
    .field = {.name = #member, .type = FIELD_##of_type, FIELD_MEMBER(struct metrics, member), .about = says}

const struct metric_info metric_table[METRIC_COUNT] = {
    [METRIC_ELEMENTS] = {METRIC(elements, WHOLE, "Elements of out: num_queries times num_heads times head_dim."),
                         "elements", "elements", .is_size = true},
    [METRIC_MISMATCHED] = {METRIC(
                               mismatched, WHOLE,
                               "Elements outside the tolerance: not e <= atol + rtol |truth|. A NaN is one of them."),
                           "elements", "mismatched"},
    [METRIC_MAX_ABS_ERR] = {METRIC(max_abs_err, REAL,
                                   "The largest e = |out - truth|, NaN outputs apart. This and the other errors of out "
                                   "are \"nan\" where no output is a number."),
                            "of out", "max abs err"},
    [METRIC_MAX_ULP_ERR] = {METRIC(max_ulp_err, REAL,
                                   "The largest e / ulp of the output's dtype at the truth. The truth is not rounded "
                                   "first, so a correct rounding is at most 0.5."),
                            "ulp", "max ulp"},
    [METRIC_P99_ULP_ERR] = {METRIC(p99_ulp_err, REAL, "The 99th percentile of e / ulp, a NaN being the largest."),
                            "ulp", "p99 ulp"},
    [METRIC_P50_ULP_ERR] = {METRIC(p50_ulp_err, REAL, "The median of e / ulp, in the same order."), "ulp", "p50 ulp"},
    [METRIC_MAX_REL_ERR] = {METRIC(max_rel_err, REAL, "The largest e / |truth|, where the truth is not 0."), "1",
                            "max rel err"},
    [METRIC_MAX_SCALED_ERR] = {METRIC(
                                   max_scaled_err, REAL,
                                   "The largest e / (sum w|v| / l), w the weights and l their sum: what cancellation "
                                   "cannot inflate."),
                               "1", "max scaled err"},
    [METRIC_RMS_ERR] = {METRIC(rms_err, REAL, "The root of the mean of e^2."), "of out", "rms err"},
    [METRIC_NAN] = {METRIC(nan, WHOLE, "Outputs that are NaN where the truth is not."), "elements", "NaN"},
    [METRIC_INF] = {METRIC(inf, WHOLE,
                           "Outputs that are infinite where the truth does not round to the same infinity."),
                    "elements", "infinite"},
    [METRIC_UNDECIDED] = {METRIC(undecided, WHOLE,
                                 "Elements and lse of which the tolerance lies within the truth's radius."),
                          "comparisons", "undecided"},
    [METRIC_UNWRITTEN] = {METRIC(unwritten, WHOLE,
                                 "Outputs that are still the poison that was there before the launch."),
                          "elements", "unwritten"},
    [METRIC_BUDGET_USED] = {METRIC(
                                budget_used, REAL,
                                "The largest e / error bound of out; above 1 is a bug. null where none has a bound."),
                            "bounds", "budget used", .nan_is_unknown = true, .of_bound = true},
    [METRIC_UNBOUNDED] = {METRIC(unbounded, WHOLE, "Elements for which there is no bound: rounding may do anything."),
                          "elements", "unbounded", .of_bound = true},
    [METRIC_LSE_MISMATCHED] = {METRIC(
                                   lse_mismatched, WHOLE,
                                   "Heads whose lse is further from the truth than atol + rtol |truth|, which judges "
                                   "nothing: lse_off does."),
                               "heads", "lse mismatched", .of_lse = true},
    [METRIC_MAX_LSE_ERR] = {METRIC(max_lse_err, REAL, "The largest |lse - truth|, natural logarithm."), "nats",
                            "max lse err", .of_lse = true},
    [METRIC_LSE_BUDGET_USED] = {METRIC(lse_budget_used, REAL,
                                       "The largest |lse - truth| / error bound of lse; above 1 is a bug. null where "
                                       "none has a bound."),
                                "bounds", "lse budget used", .nan_is_unknown = true, .of_lse = true, .of_bound = true},
    [METRIC_LSE_OFF] = {METRIC(lse_off, WHOLE, "Heads whose lse is outside the tolerance of lse."), "heads", "lse off",
                        .of_lse = true},
    [METRIC_LSE_UNBOUNDED] = {METRIC(lse_unbounded, WHOLE, "Heads for whose lse there is no bound."), "heads",
                              "lse unbounded", .of_lse = true, .of_bound = true},
};

double metric_value(enum metric metric, const struct metrics *metrics)
{
    const struct field *field = &metric_table[metric].field;
    return field_real(field, field_in(field, metrics));
}

json_t *metric_to_json(const struct metric_info *metric, const struct metrics *metrics)
{
    const void *member = field_in(&metric->field, metrics);
    if (metric->of_lse && metrics->lse_unknown)
        return json_null();
    if (metric->nan_is_unknown && isnan(field_real(&metric->field, member)))
        return json_null();
    return field_to_json(&metric->field, member);
}

char *metric_format(char *text, enum metric metric, const struct metrics *metrics)
{
    const struct field *field = &metric_table[metric].field;
    const void *member = field_in(field, metrics);
    if (metric_table[metric].of_lse && metrics->lse_unknown)
        snprintf(text, METRIC_TEXT_SIZE, "-");
    else if (field->type == FIELD_WHOLE)
        snprintf(text, METRIC_TEXT_SIZE, "%lld", (long long)field_integer(field, member));
    else if (isnan(field_real(field, member)))
        snprintf(text, METRIC_TEXT_SIZE, "nan"); /* printf would show its sign */
    else
        snprintf(text, METRIC_TEXT_SIZE, "%.3g", field_real(field, member));
    return text;
}

const char *metric_say_not_finite(double err)
{
    return isnan(err) ? "off, NaN among them" : isinf(err) ? "off by infinity" : NULL;
}

char *metric_say_lse_off(char *phrase, double max_lse_err)
{
    const char *words = metric_say_not_finite(max_lse_err);
    if (words)
        snprintf(phrase, METRIC_PHRASE_SIZE, "%s", words);
    else
        snprintf(phrase, METRIC_PHRASE_SIZE, "off by up to %.3g nats", max_lse_err);
    return phrase;
}

char *metric_say_beyond(char *phrase, double budget_used)
{
    if (isfinite(budget_used))
        snprintf(phrase, METRIC_PHRASE_SIZE, "%.3g times its bound", budget_used);
    else
        snprintf(phrase, METRIC_PHRASE_SIZE, "beyond any multiple of its bound");
    return phrase;
}
