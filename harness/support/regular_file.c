#include "harness/support/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/support/file.h"
#include "harness/support/source.h"

enum error_kind regular_file_open(struct regular_file *file, const char *path, const char *allowed, struct error *error)
{
    char quoted[PATH_QUOTE_SIZE];
    struct stat status;
    /* O_NONBLOCK: a pipe is refused, not waited for. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    *file = (struct regular_file){.path = path, .descriptor = -1};
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
        error_set(error, ERROR_USAGE, "%s: cannot be opened: %s", quote_path(quoted, path), strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        error_set(error, ERROR_USAGE, "%s: is no regular file; allowed: %s", quote_path(quoted, path), allowed);
    } else {
        file->descriptor = descriptor;
        file->size = status.st_size;
        file->modified = status.st_mtim;
        return ERROR_NONE;
    }
    if (descriptor >= 0)
        close(descriptor);
    return ERROR_USAGE;
}

struct regular_file regular_file_in_memory(const char *path, const void *bytes, size_t size)
{
    return (struct regular_file){.path = path, .descriptor = -1, .memory = bytes, .size = (int64_t)size};
}

void regular_file_close(struct regular_file *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    file->descriptor = -1;
}

enum error_kind regular_file_read(const struct regular_file *file, void *bytes, size_t size, int64_t offset,
                                  struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    size_t done = 0;
    if (file->memory) {
        memcpy(bytes, file->memory + offset, size);
        return ERROR_NONE;
    }
    while (done < size) {
        ssize_t count = pread(file->descriptor, (char *)bytes + done, size - done, offset + (int64_t)done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_set(error, ERROR_SYSTEM, "%s: cannot be read: %s", quote_path(path, file->path),
                             strerror(errno));
        if (count == 0)
            return error_set(error, ERROR_SYSTEM, "%s: became shorter while it was read", quote_path(path, file->path));
        done += (size_t)count;
    }
    return ERROR_NONE;
}

enum error_kind regular_file_check_unchanged(const struct regular_file *file, struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    struct stat status;
    if (fstat(file->descriptor, &status) != 0)
        return error_set(error, ERROR_SYSTEM, "%s: cannot be read: %s", quote_path(path, file->path), strerror(errno));
    if (status.st_size == file->size && status.st_mtim.tv_sec == file->modified.tv_sec &&
        status.st_mtim.tv_nsec == file->modified.tv_nsec)
        return ERROR_NONE;
    return error_set(error, ERROR_SYSTEM, "%s: was changed while it was read; allowed: files that nobody writes to",
                     quote_path(path, file->path));
}

static const char *scratch_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/var/tmp";
}

static enum error_kind scratch_failed(const char *what, struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    int reason = errno;
    return error_set(error, ERROR_SYSTEM, "%s: %s in this folder for temporary files: %s; TMPDIR names another one",
                     quote_path(path, scratch_folder()), what, strerror(reason));
}

enum error_kind scratch_file_open(int *descriptor, struct error *error)
{
    *descriptor = open(scratch_folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*descriptor >= 0)
        return ERROR_NONE;
    /* A file system without files that have no name. */
    char *path = file_join(scratch_folder(), "alibicheck-XXXXXX");
    if (!path)
        return error_memory(error, "a path", (double)strlen(scratch_folder()));
    *descriptor = mkostemp(path, O_CLOEXEC);
    enum error_kind kind = *descriptor < 0 ? scratch_failed("no file can be made", error) : ERROR_NONE;
    if (!kind && unlink(path) != 0) {
        kind = scratch_failed("no file can be removed", error);
        close(*descriptor);
        *descriptor = -1;
    }
    free(path);
    return kind;
}

enum error_kind scratch_file_write(int descriptor, const void *bytes, size_t size, struct error *error)
{
    const char *next = bytes;
    while (size > 0) {
        ssize_t written = write(descriptor, next, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return scratch_failed("a file cannot be written", error);
        next += written;
        size -= (size_t)written;
    }
    return ERROR_NONE;
}
