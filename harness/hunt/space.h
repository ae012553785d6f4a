/*
 * Where a hunt looks: the keys that are free, and within what limits.
 */
#ifndef HARNESS_HUNT_SPACE_H
#define HARNESS_HUNT_SPACE_H

#include "harness/hunt/free_key.h"

struct space {
    struct free_key *keys[KEY_COUNT]; /* NULL: the key is not free */
};

/* What is free if nothing is said. */
extern const char space_default[];

/*
 * Reads texts of the form "KEY,KEY=LIMITS,...": LIMITS are A..B of numbers, [VALUE, ...] of anything, for input and
 * mask kinds of them, for input also {distribution: [NAME, ...], PARAMETER: A..B}; without them what is usual, numbers
 * up to those of the points that the hunt starts from. ERROR_USAGE with "--vary TEXT". Overwritten; space_clear frees,
 * whatever the result.
 */
enum error_kind space_read(struct space *space, const char *const *texts, size_t num_texts, const struct point *starts,
                           size_t num_starts, struct error *error);
void space_clear(struct space *space);

/* The limits of a distribution's parameter. */
struct real_limits space_parameter(const struct free_key *key, enum distribution distribution, size_t parameter);

/* What a key's whole numbers go in: the multiples that it takes, and of head_dim those that kernels of ours do. */
int64_t space_step(enum key_id id);

/* Whether the point's value of a free key is within its limits; value is that of its candidate. */
bool space_holds(const struct free_key *key, const struct point *point, const char *value);

#endif
