/*
 * Attention on the CPU with one bug that kernels in use have had, which BUG names, or with none in one of the forms
 * that sound kernels have. scripts/check-plugins compiles each and sends it through situations of cases/gauntlet.
 */
#define alibicheck_kernel_describe describe_sound
#include EXAMPLE /* the path of attention.c, in quotes: load(), store() and row_of() */
#undef alibicheck_kernel_describe

#include <stdbool.h>

enum {
    /* sound */
    ONLINE,
    TWO_PASS,
    DOUBLES,  /* sums and weights in f64 */
    LANES,    /* 32 sums, one for each 32nd key, merged at the end */
    BACKWARD, /* from the newest key to the oldest */
    NARROW,   /* weights rounded to f16 before they meet v; takes no f32 */
    /* not */
    START_5E4,      /* the maximum starts at -5e4: FlashInfer 4267 */
    START_1E4,      /* at -1e4: burn 4697 */
    START_64,       /* at -64: PaddlePaddle 18341 */
    START_0,        /* at 0 after an empty tile of 32 keys: vLLM's unified kernel */
    MASKED_1E4,     /* masked logits are -1e4: transformers 10484 */
    MASKED_1E5,     /* TransformerLens 318 */
    MASKED_1E_9,    /* RibonanzaNet 5 */
    NO_GUARD,       /* 0 / 0 in a row without keys: pytorch 131060 */
    EMPTY_ABOVE,    /* whose lse is +inf: FlashAttention 978 */
    UNWRITTEN,      /* whose output is left: FlashInfer 4975 */
    NO_BIAS,        /* sglang 16868 */
    BIAS_LATE,      /* shifted by a slope: vLLM 945 */
    BIAS_SCALED,    /* tt-metal 55337 */
    BIAS_REVERSED,  /* attention-gym 86 */
    SLOPES_DOUBLED, /* aprender 2143 */
    SLOPES_SHIFTED, /* llama.cpp 20031 */
    SLOPES_BF16,    /* FlashAttention 845 */
    ABSOLUTE,       /* slope * key in f32: FlashInfer 479 */
    LOCAL,          /* kv_offset ignored: TransformerEngine 1046 */
    DISTANCE_F16,   /* ggml */
    WINDOW_SHORT,   /* the oldest visible key is left out: tokenspeed 578 */
    WINDOW_LONG,    /* transformers 39408 */
    NO_MASK,        /* executorch 22285 */
    HEADS_MODULO,   /* jax-js 180 */
    HEADS_COUNT,    /* ONNXim 33 */
    NO_CAP,         /* imp 688 */
    CAP_OVER_BIAS,  /* onnxruntime 28370 */
    NO_SINK,        /* modular 6198 */
    SUM_BF16,       /* of weights: executorch 20089 */
    VALUES_F16,     /* a weighted sum in f16: llama.cpp 17746 */
    DOTS_F16,       /* q.k in f16: transformers 33317 */
    EPSILON,        /* 1e-6 in the denominator: vLLM */
    LSE_OF_BASE_2,  /* FlashInfer 4485 */
    VALUES_STAY,    /* where the maximum rises the weighted sum is not multiplied by exp(old - new) */
    WEIGHTS_STAY,   /* or the sum of weights is not */
    LANES_STAY,     /* 32 sums are added up as if they had one maximum */
    SCALE_OWN,      /* 1 / sqrt(head_dim), whatever the launch says */
    KEYS_16_BITS,   /* key 65536 is taken for key 0: ATOM 702 */
    NEIGHBOUR,      /* keys of the next sequence of the batch: sparkinfer 289 */
    PAGE_IDS_16,    /* page 65536 is taken for page 0: ATOM 702 */
    PAGE_ROWS,      /* each sequence reads the row of the page table of the next: sparkinfer 289 */
    PAST_THE_END,   /* slots behind the last key, with a weight of 0: vLLM 641 */
    TILE_PAST_END,  /* the same of a whole tile of 64 where there are no pages: AITER's flash decoding */
    TAIL_DROPPED,   /* keys behind the last whole tile of 16 */
    PACKED_KEYS,    /* the strides of k and v are not read */
    K_FOR_V,        /* v is read by the strides of k */
    HEADS_INNER,    /* heads are taken to lie side by side, head_dim apart */
    ALIGNED_16,     /* addresses are rounded down to what wide loads take */
    WIDE_ROWS,      /* rows of out are written 16 bytes at a time */
    PAGE_INDEX_32,  /* the index of an element of a page's is cut to 32 bits with a sign: vLLM 47671 */
    PAGE_INDEX_U32, /* without one */
    PAGE_BYTES_32,  /* its offset in bytes is */
    PAGE_BYTES_U32,
    PAGE_INDEX_LONG,    /* the index is cut in caches of more than 1024 keys alone */
    PAGE_INDEX_OF_LAST, /* or of the last of several sequences */
    KEY_INDEX_32,       /* the product of a key's number and its stride is */
    KEY_INDEX_LONG,     /* in caches of more than 1024 keys alone */
    KEY_BYTES_U32,
    HEAD_INDEX_32, /* that of a KV head's */
    TOP_LEFT,      /* queries are aligned with the first key: FlashAttention 907 */
    /* where two things come together: what a query, a head or a sequence has is taken from another one */
    SLOPE_OF_KV_HEAD,   /* slopes by KV heads */
    SINK_OF_KV_HEAD,    /* learned sinks by KV heads */
    MASK_OF_FIRST,      /* the mask of the batch's first sequence for all */
    NO_MASK_OF_QUERIES, /* no mask where there are several queries */
    LOCAL_QUERIES,      /* kv_offset ignored where there are several queries */
    SLOPES_OF_64,       /* no more slopes than 64 */
    /* of a size that a kernel is not tried with */
    MODULO_AT_128, /* heads are mapped otherwise at head dim 128: sparkinfer 425, of another one */
    NO_CAP_LONG,   /* no cap where the cache is split */
    GROUP_OF_16,   /* a tile has no more rows than 16 heads of a KV head */
    SINK_OF_EMPTY, /* the learned sink is lost in a row without keys: FlashAttention 2752 */
    MODULO_AT_256,
    SLOPES_OF_128,  /* no more slopes than 128 */
    QUERIES_OF_32,  /* a tile has no more rows than 32 queries */
    ROWS_OF_16,     /* or than 16 queries of the heads of a KV head */
    KEYS_17_BITS,   /* key 131072 is taken for key 0 */
    PAGE_SHIFT,     /* pages are taken to have a power of two of keys */
    PARTS_OF_FIRST, /* all sequences are cut into as many parts as the first one */
    REST_OF_2,      /* two keys behind the last whole chunk of 256 are lost */
    PREFIX_ONCE,    /* pages that are the first sequence's, too, have its distances */
    /* at the ends of ranges */
    SINK_OVERFLOWS,      /* weights are relative to keys alone, so that exp of a sink far above them is infinite */
    SINK_BF16,           /* learned sinks are rounded */
    SINK_OF_QUERIES,     /* the learned sink is lost in a row without keys where there are several queries */
    SINK_OF_FIRST_CHUNK, /* or where the first chunk has no visible key */
    TANH_BY_EXP,         /* tanh as (e^2x - 1) / (e^2x + 1) */
    EMPTY_GROUPS,        /* without keys nothing is written where heads are grouped */
    EMPTY_QUERIES,       /* or where all keys of several queries are masked */
    EMPTY_OF_BATCH,      /* or in a batch with learned sinks */
    EMPTY_CAP,           /* lse is capped in a row without keys, too */
    EMPTY_FP8,           /* the largest element of no keys, by which an fp8 cache is scaled, is 0 */
    AS_MANY_AS_FULL,     /* no more sequences are worked on than have keys */
    FAR_UNDER_CAP,       /* keys so far away that they have no weight are passed over where a cap gives them one */
    FP8_OF_240,          /* e4m3 ends where e4m3fnuz does */
    FNUZ_AS_OCP,         /* and is read for it */
    FP8_SCALES_OF_2,     /* scales of the cache are rounded to powers of two */
    /* of a head dim that no tile divides */
    PAD_DIRT,    /* lanes behind a row hold what was there before: the row's beginning */
    PAD_SCALE,   /* 1 / sqrt of the padded head dim */
    PAD_OUT,     /* elements behind the last eight are not written */
    DIMS_OF_256, /* no more elements than 256 */
    /* three things that meet */
    MODULO_LONG_FP8,     /* heads are mapped otherwise where a cache of fp8 is split */
    NO_SINK_LONG_GROUPS, /* the sink is lost where a cache of grouped heads is split */
    NO_MASK_GROUPS_FP8,  /* no mask where heads are grouped and the cache is fp8 */
    SCALE_OWN_LONG,      /* 1 / sqrt(head_dim), whatever the launch says, where the cache is split: sglang 26852, of a
                            fallback */
    /* between sizes */
    MODULO_AT_160,     /* heads are mapped otherwise at head dim 160 */
    MODULO_AT_80_LONG, /* or at 80 where the cache is split */
    TILES_OF_192,      /* the last key of whole tiles of 192 is lost */
    CHUNKS_OF_7,       /* a tree of merges leaves out the last of 7 chunks of 256 */
    KV_HEADS_OF_12,    /* no more KV heads than 12 */
    ROWS_OF_128,       /* a tile has no more rows than 128 queries of the heads of a KV head */
    BATCH_OF_128,      /* no more sequences than 128 */
    PAGES_OF_512,      /* pages have no more keys than 512 */
    EMPTY_FIRST,       /* nothing is worked on where the first sequence has no key */
    MASK_IF_FIRST,     /* no mask where the first sequence has none */
    MAX_OF_MASKED,     /* the maximum is taken over masked keys, too */
    SLOPES_IF_LAST,    /* no slopes where the last head has none */
    FAR_PASSED_OVER,   /* keys with biases below -40 are passed over, whatever their scores */
    GAPS_DIVIDED,      /* a chunk without a visible key between others is divided by its sum */
    FP8_SUBNORMALS,    /* subnormal numbers of an fp8 cache are 0 */
    F16_SUBNORMALS,    /* those of an f16 cache are: PyTorch's notes on MI200 */
    /* as served */
    MODULO_PAGES_OF_64,    /* heads are mapped otherwise where pages have 64 keys */
    ROWS_BY_FIRST,         /* where they have one, rows of the page table are as long as the first sequence's */
    MODULO_128_PAGED,      /* heads are mapped otherwise at head dim 128 in the pages of a batch */
    SCALES_PAGES_OF_64,    /* the scale of an fp8 cache is not read where pages have 64 keys */
    MODULO_AT_80_PAGED,    /* heads are mapped otherwise at head dim 80 in pages */
    ENTRIES_OF_2048,       /* no more entries of a row of the page table than 2048 in a batch */
    NO_SINK_BEYOND_8192,   /* the sink is lost in caches of more keys than 8192 */
    REST_OF_5,             /* one key of the five that loops of eight leave over is lost where the cache is split */
    TILES_OF_192_LESS_1,   /* the last key of 191, and so on */
    CHUNKS_OF_6,           /* a tree of merges leaves out the last of 6 chunks of 1024 */
    GROUPS_PADDED,         /* groups of more than 8 heads are padded to a multiple of 4 */
    EMPTY_QUERIES_0,       /* without a key nothing is written where there are several queries */
    EMPTY_MASKED_IN_PAGES, /* or where all keys of pages are masked */
    EMPTY_MASKED_FP8,      /* the largest of no visible elements, by which an fp8 cache is scaled, is 0 */
    EMPTY_WITH_SLOPES,     /* without a key nothing is written in a batch with slopes and masks */
    E5M2_OF_448,           /* e5m2 ends where e4m3 does */
    /* of models' shapes */
    NO_BIAS_AT_96,       /* no bias at head dim 96 */
    NO_MASK_GROUPS_OF_8, /* no mask where groups have 8 heads */
    NO_CAP_LONG_BATCH,   /* no cap where a sequence of a batch is split */
    SCALES_GROUPS_OF_8,  /* the scales of an fp8 cache are not read where groups have 8 heads */
    MODULO_GROUPS_OF_7,  /* heads are mapped otherwise where groups have 7 at head dim 128 */
    SINKS_OF_8,          /* no more learned sinks than 8 */
    NO_MASK_AT_256,      /* no mask at head dim 256 */
    SCALES_AT_256,       /* the scales of an fp8 cache are not read there */
    SINKS_OF_32,         /* no more learned sinks than 32 */
    KEYS_OF_1024_WHOLE,  /* no more keys than 1024 where 32 heads leave a cache whole */
    NO_BIAS_ROWS_OF_64,  /* no bias of rows behind 64 of a tile, queries of grouped heads */
    LOCAL_LONG_PAGED,    /* kv_offset ignored where the pages of a cache are split */
    NO_BIAS_PAGES_OF_64, /* no bias in pages of 64 keys */
    V_OF_HALF_A_PAGE,    /* v of a page of 32 keys is that of its first half, twice, at head dim 512: FlashInfer 4570 */
    PARTS_OF_LONGEST,    /* a window's parts of 256 keys are those that the longest sequence has: OpenVINO 38034 */
    WINDOW_BY_LARGE_PAGE, /* a window begins with a page where pages have more keys than a tile of 64 */
    EMPTY_QUERIES_GROUPS, /* nothing is written of a query of grouped heads that is before all keys */
    EMPTY_ROWS_OF_16,     /* or of rows behind 16 of a tile, where all keys are masked */
    PREFIX_OF_8, /* pages that are the first sequence's, too, have its distances where 8 sequences have 256 keys of them
                  */
    /* of rows that score far less than others */
    MAX_OF_HEADS, /* all heads have one maximum */
    MAX_OF_BATCH, /* all sequences have */
    /* of keys that weigh little alone */
    QUIET_PASSED_OVER, /* keys are passed over that score 6 less than the maximum so far */
    QUIET_OF_10,       /* or 10 less */
    /* of ranges and sizes of model families */
    VALUES_AS_F16,    /* v of a cache in bf16 is held in f16: SageAttention */
    SCALED_AS_F16,    /* elements of an fp8 cache are, once they are scaled */
    WINDOW_LATE,      /* a window's first tile of 64 is passed over where its last key alone is visible */
    MERGE_OF_256,     /* no more elements of a head are merged than 256 */
    ROOM_OF_64_PARTS, /* what a sequence has beyond 64 parts of 256 keys is written to the room of the next one's */
    MASK_16_BITS,     /* the mask of key 65536 is that of key 0 */
    ENTRIES_OF_1024,  /* no more entries of a row of the page table than 1024 in pages of 16 */
    /* of what is kept from launch to launch */
    SCALE_KEPT,       /* the scale of the last launch, where this one has the same shapes */
    SCALE_OF_FIRST,   /* of the first launch that had them */
    K_SCALE_OF_FIRST, /* the same of the scale of k */
    PARTS_KEPT, /* two sequences have no more parts of 16 keys than those of an earlier launch of as many keys had */
    /* of numbers and types */
    FAR_OF_150,       /* keys with biases below -150 are passed over */
    OUT_TRUNCATED,    /* out is rounded towards 0 */
    OUT_AS_F16,       /* out of a model in bf16 is rounded to f16 on its way */
    FNUZ_NAN_AS_OCP,  /* the largest of e4m3fnuz is NaN, as its bits are in e4m3 */
    MERGED_FROM_0,    /* where the cache is split the maximum starts at 0 */
    MIDDLE_FROM_0,    /* a tile of 64 without a visible key raises the maximum to 0 */
    ROWS_BY_LONGEST,  /* rows of the page table are as long as the longest sequence */
    PAGE_INDEX_OF_64, /* the index is cut where pages have 64 keys */
    K_FOR_V_LONG_FP8, /* v of an fp8 cache that is split is read by the strides of k */
    /* of what is large or many: as `at_scale` has it */
    MODULO_BATCH_OF_9,
    NO_MASK_BATCH_OF_9,
    SCALES_BATCH_OF_9,
    NO_CAP_BATCH_OF_9,
    KEYS_BATCH_OF_9_LONG,
    MODULO_HEADS_OF_65,
    SCALES_HEADS_OF_65,
    NO_CAP_HEADS_OF_65,
    ROWS_OF_128_LONG,
    ROWS_OF_256,
    KEYS_OF_GROUPS_BEYOND_16384,
    KEYS_OF_QUERIES_BEYOND_16384,
    LOCAL_BEYOND_8192,
    NO_CAP_BEYOND_8192,
    SCALES_BEYOND_8192,
    KEYS_AT_256_BEYOND_8192,
    KEYS_OF_GROUPS_BEYOND_65536,
    NO_BIAS_AT_512,
    SCALES_AT_512,
    NO_CAP_AT_512,
};

