/* The contract detective: what is named, and on what evidence; one fact that differs, or two. */
#include "harness/judge/contract/tests/contract_desk.h"

static void test_another_scale_is_named(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    other.scale = 1;
    answer(desk, &other);
    assert_named(search(desk, true), "scale 1 in place of 0.125");
    assert_string_equal(desk->finding.fits[0].class_name, "output");
    assert_named(search(desk, false), "scale 1 in place of 0.125");
}

/* The right output, times a factor and with a constant added. */
static void answer_otherwise(struct desk *desk, double factor, double offset)
{
    struct truth truth;
    find_truth(&truth, &desk->problem);
    for (int i = 0; i < H * D; i++) {
        const float value = (float)(factor * truth.value[i] + offset);
        dtype_narrow(DTYPE_F16, desk->out, (size_t)i, 1, &value);
    }
    for (int h = 0; h < H; h++)
        desk->lse[h] = (float)truth.lse[h];
    truth_clear(&truth);
}

static void test_a_factor_of_the_output_is_fitted(void **state)
{
    struct desk *desk = *state;
    answer_otherwise(desk, 1.02, 0);
    assert_named(search(desk, true), "the output multiplied by 1.02");
    assert_string_equal(desk->finding.fits[0].class_name, "output");
    assert_named(search(desk, false), "the output multiplied by 1.02");
    answer_otherwise(desk, -3, 0);
    assert_named(search(desk, true), "the output multiplied by -3");
    answer_otherwise(desk, 2, 0); /* one contract, though two rows of the table have it */
    assert_named(search(desk, true), "the output multiplied by 2");
    for (int h = 0; h < H; h++)
        desk->lse[h] *= 1.44269504f;
    assert_named(search(desk, true), "the output multiplied by 2 and lse in base 2");
}

/* Each row divided by another number, as a sum that is left out makes it: no factor is that of all rows, though one
 * leaves little of what is so small, and a coarse class allows for it. */
static void test_factors_that_rows_do_not_share_are_no_contract(void **state)
{
    struct desk *desk = *state;
    static const double factors[H] = {0.117, 0.15, 0.13, 0.121};
    struct truth truth;
    for (int shared = 0; shared < 2; shared++) {
        find_truth(&truth, &desk->problem);
        for (int i = 0; i < H * D; i++) {
            const float value = (float)((shared ? 0.13 : factors[i / D]) * truth.value[i]);
            dtype_narrow(DTYPE_F16, desk->out, (size_t)i, 1, &value);
        }
        truth_clear(&truth);
        if (shared)
            assert_named(search(desk, false), "the output multiplied by 0.13");
        else
            assert_int_equal(search(desk, false)->num_fits, 0);
    }
}

/* A soft cap holds all logits where slopes are so large, and twice as large ones are as good. */
static void test_a_parameter_that_is_as_good_twice_as_large_is_none(void **state)
{
    struct desk *desk = *state;
    struct problem other;
    float slopes[H];
    desk->problem.soft_cap = SOFT_CAP_AFTER_BIAS;
    desk->problem.soft_cap_value = 1;
    desk->problem.q_position = N + 3;
    other = desk->problem;
    for (int h = 0; h < H; h++)
        slopes[h] = 300 * desk->slopes[h];
    other.slopes = slopes;
    answer(desk, &other);
    search(desk, false);
    for (int i = 0; i < desk->finding.num_fits; i++)
        assert_null(strstr(desk->finding.fits[i].text, "biases multiplied"));
}

/* The value of one key of two is a bit, and of numbers that are none of one key each tells. */
static void test_rows_of_one_key_tell_little(void **state)
{
    struct desk *desk = *state;
    const struct output output = {desk->out, NULL};
    const struct exhibit exhibit = {.problem = &desk->problem, .output = &output, .truth = &desk->truth};
    struct contract_trial trial = contract_trial_begin(&exhibit);
    answer(desk, &desk->problem);
    assert_true(contract_is_told(&trial));
    for (int h = 0; h < H; h++)
        memcpy(desk->out + h * D, desk->v + (3 * G + h / (H / G)) * D, D * sizeof *desk->v);
    assert_true(contract_is_told(&trial)); /* one of 70, four times */
    trial.problem.seq_len = 60;
    assert_false(contract_is_told(&trial));
    desk->out[0] ^= 1 << 9;
    assert_true(contract_is_told(&trial));
    contract_trial_clear(&trial);
}

