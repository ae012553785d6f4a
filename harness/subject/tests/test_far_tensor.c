/* Tensors of which most has no memory: rows lie where 32 bits hold no offset, and what is found elsewhere is no row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
/* cmocka.h wants these before it */
#include <cmocka.h>

#include "harness/subject/far_strides.h"
#include "harness/subject/far_tensor.h"
#include "harness/support/tests/sanitized.h"
#include "kernels/device/kv_cache.h"

static const struct problem problems[] = {
    {.seq_len = 2, .num_heads = 4, .num_kv_heads = 2, .head_dim = 64, .dtype = DTYPE_F32},
    {.seq_len = 33, .num_heads = 4, .num_kv_heads = 4, .head_dim = 128, .dtype = DTYPE_F16},
    {.seq_len = 1024, .num_heads = 2, .num_kv_heads = 2, .head_dim = 128, .dtype = DTYPE_F32},
    {.seq_len = 7, .num_heads = 3, .num_kv_heads = 3, .head_dim = 5, .dtype = DTYPE_BF16},
    {.seq_len = 9, .num_heads = 2, .num_kv_heads = 2, .head_dim = 16, .dtype = DTYPE_F16, .kv_format = KV_E4M3},
    {.seq_len = 1, .num_heads = 2, .num_kv_heads = 2, .head_dim = 1, .dtype = DTYPE_F16},
};
enum { NUM_PROBLEMS = sizeof problems / sizeof problems[0] };

