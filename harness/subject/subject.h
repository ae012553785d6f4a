/*
 * What is judged: something that turns problems into outputs. Whoever judges sees it through this interface alone, and
 * does not know whether a kernel of ours, a plug-in or another process answers.
 */
#ifndef HARNESS_SUBJECT_SUBJECT_H
#define HARNESS_SUBJECT_SUBJECT_H

#include "kernels/launch_setting.h"
#include "kernels/memory_audit.h"
#include "reference/error_bound.h"

struct replay; /* kernels/device/replay.h */
struct subject;
struct paged_cache; /* harness/subject/paged_cache.h */
struct sequence_strides;
struct launch_watch; /* harness/subject/launch_watch.h */

/* Sequences that are run in one launch. Each has the result that it has alone. */
struct sequences {
    const struct problem *problems; /* [count]; of the shapes, dtypes, scales and slopes of the first, but for seq_len,
                                     * kv_slots, positions and mask */
    const struct output *outputs;   /* [count], written to */
    int count;
    const struct paged_cache *pages; /* where the keys are in the pages of a pool; NULL: they are the problems' own */
    const struct sequence_strides *strides; /* [count], how a kernel is to find them (tensor_strides.h); NULL: packed */
    bool keys_on_device; /* k and v of the one problem are in the memory of the subject's device (takes_device_keys) */
};

enum { SUBJECT_TEXT_SIZE = 160 };

struct subject_ops {
    /* Runs sequences. What stood in the outputs before is there when the run begins. audit, where it is not NULL, asks
     * for what was written beside the outputs, and is filled. *seconds is the time of the run alone. */
    enum error_kind (*run)(const struct subject *subject, const struct sequences *sequences, struct memory_audit *audit,
                           double *seconds, struct error *error);

    /* What its arithmetic on a problem of this shape can round. */
    struct rounding_model (*rounding)(const struct subject *subject, const struct problem *problem);

    /* A new subject that differs in how it cuts seq_len keys into chunks or pages; text says how: "with chunk_len 64".
     * *other is NULL, and text says why, where there is no such way. text: SUBJECT_TEXT_SIZE. The other one is released
     * by subject_release, before this one. */
    enum error_kind (*repartition)(const struct subject *subject, int64_t seq_len, struct subject **other, char *text,
                                   struct error *error);

    /* A new subject that is launched in a setting, or in what of it can be had, and text says in what; "" for the whole
     * of it. *other is NULL, and text says why, where nothing of it can be had.
     * Released as repartition's. */
    enum error_kind (*resettle)(const struct subject *subject, const struct launch_setting *setting,
                                struct subject **other, char *text, struct error *error);

    /* Whether it takes a problem, in a launch of so many sequences; text, of SUBJECT_TEXT_SIZE, says why not. NULL: it
     * takes all. */
    bool (*takes)(const struct subject *subject, const struct problem *problem, int num_sequences, char *text);

    /* Whether k and v may be put into its device's memory some KV heads at a time, and it be run on all of them
     * (device_keys.h); NULL: not. */
    bool (*takes_device_keys)(const struct subject *subject);

    /* Bytes of its device's memory that a run takes at most, k and v included; of a subject that has the former. */
    double (*device_bytes)(const struct subject *subject, const struct problem *shape);

    /* Bytes that a run takes beyond q, k, v and the output. */
    double (*workspace_bytes)(const struct subject *subject, const struct problem *shape);

    /* Its operations one by one, with the roundings of each stage told apart, and the bytes that this takes. */
    enum error_kind (*replay)(const struct subject *subject, struct replay *replay, const struct problem *problem,
                              int threads, struct error *error);
    double (*replay_bytes)(const struct subject *subject, const struct problem *shape);
};

struct subject {
    const struct subject_ops *ops;
    bool own_slopes;     /* its slopes are of its own making, by the place of a head in the model */
    bool without_lse;    /* its results have none */
    bool without_audit;  /* it does not tell what was written where it must not be */
    bool without_poison; /* what stood in the outputs before is not there when a run begins */
    bool without_slots;  /* it is not given what k and v hold behind the last key */
    bool may_differ;     /* it does not promise the same bits where the arithmetic is the same */
    bool empty_rows; /* a row without keys is promised to be 0, and its lse -inf; else only who asks for one sees it */
    bool own_head_dim; /* it does not say which head dims it takes: it is asked for that of its point alone */
    bool any_order;    /* nothing is known of its operations but what they may round at most: bounds are loose */
    double
        least_logit; /* in nats: below it a row's largest logit is too near a stand-in for -inf to promise anything */
    struct launch_watch *watch; /* the caller's: told of every launch, from one to the next; NULL: nobody watches */
    int64_t far_keys;  /* with how many keys at most it is asked whether offsets by strides fit 32 bits, each taking
                        * memory of its own; 0: with any number */
    int64_t chunk_len; /* keys that it takes together, in chunks or pages; 0: nobody knows */
    /* What may stand in k and v of a masked key, of even and odd ones, without a change to any bit. */
    float masked_k[2], masked_v[2];
};

/* Frees what repartition or resettle made; accepts NULL. */
void subject_release(struct subject *subject);

#endif
