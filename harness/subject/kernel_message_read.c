/* Messages that were received (kernel_message.h). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/kernel_message.h"
#include "harness/subject/message_words.h"
#include "harness/support/source.h"
#include "harness/support/tensor_file.h"
#include "harness/support/text.h"

enum { SEQUENCES_MAX = 4096 };

/* ---- reading: texts ---------------------------------------------------------------------------------------------- */

static enum error_kind refuse(struct error *error, const char *what, const char *given, const char *allowed)
{
    char quoted[QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "its message has %s %s; allowed: %s", what,
                     given ? quote(quoted, given, strlen(given)) : "nowhere", allowed);
}

static enum error_kind open_message(struct tensor_archive *archive, const char *format, int descriptor,
                                    struct error *error)
{
    enum error_kind kind = tensor_archive_take(archive, MESSAGE_NAME, descriptor, error);
    if (kind)
        return kind;
    const char *said = tensor_archive_metadata(archive, MESSAGE_FORMAT_KEY);
    return said && !strcmp(said, format) ? ERROR_NONE : refuse(error, "metadata \"alibicheck\"", said, format);
}

/* A finite number; *number stays what it is where the key is not there. */
static enum error_kind read_real(double *number, const struct tensor_archive *archive, const char *key,
                                 struct error *error)
{
    const char *text = tensor_archive_metadata(archive, key);
    char *end;
    if (!text)
        return ERROR_NONE;
    *number = strtod(text, &end);
    return *text && !*end && isfinite(*number) ? ERROR_NONE : refuse(error, key, text, "a finite number");
}

static enum error_kind read_float(float *number, const struct tensor_archive *archive, const char *key,
                                  struct error *error)
{
    double value = NAN;
    enum error_kind kind = read_real(&value, archive, key, error);
    *number = (float)value;
    return kind || isfinite(*number) ? kind : refuse(error, key, NULL, "a finite number");
}

static enum error_kind read_whole(int64_t *number, const struct tensor_archive *archive, const char *key, int64_t least,
                                  int64_t most, struct error *error)
{
    const char *text = tensor_archive_metadata(archive, key);
    char allowed[64], *end;
    if (!text)
        return ERROR_NONE;
    long long value = strtoll(text, &end, 10);
    snprintf(allowed, sizeof allowed, "a whole number, %lld to %lld", (long long)least, (long long)most);
    if (!*text || *end || value < least || value > most)
        return refuse(error, key, text, allowed);
    *number = value;
    return ERROR_NONE;
}