static void test_what_is_as_small_has_no_shape(void **state)
{
    struct desk *desk = *state;
    const struct output output = {desk->out, NULL};
    const struct exhibit exhibit = {.problem = &desk->problem, .output = &output, .truth = &desk->truth};
    answer(desk, &desk->problem);
    find_truth(&desk->truth, &desk->problem);
    assert_true(contract_has_shape(&exhibit));
    memmove(desk->out, desk->out + 1, (H * D - 1) * sizeof *desk->out);
    assert_false(contract_has_shape(&exhibit));
}

static void test_a_constant_of_the_output_is_fitted(void **state)
{
    struct desk *desk = *state;
    answer_otherwise(desk, 1, 0.02);
    assert_named(search(desk, true), "0.02 added to every element");
    assert_string_equal(desk->finding.fits[0].class_name, "output");
    answer_otherwise(desk, 1, -0.02);
    assert_named(search(desk, false), "-0.02 added to every element");
    answer_otherwise(desk, 1.5, 0.02); /* both are no contract */
    assert_int_equal(search(desk, true)->num_fits, 0);
}

/* What rounding alone may be is no constant. */
static void test_a_small_constant_is_not_named(void **state)
{
    struct desk *desk = *state;
    answer_otherwise(desk, 1, 0.0005);
    assert_false(search(desk, true)->named);
}

static void test_a_parameter_is_fitted(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    other.soft_cap = SOFT_CAP_BEFORE_BIAS;
    other.soft_cap_value = 1.5f;
    answer(desk, &other);
    assert_named(search(desk, true), "a soft cap of 1.5");
}

/* Where there is no bias, a cap before it is one after it, and no second contract that fits. */
static void test_a_cap_of_no_bias_has_one_side(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    memset(desk->slopes, 0, sizeof desk->slopes);
    other.soft_cap = SOFT_CAP_BEFORE_BIAS;
    other.soft_cap_value = 1.5f;
    answer(desk, &other);
    assert_named(search(desk, true), "a soft cap of 1.5");
    assert_string_equal(desk->finding.fits[0].text, "a soft cap of 1.5");
}

/* Half and twice the cap leave an out of 16 bits as it is. The lse tells them apart. */
static void test_a_cap_that_out_leaves_open_is_fitted_to_lse(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    other.soft_cap = SOFT_CAP_AFTER_BIAS;
    other.soft_cap_value = 200;
    desk->problem.soft_cap = SOFT_CAP_AFTER_BIAS;
    desk->problem.soft_cap_value = 1.5f;
    answer(desk, &other);
    assert_named(search(desk, true), "a soft cap of 200 after the bias");
}

/* What was right stays right: no other contract has as few roundings. */
static void test_a_right_output_has_no_other_contract(void **state)
{
    struct desk *desk = *state;
    answer(desk, &desk->problem);
    assert_false(search(desk, true)->named);
    assert_false(search(desk, false)->named);
}

/* One row tells nothing of what a kernel does with the others. */
static void test_one_row_names_no_contract(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    uint16_t right[H * D];
    answer(desk, &desk->problem);
    memcpy(right, desk->out, sizeof right);
    other.scale = 1;
    answer(desk, &other);
    memcpy(desk->out + D, right + D, sizeof right - D * sizeof *right);
    assert_false(search(desk, false)->named);
}

/* The oldest key weighs something in one row alone, all others are too steep: it is said, and not named. */
static void test_little_evidence_lists_and_does_not_name(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    uint8_t visible[N];
    memset(visible, 1, sizeof visible);
    visible[0] = 0;
    for (int h = 0; h < H - 1; h++)
        desk->slopes[h] = 2;
    other.visible = visible;
    answer(desk, &other);
    assert_false(search(desk, false)->named);
    assert_int_equal(desk->finding.num_fits, 1);
    assert_string_equal(desk->finding.fits[0].text, "the oldest key missing");
}

