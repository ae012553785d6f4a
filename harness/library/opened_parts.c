#include "harness/library/opened_parts.h"

#include <stdio.h>

#include "harness/library/judged_parts.h"

static int of_kv_head(void *context, int kv_head)
{
    const struct problem_source *source = ((const struct opened_parts *)context)->source;
    int index = 0;
    for (struct part part = source->ops->part(source, 0);
         index + 1 < source->num_parts && kv_head >= part.kv_head + part.num_kv_heads;)
        part = source->ops->part(source, ++index);
    return index;
}

static enum error_kind open_part(void *context, int index, const struct problem **part, struct error *error)
{
    struct opened_parts *opened = context;
    const struct problem_source *source = opened->source;
    *part = &opened->inputs.problem;
    if (index == opened->open)
        return progress_cancelled(opened->how.progress) ? error_set(error, ERROR_INTERRUPTED, "interrupted")
                                                        : ERROR_NONE;
    double start = judged_now_s();
    if (opened->how.step) {
        char step[64];
        snprintf(step, sizeof step, "%s, part %d of %d", opened->how.purpose, index + 1, source->num_parts);
        opened->how.step(opened->how.context, step, 0);
    }
    opened->open = -1;
    inputs_reuse(&opened->inputs);
    enum error_kind kind = source->ops->open(source, source->ops->part(source, index), opened->how.threads,
                                             opened->how.progress, &opened->inputs, error);
    opened->open = kind ? -1 : index;
    opened->seconds += judged_now_s() - start;
    return kind;
}

void opened_parts_offer(struct opened_parts *opened, struct exhibit *exhibit, const struct problem_source *source,
                        struct inputs *lender, const struct part_opening *how)
{
    *opened = (struct opened_parts){.open = -1};
    if (source->num_parts == 1)
        return;
    *opened = (struct opened_parts){
        .parts = {.count = source->num_parts, .of_kv_head = of_kv_head, .open = open_part, .context = opened},
        .source = source,
        .lender = lender,
        .inputs = {.k = lender->k, .v = lender->v, .kv_room = lender->kv_room},
        .open = -1,
        .how = *how,
    };
    lender->k = lender->v = NULL;
    lender->problem.k = lender->problem.v = NULL;
    lender->kv_room = 0;
    exhibit->parts = &opened->parts;
}

double opened_parts_end(struct opened_parts *opened)
{
    double seconds = opened->seconds;
    if (!opened->lender)
        return 0;
    inputs_reuse(&opened->inputs);
    opened->lender->k = opened->inputs.k;
    opened->lender->v = opened->inputs.v;
    opened->lender->kv_room = opened->inputs.kv_room;
    *opened = (struct opened_parts){.open = -1};
    return seconds;
}
