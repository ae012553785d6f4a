#include "harness/support/error_list.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LAST_LINE = 400 }; /* of error->text, kept for what counts the rest */

/* Whether the text is a line of what was told: a bad setting is found again in each document. */
static bool was_told(const struct error_list *list, const char *text)
{
    size_t size = strlen(text);
    for (const char *line = list->error->text; list->told; line++) {
        size_t length = strcspn(line, "\n");
        if (length == size && memcmp(line, text, size) == 0)
            return true;
        line += length;
        if (!*line)
            break;
    }
    return false;
}

enum error_kind error_list_take(struct error_list *list, enum error_kind kind, const struct error *error)
{
    struct error *all = list->error;
    if (kind == ERROR_NONE)
        return ERROR_NONE;
    if (kind != ERROR_USAGE)
        return error_set(all, kind, "%s", error->text);
    if (was_told(list, error->text))
        return ERROR_NONE;
    size_t length = list->told ? strlen(all->text) : 0;
    bool room = length + strlen(error->text) + LAST_LINE < sizeof all->text;
    list->count++;
    if (list->told == ERROR_LIST_MAX || list->told + 1 < list->count || (list->told && !room))
        return ERROR_NONE;
    all->kind = kind;
    snprintf(all->text + length, sizeof all->text - length, "%s%s", list->told ? "\n" : "", error->text);
    list->told++;
    return ERROR_NONE;
}

enum error_kind error_list_finish(struct error_list *list, const char *name)
{
    size_t length = list->count ? strlen(list->error->text) : 0, more = list->count - list->told;
    if (more)
        snprintf(list->error->text + length, sizeof list->error->text - length, "\n%.300s: %zu more error%s", name,
                 more, more == 1 ? "" : "s");
    return list->count ? ERROR_USAGE : ERROR_NONE;
}
