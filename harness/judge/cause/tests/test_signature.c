/* Failures that need no key to be named, and outputs that have no name. */
#include "harness/judge/cause/signature_info.h"
#include "harness/judge/cause/tests/signature_trial.h"
#include "harness/judge/poison.h"

/* ---- what is right, what is nothing ---------------------------------------------------------------------------- */

static void test_the_rounded_truth_has_no_signature(void **state)
{
    (void)state;
    for (enum dtype dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        struct signature_trial trial = make_trial(300, 4, 2, 64, dtype);
        begin(&trial);
        if (dtype == DTYPE_BF16)
            trial.tolerance = (struct tolerance){1e-2, 1e-2, 1e-2};
        expect(&trial, SIGNATURE_NONE, "");
        assert_int_equal(trial.finding.head, -1);
        end(&trial);
    }
}

static double noise(uint64_t *word)
{
    *word = *word * 6364136223846793005u + 1442695040888963407u;
    return (double)(int32_t)(*word >> 32) * 0x1p-31;
}

/* truth + size * noise in every element. */
static void add_noise(struct signature_trial *trial, double size)
{
    uint64_t word = 7;
    int dims = trial->made.problem.head_dim;
    double out[256];
    for (int h = 0; h < trial->made.problem.num_heads; h++) {
        for (int d = 0; d < dims; d++)
            out[d] = trial->truth.value[h * dims + d] + size * noise(&word);
        set_out(trial, h, out);
    }
}

static void test_garbage_is_unknown(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 4, 64, DTYPE_F16);
    mask_keys(&trial.made, 100, 300, 1);
    begin(&trial);
    add_noise(&trial, 1);
    expect(&trial, SIGNATURE_UNKNOWN, "");
    assert_true(isnan(trial.finding.residual));
    end(&trial);
}

static void test_small_noise_is_precision_loss(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 4, 64, DTYPE_F16);
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-4, 1e-4, 1e-3};
    add_noise(&trial, 5e-4);
    expect(&trial, SIGNATURE_PRECISION_LOSS, "without a direction");
    add_noise(&trial, 8e-3); /* as where each weight is off by a fortieth */
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "which is more than rounding does");
}

/* Each head's weights times 1 + by, of `keys` keys from first on with by and -by in turn, or of all with signs in no
 * order. */
static void change_weights(struct signature_trial *trial, double by, int64_t first, int keys)
{
    const struct problem *problem = &trial->made.problem;
    size_t dims = (size_t)problem->head_dim;
    for (int h = 0; h < problem->num_heads; h++) {
        double out[256];
        memcpy(out, trial->truth.value + (size_t)h * dims, dims * sizeof *out);
        for (int64_t j = 0; j < problem->seq_len; j++) {
            bool up = (uint32_t)j * 2654435761u >> 30 & 1;
            double changed = first < 0                        ? (up ? by : -by)
                             : j < first || j >= first + keys ? 0
                             : (j - first) % 2                ? -by
                                                              : by;
            double weight = exp(right_logit(problem, h, j) - trial->truth.lse[h]);
            size_t first_element = problem_row(problem, j, problem_kv_head(problem, h));
            for (size_t d = 0; d < dims; d++)
                out[d] += changed * weight * element(problem->v, problem->dtype, first_element + d);
        }
        set_out(trial, h, out);
    }
}

/* Roundings of weights leave something of every key that has some, and not of two, three or four alone. */
static void test_few_values_are_not_rounding(void **state)
{
    (void)state;
    for (int what = 0; what < 4; what++) {
        struct signature_trial trial = make_trial(60, 2, 2, 64, DTYPE_F32);
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-8, 1e-8, 1e-3};
        change_weights(&trial, 0x1p-17, what ? 58 - what : -1, what + 1);
        expect_and_end(&trial, what ? SIGNATURE_UNKNOWN : SIGNATURE_PRECISION_LOSS,
                       what ? "the values of a few keys alone" : "without a direction");
    }
}

/* Of very many keys some four leave as little of any error of few elements. */
static void test_four_of_very_many_values_are_any(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(2000, 2, 2, 16, DTYPE_F16);
    trial.made.slopes[0] = trial.made.slopes[1] = 0;
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-4, 1e-4, 1e-3};
    for (int h = 0; h < 2; h++) {
        double out[16];
        for (int d = 0; d < 16; d++)
            out[d] = trial.truth.value[h * 16 + d] + 4e-3 * sin(3.0 * d * d + h);
        set_out(&trial, h, out);
    }
    find(&trial);
    assert_null(strstr(trial.finding.detail, "keys alone"));
    end(&trial);
}

