#include "harness/command/sentinel_options.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/key_range.h"
#include "harness/command/options.h"
#include "harness/support/field.h"

static const struct sentinel_arguments defaults = {
    .head_dim = 128,
    .max_bias = SLOPES_MAX_BIAS,
    .scale = NAN,
    .q_bound = NAN,
    .k_bound = NAN,
    .q_norm = NAN,
    .k_norm = NAN,
    .logit_bound = NAN,
    .slopes = SLOPES_BLOOM,
    .bias = BIAS_RELATIVE,
    .raw_fp8 = DTYPE_COUNT_WITH_FP8,
    .seq_lens = {1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15, 33001, 1 << 16, 1 << 17, 1 << 18, 1 << 19,
                 1 << 20},
    .num_lengths = 12,
};

enum option_key {
    OPTION_FIRST = 256,
    OPTION_NUM_HEADS = OPTION_FIRST,
    OPTION_HEAD_DIM,
    OPTION_MAX_BIAS,
    OPTION_SLOPES,
    OPTION_HEAD_OFFSET,
    OPTION_TOTAL_HEADS,
    OPTION_SCALE,
    OPTION_Q_BOUND,
    OPTION_K_BOUND,
    OPTION_Q_NORM,
    OPTION_K_NORM,
    OPTION_LOGIT_BOUND,
    OPTION_SEQ_LEN,
    OPTION_NEAREST_DISTANCE,
    OPTION_BIAS,
    OPTION_Q,
    OPTION_K,
    OPTION_DTYPE,
    OPTION_DUMP,
    OPTION_JSON,
};

#define BIT(option) (UINT32_C(1) << ((option)-OPTION_FIRST))

static const struct argp_option option_table[] = {
    {0, 0, 0, 0, "The model:", 1},
    {"num-heads", OPTION_NUM_HEADS, "H", 0, "query heads; required without tensors", 1},
    {"max-bias", OPTION_MAX_BIAS, "B", 0, "the flattest slope is 2^-B (8)", 1},
    {"slopes", OPTION_SLOPES, "NAME", 0, "bloom (default), geometric, hf, vllm or falcon", 1},
    {"head-offset", OPTION_HEAD_OFFSET, "N", 0, "index of the first head in a model of which these are a part (0)", 1},
    {"total-heads", OPTION_TOTAL_HEADS, "H", 0, "heads of that model (num-heads + head-offset)", 1},
    {"bias", OPTION_BIAS, "FORM", 0, "relative (default): slope * (j - P); absolute: slope * j", 1},
    {0, 0, 0, 0, "Bounds on the scores scale q.k:", 2},
    {"head-dim", OPTION_HEAD_DIM, "D", 0, "elements of a row (128)", 2},
    {"scale", OPTION_SCALE, "X", 0, "factor of q.k, rounded to f32 (1/sqrt(D))", 2},
    {"q-bound", OPTION_Q_BOUND, "X", 0, "largest |element| of q (6.5, which normal inputs stay below)", 2},
    {"k-bound", OPTION_K_BOUND, "X", 0, "largest |element| of k (6.5)", 2},
    {"q-norm", OPTION_Q_NORM, "X", 0, "largest Euclidean norm of a row of q: Cauchy-Schwarz instead of q-bound", 2},
    {"k-norm", OPTION_K_NORM, "X", 0, "largest Euclidean norm of a row of k, instead of k-bound", 2},
    {"logit-bound", OPTION_LOGIT_BOUND, "X", 0, "largest |scale q.k| itself, instead of bounds and norms of q and k",
     2},
    {0, 0, 0, 0, "Tensors instead of bounds:", 3},
    {"q", OPTION_Q, "FILE", 0, "q[H,D], a NumPy file, with --k: each head's scores themselves", 3},
    {"k", OPTION_K, "FILE", 0, "k[N,Hkv,D], a NumPy file, with --q; read block by block", 3},
    {"dtype", OPTION_DTYPE, "LIST", 0, "what raw words hold: bf16 ('<u2'), e4m3, e5m2 or e4m3fnuz ('|u1')", 3},
    {"dump", OPTION_DUMP, "DIR", 0, "a point's folder that `run --dump` wrote: tensors, slopes, scale, mask", 3},
    {0, 0, 0, 0, "The rows:", 4},
    {"seq-len", OPTION_SEQ_LEN, "LIST", 0,
     "keys: 4096,33001,1Mi (default: powers of two from 1Ki to 1Mi, and 33001; the tensors' own); up to 64 whole "
     "numbers "
     "1 to 2^40, or ranges of them (1Ki..1Mi:x2)",
     4},
    {"nearest-distance", OPTION_NEAREST_DISTANCE, "K", 0,
     "the nearest visible key is K keys from the query (0): masks, windows and chunks remove nearer ones", 4},
    {0, 0, 0, 0, "Output:", 5},
    {"json", OPTION_JSON, NULL, 0, "one JSON object", 5},
    {0}};

