#include <string.h>

#include <xxhash.h>

#include "harness/report/record/record.h"

void run_points_add(struct run_points *run, const char *key, uint64_t digest)
{
    run->digest = XXH64(key, strlen(key), run->digest);
    run->digest = XXH64(&digest, sizeof digest, run->digest);
    run->count++;
}
