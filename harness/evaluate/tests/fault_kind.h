/*
 * A fault as it is drawn: the problem and the recipe that have it, what is planted where no recipe can express it, and
 * what its failure may be called.
 */
#ifndef HARNESS_EVALUATE_TESTS_FAULT_KIND_H
#define HARNESS_EVALUATE_TESTS_FAULT_KIND_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/evaluate/tests/deviant_keys.h"
#include "harness/judge/cause/tests/counted_keys.h"
#include "harness/judge/cause/tests/online_softmax.h"
#include "harness/judge/cause/tests/scattered_keys.h"
#include "harness/judge/judgement.h"
#include "reference/tests/drawn_problem.h"

enum fault_family {
    FAMILY_SLOPES,
    FAMILY_BIAS,
    FAMILY_MASK,
    FAMILY_SUM,     /* epsilons, and sums that do not begin with 0 */
    FAMILY_KEYS,    /* dropped, misplaced, swapped; weights and steps that round */
    FAMILY_MERGE,   /* tiles and chunks without the factor between maxima */
    FAMILY_BOUNDS,  /* keys that are counted twice or lost between parts; merges in tiles of any length */
    FAMILY_FEW,     /* keys, anywhere, that count twice or not at all, or weigh otherwise */
    FAMILY_DEVIANT, /* keys made up or stale, tiles, dims and rows: what mostly has no name */
    FAMILY_COUNT
};

static const char *const family_names[FAMILY_COUNT] = {"slopes",          "bias",           "mask",
                                                       "epsilon, sum",    "keys, rounding", "merge",
                                                       "bounds of parts", "some keys",      "deviant keys"};

/* What is done to the problem that a sound kernel is told, or to its answer. */
enum plant {
    PLANT_NONE,   /* the recipe has the fault */
    PLANT_RECIPE, /* another recipe than the one that is judged */
    PLANT_SLOPE_FACTOR,
    PLANT_SLOPE_POWER,
    PLANT_SLOPE_ROUNDED,
    PLANT_SLOPE_OF_HEAD, /* that of the head `at` further on */
    PLANT_POSITION,
    PLANT_MASK_IGNORED,
    PLANT_KEY_LET_IN,
    PLANT_TILES_LET_IN, /* each tile of `at` keys that has a visible one */
    PLANT_KEY_DROPPED,
    PLANT_NEWEST_DROPPED,
    PLANT_OLDEST_DROPPED,
    PLANT_TILE_DROPPED,
    PLANT_VALUES_SWAPPED,
    PLANT_KEYS_SWAPPED,
    PLANT_VALUES_MISPLACED, /* all of them, by one key */
    PLANT_WEIGHT,           /* of one key: exp(size) of it */
    PLANT_SCALE,
    PLANT_KV_HEAD,
    PLANT_LSE_CONSTANT,
    PLANT_LSE_FACTOR,
    PLANT_MERGE,
    PLANT_COUNT, /* of keys, by the bounds of parts */
    PLANT_SCATTERED,
    PLANT_DEVIANT,
};

enum { FAULT_TEXT_SIZE = 2048, FAULT_RECIPE_SIZE = 256 };

struct fault_kind;

struct drawn_fault {
    const struct fault_kind *kind;
    char problem[FAULT_TEXT_SIZE / 2];
    char variant[FAULT_RECIPE_SIZE / 2]; /* what is sound about its recipe, but not the default: ", KEY: VALUE" */
    char recipe[FAULT_RECIPE_SIZE];      /* what is wrong about it, the same */
    enum plant plant;
    int64_t seq_len, at; /* a key, a number of keys or of heads: what the plant makes of it */
    double size;
    struct online_softmax online; /* of a merge */
    struct counted_keys counted;
    struct scattered_keys scattered;
    struct deviant_keys deviant;
    bool features;  /* the problem has any */
    bool no_lse;    /* what is planted has none */
    uint64_t state; /* for what is left to draw */
};

struct fault_kind {
    const char *name;
    enum fault_family family;
    unsigned
        names; /* bit s: signature s is right; unknown among them: there is no name for it, but for special cases */
    void (*draw)(struct drawn_fault *fault, uint64_t *state);
};

#define NAME(signature) (1u << SIGNATURE_##signature)

static inline bool fault_chance(uint64_t *state, double probability)
{
    return draw_between(state, 0, 1) < probability;
}

static inline void fault_write(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static inline void fault_write(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

#define FAULT_SAY(fault, ...) fault_write((fault)->problem, sizeof(fault)->problem, __VA_ARGS__)
#define FAULT_RECIPE(fault, ...) fault_write((fault)->recipe, sizeof(fault)->recipe, __VA_ARGS__)

static inline void plant(struct drawn_fault *fault, enum plant what, int64_t at, double size)
{
    fault->plant = what;
    fault->at = at;
    fault->size = size;
}

#endif
