#include "harness/command/completion.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_keys.h"
#include "harness/case/key_search.h"
#include "harness/case/recipe_library.h"
#include "harness/command/command.h"
#include "harness/command/option_list.h"
#include "harness/command/options.h"
#include "harness/support/file.h"

enum { POINTS_MAX = 2000 }; /* that are offered for --only; more help nobody */

/* A line that is being typed. */
struct line {
    FILE *stream;
    const char *prefix; /* of the last word, what stays as it is: --set=, dtype=f16, */
    int prefix_size;
    const char *text; /* and what follows */
    const struct command *command;
    struct option_list options;
    const char *const *words; /* behind the command, without the last */
    size_t count;
};

/* ---- offers ---- */

/* Up to the first end of a sentence or line. */
static int first_sentence(const char *about)
{
    const char *end = strstr(about, ". ");
    size_t size = strcspn(about, "\n\t"), length = strlen(about);
    if (end && (size_t)(end - about) < size)
        size = (size_t)(end - about);
    if (size == length && size > 1 && about[size - 1] == '.' && about[size - 2] != '.')
        size--;
    return (int)size;
}

/* before, word and after together, if they go on from what is typed. */
static bool offer(const struct line *line, const char *before, const char *word, const char *after, const char *about)
{
    char whole[FIELD_TEXT_SIZE + POINT_KEY_SIZE];
    if (snprintf(whole, sizeof whole, "%s%s%s", before, word, after) >= (int)sizeof whole ||
        strncmp(whole, line->text, strlen(line->text)) != 0)
        return false;
    fprintf(line->stream, "%.*s%s\t%.*s\n", line->prefix_size, line->prefix, whole, first_sentence(about), about);
    return true;
}

static void ask_shell(const struct line *line, const char *what)
{
    fprintf(line->stream, "\t%s\n", what);
}

