/* The options that name a kernel that is not ours, as a part of argp parsers. */
#ifndef HARNESS_COMMAND_FOREIGN_PARSER_H
#define HARNESS_COMMAND_FOREIGN_PARSER_H

#include <argp.h>

#include "harness/command/foreign_kernel.h"

/* --plugin, --kernel-command, --kernel-pipes, --kernel-timeout: a child parser. Its input, which the parent hands on at
 * ARGP_KEY_INIT (state->child_inputs), is a struct foreign_options, zeroed. */
extern const struct argp foreign_parser;

/* argp_error where --any-build stands without --resume, and where --resume would keep records of a kernel that is not
 * ours, and no plug-in, without --any-build: nobody knows whether it is still the same. */
void foreign_check_resume(const struct foreign_options *options, bool resume, bool any_build,
                          const struct argp_state *state);

#endif
