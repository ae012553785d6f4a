#include "harness/judge/contract/contract_parts.h"

#include <stdlib.h>
#include <string.h>

/* Some KV heads of a trial, and of what was stated. */
struct part_view {
    int index; /* of the part */
    struct contract_trial trial;
    struct exhibit stated;
    struct problem problem; /* the stated one */
    struct output output;
    struct truth truth;
    void *owned[7]; /* q, out, lse of both, and what the truth has */
    int num_owned;
};

static void view_clear(struct part_view *view)
{
    while (view->num_owned > 0)
        free(view->owned[--view->num_owned]);
}

/* Rows of heads first_head.. of [Q, H, row_bytes], packed: new memory, the view's. NULL if it is short. */
static void *take_rows(struct part_view *view, const void *rows, const struct problem *whole, int first_head, int heads,
                       size_t row_bytes)
{
    size_t bytes = (size_t)heads * row_bytes;
    int queries = problem_queries(whole);
    char *taken = malloc((size_t)queries * bytes);
    for (int query = 0; taken && query < queries; query++)
        memcpy(taken + (size_t)query * bytes,
               (const char *)rows + ((size_t)query * (size_t)whole->num_heads + (size_t)first_head) * row_bytes, bytes);
    if (taken)
        view->owned[view->num_owned++] = taken;
    return taken;
}

/* The keys of an open part that stand for those of the whole. */
static void take_keys(struct problem *problem, const struct problem *whole, const struct key_parts *parts,
                      const struct problem *part)
{
    problem->k = key_part_tensor(parts, part, whole->k);
    problem->v = key_part_tensor(parts, part, whole->v);
}

/* The part of a problem of the whole, and of its output, that an open part has the keys of. */
static bool take_heads(struct part_view *view, struct problem *problem, struct output *output,
                       const struct key_parts *parts, const struct problem *part)
{
    const struct problem whole = *problem;
    const int group = whole.num_heads / whole.num_kv_heads, first_head = key_part_first(part) * group;
    size_t row_bytes = (size_t)whole.head_dim * dtypes[whole.dtype].size_bytes;
    problem->num_kv_heads = part->num_kv_heads;
    problem->num_heads = part->num_kv_heads * group;
    problem->place = (struct head_place){0};
    problem->slopes += first_head;
    problem->sink_logits = whole.sink_logits ? whole.sink_logits + first_head : NULL;
    take_keys(problem, &whole, parts, part);
    problem->bounds = NULL; /* which of a generated part are wider than those of the whole: classes are told apart */
    const bool has_lse = output->lse;
    problem->q = take_rows(view, whole.q, &whole, first_head, problem->num_heads, row_bytes);
    output->out = take_rows(view, output->out, &whole, first_head, problem->num_heads, row_bytes);
    if (has_lse)
        output->lse = take_rows(view, output->lse, &whole, first_head, problem->num_heads, sizeof(float));
    return problem->q && output->out && !output->lse == !has_lse;
}

/* The same of the truth of what was stated. */
static bool take_truth(struct part_view *view, const struct exhibit *whole)
{
    const struct truth *truth = whole->truth;
    const int heads = view->problem.num_heads;
    const int first_head = (int)(view->problem.slopes - whole->problem->slopes);
    size_t dim = (size_t)truth->head_dim, rows = (size_t)problem_rows(&view->problem), elements = rows * dim;
    double *numbers = malloc((4 * elements + 3 * rows) * sizeof *numbers);
    if (!numbers)
        return false;
    view->owned[view->num_owned++] = numbers;
    view->truth = *truth;
    view->truth.num_rows = (int)rows;
    double *const to[] = {numbers, numbers + elements, numbers + 2 * elements, numbers + 3 * elements};
    double *const to_lse[] = {numbers + 4 * elements, numbers + 4 * elements + rows, numbers + 4 * elements + 2 * rows};
    const double *const from[] = {truth->value, truth->tail, truth->radius, truth->magnitude};
    const double *const from_lse[] = {truth->lse, truth->lse_tail, truth->lse_radius};
    for (int query = 0; query < problem_queries(&view->problem); query++) {
        size_t at = (size_t)(query * heads), in_whole = (size_t)(query * whole->problem->num_heads + first_head);
        for (int i = 0; i < 4; i++)
            memcpy(to[i] + at * dim, from[i] + in_whole * dim, (size_t)heads * dim * sizeof(double));
        for (int i = 0; i < 3; i++)
            memcpy(to_lse[i] + at, from_lse[i] + in_whole, (size_t)heads * sizeof(double));
    }
    view->truth.value = to[0];
    view->truth.tail = to[1];
    view->truth.radius = to[2];
    view->truth.magnitude = to[3];
    view->truth.lse = to_lse[0];
    view->truth.lse_tail = to_lse[1];
    view->truth.lse_radius = to_lse[2];
    return true;
}

