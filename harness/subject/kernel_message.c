#include "harness/subject/kernel_message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/message_words.h"
#include "harness/subject/paged_cache.h"
#include "harness/support/number.h"
#include "harness/support/tensor_file.h"

enum { TEXTS_OF_LAUNCH = 13 };

/* ---- what a message is made of ----------------------------------------------------------------------------------- */

struct text {
    char key[MESSAGE_NAME_SIZE], value[MESSAGE_TEXT_SIZE];
};

/* Tensors and texts with their names, which the plan's header then holds. */
struct contents {
    struct safetensors_tensor *tensors;
    char (*names)[MESSAGE_NAME_SIZE];
    struct text *texts;
    size_t num_tensors, num_texts;
};

static enum error_kind contents_init(struct contents *contents, int count, struct error *error)
{
    size_t tensors = (size_t)count * TENSORS_OF_SEQUENCE + TENSORS_OF_LAUNCH;
    size_t texts = (size_t)count * TEXTS_OF_SEQUENCE + TEXTS_OF_LAUNCH;
    *contents = (struct contents){.tensors = calloc(tensors, sizeof *contents->tensors),
                                  .names = calloc(tensors, sizeof *contents->names),
                                  .texts = calloc(texts, sizeof *contents->texts)};
    if (contents->tensors && contents->names && contents->texts)
        return ERROR_NONE;
    return error_memory(error, "a message", (double)(texts * sizeof *contents->texts));
}

static void contents_clear(struct contents *contents)
{
    free(contents->tensors);
    free(contents->names);
    free(contents->texts);
}

/* elements may be NULL: the tensor is not there. */
static void add_tensor(struct contents *contents, const char *part, int i, enum element_type type, int num_axes,
                       const int64_t *shape, const void *elements)
{
    struct safetensors_tensor *tensor = &contents->tensors[contents->num_tensors];
    char *name = contents->names[contents->num_tensors];
    int64_t count = 1;
    for (int axis = 0; axis < num_axes; axis++)
        count *= shape[axis];
    if (!elements && count > 0)
        return;
    message_make_name(name, part, i);
    *tensor = (struct safetensors_tensor){.name = name, .type = type, .num_axes = num_axes, .elements = elements};
    memcpy(tensor->shape, shape, (size_t)num_axes * sizeof *shape);
    contents->num_tensors++;
}

static char *add_text(struct contents *contents, const char *key, int i)
{
    struct text *text = &contents->texts[contents->num_texts++];
    message_make_name(text->key, key, i);
    return text->value;
}

static void add_real(struct contents *contents, const char *key, double number)
{
    char text[NUMBER_TEXT_MAX];
    snprintf(add_text(contents, key, -1), MESSAGE_TEXT_SIZE, "%s", format_double(text, number));
}

static void add_whole(struct contents *contents, const char *key, int i, int64_t number)
{
    snprintf(add_text(contents, key, i), MESSAGE_TEXT_SIZE, "%" PRId64, number);
}

static void add_word(struct contents *contents, const char *key, const char *word)
{
    snprintf(add_text(contents, key, -1), MESSAGE_TEXT_SIZE, "%s", word);
}

