/*
 * One head of the certified truth: double where a double will do, double-double where weight is, nothing where a bound
 * will do. truth_certified.md derives every constant; "lemma n" refers to it.
 *
 * Look at the keys from the newest down in double, until the keys that are left provably weigh less than 2^-74 together
 * (lemma 3). Heavy keys, within 2^-32 of the heaviest, are done again in double-double; light keys stay in double
 * (lemmas 1, 2, 4). The radius adds up what was lost (lemma 5).
 */
#include "reference/certified_head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference/certified_end.h"
#include "reference/dot_dd.h"
#include "reference/key_rows.h"
#include "reference/recent_keys.h"

#define SUNK_ABOVE 437.0 /* nats that a sink is above all keys: what the first effort drops is in exp's range then */
#define LARGEST_LOGIT 0x1p+40 /* |logits| beyond it go to MPFR; below it bounds in double are off by < 2^-8 */

/* How hard to try: first as cheap as the goal allows, then everything in double-double and a far smaller tail. */
struct effort {
    double ln_tail;       /* logarithm of the weight that may be left unseen, relative to the heaviest key */
    double tail;          /* exp of it, rounded up */
    double light_below;   /* nats below the largest logit; 22.2: weights under 2^-32 */
    double dropped_below; /* nats; at most 490, because exp's range ends at 500 */
    double dropped;       /* exp(1 - dropped_below), rounded up: the most that a dropped key weighs */
};

static const struct effort efforts[] = {
    {.ln_tail = -51.3, .tail = 0x1p-74, .light_below = 22.2, .dropped_below = 62, .dropped = 0x1p-88},
    {.ln_tail = -110.95, .tail = 0x1p-160, .light_below = INFINITY, .dropped_below = 490, .dropped = 0x1p-705},
};

void certified_room_clear(struct certified_room *room)
{
    free(room->memory);
    free(room->row);
    free(room->keys);
    free(room->logits);
    *room = (struct certified_room){0};
}

enum error_kind certified_room_init(struct certified_room *room, const struct problem *problem, struct error *error)
{
    enum { ARRAYS = 8 };
    size_t padded = ((size_t)problem->head_dim + DOT_LANES - 1) / DOT_LANES * DOT_LANES;
    *room = (struct certified_room){
        .padded = padded,
        .memory = aligned_alloc(64, ARRAYS * padded * sizeof(double)),
        .row = aligned_alloc(64, padded * sizeof(float)),
    };
    if (!room->memory || !room->row) {
        certified_room_clear(room);
        return error_memory(error, "the truth of a head", (double)padded * (ARRAYS * 8 + 4));
    }
    memset(room->memory, 0, ARRAYS * padded * sizeof(double));
    memset(room->row, 0, padded * sizeof(float));
    double **arrays[ARRAYS] = {&room->query,    &room->hi,        &room->lo,    &room->block_hi,
                               &room->block_lo, &room->magnitude, &room->light, &room->light_magnitude};
    for (size_t i = 0; i < ARRAYS; i++)
        *arrays[i] = room->memory + i * padded;
    return ERROR_NONE;
}

static bool room_grow(struct certified_room *room)
{
    size_t capacity = room->capacity ? 2 * room->capacity : 4096;
    int64_t *keys = realloc(room->keys, capacity * sizeof *keys);
    if (keys)
        room->keys = keys;
    double *logits = realloc(room->logits, capacity * sizeof *logits);
    if (logits)
        room->logits = logits;
    if (!keys || !logits)
        return false;
    room->capacity = capacity;
    return true;
}

static void fetch_rows(const struct head *head, const void *tensor, const int64_t *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        key_row_fetch(head->problem, tensor, head->kv_head, keys[i]);
}

/* The row of a key, [padded], until the next call. */
static const float *load_row(struct certified_room *room, const struct head *head, const void *tensor, int64_t key)
{
    const struct problem *problem = head->problem;
    dtype_widen(problem_kv_dtype(problem), tensor, problem_row(problem, key, head->kv_head), (size_t)problem->head_dim,
                room->row);
    return room->row;
}

/*
 * Lemma 3: an upper bound on log(sum of exp(s_j - max) over keys below `low`), where logits looked at so far reach max.
 * The geometric series 1 / (1 - e^-slope) is at most 1 + 1 / slope.
 */
