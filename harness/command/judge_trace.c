#include "harness/command/judge_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command/trace_expression.h"
#include "harness/command/trace_read.h"
#include "harness/command/trace_unsaid.h"
#include "harness/command/tracing.h"
#include "harness/support/file.h"
#include "harness/support/number.h"
#include "harness/support/safetensors_write.h"

bool judge_trace_is(const struct judge_options *options)
{
    return options->values[GIVEN_DEFINITION] || options->values[GIVEN_WORKLOAD];
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

static enum error_kind check_options(const struct judge_options *options, struct error *error)
{
    if (options->exhibit)
        return error_set(error, ERROR_USAGE,
                         "--definition, --workload: with a folder or a bundle; allowed: one of them");
    if (!options->values[GIVEN_DEFINITION])
        return error_set(error, ERROR_USAGE, "--definition: is missing; allowed: the definition that --workload is of");
    if (!options->values[GIVEN_WORKLOAD])
        return error_set(error, ERROR_USAGE,
                         "--workload: is missing; allowed: FILE.jsonl, FILE.jsonl:UUID or FILE.jsonl:N");
    return ERROR_NONE;
}

/* ---- what inputs do not say -------------------------------------------------------------------------------------- */

static enum error_kind say_facts(struct tracing *tracing, struct error *error)
{
    const struct trace_definition *definition = &tracing->definition;
    struct judge_bundle *bundle = tracing->bundle;
    enum error_kind kind = trace_check_words(definition, tracing->options, error);
    if (!kind)
        kind = judge_bundle_say(bundle, GIVEN_SLOPES, strdup("none"), error);
    if (!kind && definition->layout != LAYOUT_COUNT)
        kind = judge_bundle_say(bundle, GIVEN_LAYOUT, strdup(judge_layout_names[definition->layout]), error);
    if (!kind && definition->lse_base && tracing->options->values[GIVEN_LSE])
        kind = judge_bundle_say(bundle, GIVEN_LSE_BASE, strdup(definition->lse_base), error);
    bundle->case_name = strdup(definition->name);
    bundle->workload.definition = strdup(definition->name);
    bundle->workload.uuid = strdup(tracing->workload.uuid);
    if (!kind && (!bundle->case_name || !bundle->workload.definition || !bundle->workload.uuid))
        kind = error_memory(error, "a workload's name", 64);
    return kind;
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

/* A tensor has the shape that the definition says; of the workload's own and of outputs, the type as well, unless its
 * file does not say what that is. */
static enum error_kind check_tensor(const struct tracing *tracing, enum trace_tensor_name tensor,
                                    const struct tensor_file *file, struct error *error)
{
    const struct trace_tensor *told = &tracing->definition.tensors[tensor];
    const struct element_type_info *found = &element_types[file->layout.type];
    bool own = !tracing->options->values[trace_options[tensor]], output = tensor >= TRACE_INPUT_COUNT;
    char path[PATH_QUOTE_SIZE], has[TENSOR_LAYOUT_TEXT_SIZE], asked[TENSOR_LAYOUT_TEXT_SIZE];
    struct tensor_layout layout;
    enum error_kind kind = trace_shape(&layout, &tracing->axes, tensor, tracing->workload.where, error);
    if (kind)
        return kind;
    bool type_matters = told->type != ELEMENT_COUNT && (own || (output && !found->is_raw && !found->may_be_bits));
    if (layout.type == ELEMENT_COUNT || !type_matters)
        layout.type = file->layout.type;
    if (layout.type == file->layout.type && layout.num_axes == file->layout.num_axes &&
        !memcmp(layout.shape, file->layout.shape, sizeof layout.shape))
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "%s: is %s; allowed: %s, as %s has in %s", quote_path(path, file->name),
                     tensor_layout_text(has, &file->layout), tensor_layout_text(asked, &layout), told->name,
                     tracing->workload.where);
}

static enum error_kind open_tensors(struct tracing *tracing, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int t = 0; t < TRACE_TENSOR_COUNT && !kind; t++) {
        const char *path = tracing->bundle->options.values[trace_options[t]];
        bool is_random = t < TRACE_INPUT_COUNT && tracing->is_random[t];
        if (t == TRACE_SM_SCALE || is_random || !path || !tracing->definition.tensors[t].name)
            continue;
        kind = tensor_open(&tracing->files[t], path, error);
        if (!kind)
            kind = check_tensor(tracing, (enum trace_tensor_name)t, &tracing->files[t], error);
    }
    return kind;
}

