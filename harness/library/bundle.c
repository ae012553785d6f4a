#include "harness/library/bundle.h"

#include <inttypes.h>
#include <stdio.h>

#include "harness/problem/problem_spec.h"
#include "harness/support/number.h"
#include "harness/support/safetensors_write.h"

enum { MAX_TENSORS = 8, MAX_TEXTS = 20, TEXT_SIZE = 160 };

static const enum element_type types[DTYPE_COUNT_WITH_FP8] = {
    [DTYPE_F16] = ELEMENT_F16,   [DTYPE_BF16] = ELEMENT_BF16, [DTYPE_F32] = ELEMENT_F32,
    [DTYPE_E4M3] = ELEMENT_E4M3, [DTYPE_E5M2] = ELEMENT_E5M2, [DTYPE_E4M3FNUZ] = ELEMENT_E4M3FNUZ,
};

/* Tensors that are there. */
static size_t list_tensors(struct safetensors_tensor *tensors, const struct problem *problem,
                           const struct output *output)
{
    const int64_t queries = problem_queries(problem), heads = problem->num_heads, dim = problem->head_dim,
                  keys = problem->seq_len, kv_heads = problem->num_kv_heads;
    const enum element_type type = types[problem->dtype], of_keys = types[problem_kv_dtype(problem)];
    const struct safetensors_tensor all[MAX_TENSORS] = {
        {"q", type, 3, {queries, heads, dim}, problem->q},
        {"k", of_keys, 3, {keys, kv_heads, dim}, problem->k},
        {"v", of_keys, 3, {keys, kv_heads, dim}, problem->v},
        {"out", type, 3, {queries, heads, dim}, output->out},
        {"lse", ELEMENT_F32, 2, {queries, heads}, output->lse},
        {"slopes", ELEMENT_F32, 1, {heads}, problem->slopes},
        {"mask", ELEMENT_U8, 1, {keys}, problem->visible},
        {"sink_logits", ELEMENT_F32, 1, {heads}, problem->sink_logits},
    };
    size_t count = 0;
    for (int i = 0; i < MAX_TENSORS; i++)
        if (all[i].elements)
            tensors[count++] = all[i];
    return count;
}

/* Metadata, as they are put together. */
struct texts {
    struct tensor_metadata all[MAX_TEXTS];
    char values[MAX_TEXTS][TEXT_SIZE];
    size_t count;
};

/* Room for the value of a key. */
static char *add(struct texts *texts, const char *key)
{
    char *value = texts->values[texts->count];
    texts->all[texts->count++] = (struct tensor_metadata){key, value};
    return value;
}

static void add_float(struct texts *texts, const char *key, float number)
{
    char text[NUMBER_TEXT_MAX];
    snprintf(add(texts, key), TEXT_SIZE, "%s", format_float(text, number));
}

static void add_whole(struct texts *texts, const char *key, int64_t number)
{
    snprintf(add(texts, key), TEXT_SIZE, "%" PRId64, number);
}

static void add_digest(struct texts *texts, const char *key, uint64_t digest)
{
    snprintf(add(texts, key), TEXT_SIZE, "%016" PRIx64, digest);
}

static void list_texts(struct texts *texts, const struct problem *problem, const struct output *output,
                       const struct bundle_facts *facts)
{
    char a[NUMBER_TEXT_MAX], r[NUMBER_TEXT_MAX], l[NUMBER_TEXT_MAX], name[CLASS_NAME_SIZE];
    snprintf(add(texts, "alibicheck"), TEXT_SIZE, "%s", BUNDLE_FORMAT);
    snprintf(add(texts, "axes"), TEXT_SIZE, "NHD");
    add_float(texts, "scale", problem->scale);
    if (problem->kv_format != KV_AS_DTYPE) {
        add_float(texts, "k_scale", problem->k_scale);
        add_float(texts, "v_scale", problem->v_scale);
    }
    add_whole(texts, "q_position", problem->q_position);
    add_whole(texts, "kv_offset", problem->kv_offset);
    if (output->lse)
        snprintf(add(texts, "lse_base"), TEXT_SIZE, "e");
    if (problem->soft_cap)
        snprintf(add(texts, "soft_cap"), TEXT_SIZE, "%s=%s", soft_cap_names[problem->soft_cap],
                 format_float(a, problem->soft_cap_value));
    snprintf(add(texts, "tolerance"), TEXT_SIZE, "%s,%s,%s", format_double(a, facts->tolerance.atol),
             format_double(r, facts->tolerance.rtol), format_double(l, facts->tolerance.lse));
    if (facts->demand.asked)
        snprintf(add(texts, "class"), TEXT_SIZE, "%s", class_format(name, &facts->demand.arithmetic));
    const struct tensor_metadata names[] = {{"case", facts->case_name},
                                            {"key", facts->key},
                                            {"definition", facts->definition},
                                            {"workload", facts->workload},
                                            {"seed", facts->seed}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].value)
            texts->all[texts->count++] = names[i];
    add_digest(texts, "input_digest", facts->input_digest);
    add_digest(texts, "output_digest", facts->output_digest);
}

enum error_kind bundle_write(const char *path, const struct problem *problem, const struct output *output,
                             const struct bundle_facts *facts, struct error *error)
{
    struct safetensors_tensor tensors[MAX_TENSORS];
    struct texts texts = {.count = 0};
    size_t num_tensors = list_tensors(tensors, problem, output);
    list_texts(&texts, problem, output, facts);
    return safetensors_write(path, tensors, num_tensors, texts.all, texts.count, error);
}
