/* Kernels of this process: what they are told, what they are asked for, and what they must not touch. */
#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka.h wants these before it */
#include <cmocka.h>

#include "harness/subject/callback.h"
#include "harness/subject/tests/message_fixture.h"
#include "kernels/launch_setting.h"

/* ---- a kernel ---------------------------------------------------------------------------------------------------- */

enum stray {
    NOTHING,
    AFTER_OUT,
    BEFORE_LSE,
    IN_V,
    IN_SLOPES,
    PAST_K,
    BEFORE_Q,
    PAST_SLOPES,
    IN_LAST_LAUNCH,
    IN_LAST_AGAIN, /* what it has written there */
    IN_LAST_LSE,
    REFUSES,
    ROUNDS_UP,
    READS_STRIDES,
    BETWEEN_ROWS,
    PAST_WORKSPACE,
    READS_NUMBERS,
    BEFORE_NUMBERS /* of lse */
};

struct kernel {
    enum stray stray;
    char *last_out, *last_lse; /* of the launch before: the first sequence's, the last one's */
    uint64_t workspace_bytes;
    unsigned char workspace; /* its first byte, */
    bool is_filled;          /* and whether all others are the same */
    uint16_t before_q;       /* where q lies apart */
    struct alibicheck_kernel_launch seen;
};

/* out is q, each element where its strides say. */
static void copy_rows(const struct alibicheck_kernel_launch *launch)
{
    for (int i = 0; i < launch->num_sequences; i++) {
        const struct alibicheck_kernel_strides *strides = &launch->strides[i];
        const uint16_t *q = launch->sequences[i].q;
        uint16_t *out = launch->sequences[i].out;
        for (int query = 0; query < launch->num_queries; query++)
            for (int head = 0; head < launch->num_heads; head++)
                memcpy(out + query * strides->out_query + head * strides->out_head,
                       q + query * strides->q_query + head * strides->q_head, (size_t)launch->head_dim * sizeof *q);
    }
}

/* lse is the head's slope and sink, and the number of visible keys. None of them lies as an allocator's memory does. */
static void copy_numbers(const struct alibicheck_kernel_launch *launch)
{
    assert_int_equal((uintptr_t)launch->slopes % 16, sizeof(float));
    assert_int_equal((uintptr_t)launch->sink_logits % 16, sizeof(float));
    for (int i = 0; i < launch->num_sequences; i++) {
        const struct alibicheck_kernel_sequence *sequence = &launch->sequences[i];
        assert_int_equal((uintptr_t)sequence->lse % 16, sizeof(float));
        assert_true(!sequence->visible || (uintptr_t)sequence->visible % 16 == 1);
        for (int row = 0; row < launch->num_queries * launch->num_heads; row++) {
            const int head = row % launch->num_heads;
            sequence->lse[row] = launch->slopes[head] + launch->sink_logits[head];
            for (int64_t key = 0; key < sequence->seq_len; key++)
                sequence->lse[row] += !sequence->visible || sequence->visible[key] ? 1 : 0;
        }
    }
}

static uint64_t workspace_bytes(void *context, const struct alibicheck_kernel_launch *launch)
{
    const struct kernel *kernel = context;
    assert_int_equal(launch->num_heads, FIXTURE_HEADS);
    assert_null(launch->workspace);
    return kernel->workspace_bytes;
}

static void look_at_workspace(struct kernel *kernel, const struct alibicheck_kernel_launch *launch)
{
    unsigned char *bytes = launch->workspace;
    if (!bytes)
        return;
    kernel->workspace = bytes[0];
    kernel->is_filled = (uintptr_t)bytes % 256 == 0;
    for (uint64_t i = 0; i < launch->workspace_bytes; i++)
        kernel->is_filled &= bytes[i] == bytes[0];
    memset(bytes, 0x77, (size_t)launch->workspace_bytes);
    if (kernel->stray == PAST_WORKSPACE)
        bytes[launch->workspace_bytes] = 0;
}

