#include "harness/case/key_range.h"

#include <math.h>
#include <string.h>

#include "harness/support/field_yaml.h"

typedef __int128 wide; /* every whole number of a field, and a step beyond */

/* What stands behind the colon. */
struct step {
    enum { STEP_NONE, STEP_ADD, STEP_MULTIPLY } kind;
    uint64_t addend;
    double factor;
};

struct range {
    union value first, last;
    struct step step;
};

/* ---- parsing ----------------------------------------------------------------------------------------------------- */

static bool is_whole(const struct field *field)
{
    return field->type == FIELD_WHOLE || field->type == FIELD_UNSIGNED;
}

bool key_is_range(const struct key *key, const struct yaml_node *node)
{
    return key->axis && is_whole(&key->field) && node->kind == YAML_SCALAR && node->plain && strstr(node->text, "..");
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

/* What is malformed is told before what is out of range. */
static enum error_kind parse_range(const struct key *key, const struct yaml_node *node, struct range *range,
                                   struct error *error)
{
    struct field ends = key->field; /* steps are not those of its ends */
    ends.whole.multiple_of = 0;
    const char *dots = strstr(node->text, ".."), *last = dots + 2, *colon = strchr(last, ':');
    const char *end = colon ? colon : node->text + node->size;
    *range = (struct range){.step.kind = STEP_NONE};
    enum value_fault fault = field_parse(&ends, node->text, (size_t)(dots - node->text), &range->first),
                     of_last = field_parse(&ends, last, (size_t)(end - last), &range->last);
    if (of_last == VALUE_NOT_WHOLE || fault == VALUE_SOUND)
        fault = of_last;
    if (fault != VALUE_SOUND)
        return field_error(&key->field, node, value_fault_sentences[fault], error);
    if (colon && !parse_step(&range->step, colon + 1, node->size - (size_t)(colon + 1 - node->text)))
        return field_error(&key->field, node, "has steps that are not +NUMBER from 1 or xFACTOR above 1", error);
    if (field_compare(&key->field, &range->last, &range->first) < 0)
        return field_error(&key->field, node, "is a range whose end is before its start", error);
    return ERROR_NONE;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static wide number_of(const struct field *field, const union value *value)
{
    int64_t integer = field_integer(field, value);
    return field->type == FIELD_UNSIGNED ? (wide)(uint64_t)integer : (wide)integer;
}

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

enum error_kind key_range_segments(const struct key *key, const struct yaml_node *node, size_t *count,
                                   struct error *error)
{
    struct range range;
    enum error_kind kind = parse_range(key, node, &range, error);
    *count = 1;
    if (kind || range.step.kind == STEP_NONE)
        return kind;
    wide number = number_of(&key->field, &range.first), last = number_of(&key->field, &range.last);
    if (range.step.kind == STEP_MULTIPLY && number < 1)
        return field_error(&key->field, node, "is multiplied from below 1 on", error);
    while ((number = next_of(&range.step, number)) <= last)
        if (++*count > CASE_MAX_POINTS)
            return field_error(&key->field, node, "is a range of more than 100000 values", error);
    return ERROR_NONE;
}

enum error_kind key_range_read(const struct key *key, const struct yaml_node *node, struct segment *segment,
                               struct error *error)
{
    struct range range;
    const struct field *field = &key->field;
    enum error_kind kind = parse_range(key, node, &range, error);
    if (kind)
        return kind;
    if (range.step.kind == STEP_NONE)
        segment->extra = field_distance(field, &range.first, &range.last);
    if (field->whole.multiple_of && segment->extra)
        return field_error(field, node, "has steps, and a range of it is to name one: FIRST..LAST:+STEP", error);
    wide number = number_of(field, &range.first);
    if (segment->rank > 0)
        number = next_of(&range.step, number_of(field, &segment[-1].first));
    segment->first = range.first; /* whatever of the union the number leaves */
    field_put_integer(field, &segment->first, (int64_t)number);
    wide magnitude = number < 0 ? -number : number;
    if (field->whole.multiple_of && magnitude % field->whole.multiple_of)
        return field_error(field, node, value_fault_sentences[VALUE_OUT_OF_STEP], error);
    return ERROR_NONE;
}
