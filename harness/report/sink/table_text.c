#include "harness/report/sink/table_text.h"

#include <stdlib.h>
#include <string.h>

#include "harness/support/text.h"

void table_print_wrapped(FILE *out, const char *line, size_t size, int width)
{
    size_t indent = 0;
    while (indent < size && line[indent] == ' ')
        indent++;
    for (size_t at = indent, left = indent; at < size; left = indent + TABLE_INDENT) {
        size_t room = (size_t)width > left ? (size_t)width - left : 1, end = size - at <= room ? size : at + room;
        while (end < size && end > at && line[end] != ' ')
            end--;
        if (end == at) /* a word that is longer */
            end = at + strcspn(line + at, " \n");
        fprintf(out, "%*s%.*s\n", (int)left, "", (int)(end - at), line + at);
        for (at = end; at < size && line[at] == ' ';)
            at++;
    }
}

bool table_print_lines(FILE *out, char *text, int width)
{
    char *clean = text ? text_clean(text) : NULL;
    bool printed = clean;
    for (const char *line = clean; line && *line;) {
        size_t size = strcspn(line, "\n");
        table_print_wrapped(out, line, size, width);
        line += size + (line[size] == '\n');
    }
    free(clean);
    free(text);
    return printed;
}

bool table_print_text(FILE *out, const char *prefix, char *text)
{
    char *clean = text ? text_clean(text) : NULL;
    if (clean)
        fprintf(out, "%s%s\n", prefix, clean);
    bool printed = clean;
    free(clean);
    free(text);
    return printed;
}

char *table_with_prefix(const char *prefix, char *text)
{
    char *both = NULL;
    if (text && asprintf(&both, "%s%s", prefix, text) < 0)
        both = NULL;
    free(text);
    return both;
}
