#include <string.h>

#include "harness/command/command.h"
#include "harness/command/interrupt.h"
#include "harness/command/options.h"
#include "harness/command/run.h"

enum { OPTION_SINK = 256 }; /* and the place of its kind in sink_kinds */

static const struct argp *run_parser(void);

static error_t parse_run_option(int key, char *argument, struct argp_state *state)
{
    struct run_options *options = state->input;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = &options->selection;
        return 0;
    }
    if (key < OPTION_SINK || key >= OPTION_SINK + SINK_COUNT)
        return ARGP_ERR_UNKNOWN;
    const struct sink_kind *kind = sink_kinds[key - OPTION_SINK];
    const char **path = &options->outputs.paths[key - OPTION_SINK];
    option_once(*path, run_parser()->options, key, argument, state);
    if (kind->target == SINK_TO_FILE && strcmp(argument, "-") == 0)
        argp_error(state, "--%s -: allowed: a file; standard output has the table or the records", kind->option);
    *path = argument;
    return 0;
}

static const struct argp parser_without_sinks = {
    NULL, /* those of the sinks: run_parser */
    parse_run_option,
    "CASE...",
    "Run every point of the given case files and folders: make the inputs, run the kernel, compute the exact result, "
    "and count the elements that are further from it than the case allows."
    "\vExamples:\n"
    "  alibicheck run cases/seed\n"
    "  alibicheck run cases/seed --only '*seq_len=729*' --results out.jsonl\n"
    "  alibicheck run cases/models/bloom.yaml --set seq_len=[512,1024] --set sentinel=-5e4\n\n"
    "Exit code: 0 everything as expected, 1 an expectation was not met, 2 usage or a bad case file, 3 device or system "
    "failure, 130 interrupted. Ctrl-C ends after the step in work and keeps all records; twice ends at once.",
    selection_parsers,
    NULL,
    NULL};

static const struct argp *run_parser(void)
{
    static struct argp_option table[SINK_COUNT + 1]; /* an option for each kind of sink that has one */
    static struct argp parser;
    struct argp_option *option = table;
    for (int i = 0; i < SINK_COUNT; i++)
        if (sink_kinds[i]->option)
            *option++ = (struct argp_option){
                .name = sink_kinds[i]->option,
                .key = OPTION_SINK + i,
                .arg = sink_kinds[i]->target == SINK_TO_FOLDER ? "DIR" : "FILE",
                .doc = sink_kinds[i]->about,
                .group = 2,
            };
    parser = parser_without_sinks;
    parser.options = table;
    return &parser;
}

static int run_command(int argc, char **argv, struct error *error)
{
    struct run_options options = {.selection.example = "cases/seed"};
    argp_parse(run_parser(), argc, argv, 0, NULL, &options);
    int code = run(&options, interrupt_catch(), error);
    selection_options_clear(&options.selection);
    return code;
}

const struct command command_run = {
    .name = "run",
    .about = "run cases and judge every point against the truth",
    .parser = run_parser,
    .run = run_command,
};