#define LENGTH_MAX (INT64_C(1) << 40)
#define BOUND_MAX 1e30

_Static_assert((int)REPORT_LENGTHS == 64, "what --help says of --seq-len");

#define MEMBER(member) FIELD_MEMBER(struct sentinel_arguments, member)
#define WHOLE(from, to) .type = FIELD_WHOLE, .whole = {(from), (to), 0}, .range_prefix = "whole numbers "
#define REAL(from, to) .type = FIELD_REAL, .real = {(from), (to), false}, .range_prefix = "numbers "

/* Options that take a number or one of some names. */
static const struct value_option {
    enum option_key key;
    struct field field;
} value_options[] = {
    {OPTION_NUM_HEADS, {WHOLE(1, 1024), MEMBER(num_heads)}},
    {OPTION_HEAD_DIM, {WHOLE(1, 65536), MEMBER(head_dim)}},
    {OPTION_MAX_BIAS, {REAL(0.001, 64), MEMBER(max_bias)}},
    {OPTION_SLOPES, {.type = FIELD_CHOICE, .names = FIELD_NAMES(slope_convention_names), MEMBER(slopes)}},
    {OPTION_HEAD_OFFSET, {WHOLE(0, 4095), MEMBER(head_offset)}},
    {OPTION_TOTAL_HEADS, {WHOLE(1, 4096), MEMBER(total_heads)}},
    {OPTION_BIAS, {.type = FIELD_CHOICE, .names = FIELD_NAMES_FIRST(bias_form_names, BIAS_NONE), MEMBER(bias)}},
    {OPTION_SCALE, {REAL(0x1p-149, (double)FLT_MAX), MEMBER(scale), .allowed = "numbers above 0 that f32 can hold"}},
    {OPTION_Q_BOUND, {REAL(0, BOUND_MAX), MEMBER(q_bound)}},
    {OPTION_K_BOUND, {REAL(0, BOUND_MAX), MEMBER(k_bound)}},
    {OPTION_Q_NORM, {REAL(0, BOUND_MAX), MEMBER(q_norm)}},
    {OPTION_K_NORM, {REAL(0, BOUND_MAX), MEMBER(k_norm)}},
    {OPTION_LOGIT_BOUND, {REAL(0, 1e300), MEMBER(logit_bound)}},
    {OPTION_NEAREST_DISTANCE, {WHOLE(0, LENGTH_MAX), MEMBER(nearest_distance)}},
};

static const struct field length_field = {WHOLE(1, LENGTH_MAX), .size = sizeof(int64_t)};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char *option_name(int key)
{
    size_t i = 0;
    while (option_table[i].key != key)
        i++;
    return option_table[i].name;
}

/* Help of numbers ends with what is allowed. */
static char *help_filter(int key, const char *text, void *input)
{
    char allowed[FIELD_ALLOWED_SIZE], *longer;
    (void)input;
    for (size_t i = 0; i < COUNT(value_options); i++) {
        const struct field *field = &value_options[i].field;
        if ((int)value_options[i].key == key && field->type != FIELD_CHOICE && text &&
            asprintf(&longer, "%s; %s", text, field_allowed(allowed, field)) >= 0)
            return longer;
    }
    return (char *)(uintptr_t)text;
}

static void parse_value(const struct value_option *option, const char *text, const struct argp_state *state)
{
    char allowed[FIELD_ALLOWED_SIZE];
    if (field_parse(&option->field, text, strlen(text), field_of(&option->field, state->input)) != VALUE_SOUND)
        argp_error(state, "--%s %s: allowed: %s", option_name((int)option->key), text,
                   field_allowed(allowed, &option->field));
}

int64_t longest_length(const int64_t *seq_lens, int count)
{
    int64_t longest = 0;
    for (int i = 0; i < count; i++)
        longest = seq_lens[i] > longest ? seq_lens[i] : longest;
    return longest;
}

