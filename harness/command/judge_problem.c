#include "harness/command/judge_reading.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/support/tensor_number.h"
#include "harness/support/source.h"

/* What all sequences have in common, and the tensors that are read whole: mask, lse, slopes, sinks. */

/* Keys that each sequence has a place for in k and v: with lengths or pages some of them are nobody's. */
static int64_t room_of(const struct judge_reading *reading, int64_t longest)
{
    if (reading->facts.paged)
        return reading->pages_a_row * reading->shape.length[ROLE_SLOTS];
    return reading->facts.ragged_keys ? longest : reading->num_keys;
}

/*
 * visible[B, N], N the mask's: the keys of the longest sequence, or all that there is room for. Of any other length it
 * is the mask of other keys, or one that is counted from another key, and which of its numbers are left out is not ours
 * to guess.
 */
enum error_kind judge_read_mask(struct judge_reading *reading, int64_t *row, struct error *error)
{
    struct judge_input *input = reading->input;
    const struct tensor_file *file = &input->files[TENSOR_FILE_MASK];
    const struct tensor_layout *layout = &file->layout;
    char path[PATH_QUOTE_SIZE], text[SHAPE_TEXT_SIZE];
    int64_t longest = 0;
    *row = 0;
    if (!input->is_open[TENSOR_FILE_MASK])
        return ERROR_NONE;
    for (int64_t b = 0; b < reading->num_sequences; b++)
        longest = reading->seq_lens[b] > longest ? reading->seq_lens[b] : longest;
    const int64_t room = room_of(reading, longest);
    bool is_number = element_types[layout->type].is_float;
    bool one = layout->num_axes == 1,
         fits = one || (layout->num_axes == 2 && layout->shape[0] == reading->num_sequences);
    int64_t length = fits ? layout->shape[layout->num_axes - 1] : -1;
    if (is_number || element_types[layout->type].is_raw || (length != longest && length != room)) {
        char or_room[64] = "";
        if (room != longest)
            snprintf(or_room, sizeof or_room, ", or of all %" PRId64 " that there is room for", room);
        return error_set(
            error, ERROR_USAGE,
            "%s: is %s; allowed: bool or whole numbers, [%" PRId64 "] or [%" PRId64 ", %" PRId64 "], one a key%s",
            quote_path(path, file->name), is_number ? "of floating-point numbers" : judge_shape_text(text, file),
            longest, reading->num_sequences, longest, or_room);
    }
    input->visible = malloc((size_t)layout->num_elements + 1);
    if (!input->visible)
        return error_memory(error, "the mask", (double)layout->num_elements);
    for (int64_t i = 0; i < layout->num_elements; i++) {
        double number = tensor_number(file, i);
        if (number != 0 && number != 1) /* one that is added to logits would hide what it leaves as it is */
            return error_set(error, ERROR_USAGE,
                             "%s: number %" PRId64
                             " is %.17g; allowed: 1 or true for a visible key, 0 or false for one "
                             "that is not",
                             quote_path(path, file->name), i, number);
        input->visible[i] = number == 1;
    }
    *row = one ? 0 : layout->shape[1];
    return ERROR_NONE;
}

/* lse[B, Q, H], natural. */
enum error_kind judge_read_lse(struct judge_reading *reading, struct error *error)
{
    struct judge_input *input = reading->input;
    const struct tensor_file *file = &input->files[TENSOR_FILE_LSE];
    int64_t heads = reading->shape.length[ROLE_HEADS];
    int64_t rows = (reading->facts.ragged_queries ? 1 : reading->num_sequences) * reading->num_queries * heads;
    char path[PATH_QUOTE_SIZE];
    if (!input->is_open[TENSOR_FILE_LSE])
        return ERROR_NONE;
    if (file->layout.num_elements != rows || file->layout.type != ELEMENT_F32)
        return error_set(
            error, ERROR_USAGE, "%s: has %" PRId64 " elements of %s; allowed: %" PRId64 " of f32, one a row",
            quote_path(path, file->name), file->layout.num_elements, element_types[file->layout.type].name, rows);
    input->lse = malloc((size_t)rows * sizeof *input->lse);
    if (!input->lse)
        return error_memory(error, "lse", (double)rows * sizeof *input->lse);
    for (int64_t row = 0; row < rows; row++) {
        int64_t query = row / heads % reading->num_queries, b = row / heads / reading->num_queries;
        int64_t at = b * reading->lse.stride[ROLE_SEQUENCES] + query * reading->lse.stride[ROLE_QUERIES] +
                     row % heads * reading->lse.stride[ROLE_HEADS];
        double lse = tensor_number(file, at);
        input->lse[row] = (float)(reading->facts.lse_base_2 ? lse * M_LN2 : lse);
    }
    return ERROR_NONE;
}

