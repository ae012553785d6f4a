/*
 * The record of one call, a folder of FlashInfer's flight recorder (its api_logging.py): the last line of
 * metadata.jsonl, and the tensors of inputs.safetensors. Arguments are arg_0, arg_1, ... and kwarg_NAME, a method's
 * arg_0 being its object; the record's function_signature has the names of the former.
 */
#ifndef HARNESS_COMMAND_RECORDED_CALL_H
#define HARNESS_COMMAND_RECORDED_CALL_H

#include <jansson.h>

#include "harness/command/recorded_function.h"
#include "harness/support/tensor_file.h"

enum { RECORDED_KEY_SIZE = 96, RECORDED_ARGUMENTS_MAX = 96 };

struct recorded_argument {
    char key[RECORDED_KEY_SIZE]; /* as the record has it */
    const struct recorded_parameter *parameter;
    const json_t *value; /* NULL: a tensor, called key */
    bool by_name;
};

struct recorded_call {
    const char *folder; /* the caller's */
    const struct recorded_function *function;
    char *inputs; /* a path */
    struct tensor_archive archive;
    json_t *record;
    struct recorded_argument arguments[RECORDED_ARGUMENTS_MAX];
    int num_arguments;
};

/* Overwrites call; whatever the result, it is to be closed. ERROR_USAGE for a call that is not
 * understood, did not end, or has an argument of an unknown meaning that is more than None. */
enum error_kind recorded_call_open(struct recorded_call *call, const char *folder, struct error *error);
void recorded_call_close(struct recorded_call *call);

/* The argument for a tensor's option; NULL: there is none. */
const struct recorded_argument *recorded_call_tensor(const struct recorded_call *call, enum judge_option option);

/* Whether an argument is there, and not None. */
bool recorded_call_has(const struct recorded_call *call, const struct recorded_parameter *parameter);

/* ERROR_USAGE: "FOLDER: what; allowed: allowed". */
enum error_kind recorded_call_refuse(const struct recorded_call *call, const char *what, const char *allowed,
                                     struct error *error);

/* Of the same object of the same process, and not made later than `run`. */
enum error_kind recorded_call_check_kin(const struct recorded_call *call, const struct recorded_call *run,
                                        struct error *error);

#endif
