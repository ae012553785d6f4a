#include "harness/problem/read_dump.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/field_json.h"
#include "harness/support/file.h"
#include "harness/support/json_value.h"
#include "harness/support/source.h"
#include "harness/support/text_stream.h"

#define WHOLE_MAX (INT64_C(1) << 53)
enum { DUMPED_NAME_MAX = 2000 };

/* What point.json holds, as it stands there. */
struct facts {
    struct dumped_point point;
    enum dtype kv_dtype; /* DTYPE_COUNT_WITH_FP8: left out */
    const json_t *object;
    const char *path; /* for messages */
};

#define MEMBER(of_name, member) .name = (of_name), FIELD_MEMBER(struct facts, member)
#define PROBLEM(member) MEMBER(#member, point.problem.member)
#define WHOLE(from, to) .type = FIELD_WHOLE, .whole = {(from), (to), 0}, .range_prefix = "whole numbers "

/* struct facts holds what a field that is left out means. */
static const struct dump_field {
    struct field field;
    bool required;
} dump_fields[] = {
    {.field = {PROBLEM(seq_len), WHOLE(0, INT64_C(1) << 40)}, .required = true},
    {.field = {PROBLEM(num_queries), WHOLE(1, 1024)}},
    {.field = {PROBLEM(num_heads), WHOLE(1, 1024)}, .required = true},
    {.field = {PROBLEM(num_kv_heads), WHOLE(1, 1024)}, .required = true},
    {.field = {PROBLEM(head_dim), WHOLE(1, 65536)}, .required = true},
    {.field = {PROBLEM(q_position), WHOLE(-WHOLE_MAX, WHOLE_MAX)}, .required = true},
    {.field = {PROBLEM(kv_offset), WHOLE(-WHOLE_MAX, WHOLE_MAX)}},
    {.field = {PROBLEM(dtype), .type = FIELD_CHOICE, .names = FIELD_NAMES_OF(dtypes, name, DTYPE_COUNT)},
     .required = true},
    {.field = {MEMBER("kv_dtype", kv_dtype), .type = FIELD_CHOICE,
               .names = FIELD_NAMES_OF(dtypes, name, DTYPE_COUNT_WITH_FP8)}},
    {.field = {MEMBER("chunk_len", point.chunk_len), WHOLE(1, INT64_C(1) << 40)}},
    {.field = {MEMBER("bias", point.bias), .type = FIELD_CHOICE,
               .names = FIELD_NAMES_FIRST(bias_form_names, BIAS_COUNT)}},
};

static const struct factor {
    const char *name;
    size_t offset;
    bool required, of_fp8;
} factors[] = {
    {"scale", offsetof(struct facts, point.problem.scale), true, false},
    {"k_scale", offsetof(struct facts, point.problem.k_scale), false, true},
    {"v_scale", offsetof(struct facts, point.problem.v_scale), false, true},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static enum error_kind refuse(const struct facts *facts, const char *name, const char *allowed, struct error *error)
{
    return error_set(error, ERROR_USAGE, "%s: %s: allowed: %s", facts->path, name, allowed);
}

/* What is left out or null is left as it is, unless it is required. */
static bool absent(const json_t *value, bool required)
{
    return !required && (!value || json_is_null(value));
}

static enum error_kind read_field(struct facts *facts, const struct dump_field *row, struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    const struct field *field = &row->field;
    const json_t *value = json_object_get(facts->object, field->name);
    if (absent(value, row->required) || field_from_json(field, value, field_of(field, facts)) == VALUE_SOUND)
        return ERROR_NONE;
    return refuse(facts, field->name, field_allowed(allowed, field), error);
}

/* Rounded to f32, as in case files. */
static enum error_kind read_factor(struct facts *facts, const struct factor *factor, struct error *error)
{
    const json_t *value = json_object_get(facts->object, factor->name);
    if (absent(value, factor->required))
        return ERROR_NONE;
    float number = (float)json_number_value(value);
    if (!json_is_number(value) || !isfinite(number))
        return refuse(facts, factor->name, "numbers that f32 can hold", error);
    if (factor->of_fp8 && facts->point.problem.kv_format == KV_AS_DTYPE && number != 1)
        return refuse(facts, factor->name, "1, since k and v are not fp8", error);
    memcpy((char *)facts + factor->offset, &number, sizeof number);
    return ERROR_NONE;
}

/* The dtype of q, or fp8. */
static enum error_kind take_kv_dtype(struct facts *facts, struct error *error)
{
    struct problem_spec *problem = &facts->point.problem;
    char allowed[FIELD_ALLOWED_SIZE];
    problem->kv_format = kv_format_of(facts->kv_dtype);
    if (facts->kv_dtype == DTYPE_COUNT_WITH_FP8 || problem_spec_kv_dtype(problem) == facts->kv_dtype)
        return ERROR_NONE;
    snprintf(allowed, sizeof allowed, "%s, which is the dtype, e4m3, e5m2, e4m3fnuz", dtypes[problem->dtype].name);
    return refuse(facts, "kv_dtype", allowed, error);
}

/* The removed keys, as [first, end) pairs in ascending order. */
static enum error_kind read_mask(struct facts *facts, struct error *error)
{
    struct dumped_point *point = &facts->point;
    const json_t *mask = json_object_get(facts->object, "mask");
    if (absent(mask, false))
        return ERROR_NONE;
    if (!json_is_array(mask))
        return refuse(facts, "mask", "null or a list of [first, end)", error);
    size_t count = json_array_size(mask);
    point->masked = true;
    point->removed = calloc(count + 1, sizeof *point->removed);
    if (!point->removed)
        return error_memory(error, "a mask", (double)(count * sizeof *point->removed));
    json_int_t previous = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *range = json_array_get(mask, i), *first = json_array_get(range, 0),
                     *end = json_array_get(range, 1);
        json_int_t from = json_integer_value(first), to = json_integer_value(end);
        if (json_array_size(range) != 2 || !json_is_integer(first) || !json_is_integer(end) || from < previous ||
            to <= from || to > point->problem.seq_len)
            return error_set(error, ERROR_USAGE,
                             "%s: mask: range %zu: allowed: [first, end) in ascending order, 0 to %lld", facts->path, i,
                             (long long)point->problem.seq_len);
        point->removed[point->num_removed++] = (struct removed_keys){from, to};
        previous = to;
    }
    return ERROR_NONE;
}

