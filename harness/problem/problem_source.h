/*
 * Where a problem comes from: made from a description, read from files. Heads are independent, so a problem that is too
 * large for memory is opened, run and judged some KV heads at a time.
 */
#ifndef HARNESS_PROBLEM_PROBLEM_SOURCE_H
#define HARNESS_PROBLEM_PROBLEM_SOURCE_H

#include "reference/contract.h"
#include "reference/key_masks.h"
#include "reference/progress.h"
#include "reference/recent_keys.h"
#include "reference/tensor_bounds.h"

/* Some KV heads of a problem with their query heads. */
struct part {
    int kv_head, num_kv_heads; /* first, count */
};

/* Some keys of one KV head, which is counted from the first of the part that they are of. */
struct key_range {
    int kv_head;
    int64_t first, count;
};

/* A problem, or a part of one, and the memory behind it. */
struct inputs {
    struct problem problem; /* of the part: num_heads, num_kv_heads, q, slopes are the part's */
    uint64_t digest;        /* XXH3_64bits of the part's q, k, v, slopes and, if any, visible and sinks; faster than
                             * XXH64. Where recent says that keys are missing: 0, until who has them says it */
    void *q, *k, *v;        /* q of all heads; k and v of the part, [N, part, D] */
    size_t kv_room;         /* bytes there are at k, and at v */
    size_t kv_most;         /* bytes that problems which are opened into this later take at each at most: large tensors
                             * get such room at once. 0: nobody knows */
    void *part_q;           /* [Q, part, D] where q is of several queries and more heads; else NULL */
    float *slopes;          /* of all heads */
    float *sink_logits;     /* of all heads; NULL: there are none */
    uint8_t *visible;       /* [N], the same in every part; NULL without a mask */
    struct key_masks masks; /* problem.masks; counts are [N], NULL where no key has several */
    struct tensor_bounds bounds; /* of a part what is promised of k and v, which is problem.bounds; of the whole what
                                  * they have, over visible keys, where that is known (inputs_bounded) */
    struct recent_keys recent;   /* of what was opened with its newest keys: problem.recent; else first is NULL. bounds
                                  * are then promised of the whole, too, until who has all keys says what they have */
};

/* The first step of opening a part of the problem that shape describes: memory for q of all heads, k and v of the part,
 * slopes and, if masked, visible, on 64-byte boundaries, with nothing in it. *inputs is zeroed or what inputs_reuse
 * left, and clear on an error, ERROR_SYSTEM. */
enum error_kind inputs_allocate(struct inputs *inputs, const struct problem *shape, struct part part, bool masked,
                                struct error *error);

/* From q, slopes and sinks, which are filled, the problem, with its queries packed; k, v and visible may be filled
 * later. */
enum error_kind inputs_assemble(struct inputs *inputs, const struct problem *shape, struct part part,
                                struct error *error);

/* Sees to it that there is memory for k and v of so many bytes each. *lost: it was not there, and what both had is
 * gone; else nothing changes. inputs->k and v alone: who points at them is to look anew. ERROR_SYSTEM: then they have
 * none. */
enum error_kind inputs_need_room(struct inputs *inputs, size_t bytes, bool *lost, struct error *error);

/* The last step, when all is filled: the digest. */
void inputs_hash(struct inputs *inputs);

/* Accepts a zeroed one, and what inputs_reuse left. */
void inputs_clear(struct inputs *inputs);

/* Clears all but the memory of k and v, and kv_most, for a problem that is opened into *inputs next: the first touch of
 * fresh memory costs more than filling it. */
void inputs_reuse(struct inputs *inputs);

/* The digest of inputs with these tensors, all in memory. */
uint64_t problem_tensors_digest(const struct problem *problem);

/* All that the truth of a problem depends on, beside its contract. */
uint64_t inputs_problem_digest(const struct inputs *inputs);

/* The shape of a part; k, v and what is known of them are the part's own and not set. q, which several queries would
 * have in pieces, is the caller's to point at. */
struct problem part_shape(const struct problem *whole, struct part part);

/* The problem as far as it is in memory with a part: all of q and slopes, and k and v if the part is all there is, with
 * all of its keys. Of the newest ones alone nobody is to take k or v for those of the whole: they are NULL. */
struct problem inputs_whole(const struct inputs *inputs, const struct problem *shape);

/*
 * The problem, which is the inputs', with the bounds that are known of its k and v, so that nobody goes through them
 * for that again. For those who ask about these tensors, and not about others in their place. Several queries see other
 * keys each, and find the bounds of theirs themselves.
 */
struct problem inputs_bounded(const struct inputs *inputs, const struct problem *problem);

struct problem_source;

struct problem_source_ops {
    /* The heads of part `index`, 0 .. num_parts - 1. Together they are all heads, in order. */
    struct part (*part)(const struct problem_source *source, int index);

    /* The problem of a part with its tensors. *inputs is zeroed or what inputs_reuse left, and clear on an error;
     * inputs_clear frees. ERROR_SYSTEM if memory is short, ERROR_USAGE if files are not what they should be,
     * ERROR_INTERRUPTED. */
    enum error_kind (*open)(const struct problem_source *source, struct part part, int threads,
                            struct progress *progress, struct inputs *inputs, struct error *error);

    /* As open, but of k and v no keys except those that a truth of the part is likely to look at (recent_keys.h). NULL:
     * the source has no such way. Where it does not pay, all keys are there. */
    enum error_kind (*open_newest)(const struct problem_source *source, struct part part, int threads,
                                   struct progress *progress, struct inputs *inputs, struct error *error);

    /* Makes some keys more of a part that open_newest has opened; nothing else of *inputs changes, recent neither. NULL
     * where open_newest is. ERROR_SYSTEM, ERROR_INTERRUPTED. */
    enum error_kind (*add_keys)(const struct problem_source *source, struct part part, struct key_range range,
                                struct inputs *inputs, struct error *error);

    /*
     * Rows of k, or of v, of whatever keys and KV heads, packed into `to`: rows[i] = key * Hkv + KV head of the whole,
     * count of them. inputs: a part that is open, whose own k and v are not looked at. ERROR_SYSTEM, ERROR_INTERRUPTED,
     * and as of open.
     */
    enum error_kind (*read_rows)(const struct problem_source *source, const struct inputs *inputs, bool of_v,
                                 const int64_t *rows, size_t count, int threads, void *to, struct error *error);

    /* Whether another source of this kind has the same problem. */
    bool (*same)(const struct problem_source *source, const struct problem_source *other);
};

struct problem_source {
    const struct problem_source_ops *ops;
    struct problem shape;           /* of the whole, without its tensors */
    struct truth_contract contract; /* of its truth */
    int num_parts;
};

static inline bool problem_source_same(const struct problem_source *a, const struct problem_source *b)
{
    return a->ops == b->ops && a->ops->same(a, b);
}

#endif
