/* Keys that are put into a device's memory some KV heads at a time: a launch on all heads has the bits of one on the
 * whole problem in the host's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/device/device_keys.h"
#include "kernels/tests/apart_device.h"
#include "kernels/tests/made_problem.h"
#include "kernels/tests/sound_recipes.h"
#include "reference/recent_keys.h"

enum { KEYS = 203, HEADS = 6, KV_HEADS = 3, DIM = 64 };

struct result {
    float out[HEADS * DIM], lse[HEADS];
};

/* The keys of KV heads first .. first + count, side by side. */
static void *cut(const void *tensor, const struct problem *problem, int first, int count)
{
    size_t head = kv_row_bytes(problem) / (size_t)problem->num_kv_heads, row = kv_row_bytes(problem);
    char *part = malloc((size_t)problem->seq_len * (size_t)count * head);
    assert_non_null(part);
    for (size_t key = 0; key < (size_t)problem->seq_len; key++)
        memcpy(part + key * (size_t)count * head, (const char *)tensor + key * row + (size_t)first * head,
               (size_t)count * head);
    return part;
}

static void put_part(struct device_keys *keys, const struct problem *problem, int first, int count)
{
    struct error error;
    struct problem part = *problem;
    void *k = cut(problem->k, problem, first, count), *v = cut(problem->v, problem, first, count);
    part.num_kv_heads = count;
    part.num_heads = count * (problem->num_heads / problem->num_kv_heads);
    part.k = k;
    part.v = v;
    if (device_keys_put(keys, &part, first, &error))
        fail_msg("%s", error.text);
    free(k);
    free(v);
}

static struct result run(struct device *device, const struct batch *asked)
{
    struct result result;
    struct output output = {result.out, result.lse};
    struct batch batch = *asked;
    struct error error;
    double seconds;
    memset(&result, 0xff, sizeof result);
    batch.outputs = &output;
    if (device_run_batch(device, &batch, NULL, &seconds, &error))
        fail_msg("%s", error.text);
    return result;
}

/* Whole in the host's memory, and put together on a device whose memory is apart. */
static void compare(const struct batch *batch, const char *name)
{
    struct device *device;
    struct device_keys keys;
    struct error error;
    struct problem there = *batch->problems;
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    const struct result expected = run(device, batch);
    device_close(device);

    assert_int_equal(apart_device_open(&device, 1, &error), 0);
    assert_int_equal(device_keys_open(&keys, device, &there, &error), 0);
    put_part(&keys, batch->problems, 1, 2);
    put_part(&keys, batch->problems, 0, 1);
    there.k = keys.k;
    there.v = keys.v;
    struct batch on_device = *batch;
    on_device.problems = &there;
    on_device.keys_on_device = true;
    const struct result result = run(device, &on_device);
    if (memcmp(&result, &expected, sizeof result))
        fail_msg("%s, pages of %d: other bits", name, batch->options->page_size);
    assert_int_equal(apart.launches, 1);
    assert_int_equal(apart.kv_heads, KV_HEADS);
    device_keys_close(&keys);
    assert_int_equal(apart.in_use_bytes, 0);
    device_close(device);
}

static void test_a_launch_on_gathered_keys_has_the_same_bits(void **state)
{
    static const struct recipe past_end = {
        .name = "past end", .sentinel.policy = SENTINEL_INFINITY, .masked_values = MASKED_VALUES_READ_PAST_END};
    static const int page_sizes[] = {0, 16, 48};
    static const enum dtype own[] = {DTYPE_F16, DTYPE_BF16, DTYPE_F32};
    (void)state;
    for (int turn = 0; turn < 24; turn++) {
        struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, own[turn % 3]);
        const struct recipe *recipe = turn % 4 == 3 ? &past_end : &sound_recipes[turn / 3];
        const struct kernel_options options = {.chunk_len = 64,
                                               .page_size = page_sizes[turn / 2 % 3],
                                               .page_seed = (uint64_t)turn,
                                               .pool_pages = turn % 2 ? 40 : 0};
        const struct batch batch = {
            (enum kernel)(turn % KERNEL_ANY_COUNT), &options, recipe, &made.problem, NULL, 1, false};
        if (turn % 5 == 4)
            mask_keys(&made, 3, 100, 1);
        compare(&batch, recipe->name);
        free_problem(&made);
    }
}

/* What a copy by row was asked for, and nothing done. */
static struct {
    uintptr_t least, end; /* of what is written to, bytes from the tensor that it is of */
    size_t rows, strides_off;
} asked;

static char *reserved[3];
static int num_reserved;

