/*
 * libalibicheck-run: cases run on a kernel of the caller's.
 *
 * Case files of `alibicheck run` say which problems there are; a kernel, a struct alibicheck_kernel as a plug-in has
 * it, is a function of this process. Each point of the cases is made, launched, compared with the exact result, put to
 * the oracles, and its record handed over as soon as it is ready:
 *
 *     alibicheck_cases *cases;
 *     alibicheck_results *results;
 *     struct alibicheck_error error;
 *     if (alibicheck_cases_new(&cases, &error) || alibicheck_cases_add_path(cases, "decode.yaml", &error) ||
 *         alibicheck_run(&results, cases, &kernel, NULL, NULL, NULL, &error))
 *         fprintf(stderr, "%s\n", error.text);
 *     else if (!alibicheck_results_passed(results))
 *         fprintf(stderr, "%s\n%s", alibicheck_results_text(results), alibicheck_results_failure(results));
 *
 * Records are those of `alibicheck run CASES --plugin`, but for device_name, seconds and the build.
 *
 * The kernel is called on the thread that calls alibicheck_run, and shares its memory: what it does to the process, it
 * does to the caller's. A crash in it ends the process, what hangs hangs, and a write far outside of its outputs may
 * hit anything. Writes near them, to its inputs and to earlier outputs are found. Who wants a process between makes a
 * plug-in of it. It must return: no exception and no longjmp may leave it, nor the function that takes records. It runs
 * in the default floating-point environment, and may leave another one.
 *
 * Rules for every function are those of alibicheck.h: nothing is printed, the process is not ended, errors are values
 * with a text, an object that a function makes is NULL if it failed, freeing NULL does nothing, texts belong to the
 * object that they are of. Runs may go on in several threads at once, also of the same cases, if none changes them.
 */
#ifndef ALIBICHECK_RUN_H
#define ALIBICHECK_RUN_H

#include <alibicheck.h>
#include <alibicheck_kernel.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1" */
ALIBICHECK_API const char *alibicheck_run_version(void);

/* ---- which points ------------------------------------------------------------------------------------------------ */

/* Cases, and which of their points are meant. What is said of them is copied, and looked at when they are run: what is
 * wrong with it is then the error, as the program has it, before any work. */
typedef struct alibicheck_cases alibicheck_cases;

/* No cases yet. */
ALIBICHECK_API int alibicheck_cases_new(alibicheck_cases **cases, struct alibicheck_error *error);
ALIBICHECK_API void alibicheck_cases_free(alibicheck_cases *cases);

/* A case file, or a folder of them; read by each run. */
ALIBICHECK_API int alibicheck_cases_add_path(alibicheck_cases *cases, const char *path, struct alibicheck_error *error);

/* Cases as YAML, what a case file has, up to 1 MiB; messages call it name. Texts come behind all paths. */
ALIBICHECK_API int alibicheck_cases_add_text(alibicheck_cases *cases, const char *name, const char *text,
                                             struct alibicheck_error *error);

/* "KEY=VALUE" replaces a key of every case, as --set does: "seed=[1,2,3]", "oracles=none", "seq_len=4k". Each key
 * once (`alibicheck list keys`). */
ALIBICHECK_API int alibicheck_cases_set(alibicheck_cases *cases, const char *setting, struct alibicheck_error *error);

/* Points whose key matches one of the globs, as --only; and for which all of the expressions hold, as --where. */
ALIBICHECK_API int alibicheck_cases_only(alibicheck_cases *cases, const char *glob, struct alibicheck_error *error);
ALIBICHECK_API int alibicheck_cases_where(alibicheck_cases *cases, const char *expression,
                                          struct alibicheck_error *error);

/* 1 to 1024 threads that judge; 0, or not set: OMP_NUM_THREADS, or one a CPU, within a container's quota. Results do
 * not depend on it. */
ALIBICHECK_API int alibicheck_cases_set_threads(alibicheck_cases *cases, int threads, struct alibicheck_error *error);

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* How far a run has come, and whether to stop it: made by one thread, looked at by others while it goes on. */
typedef struct alibicheck_run_progress alibicheck_run_progress;

ALIBICHECK_API int alibicheck_run_progress_new(alibicheck_run_progress **progress, struct alibicheck_error *error);
ALIBICHECK_API void alibicheck_run_progress_free(alibicheck_run_progress *progress);

/* The run ends soon, with ALIBICHECK_CANCELLED: the point in work has no record. A launch that has begun is waited for.
 * A signal handler may call it, and so may the kernel. What was stopped stays so. */
ALIBICHECK_API void alibicheck_run_progress_stop(alibicheck_run_progress *progress);

/* Points that are done, of so many; 0 of 0 before a run knows its points. Either may be NULL. */
ALIBICHECK_API void alibicheck_run_progress_read(const alibicheck_run_progress *progress, int64_t *done,
                                                 int64_t *points);

/* What is known of a point that is done; all of it holds until the function returns that it is handed to. Members that
 * are added later stand at the end. */
struct alibicheck_run_record {
    int64_t index, points; /* which point of the run it is, from 0, and how many there are */
    const char *key;       /* "CASE:seq_len=4096,...", as alibicheck_cases_only takes it */
    const char *status;    /* "pass", "fail", "xfail", "xpass", "error", "skip" */
    int32_t as_expected;   /* 1: "pass", "xfail", "skip". Else 0 */
    const char *json;      /* the record, one line of JSON without its end: `alibicheck list record-fields` */
    const char *message;   /* of what is not as expected, for people: how it failed, some lines. Else "" */
};

/* Takes records, in the order of the points, on the thread that called alibicheck_run. 0; or anything else, which ends
 * the run with ALIBICHECK_CANCELLED before the next point. */
typedef int32_t alibicheck_record_function(void *context, const struct alibicheck_run_record *record);

typedef struct alibicheck_results alibicheck_results;

/*
 * Runs the points on the kernel, which need not outlive the call. record, whose context is, and progress, of one run at
 * a time, may be NULL. A kernel that is wrong is no error of this function: ALIBICHECK_OK says that every point has its
 * record. With ALIBICHECK_CANCELLED there are results as well, of the points done until then; they have not passed.
 */
ALIBICHECK_API int alibicheck_run(alibicheck_results **results, const alibicheck_cases *cases,
                                  const struct alibicheck_kernel *kernel, alibicheck_record_function *record,
                                  void *context, alibicheck_run_progress *progress, struct alibicheck_error *error);
ALIBICHECK_API void alibicheck_results_free(alibicheck_results *results);

/* 1: all points are done, each ended as its case expects, and one at least was not skipped. Else 0. */
ALIBICHECK_API int alibicheck_results_passed(const alibicheck_results *results);

/* How many points there are, and how many ended so; -1 for a status that there is not. */
ALIBICHECK_API int64_t alibicheck_results_points(const alibicheck_results *results);
ALIBICHECK_API int64_t alibicheck_results_count(const alibicheck_results *results, const char *status);

/* "48 points: 46 pass, 2 fail", or "stopped: 3 of 48 points done: 3 pass". */
ALIBICHECK_API const char *alibicheck_results_text(const alibicheck_results *results);

/* The key and the message of the first point that did not end as expected; "" if there is none. */
ALIBICHECK_API const char *alibicheck_results_failure(const alibicheck_results *results);

#ifdef __cplusplus
}
#endif

#endif
