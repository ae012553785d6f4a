/*
 * Two subjects of which one has a fault at a key and a step that are known: what parting says of them. PARTING_SHOW=1
 * prints it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/parting/parting.h"
#include "harness/subject/shipped.h"
#include "kernels/tests/made_problem.h"
#include "kernels/tests/open_host.h"

enum { KEYS = 300, DIM = 64, KEY = 37, ANY_KEY = -2 };

/* A kernel on the host device whose fault is what it is told, or what it answers. */
struct faulty {
    struct subject subject; /* first */
    struct shipped_subject sound;
    void (*before)(struct problem *problem);
    void (*after)(const struct problem *problem, struct output *output);
    enum error_kind failure;
    bool takes_no_mask;
};

static enum error_kind run_faulty(const struct subject *subject, const struct sequences *sequences,
                                  struct memory_audit *audit, double *seconds, struct error *error)
{
    const struct faulty *faulty = (const struct faulty *)(const void *)subject;
    struct problem told = sequences->problems[0];
    struct output output = sequences->outputs[0];
    float own_lse[8];
    assert_int_equal(!output.lse, faulty->subject.without_lse);
    if (!output.lse)
        output.lse = own_lse;
    if (faulty->failure)
        return error_set(error, faulty->failure, "it fails");
    if (faulty->before)
        faulty->before(&told);
    const struct sequences as_told = {&told, &output, 1, NULL, NULL, false};
    enum error_kind kind = faulty->sound.subject.ops->run(&faulty->sound.subject, &as_told, audit, seconds, error);
    if (!kind && faulty->after)
        faulty->after(&told, &output);
    return kind;
}

static bool takes(const struct subject *subject, const struct problem *problem, int num_sequences, char *text)
{
    const struct faulty *faulty = (const struct faulty *)(const void *)subject;
    (void)num_sequences;
    snprintf(text, SUBJECT_TEXT_SIZE, "it does not take masks");
    return !faulty->takes_no_mask || !problem->visible;
}

static const struct subject_ops faulty_ops = {.run = run_faulty, .takes = takes};

/* ---- faults ------------------------------------------------------------------------------------------------------ */

/* A step to the next number of the dtype, of one element of a copy of k or v. */
static const void *nudged(const struct problem *problem, const void *tensor, int64_t key, int dim)
{
    static _Alignas(64) char copies[2][KEYS * 2 * 256 * sizeof(float)];
    char *copy = copies[tensor == problem->v];
    size_t row = (size_t)problem->num_kv_heads * (size_t)problem->head_dim, size = dtypes[problem->dtype].size_bytes;
    assert_true((size_t)problem->seq_len * row * size <= sizeof copies[0]);
    memcpy(copy, tensor, (size_t)problem->seq_len * row * size);
    for (int head = 0; head < problem->num_kv_heads; head++) {
        size_t index = problem_row(problem, key, head) + (size_t)dim;
        if (size == 2)
            ((uint16_t *)(void *)copy)[index]++;
        else
            ((uint32_t *)(void *)copy)[index] += 1 << 12; /* one step is lost in sums */
    }
    return copy;
}

static void nudge_k(struct problem *problem)
{
    problem->k = nudged(problem, problem->k, KEY, 3);
}

static void nudge_v(struct problem *problem)
{
    problem->v = nudged(problem, problem->v, KEY, 3);
}

static void nudge_slopes(struct problem *problem)
{
    static float slopes[8];
    for (int h = 0; h < problem->num_heads; h++)
        slopes[h] = problem->slopes[h] != 0 ? nextafterf(problem->slopes[h], 1) : 0;
    problem->slopes = slopes;
}

static void nudge_scale(struct problem *problem)
{
    problem->scale = nextafterf(problem->scale, 1);
}

static void change_scale(struct problem *problem)
{
    problem->scale *= 1 + 0x1p-9f;
}

static void nudge_lse(const struct problem *problem, struct output *output)
{
    for (int h = 0; h < problem->num_heads; h++)
        output->lse[h] = nextafterf(output->lse[h], 1000);
}

static void scale_lse(const struct problem *problem, struct output *output)
{
    for (int h = 0; h < problem->num_heads; h++)
        output->lse[h] *= 1 + 0x1p-22f;
}