static double ln_tail_below(const struct head *head, int64_t low, double max)
{
    if (low <= 0)
        return -INFINITY;
    if (!(head->slope > 0) || head->problem->soft_cap == SOFT_CAP_AFTER_BIAS)
        return INFINITY;
    double reach = head->problem->soft_cap == SOFT_CAP_BEFORE_BIAS ? fmin(head->reach, head->cap) : head->reach;
    double terms = fmin((double)low, 1 + 1 / head->slope);
    double ln_terms = 0.6932 * (ilogb(terms) + 1);
    return head->slope * (double)problem_distance(head->problem, low - 1) + reach - (max - 1) + ln_terms;
}

/* A logit in double from its parts. */
static double look_logit(const struct head *head, double product, double bias)
{
    switch (head->problem->soft_cap) {
    case SOFT_CAP_BEFORE_BIAS:
        return cap_double(head->cap, product) + bias;
    case SOFT_CAP_AFTER_BIAS:
        return cap_double(head->cap, product + bias);
    default:
        return product + bias;
    }
}

/* Logits in double from the newest key down, until the tail is small enough, or a key is not there. False: MPFR has to
 * do it. */
static bool look(struct head *head, struct certified_room *room, const struct effort *effort,
                 const struct progress *progress)
{
    const struct problem *problem = head->problem;
    int64_t high = problem->seq_len, low = high;
    head->max = -INFINITY;
    room->count = 0;
    while (low > 0 && ln_tail_below(head, low, head->max) > effort->ln_tail && !progress_cancelled(progress)) {
        if (room->count + BLOCK > room->capacity && !room_grow(room))
            return false;
        int64_t *keys = room->keys + room->count;
        size_t count = 0;
        for (; low > 0 && count < BLOCK; low--)
            if (problem_visible(problem, low - 1))
                keys[count++] = low - 1;
        if (count > 0 && recent_keys_lack(problem, head->kv_head, keys[count - 1])) {
            head->lacks_keys = true;
            return true;
        }
        fetch_rows(head, problem->k, keys, count);
        for (size_t i = 0; i < count; i++) {
            const float *row = load_row(room, head, problem->k, keys[i]);
            double bias = head->slope * (double)problem_distance(problem, keys[i]);
            double logit = look_logit(head, dot_double(room->query, row, room->padded) * head->scale, bias);
            head->max = logit > head->max ? logit : head->max;
            room->logits[room->count++] = logit;
        }
    }
    double distance = fmax(fabs((double)problem_distance(problem, high)), fabs((double)problem_distance(problem, low)));
    head->largest = (head->reach + fabs(head->slope) * distance) * (1 + 0x1p-40);
    head->look_error = (problem->head_dim + 8) * UNIT * head->largest + CAP_DOUBLE_ERROR * head->cap;
    head->unseen = low > 0 ? effort->tail : 0;
    head->sunk = room->count > 0 && head->sink - head->max > SUNK_ABOVE;
    head->shift = head->sunk ? head->max : fmax(head->max, head->sink);
    if (room->count > 0 && head->shift - head->max + effort->dropped_below > 499) /* exp's range ends at 500 */
        return false;
    /* From 2^53 on the distance itself may be rounded; an error above 2^-7 is not 1.01 times linear in exp. */
    return head->largest < LARGEST_LOGIT && distance < 0x1p53 && head->look_error < 0x1p-7;
}

/* A logit again, in double-double, less the shift: error at most (D^2 + 16) u^2 A, with a soft cap (D^2 + 40) u^2 A +
 * 2^-90 C. */
static struct double_double logit_dd(const struct head *head, const struct certified_room *room, const float *row,
                                     int64_t key)
{
    struct double_double dot = dot_dd(room->query, row, room->padded);
    struct double_double bias = dd_two_product(head->slope, (double)problem_distance(head->problem, key));
    struct double_double product = dd_mul_d(dot, head->scale);
    if (head->problem->soft_cap == SOFT_CAP_BEFORE_BIAS)
        product = cap_dd(head->cap, product);
    struct double_double logit = dd_add(product, bias);
    if (head->problem->soft_cap == SOFT_CAP_AFTER_BIAS)
        logit = cap_dd(head->cap, logit);
    return dd_add_d(logit, -head->shift);
}

