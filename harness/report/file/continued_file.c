#include "harness/report/file/continued_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/support/source.h"

enum error_kind continued_file_check(const char *path, struct error *error)
{
    struct stat status;
    char quoted[PATH_QUOTE_SIZE];
    if (stat(path, &status) != 0 || S_ISREG(status.st_mode))
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "--resume: %s is no file that could be gone on with; allowed: a file",
                     quote_path(quoted, path));
}

enum error_kind continued_file_check_rest(int descriptor, const char *path, off_t end, struct error *error)
{
    char quoted[PATH_QUOTE_SIZE], byte = '{';
    if (pread(descriptor, &byte, 1, end) < 0)
        return error_set(error, ERROR_SYSTEM, "cannot read %s: %s", quote_path(quoted, path), strerror(errno));
    if (byte == '{' || byte == '\0')
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "%s ends in what is not the beginning of a record; allowed: a file that --results has written",
                     quote_path(quoted, path));
}
