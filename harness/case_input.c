/* The value of the key `input`: a distribution's name, or a mapping of it and its parameters. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "harness/case_keys.h"
#include "harness/suggest.h"

#define READ_BY(distribution) (1u << DISTRIBUTION_##distribution)

enum parameter_kind { PARAMETER_REAL, PARAMETER_COUNT };

/* The parameters of input_spec. Values stay within f32, in which inputs are made. */
static const struct parameter {
    const char *name;
    unsigned read_by; /* distributions */
    enum parameter_kind kind;
    size_t field; /* in struct input_spec */
    double least, greatest;
    const char *allowed;
} parameters[] = {
    {"mean", READ_BY(NORMAL) | READ_BY(OUTLIERS) | READ_BY(CANCELLING) | READ_BY(ONEHOT), PARAMETER_REAL,
     offsetof(struct input_spec, mean), -FLT_MAX, FLT_MAX, "numbers that f32 can hold"},
    {"stddev", READ_BY(NORMAL) | READ_BY(OUTLIERS) | READ_BY(CANCELLING) | READ_BY(ONEHOT), PARAMETER_REAL,
     offsetof(struct input_spec, stddev), 0, FLT_MAX, "numbers from 0 on that f32 can hold"},
    {"low", READ_BY(UNIFORM), PARAMETER_REAL, offsetof(struct input_spec, low), -FLT_MAX, FLT_MAX,
     "numbers that f32 can hold"},
    {"high", READ_BY(UNIFORM), PARAMETER_REAL, offsetof(struct input_spec, high), -FLT_MAX, FLT_MAX,
     "numbers that f32 can hold"},
    {"value", READ_BY(CONSTANT), PARAMETER_REAL, offsetof(struct input_spec, value), -FLT_MAX, FLT_MAX,
     "numbers that f32 can hold"},
    {"channels", READ_BY(OUTLIERS), PARAMETER_COUNT, offsetof(struct input_spec, channels), 1, HEAD_DIM_MAX,
     "whole numbers from 1 to head_dim"},
    {"factor", READ_BY(OUTLIERS) | READ_BY(ONEHOT), PARAMETER_REAL, offsetof(struct input_spec, factor), FLT_MIN,
     FLT_MAX, "numbers above 0 that f32 can hold"},
};

enum { NUM_PARAMETERS = sizeof parameters / sizeof parameters[0] };

/* The factor is the one parameter whose default depends on the distribution (harness/input.h). */
static const struct {
    enum distribution distribution;
    double factor;
} default_factors[] = {{DISTRIBUTION_OUTLIERS, 30}, {DISTRIBUTION_ONEHOT, 8}};

static struct input_spec input_default(enum distribution distribution)
{
    struct input_spec input = input_spec_default;
    input.distribution = distribution;
    for (size_t i = 0; i < sizeof default_factors / sizeof default_factors[0]; i++)
        if (default_factors[i].distribution == distribution)
            input.factor = default_factors[i].factor;
    return input;
}

static bool reads(enum distribution distribution, const struct parameter *parameter)
{
    return parameter->read_by >> distribution & 1;
}

static double parameter_get(const struct parameter *parameter, const struct input_spec *input)
{
    int count;
    double number;
    if (parameter->kind == PARAMETER_COUNT) {
        memcpy(&count, (const char *)input + parameter->field, sizeof count);
        return count;
    }
    memcpy(&number, (const char *)input + parameter->field, sizeof number);
    return number;
}

static void parameter_put(const struct parameter *parameter, struct input_spec *input, double number)
{
    if (parameter->kind == PARAMETER_COUNT) {
        int count = (int)number;
        memcpy((char *)input + parameter->field, &count, sizeof count);
    } else {
        memcpy((char *)input + parameter->field, &number, sizeof number);
    }
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

static enum error_kind distribution_parse(const struct yaml_node *node, enum distribution *distribution,
                                          struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE], quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE];
    enum error_kind kind = parse_scalar("distribution", distributions_allowed(allowed), node, error);
    if (kind)
        return kind;
    struct suggestion suggestion = {.text = node->text};
    for (int i = 0; i < DISTRIBUTION_COUNT; i++) {
        if (strcmp(node->text, distribution_names[i]) == 0) {
            *distribution = (enum distribution)i;
            return ERROR_NONE;
        }
        suggestion_offer(&suggestion, distribution_names[i]);
    }
    return place_error(error, &node->place, "unknown distribution: %s; %sallowed: %s", yaml_quote(quoted, node),
                       suggestion_format(advice, &suggestion), allowed);
}