/* Adds a block of heavy keys to hi + lo and to the sum of weights (lemma 4). */
static struct double_double add_heavy(const struct head *head, struct certified_room *room, const int64_t *keys,
                                      size_t count, struct double_double sum)
{
    size_t padded = room->padded;
    struct double_double weights[BLOCK];
    fetch_rows(head, head->problem->k, keys, count);
    for (size_t i = 0; i < count; i++)
        weights[i] = logit_dd(head, room, load_row(room, head, head->problem->k, keys[i]), keys[i]);
    for (size_t i = 0; i < count; i++)
        weights[i] = exp_dd(weights[i]);
    for (size_t i = 0; i < count; i++)
        sum = dd_add(sum, weights[i]);

    double *restrict hi = room->block_hi, *restrict lo = room->block_lo;
    double *restrict magnitude = room->magnitude;
    memset(hi, 0, padded * sizeof *hi);
    memset(lo, 0, padded * sizeof *lo);
    fetch_rows(head, head->problem->v, keys, count);
    for (size_t i = 0; i < count; i++) {
        const float *restrict row = load_row(room, head, head->problem->v, keys[i]);
        double weight_hi = weights[i].hi, weight_lo = weights[i].lo;
#pragma omp simd
        for (size_t d = 0; d < padded; d++) {
            double value = (double)row[d];
            struct double_double product = dd_two_product(weight_hi, value);
            struct double_double total = dd_two_sum(hi[d], product.hi);
            hi[d] = total.hi;
            lo[d] += total.lo + __builtin_fma(weight_lo, value, product.lo);
            magnitude[d] += weight_hi * fabs(value);
        }
    }
    for (size_t d = 0; d < padded; d++) {
        struct double_double total = dd_add((struct double_double){room->hi[d], room->lo[d]}, dd_two_sum(hi[d], lo[d]));
        room->hi[d] = total.hi;
        room->lo[d] = total.lo;
    }
    return sum;
}

/* Adds a block of light keys, all in double. */
static double add_light(const struct head *head, struct certified_room *room, const int64_t *keys, const double *logits,
                        size_t count, double sum)
{
    size_t padded = room->padded;
    double *restrict light = room->light, *restrict magnitude = room->light_magnitude;
    double weights[BLOCK];
    fetch_rows(head, head->problem->v, keys, count);
    for (size_t i = 0; i < count; i++)
        weights[i] = exp_double(logits[i] - head->shift);
    for (size_t i = 0; i < count; i++) {
        const float *restrict row = load_row(room, head, head->problem->v, keys[i]);
        double weight = weights[i];
        sum += weight;
#pragma omp simd
        for (size_t d = 0; d < padded; d++) {
            double term = weight * (double)row[d];
            light[d] += term;
            magnitude[d] += fabs(term);
        }
    }
    return sum;
}

/* Lemma 3: a sink that weighs less than a dropped key is left out like one. */
static void add_sink(struct sums *sums, struct head *head)
{
    struct double_double below = dd_two_sum(head->sink, -head->shift);
    if (head->sink == -INFINITY || head->sunk)
        return;
    if (below.hi < -490) {
        head->unseen += 0x1p-705;
        return;
    }
    sums->heavy = dd_add(sums->heavy, exp_dd(below));
    sums->num_heavy++;
}

static struct sums add_up(struct head *head, struct certified_room *room, const struct effort *effort)
{
    struct sums sums = {0};
    int64_t heavy_keys[BLOCK], light_keys[BLOCK];
    double light_logits[BLOCK];
    size_t heavy = 0, light = 0;