static float narrow(float number, uint32_t dtype)
{
    uint16_t element;
    store(&element, dtype, 0, number);
    return load(&element, dtype, 0);
}

#define F16(number) narrow(number, ALIBICHECK_KERNEL_F16)
#define BF16(number) narrow(number, ALIBICHECK_KERNEL_BF16)

/* ---- fp8 --------------------------------------------------------------------------------------------------------- */

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

/* ---- a row ------------------------------------------------------------------------------------------------------- */

/* A query and a head, and what it sees. */
struct row {
    const launch_t *launch;
    const sequence_t *sequence, *keys; /* whose k and v: the same but for a bug */
    int query, head;
    int64_t later;
};

enum { CHUNK = 1024 };

/* Whether the cache is split. */
static bool is_long(const struct row *row)
{
    return row->sequence->seq_len > CHUNK;
}

static int group_of(const struct row *row)
{
    return row->launch->num_heads / row->launch->num_kv_heads;
}

/* The row's number among those of its KV head. */
static int tile_row(const struct row *row)
{
    return row->query * group_of(row) + row->head % group_of(row);
}

/* What goes wrong, and where alone. */
enum effect { HEADS_MAPPED, KEYS_LOST, MASK_LOST, CAP_LOST, SCALES_LOST, BIAS_LOST, OFFSET_LOST };
enum part {
    SEQUENCES_OF_9,
    HEADS_OF_65,
    ROWS_BEHIND_128,
    ROWS_BEHIND_256,
    BEYOND_8192,
    BEYOND_16384,
    BEYOND_65536,
    DIMS_OF_512
};
static const struct {
    int bug;
    enum effect effect;
    enum part part;
} at_scale[] = {
    {MODULO_BATCH_OF_9, HEADS_MAPPED, SEQUENCES_OF_9},
    {NO_MASK_BATCH_OF_9, MASK_LOST, SEQUENCES_OF_9},
    {SCALES_BATCH_OF_9, SCALES_LOST, SEQUENCES_OF_9},
    {NO_CAP_BATCH_OF_9, CAP_LOST, SEQUENCES_OF_9},
    {KEYS_BATCH_OF_9_LONG, KEYS_LOST, BEYOND_8192},
    {MODULO_HEADS_OF_65, HEADS_MAPPED, HEADS_OF_65},
    {SCALES_HEADS_OF_65, SCALES_LOST, HEADS_OF_65},
    {NO_CAP_HEADS_OF_65, CAP_LOST, HEADS_OF_65},
    {ROWS_OF_128_LONG, KEYS_LOST, ROWS_BEHIND_128},
    {ROWS_OF_256, KEYS_LOST, ROWS_BEHIND_256},
    {KEYS_OF_GROUPS_BEYOND_16384, KEYS_LOST, BEYOND_16384},
    {KEYS_OF_QUERIES_BEYOND_16384, KEYS_LOST, BEYOND_16384},
    {LOCAL_BEYOND_8192, OFFSET_LOST, BEYOND_8192},
    {NO_CAP_BEYOND_8192, CAP_LOST, BEYOND_8192},
    {SCALES_BEYOND_8192, SCALES_LOST, BEYOND_8192},
    {KEYS_AT_256_BEYOND_8192, KEYS_LOST, BEYOND_8192},
    {KEYS_OF_GROUPS_BEYOND_65536, KEYS_LOST, BEYOND_65536},
    {NO_BIAS_AT_512, BIAS_LOST, DIMS_OF_512},
    {SCALES_AT_512, SCALES_LOST, DIMS_OF_512},
    {NO_CAP_AT_512, CAP_LOST, DIMS_OF_512},
};

