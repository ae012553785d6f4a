#include "reference/slopes.h"

#include "reference/dtype.h"

const char *const slope_convention_names[SLOPES_COUNT] = {
    [SLOPES_BLOOM] = "bloom", [SLOPES_GEOMETRIC] = "geometric", [SLOPES_HF] = "hf",
    [SLOPES_VLLM] = "vllm",   [SLOPES_FALCON] = "falcon",
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

static const struct {
    struct fraction (*fraction)(int head, int total_heads);
    bool rounded_base; /* 2^(-b / denominator) is rounded to f32 before the power `numerator` of it is taken */
    enum dtype dtype;  /* what the f32 slope is rounded to */
} conventions[SLOPES_COUNT] = {
    [SLOPES_BLOOM] = {bloom, false, DTYPE_F32},  [SLOPES_GEOMETRIC] = {geometric, false, DTYPE_F32},
    [SLOPES_HF] = {bloom, true, DTYPE_F32},      [SLOPES_VLLM] = {bloom, true, DTYPE_F32},
    [SLOPES_FALCON] = {bloom, true, DTYPE_BF16},
};

/* The product b * numerator is exact (53 + 33 bits), the quotient and the power are off by 2^-p relative each, the
 * quotient's part grown by |exponent| ln 2 < 2^8 for a slope that f32 can hold. */
static void power_of_2(mpfr_t power, double max_bias, unsigned long numerator, unsigned long denominator)
{
    mpfr_set_d(power, -max_bias, MPFR_RNDN);
    mpfr_mul_ui(power, power, numerator, MPFR_RNDN);
    mpfr_div_ui(power, power, denominator, MPFR_RNDN);
    mpfr_exp2(power, power, MPFR_RNDN);
}

void slope_of_head(mpfr_t slope, enum slope_convention convention, double max_bias, int head, int total_heads)
{
    struct fraction fraction = conventions[convention].fraction(head, total_heads);
    power_of_2(slope, max_bias, fraction.numerator, fraction.denominator);
}

/* 2^x is a dyadic number only for whole x, which come out exactly; any other slope lies at an f32 midpoint or within
 * 2^-246 of one with odds of about 2^-220. So does a power of an f32 that is no power of two. */
enum { SLOPE_PRECISION = 256 };

static float rounded_slope(mpfr_t number, enum slope_convention convention, double max_bias, int head, int total_heads)
{
    struct fraction fraction = conventions[convention].fraction(head, total_heads);
    if (conventions[convention].rounded_base) {
        power_of_2(number, max_bias, 1, fraction.denominator);
        mpfr_set_flt(number, mpfr_get_flt(number, MPFR_RNDN), MPFR_RNDN);
        mpfr_pow_ui(number, number, fraction.numerator, MPFR_RNDN);
    } else {
        power_of_2(number, max_bias, fraction.numerator, fraction.denominator);
    }
    return dtype_round(conventions[convention].dtype, mpfr_get_flt(number, MPFR_RNDN));
}

void slopes_fill(float *slopes, int num_heads, enum slope_convention convention, double max_bias, int head_offset,
                 int total_heads)
{
    mpfr_t number;
    mpfr_init2(number, SLOPE_PRECISION);
    for (int i = 0; i < num_heads; i++)
        slopes[i] = rounded_slope(number, convention, max_bias, head_offset + i, total_heads);
    mpfr_clear(number);
    mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
}