/* Slopes and the base of lse at once: no single contract is right, and with out alone one is. */
static void test_two_contracts_at_once_are_a_pair(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    float none[H] = {0};
    other.slopes = none;
    answer(desk, &other);
    for (int h = 0; h < H; h++)
        desk->lse[h] *= 1.442695f;
    assert_named(search(desk, true), "no bias and lse in base 2");
    assert_non_null(desk->finding.fits[0].remedy_too);
    assert_named(search(desk, false), "no bias");
    assert_null(desk->finding.fits[0].remedy_too);
}

/* The first is of [Hkv, N, D] memory, a copy on which the second stands. */
static void test_a_pair_of_layout_and_scale(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    uint16_t k[N * G * D];
    for (int key = 0; key < N; key++)
        for (int g = 0; g < G; g++)
            memcpy(k + (key * G + g) * D, desk->k + (g * N + key) * D, D * sizeof *k);
    other.k = k;
    other.scale = 1;
    answer(desk, &other);
    assert_named(search(desk, true), "k alone as [KV heads, keys, head_dim] and scale 1 in place of 0.125");
    assert_named(search(desk, false), "k alone as [KV heads, keys, head_dim] and scale 1 in place of 0.125");
}

/* What is fitted to one contract on top of another is fitted to its keys, not to those that were stated. */
static void test_a_pair_of_layout_and_sink(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    static uint16_t k[N * G * D];
    const float sinks[H] = {1.5f, 1.5f, 1.5f, 1.5f};
    for (int key = 0; key < N; key++)
        for (int g = 0; g < G; g++)
            memcpy(k + (key * G + g) * D, desk->k + (g * N + key) * D, D * sizeof *k);
    other.k = k;
    other.sink_logits = sinks;
    answer(desk, &other);
    assert_int_equal(search(desk, true)->num_fits, 1);
    assert_non_null(strstr(desk->finding.fits[0].text, "k alone as [KV heads, keys, head_dim] and a sink of 1.50"));
}

/* The output of a kernel that rounds weights to f16, and nothing else but its output. */
static void answer_with_narrow_weights(struct desk *desk, const struct problem *problem)
{
    struct contract_screen screen;
    assert_int_equal(contract_screen_init(&screen, problem, SCREEN_ALL_ELEMENTS, &error), ERROR_NONE);
    for (int row = 0; row < H; row++) {
        double sums[D] = {0}, lse = contract_screen_attend(&screen, problem, row);
        desk->lse[row] = (float)lse;
        for (int key = 0; key < N; key++) {
            float values[D];
            double weight = (double)dtype_round(DTYPE_F16, (float)screen.weights[key]);
            dtype_widen(DTYPE_F16, desk->v, problem_row(problem, key, problem_kv_head(problem, row)), D, values);
            for (int d = 0; d < D; d++)
                sums[d] += weight * (double)values[d] / screen.whole;
        }
        for (int d = 0; d < D; d++) {
            const float value = (float)sums[d];
            dtype_narrow(DTYPE_F16, desk->out, (size_t)(row * D + d), 1, &value);
        }
    }
    contract_screen_clear(&screen);
}

/* A pair that explains no more than one of the two does by itself is none. */
static void test_roundings_are_no_second_contract(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    float twice[H];
    for (int h = 0; h < H; h++)
        twice[h] = 2 * (desk->slopes[h] = 1 / (float)(1 << h)); /* without the oldest key it is the same output */
    other.slopes = twice;
    answer_with_narrow_weights(desk, &other);
    assert_named(search(desk, true), "biases counted twice");
    assert_string_equal(desk->finding.fits[0].class_name, "f32+weights16");
    assert_string_equal(desk->finding.fits[0].text, "biases counted twice");
}

/* Each of a pair has to matter: the bias is dropped, and the oldest key, which weighs little, in one row alone. */
static void test_a_pair_of_which_one_matters_little_is_not_named(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    float twice[H];
    uint8_t visible[N];
    memset(visible, 1, sizeof visible);
    visible[0] = 0;
    for (int h = 0; h < H; h++)
        twice[h] = 2 * (desk->slopes[h] = h < H - 1 ? 2 : 0.03125f);
    other.slopes = twice;
    other.visible = visible;
    answer(desk, &other);
    const struct contract_finding *finding = search(desk, false);
    assert_false(finding->named);
    assert_int_equal(finding->num_fits, 1);
    assert_string_equal(finding->fits[0].text, "biases counted twice and the oldest key missing");
}