/* An output that the definition does not have, or a tensor that it has no input for. */
static enum error_kind check_others(const struct tracing *tracing, struct error *error)
{
    static const enum judge_option unfit[] = {GIVEN_SEQ_LENS, GIVEN_BLOCK_TABLE, GIVEN_PAGE_SIZE};
    char path[PATH_QUOTE_SIZE], option[JUDGE_NAME_SIZE];
    quote_path(path, tracing->definition.path);
    for (int t = 0; t < TRACE_TENSOR_COUNT; t++)
        if (tracing->options->values[trace_options[t]] && !tracing->definition.tensors[t].name && t != TRACE_SM_SCALE &&
            t != TRACE_KV_LAST_PAGE_LEN)
            return error_set(error, ERROR_USAGE, "%s: %s has nothing like it; allowed: what the definition has",
                             judge_option_name(option, trace_options[t]), path);
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++)
        if (tracing->options->values[unfit[i]])
            return error_set(error, ERROR_USAGE, "%s: with --definition, which says it; allowed: tensors of its inputs",
                             judge_option_name(option, unfit[i]));
    return ERROR_NONE;
}

/* The last number of a tensor of whole numbers. */
static bool last_number(int64_t *value, const struct tensor_file *file)
{
    int64_t at = file->layout.num_elements - 1;
    if (at < 0)
        return false;
    switch (file->layout.type) {
    case ELEMENT_I64:
        *value = ((const int64_t *)(const void *)file->elements)[at];
        return true;
    case ELEMENT_I32:
        *value = ((const int32_t *)(const void *)file->elements)[at];
        return true;
    default:
        return false;
    }
}

static bool find_name(const void *context, const char *name, size_t size, bool last, int64_t *value)
{
    const struct tracing *tracing = context;
    char *text = strndup(name, size);
    bool found = false;
    for (int t = 0; text && last && t < TRACE_INPUT_COUNT && !found; t++) {
        const char *called = tracing->definition.tensors[t].name;
        found =
            called && !strcmp(called, text) && tracing_file(tracing, t) && last_number(value, tracing_file(tracing, t));
    }
    if (text && !last)
        found = trace_axis_value(value, &tracing->axes, text);
    free(text);
    return found;
}

/* Those that are understood. What the others are about, page tables and lengths, is checked where they are read. */
static enum error_kind check_constraints(const struct tracing *tracing, struct error *error)
{
    const json_t *constraints = json_object_get(tracing->definition.json, "constraints");
    const struct trace_names names = {find_name, tracing};
    char quoted[QUOTE_SIZE];
    int64_t sides[2];
    for (size_t i = 0; i < json_array_size(constraints); i++) {
        const char *text = json_string_value(json_array_get(constraints, i));
        if (trace_constraint_holds(text, &names, sides) == TRACE_FALSE)
            return error_set(error, ERROR_USAGE,
                             "%s: does not keep the definition's constraint %s: %" PRId64 " and %" PRId64
                             "; allowed: what keeps it",
                             tracing->workload.where, quote(quoted, text, strlen(text)), sides[0], sides[1]);
    }
    return ERROR_NONE;
}

