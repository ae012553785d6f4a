#include "harness/evaluate/work_inputs.h"

#include <stdlib.h>
#include <string.h>

/* Whether the inputs at hand are of these heads, however the source that they came from was cut. */
static bool at_hand(const struct work *work, struct part heads)
{
    const struct evaluator *evaluator = work->evaluator;
    return evaluator->have_inputs && evaluator->inputs_part.kv_head == heads.kv_head &&
           evaluator->inputs_part.num_kv_heads == heads.num_kv_heads &&
           problem_source_same(&evaluator->inputs_of.source, work->source);
}

/* What a device has said of keys that were not here. Zeroed: nothing. */
struct told {
    uint64_t digest;
    float *bounds; /* of the whole, k's and v's */
    size_t channels;
};

/* What was said of the newest keys at hand, before they go. */
static struct told take_told(struct inputs *inputs)
{
    const struct problem *problem = &inputs->problem;
    struct told told = {.digest = inputs->digest};
    if (told.digest == 0 || problem->bounds) /* of a part they are promised */
        return told;
    told.channels = 2 * (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    told.bounds = inputs->bounds.k;
    inputs->bounds.k = NULL;
    return told;
}

/* What a device made must be what is made here. Truths that rest on what it said are dropped where it is not. */
static enum error_kind check_told(const struct told *told, struct evaluator *evaluator, struct error *error)
{
    const struct inputs *inputs = &evaluator->inputs;
    bool bounded = !told->bounds || memcmp(told->bounds, inputs->bounds.k, told->channels * sizeof *told->bounds) == 0;
    if (told->digest == 0 || (told->digest == inputs->digest && bounded))
        return ERROR_NONE;
    truth_cache_clear(&evaluator->cache);
    if (told->digest == inputs->digest)
        return error_set(error, ERROR_SYSTEM, "the device found other bounds of k and v than the host");
    return error_set(error, ERROR_SYSTEM, "the device made other inputs (digest %016llx) than the host (%016llx)",
                     (unsigned long long)told->digest, (unsigned long long)inputs->digest);
}

enum error_kind work_open_inputs(struct work *work, struct part heads, bool newest, struct error *error)
{
    struct evaluator *evaluator = work->evaluator;
    const struct problem_source_ops *ops = work->source->ops;
    bool some = at_hand(work, heads), all = some && !evaluator->inputs.recent.first;
    if (all || (some && newest))
        return ERROR_NONE;
    struct told told = some ? take_told(&evaluator->inputs) : (struct told){.digest = 0};
    double start = seconds_now();
    inputs_reuse(&evaluator->inputs);
    evaluator->have_inputs = false;
    progress_display_step(evaluator->display, "inputs", 0);
    enum error_kind kind = (newest && ops->open_newest ? ops->open_newest : ops->open)(
        work->source, heads, evaluator->threads, evaluator->progress, &evaluator->inputs, error);
    work->evaluation->judged.seconds.inputs += seconds_now() - start;
    if (!kind)
        kind = check_told(&told, evaluator, error);
    free(told.bounds);
    if (kind)
        return kind;
    evaluator->inputs_of = work->generated;
    evaluator->inputs_part = heads;
    evaluator->have_inputs = true;
    return ERROR_NONE;
}

enum error_kind work_need_inputs(struct work *work, struct error *error)
{
    const struct part first = work->source->ops->part(work->source, 0);
    return work->evaluator->have_inputs ? ERROR_NONE
                                        : work_open_inputs(work, first, work->source->num_parts > 1, error);
}

enum error_kind work_need_keys(struct work *work, struct error *error)
{
    struct evaluator *evaluator = work->evaluator;
    if (work->source->num_parts > 1 || !evaluator->have_inputs || !evaluator->inputs.recent.first)
        return ERROR_NONE;
    enum error_kind kind = work_open_inputs(work, evaluator->inputs_part, false, error);
    if (!kind)
        work->evaluation->judged.problem = inputs_whole(&evaluator->inputs, &work->source->shape);
    return kind;
}
