#include "reference/slopes.h"

const char *const slope_convention_names[SLOPES_COUNT] = {
    [SLOPES_BLOOM] = "bloom",
    [SLOPES_GEOMETRIC] = "geometric",
};

/* The slope is 2^(-b * numerator / denominator). */
struct fraction {
    unsigned long numerator, denominator;
};

static struct fraction bloom(int head, int total_heads)
{
    unsigned long power = 1, h = (unsigned long)head;
    while (2 * power <= (unsigned long)total_heads)
        power *= 2;
    if (h < power)
        return (struct fraction){h + 1, power};
    return (struct fraction){2 * (h - power) + 1, 2 * power};
}

static struct fraction geometric(int head, int total_heads)
{
    return (struct fraction){(unsigned long)head + 1, (unsigned long)total_heads};
}

static struct fraction (*const fraction_of_head[SLOPES_COUNT])(int head, int total_heads) = {
    [SLOPES_BLOOM] = bloom,
    [SLOPES_GEOMETRIC] = geometric,
};

/* The product b * numerator is exact (53 + 33 bits), the quotient and the power are off by 2^-p relative each, the
 * quotient's part grown by |exponent| ln 2 < 2^8 for a slope that f32 can hold. */
void slope_of_head(mpfr_t slope, enum slope_convention convention, double max_bias, int head, int total_heads)
{
    struct fraction fraction = fraction_of_head[convention](head, total_heads);
    mpfr_set_d(slope, -max_bias, MPFR_RNDN);
    mpfr_mul_ui(slope, slope, fraction.numerator, MPFR_RNDN);
    mpfr_div_ui(slope, slope, fraction.denominator, MPFR_RNDN);
    mpfr_exp2(slope, slope, MPFR_RNDN);
}

/* 2^x is a dyadic number only for whole x, which come out exactly; any other slope lies at an f32 midpoint or within
 * 2^-246 of one with odds of about 2^-220. */
enum { SLOPE_PRECISION = 256 };

void slopes_fill(float *slopes, int num_heads, enum slope_convention convention, double max_bias, int head_offset,
                 int total_heads)
{
    mpfr_t slope;
    mpfr_init2(slope, SLOPE_PRECISION);
    for (int i = 0; i < num_heads; i++) {
        slope_of_head(slope, convention, max_bias, head_offset + i, total_heads);
        slopes[i] = mpfr_get_flt(slope, MPFR_RNDN);
    }
    mpfr_clear(slope);
    mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
}
