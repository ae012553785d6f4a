/*
 * What a results file has of a run already: --resume keeps it and computes the rest.
 */
#ifndef HARNESS_REPORT_FILE_KEPT_H
#define HARNESS_REPORT_FILE_KEPT_H

#include <sys/types.h>

#include "harness/report/record/record.h"

struct kept_record {
    size_t at;    /* the index of its point among those that are run here, */
    size_t place; /* and among those of all shards */
    off_t start;  /* of its line in the file, */
    size_t size;  /* the newline included */
    enum status status;
    double elapsed_s;
    char *headline; /* what it came to, in a line; NULL for a plain pass */
};

struct kept {
    const char *path;            /* the caller's */
    struct kept_record *records; /* [count], as the file has them */
    size_t count, capacity;
    size_t other_kernels; /* how many are of another file of the kernel */
    off_t end;            /* of the last whole record: what follows is dropped */
    bool is_there;        /* the file, which is then held (file_hold) until kept_clear, but by who only looks at it */
    int descriptor;       /* of that */
};

/* The points of which a file may have records, and by which program. */
struct kept_run {
    const struct run_points *run;
    const struct point *points; /* [count] */
    const size_t *places;       /* [count], ascending */
    size_t count;
    const char *device;        /* device_kind_names[] */
    bool any_build;            /* records of another build, or of another file of a plug-in, are kept too */
    const char *kernel_digest; /* of the file of a kernel that is not ours; NULL, "": nobody knows, or it is ours */
    bool looks_only;           /* nothing will be written */
};

/*
 * Takes the file from all others and reads it, if there is one. ERROR_USAGE if it is no file or does not look like one
 * of results, and, with file and line, if a record is not of these points, of another build, device or file of a
 * kernel, or of a point of which it has one already; ERROR_SYSTEM if another run is writing it. kept is overwritten;
 * kept_clear frees, and takes a zeroed one.
 */
enum error_kind kept_read(struct kept *kept, const char *path, const struct kept_run *run, struct error *error);
void kept_clear(struct kept *kept);

#endif
