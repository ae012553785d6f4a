/* Scalars of case files: what every value type reads them with, and numbers in the fewest digits. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/case/case_keys.h"

enum error_kind value_error(const struct key *key, const struct yaml_node *node, const char *what, struct error *error)
{
    char quoted[QUOTE_SIZE], allowed[ALLOWED_TEXT_SIZE];
    return place_error(error, &node->place, "%s %s: %s; allowed: %s", key->name, what, yaml_quote(quoted, node),
                       key->type->allowed(allowed, key));
}

enum error_kind parse_scalar(const char *key_name, const char *allowed, const struct yaml_node *node,
                             struct error *error)
{
    char quoted[QUOTE_SIZE];
    const char *what = node->kind != YAML_SCALAR              ? "is not a single value"
                       : yaml_is_null(node)                   ? "has no value"
                       : memchr(node->text, '\0', node->size) ? "holds a NUL character"
                                                              : NULL;
    if (!what)
        return ERROR_NONE;
    return place_error(error, &node->place, "%s %s: %s; allowed: %s", key_name, what, yaml_quote(quoted, node),
                       allowed);
}

enum error_kind parse_key_name(const struct yaml_node *node, struct error *error)
{
    char quoted[QUOTE_SIZE];
    if (node->kind == YAML_SCALAR && node->size > 0 && !memchr(node->text, '\0', node->size))
        return ERROR_NONE;
    return place_error(error, &node->place, "a key is not a name: %s; allowed: KEY: VALUE", yaml_quote(quoted, node));
}

/* .nan, inf, -.Inf and the like, which YAML and strtod each accept in part. */
static bool is_not_finite(const char *text)
{
    text += *text == '+' || *text == '-';
    text += *text == '.';
    return strncasecmp(text, "nan", 3) == 0 || strncasecmp(text, "inf", 3) == 0;
}

enum error_kind parse_number(const char *key_name, const char *allowed, const struct yaml_node *node, double *number,
                             struct error *error)
{
    enum error_kind kind = parse_scalar(key_name, allowed, node, error);
    if (kind)
        return kind;
    const char *what = NULL;
    char *end, quoted[QUOTE_SIZE];
    errno = 0;
    *number = strtod(node->text, &end);
    if (!node->plain)
        what = "is quoted text, not a number";
    else if (is_not_finite(node->text))
        what = "is not a finite number";
    else if (end == node->text || *end != '\0')
        what = "is not a number";
    else if (!isfinite(*number) || (*number == 0 && errno == ERANGE))
        what = "is out of range";
    if (!what)
        return ERROR_NONE;
    return place_error(error, &node->place, "%s %s: %s; allowed: %s", key_name, what, yaml_quote(quoted, node),
                       allowed);
}

enum error_kind parse_float(const char *key_name, const char *allowed, const struct yaml_node *node, float *number,
                            struct error *error)
{
    char quoted[QUOTE_SIZE];
    double exact;
    enum error_kind kind = parse_number(key_name, allowed, node, &exact, error);
    if (kind)
        return kind;
    /* strtof, because rounding a double to f32 would round the decimal number twice; -0 + 0 is 0. */
    *number = strtof(node->text, NULL) + 0.0f;
    if (isfinite(*number) && (*number != 0 || exact == 0))
        return ERROR_NONE;
    return place_error(error, &node->place, "%s %s: %s; allowed: %s", key_name,
                       isfinite(*number) ? "is not 0, but f32 rounds it to 0" : "is out of range",
                       yaml_quote(quoted, node), allowed);
}

/* "%.1g" writes 30 as 3e+01; people do not. */
static bool is_short_integer(double number)
{
    return fabs(number) < 1e9 && number == trunc(number);
}

char *format_double(char *text, double number)
{
    if (is_short_integer(number)) {
        snprintf(text, 32, "%.0f", number);
        return text;
    }
    for (int digits = 1; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(text, 32, "%.*g", digits, number);
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
        snprintf(text, 32, "%.*g", digits, (double)number);
        if (strtof(text, NULL) == number)
            break;
    }
    return text;
}
