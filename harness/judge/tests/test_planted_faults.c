/*
 * How small a fault may be and still fail: faults of every size planted in the output of a sound kernel, judged by the
 * tolerance alone, with lse relative to |lse| and in nats, and by the bound as well. PLANTED_TABLE=1 prints the table.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/verdict.h"
#include "kernels/attention/rounding.h"
#include "kernels/device/device.h"
#include "kernels/tests/made_problem.h"

enum { N = 300, H = 8, HKV = 2, D = 64, STEEP = 0 };

static const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
static const struct kernel_options options = {.chunk_len = CHUNK_LEN_DEFAULT};

/* A problem, the same with its tensors widened to f32, which a kernel computes alike, and what is judged. */
struct bench {
    struct made_problem made, wide;
    struct truth truth;
    double bound[H * D], lse_bound[H];
    struct device *device;
    float out[H * D], lse[H]; /* before out is rounded to the dtype */
};

static void widen(struct made_problem *wide, const struct made_problem *made)
{
    size_t row = (size_t)N * HKV * D;
    enum dtype dtype = made->problem.dtype;
    *wide = make_problem(N, H, HKV, D, DTYPE_F32);
    dtype_widen(dtype, made->q, 0, H * D, wide->q);
    dtype_widen(dtype, made->k, 0, row, wide->k);
    dtype_widen(dtype, made->v, 0, row, wide->v);
}

static void set_up(struct bench *bench, enum dtype dtype)
{
    struct truth_options precise = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    struct error error;
    bench->made = make_problem(N, H, HKV, D, dtype);
    widen(&bench->wide, &bench->made);
    const struct problem *problem = &bench->made.problem;
    struct rounding_model model = kernel_rounding(KERNEL_SINGLE_PASS, &options, &recipe, problem);
    if (device_open(&bench->device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error) ||
        truth_init(&bench->truth, problem, &error) ||
        truth_compute(&bench->truth, TRUTH_CERTIFIED, problem, &precise, &error) ||
        error_bounds(bench->bound, bench->lse_bound, &model, problem, &bench->truth, 1, NULL, &error))
        fail_msg("%s", error.text);
}

static void tear_down(struct bench *bench)
{
    device_close(bench->device);
    truth_clear(&bench->truth);
    free_problem(&bench->made);
    free_problem(&bench->wide);
}

/* The kernel's answer to what it is told. */
static void run(struct bench *bench, const struct problem *told)
{
    struct output output = {bench->out, bench->lse};
    struct error error;
    double seconds;
    const struct batch batch = {KERNEL_SINGLE_PASS, &options, &recipe, told, &output, 1, false};
    if (device_run_batch(bench->device, &batch, NULL, &seconds, &error))
        fail_msg("%s", error.text);
}

/* Counts a key of a head (1 + size) times; size -1 drops it. Returns its weight. */
static double reweigh(struct bench *bench, int head, int64_t key, double size)
{
    const struct problem *problem = &bench->wide.problem;
    size_t row = problem_row(problem, key, problem_kv_head(problem, head));
    double logit = 0;
    for (int d = 0; d < D; d++)
        logit +=
            (double)((const float *)problem->q)[head * D + d] * (double)((const float *)problem->k)[row + (size_t)d];
    logit = logit * (double)problem->scale + (double)problem->slopes[head] * (double)problem_distance(problem, key);
    double weight = exp(logit - bench->truth.lse[head]), sum = 1 + size * weight;
    for (int d = 0; d < D; d++) {
        double value = (double)((const float *)problem->v)[row + (size_t)d], out = (double)bench->out[head * D + d];
        bench->out[head * D + d] = (float)((out + size * weight * value) / sum);
    }
    bench->lse[head] = (float)((double)bench->lse[head] + log(sum));
    return weight;
}

/* ---- faults: each leaves in bench what a kernel with a fault of that size answers, and says how large it is ------ */

static double one_weight(struct bench *bench, double size)
{
    run(bench, &bench->wide.problem);
    for (int head = 0; head < H; head++)
        reweigh(bench, head, N - 1, size);
    return size;
}

