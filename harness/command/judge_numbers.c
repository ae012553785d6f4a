#include "harness/command/judge_reading.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "harness/support/tensor_number.h"
#include "harness/support/source.h"

/* Tensors as lists of numbers, and what elements are held in. */

enum error_kind judge_dtype_of(enum dtype *dtype, const struct tensor_file *file, bool fp8, struct error *error)
{
    const struct element_type_info *info = &element_types[file->layout.type];
    char path[PATH_QUOTE_SIZE];
    const enum dtype of_type = element_type_dtype(file->layout.type);
    if (of_type < (fp8 ? DTYPE_COUNT_WITH_FP8 : DTYPE_COUNT)) {
        *dtype = of_type;
        return ERROR_NONE;
    }
    bool raw = info->is_raw || info->may_be_bits;
    return error_set(error, ERROR_USAGE, "%s: is of %s%s; allowed: f16, bf16, f32%s", quote_path(path, file->name),
                     info->name, raw ? ", raw bits of which --dtype TENSOR=DTYPE has to say what they are" : "",
                     fp8 ? ", e4m3, e5m2, e4m3fnuz" : "");
}

/* Whether elements say their numbers by themselves: truth values are none, bits are of another type, and fp8 has a
 * scale beside it. */
static bool are_numbers(const struct tensor_file *file)
{
    enum element_type type = file->layout.type;
    enum dtype dtype = element_type_dtype(type);
    bool is_fp8 = dtype >= DTYPE_COUNT && dtype < DTYPE_COUNT_WITH_FP8;
    return type != ELEMENT_BOOL && !element_types[type].is_raw && !is_fp8;
}

enum error_kind judge_read_whole(int64_t **numbers, const struct tensor_file *file, int64_t count, int64_t least,
                                 int64_t greatest, const char *what, struct error *error)
{
    char path[PATH_QUOTE_SIZE], text[SHAPE_TEXT_SIZE];
    if (!are_numbers(file))
        return error_set(error, ERROR_USAGE, "%s: is of %s; allowed: numbers, %s", quote_path(path, file->name),
                         element_types[file->layout.type].name, what);
    if (file->layout.num_elements != count)
        return error_set(error, ERROR_USAGE, "%s: is %s; allowed: %" PRId64 " numbers, %s",
                         quote_path(path, file->name), judge_shape_text(text, file), count, what);
    *numbers = calloc((size_t)count + 1, sizeof **numbers);
    if (!*numbers)
        return error_memory(error, what, (double)count * sizeof **numbers);
    for (int64_t i = 0; i < count; i++) {
        double number = tensor_number(file, i);
        if (!(number >= (double)least && number <= (double)greatest) || number != trunc(number))
            return error_set(error, ERROR_USAGE,
                             "%s: number %" PRId64 " is %.17g; allowed: %s, %" PRId64 " to %" PRId64,
                             quote_path(path, file->name), i, isnan(number) ? NAN : number, what, least, greatest);
        (*numbers)[i] = (int64_t)number;
    }
    return ERROR_NONE;
}

enum error_kind judge_read_of_heads(float **values, const struct tensor_file *file, int num_heads, const char *what,
                                    struct error *error)
{
    char path[PATH_QUOTE_SIZE], text[SHAPE_TEXT_SIZE];
    if (file->layout.num_elements != num_heads)
        return error_set(error, ERROR_USAGE, "%s: is %s; allowed: [%d], a %s a head", quote_path(path, file->name),
                         judge_shape_text(text, file), num_heads, what);
    const struct element_type_info *type = &element_types[file->layout.type];
    if (!are_numbers(file) || type->may_be_bits) /* as programs write bf16, which would be slopes of 16000 */
        return error_set(error, ERROR_USAGE,
                         "%s: is of %s%s; allowed: f16, bf16, f32, f64, or whole numbers of 32 or 64 bits, a %s a head",
                         quote_path(path, file->name), type->name,
                         type->may_be_bits ? ", which may be the bits of another type" : "", what);
    *values = calloc((size_t)num_heads, sizeof **values);
    if (!*values)
        return error_memory(error, what, (double)num_heads * sizeof **values);
    for (int h = 0; h < num_heads; h++) {
        double number = tensor_number(file, h);
        (*values)[h] = (float)number;
        if (!isfinite(number) || (double)(*values)[h] != number)
            return error_set(error, ERROR_USAGE, "%s: the %s of head %d is %.17g; allowed: finite numbers of f32",
                             quote_path(path, file->name), what, h, isnan(number) ? NAN : number);
    }
    return ERROR_NONE;
}