/* A value that counts in the weighted sum and not in the sum of weights, as one that a sink is given: beside the truth
 * roundings leave something of all values. */
static void test_one_value_beside_the_truth_is_not_rounding(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(60, 2, 2, 64, DTYPE_F32);
    const struct problem *problem = &trial.made.problem;
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-8, 1e-8, 1e-3};
    for (int h = 0; h < 2; h++) {
        double out[64];
        size_t row = problem_row(problem, 50, problem_kv_head(problem, h));
        for (int d = 0; d < 64; d++)
            out[d] = trial.truth.value[h * 64 + d] + 0x1p-19 * element(problem->v, DTYPE_F32, row + (size_t)d);
        set_out(&trial, h, out);
    }
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "along the value of one key and its own alone");
}

/* What looks like rounding is none of f32 where it is by far more than f32 rounds; the detail says so. An output of 16
 * bits may have weights of as many, and one of f32 where a class says so. Where it takes many roundings to explain it,
 * or coarse ones, other faults would look alike. */
static void test_noise_beyond_f32_is_no_rounding_of_f32(void **state)
{
    (void)state;
    static const struct {
        enum dtype dtype;
        bool is_rounding, is_coarse; /* a class explains it, but none of one rounding */
        double size;
        enum signature signature;
        const char *detail;
    } rows[] = {
        {DTYPE_F16, false, false, 0x1p-9, SIGNATURE_PRECISION_LOSS, "without a direction"},
        {DTYPE_F16, false, false, 0x1p-8, SIGNATURE_PRECISION_LOSS, "without a direction"},
        {DTYPE_F16, true, false, 0x1p-9, SIGNATURE_PRECISION_LOSS, "without a direction"},
        {DTYPE_F16, true, false, 0x1p-7, SIGNATURE_UNKNOWN, "which is more than rounding does"},
        {DTYPE_F16, true, true, 0x1p-7, SIGNATURE_UNKNOWN, "which no arithmetic with one rounding explains"},
        {DTYPE_F16, false, true, 0x1p-7, SIGNATURE_UNKNOWN, "which no arithmetic with one rounding explains"},
        {DTYPE_F32, false, false, 0x1p-7, SIGNATURE_UNKNOWN, "where rounding does 1.1"},
        {DTYPE_F32, true, false, 0x1p-9, SIGNATURE_PRECISION_LOSS, "without a direction"},
        {DTYPE_F32, true, true, 0x1p-9, SIGNATURE_UNKNOWN, "which no arithmetic with one rounding explains"},
        {DTYPE_F32, true, false, 0x1p-6, SIGNATURE_UNKNOWN, "where rounding does 0.0039"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(60, 2, 2, 64, rows[i].dtype);
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-6, 1e-6, 1e-3};
        trial.is_rounding = rows[i].is_rounding;
        trial.is_coarse = rows[i].is_coarse;
        change_weights(&trial, rows[i].size, -1, 0);
        expect_and_end(&trial, rows[i].signature, rows[i].detail);
    }
}

/* truth + size in every step-th element, of both signs in turn or of one. */
static void add_constant(struct signature_trial *trial, double size, int step, bool in_turn)
{
    int dims = trial->made.problem.head_dim;
    double out[256];
    for (int h = 0; h < trial->made.problem.num_heads; h++) {
        for (int d = 0; d < dims; d++) {
            int at = h * dims + d;
            double added = at % step == 0 ? size : 0;
            out[d] = trial->truth.value[at] + (in_turn && at / step % 2 ? -added : added);
        }
        set_out(trial, h, out);
    }
}

/* A row of zeros among others that are far off in a way that nobody knows says what it is, not what they are. */
static void test_one_row_of_zeros_names_no_other_fault(void **state)
{
    (void)state;
    for (int zeros = 1; zeros <= 3; zeros++) {
        struct signature_trial trial = make_trial(200, 4, 2, 64, DTYPE_F16);
        double out[64];
        begin(&trial);
        for (int h = 0; h < 4; h++) {
            for (int d = 0; d < 64; d++) /* the others: elements the wrong way round, unless all but one are right */
                out[d] = h < zeros ? 0 : trial.truth.value[h * 64 + (zeros < 3 ? 63 - d : d)];
            set_out(&trial, h, out);
            trial.output.lse[h] = h < zeros ? -100 : trial.output.lse[h];
        }
        expect_and_end(&trial, zeros == 1 ? SIGNATURE_UNKNOWN : SIGNATURE_SILENT_ZERO, "out is 0");
    }
}

