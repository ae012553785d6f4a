#include <stdio.h>
#include <stdlib.h>

#include "harness/command/command.h"
#include "harness/command/interrupt.h"
#include "harness/command/judge.h"
#include "harness/command/judge_trace.h"
#include "harness/command/lost_file.h"
#include "harness/command/options.h"
#include "harness/support/source.h"

/* One of those that are given, where they are several. */
static struct judge_options one_of(const struct judge_options *options, size_t at)
{
    struct judge_options one = *options;
    one.at = at;
    one.exhibit = options->exhibits.items[at];
    return one;
}

static void print_name(const struct judge_options *options)
{
    char quoted[PATH_QUOTE_SIZE];
    if (options->json || outputs_take_stdout(&options->outputs))
        return;
    printf("%s%s\n", options->at ? "\n" : "", quote_path(quoted, options->exhibit));
    fflush(stdout);
}

/* The worse of two exit codes: a system failure, or what could not be judged, then a wrong output. */
static int worse_of(int a, int b)
{
    return a > b ? a : b;
}

/* How those ended that have been judged. */
struct judged_ones {
    size_t count, wrong, unjudged; /* unjudged: that could not be, or were skipped */
    size_t first;                  /* that is not right */
};

static void count_one(struct judged_ones *ones, int code)
{
    enum { RIGHT, WRONG };
    if (code != RIGHT && ones->wrong + ones->unjudged == 0)
        ones->first = ones->count;
    ones->wrong += code == WRONG;
    ones->unjudged += code > WRONG;
    ones->count++;
}

/* A line of all, as the table of each ends in one of its own. */
static void print_ones(const struct judge_options *options, const struct judged_ones *ones)
{
    const size_t right = ones->count - ones->wrong - ones->unjudged;
    char quoted[PATH_QUOTE_SIZE];
    if (options->json || outputs_take_stdout(&options->outputs))
        return;
    printf("\n%zu of %zu outputs judged: %zu right, %zu wrong", ones->count, options->exhibits.count, right,
           ones->wrong);
    if (ones->unjudged > 0)
        printf(", %zu without a verdict", ones->unjudged);
    if (right < ones->count)
        printf("; first: %s", quote_path(quoted, options->exhibits.items[ones->first]));
    printf("\n");
}

/* One after the other, once it is known that all can be read. What is the reason of an exit code ends it. */
static int judge_several(const struct judge_options *options, struct progress *progress, struct error *error)
{
    int code = 0;
    for (size_t i = 0; i < options->exhibits.count && code == 0; i++) {
        const struct judge_options one = one_of(options, i);
        code = (int)judge_check(&one, error);
    }
    struct judged_ones ones = {.count = 0};
    bool has_ended = code != 0;
    const bool has_begun = !has_ended;
    for (size_t i = 0; i < options->exhibits.count && !has_ended; i++) {
        const struct judge_options one = one_of(options, i);
        print_name(&one);
        const int ended = judge(&one, progress, error);
        code = worse_of(code, ended);
        has_ended = error->text[0] != '\0';
        if (!has_ended)
            count_one(&ones, ended);
    }
    if (has_begun)
        print_ones(options, &ones);
    return code;
}

static int judge_command(int argc, char **argv, struct error *error)
{
    struct judge_options options = {.threads = 0};
    options_parse(judge_options_parser(), argc, argv, &options);
    struct progress *progress = interrupt_catch();
    options.progress = progress;
    lost_file_watch();
    int code = options.values[GIVEN_WRITE_INPUTS] ? (int)judge_trace_write(&options, error)
               : options.exhibits.count > 1       ? judge_several(&options, progress, error)
                                                  : judge(&options, progress, error);
    free(options.dtypes.items);
    free(options.exhibits.items);
    free(options.recipes.items);
    return code;
}

const struct command command_judge = {
    .name = "judge",
    .about = "judge an output of your own kernel from tensors in files",
    .parser = judge_options_parser,
    .run = judge_command,
};
