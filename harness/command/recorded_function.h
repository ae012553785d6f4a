/*
 * Functions of FlashInfer whose recorded calls are read, and what each of their parameters is to what is judged: its
 * flashinfer/decode.py and prefill.py, 0.6.1 (the first that records calls) to 0.7.4.
 */
#ifndef HARNESS_COMMAND_RECORDED_FUNCTION_H
#define HARNESS_COMMAND_RECORDED_FUNCTION_H

#include "harness/command/judge_options.h"

/* What a call is for. */
enum recorded_role {
    RECORDED_ALONE, /* has all of it */
    RECORDED_RUN,   /* of a wrapper: has what plan() and the constructor leave */
    RECORDED_PLAN,
    RECORDED_INIT
};

struct recorded_function {
    const char *name;
    enum recorded_role role;
    const char *places;  /* names of its first parameters in their order, which no version has changed */
    const char *forward; /* what forward(), whose own arguments nobody records, says to run() by name; NULL: nothing */
};

enum recorded_kind {
    RECORDED_HARMLESS,     /* how it is computed, or where it goes */
    RECORDED_TENSOR,       /* an option's */
    RECORDED_CACHE,        /* k and v, in one tensor or two */
    RECORDED_LAYOUT,       /* NHD or HND */
    RECORDED_ENCODING,     /* NONE or ALIBI */
    RECORDED_SCALE,        /* sm_scale */
    RECORDED_FACTOR,       /* of the scale */
    RECORDED_V_FACTOR,     /* of v, or the output */
    RECORDED_ONE,          /* 1 or nothing: what another number does is a matter of the backend, or is not judged */
    RECORDED_WINDOW,       /* -1, or a mask that says it */
    RECORDED_WINDOW_RIGHT, /* 0 */
    RECORDED_CAP,
    RECORDED_CAUSAL,
    RECORDED_PAGE_SIZE,
    RECORDED_LSE_BASE,   /* log2 or ln */
    RECORDED_LSE_LAYOUT, /* NH */
    RECORDED_OFF         /* nothing, False or 0: it would change the result; or its option says it */
};

struct recorded_parameter {
    const char *name;
    enum recorded_kind kind;
    enum judge_option option; /* GIVEN_OPTION_COUNT: none */
    const char *of;           /* the one function that has it so; NULL: all */
};

/* NULL: it is none of them. */
const struct recorded_function *recorded_function_find(const char *name);
const struct recorded_parameter *recorded_parameter_find(const struct recorded_function *function, const char *name);

/* Whether two methods are of the same class. */
bool recorded_function_kin(const struct recorded_function *function, const struct recorded_function *other);

#endif
