/* Whatever floating-point environment a caller and the threads have, results are those of the default, and the caller
 * finds its own again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fenv.h>
#if defined __x86_64__
#include <xmmintrin.h>
#endif

#include "kernels/attention/rounding.h"
#include "kernels/device/replay.h"
#include "kernels/kernel.h"
#include "kernels/tests/made_problem.h"
#include "reference/baseline.h"
#include "reference/error_bound.h"
#include "reference/computing_environment.h"

enum { THREADS = 3, HEADS = 4, DIM = 64, KEYS = 200 };

/* ---- environments ---- */

static void set_default(void)
{
    fesetenv(FE_DFL_ENV);
}

static void set_upward(void)
{
    fesetround(FE_UPWARD);
}

static void set_downward(void)
{
    fesetround(FE_DOWNWARD);
}

static void set_toward_zero(void)
{
    fesetround(FE_TOWARDZERO);
}

static void set_trapping(void)
{
    feenableexcept(FE_INEXACT | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW | FE_DIVBYZERO);
}

static void set_flushing(void)
{
#if defined __x86_64__
    _mm_setcsr(_mm_getcsr() | 0x8040); /* FTZ, DAZ */
#endif
}

static const struct {
    const char *name;
    void (*set)(void);
} environments[] = {
    {"default", set_default},         {"upward", set_upward},     {"downward", set_downward},
    {"toward zero", set_toward_zero}, {"flushing", set_flushing}, {"trapping", set_trapping},
};

enum { NUM_ENVIRONMENTS = sizeof environments / sizeof environments[0] };

/* What tells environments apart. */
struct control {
    int rounding, traps;
    unsigned mxcsr; /* without its flags */
};

static struct control control_here(void)
{
    struct control control = {.rounding = fegetround(), .traps = fegetexcept()};
#if defined __x86_64__
    control.mxcsr = _mm_getcsr() & ~0x3fu;
#endif
    return control;
}

/* In this thread and in those of parallel regions. */
static void set_everywhere(int environment)
{
#pragma omp parallel num_threads(THREADS)
    {
        set_default();
        environments[environment].set();
    }
}

/* ---- what is computed ---- */

struct results {
    double truth[2][HEADS * DIM], radius[2][HEADS * DIM], bound[HEADS * DIM], reference[HEADS * DIM];
    double lse_bound[HEADS], reference_lse[HEADS];
    double head[HEADS * DIM]; /* of which truth_plain_head writes the first one's */
    float out[HEADS * DIM], lse[HEADS];
    struct replayed replayed[HEADS * DIM];
};

static const struct kernel_options options = {.chunk_len = CHUNK_LEN_DEFAULT};
static const struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}};

/* Returns how many functions failed. */
static int compute(struct results *results, const struct problem *problem, const struct rounding_model *model,
                   struct device *device)
{
    struct output output = {results->out, results->lse};
    struct truth truth;
    struct replay replay;
    struct error error;
    double seconds;
    int failures = 0;
    for (enum truth_method method = 0; method < TRUTH_METHOD_COUNT; method++) {
        struct truth_options truth_options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = THREADS};
        failures += truth_init(&truth, problem, &error) != ERROR_NONE;
        failures += truth_compute(&truth, method, problem, &truth_options, &error) != ERROR_NONE;
        memcpy(results->truth[method], truth.value, sizeof results->truth[method]);
        memcpy(results->radius[method], truth.radius, sizeof results->radius[method]);
        if (method == TRUTH_CERTIFIED)
            failures += error_bounds(results->bound, results->lse_bound, model, problem, &truth, THREADS, NULL,
                                     &error) != ERROR_NONE;
        truth_clear(&truth);
    }
    failures += truth_init(&truth, problem, &error) != ERROR_NONE;
    failures += truth_plain_head(&truth, problem, 0, &(struct truth_options){.precision = 64, .threads = 1}, &error) !=
                ERROR_NONE;
    memcpy(results->head, truth.radius, sizeof results->head);
    truth_clear(&truth);
    const struct baseline_result reference[BASELINE_COUNT] = {
        [BASELINE_F32_ABSOLUTE] = {results->reference, results->reference_lse}};
    failures +=
        baseline_attention(1u << BASELINE_F32_ABSOLUTE, problem, THREADS, NULL, reference, &error) != ERROR_NONE;
    failures +=
        device_run(device, KERNEL_SINGLE_PASS, &options, &recipe, problem, &output, &seconds, &error) != ERROR_NONE;
    failures += replay_run(&replay, KERNEL_SINGLE_PASS, &options, &recipe, problem, THREADS, &error) != ERROR_NONE;
    memcpy(results->replayed, replay.out, sizeof results->replayed);
    replay_clear(&replay);
    return failures;
}

static void test_results_of_the_default(void **state)
{
    struct made_problem made = make_problem(KEYS, HEADS, 2, DIM, DTYPE_F32);
    struct rounding_model model = kernel_rounding(KERNEL_SINGLE_PASS, &options, &recipe, &made.problem);
    struct results *results = calloc(NUM_ENVIRONMENTS, sizeof *results);
    struct device *device;
    struct error error;
    (void)state;
    assert_non_null(results);
    for (size_t i = 0; i < (size_t)KEYS * 2 * DIM; i++)
        ((float *)made.v)[i] *= 0x1p-128f; /* v and outputs that FTZ and DAZ would make 0 */
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = THREADS}, &error), 0);
    for (int i = 0; i < NUM_ENVIRONMENTS; i++) {
        set_everywhere(i);
        struct control before = control_here();
        int failures = compute(&results[i], &made.problem, &model, device);
        struct control after = control_here();
        set_everywhere(0);
        assert_int_equal(failures, 0);
        assert_memory_equal(&before, &after, sizeof before);
        if (memcmp(&results[0], &results[i], sizeof results[0]))
            fail_msg("%s: other results than in the default environment", environments[i].name);
    }
    device_close(device);
    free(results);
    free_problem(&made);
}

/* Each of the environments is another than the default, so that the test above tests something; and enter and leave go
 * there and back. */
static void test_enter_and_leave(void **state)
{
    (void)state;
    set_default();
    struct control normal = control_here();
    for (int i = 1; i < NUM_ENVIRONMENTS; i++) {
        set_default();
        environments[i].set();
        struct control set = control_here(), inside, outside;
        {
            COMPUTING_ENVIRONMENT();
            inside = control_here();
        }
        outside = control_here();
        set_default();
#if defined __x86_64__
        assert_memory_not_equal(&normal, &set, sizeof set);
#endif
        assert_memory_equal(&normal, &inside, sizeof inside);
        assert_memory_equal(&set, &outside, sizeof outside);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enter_and_leave),
        cmocka_unit_test(test_results_of_the_default),
    };
    return cmocka_run_group_tests_name("computing_environment", tests, NULL, NULL) != 0;
}
