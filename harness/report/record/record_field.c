#include "harness/report/record/record_field.h"

#include <string.h>

#include "harness/support/table.h"

static const bool part_is_of_point[RECORD_ORACLES + 1] = {
    [RECORD_POINT] = true,   [RECORD_PROBLEM] = true, [RECORD_KERNEL] = true, [RECORD_DRAWN] = true,
    [RECORD_SHIPPED] = true, [RECORD_DEMAND] = true,  [RECORD_BATCH] = true,  [RECORD_RECIPE] = true,
    [RECORD_OPTIONS] = true, [RECORD_CHUNKS] = true,  [RECORD_PAGES] = true,  [RECORD_CRITERION] = true,
    [RECORD_BUDGET] = true,
};

bool record_field_of_point(const char *path)
{
    size_t size = strcspn(path, ".");
    for (size_t i = 0; i < record_fields.count; i++) {
        const struct record_field *row = &record_fields.rows[i];
        const char *name = record_field_name(row);
        if (strlen(name) == size && memcmp(name, path, size) == 0)
            return row->of_point || part_is_of_point[row->part];
    }
    return false;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* Whether it is known with what operations of ours the output was made, or said. */
static bool has_arithmetic(const struct point *point)
{
    return !point->foreign && (!point->given || point->given->has_recipe);
}

/* Whether it is judged by some rows: then nothing is said of all inputs or the whole truth. */
static bool is_sample(const struct point *point)
{
    return point->given && point->given->sample.judged;
}

const void *record_find_part(const void *holder, int part)
{
    const struct record *record = holder;
    const struct point *point = record->point;
    const struct signature_finding *finding = record->finding;
    switch ((enum record_part)part) {
    case RECORD_RECORD:
        return record;
    case RECORD_POINT:
        return point;
    case RECORD_KERNEL:
        return point->foreign || has_arithmetic(point) ? point : NULL;
    case RECORD_SHIPPED:
        return has_arithmetic(point) ? point : NULL;
    case RECORD_PROBLEM:
        return &point->problem;
    case RECORD_DRAWN:
        return point->given ? NULL : &point->problem;
    case RECORD_BATCH:
        return point->batch == BATCH_TOGETHER ? &point->problem : NULL;
    case RECORD_RECIPE:
        return has_arithmetic(point) ? &point->recipe : NULL;
    case RECORD_OPTIONS:
        return point->given || (point->foreign && !point->foreign_paged) ? NULL : &point->kernel_options;
    case RECORD_CHUNKS:
        return has_arithmetic(point) && kernels[point->kernel]->uses_chunk_len ? &point->kernel_options : NULL;
    case RECORD_PAGES:
        return point->kernel_options.page_size > 0 ? &point->kernel_options : NULL;
    case RECORD_CRITERION:
        return &point->criterion;
    case RECORD_BUDGET:
        return point->criterion.mode != JUDGE_TOLERANCE && (point->foreign || has_arithmetic(point)) ? &point->criterion
                                                                                                     : NULL;
    case RECORD_INPUTS:
        return record->problem && !is_sample(point) ? record : NULL;
    case RECORD_OUTPUT:
        return record->output ? record : NULL;
    case RECORD_TRUTH:
        return record->truth && !is_sample(point) ? record : NULL;
    case RECORD_VERDICT:
        return record->verdict;
    case RECORD_TOTAL:
        return record->verdict ? &record->verdict->total : NULL;
    case RECORD_FINDING:
        return finding;
    case RECORD_FAILURE:
        return finding && finding->signature != SIGNATURE_NONE ? finding : NULL;
    case RECORD_DEMAND:
        return point->demand.asked ? &point->demand : NULL;
    case RECORD_CLASSES:
        return record->classes && record->classes->num_rows > 0 ? record : NULL;
    case RECORD_CONTRACT:
        return record->contract && record->contract->num_fits > 0 ? record->contract : NULL;
    case RECORD_EXPLAINED:
        return record->explained;
    case RECORD_SAMPLE:
        return is_sample(point) ? &point->given->sample : NULL;
    case RECORD_SAMPLED:
        return record->truth && is_sample(point) ? record : NULL;
    case RECORD_ORACLES:
        return point->given ? NULL : record->oracles;
    }
    return NULL;
}

json_t *record_to_json(const struct record *record)
{
    return record_fields_to_json(&record_fields, record);
}

/* ---- documentation ----------------------------------------------------------------------------------------------- */

static const char introduction[] =
    "A record is a JSON object; --results writes one a line. Doubles read back exactly; NaN and infinities are the\n"
    "strings \"nan\", \"inf\", \"-inf\"; what is not known is null. Same case, seed and build: the same records on "
    "every\n"
    "machine, but for seconds, device_name and the figures of references, whose sums OpenBLAS orders by CPU. A field\n"
    "keeps its name and meaning; new ones come at the end. In names here, LIST[] is each object of a list, NAME and\n"
    "PARAMETER stand for what the meaning says. e = |out - truth|, of an element.\n"
    "\n";

enum { PATH_SIZE = 64, MEANING_SIZE = 1024 };

static const int widths[RECORD_COLUMNS] = {44, 16, 13, 43};

static void visit_fields(const struct record_fields *fields, const char *above, record_visitor *visit, void *context)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct record_field *row = &fields->rows[i];
        const struct field *field = row->metric ? &row->metric->field : &row->field;
        const char *unit = row->metric ? row->metric->unit : row->unit;
        char path[PATH_SIZE], below[PATH_SIZE], meaning[MEANING_SIZE], names[FIELD_ALLOWED_SIZE];
        snprintf(path, sizeof path, "%s%s", above, field->name);
        const char *about = row->field.about ? row->field.about : field->about;
        if (field->type == FIELD_CHOICE)
            snprintf(meaning, sizeof meaning, "%s: %s.", about, field_allowed(names, field));
        else
            snprintf(meaning, sizeof meaning, "%s", about);
        const char *const cells[RECORD_COLUMNS] = {path, record_field_type(row), unit ? unit : "", meaning};
        visit(context, cells);
        if (row->members) {
            snprintf(below, sizeof below, "%.*s%s.", PATH_SIZE - 4, path, row->is_list ? "[]" : "");
            visit_fields(row->members, below, visit, context);
        }
    }
}

void record_visit_fields(record_visitor *visit, void *context)
{
    visit_fields(&record_fields, "", visit, context);
}

static void print_row(void *stream, const char *const *cells)
{
    table_print_row(stream, widths, RECORD_COLUMNS, cells);
}

void record_print_fields(FILE *stream)
{
    static const char *const titles[RECORD_COLUMNS] = {"FIELD", "TYPE", "UNIT", "MEANING"};
    fputs(introduction, stream);
    print_row(stream, titles);
    record_visit_fields(print_row, stream);
}
