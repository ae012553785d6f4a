#include "harness/command/judge_facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/support/number.h"
#include "harness/support/source.h"

/* "--scale: is missing; allowed: ..." */
static enum error_kind missing(enum judge_option option, const char *allowed, struct error *error)
{
    char name[JUDGE_NAME_SIZE];
    return error_set(error, ERROR_USAGE, "%s: is missing; allowed: %s", judge_option_name(name, option), allowed);
}

static enum error_kind refused(enum judge_option option, const char *value, const char *allowed, struct error *error)
{
    char name[JUDGE_NAME_SIZE], quoted[QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s %s: allowed: %s", judge_option_name(name, option),
                     quote(quoted, value, strlen(value)), allowed);
}

static int find(const char *value, const char *const *names, int count)
{
    int i = 0;
    while (i < count && strcmp(value, names[i]) != 0)
        i++;
    return i;
}

static enum error_kind read_layout(struct judge_facts *facts, const char *value, struct error *error)
{
    static const char allowed[] = "NHD, HND, BSHD or BHSD: the order of axes in k and v (batch, keys, KV heads, "
                                  "head_dim; N or S are keys), or VLLM_V0, pages as vLLM's v0 had them";
    if (!value)
        return missing(GIVEN_LAYOUT, allowed, error);
    facts->layout = (enum judge_layout)find(value, judge_layout_names, LAYOUT_COUNT);
    return facts->layout == LAYOUT_COUNT ? refused(GIVEN_LAYOUT, value, allowed, error) : ERROR_NONE;
}

/* Tensors that are named, k and v each or both in one. */
static enum error_kind read_tensors(struct judge_facts *facts, const char *const *values, struct error *error)
{
    static const enum judge_option needed[] = {GIVEN_Q, GIVEN_K, GIVEN_V, GIVEN_OUT}, apart[] = {GIVEN_K, GIVEN_V};
    static const char file[] = "FILE.npy, FILE.npz:NAME or FILE.safetensors:NAME";
    const char *axis = values[GIVEN_KV_AXIS];
    uint64_t number = 0;
    int negative = 0;
    facts->kv_axis = -1;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!values[needed[i]] && !(values[GIVEN_KV] && (needed[i] == GIVEN_K || needed[i] == GIVEN_V)))
            return missing(needed[i], file, error);
    if (!values[GIVEN_KV])
        return axis ? refused(GIVEN_KV_AXIS, axis, "with --kv F, k and v in one tensor", error) : ERROR_NONE;
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        if (values[apart[i]])
            return refused(apart[i], values[apart[i]], "this or --kv", error);
    if (!axis)
        return missing(GIVEN_KV_AXIS, "the axis of --kv along which k stands first and v second, counted from 0",
                       error);
    if (number_parse_whole(axis, strlen(axis), &number, &negative) != VALUE_SOUND || negative || number > 4)
        return refused(GIVEN_KV_AXIS, axis, "0 to 4: the axis of --kv along which k stands first and v second", error);
    facts->kv_axis = (int)number;
    return ERROR_NONE;
}

static enum error_kind read_scale(struct judge_facts *facts, const char *value, struct error *error)
{
    static const char allowed[] = "the number that q.k is multiplied by, or rsqrt for 1/sqrt(head_dim)";
    if (!value)
        return missing(GIVEN_SCALE, allowed, error);
    if (!strcmp(value, "rsqrt")) {
        facts->scale = NAN;
        return ERROR_NONE;
    }
    return number_parse_float(value, strlen(value), &facts->scale) == VALUE_SOUND
               ? ERROR_NONE
               : refused(GIVEN_SCALE, value, allowed, error);
}

static enum error_kind read_slopes(struct judge_facts *facts, const char *value, struct error *error)
{
    static const char allowed[] =
        "a tensor of a slope a head, " SLOPE_CONVENTION_WORDS ", or none for attention without ALiBi";
    if (!value)
        return missing(GIVEN_SLOPES, allowed, error);
    facts->slopes = (enum slope_convention)find(value, slope_convention_names, SLOPES_COUNT);
    facts->slopes_named = facts->slopes != SLOPES_COUNT || !strcmp(value, "none");
    return facts->slopes_named || strchr(value, '.') ? ERROR_NONE : refused(GIVEN_SLOPES, value, allowed, error);
}