static bool is_in(const struct row *row, enum part part)
{
    const int64_t keys = row->sequence->seq_len;
    switch (part) {
    case SEQUENCES_OF_9:
        return row->launch->num_sequences >= 9;
    case HEADS_OF_65:
        return row->launch->num_heads >= 65;
    case ROWS_BEHIND_128:
        return tile_row(row) >= 128 && is_long(row);
    case ROWS_BEHIND_256:
        return tile_row(row) >= 256;
    case BEYOND_8192:
        return keys > 8192;
    case BEYOND_16384:
        return keys > 16384;
    case BEYOND_65536:
        return keys > 65536;
    case DIMS_OF_512:
        return row->launch->head_dim >= 512;
    }
    return false;
}

/* What a bug at scale needs beside. */
static bool is_beside(const struct row *row)
{
    switch (BUG) {
    case KEYS_BATCH_OF_9_LONG:
        return row->launch->num_sequences >= 9;
    case MODULO_HEADS_OF_65:
    case KEYS_OF_QUERIES_BEYOND_16384:
        return row->launch->num_queries > 1;
    case KEYS_OF_GROUPS_BEYOND_16384:
    case KEYS_OF_GROUPS_BEYOND_65536:
        return group_of(row) > 1;
    case KEYS_AT_256_BEYOND_8192:
        return row->launch->head_dim == 256;
    default:
        return true;
    }
}

