#include "harness/judge/contract/contract_trial.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/double_double.h"

struct contract_trial contract_trial_begin(const struct exhibit *stated)
{
    return (struct contract_trial){.stated = stated,
                                   .before = *stated->problem,
                                   .output_before = *stated->output,
                                   .problem = *stated->problem,
                                   .output = *stated->output,
                                   .factor = 1,
                                   .of = {stated->problem->k, stated->problem->v}};
}

struct contract_trial contract_trial_on(const struct contract_trial *first)
{
    struct contract_trial trial = *first;
    trial.before = first->problem;
    trial.output_before = first->output;
    trial.num_owned = 0;
    return trial;
}

void contract_trial_clear(struct contract_trial *trial)
{
    while (trial->num_owned > 0)
        free(trial->owned[--trial->num_owned]);
}

/* New memory, the trial's. */
static void *own(struct contract_trial *trial, size_t size)
{
    void *memory = trial->num_owned < CONTRACT_OWNED_MAX ? aligned_alloc(64, size / 64 * 64 + 64) : NULL;
    if (memory)
        trial->owned[trial->num_owned++] = memory;
    trial->is_short |= !memory;
    return memory;
}

/* The same with a copy of what is at from; NULL without that. */
static void *take_copy(struct contract_trial *trial, const void *from, size_t size)
{
    void *copy = from ? own(trial, size) : NULL;
    return copy ? memcpy(copy, from, size) : NULL;
}

