/*
 * The exact result of a problem, enclosed: |exact - (value + tail)| <= radius for every element.
 *
 * The result is that of the formula in problem.h, or what a contract makes of it (contract.h).
 *
 * Input NaN and infinities follow IEEE rules for the formula in problem.h, with the largest logit taken off each before
 * e^x, as kernels do: of a row with a logit of +inf, or with none but -inf, that is inf - inf, and lse is NaN as well.
 * An element that is NaN or infinite in the exact result is NaN or infinite in value, with radius 0.
 */
#ifndef REFERENCE_TRUTH_H
#define REFERENCE_TRUTH_H

#include "reference/contract.h"
#include "reference/problem.h"
#include "reference/progress.h"

struct truth {
    int num_rows, head_dim;
    double *value;      /* [R, D] nearest double; R: rows, query by query (problem.h) */
    double *tail;       /* [R, D] the next 53 bits: exact result is value + tail, up to radius */
    double *radius;     /* [R, D] proven bound */
    double *magnitude;  /* [R, D] |v_scale| sum_j w_j |v_j| / l, what errors are scaled by; 1e-9 relative where radius
                           is small and it is above 1e-220; below, 0 only where it is 0 */
    double *lse;        /* [R] */
    double *lse_tail;   /* [R] */
    double *lse_radius; /* [R] */
    int plain_rows;     /* rows that MPFR computed from every key; the others were certified */
    struct truth_contract contract; /* what it is the truth of */
};

/* Ways to compute it; the same number within their radii. */
enum truth_method { TRUTH_CERTIFIED, TRUTH_PLAIN, TRUTH_METHOD_COUNT };

extern const char *const truth_method_names[TRUTH_METHOD_COUNT];

enum { TRUTH_DEFAULT_PRECISION = 160, TRUTH_MIN_PRECISION = 64, TRUTH_MAX_PRECISION = 4096 };

struct truth_options {
    int precision;             /* bits of every MPFR operation; certified: where it needs MPFR, to begin with */
    int threads;               /* >= 1; the result does not depend on it */
    struct progress *progress; /* may be NULL; advances by H times the keys of each query */
    const struct truth_contract *contract; /* NULL: that of the inputs. truth_certified does not read it */
};

/* Allocates a truth for the problem's shape. truth_clear frees what is there; a zeroed truth may be cleared. */
enum error_kind truth_init(struct truth *truth, const struct problem *problem, struct error *error);
void truth_clear(struct truth *truth);

/* Some rows of a truth, in the same memory; not to be cleared. Its contract is the whole's. */
struct truth truth_rows(const struct truth *truth, int first_row, int num_rows);

/* Copies the rows of some heads, first_head.. of `heads` for each query, into those of the whole. */
void truth_take_heads(struct truth *whole, int heads, int first_head, const struct truth *part, int part_heads);

/*
 * The plain truth: MPFR, one operation a line, every key. Slow and obviously right. truth was initialised for the
 * problem. ERROR_INTERRUPTED if cancelled, ERROR_SYSTEM if memory ran out.
 */
enum error_kind truth_plain(struct truth *truth, const struct problem *problem, const struct truth_options *options,
                            struct error *error);

/* Either way for a problem with one query, what several are made of. */
enum error_kind truth_plain_query(struct truth *truth, const struct problem *problem,
                                  const struct truth_options *options, struct error *error);
enum error_kind truth_certified_query(struct truth *truth, const struct problem *problem,
                                      const struct truth_options *options, struct error *error);

/* The same of one head of a problem with one query, on the calling thread; the caller frees MPFR's cache. */
enum error_kind truth_plain_head(struct truth *truth, const struct problem *problem, int head,
                                 const struct truth_options *options, struct error *error);

/*
 * The certified truth: the same numbers from far less work, with a radius of at most 2^-64 of sum w|v| / l. Heads that
 * it cannot settle are computed by truth_plain_head, with options->precision bits, doubled until the radius is reached.
 * Of the inputs, whatever the contract. truth_certified.md has the proof.
 */
enum error_kind truth_certified(struct truth *truth, const struct problem *problem, const struct truth_options *options,
                                struct error *error);

/* What method is taken where `method` is asked for: under any contract but that of the inputs the plain one. */
enum truth_method truth_method_under(enum truth_method method, enum truth_of of);

/* The truth by the method that is taken where `method` is asked for. */
enum error_kind truth_compute(struct truth *truth, enum truth_method method, const struct problem *problem,
                              const struct truth_options *options, struct error *error);

/* Memory that truth_compute takes at most, the truth itself included; without the heads that a certificate leaves to
 * MPFR. */
double truth_bytes(enum truth_method method, int64_t seq_len, int num_rows, int head_dim,
                   const struct truth_options *options);

/* The part of it that one thread of truth_plain takes. */
double truth_plain_bytes(int64_t seq_len, int head_dim, int precision);

/* Largest radius of all output elements, NaN never. */
double truth_max_radius(const struct truth *truth);

/* Largest |a - b| of all output elements of two truths of one shape, tails counted: how far apart two contracts are.
 * Equal infinities and two NaN are 0 apart; anything else with one of them is infinitely far. */
double truth_distance(const struct truth *a, const struct truth *b);

/* XXH64 of value, tail, lse and lse_tail. */
uint64_t truth_digest(const struct truth *truth);

/* The same of those rows alone that rows[num_rows] says, one after the other: no number of another one is in it. */
uint64_t truth_digest_of_rows(const struct truth *truth, const bool *rows);

#endif
