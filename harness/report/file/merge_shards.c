#include "harness/report/file/merge_shards.h"

#include <stdlib.h>
#include <string.h>

#include "harness/support/json_value.h"
#include "harness/support/number.h"

enum { NAMED_MAX = 10 };

struct merge_shard {
    size_t num_records, num_points; /* that it has, and is to have; 0 of 0: nothing is known of it */
};

static bool read_number(int *number, const char *text, size_t size)
{
    uint64_t whole;
    int negative;
    if (number_parse_whole(text, size, &whole, &negative) != VALUE_SOUND || negative || whole < 1 ||
        whole > RUN_SHARDS_MAX)
        return false;
    *number = (int)whole;
    return true;
}

struct run_shard merge_shard_of(const json_t *record)
{
    const json_t *seconds = json_object_get(record, "seconds"), *points = json_object_get(seconds, "shard_points");
    const char *text = json_string_value(json_object_get(seconds, "shard")), *slash = text ? strchr(text, '/') : NULL;
    struct run_shard shard;
    if (!slash || !read_number(&shard.index, text, (size_t)(slash - text)) ||
        !read_number(&shard.count, slash + 1, strlen(slash + 1)) || shard.index > shard.count ||
        json_integer_value(points) < 1)
        return (struct run_shard){.count = 0};
    shard.num_points = (size_t)json_integer_value(points);
    return shard;
}

bool merge_shards_add(struct merge_shards *shards, const struct run_shard *shard)
{
    if (!shards->shards) {
        shards->count = shard->count;
        shards->shards = calloc((size_t)shard->count + 1, sizeof *shards->shards);
        if (!shards->shards)
            return false;
    }
    shards->unknown = shards->unknown || shard->count == 0 || shard->count != shards->count;
    if (shards->unknown)
        return true;
    struct merge_shard *of = &shards->shards[shard->index - 1];
    shards->unknown = of->num_points && of->num_points != shard->num_points;
    of->num_points = shard->num_points;
    of->num_records++;
    return true;
}

/* Points of shards without a record; there may be shards without points. */
static size_t points_elsewhere(const struct merge_shards *shards)
{
    size_t known = 0;
    for (int s = 0; s < shards->count; s++)
        known += shards->shards[s].num_points;
    return known < shards->num_points ? shards->num_points - known : 0;
}

/* How many points of a shard are known to be missing; of one without a record, of which nobody knows how many it has,
 * all of those that are elsewhere. */
static size_t missing_of(const struct merge_shard *shard, size_t elsewhere)
{
    if (shard->num_points == 0)
        return elsewhere;
    return shard->num_records < shard->num_points ? shard->num_points - shard->num_records : 0;
}

void merge_shards_note(const struct merge_shards *shards, FILE *notes)
{
    const size_t elsewhere = points_elsewhere(shards);
    int named = 0;
    for (int s = 0; s < shards->count && !shards->unknown; s++) {
        const struct merge_shard *shard = &shards->shards[s];
        const size_t missing = missing_of(shard, elsewhere);
        if (missing == 0 || named++ >= NAMED_MAX)
            continue;
        fputs(named == 1 ? "they are " : ", ", notes);
        if (shard->num_points)
            fprintf(notes, "%zu of the %zu of shard %d/%d", missing, shard->num_points, s + 1, shards->count);
        else
            fprintf(notes, "all of shard %d/%d", s + 1, shards->count);
    }
    if (named)
        fprintf(notes, "%s; the command of each computes its own with --resume\n", named > NAMED_MAX ? ", ..." : "");
}

void merge_shards_clear(struct merge_shards *shards)
{
    free(shards->shards);
}
