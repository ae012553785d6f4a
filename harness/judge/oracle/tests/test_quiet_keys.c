/* The oracle of keys that weigh little alone: which kernels it tells of, where it cannot be asked, and what it leaves
 * to others. */
#include "harness/judge/oracle/tests/broken_subject.h"

static struct oracle_report ask(const struct subject *subject, const struct problem *problem, uint64_t choice,
                                unsigned which)
{
    const struct oracle_inquiry inquiry = {.subject = subject, .problem = problem, .choice = choice, .threads = 1};
    struct oracle_report report;
    struct error error;
    if (oracles_run(&report, &inquiry, which, &error))
        fail_msg("%s", error.text);
    return report;
}

/* Out of a row without some keys' weight. */
static void leave_out(const struct problem *problem, int head, const struct output *output, int64_t first, int64_t end,
                      double least)
{
    double left_out = 0, values[D] = {0};
    for (int64_t key = first; key < end; key++) {
        const double weight = weight_in(problem, key, head, output);
        const size_t row = problem_row(problem, key, problem_kv_head(problem, head));
        for (int d = 0; d < D && weight < least; d++)
            values[d] += weight * (double)f32(problem->v)[row + (size_t)d];
        left_out += weight < least ? weight : 0;
    }
    for (int d = 0; d < D && left_out > 0; d++)
        f32(output->out)[head * D + d] = (float)(((double)f32(output->out)[head * D + d] - values[d]) / (1 - left_out));
}

/* Passes over keys of less than a thousandth of the largest weight of their part, where slopes are 0. */
enum { PART = 640 };
static void leaves_out_light_keys_of_parts(const struct problem *problem, const struct kernel_options *options,
                                           const struct output *output, int run)
{
    (void)options, (void)run;
    for (int h = 0; h < problem->num_heads && problem->slopes[h] == 0; h++) {
        const struct problem whole = *problem;
        for (int64_t first = 0; first < problem->seq_len; first += PART) {
            const int64_t end = first + PART < problem->seq_len ? first + PART : problem->seq_len;
            double largest = 0;
            for (int64_t key = first; key < end; key++)
                largest = fmax(largest, weight_in(&whole, key, h, output));
            leave_out(&whole, h, output, first, end, largest / 1000);
        }
    }
}

/* Passes over keys of less than e^-10 of the largest weight, where slopes are 0. */
static void leaves_out_keys_10_below(const struct problem *problem, const struct kernel_options *options,
                                     const struct output *output, int run)
{
    (void)options, (void)run;
    for (int h = 0; h < problem->num_heads && problem->slopes[h] == 0; h++) {
        double largest = 0;
        for (int64_t key = 0; key < problem->seq_len; key++)
            largest = fmax(largest, weight_in(problem, key, h, output));
        leave_out(problem, h, output, 0, problem->seq_len, largest * 0x1.7cd79bp-15);
    }
}

/* The older half of the keys has no weight but for the oldest, where slopes are 0. */
static void leaves_out_half(const struct problem *problem, const struct kernel_options *options,
                            const struct output *output, int run)
{
    (void)options, (void)run;
    for (int h = 0; h < problem->num_heads && problem->slopes[h] == 0; h++)
        leave_out(problem, h, output, 1, problem->seq_len / 2, 2);
}

struct asked {
    struct device *device;
    struct made_problem made;
    struct broken_subject subject;
    int runs;
};

static void asked_init(struct asked *asked, int64_t seq_len, enum dtype dtype)
{
    static const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    *asked = (struct asked){.device = open_host(), .made = make_problem(seq_len, 1, 1, D, dtype)};
    asked->subject = broken_subject(asked->device, KERNEL_SINGLE_PASS, CHUNK, &recipe, &asked->runs);
}

static void asked_clear(struct asked *asked)
{
    free_problem(&asked->made);
    device_close(asked->device);
}

/* The ends alone are a tenth of such a kernel's parts; one loud key in 512 is in each of them. */
static void test_parts_of_a_cache_have_loud_keys_too(void **state)
{
    enum { CHOICES = 6 };
    int told = 0;
    struct asked asked;
    asked_init(&asked, 20 * PART, DTYPE_F32);
    asked.subject.after = leaves_out_light_keys_of_parts;
    (void)state;
    for (uint64_t choice = 0; choice < CHOICES; choice++) {
        const struct oracle_report report =
            ask(&asked.subject.subject, &asked.made.problem, choice, 1 << ORACLE_QUIET_KEYS);
        const bool between = trial_mix(choice, 41) % 2;
        if ((report.outcome[ORACLE_QUIET_KEYS] == ORACLE_VIOLATED) != between)
            fail_msg("choice %d: %s", (int)choice, report.detail[ORACLE_QUIET_KEYS]);
        told += between;
    }
    assert_in_range(told, 1, CHOICES - 1);
    asked_clear(&asked);
}

