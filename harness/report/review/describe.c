#include "harness/report/review/describe.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/number.h"
#include "harness/support/text_stream.h"

enum { LISTED_MAX = 8 };

static bool is_kind(const char *name)
{
    return strcmp(name, "distribution") == 0 || strcmp(name, "version") == 0;
}

static void describe_into(FILE *stream, const json_t *value)
{
    char text[NUMBER_TEXT_MAX];
    const char *name;
    json_t *member;
    bool first = true;
    if (json_is_string(value))
        fputs(json_string_value(value), stream);
    else if (json_is_number(value))
        fputs(format_double(text, json_number_value(value)), stream);
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "yes" : "no", stream);
    else if (json_array_size(value) > LISTED_MAX)
        fprintf(stream, "%zu values", json_array_size(value));
    for (size_t i = 0; i < json_array_size(value) && json_array_size(value) <= LISTED_MAX; i++) {
        fputs(i ? " " : "", stream);
        describe_into(stream, json_array_get(value, i));
    }
    /* An object begins with what it is a kind of, or a version: "normal, mean=0". */
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        if (!first)
            fputs(", ", stream);
        if (!is_kind(name))
            fprintf(stream, "%s=", name);
        describe_into(stream, member);
        first = false;
    }
}

char *describe_json(const json_t *value)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = text_stream_open(&text, &size);
    if (!stream)
        return NULL;
    describe_into(stream, value);
    bool written = !ferror(stream);
    if (fclose(stream) == 0 && written)
        return text;
    free(text);
    return NULL;
}
