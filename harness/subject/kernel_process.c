#include "harness/subject/kernel_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/subject/kernel_child.h"
#include "harness/subject/kernel_frame.h"
#include "harness/subject/kernel_message.h"
#include "harness/subject/kernel_pipe.h"
#include "harness/support/source.h"

enum { MESSAGE_BYTES_MAX_HELLO = 1 << 20 };

struct kernel_process {
    struct kernel_process_options options;
    struct kernel_hello hello;
    struct foreign_launcher launcher;
    struct kernel_pipe pipe;
};

/* The pipes that were handed over, once: whoever was at their other ends has gone, and what has not begun then never
 * does. */
static enum error_kind take_descriptors(struct kernel_process *process, struct error *error)
{
    struct kernel_process_options *options = &process->options;
    process->pipe.to = options->to;
    process->pipe.from = options->from;
    options->to = options->from = -1;
    if (process->pipe.to < 0)
        return error_set(error, ERROR_INTERRUPTED, "%s: the kernel there has ended, and cannot be started again",
                         options->name);
    for (int i = 0; i < 2; i++) {
        int descriptor = i == 0 ? process->pipe.to : process->pipe.from, flags = fcntl(descriptor, F_GETFL);
        if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) || fcntl(descriptor, F_SETFD, FD_CLOEXEC))
            return error_set(error, ERROR_USAGE, "%s: descriptor %d cannot be used: %s", options->name, descriptor,
                             strerror(errno));
    }
    return ERROR_NONE;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

/* An error by the process: of a launch, how that failed. */
static enum error_kind blame(struct error *error, enum error_kind kind, enum run_failure how)
{
    return kind == ERROR_SUBJECT ? run_failed(error, how) : kind;
}

/* Ends a process that did not do its part. kind is what it then is; doing: "gave no answer". */
static enum error_kind give_up(struct kernel_process *process, enum transfer how, enum error_kind kind,
                               const char *doing, struct error *error)
{
    const char *name = *process->hello.kernel.name ? process->hello.kernel.name : process->options.name;
    char why[CHILD_WHY_SIZE];
    const enum run_failure ended = kernel_child_end(&process->pipe, how == ENDED, why);
    if (how == CANCELLED)
        return error_set(error, ERROR_INTERRUPTED, "interrupted");
    if (how == TOO_LATE) {
        error_set(error, kind, "%s %s within %g s, and was ended", name, doing, process->options.timeout_s);
        return blame(error, kind, RUN_FAILURE_HANG);
    }
    error_set(error, kind, "%s %s: it %s", name, doing, why);
    return blame(error, kind, ended);
}

/* Whether bytes are text, as of a kernel that takes standard output for its own. */
static bool is_text(const uint8_t *bytes, size_t size)
{
    bool text = size > 0;
    for (size_t i = 0; i < size; i++)
        text &= (bytes[i] >= ' ' && bytes[i] < 0x7f) || bytes[i] == '\n' || bytes[i] == '\t' || bytes[i] == '\r';
    return text;
}

/* ", and begins with 'loading '" where bytes are text, else "". said: SAID_SIZE. */
enum { SAID_SIZE = QUOTE_SIZE + 32 };
static const char *say_text(char *said, const uint8_t *bytes, size_t size)
{
    char quoted[QUOTE_SIZE];
    if (!is_text(bytes, size))
        return "";
    snprintf(said, SAID_SIZE, ", and begins with %s", quote(quoted, (const char *)bytes, size));
    return said;
}

/* A length that no message has: text, or bytes in the other order. */
static enum error_kind refuse_length(struct kernel_process *process, const uint8_t length[FRAME_LENGTH_BYTES],
                                     uint64_t max_bytes, enum error_kind kind, struct error *error)
{
    char why[CHILD_WHY_SIZE], said[SAID_SIZE], swapped[96] = "";
    const uint64_t size = frame_get_length(length), other = __builtin_bswap64(size);
    kernel_child_end(&process->pipe, false, why);
    if (other >= FRAME_LENGTH_BYTES && other <= max_bytes)
        snprintf(swapped, sizeof swapped, ", which is %llu in big-endian, where it has to be little-endian",
                 (unsigned long long)other);
    error_set(error, kind,
              "%s: what it writes to standard output is no message%s: a length of %llu bytes%s; allowed: %d to %llu "
              "(what is meant for people goes to standard error)",
              process->options.name, say_text(said, length, FRAME_LENGTH_BYTES), (unsigned long long)size, swapped,
              FRAME_LENGTH_BYTES, (unsigned long long)max_bytes);
    return blame(error, kind, RUN_FAILURE_NONSENSE);
}

/* Ends a process of which a part of a message has come: it may say more than it sends. */
static enum error_kind give_up_within(struct kernel_process *process, enum transfer how, enum error_kind kind,
                                      size_t came, uint64_t of, const char *what, struct error *error)
{
    char doing[96];
    snprintf(doing, sizeof doing, "wrote %zu of the %llu bytes of %s, and no more", came, (unsigned long long)of, what);
    return give_up(process, how, kind, doing, error);
}

