/* The options that name a kernel that is not ours, as a part of argp parsers. */
#ifndef HARNESS_COMMAND_FOREIGN_PARSER_H
#define HARNESS_COMMAND_FOREIGN_PARSER_H

#include <argp.h>

/* --plugin, --kernel-command, --kernel-pipes, --kernel-timeout: a child parser. Its input, which the parent hands on at
 * ARGP_KEY_INIT (state->child_inputs), is a struct foreign_options, zeroed. */
extern const struct argp foreign_parser;

#endif
