/*
 * Which stand-ins for -inf a model's logits can reach, from bounds alone: no inputs, no kernel.
 *
 * The query stands at the newest key of seq_len keys, P = N - 1, so a key's distance P - j runs from 0 to N - 1. A
 * stand-in replaces (or is added to) the logits of masked keys. It fails when it is not small beside the visible keys,
 * and a softmax sees only how a logit compares with the row's maximum:
 *
 *     safe      no visible logit is as low as the stand-in.
 *     reached   far keys lie below it, but the row's maximum stays so far above that both weigh nothing: harmless.
 *     unsafe    the row's maximum can be as low: a masked key then weighs something, or every visible key is lost.
 *
 * Without masks the newest key is visible, the row's maximum is at least -dot_bound, and a stand-in that is reached
 * does no harm. nearest_distance says how far off the nearest visible key is once masks, windows, block-sparse layouts
 * or a chunk of the keys have removed those nearer.
 *
 * Bounds hold for exact logits and are rounded outward: a logit is never below lowest_logit, a stand-in that is called
 * safe is safe. The kernel's own rounding of logits, 2^-22 of their size, is not in them.
 */
#ifndef HARNESS_SENTINEL_SENTINEL_H
#define HARNESS_SENTINEL_SENTINEL_H

#include "kernels/recipe.h"
#include "reference/slopes.h"

enum logit_base { BASE_E, BASE_2, BASE_COUNT }; /* logit, or logit times log2(e) for kernels that take powers of 2 */

extern const char *const logit_base_names[BASE_COUNT]; /* "e", "2" */

/* No distance is large enough. Distances are looked for up to 2^53, where they are exact as doubles. */
enum { DISTANCE_NEVER = -1 };
#define DISTANCE_MAX (INT64_C(1) << 53)

/* What is known of one head: its slope, >= 0, and that lowest_score <= scale <q, k> <= highest_score, base e. */
struct head_range {
    double slope, lowest_score, highest_score;
};

/* What is known of the logits of a model's heads. */
struct logit_range {
    double dot_bound;                      /* |scale <q, k>| <= dot_bound, base e */
    double steepest_slope, flattest_slope; /* > 0 */
    enum bias_form bias;                   /* BIAS_ABSOLUTE: slope * j >= 0, the lowest logit has no bias */
    int64_t nearest_distance;              /* of a visible key; 0: the newest key */
    int64_t keys_ahead;             /* how far keys stand ahead of the query at most, where the bias is above 0 */
    int64_t first_position;         /* of key 0, from which biases of the absolute form count */
    bool masked;                    /* a mask removes keys, whichever: a row, tile or chunk can lack them all */
    const struct head_range *heads; /* [num_heads], the caller's, where they are known one by one; NULL: each of
                                     * them has at most dot_bound and steepest_slope */
    int num_heads;
};

/* The slopes of heads head_offset.. (num_heads of them) of a model, as slopes_fill makes them. */
void logit_range_slopes(struct logit_range *range, int num_heads, enum slope_convention convention, double max_bias,
                        int head_offset, int total_heads);

/*
 * A bound on |scale <q, k>|: |scale| min(q_norm, sqrt(D) q_bound) min(k_norm, sqrt(D) k_bound), Cauchy-Schwarz, with
 * bounds on the largest |element| and on the Euclidean norm of a row. INFINITY: not known; one of each two must be.
 */
double logit_dot_bound(double scale, int head_dim, double q_bound, double k_bound, double q_norm, double k_norm);

/* No key at a distance up to `distance` has a lower logit; at most 0. */
double lowest_logit(const struct logit_range *range, int64_t distance, enum logit_base base);

/* No row's maximum over its visible keys is lower. */
double lowest_maximum(const struct logit_range *range, enum logit_base base);

/* No key of seq_len has a higher logit. */
double highest_logit(const struct logit_range *range, int64_t seq_len, enum logit_base base);

enum stand_in_kind {
    STAND_IN_REPLACES, /* a finite number in the place of a masked key's logit, or the maximum before the first key */
    STAND_IN_ADDS,     /* a finite number added to a masked key's logit */
    STAND_IN_INFINITE, /* -inf, and -inf - -inf can be formed */
    STAND_IN_ADAPTIVE, /* a finite f32 computed below every logit (adaptive_sentinel_below), if there is one */
    STAND_IN_SOUND,    /* nothing that a logit can reach: guarded, or no stand-in at all */
};

/* A stand-in for -inf in use (stand_ins.h). */
struct stand_in {
    const char *name;
    const char *used_by;
    enum stand_in_kind kind;
    double value;            /* finite kinds: < 0 */
    enum logit_base base;    /* of the logits it stands among */
    enum dtype held_in;      /* what those logits are stored in */
    const char *empty_row;   /* what a fully masked row gives: "0", "leak", "uniform", "nan" */
    const char *consequence; /* of being unsafe, or for sound kinds why it is not */
    const char *caution;     /* what else to know, a sentence; NULL: nothing */
};

static inline bool stand_in_finite(const struct stand_in *stand_in)
{
    return stand_in->kind == STAND_IN_REPLACES || stand_in->kind == STAND_IN_ADDS;
}

enum standing { STANDING_SAFE, STANDING_REACHED, STANDING_UNSAFE, STANDING_COUNT };

extern const char *const standing_names[STANDING_COUNT];

/* How the stand-in fares among the visible keys of rows of seq_len keys; seq_len > nearest_distance. */
enum standing stand_in_standing(const struct stand_in *stand_in, const struct logit_range *range, int64_t seq_len);

/*
 * Whether a masked key can weigh 2^-126 of a visible one or more where a row's maximum over its visible keys is
 * `maximum`, in the stand-in's base. Finite kinds; an added one stands on top of a masked key's logit of up to
 * highest_masked, base e: of the bias form of `maximum`, -INFINITY where no key is masked.
 */
bool stand_in_weighs(const struct stand_in *stand_in, double maximum, double highest_masked);

/* Whether logits overflow what they are held in, upwards: +inf in a row makes it NaN. */
bool stand_in_overflows(const struct stand_in *stand_in, const struct logit_range *range, int64_t seq_len);

/* The first distance at which a key's logit can be at the stand-in's value or below, were it of that base. Finite
 * kinds; DISTANCE_NEVER for others. */
int64_t stand_in_reached_from(const struct stand_in *stand_in, const struct logit_range *range, enum logit_base base);

/* The first nearest_distance that makes the stand-in unsafe, whatever range->nearest_distance is; DISTANCE_NEVER. 0
 * where the mask alone does. */
int64_t stand_in_unsafe_from(const struct stand_in *stand_in, const struct logit_range *range);

#endif
