#include "harness/case/case_keys.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "harness/case/case_recipe.h"
#include "harness/support/suggest.h"
#include "reference/truth.h"

enum { NUM_HEADS_MAX = 1024, TOTAL_HEADS_MAX = 4096, MAX_BIAS_MAX = 64, PAGE_SIZE_MAX = 1 << 16 };

static const char *kernel_choice(uint64_t index)
{
    return kernels[index].name;
}

static const char *dtype_choice(uint64_t index)
{
    return dtypes[index].name;
}

static const char *kv_format_choice(uint64_t index)
{
    return kv_format_names[index];
}

static const char *bias_choice(uint64_t index)
{
    return bias_form_names[index];
}

static const char *exponential_choice(uint64_t index)
{
    return exponential_names[index];
}

static const char *slopes_choice(uint64_t index)
{
    return slope_convention_names[index];
}

static const char *truth_choice(uint64_t index)
{
    return truth_method_names[index];
}

static const char *truth_of_choice(uint64_t index)
{
    return truth_ofs[index].name;
}

static const char *batch_choice(uint64_t index)
{
    return batch_mode_names[index];
}

static const char *reference_choice(uint64_t index)
{
    return conventionals[index].name;
}

static const char *signature_choice(uint64_t index)
{
    return signature_names[index];
}

static const char *judge_choice(uint64_t index)
{
    return judge_mode_names[index];
}

static const char *oracle_choice(uint64_t index)
{
    return oracle_names[index];
}

static const char *expect_choice(uint64_t index)
{
    return index ? "fail" : "pass"; /* as stored in expect_fail */
}

#define FIELD(member) .field = offsetof(struct point, member), .field_size = sizeof(((struct point *)0)->member)
#define WHOLE(from, to) .type = &type_whole, .least = (from), .span = (uint64_t)(to) - (uint64_t)(from)
#define CHOICE(names, count) .type = &type_choice, .choice = (names), .num_choices = (count)
#define SET(names, count) .type = &type_set, .choice = (names), .num_choices = (count)
#define REAL(greatest) .type = &type_real, .limit = (greatest)

