#include "harness/report/file/record_content.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "harness/support/json_value.h"

static const char *const aside[] = {"seconds",        "build",    "device_name",  "launched",
                                    "launch_failure", "fidelity", "kernel_digest"};

bool record_content_hash(const json_t *record, uint64_t *hash)
{
    json_t *content = json_copy((json_t *)record); /* shallow: members are shared */
    for (size_t i = 0; content && i < sizeof aside / sizeof aside[0]; i++)
        json_object_del(content, aside[i]);
    char *text = content ? json_print(content, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(content);
    if (!text)
        return false;
    *hash = XXH64(text, strlen(text), 0);
    free(text);
    return true;
}
