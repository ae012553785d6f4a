#include "harness/support/number.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const value_fault_sentences[VALUE_FAULT_COUNT] = {
    [VALUE_SOUND] = "is sound",
    [VALUE_NO_NUMBER] = "is not a number",
    [VALUE_NOT_FINITE] = "is not a finite number",
    [VALUE_NOT_WHOLE] = "is not a whole number",
    [VALUE_UNIT_K] = "ends in K, which is not a unit here (k is 1000, Ki is 1024)",
    [VALUE_LOST] = "is not 0, but f32 rounds it to 0",
    [VALUE_OUT_OF_RANGE] = "is out of range",
    [VALUE_OUT_OF_STEP] = "is out of step",
    [VALUE_UNKNOWN] = "is unknown",
};

/* .nan, inf, -.Inf and the like, which YAML and strtod each accept in part. */
static bool is_not_finite(const char *text, size_t size)
{
    size_t i = size > 0 && (*text == '+' || *text == '-');
    i += i < size && text[i] == '.';
    return size - i >= 3 && (strncasecmp(text + i, "nan", 3) == 0 || strncasecmp(text + i, "inf", 3) == 0);
}

enum value_fault number_parse(const char *text, size_t size, double *number)
{
    char *end;
    errno = 0;
    double parsed = strtod(text, &end);
    if (is_not_finite(text, size))
        return VALUE_NOT_FINITE;
    if (size == 0 || (size_t)(end - text) != size)
        return VALUE_NO_NUMBER;
    if (!isfinite(parsed) || (parsed == 0 && errno == ERANGE))
        return VALUE_OUT_OF_RANGE;
    *number = parsed + 0.0; /* -0 + 0 is 0 */
    return VALUE_SOUND;
}

enum value_fault number_parse_float(const char *text, size_t size, float *number)
{
    double exact;
    enum value_fault fault = number_parse(text, size, &exact);
    if (fault)
        return fault;
    /* strtof, because rounding a double to f32 would round the decimal number twice; -0 + 0 is 0. */
    float rounded = strtof(text, NULL) + 0.0f;
    if (!isfinite(rounded))
        return VALUE_OUT_OF_RANGE;
    if (rounded == 0 && exact != 0)
        return VALUE_LOST;
    *number = rounded;
    return VALUE_SOUND;
}

/* Takes a unit off the end of the text. */
static enum value_fault take_unit(const char *text, size_t *size, uint64_t *unit)
{
    static const struct {
        const char *name;
        uint64_t value;
    } units[] = {{"k", 1000}, {"M", 1000000}, {"Ki", 1 << 10}, {"Mi", 1 << 20}};
    *unit = 1;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t length = strlen(units[i].name);
        if (*size > length && memcmp(text + *size - length, units[i].name, length) == 0) {
            *unit = units[i].value;
            *size -= length;
            return VALUE_SOUND;
        }
    }
    return *size > 1 && text[*size - 1] == 'K' && isdigit((unsigned char)text[*size - 2]) ? VALUE_UNIT_K : VALUE_SOUND;
}

/* Digits with at most one point among them, as digits * 10^-places without zeros at the end; what has none is no
 * number. Returns how many characters they are. */
static size_t take_digits(const char *text, size_t size, uint64_t *digits, int *places, bool *overflow)
{
    bool point = false, any = false;
    int zeros = 0; /* that are not in digits yet */
    size_t i = 0;
    *digits = 0;
    *places = 0;
    for (; i < size && (isdigit((unsigned char)text[i]) || (text[i] == '.' && !point)); i++) {
        if (text[i] == '.') {
            point = true;
            continue;
        }
        any = true;
        *places += point;
        zeros++;
        if (text[i] == '0')
            continue;
        for (; zeros > 0; zeros--)
            *overflow |= *digits > 0 && __builtin_mul_overflow(*digits, 10, digits);
        *overflow |= __builtin_add_overflow(*digits, (uint64_t)(text[i] - '0'), digits);
    }
    *places -= zeros;
    return any ? i : 0;
}

/* "e3", "E+3" or nothing. */
static bool take_exponent(const char *text, size_t size, int *exponent)
{
    enum { GREATEST = 1000 };
    *exponent = 0;
    if (size == 0)
        return true;
    size_t first = size > 1 && (text[1] == '+' || text[1] == '-') ? 2 : 1;
    if ((text[0] != 'e' && text[0] != 'E') || first == size)
        return false;
    for (size_t i = first; i < size; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        if (*exponent < GREATEST)
            *exponent = 10 * *exponent + (text[i] - '0');
    }
    if (text[1] == '-')
        *exponent = -*exponent;
    return true;
}

/* digits * unit * 10^power, digits not 0; false if that is not whole. */
static bool scale_whole(uint64_t digits, uint64_t unit, int power, uint64_t *magnitude, bool *overflow)
{
    for (; power < 0 && unit % 10 == 0; power++)
        unit /= 10;
    for (; power < 0 && digits % 10 == 0; power++)
        digits /= 10;
    for (; power < 0 && unit % 2 == 0 && digits % 5 == 0; power++, unit /= 2)
        digits /= 5;
    for (; power > 0 && !*overflow; power--)
        *overflow |= __builtin_mul_overflow(digits, 10, &digits);
    *overflow |= __builtin_mul_overflow(digits, unit, magnitude);
    return power >= 0;
}

enum value_fault number_parse_whole(const char *text, size_t size, uint64_t *magnitude, int *negative)
{
    bool sign = size > 0 && (text[0] == '-' || text[0] == '+'), overflow = false;
    uint64_t digits, unit;
    int places, exponent;
    const char *start = text + sign;
    size_t left = size - sign;
    enum value_fault fault = take_unit(start, &left, &unit);
    if (fault)
        return fault;
    size_t length = take_digits(start, left, &digits, &places, &overflow);
    if (length == 0 || !take_exponent(start + length, left - length, &exponent))
        return VALUE_NOT_WHOLE;
    *magnitude = 0;
    *negative = text[0] == '-' && digits > 0;
    if (digits > 0 && !scale_whole(digits, unit, exponent - places, magnitude, &overflow))
        return VALUE_NOT_WHOLE;
    return overflow ? VALUE_OUT_OF_RANGE : VALUE_SOUND;
}

/* "%.1g" writes 30 as 3e+01; people do not. */
static bool is_short_integer(double number)
{
    return fabs(number) < 1e9 && number == trunc(number);
}

char *format_double(char *text, double number)
{
    if (is_short_integer(number)) {
        snprintf(text, NUMBER_TEXT_MAX, "%.0f", number);
        return text;
    }
    for (int digits = 1; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(text, NUMBER_TEXT_MAX, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    return text;
}

char *format_float(char *text, float number)
{
    if (is_short_integer((double)number))
        return format_double(text, (double)number);
    for (int digits = 1; digits <= FLT_DECIMAL_DIG; digits++) {
        snprintf(text, NUMBER_TEXT_MAX, "%.*g", digits, (double)number);
        if (strtof(text, NULL) == number)
            break;
    }
    return text;
}