static void test_a_constant_is_not_rounding(void **state)
{
    (void)state;
    for (int step = 1; step <= 7; step += 6) {
        struct signature_trial trial = make_trial(700, 4, 4, 64, DTYPE_F16);
        begin(&trial);
        add_constant(&trial, 4e-3, step, false);
        expect(&trial, SIGNATURE_UNKNOWN, "out is too large in ");
        add_constant(&trial, -4e-3, step, false);
        expect_and_end(&trial, SIGNATURE_UNKNOWN, "out is too small in ");
    }
}

static void move_values(struct made_problem *made, float mean)
{
    const struct problem *problem = &made->problem;
    size_t values = (size_t)problem->kv_slots * (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    for (size_t i = 0; i < values; i++) {
        float v;
        dtype_widen(problem->dtype, made->v, i, 1, &v);
        v += mean;
        dtype_narrow(problem->dtype, made->v, i, 1, &v);
    }
}

/* What leans where signs are drawn leans by chance, and noise may be what leaned; a constant has its size still. */
static void test_small_errors_of_elements_that_were_turned_are_unknown(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 4, 64, DTYPE_F16);
    trial.turned = true;
    begin(&trial);
    add_noise(&trial, 8e-3);
    expect(&trial, SIGNATURE_UNKNOWN, "other signs");
    add_constant(&trial, 4e-3, 1, false);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "errors are of one size");
}

/* Rounding leaves no element alone. */
static void test_few_elements_are_not_rounding(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 4, 64, DTYPE_F16);
    begin(&trial);
    add_constant(&trial, 8e-3, 7, true);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "hardly off");
}

/* v around a mean: what stands in some elements has a share along the truth, and leans no more than a factor does. */
static void test_a_constant_in_some_elements_is_not_rounding(void **state)
{
    (void)state;
    for (int mean = 0; mean <= 4; mean += 2)
        for (int step = 1 + !mean; step <= 6; step++)
            for (int in_turn = 0; in_turn < 2; in_turn++) {
                struct signature_trial trial = make_trial(700, 4, 4, 64, DTYPE_F16);
                move_values(&trial.made, 0.5f * (float)mean);
                begin(&trial);
                add_constant(&trial, 8e-3 * (1 + mean), step, in_turn);
                find(&trial);
                if (trial.finding.signature != SIGNATURE_UNKNOWN)
                    fail_msg("mean %g, every %d, %d: %s %s", 0.5 * mean, step, in_turn,
                             signature_names[trial.finding.signature], trial.finding.detail);
                end(&trial);
            }
}

/* As small as roundings are, of which every element has one and not every other: these have all sizes between. */
static void test_errors_of_two_sizes_are_not_rounding(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 4, 64, DTYPE_F32);
    trial.is_rounding = true;
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-4, 1e-4, 1e-3};
    add_constant(&trial, 5e-4, 2, true);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "errors are of one size, or of two");
}

/* Elements of v of two sizes have errors of two sizes, each as large as its sum w|v| makes it. */
static void test_rounding_of_values_of_two_sizes(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 4, 64, DTYPE_F32);
    for (size_t i = 0; i < 700 * 4 * 64; i++)
        ((float *)trial.made.v)[i] *= i % 64 < 24 ? 0x1p-20f : 1;
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-9, 1e-9, 1e-3};
    change_weights(&trial, 0x1p-15, -1, 0);
    expect_and_end(&trial, SIGNATURE_PRECISION_LOSS, "without a direction");
}

/* The kernel's own roundings do not do more than their bound allows. */
static void test_noise_beyond_its_bound_is_not_rounding(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 4, 64, DTYPE_F16);
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-4, 1e-4, 1e-3};
    add_noise(&trial, 5e-4); /* without a bound precision-loss: test_small_noise_is_precision_loss */
    set_bound(&trial, 1e-5);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