/* {"before_bias": C}; sinks are a file of their own, of which there is one unless they are null. */
static enum error_kind read_soft_cap(struct facts *facts, struct error *error)
{
    const json_t *cap = json_object_get(facts->object, "soft_cap");
    if (absent(cap, false))
        return ERROR_NONE;
    for (int where = SOFT_CAP_NONE + 1; where < SOFT_CAP_COUNT; where++) {
        float value = (float)json_number_value(json_object_get(cap, soft_cap_names[where]));
        if (json_object_size(cap) == 1 && value > 0 && isfinite(value))
            facts->point.problem.soft_cap = (struct soft_cap_spec){(enum soft_cap)where, value};
    }
    return facts->point.problem.soft_cap.where
               ? ERROR_NONE
               : refuse(facts, "soft_cap", "null, {\"before_bias\": C}, {\"after_bias\": C}, C > 0", error);
}

/* What the point was called. */
static enum error_kind read_text(struct facts *facts, const char *name, char **text, struct error *error)
{
    const json_t *value = json_object_get(facts->object, name);
    if (absent(value, false))
        return ERROR_NONE;
    if (!json_is_string(value) || !*json_string_value(value) || strlen(json_string_value(value)) > DUMPED_NAME_MAX)
        return refuse(facts, name, "a text", error);
    *text = strdup(json_string_value(value));
    return *text ? ERROR_NONE : error_memory(error, name, (double)json_string_length(value));
}

/* *there: it is said. */
static enum error_kind read_digest(struct facts *facts, const char *name, uint64_t *digest, bool *there,
                                   struct error *error)
{
    const json_t *value = json_object_get(facts->object, name);
    const char *text = json_string_value(value);
    *there = !absent(value, false);
    if (!*there)
        return ERROR_NONE;
    if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        return refuse(facts, name, "16 hexadecimal digits", error);
    *digest = strtoull(text, NULL, 16);
    return ERROR_NONE;
}

