#include "harness/command/trace_expression.h"

#include <ctype.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

/* A place in a text. What is not known once stays so. */
struct parser {
    const char *at;
    const struct trace_names *names;
    int depth;
    bool known;
};

static void skip_spaces(struct parser *parser)
{
    parser->at += strspn(parser->at, " \t\r\n");
}

/* Takes the token if it is next. */
static bool take(struct parser *parser, const char *token)
{
    skip_spaces(parser);
    if (strncmp(parser->at, token, strlen(token)) != 0)
        return false;
    parser->at += strlen(token);
    return true;
}

/* "*" where "**" is not meant. */
static bool take_alone(struct parser *parser, char operator)
{
    skip_spaces(parser);
    if (parser->at[0] != operator|| parser->at[1] == operator)
        return false;
    parser->at++;
    return true;
}

static int64_t unknown(struct parser *parser)
{
    parser->known = false;
    return 0;
}

/* ---- arithmetic, as Python has it for whole numbers -------------------------------------------------------------- */

static int64_t add(struct parser *parser, int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? unknown(parser) : sum;
}

static int64_t subtract(struct parser *parser, int64_t a, int64_t b)
{
    int64_t difference;
    return __builtin_sub_overflow(a, b, &difference) ? unknown(parser) : difference;
}

static int64_t multiply(struct parser *parser, int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? unknown(parser) : product;
}

/* Rounded down. */
static int64_t divide_down(struct parser *parser, int64_t a, int64_t b)
{
    if (b == 0 || (a == INT64_MIN && b == -1))
        return unknown(parser);
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* Of the sign of b. */
static int64_t remainder_of(struct parser *parser, int64_t a, int64_t b)
{
    if (b == 0 || b == -1)
        return b == 0 ? unknown(parser) : 0;
    int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

/* A quotient that is no whole number is a float there. */
static int64_t divide_exactly(struct parser *parser, int64_t a, int64_t b)
{
    if (b == 0 || (a == INT64_MIN && b == -1) || a % b != 0)
        return unknown(parser);
    return a / b;
}

static int64_t power(struct parser *parser, int64_t base, int64_t exponent)
{
    int64_t result = 1;
    if (exponent < 0 || (exponent > 63 && base != 0 && base != 1 && base != -1))
        return unknown(parser);
    if (exponent > 63) /* of 0, 1, -1: their powers repeat */
        exponent = 2 + exponent % 2;
    for (int64_t i = 0; i < exponent && parser->known; i++)
        result = multiply(parser, result, base);
    return result;
}

/* ---- the grammar ------------------------------------------------------------------------------------------------- */

static int64_t read_sum(struct parser *parser);

static int64_t read_number(struct parser *parser)
{
    int64_t value = 0;
    if (parser->at[0] == '0' && isalnum((unsigned char)parser->at[1])) /* no number of Python, or not in base 10 */
        return unknown(parser);
    for (; isdigit((unsigned char)*parser->at) && parser->known; parser->at++)
        value = add(parser, multiply(parser, value, 10), *parser->at - '0');
    if (*parser->at == '.' || *parser->at == '_' || isalnum((unsigned char)*parser->at)) /* 1.5, 1_000, 1e3 */
        return unknown(parser);
    return value;
}

static int64_t read_name(struct parser *parser)
{
    const char *name = parser->at;
    int64_t value = 0;
    while (isalnum((unsigned char)*parser->at) || *parser->at == '_')
        parser->at++;
    size_t size = (size_t)(parser->at - name);
    bool last = take(parser, "[");
    if (last && !(take(parser, "-") && take(parser, "1") && take(parser, "]")))
        return unknown(parser);
    if (last && take(parser, ".") && !(take(parser, "item") && take(parser, "(") && take(parser, ")")))
        return unknown(parser);
    return parser->names->find(parser->names->context, name, size, last, &value) ? value : unknown(parser);
}

static int64_t read_atom(struct parser *parser)
{
    if (take(parser, "(")) {
        int64_t value = read_sum(parser);
        return take(parser, ")") ? value : unknown(parser);
    }
    if (isdigit((unsigned char)*parser->at))
        return read_number(parser);
    if (isalpha((unsigned char)*parser->at) || *parser->at == '_')
        return read_name(parser);
    return unknown(parser);
}

/* A sign binds less than ** on its right: -2 ** 2 is -4. Depth is counted here, where all that nests passes. */
static int64_t read_factor(struct parser *parser)
{
    int64_t value;
    if (!parser->known || parser->depth >= DEPTH_MAX)
        return unknown(parser);
    parser->depth++;
    if (take(parser, "-")) {
        value = subtract(parser, 0, read_factor(parser));
    } else if (take(parser, "+")) {
        value = read_factor(parser);
    } else {
        value = read_atom(parser);
        if (parser->known && take(parser, "**"))
            value = power(parser, value, read_factor(parser));
    }
    parser->depth--;
    return value;
}

static int64_t read_product(struct parser *parser)
{
    int64_t value = read_factor(parser);
    while (parser->known) {
        if (take_alone(parser, '*'))
            value = multiply(parser, value, read_factor(parser));
        else if (take(parser, "//"))
            value = divide_down(parser, value, read_factor(parser));
        else if (take(parser, "/"))
            value = divide_exactly(parser, value, read_factor(parser));
        else if (take(parser, "%"))
            value = remainder_of(parser, value, read_factor(parser));
        else
            break;
    }
    return value;
}

static int64_t read_sum(struct parser *parser)
{
    int64_t value = read_product(parser);
    while (parser->known) {
        if (take(parser, "+"))
            value = add(parser, value, read_product(parser));
        else if (take(parser, "-"))
            value = subtract(parser, value, read_product(parser));
        else
            break;
    }
    return value;
}

bool trace_expression_value(int64_t *value, const char *text, const struct trace_names *names)
{
    struct parser parser = {.at = text, .names = names, .known = true};
    *value = read_sum(&parser);
    skip_spaces(&parser);
    return parser.known && *parser.at == '\0';
}

enum trace_truth trace_constraint_holds(const char *text, const struct trace_names *names, int64_t sides[2])
{
    static const char *const comparisons[] = {"==", "!=", "<=", ">=", "<", ">"}; /* the longer ones first */
    enum { COUNT = sizeof comparisons / sizeof *comparisons };
    struct parser parser = {.at = text, .names = names, .known = true};
    int which = 0;
    sides[0] = read_sum(&parser);
    while (parser.known && which < COUNT && !take(&parser, comparisons[which]))
        which++;
    if (!parser.known || which == COUNT)
        return TRACE_UNKNOWN;
    sides[1] = read_sum(&parser);
    skip_spaces(&parser);
    if (!parser.known || *parser.at)
        return TRACE_UNKNOWN;
    const bool holds[COUNT] = {sides[0] == sides[1], sides[0] != sides[1], sides[0] <= sides[1], sides[0] >= sides[1],
                               sides[0]<sides[1], sides[0]> sides[1]};
    return holds[which] ? TRACE_TRUE : TRACE_FALSE;
}
