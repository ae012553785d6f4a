/*
 * A hunt: the worst inputs of a subject within limits, found (search.h), made small (shrink.h) and judged once more.
 */
#ifndef HARNESS_HUNT_HUNT_H
#define HARNESS_HUNT_HUNT_H

#include "harness/hunt/objective.h"
#include "harness/hunt/shrink.h"

enum { HUNT_FINDS = 9, HUNT_NAME_SIZE = 160 };

struct hunt_setting {
    const struct space *space;
    const struct point *starts; /* [num_starts], at least one */
    size_t num_starts;
    const char *name; /* that finds' cases begin with */
    struct point_kernel kernel;
    enum objective objective;
    long evaluations, shrink_evaluations; /* at most; the second of each find */
    double keep;                          /* of the value of a find that passes, when it is made small */
    uint64_t seed;
    bool random;
    double time_limit_s; /* no candidate is searched later than this; 0: no limit */
    struct record made;  /* what all records say: device, settings, recipes, foreign_option */
};

/* What was found: the worst that passes, and of each way of failing the worst. */
struct hunt_find {
    struct find find;          /* made small */
    struct trial found;        /* before that */
    long evaluation;           /* that found it, from 1 */
    bool is_judged_again;      /* it was judged once more, from the text of its case file, */
    bool is_again;             /* and was the same */
    char name[HUNT_NAME_SIZE]; /* of its case: NAME, NAME-FAILURE */
    char *text;                /* its case file; NULL if the hunt was interrupted before */
};

struct hunt {
    struct hunt_setting setting;
    struct evaluator *evaluator; /* the caller's */
    struct hunt_log *log;        /* the caller's, open */
    struct hunt_find finds[HUNT_FINDS];
    int num_finds;
    long searched, evaluated, kept, refused; /* candidates: of the search; evaluated in all; of those from the log; that
                                              * the kernel does not take or that could not be judged */
    double start_s;
};

/*
 * Hunts. Each find is handed to `keep` with what came of its last evaluation. The result: ERROR_NONE, also where the
 * time is up; ERROR_INTERRUPTED; ERROR_USAGE where no candidate can be evaluated, and why; ERROR_SYSTEM. Whatever it
 * is, finds are what was found until then. hunt is overwritten but for setting, evaluator and log; hunt_clear frees.
 */
typedef enum error_kind hunt_keep(void *context, struct hunt_find *find, const struct record *record,
                                  struct error *error);
enum error_kind hunt_run(struct hunt *hunt, hunt_keep *keep, void *context, struct error *error);
void hunt_clear(struct hunt *hunt);

/* Whether one of the finds fails. */
bool hunt_has_failure(const struct hunt *hunt);

#endif
