#include "harness/command/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/support/replacement.h"
#include "harness/support/source.h"
#include "harness/support/text_stream.h"

enum { WIDTH_DEFAULT = 80, FIELDS_MAX = 64 };

/* A format that is printed, and where to. */
struct printout {
    const struct compare_format *format;
    bool to_stdout; /* else to the file */
    struct replacement file;
};

struct work {
    const struct compare_options *options;
    struct results base, new;
    struct where *where;
    struct collation collation;
    struct compare_field columns[FIELDS_MAX], order[FIELDS_MAX];
    struct compare_view view;
    struct printout outputs[COMPARE_FORMAT_COUNT];
    size_t num_outputs;
    struct replacement baseline;
    struct baseline_change baseline_change;
    bool baseline_is_open;
    int lock; /* descriptor of the folder of the baseline that is updated, or -1 */
};

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

static enum error_kind parse_fields(struct compare_field *fields, size_t *count, const char *option, const char *names,
                                    struct error *error)
{
    *count = 0;
    while (names) {
        size_t size = strcspn(names, ",");
        if (*count == FIELDS_MAX)
            return error_set(error, ERROR_USAGE, "%s: more than %d fields", option, FIELDS_MAX);
        enum error_kind kind = compare_field_parse(&fields[(*count)++], option, names, size, error);
        if (kind)
            return kind;
        names = names[size] ? names + size + 1 : NULL;
    }
    return ERROR_NONE;
}

static int terminal_width(void)
{
    struct winsize size;
    bool known = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : WIDTH_DEFAULT;
}

static enum error_kind make_view(struct work *work, struct error *error)
{
    const struct compare_options *options = work->options;
    const char *no_colour = getenv("NO_COLOR");
    struct compare_view *view = &work->view;
    *view = (struct compare_view){
        .collation = &work->collation,
        .columns = work->columns,
        .order = work->order,
        .verbose = options->verbose,
        .gitlab = options->gitlab,
        .updates = options->update_baseline,
        .colour = isatty(STDOUT_FILENO) && (!no_colour || !*no_colour),
        .breaks_keys = options->width || isatty(STDOUT_FILENO),
        .width = options->width ? options->width : terminal_width(),
    };
    enum error_kind kind = parse_fields(work->columns, &view->num_columns, "--columns", options->columns, error);
    return kind ? kind : parse_fields(work->order, &view->num_order, "--sort", options->order, error);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* "-" is standard input, whatever file that is. */
static const char *input_file(const char *path)
{
    return strcmp(path, "-") == 0 ? "/dev/stdin" : path;
}

/* Whether output i is a file that is read, or that another output is written to, be it by way of standard output. */
static bool is_taken(const struct compare_options *options, int i)
{
    const char *path = options->outputs[i];
    if (!path || strcmp(path, "-") == 0)
        return false;
    bool taken = file_same(path, input_file(options->base)) || file_same(path, input_file(options->new));
    for (int j = 0; j < COMPARE_FORMAT_COUNT; j++) {
        const char *other = options->outputs[j];
        taken |= j != i && other && (j < i || strcmp(other, "-") == 0) && file_same(path, other);
    }
    return taken;
}

/* A comparison of a file with itself finds nothing; an output in the place of an input would lose it. */
static enum error_kind check_paths(const struct compare_options *options, struct error *error)
{
    char quoted[PATH_QUOTE_SIZE];
    if (strcmp(options->base, options->new) == 0 || file_same(input_file(options->base), input_file(options->new)))
        return error_set(error, ERROR_USAGE, "%s: the same file twice; allowed: two files",
                         quote_path(quoted, options->new));
    for (int i = 0; i < COMPARE_FORMAT_COUNT; i++) {
        if (is_taken(options, i))
            return error_set(error, ERROR_USAGE, "--%s=%s: the same file as another; allowed: a file of its own",
                             compare_formats[i]->option, quote_path(quoted, options->outputs[i]));
    }
    if (options->update_baseline && strcmp(options->base, "-") == 0)
        return error_set(error, ERROR_USAGE, "--update-baseline: BASE is standard input; allowed: a file");
    return ERROR_NONE;
}

static enum error_kind open_outputs(struct work *work, struct error *error)
{
    const struct compare_options *options = work->options;
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < COMPARE_FORMAT_COUNT && !kind; i++) {
        struct printout *printout = &work->outputs[work->num_outputs];
        printout->format = compare_formats[i];
        printout->to_stdout = options->outputs[i] && strcmp(options->outputs[i], "-") == 0;
        if (options->outputs[i] && !printout->to_stdout)
            kind = replacement_open(&printout->file, options->outputs[i], error);
        work->num_outputs += options->outputs[i] && !kind;
    }
    if (!kind && options->update_baseline) {
        kind = replacement_open(&work->baseline, options->base, error);
        work->baseline_is_open = !kind;
    }
    return kind;
}

/*
 * Waits until nobody else updates a baseline of that folder, so that what is read has all that others have written. The
 * file cannot be locked itself, as another takes its place. -1 where the file system has no locks.
 */
