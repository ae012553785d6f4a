/* Lists of cases: which files are read, in what order, with what settings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/case/case.h"
#include "harness/case/case_document.h"
#include "harness/case/case_names.h"
#include "harness/case/case_paths.h"
#include "harness/case/key_search.h"

/* ---- settings ---- */

struct settings {
    struct setting *settings;
    struct source *sources; /* "KEY=VALUE", what places point into */
    char **names;           /* "--set KEY=VALUE" */
    struct yaml_stream *streams;
    size_t count;
};

static void settings_clear(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        yaml_clear(&settings->streams[i]);
        free(settings->names[i]);
    }
    free(settings->settings);
    free(settings->sources);
    free(settings->names);
    free(settings->streams);
    *settings = (struct settings){0};
}

/* Reads setting i, whose slots are zeroed. */
static enum error_kind setting_read(struct settings *settings, size_t i, const char *text, struct error *error)
{
    char quoted[QUOTE_SIZE], advice[FIELD_ALLOWED_SIZE];
    struct source *source = &settings->sources[i];
    size_t size = strlen(text), key_size = strcspn(text, "=");
    if (asprintf(&settings->names[i], "--set %s", text) < 0) {
        settings->names[i] = NULL;
        return error_memory(error, "a setting", (double)size + 7);
    }
    enum error_kind kind = source_init(source, settings->names[i], text, size, true, error);
    if (kind)
        return kind;

    struct place start = source_place(source, 0), value = source_place(source, key_size + 1);
    quote(quoted, text, size);
    if (source->size != size || strpbrk(text, "\n\r"))
        return place_error(error, &start, "a setting is one line: %s; allowed: KEY=VALUE", quoted);
    if (key_size == size)
        return place_error(error, &start, "a setting has no '=': %s; allowed: KEY=VALUE", quoted);
    quote(quoted, text, key_size);
    enum key_id id = key_find(text, key_size);
    if (id == KEY_COUNT)
        return place_error(error, &start, "unknown key: %s; %s", quoted, key_advice(advice, text, key_size));
    if (keys[id].constant_of_run)
        return place_error(error, &start, "cannot be set: %s; allowed: every key but case and about", quoted);
    for (size_t j = 0; j < i; j++)
        if (settings->settings[j].key == id)
            return place_error(error, &start, "set twice: %s; allowed: each key once", quoted);

    if ((kind = yaml_read(&settings->streams[i], source, key_size + 1, error)))
        return kind;
    const struct yaml_node *document = settings->streams[i].first;
    if (!document || document->next) {
        return place_error(error, &value, "%s has %s: %s; allowed: KEY=VALUE", keys[id].field.name,
                           document ? "more than one value" : "no value", quote(quoted, text, size));
    }
    settings->settings[i] = (struct setting){.key = id, .value = document};
    return ERROR_NONE;
}

static enum error_kind settings_read(struct settings *settings, const char *const *texts, size_t count,
                                     struct error *error)
{
    *settings = (struct settings){
        .settings = calloc(count + 1, sizeof *settings->settings),
        .sources = calloc(count + 1, sizeof *settings->sources),
        .names = calloc(count + 1, sizeof *settings->names),
        .streams = calloc(count + 1, sizeof *settings->streams),
    };
    if (!settings->settings || !settings->sources || !settings->names || !settings->streams) {
        settings_clear(settings);
        return error_memory(error, "settings", (double)(count + 1) * sizeof *settings->sources);
    }
    for (settings->count = 0; settings->count < count;) {
        size_t i = settings->count++;
        enum error_kind kind = setting_read(settings, i, texts[i], error);
        if (kind) {
            settings_clear(settings);
            return kind;
        }
    }
    return ERROR_NONE;
}

/* ---- lists ---- */

static enum error_kind list_reserve(struct case_list *list, size_t more, struct error *error)
{
    size_t count = list->count + more;
    struct test_case **cases = realloc(list->cases, (count ? count : 1) * sizeof *cases);
    if (!cases)
        return error_memory(error, "a list of cases", (double)count * sizeof *cases);
    list->cases = cases;
    return ERROR_NONE;
}

void case_list_clear(struct case_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        case_free(list->cases[i]);
    free(list->cases);
    *list = (struct case_list){0};
}

/* Moves the cases of fresh to the end of list, which is left as it was if that fails. */
static enum error_kind list_move(struct case_list *list, struct case_list *fresh, struct error *error)
{
    enum error_kind kind = case_names_check(list, fresh, error);
    if (!kind)
        kind = list_reserve(list, fresh->count, error);
    if (kind)
        return kind;
    for (size_t i = 0; i < fresh->count; i++)
        list->cases[list->count++] = fresh->cases[i];
    fresh->count = 0;
    return ERROR_NONE;
}

