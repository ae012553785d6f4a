#include <stdint.h>

#include "harness/command/command.h"
#include "harness/command/foreign_parser.h"
#include "harness/command/list.h"
#include "harness/command/options.h"

enum { OPTION_JSON = 256 };

static const struct argp_option option_table[] = {
    {"verbose", 'v', NULL, 0, "recipes as YAML, with all that they say and its source", 0},
    {"json", OPTION_JSON, NULL, 0, "print a JSON object for each row, in a line", 0},
    {0}};

static error_t parse_list_option(int key, char *argument, struct argp_state *state)
{
    struct list_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->selection;
        state->child_inputs[1] = &options->foreign;
        return 0;
    case 'v':
        options->verbose = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->topic)
            return ARGP_ERR_UNKNOWN; /* a case */
        options->topic = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The part of the help behind \v names the topics. */
static char *list_help(int key, const char *text, void *input)
{
    (void)input;
    if (key == ARGP_KEY_HELP_POST_DOC)
        return list_topics();
    return (char *)(uintptr_t)text;
}

static const struct argp *list_parser(void)
{
    static struct argp_child children[3];
    static const struct argp parser = {
        .options = option_table,
        .parser = parse_list_option,
        .args_doc = "TOPIC [CASE...]",
        .doc =
            "Print what this program offers. CASE..., --set, --recipe, --only and --plugin are for cases and points. "
            "Topics:\v ",
        .children = children,
        .help_filter = list_help,
    };
    children[0] = case_parsers[0];
    children[1] = (struct argp_child){.argp = &foreign_parser};
    return &parser;
}

static int list_command(int argc, char **argv, struct error *error)
{
    struct list_options options = {0};
    options_parse(list_parser(), argc, argv, &options);
    int code = list(&options, error);
    selection_options_clear(&options.selection);
    return code;
}

const struct command command_list = {
    .name = "list",
    .about = "print what there is: kernels, devices, case keys, recipes, signatures, oracles, record fields, ..., and "
             "points of cases",
    .parser = list_parser,
    .run = list_command,
    .word = list_topic,
};
