#include "kernels/recipe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const masked_entry_names[MASKED_ENTRY_COUNT] = {
    [MASKED_REPLACE] = "replace",
    [MASKED_ADD] = "add",
    [MASKED_ADD_EACH] = "add_each",
};

const char *const guards_names[GUARDS_COUNT] = {
    [GUARDS_SOUND] = "true",
    [GUARDS_NONE] = "false",
    [GUARDS_ZERO_MAX] = "zero_max",
};

const char *const empty_row_names[EMPTY_ROW_COUNT] = {
    [EMPTY_ROW_ZERO] = "zero",
    [EMPTY_ROW_DIVIDE] = "divide",
    [EMPTY_ROW_AT_SENTINEL] = "zero_at_sentinel",
    [EMPTY_ROW_UNWRITTEN] = "unwritten",
};

const char *const bias_form_names[BIAS_COUNT] = {
    [BIAS_RELATIVE] = "relative",
    [BIAS_ABSOLUTE] = "absolute",
    [BIAS_NONE] = "none",
};

const char *const slopes_source_names[SLOPES_SOURCE_COUNT] = {
    [SLOPES_FROM_INPUT] = "input",
    [SLOPES_FROM_BLOOM] = "bloom",
    [SLOPES_FROM_GEOMETRIC] = "geometric",
};

const char *const positions_names[POSITIONS_COUNT] = {
    [POSITIONS_GLOBAL] = "global",
    [POSITIONS_LOCAL] = "local",
    [POSITIONS_TOP_LEFT] = "top_left",
};

const char *const positive_bias_names[POSITIVE_BIAS_COUNT] = {
    [POSITIVE_BIAS_KEPT] = "kept",
    [POSITIVE_BIAS_MASKED] = "masked",
};

const char *const scale_entry_names[SCALE_ENTRY_COUNT] = {
    [SCALE_DOT] = "dot",
    [SCALE_QUERY] = "query",
    [SCALE_SUM] = "sum",
    [SCALE_PRODUCT] = "product",
};

const char *const log2e_entry_names[LOG2E_ENTRY_COUNT] = {
    [LOG2E_FOLDED] = "folded",
    [LOG2E_EXPONENTIAL] = "exponential",
    [LOG2E_LOGIT] = "logit",
};

const char *const exponential_names[EXPONENTIAL_COUNT] = {
    [EXPONENTIAL_POLYNOMIAL] = "polynomial",
    [EXPONENTIAL_EX2_APPROX] = "ex2_approx",
    [EXPONENTIAL_EXP2] = "exp2",
    [EXPONENTIAL_EXP] = "exp",
    [EXPONENTIAL_FEXP_U20] = "fexp_u20",
};

const char *const division_names[DIVISION_COUNT] = {
    [DIVISION_EXACT] = "exact",
    [DIVISION_RECIPROCAL] = "reciprocal",
};

const char *const merge_form_names[MERGE_FORM_COUNT] = {
    [MERGE_MAX_SUM] = "max_sum",
    [MERGE_NORMALIZED] = "normalized",
    [MERGE_LSE] = "lse",
};

const char *const masked_values_names[MASKED_VALUES_COUNT] = {
    [MASKED_VALUES_SKIPPED] = "skipped",
    [MASKED_VALUES_READ] = "read",
    [MASKED_VALUES_READ_PAST_END] = "read_past_end",
};

const char *const weight_form_names[WEIGHT_FORM_COUNT] = {
    [WEIGHT_EXPONENTIALS] = "exponentials",
    [WEIGHT_PROBABILITIES] = "probabilities",
};

const char *const soft_cap_use_names[SOFT_CAP_USE_COUNT] = {
    [SOFT_CAP_APPLIED] = "applied",       [SOFT_CAP_IGNORED] = "ignored",       [SOFT_CAP_DOUBLED] = "doubled",
    [SOFT_CAP_OTHER_SIDE] = "other_side", [SOFT_CAP_AFTER_MASK] = "after_mask",
};

const char *const sink_use_names[SINK_USE_COUNT] = {
    [SINK_COUNTED] = "counted",
    [SINK_IGNORED] = "ignored",
    [SINK_EVERY_CHUNK] = "every_chunk",
};

const char *const dtype_rounding_names[ROUND_COUNT] = {
    [ROUND_F32] = "f32",     [ROUND_F16] = "f16",   [ROUND_BF16] = "bf16",
    [ROUND_INPUT] = "input", [ROUND_E4M3] = "e4m3", [ROUND_E5M2] = "e5m2",
};

