#include "harness/command/command.h"
#include "harness/command/interrupt.h"
#include "harness/command/options.h"
#include "harness/command/run.h"
#include "harness/command/run_options.h"

static error_t parse_nothing(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
}

static const struct argp *run_parser(void)
{
    static struct argp parser = {
        .parser = parse_nothing,
        .args_doc = "CASE...",
        .doc =
            "Run every point of the given case files and folders: make the inputs, run the kernel, compute the exact "
            "result, and count the elements that are further from it than the case allows. A CASE that is no file or "
            "folder here is the name of a shipped one: seed, known-bugs/k2-masked-key-wins."
            "\vExamples:\n"
            "  alibicheck run cases/seed\n"
            "  alibicheck run cases/seed --only '*seq_len=729*' --results out.jsonl\n"
            "  alibicheck run cases/models/bloom.yaml --set seq_len=[512,1024] --set sentinel=-5e4\n"
            "  alibicheck run cases/seed --results out.jsonl --resume\n"
            "  alibicheck run gauntlet --plugin ./mine.so --quiet\n"
            "  generate-cases | alibicheck run -\n\n"
            "Exit code: 0 everything as expected, 1 an expectation was not met, 2 usage, a bad case file, or every "
            "point skipped, 3 device or system failure, 130 interrupted. Ctrl-C ends after the step in work and keeps "
            "all records; twice ends at once.",
    };
    parser.children = run_parsers();
    return &parser;
}

static int run_command(int argc, char **argv, struct error *error)
{
    struct run_options options = {.selection.example = "cases/seed"};
    options_parse(run_parser(), argc, argv, &options);
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
