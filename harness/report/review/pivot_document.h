/*
 * Records read into tables that a caller describes, and those put into a document.
 */
#ifndef HARNESS_REPORT_REVIEW_PIVOT_DOCUMENT_H
#define HARNESS_REPORT_REVIEW_PIVOT_DOCUMENT_H

#include "harness/report/file/where.h"
#include "harness/report/review/pivot.h"

struct pivot_request {
    const char *const *records; /* [num_records] paths, "-" for standard input */
    size_t num_records;
    const char *const *tables; /* [num_tables], as pivot_parse takes them */
    size_t num_tables;
    const struct where *where; /* NULL: all records */
    bool captioned;            /* under a heading, each with its description over it */
};

/*
 * Appends the tables to the document. Nothing is read before each description is understood. ERROR_USAGE for a
 * description or records that are wrong, also where two records are of one point on one device and do not say the same
 * of it; ERROR_SYSTEM. *missing: points of the records' runs that have no record, which no table can show.
 */
enum error_kind pivot_document(struct document *document, const struct pivot_request *request, size_t *missing,
                               struct error *error);

#endif
