#include "harness/subject/foreign.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/subject/launch_watch.h"
#include "harness/subject/run_failure.h"
#include "kernels/launch_setting.h"

/* Two pages of memory for k of each, as many for v, and one of page tables: 22 MiB. More than 1024, a usual part. */
enum { FAR_KEYS = 1088 };

static const struct foreign_subject *foreign_of(const struct subject *subject)
{
    return (const struct foreign_subject *)(const void *)subject;
}

static void make_natural(const struct sequences *sequences)
{
    for (int i = 0; i < sequences->count; i++)
        for (int row = 0; sequences->outputs[i].lse && row < problem_rows(&sequences->problems[i]); row++)
            sequences->outputs[i].lse[row] = (float)((double)sequences->outputs[i].lse[row] * M_LN2);
}

/* NULL where there is no memory for them. far_elements: of the pool; without pages the strides say it. */
static struct sequence_strides *make_strides(const struct foreign_subject *foreign, const struct sequences *sequences,
                                             int64_t far_elements)
{
    struct sequence_strides *strides = calloc((size_t)sequences->count, sizeof *strides);
    for (int i = 0; strides && i < sequences->count; i++) {
        const struct problem *problem = &sequences->problems[i];
        if (foreign->far && !sequences->pages) {
            far_strides_make(&strides[i], problem, foreign->far, foreign->near);
        } else {
            sequence_strides_make(&strides[i], problem, sequences->pages, foreign->layout);
            strides[i].far_elements = far_elements;
        }
    }
    return strides;
}

/* Adds to what was said of a launch that failed on several sequences how long they were: one of them may be why. */
static enum error_kind name_sequences(const struct sequences *sequences, struct error *error)
{
    const struct error failure = *error;
    int64_t shortest = INT64_MAX, longest = 0;
    for (int i = 0; i < sequences->count; i++) {
        const int64_t keys = sequences->problems[i].seq_len;
        shortest = keys < shortest ? keys : shortest;
        longest = keys > longest ? keys : longest;
    }
    error_set(error, ERROR_SUBJECT, "%.4000s; launched on %d sequences of %lld to %lld keys", failure.text,
              sequences->count, (long long)shortest, (long long)longest);
    return run_failed(error, run_failure_of(&failure));
}

static enum error_kind run(const struct subject *subject, const struct sequences *sequences, struct memory_audit *audit,
                           double *seconds, struct error *error)
{
    const struct foreign_subject *foreign = foreign_of(subject);
    struct memory_audit seen = {.changed = ""};
    struct paged_cache cache = {.k = NULL};
    struct sequences given = *sequences;
    struct sequence_strides *strides = NULL;
    int64_t far_elements = 0;
    enum error_kind kind = ERROR_NONE;
    if (foreign->pages.size > 0) {
        kind = paged_cache_lay_out(&cache, sequences, &foreign->pages, error);
        if (!kind && foreign->far)
            kind =
                paged_cache_scatter(&cache, sequences->problems, sequences->count, foreign->near, &far_elements, error);
        given.pages = &cache;
    }
    if (!kind && (foreign->layout || foreign->far)) {
        given.strides = strides = make_strides(foreign, &given, far_elements);
        kind = strides ? ERROR_NONE : error_memory(error, "strides", (double)given.count * sizeof *strides);
    }
    if (!kind)
        kind = foreign->how->run(foreign->launcher, &given, &seen, seconds, error);
    if (kind == ERROR_SUBJECT && sequences->count > 1 && error)
        kind = name_sequences(sequences, error);
    if (foreign->subject.watch)
        launch_watch_take(foreign->subject.watch, sequences, kind, &seen);
    if (foreign->read)
        memory_stray_join(foreign->read, &seen.read);
    if (audit)
        *audit = seen;
    free(strides);
    paged_cache_clear(&cache);
    if (!kind && foreign->kernel->takes & ALIBICHECK_KERNEL_LSE_BASE2)
        make_natural(sequences);
    return kind;
}

static struct rounding_model rounding(const struct subject *subject, const struct problem *problem)
{
    const struct foreign_subject *foreign = foreign_of(subject);
    return foreign->model(foreign->set, problem);
}

/* Another size of pages that the kernel takes; 0: there is none. */
static int other_page_size(const struct foreign_subject *foreign)
{
    const struct foreign_kernel *kernel = foreign->kernel;
    if (foreign->pages.size == 0)
        return 0;
    if (kernel->num_page_sizes == 0)
        return foreign->pages.size == 16 ? 32 : 16;
    for (int i = 0; i < kernel->num_page_sizes; i++)
        if (kernel->page_sizes[i] != foreign->pages.size)
            return kernel->page_sizes[i];
    return 0;
}

