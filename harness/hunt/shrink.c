#include "harness/hunt/shrink.h"

#include <stdlib.h>
#include <string.h>

#include "harness/case/case_write.h"
#include "harness/problem/distribution.h"

enum { NUM_SEEDS = 4 }; /* tried of each reduction: the find's own, then 0, 1, ... */

/* A find on its way. */
struct shrunk {
    const struct shrinking *shrinking;
    const struct find *was; /* as it was found */
    struct find *find;
    long left; /* evaluations */
    bool reduced;
};

/* Whether a trial is still what the find was. */
static bool is_still(const struct find *find, const struct trial *trial, double keep)
{
    if (*find->trial.failure || *trial->failure)
        return strcmp(find->trial.failure, trial->failure) == 0;
    return trial->value >= keep * find->trial.value;
}

/* ---- trying ------------------------------------------------------------------------------------------------------ */

static bool is_within(const struct space *space, const struct point *point, const struct candidate *candidate)
{
    bool within = true;
    for (int id = 0; id < KEY_COUNT && within; id++)
        if (space->keys[id])
            within = space_holds(space->keys[id], point, candidate->values[id]);
    return within;
}

/* Tries a candidate as it is; the find becomes it if that keeps what it was. */
static enum error_kind try_one(struct shrunk *shrunk, const struct candidate *candidate, struct error *error)
{
    const struct shrinking *how = shrunk->shrinking;
    struct hunted_point read;
    struct trial trial;
    bool taken = false;
    enum error_kind kind = candidate_read(&read, candidate, "candidate", how->kernel, error);
    if (!kind && is_within(how->space, &read.point, candidate))
        kind = how->evaluate(how->context, candidate, &read, &taken, &trial, error);
    hunted_point_clear(&read);
    shrunk->left -= taken;
    if (kind == ERROR_USAGE)
        return ERROR_NONE; /* no case may be so */
    if (kind || !taken || !is_still(shrunk->was, &trial, how->keep))
        return kind;
    struct candidate copy;
    kind = candidate_copy(&copy, candidate, error);
    if (kind) {
        candidate_clear(&copy);
        return kind;
    }
    candidate_clear(&shrunk->find->candidate);
    shrunk->find->candidate = copy;
    shrunk->find->trial = trial;
    shrunk->reduced = true;
    return ERROR_NONE;
}

/* The same with other seeds, where it is free: a smaller problem has fewer chances for a large error. */
static enum error_kind try_seeds(struct shrunk *shrunk, struct changing *changing, struct error *error)
{
    enum error_kind kind = change_fit(changing, shrunk->shrinking->space, error);
    for (int i = 0; i < NUM_SEEDS && shrunk->left > 0 && !shrunk->reduced && !kind; i++) {
        if (i > 0 && !shrunk->shrinking->space->keys[KEY_SEED])
            break;
        if (i > 0) {
            changing->point.problem.seed = (uint64_t)i - 1;
            kind = change_write(changing, KEY_SEED, error);
        }
        if (!kind)
            kind = try_one(shrunk, changing->candidate, error);
    }
    return kind;
}

/* ---- reductions -------------------------------------------------------------------------------------------------- */

/* Changes a copy of the find in way number `way`, from 0 on; false: there are no more. *changed: it did. */
typedef bool reduction(struct changing *changing, const struct space *space, int way, bool *changed,
                       enum error_kind *kind, struct error *error);

static void forget(struct changing *changing, enum key_id id, bool *changed)
{
    *changed = changing->candidate->values[id] != NULL;
    candidate_take(changing->candidate, id, NULL);
}

/* No mask. */
static bool drop_mask(struct changing *changing, const struct space *space, int way, bool *changed,
                      enum error_kind *kind, struct error *error)
{
    (void)kind, (void)error;
    if (way > 0 || !space->keys[KEY_MASK])
        return false;
    forget(changing, KEY_MASK, changed);
    changing->point.problem.mask = (struct mask_spec){.kind = MASK_NONE};
    return true;
}

/* Smaller numbers of `value`, in steps: the least, an eighth, a quarter, half, three quarters, 15/16, one less. */
static bool smaller(int64_t *number, int64_t value, int64_t least, int64_t step, int way, bool *changed)
{
    static const double shares[] = {0, 0.125, 0.25, 0.5, 0.75, 0.9375, 1};
    enum { NUM_SHARES = sizeof shares / sizeof shares[0] };
    if (way >= NUM_SHARES)
        return false;
    int64_t smaller = (int64_t)((double)value * shares[way]) / step * step;
    *number = way == NUM_SHARES - 1 ? value - step : smaller < least ? least : smaller;
    *changed = *number < value && *number >= least;
    return true;
}

