/*
 * A trial: a subject run again on a copy of a problem, or of a part of it, that may be changed between runs.
 *
 * The copy has TRIAL_SLOTS slots past its keys (kv_slots); they hold 0 unless a trial is changed.
 */
#ifndef HARNESS_JUDGE_ORACLE_TRIAL_H
#define HARNESS_JUDGE_ORACLE_TRIAL_H

#include "harness/judge/oracle/trial_cut.h"
#include "harness/subject/subject.h"
#include "reference/key_masks.h"

enum { TRIAL_SLOTS = 64, TRIAL_MAX_ELEMENTS = 1 << 21 };

enum trial_tensor {
    TRIAL_Q,
    TRIAL_K,
    TRIAL_V,
    TRIAL_SLOPES,
    TRIAL_SINKS,
    TRIAL_VISIBLE,
    TRIAL_OUT,
    TRIAL_LSE,
    TRIAL_TENSOR_COUNT
};

extern const char *const trial_tensor_names[TRIAL_TENSOR_COUNT];

/* What output is filled with before a run. */
enum trial_poison {
    TRIAL_POISON_NAN,    /* output_poison's: an unwritten element is NaN, and so is what is added to one */
    TRIAL_POISON_NUMBER, /* bytes 0x5a: 203.25 in f16, 1.5e16 in bf16 and f32 */
};

struct trial_memory {
    void *data;
    size_t size_bytes;
};

struct trial {
    struct problem problem; /* of the copies; q_position may be changed, and is set back by trial_reload */
    struct output output;
    struct key_masks masks; /* the problem's, of keys that are the original's */
    bool whole;             /* the problem is the original's, not a part of it */

    const struct problem *original; /* the caller's */
    struct trial_memory tensors[TRIAL_TENSOR_COUNT];
    int original_heads_a_kv_head;
    struct trial_cut cut; /* what of the original it is */
    unsigned changed;     /* bit t: tensor t is no longer the original's */
};

/* A result, widened. */
struct trial_values {
    double *out; /* [R, D] */
    double *lse; /* [R] */
};

/*
 * Copies problem if Q N H D is at most max_elements > 0, otherwise the part of it that is chosen (trial_cut.h). The
 * cost of a run is so bounded by max_elements. ERROR_SYSTEM if memory is short. trial_clear frees, also after a
 * failure; the problem outlives the trial.
 */
enum error_kind trial_init(struct trial *trial, const struct problem *problem, int64_t max_elements, uint64_t choice,
                           struct error *error);
void trial_clear(struct trial *trial);

/* The shape of what is copied of a problem of this shape; its tensors are not set. */
struct problem trial_shape(const struct problem *shape, int64_t max_elements);

/* Bytes that a trial of a problem of this shape takes, its runs included, at most. */
double trial_bytes(const struct problem *shape, int64_t max_elements);

/* A tensor to be changed: it is the original's again after the next trial_reload. */
void *trial_change(struct trial *trial, enum trial_tensor tensor);

/* Puts the original's elements back into what was changed. */
void trial_reload(struct trial *trial);

/* Poisons the output and runs the subject, on the trial's problem alone. It sees the trial's tensors alone. */
enum error_kind trial_run(struct trial *trial, enum trial_poison poison, const struct subject *subject,
                          struct memory_audit *audit, struct error *error);

/* The same of a problem on the trial's tensors, with fewer keys or queries; the output's first rows are its. */
enum error_kind trial_run_problem(struct trial *trial, const struct problem *problem, const struct subject *subject,
                                  struct error *error);

/*
 * Runs the trial's problem as loaded, and the same with a constant v, as the first and the last of TRIAL_BATCH
 * sequences of one launch: two of equal lengths, which have other results. One of those between has the newest third of
 * the trial's keys, one all of them and some of the slots, none masked, and the others have a few; all have other
 * queries than the trial. Reloads the trial before and after.
 */
#define TRIAL_BATCH 5
#define TRIAL_BATCH_TEXT "5"
enum error_kind trial_run_in_batch(struct trial *trial, const struct subject *subject, struct trial_values *first,
                                   struct trial_values *last, struct error *error);

/* Where the trial is in a launch. */
enum trial_place { TRIAL_FIRST, TRIAL_SECOND, TRIAL_BETWEEN };

/* Runs the trial's problem as loaded in one launch with another sequence, before it, behind it, or both: as many of its
 * newest keys as it has queries, all of them visible, and TRIAL_AWAY positions further on, if the subject takes that:
 * *is_away. Its newest logits come to `loud` (loud_query.h). values are those of the trial. Reloads the trial before.
 */
#define TRIAL_AWAY 4096
enum error_kind trial_run_beside(struct trial *trial, const struct subject *subject, enum trial_place place,
                                 double loud, struct trial_values *values, bool *is_away, struct error *error);

/* Runs the trial's problem as loaded as the first and the last of `count` sequences of one launch, 2 to TRIAL_MANY;
 * those between have a few of its newest keys. The last one's v is constant, or of the same memory as the first one's.
 * Reloads the trial before and after. */
enum { TRIAL_MANY = 17 };
enum error_kind trial_run_pair(struct trial *trial, const struct subject *subject, bool constant_v, int count,
                               struct trial_values *first, struct trial_values *last, struct error *error);

/* Elements [first, first + count) of a tensor of inputs = value, rounded to its dtype. */
void trial_fill(struct trial *trial, enum trial_tensor tensor, size_t first, size_t count, float value);

/*
 * The value that v is constant at: the largest number of its dtype below 2. Of the numbers that round to 16 bits, those
 * just below a power of 2 have the smallest relative ulp, so a factor that should have cancelled shows soonest.
 */
float trial_constant(const struct trial *trial);

/* Makes the trial's v that constant. */
void trial_make_constant(struct trial *trial);

/* [R, D] and [R] for the trial's problem; ERROR_SYSTEM if memory is short. */
enum error_kind trial_values_init(struct trial_values *values, const struct trial *trial, struct error *error);
void trial_values_clear(struct trial_values *values);

/* What the last run gave. */
void trial_values_take(struct trial_values *values, const struct trial *trial);

/* What the output of a problem holds, which has no more rows, or other rows of no more elements. */
void trial_take_output(struct trial_values *values, const struct problem *problem, const struct output *output);

#endif