enum dtype dtype_rounding_dtype(enum dtype_rounding rounding)
{
    static const enum dtype rounding_dtypes[ROUND_COUNT] = {
        [ROUND_F32] = DTYPE_F32,   [ROUND_F16] = DTYPE_F16,   [ROUND_BF16] = DTYPE_BF16,
        [ROUND_INPUT] = DTYPE_F32, [ROUND_E4M3] = DTYPE_E4M3, [ROUND_E5M2] = DTYPE_E5M2};
    return rounding_dtypes[rounding];
}

struct recipe recipe_for(const struct recipe *recipe, enum dtype dtype)
{
    static const enum dtype_rounding roundings[DTYPE_COUNT] = {
        [DTYPE_F16] = ROUND_F16, [DTYPE_BF16] = ROUND_BF16, [DTYPE_F32] = ROUND_F32};
    struct recipe resolved = *recipe;
    enum dtype_rounding *const members[] = {
        &resolved.slope_dtype,  &resolved.position_dtype, &resolved.bias_dtype,       &resolved.scale_dtype,
        &resolved.query_dtype,  &resolved.dot_dtype,      &resolved.dot_result_dtype, &resolved.scaled_dtype,
        &resolved.logit_dtype,  &resolved.weight_dtype,   &resolved.sum_dtype,        &resolved.weighted_sum_dtype,
        &resolved.partial_dtype};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (*members[i] == ROUND_INPUT)
            *members[i] = roundings[dtype];
    return resolved;
}

static bool finite_sentinel(const struct recipe *recipe)
{
    return recipe->sentinel.policy == SENTINEL_VALUE || recipe->sentinel.policy == SENTINEL_ADAPTIVE;
}

static bool below_dtype(const struct recipe *recipe)
{
    double lowest = -dtypes[dtype_rounding_dtype(recipe->logit_dtype)].max;
    return recipe->sentinel.policy == SENTINEL_VALUE && (double)recipe->sentinel.value < lowest;
}

static bool excludes(const struct recipe *recipe)
{
    return recipe->sentinel.policy == SENTINEL_EXCLUDE;
}

static bool adds_nothing(const struct recipe *recipe)
{
    return excludes(recipe) && recipe_adds_sentinel(recipe);
}

static bool exp_of_base_2(const struct recipe *recipe)
{
    return exponential_is_natural(recipe->exponential) && recipe->log2e != LOG2E_EXPONENTIAL;
}

static bool zero_at_no_sentinel(const struct recipe *recipe)
{
    return recipe->empty_row == EMPTY_ROW_AT_SENTINEL && !finite_sentinel(recipe);
}

static bool guards_no_infinity(const struct recipe *recipe)
{
    return recipe->guards != GUARDS_SOUND && recipe->initial_max != INITIAL_MAX_INFINITY && finite_sentinel(recipe);
}

static bool max_bias_of_no_slopes(const struct recipe *recipe)
{
    return recipe->slopes_max_bias != 0 && recipe->slopes == SLOPES_FROM_INPUT;
}

static bool rounds_no_bias(const struct recipe *recipe)
{
    return recipe->bias == BIAS_NONE &&
           (recipe->slope_dtype || recipe->position_dtype || recipe->bias_dtype || recipe->slopes ||
            recipe->key_shift || recipe->positions || recipe->scale_entry == SCALE_SUM ||
            contract_changes_slopes(&recipe->contract));
}

/* Absolute biases are positive for all keys but one; magnitudes of distances give none. */
static bool masks_no_sign(const struct recipe *recipe)
{
    return recipe->positive_bias == POSITIVE_BIAS_MASKED &&
           (recipe->bias != BIAS_RELATIVE || recipe->positions == POSITIONS_TOP_LEFT);
}

static bool rounds_no_scaled_query(const struct recipe *recipe)
{
    return recipe->query_dtype && recipe->scale_entry != SCALE_QUERY;
}

static bool rounds_no_product(const struct recipe *recipe)
{
    return recipe->scaled_dtype && recipe->scale_entry != SCALE_PRODUCT;
}

static bool divides_by_no_sum(const struct recipe *recipe)
{
    return recipe->tile_keys != 0 && recipe->weight_form == WEIGHT_PROBABILITIES;
}

static bool scales_no_weight(const struct recipe *recipe)
{
    return recipe->weight_scale != 0 && !recipe->weight_dtype;
}