static enum error_kind read_lse_base(struct judge_facts *facts, const struct judge_options *options,
                                     struct error *error)
{
    const char *value = options->values[GIVEN_LSE_BASE];
    if (!options->values[GIVEN_LSE])
        return value ? refused(GIVEN_LSE_BASE, value, "with --lse F", error) : ERROR_NONE;
    if (!value)
        return missing(GIVEN_LSE_BASE, "e, as FlashAttention returns, or 2, as FlashInfer does", error);
    facts->lse_base_2 = !strcmp(value, "2");
    return facts->lse_base_2 || !strcmp(value, "e") ? ERROR_NONE : refused(GIVEN_LSE_BASE, value, "e or 2", error);
}

static enum error_kind read_position(struct judge_facts *facts, const char *value, struct error *error)
{
    uint64_t magnitude;
    int negative;
    if (!value || number_parse_whole(value, strlen(value), &magnitude, &negative) != VALUE_SOUND)
        return ERROR_NONE; /* a file, then, or the default */
    if (magnitude > INT32_MAX)
        return refused(GIVEN_POSITIONS, value, "whole numbers -2147483647 to 2147483647, or a tensor", error);
    facts->position_is_number = true;
    facts->position = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return ERROR_NONE;
}

static enum error_kind read_offset(struct judge_facts *facts, const char *value, struct error *error)
{
    uint64_t magnitude = 0;
    int negative = 0;
    if (value &&
        (number_parse_whole(value, strlen(value), &magnitude, &negative) != VALUE_SOUND || magnitude > INT32_MAX))
        return refused(GIVEN_KV_OFFSET, value, "whole numbers -2147483647 to 2147483647", error);
    facts->kv_offset = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return ERROR_NONE;
}

static enum error_kind read_factor(float *factor, const struct judge_options *options, enum judge_option option,
                                   struct error *error)
{
    const char *value = options->values[option];
    *factor = 1;
    if (value && number_parse_float(value, strlen(value), factor) != VALUE_SOUND)
        return refused(option, value, "a number that f32 holds", error);
    return ERROR_NONE;
}

static enum error_kind read_soft_cap(struct judge_facts *facts, const char *value, struct error *error)
{
    static const char allowed[] = "before_bias=C or after_bias=C, C a number above 0";
    const char *equals = value ? strchr(value, '=') : NULL;
    if (!value)
        return ERROR_NONE;
    for (int where = SOFT_CAP_NONE + 1; equals && where < SOFT_CAP_COUNT; where++)
        if (strlen(soft_cap_names[where]) == (size_t)(equals - value) &&
            !memcmp(value, soft_cap_names[where], (size_t)(equals - value)))
            facts->soft_cap.where = (enum soft_cap)where;
    if (facts->soft_cap.where == SOFT_CAP_NONE ||
        number_parse_float(equals + 1, strlen(equals + 1), &facts->soft_cap.value) != VALUE_SOUND ||
        !(facts->soft_cap.value > 0))
        return refused(GIVEN_SOFT_CAP, value, allowed, error);
    return ERROR_NONE;
}

enum error_kind judge_tolerance_read(struct tolerance *tolerance, const struct judge_options *options,
                                     struct error *error)
{
    const char *value = options->values[GIVEN_TOLERANCE];
    static const char allowed[] = "A,R or A,R,L: numbers of 0 or more";
    double *parts[] = {&tolerance->atol, &tolerance->rtol, &tolerance->lse};
    *tolerance = (struct tolerance){-1, -1, -1};
    int count = 0;
    for (const char *at = value; at && count < 3; count++) {
        const char *comma = strchr(at, ',');
        size_t size = comma ? (size_t)(comma - at) : strlen(at);
        if (number_parse(at, size, parts[count]) != VALUE_SOUND || *parts[count] < 0 || (count == 2 && comma))
            return refused(GIVEN_TOLERANCE, value, allowed, error);
        at = comma ? comma + 1 : NULL;
    }
    return value && count < 2 ? refused(GIVEN_TOLERANCE, value, allowed, error) : ERROR_NONE;
}

enum error_kind judge_demand_read(struct class_demand *demand, const struct judge_options *options, struct error *error)
{
    const char *value = options->values[GIVEN_CLASS];
    char problem[FIELD_ALLOWED_SIZE], quoted[QUOTE_SIZE];
    *demand = (struct class_demand){.asked = false};
    if (!value || class_demand_parse(demand, value, problem))
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "--class %s: %s", quote(quoted, value, strlen(value)), problem);
}