static enum error_kind read_word(char *word, size_t size, const struct tensor_archive *archive, const char *key,
                                 struct error *error)
{
    const char *text = tensor_archive_metadata(archive, key);
    char allowed[64];
    snprintf(allowed, sizeof allowed, "up to %zu characters, none of control", size - 1);
    for (const char *c = text; c && *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return refuse(error, key, text, allowed);
    if (text && strlen(text) >= size)
        return refuse(error, key, text, allowed);
    snprintf(word, size, "%s", text ? text : "");
    return ERROR_NONE;
}

static bool said_true(const struct tensor_archive *archive, const char *key)
{
    const char *text = tensor_archive_metadata(archive, key);
    return text && !strcmp(text, "true");
}

static enum error_kind read_ability(unsigned *takes, const char *word, size_t size, struct error *error)
{
    char text[MESSAGE_NAME_SIZE], allowed[MESSAGE_TEXT_SIZE] = "";
    size_t length = 0;
    snprintf(text, sizeof text, "%.*s", (int)size, word);
    for (int i = 0; i < ABILITY_COUNT; i++) {
        if (!strcmp(abilities[i].name, text)) {
            *takes |= abilities[i].bit;
            return ERROR_NONE;
        }
        length += (size_t)snprintf(allowed + length, sizeof allowed - length, "%s%s", i ? ", " : "", abilities[i].name);
    }
    return refuse(error, "takes", text, allowed);
}

/* Up to max whole numbers with commas between them, into numbers; none where the key is not there. */
static enum error_kind read_numbers(int *numbers, int *count, int max, const struct tensor_archive *archive,
                                    const char *key, struct error *error)
{
    const char *word = tensor_archive_metadata(archive, key);
    for (size_t size; word && *word; word += size + (word[size] == ',')) {
        char text[MESSAGE_NAME_SIZE], allowed[96], *end;
        size = strcspn(word, ",");
        snprintf(text, sizeof text, "%.*s", (int)size, word);
        snprintf(allowed, sizeof allowed, "up to %d whole numbers from 1 on, with commas between them", max);
        long number = strtol(text, &end, 10);
        if (!*text || *end || number < 1 || number > 65536 || *count == max)
            return refuse(error, key, text, allowed);
        numbers[(*count)++] = (int)number;
    }
    return ERROR_NONE;
}

enum error_kind message_read_hello(struct kernel_hello *hello, int descriptor, struct error *error)
{
    struct tensor_archive archive;
    struct foreign_kernel *kernel = &hello->kernel;
    memset(hello, 0, sizeof *hello); /* it is compared with memcmp */
    enum error_kind kind = open_message(&archive, HELLO_FORMAT, descriptor, error);
    if (!kind)
        kind = read_word(kernel->name, sizeof kernel->name, &archive, "name", error);
    if (!kind)
        kind = read_word(kernel->about, sizeof kernel->about, &archive, "about", error);
    if (!kind)
        kind = read_word(kernel->arithmetic, sizeof kernel->arithmetic, &archive, "arithmetic", error);
    const char *takes = kind ? NULL : tensor_archive_metadata(&archive, "takes");
    for (size_t size; takes && *takes && !kind; takes += size + (takes[size] == ',')) {
        size = strcspn(takes, ",");
        kind = read_ability(&kernel->takes, takes, size, error);
    }
    if (!kind)
        kind = read_numbers(kernel->head_dims, &kernel->num_head_dims, HEAD_DIMS_MAX, &archive, "head_dims", error);
    if (!kind)
        kind = read_numbers(kernel->page_sizes, &kernel->num_page_sizes, PAGE_SIZES_MAX, &archive, "page_sizes", error);
    if (!kind) {
        hello->audits = said_true(&archive, "audits");
        hello->keeps = said_true(&archive, "keeps");
    }
    tensor_archive_close(&archive);
    return kind ? kind : foreign_kernel_check(kernel, "its message", error);
}

/* ---- reading: tensors -------------------------------------------------------------------------------------------- */

/* Copies a tensor of exactly this type and shape. */
static enum error_kind copy_tensor(void *to, const struct tensor_archive *archive, const char *part, int i,
                                   enum element_type type, int num_axes, const int64_t *shape, struct error *error)
{
    char name[MESSAGE_NAME_SIZE], text[TENSOR_LAYOUT_TEXT_SIZE], expected[TENSOR_LAYOUT_TEXT_SIZE];
    struct tensor_layout wanted = {.type = type, .num_axes = num_axes};
    struct tensor_file tensor;
    message_make_name(name, part, i);
    memcpy(wanted.shape, shape, (size_t)num_axes * sizeof *shape);
    tensor_layout_text(expected, &wanted);
    const struct tensor_entry *entry = tensor_archive_find(archive, name);
    if (!entry)
        return error_set(error, ERROR_USAGE, "its message has no tensor %s; allowed: %s", name, expected);
    bool same = entry->layout.type == type && entry->layout.num_axes == num_axes &&
                !memcmp(entry->layout.shape, shape, (size_t)num_axes * sizeof *shape);
    if (!same)
        return error_set(error, ERROR_USAGE, "its message has %s as %s; allowed: %s", name,
                         entry->layout.type == ELEMENT_COUNT ? "numbers of no known type"
                                                             : tensor_layout_text(text, &entry->layout),
                         expected);
    enum error_kind kind = tensor_archive_tensor(&tensor, archive, entry, error);
    if (!kind && entry->size_bytes > 0)
        memcpy(to, tensor.elements, (size_t)entry->size_bytes);
    tensor_close(&tensor);
    return kind;
}

static enum error_kind copy_outputs(const struct sequences *sequences, bool with_lse,
                                    const struct tensor_archive *archive, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < sequences->count && !kind; i++) {
        const struct problem *problem = &sequences->problems[i];
        const int64_t rows[] = {problem_queries(problem), problem->num_heads, problem->head_dim};
        int number = sequences->count > 1 ? i : -1;
        kind = copy_tensor(sequences->outputs[i].out, archive, "out", number, message_type(problem->dtype), 3, rows,
                           error);
        if (!kind && with_lse)
            kind = copy_tensor(sequences->outputs[i].lse, archive, "lse", number, ELEMENT_F32, 2, rows, error);
    }
    return kind;
}