const struct key keys[KEY_COUNT] = {
    [KEY_CASE] = {.name = "case",
                  .type = &type_name_text,
                  .constant_of_run = true,
                  .about = "The case's name, unique within a run."},
    [KEY_ABOUT] = {.name = "about",
                   .type = &type_text,
                   .constant_of_run = true,
                   .derived = "none",
                   .about = "What the case is for, in a sentence."},
    [KEY_KERNEL] = {.name = "kernel",
                    CHOICE(kernel_choice, KERNEL_COUNT),
                    .every = "all",
                    .axis = true,
                    .stage = STAGE_KERNEL,
                    .preset = "single_pass",
                    FIELD(kernel),
                    .about = "The kernel under test."},
    [KEY_SEQ_LEN] = {.name = "seq_len",
                     WHOLE(1, SEQ_LEN_MAX),
                     .axis = true,
                     FIELD(problem.seq_len),
                     .about = "Keys in the KV cache, N."},
    [KEY_NUM_HEADS] = {.name = "num_heads",
                       WHOLE(1, NUM_HEADS_MAX),
                       .axis = true,
                       FIELD(problem.num_heads),
                       .about = "Query heads, H."},
    [KEY_NUM_KV_HEADS] = {.name = "num_kv_heads",
                          WHOLE(1, NUM_HEADS_MAX),
                          .axis = true,
                          .derived = "num_heads",
                          FIELD(problem.num_kv_heads),
                          .about = "Heads of k and v, each shared by num_heads / num_kv_heads query heads; divides "
                                   "num_heads."},
    [KEY_HEAD_DIM] = {.name = "head_dim",
                      WHOLE(HEAD_DIM_MIN, HEAD_DIM_MAX),
                      .multiple_of = HEAD_DIM_STEP,
                      .axis = true,
                      FIELD(problem.head_dim),
                      .about = "Elements of a head, D."},
    [KEY_DTYPE] = {.name = "dtype",
                   CHOICE(dtype_choice, DTYPE_COUNT),
                   .axis = true,
                   .preset = "f16",
                   FIELD(problem.dtype),
                   .about = "Element type of q, k, v and the output."},
    [KEY_KV_DTYPE] = {.name = "kv_dtype",
                      CHOICE(kv_format_choice, KV_FORMAT_COUNT),
                      .axis = true,
                      .preset = "same",
                      FIELD(problem.kv_format),
                      .about = "Element type of k and v: dtype, or fp8."},
    [KEY_K_SCALE] = {.name = "k_scale",
                     REAL(FLT_MAX),
                     .axis = true,
                     .preset = "1",
                     FIELD(problem.k_scale),
                     .about =
                         "What every element of an fp8 k is multiplied by, rounded to f32. Inputs are made without "
                         "it."},
    [KEY_V_SCALE] = {.name = "v_scale",
                     REAL(FLT_MAX),
                     .axis = true,
                     .preset = "1",
                     FIELD(problem.v_scale),
                     .about = "The same of v."},
    [KEY_RECIPE] = {.name = "recipe",
                    .type = &type_recipe,
                    .axis = true,
                    .stage = STAGE_RECIPE,
                    .derived = "default",
                    FIELD(base_recipe),
                    .about =
                        "The numerical choices of the kernel: a recipe in use, or one of its own ({name: NAME, base: "
                        "NAME, KEY: VALUE, ...}; `alibicheck list recipe-keys`)."},
    [KEY_SENTINEL] = {.name = "sentinel",
                      .type = &type_sentinel,
                      .axis = true,
                      .stage = STAGE_SENTINEL,
                      .derived = "the recipe's",
                      FIELD(recipe.sentinel),
                      .about = "What stands in for -inf as a masked logit and as the initial maximum, in the units of "
                               "the kernel's logits (base 2 by default)."},
    [KEY_BIAS] = {.name = "bias",
                  CHOICE(bias_choice, BIAS_COUNT),
                  .axis = true,
                  .stage = STAGE_RECIPE,
                  .derived = "the recipe's",
                  FIELD(recipe.bias),
                  .about = "How the kernel forms the bias: slope * (j - q_position), slope * j, or none at all."},
    [KEY_EXPONENTIAL] = {.name = "exponential",
                         CHOICE(exponential_choice, EXPONENTIAL_COUNT),
                         .axis = true,
                         .stage = STAGE_RECIPE,
                         .derived = "the recipe's",
                         FIELD(recipe.exponential),
                         .about = "The kernel's 2^x, or e^x."},
    [KEY_CHUNK_LEN] = {.name = "chunk_len",
                       WHOLE(CHUNK_LEN_MIN, SEQ_LEN_MAX),
                       .multiple_of = 32,
                       .axis = true,
                       .stage = STAGE_RECIPE,
                       .preset = "1024",
                       FIELD(kernel_options.chunk_len),
                       .about = "Keys a partition, for kernels that split the sequence."},
    [KEY_PAGE_SIZE] = {.name = "page_size",
                       WHOLE(0, PAGE_SIZE_MAX),
                       .axis = true,
                       .stage = STAGE_RECIPE,
                       .preset = "0",
                       FIELD(kernel_options.page_size),
                       .about = "Keys a page of the KV cache, found through a page table; 0: k and v are contiguous."},
    [KEY_PAGE_SEED] = {.name = "page_seed",
                       WHOLE(0, UINT64_MAX),
                       .axis = true,
                       .stage = STAGE_RECIPE,
                       .preset = "0",
                       FIELD(kernel_options.page_seed),
                       .about = "Seed of the order in which the pages lie in memory."},
    [KEY_BATCH] = {.name = "batch",
                   CHOICE(batch_choice, BATCH_MODE_COUNT),
                   .axis = true,
                   .stage = STAGE_RECIPE,
                   .preset = "alone",
                   FIELD(batch),
                   .about =
                       "Whether the lengths of seq_len are launched one by one, or together as the sequences of one "
                       "batch, each with inputs of its own and judged as a point of its own."},
    [KEY_SCALE] = {.name = "scale",
                   REAL(FLT_MAX),
                   .axis = true,
                   .derived = "1/sqrt(head_dim)",
                   FIELD(problem.scale),
                   .about = "Factor of q.k, rounded to f32."},
    [KEY_MAX_BIAS] = {.name = "max_bias",
                      REAL(MAX_BIAS_MAX),
                      .axis = true,
                      .preset = "8",
                      FIELD(problem.max_bias),
                      .about = "b: the flattest slope is 2^-b."},
    [KEY_SLOPES] = {.name = "slopes",
                    .type = &type_slopes,
                    .choice = slopes_choice,
                    .num_choices = SLOPES_COUNT,
                    .axis = true,
                    .preset = "bloom",
                    FIELD(problem.slopes),
                    .about = "Convention of the ALiBi slopes where num_heads is not a power of two; or the slopes of "
                             "the heads themselves, without max_bias, head_offset and total_heads."},
    [KEY_HEAD_OFFSET] = {.name = "head_offset",
                         WHOLE(0, TOTAL_HEADS_MAX - 1),
                         .axis = true,
                         .preset = "0",
                         FIELD(problem.head_offset),
                         .about = "Index of the first head in a model of which this is a part."},
    [KEY_TOTAL_HEADS] = {.name = "total_heads",
                         WHOLE(1, TOTAL_HEADS_MAX),
                         .axis = true,
                         .derived = "num_heads + head_offset",
                         FIELD(problem.total_heads),
                         .about = "Heads of that model; its slopes are used."},
    [KEY_KV_OFFSET] = {.name = "kv_offset",
                       WHOLE(0, (INT64_C(1) << 31) - SEQ_LEN_MAX),
                       .axis = true,
                       .preset = "0",
                       FIELD(problem.kv_offset),
                       .about =
                           "Position of key 0, where k and v are a chunk of a longer cache: key j is at kv_offset + "
                           "j."},
    [KEY_Q_POSITION] = {.name = "q_position",
                        WHOLE(-(INT64_C(1) << 31), INT64_C(1) << 31),
                        .axis = true,
                        .derived = "kv_offset + seq_len - 1",
                        FIELD(problem.q_position),
                        .about = "The position at which the bias is 0."},
    [KEY_INPUT] = {.name = "input",
                   .type = &type_input,
                   .axis = true,
                   .preset = "normal",
                   FIELD(problem.input),
                   .about = "Distribution of q, k and v."},
    [KEY_MASK] = {.name = "mask",
                  .type = &type_mask,
                  .axis = true,
                  .preset = "none",
                  FIELD(problem.mask),
                  .about =
                      "Which keys are removed. holes: each with probability P. window: all but the newest W and the "
                      "oldest S (0 if not given). drop_newest: the newest K. block: all but every K-th (2nd) block "
                      "of B keys, the oldest block kept. padding: the oldest K. gap_from: K keys (1) from key J "
                      "on. file: those whose bit is 0, bit j % 8 of byte j / 8 for key j. Several: what any of them "
                      "removes. The newest are the last of the cache, whatever q_position is."},
    [KEY_SEED] = {.name = "seed",
                  WHOLE(0, UINT64_MAX),
                  .axis = true,
                  .preset = "0",
                  FIELD(problem.seed),
                  .about = "Seed of the inputs."},
    [KEY_TRUTH] = {.name = "truth",
                   CHOICE(truth_choice, TRUTH_METHOD_COUNT),
                   .preset = "certified",
                   FIELD(truth_method),
                   .about = "How the truth is computed: fast with a proven radius, or MPFR for every key. The same "
                            "number within their radii."},
    [KEY_TRUTH_PRECISION] = {.name = "truth_precision",
                             WHOLE(TRUTH_MIN_PRECISION, TRUTH_MAX_PRECISION),
                             .preset = "160",
                             FIELD(truth_precision),
                             .about = "Bits of MPFR's arithmetic, where the truth needs MPFR."},
    [KEY_TRUTH_OF] = {.name = "truth_of",
                      CHOICE(truth_of_choice, TRUTH_OF_COUNT),
                      .axis = true,
                      .preset = "inputs",
                      FIELD(problem.truth_of),
                      .about = "What the truth is the truth of: the inputs as given; the formula, with exact scale and "
                               "slopes; or the biases that a model was trained with, bf16(slope * j) or slope * "
                               "f16(distance). All but the first take MPFR for every key."},
    [KEY_REFERENCE] = {.name = "reference",
                       SET(reference_choice, CONVENTIONAL_COUNT),
                       .preset = "none",
                       FIELD(references),
                       .about = "Conventional references that the output is compared with too, in f32 or f64, bias "
                                "slope * j or slope * (j - q_position). The truth says who is at fault."},
    [KEY_JUDGE] = {.name = "judge",
                   CHOICE(judge_choice, JUDGE_MODE_COUNT),
                   .derived = "both; with a budget: budget",
                   FIELD(criterion.mode),
                   .about =
                       "What a pass asks of out and lse: to be within the tolerance, within budget times the error "
                       "bound, or both. Where there is no bound, `both` goes by the tolerance alone, and `budget` "
                       "alone is an error."},
    [KEY_TOLERANCE] = {.name = "tolerance",
                       .type = &type_tolerance,
                       .derived = "f16 1e-3, bf16 1e-2, f32 1e-5, all three",
                       FIELD(criterion.tolerance),
                       .about =
                           "An element passes if |out - truth| <= atol + rtol * |truth|; an lse if |lse - truth| <= "
                           "lse, in nats, but for the 2^-21 |truth| that f32 costs it."},
    [KEY_BUDGET] = {.name = "budget",
                    REAL(DBL_MAX),
                    .derived = "1",
                    FIELD(criterion.budget),
                    .about =
                        "An element is within its bound if |out - truth| <= budget * bound, and lse alike. 1 is what "
                        "rounding allows: beyond, the kernel does something else than its recipe says."},
    [KEY_ORACLES] = {.name = "oracles",
                     SET(oracle_choice, ORACLE_COUNT),
                     .every = "all",
                     .preset = "all",
                     FIELD(oracles),
                     .about = "What the kernel must hold beside the numbers, tried on changed copies of the problem; "
                              "`alibicheck list oracles` explains them."},
    [KEY_EXPECT] = {.name = "expect",
                    CHOICE(expect_choice, 2),
                    .preset = "pass",
                    FIELD(expect_fail),
                    .about = "`fail` marks a known failure: a pass is then unexpected."},
    [KEY_SIGNATURE] = {.name = "signature",
                       CHOICE(signature_choice, SIGNATURE_COUNT),
                       .preset = "none",
                       FIELD(signature),
                       .about = "How the known failure looks; a failure that looks otherwise is unexpected. Only with "
                                "expect: fail."},
    [KEY_BECAUSE] = {.name = "because",
                     .type = &type_text,
                     .derived = "none",
                     .about = "Why the failure is known and accepted. Only with expect: fail."},
};

