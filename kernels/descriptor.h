/*
 * What a kernel is, apart from its code: the descriptor at the foot of its source, attention/NAME.cu, which all that
 * names it, launches it or bounds its roundings reads.
 */
#ifndef KERNELS_DESCRIPTOR_H
#define KERNELS_DESCRIPTOR_H

#include <stdbool.h>

/* X(enumerator, name): the kernels. */
#define KERNELS(X)              \
    X(SINGLE_PASS, single_pass) \
    X(SPLIT_KV, split_kv)       \
    X(TWO_PASS, two_pass)       \
    X(TENSOR_CORE, tensor_core)

#define KERNEL_ENUMERATOR(enumerator, name) KERNEL_##enumerator,
enum kernel {
    KERNELS(KERNEL_ENUMERATOR) KERNEL_COUNT,
    KERNEL_ANY_COUNT = KERNEL_TENSOR_CORE /* those that take any dtype and recipe; others do not (kernel_refusal) */
};

enum { MAX_KERNEL_LAUNCHES = 2, MAX_WORKSPACE_BUFFERS = 3 };

/* A function that is launched in as many forms as there are dtypes and groups of lanes (forms.h). */
struct kernel_launch {
    bool has_plain;    /* plain forms, too (plain.h) */
    bool over_chunks;  /* blocks are heads x chunks, heads fastest, as blockIdx.x; else heads alone, as blockIdx.y */
    bool over_columns; /* blocks are of heads that share a KV head (columns.h) */
    bool merges;       /* the chunks of the launch before it: left out where plain forms of that one do */
};

/* What a launch leaves for the next: numbers of each head, one or a row of head_dim. */
enum workspace_unit { WORKSPACE_OF_CHUNKS, WORKSPACE_OF_KEYS };

struct workspace_buffer {
    const char *name; /* NULL: there is none */
    enum workspace_unit unit;
    bool rows;
};

/*
 * The order of a kernel's sums. A lane adds up what it has of its tiles, one a round (geometry.h); then lanes are added
 * in a tree, then warps in order, and chunks in order where the kernel has them, in the recipe's form (merge_form).
 */
struct sum_order {
    int rescales_per_round;   /* of what is summed so far: 1, or 0 where the maximum is known from the start */
    int sum_adds_per_round;   /* to a lane's sum of weights */
    int out_adds_per_lane;    /* to a lane's weighted sum, in a round and for each lane of its group */
    int fused_sums_per_round; /* in the place of these, of tensor cores: to the warp's weighted sum, in a round */
    int merged_warps;         /* additions to each where warps are added, after one rescaling */
};

struct kernel_descriptor {
    const char *name;
    const char *about;
    bool uses_chunk_len;    /* chunks are merged: the arithmetic depends on chunk_len */
    bool reads_past_end;    /* the kernel has what MASKED_VALUES_READ_PAST_END asks for */
    bool knows_sum;         /* before the product with v, for WEIGHT_PROBABILITIES */
    bool tensor_cores;      /* q.k and the product with v are fused sums of f16 or bf16 (dialect/fused_sum.h) */
    double host_time_ratio; /* on the host device, beside single_pass, for what is expected of a run; 0: as long */
    int num_launches;
    struct kernel_launch launches[MAX_KERNEL_LAUNCHES];
    struct workspace_buffer workspace[MAX_WORKSPACE_BUFFERS];
    struct sum_order sums;
};

#define KERNEL_DECLARATION(enumerator, name) extern const struct kernel_descriptor kernel_##name;
KERNELS(KERNEL_DECLARATION)

extern const struct kernel_descriptor *const kernels[KERNEL_COUNT];
extern const char *const kernel_names[KERNEL_COUNT];

/* "single_pass, split_kv, ..., ": all names, for a text that goes on behind them. */
#define KERNEL_THEN(enumerator, name) #name ", "
#define KERNELS_LISTED KERNELS(KERNEL_THEN)

/* "split_kv or tensor_core": the kernels that have chunks. Returns text. */
enum { KERNEL_NAMES_SIZE = 128 };
char *kernels_with_chunks(char *text);

/* The kernel called name, or KERNEL_COUNT. */
enum kernel kernel_from_name(const char *name);

#endif
