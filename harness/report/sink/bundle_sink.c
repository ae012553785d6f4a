#include "harness/report/sink/bundle_sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/case/recipe_field.h"
#include "harness/problem/read_dump.h"
#include "harness/report/record/record_field.h"
#include "harness/report/record/record_value.h"
#include "harness/support/file.h"
#include "harness/support/json_value.h"
#include "harness/support/text.h"

enum error_kind bundle_sink_open(struct sink *sink, struct error *error)
{
    enum error_kind kind = file_make_folders(sink->path, error);
    if (!kind && access(sink->path, W_OK | X_OK) != 0)
        kind = error_set(error, ERROR_SYSTEM, "cannot write into folder %s: %s", sink->path, strerror(errno));
    return kind;
}

enum error_kind bundle_sink_close(struct sink *sink, const struct summary *summary, struct error *error)
{
    (void)sink, (void)summary, (void)error;
    return ERROR_NONE;
}

enum error_kind bundle_sink_check(const char *option, const char *path, const struct point *point, struct error *error)
{
    char key[POINT_KEY_SIZE], size[32];
    if (point->given && point->given->claim && !point->given->claim->checked)
        return error_set(error, ERROR_USAGE,
                         "--%s %s: of a bundle without k and v there is no other; allowed: with --q, --k and --v, or "
                         "--q and --kv, the tensors that it was made of",
                         option, path);
    if (problem_spec_parts(&point->problem) == 1)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "--%s %s: point %.300s is too large to be in memory whole; allowed: k and v up to %s", option,
                     path, point_key(key, point), format_size(size, 4.0 * PART_BYTES));
}

bool bundle_sink_takes(const struct record *record)
{
    return record->problem && record->output && record->problem->k;
}

/* The kernel and the recipe that the bounds are of, where they are ours or said to be. */
static enum error_kind take_arithmetic(struct bundle_place *place, const struct record *record, struct error *error)
{
    const struct point *point = record->point;
    if (!record_find_part(record, RECORD_SHIPPED) || !record->bound)
        return ERROR_NONE;
    json_t *object = record_fields_to_json(&record_recipe_fields, &point->recipe);
    place->recipe_keys = object ? recipe_keys_text(object) : NULL;
    json_decref(object);
    place->facts.arithmetic = (struct bundle_arithmetic){
        .kernel = kernel_names[point->kernel],
        .recipe = recipe_format(place->recipe, &point->recipe),
        .recipe_keys = place->recipe_keys,
        .recipe_digest = recipe_digest(&point->recipe),
        .chunk_len = record_find_part(record, RECORD_CHUNKS) ? point->kernel_options.chunk_len : 0,
    };
    return place->recipe_keys ? ERROR_NONE : error_memory(error, "a recipe", RECIPE_TEXT_SIZE);
}

/* The class that is asked for, and the one that a kernel which is not ours is meant to be in: judged again, its output
 * is that of nobody, and by the bound of that class it is held there too. */
static struct class_demand demand_of(const struct point *point)
{
    struct class_demand demand = point->demand;
    struct arithmetic_class declared;
    if (point->criterion.mode == JUDGE_TOLERANCE || point->criterion.budget != 1 || !point->foreign_arithmetic ||
        !class_parse(&declared, point->foreign_arithmetic, NULL))
        return demand;
    if (!demand.asked)
        return (struct class_demand){.asked = true, .arithmetic = declared};
    if (!demand.arithmetic.output)
        demand.arithmetic.set = class_closed(demand.arithmetic.set) & class_closed(declared.set);
    return demand;
}

enum error_kind bundle_place_find(struct bundle_place *place, const struct sink *sink, const char *suffix,
                                  const struct record *record, struct error *error)
{
    const struct point *point = record->point;
    const struct given_workload *workload = point->workload;
    place->path = place->recipe_keys = NULL;
    if (workload)
        snprintf(place->seed, sizeof place->seed, "%" PRIu64, workload->seed);
    place->facts = (struct bundle_facts){
        .case_name = case_name(point->test_case),
        .key = point_key(place->key, point),
        .definition = workload ? workload->definition : NULL,
        .workload = workload ? workload->uuid : NULL,
        .seed = workload && workload->is_drawn ? place->seed : NULL,
        .criterion = point->criterion,
        .demand = demand_of(point),
        .scales = point->given ? point->given->scales : SCALES_SAID,
        .turned = point->given && point->given->turned,
    };
    enum error_kind kind = take_arithmetic(place, record, error);
    if (kind)
        return kind;
    char *name = text_file_name(place->key);
    if (!name || asprintf(&place->path, "%s/%s.%s", sink->path, name, suffix) < 0)
        place->path = NULL;
    free(name);
    return place->path ? ERROR_NONE : error_memory(error, "a path", (double)POINT_KEY_SIZE);
}

void bundle_place_clear(struct bundle_place *place)
{
    free(place->path);
    free(place->recipe_keys);
}

enum error_kind bundle_sink_write(const struct sink *sink, const char *suffix, const struct record *record,
                                  const struct bundled *bundled, struct error *error)
{
    struct bundle_place place;
    enum error_kind kind = bundle_place_find(&place, sink, suffix, record, error);
    place.facts.input_digest = bundled->input_digest;
    place.facts.output_digest = bundled->output_digest;
    place.facts.turned = place.facts.turned || bundled->turned;
    if (!kind)
        kind = bundle_write(place.path, bundled->problem, bundled->output, &place.facts, error);
    bundle_place_clear(&place);
    return kind;
}
