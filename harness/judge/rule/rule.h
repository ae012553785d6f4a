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
};

/* What an output is to a reference. */
struct rule_figures {
    int64_t elements, accepted; /* by the rule's tolerances */
    double max_abs, max_rel;    /* the largest |d|; |d| / |r| where r is not 0 */
    double cosine, nmse, norm;
    double needed; /* what atol and rtol, both times it, would have to be for the share of elements to be accepted;
                    * infinite if none will do; 0 if the output is the reference */
};

/* output and reference have `count` elements. False if memory is short. */
bool rule_measure(struct rule_figures *figures, const struct rule *rule, const double *output, const double *reference,
                  int64_t count);

bool rule_accepts(const struct rule *rule, const struct rule_figures *figures);

#endif
