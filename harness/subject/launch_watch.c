#include "harness/subject/launch_watch.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL /* compiled for our instruction set: three times as fast as the library's SSE2 */
#include <xxhash.h>

/* ---- digests ----------------------------------------------------------------------------------------------------- */

static size_t row_bytes(const struct problem *problem)
{
    return (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
}

static size_t num_rows(const struct problem *problem)
{
    return (size_t)problem->seq_len * (size_t)problem->num_kv_heads;
}

/* Whether an output has more than WATCH_NUMBERS different numbers, by its first elements. */
static bool tells_something(const struct problem *problem, const void *out)
{
    enum { LOOKED_AT = 1024 };
    const size_t element = dtypes[problem->dtype].size_bytes, count = (size_t)problem_elements(problem);
    const char *seen[WATCH_NUMBERS];
    int num_seen = 0;
    for (size_t i = 0; i < count && i < LOOKED_AT; i++) {
        const char *bytes = (const char *)out + i * element;
        int s = 0;
        while (s < num_seen && memcmp(seen[s], bytes, element) != 0)
            s++;
        if (s < num_seen)
            continue;
        if (num_seen == WATCH_NUMBERS)
            return true;
        seen[num_seen++] = bytes;
    }
    return false;
}

static void digest_out(uint64_t digest[2], const struct problem *problem, const void *out)
{
    const size_t bytes = (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes;
    const uint64_t shape[] = {(uint64_t)problem_queries(problem), (uint64_t)problem->num_heads,
                              (uint64_t)problem->head_dim, (uint64_t)problem->dtype};
    const XXH128_hash_t hash = XXH3_128bits_withSeed(out, bytes, XXH3_64bits(shape, sizeof shape));
    digest[0] = hash.low64;
    digest[1] = hash.high64;
}

/* [num_rows], NULL where memory is short: then nothing is remembered. */
static uint32_t *hash_rows(const struct problem *problem)
{
    const size_t count = num_rows(problem), bytes = row_bytes(problem);
    uint32_t *hashes = malloc(count * sizeof *hashes);
    for (size_t row = 0; hashes && row < count; row++)
        hashes[row] = (uint32_t)XXH3_64bits((const char *)problem->v + row * bytes, bytes);
    return hashes;
}

/* ---- whether two have a row in common ---------------------------------------------------------------------------- */

static int compare_hashes(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static uint32_t *sorted(const struct watched_launch *launch)
{
    uint32_t *copy = malloc(launch->num_rows * sizeof *copy);
    if (copy) {
        memcpy(copy, launch->row_hashes, launch->num_rows * sizeof *copy);
        qsort(copy, launch->num_rows, sizeof *copy, compare_hashes);
    }
    return copy;
}

/* False where it cannot be told. */
static bool has_other_rows(const struct watched_launch *one, const struct watched_launch *other)
{
    uint32_t *a = sorted(one), *b = sorted(other);
    size_t i = 0, j = 0;
    bool differ = a && b;
    while (differ && i < one->num_rows && j < other->num_rows) {
        differ = a[i] != b[j];
        if (a[i] < b[j])
            i++;
        else
            j++;
    }
    free(a);
    free(b);
    return differ;
}

/* ---- what is remembered ------------------------------------------------------------------------------------------ */

static struct watched_launch *find(const struct launch_watch *watch, const struct watched_launch *like)
{
    for (int i = 0; i < WATCH_LAUNCHES; i++) {
        const struct watched_launch *launch = &watch->launches[i];
        if (launch->number && launch->out[0] == like->out[0] && launch->out[1] == like->out[1])
            return (struct watched_launch *)(uintptr_t)launch;
    }
    return NULL;
}

/* A place for another one: an empty one, else the oldest of those that are not known to be right, else the oldest. */
static struct watched_launch *make_place(struct launch_watch *watch)
{
    struct watched_launch *place = watch->launches;
    for (int i = 1; i < WATCH_LAUNCHES; i++) {
        struct watched_launch *launch = &watch->launches[i];
        const bool sooner = launch->is_right == place->is_right ? launch->number < place->number : !launch->is_right;
        if (place->number && (sooner || !launch->number))
            place = launch;
    }
    free(place->row_hashes);
    return place;
}

static void forget(struct launch_watch *watch)
{
    for (int i = 0; i < WATCH_LAUNCHES; i++) {
        free(watch->launches[i].row_hashes);
        watch->launches[i] = (struct watched_launch){.number = 0};
    }
}

static void remember(struct launch_watch *watch, const struct problem *problem, const void *out)
{
    struct watched_launch launch = {.number = ++watch->num_launches, .num_rows = num_rows(problem)};
    if (launch.num_rows == 0 || launch.num_rows > WATCH_ROWS || !tells_something(problem, out))
        return;
    launch.row_hashes = hash_rows(problem);
    if (!launch.row_hashes)
        return;
    launch.v = XXH3_64bits(launch.row_hashes, launch.num_rows * sizeof *launch.row_hashes);
    digest_out(launch.out, problem, out);
    const struct watched_launch *before = find(watch, &launch);
    watch->last = launch.number;
    if (!before) {
        *make_place(watch) = launch;
        return;
    }
    if (before->v == launch.v && before->num_rows == launch.num_rows)
        watch->last = before->number;
    else if (has_other_rows(before, &launch))
        watch->repeats = before->number;
    free(launch.row_hashes);
}

void launch_watch_take(struct launch_watch *watch, const struct sequences *sequences, enum error_kind kind,
                       const struct memory_audit *audit)
{
    watch->last = watch->repeats = 0;
    if (kind) {
        forget(watch);
        return;
    }
    memory_audit_join(&watch->audit, audit);
    if (sequences->count == 1)
        remember(watch, sequences->problems, sequences->outputs->out);
}

void launch_watch_approve(struct launch_watch *watch, uint64_t number)
{
    for (int i = 0; i < WATCH_LAUNCHES && number; i++)
        if (watch->launches[i].number == number)
            watch->launches[i].is_right = true;
}

bool launch_watch_is_right(const struct launch_watch *watch, uint64_t number)
{
    bool is_right = false;
    for (int i = 0; i < WATCH_LAUNCHES && number; i++)
        is_right |= watch->launches[i].number == number && watch->launches[i].is_right;
    return is_right;
}

void launch_watch_clear(struct launch_watch *watch)
{
    forget(watch);
    *watch = (struct launch_watch){.num_launches = 0};
}
