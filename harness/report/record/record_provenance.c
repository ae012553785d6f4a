/* What a record says of how it came to be: which program, when, with what recipe. */
#include "harness/case/recipe_field.h"
#include "harness/report/record/record_value.h"
#include "harness/support/field_json.h"
#include "harness/support/json_value.h"

/* ---- the program ------------------------------------------------------------------------------------------------- */

json_t *record_value_build(const struct record_field *field, const void *member)
{
    (void)field;
    (void)member;
    return build_to_json();
}

json_t *record_value_kernel_digest(const struct record_field *field, const void *member)
{
    (void)field;
    const char *digest = ((const struct record *)member)->kernel_digest;
    return digest && *digest ? json_string(digest) : json_null();
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

static json_t *ended_to_json(const struct record_field *field, const void *member)
{
    (void)field;
    return json_from_time(((const struct record *)member)->ended);
}

static json_t *shard_to_json(const struct record_field *field, const void *member)
{
    (void)field;
    const struct run_points *run = ((const struct record *)member)->run;
    return run && run->shard.count ? json_sprintf("%d/%d", run->shard.index, run->shard.count) : json_null();
}

static json_t *shard_points_to_json(const struct record_field *field, const void *member)
{
    (void)field;
    const struct run_points *run = ((const struct record *)member)->run;
    return run && run->shard.count ? json_integer((json_int_t)run->shard.num_points) : json_null();
}

#define OF_SECONDS(member, says) RECORD_MEMBER(#member, struct record, seconds.member, REAL, says), .unit = "s"

static const struct record_field seconds_rows[] = {
    {OF_SECONDS(inputs, "Making the inputs.")},
    {OF_SECONDS(kernel, "The kernel: the sum of its launches, of which there are as many as queries, and where "
                        "`launched` is parts so many of each part. Of the host device they say nothing about a GPU.")},
    {OF_SECONDS(truth, "The truth.")},
    {OF_SECONDS(judge, "Comparing, and naming a failure.")},
    {OF_SECONDS(reference, "Conventional references.")},
    {OF_SECONDS(oracles, "Oracles.")},
    {RECORD_NAMED("ended", "When the point was done, UTC: here, so that all that differs between two runs of a program "
                           "on a machine is in `seconds`."),
     .type = "string", .value = ended_to_json},
    {RECORD_NAMED("shard",
                  "Which part of its run it was done in, I/N as --shard has it; null: the run was not cut. Here, "
                  "as a run that is cut has the records of one that is not."),
     .type = "string", .value = shard_to_json},
    {RECORD_NAMED("shard_points", "How many points that part has."), .type = "integer", .unit = "points",
     .value = shard_points_to_json},
};
const struct record_fields record_seconds_fields = RECORD_FIELDS(seconds_rows);

json_t *record_value_launched(const struct record_field *field, const void *member)
{
    (void)field;
    const struct record *record = member;
    return record->point->given ? json_null() : json_string(record_in_parts(record) ? "parts" : "whole");
}

json_t *record_value_launch_failure(const struct record_field *field, const void *member)
{
    (void)field;
    const struct record *record = member;
    return record->launch_failure && *record->launch_failure ? json_from_text(record->launch_failure) : json_null();
}

/* ---- the recipe -------------------------------------------------------------------------------------------------- */

static bool put_keys(json_t *object, const struct record_field *field, const void *member)
{
    (void)field;
    bool complete = true;
    for (size_t i = 0; complete && i < recipe_fields.count; i++) {
        const struct field *key = field_at(&recipe_fields, i);
        complete = json_put(object, key->name, field_to_json(key, field_in(key, member)));
    }
    return complete;
}

static const struct record_field recipe_rows[] = {
    {RECORD_NAMED("NAME", "A key of `list recipe-keys`."), .type = "number, string", .put = put_keys},
};
const struct record_fields record_recipe_fields = RECORD_FIELDS(recipe_rows);

json_t *record_value_recipe_digest(const struct record_field *field, const void *member)
{
    (void)field;
    return json_from_digest(recipe_digest(&((const struct point *)member)->recipe));
}

static bool put_overridden(json_t *object, const struct record_field *field, const void *member)
{
    (void)field;
    const struct point *point = member;
    const struct recipe *named = point->base_recipe ? point->base_recipe : &recipe_sound;
    bool complete = true;
    for (size_t i = 0; complete && i < recipe_fields.count; i++) {
        const struct field *key = field_at(&recipe_fields, i);
        if (!recipe_field_equal(key, named, &point->recipe))
            complete = json_put(object, key->name, field_to_json(key, field_in(key, named)));
    }
    return complete;
}

static const struct record_field override_rows[] = {
    {RECORD_NAMED("NAME", "What the recipe says of a key for which recipe_keys has something else."),
     .type = "number, string", .put = put_overridden},
};
const struct record_fields record_override_fields = RECORD_FIELDS(override_rows);

json_t *record_value_settings(const struct record_field *field, const void *member)
{
    (void)field;
    const struct record *record = member;
    json_t *settings = json_array();
    bool complete = settings;
    for (size_t i = 0; complete && i < record->num_settings; i++)
        complete = json_array_append_new(settings, json_from_text(record->settings[i])) == 0;
    return json_finish(settings, complete);
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

json_t *record_value_point_digest(const struct record_field *field, const void *member)
{
    (void)field;
    return ((const struct point *)member)->given ? json_null() : json_from_digest(point_digest(member));
}

struct place_in_run {
    int64_t index, of, left_out;
    uint64_t digest;
};

static const struct record_field run_rows[] = {
    {RECORD_MEMBER("index", struct place_in_run, index, WHOLE, "The place of the point in the run, from 0.")},
    {RECORD_MEMBER("of", struct place_in_run, of, WHOLE, "How many points the run has."), .unit = "points"},
    {RECORD_MEMBER("left_out", struct place_in_run, left_out, WHOLE,
                   "How many more its cases have, which --only, --where or --last-failed left out."),
     .unit = "points"},
    {RECORD_MEMBER("digest", struct place_in_run, digest, UNSIGNED, "A hash of all of them."), .type = "string",
     .value = record_value_digest},
};
const struct record_fields record_run_fields = RECORD_FIELDS(run_rows);

json_t *record_value_run(const struct record_field *field, const void *member)
{
    const struct record *record = member;
    const struct run_points *run = record->run;
    if (!run)
        return json_null();
    const struct place_in_run place = {(int64_t)record->place, (int64_t)run->count, (int64_t)run->left_out,
                                       run->digest};
    return record_fields_to_json(field->members, &place);
}
