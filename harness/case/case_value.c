/* The value types of case keys that stand in points: integers, names, real numbers, sentinels. Inputs have parameters
 * of their own (case_input.c). */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_keys.h"
#include "harness/case/sentinel_field.h"
#include "harness/support/suggest.h"

static int compare_integers(const union value *a, const union value *b)
{
    return (a->integer > b->integer) - (a->integer < b->integer);
}

static void *point_field(const struct key *key, const struct point *point)
{
    return (char *)point + key->field;
}

/* Fields are bool, int (enumerations too) or 64 bits wide; least + distance, in two's complement, fits each. */
static void integer_apply(const struct key *key, const union value *first, uint64_t step, struct point *point)
{
    uint64_t wide = (uint64_t)key->least + first->integer + step;
    int32_t narrow = (int32_t)(int64_t)wide;
    bool flag = wide != 0;
    const void *value = key->field_size == sizeof wide     ? (const void *)&wide
                        : key->field_size == sizeof narrow ? (const void *)&narrow
                                                           : (const void *)&flag;
    memcpy(point_field(key, point), value, key->field_size);
}

/* The field's distance from the least value. */
static uint64_t integer_load(const struct key *key, const struct point *point)
{
    uint64_t wide = 0;
    int32_t narrow = 0;
    if (key->field_size == sizeof narrow) {
        memcpy(&narrow, point_field(key, point), sizeof narrow);
        wide = (uint64_t)(int64_t)narrow;
    } else {
        memcpy(&wide, point_field(key, point), key->field_size); /* a bool is a byte, little-endian */
    }
    return wide - (uint64_t)key->least;
}

/* ---- whole numbers ---- */

enum integer_result { INTEGER_OK, INTEGER_MALFORMED, INTEGER_OUT_OF_RANGE };

/* Reads text[0..size) as a decimal integer; *distance is how far above the key's least value it is. */
static enum integer_result parse_integer(const struct key *key, const char *text, size_t size, uint64_t *distance)
{
    bool negative = size > 0 && text[0] == '-', overflow = false;
    size_t i = size > 0 && (text[0] == '-' || text[0] == '+');
    if (i == size)
        return INTEGER_MALFORMED;
    uint64_t magnitude = 0;
    for (; i < size; i++) {
        if (!isdigit((unsigned char)text[i]))
            return INTEGER_MALFORMED;
        overflow |= __builtin_mul_overflow(magnitude, 10, &magnitude);
        overflow |= __builtin_add_overflow(magnitude, (uint64_t)(text[i] - '0'), &magnitude);
    }
    /* least is above -2^63, so its magnitude and -least are representable. */
    uint64_t below_zero = key->least < 0 ? (uint64_t)-key->least : 0;
    if (negative && magnitude > 0)
        overflow |= __builtin_sub_overflow(below_zero, magnitude, distance);
    else if (key->least < 0)
        overflow |= __builtin_add_overflow(below_zero, magnitude, distance);
    else
        overflow |= __builtin_sub_overflow(magnitude, (uint64_t)key->least, distance);
    /* A negative number is out of range where zero already is. */
    overflow |= negative && magnitude > 0 && key->least >= 0;
    return overflow || *distance > key->span ? INTEGER_OUT_OF_RANGE : INTEGER_OK;
}

static enum error_kind whole_parse(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                   struct error *error)
{
    static const char *const sentences[] = {
        [INTEGER_MALFORMED] = "is not a whole number",
        [INTEGER_OUT_OF_RANGE] = "is out of range",
    };
    char allowed[ALLOWED_TEXT_SIZE];
    enum error_kind kind = scalar_check(key->name, key->type->allowed(allowed, key), node, error);
    if (kind)
        return kind;
    if (!node->plain)
        return value_error(key, node, "is quoted text, not a whole number", error);

    const char *dots = strstr(node->text, "..");
    bool range = dots && key->axis;
    size_t size = range ? (size_t)(dots - node->text) : node->size;
    uint64_t first, last;
    enum integer_result result = parse_integer(key, node->text, size, &first), end = INTEGER_OK;
    last = first;
    if (range)
        end = parse_integer(key, dots + 2, node->size - size - 2, &last);
    /* "1..x" is malformed before it is out of range. */
    if (end == INTEGER_MALFORMED || result == INTEGER_OK)
        result = end;
    if (result != INTEGER_OK)
        return value_error(key, node, sentences[result], error);
    if (last < first)
        return value_error(key, node, "is a range whose end is before its start", error);
    if (key->multiple_of && (first != last || (first + (uint64_t)key->least) % key->multiple_of))
        return value_error(key, node, first == last ? "is out of step" : "has steps and takes no range", error);
    segment->first.integer = first;
    segment->extra = last - first;
    return ERROR_NONE;
}

