/* The value of the key `mask`: a name, or a mapping that names each kind by its own parameter: {window: 256, sinks: 4}.
 * Several kinds in one mapping are one mask. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_keys.h"
#include "harness/case/case_parameter.h"

enum { MASK_PATH_MAX = 128, MASK_FILE_MAX = SEQ_LEN_MAX / 8 };

#define NUMBER(member, kind, type, least, greatest, allowed) \
    PARAMETER_NUMBER(mask_spec, member, MASK_##kind, type, least, greatest, allowed)

static const char file_allowed[] =
    "paths of 1 to 128 of A-Z a-z 0-9 . _ - + /, from the case file's folder, to a file of "
    "1 byte to 16 MiB";

_Static_assert((int)MASK_PATH_MAX == 128 && (int)MASK_FILE_MAX == 16 << 20, "allowed values of file");

/* The path of a file that a value of the source names: from the source's folder, or, on the command line, from where
 * the program runs. A new string, or NULL. */
static char *path_from_source(const struct source *source, const char *name)
{
    const char *end = source->one_line ? NULL : strrchr(source->name, '/');
    size_t folder = end && name[0] != '/' ? (size_t)(end - source->name) + 1 : 0, size = strlen(name);
    char *path = malloc(folder + size + 1);
    if (path) {
        memcpy(path, source->name, folder);
        memcpy(path + folder, name, size + 1);
    }
    return path;
}

static enum error_kind file_parse(const struct parameter *parameter, const struct yaml_node *node, void *spec,
                                  struct error *error)
{
    char quoted[QUOTE_SIZE];
    enum error_kind kind = scalar_check(parameter->name, parameter->allowed, node, error);
    if (kind)
        return kind;
    bool good = node->size > 0 && node->size <= MASK_PATH_MAX;
    for (size_t i = 0; i < node->size; i++)
        good &= isalnum((unsigned char)node->text[i]) || strchr("._-+/", node->text[i]);
    if (!good)
        return place_error(error, &node->place, "mask %s is not a path: %s; allowed: %s", parameter->name,
                           yaml_quote(quoted, node), parameter->allowed);
    struct mask_bits *bits;
    struct error reason;
    char *path = path_from_source(node->place.source, node->text);
    if (!path)
        return error_memory(error, "a path", (double)node->size);
    kind = mask_bits_read(&bits, node->text, path, MASK_FILE_MAX, &reason);
    free(path);
    if (kind == ERROR_USAGE)
        return place_error(error, &node->place, "mask %s %.160s: %s; allowed: %s", parameter->name, reason.text,
                           yaml_quote(quoted, node), parameter->allowed);
    if (kind)
        return error_set(error, kind, "%s", reason.text);
    ((struct mask_spec *)spec)->bits = bits;
    return ERROR_NONE;
}

static const char *file_text(const void *spec)
{
    const struct mask_bits *bits = ((const struct mask_spec *)spec)->bits;
    return bits ? bits->name : NULL;
}

/* A kind that reads something has a parameter of its own name, which comes before its others. */
static const struct parameter parameters[] = {
    NUMBER(holes, HOLES, DOUBLE, 0, 1, "numbers from 0 to 1"),
    NUMBER(window, WINDOW, INT64, 0, SEQ_LEN_MAX, "whole numbers from 0 to seq_len"),
    NUMBER(sinks, WINDOW, INT64, 0, SEQ_LEN_MAX, "whole numbers from 0 to seq_len"),
    NUMBER(drop_newest, DROP_NEWEST, INT64, 0, SEQ_LEN_MAX, "whole numbers from 0 to seq_len"),
    NUMBER(block, BLOCK, INT64, 1, SEQ_LEN_MAX, "whole numbers from 1 to seq_len"),
    NUMBER(keep_every, BLOCK, INT64, 1, SEQ_LEN_MAX, "whole numbers from 1 to 134217728"),
    NUMBER(padding, PADDING, INT64, 0, SEQ_LEN_MAX, "whole numbers from 0 to seq_len"),
    NUMBER(gap_from, GAP, INT64, 0, SEQ_LEN_MAX, "whole numbers from 0 to seq_len - gap_keys"),
    NUMBER(gap_keys, GAP, INT64, 1, SEQ_LEN_MAX, "whole numbers from 1 to seq_len - gap_from"),
    {.name = "file", .read_by = MASK_FILE, .allowed = file_allowed, .parse = file_parse, .text = file_text},
};

_Static_assert((int)SEQ_LEN_MAX == 134217728, "allowed values of keep_every");

const struct parameter_set mask_parameters = {
    .what = "mask",
    .kinds = mask_names,
    .num_kinds = MASK_KINDS + 1,
    .parameters = parameters,
    .count = sizeof parameters / sizeof parameters[0],
};

static struct mask_spec mask_default(enum mask_kind kind)
{
    return (struct mask_spec){
        .kind = kind, .keep_every = kind & MASK_BLOCK ? 2 : 0, .gap_keys = kind & MASK_GAP ? 1 : 0};
}

