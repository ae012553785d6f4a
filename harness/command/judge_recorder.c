#include "harness/command/judge_recorder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "harness/support/file.h"
#include "harness/support/number.h"
#include "harness/support/source.h"
#include "harness/support/tensor_file.h"

enum { LINE_MAX_BYTES = 16 << 20 };

/* Parameters of single_decode_with_kv_cache, in their order. */
enum parameter {
    PARAMETER_Q,
    PARAMETER_K,
    PARAMETER_V,
    PARAMETER_KV_LAYOUT,
    PARAMETER_POS_ENCODING_MODE,
    PARAMETER_USE_TENSOR_CORES,
    PARAMETER_Q_SCALE,
    PARAMETER_K_SCALE,
    PARAMETER_V_SCALE,
    PARAMETER_WINDOW_LEFT,
    PARAMETER_LOGITS_SOFT_CAP,
    PARAMETER_SM_SCALE,
    PARAMETER_COUNT
};

static const char *const parameter_names[PARAMETER_COUNT] = {
    "q",       "k",       "v",       "kv_layout",   "pos_encoding_mode", "use_tensor_cores",
    "q_scale", "k_scale", "v_scale", "window_left", "logits_soft_cap",   "sm_scale"};

/* A call, while it is read. */
struct recorded {
    struct judge_bundle *bundle;
    const char *folder;
    char *inputs, *outputs;        /* paths */
    struct tensor_archive archive; /* of inputs */
    json_t *record;                /* the last line of metadata.jsonl */
};

bool judge_recorder_is(const char *folder)
{
    char *path = file_join(folder, "metadata.jsonl");
    bool there = path && access(path, F_OK) == 0;
    free(path);
    return there;
}

static enum error_kind refuse(const struct recorded *recorded, const char *what, const char *allowed,
                              struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s: %s; allowed: %s", quote_path(path, recorded->folder), what, allowed);
}

/* What is to be done with calls of other functions: how their tensors are named by hand, in the call's folder. `self`
 * is args[0] of a method, so that arg_1 is its first parameter (api_logging.py); plan() and run() of a wrapper have the
 * same self_id, and the constructor has kv_layout. */
#define IN_PLAN "../PLAN/inputs.safetensors:"
#define BY_HAND \
    "--q inputs.safetensors:arg_1 --kv inputs.safetensors:arg_2 --kv-axis 1 --out outputs.safetensors:result "
#define FACTS " --layout NHD --scale rsqrt --slopes none"
#define SAID_BY                                                                                                     \
    ", PLAN being the folder of its plan() before, of the same self_id, which says sm_scale and pos_encoding_mode " \
    "(ALIBI: "                                                                                                      \
    "--slopes bloom), as that of __init__ says kv_layout; two caches are --k inputs.safetensors:arg_2__0 --v "      \
    "inputs.safetensors:arg_2__1, an lse --out outputs.safetensors:result_0 --lse outputs.safetensors:result_1 "    \
    "--lse-base 2"
static const struct {
    const char *function, *words;
} by_hand[] = {
    {"BatchDecodeWithPagedKVCacheWrapper.run",
     "in this folder, alibicheck judge " BY_HAND "--kv-indptr " IN_PLAN "arg_1 --kv-indices " IN_PLAN
     "arg_2 --kv-last-page-len " IN_PLAN "arg_3" FACTS SAID_BY},
    {"BatchPrefillWithPagedKVCacheWrapper.run",
     "with causal=True, in this folder, alibicheck judge " BY_HAND "--qo-indptr " IN_PLAN "arg_1 --kv-indptr " IN_PLAN
     "arg_2 --kv-indices " IN_PLAN "arg_3 --kv-last-page-len " IN_PLAN "arg_4" FACTS SAID_BY},
    {"BatchPrefillWithRaggedKVCacheWrapper.run",
     "with causal=True, in this folder, alibicheck judge --q inputs.safetensors:arg_1 --k inputs.safetensors:arg_2 --v "
     "inputs.safetensors:arg_3 --out outputs.safetensors:result --qo-indptr " IN_PLAN "arg_1 --kv-indptr " IN_PLAN
     "arg_2" FACTS SAID_BY},
    {"single_prefill_with_kv_cache",
     "with causal=True, in this folder, alibicheck judge --q inputs.safetensors:arg_0 --k inputs.safetensors:arg_1 --v "
     "inputs.safetensors:arg_2 --out outputs.safetensors:result" FACTS " (pos_encoding_mode ALIBI: --slopes bloom)"},
};