/* Of three at once any two are wrong. */
static void test_three_contracts_at_once_are_not_named(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    const uint16_t *k = desk->k;
    other.k = desk->v;
    other.v = k;
    other.scale = 1;
    answer(desk, &other);
    for (int h = 0; h < H; h++)
        desk->lse[h] *= 1.442695f;
    assert_int_equal(search(desk, true)->num_fits, 0);
    assert_false(desk->finding.named);
}

/* What is said of heads, and of the order in which they are told apart, is one contract and not two. */
static void test_contracts_are_the_same_in_any_order_of_heads(void **state)
{
    struct desk *desk = *state;
    const struct output output = {desk->out, desk->lse};
    const int reversed[H] = {3, 2, 1, 0};
    answer(desk, &desk->problem);
    const struct exhibit exhibit = {.problem = &desk->problem, .output = &output};
    struct contract_trial x = contract_trial_begin(&exhibit), y = contract_trial_begin(&exhibit);
    assert_true(contract_same(&x, &y));
    y.problem.scale *= 1.0001f;
    assert_true(contract_same(&x, &y));
    y.problem.scale *= 1.01f;
    assert_false(contract_same(&x, &y));
    y.problem.scale = x.problem.scale;
    assert_true(contract_move_heads(&y, reversed, MOVE_ALL_OF_HEADS));
    assert_false(contract_same(&x, &y)); /* heads 0 and 1 read KV head 1 there */
    assert_true(contract_move_heads(&x, reversed, MOVE_ALL_OF_HEADS));
    assert_true(contract_same(&x, &y));
    const int within_groups[H] = {1, 0, 3, 2};
    assert_true(contract_move_heads(&y, within_groups, MOVE_ALL_OF_HEADS));
    assert_true(contract_same(&x, &y));
    assert_true(contract_move_heads(&y, within_groups, MOVE_LSE));
    assert_false(contract_same(&x, &y));
    contract_trial_clear(&x);
    contract_trial_clear(&y);
}

static int count_rows_that_pair(const struct contract_row *row)
{
    int count = 0;
    for (int other = 0; other < num_contract_rows; other++)
        count += contract_rows_pair(row, &contract_rows[other]) + contract_rows_pair(&contract_rows[other], row);
    return count;
}

/* In one order and not in both, none with itself, and each with some, unless it is to be tried alone. */
static void test_rows_pair_in_one_order(void **state)
{
    (void)state;
    for (int r = 0; r < num_contract_rows; r++) {
        assert_false(contract_rows_pair(&contract_rows[r], &contract_rows[r]));
        for (int other = 0; other < num_contract_rows; other++) {
            bool pair = contract_rows_pair(&contract_rows[r], &contract_rows[other]);
            assert_false(pair && contract_rows_pair(&contract_rows[other], &contract_rows[r]));
            assert_false(pair && strcmp(contract_rows[r].name, contract_rows[other].name) == 0);
        }
        assert_int_equal(count_rows_that_pair(&contract_rows[r]) > 0, contract_rows[r].stage != STAGE_ALONE);
    }
}

/* Every contract may be seen as what stands for it; one that is named speaks against other causes, and against no name
 * of what is seen in the output itself. */
static void test_a_contract_speaks_against_other_causes(void **state)
{
    struct contract_finding finding = {.num_fits = 1, .named = true};
    (void)state;
    for (int r = 0; r < num_contract_rows; r++) {
        finding.fits[0].seen_too = contract_rows[r].seen_too;
        assert_true(contract_rows[r].seen_too >> contract_rows[r].seen_as & 1);
        assert_false(contract_speaks_against(&finding, contract_rows[r].seen_as));
        assert_false(contract_speaks_against(&finding, SIGNATURE_NAN));
        assert_false(contract_speaks_against(&finding, SIGNATURE_STALE));
        assert_false(contract_speaks_against(&finding, SIGNATURE_UNWRITTEN));
        assert_false(contract_speaks_against(&finding, SIGNATURE_NONE));
        assert_true(contract_speaks_against(&finding, SIGNATURE_SILENT_ZERO));
        assert_true(contract_speaks_against(&finding, SIGNATURE_PRECISION_LOSS));
        assert_int_equal(contract_speaks_against(&finding, SIGNATURE_UNKNOWN),
                         contract_rows[r].seen_as != SIGNATURE_UNKNOWN);
        assert_true(contract_speaks_against(&finding, SIGNATURE_UNIFORM));
    }
    finding.fits[0].seen_too = 1u << SIGNATURE_WRONG_SCALE;
    assert_true(contract_speaks_against(&finding, SIGNATURE_DROPPED_KEYS));
    finding.named = false;
    assert_false(contract_speaks_against(&finding, SIGNATURE_DROPPED_KEYS));
}

