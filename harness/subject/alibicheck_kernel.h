/*
 * What a kernel is for alibicheck: a function that is given attention problems and writes their results, and what it
 * says of itself. A shared library that exports alibicheck_kernel_describe is a plug-in:
 *
 *     alibicheck run CASE --plugin ./libmine.so
 *
 * The problem of one sequence, with the KV head g = h / (num_heads / num_kv_heads) of head h and, for query i of Q,
 * position_i = q_position - (Q - 1) + i:
 *
 *     s_ihj  = scale * k_scale * <q_ih, k_gj> + slopes[h] * (kv_offset + j - position_i)
 *     o_ih   = v_scale * sum_j exp(s_ihj) v_gj / sum_j exp(s_ihj)     0 where query i sees no key
 *     lse_ih = log sum_j exp(s_ihj)                                   -inf where query i sees no key
 *
 * over the keys j < seq_len - (Q - 1 - i) that are visible. A soft cap C makes C tanh(x / C) of the scaled product x,
 * or of the biased logit; a sink adds exp(sink_logits[h]) to both sums of weights. All tensors are in this
 * process's memory, or in a GPU's where the kernel says so, and hold until the launch returns.
 */
#ifndef ALIBICHECK_KERNEL_H
#define ALIBICHECK_KERNEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What this header says. A plug-in says with `abi` how far its structures go, and is never given or asked for more:
 * structures only grow, at their ends and where the number says so. A sequence never does, as sequences are an array;
 * what is new of them stands in arrays of the launch. So one number is all that both sides need, and a plug-in that was
 * compiled with an older header works as it did: it is asked for each number from the caller's down until it has one.
 */
#define ALIBICHECK_KERNEL_ABI 5

/* Bits of what a kernel takes. What a problem needs that is not there is told by name, and its point is skipped. */
enum {
    ALIBICHECK_KERNEL_F16 = 1 << 0, /* q, out, and k and v unless they are fp8 */
    ALIBICHECK_KERNEL_BF16 = 1 << 1,
    ALIBICHECK_KERNEL_F32 = 1 << 2,
    ALIBICHECK_KERNEL_E4M3 = 1 << 3, /* k and v, OCP */
    ALIBICHECK_KERNEL_E5M2 = 1 << 4,
    ALIBICHECK_KERNEL_E4M3FNUZ = 1 << 5,
    ALIBICHECK_KERNEL_GQA = 1 << 6,          /* fewer KV heads than query heads */
    ALIBICHECK_KERNEL_QUERIES = 1 << 7,      /* several queries, each with the keys up to its own */
    ALIBICHECK_KERNEL_BATCH = 1 << 8,        /* several sequences, of different lengths, in one launch */
    ALIBICHECK_KERNEL_ALIBI = 1 << 9,        /* slopes that are not 0 */
    ALIBICHECK_KERNEL_POSITION = 1 << 10,    /* the last query elsewhere than at the newest key; kv_offset */
    ALIBICHECK_KERNEL_MASK = 1 << 11,        /* keys that are not visible */
    ALIBICHECK_KERNEL_SOFT_CAP = 1 << 12,    /* before the bias */
    ALIBICHECK_KERNEL_CAP_BIASED = 1 << 13,  /* after it */
    ALIBICHECK_KERNEL_SINK_LOGITS = 1 << 14, /* learned sinks */
    ALIBICHECK_KERNEL_LSE = 1 << 15,         /* it writes lse, natural */
    ALIBICHECK_KERNEL_LSE_BASE2 = 1 << 16,   /* it writes lse as a logarithm of base 2 */
    /* What it promises: */
    ALIBICHECK_KERNEL_SAME_BITS = 1 << 17, /* a head has the same bits wherever it stands, a sequence whatever else is
                                            * in its launch, and what is masked changes no bit */
    /* From ABI 2 on: */
    ALIBICHECK_KERNEL_PAGES = 1 << 18,      /* k and v in pages, where a launch has page_size */
    ALIBICHECK_KERNEL_ONLY_PAGES = 1 << 19, /* and in no other way */
    /* From ABI 3 on: */
    ALIBICHECK_KERNEL_STRIDES = 1 << 20,  /* q, k, v and out that are not packed: it reads the launch's strides */
    ALIBICHECK_KERNEL_UNALIGNED = 1 << 21 /* that begin at any element; else at a multiple of 16 bytes. lse, masks,
                                           * slopes, sinks and tables begin at any number for all kernels */
};

/* A sequence of a launch. Tensors are row-major, in the launch's types, and packed but for a kernel that takes strides.
 * What lies before and behind one is nobody's, to read as to write. This structure never grows. */
struct alibicheck_kernel_sequence {
    int64_t seq_len;        /* N, 0 and up */
    int64_t q_position;     /* of the last query */
    int64_t kv_offset;      /* the position of key 0 */
    const void *q;          /* [num_queries, num_heads, head_dim] */
    const void *k, *v;      /* [N, num_kv_heads, head_dim]; NULL: they are in the launch's pages */
    const uint8_t *visible; /* [N], 0 removes a key; NULL: all are there */
    void *out;              /* [num_queries, num_heads, head_dim] */
    float *lse;             /* [num_queries, num_heads] */
};

/* How a sequence's rows of head_dim elements, which are adjacent, lie: the elements from a query, a key or, in pages, a
 * slot to the next, and from a head to the next. None is below 0, and rows do not overlap. This structure never grows.
 */
