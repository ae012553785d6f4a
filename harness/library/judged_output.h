/*
 * An output that is there already, judged: its problem is opened, a part at a time where it is large, the exact result
 * computed, the verdict reached and a failure named. Nothing is run, so there are no oracles. What made the output is
 * not known: there are error bounds only where somebody says with which operations, in which order, it was made.
 */
#ifndef HARNESS_LIBRARY_JUDGED_OUTPUT_H
#define HARNESS_LIBRARY_JUDGED_OUTPUT_H

#include "harness/judge/cause/signature.h"
#include "harness/judge/class/class_find.h"
#include "harness/judge/contract/contract_search.h"
#include "harness/library/seconds.h"
#include "harness/problem/problem_source.h"
#include "harness/subject/given_output.h"

/* How an output is judged. */
struct judging {
    struct criterion criterion; /* of the tolerance alone, unless there is an arithmetic */
    struct class_demand demand; /* beside it */
    /* The class that what made the output says that it is in: another contract is sought in it alone. It is not asked:
     * it says none. */
    struct class_demand promised;
    /* What the output is said to have been made with: its rounding model gives the bounds, it is not run. NULL: nobody
     * says. */
    const struct subject *arithmetic;
    /* [R], the rows that are judged, at least one; NULL: all. Of these alone is there a truth, and they are judged as
     * they would be among all; no cause is sought, and nothing is known of all inputs: input_digest is 0. */
    const bool *rows;
    bool turned;         /* elements of heads stand in an order, and have signs, that are not their own */
    double lse_rounding; /* what an lse has lost since, relative to itself: on its way from another base */
    enum truth_method truth_method;
    int truth_precision; /* bits */
    int threads;
    struct progress *progress; /* NULL: nobody watches */
    /* The next step begins ("inputs", "truth", ...), which will add `work` to progress->work_done, 0 if it does not
     * say. The name is a constant, but for a part that is opened again ("signature, part 3 of 32"), whose name ends
     * with the call. NULL: nobody wants to know. */
    void (*step)(void *context, const char *step, long work);
    void *context;
    bool step_keeps_names; /* so that it is told constants alone */
};

struct judged_output {
    struct inputs inputs;   /* of the last part; what problem points into; zeroed where they are the evaluator's */
    struct problem problem; /* the whole; k and v are NULL if it was worked on in parts */
    struct output output;   /* every NaN of one pattern */
    double *bound;          /* [R, D]; NULL: there is none */
    double *lse_bound;      /* [R]; the same */
    struct truth truth;
    struct verdict verdict;
    struct signature_finding finding; /* of a failed one; else SIGNATURE_NONE */
    struct class_report classes;      /* of its rows */
    struct class_whole class_of_all;
    struct contract_finding contract; /* of one whose numbers fail */
    uint64_t input_digest, output_digest, truth_digest;
    double contract_distance; /* of the truth from that of the inputs */
    struct seconds seconds;
};

/* judged is overwritten and, whatever the result, to be cleared. What the tolerance leaves open under a certified truth
 * is judged again by MPFR. ERROR_USAGE, ERROR_SYSTEM, ERROR_INTERRUPTED. */
enum error_kind judge_output(struct judged_output *judged, const struct problem_source *source,
                             const struct given_output *given, const struct judging *judging, struct error *error);
void judged_output_clear(struct judged_output *judged);

/* What is judged of it, once it is there. */
struct exhibit judged_exhibit(const struct judged_output *judged, const struct judging *judging);

/* A failure whose cause nobody seeks, and what to do instead, a constant: the rows that are judged and fail are
 * counted. */
void judged_without_cause(struct judged_output *judged, const struct judging *judging, const char *remedy);

/* The first half of that: the truth alone, without an output. */
enum error_kind judge_find_truth(struct judged_output *judged, const struct problem_source *source,
                                 const struct judging *judging, struct error *error);

/* The steps of it that judging a kernel's output takes, too. */

/* The truth of a part of a problem, truth_init done for it, and how far it lies from that of the inputs: 0 if that is
 * what it is. Not all of the work is in options->progress. */
enum error_kind judge_truth(struct truth *truth, double *contract_distance, enum truth_method method,
                            const struct problem *part, const struct truth_options *options, struct error *error);

/* What all parts' digests come to; `so_far` is 0 at the first of num_parts. */
uint64_t judge_input_digest(uint64_t so_far, uint64_t part, int num_parts);

/* XXH64 of out and lse, once all NaN are made one. */
uint64_t judge_output_digest(struct output *output, const struct problem *problem);

#endif
