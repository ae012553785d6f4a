/*
 * The CUDA device on a GPU that is not there (fake_gpu.h): what it has CUDA do gives the bits of the host device, waits
 * for what it needs, gives back what it takes, and says so when any call fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/device/device_cuda.h"
#include "kernels/device/device_keys.h"
#include "kernels/probe/probe.h"
#include "kernels/tests/failing_calls.h"
#include "kernels/tests/fake_gpu.h"
#include "kernels/tests/fake_gpu_memory.h"
#include "kernels/tests/fake_gpu_queue.h"
#include "kernels/tests/gpu_timing.h"
#include "kernels/tests/made_problem.h"
#include "kernels/tests/sound_recipes.h"

enum { MOST_HEADS = 8, MOST_DIM = 256, MOST_SEQUENCES = 3 };

struct result {
    unsigned char out[MOST_SEQUENCES][MOST_HEADS * MOST_DIM * sizeof(float)];
    float lse[MOST_SEQUENCES][MOST_HEADS];
};

struct shape {
    enum kernel kernel;
    enum dtype dtype;
    int heads, kv_heads, dim, page_size;
    int64_t keys, chunk_len;
    bool masked;
};

static const struct shape shapes[] = {
    {.kernel = KERNEL_SINGLE_PASS, .dtype = DTYPE_F16, .heads = 4, .kv_heads = 4, .dim = 64, .keys = 70},
    {.kernel = KERNEL_SINGLE_PASS, .dtype = DTYPE_F32, .heads = 2, .kv_heads = 1, .dim = 80, .keys = 33},
    {.kernel = KERNEL_SPLIT_KV, .dtype = DTYPE_BF16, .heads = 8, .kv_heads = 2, .dim = 128, .keys = 150},
    {.kernel = KERNEL_SPLIT_KV, .dtype = DTYPE_F16, .heads = 8, .kv_heads = 2, .dim = 64, .keys = 300, .page_size = 16},
    {.kernel = KERNEL_TWO_PASS, .dtype = DTYPE_F16, .heads = 4, .kv_heads = 2, .dim = 256, .keys = 65, .masked = true},
    {.kernel = KERNEL_TENSOR_CORE, .dtype = DTYPE_BF16, .heads = 8, .kv_heads = 1, .dim = 96, .keys = 130},
    {.kernel = KERNEL_TENSOR_CORE,
     .dtype = DTYPE_F16,
     .heads = 6,
     .kv_heads = 2,
     .dim = 64,
     .keys = 97,
     .page_size = 5},
};
enum { NUM_SHAPES = sizeof shapes / sizeof shapes[0] };

static struct device *open_device(enum device_kind device_kind, enum kernel_form form)
{
    struct device *device;
    struct error error;
    if (device_open(&device, device_kind, &(struct device_options){.threads = 1, .form = form}, &error))
        fail_msg("%s", error.text);
    return device;
}

static struct made_problem make(const struct shape *shape, int sequence)
{
    struct made_problem made =
        make_sequence(sequence, shape->keys + 37 * sequence, shape->heads, shape->kv_heads, shape->dim, shape->dtype);
    if (shape->masked)
        mask_keys(&made, 3, shape->keys, 5);
    return made;
}

static struct kernel_options options_of(const struct shape *shape)
{
    return (struct kernel_options){.chunk_len = shape->chunk_len ? shape->chunk_len : 64,
                                   .page_size = shape->page_size};
}

/* So many sequences of the shape. */
static enum error_kind run(struct result *result, struct device *device, const struct shape *shape, int num_sequences,
                           struct memory_audit *audit, struct error *error)
{
    struct kernel_options options = options_of(shape);
    struct made_problem made[MOST_SEQUENCES];
    struct problem problems[MOST_SEQUENCES];
    struct output outputs[MOST_SEQUENCES];
    double seconds = -1;
    memset(result, 0xee, sizeof *result);
    for (int i = 0; i < num_sequences; i++) {
        made[i] = make(shape, i);
        problems[i] = made[i].problem;
        outputs[i] = (struct output){result->out[i], result->lse[i]};
    }
    const struct batch batch = {shape->kernel, &options, &sound_recipes[0], problems, outputs, num_sequences, false};
    enum error_kind kind = device_run_batch(device, &batch, audit, &seconds, error);
    assert_true(kind || seconds >= 0);
    for (int i = 0; i < num_sequences; i++)
        free_problem(&made[i]);
    return kind;
}

