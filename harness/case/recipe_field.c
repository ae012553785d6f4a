#include "harness/case/recipe_field.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_keys.h"
#include "harness/support/suggest.h"
#include "reference/error_bound.h"

static void *recipe_field_of(const struct recipe_field *field, struct recipe *recipe)
{
    return (char *)recipe + field->offset;
}

static const void *recipe_field_in(const struct recipe_field *field, const struct recipe *recipe)
{
    return (const char *)recipe + field->offset;
}

static enum error_kind recipe_field_error(const struct recipe_field *field, const struct yaml_node *node,
                                          const char *what, struct error *error)
{
    char quoted[QUOTE_SIZE], allowed[RECIPE_ALLOWED_SIZE];
    return place_error(error, &node->place, "%s %s: %s; allowed: %s", field->name, what, yaml_quote(quoted, node),
                       field->type->allowed(allowed, field));
}

/* ---- numbers, some of which have names --------------------------------------------------------------------------- */

static const struct {
    const char *name;
    float value;
} named_numbers[] = {
    {"-FLT_MAX", -FLT_MAX},     {"-FLT_MAX/2", -FLT_MAX / 2}, {"-0.7*FLT_MAX", (float)(-0.7 * (double)FLT_MAX)},
    {"bf16_min", -0x1.fep127f}, {"f16_min", -65504.0f},
};

enum { NUM_NAMED_NUMBERS = sizeof named_numbers / sizeof named_numbers[0] };

static bool named_number(const struct yaml_node *node, float *value)
{
    for (size_t i = 0; node->kind == YAML_SCALAR && i < NUM_NAMED_NUMBERS; i++)
        if (strcmp(node->text, named_numbers[i].name) == 0) {
            *value = named_numbers[i].value;
            return true;
        }
    return false;
}

static char *number_text(char *text, float number)
{
    for (size_t i = 0; i < NUM_NAMED_NUMBERS; i++)
        if (number == named_numbers[i].value) {
            snprintf(text, RECIPE_FIELD_TEXT_SIZE, "%s", named_numbers[i].name);
            return text;
        }
    return format_float(text, number);
}

static enum error_kind float_parse(const struct recipe_field *field, const struct yaml_node *node, float *value,
                                   struct error *error)
{
    char allowed[RECIPE_ALLOWED_SIZE];
    enum error_kind kind = ERROR_NONE;
    if (!named_number(node, value))
        kind = parse_float(field->name, field->type->allowed(allowed, field), node, value, error);
    if (kind)
        return kind;
    if (!((double)*value >= field->least && (double)*value <= field->greatest))
        return recipe_field_error(field, node, "is out of range", error);
    return ERROR_NONE;
}

static enum error_kind recipe_number_parse(const struct recipe_field *field, const struct yaml_node *node,
                                           struct recipe *recipe, struct error *error)
{
    return float_parse(field, node, recipe_field_of(field, recipe), error);
}

static char *number_format(char *text, const struct recipe_field *field, const struct recipe *recipe)
{
    float number;
    memcpy(&number, recipe_field_in(field, recipe), sizeof number);
    return number_text(text, number);
}

static char *number_allowed(char *text, const struct recipe_field *field)
{
    snprintf(text, RECIPE_ALLOWED_SIZE, "numbers from %g to %g", field->least, field->greatest);
    return text;
}

static const struct recipe_field_type type_number = {recipe_number_parse, number_format, number_allowed};

static enum error_kind integer_parse(const struct recipe_field *field, const struct yaml_node *node,
                                     struct recipe *recipe, struct error *error)
{
    char allowed[RECIPE_ALLOWED_SIZE];
    double number;
    enum error_kind kind = parse_number(field->name, field->type->allowed(allowed, field), node, &number, error);
    if (kind)
        return kind;
    if (number != trunc(number))
        return recipe_field_error(field, node, "is not a whole number", error);
    if (!(number >= field->least && number <= field->greatest))
        return recipe_field_error(field, node, "is out of range", error);
    int value = (int)number;
    memcpy(recipe_field_of(field, recipe), &value, sizeof value);
    return ERROR_NONE;
}

static char *integer_format(char *text, const struct recipe_field *field, const struct recipe *recipe)
{
    int value;
    memcpy(&value, recipe_field_in(field, recipe), sizeof value);
    snprintf(text, RECIPE_FIELD_TEXT_SIZE, "%d", value);
    return text;
}

