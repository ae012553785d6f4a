#include "harness/sentinel/stand_ins.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/recipe_library.h"

enum { ROW_RECIPES = 8 };

/*
 * What the library does not say of its stand-ins. The numbers of a row are those of its first recipe, which the others
 * share; `value` stands where the recipe's is rounded to f32. DeepSpeed and Megatron write over the logit, others add a
 * mask to it. FlashInfer's decode compares after the factor log2(e). ggml masks with -inf, and its maximum starts at
 * -FLT_MAX/2. The f16 minimum plus a score: ONNX Runtime's Attention, and transformers (issues 17306 and 17437).
 */
static const struct description {
    struct stand_in row;
    const char *recipes[ROW_RECIPES];
} descriptions[] = {
    {.row = {.name = "-1e4",
             .used_by = "DeepSpeed, Megatron, TransformerEngine",
             .empty_row = "leak",
             .consequence =
                 "leak, masked keys outweigh visible ones; zeros where a kernel takes a maximum of -1e4 for an "
                 "empty row"},
     .recipes = {"deepspeed-inference", "transformer-engine-fused-softmax"}},
    {.row = {.name = "-1e4 added",
             .used_by = "FasterTransformer prefill, ONNX Runtime, early transformers",
             .empty_row = "leak",
             .consequence = "leak, masked keys near the query outweigh visible ones far from it"},
     .recipes = {"fastertransformer-prefill", "onnx-runtime", "onnx-runtime-cpu"}},
    {.row = {.name = "-5e4",
             .used_by = "FlashInfer to mid 2026",
             .empty_row = "0",
             .consequence =
                 "silent zero, the maximum starts at it and stays there, every visible weight is flushed and the "
                 "row passes for an empty one"},
     .recipes = {"flashinfer-to-2026"}},
    {.row = {.name = "-65504 f16",
             .used_by = "transformers in f16",
             .empty_row = "nan",
             .consequence = "leak, and visible logits below -65520 are -inf as well: a row of nothing else is NaN",
             .caution = "Held in f16, it plus a score of -16 or lower is -inf: a fully masked row is NaN."},
     .recipes = {"onnx-runtime-attention-cpu"}},
    {.row = {.name = "-FLT_MAX",
             .used_by = "TensorRT-LLM, transformers in f32",
             .empty_row = "uniform",
             .consequence = "leak, masked keys outweigh visible ones"},
     .recipes = {"tensorrt-llm-decode"}},
    {.row = {.name = "bf16 minimum",
             .used_by = "HF BLOOM, MPT",
             .empty_row = "uniform",
             .consequence = "leak, masked keys outweigh visible ones"},
     .recipes = {"hf-bloom", "hf-mpt", "llm-foundry-mpt"}},
    {.row = {.name = "-FLT_MAX/2",
             .used_by = "ggml, as the initial maximum",
             .empty_row = "nan",
             .consequence = "silent zero, the maximum starts at it and stays there"},
     .recipes = {"ggml-flash-attention"}},
    {.row = {.name = "-0.7 FLT_MAX",
             .used_by = "JAX Pallas",
             .value = -0.7 * (double)FLT_MAX,
             .empty_row = "uniform",
             .consequence = "leak, masked keys outweigh visible ones"},
     .recipes = {"jax-pallas"}},
    {.row = {.name = "-0.7 MAX nn",
             .used_by = "jax.nn.dot_product_attention",
             .value = -0.7 * (double)FLT_MAX,
             .empty_row = "uniform",
             .consequence = "leak, masked keys outweigh visible ones"},
     .recipes = {"jax-xla"}},
    {.row = {.name = "-0.7 MAX added",
             .used_by = "JAX Pallas decode",
             .value = -0.7 * (double)FLT_MAX,
             .empty_row = "uniform",
             .consequence = "leak, masked keys outweigh visible ones"},
     .recipes = {"jax-pallas-decode"}},
    {.row = {.name = "-inf unguarded",
             .used_by = "vLLM Triton ALiBi prefix",
             .empty_row = "nan",
             .consequence = "-inf - -inf is NaN in a row, tile or chunk that is wholly masked"},
     .recipes = {"mlx-cpu", "pytorch-eager", "vllm-triton-alibi-prefix"}},
    {.row = {.name = "-inf, max 0",
             .used_by = "vLLM Triton unified to 2025",
             .empty_row = "nan",
             .consequence =
                 "a tile or chunk that is wholly masked leaves a maximum of 0, and later logits far below it "
                 "lose their weight"},
     .recipes = {"vllm-triton-unified-2025"}},
    {.row = {.name = "-inf guarded",
             .used_by = "FlashAttention-2, FlashInfer since mid 2026",
             .empty_row = "0",
             .consequence = "below every logit, and -inf - -inf is never formed"},
     .recipes = {"flash-attention-2", "flashinfer", "pytorch-flash-cpu", "pytorch-flex-compiled-cpu",
                 "pytorch-flex-eager", "pytorch-sdpa-math", "sound-infinity", "vllm-triton-unified"}},
    {.row = {.name = "adaptive",
             .used_by = "alibicheck's kernels",
             .empty_row = "uniform",
             .consequence = "computed below every logit for the length and the bounds above, and only as good as those",
             .caution = "Finite like the others: a fully masked row is averaged unless it is known by its index."},
     .recipes = {"sound-adaptive"}},
    {.row = {.name = "exclude",
             .used_by = "vLLM paged, MLX, CTranslate2",
             .empty_row = "0",
             .consequence = "masked keys are skipped by index: no value stands for them"},
     .recipes = {"default", "ctranslate2", "fastertransformer-decode", "ggml-cpu", "mlx", "sound-exclude",
                 "vllm-paged-v1", "vllm-paged-v2"}},
};

