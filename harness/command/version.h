/* `alibicheck --version`: which program this is, and what it can do. */
#ifndef HARNESS_COMMAND_VERSION_H
#define HARNESS_COMMAND_VERSION_H

#include <stdio.h>

/* "alibicheck VERSION (COMMIT, COMPILER)" and behind it a line for each fact of the build: "  NAME  VALUE". */
void version_print(FILE *stream);

#endif
