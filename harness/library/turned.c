#include "harness/library/turned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

static enum error_kind random_bits(uint32_t *bits, struct error *error)
{
    ssize_t got;
    do
        got = getrandom(bits, sizeof *bits, 0);
    while (got < 0 && errno == EINTR);
    return got == sizeof *bits
               ? ERROR_NONE
               : error_set(error, ERROR_SYSTEM, "the system gives no random numbers: %s", strerror(errno));
}

/* 0 .. count - 1, each as likely: what is above the last multiple of count is drawn again. */
static enum error_kind random_below(uint32_t *number, uint32_t count, struct error *error)
{
    uint32_t bits, beyond = UINT32_MAX - UINT32_MAX % count;
    enum error_kind kind;
    do
        kind = random_bits(&bits, error);
    while (!kind && bits >= beyond);
    *number = kind ? 0 : bits % count;
    return kind;
}

/* Fisher and Yates. */
static enum error_kind draw_map(struct turning_map *map, int dim, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int d = 0; d < dim && !kind; d++) {
        uint32_t at, sign;
        kind = random_below(&at, (uint32_t)d + 1, error);
        if (!kind)
            kind = random_below(&sign, 2, error);
        if (kind)
            break;
        map->from[d] = map->from[at];
        map->from[at] = (uint16_t)d;
        map->flipped[d] = sign;
    }
    return kind;
}

enum error_kind turning_draw(struct turning *turning, int head_dim, struct error *error)
{
    *turning = (struct turning){.head_dim = head_dim};
    enum error_kind kind = draw_map(&turning->keys, head_dim, error);
    return kind ? kind : draw_map(&turning->values, head_dim, error);
}

/* ---- turning ----------------------------------------------------------------------------------------------------- */

/* What the bits of a type mean: its sign, and where its magnitudes end that are numbers. */
static const struct bits {
    uint32_t sign, greatest; /* of magnitudes, infinity among them */
    bool one_zero;           /* the sign alone is no number */
} bits_of[DTYPE_COUNT_WITH_FP8] = {
    [DTYPE_F16] = {0x8000, 0x7c00, false},
    [DTYPE_BF16] = {0x8000, 0x7f80, false},
    [DTYPE_F32] = {0x80000000, 0x7f800000, false},
    [DTYPE_E4M3] = {0x80, 0x7e, false},
    [DTYPE_E5M2] = {0x80, 0x7c, false},
    [DTYPE_E4M3FNUZ] = {0x80, 0x7f, true},
};

static uint32_t flip(const struct bits *bits, uint32_t element)
{
    uint32_t magnitude = element & ~bits->sign;
    if (magnitude > bits->greatest || (bits->one_zero && magnitude == 0))
        return element;
    return element ^ bits->sign;
}

#define TURN_ROWS(type)                                                                                            \
    static void turn_rows_##type(type *to, const type *from, int64_t rows, int dim, const struct turning_map *map, \
                                 const struct bits *bits)                                                          \
    {                                                                                                              \
        for (int64_t r = 0; r < rows; r++)                                                                         \
            for (int d = 0; d < dim; d++) {                                                                        \
                type element = from[r * dim + map->from[d]];                                                       \
                to[r * dim + d] = map->flipped[d] ? (type)flip(bits, element) : element;                           \
            }                                                                                                      \
    }
TURN_ROWS(uint8_t)
TURN_ROWS(uint16_t)
TURN_ROWS(uint32_t)

/* Rows of a tensor, in new memory. */
static enum error_kind turn(void **turned, const void *rows, int64_t num_rows, int dim, enum dtype dtype,
                            const struct turning_map *map, struct error *error)
{
    size_t bytes = (size_t)num_rows * (size_t)dim * dtypes[dtype].size_bytes;
    *turned = malloc(bytes + 1);
    if (!*turned)
        return error_memory(error, "a bundle", (double)bytes);
    switch (dtypes[dtype].size_bytes) {
    case 1:
        turn_rows_uint8_t(*turned, rows, num_rows, dim, map, &bits_of[dtype]);
        break;
    case 2:
        turn_rows_uint16_t(*turned, rows, num_rows, dim, map, &bits_of[dtype]);
        break;
    default:
        turn_rows_uint32_t(*turned, rows, num_rows, dim, map, &bits_of[dtype]);
    }
    return ERROR_NONE;
}

enum error_kind turned_make(struct turned *turned, const struct turning *turning, const struct problem *problem,
                            const struct output *output, struct error *error)
{
    int dim = problem->head_dim;
    int64_t rows = problem_rows(problem), key_rows = problem->seq_len * problem->num_kv_heads;
    enum dtype dtype = problem->dtype, of_keys = problem_kv_dtype(problem);
    *turned = (struct turned){.problem = *problem, .output = *output};
    enum error_kind kind = turn(&turned->q, problem->q, rows, dim, dtype, &turning->keys, error);
    if (!kind)
        kind = turn(&turned->k, problem->k, key_rows, dim, of_keys, &turning->keys, error);
    if (!kind)
        kind = turn(&turned->v, problem->v, key_rows, dim, of_keys, &turning->values, error);
    if (!kind)
        kind = turn(&turned->out, output->out, rows, dim, dtype, &turning->values, error);
    turned->problem.q = turned->q;
    turned->problem.k = turned->k;
    turned->problem.v = turned->v;
    turned->output.out = turned->out;
    return kind;
}

void turned_clear(struct turned *turned)
{
    free(turned->q);
    free(turned->k);
    free(turned->v);
    free(turned->out);
    *turned = (struct turned){.q = NULL};
}
