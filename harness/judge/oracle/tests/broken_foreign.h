/* Kernels that are not ours, broken on purpose for the tests of the oracles: in how they find keys by strides or by
 * pages, and in batches. */
#ifndef HARNESS_JUDGE_ORACLE_TESTS_BROKEN_FOREIGN_H
#define HARNESS_JUDGE_ORACLE_TESTS_BROKEN_FOREIGN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/class/class_rounding.h"
#include "harness/judge/oracle/tests/broken_answer.h"
#include "harness/subject/far_tensor.h"
#include "harness/subject/foreign.h"

/* What stands where k of a problem would be packed, in memory that the caller frees. */
static void *take_for_packed(struct problem *told, const struct tensor_strides *strides)
{
    const struct strided_shape shape = strided_shape(told, NULL, STRIDED_K);
    const size_t bytes = strided_bytes(strides, &shape), first = (size_t)strides->first * sizeof(float);
    void *memory = malloc(bytes);
    assert_non_null(memory);
    memset(memory, dtype_nan_byte(told->dtype), bytes);
    strided_spread(memory, told->k, strides, &shape);
    told->k = (char *)memory + first;
    told->kv_slots = 0; /* the copy has none */
    return memory;
}

/* That takes strides, and reads k by none: the host device's, of what stands where k would be packed. of_both: only
 * where heads stand before keys and rows lie apart, too. */
static enum error_kind run_without_strides(void *launcher, const struct sequences *sequences,
                                           struct memory_audit *audit, double *seconds, struct error *error,
                                           bool of_both)
{
    const struct shipped_subject *sound = launcher;
    struct problem told[MAX_SEQUENCES];
    const struct sequences as_told = {told, sequences->outputs, sequences->count, NULL, NULL, false};
    void *memory = NULL;
    memcpy(told, sequences->problems, (size_t)sequences->count * sizeof *told);
    const struct tensor_strides *strides = sequences->strides ? &sequences->strides->of[STRIDED_K] : NULL;
    if (strides && !(of_both && (strides->head <= strides->row || strides->row <= told->head_dim))) {
        assert_int_equal(sequences->count, 1);
        memory = take_for_packed(told, strides);
    }
    enum error_kind kind = sound->subject.ops->run(&sound->subject, &as_told, audit, seconds, error);
    free(memory);
    return kind;
}

/* The same of the second sequence of a launch alone. */
static enum error_kind run_with_packed_keys_of_the_second(void *launcher, const struct sequences *sequences,
                                                          struct memory_audit *audit, double *seconds,
                                                          struct error *error)
{
    const struct shipped_subject *sound = launcher;
    struct problem told[MAX_SEQUENCES];
    const struct sequences as_told = {told, sequences->outputs, sequences->count, NULL, NULL, false};
    void *memory = NULL;
    memcpy(told, sequences->problems, (size_t)sequences->count * sizeof *told);
    if (sequences->strides && sequences->count > 1)
        memory = take_for_packed(&told[1], &sequences->strides[1].of[STRIDED_K]);
    enum error_kind kind = sound->subject.ops->run(&sound->subject, &as_told, audit, seconds, error);
    free(memory);
    return kind;
}

static enum error_kind run_with_packed_keys(void *launcher, const struct sequences *sequences,
                                            struct memory_audit *audit, double *seconds, struct error *error)
{
    return run_without_strides(launcher, sequences, audit, seconds, error, false);
}

static enum error_kind run_with_one_stride(void *launcher, const struct sequences *sequences,
                                           struct memory_audit *audit, double *seconds, struct error *error)
{
    return run_without_strides(launcher, sequences, audit, seconds, error, true);
}

/* That takes strides, and fails to run where rows of k lie apart; of_both: and heads stand before keys, too. */
static enum error_kind fail_apart(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                                  double *seconds, struct error *error, bool of_both, enum run_failure how)
{
    const struct shipped_subject *sound = launcher;
    const struct tensor_strides *strides = sequences->strides ? &sequences->strides->of[STRIDED_K] : NULL;
    const struct sequences packed = {sequences->problems, sequences->outputs, sequences->count, NULL, NULL, false};
    const int dim = sequences->problems->head_dim;
    if (strides && strides->row > dim && strides->head > dim && (!of_both || strides->head > strides->row)) {
        error_set(error, ERROR_SUBJECT, "it does not run");
        return run_failed(error, how);
    }
    return sound->subject.ops->run(&sound->subject, &packed, audit, seconds, error);
}

static enum error_kind crash_apart(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                                   double *seconds, struct error *error)
{
    return fail_apart(launcher, sequences, audit, seconds, error, false, RUN_FAILURE_CRASH);
}

