/*
 * A rule by which a test accepts an output that it compares with a reference, as such rules are in use.
 *
 * Elements are accepted by an absolute and a relative tolerance put together in one of three ways, all of them or a
 * share of them; in their place, or beside it, stand figures of all elements together. An output is accepted if all
 * that the rule asks for holds. NaN is accepted by none.
 */
#ifndef HARNESS_JUDGE_RULE_RULE_H
#define HARNESS_JUDGE_RULE_RULE_H

#include <stdbool.h>
#include <stdint.h>

/* r the reference, d what the output is off from it. */
enum rule_combine {
    RULE_SUM,    /* |d| <= atol + rtol |r|: torch.allclose, numpy.isclose, cases */
    RULE_EITHER, /* |d| <= atol or |d| <= rtol |r| */
    RULE_BOTH,   /* |d| <= atol and |d| <= rtol |r| */
    RULE_COMBINE_COUNT
};

extern const char *const rule_combine_names[RULE_COMBINE_COUNT];

struct rule {
    bool by_elements;
    double atol, rtol;
    enum rule_combine combine;
    double ratio;  /* the share of elements that has to be accepted; 1: all */
    double cosine; /* sum o r / (|o| |r|) >= this; NAN: not asked */
    double nmse;   /* sum d^2 / sum r^2 <= this; NAN: not asked */
    double norm;   /* |d| / |r| <= this; NAN: not asked */
    double lse;    /* |d| of each lse <= this + lse_relative |r|; NAN: lse is not looked at */
    double lse_relative;
};

/* What an output is to a reference. */
struct rule_figures {
    int64_t elements, accepted; /* by the rule's tolerances */
    double max_abs, max_rel;    /* the largest |d|; |d| / |r| where r is not 0 */
    double cosine;              /* NAN: of zeros */
    double nmse, norm;          /* 0 where both are zeros */
    double lse; /* the largest |d| of lse; infinite where one of the two is not finite and the other is not it */
    bool lse_accepted;
    double needed; /* what all that the rule allows would have to be multiplied by for the output to be accepted, of a
                    * cosine 1 - cosine; infinite if nothing will do; 0 if the output is the reference */
};

/* output and reference have `count` elements. False if memory is short. */
bool rule_measure(struct rule_figures *figures, const struct rule *rule, const double *output, const double *reference,
                  int64_t count);

/* The same of lse, `rows` of them, after the output; nothing if the rule does not look at it. */
void rule_measure_lse(struct rule_figures *figures, const struct rule *rule, const double *lse, const double *reference,
                      int64_t rows);

/* Puts another cosine into the figures, with what that needs. */
void rule_set_cosine(struct rule_figures *figures, const struct rule *rule, double cosine);

/* Whether the rule says anything of the output, and not of lse alone. */
bool rule_reads_output(const struct rule *rule);

bool rule_accepts(const struct rule *rule, const struct rule_figures *figures);

#endif
