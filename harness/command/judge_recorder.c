#include "harness/command/judge_recorder.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/command/recorded_calls.h"
#include "harness/command/recorded_facts.h"
#include "harness/support/file.h"
#include "harness/support/number.h"
#include "harness/support/source.h"
#include "harness/support/tensor_number.h"

/* A call, while it is read. */
struct recorded {
    struct judge_bundle *bundle;
    struct recorded_calls calls;
    struct recorded_facts facts;
    char *outputs;          /* a path */
    bool pair;              /* the output is with an lse */
    int64_t most_queries;   /* of a sequence */
    int64_t fewest_queries; /* of those that have any */
};

bool judge_recorder_is(const char *folder)
{
    char *path = file_join(folder, "metadata.jsonl");
    bool there = path && access(path, F_OK) == 0;
    free(path);
    return there;
}

static bool is_stated(const struct recorded *recorded, enum judge_option option)
{
    return recorded->bundle->options.values[option];
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

static enum error_kind say_tensor(struct recorded *recorded, enum judge_option option, const char *path,
                                  const char *name, const char *suffix, struct error *error)
{
    char *text = NULL;
    return judge_bundle_say(recorded->bundle, option, asprintf(&text, "%s:%s%s", path, name, suffix) < 0 ? NULL : text,
                            error);
}

static bool has_item(const struct recorded_call *call, const struct recorded_argument *argument, int item)
{
    char name[RECORDED_KEY_SIZE + 16];
    snprintf(name, sizeof name, "%s__%d", argument->key, item);
    return tensor_archive_find(&call->archive, name);
}

/* One tensor [pages, 2, ...], or a tuple of two. */
static enum error_kind say_cache(struct recorded *recorded, const struct recorded_argument *argument,
                                 struct error *error)
{
    const struct recorded_call *run = &recorded->calls.run;
    if (!argument->value) {
        enum error_kind kind = say_tensor(recorded, GIVEN_KV, run->inputs, argument->key, "", error);
        return kind ? kind : judge_bundle_say(recorded->bundle, GIVEN_KV_AXIS, strdup("1"), error);
    }
    if (!has_item(run, argument, 0) || !has_item(run, argument, 1) || has_item(run, argument, 2))
        return recorded_call_refuse(run, "its paged_kv_cache is neither a tensor nor two of them",
                                    "those; a version that leaves tensors of tuples out does not record the call",
                                    error);
    enum error_kind kind = say_tensor(recorded, GIVEN_K, run->inputs, argument->key, "__0", error);
    return kind ? kind : say_tensor(recorded, GIVEN_V, run->inputs, argument->key, "__1", error);
}

static enum error_kind say_inputs(struct recorded *recorded, const struct recorded_call *call, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < call->num_arguments && !kind; i++) {
        const struct recorded_argument *argument = &call->arguments[i];
        if (argument->parameter->kind == RECORDED_TENSOR && !argument->value)
            kind = say_tensor(recorded, argument->parameter->option, call->inputs, argument->key, "", error);
        else if (argument->parameter->kind == RECORDED_CACHE)
            kind = say_cache(recorded, argument, error);
    }
    return kind;
}

/* What a call has to have, by its first parameters. */
static enum error_kind check_inputs(const struct recorded *recorded, struct error *error)
{
    const struct recorded_call *calls[] = {&recorded->calls.run, &recorded->calls.plan};
    char path[PATH_QUOTE_SIZE];
    for (int i = 0; i < 2 && calls[i]->function; i++)
        for (const char *at = calls[i]->function->places; *at;) {
            char name[64];
            size_t size = strcspn(at, " ");
            snprintf(name, sizeof name, "%.*s", (int)size, at);
            const struct recorded_parameter *parameter = recorded_parameter_find(calls[i]->function, name);
            bool needed = parameter->kind == RECORDED_TENSOR || parameter->kind == RECORDED_CACHE;
            if (needed && !recorded_call_has(calls[i], parameter))
                return error_set(error, ERROR_USAGE, "%s: has no %s; allowed: what its function takes",
                                 quote_path(path, calls[i]->folder), name);
            at += size + strspn(at + size, " ");
        }
    return ERROR_NONE;
}

static enum error_kind say_outputs(struct recorded *recorded, struct error *error)
{
    struct tensor_archive archive = {.path = NULL};
    enum error_kind kind = tensor_archive_open(&archive, recorded->outputs, error);
    recorded->pair = !kind && tensor_archive_find(&archive, "result_0");
    tensor_archive_close(&archive);
    if (!kind)
        kind = say_tensor(recorded, GIVEN_OUT, recorded->outputs, recorded->pair ? "result_0" : "result", "", error);
    if (kind || !recorded->pair)
        return kind;
    kind = say_tensor(recorded, GIVEN_LSE, recorded->outputs, "result_1", "", error);
    return kind ? kind
                : judge_bundle_say(recorded->bundle, GIVEN_LSE_BASE, strdup(recorded->facts.natural_lse ? "e" : "2"),
                                   error);
}

