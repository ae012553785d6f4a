#include "harness/evaluate/point_judging.h"

static void show_step(void *display, const char *step, long work)
{
    progress_display_step(display, step, work);
}

/* The class that a plug-in says it is meant to be in. */
static struct class_demand promised_by(const struct foreign_subject *foreign)
{
    bool promises = foreign && foreign->set != CLASS_SETS - 1;
    return (struct class_demand){.asked = promises, .arithmetic = {.set = promises ? foreign->set : CLASS_F32}};
}

struct judging point_judging(const struct point *point, const struct evaluator *evaluator)
{
    static const struct given nothing_given = {.key = NULL};
    const struct given *given = point->given ? point->given : &nothing_given;
    return (struct judging){
        .criterion = point->criterion,
        .demand = point->demand,
        .promised = promised_by(evaluator->foreign),
        .rows = given->sample.judged,
        .turned = given->turned,
        .lse_rounding = given->lse_rounding,
        .truth_method = point->truth_method,
        .truth_precision = point->truth_precision,
        .threads = evaluator->threads,
        .progress = evaluator->progress,
        .step = show_step,
        .context = evaluator->display,
    };
}