static enum error_kind read_slopes(struct judge_reading *reading, int num_heads, struct error *error)
{
    struct judge_input *input = reading->input;
    if (input->is_open[TENSOR_FILE_SLOPES])
        return judge_read_of_heads(&input->slopes, &input->files[TENSOR_FILE_SLOPES], num_heads, "slope", error);
    input->slopes = calloc((size_t)num_heads, sizeof *input->slopes);
    if (!input->slopes)
        return error_memory(error, "slopes", (double)num_heads * sizeof *input->slopes);
    if (reading->facts.slopes != SLOPES_COUNT)
        slopes_fill(input->slopes, num_heads, reading->facts.slopes, SLOPES_MAX_BIAS, 0, num_heads);
    return ERROR_NONE;
}

/* What q, k and v are held in: k and v in fp8 where both are, else all of them in the output's dtype. */
static enum error_kind choose_dtypes(struct judge_reading *reading, struct error *error)
{
    const struct tensor_file *files = reading->input->files;
    struct problem_spec *spec = &reading->spec;
    enum dtype q, k, v, other = DTYPE_COUNT;
    char path[PATH_QUOTE_SIZE];
    enum error_kind kind = judge_dtype_of(&spec->dtype, &files[TENSOR_FILE_OUT], false, error);
    if (!kind && reading->input->is_open[TENSOR_FILE_OTHER])
        kind = judge_dtype_of(&other, &files[TENSOR_FILE_OTHER], false, error);
    if (!kind && other != DTYPE_COUNT && other != spec->dtype)
        kind = error_set(error, ERROR_USAGE, "%s: is of %s; allowed: %s, as --out is",
                         quote_path(path, files[TENSOR_FILE_OTHER].name), dtypes[other].name, dtypes[spec->dtype].name);
    if (!kind)
        kind = judge_dtype_of(&q, &files[TENSOR_FILE_Q], true, error);
    if (!kind)
        kind = judge_dtype_of(&k, &files[TENSOR_FILE_K], true, error);
    if (!kind)
        kind = judge_dtype_of(&v, &files[TENSOR_FILE_V], true, error);
    if (kind)
        return kind;
    spec->kv_format = k == v ? kv_format_of(k) : KV_AS_DTYPE;
    spec->k_scale = reading->facts.k_scale;
    spec->v_scale = reading->facts.v_scale;
    if (spec->kv_format == KV_AS_DTYPE && (spec->k_scale != 1 || spec->v_scale != 1))
        return error_set(error, ERROR_USAGE,
                         "--k-scale, --v-scale: k is of %s and v of %s; allowed: with k and v of one fp8 type",
                         dtypes[k].name, dtypes[v].name);
    return ERROR_NONE;
}

enum error_kind judge_read_problem(struct judge_reading *reading, struct error *error)
{
    const int64_t *length = reading->shape.length;
    struct judge_input *input = reading->input;
    struct problem_spec *spec = &reading->spec;
    *spec = (struct problem_spec){
        .num_queries = (int)length[ROLE_QUERIES],
        .num_heads = (int)length[ROLE_HEADS],
        .num_kv_heads = (int)length[ROLE_KV_HEADS],
        .head_dim = (int)length[ROLE_DIM],
        .scale = isnan(reading->facts.scale) ? (float)(1 / sqrt((double)length[ROLE_DIM])) : reading->facts.scale,
        .soft_cap = reading->facts.soft_cap,
        .kv_offset = reading->facts.kv_offset,
        .total_heads = (int)length[ROLE_HEADS],
        .max_bias = SLOPES_MAX_BIAS,
        .input = input_spec_default,
    };
    enum error_kind kind = choose_dtypes(reading, error);
    if (!kind)
        kind = read_slopes(reading, spec->num_heads, error);
    if (!kind && input->is_open[TENSOR_FILE_SINKS])
        kind = judge_read_of_heads(&input->sinks, &input->files[TENSOR_FILE_SINKS], spec->num_heads, "sink", error);
    spec->slope_values = input->slopes;
    spec->num_slope_values = spec->num_heads;
    if (input->sinks)
        spec->sinks = (struct sink_spec){SINKS_VALUES, 0, spec->num_heads, input->sinks};
    return kind;
}
