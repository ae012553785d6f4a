/*
 * Bundles without k and v: one .safetensors file with an output, its exact result with the proven radius, and the
 * bounds that it was held against, so that somebody else can judge it again, by another tolerance if he likes, who is
 * not to see q, k and v. Of these it has digests.
 *
 *     out [Q,H,D]  lse [Q,H]  slopes [H]  sink_logits [H]
 *     truth_value, truth_tail, truth_radius, truth_magnitude [Q,H,D]  truth_lse, truth_lse_tail, truth_lse_radius [Q,H]
 *     bound [Q,H,D]  lse_bound [Q,H]                          of the arithmetic that the output is said to be made with
 *     class_row, class_set [M]  class_bound [M,D]  class_lse_bound [M]    the bounds that the search for its class took
 *
 * lse, sink_logits and bounds are there if the output has them. Metadata are texts, those of other bundles but `axes`
 * (bundle.h), and these:
 *
 *     alibicheck          "bundle without k and v 1"
 *     seq_len, num_kv_heads, kv_dtype, masked, truth_of, truth_method, truth_precision, contract_distance
 *     judge, budget       with the bound, if nobody knows whose operations it is of
 *     q_digest, k_digest, v_digest, slopes_digest, mask_digest, sink_logits_digest    XXH64 of each, packed
 *     truth_digest, content_digest    the latter of all tensors of the file
 *     class_roundings     the bits of class_set
 *     found, build        JSON: what was found when it was written (exhibit_found.h), and by which program
 *
 * What is in the file is its maker's claim. That it is of the problem that it speaks of can be checked by who has q, k
 * and v.
 */
#ifndef HARNESS_LIBRARY_EXHIBIT_BUNDLE_H
#define HARNESS_LIBRARY_EXHIBIT_BUNDLE_H

#include "harness/judge/class/class_bounds.h"
#include "harness/judge/exhibit.h"
#include "harness/library/bundle.h"
#include "harness/library/exhibit_found.h"
#include "harness/problem/problem_spec.h"

#define EXHIBIT_BUNDLE_FORMAT "bundle without k and v 1"

/* ---- digests ----------------------------------------------------------------------------------------------------- */

enum exhibit_input {
    EXHIBIT_Q,
    EXHIBIT_K,
    EXHIBIT_V,
    EXHIBIT_SLOPES,
    EXHIBIT_MASK,
    EXHIBIT_SINK_LOGITS,
    EXHIBIT_INPUT_COUNT
};

extern const char *const exhibit_input_names[EXHIBIT_INPUT_COUNT]; /* "q", "k", ... */
extern const char *const exhibit_digest_keys[EXHIBIT_INPUT_COUNT]; /* "q_digest", ... */

struct exhibit_digests {
    bool has[EXHIBIT_INPUT_COUNT];
    uint64_t of[EXHIBIT_INPUT_COUNT];
};

/* Of a problem with all of its tensors. */
struct exhibit_digests exhibit_digests(const struct problem *problem);

/* ---- writing ----------------------------------------------------------------------------------------------------- */

struct exhibit_bundle_facts {
    struct bundle_facts facts; /* but for its criterion, which is the exhibit's; arithmetic: whose bounds it has */
    enum truth_method truth_method;
    int truth_precision;
    double contract_distance;
    uint64_t truth_digest;
    bool of_run;                 /* a kernel was run, and put to oracles */
    const struct metrics *total; /* of its verdict */
    const struct signature_finding *finding;
    const struct contract_finding *contract;
    int threads;
};

/* Writes path, which then replaces what was there. The exhibit's problem has k and v, and all of its rows are judged.
 * ERROR_SYSTEM, ERROR_USAGE for a name that is no UTF-8. */
enum error_kind exhibit_bundle_write(const char *path, const struct exhibit *exhibit,
                                     const struct exhibit_bundle_facts *facts, struct error *error);

/* ---- reading (exhibit_bundle_read.c) ----------------------------------------------------------------------------- */

struct exhibit_bundle {
    char *path;
    struct problem_spec spec;
    bool masked, turned;         /* bundle_text.h */
    enum unsaid_scales scales;   /* the same */
    float *slopes, *sink_logits; /* what spec points to */
    struct output output;
    struct truth truth;
    double *bound, *lse_bound; /* NULL: there are none */
    struct class_bounds classes;
    struct criterion criterion; /* what it was judged by, */
    struct class_demand demand;
    char *case_name, *key, *definition, *workload, *kernel, *recipe, *recipe_keys; /* NULL: it has none */
    bool has_seed;
    uint64_t seed; /* of the workload */
    uint64_t recipe_digest;
    int64_t chunk_len;
    enum truth_method truth_method;
    int truth_precision;
    double contract_distance;
    uint64_t input_digest, output_digest, truth_digest;
    struct exhibit_digests digests;
    struct exhibit_found found;
    char *version, *commit; /* of the program that wrote it */
};

/* Whether a file says that it is one. */
bool exhibit_bundle_is(const char *path);

/* Reads all of it into memory. bundle is overwritten and, whatever the result, to be cleared. ERROR_USAGE with the
 * file, what is wrong and what is allowed: nothing of the file is believed but what nobody can know from it. */
enum error_kind exhibit_bundle_read(struct exhibit_bundle *bundle, const char *path, struct error *error);
void exhibit_bundle_clear(struct exhibit_bundle *bundle);

/* A hash of all tensors of a file: of an exhibit, with its class bounds. */
uint64_t exhibit_content_digest(const struct exhibit *exhibit, const struct class_bounds *classes);

#endif
