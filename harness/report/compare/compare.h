/*
 * Two files of results, joined by key: what became of each point.
 */
#ifndef HARNESS_REPORT_COMPARE_COMPARE_H
#define HARNESS_REPORT_COMPARE_COMPARE_H

#include "harness/report/compare/compare_point.h"
#include "harness/report/file/where.h"

struct collation {
    const struct results *base, *new;
    struct compare_rules rules;
    struct compared *points; /* by change, the worst first, within a change by growth, then by key */
    size_t count;
    size_t by_change[CHANGE_COUNT];
    size_t base_judged;    /* points of the base that were judged, whatever `where` holds for */
    size_t left_out;       /* points that `where` does not hold for, */
    size_t left_out_worse; /* and those of them that are worse, or cannot be compared */
};

/* What the whole comes to, and so the exit code. */
enum compare_result { COMPARE_AS_GOOD = 0, COMPARE_WORSE = 1, COMPARE_IMPOSSIBLE = 3 };

/*
 * Joins. where may be NULL; it reads a point as compared_to_json writes it. collation is overwritten, and refers to
 * base and new; collation_clear frees. ERROR_USAGE if `where` holds for no point.
 */
enum error_kind collate(struct collation *collation, const struct results *base, const struct results *new,
                        const struct compare_rules *rules, const struct where *where, struct error *error);
void collation_clear(struct collation *collation);

/*
 * Why a comparison that has found nothing worse has held nothing against anything: all of its points are skipped, or no
 * point of the base was judged. "" where one was compared.
 */
const char *collation_void(const struct collation *collation);

/* What explains that points are missing: the new records are not all of their run's, or no point is in both files,
 * because of another kernel's name, which keys have. "" where nothing is to be explained. A new string, or NULL. */
char *collation_hint(const struct collation *collation);

/* COMPARE_IMPOSSIBLE if one point cannot be compared, or none was (collation_void), else COMPARE_WORSE if one is worse.
 */
enum compare_result collation_result(const struct collation *collation);

/* "worse", "not comparable", "as good". */
const char *collation_verdict(const struct collation *collation);

/* "2 newly failing, 1 worse, 193 same bits: worse", what is left out named; a new string, or NULL. */
char *collation_sentence(const struct collation *collation);

/* "3 left out by --where, 2 of them worse"; "" if none is. A new string, or NULL. */
char *collation_left_out(const struct collation *collation);

/* How many points are of another kernel, recipe or device than before: "3 of another device"; "" if none is. A new
 * string, or NULL. */
char *collation_subjects(const struct collation *collation);

/* "BASE: baseline, 214 points" of one of the files, and how many the run has that are not there; a new string, or
 * NULL. */
char *collation_describe(const struct results *results);

/* The change's outcome under the collation's rules. */
enum change_outcome collation_outcome(const struct collation *collation, enum change change);

#endif
