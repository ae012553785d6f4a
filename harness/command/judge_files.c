#include "harness/command/judge_reading.h"

#include <string.h>

#include "harness/support/source.h"

/* Which option names which tensor, and what --dtype says of their bits. */

static const struct {
    enum judge_option option;
    const char *dtype_name; /* as --dtype calls it; NULL: it is of numbers that say what they are */
} tensors[TENSOR_FILE_COUNT] = {
    [TENSOR_FILE_Q] = {GIVEN_Q, "q"},
    [TENSOR_FILE_K] = {GIVEN_K, "k"},
    [TENSOR_FILE_V] = {GIVEN_V, "v"},
    [TENSOR_FILE_OUT] = {GIVEN_OUT, "out"},
    [TENSOR_FILE_OTHER] = {GIVEN_OTHER, "other"},
    [TENSOR_FILE_LSE] = {GIVEN_LSE, NULL},
    [TENSOR_FILE_SLOPES] = {GIVEN_SLOPES, NULL},
    [TENSOR_FILE_MASK] = {GIVEN_MASK, NULL},
    [TENSOR_FILE_SINKS] = {GIVEN_SINK_LOGITS, NULL},
    [TENSOR_FILE_POSITIONS] = {GIVEN_POSITIONS, NULL},
    [TENSOR_FILE_SEQ_LENS] = {GIVEN_SEQ_LENS, NULL},
    [TENSOR_FILE_BLOCK_TABLE] = {GIVEN_BLOCK_TABLE, NULL},
    [TENSOR_FILE_INDPTR] = {GIVEN_KV_INDPTR, NULL},
    [TENSOR_FILE_INDICES] = {GIVEN_KV_INDICES, NULL},
    [TENSOR_FILE_LAST_PAGE_LEN] = {GIVEN_KV_LAST_PAGE_LEN, NULL},
    [TENSOR_FILE_QO_INDPTR] = {GIVEN_QO_INDPTR, NULL},
};

/* The text that names a tensor: k and v may be in one. */
static const char *name_of(const struct judge_reading *reading, enum judge_tensor tensor)
{
    const char *own = reading->options->values[tensors[tensor].option];
    bool of_kv = tensor == TENSOR_FILE_K || tensor == TENSOR_FILE_V;
    return own || !of_kv ? own : reading->options->values[GIVEN_KV];
}

static bool is_file(const struct judge_reading *reading, enum judge_tensor tensor)
{
    const struct judge_facts *facts = &reading->facts;
    if (!name_of(reading, tensor))
        return false;
    return !(tensor == TENSOR_FILE_SLOPES && facts->slopes_named) &&
           !(tensor == TENSOR_FILE_POSITIONS && facts->position_is_number);
}

enum error_kind judge_open_files(struct judge_reading *reading, struct error *error)
{
    struct judge_input *input = reading->input;
    for (int t = 0; t < TENSOR_FILE_COUNT; t++) {
        if (!is_file(reading, (enum judge_tensor)t))
            continue;
        if (t <= TENSOR_FILE_V && reading->bundle && reading->bundle->made[t].name) {
            input->files[t] = reading->bundle->made[t];
            reading->bundle->made[t] = (struct tensor_file){.name = NULL};
            input->is_open[t] = true;
            continue;
        }
        enum error_kind kind = tensor_open(&input->files[t], name_of(reading, (enum judge_tensor)t), error);
        if (kind)
            return kind;
        input->is_open[t] = true;
    }
    return ERROR_NONE;
}

/* The tensors that a name of --dtype is of, as a bit each: kv is k and v, in one tensor or not. */
static unsigned tensors_called(const char *name, size_t size)
{
    if (size == 2 && !memcmp(name, "kv", 2))
        return 1u << TENSOR_FILE_K | 1u << TENSOR_FILE_V;
    for (int t = 0; t < TENSOR_FILE_COUNT; t++)
        if (tensors[t].dtype_name && strlen(tensors[t].dtype_name) == size &&
            !memcmp(name, tensors[t].dtype_name, size))
            return 1u << t;
    return 0;
}

/* What --dtype says of raw bits. */
enum error_kind judge_reinterpret(struct judge_reading *reading, struct error *error)
{
    struct judge_input *input = reading->input;
    for (size_t i = 0; i < reading->options->dtypes.count; i++) {
        const char *text = reading->options->dtypes.items[i], *equals = strchr(text, '=');
        char quoted[QUOTE_SIZE];
        unsigned called = equals ? tensors_called(text, (size_t)(equals - text)) : 0;
        enum element_type type = equals ? element_type_from_name(equals + 1) : ELEMENT_COUNT;
        if (!called || type == ELEMENT_COUNT || !element_types[type].is_float)
            return error_set(
                error, ERROR_USAGE,
                "--dtype %s: allowed: q, k, v, kv, out or other, =, and f16, bf16, f32, e4m3, e5m2 or e4m3fnuz",
                quote(quoted, text, strlen(text)));
        for (int t = 0; t < TENSOR_FILE_COUNT; t++) {
            if (!(called >> t & 1))
                continue;
            enum error_kind kind = input->is_open[t]
                                       ? tensor_reinterpret(&input->files[t], type, error)
                                       : error_set(error, ERROR_USAGE, "--dtype %s: allowed: of tensors that are there",
                                                   quote(quoted, text, strlen(text)));
            if (kind)
                return kind;
        }
    }
    return ERROR_NONE;
}