/* out is the launch's number of bytes, lse the row. */
static int32_t launch(void *context, const struct alibicheck_kernel_launch *launch, char *text, uint64_t text_size)
{
    struct kernel *kernel = context;
    const struct alibicheck_kernel_sequence *first = launch->sequences;
    size_t rows = (size_t)launch->num_queries * (size_t)launch->num_heads, elements = rows * (size_t)launch->head_dim;
    kernel->seen = *launch;
    look_at_workspace(kernel, launch);
    if (kernel->stray == READS_NUMBERS || kernel->stray == BEFORE_NUMBERS) {
        copy_numbers(launch);
        if (kernel->stray == BEFORE_NUMBERS)
            ((char *)first->lse)[-3] = 0;
        return 0;
    }
    if (kernel->stray == READS_STRIDES || kernel->stray == BETWEEN_ROWS) {
        copy_rows(launch);
        if (launch->strides->q_head > launch->head_dim)
            kernel->before_q = ((const uint16_t *)first->q)[-1];
        if (kernel->stray == BETWEEN_ROWS)
            ((char *)first->out)[launch->head_dim * 2 + 1] = 1;
        return 0;
    }
    for (int i = 0; i < launch->num_sequences; i++) {
        memset(launch->sequences[i].out, 0x10 + i, elements * 2);
        for (size_t row = 0; row < rows && launch->sequences[i].lse; row++)
            launch->sequences[i].lse[row] = (float)row;
    }
    switch (kernel->stray) {
    case AFTER_OUT:
        ((char *)first->out)[elements * 2 + 9] = 0;
        break;
    case BEFORE_LSE:
        ((char *)first->lse)[-3] = 0;
        break;
    case IN_V:
        ((char *)(uintptr_t)first->v)[1] ^= 1;
        break;
    case IN_SLOPES:
        ((float *)(uintptr_t)launch->slopes)[2] += 1;
        break;
    case PAST_K:
        ((char *)(uintptr_t)first->k)[first->seq_len * launch->num_kv_heads * launch->head_dim + 2] = 0;
        break;
    case BEFORE_Q:
        ((char *)(uintptr_t)first->q)[-1] = 0;
        break;
    case PAST_SLOPES:
        ((char *)(uintptr_t)(launch->slopes + launch->num_heads))[ZONE_BYTES - 1] = 0;
        break;
    case IN_LAST_LAUNCH:
        if (kernel->last_out)
            kernel->last_out[1] ^= 1;
        kernel->last_out = first->out;
        break;
    case IN_LAST_AGAIN:
        if (kernel->last_out)
            kernel->last_out[1] = 0x10;
        kernel->last_out = first->out;
        break;
    case IN_LAST_LSE:
        if (kernel->last_lse)
            kernel->last_lse[1] ^= 1;
        kernel->last_lse = (char *)launch->sequences[launch->num_sequences - 1].lse;
        break;
    case REFUSES:
        snprintf(text, text_size, "no such engine");
        return 7;
    case ROUNDS_UP:
        fesetround(FE_UPWARD);
        break;
    default:
        break;
    }
    return 0;
}

static struct alibicheck_kernel describe(struct kernel *kernel, uint32_t takes)
{
    return (struct alibicheck_kernel){
        .abi = ALIBICHECK_KERNEL_ABI, .takes = takes, .name = "test", .context = kernel, .launch = launch};
}

enum { ALL = (1 << ABILITY_COUNT) - 1 - ALIBICHECK_KERNEL_LSE_BASE2 };

/* A kernel that takes all, a launch, and what came of it. */
struct callback_trial {
    struct kernel kernel;
    struct alibicheck_kernel described;
    struct callback callback;
    struct launch_fixture fixture;
    struct memory_audit audit;
    struct error error;
};

static void begin(struct callback_trial *trial, enum stray stray)
{
    *trial = (struct callback_trial){.kernel = {.stray = stray}};
    trial->described = describe(&trial->kernel, ALL);
    trial->callback = (struct callback){.kernel = &trial->described, .takes = ALL};
    launch_fixture_make(&trial->fixture);
}

static enum error_kind run_trial(struct callback_trial *trial)
{
    double seconds;
    return callback_launcher.run(&trial->callback, &trial->fixture.sequences, &trial->audit, &seconds, &trial->error);
}

