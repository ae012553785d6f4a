#include "harness/judge/parting/parting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/parting/parting_step.h"

/* The keys with which the row still differs, and room for some of them. */
struct search {
    struct row_runs *runs;
    int64_t *keys, *some; /* [N] */
    size_t count;
    bool sharpened, least, too_low;
};

/* Whether the row differs with some keys alone; then they are the ones. */
static enum error_kind try_keys(struct search *search, const int64_t *keys, size_t count, bool *differs,
                                struct error *error)
{
    const struct row_change change = {.keys = keys, .num_keys = count, .sharp = true};
    struct row_seen seen;
    enum error_kind kind = row_runs_make(search->runs, &change, &seen, error);
    *differs = !kind && (seen.out || seen.lse);
    search->too_low = !kind && seen.too_low;
    if (*differs) {
        memmove(search->keys, keys, count * sizeof *keys);
        search->count = count;
        search->sharpened = seen.sharpened && !seen.lse;
    }
    return kind;
}

/* Tries each of so many pieces alone, or all but each. */
static enum error_kind try_pieces(struct search *search, size_t pieces, bool without, bool *differs,
                                  struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    size_t count = search->count;
    *differs = false;
    for (size_t p = 0; p < pieces && !kind && !*differs && search->runs->count < search->runs->max; p++) {
        size_t first = count * p / pieces, end = count * (p + 1) / pieces;
        if (!without) {
            memcpy(search->some, search->keys + first, (end - first) * sizeof *search->some);
            kind = try_keys(search, search->some, end - first, differs, error);
            continue;
        }
        memcpy(search->some, search->keys, first * sizeof *search->some);
        memcpy(search->some + first, search->keys + end, (count - end) * sizeof *search->some);
        kind = try_keys(search, search->some, count - (end - first), differs, error);
    }
    return kind;
}

/* Ever fewer keys, until there is none that can be left out. */
static enum error_kind shrink(struct search *search, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    size_t pieces = 2;
    while (search->count > 1 && !kind && search->runs->count < search->runs->max) {
        bool differs = false;
        kind = try_pieces(search, pieces, false, &differs, error);
        if (differs) {
            pieces = 2;
            continue;
        }
        if (!kind && pieces > 2)
            kind = try_pieces(search, pieces, true, &differs, error);
        if (differs) {
            pieces = pieces > 3 ? pieces - 1 : 2;
            continue;
        }
        if (pieces >= search->count) {
            search->least = search->runs->count < search->runs->max;
            break;
        }
        pieces = 2 * pieces < search->count ? 2 * pieces : search->count;
    }
    search->least |= search->count == 1;
    return kind;
}

static void give_up(struct parting *parting, const char *why)
{
    snprintf(parting->why, sizeof parting->why, "%.190s", why);
}

static void take_keys(struct parting *parting, const struct search *search)
{
    parting->num_keys = (int64_t)search->count;
    for (size_t i = 0; i < search->count && i < PARTING_KEYS_SHOWN; i++)
        parting->keys[i] = search->keys[i];
    parting->least = search->least;
    parting->sharpened = search->sharpened;
}

static enum error_kind find(struct parting *parting, struct search *search, struct error *error)
{
    const struct problem *problem = search->runs->inquiry->problem;
    bool differs = false;
    for (int64_t key = 0; key < problem->seq_len; key++)
        if (problem_visible(problem, key))
            search->keys[search->count++] = key;
    if (search->count == 0) {
        give_up(parting, "no key is visible");
        return ERROR_NONE;
    }
    memcpy(search->some, search->keys, search->count * sizeof *search->some);
    enum error_kind kind = try_keys(search, search->some, search->count, &differs, error);
    if (kind || !differs) {
        give_up(parting, search->too_low ? "logits are so near a stand-in for -inf that masked keys may have weight"
                         : problem->sink_logits ? "without its sink the row does not differ"
                                                : "the row of this head alone does not differ");
        return kind;
    }
    kind = shrink(search, error);
    take_keys(parting, search);
    return kind ? kind : parting_find_step(parting, search->runs, search->keys, search->count, error);
}

/* A subject that takes no mask cannot be given some keys alone. */
static bool takes_masks(const struct parting_inquiry *inquiry, struct row_runs *runs, struct parting *parting)
{
    struct problem masked = runs->problem;
    char text[SUBJECT_TEXT_SIZE];
    memset(runs->visible, 1, (size_t)masked.seq_len);
    masked.visible = runs->visible;
    for (int side = 0; side < 2; side++) {
        const struct subject *subject = inquiry->subjects[side];
        if (subject->ops->takes && !subject->ops->takes(subject, &masked, 1, text)) {
            give_up(parting, text);
            return false;
        }
    }
    return true;
}

enum error_kind parting_find(struct parting *parting, const struct parting_inquiry *inquiry, struct error *error)
{
    struct row_runs runs;
    struct error failure = {0};
    size_t keys = (size_t)inquiry->problem->seq_len + 1;
    struct search search = {
        .runs = &runs, .keys = calloc(keys, sizeof *search.keys), .some = calloc(keys, sizeof *search.some)};
    *parting = (struct parting){.step = PARTING_UNKNOWN, .key = -1};
    enum error_kind kind = row_runs_begin(&runs, inquiry, &failure);
    if (!kind && (!search.keys || !search.some))
        kind = error_memory(&failure, "the keys of a row", 2.0 * (double)keys * sizeof *search.keys);
    if (!kind && takes_masks(inquiry, &runs, parting))
        kind = find(parting, &search, &failure);
    if (kind == ERROR_SUBJECT) {
        parting->step = PARTING_UNKNOWN;
        give_up(parting, failure.text);
        kind = ERROR_NONE;
    }
    parting->runs = runs.count;
    row_runs_clear(&runs);
    free(search.keys);
    free(search.some);
    return kind ? error_set(error, kind, "%s", failure.text) : ERROR_NONE;
}
