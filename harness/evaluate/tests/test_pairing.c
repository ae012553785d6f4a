/*
 * Two sides of a point of which one is a kernel of ours, compiled here with a fault of one key and one step planted in
 * it: the row, the element, the key and the step are named.
 */
#include "harness/evaluate/pairing.h"

#include "harness/evaluate/tests/small_point.h"
#include "kernels/device/device.h"
#include "kernels/dialect/real.h"
#include "kernels/dialect/simt.h"

/* ---- the planted kernel ------------------------------------------------------------------------------------------ */

enum plant { SOUND, DOT, LOGIT, WEIGHT, WEIGHT_NARROW, UNFUSED_DOT, UNFUSED_PRODUCT, SUM_NARROW, RESCALED };

static enum plant planted;
static int planted_head; /* -1: of all heads */

enum { KEY = 37, ANY_KEY = -2 };
#define PLANTED 0x1p-7f

static bool is_planted(enum plant fault, int64_t key)
{
    return planted == fault && key == KEY && (planted_head < 0 || (int)blockIdx.y == planted_head);
}

static real planted_dot(real dot, int64_t key)
{
    return is_planted(DOT, key) ? dot * (1 + PLANTED) : dot;
}

static real planted_logit(real logit, int64_t key)
{
    return is_planted(LOGIT, key) ? logit + PLANTED : logit;
}

static real planted_weight(real weight, int64_t key)
{
    if (is_planted(WEIGHT_NARROW, key))
        return dtype_round(DTYPE_BF16, weight);
    return is_planted(WEIGHT, key) ? weight * (1 + PLANTED) : weight;
}

/* Of all keys. */
static real planted_fma(enum stage stage, real a, real b, real c)
{
    bool unfused =
        (planted == UNFUSED_DOT && stage == STAGE_DOT) || (planted == UNFUSED_PRODUCT && stage == STAGE_WEIGHTED_SUM);
    return unfused ? add_in(stage, mul_in(stage, a, b), c) : fma_in(stage, a, b, c);
}

static real planted_add(enum stage stage, real a, real b)
{
    real sum = add_in(stage, a, b);
    return planted == SUM_NARROW && stage == STAGE_SUM ? dtype_round(DTYPE_BF16, sum) : sum;
}

static real planted_mul(enum stage stage, real a, real b)
{
    return mul_in(stage, a, planted == RESCALED && stage == STAGE_RESCALE ? b * (1 + PLANTED) : b);
}

#define fma_in planted_fma
#define add_in planted_add
#define mul_in planted_mul
#include "kernels/attention/logit.h"
#include "kernels/attention/lane.h"

#define tile_dot(args, dtype, group, lane, query, tile, last) \
    planted_dot(tile_dot(args, dtype, group, lane, query, tile, last), (tile) + (lane)->index)
#define key_logit(args, dot, factors, key, last, masked) \
    planted_logit(key_logit(args, dot, factors, key, last, masked), key)
#define key_weight(args, logit, max) planted_weight(key_weight(args, logit, max), key)
#include "kernels/attention/online_softmax.h"

/* As single_pass has it. */
SIMT_BODY void softmax_of_head(const struct attention_args *args, enum dtype dtype, int group)
{
    int head = (int)blockIdx.y;
    struct softmax_state state = warp_online_softmax(args, dtype, group, head, 0, args->sequence.seq_len);
    store_head(args, head, merge_warps(args, group, &state, false));
}

GENERIC_FORM(planted, softmax_of_head, f16_8, DTYPE_F16, 8)
GENERIC_FORM(planted, softmax_of_head, f32_8, DTYPE_F32, 8)

/* ---- its device -------------------------------------------------------------------------------------------------- */

static enum error_kind open_planted(void **state, char *name, const struct device_options *options, struct error *error)
{
    snprintf(name, DEVICE_NAME_SIZE, "planted");
    return simt_executor_new((struct simt_executor **)state, options->threads, SIMT_FORWARD, sizeof(float), error);
}

static enum error_kind launch_planted(void *state, const struct launch_plan *plan, double *seconds, struct error *error)
{
    const struct launch *launch = &plan->launches[0];
    struct simt_grid grid = {launch->blocks_x, launch->blocks_y, launch->blocks_z, launch->threads};
    void (*form)(void) =
        plan->args.dtype == DTYPE_F16 ? (void (*)(void))host_planted_f16_8 : (void (*)(void))host_planted_f32_8;
    *seconds = 0;
    return simt_launch(state, "planted", (simt_kernel *)form, &plan->args, &grid, error);
}