static double rule_soft_cap(const struct problem *problem, int head, int64_t key, double cap)
{
    return visible_or_none(problem, key, cap * tanh(right_logit(problem, head, key) / cap));
}

static double rule_dot_cap(const struct problem *problem, int head, int64_t key, double cap)
{
    double bias = (double)problem->slopes[head] * (double)problem_distance(problem, key);
    return visible_or_none(problem, key, cap * tanh(scaled_dot(problem, head, key) / cap) + bias);
}

/* Faults that no signature is of have none: soft caps, sinks of heads' own. */
static void test_faults_without_a_name_are_unknown(void **state)
{
    (void)state;
    static const struct {
        logit_rule *rule;
        double parameter;
        double sink; /* its logit above lse, of head 0; 0: none */
    } rows[] = {
        {rule_soft_cap, 2, 0}, {rule_soft_cap, 8, 0}, {rule_soft_cap, 30, 0}, {rule_dot_cap, 0.5, 0},
        {rule_dot_cap, 2, 0},  {rule_right, 0, -2},   {rule_right, 0, -6},
    };
    for (enum dtype dtype = DTYPE_F16; dtype <= DTYPE_F32; dtype += 2)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct signature_trial trial = make_trial(250, 8, 2, 64, dtype);
            if (i % 2)
                mask_keys(&trial.made, 100, 200, 3);
            begin(&trial);
            set_bound(&trial, 1e-3);
            set_lse_bound(&trial, 1e-5);
            for (int h = 0; h < 8; h++)
                attend(&trial, h, rows[i].rule, rows[i].parameter, rows[i].sink != 0,
                       trial.truth.lse[h] + rows[i].sink + 0.3 * h);
            find(&trial);
            if (trial.finding.num_rows_failing > 0 && trial.finding.signature != SIGNATURE_UNKNOWN)
                fail_msg("row %zu, %s: %s (\"%s\")", i, dtypes[dtype].name, signature_names[trial.finding.signature],
                         trial.finding.detail);
            end(&trial);
        }
}

/* What no row shows has the name that the oracles tell, and is never none. */
static void test_what_fails_by_oracles_alone_has_a_name(void **state)
{
    (void)state;
    static const struct {
        struct oracle_facts facts;
        enum signature signature;
    } rows[] = {
        {{.violated = 0}, SIGNATURE_NONE},
        {{.violated = 1u << ORACLE_DETERMINISM}, SIGNATURE_UNKNOWN},
        {{.violated = 1u << ORACLE_BIAS_SHIFT | 1u << ORACLE_MASKED_SLOTS}, SIGNATURE_LEAK},
        {{.violated = 1u << ORACLE_MASKED_SLOTS, .not_finite = 1u << ORACLE_MASKED_SLOTS}, SIGNATURE_NAN},
        /* of a kernel whose runs differ anyway, or that crashed, masked slots say nothing */
        {{.violated = 1u << ORACLE_DETERMINISM | 1u << ORACLE_MASKED_SLOTS}, SIGNATURE_UNKNOWN},
        {{.violated = 1u << ORACLE_MASKED_SLOTS, .failed = 1u << ORACLE_MASKED_SLOTS, .how = RUN_FAILURE_CRASH},
         SIGNATURE_NO_ANSWER},
        {{.violated = 1u << ORACLE_CONSTANT_V | 1u << ORACLE_MASKED_SLOTS, .stale = 1u << ORACLE_CONSTANT_V},
         SIGNATURE_STALE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(64, 2, 2, 64, DTYPE_F16);
        begin(&trial);
        trial.facts = rows[i].facts;
        find(&trial);
        assert_int_equal(trial.finding.signature, rows[i].signature);
        assert_int_equal(trial.finding.num_rows_failing, 0);
        assert_non_null(trial.finding.remedy);
        end(&trial);
    }
}

/* The advice comes from what was found, and where nothing better exists it says so. */
static void test_remedies_come_from_what_was_found(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 4, 64, DTYPE_F16);
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-4, 1e-4, 1e-3};
    add_noise(&trial, 5e-4);
    expect(&trial, SIGNATURE_PRECISION_LOSS, "");
    assert_null(strstr(trial.finding.remedy, "budget"));
    trial.bound = malloc(4 * 64 * sizeof(double));
    assert_non_null(trial.bound);
    for (int i = 0; i < 4 * 64; i++)
        trial.bound[i] = 1;
    set_lse_bound(&trial, 1);
    trial.judge_by_tolerance = true;
    expect(&trial, SIGNATURE_PRECISION_LOSS, "");
    assert_non_null(strstr(trial.finding.remedy, "{within-bound}"));
    end(&trial);
}

