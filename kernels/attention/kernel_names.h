/*
 * The compiled forms of the kernels: one a dtype and number of lanes that share a row. X-macros, so that the kernels,
 * their declarations and the tables of the devices cannot disagree.
 */
#ifndef KERNELS_ATTENTION_KERNEL_NAMES_H
#define KERNELS_ATTENTION_KERNEL_NAMES_H

/* X(name, dtype of k and v, group): 8 elements a lane, so group lanes serve head dims up to 8 group. */
#define KERNEL_TYPES_16_BITS(X) \
    X(f16_8, DTYPE_F16, 8)      \
    X(f16_16, DTYPE_F16, 16)    \
    X(f16_32, DTYPE_F16, 32)    \
    X(bf16_8, DTYPE_BF16, 8)    \
    X(bf16_16, DTYPE_BF16, 16)  \
    X(bf16_32, DTYPE_BF16, 32)
#define KERNEL_TYPES_E4M3(X)   \
    X(e4m3_8, DTYPE_E4M3, 8)   \
    X(e4m3_16, DTYPE_E4M3, 16) \
    X(e4m3_32, DTYPE_E4M3, 32)
#define KERNEL_VARIANTS(X)     \
    KERNEL_TYPES_16_BITS(X)    \
    X(f32_8, DTYPE_F32, 8)     \
    X(f32_16, DTYPE_F32, 16)   \
    X(f32_32, DTYPE_F32, 32)   \
    KERNEL_TYPES_E4M3(X)       \
    X(e5m2_8, DTYPE_E5M2, 8)   \
    X(e5m2_16, DTYPE_E5M2, 16) \
    X(e5m2_32, DTYPE_E5M2, 32)

/* Those that have plain forms (plain.h). */
#define KERNEL_PLAIN_TYPES(X) \
    KERNEL_TYPES_16_BITS(X)   \
    KERNEL_TYPES_E4M3(X)

/* X(name, dtype of k and v, group, query heads of a KV head that a warp works on at once) */
#define KERNEL_PLAIN_VARIANTS(X)     \
    X(f16_8_x1, DTYPE_F16, 8, 1)     \
    X(f16_8_x4, DTYPE_F16, 8, 4)     \
    X(f16_16_x1, DTYPE_F16, 16, 1)   \
    X(f16_16_x4, DTYPE_F16, 16, 4)   \
    X(f16_32_x1, DTYPE_F16, 32, 1)   \
    X(f16_32_x4, DTYPE_F16, 32, 4)   \
    X(bf16_8_x1, DTYPE_BF16, 8, 1)   \
    X(bf16_8_x4, DTYPE_BF16, 8, 4)   \
    X(bf16_16_x1, DTYPE_BF16, 16, 1) \
    X(bf16_16_x4, DTYPE_BF16, 16, 4) \
    X(bf16_32_x1, DTYPE_BF16, 32, 1) \
    X(bf16_32_x4, DTYPE_BF16, 32, 4) \
    X(e4m3_8_x1, DTYPE_E4M3, 8, 1)   \
    X(e4m3_8_x4, DTYPE_E4M3, 8, 4)   \
    X(e4m3_16_x1, DTYPE_E4M3, 16, 1) \
    X(e4m3_16_x4, DTYPE_E4M3, 16, 4) \
    X(e4m3_32_x1, DTYPE_E4M3, 32, 1) \
    X(e4m3_32_x4, DTYPE_E4M3, 32, 4)

/* F(function) for every compiled function: the generic forms, which every device and the replay have, then the plain.
 */
/* clang-format off */
#define KERNEL_GENERIC_FUNCTIONS_OF(F, kernel)                     \
    F(kernel##_f16_8) F(kernel##_f16_16) F(kernel##_f16_32)        \
    F(kernel##_bf16_8) F(kernel##_bf16_16) F(kernel##_bf16_32)     \
    F(kernel##_f32_8) F(kernel##_f32_16) F(kernel##_f32_32)        \
    F(kernel##_e4m3_8) F(kernel##_e4m3_16) F(kernel##_e4m3_32)     \
    F(kernel##_e5m2_8) F(kernel##_e5m2_16) F(kernel##_e5m2_32)
#define KERNEL_PLAIN_FUNCTIONS_OF(F, kernel)                       \
    F(kernel##_f16_8_x1) F(kernel##_f16_8_x4)                      \
    F(kernel##_f16_16_x1) F(kernel##_f16_16_x4)                    \
    F(kernel##_f16_32_x1) F(kernel##_f16_32_x4)                    \
    F(kernel##_bf16_8_x1) F(kernel##_bf16_8_x4)                    \
    F(kernel##_bf16_16_x1) F(kernel##_bf16_16_x4)                  \
    F(kernel##_bf16_32_x1) F(kernel##_bf16_32_x4)                  \
    F(kernel##_e4m3_8_x1) F(kernel##_e4m3_8_x4)                    \
    F(kernel##_e4m3_16_x1) F(kernel##_e4m3_16_x4)                  \
    F(kernel##_e4m3_32_x1) F(kernel##_e4m3_32_x4)
#define KERNEL_GENERIC_FUNCTIONS(F)                 \
    KERNEL_GENERIC_FUNCTIONS_OF(F, single_pass)     \
    KERNEL_GENERIC_FUNCTIONS_OF(F, split_kv)        \
    F(split_kv_merge)                               \
    KERNEL_GENERIC_FUNCTIONS_OF(F, two_pass_logits) \
    KERNEL_GENERIC_FUNCTIONS_OF(F, two_pass_output)
#define KERNEL_PLAIN_FUNCTIONS(F)                   \
    KERNEL_PLAIN_FUNCTIONS_OF(F, single_pass)       \
    KERNEL_PLAIN_FUNCTIONS_OF(F, split_kv)
#define KERNEL_FUNCTIONS(F) KERNEL_GENERIC_FUNCTIONS(F) KERNEL_PLAIN_FUNCTIONS(F)
/* clang-format on */

#define KERNEL_FUNCTION_ENUM(name) FUNCTION_##name,
#define KERNEL_HOST_DECLARATION(name) void host_##name(const void *arguments);
#define KERNEL_REPLAY_DECLARATION(name) void replay_##name(const void *arguments);

enum kernel_function { KERNEL_FUNCTIONS(KERNEL_FUNCTION_ENUM) FUNCTION_COUNT };

#ifndef __CUDACC__
KERNEL_FUNCTIONS(KERNEL_HOST_DECLARATION)
KERNEL_GENERIC_FUNCTIONS(KERNEL_REPLAY_DECLARATION)
#endif

#endif
