#include "harness/command/setting_blame.h"

#include <stdio.h>
#include <string.h>

/* How long the beginning of a line is that blames the setting, "--set seq_len=[1..1k*2]:10: "; 0 if it does not. */
static size_t blame_length(const char *line, const char *setting)
{
    static const char set[] = "--set ";
    const size_t size = strlen(setting);
    if (strncmp(line, set, sizeof set - 1) != 0 || strncmp(line + sizeof set - 1, setting, size) != 0)
        return 0;
    const char *column = line + sizeof set - 1 + size, *text = column + strspn(column, ":0123456789");
    return *column == ':' && *text == ' ' ? (size_t)(text + 1 - line) : 0;
}

/* Never longer than what was there, unless typed is more than the setting has of it: then that stays. */
static void blame_option(char *line, size_t length, const char *setting, const char *typed)
{
    char told[sizeof((struct error *)NULL)->text];
    const size_t name = strcspn(setting, "=");
    const int size =
        snprintf(told, sizeof told, "--%.*s%s%s: ", (int)name, setting, typed ? " " : "", typed ? typed : "");
    if (size <= 0 || (size_t)size > length)
        return;
    for (char *c = told + 2; c < told + 2 + name; c++)
        *c = *c == '_' ? '-' : *c;
    memcpy(line, told, (size_t)size);
    memmove(line + size, line + length, strlen(line + length) + 1);
}

void setting_blame_option(struct error *error, const char *setting, const char *typed)
{
    for (char *line = error->text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const size_t length = blame_length(line, setting);
        if (length)
            blame_option(line, length, setting, typed);
    }
}
