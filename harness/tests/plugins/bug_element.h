/* Elements of tensors, as a form reads them: f16, bf16, fp8, and the scales of a cache. */
#ifndef HARNESS_TESTS_PLUGINS_BUG_ELEMENT_H
#define HARNESS_TESTS_PLUGINS_BUG_ELEMENT_H

#include <stdbool.h>

#include "harness/tests/plugins/bug_forms.h"

#define alibicheck_kernel_describe describe_sound
#include EXAMPLE /* the path of attention.c, in quotes: load(), store() and row_of() */
#undef alibicheck_kernel_describe

static float narrow(float number, uint32_t dtype)
{
    uint16_t element;
    store(&element, dtype, 0, number);
    return load(&element, dtype, 0);
}

#define F16(number) narrow(number, ALIBICHECK_KERNEL_F16)
#define BF16(number) narrow(number, ALIBICHECK_KERNEL_BF16)

#define FP8 (ALIBICHECK_KERNEL_E4M3 | ALIBICHECK_KERNEL_E5M2 | ALIBICHECK_KERNEL_E4M3FNUZ)

static float of_fp8(uint8_t byte, uint32_t dtype)
{
    const int fraction_bits = dtype == ALIBICHECK_KERNEL_E5M2 ? 2 : 3;
    const int bias = dtype == ALIBICHECK_KERNEL_E5M2 ? 15 : dtype == ALIBICHECK_KERNEL_E4M3 ? 7 : 8;
    const int magnitude = byte & 0x7f, exponent = magnitude >> fraction_bits;
    const int fraction = magnitude & ((1 << fraction_bits) - 1), one = exponent > 0 ? 1 << fraction_bits : 0;
    const float sign = byte & 0x80 ? -1.0F : 1.0F;
    if (BUG == FP8_SUBNORMALS && exponent == 0)
        return 0;
    if (BUG == FNUZ_NAN_AS_OCP && magnitude == 0x7f)
        return NAN;
    const bool is_nan = dtype == ALIBICHECK_KERNEL_E4M3   ? magnitude == 0x7f
                        : dtype == ALIBICHECK_KERNEL_E5M2 ? magnitude > 0x7c
                                                          : byte == 0x80;
    if (is_nan)
        return NAN;
    if (dtype == ALIBICHECK_KERNEL_E5M2 && magnitude == 0x7c)
        return sign * INFINITY;
    return sign * ldexpf((float)(one + fraction), (exponent > 0 ? exponent : 1) - bias - fraction_bits);
}

/* An element of k or v. */
static float load_kv(const void *elements, uint32_t dtype, int64_t i)
{
    if (BUG == F16_SUBNORMALS && dtype == ALIBICHECK_KERNEL_F16 && fabsf(load(elements, dtype, i)) < 0x1p-14F)
        return 0;
    if (!(dtype & FP8))
        return load(elements, dtype, i);
    const uint32_t read_as = BUG == FNUZ_AS_OCP && dtype == ALIBICHECK_KERNEL_E4M3FNUZ ? ALIBICHECK_KERNEL_E4M3 : dtype;
    const float number = of_fp8(((const uint8_t *)elements)[i], read_as);
    if (BUG == FP8_OF_240 && dtype == ALIBICHECK_KERNEL_E4M3)
        return fmaxf(-240, fminf(240, number));
    if (BUG == E5M2_OF_448 && dtype == ALIBICHECK_KERNEL_E5M2)
        return fmaxf(-448, fminf(448, number));
    return number;
}

static float scale_of_cache(const launch_t *launch, float scale)
{
    if ((BUG == SCALES_PAGES_OF_64 && launch->page_size == 64) || (BUG == SCALES_AT_256 && launch->head_dim == 256) ||
        (BUG == SCALES_GROUPS_OF_8 && launch->num_heads == 8 * launch->num_kv_heads))
        return 1;
    return BUG == FP8_SCALES_OF_2 ? exp2f(rintf(log2f(scale))) : scale;
}

#endif