static void test_elements_never_written_are_named(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(64, 2, 2, 64, DTYPE_F16);
    begin(&trial);
    output_poison(&trial.output, &trial.made.problem);
    expect(&trial, SIGNATURE_UNWRITTEN, "64 of 64 elements were never written");
    /* One head of four, the others wrong for no known reason: it is seen at a glance. */
    end(&trial);
    trial = make_trial(64, 4, 4, 64, DTYPE_F16);
    begin(&trial);
    output_poison(&trial.output, &trial.made.problem);
    double out[64];
    for (int h = 1; h < 4; h++) {
        for (int d = 0; d < 64; d++)
            out[d] = trial.truth.value[h * 64 + d] + ((d * 37 + h * 11) % 64 < 32 ? 0.3 : -0.3);
        set_out(&trial, h, out);
        trial.output.lse[h] = (float)trial.truth.lse[h];
    }
    expect_and_end(&trial, SIGNATURE_UNWRITTEN, "64 of 64 elements were never written");
}

/* ---- without keys ---------------------------------------------------------------------------------------------- */

static void test_nan_and_infinity(void **state)
{
    (void)state;
    static const double values[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct signature_trial trial = make_trial(100, 2, 1, 64, DTYPE_F16);
        begin(&trial);
        double out[64] = {values[i]};
        set_out(&trial, 1, out);
        expect(&trial, SIGNATURE_NAN, "1 of 64 elements");
        assert_int_equal(trial.finding.head, 1);
        end(&trial);
    }
}

static void test_nan_on_an_empty_row(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(100, 2, 2, 64, DTYPE_F16);
    mask_keys(&trial.made, 0, 100, 1);
    begin(&trial);
    double out[64];
    for (int d = 0; d < 64; d++)
        out[d] = NAN;
    for (int h = 0; h < 2; h++) {
        set_out(&trial, h, out);
        trial.output.lse[h] = NAN;
    }
    expect_and_end(&trial, SIGNATURE_NAN, "64 of 64");
}

static void test_zeros_with_the_lse_of_the_sentinel(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(100, 4, 4, 64, DTYPE_F16);
    begin(&trial);
    memset(trial.output.out, 0, 4 * 64 * 2);
    for (int h = 0; h < 4; h++)
        trial.output.lse[h] = -49997;
    expect_and_end(&trial, SIGNATURE_SILENT_ZERO, "lse -49997 in place of");
}

static void test_without_keys_in_memory_the_rest_is_unknown(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(300, 4, 4, 64, DTYPE_F16);
    begin(&trial);
    break_all(&trial, rule_no_bias, 0);
    const void *k = trial.made.problem.k, *v = trial.made.problem.v;
    trial.made.problem.k = trial.made.problem.v = NULL;
    expect(&trial, SIGNATURE_UNKNOWN, "");
    trial.made.problem.k = k;
    trial.made.problem.v = v;
    expect_and_end(&trial, SIGNATURE_DROPPED_BIAS, "");
}

/* lse = truth + slope * keys, out untouched. */
static void shift_biases(struct signature_trial *trial, double keys)
{
    for (int h = 0; h < trial->made.problem.num_heads; h++)
        trial->output.lse[h] = (float)(trial->truth.lse[h] + (double)trial->made.problem.slopes[h] * keys);
}

static void test_biases_shifted_by_a_constant(void **state)
{
    (void)state;
    static const struct {
        double keys;
        const char *detail;
    } rows[] = {{1, "slope * +1 keys"}, {-1, "slope * -1 keys"}, {-32768, "slope * -32768 keys"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(200, 8, 2, 64, DTYPE_F16);
        begin(&trial);
        shift_biases(&trial, rows[i].keys);
        expect_and_end(&trial, SIGNATURE_BIAS_SHIFT, rows[i].detail);
    }
}

/* A tolerance below half an ulp of out, which the rounding of out alone exceeds. */
static void test_a_shift_shows_below_the_ulp_of_out(void **state)
{
    (void)state;
    for (enum dtype dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++) {
        struct signature_trial trial = make_trial(200, 8, 2, 64, dtype);
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-4, 1e-4, 1e-4};
        shift_biases(&trial, 2);
        expect_and_end(&trial, SIGNATURE_BIAS_SHIFT, "slope * +2 keys");
    }
}

