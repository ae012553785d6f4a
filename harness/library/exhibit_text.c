#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/library/exhibit_reading.h"
#include "harness/support/number.h"

const char exhibit_written[] = "what --bundle-without-kv wrote";

enum error_kind exhibit_refuse(const struct exhibit_reading *reading, const char *key, const char *allowed,
                               struct error *error)
{
    char quoted[QUOTE_SIZE];
    const char *text = tensor_archive_metadata(&reading->archive, key);
    if (!text)
        return error_set(error, ERROR_USAGE, "%s: has no %s; allowed: %s", reading->path, key, reading->written);
    return error_set(error, ERROR_USAGE, "%s: %s is %s; allowed: %s", reading->path, key,
                     quote(quoted, text, strlen(text)), allowed);
}

enum error_kind exhibit_read_whole(const struct exhibit_reading *reading, const char *key, int64_t least,
                                   int64_t greatest, int64_t *number, struct error *error)
{
    const char *text = tensor_archive_metadata(&reading->archive, key);
    char allowed[64];
    uint64_t magnitude = 0;
    int negative = 0;
    bool sound =
        text && number_parse_whole(text, strlen(text), &magnitude, &negative) == VALUE_SOUND && magnitude <= INT64_MAX;
    *number = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (sound && *number >= least && *number <= greatest)
        return ERROR_NONE;
    snprintf(allowed, sizeof allowed, "%" PRId64 " to %" PRId64, least, greatest);
    return exhibit_refuse(reading, key, allowed, error);
}

enum error_kind exhibit_read_float(const struct exhibit_reading *reading, const char *key, float *number,
                                   struct error *error)
{
    const char *text = tensor_archive_metadata(&reading->archive, key);
    return text && number_parse_float(text, strlen(text), number) == VALUE_SOUND
               ? ERROR_NONE
               : exhibit_refuse(reading, key, "a number that f32 holds", error);
}

/* A number of 0 or more, or infinity. */
enum error_kind exhibit_read_size(const struct exhibit_reading *reading, const char *key, double *number,
                                  struct error *error)
{
    const char *text = tensor_archive_metadata(&reading->archive, key);
    *number = INFINITY;
    if (text && !strcmp(text, "inf"))
        return ERROR_NONE;
    return text && number_parse(text, strlen(text), number) == VALUE_SOUND && *number >= 0
               ? ERROR_NONE
               : exhibit_refuse(reading, key, "a number of 0 or more, or inf", error);
}

enum error_kind exhibit_read_digest(const struct exhibit_reading *reading, const char *key, uint64_t *digest,
                                    struct error *error)
{
    const char *text = tensor_archive_metadata(&reading->archive, key);
    if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        return exhibit_refuse(reading, key, "16 hexadecimal digits", error);
    *digest = strtoull(text, NULL, 16);
    return ERROR_NONE;
}

/* The index of one of several names. */
enum error_kind exhibit_read_choice(const struct exhibit_reading *reading, const char *key, const char *const *names,
                                    int count, int *choice, struct error *error)
{
    const char *text = tensor_archive_metadata(&reading->archive, key);
    char allowed[256] = "";
    size_t length = 0;
    for (*choice = 0; text && *choice < count && strcmp(text, names[*choice]) != 0;)
        ++*choice;
    if (text && *choice < count)
        return ERROR_NONE;
    for (int i = 0; i < count && length < sizeof allowed; i++)
        length += (size_t)snprintf(allowed + length, sizeof allowed - length, "%s%s", i ? ", " : "", names[i]);
    return exhibit_refuse(reading, key, allowed, error);
}

/* A copy of a text that may be missing: *copy is then NULL. */
enum error_kind exhibit_read_name(const struct exhibit_reading *reading, const char *key, char **copy,
                                  struct error *error)
{
    const char *text = tensor_archive_metadata(&reading->archive, key);
    if (!text)
        return ERROR_NONE;
    if (!*text || !exhibit_text_is_plain(text))
        return exhibit_refuse(reading, key, "one line of text", error);
    *copy = strdup(text);
    return *copy ? ERROR_NONE : error_memory(error, "a name", (double)strlen(text));
}

enum error_kind exhibit_read_arithmetic(const struct exhibit_reading *reading, struct exhibit_arithmetic *arithmetic,
                                        struct error *error)
{
    *arithmetic = (struct exhibit_arithmetic){.recipe = NULL};
    enum error_kind kind = exhibit_read_name(reading, "recipe", &arithmetic->recipe, error);
    if (kind || !arithmetic->recipe)
        return kind;
    kind = exhibit_read_name(reading, "kernel", &arithmetic->kernel, error);
    if (!kind)
        kind = exhibit_read_name(reading, "recipe_keys", &arithmetic->recipe_keys, error);
    if (!kind)
        kind = exhibit_read_digest(reading, "recipe_digest", &arithmetic->recipe_digest, error);
    if (!kind && tensor_archive_metadata(&reading->archive, "chunk_len"))
        kind = exhibit_read_whole(reading, "chunk_len", 1, 1 << 30, &arithmetic->chunk_len, error);
    if (!kind && !arithmetic->kernel)
        kind = exhibit_refuse(reading, "kernel", reading->written, error);
    if (!kind && (!arithmetic->recipe_keys || arithmetic->recipe_keys[0] != '{'))
        kind = exhibit_refuse(reading, "recipe_keys", "{KEY: VALUE, ...}", error);
    return kind;
}

enum error_kind exhibit_read_mode(const struct exhibit_reading *reading, enum judge_mode *mode, double *budget,
                                  struct error *error)
{
    int choice;
    enum error_kind kind = exhibit_read_choice(reading, "judge", judge_mode_names, JUDGE_MODE_COUNT, &choice, error);
    if (kind)
        return kind;
    *mode = (enum judge_mode)choice;
    if (*mode == JUDGE_TOLERANCE)
        return ERROR_NONE;
    const char *text = tensor_archive_metadata(&reading->archive, "budget");
    return text && number_parse(text, strlen(text), budget) == VALUE_SOUND && *budget > 0
               ? ERROR_NONE
               : exhibit_refuse(reading, "budget", "a number above 0", error);
}
