/*
 * The process in which a plug-in runs: its library is loaded, and answers launches over standard input and output.
 */
#ifndef HARNESS_COMMAND_SERVE_H
#define HARNESS_COMMAND_SERVE_H

#include "reference/error.h"

/* Returns when standard input ends. ERROR_USAGE if path is no plug-in. */
enum error_kind serve(const char *path, struct error *error);

#endif