static void run_soundly(struct result *result, struct device *device, const struct shape *shape, int num_sequences,
                        struct memory_audit *audit)
{
    struct error error;
    if (run(result, device, shape, num_sequences, audit, &error))
        fail_msg("%s: %s", kernel_names[shape->kernel], error.text);
}

static void assert_nothing_held(void)
{
    assert_int_equal(fake_gpu_held(), 0);
}

static void test_bits_are_those_of_the_host_device(void **state)
{
    (void)state;
    for (int way = 0; way <= FORM_PLAIN + 1; way++) {
        int form = way <= FORM_PLAIN ? way : FORM_FASTEST;
        fake_gpu_others_first = way > FORM_PLAIN;
        struct device *cuda = open_device(DEVICE_CUDA, (enum kernel_form)form);
        struct device *host = open_device(DEVICE_HOST, FORM_GENERIC);
        for (int i = 0; i < NUM_SHAPES; i++)
            for (int sequences = 1; sequences <= MOST_SEQUENCES; sequences += 2) {
                struct result expected, got, audited;
                struct memory_audit audit;
                run_soundly(&expected, host, &shapes[i], sequences, NULL);
                run_soundly(&got, cuda, &shapes[i], sequences, NULL);
                run_soundly(&audited, cuda, &shapes[i], sequences, &audit);
                assert_memory_equal(&got, &expected, sizeof got);
                assert_memory_equal(&audited, &expected, sizeof got);
                assert_string_equal(audit.written.name, "");
                assert_string_equal(audit.changed, "");
            }
        device_close(host);
        device_close(cuda);
        assert_nothing_held();
    }
    fake_gpu_others_first = false;
}

/* Devices of several workers: neither waits for the other, nor runs what is the other's. */
static void test_two_devices_side_by_side(void **state)
{
    struct device *first = open_device(DEVICE_CUDA, FORM_FASTEST), *second = open_device(DEVICE_CUDA, FORM_FASTEST);
    struct result of_first, of_second;
    (void)state;
    for (int i = 0; i < NUM_SHAPES; i++) {
        run_soundly(&of_first, first, &shapes[i], 1, NULL);
        run_soundly(&of_second, second, &shapes[i], 1, NULL);
        assert_memory_equal(&of_first, &of_second, sizeof of_first);
    }
    device_close(first);
    run_soundly(&of_first, second, &shapes[0], 1, NULL);
    device_close(second);
    assert_nothing_held();
}

/* k and v of a shape with the keys put on the device by parts of one KV head. */
static enum error_kind run_keys(struct result *result, struct device *device, const struct shape *shape,
                                struct error *error)
{
    struct kernel_options options = options_of(shape);
    struct made_problem made = make(shape, 0);
    struct output output = {result->out[0], result->lse[0]};
    struct device_keys keys = {0};
    size_t head = (size_t)shape->dim * dtypes[shape->dtype].size_bytes, row = head * (size_t)shape->kv_heads;
    char *k = malloc((size_t)shape->keys * head), *v = malloc((size_t)shape->keys * head);
    double seconds;
    assert_true(k && v);
    memset(result, 0xee, sizeof *result);
    enum error_kind kind = device_keys_open(&keys, device, &made.problem, error);
    for (int g = 0; g < shape->kv_heads && !kind; g++) {
        struct problem part = made.problem;
        for (size_t j = 0; j < (size_t)shape->keys; j++) {
            memcpy(k + j * head, (const char *)made.k + j * row + (size_t)g * head, head);
            memcpy(v + j * head, (const char *)made.v + j * row + (size_t)g * head, head);
        }
        part.k = k;
        part.v = v;
        part.num_kv_heads = 1;
        part.num_heads = shape->heads / shape->kv_heads;
        kind = device_keys_put(&keys, &part, g, error);
        memset(k, 0xff, (size_t)shape->keys * head); /* a copy that is not over takes this */
        memset(v, 0xff, (size_t)shape->keys * head);
    }
    struct problem there = made.problem;
    there.k = keys.k;
    there.v = keys.v;
    const struct batch batch = {shape->kernel, &options, &sound_recipes[0], &there, &output, 1, true};
    if (!kind)
        kind = device_run_batch(device, &batch, NULL, &seconds, error);
    device_keys_close(&keys);
    free(k);
    free(v);
    free_problem(&made);
    return kind;
}

