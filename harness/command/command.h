/*
 * A command: what the first word of the command line selects. Its file, NAME_command.c, parses and ends in its
 * descriptor; the work is in a file of its own.
 */
#ifndef HARNESS_COMMAND_COMMAND_H
#define HARNESS_COMMAND_COMMAND_H

#include <argp.h>

#include "harness/support/field.h"
#include "reference/error.h"

struct command {
    const char *name;
    const char *about; /* in the list of commands */
    /* Its options and what --help says. */
    const struct argp *(*parser)(void);
    /* argv[0] is what its own messages start with: "alibicheck NAME". Parses (argp: a wrong option ends the program
     * with exit code 2), works, and returns the exit code; *error has the reason where main is to print one. */
    int (*run)(int argc, char **argv, struct error *error);
    /* For completion: word i that its first argument may be, NULL behind the last. NULL: files and folders. */
    const char *(*word)(size_t i);
    /* For completion: the field that an option's value is put into. NULL: that of the case key which is called so. */
    const struct field *(*field)(int option);
};

/* Every command, NAME standing for command_NAME, in the order of --help; a new one is its file and a row here. */
#define COMMANDS(ROW) \
    ROW(run)          \
    ROW(sweep)        \
    ROW(hunt)         \
    ROW(judge)        \
    ROW(merge)        \
    ROW(compare)      \
    ROW(report)       \
    ROW(explain)      \
    ROW(fidelity)     \
    ROW(tolerance)    \
    ROW(sentinel)     \
    ROW(serve)        \
    ROW(probe)        \
    ROW(list)         \
    ROW(man)          \
    ROW(completion)

#define COMMAND_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMAND_DECLARE)

#define COMMAND_ONE_MORE(name) +1
enum { COMMAND_COUNT = COMMANDS(COMMAND_ONE_MORE) };

extern const struct command *const commands[COMMAND_COUNT];

#endif
