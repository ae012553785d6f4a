/* What kernels that are not ours say that they take: what of that is believed, and what they are then not given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/subject/callback.h"
#include "harness/subject/tests/message_fixture.h"

static int32_t launch_nothing(void *context, const struct alibicheck_kernel_launch *launch, char *text,
                              uint64_t text_size)
{
    (void)context, (void)launch, (void)text, (void)text_size;
    return 0;
}

static struct alibicheck_kernel describe(uint32_t takes)
{
    return (struct alibicheck_kernel){
        .abi = ALIBICHECK_KERNEL_ABI, .takes = takes, .name = "test", .launch = launch_nothing};
}

enum { ALL = (1 << ABILITY_COUNT) - 1 - ALIBICHECK_KERNEL_LSE_BASE2 };

/* Each thing that a problem needs, and a kernel that has all but that. */
static void test_what_a_kernel_does_not_take(void **state)
{
    (void)state;
    static const struct {
        uint32_t without;
        const char *said;
    } rows[] = {
        {ALIBICHECK_KERNEL_F16, "test does not take q, k, v and out in f16"},
        {ALIBICHECK_KERNEL_E4M3, "test does not take k and v in e4m3"},
        {ALIBICHECK_KERNEL_GQA, "test does not take fewer KV heads than query heads"},
        {ALIBICHECK_KERNEL_QUERIES, "test does not take several queries"},
        {ALIBICHECK_KERNEL_BATCH, "test does not take several sequences in one launch"},
        {ALIBICHECK_KERNEL_ALIBI, "test does not take ALiBi slopes other than 0"},
        {ALIBICHECK_KERNEL_POSITION, "test does not take a query elsewhere than at the newest key"},
        {ALIBICHECK_KERNEL_MASK, "test does not take masks"},
        {ALIBICHECK_KERNEL_CAP_BIASED, "test does not take a soft cap after the bias"},
        {ALIBICHECK_KERNEL_SINK_LOGITS, "test does not take learned sinks"},
    };
    struct launch_fixture fixture;
    char text[ABILITY_TEXT_SIZE];
    launch_fixture_make(&fixture);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct foreign_kernel kernel = {.name = "test", .takes = ALL & ~rows[i].without};
        const struct foreign_subject foreign = foreign_subject(&kernel, &callback_launcher, NULL);
        const struct subject *subject = &foreign.subject;
        assert_false(subject->ops->takes(subject, &fixture.problems[1], FIXTURE_SEQUENCES, text));
        assert_string_equal(text, rows[i].said);
    }
    struct foreign_kernel kernel = {.name = "test", .takes = ALL, .head_dims = {64, 128}, .num_head_dims = 2};
    const struct foreign_subject foreign = foreign_subject(&kernel, &callback_launcher, NULL);
    assert_false(foreign.subject.ops->takes(&foreign.subject, &fixture.problems[1], 2, text));
    assert_string_equal(text, "test does not take head_dim 3");
    kernel.head_dims[1] = 3;
    assert_true(foreign.subject.ops->takes(&foreign.subject, &fixture.problems[1], 2, text));
    kernel.page_sizes[0] = kernel.num_page_sizes = 1;
    assert_true(foreign.subject.ops->takes(&foreign.subject, &fixture.problems[1], 2, text));
    const struct foreign_subject paged = foreign_subject_paged(&foreign, &(struct page_setting){.size = 2});
    assert_false(paged.subject.ops->takes(&paged.subject, &fixture.problems[1], 2, text));
    assert_string_equal(text, "test does not take page_size 2");
    kernel.num_page_sizes = 0;
    kernel.max_seq_len = fixture.problems[1].seq_len;
    assert_true(foreign.subject.ops->takes(&foreign.subject, &fixture.problems[1], 2, text));
    kernel.max_seq_len--;
    assert_false(foreign.subject.ops->takes(&foreign.subject, &fixture.problems[1], 2, text));
    assert_non_null(strstr(text, "test does not take more than "));
}

