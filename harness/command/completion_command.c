#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command/command.h"
#include "harness/command/completion.h"
#include "harness/command/options.h"
#include "harness/support/file.h"

struct completion_options {
    const char *shell; /* or "words", which the scripts ask with */
    struct strings words;
};

static bool asks(const struct completion_options *options)
{
    return options->shell && !strcmp(options->shell, "words");
}

static error_t parse_completion_option(int key, char *argument, struct argp_state *state)
{
    struct completion_options *options = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (options->shell && !asks(options))
            argp_error(state, "%s: allowed: one shell", argument);
        if (options->shell)
            strings_add(&options->words, argument, state);
        else
            options->shell = argument;
        return 0;
    case ARGP_KEY_END:
        if (!options->shell || (!asks(options) && !completion_script(options->shell)))
            argp_error(state, "%s: allowed: bash, zsh, fish", options->shell ? options->shell : "no shell given");
        if (asks(options) && !options->words.count)
            argp_error(state, "words: allowed: words -- WORD..., the last one to be completed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    NULL,
    parse_completion_option,
    "SHELL",
    "Print the script that completes alibicheck's commands, options and their values in bash, zsh or fish. `make "
    "install` puts it where the shells look."
    "\vExamples:\n"
    "  eval \"$(alibicheck completion bash)\"\n"
    "  alibicheck completion zsh > ~/.zfunc/_alibicheck     # a folder of $fpath\n"
    "  alibicheck completion fish > ~/.config/fish/completions/alibicheck.fish",
    help_parsers,
    NULL,
    NULL};

static const struct argp *completion_parser(void)
{
    return &parser;
}

static int completion_command(int argc, char **argv, struct error *error)
{
    struct completion_options options = {0};
    enum error_kind kind = ERROR_NONE;
    options_parse(&parser, argc, argv, &options);
    if (asks(&options)) {
        kind = completion_print(stdout, options.words.items, options.words.count, error);
    } else {
        fputs(completion_script(options.shell), stdout);
        kind = file_flush(stdout, error);
    }
    free(options.words.items);
    return (int)kind;
}

const struct command command_completion = {
    .name = "completion",
    .about = "print the script that completes command lines in a shell",
    .parser = completion_parser,
    .run = completion_command,
    .word = completion_shell,
};