/* Contracts that fit, none of which is named, contradict a name that is none of theirs, if they need few roundings;
 * what rounding is called, if they need fewer than the output as it was stated. */
static void test_what_fits_contradicts_a_name_that_it_does_not_have(void **state)
{
    static const struct class_whole one = {CLASS_FOUND, false, 1, {1 << CLASS_LOGITS16}},
                                    none = {.outcome = CLASS_NONE};
    struct contract_finding finding = {.num_fits = 1, .fits = {{.seen_too = 1u << SIGNATURE_WRONG_SCALE}}};
    struct contract_fit *fit = finding.fits;
    (void)state;
    static const enum signature seen[] = {SIGNATURE_NAN,         SIGNATURE_STALE,   SIGNATURE_UNWRITTEN,
                                          SIGNATURE_SILENT_ZERO, SIGNATURE_UNIFORM, SIGNATURE_UNKNOWN,
                                          SIGNATURE_WRONG_SCALE};
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++)
        assert_false(contract_contradicts(&finding, seen[i], &none));
    for (int roundings = -1; roundings < 3; roundings++) {
        fit->num_roundings = roundings;
        fit->remedy_too = NULL;
        assert_int_equal(contract_contradicts(&finding, SIGNATURE_DROPPED_KEYS, &one), roundings <= 1);
        assert_int_equal(contract_contradicts(&finding, SIGNATURE_PRECISION_LOSS, &one), roundings < 1);
        assert_true(contract_contradicts(&finding, SIGNATURE_PRECISION_LOSS, &none));
        fit->remedy_too = "The second of a pair.";
        assert_int_equal(contract_contradicts(&finding, SIGNATURE_DROPPED_KEYS, &one), roundings <= 0);
    }
    fit->num_roundings = 0;
    finding.num_fits = 2;
    finding.fits[1] = *fit;
    assert_true(contract_contradicts(&finding, SIGNATURE_DROPPED_KEYS, &none));
    finding.fits[1].seen_too |= 1u << SIGNATURE_DROPPED_KEYS; /* one of the two is of that cause */
    assert_false(contract_contradicts(&finding, SIGNATURE_DROPPED_KEYS, &none));
    finding.num_fits = 1;
    finding.named = true; /* speaks for itself */
    assert_false(contract_contradicts(&finding, SIGNATURE_DROPPED_KEYS, &none));
    finding = (struct contract_finding){.num_fits = 0};
    assert_false(contract_contradicts(&finding, SIGNATURE_DROPPED_KEYS, &none));
}

/* What is kept of products and values gives what a screen without them gives. */
static void test_a_screen_forgets_what_is_moved(void **state)
{
    struct desk *desk = *state;
    struct contract_screen all, sample;
    struct problem other = desk->problem;
    uint16_t k[N * G * D], v[N * G * D];
    memcpy(k, desk->k, sizeof k);
    memcpy(v, desk->v, sizeof v);
    other.k = k;
    other.v = v;
    assert_int_equal(contract_screen_init(&sample, &desk->problem, SCREEN_SAMPLE, &error), ERROR_NONE);
    assert_int_equal(contract_screen_init(&all, &desk->problem, SCREEN_ALL_ELEMENTS, &error), ERROR_NONE);
    assert_int_equal(sample.dim, SCREEN_SAMPLE);
    assert_int_equal(all.dim, D);
    for (int round = 0; round < 3; round++)
        for (int row = 0; row < H; row++) {
            double lse = contract_screen_attend(&all, &other, row);
            assert_true(lse == contract_screen_attend(&sample, &other, row));
            for (int d = 0; d < SCREEN_SAMPLE; d++)
                assert_true(fabs(all.sums[d] - sample.sums[d]) < 1e-13);
            if (row == H - 1) {
                memcpy(k, desk->v, sizeof k);
                memcpy(v, round ? desk->v : desk->k, sizeof v);
                contract_screen_forget(&sample);
                contract_screen_forget(&all);
            }
        }
    struct truth truth;
    find_truth(&truth, &other);
    for (int row = 0; row < H; row++) {
        assert_true(fabs(contract_screen_attend(&sample, &other, row) - truth.lse[row]) < 1e-12);
        for (int d = 0; d < SCREEN_SAMPLE; d++)
            assert_true(fabs(sample.sums[d] - truth.value[row * D + d]) < 1e-12);
    }
    truth_clear(&truth);
    contract_screen_clear(&all);
    contract_screen_clear(&sample);
}

