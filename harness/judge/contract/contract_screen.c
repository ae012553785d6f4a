#include "harness/judge/contract/contract_screen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference/soft_cap.h"

/* ---- what is kept ------------------------------------------------------------------------------------------------ */

/* Numbers kept at most, of products and of values each: 16 MiB. */
enum { KEPT_NUMBERS = 1 << 21, PRODUCT_SLOTS = 64, VALUE_SLOTS = 8 };

/* q.k of a query and the keys of a KV head. */
struct kept_products {
    const void *k; /* NULL: none are kept */
    struct key_map map;
    int kv_head;
    int64_t keys;
    float *query;     /* [D] */
    double *products; /* [N] */
};

/* The first elements of each v of a KV head. */
struct kept_values {
    const void *v; /* NULL: none are kept */
    struct key_map map;
    int kv_head;
    int64_t keys;
    float *values; /* [N, dim] */
};

struct screen_memory {
    size_t max_keys;
    int num_products, num_values, next_products, next_values; /* the next is the oldest */
    struct kept_products products[PRODUCT_SLOTS];
    struct kept_values values[VALUE_SLOTS];
};

/* As many of max slots of so many numbers as there is room for. */
static int slots_of(int max, double numbers)
{
    double slots = floor(KEPT_NUMBERS / numbers);
    return slots < max ? (int)slots : max;
}

static struct screen_memory *memory_new(const struct problem *problem, int dim)
{
    struct screen_memory *memory = calloc(1, sizeof *memory);
    double keys = (double)problem->seq_len + 1;
    if (!memory)
        return NULL;
    memory->max_keys = (size_t)problem->seq_len + 1;
    memory->num_products = slots_of(PRODUCT_SLOTS, keys);
    if (memory->num_products < 1) /* a fit tries many contracts of one row */
        memory->num_products = 1;
    memory->num_values = dim < problem->head_dim ? slots_of(VALUE_SLOTS, keys * dim) : 0;
    return memory;
}

static void memory_free(struct screen_memory *memory)
{
    for (int i = 0; memory && i < PRODUCT_SLOTS; i++) {
        free(memory->products[i].query);
        free(memory->products[i].products);
    }
    for (int i = 0; memory && i < VALUE_SLOTS; i++)
        free(memory->values[i].values);
    free(memory);
}

/* The slot to be filled next, with memory; NULL if there is none, or memory is short. */
static struct kept_products *next_products(struct screen_memory *memory, size_t dim)
{
    struct kept_products *slot = &memory->products[memory->next_products];
    memory->next_products = (memory->next_products + 1) % memory->num_products;
    slot->k = NULL;
    if (!slot->query)
        slot->query = malloc(dim * sizeof *slot->query);
    if (!slot->products)
        slot->products = malloc(memory->max_keys * sizeof *slot->products);
    return slot->query && slot->products ? slot : NULL;
}

static struct kept_values *next_values(struct screen_memory *memory, size_t dim)
{
    if (memory->num_values == 0)
        return NULL;
    struct kept_values *slot = &memory->values[memory->next_values];
    memory->next_values = (memory->next_values + 1) % memory->num_values;
    slot->v = NULL;
    if (!slot->values)
        slot->values = malloc(memory->max_keys * dim * sizeof *slot->values);
    return slot->values ? slot : NULL;
}

/* ---- a screen ---------------------------------------------------------------------------------------------------- */

enum error_kind contract_screen_init(struct contract_screen *screen, const struct problem *problem, int dim,
                                     struct error *error)
{
    size_t keys = (size_t)problem->seq_len + 1, whole = (size_t)problem->head_dim;
    int looked_at = dim != SCREEN_ALL_ELEMENTS && dim < problem->head_dim ? dim : problem->head_dim;
    *screen = (struct contract_screen){
        .dim = looked_at,
        .logits = malloc(keys * sizeof(double)),
        .weights = malloc(keys * sizeof(double)),
        .sums = malloc((size_t)looked_at * sizeof(double)),
        .query = malloc(whole * sizeof(float)),
        .row = malloc(whole * sizeof(float)),
        .memory = memory_new(problem, looked_at),
    };
    if (screen->logits && screen->weights && screen->sums && screen->query && screen->row && screen->memory)
        return ERROR_NONE;
    contract_screen_clear(screen);
    return error_memory(error, "a row under another contract", (double)keys * 2 * sizeof(double));
}

void contract_screen_clear(struct contract_screen *screen)
{
    free(screen->logits);
    free(screen->weights);
    free(screen->sums);
    free(screen->query);
    free(screen->row);
    memory_free(screen->memory);
    *screen = (struct contract_screen){.logits = NULL};
}

void contract_screen_forget(struct contract_screen *screen)
{
    for (int i = 0; i < PRODUCT_SLOTS; i++)
        screen->memory->products[i].k = NULL;
    for (int i = 0; i < VALUE_SLOTS; i++)
        screen->memory->values[i].v = NULL;
}

/* ---- attention --------------------------------------------------------------------------------------------------- */

