#include "harness/subject/callback.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xxhash.h>

#include "reference/float_environment.h"

enum { ZONE_BYTES = 4096, ZONE_BYTE = 0xa5, TEXT_SIZE = 512 };

/* A buffer that the kernel writes to, between zones that it must not. */
struct guarded {
    const char *name;
    char *memory; /* zone, buffer, zone; NULL: there is none */
    size_t size_bytes;
};

enum { GIVEN_Q, GIVEN_K, GIVEN_V, GIVEN_VISIBLE, GIVEN_COUNT };
/* In place of k and v, of all sequences together. */
enum { GIVEN_K_PAGES, GIVEN_V_PAGES, GIVEN_BLOCK_TABLE, GIVEN_SEQ_LENS, GIVEN_OF_PAGES_COUNT };

/* What the kernel reads. */
struct given_tensor {
    const void *bytes; /* the problem's, or */
    void *copy;        /* the kernel's own; NULL: the problem's */
    size_t size_bytes;
    uint64_t digest; /* before the launch */
};

/* A sequence as the kernel sees it. */
struct guarded_sequence {
    struct guarded out, lse;
    struct given_tensor given[GIVEN_COUNT];
};

struct launching {
    const struct callback *callback;
    const struct sequences *sequences;
    struct alibicheck_kernel_sequence *seen; /* [count] */
    struct guarded_sequence *guarded;        /* [count] */
    struct given_tensor pages[GIVEN_OF_PAGES_COUNT];
    struct given_tensor slopes, sinks;
};

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- buffers ----------------------------------------------------------------------------------------------------- */

static void *buffer_of(const struct guarded *guarded)
{
    return guarded->memory ? guarded->memory + ZONE_BYTES : NULL;
}

static bool guard(struct guarded *guarded, const char *name, const void *content, size_t size_bytes)
{
    *guarded = (struct guarded){.name = name, .size_bytes = size_bytes};
    if (!content)
        return true;
    size_t all = size_bytes + 2 * ZONE_BYTES;
    guarded->memory = aligned_alloc(ZONE_BYTES, (all + ZONE_BYTES - 1) / ZONE_BYTES * ZONE_BYTES);
    if (!guarded->memory)
        return false;
    memset(guarded->memory, ZONE_BYTE, all);
    memcpy(buffer_of(guarded), content, size_bytes);
    return true;
}

/* Tells of the first byte of a zone that was written to. */
static void audit_zones(const struct guarded *guarded, struct memory_audit *audit)
{
    const unsigned char *bytes = (const unsigned char *)guarded->memory;
    for (size_t i = 0; bytes && !audit->breached && i < guarded->size_bytes + 2 * ZONE_BYTES; i++) {
        if (i == ZONE_BYTES)
            i += guarded->size_bytes;
        if (bytes[i] != ZONE_BYTE)
            *audit =
                (struct memory_audit){guarded->name, (ptrdiff_t)i - ZONE_BYTES, guarded->size_bytes, audit->changed};
    }
}

static size_t kv_bytes(const struct problem *problem)
{
    return (size_t)problem->seq_len * (size_t)problem->num_kv_heads * (size_t)problem->head_dim *
           dtypes[problem_kv_dtype(problem)].size_bytes;
}

static uint64_t hash(const void *bytes, size_t size_bytes)
{
    return bytes ? XXH3_64bits(bytes, size_bytes) : 0;
}

/* false: there is no memory for a copy. */
static bool give(struct given_tensor *given, const void *bytes, size_t size_bytes, bool copied)
{
    *given = (struct given_tensor){.bytes = bytes, .size_bytes = size_bytes};
    if (bytes && copied) {
        const size_t whole_bytes = (size_bytes / ZONE_BYTES + 1) * ZONE_BYTES;
        given->copy = aligned_alloc(ZONE_BYTES, whole_bytes);
        if (!given->copy)
            return false;
        given->bytes = memcpy(given->copy, bytes, size_bytes);
        memset((char *)given->copy + size_bytes, ZONE_BYTE, whole_bytes - size_bytes);
    }
    given->digest = hash(given->bytes, size_bytes);
    return true;
}

