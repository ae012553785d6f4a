/* `alibicheck judge`: outputs that somebody else's kernel made, against the truth of the inputs that it had. */
#ifndef HARNESS_COMMAND_JUDGE_H
#define HARNESS_COMMAND_JUDGE_H

#include "harness/command/judge_options.h"
#include "reference/progress.h"

/* The exit code; *error has the reason where it is 2, 3 or 130. */
int judge(const struct judge_options *options, struct progress *progress, struct error *error);

/* Whether it can be opened: what is wrong with the last of many is told before the first is judged. */
enum error_kind judge_check(const struct judge_options *options, struct error *error);

#endif
