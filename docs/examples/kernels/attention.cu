/*
 * A kernel on a GPU as a plug-in: decode attention in f32, a block for each query of a head, with tensors that
 * alibicheck has put into the GPU's memory.
 *
 *     nvcc -O2 -shared -Xcompiler -fPIC $(pkg-config --cflags alibicheck) attention.cu -o attention-cu.so
 *     alibicheck run seed --plugin ./attention-cu.so
 *
 * A block goes over the keys in tiles of one key a thread: logits into shared memory, their maximum, weights by it;
 * then each thread adds up some of the dims.
 */
#include <alibicheck_kernel.h>
#include <cuda_runtime.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef THREADS
#define THREADS 128
#endif
#define MAX_HEAD_DIM 1024
#define SUMS_A_THREAD ((MAX_HEAD_DIM + THREADS - 1) / THREADS)

/* What the kernel reads of a launch, and of one of its sequences, whose number is `index`. */
typedef struct {
    alibicheck_kernel_sequence sequence;
    alibicheck_kernel_strides strides;
    const float *slopes;
    const void *k_pages, *v_pages;
    const int32_t *block_table; /* the sequence's row of it */
    int64_t k_page, v_page;
    int page_size, num_queries, num_heads, num_kv_heads, head_dim;
    uint32_t dtype;
    float scale;
} problem_t;

/* ---- f16, bf16 and f32 ------------------------------------------------------------------------------------------- */