static bool reduce_whole(struct changing *changing, enum key_id id, int64_t least, int way, bool *changed,
                         enum error_kind *kind, struct error *error)
{
    const struct field *field = &keys[id].field;
    int64_t step = space_step(id), number = 0;
    int64_t value = field_integer(field, field_in(field, &changing->point));
    if (!smaller(&number, value, least, step, way, changed))
        return false;
    if (*changed) {
        field_put_integer(field, field_of(field, &changing->point), number);
        *kind = change_write(changing, id, error);
    }
    return true;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Heads, and with them KV heads where the case has its own number: the largest that divides. */
static bool reduce_heads(struct changing *changing, const struct space *space, int way, bool *changed,
                         enum error_kind *kind, struct error *error)
{
    struct problem_spec *problem = &changing->point.problem;
    (void)space;
    if (!reduce_whole(changing, KEY_NUM_HEADS, 1, way, changed, kind, error))
        return false;
    if (!*changed || *kind || !changing->candidate->values[KEY_NUM_KV_HEADS])
        return true;
    problem->num_kv_heads = (int)common_divisor(problem->num_kv_heads, problem->num_heads);
    *kind = change_write(changing, KEY_NUM_KV_HEADS, error);
    return true;
}

static bool reduce_length(struct changing *changing, const struct space *space, int way, bool *changed,
                          enum error_kind *kind, struct error *error)
{
    (void)space;
    return reduce_whole(changing, KEY_SEQ_LEN, 1, way, changed, kind, error);
}

static bool reduce_dim(struct changing *changing, const struct space *space, int way, bool *changed,
                       enum error_kind *kind, struct error *error)
{
    (void)space;
    return reduce_whole(changing, KEY_HEAD_DIM, HEAD_DIM_MIN, way, changed, kind, error);
}

static bool reduce_queries(struct changing *changing, const struct space *space, int way, bool *changed,
                           enum error_kind *kind, struct error *error)
{
    (void)space;
    return reduce_whole(changing, KEY_NUM_QUERIES, 1, way, changed, kind, error);
}

/* Normal input; then the parameters as they are by default; then each with one digit. */
static bool plain_input(struct changing *changing, const struct space *space, int way, bool *changed,
                        enum error_kind *kind, struct error *error)
{
    struct input_spec *input = &changing->point.problem.input;
    const struct input_spec was = *input;
    size_t count = input_fields.count, at = (size_t)(way - 2) % count;
    if (!space->keys[KEY_INPUT] || way >= 2 + 2 * (int)count)
        return false;
    if (way == 0) {
        *input = input_spec_default;
    } else if (way == 1) {
        *input = input_spec_of(input->distribution);
    } else {
        const struct field *field = field_at(&input_fields, at);
        const struct input_spec preset = input_spec_of(input->distribution);
        double rounded = change_round(field_real(field, field_in(field, input)), 1);
        if ((size_t)(way - 2) < count)
            field_copy(field, input, &preset);
        else if (field->type == FIELD_REAL)
            field_put_real(field, field_of(field, input), rounded);
    }
    *changed = !input_spec_equal(input, &was);
    if (*changed)
        *kind = change_write(changing, KEY_INPUT, error);
    return true;
}

/* Every other free key: its default; else, of a whole number, a smaller one. */
static bool reduce_others(struct changing *changing, const struct space *space, int way, bool *changed,
                          enum error_kind *kind, struct error *error)
{
    static const enum key_id known[] = {KEY_MASK,     KEY_NUM_HEADS,   KEY_SEQ_LEN, KEY_NUM_KV_HEADS,
                                        KEY_HEAD_DIM, KEY_NUM_QUERIES, KEY_INPUT};
    enum { WAYS = 8 };
    int id = way / WAYS;
    if (id >= KEY_COUNT)
        return false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (id == (int)known[i])
            return true;
    const struct free_key *key = space->keys[id];
    if (key && way % WAYS == 0)
        forget(changing, (enum key_id)id, changed);
    else if (key && key->kind == FREE_WHOLE && key->id != KEY_SEED)
        reduce_whole(changing, key->id, key->least, way % WAYS - 1, changed, kind, error);
    return true;
}

/* What costs most comes first. */
static reduction *const reductions[] = {drop_mask,   reduce_heads,   reduce_length, reduce_dim,
                                        plain_input, reduce_queries, reduce_others};

/* The find in all ways of one reduction, until one keeps it. */
static enum error_kind reduce(struct shrunk *shrunk, reduction *way_of, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    bool more = true;
    for (int way = 0; more && shrunk->left > 0 && !shrunk->reduced && !kind; way++) {
        struct hunted_point read;
        struct candidate copy;
        bool changed = false;
        kind = candidate_copy(&copy, &shrunk->find->candidate, error);
        if (!kind)
            kind = candidate_read(&read, &copy, "candidate", shrunk->shrinking->kernel, error);
        if (kind) {
            candidate_clear(&copy);
            return kind;
        }
        struct changing changing = {&copy, read.point};
        more = way_of(&changing, shrunk->shrinking->space, way, &changed, &kind, error);
        if (more && changed && !kind)
            kind = try_seeds(shrunk, &changing, error);
        hunted_point_clear(&read);
        candidate_clear(&copy);
    }
    return kind;
}

enum error_kind shrink(struct find *find, const struct shrinking *shrinking, struct error *error)
{
    enum { NUM_REDUCTIONS = sizeof reductions / sizeof reductions[0] };
    struct find was = {.trial = find->trial}; /* its value and failure are compared with */
    struct shrunk shrunk = {.shrinking = shrinking, .was = &was, .find = find, .left = shrinking->evaluations};
    enum error_kind kind = ERROR_NONE;
    for (bool any = true; any && shrunk.left > 0 && !kind;) {
        any = false;
        for (int i = 0; i < NUM_REDUCTIONS && !kind; i++)
            do {
                shrunk.reduced = false;
                kind = reduce(&shrunk, reductions[i], error);
                any |= shrunk.reduced;
            } while (shrunk.reduced && !kind);
    }
    return kind;
}
