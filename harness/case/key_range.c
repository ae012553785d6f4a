#include "harness/case/key_range.h"

#include <math.h>
#include <string.h>

#include "harness/case/point.h"
#include "harness/support/field_yaml.h"

typedef __int128 wide; /* every whole number of a field, and a step beyond */

/* What stands behind the colon. */
struct step {
    enum { STEP_NONE, STEP_ADD, STEP_MULTIPLY } kind;
    uint64_t addend;
    double factor;
};

struct range {
    wide first, last;
    struct step step;
};

/* ---- parsing ----------------------------------------------------------------------------------------------------- */

bool key_is_range(const struct field *field, const struct yaml_node *node)
{
    bool is_whole = field->type == FIELD_WHOLE || field->type == FIELD_UNSIGNED;
    return is_whole && node->kind == YAML_SCALAR && node->plain && strstr(node->text, "..");
}

static bool parse_step(struct step *step, const char *text, size_t size)
{
    int negative;
    if (size < 2)
        return false;
    if (text[0] == '+' && text[1] != '+') {
        step->kind = STEP_ADD;
        return number_parse_whole(text + 1, size - 1, &step->addend, &negative) == VALUE_SOUND && !negative &&
               step->addend > 0;
    }
    step->kind = STEP_MULTIPLY;
    return text[0] == 'x' && number_parse(text + 1, size - 1, &step->factor) == VALUE_SOUND && step->factor > 1;
}

/* A whole number that the field holds, whatever its steps. */
static enum value_fault parse_end(const struct field *field, const char *text, size_t size, wide *number)
{
    struct field end = *field;
    int64_t member = 0; /* no narrower one needs more room */
    end.whole.multiple_of = 0;
    enum value_fault fault = field_parse(&end, text, size, &member);
    int64_t integer = fault ? 0 : field_integer(&end, &member);
    *number = field->type == FIELD_UNSIGNED ? (wide)(uint64_t)integer : (wide)integer;
    return fault;
}

static const char not_a_range[] = "is no range of whole numbers, FIRST..LAST, FIRST..LAST:+STEP or FIRST..LAST:xFACTOR";

/* What is malformed is told before what is out of range. */
static enum error_kind parse_range(const struct field *field, const struct yaml_node *node, struct range *range,
                                   struct error *error)
{
    const char *dots = strstr(node->text, ".."), *last = dots + 2, *colon = strchr(last, ':');
    const char *end = colon ? colon : node->text + node->size;
    *range = (struct range){.step.kind = STEP_NONE};
    enum value_fault fault = parse_end(field, node->text, (size_t)(dots - node->text), &range->first),
                     of_last = parse_end(field, last, (size_t)(end - last), &range->last);
    if (of_last == VALUE_NOT_WHOLE || fault == VALUE_SOUND)
        fault = of_last;
    if (fault != VALUE_SOUND)
        return field_error(field, node, fault == VALUE_NOT_WHOLE ? not_a_range : value_fault_sentences[fault], error);
    if (colon && !parse_step(&range->step, colon + 1, node->size - (size_t)(colon + 1 - node->text)))
        return field_error(field, node, "has steps that are not +NUMBER from 1 or xFACTOR above 1", error);
    if (range->last < range->first)
        return field_error(field, node, "is a range whose end is before its start", error);
    if (range->step.kind == STEP_MULTIPLY && range->first < 1)
        return field_error(field, node, "is multiplied from below 1 on", error);
    if (range->step.kind == STEP_NONE && field->whole.multiple_of && range->first < range->last)
        return field_error(field, node, "has steps, and a range of it is to name one: FIRST..LAST:+STEP", error);
    return ERROR_NONE;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* The value behind a number; of a product, which is taken from 1 up, more by 1 at least. */
static wide next_of(const struct step *step, wide number)
{
    if (step->kind == STEP_ADD)
        return number + (wide)step->addend;
    bool is_exact = step->factor == trunc(step->factor) && step->factor < 0x1p62;
    double product = nearbyint((double)number * step->factor);
    wide next = is_exact ? number * (wide)step->factor : product < 0x1p100 ? (wide)product : (wide)1 << 100;
    return next > number ? next : number + 1;
}

enum error_kind key_range_count(const struct field *field, const struct yaml_node *node, size_t *count,
                                struct error *error)
{
    struct range range;
    enum error_kind kind = parse_range(field, node, &range, error);
    *count = 1;
    if (kind || range.step.kind == STEP_NONE)
        return kind;
    for (wide number = next_of(&range.step, range.first); number <= range.last; number = next_of(&range.step, number))
        if (++*count > CASE_MAX_POINTS)
            return field_error(field, node, "is a range of more than 100000 values", error);
    return ERROR_NONE;
}

_Static_assert((int)CASE_MAX_POINTS == 100000, "what the message says");

enum error_kind key_range_read(const struct field *field, const struct yaml_node *node, const void *before,
                               void *member, uint64_t *extra, struct error *error)
{
    struct range range;
    enum error_kind kind = parse_range(field, node, &range, error);
    if (kind)
        return kind;
    wide number = range.first;
    if (before) {
        int64_t integer = field_integer(field, before);
        number = next_of(&range.step, field->type == FIELD_UNSIGNED ? (wide)(uint64_t)integer : (wide)integer);
    }
    wide magnitude = number < 0 ? -number : number;
    if (field->whole.multiple_of && magnitude % field->whole.multiple_of)
        return field_error(field, node, value_fault_sentences[VALUE_OUT_OF_STEP], error);
    *extra = range.step.kind == STEP_NONE ? (uint64_t)(range.last - range.first) : 0;
    field_put_integer(field, member, (int64_t)number);
    return ERROR_NONE;
}
