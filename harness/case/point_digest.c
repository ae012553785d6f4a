/* The hash of all that a case says of a point, key by key. */
#include <string.h>

#include <xxhash.h>

#include "harness/case/case.h"
#include "harness/case/case_keys.h"
#include "harness/case/recipe_field.h"
#include "harness/problem/mask_bits.h"

static uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed)
{
    return XXH64(bytes, size, seed);
}

/* What a key's value is called; what a case is called or says of itself counts for nothing. */
static uint64_t hash_key(const struct key *key, const struct point *point, uint64_t seed)
{
    char text[FIELD_TEXT_SIZE];
    if (key->added && !strcmp(key_format(text, key, point), key->preset))
        return seed;
    const void *member = field_in(&key->field, point);
    if (key_is_of_others(key, point))
        return seed;
    if (key->type && (key->type->aside || key->field.type == FIELD_TEXT))
        return seed;
    if (key->type && key->type->format)
        return hash_bytes(text, strlen(key_format(text, key, point)), seed);
    if (key->field.type == FIELD_OWN && !key->field.own->format)
        return hash_bytes(member, key->field.size, seed); /* numbers without gaps between them */
    return field_hash(&key->field, member, seed);
}

/* What a key's text stands for is hashed beside it: the recipe as resolved, the bits of a mask's file, the slopes. */
static uint64_t hash_meanings(const struct point *point, uint64_t digest)
{
    const struct problem_spec *problem = &point->problem;
    const struct mask_bits *bits = problem->mask.bits;
    uint64_t recipe = recipe_digest(&point->recipe); /* a field that is new changes nothing where it is not set */
    digest = hash_bytes(&recipe, sizeof recipe, digest);
    if (bits)
        digest = hash_bytes(bits->bytes, bits->size_bytes, digest);
    if (problem->num_slope_values > 0)
        digest = hash_bytes(problem->slope_values, (size_t)problem->num_slope_values * sizeof(float), digest);
    if (problem->sinks.num_values > 0)
        digest = hash_bytes(problem->sinks.values, (size_t)problem->sinks.num_values * sizeof(float), digest);
    return digest;
}

uint64_t point_digest(const struct point *point)
{
    uint64_t digest = point->foreign ? hash_bytes(point->foreign, strlen(point->foreign), 0) : 0;
    for (int id = 0; id < KEY_COUNT; id++)
        digest = hash_key(&keys[id], point, digest);
    digest = hash_meanings(point, digest);
    for (int i = 0; i < point_num_sequences(point); i++) {
        struct point sequence;
        point_sequence(point, i, &sequence);
        digest = hash_bytes(&sequence.problem.seq_len, sizeof sequence.problem.seq_len, digest);
    }
    return digest;
}
