/* How many sets of some of a number of keys there are. */
#ifndef HARNESS_JUDGE_CAUSE_CHOICES_H
#define HARNESS_JUDGE_CAUSE_CHOICES_H

#include <math.h>

/* lgamma writes to signgam, which all threads of the process share. */
static inline double log_factorial(double n)
{
    int sign;
    return lgamma_r(n + 1, &sign);
}

/* log2 of `count` over `chosen`. */
static inline double bits_of_choice(double count, double chosen)
{
    return (log_factorial(count) - log_factorial(chosen) - log_factorial(count - chosen)) / log(2);
}

#endif