/* Of 300 keys that have a 32nd of the weight together each lies 9 below the maximum. */
static void test_few_keys_are_far_below_the_maximum_too(void **state)
{
    enum { CHOICES = 6 };
    int told = 0;
    struct asked asked;
    asked_init(&asked, 300, DTYPE_F32);
    asked.subject.after = leaves_out_keys_10_below;
    (void)state;
    for (uint64_t choice = 0; choice < CHOICES; choice++) {
        const struct oracle_report report =
            ask(&asked.subject.subject, &asked.made.problem, choice, 1 << ORACLE_QUIET_KEYS);
        told += report.outcome[ORACLE_QUIET_KEYS] == ORACLE_VIOLATED;
    }
    assert_in_range(told, 1, CHOICES - 1);
    asked_clear(&asked);
}

/* Few keys and many, in each dtype, with each share of the weight: a kernel that is sound holds. */
static void test_a_sound_kernel_holds(void **state)
{
    static const int64_t lengths[] = {2, 3, 4, 33, 700, 5000};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof lengths[0]; i++)
        for (int dtype = 0; dtype < 3; dtype++) {
            struct asked asked;
            asked_init(&asked, lengths[i / 2], (enum dtype[]){DTYPE_F16, DTYPE_BF16, DTYPE_F32}[dtype]);
            const struct oracle_report report =
                ask(&asked.subject.subject, &asked.made.problem, i, 1 << ORACLE_QUIET_KEYS);
            assert_int_equal(report.outcome[ORACLE_QUIET_KEYS],
                             lengths[i / 2] > 2 ? ORACLE_HELD : ORACLE_NOT_APPLICABLE);
            assert_int_equal(strstr(report.detail[ORACLE_QUIET_KEYS], "between the oldest") != NULL,
                             lengths[i / 2] == 2);
            asked_clear(&asked);
        }
}

static void test_a_scale_may_leave_no_room(void **state)
{
    static const struct {
        float scale;
        enum oracle_outcome outcome;
    } rows[] = {{1e-30f, ORACLE_NOT_APPLICABLE}, {0, ORACLE_NOT_APPLICABLE}, {1e6f, ORACLE_NOT_APPLICABLE},
                {-0.125f, ORACLE_HELD},          {8, ORACLE_HELD},           {1e-4f, ORACLE_HELD}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct asked asked;
        asked_init(&asked, 200, DTYPE_F16);
        asked.made.problem.scale = rows[i].scale;
        const struct oracle_report report = ask(&asked.subject.subject, &asked.made.problem, 1, 1 << ORACLE_QUIET_KEYS);
        if (report.outcome[ORACLE_QUIET_KEYS] != rows[i].outcome)
            fail_msg("scale %g: %s %s", (double)rows[i].scale, oracle_outcome_names[report.outcome[ORACLE_QUIET_KEYS]],
                     report.detail[ORACLE_QUIET_KEYS]);
        asked_clear(&asked);
    }
}

/* Weights that are wrong anywhere are told of once. */
static void test_what_each_key_tells_is_left_to_it(void **state)
{
    struct asked asked;
    asked_init(&asked, 300, DTYPE_F32);
    asked.subject.after = leaves_out_half;
    (void)state;
    struct oracle_report report =
        ask(&asked.subject.subject, &asked.made.problem, 0, 1 << ORACLE_QUIET_KEYS | 1 << ORACLE_EACH_KEY);
    assert_int_equal(report.outcome[ORACLE_EACH_KEY], ORACLE_VIOLATED);
    assert_int_equal(report.outcome[ORACLE_QUIET_KEYS], ORACLE_NOT_APPLICABLE);
    report = ask(&asked.subject.subject, &asked.made.problem, 0, 1 << ORACLE_QUIET_KEYS);
    assert_int_equal(report.outcome[ORACLE_QUIET_KEYS], ORACLE_VIOLATED);
    asked_clear(&asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_of_a_cache_have_loud_keys_too),
        cmocka_unit_test(test_few_keys_are_far_below_the_maximum_too),
        cmocka_unit_test(test_a_sound_kernel_holds),
        cmocka_unit_test(test_a_scale_may_leave_no_room),
        cmocka_unit_test(test_what_each_key_tells_is_left_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