/* Elements that a problem's k has. */
static size_t packed_elements(const struct problem *problem)
{
    return (size_t)problem->seq_len * (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
}

/* Each byte other than 0, and none of a NaN. */
static void *make_packed(const struct problem *problem)
{
    const size_t bytes = packed_elements(problem) * dtypes[problem_kv_dtype(problem)].size_bytes;
    unsigned char *packed = malloc(bytes + 1);
    assert_non_null(packed);
    for (size_t i = 0; i < bytes; i++)
        packed[i] = (unsigned char)(1 + i % 62);
    return packed;
}

static int64_t last_element(const struct sequence_strides *strides, const struct problem *problem,
                            enum strided_tensor tensor)
{
    const struct strided_shape shape = strided_shape(problem, NULL, tensor);
    return strided_element(&strides->of[tensor], &shape, strided_rows(&shape) - 1);
}

static void test_the_last_row_is_beyond_32_bits(void **state)
{
    (void)state;
    for (int p = 0; p < NUM_PROBLEMS; p++)
        for (enum far_axis axis = FAR_ROWS; axis <= FAR_HEADS; axis++) {
            const struct problem *problem = &problems[p];
            struct sequence_strides far, near;
            const int64_t element = (int64_t)dtypes[problem_kv_dtype(problem)].size_bytes;
            if ((axis == FAR_HEADS ? problem->num_kv_heads : problem->seq_len) < 2)
                continue;
            far_strides_make(&far, problem, axis, false);
            far_strides_make(&near, problem, axis, true);
            for (enum strided_tensor tensor = STRIDED_K; tensor <= STRIDED_V; tensor++) {
                const struct strided_shape shape = strided_shape(problem, NULL, tensor);
                const int64_t last = last_element(&far, problem, tensor);
                assert_true(tensor_strides_fit(&far.of[tensor], &shape) &&
                            tensor_strides_fit(&near.of[tensor], &shape));
                assert_true(last >= FAR_ELEMENTS && last + problem->head_dim <= far.far_elements);
                assert_true(last < 2 * FAR_ELEMENTS);
                assert_true(last_element(&near, problem, tensor) * element < (int64_t)1 << 31);
                assert_true(last_element(&near, problem, tensor) * element > (int64_t)1 << 30);
                assert_int_equal((far.of[tensor].row * element) % 16 * (axis == FAR_ROWS), 0);
                assert_int_equal((far.of[tensor].head * element) % 16 * (axis == FAR_HEADS), 0);
            }
            assert_true(far.of[STRIDED_K].row != far.of[STRIDED_V].row ||
                        far.of[STRIDED_K].head != far.of[STRIDED_V].head);
        }
}

static bool is_nan(const void *row, enum dtype dtype)
{
    float value;
    dtype_widen(dtype, row, 0, 1, &value);
    return isnan(value);
}

/* What a cut offset of the tensor's last row finds. */
static void assert_cut_offsets_find_nan(const struct far_tensor *far, int64_t last)
{
    const enum dtype dtype = far->shape.dtype;
    const int64_t element = (int64_t)dtypes[dtype].size_bytes, bytes = last * element;
    assert_true(is_nan(far->first + (int32_t)(uint32_t)last * element, dtype));
    assert_true(is_nan(far->first + (uint32_t)last * element, dtype));
    assert_true(is_nan(far->first + (int32_t)(uint32_t)bytes, dtype));
    assert_true(is_nan(far->first + (uint32_t)bytes, dtype));
    assert_true(is_nan(far->first + (last & INT32_MAX) * element, dtype));
    assert_true(is_nan(far->first + (bytes & INT32_MAX), dtype));
}

static void test_rows_are_where_strides_say(void **state)
{
    (void)state;
    for (int p = 0; p < NUM_PROBLEMS; p++)
        for (enum far_axis axis = FAR_ROWS; axis <= FAR_HEADS; axis++) {
            const struct problem *problem = &problems[p];
            const struct strided_shape shape = strided_shape(problem, NULL, STRIDED_V);
            const size_t bytes = packed_elements(problem) * dtypes[shape.dtype].size_bytes;
            struct sequence_strides strides;
            struct far_tensor far;
            char *packed = make_packed(problem), *back = calloc(bytes, 1);
            assert_non_null(back);
            far_strides_make(&strides, problem, axis, false);
            if (!far_tensor_make(&far, packed, &strides.of[STRIDED_V], &shape, strides.far_elements))
                fail_msg("no address space");
            strided_gather(back, far.first, &strides.of[STRIDED_V], &shape);
            assert_memory_equal(packed, back, bytes);
            if ((axis == FAR_HEADS ? problem->num_kv_heads : problem->seq_len) > 1)
                assert_cut_offsets_find_nan(&far, last_element(&strides, problem, STRIDED_V));
            const uint64_t digest = far_tensor_digest(&far);
            far.first[last_element(&strides, problem, STRIDED_V) * (int64_t)dtypes[shape.dtype].size_bytes] ^= 1;
            assert_true(far_tensor_digest(&far) != digest);
            far_tensor_clear(&far);
            far_tensor_clear(&far);
            free(packed);
            free(back);
        }
}

static long resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static void test_it_takes_little_memory(void **state)
{
    (void)state;
    const struct problem *problem = &problems[2];
    const struct strided_shape shape = strided_shape(problem, NULL, STRIDED_K);
    struct sequence_strides strides;
    struct far_tensor k, v;
    void *packed = make_packed(problem);
    far_strides_make(&strides, problem, FAR_ROWS, false);
    const long before = resident_bytes();
    assert_true(far_tensor_make(&k, packed, &strides.of[STRIDED_K], &shape, strides.far_elements));
    assert_true(far_tensor_make(&v, packed, &strides.of[STRIDED_V], &shape, strides.far_elements));
    const long taken = resident_bytes() - before;
    if (taken > 32 << 20)
        fail_msg("%ld bytes", taken);
    far_tensor_clear(&k);
    far_tensor_clear(&v);
    free(packed);
}

static void test_without_address_space_there_is_none(void **state)
{
    (void)state;
    const struct strided_shape shape = strided_shape(&problems[0], NULL, STRIDED_K);
    struct sequence_strides strides;
    struct far_tensor far;
    struct rlimit limit, few;
    if (SANITIZED) /* which has terabytes already */
        skip();
    void *packed = make_packed(&problems[0]);
    assert_true(far_tensors_can_be_had());
    assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
    few = limit;
    few.rlim_cur = (rlim_t)4 << 30;
    assert_int_equal(setrlimit(RLIMIT_AS, &few), 0);
    far_strides_make(&strides, &problems[0], FAR_ROWS, false);
    const bool had = far_tensors_can_be_had(),
               made = far_tensor_make(&far, packed, &strides.of[STRIDED_K], &shape, strides.far_elements);
    far_tensor_clear(&far);
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    assert_false(had || made);
    free(packed);
}

static void *map(size_t size_bytes)
{
    void *memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void test_a_copy_of_all_is_refused(void **state)
{
    (void)state;
    enum { MEGABYTE = 1 << 20 };
    struct rlimit before, after;
    assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
    const struct far_limit limit = far_limit_begin();
    void *little = map((size_t)64 * MEGABYTE), *much = map((size_t)1900 * MEGABYTE);
    far_limit_end(&limit);
    void *again = map((size_t)1900 * MEGABYTE);
    assert_int_equal(getrlimit(RLIMIT_DATA, &after), 0);
    assert_int_equal(before.rlim_cur, after.rlim_cur);
    assert_non_null(little);
    assert_null(much);
    assert_non_null(again);
    munmap(little, (size_t)64 * MEGABYTE);
    munmap(again, (size_t)1900 * MEGABYTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_row_is_beyond_32_bits),
        cmocka_unit_test(test_rows_are_where_strides_say),
        cmocka_unit_test(test_it_takes_little_memory),
        cmocka_unit_test(test_without_address_space_there_is_none),
        cmocka_unit_test(test_a_copy_of_all_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
