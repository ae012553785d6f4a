#include "harness/report/compare/compare_field.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "harness/report/compare/key_order.h"
#include "harness/support/json_value.h"
#include "harness/support/source.h"
#include "harness/support/suggest.h"

static const char *const part_names[] = {
    [PART_KEY] = "key", [PART_CHANGE] = "change", [PART_OUTCOME] = "outcome", [PART_A] = "_a",
    [PART_B] = "_b",    [PART_DIFF] = "_diff",    [PART_PCT] = "_pct",
};

static const char *const outcome_names[] = {
    [CHANGE_IS_FINE] = "fine",
    [CHANGE_IS_WORSE] = "worse",
    [CHANGE_IS_NO_COMPARISON] = "not comparable",
};

static bool is_figure(enum fact fact)
{
    return fact_info(fact).role == FACT_OF_ERROR;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* Calls visit with every field there is, in the order of JSON, until it returns false. */
static bool for_each_field(bool (*visit)(void *context, const struct compare_field *field), void *context)
{
    for (enum compare_part part = PART_KEY; part <= PART_OUTCOME; part++)
        if (!visit(context, &(struct compare_field){.part = part}))
            return false;
    for (enum fact fact = 0; fact < FACT_COUNT; fact++)
        for (enum compare_part part = PART_A; part <= (is_figure(fact) ? PART_PCT : PART_B); part++)
            if (!visit(context, &(struct compare_field){.part = part, .fact = fact}))
                return false;
    return true;
}

char *compare_field_name(char *text, const struct compare_field *field)
{
    snprintf(text, COMPARE_FIELD_SIZE, "%s%s", field->part >= PART_A ? fact_info(field->fact).name : "",
             part_names[field->part]);
    return text;
}

struct search {
    const char *name;
    struct compare_field found;
};

static bool is_other(void *context, const struct compare_field *field)
{
    struct search *search = context;
    char name[COMPARE_FIELD_SIZE];
    if (strcmp(compare_field_name(name, field), search->name) != 0)
        return true;
    search->found = *field;
    return false;
}

static bool find_field(struct compare_field *field, const char *name)
{
    struct search search = {.name = name};
    bool found = !for_each_field(is_other, &search);
    *field = search.found;
    return found;
}

static enum where_field find_name(const char *name)
{
    struct compare_field field;
    if (!find_field(&field, name))
        return WHERE_UNKNOWN;
    return field.part < PART_A || fact_info(field.fact).is_text ? WHERE_TEXT : WHERE_NUMBER;
}

/* A fact's name, which a suggestion keeps, stands for those with a suffix; who left that out is told of suffixes, and
 * has not meant another fact. */
static void offer_names(struct suggestion *suggestion)
{
    for (enum fact fact = 0; fact < FACT_COUNT; fact++)
        if (strcmp(fact_info(fact).name, suggestion->text) == 0)
            return;
    for (enum compare_part part = PART_KEY; part <= PART_OUTCOME; part++)
        suggestion_offer(suggestion, part_names[part]);
    for (enum fact fact = 0; fact < FACT_COUNT; fact++)
        suggestion_offer(suggestion, fact_info(fact).name);
}

const struct where_names compare_field_names = {
    .find = find_name,
    .offer = offer_names,
    .allowed = "key, change, outcome, FACT_a, FACT_b and of figures FACT_diff, FACT_pct (`alibicheck compare --help`)",
};

enum error_kind compare_field_parse(struct compare_field *field, const char *option, const char *name, size_t size,
                                    struct error *error)
{
    char text[COMPARE_FIELD_SIZE], quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE];
    bool descending = size > 0 && *name == '-';
    snprintf(text, sizeof text, "%.*s", (int)(size - descending), name + descending);
    struct suggestion suggestion = {.text = text};
    bool found = find_field(field, text);
    field->descending = descending;
    if (found)
        return ERROR_NONE;
    offer_names(&suggestion);
    return error_set(error, ERROR_USAGE, "%s: no field %s; %sallowed: %s", option, quote(quoted, name, size),
                     suggestion_format(advice, &suggestion), compare_field_names.allowed);
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static struct fact_value text_value(const char *text)
{
    return (struct fact_value){.type = FACT_TEXT, .text = (char *)(uintptr_t)text};
}

static struct fact_value side(const struct result *result, enum fact fact)
{
    return result && !result->removed ? result->facts[fact] : (struct fact_value){.type = FACT_UNKNOWN};
}

/* b - a, or that in percent of a. Equal infinities differ by nothing. */
static struct fact_value change(const struct fact_value *a, const struct fact_value *b, bool in_percent)
{
    if (a->type != FACT_NUMBER || b->type != FACT_NUMBER)
        return (struct fact_value){.type = FACT_UNKNOWN};
    double difference = fact_equal(a, b) ? 0 : b->number - a->number;
    if (in_percent && difference != 0)
        difference = 100 * difference / a->number;
    return (struct fact_value){.type = FACT_NUMBER, .number = difference};
}

struct fact_value compare_field_value(const struct compare_field *field, const struct compared *point,
                                      const struct compare_rules *rules)
{
    const struct fact_value a = side(point->a, field->fact), b = side(point->b, field->fact);
    switch (field->part) {
    case PART_KEY:
        return text_value(compared_key(point));
    case PART_CHANGE:
        return text_value(change_table[point->change].name);
    case PART_OUTCOME:
        return text_value(outcome_names[change_outcome(point->change, rules)]);
    case PART_A:
        return a;
    case PART_B:
        return b;
    case PART_DIFF:
    case PART_PCT:
        break;
    }
    return change(&a, &b, field->part == PART_PCT);
}

static int order_of_numbers(double a, double b)
{
    if (isnan(a) || isnan(b))
        return !isnan(b) - !isnan(a);
    return (a > b) - (a < b);
}

int compare_field_order(const struct compare_field *field, const struct compared *a, const struct compared *b,
                        const struct compare_rules *rules)
{
    const struct fact_value of_a = compare_field_value(field, a, rules), of_b = compare_field_value(field, b, rules);
    int order = field->part == PART_CHANGE ? (a->change > b->change) - (a->change < b->change)
                : field->part == PART_KEY  ? key_order(of_a.text, of_b.text)
                : of_a.type != of_b.type   ? (of_a.type > of_b.type) - (of_a.type < of_b.type)
                : of_a.type == FACT_TEXT   ? strcmp(of_a.text, of_b.text)
                                           : order_of_numbers(of_a.number, of_b.number);
    return field->descending ? -order : order;
}

struct filling {
    json_t *object;
    const struct compared *point;
    const struct compare_rules *rules;
};

static bool put_field(void *context, const struct compare_field *field)
{
    struct filling *filling = context;
    char name[COMPARE_FIELD_SIZE];
    const struct fact_value value = compare_field_value(field, filling->point, filling->rules);
    return json_put(filling->object, compare_field_name(name, field), fact_to_json(&value));
}

json_t *compared_to_json(const struct compared *point, const struct compare_rules *rules)
{
    struct filling filling = {json_object(), point, rules};
    return json_finish(filling.object, filling.object && for_each_field(put_field, &filling));
}
