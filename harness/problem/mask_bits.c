#include "harness/problem/mask_bits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0, or errno; ERANGE if the file ends before size bytes. */
static int read_exactly(int descriptor, uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(descriptor, bytes + done, size - done);
        if (got == 0)
            return ERANGE;
        if (got < 0 && errno != EINTR)
            return errno;
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

enum error_kind mask_bits_read(struct mask_bits **bits, const char *name, const char *path, size_t max_bytes,
                               struct error *error)
{
    struct stat status;
    struct mask_bits *made = NULL;
    enum error_kind kind = ERROR_NONE;
    int failure;
    *bits = NULL;
    /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
        kind = error_set(error, ERROR_USAGE, "cannot be opened (%s)", strerror(errno));
        goto out;
    }
    if (!S_ISREG(status.st_mode)) {
        kind = error_set(error, ERROR_USAGE, "is not a regular file");
        goto out;
    }
    if (status.st_size < 1 || (uint64_t)status.st_size > max_bytes) {
        kind = error_set(error, ERROR_USAGE, "has %lld bytes", (long long)status.st_size);
        goto out;
    }
    size_t size = (size_t)status.st_size;
    made = calloc(1, sizeof *made);
    if (made)
        *made =
            (struct mask_bits){.name = strdup(name), .path = strdup(path), .bytes = malloc(size), .size_bytes = size};
    if (!made || !made->name || !made->path || !made->bytes) {
        kind = error_memory(error, "a mask file", (double)size);
        goto out;
    }
    failure = read_exactly(descriptor, made->bytes, size);
    if (failure) {
        kind = error_set(error, ERROR_USAGE, "cannot be read (%s)",
                         failure == ERANGE ? "it became shorter" : strerror(failure));
        goto out;
    }
    *bits = made;
out:
    if (descriptor >= 0)
        close(descriptor);
    if (kind)
        mask_bits_free(made);
    return kind;
}

void mask_bits_free(struct mask_bits *bits)
{
    if (!bits)
        return;
    free(bits->name);
    free(bits->path);
    free(bits->bytes);
    free(bits);
}

bool mask_bits_equal(const struct mask_bits *a, const struct mask_bits *b)
{
    return a == b || (a && b && a->size_bytes == b->size_bytes && memcmp(a->bytes, b->bytes, a->size_bytes) == 0);
}
