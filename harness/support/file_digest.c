#include "harness/support/file_digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <xxhash.h>

bool file_digest(char *digest, const char *path)
{
    char bytes[1 << 14];
    FILE *file = fopen(path, "re");
    XXH64_state_t *state = file ? XXH64_createState() : NULL;
    bool done = state && XXH64_reset(state, 0) == XXH_OK;
    for (size_t count = 1; done && count > 0;) {
        count = fread(bytes, 1, sizeof bytes, file);
        done = XXH64_update(state, bytes, count) == XXH_OK;
    }
    done = done && !ferror(file);
    if (done)
        snprintf(digest, FILE_DIGEST_SIZE, "%016" PRIx64, (uint64_t)XXH64_digest(state));
    XXH64_freeState(state);
    if (file)
        fclose(file);
    return done;
}

bool is_file_digest(const char *text)
{
    const size_t length = strlen(text);
    return length == FILE_DIGEST_SIZE - 1 && strspn(text, "0123456789abcdef") == length;
}
