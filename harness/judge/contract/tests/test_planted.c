/* Planted faults against attention with the same fault that is written out here, a line each, for a problem of 3 KV
 * heads and one that a mask leaves nothing of. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/contract/planted.h"
#include "kernels/tests/made_problem.h"
#include "reference/slopes.h"

enum { N = 200, H = 6, HKV = 3, D = 64 };

/* What a kernel with the fault does otherwise; zeros: nothing. */
struct deviation {
    bool (*drops)(int64_t key);
    double scale, slope; /* factors; 0: 1 */
    bool no_bias, swaps_kv, averages;
    int slope_of, kv_head_by;         /* heads further */
    enum slope_convention convention; /* SLOPES_COUNT: the problem's */
    double out, lse;                  /* factors; 0: 1 */
    bool pairs;
};

static double factor(double stated)
{
    return stated == 0 ? 1 : stated;
}

static double element(const struct problem *problem, const void *tensor, int64_t key, int kv_head, int d)
{
    return (double)((const float *)tensor)[problem_row(problem, key, kv_head) + (size_t)d];
}

/* out[D]; returns lse. */
static double attend(const struct problem *problem, const struct deviation *deviation, int head, double *out)
{
    float of_convention[H];
    const float *slopes = problem->slopes;
    int kv_head = (head / (H / HKV) + deviation->kv_head_by) % HKV;
    double logits[N], max = -INFINITY, sum = 0;
    if (deviation->convention != SLOPES_COUNT) {
        slopes_fill(of_convention, H, deviation->convention, 8, 0, H);
        slopes = of_convention;
    }
    if (deviation->pairs)
        kv_head = kv_head == 2 ? 2 : 1 - kv_head;
    double slope = deviation->no_bias ? 0 : (double)slopes[(head + deviation->slope_of) % H] * factor(deviation->slope);
    const void *k = deviation->swaps_kv ? problem->v : problem->k, *v = deviation->swaps_kv ? problem->k : problem->v;
    for (int64_t key = 0; key < N; key++) {
        double dot = 0;
        for (int d = 0; d < D; d++)
            dot += (double)((const float *)problem->q)[head * D + d] * element(problem, k, key, kv_head, d);
        logits[key] = dot * (double)(float)((double)problem->scale * factor(deviation->scale)) +
                      slope * (double)problem_distance(problem, key);
        logits[key] = deviation->averages ? 0 : deviation->drops && deviation->drops(key) ? -INFINITY : logits[key];
        max = fmax(max, logits[key]);
    }
    memset(out, 0, D * sizeof *out);
    for (int64_t key = 0; key < N; key++) {
        double weight = exp(logits[key] - max);
        sum += weight;
        for (int d = 0; d < D; d++)
            out[d] += weight * element(problem, v, key, kv_head, d);
    }
    for (int d = 0; d < D; d++)
        out[d] *= factor(deviation->out) / sum;
    return (max + log(sum)) * factor(deviation->lse);
}

static bool newest(int64_t key)
{
    return key == N - 1;
}

static bool page(int64_t key)
{
    return key >= 128 && key < 192;
}

static bool of_16(int64_t key)
{
    return key % 16 == 0;
}

static bool oldest(int64_t key)
{
    return key < N / 4;
}

static const struct planted_fault *fault_called(const char *name)
{
    for (int i = 0; i < num_planted_faults; i++)
        if (strcmp(planted_faults[i].name, name) == 0)
            return &planted_faults[i];
    fail_msg("no fault %s", name);
    return NULL;
}

static bool plant(double *out, double *lse, const char *name, const struct problem *problem)
{
    const struct output none = {NULL, NULL};
    const struct truth truth = {.value = NULL};
    const struct exhibit stated = {.problem = problem, .output = &none, .truth = &truth};
    struct error error;
    bool is_none;
    if (planted_answer(out, lse, &is_none, fault_called(name), &stated, &error))
        fail_msg("%s: %s", name, error.text);
    return !is_none;
}

