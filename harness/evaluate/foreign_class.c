#include "harness/evaluate/foreign_class.h"

#include <stdio.h>
#include <string.h>

#include "harness/evaluate/evaluate.h"
#include "harness/judge/class/arithmetic_class.h"

enum error_kind foreign_class_take(struct foreign_subject *foreign, const char *source, struct error *error)
{
    const char *text = foreign->kernel->arithmetic;
    struct arithmetic_class arithmetic = {.set = CLASS_SETS - 1};
    char word[CLASS_NAME_SIZE];
    if (*text && (!class_parse(&arithmetic, text, word) || arithmetic.output))
        return error_set(
            error, ERROR_USAGE,
            "%s: kernel %s has arithmetic '%s'; allowed: f32, or f32 with roundings of `alibicheck list classes`, "
            "such as f32+weights16",
            source, foreign->kernel->name, text);
    foreign->model = class_rounding_model;
    foreign->set = class_closed(arithmetic.set);
    foreign->subject.any_order = !*text;
    return ERROR_NONE;
}

static bool has_slopes(const struct problem_spec *spec)
{
    bool any = spec->num_slope_values == 0; /* a convention's are none of them 0 */
    for (int i = 0; i < spec->num_slope_values; i++)
        any = any || spec->slope_values[i] != 0;
    return any;
}

static int64_t longest_of(const struct point *point)
{
    int64_t longest = point->problem.seq_len;
    for (int i = 0; i < point_num_sequences(point); i++) {
        struct point sequence;
        point_sequence(point, i, &sequence);
        longest = sequence.problem.seq_len > longest ? sequence.problem.seq_len : longest;
    }
    return longest;
}

bool evaluate_takes(const struct evaluator *evaluator, const struct point *point, char *text)
{
    const struct problem_spec *spec = &point->problem;
    const struct problem shape = problem_spec_shape(spec);
    const struct problem_extras extras = {
        .masked = spec->mask.kind != MASK_NONE,
        .has_slopes = has_slopes(spec),
        .has_sinks = spec->sinks.kind != SINKS_NONE,
        .page_size = point->foreign ? point->kernel_options.page_size : 0,
        .longest = evaluator->foreign ? longest_of(point) : 0,
    };
    if (evaluator->foreign)
        return foreign_kernel_takes(evaluator->foreign->kernel, &shape, &extras, point_num_sequences(point), text);
    *text = 0;
    if (!kernel_takes_head_dim(spec->head_dim))
        snprintf(text, SUBJECT_TEXT_SIZE, "%s does not take head_dim %d, but " HEAD_DIMS_WORDS,
                 kernel_names[point->kernel], spec->head_dim);
    return !*text;
}