/* Reads a message of at most max_bytes. */
static enum error_kind receive(struct kernel_process *process, struct frame *frame, uint64_t max_bytes,
                               double *deadline_s, enum error_kind kind, const char *doing, struct error *error)
{
    uint8_t length[FRAME_LENGTH_BYTES];
    size_t came;
    *frame = (struct frame){.bytes = NULL};
    enum transfer received = kernel_pipe_receive(&process->pipe, length, sizeof length, &came, deadline_s);
    if (received != TRANSFERRED && came)
        return give_up_within(process, received, kind, came, sizeof length, "a message's length", error);
    if (received != TRANSFERRED)
        return give_up(process, received, kind, doing, error);
    uint64_t size = frame_get_length(length);
    if (size < FRAME_LENGTH_BYTES || size > max_bytes)
        return refuse_length(process, length, max_bytes, kind, error);
    enum error_kind made = frame_make_room(frame, size, error);
    if (made)
        return made;
    received = kernel_pipe_receive(&process->pipe, frame->bytes, frame->size, &came, deadline_s);
    /* Of a file without a length before it the length of its header was taken for that; what follows is JSON. */
    const bool bare = came >= FRAME_LENGTH_BYTES && is_text(frame->bytes, FRAME_LENGTH_BYTES);
    if (received == TRANSFERRED && !bare)
        return ERROR_NONE;
    frame_clear(frame);
    if (!bare)
        return give_up_within(process, received, kind, came, size, "a message", error);
    char why[CHILD_WHY_SIZE];
    kernel_child_end(&process->pipe, false, why);
    error_set(error, kind,
              "%s: what it writes to standard output is no message: behind its length begins a text; allowed: the "
              "message's length, 8 bytes, and then a file in the .safetensors format, which begins with that of its "
              "header, 8 bytes more",
              process->options.name);
    return blame(error, kind, RUN_FAILURE_NONSENSE);
}

/* Starts the process, which says what it is. */
static enum error_kind begin(struct kernel_process *process, struct kernel_hello *hello, enum error_kind kind,
                             struct error *error)
{
    struct frame frame;
    struct error wrong;
    enum error_kind begun =
        process->options.argv ? kernel_child_start(&process->pipe, process->options.argv, process->options.name, error)
                              : take_descriptors(process, error);
    double deadline_s = kernel_pipe_now_s() + process->options.timeout_s;
    if (!begun)
        begun = receive(process, &frame, MESSAGE_BYTES_MAX_HELLO, &deadline_s, kind, "did not say what it is", error);
    if (begun)
        return begun;
    begun = message_read_hello(hello, frame, &wrong);
    if (!begun)
        return ERROR_NONE;
    char why[CHILD_WHY_SIZE];
    kernel_child_end(&process->pipe, false, why);
    if (*hello->failure && kind == ERROR_SUBJECT) /* it could be run there before: something else has changed */
        kind = ERROR_SYSTEM;
    kind = error_set(error, begun == ERROR_USAGE ? kind : begun, "%s: %s", process->options.name, wrong.text);
    return blame(error, kind, RUN_FAILURE_NONSENSE);
}

/* The process as it was at first, if it is not running. */
static enum error_kind need_process(struct kernel_process *process, struct error *error)
{
    struct kernel_hello hello;
    if (process->pipe.to >= 0)
        return ERROR_NONE;
    enum error_kind kind = begin(process, &hello, ERROR_SUBJECT, error);
    memcpy(hello.far, process->hello.far, sizeof hello.far); /* of the machine, as it was then */
    if (kind || !memcmp(&hello, &process->hello, sizeof hello))
        return kind;
    char why[CHILD_WHY_SIZE];
    kernel_child_end(&process->pipe, false, why);
    if (strcmp(hello.kernel.digest, process->hello.kernel.digest) != 0)
        return error_set(error, ERROR_SYSTEM, "%s: its file is another one than when the run began",
                         process->options.name);
    error_set(error, ERROR_SUBJECT, "%s says otherwise what it is than when it was started first",
              process->options.name);
    return run_failed(error, RUN_FAILURE_NONSENSE);
}

/* The largest message that a result can be. */
static uint64_t result_bytes(const struct sequences *sequences)
{
    uint64_t bytes = 1 << 20;
    for (int i = 0; i < sequences->count; i++)
        bytes += (uint64_t)problem_elements(&sequences->problems[i]) * 4 +
                 (uint64_t)problem_rows(&sequences->problems[i]) * 4 + 4096;
    return bytes;
}

static bool writes_lse(const struct kernel_process *process)
{
    return process->hello.kernel.takes & (ALIBICHECK_KERNEL_LSE | ALIBICHECK_KERNEL_LSE_BASE2);
}

