#include "harness/subject/kernel_pipe.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/subject/kernel_frame.h"

/* A wait of TICK_MS that takes longer than STOPPED_S was one of a process that did not run. */
#define STOPPED_S 1.0

enum { TICK_MS = 100 };

double kernel_pipe_now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Whether the process at the other ends is no more, and was not to be: it is left for who starts and ends it. */
static bool has_died(const struct kernel_pipe *pipe)
{
    siginfo_t info = {.si_pid = 0};
    if (pipe->pid <= 0 || waitid(P_PID, (id_t)pipe->pid, &info, WEXITED | WNOHANG | WNOWAIT))
        return false;
    return info.si_pid == pipe->pid && (info.si_code != CLD_EXITED || info.si_status != 0);
}

bool kernel_pipe_holds(const struct kernel_pipe *pipe)
{
    struct pollfd wanted = {.fd = pipe->from, .events = POLLIN};
    return poll(&wanted, 1, 0) == 1 && wanted.revents & POLLIN;
}

/* Waits until the descriptor can be used. That a little can be, again and again, makes nothing any earlier; but a while
 * in which this process itself was stopped, by Ctrl-Z, is nobody's delay. */
static enum transfer wait_for(const struct kernel_pipe *pipe, int descriptor, short events, double *deadline_s)
{
    for (;;) {
        struct pollfd wanted = {.fd = descriptor, .events = events};
        double start = kernel_pipe_now_s();
        const bool died = has_died(pipe); /* before what it has written last is looked for */
        int count = poll(&wanted, 1, died ? 0 : TICK_MS);
        if (count < 0 && errno != EINTR)
            return BROKEN;
        if (progress_cancelled(pipe->progress))
            return CANCELLED;
        double now = kernel_pipe_now_s();
        *deadline_s += now - start > STOPPED_S ? now - start : 0;
        if (now > *deadline_s)
            return TOO_LATE;
        if (count > 0)
            return TRANSFERRED;
        if (died)
            return ENDED;
    }
}

/* writev(), where a pipe that nobody reads from any more is an error and no signal. */
static ssize_t write_quietly(int descriptor, const struct iovec *pieces, int count)
{
    sigset_t pipe_signal, before, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    ssize_t written = writev(descriptor, pieces, count);
    int reason = errno;
    if (written < 0 && reason == EPIPE && !was_pending)
        while (sigtimedwait(&pipe_signal, NULL, &(struct timespec){0}) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = reason;
    return written;
}

enum transfer kernel_pipe_receive(const struct kernel_pipe *pipe, void *bytes, size_t size, size_t *came,
                                  double *deadline_s)
{
    *came = 0;
    while (*came < size) {
        ssize_t count = read(pipe->from, (char *)bytes + *came, size - *came);
        if (count > 0) {
            *came += (size_t)count;
            continue;
        }
        if (count == 0)
            return ENDED;
        if (errno != EAGAIN && errno != EINTR)
            return BROKEN;
        enum transfer waited = errno == EAGAIN ? wait_for(pipe, pipe->from, POLLIN, deadline_s) : TRANSFERRED;
        if (waited != TRANSFERRED)
            return waited;
    }
    return TRANSFERRED;
}

enum transfer kernel_pipe_send(const struct kernel_pipe *pipe, const struct safetensors_plan *plan, double *deadline_s)
{
    uint8_t length[FRAME_LENGTH_BYTES];
    struct iovec pieces[FRAME_PIECES];
    size_t done = 0;
    frame_put_length(length, plan->size_bytes);
    for (int count; (count = frame_rest(pieces, length, plan, done)) > 0;) {
        ssize_t written = write_quietly(pipe->to, pieces, count);
        if (written >= 0) {
            done += (size_t)written;
            continue;
        }
        if (errno == EPIPE)
            return ENDED;
        if (errno != EAGAIN && errno != EINTR)
            return BROKEN;
        enum transfer waited = errno == EAGAIN ? wait_for(pipe, pipe->to, POLLOUT, deadline_s) : TRANSFERRED;
        if (waited != TRANSFERRED)
            return waited;
    }
    return TRANSFERRED;
}
