/*
 * What a row's exact result is made of: the keys that weigh most, and where an element would be without one of them, or
 * with one counted twice.
 */
#ifndef HARNESS_JUDGE_CONTRACT_ROW_TERMS_H
#define HARNESS_JUDGE_CONTRACT_ROW_TERMS_H

#include "harness/judge/exhibit.h"

struct row_term {
    int64_t key, distance;   /* position of the key less that of the query */
    double bias, logit;      /* nats */
    double weight, value;    /* its share of the row's weights; its v at the element, v_scale included */
    double dropped, doubled; /* the element if it were not there, or there twice */
};

/* Up to max terms of the element dim of a row, the largest weights first, in double precision. *count of them. Needs k
 * and v. ERROR_SYSTEM if memory is short. */
enum error_kind row_terms_find(struct row_term *terms, int max, int *count, const struct exhibit *exhibit, int row,
                               int dim, struct error *error);

#endif