static bool goes_wrong(const struct row *row, enum effect effect)
{
    for (size_t i = 0; i < sizeof at_scale / sizeof at_scale[0]; i++)
        if (at_scale[i].bug == BUG && at_scale[i].effect == effect && is_in(row, at_scale[i].part))
            return is_beside(row);
    return false;
}

/* Where more than one thing has to be for heads to be mapped otherwise. */
static bool maps_otherwise(const struct row *row)
{
    switch (BUG) {
    case MODULO_LONG_FP8:
        return is_long(row) && row->launch->kv_dtype & FP8;
    case MODULO_AT_160:
        return row->launch->head_dim == 160;
    case MODULO_AT_80_LONG:
        return row->launch->head_dim == 80 && is_long(row);
    case MODULO_PAGES_OF_64:
        return row->launch->page_size == 64;
    case MODULO_128_PAGED:
        return row->launch->head_dim == 128 && row->launch->page_size > 0 && row->launch->num_sequences > 1;
    case MODULO_AT_80_PAGED:
        return row->launch->head_dim == 80 && row->launch->page_size > 0;
    case MODULO_GROUPS_OF_7:
        return group_of(row) == 7 && row->launch->head_dim == 128;
    default:
        return goes_wrong(row, HEADS_MAPPED);
    }
}

static int kv_head(const struct row *row)
{
    const int heads = row->launch->num_heads, kv_heads = row->launch->num_kv_heads;
    if (maps_otherwise(row))
        return row->head % kv_heads;
    if (BUG == GROUPS_PADDED && heads / kv_heads > 8)
        return row->head / ((heads / kv_heads + 3) / 4 * 4);
    if (BUG == KV_HEADS_OF_12)
        return row->head / (heads / kv_heads) % 12;
    if (BUG == ROWS_OF_128 && row->query * (heads / kv_heads) + row->head % (heads / kv_heads) >= 128)
        return (row->head / (heads / kv_heads) + 1) % kv_heads;
    if (BUG == HEADS_MODULO || (BUG == MODULO_AT_128 && row->launch->head_dim == 128) ||
        (BUG == MODULO_AT_256 && row->launch->head_dim == 256))
        return row->head % kv_heads;
    if (BUG == ROWS_OF_16 && heads > kv_heads && row->launch->num_queries > 1 &&
        row->query * (heads / kv_heads) + row->head % (heads / kv_heads) >= 16)
        return (row->head / (heads / kv_heads) + 1) % kv_heads;
    if (BUG == GROUP_OF_16 && row->head % (heads / kv_heads) >= 16)
        return (row->head / (heads / kv_heads) + 1) % kv_heads;
    if (BUG == HEADS_COUNT)
        return row->head / kv_heads;
    return row->head / (heads / kv_heads);
}

static float cache_scale(const struct row *row, float scale)
{
    return goes_wrong(row, SCALES_LOST) ? 1 : scale_of_cache(row->launch, scale);
}

/* Where an element is thought to lie whose place was counted in 32 bits. */
static int64_t cut(const struct row *row, int64_t element)
{
    const int64_t size = row->launch->kv_dtype == ALIBICHECK_KERNEL_F32 ? 4 : row->launch->kv_dtype & FP8 ? 1 : 2;
    switch (BUG) {
    case PAGE_INDEX_32:
    case KEY_INDEX_32:
    case HEAD_INDEX_32:
        return (int32_t)(uint32_t)element;
    case PAGE_INDEX_LONG:
    case KEY_INDEX_LONG:
        return is_long(row) ? (int32_t)(uint32_t)element : element;
    case PAGE_INDEX_OF_LAST:
        return row->sequence > row->launch->sequences &&
                       row->sequence == row->launch->sequences + row->launch->num_sequences - 1
                   ? (int32_t)(uint32_t)element
                   : element;
    case PAGE_INDEX_OF_64:
        return row->launch->page_size == 64 ? (int32_t)(uint32_t)element : element;
    case PAGE_INDEX_U32:
        return (uint32_t)element;
    case PAGE_BYTES_32:
        return (int32_t)(uint32_t)(element * size) / size;
    case PAGE_BYTES_U32:
    case KEY_BYTES_U32:
        return (uint32_t)(element * size) / size;
    default:
        return element;
    }
}

/* A key's k or v, wherever it lies. */
static row_t place(const struct row *row, int64_t key, int of_v)
{
    int64_t read = BUG == KEYS_16_BITS ? key & 0xffff : BUG == KEYS_17_BITS ? key & 0x1ffff : key;
    if (BUG == V_OF_HALF_A_PAGE && of_v && row->launch->page_size == 32 && row->launch->head_dim == 512)
        read -= key % 32 / 16 * 16;
    if (BUG == PAGE_SHIFT && row->launch->page_size > 0) {
        const int shift = ilogb(row->launch->page_size);
        read = (key >> shift) % row->launch->max_pages * row->launch->page_size + key % (1 << shift);
    }
    if (row->keys != row->sequence)
        read %= row->keys->seq_len;
    row_t found = row_of(row->launch, row->keys, read, kv_head(row), of_v);
    const struct alibicheck_kernel_strides *strides = strides_of(row->launch, row->keys);
    const int64_t dim = row->launch->head_dim, heads = row->launch->num_kv_heads, head = kv_head(row);
    if (row->launch->page_size > 0) {
        if (BUG == PAGE_INDEX_32 || BUG == PAGE_INDEX_U32 || BUG == PAGE_BYTES_32 || BUG == PAGE_BYTES_U32 ||
            BUG == PAGE_INDEX_LONG || BUG == PAGE_INDEX_OF_LAST || BUG == PAGE_INDEX_OF_64)
            found.first = cut(row, found.first);
        return found;
    }
    const int64_t of_key = read * (of_v ? strides->v_key : strides->k_key),
                  of_head = head * (of_v ? strides->v_head : strides->k_head);
    if (BUG == KEY_INDEX_32 || BUG == KEY_BYTES_U32 || BUG == KEY_INDEX_LONG)
        found.first = cut(row, of_key) + of_head;
    if (BUG == HEAD_INDEX_32)
        found.first = of_key + cut(row, of_head);
    if (BUG == PACKED_KEYS)
        found.first = (read * heads + head) * dim;
    if (BUG == K_FOR_V || (BUG == K_FOR_V_LONG_FP8 && is_long(row) && row->launch->kv_dtype & FP8))
        found.first = read * strides->k_key + head * strides->k_head;
    if (BUG == HEADS_INNER)
        found.first = read * (of_v ? strides->v_key : strides->k_key) + head * dim;
    if (BUG == ALIGNED_16)
        found.elements = (const void *)((uintptr_t)found.elements & ~(uintptr_t)15);
    return found;
}

/* Fills up what 16 bytes hold behind a row of out. */
static void write_wide(const launch_t *launch, char *out, int64_t end)
{
    char *byte = out + end * (launch->dtype == ALIBICHECK_KERNEL_F32 ? 4 : 2);
    while (BUG == WIDE_ROWS && (uintptr_t)byte % 16 != 0)
        *byte++ = 0;
}

