/*
 * What `alibicheck judge` promises of whatever it is given to open: it is refused in one line, or every sequence of it
 * is a problem that can be judged. For fuzz targets, each of which has a folder with files in memory.
 */
#ifndef HARNESS_COMMAND_TESTS_JUDGE_PROMISES_H
#define HARNESS_COMMAND_TESTS_JUDGE_PROMISES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/command/judge_input.h"

/* ---- a file of any bytes ----------------------------------------------------------------------------------------- */

static inline void judge_demand(bool holds, const char *promise)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", promise);
    abort();
}

/* A file in memory, which path becomes a link to. */
static inline int judge_file_at(const char *path)
{
    char target[64];
    int descriptor = memfd_create("fuzz", MFD_CLOEXEC);
    judge_demand(descriptor >= 0, "a file in memory");
    snprintf(target, sizeof target, "/proc/self/fd/%d", descriptor);
    judge_demand(symlink(target, path) == 0, "a link");
    return descriptor;
}

static inline void judge_fill(int descriptor, const void *data, size_t size)
{
    judge_demand(ftruncate(descriptor, 0) == 0 && ftruncate(descriptor, (off_t)size) == 0 &&
                     pwrite(descriptor, data, size, 0) == (ssize_t)size,
                 "a file");
}

/* ---- what is promised -------------------------------------------------------------------------------------------- */

static inline bool judge_is_problem(const struct problem *shape)
{
    return shape->num_heads >= 1 && shape->num_kv_heads >= 1 && shape->num_heads % shape->num_kv_heads == 0 &&
           shape->head_dim >= 1 && shape->head_dim <= 1024 && shape->seq_len >= 0 && shape->seq_len <= 1 << 30 &&
           problem_queries(shape) >= 1;
}

static inline const char *judge_promise_broken(const struct judge_input *input, enum error_kind kind,
                                               const struct error *error)
{
    if (kind == ERROR_SYSTEM)
        return NULL;
    if (kind)
        return kind == ERROR_USAGE && *error->text && !strchr(error->text, '\n') ? NULL : "a refusal is a line";
    if (input->num_sequences < 0)
        return "sequences";
    for (int i = 0; i < input->num_sequences; i++) {
        const struct judged_sequence *sequence = &input->sequences[i];
        if (!sequence->point.given || !sequence->given.key)
            return "a sequence has a name";
        if (!input->claim && (!sequence->source || !judge_is_problem(&sequence->source->shape)))
            return "a sequence is a problem";
        if (!input->claim && sequence->source->num_parts < 1)
            return "a problem has parts";
    }
    return NULL;
}

/* Opens what a path names and demands that the promises hold. */
static inline void judge_look(const char *exhibit)
{
    const struct judge_options options = {.exhibit = exhibit, .threads = 1};
    struct judge_input input = {.num_sequences = 0};
    struct error error = {.text = ""};
    enum error_kind kind = judge_input_open(&input, &options, &error);
    const char *broken = judge_promise_broken(&input, kind, &error);
    judge_demand(!broken, broken);
    judge_input_clear(&input);
}

#endif
