#include "harness/support/markdown.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static const char special[] = "\\`*_[]<>|~#&";

static bool is_alnum_at(const char *text, size_t length, size_t i)
{
    return i < length && isalnum((unsigned char)text[i]);
}

/* How long the link is that begins here, 0 if none does. Of it a renderer takes everything as it is, an escape, too,
 * but for that of a bar, which a table takes away before. */
static size_t link_length(const char *text, size_t length)
{
    static const char *const schemes[] = {"https://", "http://"};
    size_t size = 0;
    for (size_t s = 0; s < sizeof schemes / sizeof *schemes && size == 0; s++)
        if (length > strlen(schemes[s]) && strncmp(text, schemes[s], strlen(schemes[s])) == 0)
            size = strlen(schemes[s]);
    while (size > 0 && size < length && !isspace((unsigned char)text[size]) && text[size] != '<')
        size++;
    return size;
}

/* "@name" and "#7", but not "a@b", which is no mention. */
static bool is_reference(const char *text, size_t length, size_t i)
{
    if (text[i] == '#')
        return i + 1 < length && isdigit((unsigned char)text[i + 1]);
    return text[i] == '@' && is_alnum_at(text, length, i + 1) && !(i > 0 && is_alnum_at(text, length, i - 1));
}

void markdown_print(FILE *stream, const char *text, size_t length)
{
    size_t in_link = 0; /* how much of one follows */
    for (size_t i = 0; i < length; i++) {
        if (in_link == 0)
            in_link = link_length(text + i, length - i);
        if (text[i] == '|' || (in_link == 0 && strchr(special, text[i])))
            fputc('\\', stream);
        fputc(text[i], stream);
        if (in_link == 0 && is_reference(text, length, i))
            fputs("&#8203;", stream);
        in_link -= in_link > 0;
    }
}
