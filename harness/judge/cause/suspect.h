/*
 * A row that fails: what it gave, what is right, its logits in double, and the best match so far.
 */
#ifndef HARNESS_JUDGE_CAUSE_SUSPECT_H
#define HARNESS_JUDGE_CAUSE_SUSPECT_H

#include "harness/judge/exhibit.h"
#include "harness/judge/judgement.h"
#include "reference/soft_cap.h"

/* Chunk lengths that chunk-wise hypotheses try: 16, 32, ..., 4096 keys. */
enum { SUSPECT_CHUNK_LEN_MIN = 16, SUSPECT_CHUNK_LENS = 9 };

/* Where an epsilon may have been added: to the row's sum; to that and to each chunk's; to each chunk's. */
enum { EPSILON_OF_ROW, EPSILON_FIRST_CHUNKED, EPSILON_PLACES = EPSILON_FIRST_CHUNKED + 2 * SUSPECT_CHUNK_LENS };

/* The epsilon in one place that fits best. */
struct epsilon_fit {
    double epsilon, sigma; /* and its standard deviation */
    double rms;            /* of out - predicted */
    double residual;       /* in units of the tolerance */
};

/* How a hypothesis accounts for the row. */
struct match {
    enum signature signature; /* SIGNATURE_UNKNOWN: none */
    double rms;               /* of out - predicted; of lse - predicted if judged by lse */
    double residual;          /* largest one in units of the tolerance */
    bool confirmed;           /* it predicts lse too, where out decides */
    bool exact;               /* to what an lse of its size is rounded by */
    bool fitted;              /* parameters of it were taken from out */
    bool seconds;             /* the row shows a part of it alone that is another name's, too: not by itself */
    double chance;            /* of out and lse being as predicted by chance; 0: out has many numbers that tell */
    double chance_of_one;     /* the same where out moves along one direction, and is one number */
    double choices;           /* predictions that it is one of */
    uint64_t reason;          /* a hash of what rows that fail alike have in common */
    const char *remedy;       /* a sentence; NULL: its signature's */
    char detail[SIGNATURE_DETAIL_SIZE];
};

enum { SUSPECT_MAX_MATCHES = 16, SUSPECT_CHOICES = 64 /* predictions without a parameter, at most */ };

struct suspect {
    const struct problem *whole;
    int of_row;                      /* of the whole */
    struct problem one;              /* of the row's query alone: keys that only later queries see are masked */
    uint8_t *seen;                   /* its mask, where there are later queries */
    const struct problem *problem;   /* one */
    const struct key_parts *parts;   /* of the whole, where its k and v are not all at hand; else NULL */
    const struct problem *keys;      /* whose k and v are: the whole, or a part of it; NULL: nobody's */
    const struct progress *progress; /* once it is cancelled, what is predicted means nothing */
    const struct tolerance *tolerance;
    enum truth_of truth_of; /* the contract that the truth is of */
    int head;
    int kv_head; /* whose v is read: the head's own, or a hypothesis' */
    double slope;
    double sink;          /* the head's learned sink, or a hypothesis' one; -INFINITY: there is none */
    bool fails;           /* one that does not is looked at for what it has in common with those that do */
    bool by_lse;          /* out is right, lse is not */
    bool leaks;           /* what stands in masked slots is known to change results */
    bool beyond;          /* out or lse is further off than the error bound allows, where there is one */
    bool beyond_anywhere; /* that of some row is, this one or another */
    bool within;          /* no row's is, and each has one: the whole would pass by its bound */
    bool is_seen;         /* its remark says what it is, which is no rounding */
    bool rounded_away;    /* its biases may be gone, or rounded to one number: out does not tell */
    bool lse_unknown;     /* the output has none: lse is the truth's, and confirms nothing */
    bool lse_unwritten;   /* lse is what stood there before the run */
    double lse, truth_lse;
    double lse_bound;                        /* of lse; 0 where there is none, or an infinite one */
    bool unbounded;                          /* it is infinite: rounding may give keys any weights */
    bool is_rounding, is_coarse;             /* as the exhibit has it */
    double bound_share;                      /* the largest bound of an element, in units of its sum w|v|; 0: none */
    double *out, *truth, *magnitude, *slack; /* [D] */
    double error;                            /* rms of out - truth; |lse - truth_lse| if judged by lse */
    double noise;                            /* what rounding leaves of it in a match */
    double of_one_key;                       /* nearest_values_left_by_one, once that is known */

    double *dots; /* [N] scale * k_scale * q.k, capped where a soft cap comes before the bias; masked keys as well */
    double *products;       /* [N] the same without a soft cap; NULL where there is none */
    int64_t visible;        /* keys that take part */
    double max, sum;        /* of the true logits of visible keys: the largest, sum of exp(s - max) */
    double largest_product; /* the largest |scale * k_scale * q.k| of them */
    double sentinel;        /* nats added to the logits of the hypothesis at hand that no lse shows; 0: none */
    bool equal;             /* the logits of the hypothesis at hand are one number: nothing is rounded off them */
    bool along_truth;       /* the prediction of the hypothesis at hand is the truth times a number */
    bool seconds;           /* and shows a part of what it says alone: a row does not bear it out by itself */
    double *logits;         /* [N] of the hypothesis at hand; -INFINITY: not there */
    double *predicted;      /* [D] */
    float *row, *query;     /* [D] */

