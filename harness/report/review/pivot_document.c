#include "harness/report/review/pivot_document.h"

#include <stdlib.h>
#include <string.h>

#include "harness/report/file/record_file.h"
#include "harness/report/file/record_runs.h"
#include "harness/support/json_value.h"

struct reading {
    const struct pivot_request *request;
    struct pivot **pivots; /* [request->num_tables] */
    size_t num_points, left_out;
    struct record_runs runs; /* of all records, those that --where leaves out as well */
    json_t *points;          /* key and device -> what the record says, but for what differs from run to run */
};

/* A new text, or NULL: what a point is known by. */
static char *identity_of(const json_t *record)
{
    json_t *device = json_object_get(record, "device");
    json_t *both = json_array();
    bool complete = both && json_array_append(both, json_object_get(record, "key")) == 0 &&
                    json_array_append_new(both, device ? json_incref(device) : json_null()) == 0;
    char *identity = complete ? json_print(both, JSON_COMPACT) : NULL;
    json_decref(both);
    return identity;
}

/* What two runs of one build say alike. */
static json_t *result_of(const json_t *record)
{
    static const char *const names[] = {"status",        "signature",    "mismatched",   "max_abs_err", "budget_used",
                                        "output_digest", "input_digest", "truth_digest", "max_lse_err"};
    json_t *result = json_object();
    bool complete = result;
    for (size_t n = 0; n < sizeof names / sizeof names[0] && complete; n++)
        if (json_object_get(record, names[n]))
            complete = json_object_set(result, names[n], json_object_get(record, names[n])) == 0;
    return json_finish(result, complete);
}

/* *is_new: it was not there before. */
static enum error_kind place_point(struct reading *reading, const struct record_line *line, bool *is_new,
                                   struct error *error)
{
    char *identity = identity_of(line->object);
    json_t *result = result_of(line->object);
    const json_t *before = identity ? json_object_get(reading->points, identity) : NULL;
    enum error_kind kind = ERROR_NONE;
    *is_new = !before;
    if (!identity || !result || (!before && json_object_set(reading->points, identity, result) != 0))
        kind = error_memory(error, line->path, (double)line->size);
    else if (before && !json_equal((json_t *)(uintptr_t)before, result))
        kind = error_set(error, ERROR_USAGE,
                         "%s:%zu: '%s' ends otherwise than where it stood before; allowed: one result of a point on a "
                         "device",
                         line->path, line->line, line->key);
    json_decref(result);
    free(identity);
    return kind;
}

static enum error_kind visit(void *context, const struct record_line *line, struct error *error)
{
    struct reading *reading = context;
    bool is_new = false;
    if (!record_runs_add(&reading->runs, line->object))
        return error_memory(error, line->path, (double)line->size);
    if (reading->request->where && !where_holds(reading->request->where, line->object)) {
        reading->left_out++;
        return ERROR_NONE;
    }
    enum error_kind kind = place_point(reading, line, &is_new, error);
    reading->num_points += is_new;
    for (size_t t = 0; t < reading->request->num_tables && is_new && !kind; t++)
        kind = pivot_add(reading->pivots[t], line->object, error);
    return kind;
}

/* A table of nothing would read as one without failures. */
static enum error_kind refuse_nothing(const struct reading *reading, struct error *error)
{
    const struct pivot_request *request = reading->request;
    const char *first = strcmp(request->records[0], "-") == 0 ? "standard input" : request->records[0];
    const char *others = request->num_records > 1 ? ", ..." : "";
    if (reading->left_out == 0)
        return error_set(error, ERROR_USAGE, "%s%s: no record; allowed: a file that --results wrote", first, others);
    return error_set(error, ERROR_USAGE,
                     "%s%s: none of %zu records is meant by --where; allowed: an expression that holds for one", first,
                     others, reading->left_out);
}

static enum error_kind read_records(struct reading *reading, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (size_t r = 0; r < reading->request->num_records && !kind; r++)
        kind = record_file_read(reading->request->records[r], visit, reading, NULL, error);
    return !kind && reading->num_points == 0 ? refuse_nothing(reading, error) : kind;
}

enum error_kind pivot_document(struct document *document, const struct pivot_request *request, size_t *missing,
                               struct error *error)
{
    struct reading reading = {
        .request = request, .pivots = calloc(request->num_tables, sizeof *reading.pivots), .points = json_object()};
    enum error_kind kind =
        reading.pivots && reading.points ? ERROR_NONE : error_memory(error, "--table", (double)request->num_tables);
    for (size_t t = 0; t < request->num_tables && !kind; t++)
        kind = pivot_parse(&reading.pivots[t], request->tables[t], error);
    if (!kind)
        kind = read_records(&reading, error);
    if (!kind && request->captioned)
        document_section(document, "tables", "Tables");
    for (size_t t = 0; t < request->num_tables && !kind; t++)
        kind = pivot_write(document, reading.pivots[t], request->captioned ? request->tables[t] : NULL, error);
    for (size_t t = 0; t < request->num_tables && reading.pivots; t++)
        pivot_free(reading.pivots[t]);
    *missing = record_runs_missing(&reading.runs);
    record_runs_clear(&reading.runs);
    free(reading.pivots);
    json_decref(reading.points);
    return kind;
}
