#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "harness/command/command.h"
#include "harness/command/manual.h"
#include "harness/command/options.h"
#include "harness/support/suggest.h"

struct man_options {
    const struct command *command; /* NULL: the program */
};

static const char *command_word(size_t i)
{
    return i < COMMAND_COUNT ? commands[i]->name : NULL;
}

static const struct command *find_command(const char *name, const struct argp_state *state)
{
    struct suggestion suggestion = {.text = name};
    char advice[SUGGESTION_SIZE];
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (!strcmp(commands[i]->name, name))
            return commands[i];
        suggestion_offer(&suggestion, commands[i]->name);
    }
    argp_error(state, "%s: no command; %sallowed: a command of `alibicheck --help`", name,
               suggestion_format(advice, &suggestion));
    return NULL;
}

static error_t parse_man_option(int key, char *argument, struct argp_state *state)
{
    struct man_options *options = state->input;
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    if (state->arg_num > 0)
        argp_error(state, "%s: allowed: one command", argument);
    options->command = find_command(argument, state);
    return 0;
}

static const struct argp parser = {NULL,
                                   parse_man_option,
                                   "[COMMAND]",
                                   "Print the man page of a command, or of the program, in roff. `make install` puts "
                                   "all of them where man finds them."
                                   "\vExamples:\n"
                                   "  alibicheck man run | man -l -\n"
                                   "  alibicheck man > alibicheck.1",
                                   help_parsers,
                                   NULL,
                                   NULL};

static const struct argp *man_parser(void)
{
    return &parser;
}

static int man_command(int argc, char **argv, struct error *error)
{
    struct man_options options = {0};
    options_parse(&parser, argc, argv, &options);
    return (int)manual_print(stdout, options.command, error);
}

const struct command command_man = {
    .name = "man",
    .about = "print a man page",
    .parser = man_parser,
    .run = man_command,
    .word = command_word,
};
