/*
 * A baseline written anew after a comparison: each point that is not as good as it was needs a reason, which stays
 * beside it with the day; each that fails, a link and the day on which that is no longer accepted.
 */
#ifndef HARNESS_REPORT_COMPARE_BASELINE_H
#define HARNESS_REPORT_COMPARE_BASELINE_H

#include "harness/report/compare/compare.h"

/* What is said of the points that need it; NULL: nothing. */
struct baseline_notes {
    const char *reason, *known_failure, *expires;
};

/* What an update came to. */
struct baseline_change {
    size_t added, removed, changed, kept; /* lines */
};

/*
 * The baseline that the comparison's new points make of its base: sorted lines, a new string. Points that the
 * comparison leaves out, that are the same, or worse within what was allowed stay as they are: what is allowed does not
 * add up. ERROR_USAGE if a point needs what notes do not have, or was not judged; or is missing, where nobody knows
 * that it is gone: the new records are a part of their run, or that was told to leave out points of its cases.
 */
enum error_kind baseline_update(char **text, struct baseline_change *change, const struct collation *collation,
                                const struct baseline_notes *notes, struct error *error);

#endif
