/* Messages: what is sent is what is read, and what is not exactly that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka.h wants these before it */
#include <cmocka.h>

#include "harness/subject/tests/message_fixture.h"

static void test_a_launch_arrives_as_it_was(void **state)
{
    (void)state;
    struct launch_fixture sent;
    struct received_launch got;
    struct safetensors_plan plan;
    struct error error;
    launch_fixture_make(&sent);
    memset(sent.out, 0x5a, sizeof sent.out);
    assert_int_equal(message_plan_launch(&plan, &sent.sequences, true, true, &error), ERROR_NONE);
    assert_int_equal(message_read_launch(&got, frame_of_plan(&plan), &error), ERROR_NONE);
    assert_int_equal(got.sequences.count, FIXTURE_SEQUENCES);
    for (int i = 0; i < FIXTURE_SEQUENCES; i++) {
        const struct problem *a = &sent.problems[i], *b = &got.problems[i];
        size_t keys = (size_t)a->seq_len * FIXTURE_KV_HEADS * FIXTURE_DIM;
        assert_int_equal(a->seq_len, b->seq_len);
        assert_int_equal(a->num_queries, b->num_queries);
        assert_int_equal(a->num_heads, b->num_heads);
        assert_int_equal(a->num_kv_heads, b->num_kv_heads);
        assert_int_equal(a->head_dim, b->head_dim);
        assert_int_equal(a->dtype, b->dtype);
        assert_int_equal(a->kv_format, b->kv_format);
        assert_int_equal(a->q_position, b->q_position);
        assert_int_equal(a->kv_offset, b->kv_offset);
        assert_int_equal(a->soft_cap, b->soft_cap);
        assert_true(a->scale == b->scale && a->k_scale == b->k_scale && a->v_scale == b->v_scale);
        assert_true(a->soft_cap_value == b->soft_cap_value);
        assert_memory_equal(a->q, b->q, sizeof sent.q[i]);
        assert_memory_equal(a->k, b->k, keys);
        assert_memory_equal(a->v, b->v, keys);
        assert_memory_equal(a->slopes, b->slopes, sizeof sent.slopes);
        assert_memory_equal(a->sink_logits, b->sink_logits, sizeof sent.sinks);
        assert_true(!a->visible == !b->visible);
        if (a->visible)
            assert_memory_equal(a->visible, b->visible, (size_t)a->seq_len);
        assert_memory_equal(sent.out[i], got.outputs[i].out, sizeof sent.out[i]);
    }
    received_launch_clear(&got);
}

static void test_pages_arrive_as_they_were(void **state)
{
    (void)state;
    struct launch_fixture sent;
    struct paged_cache cache;
    struct received_launch got;
    struct safetensors_plan plan;
    struct error error;
    launch_fixture_make(&sent);
    assert_int_equal(
        paged_cache_lay_out(&cache, &sent.sequences, &(struct page_setting){.size = 4, .seed = 1, .pool = 6}, &error),
        ERROR_NONE);
    sent.sequences.pages = &cache;
    assert_int_equal(message_plan_launch(&plan, &sent.sequences, true, true, &error), ERROR_NONE);
    assert_int_equal(message_read_launch(&got, frame_of_plan(&plan), &error), ERROR_NONE);
    const struct paged_cache *pages = got.sequences.pages;
    assert_non_null(pages);
    assert_true(pages->num_pages == 6 && pages->page_size == 4 && pages->max_pages == 3);
    assert_memory_equal(pages->k, cache.k, paged_cache_bytes(&cache, sent.problems));
    assert_memory_equal(pages->v, cache.v, paged_cache_bytes(&cache, sent.problems));
    assert_memory_equal(pages->block_table, cache.block_table, 4 * sizeof(int32_t));
    for (int i = 0; i < FIXTURE_SEQUENCES; i++) {
        assert_int_equal(got.problems[i].seq_len, sent.problems[i].seq_len);
        assert_int_equal(got.problems[i].num_kv_heads, FIXTURE_KV_HEADS);
        assert_null(got.problems[i].k);
    }
    received_launch_clear(&got);
    paged_cache_clear(&cache);
}

