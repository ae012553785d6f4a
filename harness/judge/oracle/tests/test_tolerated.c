/* A subject of whose operations nothing is known, so that rounding may do next to anything: what oracles expect of it
 * is held against the tolerance, and no sound one is accused by that. */
#include "harness/judge/class/class_rounding.h"
#include "harness/judge/oracle/tests/broken_subject.h"

/* Which of an oracle's runs something is added to, and how much; NaN: the result is that. */
static bool (*is_changed)(const struct problem *problem, int64_t chunk_len);
static float added;
static bool to_lse;

/* Of so many keys that their sum, of 8 bits, may be anything. */
static bool is_of_levels(const struct problem *problem, int64_t chunk_len)
{
    (void)chunk_len;
    return problem->slopes[0] == 0 && problem->seq_len > 200;
}

static bool is_of_one_key(const struct problem *problem, int64_t chunk_len)
{
    (void)chunk_len;
    return problem->seq_len == 1;
}

static bool is_constant(const struct problem *problem, int64_t chunk_len)
{
    (void)chunk_len;
    return f32(problem->v)[0] == f32(problem->v)[1] && problem->slopes[0] != 0;
}

static bool is_shifted(const struct problem *problem, int64_t chunk_len)
{
    (void)chunk_len;
    return problem->q_position != N - 1;
}

static int sequences; /* of a launch */

static void count_sequences(struct problem *problems, int i, void *scratch)
{
    (void)problems, (void)scratch;
    sequences = i + 1;
}

static bool is_beside_others(const struct problem *problem, int64_t chunk_len)
{
    return sequences > 1 && problem->seq_len == N && !is_constant(problem, chunk_len);
}

static bool is_constant_beside_others(const struct problem *problem, int64_t chunk_len)
{
    return sequences > 1 && problem->seq_len == N && is_constant(problem, chunk_len);
}

static bool is_cut_otherwise(const struct problem *problem, int64_t chunk_len)
{
    (void)problem;
    return chunk_len != CHUNK;
}

static void add(const struct problem *problem, const struct kernel_options *options, const struct output *output,
                int run)
{
    (void)run;
    if (is_changed(problem, options->chunk_len) && problem->seq_len > 0)
        *(to_lse ? &output->lse[1] : &f32(output->out)[7]) += added;
}

static struct rounding_model anything(const struct subject *subject, const struct problem *problem)
{
    (void)subject;
    return class_rounding_model(CLASS_SETS - 1, problem);
}

static enum oracle_outcome ask(enum oracle oracle, struct device *device, const struct problem *problem, bool any_order,
                               const struct tolerance *tolerance, char *detail)
{
    static const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    struct subject_ops ops = broken_ops;
    int runs = 0;
    struct broken_subject broken = broken_subject(
        device, oracle == ORACLE_PARTITION ? KERNEL_SPLIT_KV : KERNEL_SINGLE_PASS, CHUNK, &recipe, &runs);
    const struct oracle_inquiry inquiry = {
        .subject = &broken.subject, .problem = problem, .tolerance = tolerance, .choice = 1, .threads = 1};
    struct oracle_report report;
    struct error error;
    ops.rounding = anything;
    broken.subject.ops = &ops;
    broken.subject.any_order = any_order;
    broken.subject.may_differ = oracle == ORACLE_PARTITION || oracle == ORACLE_BATCH; /* which are then tried alone */
    broken.before = count_sequences;
    broken.after = add;
    if (oracles_run(&report, &inquiry, 1u << oracle, &error))
        fail_msg("%s", error.text);
    memcpy(detail, report.detail[oracle], ORACLE_DETAIL_SIZE);
    return report.outcome[oracle];
}

/* Of what a result is off by, `little` is some tolerances and `much` some more. Where a bound is infinite a number of a
 * subject whose operations are known is held against the tolerance, too. */
