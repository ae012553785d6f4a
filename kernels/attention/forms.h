/*
 * The compiled forms of kernels: one a dtype of k and v and number of lanes that share a row. Macros make them in each
 * source, and the tables of them that each compilation of it leaves: host_NAME, replay_NAME, cuda_NAME.
 */
#ifndef KERNELS_ATTENTION_FORMS_H
#define KERNELS_ATTENTION_FORMS_H

#include "kernels/descriptor.h"
#include "kernels/geometry.h"
#include "reference/dtype.h"

/* clang-format off */
/* X(function, body, form, dtype of k and v, group), in the order of enum dtype: 8 elements a lane, so group lanes serve
 * head dims up to 8 group. */
#define FORMS_OF_16_BITS(X, function, body)    \
    X(function, body, f16_8, DTYPE_F16, 8)     \
    X(function, body, f16_16, DTYPE_F16, 16)   \
    X(function, body, f16_32, DTYPE_F16, 32)   \
    X(function, body, bf16_8, DTYPE_BF16, 8)   \
    X(function, body, bf16_16, DTYPE_BF16, 16) \
    X(function, body, bf16_32, DTYPE_BF16, 32)
#define FORMS_OF_E4M3(X, function, body)       \
    X(function, body, e4m3_8, DTYPE_E4M3, 8)   \
    X(function, body, e4m3_16, DTYPE_E4M3, 16) \
    X(function, body, e4m3_32, DTYPE_E4M3, 32)
#define FORMS_OF_OTHERS(X, function, body)     \
    X(function, body, f32_8, DTYPE_F32, 8)     \
    X(function, body, f32_16, DTYPE_F32, 16)   \
    X(function, body, f32_32, DTYPE_F32, 32)   \
    FORMS_OF_E4M3(X, function, body)           \
    X(function, body, e5m2_8, DTYPE_E5M2, 8)   \
    X(function, body, e5m2_16, DTYPE_E5M2, 16) \
    X(function, body, e5m2_32, DTYPE_E5M2, 32)       \
    X(function, body, fnuz_8, DTYPE_E4M3FNUZ, 8)   \
    X(function, body, fnuz_16, DTYPE_E4M3FNUZ, 16) \
    X(function, body, fnuz_32, DTYPE_E4M3FNUZ, 32)
#define FORMS_OF_ALL(X, function, body)        \
    FORMS_OF_16_BITS(X, function, body)        \
    FORMS_OF_OTHERS(X, function, body)

/* Those that have plain forms (plain.h). */
#define FORMS_OF_PLAIN(X, function, body)      \
    FORMS_OF_16_BITS(X, function, body)        \
    FORMS_OF_E4M3(X, function, body)
/* clang-format on */

/* ---- functions -------------------------------------------------------------------------------------------------- */

/* Who knows kernels and runs none (KERNELS_ABSENT) has descriptors, and tables without forms. */
#ifndef KERNELS_ABSENT
#define FORMS_ARE_MADE(forms) forms
#else
#define FORMS_ARE_MADE(forms)
#endif

/* All forms take a GPU's compiler minutes. A build for tests makes a part of them there: of generic ones every
 * FORMS_SHARE_OF-th from the FORMS_SHARE-th on, of the others a third, one number of lanes of each dtype. A launch of
 * another fails. */
#if defined __CUDACC__ && defined FORMS_SHARE_OF
#define FORM_IS_MADE(dtype, group) ((3 * (int)(dtype) + (group) / 16) % FORMS_SHARE_OF == FORMS_SHARE)
#define FAST_FORM_IS_MADE(dtype, group) (((int)(dtype) + (group) / 16) % 3 == FORMS_SHARE % 3)
#define FORM_IS_ABSENT() __trap()
static_assert(FORMS_SHARE < FORMS_SHARE_OF, "CUDA_FORMS=K/N, with K from 0 to N - 1");
#else
#define FORM_IS_MADE(dtype, group) true
#define FAST_FORM_IS_MADE(dtype, group) true
#define FORM_IS_ABSENT() (void)0
#endif

/* The generic forms of a function, each body(args, dtype, group). */
#define GENERIC_FORMS(function, body) FORMS_ARE_MADE(FORMS_OF_ALL(GENERIC_FORM, function, body))
#define FORM_IF(is_made, name, body, dtype, group)                            \
    SIMT_KERNEL(name, struct attention_args, launch)                          \
    {                                                                         \
        if (is_made) {                                                        \
            struct attention_args args = attention_args_here(&launch, false); \
            body(&args, dtype, group);                                        \
        } else {                                                              \
            FORM_IS_ABSENT();                                                 \
        }                                                                     \
    }

/* On the host the body is there twice, but for fp8: launches that have the plain form's values and no plain form, such
 * as those of masked keys, take the one that has these as constants. The operations are the same, in the same order. */