/* What a division by the sum that is off in its last bits makes of an out in f32. */
static void scale_out(const struct problem *problem, struct output *output)
{
    float *out = output->out;
    for (int64_t i = 0; i < problem_elements(problem); i++)
        out[i] *= 1 + 0x1p-22f;
}

/* ---- what is said of them ---------------------------------------------------------------------------------------- */

#define ANY_DTYPE 0xffu
#define OF(dtype) (1u << DTYPE_##dtype)

struct row {
    const char *what;
    void (*before)(struct problem *problem);
    void (*after)(const struct problem *problem, struct output *output);
    enum kernel kernels[2];
    int64_t chunk_len; /* of the other one */
    struct recipe recipe, other;
    unsigned dtypes;
    enum parting_step step;
    int64_t key;  /* ANY_KEY: whichever */
    bool or_none; /* or it does not show where bits are few */
};

#define POLYNOMIAL                                                                 \
    {                                                                              \
        .sentinel.policy = SENTINEL_EXCLUDE, .exponential = EXPONENTIAL_POLYNOMIAL \
    }
#define EX2                                                                        \
    {                                                                              \
        .sentinel.policy = SENTINEL_EXCLUDE, .exponential = EXPONENTIAL_EX2_APPROX \
    }
#define RECIPROCAL                                                           \
    {                                                                        \
        .sentinel.policy = SENTINEL_EXCLUDE, .division = DIVISION_RECIPROCAL \
    }
#define SINGLE                                 \
    {                                          \
        KERNEL_SINGLE_PASS, KERNEL_SINGLE_PASS \
    }

static const struct row rows[] = {
    {"k of a key", nudge_k, NULL, SINGLE, 0, POLYNOMIAL, POLYNOMIAL, ANY_DTYPE, PARTING_DOT, KEY, false},
    {"v of a key", nudge_v, NULL, SINGLE, 0, POLYNOMIAL, POLYNOMIAL, ANY_DTYPE, PARTING_VALUE, KEY, false},
    {"slopes", nudge_slopes, NULL, SINGLE, 0, POLYNOMIAL, POLYNOMIAL, ANY_DTYPE, PARTING_BIAS, -1, false},
    {"scale", nudge_scale, NULL, SINGLE, 0, POLYNOMIAL, POLYNOMIAL, ANY_DTYPE, PARTING_DOT, -1, false},
    {"scale, so that every pair differs", change_scale, NULL, SINGLE, 0, POLYNOMIAL, POLYNOMIAL, ANY_DTYPE, PARTING_DOT,
     -1, false},
    {"lse", NULL, nudge_lse, SINGLE, 0, POLYNOMIAL, POLYNOMIAL, ANY_DTYPE, PARTING_LSE, -1, false},
    {"lse by a factor", NULL, scale_lse, SINGLE, 0, POLYNOMIAL, POLYNOMIAL, ANY_DTYPE, PARTING_LSE, -1, false},
    {"the exponential", NULL, NULL, SINGLE, 0, POLYNOMIAL, EX2, ANY_DTYPE, PARTING_WEIGHT, ANY_KEY, true},
    {"the order of sums",
     NULL,
     NULL,
     {KERNEL_SINGLE_PASS, KERNEL_SPLIT_KV},
     64,
     POLYNOMIAL,
     POLYNOMIAL,
     ANY_DTYPE,
     PARTING_SUM,
     -1,
     false},
    {"the division", NULL, NULL, SINGLE, 0, POLYNOMIAL, RECIPROCAL, OF(F32), PARTING_DIVISION, -1, false},
    {"a factor of out", NULL, scale_out, SINGLE, 0, POLYNOMIAL, POLYNOMIAL, OF(F32), PARTING_DIVISION, -1, false},
};

static struct faulty faulty_subject(struct device *device, enum kernel kernel, const struct kernel_options *options,
                                    const struct recipe *recipe)
{
    struct faulty faulty = {.sound = shipped_subject(device, kernel, options, recipe)};
    faulty.subject = faulty.sound.subject;
    faulty.subject.ops = &faulty_ops;
    return faulty;
}

static struct parting find(const struct subject *a, const struct subject *b, const struct problem *problem, int head)
{
    const struct parting_inquiry inquiry = {
        .subjects = {a, b}, .problem = problem, .head = head, .lone_weight_is_one = true};
    struct parting parting;
    struct error error;
    if (parting_find(&parting, &inquiry, &error))
        fail_msg("%s", error.text);
    return parting;
}

