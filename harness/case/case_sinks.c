/*
 * The value of the key `sink_logits`: none, one number for all heads, {values: [...]}, a number a head, or {normal: S},
 * drawn from N(0, S^2) by the seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/head_values.h"
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
        if (scalar && !strcmp(name->text, head_values_name)) {
            read.kind = SINKS_VALUES;
            kind = head_values_read(&read.values, &read.count, name->next, &sink, field, number.allowed, error);
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
    return head_values_compare(x->values, x->count, y->values, y->count);
}

static void sinks_apply(const union value *value, struct point *point)
{
    const struct sinks_value *sinks = &value->sinks;
    point->problem.sinks = (struct sink_spec){sinks->kind, sinks->number, (int)sinks->count, sinks->values};
}

/* "none", "0.5", "normal:1", "values:0.5:0.25". */
static char *sinks_format(char *text, const struct point *point)
{
    const struct sink_spec *sinks = &point->problem.sinks;
    char number[NUMBER_TEXT_MAX];
    format_float(number, sinks->number);
    if (sinks->kind == SINKS_VALUES)
        return head_values_format(text, sinks->values, (size_t)sinks->num_values);
    if (sinks->kind == SINKS_NORMAL)
        snprintf(text, FIELD_TEXT_SIZE, "%s:%s", sink_logits_names[SINKS_NORMAL], number);
    else
        snprintf(text, FIELD_TEXT_SIZE, "%s", sinks->kind == SINKS_VALUE ? number : sink_logits_names[sinks->kind]);
    return text;
}

static void sinks_clear(union value *value)
{
    free(value->sinks.values);
    value->sinks = (struct sinks_value){0};
}

const struct field_own sinks_own = {sinks_read, NULL, sinks_allowed, sinks_compare};

const struct value_type type_sinks = {.apply = sinks_apply, .format = sinks_format, .clear = sinks_clear};