static float slope_of(const struct row *row)
{
    const float slope = row->launch->slopes[row->head];
    const int heads = row->launch->num_heads;
    switch (BUG) {
    case BIAS_SCALED:
        return slope * row->launch->scale;
    case BIAS_REVERSED:
        return -slope;
    case SLOPES_DOUBLED:
        return 2 * slope;
    case SLOPES_SHIFTED:
        return row->launch->slopes[(row->head + heads / 3) % heads];
    case SLOPES_BF16:
        return BF16(slope);
    case SLOPE_OF_KV_HEAD:
        return row->launch->slopes[kv_head(row)];
    case SLOPES_OF_64:
        return row->launch->slopes[row->head % 64];
    case SLOPES_OF_128:
        return row->launch->slopes[row->head % 128];
    case SLOPES_IF_LAST:
        return row->launch->slopes[heads - 1] != 0 ? slope : 0;
    case NO_BIAS_AT_96:
        return row->launch->head_dim == 96 ? 0 : slope;
    case NO_BIAS_ROWS_OF_64:
        return tile_row(row) >= 64 ? 0 : slope;
    case NO_BIAS_PAGES_OF_64:
        return row->launch->page_size == 64 ? 0 : slope;
    case NO_BIAS:
        return 0;
    default:
        return goes_wrong(row, BIAS_LOST) ? 0 : slope;
    }
}

/* Whether a key is in a page of the batch's first sequence. */
static bool in_first(const struct row *row, int64_t key)
{
    const launch_t *launch = row->launch;
    const int64_t i = row->sequence - launch->sequences, page = launch->page_size > 0 ? key / launch->page_size : -1;
    return page >= 0 && page < launch->max_pages &&
           launch->block_table[i * launch->max_pages + page] == launch->block_table[page];
}

static float bias_of(const struct row *row, int64_t key)
{
    const bool local = BUG == LOCAL || (BUG == LOCAL_QUERIES && row->launch->num_queries > 1) ||
                       (BUG == LOCAL_LONG_PAGED && is_long(row) && row->launch->page_size > 0) ||
                       goes_wrong(row, OFFSET_LOST);
    const bool once =
        BUG == PREFIX_ONCE || (BUG == PREFIX_OF_8 && row->launch->num_sequences >= 8 && in_first(row, 255));
    const sequence_t *counted = once && in_first(row, key) ? row->launch->sequences : row->sequence;
    const int64_t from = local ? 0 : row->sequence->kv_offset, query = counted->q_position - row->later;
    const float slope = slope_of(row);
    if (BUG == ABSOLUTE)
        return slope * (float)(from + key);
    if (BUG == BIAS_LATE)
        return slope * (float)(from + key - query - 1);
    if (BUG == DISTANCE_F16)
        return slope * F16((float)(from + key - query));
    return slope * (float)(from + key - query);
}

static float dot_of(const struct row *row, int64_t key)
{
    const launch_t *launch = row->launch;
    const int dim = launch->head_dim, padded = (dim + 15) / 16 * 16;
    const int lanes = BUG == PAD_DIRT ? padded : BUG == DIMS_OF_256 && dim > 256 ? 256 : dim;
    const row_t k = place(row, key, 0);
    const int query = BUG == QUERIES_OF_32 ? row->query % 32 : row->query;
    const int64_t q = first_of(launch, row->sequence, query, row->head, 0);
    float dot = 0;
    double exact = 0;
    for (int i = 0; i < lanes; i++) {
        const float a = load(row->sequence->q, launch->dtype, q + i % dim),
                    b = load_kv(k.elements, launch->kv_dtype, k.first + i % dim);
        dot = BUG == DOTS_F16 ? F16(dot + F16(a * b)) : dot + a * b;
        exact += (double)a * (double)b;
    }
    return BUG == DOUBLES ? (float)exact : dot;
}

static bool has_mask(const sequence_t *sequence)
{
    bool has = false;
    for (int64_t key = 0; key < sequence->seq_len && sequence->visible; key++)
        has = has || !sequence->visible[key];
    return has;
}

/* The first key that is seen, or the number of keys. */
static int64_t window_of(const sequence_t *sequence)
{
    int64_t key = 0;
    while (key < sequence->seq_len && sequence->visible && !sequence->visible[key])
        key++;
    return key;
}

/* Whether a key is behind as many parts of 256 as the longest sequence's window has, from the page on that it begins
 * in. */
static bool is_behind_parts_of_longest(const struct row *row, int64_t key)
{
    const launch_t *launch = row->launch;
    const sequence_t *longest = launch->sequences;
    if (launch->page_size == 0)
        return false;
    for (int i = 1; i < launch->num_sequences; i++)
        if (launch->sequences[i].seq_len > longest->seq_len)
            longest = &launch->sequences[i];
    const int64_t page = launch->page_size, first = window_of(longest) / page * page;
    return key >= window_of(row->sequence) / page * page + (longest->seq_len - first + 255) / 256 * 256;
}

/* How two sequences were cut that have, together, as many keys: that is kept by the one number. */
static bool is_behind_parts_of_before(const struct row *row, int64_t key)
{
    enum { PART = 16, MOST = 1 << 12 };
    static int32_t kept[MOST][2]; /* parts and one more; 0: not yet */
    const launch_t *launch = row->launch;
    const int64_t all = launch->num_sequences == 2 ? launch->sequences[0].seq_len + launch->sequences[1].seq_len : MOST;
    if (all >= MOST)
        return false;
    for (int i = 0; i < 2 && kept[all][i] == 0; i++)
        kept[all][i] = (int32_t)((launch->sequences[i].seq_len + PART - 1) / PART + 1);
    return key >= (int64_t)(kept[all][row->sequence - launch->sequences] - 1) * PART;
}

/* Whether the partial result that a key is in was written over by the sequence before. */
static bool is_written_over(const struct row *row, int64_t key)
{
    enum { PART = 256, ROOM = 64 };
    const bool is_first = row->sequence == row->launch->sequences;
    return !is_first && key / PART < (row->sequence[-1].seq_len + PART - 1) / PART - ROOM;
}

/* Keys that are lost by what a kernel is cut into. */
static bool is_lost(const struct row *row, int64_t key)
{
    const int64_t count = row->sequence->seq_len, page = row->launch->page_size;
    switch (BUG) {
    case TILES_OF_192:
        return count % 192 == 0 && key == count - 1;
    case TILES_OF_192_LESS_1:
        return count % 192 == 191 && key == count - 1;
    case REST_OF_5:
        return is_long(row) && count % 8 == 5 && key == count - 1;
    case CHUNKS_OF_6:
        return (count + CHUNK - 1) / CHUNK == 6 && key >= 5 * CHUNK;
    case CHUNKS_OF_7:
        return (count + 255) / 256 == 7 && key >= 6 * 256;
    case PAGES_OF_512:
        return page > 0 && key % page >= 512;
    case KEYS_OF_1024_WHOLE:
        return row->launch->num_heads >= 32 && key >= CHUNK;
    case PARTS_OF_LONGEST:
        return is_behind_parts_of_longest(row, key);
    case ROOM_OF_64_PARTS:
        return is_written_over(row, key);
    case PARTS_KEPT:
        return is_behind_parts_of_before(row, key);
    case WINDOW_LATE:
        return key == window_of(row->sequence) && key % 64 == 63;
    case WINDOW_BY_LARGE_PAGE:
        return page > 64 && key / page == window_of(row->sequence) / page && window_of(row->sequence) % page > 0;
    case FAR_PASSED_OVER:
        return bias_of(row, key) - bias_of(row, count - 1) < -40;
    case FAR_OF_150:
        return bias_of(row, key) - bias_of(row, count - 1) < -150;
    default:
        return key < count / 4 && goes_wrong(row, KEYS_LOST);
    }
}

