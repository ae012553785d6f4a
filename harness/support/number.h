/*
 * Numbers as text: what people write, exactly read, and the fewest digits that read back as the same number.
 */
#ifndef HARNESS_SUPPORT_NUMBER_H
#define HARNESS_SUPPORT_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* What is wrong with a text that should be a value. */
enum value_fault {
    VALUE_SOUND,
    VALUE_NO_NUMBER,
    VALUE_NOT_FINITE,
    VALUE_NOT_WHOLE,
    VALUE_UNIT_K, /* ends in K, which is 1000 to some and 1024 to others */
    VALUE_LOST,   /* not 0, and 0 as an f32 */
    VALUE_OUT_OF_RANGE,
    VALUE_OUT_OF_STEP, /* no multiple of what values are multiples of */
    VALUE_UNKNOWN,     /* no name of those there are */
    VALUE_FAULT_COUNT
};

/* "is not a number", to follow the name of what the text is a value of. */
extern const char *const value_fault_sentences[VALUE_FAULT_COUNT];

/*
 * Reads text[0, size) as a number of strtod that is neither infinite nor NaN: VALUE_NO_NUMBER, VALUE_NOT_FINITE, or
 * VALUE_OUT_OF_RANGE where it is larger than every double, or not 0 and smaller. What follows, if anything does, is not
 * read as part of a number (a comma, a NUL, the second '.' of "1..2"). -0 is 0.
 */
enum value_fault number_parse(const char *text, size_t size, double *number);

/* The same as an f32, rounded once: VALUE_OUT_OF_RANGE where f32 makes it infinite, VALUE_LOST where it makes it 0. */
enum value_fault number_parse_float(const char *text, size_t size, float *number);

/*
 * Reads a whole number, |integer|, exactly: digits with a sign, a point and an exponent as far as the number is whole
 * ("4096", "4.096e3"), and a unit behind them: k and M are 1000 and 10^6, Ki and Mi 1024 and 1024^2. VALUE_NOT_WHOLE
 * for what is none, VALUE_UNIT_K, VALUE_OUT_OF_RANGE from 2^64 on. *negative: of a number that is not 0.
 */
enum value_fault number_parse_whole(const char *text, size_t size, uint64_t *magnitude, int *negative);

/* A finite number in the fewest digits that read back as the same double, or the same float. text: NUMBER_TEXT_MAX
 * characters, returned. */
enum { NUMBER_TEXT_MAX = 32 };
char *format_double(char *text, double number);
char *format_float(char *text, float number);

#endif