static enum error_kind crash_of_both(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                                     double *seconds, struct error *error)
{
    return fail_apart(launcher, sequences, audit, seconds, error, true, RUN_FAILURE_CRASH);
}

static enum error_kind hang_apart(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                                  double *seconds, struct error *error)
{
    return fail_apart(launcher, sequences, audit, seconds, error, false, RUN_FAILURE_HANG);
}

static enum error_kind refuse_apart(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                                    double *seconds, struct error *error)
{
    return fail_apart(launcher, sequences, audit, seconds, error, false, RUN_FAILURE_REFUSAL);
}

/* That takes strides, and reads k where 32 bits hold of one stride's share of an offset what they can. */
static enum error_kind run_with_offsets_of_32_bits(void *launcher, const struct sequences *sequences,
                                                   struct memory_audit *audit, double *seconds, struct error *error,
                                                   enum far_axis cuts)
{
    const struct shipped_subject *sound = launcher;
    struct problem told[MAX_SEQUENCES];
    const struct sequences as_told = {told, sequences->outputs, sequences->count, NULL, NULL, false};
    struct far_tensor far = {.memory = NULL};
    char *memory = NULL;
    memcpy(told, sequences->problems, (size_t)sequences->count * sizeof *told);
    if (sequences->strides && sequences->strides->far_elements > 0) {
        const struct tensor_strides *strides = &sequences->strides->of[STRIDED_K];
        const struct strided_shape shape = strided_shape(told, NULL, STRIDED_K);
        const int64_t rows = strided_rows(&shape), row_bytes = shape.dim * (int64_t)sizeof(float);
        assert_int_equal(sequences->count, 1);
        assert_non_null(memory = malloc((size_t)(rows * row_bytes)));
        assert_true(far_tensor_make(&far, told->k, strides, &shape, sequences->strides->far_elements));
        for (int64_t i = 0; i < rows; i++) {
            const int64_t of_key = i / shape.heads * strides->row, of_head = i % shape.heads * strides->head;
            const int64_t place =
                cuts == FAR_ROWS ? (int32_t)(uint32_t)of_key + of_head : of_key + (int32_t)(uint32_t)of_head;
            memcpy(memory + i * row_bytes, far.first + place * (int64_t)sizeof(float), (size_t)row_bytes);
        }
        told->k = memory;
        told->kv_slots = 0; /* the copy has none */
    }
    enum error_kind kind = sound->subject.ops->run(&sound->subject, &as_told, audit, seconds, error);
    far_tensor_clear(&far);
    free(memory);
    return kind;
}

static enum error_kind run_with_keys_of_32_bits(void *launcher, const struct sequences *sequences,
                                                struct memory_audit *audit, double *seconds, struct error *error)
{
    return run_with_offsets_of_32_bits(launcher, sequences, audit, seconds, error, FAR_ROWS);
}

static enum error_kind run_with_heads_of_32_bits(void *launcher, const struct sequences *sequences,
                                                 struct memory_audit *audit, double *seconds, struct error *error)
{
    return run_with_offsets_of_32_bits(launcher, sequences, audit, seconds, error, FAR_HEADS);
}

/* Runs sequences as others than they are. */
static enum error_kind run_as_told(void *launcher, const struct sequences *sequences, struct problem *told,
                                   struct memory_audit *audit, double *seconds, struct error *error)
{
    const struct shipped_subject *sound = launcher;
    const struct sequences as_told = {told, sequences->outputs, sequences->count, NULL, NULL, false};
    return sound->subject.ops->run(&sound->subject, &as_told, audit, seconds, error);
}

/* A path of its own for launches whose sequences have one length, in which v is the first one's. */
static enum error_kind run_with_one_length(void *launcher, const struct sequences *sequences,
                                           struct memory_audit *audit, double *seconds, struct error *error)
{
    struct problem told[MAX_SEQUENCES];
    bool one_length = true;
    for (int i = 0; i < sequences->count; i++) {
        told[i] = sequences->problems[i];
        one_length &= told[i].seq_len == told[0].seq_len;
    }
    for (int i = 0; i < sequences->count && one_length; i++)
        told[i].v = told[0].v;
    return run_as_told(launcher, sequences, told, audit, seconds, error);
}

/* Goes through the pool, where a page is of the last sequence that has it: others do without. */
static enum error_kind run_with_owned_pages(void *launcher, const struct sequences *sequences,
                                            struct memory_audit *audit, double *seconds, struct error *error)
{
    const struct paged_cache *pages = sequences->pages;
    struct problem told[MAX_SEQUENCES];
    for (int i = 0; i < sequences->count; i++) {
        told[i] = sequences->problems[i];
        for (int later = i + 1; later < sequences->count; later++)
            if (told[i].seq_len > 0 && sequences->problems[later].seq_len > 0 &&
                pages->block_table[i * pages->max_pages] == pages->block_table[later * pages->max_pages])
                told[i].seq_len -= pages->page_size;
    }
    return run_as_told(launcher, sequences, told, audit, seconds, error);
}

