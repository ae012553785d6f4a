/*
 * alibicheck COMMAND [OPTIONS]: parses the command line, dispatches, prints the one error, returns the exit code.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/case/recipe_library.h"
#include "harness/command/command.h"
#include "harness/command/option_advice.h"
#include "harness/command/version.h"
#include "harness/support/file.h"
#include "harness/support/gmp_memory.h"
#include "harness/support/json_memory.h"
#include "harness/support/memory.h"
#include "harness/support/suggest.h"
#include "reference/computing_environment.h"

static void print_help(FILE *stream)
{
    fprintf(stream, "Usage: alibicheck COMMAND [OPTIONS]\n"
                    "Numerical accuracy of GPU ALiBi decode attention, measured against the exact result.\n\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(stream, "  %-10s %s\n", commands[i]->name, commands[i]->about);
    fprintf(stream, "\n`alibicheck COMMAND --help` explains a command, `alibicheck list keys` the case files.\n"
                    "Start with: alibicheck run cases/seed\n");
}

static void print_error(const struct error *error)
{
    for (const char *line = error->text; *line; line += *line == '\n') {
        int length = (int)strcspn(line, "\n");
        fprintf(stderr, "alibicheck: %.*s\n", length, line);
        line += length;
    }
}

/* Takes the places of standard input, output and error that are closed, so that no file which is opened later stands
 * there: it would get the table between its records, and messages. Reading and writing still fail with EBADF. */
static bool keep_standard_places(void)
{
    for (int place = STDIN_FILENO; place <= STDERR_FILENO; place++)
        if (fcntl(place, F_GETFD) == -1 && errno == EBADF &&
            open("/dev/null", place == STDIN_FILENO ? O_WRONLY : O_RDONLY) != place)
            return false;
    return true;
}

/* A command has come back, which has looked at what it printed. */
static bool has_come_back;

/* --help of a command is printed by argp, which ends the program, whether or not that reaches anybody. */
static void look_at_output(void)
{
    struct error error = {0};
    if (has_come_back || !file_flush(stdout, &error))
        return;
    print_error(&error);
    _exit(ERROR_SYSTEM);
}

static int flush_output(void)
{
    struct error error = {0};
    enum error_kind kind = file_flush(stdout, &error);
    print_error(&error);
    return (int)kind;
}

int main(int argc, char **argv)
{
    struct error error = {0};
    char program[64];              /* what a command's own messages start with */
    computing_environment_enter(); /* for good: what a library has set at its start is not what numbers are parsed in */
    argp_err_exit_status = ERROR_USAGE;
    unsetenv("ARGP_HELP_FMT"); /* where it leaves no room, argp never comes to an end (glibc 2.36) */
    gmp_memory_ends_program();
    json_memory_ends_program();
    memory_keep_freed();
    signal(SIGXFSZ, SIG_IGN); /* a file as large as it may be is a write error, reported like any other */
    if (!keep_standard_places()) {
        fprintf(stderr, "alibicheck: cannot open /dev/null in the place of a closed standard input or output: %s\n",
                strerror(errno));
        return ERROR_SYSTEM;
    }
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
        return flush_output();
    }
    if (!strcmp(argv[1], "--version")) {
        version_print(stdout);
        return flush_output();
    }
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(argv[1], commands[i]->name)) {
            snprintf(program, sizeof program, "alibicheck %s", commands[i]->name);
            argv[1] = program;
            atexit(look_at_output); /* there is always room for 32 such functions */
            int code = option_advise(commands[i]->parser(), argc - 1, argv + 1, &error);
            if (!code)
                code = commands[i]->run(argc - 1, argv + 1, &error);
            has_come_back = true;
            recipe_library_close();
            if (error.kind)
                print_error(&error);
            return code;
        }
    struct suggestion suggestion = {.text = argv[1]};
    char advice[SUGGESTION_SIZE];
    for (int i = 0; i < COMMAND_COUNT; i++)
        suggestion_offer(&suggestion, commands[i]->name);
    fprintf(stderr, "alibicheck: unknown command '%s'; %sallowed:", argv[1], suggestion_format(advice, &suggestion));
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(stderr, " %s", commands[i]->name);
    fprintf(stderr, " (`alibicheck --help`)\n");
    return ERROR_USAGE;
}