static char *format_integer(char *text, const struct key *key, uint64_t distance)
{
    uint64_t wide = (uint64_t)key->least + distance;
    if (key->least < 0)
        snprintf(text, VALUE_TEXT_SIZE, "%" PRId64, (int64_t)wide);
    else
        snprintf(text, VALUE_TEXT_SIZE, "%" PRIu64, wide);
    return text;
}

static char *whole_format(char *text, const struct key *key, const struct point *point)
{
    return format_integer(text, key, integer_load(key, point));
}

static char *whole_allowed(char *text, const struct key *key)
{
    char least[VALUE_TEXT_SIZE], greatest[VALUE_TEXT_SIZE], step[48] = "";
    if (key->multiple_of)
        snprintf(step, sizeof step, ", multiples of %u", key->multiple_of);
    snprintf(text, ALLOWED_TEXT_SIZE, "%s to %s%s", format_integer(least, key, 0),
             format_integer(greatest, key, key->span), step);
    return text;
}

const struct value_type type_whole = {
    .parse = whole_parse,
    .compare = compare_integers,
    .apply = integer_apply,
    .format = whole_format,
    .allowed = whole_allowed,
};

/* ---- one of a list of names ---- */

static enum error_kind choice_find(const struct key *key, const struct yaml_node *node, uint64_t *index,
                                   struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE], quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE];
    enum error_kind kind = scalar_check(key->name, key->type->allowed(allowed, key), node, error);
    if (kind)
        return kind;
    struct suggestion suggestion = {.text = node->text};
    for (*index = 0; *index < key->num_choices; ++*index) {
        if (strcmp(node->text, key->choice(*index)) == 0)
            return ERROR_NONE;
        suggestion_offer(&suggestion, key->choice(*index));
    }
    return place_error(error, &node->place, "unknown %s: %s; %sallowed: %s", key->name, yaml_quote(quoted, node),
                       suggestion_format(advice, &suggestion), allowed);
}

static bool is_word(const struct yaml_node *node, const char *word)
{
    return node->kind == YAML_SCALAR && strcmp(node->text, word) == 0;
}

static enum error_kind choice_parse(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                    struct error *error)
{
    if (!key->every || !is_word(node, key->every))
        return choice_find(key, node, &segment->first.integer, error);
    segment->extra = key->num_choices - 1;
    return ERROR_NONE;
}

static char *choice_format(char *text, const struct key *key, const struct point *point)
{
    snprintf(text, VALUE_TEXT_SIZE, "%s", key->choice(integer_load(key, point)));
    return text;
}

static char *choice_allowed(char *text, const struct key *key)
{
    int length = 0;
    for (uint64_t i = 0; i < key->num_choices && length < ALLOWED_TEXT_SIZE / 2; i++)
        length += snprintf(text + length, (size_t)(ALLOWED_TEXT_SIZE - length), "%s%s", i ? ", " : "", key->choice(i));
    if (key->every)
        snprintf(text + length, (size_t)(ALLOWED_TEXT_SIZE - length), ", %s", key->every);
    return text;
}

const struct value_type type_choice = {
    .parse = choice_parse,
    .compare = compare_integers,
    .apply = integer_apply,
    .format = choice_format,
    .allowed = choice_allowed,
};

/* ---- some of a list of names ---- */

static char *set_allowed(char *text, const struct key *key)
{
    char names[ALLOWED_TEXT_SIZE];
    snprintf(text, ALLOWED_TEXT_SIZE, "none, %.*s, lists of names", ALLOWED_TEXT_SIZE / 2, choice_allowed(names, key));
    return text;
}