_Static_assert((int)TRUTH_DEFAULT_PRECISION == 160 && (int)CHUNK_LEN_DEFAULT == 1024, "presets of the table");

const struct point point_unset = {
    .problem.q_position = INT64_MIN,
    .recipe = {.sentinel.policy = SENTINEL_COUNT, .bias = BIAS_COUNT, .exponential = EXPONENTIAL_COUNT},
    .criterion = {.mode = JUDGE_MODE_COUNT, .tolerance = {.atol = -1, .rtol = -1, .lse = -1}},
};

void recipe_override(struct recipe *recipe, enum key_id id, const struct recipe *from)
{
    if (id == KEY_SENTINEL && from->sentinel.policy != SENTINEL_COUNT) {
        recipe->sentinel = from->sentinel;
        recipe->initial_max = INITIAL_MAX_AS_SENTINEL;
        recipe->initial_max_value = 0;
    }
    if (id == KEY_BIAS && from->bias != BIAS_COUNT)
        recipe->bias = from->bias;
    if (id == KEY_EXPONENTIAL && from->exponential != EXPONENTIAL_COUNT)
        recipe->exponential = from->exponential;
}

static void derive_recipe(struct point *point)
{
    struct recipe recipe = point->base_recipe ? *point->base_recipe : recipe_sound;
    recipe_override(&recipe, KEY_SENTINEL, &point->recipe);
    recipe_override(&recipe, KEY_BIAS, &point->recipe);
    recipe_override(&recipe, KEY_EXPONENTIAL, &point->recipe);
    point->recipe = recipe;
}

