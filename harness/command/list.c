#include "harness/command/list.h"

#include <stdio.h>
#include <string.h>

#include "harness/case/case.h"
#include "harness/case/recipe_library.h"
#include "harness/command/list_json.h"
#include "harness/judge/cause/signature_info.h"
#include "harness/judge/class/class_rounding.h"
#include "harness/judge/oracle/oracle.h"
#include "harness/report/compare/compare_point.h"
#include "harness/report/record/record_field.h"
#include "harness/subject/ability.h"
#include "harness/support/file.h"
#include "harness/support/suggest.h"
#include "harness/support/text_stream.h"

/* Kernels that do not take every dtype. */
static void list_kernels_of_few(void)
{
    static const struct recipe any = {.name = NULL};
    for (int kernel = KERNEL_ANY_COUNT; kernel < KERNEL_COUNT; kernel++) {
        printf("; %s takes", kernels[kernel]->name);
        for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
            if (!kernel_refusal((enum kernel)kernel, &any, (enum dtype)dtype, KV_AS_DTYPE))
                printf(" %s", dtypes[dtype].name);
        printf(" alone");
    }
}

static enum error_kind list_kernels(const struct selection *selection, const struct list_options *options,
                                    struct error *error)
{
    (void)selection, (void)options, (void)error;
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++)
        printf("%-12s %s\n", kernels[kernel]->name, kernels[kernel]->about);
    printf("\nAll take head_dim " HEAD_DIMS_WORDS " and dtypes");
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
        printf(" %s", dtypes[dtype].name);
    list_kernels_of_few();
    printf(".\n");
    return ERROR_NONE;
}

/* A device that cannot be opened is listed with the reason. */
static enum error_kind list_devices(const struct selection *selection, const struct list_options *options,
                                    struct error *error)
{
    (void)selection, (void)error;
    struct device_options device_options = {.threads = options->selection.threads};
    for (int kind = 0; kind < DEVICE_COUNT; kind++) {
        struct device *device = NULL;
        struct error reason;
        if (device_open(&device, (enum device_kind)kind, &device_options, &reason))
            printf("%-12s not available: %s\n", device_kind_names[kind], reason.text);
        else
            printf("%-12s %s\n", device_kind_names[kind], device_name(device));
        device_close(device);
    }
    return ERROR_NONE;
}

static enum error_kind list_keys(const struct selection *selection, const struct list_options *options,
                                 struct error *error)
{
    (void)selection, (void)options, (void)error;
    case_print_keys(stdout);
    return ERROR_NONE;
}

/* Cases of which points are selected, with their number. */
static enum error_kind list_cases(const struct selection *selection, const struct list_options *options,
                                  struct error *error)
{
    (void)options, (void)error;
    for (size_t i = 0, end; i < selection->count; i = end) {
        const struct test_case *test_case = selection->points[i].test_case;
        const char *about = case_about(test_case);
        for (end = i; end < selection->count && selection->points[end].test_case == test_case;)
            end++;
        printf("%-28s %6zu point%s  %s\n", case_name(test_case), end - i, end - i == 1 ? " " : "s",
               case_path(test_case));
        if (about && *about)
            printf("%-28s %s\n", "", about);
    }
    return ERROR_NONE;
}

static enum error_kind list_points(const struct selection *selection, const struct list_options *options,
                                   struct error *error)
{
    char key[POINT_KEY_SIZE];
    (void)options, (void)error;
    for (size_t i = 0; i < selection->count; i++)
        puts(point_key(key, &selection->points[i]));
    return ERROR_NONE;
}

/*
 * What a column of `list recipes` is made of: a word, so that a shell can take a line apart. The first part as its
 * value; of the others those that are not sound, as ",VALUE" or ",LABEL=VALUE".
 */
struct recipe_part {
    const char *column; /* where one begins: its title */
    int width;
    const char *field;
    const char *label;
};

static const struct recipe_part recipe_parts[] = {
    {"MASKED LOGIT", 25, "sentinel", NULL},
    {NULL, 0, "masked_entry", ""},
    {NULL, 0, "guards", "guards"},
    {"INITIAL MAX", 12, "initial_max", NULL},
    {"SUM", 4, "initial_sum", NULL},
    {"EMPTY ROW", 17, "empty_row", NULL},
    {"EPSILON", 9, "epsilon", NULL},
    {"EXPONENTIAL", 12, "exponential", NULL},
    {"BIAS", 0, "bias", NULL},
    {NULL, 0, "scale_entry", "scale"},
    {NULL, 0, "slopes", "slopes"},
    {NULL, 0, "positions", "positions"},
    {NULL, 0, "slope_dtype", "slope"},
    {NULL, 0, "position_dtype", "position"},
    {NULL, 0, "bias_dtype", "bias"},
};

enum { NUM_RECIPE_PARTS = sizeof recipe_parts / sizeof recipe_parts[0], NAME_WIDTH = 33, CELL_SIZE = 256 };

