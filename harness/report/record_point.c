/* What a point is, as resolved. */
#include "harness/report/record_field.h"

#include "harness/case/case_parameter.h"
#include "harness/problem/distribution.h"
#include "harness/report/metric.h"
#include "harness/support/field_json.h"
#include "harness/support/json_value.h"

json_t *record_get_case(const struct record *record)
{
    return json_from_text(case_name(record->point->test_case));
}

json_t *record_get_kernel(const struct record *record)
{
    return json_string(kernels[record->point->kernel]->name);
}

json_t *record_get_recipe(const struct record *record)
{
    char text[RECIPE_TEXT_SIZE];
    return json_string(recipe_format(text, &record->point->recipe));
}

json_t *record_get_seq_len(const struct record *record)
{
    return json_integer(record->point->problem.seq_len);
}

json_t *record_get_num_heads(const struct record *record)
{
    return json_integer(record->point->problem.num_heads);
}

json_t *record_get_num_kv_heads(const struct record *record)
{
    return json_integer(record->point->problem.num_kv_heads);
}

json_t *record_get_head_dim(const struct record *record)
{
    return json_integer(record->point->problem.head_dim);
}

json_t *record_get_dtype(const struct record *record)
{
    return json_string(dtypes[record->point->problem.dtype].name);
}

json_t *record_get_sentinel(const struct record *record)
{
    char text[SENTINEL_TEXT_SIZE];
    return json_string(sentinel_format(text, &record->point->recipe.sentinel));
}

json_t *record_get_seed(const struct record *record)
{
    return json_from_unsigned(record->point->problem.seed);
}

json_t *record_get_expect(const struct record *record)
{
    return json_string(record->point->expect_fail ? "fail" : "pass");
}

json_t *record_get_key(const struct record *record)
{
    char text[POINT_KEY_SIZE];
    return json_from_text(point_key(text, record->point));
}

json_t *record_get_tolerance(const struct record *record)
{
    json_t *object = json_object();
    const struct tolerance *tolerance = &record->point->criterion.tolerance;
    return json_finish(object, json_put(object, "atol", json_from_double(tolerance->atol)) &&
                                   json_put(object, "rtol", json_from_double(tolerance->rtol)) &&
                                   json_put(object, "lse", json_from_double(tolerance->lse)));
}

json_t *record_get_scale(const struct record *record)
{
    return json_from_double(record->point->problem.scale);
}

json_t *record_get_max_bias(const struct record *record)
{
    return json_from_double(record->point->problem.max_bias);
}

/* The convention's name, or {"values": [SLOPE, ...]}. */
json_t *record_get_slopes(const struct record *record)
{
    const struct problem_spec *problem = &record->point->problem;
    if (problem->num_slope_values == 0)
        return json_string(slope_convention_names[problem->slopes]);
    json_t *values = json_array();
    bool complete = values;
    for (int i = 0; complete && i < problem->num_slope_values; i++)
        complete = json_array_append_new(values, json_from_double((double)problem->slope_values[i])) == 0;
    json_t *object = json_object();
    return json_finish(object, json_put(object, "values", json_finish(values, complete)));
}

json_t *record_get_q_position(const struct record *record)
{
    return json_integer(record->point->problem.q_position);
}

/* The parameters that the kinds (bit k: kind k) read, with their values. */
static bool put_parameters(json_t *object, const struct parameter_set *set, unsigned kinds, const void *spec)
{
    bool complete = object;
    for (size_t i = 0; complete && i < set->fields->count; i++) {
        const struct field *field = field_at(set->fields, i);
        if (parameter_read_by(set, i, kinds))
            complete = json_put(object, field->name, field_to_json(field, field_in(field, spec)));
    }
    return complete;
}

/* {"distribution": NAME} and the parameters that it reads. */
json_t *record_get_input(const struct record *record)
{
    const struct input_spec *input = &record->point->problem.input;
    json_t *object = json_object();
    return json_finish(object,
                       json_put(object, "distribution", json_string(distributions[input->distribution].kind.name)) &&
                           put_parameters(object, &input_parameters, 1u << input->distribution, input));
}

/* null without a mask; "all", or {"window": 256, "sinks": 4}, the parameters that its kinds read. */
json_t *record_get_mask(const struct record *record)
{
    const struct mask_spec *mask = &record->point->problem.mask;
    if (mask->kind == MASK_NONE)
        return json_null();
    if (mask->kind == MASK_ALL)
        return json_string("all");
    json_t *object = json_object();
    return json_finish(object, put_parameters(object, &mask_parameters, mask->kind, mask));
}

json_t *record_get_chunk_len(const struct record *record)
{
    const struct point *point = record->point;
    return kernels[point->kernel]->uses_chunk_len ? json_integer(point->kernel_options.chunk_len) : json_null();
}

json_t *record_get_bias(const struct record *record)
{
    return json_string(bias_form_names[record->point->recipe.bias]);
}

json_t *record_get_exponential(const struct record *record)
{
    return json_string(exponential_names[record->point->recipe.exponential]);
}

json_t *record_get_budget(const struct record *record)
{
    const struct criterion *criterion = &record->point->criterion;
    return criterion->mode == JUDGE_TOLERANCE ? json_null() : json_from_double(criterion->budget);
}

json_t *record_get_judge(const struct record *record)
{
    return json_string(judge_mode_names[record->point->criterion.mode]);
}

json_t *record_get_head_offset(const struct record *record)
{
    return json_integer(record->point->problem.head_offset);
}

json_t *record_get_total_heads(const struct record *record)
{
    return json_integer(record->point->problem.total_heads);
}

json_t *record_get_truth_of(const struct record *record)
{
    return json_string(truth_ofs[record->point->problem.truth_of].name);
}

json_t *record_get_truth_method(const struct record *record)
{
    return json_string(truth_method_names[record->point->truth_method]);
}

json_t *record_get_truth_precision(const struct record *record)
{
    return json_integer(record->point->truth_precision);
}

json_t *record_get_kv_dtype(const struct record *record)
{
    return json_string(dtypes[problem_spec_kv_dtype(&record->point->problem)].name);
}

json_t *record_get_k_scale(const struct record *record)
{
    return json_from_double((double)record->point->problem.k_scale);
}

json_t *record_get_v_scale(const struct record *record)
{
    return json_from_double((double)record->point->problem.v_scale);
}

json_t *record_get_kv_offset(const struct record *record)
{
    return json_integer(record->point->problem.kv_offset);
}

json_t *record_get_page_size(const struct record *record)
{
    return json_integer(record->point->kernel_options.page_size);
}

json_t *record_get_page_seed(const struct record *record)
{
    const struct kernel_options *options = &record->point->kernel_options;
    return options->page_size > 0 ? json_from_unsigned(options->page_seed) : json_null();
}

/* The lengths of the launch's sequences. */
json_t *record_get_batch(const struct record *record)
{
    const struct point *point = record->point;
    if (point->batch == BATCH_ALONE)
        return json_null();
    json_t *lengths = json_array();
    for (int i = 0; i < point_num_sequences(point); i++) {
        struct point sequence;
        point_sequence(point, i, &sequence);
        if (json_array_append_new(lengths, json_integer(sequence.problem.seq_len)) != 0)
            return json_finish(lengths, false);
    }
    return lengths;
}

json_t *record_get_sequence(const struct record *record)
{
    return record->point->batch == BATCH_ALONE ? json_null() : json_integer(record->point->problem.sequence);
}
