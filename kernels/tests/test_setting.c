/* Launches in other settings: each is what it says, and changes no bit of what the shipped kernels give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/device/device.h"
#include "kernels/tests/made_problem.h"

enum { KEYS = 150, HEADS = 4, HKV = 2, DIM = 64 };

static const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};

static const struct launch_setting settings[] = {
    {.backward = true},
    {.misplaced = true},
    {.nan_zones = true},
    {.far_rows = true},
    {.backward = true, .misplaced = true, .nan_zones = true, .far_rows = true},
    {.workspace = WORKSPACE_KEEP},
    {.workspace = WORKSPACE_KEPT},
    {.backward = true, .misplaced = true, .nan_zones = true, .far_rows = true, .workspace = WORKSPACE_KEPT},
};

struct result {
    float lse[HEADS];
    uint32_t out[HEADS * DIM]; /* in any dtype */
};

static void run(struct device *device, enum kernel kernel, const struct kernel_options *options,
                const struct problem *problem, struct result *result)
{
    const struct output output = {result->out, result->lse};
    const struct batch batch = {kernel, options, &recipe, problem, &output, 1, false};
    struct memory_audit audit;
    struct error error;
    double seconds;
    memset(result, 0xff, sizeof *result);
    if (device_run_batch(device, &batch, &audit, &seconds, &error))
        fail_msg("%s", error.text);
    assert_string_equal(audit.written.name, "");
    assert_string_equal(audit.changed, "");
}

static void test_no_setting_changes_a_bit(void **state)
{
    struct device *device;
    struct error error;
    (void)state;
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 2}, &error), ERROR_NONE);
    const struct launch_setting can = device_settings(device);
    assert_true(can.backward && can.misplaced && can.nan_zones && can.far_rows);
    for (int form = 0; form < DTYPE_COUNT + 2; form++) {
        bool fp8 = form >= DTYPE_COUNT;
        struct made_problem made = make_problem(KEYS, HEADS, HKV, DIM, fp8 ? DTYPE_F16 : (enum dtype)form);
        if (fp8) { /* f16's bytes are as good as any, but for NaN */
            made.problem.kv_format = form == DTYPE_COUNT ? KV_E4M3 : KV_E5M2;
            made.problem.k_scale = made.problem.v_scale = 1;
            for (size_t i = 0; i < (size_t)KEYS * HKV * DIM; i++)
                ((uint8_t *)made.k)[i] &= 0xbf, ((uint8_t *)made.v)[i] &= 0xbf;
        }
        for (int variant = 0; variant < 2 * KERNEL_COUNT; variant++) {
            static const struct recipe any = {.name = NULL};
            if (kernel_refusal((enum kernel)(variant / 2), &any, made.problem.dtype, made.problem.kv_format))
                continue;
            struct kernel_options options = {.chunk_len = 64, .page_size = variant % 2 ? 16 : 0, .page_seed = 5};
            struct result usual, other;
            run(device, (enum kernel)(variant / 2), &options, &made.problem, &usual);
            for (size_t s = 0; s < sizeof settings / sizeof settings[0]; s++) {
                options.setting = settings[s];
                run(device, (enum kernel)(variant / 2), &options, &made.problem, &other);
                if (memcmp(&usual, &other, sizeof usual))
                    fail_msg("%s, form %d, page size %d, setting %zu", kernel_names[variant / 2], form,
                             options.page_size, s);
            }
        }
        free_problem(&made);
    }
    device_close(device);
}

/* ---- what a kernel finds ----------------------------------------------------------------------------------------- */

static const struct launch_setting *expected;

static uintptr_t address(const void *buffer)
{
    return (uintptr_t)buffer;
}

/* The element of k that key 0 of KV head 0 begins with. */
static const uint16_t *first_of_k(const struct launch_plan *plan)
{
    const struct attention_args *args = &plan->args;
    int64_t row = args->page_table ? (int64_t)args->page_table[0] * args->page_size : args->sequences[0].first_row;
    return (const uint16_t *)args->k + row * args->num_kv_heads * args->head_dim;
}

static bool is_nan(uint16_t f16)
{
    float wide;
    dtype_widen(DTYPE_F16, &f16, 0, 1, &wide);
    return isnan(wide);
}

/* Numbers of pages that no unsigned number of 16 bits holds, and as many of the pool beside them, all NaN. */
static void look_at_far_pages(const struct attention_args *args, size_t k_bytes)
{
    const int row = args->num_kv_heads * args->head_dim, pages = (KEYS + args->page_size - 1) / args->page_size;
    const int64_t end = (int64_t)(k_bytes / sizeof(uint16_t)) / row / args->page_size;
    int64_t strangers = 0;
    for (int64_t page = end - 2 * pages; page < end; page++) {
        bool own = false;
        for (int i = 0; i < pages; i++)
            own |= args->page_table[i] == page;
        assert_true(page > UINT16_MAX);
        strangers += !own && is_nan(((const uint16_t *)args->k)[page * args->page_size * row]);
    }
    assert_int_equal(strangers, pages);
}