static double dot(const float *a, const float *b, size_t dim)
{
    double lanes[4] = {0};
    size_t d = 0;
    for (; d + 4 <= dim; d += 4)
        for (size_t lane = 0; lane < 4; lane++)
            lanes[lane] += (double)a[d + lane] * (double)b[d + lane];
    for (; d < dim; d++)
        lanes[0] += (double)a[d] * (double)b[d];
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

/* By which the rows of k (0) or v (1) are moved that wait for it; zeroed: they are where the problem has them. */
static struct key_map map_of(const struct contract_screen *screen, int tensor)
{
    const struct contract_trial *moved = screen->moved;
    return moved && moved->waiting >> tensor & 1 ? moved->map[tensor] : (struct key_map){.place = NULL};
}

void contract_screen_read(struct contract_screen *screen, const struct problem *problem, int tensor, int64_t key,
                          int kv_head, size_t dim)
{
    const struct problem *at = screen->parts ? screen->part : problem;
    const void *of = tensor ? problem->v : problem->k;
    const struct contract_trial *moved = screen->moved;
    if (moved && (moved->waiting & ~moved->crossing) >> tensor & 1) /* those that cross were opened so */
        key_map_row(&moved->map[tensor], &key, &kv_head);
    if (key < 0) {
        memset(screen->row, 0, dim * sizeof *screen->row);
        return;
    }
    if (screen->parts) {
        of = key_part_tensor(screen->parts, at, of);
        kv_head -= key_part_first(at);
    }
    dtype_widen(problem_kv_dtype(problem), of, problem_row(at, key, kv_head), dim, screen->row);
}

/* Whether what comes of keys is as good for another trial: of those that wait, a list says which for one alone, and
 * where all are at hand they are looked at once. */
static bool may_keep(const struct contract_screen *screen, const struct key_map *map)
{
    return !map->place || (screen->parts && !map->keys);
}

/* Of screen->query and every key, masked ones too. */
static const double *products_of(struct contract_screen *screen, const struct problem *problem, int kv_head)
{
    size_t dim = (size_t)problem->head_dim, bytes = dim * sizeof *screen->query;
    struct screen_memory *memory = screen->memory;
    const struct key_map map = map_of(screen, 0);
    const bool keep = may_keep(screen, &map);
    for (int i = 0; i < memory->num_products && keep; i++) {
        const struct kept_products *kept = &memory->products[i];
        if (kept->k == problem->k && key_map_same(&kept->map, &map) && kept->kv_head == kv_head &&
            kept->keys == problem->seq_len && memcmp(kept->query, screen->query, bytes) == 0)
            return kept->products;
    }
    struct kept_products *slot = keep ? next_products(memory, dim) : NULL;
    double *products = slot ? slot->products : screen->logits;
    for (int64_t key = 0; key < problem->seq_len; key++) {
        contract_screen_read(screen, problem, 0, key, kv_head, dim);
        products[key] = dot(screen->query, screen->row, dim);
    }
    if (slot) {
        memcpy(slot->query, screen->query, bytes);
        slot->k = problem->k;
        slot->map = map;
        slot->kv_head = kv_head;
        slot->keys = problem->seq_len;
    }
    return products;
}

/* The looked-at elements of every v, or NULL where they are not kept. */
static const float *values_of(struct contract_screen *screen, const struct problem *problem, int kv_head)
{
    size_t dim = (size_t)screen->dim;
    struct screen_memory *memory = screen->memory;
    const struct key_map map = map_of(screen, 1);
    if (!may_keep(screen, &map))
        return NULL;
    for (int i = 0; i < memory->num_values; i++) {
        const struct kept_values *kept = &memory->values[i];
        if (kept->v == problem->v && key_map_same(&kept->map, &map) && kept->kv_head == kv_head &&
            kept->keys >= problem->seq_len)
            return kept->values;
    }
    struct kept_values *slot = next_values(memory, dim);
    if (!slot)
        return NULL;
    for (int64_t key = 0; key < problem->seq_len; key++) {
        contract_screen_read(screen, problem, 1, key, kv_head, dim);
        memcpy(slot->values + (size_t)key * dim, screen->row, dim * sizeof *screen->row);
    }
    slot->v = problem->v;
    slot->map = map;
    slot->kv_head = kv_head;
    slot->keys = problem->seq_len;
    return slot->values;
}

/* Logits and weights. The lse. */
static double weigh(struct contract_screen *screen, const struct problem *problem, int head)
{
    size_t dim = (size_t)problem->head_dim;
    double scale = problem_logit_scale(problem), slope = (double)problem->slopes[head],
           max = problem->sink_logits ? (double)problem->sink_logits[head] : -INFINITY;
    dtype_widen(problem->dtype, problem->q, (size_t)head * dim, dim, screen->query);
    const double *products = products_of(screen, problem, problem_kv_head(problem, head));
    for (int64_t key = 0; key < problem->seq_len; key++) {
        double bias = slope * (double)problem_distance(problem, key);
        screen->logits[key] =
            problem_visible(problem, key) ? problem_logit(problem, scale * products[key], bias) : -INFINITY;
        max = fmax(max, screen->logits[key]);
    }
    screen->whole = problem->sink_logits ? exp((double)problem->sink_logits[head] - max) : 0;
    for (int64_t key = 0; key < problem->seq_len && max > -INFINITY; key++) {
        double below = screen->logits[key] - max;
        screen->weights[key] = below < -746 ? 0 : exp(below); /* e^-746 is 0 */
        screen->whole += screen->weights[key] > 0 ? screen->weights[key] : 0;
    }
    return max > -INFINITY ? max + log(screen->whole) : -INFINITY;
}

/* The sums over v of what was weighed. */
static void add_up(struct contract_screen *screen, const struct problem *problem, int head)
{
    int kv_head = problem_kv_head(problem, head);
    size_t dim = (size_t)screen->dim;
    const float *values = values_of(screen, problem, kv_head);
    for (int64_t key = 0; key < problem->seq_len; key++) {
        double weight = screen->weights[key];
        const float *row = values ? values + (size_t)key * dim : screen->row;
        if (!(weight > 0))
            continue;
        if (!values)
            contract_screen_read(screen, problem, 1, key, kv_head, dim);
        for (size_t d = 0; d < dim; d++)
            screen->sums[d] += weight * (double)row[d];
    }
    for (size_t d = 0; d < dim; d++)
        screen->sums[d] *= problem_value_scale(problem) / screen->whole;
}

bool contract_screen_open(struct contract_screen *screen, const struct problem *problem, int row)
{
    const struct key_parts *parts = screen->parts;
    struct key_map moved[2] = {{.place = NULL}};
    if (!parts || screen->failed)
        return !screen->failed;
    int index = parts->of_kv_head(parts->context, problem_kv_head(problem, row % problem->num_heads));
    if (screen->stays && index != screen->index) {
        screen->elsewhere = true;
        return false;
    }
    if (screen->moved)
        contract_key_maps(moved, screen->moved, screen->moved->crossing);
    screen->failed = parts->open(parts->context, index, moved, &screen->part, &screen->error);
    screen->index = index;
    return !screen->failed;
}

double contract_screen_attend(struct contract_screen *screen, const struct problem *problem, int row)
{
    const struct problem one = problem_query(problem, row / problem->num_heads);
    if (!contract_screen_open(screen, problem, row)) {
        for (int d = 0; d < screen->dim; d++)
            screen->sums[d] = NAN;
        return NAN;
    }
    double lse = weigh(screen, &one, row % problem->num_heads);
    memset(screen->sums, 0, (size_t)screen->dim * sizeof *screen->sums);
    if (lse > -INFINITY)
        add_up(screen, &one, row % problem->num_heads);
    return lse;
}

/* ---- what a row is held against ---------------------------------------------------------------------------------- */

double contract_screen_squares(const struct contract_screen *screen, const struct contract_trial *trial, int row,
                               double factor)
{
    size_t dim = (size_t)screen->dim;
    double squares = 0;
    dtype_widen(trial->problem.dtype, trial->output.out, (size_t)row * (size_t)trial->problem.head_dim, dim,
                screen->row);
    for (size_t d = 0; d < dim; d++) {
        double off = (double)screen->row[d] - contract_made_of(trial, screen->sums[d] * factor);
        squares += off * off;
    }
    return squares;
}

/* Whether the trial's lse is that of its problem, or so much nearer to it than the stated one is. */
static bool lse_is_near(const struct contract_trial *trial, int row, double lse)
{
    const struct exhibit *stated = trial->stated;
    if (!trial->output.lse || !stated->output->lse)
        return true;
    double off = fabs((double)trial->output.lse[row] - lse),
           before = fabs((double)stated->output->lse[row] - stated->truth->lse[row]);
    return off <= before / 8 || off <= 0x1p-8 + 0x1p-20 * fabs(lse) || off == 0;
}

bool contract_screen_row(struct contract_screen *screen, const struct contract_trial *trial, int row)
{
    const struct problem *problem = &trial->problem;
    const struct truth *truth = trial->stated->truth;
    size_t first = (size_t)row * (size_t)problem->head_dim;
    screen->moved = trial;
    double lse = contract_screen_attend(screen, problem, row);
    screen->moved = NULL;
    if (screen->failed || !lse_is_near(trial, row, lse))
        return false;
    double of_trial = contract_screen_squares(screen, trial, row, 1), of_stated = 0, noise = 0;
    for (size_t d = 0; d < (size_t)screen->dim; d++) {
        float stated;
        dtype_widen(problem->dtype, trial->stated->output->out, first + d, 1, &stated);
        double before = (double)stated - truth->value[first + d];
        double made = contract_made_of(trial, screen->sums[d]);
        /* Of the terms, not of what they cancel to: a row that is right under both is off by the rounding of those, of
         * 16 bits the output's own, of f32 that of each step, logits of tens among them. */
        double size = fmax(fabs(made), truth->magnitude[first + d]);
        double ulp = isfinite(size) ? dtype_ulp(problem->dtype, size) : INFINITY;
        of_stated += before * before;
        noise += (problem->dtype == DTYPE_F32 ? 256 : 4) * ulp * ulp;
    }
    return isfinite(of_trial) && (of_trial <= of_stated / 64 || of_trial <= noise);
}