static void assert_untouched(const struct callback_trial *trial)
{
    assert_string_equal(trial->audit.written.name, "");
    assert_string_equal(trial->audit.changed, "");
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void test_a_kernel_sees_the_launch(void **state)
{
    (void)state;
    struct callback_trial trial;
    begin(&trial, NOTHING);
    assert_int_equal(run_trial(&trial), ERROR_NONE);
    assert_int_equal(trial.kernel.seen.num_sequences, FIXTURE_SEQUENCES);
    assert_int_equal(trial.kernel.seen.num_queries, FIXTURE_QUERIES);
    assert_int_equal(trial.kernel.seen.num_kv_heads, FIXTURE_KV_HEADS);
    assert_int_equal(trial.kernel.seen.dtype, ALIBICHECK_KERNEL_F16);
    assert_int_equal(trial.kernel.seen.kv_dtype, ALIBICHECK_KERNEL_E4M3);
    assert_true(trial.kernel.seen.soft_cap == 30 && trial.kernel.seen.soft_cap_after_bias == 1);
    assert_true(trial.kernel.seen.k_scale == 0.5f && trial.kernel.seen.v_scale == 2);
    assert_int_equal(((uint8_t *)trial.fixture.out[1])[3], 0x11);
    assert_true(trial.fixture.lse[0][5] == 5);
    assert_untouched(&trial);
    callback_clear(&trial.callback);
}

static void test_what_is_not_the_kernel_s_is_watched(void **state)
{
    (void)state;
    static const struct {
        enum stray stray;
        const char *breached, *changed;
        int64_t offset;
    } rows[] = {
        {AFTER_OUT, "out", NULL, FIXTURE_QUERIES * FIXTURE_HEADS * FIXTURE_DIM * 2 + 9},
        {BEFORE_LSE, "lse", NULL, -3},
        {IN_V, NULL, "v", 0},
        {IN_SLOPES, NULL, "slopes", 0},
        {IN_LAST_LAUNCH, "an output of the launch before, after it had returned", NULL, 0},
        {IN_LAST_AGAIN, "an output of the launch before, after it had returned", NULL, 0},
        {IN_LAST_LSE, "an output of the launch before, after it had returned", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct callback_trial trial;
        begin(&trial, rows[i].stray);
        for (int run = 0; run < 2 && !*trial.audit.written.name && !*trial.audit.changed; run++)
            assert_int_equal(run_trial(&trial), ERROR_NONE);
        assert_true(!rows[i].breached == !*trial.audit.written.name && !rows[i].changed == !*trial.audit.changed);
        if (rows[i].breached) {
            assert_string_equal(trial.audit.written.name, rows[i].breached);
            assert_int_equal(trial.audit.written.offset_bytes, rows[i].offset);
        }
        if (rows[i].changed)
            assert_string_equal(trial.audit.changed, rows[i].changed);
        callback_clear(&trial.callback);
    }
}

static void make_strides(struct sequence_strides *strides, const struct launch_fixture *fixture)
{
    for (int i = 0; i < FIXTURE_SEQUENCES; i++)
        sequence_strides_make(&strides[i], &fixture->problems[i], NULL,
                              LAYOUT_ROWS_APART | LAYOUT_HEADS_FIRST | LAYOUT_UNALIGNED);
}

static void test_tensors_lie_where_strides_say(void **state)
{
    (void)state;
    struct callback_trial trial;
    struct sequence_strides strides[FIXTURE_SEQUENCES];
    begin(&trial, READS_STRIDES);
    make_strides(strides, &trial.fixture);
    for (int strided = 0; strided < 2; strided++) {
        memset(trial.fixture.out, 0, sizeof trial.fixture.out);
        trial.fixture.sequences.strides = strided ? strides : NULL;
        assert_int_equal(run_trial(&trial), ERROR_NONE);
        assert_memory_equal(trial.fixture.out, trial.fixture.q, sizeof trial.fixture.q);
        assert_untouched(&trial);
    }
    assert_int_equal(trial.kernel.before_q, 0xffff); /* NaN */
    callback_clear(&trial.callback);
}

static void test_numbers_lie_where_a_part_of_a_longer_tensor_does(void **state)
{
    static const enum stray strays[] = {READS_NUMBERS, BEFORE_NUMBERS};
    (void)state;
    for (size_t s = 0; s < sizeof strays / sizeof strays[0]; s++) {
        struct callback_trial trial;
        struct sequence_strides strides[FIXTURE_SEQUENCES];
        begin(&trial, strays[s]);
        for (int i = 0; i < FIXTURE_SEQUENCES; i++)
            sequence_strides_make(&strides[i], &trial.fixture.problems[i], NULL, LAYOUT_NUMBERS);
        trial.fixture.sequences.strides = strides;
        assert_int_equal(run_trial(&trial), ERROR_NONE);
        for (int i = 0; i < FIXTURE_SEQUENCES; i++)
            for (int row = 0; row < FIXTURE_QUERIES * FIXTURE_HEADS; row++)
                assert_true(trial.fixture.lse[i][row] == trial.fixture.slopes[row % FIXTURE_HEADS] +
                                                             trial.fixture.sinks[row % FIXTURE_HEADS] +
                                                             (i ? 6.0f : 5.0f));
        assert_string_equal(trial.audit.written.name, strays[s] == BEFORE_NUMBERS ? "lse" : "");
        assert_int_equal(trial.audit.written.offset_bytes, strays[s] == BEFORE_NUMBERS ? -3 : 0);
        assert_string_equal(trial.audit.changed, "");
        callback_clear(&trial.callback);
    }
}

/* What the kernel of READS_STRIDES may not do. */
static void test_what_lies_between_rows_is_watched(void **state)
{
    (void)state;
    struct callback_trial trial;
    struct sequence_strides strides[FIXTURE_SEQUENCES];
    begin(&trial, BETWEEN_ROWS);
    make_strides(strides, &trial.fixture);
    trial.fixture.sequences.strides = strides;
    assert_int_equal(run_trial(&trial), ERROR_NONE);
    assert_string_equal(trial.audit.written.name, "out between its rows");
    assert_int_equal(trial.audit.written.offset_bytes, FIXTURE_DIM * 2 + 1);
    callback_clear(&trial.callback);
}

static void test_a_workspace_is_other_memory_at_each_launch(void **state)
{
    (void)state;
    struct callback_trial trial;
    begin(&trial, NOTHING);
    trial.kernel.workspace_bytes = 1000;
    trial.described.workspace_bytes = workspace_bytes;
    for (int run = 0, before = -1; run < 5; run++) {
        assert_int_equal(run_trial(&trial), ERROR_NONE);
        assert_int_equal(trial.kernel.seen.workspace_bytes, 1000);
        assert_true(trial.kernel.is_filled);
        assert_int_not_equal(trial.kernel.workspace, before);
        assert_int_not_equal(trial.kernel.workspace, 0x77);
        assert_true(run > 0 || trial.kernel.workspace == 0xff); /* NaN */
        before = trial.kernel.workspace;
    }
    assert_string_equal(trial.audit.written.name, "");
    trial.kernel.stray = PAST_WORKSPACE;
    assert_int_equal(run_trial(&trial), ERROR_NONE);
    assert_string_equal(trial.audit.written.name, "workspace");
    assert_int_equal(trial.audit.written.offset_bytes, 1000);
    callback_clear(&trial.callback);
}

static void test_who_asks_for_no_workspace_has_none(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct callback_trial trial;
        begin(&trial, NOTHING);
        trial.kernel.workspace_bytes = way == 1 ? 8 : 0;
        trial.described.abi = way == 1 ? 3 : ALIBICHECK_KERNEL_ABI; /* whose structure ends before it */
        trial.described.workspace_bytes = way == 0 ? NULL : workspace_bytes;
        assert_int_equal(run_trial(&trial), ERROR_NONE);
        assert_null(trial.kernel.seen.workspace);
        assert_int_equal(trial.kernel.seen.workspace_bytes, 0);
        callback_clear(&trial.callback);
    }
}

static void test_a_workspace_beyond_memory_is_the_kernel_s_failure(void **state)
{
    (void)state;
    struct callback_trial trial;
    begin(&trial, NOTHING);
    trial.kernel.workspace_bytes = UINT64_MAX;
    trial.described.workspace_bytes = workspace_bytes;
    assert_int_equal(run_trial(&trial), ERROR_SUBJECT);
    assert_string_equal(
        trial.error.text,
        "test failed: it asks for a workspace of 18446744073709551615 bytes, for which there is no memory");
    callback_clear(&trial.callback);
}

/* Of a kernel of who judges. */
static void test_what_it_changes_is_a_copy(void **state)
{
    static const enum stray strays[] = {IN_V, IN_SLOPES};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct callback_trial trial;
        begin(&trial, strays[i]);
        trial.callback.giving = GIVE_A_COPY;
        const struct problem *first = trial.fixture.sequences.problems;
        const unsigned char v = ((const unsigned char *)first->v)[1];
        const float slope = first->slopes[2];
        assert_int_equal(run_trial(&trial), ERROR_NONE);
        assert_string_equal(trial.audit.changed, strays[i] == IN_V ? "v" : "slopes");
        assert_int_equal(((const unsigned char *)first->v)[1], v);
        assert_true(first->slopes[2] == slope);
        callback_clear(&trial.callback);
    }
}