/* Which way pages are told, if any. */
static enum error_kind read_pages(struct judge_facts *facts, const struct judge_options *options, struct error *error)
{
    const char *const *values = options->values;
    bool ragged = values[GIVEN_QO_INDPTR] && values[GIVEN_KV_INDPTR] && !values[GIVEN_KV_INDICES];
    bool table = values[GIVEN_BLOCK_TABLE], rows = values[GIVEN_KV_INDPTR] && !ragged;
    uint64_t size = 0;
    int negative = 0;
    if (table && values[GIVEN_KV_INDPTR])
        return refused(GIVEN_KV_INDPTR, values[GIVEN_KV_INDPTR], "this or --block-table", error);
    if (table && !values[GIVEN_SEQ_LENS])
        return missing(GIVEN_SEQ_LENS, "keys of each sequence, which a --block-table does not say", error);
    if (rows && !values[GIVEN_KV_INDICES])
        return missing(GIVEN_KV_INDICES, "the pages of all sequences, of which --kv-indptr says where they begin",
                       error);
    for (int i = 0; i < 2 && !rows; i++) {
        enum judge_option option = i ? GIVEN_KV_LAST_PAGE_LEN : GIVEN_KV_INDICES;
        if (values[option])
            return refused(option, values[option], ragged ? "with --kv-indices, of keys in pages" : "with --kv-indptr",
                           error);
    }
    facts->paged = table || rows;
    facts->ragged_queries = values[GIVEN_QO_INDPTR];
    facts->ragged_keys = ragged;
    if (facts->ragged_queries && !facts->paged && !ragged)
        return missing(GIVEN_KV_INDPTR, "where in k and v the keys of each sequence begin; or pages", error);
    if (values[GIVEN_KV_INDPTR] && values[GIVEN_SEQ_LENS])
        return refused(GIVEN_SEQ_LENS, values[GIVEN_SEQ_LENS], "this or --kv-indptr, which says it", error);
    if ((facts->paged || ragged) && (facts->layout == LAYOUT_BSHD || facts->layout == LAYOUT_BHSD))
        return refused(GIVEN_LAYOUT, values[GIVEN_LAYOUT],
                       ragged ? "NHD [keys, KV heads, head_dim] or HND [KV heads, keys, head_dim] of sequences one "
                                "behind the other"
                              : "NHD [pages, page size, KV heads, head_dim] or HND [pages, "
                                "KV heads, page size, head_dim] of k and v in pages",
                       error);
    if (facts->layout == LAYOUT_VLLM_V0 && !facts->paged)
        return refused(GIVEN_LAYOUT, values[GIVEN_LAYOUT], "pages, with --block-table or --kv-indptr", error);
    if (!values[GIVEN_PAGE_SIZE])
        return ERROR_NONE;
    if (!facts->paged ||
        number_parse_whole(values[GIVEN_PAGE_SIZE], strlen(values[GIVEN_PAGE_SIZE]), &size, &negative) != VALUE_SOUND ||
        negative || size < 1 || size > INT32_MAX)
        return refused(GIVEN_PAGE_SIZE, values[GIVEN_PAGE_SIZE],
                       "a whole number from 1 on, with --block-table or --kv-indptr", error);
    facts->page_size = (int64_t)size;
    return ERROR_NONE;
}

enum error_kind judge_facts_read(struct judge_facts *facts, const struct judge_options *options, struct error *error)
{
    const char *const *values = options->values;
    *facts = (struct judge_facts){.layout = LAYOUT_COUNT};
    enum error_kind kind = read_tensors(facts, values, error);
    if (!kind)
        kind = read_layout(facts, values[GIVEN_LAYOUT], error);
    if (!kind && facts->kv_axis >= 0 && facts->layout == LAYOUT_VLLM_V0)
        kind = refused(GIVEN_KV, values[GIVEN_KV], "--k and --v, which VLLM_V0 has in different shapes", error);
    if (!kind)
        kind = read_scale(facts, values[GIVEN_SCALE], error);
    if (!kind)
        kind = read_slopes(facts, values[GIVEN_SLOPES], error);
    if (!kind)
        kind = read_lse_base(facts, options, error);
    if (!kind)
        kind = read_position(facts, values[GIVEN_POSITIONS], error);
    if (!kind)
        kind = read_offset(facts, values[GIVEN_KV_OFFSET], error);
    if (!kind)
        kind = read_factor(&facts->k_scale, options, GIVEN_K_SCALE, error);
    if (!kind)
        kind = read_factor(&facts->v_scale, options, GIVEN_V_SCALE, error);
    if (!kind)
        kind = read_soft_cap(facts, values[GIVEN_SOFT_CAP], error);
    if (!kind)
        kind = judge_tolerance_read(&facts->tolerance, options, error);
    if (!kind)
        kind = judge_demand_read(&facts->demand, options, error);
    return kind ? kind : read_pages(facts, options, error);
}