static int lock_folder_of(const char *path)
{
    char *target = realpath(path, NULL);
    target = target ? target : strdup(path);
    int descriptor = target ? open(dirname(target), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(target);
    while (descriptor >= 0 && flock(descriptor, LOCK_EX) != 0)
        if (errno != EINTR) {
            close(descriptor);
            descriptor = -1;
        }
    return descriptor;
}

/* A baseline that is to be written and is not there yet has no points. */
static enum error_kind read_base(struct work *work, struct error *error)
{
    const struct compare_options *options = work->options;
    char quoted[PATH_QUOTE_SIZE];
    if (options->update_baseline)
        work->lock = lock_folder_of(options->base);
    if (options->update_baseline && access(options->base, F_OK) != 0 && errno == ENOENT) {
        work->base = (struct results){.path = options->base, .is_baseline = true};
        return ERROR_NONE;
    }
    if (strcmp(options->base, "-") != 0 && access(options->base, F_OK) != 0 && errno == ENOENT)
        return error_set(error, ERROR_USAGE,
                         "cannot open %s: No such file or directory; allowed: records, a baseline, or with "
                         "--update-baseline a new one",
                         quote_path(quoted, options->base));
    enum error_kind kind = results_read(&work->base, options->base, error);
    if (!kind && options->update_baseline && !work->base.is_baseline)
        kind = error_set(error, ERROR_USAGE, "--update-baseline: %s has records; allowed: a baseline, or a new file",
                         results_name(&work->base));
    return kind;
}

static enum error_kind read_files(struct work *work, struct error *error)
{
    enum error_kind kind = read_base(work, error);
    if (!kind)
        kind = results_read(&work->new, work->options->new, error);
    return kind;
}

/* ---- what comes of it -------------------------------------------------------------------------------------------- */

/* The whole text is made before a byte is written. */
static enum error_kind print(struct printout *printout, const struct compare_view *view, struct error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = text_stream_open(&text, &size);
    bool complete = stream && printout->format->print(stream, view);
    complete = stream && fclose(stream) == 0 && complete;
    enum error_kind kind = ERROR_NONE;
    if (!complete)
        kind = error_memory(error, "what is printed", (double)size);
    else if (printout->to_stdout)
        kind = file_write(STDOUT_FILENO, "standard output", text, size, error);
    else
        kind = file_write(printout->file.descriptor, printout->file.target, text, size, error);
    free(text);
    return kind;
}

static enum error_kind write_baseline(struct work *work, struct error *error)
{
    char *text;
    struct baseline_change *change = &work->baseline_change;
    enum error_kind kind = baseline_update(&text, change, &work->collation, &work->options->notes, error);
    if (kind)
        return kind;
    kind = file_write(work->baseline.descriptor, work->baseline.target, text, strlen(text), error);
    free(text);
    work->baseline_is_open = false;
    if (kind)
        replacement_drop(&work->baseline);
    else
        kind = replacement_keep(&work->baseline, error);
    if (!kind)
        fprintf(stderr, "alibicheck: %s: %zu added, %zu changed, %zu removed, %zu as they were\n", work->options->base,
                change->added, change->changed, change->removed, change->kept);
    return kind;
}

/* Those to standard output, or those to files. */
static enum error_kind print_outputs(struct work *work, bool to_stdout, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0; i < work->num_outputs && !kind; i++)
        if (work->outputs[i].to_stdout == to_stdout)
            kind = print(&work->outputs[i], &work->view, error);
    return kind;
}

/* Each is kept while all is well. */
static enum error_kind close_outputs(struct work *work, enum error_kind kind, struct error *error)
{
    for (size_t i = 0; i < work->num_outputs; i++) {
        struct printout *printout = &work->outputs[i];
        if (printout->to_stdout)
            continue;
        if (kind)
            replacement_drop(&printout->file);
        else
            kind = replacement_keep(&printout->file, error);
    }
    if (work->baseline_is_open)
        replacement_drop(&work->baseline);
    return kind;
}

int compare_files(const struct compare_options *options, struct error *error)
{
    struct work work = {.options = options, .lock = -1};
    enum error_kind kind = check_paths(options, error);
    if (!kind)
        kind = make_view(&work, error);
    if (!kind && options->where)
        kind = where_parse_names(&work.where, options->where, &compare_field_names, error);
    if (!kind)
        kind = open_outputs(&work, error);
    if (!kind)
        kind = read_files(&work, error);
    if (!kind)
        kind = collate(&work.collation, &work.base, &work.new, &options->rules, work.where, error);
    const bool is_compared = !kind;
    if (!kind)
        kind = print_outputs(&work, false, error);
    if (!kind && options->update_baseline)
        kind = write_baseline(&work, error);
    work.view.updated = !kind && options->update_baseline ? &work.baseline_change : NULL;
    kind = close_outputs(&work, kind, error);
    /* Last: where nobody reads it, as behind `| head`, it may end the program. What an update is refused for is there.
     */
    if (is_compared) {
        const enum error_kind printed = print_outputs(&work, true, kind ? NULL : error);
        kind = kind ? kind : printed;
    }
    int code = kind || options->update_baseline ? (int)kind : (int)collation_result(&work.collation);
    collation_clear(&work.collation);
    if (work.lock >= 0)
        close(work.lock);
    where_free(work.where);
    results_clear(&work.new);
    results_clear(&work.base);
    return code;
}
