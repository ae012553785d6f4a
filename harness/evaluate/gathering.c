#include "harness/evaluate/gathering.h"

/* Whether the subject's run on all heads at once fits what the device has free. */
static bool fits(const struct work *work)
{
    const struct problem_source *source = work->source;
    const struct subject_ops *ops = work->subject->ops;
    return source->num_parts > 1 && work->point->batch == BATCH_ALONE && ops->bytes_at_once &&
           ops->bytes_at_once(work->subject, &source->shape) <= device_room(work->evaluator->device);
}

void gathering_begin(struct gathering *gathering, struct work *works, int count)
{
    struct error no_room;
    bool any = false;
    *gathering = (struct gathering){.num_parts = 0};
    for (int i = 0; i < count; i++) {
        works[i].gathering = fits(&works[i]) ? gathering : NULL;
        any |= works[i].gathering != NULL;
    }
    if (any && device_keys_open(&gathering->keys, works->evaluator->device, &works->source->shape, &no_room))
        for (int i = 0; i < count; i++)
            works[i].gathering = NULL;
}

void gathering_end(struct gathering *gathering)
{
    device_keys_close(&gathering->keys);
}

enum error_kind gathering_put(struct work *work, const struct part_work *part, int index, struct error *error)
{
    struct gathering *gathering = work->gathering;
    double start = evaluation_now();
    if (gathering->num_parts > index)
        return ERROR_NONE;
    int kv_head = work->evaluator->inputs_part.kv_head;
    enum error_kind kind = device_keys_put(&gathering->keys, &part->problem, kv_head, error);
    gathering->num_parts += !kind;
    work->evaluation->seconds.inputs += evaluation_now() - start;
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
    const struct sequences sequences = {&problem, &work->evaluation->output, 1, NULL, NULL, true};
    progress_display_step(work->evaluator->display, "kernel", 0);
    enum error_kind kind = work->subject->ops->run(work->subject, &sequences, NULL, &seconds, error);
    work->evaluation->seconds.kernel += seconds;
    return kind;
}
