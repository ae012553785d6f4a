/* How an expression of --where is read: recursive descent. What it means is in where.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/file/expression_fault.h"
#include "harness/report/file/where.h"
#include "harness/report/file/where_tree.h"
#include "harness/report/record/record_field.h"
#include "harness/support/suggest.h"

enum { PARENTHESES_MAX = 64 };

/* How tests are written, those that others begin with behind them. */
static const struct sign {
    const char *text;
    enum test test;
    bool negated;
} operators[] = {
    {"==", TEST_EQUAL, false},
    {"!=", TEST_EQUAL, true},
    {"!~", TEST_GLOB, true},
    {"<=", TEST_LESS_OR_EQUAL, false},
    {">=", TEST_GREATER_OR_EQUAL, false},
    {"=", TEST_EQUAL, false},
    {"~", TEST_GLOB, false},
    {"<", TEST_LESS, false},
    {">", TEST_GREATER, false},
};
enum { NUM_OPERATORS = sizeof operators / sizeof operators[0] };

/* ---- words of the expression ------------------------------------------------------------------------------------- */

struct parser {
    const char *next;
    struct expression expression;
    const struct where_names *names;
    bool of_points;
    int depth;
};

static enum error_kind fault(const struct parser *parser, const char *at, size_t size, const char *what,
                             const char *allowed)
{
    return expression_fault(&parser->expression, at, size, what, allowed);
}

static const char *skip_blanks(struct parser *parser)
{
    parser->next += strspn(parser->next, " \t\n");
    return parser->next;
}

static bool is_word_character(char c)
{
    return c && !strchr(" \t\n()=!<>~&|'\"", c);
}

static size_t word_length(const char *text)
{
    size_t size = 0;
    while (is_word_character(text[size]))
        size++;
    return size;
}

/* Moves behind a sign or a word, which ends where words end, if it is the next one. */
static bool take(struct parser *parser, const char *token)
{
    const char *next = skip_blanks(parser);
    size_t size = strlen(token);
    if (strncmp(next, token, size) != 0 || (is_word_character(token[0]) && word_length(next) != size))
        return false;
    parser->next += size;
    return true;
}

