/*
 * Replaying a kernel: the same source, operation by operation, with the roundings of each stage told apart (real.h).
 */
#ifndef KERNELS_DEVICE_REPLAY_H
#define KERNELS_DEVICE_REPLAY_H

#include "kernels/dialect/real.h"
#include "kernels/kernel.h"

/*
 * A kernel's out[H, D], widened, and lse[H]. computed: what the host device's kernel computes, bit for bit.
 * alone[STAGE_NONE]: what the recipe gives in exact arithmetic, the truth but for what a sentinel does to it.
 * alone[s] - alone[STAGE_NONE]: the error that the roundings of stage s make; all of them add up to computed -
 * alone[STAGE_NONE], but for products of errors.
 */
struct replay {
    struct replayed *out, *lse;
};

/* Runs on the host, whatever device ran the kernel. replay is overwritten; replay_clear frees it, and accepts a zeroed
 * one. ERROR_SYSTEM if memory is short. */
enum error_kind replay_run(struct replay *replay, enum kernel kernel, const struct kernel_options *options,
                           const struct recipe *recipe, const struct problem *problem, int threads,
                           struct error *error);
void replay_clear(struct replay *replay);

/* Memory that replay_run takes, the replay itself included. */
double replay_bytes(enum kernel kernel, const struct kernel_options *options, int64_t seq_len, int num_heads,
                    int head_dim);

#endif
