#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_keys.h"
#include "harness/command/command.h"
#include "harness/command/interrupt.h"
#include "harness/command/options.h"
#include "harness/command/run.h"
#include "harness/command/run_options.h"
#include "harness/command/setting_blame.h"

enum { OPTION_KEY = 2048, OPTION_NAME_SIZE = 32, DOC_SIZE = ABOUT_TEXT_SIZE + FIELD_TEXT_SIZE };

struct sweep {
    struct run_options options;
    char *settings[KEY_COUNT];    /* allocated; those of the options given, */
    const char *typed[KEY_COUNT]; /* and the values that these were given */
};

/* Whether a key is an option: not what a case is called, nor --recipe, which all commands on cases have. */
static bool is_option(enum key_id id)
{
    return !keys[id].constant_of_run && id != KEY_RECIPE && id != KEY_BECAUSE;
}

/* "seq_len=[1..1M:x2]": a list as far as the key takes values, or a set names. */
static char *make_setting(const struct key *key, const char *values)
{
    bool is_list = values[0] != '[' && (key->axis || (key->field.type == FIELD_SET && strchr(values, ',')));
    char *setting = NULL;
    return asprintf(&setting, is_list ? "%s=[%s]" : "%s=%s", key->field.name, values) < 0 ? NULL : setting;
}

static const struct argp *sweep_parser(void);

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct sweep *sweep = state->input;
    int id = key - OPTION_KEY;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = &sweep->options;
        return 0;
    }
    if (key == ARGP_KEY_NO_ARGS && state->argc == 1)
        argp_error(state, "no axis given; try: %s --seq-len 1k..64k:x2 --num-heads 32 --head-dim 128", state->name);
    if (id < 0 || id >= KEY_COUNT)
        return ARGP_ERR_UNKNOWN;
    option_once(sweep->settings[id], sweep_parser()->options, key, argument, state);
    sweep->settings[id] = make_setting(&keys[id], argument);
    sweep->typed[id] = argument;
    if (!sweep->settings[id])
        argp_failure(state, ERROR_SYSTEM, 0, "out of memory");
    strings_add(&sweep->options.selection.settings, sweep->settings[id], state);
    return 0;
}

/* An option for each key, its name with dashes, what it means and its default. */
static const struct argp_option *key_options(void)
{
    static struct argp_option table[KEY_COUNT + 2];
    static char names[KEY_COUNT][OPTION_NAME_SIZE], docs[KEY_COUNT][DOC_SIZE];
    struct argp_option *option = table;
    *option++ = (struct argp_option){.doc = "Axes, and the other keys of a case:", .group = 1};
    for (int id = 0; id < KEY_COUNT; id++) {
        char about[ABOUT_TEXT_SIZE];
        const char *preset = keys[id].preset ? keys[id].preset : keys[id].derived;
        if (!is_option((enum key_id)id))
            continue;
        snprintf(names[id], OPTION_NAME_SIZE, "%s", keys[id].field.name);
        for (char *c = names[id]; *c; c++)
            *c = *c == '_' ? '-' : *c;
        snprintf(docs[id], DOC_SIZE, "%s (%s)", key_about(about, &keys[id]), preset ? preset : "needed without CASE");
        *option++ = (struct argp_option){
            .name = names[id],
            .key = OPTION_KEY + id,
            .arg = keys[id].axis ? "VALUE,..." : "VALUE",
            .doc = docs[id],
            .group = 1,
        };
    }
    return table;
}

static const struct argp *sweep_parser(void)
{
    static struct argp_child children[2];
    static struct argp parser = {
        .parser = parse_option,
        .args_doc = "[CASE...]",
        .doc =
            "Run every combination of the given values: an option is an axis, called as the key of a case file, and "
            "takes values and ranges with commas between them. On top of case files it replaces what they say of it, "
            "as --set does; without any, --seq-len, --num-heads and --head-dim are needed, and the rest has its "
            "default."
            "\vRanges: 0..9 is 0, 1, ... 9; 64..512:+64 every 64th; 1..1M:x2 each the double of the one before. k "
            "and M are 1000 and 10^6, Ki and Mi 1024 and 1024^2.\n\n"
            "Examples:\n"
            "  alibicheck sweep --seq-len 1..1M:x2 --num-heads 8 --head-dim 64 --dtype f16,bf16 --sentinel=-5e4,"
            "adaptive\n"
            "  alibicheck sweep cases/models/bloom.yaml --seq-len 1Ki..32Ki:x2 --kernel all --results out.jsonl\n"
            "  alibicheck sweep ... --results part-3.jsonl --shard 3/8     (then: alibicheck merge)\n"
            "  alibicheck sweep ... --dry-run\n\n"
            "Exit code: as of `alibicheck run`.",
    };
    if (parser.options)
        return &parser;
    children[0] = run_parsers()[0];
    children[0].header = "Which points, where records go, how:";
    children[0].group = 2;
    parser.options = key_options();
    parser.children = children;
    return &parser;
}

static int sweep_command(int argc, char **argv, struct error *error)
{
    struct sweep sweep = {.options.selection.of_axes = true};
    options_parse(sweep_parser(), argc, argv, &sweep);
    int code = run(&sweep.options, interrupt_catch(), error);
    for (int id = 0; id < KEY_COUNT; id++)
        if (sweep.settings[id])
            setting_blame_option(error, sweep.settings[id], sweep.typed[id]);
    selection_options_clear(&sweep.options.selection);
    for (int id = 0; id < KEY_COUNT; id++)
        free(sweep.settings[id]);
    return code;
}

const struct command command_sweep = {
    .name = "sweep",
    .about = "run every combination of values given on the command line",
    .parser = sweep_parser,
    .run = sweep_command,
};
