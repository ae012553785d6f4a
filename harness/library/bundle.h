/*
 * Bundles: one .safetensors file with a problem and an output of it, and in its metadata what tensors do not say, so
 * that somebody else can judge it.
 *
 *     q [Q,H,D]  k, v [N,Hkv,D]  out [Q,H,D]  lse [Q,H]  slopes [H]  mask [N]  sink_logits [H]
 *
 * lse, mask and sink_logits are there if the problem and the output have them; lse is natural. Metadata are texts,
 * named as the options of `alibicheck judge` and the keys of a case:
 *
 *     alibicheck    "bundle 1": what the file is
 *     axes          "NHD": of k and v, in the words of --layout
 *     scale, k_scale, v_scale, q_position, kv_offset, lse_base, soft_cap ("before_bias=30"), tolerance ("A,R,L"), class
 *     judge, budget, kernel, recipe, recipe_keys, recipe_digest, chunk_len    where the operations are known, and their
 *                   bound with them: whose they are, and how it judges
 *     scales_unsaid "yes", "two types": what nobody has said of k_scale and v_scale (unsaid_scales.h)
 *     turned        "yes": of a private bundle (turned.h)
 *     case, key     what the point is called
 *     definition, workload, seed    of a workload of FlashInfer Trace: its definition's name, its uuid, and what its
 *                   random inputs were drawn from, if they were
 *     input_digest, output_digest   what a record has of both
 */
#ifndef HARNESS_LIBRARY_BUNDLE_H
#define HARNESS_LIBRARY_BUNDLE_H

#include "harness/library/bundle_text.h"

#define BUNDLE_FORMAT "bundle 1"

/* Writes path, which then replaces what was there. k and v of the problem are in memory. ERROR_SYSTEM, ERROR_USAGE for
 * a name that is no UTF-8. */
enum error_kind bundle_write(const char *path, const struct problem *problem, const struct output *output,
                             const struct bundle_facts *facts, struct error *error);

#endif
