/*
 * libalibicheck: is the output of a decode-attention kernel right?
 *
 * The library computes the exact result of the tensors that a kernel was given, with a proven radius, and judges an
 * output against it:
 *
 *     s_ihj  = scale * k_scale * <q_ih, k_gj> + slope_h * (kv_offset + j - position_i)
 *     o_ih   = v_scale * sum_j exp(s_ihj) v_gj / sum_j exp(s_ihj)
 *     lse_ih = log sum_j exp(s_ihj)
 *
 * over the keys j that query i sees: of N keys and Q queries all but the Q - 1 - i newest, which are the later queries'
 * own, and of those the ones that a mask leaves. g = h / (H / Hkv) is the KV head of head h, and
 * position_i = position - (Q - 1) + i.
 *
 *     alibicheck_problem *problem;
 *     alibicheck_verdict *verdict;
 *     struct alibicheck_error error;
 *     if (alibicheck_problem_new(&problem, &shape, &error) ||
 *         alibicheck_problem_set_q(problem, &q, &error) || ... ||
 *         alibicheck_judge(&verdict, problem, &output, NULL, NULL, &error))
 *         fprintf(stderr, "%s\n", error.text);
 *     else if (!alibicheck_verdict_passed(verdict))
 *         fputs(alibicheck_verdict_message(verdict), stderr);
 *
 * What tensors do not say is stated, never guessed: scale, slopes, the scales of an fp8 cache, the base of lse. What is
 * missing is an error that says what is allowed.
 *
 * Rules for every function. Nothing is printed, and the process is not ended. There is no state but in objects:
 * different objects may be used by different threads at once, and a problem or options that nobody changes may be read
 * by several. A function that can fail returns an enum alibicheck_status and, unless error is NULL, fills *error, on
 * success with an empty text. An object that a function makes is NULL if it failed; freeing NULL does nothing. Texts
 * belong to the object that they are of. The floating-point environment of the caller is kept, and plays no part.
 */
#ifndef ALIBICHECK_H
#define ALIBICHECK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(ALIBICHECK_BUILD) && defined(__GNUC__)
#define ALIBICHECK_API __attribute__((visibility("default")))
#else
#define ALIBICHECK_API
#endif

/* ---- errors ------------------------------------------------------------------------------------------------------ */

enum alibicheck_status {
    ALIBICHECK_OK = 0,
    ALIBICHECK_INVALID = 2,    /* an argument: the text says which, and what is allowed */
    ALIBICHECK_SYSTEM = 3,     /* memory or threads ran out */
    ALIBICHECK_CANCELLED = 130 /* alibicheck_progress_cancel */
};

/* The caller's; what was there does not matter. */
struct alibicheck_error {
    int32_t status;  /* an enum alibicheck_status */
    char text[1020]; /* one sentence */
};

/* "0.1" */
ALIBICHECK_API const char *alibicheck_version(void);

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

enum alibicheck_dtype {
    ALIBICHECK_F16 = 1,
    ALIBICHECK_BF16 = 2,
    ALIBICHECK_F32 = 3,
    ALIBICHECK_E4M3 = 4,    /* OCP: no infinity; PyTorch's float8_e4m3fn */
    ALIBICHECK_E5M2 = 5,    /* OCP */
    ALIBICHECK_E4M3FNUZ = 6 /* AMD's */
};

/*
 * A tensor where it lies: element [i, j, d] is number i * strides[0] + j * strides[1] + d * strides[2] of its dtype
 * from elements. Strides of 0 and below are as good as any, so none has a default; alibicheck_packed makes those of
 * packed axes. Elements are read while a function runs that is given the tensor's problem or output, and are not
 * changed.
 */
struct alibicheck_tensor {
    const void *elements;
    enum alibicheck_dtype dtype;
    int64_t strides[3];
};

