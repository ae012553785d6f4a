#include "harness/support/yaml_diagnosis.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MAX_OPEN = 16 };

/* A walk through a text, token by token as far as brackets, quotes and comments go. */
struct walk {
    const char *text;
    size_t size, at;
    size_t line_start;
    size_t open[MAX_OPEN]; /* where brackets stand that are not closed yet */
    int depth;
    int indent;  /* of the line of the outermost of them */
    char before; /* the character of the line before, blanks apart; 0: none */
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Characters of a key with its colon at the start of text, 0 without one. */
static size_t key_length(const char *text, size_t size)
{
    size_t length = 0;
    while (length < size && is_word(text[length]))
        length++;
    return length > 0 && length < size && text[length] == ':' ? length + 1 : 0;
}

static bool ends_word(const char *text, size_t size, size_t at)
{
    return at >= size || strchr(" \t\r\n", text[at]);
}

bool yaml_lacks_space(const char *text, size_t size)
{
    size_t length = key_length(text, size);
    return length && !ends_word(text, size, length) && text[length] != ':';
}

static int indent_of(const struct walk *walk, size_t line_start)
{
    size_t at = line_start;
    while (at < walk->size && walk->text[at] == ' ')
        at++;
    return (int)(at - line_start);
}

/* Whether a line cannot belong to the brackets that are open: a key that stands no further in, or another document. */
static bool ends_brackets(const struct walk *walk, size_t line_start)
{
    int indent = indent_of(walk, line_start);
    const char *line = walk->text + line_start + indent;
    size_t left = walk->size - line_start - (size_t)indent, length = key_length(line, left);
    if (indent > walk->indent)
        return false;
    return (length && ends_word(line, left, length)) || (left >= 3 && strncmp(line, "---", 3) == 0);
}

/* Moves over a quoted text that begins here: a quote in it is doubled, or stands behind a backslash. */
static void skip_quoted(struct walk *walk)
{
    char quote = walk->text[walk->at++], escape = quote == '"' ? '\\' : '\'';
    for (; walk->at < walk->size; walk->at++) {
        bool escaped = walk->text[walk->at] == escape && walk->at + 1 < walk->size &&
                       (escape != quote || walk->text[walk->at + 1] == quote);
        if (escaped)
            walk->at++;
        else if (walk->text[walk->at] == quote)
            break;
    }
    walk->before = quote;
    walk->at++;
}

/* Moves to the end of the line: the text need not end in a NUL. */
static void skip_comment(struct walk *walk)
{
    while (walk->at < walk->size && walk->text[walk->at] != '\n' && walk->text[walk->at] != '\r')
        walk->at++;
}

/* A bracket or a quote is one only where a value may begin; inside of brackets that is anywhere but in a word. */
static bool begins_value(const struct walk *walk)
{
    return walk->before == '\0' || strchr(":-[{,", walk->before);
}

enum finding { NOTHING, NOT_CLOSED, OTHERWISE_CLOSED, TOO_DEEP };

static enum finding take_bracket(struct walk *walk)
{
    char c = walk->text[walk->at];
    if ((c == '[' || c == '{') && begins_value(walk)) {
        if (walk->depth == MAX_OPEN) /* deeper than a case is */
            return TOO_DEEP;
        if (walk->depth == 0)
            walk->indent = indent_of(walk, walk->line_start);
        walk->open[walk->depth++] = walk->at;
    } else if ((c == ']' || c == '}') && walk->depth > 0) {
        if ((walk->text[walk->open[walk->depth - 1]] == '[') != (c == ']'))
            return OTHERWISE_CLOSED;
        walk->depth--;
    }
    return NOTHING;
}

/* The first bracket that is not closed as it should be; walk stands where that shows. */
static enum finding find_bracket(struct walk *walk)
{
    enum finding finding = NOTHING;
    while (walk->at < walk->size && finding == NOTHING) {
        char c = walk->text[walk->at];
        if (c == '\n' || c == '\r') {
            walk->line_start = walk->at + 1;
            walk->before = walk->depth ? walk->before : '\0';
            if (walk->depth && ends_brackets(walk, walk->line_start))
                return NOT_CLOSED;
        } else if (c == '#' && (walk->at == walk->line_start || strchr(" \t", walk->text[walk->at - 1]))) {
            skip_comment(walk);
            continue;
        } else if ((c == '"' || c == '\'') && begins_value(walk)) {
            skip_quoted(walk);
            continue;
        } else if (c != ' ' && c != '\t') {
            finding = take_bracket(walk);
            walk->before = c;
        }
        walk->at += finding == NOTHING;
    }
    return finding != NOTHING ? finding : walk->depth ? NOT_CLOSED : NOTHING;
}

/* The start of what a line has behind its indentation and "- ". */
static size_t content_start(const char *text, size_t size, size_t line_start)
{
    size_t at = line_start;
    while (at < size && (text[at] == ' ' || (text[at] == '-' && at + 1 < size && text[at + 1] == ' ')))
        at++;
    return at;
}

/* The start of the line that the byte stands on. */
static size_t line_start_of(const char *text, size_t begin, size_t at)
{
    while (at > begin && text[at - 1] != '\n' && text[at - 1] != '\r')
        at--;
    return at;
}

/* "KEY:VALUE" on the line of `at`, or on the one before it: SIZE_MAX if there is none. */
static size_t find_colon(const char *text, size_t begin, size_t size, size_t at)
{
    size_t start = line_start_of(text, begin, at < size ? at : size);
    for (int i = 0; i < 2; i++) {
        size_t content = content_start(text, size, start);
        if (yaml_lacks_space(text + content, size - content))
            return content;
        if (start == begin)
            break;
        start = line_start_of(text, begin, start - 1);
    }
    return SIZE_MAX;
}

bool yaml_diagnose(const struct source *source, size_t begin, struct place *place, char *what, const char **allowed)
{
    struct walk walk = {.text = source->text, .size = source->size, .at = begin, .line_start = begin};
    enum finding finding = find_bracket(&walk);
    char open = walk.depth ? walk.text[walk.open[walk.depth - 1]] : '\0';
    if (finding == OTHERWISE_CLOSED) {
        snprintf(what, YAML_DIAGNOSIS_SIZE, "'%c' is closed by '%c'", open, walk.text[walk.at]);
        *place = source_place(source, walk.at);
    } else if (finding == NOT_CLOSED) {
        snprintf(what, YAML_DIAGNOSIS_SIZE, "'%c' is not closed", open);
        *place = source_place(source, walk.open[walk.depth - 1]);
    }
    if (finding == NOT_CLOSED || finding == OTHERWISE_CLOSED) {
        *allowed = open == '[' ? "[VALUE, ...]" : "{KEY: VALUE, ...}";
        return true;
    }
    size_t colon = find_colon(source->text, begin, source->size, place->offset);
    if (colon == SIZE_MAX)
        return false;
    snprintf(what, YAML_DIAGNOSIS_SIZE, "a space is missing behind ':'");
    *allowed = "KEY: VALUE";
    *place = source_place(source, colon);
    return true;
}
