/* The value of the key `mask`: a name, or a mapping whose kind is named by its own parameter: {window: 256, sinks: 4}.
 */
#include <string.h>

#include "harness/case/case_keys.h"
#include "harness/case/case_parameter.h"

#define READ_BY(kind) (1u << MASK_##kind)
#define KEYS(member) PARAMETER_INT64, offsetof(struct mask_spec, member)

/* A kind that reads numbers has one of its own name, which comes before its others. */
static const struct parameter parameters[] = {
    {"holes", READ_BY(HOLES), PARAMETER_DOUBLE, offsetof(struct mask_spec, holes), 0, 1, "numbers from 0 to 1"},
    {"window", READ_BY(WINDOW), KEYS(window), 0, SEQ_LEN_MAX, "whole numbers from 0 to seq_len"},
    {"sinks", READ_BY(WINDOW), KEYS(sinks), 0, SEQ_LEN_MAX, "whole numbers from 0 to seq_len"},
    {"drop_newest", READ_BY(DROP_NEWEST), KEYS(drop_newest), 0, SEQ_LEN_MAX, "whole numbers from 0 to seq_len"},
    {"block", READ_BY(BLOCK), KEYS(block), 1, SEQ_LEN_MAX, "whole numbers from 1 to seq_len"},
    {"keep_every", READ_BY(BLOCK), KEYS(keep_every), 1, SEQ_LEN_MAX, "whole numbers from 1 to 134217728"},
    {"padding", READ_BY(PADDING), KEYS(padding), 0, SEQ_LEN_MAX, "whole numbers from 0 to seq_len"},
};

_Static_assert((int)SEQ_LEN_MAX == 134217728, "allowed values of keep_every");

const struct parameter_set mask_parameters = {
    .what = "mask",
    .kinds = mask_names,
    .num_kinds = MASK_COUNT,
    .parameters = parameters,
    .count = sizeof parameters / sizeof parameters[0],
};

static struct mask_spec mask_default(enum mask_kind kind)
{
    return (struct mask_spec){.kind = kind, .keep_every = kind == MASK_BLOCK ? 2 : 0};
}

static char *mask_allowed(char *text, const struct key *key)
{
    (void)key;
    snprintf(text, ALLOWED_TEXT_SIZE,
             "none, all, {holes: P}, {window: W, sinks: S}, {drop_newest: K}, {block: B, keep_every: K}, {padding: K}");
    return text;
}

/* The kind called name, or MASK_COUNT. */
static enum mask_kind mask_find(const char *name)
{
    int kind = 0;
    while (kind < MASK_COUNT && strcmp(mask_names[kind], name) != 0)
        kind++;
    return (enum mask_kind)kind;
}

static bool reads_numbers(enum mask_kind kind)
{
    for (size_t i = 0; i < mask_parameters.count; i++)
        if (parameter_read_by(&parameters[i], (int)kind))
            return true;
    return false;
}

static enum error_kind mapping_parse(const struct yaml_node *mapping, const char *allowed, struct mask_spec *mask,
                                     struct error *error)
{
    char quoted[QUOTE_SIZE];
    int kind = MASK_COUNT;
    enum error_kind failure;
    const struct yaml_node *name = mapping->first;
    if (!name)
        return place_error(error, &mapping->place, "mask is an empty mapping: '{}'; allowed: %s", allowed);
    for (; name && kind == MASK_COUNT; name = name->next->next) {
        if ((failure = parse_key_name(name, error)))
            return failure;
        kind = (int)mask_find(name->text);
        if (kind != MASK_COUNT && !reads_numbers((enum mask_kind)kind))
            return place_error(error, &name->place, "mask %s takes no value: %s; allowed: %s", mask_names[kind],
                               yaml_quote(quoted, name), allowed);
    }
    if (kind == MASK_COUNT) /* no key names a kind, so the first one does not */
        return parameter_kind_parse(&mask_parameters, allowed, mapping->first, &kind, error);
    *mask = mask_default((enum mask_kind)kind);
    return parameters_parse(&mask_parameters, kind, mapping, mask, error);
}

static enum error_kind mask_parse(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                  struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE], quoted[QUOTE_SIZE];
    int kind;
    mask_allowed(allowed, key);
    if (node->kind == YAML_MAPPING)
        return mapping_parse(node, allowed, &segment->first.mask, error);
    enum error_kind failure = parameter_kind_parse(&mask_parameters, allowed, node, &kind, error);
    if (failure)
        return failure;
    if (reads_numbers((enum mask_kind)kind))
        return place_error(error, &node->place, "mask %s has no number: %s; allowed: %s", mask_names[kind],
                           yaml_quote(quoted, node), allowed);
    segment->first.mask = mask_default((enum mask_kind)kind);
    return ERROR_NONE;
}

static int mask_compare(const union value *a, const union value *b)
{
    if (a->mask.kind != b->mask.kind)
        return a->mask.kind < b->mask.kind ? -1 : 1;
    return parameters_compare(&mask_parameters, &a->mask, &b->mask);
}

static void mask_apply(const struct key *key, const union value *first, uint64_t step, struct point *point)
{
    (void)step;
    memcpy((char *)point + key->field, &first->mask, sizeof first->mask);
}

char *mask_format(char *text, const struct mask_spec *mask)
{
    struct mask_spec preset = mask_default(mask->kind);
    int length = 0;
    if (!reads_numbers(mask->kind))
        length = snprintf(text, MASK_TEXT_SIZE, "%s", mask_names[mask->kind]);
    for (size_t i = 0; i < mask_parameters.count; i++) {
        char number[32];
        double value = parameter_get(&parameters[i], mask);
        bool names_kind = strcmp(parameters[i].name, mask_names[mask->kind]) == 0;
        if (names_kind ||
            (parameter_read_by(&parameters[i], (int)mask->kind) && value != parameter_get(&parameters[i], &preset)))
            length += snprintf(text + length, (size_t)(MASK_TEXT_SIZE - length), "%s%s:%s", length ? ":" : "",
                               parameters[i].name, format_double(number, value));
    }
    return text;
}

static char *mask_value_format(char *text, const struct key *key, const struct point *point)
{
    struct mask_spec mask;
    memcpy(&mask, (const char *)point + key->field, sizeof mask);
    return mask_format(text, &mask);
}

const struct value_type type_mask = {
    .parse = mask_parse,
    .compare = mask_compare,
    .apply = mask_apply,
    .format = mask_value_format,
    .allowed = mask_allowed,
};
