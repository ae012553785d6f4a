/*
 * A record: what is known of one point once it was run, and what is said of it in words. As JSON: record_field.h.
 */
#ifndef HARNESS_REPORT_RECORD_RECORD_H
#define HARNESS_REPORT_RECORD_RECORD_H

#include <time.h>

#include "harness/evaluate/evaluate.h"
#include "harness/evaluate/outcome.h"
#include "harness/library/explained_element.h"
#include "harness/library/metric.h"

/* A part of a run: number index, from 1, of count. 0 of 0: all of it. */
struct run_shard {
    int index, count;
    size_t num_points;
};

enum { RUN_SHARDS_MAX = 100000 };

/* The points of a run, in the order in which they stand in its results. */
struct run_points {
    size_t count;
    struct run_shard shard; /* that is run here; count is that of all */
    size_t left_out;        /* points that its cases have as well, and that it was told to leave out */
    uint64_t digest;        /* of their keys and of what their cases say of them */
};

/* Adds the next point, digest being its point_digest, to a zeroed run or to one that has those before it. */
void run_points_add(struct run_points *run, const char *key, uint64_t digest);

struct record {
    const struct point *point;
    const struct run_points *run;
    size_t place; /* of the point in the run, from 0 */
    bool of_axes; /* the point is of no case file but of the settings alone: `alibicheck sweep` runs it */
    const char *const *settings; /* KEY=VALUE of --set that the run was given */
    size_t num_settings;
    const char *const *recipes; /* files and folders of --recipes */
    size_t num_recipes;
    const char *foreign_option; /* what runs a kernel that is not ours, quoted: " --plugin=./mine.so"; NULL: nothing */
    const char *device;         /* device_kind_names[], or "foreign" */
    const char *device_name;
    const char *kernel_digest; /* of the file of a kernel that is not ours; NULL, "": nobody knows */
    const char *fidelity;      /* fidelity_names[]; NULL of what is not ours */
    struct outcome outcome;
    bool is_unanswered;           /* the kernel failed to run on the problem itself, as outcome.reason says */
    enum run_failure run_failure; /* how, or how on a copy of it that an oracle has changed */
    /* The rest is not known (NULL, null in JSON) if the run failed. */
    const struct verdict *verdict;
    const struct fault *other;  /* of an output that was compared with a second one; NULL: it was not */
    const struct fault *faults; /* [BASELINE_COUNT], those that point->baselines has a bit for */
    const struct signature_finding *finding;
    const struct class_report *classes;
    const struct class_whole *class_of_all;
    const struct contract_finding *contract;
    const struct explained_element *explained; /* of an output of which that was asked; NULL: it was not */
    const struct oracle_report *oracles;
    const struct problem *problem;
    const struct output *output;
    const struct truth *truth;
    const double *bound, *lse_bound; /* error bounds of out [R, D] and lse [R]; NULL: none is known */
    uint64_t input_digest, output_digest, truth_digest;
    double contract_distance;
    bool at_once;               /* the kernel was launched on the whole of a problem that is worked on in parts */
    const char *launch_failure; /* of such a launch, after which it was launched in parts; NULL, "": none */
    struct seconds seconds;
    time_t ended; /* when the point was done; 0: not known */
};

/* Takes what came of evaluating the record's point, which outlives it: of a failure, why. */
void record_take(struct record *record, enum error_kind kind, const struct error *failure,
                 const struct evaluation *evaluation);

/* What the record is judged by that was not computed here; NULL: all of it was. And whether its cause is of that. */
const struct given_claim *record_claim(const struct record *record);
bool record_cause_is_claimed(const struct record *record);

/* The one line that runs this point alone: "alibicheck run FILE --only 'KEY'", with the run's settings and recipes,
 * then more (" --verbose"). Of a case from standard input it says that the same text is to come from there. A new
 * string, or NULL. */
char *record_reproduce(const struct record *record, const char *more);

/* "against NAME: ", and what fault_print says, a line after indent for each conventional reference that the record
 * has, or for each that differs from the kernel or the truth by more than the tolerance, and for the other output that
 * it may have been compared with; "" without one. A new string, or NULL. */
char *record_references(const struct record *record, const char *indent, bool all);

/*
 * What the numbers come to beside those of out's errors: that the kernel was launched in parts, counts that are 0 in a
 * healthy run where they are not, and what is beyond its error bound: "4096 NaN, 2 lse off by up to 0.84 nats, lse
 * 1.05e+03 times its bound"; "" if there is nothing to say. A new string, or NULL.
 */
char *record_notes(const struct record *record);

/* Whether the kernel was launched on some KV heads at a time; false where it was not launched here. */
bool record_in_parts(const struct record *record);

/* The largest error of out for a sentence: "max abs err 0.5, max ulp err 512", or in words where it is no finite
 * number. text: RECORD_LARGEST_SIZE. */
enum { RECORD_LARGEST_SIZE = 96 };
char *record_say_largest(char *text, const struct record *record, bool ulp);

/* A metric of out's error for people: "~0" if the largest error is within the radius of the truth, which is then all
 * that its digits would show. text has METRIC_TEXT_SIZE characters and is returned. */
char *record_format_error(char *text, const struct record *record, enum metric metric);

/* The known bugs of its case that fail as the point does, with spaces between them: those whose evidence is there, or
 * if there is none those that no more than the signature is known of, unless that is `unknown`. *bugs: a new string, or
 * NULL: there are none. false: memory is short. */
bool record_known_bugs(char **bugs, const struct record *record);

/* What oracles saw that has no name, where nothing is wrong with the output that was judged. */
enum oracles_alone {
    ORACLES_ALONE_NOT,         /* they saw nothing of the kind, or the output is wrong */
    ORACLES_ALONE_COPIES,      /* a changed copy of the problem has a wrong result */
    ORACLES_ALONE_WRITES,      /* writes beside outputs, and nothing else */
    ORACLES_ALONE_DETERMINISM, /* two runs on the same inputs differ, and nothing else: that may be meant */
    ORACLES_ALONE_BOTH         /* writes beside outputs, and two runs differ, and nothing else */
};
enum { ORACLES_ALONE_COUNT = ORACLES_ALONE_BOTH + 1 };

enum oracles_alone record_oracles_alone(const struct record *record);

/* A sentence or more; NULL of ORACLES_ALONE_NOT. */
extern const char *const record_oracles_alone_meanings[ORACLES_ALONE_COUNT];

/* How the point failed: its signature, of a failure that nobody expected and if explained with meaning and remedy, and
 * each oracle that was violated, and known bugs that fail so, a line each after indent; "" if nothing is to be said. A
 * new string, or NULL. */
char *record_findings(const struct record *record, const char *indent, bool explained);

/* What the point came to, in one line: its errors, or why it was not judged. A new string, or NULL. */
char *record_headline(const struct record *record);

/* The same with how it failed, what it was compared with and how to run it again, a line each. A new string, or NULL.
 */
char *record_detail(const struct record *record, const char *headline);

#endif
