/*
 * The texts of a bundle's metadata, as they are put together.
 */
#ifndef HARNESS_LIBRARY_BUNDLE_TEXT_H
#define HARNESS_LIBRARY_BUNDLE_TEXT_H

#include "harness/judge/class/arithmetic_class.h"
#include "harness/judge/criterion.h"
#include "harness/problem/unsaid_scales.h"
#include "harness/support/safetensors_write.h"
#include "harness/support/tensor_file.h"
#include "reference/problem.h"

/* The kernel and the recipe of which an output is known to be, by their names in the program. */
struct bundle_arithmetic {
    const char *kernel, *recipe; /* recipe NULL: it is not known */
    const char *recipe_keys;     /* "{KEY: VALUE, ...}", as a case spells it */
    uint64_t recipe_digest;
    int64_t chunk_len; /* 0: the kernel has none */
};

/* What is said beside the tensors. */
struct bundle_facts {
    const char *case_name, *key;              /* NULL: it has no name */
    const char *definition, *workload, *seed; /* NULL: it has none */
    struct criterion criterion;
    struct class_demand demand;
    struct bundle_arithmetic arithmetic;
    enum unsaid_scales scales;
    bool turned; /* elements of heads stand in an order, and have signs, that are not their own (turned.h) */
    uint64_t input_digest, output_digest;
};

enum { BUNDLE_MAX_TEXTS = 48, BUNDLE_TEXT_SIZE = 160, BUNDLE_MAX_TENSORS = 20 };

struct bundle_texts {
    struct tensor_metadata all[BUNDLE_MAX_TEXTS];
    char values[BUNDLE_MAX_TEXTS][BUNDLE_TEXT_SIZE];
    size_t count;
};

/* Room for the value of a key, of BUNDLE_TEXT_SIZE. */
char *bundle_text_add(struct bundle_texts *texts, const char *key);

/* A text of the caller's; NULL adds nothing. */
void bundle_text_say(struct bundle_texts *texts, const char *key, const char *value);

void bundle_text_whole(struct bundle_texts *texts, const char *key, int64_t number);
void bundle_text_digest(struct bundle_texts *texts, const char *key, uint64_t digest);

/* What all kinds of bundles say: scales, positions, base of lse, cap, tolerance, class, names and digests. */
void bundle_text_facts(struct bundle_texts *texts, const struct problem *problem, const struct output *output,
                       const struct bundle_facts *facts);

/* How an output is judged by an error bound, with a kernel and a recipe where they are known. */
void bundle_text_arithmetic(struct bundle_texts *texts, const struct bundle_facts *facts);

/* ---- reading (bundle_text_read.c) -------------------------------------------------------------------------------- */

extern const char bundle_flag_holds[]; /* "yes": what stands where a fact holds */

/* What says that a fact holds: a text that is "yes", or missing. ERROR_USAGE with the path for any other one. */
enum error_kind bundle_text_read_flag(bool *flag, const struct tensor_archive *archive, const char *key,
                                      struct error *error);

/* What was not said of scales. ERROR_USAGE with the path for what is none of the names. */
enum error_kind bundle_text_read_scales(enum unsaid_scales *scales, const struct tensor_archive *archive,
                                        struct error *error);

#endif
