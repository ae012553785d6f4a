/*
 * A kernel as a plug-in: decode attention in f32, one pass over the keys with a running maximum, on the CPU.
 *
 *     cc -O2 -shared -fPIC $(pkg-config --cflags alibicheck) attention.c -lm -o attention.so
 *     alibicheck run seed --plugin ./attention.so
 *
 * A plug-in for a GPU has the same shape: with .memory = ALIBICHECK_KERNEL_CUDA_MEMORY it is given addresses of the
 * device, and launch() starts the kernel; attention.cu is one.
 */
#include <alibicheck_kernel.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct alibicheck_kernel_launch launch_t;
typedef struct alibicheck_kernel_sequence sequence_t;

/* ---- f16, bf16 and f32 ------------------------------------------------------------------------------------------- */

static float from_bits(uint32_t bits)
{
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static uint32_t to_bits(float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static float load(const void *elements, uint32_t dtype, int64_t i)
{
    if (dtype == ALIBICHECK_KERNEL_F32)
        return ((const float *)elements)[i];
    uint32_t half = ((const uint16_t *)elements)[i];
    if (dtype == ALIBICHECK_KERNEL_BF16)
        return from_bits(half << 16);
    uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent == 0) /* subnormal, in units of 2^-24 */
        return from_bits(sign | to_bits((float)fraction * 0x1p-24f));
    return from_bits(sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13);
}

/* Rounds to nearest, ties to even. */
static void store(void *elements, uint32_t dtype, int64_t i, float number)
{
    if (dtype == ALIBICHECK_KERNEL_F32) {
        ((float *)elements)[i] = number;
        return;
    }
    uint32_t bits = to_bits(number), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff, half;
    if (dtype == ALIBICHECK_KERNEL_BF16)
        half = magnitude > 0x7f800000 ? 0x7fc0 : (magnitude + 0x7fff + (magnitude >> 16 & 1)) >> 16;
    else if (magnitude > 0x7f800000) /* NaN */
        half = 0x7e00;
    else if (magnitude >= 0x477ff000) /* rounds to 65536 or more */
        half = 0x7c00;
    else if (magnitude < 0x38800000) /* below 2^-14: a whole number of 2^-24 */
        half = (uint32_t)rintf(fabsf(number) * 0x1p24f);
    else
        half = (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
    ((uint16_t *)elements)[i] = (uint16_t)(sign | half);
}

/* ---- attention --------------------------------------------------------------------------------------------------- */

/* What a query, a key or a head has of a tensor: head_dim elements, in a row. */
typedef struct {
    const void *elements;
    int64_t first;
} row_t;

static const struct alibicheck_kernel_strides *strides_of(const launch_t *launch, const sequence_t *sequence)
{
    return &launch->strides[sequence - launch->sequences];
}

/* A key's k or v of a KV head. */
static row_t row_of(const launch_t *launch, const sequence_t *sequence, int64_t key, int kv_head, int of_v)
{
    const struct alibicheck_kernel_strides *strides = strides_of(launch, sequence);
    row_t row;
    int64_t slot = key;
    row.elements = of_v ? sequence->v : sequence->k;
    row.first = kv_head * (of_v ? strides->v_head : strides->k_head);
    if (launch->page_size > 0) { /* in the page that the sequence's row of the block table names */
        const int64_t entry = (sequence - launch->sequences) * launch->max_pages + key / launch->page_size;
        slot = key % launch->page_size;
        row.first += launch->block_table[entry] * (of_v ? launch->v_page : launch->k_page);
        row.elements = of_v ? launch->v_pages : launch->k_pages;
    }
    row.first += slot * (of_v ? strides->v_key : strides->k_key);
    return row;
}

/* A head's first element of q, or of out, for a query. */
static int64_t first_of(const launch_t *launch, const sequence_t *sequence, int query, int head, int of_out)
{
    const struct alibicheck_kernel_strides *strides = strides_of(launch, sequence);
    return of_out ? query * strides->out_query + head * strides->out_head
                  : query * strides->q_query + head * strides->q_head;
}

/* A query's result for a head. sum is [head_dim]. */
static void attend(const launch_t *launch, const sequence_t *sequence, int query, int head, float *sum)
{
    const int dim = launch->head_dim, group = launch->num_heads / launch->num_kv_heads;
    const int64_t later = launch->num_queries - 1 - query; /* queries, whose keys this one does not see */
    const int64_t q = first_of(launch, sequence, query, head, 0), out = first_of(launch, sequence, query, head, 1),
                  row = (int64_t)query * launch->num_heads + head;
    float max = -INFINITY, weights = 0;
    memset(sum, 0, (size_t)dim * sizeof *sum);
    for (int64_t key = 0; key < sequence->seq_len - later; key++) {
        const row_t k = row_of(launch, sequence, key, head / group, 0),
                    v = row_of(launch, sequence, key, head / group, 1);
        float dot = 0;
        if (sequence->visible && !sequence->visible[key])
            continue;
        for (int i = 0; i < dim; i++)
            dot += load(sequence->q, launch->dtype, q + i) * load(k.elements, launch->kv_dtype, k.first + i);
        const int64_t distance = sequence->kv_offset + key - (sequence->q_position - later);
        const float logit = dot * launch->scale + launch->slopes[head] * (float)distance;
        const float new_max = fmaxf(max, logit), rescale = expf(max - new_max), weight = expf(logit - new_max);
        weights = weights * rescale + weight;
        for (int i = 0; i < dim; i++)
            sum[i] = sum[i] * rescale + weight * load(v.elements, launch->kv_dtype, v.first + i);
        max = new_max;
    }
    for (int i = 0; i < dim; i++)
        store(sequence->out, launch->dtype, out + i, weights > 0 ? sum[i] / weights : 0);
    sequence->lse[row] = weights > 0 ? max + logf(weights) : -INFINITY;
}

static int32_t launch(void *context, const launch_t *launch, char *text, uint64_t text_size)
{
    float *sum = malloc((size_t)launch->head_dim * sizeof *sum);
    (void)context;
    if (!sum) {
        snprintf(text, text_size, "out of memory");
        return 1;
    }
    for (int i = 0; i < launch->num_sequences; i++)
        for (int query = 0; query < launch->num_queries; query++)
            for (int head = 0; head < launch->num_heads; head++)
                attend(launch, &launch->sequences[i], query, head, sum);
    free(sum);
    return 0;
}

/* ---- what it is -------------------------------------------------------------------------------------------------- */

static const struct alibicheck_kernel kernel = {
    .abi = ALIBICHECK_KERNEL_ABI,
    .takes = ALIBICHECK_KERNEL_F16 | ALIBICHECK_KERNEL_BF16 | ALIBICHECK_KERNEL_F32 | ALIBICHECK_KERNEL_GQA |
             ALIBICHECK_KERNEL_QUERIES | ALIBICHECK_KERNEL_BATCH | ALIBICHECK_KERNEL_ALIBI |
             ALIBICHECK_KERNEL_POSITION | ALIBICHECK_KERNEL_MASK | ALIBICHECK_KERNEL_LSE | ALIBICHECK_KERNEL_SAME_BITS |
             ALIBICHECK_KERNEL_PAGES | ALIBICHECK_KERNEL_STRIDES | ALIBICHECK_KERNEL_UNALIGNED,
    .name = "attention.c",
    .about = "decode attention in f32, one pass",
    .arithmetic = "f32",
    .launch = launch,
};

const struct alibicheck_kernel *alibicheck_kernel_describe(uint32_t abi)
{
    return abi == ALIBICHECK_KERNEL_ABI ? &kernel : NULL;
}
