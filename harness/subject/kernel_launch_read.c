/* Launches that were received (kernel_message.h). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/kernel_message.h"
#include "harness/subject/launch_buffer.h"
#include "harness/subject/message_values.h"
#include "harness/subject/message_words.h"

enum { SEQUENCES_MAX = 4096, FAR_ELEMENTS_BITS = 45 };

/* The byte of an input's zones. */
static int zone_byte_of(enum element_type type)
{
    const enum dtype dtype = element_type_dtype(type);
    return dtype < DTYPE_COUNT_WITH_FP8 ? dtype_nan_byte(dtype) : ZONE_OF_WHOLES;
}

static enum error_kind allocate(void **memory, struct received_launch *launch, int64_t size_bytes, int zone_byte,
                                struct error *error)
{
    char *zones = zones_allocate((size_t)size_bytes, zone_byte);
    *memory = NULL;
    if (!zones)
        return error_memory(error, "a launch", (double)size_bytes);
    launch->memory[launch->num_blocks++] = zones;
    *memory = zones + input_zone_bytes((size_t)size_bytes);
    return ERROR_NONE;
}

/* A tensor in new memory; its shape is the message's own, but for the last axes, which are `inner`. */
static enum error_kind take_tensor(void **to, struct received_launch *launch, const struct tensor_archive *archive,
                                   const char *part, int i, const struct tensor_layout *layout, struct error *error)
{
    enum error_kind kind = allocate(to, launch, tensor_layout_bytes(layout), zone_byte_of(layout->type), error);
    return kind ? kind
                : message_copy_tensor(*to, archive, part, i, layout->type, layout->num_axes, layout->shape, error);
}

static bool has_tensor(const struct tensor_archive *archive, const char *part, int i)
{
    char name[MESSAGE_NAME_SIZE];
    message_make_name(name, part, i);
    return tensor_archive_find(archive, name);
}

static enum error_kind find_layout(const struct tensor_layout **layout, const struct tensor_archive *archive,
                                   const char *part, int i, int num_axes, struct error *error)
{
    char name[MESSAGE_NAME_SIZE];
    message_make_name(name, part, i);
    const struct tensor_entry *entry = tensor_archive_find(archive, name);
    if (!entry || entry->layout.num_axes != num_axes || entry->layout.type == ELEMENT_COUNT)
        return error_set(error, ERROR_USAGE, "its message has no tensor %s of %d axes", name, num_axes);
    *layout = &entry->layout;
    return ERROR_NONE;
}

static enum error_kind read_shapes(struct problem *problem, const struct tensor_layout *q,
                                   const struct tensor_layout *k, struct error *error)
{
    const enum dtype of_keys = element_type_dtype(k->type);
    problem->dtype = element_type_dtype(q->type);
    bool fits = problem->dtype < DTYPE_COUNT && of_keys < DTYPE_COUNT_WITH_FP8 &&
                (of_keys == problem->dtype || kv_format_of(of_keys) != KV_AS_DTYPE);
    static const int64_t greatest[] = {PROBLEM_MAX_QUERIES, PROBLEM_MAX_HEADS, PROBLEM_MAX_DIM};
    for (int axis = 0; axis < 3; axis++)
        fits = fits && q->shape[axis] >= 1 && q->shape[axis] <= greatest[axis] && k->shape[axis] <= PROBLEM_MAX_KEYS;
    fits = fits && q->shape[0] * q->shape[1] <= PROBLEM_MAX_ROWS && k->shape[1] >= 1 && k->shape[2] == q->shape[2] &&
           q->shape[1] % k->shape[1] == 0;
    if (!fits)
        return error_set(error, ERROR_USAGE, "its message has q and k that do not belong together");
    problem->kv_format = kv_format_of(of_keys);
    problem->num_queries = (int)q->shape[0];
    problem->num_heads = (int)q->shape[1];
    problem->head_dim = (int)q->shape[2];
    problem->seq_len = k->shape[0];
    problem->num_kv_heads = (int)k->shape[1];
    return ERROR_NONE;
}

