#include "harness/command/option_advice.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_keys.h"
#include "harness/case/key_search.h"
#include "harness/support/source.h"
#include "harness/support/suggest.h"
#include "harness/support/text.h"

static bool is_end(const struct argp_option *option)
{
    return !option->name && !option->key && !option->doc;
}

/* The option of a parser that has the letter; NULL: none. */
static const struct argp_option *find_letter(const struct argp *parser, char letter)
{
    for (const struct argp_option *option = parser->options; option && !is_end(option); option++)
        if (letter && option->key == letter)
            return option;
    for (const struct argp_child *child = parser->children; child && child->argp; child++) {
        const struct argp_option *found = find_letter(child->argp, letter);
        if (found)
            return found;
    }
    return NULL;
}

/* The option of a parser that is called so, or that an abbreviation begins; NULL: none. */
static const struct argp_option *find_option(const struct argp *parser, const char *name, size_t size, bool abbreviated)
{
    for (const struct argp_option *option = parser->options; option && !is_end(option); option++)
        if (option->name && !strncmp(option->name, name, size) && (abbreviated || !option->name[size]))
            return option;
    for (const struct argp_child *child = parser->children; child && child->argp; child++) {
        const struct argp_option *found = find_option(child->argp, name, size, abbreviated);
        if (found)
            return found;
    }
    return NULL;
}

static void offer_options(struct suggestion *suggestion, const struct argp *parser)
{
    for (const struct argp_option *option = parser->options; option && !is_end(option); option++)
        if (option->name && !(option->flags & OPTION_HIDDEN))
            suggestion_offer(suggestion, option->name);
    for (const struct argp_child *child = parser->children; child && child->argp; child++)
        offer_options(suggestion, child->argp);
}

/* Those that argp has by itself. */
static bool is_of_argp(const char *name, size_t size)
{
    static const char *const names[] = {"help", "usage", "version", "program-name"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strncmp(names[i], name, size))
            return true;
    return false;
}

/* "--treads: unknown option; did you mean '--threads'?" of one that is like an option; what is like none is argp's. */
static enum error_kind advise_like(const struct argp *parser, const char *name, size_t size, struct error *error)
{
    char typed[64], quoted[PATH_QUOTE_SIZE];
    if (size >= sizeof typed)
        return ERROR_NONE;
    snprintf(typed, sizeof typed, "%.*s", (int)size, name);
    struct suggestion suggestion = {.text = typed};
    offer_options(&suggestion, parser);
    return suggestion.best ? error_set(error, ERROR_USAGE, "--%s: unknown option; did you mean '--%s'?",
                                       quote_path(quoted, typed), suggestion.best)
                           : ERROR_NONE;
}

/* The key that "--NAME" would be: seq_len, and as options are written seq-len. KEY_COUNT: none. */
static enum key_id find_key(const char *name, size_t size)
{
    char written[64];
    if (size >= sizeof written)
        return KEY_COUNT;
    for (size_t i = 0; i < size; i++)
        written[i] = name[i] == '-' ? '_' : name[i];
    return key_find(written, size);
}

/* Of a key that was given as an option. */
static enum error_kind advise_key(enum key_id key, const char *name, size_t size, const char *given,
                                  struct error *error)
{
    char *value = text_shell_quote(given, false);
    enum error_kind kind =
        error_set(error, ERROR_USAGE, "--%.*s: a key of cases, not an option; allowed: --set %s=%.500s", (int)size,
                  name, keys[key].field.name, value ? value : "VALUE");
    free(value);
    return kind;
}

/* Of a value that stands behind its option, as another argument: one that looks like an option is one, and the value is
 * missing. No value begins so, but perhaps a text of people's. */
static enum error_kind check_value(const struct argp_option *option, const char *value, struct error *error)
{
    char quoted[PATH_QUOTE_SIZE];
    if (strncmp(value, "--", 2) != 0)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "--%s: no value before '%s'; allowed: --%s %s, or --%s=%s of what begins so",
                     option->name, quote_path(quoted, value), option->name, option->arg, option->name, option->arg);
}

enum error_kind option_advise(const struct argp *parser, int argc, char *const *argv, struct error *error)
{
    const bool sets_keys = find_option(parser, "set", strlen("set"), false);
    enum error_kind kind = ERROR_NONE;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0 && !kind; i++) {
        const char *name = argv[i] + 2;
        size_t size = strncmp(argv[i], "--", 2) == 0 ? strcspn(name, "=") : 0;
        const struct argp_option *option = size ? find_option(parser, name, size, false) : NULL;
        if (argv[i][0] == '-' && argv[i][1] != '-' && strlen(argv[i]) == 2)
            option = find_letter(parser, argv[i][1]);
        enum key_id key = sets_keys && size && !option ? find_key(name, size) : KEY_COUNT;
        if (!option && size)
            option = find_option(parser, name, size, true);
        if (key != KEY_COUNT && !keys[key].constant_of_run)
            kind = advise_key(key, name, size,
                              name[size] == '=' ? name + size + 1
                              : i + 1 < argc    ? argv[i + 1]
                                                : "VALUE",
                              error);
        else if (size && !option && !is_of_argp(name, size))
            kind = advise_like(parser, name, size, error);
        else if (option && option->arg && !(option->flags & OPTION_ARG_OPTIONAL) && name[size] != '=' && ++i < argc)
            kind = check_value(option, argv[i], error);
    }
    return kind;
}