/* A tensor [.., num_heads, head_dim] without gaps. */
static inline struct alibicheck_tensor alibicheck_packed(const void *elements, enum alibicheck_dtype dtype,
                                                         int64_t num_heads, int64_t head_dim)
{
    struct alibicheck_tensor tensor;
    tensor.elements = elements;
    tensor.dtype = dtype;
    tensor.strides[0] = num_heads * head_dim;
    tensor.strides[1] = head_dim;
    tensor.strides[2] = 1;
    return tensor;
}

/* ---- the problem ------------------------------------------------------------------------------------------------- */

typedef struct alibicheck_problem alibicheck_problem;

struct alibicheck_shape {
    int64_t seq_len;      /* N: keys, 0 to 2^30 */
    int64_t num_queries;  /* Q, 1 to 2^20 */
    int64_t num_heads;    /* H, 1 to 65536 */
    int64_t num_kv_heads; /* Hkv, a divisor of H */
    int64_t head_dim;     /* D, 1 to 1024 */
};

/* A new problem of which nothing but the shape is known. */
ALIBICHECK_API int alibicheck_problem_new(alibicheck_problem **problem, const struct alibicheck_shape *shape,
                                          struct alibicheck_error *error);
ALIBICHECK_API void alibicheck_problem_free(alibicheck_problem *problem);

/* What follows may be said in any order; what is said again replaces what was said. Arrays are copied, but for the
 * elements of q, k and v. */

/* q[query, head, dim]; k, v[key, KV head, dim] or, with pages, [slot of a page, KV head, dim] of page 0. k and v may be
 * fp8, both of one type. Without fp8 the output's dtype must hold each of their numbers: an f16 cache under an f32
 * output, say. */
ALIBICHECK_API int alibicheck_problem_set_q(alibicheck_problem *problem, const struct alibicheck_tensor *q,
                                            struct alibicheck_error *error);
ALIBICHECK_API int alibicheck_problem_set_k(alibicheck_problem *problem, const struct alibicheck_tensor *k,
                                            struct alibicheck_error *error);
ALIBICHECK_API int alibicheck_problem_set_v(alibicheck_problem *problem, const struct alibicheck_tensor *v,
                                            struct alibicheck_error *error);

/* Keys page_size * i .. of k and v stand in page numbers[i] of a pool. */
struct alibicheck_pages {
    const int64_t *numbers; /* [ceil(N / page_size)], each 0 to pool_pages - 1 */
    int64_t page_size;      /* keys of a page, from 1 on */
    int64_t pool_pages;
    int64_t k_stride, v_stride; /* elements from one page of the pool to the next */
};
ALIBICHECK_API int alibicheck_problem_set_pages(alibicheck_problem *problem, const struct alibicheck_pages *pages,
                                                struct alibicheck_error *error);

/* What q.k is multiplied by. To be stated. */
ALIBICHECK_API int alibicheck_problem_set_scale(alibicheck_problem *problem, float scale,
                                                struct alibicheck_error *error);

/* ALiBi's slopes: finite numbers [H], or a convention: "bloom", "geometric", "hf", "vllm", "falcon", or "none", which
 * is attention without ALiBi. One of the two is to be stated. */
ALIBICHECK_API int alibicheck_problem_set_slopes(alibicheck_problem *problem, const float *slopes,
                                                 struct alibicheck_error *error);
ALIBICHECK_API int alibicheck_problem_set_slope_convention(alibicheck_problem *problem, const char *name,
                                                           struct alibicheck_error *error);

/* What numbers of k and v are multiplied by. To be stated of fp8, 1 and 1 where there are none; of other types 1, and
 * so of k and v of two types. NAN: nobody has said it, and it is taken for 1; message and bundles say so. */
ALIBICHECK_API int alibicheck_problem_set_kv_scales(alibicheck_problem *problem, float k_scale, float v_scale,
                                                    struct alibicheck_error *error);