/* ---- queries ----------------------------------------------------------------------------------------------------- */

/* Of each sequence, by the tensor that says where they begin. Whether that is one is seen when it is judged. */
static enum error_kind count_ragged(struct recorded *recorded, const struct recorded_call *plan,
                                    const struct recorded_argument *argument, struct error *error)
{
    struct tensor_file file = {.name = NULL};
    enum error_kind kind =
        tensor_archive_tensor(&file, &plan->archive, tensor_archive_find(&plan->archive, argument->key), error);
    if (!kind && (element_types[file.layout.type].is_float || element_types[file.layout.type].is_raw))
        kind = recorded_call_refuse(plan, "its qo_indptr is not of whole numbers", "i32 or i64", error);
    for (int64_t i = 1; !kind && i < file.layout.num_elements; i++) {
        double count = tensor_number(&file, i) - tensor_number(&file, i - 1);
        int64_t queries = count > 0 && count < INT32_MAX ? (int64_t)count : 0;
        if (queries > recorded->most_queries)
            recorded->most_queries = queries;
        if (queries > 0 && (queries < recorded->fewest_queries || recorded->fewest_queries == 0))
            recorded->fewest_queries = queries;
    }
    tensor_close(&file);
    return kind;
}

static enum error_kind count_queries(struct recorded *recorded, struct error *error)
{
    const struct recorded_argument *ragged =
        recorded->calls.plan.function ? recorded_call_tensor(&recorded->calls.plan, GIVEN_QO_INDPTR) : NULL;
    const struct recorded_call *run = &recorded->calls.run;
    const struct recorded_argument *q = recorded_call_tensor(run, GIVEN_Q);
    const struct tensor_layout *layout = &tensor_archive_find(&run->archive, q->key)->layout;
    if (ragged)
        return count_ragged(recorded, &recorded->calls.plan, ragged, error);
    bool several = run->function->role == RECORDED_ALONE && layout->num_axes == 3;
    recorded->most_queries = recorded->fewest_queries = several ? layout->shape[0] : 1;
    return ERROR_NONE;
}

static enum error_kind check_visible(const struct recorded *recorded, struct error *error)
{
    const struct recorded_facts *facts = &recorded->facts;
    const struct recorded_call *call = recorded->calls.plan.function ? &recorded->calls.plan : &recorded->calls.run;
    bool several = recorded->most_queries > 1;
    if (several && !facts->causal)
        return recorded_call_refuse(call, "it is not causal, and has sequences of several queries",
                                    "causal=True, or a query a sequence, which is the same", error);
    if (facts->window && (several || !is_stated(recorded, GIVEN_MASK)))
        return recorded_call_refuse(call, "it has a window_left",
                                    "-1; or, where each sequence has one query, a --mask beside it of the newest "
                                    "window_left + 1 keys",
                                    error);
    return ERROR_NONE;
}

/* ---- facts ------------------------------------------------------------------------------------------------------- */

static enum error_kind say_number(struct recorded *recorded, enum judge_option option, const char *before,
                                  double number, struct error *error)
{
    char digits[NUMBER_TEXT_MAX], *text = NULL;
    return judge_bundle_say(recorded->bundle, option,
                            asprintf(&text, "%s%s", before, format_double(digits, number)) < 0 ? NULL : text, error);
}

static int64_t head_dim_of(const struct recorded *recorded)
{
    const struct recorded_argument *q = recorded_call_tensor(&recorded->calls.run, GIVEN_Q);
    const struct tensor_layout *layout = &tensor_archive_find(&recorded->calls.run.archive, q->key)->layout;
    return layout->num_axes > 0 && layout->shape[layout->num_axes - 1] > 0 ? layout->shape[layout->num_axes - 1] : 1;
}

/* FlashInfer multiplies sm_scale, 1/sqrt(head_dim) where it is None, by q_scale and k_scale; fp8 or not. So a number of
 * k is what it is. A scale of None is none: the call says it. */
static enum error_kind say_scales(struct recorded *recorded, struct error *error)
{
    const struct recorded_facts *facts = &recorded->facts;
    double scale = isnan(facts->scale) ? 1 / sqrt((double)head_dim_of(recorded)) : facts->scale;
    enum error_kind kind = say_number(recorded, GIVEN_SCALE, "", scale * facts->factor, error);
    if (!kind)
        kind = say_number(recorded, GIVEN_K_SCALE, "", 1, error);
    return kind ? kind : say_number(recorded, GIVEN_V_SCALE, "", facts->v_factor, error);
}