static void derive_criterion(struct criterion *criterion, enum dtype dtype)
{
    static const double tolerances[DTYPE_COUNT] = {[DTYPE_F16] = 1e-3, [DTYPE_BF16] = 1e-2, [DTYPE_F32] = 1e-5};
    double *parts[] = {&criterion->tolerance.atol, &criterion->tolerance.rtol, &criterion->tolerance.lse};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (*parts[i] < 0)
            *parts[i] = tolerances[dtype];
    if (criterion->mode == JUDGE_MODE_COUNT)
        criterion->mode = criterion->budget > 0 ? JUDGE_BUDGET : JUDGE_BOTH;
    if (criterion->budget == 0)
        criterion->budget = 1;
}

void point_derive(struct point *point)
{
    struct problem_spec *problem = &point->problem;
    if (problem->num_kv_heads == 0)
        problem->num_kv_heads = problem->num_heads;
    if (problem->total_heads == 0)
        problem->total_heads = problem->num_heads + problem->head_offset;
    if (problem->q_position == INT64_MIN)
        problem->q_position = problem->kv_offset + problem->seq_len - 1;
    /* sqrt and the division are correctly rounded in double; for the head dims that kernels take, none of the
     * quotients lies near the middle of two floats, so the conversion gives 1/sqrt(D) rounded to f32. */
    if (problem->scale == 0)
        problem->scale = (float)(1 / sqrt(problem->head_dim));
    derive_recipe(point);
    derive_criterion(&point->criterion, problem->dtype);
}