/* Where the last query stands, and its bias is 0, and where key 0 does, of a chunk of a longer cache: any number to
 * 2^31 - 1 in size. Unless they are stated kv_offset is 0 and position the newest key's, kv_offset + N - 1. */
ALIBICHECK_API int alibicheck_problem_set_position(alibicheck_problem *problem, int64_t position,
                                                   struct alibicheck_error *error);
ALIBICHECK_API int alibicheck_problem_set_kv_offset(alibicheck_problem *problem, int64_t kv_offset,
                                                    struct alibicheck_error *error);

/* A cap C > 0 of logits: x becomes C tanh(x / C), x the scaled q.k or the logit with its bias. None unless it is
 * stated. */
enum alibicheck_soft_cap { ALIBICHECK_CAP_NONE = 0, ALIBICHECK_CAP_BEFORE_BIAS = 1, ALIBICHECK_CAP_AFTER_BIAS = 2 };
ALIBICHECK_API int alibicheck_problem_set_soft_cap(alibicheck_problem *problem, enum alibicheck_soft_cap where,
                                                   float cap, struct alibicheck_error *error);

/* Learned sinks [H], finite: a logit of each head without a value. None unless they are stated, or NULL. */
ALIBICHECK_API int alibicheck_problem_set_sink_logits(alibicheck_problem *problem, const float *sink_logits,
                                                      struct alibicheck_error *error);

/* visible[N], N the seq_len of the shape: 0 removes a key, for all queries. How long the array is nobody can see here.
 * All are visible unless it is stated, or NULL. */
ALIBICHECK_API int alibicheck_problem_set_visible(alibicheck_problem *problem, const uint8_t *visible,
                                                  struct alibicheck_error *error);

/* ---- how --------------------------------------------------------------------------------------------------------- */

/* How far the work has come, and whether to stop it: made by one thread, looked at by others while it goes on. */
typedef struct alibicheck_progress alibicheck_progress;

ALIBICHECK_API int alibicheck_progress_new(alibicheck_progress **progress, struct alibicheck_error *error);
ALIBICHECK_API void alibicheck_progress_free(alibicheck_progress *progress);

/* The work ends soon, with ALIBICHECK_CANCELLED. A signal handler may call it. */
ALIBICHECK_API void alibicheck_progress_cancel(alibicheck_progress *progress);

/* The step, "inputs", "truth", "class", ..., "" before the first, a constant; and how much of it is done: of work that
 * is not counted both are 0. step may be NULL. */
ALIBICHECK_API void alibicheck_progress_read(const alibicheck_progress *progress, const char **step, int64_t *done,
                                             int64_t *total);

typedef struct alibicheck_options alibicheck_options;

ALIBICHECK_API int alibicheck_options_new(alibicheck_options **options, struct alibicheck_error *error);
ALIBICHECK_API void alibicheck_options_free(alibicheck_options *options);

/* An element passes if |out - truth| <= atol + rtol |truth|, an lse within `lse` nats. Each that is below 0, or not
 * set, is the default of the output's dtype: f16 1e-3, bf16 1e-2, f32 1e-5. Options are of
 * many outputs: `lse` says nothing of one that comes without. */
ALIBICHECK_API int alibicheck_options_set_tolerance(alibicheck_options *options, double atol, double rtol, double lse,
                                                    struct alibicheck_error *error);

/* 1 to 1024; 0, or not set: OMP_NUM_THREADS, or one a CPU, within a container's quota. Results do not depend on it. */
ALIBICHECK_API int alibicheck_options_set_threads(alibicheck_options *options, int threads,
                                                  struct alibicheck_error *error);

/* The class of arithmetic that the output must be in, beside its tolerance: "f32", "f32+weights16", ... (`alibicheck
 * list classes`). "any", or not set: none is asked for. */
ALIBICHECK_API int alibicheck_options_set_class(alibicheck_options *options, const char *name,
                                                struct alibicheck_error *error);