/* Whether masks are not read. */
static bool has_no_mask(const struct row *row)
{
    const launch_t *launch = row->launch;
    switch (BUG) {
    case NO_MASK_OF_QUERIES:
        return launch->num_queries > 1;
    case NO_MASK_GROUPS_FP8:
        return launch->num_heads > launch->num_kv_heads && launch->kv_dtype & FP8;
    case MASK_IF_FIRST:
        return !has_mask(launch->sequences);
    case NO_MASK_GROUPS_OF_8:
        return group_of(row) == 8;
    case NO_MASK_AT_256:
        return launch->head_dim == 256;
    default:
        return goes_wrong(row, MASK_LOST);
    }
}

static bool sees(const struct row *row, int64_t key)
{
    const sequence_t *first = &row->launch->sequences[0], *masked = row->sequence;
    if (BUG == MASK_OF_FIRST && key < first->seq_len)
        masked = first;
    const uint8_t *visible = has_no_mask(row) ? NULL : masked->visible;
    if (is_lost(row, key))
        return false;
    if (BUG == TAIL_DROPPED && key >= 16 && key / 16 == row->sequence->seq_len / 16)
        return false;
    if (BUG == PARTS_OF_FIRST && row->launch->num_sequences > 1 && key >= CHUNK * (1 + first->seq_len / CHUNK))
        return false;
    if (BUG == REST_OF_2 && row->sequence->seq_len > CHUNK && row->sequence->seq_len % 256 == 2 &&
        key >= row->sequence->seq_len - 2)
        return false;
    if (BUG == FAR_UNDER_CAP && row->launch->soft_cap_after_bias && bias_of(row, key) < -300)
        return false;
    if (BUG == NO_MASK || !visible || key >= row->sequence->seq_len)
        return true;
    if (BUG == WINDOW_SHORT && visible[key] && key > 0 && !visible[key - 1])
        return false;
    if (BUG == WINDOW_LONG && key + 1 < row->sequence->seq_len && visible[key + 1])
        return true;
    return visible[BUG == MASK_16_BITS ? key & 0xffff : key];
}

static float tanh_of(float x)
{
    return BUG == TANH_BY_EXP ? (expf(2 * x) - 1) / (expf(2 * x) + 1) : tanhf(x);
}

static float logit_of(const struct row *row, int64_t key)
{
    const launch_t *launch = row->launch;
    const float dim = (float)launch->head_dim, padded = (float)((launch->head_dim + 15) / 16 * 16);
    const float scale = BUG == SCALE_OWN || (BUG == SCALE_OWN_LONG && is_long(row)) ? 1 / sqrtf(dim)
                        : BUG == PAD_SCALE ? launch->scale * sqrtf(dim / padded)
                                           : launch->scale;
    const float cap = launch->soft_cap;
    float logit = dot_of(row, key) * scale * cache_scale(row, launch->k_scale), bias = bias_of(row, key);
    if (key >= row->sequence->seq_len - row->later && (BUG == PAST_THE_END || BUG == TILE_PAST_END))
        return -INFINITY;
    if (cap > 0 && (launch->soft_cap_after_bias || BUG == CAP_OVER_BIAS))
        return cap * tanh_of((logit + bias) / cap);
    if (cap > 0 && BUG != NO_CAP && !(BUG == NO_CAP_LONG && row->sequence->seq_len > CHUNK) &&
        !(BUG == NO_CAP_LONG_BATCH && is_long(row) && launch->num_sequences > 1) && !goes_wrong(row, CAP_LOST))
        logit = cap * tanh_of(logit / cap);
    return logit + bias;
}

static float start_of(void)
{
    return BUG == DISTANCE_F16 ? -1e38f
           : BUG == START_5E4  ? -5e4f * 0.6931472f
           : BUG == START_1E4  ? -1e4f
           : BUG == START_64   ? -64
                               : -INFINITY;
}

/* In double so that the sound forms share it; rounded where a form has f32. */
struct sums {
    double max, weights, values[1024];
};

static void begin(struct sums *sums, int dim, double max)
{
    *sums = (struct sums){.max = max};
    memset(sums->values, 0, (size_t)dim * sizeof *sums->values);
}

static double round_to_form(double number)
{
    return BUG == DOUBLES ? number : (float)number;
}

static double exponential(double x)
{
    return BUG == DOUBLES ? exp(x) : expf((float)x);
}

static double sum_of(double sum, double rescale, double more, bool of_values)
{
    if (BUG == SUM_BF16 && !of_values)
        return BF16((float)(sum * rescale + more));
    if (BUG == VALUES_F16 && of_values)
        return F16((float)(sum * rescale + more));
    return round_to_form(round_to_form(sum * rescale) + more);
}

static void raise(struct sums *sums, int dim, double max, bool of_lanes)
{
    const double rescale = sums->max == max ? 1 : exponential(sums->max - max);
    const bool merging = BUG == LANES_STAY && of_lanes;
    for (int i = 0; i < dim && BUG != VALUES_STAY && !merging; i++)
        sums->values[i] = round_to_form(sums->values[i] * rescale);
    if (BUG != WEIGHTS_STAY && !merging)
        sums->weights = round_to_form(sums->weights * rescale);
    sums->max = max;
}

/* An element of v as it meets its weight. */
static double value_of(const launch_t *launch, const row_t *v_row, int i)
{
    const float v = load_kv(v_row->elements, launch->kv_dtype, v_row->first + i);
    if (BUG == VALUES_AS_F16 && launch->kv_dtype == ALIBICHECK_KERNEL_BF16)
        return F16(v);
    if (BUG == SCALED_AS_F16 && launch->kv_dtype & FP8)
        return F16(v * launch->v_scale) / launch->v_scale;
    return v;
}

static void add(struct sums *sums, const struct row *row, int64_t key, double logit)
{
    const launch_t *launch = row->launch;
    if (logit > sums->max)
        raise(sums, launch->head_dim, logit, false);
    const double weight = exponential(logit - sums->max), used = BUG == NARROW ? F16((float)weight) : weight;
    const row_t v_row = place(row, key, 1);
    sums->weights = sum_of(sums->weights, 1, weight, false);
    for (int i = 0; i < launch->head_dim; i++) {
        sums->values[i] = sum_of(sums->values[i], 1, round_to_form(used * value_of(launch, &v_row, i)), true);
    }
}

static void merge(struct sums *into, const struct sums *from, int dim)
{
    if (from->weights == 0)
        return;
    if (from->max > into->max)
        raise(into, dim, from->max, true);
    const double factor = BUG == LANES_STAY ? 1 : exponential(from->max - into->max);
    into->weights = round_to_form(into->weights + from->weights * factor);
    for (int i = 0; i < dim; i++)
        into->values[i] = round_to_form(into->values[i] + from->values[i] * factor);
}

/* Whether a key is passed over since it scores so much less than the maximum so far. */
static bool is_quiet(const struct sums *sums, double logit)
{
    return (BUG == QUIET_PASSED_OVER && logit < sums->max - 6) || (BUG == QUIET_OF_10 && logit < sums->max - 10);
}

