/*
 * alibicheck COMMAND [OPTIONS]: parses the command line, dispatches, prints the one error, returns the exit code.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/case/recipe_library.h"
#include "harness/command/explain.h"
#include "harness/command/list.h"
#include "harness/command/options.h"
#include "harness/command/run.h"
#include "harness/command/sentinel_command.h"
#include "harness/support/build_info.h"
#include "harness/support/suggest.h"
#include "reference/float_environment.h"

/* Reached by the signal handler, hence the one global. */
static struct progress progress;

/* The first signal asks for an orderly end, the second ends at once, but for SIGHUP: a terminal that goes away may send
 * it twice, by the shell and by the kernel. nohup's wish to ignore it is kept. */
static void on_signal(int number)
{
    (void)number;
    atomic_store_explicit(&progress.cancelled, true, memory_order_relaxed);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND | SA_RESTART}, before;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_flags = SA_RESTART;
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error, reported like any other, */
    signal(SIGXFSZ, SIG_IGN); /* and so is a file as large as it may be */
}

/* ---- run ---- */

enum { OPTION_SINK = 256 }; /* and the place of its kind in sink_kinds */

struct run_input {
    struct run_options options;
    struct argp_option option_table[SINK_COUNT + 1]; /* an option for each kind of sink that has one */
};

static error_t parse_run_option(int key, char *argument, struct argp_state *state)
{
    struct run_input *input = state->input;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = &input->options.selection;
        return 0;
    }
    if (key < OPTION_SINK || key >= OPTION_SINK + SINK_COUNT)
        return ARGP_ERR_UNKNOWN;
    const struct sink_kind *kind = sink_kinds[key - OPTION_SINK];
    const char **path = &input->options.outputs.paths[key - OPTION_SINK];
    option_once(*path, input->option_table, key, argument, state);
    if (kind->target == SINK_TO_FILE && strcmp(argument, "-") == 0)
        argp_error(state, "--%s -: allowed: a file; standard output has the table or the records", kind->option);
    *path = argument;
    return 0;
}

