/* Man pages, made of what --help is made of. */
#ifndef HARNESS_COMMAND_MANUAL_H
#define HARNESS_COMMAND_MANUAL_H

#include <stdio.h>

#include "harness/command/command.h"

/* The page of a command, or of the program where command is NULL, in roff with the macros of man(7). ERROR_SYSTEM if
 * memory is short or stream cannot be written. */
enum error_kind manual_print(FILE *stream, const struct command *command, struct error *error);

/* text as roff, put into a line: what is special to roff is escaped, `code` is bold. */
void manual_put_text(FILE *stream, const char *text);

#endif