enum error_kind message_read_result(struct kernel_result *result, const struct sequences *sequences, bool with_lse,
                                    int descriptor, struct error *error)
{
    struct tensor_archive archive;
    *result = (struct kernel_result){.seconds = -1};
    enum error_kind kind = open_message(&archive, RESULT_FORMAT, descriptor, error);
    if (!kind)
        kind = read_real(&result->seconds, &archive, "seconds", error);
    if (!kind)
        kind = read_word(result->breached, sizeof result->breached, &archive, "breached", error);
    if (!kind)
        kind = read_word(result->changed, sizeof result->changed, &archive, "changed", error);
    if (!kind)
        kind = read_whole(&result->offset_bytes, &archive, "offset_bytes", INT64_MIN, INT64_MAX, error);
    if (!kind)
        kind = read_whole(&result->buffer_bytes, &archive, "buffer_bytes", 0, INT64_MAX, error);
    const char *failure = kind ? NULL : tensor_archive_metadata(&archive, "error");
    if (failure) {
        char *line = text_line(failure, sizeof result->failure / 4); /* of characters, which take up to four bytes */
        snprintf(result->failure, sizeof result->failure, "%s", line && *line ? line : "it does not say why");
        free(line);
    } else if (!kind) {
        kind = copy_outputs(sequences, with_lse, &archive, error);
    }
    tensor_archive_close(&archive);
    return kind;
}

/* ---- reading: launches ------------------------------------------------------------------------------------------- */

static enum error_kind allocate(void **memory, struct received_launch *launch, int64_t size_bytes, struct error *error)
{
    *memory = malloc((size_t)size_bytes + 1);
    if (!*memory)
        return error_memory(error, "a launch", (double)size_bytes);
    launch->memory[launch->num_blocks++] = *memory;
    return ERROR_NONE;
}