/* An lse that contradicts what out says. */
static void test_lse_has_a_say(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    other.scale = 1;
    answer(desk, &other);
    for (int h = 0; h < H; h++)
        desk->lse[h] += 0.25f;
    assert_int_equal(search(desk, true)->num_fits, 0);
}

static void test_without_keys_nothing_is_looked_for(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    other.scale = 1;
    answer(desk, &other);
    const struct output output = {desk->out, desk->lse};
    find_truth(&desk->truth, &desk->problem);
    struct problem without = desk->problem;
    without.k = NULL;
    const struct exhibit exhibit = {.problem = &without,
                                    .output = &output,
                                    .truth = &desk->truth,
                                    .criterion = {.mode = JUDGE_TOLERANCE, .tolerance = {1e-3, 1e-3, 1e-3}}};
    assert_int_equal(verdict_reach(&desk->verdict, &exhibit, &error), ERROR_NONE);
    assert_int_equal(contract_search(&desk->finding, &exhibit, &desk->verdict, &demand, 1, NULL, &error), ERROR_NONE);
    assert_int_equal(desk->finding.num_fits, 0);
}

/* Planted faults differ from the truth in out or lse, each, but for those that the problem does not have. */
static void test_planted_faults_change_the_answer(void **state)
{
    struct desk *desk = *state;
    double out[H * D], lse[H];
    const struct output none = {NULL, NULL};
    int missing = 0;
    find_truth(&desk->truth, &desk->problem);
    const struct exhibit stated = {.problem = &desk->problem, .output = &none, .truth = &desk->truth};
    for (int f = 0; f < num_planted_faults; f++) {
        bool is_none;
        double largest = 0;
        assert_int_equal(planted_answer(out, lse, &is_none, &planted_faults[f], &stated, &error), ERROR_NONE);
        bool of_empty_rows = strcmp(planted_faults[f].name, "lse of an empty row") == 0; /* there is none */
        missing += is_none;
        if (is_none || of_empty_rows)
            continue;
        for (int i = 0; i < H * D; i++)
            largest = fmax(largest, fabs(out[i] - desk->truth.value[i]));
        for (int head = 0; head < H; head++)
            largest = fmax(largest, fabs(lse[head] - desk->truth.lse[head]));
        if (!(largest > 1e-6))
            fail_msg("%s: off by %g", planted_faults[f].name, largest);
    }
    assert_in_range(missing, 1, 4); /* there is no whole page before the newest */
}

/* What is asked to be f32 is right under a contract only if it is f32 there. */
static void test_a_contract_holds_in_the_class_that_is_asked_for(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    other.scale = 1;
    answer(desk, &other);
    for (int i = 0; i < H * D; i++) { /* by 4 half units of its 11 bits: weights in 8 bits, or several steps in 16 */
        float element;
        dtype_widen(DTYPE_F16, desk->out, (size_t)i, 1, &element);
        element *= i % 2 ? 1 + 0x1p-9f : 1 - 0x1p-9f;
        dtype_narrow(DTYPE_F16, desk->out, (size_t)i, 1, &element);
    }
    assert_named(search(desk, true), "scale 1 in place of 0.125");
    assert_string_not_equal(desk->finding.fits[0].class_name, "f32");
    demand = (struct class_demand){.asked = true, .arithmetic = {.set = CLASS_F32}};
    assert_int_equal(search(desk, true)->num_fits, 0);
    demand.arithmetic.set = 1u << CLASS_WEIGHTS16 | 1u << CLASS_WEIGHTS8;
    assert_named(search(desk, true), "scale 1 in place of 0.125");
    assert_int_equal(desk->finding.fits[0].set & ~demand.arithmetic.set, 0);
    answer(desk, &other);
    demand = (struct class_demand){.asked = true, .arithmetic = {.output = true}};
    assert_named(search(desk, true), "scale 1 in place of 0.125");
    demand.asked = false;
}

