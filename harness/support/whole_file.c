#include "harness/support/whole_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/support/file.h"

static bool choose_paths(struct whole_file *file, const char *path)
{
    struct stat status;
    bool is_stdout = strcmp(path, "-") == 0, exists = !is_stdout && stat(path, &status) == 0;
    file->target = exists ? realpath(path, NULL) : NULL;
    if (!file->target) /* new, or a pipe without a path of its own */
        file->target = strdup(path);
    if (!file->target || is_stdout || (exists && !S_ISREG(status.st_mode)))
        return file->target;
    return asprintf(&file->partial, "%s.partial.%ld", file->target, (long)getpid()) >= 0;
}

enum error_kind whole_file_open(struct whole_file *file, const char *path, struct error *error)
{
    int descriptor = -1;
    *file = (struct whole_file){0};
    enum error_kind kind = choose_paths(file, path) ? ERROR_NONE : error_memory(error, path, (double)strlen(path));
    if (!kind && (kind = file_create(&descriptor, file->partial ? file->partial : file->target, NULL)))
        error_set(error, kind, "cannot write %s: %s", path, strerror(errno));
    if (!kind) {
        file->stream = descriptor == STDOUT_FILENO ? stdout : fdopen(descriptor, "w");
        if (!file->stream)
            kind = error_set(error, ERROR_SYSTEM, "cannot write %s: %s", path, strerror(errno));
        if (!file->stream)
            file_close(descriptor, path, NULL);
    }
    if (kind)
        whole_file_discard(file);
    return kind;
}

enum error_kind whole_file_close(struct whole_file *file, struct error *error)
{
    bool written = fflush(file->stream) == 0 && !ferror(file->stream);
    int reason = errno;
    if (file->stream != stdout && fclose(file->stream) != 0 && written) {
        written = false;
        reason = errno;
    }
    file->stream = NULL;
    if (written && file->partial && rename(file->partial, file->target) != 0) {
        written = false;
        reason = errno;
    }
    enum error_kind kind =
        written ? ERROR_NONE
                : error_set(error, ERROR_SYSTEM, "cannot write %s: %s",
                            strcmp(file->target, "-") == 0 ? "standard output" : file->target, strerror(reason));
    if (written) {
        free(file->partial);
        file->partial = NULL;
    }
    whole_file_discard(file);
    return kind;
}

void whole_file_discard(struct whole_file *file)
{
    if (file->stream && file->stream != stdout)
        fclose(file->stream);
    if (file->partial)
        unlink(file->partial);
    free(file->partial);
    free(file->target);
    *file = (struct whole_file){0};
}