/* The newest key of the steepest head that weighs no more than size; 0 if none does. */
static double key_dropped(struct bench *bench, double size)
{
    run(bench, &bench->wide.problem);
    for (int64_t key = N - 1; key >= 0; key--)
        if (reweigh(bench, STEEP, key, 0) <= size)
            return reweigh(bench, STEEP, key, -1);
    return 0;
}

static double softmax_scale(struct bench *bench, double size)
{
    struct problem told = bench->wide.problem;
    told.scale = (float)((double)told.scale * (1 + size));
    run(bench, &told);
    return size;
}

static double slope(struct bench *bench, double size)
{
    struct problem told = bench->wide.problem;
    float slopes[H];
    for (int head = 0; head < H; head++)
        slopes[head] = (float)((double)told.slopes[head] * (1 + size));
    told.slopes = slopes;
    run(bench, &told);
    return size;
}

static double output_factor(struct bench *bench, double size)
{
    run(bench, &bench->wide.problem);
    for (int i = 0; i < H * D; i++)
        bench->out[i] = (float)((double)bench->out[i] * (1 + size));
    return size;
}

static double lse_constant(struct bench *bench, double size)
{
    run(bench, &bench->wide.problem);
    for (int head = 0; head < H; head++)
        bench->lse[head] = (float)((double)bench->lse[head] + size);
    return size;
}

/* ---- judging ---------------------------------------------------------------------------------------------------- */

enum { BY_RELATIVE_LSE, BY_TOLERANCE, BY_BOTH, NUM_RULES };

static void judge(struct bench *bench, bool fails[NUM_RULES])
{
    static const double tolerances[DTYPE_COUNT] = {[DTYPE_F16] = 1e-3, [DTYPE_BF16] = 1e-2, [DTYPE_F32] = 1e-5};
    const struct problem *problem = &bench->made.problem;
    double wide = tolerances[problem->dtype];
    struct criterion criterion = {JUDGE_TOLERANCE, {wide, wide, wide}, 1};
    float narrow[H * D];
    struct output output = {narrow, bench->lse};
    const struct exhibit exhibit = {.problem = problem,
                                    .output = &output,
                                    .truth = &bench->truth,
                                    .bound = bench->bound,
                                    .lse_bound = bench->lse_bound,
                                    .criterion = criterion};
    struct verdict verdict;
    struct error error;
    dtype_narrow(problem->dtype, narrow, 0, H * D, bench->out);
    if (verdict_reach(&verdict, &exhibit, &error))
        fail_msg("%s", error.text);
    fails[BY_RELATIVE_LSE] = verdict.total.mismatched + verdict.total.lse_mismatched > 0;
    fails[BY_TOLERANCE] = criterion_decide(&criterion, &verdict.total) == DECISION_FAIL;
    criterion.mode = JUDGE_BOTH;
    fails[BY_BOTH] = criterion_decide(&criterion, &verdict.total) == DECISION_FAIL;
    verdict_clear(&verdict);
}

static const struct fault {
    const char *name;
    double (*plant)(struct bench *bench, double size);
    double at_most; /* the smallest that fails by both is no larger */
} faults[] = {
    {"weight of one key", one_weight, 1e-4}, {"key dropped, by its weight", key_dropped, 1e-5},
    {"softmax scale", softmax_scale, 1e-4},  {"slope", slope, 1e-4},
    {"output factor", output_factor, 1e-4},  {"lse constant, nats", lse_constant, 1e-5},
};

/* Sizes go down in steps of 10^(1/4) to the smallest that each rule still sees; a size of 0 is the sound kernel. */
static void find_smallest(struct bench *bench, const struct fault *fault, double smallest[NUM_RULES])
{
    for (int rule = 0; rule < NUM_RULES; rule++)
        smallest[rule] = INFINITY;
    for (int step = 0; step <= 32; step++) {
        bool fails[NUM_RULES];
        double size = fault->plant(bench, pow(10, -step / 4.0));
        judge(bench, fails);
        for (int rule = 0; rule < NUM_RULES; rule++)
            if (fails[rule])
                smallest[rule] = size;
    }
}

