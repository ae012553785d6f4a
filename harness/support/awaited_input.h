/*
 * Input that somebody else writes, perhaps never: a pipe, standard input, a terminal.
 */
#ifndef HARNESS_SUPPORT_AWAITED_INPUT_H
#define HARNESS_SUPPORT_AWAITED_INPUT_H

#include "reference/error.h"

/* Opens path to read it, without waiting for who writes to a pipe. The descriptor, or -1 and errno. */
int awaited_input_open(const char *path);

/*
 * Waits until a read of the descriptor does not: there is something, its end, or an error. What reads would go on
 * waiting behind Ctrl-C, which asks for an end in good order. ERROR_INTERRUPTED if a signal that the process takes came
 * first; shown is what messages call the input.
 */
enum error_kind awaited_input_wait(int descriptor, const char *shown, struct error *error);

#endif