static bool give_sequence(struct guarded_sequence *sequence, const struct problem *problem, bool paged, bool copied)
{
    const size_t q_bytes = (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes;
    return give(&sequence->given[GIVEN_Q], problem->q, q_bytes, copied) &&
           give(&sequence->given[GIVEN_K], paged ? NULL : problem->k, kv_bytes(problem), copied) &&
           give(&sequence->given[GIVEN_V], paged ? NULL : problem->v, kv_bytes(problem), copied) &&
           give(&sequence->given[GIVEN_VISIBLE], problem->visible, (size_t)problem->seq_len, copied);
}

static bool give_pages(struct given_tensor given[], const struct sequences *sequences, bool copied)
{
    const struct paged_cache *pages = sequences->pages;
    const size_t count = (size_t)sequences->count;
    const size_t pool_bytes = paged_cache_bytes(pages, sequences->problems);
    return give(&given[GIVEN_K_PAGES], pages->k, pool_bytes, copied) &&
           give(&given[GIVEN_V_PAGES], pages->v, pool_bytes, copied) &&
           give(&given[GIVEN_BLOCK_TABLE], pages->block_table,
                count * (size_t)pages->max_pages * sizeof *pages->block_table, copied) &&
           give(&given[GIVEN_SEQ_LENS], pages->seq_lens, count * sizeof *pages->seq_lens, copied);
}

static bool is_changed(const struct given_tensor *given)
{
    return hash(given->bytes, given->size_bytes) != given->digest;
}

/* ---- launches ---------------------------------------------------------------------------------------------------- */

static struct alibicheck_kernel_launch describe(const struct launching *launching)
{
    const struct problem *first = launching->sequences->problems;
    const bool fp8 = first->kv_format != KV_AS_DTYPE;
    const struct paged_cache *pages = launching->sequences->pages;
    struct alibicheck_kernel_launch launch = {
        .sequences = launching->seen,
        .num_sequences = launching->sequences->count,
        .num_queries = problem_queries(first),
        .num_heads = first->num_heads,
        .num_kv_heads = first->num_kv_heads,
        .head_dim = first->head_dim,
        .dtype = ability_of_dtype(first->dtype),
        .kv_dtype = ability_of_dtype(problem_kv_dtype(first)),
        .scale = first->scale,
        .k_scale = fp8 ? first->k_scale : 1,
        .v_scale = fp8 ? first->v_scale : 1,
        .soft_cap = first->soft_cap ? first->soft_cap_value : 0,
        .soft_cap_after_bias = first->soft_cap == SOFT_CAP_AFTER_BIAS,
        .slopes = launching->slopes.bytes,
        .sink_logits = launching->sinks.bytes,
    };
    if (pages) {
        launch.page_size = pages->page_size;
        launch.num_pages = (int32_t)pages->num_pages;
        launch.max_pages = pages->max_pages;
        launch.k_pages = launching->pages[GIVEN_K_PAGES].bytes;
        launch.v_pages = launching->pages[GIVEN_V_PAGES].bytes;
        launch.block_table = launching->pages[GIVEN_BLOCK_TABLE].bytes;
        launch.seq_lens = launching->pages[GIVEN_SEQ_LENS].bytes;
    }
    return launch;
}

static enum error_kind prepare(struct launching *launching, struct error *error)
{
    const struct sequences *sequences = launching->sequences;
    size_t count = (size_t)sequences->count;
    launching->seen = calloc(count, sizeof *launching->seen);
    launching->guarded = calloc(count, sizeof *launching->guarded);
    if (!launching->seen || !launching->guarded)
        return error_memory(error, "a launch", (double)(count * sizeof *launching->guarded));
    const bool lse = launching->callback->takes & (ALIBICHECK_KERNEL_LSE | ALIBICHECK_KERNEL_LSE_BASE2);
    const bool copied = launching->callback->copies;
    for (size_t i = 0; i < count; i++) {
        const struct problem *problem = &sequences->problems[i];
        const struct output *output = &sequences->outputs[i];
        struct guarded_sequence *guarded = &launching->guarded[i];
        size_t out_bytes = (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes;
        size_t lse_bytes = (size_t)problem_rows(problem) * sizeof(float);
        if (!guard(&guarded->out, "out", output->out, out_bytes) ||
            !guard(&guarded->lse, "lse", lse ? output->lse : NULL, lse_bytes))
            return error_memory(error, "the output of a launch", (double)(out_bytes + lse_bytes));
        if (!give_sequence(guarded, problem, sequences->pages, copied))
            return error_memory(error, "the inputs of a launch", 2 * (double)kv_bytes(problem));
        launching->seen[i] = (struct alibicheck_kernel_sequence){
            .seq_len = problem->seq_len,
            .q_position = problem->q_position,
            .kv_offset = problem->kv_offset,
            .q = guarded->given[GIVEN_Q].bytes,
            .k = guarded->given[GIVEN_K].bytes,
            .v = guarded->given[GIVEN_V].bytes,
            .visible = guarded->given[GIVEN_VISIBLE].bytes,
            .out = buffer_of(&guarded->out),
            .lse = buffer_of(&guarded->lse),
        };
    }
    const struct problem *first = sequences->problems;
    const size_t slopes_bytes = (size_t)first->num_heads * sizeof(float);
    if (!give(&launching->slopes, first->slopes, slopes_bytes, copied) ||
        !give(&launching->sinks, first->sink_logits, slopes_bytes, copied) ||
        (sequences->pages && !give_pages(launching->pages, sequences, copied)))
        return error_memory(error, "the inputs of a launch", (double)slopes_bytes);
    return ERROR_NONE;
}

static void audit_inputs(const struct launching *launching, struct memory_audit *audit)
{
    static const char *const names[GIVEN_COUNT] = {"q", "k", "v", "visible"};
    static const char *const of_pages[GIVEN_OF_PAGES_COUNT] = {"k_pages", "v_pages", "block_table", "seq_lens"};
    for (int i = 0; i < launching->sequences->count; i++)
        for (int t = 0; t < GIVEN_COUNT && !audit->changed; t++)
            if (is_changed(&launching->guarded[i].given[t]))
                audit->changed = names[t];
    for (int t = 0; t < GIVEN_OF_PAGES_COUNT && !audit->changed; t++)
        if (is_changed(&launching->pages[t]))
            audit->changed = of_pages[t];
    if (!audit->changed && is_changed(&launching->slopes))
        audit->changed = "slopes";
    if (!audit->changed && is_changed(&launching->sinks))
        audit->changed = "sink_logits";
}

/* What was written, and where: outputs first, so that a stray write to another sequence's is not lost. */
static void take(const struct launching *launching, struct memory_audit *audit)
{
    for (int i = 0; i < launching->sequences->count; i++) {
        const struct guarded_sequence *guarded = &launching->guarded[i];
        const struct output *output = &launching->sequences->outputs[i];
        memcpy(output->out, buffer_of(&guarded->out), guarded->out.size_bytes);
        if (guarded->lse.memory)
            memcpy(output->lse, buffer_of(&guarded->lse), guarded->lse.size_bytes);
        if (audit) {
            audit_zones(&guarded->out, audit);
            audit_zones(&guarded->lse, audit);
        }
    }
    if (audit)
        audit_inputs(launching, audit);
}

/* ---- what is written too late ------------------------------------------------------------------------------------ */

void callback_clear(struct callback *callback)
{
    for (size_t i = 0; i < callback->num_kept; i++)
        free(callback->kept[i].memory);
    free(callback->kept);
    callback->kept = NULL;
    callback->num_kept = 0;
}

size_t callback_kept_bytes(const struct callback *callback)
{
    size_t bytes = callback->kept ? malloc_usable_size(callback->kept) : 0;
    for (size_t i = 0; i < callback->num_kept; i++)
        bytes += malloc_usable_size(callback->kept[i].memory);
    return bytes;
}

static void audit_kept(const struct callback *callback, struct memory_audit *audit)
{
    for (size_t i = 0; i < callback->num_kept && !audit->breached; i++) {
        const struct callback_kept *kept = &callback->kept[i];
        if (hash(kept->memory, kept->size_bytes) != kept->digest)
            *audit = (struct memory_audit){"an output of the launch before, after it had returned", 0,
                                           kept->size_bytes - 2 * ZONE_BYTES, audit->changed};
    }
}

static void keep(struct callback *callback, struct guarded *guarded)
{
    size_t size_bytes = guarded->size_bytes + 2 * ZONE_BYTES;
    if (!guarded->memory)
        return;
    callback->kept[callback->num_kept++] =
        (struct callback_kept){guarded->memory, size_bytes, hash(guarded->memory, size_bytes)};
    guarded->memory = NULL;
}

/* Puts the outputs in the place of those that were kept, as far as there is memory for a list of them. */
static void keep_outputs(struct callback *callback, struct launching *launching)
{
    callback_clear(callback);
    callback->kept = calloc(2 * (size_t)launching->sequences->count, sizeof *callback->kept);
    for (int i = 0; callback->kept && i < launching->sequences->count; i++) {
        keep(callback, &launching->guarded[i].out);
        keep(callback, &launching->guarded[i].lse);
    }
}

static void clear(struct launching *launching)
{
    for (int i = 0; launching->guarded && i < launching->sequences->count; i++) {
        free(launching->guarded[i].out.memory);
        free(launching->guarded[i].lse.memory);
        for (int t = 0; t < GIVEN_COUNT; t++)
            free(launching->guarded[i].given[t].copy);
    }
    for (int t = 0; t < GIVEN_OF_PAGES_COUNT; t++)
        free(launching->pages[t].copy);
    free(launching->slopes.copy);
    free(launching->sinks.copy);
    free(launching->guarded);
    free(launching->seen);
}

/* A digest of what a kernel may be compiled for, or have caches of. */
static uint64_t shape_of(const struct sequences *sequences)
{
    uint64_t shape = (uint64_t)sequences->count;
    for (int i = 0; i < sequences->count; i++) {
        const struct problem *problem = &sequences->problems[i];
        const int64_t numbers[] = {problem->seq_len,
                                   problem_queries(problem),
                                   problem->num_heads,
                                   problem->num_kv_heads,
                                   problem->head_dim,
                                   (int64_t)problem->dtype,
                                   (int64_t)problem->kv_format,
                                   (int64_t)problem->soft_cap,
                                   problem->visible != NULL,
                                   problem->sink_logits != NULL,
                                   sequences->pages ? sequences->pages->page_size : 0,
                                   sequences->pages ? sequences->pages->num_pages : 0};
        shape = XXH3_64bits_withSeed(numbers, sizeof numbers, shape);
    }
    return shape;
}

static size_t out_bytes(const struct sequences *sequences)
{
    size_t bytes = 0;
    for (int i = 0; i < sequences->count; i++)
        bytes += (size_t)problem_elements(&sequences->problems[i]) * dtypes[sequences->problems[i].dtype].size_bytes;
    return bytes;
}

static enum error_kind run(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                           double *seconds, struct error *error)
{
    struct callback *callback = launcher;
    const struct alibicheck_kernel *kernel = callback->kernel;
    struct launching launching = {.callback = callback, .sequences = sequences};
    char text[TEXT_SIZE] = "";
    enum error_kind kind = prepare(&launching, error);
    if (!kind) {
        const struct alibicheck_kernel_launch launch = describe(&launching);
        if (callback->leftover)
            leftover_begin(callback->leftover);
        const struct float_environment floats = float_environment_enter(); /* which the kernel may change */
        double start = now_s();
        int32_t status = kernel->launch(kernel->context, &launch, text, sizeof text);
        *seconds = now_s() - start;
        float_environment_leave(&floats);
        if (callback->leftover)
            leftover_end(callback->leftover, shape_of(sequences), out_bytes(sequences));
        text[TEXT_SIZE - 1] = 0;
        if (status)
            kind = error_set(error, ERROR_SUBJECT, "kernel %s failed with %d%s%s", kernel->name, (int)status,
                             *text ? ": " : "", text);
    }
    if (!kind)
        take(&launching, audit);
    if (!kind && audit)
        audit_kept(callback, audit);
    if (launching.guarded && launching.seen)
        keep_outputs(callback, &launching);
    clear(&launching);
    return kind;
}

const struct foreign_launcher callback_launcher = {.run = run, .audits = true, .keeps = true};
