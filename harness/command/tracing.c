#include "harness/command/tracing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/command/trace_read.h"
#include "harness/problem/random_tensor.h"
#include "harness/support/number.h"
#include "harness/support/source.h"
#include "reference/problem.h"

static enum error_kind read_seed(struct tracing *tracing, const char *name, struct error *error)
{
    const char *text = tracing->options->values[GIVEN_SEED];
    struct given_workload *workload = &tracing->bundle->workload;
    char quoted[QUOTE_SIZE];
    int negative;
    if (!text)
        return error_set(
            error, ERROR_USAGE,
            "--seed: is missing; allowed: what %s, which is random in %s, is drawn from: with the seed that "
            "--write-inputs had, what it wrote",
            name, tracing->workload.where);
    if (number_parse_whole(text, strlen(text), &workload->seed, &negative) != VALUE_SOUND || negative)
        return error_set(error, ERROR_USAGE, "--seed %s: allowed: 0 to 2^64 - 1", quote(quoted, text, strlen(text)));
    workload->is_drawn = true;
    return ERROR_NONE;
}

const struct tensor_file *tracing_file(const struct tracing *tracing, int tensor)
{
    if (tensor <= TRACE_V && tracing->bundle->made[tensor].name)
        return &tracing->bundle->made[tensor];
    return tracing->files[tensor].name ? &tracing->files[tensor] : NULL;
}

static enum error_kind refuse_input(const struct tracing *tracing, enum trace_tensor_name tensor, const char *what,
                                    const char *allowed, struct error *error)
{
    char option[JUDGE_NAME_SIZE];
    return error_set(error, ERROR_USAGE, "%s: input %s %s; allowed: %s, or %s", tracing->workload.where,
                     tracing->definition.tensors[tensor].name, what, allowed,
                     judge_option_name(option, trace_options[tensor]));
}

/* A random input, which is drawn when all else has been found right. */
static enum error_kind say_random(struct tracing *tracing, enum trace_tensor_name tensor, struct error *error)
{
    const char *name = tracing->definition.tensors[tensor].name;
    char *told = NULL;
    if (tensor > TRACE_V)
        return refuse_input(tracing, tensor, "is random", "numbers that mean something", error);
    if (!random_tensor_may_be(tracing->definition.tensors[tensor].type))
        return refuse_input(tracing, tensor, "is random and of a type that is not drawn",
                            "float32, float16, bfloat16, float8_e4m3fn, float8_e5m2", error);
    enum error_kind kind = read_seed(tracing, name, error);
    if (kind)
        return kind;
    tracing->is_random[tensor] = true;
    if (asprintf(&told, "%s of --seed %" PRIu64, name, tracing->bundle->workload.seed) < 0)
        told = NULL;
    return judge_bundle_say(tracing->bundle, trace_options[tensor], told, error);
}

/* Of what was meant for another axis a file of any size would be drawn before anybody looked at it. */
static enum error_kind check_head_dim(const struct tracing *tracing, int tensor, const struct tensor_layout *layout,
                                      struct error *error)
{
    const int64_t head_dim = layout->num_axes > 0 ? layout->shape[layout->num_axes - 1] : 0;
    if (head_dim >= 1 && head_dim <= PROBLEM_MAX_DIM)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "%s: %s has heads of %" PRId64 " elements; allowed: 1 to %d",
                     tracing->workload.where, tracing->definition.tensors[tensor].name, head_dim, PROBLEM_MAX_DIM);
}

enum error_kind tracing_draw(struct tracing *tracing, struct error *error)
{
    static const enum tensor drawn_as[] = {TENSOR_Q, TENSOR_K, TENSOR_V};
    struct judge_bundle *bundle = tracing->bundle;
    struct tensor_layout layout;
    enum error_kind kind = ERROR_NONE;
    for (int t = 0; t <= TRACE_V && !kind; t++) {
        if (!tracing->is_random[t])
            continue;
        kind = trace_shape(&layout, &tracing->axes, (enum trace_tensor_name)t, tracing->workload.where, error);
        if (!kind)
            kind = check_head_dim(tracing, t, &layout, error);
        if (!kind)
            kind = random_tensor_make(&bundle->made[t], bundle->texts[trace_options[t]], &layout, drawn_as[t],
                                      bundle->workload.seed, tracing->options->progress, error);
    }
    return kind;
}

static enum error_kind say_file(struct tracing *tracing, enum trace_tensor_name tensor, const struct trace_input *input,
                                struct error *error)
{
    char *path, *told = NULL;
    enum error_kind kind =
        trace_workload_find(&path, &tracing->workload, input->path, tracing->options->values[GIVEN_ROOT], error);
    if (kind)
        return kind;
    if (asprintf(&told, "%s:%s", path, input->tensor_key) < 0)
        told = NULL;
    free(path);
    return judge_bundle_say(tracing->bundle, trace_options[tensor], told, error);
}

/* What the workload says of an input that the command line does not. */
static enum error_kind say_input(struct tracing *tracing, enum trace_tensor_name tensor, struct error *error)
{
    static const char files[] = "{\"type\": \"safetensors\", ...}", scalars[] = "{\"type\": \"scalar\", \"value\": X}";
    const char *name = tracing->definition.tensors[tensor].name;
    bool is_number = tensor == TRACE_SM_SCALE;
    char number[NUMBER_TEXT_MAX];
    struct trace_input input;
    enum error_kind kind = trace_workload_input(&input, &tracing->workload, name, error);
    if (kind || tracing->options->values[trace_options[tensor]])
        return kind;
    switch (input.origin) {
    case TRACE_RANDOM:
        return say_random(tracing, tensor, error);
    case TRACE_SCALAR:
        if (!is_number)
            return refuse_input(tracing, tensor, "is a number", files, error);
        return judge_bundle_say(tracing->bundle, trace_options[tensor], strdup(format_double(number, input.value)),
                                error);
    case TRACE_SAFETENSORS:
        if (is_number)
            return refuse_input(tracing, tensor, "is in a file", scalars, error);
        return say_file(tracing, tensor, &input, error);
    case TRACE_CUSTOM:
        return refuse_input(tracing, tensor, "is made by the definition's code, which is not run",
                            is_number ? scalars : files, error);
    default:
        return refuse_input(tracing, tensor, "is not there", is_number ? scalars : files, error);
    }
}

enum error_kind tracing_say_inputs(struct tracing *tracing, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int t = 0; t < TRACE_INPUT_COUNT && !kind; t++)
        if (tracing->definition.tensors[t].name)
            kind = say_input(tracing, (enum trace_tensor_name)t, error);
    return kind;
}

/* No input of the workload is one that the definition does not have. */
enum error_kind tracing_check_inputs(const struct tracing *tracing, struct error *error)
{
    const json_t *known = json_object_get(tracing->definition.json, "inputs");
    json_t *inputs = (json_t *)(uintptr_t)tracing->workload.inputs;
    char quoted[QUOTE_SIZE];
    for (void *at = json_object_iter(inputs); at; at = json_object_iter_next(inputs, at)) {
        const char *name = json_object_iter_key(at);
        if (!json_object_get(known, name))
            return error_set(error, ERROR_USAGE, "%s: input %s is none of the definition; allowed: its inputs",
                             tracing->workload.where, quote(quoted, name, strlen(name)));
    }
    return ERROR_NONE;
}