/* Where judging writes a bundle: one .safetensors file with the tensors and all that was said, for `alibicheck judge
 * FILE`. It replaces what is there. if_wrong: nothing is written for an output that passes. NULL, or not set: none.
 * Where it cannot be written, judging ends with an error before any work, as it does of a problem with k and v above
 * 2 GiB, of which there is no bundle, unless if_wrong. What shows only behind the work never takes the place of a
 * verdict that an output is wrong: alibicheck_verdict_bundle_error and the message say it. */
ALIBICHECK_API int alibicheck_options_set_bundle(alibicheck_options *options, const char *path, int if_wrong,
                                                 struct alibicheck_error *error);

/* The same of a bundle without q, k and v, in its place: it has the output, its exact result and the bounds that it was
 * held against, and `alibicheck judge FILE` comes to the same verdict. What the output itself reveals it does, too. */
ALIBICHECK_API int alibicheck_options_set_bundle_without_kv(alibicheck_options *options, const char *path, int if_wrong,
                                                            struct alibicheck_error *error);

/* The same of a bundle in its place in which the elements of heads stand in another order and have other signs: one
 * order, and signs, for q and k, and another for v and out, the same in all heads, drawn anew for each bundle and
 * written nowhere. `alibicheck judge FILE` comes to the same status, errors and class, and the inputs cannot be read
 * from it (docs/judge.md says what they can). A cause that shows in the order or the signs of a head's elements, as a
 * constant does, cannot be found in it. */
ALIBICHECK_API int alibicheck_options_set_private_bundle(alibicheck_options *options, const char *path, int if_wrong,
                                                         struct alibicheck_error *error);

/* Not copied; of one call at a time. NULL: none. */
ALIBICHECK_API int alibicheck_options_set_progress(alibicheck_options *options, alibicheck_progress *progress,
                                                   struct alibicheck_error *error);

/* ---- the truth --------------------------------------------------------------------------------------------------- */

/* |exact - (value + tail)| <= radius, of every element. Rows are queries and heads, query by query: R = Q H. */
enum alibicheck_truth_array {
    ALIBICHECK_TRUTH_VALUE = 0,     /* [R, D] the nearest double */
    ALIBICHECK_TRUTH_TAIL = 1,      /* [R, D] the next 53 bits */
    ALIBICHECK_TRUTH_RADIUS = 2,    /* [R, D] proven */
    ALIBICHECK_TRUTH_MAGNITUDE = 3, /* [R, D] |v_scale| sum_j w_j |v_j| / sum_j w_j, what errors are scaled by */
    ALIBICHECK_TRUTH_LSE = 4,       /* [R] natural; -inf where no key is visible */
    ALIBICHECK_TRUTH_LSE_TAIL = 5,  /* [R] */
    ALIBICHECK_TRUTH_LSE_RADIUS = 6 /* [R] */
};

typedef struct alibicheck_truth alibicheck_truth;

/* The exact result of a problem. options may be NULL. */
ALIBICHECK_API int alibicheck_truth_compute(alibicheck_truth **truth, const alibicheck_problem *problem,
                                            const alibicheck_options *options, struct alibicheck_error *error);

/* One of its arrays; NULL for a number that is none of them. */
ALIBICHECK_API const double *alibicheck_truth_array(const alibicheck_truth *truth, enum alibicheck_truth_array which);
ALIBICHECK_API void alibicheck_truth_free(alibicheck_truth *truth);

/* ---- judging ----------------------------------------------------------------------------------------------------- */

enum alibicheck_lse_base {
    ALIBICHECK_LSE_BASE_E = 1, /* natural, as FlashAttention returns it */
    ALIBICHECK_LSE_BASE_2 = 2  /* as FlashInfer does */
};