/* The parameter called by node, or an error that lists what the distribution reads. */
static enum error_kind parameter_find(const struct yaml_node *node, enum distribution distribution,
                                      const struct parameter **found, struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE], quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE];
    struct suggestion suggestion = {.text = node->text};
    int length = snprintf(allowed, sizeof allowed, "distribution");
    bool known = false;
    for (size_t i = 0; i < NUM_PARAMETERS; i++) {
        bool named = strcmp(node->text, parameters[i].name) == 0;
        known |= named;
        if (!reads(distribution, &parameters[i]))
            continue;
        if (named) {
            *found = &parameters[i];
            return ERROR_NONE;
        }
        length += snprintf(allowed + length, sizeof allowed - (size_t)length, ", %s", parameters[i].name);
        suggestion_offer(&suggestion, parameters[i].name);
    }
    yaml_quote(quoted, node);
    if (known)
        return place_error(error, &node->place, "distribution %s does not read: %s; allowed: %s",
                           distribution_names[distribution], quoted, allowed);
    return place_error(error, &node->place, "unknown parameter of distribution %s: %s; %sallowed: %s",
                       distribution_names[distribution], quoted, suggestion_format(advice, &suggestion), allowed);
}

static enum error_kind parameter_parse(const struct parameter *parameter, const struct yaml_node *node,
                                       struct input_spec *input, struct error *error)
{
    char quoted[QUOTE_SIZE];
    double number;
    enum error_kind kind = parse_number(parameter->name, parameter->allowed, node, &number, error);
    if (kind)
        return kind;
    bool fraction = parameter->kind == PARAMETER_COUNT && number != trunc(number);
    if (fraction || !(number >= parameter->least && number <= parameter->greatest))
        return place_error(error, &node->place, "%s is %s: %s; allowed: %s", parameter->name,
                           fraction ? "not a whole number" : "out of range", yaml_quote(quoted, node),
                           parameter->allowed);
    parameter_put(parameter, input, number + 0.0); /* -0 + 0 is 0 */
    return ERROR_NONE;
}

static enum error_kind mapping_parse(const struct yaml_node *mapping, struct input_spec *input, struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE], quoted[QUOTE_SIZE];
    enum error_kind kind;
    const struct yaml_node *distribution = NULL, *seen[NUM_PARAMETERS] = {NULL}, *high = NULL;
    for (const struct yaml_node *name = mapping->first; name; name = name->next->next) {
        if ((kind = parse_key_name(name, error)))
            return kind;
        if (strcmp(name->text, "distribution") != 0)
            continue;
        if (distribution)
            return place_error(error, &name->place, "duplicate key: %s; allowed: each key once",
                               yaml_quote(quoted, name));
        distribution = name->next;
    }
    if (!distribution)
        return place_error(error, &mapping->place, "input has no 'distribution'; allowed: %s",
                           input_allowed(allowed, NULL));
    if ((kind = distribution_parse(distribution, &input->distribution, error)))
        return kind;
    *input = input_default(input->distribution);

    for (const struct yaml_node *name = mapping->first; name; name = name->next->next) {
        const struct parameter *parameter = NULL;
        if (name->next == distribution)
            continue;
        if ((kind = parameter_find(name, input->distribution, &parameter, error)))
            return kind;
        if (seen[parameter - parameters])
            return place_error(error, &name->place, "duplicate key: %s; allowed: each key once",
                               yaml_quote(quoted, name));
        seen[parameter - parameters] = name;
        if ((kind = parameter_parse(parameter, name->next, input, error)))
            return kind;
        if (input->distribution == DISTRIBUTION_UNIFORM)
            high = name->next;
    }
    if (high && !(input->low < input->high))
        return place_error(error, &high->place,
                           "uniform has no values between low %g and high %g: %s; allowed: "
                           "low < high",
                           input->low, input->high, yaml_quote(quoted, high));
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
    enum error_kind kind = parse_scalar(key->name, allowed, node, error);
    if (!kind)
        kind = distribution_parse(node, &input->distribution, error);
    if (!kind)
        *input = input_default(input->distribution);
    return kind;
}

static int input_compare(const union value *a, const union value *b)
{
    if (a->input.distribution != b->input.distribution)
        return a->input.distribution < b->input.distribution ? -1 : 1;
    for (size_t i = 0; i < NUM_PARAMETERS; i++) {
        double x = parameter_get(&parameters[i], &a->input), y = parameter_get(&parameters[i], &b->input);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
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
    for (size_t i = 0; i < NUM_PARAMETERS; i++) {
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