static enum error_kind reserve(void *state, void **memory, size_t size_bytes, struct error *error)
{
    (void)state, (void)error;
    *memory = mmap(NULL, size_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(*memory != MAP_FAILED && num_reserved < 3);
    reserved[num_reserved++] = *memory;
    return ERROR_NONE;
}

static void unreserve(void *state, void *memory)
{
    (void)state, (void)memory; /* with the process */
}

static enum error_kind no_copy(void *state, void *to, const void *from, size_t size_bytes, struct error *error)
{
    (void)state, (void)to, (void)from, (void)size_bytes, (void)error;
    return ERROR_NONE;
}

static enum error_kind note_rows(void *state, const struct row_copy *copy, struct error *error)
{
    (void)state, (void)error;
    const char *tensor = (const char *)copy->to >= reserved[1] && reserved[1] > reserved[0] ? reserved[1] : reserved[0];
    if (reserved[1] < reserved[0])
        tensor = (const char *)copy->to >= reserved[0] ? reserved[0] : reserved[1];
    uintptr_t begin = (uintptr_t)((const char *)copy->to - tensor);
    uintptr_t end = begin + (copy->rows - 1) * copy->to_stride + copy->row_bytes;
    asked.least = begin < asked.least ? begin : asked.least;
    asked.end = end > asked.end ? end : asked.end;
    asked.rows += copy->rows;
    asked.strides_off += copy->from_stride != copy->row_bytes;
    return ERROR_NONE;
}

/* 25 GB of k, of which no byte is touched: rows lie where 64 bits say. */
static void test_rows_beyond_2_to_the_32_elements_have_their_places(void **state)
{
    enum { N = 3000001, H = 32, D = 128, HEAD_BYTES = 2 * D };
    struct device_ops ops = device_host_ops;
    struct device *device;
    struct device_keys keys;
    struct error error;
    const struct problem shape = {.seq_len = N, .num_heads = H, .num_kv_heads = H, .head_dim = D, .dtype = DTYPE_F16};
    struct problem part = shape;
    (void)state;
    ops.allocate = reserve;
    ops.release = unreserve;
    ops.copy_in = no_copy;
    ops.copy_rows = note_rows;
    assert_int_equal(device_open_with(&device, DEVICE_HOST, &ops, &(struct device_options){.threads = 1}, &error), 0);
    assert_int_equal(device_keys_open(&keys, device, &shape, &error), 0);
    part.num_heads = part.num_kv_heads = 3;
    part.k = part.v = &part; /* of any address: nothing is read */
    asked.least = UINTPTR_MAX;
    assert_int_equal(device_keys_put(&keys, &part, 29, &error), 0);
    assert_int_equal(asked.least, 29 * HEAD_BYTES);
    assert_true(asked.end == (uintptr_t)N * H * HEAD_BYTES);
    assert_int_equal(asked.rows, 2 * (size_t)N);
    assert_int_equal(asked.strides_off, 0);
    device_keys_close(&keys);
    device_close(device);
}

static void test_what_takes_no_keys_on_a_device_is_refused(void **state)
{
    static const struct recipe adaptive = {.sentinel.policy = SENTINEL_ADAPTIVE},
                               infinite = {.sentinel.policy = SENTINEL_INFINITY};
    static const struct kernel_options plain = {.chunk_len = 64}, far = {.chunk_len = 64, .setting.far_rows = true};
    const struct {
        const struct recipe *recipe;
        const struct kernel_options *options;
        bool audited;
    } refused[] = {{&adaptive, &plain, false}, {&infinite, &far, false}, {&infinite, &plain, true}};
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F16);
    struct device *device;
    struct result result;
    struct memory_audit audit;
    struct error error;
    double seconds;
    (void)state;
    assert_int_equal(apart_device_open(&device, 1, &error), 0);
    made.problem.k = made.problem.v = NULL; /* whoever reads it ends the program */
    for (int i = 0; i < 3; i++) {
        const struct output output = {result.out, result.lse};
        const struct batch batch = {
            KERNEL_SPLIT_KV, refused[i].options, refused[i].recipe, &made.problem, &output, 1, true};
        assert_int_equal(device_run_batch(device, &batch, refused[i].audited ? &audit : NULL, &seconds, &error),
                         ERROR_USAGE);
        assert_int_equal(kernel_takes_device_keys(refused[i].options, refused[i].recipe), i == 2);
    }
    assert_int_equal(apart.in_use_bytes, 0);
    device_close(device);
    free_problem(&made);
}

/* A device that works in the host's memory is handed nothing; another one keeps some of its own free. */
static void test_room(void **state)
{
    struct device *device;
    struct device_keys keys;
    struct error error;
    const struct problem shape = {.seq_len = KEYS, .num_heads = 1, .num_kv_heads = 1, .head_dim = DIM};
    (void)state;
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    assert_true(device_room(device) == 0);
    device_close(device);
    assert_int_equal(apart_device_open(&device, 1, &error), 0);
    assert_true(device_room(device) > 0.9 * (double)apart.room_bytes);
    assert_true(device_room(device) < 0.97 * (double)apart.room_bytes);
    apart.room_bytes = 1000;
    assert_true(device_room(device) == 0);
    apart.limit_bytes = 4 * APART_PAGE; /* of k alone */
    assert_int_equal(device_keys_open(&keys, device, &shape, &error), ERROR_SYSTEM);
    assert_int_equal(apart.in_use_bytes, 0);
    assert_null(keys.device);
    device_close(device);
}

/* A problem of which the newest keys alone are there is launched on keys of the device's, or not at all. */
static void test_missing_keys_are_refused(void **state)
{
    static const struct kernel_options options = {.chunk_len = 64};
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F16);
    int64_t first[KV_HEADS] = {0, 7, 0};
    struct recent_keys recent = {.first = first};
    struct device *device;
    struct result result;
    struct error error;
    double seconds;
    (void)state;
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    for (int missing = 0; missing < 2; missing++) {
        const struct output output = {result.out, result.lse};
        const struct batch batch = {KERNEL_SPLIT_KV, &options, &sound_recipes[0], &made.problem, &output, 1, false};
        made.problem.recent = missing ? &recent : NULL;
        assert_int_equal(device_run_batch(device, &batch, NULL, &seconds, &error), missing ? ERROR_USAGE : ERROR_NONE);
    }
    device_close(device);
    free_problem(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_launch_on_gathered_keys_has_the_same_bits),
        cmocka_unit_test(test_rows_beyond_2_to_the_32_elements_have_their_places),
        cmocka_unit_test(test_what_takes_no_keys_on_a_device_is_refused),
        cmocka_unit_test(test_missing_keys_are_refused),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests_name("device_keys", tests, NULL, NULL);
}
