/*
 * The value of the key `sink_logits`: none, one number for all heads, {values: [...]}, a number a head, or {normal: S},
 * drawn from N(0, S^2) by the seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "harness/case/value_types.h"
#include "harness/support/field_yaml.h"

/* In nats; times log2(e), and less a logit, it is still far from overflow. */
#define SINK_MAX 1e6

static const struct field sink = {.name = "sink_logits",
                                  .type = FIELD_REAL,
                                  .size = sizeof(float),
                                  .real = {-SINK_MAX, SINK_MAX, false},
                                  .allowed = "numbers from -1e6 to 1e6"};
static const struct field stddev = {.name = "sink_logits",
                                    .type = FIELD_REAL,
                                    .size = sizeof(float),
                                    .real = {0, 1e4, false},
                                    .allowed = "numbers from 0 to 1e4"};

static char *sinks_allowed(char *text, const struct field *field)
{
    (void)field;
    snprintf(text, FIELD_ALLOWED_SIZE,
             "none, a number from -1e6 to 1e6, {values: [S, ...]}, such a number a head, {normal: STDDEV}, up to 1e4");
    return text;
}

static enum error_kind values_read(const struct field *field, const struct yaml_node *list, struct sinks_value *sinks,
                                   struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    enum error_kind kind = ERROR_NONE;
    size_t count = 0, i = 0;
    if (list->kind != YAML_SEQUENCE || !list->first)
        return place_error(error, &list->place, "%s: values are not a list of numbers; allowed: %s", field->name,
                           sinks_allowed(allowed, field));
    for (const struct yaml_node *value = list->first; value; value = value->next)
        count++;
    float *values = malloc(count * sizeof *values);
    if (!values)
        return error_memory(error, "sinks", (double)(count * sizeof *values));
    for (const struct yaml_node *value = list->first; value && !kind; value = value->next, i++)
        kind = field_read(&sink, value, &values[i], error);
    if (kind)
        free(values);
    else
        *sinks = (struct sinks_value){.kind = SINKS_VALUES, .count = count, .values = values};
    return kind;
}

static enum error_kind sinks_read(const struct field *field, const struct yaml_node *node, void *member,
                                  struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE], quoted[QUOTE_SIZE];
    struct sinks_value read = {.kind = SINKS_NONE};
    struct field number = sink;
    enum error_kind kind = ERROR_NONE;
    number.allowed = sinks_allowed(allowed, field);
    if (node->kind == YAML_SCALAR && !strcmp(node->text, sink_logits_names[SINKS_NONE])) {
        memcpy(member, &read, sizeof read);
        return ERROR_NONE;
    }
    if (node->kind != YAML_MAPPING) {
        read.kind = SINKS_VALUE;
        kind = field_read(&number, node, &read.number, error);
    } else {
        const struct yaml_node *name = node->first;
        bool one = name && !name->next->next, scalar = one && name->kind == YAML_SCALAR;
        if (scalar && !strcmp(name->text, sink_logits_names[SINKS_VALUES])) {
            kind = values_read(field, name->next, &read, error);
        } else if (scalar && !strcmp(name->text, sink_logits_names[SINKS_NORMAL])) {
            read.kind = SINKS_NORMAL;
            kind = field_read(&stddev, name->next, &read.number, error);
        } else {
            return place_error(error, one ? &name->place : &node->place, "unknown %s: %s; allowed: %s", field->name,
                               one ? yaml_quote(quoted, name) : "not one of them", number.allowed);
        }
    }
    if (!kind)
        memcpy(member, &read, sizeof read);
    return kind;
}

static int sinks_compare(const struct field *field, const void *a, const void *b)
{
    const struct sinks_value *x = a, *y = b;
    (void)field;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    if (x->count != y->count)
        return x->count < y->count ? -1 : 1;
    for (size_t i = 0; i < x->count; i++)
        if (x->values[i] != y->values[i])
            return x->values[i] < y->values[i] ? -1 : 1;
    return 0;
}

static void sinks_apply(const union value *value, struct point *point)
{
    const struct sinks_value *sinks = &value->sinks;
    point->problem.sinks = (struct sink_spec){sinks->kind, sinks->number, (int)sinks->count, sinks->values};
}

/* "none", "0.5", "normal:1", "values:0.5:0.25", or, of many, their number and hash: "values:112:0123456789abcdef". */
static char *sinks_format(char *text, const struct point *point)
{
    enum { LENGTH_MAX = 96 };
    const struct sink_spec *sinks = &point->problem.sinks;
    char number[NUMBER_TEXT_MAX];
    if (sinks->kind == SINKS_VALUE) {
        snprintf(text, FIELD_TEXT_SIZE, "%s", format_float(number, sinks->number));
        return text;
    }
    int length = snprintf(text, FIELD_TEXT_SIZE, "%s", sink_logits_names[sinks->kind]);
    if (sinks->kind == SINKS_NORMAL)
        snprintf(text + length, (size_t)(FIELD_TEXT_SIZE - length), ":%s", format_float(number, sinks->number));
    for (int i = 0; i < sinks->num_values && length <= LENGTH_MAX; i++)
        length +=
            snprintf(text + length, (size_t)(FIELD_TEXT_SIZE - length), ":%s", format_float(number, sinks->values[i]));
    if (length > LENGTH_MAX)
        snprintf(text, FIELD_TEXT_SIZE, "%s:%d:%016llx", sink_logits_names[SINKS_VALUES], sinks->num_values,
                 (unsigned long long)XXH64(sinks->values, (size_t)sinks->num_values * sizeof *sinks->values, 0));
    return text;
}

static void sinks_clear(union value *value)
{
    free(value->sinks.values);
    value->sinks = (struct sinks_value){0};
}

const struct field_own sinks_own = {sinks_read, NULL, sinks_allowed, sinks_compare};

const struct value_type type_sinks = {.apply = sinks_apply, .format = sinks_format, .clear = sinks_clear};