/* What a table or lengths may not say of the pages that there are. */
static void test_pages_that_are_not_there_are_refused(void **state)
{
    (void)state;
    static const struct {
        int entry, length; /* the last of the table, and of the lengths; -1: as it is */
        const char *says;
    } rows[] = {{6, -1, "page 6 in its block_table; allowed: 0 to 5"},
                {-7, -1, "page -7 in its block_table"},
                {-1, 13, "seq_lens 13; allowed: 0 to 12"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct launch_fixture sent;
        struct paged_cache cache;
        struct received_launch got;
        struct safetensors_plan plan;
        struct error error;
        launch_fixture_make(&sent);
        assert_int_equal(paged_cache_lay_out(&cache, &sent.sequences,
                                             &(struct page_setting){.size = 4, .seed = 1, .pool = 6}, &error),
                         0);
        if (rows[i].entry != -1)
            ((int32_t *)(uintptr_t)cache.block_table)[5] = rows[i].entry;
        if (rows[i].length != -1)
            ((int32_t *)(uintptr_t)cache.seq_lens)[1] = rows[i].length;
        sent.sequences.pages = &cache;
        assert_int_equal(message_plan_launch(&plan, &sent.sequences, false, true, &error), ERROR_NONE);
        assert_int_equal(message_read_launch(&got, frame_of_plan(&plan), &error), ERROR_USAGE);
        if (!strstr(error.text, rows[i].says))
            fail_msg("%s", error.text);
        received_launch_clear(&got);
        paged_cache_clear(&cache);
    }
}

/* Of sequences, or of pools. */
static void test_strides_arrive_as_they_were(void **state)
{
    (void)state;
    for (int paged = 0; paged < 2; paged++) {
        struct launch_fixture sent;
        struct paged_cache cache = {.k = NULL};
        struct sequence_strides strides[FIXTURE_SEQUENCES];
        struct received_launch got;
        struct safetensors_plan plan;
        struct error error;
        launch_fixture_make(&sent);
        if (paged)
            assert_int_equal(paged_cache_lay_out(&cache, &sent.sequences,
                                                 &(struct page_setting){.size = 4, .seed = 1, .pool = 6}, &error),
                             0);
        sent.sequences.pages = paged ? &cache : NULL;
        for (int i = 0; i < FIXTURE_SEQUENCES; i++)
            sequence_strides_make(&strides[i], &sent.problems[i], sent.sequences.pages, 7);
        sent.sequences.strides = strides;
        assert_int_equal(message_plan_launch(&plan, &sent.sequences, true, true, &error), ERROR_NONE);
        assert_int_equal(message_read_launch(&got, frame_of_plan(&plan), &error), ERROR_NONE);
        assert_non_null(got.sequences.strides);
        assert_memory_equal(got.sequences.strides, strides, sizeof strides);
        received_launch_clear(&got);
        paged_cache_clear(&cache);
    }
}

/* Of pages that are the last of a large pool; which: the number that is sent wrongly, and what is said of it. */
static void test_pages_far_away_arrive_as_they_were(void **state)
{
    (void)state;
    static const struct {
        int64_t more; /* elements */
        int32_t page; /* in place of the first; 0: it is right */
        bool without_strides;
        const char *says;
    } rows[] = {{0, 0, false, NULL},
                {-1, 0, false, "its message has far_elements"},
                {(int64_t)1 << 45, 0, false, "far_elements"},
                {0, -1, false, "page -1 in its page_ids; allowed: 0 to "},
                {0, INT32_MAX, false, "page 2147483647 in its page_ids; allowed: 0 to "},
                {0, 0, true, "its message has far_elements"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct launch_fixture sent;
        struct paged_cache cache;
        struct sequence_strides strides[FIXTURE_SEQUENCES];
        struct received_launch got;
        struct safetensors_plan plan;
        struct error error;
        int64_t elements = 0;
        launch_fixture_make(&sent);
        assert_int_equal(paged_cache_lay_out(&cache, &sent.sequences,
                                             &(struct page_setting){.size = 4, .seed = 1, .pool = 6}, &error),
                         0);
        assert_int_equal(paged_cache_scatter(&cache, sent.problems, FIXTURE_SEQUENCES, false, &elements, &error), 0);
        const int32_t first = cache.page_ids[0];
        *(int32_t *)(uintptr_t)cache.page_ids = rows[i].page ? rows[i].page : first;
        sent.sequences.pages = &cache;
        for (int s = 0; s < FIXTURE_SEQUENCES; s++) {
            sequence_strides_make(&strides[s], &sent.problems[s], &cache, 0);
            strides[s].far_elements = elements + rows[i].more;
        }
        sent.sequences.strides = rows[i].without_strides ? NULL : strides;
        assert_int_equal(message_plan_launch(&plan, &sent.sequences, true, true, &error), ERROR_NONE);
        const enum error_kind kind = message_read_launch(&got, frame_of_plan(&plan), &error);
        assert_int_equal(kind, rows[i].says ? ERROR_USAGE : ERROR_NONE);
        if (kind && !strstr(error.text, rows[i].says))
            fail_msg("%s", error.text);
        if (!kind) {
            const struct paged_cache *pages = got.sequences.pages;
            assert_true(pages->num_pages == cache.num_pages && paged_cache_held(pages) == 6);
            assert_memory_equal(pages->page_ids, cache.page_ids, 6 * sizeof(int32_t));
            assert_memory_equal(pages->k, cache.k, paged_cache_bytes(&cache, sent.problems));
            assert_memory_equal(pages->block_table, cache.block_table, 4 * sizeof(int32_t));
            assert_memory_equal(got.sequences.strides, strides, sizeof strides);
        }
        received_launch_clear(&got);
        paged_cache_clear(&cache);
    }
}

static void test_strides_of_rows_that_overlap_are_refused(void **state)
{
    (void)state;
    static const struct tensor_strides wrong[] = {{0, 0, 2, 2}, {-1, 0, 12, 3}, {0, 0, INT64_MAX, 3}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct launch_fixture sent;
        struct sequence_strides strides[FIXTURE_SEQUENCES];
        struct received_launch got;
        struct safetensors_plan plan;
        struct error error;
        launch_fixture_make(&sent);
        for (int s = 0; s < FIXTURE_SEQUENCES; s++)
            sequence_strides_make(&strides[s], &sent.problems[s], NULL, 7);
        strides[1].of[STRIDED_V] = wrong[i];
        sent.sequences.strides = strides;
        assert_int_equal(message_plan_launch(&plan, &sent.sequences, true, true, &error), ERROR_NONE);
        assert_int_equal(message_read_launch(&got, frame_of_plan(&plan), &error), ERROR_USAGE);
        if (!strstr(error.text, "its message has v_strides.1 '") || !strstr(error.text, "rows that do not overlap"))
            fail_msg("%s", error.text);
        received_launch_clear(&got);
    }
}

static void test_a_result_arrives_as_it_was(void **state)
{
    (void)state;
    struct launch_fixture sent, got;
    struct kernel_result said = {.seconds = 0.25,
                                 .ends = true,
                                 .audit = {.written = {"lse", -4, 32}, .read = {"slopes", 20, 16}, .changed = "v"}},
                         heard;
    struct safetensors_plan plan;
    struct error error;
    launch_fixture_make(&sent);
    launch_fixture_make(&got);
    for (size_t i = 0; i < sizeof sent.out; i++)
        ((char *)sent.out)[i] = (char)i;
    sent.lse[1][3] = 2.5f;
    assert_int_equal(message_plan_result(&plan, &sent.sequences, true, &said, &error), ERROR_NONE);
    assert_int_equal(message_read_result(&heard, &got.sequences, true, frame_of_plan(&plan), &error), ERROR_NONE);
    assert_memory_equal(sent.out, got.out, sizeof sent.out);
    assert_memory_equal(sent.lse, got.lse, sizeof sent.lse);
    assert_true(heard.seconds == 0.25 && heard.ends);
    assert_string_equal(heard.audit.written.name, "lse");
    assert_string_equal(heard.audit.changed, "v");
    assert_string_equal(heard.failure, "");
    assert_int_equal(heard.audit.written.offset_bytes, -4);
    assert_int_equal(heard.audit.written.buffer_bytes, 32);
    assert_string_equal(heard.audit.read.name, "slopes");
    assert_int_equal(heard.audit.read.offset_bytes, 20);
    assert_int_equal(heard.audit.read.buffer_bytes, 16);
}

/* A kernel that failed has no tensors, and what was there stays. */
static void test_a_failure_has_no_tensors(void **state)
{
    (void)state;
    struct launch_fixture launch;
    struct kernel_result said = {.seconds = -1, .failure = "no such engine"}, heard;
    struct safetensors_plan plan;
    struct error error;
    launch_fixture_make(&launch);
    memset(launch.out, 0x77, sizeof launch.out);
    assert_int_equal(message_plan_result(&plan, &launch.sequences, true, &said, &error), ERROR_NONE);
    assert_int_equal(plan.num_pieces, 0);
    assert_int_equal(message_read_result(&heard, &launch.sequences, true, frame_of_plan(&plan), &error), ERROR_NONE);
    assert_string_equal(heard.failure, "no such engine");
    assert_int_equal(heard.how, RUN_FAILURE_REFUSAL);
    assert_false(heard.ends);
    assert_int_equal(launch.out[1][2], 0x7777);
}

/* What only whoever launches the kernel can know, and no more: a process that answers has not crashed. */
static void test_a_failure_says_how(void **state)
{
    (void)state;
    for (int how = RUN_FAILURE_CRASH; how < RUN_FAILURE_COUNT; how++) {
        const bool told = how == RUN_FAILURE_REFUSAL || how == RUN_FAILURE_DEVICE || how == RUN_FAILURE_LEFTOVER;
        struct launch_fixture launch;
        struct kernel_result said = {.seconds = -1, .failure = "none", .how = (enum run_failure)how}, heard;
        struct safetensors_plan plan;
        struct error error;
        launch_fixture_make(&launch);
        assert_int_equal(message_plan_result(&plan, &launch.sequences, true, &said, &error), ERROR_NONE);
        assert_int_equal(message_read_result(&heard, &launch.sequences, true, frame_of_plan(&plan), &error),
                         told ? ERROR_NONE : ERROR_USAGE);
        if (told)
            assert_int_equal(heard.how, how);
        else
            assert_non_null(strstr(error.text, "allowed: refusal, device, leftover, machine"));
    }
}

/* Nor that who launches it has no memory is the kernel's fault, whatever else is said. */
static void test_a_failure_may_be_the_machines(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct launch_fixture launch;
        struct kernel_result said = {.failure = "none", .how = RUN_FAILURE_DEVICE, .is_machines = i}, heard;
        struct safetensors_plan plan;
        struct error error;
        launch_fixture_make(&launch);
        assert_int_equal(message_plan_result(&plan, &launch.sequences, true, &said, &error), ERROR_NONE);
        assert_int_equal(message_read_result(&heard, &launch.sequences, true, frame_of_plan(&plan), &error),
                         ERROR_NONE);
        assert_int_equal(heard.is_machines, i);
    }
}

static void test_a_kernel_says_what_it_is(void **state)
{
    (void)state;
    struct kernel_hello said = {.kernel = {.name = "my.kernel-1",
                                           .about = "mine",
                                           .arithmetic = "f32+weights16",
                                           .device = "Some GPU, driver 1.2",
                                           .digest = "0123456789abcdef",
                                           .takes = (1u << ABILITY_COUNT) - 1 - ALIBICHECK_KERNEL_LSE_BASE2,
                                           .head_dims = {64, 128},
                                           .num_head_dims = 2,
                                           .page_sizes = {16, 64, 1},
                                           .num_page_sizes = 3,
                                           .max_seq_len = INT64_C(1) << 40},
                                .audits = true},
                        heard;
    struct safetensors_plan plan;
    struct error error;
    assert_int_equal(message_plan_hello(&plan, &said, &error), ERROR_NONE);
    assert_int_equal(message_read_hello(&heard, frame_of_plan(&plan), &error), ERROR_NONE);
    assert_string_equal(heard.kernel.name, said.kernel.name);
    assert_string_equal(heard.kernel.about, said.kernel.about);
    assert_string_equal(heard.kernel.arithmetic, said.kernel.arithmetic);
    assert_string_equal(heard.kernel.device, said.kernel.device);
    assert_string_equal(heard.kernel.digest, said.kernel.digest);
    assert_int_equal(heard.kernel.takes, said.kernel.takes);
    assert_int_equal(heard.kernel.num_head_dims, 2);
    assert_int_equal(heard.kernel.head_dims[1], 128);
    assert_int_equal(heard.kernel.num_page_sizes, 3);
    assert_int_equal(heard.kernel.page_sizes[1], 64);
    assert_true(heard.kernel.max_seq_len == INT64_C(1) << 40);
    assert_true(heard.audits && !heard.keeps);
}

static void test_a_digest_is_one(void **state)
{
    (void)state;
    static const char *const none[] = {"0123456789abcde", "0123456789ABCDEF", "0123456789abcdeg"};
    struct error error;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct kernel_hello said = {.kernel = {.name = "mine", .takes = ALIBICHECK_KERNEL_F32}}, heard;
        struct safetensors_plan plan;
        snprintf(said.kernel.digest, sizeof said.kernel.digest, "%s", none[i]);
        assert_int_equal(message_plan_hello(&plan, &said, &error), ERROR_NONE);
        assert_int_equal(message_read_hello(&heard, frame_of_plan(&plan), &error), ERROR_USAGE);
        assert_non_null(strstr(error.text, "allowed: 16 hexadecimal digits"));
        safetensors_plan_clear(&plan);
    }
}

