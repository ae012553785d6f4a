/* The forms of bugs.c, of which BUG names one. */
#ifndef HARNESS_TESTS_PLUGINS_BUG_FORMS_H
#define HARNESS_TESTS_PLUGINS_BUG_FORMS_H

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
    ALIGNED_32,     /* or to 32 bytes, and takes packed tensors alone */
    WIDE_SLOPES,    /* slopes are loaded 16 bytes at a time, from where addresses are rounded down to */
    WIDE_LSE,       /* lse is written so */
    PAGE_IDS_WIDE,  /* entries of the page table are loaded so */
    WIDE_ROWS,      /* rows of out are written 16 bytes at a time */
    PAGE_INDEX_32,  /* the index of an element of a page's is cut to 32 bits with a sign: vLLM 47671 */
    PAGE_INDEX_U32, /* without one */
    PAGE_BYTES_32,  /* its offset in bytes is */
    PAGE_BYTES_U32,
    PAGE_INDEX_LONG,    /* the index is cut in caches of more than 1024 keys alone */
    PAGE_INDEX_OF_LAST, /* or of the last of several sequences */
    PAGE_INDEX_OF_9,    /* or of more than eight */
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
    QUIET_OF_12,       /* or 12 less */
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
    PARTS_KEPT,    /* two sequences have no more parts of 16 keys than those of an earlier launch of as many keys had */
    COUNTERS_LEFT, /* counters of parts are not reset by a launch of several sequences with several queries */
    PAGE_PARTS,    /* of the eight parts that a sequence's row of the page table has the last one with keys is lost
                          where half of them have none */
    PARTS_OF_LAST, /* the parts of the launch before where that had as many sequences, and the last was as long */
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
    DIMS_OF_128_LONG_FP8, /* of 256 elements of a group's heads 128 are merged where its fp8 cache is long: sparkinfer
                             330 */
    NO_BIAS_AT_512,
    SCALES_AT_512,
    NO_CAP_AT_512,
    NO_BIAS_GROUPS_OF_6,
    NO_MASK_GROUPS_OF_6,
    SCALES_GROUPS_OF_5,
    NO_CAP_GROUPS_OF_7,
    KEYS_OF_GROUPS_OF_3_LONG,
    SCALES_AT_160,
    NO_CAP_AT_160,
    NO_MASK_PAGES_OF_8,
    KEYS_BATCH_OF_17_OF_GROUPS,
    KEYS_HEADS_OF_64_LONG,
    NO_BIAS_BATCH_OF_9_LONG,
    NO_BIAS_HEADS_OF_32_LONG,
};

#endif