/* Of an open part, which has the keys of the trial: as stated there are none yet, where those are others. view stays
 * where it is, and is to be cleared whatever is returned. */
static bool view_init(struct part_view *view, const struct contract_trial *trial, int index, const struct problem *part)
{
    const struct exhibit *stated = trial->stated;
    *view = (struct part_view){
        .index = index, .trial = *trial, .stated = *stated, .problem = *stated->problem, .output = *stated->output};
    view->trial.num_owned = 0; /* which is the whole trial's */
    view->trial.stated = &view->stated;
    view->trial.waiting = 0;
    view->stated.problem = &view->problem;
    view->stated.output = &view->output;
    view->stated.truth = &view->truth;
    view->stated.bound = view->stated.lse_bound = NULL; /* of the whole, and nobody asks for them */
    view->stated.parts = NULL;
    if (!take_heads(view, &view->problem, &view->output, stated->parts, part) || !take_truth(view, stated) ||
        !take_heads(view, &view->trial.problem, &view->trial.output, stated->parts, part))
        return false;
    if (trial->waiting)
        view->problem.k = view->problem.v = NULL;
    return true;
}

static enum error_kind work_on(const struct contract_trial *trial, int index, contract_part_work *work, void *context,
                               bool *stop, struct error *error)
{
    const struct key_parts *parts = trial->stated->parts;
    const struct problem *part;
    struct key_map moved[2];
    struct part_view view;
    contract_key_maps(moved, trial, MOVE_K | MOVE_V);
    enum error_kind kind = parts->open(parts->context, index, moved, &part, error);
    if (kind)
        return kind;
    int group = trial->problem.num_heads / trial->problem.num_kv_heads;
    struct contract_part of_trial = {&view.trial, key_part_first(part) * group, trial, &view};
    if (!view_init(&view, trial, index, part))
        kind =
            error_memory(error, "a part under another contract", 8.0 * (double)problem_elements(part) * sizeof(double));
    else
        kind = work(context, &of_trial, stop, error);
    view_clear(&view);
    return kind;
}

enum error_kind contract_part_as_stated(struct contract_part *part, struct error *error)
{
    struct part_view *view = part->view;
    const struct problem *open;
    if (!view || view->problem.k)
        return ERROR_NONE;
    const struct exhibit *stated = part->whole->stated;
    enum error_kind kind = stated->parts->open(stated->parts->context, view->index, NULL, &open, error);
    if (!kind)
        take_keys(&view->problem, stated->problem, stated->parts, open);
    view->trial.problem.k = view->trial.problem.v = NULL;
    return kind;
}

enum error_kind contract_each_part(const struct contract_trial *trial, int kv_head, contract_part_work *work,
                                   void *context, struct error *error)
{
    const struct key_parts *parts = trial->stated->parts;
    struct contract_part all = {trial, 0, trial, NULL};
    bool stop = false;
    if (!parts)
        return work(context, &all, &stop, error);
    int first = parts->of_kv_head(parts->context, kv_head);
    enum error_kind kind = work_on(trial, first, work, context, &stop, error);
    for (int i = 0; i < parts->count && !kind && !stop; i++)
        if (i != first)
            kind = work_on(trial, i, work, context, &stop, error);
    return kind;
}
