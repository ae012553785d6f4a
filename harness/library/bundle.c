#include "harness/library/bundle.h"

#include "harness/library/bundle_text.h"

/* Tensors that are there. */
static size_t list_tensors(struct safetensors_tensor *tensors, const struct problem *problem,
                           const struct output *output)
{
    const int64_t queries = problem_queries(problem), heads = problem->num_heads, dim = problem->head_dim,
                  keys = problem->seq_len, kv_heads = problem->num_kv_heads;
    const enum element_type type = dtype_element_types[problem->dtype],
                            of_keys = dtype_element_types[problem_kv_dtype(problem)];
    const struct safetensors_tensor all[] = {
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
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].elements)
            tensors[count++] = all[i];
    return count;
}

enum error_kind bundle_write(const char *path, const struct problem *problem, const struct output *output,
                             const struct bundle_facts *facts, struct error *error)
{
    struct safetensors_tensor tensors[BUNDLE_MAX_TENSORS];
    struct bundle_texts texts = {.count = 0};
    size_t num_tensors = list_tensors(tensors, problem, output);
    bundle_text_say(&texts, "alibicheck", BUNDLE_FORMAT);
    bundle_text_say(&texts, "axes", "NHD");
    bundle_text_facts(&texts, problem, output, facts);
    if (facts->arithmetic.recipe)
        bundle_text_arithmetic(&texts, facts);
    return safetensors_write(path, tensors, num_tensors, texts.all, texts.count, error);
}
