/* Launches of a process that is the kernel's own: what is read or written past an input that does not lie packed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants these before it */
#include <cmocka.h>

#include "harness/subject/callback.h"
#include "harness/subject/tests/message_fixture.h"
#include "kernels/launch_setting.h"

enum stray { NOTHING, READS_PAST_Q, READS_PAST_V, READS_PAST_SLOPES, READS_PAST_MASK, WRITES_PAST_SLOPES };
enum {
    ALL = (1 << ABILITY_COUNT) - 1 - ALIBICHECK_KERNEL_LSE_BASE2,
    Q_ELEMENTS = FIXTURE_QUERIES * FIXTURE_HEADS * FIXTURE_DIM
};

/* An element of the row, or a number, behind the last one; results are of no matter. */
static int32_t launch(void *context, const struct alibicheck_kernel_launch *launch, char *text, uint64_t text_size)
{
    const struct alibicheck_kernel_sequence *first = launch->sequences, *last = first + launch->num_sequences - 1;
    (void)text, (void)text_size;
    switch (*(const enum stray *)context) {
    case READS_PAST_Q:
        (void)((const volatile uint16_t *)first->q)[Q_ELEMENTS + 16];
        break;
    case READS_PAST_V:
        (void)((const volatile uint8_t *)last->v)[last->seq_len * launch->num_kv_heads * launch->head_dim + 32];
        break;
    case READS_PAST_SLOPES:
        (void)((const volatile float *)launch->slopes)[launch->num_heads + 1];
        break;
    case READS_PAST_MASK:
        (void)((const volatile uint8_t *)last->visible)[last->seq_len + 1];
        break;
    case WRITES_PAST_SLOPES:
        ((char *)(uintptr_t)(launch->slopes + launch->num_heads))[ZONE_BYTES - 1] = 0;
        break;
    default:
        break;
    }
    return 0;
}

static struct memory_audit run(enum stray stray, bool fences)
{
    const struct alibicheck_kernel kernel = {
        .abi = ALIBICHECK_KERNEL_ABI, .takes = ALL, .name = "test", .context = &stray, .launch = launch};
    struct callback callback = {.kernel = &kernel, .takes = ALL, .fencing = fences ? &fencing_of_process : NULL};
    struct launch_fixture fixture;
    struct sequence_strides strides[FIXTURE_SEQUENCES];
    struct memory_audit audit = {.changed = ""};
    struct error error;
    double seconds;
    launch_fixture_make(&fixture);
    for (int i = 0; i < FIXTURE_SEQUENCES; i++)
        sequence_strides_make(&strides[i], &fixture.problems[i], NULL, LAYOUT_PLACED);
    fixture.sequences.strides = strides;
    if (callback_launcher.run(&callback, &fixture.sequences, &audit, &seconds, &error))
        fail_msg("%s", error.text);
    callback_clear(&callback);
    return audit;
}

/* Elsewhere nobody asks, and NaN is read there. */
static void test_what_is_read_past_an_input_is_told(void **state)
{
    static const struct {
        enum stray stray;
        const char *overread;
        size_t offset, bytes;
    } rows[] = {
        {NOTHING, "", 0, 0},
        {READS_PAST_Q, "q", 2 * (Q_ELEMENTS + 16), 2 * Q_ELEMENTS},
        {READS_PAST_V, "v", 8 * FIXTURE_KV_HEADS * FIXTURE_DIM + 32, 8 * FIXTURE_KV_HEADS * FIXTURE_DIM},
        {READS_PAST_SLOPES, "slopes", 4 * (FIXTURE_HEADS + 1), 4 * FIXTURE_HEADS},
        {READS_PAST_MASK, "visible", 9, 8},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int fences = 0; fences < 2; fences++) {
            const struct memory_audit audit = run(rows[i].stray, fences);
            assert_string_equal(audit.read.name, fences ? rows[i].overread : "");
            assert_int_equal(audit.read.offset_bytes, fences ? rows[i].offset : 0);
            assert_int_equal(audit.read.buffer_bytes, fences ? rows[i].bytes : 0);
            assert_string_equal(audit.written.name, "");
            assert_string_equal(audit.changed, "");
        }
}

/* Behind a fence as in a zone. */
static void test_what_is_written_past_an_input_is_told(void **state)
{
    (void)state;
    const struct memory_audit audit = run(WRITES_PAST_SLOPES, true);
    assert_string_equal(audit.written.name, "slopes");
    assert_int_equal(audit.written.offset_bytes, 4 * FIXTURE_HEADS + ZONE_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read_past_an_input_is_told),
        cmocka_unit_test(test_what_is_written_past_an_input_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
