/* Small errors that another factor on q.k or on biases makes, a factor of each row's own, are no rounding. */
#include "harness/judge/cause/tests/signature_trial.h"

static struct signature_trial make_untold(int64_t keys)
{
    struct signature_trial trial = make_trial(keys, 4, 2, 64, DTYPE_BF16);
    for (int h = 0; h < 4; h++)
        trial.made.slopes[h] = 0.013f * (float)(h + 1);
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-3, 1e-3, 1e-3};
    free(trial.output.lse); /* which would tell */
    trial.output.lse = NULL;
    return trial;
}

static double rule_scale_by_head(const struct problem *problem, int head, int64_t key, double most)
{
    double factor = 1 + most * (head + 1) / 4;
    return visible_or_none(problem, key,
                           right_logit(problem, head, key) + (factor - 1) * scaled_dot(problem, head, key));
}

static double rule_slope_by_head(const struct problem *problem, int head, int64_t key, double most)
{
    return rule_slope(problem, head, key, 1 + most * (head + 1) / 4);
}

static void answer(struct signature_trial *trial, logit_rule *rule, double most)
{
    double out[64];
    for (int h = 0; h < 4; h++) {
        attend_exactly(&trial->made.problem, h, rule, most, 0, 0, out);
        set_out(trial, h, out);
    }
}

static void test_a_factor_of_each_row_is_no_rounding(void **state)
{
    (void)state;
    static const struct {
        logit_rule *rule;
        double most;
        const char *detail;
    } rows[] = {{rule_scale_by_head, 0.03, "q.k is multiplied by 1.0"},
                {rule_scale_by_head, -0.03, "q.k is multiplied by 0.9"},
                {rule_slope_by_head, 0.03, "biases are multiplied by 1.0"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_untold(60);
        answer(&trial, rows[i].rule, rows[i].most);
        expect_and_end(&trial, SIGNATURE_UNKNOWN, rows[i].detail);
    }
}

/* Of more digits than such errors take away, many keys tell the factor, each row its own; few do not, nor do rows of
 * few elements. */
static void test_many_keys_tell_a_factor_of_each_row(void **state)
{
    (void)state;
    static const struct {
        logit_rule *rule;
        enum dtype dtype;
        int64_t keys;
        float slope;
        enum signature signature;
        const char *detail;
    } rows[] = {{rule_scale_by_head, DTYPE_F32, 300, 0.013f, SIGNATURE_WRONG_SCALE, " times it"},
                {rule_scale_by_head, DTYPE_F16, 300, 0.013f, SIGNATURE_WRONG_SCALE, " times it"},
                {rule_slope_by_head, DTYPE_F32, 300, 0.013f, SIGNATURE_WRONG_SLOPE, " times it"},
                {rule_slope_by_head, DTYPE_F16, 300, 0.013f, SIGNATURE_WRONG_SLOPE, " times it"},
                {rule_scale_by_head, DTYPE_F32, 7, 0.013f, SIGNATURE_UNKNOWN, ""},
                {rule_slope_by_head, DTYPE_F32, 7, 0.013f, SIGNATURE_UNKNOWN, ""},
                {rule_scale_by_head, DTYPE_F32, 300, 4, SIGNATURE_UNKNOWN, ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int dim = 12; dim <= 64; dim += 52) {
            struct signature_trial trial = make_trial(rows[i].keys, 4, 2, dim, rows[i].dtype);
            for (int h = 0; h < 4; h++)
                trial.made.slopes[h] = rows[i].slope * (float)(h + 1);
            begin(&trial);
            trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
            forget_lse(&trial);
            answer(&trial, rows[i].rule, rows[i].dtype == DTYPE_F32 ? 0.03 : 0.4);
            expect_and_end(&trial, dim < 16 ? SIGNATURE_UNKNOWN : rows[i].signature, dim < 16 ? "" : rows[i].detail);
        }
}

/* Half as much beside it, without a direction, may be all that there is; and of two keys any error has one direction.
 */
static void test_what_may_be_rounding_stays_so(void **state)
{
    (void)state;
    struct signature_trial trial = make_untold(60);
    answer(&trial, rule_scale_by_head, 0.02);
    leave(&trial, 0.5);
    expect_and_end(&trial, SIGNATURE_PRECISION_LOSS, "without a direction");
    trial = make_untold(2);
    answer(&trial, rule_scale_by_head, 0.04);
    expect_and_end(&trial, SIGNATURE_PRECISION_LOSS, "without a direction");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_factor_of_each_row_is_no_rounding),
        cmocka_unit_test(test_many_keys_tell_a_factor_of_each_row),
        cmocka_unit_test(test_what_may_be_rounding_stays_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