/* With PARTING_SHOW in the environment what is found is printed. */
static void test_steps_and_keys(void **state)
{
    struct device *device = open_host();
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (enum dtype dtype = 0; dtype < DTYPE_COUNT; dtype++) {
            const struct row *row = &rows[i];
            if (!(row->dtypes >> dtype & 1))
                continue;
            const struct kernel_options options = {.chunk_len = CHUNK_LEN_DEFAULT},
                                        others = {.chunk_len = row->chunk_len ? row->chunk_len : CHUNK_LEN_DEFAULT};
            struct made_problem made = make_problem(KEYS, 2, 1, DIM, dtype);
            struct shipped_subject sound = shipped_subject(device, row->kernels[0], &options, &row->recipe);
            struct faulty faulty = faulty_subject(device, row->kernels[1], &others, &row->other);
            char text[PARTING_TEXT_SIZE];
            faulty.before = row->before;
            faulty.after = row->after;
            struct parting parting = find(&sound.subject, &faulty.subject, &made.problem, 1);
            parting_say(text, &parting);
            if (getenv("PARTING_SHOW"))
                printf("%s, %s: %s, key %lld, %lld keys, %lld runs: %s\n", row->what, dtypes[dtype].name,
                       parting_step_names[parting.step], (long long)parting.key, (long long)parting.num_keys,
                       (long long)parting.runs, text);
            else if (parting.step == PARTING_UNKNOWN
                         ? !row->or_none
                         : parting.step != row->step || (row->key != ANY_KEY && parting.key != row->key))
                fail_msg("%s, %s: %s, key %lld: %s", row->what, dtypes[dtype].name, parting_step_names[parting.step],
                         (long long)parting.key, text);
            free_problem(&made);
        }
    device_close(device);
}

/* ---- what is not known ------------------------------------------------------------------------------------------- */

/* A kernel whose k is off at a key, in some way more. */
struct odd {
    struct made_problem made;
    struct kernel_options options;
    struct recipe recipe;
    struct shipped_subject sound;
    struct faulty faulty;
};

static void make_odd(struct odd *odd, struct device *device)
{
    *odd = (struct odd){
        .made = make_problem(KEYS, 2, 1, DIM, DTYPE_F16),
        .options = {.chunk_len = CHUNK_LEN_DEFAULT},
        .recipe = POLYNOMIAL,
    };
    odd->sound = shipped_subject(device, KERNEL_SINGLE_PASS, &odd->options, &odd->recipe);
    odd->faulty = faulty_subject(device, KERNEL_SINGLE_PASS, &odd->options, &odd->recipe);
    odd->faulty.before = nudge_k;
}

static struct parting parting_of(struct odd *odd)
{
    struct parting parting = find(&odd->sound.subject, &odd->faulty.subject, &odd->made.problem, 1);
    free_problem(&odd->made);
    return parting;
}

static void assert_unknown(const struct parting *parting, const char *why)
{
    char text[PARTING_TEXT_SIZE];
    assert_int_equal(parting->step, PARTING_UNKNOWN);
    assert_int_equal(parting->key, -1);
    assert_string_equal(parting->why, why);
    assert_non_null(strstr(parting_say(text, parting), why));
}

static void test_nothing_differs(void **state)
{
    struct device *device = open_host();
    struct odd odd;
    (void)state;
    make_odd(&odd, device);
    odd.faulty.before = NULL;
    struct parting parting = parting_of(&odd);
    assert_unknown(&parting, "the row of this head alone does not differ");
    assert_int_equal(parting.num_keys, 0);
    device_close(device);
}

/* The lse of a kernel that has none is not another one. */
static void test_an_lse_that_is_not_there_does_not_differ(void **state)
{
    struct device *device = open_host();
    struct odd odd;
    (void)state;
    for (int differs = 0; differs < 2; differs++) {
        make_odd(&odd, device);
        odd.faulty.subject.without_lse = true;
        odd.faulty.before = differs ? nudge_v : NULL;
        struct parting parting = parting_of(&odd);
        if (!differs)
            assert_unknown(&parting, "the row of this head alone does not differ");
        else
            assert_int_equal(parting.keys[0], KEY);
        assert_int_equal(parting.num_keys, differs);
    }
    device_close(device);
}

