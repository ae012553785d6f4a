/*
 * The kernel of docs/examples/kernels/attention.c on the device of fake_cuda.c: sound, or broken in one way, which
 * BREAK names. scripts/check-plugins compiles and runs each.
 */
#define alibicheck_kernel_describe describe_sound
#include EXAMPLE /* the path of attention.c, in quotes */
#undef alibicheck_kernel_describe

#include <dlfcn.h>
#include <stdbool.h>

enum {
    SOUND,
    READS_DIRECTLY,
    FAULTS,
    WRITES_PAST,
    WRITES_LATE,
    CHANGES_K,
    CHANGES_SLOPES,
    REFUSES,
    USES_WORKSPACE, /* for slopes, which is no fault */
    WRITES_PAST_WORKSPACE,
    KEEPS_IN_WORKSPACE, /* slopes of the first launch */
    COUNTS_ON_ZEROS,    /* in its workspace */
    ASKS_FOR_TOO_MUCH   /* workspace */
};

static void *(*view_of_device)(const void *);
static void (*fault)(void);
static int (*is_stream)(const void *);
static bool all_are_the_device_s;

/* An address that is no device's is told by the launch. */
static void *view(const void *address)
{
    void *found = address ? view_of_device(address) : NULL;
    all_are_the_device_s = all_are_the_device_s && (!address || found);
    return found;
}

static void see(launch_t *launch, sequence_t *sequences)
{
    for (int i = 0; i < launch->num_sequences; i++) {
        sequences[i] = launch->sequences[i];
        sequences[i].q = view(sequences[i].q);
        sequences[i].k = view(sequences[i].k);
        sequences[i].v = view(sequences[i].v);
        sequences[i].visible = view(sequences[i].visible);
        sequences[i].out = view(sequences[i].out);
        sequences[i].lse = view(sequences[i].lse);
    }
    launch->sequences = sequences;
    launch->slopes = view(launch->slopes);
    launch->sink_logits = view(launch->sink_logits);
    if (launch->page_size == 0)
        return;
    launch->k_pages = view(launch->k_pages);
    launch->v_pages = view(launch->v_pages);
    launch->block_table = view(launch->block_table);
    launch->seq_lens = view(launch->seq_lens);
}

static void stray(const launch_t *launch)
{
    static char *last_out;
    const sequence_t *first = launch->sequences;
    const size_t element = launch->dtype == ALIBICHECK_KERNEL_F32 ? 4 : 2;
    const size_t bytes = (size_t)launch->num_queries * (size_t)(launch->num_heads * launch->head_dim) * element;
    if (BREAK == WRITES_PAST)
        ((char *)first->out)[bytes + 4000] = 1;
    if (BREAK == WRITES_LATE && last_out && view(last_out))
        *(char *)view(last_out) ^= 1;
    if (BREAK == CHANGES_K && first->k)
        ((char *)(uintptr_t)first->k)[1] ^= 1;
    if (BREAK == CHANGES_SLOPES)
        ((float *)(uintptr_t)launch->slopes)[0] += 1;
}

static uint64_t workspace_bytes(void *context, const launch_t *launch)
{
    (void)context;
    if (!is_stream(launch->stream) || launch->device != 0)
        return 0; /* so that the launch has none, and says so */
    return BREAK == ASKS_FOR_TOO_MUCH ? (uint64_t)1 << 60 : (uint64_t)launch->num_heads * sizeof(float);
}

/* What is read from the workspace in the place of what the launch has. */
static void work_in(launch_t *launch, float *workspace, int num_launches)
{
    const bool copies = BREAK == KEEPS_IN_WORKSPACE ? num_launches == 1 : BREAK != COUNTS_ON_ZEROS;
    for (int i = 0; i < launch->num_heads; i++)
        workspace[i] = copies ? launch->slopes[i] : workspace[i] + (BREAK == COUNTS_ON_ZEROS ? launch->slopes[i] : 0);
    launch->slopes = workspace;
    if (BREAK == WRITES_PAST_WORKSPACE)
        ((char *)workspace)[launch->workspace_bytes + 3] = 1;
}

static int32_t launch_there(void *context, const launch_t *given, char *text, uint64_t text_size)
{
    static int launches;
    static const void *last_out;
    sequence_t sequences[64];
    launch_t seen = *given;
    if (BREAK == READS_DIRECTLY)
        return launch(context, given, text, text_size);
    if (given->num_sequences > 64 || !is_stream(given->stream) || given->device != 0) {
        snprintf(text, text_size, "too large for this test, or without a stream");
        return 1;
    }
    launches++;
    if (BREAK == FAULTS && launches == 2) {
        fault();
        return 0;
    }
    if (BREAK == REFUSES) {
        fault();
        snprintf(text, text_size, "cudaErrorIllegalAddress");
        return 77;
    }
    if (BREAK == WRITES_LATE && last_out && view_of_device(last_out))
        *(char *)view_of_device(last_out) ^= 1;
    last_out = given->sequences->out;
    all_are_the_device_s = true;
    see(&seen, sequences);
    if (BREAK >= USES_WORKSPACE) {
        float *workspace = view(given->workspace);
        if (!workspace) {
            snprintf(text, text_size, "was given no workspace of the device's");
            return 3;
        }
        work_in(&seen, workspace, launches);
    }
    if (!all_are_the_device_s) {
        snprintf(text, text_size, "was given an address that is none of the device's");
        return 2;
    }
    const int32_t status = launch(context, &seen, text, text_size);
    stray(&seen);
    return status;
}

const struct alibicheck_kernel *alibicheck_kernel_describe(uint32_t abi)
{
    static struct alibicheck_kernel there;
    const struct alibicheck_kernel *sound = describe_sound(abi);
    void *driver = dlopen("libcuda.so.1", RTLD_NOW), *found[3] = {0};
    if (driver) {
        found[0] = dlsym(driver, "fake_cuda_view");
        found[1] = dlsym(driver, "fake_cuda_fault");
        found[2] = dlsym(driver, "fake_cuda_is_stream");
    }
    memcpy(&view_of_device, &found[0], sizeof found[0]);
    memcpy(&fault, &found[1], sizeof found[1]);
    memcpy(&is_stream, &found[2], sizeof found[2]);
    if (!sound)
        return NULL;
    there = *sound;
    there.name = "there";
    there.launch = launch_there;
    if (BREAK >= USES_WORKSPACE)
        there.workspace_bytes = workspace_bytes;
    there.memory = ALIBICHECK_KERNEL_CUDA_MEMORY;
    return &there;
}