/* Prints a value as YAML. A text that may stand there plain does: it may be a number. */
static bool print_value(FILE *stream, const json_t *value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+*/-";
    const char *text = json_string_value(value);
    if (text && strspn(text, plain) == strlen(text) &&
        strpbrk(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"))
        return fprintf(stream, "%s", text) > 0;
    return json_dumpf(value, stream, JSON_ENCODE_ANY | JSON_PRINT_FLAGS) == 0;
}

/* A mapping on one line. */
char *recipe_keys_text(const json_t *object)
{
    char *text = NULL;
    size_t size;
    const char *name, *before = "{";
    const json_t *value;
    FILE *stream = text_stream_open(&text, &size);
    bool complete = stream;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        complete = complete && fprintf(stream, "%s%s: ", before, name) > 0 && print_value(stream, value);
        before = ", ";
    }
    complete = complete && fprintf(stream, "%s}", *before == '{' ? "{" : "") > 0;
    if (stream && fclose(stream) == 0 && complete)
        return text;
    free(text);
    return NULL;
}

/* What ran: whoever asks for it makes sense of it. */
static enum error_kind read_arithmetic(struct facts *facts, struct error *error)
{
    const json_t *recipe = json_object_get(facts->object, "recipe_keys");
    struct dumped_point *point = &facts->point;
    bool there;
    enum error_kind kind = read_text(facts, "kernel", &point->kernel, error);
    if (!kind)
        kind = read_text(facts, "recipe", &point->recipe, error);
    if (!kind)
        kind = read_digest(facts, "recipe_digest", &point->recipe_digest, &there, error);
    if (kind || absent(recipe, false))
        return kind;
    if (!json_is_object(recipe))
        return refuse(facts, "recipe_keys", "null or an object", error);
    point->recipe_keys = recipe_keys_text(recipe);
    return point->recipe_keys ? ERROR_NONE : error_memory(error, "a recipe", 4096);
}

static enum error_kind read_tolerance(struct facts *facts, struct error *error)
{
    const json_t *tolerance = json_object_get(facts->object, "tolerance");
    const struct {
        const char *name;
        double *number;
    } parts[] = {{"atol", &facts->point.atol}, {"rtol", &facts->point.rtol}, {"lse", &facts->point.lse_tolerance}};
    for (size_t i = 0; i < COUNT(parts); i++) {
        const json_t *value = json_object_get(tolerance, parts[i].name);
        if (absent(value, false))
            continue;
        *parts[i].number = json_number_value(value);
        if (!json_is_number(value) || *parts[i].number < 0)
            return refuse(facts, "tolerance", "{\"atol\": A, \"rtol\": R, \"lse\": L}, numbers of 0 or more", error);
    }
    return ERROR_NONE;
}

static enum error_kind read_facts(struct facts *facts, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    const struct problem_spec *problem = &facts->point.problem;
    for (size_t i = 0; !kind && i < COUNT(dump_fields); i++)
        kind = read_field(facts, &dump_fields[i], error);
    if (!kind && problem->num_heads % problem->num_kv_heads != 0)
        kind = refuse(facts, "num_kv_heads", "divisors of num_heads", error);
    if (!kind)
        kind = take_kv_dtype(facts, error);
    for (size_t i = 0; !kind && i < COUNT(factors); i++)
        kind = read_factor(facts, &factors[i], error);
    if (!kind)
        kind = read_soft_cap(facts, error);
    if (!kind)
        kind = read_mask(facts, error);
    if (!kind)
        kind = read_text(facts, "key", &facts->point.key, error);
    if (!kind)
        kind = read_text(facts, "case", &facts->point.case_name, error);
    if (!kind)
        kind = read_tolerance(facts, error);
    facts->point.has_sinks = !absent(json_object_get(facts->object, "sink_logits"), false);
    if (!kind)
        kind = read_digest(facts, "input_digest", &facts->point.input_digest, &facts->point.has_digest, error);
    return kind ? kind : read_arithmetic(facts, error);
}

enum error_kind dumped_point_read(struct dumped_point *point, const char *folder, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    char quoted[PATH_QUOTE_SIZE];
    json_error_t reason;
    json_t *object = NULL;
    *point = (struct dumped_point){0};
    char *path = file_join(folder, "point.json");
    if (!path)
        return error_memory(error, "a path", (double)strlen(folder));
    quote_path(quoted, path);
    object = json_load_file(path, JSON_REJECT_DUPLICATES, &reason);
    struct facts facts = {
        .point.problem = {.num_queries = 1, .k_scale = 1, .v_scale = 1},
        .point.atol = -1,
        .point.rtol = -1,
        .point.lse_tolerance = -1,
        .kv_dtype = DTYPE_COUNT_WITH_FP8,
        .object = object,
        .path = quoted,
    };
    if (object)
        kind = read_facts(&facts, error);
    else if (reason.line < 0)
        kind = error_set(error, ERROR_USAGE, "%s: cannot be read; allowed: a folder that `run --dump` wrote", quoted);
    else
        kind = error_set(error, ERROR_USAGE, "%s:%d:%d: %s; allowed: what `run --dump` wrote", quoted, reason.line,
                         reason.column, reason.text);
    json_decref(object);
    free(path);
    *point = facts.point;
    if (kind)
        dumped_point_clear(point);
    return kind;
}

void dumped_point_clear(struct dumped_point *point)
{
    free(point->removed);
    free(point->key);
    free(point->case_name);
    free(point->kernel);
    free(point->recipe);
    free(point->recipe_keys);
    *point = (struct dumped_point){0};
}

void dumped_point_visible(uint8_t *visible, const struct dumped_point *point)
{
    memset(visible, 1, (size_t)point->problem.seq_len);
    for (size_t i = 0; i < point->num_removed; i++)
        memset(visible + point->removed[i].first, 0, (size_t)(point->removed[i].end - point->removed[i].first));
}