static void test_the_rounding_that_it_sets_is_its_own(void **state)
{
    (void)state;
    struct callback_trial trial;
    begin(&trial, ROUNDS_UP);
    assert_int_equal(run_trial(&trial), ERROR_NONE);
    assert_int_equal(fegetround(), FE_TONEAREST);
    callback_clear(&trial.callback);
}

static void test_a_kernel_that_fails_says_why(void **state)
{
    (void)state;
    struct callback_trial trial;
    begin(&trial, REFUSES);
    assert_int_equal(run_trial(&trial), ERROR_SUBJECT);
    assert_string_equal(trial.error.text, "test failed: it returned 7: no such engine");
    assert_int_equal(trial.fixture.out[0][0], 0);
    callback_clear(&trial.callback);
}

static void test_lse_is_natural(void **state)
{
    (void)state;
    struct kernel kernel = {.stray = NOTHING};
    const struct alibicheck_kernel described = describe(&kernel, ALIBICHECK_KERNEL_F16 | ALIBICHECK_KERNEL_LSE_BASE2);
    struct callback callback = {.kernel = &described, .takes = described.takes};
    struct foreign_kernel taken;
    struct launch_fixture fixture;
    struct error error;
    double seconds;
    launch_fixture_make(&fixture);
    assert_int_equal(foreign_kernel_take(&taken, &described, "test", &error), ERROR_NONE);
    const struct foreign_subject foreign = foreign_subject(&taken, &callback_launcher, &callback);
    assert_int_equal(foreign.subject.ops->run(&foreign.subject, &fixture.sequences, NULL, &seconds, &error),
                     ERROR_NONE);
    assert_true(fixture.lse[1][1] == 0.693147182f);
    assert_false(foreign.subject.without_lse);
    assert_true(foreign.subject.may_differ);
    callback_clear(&callback);
}