/* What is written is none of what is read. */
static enum error_kind check_target(const struct tracing *tracing, struct error *error)
{
    const char *path = tracing->options->values[GIVEN_WRITE_INPUTS];
    static const char suffix[] = ".safetensors";
    size_t size = strlen(path);
    char quoted[PATH_QUOTE_SIZE];
    if (size < sizeof suffix || strcmp(path + size - (sizeof suffix - 1), suffix) != 0)
        return error_set(error, ERROR_USAGE, "--write-inputs %s: allowed: FILE.safetensors", quote_path(quoted, path));
    for (int t = 0; t < TRACE_INPUT_COUNT; t++) {
        char *read = tracing->files[t].name ? strdup(tracing->files[t].name) : NULL,
             *colon = read ? strrchr(read, ':') : NULL;
        if (colon)
            *colon = '\0';
        bool same = read && file_same(path, read);
        free(read);
        if (same)
            return error_set(error, ERROR_USAGE,
                             "--write-inputs %s: is a file that is read; allowed: a file of its own",
                             quote_path(quoted, path));
    }
    return ERROR_NONE;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static enum error_kind check_definition_name(const struct tracing *tracing, struct error *error)
{
    const char *name = tracing->workload.definition;
    char quoted[QUOTE_SIZE];
    if (!name || !strcmp(name, tracing->definition.name))
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "%s: is of the definition %s; allowed: one of %s, as --definition is",
                     tracing->workload.where, quote(quoted, name, strlen(name)), tracing->definition.name);
}

static enum error_kind trace_open(struct tracing *tracing, struct judge_bundle *bundle,
                                  const struct judge_options *options, struct error *error)
{
    *tracing = (struct tracing){.bundle = bundle, .options = options};
    *bundle = (struct judge_bundle){.options = *options};
    enum error_kind kind = check_options(options, error);
    if (!kind)
        kind = trace_definition_open(&tracing->definition, options->values[GIVEN_DEFINITION], error);
    if (!kind)
        kind = check_others(tracing, error);
    if (!kind)
        kind = trace_workload_open(&tracing->workload, options->values[GIVEN_WORKLOAD], error);
    if (!kind)
        kind = check_definition_name(tracing, error);
    tracing->axes = (struct trace_axes){.definition = &tracing->definition, .values = tracing->workload.axes};
    if (!kind)
        kind = trace_axes_check(&tracing->axes, tracing->workload.where, error);
    if (!kind)
        kind = tracing_check_inputs(tracing, error);
    if (!kind)
        kind = say_facts(tracing, error);
    if (!kind)
        kind = tracing_say_inputs(tracing, error);
    if (!kind)
        kind = open_tensors(tracing, error);
    if (!kind)
        kind = check_constraints(tracing, error);
    if (!kind && options->values[GIVEN_WRITE_INPUTS])
        kind = check_target(tracing, error);
    return kind ? kind : tracing_draw(tracing, error);
}

static void trace_clear(struct tracing *tracing)
{
    for (int t = 0; t < TRACE_TENSOR_COUNT; t++)
        tensor_close(&tracing->files[t]);
    trace_workload_clear(&tracing->workload);
    trace_definition_clear(&tracing->definition);
}

enum error_kind judge_trace_open(struct judge_bundle *bundle, const struct judge_options *options, struct error *error)
{
    struct tracing tracing;
    enum error_kind kind = trace_open(&tracing, bundle, options, error);
    trace_clear(&tracing);
    return kind;
}

/* ---- --write-inputs ---------------------------------------------------------------------------------------------- */

/* sm_scale, as the f32 that it is judged as: a tensor without axes. */
static enum error_kind read_scale(const struct tracing *tracing, float *scale, struct error *error)
{
    const char *text = tracing->bundle->options.values[GIVEN_SCALE];
    char quoted[QUOTE_SIZE];
    if (number_parse_float(text, strlen(text), scale) == VALUE_SOUND)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "--scale %s: allowed: a number that f32 holds, which is written",
                     quote(quoted, text, strlen(text)));
}

