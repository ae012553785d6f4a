/*
 * What the arguments of a call, of its plan() and of its constructor say together.
 */
#ifndef HARNESS_COMMAND_RECORDED_FACTS_H
#define HARNESS_COMMAND_RECORDED_FACTS_H

#include "harness/command/recorded_call.h"

struct recorded_facts {
    const char *layout; /* NULL: nobody says it */
    bool alibi;
    double scale; /* NAN: 1/sqrt(head_dim) */
    double factor, v_factor;
    double soft_cap; /* 0: none */
    bool window;     /* there is one, which a mask has to say */
    bool causal;
    bool natural_lse;
    int64_t page_size; /* 0: nobody says it */
};

extern const struct recorded_facts recorded_facts_default;

/* Adds what a call says. An option that the command line states is not read here. ERROR_USAGE for what is not judged.
 */
enum error_kind recorded_facts_take(struct recorded_facts *facts, const struct recorded_call *call,
                                    const struct judge_options *options, struct error *error);

#endif