static bool scales_beyond(const struct recipe *recipe)
{
    return (double)recipe->weight_scale > dtypes[dtype_rounding_dtype(recipe->weight_dtype)].max;
}

static bool caps_nothing(const struct recipe *recipe)
{
    return recipe->soft_cap == SOFT_CAP_AFTER_MASK && excludes(recipe);
}

static bool cuts_off_no_max(const struct recipe *recipe)
{
    return recipe->merge_cutoff != 0 && recipe->merge == MERGE_LSE;
}

static bool merges_no_lse(const struct recipe *recipe)
{
    return recipe->contract.merge_lse_base && recipe->merge != MERGE_LSE;
}

static bool merges_no_infinity(const struct recipe *recipe)
{
    bool has_infinity =
        recipe->merge == MERGE_LSE || recipe->initial_max == INITIAL_MAX_INFINITY || !finite_sentinel(recipe);
    return recipe->contract.merge_guards && (recipe->guards != GUARDS_SOUND || !has_infinity);
}

static bool has_no_empty_lse(const struct recipe *recipe)
{
    return recipe->contract.empty_row_lse && recipe->empty_row == EMPTY_ROW_DIVIDE;
}

static bool tiles_no_window(const struct recipe *recipe)
{
    return recipe->contract.window_by && recipe->contract.window == 0;
}

const char *recipe_contradiction(const struct recipe *recipe)
{
    static const struct {
        bool (*holds)(const struct recipe *recipe);
        const char *why;
    } rules[] = {
        {adds_nothing, "sentinel exclude skips masked keys, so masked_entry add and add_each have nothing to add"},
        {below_dtype, "the sentinel lies below the lowest finite value of logit_dtype, so it is no finite sentinel"},
        {exp_of_base_2,
         "exponential exp and fexp_u20 take natural logits, which only log2e exponential leaves natural"},
        {zero_at_no_sentinel, "empty_row zero_at_sentinel compares with a finite sentinel, and there is none"},
        {guards_no_infinity,
         "guards false and zero_max have no effect: with a finite sentinel no maximum is ever -inf"},
        {max_bias_of_no_slopes,
         "slopes_max_bias is of slopes that the kernel makes, and slopes input takes those given"},
        {rounds_no_bias, "bias none has no slopes, positions or biases to choose a form for"},
        {masks_no_sign,
         "positive_bias masked goes by the sign of distances, which bias relative has unless positions are "
         "top_left"},
        {caps_nothing, "soft_cap after_mask caps what stands for a masked key, and sentinel exclude has nothing there"},
        {cuts_off_no_max, "merge_cutoff compares maxima, and merge lse has none"},
        {rounds_no_scaled_query, "query_dtype is of a query times the scale, which scale_entry query alone forms"},
        {rounds_no_product, "scaled_dtype is of scale * q.k, which scale_entry product alone forms by itself"},
        {divides_by_no_sum,
         "weight_form probabilities takes the row's sum, which tile_keys does not know before its end"},
        {scales_no_weight, "weight_scale is for the rounding of weights, and weight_dtype f32 has none"},
        {scales_beyond, "weight_scale is more than the largest finite value of weight_dtype"},
        {merges_no_lse, "merge_lse_base is of the lse of chunks, which merge lse alone has"},
        {merges_no_infinity,
         "merge_guards false has no effect: guards does not keep inf - inf from being formed, or no chunk's maximum is "
         "ever -inf"},
        {has_no_empty_lse,
         "empty_row_lse is written where a row is known to be empty, and empty_row divide does not ask"},
        {tiles_no_window, "window_by is of the kernel's own window, and window 0 is none"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].holds(recipe))
            return rules[i].why;
    return NULL;
}

static const char *const sentinel_names[SENTINEL_COUNT] = {
    [SENTINEL_INFINITY] = "-inf",
    [SENTINEL_ADAPTIVE] = "adaptive",
    [SENTINEL_EXCLUDE] = "exclude",
};

/* The shortest decimal that reads back as the same f32. */
char *sentinel_format(char *text, const struct sentinel *sentinel)
{
    const char *name = sentinel_names[sentinel->policy];
    if (name) {
        snprintf(text, SENTINEL_TEXT_SIZE, "%s", name);
        return text;
    }
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, SENTINEL_TEXT_SIZE, "%.*g", digits, (double)sentinel->value);
        if (strtof(text, NULL) == sentinel->value)
            break;
    }
    return text;
}