static enum error_kind copy(char **to, const char *from, size_t size, struct error *error)
{
    *to = strndup(from, size);
    return *to ? ERROR_NONE : error_memory(error, "--where", (double)size);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

/* The row of a field, or NULL; *open is set where a row says that names are a record's own. */
static const struct record_field *find_field(const char *path, bool *open)
{
    const struct record_fields *fields = &record_fields;
    *open = false;
    for (;;) {
        size_t size = strcspn(path, ".");
        const struct record_field *found = NULL;
        for (size_t i = 0; fields && i < fields->count; i++) {
            const char *name = record_field_name(&fields->rows[i]);
            *open |= fields->rows[i].put != NULL;
            if (strlen(name) == size && memcmp(name, path, size) == 0)
                found = &fields->rows[i];
        }
        if (!found || !path[size])
            return *open ? NULL : found;
        if (*open)
            return NULL;
        fields = found->is_list ? NULL : found->members;
        path += size + 1;
    }
}

static enum where_field find_name(const char *name)
{
    bool open;
    const struct record_field *field = find_field(name, &open);
    if (!field)
        return open ? WHERE_ANY : WHERE_UNKNOWN;
    const char *type = record_field_type(field);
    return strstr(type, "integer") || strstr(type, "number") ? WHERE_NUMBER : WHERE_TEXT;
}

static void offer_names(struct suggestion *suggestion)
{
    for (size_t i = 0; i < record_fields.count; i++)
        suggestion_offer(suggestion, record_field_name(&record_fields.rows[i]));
}

const struct where_names where_record_names = {
    .find = find_name,
    .offer = offer_names,
    .allowed = "a name of `alibicheck list record-fields`",
};

/* A value may hold signs of comparison, as keys do. */
static size_t value_length(const char *text)
{
    size_t size = 0;
    while (text[size] && !strchr(" \t\n()", text[size]) && memcmp(text + size, "&&", 2) != 0 &&
           memcmp(text + size, "||", 2) != 0)
        size++;
    return size;
}

/* Reads what stands behind the operator. */
static enum error_kind read_word(struct parser *parser, struct where *node)
{
    const char *at = skip_blanks(parser);
    size_t size = value_length(at);
    bool quoted = *at == '\'' || *at == '"';
    if (quoted) {
        const char *end = strchr(at + 1, *at);
        if (!end)
            return fault(parser, at, strlen(at), "a quote is not closed", "'WORD' or \"WORD\"");
        size = (size_t)(end - at) - 1;
        at++;
    }
    if (size == 0 && !quoted)
        return fault(parser, at, strlen(at), "a value is missing", "a number, a word, null");
    parser->next = at + size + quoted;
    enum error_kind kind = copy(&node->word, at, size, parser->expression.error);
    if (kind)
        return kind;
    node->is_null = !quoted && strcmp(node->word, "null") == 0;
    node->is_none = !quoted && strcmp(node->word, "none") == 0;
    node->is_number = quantity_read_word(&node->number, node->word);
    return ERROR_NONE;
}

static enum error_kind check_word(const struct parser *parser, const struct where *node, bool numbers, const char *at)
{
    size_t size = strlen(node->word);
    bool ordered = node->test != TEST_EQUAL && node->test != TEST_GLOB;
    if (numbers && node->test == TEST_GLOB)
        return fault(parser, at, size, "is a glob, and the field a number", "a field of texts; = != < <= > >= NUMBER");
    if ((ordered && !node->is_number) || (numbers && node->test == TEST_EQUAL && !node->is_number && !node->is_null))
        return fault(parser, at, size, "is compared with no number",
                     ordered ? "numbers; = and != compare with words" : "numbers, null");
    return ERROR_NONE;
}

static enum error_kind read_operator(struct parser *parser, struct where *node, bool *negated)
{
    const char *at = skip_blanks(parser);
    for (int i = 0; i < NUM_OPERATORS; i++)
        if (take(parser, operators[i].text)) {
            node->test = operators[i].test;
            *negated = operators[i].negated;
            return ERROR_NONE;
        }
    return fault(parser, at, strlen(at), "no comparison", "FIELD = != < <= > >= ~ !~ VALUE");
}

/* where becomes a node of what it is and, but for `not`, of what is still to be read. */
static enum error_kind join(struct where **where, enum node_kind kind, struct error *error)
{
    struct where *node = calloc(1, sizeof *node);
    if (!node)
        return error_memory(error, "--where", sizeof *node);
    *node = (struct where){.kind = kind, .left = *where};
    *where = node;
    return ERROR_NONE;
}

static enum error_kind negate(struct where **where, bool negated, struct error *error)
{
    return negated ? join(where, NODE_NOT, error) : ERROR_NONE;
}

static enum error_kind parse_test(struct parser *parser, struct where **where)
{
    const char *at = skip_blanks(parser);
    size_t size = word_length(at);
    bool negated = false;
    struct where *node = *where = calloc(1, sizeof *node);
    if (!node)
        return error_memory(parser->expression.error, "--where", sizeof *node);
    if (size == 0)
        return fault(parser, at, strlen(at), "a field is missing", "FIELD = VALUE, joined by and, or, not");
    enum error_kind kind = copy(&node->field, at, size, parser->expression.error);
    if (kind)
        return kind;
    enum where_field field = parser->names->find(node->field);
    if (field == WHERE_UNKNOWN)
        return expression_unknown_field(&parser->expression, at, size, parser->names);
    if (parser->of_points && !record_field_of_point(node->field))
        return fault(parser, at, size, "is not known before a point is run", "fields of points: seq_len, dtype, ...");
    parser->next = at + size;
    if ((kind = read_operator(parser, node, &negated)))
        return kind;
    const char *value = skip_blanks(parser);
    if (!(kind = read_word(parser, node)) && !(kind = check_word(parser, node, field == WHERE_NUMBER, value)))
        kind = negate(where, negated, parser->expression.error);
    return kind;
}

/* ---- and, or, not ------------------------------------------------------------------------------------------------ */

static enum error_kind parse_or(struct parser *parser, struct where **where);

static enum error_kind parse_operand(struct parser *parser, struct where **where)
{
    const char *at = skip_blanks(parser);
    bool negated = take(parser, "not") || take(parser, "!");
    enum error_kind kind;
    if (++parser->depth > PARENTHESES_MAX)
        return fault(parser, at, strlen(at), "too many parentheses", "64 in each other");
    if (negated) {
        kind = parse_operand(parser, where);
    } else if (take(parser, "(")) {
        kind = parse_or(parser, where);
        const char *end = skip_blanks(parser);
        if (!kind && !take(parser, ")"))
            kind = fault(parser, end, strlen(end), "a parenthesis is not closed", ")");
    } else {
        kind = parse_test(parser, where);
    }
    parser->depth--;
    return kind ? kind : negate(where, negated, parser->expression.error);
}

static enum error_kind parse_and(struct parser *parser, struct where **where)
{
    enum error_kind kind = parse_operand(parser, where);
    while (!kind && (take(parser, "and") || take(parser, "&&")))
        if (!(kind = join(where, NODE_AND, parser->expression.error)))
            kind = parse_operand(parser, &(*where)->right);
    return kind;
}

static enum error_kind parse_or(struct parser *parser, struct where **where)
{
    enum error_kind kind = parse_and(parser, where);
    while (!kind && (take(parser, "or") || take(parser, "||")))
        if (!(kind = join(where, NODE_OR, parser->expression.error)))
            kind = parse_and(parser, &(*where)->right);
    return kind;
}

static enum error_kind parse(struct where **where, const char *text, const struct where_names *names, bool of_points,
                             struct error *error)
{
    struct parser parser = {.next = text,
                            .expression = {names->option ? names->option : "--where", text, error},
                            .names = names,
                            .of_points = of_points};
    *where = NULL;
    enum error_kind kind = parse_or(&parser, where);
    const char *rest = skip_blanks(&parser);
    if (!kind && *rest)
        kind = fault(&parser, rest, strlen(rest), "nothing can follow here", "and, or");
    if (!kind)
        return ERROR_NONE;
    where_free(*where);
    *where = NULL;
    return kind;
}

enum error_kind where_parse(struct where **where, const char *text, struct error *error)
{
    return parse(where, text, &where_record_names, false, error);
}

enum error_kind where_parse_names(struct where **where, const char *text, const struct where_names *names,
                                  struct error *error)
{
    return parse(where, text, names, false, error);
}

enum error_kind where_parse_of_points(struct where **where, const char *text, struct error *error)
{
    return parse(where, text, &where_record_names, true, error);
}