static enum error_kind refuse_function(const struct recorded *recorded, const char *function, struct error *error)
{
    char path[PATH_QUOTE_SIZE], quoted[QUOTE_SIZE];
    const char *allowed = "single_decode_with_kv_cache; of others, name its tensors with --q, --k, --v, --out";
    for (size_t i = 0; function && i < sizeof by_hand / sizeof *by_hand; i++)
        if (!strcmp(function, by_hand[i].function))
            allowed = by_hand[i].words;
    if (function && strstr(function, "Wrapper.plan"))
        allowed = "the folder of the run() behind it, which says how its tensors are named";
    if (!function)
        return refuse(recorded, "is not a call of a function that is understood here", allowed, error);
    return error_set(error, ERROR_USAGE, "%s: is a call of %s, which is not read as a whole; allowed: %s",
                     quote_path(path, recorded->folder), quote(quoted, function, strlen(function)), allowed);
}

/* The last line that says something. */
static enum error_kind read_record(struct recorded *recorded, struct error *error)
{
    struct source source;
    json_error_t reason;
    char *path = file_join(recorded->folder, "metadata.jsonl");
    enum error_kind kind = path ? source_read(&source, path, LINE_MAX_BYTES, error)
                                : error_memory(error, "a path", (double)strlen(recorded->folder));
    free(path);
    if (kind)
        return kind;
    for (size_t first = 0, end; first < source.size && !kind; first = end + 1) {
        const char *newline = memchr(source.text + first, '\n', source.size - first);
        end = newline ? (size_t)(newline - source.text) : source.size;
        if (strspn(source.text + first, " \t\r\n") >= end - first)
            continue;
        json_decref(recorded->record);
        recorded->record = json_loadb(source.text + first, end - first, JSON_REJECT_DUPLICATES, &reason);
        if (!recorded->record)
            kind = refuse(recorded, "metadata.jsonl is no JSON, a line for each record",
                          "what the flight recorder wrote", error);
    }
    source_clear(&source);
    if (kind)
        return kind;
    const char *function = json_string_value(json_object_get(recorded->record, "function_name"));
    const char *status = json_string_value(json_object_get(recorded->record, "execution_status"));
    if (!function || strcmp(function, "single_decode_with_kv_cache") != 0)
        return refuse_function(recorded, function, error);
    if (!status || strcmp(status, "completed") != 0)
        return refuse(recorded, "the call did not end", "one with \"execution_status\": \"completed\"", error);
    return ERROR_NONE;
}

/* What a parameter was, positional or by its name, as text in new memory: NULL where it was left out or None. Numbers
 * read back exactly. */
static char *parameter_text(const struct recorded *recorded, enum parameter parameter)
{
    char name[64], number[NUMBER_TEXT_MAX];
    const json_t *metadata = json_object_get(recorded->record, "input_metadata");
    snprintf(name, sizeof name, "arg_%d", (int)parameter);
    const json_t *value = json_object_get(metadata, name);
    if (!value) {
        snprintf(name, sizeof name, "kwarg_%s", parameter_names[parameter]);
        value = json_object_get(metadata, name);
    }
    if (json_is_string(value))
        return strdup(json_string_value(value));
    return json_is_number(value) ? strdup(format_double(number, json_number_value(value))) : NULL;
}

static double parameter_number(const struct recorded *recorded, enum parameter parameter, double absent)
{
    char *text = parameter_text(recorded, parameter);
    double number = absent;
    if (text && number_parse(text, strlen(text), &number) != VALUE_SOUND)
        number = NAN;
    free(text);
    return number;
}

static enum error_kind say_tensor(struct recorded *recorded, enum judge_option option, const char *path,
                                  const char *name, struct error *error)
{
    char *text = NULL;
    return judge_bundle_say(recorded->bundle, option, asprintf(&text, "%s:%s", path, name) < 0 ? NULL : text, error);
}

/* q, k, v: under the name of their place or their own. */
static enum error_kind say_inputs(struct recorded *recorded, struct error *error)
{
    static const enum judge_option options[] = {GIVEN_Q, GIVEN_K, GIVEN_V};
    enum error_kind kind = tensor_archive_open(&recorded->archive, recorded->inputs, error);
    for (int i = 0; i < 3 && !kind; i++) {
        char place[16], name[32];
        snprintf(place, sizeof place, "arg_%d", i);
        snprintf(name, sizeof name, "kwarg_%s", parameter_names[i]);
        kind = say_tensor(recorded, options[i], recorded->inputs,
                          tensor_archive_find(&recorded->archive, place) ? place : name, error);
    }
    return kind;
}

static enum error_kind say_outputs(struct recorded *recorded, struct error *error)
{
    struct tensor_archive archive = {.path = NULL};
    enum error_kind kind = tensor_archive_open(&archive, recorded->outputs, error);
    bool pair = !kind && tensor_archive_find(&archive, "result_0");
    tensor_archive_close(&archive);
    if (!kind)
        kind = say_tensor(recorded, GIVEN_OUT, recorded->outputs, pair ? "result_0" : "result", error);
    if (!kind && pair)
        kind = say_tensor(recorded, GIVEN_LSE, recorded->outputs, "result_1", error);
    return kind || !pair ? kind : judge_bundle_say(recorded->bundle, GIVEN_LSE_BASE, strdup("2"), error);
}

