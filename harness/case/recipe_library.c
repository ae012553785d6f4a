#include "harness/case/recipe_library.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_paths.h"
#include "harness/case/recipe_text.h"
#include "harness/case/recipe_yaml.h"

enum { RECIPE_MAX_FILE_BYTES = 1 << 20 };

struct recipe_list {
    struct recipe_entry **entries;
    size_t count;
};

static struct recipe_list library;

/* Who holds it. */
static struct {
    pthread_mutex_t mutex;
    size_t count;
} holders = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void list_clear(struct recipe_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        recipe_entry_free(list->entries[i]);
    free(list->entries);
    *list = (struct recipe_list){0};
}

static enum error_kind list_reserve(struct recipe_list *list, size_t more, struct error *error)
{
    struct recipe_entry **entries = realloc(list->entries, (list->count + more + 1) * sizeof *entries);
    if (!entries)
        return error_memory(error, "a list of recipes", (double)((list->count + more) * sizeof *entries));
    list->entries = entries;
    return ERROR_NONE;
}

static const struct recipe_entry *list_find(const struct recipe_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->entries[i]->name, name) == 0)
            return list->entries[i];
    return NULL;
}

/* ---- documents ---- */

/* A text on one line, white space folded. */
static enum error_kind read_text(const struct yaml_node *node, const char *what, char **text, struct error *error)
{
    char quoted[QUOTE_SIZE];
    if (node->kind != YAML_SCALAR || yaml_is_null(node) || memchr(node->text, '\0', node->size))
        return place_error(error, &node->place, "%s is no text: %s; allowed: text", what, yaml_quote(quoted, node));
    if (!(*text = malloc(node->size + 1)))
        return error_memory(error, "a text of a recipe", (double)node->size + 1);
    size_t length = 0;
    for (size_t i = 0; i < node->size; i++)
        if (!isspace((unsigned char)node->text[i]))
            (*text)[length++] = node->text[i];
        else if (length && (*text)[length - 1] != ' ')
            (*text)[length++] = ' ';
    (*text)[length - (length && (*text)[length - 1] == ' ')] = '\0';
    return ERROR_NONE;
}

static enum error_kind read_document(const struct yaml_node *document, struct recipe_entry *entry, struct error *error)
{
    enum { NAME, ABOUT, SOURCE, NUM_EXTRAS };
    struct recipe_extra extras[NUM_EXTRAS] = {{.name = "recipe"}, {.name = "about"}, {.name = "source"}};
    char quoted[QUOTE_SIZE];
    enum error_kind kind;
    if (document->kind != YAML_MAPPING)
        return place_error(error, &document->place, "a recipe is a mapping of keys, not: %s; allowed: KEY: VALUE lines",
                           yaml_is_null(document) ? "an empty document" : yaml_quote(quoted, document));
    if ((kind = recipe_parse(document, extras, NUM_EXTRAS, &entry->recipe, error)))
        return kind;
    for (size_t i = 0; i < NUM_EXTRAS; i++)
        if (!extras[i].node)
            return place_error(error, &document->place,
                               "required key is missing: '%s'; allowed: recipe, about, source and the keys that "
                               "`alibicheck list recipe-keys` prints",
                               extras[i].name);
    const struct place *place = &extras[NAME].node->place;
    entry->line = place->line;
    entry->column = place_column(place);
    if (!(entry->path = strdup(place->source->name)))
        return error_memory(error, "a recipe's path", (double)strlen(place->source->name) + 1);
    if ((kind = recipe_name_parse(extras[NAME].node, entry->name, error)) ||
        (kind = read_text(extras[ABOUT].node, "about", &entry->about, error)) ||
        (kind = read_text(extras[SOURCE].node, "source", &entry->source, error)))
        return kind;
    return recipe_check(document, &recipe_sound, &entry->recipe, error);
}

/* Names are unique in the library and in what is being read. */
static enum error_kind check_name(const struct recipe_list *fresh, const struct recipe_entry *entry,
                                  struct error *error)
{
    char path[PATH_QUOTE_SIZE], earlier_path[PATH_QUOTE_SIZE];
    const struct recipe_entry *earlier = list_find(&library, entry->name);
    if (!earlier)
        earlier = list_find(fresh, entry->name);
    if (!earlier)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "%s:%d:%d: duplicate recipe: '%s', already at %s:%d:%d; allowed: names that `alibicheck list "
                     "recipes` does not print",
                     quote_path(path, entry->path), entry->line, entry->column, entry->name,
                     quote_path(earlier_path, earlier->path), earlier->line, earlier->column);
}

