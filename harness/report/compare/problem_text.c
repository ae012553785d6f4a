#include "harness/report/compare/problem_text.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "harness/report/file/record_file.h"
#include "harness/support/json_value.h"

/* What a record was stated without, as older ones are, is as usual. */
static const struct part {
    const char *name, *usual;
} parts[] = {
    /* the shape, and what tensors are stored in */
    {"seq_len", ""},
    {"num_heads", ""},
    {"num_kv_heads", ""},
    {"head_dim", ""},
    {"num_queries", "1"},
    {"dtype", ""},
    {"kv_dtype", ""},
    {"k_scale", "1"},
    {"v_scale", "1"},
    /* what is computed */
    {"scale", ""},
    {"slopes", ""},
    {"max_bias", ""},
    {"head_offset", "0"},
    {"total_heads", ""},
    {"soft_cap", ""},
    {"sink_logits", ""},
    {"q_position", ""},
    {"kv_offset", "0"},
    {"mask", ""},
    /* what it is drawn from, or was given by */
    {"input", ""},
    {"seed", ""},
    {"workload", ""},
    {"sample.sequences", ""},
    /* where keys lie, and what is launched beside them */
    {"page_size", "0"},
    {"page_seed", "0"},
    {"pool_pages", "0"},
    {"batch", ""},
    {"sequence", ""},
    {"shared_prefix", "0"},
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

/* An object by its members, which no record nests. */
static bool put_part(FILE *stream, const struct part *part, const json_t *value)
{
    const char *member;
    json_t *of_member;
    if (!json_is_object(value))
        return put_value(stream, part->name, value, part->usual);
    json_object_foreach((json_t *)(uintptr_t)value, member, of_member)
    {
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "%s.%s", part->name, member);
        if (!put_value(stream, name, of_member, ""))
            return false;
    }
    return true;
}

char *problem_text(const json_t *record)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    bool complete = stream;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && complete; i++)
        complete = put_part(stream, &parts[i], record_at(record, parts[i].name));
    complete = stream && fclose(stream) == 0 && complete;
    if (complete)
        return text;
    free(text);
    return NULL;
}