struct alibicheck_kernel_strides {
    int64_t q_query, q_head;
    int64_t k_key, k_head;
    int64_t v_key, v_head;
    int64_t out_query, out_head;
};

/* What q, out and, unless they are fp8, k and v are of: one of the first three bits above. */
struct alibicheck_kernel_launch {
    const struct alibicheck_kernel_sequence *sequences;
    int32_t num_sequences;
    int32_t num_queries, num_heads, num_kv_heads, head_dim;
    uint32_t dtype, kv_dtype; /* each a bit above */
    float scale;
    float k_scale, v_scale;      /* of fp8; else 1 */
    float soft_cap;              /* 0: none */
    int32_t soft_cap_after_bias; /* whether it caps the biased logit */
    const float *slopes;         /* [num_heads] */
    const float *sink_logits;    /* [num_heads], or NULL */
    /* From ABI 2 on, of a kernel that takes pages. Key j of sequence i is slot j % page_size of page
     * block_table[i][j / page_size]. Slots that hold no key and pages that are nobody's hold NaN; entries behind a
     * sequence's pages are of such a page, and there may be many of them: a table can have the columns of the longest
     * sequence that there may be. A pool, or what strides span, may be larger than memory: then what no key is
     * in holds anything, can be read, and is not to be copied. */
    int32_t page_size; /* 0: k and v are those of the sequences, and what follows is not set */
    int32_t num_pages, max_pages;
    const void *k_pages, *v_pages; /* [num_pages, page_size, num_kv_heads, head_dim] */
    const int32_t *block_table;    /* [num_sequences, max_pages] */
    const int32_t *seq_lens;       /* [num_sequences] */
    /* From ABI 3 on, always set, those of packed tensors too. What lies between rows is nobody's: it holds NaN in q, k
     * and v, and is not to be written to in out. lse is packed. */
    const struct alibicheck_kernel_strides *strides; /* [num_sequences]; of k and v in pages all have the same */
    int64_t k_page, v_page;                          /* elements from a page to the next; 0: there are no pages */
    /* Of a kernel whose memory is the GPU's: where q, k, v, visible, out, lse, slopes, sink_logits, pages, block_table
     * and seq_lens are. The structures themselves are in this process's memory. The device's primary context is the
     * current one, and what was launched on any stream is waited for when the launch has returned. */
    void *stream;   /* a CUstream, which is a cudaStream_t; NULL: there is no GPU */
    int32_t device; /* its number */
    /* From ABI 4 on, of a kernel that asks for one: memory for this launch alone, at a multiple of 256 bytes, where its
     * tensors are. What stands there before is nobody's, and other bytes at every launch. */
    void *workspace; /* NULL: it has asked for none */
    uint64_t workspace_bytes;
};

/* Where the tensors of a launch are. */
enum { ALIBICHECK_KERNEL_HOST_MEMORY = 0, ALIBICHECK_KERNEL_CUDA_MEMORY = 1 };

struct alibicheck_kernel {
    uint32_t abi;             /* of the header that it is made with, ALIBICHECK_KERNEL_ABI */
    uint32_t takes;           /* bits */
    const char *name;         /* letters, digits, '_', '-' and '.', at most 63 */
    const char *about;        /* a line, or NULL */
    const char *arithmetic;   /* the class that it is meant to be in, "f32+weights16" (`alibicheck list classes`), by
                               * whose bound it is then judged too; NULL: none is known */
    const int32_t *head_dims; /* those that it takes, ended by 0; NULL: all */
    void *context;
    /* Computes a launch. 0; or anything else, with a line of at most text_size bytes in text that says why not. */
    int32_t (*launch)(void *context, const struct alibicheck_kernel_launch *launch, char *text, uint64_t text_size);
    /* From ABI 2 on: */
    const int32_t *page_sizes; /* those that it takes, ended by 0; NULL: all */
    /* From ABI 3 on: */
    int32_t memory; /* where it takes tensors: ALIBICHECK_KERNEL_CUDA_MEMORY, or 0 */
    /* From ABI 4 on: */
    /* The bytes of workspace that a launch takes, asked before each of them with its shapes, numbers, stream and
     * device. Of pointers, which may be other ones then, it is known which are NULL, and nothing is to be read through
     * them. NULL: it takes none. */
    uint64_t (*workspace_bytes)(void *context, const struct alibicheck_kernel_launch *launch);
    /* From ABI 5 on: */
    int64_t max_seq_len; /* the most keys that a sequence may have; 0: any number */
};

/* A plug-in that is compiled with -fvisibility=hidden exports it all the same. */
#ifdef __GNUC__
#define ALIBICHECK_KERNEL_EXPORT __attribute__((visibility("default")))
#else
#define ALIBICHECK_KERNEL_EXPORT
#endif

/* What a plug-in exports. abi is the caller's, or an older one if it has returned NULL for that; NULL if the plug-in
 * cannot be called so. What it returns has this abi, or an older one. */
typedef const struct alibicheck_kernel *alibicheck_kernel_describe_function(uint32_t abi);
ALIBICHECK_KERNEL_EXPORT const struct alibicheck_kernel *alibicheck_kernel_describe(uint32_t abi);

#ifdef __cplusplus
}
#endif

#endif