static char *integer_allowed(char *text, const struct recipe_field *field)
{
    snprintf(text, RECIPE_ALLOWED_SIZE, "whole numbers from %g to %g", field->least, field->greatest);
    return text;
}

static const struct recipe_field_type type_integer = {integer_parse, integer_format, integer_allowed};

/* ---- names ------------------------------------------------------------------------------------------------------- */

static enum error_kind choice_parse(const struct recipe_field *field, const struct yaml_node *node,
                                    struct recipe *recipe, struct error *error)
{
    char allowed[RECIPE_ALLOWED_SIZE], quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE];
    enum error_kind kind = scalar_check(field->name, field->type->allowed(allowed, field), node, error);
    if (kind)
        return kind;
    struct suggestion suggestion = {.text = node->text};
    for (int choice = 0; choice < field->num_choices; choice++) {
        bool flag = choice != 0;
        if (strcmp(node->text, field->choices[choice]) == 0) {
            memcpy(recipe_field_of(field, recipe), field->size == sizeof flag ? (const void *)&flag : &choice,
                   field->size);
            return ERROR_NONE;
        }
        suggestion_offer(&suggestion, field->choices[choice]);
    }
    return place_error(error, &node->place, "unknown %s: %s; %sallowed: %s", field->name, yaml_quote(quoted, node),
                       suggestion_format(advice, &suggestion), allowed);
}

static char *choice_format(char *text, const struct recipe_field *field, const struct recipe *recipe)
{
    int choice = 0; /* little-endian: a bool is its low byte */
    memcpy(&choice, recipe_field_in(field, recipe), field->size);
    snprintf(text, RECIPE_FIELD_TEXT_SIZE, "%s", field->choices[choice]);
    return text;
}

static char *choice_allowed(char *text, const struct recipe_field *field)
{
    int length = 0;
    for (int i = 0; i < field->num_choices && length < RECIPE_ALLOWED_SIZE; i++)
        length +=
            snprintf(text + length, (size_t)(RECIPE_ALLOWED_SIZE - length), "%s%s", i ? ", " : "", field->choices[i]);
    return text;
}

static const struct recipe_field_type type_name = {choice_parse, choice_format, choice_allowed};

/* ---- the sentinel and the initial maximum ------------------------------------------------------------------------ */

static enum error_kind sentinel_parse_field(const struct recipe_field *field, const struct yaml_node *node,
                                            struct recipe *recipe, struct error *error)
{
    static const struct key key = {.name = "sentinel", .type = &type_sentinel};
    struct segment segment = {.extra = 0};
    float value;
    if (named_number(node, &value)) {
        recipe->sentinel = (struct sentinel){.policy = SENTINEL_VALUE, .value = value};
        return ERROR_NONE;
    }
    (void)field;
    enum error_kind kind = type_sentinel.parse(&key, node, &segment, error);
    if (!kind)
        recipe->sentinel = segment.first.sentinel;
    return kind;
}

static char *sentinel_format_field(char *text, const struct recipe_field *field, const struct recipe *recipe)
{
    (void)field;
    if (recipe->sentinel.policy == SENTINEL_VALUE)
        return number_text(text, recipe->sentinel.value);
    _Static_assert((int)RECIPE_FIELD_TEXT_SIZE >= (int)SENTINEL_TEXT_SIZE, "sentinel_format's text");
    return sentinel_format(text, &recipe->sentinel);
}

/* "-FLT_MAX, -FLT_MAX/2, ...": the names of numbers. */
static char *named_allowed(char *text, const char *before)
{
    int length = snprintf(text, RECIPE_ALLOWED_SIZE, "%s", before);
    for (size_t i = 0; i < NUM_NAMED_NUMBERS; i++)
        length += snprintf(text + length, (size_t)(RECIPE_ALLOWED_SIZE - length), ", %s", named_numbers[i].name);
    return text;
}

static char *sentinel_allowed_field(char *text, const struct recipe_field *field)
{
    (void)field;
    return named_allowed(text, "exclude, adaptive, -inf, a negative number that f32 can hold");
}

static const struct recipe_field_type type_sentinel_field = {sentinel_parse_field, sentinel_format_field,
                                                             sentinel_allowed_field};

static const char *const initial_max_names[INITIAL_MAX_COUNT] = {
    [INITIAL_MAX_AS_SENTINEL] = "as_sentinel",
    [INITIAL_MAX_INFINITY] = "-inf",
};

