#include "harness/problem/read_dump.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "harness/support/field_json.h"
#include "harness/support/file.h"
#include "harness/support/source.h"

#define WHOLE_MAX (INT64_C(1) << 53)

#define MEMBER(member) .name = #member, FIELD_MEMBER(struct dumped_point, member)
#define WHOLE(from, to) .type = FIELD_WHOLE, .whole = {(from), (to), 0}, .range_prefix = "whole numbers "

/* struct dumped_point holds what a field that is left out means. */
static const struct dump_field {
    struct field field;
    bool required;
} dump_fields[] = {
    {.field = {MEMBER(seq_len), WHOLE(1, INT64_C(1) << 40)}, .required = true},
    {.field = {MEMBER(num_heads), WHOLE(1, 1024)}, .required = true},
    {.field = {MEMBER(num_kv_heads), WHOLE(1, 1024)}, .required = true},
    {.field = {MEMBER(head_dim), WHOLE(1, 65536)}, .required = true},
    {.field = {MEMBER(q_position), WHOLE(-WHOLE_MAX, WHOLE_MAX)}, .required = true},
    {.field = {MEMBER(kv_offset), WHOLE(-WHOLE_MAX, WHOLE_MAX)}},
    {.field = {MEMBER(dtype), .type = FIELD_CHOICE, .names = FIELD_NAMES_OF(dtypes, name, DTYPE_COUNT)},
     .required = true},
    {.field = {MEMBER(kv_dtype), .type = FIELD_CHOICE, .names = FIELD_NAMES_OF(dtypes, name, DTYPE_COUNT_WITH_FP8)}},
    {.field = {MEMBER(bias), .type = FIELD_CHOICE, .names = FIELD_NAMES_FIRST(bias_form_names, BIAS_NONE)}},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* What is left out or null is left as it is, unless it is required. */
static bool absent(const json_t *value, bool required)
{
    return !required && (!value || json_is_null(value));
}

static enum error_kind read_field(struct dumped_point *point, const struct dump_field *row, const json_t *object,
                                  const char *path, struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    const struct field *field = &row->field;
    const json_t *value = json_object_get(object, field->name);
    if (absent(value, row->required) || field_from_json(field, value, field_of(field, point)) == VALUE_SOUND)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "%s: %s: allowed: %s", path, field->name, field_allowed(allowed, field));
}

static enum error_kind read_factor(double *factor, const char *name, bool required, const json_t *object,
                                   const char *path, struct error *error)
{
    const json_t *value = json_object_get(object, name);
    if (absent(value, required))
        return ERROR_NONE;
    if (!json_is_number(value) || !isfinite((float)json_number_value(value)))
        return error_set(error, ERROR_USAGE, "%s: %s: allowed: numbers that f32 can hold", path, name);
    *factor *= json_number_value(value);
    return ERROR_NONE;
}

/* The removed keys, as [first, end) pairs in ascending order. */
static enum error_kind read_mask(struct dumped_point *point, const json_t *object, const char *path,
                                 struct error *error)
{
    const json_t *mask = json_object_get(object, "mask");
    if (absent(mask, false))
        return ERROR_NONE;
    point->visible = malloc((size_t)point->seq_len);
    if (!point->visible)
        return error_memory(error, "a mask", (double)point->seq_len);
    memset(point->visible, 1, (size_t)point->seq_len);
    json_int_t previous = 0;
    for (size_t i = 0; i < json_array_size(mask); i++) {
        const json_t *range = json_array_get(mask, i), *first = json_array_get(range, 0),
                     *end = json_array_get(range, 1);
        json_int_t from = json_integer_value(first), to = json_integer_value(end);
        if (json_array_size(range) != 2 || !json_is_integer(first) || !json_is_integer(end) || from < previous ||
            to <= from || to > point->seq_len)
            return error_set(error, ERROR_USAGE,
                             "%s: mask: range %zu: allowed: [first, end) in ascending order, 0 to %lld", path, i,
                             (long long)point->seq_len);
        memset(point->visible + from, 0, (size_t)(to - from));
        previous = to;
    }
    if (!json_is_array(mask))
        return error_set(error, ERROR_USAGE, "%s: mask: allowed: null or a list of [first, end)", path);
    return ERROR_NONE;
}

static enum error_kind read_fields(struct dumped_point *point, const json_t *object, const char *path,
                                   struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    point->kv_dtype = DTYPE_COUNT_WITH_FP8;
    for (size_t i = 0; !kind && i < COUNT(dump_fields); i++)
        kind = read_field(point, &dump_fields[i], object, path, error);
    if (point->kv_dtype == DTYPE_COUNT_WITH_FP8)
        point->kv_dtype = point->dtype;
    if (!kind)
        kind = read_factor(&point->scale, "scale", true, object, path, error);
    if (!kind)
        kind = read_factor(&point->scale, "k_scale", false, object, path, error);
    return kind ? kind : read_mask(point, object, path, error);
}

enum error_kind dumped_point_read(struct dumped_point *point, const char *folder, struct error *error)
{
    *point = (struct dumped_point){.scale = 1};
    enum error_kind kind = ERROR_NONE;
    char quoted[PATH_QUOTE_SIZE];
    json_error_t reason;
    json_t *object = NULL;
    char *path = file_join(folder, "point.json");
    if (!path)
        return error_memory(error, "a path", (double)strlen(folder));
    quote_path(quoted, path);
    object = json_load_file(path, JSON_REJECT_DUPLICATES, &reason);
    if (object)
        kind = read_fields(point, object, quoted, error);
    else if (reason.line < 0)
        kind = error_set(error, ERROR_USAGE, "%s: cannot be read; allowed: a folder that `run --dump` wrote", quoted);
    else
        kind = error_set(error, ERROR_USAGE, "%s:%d:%d: %s; allowed: what `run --dump` wrote", quoted, reason.line,
                         reason.column, reason.text);
    json_decref(object);
    free(path);
    if (kind)
        dumped_point_clear(point);
    return kind;
}

void dumped_point_clear(struct dumped_point *point)
{
    free(point->visible);
    point->visible = NULL;
}
