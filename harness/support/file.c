#include "harness/support/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum error_kind cannot_write(const char *path, struct error *error)
{
    return error_set(error, ERROR_SYSTEM, "cannot write %s: %s", path, strerror(errno));
}

/* Cuts a file that nobody else has from here. What is no file keeps nothing that could be replaced. */
static enum error_kind claim(int descriptor, const char *path, off_t keep, struct error *error)
{
    struct stat status;
    if (fstat(descriptor, &status) == 0 && !S_ISREG(status.st_mode))
        return ERROR_NONE;
    /* A file system without locks is no reason not to write. */
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return error_set(error, ERROR_SYSTEM, "another run is writing %s", path);
    return ftruncate(descriptor, keep) == 0 ? ERROR_NONE : cannot_write(path, error);
}

static enum error_kind open_to_append(int *descriptor, const char *path, int flags, off_t keep, struct error *error)
{
    *descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | flags, 0666);
    if (*descriptor < 0)
        return cannot_write(path, error);
    enum error_kind kind = claim(*descriptor, path, keep, error);
    if (kind) {
        close(*descriptor);
        *descriptor = -1;
    }
    return kind;
}

enum error_kind file_create(int *descriptor, const char *path, struct error *error)
{
    if (strcmp(path, "-") == 0) {
        *descriptor = STDOUT_FILENO;
        return ERROR_NONE;
    }
    return open_to_append(descriptor, path, O_CREAT, 0, error);
}

enum error_kind file_continue(int *descriptor, const char *path, off_t keep, struct error *error)
{
    return open_to_append(descriptor, path, 0, keep, error);
}

enum error_kind file_write(int descriptor, const char *path, const void *data, size_t size, struct error *error)
{
    const char *next = data;
    while (size > 0) {
        ssize_t written = write(descriptor, next, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return cannot_write(path, error);
        next += written;
        size -= (size_t)written;
    }
    return ERROR_NONE;
}

enum error_kind file_copy(int descriptor, const char *path, int source, const char *source_path, off_t start,
                          size_t size, struct error *error)
{
    char buffer[1 << 14];
    enum error_kind kind = ERROR_NONE;
    while (size > 0 && !kind) {
        ssize_t count = pread(source, buffer, size < sizeof buffer ? size : sizeof buffer, start);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return error_set(error, ERROR_SYSTEM, "cannot read %s: %s", source_path,
                             count < 0 ? strerror(errno) : "it has become shorter");
        kind = file_write(descriptor, path, buffer, (size_t)count, error);
        start += count;
        size -= (size_t)count;
    }
    return kind;
}

enum error_kind file_close(int descriptor, const char *path, struct error *error)
{
    /* After EINTR the descriptor is closed all the same (Linux). */
    if (descriptor >= 0 && descriptor != STDOUT_FILENO && close(descriptor) != 0 && errno != EINTR)
        return cannot_write(path, error);
    return ERROR_NONE;
}

/* Status of the file, or, with its name, of the folder in which it would be created. False if there is neither. */
static bool find(const char *path, struct stat *status, const char **name)
{
    *name = "";
    if (strcmp(path, "-") == 0 ? fstat(STDOUT_FILENO, status) == 0 : stat(path, status) == 0)
        return !S_ISCHR(status->st_mode);
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    char *folder = slash ? strndup(path, (size_t)(*name - path)) : strdup(".");
    bool found = folder && stat(folder, status) == 0;
    free(folder);
    return found;
}

bool file_same(const char *a, const char *b)
{
    struct stat status_a, status_b;
    const char *name_a, *name_b;
    return find(a, &status_a, &name_a) && find(b, &status_b, &name_b) && status_a.st_dev == status_b.st_dev &&
           status_a.st_ino == status_b.st_ino && strcmp(name_a, name_b) == 0;
}

enum error_kind file_make_folders(const char *path, struct error *error)
{
    char *partial = strdup(path);
    if (!partial)
        return error_memory(error, path, (double)strlen(path));
    enum error_kind kind = ERROR_NONE;
    for (char *c = partial + 1; !kind; c++) {
        if (*c != '/' && *c != '\0')
            continue;
        char separator = *c;
        *c = '\0';
        struct stat status;
        if (mkdir(partial, 0777) != 0) {
            int reason = errno;
            bool folder = reason == EEXIST && stat(partial, &status) == 0 && S_ISDIR(status.st_mode);
            if (!folder)
                kind = error_set(error, ERROR_SYSTEM, "cannot create folder %s: %s", partial,
                                 strerror(reason == EEXIST ? ENOTDIR : reason));
        }
        if (separator == '\0')
            break;
        *c = separator;
    }
    free(partial);
    return kind;
}

char *file_join(const char *folder, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}