static enum error_kind set_parse(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                 struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE], quoted[QUOTE_SIZE];
    bool list = node->kind == YAML_SEQUENCE;
    if (is_word(node, "none"))
        return ERROR_NONE;
    if (key->every && is_word(node, key->every)) {
        segment->first.integer = (UINT64_C(1) << key->num_choices) - 1;
        return ERROR_NONE;
    }
    if (list && !node->first)
        return place_error(error, &node->place, "%s has no values: '[]'; allowed: %s", key->name,
                           set_allowed(allowed, key));
    for (const struct yaml_node *name = list ? node->first : node; name; name = list ? name->next : NULL) {
        uint64_t index;
        if (list && (is_word(name, "none") || (key->every && is_word(name, key->every))))
            return place_error(error, &name->place, "%s takes %s alone, not in a list; allowed: %s", key->name,
                               yaml_quote(quoted, name), set_allowed(allowed, key));
        enum error_kind kind = choice_find(key, name, &index, error);
        if (kind)
            return kind;
        if (segment->first.integer >> index & 1)
            return place_error(error, &name->place, "duplicate value of %s: %s; allowed: each value once", key->name,
                               yaml_quote(quoted, name));
        segment->first.integer |= UINT64_C(1) << index;
    }
    return ERROR_NONE;
}

static void set_apply(const struct key *key, const union value *first, uint64_t step, struct point *point)
{
    (void)step;
    unsigned set = (unsigned)first->integer;
    memcpy(point_field(key, point), &set, sizeof set);
}

const struct value_type type_set = {
    .parse = set_parse,
    .apply = set_apply,
    .allowed = set_allowed,
    .takes_list = true,
};

/* ---- real numbers ---- */

static enum error_kind real_parse(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                  struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE];
    double number;
    float narrow;
    key->type->allowed(allowed, key);
    bool is_narrow = key->field_size == sizeof narrow;
    enum error_kind kind = is_narrow ? parse_float(key->name, allowed, node, &narrow, error)
                                     : parse_number(key->name, allowed, node, &number, error);
    if (kind)
        return kind;
    if (is_narrow)
        number = (double)narrow;
    if (!(number > 0 && number <= key->limit))
        return value_error(key, node, "is out of range", error);
    segment->first.number = number;
    return ERROR_NONE;
}

static int real_compare(const union value *a, const union value *b)
{
    return (a->number > b->number) - (a->number < b->number);
}

static void real_apply(const struct key *key, const union value *first, uint64_t step, struct point *point)
{
    (void)step;
    float narrow = (float)first->number;
    const void *value = key->field_size == sizeof narrow ? (const void *)&narrow : (const void *)&first->number;
    memcpy(point_field(key, point), value, key->field_size);
}

static char *real_format(char *text, const struct key *key, const struct point *point)
{
    float narrow;
    double wide;
    if (key->field_size == sizeof narrow) {
        memcpy(&narrow, point_field(key, point), sizeof narrow);
        return format_float(text, narrow);
    }
    memcpy(&wide, point_field(key, point), sizeof wide);
    return format_double(text, wide);
}

static char *real_allowed(char *text, const struct key *key)
{
    if (key->field_size == sizeof(float))
        snprintf(text, ALLOWED_TEXT_SIZE, "numbers above 0 that f32 can hold");
    else
        snprintf(text, ALLOWED_TEXT_SIZE, "numbers above 0 up to %g", key->limit);
    return text;
}

const struct value_type type_real = {
    .parse = real_parse,
    .compare = real_compare,
    .apply = real_apply,
    .format = real_format,
    .allowed = real_allowed,
};

/* ---- sentinel ---- */

static enum error_kind sentinel_value_parse(const struct key *key, const struct yaml_node *node,
                                            struct segment *segment, struct error *error)
{
    return sentinel_own.read(&(struct field){.name = key->name}, node, &segment->first.sentinel, error);
}

static int sentinel_compare(const union value *a, const union value *b)
{
    return sentinel_own.compare(NULL, &a->sentinel, &b->sentinel);
}

static void sentinel_apply(const struct key *key, const union value *first, uint64_t step, struct point *point)
{
    (void)step;
    memcpy(point_field(key, point), &first->sentinel, sizeof first->sentinel);
}

static char *sentinel_value_format(char *text, const struct key *key, const struct point *point)
{
    return sentinel_own.format(text, NULL, point_field(key, point));
}

static char *sentinel_allowed(char *text, const struct key *key)
{
    (void)key;
    return sentinel_own.allowed(text, NULL);
}

const struct value_type type_sentinel = {
    .parse = sentinel_value_parse,
    .compare = sentinel_compare,
    .apply = sentinel_apply,
    .format = sentinel_value_format,
    .allowed = sentinel_allowed,
};
