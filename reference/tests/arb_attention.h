/*
 * Attention in ball arithmetic (Arb), over every key: a second high-precision implementation, which shares neither code
 * nor error analysis with the truths. Finite inputs only; a ball that grows infinite gives an infinite radius.
 */
#ifndef REFERENCE_TESTS_ARB_ATTENTION_H
#define REFERENCE_TESTS_ARB_ATTENTION_H

#include "reference/truth.h"

/* Fills truth, which was initialised for the problem: midpoints in value + tail, radii; no magnitudes. */
enum error_kind arb_attention(struct truth *truth, const struct problem *problem, int precision, int threads,
                              struct error *error);

#endif
