#include "harness/subject/kernel_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { END_MS = 2000 };

static void close_pipe(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

/* Whether it has ended, *status being how: at once, or within END_MS. */
static pid_t await(pid_t pid, int *status, bool wait_for_it)
{
    pid_t ended = 0;
    for (int ms = 0; ended == 0 && (ms == 0 || (wait_for_it && ms < END_MS)); ms += 10) {
        ended = waitpid(pid, status, WNOHANG);
        if (ended == 0 && wait_for_it)
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return ended;
}

/* Ends it, wherever it has gone: to another group than the one that it was started in, or to another user, where it
 * cannot be, and gets no more than a moment. */
static pid_t end_by_force(pid_t pid, int *status)
{
    pid_t ended;
    kill(-pid, SIGKILL); /* it, and what it has started */
    if (kill(pid, SIGKILL) && errno == EPERM)
        return await(pid, status, true);
    do
        ended = waitpid(pid, status, 0);
    while (ended < 0 && errno == EINTR);
    return ended;
}

enum run_failure kernel_child_end(struct kernel_pipe *pipe, bool wait_for_it, char *why)
{
    int status = 0;
    pid_t ended = 0;
    snprintf(why, CHILD_WHY_SIZE, "was ended");
    close_pipe(&pipe->to);
    close_pipe(&pipe->from);
    if (pipe->pid <= 0)
        return RUN_FAILURE_EXIT;
    ended = await(pipe->pid, &status, wait_for_it);
    const bool by_force = ended == 0;
    if (by_force)
        ended = end_by_force(pipe->pid, &status);
    else
        kill(-pipe->pid, SIGKILL); /* what it has started */
    pipe->pid = 0;
    if (by_force && wait_for_it) {
        snprintf(why, CHILD_WHY_SIZE, "has closed its pipe, and was ended");
        return RUN_FAILURE_NONSENSE;
    }
    if (ended <= 0)
        return RUN_FAILURE_EXIT;
    if (WIFSIGNALED(status))
        snprintf(why, CHILD_WHY_SIZE, "was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WIFEXITED(status))
        snprintf(why, CHILD_WHY_SIZE, "ended with exit code %d", WEXITSTATUS(status));
    return WIFSIGNALED(status) ? RUN_FAILURE_CRASH : RUN_FAILURE_EXIT;
}

static enum error_kind set_up_child(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int in, int out)
{
    sigset_t defaults, none;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    sigaddset(&defaults, SIGINT);
    sigemptyset(&none);
    /* A group of its own: Ctrl-C is this process's to answer, and all that it starts can be ended with it. */
    bool failed =
        posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK) ||
        posix_spawnattr_setpgroup(attributes, 0) || posix_spawnattr_setsigdefault(attributes, &defaults) ||
        posix_spawnattr_setsigmask(attributes, &none) || posix_spawn_file_actions_adddup2(actions, in, STDIN_FILENO) ||
        posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
    return failed ? ERROR_SYSTEM : ERROR_NONE;
}

static int spawn(pid_t *pid, const char *const *argv, int in, int out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int reason = posix_spawn_file_actions_init(&actions);
    if (reason)
        return reason;
    reason = posix_spawnattr_init(&attributes);
    if (!reason) {
        reason = set_up_child(&actions, &attributes, in, out) ? ENOMEM : 0;
        if (!reason)
            reason = posix_spawnp(pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return reason;
}

enum error_kind kernel_child_start(struct kernel_pipe *pipe, const char *const *argv, const char *name,
                                   struct error *error)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, reason = 0;
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || fcntl(in[1], F_SETFL, O_NONBLOCK) ||
        fcntl(out[0], F_SETFL, O_NONBLOCK))
        reason = errno;
    if (!reason) {
        (void)fcntl(in[1], F_SETPIPE_SZ, 1 << 20); /* faster, where it is allowed */
        (void)fcntl(out[0], F_SETPIPE_SZ, 1 << 20);
        reason = spawn(&pipe->pid, argv, in[0], out[1]);
    }
    close_pipe(&in[0]);
    close_pipe(&out[1]);
    pipe->to = in[1];
    pipe->from = out[0];
    if (!reason)
        return ERROR_NONE;
    close_pipe(&pipe->to);
    close_pipe(&pipe->from);
    pipe->pid = 0;
    return error_set(error, ERROR_SYSTEM, "%s: cannot be started: %s", name, strerror(reason));
}
