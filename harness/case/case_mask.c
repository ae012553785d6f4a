/* The value of the key `mask`: a name, or a mapping that names each kind by its own parameter: {window: 256, sinks: 4}.
 * Several kinds in one mapping are one mask. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_parameter.h"
#include "harness/case/value_types.h"
#include "harness/support/field_yaml.h"

enum { MASK_PATH_MAX = 128, MASK_FILE_MAX = SEQ_LEN_MAX / 8 };

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

/* The member is what the last reading left, which is the caller's to free. */
static enum error_kind file_read(const struct field *field, const struct yaml_node *node, void *member,
                                 struct error *error)
{
    char quoted[QUOTE_SIZE];
    enum error_kind kind = scalar_check(field->name, field->allowed, node, error);
    if (kind)
        return kind;
    bool good = node->size > 0 && node->size <= MASK_PATH_MAX;
    for (size_t i = 0; i < node->size; i++)
        good &= isalnum((unsigned char)node->text[i]) || strchr("._-+/", node->text[i]);
    if (!good)
        return place_error(error, &node->place, "mask %s is not a path: %s; allowed: %s", field->name,
                           yaml_quote(quoted, node), field->allowed);
    struct mask_bits *bits;
    struct error reason;
    char *path = path_from_source(node->place.source, node->text);
    if (!path)
        return error_memory(error, "a path", (double)node->size);
    kind = mask_bits_read(&bits, node->text, path, MASK_FILE_MAX, &reason);
    free(path);
    if (kind == ERROR_USAGE)
        return place_error(error, &node->place, "mask %s %.160s: %s; allowed: %s", field->name, reason.text,
                           yaml_quote(quoted, node), field->allowed);
    if (kind)
        return error_set(error, kind, "%s", reason.text);
    *(const struct mask_bits **)member = bits;
    return ERROR_NONE;
}

static const char *file_name(const void *member)
{
    const struct mask_bits *const *bits = member;
    return *bits ? (*bits)->name : "";
}

static char *file_format(char *text, const struct field *field, const void *member)
{
    (void)field;
    snprintf(text, FIELD_TEXT_SIZE, "%s", file_name(member));
    return text;
}

static int file_compare(const struct field *field, const void *a, const void *b)
{
    (void)field;
    return strcmp(file_name(a), file_name(b));
}

static const struct field_own own_file = {file_read, file_format, NULL, file_compare};

enum mask_parameter { HOLES, WINDOW, SINKS, DROP_NEWEST, BLOCK, KEEP_EVERY, PADDING, GAP_FROM, GAP_KEYS, FILE_BITS };

#define KEYS(member, from, says)                                                      \
    {                                                                                 \
        .name = #member, .type = FIELD_WHOLE, FIELD_MEMBER(struct mask_spec, member), \
        .whole = {(from), SEQ_LEN_MAX, 0}, .allowed = (says)                          \
    }

/* A kind that reads something has a parameter of its own name, which comes before its others. */
static const struct field fields[] = {
    [HOLES] = {.name = "holes",
               .type = FIELD_REAL,
               FIELD_MEMBER(struct mask_spec, holes),
               .real = {0, 1, false},
               .allowed = "numbers from 0 to 1"},
    [WINDOW] = KEYS(window, 0, "whole numbers from 0 to the largest seq_len"),
    [SINKS] = KEYS(sinks, 0, "whole numbers from 0 to the largest seq_len"),
    [DROP_NEWEST] = KEYS(drop_newest, 0, "whole numbers from 0 to seq_len"),
    [BLOCK] = KEYS(block, 1, "whole numbers from 1 to seq_len"),
    [KEEP_EVERY] = KEYS(keep_every, 1, "whole numbers from 1 to 134217728"),
    [PADDING] = KEYS(padding, 0, "whole numbers from 0 to seq_len"),
    [GAP_FROM] = KEYS(gap_from, 0, "whole numbers from 0 to seq_len - gap_keys"),
    [GAP_KEYS] = KEYS(gap_keys, 1, "whole numbers from 1 to seq_len - gap_from"),
    [FILE_BITS] = {.name = "file",
                   .type = FIELD_OWN,
                   .own = &own_file,
                   FIELD_MEMBER(struct mask_spec, bits),
                   .allowed = file_allowed},
};

static const struct field_table mask_fields = FIELD_TABLE(fields);

_Static_assert((int)SEQ_LEN_MAX == 134217728, "allowed values of keep_every");

#define READS(parameter) (UINT64_C(1) << (parameter))

/* Kind 1 << i is kinds[i]; MASK_NONE is the last one. */
static const struct field_kind kinds[MASK_KINDS + 1] = {
    {.name = "all"},
    {.name = "holes", .reads = READS(HOLES)},
    {.name = "window", .reads = READS(WINDOW) | READS(SINKS)},
    {.name = "drop_newest", .reads = READS(DROP_NEWEST)},
    {.name = "block", .reads = READS(BLOCK) | READS(KEEP_EVERY), .preset_field = KEEP_EVERY, .preset = 2},
    {.name = "padding", .reads = READS(PADDING)},
    {.name = "gap_from", .reads = READS(GAP_FROM) | READS(GAP_KEYS), .preset_field = GAP_KEYS, .preset = 1},
    {.name = "file", .reads = READS(FILE_BITS)},
    {.name = "none"},
};

