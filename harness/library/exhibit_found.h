/*
 * What was found of an output when it was judged with its keys at hand, and is written down for those who have none:
 * status, class, signature, contract.
 */
#ifndef HARNESS_LIBRARY_EXHIBIT_FOUND_H
#define HARNESS_LIBRARY_EXHIBIT_FOUND_H

#include <jansson.h>

#include "harness/judge/cause/signature.h"
#include "harness/judge/contract/contract_finding.h"

struct exhibit_found {
    json_t *json;           /* what the texts below are of; NULL: they are others' */
    const char *status;     /* of the numbers and of the class that was asked for: "pass", "fail", "error" */
    const char *class_name; /* of all rows */
    bool of_run;            /* the kernel was at hand, and oracles have had a say in the signature */
    int64_t unwritten;      /* outputs that held the poison, which no longer tells itself from other NaN */
    struct signature_finding finding;
    struct contract_finding contract;
};

/* A new object, or NULL. */
json_t *exhibit_found_to_json(const struct exhibit_found *found);

/*
 * Reads that from a text, of an output with so many rows and heads. found is overwritten, and to be cleared whatever is
 * returned. ERROR_USAGE with what is wrong, to follow a path: "found: signature is 'x'; allowed: ...". Every text is
 * one line of UTF-8 that a terminal can take.
 */
enum error_kind exhibit_found_read(struct exhibit_found *found, const char *text, int num_rows, int num_heads,
                                   struct error *error);
void exhibit_found_clear(struct exhibit_found *found);

/* Whether a text is one line that a terminal can take. */
bool exhibit_text_is_plain(const char *text);

#endif
