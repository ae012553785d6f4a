/* Strides: what is spread is gathered again, rows have room of their own, and what does not fit is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h wants these before it */
#include <cmocka.h>

#include "harness/subject/tensor_strides.h"
#include "kernels/launch_setting.h"

enum { ALL_LAYOUTS = 8, MEMORY_BYTES = 1 << 16 };

static const struct problem problems[] = {
    {.seq_len = 5, .num_queries = 3, .num_heads = 4, .num_kv_heads = 2, .head_dim = 6, .dtype = DTYPE_F16},
    {.seq_len = 1, .num_heads = 1, .num_kv_heads = 1, .head_dim = 1, .dtype = DTYPE_F32},
    {.seq_len = 9, .num_heads = 6, .num_kv_heads = 3, .head_dim = 64, .dtype = DTYPE_BF16},
    {.seq_len = 4, .num_heads = 2, .num_kv_heads = 2, .head_dim = 8, .dtype = DTYPE_F16, .kv_format = KV_E4M3},
    {.seq_len = 0, .num_heads = 2, .num_kv_heads = 2, .head_dim = 8, .dtype = DTYPE_F16},
};
static const struct paged_cache pools = {.num_pages = 3, .page_size = 4, .max_pages = 3};

static void check_tensor(const struct tensor_strides *strides, const struct strided_shape *shape, unsigned layout)
{
    static unsigned char packed[MEMORY_BYTES], back[MEMORY_BYTES], memory[MEMORY_BYTES];
    const size_t element = dtypes[shape->dtype].size_bytes, bytes = strided_bytes(strides, shape);
    const size_t count = (size_t)(shape->pages * shape->rows) * (size_t)(shape->heads * shape->dim) * element;
    size_t others = 0;
    assert_true(bytes < MEMORY_BYTES && count < MEMORY_BYTES);
    assert_true(tensor_strides_fit(strides, shape));
    for (size_t i = 0; i < count; i++)
        packed[i] = (unsigned char)(1 + i % 255); /* never 0 */
    memset(memory, 0, sizeof memory);
    strided_spread(memory, packed, strides, shape);
    memset(back, 0, sizeof back);
    strided_gather(back, memory, strides, shape);
    assert_memory_equal(packed, back, count);
    for (size_t i = 0; i < sizeof memory; i++)
        others += memory[i] == 0;
    assert_int_equal(sizeof memory - others, count); /* each element has a place of its own */
    for (size_t i = bytes; i < sizeof memory; i++)
        assert_int_equal(memory[i], 0);
    if (layout & LAYOUT_UNALIGNED)
        assert_int_equal((size_t)strides->first % 2, 1);
    else
        assert_int_equal((size_t)strides->first * element % BUFFER_ALIGNMENT, 0);
    if (!layout)
        assert_int_equal(bytes, count);
    if (layout & LAYOUT_ROWS_APART && !(layout & LAYOUT_UNALIGNED) && shape->dim == 64)
        assert_int_equal((size_t)(strides->row | strides->head) * element % BUFFER_ALIGNMENT, 0);
    if (shape->rows > 1 && shape->heads > 1)
        assert_int_equal(strides->row < strides->head, (layout & LAYOUT_HEADS_FIRST) != 0);
}

static void test_what_is_spread_is_gathered(void **state)
{
    (void)state;
    for (size_t p = 0; p < sizeof problems / sizeof problems[0]; p++)
        for (unsigned variant = 0; variant < 2 * ALL_LAYOUTS; variant++) {
            const struct paged_cache *pages = variant < ALL_LAYOUTS ? NULL : &pools;
            struct sequence_strides strides;
            sequence_strides_make(&strides, &problems[p], pages, variant % ALL_LAYOUTS);
            for (enum strided_tensor tensor = 0; tensor < STRIDED_COUNT; tensor++) {
                const struct strided_shape shape = strided_shape(&problems[p], pages, tensor);
                check_tensor(&strides.of[tensor], &shape, variant % ALL_LAYOUTS);
            }
        }
}

/* So that none is read by another's. */
static void test_tensors_have_strides_of_their_own(void **state)
{
    (void)state;
    struct sequence_strides strides;
    sequence_strides_make(&strides, &problems[2], NULL, LAYOUT_ROWS_APART);
    const struct tensor_strides *k = &strides.of[STRIDED_K], *v = &strides.of[STRIDED_V];
    assert_true(k->first != v->first && k->row != v->row && k->head != v->head);
    assert_true(k->row != 3 * k->head);
}

static void test_rows_that_overlap_do_not_fit(void **state)
{
    (void)state;
    static const struct {
        struct tensor_strides strides;
        bool fits;
    } rows[] = {
        {{0, 0, 12, 6}, true},          {{0, 0, 6, 30}, true},         {{7, 0, 13, 7}, true},
        {{0, 0, 12, 5}, false},         {{0, 0, 11, 6}, false},        {{0, 0, 6, 29}, false},
        {{-1, 0, 12, 6}, false},        {{0, 0, 0, 6}, false},         {{0, 0, 12, 0}, false},
        {{INT64_MAX, 0, 12, 6}, false}, {{0, 0, INT64_MAX, 6}, false}, {{0, 0, 6, INT64_MAX}, false},
    };
    const struct strided_shape k = strided_shape(&problems[0], NULL, STRIDED_K);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (tensor_strides_fit(&rows[i].strides, &k) != rows[i].fits)
            fail_msg("strides %zu", i);
    const struct strided_shape pool = strided_shape(&problems[0], &pools, STRIDED_K);
    assert_true(tensor_strides_fit(&(struct tensor_strides){0, 48, 12, 6}, &pool));
    assert_false(tensor_strides_fit(&(struct tensor_strides){0, 47, 12, 6}, &pool));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_spread_is_gathered),
        cmocka_unit_test(test_tensors_have_strides_of_their_own),
        cmocka_unit_test(test_rows_that_overlap_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