static void test_keys_that_are_put_there_in_parts(void **state)
{
    struct device *cuda = open_device(DEVICE_CUDA, FORM_FASTEST), *host = open_device(DEVICE_HOST, FORM_FASTEST);
    (void)state;
    for (int i = 0; i < 2 * NUM_SHAPES; i++) {
        const struct shape *shape = &shapes[i / 2];
        struct result expected, got;
        struct error error;
        fake_gpu_others_first = i % 2;
        run_soundly(&expected, host, shape, 1, NULL);
        if (run_keys(&got, cuda, shape, &error))
            fail_msg("%s", error.text);
        assert_memory_equal(&got, &expected, sizeof got);
    }
    fake_gpu_others_first = false;
    assert_true(device_room(cuda) > 0 && device_room(cuda) <= (double)fake_memory_bytes());
    device_close(host);
    device_close(cuda);
    assert_nothing_held();
}

/* ---- failures ---------------------------------------------------------------------------------------------------- */

enum way { WAY_PLAIN, WAY_AUDITED, WAY_BY_PARTS, WAY_COUNT };

static enum error_kind run_in_a_way(const void *context, struct device *device, struct error *error)
{
    const enum way *way = context;
    const struct shape *shape = &shapes[2];
    struct result result;
    struct memory_audit audit;
    return *way == WAY_BY_PARTS ? run_keys(&result, device, shape, error)
                                : run(&result, device, shape, 1, *way == WAY_AUDITED ? &audit : NULL, error);
}

static void test_each_call_that_fails_is_told_and_leaves_nothing_behind(void **state)
{
    (void)state;
    for (enum way way = 0; way < WAY_COUNT; way++)
        expect_failures_told(run_in_a_way, &way, 20);
}

static void test_memory_that_is_not_there(void **state)
{
    struct device *device = open_device(DEVICE_CUDA, FORM_FASTEST);
    struct device_keys keys;
    struct result result;
    struct error error;
    const struct problem large = {
        .seq_len = (int64_t)1 << 32, .num_heads = 1, .num_kv_heads = 1, .head_dim = 64, .dtype = DTYPE_F16};
    (void)state;
    assert_int_equal(device_keys_open(&keys, device, &large, &error), ERROR_SYSTEM);
    assert_non_null(strstr(error.text, "cudaMalloc"));
    device_keys_close(&keys);
    run_soundly(&result, device, &shapes[0], 1, NULL); /* the failure was told, and is no later call's */
    assert_int_equal(cudaGetLastError(), cudaSuccess);
    device_close(device);
    assert_nothing_held();
}

/* A kernel's fault is told of its own launch; later ones are told that there was one. Other failures are forgotten. */
static void test_a_context_that_is_lost(void **state)
{
    struct device *device = open_device(DEVICE_CUDA, FORM_FASTEST);
    struct result result;
    struct error error;
    (void)state;
    run_soundly(&result, device, &shapes[0], 1, NULL);
    fake_gpu_fails_once = true;
    for (long calls = 0; calls == 0 || error.kind; calls++) {
        error.kind = ERROR_NONE;
        fake_gpu_calls_left = calls;
        (void)run(&result, device, &shapes[0], 1, NULL, &error);
        fake_gpu_calls_left = -1;
        run_soundly(&result, device, &shapes[0], 1, NULL);
    }
    fake_gpu_fault_at_launch = true;
    assert_int_equal(run(&result, device, &shapes[0], 1, NULL, &error), ERROR_SYSTEM);
    assert_non_null(strstr(error.text, "cudaEventSynchronize"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run(&result, device, &shapes[0], 1, NULL, &error), ERROR_SYSTEM);
        assert_non_null(strstr(error.text, "lost to this process, since an earlier launch ended in: device cuda: "
                                           "cudaEventSynchronize"));
    }
    device_close(device);
    fake_gpu_lost = cudaSuccess;
    (void)cudaGetLastError();
    assert_nothing_held();
}