static enum error_kind read_positions(struct problem *problem, const struct tensor_archive *archive, int i,
                                      struct error *error)
{
    char position[MESSAGE_NAME_SIZE], offset[MESSAGE_NAME_SIZE];
    message_make_name(position, "q_position", i);
    message_make_name(offset, "kv_offset", i);
    problem->q_position = problem->seq_len - 1;
    enum error_kind kind = message_read_whole(&problem->q_position, archive, position, INT64_MIN, INT64_MAX, error);
    return kind ? kind : message_read_whole(&problem->kv_offset, archive, offset, INT64_MIN, INT64_MAX, error);
}

/* k of a sequence of so many keys, as if it were not in pages. */
static struct tensor_layout layout_of_sequence(const struct tensor_layout *pages, int64_t seq_len)
{
    return (struct tensor_layout){.type = pages->type,
                                  .num_axes = 3,
                                  .shape = {seq_len, pages->shape[2], pages->shape[3]},
                                  .num_elements = seq_len * pages->shape[2] * pages->shape[3]};
}

/* Every entry is one of a page that there is, and every sequence has as many keys as its pages have room for. */
static enum error_kind check_pages(const struct paged_cache *pages, int count, struct error *error)
{
    for (int64_t i = 0; i < (int64_t)count * pages->max_pages; i++)
        if (pages->block_table[i] < 0 || pages->block_table[i] >= pages->num_pages)
            return error_set(error, ERROR_USAGE, "its message has page %d in its block_table; allowed: 0 to %lld",
                             (int)pages->block_table[i], (long long)pages->num_pages - 1);
    for (int i = 0; i < count; i++)
        if (pages->seq_lens[i] < 0 || pages->seq_lens[i] > (int64_t)pages->max_pages * pages->page_size)
            return error_set(error, ERROR_USAGE, "its message has seq_lens %d; allowed: 0 to %lld, what its pages hold",
                             (int)pages->seq_lens[i], (long long)pages->max_pages * pages->page_size);
    return ERROR_NONE;
}

/* Where the pages are that were sent, if those are not all that there are. */
static enum error_kind read_page_ids(struct received_launch *launch, const struct tensor_archive *archive,
                                     struct error *error)
{
    struct paged_cache *pages = &launch->pages;
    const int64_t held = pages->num_pages;
    const struct tensor_layout layout = {.type = ELEMENT_I32, .num_axes = 1, .shape = {held}, .num_elements = held};
    void *ids = NULL;
    enum error_kind kind = take_tensor(&ids, launch, archive, "page_ids", -1, &layout, error);
    if (!kind)
        kind = message_read_whole(&pages->num_pages, archive, "num_pages", held, INT32_MAX, error);
    if (kind)
        return kind;
    pages->page_ids = ids;
    pages->num_held = held;
    for (int64_t i = 0; i < held; i++)
        if (pages->page_ids[i] < 0 || pages->page_ids[i] >= pages->num_pages)
            return error_set(error, ERROR_USAGE, "its message has page %d in its page_ids; allowed: 0 to %lld",
                             (int)pages->page_ids[i], (long long)pages->num_pages - 1);
    return ERROR_NONE;
}