bool sentinel_parse(const char *text, struct sentinel *sentinel)
{
    for (int policy = 0; policy < SENTINEL_COUNT; policy++)
        if (sentinel_names[policy] && !strcmp(text, sentinel_names[policy])) {
            *sentinel = (struct sentinel){.policy = (enum sentinel_policy)policy};
            return true;
        }
    /* strtof also takes hexadecimal, "nan" and "infinity"; a number in a case file starts with its sign. */
    if (text[0] != '-' || !strpbrk(text, "0123456789") || strcspn(text, "xXnN") != strlen(text))
        return false;
    char *end;
    float value = strtof(text, &end);
    if (*end || !isfinite(value) || value >= 0)
        return false;
    *sentinel = (struct sentinel){.policy = SENTINEL_VALUE, .value = value};
    return true;
}

char *recipe_format(char *text, const struct recipe *recipe)
{
    if (recipe->name)
        snprintf(text, RECIPE_TEXT_SIZE, "%s", recipe->name);
    else
        snprintf(text, RECIPE_TEXT_SIZE, "%s-%s", bias_form_names[recipe->bias],
                 exponential_names[recipe->exponential]);
    return text;
}

/* Largest |x| of a tensor; NaN is passed over. */
static double max_abs(enum dtype dtype, const void *tensor, size_t count)
{
    enum { BLOCK = 1024 };
    float block[BLOCK], largest[8] = {0}, result = 0;
    for (size_t first = 0; first < count; first += BLOCK) {
        size_t size = count - first < BLOCK ? count - first : BLOCK;
        dtype_widen(dtype, tensor, first, size, block);
        memset(block + size, 0, (BLOCK - size) * sizeof *block);
        for (size_t i = 0; i < BLOCK; i += 8)
            for (size_t j = 0; j < 8; j++)
                largest[j] = fabsf(block[i + j]) > largest[j] ? fabsf(block[i + j]) : largest[j];
    }
    for (size_t j = 0; j < 8; j++)
        result = fmaxf(result, largest[j]);
    return (double)result;
}

/* 160 rather than 126: the kernel's own rounding of logits (2^-22 |lowest|) cannot close the gap that is left. */
enum error_kind adaptive_sentinel_below(float *sentinel, double lowest, struct error *error)
{
    double value = lowest - fmax(160, fabs(lowest) * 0x1p-10);
    if (!(value >= -0x1.fffffep+127))
        return error_set(error, ERROR_SYSTEM,
                         "sentinel adaptive: logits can reach %g (base 2), below every finite f32; allowed policies: "
                         "-inf, exclude",
                         lowest);
    *sentinel = (float)value;
    return ERROR_NONE;
}

/* No logit lies below -|scale| D max|q| max|k| + min over heads of slope (position - origin), in the logits' units. */
enum error_kind adaptive_sentinel(float *sentinel, const struct problem *problem, const struct recipe *recipe,
                                  struct error *error)
{
    size_t q_elements = (size_t)problem_elements(problem);
    size_t k_elements = (size_t)problem->seq_len * (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    double largest_q = max_abs(problem->dtype, problem->q, q_elements);
    double largest_k = max_abs(problem_kv_dtype(problem), problem->k, k_elements);
    int64_t origin = recipe->bias == BIAS_ABSOLUTE ? 0 : problem->q_position;
    double oldest = (double)(problem->kv_offset - origin);
    double newest = (double)(problem->kv_offset + problem->seq_len - 1 - origin);
    double lowest = 0;
    for (int head = 0; head < problem->num_heads && recipe->bias != BIAS_NONE; head++) {
        double slope = (double)problem->slopes[head];
        lowest = fmin(lowest, fmin(slope * oldest, slope * newest));
    }
    lowest -= fabs(problem_logit_scale(problem)) * problem->head_dim * largest_q * largest_k;
    if (recipe->log2e != LOG2E_EXPONENTIAL)
        lowest *= M_LOG2E;
    enum error_kind kind = adaptive_sentinel_below(sentinel, lowest, error);
    double least = -dtypes[dtype_rounding_dtype(recipe->logit_dtype)].max;
    if (!kind && (double)*sentinel < least)
        return error_set(error, ERROR_SYSTEM,
                         "sentinel adaptive: logits can reach %g, too near the lowest %s, %g; allowed policies: -inf, "
                         "exclude",
                         lowest, dtype_rounding_names[recipe->logit_dtype], least);
    return kind;
}
