#include "harness/command/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/number.h"
#include "harness/support/threads.h"

/* Keys above those that commands give their own options (256 and up). */
enum {
    OPTION_DEVICE = 512,
    OPTION_THREADS,
    OPTION_ONLY,
    OPTION_SET,
    OPTION_RECIPE,
    OPTION_RECIPES,
    OPTION_WHERE,
    OPTION_SHARD,
    OPTION_LAST_FAILED
};

static const struct argp_option device_option_table[] = {
    {"device", OPTION_DEVICE, "NAME", 0, "auto (default): a GPU if one answers, else the host; cuda; host", 0},
    {"threads", OPTION_THREADS, "N", 0,
     "CPU threads (default: OMP_NUM_THREADS, or one a CPU, within a container's quota); results do not depend on it",
     0},
    {0}};

/* argp gives -? alone. */
static const struct argp_option help_option_table[] = {{NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0}, {0}};

static const struct argp_option case_option_table[] = {
    {"set", OPTION_SET, "KEY=VALUE", 0, "replace a key of every case: --set seq_len=[1024,4096]; repeatable", 1},
    {"recipe", OPTION_RECIPE, "NAME,...", 0, "the same as --set recipe=[NAME,...]; all is every one (`list recipes`)",
     1},
    {"recipes", OPTION_RECIPES, "DIR", 0, "recipe files of your own, beside those of `list recipes`; repeatable", 1},
    {"only", OPTION_ONLY, "GLOB", 0, "only points whose key matches; repeatable (`list points` prints keys)", 1},
    {"where", OPTION_WHERE, "EXPR", 0,
     "only points of which it holds: --where 'seq_len >= 4k and dtype = f16'; repeatable, all are to hold; fields as "
     "in "
     "records (`list record-fields`)",
     1},
    {"last-failed", OPTION_LAST_FAILED, "FILE", 0, "only points that a results file has as failed", 1},
    {"shard", OPTION_SHARD, "I/N", 0, "only part I of N, each of about the same cost: --shard 3/8", 1},
    {0}};

void strings_add(struct strings *strings, const char *item, const struct argp_state *state)
{
    const char **items = realloc(strings->items, (strings->count + 1) * sizeof *items);
    if (!items)
        argp_failure(state, ERROR_SYSTEM, 0, "out of memory");
    strings->items = items;
    strings->items[strings->count++] = item;
}

void options_parse(const struct argp *parser, int argc, char **argv, void *input)
{
    if (argp_parse(parser, argc, argv, 0, NULL, input) == 0)
        return;
    fprintf(stderr, "%s: out of memory\n", argv[0]);
    exit(ERROR_SYSTEM);
}

void option_once(bool given, const struct argp_option *table, int key, const char *argument,
                 const struct argp_state *state)
{
    if (!given)
        return;
    while (table->key != key)
        table++;
    argp_error(state, "--%s %s: given twice; allowed: one --%s %s", table->name, argument, table->name, table->arg);
}

void option_text(const char **text, const struct argp_option *table, int key, const char *argument,
                 const struct argp_state *state)
{
    option_once(*text, table, key, argument, state);
    *text = argument;
}

uint64_t option_whole(const char *option, const char *text, uint64_t least, uint64_t greatest,
                      const struct argp_state *state)
{
    uint64_t number = 0;
    int negative = 0;
    if (number_parse_whole(text, strlen(text), &number, &negative) != VALUE_SOUND || negative || number < least ||
        number > greatest)
        argp_error(state, "--%s %s: allowed: %llu to %llu", option, text, (unsigned long long)least,
                   (unsigned long long)greatest);
    return number;
}

double parse_time(const char *option, const char *text, const struct argp_state *state)
{
    static const struct {
        char unit;
        double seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    double number = 0, unit_s = 1;
    size_t size = strlen(text);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (size > 0 && text[size - 1] == units[i].unit) {
            unit_s = units[i].seconds;
            size--;
            break;
        }
    if (number_parse(text, size, &number) != VALUE_SOUND || number <= 0)
        argp_error(state, "--%s %s: allowed: a number above 0 of seconds, or with s, m or h behind it", option, text);
    return number * unit_s;
}

static const char *const junit_style_names[] = {"default", "gitlab"};

const struct field junit_style_field = {
    .name = "junit-style", .type = FIELD_CHOICE, .names = FIELD_NAMES(junit_style_names)};

bool parse_junit_style(const char *argument, const struct argp_state *state)
{
    char allowed[FIELD_ALLOWED_SIZE];
    int style = field_choice(&junit_style_field, argument, strlen(argument));
    if (style == junit_style_field.names.count)
        argp_error(state, "--junit-style %s: allowed: %s", argument, field_allowed(allowed, &junit_style_field));
    return style == 1;
}

void check_junit_style(bool said, const char *junit, const struct argp_state *state)
{
    if (said && !junit)
        argp_error(state, "--junit-style: of --junit, which is not given");
}

static error_t parse_help_option(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != 'h')
        return ARGP_ERR_UNKNOWN;
    argp_state_help(state, state->out_stream, ARGP_HELP_STD_HELP);
    return 0;
}

