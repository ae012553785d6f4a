#include "harness/report/file/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <xxhash.h>

#include "harness/report/file/merge_shards.h"
#include "harness/report/file/record_content.h"
#include "harness/report/file/record_file.h"
#include "harness/report/record/record.h"
#include "harness/support/replacement.h"
#include "harness/support/room.h"
#include "harness/support/source.h"

enum { NOTES_SHOWN = 10 };

/* A record, where it stands, and a hash of all that does not differ between two runs of the same build. */
struct merge_line {
    size_t index, file, line, size;
    off_t start;
    uint64_t text; /* a hash of the line */
    uint64_t content;
    uint64_t point_digest;
    struct run_shard shard; /* that it was done in; 0 of 0: none is known */
    char *key;
    bool unexpected;
};

struct merge {
    const struct merge_options *options;
    struct merge_result *result;
    FILE *notes;
    size_t file; /* that is being read */
    struct merge_line *lines;
    size_t num_lines, capacity;
    json_t *run, *build;          /* of the first record */
    char *device, *kernel_digest; /* "" where nobody knows */
};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static enum error_kind refuse(const struct record_line *line, const char *what, const char *allowed,
                              struct error *error)
{
    char path[PATH_QUOTE_SIZE], key[PATH_QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s:%zu: the record is of %s: %.200s; allowed: %s",
                     quote_path(path, line->path), line->line, what, quote_path(key, line->key), allowed);
}

static bool same_run(const json_t *a, const json_t *b)
{
    return json_equal(json_object_get(a, "of"), json_object_get(b, "of")) &&
           json_equal(json_object_get(a, "digest"), json_object_get(b, "digest"));
}

/* What the first record is of, all are of. */
static enum error_kind check_line(struct merge *merge, const struct record_line *line, struct error *error)
{
    json_t *run = json_object_get(line->object, "run"), *build = json_object_get(line->object, "build");
    const char *device = json_string_value(json_object_get(line->object, "device"));
    const json_t *index = json_object_get(run, "index"), *of = json_object_get(run, "of");
    const char *kernel_digest = json_string_value(json_object_get(line->object, "kernel_digest"));
    kernel_digest = kernel_digest ? kernel_digest : "";
    if (!json_is_integer(index) || !json_is_integer(of) || json_integer_value(index) < 0 ||
        json_integer_value(index) >= json_integer_value(of) || !device)
        return refuse(line, "no known run", "records as --results writes them", error);
    if (!merge->run) {
        merge->run = json_incref(run);
        merge->build = json_incref(build);
        merge->device = strdup(device);
        merge->kernel_digest = strdup(kernel_digest);
        merge->result->num_points = (size_t)json_integer_value(of);
        return merge->device && merge->kernel_digest ? ERROR_NONE
                                                     : error_memory(error, "a record", (double)strlen(device));
    }
    if (!same_run(run, merge->run))
        return refuse(line, "another run than the first one", "the shards of one run", error);
    if (!merge->options->any_build && !json_equal(build, merge->build))
        return refuse(line, "another build than the first one", "one build; --any-build mixes them", error);
    if (!merge->options->any_build && strcmp(device, merge->device) != 0)
        return refuse(line, "another device than the first one", "one device; --any-build mixes them", error);
    if (!merge->options->any_build && strcmp(kernel_digest, merge->kernel_digest) != 0)
        return refuse(line, "another file of the kernel than the first one",
                      "one, by its kernel_digest; --any-build mixes them", error);
    return ERROR_NONE;
}

/* 16 hexadecimal digits, as records write them. */
static bool read_digest(const json_t *value, uint64_t *digest)
{
    enum { DIGITS = 16 };
    const char *text = json_string_value(value);
    if (!text || strlen(text) != DIGITS || strspn(text, "0123456789abcdef") != DIGITS)
        return false;
    *digest = strtoull(text, NULL, 16);
    return true;
}

static enum error_kind describe_line(struct merge_line *described, const struct merge *merge,
                                     const struct record_line *line, struct error *error)
{
    *described = (struct merge_line){
        .index = (size_t)json_integer_value(record_at(line->object, "run.index")),
        .file = merge->file,
        .line = line->line,
        .size = line->size,
        .start = line->start,
        .text = XXH64(line->text, line->size, 0),
        .shard = merge_shard_of(line->object),
        .unexpected = !status_name_as_expected(line->status),
    };
    if (!read_digest(json_object_get(line->object, "point_digest"), &described->point_digest))
        return refuse(line, "no known point", "records as --results writes them", error);
    described->key = strdup(line->key);
    return described->key && record_content_hash(line->object, &described->content)
               ? ERROR_NONE
               : error_memory(error, "a record", (double)line->size);
}