/* A tensor in new memory; its shape is the message's own, but for the last axes, which are `inner`. */
static enum error_kind take_tensor(void **to, struct received_launch *launch, const struct tensor_archive *archive,
                                   const char *part, int i, const struct tensor_layout *layout, struct error *error)
{
    enum error_kind kind = allocate(to, launch, tensor_layout_bytes(layout), error);
    return kind ? kind : copy_tensor(*to, archive, part, i, layout->type, layout->num_axes, layout->shape, error);
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

/* The dtype of an element type; false for what q, k and v are not made of. */
static bool find_dtype(enum dtype *dtype, enum element_type type)
{
    for (int d = 0; d < DTYPE_COUNT_WITH_FP8; d++)
        if (message_type((enum dtype)d) == type) {
            *dtype = (enum dtype)d;
            return true;
        }
    return false;
}

static enum error_kind read_shapes(struct problem *problem, const struct tensor_layout *q,
                                   const struct tensor_layout *k, struct error *error)
{
    static const enum kv_format formats[DTYPE_COUNT_WITH_FP8] = {
        [DTYPE_E4M3] = KV_E4M3, [DTYPE_E5M2] = KV_E5M2, [DTYPE_E4M3FNUZ] = KV_E4M3FNUZ};
    enum dtype of_keys = DTYPE_F32;
    bool fits = find_dtype(&problem->dtype, q->type) && problem->dtype < DTYPE_COUNT && find_dtype(&of_keys, k->type) &&
                (of_keys == problem->dtype || formats[of_keys] != KV_AS_DTYPE);
    for (int axis = 0; axis < 3; axis++)
        fits = fits && q->shape[axis] >= 1 && q->shape[axis] <= 1 << 20 && k->shape[axis] <= 1 << 30;
    fits = fits && k->shape[1] >= 1 && k->shape[2] == q->shape[2] && q->shape[1] % k->shape[1] == 0;
    if (!fits)
        return error_set(error, ERROR_USAGE, "its message has q and k that do not belong together");
    problem->kv_format = formats[of_keys];
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
    enum error_kind kind = read_whole(&problem->q_position, archive, position, INT64_MIN, INT64_MAX, error);
    return kind ? kind : read_whole(&problem->kv_offset, archive, offset, INT64_MIN, INT64_MAX, error);
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
    return check_pages(&launch->pages, (int)count, error);
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
        kind = has_tensor(archive, "out", number) ? take_tensor(&out, launch, archive, "out", number, q, error)
                                                  : allocate(&out, launch, tensor_layout_bytes(q), error);
    if (!kind)
        kind = has_tensor(archive, "lse", number) ? take_tensor(&lse, launch, archive, "lse", number, &rows, error)
                                                  : allocate(&lse, launch, tensor_layout_bytes(&rows), error);
    problem->q = of_q;
    problem->k = of_k;
    problem->v = of_v;
    problem->visible = mask;
    *output = (struct output){out, lse};
    return kind;
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
    enum error_kind kind = read_float(&first->scale, archive, "scale", error);
    if (!kind)
        kind = read_float(&first->k_scale, archive, "k_scale", error);
    if (!kind)
        kind = read_float(&first->v_scale, archive, "v_scale", error);
    if (!kind)
        kind = read_real(&cap, archive, "soft_cap", error);
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

enum error_kind message_read_launch(struct received_launch *launch, int descriptor, struct error *error)
{
    struct tensor_archive archive;
    int64_t count = 1;
    *launch = (struct received_launch){.num_blocks = 0};
    enum error_kind kind = open_message(&archive, LAUNCH_FORMAT, descriptor, error);
    if (!kind)
        kind = read_whole(&count, &archive, "sequences", 1, SEQUENCES_MAX, error);
    if (!kind) {
        launch->problems = calloc((size_t)count, sizeof *launch->problems);
        launch->outputs = calloc((size_t)count, sizeof *launch->outputs);
        launch->memory = calloc((size_t)count * TENSORS_OF_SEQUENCE + TENSORS_OF_LAUNCH, sizeof *launch->memory);
        launch->sequences = (struct sequences){launch->problems, launch->outputs, (int)count, NULL};
        if (!launch->problems || !launch->outputs || !launch->memory)
            kind = error_memory(error, "a launch", (double)count * sizeof *launch->problems);
    }
    if (!kind && has_tensor(&archive, "k_pages", -1))
        kind = read_pages(launch, &archive, error);
    for (int i = 0; i < count && !kind; i++)
        kind = read_sequence(launch, i, count > 1 ? i : -1, &archive, error);
    if (!kind)
        kind = read_launch(launch, &archive, error);
    if (!kind)
        kind = share_facts(launch, error);
    tensor_archive_close(&archive);
    return kind;
}

void received_launch_clear(struct received_launch *launch)
{
    for (size_t i = 0; i < launch->num_blocks; i++)
        free(launch->memory[i]);
    free(launch->memory);
    free(launch->problems);
    free(launch->outputs);
    *launch = (struct received_launch){.num_blocks = 0};
}