static error_t parse_device_option(int key, char *argument, struct argp_state *state)
{
    struct selection_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = options;
        return 0;
    case OPTION_DEVICE:
        option_text(&options->device, device_option_table, key, argument, state);
        return 0;
    case OPTION_THREADS:
        option_once(options->threads, device_option_table, key, argument, state);
        options->threads = (int)option_whole("threads", argument, 1, THREADS_MAX, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void settle_device(struct selection_options *options)
{
    if (!options->device)
        options->device = "auto";
    if (!options->threads)
        options->threads = threads_default();
}

/* Digits alone. */
static bool parse_part(int *part, const char *text, size_t size)
{
    uint64_t magnitude = 0;
    int negative;
    bool sound = strspn(text, "0123456789") >= size && number_parse_whole(text, size, &magnitude, &negative) == 0;
    *part = sound && magnitude <= RUN_SHARDS_MAX ? (int)magnitude : 0;
    return *part > 0;
}

static void parse_shard(struct shard *shard, const char *text, const struct argp_state *state)
{
    const char *slash = strchr(text, '/');
    if (!slash || !parse_part(&shard->index, text, (size_t)(slash - text)) ||
        !parse_part(&shard->count, slash + 1, strlen(slash + 1)) || shard->index > shard->count)
        argp_error(state, "--shard %s: allowed: I/N, I from 1 to N, N up to %d", text, RUN_SHARDS_MAX);
}

static error_t parse_case_option(int key, char *argument, struct argp_state *state)
{
    struct selection_options *options = state->input;
    switch (key) {
    case OPTION_SET:
        if (!strchr(argument, '='))
            argp_error(state, "--set %s: allowed: KEY=VALUE (`alibicheck list keys`)", argument);
        strings_add(&options->settings, argument, state);
        return 0;
    case OPTION_RECIPE:
        option_once(options->recipe_setting, case_option_table, key, argument, state);
        if (asprintf(&options->recipe_setting, strchr(argument, ',') ? "recipe=[%s]" : "recipe=%s", argument) < 0)
            argp_failure(state, ERROR_SYSTEM, 0, "out of memory");
        strings_add(&options->settings, options->recipe_setting, state);
        return 0;
    case OPTION_RECIPES:
        strings_add(&options->recipes, argument, state);
        return 0;
    case OPTION_ONLY:
        strings_add(&options->only, argument, state);
        return 0;
    case OPTION_WHERE:
        strings_add(&options->where, argument, state);
        return 0;
    case OPTION_SHARD:
        option_once(options->shard.count, case_option_table, key, argument, state);
        parse_shard(&options->shard, argument, state);
        return 0;
    case OPTION_LAST_FAILED:
        option_text(&options->last_failed, case_option_table, key, argument, state);
        return 0;
    case ARGP_KEY_ARG:
        strings_add(&options->paths, argument, state);
        return 0;
    case ARGP_KEY_INIT:
        options->notes = stderr;
        return 0;
    case ARGP_KEY_END:
        settle_device(options);
        return 0;
    case ARGP_KEY_NO_ARGS:
        if (options->example)
            argp_error(state, "no case given; try: %s %s", state->name, options->example);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp help_parser = {help_option_table, parse_help_option, NULL, NULL, NULL, NULL, NULL};

const struct argp_child help_parsers[] = {{&help_parser, 0, NULL, 0}, {0}};

static const struct argp case_parser = {case_option_table, parse_case_option, NULL, NULL, help_parsers, NULL, NULL};

const struct argp_child case_parsers[] = {{&case_parser, 0, NULL, 0}, {0}};

static error_t parse_device_alone(int key, char *argument, struct argp_state *state)
{
    struct selection_options *options = state->input;
    if (key == ARGP_KEY_INIT)
        options->notes = stderr;
    if (key == ARGP_KEY_END)
        settle_device(options);
    return key == ARGP_KEY_INIT || key == ARGP_KEY_END ? 0 : parse_device_option(key, argument, state);
}

static const struct argp device_alone_parser = {
    device_option_table, parse_device_alone, NULL, NULL, help_parsers, NULL, NULL,
};

const struct argp_child device_parsers[] = {{&device_alone_parser, 0, NULL, 0}, {0}};

static const struct argp device_parser = {
    device_option_table, parse_device_option, NULL, NULL, case_parsers, NULL, NULL,
};

const struct argp_child selection_parsers[] = {{&device_parser, 0, NULL, 0}, {0}};

void selection_options_clear(struct selection_options *options)
{
    free(options->paths.items);
    free(options->settings.items);
    free(options->only.items);
    free(options->where.items);
    free(options->recipes.items);
    free(options->recipe_setting);
    *options = (struct selection_options){.threads = 0};
}
