/* Fields as text: what they are read from, printed as, and allowed to be. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/support/field.h"

/* ---- from text --------------------------------------------------------------------------------------------------- */

static struct whole_range whole_range(const struct field *field)
{
    if (field->whole.least != 0 || field->whole.greatest != 0)
        return field->whole;
    if (field->type == FIELD_UNSIGNED)
        return (struct whole_range){0, UINT64_MAX, 0};
    return field->size == sizeof(int) ? (struct whole_range){INT32_MIN, INT32_MAX, 0}
                                      : (struct whole_range){-INT64_MAX, INT64_MAX, 0};
}

static struct real_range real_range(const struct field *field)
{
    double largest = field->size == sizeof(float) ? (double)FLT_MAX : DBL_MAX;
    if (field->real.least != 0 || field->real.greatest != 0)
        return field->real;
    return (struct real_range){-largest, largest, false};
}

/* -least is representable where a number below 0 is allowed: it is above -2^63. */
static bool in_range(const struct whole_range *range, bool negative, uint64_t magnitude)
{
    if (negative)
        return range->least < 0 && magnitude <= (uint64_t)-range->least;
    return magnitude <= range->greatest && (range->least <= 0 || magnitude >= (uint64_t)range->least);
}

enum value_fault field_take_integer(const struct field *field, int64_t integer, void *member)
{
    struct whole_range range = whole_range(field);
    if (!in_range(&range, integer < 0, integer < 0 ? -(uint64_t)integer : (uint64_t)integer))
        return VALUE_OUT_OF_RANGE;
    field_put_integer(field, member, integer);
    return VALUE_SOUND;
}

static enum value_fault parse_whole(const struct field *field, const char *text, size_t size, void *member)
{
    struct whole_range range = whole_range(field);
    uint64_t magnitude;
    int negative;
    enum value_fault fault = number_parse_whole(text, size, &magnitude, &negative);
    if (fault)
        return fault;
    if (!in_range(&range, negative, magnitude))
        return VALUE_OUT_OF_RANGE;
    if (field->whole.multiple_of && magnitude % field->whole.multiple_of)
        return VALUE_OUT_OF_STEP;
    field_put_integer(field, member, (int64_t)(negative ? -magnitude : magnitude));
    return VALUE_SOUND;
}

static enum value_fault parse_real(const struct field *field, const char *text, size_t size, void *member)
{
    struct real_range range = real_range(field);
    bool is_narrow = field->size == sizeof(float), named = false;
    double number = 0;
    float narrow = 0;
    for (int i = 0; i < field->num_numbers && !named; i++)
        if (strlen(field->numbers[i].name) == size && memcmp(text, field->numbers[i].name, size) == 0) {
            number = field->numbers[i].value;
            named = true;
        }
    enum value_fault fault = named       ? VALUE_SOUND
                             : is_narrow ? number_parse_float(text, size, &narrow)
                                         : number_parse(text, size, &number);
    if (fault)
        return fault;
    if (is_narrow && !named)
        number = (double)narrow;
    if (!(range.above ? number > range.least : number >= range.least) || !(number <= range.greatest))
        return VALUE_OUT_OF_RANGE;
    narrow = (float)number;
    memcpy(member, is_narrow ? (const void *)&narrow : (const void *)&number, field->size);
    return VALUE_SOUND;
}

enum value_fault field_parse(const struct field *field, const char *text, size_t size, void *member)
{
    int choice;
    switch (field->type) {
    case FIELD_WHOLE:
    case FIELD_UNSIGNED:
        return parse_whole(field, text, size, member);
    case FIELD_REAL:
        return parse_real(field, text, size, member);
    case FIELD_CHOICE:
        choice = field_choice(field, text, size);
        if (choice == field->names.count)
            return VALUE_UNKNOWN;
        field_put_integer(field, member, choice);
        return VALUE_SOUND;
    case FIELD_TEXT:
        memcpy(member, &text, sizeof text);
        return VALUE_SOUND;
    case FIELD_SET:
    case FIELD_OWN:
    case FIELD_TYPE_COUNT:
        break;
    }
    return VALUE_UNKNOWN;
}

/* ---- to text ----------------------------------------------------------------------------------------------------- */

static char *format_whole(char *text, const struct field *field, uint64_t wide)
{
    if (field->type == FIELD_UNSIGNED)
        snprintf(text, NUMBER_TEXT_MAX, "%" PRIu64, wide);
    else
        snprintf(text, NUMBER_TEXT_MAX, "%" PRId64, (int64_t)wide);
    return text;
}

