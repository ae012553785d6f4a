#include "harness/evaluate/pairing.h"

#include <stdio.h>
#include <string.h>

#include "harness/evaluate/evaluate.h"
#include "harness/evaluate/part_work.h"
#include "harness/judge/parting/row_runs.h"
#include "harness/judge/poison.h"

/* A point on its two sides. */
struct pair {
    struct work works[2];
    struct evaluation evaluations[2]; /* of which only seconds and failures are used */
    struct pairing *pairing;
};

/* Keys a page of k and v for a kernel that is not ours: those of the point, if it takes them. */
static int page_size_for(const struct foreign_kernel *kernel, int page_size)
{
    return page_size > 0 && kernel->takes & ALIBICHECK_KERNEL_PAGES && foreign_kernel_takes_page_size(kernel, page_size)
               ? page_size
               : foreign_kernel_page_size(kernel);
}

static void begin_side(struct pair *pair, int side, struct evaluator *evaluator, const struct pairing_side *of,
                       const struct point *point)
{
    struct work *work = &pair->works[side];
    *work = (struct work){
        .evaluator = evaluator,
        .evaluation = &pair->evaluations[side],
        .point = point,
        .generated = generated_source(&point->problem),
        .shipped = point_subject(point, of->device),
    };
    work->source = &work->generated.source;
    work->subject = &work->shipped.subject;
    if (!of->foreign)
        return;
    const struct kernel_options *options = &point->kernel_options;
    const int page_size = page_size_for(of->foreign->kernel, options->page_size);
    const struct page_setting pages = {.size = page_size,
                                       .seed = options->page_seed,
                                       .pool = page_size == options->page_size ? options->pool_pages : 0,
                                       .shared_keys = options->shared_keys};
    work->foreign = foreign_subject_paged(of->foreign, &pages);
    work->subject = &work->foreign.subject;
}

/* Whether a side takes the point; else why not is in the pairing. */
static bool takes(const struct pairing_side *side, const struct point *point, struct pairing *pairing)
{
    const struct evaluator asked = {.foreign = side->foreign};
    struct point as_theirs = *point;
    char text[SUBJECT_TEXT_SIZE];
    if (side->foreign) {
        as_theirs.foreign = side->foreign->kernel->name;
        as_theirs.kernel_options.page_size = page_size_for(side->foreign->kernel, point->kernel_options.page_size);
    }
    if (evaluate_takes(&asked, &as_theirs, text))
        return true;
    pairing->skipped = true;
    snprintf(pairing->text, sizeof pairing->text, "%s", text);
    return false;
}

/* Runs both sides on a part of the heads and compares. */
static enum error_kind compare_part(struct pair *pair, int index, struct error *error)
{
    struct part_work parts[2];
    int opened = 0;
    enum error_kind kind = ERROR_NONE;
    for (int side = 0; side < 2 && !kind; side++) {
        kind = part_open(&parts[side], &pair->works[side], index, false, error);
        opened++;
        if (!kind)
            kind = part_run(&pair->works[side], &parts[side], error);
        if (!kind && *pair->evaluations[side].subject_failure)
            snprintf(pair->pairing->text, sizeof pair->pairing->text, "%s", pair->evaluations[side].subject_failure);
        if (!kind)
            output_unite_nans(&parts[side].output, &parts[side].problem);
    }
    if (!kind && !*pair->pairing->text) {
        const struct output outputs[2] = {parts[0].output, parts[1].output};
        bits_take(&pair->pairing->bits, &parts[0].problem, outputs, parts[0].problem.place.first_head,
                  pair->works[0].source->shape.num_heads);
    }
    while (opened > 0)
        part_clear(&parts[--opened]);
    return kind;
}

/* By the recipe, a key alone has the weight 1. */
static bool lone_weight_is_one(const struct point *point)
{
    const struct recipe *recipe = &point->recipe;
    return recipe->max_offset == 0 && recipe->initial_max != INITIAL_MAX_VALUE && recipe->initial_sum == 0 &&
           recipe->epsilon == 0 && recipe->guards == GUARDS_SOUND;
}

/* Where the first row that differs parts, asked of some KV heads, its own among them. */
static enum error_kind ask_heads(struct pair *pair, struct part part, struct error *error)
{
    const struct work *work = &pair->works[0];
    const struct problem *shape = &work->source->shape;
    const int row = (int)pair->pairing->bits.first_row, group = shape->num_heads / shape->num_kv_heads;
    struct inputs inputs = {.q = NULL};
    progress_display_step(work->evaluator->display, "inputs of a row", 0);
    enum error_kind kind = work->source->ops->open(work->source, part, work->evaluator->threads,
                                                   work->evaluator->progress, &inputs, error);
    if (kind)
        return kind;
    const struct problem problem = problem_query(&inputs.problem, row / shape->num_heads);
    const struct parting_inquiry inquiry = {
        .subjects = {pair->works[0].subject, pair->works[1].subject},
        .problem = &problem,
        .head = row % shape->num_heads - part.kv_head * group,
        .lone_weight_is_one = lone_weight_is_one(work->point),
        .progress = work->evaluator->progress,
    };
    progress_display_step(work->evaluator->display, "where it parts", 0);
    kind = parting_find(&pair->pairing->parting, &inquiry, error);
    inputs_clear(&inputs);
    return kind;
}

/* Its KV head alone is asked first, which is quick; what differs among others alone, of all. */
static enum error_kind find_parting(struct pair *pair, struct error *error)
{
    const struct problem *shape = &pair->works[0].source->shape;
    const int head = (int)pair->pairing->bits.first_row % shape->num_heads;
    const struct part own = {head / (shape->num_heads / shape->num_kv_heads), 1}, all = {0, shape->num_kv_heads};
    enum error_kind kind = ask_heads(pair, own, error);
    if (!kind && pair->pairing->parting.num_keys == 0 && pair->works[0].source->num_parts == 1)
        kind = ask_heads(pair, all, error);
    return kind;
}

enum error_kind pair_point(struct evaluator *evaluator, const struct pairing_side sides[2], const struct point *point,
                           struct pairing *pairing, struct error *error)
{
    struct pair pair = {.pairing = pairing};
    enum error_kind kind = ERROR_NONE;
    *pairing = (struct pairing){.skipped = false};
    bits_begin(&pairing->bits);
    pairing->parting.key = -1;
    if (!takes(&sides[0], point, pairing) || !takes(&sides[1], point, pairing))
        return ERROR_NONE;
    for (int side = 0; side < 2; side++)
        begin_side(&pair, side, evaluator, &sides[side], point);
    for (int i = 0; i < pair.works[0].source->num_parts && !kind && !*pairing->text; i++) {
        kind = compare_part(&pair, i, error);
        if (!kind && progress_cancelled(evaluator->progress))
            kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
    }
    if (!kind && !*pairing->text && bits_differ(&pairing->bits))
        kind = find_parting(&pair, error);
    return kind;
}

double pair_bytes(const struct point *point, int threads)
{
    struct problem row = problem_spec_shape(&point->problem);
    if (problem_spec_parts(&point->problem) > 1) {
        row.num_heads /= row.num_kv_heads;
        row.num_kv_heads = 1;
    }
    return evaluate_bytes(point, threads) + 3 * row_runs_bytes(&row);
}