/* Appends the cases of one file. */
static enum error_kind append_source(struct case_list *list, const struct source *source,
                                     const struct settings *settings, struct error *error)
{
    struct place start = source_place(source, 0);
    struct yaml_stream stream;
    struct error_list errors = {.error = error};
    char name[PATH_QUOTE_SIZE];
    if (source->size == 0)
        return place_error(error, &start, "the file is empty: ''; allowed: a YAML document for each case");
    enum error_kind kind = yaml_read(&stream, source, 0, error);
    if (kind)
        return kind;
    if (!stream.first)
        kind = place_error(error, &start, "the file has no case: ''; allowed: a YAML document for each case");
    for (const struct yaml_node *document = stream.first; document && !kind; document = document->next) {
        struct test_case *test_case;
        if ((kind = list_reserve(list, 1, error)) ||
            (kind = case_read(&test_case, document, settings->settings, settings->count, &errors)))
            break;
        if (test_case)
            list->cases[list->count++] = test_case;
    }
    if (!kind)
        kind = error_list_finish(&errors, quote_path(name, source->name));
    yaml_clear(&stream);
    return kind;
}

enum error_kind case_list_parse(struct case_list *list, const char *name, const char *text, size_t size,
                                const char *const *settings, size_t num_settings, struct error *error)
{
    struct case_list fresh = {0};
    struct settings read;
    struct source source;
    enum error_kind kind = settings_read(&read, settings, num_settings, error);
    if (kind)
        return kind;
    if (!(kind = source_init(&source, name, text, size, false, error)) &&
        !(kind = append_source(&fresh, &source, &read, error)))
        kind = list_move(list, &fresh, error);
    case_list_clear(&fresh);
    settings_clear(&read);
    return kind;
}

enum { BEGINNING_SIZE = 10 };

/* Files of this program and its users that have no cases, by how they begin. */
static const struct other_file {
    size_t at; /* from there on it has the text */
    const char *text, *holds, *readers;
} other_files[] = {
    {0, "\x93NUMPY", "tensors", "`alibicheck judge` takes them"},
    {0, "PK\x03\x04", "tensors", "`alibicheck judge` takes them"},
    {7, "\0{\"", "tensors", "`alibicheck judge` takes them, and a bundle alone"},
    {0, "{\"schema\":", "records", "`alibicheck report` and `compare` take them"},
};

/* What a file holds that could not be read as cases: its first odd byte says nothing to who took it for some. What is
 * no file may wait for ever to be opened. */
static enum error_kind say_what_it_holds(const char *path, enum error_kind kind, struct error *error)
{
    char beginning[BEGINNING_SIZE] = "", name[PATH_QUOTE_SIZE];
    struct stat status;
    const bool is_file = kind == ERROR_USAGE && stat(path, &status) == 0 && S_ISREG(status.st_mode);
    FILE *file = is_file ? fopen(path, "r") : NULL;
    size_t size = file ? fread(beginning, 1, sizeof beginning, file) : 0;
    if (file)
        fclose(file);
    for (size_t i = 0; size == sizeof beginning && i < sizeof other_files / sizeof other_files[0]; i++) {
        const struct other_file *other = &other_files[i];
        size_t length = *other->text ? strlen(other->text) : 1 + strlen(other->text + 1);
        if (memcmp(beginning + other->at, other->text, length) == 0)
            return error_set(error, kind, "%s: holds %s; allowed: cases, in YAML (%s)", quote_path(name, path),
                             other->holds, other->readers);
    }
    return kind;
}

/* A file's cases behind those of others. */
static enum error_kind append_file(struct case_list *list, const char *path, const struct settings *settings,
                                   struct error *error)
{
    struct source source;
    enum error_kind kind = source_read(&source, path, CASE_MAX_FILE_BYTES, error);
    if (!kind) {
        kind = append_source(list, &source, settings, error);
        source_clear(&source);
    }
    return say_what_it_holds(path, kind, error);
}

enum error_kind case_list_read(struct case_list *list, const char *path, const char *const *settings,
                               size_t num_settings, struct error *error)
{
    struct paths paths = {0};
    struct case_list fresh = {0};
    struct settings read;
    enum error_kind kind = settings_read(&read, settings, num_settings, error);
    if (kind)
        return kind;
    kind = paths_find(&paths, path, "case", "recipes", error);
    for (size_t i = 0; i < paths.count && !kind; i++)
        kind = append_file(&fresh, paths.paths[i], &read, error);
    if (!kind)
        kind = list_move(list, &fresh, error);
    case_list_clear(&fresh);
    paths_clear(&paths);
    settings_clear(&read);
    return kind;
}