    memset(room->hi, 0, (size_t)(room->memory + 8 * room->padded - room->hi) * sizeof(double));
    for (size_t i = 0; i < room->count; i++) {
        double below = head->max - room->logits[i];
        if (below > effort->dropped_below) {
            head->unseen += effort->dropped;
        } else if (below > effort->light_below) {
            light_keys[light] = room->keys[i];
            light_logits[light++] = room->logits[i];
        } else {
            heavy_keys[heavy++] = room->keys[i];
        }
        bool last = i + 1 == room->count;
        if (heavy == BLOCK || (last && heavy)) {
            sums.heavy = add_heavy(head, room, heavy_keys, heavy, sums.heavy);
            sums.num_heavy += heavy;
            heavy = 0;
        }
        if (light == BLOCK || (last && light)) {
            sums.light = add_light(head, room, light_keys, light_logits, light, sums.light);
            sums.num_light += light;
            light = 0;
        }
    }
    if (head->shift > head->max)
        head->unseen *= exp_double(head->max - head->shift) * (1 + 0x1p-40);
    add_sink(&sums, head);
    return sums;
}

/* Whether a visible key's logit is NaN or +inf: lemma 6. Products are exact, and of infinities and numbers double has
 * the sums that the formula has; with a cap, infinities have an end. */
static bool some_logit_is_none(const struct head *head, struct certified_room *room, const struct progress *progress)
{
    const struct problem *problem = head->problem;
    recent_keys_read(problem, head->kv_head, 0);
    for (int64_t key = problem->seq_len - 1; key >= 0 && !progress_cancelled(progress); key--) {
        if (!problem_visible(problem, key))
            continue;
        double product = dot_double(room->query, load_row(room, head, problem->k, key), room->padded) * head->scale;
        if (isnan(product) || (product == INFINITY && !problem->soft_cap))
            return true;
    }
    return false;
}

/* Whether every element of v is a number, or its channel's sum of those that are none is known. */
static bool values_are_known(const struct head *head)
{
    bool known = true;
    for (int d = 0; d < head->problem->head_dim && known; d++)
        known = isfinite(head->v_bounds[d]) || (head->v_beyond && !isfinite(head->v_beyond[d]));
    return known;
}

/* Reads q into the room, and finds how far a logit can be from its bias. */
static void take_query(struct head *head, struct certified_room *room, const float *k_bounds)
{
    const struct problem *problem = head->problem;
    size_t dim = (size_t)problem->head_dim;
    for (size_t d = 0; d < dim; d++) {
        float element;
        dtype_widen(problem->dtype, problem->q, (size_t)head->index * dim + d, 1, &element);
        room->query[d] = (double)element;
        head->reach += fabs((double)element) * (double)k_bounds[d];
    }
    head->reach *= fabs(head->scale) * (1 + 0x1p-40);
}

bool certify_head(struct truth *truth, struct certified_room *room, const struct problem *problem, int index,
                  const struct tensor_bounds *bounds, const struct progress *progress)
{
    int kv_head = problem_kv_head(problem, index);
    size_t channels = (size_t)kv_head * (size_t)problem->head_dim;
    struct head head = {
        .problem = problem,
        .index = index,
        .kv_head = kv_head,
        .v_bounds = bounds->v + channels,
        .v_beyond = bounds->v_beyond ? bounds->v_beyond + channels : NULL,
        .slope = (double)problem->slopes[index],
        .scale = problem_logit_scale(problem),
        .cap = problem->soft_cap ? (double)problem->soft_cap_value : 0,
        .sink = problem->sink_logits ? (double)problem->sink_logits[index] : -INFINITY,
    };
    take_query(&head, room, bounds->k + channels);
    if (!isfinite(head.slope) || !isfinite(head.scale) || !isfinite(problem_value_scale(problem)) ||
        (problem->sink_logits && !isfinite(head.sink)))
        return false;
    if (!isfinite(head.reach) && some_logit_is_none(&head, room, progress)) {
        certified_end_nan(truth, &head);
        return true;
    }
    if (!(head.reach < LARGEST_LOGIT) || !values_are_known(&head))
        return false;

    for (size_t i = 0; i < sizeof efforts / sizeof efforts[0] && !progress_cancelled(progress); i++) {
        if (!look(&head, room, &efforts[i], progress))
            return false;
        if (head.lacks_keys) /* what comes of it means nothing (recent_keys.h) */
            return true;
        if (room->count == 0) { /* no visible key: 0, as truth_init left it, and -inf or what the sink is */
            truth->lse[index] = head.sink;
            return true;
        }
        struct sums sums = add_up(&head, room, &efforts[i]);
        if (certified_end(truth, &head, room, &sums))
            return true;
    }
    return false;
}