static void test_a_kernel_that_cannot_run_says_why(void **state)
{
    (void)state;
    struct kernel_hello said = {.kernel = {.name = "mine", .takes = ALIBICHECK_KERNEL_F32}, .failure = "no GPU"}, heard;
    struct safetensors_plan plan;
    struct error error;
    assert_int_equal(message_plan_hello(&plan, &said, &error), ERROR_NONE);
    assert_int_equal(message_read_hello(&heard, frame_of_plan(&plan), &error), ERROR_USAGE);
    assert_string_equal(error.text, "mine cannot be run here: no GPU");
}

/* Of the same number of bytes, but of another type or shape. */
static void test_a_result_of_something_else_is_refused(void **state)
{
    (void)state;
    struct kernel_result result = {.seconds = 1}, heard;
    struct safetensors_plan plan;
    struct error error;
    for (int i = 0; i < 3; i++) {
        struct launch_fixture sent, asked;
        launch_fixture_make(&sent);
        launch_fixture_make(&asked);
        if (i == 0)
            sent.problems[0].dtype = sent.problems[1].dtype = DTYPE_BF16;
        if (i == 1)
            for (int s = 0; s < FIXTURE_SEQUENCES; s++) {
                sent.problems[s].num_queries = FIXTURE_HEADS;
                sent.problems[s].num_heads = FIXTURE_QUERIES;
            }
        assert_int_equal(message_plan_result(&plan, &sent.sequences, true, &result, &error), ERROR_NONE);
        assert_int_equal(message_read_result(&heard, &asked.sequences, true, frame_of_plan(&plan), &error),
                         i < 2 ? ERROR_USAGE : ERROR_NONE);
        if (i < 2)
            assert_string_equal(error.text, i == 0 ? "its message has out.0 as bf16 [2, 4, 3]; allowed: f16 [2, 4, 3]"
                                                   : "its message has out.0 as f16 [4, 2, 3]; allowed: f16 [2, 4, 3]");
    }
}

