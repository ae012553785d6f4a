/*
 * A signature that is seen in a few rows, and the contract that all rows are right under: where the two say different
 * things, the contract is the better witness.
 */
#ifndef HARNESS_LIBRARY_OVERRULED_H
#define HARNESS_LIBRARY_OVERRULED_H

#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/signature_finding.h"
#include "harness/judge/cause/signature_info.h"
#include "harness/judge/contract/contract_finding.h"

/* Two reasons are as good as each other, and so many more that are not said. */
static inline void signature_leave_open(struct signature_finding *finding, const char *one, const char *other, int more)
{
    *finding = (struct signature_finding){.signature = SIGNATURE_UNKNOWN,
                                          .head = -1, /* all */
                                          .num_rows_failing = finding->num_rows_failing,
                                          .residual = NAN,
                                          .remedy = signature_remedy(SIGNATURE_UNKNOWN)};
    size_t size = sizeof finding->detail, used = (size_t)snprintf(finding->detail, size, "%s, or %s", one, other);
    if (more > 0)
        snprintf(finding->detail + used, size - used, ", or %d more", more);
}

/* Gives the failure the contract's name, or unknown where that has none, if it speaks against the one that it has; and
 * unknown where several contracts fit alike, and not all of them have that name, or where some fit, and none has.
 * stated: the class of the output as it was stated. */
static inline void signature_overrule(struct signature_finding *finding, const struct contract_finding *contract,
                                      const struct class_whole *stated)
{
    char said[SIGNATURE_DETAIL_SIZE];
    const int fits = contract->num_fits;
    if (contract_contradicts(contract, finding->signature, stated)) {
        snprintf(said, sizeof said, "%.*s", (int)sizeof said - 1, finding->detail);
        signature_leave_open(finding, said, contract->fits[0].text, fits - 1);
        return;
    }
    bool open = contract_leaves_open(contract, finding->signature);
    if (!open && !contract_speaks_against(contract, finding->signature))
        return;
    if (open) {
        signature_leave_open(finding, contract->fits[0].text, contract->fits[1].text, fits - 2);
        return;
    }
    *finding = (struct signature_finding){.signature = contract->fits[0].seen_as,
                                          .head = -1, /* all */
                                          .num_rows_failing = finding->num_rows_failing,
                                          .residual = NAN,
                                          .remedy = contract->fits[0].remedy};
    snprintf(finding->detail, sizeof finding->detail, "%s", contract->fits[0].text);
}

#endif
