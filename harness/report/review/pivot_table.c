/*
 * Fields and clauses are words between blanks; a quoted word is a title. A measure ends at a comma, and its clauses
 * where the word of the next one stands, neither inside quotes or parentheses: what is between is the expression's own.
 */
#include "harness/report/review/pivot_table.h"

#include <stdlib.h>
#include <string.h>

#include "harness/report/file/expression_fault.h"
#include "harness/report/review/pivot_field.h"

/* What a kind of measure is made of. */
static const struct kind_info {
    const char *name;
    bool has_field, of_numbers, has_place, has_groups;
} kinds[PIVOT_KIND_COUNT] = {
    [PIVOT_COUNT] = {.name = "count"},
    [PIVOT_SHARE] = {.name = "share"},
    [PIVOT_SUM] = {.name = "sum", .has_field = true, .of_numbers = true},
    [PIVOT_MIN] = {.name = "min", .has_field = true, .of_numbers = true, .has_place = true},
    [PIVOT_MAX] = {.name = "max", .has_field = true, .of_numbers = true, .has_place = true},
    [PIVOT_MEDIAN] = {.name = "median", .has_field = true, .of_numbers = true},
    [PIVOT_RANGE] = {.name = "range", .has_field = true, .of_numbers = true},
    [PIVOT_VALUES] = {.name = "values", .has_field = true},
    [PIVOT_SAME] = {.name = "same", .has_field = true, .has_groups = true},
};
static const char allowed_kinds[] = "count, share, sum, min, max, median, range, values, same";

struct parser {
    const char *next;
    const char *end; /* of what is read now: the fields of rows, or a measure */
    struct expression expression;
};

