#include "harness/subject/message_values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/message_words.h"
#include "harness/support/source.h"

enum error_kind message_refuse(struct error *error, const char *what, const char *given, const char *allowed)
{
    char quoted[QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "its message has %s %s; allowed: %s", what,
                     given ? quote(quoted, given, strlen(given)) : "nowhere", allowed);
}

enum error_kind message_open(struct tensor_archive *archive, const char *format, const struct frame *frame,
                             struct error *error)
{
    enum error_kind kind = tensor_archive_in_memory(archive, MESSAGE_NAME, frame->bytes, frame->size, error);
    if (kind)
        return kind;
    const char *said = tensor_archive_metadata(archive, MESSAGE_FORMAT_KEY);
    return said && !strcmp(said, format) ? ERROR_NONE : message_refuse(error, "metadata \"alibicheck\"", said, format);
}

enum error_kind message_read_real(double *number, const struct tensor_archive *archive, const char *key,
                                  struct error *error)
{
    const char *text = tensor_archive_metadata(archive, key);
    char *end;
    if (!text)
        return ERROR_NONE;
    *number = strtod(text, &end);
    return *text && !*end && isfinite(*number) ? ERROR_NONE : message_refuse(error, key, text, "a finite number");
}

enum error_kind message_read_float(float *number, const struct tensor_archive *archive, const char *key,
                                   struct error *error)
{
    double value = NAN;
    enum error_kind kind = message_read_real(&value, archive, key, error);
    *number = (float)value;
    return kind || isfinite(*number) ? kind : message_refuse(error, key, NULL, "a finite number");
}

enum error_kind message_read_whole(int64_t *number, const struct tensor_archive *archive, const char *key,
                                   int64_t least, int64_t most, struct error *error)
{
    const char *text = tensor_archive_metadata(archive, key);
    char allowed[64], *end;
    if (!text)
        return ERROR_NONE;
    long long value = strtoll(text, &end, 10);
    snprintf(allowed, sizeof allowed, "a whole number, %lld to %lld", (long long)least, (long long)most);
    if (!*text || *end || value < least || value > most)
        return message_refuse(error, key, text, allowed);
    *number = value;
    return ERROR_NONE;
}

enum error_kind message_read_word(char *word, size_t size, const struct tensor_archive *archive, const char *key,
                                  struct error *error)
{
    const char *text = tensor_archive_metadata(archive, key);
    char allowed[64];
    snprintf(allowed, sizeof allowed, "up to %zu characters, none of control", size - 1);
    for (const char *c = text; c && *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return message_refuse(error, key, text, allowed);
    if (text && strlen(text) >= size)
        return message_refuse(error, key, text, allowed);
    snprintf(word, size, "%s", text ? text : "");
    return ERROR_NONE;
}

bool message_says(const struct tensor_archive *archive, const char *key)
{
    const char *text = tensor_archive_metadata(archive, key);
    return text && !strcmp(text, "true");
}

enum error_kind message_copy_tensor(void *to, const struct tensor_archive *archive, const char *part, int i,
                                    enum element_type type, int num_axes, const int64_t *shape, struct error *error)
{
    char name[MESSAGE_NAME_SIZE], text[TENSOR_LAYOUT_TEXT_SIZE], expected[TENSOR_LAYOUT_TEXT_SIZE];
    struct tensor_layout wanted = {.type = type, .num_axes = num_axes};
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
    return entry->size_bytes > 0 ? tensor_archive_copy(to, archive, entry, error) : ERROR_NONE;
}