/* Keys are counted from where those of the first sequence are. */
static enum error_kind run_with_first_offset(void *launcher, const struct sequences *sequences,
                                             struct memory_audit *audit, double *seconds, struct error *error)
{
    struct problem told[MAX_SEQUENCES];
    for (int i = 0; i < sequences->count; i++) {
        told[i] = sequences->problems[i];
        told[i].kv_offset = told[0].kv_offset;
    }
    return run_as_told(launcher, sequences, told, audit, seconds, error);
}

/* Loops end a key early, but for the longest sequence. */
static enum error_kind run_up_to_the_longest(void *launcher, const struct sequences *sequences,
                                             struct memory_audit *audit, double *seconds, struct error *error)
{
    struct problem told[MAX_SEQUENCES];
    int64_t longest = 0;
    for (int i = 0; i < sequences->count; i++) {
        told[i] = sequences->problems[i];
        longest = told[i].seq_len > longest ? told[i].seq_len : longest;
    }
    for (int i = 0; i < sequences->count; i++)
        told[i].seq_len -= told[i].seq_len > 0 && told[i].seq_len < longest;
    return run_as_told(launcher, sequences, told, audit, seconds, error);
}

/* Masks are read where the first sequence has one. */
static enum error_kind run_with_mask_if_first(void *launcher, const struct sequences *sequences,
                                              struct memory_audit *audit, double *seconds, struct error *error)
{
    struct problem told[MAX_SEQUENCES];
    for (int i = 0; i < sequences->count; i++) {
        told[i] = sequences->problems[i];
        told[i].visible = told[0].visible ? told[i].visible : NULL;
        told[i].masks = told[i].visible ? told[i].masks : NULL;
    }
    return run_as_told(launcher, sequences, told, audit, seconds, error);
}

/* All rows of a launch have one maximum. */
static enum error_kind run_with_one_maximum(void *launcher, const struct sequences *sequences,
                                            struct memory_audit *audit, double *seconds, struct error *error)
{
    struct problem told[MAX_SEQUENCES];
    float maximum = -INFINITY;
    memcpy(told, sequences->problems, (size_t)sequences->count * sizeof *told);
    enum error_kind kind = run_as_told(launcher, sequences, told, audit, seconds, error);
    for (int i = 0; i < sequences->count && sequences->count > 1; i++)
        maximum = fmaxf(maximum, maximum_of(&told[i], &sequences->outputs[i]));
    for (int i = 0; i < sequences->count && sequences->count > 1; i++)
        rows_below(&told[i], &sequences->outputs[i], maximum);
    return kind;
}

/* How launches of two sequences were cut is kept, by a length: of another one that has it no more keys are looked at
 * than the parts of CHUNK keys hold that there were then. kept: of each length, 0 at first. */
typedef int64_t kept_parts[2 * N + 1][2];

static enum error_kind run_with_parts_of_before(void *launcher, const struct sequences *sequences,
                                                struct memory_audit *audit, double *seconds, struct error *error,
                                                kept_parts kept, int64_t length)
{
    struct problem told[MAX_SEQUENCES];
    for (int i = 0; i < sequences->count; i++) {
        told[i] = sequences->problems[i];
        if (sequences->count != 2)
            continue;
        assert_in_range(length, 0, 2 * N);
        if (kept[length][i] == 0)
            kept[length][i] = (told[i].seq_len / CHUNK + 1) * CHUNK;
        told[i].seq_len = told[i].seq_len < kept[length][i] ? told[i].seq_len : kept[length][i];
    }
    return run_as_told(launcher, sequences, told, audit, seconds, error);
}

static enum error_kind run_with_parts_by_first(void *launcher, const struct sequences *sequences,
                                               struct memory_audit *audit, double *seconds, struct error *error)
{
    static kept_parts kept;
    return run_with_parts_of_before(launcher, sequences, audit, seconds, error, kept, sequences->problems[0].seq_len);
}

static enum error_kind run_with_parts_by_last(void *launcher, const struct sequences *sequences,
                                              struct memory_audit *audit, double *seconds, struct error *error)
{
    static kept_parts kept;
    const int64_t length = sequences->problems[sequences->count - 1].seq_len;
    return run_with_parts_of_before(launcher, sequences, audit, seconds, error, kept, length);
}

