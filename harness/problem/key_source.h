/* What k and v of a described problem are, where a device can make them by itself. */
#ifndef HARNESS_PROBLEM_KEY_SOURCE_H
#define HARNESS_PROBLEM_KEY_SOURCE_H

#include "harness/problem/problem_spec.h"
#include "kernels/random/made_elements.h"

/*
 * Whether k and v are the plain stream of their distribution; *source then says which. Every key of it, whoever makes
 * it, has the bits that generator_make gives it. A distribution with a shape stays with the host, which has what that
 * needs.
 */
bool key_source_of(struct key_source *source, const struct problem_spec *spec);

#endif