static enum error_kind fault(const struct parser *parser, const char *at, size_t size, const char *what,
                             const char *allowed)
{
    return expression_fault(&parser->expression, at, size, what, allowed);
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static const char blanks[] = " \t\n";

static bool is_blank(char c)
{
    return c && strchr(blanks, c);
}

/* Behind a quoted text that begins at `at`, or behind one character; NULL if a quote is not closed. */
static const char *behind(const char *at, const char *end)
{
    if (*at != '"' && *at != '\'')
        return at + 1;
    const char *close = memchr(at + 1, *at, (size_t)(end - at) - 1);
    return close ? close + 1 : NULL;
}

/* The first `sign` from `at` on that is in no quotes or parentheses, or the end; NULL if a quote is not closed. */
static const char *find_sign(const char *at, const char *end, char sign)
{
    int depth = 0;
    while (at && at < end && (*at != sign || depth > 0)) {
        depth += (*at == '(') - (*at == ')');
        at = behind(at, end);
    }
    return at;
}

/* The next word, of *size characters, which is 0 at the end; the parser stays before it. */
static const char *peek(struct parser *parser, size_t *size)
{
    while (parser->next < parser->end && is_blank(*parser->next))
        parser->next++;
    *size = 0;
    while (parser->next + *size < parser->end && !is_blank(parser->next[*size]))
        ++*size;
    return parser->next;
}

static bool is_word(const char *at, size_t size, const char *word)
{
    return strlen(word) == size && memcmp(at, word, size) == 0;
}

static bool is_clause(const char *at, size_t size)
{
    return is_word(at, size, "where") || is_word(at, size, "as") || is_word(at, size, "at") || is_word(at, size, "by");
}

static enum error_kind copy(char **to, const char *from, size_t size, struct error *error)
{
    *to = strndup(from, size);
    return *to ? ERROR_NONE : error_memory(error, "--table", (double)size);
}

/* ---- fields ------------------------------------------------------------------------------------------------------ */

static enum error_kind read_field(struct parser *parser, struct pivot_fields *fields, char *title)
{
    size_t size;
    char *path = NULL;
    const char *at = peek(parser, &size);
    struct pivot_field *field = &fields->items[fields->count];
    enum error_kind kind = fields->count == PIVOT_FIELDS_MAX ? fault(parser, at, size, "too many fields", "8")
                                                             : copy(&path, at, size, parser->expression.error);
    if (!kind && !pivot_field_find(field, path))
        kind = expression_unknown_field(&parser->expression, at, size, &pivot_names);
    if (kind) {
        free(path);
        free(title);
        return kind;
    }
    field->path = path;
    field->title = title;
    fields->count++;
    parser->next += size;
    return ERROR_NONE;
}

/* A title in double quotes, if there is one, else NULL. */
static enum error_kind read_title(struct parser *parser, char **title)
{
    size_t size;
    const char *at = peek(parser, &size);
    *title = NULL;
    if (size == 0 || *at != '"')
        return ERROR_NONE;
    const char *end = behind(at, parser->end);
    if (!end)
        return fault(parser, at, (size_t)(parser->end - at), "a quote is not closed", "\"TITLE\"");
    parser->next = end;
    return copy(title, at + 1, (size_t)(end - at) - 2, parser->expression.error);
}

/* Fields up to the word that ends them, or to the end. */
static enum error_kind read_fields(struct parser *parser, struct pivot_fields *fields, bool titled,
                                   bool is_end(const char *, size_t))
{
    size_t size;
    enum error_kind kind = ERROR_NONE;
    for (const char *at = peek(parser, &size); !kind && size > 0 && !is_end(at, size); at = peek(parser, &size)) {
        char *title = NULL;
        if (titled)
            kind = read_title(parser, &title);
        if (!kind)
            kind = read_field(parser, fields, title);
    }
    return kind;
}

static bool is_times(const char *at, size_t size)
{
    return is_word(at, size, "x");
}

/* ---- measures ---------------------------------------------------------------------------------------------------- */

static enum error_kind read_expression(struct parser *parser, struct where **where)
{
    char *text = NULL;
    size_t size;
    const char *first = peek(parser, &size), *at = first;
    for (; size > 0 && !is_clause(at, size); at = peek(parser, &size)) {
        const char *next = at;
        while (next && next < parser->end && !is_blank(*next))
            next = behind(next, parser->end);
        parser->next = next ? next : parser->end;
    }
    enum error_kind kind = copy(&text, first, (size_t)(at - first), parser->expression.error);
    if (!kind)
        kind = where_parse_names(where, text, &pivot_names, parser->expression.error);
    free(text);
    return kind;
}

static enum error_kind read_clause(struct parser *parser, struct pivot_measure *measure)
{
    const struct kind_info *info = &kinds[measure->kind];
    size_t size;
    const char *at = peek(parser, &size);
    parser->next += size;
    if (is_word(at, size, "where") && !measure->where)
        return read_expression(parser, &measure->where);
    if (is_word(at, size, "as") && info->has_groups && !measure->as)
        return read_expression(parser, &measure->as);
    if (is_word(at, size, "at") && info->has_place && measure->at.count == 0)
        return read_fields(parser, &measure->at, false, is_clause);
    if (is_word(at, size, "by") && info->has_groups && measure->by.count == 0)
        return read_fields(parser, &measure->by, false, is_clause);
    return fault(parser, at, size, "is no clause here",
                 info->has_groups  ? "by FIELDS, as EXPR, where EXPR"
                 : info->has_place ? "at FIELDS, where EXPR"
                                   : "where EXPR");
}

static enum error_kind check_measure(const struct parser *parser, const struct pivot_measure *measure, const char *at,
                                     size_t size)
{
    const struct kind_info *info = &kinds[measure->kind];
    if (info->has_field && measure->of.count == 0)
        return fault(parser, at, size, "a field is missing", "max FIELD, values FIELD, same FIELD by FIELDS");
    if (!info->has_field && measure->of.count > 0)
        return fault(parser, at, size, "takes no field", "count where EXPR, share where EXPR");
    if (!info->has_groups && measure->of.count > 1)
        return fault(parser, at, size, "takes one field", "max FIELD; same FIELDS by FIELDS");
    if (info->of_numbers && !measure->of.items[0].number)
        return fault(parser, at, size, "is of a field without numbers", "values FIELD, same FIELD by FIELDS");
    if (info->has_groups && measure->by.count == 0)
        return fault(parser, at, size, "does not say of which points", "same FIELD by FIELDS [as EXPR]");
    return ERROR_NONE;
}

static enum error_kind read_kind(struct parser *parser, struct pivot_measure *measure)
{
    size_t size;
    const char *at = peek(parser, &size);
    while (measure->kind < PIVOT_KIND_COUNT && !is_word(at, size, kinds[measure->kind].name))
        measure->kind++;
    parser->next += size;
    return measure->kind == PIVOT_KIND_COUNT ? fault(parser, at, size, "no measure", allowed_kinds) : ERROR_NONE;
}

/* The measure up to the parser's end. Its title is what it says, if it has none of its own. */
static enum error_kind read_measure(struct parser *parser, struct pivot_measure *measure)
{
    size_t size;
    enum error_kind kind = read_title(parser, &measure->title);
    const char *first = peek(parser, &size), *last = parser->end;
    while (last > first && is_blank(last[-1]))
        last--;
    if (!kind && !measure->title)
        kind = copy(&measure->title, first, (size_t)(last - first), parser->expression.error);
    if (!kind)
        kind = read_kind(parser, measure);
    if (!kind)
        kind = read_fields(parser, &measure->of, false, is_clause);
    for (peek(parser, &size); !kind && size > 0; peek(parser, &size))
        kind = read_clause(parser, measure);
    return kind ? kind : check_measure(parser, measure, first, (size_t)(last - first));
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

struct listing {
    char **list;
    bool several, no_memory;
};

static void add_list(void *context, const char *path)
{
    struct listing *listing = context;
    struct pivot_field field;
    if (!pivot_field_find(&field, path) || field.list == 0)
        return;
    if (!*listing->list) {
        *listing->list = strndup(path, field.list);
        listing->no_memory |= !*listing->list;
    } else {
        listing->several |= strlen(*listing->list) != field.list || memcmp(*listing->list, path, field.list) != 0;
    }
}

static void add_lists(struct listing *listing, const struct pivot_fields *fields)
{
    for (size_t f = 0; f < fields->count; f++)
        add_list(listing, fields->items[f].path);
}

/* Finds the list that fields of a measure, of rows and of columns are in. */
static enum error_kind find_list(const struct parser *parser, const struct pivot_table *table,
                                 struct pivot_measure *measure, const char *at)
{
    struct listing listing = {.list = &measure->list};
    add_lists(&listing, &table->rows);
    add_lists(&listing, &table->columns);
    add_lists(&listing, &measure->of);
    add_lists(&listing, &measure->at);
    add_lists(&listing, &measure->by);
    if (measure->where)
        where_visit_fields(measure->where, add_list, &listing);
    if (measure->as)
        where_visit_fields(measure->as, add_list, &listing);
    if (listing.no_memory)
        return error_memory(parser->expression.error, "--table", 64);
    return listing.several ? fault(parser, at, (size_t)(parser->end - at), "is of two lists", "one list") : ERROR_NONE;
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static enum error_kind read_axes(struct parser *parser, struct pivot_table *table)
{
    size_t size;
    const char *colon = find_sign(parser->next, parser->end, ':');
    if (!colon || colon == parser->end)
        return fault(parser, parser->expression.text, strlen(parser->expression.text), "no colon",
                     "FIELDS [x FIELDS]: MEASURE, ...");
    const char *end = parser->end;
    parser->end = colon;
    enum error_kind kind = read_fields(parser, &table->rows, true, is_times);
    peek(parser, &size);
    bool has_columns = size > 0;
    parser->next += size;
    if (!kind && has_columns)
        kind = read_fields(parser, &table->columns, false, is_times);
    const char *at = peek(parser, &size);
    if (!kind && (size > 0 || (has_columns && table->columns.count == 0)))
        kind = fault(parser, at, size, "fields of columns are missing, or there are two x", "FIELDS x FIELDS: MEASURE");
    parser->next = colon + 1;
    parser->end = end;
    return kind;
}

static enum error_kind add_measure(struct parser *parser, struct pivot_table *table)
{
    if (table->num_measures == PIVOT_MEASURES_MAX)
        return fault(parser, parser->next, (size_t)(parser->end - parser->next), "too many measures", "32");
    struct pivot_measure *measure = &table->measures[table->num_measures++];
    const char *at = parser->next;
    enum error_kind kind = read_measure(parser, measure);
    return kind ? kind : find_list(parser, table, measure, at);
}

static enum error_kind read_table(struct parser *parser, struct pivot_table *table)
{
    const char *end = parser->end;
    enum error_kind kind = read_axes(parser, table);
    struct listing listing = {.list = &table->list};
    add_lists(&listing, &table->rows);
    add_lists(&listing, &table->columns);
    if (!kind && listing.no_memory)
        kind = error_memory(parser->expression.error, "--table", 64);
    for (bool more = !kind; more && !kind;) {
        parser->end = find_sign(parser->next, end, ',');
        if (!parser->end)
            return fault(parser, parser->next, (size_t)(end - parser->next), "a quote is not closed",
                         "'WORD' \"WORD\"");
        more = parser->end < end;
        kind = add_measure(parser, table);
        parser->next = parser->end + more;
    }
    return kind;
}

enum error_kind pivot_table_parse(struct pivot_table *table, const char *text, struct error *error)
{
    struct parser parser = {.next = text, .end = text + strlen(text), .expression = {pivot_names.option, text, error}};
    *table = (struct pivot_table){.measures = calloc(PIVOT_MEASURES_MAX, sizeof *table->measures)};
    return table->measures ? read_table(&parser, table)
                           : error_memory(error, "--table", PIVOT_MEASURES_MAX * sizeof *table->measures);
}

static void clear_fields(struct pivot_fields *fields)
{
    for (size_t f = 0; f < fields->count; f++) {
        free(fields->items[f].path);
        free(fields->items[f].title);
    }
}

void pivot_table_clear(struct pivot_table *table)
{
    for (size_t m = 0; m < table->num_measures; m++) {
        struct pivot_measure *measure = &table->measures[m];
        clear_fields(&measure->of);
        clear_fields(&measure->at);
        clear_fields(&measure->by);
        where_free(measure->where);
        where_free(measure->as);
        free(measure->title);
        free(measure->list);
    }
    clear_fields(&table->rows);
    clear_fields(&table->columns);
    free(table->list);
    free(table->measures);
    *table = (struct pivot_table){0};
}
