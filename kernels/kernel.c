#include "kernels/kernel.h"

#include <stdio.h>
#include <string.h>

#define DESCRIPTOR(enumerator, name) [KERNEL_##enumerator] = &kernel_##name,

const struct kernel_descriptor *const kernels[KERNEL_COUNT] = {KERNELS(DESCRIPTOR)};

#define KERNEL_NAME(enumerator, name) [KERNEL_##enumerator] = #name,

const char *const kernel_names[KERNEL_COUNT] = {KERNELS(KERNEL_NAME)};

enum kernel kernel_from_name(const char *name)
{
    int kernel = 0;
    while (kernel < KERNEL_COUNT && strcmp(kernels[kernel]->name, name))
        kernel++;
    return (enum kernel)kernel;
}

char *kernels_with_chunks(char *text)
{
    size_t length = 0;
    *text = 0;
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++)
        if (kernels[kernel]->uses_chunk_len)
            length += (size_t)snprintf(text + length, KERNEL_NAMES_SIZE - length, "%s%s", length ? " or " : "",
                                       kernels[kernel]->name);
    return text;
}

/* ---- what kernels on tensor cores do not take -------------------------------------------------------------------- */

static bool other_weights(const struct recipe *recipe, enum dtype dtype)
{
    const struct recipe for_dtype = recipe_for(recipe, dtype);
    return for_dtype.weight_dtype && dtype_rounding_dtype(for_dtype.weight_dtype) != dtype;
}

static bool narrow_sums(const struct recipe *recipe, enum dtype dtype)
{
    (void)dtype;
    return recipe->dot_dtype || recipe->sum_dtype || recipe->weighted_sum_dtype;
}

static bool scaled_weights(const struct recipe *recipe, enum dtype dtype)
{
    (void)dtype;
    return recipe->weight_scale != 0;
}

static bool scaled_query(const struct recipe *recipe, enum dtype dtype)
{
    (void)dtype;
    return recipe->scale_entry == SCALE_QUERY;
}

const char *kernel_refusal(enum kernel kernel, const struct recipe *recipe, enum dtype dtype, enum kv_format kv_format)
{
    static const struct {
        bool (*holds)(const struct recipe *recipe, enum dtype dtype);
        const char *why;
    } rules[] = {
        {narrow_sums, "sums in f32 alone; allowed: dot_dtype, sum_dtype and weighted_sum_dtype f32"},
        {other_weights, "multiplies v with weights of its dtype alone; allowed: weight_dtype input or that dtype, "
                        "which f32 stands for"},
        {scaled_weights, "multiplies weights with v as they are rounded; allowed: weight_scale 0"},
        {scaled_query, "takes q as it is given; allowed: scale_entry dot, sum or product"},
    };
    if (!kernels[kernel]->tensor_cores)
        return NULL;
    if (dtype == DTYPE_F32 || kv_format != KV_AS_DTYPE)
        return "takes f16 and bf16 alone; allowed: dtype f16 or bf16, and kv_dtype as dtype";
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].holds(recipe, dtype))
            return rules[i].why;
    return NULL;
}

bool kernel_takes_head_dim(int head_dim)
{
    return head_dim >= HEAD_DIM_MIN && head_dim <= HEAD_DIM_MAX && head_dim % HEAD_DIM_STEP == 0;
}

struct recipe kernel_recipe(enum kernel kernel, const struct recipe *recipe, enum dtype dtype)
{
    struct recipe of_kernel = *recipe;
    if (kernels[kernel]->tensor_cores && !of_kernel.weight_dtype)
        of_kernel.weight_dtype = ROUND_INPUT;
    return recipe_for(&of_kernel, dtype);
}

bool kernel_takes_device_keys(const struct kernel_options *options, const struct recipe *recipe)
{
    return !options->setting.far_rows && recipe->sentinel.policy != SENTINEL_ADAPTIVE;
}
