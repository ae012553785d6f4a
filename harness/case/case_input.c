/* The value of the key `input`: a distribution's name, or a mapping of it and its parameters. */
#include <string.h>

#include "harness/case/case_keys.h"
#include "harness/case/case_parameter.h"
#include "harness/problem/distribution.h"

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
        length += snprintf(text + length, (size_t)(ALLOWED_TEXT_SIZE / 4 - length), "%s%s", i ? ", " : "",
                           distributions[i].kind.name);
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
        *input = input_spec_of((enum distribution)distribution);
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
    return fields_compare(&input_fields, &a->input, &b->input);
}

static void input_apply(const struct key *key, const union value *first, uint64_t step, struct point *point)
{
    (void)step;
    memcpy((char *)point + key->field, &first->input, sizeof first->input);
}

/* "outliers:channels=8", the parameters that differ from the distribution's defaults. */
static char *input_format(char *text, const struct key *key, const struct point *point)
{
    struct input_spec input;
    memcpy(&input, (const char *)point + key->field, sizeof input);
    const struct input_spec preset = input_spec_of(input.distribution);
    int length = snprintf(text, VALUE_TEXT_SIZE, "%s", distributions[input.distribution].kind.name);
    for (size_t i = 0; i < input_fields.count; i++) {
        const struct field *field = field_at(&input_fields, i);
        char value[FIELD_TEXT_SIZE];
        if (field_compare(field, field_in(field, &input), field_in(field, &preset)) != 0)
            length += snprintf(text + length, (size_t)(VALUE_TEXT_SIZE - length), ":%s=%s", field->name,
                               field_format(value, field, field_in(field, &input)));
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
static char *input_about(char *text, const struct key *key)
{
    int length = append(text, 0, key->about, " Parameters:");
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

const struct value_type type_input = {
    .parse = input_parse,
    .compare = input_compare,
    .apply = input_apply,
    .format = input_format,
    .allowed = input_allowed,
    .about = input_about,
};