static void test_a_failure_of_the_prober_is_told_once(void **state)
{
    struct device *device = open_device(DEVICE_CUDA, FORM_FASTEST);
    struct error error;
    uint32_t result;
    (void)state;
    fake_gpu_calls_left = 0;
    fake_gpu_fails_once = true;
    assert_int_equal(prober_cuda.results(FUNCTION_EXP2, 0, 1, &result, &error), ERROR_SYSTEM);
    assert_int_equal(prober_cuda.results(FUNCTION_EXP2, 0, 1, &result, &error), ERROR_NONE);
    device_close(device);
}

/* Each is told in a sentence that says what it takes. */
static void test_no_gpu(void **state)
{
    static const struct {
        struct fake_gpu gpu;
        const char *told;
    } rows[] = {
        {{.count = 0, .driver = CUDART_VERSION}, "the driver sees no GPU"},
        {{.count = 0, .driver = 0}, "there is no driver of a GPU"},
        {{.count = 1, .driver = 12040}, "knows CUDA 12.4, and this program takes CUDA 13.0"},
        {{.count = 1, .driver = CUDART_VERSION, .major = 7, .minor = 5, .no_image = true},
         "no GPU, its calls alone is sm_75, and kernels take sm_80 or newer"},
        {{.count = 1, .driver = CUDART_VERSION, .major = 8, .minor = 6, .no_image = true},
         "is sm_86, for which this program has no machine code; `make CUDA_ARCHS=86` builds one that has"},
    };
    const struct fake_gpu before = fake_gpu;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct device *device;
        struct error error;
        fake_gpu = rows[i].gpu;
        assert_int_equal(device_open(&device, DEVICE_CUDA, &(struct device_options){.threads = 1}, &error),
                         ERROR_SYSTEM);
        fake_gpu = before;
        if (!strstr(error.text, rows[i].told))
            fail_msg("%s", error.text);
        assert_null(device);
        assert_nothing_held();
    }
}

static void test_no_gpu_that_can_be_seen(void **state)
{
    const struct fake_gpu before = fake_gpu;
    struct device *device;
    struct error error;
    (void)state;
    fake_gpu.count = 0;
    setenv("CUDA_VISIBLE_DEVICES", "7", 1);
    assert_int_equal(device_open(&device, DEVICE_CUDA, &(struct device_options){.threads = 1}, &error), ERROR_SYSTEM);
    unsetenv("CUDA_VISIBLE_DEVICES");
    fake_gpu = before;
    assert_non_null(strstr(error.text, "has no GPU of CUDA_VISIBLE_DEVICES='7'"));
    assert_int_equal(cudaGetLastError(), cudaSuccess); /* what was told is no later call's */
}

/* ---- other GPUs -------------------------------------------------------------------------------------------------- */

static void test_sums_of_another_generation_are_refused(void **state)
{
    struct result result;
    struct error error;
    (void)state;
    fake_gpu.major = 12; /* of which nobody has measured them */
    struct device *device = open_device(DEVICE_CUDA, FORM_FASTEST);
    assert_false(device_has_models(device));
    assert_int_equal(run(&result, device, &shapes[5], 1, NULL, &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, "none, since its sums have not been measured"));
    run_soundly(&result, device, &shapes[2], 1, NULL);
    device_close(device);
    fake_gpu.major = 8;
    device = open_device(DEVICE_CUDA, FORM_FASTEST);
    assert_int_equal(run(&result, device, &shapes[5], 1, NULL, &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, "sm_80; allowed: "));
    device_close(device);
    fake_gpu.major = 9;
    assert_nothing_held();
}

/* Those of 99 KB a block, and of none beyond what needs no asking. */
static void test_gpus_with_less_shared_memory(void **state)
{
    static const size_t rooms[] = {163 << 10, 99 << 10, 64 << 10, 48 << 10};
    struct device *host = open_device(DEVICE_HOST, FORM_GENERIC);
    size_t before = fake_gpu.shared_room;
    (void)state;
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        fake_gpu.shared_room = rooms[i];
        struct device *device = open_device(DEVICE_CUDA, FORM_FASTEST);
        for (int s = 0; s < NUM_SHAPES; s++) {
            struct result expected, got;
            run_soundly(&expected, host, &shapes[s], 1, NULL);
            run_soundly(&got, device, &shapes[s], 1, NULL);
            assert_memory_equal(&got, &expected, sizeof got);
        }
        device_close(device);
    }
    fake_gpu.shared_room = before;
    device_close(host);
    assert_nothing_held();
}