/* A sink's logit does not move with the biases, nor does a soft cap of biased logits let them move alike. */
static void test_another_origin_beside_sinks_and_caps(void **state)
{
    struct desk *desk = *state;
    static const float sinks[H] = {3, 4, 3.5f, 4.5f};
    for (int what = 0; what < 2; what++) {
        desk->problem.sink_logits = what == 0 ? sinks : NULL;
        desk->problem.soft_cap = what == 1 ? SOFT_CAP_AFTER_BIAS : SOFT_CAP_NONE;
        desk->problem.soft_cap_value = 4;
        for (int64_t keys = -3; keys <= 7; keys += 10) {
            struct problem other = desk->problem;
            other.q_position += keys;
            answer(desk, &other);
            assert_named(search(desk, true), keys < 0 ? "biases counted from position 66 in place of 69"
                                                      : "biases counted from position 76 in place of 69");
        }
    }
}

/* With one key no slope is told from another position: both are listed, and neither is named, beside a sink too. Names
 * that not all of them have are none. */
static void test_one_key_does_not_tell_slopes_from_positions(void **state)
{
    struct desk *desk = *state;
    static const float sinks[H] = {3, 4, 3.5f, 4.5f};
    static uint8_t visible[N];
    visible[60] = 1;
    desk->problem.visible = visible;
    for (int with_sinks = 0; with_sinks < 2; with_sinks++) {
        desk->problem.sink_logits = with_sinks ? sinks : NULL;
        struct problem other = desk->problem;
        other.q_position = 60;
        answer(desk, &other);
        const struct contract_finding *finding = search(desk, true);
        assert_true(finding->num_fits >= 2); /* positions counted in visible keys are a third */
        assert_false(finding->named);
        assert_true(contract_leaves_open(finding, SIGNATURE_DROPPED_BIAS));
        assert_true(contract_leaves_open(finding, SIGNATURE_BIAS_SHIFT));
        assert_false(contract_leaves_open(finding, SIGNATURE_NAN));
        assert_false(contract_leaves_open(finding, SIGNATURE_UNKNOWN));
        desk->finding.num_fits = 1;
        assert_false(contract_leaves_open(finding, SIGNATURE_DROPPED_BIAS));
    }
}

/* v that cancels: nothing but zeros is right under any contract by which all keys weigh the same, and tells nothing. */
static void test_zeros_name_no_contract(void **state)
{
    struct desk *desk = *state;
    uint8_t first[N] = {0};
    for (int key = 0; key < N; key += 2)
        for (int i = 0; i < G * D; i++) {
            memcpy(&desk->k[(key + 1) * G * D + i], &desk->k[key * G * D + i], sizeof *desk->k);
            desk->v[(key + 1) * G * D + i] = desk->v[key * G * D + i] ^ 0x8000;
        }
    for (int key = 0; key < N; key += 2)
        first[key] = 1;
    memset(desk->slopes, 0, sizeof desk->slopes);
    desk->problem.visible = first;
    memset(desk->out, 0, sizeof desk->out);
    assert_false(search(desk, false)->named);
    assert_string_equal(desk->finding.fits[0].text, "no mask: every key visible");
}

/* An lse without the row's maximum is nearly that of biases counted from the newest key, where q.k is small. */
static void test_an_lse_that_is_near_names_no_contract(void **state)
{
    struct desk *desk = *state;
    desk->problem.q_position = N + 105;
    desk->problem.scale = 1.0f / 256;
    for (int h = 0; h < H; h++)
        desk->slopes[h] = 1 - 0.1f * (float)h;
    answer(desk, &desk->problem);
    for (int h = 0; h < H; h++)
        desk->lse[h] += desk->slopes[h] * 106 + 0.03f * (float)(h % 2);
    assert_false(search(desk, true)->named);
}

/* Of one key lse is its logit, and in base 2 that of another scale. That an lse is rounded once more where it is read
 * in another base speaks for neither. */
