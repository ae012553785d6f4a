#include "harness/support/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "harness/support/character.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* Not one that XML 1.0 excludes, nor one that would be acted on: a reader would see another text than is there. */
static bool presentable(uint32_t character)
{
    return character == '\n' || character == '\t' ||
           (!character_is_unprintable(character) && (character & 0xfffe) != 0xfffe);
}

char *text_clean(const char *text)
{
    char *clean = malloc(strlen(text) * (sizeof REPLACEMENT - 1) + 1);
    if (!clean)
        return NULL;
    char *end = clean;
    const char *next = text, *last = text + strlen(text);
    while (next < last) {
        uint32_t character = 0;
        size_t length = utf8_decode(next, (size_t)(last - next), &character);
        if (length && presentable(character)) {
            memcpy(end, next, length);
            end += length;
        } else {
            memcpy(end, REPLACEMENT, sizeof REPLACEMENT - 1);
            end += sizeof REPLACEMENT - 1;
        }
        next += length ? length : 1;
    }
    *end = '\0';
    return clean;
}

char *text_line(const char *text, size_t width)
{
    char *line = text_clean(text);
    if (!line)
        return NULL;
    for (char *c = line; *c; c++)
        if (*c == '\n' || *c == '\t')
            *c = ' ';
    size_t size = strlen(line);
    while (size > 0 && line[size - 1] == ' ')
        line[--size] = '\0';

    size_t characters = 0;
    char *cut = line; /* where the dots go if the line is too long */
    for (char *c = line; *c; c++) {
        if ((*c & 0xc0) == 0x80)
            continue;
        if (characters == width - 3)
            cut = c;
        if (characters++ == width) {
            strcpy(cut, "..."); /* overwrites at least three characters */
            break;
        }
    }
    return line;
}

char *text_shell_quote(const char *text, bool always)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";
    if (!always && *text && text[strspn(text, plain)] == '\0')
        return strdup(text);
    static const char quote[] = "'\\''";
    char *quoted = malloc(strlen(text) * (sizeof quote - 1) + 3);
    if (!quoted)
        return NULL;
    char *end = quoted;
    *end++ = '\'';
    for (const char *c = text; *c; c++)
        if (*c == '\'')
            end = stpcpy(end, quote);
        else
            *end++ = *c;
    *end++ = '\'';
    *end = '\0';
    return quoted;
}

char *text_file_name(const char *text)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._=,+-";
    size_t size = strlen(text);
    char *name = malloc(size * 3 + 2);
    if (!name)
        return NULL;
    char *end = name;
    for (const char *c = text; *c; c++) {
        bool leading_dot = c == text && *c == '.'; /* "." and ".." are not names, and a dot hides a folder */
        if (strchr(safe, *c) && !leading_dot)
            *end++ = *c;
        else if (*c == ':')
            *end++ = '@';
        else
            end += snprintf(end, 4, "%%%02X", (unsigned char)*c);
    }
    if (end == name)
        *end++ = '%';
    *end = '\0';
    if (end - name > TEXT_FILE_NAME_MAX)
        snprintf(name + TEXT_FILE_NAME_MAX - 17, 18, "-%016llx", (unsigned long long)XXH64(text, size, 0));
    return name;
}