static size_t query_bytes(const struct problem *problem)
{
    return (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes;
}

static size_t key_bytes(const struct problem *problem)
{
    return (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
}

float *contract_own_slopes(struct contract_trial *trial)
{
    float *slopes =
        take_copy(trial, trial->problem.slopes, (size_t)trial->problem.num_heads * sizeof *trial->problem.slopes);
    if (slopes)
        trial->problem.slopes = slopes;
    return slopes;
}

uint8_t *contract_own_mask(struct contract_trial *trial)
{
    size_t keys = (size_t)trial->problem.seq_len;
    uint8_t *visible = own(trial, keys);
    if (!visible)
        return NULL;
    if (trial->problem.visible)
        memcpy(visible, trial->problem.visible, keys);
    else
        memset(visible, 1, keys);
    trial->problem.visible = visible;
    return visible;
}

float *contract_own_lse(struct contract_trial *trial)
{
    float *lse = take_copy(trial, trial->output.lse, (size_t)problem_rows(&trial->problem) * sizeof *trial->output.lse);
    if (lse)
        trial->output.lse = lse;
    return lse;
}

void *contract_own_out(struct contract_trial *trial)
{
    void *out =
        take_copy(trial, trial->output.out, (size_t)problem_rows(&trial->problem) * query_bytes(&trial->problem));
    if (out)
        trial->output.out = out;
    return out;
}

/* Rows of [Q, H, row_bytes], moved within each query. */
static void *moved_rows(struct contract_trial *trial, const void *rows, const int *source, int queries,
                        size_t row_bytes)
{
    int heads = trial->problem.num_heads;
    char *moved = take_copy(trial, rows, (size_t)queries * (size_t)heads * row_bytes);
    for (int row = 0; moved && row < queries * heads; row++)
        memcpy(moved + (size_t)row * row_bytes,
               (const char *)rows + (size_t)(row / heads * heads + source[row % heads]) * row_bytes, row_bytes);
    return moved;
}

bool contract_move_heads(struct contract_trial *trial, const int *source, unsigned which)
{
    struct problem *problem = &trial->problem;
    int queries = problem_queries(problem);
    size_t row = query_bytes(problem);
    bool moved = true;
    if (which & MOVE_QUERIES)
        moved = (problem->q = moved_rows(trial, problem->q, source, queries, row)) && moved;
    if (which & MOVE_SLOPES)
        moved = (problem->slopes = moved_rows(trial, problem->slopes, source, 1, sizeof(float))) && moved;
    if (which & MOVE_SINKS && problem->sink_logits)
        moved = (problem->sink_logits = moved_rows(trial, problem->sink_logits, source, 1, sizeof(float))) && moved;
    if (which & MOVE_OUT)
        moved = (trial->output.out = moved_rows(trial, trial->output.out, source, queries, row)) && moved;
    if (which & MOVE_LSE && trial->output.lse)
        moved = (trial->output.lse = moved_rows(trial, trial->output.lse, source, queries, sizeof(float))) && moved;
    return moved;
}

/* As map has it, which the trial's problem is made for. */
static bool move_keys(struct contract_trial *trial, unsigned which, const struct key_map *map)
{
    const bool in_parts = trial->stated->parts;
    if (trial->waiting & which && (in_parts || !contract_place_keys(trial))) /* no pair moves them twice */
        return false;
    if (in_parts && !key_map_keeps_heads(map))
        trial->crossing |= which;
    for (int tensor = 0; tensor < 2; tensor++)
        if (which >> tensor & 1)
            trial->map[tensor] = *map;
    trial->waiting |= which;
    trial->problem.bounds = NULL;
    return true;
}

bool contract_move_keys(struct contract_trial *trial, unsigned which, key_place *place, int64_t by)
{
    const struct problem *problem = &trial->problem;
    const struct key_map map = {place, by, NULL, problem->seq_len, problem->num_kv_heads};
    return move_keys(trial, which, &map);
}

/* k or v as its map has it, in new memory; NULL if that is short. */
static char *moved_keys(struct contract_trial *trial, int tensor)
{
    const struct problem *problem = &trial->problem;
    size_t row = key_bytes(problem), rows = (size_t)problem->seq_len * (size_t)problem->num_kv_heads;
    size_t element = dtypes[problem_kv_dtype(problem)].size_bytes;
    const char *from = tensor ? problem->v : problem->k;
    char *to = own(trial, rows * row);
    for (int64_t key = 0; to && key < problem->seq_len; key++)
        for (int head = 0; head < problem->num_kv_heads; head++) {
            int64_t at = key;
            int of_head = head;
            key_map_row(&trial->map[tensor], &at, &of_head);
            if (at < 0)
                memset(to + problem_row(problem, key, head) * element, 0, row);
            else
                memcpy(to + problem_row(problem, key, head) * element,
                       from + problem_row(problem, at, of_head) * element, row);
        }
    return to;
}

bool contract_place_keys(struct contract_trial *trial)
{
    if (trial->stated->parts) /* where they are placed as they are opened */
        return true;
    char *k = trial->waiting & MOVE_K ? moved_keys(trial, 0) : NULL;
    char *v = trial->waiting & MOVE_V ? moved_keys(trial, 1) : NULL;
    if ((trial->waiting & MOVE_K && !k) || (trial->waiting & MOVE_V && !v))
        return false;
    trial->problem.k = k ? k : trial->problem.k;
    trial->problem.v = v ? v : trial->problem.v;
    trial->waiting = 0;
    return true;
}

void contract_key_maps(struct key_map moved[2], const struct contract_trial *trial, unsigned which)
{
    for (int tensor = 0; tensor < 2; tensor++) {
        const int of = trial->of[tensor] == trial->stated->problem->v;
        moved[of] = trial->waiting & which & 1u << tensor ? trial->map[tensor] : (struct key_map){.place = NULL};
    }
}

/* A row behind those that there are. */
static void with_one_more(const struct key_map *map, int64_t *key, int *kv_head)
{
    (void)kv_head;
    if (*key == map->seq_len - 1)
        *key = -1;
}

bool contract_append_key(struct contract_trial *trial)
{
    struct problem *problem = &trial->problem;
    size_t keys = (size_t)problem->seq_len;
    uint8_t *visible = own(trial, keys + 1);
    if (!visible)
        return false;
    for (size_t key = 0; key < keys; key++)
        visible[key] = problem_visible(problem, (int64_t)key);
    visible[keys] = 0;
    problem->visible = visible;
    problem->seq_len++;
    problem->kv_slots = 0;
    return contract_move_keys(trial, MOVE_K | MOVE_V, with_one_more, 0);
}

/* Whether later queries' keys are all visible: which of them a query sees is counted from the end. */
static bool later_keys_are_visible(const struct problem *problem)
{
    for (int64_t key = problem->seq_len - problem_queries(problem) + 1; key < problem->seq_len; key++)
        if (key < 0 || !problem_visible(problem, key))
            return false;
    return true;
}

static void by_list(const struct key_map *map, int64_t *key, int *kv_head)
{
    (void)kv_head;
    *key = map->keys[*key];
}

bool contract_leave_masked_keys(struct contract_trial *trial)
{
    struct problem *problem = &trial->problem;
    int64_t left = 0, keys = problem->seq_len;
    for (int64_t key = 0; key < keys; key++)
        left += problem_visible(problem, key);
    if (left == 0 || left == keys || !later_keys_are_visible(problem))
        return false;
    int64_t *list = own(trial, (size_t)left * sizeof *list);
    for (int64_t key = 0, to = 0; list && key < keys; key++)
        if (problem_visible(problem, key))
            list[to++] = key;
    problem->visible = NULL;
    problem->q_position -= keys - left;
    problem->seq_len = left;
    problem->kv_slots = 0;
    return list && move_keys(trial, MOVE_K | MOVE_V,
                             &(struct key_map){by_list, 0, list, problem->seq_len, problem->num_kv_heads});
}

/* The row of query and head as a head of one query alone: heads of a KV head stand together. */
static size_t joined_head(const struct problem *problem, int query, int head)
{
    int group = problem->num_heads / problem->num_kv_heads, kv_head = head / group;
    return (size_t)((kv_head * problem_queries(problem) + query) * group + head % group);
}

bool contract_join_queries(struct contract_trial *trial, bool with_positions)
{
    struct problem *problem = &trial->problem;
    struct output *output = &trial->output;
    const struct problem of = *problem;
    int queries = problem_queries(problem), heads = problem->num_heads;
    size_t rows = (size_t)problem_rows(problem), bytes = query_bytes(problem);
    char *q = own(trial, rows * bytes), *out = own(trial, rows * bytes);
    float *slopes = own(trial, rows * sizeof *slopes), *lse = output->lse ? own(trial, rows * sizeof *lse) : NULL,
          *sinks = problem->sink_logits ? own(trial, rows * sizeof *sinks) : NULL;
    if (!q || !out || !slopes || !lse != !output->lse || !sinks != !problem->sink_logits)
        return false;
    for (int query = 0; query < queries; query++)
        for (int head = 0; head < heads; head++) {
            size_t row = (size_t)(query * heads + head), to = joined_head(&of, query, head);
            int later = with_positions ? queries - 1 - query : 0;
            memcpy(q + to * bytes, (const char *)problem->q + row * bytes, bytes);
            memcpy(out + to * bytes, (const char *)output->out + row * bytes, bytes);
            slopes[to] = problem->slopes[head];
            if (sinks)
                sinks[to] = problem->sink_logits[head];
            if (lse)
                lse[to] = (float)((double)output->lse[row] - (double)slopes[to] * later);
        }
    problem->num_queries = 1;
    problem->num_heads = (int)rows;
    problem->place = (struct head_place){0};
    problem->q = q;
    problem->slopes = slopes;
    problem->sink_logits = sinks;
    *output = (struct output){out, lse};
    return true;
}

void contract_change_truth(const struct contract_trial *trial, struct truth *truth)
{
    size_t elements = (size_t)truth->num_rows * (size_t)truth->head_dim;
    if (trial->factor == 1 && trial->offset == 0)
        return;
    for (size_t i = 0; i < elements; i++) {
        struct double_double value = {truth->value[i], truth->tail[i]};
        if (!isfinite(value.hi))
            continue;
        value = dd_add_d(dd_mul_d(value, trial->factor), trial->offset);
        truth->value[i] = value.hi;
        truth->tail[i] = value.lo;
        truth->radius[i] = 1.05 * fabs(trial->factor) * truth->radius[i] + 0x1p-100 * fabs(value.hi);
        truth->magnitude[i] = fabs(trial->factor) * truth->magnitude[i] + fabs(trial->offset);
    }
}

bool contract_say(struct contract_trial *trial, const char *format, ...)
{
    size_t length = strlen(trial->text);
    va_list arguments;
    if (length > 0 && length + 5 < sizeof trial->text)
        length += (size_t)snprintf(trial->text + length, sizeof trial->text - length, " and ");
    va_start(arguments, format);
    vsnprintf(trial->text + length, sizeof trial->text - length, format, arguments);
    va_end(arguments);
    return true;
}
