#include "harness/case/sentinel_field.h"

#include <stdio.h>
#include <string.h>

#include "harness/support/field_yaml.h"
#include "harness/support/suggest.h"
#include "kernels/recipe.h"

static const char allowed[] = "exclude, adaptive, -inf, a negative number that f32 can hold";

static enum error_kind read(const struct field *field, const struct yaml_node *node, void *member, struct error *error)
{
    static const char *const infinities[] = {"-.inf", "-.Inf", "-.INF"};
    char quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE];
    enum error_kind kind = scalar_check(field->name, allowed, node, error);
    if (kind)
        return kind;
    const char *text = node->text;
    for (size_t i = 0; i < sizeof infinities / sizeof infinities[0]; i++)
        if (strcmp(text, infinities[i]) == 0)
            text = "-inf";
    struct sentinel sentinel;
    if (sentinel_parse(text, &sentinel)) {
        memcpy(member, &sentinel, sizeof sentinel);
        return ERROR_NONE;
    }
    struct suggestion suggestion = {.text = node->text};
    suggestion_offer(&suggestion, "adaptive");
    suggestion_offer(&suggestion, "exclude");
    suggestion_offer(&suggestion, "-inf");
    return place_error(error, &node->place, "%s is neither a policy nor a negative number: %s; %sallowed: %s",
                       field->name, yaml_quote(quoted, node), suggestion_format(advice, &suggestion), allowed);
}

static char *format(char *text, const struct field *field, const void *member)
{
    (void)field;
    _Static_assert((int)FIELD_TEXT_SIZE >= (int)SENTINEL_TEXT_SIZE,
                   "sentinel_format writes SENTINEL_TEXT_SIZE characters");
    return sentinel_format(text, member);
}

static char *tell_allowed(char *text, const struct field *field)
{
    (void)field;
    snprintf(text, FIELD_ALLOWED_SIZE, "%s", allowed);
    return text;
}

static int compare(const struct field *field, const void *a, const void *b)
{
    const struct sentinel *x = a, *y = b;
    (void)field;
    if (x->policy != y->policy)
        return x->policy < y->policy ? -1 : 1;
    return x->policy == SENTINEL_VALUE ? (x->value > y->value) - (x->value < y->value) : 0;
}

const struct field_own sentinel_own = {read, format, tell_allowed, compare};