static void test_what_cannot_be_asked(void **state)
{
    struct device *device = open_host();
    struct odd odd;
    (void)state;
    make_odd(&odd, device);
    odd.faulty.failure = ERROR_SUBJECT;
    struct parting parting = parting_of(&odd);
    assert_unknown(&parting, "it fails");
    make_odd(&odd, device);
    odd.faulty.takes_no_mask = true;
    parting = parting_of(&odd);
    assert_unknown(&parting, "it does not take masks");
    make_odd(&odd, device);
    mask_keys(&odd.made, 0, KEYS, 1);
    parting = parting_of(&odd);
    assert_unknown(&parting, "no key is visible");
    device_close(device);
}

/* Where the slopes are the kernel's own, or a key alone has another weight than 1, a logit is not told from the rest.
 */
static void test_steps_that_cannot_be_told(void **state)
{
    struct device *device = open_host();
    struct odd odd;
    (void)state;
    make_odd(&odd, device);
    odd.faulty.subject.own_slopes = true;
    struct parting parting = parting_of(&odd);
    assert_unknown(&parting, "the logit of the key, or what lse makes of it; the slopes are the kernel's own");
    assert_int_equal(parting.num_keys, 1);
    assert_int_equal(parting.keys[0], KEY);
    device_close(device);
}

/* Masked keys of a recipe with a finite stand-in have weight where logits come near it. */
static void test_near_a_sentinel(void **state)
{
    struct device *device = open_host();
    struct odd odd;
    (void)state;
    make_odd(&odd, device);
    odd.recipe.sentinel = (struct sentinel){.policy = SENTINEL_VALUE, .value = -100};
    odd.sound = shipped_subject(device, KERNEL_SINGLE_PASS, &odd.options, &odd.recipe);
    odd.made.problem.q_position += 100000;
    struct parting parting = parting_of(&odd);
    assert_unknown(&parting, "logits are so near a stand-in for -inf that masked keys may have weight");
    device_close(device);
}

/* A key alone whose weight is another one than 1 may differ by it. */
static void test_lone_weight(void **state)
{
    struct device *device = open_host();
    struct odd odd;
    struct parting parting;
    struct error error;
    (void)state;
    make_odd(&odd, device);
    const struct parting_inquiry inquiry = {
        .subjects = {&odd.sound.subject, &odd.faulty.subject}, .problem = &odd.made.problem, .head = 1};
    assert_int_equal(parting_find(&parting, &inquiry, &error), ERROR_NONE);
    assert_unknown(&parting, "by this recipe a key alone has another weight than 1");
    assert_int_equal(parting.keys[0], KEY);
    free_problem(&odd.made);
    device_close(device);
}

/* A masked key is none of those that are asked, and a fault there does not show. */
static void test_masked_keys_are_left_out(void **state)
{
    struct device *device = open_host();
    struct odd odd;
    (void)state;
    make_odd(&odd, device);
    odd.faulty.before = nudge_scale;
    mask_keys(&odd.made, 0, 40, 1);
    struct parting parting = parting_of(&odd);
    assert_int_equal(parting.step, PARTING_DOT);
    assert_true(parting.keys[0] >= 40);
    device_close(device);
}

/* So few runs that the search ends early: what is left of the keys still differs, and is not said to be the least. */
static void test_few_runs(void **state)
{
    struct device *device = open_host();
    struct odd odd;
    struct parting parting;
    struct error error;
    (void)state;
    make_odd(&odd, device);
    const struct parting_inquiry inquiry = {.subjects = {&odd.sound.subject, &odd.faulty.subject},
                                            .problem = &odd.made.problem,
                                            .head = 1,
                                            .max_runs = 6,
                                            .lone_weight_is_one = true};
    assert_int_equal(parting_find(&parting, &inquiry, &error), ERROR_NONE);
    assert_true(parting.num_keys > 1);
    assert_false(parting.least);
    free_problem(&odd.made);
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_and_keys),
        cmocka_unit_test(test_nothing_differs),
        cmocka_unit_test(test_an_lse_that_is_not_there_does_not_differ),
        cmocka_unit_test(test_what_cannot_be_asked),
        cmocka_unit_test(test_steps_that_cannot_be_told),
        cmocka_unit_test(test_near_a_sentinel),
        cmocka_unit_test(test_lone_weight),
        cmocka_unit_test(test_masked_keys_are_left_out),
        cmocka_unit_test(test_few_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