static enum error_kind initial_max_parse(const struct recipe_field *field, const struct yaml_node *node,
                                         struct recipe *recipe, struct error *error)
{
    bool scalar = node->kind == YAML_SCALAR;
    float value = 0;
    enum initial_max initial_max = INITIAL_MAX_VALUE;
    for (int i = 0; scalar && i < INITIAL_MAX_COUNT; i++)
        if (initial_max_names[i] && strcmp(node->text, initial_max_names[i]) == 0)
            initial_max = (enum initial_max)i;
    if (scalar && strcmp(node->text, "-.inf") == 0)
        initial_max = INITIAL_MAX_INFINITY;
    enum error_kind kind = initial_max == INITIAL_MAX_VALUE ? float_parse(field, node, &value, error) : ERROR_NONE;
    if (kind)
        return kind;
    recipe->initial_max = initial_max;
    recipe->initial_max_value = value;
    return ERROR_NONE;
}

static char *initial_max_format(char *text, const struct recipe_field *field, const struct recipe *recipe)
{
    (void)field;
    if (recipe->initial_max == INITIAL_MAX_VALUE)
        return number_text(text, recipe->initial_max_value);
    snprintf(text, RECIPE_FIELD_TEXT_SIZE, "%s", initial_max_names[recipe->initial_max]);
    return text;
}

static char *initial_max_allowed(char *text, const struct recipe_field *field)
{
    (void)field;
    return named_allowed(text, "as_sentinel, -inf, a number up to 0 that f32 can hold");
}

static const struct recipe_field_type type_initial_max = {initial_max_parse, initial_max_format, initial_max_allowed};

/* ---- the table --------------------------------------------------------------------------------------------------- */

#define FIELD(member) .offset = offsetof(struct recipe, member), .size = sizeof(((struct recipe *)0)->member)
#define NAMES(names) .type = &type_name, .choices = (names), .num_choices = (int)(sizeof(names) / sizeof *(names))
#define NUMBER(from, to) .type = &type_number, .least = (from), .greatest = (to)

_Static_assert(sizeof(enum bias_form) == sizeof(int), "fields that are enumerations are read as int");
_Static_assert(offsetof(struct recipe, initial_max_value) == offsetof(struct recipe, initial_max) + sizeof(int) &&
                   sizeof(struct sentinel) == sizeof(int) + sizeof(float),
               "fields of two members have no padding");