struct alibicheck_output {
    struct alibicheck_tensor out;      /* [query, head, dim], f16, bf16 or f32; errors in ulp are in its ulp */
    const float *lse;                  /* lse[query, head], NULL: there is none */
    int64_t lse_strides[2];            /* in elements */
    enum alibicheck_lse_base lse_base; /* to be stated with lse */
};

typedef struct alibicheck_verdict alibicheck_verdict;

/*
 * Judges an output of the problem. other, a second output of the same dtype, is compared with it, element by element:
 * which of the two is wrong. other and options may be NULL. That the output is wrong is no error of this function.
 */
ALIBICHECK_API int alibicheck_judge(alibicheck_verdict **verdict, const alibicheck_problem *problem,
                                    const struct alibicheck_output *output, const struct alibicheck_output *other,
                                    const alibicheck_options *options, struct alibicheck_error *error);
ALIBICHECK_API void alibicheck_verdict_free(alibicheck_verdict *verdict);

/* 1: the output is within the tolerance. 0: it is not, or the truth's radius leaves open whether it is. */
ALIBICHECK_API int alibicheck_verdict_passed(const alibicheck_verdict *verdict);

/* "pass", "fail", or "error" if that is left open; and what made it fail: "none" or a name of `alibicheck list
 * signatures`. */
ALIBICHECK_API const char *alibicheck_verdict_status(const alibicheck_verdict *verdict);
ALIBICHECK_API const char *alibicheck_verdict_signature(const alibicheck_verdict *verdict);

/* The class of arithmetic that explains its error: "f32", "none", "unbounded". */
ALIBICHECK_API const char *alibicheck_verdict_class(const alibicheck_verdict *verdict);

/* A metric of all rows by its name in a record: "max_ulp_err", "mismatched", "lse_off", .... NaN where it is not known.
 * ALIBICHECK_INVALID with the names if there is no such metric. */
ALIBICHECK_API int alibicheck_verdict_number(const alibicheck_verdict *verdict, const char *metric, double *number,
                                             struct alibicheck_error *error);

/* The record, one line of JSON, the fields of `alibicheck list record-fields` (`references` has what came of other). */
ALIBICHECK_API const char *alibicheck_verdict_json(const alibicheck_verdict *verdict);

/* The verdict for people, some lines. */
ALIBICHECK_API const char *alibicheck_verdict_message(const alibicheck_verdict *verdict);

/* Why there is no bundle of an output that did not pass, though options ask for one: it could not be written, or k and
 * v are above 2 GiB. "": it was written, or none was to be. */
ALIBICHECK_API const char *alibicheck_verdict_bundle_error(const alibicheck_verdict *verdict);

/* What it was judged by; belongs to the verdict. */
ALIBICHECK_API const alibicheck_truth *alibicheck_verdict_truth(const alibicheck_verdict *verdict);

typedef struct alibicheck_explanation alibicheck_explanation;

/*
 * Of what an element of the output is made that the verdict is of: the keys that weigh most, with their biases, logits
 * and weights, and where the element would be without one of them, or with one twice. row is query * num_heads + head;
 * dim -1: the element of the row that is furthest off; both -1: the worst of all. problem and output are those that
 * were judged, with the same numbers in their tensors: others are refused, but for inputs with k and v above 2 GiB, of
 * which one part is read.
 */
ALIBICHECK_API int alibicheck_explain(alibicheck_explanation **explanation, const alibicheck_problem *problem,
                                      const struct alibicheck_output *output, const alibicheck_verdict *verdict,
                                      int64_t row, int64_t dim, struct alibicheck_error *error);
ALIBICHECK_API void alibicheck_explanation_free(alibicheck_explanation *explanation);

/* For people, some lines; and a line of JSON, the field `explanation` of `alibicheck list record-fields`. */
ALIBICHECK_API const char *alibicheck_explanation_text(const alibicheck_explanation *explanation);
ALIBICHECK_API const char *alibicheck_explanation_json(const alibicheck_explanation *explanation);

#ifdef __cplusplus
}
#endif

#endif