static enum error_kind append_document(struct recipe_list *fresh, const struct yaml_node *document, struct error *error)
{
    enum error_kind kind = list_reserve(fresh, 1, error);
    struct recipe_entry *entry = kind ? NULL : recipe_entry_new(error);
    if (!entry)
        return ERROR_SYSTEM;
    if ((kind = read_document(document, entry, error)) || (kind = check_name(fresh, entry, error))) {
        recipe_entry_free(entry);
        return kind;
    }
    fresh->entries[fresh->count++] = entry;
    return ERROR_NONE;
}

static enum error_kind append_source(struct recipe_list *fresh, const struct source *source, struct error *error)
{
    struct yaml_stream stream;
    enum error_kind kind = yaml_read(&stream, source, 0, error);
    if (kind)
        return kind;
    if (!stream.first) {
        struct place start = source_place(source, 0);
        kind = place_error(error, &start, "the file has no recipe: ''; allowed: a YAML document for each recipe");
    }
    for (const struct yaml_node *document = stream.first; document && !kind; document = document->next)
        kind = append_document(fresh, document, error);
    yaml_clear(&stream);
    return kind;
}

/* Moves fresh to the end of the library, or frees it. */
static enum error_kind finish(struct recipe_list *fresh, enum error_kind kind, struct error *error)
{
    if (!kind)
        kind = list_reserve(&library, fresh->count, error);
    if (!kind && fresh->count) {
        memcpy(library.entries + library.count, fresh->entries, fresh->count * sizeof(struct recipe_entry *));
        library.count += fresh->count;
        fresh->count = 0;
    }
    list_clear(fresh);
    return kind;
}

static enum error_kind parse_text(const char *name, const char *text, size_t size, struct error *error)
{
    struct recipe_list fresh = {0};
    struct source source;
    enum error_kind kind = source_init(&source, name, text, size, false, error);
    if (!kind)
        kind = append_source(&fresh, &source, error);
    return finish(&fresh, kind, error);
}

/* ---- the library ---- */

enum error_kind recipe_library_open(struct error *error)
{
    size_t size;
    const char *text = recipe_text(&size);
    return library.count ? ERROR_NONE : parse_text("built-in recipes", text, size, error);
}

void recipe_library_close(void)
{
    list_clear(&library);
}

enum error_kind recipe_library_hold(struct error *error)
{
    pthread_mutex_lock(&holders.mutex);
    enum error_kind kind = recipe_library_open(error);
    holders.count += !kind;
    pthread_mutex_unlock(&holders.mutex);
    return kind;
}

void recipe_library_release(void)
{
    pthread_mutex_lock(&holders.mutex);
    if (--holders.count == 0)
        recipe_library_close();
    pthread_mutex_unlock(&holders.mutex);
}

enum error_kind recipe_library_parse(const char *name, const char *text, size_t size, struct error *error)
{
    enum error_kind kind = recipe_library_open(error);
    return kind ? kind : parse_text(name, text, size, error);
}

enum error_kind recipe_library_read(const char *path, struct error *error)
{
    struct paths paths = {0};
    struct recipe_list fresh = {0};
    enum error_kind kind = recipe_library_open(error);
    if (!kind)
        kind = paths_find(&paths, path, "recipe", NULL, error);
    for (size_t i = 0; i < paths.count && !kind; i++) {
        struct source source;
        if ((kind = source_read(&source, paths.paths[i], RECIPE_MAX_FILE_BYTES, error)))
            break;
        kind = append_source(&fresh, &source, error);
        source_clear(&source);
    }
    paths_clear(&paths);
    return finish(&fresh, kind, error);
}

const struct recipe_entry *recipe_library_find(const char *name)
{
    return list_find(&library, name);
}

size_t recipe_library_count(void)
{
    return library.count;
}

const struct recipe_entry *recipe_library_at(size_t index)
{
    return library.entries[index];
}
