/*
 * The compiled forms of the kernels: one a dtype and number of lanes that share a row. X-macros, so that the kernels,
 * their declarations and the tables of the devices cannot disagree.
 */
#ifndef KERNELS_KERNEL_NAMES_H
#define KERNELS_KERNEL_NAMES_H

/* X(name, dtype, group): 8 elements a lane, so group lanes serve head dims up to 8 group. */
#define KERNEL_VARIANTS(X)     \
    X(f16_8, DTYPE_F16, 8)     \
    X(f16_16, DTYPE_F16, 16)   \
    X(f16_32, DTYPE_F16, 32)   \
    X(bf16_8, DTYPE_BF16, 8)   \
    X(bf16_16, DTYPE_BF16, 16) \
    X(bf16_32, DTYPE_BF16, 32) \
    X(f32_8, DTYPE_F32, 8)     \
    X(f32_16, DTYPE_F32, 16)   \
    X(f32_32, DTYPE_F32, 32)

/* X(name, dtype): kernels that need no groups. */
#define KERNEL_DTYPES(X) \
    X(f16, DTYPE_F16)    \
    X(bf16, DTYPE_BF16)  \
    X(f32, DTYPE_F32)

/* F(function) for every compiled function, a variant of KERNEL_VARIANTS a line. */
/* clang-format off */
#define KERNEL_FUNCTIONS(F)                                             \
    F(single_pass_f16_8) F(single_pass_f16_16) F(single_pass_f16_32)    \
    F(single_pass_bf16_8) F(single_pass_bf16_16) F(single_pass_bf16_32) \
    F(single_pass_f32_8) F(single_pass_f32_16) F(single_pass_f32_32)    \
    F(split_kv_f16_8) F(split_kv_f16_16) F(split_kv_f16_32)             \
    F(split_kv_bf16_8) F(split_kv_bf16_16) F(split_kv_bf16_32)          \
    F(split_kv_f32_8) F(split_kv_f32_16) F(split_kv_f32_32)             \
    F(split_kv_merge_f16) F(split_kv_merge_bf16) F(split_kv_merge_f32)
/* clang-format on */

#define KERNEL_FUNCTION_ENUM(name) FUNCTION_##name,
#define KERNEL_HOST_DECLARATIONS(name)       \
    void host_##name(const void *arguments); \
    void replay_##name(const void *arguments);

enum kernel_function { KERNEL_FUNCTIONS(KERNEL_FUNCTION_ENUM) FUNCTION_COUNT };

#ifndef __CUDACC__
KERNEL_FUNCTIONS(KERNEL_HOST_DECLARATIONS)
#endif

#endif
