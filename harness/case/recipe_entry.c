#include "harness/case/recipe_entry.h"

#include <stdlib.h>

struct recipe_entry *recipe_entry_new(struct error *error)
{
    struct recipe_entry *entry = calloc(1, sizeof *entry);
    if (!entry) {
        error_memory(error, "a recipe", sizeof *entry);
        return NULL;
    }
    entry->recipe = recipe_sound;
    entry->recipe.name = entry->name;
    return entry;
}

void recipe_entry_free(struct recipe_entry *entry)
{
    if (!entry)
        return;
    free(entry->about);
    free(entry->source);
    free(entry->path);
    free(entry);
}

void recipe_print(FILE *stream, const struct recipe_entry *entry)
{
    fprintf(stream, "---\nrecipe: %s\nabout: >-\n  %s\nsource: >-\n  %s\n", entry->name, entry->about, entry->source);
    for (size_t i = 0; i < recipe_fields.count; i++) {
        const struct field *field = field_at(&recipe_fields, i);
        char value[FIELD_TEXT_SIZE];
        if (i == 0 || !recipe_field_equal(field, &entry->recipe, &recipe_sound))
            fprintf(stream, "%s: %s\n", field->name, field_format(value, field, field_in(field, &entry->recipe)));
    }
}
