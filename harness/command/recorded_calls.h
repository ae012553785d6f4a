/*
 * The calls that belong to one output: of a wrapper's run() also the plan() before it, and the constructor if it is
 * given. They are named, not looked for: engines plan in ways that nobody records (vLLM's and SGLang's fast plans call
 * no plan(), filters leave calls out), so that the last recorded one need not be the one that run() went by.
 */
#ifndef HARNESS_COMMAND_RECORDED_CALLS_H
#define HARNESS_COMMAND_RECORDED_CALLS_H

#include "harness/command/recorded_call.h"

struct recorded_calls {
    struct recorded_call run, plan, init; /* function NULL: not there */
};

/* Reads options' exhibit, and --plan and --init beside it. Overwrites calls; whatever the result, they are to be
 * closed. ERROR_USAGE for calls that do not belong together. */
enum error_kind recorded_calls_open(struct recorded_calls *calls, const struct judge_options *options,
                                    struct error *error);
void recorded_calls_close(struct recorded_calls *calls);

#endif
