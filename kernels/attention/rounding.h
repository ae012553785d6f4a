/*
 * What a kernel, run with a recipe on a problem's shape, rounds and how often: its rounding model (error_bound.h).
 *
 * The recipe's contract is not read: the bound is of the problem as it is, and a kernel that takes it for another one
 * is beyond it.
 */
#ifndef KERNELS_ATTENTION_ROUNDING_H
#define KERNELS_ATTENTION_ROUNDING_H

#include "kernels/kernel.h"
#include "reference/error_bound.h"

struct rounding_model kernel_rounding(enum kernel kernel, const struct kernel_options *options,
                                      const struct recipe *recipe, const struct problem *problem);

#endif
