/*
 * What a tensor in a file is made of: the type of its elements, and its shape.
 */
#ifndef HARNESS_SUPPORT_TENSOR_LAYOUT_H
#define HARNESS_SUPPORT_TENSOR_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reference/dtype.h"

enum element_type {
    ELEMENT_F64,
    ELEMENT_F32,
    ELEMENT_F16,
    ELEMENT_BF16,
    ELEMENT_E4M3, /* float8_e4m3fn: no infinity */
    ELEMENT_E5M2,
    ELEMENT_E4M3FNUZ,
    ELEMENT_I64,
    ELEMENT_I32,
    ELEMENT_I16,
    ELEMENT_I8,
    ELEMENT_U64,
    ELEMENT_U32,
    ELEMENT_U16,
    ELEMENT_U8,
    ELEMENT_BOOL,  /* a byte, 0 or 1 */
    ELEMENT_RAW16, /* bytes whose meaning the file does not say: NumPy's '<V2', which is what it makes of bf16 */
    ELEMENT_RAW8,  /* '|V1', of e4m3 */
    ELEMENT_COUNT  /* none of these */
};

struct element_type_info {
    const char *name;        /* "bf16" */
    size_t size_bytes;       /* of one element: 1, 2, 4 or 8 */
    const char *safetensors; /* "BF16"; NULL: no such type there */
    bool is_float, is_raw;
    bool may_be_bits; /* integers as which programs write the bits of floats that a format has no type for */
};

extern const struct element_type_info element_types[ELEMENT_COUNT];

/* What elements of a dtype are in a file: the type of the same name and bits. */
extern const enum element_type dtype_element_types[DTYPE_COUNT_WITH_FP8];

/* The dtype whose elements are of that type; DTYPE_COUNT_WITH_FP8 if there is none. */
enum dtype element_type_dtype(enum element_type type);

/* The type called name, those without a meaning apart; ELEMENT_COUNT if there is none. */
enum element_type element_type_from_name(const char *name);

/* The type that safetensors calls so; ELEMENT_COUNT if there is none. */
enum element_type element_type_from_safetensors(const char *name);

enum { TENSOR_AXES_MAX = 8 };

struct tensor_layout {
    enum element_type type;
    int num_axes;                   /* 0, a single number, to TENSOR_AXES_MAX */
    int64_t shape[TENSOR_AXES_MAX]; /* slowest axis first, each 0 or more; 1 beyond num_axes */
    int64_t num_elements;           /* the product of shape; its bytes can be counted, too */
};

/* The product of the lengths, each 0 or more. False if it, or that many elements of 8 bytes, has no int64_t; so does
 * one of which an axis of length 0 alone makes it small. */
bool tensor_count_elements(int64_t *num_elements, int num_axes, const int64_t *shape);

static inline int64_t tensor_layout_bytes(const struct tensor_layout *layout)
{
    return layout->num_elements * (int64_t)element_types[layout->type].size_bytes;
}

/* "f16 [9, 2, 64]", for messages. text: TENSOR_LAYOUT_TEXT_SIZE characters, returned. */
enum { TENSOR_LAYOUT_TEXT_SIZE = 208 };
char *tensor_layout_text(char *text, const struct tensor_layout *layout);

#endif
