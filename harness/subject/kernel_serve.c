/* The other side of kernel_process.h: a kernel of this process, as a program has it that answers launches. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/subject/callback.h"
#include "harness/subject/kernel_frame.h"
#include "harness/subject/kernel_message.h"
#include "harness/subject/kernel_process.h"

/* *size is what was read before the end. */
static enum error_kind read_all(int descriptor, void *bytes, size_t *size, struct error *error)
{
    size_t done = 0;
    while (done < *size) {
        ssize_t count = read(descriptor, (char *)bytes + done, *size - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_set(error, ERROR_SYSTEM, "a launch cannot be read: %s", strerror(errno));
        if (count == 0)
            break;
        done += (size_t)count;
    }
    *size = done;
    return ERROR_NONE;
}

static enum error_kind write_plan(int out, const struct safetensors_plan *plan, struct error *error)
{
    uint8_t length[FRAME_LENGTH_BYTES];
    struct iovec pieces[FRAME_PIECES];
    size_t done = 0;
    frame_put_length(length, plan->size_bytes);
    for (int count; (count = frame_rest(pieces, length, plan, done)) > 0;) {
        ssize_t written = writev(out, pieces, count);
        if (written < 0 && errno != EINTR)
            return error_set(error, ERROR_SYSTEM, "a result cannot be written: %s", strerror(errno));
        done += written > 0 ? (size_t)written : 0;
    }
    return ERROR_NONE;
}

/* What no machine has room for, and what does not have the length of its own header, is no message. */
static enum error_kind check_length(uint64_t size, struct error *error)
{
    const uint64_t max_bytes = (uint64_t)1 << 47;
    if (size >= FRAME_LENGTH_BYTES && size <= max_bytes)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "standard input: is no message: a length of %llu bytes; allowed: %d to %llu, and so many bytes "
                     "behind it (what `run --kernel-command` sends)",
                     (unsigned long long)size, FRAME_LENGTH_BYTES, (unsigned long long)max_bytes);
}

/* The next message; its bytes are NULL if there is none. */
static enum error_kind read_message(int in, struct frame *frame, struct error *error)
{
    uint8_t length[FRAME_LENGTH_BYTES];
    size_t size = sizeof length;
    *frame = (struct frame){.bytes = NULL};
    enum error_kind kind = read_all(in, length, &size, error);
    if (kind || size < sizeof length)
        return kind;
    kind = check_length(frame_get_length(length), error);
    if (!kind)
        kind = frame_make_room(frame, frame_get_length(length), error);
    if (kind)
        return kind;
    size = frame->size;
    kind = read_all(in, frame->bytes, &size, error);
    if (kind || size < frame->size)
        frame_clear(frame);
    return kind;
}

/* What comes of a launch; left: what the ones before have left behind. */
static void launch_kernel(struct kernel_result *result, struct callback *callback, struct received_launch *launch,
                          const char *left)
{
    struct error failure;
    enum error_kind kind = callback_run(callback, &launch->sequences, &result->audit, &result->seconds, &failure);
    if (kind)
        snprintf(result->failure, sizeof result->failure, "%.500s", failure.text);
    result->how = kind ? run_failure_of(&failure) : RUN_FAILURE_NONE;
    result->is_machines = kind && kind != ERROR_SUBJECT;
    /* What a kernel keeps there goes with its process, so that there may be memory for the next launch. */
    result->ends = kind && callback->kept.device && (result->is_machines || cuda_device_is_lost(callback->kept.device));
    if (!kind && *left) {
        snprintf(result->failure, sizeof result->failure, "%s", left);
        result->how = RUN_FAILURE_LEFTOVER;
    }
}

/* To a launch, which it takes over. That there is no memory for one is no failure of the kernel's. */
static enum error_kind answer(struct callback *callback, struct frame frame, int out, struct error *error)
{
    struct received_launch launch;
    struct kernel_result result = {.seconds = -1};
    struct safetensors_plan plan = {.header = NULL};
    bool lse = callback->takes & (ALIBICHECK_KERNEL_LSE | ALIBICHECK_KERNEL_LSE_BASE2);
    char left[MESSAGE_TEXT_SIZE];
    leftover_look(callback->leftover, kept_outputs_bytes(&callback->kept), left, sizeof left);
    struct error failure;
    enum error_kind kind = message_read_launch(&launch, frame, &failure);
    if (!kind) {
        launch_kernel(&result, callback, &launch, left);
    } else if (kind == ERROR_SYSTEM) {
        snprintf(result.failure, sizeof result.failure, "%.500s", failure.text);
        result.is_machines = true;
        kind = ERROR_NONE;
    } else {
        error_set(error, kind, "%s", failure.text);
    }
    if (!kind)
        kind = message_plan_result(&plan, &launch.sequences, lse, &result, error);
    if (!kind)
        kind = write_plan(out, &plan, error);
    safetensors_plan_clear(&plan);
    received_launch_clear(&launch);
    return kind;
}

/* Says what it is, or why the kernel cannot be run here. */
static void open_device(struct cuda_device **device, struct kernel_hello *hello)
{
    struct error failure;
    if (cuda_device_open(device, &failure))
        snprintf(hello->failure, sizeof hello->failure, "%.500s", failure.text);
    else
        snprintf(hello->kernel.device, sizeof hello->kernel.device, "%s", cuda_device_name(*device));
}

enum error_kind kernel_serve(const struct alibicheck_kernel *kernel, const char *source, const char *digest, int in,
                             int out, struct error *error)
{
    struct kernel_hello hello = {.audits = true, .keeps = true};
    struct safetensors_plan plan;
    const bool on_cuda = kernel->memory == ALIBICHECK_KERNEL_CUDA_MEMORY;
    struct leftover leftover = {.driver_files = on_cuda ? "/dev/nvidia" : NULL};
    struct callback callback = {.kernel = kernel,
                                .takes = kernel->takes,
                                .giving = GIVE_ZONED,
                                .fencing = &fencing_of_process,
                                .leftover = &leftover};
    enum error_kind kind = foreign_kernel_take(&hello.kernel, kernel, source, error);
    if (kind)
        return kind;
    snprintf(hello.kernel.digest, sizeof hello.kernel.digest, "%s", digest);
    if (hello.kernel.on_cuda)
        open_device(&callback.kept.device, &hello);
    snprintf(hello.far, sizeof hello.far, "%s",
             hello.kernel.on_cuda       ? "its tensors are in a GPU's memory, all of which they take"
             : far_tensors_can_be_had() ? "true"
                                        : "its process has no address space for k and v that span gigabytes");
    kind = message_plan_hello(&plan, &hello, error);
    if (!kind)
        kind = write_plan(out, &plan, error);
    safetensors_plan_clear(&plan);
    for (bool more = true; !kind && more;) {
        struct frame frame;
        kind = read_message(in, &frame, error);
        more = frame.bytes;
        if (more)
            kind = answer(&callback, frame, out, error);
    }
    callback_clear(&callback);
    cuda_device_close(callback.kept.device);
    return kind;
}
