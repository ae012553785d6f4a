#include "harness/hunt/search.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 2000, CHANGES_MAX = 4 };

/* Shares of candidates. */
#define START_SHARE 0.2   /* of the evaluations planned: random draws before the climb */
#define DRAWN_SHARE 0.15  /* of the climb: random draws */
#define CROSSED_SHARE 0.2 /* of children: with keys of a second parent */
#define MORE_SHARE 0.35   /* another change after each */

/* ---- what was seen ----------------------------------------------------------------------------------------------- */

static int compare_digests(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* *is_new: the digest was not seen before; it now is. */
static enum error_kind see(struct search *search, uint64_t digest, bool *is_new, struct error *error)
{
    uint64_t *copy = malloc(sizeof *copy), **found;
    if (copy)
        *copy = digest;
    found = copy ? tsearch(copy, &search->seen, compare_digests) : NULL;
    *is_new = found && *found == copy;
    if (!*is_new)
        free(copy);
    return found ? ERROR_NONE : error_memory(error, "the candidates seen", sizeof *copy);
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

/* A point as far as changes have to know it. False: no case may be so. */
static bool read_point(struct hunted_point *read, const struct search *search, const struct candidate *candidate,
                       enum error_kind *kind, struct error *error)
{
    *kind = candidate_read(read, candidate, "candidate", search->setting.kernel, error);
    bool made = !*kind;
    *kind = *kind == ERROR_USAGE ? ERROR_NONE : *kind;
    return made;
}

/* A start; what of it is not within the limits is drawn, and with `all` every free key. */
static enum error_kind draw_start(struct search *search, size_t index, bool all, struct error *error)
{
    const struct space *space = search->setting.space;
    struct hunted_point start;
    enum error_kind kind;
    candidate_clear(&search->candidate);
    kind = candidate_copy(&search->candidate, &search->setting.starts[index], error);
    if (kind || !read_point(&start, search, &search->candidate, &kind, error))
        return kind;
    struct changing changing = {&search->candidate, start.point};
    bool changed = false;
    for (int id = 0; id < KEY_COUNT && !kind; id++) {
        const struct free_key *key = space->keys[id];
        if (!key || (!all && space_holds(key, &changing.point, search->candidate.values[id])))
            continue;
        kind = change_key(&changing, key, CHANGE_REDRAW, &search->draws, error);
        changed = true;
    }
    if (!kind && changed)
        kind = change_fit(&changing, space, error);
    hunted_point_clear(&start);
    return kind;
}

/* ---- climbing ---------------------------------------------------------------------------------------------------- */

static const struct member *draw_member(struct search *search)
{
    double unit = draw_unit(&search->draws);
    return &search->members[(int)(unit * unit * search->num_members)];
}

/* By how often each has gained, one that is new like one that gains every third time. */
static int draw_arm(struct search *search)
{
    double weights[KEY_COUNT * CHANGE_COUNT], sum = 0;
    for (int i = 0; i < search->num_arms; i++)
        sum += weights[i] = (1 + search->arms[i].gains) / (3 + search->arms[i].tries);
    double left = draw_unit(&search->draws) * sum;
    for (int i = 0; i < search->num_arms; i++)
        if ((left -= weights[i]) < 0)
            return i;
    return search->num_arms - 1;
}

/* Each free key of a second parent as likely as not. */
static enum error_kind cross(struct search *search, const struct member *other, struct error *error)
{
    for (int id = 0; id < KEY_COUNT; id++) {
        if (!search->setting.space->keys[id] || draw_chance(&search->draws, 0.5))
            continue;
        char *value = other->candidate.values[id] ? strdup(other->candidate.values[id]) : NULL;
        if (other->candidate.values[id] && !value)
            return error_memory(error, "a candidate", FIELD_TEXT_SIZE);
        candidate_take(&search->candidate, (enum key_id)id, value);
    }
    return ERROR_NONE;
}

static enum error_kind change_some(struct search *search, struct changing *changing, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < CHANGES_MAX && !kind; i++) {
        int arm = draw_arm(search);
        kind = change_key(changing, search->setting.space->keys[search->arms[arm].id], search->arms[arm].change,
                          &search->draws, error);
        search->changed[arm] = 1;
        if (!draw_chance(&search->draws, MORE_SHARE))
            break;
    }
    return kind ? kind : change_fit(changing, search->setting.space, error);
}

static enum error_kind make_child(struct search *search, struct error *error)
{
    const struct member *parent = draw_member(search);
    struct hunted_point read;
    enum error_kind kind;
    candidate_clear(&search->candidate);
    kind = candidate_copy(&search->candidate, &parent->candidate, error);
    if (!kind && draw_chance(&search->draws, CROSSED_SHARE))
        kind = cross(search, draw_member(search), error);
    if (kind || !read_point(&read, search, &search->candidate, &kind, error))
        return kind;
    struct changing changing = {&search->candidate, read.point};
    kind = change_some(search, &changing, error);
    search->parent_value = parent->value;
    hunted_point_clear(&read);
    return kind;
}

static bool is_drawn(struct search *search)
{
    bool is_start = (double)search->asked < START_SHARE * (double)search->setting.planned || search->asked < 4;
    return search->setting.random || is_start || search->num_members == 0 || search->num_arms == 0 ||
           draw_chance(&search->draws, DRAWN_SHARE);
}

static enum error_kind make_candidate(struct search *search, int attempt, struct error *error)
{
    size_t num_starts = search->setting.num_starts;
    memset(search->changed, 0, sizeof search->changed);
    search->parent_value = NAN;
    if (search->asked < (long)num_starts && attempt == 0)
        return draw_start(search, (size_t)search->asked, false, error);
    if (is_drawn(search))
        return draw_start(search, (size_t)draw_whole(&search->draws, 0, (int64_t)num_starts - 1), true, error);
    return make_child(search, error);
}

/* ---- asking and telling ------------------------------------------------------------------------------------------ */

static bool is_within(const struct search *search, const struct point *point)
{
    bool within = true;
    for (int id = 0; id < KEY_COUNT && within; id++)
        if (search->setting.space->keys[id])
            within = space_holds(search->setting.space->keys[id], point, search->candidate.values[id]);
    return within && search->setting.takes(search->setting.context, point);
}

enum error_kind search_ask(struct search *search, const struct candidate **candidate, struct hunted_point *read,
                           bool *found, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    *found = false;
    *candidate = &search->candidate;
    *read = (struct hunted_point){.digest = 0};
    for (int attempt = 0; attempt < ATTEMPTS && !*found && !kind; attempt++) {
        bool is_new = false;
        hunted_point_clear(read);
        kind = make_candidate(search, attempt, error);
        if (kind || !read_point(read, search, &search->candidate, &kind, error))
            continue;
        kind = see(search, read->digest, &is_new, error);
        *found = !kind && is_new && is_within(search, &read->point);
    }
    search->asked += *found;
    return kind;
}

/* Gains of the changes that made the candidate. */
static void credit(struct search *search, double value)
{
    for (int i = 0; i < search->num_arms && !isnan(search->parent_value); i++)
        if (search->changed[i]) {
            search->arms[i].tries++;
            search->arms[i].gains += value > search->parent_value;
        }
}

enum error_kind search_tell(struct search *search, double value, struct error *error)
{
    int place = search->num_members;
    credit(search, value);
    while (place > 0 && value > search->members[place - 1].value)
        place--;
    if (place == SEARCH_MEMBERS || !isfinite(value))
        return ERROR_NONE;
    struct member member = {.value = value};
    enum error_kind kind = candidate_copy(&member.candidate, &search->candidate, error);
    if (kind) {
        candidate_clear(&member.candidate);
        return kind;
    }
    if (search->num_members == SEARCH_MEMBERS)
        candidate_clear(&search->members[--search->num_members].candidate);
    memmove(&search->members[place + 1], &search->members[place],
            (size_t)(search->num_members - place) * sizeof search->members[0]);
    search->members[place] = member;
    search->num_members++;
    return ERROR_NONE;
}

void search_begin(struct search *search, const struct search_setting *setting)
{
    *search = (struct search){.setting = *setting, .draws = {setting->seed}};
    for (int id = 0; id < KEY_COUNT; id++)
        for (int change = 0; change < CHANGE_COUNT; change++)
            if (setting->space->keys[id] && change_is_of((enum change)change, setting->space->keys[id]))
                search->arms[search->num_arms++] = (struct arm){.id = (enum key_id)id, .change = (enum change)change};
}

void search_end(struct search *search)
{
    for (int i = 0; i < search->num_members; i++)
        candidate_clear(&search->members[i].candidate);
    candidate_clear(&search->candidate);
    tdestroy(search->seen, free);
    search->seen = NULL;
}