/* The cell that begins at *part, which goes to the next column's. */
static char *recipe_cell(char *cell, size_t *part, const struct recipe *recipe)
{
    char value[FIELD_TEXT_SIZE], sound[FIELD_TEXT_SIZE];
    int length = 0;
    const struct recipe_part *first = &recipe_parts[*part];
    do {
        const struct recipe_part *next = &recipe_parts[*part];
        const struct field *field = recipe_field_find(next->field);
        field_format(value, field, field_in(field, recipe));
        field_format(sound, field, field_in(field, &recipe_sound));
        if (next == first)
            length = snprintf(cell, CELL_SIZE, "%s", value);
        else if (strcmp(value, sound) != 0)
            length += snprintf(cell + length, (size_t)(CELL_SIZE - length), ",%s%s%s", next->label,
                               *next->label ? "=" : "", value);
    } while (++*part < NUM_RECIPE_PARTS && !recipe_parts[*part].column);
    if (length >= first->width && !strcmp(first->field, "epsilon")) /* 1.1920929e-07 */
        snprintf(cell, CELL_SIZE, "%.3g", (double)recipe->epsilon);
    return cell;
}

static void print_recipe_row(const struct recipe_entry *entry)
{
    char cell[CELL_SIZE];
    printf("%-*s", NAME_WIDTH, entry->name);
    for (size_t part = 0; part < NUM_RECIPE_PARTS;) {
        int width = recipe_parts[part].width;
        printf("%-*s", width, recipe_cell(cell, &part, &entry->recipe));
    }
    putchar('\n');
}

static void print_recipe_titles(void)
{
    printf("%-*s", NAME_WIDTH, "NAME");
    for (size_t part = 0; part < NUM_RECIPE_PARTS; part++)
        if (recipe_parts[part].column)
            printf("%-*s", recipe_parts[part].width, recipe_parts[part].column);
    putchar('\n');
}

static enum error_kind list_recipes(const struct selection *selection, const struct list_options *options,
                                    struct error *error)
{
    (void)selection;
    enum error_kind kind = recipe_library_open(error);
    if (!kind && !options->verbose)
        print_recipe_titles();
    for (size_t i = 0; i < recipe_library_count() && !kind; i++)
        if (options->verbose)
            recipe_print(stdout, recipe_library_at(i));
        else
            print_recipe_row(recipe_library_at(i));
    return kind;
}

static enum error_kind list_recipe_keys(const struct selection *selection, const struct list_options *options,
                                        struct error *error)
{
    (void)selection, (void)options, (void)error;
    recipe_print_keys(stdout);
    return ERROR_NONE;
}

static enum error_kind list_record_fields(const struct selection *selection, const struct list_options *options,
                                          struct error *error)
{
    (void)selection, (void)options, (void)error;
    record_print_fields(stdout);
    return ERROR_NONE;
}

static enum error_kind list_abilities(const struct selection *selection, const struct list_options *options,
                                      struct error *error)
{
    (void)selection, (void)options, (void)error;
    for (int i = 0; i < ABILITY_COUNT; i++)
        printf("%-17s %s\n", abilities[i].name, abilities[i].about);
    return ERROR_NONE;
}

static enum error_kind list_oracles(const struct selection *selection, const struct list_options *options,
                                    struct error *error)
{
    (void)selection, (void)options, (void)error;
    for (int o = 0; o < ORACLE_COUNT; o++)
        printf("%-17s %s\n", oracle_names[o], oracles[o].about);
    return ERROR_NONE;
}

static enum error_kind list_signatures(const struct selection *selection, const struct list_options *options,
                                       struct error *error)
{
    (void)selection, (void)options, (void)error;
    for (int s = SIGNATURE_NONE + 1; s < SIGNATURE_COUNT; s++) {
        char remedy[REMEDY_SIZE];
        printf("%-17s %s\n%-17s %s\n", signature_names[s], signature_meaning((enum signature)s), "",
               remedy_for(remedy, signature_remedy((enum signature)s), REMEDY_FOR_KERNEL));
    }
    return ERROR_NONE;
}

const char *class_word_meaning(int index)
{
    static const char *const bases[] = {"The exact result, rounded once to the output's dtype.",
                                        "Everything in f32, in any order: the base of what follows."};
    return index < 2 ? bases[index] : class_roundings[index - 2].meaning;
}

static enum error_kind list_classes(const struct selection *selection, const struct list_options *options,
                                    struct error *error)
{
    (void)selection, (void)options, (void)error;
    for (int i = 0; class_word(i); i++)
        printf("%-17s %s\n", class_word(i), class_word_meaning(i));
    return ERROR_NONE;
}

static enum error_kind list_changes(const struct selection *selection, const struct list_options *options,
                                    struct error *error)
{
    (void)selection, (void)options, (void)error;
    for (int change = 0; change < CHANGE_COUNT; change++)
        printf("%-17s points that %s: %s\n", change_table[change].name, change_table[change].about,
               change_outcome_texts[change_table[change].outcome]);
    return ERROR_NONE;
}