/*
 * The bias of FlashInfer's ALiBi is slope * (j - i), i counted in the queries of its sequence alone (variants.cuh;
 * decode.cuh has 0). To the output that is the same as from the newest key, to lse it is not.
 */
static enum error_kind say_positions(struct recorded *recorded, struct error *error)
{
    if (!recorded->facts.alibi || !recorded->pair || recorded->most_queries == 0 ||
        is_stated(recorded, GIVEN_POSITIONS))
        return ERROR_NONE;
    if (recorded->most_queries != recorded->fewest_queries)
        return recorded_call_refuse(&recorded->calls.run,
                                    "has an lse with ALiBi of sequences with different numbers of queries, from the "
                                    "first of which each counts its positions",
                                    "--positions F beside it, a tensor of each sequence's number of queries - 1",
                                    error);
    return say_number(recorded, GIVEN_POSITIONS, "", (double)(recorded->most_queries - 1), error);
}

static enum error_kind say_layout(struct recorded *recorded, struct error *error)
{
    const struct recorded_facts *facts = &recorded->facts;
    bool alone = recorded->calls.run.function->role == RECORDED_ALONE;
    if (!facts->layout && !alone && !recorded->calls.init.function && !is_stated(recorded, GIVEN_LAYOUT))
        return recorded_call_refuse(&recorded->calls.run, "does not say kv_layout, which the constructor does",
                                    "--layout NHD or HND beside it, or --init FOLDER, of __init__ of the same self_id",
                                    error);
    enum error_kind kind =
        judge_bundle_say(recorded->bundle, GIVEN_LAYOUT, strdup(facts->layout ? facts->layout : "NHD"), error);
    return kind || facts->page_size == 0 ? kind
                                         : say_number(recorded, GIVEN_PAGE_SIZE, "", (double)facts->page_size, error);
}

static enum error_kind say_facts(struct recorded *recorded, struct error *error)
{
    const struct recorded_facts *facts = &recorded->facts;
    if (facts->soft_cap > 0 && facts->alibi)
        return recorded_call_refuse(&recorded->calls.run, "it has a logits_soft_cap beside ALiBi", "one of them",
                                    error);
    enum error_kind kind = say_layout(recorded, error);
    if (!kind)
        kind = say_scales(recorded, error);
    if (!kind && facts->soft_cap > 0)
        kind = say_number(recorded, GIVEN_SOFT_CAP, "before_bias=", facts->soft_cap, error);
    if (!kind)
        kind = judge_bundle_say(recorded->bundle, GIVEN_SLOPES, strdup(facts->alibi ? "bloom" : "none"), error);
    return kind ? kind : say_positions(recorded, error);
}

static enum error_kind take_facts(struct recorded *recorded, struct error *error)
{
    const struct recorded_call *calls[] = {&recorded->calls.init, &recorded->calls.plan, &recorded->calls.run};
    enum error_kind kind = ERROR_NONE;
    recorded->facts = recorded_facts_default;
    for (int i = 0; i < 3 && !kind; i++)
        kind = recorded_facts_take(&recorded->facts, calls[i], &recorded->bundle->options, error);
    return kind;
}

enum error_kind judge_recorder_open(struct judge_bundle *bundle, const struct judge_options *options,
                                    struct error *error)
{
    struct recorded recorded = {.bundle = bundle};
    *bundle = (struct judge_bundle){.options = *options};
    bundle->options.exhibit = NULL;
    recorded.outputs = file_join(options->exhibit, "outputs.safetensors");
    enum error_kind kind = recorded.outputs ? recorded_calls_open(&recorded.calls, options, error)
                                            : error_memory(error, "a path", (double)strlen(options->exhibit));
    if (!kind)
        kind = take_facts(&recorded, error);
    if (!kind)
        kind = check_inputs(&recorded, error);
    if (!kind)
        kind = count_queries(&recorded, error);
    if (!kind)
        kind = check_visible(&recorded, error);
    if (!kind)
        kind = say_inputs(&recorded, &recorded.calls.run, error);
    if (!kind && recorded.calls.plan.function)
        kind = say_inputs(&recorded, &recorded.calls.plan, error);
    if (!kind)
        kind = say_outputs(&recorded, error);
    if (!kind)
        kind = say_facts(&recorded, error);
    recorded_calls_close(&recorded.calls);
    free(recorded.outputs);
    return kind;
}