/* The words of what a field allows: "relative, absolute", "exclude, adaptive, -inf, a negative number". */
static void offer_allowed(const struct line *line, const struct field *field)
{
    char allowed[FIELD_ALLOWED_SIZE], *rest = NULL;
    field_allowed(allowed, field);
    for (char *word = strtok_r(allowed, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        bool has_letter = false, is_word = true;
        word += strspn(word, " ");
        for (const char *c = word; *c; c++) {
            has_letter |= isalpha((unsigned char)*c) != 0;
            is_word &= isalnum((unsigned char)*c) || strchr("_-.", *c);
        }
        if (has_letter && is_word)
            offer(line, "", word, "", "");
    }
}

static void offer_recipes(const struct line *line)
{
    struct error error;
    if (recipe_library_open(&error))
        return;
    for (size_t i = 0; i < recipe_library_count(); i++)
        offer(line, "", recipe_library_at(i)->name, "", recipe_library_at(i)->about);
}

/* The last item of a list: what is before it stays. */
static void go_to_item(struct line *line)
{
    for (const char *c = line->text; *c; c++)
        if (*c == ',' || *c == '[') {
            line->prefix_size += (int)(c + 1 - line->text);
            line->text = c + 1;
        }
}

static void offer_key_values(struct line *line, const struct key *key)
{
    go_to_item(line);
    if (key == &keys[KEY_RECIPE])
        offer_recipes(line);
    offer_allowed(line, &key->field);
}

/* ---- values of options ---- */

static void offer_devices(struct line *line)
{
    offer(line, "", "auto", "", "a GPU if one answers, else the host");
    for (int kind = 0; kind < DEVICE_COUNT; kind++)
        offer(line, "", device_kind_names[kind], "", "");
}

static void offer_recipe_list(struct line *line)
{
    offer_key_values(line, &keys[KEY_RECIPE]);
}

static void offer_settings(struct line *line)
{
    const char *equals = strchr(line->text, '=');
    if (equals) {
        enum key_id id = key_find(line->text, (size_t)(equals - line->text));
        line->prefix_size += (int)(equals + 1 - line->text);
        line->text = equals + 1;
        if (id < KEY_COUNT)
            offer_key_values(line, &keys[id]);
        return;
    }
    bool any = false;
    for (int id = 0; id < KEY_COUNT; id++)
        if (!keys[id].constant_of_run)
            any |= offer(line, "", keys[id].field.name, "=", keys[id].field.about);
    if (any)
        ask_shell(line, "nospace");
}

static void offer_junit_styles(struct line *line)
{
    offer_allowed(line, &junit_style_field);
}

/* The value of word i, which may be an option with a value behind it; *i goes to its last word. NULL: no such option.
 */
static const char *value_of(const struct line *line, size_t *i, const struct option_row **row)
{
    const char *word = line->words[*i] + 2, *equals = strchr(word, '=');
    *row = option_list_find(&line->options, word, equals ? (size_t)(equals - word) : strlen(word));
    if (!*row || !(*row)->arg)
        return NULL;
    if (equals)
        return equals + 1;
    if ((*row)->arg_optional || *i + 1 >= line->count)
        return NULL;
    return line->words[++*i];
}

/* Appends; false if memory ran out. */
static bool keep(struct strings *strings, const char *item)
{
    const char **items = realloc(strings->items, (strings->count + 1) * sizeof *items);
    if (!items)
        return false;
    strings->items = items;
    strings->items[strings->count++] = item;
    return true;
}

/* The cases, settings and recipes that the line has. */
static bool read_selection(const struct line *line, struct selection_options *selection)
{
    bool complete = true;
    for (size_t i = 0; complete && i < line->count; i++) {
        const struct option_row *row;
        const char *word = line->words[i];
        if (word[0] != '-' || !word[1])
            complete = keep(&selection->paths, word);
        if (strncmp(word, "--", 2) != 0)
            continue;
        const char *value = value_of(line, &i, &row);
        if (value && !strcmp(row->name, "set"))
            complete = keep(&selection->settings, value);
        else if (value && !strcmp(row->name, "recipes"))
            complete = keep(&selection->recipes, value);
    }
    if (complete && line->command->word && selection->paths.count) /* list points CASE... */
        selection->paths.items[0] = selection->paths.items[--selection->paths.count];
    return complete && selection->paths.count;
}

static void offer_points(struct line *line)
{
    struct selection_options asked = {.notes = stderr};
    struct selection selection = {0};
    struct error error;
    char key[POINT_KEY_SIZE];
    if (read_selection(line, &asked)) {
        if (!selection_make(&selection, &asked, &error))
            for (size_t i = 0; i < selection.count && i < POINTS_MAX; i++)
                offer(line, "", point_key(key, &selection.points[i]), "", "");
        selection_clear(&selection);
    }
    selection_options_clear(&asked);
}

/* Options whose values are in no field. */
static const struct {
    const char *option;
    void (*offer)(struct line *line);
} known_options[] = {
    {"device", offer_devices}, {"recipe", offer_recipe_list},       {"set", offer_settings},
    {"only", offer_points},    {"junit-style", offer_junit_styles},
};

/* The case key that an option of this name sets: --seq-len is seq_len. */
static const struct key *key_of_option(const char *name)
{
    char key[32];
    size_t size = strlen(name);
    if (size >= sizeof key)
        return NULL;
    for (size_t i = 0; i <= size; i++)
        key[i] = name[i] == '-' ? '_' : name[i];
    enum key_id id = key_find(key, size);
    return id < KEY_COUNT ? &keys[id] : NULL;
}

static void offer_files(const struct line *line, const char *arg)
{
    static const char *const folders[] = {"DIR", "FOLDER"}, *const files[] = {"FILE", "CASE", "RECORDS", "BASE"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (strstr(arg, folders[i])) {
            ask_shell(line, "folders");
            return;
        }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (strstr(arg, files[i])) {
            ask_shell(line, "files");
            return;
        }
}

static void offer_values(struct line *line, const struct option_row *row)
{
    const char *name = row->name ? row->name : "";
    for (size_t i = 0; i < sizeof known_options / sizeof known_options[0]; i++)
        if (!strcmp(known_options[i].option, name)) {
            known_options[i].offer(line);
            return;
        }
    const struct field *field = line->command->field ? line->command->field(row->key) : NULL;
    const struct key *key = key_of_option(name);
    if (field) {
        go_to_item(line);
        offer_allowed(line, field);
    } else if (key) {
        offer_key_values(line, key);
    } else {
        offer_files(line, row->arg);
    }
}

/* ---- words ---- */

static void offer_options(const struct line *line)
{
    for (size_t i = 0; i < line->options.count; i++) {
        const struct option_row *row = &line->options.rows[i];
        if (row->name)
            offer(line, "--", row->name, "", row->about);
    }
}

static void offer_arguments(const struct line *line, size_t before)
{
    const struct command *command = line->command;
    if (command->word && before == 0)
        for (size_t i = 0; command->word(i); i++)
            offer(line, "", command->word(i), "", "");
    else if (command->parser()->args_doc && strstr(command->parser()->args_doc, command->word ? " " : ""))
        ask_shell(line, "files");
}

/* The option that the word before the last one leaves without its value, or NULL; *arguments is how many there are. */
static const struct option_row *open_option(const struct line *line, size_t *arguments, bool *only_arguments)
{
    *arguments = 0;
    *only_arguments = false;
    for (size_t i = 0; i < line->count; i++) {
        const struct option_row *row;
        if (*only_arguments || line->words[i][0] != '-' || !line->words[i][1]) {
            ++*arguments;
        } else if (!strcmp(line->words[i], "--")) {
            *only_arguments = true;
        } else if (line->words[i][1] == '-') {
            const char *value = value_of(line, &i, &row);
            if (!value && row && row->arg && !row->arg_optional)
                return row;
        }
    }
    return NULL;
}

static void complete_word(struct line *line)
{
    size_t arguments;
    bool only_arguments;
    const struct option_row *row = open_option(line, &arguments, &only_arguments);
    const char *equals = strchr(line->text, '=');
    if (row) {
        offer_values(line, row);
    } else if (only_arguments || line->text[0] != '-') {
        offer_arguments(line, arguments);
    } else if (!strncmp(line->text, "--", 2) && equals) {
        row = option_list_find(&line->options, line->text + 2, (size_t)(equals - line->text) - 2);
        line->prefix_size = (int)(equals + 1 - line->text);
        line->text = equals + 1;
        if (row && row->arg)
            offer_values(line, row);
    } else {
        offer_options(line);
    }
}

static void offer_commands(const struct line *line)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        offer(line, "", commands[i]->name, "", commands[i]->about);
}

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

enum error_kind completion_print(FILE *stream, const char *const *words, size_t count, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    struct line line = {
        .stream = stream,
        .prefix = words[count - 1],
        .text = words[count - 1],
        .words = words + 1,
        .count = count - 2, /* not looked at before there is a command */
    };
    if (count == 1 || (count == 2 && !strcmp(words[0], "help"))) {
        offer_commands(&line);
        for (size_t i = 0; count == 1 && i < 3; i++)
            offer(&line, "", (const char *const[]){"help", "--help", "--version"}[i], "", "");
    } else if ((line.command = find_command(words[0]))) {
        kind = option_list_make(&line.options, line.command->parser(), error);
        if (!kind)
            complete_word(&line);
        option_list_clear(&line.options);
    }
    if (!kind)
        kind = file_flush(stream, error);
    return kind;
}
