#include "harness/command/option_list.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void option_list_clear(struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->rows[i].about);
    free(list->rows);
    *list = (struct option_list){.count = 0};
}

/* text as the parser's filter changes it, a new string. A filter gives back its text, or a string of ours, or NULL. */
static char *filtered(const struct argp *parser, int key, const char *text)
{
    char *changed = parser->help_filter ? parser->help_filter(key, text, NULL) : NULL;
    if (parser->help_filter && changed != text)
        return changed ? changed : strdup("");
    return strdup(text ? text : "");
}

static enum error_kind add_row(struct option_list *list, const struct argp *parser, const struct argp_option *option,
                               int group, struct error *error)
{
    struct option_row *rows = realloc(list->rows, (list->count + 1) * sizeof *rows);
    if (rows)
        list->rows = rows;
    char *about = rows ? filtered(parser, option->key, option->doc) : NULL;
    if (!about)
        return error_memory(error, "a list of options", (double)((list->count + 1) * sizeof *rows));
    rows[list->count++] = (struct option_row){
        .name = option->name,
        .letter = isascii(option->key) && isgraph(option->key) ? (char)option->key : 0,
        .key = option->key,
        .arg = option->arg,
        .arg_optional = option->flags & OPTION_ARG_OPTIONAL,
        .about = about,
        .group = group,
    };
    return ERROR_NONE;
}

static bool is_end(const struct argp_option *option)
{
    return !option->name && !option->key && !option->doc && !option->group;
}

static enum error_kind add_parser(struct option_list *list, const struct argp *parser, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    const struct argp_option *header = NULL;
    int group = 0, header_group = 0;
    for (const struct argp_option *option = parser->options; option && !is_end(option) && !kind; option++) {
        bool is_header = !option->name && !option->key;
        group = option->group ? option->group : group + is_header;
        if (is_header) {
            header = option;
            header_group = group;
        } else if (!(option->flags & (OPTION_HIDDEN | OPTION_DOC | OPTION_ALIAS))) {
            kind = add_row(list, parser, option, group, error);
            if (!kind && header && group == header_group)
                list->rows[list->count - 1].header = header->doc;
        }
    }
    for (const struct argp_child *child = parser->children; child && child->argp && !kind; child++)
        kind = add_parser(list, child->argp, error);
    return kind;
}

/* argp's order: negative groups come last. Insertion, so that rows of a group stay in order. */
static void sort_by_group(struct option_list *list)
{
    for (size_t i = 1; i < list->count; i++) {
        struct option_row row = list->rows[i];
        size_t to = i;
        for (; to > 0 && (unsigned)list->rows[to - 1].group > (unsigned)row.group; to--)
            list->rows[to] = list->rows[to - 1];
        list->rows[to] = row;
    }
}

enum error_kind option_list_make(struct option_list *list, const struct argp *parser, struct error *error)
{
    static const struct argp_option own_table[] = {{"help", '?', NULL, 0, "Give this help list; -h does the same", -1},
                                                   {"usage", INT_MAX, NULL, 0, "Give a short usage message", -1},
                                                   {0}};
    static const struct argp own = {.options = own_table};
    *list = (struct option_list){.count = 0};
    enum error_kind kind = add_parser(list, parser, error);
    if (!kind)
        kind = add_parser(list, &own, error);
    sort_by_group(list);
    return kind;
}

const struct option_row *option_list_find(const struct option_list *list, const char *name, size_t size)
{
    const struct option_row *only = NULL;
    size_t beginning = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct option_row *row = &list->rows[i];
        if (!row->name || strncmp(row->name, name, size) != 0)
            continue;
        if (!row->name[size])
            return row;
        beginning++;
        only = row;
    }
    return beginning == 1 ? only : NULL;
}

char *parser_text(const struct argp *parser, int key)
{
    const char *doc = parser->doc ? parser->doc : "", *split = strchr(doc, '\v');
    if (key == ARGP_KEY_HELP_POST_DOC)
        return filtered(parser, key, split ? split + 1 : NULL);
    char *before = split ? strndup(doc, (size_t)(split - doc)) : strdup(doc);
    char *text = before ? filtered(parser, key, before) : NULL;
    free(before);
    return text;
}
