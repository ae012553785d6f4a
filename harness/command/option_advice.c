#include "harness/command/option_advice.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_keys.h"
#include "harness/case/key_search.h"
#include "harness/support/text.h"

static bool has_option(const struct argp *parser, const char *name, size_t size)
{
    for (const struct argp_option *option = parser->options; option && (option->name || option->key || option->doc);
         option++)
        if (option->name && strlen(option->name) == size && memcmp(option->name, name, size) == 0)
            return true;
    for (const struct argp_child *child = parser->children; child && child->argp; child++)
        if (has_option(child->argp, name, size))
            return true;
    return false;
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

enum error_kind option_advise(const struct argp *parser, int argc, char *const *argv, struct error *error)
{
    if (!has_option(parser, "set", strlen("set")))
        return ERROR_NONE;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *name = argv[i] + 2;
        size_t size = strncmp(argv[i], "--", 2) == 0 ? strcspn(name, "=") : 0;
        enum key_id key = find_key(name, size);
        if (size == 0 || key == KEY_COUNT || keys[key].constant_of_run || has_option(parser, name, size))
            continue;
        const char *given = name[size] == '=' ? name + size + 1 : i + 1 < argc ? argv[i + 1] : "VALUE";
        char *value = text_shell_quote(given, false);
        enum error_kind kind =
            error_set(error, ERROR_USAGE, "--%.*s: a key of cases, not an option; allowed: --set %s=%.500s", (int)size,
                      name, keys[key].field.name, value ? value : "VALUE");
        free(value);
        return kind;
    }
    return ERROR_NONE;
}
