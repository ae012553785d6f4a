/* The value of the key `known_bugs`: {leak: K2 K5, nan: K6}. Kept as one text, "leak: K2 K5; nan: K6". */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_bugs.h"
#include "harness/case/value_types.h"
#include "harness/support/field_yaml.h"

const char known_bugs_allowed[] = "{SIGNATURE: BUG BUG ..., ...}, signatures but none, bugs of letters and digits";

static enum signature signature_of(const struct yaml_node *name)
{
    return name->kind == YAML_SCALAR && strlen(name->text) == name->size ? signature_from_name(name->text)
                                                                         : SIGNATURE_COUNT;
}

static bool are_bugs(const struct yaml_node *node)
{
    bool good = node->kind == YAML_SCALAR && node->size > 0 && node->text[0] != ' ';
    for (size_t i = 0; good && i < node->size; i++)
        good = isalnum((unsigned char)node->text[i]) ||
               (node->text[i] == ' ' && i + 1 < node->size && node->text[i + 1] != ' ');
    return good;
}

/* A signature and its bugs, at the end of stream. seen: bit s, if signature s has been there. */
static enum error_kind put_bugs(FILE *stream, const struct key *key, const struct yaml_node *name, uint64_t *seen,
                                struct error *error)
{
    char quoted[QUOTE_SIZE];
    const struct yaml_node *bugs = name->next;
    enum signature signature = signature_of(name);
    enum error_kind kind = key_name_check(name, error);
    if (kind)
        return kind;
    if (signature == SIGNATURE_COUNT || signature == SIGNATURE_NONE)
        return place_error(error, &name->place, "unknown signature of %s: %s; allowed: %s", key->field.name,
                           yaml_quote(quoted, name), key->field.allowed);
    if (*seen >> signature & 1)
        return duplicate_key_error(name, error);
    if (!are_bugs(bugs))
        return field_error(&key->field, bugs, "does not name bugs", error);
    fprintf(stream, "%s%s: %s", *seen ? "; " : "", name->text, bugs->text);
    *seen |= UINT64_C(1) << signature;
    return ERROR_NONE;
}

static enum error_kind bugs_read(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                 struct error *error)
{
    char *text = NULL;
    size_t size;
    uint64_t seen = 0;
    if (node->kind != YAML_MAPPING || !node->first)
        return field_error(&key->field, node, yaml_is_null(node) ? "has no value" : "is not a mapping", error);
    FILE *stream = open_memstream(&text, &size);
    enum error_kind kind = stream ? ERROR_NONE : error_memory(error, "a text of a case file", FIELD_TEXT_SIZE);
    for (const struct yaml_node *name = node->first; name && !kind; name = name->next->next)
        kind = put_bugs(stream, key, name, &seen, error);
    if (stream && fclose(stream) != 0 && !kind)
        kind = error_memory(error, "a text of a case file", FIELD_TEXT_SIZE);
    segment->first.text = kind ? NULL : text;
    if (kind)
        free(text);
    return kind;
}

static void bugs_clear(union value *value)
{
    free(value->text);
    value->text = NULL;
}

const struct value_type type_bugs = {.read = bugs_read, .clear = bugs_clear, .aside = true};

const char *known_bugs_as(const char *text, enum signature signature, size_t *size)
{
    const char *name = signature_names[signature];
    for (const char *part = text; part && *part; part += strspn(part, "; ")) {
        size_t length = strcspn(part, ";"), name_size = strlen(name);
        if (length > name_size + 2 && !strncmp(part, name, name_size) && part[name_size] == ':') {
            *size = length - name_size - 2;
            return part + name_size + 2;
        }
        part += length;
    }
    *size = 0;
    return NULL;
}