static struct device *open_device(bool is_planted_one)
{
    struct device_ops ops = device_host_ops;
    static struct device_ops kept;
    struct device *device;
    struct error error;
    const struct device_options options = {.threads = 1, .form = FORM_GENERIC};
    ops.open = open_planted;
    ops.launch = launch_planted;
    kept = ops;
    if (is_planted_one ? device_open_with(&device, DEVICE_HOST, &kept, &options, &error)
                       : device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error))
        fail_msg("%s", error.text);
    return device;
}

static struct pairing pair(const struct point *point)
{
    struct device *sound = open_device(false), *other = open_device(true);
    const struct pairing_side sides[2] = {{.device = sound}, {.device = other}};
    struct evaluator evaluator = {.threads = 1};
    struct pairing pairing;
    struct error error;
    if (pair_point(&evaluator, sides, point, &pairing, &error))
        fail_msg("%s", error.text);
    evaluator_clear(&evaluator);
    device_close(sound);
    device_close(other);
    return pairing;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

/* The kernel that is compiled here is ours. */
static void test_same(void **state)
{
    const struct point point = small_point(KERNEL_SINGLE_PASS);
    (void)state;
    planted = SOUND;
    struct pairing pairing = pair(&point);
    assert_false(bits_differ(&pairing.bits));
    assert_int_equal(pairing.bits.elements, 6 * 64);
    assert_int_equal(pairing.bits.rows, 6);
    assert_true(pairing.bits.has_lse);
    assert_int_equal(pairing.bits.first_row, -1);
    assert_string_equal(pairing.text, "");
}

static const struct row {
    enum plant fault;
    int head; /* that has it; -1: all */
    enum parting_step step;
    int64_t key; /* ANY_KEY: whichever it finds */
    enum dtype dtype;
} rows[] = {
    {DOT, -1, PARTING_DOT, KEY, DTYPE_F16},
    {DOT, 0, PARTING_DOT, KEY, DTYPE_F16},
    {LOGIT, -1, PARTING_UNKNOWN, KEY, DTYPE_F16}, /* or WEIGHT: from outside they are one */
    {LOGIT, 3, PARTING_UNKNOWN, KEY, DTYPE_F16},
    {WEIGHT, -1, PARTING_UNKNOWN, KEY, DTYPE_F16},
    {WEIGHT, 5, PARTING_UNKNOWN, KEY, DTYPE_F16},
    {WEIGHT_NARROW, -1, PARTING_WEIGHT, KEY, DTYPE_F16},
    {UNFUSED_DOT, -1, PARTING_DOT, -1, DTYPE_F32},
    {UNFUSED_PRODUCT, -1, PARTING_UNKNOWN, -1, DTYPE_F32},
    {SUM_NARROW, -1, PARTING_UNKNOWN, -1, DTYPE_F16},
    {SUM_NARROW, -1, PARTING_UNKNOWN, -1, DTYPE_F32},
    {RESCALED, -1, PARTING_WEIGHT, ANY_KEY, DTYPE_F16},
    {RESCALED, -1, PARTING_WEIGHT, ANY_KEY, DTYPE_F32},
};

/* With PARTING_SHOW in the environment what is found is printed. */
static void test_planted_faults_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct point point = small_point(KERNEL_SINGLE_PASS);
        char text[PARTING_TEXT_SIZE];
        planted = rows[i].fault;
        planted_head = rows[i].head;
        point.problem.dtype = rows[i].dtype;
        point.problem.max_bias = 40; /* slopes down to 2^-40: all keys weigh much alike there */
        struct pairing pairing = pair(&point);
        parting_say(text, &pairing.parting);
        if (getenv("PARTING_SHOW"))
            printf("fault %d of head %d: %lld of out, %lld of lse, first %lld,%d: %s\n", (int)planted, planted_head,
                   (long long)pairing.bits.differing, (long long)pairing.bits.lse_differing,
                   (long long)pairing.bits.first_row, pairing.bits.first_dim, text);
        else if (pairing.parting.step != rows[i].step ||
                 (rows[i].key != ANY_KEY && pairing.parting.key != rows[i].key) ||
                 (planted_head >= 0 && pairing.bits.first_row != planted_head))
            fail_msg("fault %d of head %d: row %lld: %s", (int)planted, planted_head, (long long)pairing.bits.first_row,
                     text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_planted_faults_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
