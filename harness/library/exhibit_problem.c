#include <string.h>

#include "harness/library/bundle_text.h"
#include "harness/library/exhibit_reading.h"
#include "harness/support/number.h"

/* The shape that `out` has, and its dtype. */
static enum error_kind read_shape(struct exhibit_reading *reading, struct error *error)
{
    struct problem_spec *spec = &reading->bundle->spec;
    struct tensor_layout layout;
    char is[TENSOR_LAYOUT_TEXT_SIZE];
    int64_t seq_len = 0, kv_heads = 0;
    enum error_kind kind = exhibit_describe(reading, "out", &layout, error);
    if (kind)
        return kind;
    const enum dtype dtype = element_type_dtype(layout.type);
    bool sound = dtype < DTYPE_COUNT && layout.num_axes == 3 && layout.shape[0] >= 1 &&
                 layout.shape[0] <= PROBLEM_MAX_QUERIES && layout.shape[1] >= 1 &&
                 layout.shape[1] <= PROBLEM_MAX_HEADS && layout.shape[2] >= 1 && layout.shape[2] <= PROBLEM_MAX_DIM &&
                 layout.shape[0] * layout.shape[1] <= PROBLEM_MAX_ROWS;
    if (!sound)
        return error_set(
            error, ERROR_USAGE,
            "%s: out is %s; allowed: f16, bf16 or f32 [1 to %d queries, 1 to %d heads, head_dim 1 to %d], %d "
            "rows",
            reading->path, tensor_layout_text(is, &layout), PROBLEM_MAX_QUERIES, PROBLEM_MAX_HEADS, PROBLEM_MAX_DIM,
            PROBLEM_MAX_ROWS);
    reading->queries = layout.shape[0];
    reading->heads = layout.shape[1];
    reading->dim = layout.shape[2];
    reading->rows = reading->queries * reading->heads;
    kind = exhibit_read_whole(reading, "seq_len", 0, PROBLEM_MAX_KEYS, &seq_len, error);
    if (!kind)
        kind = exhibit_read_whole(reading, "num_kv_heads", 1, reading->heads, &kv_heads, error);
    if (!kind && reading->heads % kv_heads != 0)
        kind = exhibit_refuse(reading, "num_kv_heads", "a divisor of the heads of out", error);
    *spec = (struct problem_spec){
        .seq_len = seq_len,
        .num_queries = (int)reading->queries,
        .num_heads = (int)reading->heads,
        .num_kv_heads = (int)kv_heads,
        .head_dim = (int)reading->dim,
        .dtype = dtype,
        .k_scale = 1,
        .v_scale = 1,
        .total_heads = (int)reading->heads,
        .max_bias = SLOPES_MAX_BIAS,
        .input = input_spec_default,
    };
    return kind;
}

static enum error_kind read_soft_cap(struct exhibit_reading *reading, struct error *error)
{
    struct soft_cap_spec *cap = &reading->bundle->spec.soft_cap;
    const char *text = tensor_archive_metadata(&reading->archive, "soft_cap"), *equals = text ? strchr(text, '=') : 0;
    if (!text)
        return ERROR_NONE;
    for (int where = SOFT_CAP_NONE + 1; equals && where < SOFT_CAP_COUNT; where++)
        if (strlen(soft_cap_names[where]) == (size_t)(equals - text) &&
            !memcmp(text, soft_cap_names[where], (size_t)(equals - text)))
            cap->where = (enum soft_cap)where;
    if (!cap->where || number_parse_float(equals + 1, strlen(equals + 1), &cap->value) != VALUE_SOUND ||
        !(cap->value > 0))
        return exhibit_refuse(reading, "soft_cap", "before_bias=C or after_bias=C, C a number above 0", error);
    return ERROR_NONE;
}

enum error_kind exhibit_read_problem(struct exhibit_reading *reading, struct error *error)
{
    static const char *const no_or_yes[] = {"no", "yes"};
    struct exhibit_bundle *bundle = reading->bundle;
    struct problem_spec *spec = &bundle->spec;
    const char *truth_names[TRUTH_OF_COUNT];
    int format = 0, masked = 0, of = 0;
    for (int i = 0; i < TRUTH_OF_COUNT; i++)
        truth_names[i] = truth_ofs[i].name;
    enum error_kind kind = read_shape(reading, error);
    if (!kind)
        kind = exhibit_read_choice(reading, "kv_dtype", kv_format_names, KV_FORMAT_COUNT, &format, error);
    if (!kind && format != KV_AS_DTYPE)
        kind = exhibit_read_float(reading, "k_scale", &spec->k_scale, error);
    if (!kind && format != KV_AS_DTYPE)
        kind = exhibit_read_float(reading, "v_scale", &spec->v_scale, error);
    if (!kind)
        kind = exhibit_read_float(reading, "scale", &spec->scale, error);
    if (!kind)
        kind = exhibit_read_whole(reading, "q_position", -INT32_MAX, INT32_MAX, &spec->q_position, error);
    if (!kind)
        kind = exhibit_read_whole(reading, "kv_offset", -INT32_MAX, INT32_MAX, &spec->kv_offset, error);
    if (!kind)
        kind = read_soft_cap(reading, error);
    if (!kind)
        kind = exhibit_read_choice(reading, "masked", no_or_yes, 2, &masked, error);
    if (!kind)
        kind = exhibit_read_choice(reading, "truth_of", truth_names, TRUTH_OF_COUNT, &of, error);
    if (!kind)
        kind = bundle_text_read_scales(&bundle->scales, &reading->archive, error);
    if (!kind)
        kind = bundle_text_read_flag(&bundle->turned, &reading->archive, "turned", error);
    if (!kind)
        kind = exhibit_read_of_heads(reading, "slopes", &bundle->slopes, error);
    if (!kind && tensor_archive_find(&reading->archive, "sink_logits"))
        kind = exhibit_read_of_heads(reading, "sink_logits", &bundle->sink_logits, error);
    spec->kv_format = (enum kv_format)format;
    spec->truth_of = (enum truth_of)of;
    spec->slope_values = bundle->slopes;
    spec->num_slope_values = (int)reading->heads;
    if (bundle->sink_logits)
        spec->sinks = (struct sink_spec){SINKS_VALUES, 0, spec->num_heads, bundle->sink_logits};
    bundle->masked = masked;
    return kind;
}
