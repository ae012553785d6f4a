#include "harness/report/compare/problem_text.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "harness/report/file/record_file.h"
#include "harness/support/json_value.h"
#include "harness/support/text_stream.h"

/* Numbers that are not whole by their nature are real where a tool that filtered records has printed 8.0 as 8, too. */
enum numbers { AS_THEY_ARE, REAL };

/* What a record was stated without, as older ones are, is as usual. */
static const struct part {
    const char *name, *usual;
    enum numbers numbers;
} parts[] = {
    /* the shape, and what tensors are stored in */
    {"seq_len", "", AS_THEY_ARE},
    {"num_heads", "", AS_THEY_ARE},
    {"num_kv_heads", "", AS_THEY_ARE},
    {"head_dim", "", AS_THEY_ARE},
    {"num_queries", "1", AS_THEY_ARE},
    {"dtype", "", AS_THEY_ARE},
    {"kv_dtype", "", AS_THEY_ARE},
    {"k_scale", "1.0", REAL},
    {"v_scale", "1.0", REAL},
    /* what is computed */
    {"scale", "", REAL},
    {"slopes", "", REAL},
    {"max_bias", "", REAL},
    {"head_offset", "0", AS_THEY_ARE},
    {"total_heads", "", AS_THEY_ARE},
    {"soft_cap", "", REAL},
    {"sink_logits", "", REAL},
    {"q_position", "", AS_THEY_ARE},
    {"kv_offset", "0", AS_THEY_ARE},
    {"mask", "", AS_THEY_ARE},
    /* what it is drawn from, or was given by */
    {"input", "", REAL},
    {"seed", "", AS_THEY_ARE},
    {"workload", "", AS_THEY_ARE},
    {"sample.sequences", "", AS_THEY_ARE},
    /* where keys lie, and what is launched beside them */
    {"page_size", "0", AS_THEY_ARE},
    {"page_seed", "0", AS_THEY_ARE},
    {"pool_pages", "0", AS_THEY_ARE},
    {"batch", "", AS_THEY_ARE},
    {"sequence", "", AS_THEY_ARE},
    {"shared_prefix", "0", AS_THEY_ARE},
};

enum { NAME_SIZE = 128, LIST_SHOWN = 4 };

static void put(FILE *stream, const char *name, const char *text, const char *usual)
{
    if (strcmp(text, usual) != 0)
        fprintf(stream, "%s%s=%s", ftello(stream) > 0 ? "," : "", name, text);
}

/* Short lists whole, of long ones how many they are and a hash. */
static bool put_list(FILE *stream, const char *name, const json_t *list)
{
    char *text = json_print(list, JSON_COMPACT | JSON_PRINT_FLAGS), hashed[64];
    if (!text)
        return false;
    for (char *c = text; *c; c++) /* a comma ends a part */
        if (*c == ',')
            *c = ';';
    snprintf(hashed, sizeof hashed, "[%zu of %016" PRIx64 "]", json_array_size(list),
             (uint64_t)XXH64(text, strlen(text), 0));
    put(stream, name, json_array_size(list) > LIST_SHOWN ? hashed : text, "");
    free(text);
    return true;
}

/* The number, or a list's numbers, as records have those that are not whole: 8.0. A new reference, or NULL. */
static json_t *as_real(const json_t *value)
{
    if (json_is_integer(value))
        return json_real((double)json_integer_value(value));
    if (!json_is_array(value))
        return json_incref((json_t *)(uintptr_t)value);
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(value) && list; i++)
        if (json_array_append_new(list, as_real(json_array_get(value, i))) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static bool put_value(FILE *stream, const char *name, const json_t *value, const char *usual)
{
    if (!value || json_is_null(value))
        return true;
    if (json_is_array(value))
        return put_list(stream, name, value);
    const char *string = json_string_value(value);
    char *text = string ? strdup(string) : json_print(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_PRINT_FLAGS);
    if (text)
        put(stream, name, text, usual);
    free(text);
    return text;
}

static bool put_number(FILE *stream, const char *name, const json_t *value, const char *usual, enum numbers numbers)
{
    json_t *number = numbers == REAL ? as_real(value) : NULL;
    bool complete = (numbers != REAL || number || !value) && put_value(stream, name, number ? number : value, usual);
    json_decref(number);
    return complete;
}

/* An object by its members, which no record nests. */
static bool put_part(FILE *stream, const struct part *part, const json_t *value)
{
    const char *member;
    json_t *of_member;
    if (!json_is_object(value))
        return put_number(stream, part->name, value, part->usual, part->numbers);
    json_object_foreach((json_t *)(uintptr_t)value, member, of_member)
    {
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "%s.%s", part->name, member);
        if (!put_number(stream, name, of_member, "", part->numbers))
            return false;
    }
    return true;
}

char *problem_text(const json_t *record)
{
    char *text = NULL;
    size_t size;
    FILE *stream = text_stream_open(&text, &size);
    bool complete = stream;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && complete; i++)
        complete = put_part(stream, &parts[i], record_at(record, parts[i].name));
    complete = stream && fclose(stream) == 0 && complete;
    if (complete)
        return text;
    free(text);
    return NULL;
}

/* Whether part[0, length) is "NAME=USUAL". */
static bool is_usual(const char *part, size_t length)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const size_t name = strlen(parts[i].name), usual = strlen(parts[i].usual);
        if (usual > 0 && length == name + 1 + usual && memcmp(part, parts[i].name, name) == 0 && part[name] == '=' &&
            memcmp(part + name + 1, parts[i].usual, usual) == 0)
            return true;
    }
    return false;
}

char *problem_text_as_now(const char *text)
{
    char *now = calloc(strlen(text) + 1, 1), *end = now;
    while (now && *text) {
        const size_t length = strcspn(text, ",");
        if (!is_usual(text, length)) {
            if (end > now)
                *end++ = ',';
            memcpy(end, text, length);
            end += length;
        }
        text += length + (text[length] == ',');
    }
    return now;
}
