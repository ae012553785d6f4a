/*
 * Of what an element of an output is made: the keys that weigh most in its row, and where it would be without one of
 * them or with one counted twice. For people, and as an object of a record.
 */
#ifndef HARNESS_LIBRARY_EXPLAINED_ELEMENT_H
#define HARNESS_LIBRARY_EXPLAINED_ELEMENT_H

#include <stdio.h>

#include "harness/judge/contract/row_terms.h"
#include "harness/library/record_row.h"

enum { EXPLAINED_TERMS = 8 };

struct explained_element {
    int query, head, dim;
    double out, truth, err, ulp; /* the error, absolute and in ulp of the output's dtype */
    enum dtype dtype;
    int num_terms; /* of the largest weights, those first; 0 in a row without a key */
    struct row_term terms[EXPLAINED_TERMS];
};

/* Of struct explained_element. */
extern const struct record_fields record_explained_fields;

/* Element (query * H + head) * D + dim of a problem with k and v. ERROR_SYSTEM if memory is short. */
enum error_kind explained_element_find(struct explained_element *element, const struct problem *problem, double out,
                                       double truth, int64_t index, struct error *error);

/* Some lines, after `called`, "the worst element". */
void explained_element_print(FILE *stream, const struct explained_element *element, const char *called);

#endif
