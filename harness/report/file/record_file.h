/*
 * Records as a file has them: JSON Lines, a record a line, as --results writes them.
 */
#ifndef HARNESS_REPORT_FILE_RECORD_FILE_H
#define HARNESS_REPORT_FILE_RECORD_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "reference/error.h"

/* A record of a file. All belongs to the reader and ends with the visit; json_incref keeps the object. */
struct record_line {
    const char *path; /* "standard input" for "-" */
    size_t line;      /* from 1 */
    json_t *object;
    const char *key, *status; /* of the object */
    const char *text;         /* [size], without the newline */
    size_t size;
    off_t start;       /* of the line in the file, */
    size_t whole_size; /* with all that ends it */
};

extern const char baseline_mark[]; /* "baseline": the member that a line of a baseline has, and no record */

/* Whatever is not ERROR_NONE ends the reading and is its result. */
typedef enum error_kind record_visit(void *context, const struct record_line *line, struct error *error);

struct record_file_info {
    size_t num_records;
    size_t whole_bytes; /* of the lines that end in a newline */
    bool torn;          /* what follows them is the beginning of a record, as a run leaves it that was killed; it was
                         * not visited */
};

/*
 * Visits the records of a file, "-" for standard input, in their order; a line at a time is in memory.
 * ERROR_USAGE with "FILE:LINE:COLUMN: what is wrong; allowed: ..." for what is no record of this schema: an object with
 * `schema` 1, a `key` and a `status`, and no line of a baseline. Blank lines are passed over. ERROR_SYSTEM if the file
 * cannot be read; ERROR_INTERRUPTED if a signal comes before anything of it does. info may be NULL: a torn last line is
 * then an error as well.
 */
enum error_kind record_file_read(const char *path, record_visit *visit, void *context, struct record_file_info *info,
                                 struct error *error);

/* The same of a file that may have lines of a baseline, too. A torn last line is an error. */
enum error_kind record_or_baseline_read(const char *path, record_visit *visit, void *context, struct error *error);

/* The same as record_file_read of a file that is open for reading, from its beginning; it stays open. */
enum error_kind record_file_read_open(int descriptor, const char *path, record_visit *visit, void *context,
                                      struct record_file_info *info, struct error *error);

/* The value at "worst.head", "oracles.partition", or NULL; a name of a record's own may have no dots. */
const json_t *record_at(const json_t *record, const char *path);

/* A number, also one that a record writes as "nan", "inf", "-inf" or in a string of digits. False for what is none. */
bool record_number(const json_t *value, double *number);

#endif
