#include "harness/support/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char standard_output[] = "standard output";

enum error_kind file_cannot_write(const char *path, struct error *error)
{
    const int reason = errno;
    const char *name = strrchr(path, '/');
    char *folder = name && name != path ? strndup(path, (size_t)(name - path)) : NULL;
    enum error_kind kind = reason == ENOENT && folder && access(folder, F_OK) != 0 && errno == ENOENT
                               ? error_set(error, ERROR_SYSTEM, "cannot write %s: there is no folder %s", path, folder)
                               : error_set(error, ERROR_SYSTEM, "cannot write %s: %s",
                                           strcmp(path, "-") == 0 ? standard_output : path, strerror(reason));
    free(folder);
    errno = reason;
    return kind;
}

/* Locks; what is no file, and a file system without locks, is no reason not to write. */
static enum error_kind claim(int descriptor, const char *path, struct error *error)
{
    struct stat status;
    if (fstat(descriptor, &status) == 0 && !S_ISREG(status.st_mode))
        return ERROR_NONE;
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return error_set(error, ERROR_SYSTEM, "another run is writing %s", path);
    return ERROR_NONE;
}

bool file_is_at(int descriptor, const char *path)
{
    struct stat open_one, found;
    return fstat(descriptor, &open_one) == 0 && stat(path, &found) == 0 && open_one.st_dev == found.st_dev &&
           open_one.st_ino == found.st_ino;
}

/* Between opening and locking, who had the file may have put another one in its place: that one is meant. */
static enum error_kind open_claimed(int *descriptor, const char *path, int flags, struct error *error)
{
    enum { TRIES = 16 };
    for (int i = 0; i < TRIES; i++) {
        *descriptor = open(path, O_APPEND | O_CLOEXEC | flags, 0666);
        if (*descriptor < 0)
            return file_cannot_write(path, error);
        enum error_kind kind = claim(*descriptor, path, error);
        if (!kind && file_is_at(*descriptor, path))
            return ERROR_NONE;
        close(*descriptor);
        *descriptor = -1;
        if (kind)
            return kind;
    }
    return error_set(error, ERROR_SYSTEM, "cannot write %s: others put files in its place", path);
}

/* What is no file keeps nothing that could be cut. Closes a file that cannot be. */
static enum error_kind cut(int *descriptor, const char *path, off_t keep, struct error *error)
{
    struct stat status;
    if (fstat(*descriptor, &status) == 0 && (!S_ISREG(status.st_mode) || ftruncate(*descriptor, keep) == 0))
        return ERROR_NONE;
    enum error_kind kind = file_cannot_write(path, error);
    close(*descriptor);
    *descriptor = -1;
    return kind;
}

enum error_kind file_create(int *descriptor, const char *path, struct error *error)
{
    if (strcmp(path, "-") == 0) {
        *descriptor = STDOUT_FILENO;
        return ERROR_NONE;
    }
    enum error_kind kind = open_claimed(descriptor, path, O_WRONLY | O_CREAT, error);
    return kind ? kind : cut(descriptor, path, 0, error);
}

enum error_kind file_create_new(int *descriptor, const char *path, struct error *error)
{
    struct stat status;
    enum error_kind kind = open_claimed(descriptor, path, O_WRONLY | O_CREAT, error);
    if (kind || fstat(*descriptor, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
        return kind;
    close(*descriptor);
    *descriptor = -1;
    return error_set(error, ERROR_SYSTEM, "another run has just written %s", path);
}

enum error_kind file_hold(int *descriptor, const char *path, struct error *error)
{
    struct error failure;
    enum error_kind kind = open_claimed(descriptor, path, O_RDWR, &failure);
    if (!kind || errno == ENOENT)
        return ERROR_NONE;
    return error_set(error, kind, "%s", failure.text);
}

enum error_kind file_continue(int *descriptor, int held, const char *path, off_t keep, struct error *error)
{
    *descriptor = fcntl(held, F_DUPFD_CLOEXEC, 0);
    return *descriptor < 0 ? file_cannot_write(path, error) : cut(descriptor, path, keep, error);
}

enum error_kind file_write(int descriptor, const char *path, const void *data, size_t size, struct error *error)
{
    const char *next = data;
    while (size > 0) {
        ssize_t written = write(descriptor, next, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return file_cannot_write(path, error);
        next += written;
        size -= (size_t)written;
    }
    return ERROR_NONE;
}

enum error_kind file_print(FILE *stream, const char *text, struct error *error)
{
    return fputs(text, stream) == EOF ? file_cannot_write(standard_output, error) : ERROR_NONE;
}

enum error_kind file_flush(FILE *stream, struct error *error)
{
    if (fflush(stream) != 0)
        return file_cannot_write(standard_output, error);
    if (ferror(stream)) /* of something printed before, whose reason nobody has kept */
        return error_set(error, ERROR_SYSTEM, "cannot write %s: a part of it is lost", standard_output);
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
        return file_cannot_write(path, error);
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