static enum error_kind add_line(void *context, const struct record_line *line, struct error *error)
{
    struct merge *merge = context;
    enum error_kind kind = check_line(merge, line, error);
    if (kind)
        return kind;
    struct merge_line *lines = room_for_one(merge->lines, &merge->capacity, merge->num_lines, sizeof *lines);
    if (!lines)
        return error_memory(error, "the records", (double)(merge->num_lines * sizeof *lines));
    merge->lines = lines;
    kind = describe_line(&merge->lines[merge->num_lines], merge, line, error);
    merge->num_lines++; /* with its key, if it has one */
    return kind;
}

static enum error_kind read_files(struct merge *merge, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    char path[PATH_QUOTE_SIZE];
    for (; merge->file < merge->options->num_paths && !kind; merge->file++) {
        struct record_file_info info;
        const char *name = merge->options->paths[merge->file];
        kind = record_file_read(name, add_line, merge, &info, error);
        if (kind || !info.torn)
            continue;
        merge->result->num_torn++;
        fprintf(merge->notes, "%s ends in the beginning of a record, which is left out\n", quote_path(path, name));
    }
    if (!kind && merge->num_lines == 0)
        kind = error_set(error, ERROR_USAGE, "no records to merge; allowed: results files of the shards of a run");
    return kind;
}

/* ---- what they are together -------------------------------------------------------------------------------------- */

/* By point; of one, the first that was given. */
static int compare_lines(const void *a, const void *b)
{
    const struct merge_line *x = a, *y = b;
    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static void note_contradiction(const struct merge *merge, const struct merge_line *a, const struct merge_line *b)
{
    char paths[2][PATH_QUOTE_SIZE];
    if (merge->result->num_contradictions > NOTES_SHOWN)
        return;
    fprintf(merge->notes, "point %zu: %s:%zu and %s:%zu say different things\n", a->index,
            quote_path(paths[0], merge->options->paths[a->file]), a->line,
            quote_path(paths[1], merge->options->paths[b->file]), b->line);
}

/* Leaves a record of each point. */
static void drop_duplicates(struct merge *merge)
{
    size_t left = 0;
    qsort(merge->lines, merge->num_lines, sizeof *merge->lines, compare_lines);
    for (size_t i = 0; i < merge->num_lines; i++) {
        struct merge_line *before = left > 0 ? &merge->lines[left - 1] : NULL;
        if (!before || before->index != merge->lines[i].index) {
            merge->lines[left++] = merge->lines[i];
        } else if (before->content == merge->lines[i].content) {
            merge->result->num_duplicates++;
            free(merge->lines[i].key);
        } else {
            merge->result->num_contradictions++;
            note_contradiction(merge, before, &merge->lines[i]);
            free(merge->lines[i].key);
        }
    }
    merge->num_lines = left;
    for (size_t i = 0; i < left; i++)
        merge->result->num_unexpected += merge->lines[i].unexpected;
}

/* All points together are what every record says of its run; some of them could be of any. */
static enum error_kind check_whole(const struct merge *merge, struct error *error)
{
    struct run_points run = {.count = 0};
    uint64_t digest;
    if (merge->num_lines < merge->result->num_points)
        return ERROR_NONE;
    for (size_t i = 0; i < merge->num_lines; i++)
        run_points_add(&run, merge->lines[i].key, merge->lines[i].point_digest);
    if (read_digest(json_object_get(merge->run, "digest"), &digest) && digest == run.digest)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "the records of all %zu points are not the run that they say they are of; allowed: records as "
                     "--results writes them",
                     run.count);
}

/* "points 3, 5-7 of 12 are missing" */
static void note_missing(const struct merge *merge)
{
    size_t next = 0, shown = 0, missing = merge->result->num_points - merge->num_lines;
    if (missing == 0)
        return;
    fprintf(merge->notes, "%zu of %zu points are missing, counted from 0: ", missing, merge->result->num_points);
    for (size_t i = 0; i <= merge->num_lines; i++) {
        size_t end = i < merge->num_lines ? merge->lines[i].index : merge->result->num_points;
        if (end > next && shown++ < NOTES_SHOWN)
            fprintf(merge->notes, "%s%zu", shown > 1 ? ", " : "", next);
        if (end > next + 1 && shown <= NOTES_SHOWN)
            fprintf(merge->notes, "-%zu", end - 1);
        next = end + 1;
    }
    fprintf(merge->notes, "%s; the command of the run computes them with --resume\n",
            shown > NOTES_SHOWN ? ", ..." : "");
}