/* ---- times ------------------------------------------------------------------------------------------------------- */

struct counting {
    int calls, rotation, fails_at;
    char *memory;
};

/* Writes the repetition into the device's memory. */
static enum error_kind count(void *context, int repetition, cudaStream_t stream, struct error *error)
{
    struct counting *counting = context;
    enum error_kind kind = ERROR_NONE;
    if (counting->calls++ == counting->fails_at)
        return error_set(error, ERROR_SYSTEM, "the work itself fails");
    TRY(cudaMemsetAsync(counting->memory + repetition % counting->rotation, repetition, 1, stream));
out:
    return kind;
}

static void test_times_of_replayed_work(void **state)
{
    struct device *device = open_device(DEVICE_CUDA, FORM_FASTEST);
    struct counting counting = {.rotation = 3, .fails_at = -1};
    const struct gpu_timing timing = {.replays = 7, .replay_s = 20e-6, .max_s = 1};
    struct gpu_times times;
    struct error error;
    cudaStream_t stream;
    char written[3];
    (void)state;
    assert_int_equal(cudaMalloc((void **)&counting.memory, sizeof written), cudaSuccess);
    assert_int_equal(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    const struct gpu_work work = {count, &counting, counting.rotation};
    if (gpu_time(&times, &work, &timing, stream, &error))
        fail_msg("%s", error.text);
    assert_int_equal(times.replays, 7);
    assert_int_equal(times.repetitions % 3, 0);
    assert_true(times.median_s >= times.min_s && times.min_s >= 0);
    assert_int_equal(cudaMemcpy(written, counting.memory, sizeof written, cudaMemcpyDeviceToHost), cudaSuccess);
    for (int i = 0; i < 3; i++)
        assert_int_equal((unsigned char)written[i], (times.repetitions - 3 + i) & 0xff);
    int all = counting.calls, held = fake_gpu_held();
    for (counting.fails_at = 0; counting.fails_at < all; counting.fails_at += 1 + counting.fails_at / 2) {
        counting.calls = 0;
        if (gpu_time(&times, &work, &timing, stream, &error))
            assert_string_equal(error.text, "the work itself fails");
        assert_int_equal(fake_gpu_held(), held);
    }
    counting.fails_at = -1;
    /* How many calls there are is a matter of the time that the work takes, as repetitions are. */
    enum error_kind kind = ERROR_SYSTEM;
    long failed = 0;
    for (; kind != ERROR_NONE && failed < 100000; failed++) {
        fake_gpu_calls_left = failed;
        kind = gpu_time(&times, &work, &timing, stream, &error);
        fake_gpu_calls_left = -1;
        assert_true(kind == ERROR_NONE || kind == ERROR_SYSTEM);
        assert_int_equal(fake_gpu_held(), held);
    }
    assert_true(kind == ERROR_NONE && failed > 30);
    cudaStreamDestroy(stream);
    cudaFree(counting.memory);
    device_close(device);
    assert_nothing_held();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits_are_those_of_the_host_device),
        cmocka_unit_test(test_two_devices_side_by_side),
        cmocka_unit_test(test_keys_that_are_put_there_in_parts),
        cmocka_unit_test(test_each_call_that_fails_is_told_and_leaves_nothing_behind),
        cmocka_unit_test(test_memory_that_is_not_there),
        cmocka_unit_test(test_a_context_that_is_lost),
        cmocka_unit_test(test_a_failure_of_the_prober_is_told_once),
        cmocka_unit_test(test_no_gpu),
        cmocka_unit_test(test_no_gpu_that_can_be_seen),
        cmocka_unit_test(test_sums_of_another_generation_are_refused),
        cmocka_unit_test(test_gpus_with_less_shared_memory),
        cmocka_unit_test(test_times_of_replayed_work),
    };
    return cmocka_run_group_tests_name("kernels/device_cuda", tests, NULL, NULL);
}
