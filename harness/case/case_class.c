/* The value of the key `class`: any, or the name of a class (arithmetic_class.h). */
#include <stdio.h>
#include <string.h>

#include "harness/case/value_types.h"
#include "harness/judge/class/arithmetic_class.h"
#include "harness/support/field_yaml.h"
#include "harness/support/suggest.h"

static char *class_allowed(char *text, const struct field *field)
{
    int length = snprintf(text, FIELD_ALLOWED_SIZE, "any, output, f32, or f32 with some of");
    (void)field;
    for (int i = 2; class_word(i) && length < FIELD_ALLOWED_SIZE; i++)
        length +=
            snprintf(text + length, (size_t)(FIELD_ALLOWED_SIZE - length), "%s+%s", i > 2 ? ", " : " ", class_word(i));
    return text;
}

bool class_demand_parse(struct class_demand *demand, const char *text, char *problem)
{
    char word[CLASS_NAME_SIZE], advice[SUGGESTION_SIZE], allowed[FIELD_ALLOWED_SIZE], quoted[QUOTE_SIZE];
    *demand = (struct class_demand){.asked = strcmp(text, "any") != 0};
    if (!demand->asked || class_parse(&demand->arithmetic, text, word))
        return true;
    struct suggestion suggestion = {.text = word};
    for (int i = 0; class_word(i); i++)
        suggestion_offer(&suggestion, class_word(i));
    snprintf(problem, FIELD_ALLOWED_SIZE, "unknown class: %s; %sallowed: %.300s", quote(quoted, word, strlen(word)),
             suggestion_format(advice, &suggestion), class_allowed(allowed, NULL));
    return false;
}

static enum error_kind class_read(const struct field *field, const struct yaml_node *node, void *member,
                                  struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE], problem[FIELD_ALLOWED_SIZE];
    struct class_demand demand = {.asked = false};
    enum error_kind kind = scalar_check(field->name, class_allowed(allowed, field), node, error);
    if (kind)
        return kind;
    if (!class_demand_parse(&demand, node->text, problem))
        return place_error(error, &node->place, "%s", problem);
    memcpy(member, &demand, sizeof demand);
    return ERROR_NONE;
}

static char *class_write(char *text, const struct field *field, const void *member)
{
    char name[CLASS_NAME_SIZE];
    struct class_demand demand;
    (void)field;
    memcpy(&demand, member, sizeof demand);
    snprintf(text, FIELD_TEXT_SIZE, "%s", demand.asked ? class_format(name, &demand.arithmetic) : "any");
    return text;
}

static int class_compare(const struct field *field, const void *a, const void *b)
{
    char x[FIELD_TEXT_SIZE], y[FIELD_TEXT_SIZE];
    return strcmp(class_write(x, field, a), class_write(y, field, b));
}

const struct field_own class_own = {class_read, class_write, class_allowed, class_compare};