/* The pages of a launch that has some. */
static enum error_kind read_pages(struct received_launch *launch, const struct tensor_archive *archive,
                                  struct error *error)
{
    const int64_t count = launch->sequences.count;
    const struct tensor_layout *pool, *table,
        lengths = {.type = ELEMENT_I32, .num_axes = 1, .shape = {count}, .num_elements = count};
    void *k = NULL, *v = NULL, *block_table = NULL, *seq_lens = NULL;
    enum error_kind kind = find_layout(&pool, archive, "k_pages", -1, 4, error);
    if (!kind)
        kind = find_layout(&table, archive, "block_table", -1, 2, error);
    if (kind)
        return kind;
    if (pool->shape[0] < 1 || pool->shape[0] > INT32_MAX || pool->shape[1] < 1 || pool->shape[1] > 65536 ||
        pool->shape[2] < 1 || pool->shape[3] < 1 || table->type != ELEMENT_I32 || table->shape[0] != count ||
        table->shape[1] < 1 || table->shape[1] > INT32_MAX)
        return error_set(error, ERROR_USAGE, "its message has k_pages and a block_table that do not belong together");
    kind = take_tensor(&k, launch, archive, "k_pages", -1, pool, error);
    if (!kind)
        kind = take_tensor(&v, launch, archive, "v_pages", -1, pool, error);
    if (!kind)
        kind = take_tensor(&block_table, launch, archive, "block_table", -1, table, error);
    if (!kind)
        kind = take_tensor(&seq_lens, launch, archive, "seq_lens", -1, &lengths, error);
    if (kind)
        return kind;
    launch->pages = (struct paged_cache){.k = k,
                                         .v = v,
                                         .num_pages = pool->shape[0],
                                         .page_size = (int)pool->shape[1],
                                         .max_pages = (int)table->shape[1],
                                         .block_table = block_table,
                                         .seq_lens = seq_lens};
    launch->sequences.pages = &launch->pages;
    if (has_tensor(archive, "page_ids", -1))
        kind = read_page_ids(launch, archive, error);
    return kind ? kind : check_pages(&launch->pages, (int)count, error);
}

/* The tensors of sequence i, whose number in names is `number`. */
static enum error_kind read_sequence(struct received_launch *launch, int i, int number,
                                     const struct tensor_archive *archive, struct error *error)
{
    struct problem *problem = &launch->problems[i];
    struct output *output = &launch->outputs[i];
    const struct tensor_layout *q, *k;
    void *of_q = NULL, *of_k = NULL, *of_v = NULL, *mask = NULL, *out = NULL, *lse = NULL;
    struct tensor_layout of_sequence;
    enum error_kind kind = find_layout(&q, archive, "q", number, 3, error);
    if (!kind)
        kind = find_layout(&k, archive, launch->sequences.pages ? "k_pages" : "k",
                           launch->sequences.pages ? -1 : number, launch->sequences.pages ? 4 : 3, error);
    if (!kind && launch->sequences.pages) {
        of_sequence = layout_of_sequence(k, launch->pages.seq_lens[i]);
        k = &of_sequence;
    }
    if (!kind)
        kind = read_shapes(problem, q, k, error);
    if (!kind)
        kind = read_positions(problem, archive, number, error);
    if (!kind)
        kind = take_tensor(&of_q, launch, archive, "q", number, q, error);
    if (!kind && !launch->sequences.pages)
        kind = take_tensor(&of_k, launch, archive, "k", number, k, error);
    if (!kind && !launch->sequences.pages)
        kind = take_tensor(&of_v, launch, archive, "v", number, k, error);
    if (kind)
        return kind;
    const struct tensor_layout keys = {
        .type = ELEMENT_U8, .num_axes = 1, .shape = {problem->seq_len}, .num_elements = problem->seq_len};
    struct tensor_layout rows = {.type = ELEMENT_F32,
                                 .num_axes = 2,
                                 .shape = {q->shape[0], q->shape[1]},
                                 .num_elements = q->shape[0] * q->shape[1]};
    if (has_tensor(archive, "mask", number))
        kind = take_tensor(&mask, launch, archive, "mask", number, &keys, error);
    if (!kind)
        kind = has_tensor(archive, "out", number)
                   ? take_tensor(&out, launch, archive, "out", number, q, error)
                   : allocate(&out, launch, tensor_layout_bytes(q), ZONE_OF_WHOLES, error);
    if (!kind)
        kind = has_tensor(archive, "lse", number)
                   ? take_tensor(&lse, launch, archive, "lse", number, &rows, error)
                   : allocate(&lse, launch, tensor_layout_bytes(&rows), ZONE_OF_WHOLES, error);
    problem->q = of_q;
    problem->k = of_k;
    problem->v = of_v;
    problem->visible = mask;
    *output = (struct output){out, lse};
    return kind;
}

