/*
 * An element of a tensor as a number.
 */
#ifndef HARNESS_SUPPORT_TENSOR_NUMBER_H
#define HARNESS_SUPPORT_TENSOR_NUMBER_H

#include "harness/support/tensor_file.h"

/* Element i, of integers and floats. NaN where there is no such number: of raw bits, and of fp8. */
double tensor_number(const struct tensor_file *file, int64_t i);

#endif
