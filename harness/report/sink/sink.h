/*
 * Where records go. A sink is opened before any work, so that a file that cannot be written stops a run at once; it
 * gets every record as its point ends, and is closed once, also when the run was interrupted.
 */
#ifndef HARNESS_REPORT_SINK_SINK_H
#define HARNESS_REPORT_SINK_SINK_H

#include "harness/report/file/kept.h"
#include "harness/report/sink/table_options.h"

struct summary {
    size_t points_total, points_done; /* the kept ones included */
    size_t points_kept;
    size_t by_status[STATUS_COUNT];
    const char *device_name;
    double elapsed_s;
    const char *cut_short; /* "interrupted", "stopped": why the run did not come to its end; NULL: it did */
    bool unjudged;         /* the kernel takes no point of the run, nor of its other shards */
};

/* What is said of one that is. */
#define SUMMARY_UNJUDGED "nothing was judged: the kernel takes none of the points"

/* What is known when a run begins. It outlives the sinks. */
struct sink_plan {
    const struct point *points; /* [num_points], of which a record's point is one */
    size_t num_points;
    const struct kept *kept; /* records that are known already; NULL: none */
    bool of_files;           /* cases are from case files, or from standard input */
    struct table_options table;
    int threads;        /* for what a sink computes */
    bool junit_gitlab;  /* in JUnit, failures that are expected are skipped tests */
    size_t keep_failed; /* folders get the first so many points that did not end as expected, and no others; 0: all */
};

/* An open sink. */
struct sink {
    const struct sink_kind *kind;
    const struct sink_plan *plan;
    const char *path; /* the caller's; also for error messages; "-" is stdout */
    size_t written;   /* records that it was given */
    void *state;      /* the kind's */
};

/* What a kind of sink writes to. */
enum sink_target {
    SINK_TO_STDOUT,         /* has no option: open unless another sink takes stdout */
    SINK_TO_FILE,           /* of its own */
    SINK_TO_FILE_OR_STDOUT, /* "-" takes stdout; one kind at most, or two would mix there */
    SINK_TO_FOLDER,
    SINK_BEHIND_STDOUT, /* whose option takes no path: standard output, behind the table */
};

/* A kind of sink, the last thing in its file. */
struct sink_kind {
    const char *option; /* of `run`, --OPTION PATH, or --OPTION; NULL for SINK_TO_STDOUT */
    const char *about;  /* the option's help */
    enum sink_target target;
    bool without_keys; /* it looks at neither k nor v of records' problems, which then need not be there */
    /* ERROR_USAGE, with the option and `path`, if it cannot take the point's record; NULL: it takes every one. Called
     * for each point before any sink is opened. */
    enum error_kind (*check)(const char *path, const struct point *point, struct error *error);
    /* sink has kind, plan and path, and gets its state. */
    enum error_kind (*open)(struct sink *sink, struct error *error);
    enum error_kind (*record)(struct sink *sink, const struct record *record, struct error *error);
    /* A point whose record is kept, in its place among the others. NULL: nothing is done for it. */
    enum error_kind (*keep)(struct sink *sink, const struct point *point, const struct kept_record *kept,
                            struct error *error);
    /* Writes what is left (summary, closing tags) and frees state. Called once, whatever happened before. */
    enum error_kind (*close)(struct sink *sink, const struct summary *summary, struct error *error);
};

/*
 * Every kind, NAME standing for sink_NAME at the foot of sink_NAME.c; a new sink is that file and a row here. They are
 * opened, get a record and are closed in this order. Nothing is left of a run that cannot write what it is asked for:
 * the folder of dumps comes first, since all it does is to be there, then JUnit, which writes aside; last the table,
 * since closing it prints, and what stands behind it.
 */
#define SINK_KINDS(ROW)    \
    ROW(dump)              \
    ROW(bundle)            \
    ROW(private_bundle)    \
    ROW(bundle_without_kv) \
    ROW(junit)             \
    ROW(jsonl)             \
    ROW(table)             \
    ROW(github)

#define SINK_DECLARE(name) extern const struct sink_kind sink_##name;
SINK_KINDS(SINK_DECLARE)

#define SINK_ONE_MORE(name) +1
enum { SINK_COUNT = SINK_KINDS(SINK_ONE_MORE) };

extern const struct sink_kind *const sink_kinds[SINK_COUNT];

/* What the option of a kind takes, as help calls it: "FILE"; NULL: nothing. */
const char *sink_argument(const struct sink_kind *kind);

/* sink is overwritten; to be closed only if it was opened. */
enum error_kind sink_open(struct sink *sink, const struct sink_kind *kind, const char *path,
                          const struct sink_plan *plan, struct error *error);

/* Gives it the record, unless it is a folder that keeps other points (plan->keep_failed). Here, as libalibicheck-run
 * has a sink of its own and none of these. */
static inline enum error_kind sink_record(struct sink *sink, const struct record *record, struct error *error)
{
    const size_t most = sink->kind->target == SINK_TO_FOLDER ? sink->plan->keep_failed : 0;
    if (most > 0 && (status_as_expected(record->outcome.status) || sink->written == most))
        return ERROR_NONE;
    sink->written++;
    return sink->kind->record(sink, record, error);
}

#endif