enum key_id key_find(const char *name, size_t size)
{
    int id = 0;
    while (id < KEY_COUNT && (strlen(keys[id].name) != size || memcmp(keys[id].name, name, size) != 0))
        id++;
    return (enum key_id)id;
}

char *key_advice(char *text, const char *name, size_t size)
{
    char typed[SUGGESTION_SIZE], advice[SUGGESTION_SIZE];
    snprintf(typed, sizeof typed, "%.*s", (int)(size < sizeof typed ? size : sizeof typed), name);
    struct suggestion suggestion = {.text = typed};
    for (int id = 0; id < KEY_COUNT; id++)
        suggestion_offer(&suggestion, keys[id].name);
    int length = snprintf(text, ALLOWED_TEXT_SIZE, "%sallowed:", suggestion_format(advice, &suggestion));
    for (int id = 0; id < KEY_COUNT && length < ALLOWED_TEXT_SIZE; id++)
        length += snprintf(text + length, (size_t)(ALLOWED_TEXT_SIZE - length), "%s %s", id ? "," : "", keys[id].name);
    return text;
}

char *key_default(char *text, const struct key *key, const struct point *point)
{
    if (key->preset) {
        snprintf(text, VALUE_TEXT_SIZE, "%s", key->preset);
        return text;
    }
    struct point without = *point;
    memcpy((char *)&without + key->field, (const char *)&point_unset + key->field, key->field_size);
    point_derive(&without);
    return key->type->format(text, key, &without);
}
