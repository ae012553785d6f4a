/* Messages as they stand on a pipe: whatever has gone, what is left is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/subject/kernel_frame.h"

enum { MANY = 3 * FRAME_PIECES, MOST_BYTES = 2048 };

/* Sends a plan that is made of so many pieces, `each` bytes at a time, but no more at once than the pieces that were
 * given have; the number of bytes that came to `sent`. */
static size_t send_all(char *sent, const struct safetensors_plan *plan, size_t each)
{
    uint8_t length[FRAME_LENGTH_BYTES];
    struct iovec pieces[FRAME_PIECES];
    size_t done = 0;
    frame_put_length(length, plan->size_bytes);
    for (int count; (count = frame_rest(pieces, length, plan, done)) > 0;) {
        size_t left = each;
        assert_in_range(count, 1, FRAME_PIECES);
        for (int i = 0; i < count && left > 0; i++) {
            const size_t now = pieces[i].iov_len < left ? pieces[i].iov_len : left;
            assert_in_range(pieces[i].iov_len, 1, MOST_BYTES - done);
            memcpy(sent + done, pieces[i].iov_base, now);
            done += now;
            left -= now;
        }
    }
    return done;
}

static void test_what_has_gone_is_not_sent_again(void **state)
{
    static char header[] = "a header";
    struct safetensors_piece pieces[MANY] = {{.size_bytes = 0}};
    char elements[MANY][3], whole[MOST_BYTES], sent[MOST_BYTES];
    struct safetensors_plan plan = {
        .header = header, .header_bytes = strlen(header), .pieces = pieces, .size_bytes = strlen(header)};
    size_t size = FRAME_LENGTH_BYTES + plan.header_bytes;
    (void)state;
    memcpy(whole + FRAME_LENGTH_BYTES, header, plan.header_bytes);
    for (size_t i = 0; i < MANY; i++) { /* some of them of no elements, and nowhere */
        const size_t bytes = i % 4;
        memset(elements[i], (int)i, sizeof elements[i]);
        pieces[i] = (struct safetensors_piece){bytes ? elements[i] : NULL, bytes};
        memcpy(whole + size, elements[i], bytes);
        size += bytes;
        plan.size_bytes += bytes;
    }
    frame_put_length((uint8_t *)whole, plan.size_bytes);
    for (size_t count = 0; count <= MANY; count += MANY / 6) {
        size_t expected = FRAME_LENGTH_BYTES + plan.header_bytes;
        plan.num_pieces = count;
        for (size_t i = 0; i < count; i++)
            expected += pieces[i].size_bytes;
        for (size_t each = 1; each <= expected; each += 1 + each / 8) {
            memset(sent, 0, sizeof sent);
            assert_int_equal(send_all(sent, &plan, each), expected);
            assert_memory_equal(sent, whole, expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_has_gone_is_not_sent_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
