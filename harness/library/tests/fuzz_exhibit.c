/*
 * libFuzzer entry for the reader of bundles without k and v: any bytes as such a file. It is refused with one line that
 * says what is allowed, or it is judged, by itself and by another tolerance, and what comes of it keeps its promises. A
 * digest that does not fit is mended, since no mutation hits one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/library/judged_again.h"
#include "harness/library/judged_record.h"
#include "harness/support/tests/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    char folder[SCRATCH_SIZE], path[SCRATCH_PATH_SIZE];
    int descriptor; /* of a file in memory, which the path is a link to */
} the = {.descriptor = -1};

static void demand(bool holds, const char *promise)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", promise);
    abort();
}

static void leave_no_folder(void)
{
    unlink(the.path);
    rmdir(the.folder);
}

static void make_folder(void)
{
    char target[64];
    demand(scratch_folder(the.folder, "fuzz_exhibit"), "a folder");
    the.descriptor = memfd_create("fuzz_exhibit", MFD_CLOEXEC);
    demand(the.descriptor >= 0, "a file in memory");
    snprintf(the.path, sizeof the.path, "%s/a.safetensors", the.folder);
    snprintf(target, sizeof target, "/proc/self/fd/%d", the.descriptor);
    demand(symlink(target, the.path) == 0 && atexit(leave_no_folder) == 0, "a link");
}

static void check_error(enum error_kind kind, const struct error *error)
{
    demand(kind == ERROR_USAGE, "what is wrong is refused");
    demand(strncmp(error->text, the.path, strlen(the.path)) == 0, "the file's name");
    demand(strstr(error->text, "; allowed: ") != NULL, "what is allowed");
    for (const char *c = error->text; *c; c++)
        demand((unsigned char)*c >= ' ' && *c != '\x7f', "one printable line");
}

static void check_judged(const struct judged_output *judged, const struct judging *judging)
{
    const char *status = judged_status(judging, judged);
    const struct metrics *total = &judged->verdict.total;
    bool passes = !strcmp(status, "pass");
    demand(total->elements == (int64_t)judged->truth.num_rows * judged->truth.head_dim, "all elements");
    demand(!passes || (total->mismatched == 0 && total->lse_off == 0) || judging->criterion.mode == JUDGE_BUDGET,
           "what passes has no mismatch");
    demand(!passes || (judged->finding.signature == SIGNATURE_NONE && judged->contract.num_fits == 0),
           "what passes has no cause");
    demand(criterion_decide(&judging->criterion, total) == DECISION_PASS || judged->finding.signature != SIGNATURE_NONE,
           "numbers that fail have one, if unknown");
}

static enum error_kind judge_it(struct error *error, double wider)
{
    struct exhibit_bundle bundle;
    struct judged_output judged = {.input_digest = 0};
    enum error_kind kind = exhibit_bundle_read(&bundle, the.path, error);
    struct judging judging = {.criterion = bundle.criterion, .demand = bundle.demand};
    judging.criterion.tolerance.atol += wider;
    if (!kind)
        kind = judge_again(&judged, &bundle, &judging, error);
    if (!kind)
        check_judged(&judged, &judging);
    else
        check_error(kind, error);
    judged_output_clear(&judged);
    exhibit_bundle_clear(&bundle);
    return kind;
}

/* Puts in the place of a digest that is said the one that there is. */
static bool mend(uint8_t *bytes, size_t size, const char *refused)
{
    const char *said = strstr(refused, "_digest is "), *is = said ? strstr(said, " has ") : NULL;
    is = is ? is : said ? strstr(said, " have ") : NULL;
    if (!said || !is)
        return false;
    said += strlen("_digest is ");
    is = strrchr(is, ' ') && strstr(is, "; allowed") ? strstr(is, "; allowed") - 16 : is;
    uint8_t *at = memmem(bytes, size, said, 16);
    if (!at)
        return false;
    memcpy(at, is, 16);
    return true;
}

static void put(const uint8_t *bytes, size_t size)
{
    demand(ftruncate(the.descriptor, (off_t)size) == 0 && pwrite(the.descriptor, bytes, size, 0) == (ssize_t)size,
           "a file");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    uint8_t *bytes = malloc(size + 1);
    if (the.descriptor < 0)
        make_folder();
    demand(bytes != NULL, "memory");
    if (size > 0)
        memcpy(bytes, data, size);
    put(bytes, size);
    for (int i = 0; i < 4 && judge_it(&error, 0) && mend(bytes, size, error.text); i++)
        put(bytes, size);
    judge_it(&error, 0.5);
    free(bytes);
    return 0;
}