static int64_t head_dim_of(const struct recorded *recorded)
{
    const char *name = strrchr(recorded->bundle->texts[GIVEN_Q], ':') + 1;
    const struct tensor_entry *entry = tensor_archive_find(&recorded->archive, name);
    return entry && entry->layout.num_axes > 0 ? entry->layout.shape[entry->layout.num_axes - 1] : 1;
}

/* FlashInfer multiplies sm_scale, 1/sqrt(head_dim) where it is None, by q_scale and k_scale; fp8 or not. */
static enum error_kind say_scales(struct recorded *recorded, struct error *error)
{
    char number[NUMBER_TEXT_MAX], *text = NULL;
    double scale = parameter_number(recorded, PARAMETER_SM_SCALE, 1 / sqrt((double)head_dim_of(recorded))) *
                   parameter_number(recorded, PARAMETER_Q_SCALE, 1) * parameter_number(recorded, PARAMETER_K_SCALE, 1);
    double v_scale = parameter_number(recorded, PARAMETER_V_SCALE, 1);
    if (isnan(scale) || isnan(v_scale))
        return refuse(recorded, "a scale is no number", "numbers, or None", error);
    enum error_kind kind = judge_bundle_say(recorded->bundle, GIVEN_SCALE, strdup(format_double(number, scale)), error);
    if (kind || v_scale == 1)
        return kind;
    return judge_bundle_say(recorded->bundle, GIVEN_V_SCALE,
                            asprintf(&text, "%s", format_double(number, v_scale)) < 0 ? NULL : text, error);
}

static enum error_kind say_encoding(struct recorded *recorded, struct error *error)
{
    char *mode = parameter_text(recorded, PARAMETER_POS_ENCODING_MODE);
    bool none = !mode || !strcmp(mode, "NONE"), alibi = mode && !strcmp(mode, "ALIBI");
    free(mode);
    if (!none && !alibi)
        return refuse(recorded, "its pos_encoding_mode is neither NONE nor ALIBI", "those: keys are not rotated here",
                      error);
    double window = parameter_number(recorded, PARAMETER_WINDOW_LEFT, -1);
    double cap = parameter_number(recorded, PARAMETER_LOGITS_SOFT_CAP, 0);
    if (window != -1)
        return refuse(
            recorded, "it has a window_left",
            "-1; name its tensors, --q inputs.safetensors:arg_0 --k inputs.safetensors:arg_1 --v "
            "inputs.safetensors:arg_2 --out outputs.safetensors:result, with a --mask of the newest window_left "
            "+ 1 keys",
            error);
    if (isnan(cap) || (cap > 0 && alibi))
        return refuse(recorded, "it has a logits_soft_cap beside ALiBi", "one of them", error);
    if (cap > 0) {
        char number[NUMBER_TEXT_MAX], *text = NULL;
        enum error_kind kind =
            judge_bundle_say(recorded->bundle, GIVEN_SOFT_CAP,
                             asprintf(&text, "before_bias=%s", format_double(number, cap)) < 0 ? NULL : text, error);
        if (kind)
            return kind;
    }
    return judge_bundle_say(recorded->bundle, GIVEN_SLOPES, strdup(alibi ? "bloom" : "none"), error);
}

static enum error_kind say_layout(struct recorded *recorded, struct error *error)
{
    char *layout = parameter_text(recorded, PARAMETER_KV_LAYOUT);
    return judge_bundle_say(recorded->bundle, GIVEN_LAYOUT, layout ? layout : strdup("NHD"), error);
}

enum error_kind judge_recorder_open(struct judge_bundle *bundle, const struct judge_options *options,
                                    struct error *error)
{
    struct recorded recorded = {.bundle = bundle, .folder = options->exhibit};
    *bundle = (struct judge_bundle){.options = *options};
    bundle->options.exhibit = NULL;
    recorded.inputs = file_join(recorded.folder, "inputs.safetensors");
    recorded.outputs = file_join(recorded.folder, "outputs.safetensors");
    enum error_kind kind = recorded.inputs && recorded.outputs
                               ? read_record(&recorded, error)
                               : error_memory(error, "a path", (double)strlen(recorded.folder));
    if (!kind)
        kind = say_inputs(&recorded, error);
    if (!kind)
        kind = say_outputs(&recorded, error);
    if (!kind)
        kind = say_layout(&recorded, error);
    if (!kind)
        kind = say_scales(&recorded, error);
    if (!kind)
        kind = say_encoding(&recorded, error);
    tensor_archive_close(&recorded.archive);
    json_decref(recorded.record);
    free(recorded.inputs);
    free(recorded.outputs);
    return kind;
}
