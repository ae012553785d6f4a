#include "harness/report/record_content.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

static const char *const aside[] = {"seconds", "build", "device_name"};

static bool has_all_of(const json_t *build, const json_t *other)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)build, name,
                        value) if (strcmp(name, "time") != 0 &&
                                   !json_equal(json_object_get(other, name), value)) return false;
    return true;
}

bool record_builds_equal(const json_t *a, const json_t *b)
{
    return json_is_object(a) && json_is_object(b) && has_all_of(a, b) && has_all_of(b, a);
}

bool record_content_hash(const json_t *record, uint64_t *hash)
{
    json_t *content = json_copy((json_t *)record); /* shallow: members are shared */
    for (size_t i = 0; content && i < sizeof aside / sizeof aside[0]; i++)
        json_object_del(content, aside[i]);
    char *text = content ? json_dumps(content, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(content);
    if (!text)
        return false;
    *hash = XXH64(text, strlen(text), 0);
    free(text);
    return true;
}