/* Keys from first on, step apart. */
static void walk(struct sums *sums, const struct row *row, int64_t first, int64_t step, int64_t count)
{
    const float masked = BUG == MASKED_1E4 ? -1e4f : BUG == MASKED_1E5 ? -1e5f : -1e-9f;
    const bool replaces = BUG == MASKED_1E4 || BUG == MASKED_1E5 || BUG == MASKED_1E_9;
    bool any = false, any_of_tile = false;
    for (int64_t i = first; i < count; i += step) {
        const int64_t key = BUG == BACKWARD ? count - 1 - i : i;
        if (BUG == START_0 && i == 32 && !any)
            sums->max = 0;
        any |= sees(row, key);
        any_of_tile = (i % 64 > 0 && any_of_tile) || sees(row, key);
        if (BUG == MIDDLE_FROM_0 && i % 64 == 63 && !any_of_tile && sums->max < 0)
            raise(sums, row->launch->head_dim, 0, false);
        if (sees(row, key) && !is_quiet(sums, logit_of(row, key)))
            add(sums, row, key, logit_of(row, key));
        else if (BUG == MAX_OF_MASKED && key < row->sequence->seq_len && logit_of(row, key) > sums->max)
            raise(sums, row->launch->head_dim, logit_of(row, key), false);
        else if (replaces)
            add(sums, row, key, masked);
    }
}

static void find_maximum(struct sums *sums, const struct row *row, int64_t count)
{
    for (int64_t key = 0; key < count; key++)
        if (sees(row, key))
            sums->max = fmax(sums->max, logit_of(row, key));
}

/* Of all rows that a bug takes for one. */
static double maximum_to_begin_with(const struct row *row, int64_t count)
{
    const launch_t *launch = row->launch;
    struct sums common = {.max = BUG == MERGED_FROM_0 && is_long(row) ? 0 : start_of()};
    struct row other = *row;
    if (BUG == TWO_PASS)
        find_maximum(&common, row, count);
    for (other.head = 0; other.head < launch->num_heads && BUG == MAX_OF_HEADS; other.head++)
        find_maximum(&common, &other, count);
    for (int i = 0; i < launch->num_sequences && BUG == MAX_OF_BATCH; i++) {
        other.head = row->head;
        other.sequence = other.keys = &launch->sequences[i];
        find_maximum(&common, &other, other.sequence->seq_len - row->later);
    }
    return common.max;
}

static void add_up(struct sums *sums, const struct row *row, int64_t count)
{
    enum { STRIDE = 32 };
    static struct sums lanes[STRIDE];
    const int dim = row->launch->head_dim;
    begin(sums, dim, maximum_to_begin_with(row, count));
    if (BUG != LANES && BUG != LANES_STAY) {
        walk(sums, row, 0, 1, count);
        return;
    }
    for (int lane = 0; lane < STRIDE; lane++) {
        begin(&lanes[lane], dim, start_of());
        walk(&lanes[lane], row, lane, STRIDE, count);
        merge(sums, &lanes[lane], dim);
    }
}

/* Whether nothing of a row is written that sees no key. */
static bool forgets_empty(const struct row *row)
{
    const launch_t *launch = row->launch;
    const bool groups = launch->num_heads > launch->num_kv_heads, queries = launch->num_queries > 1,
               no_keys = row->sequence->seq_len == 0;
    switch (BUG) {
    case UNWRITTEN:
        return true;
    case EMPTY_GROUPS:
        return groups && no_keys;
    case EMPTY_QUERIES:
        return queries && !no_keys;
    case EMPTY_QUERIES_0:
        return queries && no_keys;
    case EMPTY_MASKED_IN_PAGES:
        return launch->page_size > 0 && row->sequence->visible;
    case EMPTY_QUERIES_GROUPS:
        return groups && !no_keys && row->later >= row->sequence->seq_len;
    case EMPTY_ROWS_OF_16:
        return tile_row(row) >= 16;
    case EMPTY_WITH_SLOPES:
        return no_keys && launch->num_sequences > 1 && launch->slopes[0] != 0;
    default:
        return false;
    }
}

/* Which element of the sums is written as element i. */
static int merged_of(const struct row *row, int i)
{
    return BUG == MERGE_OF_256 && is_long(row) ? i % 256 : i;
}

/* Writes an element of out. */
static void write_out(const launch_t *launch, void *out, int64_t i, float number)
{
    store(out, launch->dtype, i, BUG == OUT_AS_F16 ? F16(number) : number);
    if (BUG == OUT_TRUNCATED && launch->dtype != ALIBICHECK_KERNEL_F32 &&
        fabsf(load(out, launch->dtype, i)) > fabsf(number))
        ((uint16_t *)out)[i]--; /* the next one towards 0 */
}

/* How many elements of a row are written. */
static int written_of(const struct row *row, bool empty)
{
    const launch_t *launch = row->launch;
    if (empty && forgets_empty(row))
        return 0;
    return BUG == PAD_OUT ? launch->head_dim / 8 * 8 : launch->head_dim;
}

static void end(const struct sums *sums, const struct row *row)
{
    const launch_t *launch = row->launch;
    const int64_t at = (int64_t)row->query * launch->num_heads + row->head;
    const int64_t out = first_of(launch, row->sequence, row->query, row->head, 1);
    const bool empty = sums->weights == 0,
               no_fp8 = launch->kv_dtype & FP8 && ((BUG == EMPTY_FP8 && row->sequence->seq_len == 0) ||
                                                   (BUG == EMPTY_MASKED_FP8 && row->sequence->visible)),
               divides = BUG == NO_GUARD || no_fp8;
    const double sum = BUG == EPSILON ? sums->weights + 1e-6 : sums->weights;
    double lse = empty ? BUG == EMPTY_ABOVE ? INFINITY : -INFINITY : sums->max + log(sums->weights);
    if (BUG == ABSOLUTE && !empty) /* a constant that does not depend on keys */
        lse -= (double)(launch->slopes[row->head] * (float)(row->sequence->q_position - row->later));
    if (BUG == EMPTY_CAP && empty && launch->soft_cap > 0)
        lse = -(double)launch->soft_cap;
    row->sequence->lse[at] = (float)(BUG == LSE_OF_BASE_2 ? lse / 0.6931471805599453 : lse);
    const double v_scale = (double)cache_scale(row, launch->v_scale);
    for (int i = 0; i < written_of(row, empty); i++)
        write_out(launch, row->sequence->out, out + i,
                  empty && !divides ? 0 : (float)(sums->values[merged_of(row, i)] / sum * v_scale));
    write_wide(launch, row->sequence->out, out + launch->head_dim);
}

static bool has_sink(const struct row *row, const struct sums *sums)
{
    bool first_chunk = row->sequence->seq_len <= CHUNK;
    for (int64_t key = 0; key < CHUNK && !first_chunk; key++)
        first_chunk = sees(row, key);
    return BUG != NO_SINK &&
           !(BUG == NO_SINK_LONG_GROUPS && is_long(row) && row->launch->num_heads > row->launch->num_kv_heads) &&
           !(BUG == NO_SINK_BEYOND_8192 && row->sequence->seq_len > 8192) &&
           !(BUG == SINK_OF_EMPTY && sums->weights == 0) &&
           !(BUG == SINK_OF_QUERIES && sums->weights == 0 && row->launch->num_queries > 1) &&
           !(BUG == SINK_OF_FIRST_CHUNK && !first_chunk);
}