static enum error_kind run_with_parts_by_sum(void *launcher, const struct sequences *sequences,
                                             struct memory_audit *audit, double *seconds, struct error *error)
{
    static kept_parts kept;
    int64_t sum = 0;
    for (int i = 0; i < sequences->count; i++)
        sum += sequences->problems[i].seq_len;
    return run_with_parts_of_before(launcher, sequences, audit, seconds, error, kept, sum);
}

static const struct foreign_launcher of_32_bits[] = {
    [FAR_ROWS] = {.run = run_with_keys_of_32_bits, .audits = true, .keeps = true, .far = true},
    [FAR_HEADS] = {.run = run_with_heads_of_32_bits, .audits = true, .keeps = true, .far = true}};
static const struct foreign_launcher crashes_apart = {.run = crash_apart, .audits = true, .keeps = true},
                                     crashes_of_both = {.run = crash_of_both, .audits = true, .keeps = true},
                                     hangs_apart = {.run = hang_apart, .audits = true, .keeps = true},
                                     refuses_apart = {.run = refuse_apart, .audits = true, .keeps = true};
static const struct foreign_launcher one_stride = {.run = run_with_one_stride, .audits = true, .keeps = true};
static const struct foreign_launcher packed_second = {
    .run = run_with_packed_keys_of_the_second, .audits = true, .keeps = true};
static const struct foreign_launcher packed_keys = {.run = run_with_packed_keys, .audits = true, .keeps = true};
static const struct foreign_kernel with_packed_keys = {
    .name = "packed_keys",
    .takes = ALIBICHECK_KERNEL_F32 | ALIBICHECK_KERNEL_GQA | ALIBICHECK_KERNEL_BATCH | ALIBICHECK_KERNEL_ALIBI |
             ALIBICHECK_KERNEL_POSITION | ALIBICHECK_KERNEL_MASK | ALIBICHECK_KERNEL_LSE | ALIBICHECK_KERNEL_SAME_BITS |
             ALIBICHECK_KERNEL_STRIDES,
    .arithmetic = "f32",
};

static const struct foreign_kernel with_pages = {
    .name = "with_pages",
    .takes = ALIBICHECK_KERNEL_F32 | ALIBICHECK_KERNEL_GQA | ALIBICHECK_KERNEL_BATCH | ALIBICHECK_KERNEL_ALIBI |
             ALIBICHECK_KERNEL_POSITION | ALIBICHECK_KERNEL_MASK | ALIBICHECK_KERNEL_LSE | ALIBICHECK_KERNEL_SAME_BITS |
             ALIBICHECK_KERNEL_PAGES,
    .arithmetic = "f32",
};

/* In a batch. */
static const struct broken_in_batch {
    const char *run_was; /* as what of a launch it is seen */
    struct foreign_launcher launcher;
} broken_in_batches[] = {
    {"as the first of " TRIAL_BATCH_TEXT " in one launch",
     {.run = run_up_to_the_longest, .audits = true, .keeps = true}},
    {"as the second of 2 of one length in one launch, v constant",
     {.run = run_with_one_length, .audits = true, .keeps = true}},
    {"as the second of 2 in one launch, behind a short one",
     {.run = run_with_first_offset, .audits = true, .keeps = true}},
    {"as the second of 2 in one launch, behind a short one",
     {.run = run_with_mask_if_first, .audits = true, .keeps = true}},
    {"as the second of 2 in one launch, behind a short one without a mask that scores far more",
     {.run = run_with_one_maximum, .audits = true, .keeps = true}},
    {"as the first of 2 in one launch that share their first pages",
     {.run = run_with_owned_pages, .audits = true, .keeps = true}},
    {"as the first of 2 in one launch, before a short one without a mask that scores far more",
     {.run = run_with_parts_by_sum, .audits = true, .keeps = true}},
    {"as the first of 2 of one length in one launch", {.run = run_with_parts_by_last, .audits = true, .keeps = true}},
    {"as the second of 2 of one length in one launch, v constant",
     {.run = run_with_parts_by_first, .audits = true, .keeps = true}},
};

static struct foreign_subject foreign_broken(struct shipped_subject *sound, enum far_axis cuts)
{
    struct foreign_subject foreign = foreign_subject(&with_packed_keys, cuts ? &of_32_bits[cuts] : &packed_keys, sound);
    foreign.model = class_rounding_model; /* of f32: no other roundings */
    foreign.subject.any_order = false;
    return foreign;
}

static struct foreign_subject foreign_in_batch(struct shipped_subject *sound, const struct broken_in_batch *broken)
{
    const struct foreign_subject foreign = foreign_subject(&with_pages, &broken->launcher, sound);
    struct foreign_subject paged = foreign_subject_paged(&foreign, &(struct page_setting){.size = 16});
    paged.model = class_rounding_model;
    paged.subject.any_order = false;
    return paged;
}

#endif
