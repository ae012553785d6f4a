#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/command/command.h"
#include "harness/command/sentinel_options.h"
#include "harness/support/file.h"

/* Larger than any element of this program's normal inputs (mean 0, stddev 1), whose tail ends at 6.34. */
#define NORMAL_BOUND 6.5

/* Fills in the bound on scores and says where it comes from. A tensor has an element bound, a norm, or both. */
static void bound_scores(struct sentinel_report *report, const struct sentinel_arguments *arguments)
{
    enum { PART_SIZE = 64 };
    /* Rounded to f32, as in case files. */
    double scale = (double)(float)(isnan(arguments->scale) ? 1 / sqrt(arguments->head_dim) : arguments->scale);
    const double bounds[] = {arguments->q_bound, arguments->k_bound};
    const double norms[] = {arguments->q_norm, arguments->k_norm};
    double element[2], norm[2];
    char parts[2][PART_SIZE];
    if (!isnan(arguments->logit_bound)) {
        report->range.dot_bound = arguments->logit_bound;
        snprintf(report->dot_source, sizeof report->dot_source, "as given");
        return;
    }
    for (int t = 0; t < 2; t++) {
        bool unknown = isnan(bounds[t]) && isnan(norms[t]);
        element[t] = unknown ? NORMAL_BOUND : isnan(bounds[t]) ? INFINITY : bounds[t];
        norm[t] = isnan(norms[t]) ? INFINITY : norms[t];
        if (isinf(element[t]))
            snprintf(parts[t], PART_SIZE, "norm %.7g", norm[t]);
        else if (!isinf(norm[t]))
            snprintf(parts[t], PART_SIZE, "|element| %.7g, norm %.7g", element[t], norm[t]);
        else
            snprintf(parts[t], PART_SIZE, "|element| %.7g%s", element[t], unknown ? " (normal inputs)" : "");
    }
    report->range.dot_bound = logit_dot_bound(scale, arguments->head_dim, element[0], element[1], norm[0], norm[1]);
    snprintf(report->dot_source, sizeof report->dot_source, "from scale %.7g, head dim %d, q: %s, k: %s", scale,
             arguments->head_dim, parts[0], parts[1]);
}

/* Beyond f32 every kernel fails, whatever stands for -inf. */
static enum error_kind check_f32(const struct sentinel_report *report, struct error *error)
{
    int64_t longest = longest_length(report->seq_lens, report->num_lengths);
    double largest =
        fmax(-lowest_logit(&report->range, longest - 1, BASE_2), highest_logit(&report->range, longest, BASE_2));
    if (largest <= (double)FLT_MAX)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "logits can reach %.6g (base 2); allowed: what f32 can hold, %.6g", largest,
                     (double)FLT_MAX);
}

/* Its own length among those that are shown if none were asked for. */
static void add_length(struct sentinel_report *report, int64_t seq_len)
{
    int at = 0;
    while (at < report->num_lengths && report->seq_lens[at] < seq_len)
        at++;
    if (report->num_lengths == REPORT_LENGTHS || (at < report->num_lengths && report->seq_lens[at] == seq_len))
        return;
    memmove(report->seq_lens + at + 1, report->seq_lens + at,
            (size_t)(report->num_lengths - at) * sizeof report->seq_lens[0]);
    report->seq_lens[at] = seq_len;
    report->num_lengths++;
}