/* Every prefix of a message is refused, and no byte that is another one brings the reader down. */
static void test_no_part_of_a_message_is_believed(void **state)
{
    (void)state;
    struct launch_fixture launch, got;
    struct kernel_result result = {.seconds = 1}, heard;
    struct safetensors_plan plan;
    struct error error;
    char bytes[8192];
    launch_fixture_make(&launch);
    launch_fixture_make(&got);
    assert_int_equal(message_plan_result(&plan, &launch.sequences, true, &result, &error), ERROR_NONE);
    struct frame whole = frame_of_plan(&plan);
    const size_t size = whole.size;
    assert_in_range(size, 100, sizeof bytes);
    memcpy(bytes, whole.bytes, size);
    frame_clear(&whole);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(message_read_result(&heard, &got.sequences, true, frame_of(bytes, i), &error), ERROR_USAGE);
        for (int bit = 0; bit < 8; bit++) {
            struct received_launch other;
            struct kernel_hello hello;
            bytes[i] ^= (char)(1 << bit);
            (void)message_read_result(&heard, &got.sequences, true, frame_of(bytes, size), &error);
            assert_int_equal(message_read_launch(&other, frame_of(bytes, size), &error), ERROR_USAGE);
            received_launch_clear(&other);
            assert_int_equal(message_read_hello(&hello, frame_of(bytes, size), &error), ERROR_USAGE);
            bytes[i] ^= (char)(1 << bit);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_launch_arrives_as_it_was),
        cmocka_unit_test(test_pages_arrive_as_they_were),
        cmocka_unit_test(test_pages_that_are_not_there_are_refused),
        cmocka_unit_test(test_strides_arrive_as_they_were),
        cmocka_unit_test(test_pages_far_away_arrive_as_they_were),
        cmocka_unit_test(test_strides_of_rows_that_overlap_are_refused),
        cmocka_unit_test(test_a_result_arrives_as_it_was),
        cmocka_unit_test(test_a_failure_has_no_tensors),
        cmocka_unit_test(test_a_failure_says_how),
        cmocka_unit_test(test_a_failure_may_be_the_machines),
        cmocka_unit_test(test_a_kernel_says_what_it_is),
        cmocka_unit_test(test_a_digest_is_one),
        cmocka_unit_test(test_a_kernel_that_cannot_run_says_why),
        cmocka_unit_test(test_a_result_of_something_else_is_refused),
        cmocka_unit_test(test_no_part_of_a_message_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
