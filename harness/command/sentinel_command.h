/* `alibicheck sentinel`: which stand-ins for -inf are safe for a model. */
#ifndef HARNESS_COMMAND_SENTINEL_COMMAND_H
#define HARNESS_COMMAND_SENTINEL_COMMAND_H

#include "reference/error.h"

/* Parses (argp: a wrong option ends the program with exit code 2), prints on stdout, returns the exit code. */
int sentinel_command(int argc, char **argv, struct error *error);

#endif