/* Reads the tensors and takes the report's range from them. */
static enum error_kind measure(struct sentinel_report *report, struct sentinel_tensors *tensors,
                               const struct sentinel_arguments *arguments, struct error *error)
{
    struct tensor_request request = {
        .dump = arguments->dump,
        .q = arguments->q,
        .k = arguments->k,
        .raw_bf16 = arguments->raw_bf16,
        .raw_fp8 = arguments->raw_fp8,
        .scale = arguments->scale,
        .bias = (enum bias_form)arguments->bias,
        .slopes = report->slopes,
        .max_bias = report->max_bias,
        .head_offset = report->head_offset,
        .total_heads = arguments->total_heads,
    };
    enum error_kind kind = sentinel_tensors_read(tensors, &request, error);
    if (kind)
        return kind;
    struct logit_range *range = &report->range;
    report->tensors = tensors;
    report->num_heads = range->num_heads = tensors->num_heads;
    report->total_heads = tensors->total_heads;
    if (arguments->dump)
        report->slopes = SLOPES_COUNT;
    range->heads = tensors->ranges;
    range->bias = tensors->bias;
    range->flattest_slope = INFINITY;
    for (int h = 0; h < tensors->num_heads; h++) {
        const struct head_range *head = &tensors->ranges[h];
        range->dot_bound = fmax(range->dot_bound, fmax(-head->lowest_score, head->highest_score));
        range->steepest_slope = fmax(range->steepest_slope, head->slope);
        range->flattest_slope = fmin(range->flattest_slope, head->slope);
    }
    if (!arguments->nearest_given)
        range->nearest_distance = tensors->nearest_distance;
    range->masked |= tensors->num_visible < tensors->seq_len;
    range->keys_ahead = tensors->keys_ahead;
    range->first_position = tensors->first_position;
    if (!arguments->lengths_given)
        add_length(report, tensors->span);
    snprintf(report->dot_source, sizeof report->dot_source,
             "measured over %" PRId64 " keys of %s, scale %.7g, head dim %d", tensors->seq_len,
             dtypes[tensors->k_dtype].name, tensors->scale, tensors->head_dim);
    int64_t longest = longest_length(report->seq_lens, report->num_lengths);
    if (range->nearest_distance >= longest)
        return error_set(error, ERROR_USAGE,
                         "the nearest visible key is %" PRId64 " from the query; allowed: a --seq-len above that",
                         range->nearest_distance);
    return ERROR_NONE;
}

static int sentinel_command(int argc, char **argv, struct error *error)
{
    struct sentinel_arguments arguments;
    struct sentinel_tensors tensors = {0};
    struct stand_in_list stand_ins = {0};
    sentinel_arguments_parse(&arguments, argc, argv);
    struct sentinel_report report = {
        .head_offset = arguments.head_offset,
        .slopes = (enum slope_convention)arguments.slopes,
        .max_bias = arguments.max_bias,
        .range = {.bias = (enum bias_form)arguments.bias,
                  .nearest_distance = arguments.nearest_distance,
                  .masked = arguments.nearest_distance > 0},
        .num_lengths = arguments.num_lengths,
        .stand_ins = &stand_ins,
    };
    memcpy(report.seq_lens, arguments.seq_lens, sizeof report.seq_lens);
    enum error_kind kind = ERROR_NONE;
    if (arguments.q || arguments.dump) {
        kind = measure(&report, &tensors, &arguments, error);
    } else {
        report.num_heads = arguments.num_heads;
        report.total_heads = arguments.total_heads ? arguments.total_heads : report.head_offset + report.num_heads;
        logit_range_slopes(&report.range, report.num_heads, report.slopes, report.max_bias, report.head_offset,
                           report.total_heads);
        bound_scores(&report, &arguments);
    }
    if (!kind)
        kind = check_f32(&report, error);
    if (!kind)
        kind = stand_ins_make(&stand_ins, error);
    if (kind)
        goto out;
    if (arguments.json)
        kind = sentinel_report_json(&report, error);
    else
        sentinel_report_text(stdout, &report);
    if (!kind)
        kind = file_flush(stdout, error);
out:
    stand_ins_clear(&stand_ins);
    sentinel_tensors_clear(&tensors);
    return (int)kind;
}

const struct command command_sentinel = {
    .name = "sentinel",
    .about = "say which stand-ins for -inf are safe for a model",
    .parser = sentinel_parser,
    .run = sentinel_command,
    .field = sentinel_option_field,
};
