/*
 * The kernels under test and the devices that run them.
 *
 * A kernel is one CUDA C source (*.cu) compiled for each device. It computes out[H, D] in the problem's dtype and
 * lse[H] in f32, natural logarithm; an invisible row gives out 0 and lse -inf where its recipe promises that. A recipe
 * may keep another contract (recipe_contract.h).
 */
#ifndef KERNELS_KERNEL_H
#define KERNELS_KERNEL_H

#include "kernels/descriptor.h"
#include "kernels/launch_setting.h"
#include "kernels/memory_audit.h"
#include "kernels/recipe.h"
#include "reference/progress.h"

/* Elements of a row; macros, of which the words are made. */
#define HEAD_DIM_MIN 64
#define HEAD_DIM_MAX 256
#define HEAD_DIM_STEP 16
#define HEAD_DIMS_WORDS_OF(from, to, step) #from " to " #to " in steps of " #step
#define HEAD_DIMS_WORDS_FROM(from, to, step) HEAD_DIMS_WORDS_OF(from, to, step)
#define HEAD_DIMS_WORDS HEAD_DIMS_WORDS_FROM(HEAD_DIM_MIN, HEAD_DIM_MAX, HEAD_DIM_STEP)

enum { CHUNK_LEN_MIN = 32, CHUNK_LEN_DEFAULT = 1024 };

struct kernel_options {
    int64_t chunk_len;   /* keys a partition, >= CHUNK_LEN_MIN; kernels that do not split ignore it */
    int page_size;       /* keys a page of the KV cache; 0: k and v are contiguous */
    uint64_t page_seed;  /* what the page table is shuffled from */
    int64_t pool_pages;  /* pages of the pool that they are taken from; those that the sequences need at least */
    int64_t shared_keys; /* whole pages of so many keys of the first sequence are those of others, too, that have the
                          * same k and v there */
    struct launch_setting setting;
};

enum { BATCH_MAX_SEQUENCES = 1024 };

/*
 * What one launch computes: a kernel with a recipe on sequences of their own lengths. Each is a problem and has the
 * result that it has alone, bit for bit. All have the shapes, dtypes, scales and slopes of the first, but for seq_len,
 * kv_slots, positions and mask.
 */
struct batch {
    enum kernel kernel;
    const struct kernel_options *options;
    const struct recipe *recipe;
    const struct problem *problems; /* [num_sequences] */
    const struct output *outputs;   /* [num_sequences] */
    int num_sequences;              /* 1 .. BATCH_MAX_SEQUENCES */
    bool keys_on_device;            /* k and v of the one problem are in its memory (device_keys.h); without audit */
};

/* Why a kernel takes no such recipe, or none for problems of these dtypes, as what follows its name in a sentence
 * and ends in "; allowed: ..."; NULL: it takes it. */
const char *kernel_refusal(enum kernel kernel, const struct recipe *recipe, enum dtype dtype, enum kv_format kv_format);

/* Whether kernels have rows of so many elements: HEAD_DIMS_WORDS. */
bool kernel_takes_head_dim(int head_dim);

/* Whether a launch takes keys that are on the device (struct batch): not far away, nor with a sentinel that is computed
 * from all elements of k. */
bool kernel_takes_device_keys(const struct kernel_options *options, const struct recipe *recipe);

/* The recipe as the kernel takes it for problems of a dtype: recipe_for, and on tensor cores weights of that dtype. */
struct recipe kernel_recipe(enum kernel kernel, const struct recipe *recipe, enum dtype dtype);

enum device_kind { DEVICE_CUDA, DEVICE_HOST, DEVICE_COUNT };

extern const char *const device_kind_names[DEVICE_COUNT];

struct device; /* opaque */

/* Which form of a kernel launches take; the bits are the same (plain.h). */
enum kernel_form {
    FORM_FASTEST,
    FORM_GENERIC,
    FORM_PLAIN /* wherever there is one */
};

struct device_options {
    int threads; /* host: CPU threads over which blocks are spread, >= 1 */
    enum kernel_form form;
};

/* ERROR_SYSTEM if the device is absent, with the runtime's reason. *device is freed by device_close. */
enum error_kind device_open(struct device **device, enum device_kind kind, const struct device_options *options,
                            struct error *error);
void device_close(struct device *device);

enum device_kind device_kind(const struct device *device);

/* Whether its special functions have the bits of the models (kernels/fidelity.h), as far as is known. */
bool device_has_models(const struct device *device);

/* What ran: "NVIDIA H200 (sm_90, CUDA 13.0)" or "host (2 threads, fibers: x86-64)". Lives as long as the device. */
const char *device_name(const struct device *device);

/*
 * Runs a batch. *seconds is the time of the launches alone, copies excluded. What stood in the outputs before is there
 * when the launches begin. audit, where it is not NULL, asks for every buffer to lie between guard zones in the
 * device's own memory, and is filled; without it a device may work in the caller's. ERROR_SYSTEM with the call that
 * failed, or with file and line of a divergent shuffle or barrier; ERROR_USAGE for shapes that the kernel does not
 * take.
 */
enum error_kind device_run_batch(struct device *device, const struct batch *batch, struct memory_audit *audit,
                                 double *seconds, struct error *error);

/* The settings that a launch on the device can have, one at a time or all together. */
struct launch_setting device_settings(const struct device *device);

/* The same for one sequence, without an audit. */
enum error_kind device_run(struct device *device, enum kernel kernel, const struct kernel_options *options,
                           const struct recipe *recipe, const struct problem *problem, struct output *output,
                           double *seconds, struct error *error);

/* Bytes of device memory that the run takes beyond the problem's q, k, v and the output. */
double kernel_workspace_bytes(enum kernel kernel, const struct kernel_options *options, int64_t seq_len, int num_heads,
                              int head_dim);

#endif