static enum error_kind make_other(struct subject **other, const struct foreign_subject *foreign,
                                  const struct page_setting *setting, unsigned layout, struct error *error)
{
    struct foreign_subject *copy = malloc(sizeof *copy);
    if (!copy)
        return error_memory(error, "a subject", (double)sizeof *copy);
    *copy = foreign_subject_paged(foreign, setting);
    copy->layout = layout;
    if (layout) { /* what shows there alone is told of that alone, but for reads, which show nowhere else */
        copy->subject.watch = NULL;
        copy->read = foreign->subject.watch ? &foreign->subject.watch->audit.read : foreign->read;
    }
    *other = &copy->subject;
    return ERROR_NONE;
}

static enum error_kind repartition(const struct subject *subject, int64_t seq_len, struct subject **other, char *text,
                                   struct error *error)
{
    const struct foreign_subject *foreign = foreign_of(subject);
    const int size = other_page_size(foreign);
    const struct page_setting setting = {.size = size > 0 ? size : foreign->pages.size,
                                         .seed = foreign->pages.seed + 1,
                                         .wide = true, /* a kernel may cut its keys by what the table has room for */
                                         .most_keys = foreign->kernel->max_seq_len};
    (void)seq_len;
    *other = NULL;
    snprintf(text, SUBJECT_TEXT_SIZE, "with page_size %d and a wider table", setting.size);
    if (setting.size > 0)
        return make_other(other, foreign, &setting, foreign->layout, error);
    snprintf(text, SUBJECT_TEXT_SIZE, "how the kernel cuts its keys is its own");
    return ERROR_NONE;
}

/* What of a layout the kernel takes. An address that is not said to be anything else is a multiple of 16 bytes for
 * every kernel; one of lse, and of the other inputs, is one of a number. */
static unsigned layout_taken(const struct foreign_subject *foreign, unsigned layout)
{
    const struct foreign_kernel *kernel = foreign->kernel;
    if (layout == LAYOUT_PLACED)
        return foreign->how->places && !(kernel->takes & ALIBICHECK_KERNEL_UNALIGNED) ? layout : 0;
    if (layout == LAYOUT_NUMBERS)
        return foreign->how->places ? layout : 0;
    const unsigned strides = kernel->takes & ALIBICHECK_KERNEL_STRIDES ? LAYOUT_ROWS_APART | LAYOUT_HEADS_FIRST : 0;
    return layout & (strides | (kernel->takes & ALIBICHECK_KERNEL_UNALIGNED ? LAYOUT_UNALIGNED : 0));
}

static enum error_kind relayout(const struct foreign_subject *foreign, unsigned layout, struct subject **other,
                                char *text, struct error *error)
{
    const unsigned taken = layout_taken(foreign, layout);
    *other = NULL;
    tensor_layout_name(text, taken);
    if (taken)
        return make_other(other, foreign, &foreign->pages, taken, error);
    snprintf(text, SUBJECT_TEXT_SIZE, "%s takes packed tensors that are aligned", foreign->kernel->name);
    return ERROR_NONE;
}

/* k and v so far apart, where the kernel takes them in some way that lets them be, that no 32 bits hold an offset. */
static enum error_kind put_far(const struct foreign_subject *foreign, const struct launch_setting *setting,
                               struct subject **other, char *text, struct error *error)
{
    const struct foreign_launcher *how = foreign->how;
    const bool paged = foreign->pages.size > 0, strided = foreign->kernel->takes & ALIBICHECK_KERNEL_STRIDES;
    *other = NULL;
    if (!paged && !strided)
        snprintf(text, SUBJECT_TEXT_SIZE,
                 "k and v are packed here, so that what is far from the first key needs memory");
    else if (!how->far)
        snprintf(text, SUBJECT_TEXT_SIZE, "%s",
                 how->why_not_far ? how->why_not_far : "its process does not say that it can lay k and v so far apart");
    else if (paged && setting->far_heads)
        snprintf(text, SUBJECT_TEXT_SIZE, "heads of a page lie side by side");
    if ((!paged && !strided) || !how->far || (paged && setting->far_heads))
        return ERROR_NONE;
    snprintf(text, SUBJECT_TEXT_SIZE, "where %s 3 * 2^31 elements %s",
             paged                ? "pages begin"
             : setting->far_heads ? "KV heads lie up to"
                                  : "keys lie up to",
             paged ? "into their pool" : "apart");
    enum error_kind kind = make_other(other, foreign, &foreign->pages, 0, error);
    if (!kind) {
        struct foreign_subject *made = (struct foreign_subject *)(void *)*other;
        made->far = setting->far_heads ? FAR_HEADS : FAR_ROWS;
        made->near = setting->near;
    }
    return kind;
}

