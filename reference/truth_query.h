/*
 * The truth of one query, by each method: what truth.c makes that of several queries of. problem has one query.
 */
#ifndef REFERENCE_TRUTH_QUERY_H
#define REFERENCE_TRUTH_QUERY_H

#include "reference/truth.h"

enum error_kind truth_plain_query(struct truth *truth, const struct problem *problem,
                                  const struct truth_options *options, struct error *error);
enum error_kind truth_certified_query(struct truth *truth, const struct problem *problem,
                                      const struct truth_options *options, struct error *error);

#endif
