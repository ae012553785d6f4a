#include "harness/support/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/*
 * Length of the well-formed UTF-8 sequence at text (Unicode 15, table 3-7), 0 if there is none. *character is what it
 * encodes.
 */
static size_t decode(const unsigned char *text, uint32_t *character)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t smallest; /* below it the sequence is overlong */
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t length = 1; length <= 4; length++) {
        if ((text[0] & forms[length - 1].mask) != forms[length - 1].lead)
            continue;
        uint32_t value = text[0] & (unsigned char)~forms[length - 1].mask;
        for (size_t i = 1; i < length; i++) {
            if ((text[i] & 0xc0) != 0x80)
                return 0;
            value = value << 6 | (text[i] & 0x3f);
        }
        *character = value;
        bool surrogate = value >= 0xd800 && value <= 0xdfff;
        return value >= forms[length - 1].smallest && value <= 0x10ffff && !surrogate ? length : 0;
    }
    return 0;
}

/* Neither a control character (C0, DEL, C1) nor one that XML 1.0 excludes, nor one that breaks a line or has what
 * follows shown in another order: a reader would see another text than is there. */
static bool presentable(uint32_t character)
{
    if ((character >= 0x2028 && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069))
        return false;
    return character == '\n' || character == '\t' ||
           (character >= 0x20 && !(character >= 0x7f && character <= 0x9f) && (character & 0xfffe) != 0xfffe);
}

char *text_clean(const char *text)
{
    char *clean = malloc(strlen(text) * (sizeof REPLACEMENT - 1) + 1);
    if (!clean)
        return NULL;
    char *end = clean;
    const unsigned char *next = (const unsigned char *)text;
    while (*next) {
        uint32_t character = 0;
        size_t length = decode(next, &character);
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
