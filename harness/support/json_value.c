#include "harness/support/json_value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/support/text.h"

json_t *json_from_double(double value)
{
    if (isnan(value))
        return json_string("nan");
    if (isinf(value))
        return json_string(value > 0 ? "inf" : "-inf");
    return json_real(value);
}

json_t *json_from_text(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    char *clean = text_clean(text);
    string = clean ? json_string(clean) : NULL;
    free(clean);
    return string;
}

json_t *json_from_digest(uint64_t digest)
{
    char text[17];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)digest);
    return json_string(text);
}

json_t *json_from_time(time_t time)
{
    struct tm utc;
    char text[32];
    if (time == 0 || !gmtime_r(&time, &utc) || !strftime(text, sizeof text, "%FT%TZ", &utc))
        return json_null();
    return json_string(text);
}

json_t *json_from_unsigned(uint64_t value)
{
    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return json_string(text);
}

bool json_put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

json_t *json_finish(json_t *object, bool complete)
{
    if (complete)
        return object;
    json_decref(object);
    return NULL;
}

char *json_print(const json_t *value, size_t flags)
{
    enum { FIRST_BYTES = 1 << 14 };
    size_t room = FIRST_BYTES, size = 0;
    for (;; room = size) {
        char *text = malloc(room + 1);
        if (text)
            size = json_dumpb(value, text, room, flags); /* what the whole takes */
        if (text && size > 0 && size <= room) {
            text[size] = 0;
            return text;
        }
        free(text);
        if (!text || size == 0)
            return NULL;
    }
}