/* The same lse with an out that is 4 ulp off is another failure. */
static void test_a_shift_of_a_wrong_out_is_none(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(200, 8, 2, 64, DTYPE_F16);
    double out[64];
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-4, 1e-4, 1e-4};
    shift_biases(&trial, 2);
    for (int d = 0; d < 64; d++)
        out[d] = trial.truth.value[d] + (d == 5 ? 4 * dtype_ulp(DTYPE_F16, trial.truth.value[d]) : 0);
    set_out(&trial, 0, out);
    find(&trial);
    assert_int_not_equal(trial.finding.signature, SIGNATURE_BIAS_SHIFT);
    end(&trial);
}

static void test_shifts_that_heads_do_not_share_are_unknown(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(200, 8, 2, 64, DTYPE_F16);
    begin(&trial);
    for (int h = 0; h < 8; h++)
        trial.output.lse[h] = (float)(trial.truth.lse[h] + (double)trial.made.slopes[h] * (h + 3));
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* Nobody is sent to what he has not, and no word is left as it stands in the tables. */
static void test_remedies_fit_their_readers(void **state)
{
    (void)state;
    char text[REMEDY_SIZE];
    static const char *const beside[] = {"It may: {within-bound}.", "It can do no better: {judge-by-bound}."};
    for (int s = 0; s < SIGNATURE_COUNT + 2; s++)
        for (int r = 0; r < REMEDY_READER_COUNT; r++) {
            enum remedy_reader reader = (enum remedy_reader)r;
            const char *remedy =
                s < SIGNATURE_COUNT ? signature_remedy((enum signature)s) : beside[s - SIGNATURE_COUNT];
            remedy_for(text, remedy, reader);
            assert_null(strchr(text, '{'));
            assert_true(strlen(text) > 10 && text[strlen(text) - 1] == '.');
            bool has_line = reader == REMEDY_FOR_KERNEL || reader == REMEDY_FOR_PLUGIN;
            assert_true(has_line || reader == REMEDY_FOR_FUNCTION || !strstr(text, "`budget: 1`"));
            assert_true(has_line || (!strstr(text, "`alibicheck explain`") && !strstr(text, "in place of `run`")));
            assert_true(reader == REMEDY_FOR_OUTPUT || !strstr(text, "--budget"));
        }
    assert_string_equal(remedy_for(text, "A {word} of nobody.", REMEDY_FOR_KERNEL), "A {word} of nobody.");
    char longer[REMEDY_SIZE + 32];
    memset(longer, 'x', sizeof longer - 1);
    memcpy(longer + REMEDY_SIZE - 8, "{look}", 6);
    longer[sizeof longer - 1] = 0;
    assert_int_equal(strlen(remedy_for(text, longer, REMEDY_FOR_CALLER)), REMEDY_SIZE - 1);
}

static void test_names_are_unique_and_found(void **state)
{
    (void)state;
    for (enum signature s = 0; s < SIGNATURE_COUNT; s++) {
        assert_int_equal(signature_from_name(signature_names[s]), s);
        assert_true(strlen(signature_meaning(s)) > 0 && strlen(signature_remedy(s)) > 0);
    }
    assert_int_equal(signature_from_name("leaks"), SIGNATURE_COUNT);
}

/* ---- the output itself ----------------------------------------------------------------------------------------- */

/* The nearest number of the dtype that is no further from 0. */
static double cut_off(enum dtype dtype, double number)
{
    double nearest = (double)dtype_round(dtype, (float)number);
    return fabs(nearest) <= fabs(number) ? nearest : nearest - copysign(dtype_ulp(dtype, number), nearest);
}

static void test_an_output_that_is_stored_otherwise(void **state)
{
    (void)state;
    static const struct {
        enum dtype dtype, held;
        bool cut;
        const char *detail;
    } rows[] = {
        {DTYPE_F16, DTYPE_F16, true, "the output cut off to f16, towards 0"},
        {DTYPE_BF16, DTYPE_BF16, true, "the output cut off to bf16, towards 0"},
        {DTYPE_F32, DTYPE_BF16, false, "the output rounded to bf16"},
        {DTYPE_F32, DTYPE_F16, true, "the output cut off to f16, towards 0"},
        {DTYPE_F16, DTYPE_BF16, false, "the output rounded to bf16"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct signature_trial trial = make_trial(40, 4, 2, 64, rows[i].dtype);
        double out[64];
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-3};
        for (int h = 0; h < 4; h++) {
            for (int d = 0; d < 64; d++) {
                double right = trial.truth.value[h * 64 + d];
                out[d] = rows[i].cut ? cut_off(rows[i].held, right) : (double)dtype_round(rows[i].held, (float)right);
            }
            set_out(&trial, h, out);
        }
        expect_and_end(&trial, SIGNATURE_PRECISION_LOSS, rows[i].detail);
    }
}

/* Inputs that are no numbers are nobody's fault but whose they are. */
static void test_inputs_that_are_no_numbers_are_told(void **state)
{
    (void)state;
    static const float nan = NAN, infinity = -INFINITY;
    struct signature_trial trial = make_trial(40, 4, 2, 64, DTYPE_F16);
    dtype_narrow(DTYPE_F16, trial.made.q, 3 * 64 + 5, 1, &nan);
    begin(&trial);
    double some[64] = {1};
    set_out(&trial, 3, some);
    trial.output.lse[3] = 0;
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "the exact result is no finite number: q is nan at head 3, dim 5");
    trial = make_trial(40, 4, 2, 64, DTYPE_F16);
    dtype_narrow(DTYPE_F16, trial.made.v, (7 * 2 + 1) * 64 + 9, 1, &infinity);
    begin(&trial);
    set_out(&trial, 2, some);
    set_out(&trial, 3, some);
    find(&trial);
    assert_non_null(strstr(trial.finding.detail, "v is inf at key 7, KV head 1, dim 9"));
    end(&trial);
}

