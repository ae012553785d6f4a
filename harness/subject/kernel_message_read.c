/* What kernels say of themselves, and results, that were received (kernel_message.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/kernel_message.h"
#include "harness/subject/message_values.h"
#include "harness/subject/message_words.h"
#include "harness/support/text.h"

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
    return message_refuse(error, "takes", text, allowed);
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
            return message_refuse(error, key, text, allowed);
        numbers[(*count)++] = (int)number;
    }
    return ERROR_NONE;
}

/* 0 where the key is not there. */
static enum error_kind read_most_keys(int64_t *most, const struct tensor_archive *archive, struct error *error)
{
    const char *word = tensor_archive_metadata(archive, "max_seq_len");
    char *end;
    if (!word)
        return ERROR_NONE;
    errno = 0;
    *most = strtoll(word, &end, 10);
    if (!*word || *end || errno || *most < 1)
        return message_refuse(error, "max_seq_len", word, "a whole number from 1 on");
    return ERROR_NONE;
}

enum error_kind message_read_hello(struct kernel_hello *hello, struct frame frame, struct error *error)
{
    struct tensor_archive archive;
    struct foreign_kernel *kernel = &hello->kernel;
    memset(hello, 0, sizeof *hello); /* it is compared with memcmp */
    enum error_kind kind = message_open(&archive, HELLO_FORMAT, &frame, error);
    if (!kind)
        kind = message_read_word(kernel->name, sizeof kernel->name, &archive, "name", error);
    if (!kind)
        kind = message_read_word(kernel->about, sizeof kernel->about, &archive, "about", error);
    if (!kind)
        kind = message_read_word(kernel->device, sizeof kernel->device, &archive, "device", error);
    if (!kind)
        kind = message_read_word(kernel->digest, sizeof kernel->digest, &archive, "digest", error);
    if (!kind)
        kind = message_read_word(hello->failure, sizeof hello->failure, &archive, "error", error);
    if (!kind)
        kind = message_read_word(kernel->arithmetic, sizeof kernel->arithmetic, &archive, "arithmetic", error);
    if (!kind)
        kind = message_read_word(hello->far, sizeof hello->far, &archive, "far", error);
    const char *takes = kind ? NULL : tensor_archive_metadata(&archive, "takes");
    for (size_t size; takes && *takes && !kind; takes += size + (takes[size] == ',')) {
        size = strcspn(takes, ",");
        kind = read_ability(&kernel->takes, takes, size, error);
    }
    if (!kind)
        kind = read_numbers(kernel->head_dims, &kernel->num_head_dims, HEAD_DIMS_MAX, &archive, "head_dims", error);
    if (!kind)
        kind = read_numbers(kernel->page_sizes, &kernel->num_page_sizes, PAGE_SIZES_MAX, &archive, "page_sizes", error);
    if (!kind)
        kind = read_most_keys(&kernel->max_seq_len, &archive, error);
    if (!kind) {
        hello->audits = message_says(&archive, "audits");
        hello->keeps = message_says(&archive, "keeps");
    }
    tensor_archive_close(&archive);
    frame_clear(&frame);
    if (!kind && *hello->failure)
        kind = error_set(error, ERROR_USAGE, "%s cannot be run here: %s", *kernel->name ? kernel->name : "the kernel",
                         hello->failure);
    return kind ? kind : foreign_kernel_check(kernel, "its message", error);
}

static enum error_kind copy_outputs(const struct sequences *sequences, bool with_lse,
                                    const struct tensor_archive *archive, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < sequences->count && !kind; i++) {
        const struct problem *problem = &sequences->problems[i];
        const int64_t rows[] = {problem_queries(problem), problem->num_heads, problem->head_dim};
        int number = sequences->count > 1 ? i : -1;
        kind = message_copy_tensor(sequences->outputs[i].out, archive, "out", number,
                                   dtype_element_types[problem->dtype], 3, rows, error);
        if (!kind && with_lse)
            kind = message_copy_tensor(sequences->outputs[i].lse, archive, "lse", number, ELEMENT_F32, 2, rows, error);
    }
    return kind;
}

/* What a kernel can tell of its own failure. */
static enum error_kind read_how(struct kernel_result *result, const struct tensor_archive *archive, struct error *error)
{
    static const enum run_failure told[] = {RUN_FAILURE_REFUSAL, RUN_FAILURE_DEVICE, RUN_FAILURE_LEFTOVER};
    const char *word = tensor_archive_metadata(archive, "failure");
    result->how = RUN_FAILURE_REFUSAL;
    result->is_machines = word && !strcmp(word, MESSAGE_FAILURE_OF_MACHINE);
    if (!word || result->is_machines)
        return ERROR_NONE;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        if (!strcmp(word, run_failures[told[i]].name)) {
            result->how = told[i];
            return ERROR_NONE;
        }
    return message_refuse(error, "failure", word, "refusal, device, leftover, " MESSAGE_FAILURE_OF_MACHINE);
}

static enum error_kind read_stray(struct memory_stray *stray, const struct tensor_archive *archive, const char *name,
                                  const char *offset, const char *bytes, struct error *error)
{
    int64_t offset_bytes = 0, buffer_bytes = 0;
    enum error_kind kind = message_read_word(stray->name, sizeof stray->name, archive, name, error);
    if (!kind)
        kind = message_read_whole(&offset_bytes, archive, offset, INT64_MIN, INT64_MAX, error);
    if (!kind)
        kind = message_read_whole(&buffer_bytes, archive, bytes, 0, INT64_MAX, error);
    stray->offset_bytes = (ptrdiff_t)offset_bytes;
    stray->buffer_bytes = (size_t)buffer_bytes;
    return kind;
}

static enum error_kind read_audit(struct memory_audit *audit, const struct tensor_archive *archive, struct error *error)
{
    enum error_kind kind = read_stray(&audit->written, archive, "breached", "offset_bytes", "buffer_bytes", error);
    if (!kind)
        kind = read_stray(&audit->read, archive, "overread", "overread_offset_bytes", "overread_buffer_bytes", error);
    return kind ? kind : message_read_word(audit->changed, sizeof audit->changed, archive, "changed", error);
}

enum error_kind message_read_result(struct kernel_result *result, const struct sequences *sequences, bool with_lse,
                                    struct frame frame, struct error *error)
{
    struct tensor_archive archive;
    *result = (struct kernel_result){.seconds = -1};
    enum error_kind kind = message_open(&archive, RESULT_FORMAT, &frame, error);
    if (!kind)
        kind = message_read_real(&result->seconds, &archive, "seconds", error);
    if (!kind)
        kind = read_audit(&result->audit, &archive, error);
    result->ends = !kind && message_says(&archive, "ends");
    const char *failure = kind ? NULL : tensor_archive_metadata(&archive, "error");
    if (failure) {
        char *line = text_line(failure, sizeof result->failure / 4); /* of characters, which take up to four bytes */
        snprintf(result->failure, sizeof result->failure, "%s", line && *line ? line : "it does not say why");
        free(line);
        kind = read_how(result, &archive, error);
    } else if (!kind) {
        kind = copy_outputs(sequences, with_lse, &archive, error);
    }
    tensor_archive_close(&archive);
    frame_clear(&frame);
    return kind;
}
