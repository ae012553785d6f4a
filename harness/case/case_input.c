/* The value of the key `input`: a distribution's name, or a mapping of it and its parameters. */
#include <float.h>
#include <string.h>

#include "harness/case/case_keys.h"
#include "harness/case/case_parameter.h"

#define READ_BY(distribution) (1u << DISTRIBUTION_##distribution)

#define NORMALS (READ_BY(NORMAL) | READ_BY(OUTLIERS) | READ_BY(CANCELLING) | READ_BY(ONEHOT) | READ_BY(LOGIT_FLOOR))

#define NUMBER(member, kinds, type, least, greatest, allowed) \
    PARAMETER_NUMBER(input_spec, member, kinds, type, least, greatest, allowed)

/* Values stay within f32, in which inputs are made. */
static const struct parameter parameters[] = {
    NUMBER(mean, NORMALS, DOUBLE, -FLT_MAX, FLT_MAX, "numbers that f32 can hold"),
    NUMBER(stddev, NORMALS, DOUBLE, 0, FLT_MAX, "numbers from 0 on that f32 can hold"),
    NUMBER(low, READ_BY(UNIFORM), DOUBLE, -FLT_MAX, FLT_MAX, "numbers that f32 can hold"),
    NUMBER(high, READ_BY(UNIFORM), DOUBLE, -FLT_MAX, FLT_MAX, "numbers that f32 can hold"),
    NUMBER(value, READ_BY(CONSTANT) | READ_BY(LOGIT_FLOOR), DOUBLE, -FLT_MAX, FLT_MAX, "numbers that f32 can hold"),
    NUMBER(spread, READ_BY(LOGIT_FLOOR), DOUBLE, 0, FLT_MAX, "numbers from 0 on that f32 can hold"),
    NUMBER(channels, READ_BY(OUTLIERS), INT, 1, HEAD_DIM_MAX, "whole numbers from 1 to head_dim"),
    NUMBER(factor, READ_BY(OUTLIERS) | READ_BY(ONEHOT), DOUBLE, FLT_MIN, FLT_MAX, "numbers above 0 that f32 can hold"),
};

const struct parameter_set input_parameters = {
    .what = "distribution",
    .chooser = "distribution",
    .kinds = distribution_names,
    .num_kinds = DISTRIBUTION_COUNT,
    .parameters = parameters,
    .count = sizeof parameters / sizeof parameters[0],
};

/* Defaults that depend on the distribution (harness/problem/problem_spec.h). */
static const struct {
    enum distribution distribution;
    size_t field; /* a double */
    double preset;
} own_defaults[] = {
    {DISTRIBUTION_ONEHOT, offsetof(struct input_spec, factor), 8},
    {DISTRIBUTION_LOGIT_FLOOR, offsetof(struct input_spec, value), -10000},
};

static struct input_spec input_default(enum distribution distribution)
{
    struct input_spec input = input_spec_default;
    input.distribution = distribution;
    for (size_t i = 0; i < sizeof own_defaults / sizeof own_defaults[0]; i++)
        if (own_defaults[i].distribution == distribution)
            memcpy((char *)&input + own_defaults[i].field, &own_defaults[i].preset, sizeof own_defaults[i].preset);
    return input;
}

/* "normal, uniform, ..." */
static char *distributions_allowed(char *text)
{
    int length = 0;
    for (int i = 0; i < DISTRIBUTION_COUNT; i++)
        length += snprintf(text + length, (size_t)(ALLOWED_TEXT_SIZE / 4 - length), "%s%s", i ? ", " : "",
                           distribution_names[i]);
    return text;
}

static char *input_allowed(char *text, const struct key *key)
{
    char names[ALLOWED_TEXT_SIZE / 4];
    (void)key;
    snprintf(text, ALLOWED_TEXT_SIZE, "%s, {distribution: NAME, PARAMETER: NUMBER, ...}", distributions_allowed(names));
    return text;
}

static enum error_kind distribution_parse(const struct yaml_node *node, struct input_spec *input, struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE];
    int distribution;
    enum error_kind kind =
        parameter_kind_parse(&input_parameters, distributions_allowed(allowed), node, &distribution, error);
    if (!kind)
        *input = input_default((enum distribution)distribution);
    return kind;
}

static enum error_kind mapping_parse(const struct yaml_node *mapping, struct input_spec *input, struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE], quoted[QUOTE_SIZE];
    enum error_kind kind;
    const struct yaml_node *distribution = NULL, *last = NULL;
    for (const struct yaml_node *name = mapping->first; name; name = name->next->next) {
        if ((kind = key_name_check(name, error)))
            return kind;
        if (strcmp(name->text, input_parameters.chooser) != 0) {
            last = name->next;
            continue;
        }
        if (distribution)
            return place_error(error, &name->place, "duplicate key: %s; allowed: each key once",
                               yaml_quote(quoted, name));
        distribution = name->next;
    }
    if (!distribution)
        return place_error(error, &mapping->place, "input has no 'distribution'; allowed: %s",
                           input_allowed(allowed, NULL));
    if ((kind = distribution_parse(distribution, input, error)) ||
        (kind = parameters_parse(&input_parameters, 1u << input->distribution, mapping, input, error)))
        return kind;
    if (input->distribution == DISTRIBUTION_UNIFORM && last && !(input->low < input->high))
        return place_error(error, &last->place,
                           "uniform has no values between low %g and high %g: %s; allowed: "
                           "low < high",
                           input->low, input->high, yaml_quote(quoted, last));
    return ERROR_NONE;
}

static enum error_kind input_parse(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                   struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE], quoted[QUOTE_SIZE];
    struct input_spec *input = &segment->first.input;
    if (node->kind == YAML_MAPPING)
        return mapping_parse(node, input, error);
    input_allowed(allowed, key);
    if (node->kind != YAML_SCALAR)
        return place_error(error, &node->place, "%s is not a distribution: %s; allowed: %s", key->name,
                           yaml_quote(quoted, node), allowed);
    enum error_kind kind = scalar_check(key->name, allowed, node, error);
    return kind ? kind : distribution_parse(node, input, error);
}

static int input_compare(const union value *a, const union value *b)
{
    if (a->input.distribution != b->input.distribution)
        return a->input.distribution < b->input.distribution ? -1 : 1;
    return parameters_compare(&input_parameters, &a->input, &b->input);
}

static void input_apply(const struct key *key, const union value *first, uint64_t step, struct point *point)
{
    (void)step;
    memcpy((char *)point + key->field, &first->input, sizeof first->input);
}

/* "outliers:channels=8", the parameters that differ from the distribution's defaults. */
static char *input_format(char *text, const struct key *key, const struct point *point)
{
    struct input_spec input, preset;
    memcpy(&input, (const char *)point + key->field, sizeof input);
    preset = input_default(input.distribution);
    int length = snprintf(text, VALUE_TEXT_SIZE, "%s", distribution_names[input.distribution]);
    for (size_t i = 0; i < input_parameters.count; i++) {
        char number[32];
        double value = parameter_get(&parameters[i], &input);
        if (value != parameter_get(&parameters[i], &preset))
            length += snprintf(text + length, (size_t)(VALUE_TEXT_SIZE - length), ":%s=%s", parameters[i].name,
                               format_double(number, value));
    }
    return text;
}

const struct value_type type_input = {
    .parse = input_parse,
    .compare = input_compare,
    .apply = input_apply,
    .format = input_format,
    .allowed = input_allowed,
};