static char *format_real(char *text, const struct field *field, const void *member)
{
    double number = field_real(field, member);
    for (int i = 0; i < field->num_numbers; i++)
        if (number == field->numbers[i].value) {
            snprintf(text, FIELD_TEXT_SIZE, "%s", field->numbers[i].name);
            return text;
        }
    return field->size == sizeof(float) ? format_float(text, (float)number) : format_double(text, number);
}

/* "a, b", of a set only those whose bits are set. */
static int format_names(char *text, int size, const struct field *field, uint64_t bits)
{
    int length = 0;
    for (int i = 0; i < field->names.count && length < size; i++)
        if (bits >> i & 1)
            length += snprintf(text + length, (size_t)(size - length), "%s%s", length ? ", " : "",
                               field_choice_name(field, i));
    return length;
}

char *field_format(char *text, const struct field *field, const void *member)
{
    switch (field->type) {
    case FIELD_WHOLE:
    case FIELD_UNSIGNED:
        return format_whole(text, field, (uint64_t)field_integer(field, member));
    case FIELD_REAL:
        return format_real(text, field, member);
    case FIELD_CHOICE:
        snprintf(text, FIELD_TEXT_SIZE, "%s", field_choice_name(field, (int)field_integer(field, member)));
        return text;
    case FIELD_SET:
        if (format_names(text, FIELD_TEXT_SIZE, field, (uint64_t)field_integer(field, member)) == 0)
            snprintf(text, FIELD_TEXT_SIZE, "none");
        return text;
    case FIELD_TEXT:
        snprintf(text, FIELD_TEXT_SIZE, "%s", field_text(member) ? field_text(member) : "");
        return text;
    case FIELD_OWN:
        return field->own->format(text, field, member);
    case FIELD_TYPE_COUNT:
        break;
    }
    *text = '\0';
    return text;
}

static char *allowed_numbers(char *text, const struct field *field)
{
    char least[NUMBER_TEXT_MAX], greatest[NUMBER_TEXT_MAX], step[48] = "";
    const char *prefix = field->range_prefix ? field->range_prefix : "";
    if (field->type == FIELD_REAL ? field->real.least == field->real.greatest
                                  : (uint64_t)field->whole.least == field->whole.greatest) {
        snprintf(text, FIELD_ALLOWED_SIZE, field->type == FIELD_REAL ? "numbers" : "whole numbers");
        return text;
    }
    if (field->type == FIELD_REAL) {
        snprintf(text, FIELD_ALLOWED_SIZE, field->real.above ? "%sabove %g up to %g" : "%s%g to %g", prefix,
                 field->real.least, field->real.greatest);
        return text;
    }
    if (field->whole.multiple_of)
        snprintf(step, sizeof step, ", multiples of %u", field->whole.multiple_of);
    snprintf(text, FIELD_ALLOWED_SIZE, "%s%s to %s%s", prefix, format_whole(least, field, (uint64_t)field->whole.least),
             format_whole(greatest, field, field->whole.greatest), step);
    return text;
}

static char *allowed_names(char *text, const struct field *field)
{
    bool set = field->type == FIELD_SET;
    int length = set ? snprintf(text, FIELD_ALLOWED_SIZE, "none, ") : 0;
    length += format_names(text + length, FIELD_ALLOWED_SIZE - length, field, UINT64_MAX);
    if (length < FIELD_ALLOWED_SIZE && field->every)
        length += snprintf(text + length, (size_t)(FIELD_ALLOWED_SIZE - length), ", %s", field->every);
    if (length < FIELD_ALLOWED_SIZE && set)
        snprintf(text + length, (size_t)(FIELD_ALLOWED_SIZE - length), ", lists of names");
    return text;
}

char *field_allowed(char *text, const struct field *field)
{
    if (field->own && field->own->allowed)
        return field->own->allowed(text, field);
    if (field->allowed || field->type == FIELD_TEXT || field->type == FIELD_OWN) {
        snprintf(text, FIELD_ALLOWED_SIZE, "%s", field->allowed ? field->allowed : "text");
        return text;
    }
    if (field->type == FIELD_CHOICE || field->type == FIELD_SET)
        return allowed_names(text, field);
    return allowed_numbers(text, field);
}