static enum error_kind look_and_launch(void *state, const struct launch_plan *plan, double *seconds,
                                       struct error *error)
{
    const struct attention_args *args = &plan->args;
    const uint16_t *k = args->k, *first = first_of_k(plan);
    const void *const buffers[] = {args->q, args->k, args->v, args->slopes, args->out, args->lse};
    for (size_t b = 0; b < sizeof buffers / sizeof buffers[0]; b++)
        assert_int_equal(address(buffers[b]) % (2 * BUFFER_ALIGNMENT), expected->misplaced ? BUFFER_ALIGNMENT : 0);
    if (expected->far_rows) { /* as 32 bits have it, signed or not, it is elsewhere, and can be read */
        ptrdiff_t index = first - k;
        assert_true(index > UINT32_MAX);
        assert_true(k[(int32_t)(uint32_t)(uint64_t)index] != *first && k[(uint32_t)(uint64_t)index] != *first);
        assert_true(((const uint16_t *)args->v)[(int32_t)(uint32_t)(uint64_t)index] != *first);
    }
    if (expected->far_rows && args->page_table)
        look_at_far_pages(args, plan->buffers[BUFFER_K].size_bytes);
    if (expected->nan_zones) {
        const size_t keys = plan->buffers[BUFFER_K].size_bytes / sizeof *k, queries = HEADS * DIM;
        assert_true(is_nan(k[-1]) && is_nan(k[keys]) && is_nan(((const uint16_t *)args->v)[-1]));
        assert_true(is_nan(((const uint16_t *)args->q)[-1]) && is_nan(((const uint16_t *)args->q)[queries]));
        assert_true(isnan(args->slopes[-1]) && isnan(args->slopes[HEADS]));
    }
    return device_host_ops.launch(state, plan, seconds, error);
}

/* Pages as large as the last are far away before their numbers are. */
static void test_a_setting_is_what_it_says(void **state)
{
    static const int page_sizes[] = {0, 16, 1024};
    struct device_ops ops = device_host_ops;
    struct made_problem made = make_problem(KEYS, HEADS, HKV, DIM, DTYPE_F16);
    struct device *device;
    struct error error;
    (void)state;
    ops.launch = look_and_launch;
    assert_int_equal(device_open_with(&device, DEVICE_HOST, &ops, &(struct device_options){.threads = 1}, &error),
                     ERROR_NONE);
    for (size_t s = 0; s < sizeof settings / sizeof settings[0]; s++)
        for (size_t p = 0; p < sizeof page_sizes / sizeof page_sizes[0]; p++) {
            const struct kernel_options options = {.chunk_len = 64, .page_size = page_sizes[p], .setting = settings[s]};
            struct result result;
            expected = &settings[s];
            run(device, KERNEL_SPLIT_KV, &options, &made.problem, &result);
        }
    device_close(device);
    free_problem(&made);
}

/* ---- a workspace that is kept ------------------------------------------------------------------------------------ */

enum { LEFT = 4 };

static int found_nan, found_left; /* numbers at the beginning of the workspace, before a launch */

static enum error_kind look_and_leave(void *state, const struct launch_plan *plan, double *seconds, struct error *error)
{
    float *sums = plan->args.workspace[0];
    const size_t numbers = plan->buffers[BUFFER_WORKSPACE].size_bytes / sizeof *sums;
    found_nan = found_left = 0;
    for (size_t i = 0; i < numbers; i++) {
        found_nan += isnan(sums[i]);
        found_left += sums[i] == 77;
    }
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    for (size_t i = 0; i < LEFT; i++)
        sums[i] = 77;
    return kind;
}

static void test_a_workspace_is_kept_for_those_who_ask(void **state)
{
    static const struct {
        enum workspace_setting workspace;
        int64_t keys;
        int nan, left;
    } launches[] = {
        {WORKSPACE_KEPT, 100, 2 * HEADS, 0},                                 /* nothing is kept yet */
        {WORKSPACE_OWN, 100, 2 * HEADS, 0},  {WORKSPACE_KEPT, 100, 0, LEFT}, /* not of the one between */
        {WORKSPACE_KEPT, 150, HEADS, LEFT},                                  /* it grows */
        {WORKSPACE_KEPT, 60, 0, LEFT},                                       /* and stays */
        {WORKSPACE_KEEP, 150, 3 * HEADS, 0},                                 /* begins anew */
        {WORKSPACE_KEPT, 150, 0, LEFT},
    };
    struct device_ops ops = device_host_ops;
    struct made_problem made = make_problem(KEYS, HEADS, HKV, DIM, DTYPE_F16);
    struct device *device;
    struct error error;
    (void)state;
    ops.launch = look_and_leave;
    assert_int_equal(device_open_with(&device, DEVICE_HOST, &ops, &(struct device_options){.threads = 1}, &error),
                     ERROR_NONE);
    for (size_t i = 0; i < sizeof launches / sizeof launches[0]; i++) {
        const struct kernel_options options = {.chunk_len = 64, .setting = {.workspace = launches[i].workspace}};
        struct result result;
        made.problem.seq_len = launches[i].keys;
        run(device, KERNEL_SPLIT_KV, &options, &made.problem, &result);
        if (found_nan != launches[i].nan || found_left != launches[i].left)
            fail_msg("launch %zu: %d NaN, %d left", i, found_nan, found_left);
    }
    device_close(device);
    free_problem(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_setting_changes_a_bit),
        cmocka_unit_test(test_a_setting_is_what_it_says),
        cmocka_unit_test(test_a_workspace_is_kept_for_those_who_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
