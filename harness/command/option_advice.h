/* What is said of an option that a command does not have and that is something else. */
#ifndef HARNESS_COMMAND_OPTION_ADVICE_H
#define HARNESS_COMMAND_OPTION_ADVICE_H

#include <argp.h>

#include "reference/error.h"

/*
 * ERROR_USAGE if an argument is a key of a case, taken for an option of a command that has --set: "--kernel: a key of a
 * case, not an option; allowed: --set kernel=split_kv"; or no option of the command, and like one: "--treads: unknown
 * option; did you mean '--threads'?"; or an option where the value of another one should stand: "--seq-len: no value
 * before '--plugin'; ...". What else is wrong is left to argp.
 */
enum error_kind option_advise(const struct argp *parser, int argc, char *const *argv, struct error *error);

#endif
