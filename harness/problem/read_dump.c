#include "harness/problem/read_dump.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "harness/support/file.h"
#include "harness/support/source.h"

#define WHOLE_MAX (INT64_C(1) << 53)

struct whole_field {
    const char *name;
    bool required;
    int64_t low, high;
    size_t field; /* of an int64_t in struct dumped_point, which holds what a field that is left out means */
};

static const struct whole_field whole_fields[] = {
    {"seq_len", true, 1, INT64_C(1) << 40, offsetof(struct dumped_point, seq_len)},
    {"num_heads", true, 1, 1024, offsetof(struct dumped_point, num_heads)},
    {"num_kv_heads", true, 1, 1024, offsetof(struct dumped_point, num_kv_heads)},
    {"head_dim", true, 1, 65536, offsetof(struct dumped_point, head_dim)},
    {"q_position", true, -WHOLE_MAX, WHOLE_MAX, offsetof(struct dumped_point, q_position)},
    {"kv_offset", false, -WHOLE_MAX, WHOLE_MAX, offsetof(struct dumped_point, kv_offset)},
};

/* A field as a word among names. */
struct word_field {
    const char *name;
    bool required;
    const char *(*word)(int index);
    int count;
    size_t field; /* of an enum in struct dumped_point */
};

static const char *dtype_word(int index)
{
    return dtypes[index].name;
}

static const char *bias_word(int index)
{
    return bias_form_names[index];
}

static const struct word_field word_fields[] = {
    {"dtype", true, dtype_word, DTYPE_COUNT, offsetof(struct dumped_point, dtype)},
    {"kv_dtype", false, dtype_word, DTYPE_COUNT_WITH_FP8, offsetof(struct dumped_point, kv_dtype)},
    {"bias", false, bias_word, BIAS_NONE, offsetof(struct dumped_point, bias)},
};

_Static_assert(sizeof(enum dtype) == sizeof(int) && sizeof(enum bias_form) == sizeof(int), "words are stored as int");

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* What is left out or null is left as it is, unless it is required. */
static bool absent(const json_t *value, bool required)
{
    return !required && (!value || json_is_null(value));
}

static enum error_kind read_whole(struct dumped_point *point, const struct whole_field *field, const json_t *object,
                                  const char *path, struct error *error)
{
    const json_t *value = json_object_get(object, field->name);
    if (absent(value, field->required))
        return ERROR_NONE;
    if (!json_is_integer(value) || json_integer_value(value) < field->low || json_integer_value(value) > field->high)
        return error_set(error, ERROR_USAGE, "%s: %s: allowed: whole numbers %lld to %lld", path, field->name,
                         (long long)field->low, (long long)field->high);
    *(int64_t *)((char *)point + field->field) = json_integer_value(value);
    return ERROR_NONE;
}

static enum error_kind read_word(struct dumped_point *point, const struct word_field *field, const json_t *object,
                                 const char *path, struct error *error)
{
    char allowed[64] = "";
    const json_t *value = json_object_get(object, field->name);
    if (absent(value, field->required))
        return ERROR_NONE;
    for (int i = 0; i < field->count; i++) {
        if (json_is_string(value) && !strcmp(json_string_value(value), field->word(i))) {
            *(int *)((char *)point + field->field) = i;
            return ERROR_NONE;
        }
        size_t size = strlen(allowed);
        snprintf(allowed + size, sizeof allowed - size, "%s%s", i ? ", " : "", field->word(i));
    }
    return error_set(error, ERROR_USAGE, "%s: %s: allowed: %s", path, field->name, allowed);
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
    for (size_t i = 0; !kind && i < COUNT(whole_fields); i++)
        kind = read_whole(point, &whole_fields[i], object, path, error);
    if (!kind)
        kind = read_word(point, &word_fields[0], object, path, error);
    point->kv_dtype = point->dtype;
    for (size_t i = 1; !kind && i < COUNT(word_fields); i++)
        kind = read_word(point, &word_fields[i], object, path, error);
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