    struct epsilon_fit epsilons[EPSILON_PLACES];
    const char *remedy; /* of the hypothesis at hand; NULL: that of its signature */
    double choices;     /* predictions that it is one of */
    struct match best;
    struct match
        matches[SUSPECT_MAX_MATCHES]; /* all that explain it, a signature and reason once; the best among them */
    int num_matches;
    char remark[SIGNATURE_DETAIL_SIZE]; /* what can be said of a row that nothing explains; may be empty */
};

/* Takes a row's out, lse and truth; no keys yet. suspect stays where it is. suspect_clear frees it, and accepts a
 * zeroed one. metrics: the row's. */
enum error_kind suspect_init(struct suspect *suspect, int row, bool by_lse, const struct exhibit *exhibit,
                             const struct metrics *metrics, struct error *error);
void suspect_clear(struct suspect *suspect);

/* Takes the keys of later queries for not there in place of masked, as a kernel has them that is launched for each
 * query with the keys that it sees. Dots, max and sum are to be computed again. False where there are no such keys. */
bool suspect_leave_later_keys(struct suspect *suspect);

/* Has k and v of a KV head at hand, whose part is opened where they are not: what other suspects had is then gone, as
 * is what this one had. */
enum error_kind suspect_need_keys(struct suspect *suspect, int kv_head, struct error *error);

/* Whether those are at hand, or would be by no more than opening the part of its own KV head. */
bool suspect_shares_part(const struct suspect *suspect, int kv_head);

/* The number that a KV head has in what is at hand. */
static inline int suspect_kv_head_at_hand(const struct suspect *suspect, int kv_head)
{
    return suspect->parts ? kv_head - key_part_first(suspect->keys) : kv_head;
}

/* Where a row of k or v is there. */
static inline size_t suspect_row(const struct suspect *suspect, int64_t key, int kv_head)
{
    return problem_row(suspect->keys, key, suspect_kv_head_at_hand(suspect, kv_head));
}

/* Needs the keys of its own KV head, and computes dots, max and sum. */
enum error_kind suspect_read_keys(struct suspect *suspect, struct error *error);

/* As before they were read. */
void suspect_forget_keys(struct suspect *suspect);

/* dots[N] and, unless it is NULL, products[N] of this row's query with the keys of a KV head; 0 once it is cancelled.
 */
void suspect_read_dots(struct suspect *suspect, int kv_head, double *dots, double *products);

/* Whether key j takes part: it is visible, and the contract keeps it. */
static inline bool suspect_visible(const struct suspect *suspect, int64_t key)
{
    return problem_visible(suspect->problem, key) &&
           !contract_bias(suspect->truth_of, suspect->problem, suspect->head, key).dropped;
}

/* What a soft cap after the bias makes of a logit. */
static inline double suspect_capped(const struct suspect *suspect, double logit)
{
    return suspect->problem->soft_cap == SOFT_CAP_AFTER_BIAS ? soft_capped(suspect->problem, logit) : logit;
}

/* The bias of key j, by the contract but for one that it drops. */
static inline double suspect_bias(const struct suspect *suspect, int64_t key)
{
    struct contract_bias bias = contract_bias(suspect->truth_of, suspect->problem, suspect->head, key);
    return suspect->slope * (double)bias.distance + bias.rounded;
}

/* The logit of key j in exact arithmetic; visible or not. */
static inline double suspect_logit(const struct suspect *suspect, int64_t key)
{
    return suspect_capped(suspect, suspect->dots[key] + suspect_bias(suspect, key));
}

/* scale * k_scale * q.k, before any soft cap. */
static inline double suspect_product(const struct suspect *suspect, int64_t key)
{
    return suspect->products ? suspect->products[key] : suspect->dots[key];
}

/* v of key j times v_scale, for elements below dims, into suspect->row; the scale is left to the caller. */
void suspect_read_value(struct suspect *suspect, int64_t key, int dims);

/* suspect->logits with another slope than the row's, of the distances of the inputs. */
void suspect_fill_slope(struct suspect *suspect, double slope);

/* Attention over suspect->logits: elements below dims into suspect->predicted. The lse; -INFINITY without a key, and
 * once it is cancelled. */
double suspect_attend(struct suspect *suspect, int dims);

/* rms of out - predicted over the first dims elements. */
double suspect_rms(const struct suspect *suspect, const double *predicted, int dims);

/* The largest |out - predicted| in units of the tolerance. */
double suspect_residual(const struct suspect *suspect, const double *predicted);

/* An error in units of what is allowed, which may be 0. */
static inline double suspect_in_units(double err, double unit)
{
    return err == 0 ? 0 : err / unit;
}

/* What an lse of the row's size is rounded by, or its bound. */
double suspect_lse_rounding(const struct suspect *suspect);

/* Whether lse is what is given, as far as an lse of the row's size can tell, or to a 64th of its error and of the
 * larger of the two; whether it is off by far more than that, and which way. */
bool suspect_lse_is_exactly(const struct suspect *suspect, double lse);
bool suspect_lse_is(const struct suspect *suspect, double lse);
bool suspect_lse_is_off(const struct suspect *suspect);
bool suspect_lse_rose(const struct suspect *suspect);
#endif
