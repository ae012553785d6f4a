/* `alibicheck list`: what this program offers. */
#ifndef HARNESS_COMMAND_LIST_H
#define HARNESS_COMMAND_LIST_H

#include <stddef.h>

#include "reference/error.h"

/* Prints the list called topic; paths are case files and folders, for the topics that take them. Returns the exit
 * code. */
int list(const char *topic, const char *const *paths, size_t num_paths, struct error *error);

/* The topics and what each prints, one a line, for --help. A new string, or NULL. */
char *list_topics(void);

#endif
