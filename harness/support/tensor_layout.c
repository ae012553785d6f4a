#include "harness/support/tensor_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct element_type_info element_types[ELEMENT_COUNT] = {
    [ELEMENT_F64] = {.name = "f64", .size_bytes = 8, .safetensors = "F64", .is_float = true},
    [ELEMENT_F32] = {.name = "f32", .size_bytes = 4, .safetensors = "F32", .is_float = true},
    [ELEMENT_F16] = {.name = "f16", .size_bytes = 2, .safetensors = "F16", .is_float = true},
    [ELEMENT_BF16] = {.name = "bf16", .size_bytes = 2, .safetensors = "BF16", .is_float = true},
    [ELEMENT_E4M3] = {.name = "e4m3", .size_bytes = 1, .safetensors = "F8_E4M3", .is_float = true},
    [ELEMENT_E5M2] = {.name = "e5m2", .size_bytes = 1, .safetensors = "F8_E5M2", .is_float = true},
    [ELEMENT_E4M3FNUZ] = {.name = "e4m3fnuz", .size_bytes = 1, .safetensors = "F8_E4M3FNUZ", .is_float = true},
    [ELEMENT_I64] = {.name = "i64", .size_bytes = 8, .safetensors = "I64"},
    [ELEMENT_I32] = {.name = "i32", .size_bytes = 4, .safetensors = "I32"},
    [ELEMENT_I16] = {.name = "i16", .size_bytes = 2, .safetensors = "I16", .may_be_bits = true},
    [ELEMENT_I8] = {.name = "i8", .size_bytes = 1, .safetensors = "I8", .may_be_bits = true},
    [ELEMENT_U64] = {.name = "u64", .size_bytes = 8, .safetensors = "U64"},
    [ELEMENT_U32] = {.name = "u32", .size_bytes = 4, .safetensors = "U32"},
    [ELEMENT_U16] = {.name = "u16", .size_bytes = 2, .safetensors = "U16", .may_be_bits = true},
    [ELEMENT_U8] = {.name = "u8", .size_bytes = 1, .safetensors = "U8", .may_be_bits = true},
    [ELEMENT_BOOL] = {.name = "bool", .size_bytes = 1, .safetensors = "BOOL"},
    [ELEMENT_RAW16] = {.name = "raw16", .size_bytes = 2, .is_raw = true},
    [ELEMENT_RAW8] = {.name = "raw8", .size_bytes = 1, .is_raw = true},
};

const enum element_type dtype_element_types[DTYPE_COUNT_WITH_FP8] = {
    [DTYPE_F16] = ELEMENT_F16,   [DTYPE_BF16] = ELEMENT_BF16, [DTYPE_F32] = ELEMENT_F32,
    [DTYPE_E4M3] = ELEMENT_E4M3, [DTYPE_E5M2] = ELEMENT_E5M2, [DTYPE_E4M3FNUZ] = ELEMENT_E4M3FNUZ,
};

enum dtype element_type_dtype(enum element_type type)
{
    enum dtype dtype = 0;
    while (dtype < DTYPE_COUNT_WITH_FP8 && dtype_element_types[dtype] != type)
        dtype++;
    return dtype;
}

enum element_type element_type_from_name(const char *name)
{
    enum element_type type = 0;
    while (type < ELEMENT_COUNT && (element_types[type].is_raw || strcmp(element_types[type].name, name) != 0))
        type++;
    return type;
}

enum element_type element_type_from_safetensors(const char *name)
{
    enum element_type type = 0;
    while (type < ELEMENT_COUNT &&
           (!element_types[type].safetensors || strcmp(element_types[type].safetensors, name) != 0))
        type++;
    return type;
}

bool tensor_count_elements(int64_t *num_elements, int num_axes, const int64_t *shape)
{
    enum { ELEMENT_BYTES_MAX = 8 };
    int64_t product = 1, bytes;
    bool is_empty = false;
    for (int i = 0; i < num_axes; i++) {
        is_empty |= shape[i] == 0;
        if (shape[i] && __builtin_mul_overflow(product, shape[i], &product))
            return false;
    }
    *num_elements = is_empty ? 0 : product;
    return !__builtin_mul_overflow(product, ELEMENT_BYTES_MAX, &bytes);
}

char *tensor_layout_text(char *text, const struct tensor_layout *layout)
{
    const char *type = layout->type < ELEMENT_COUNT ? element_types[layout->type].name : "?";
    int length = snprintf(text, TENSOR_LAYOUT_TEXT_SIZE, "%s [", type);
    for (int i = 0; i < layout->num_axes; i++)
        length += snprintf(text + length, (size_t)(TENSOR_LAYOUT_TEXT_SIZE - length), i ? ", %" PRId64 : "%" PRId64,
                           layout->shape[i]);
    snprintf(text + length, (size_t)(TENSOR_LAYOUT_TEXT_SIZE - length), "]");
    return text;
}