enum { NUM_DESCRIPTIONS = sizeof descriptions / sizeof descriptions[0] };

/* Where logits have the dtype of the inputs, the minimum of that stands for -inf. */
static enum dtype logits_held_in(const struct recipe *recipe)
{
    static const enum dtype narrow[] = {DTYPE_F16, DTYPE_BF16};
    if (recipe->logit_dtype != ROUND_INPUT)
        return dtype_rounding_dtype(recipe->logit_dtype);
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++)
        if ((double)recipe->sentinel.value == -dtypes[narrow[i]].max)
            return narrow[i];
    return DTYPE_F32;
}

struct stand_in stand_in_of(const struct recipe *recipe)
{
    static const enum stand_in_kind kinds[SENTINEL_COUNT] = {
        [SENTINEL_VALUE] = STAND_IN_REPLACES,
        [SENTINEL_INFINITY] = STAND_IN_SOUND,
        [SENTINEL_ADAPTIVE] = STAND_IN_ADAPTIVE,
        [SENTINEL_EXCLUDE] = STAND_IN_SOUND,
    };
    enum sentinel_policy policy = recipe->sentinel.policy;
    struct stand_in stand_in = {.kind = kinds[policy]};
    if (policy == SENTINEL_VALUE) {
        stand_in.kind = recipe_adds_sentinel(recipe) ? STAND_IN_ADDS : STAND_IN_REPLACES;
        stand_in.value = (double)recipe->sentinel.value;
    } else if (policy == SENTINEL_INFINITY && recipe->initial_max == INITIAL_MAX_VALUE) {
        /* No logit is as low as the mask, and the maximum starts at a number that logits can reach. */
        stand_in.kind = STAND_IN_REPLACES;
        stand_in.value = (double)recipe->initial_max_value;
    } else if (policy == SENTINEL_INFINITY && recipe->guards != GUARDS_SOUND) {
        stand_in.kind = STAND_IN_INFINITE;
    }
    if (stand_in_finite(&stand_in)) {
        stand_in.base = recipe->log2e != LOG2E_EXPONENTIAL ? BASE_2 : BASE_E;
        stand_in.held_in = logits_held_in(recipe);
    }
    return stand_in;
}

static bool is_described(const char *recipe)
{
    bool described = false;
    for (size_t i = 0; i < NUM_DESCRIPTIONS; i++)
        for (size_t r = 0; r < ROW_RECIPES && descriptions[i].recipes[r]; r++)
            described |= strcmp(descriptions[i].recipes[r], recipe) == 0;
    return described;
}

/* The row of a description: its words, and the numbers of its recipe. */
static enum error_kind described_row(struct stand_in *row, const struct description *description, struct error *error)
{
    *row = description->row;
    if (!description->recipes[0])
        return ERROR_NONE;
    const struct recipe_entry *entry = recipe_library_find(description->recipes[0]);
    if (!entry)
        return error_set(error, ERROR_SYSTEM, "the library has no recipe %s", description->recipes[0]);
    struct stand_in known = stand_in_of(&entry->recipe);
    row->kind = known.kind;
    row->base = known.base;
    row->held_in = known.held_in;
    if (row->value == 0)
        row->value = known.value;
    return ERROR_NONE;
}

/* A row for a recipe that is in no description. */
static struct stand_in plain_row(const struct recipe_entry *entry)
{
    static const char *const consequences[] = {
        [STAND_IN_REPLACES] = "masked keys outweigh visible ones, or visible ones lose their weight",
        [STAND_IN_ADDS] = "masked keys outweigh visible ones",
        [STAND_IN_INFINITE] = "-inf - -inf can be formed in a row, tile or chunk that is wholly masked",
        [STAND_IN_ADAPTIVE] = "computed below every logit for the length and the bounds above",
        [STAND_IN_SOUND] = "nothing that a logit can reach",
    };
    struct stand_in row = stand_in_of(&entry->recipe);
    bool divides = entry->recipe.empty_row == EMPTY_ROW_DIVIDE;
    row.name = row.used_by = entry->name;
    row.empty_row = !divides ? "0" : row.kind == STAND_IN_INFINITE ? "nan" : "leak";
    row.consequence = consequences[row.kind];
    return row;
}

/* Behind the last row that is as finite. There is room. */
static void insert(struct stand_in_list *list, const struct stand_in *row)
{
    int at = list->count;
    while (stand_in_finite(row) && at > 0 && !stand_in_finite(&list->rows[at - 1]))
        at--;
    memmove(list->rows + at + 1, list->rows + at, (size_t)(list->count - at) * sizeof *row);
    list->rows[at] = *row;
    list->count++;
}

enum error_kind stand_ins_make(struct stand_in_list *list, struct error *error)
{
    *list = (struct stand_in_list){0};
    enum error_kind kind = recipe_library_open(error);
    if (kind)
        return kind;
    size_t most = NUM_DESCRIPTIONS + recipe_library_count();
    if (!(list->rows = calloc(most, sizeof *list->rows)))
        return error_memory(error, "the sentinels in use", (double)(most * sizeof *list->rows));
    for (size_t i = 0; i < NUM_DESCRIPTIONS && !kind; i++) {
        struct stand_in row;
        if (!(kind = described_row(&row, &descriptions[i], error)))
            insert(list, &row);
    }
    for (size_t i = 0; i < recipe_library_count() && !kind; i++)
        if (!is_described(recipe_library_at(i)->name)) {
            struct stand_in row = plain_row(recipe_library_at(i));
            insert(list, &row);
        }
    if (kind)
        stand_ins_clear(list);
    return kind;
}

void stand_ins_clear(struct stand_in_list *list)
{
    free(list->rows);
    *list = (struct stand_in_list){0};
}
