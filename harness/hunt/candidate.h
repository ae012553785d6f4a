/*
 * A candidate of a hunt: a case of one point, as the values that its case file would give to keys. What is evaluated is
 * what reading that text makes, so that whatever a hunt finds, `alibicheck run` finds again.
 */
#ifndef HARNESS_HUNT_CANDIDATE_H
#define HARNESS_HUNT_CANDIDATE_H

#include "harness/case/case.h"
#include "harness/case/case_keys.h"

/* Each allocated; NULL: the key has its default. `case` and `about` are never given. */
struct candidate {
    char *values[KEY_COUNT];
};

/*
 * The point that a case file's reader made: a failure that its case expects is not expected of the candidate, and
 * oracles that it does not ask for are not tried; a window beyond its keys is left out. Overwritten; candidate_clear
 * frees, whatever the result.
 */
enum error_kind candidate_of_point(struct candidate *candidate, const struct point *point,
                                   const struct point_kernel *kernel, struct error *error);
enum error_kind candidate_copy(struct candidate *candidate, const struct candidate *from, struct error *error);
void candidate_clear(struct candidate *candidate);

/* Takes a value, NULL for the default, in the place of the one that is there. */
void candidate_take(struct candidate *candidate, enum key_id id, char *value);

/* The case file's text, with a comment of one line that says where it is from (NULL: none): a new string, or NULL. */
char *candidate_text(const struct candidate *candidate, const char *name, const char *about);

/* A candidate read. */
struct hunted_point {
    struct case_list list;
    struct point point; /* of it */
    uint64_t digest;    /* point_digest */
};

/* ERROR_USAGE if no case may have these values together. Overwritten; hunted_point_clear frees, whatever the result. */
enum error_kind candidate_read(struct hunted_point *read, const struct candidate *candidate, const char *name,
                               const struct point_kernel *kernel, struct error *error);
void hunted_point_clear(struct hunted_point *read);

#endif