static const struct {
    const char *name;
    const char *about;
    enum error_kind (*print)(const struct selection *selection, const struct list_options *options,
                             struct error *error);
    list_json *json;
    bool takes_cases;
} topics[] = {
    {"kernels", "the kernels under test", list_kernels, list_json_kernels, false},
    {"devices", "the devices, and why one is not available", list_devices, list_json_devices, false},
    {"keys", "the format of case files, key by key", list_keys, list_json_keys, false},
    {"recipes", "the recipes, a line each; with --verbose as YAML", list_recipes, list_json_recipes, false},
    {"recipe-keys", "the format of recipes, key by key", list_recipe_keys, list_json_recipe_keys, false},
    {"record-fields", "the format of records, field by field", list_record_fields, list_json_record_fields, false},
    {"oracles", "what a kernel must hold beside the numbers", list_oracles, list_json_oracles, false},
    {"abilities", "what a kernel that is not ours may say it takes", list_abilities, list_json_abilities, false},
    {"signatures", "how failures are named, what they mean, what to change", list_signatures, list_json_signatures,
     false},
    {"classes", "the arithmetic that may explain an output's error", list_classes, list_json_classes, false},
    {"changes", "what `compare` calls what became of a point, the worst first", list_changes, list_json_changes, false},
    {"cases", "the cases in files or folders", list_cases, list_json_cases, true},
    {"points", "the keys of their points, as --only takes them", list_points, list_json_points, true},
};

enum { NUM_TOPICS = sizeof topics / sizeof topics[0] };

char *list_topics(void)
{
    char *text = NULL;
    size_t size;
    FILE *stream = text_stream_open(&text, &size);
    if (!stream)
        return NULL;
    for (size_t i = 0; i < NUM_TOPICS; i++) {
        bool takes_cases = topics[i].takes_cases;
        fprintf(stream, "  %s%-*s  %s\n", topics[i].name, 15 - (int)strlen(topics[i].name),
                takes_cases ? " CASE..." : "", topics[i].about);
    }
    return fclose(stream) ? NULL : text;
}

const char *list_topic(size_t i)
{
    return i < NUM_TOPICS ? topics[i].name : NULL;
}

/* Of a topic that is none, or NULL: none was given. */
static enum error_kind no_topic_error(const char *given, struct error *error)
{
    struct suggestion suggestion = {.text = given ? given : ""};
    char names[512], advice[SUGGESTION_SIZE];
    size_t length = 0;
    for (size_t t = 0; t < NUM_TOPICS && length < sizeof names; t++) {
        suggestion_offer(&suggestion, topics[t].name);
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", t ? ", " : "", topics[t].name);
    }
    if (!given)
        return error_set(error, ERROR_USAGE, "list: no topic given; allowed: %s", names);
    return error_set(error, ERROR_USAGE, "list %.256s: unknown; %sallowed: %s", given,
                     suggestion_format(advice, &suggestion), names);
}

/* A kernel that is not ours says what it is, which is in the keys of its points. */
static enum error_kind list_topic_of(size_t topic, const struct list_options *options, struct error *error)
{
    struct selection_options asked = options->selection;
    struct selection selection = {.points = NULL};
    struct foreign_opened foreign = {.process = NULL};
    enum error_kind kind = ERROR_NONE;
    if (foreign_is_asked(&options->foreign)) {
        kind = foreign_open(&foreign, &options->foreign, NULL, error);
        kind = kind ? kind : foreign_select(&foreign, &asked, error);
    }
    if (!kind)
        kind = selection_make(&selection, &asked, error);
    if (!kind)
        kind = options->json ? topics[topic].json(&selection, &asked, error)
                             : topics[topic].print(&selection, options, error);
    selection_clear(&selection);
    foreign_close(&foreign);
    return kind ? kind : file_flush(stdout, error);
}

int list(const struct list_options *options, struct error *error)
{
    const struct selection_options *asked = &options->selection;
    size_t i = 0;
    while (i < NUM_TOPICS && options->topic && strcmp(topics[i].name, options->topic))
        i++;
    if (!options->topic || i == NUM_TOPICS)
        return (int)no_topic_error(options->topic, error);
    if (topics[i].takes_cases && asked->paths.count == 0)
        return error_set(error, ERROR_USAGE, "list %s needs case files or folders", options->topic);
    bool selects = asked->paths.count + asked->settings.count + asked->only.count + asked->where.count > 0 ||
                   asked->shard.count > 0 || asked->last_failed || foreign_is_asked(&options->foreign);
    if (!topics[i].takes_cases && selects)
        return error_set(error, ERROR_USAGE,
                         "list %s takes no case, --set, --recipe, --only, --where, --shard, --last-failed or --plugin",
                         options->topic);
    return (int)list_topic_of(i, options, error);
}
