/*
 * The fused sums of NVIDIA's tensor cores, f16 or bf16 in and f32 out, bit for bit: mma.sync m16n8k16, each of whose
 * elements is d = c + a[0] b[0] + ... + a[15] b[15].
 *
 * A tensor core does not round sums one by one. It forms products exactly, aligns c and a number of products to the
 * largest exponent among them, cuts off what lies below a last place, adds exactly, and cuts the sum to f32. Where a
 * step takes fewer products than there are, its result is the next step's c.
 *
 * A product has the sum of its factors' exponents, also where its significand is 2 or more; a subnormal number has the
 * exponent of the smallest normal one. Zeros do not count for the largest exponent, which is at least -133. Every cut
 * is toward zero. Sums may exceed f32 on their way; a result of 2^128 or more is infinite. A result of 0 is +0,
 * whatever was added. Infinities and NaNs follow IEEE 754.
 *
 * Sources: M. Fasi, N. J. Higham, M. Mikaitis, S. Pranesh, "Numerical behavior of NVIDIA tensor cores", PeerJ Computer
 * Science 7:e330, 2021 (Volta, Ampere); X. Li et al., "FTTN", arXiv 2403.00232; P. Xie et al., "MMA-Sim", arXiv
 * 2511.10909. Hopper's agree in every bit with those that an H100 computed (tests/mma_digests.h), where the least
 * exponent and the sign of 0 come from; Volta and Ampere are not measured and take them over.
 */
#ifndef KERNELS_DIALECT_FUSED_SUM_H
#define KERNELS_DIALECT_FUSED_SUM_H

#include <stdint.h>

#include "kernels/tensor_core.h"
#include "reference/dtype.h"

enum { MMA_ROWS = 16, MMA_COLUMNS = 8, MMA_PRODUCTS = 16 };

/* a and b are of MMA_PRODUCTS elements of f16 or bf16. */
float fused_sum(enum tensor_core tensor_core, enum dtype dtype, const uint16_t *a, const uint16_t *b, float c);

/*
 * A bound of |fused_sum - the sum without error|, where the sum is finite and no step's overflows.
 *
 * absolute_sum is at least |c| + |a[0] b[0]| + ... + |a[15] b[15]|. `largest` is at least the power of two that terms
 * are aligned to. It will do if it is at least
 *
 *     |a[k] b[k]| for each k, where a subnormal factor counts as the smallest normal number of its dtype,
 *     |c|, but 2^-126 for a subnormal c that is not 0, and
 *     2^-133.
 *
 * Proof. Let F be fraction_bits, P the products of a step and 2^e the power of two that its terms are aligned to; in
 * the first step it is at most `largest`. Products are exact. Terms are cut to multiples of 2^(e - F), which costs less
 * than that each. At most P of the P + 1 are cut: the one of exponent e has at most 23 <= F fraction bits, and where
 * there is none, because e is the least alignment, c is 0. What is left of them is added exactly. A cut moves toward
 * zero. So |the step's sum| is at most the sum of its |terms|, no step's result exceeds absolute_sum, and cutting it to
 * f32 costs less than 2^-23 absolute_sum, or 2^-149 if it is subnormal. The result is c of the next step, whose 2^e is
 * thus at most max(largest, absolute_sum, 2^-126). It enters that step's sum as it is, so the errors of the steps add
 * up.
 */
double fused_sum_bound(enum tensor_core tensor_core, double absolute_sum, double largest);

/*
 * The same in parts, for sums of many: the error is at most `relative` absolute_sum + `alignment` extra + floor, where
 * no product's alignment is above absolute_sum + extra: that of a subnormal factor, which counts as the smallest normal
 * number.
 */
struct fused_sum_errors {
    double relative, alignment, floor;
};

struct fused_sum_errors fused_sum_errors(enum tensor_core tensor_core);

struct mma_operands {
    uint16_t a[MMA_ROWS][MMA_PRODUCTS], b[MMA_COLUMNS][MMA_PRODUCTS]; /* b[n] is a column */
    float d[MMA_ROWS][MMA_COLUMNS];
};

/* d[m][n] = fused_sum(a[m], b[n], d[m][n]), all at once. */
void fused_product(enum tensor_core tensor_core, enum dtype dtype, struct mma_operands *operands);

#endif