static void test_what_is_known_is_held_against_the_tolerance(void **state)
{
    static const struct tolerance tolerance = {.atol = 1e-4, .rtol = 1e-3, .lse = 1e-3};
    static const struct {
        enum oracle oracle;
        bool (*is_changed)(const struct problem *problem, int64_t chunk_len);
        float little, much;
        bool unbounded;
    } rows[] = {
        {ORACLE_EACH_KEY, is_of_levels, 3e-4f, 0.01f, true},
        {ORACLE_EACH_KEY, is_of_levels, 0, NAN, false},
        {ORACLE_LENGTHS, is_of_levels, 3e-4f, 0.1f, true},
        {ORACLE_LENGTHS, is_of_levels, 0, NAN, false},
        {ORACLE_QUIET_KEYS, is_of_levels, 3e-4f, 0.1f, true},
        {ORACLE_BATCH, is_beside_others, 3e-4f, 0.01f, true},
        {ORACLE_BATCH, is_constant_beside_others, 0.1f, 0.5f, true},
        {ORACLE_ONE_KEY, is_of_one_key, 3e-4f, 0.1f, false},
        {ORACLE_CONSTANT_V, is_constant, 0.1f, 0.3f, true},
        {ORACLE_PARTITION, is_cut_otherwise, 3e-4f, 0.01f, true},
    };
    struct device *device = open_host();
    struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
    char detail[ORACLE_DETAIL_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int known = 0; known < 2; known++)
            for (int much = 0; much < 2; much++) {
                is_changed = rows[i].is_changed;
                added = much ? rows[i].much : rows[i].little;
                const bool tells = much && (!known || rows[i].unbounded);
                enum oracle_outcome outcome = ask(rows[i].oracle, device, &made.problem, !known, &tolerance, detail);
                if (outcome != (tells ? ORACLE_VIOLATED : ORACLE_HELD))
                    fail_msg("row %zu, known %d, much %d: %s %s", i, known, much, oracle_outcome_names[outcome],
                             detail);
                outcome = ask(rows[i].oracle, device, &made.problem, !known, NULL, detail);
                if (outcome != ORACLE_HELD)
                    fail_msg("row %zu, without a tolerance: %s", i, detail);
            }
    free_problem(&made);
    device_close(device);
}

/* Of equal keys that score so much that rounding may make anything of lse, moved by a shift of the query or of one key
 * alone. */
static void test_lse_is_held_against_the_tolerance(void **state)
{
    static const struct tolerance tolerance = {.atol = 1e-4, .rtol = 1e-3, .lse = 1e-3};
    struct device *device = open_host();
    struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
    const size_t row = problem_row(&made.problem, 1, 0);
    char detail[ORACLE_DETAIL_SIZE];
    (void)state;
    for (int key = 1; key < N; key++)
        memcpy(f32(made.problem.k) + (size_t)key * row, made.problem.k, row * sizeof(float));
    made.problem.scale = 0x1p40f;
    is_changed = is_shifted;
    to_lse = true;
    added = 1e5f;
    assert_int_equal(ask(ORACLE_BIAS_SHIFT, device, &made.problem, false, &tolerance, detail), ORACLE_HELD);
    added = 1e10f;
    assert_int_equal(ask(ORACLE_BIAS_SHIFT, device, &made.problem, false, &tolerance, detail), ORACLE_VIOLATED);
    assert_int_equal(ask(ORACLE_BIAS_SHIFT, device, &made.problem, false, NULL, detail), ORACLE_HELD);
    is_changed = is_of_one_key;
    assert_int_equal(ask(ORACLE_ONE_KEY, device, &made.problem, false, &tolerance, detail), ORACLE_VIOLATED);
    assert_int_equal(ask(ORACLE_ONE_KEY, device, &made.problem, false, NULL, detail), ORACLE_HELD);
    to_lse = false;
    free_problem(&made);
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_known_is_held_against_the_tolerance),
        cmocka_unit_test(test_lse_is_held_against_the_tolerance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