/* What was written behind a message belongs to nothing, and would be taken for the next one. */
static enum error_kind check_silence(struct kernel_process *process, struct error *error)
{
    char why[CHILD_WHY_SIZE], said[SAID_SIZE];
    uint8_t bytes[FRAME_LENGTH_BYTES];
    size_t came;
    double deadline_s = 0; /* what is there */
    if (!kernel_pipe_holds(&process->pipe))
        return ERROR_NONE;
    kernel_pipe_receive(&process->pipe, bytes, sizeof bytes, &came, &deadline_s);
    kernel_child_end(&process->pipe, false, why);
    error_set(error, ERROR_SUBJECT,
              "%s: what it has written behind its last message was not asked for%s (what is meant for people goes to "
              "standard error)",
              process->options.name, say_text(said, bytes, came));
    return run_failed(error, RUN_FAILURE_NONSENSE);
}

static enum error_kind exchange(struct kernel_process *process, const struct sequences *sequences, struct frame *frame,
                                struct error *error)
{
    struct safetensors_plan plan;
    double deadline_s = kernel_pipe_now_s() + process->options.timeout_s;
    enum error_kind kind = message_plan_launch(&plan, sequences, process->launcher.keeps, writes_lse(process), error);
    if (!kind) {
        enum transfer sent = kernel_pipe_send(&process->pipe, &plan, &deadline_s);
        if (sent != TRANSFERRED)
            kind = give_up(process, sent, ERROR_SUBJECT, "did not take a launch", error);
    }
    safetensors_plan_clear(&plan);
    return kind ? kind
                : receive(process, frame, result_bytes(sequences), &deadline_s, ERROR_SUBJECT, "gave no answer", error);
}

static enum error_kind run(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                           double *seconds, struct error *error)
{
    struct kernel_process *process = launcher;
    struct kernel_result result;
    struct error wrong;
    struct frame frame;
    double start = kernel_pipe_now_s();
    enum error_kind kind = need_process(process, error);
    if (!kind)
        kind = check_silence(process, error);
    if (!kind)
        kind = exchange(process, sequences, &frame, error);
    if (kind)
        return kind;
    kind = message_read_result(&result, sequences, writes_lse(process), frame, &wrong);
    if (kind == ERROR_USAGE) {
        char why[CHILD_WHY_SIZE];
        kernel_child_end(&process->pipe, false, why); /* whatever it says next belongs to nothing */
        error_set(error, ERROR_SUBJECT, "%s: %s", process->options.name, wrong.text);
        return run_failed(error, RUN_FAILURE_NONSENSE);
    }
    if (kind)
        return error_set(error, kind, "%s", wrong.text);
    if (result.ends) {
        char why[CHILD_WHY_SIZE];
        kernel_child_end(&process->pipe, false, why);
    }
    *seconds = result.seconds >= 0 ? result.seconds : kernel_pipe_now_s() - start;
    if (*result.failure && result.is_machines)
        return error_set(error, ERROR_SYSTEM, "%s could not be launched: %s", process->hello.kernel.name,
                         result.failure);
    if (*result.failure) {
        error_set(error, ERROR_SUBJECT, "%s failed: %s", process->hello.kernel.name, result.failure);
        return run_failed(error, result.how);
    }
    if (audit)
        memory_audit_join(audit, &result.audit);
    return ERROR_NONE;
}

/* ---- from outside ------------------------------------------------------------------------------------------------ */

enum error_kind kernel_process_start(struct kernel_process **process, const struct kernel_process_options *options,
                                     struct error *error)
{
    struct kernel_process *made = calloc(1, sizeof *made);
    *process = NULL;
    if (!made)
        return error_memory(error, "a process", (double)sizeof *made);
    made->options = *options;
    made->pipe = (struct kernel_pipe){.to = -1, .from = -1, .progress = options->progress};
    enum error_kind kind = begin(made, &made->hello, ERROR_USAGE, error);
    if (kind) {
        kernel_process_stop(made);
        return kind;
    }
    const bool far = !strcmp(made->hello.far, "true");
    made->launcher = (struct foreign_launcher){.run = run,
                                               .audits = made->hello.audits,
                                               .keeps = made->hello.keeps,
                                               .places = *made->hello.far,
                                               .far = far,
                                               .why_not_far = far || !*made->hello.far ? NULL : made->hello.far};
    *process = made;
    return ERROR_NONE;
}

void kernel_process_stop(struct kernel_process *process)
{
    char why[CHILD_WHY_SIZE];
    if (!process)
        return;
    kernel_child_end(&process->pipe, true, why);
    free(process);
}

const struct foreign_kernel *kernel_process_kernel(const struct kernel_process *process)
{
    return &process->hello.kernel;
}

const struct foreign_launcher *kernel_process_launcher(const struct kernel_process *process)
{
    return &process->launcher;
}