static const struct argp run_parser = {
    NULL, /* those of the sinks: command_run */
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

static int command_run(int argc, char **argv, struct error *error)
{
    struct run_input input = {.options.selection.example = "cases/seed"};
    struct argp_option *option = input.option_table;
    struct argp parser = run_parser;
    parser.options = option;
    for (int i = 0; i < SINK_COUNT; i++)
        if (sink_kinds[i]->option)
            *option++ = (struct argp_option){
                .name = sink_kinds[i]->option,
                .key = OPTION_SINK + i,
                .arg = sink_kinds[i]->target == SINK_TO_FOLDER ? "DIR" : "FILE",
                .doc = sink_kinds[i]->about,
                .group = 2,
            };
    argp_parse(&parser, argc, argv, 0, NULL, &input);
    catch_signals();
    int code = run(&input.options, &progress, error);
    selection_options_clear(&input.options.selection);
    return code;
}

/* ---- explain ---- */

enum { OPTION_ELEMENT = 256, OPTION_JSON };

static const struct argp_option explain_option_table[] = {
    {"element", OPTION_ELEMENT, "H,D", 0, "the element to explain: head and dim (default: the worst one)", 2},
    {"json", OPTION_JSON, NULL, 0, "print a JSON object for each point, in a line", 2},
    {0}};

static error_t parse_explain_option(int key, char *argument, struct argp_state *state)
{
    struct explain_options *options = state->input;
    char rest;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->selection;
        return 0;
    case OPTION_ELEMENT:
        option_once(options->has_element, explain_option_table, key, argument, state);
        if (sscanf(argument, "%d,%d%c", &options->head, &options->dim, &rest) != 2 || options->head < 0 ||
            options->dim < 0)
            argp_error(state, "--element %s: allowed: HEAD,DIM, both from 0", argument);
        options->has_element = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp explain_parser = {
    explain_option_table,
    parse_explain_option,
    "CASE...",
    "Say where a kernel's error comes from: replay its arithmetic with the roundings of one stage at a time (bias, "
    "logit, exponential, ...) and everything else exact, and print each stage's share of the error."
    "\vExamples:\n"
    "  alibicheck explain cases/seed/flashinfer-33001.yaml --only '*head_dim=128,*sentinel=-inf'\n"
    "  alibicheck explain cases/models/bloom.yaml --set seq_len=2048 --set bias=absolute --element 0,77\n\n"
    "Exit code: 0 explained, 2 usage or a bad case file, 3 device or system failure, or a kernel that is wrong without "
    "any rounding, 130 interrupted.",
    selection_parsers,
    NULL,
    NULL};

static int command_explain(int argc, char **argv, struct error *error)
{
    struct explain_options options = {.selection.example = "cases/survival/near-keys-gone.yaml"};
    argp_parse(&explain_parser, argc, argv, 0, NULL, &options);
    catch_signals();
    int code = explain(&options, &progress, error);
    selection_options_clear(&options.selection);
    return code;
}

/* ---- list ---- */

static const struct argp_option list_option_table[] = {
    {"verbose", 'v', NULL, 0, "recipes as YAML, with all that they say and its source", 0}, {0}};

static error_t parse_list_option(int key, char *argument, struct argp_state *state)
{
    struct list_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->selection;
        return 0;
    case 'v':
        options->verbose = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->topic)
            return ARGP_ERR_UNKNOWN; /* a case */
        options->topic = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no topic given");
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

static const struct argp list_parser = {list_option_table,
                                        parse_list_option,
                                        "TOPIC [CASE...]",
                                        "Print what this program offers. CASE..., --set, --recipe and --only are for "
                                        "cases and points. Topics:\v ",
                                        case_parsers,
                                        list_help,
                                        NULL};

static int command_list(int argc, char **argv, struct error *error)
{
    struct list_options options = {0};
    argp_parse(&list_parser, argc, argv, 0, NULL, &options);
    int code = list(&options, error);
    selection_options_clear(&options.selection);
    return code;
}

/* ---- dispatch ---- */

static const struct {
    const char *name;
    const char *about;
    const char *program; /* what its own messages start with */
    int (*function)(int argc, char **argv, struct error *error);
} commands[] = {
    {"run", "run cases and judge every point against the truth", "alibicheck run", command_run},
    {"explain", "say which stage of a kernel's arithmetic its error comes from", "alibicheck explain", command_explain},
    {"sentinel", "say which stand-ins for -inf are safe for a model", "alibicheck sentinel", sentinel_command},
    {"list", "print kernels, devices, case keys, recipes, record fields, oracles, signatures, cases, points",
     "alibicheck list", command_list},
};

enum { NUM_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *stream)
{
    fprintf(stream, "Usage: alibicheck COMMAND [OPTIONS]\n"
                    "Numerical accuracy of GPU ALiBi decode attention, measured against the exact result.\n\n");
    for (size_t i = 0; i < NUM_COMMANDS; i++)
        fprintf(stream, "  %-8s %s\n", commands[i].name, commands[i].about);
    fprintf(stream, "\n`alibicheck COMMAND --help` explains a command, `alibicheck list keys` the case files.\n"
                    "Start with: alibicheck run cases/seed\n");
}

int main(int argc, char **argv)
{
    struct error error = {0};
    float_environment_enter(); /* for good: what a library has set at its start is not what numbers are parsed in */
    argp_err_exit_status = ERROR_USAGE;
#ifdef __AVX2__
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
        fprintf(stderr, "alibicheck: this build needs a CPU with AVX2; build with `make ARCH=`\n");
        return ERROR_SYSTEM;
    }
#endif
    if (argc < 2) {
        print_help(stderr);
        return ERROR_USAGE;
    }
    if (!strcmp(argv[1], "help") && argc > 2) { /* help COMMAND: COMMAND --help */
        argv[1] = argv[2];
        argv[2] = (char *)(uintptr_t) "--help";
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_help(stdout);
        return 0;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("alibicheck %s (%s, %s)\n", build_info.version, build_info.commit, build_info.compiler);
        return 0;
    }
    for (size_t i = 0; i < NUM_COMMANDS; i++)
        if (!strcmp(argv[1], commands[i].name)) {
            argv[1] = (char *)(uintptr_t)commands[i].program;
            int code = commands[i].function(argc - 1, argv + 1, &error);
            recipe_library_close();
            if (error.kind)
                fprintf(stderr, "alibicheck: %s\n", error.text);
            return code;
        }
    struct suggestion suggestion = {.text = argv[1]};
    char advice[SUGGESTION_SIZE];
    for (size_t i = 0; i < NUM_COMMANDS; i++)
        suggestion_offer(&suggestion, commands[i].name);
    fprintf(stderr, "alibicheck: unknown command '%s'; %sallowed:", argv[1], suggestion_format(advice, &suggestion));
    for (size_t i = 0; i < NUM_COMMANDS; i++)
        fprintf(stderr, " %s", commands[i].name);
    fprintf(stderr, " (`alibicheck --help`)\n");
    return ERROR_USAGE;
}
