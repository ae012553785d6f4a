#include "harness/case/recipe_value.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#include "harness/case/sentinel_field.h"
#include "harness/support/field_yaml.h"
#include "kernels/recipe.h"

/* ---- numbers, some of which have names --------------------------------------------------------------------------- */

const struct field_number named_numbers[NUM_NAMED_NUMBERS] = {
    {"-FLT_MAX", -(double)FLT_MAX},
    {"-FLT_MAX/2", -(double)FLT_MAX / 2},
    {"-0.7*FLT_MAX", (double)(float)(-0.7 * (double)FLT_MAX)},
    {"bf16_min", -0x1.fep127},
    {"f16_min", -65504.0},
};

enum { FACTOR_MAX = 65536 };

/* A number as a member of its own, of a field that holds more. allowed: what the field allows, its caller's. */
static struct field number_of(const struct field *field, const char *allowed)
{
    return (struct field){.name = field->name, .size = sizeof(float), NUMBER(-(double)FLT_MAX, 0), .allowed = allowed};
}

/* "..., -FLT_MAX, -FLT_MAX/2, ...": the names of numbers. */
static char *named_allowed(char *text, const char *before)
{
    int length = snprintf(text, FIELD_ALLOWED_SIZE, "%s", before);
    for (size_t i = 0; i < NUM_NAMED_NUMBERS; i++)
        length += snprintf(text + length, (size_t)(FIELD_ALLOWED_SIZE - length), ", %s", named_numbers[i].name);
    return text;
}

static bool is_word(const struct yaml_node *node, const char *word)
{
    return word && node->kind == YAML_SCALAR && strcmp(node->text, word) == 0;
}

/* ---- the sentinel ------------------------------------------------------------------------------------------------ */

static enum error_kind sentinel_read(const struct field *field, const struct yaml_node *node, void *member,
                                     struct error *error)
{
    for (size_t i = 0; i < NUM_NAMED_NUMBERS; i++)
        if (is_word(node, named_numbers[i].name)) {
            *(struct sentinel *)member =
                (struct sentinel){.policy = SENTINEL_VALUE, .value = (float)named_numbers[i].value};
            return ERROR_NONE;
        }
    return sentinel_own.read(field, node, member, error);
}

static char *sentinel_write(char *text, const struct field *field, const void *member)
{
    const struct sentinel *sentinel = member;
    struct field number = number_of(field, NULL);
    return sentinel->policy == SENTINEL_VALUE ? field_format(text, &number, &sentinel->value)
                                              : sentinel_own.format(text, field, member);
}

static char *sentinel_allowed(char *text, const struct field *field)
{
    char unnamed[FIELD_ALLOWED_SIZE];
    return named_allowed(text, sentinel_own.allowed(unnamed, field));
}

const struct field_own recipe_sentinel_own = {sentinel_read, sentinel_write, sentinel_allowed, NULL};

/* ---- the initial maximum ----------------------------------------------------------------------------------------- */

struct initial_max_member {
    enum initial_max initial_max;
    float value; /* 0 where it is none of its own */
};

_Static_assert(offsetof(struct recipe, initial_max_value) == offsetof(struct recipe, initial_max) + sizeof(int) &&
                   sizeof(struct initial_max_member) == sizeof(int) + sizeof(float) &&
                   sizeof(struct sentinel) == sizeof(int) + sizeof(float),
               "fields of two members have no padding");

static const char *const initial_max_names[INITIAL_MAX_COUNT] = {
    [INITIAL_MAX_AS_SENTINEL] = "as_sentinel",
    [INITIAL_MAX_INFINITY] = "-inf",
};

static char *initial_max_allowed(char *text, const struct field *field)
{
    (void)field;
    return named_allowed(text, "as_sentinel, -inf, a number up to 0 that f32 can hold");
}

static enum error_kind initial_max_read(const struct field *field, const struct yaml_node *node, void *member,
                                        struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    struct field number = number_of(field, initial_max_allowed(allowed, field));
    struct initial_max_member read = {.initial_max = INITIAL_MAX_VALUE};
    for (int i = 0; i < INITIAL_MAX_COUNT; i++)
        if (is_word(node, initial_max_names[i]))
            read.initial_max = (enum initial_max)i;
    if (is_word(node, "-.inf"))
        read.initial_max = INITIAL_MAX_INFINITY;
    enum error_kind kind =
        read.initial_max == INITIAL_MAX_VALUE ? field_read(&number, node, &read.value, error) : ERROR_NONE;
    if (!kind)
        memcpy(member, &read, sizeof read);
    return kind;
}

static char *initial_max_write(char *text, const struct field *field, const void *member)
{
    struct field number = number_of(field, NULL);
    struct initial_max_member written;
    memcpy(&written, member, sizeof written);
    if (written.initial_max == INITIAL_MAX_VALUE)
        return field_format(text, &number, &written.value);
    snprintf(text, FIELD_TEXT_SIZE, "%s", initial_max_names[written.initial_max]);
    return text;
}

const struct field_own initial_max_own = {initial_max_read, initial_max_write, initial_max_allowed, NULL};

/* ---- a factor ---------------------------------------------------------------------------------------------------- */

/* Held as 0 where it is 1, so that 1 is no choice of a recipe's. */
static enum error_kind factor_read(const struct field *field, const struct yaml_node *node, void *member,
                                   struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    struct field number = {
        .name = field->name,
        .size = sizeof(float),
        .type = FIELD_REAL,
        .real = {-FACTOR_MAX, FACTOR_MAX, false},
        .allowed = field->own->allowed(allowed, field),
    };
    float factor;
    enum error_kind kind = field_read(&number, node, &factor, error);
    if (!kind && factor == 0)
        return field_error(&number, node, "is 0", error);
    if (!kind && factor == 1)
        factor = 0;
    if (!kind)
        memcpy(member, &factor, sizeof factor);
    return kind;
}

static char *factor_write(char *text, const struct field *field, const void *member)
{
    struct field number = {.name = field->name, .size = sizeof(float), .type = FIELD_REAL};
    float factor;
    memcpy(&factor, member, sizeof factor);
    if (factor == 0)
        factor = 1;
    return field_format(text, &number, &factor);
}

static char *factor_allowed(char *text, const struct field *field)
{
    (void)field;
    snprintf(text, FIELD_ALLOWED_SIZE, "numbers from -%d to %d but 0", FACTOR_MAX, FACTOR_MAX);
    return text;
}

const struct field_own factor_own = {factor_read, factor_write, factor_allowed, NULL};
