#include "harness/case/key_search.h"

#include <stdio.h>
#include <string.h>

#include "harness/support/suggest.h"

enum key_id key_find(const char *name, size_t size)
{
    static const struct field_table table = FIELD_TABLE_OF(keys, field);
    return (enum key_id)field_find(&table, name, size);
}

/* Offers every key; typed has SUGGESTION_SIZE characters and outlives the suggestion. */
static struct suggestion suggest_key(char *typed, const char *name, size_t size)
{
    snprintf(typed, SUGGESTION_SIZE, "%.*s", (int)(size < SUGGESTION_SIZE ? size : SUGGESTION_SIZE), name);
    struct suggestion suggestion = {.text = typed};
    for (int id = 0; id < KEY_COUNT; id++)
        suggestion_offer(&suggestion, keys[id].field.name);
    return suggestion;
}

enum key_id key_meant(const char *name, size_t size)
{
    char typed[SUGGESTION_SIZE];
    const struct suggestion suggestion = suggest_key(typed, name, size);
    return suggestion.best ? key_find(suggestion.best, strlen(suggestion.best)) : KEY_COUNT;
}

char *key_advice(char *text, const char *name, size_t size)
{
    char typed[SUGGESTION_SIZE], advice[SUGGESTION_SIZE];
    const struct suggestion suggestion = suggest_key(typed, name, size);
    int length = snprintf(text, FIELD_ALLOWED_SIZE, "%sallowed:", suggestion_format(advice, &suggestion));
    for (int id = 0; id < KEY_COUNT && length < FIELD_ALLOWED_SIZE; id++)
        length +=
            snprintf(text + length, (size_t)(FIELD_ALLOWED_SIZE - length), "%s %s", id ? "," : "", keys[id].field.name);
    return text;
}