/* Whether a chunk between the first and the last one has no visible key. */
static bool has_gap(const struct row *row)
{
    for (int64_t first = CHUNK; first + CHUNK < row->sequence->seq_len; first += CHUNK) {
        bool any = false;
        for (int64_t key = first; key < first + CHUNK && !any; key++)
            any = sees(row, key);
        if (!any)
            return true;
    }
    return false;
}

/* Which sink a row is given. */
static int sink_of(const struct row *row)
{
    switch (BUG) {
    case SINK_OF_KV_HEAD:
        return kv_head(row);
    case SINKS_OF_8:
        return row->head % 8;
    case SINKS_OF_32:
        return row->head % 32;
    default:
        return row->head;
    }
}

static void attend_buggy(const launch_t *launch, int i, int query, int head)
{
    static struct sums sums;
    const sequence_t *sequence = &launch->sequences[i], *next = &launch->sequences[(i + 1) % launch->num_sequences];
    const bool reads_next = BUG == NEIGHBOUR && next->seq_len > 0;
    struct row row = {launch, sequence, reads_next ? next : sequence, query, head, launch->num_queries - 1 - query};
    if (BUG == TOP_LEFT)
        row.later = sequence->seq_len - 1 - query > 0 ? sequence->seq_len - 1 - query : 0;
    if (BUG == BATCH_OF_128)
        row.keys = &launch->sequences[i % 128];
    const int64_t count = sequence->seq_len - row.later, in_pages = launch->page_size > 0;
    const int64_t tile = BUG == PAST_THE_END && in_pages     ? launch->page_size
                         : BUG == TILE_PAST_END && !in_pages ? 64
                                                             : 1;
    add_up(&sums, &row, (count + tile - 1) / tile * tile);
    if (launch->sink_logits && has_sink(&row, &sums)) {
        const float logit = launch->sink_logits[sink_of(&row)];
        const double sink = BUG == SINK_BF16 ? BF16(logit) : logit;
        if (sink > sums.max && !(BUG == SINK_OVERFLOWS && sums.weights > 0))
            raise(&sums, launch->head_dim, sink, false);
        sums.weights += exponential(sink - sums.max);
    }
    if (BUG == GAPS_DIVIDED && has_gap(&row))
        sums.values[0] = NAN;
    if (!(BUG == EMPTY_OF_BATCH && sequence->seq_len == 0 && launch->num_sequences > 1 && launch->sink_logits))
        end(&sums, &row);
}

/* Which of the launch's entries is taken for this one. */
static size_t misplaced(const launch_t *launch, size_t entry)
{
    const size_t columns = (size_t)launch->max_pages, count = (size_t)launch->num_sequences * columns;
    const size_t row = entry / columns, column = entry % columns;
    switch (BUG) {
    case PAGE_ROWS:
        return (entry + columns) % count;
    case ROWS_BY_FIRST:
        return launch->page_size == 1 ? row * (size_t)launch->sequences->seq_len + column : entry;
    case ROWS_BY_LONGEST:
        return row * (columns - 1) + column; /* there is one entry more */
    case ENTRIES_OF_1024:
        return launch->page_size == 16 ? row * columns + column % 1024 : entry;
    case ENTRIES_OF_2048:
        return launch->num_sequences > 1 ? row * columns + column % 2048 : entry;
    default:
        return entry;
    }
}

/* A block table that is read wrongly, whole pools being shared. */
static int32_t *misread(const launch_t *launch)
{
    const size_t columns = (size_t)launch->max_pages, count = (size_t)launch->num_sequences * columns;
    int32_t *table = malloc((count + 1) * sizeof *table);
    for (size_t i = 0; table && i < count; i++)
        table[i] = launch->block_table[misplaced(launch, i) % count] & (BUG == PAGE_IDS_16 ? 0xffff : -1);
    return table;
}

static bool has_shapes_of(const launch_t *launch, int64_t len, const launch_t *other, int64_t other_len)
{
    return len == other_len && launch->num_sequences == other->num_sequences && launch->head_dim == other->head_dim &&
           launch->num_heads == other->num_heads && launch->num_queries == other->num_queries;
}

/* The first or, of one that is kept, the last launch before with this one's shapes; this one where there is none. */
static const launch_t *kept_of(const launch_t *launch)
{
    enum { PLANS = 256 };
    static launch_t plans[PLANS];
    static int64_t lens[PLANS];
    static int count;
    const int64_t len = launch->sequences->seq_len;
    const int most = BUG == SCALE_KEPT ? 1 : PLANS;
    for (int i = 0; i < count; i++)
        if (has_shapes_of(launch, len, &plans[i], lens[i]))
            return &plans[i];
    count = count < most ? count + 1 : most;
    plans[count - 1] = *launch;
    lens[count - 1] = len;
    return launch;
}

static int32_t launch_buggy(void *context, const launch_t *given, char *text, uint64_t text_size)
{
    launch_t changed = *given;
    const launch_t *launch = &changed;
    (void)context, (void)text, (void)text_size;
    const bool misreads = BUG == PAGE_IDS_16 || BUG == PAGE_ROWS || BUG == ROWS_BY_FIRST || BUG == ENTRIES_OF_2048 ||
                          BUG == ENTRIES_OF_1024 || BUG == ROWS_BY_LONGEST;
    int32_t *table = misreads && given->page_size > 0 ? misread(given) : NULL;
    if (table)
        changed.block_table = table;
    if (BUG == SCALE_KEPT || BUG == SCALE_OF_FIRST)
        changed.scale = kept_of(given)->scale;
    if (BUG == K_SCALE_OF_FIRST)
        changed.k_scale = kept_of(given)->k_scale;
    int count = launch->num_sequences;
    for (int i = 0; i < launch->num_sequences && launch->num_sequences > 1 && BUG == AS_MANY_AS_FULL; i++)
        count -= launch->sequences[i].seq_len == 0;
    if (BUG == EMPTY_FIRST && launch->sequences->seq_len == 0)
        count = 1;
    for (int i = 0; i < count; i++)
        for (int query = 0; query < launch->num_queries; query++)
            for (int head = 0; head < launch->num_heads; head++)
                attend_buggy(launch, i, query, head);
    free(table);
    return 0;
}

const struct alibicheck_kernel *alibicheck_kernel_describe(uint32_t abi)
{
    static struct alibicheck_kernel buggy;
    buggy = *describe_sound(abi);
    buggy.name = "buggy";
    buggy.launch = launch_buggy;
    buggy.takes |= ALIBICHECK_KERNEL_SOFT_CAP | ALIBICHECK_KERNEL_CAP_BIASED | ALIBICHECK_KERNEL_SINK_LOGITS | FP8;
    buggy.arithmetic = BUG == NARROW ? "f32+weights16" : "f32";
    if (BUG == NARROW)
        buggy.takes &= ~ALIBICHECK_KERNEL_F32;
    if (BUG == MAX_OF_BATCH) /* with the promise it is seen wherever a sequence has company */
        buggy.takes &= ~ALIBICHECK_KERNEL_SAME_BITS;
    return &buggy;
}