#if defined __CUDACC__ || defined SIMT_REPLAY || defined SIMT_SHARED_BODY
#define GENERIC_FORM(function, body, form, dtype, group) \
    FORM_IF(FORM_IS_MADE(dtype, group), function##_##form, body, dtype, group)
#else
#define GENERIC_FORM(function, body, form, dtype, group)                                     \
    SIMT_NOINLINE void function##_##form##_of_constants(const struct attention_args *launch) \
    {                                                                                        \
        struct attention_args args = attention_args_here(launch, true);                      \
        body(&args, dtype, group);                                                           \
    }                                                                                        \
    SIMT_KERNEL(function##_##form, struct attention_args, launch)                            \
    {                                                                                        \
        if ((dtype) < DTYPE_COUNT && plain_fields_hold(&launch)) {                           \
            function##_##form##_of_constants(&launch);                                       \
        } else {                                                                             \
            struct attention_args args = attention_args_here(&launch, false);                \
            body(&args, dtype, group);                                                       \
        }                                                                                    \
    }
#endif

/* Those of 16 bits alone, of a function that takes no other dtypes. */
#define FORMS_16_BITS(function, body) FORMS_ARE_MADE(FORMS_OF_16_BITS(ONLY_FORM, function, body))
#define ONLY_FORM(function, body, form, dtype, group) \
    FORM_IF(FAST_FORM_IS_MADE(dtype, group), function##_##form, body, dtype, group)

/* Its plain forms, of body_1, body_2 and body_4(launch, args, dtype, group): for so many query heads. */
#define PLAIN_FORMS(function, body) FORMS_ARE_MADE(FORMS_OF_PLAIN(PLAIN_FORMS_OF_TYPE, function, body))
#define PLAIN_FORMS_OF_TYPE(function, body, form, dtype, group) \
    PLAIN_FORM(function##_##form##_x1, body##_1, dtype, group)  \
    PLAIN_FORM(function##_##form##_x2, body##_2, dtype, group)  \
    PLAIN_FORM(function##_##form##_x4, body##_4, dtype, group)
/* Those of 16 bits alone, of body(launch, args, dtype, group), whose heads share rows in every form. */
#define PLAIN_FORMS_16_BITS(function, body) FORMS_ARE_MADE(FORMS_OF_16_BITS(PLAIN_FORM_ALONE, function, body))
#define PLAIN_FORM_ALONE(function, body, form, dtype, group) PLAIN_FORM(function##_##form##_plain, body, dtype, group)
#define PLAIN_FORM(name, body, dtype, group)                                 \
    SIMT_KERNEL(name, struct attention_args, launch)                         \
    {                                                                        \
        if (FAST_FORM_IS_MADE(dtype, group)) {                               \
            struct attention_args args = attention_args_here(&launch, true); \
            body(&launch, &args, dtype, group);                              \
        } else {                                                             \
            FORM_IS_ABSENT();                                                \
        }                                                                    \
    }

/* ---- tables ----------------------------------------------------------------------------------------------------- */

#define FORM_COUNTED(function, body, form, dtype, group) +1

/* For 1, 2 and MAX_SHARED_HEADS heads. */
enum { PLAIN_SHARES = 3 };
enum {
    NUM_GENERIC_FORMS = 0 FORMS_OF_ALL(FORM_COUNTED, 0, 0),
    NUM_PLAIN_FORMS = PLAIN_SHARES * (0 FORMS_OF_PLAIN(FORM_COUNTED, 0, 0))
};

struct compiled_form {
    const char *name;
    void (*function)(void); /* devices cast it to what they launch: simt_kernel, or __global__ with attention_args */
};

/* What a compiler made of a kernel: of each of its launches the generic forms, [dtype][group], then the plain ones,
 * [dtype][group][PLAIN_SHARES], where there are any. A function without forms stands for all generic ones. */
struct compiled_kernel {
    struct compiled_form forms[MAX_KERNEL_LAUNCHES][NUM_GENERIC_FORMS + NUM_PLAIN_FORMS];
};

/* COMPILED_KERNEL(name, {launch}, {launch}) with these as launches. */
#ifndef KERNELS_ABSENT
#define COMPILED_KERNEL(name, ...) const struct compiled_kernel SIMT_ENTRY(name) = {{__VA_ARGS__}};
#else
#define COMPILED_KERNEL(name, ...) const struct compiled_kernel SIMT_ENTRY(name) = {{{{NULL, NULL}}}};
#endif
#define COMPILED_GENERIC(function) FORMS_OF_ALL(GENERIC_ENTRY, function, 0)
#define COMPILED_16_BITS(function) FORMS_OF_16_BITS(GENERIC_ENTRY, function, 0) FORMS_OF_OTHERS(NO_ENTRY, function, 0)
#define COMPILED_ALONE(function) FORMS_OF_ALL(ALONE_ENTRY, function, 0)
#ifndef SIMT_REPLAY
#define COMPILED_PLAIN(function) FORMS_OF_PLAIN(PLAIN_ENTRIES, function, 0)
#define COMPILED_PLAIN_16_BITS(function) FORMS_OF_16_BITS(PLAIN_ENTRY_ALONE, function, 0)
#else
#define COMPILED_PLAIN(function)
#define COMPILED_PLAIN_16_BITS(function)
#endif

#define FORM_ENTRY(name) {#name, (void (*)(void))SIMT_ENTRY(name)},
#define GENERIC_ENTRY(function, body, form, dtype, group) FORM_ENTRY(function##_##form)
#define NO_ENTRY(function, body, form, dtype, group) {NULL, NULL},
#define ALONE_ENTRY(function, body, form, dtype, group) FORM_ENTRY(function)
#define PLAIN_ENTRIES(function, body, form, dtype, group) \
    FORM_ENTRY(function##_##form##_x1) FORM_ENTRY(function##_##form##_x2) FORM_ENTRY(function##_##form##_x4)
#define PLAIN_ENTRY_ALONE(function, body, form, dtype, group) \
    FORM_ENTRY(function##_##form##_plain){NULL, NULL}, {NULL, NULL},

#define COMPILED_KERNEL_DECLARATION(enumerator, name) \
    extern const struct compiled_kernel host_##name, replay_##name, cuda_##name;

#ifdef __cplusplus
extern "C" {
#endif
KERNELS(COMPILED_KERNEL_DECLARATION)
#ifdef __cplusplus
}
#endif

/* The descriptor is compiled with the host's forms. */
#if !defined __CUDACC__ && !defined SIMT_REPLAY
#define DESCRIBES_KERNEL
#endif

#endif