static void test_memory_is_this_process_s_or_a_gpu_s(void **state)
{
    (void)state;
    struct foreign_kernel taken;
    struct error error;
    for (int32_t memory = -1; memory <= 2; memory++) {
        struct alibicheck_kernel described = describe(ALIBICHECK_KERNEL_F32);
        described.memory = memory;
        enum error_kind kind = foreign_kernel_take(&taken, &described, "test", &error);
        assert_int_equal(kind, memory < 0 || memory > 1 ? ERROR_USAGE : ERROR_NONE);
        assert_true(kind || taken.on_cuda == (memory == ALIBICHECK_KERNEL_CUDA_MEMORY));
    }
    assert_non_null(strstr(error.text, "has tensors in memory 2; allowed: 0, this process's, or 1, a GPU's"));
}

/* What a header does not have yet its kernels cannot take. */
static void test_an_older_kernel_takes_no_strides(void **state)
{
    (void)state;
    struct foreign_kernel taken;
    struct error error;
    for (uint32_t abi = 1; abi <= ALIBICHECK_KERNEL_ABI; abi++) {
        struct alibicheck_kernel described =
            describe(ALIBICHECK_KERNEL_F32 | (abi == 1 ? ALIBICHECK_KERNEL_PAGES : ALIBICHECK_KERNEL_STRIDES));
        described.abi = abi;
        enum error_kind kind = foreign_kernel_take(&taken, &described, "test", &error);
        assert_int_equal(kind, abi < 3 ? ERROR_USAGE : ERROR_NONE);
        if (abi == 2)
            assert_string_equal(error.text, "test: a kernel of ABI 2 takes strides; allowed: from ABI 3 on");
    }
}

/* A plug-in of an older header has nothing behind what that has. */
static void test_an_older_kernel_is_taken_as_far_as_it_goes(void **state)
{
    (void)state;
    struct alibicheck_kernel described = describe(ALIBICHECK_KERNEL_F16);
    struct foreign_kernel taken;
    struct error error;
    described.page_sizes = (const int32_t *)(uintptr_t)8; /* nowhere */
    described.memory = 99;
    described.max_seq_len = -3;
    described.abi = 1;
    assert_int_equal(foreign_kernel_take(&taken, &described, "test", &error), ERROR_NONE);
    assert_int_equal(taken.num_page_sizes, 0);
    for (uint32_t abi = 0; abi <= ALIBICHECK_KERNEL_ABI + 1; abi += ALIBICHECK_KERNEL_ABI + 1) {
        described.abi = abi;
        assert_int_equal(foreign_kernel_take(&taken, &described, "test", &error), ERROR_USAGE);
        assert_non_null(strstr(error.text, "allowed: 1 to 5"));
    }
    described.page_sizes = NULL;
    described.memory = 0;
    for (uint32_t abi = 4; abi <= ALIBICHECK_KERNEL_ABI; abi++) {
        described.abi = abi;
        assert_int_equal(foreign_kernel_take(&taken, &described, "test", &error), abi < 5 ? ERROR_NONE : ERROR_USAGE);
    }
    assert_string_equal(error.text, "test: kernel test takes a max_seq_len of -3; allowed: 1 and up, or 0 for any");
    described.max_seq_len = 77;
    assert_int_equal(foreign_kernel_take(&taken, &described, "test", &error), ERROR_NONE);
    assert_int_equal(taken.max_seq_len, 77);
    assert_int_equal(offsetof(struct alibicheck_kernel, launch), 48); /* as they were in ABI 1 */
    assert_int_equal(offsetof(struct alibicheck_kernel_launch, sink_logits), 64);
    assert_int_equal(sizeof(struct alibicheck_kernel_sequence), 72);
    assert_int_equal(offsetof(struct alibicheck_kernel, page_sizes), 56); /* as they were in ABI 2 */
    assert_int_equal(offsetof(struct alibicheck_kernel_launch, seq_lens), 112);
    assert_int_equal(offsetof(struct alibicheck_kernel, memory), 64); /* as they were in ABI 3 */
    assert_int_equal(offsetof(struct alibicheck_kernel_launch, device), 152);
    assert_int_equal(offsetof(struct alibicheck_kernel, workspace_bytes), 72); /* as they were in ABI 4 */
    assert_int_equal(offsetof(struct alibicheck_kernel_launch, workspace_bytes), 168);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_kernel_does_not_take),
        cmocka_unit_test(test_memory_is_this_process_s_or_a_gpu_s),
        cmocka_unit_test(test_an_older_kernel_takes_no_strides),
        cmocka_unit_test(test_an_older_kernel_is_taken_as_far_as_it_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