static void parse_dtypes(struct sentinel_arguments *arguments, const char *text, const struct argp_state *state)
{
    arguments->raw_bf16 = false;
    arguments->raw_fp8 = DTYPE_COUNT_WITH_FP8;
    for (const char *next = text;; next++) {
        size_t size = strcspn(next, ",");
        int dtype = 0;
        while (dtype < DTYPE_COUNT_WITH_FP8 &&
               (strlen(dtypes[dtype].name) != size || memcmp(dtypes[dtype].name, next, size) != 0))
            dtype++;
        if (dtype == DTYPE_BF16 && !arguments->raw_bf16)
            arguments->raw_bf16 = true;
        else if (dtype >= DTYPE_E4M3 && dtype < DTYPE_COUNT_WITH_FP8 && arguments->raw_fp8 == DTYPE_COUNT_WITH_FP8)
            arguments->raw_fp8 = (enum dtype)dtype;
        else
            argp_error(state,
                       "--dtype %s: allowed: bf16, e4m3, e5m2, e4m3fnuz, or bf16 and one of the others with a comma",
                       text);
        next += size;
        if (!*next)
            break;
    }
}

static bool add_length(struct sentinel_arguments *arguments, int64_t length)
{
    if (arguments->num_lengths == REPORT_LENGTHS)
        return false;
    arguments->seq_lens[arguments->num_lengths++] = length;
    return true;
}

/* Adds the numbers of a range as axes have them. False if it is none, or they are too many. */
static bool add_range(struct sentinel_arguments *arguments, const struct yaml_node *node)
{
    struct error error;
    size_t count;
    int64_t value, before;
    bool added = !key_range_count(&length_field, node, &count, &error);
    for (size_t i = 0; added && i < count; i++, before = value) {
        uint64_t extra;
        added = !key_range_read(&length_field, node, i > 0 ? &before : NULL, &value, &extra, &error);
        for (uint64_t more = 0; added && more <= extra; more++)
            added = add_length(arguments, value + (int64_t)more);
    }
    return added;
}

static bool add_lengths(struct sentinel_arguments *arguments, const char *text, size_t size)
{
    struct source source;
    struct error error;
    int64_t length;
    struct yaml_node node = {.kind = YAML_SCALAR, .plain = true, .text = text, .size = size};
    if (!key_is_range(&length_field, &node))
        return !field_parse(&length_field, text, size, &length) && add_length(arguments, length);
    if (source_init(&source, "--seq-len", text, size, true, &error))
        return false;
    node.place = source_place(&source, 0);
    return add_range(arguments, &node);
}

static void parse_lengths(struct sentinel_arguments *arguments, const char *text, const struct argp_state *state)
{
    arguments->num_lengths = 0;
    for (const char *next = text;; next++) {
        size_t size = strcspn(next, ",");
        char *one = strndup(next, size);
        if (!one)
            argp_failure(state, ERROR_SYSTEM, 0, "out of memory");
        bool added = add_lengths(arguments, one, size);
        free(one);
        if (!added)
            argp_error(state,
                       "--seq-len %s: allowed: up to %d whole numbers 1 to %lld (4096, 64Ki, 1M) and ranges of them "
                       "(1Ki..1Mi:x2), with commas between them",
                       text, REPORT_LENGTHS, (long long)LENGTH_MAX);
        next += size;
        if (!*next)
            break;
    }
}

#define BOUNDS (BIT(OPTION_Q_BOUND) | BIT(OPTION_K_BOUND) | BIT(OPTION_Q_NORM) | BIT(OPTION_K_NORM))
#define MODEL                                                                                      \
    (BIT(OPTION_NUM_HEADS) | BIT(OPTION_MAX_BIAS) | BIT(OPTION_SLOPES) | BIT(OPTION_HEAD_OFFSET) | \
     BIT(OPTION_TOTAL_HEADS) | BIT(OPTION_BIAS) | BIT(OPTION_HEAD_DIM) | BIT(OPTION_SCALE))

/* Options that an option takes the place of. */
static const struct {
    enum option_key option;
    uint32_t instead_of;
    const char *names;
} conflicts[] = {
    {OPTION_LOGIT_BOUND, BOUNDS, "--q-bound, --k-bound, --q-norm and --k-norm"},
    {OPTION_Q, BOUNDS | BIT(OPTION_LOGIT_BOUND) | BIT(OPTION_NUM_HEADS) | BIT(OPTION_HEAD_DIM),
     "--num-heads, --head-dim and bounds"},
    {OPTION_DUMP, MODEL | BOUNDS | BIT(OPTION_LOGIT_BOUND) | BIT(OPTION_Q) | BIT(OPTION_K) | BIT(OPTION_DTYPE),
     "--q, --k, --dtype, the model and bounds"},
};