static enum error_kind share_pages(const struct foreign_subject *foreign, struct subject **other, char *text,
                                   struct error *error)
{
    struct page_setting shared = foreign->pages;
    shared.shared = true;
    *other = NULL;
    snprintf(text, SUBJECT_TEXT_SIZE, "there are no pages");
    return shared.size > 0 ? make_other(other, foreign, &shared, foreign->layout, error) : ERROR_NONE;
}

static enum error_kind resettle(const struct subject *subject, const struct launch_setting *setting,
                                struct subject **other, char *text, struct error *error)
{
    const struct foreign_subject *foreign = foreign_of(subject);
    struct page_setting elsewhere = foreign->pages;
    if (setting->shared_pages)
        return share_pages(foreign, other, text, error);
    if (setting->layout)
        return relayout(foreign, setting->layout, other, text, error);
    if ((setting->far_rows || setting->far_heads) && !setting->backward && !setting->misplaced)
        return put_far(foreign, setting, other, text, error);
    *other = NULL;
    elsewhere.seed++;
    elsewhere.pool += elsewhere.pool > 0; /* a pool of no said size is one page larger than it has to be */
    snprintf(text, SUBJECT_TEXT_SIZE, "where its pages lie elsewhere");
    if (setting->misplaced && !setting->backward && !setting->far_rows && foreign->pages.size > 0)
        return make_other(other, foreign, &elsewhere, 0, error);
    snprintf(text, SUBJECT_TEXT_SIZE, "how the kernel is launched is its own");
    return ERROR_NONE;
}

static bool is_masked(const struct problem *problem)
{
    for (int64_t key = 0; problem->visible && key < problem->seq_len; key++)
        if (!problem->visible[key])
            return true;
    return false;
}

static bool has_slopes(const struct problem *problem)
{
    for (int head = 0; head < problem->num_heads; head++)
        if (problem->slopes[head] != 0)
            return true;
    return false;
}

static bool takes(const struct subject *subject, const struct problem *problem, int num_sequences, char *text)
{
    const struct foreign_subject *foreign = foreign_of(subject);
    const struct problem_extras extras = {is_masked(problem), has_slopes(problem), problem->sink_logits != NULL,
                                          foreign->pages.size, problem->seq_len};
    return foreign_kernel_takes(foreign->kernel, problem, &extras, num_sequences, text);
}

/* A copy of what it is given is made where it is launched. */
static double workspace_bytes(const struct subject *subject, const struct problem *shape)
{
    double row = (double)shape->num_kv_heads * shape->head_dim * (double)dtypes[problem_kv_dtype(shape)].size_bytes;
    (void)subject;
    return 2 * (double)(shape->seq_len + shape->kv_slots) * row;
}

static const struct subject_ops foreign_ops = {
    .run = run,
    .rounding = rounding,
    .repartition = repartition,
    .resettle = resettle,
    .takes = takes,
    .workspace_bytes = workspace_bytes,
};

struct foreign_subject foreign_subject(const struct foreign_kernel *kernel, const struct foreign_launcher *how,
                                       void *launcher)
{
    const unsigned lse = ALIBICHECK_KERNEL_LSE | ALIBICHECK_KERNEL_LSE_BASE2;
    return (struct foreign_subject){
        /* Kernels may multiply what is masked by 0, so it must be finite. */
        .subject = {.ops = &foreign_ops,
                    .without_lse = !(kernel->takes & lse),
                    .without_audit = !how->audits,
                    .without_poison = !how->keeps,
                    .may_differ = !(kernel->takes & ALIBICHECK_KERNEL_SAME_BITS),
                    .without_slots = true,
                    .own_head_dim = kernel->num_head_dims == 0,
                    .any_order = true,
                    .far_keys = FAR_KEYS,
                    .least_logit = -INFINITY,
                    .masked_k = {-4, 4},
                    .masked_v = {-4, 4}},
        .kernel = kernel,
        .how = how,
        .launcher = launcher,
    };
}

struct foreign_subject foreign_subject_paged(const struct foreign_subject *foreign, const struct page_setting *setting)
{
    struct foreign_subject paged = *foreign;
    paged.pages = *setting;
    paged.subject.without_slots = setting->size == 0; /* a last page has some */
    return paged;
}
