#include "harness/report/review/review_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/file/record_file.h"
#include "harness/report/review/review_add.h"

struct reading {
    struct review *review;
    const struct where *where;
};

static enum error_kind visit(void *context, const struct record_line *line, struct error *error)
{
    struct reading *reading = context;
    if (!record_runs_add(&reading->review->runs, line->object))
        return error_memory(error, line->path, (double)line->size);
    if (reading->where && !where_holds(reading->where, line->object)) {
        reading->review->left_out++;
        reading->review->left_out_worse += !status_name_as_expected(line->status);
        return ERROR_NONE;
    }
    return review_add(reading->review, line, error);
}

static enum error_kind read_file(struct review *review, const char *path, const struct where *where,
                                 struct error *error)
{
    struct review_file *file = &review->files[review->num_files];
    file->path = strdup(path);
    if (!file->path)
        return error_memory(error, path, (double)strlen(path));
    review->num_files++;
    struct record_file_info info = {0};
    struct reading reading = {review, where};
    enum error_kind kind = record_file_read(path, visit, &reading, &info, error);
    file->num_records = info.num_records;
    file->torn = info.torn;
    return kind;
}

static bool begin(struct review *review, size_t num_files)
{
    review->files = calloc(num_files, sizeof *review->files);
    review->word_places = json_object();
    review->point_places = json_object();
    review->panel_places = json_object();
    review->reference_places = json_object();
    review->oracles = json_object();
    review->inputs = json_object();
    return review->files && review->word_places && review->point_places && review->panel_places &&
           review->reference_places && review->oracles && review->inputs;
}

enum error_kind review_read(struct review *review, const char *const *paths, size_t num_paths,
                            const struct where *where, enum review_text series, bool comparable, struct error *error)
{
    *review = (struct review){.series = series, .comparable = comparable, .radius = NAN};
    enum error_kind kind = ERROR_NONE;
    if (!begin(review, num_paths))
        kind = error_memory(error, "a review", 4096);
    for (size_t i = 0; i < num_paths && !kind; i++)
        kind = read_file(review, paths[i], where, error);
    if (!kind && review->num_points == 0)
        kind = review->left_out ? error_set(error, ERROR_USAGE,
                                            "%s%s: none of %zu records is meant by --where; allowed: an "
                                            "expression that holds for one",
                                            paths[0], num_paths > 1 ? ", ..." : "", review->left_out)
                                : error_set(error, ERROR_USAGE, "%s%s: no record; allowed: a file that --results wrote",
                                            paths[0], num_paths > 1 ? ", ..." : "");
    if (kind)
        review_clear(review);
    return kind;
}