static void test_faults_are_what_they_are_called(void **state)
{
    (void)state;
    struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
    double scale = (double)made.problem.scale;
    const struct {
        const char *name;
        struct deviation deviation;
    } rows[] = {
        {"newest key dropped", {.drops = newest, .convention = SLOPES_COUNT}},
        {"6% of keys dropped", {.drops = of_16, .convention = SLOPES_COUNT}},
        {"oldest quarter dropped", {.drops = oldest, .convention = SLOPES_COUNT}},
        {"a page dropped", {.drops = page, .convention = SLOPES_COUNT}},
        {"scale of another head", {.scale = sqrt(16.0 / 15), .convention = SLOPES_COUNT}},
        {"scale taken twice", {.scale = scale, .convention = SLOPES_COUNT}},
        {"bias dropped", {.no_bias = true, .convention = SLOPES_COUNT}},
        {"bias times scale", {.slope = scale, .convention = SLOPES_COUNT}},
        {"slopes one head off", {.slope_of = 1, .convention = SLOPES_COUNT}},
        {"slope exponent off", {.slope = exp2(8.0 / H), .convention = SLOPES_COUNT}},
        {"other convention", {.convention = SLOPES_GEOMETRIC}},
        {"KV heads swapped", {.pairs = true, .convention = SLOPES_COUNT}},
        {"next KV head", {.kv_head_by = 1, .convention = SLOPES_COUNT}},
        {"k and v exchanged", {.swaps_kv = true, .convention = SLOPES_COUNT}},
        {"1% too large", {.out = 1.01, .convention = SLOPES_COUNT}},
        {"49% too large", {.out = 1.49, .convention = SLOPES_COUNT}},
        {"mean of v", {.averages = true, .convention = SLOPES_COUNT}},
        {"lse in base 2", {.lse = 1 / log(2), .convention = SLOPES_COUNT}},
    };
    slopes_fill(made.slopes, H, SLOPES_BLOOM, 8, 0, H);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double out[H * D], lse[H], own[D];
        assert_true(plant(out, lse, rows[i].name, &made.problem));
        for (int head = 0; head < H; head++) {
            double own_lse = attend(&made.problem, &rows[i].deviation, head, own);
            if (!(fabs(own_lse - lse[head]) <= 1e-6 * fabs(own_lse)))
                fail_msg("%s: lse %.17g, and by hand %.17g", rows[i].name, lse[head], own_lse);
            for (int d = 0; d < D; d++)
                if (!(fabs(out[head * D + d] - own[d]) <= 1e-6))
                    fail_msg("%s: out %.17g, and by hand %.17g", rows[i].name, out[head * D + d], own[d]);
        }
    }
    free_problem(&made);
}

/* Slopes that are of one convention become those of the other; of neither, `geometric`; none stay none. */
static void test_the_other_convention(void **state)
{
    (void)state;
    struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
    const struct deviation bloom = {.convention = SLOPES_BLOOM};
    double out[H * D], lse[H], own[D];
    slopes_fill(made.slopes, H, SLOPES_GEOMETRIC, 8, 0, H);
    assert_true(plant(out, lse, "other convention", &made.problem));
    for (int head = 0; head < H; head++)
        assert_true(fabs(attend(&made.problem, &bloom, head, own) - lse[head]) < 1e-6);
    made.slopes[2] = 0; /* a head without a bias is of neither */
    assert_true(plant(out, lse, "other convention", &made.problem));
    for (int head = 0; head < H; head++)
        assert_true(fabs(attend(&made.problem, &bloom, head, own) - lse[head]) < 1e-6);
    memset(made.slopes, 0, H * sizeof *made.slopes);
    assert_false(plant(out, lse, "other convention", &made.problem));
    assert_false(plant(out, lse, "bias dropped", &made.problem));
    made.problem.num_heads = 2; /* conventions are one */
    made.problem.num_kv_heads = 1;
    slopes_fill(made.slopes, 2, SLOPES_BLOOM, 8, 0, 2);
    assert_false(plant(out, lse, "other convention", &made.problem));
    assert_false(plant(out, lse, "KV heads swapped", &made.problem));
    free_problem(&made);
}

/* Weights in fp8 are off by 2^-4 of each at most, a leak by what the oldest v is apart. */
static void test_faults_of_weights_are_as_large_as_they_say(void **state)
{
    (void)state;
    struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
    const struct deviation nothing = {.convention = SLOPES_COUNT};
    double fp8[H * D], leak[H * D], lse[H], leak_lse[H], own[D];
    assert_true(plant(fp8, lse, "weights in fp8", &made.problem));
    assert_true(plant(leak, leak_lse, "a leak of 1e-3", &made.problem));
    for (int head = 0; head < H; head++) {
        double own_lse = attend(&made.problem, &nothing, head, own), most = 0;
        assert_true(fabs(leak_lse[head] - own_lse + log1p(-1e-3)) < 1e-9);
        for (int d = 0; d < D; d++) {
            double of_oldest = element(&made.problem, made.problem.v, 0, head / (H / HKV), d);
            assert_true(fabs(leak[head * D + d] - (own[d] + 1e-3 * (of_oldest - own[d]))) < 1e-9);
            most = fmax(most, fabs(fp8[head * D + d] - own[d]));
        }
        assert_true(most > 1e-5 && most < 0.1 && fabs(lse[head] - own_lse) < 0.0625);
    }
    free_problem(&made);
}

static void test_rows_without_a_key(void **state)
{
    (void)state;
    struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
    static const uint8_t masked[N] = {0};
    double out[H * D], lse[H];
    made.problem.visible = masked;
    assert_true(plant(out, lse, "lse of an empty row", &made.problem));
    assert_true(lse[0] == 0 && lse[H - 1] == 0 && out[0] == 0);
    assert_true(plant(out, lse, "lse in base 2", &made.problem));
    assert_true(lse[0] == -INFINITY);
    assert_false(plant(out, lse, "newest key dropped", &made.problem));
    free_problem(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_are_what_they_are_called),
        cmocka_unit_test(test_the_other_convention),
        cmocka_unit_test(test_faults_of_weights_are_as_large_as_they_say),
        cmocka_unit_test(test_rows_without_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