static char *mask_allowed(char *text, const struct key *key)
{
    (void)key;
    snprintf(text, ALLOWED_TEXT_SIZE,
             "none, all, {holes: P}, {window: W, sinks: S}, {drop_newest: K}, {block: B, keep_every: K}, {padding: K}, "
             "{gap_from: J, gap_keys: K}, {file: PATH}, several in one {}");
    return text;
}

/* The kind whose name is mask_names[index]. */
static enum mask_kind mask_kind_at(int index)
{
    return index == MASK_KINDS ? MASK_NONE : (enum mask_kind)(1u << index);
}

/* The index of the kind called name, or MASK_KINDS + 1. */
static int mask_find(const char *name)
{
    int index = 0;
    while (index <= MASK_KINDS && strcmp(mask_names[index], name) != 0)
        index++;
    return index;
}

static bool reads_something(enum mask_kind kind)
{
    for (size_t i = 0; i < mask_parameters.count; i++)
        if (parameter_read_by(&parameters[i], kind))
            return true;
    return false;
}

static enum error_kind mapping_parse(const struct yaml_node *mapping, const char *allowed, struct mask_spec *mask,
                                     struct error *error)
{
    char quoted[QUOTE_SIZE];
    unsigned kinds = 0;
    enum error_kind failure;
    if (!mapping->first)
        return place_error(error, &mapping->place, "mask is an empty mapping: '{}'; allowed: %s", allowed);
    for (const struct yaml_node *name = mapping->first; name; name = name->next->next) {
        if ((failure = key_name_check(name, error)))
            return failure;
        int index = mask_find(name->text);
        if (index > MASK_KINDS)
            continue;
        if (!reads_something(mask_kind_at(index)))
            return place_error(error, &name->place, "mask %s takes no value: %s; allowed: %s", mask_names[index],
                               yaml_quote(quoted, name), allowed);
        kinds |= mask_kind_at(index);
    }
    if (kinds == 0) { /* no key names a kind, so the first one does not */
        int index;
        return parameter_kind_parse(&mask_parameters, allowed, mapping->first, &index, error);
    }
    *mask = mask_default((enum mask_kind)kinds);
    return parameters_parse(&mask_parameters, kinds, mapping, mask, error);
}

static void mask_clear(union value *value)
{
    mask_bits_free((struct mask_bits *)value->mask.bits);
    value->mask.bits = NULL;
}

static enum error_kind mask_parse(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                  struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE], quoted[QUOTE_SIZE];
    int index;
    enum error_kind failure;
    mask_allowed(allowed, key);
    segment->first.mask = mask_default(MASK_NONE);
    if (node->kind == YAML_MAPPING) {
        failure = mapping_parse(node, allowed, &segment->first.mask, error);
        if (failure)
            mask_clear(&segment->first);
        return failure;
    }
    if ((failure = parameter_kind_parse(&mask_parameters, allowed, node, &index, error)))
        return failure;
    if (reads_something(mask_kind_at(index)))
        return place_error(error, &node->place, "mask %s has no %s: %s; allowed: %s", mask_names[index],
                           mask_kind_at(index) == MASK_FILE ? "path" : "number", yaml_quote(quoted, node), allowed);
    segment->first.mask = mask_default(mask_kind_at(index));
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

/* Whether the parameter stands in a key: it names a kind, or differs from the default. */
static bool is_spelt(const struct parameter *parameter, const struct mask_spec *mask)
{
    struct mask_spec preset = mask_default(mask->kind);
    return parameter_read_by(parameter, mask->kind) &&
           (mask_find(parameter->name) <= MASK_KINDS ||
            parameter_get(parameter, mask) != parameter_get(parameter, &preset));
}

char *mask_format(char *text, const struct mask_spec *mask)
{
    int length = 0;
    if (!reads_something(mask->kind))
        snprintf(text, MASK_TEXT_SIZE, "%s", mask->kind == MASK_NONE ? "none" : "all");
    for (size_t i = 0; i < mask_parameters.count; i++) {
        const struct parameter *parameter = &parameters[i];
        char number[32];
        if (!is_spelt(parameter, mask))
            continue;
        const char *value =
            parameter->text ? parameter->text(mask) : format_double(number, parameter_get(parameter, mask));
        length += snprintf(text + length, (size_t)(MASK_TEXT_SIZE - length), "%s%s:%s", length ? ":" : "",
                           parameter->name, value);
    }
    return text;
}

static char *mask_value_format(char *text, const struct key *key, const struct point *point)
{
    struct mask_spec mask;
    memcpy(&mask, (const char *)point + key->field, sizeof mask);
    return mask_format(text, &mask);
}

/* The longest: every kind, each number of at most 22 characters, and a path. */
_Static_assert((int)MASK_TEXT_SIZE <= (int)VALUE_TEXT_SIZE && (int)MASK_TEXT_SIZE > 230 + MASK_PATH_MAX,
               "mask_format writes MASK_TEXT_SIZE characters");

const struct value_type type_mask = {
    .parse = mask_parse,
    .compare = mask_compare,
    .apply = mask_apply,
    .format = mask_value_format,
    .allowed = mask_allowed,
    .clear = mask_clear,
};
