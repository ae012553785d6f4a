/*
 * The search of a hunt: which candidate to try next, by what came of those before. It knows no kernel: it is asked for
 * a candidate and told its value.
 *
 * It begins with the points of the case files and with random draws, a fifth of the evaluations planned, and goes on
 * from the best of what it has seen: a parent, the better the more often; now and then keys of a second one; one change
 * or a few (change.h). Changes are chosen by how often they have made a child that is better than its parent, so that
 * the search works on what hurts. Every seventh candidate is a random draw all the same: where the climb has nothing to
 * climb on, it is hardly worse than those.
 */
#ifndef HARNESS_HUNT_SEARCH_H
#define HARNESS_HUNT_SEARCH_H

#include "harness/hunt/change.h"

enum { SEARCH_MEMBERS = 12 };

/* One of the best. */
struct member {
    struct candidate candidate;
    double value;
};

/* A kind of change of a key, and how it has done. */
struct arm {
    enum key_id id;
    enum change change;
    double tries, gains;
};

struct search_setting {
    const struct space *space;
    const struct point_kernel *kernel;
    const struct candidate *starts; /* [num_starts], at least one */
    size_t num_starts;
    long planned; /* evaluations that there are to be, or were to be when the hunt was begun */
    uint64_t seed;
    bool random; /* every candidate is drawn anew */
    /* Whether a point can be evaluated. */
    bool (*takes)(void *context, const struct point *point);
    void *context;
};

struct search {
    struct search_setting setting;
    struct draws draws;
    struct member members[SEARCH_MEMBERS]; /* from the best on */
    int num_members;
    struct arm arms[KEY_COUNT * CHANGE_COUNT];
    int num_arms;
    void *seen; /* a tree of the digests of all candidates so far */
    long asked;
    /* Of the candidate that was asked for: */
    struct candidate candidate;
    unsigned char changed[KEY_COUNT * CHANGE_COUNT]; /* arms */
    double parent_value;                             /* NaN: it has none */
};

/* Before the first candidate; search_end frees what it has, and may follow at any time. setting is copied, and its
 * space stays the caller's. */
void search_begin(struct search *search, const struct search_setting *setting);
void search_end(struct search *search);

/*
 * The next candidate, read; it stays the search's, and read is the caller's to clear whatever the result. *found: false
 * where there is no new one within the limits, as far as 2000 draws can tell.
 */
enum error_kind search_ask(struct search *search, const struct candidate **candidate, struct hunted_point *read,
                           bool *found, struct error *error);

/* What came of it. */
enum error_kind search_tell(struct search *search, double value, struct error *error);

#endif