/* "they are all of shard 2/3": what each is to compute that has not. */
static enum error_kind note_shards(const struct merge *merge, struct error *error)
{
    struct merge_shards shards = {.num_points = merge->result->num_points};
    bool complete = true;
    for (size_t i = 0; i < merge->num_lines && complete; i++)
        complete = merge_shards_add(&shards, &merge->lines[i].shard);
    if (complete && merge->num_lines < merge->result->num_points)
        merge_shards_note(&shards, merge->notes);
    merge_shards_clear(&shards);
    return complete ? ERROR_NONE : error_memory(error, "the shards", (double)sizeof shards);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* Reads the line once more, into text; it is to be what it was. */
static enum error_kind read_again(char *text, const struct merge_line *line, int from, const char *path,
                                  struct error *error)
{
    size_t size = 0;
    ssize_t count = 1;
    while (size < line->size && count > 0) {
        count = pread(from, text + size, line->size - size, line->start + (off_t)size);
        if (count < 0 && errno != EINTR)
            return error_set(error, ERROR_SYSTEM, "cannot read %s: %s", path, strerror(errno));
        size += count > 0 ? (size_t)count : 0;
        count = count < 0 ? 1 : count;
    }
    if (size == line->size && XXH64(text, size, 0) == line->text)
        return ERROR_NONE;
    return error_set(error, ERROR_SYSTEM, "%s changes while it is read: a run is writing it", path);
}

static enum error_kind copy_lines(const struct merge *merge, const int *from, int to, const char *target,
                                  struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    size_t capacity = 0;
    for (size_t i = 0; i < merge->num_lines; i++)
        capacity = merge->lines[i].size > capacity ? merge->lines[i].size : capacity;
    char *text = malloc(capacity + 1);
    if (!text)
        return error_memory(error, "a record", (double)capacity);
    for (size_t i = 0; i < merge->num_lines && !kind; i++) {
        const struct merge_line *line = &merge->lines[i];
        kind = read_again(text, line, from[line->file], merge->options->paths[line->file], error);
        text[line->size] = '\n';
        if (!kind)
            kind = file_write(to, target, text, line->size + 1, error);
    }
    free(text);
    return kind;
}

static enum error_kind replace(const struct merge *merge, const int *from, struct error *error)
{
    const char *target = merge->options->results;
    struct replacement file;
    enum error_kind kind = replacement_open(&file, target, error);
    if (kind)
        return kind;
    kind = copy_lines(merge, from, file.descriptor, target, error);
    if (!kind)
        return replacement_keep(&file, error);
    replacement_drop(&file);
    return kind;
}

/* What a run is writing is not replaced. */
static enum error_kind write_from(const struct merge *merge, const int *from, struct error *error)
{
    const char *target = merge->options->results;
    int held;
    if (strcmp(target, "-") == 0)
        return copy_lines(merge, from, STDOUT_FILENO, target, error);
    enum error_kind kind = file_hold(&held, target, error);
    if (!kind)
        kind = replace(merge, from, error);
    file_close(held, target, NULL);
    return kind;
}

/* Every shard's file is open while they are copied. */
static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return; /* opening tells if they are too many */
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static enum error_kind write_lines(const struct merge *merge, struct error *error)
{
    size_t count = merge->options->num_paths;
    enum error_kind kind = ERROR_NONE;
    int *from = malloc(count * sizeof *from);
    if (!from)
        return error_memory(error, "the files", (double)(count * sizeof *from));
    allow_many_files();
    for (size_t f = 0; f < count; f++) {
        from[f] = open(merge->options->paths[f], O_RDONLY | O_CLOEXEC);
        if (from[f] < 0 && !kind)
            kind = error_set(error, ERROR_SYSTEM, "cannot read %s: %s", merge->options->paths[f], strerror(errno));
    }
    if (!kind)
        kind = write_from(merge, from, error);
    for (size_t f = 0; f < count; f++)
        if (from[f] >= 0)
            close(from[f]);
    free(from);
    return kind;
}

enum error_kind merge_results(struct merge_result *result, const struct merge_options *options, FILE *notes,
                              struct error *error)
{
    struct merge merge = {.options = options, .result = result, .notes = notes};
    *result = (struct merge_result){.num_records = 0};
    enum error_kind kind = read_files(&merge, error);
    if (!kind) {
        drop_duplicates(&merge);
        note_missing(&merge);
        kind = note_shards(&merge, error);
        result->num_records = merge.num_lines;
    }
    if (!kind && result->num_contradictions == 0)
        kind = check_whole(&merge, error);
    if (!kind && result->num_contradictions == 0)
        kind = write_lines(&merge, error);
    for (size_t i = 0; i < merge.num_lines; i++)
        free(merge.lines[i].key);
    json_decref(merge.run);
    json_decref(merge.build);
    free(merge.device);
    free(merge.kernel_digest);
    free(merge.lines);
    return kind;
}