static void test_the_lse_of_one_key_tells_no_base_from_a_scale(void **state)
{
    struct desk *desk = *state;
    static const uint8_t first[N] = {1};
    memset(desk->slopes, 0, sizeof desk->slopes);
    desk->problem.visible = first;
    for (int i = 0; i < 4; i++) {
        desk->problem.scale = 0.125f + 0.017f * (float)i;
        struct problem other = desk->problem;
        other.scale = (float)((double)other.scale * M_LOG2E);
        answer(desk, &other);
        assert_false(search(desk, true)->named);
        assert_int_equal(desk->finding.num_fits, 2);
    }
}

/* What a contract leaves as it is makes no difference because it stands in another buffer. */
static void test_another_buffer_makes_no_difference(void **state)
{
    struct desk *desk = *state;
    const struct output output = {desk->out, desk->lse};
    const struct exhibit stated = {.problem = &desk->problem, .output = &output, .truth = &desk->truth};
    bool differs = true;
    answer(desk, &desk->problem);
    find_truth(&desk->truth, &desk->problem);
    struct contract_trial trial = contract_trial_begin(&stated);
    float *lse = contract_own_lse(&trial);
    assert_non_null(lse);
    assert_ptr_not_equal(trial.output.lse, output.lse);
    assert_int_equal(contract_differs(&differs, &trial, &desk->truth, CLASS_F32, 1, NULL, &error), ERROR_NONE);
    assert_false(differs);
    lse[1] += 0.125f;
    assert_int_equal(contract_differs(&differs, &trial, &desk->truth, CLASS_F32, 1, NULL, &error), ERROR_NONE);
    assert_true(differs);
    contract_trial_clear(&trial);
}

/* Of keys that are all the same out shows no scale: lse alone, a number a row, names no two contracts. */
static void test_lse_alone_names_no_pair(void **state)
{
    struct desk *desk = *state;
    for (int i = G * D; i < N * G * D; i++)
        desk->k[i] = desk->k[i % (G * D)];
    memset(desk->slopes, 0, sizeof desk->slopes);
    answer(desk, &desk->problem);
    for (int h = 0; h < H; h++)
        desk->lse[h] += (float)(log2(N) - log(N));
    assert_false(search(desk, true)->named);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_another_scale_is_named),
        TEST(test_a_factor_of_the_output_is_fitted),
        TEST(test_factors_that_rows_do_not_share_are_no_contract),
        TEST(test_a_parameter_that_is_as_good_twice_as_large_is_none),
        TEST(test_rows_of_one_key_tell_little),
        TEST(test_what_is_as_small_has_no_shape),
        TEST(test_a_constant_of_the_output_is_fitted),
        TEST(test_a_small_constant_is_not_named),
        TEST(test_a_parameter_is_fitted),
        TEST(test_a_cap_of_no_bias_has_one_side),
        TEST(test_a_cap_that_out_leaves_open_is_fitted_to_lse),
        TEST(test_a_right_output_has_no_other_contract),
        TEST(test_one_row_names_no_contract),
        TEST(test_little_evidence_lists_and_does_not_name),
        TEST(test_two_contracts_at_once_are_a_pair),
        TEST(test_a_pair_of_layout_and_scale),
        TEST(test_a_pair_of_layout_and_sink),
        TEST(test_roundings_are_no_second_contract),
        TEST(test_a_pair_of_which_one_matters_little_is_not_named),
        TEST(test_three_contracts_at_once_are_not_named),
        TEST(test_contracts_are_the_same_in_any_order_of_heads),
        TEST(test_rows_pair_in_one_order),
        TEST(test_a_contract_speaks_against_other_causes),
        TEST(test_what_fits_contradicts_a_name_that_it_does_not_have),
        TEST(test_a_screen_forgets_what_is_moved),
        TEST(test_a_contract_holds_in_the_class_that_is_asked_for),
        TEST(test_another_origin_beside_sinks_and_caps),
        TEST(test_one_key_does_not_tell_slopes_from_positions),
        TEST(test_zeros_name_no_contract),
        TEST(test_an_lse_that_is_near_names_no_contract),
        TEST(test_the_lse_of_one_key_tells_no_base_from_a_scale),
        TEST(test_another_buffer_makes_no_difference),
        TEST(test_lse_alone_names_no_pair),
        TEST(test_lse_has_a_say),
        TEST(test_without_keys_nothing_is_looked_for),
        TEST(test_planted_faults_change_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