static enum error_kind plan_contents(struct safetensors_plan *plan, const struct contents *contents,
                                     struct error *error)
{
    struct tensor_metadata *metadata = calloc(contents->num_texts + 1, sizeof *metadata);
    *plan = (struct safetensors_plan){.header = NULL};
    if (!metadata)
        return error_memory(error, "a message", (double)(contents->num_texts * sizeof *metadata));
    for (size_t i = 0; i < contents->num_texts; i++)
        metadata[i] = (struct tensor_metadata){contents->texts[i].key, contents->texts[i].value};
    enum error_kind kind = safetensors_plan(plan, MESSAGE_NAME, contents->tensors, contents->num_tensors, metadata,
                                            contents->num_texts, error);
    free(metadata);
    return kind;
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

/* With commas between them. text: MESSAGE_TEXT_SIZE. */
static void put_numbers(char *text, const int *numbers, int count)
{
    size_t length = 0;
    for (int i = 0; i < count && length < MESSAGE_TEXT_SIZE; i++)
        length += (size_t)snprintf(text + length, MESSAGE_TEXT_SIZE - length, "%s%d", i ? "," : "", numbers[i]);
}

enum error_kind message_plan_hello(struct safetensors_plan *plan, const struct kernel_hello *hello, struct error *error)
{
    struct contents contents;
    *plan = (struct safetensors_plan){.header = NULL};
    enum error_kind kind = contents_init(&contents, 1, error);
    if (!kind) {
        const struct foreign_kernel *kernel = &hello->kernel;
        char takes[MESSAGE_TEXT_SIZE] = "", dims[MESSAGE_TEXT_SIZE] = "", sizes[MESSAGE_TEXT_SIZE] = "";
        size_t length = 0;
        for (int i = 0; i < ABILITY_COUNT; i++)
            if (kernel->takes & abilities[i].bit)
                length += (size_t)snprintf(takes + length, sizeof takes - length, "%s%s", length ? "," : "",
                                           abilities[i].name);
        put_numbers(dims, kernel->head_dims, kernel->num_head_dims);
        put_numbers(sizes, kernel->page_sizes, kernel->num_page_sizes);
        add_word(&contents, MESSAGE_FORMAT_KEY, HELLO_FORMAT);
        add_word(&contents, "name", kernel->name);
        add_word(&contents, "takes", takes);
        if (*kernel->about)
            add_word(&contents, "about", kernel->about);
        if (*kernel->arithmetic)
            add_word(&contents, "arithmetic", kernel->arithmetic);
        if (*dims)
            add_word(&contents, "head_dims", dims);
        if (*sizes)
            add_word(&contents, "page_sizes", sizes);
        if (kernel->max_seq_len > 0)
            add_whole(&contents, "max_seq_len", -1, kernel->max_seq_len);
        if (*kernel->device)
            add_word(&contents, "device", kernel->device);
        if (*kernel->digest)
            add_word(&contents, "digest", kernel->digest);
        if (*hello->failure)
            add_word(&contents, "error", hello->failure);
        if (hello->audits)
            add_word(&contents, "audits", "true");
        if (hello->keeps)
            add_word(&contents, "keeps", "true");
        if (*hello->far)
            add_word(&contents, "far", hello->far);
        kind = plan_contents(plan, &contents, error);
    }
    contents_clear(&contents);
    return kind;
}

static void add_outputs(struct contents *contents, const struct sequences *sequences, int i, bool with_lse)
{
    const struct problem *problem = &sequences->problems[i];
    const int64_t rows[] = {problem_queries(problem), problem->num_heads, problem->head_dim};
    int number = sequences->count > 1 ? i : -1;
    add_tensor(contents, "out", number, dtype_element_types[problem->dtype], 3, rows, sequences->outputs[i].out);
    if (with_lse)
        add_tensor(contents, "lse", number, ELEMENT_F32, 2, rows, sequences->outputs[i].lse);
}

static void add_sequence(struct contents *contents, const struct sequences *sequences, int i)
{
    const struct problem *problem = &sequences->problems[i];
    const int64_t rows[] = {problem_queries(problem), problem->num_heads, problem->head_dim};
    const int64_t keys[] = {problem->seq_len, problem->num_kv_heads, problem->head_dim};
    int number = sequences->count > 1 ? i : -1;
    add_tensor(contents, "q", number, dtype_element_types[problem->dtype], 3, rows, problem->q);
    if (!sequences->pages) {
        add_tensor(contents, "k", number, dtype_element_types[problem_kv_dtype(problem)], 3, keys, problem->k);
        add_tensor(contents, "v", number, dtype_element_types[problem_kv_dtype(problem)], 3, keys, problem->v);
    }
    if (problem->visible)
        add_tensor(contents, "mask", number, ELEMENT_U8, 1, keys, problem->visible);
    add_whole(contents, "q_position", number, problem->q_position);
    add_whole(contents, "kv_offset", number, problem->kv_offset);
}

/* How the tensors of sequence i are to lie: where the first row begins, and what is from a page, from a query, key or
 * slot, and from a head to the next. */
static void add_strides(struct contents *contents, const struct sequences *sequences, int i)
{
    for (int tensor = 0; sequences->strides && tensor < STRIDED_COUNT; tensor++) {
        const struct tensor_strides *of = &sequences->strides[i].of[tensor];
        snprintf(add_text(contents, message_strides[tensor], sequences->count > 1 ? i : -1), MESSAGE_TEXT_SIZE,
                 "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, of->first, of->page, of->row, of->head);
    }
    if (sequences->strides && sequences->strides[i].far_elements > 0)
        add_whole(contents, "far_elements", sequences->count > 1 ? i : -1, sequences->strides[i].far_elements);
}

static void add_pages(struct contents *contents, const struct sequences *sequences)
{
    const struct problem *first = sequences->problems;
    const struct paged_cache *pages = sequences->pages;
    const enum element_type type = dtype_element_types[problem_kv_dtype(first)];
    const int64_t held = paged_cache_held(pages);
    const int64_t pool[] = {held, pages->page_size, first->num_kv_heads, first->head_dim};
    const int64_t table[] = {sequences->count, pages->max_pages};
    add_tensor(contents, "k_pages", -1, type, 4, pool, pages->k);
    add_tensor(contents, "v_pages", -1, type, 4, pool, pages->v);
    add_tensor(contents, "block_table", -1, ELEMENT_I32, 2, table, pages->block_table);
    add_tensor(contents, "seq_lens", -1, ELEMENT_I32, 1, table, pages->seq_lens);
    if (pages->page_ids) {
        add_tensor(contents, "page_ids", -1, ELEMENT_I32, 1, &held, pages->page_ids);
        add_whole(contents, "num_pages", -1, pages->num_pages);
    }
}

enum error_kind message_plan_launch(struct safetensors_plan *plan, const struct sequences *sequences, bool with_output,
                                    bool with_lse, struct error *error)
{
    const struct problem *first = sequences->problems;
    const bool fp8 = first->kv_format != KV_AS_DTYPE;
    const int64_t heads = first->num_heads;
    struct contents contents;
    *plan = (struct safetensors_plan){.header = NULL};
    enum error_kind kind = contents_init(&contents, sequences->count, error);
    if (!kind) {
        add_word(&contents, MESSAGE_FORMAT_KEY, LAUNCH_FORMAT);
        add_word(&contents, "axes", "NHD");
        add_whole(&contents, "sequences", -1, sequences->count);
        add_real(&contents, "scale", (double)first->scale);
        add_real(&contents, "k_scale", fp8 ? (double)first->k_scale : 1);
        add_real(&contents, "v_scale", fp8 ? (double)first->v_scale : 1);
        if (first->soft_cap) {
            add_real(&contents, "soft_cap", (double)first->soft_cap_value);
            add_word(&contents, "soft_cap_where",
                     first->soft_cap == SOFT_CAP_AFTER_BIAS ? "after_bias" : "before_bias");
        }
        add_tensor(&contents, "slopes", -1, ELEMENT_F32, 1, &heads, first->slopes);
        if (first->sink_logits)
            add_tensor(&contents, "sink_logits", -1, ELEMENT_F32, 1, &heads, first->sink_logits);
        if (sequences->pages)
            add_pages(&contents, sequences);
        for (int i = 0; i < sequences->count; i++) {
            add_sequence(&contents, sequences, i);
            add_strides(&contents, sequences, i);
            if (with_output)
                add_outputs(&contents, sequences, i, with_lse);
        }
        kind = plan_contents(plan, &contents, error);
    }
    contents_clear(&contents);
    return kind;
}

static void add_stray(struct contents *contents, const struct memory_stray *stray, const char *name, const char *offset,
                      const char *bytes)
{
    if (!*stray->name)
        return;
    add_word(contents, name, stray->name);
    add_whole(contents, offset, -1, stray->offset_bytes);
    add_whole(contents, bytes, -1, (int64_t)stray->buffer_bytes);
}

enum error_kind message_plan_result(struct safetensors_plan *plan, const struct sequences *sequences, bool with_lse,
                                    const struct kernel_result *result, struct error *error)
{
    struct contents contents;
    *plan = (struct safetensors_plan){.header = NULL};
    enum error_kind kind = contents_init(&contents, sequences->count, error);
    if (!kind) {
        add_word(&contents, MESSAGE_FORMAT_KEY, RESULT_FORMAT);
        if (result->seconds >= 0)
            add_real(&contents, "seconds", result->seconds);
        if (*result->audit.changed)
            add_word(&contents, "changed", result->audit.changed);
        add_stray(&contents, &result->audit.written, "breached", "offset_bytes", "buffer_bytes");
        add_stray(&contents, &result->audit.read, "overread", "overread_offset_bytes", "overread_buffer_bytes");
        if (result->ends)
            add_word(&contents, "ends", "true");
        if (*result->failure)
            add_word(&contents, "error", result->failure);
        if (*result->failure && result->is_machines)
            add_word(&contents, "failure", MESSAGE_FAILURE_OF_MACHINE);
        else if (*result->failure && result->how)
            add_word(&contents, "failure", run_failures[result->how].name);
        for (int i = 0; i < sequences->count && !*result->failure; i++)
            add_outputs(&contents, sequences, i, with_lse);
        kind = plan_contents(plan, &contents, error);
    }
    contents_clear(&contents);
    return kind;
}