static enum error_kind read_strides_of(struct tensor_strides *strides, const struct strided_shape *shape,
                                       const char *word, const char *key, struct error *error)
{
    int64_t *const numbers[] = {&strides->first, &strides->page, &strides->row, &strides->head};
    const char *end = word;
    bool fits = true;
    for (int i = 0; i < 4 && fits; i++) {
        char *stop;
        fits = *end >= '0' && *end <= '9';
        *numbers[i] = fits ? strtoll(end, &stop, 10) : 0;
        fits = fits && *stop == (i < 3 ? ',' : 0);
        end = fits && i < 3 ? stop + 1 : end;
    }
    if (fits && tensor_strides_fit(strides, shape))
        return ERROR_NONE;
    return message_refuse(error, key, word, "first,page,row,head in elements, rows that do not overlap");
}

/* Of sequence i: of all tensors, or of none. */
static enum error_kind read_strides(struct received_launch *launch, int i, int number,
                                    const struct tensor_archive *archive, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int tensor = 0; tensor < STRIDED_COUNT && !kind; tensor++) {
        char key[MESSAGE_NAME_SIZE];
        message_make_name(key, message_strides[tensor], number);
        const char *word = tensor_archive_metadata(archive, key);
        if (!word && !launch->sequences.strides)
            continue;
        if (!word || (!launch->sequences.strides && (i > 0 || tensor > 0)))
            return message_refuse(error, key, word, "strides of all tensors, or of none");
        const struct strided_shape shape =
            strided_shape(&launch->problems[i], launch->sequences.pages, (enum strided_tensor)tensor);
        launch->sequences.strides = launch->strides;
        kind = read_strides_of(&launch->strides[i].of[tensor], &shape, word, key, error);
        if (!kind && launch->sequences.pages && (tensor == STRIDED_K || tensor == STRIDED_V) &&
            memcmp(&launch->strides[i].of[tensor], &launch->strides[0].of[tensor], sizeof(struct tensor_strides)) != 0)
            kind = message_refuse(error, key, word, "those of the first sequence, as their pages are the same");
    }
    return kind;
}

/* Elements that k and v of sequence i span, all pages that there are included; 0: they overlap, or are too many. */
static int64_t elements_spanned(const struct received_launch *launch, int i)
{
    const struct paged_cache *pages = launch->sequences.pages;
    int64_t most = 1;
    for (enum strided_tensor tensor = STRIDED_K; tensor <= STRIDED_V; tensor++) {
        struct strided_shape shape = strided_shape(&launch->problems[i], pages, tensor);
        const struct tensor_strides *strides = &launch->strides[i].of[tensor];
        shape.pages = pages ? pages->num_pages : 1;
        if (!tensor_strides_fit(strides, &shape))
            return 0;
        const int64_t elements = (int64_t)(strided_bytes(strides, &shape) / dtypes[shape.dtype].size_bytes);
        most = elements > most ? elements : most;
    }
    return most;
}

/* Where k and v of sequence i are to lie far apart: how much is to be there for them. */
static enum error_kind read_far_elements(struct received_launch *launch, int i, int number,
                                         const struct tensor_archive *archive, struct error *error)
{
    static const char allowed[] = "with strides, what k and v span";
    char key[MESSAGE_NAME_SIZE];
    message_make_name(key, "far_elements", number);
    const char *word = tensor_archive_metadata(archive, key);
    if (!word && !(launch->sequences.pages && launch->sequences.pages->page_ids))
        return ERROR_NONE;
    const int64_t least = word && launch->sequences.strides ? elements_spanned(launch, i) : 0;
    return least == 0 ? message_refuse(error, key, word, allowed)
                      : message_read_whole(&launch->strides[i].far_elements, archive, key, least,
                                           (int64_t)1 << FAR_ELEMENTS_BITS, error);
}

