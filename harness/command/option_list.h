/*
 * The options of a command as a list, read off its argp parser and the parsers below it: what man pages and completion
 * are made of.
 */
#ifndef HARNESS_COMMAND_OPTION_LIST_H
#define HARNESS_COMMAND_OPTION_LIST_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "reference/error.h"

struct option_row {
    const char *header; /* above it in --help; NULL: none */
    const char *name;   /* without the dashes; NULL: it has a letter alone */
    char letter;        /* 0: none */
    int key;            /* argp's */
    const char *arg;    /* what its value is called; NULL: it takes none */
    bool arg_optional;
    char *about; /* allocated; "" where nothing is said */
    int group;   /* argp's: 0, 1, ..., then the negative ones */
};

/* In the order of --help's groups, and in a group of the tables; --help and --usage, which argp adds, come last. What
 * is hidden is left out. */
struct option_list {
    struct option_row *rows;
    size_t count;
};

/* list is overwritten; whatever the result, it is to be cleared. ERROR_SYSTEM if memory is short. */
enum error_kind option_list_make(struct option_list *list, const struct argp *parser, struct error *error);
void option_list_clear(struct option_list *list);

/* The option called name[0, size), or the only one that begins so, as argp takes it; NULL. */
const struct option_row *option_list_find(const struct option_list *list, const char *name, size_t size);

/* What --help says before the options (ARGP_KEY_HELP_PRE_DOC), or behind them (ARGP_KEY_HELP_POST_DOC), as a new
 * string; NULL if memory is short. */
char *parser_text(const struct argp *parser, int key);

#endif