/* What no option alone can tell. */
static void check(const struct sentinel_arguments *arguments, const struct argp_state *state)
{
    int heads = arguments->head_offset + arguments->num_heads;
    bool tensors = arguments->q || arguments->k || arguments->dump;
    for (size_t i = 0; i < COUNT(conflicts); i++)
        if (arguments->given & BIT(conflicts[i].option) && arguments->given & conflicts[i].instead_of)
            argp_error(state, "--%s: takes the place of %s", option_name((int)conflicts[i].option), conflicts[i].names);
    if (!arguments->q != !arguments->k)
        argp_error(state, "--%s is missing beside --%s", arguments->q ? "k" : "q", arguments->q ? "q" : "k");
    if (arguments->given & BIT(OPTION_DTYPE) && !arguments->q)
        argp_error(state, "--dtype: is of the tensors --q and --k");
    if (!arguments->num_heads && !tensors)
        argp_error(state, "--num-heads is missing; try: %s --num-heads 32", state->name);
    if (arguments->total_heads && arguments->num_heads && heads > arguments->total_heads)
        argp_error(state, "--total-heads %d: allowed: at least head-offset + num-heads = %d", arguments->total_heads,
                   heads);
    int64_t longest = longest_length(arguments->seq_lens, arguments->num_lengths);
    if (!tensors && arguments->nearest_distance >= longest)
        argp_error(state, "--nearest-distance %lld: allowed: less than the longest --seq-len, %lld",
                   (long long)arguments->nearest_distance, (long long)longest);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct sentinel_arguments *arguments = state->input;
    if (key >= OPTION_FIRST && key <= OPTION_JSON) {
        option_once(argument && arguments->given & BIT(key), option_table, key, argument, state);
        arguments->given |= BIT(key);
    }
    for (size_t i = 0; i < COUNT(value_options); i++)
        if ((int)value_options[i].key == key) {
            parse_value(&value_options[i], argument, state);
            return 0;
        }
    switch (key) {
    case OPTION_SEQ_LEN:
        parse_lengths(arguments, argument, state);
        return 0;
    case OPTION_Q:
        arguments->q = argument;
        return 0;
    case OPTION_K:
        arguments->k = argument;
        return 0;
    case OPTION_DUMP:
        arguments->dump = argument;
        return 0;
    case OPTION_DTYPE:
        parse_dtypes(arguments, argument, state);
        return 0;
    case OPTION_JSON:
        arguments->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s': takes options only", argument);
        return 0;
    case ARGP_KEY_END:
        check(arguments, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    option_table,
    parse_option,
    NULL,
    "Tell which stand-ins for -inf (sentinels) are safe for a model: the lowest logit that can be reached at each "
    "sequence length, the distance at which each sentinel in use is reached, and what follows. From bounds, or from "
    "the tensors q and k themselves; no kernel is run."
    "\vA sentinel that logits reach is harmless while the newest key is visible: its bias is 0 and the row's maximum "
    "stays near it. --nearest-distance asks what happens once masks have removed the near keys.\n\n"
    "Examples:\n"
    "  alibicheck sentinel --num-heads 32\n"
    "  alibicheck sentinel --num-heads 14 --head-offset 14 --total-heads 112\n"
    "  alibicheck sentinel --num-heads 32 --max-bias 16 --q-norm 40 --k-norm 40 --seq-len 64Ki --nearest-distance "
    "32Ki\n"
    "  alibicheck sentinel --q q.npy --k k.npy --dtype bf16 --max-bias 16\n"
    "  alibicheck sentinel --dump DIR/POINT",
    help_parsers,
    help_filter,
    NULL};

const struct field *sentinel_option_field(int option)
{
    static const struct field dtype_field = {.type = FIELD_OWN, .allowed = "bf16, e4m3, e5m2, e4m3fnuz"};
    for (size_t i = 0; i < COUNT(value_options); i++)
        if ((int)value_options[i].key == option)
            return &value_options[i].field;
    return option == OPTION_DTYPE ? &dtype_field : NULL;
}

const struct argp *sentinel_parser(void)
{
    return &parser;
}

void sentinel_arguments_parse(struct sentinel_arguments *arguments, int argc, char **argv)
{
    *arguments = defaults;
    options_parse(&parser, argc, argv, arguments);
    arguments->lengths_given = arguments->given & BIT(OPTION_SEQ_LEN);
    arguments->nearest_given = arguments->given & BIT(OPTION_NEAREST_DISTANCE);
}
