/*
 * Ctrl-C: the first signal asks for an orderly end, the second ends the program at once.
 */
#ifndef HARNESS_COMMAND_INTERRUPT_H
#define HARNESS_COMMAND_INTERRUPT_H

#include "reference/progress.h"

/* Catches SIGINT, SIGTERM and SIGHUP, ignores SIGPIPE. What is returned is cancelled by a signal; it is the program's
 * one progress, which the command goes on to fill. */
struct progress *interrupt_catch(void);

#endif