const struct parameter_set mask_parameters = {
    .what = "mask",
    .kinds = kinds,
    .kind_stride = sizeof kinds[0],
    .num_kinds = MASK_KINDS + 1,
    .fields = &mask_fields,
};

static struct mask_spec mask_default(enum mask_kind kind)
{
    struct mask_spec mask = {.kind = kind};
    for (int i = 0; i < MASK_KINDS; i++)
        if (kind >> i & 1)
            field_kind_preset(&kinds[i], &mask_fields, &mask);
    return mask;
}

static char *mask_allowed(char *text, const struct field *field)
{
    (void)field;
    snprintf(text, FIELD_ALLOWED_SIZE,
             "none, all, {holes: P}, {window: W, sinks: S}, {drop_newest: K}, {block: B, keep_every: K}, {padding: K}, "
             "{gap_from: J, gap_keys: K}, {file: PATH}, several in one {}");
    return text;
}

/* The kind that is kinds[index]. */
static enum mask_kind mask_kind_at(int index)
{
    return index == MASK_KINDS ? MASK_NONE : (enum mask_kind)(1u << index);
}

/* The index of the kind called name, or MASK_KINDS + 1. */
static int mask_find(const char *name)
{
    int index = 0;
    while (index <= MASK_KINDS && strcmp(kinds[index].name, name) != 0)
        index++;
    return index;
}

static bool reads_something(enum mask_kind kind)
{
    bool reads = false;
    for (int i = 0; i < MASK_KINDS; i++)
        reads |= (kind >> i & 1) && kinds[i].reads;
    return reads;
}

static enum error_kind mapping_parse(const struct yaml_node *mapping, const char *allowed, struct mask_spec *mask,
                                     struct error *error)
{
    char quoted[QUOTE_SIZE];
    unsigned named = 0;
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
            return place_error(error, &name->place, "mask %s takes no value: %s; allowed: %s", kinds[index].name,
                               yaml_quote(quoted, name), allowed);
        named |= mask_kind_at(index);
    }
    if (named == 0) { /* no key names a kind, so the first one does not */
        int index;
        return parameter_kind_parse(&mask_parameters, allowed, mapping->first, &index, error);
    }
    *mask = mask_default((enum mask_kind)named);
    return parameters_parse(&mask_parameters, named, mapping, mask, error);
}

static enum error_kind mask_read(const struct field *field, const struct yaml_node *node, void *member,
                                 struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE], quoted[QUOTE_SIZE];
    struct mask_spec mask = mask_default(MASK_NONE);
    int index;
    enum error_kind failure;
    mask_allowed(allowed, field);
    if (node->kind == YAML_MAPPING) {
        failure = mapping_parse(node, allowed, &mask, error);
        if (failure)
            mask_bits_free((struct mask_bits *)mask.bits);
        else
            memcpy(member, &mask, sizeof mask);
        return failure;
    }
    if ((failure = parameter_kind_parse(&mask_parameters, allowed, node, &index, error)))
        return failure;
    if (reads_something(mask_kind_at(index)))
        return place_error(error, &node->place, "mask %s has no %s: %s; allowed: %s", kinds[index].name,
                           mask_kind_at(index) == MASK_FILE ? "path" : "number", yaml_quote(quoted, node), allowed);
    mask = mask_default(mask_kind_at(index));
    memcpy(member, &mask, sizeof mask);
    return ERROR_NONE;
}

static int mask_compare(const struct field *field, const void *a, const void *b)
{
    const struct mask_spec *x = a, *y = b;
    (void)field;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return fields_compare(&mask_fields, x, y);
}

/* Whether a parameter stands in a key: it names a kind, or differs from the default. */
static bool is_spelt(size_t index, const struct mask_spec *mask)
{
    struct mask_spec preset = mask_default(mask->kind);
    const struct field *field = &fields[index];
    return parameter_read_by(&mask_parameters, index, mask->kind) &&
           (mask_find(field->name) <= MASK_KINDS ||
            field_compare(field, field_in(field, mask), field_in(field, &preset)) != 0);
}

char *mask_format(char *text, const struct mask_spec *mask)
{
    int length = 0;
    if (!reads_something(mask->kind))
        snprintf(text, MASK_TEXT_SIZE, "%s", mask->kind == MASK_NONE ? "none" : "all");
    for (size_t i = 0; i < mask_fields.count; i++) {
        char value[FIELD_TEXT_SIZE];
        if (is_spelt(i, mask))
            length += snprintf(text + length, (size_t)(MASK_TEXT_SIZE - length), "%s%s:%s", length ? ":" : "",
                               fields[i].name, field_format(value, &fields[i], field_in(&fields[i], mask)));
    }
    return text;
}

static char *mask_write(char *text, const struct field *field, const void *member)
{
    (void)field;
    return mask_format(text, member);
}

/* The longest: every kind, each number of at most 22 characters, and a path. */
_Static_assert((int)MASK_TEXT_SIZE <= (int)FIELD_TEXT_SIZE && (int)MASK_TEXT_SIZE > 230 + MASK_PATH_MAX,
               "mask_format writes MASK_TEXT_SIZE characters");

static void mask_clear(union value *value)
{
    mask_bits_free((struct mask_bits *)value->mask.bits);
    value->mask.bits = NULL;
}

const struct field_own mask_own = {mask_read, mask_write, mask_allowed, mask_compare};

const struct value_type type_mask = {.clear = mask_clear};
