#include "harness/evaluate/part_causes.h"

static void show_step(void *display, const char *step, long work)
{
    progress_display_step(display, step, work);
}

void part_causes_begin(struct part_causes *causes, struct exhibit *exhibit, struct work *work, const char *purpose)
{
    struct evaluator *evaluator = work->evaluator;
    *causes = (struct part_causes){.opened.lender = NULL};
    if (work->source->num_parts == 1)
        return;
    evaluator->have_inputs = false; /* k and v are lent */
    opened_parts_begin(&causes->opened, work->source, &evaluator->inputs, evaluator->threads, evaluator->progress);
    causes->opened.step = show_step;
    causes->opened.context = evaluator->display;
    causes->opened.purpose = purpose;
    exhibit->parts = &causes->opened.parts;
}

double part_causes_end(struct part_causes *causes, struct work *work)
{
    double seconds = causes->opened.seconds;
    opened_parts_end(&causes->opened);
    work->evaluation->seconds.inputs += seconds;
    return seconds;
}