static __device__ float from_bits(uint32_t bits)
{
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static __device__ uint32_t to_bits(float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static __device__ float load(const void *elements, uint32_t dtype, int64_t i)
{
    if (dtype == ALIBICHECK_KERNEL_F32)
        return ((const float *)elements)[i];
    const uint32_t half = ((const uint16_t *)elements)[i];
    if (dtype == ALIBICHECK_KERNEL_BF16)
        return from_bits(half << 16);
    const uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent == 0) /* subnormal, in units of 2^-24 */
        return from_bits(sign | to_bits((float)fraction * 5.9604644775390625e-8f));
    return from_bits(sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13);
}

/* Rounds to nearest, ties to even. */
static __device__ void store(void *elements, uint32_t dtype, int64_t i, float number)
{
    if (dtype == ALIBICHECK_KERNEL_F32) {
        ((float *)elements)[i] = number;
        return;
    }
    const uint32_t bits = to_bits(number), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    uint32_t half;
    if (dtype == ALIBICHECK_KERNEL_BF16)
        half = magnitude > 0x7f800000 ? 0x7fc0 : (magnitude + 0x7fff + (magnitude >> 16 & 1)) >> 16;
    else if (magnitude > 0x7f800000) /* NaN */
        half = 0x7e00;
    else if (magnitude >= 0x477ff000) /* rounds to 65536 or more */
        half = 0x7c00;
    else if (magnitude < 0x38800000) /* below 2^-14: a whole number of 2^-24 */
        half = (uint32_t)rintf(fabsf(number) * 16777216.0f);
    else
        half = (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
    ((uint16_t *)elements)[i] = (uint16_t)(sign | half);
}

/* ---- attention --------------------------------------------------------------------------------------------------- */

/* The first element of a key's k or v. */
static __device__ int64_t row_of(const problem_t *problem, int64_t key, int kv_head, int of_v)
{
    int64_t first = kv_head * (of_v ? problem->strides.v_head : problem->strides.k_head);
    if (problem->page_size > 0) {
        first += problem->block_table[key / problem->page_size] * (of_v ? problem->v_page : problem->k_page);
        key %= problem->page_size;
    }
    return first + key * (of_v ? problem->strides.v_key : problem->strides.k_key);
}

static __device__ float logit_of(const problem_t *problem, int64_t key, int query, int head)
{
    const alibicheck_kernel_sequence *sequence = &problem->sequence;
    const int kv_head = head / (problem->num_heads / problem->num_kv_heads);
    const int64_t later = problem->num_queries - 1 - query;
    const int64_t q = query * problem->strides.q_query + head * problem->strides.q_head;
    const int64_t k = row_of(problem, key, kv_head, 0);
    const void *keys = problem->page_size > 0 ? problem->k_pages : sequence->k;
    float dot = 0;
    if (sequence->visible && !sequence->visible[key])
        return -INFINITY;
    for (int i = 0; i < problem->head_dim; i++)
        dot += load(sequence->q, problem->dtype, q + i) * load(keys, problem->dtype, k + i);
    return dot * problem->scale +
           problem->slopes[head] * (float)(sequence->kv_offset + key - (sequence->q_position - later));
}

static __global__ void attend(const problem_t problem)
{
    __shared__ float logits[THREADS];
    const int thread = (int)threadIdx.x, head = (int)blockIdx.x, query = (int)blockIdx.y, dim = problem.head_dim;
    const int kv_head = head / (problem.num_heads / problem.num_kv_heads);
    const int64_t keys = problem.sequence.seq_len - (problem.num_queries - 1 - query);
    const void *values = problem.page_size > 0 ? problem.v_pages : problem.sequence.v;
    float sums[SUMS_A_THREAD] = {0}, weights = 0, max = -INFINITY;
    for (int64_t first = 0; first < keys; first += THREADS) {
        const int count = keys - first < THREADS ? (int)(keys - first) : THREADS;
        float new_max = max;
        if (thread < count)
            logits[thread] = logit_of(&problem, first + thread, query, head);
        __syncthreads();
        for (int t = 0; t < count; t++)
            new_max = fmaxf(new_max, logits[t]);
        const float rescale = new_max == max ? 1 : expf(max - new_max);
        weights *= rescale;
        for (int s = 0; s < SUMS_A_THREAD; s++)
            sums[s] *= rescale;
        for (int t = 0; t < count; t++) {
            if (logits[t] == -INFINITY)
                continue;
            const float weight = expf(logits[t] - new_max);
            const int64_t v = row_of(&problem, first + t, kv_head, 1);
            weights += weight;
            for (int s = 0, i = thread; i < dim; s++, i += THREADS)
                sums[s] += weight * load(values, problem.dtype, v + i);
        }
        max = new_max;
        __syncthreads(); /* the next tile overwrites logits */
    }
    const int64_t out = query * problem.strides.out_query + head * problem.strides.out_head;
    for (int s = 0, i = thread; i < dim; s++, i += THREADS)
        store(problem.sequence.out, problem.dtype, out + i, weights > 0 ? sums[s] / weights : 0);
    if (thread == 0)
        problem.sequence.lse[(int64_t)query * problem.num_heads + head] = weights > 0 ? max + logf(weights) : -INFINITY;
}

/* The structures are in this process's memory, what they point to in the GPU's: so it is handed over by value. */
static int32_t launch(void *context, const alibicheck_kernel_launch *launch, char *text, uint64_t text_size)
{
    (void)context;
    for (int i = 0; i < launch->num_sequences; i++) {
        problem_t problem;
        problem.sequence = launch->sequences[i];
        problem.strides = launch->strides[i];
        problem.slopes = launch->slopes;
        problem.k_pages = launch->k_pages;
        problem.v_pages = launch->v_pages;
        problem.block_table = launch->page_size > 0 ? launch->block_table + (int64_t)i * launch->max_pages : NULL;
        problem.k_page = launch->k_page;
        problem.v_page = launch->v_page;
        problem.page_size = launch->page_size;
        problem.num_queries = launch->num_queries;
        problem.num_heads = launch->num_heads;
        problem.num_kv_heads = launch->num_kv_heads;
        problem.head_dim = launch->head_dim;
        problem.dtype = launch->dtype;
        problem.scale = launch->scale;
        void *arguments[] = {&problem};
        const dim3 grid((unsigned)launch->num_heads, (unsigned)launch->num_queries);
        const cudaError_t failure =
            cudaLaunchKernel((const void *)attend, grid, dim3(THREADS), arguments, 0, (cudaStream_t)launch->stream);
        if (failure != cudaSuccess) {
            snprintf(text, text_size, "%s", cudaGetErrorString(failure));
            return (int32_t)failure;
        }
    }
    return 0;
}

/* ---- what it is -------------------------------------------------------------------------------------------------- */

extern "C" const struct alibicheck_kernel *alibicheck_kernel_describe(uint32_t abi)
{
    static alibicheck_kernel kernel;
    if (abi != ALIBICHECK_KERNEL_ABI)
        return NULL;
    kernel.abi = abi;
    kernel.takes = ALIBICHECK_KERNEL_F16 | ALIBICHECK_KERNEL_BF16 | ALIBICHECK_KERNEL_F32 | ALIBICHECK_KERNEL_GQA |
                   ALIBICHECK_KERNEL_QUERIES | ALIBICHECK_KERNEL_BATCH | ALIBICHECK_KERNEL_ALIBI |
                   ALIBICHECK_KERNEL_POSITION | ALIBICHECK_KERNEL_MASK | ALIBICHECK_KERNEL_LSE |
                   ALIBICHECK_KERNEL_SAME_BITS | ALIBICHECK_KERNEL_PAGES | ALIBICHECK_KERNEL_STRIDES |
                   ALIBICHECK_KERNEL_UNALIGNED;
    kernel.name = "attention.cu";
    kernel.about = "decode attention in f32, a block a query of a head";
    kernel.arithmetic = "f32";
    kernel.launch = launch;
    kernel.memory = ALIBICHECK_KERNEL_CUDA_MEMORY;
    return &kernel;
}
