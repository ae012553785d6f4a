/*
 * A call that FlashInfer's flight recorder has kept (FLASHINFER_LOGLEVEL=10, FLASHINFER_DUMP_SAFETENSORS=1; its
 * docs/logging.rst and api_logging.py): a folder with metadata.jsonl, inputs.safetensors and outputs.safetensors, as
 * the options of `alibicheck judge` that say the same.
 *
 * Of its functions single_decode_with_kv_cache is understood: what pos_encoding_mode, kv_layout, the scales and the
 * soft cap are to the formula is in its documentation; its lse is in base 2.
 */
#ifndef HARNESS_COMMAND_JUDGE_RECORDER_H
#define HARNESS_COMMAND_JUDGE_RECORDER_H

#include "harness/command/judge_bundle.h"

/* Whether a folder is such a call. */
bool judge_recorder_is(const char *folder);

/* Reads it into a bundle. ERROR_USAGE for a call that is not understood, or did not end. judge_bundle_clear frees. */
enum error_kind judge_recorder_open(struct judge_bundle *bundle, const struct judge_options *options,
                                    struct error *error);

#endif
