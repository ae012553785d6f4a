/*
 * A call that FlashInfer's flight recorder has kept (FLASHINFER_LOGLEVEL=10, FLASHINFER_DUMP_SAFETENSORS=1; its
 * docs/logging.rst and api_logging.py): a folder with metadata.jsonl, inputs.safetensors and outputs.safetensors, as
 * the options of `alibicheck judge` that say the same. Of run() of a wrapper, together with the folder of its plan(),
 * and with that of its constructor if that is given.
 *
 * recorded_function.h has what is understood. Everything else that a call says is refused, unless it is None.
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