static void test_pages_are_given_and_watched(void **state)
{
    (void)state;
    struct callback_trial trial;
    struct paged_cache cache;
    begin(&trial, NOTHING);
    assert_int_equal(paged_cache_lay_out(&cache, &trial.fixture.sequences, &(struct page_setting){.size = 4, .seed = 1},
                                         &trial.error),
                     0);
    trial.fixture.sequences.pages = &cache;
    assert_int_equal(run_trial(&trial), ERROR_NONE);
    assert_true(trial.kernel.seen.page_size == 4 && trial.kernel.seen.num_pages == 5 &&
                trial.kernel.seen.max_pages == 3);
    assert_ptr_equal(trial.kernel.seen.k_pages, cache.k);
    assert_int_equal(trial.kernel.seen.seq_lens[1], 8);
    assert_string_equal(trial.audit.changed, "");
    callback_clear(&trial.callback);
    paged_cache_clear(&cache);
}

/* Beside copies, too, is nothing for a kernel to write. */
static void test_what_is_beside_an_input_is_watched(void **state)
{
    (void)state;
    static const struct {
        enum stray stray;
        const char *breached;
        int64_t offset; /* from the end of the input, or from its beginning if below 0 */
    } rows[] = {{PAST_K, "k", 2}, {BEFORE_Q, "q", -1}, {PAST_SLOPES, "slopes", ZONE_BYTES - 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct callback_trial trial;
        begin(&trial, rows[i].stray);
        trial.callback.giving = GIVE_A_COPY;
        assert_int_equal(run_trial(&trial), ERROR_NONE);
        assert_string_equal(trial.audit.written.name, rows[i].breached);
        assert_string_equal(trial.audit.changed, "");
        assert_int_equal(trial.audit.written.offset_bytes,
                         rows[i].offset + (rows[i].offset < 0 ? 0 : (int64_t)trial.audit.written.buffer_bytes));
        callback_clear(&trial.callback);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_kernel_sees_the_launch),
        cmocka_unit_test(test_what_is_not_the_kernel_s_is_watched),
        cmocka_unit_test(test_a_kernel_that_fails_says_why),
        cmocka_unit_test(test_lse_is_natural),
        cmocka_unit_test(test_tensors_lie_where_strides_say),
        cmocka_unit_test(test_numbers_lie_where_a_part_of_a_longer_tensor_does),
        cmocka_unit_test(test_what_lies_between_rows_is_watched),
        cmocka_unit_test(test_a_workspace_is_other_memory_at_each_launch),
        cmocka_unit_test(test_who_asks_for_no_workspace_has_none),
        cmocka_unit_test(test_a_workspace_beyond_memory_is_the_kernel_s_failure),
        cmocka_unit_test(test_what_it_changes_is_a_copy),
        cmocka_unit_test(test_the_rounding_that_it_sets_is_its_own),
        cmocka_unit_test(test_pages_are_given_and_watched),
        cmocka_unit_test(test_what_is_beside_an_input_is_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
