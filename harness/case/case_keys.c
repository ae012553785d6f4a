#include "harness/case/case_keys.h"

#include <float.h>

#include "harness/case/sentinel_field.h"
#include "harness/case/value_types.h"

enum {
    NUM_HEADS_MAX = 1024,
    NUM_QUERIES_MAX = 64,
    TOTAL_HEADS_MAX = 4096,
    MAX_BIAS_MAX = 64,
    PAGE_SIZE_MAX = 1 << 16,
    POOL_PAGES_MAX = 1 << 30
};

static const char *const class_scope_names[CLASS_SCOPE_COUNT] = {"asked", "failing", "all"};
static const char *const expect_names[] = {"pass", "fail"}; /* as stored in expect_fail */

#define MEMBER(member) FIELD_MEMBER(struct point, member)
#define WHOLE(from, to) STEPS(from, to, 0)
#define STEPS(from, to, step) .type = FIELD_WHOLE, .whole = {(from), (to), (step)}
#define SEED .type = FIELD_UNSIGNED, .whole = {0, UINT64_MAX, 0}
#define FACTOR .type = FIELD_REAL, .real = {0, (double)FLT_MAX, true}, .allowed = "numbers above 0 that f32 can hold"
#define UP_TO(greatest) .type = FIELD_REAL, .real = {0, (greatest), true}, .range_prefix = "numbers "

