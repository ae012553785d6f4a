#include "harness/support/replacement.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINK_SIZE = 64, NAME_KEPT = NAME_MAX - (int)sizeof ".partial.4294967295" + 1 };

/* How much of a file's name its partial's begins with, so that this is no longer than a name may be. */
static int kept_of(const char *name)
{
    return (int)strnlen(name, NAME_KEPT);
}

/* ---- what killed processes have left ----------------------------------------------------------------------------- */

/* Whether nobody writes to the file any more: its process is gone, and no lock is held by one on another machine. */
static bool is_stale(int folder, const char *name, long pid)
{
    struct stat status;
    int descriptor = openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    bool stale = descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
                 kill((pid_t)pid, 0) != 0 && errno == ESRCH && flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    if (descriptor >= 0)
        close(descriptor);
    return stale;
}

/* Removes NAME.partial.PID of every PID that is gone. What cannot be removed stays. */
static void remove_stale(const char *folder_path, const char *name)
{
    size_t size = (size_t)kept_of(name);
    DIR *folder = opendir(folder_path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        long pid;
        int end = 0;
        if (strncmp(entry->d_name, name, size) == 0 &&
            sscanf(entry->d_name + size, ".partial.%10ld%n", &pid, &end) == 1 && end > 0 && pid > 0 &&
            entry->d_name[size + (size_t)end] == '\0' && is_stale(dirfd(folder), entry->d_name, pid))
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder)
        closedir(folder);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static enum error_kind choose_paths(struct replacement *replacement, const char *path, struct error *error)
{
    struct stat status;
    bool exists = stat(path, &status) == 0;
    if (!exists && errno == ENAMETOOLONG)
        return file_cannot_write(path, error);
    replacement->target = exists ? realpath(path, NULL) : NULL;
    if (!replacement->target) /* new, or a pipe without a path of its own (/dev/stdout) */
        replacement->target = strdup(path);
    if (!replacement->target)
        return error_memory(error, path, (double)strlen(path));
    if (exists && !S_ISREG(status.st_mode))
        return ERROR_NONE;
    const char *target = replacement->target, *slash = strrchr(target, '/'), *name = slash ? slash + 1 : target;
    const int length = (int)(name - target) + kept_of(name);
    if (asprintf(&replacement->partial, "%.*s.partial.%ld", length, target, (long)getpid()) >= 0)
        return ERROR_NONE;
    replacement->partial = NULL;
    return error_memory(error, path, (double)strlen(path));
}

/* The link by which a nameless file gets a name. */
static const char *link_of(char *link, int descriptor)
{
    snprintf(link, LINK_SIZE, "/proc/self/fd/%d", descriptor);
    return link;
}

/* Opens a file without a name in the folder, if it can be given one later. */
static void open_nameless(struct replacement *replacement, const char *folder)
{
    char link[LINK_SIZE];
    int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return;
    if (access(link_of(link, descriptor), F_OK) == 0) {
        replacement->descriptor = descriptor;
        replacement->is_nameless = true;
    } else {
        close(descriptor);
    }
}

/* What cannot be opened is called as people know it. */
static enum error_kind open_named(struct replacement *replacement, struct error *error)
{
    if (!replacement->partial)
        return file_create(&replacement->descriptor, replacement->target, error);
    if (file_create(&replacement->descriptor, replacement->partial, NULL))
        return file_cannot_write(replacement->target, error);
    return ERROR_NONE;
}

static void forget(struct replacement *replacement)
{
    free(replacement->target);
    free(replacement->partial);
    *replacement = (struct replacement){.descriptor = -1};
}

enum error_kind replacement_open(struct replacement *replacement, const char *path, struct error *error)
{
    *replacement = (struct replacement){.descriptor = -1};
    enum error_kind kind = choose_paths(replacement, path, error);
    if (!kind && replacement->partial) {
        char *copies[2] = {strdup(replacement->target), strdup(replacement->target)};
        if (copies[0] && copies[1]) {
            const char *folder = dirname(copies[0]);
            remove_stale(folder, basename(copies[1]));
            open_nameless(replacement, folder);
        }
        free(copies[0]);
        free(copies[1]);
    }
    if (!kind && !replacement->is_nameless)
        kind = open_named(replacement, error);
    if (kind)
        forget(replacement);
    return kind;
}

/* ---- closing ----------------------------------------------------------------------------------------------------- */

/* A copy of what was written, under the name partial: where a nameless file cannot be given one after all. */
static enum error_kind copy_to_partial(const struct replacement *replacement, struct error *error)
{
    struct stat written;
    int copy;
    enum error_kind kind = file_create(&copy, replacement->partial, error);
    if (kind)
        return kind;
    if (fstat(replacement->descriptor, &written) != 0)
        kind = error_set(error, ERROR_SYSTEM, "cannot write %s: %s", replacement->target, strerror(errno));
    if (!kind)
        kind = file_copy(copy, replacement->partial, replacement->descriptor, replacement->target, 0,
                         (size_t)written.st_size, error);
    enum error_kind closed = file_close(copy, replacement->partial, kind ? NULL : error);
    return kind ? kind : closed;
}

static enum error_kind give_name(struct replacement *replacement, struct error *error)
{
    char link[LINK_SIZE];
    unlink(replacement->partial); /* of an earlier process with this number */
    enum error_kind kind = ERROR_NONE;
    if (linkat(AT_FDCWD, link_of(link, replacement->descriptor), AT_FDCWD, replacement->partial, AT_SYMLINK_FOLLOW) !=
        0)
        kind = copy_to_partial(replacement, error);
    replacement->is_nameless = kind != ERROR_NONE;
    if (kind)
        unlink(replacement->partial);
    return kind;
}

/* On disk, so that a machine that loses its power has the one or the other; what is no file cannot be waited for. */
static enum error_kind sync_file(const struct replacement *replacement, struct error *error)
{
    if (fsync(replacement->descriptor) == 0 || errno == EINVAL || errno == EROFS)
        return ERROR_NONE;
    return error_set(error, ERROR_SYSTEM, "cannot write %s: %s", replacement->target, strerror(errno));
}

/* Who may read and write what is replaced may do so with what replaces it; a file system without modes has none to
 * keep. */
static void keep_mode(const struct replacement *replacement)
{
    struct stat before;
    if (stat(replacement->target, &before) == 0)
        (void)chmod(replacement->partial, before.st_mode & 0777);
}

enum error_kind replacement_keep(struct replacement *replacement, struct error *error)
{
    enum error_kind kind = sync_file(replacement, error);
    if (!kind && replacement->is_nameless)
        kind = give_name(replacement, error);
    enum error_kind closed = file_close(replacement->descriptor, replacement->target, kind ? NULL : error);
    replacement->descriptor = -1;
    kind = kind ? kind : closed;
    if (!kind && replacement->partial)
        keep_mode(replacement);
    if (!kind && replacement->partial && rename(replacement->partial, replacement->target) != 0)
        kind = error_set(error, ERROR_SYSTEM, "cannot write %s: %s", replacement->target, strerror(errno));
    if (kind)
        replacement_drop(replacement);
    else
        forget(replacement);
    return kind;
}

void replacement_drop(struct replacement *replacement)
{
    file_close(replacement->descriptor, replacement->target, NULL);
    if (replacement->partial && !replacement->is_nameless)
        unlink(replacement->partial);
    forget(replacement);
}
