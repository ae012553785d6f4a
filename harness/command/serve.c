#include "harness/command/serve.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/subject/kernel_process.h"
#include "harness/support/file_digest.h"
#include "harness/support/source.h"
#include "harness/support/text.h"
#include "harness/support/threads.h"
#include "reference/computing_environment.h"

/* Launches come where standard input came from: a plug-in, and what it starts, reads nothing there, and may close it.
 */
static enum error_kind take_input(int *in, struct error *error)
{
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    *in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    const bool taken = nothing >= 0 && *in >= 0 && dup2(nothing, STDIN_FILENO) >= 0;
    if (!taken)
        error_set(error, ERROR_SYSTEM, "standard input: %s", strerror(errno));
    if (nothing >= 0)
        close(nothing);
    return taken ? ERROR_NONE : ERROR_SYSTEM;
}

/* Results go where standard output went; what a plug-in prints goes to standard error. */
static enum error_kind take_output(int *out, struct error *error)
{
    *out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (*out >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
        return ERROR_NONE;
    return error_set(error, ERROR_SYSTEM, "standard output: %s", strerror(errno));
}

/* The digest of the file that was loaded, which the loader may have found elsewhere than at the path. */
static void find_digest(char *digest, void *library)
{
    const struct link_map *loaded = NULL;
    if (dlinfo(library, RTLD_DI_LINKMAP, &loaded) || !loaded || !file_digest(digest, loaded->l_name))
        *digest = 0;
}

/* digest: FILE_DIGEST_SIZE. */
static enum error_kind load(const struct alibicheck_kernel **kernel, char *digest, const char *path,
                            struct error *error)
{
    static const char symbol[] = "alibicheck_kernel_describe";
    char quoted[PATH_QUOTE_SIZE];
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return error_set(error, ERROR_USAGE, "%s: cannot be loaded: %s", quote_path(quoted, path), dlerror());
    find_digest(digest, library); /* before any function of it is called */
    void *found = dlsym(library, symbol);
    alibicheck_kernel_describe_function *describe;
    if (!found)
        return error_set(
            error, ERROR_USAGE,
            "%s: exports no function %s; allowed: a library made with alibicheck_kernel.h, which declares it, "
            "as extern \"C\" and visible",
            quote_path(quoted, path), symbol);
    memcpy(&describe, &found, sizeof describe);
    *kernel = NULL;
    for (uint32_t abi = ALIBICHECK_KERNEL_ABI; abi > 0 && !*kernel; abi--)
        *kernel = describe(abi);
    if (!*kernel)
        return error_set(error, ERROR_USAGE,
                         "%s: takes no ABI from 1 to %d, that of this program's alibicheck_kernel.h",
                         quote_path(quoted, path), ALIBICHECK_KERNEL_ABI);
    return ERROR_NONE;
}

/* What whoever asks gives a process to end by itself (kernel_child.c). */
enum { END_S = 2 };

/* Nobody else ends a kernel that goes on when a run was killed, and whoever reads its standard error, which is that of
 * the run, waits as long. */
static void *watch_asker(void *context)
{
    struct pollfd asker = {.fd = (int)(intptr_t)context}; /* no events: that its other end is closed is told always */
    while (!(asker.revents & (POLLHUP | POLLERR | POLLNVAL)))
        if (poll(&asker, 1, -1) < 0 && errno != EINTR)
            sleep(1); /* there was no memory for it */
    sleep(END_S);
    _exit(ERROR_INTERRUPTED);
}

/* The thread takes no signals: those are the plug-in's. */
static enum error_kind start_watch(int in, struct error *error)
{
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int reason = thread_start(&thread, watch_asker, (void *)(intptr_t)in);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (reason)
        return error_set(error, ERROR_SYSTEM, "cannot start a thread: %s", strerror(reason));
    pthread_detach(thread);
    return ERROR_NONE;
}

enum error_kind serve(const char *path, struct error *error)
{
    const struct alibicheck_kernel *kernel;
    char quoted[PATH_QUOTE_SIZE], digest[FILE_DIGEST_SIZE];
    int in, out;
    signal(SIGINT, SIG_IGN); /* whoever asks decides when it ends */
    enum error_kind kind = take_input(&in, error);
    if (!kind)
        kind = take_output(&out, error);
    if (!kind)
        kind = start_watch(in, error);
    const struct computing_environment own = computing_environment_enter(); /* which what is loaded may change */
    if (!kind)
        kind = load(&kernel, digest, path, error);
    computing_environment_leave(&own);
    return kind ? kind : kernel_serve(kernel, quote_path(quoted, path), digest, in, out, error);
}
