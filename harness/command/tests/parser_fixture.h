/* What argp itself says of a parser's options, beside which tests put what this program makes of them. */
#ifndef HARNESS_COMMAND_TESTS_PARSER_FIXTURE_H
#define HARNESS_COMMAND_TESTS_PARSER_FIXTURE_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command/command.h"

/* The long options in a command's --help, each as "--name", in names[max]; their number. */
static inline size_t help_options(const struct command *command, char (*names)[64], size_t max)
{
    char *help = NULL;
    size_t size, count = 0;
    FILE *stream = open_memstream(&help, &size);
    assert_non_null(stream);
    argp_help(command->parser(), stream, ARGP_HELP_LONG, (char *)(uintptr_t) "alibicheck");
    assert_int_equal(fclose(stream), 0);
    for (const char *line = strtok(help, "\n"); line; line = strtok(NULL, "\n")) {
        const char *option = strstr(line, "--");
        if (!option || option - line > 6) /* behind an option, in what is said of it */
            continue;
        size_t length = 2;
        while (isalnum((unsigned char)option[length]) || option[length] == '-')
            length++;
        assert_true(count < max && length < sizeof *names);
        snprintf(names[count++], sizeof *names, "%.*s", (int)length, option);
    }
    free(help);
    assert_true(count + 2 <= max); /* which argp adds when it parses */
    snprintf(names[count++], sizeof *names, "--help");
    snprintf(names[count++], sizeof *names, "--usage");
    return count;
}

#endif