/* An lse that no launch has written, of an output that is right. */
static void test_an_lse_that_is_never_written(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(40, 4, 2, 64, DTYPE_F16);
    begin(&trial);
    struct output unwritten = {malloc(4 * 64 * sizeof(uint16_t)), trial.output.lse};
    assert_non_null(unwritten.out);
    output_poison(&unwritten, &trial.made.problem);
    free(unwritten.out);
    expect(&trial, SIGNATURE_UNWRITTEN, "lse was never written");
    for (int h = 0; h < 4; h++)
        trial.output.lse[h] = NAN;
    expect_and_end(&trial, SIGNATURE_NAN, "lse alone");
}

/* An output that is next to nothing is off by about the truth, whatever it is: that is no factor. One that goes along
 * it is. */
static void test_a_small_output_is_no_multiple_of_the_truth(void **state)
{
    (void)state;
    for (int along = 0; along < 2; along++) {
        struct signature_trial trial = make_trial(40, 4, 2, 64, DTYPE_F16);
        double out[64];
        begin(&trial);
        for (int h = 0; h < 4; h++) {
            for (int d = 0; d < 64; d++)
                out[d] = (along ? 0.037 : 0) * trial.truth.value[h * 64 + d] + 1e-4 * ((h * 64 + d) * 37 % 19 - 9.3);
            set_out(&trial, h, out);
        }
        find(&trial);
        assert_int_equal(trial.finding.signature, SIGNATURE_UNKNOWN);
        assert_int_equal(strstr(trial.finding.detail, "times the exact result") != NULL, along);
        end(&trial);
    }
}

/* A log-sum-exp of -250000 that comes as -500: near to what a sum without the maximum has only as -250000 goes. */
static void test_an_lse_is_near_to_nothing_of_another_size(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(40, 4, 2, 64, DTYPE_F32);
    trial.made.problem.q_position = 1000000;
    for (int h = 0; h < 4; h++)
        trial.made.slopes[h] = 0.25f;
    begin(&trial);
    for (int h = 0; h < 4; h++)
        trial.output.lse[h] = -500 + (float)h;
    find(&trial);
    assert_null(strstr(trial.finding.detail, "maximum is missing"));
    end(&trial);
}

/* At a position of a million, logits in bf16 or no biases are predicted to leave next to nothing of steep heads, and
 * the newest page of v is read as next to nothing: both are small, and of different shapes. */
