#include "harness/evaluate/gathering.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/device/device.h"
#include "kernels/device/keys_bounds.h"
#include "kernels/device/keys_digest.h"

/* Whether the subject may be run on all heads at once, and that fits so many bytes. */
static bool fits(const struct work *work, double room)
{
    const struct subject_ops *ops = work->subject->ops;
    return work->point->batch == BATCH_ALONE && ops->takes_device_keys(work->subject) &&
           ops->device_bytes(work->subject, &work->source->shape) <= room;
}

/* Whether the subject's runs on parts, the first of which is the largest, fit beside the keys that others gather. */
static bool fits_beside(const struct work *work, double room)
{
    const struct problem_source *source = work->source;
    const struct problem part = part_shape(&source->shape, source->ops->part(source, 0));
    return device_keys_own_bytes(&source->shape) + work->subject->ops->device_bytes(work->subject, &part) <= room;
}

static void gather_nothing(struct work *works, int count)
{
    for (int i = 0; i < count; i++)
        works[i].gathering = NULL;
}

void gathering_begin(struct gathering *gathering, struct work *works, int count)
{
    struct error no_room;
    struct device *device = works->evaluator->device;
    bool any = false, all_fit = true;
    *gathering = (struct gathering){.num_parts = 0};
    gather_nothing(works, count);
    if (!works->subject->ops->takes_device_keys) /* of all of them */
        return;
    gathering->makes = device_keys_can_make(device, &works->source->shape) &&
                       key_source_of(&gathering->source, &works->generated.spec);
    /* One part is copied for its launch as well as before it. */
    if (works->source->num_parts == 1 && !(gathering->makes && works->source->shape.seq_len > 0))
        return;
    double room = device_room(device);
    for (int i = 0; i < count; i++) {
        bool at_once = fits(&works[i], room);
        works[i].gathering = at_once ? gathering : NULL;
        any |= at_once;
        all_fit &= at_once || fits_beside(&works[i], room);
    }
    if (any && (!all_fit || device_keys_open(&gathering->keys, device, &works->source->shape, &no_room)))
        gather_nothing(works, count);
}

void gathering_end(struct gathering *gathering)
{
    device_keys_close(&gathering->keys);
}

/* Whether bounds that a device found can be: of the newest keys that are here no element is larger, none of them is
 * larger than what is promised, and what was found before is found again. */
static bool bounds_can_be(const struct tensor_bounds *found, const struct inputs *inputs)
{
    enum { LOOKED_AT = 16 }; /* keys, which all heads have here */
    _Static_assert((int)LOOKED_AT <= (int)RECENT_KEYS_LEAST, "the newest keys");
    const struct problem *problem = &inputs->problem;
    size_t row = (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    int64_t from = problem->seq_len > LOOKED_AT ? problem->seq_len - LOOKED_AT : 0;
    for (size_t i = 0; i < 2 * row; i++)
        if (inputs->digest ? found->k[i] != inputs->bounds.k[i] : !(found->k[i] <= inputs->bounds.k[i]))
            return false;
    for (size_t i = (size_t)from * row; i < (size_t)problem->seq_len * row; i++) {
        float k, v;
        if (!problem_visible(problem, (int64_t)(i / row)))
            continue;
        dtype_widen(problem_kv_dtype(problem), problem->k, i, 1, &k);
        dtype_widen(problem_kv_dtype(problem), problem->v, i, 1, &v);
        if (!(fabsf(k) <= found->k[i % row] && fabsf(v) <= found->v[i % row]))
            return false;
    }
    return true;
}

/* Of a whole that is here with its newest keys the bounds that all of them have, as inputs of all keys know them. */
static enum error_kind find_bounds(bool *can_be, const struct device_keys *keys, struct inputs *inputs,
                                   struct error *error)
{
    const struct problem *whole = &inputs->problem;
    size_t row = (size_t)whole->num_kv_heads * (size_t)whole->head_dim, bytes = 2 * row * sizeof(float);
    struct tensor_bounds found = {.k = malloc(bytes)};
    if (!found.k)
        return error_memory(error, "bounds", (double)bytes);
    found.v = found.k + row;
    enum error_kind kind = keys_bounds(&found, keys, whole, error);
    *can_be = !kind && bounds_can_be(&found, inputs);
    if (*can_be)
        memcpy(inputs->bounds.k, found.k, bytes);
    free(found.k);
    return kind;
}

static enum error_kind make_keys(struct gathering *gathering, struct inputs *inputs, struct part heads,
                                 struct error *error)
{
    struct device_keys *keys = &gathering->keys;
    const struct problem *part = &inputs->problem;
    uint64_t made = 0;
    bool same = true;
    enum error_kind kind = device_keys_make(keys, &gathering->source, heads.kv_head, heads.num_kv_heads, error);
    if (!kind)
        kind = keys_digest(&made, keys, part, heads.kv_head, error);
    if (!kind && part->recent)
        kind = device_keys_compare(&same, keys, part, heads.kv_head, error);
    same = same && (inputs->digest == 0 || made == inputs->digest);
    if (!kind && same && part->recent && !part->bounds)
        kind = find_bounds(&same, keys, inputs, error);
    if (!kind && !same)
        kind = error_set(error, ERROR_SYSTEM, "device %s: the keys that it makes are not those of the problem",
                         keys->device->name);
    if (!kind)
        inputs->digest = made;
    return kind;
}

enum error_kind gathering_put(struct work *work, const struct part_work *part, int index, struct error *error)
{
    struct gathering *gathering = work->gathering;
    double start = seconds_now();
    if (gathering->num_parts > index)
        return ERROR_NONE;
    const struct part heads = work->evaluator->inputs_part;
    enum error_kind kind = gathering->makes ? make_keys(gathering, &work->evaluator->inputs, heads, error)
                                            : device_keys_put(&gathering->keys, &part->problem, heads.kv_head, error);
    gathering->num_parts += !kind;
    work->evaluation->judged.seconds.inputs += seconds_now() - start;
    return kind;
}

enum error_kind gathering_run(struct work *work, struct error *error)
{
    const struct problem_source *source = work->source;
    const struct device_keys *keys = &work->gathering->keys;
    const struct problem whole = inputs_whole(&work->evaluator->inputs, &source->shape);
    struct problem problem = part_shape(&whole, (struct part){0, source->shape.num_kv_heads});
    double seconds = 0;
    problem.k = keys->k;
    problem.v = keys->v;
    const struct sequences sequences = {&problem, &work->evaluation->judged.output, 1, NULL, NULL, true};
    progress_display_step(work->evaluator->display, "kernel", 0);
    enum error_kind kind = work->subject->ops->run(work->subject, &sequences, NULL, &seconds, error);
    work->evaluation->judged.seconds.kernel += seconds;
    return kind;
}