static void print_tensor(const struct safetensors_tensor *tensor, bool is_drawn, uint64_t seed)
{
    char text[TENSOR_LAYOUT_TEXT_SIZE];
    struct tensor_layout layout = {.type = tensor->type, .num_axes = tensor->num_axes};
    memcpy(layout.shape, tensor->shape, sizeof layout.shape);
    printf("  %s %s", tensor->name, tensor_layout_text(text, &layout));
    if (is_drawn)
        printf(", random, seed %" PRIu64, seed);
    if (tensor->num_axes == 0)
        printf(", %.9g", (double)*(const float *)tensor->elements);
    printf("\n");
}

static enum error_kind write_tensors(const struct tracing *tracing, struct error *error)
{
    const struct given_workload *workload = &tracing->bundle->workload;
    const char *path = tracing->options->values[GIVEN_WRITE_INPUTS];
    struct safetensors_tensor tensors[TRACE_INPUT_COUNT];
    bool drawn[TRACE_INPUT_COUNT];
    size_t count = 0;
    float scale = 0;
    char seed[32], quoted[PATH_QUOTE_SIZE];
    enum error_kind kind = ERROR_NONE;
    for (int t = 0; t < TRACE_INPUT_COUNT && !kind; t++) {
        const struct tensor_file *file = tracing_file(tracing, t);
        const char *name = tracing->definition.tensors[t].name;
        if (t == TRACE_SM_SCALE && name) {
            kind = read_scale(tracing, &scale, error);
            tensors[count] = (struct safetensors_tensor){.name = name, .type = ELEMENT_F32, .elements = &scale};
        } else if (file) {
            tensors[count] = (struct safetensors_tensor){
                .name = name, .type = file->layout.type, .num_axes = file->layout.num_axes, .elements = file->elements};
            memcpy(tensors[count].shape, file->layout.shape, sizeof tensors[count].shape);
        } else {
            continue;
        }
        drawn[count++] = t <= TRACE_V && tracing->bundle->made[t].name;
    }
    snprintf(seed, sizeof seed, "%" PRIu64, workload->seed);
    const struct tensor_metadata metadata[] = {
        {"definition", workload->definition}, {"workload", workload->uuid}, {"seed", seed}};
    if (!kind)
        kind = safetensors_write(path, tensors, count, metadata, workload->is_drawn ? 3 : 2, error);
    if (kind)
        return kind;
    printf("%s: workload %s of %s\n", quote_path(quoted, path), workload->uuid, workload->definition);
    for (size_t i = 0; i < count; i++)
        print_tensor(&tensors[i], drawn[i], workload->seed);
    return file_flush(stdout, error);
}

/* There is nothing to judge yet. */
static enum error_kind check_writing(const struct judge_options *options, struct error *error)
{
    static const enum judge_option judged[] = {GIVEN_OUT, GIVEN_LSE, GIVEN_OTHER, GIVEN_TOLERANCE, GIVEN_CLASS};
    char name[JUDGE_NAME_SIZE];
    for (size_t i = 0; i < sizeof judged / sizeof *judged; i++)
        if (options->values[judged[i]])
            return error_set(error, ERROR_USAGE,
                             "%s: with --write-inputs, for a kernel that has not run; allowed: "
                             "one of them",
                             judge_option_name(name, judged[i]));
    bool sinks = options->json || options->explain;
    for (int i = 0; i < SINK_COUNT; i++)
        sinks = sinks || options->outputs.paths[i];
    return sinks ? error_set(error, ERROR_USAGE,
                             "--write-inputs: with a report of what is judged, which is nothing; "
                             "allowed: one of them")
                 : ERROR_NONE;
}

enum error_kind judge_trace_write(const struct judge_options *options, struct error *error)
{
    struct tracing tracing;
    struct judge_bundle bundle;
    enum error_kind kind = check_writing(options, error);
    if (kind)
        return kind;
    kind = trace_open(&tracing, &bundle, options, error);
    if (!kind)
        kind = write_tensors(&tracing, error);
    trace_clear(&tracing);
    judge_bundle_clear(&bundle);
    return kind;
}
