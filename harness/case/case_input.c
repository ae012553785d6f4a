/* The value of the key `input`: a distribution's name, or a mapping of it and its parameters. */
#include <stdio.h>
#include <string.h>

#include "harness/case/case_parameter.h"
#include "harness/case/value_types.h"
#include "harness/problem/distribution.h"
#include "harness/support/field_yaml.h"

const struct parameter_set input_parameters = {
    .what = "distribution",
    .chooser = "distribution",
    .kinds = &distributions[0].kind,
    .kind_stride = sizeof distributions[0],
    .num_kinds = DISTRIBUTION_COUNT,
    .fields = &input_fields,
};

/* "normal, uniform, ..." */
static char *distributions_allowed(char *text)
{
    int length = 0;
    for (int i = 0; i < DISTRIBUTION_COUNT; i++)
        length += snprintf(text + length, (size_t)(FIELD_ALLOWED_SIZE / 4 - length), "%s%s", i ? ", " : "",
                           distributions[i].kind.name);
    return text;
}

static char *input_allowed(char *text, const struct field *field)
{
    char names[FIELD_ALLOWED_SIZE / 4];
    (void)field;
    snprintf(text, FIELD_ALLOWED_SIZE, "%s, {distribution: NAME, PARAMETER: NUMBER, ...}",
             distributions_allowed(names));
    return text;
}

static enum error_kind distribution_parse(const struct yaml_node *node, struct input_spec *input, struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    int distribution;
    enum error_kind kind =
        parameter_kind_parse(&input_parameters, distributions_allowed(allowed), node, &distribution, error);
    if (!kind)
        *input = input_spec_of((enum distribution)distribution);
    return kind;
}

static enum error_kind mapping_parse(const struct yaml_node *mapping, struct input_spec *input, struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE], quoted[QUOTE_SIZE];
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
            return duplicate_key_error(name, error);
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

static enum error_kind input_read(const struct field *field, const struct yaml_node *node, void *member,
                                  struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE], quoted[QUOTE_SIZE];
    if (node->kind == YAML_MAPPING)
        return mapping_parse(node, member, error);
    input_allowed(allowed, field);
    if (node->kind != YAML_SCALAR)
        return place_error(error, &node->place, "%s is not a distribution: %s; allowed: %s", field->name,
                           yaml_quote(quoted, node), allowed);
    enum error_kind kind = scalar_check(field->name, allowed, node, error);
    return kind ? kind : distribution_parse(node, member, error);
}

static int input_compare(const struct field *field, const void *a, const void *b)
{
    const struct input_spec *x = a, *y = b;
    (void)field;
    if (x->distribution != y->distribution)
        return x->distribution < y->distribution ? -1 : 1;
    return fields_compare(&input_fields, x, y);
}

/* "outliers:channels=8", the parameters that differ from the distribution's defaults. */
static char *input_format(char *text, const struct field *key, const void *member)
{
    const struct input_spec *input = member, preset = input_spec_of(input->distribution);
    (void)key;
    int length = snprintf(text, FIELD_TEXT_SIZE, "%s", distributions[input->distribution].kind.name);
    for (size_t i = 0; i < input_fields.count; i++) {
        const struct field *field = field_at(&input_fields, i);
        char value[FIELD_TEXT_SIZE];
        if (field_compare(field, field_in(field, input), field_in(field, &preset)) != 0)
            length += snprintf(text + length, (size_t)(FIELD_TEXT_SIZE - length), ":%s=%s", field->name,
                               field_format(value, field, field_in(field, input)));
    }
    return text;
}

/* The distributions that read a field, bit k for distribution k. */
static unsigned readers(size_t field)
{
    unsigned read = 0;
    for (int i = 0; i < DISTRIBUTION_COUNT; i++)
        read |= (unsigned)(distributions[i].kind.reads >> field & 1) << i;
    return read;
}

static int append(char *text, int length, const char *separator, const char *word)
{
    return length + snprintf(text + length, (size_t)(ABOUT_TEXT_SIZE - length), "%s%s", separator, word);
}

/* "... Parameters: mean, stddev (normal, onehot); low, high (uniform). onehot: ..." */
static char *input_about(char *text, const struct field *field)
{
    int length = append(text, 0, field->about, " Parameters:");
    for (size_t i = 0; i < input_fields.count; i++) {
        unsigned read = readers(i);
        bool first = i == 0 || readers(i - 1) != read, last = i + 1 == input_fields.count || readers(i + 1) != read;
        length = append(text, length, i == 0 ? " " : first ? "; " : ", ", field_at(&input_fields, i)->name);
        const char *separator = " (";
        for (int k = 0; k < DISTRIBUTION_COUNT && last; k++)
            if (read >> k & 1) {
                length = append(text, length, separator, distributions[k].kind.name);
                separator = ", ";
            }
        length = append(text, length, "", last ? ")" : "");
    }
    length = append(text, length, "", ".");
    for (int k = 0; k < DISTRIBUTION_COUNT; k++)
        if (distributions[k].kind.about) {
            length = append(text, length, " ", distributions[k].kind.name);
            length = append(text, length, ": ", distributions[k].kind.about);
        }
    return text;
}

const struct field_own input_own = {input_read, input_format, input_allowed, input_compare};

const struct value_type type_input = {.about = input_about};
