#include <string.h>

#include "harness/command/command.h"
#include "harness/command/fidelity.h"
#include "harness/command/foreign_parser.h"
#include "harness/command/interrupt.h"
#include "harness/command/options.h"

enum { OPTION_AGAINST = 256, OPTION_RESULTS, OPTION_JSON };

static const struct argp_option option_table[] = {
    {"against", OPTION_AGAINST, "DEVICE[:FORM]", 0,
     "the other side: host (default) or cuda, with :generic or :plain by those forms of the kernels, whose bits are to "
     "be the same; --plugin and what is like it takes its place",
     2},
    {"results", OPTION_RESULTS, "FILE", 0, "write the objects of --json to FILE; -: the same as --json", 2},
    {"json", OPTION_JSON, NULL, 0, "print a JSON object for each point, in a line, in place of the table", 2},
    {0}};

static error_t parse_fidelity_option(int key, char *argument, struct argp_state *state)
{
    struct fidelity_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->selection;
        state->child_inputs[1] = &options->foreign;
        return 0;
    case OPTION_AGAINST:
        option_once(options->against, option_table, key, argument, state);
        if (!fidelity_knows(argument))
            argp_error(state, "--against %s: allowed: %s", argument, FIDELITY_AGAINST);
        options->against = argument;
        return 0;
    case OPTION_RESULTS:
        option_text(&options->outputs.paths[options->results], option_table, key, argument, state);
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_SUCCESS:
        if (options->against && foreign_is_asked(&options->foreign))
            argp_error(state, "--against and --plugin, --kernel-command, --kernel-pipes: allowed: one of them");
        if (options->outputs.paths[options->results] && !strcmp(options->outputs.paths[options->results], "-")) {
            options->outputs.paths[options->results] = NULL;
            options->json = true;
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char about[] =
    "Compare two devices bit by bit: run every point on both, count the elements of out and lse that differ, and of "
    "the first row with one say where the two part: in which step, of which key. A kernel of your own stands for the "
    "second device with --plugin, to be what the point's recipe is."
    "\vExamples:\n"
    "  alibicheck fidelity cases/seed\n"
    "  alibicheck fidelity cases/models/bloom.yaml --only '*seq_len=2048*' --device cuda --against cuda:generic\n"
    "  alibicheck fidelity cases/example --plugin ./attention.so --results fidelity.jsonl\n\n"
    "Exit code: 0 no bit differs where the recipe's fidelity is exact or bit-model, 1 one does, or a kernel failed to "
    "run, 2 usage or a bad case file, 3 device or system failure, 130 interrupted.";

static const struct argp *fidelity_parser(void)
{
    static struct argp_child children[3];
    static const struct argp parser = {
        option_table, parse_fidelity_option, "CASE...", about, children, NULL, NULL,
    };
    children[0] = selection_parsers[0];
    children[1] = (struct argp_child){.argp = &foreign_parser};
    return &parser;
}

static int fidelity_command(int argc, char **argv, struct error *error)
{
    struct fidelity_options options = {.selection.example = "cases/example", .results = outputs_place("results")};
    options_parse(fidelity_parser(), argc, argv, &options);
    int code = fidelity(&options, interrupt_catch(), error);
    selection_options_clear(&options.selection);
    return code;
}

const struct command command_fidelity = {
    .name = "fidelity",
    .about = "compare two devices bit by bit, and say where they part",
    .parser = fidelity_parser,
    .run = fidelity_command,
};
