/* What a kernel makes of a problem on the host device, for tests that compare answers bit for bit. */
#ifndef KERNELS_TESTS_ANSWER_H
#define KERNELS_TESTS_ANSWER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/kernel.h"
#include "kernels/tests/made_problem.h"

enum { ANSWER_HEADS = 8, ANSWER_DIM = 64, ANSWER_CHUNK = 96 };

static const struct recipe sound = {.sentinel = {.policy = SENTINEL_EXCLUDE}};

/* out in its dtype, and lse; what was not written is 0xff, a NaN. */
struct answer {
    float out[ANSWER_HEADS * ANSWER_DIM], lse[ANSWER_HEADS];
};

/* In the form given. */
static inline void answer_set(enum kernel kernel, enum kernel_form form, const struct kernel_options *options,
                              const struct recipe *recipe, const struct problem *problems, int num_sequences,
                              struct answer *answers)
{
    enum { MOST = 4 };
    struct output outputs[MOST];
    struct device *device;
    struct error error;
    double seconds;
    assert_true(num_sequences <= MOST && problems->num_heads <= ANSWER_HEADS && problems->head_dim <= ANSWER_DIM);
    memset(answers, 0xff, (size_t)num_sequences * sizeof *answers);
    for (int i = 0; i < num_sequences; i++)
        outputs[i] = (struct output){answers[i].out, answers[i].lse};
    const struct batch batch = {kernel, options, recipe, problems, outputs, num_sequences, false};
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1, .form = form}, &error),
                     ERROR_NONE);
    if (device_run_batch(device, &batch, NULL, &seconds, &error))
        fail_msg("%s", error.text);
    device_close(device);
}

/* In pages of page_size keys. */
static inline void answer_batch(enum kernel kernel, enum kernel_form form, int page_size, const struct recipe *recipe,
                                const struct problem *problems, int num_sequences, struct answer *answers)
{
    const struct kernel_options options = {.chunk_len = ANSWER_CHUNK, .page_size = page_size};
    answer_set(kernel, form, &options, recipe, problems, num_sequences, answers);
}

/* The same of the generic form and of the plain one, wherever it is taken. */
static inline struct answer answer_paged(enum kernel kernel, int page_size, const struct recipe *recipe,
                                         const struct problem *problem)
{
    struct answer generic, plain;
    answer_batch(kernel, FORM_GENERIC, page_size, recipe, problem, 1, &generic);
    answer_batch(kernel, FORM_PLAIN, page_size, recipe, problem, 1, &plain);
    assert_memory_equal(&generic, &plain, sizeof plain);
    return generic;
}

static inline struct answer answer_of(enum kernel kernel, const struct recipe *recipe, const struct problem *problem)
{
    return answer_paged(kernel, 0, recipe, problem);
}

/* A kernel with a contract answers a problem as the same recipe without one answers another; and a problem of the two
 * alike would show nothing. */
static inline void assert_answers_as(const struct recipe *recipe, const struct problem *problem,
                                     const struct problem *as)
{
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
        struct recipe plain = *recipe;
        plain.contract = sound.contract;
        struct answer answer = answer_of((enum kernel)kernel, recipe, problem);
        struct answer expected = answer_of((enum kernel)kernel, &plain, as);
        struct answer right = answer_of((enum kernel)kernel, &plain, problem);
        assert_memory_equal(&answer, &expected, sizeof answer);
        assert_memory_not_equal(&answer, &right, sizeof answer);
    }
}

#endif
