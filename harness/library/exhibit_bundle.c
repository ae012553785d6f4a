#include "harness/library/exhibit_bundle.h"

#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>

#include "harness/judge/class/class_find.h"
#include "harness/library/bundle_text.h"
#include "harness/library/verdict_fields.h"
#include "harness/support/json_value.h"
#include "harness/support/number.h"

/* ---- digests ----------------------------------------------------------------------------------------------------- */

const char *const exhibit_input_names[EXHIBIT_INPUT_COUNT] = {
    [EXHIBIT_Q] = "q",           [EXHIBIT_K] = "k",       [EXHIBIT_V] = "v",
    [EXHIBIT_SLOPES] = "slopes", [EXHIBIT_MASK] = "mask", [EXHIBIT_SINK_LOGITS] = "sink_logits",
};

const char *const exhibit_digest_keys[EXHIBIT_INPUT_COUNT] = {
    [EXHIBIT_Q] = "q_digest",           [EXHIBIT_K] = "k_digest",       [EXHIBIT_V] = "v_digest",
    [EXHIBIT_SLOPES] = "slopes_digest", [EXHIBIT_MASK] = "mask_digest", [EXHIBIT_SINK_LOGITS] = "sink_logits_digest",
};

struct exhibit_digests exhibit_digests(const struct problem *problem)
{
    size_t heads = (size_t)problem->num_heads, dim = (size_t)problem->head_dim, keys = (size_t)problem->seq_len;
    size_t kv_bytes = keys * (size_t)problem->num_kv_heads * dim * dtypes[problem_kv_dtype(problem)].size_bytes;
    const struct {
        const void *bytes;
        size_t size;
    } all[EXHIBIT_INPUT_COUNT] = {
        [EXHIBIT_Q] = {problem->q, (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes},
        [EXHIBIT_K] = {problem->k, kv_bytes},
        [EXHIBIT_V] = {problem->v, kv_bytes},
        [EXHIBIT_SLOPES] = {problem->slopes, heads * sizeof(float)},
        [EXHIBIT_MASK] = {problem->visible, keys},
        [EXHIBIT_SINK_LOGITS] = {problem->sink_logits, heads * sizeof(float)},
    };
    struct exhibit_digests digests = {0};
    for (int i = 0; i < EXHIBIT_INPUT_COUNT; i++) {
        digests.has[i] = all[i].bytes;
        digests.of[i] = all[i].bytes ? XXH64(all[i].bytes, all[i].size, 0) : 0;
    }
    return digests;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

/* All that a file can have; elements are NULL where it has not. */
static size_t list_tensors(struct safetensors_tensor *tensors, const struct exhibit *exhibit,
                           const struct class_bounds *classes)
{
    const struct problem *problem = exhibit->problem;
    const struct truth *truth = exhibit->truth;
    const int64_t queries = problem_queries(problem), heads = problem->num_heads, dim = problem->head_dim,
                  looked = (int64_t)classes->count;
    const struct safetensors_tensor all[] = {
        {"out", dtype_element_types[problem->dtype], 3, {queries, heads, dim}, exhibit->output->out},
        {"lse", ELEMENT_F32, 2, {queries, heads}, exhibit->output->lse},
        {"slopes", ELEMENT_F32, 1, {heads}, problem->slopes},
        {"sink_logits", ELEMENT_F32, 1, {heads}, problem->sink_logits},
        {"truth_value", ELEMENT_F64, 3, {queries, heads, dim}, truth->value},
        {"truth_tail", ELEMENT_F64, 3, {queries, heads, dim}, truth->tail},
        {"truth_radius", ELEMENT_F64, 3, {queries, heads, dim}, truth->radius},
        {"truth_magnitude", ELEMENT_F64, 3, {queries, heads, dim}, truth->magnitude},
        {"truth_lse", ELEMENT_F64, 2, {queries, heads}, truth->lse},
        {"truth_lse_tail", ELEMENT_F64, 2, {queries, heads}, truth->lse_tail},
        {"truth_lse_radius", ELEMENT_F64, 2, {queries, heads}, truth->lse_radius},
        {"bound", ELEMENT_F64, 3, {queries, heads, dim}, exhibit->bound},
        {"lse_bound", ELEMENT_F64, 2, {queries, heads}, exhibit->lse_bound},
        {"class_row", ELEMENT_I32, 1, {looked}, classes->row},
        {"class_set", ELEMENT_U32, 1, {looked}, classes->set},
        {"class_bound", ELEMENT_F64, 2, {looked, dim}, classes->bound},
        {"class_lse_bound", ELEMENT_F64, 1, {looked}, classes->lse_bound},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].elements)
            tensors[count++] = all[i];
    return count;
}

uint64_t exhibit_content_digest(const struct exhibit *exhibit, const struct class_bounds *classes)
{
    struct safetensors_tensor tensors[BUNDLE_MAX_TENSORS];
    size_t count = list_tensors(tensors, exhibit, classes);
    uint64_t digest = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = element_types[tensors[i].type].size_bytes;
        for (int axis = 0; axis < tensors[i].num_axes; axis++)
            bytes *= (size_t)tensors[i].shape[axis];
        digest = XXH64(tensors[i].elements, bytes, digest);
    }
    return digest;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static void say_double(struct bundle_texts *texts, const char *key, double number)
{
    char text[NUMBER_TEXT_MAX];
    bool known = number - number == 0;
    snprintf(bundle_text_add(texts, key), BUNDLE_TEXT_SIZE, "%s", known ? format_double(text, number) : "inf");
}

static void say_problem(struct bundle_texts *texts, const struct problem *problem,
                        const struct exhibit_bundle_facts *facts, const struct truth *truth)
{
    const struct exhibit_digests digests = exhibit_digests(problem);
    bundle_text_whole(texts, "seq_len", problem->seq_len);
    bundle_text_whole(texts, "num_kv_heads", problem->num_kv_heads);
    bundle_text_say(texts, "kv_dtype", kv_format_names[problem->kv_format]);
    bundle_text_say(texts, "masked", problem->visible ? "yes" : "no");
    bundle_text_say(texts, "truth_of", truth_ofs[truth->contract.of].name);
    bundle_text_say(texts, "truth_method", truth_method_names[facts->truth_method]);
    bundle_text_whole(texts, "truth_precision", facts->truth_precision);
    say_double(texts, "contract_distance", facts->contract_distance);
    bundle_text_digest(texts, "truth_digest", facts->truth_digest);
    for (int i = 0; i < EXHIBIT_INPUT_COUNT; i++)
        if (digests.has[i])
            bundle_text_digest(texts, exhibit_digest_keys[i], digests.of[i]);
}

/* The names of class_set's bits, from the lowest on. */
static void say_roundings(struct bundle_texts *texts)
{
    char *value = bundle_text_add(texts, "class_roundings");
    size_t length = 0;
    value[0] = 0;
    for (int i = 0; i < CLASS_ROUNDING_COUNT && length < BUNDLE_TEXT_SIZE; i++)
        length +=
            (size_t)snprintf(value + length, BUNDLE_TEXT_SIZE - length, "%s%s", i ? "," : "", class_roundings[i].name);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* What the numbers come to, and the class that is asked for. */
static const char *status_of(const struct exhibit *exhibit, const struct exhibit_bundle_facts *facts,
                             const struct class_report *report)
{
    enum decision of_numbers = criterion_decide(&exhibit->criterion, facts->total);
    return decision_statuses[class_decide(of_numbers, report, &facts->facts.demand)];
}

/* What was found, and by which program, as texts. */
static enum error_kind print_findings(char **found, char **build, const struct exhibit *exhibit,
                                      const struct exhibit_bundle_facts *facts, const struct class_report *report,
                                      struct error *error)
{
    char name[CLASS_NAME_SIZE];
    struct class_whole whole;
    class_of_rows(&whole, report);
    const struct exhibit_found all = {
        .status = status_of(exhibit, facts, report),
        .class_name = class_name(name, &whole),
        .of_run = facts->of_run,
        .unwritten = facts->total->unwritten,
        .finding = *facts->finding,
        .contract = *facts->contract,
    };
    json_t *object = exhibit_found_to_json(&all), *program = build_to_json();
    *found = object ? json_print(object, JSON_COMPACT | JSON_PRINT_FLAGS) : NULL;
    *build = program ? json_print(program, JSON_COMPACT | JSON_PRINT_FLAGS) : NULL;
    json_decref(object);
    json_decref(program);
    return *found && *build ? ERROR_NONE : error_memory(error, "a bundle", 4096);
}

enum error_kind exhibit_bundle_write(const char *path, const struct exhibit *exhibit,
                                     const struct exhibit_bundle_facts *facts, struct error *error)
{
    struct safetensors_tensor tensors[BUNDLE_MAX_TENSORS];
    struct bundle_texts texts = {.count = 0};
    struct bundle_facts common = facts->facts;
    struct class_report report;
    struct class_bounds classes;
    char *found = NULL, *build = NULL;
    common.criterion = exhibit->criterion;
    enum error_kind kind = class_find_bounds(&report, &classes, exhibit, facts->threads, NULL, error);
    if (!kind)
        kind = print_findings(&found, &build, exhibit, facts, &report, error);
    if (!kind) {
        bundle_text_say(&texts, "alibicheck", EXHIBIT_BUNDLE_FORMAT);
        bundle_text_facts(&texts, exhibit->problem, exhibit->output, &common);
        say_problem(&texts, exhibit->problem, facts, exhibit->truth);
        if (exhibit->bound)
            bundle_text_arithmetic(&texts, &common);
        say_roundings(&texts);
        bundle_text_digest(&texts, "content_digest", exhibit_content_digest(exhibit, &classes));
        bundle_text_say(&texts, "found", found);
        bundle_text_say(&texts, "build", build);
        kind =
            safetensors_write(path, tensors, list_tensors(tensors, exhibit, &classes), texts.all, texts.count, error);
    }
    free(found);
    free(build);
    class_report_clear(&report);
    class_bounds_clear(&classes);
    return kind;
}