const struct key keys[KEY_COUNT] = {
    [KEY_CASE] = {.field = {.name = "case",
                            .type = FIELD_TEXT,
                            .size = sizeof(char *),
                            .allowed = name_text_allowed,
                            .about = "The case's name, unique within a run."},
                  .type = &type_name_text,
                  .constant_of_run = true},
    [KEY_ABOUT] = {.field = {.name = "about",
                             .type = FIELD_TEXT,
                             .size = sizeof(char *),
                             .about = "What the case is for, in a sentence."},
                   .type = &type_text,
                   .constant_of_run = true,
                   .derived = "none"},
    [KEY_KERNEL] = {.field = {.name = "kernel",
                              .type = FIELD_CHOICE,
                              .names = FIELD_NAMES_FIRST(kernel_names, KERNEL_COUNT),
                              .every = "all",
                              .num_every = KERNEL_ANY_COUNT,
                              MEMBER(kernel),
                              .about =
                                  "The kernel under test. all: those that take every dtype and recipe; `alibicheck "
                                  "list kernels` says what others take."},
                    .axis = true,
                    .of_kernel = true,
                    .of_shipped = true,
                    .is_kernel = true,
                    .stage = STAGE_KERNEL,
                    .preset = "single_pass"},
    [KEY_SEQ_LEN] = {.field = {.name = "seq_len",
                               WHOLE(0, SEQ_LEN_MAX),
                               MEMBER(problem.seq_len),
                               .about = "Keys in the KV cache, N. 0: rows are empty."},
                     .axis = true},
    [KEY_NUM_HEADS] =
        {.field = {.name = "num_heads", WHOLE(1, NUM_HEADS_MAX), MEMBER(problem.num_heads), .about = "Query heads, H."},
         .axis = true},
    [KEY_NUM_KV_HEADS] =
        {.field = {.name = "num_kv_heads",
                   WHOLE(1, NUM_HEADS_MAX),
                   MEMBER(problem.num_kv_heads),
                   .about = "Heads of k and v, each shared by num_heads / num_kv_heads query heads; divides "
                            "num_heads."},
         .axis = true,
         .derived = "num_heads"},
    [KEY_HEAD_DIM] = {.field = {.name = "head_dim",
                                WHOLE(1, PROBLEM_MAX_DIM),
                                MEMBER(problem.head_dim),
                                .about =
                                    "Elements of a head, D. Kernels that come with the program take " HEAD_DIMS_WORDS
                                    ", and skip others."},
                      .axis = true},
    [KEY_NUM_QUERIES] =
        {.field = {.name = "num_queries",
                   WHOLE(1, NUM_QUERIES_MAX),
                   MEMBER(problem.num_queries),
                   .about =
                       "Query vectors of a head, Q, as in speculative decoding: the last stands at q_position, the "
                       "others before it, one a key. Query i sees all keys but the newest Q - 1 - i."},
         .axis = true,
         .preset = "1"},
    [KEY_DTYPE] = {.field = {.name = "dtype",
                             .type = FIELD_CHOICE,
                             .names = FIELD_NAMES_OF(dtypes, name, DTYPE_COUNT),
                             MEMBER(problem.dtype),
                             .about = "Element type of q, k, v and the output."},
                   .axis = true,
                   .preset = "f16"},
    [KEY_KV_DTYPE] = {.field = {.name = "kv_dtype",
                                .type = FIELD_CHOICE,
                                .names = FIELD_NAMES(kv_format_names),
                                MEMBER(problem.kv_format),
                                .about = "Element type of k and v: dtype, or fp8."},
                      .axis = true,
                      .preset = "same"},
    [KEY_K_SCALE] =
        {.field = {.name = "k_scale",
                   FACTOR,
                   MEMBER(problem.k_scale),
                   .about = "What every element of an fp8 k is multiplied by, rounded to f32. Inputs are made without "
                            "it."},
         .axis = true,
         .preset = "1"},
    [KEY_V_SCALE] = {.field = {.name = "v_scale", FACTOR, MEMBER(problem.v_scale), .about = "The same of v."},
                     .axis = true,
                     .preset = "1"},
    [KEY_RECIPE] =
        {.field = {.name = "recipe",
                   .type = FIELD_OWN,
                   .allowed = "names of `alibicheck list recipes`, all, {base: NAME, KEY: VALUE, ...}",
                   MEMBER(base_recipe),
                   .about =
                       "The numerical choices of the kernel: a recipe in use, or one of its own ({name: NAME, base: "
                       "NAME, KEY: VALUE, ...}; `alibicheck list recipe-keys`)."},
         .type = &type_recipe,
         .axis = true,
         .of_kernel = true,
         .of_shipped = true,
         .stage = STAGE_RECIPE,
         .derived = "default"},
    [KEY_SENTINEL] =
        {.field = {.name = "sentinel",
                   .type = FIELD_OWN,
                   .own = &sentinel_own,
                   MEMBER(recipe.sentinel),
                   .about = "What stands in for -inf as a masked logit and as the initial maximum, in the units of "
                            "the kernel's logits (base 2 by default)."},
         .axis = true,
         .of_kernel = true,
         .of_shipped = true,
         .stage = STAGE_SENTINEL,
         .derived = "the recipe's"},
    [KEY_BIAS] = {.field = {.name = "bias",
                            .type = FIELD_CHOICE,
                            .names = FIELD_NAMES(bias_form_names),
                            MEMBER(recipe.bias),
                            .about =
                                "How the kernel forms the bias: slope * (j - q_position), slope * j, or none at all."},
                  .axis = true,
                  .of_kernel = true,
                  .of_shipped = true,
                  .stage = STAGE_RECIPE,
                  .derived = "the recipe's"},
    [KEY_EXPONENTIAL] = {.field = {.name = "exponential",
                                   .type = FIELD_CHOICE,
                                   .names = FIELD_NAMES(exponential_names),
                                   MEMBER(recipe.exponential),
                                   .about = "The kernel's 2^x, or e^x."},
                         .axis = true,
                         .of_kernel = true,
                         .of_shipped = true,
                         .stage = STAGE_RECIPE,
                         .derived = "the recipe's"},
    [KEY_CHUNK_LEN] = {.field = {.name = "chunk_len",
                                 STEPS(CHUNK_LEN_MIN, SEQ_LEN_MAX, 32),
                                 MEMBER(kernel_options.chunk_len),
                                 .about = "Keys a partition, for kernels that split the sequence."},
                       .axis = true,
                       .of_kernel = true,
                       .of_shipped = true,
                       .stage = STAGE_RECIPE,
                       .preset = "1024"},
    [KEY_PAGE_SIZE] =
        {.field = {.name = "page_size",
                   WHOLE(0, PAGE_SIZE_MAX),
                   MEMBER(kernel_options.page_size),
                   .about = "Keys a page of the KV cache, found through a page table; 0: k and v are contiguous."},
         .axis = true,
         .of_kernel = true,
         .of_shipped = true,
         .of_pages = true,
         .stage = STAGE_RECIPE,
         .preset = "0"},
    [KEY_PAGE_SEED] = {.field = {.name = "page_seed",
                                 SEED,
                                 MEMBER(kernel_options.page_seed),
                                 .about = "Seed of the order in which the pages lie in memory."},
                       .axis = true,
                       .of_kernel = true,
                       .of_shipped = true,
                       .of_pages = true,
                       .stage = STAGE_RECIPE,
                       .preset = "0"},
    [KEY_POOL_PAGES] =
        {.field = {.name = "pool_pages",
                   WHOLE(0, POOL_PAGES_MAX),
                   MEMBER(kernel_options.pool_pages),
                   .about = "Pages of the pool that those of the sequences are taken from; the others hold NaN. 0: no "
                            "more than they need."},
         .axis = true,
         .of_kernel = true,
         .of_shipped = true,
         .of_pages = true,
         .added = true,
         .stage = STAGE_RECIPE,
         .preset = "0"},
    [KEY_BATCH] =
        {
            .field = {.name = "batch",
                      .type = FIELD_CHOICE,
                      .names = FIELD_NAMES(batch_mode_names),
                      MEMBER(batch),
                      .about =
                          "Whether the lengths of seq_len are launched one by one, or together as the sequences of one "
                          "batch, each with inputs of its own and judged as a point of its own."},
            .axis = true,
            .of_kernel = true,
            .stage = STAGE_RECIPE,
            .preset = "alone"},
    [KEY_SHARED_PREFIX] =
        {.field = {.name = "shared_prefix",
                   WHOLE(0, SEQ_LEN_MAX),
                   MEMBER(problem.shared_prefix),
                   .about = "Keys that all sequences of a batch begin with, as with a prompt: those of the first one, "
                            "whose whole pages the others' page tables name, too."},
         .axis = true,
         .of_kernel = true,
         .added = true,
         .preset = "0"},
    [KEY_SCALE] = {.field = {.name = "scale", FACTOR, MEMBER(problem.scale), .about = "Factor of q.k, rounded to f32."},
                   .axis = true,
                   .derived = "1/sqrt(head_dim)"},
    [KEY_MAX_BIAS] = {.field = {.name = "max_bias",
                                UP_TO(MAX_BIAS_MAX),
                                MEMBER(problem.max_bias),
                                .about = "b: the flattest slope is 2^-b."},
                      .axis = true,
                      .of_kernel = true,
                      .preset = "8"},
    [KEY_SLOPES] =
        {.field =
             {.name = "slopes",
              .type =
                  FIELD_OWN,
              .own = &slopes_own,
              MEMBER(problem.slopes),
              .about =
                  "Convention of the ALiBi slopes: which powers of two, and how they are rounded; or the slopes of "
                  "the heads themselves, without max_bias, head_offset and total_heads."},
         .type = &type_slopes,
         .axis = true,
         .of_kernel = true,
         .preset = "bloom"},
    [KEY_HEAD_OFFSET] = {.field = {.name = "head_offset",
                                   WHOLE(0, TOTAL_HEADS_MAX - 1),
                                   MEMBER(problem.head_offset),
                                   .about = "Index of the first head in a model of which this is a part."},
                         .axis = true,
                         .of_kernel = true,
                         .preset = "0"},
    [KEY_TOTAL_HEADS] = {.field = {.name = "total_heads",
                                   WHOLE(1, TOTAL_HEADS_MAX),
                                   MEMBER(problem.total_heads),
                                   .about = "Heads of that model; its slopes are used."},
                         .axis = true,
                         .of_kernel = true,
                         .derived = "num_heads + head_offset"},
    [KEY_SOFT_CAP] = {.field = {.name = "soft_cap",
                                .type = FIELD_OWN,
                                .own = &soft_cap_own,
                                MEMBER(problem.soft_cap),
                                .about =
                                    "A cap C of logits: C tanh(x / C) of scale * q.k, to which the bias is then added "
                                    "(before_bias), or of both together (after_bias)."},
                      .axis = true,
                      .added = true,
                      .preset = "none"},
    [KEY_SINK_LOGITS] =
        {.field = {.name = "sink_logits",
                   .type = FIELD_OWN,
                   .own = &sinks_own,
                   MEMBER(problem.sinks),
                   .about = "Learned sinks: a logit a head, natural, without a value. Sums of weights count it, and "
                            "so does lse."},
         .type = &type_sinks,
         .axis = true,
         .of_kernel = true,
         .added = true,
         .preset = "none"},
    [KEY_KV_OFFSET] =
        {.field = {.name = "kv_offset",
                   WHOLE(0, (INT64_C(1) << 31) - SEQ_LEN_MAX),
                   MEMBER(problem.kv_offset),
                   .about = "Position of key 0, where k and v are a chunk of a longer cache: key j is at kv_offset + "
                            "j."},
         .axis = true,
         .preset = "0"},
    [KEY_Q_POSITION] = {.field = {.name = "q_position",
                                  WHOLE(-(INT64_C(1) << 31), INT64_C(1) << 31),
                                  MEMBER(problem.q_position),
                                  .about = "The position at which the bias is 0."},
                        .axis = true,
                        .derived = "kv_offset + seq_len - 1"},
    [KEY_INPUT] = {.field = {.name = "input",
                             .type = FIELD_OWN,
                             .own = &input_own,
                             MEMBER(problem.input),
                             .about = "Distribution of q, k and v."},
                   .type = &type_input,
                   .axis = true,
                   .of_kernel = true,
                   .preset = "normal"},
    [KEY_MASK] =
        {.field = {.name = "mask",
                   .type = FIELD_OWN,
                   .own =
                       &mask_own,
                   MEMBER(problem.mask),
                   .about =
                       "Which keys are removed. holes: each with probability P. window: all but the newest W and the "
                       "oldest S (0 if not given). drop_newest: the newest K. block: all but every K-th (2nd) block "
                       "of B keys, the oldest block kept. padding: the oldest K. gap_from: K keys (1) from key J "
                       "on. file: those whose bit is 0, bit j % 8 of byte j / 8 for key j. Several: what any of them "
                       "removes. The newest are the last of the cache, whatever q_position is."},
         .type = &type_mask,
         .axis = true,
         .of_kernel = true,
         .preset = "none"},
    [KEY_SEED] = {.field = {.name = "seed", SEED, MEMBER(problem.seed), .about = "Seed of the inputs."},
                  .axis = true,
                  .of_kernel = true,
                  .preset = "0"},
    [KEY_TRUTH] =
        {
            .field = {.name = "truth",
                      .type = FIELD_CHOICE,
                      .names = FIELD_NAMES(truth_method_names),
                      MEMBER(truth_method),
                      .about = "How the truth is computed: fast with a proven radius, or MPFR for every key. The same "
                               "number within their radii."},
            .preset = "certified"},
    [KEY_TRUTH_PRECISION] = {.field = {.name = "truth_precision",
                                       WHOLE(TRUTH_MIN_PRECISION, TRUTH_MAX_PRECISION),
                                       MEMBER(truth_precision),
                                       .about = "Bits of MPFR's arithmetic, where the truth needs MPFR."},
                             .preset = "160"},
    [KEY_TRUTH_OF] =
        {.field = {.name = "truth_of",
                   .type = FIELD_CHOICE,
                   .names = FIELD_NAMES_OF(truth_ofs, name, TRUTH_OF_COUNT),
                   MEMBER(problem.truth_of),
                   .about = "What the truth is the truth of: the inputs as given; the formula, with exact scale and "
                            "slopes; or the biases that a model was trained with, bf16(slope * j) or slope * "
                            "f16(distance). All but the first take MPFR for every key."},
         .axis = true,
         .preset = "inputs"},
    [KEY_REFERENCE] =
        {.field = {.name = "reference",
                   .type = FIELD_SET,
                   .names = FIELD_NAMES_OF(baselines, name, BASELINE_COUNT),
                   MEMBER(baselines),
                   .about = "Conventional references that the output is compared with too, in f32 or f64, bias "
                            "slope * j or slope * (j - q_position). The truth says who is at fault."},
         .preset = "none"},
    [KEY_JUDGE] =
        {
            .field = {.name = "judge",
                      .type = FIELD_CHOICE,
                      .names = FIELD_NAMES(judge_mode_names),
                      MEMBER(criterion.mode),
                      .about =
                          "What a pass asks of out and lse: to be within the tolerance, within budget times the error "
                          "bound, or both. Where there is no bound, `both` goes by the tolerance alone, and `budget` "
                          "alone is an error."},
            .derived = "both; with a budget: budget"},
    [KEY_TOLERANCE] =
        {.field = {.name = "tolerance",
                   .type = FIELD_OWN,
                   .own = &tolerance_own,
                   MEMBER(criterion.tolerance),
                   .about = "An element passes if |out - truth| <= atol + rtol * |truth|; an lse if |lse - truth| <= "
                            "lse, in nats, but for the 2^-21 |truth| that f32 costs it."},
         .derived = "f16 1e-3, bf16 1e-2, f32 1e-5, all three"},
    [KEY_BUDGET] =
        {.field = {.name = "budget",
                   UP_TO(DBL_MAX),
                   MEMBER(criterion.budget),
                   .about =
                       "An element is within its bound if |out - truth| <= budget * bound, and lse alike. 1 is what "
                       "rounding allows: beyond, the kernel does something else than its recipe says."},
         .derived = "1"},
    [KEY_CLASS] = {.field = {.name = "class",
                             .type = FIELD_OWN,
                             .own = &class_own,
                             MEMBER(demand),
                             .about =
                                 "The arithmetic that the output's error has to be explained by, whatever the order "
                                 "of the kernel's sums; beside the tolerance and the bound."},
                   .added = true,
                   .preset = "any"},
    [KEY_FIND_CLASS] =
        {.field = {.name = "find_class",
                   .type = FIELD_CHOICE,
                   .names = FIELD_NAMES(class_scope_names),
                   MEMBER(find_class),
                   .about = "When the class of the output is found where nothing asks for it, beside the share of "
                            "the bound. `failing`: if the point fails, unless it is worked on in parts; `all`: "
                            "always, for about a fifth of a point's time, and more where it fails."},
         .added = true,
         .preset = "asked"},
    [KEY_ORACLES] =
        {.field = {.name = "oracles",
                   .type = FIELD_SET,
                   .names = FIELD_NAMES(oracle_names),
                   .every = "all",
                   MEMBER(oracles),
                   .about = "What the kernel must hold beside the numbers, tried on changed copies of the problem; "
                            "`alibicheck list oracles` explains them."},
         .preset = "all"},
    [KEY_EXPECT] = {.field = {.name = "expect",
                              .type = FIELD_CHOICE,
                              .names = FIELD_NAMES(expect_names),
                              MEMBER(expect_fail),
                              .about = "`fail` marks a known failure: a pass is then unexpected."},
                    .preset = "pass"},
    [KEY_SIGNATURE] =
        {.field = {.name = "signature",
                   .type = FIELD_CHOICE,
                   .names = FIELD_NAMES(signature_names),
                   MEMBER(signature),
                   .about = "How the known failure looks; a failure that looks otherwise is unexpected. Only with "
                            "expect: fail."},
         .preset = "none"},
    [KEY_BECAUSE] = {.field = {.name = "because",
                               .type = FIELD_TEXT,
                               .size = sizeof(char *),
                               .about = "Why the failure is known and accepted. Only with expect: fail."},
                     .type = &type_text,
                     .derived = "none"},
    [KEY_KNOWN_BUGS] =
        {.field = {.name = "known_bugs",
                   .type = FIELD_TEXT,
                   .size = sizeof(char *),
                   .allowed = known_bugs_allowed,
                   .about = "Known bugs that fail in this case, by the signature of the failure and by what else they "
                            "show: what a kernel that fails so here may have. Said of such a failure, and never judged "
                            "by."},
         .type = &type_bugs,
         .constant_of_run = true,
         .derived = "none"},
};

_Static_assert((int)TRUTH_DEFAULT_PRECISION == 160 && (int)CHUNK_LEN_DEFAULT == 1024, "presets of the table");
