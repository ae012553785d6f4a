#include "harness/report/file/record_runs.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/report/file/record_file.h"
#include "harness/support/room.h"

/* The share of a run on a device, which may be new; NULL if memory ran out. */
static struct run_share *find(struct record_runs *runs, const char *identity, size_t of)
{
    const json_t *place = json_object_get(runs->places, identity);
    if (place)
        return &runs->shares[json_integer_value(place)];
    struct run_share *shares = room_for_one(runs->shares, &runs->capacity, runs->count, sizeof *shares);
    if (!shares)
        return NULL;
    runs->shares = shares;
    if (json_object_set_new(runs->places, identity, json_integer((json_int_t)runs->count)) != 0)
        return NULL;
    shares[runs->count] = (struct run_share){.of = of};
    return &shares[runs->count++];
}

/* A point that the run does not have is none of it. */
static bool add(struct record_runs *runs, const json_t *record, const char *digest, json_int_t index, json_int_t of)
{
    const json_int_t left_out = json_integer_value(record_at(record, "run.left_out"));
    const char *device = json_string_value(json_object_get(record, "device"));
    char *identity = NULL, *point = NULL;
    bool complete = asprintf(&identity, "%s %lld %s", digest, (long long)of, device ? device : "") >= 0 &&
                    asprintf(&point, "%lld %s", (long long)index, identity) >= 0;
    struct run_share *share = complete ? find(runs, identity, (size_t)of) : NULL;
    complete = share;
    if (complete && index >= 0 && index < of && !json_object_get(runs->points, point)) {
        complete = json_object_set_new(runs->points, point, json_true()) == 0;
        share->seen++;
    }
    if (complete && left_out > 0 && (size_t)left_out > share->left_out)
        share->left_out = (size_t)left_out;
    free(identity);
    free(point);
    return complete;
}

bool record_runs_add(struct record_runs *runs, const json_t *record)
{
    const json_t *digest = record_at(record, "run.digest"), *index = record_at(record, "run.index"),
                 *of = record_at(record, "run.of");
    if (!json_is_string(digest) || !json_is_integer(index) || !json_is_integer(of) || json_integer_value(of) < 0)
        return true;
    if (!runs->places)
        runs->places = json_object();
    if (!runs->points)
        runs->points = json_object();
    return runs->places && runs->points &&
           add(runs, record, json_string_value(digest), json_integer_value(index), json_integer_value(of));
}

size_t record_runs_missing(const struct record_runs *runs)
{
    size_t missing = 0;
    for (size_t r = 0; r < runs->count; r++)
        if (runs->shares[r].seen < runs->shares[r].of)
            missing += runs->shares[r].of - runs->shares[r].seen;
    return missing;
}

size_t record_runs_left_out(const struct record_runs *runs)
{
    size_t left_out = 0;
    for (size_t r = 0; r < runs->count; r++)
        left_out += runs->shares[r].left_out;
    return left_out;
}

void record_runs_clear(struct record_runs *runs)
{
    free(runs->shares);
    json_decref(runs->places);
    json_decref(runs->points);
    *runs = (struct record_runs){0};
}