const struct recipe_field recipe_fields[NUM_RECIPE_FIELDS] = {
    {.name = "sentinel",
     .type = &type_sentinel_field,
     FIELD(sentinel),
     .about = "What stands in for -inf as a masked key's logit, in the units of the kernel's logits: base 2 where "
              "log2e is folded."},
    {.name = "masked_entry",
     NAMES(masked_entry_names),
     FIELD(masked_entry),
     .about = "A masked logit is the sentinel, or what it would be plus the sentinel."},
    {.name = "initial_max",
     .type = &type_initial_max,
     .offset = offsetof(struct recipe, initial_max),
     .size = sizeof(int) + sizeof(float),
     .least = -(double)FLT_MAX,
     .greatest = 0,
     .about = "The maximum before the first key. as_sentinel: the sentinel, -inf where that is exclude."},
    {.name = "initial_sum", NUMBER(0, 1), FIELD(initial_sum), .about = "The sum of weights before the first key."},
    {.name = "guards",
     NAMES(guards_names),
     FIELD(guards),
     .about = "Where a maximum is -inf. false: inf - inf is formed; zero_max: it becomes 0 and stays the maximum."},
    {.name = "empty_row",
     NAMES(empty_row_names),
     FIELD(empty_row),
     .about = "A row whose sum is 0: output 0, or 0 / 0; or output 0 also where its maximum equals the sentinel."},
    {.name = "epsilon", NUMBER(0, 1), FIELD(epsilon), .about = "Added to every denominator."},
    {.name = "division",
     NAMES(division_names),
     FIELD(division),
     .about = "By the sum: IEEE, or a product with rcp.approx.ftz of it."},
    {.name = "masked_values",
     NAMES(masked_values_names),
     FIELD(masked_values),
     .about = "v of keys that a mask removes: not read, or read and multiplied by a weight of 0; or that of slots past "
              "the end "
              "of the cache too."},
    {.name = "bias",
     NAMES(bias_form_names),
     FIELD(bias),
     .about = "slope * (j - q_position), slope * j, or none at all."},
    {.name = "slopes",
     NAMES(slopes_source_names),
     FIELD(slopes),
     .about = "The slopes of the problem, or the kernel's own for num_heads heads by a convention."},
    {.name = "slopes_max_bias",
     NUMBER(0, 64),
     FIELD(slopes_max_bias),
     .about = "max_bias of the kernel's own slopes; 0: 8."},
    {.name = "slope_dtype", NAMES(dtype_rounding_names), FIELD(slope_dtype), .about = "What slopes are rounded to."},
    {.name = "position_dtype",
     NAMES(dtype_rounding_names),
     FIELD(position_dtype),
     .about = "What positions or distances are rounded to before the product with the slope."},
    {.name = "bias_dtype", NAMES(dtype_rounding_names), FIELD(bias_dtype), .about = "What biases are rounded to."},
    {.name = "positions",
     NAMES(positions_names),
     FIELD(positions),
     .about = "Where keys are: global, within their chunk alone, or as magnitudes of a distance from a query at 0."},
    {.name = "positive_bias",
     NAMES(positive_bias_names),
     FIELD(positive_bias),
     .about = "Keys whose bias is positive, with slopes above 0 those newer than the query: kept or masked."},
    {.name = "key_shift",
     .type = &type_integer,
     .least = -65536,
     .greatest = 65536,
     FIELD(key_shift),
     .about = "Keys by which every distance is off."},
    {.name = "scale_entry",
     NAMES(scale_entry_names),
     FIELD(scale_entry),
     .about = "scale * q.k + bias, (scale q).k + bias, or scale * (q.k + bias / scale)."},
    {.name = "log2e",
     NAMES(log2e_entry_names),
     FIELD(log2e),
     .about = "Where log2(e) enters: in scale and slopes (logits in base 2), or at the exponential."},
    {.name = "dot_dtype",
     NAMES(dtype_rounding_names),
     FIELD(dot_dtype),
     .about = "What every product and sum of q.k is rounded to."},
    {.name = "logit_dtype", NAMES(dtype_rounding_names), FIELD(logit_dtype), .about = "What logits are rounded to."},
    {.name = "weight_dtype",
     NAMES(dtype_rounding_names),
     FIELD(weight_dtype),
     .about = "What weights are rounded to before the product with v; their sum takes them unrounded."},
    {.name = "exponential",
     NAMES(exponential_names),
     FIELD(exponential),
     .about = "A polynomial for 2^x, ex2.approx.ftz, exp2f, or expf of natural logits."},
    {.name = "max_offset",
     NUMBER(0, ERROR_BOUND_MAX_OFFSET),
     FIELD(max_offset),
     .about = "Added to every maximum, in nats."},
    {.name = "merge",
     NAMES(merge_form_names),
     FIELD(merge),
     .about = "How chunks come together: undivided outputs by maximum and sum, divided ones by the same, or divided "
              "ones by lse."},
    {.name = "partial_dtype",
     NAMES(dtype_rounding_names),
     FIELD(partial_dtype),
     .about = "What the outputs of chunks are rounded to."},
    {.name = "merge_cutoff",
     NUMBER(-1000, 0),
     FIELD(merge_cutoff),
     .about = "Chunks whose factor is below exp of this count as 0; 0: none do."},
};

const struct recipe recipe_sound = {.sentinel = {.policy = SENTINEL_EXCLUDE}};

int recipe_compare(const struct recipe *a, const struct recipe *b)
{
    int order = 0;
    for (size_t i = 0; i < NUM_RECIPE_FIELDS && !order; i++)
        order =
            memcmp(recipe_field_in(&recipe_fields[i], a), recipe_field_in(&recipe_fields[i], b), recipe_fields[i].size);
    return order;
}

bool recipe_field_equal(const struct recipe_field *field, const struct recipe *a, const struct recipe *b)
{
    return memcmp(recipe_field_in(field, a), recipe_field_in(field, b), field->size) == 0;
}

void recipe_field_copy(const struct recipe_field *field, struct recipe *recipe, const struct recipe *from)
{
    memcpy(recipe_field_of(field, recipe), recipe_field_in(field, from), field->size);
}

const struct recipe_field *recipe_field_find(const char *name)
{
    for (size_t i = 0; i < NUM_RECIPE_FIELDS; i++)
        if (strcmp(name, recipe_fields[i].name) == 0)
            return &recipe_fields[i];
    return NULL;
}