static const enum dtype output_dtypes[] = {DTYPE_F16, DTYPE_BF16, DTYPE_F32};

enum { NUM_FAULTS = sizeof faults / sizeof faults[0], NUM_DTYPES = sizeof output_dtypes / sizeof output_dtypes[0] };

static void print_table(double smallest[NUM_FAULTS][NUM_DTYPES][NUM_RULES])
{
    printf("| planted fault | f16 | bf16 | f32 |\n|---|---|---|---|\n");
    for (int i = 0; i < NUM_FAULTS; i++) {
        printf("| %s |", faults[i].name);
        for (int t = 0; t < NUM_DTYPES; t++)
            printf(" %.2g, %.2g, %.2g |", smallest[i][t][BY_RELATIVE_LSE], smallest[i][t][BY_TOLERANCE],
                   smallest[i][t][BY_BOTH]);
        printf("\n");
    }
}

static void test_the_bound_sees_what_the_tolerance_lets_pass(void **state)
{
    (void)state;
    double smallest[NUM_FAULTS][NUM_DTYPES][NUM_RULES];
    for (int t = 0; t < NUM_DTYPES; t++) {
        struct bench bench;
        bool fails[NUM_RULES];
        set_up(&bench, output_dtypes[t]);
        output_factor(&bench, 0);
        judge(&bench, fails);
        assert_false(fails[BY_RELATIVE_LSE] || fails[BY_TOLERANCE] || fails[BY_BOTH]);
        for (int i = 0; i < NUM_FAULTS; i++)
            find_smallest(&bench, &faults[i], smallest[i][t]);
        tear_down(&bench);
    }
    if (getenv("PLANTED_TABLE"))
        print_table(smallest);
    for (int i = 0; i < NUM_FAULTS; i++)
        for (int t = 0; t < NUM_DTYPES; t++) {
            const double *least = smallest[i][t];
            assert_true(least[BY_TOLERANCE] <= least[BY_RELATIVE_LSE]);
            /* In f32 the tolerance is near the bound; in 16 bits a hundred times as wide. */
            if (!(least[BY_BOTH] <= faults[i].at_most) ||
                !(output_dtypes[t] == DTYPE_F32 || least[BY_BOTH] <= least[BY_TOLERANCE] / 30))
                fail_msg("%s, %s: %g, by the tolerance %g", faults[i].name, dtypes[output_dtypes[t]].name,
                         least[BY_BOTH], least[BY_TOLERANCE]);
        }
}

/* What f32 takes from an lse that is large, the tolerance leaves it: no sound kernel with f32 logits is accused. Beyond
 * these distances it is the bound's second order that is larger. */
static void test_the_tolerance_of_lse_holds_the_bound(void **state)
{
    (void)state;
    static const struct tolerance tolerance = {.lse = 1e-5};
    for (int64_t keys = 100; keys <= 100000; keys *= 10) {
        struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
        struct truth_options precise = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
        struct truth truth;
        struct error error;
        double lse_bound[H];
        made.problem.q_position += keys;
        if (truth_init(&truth, &made.problem, &error) ||
            truth_compute(&truth, TRUTH_CERTIFIED, &made.problem, &precise, &error))
            fail_msg("%s", error.text);
        for (enum kernel kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
            struct rounding_model model = kernel_rounding(kernel, &options, &recipe, &made.problem);
            if (error_bounds(NULL, lse_bound, &model, &made.problem, &truth, 1, NULL, &error))
                fail_msg("%s", error.text);
            for (int h = 0; h < H; h++)
                if (!(lse_bound[h] <= tolerance_lse(&tolerance, truth.lse[h])))
                    fail_msg("lse %g: bound %g, allowed %g", truth.lse[h], lse_bound[h],
                             tolerance_lse(&tolerance, truth.lse[h]));
        }
        truth_clear(&truth);
        free_problem(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bound_sees_what_the_tolerance_lets_pass),
        cmocka_unit_test(test_the_tolerance_of_lse_holds_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
