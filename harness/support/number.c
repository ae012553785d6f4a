#include "harness/support/number.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

const char *const value_fault_sentences[VALUE_FAULT_COUNT] = {
    [VALUE_SOUND] = "is sound",
    [VALUE_NO_NUMBER] = "is not a number",
    [VALUE_NOT_FINITE] = "is not a finite number",
    [VALUE_NOT_WHOLE] = "is not a whole number",
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

enum value_fault number_parse_digits(const char *text, size_t size, uint64_t *magnitude, int *negative)
{
    bool minus = size > 0 && text[0] == '-', overflow = false;
    size_t i = size > 0 && (text[0] == '-' || text[0] == '+');
    uint64_t digits = 0;
    if (i == size)
        return VALUE_NOT_WHOLE;
    for (; i < size; i++) {
        if (!isdigit((unsigned char)text[i]))
            return VALUE_NOT_WHOLE;
        overflow |= __builtin_mul_overflow(digits, 10, &digits);
        overflow |= __builtin_add_overflow(digits, (uint64_t)(text[i] - '0'), &digits);
    }
    if (overflow)
        return VALUE_OUT_OF_RANGE;
    *magnitude = digits;
    *negative = minus && digits > 0;
    return VALUE_SOUND;
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