static void test_what_is_small_has_a_shape(void **state)
{
    enum { ROW = 2 * 64, FIRST = 6000 - 16 };
    static const int numbers[] = {56, 58}; /* of problems that had another name */
    (void)state;
    for (size_t p = 0; p < sizeof numbers / sizeof *numbers; p++) {
        struct signature_trial trial = {.made = make_sequence(numbers[p], 6000, 8, 2, 64, DTYPE_F32)};
        float *v = trial.made.v;
        trial.made.problem.kv_offset = 1000000;
        trial.made.problem.q_position = 1005999;
        begin(&trial);
        for (int i = FIRST * ROW; i < 6000 * ROW; i++)
            v[i] *= 0x1p-10f;
        break_all(&trial, rule_right, 0);
        for (int i = FIRST * ROW; i < 6000 * ROW; i++)
            v[i] *= 0x1p10f;
        forget_lse(&trial);
        expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
    }
}

/* A sink has all weight of what is left of a few old keys, which is next to nothing, as the output is. */
static void test_next_to_nothing_has_a_shape(void **state)
{
    (void)state;
    static const float sinks[4] = {0, 0, 0, 0};
    struct signature_trial trial = make_trial(400, 4, 2, 64, DTYPE_F32);
    uint64_t word = 1;
    trial.made.problem.sink_logits = sinks;
    for (int h = 0; h < 4; h++)
        trial.made.slopes[h] = 0.5f;
    begin(&trial);
    for (int h = 0; h < 4; h++) {
        double out[64];
        for (int d = 0; d < 64; d++)
            out[d] = 1e-20 * noise(&word);
        set_out(&trial, h, out);
    }
    forget_lse(&trial);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_small_has_a_shape),
        cmocka_unit_test(test_next_to_nothing_has_a_shape),
        cmocka_unit_test(test_the_rounded_truth_has_no_signature),
        cmocka_unit_test(test_garbage_is_unknown),
        cmocka_unit_test(test_small_noise_is_precision_loss),
        cmocka_unit_test(test_few_values_are_not_rounding),
        cmocka_unit_test(test_four_of_very_many_values_are_any),
        cmocka_unit_test(test_one_value_beside_the_truth_is_not_rounding),
        cmocka_unit_test(test_noise_beyond_f32_is_no_rounding_of_f32),
        cmocka_unit_test(test_one_row_of_zeros_names_no_other_fault),
        cmocka_unit_test(test_a_constant_is_not_rounding),
        cmocka_unit_test(test_small_errors_of_elements_that_were_turned_are_unknown),
        cmocka_unit_test(test_few_elements_are_not_rounding),
        cmocka_unit_test(test_a_constant_in_some_elements_is_not_rounding),
        cmocka_unit_test(test_errors_of_two_sizes_are_not_rounding),
        cmocka_unit_test(test_rounding_of_values_of_two_sizes),
        cmocka_unit_test(test_noise_beyond_its_bound_is_not_rounding),
        cmocka_unit_test(test_faults_without_a_name_are_unknown),
        cmocka_unit_test(test_what_fails_by_oracles_alone_has_a_name),
        cmocka_unit_test(test_remedies_come_from_what_was_found),
        cmocka_unit_test(test_elements_never_written_are_named),
        cmocka_unit_test(test_nan_and_infinity),
        cmocka_unit_test(test_nan_on_an_empty_row),
        cmocka_unit_test(test_zeros_with_the_lse_of_the_sentinel),
        cmocka_unit_test(test_without_keys_in_memory_the_rest_is_unknown),
        cmocka_unit_test(test_biases_shifted_by_a_constant),
        cmocka_unit_test(test_a_shift_shows_below_the_ulp_of_out),
        cmocka_unit_test(test_a_shift_of_a_wrong_out_is_none),
        cmocka_unit_test(test_shifts_that_heads_do_not_share_are_unknown),
        cmocka_unit_test(test_remedies_fit_their_readers),
        cmocka_unit_test(test_names_are_unique_and_found),
        cmocka_unit_test(test_an_output_that_is_stored_otherwise),
        cmocka_unit_test(test_an_lse_that_is_never_written),
        cmocka_unit_test(test_inputs_that_are_no_numbers_are_told),
        cmocka_unit_test(test_a_small_output_is_no_multiple_of_the_truth),
        cmocka_unit_test(test_an_lse_is_near_to_nothing_of_another_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