/* What is the launch's own, into the first problem. */
static enum error_kind read_launch(struct received_launch *launch, const struct tensor_archive *archive,
                                   struct error *error)
{
    struct problem *first = launch->problems;
    double cap = 0;
    void *slopes = NULL, *sinks = NULL;
    const struct tensor_layout heads = {
        .type = ELEMENT_F32, .num_axes = 1, .shape = {first->num_heads}, .num_elements = first->num_heads};
    const char *where = tensor_archive_metadata(archive, "soft_cap_where");
    enum error_kind kind = message_read_float(&first->scale, archive, "scale", error);
    if (!kind)
        kind = message_read_float(&first->k_scale, archive, "k_scale", error);
    if (!kind)
        kind = message_read_float(&first->v_scale, archive, "v_scale", error);
    if (!kind)
        kind = message_read_real(&cap, archive, "soft_cap", error);
    if (!kind)
        kind = take_tensor(&slopes, launch, archive, "slopes", -1, &heads, error);
    if (!kind && has_tensor(archive, "sink_logits", -1))
        kind = take_tensor(&sinks, launch, archive, "sink_logits", -1, &heads, error);
    first->soft_cap_value = (float)cap;
    if (cap != 0)
        first->soft_cap = where && !strcmp(where, "after_bias") ? SOFT_CAP_AFTER_BIAS : SOFT_CAP_BEFORE_BIAS;
    first->slopes = slopes;
    first->sink_logits = sinks;
    return kind;
}

/* Every sequence has the launch's facts and the first one's shapes, but for seq_len. */
static enum error_kind share_facts(struct received_launch *launch, struct error *error)
{
    const struct problem *first = launch->problems;
    for (int i = 1; i < launch->sequences.count; i++) {
        struct problem *problem = &launch->problems[i];
        if (problem->num_queries != first->num_queries || problem->num_heads != first->num_heads ||
            problem->num_kv_heads != first->num_kv_heads || problem->head_dim != first->head_dim ||
            problem->dtype != first->dtype || problem->kv_format != first->kv_format)
            return error_set(error, ERROR_USAGE, "its message has sequences of several shapes");
        problem->scale = first->scale;
        problem->k_scale = first->k_scale;
        problem->v_scale = first->v_scale;
        problem->soft_cap = first->soft_cap;
        problem->soft_cap_value = first->soft_cap_value;
        problem->slopes = first->slopes;
        problem->sink_logits = first->sink_logits;
    }
    return ERROR_NONE;
}

enum error_kind message_read_launch(struct received_launch *launch, struct frame frame, struct error *error)
{
    struct tensor_archive archive;
    int64_t count = 1;
    *launch = (struct received_launch){.num_blocks = 0};
    enum error_kind kind = message_open(&archive, LAUNCH_FORMAT, &frame, error);
    if (!kind)
        kind = message_read_whole(&count, &archive, "sequences", 1, SEQUENCES_MAX, error);
    if (!kind) {
        launch->problems = calloc((size_t)count, sizeof *launch->problems);
        launch->outputs = calloc((size_t)count, sizeof *launch->outputs);
        launch->strides = calloc((size_t)count, sizeof *launch->strides);
        launch->memory = calloc((size_t)count * TENSORS_OF_SEQUENCE + TENSORS_OF_LAUNCH, sizeof *launch->memory);
        launch->sequences = (struct sequences){launch->problems, launch->outputs, (int)count, NULL, NULL, false};
        if (!launch->problems || !launch->outputs || !launch->strides || !launch->memory)
            kind = error_memory(error, "a launch", (double)count * sizeof *launch->problems);
    }
    if (!kind && has_tensor(&archive, "k_pages", -1))
        kind = read_pages(launch, &archive, error);
    for (int i = 0; i < count && !kind; i++) {
        kind = read_sequence(launch, i, count > 1 ? i : -1, &archive, error);
        if (!kind)
            kind = read_strides(launch, i, count > 1 ? i : -1, &archive, error);
        if (!kind)
            kind = read_far_elements(launch, i, count > 1 ? i : -1, &archive, error);
    }
    if (!kind)
        kind = read_launch(launch, &archive, error);
    if (!kind)
        kind = share_facts(launch, error);
    tensor_archive_close(&archive);
    frame_clear(&frame);
    return kind;
}

void received_launch_clear(struct received_launch *launch)
{
    for (size_t i = 0; i < launch->num_blocks; i++)
        free(launch->memory[i]);
    free(launch->memory);
    free(launch->problems);
    free(launch->outputs);
    free(launch->strides);
    *launch = (struct received_launch){.num_blocks = 0};
}
