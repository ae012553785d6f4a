/* Tensors: addressable, independent of threads, the same bits everywhere; their digest, bounds and prefix. */
#include <xxhash.h>

#include "harness/problem/tests/small_inputs.h"

static void an_element_alone_is_the_element_in_bulk(void **state)
{
    (void)state;
    enum { COUNT = 2100 };
    float bulk[COUNT], part[COUNT];
    for (int distribution = 0; distribution < DISTRIBUTION_COUNT; distribution++) {
        struct input_spec input = input_spec_default;
        input.distribution = (enum distribution)distribution;
        uint64_t base = distribution % 2 ? 0 : (1ull << 34) - 1000;
        input_stream(bulk, &input, 99, TENSOR_K, base, COUNT);
        for (size_t i = 0; i < COUNT; i += 1 + i / 64) {
            input_stream(part, &input, 99, TENSOR_K, base + i, 1);
            assert_memory_equal(part, bulk + i, sizeof *bulk);
        }
        for (size_t first = 0; first < 40; first += 3)
            for (size_t count = 0; first + count <= COUNT; count = 2 * count + 1) {
                input_stream(part, &input, 99, TENSOR_K, base + first, count);
                assert_memory_equal(part, bulk + first, count * sizeof *bulk);
            }
    }
}

static void tensors_are_their_streams_rounded(void **state)
{
    (void)state;
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
        for (int distribution = DISTRIBUTION_NORMAL; distribution <= DISTRIBUTION_CONSTANT; distribution++) {
            struct problem_spec spec = small_spec((enum distribution)distribution, (enum dtype)dtype);
            struct inputs inputs = {0};
            generate(&inputs, &spec);
            for (int tensor = TENSOR_Q; tensor <= TENSOR_V; tensor++) {
                float *made = widened(&inputs, &spec, (enum tensor)tensor),
                      *expected = plain(&spec, (enum tensor)tensor);
                assert_memory_equal(made, expected, element_count(&spec, (enum tensor)tensor) * sizeof *made);
                free(expected);
                free(made);
            }
            inputs_clear(&inputs);
        }
}

/* More than one chunk, so that threads share a tensor. */
static void threads_do_not_show(void **state)
{
    (void)state;
    for (int distribution = 0; distribution < DISTRIBUTION_COUNT; distribution++) {
        struct problem_spec spec = small_spec((enum distribution)distribution, DTYPE_F16);
        spec.seq_len = 1500;
        struct inputs one = {0}, many = {0};
        struct error error;
        assert_int_equal(inputs_generate(&one, &spec, whole_problem(&spec), 1, NULL, &error), ERROR_NONE);
        assert_int_equal(inputs_generate(&many, &spec, whole_problem(&spec), 3, NULL, &error), ERROR_NONE);
        size_t kv_bytes = element_count(&spec, TENSOR_K) * 2;
        assert_memory_equal(one.k, many.k, kv_bytes);
        assert_memory_equal(one.v, many.v, kv_bytes);
        assert_int_equal(one.digest, many.digest);
        inputs_clear(&one);
        inputs_clear(&many);
    }
}

/* More than one chunk of keys. */
static void threads_do_not_show_in_a_mask(void **state)
{
    (void)state;
    struct problem_spec spec = {
        .seq_len = 600001, .num_heads = 1, .num_kv_heads = 1, .head_dim = 16, .max_bias = 8, .total_heads = 1};
    static const struct mask_spec masks[] = {
        {.kind = MASK_HOLES, .holes = 0.5}, {.kind = MASK_BLOCK, .block = 1000, .keep_every = 3}, {.kind = MASK_ALL}};
    uint8_t *expected = malloc((size_t)spec.seq_len);
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
        spec.mask = masks[m];
        mask_fill(expected, &spec.mask, spec.seq_len, spec.seed, 0, (size_t)spec.seq_len);
        for (int threads = 1; threads <= 3; threads += 2) {
            struct inputs inputs = {0};
            struct error error;
            assert_int_equal(inputs_generate(&inputs, &spec, whole_problem(&spec), threads, NULL, &error), ERROR_NONE);
            assert_ptr_equal(inputs.problem.visible, inputs.visible);
            assert_memory_equal(inputs.visible, expected, (size_t)spec.seq_len);
            inputs_clear(&inputs);
            assert_null(inputs.visible);
        }
    }
    free(expected);
}

/* The mask is part of the input, and of its digest if there is one; it goes by places in the cache, not by distance. */
static void a_mask_changes_visible_and_the_digest_alone(void **state)
{
    (void)state;
    struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL, DTYPE_BF16);
    struct inputs plain_inputs = {0}, inputs = {0};
    generate(&plain_inputs, &spec);
    double bytes = problem_spec_bytes(&spec);
    spec.mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 5, .sinks = 2};
    spec.q_position = -3;
    generate(&inputs, &spec);
    size_t q_bytes = element_count(&spec, TENSOR_Q) * 2, kv_bytes = element_count(&spec, TENSOR_K) * 2;
    size_t slope_bytes = (size_t)spec.num_heads * sizeof(float), keys = (size_t)spec.seq_len;
    assert_memory_equal(inputs.visible, "\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\1\1\1", keys);
    assert_memory_equal(inputs.q, plain_inputs.q, q_bytes);
    assert_memory_equal(inputs.k, plain_inputs.k, kv_bytes);
    assert_memory_equal(inputs.v, plain_inputs.v, kv_bytes);
    assert_true(problem_spec_bytes(&spec) == bytes + 21);

    char *all = malloc(q_bytes + 2 * kv_bytes + slope_bytes + keys), *end = all;
    end = mempcpy(end, inputs.q, q_bytes);
    end = mempcpy(end, inputs.k, kv_bytes);
    end = mempcpy(end, inputs.v, kv_bytes);
    end = mempcpy(end, inputs.slopes, slope_bytes);
    assert_true(plain_inputs.digest == XXH3_64bits(all, (size_t)(end - all)));
    end = mempcpy(end, inputs.visible, keys);
    assert_true(inputs.digest == XXH3_64bits(all, (size_t)(end - all)));
    free(all);
    inputs_clear(&inputs);
    inputs_clear(&plain_inputs);
}

/* A change here means that every committed baseline describes other inputs. */
static void the_bits_never_change(void **state)
{
    (void)state;
    static const uint64_t digests[DISTRIBUTION_COUNT][DTYPE_COUNT] = {
        [DISTRIBUTION_NORMAL] = {0x828b8a4496aa3f81u, 0xe0462e103b509600u, 0xcbbf77cd53b0fa75u},
        [DISTRIBUTION_UNIFORM] = {0x6a864e429c01c1cau, 0x824a37a3b08ebb53u, 0x251fdb21ea36f1ddu},
        [DISTRIBUTION_CONSTANT] = {0xe9711a330931177du, 0x9184782d3c74daa7u, 0xafc9026a63fa08acu},
        [DISTRIBUTION_OUTLIERS] = {0x4bbea95ec6a200aeu, 0xa8df51a3417a1287u, 0x90db6daba57bf041u},
        [DISTRIBUTION_CANCELLING] = {0x876d39070489f6bau, 0x33e43fd9887c91f1u, 0x207b17af5936eaf2u},
        [DISTRIBUTION_ONEHOT] = {0xa508e68a38e6d4ddu, 0xd8d8ded3f6fde792u, 0x77ff5841431569a6u},
        [DISTRIBUTION_LOGIT_FLOOR] = {0x86ba95ba637cdbb5u, 0x7edd1b94519eb5dfu, 0xbc421a8ec7fafffdu},
    };
    for (int distribution = 0; distribution < DISTRIBUTION_COUNT; distribution++)
        for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
            struct problem_spec spec = small_spec((enum distribution)distribution, (enum dtype)dtype);
            struct inputs inputs = {0};
            generate(&inputs, &spec);
            if (inputs.digest != digests[distribution][dtype])
                fail_msg("%s %s: digest 0x%016llx", distributions[distribution].kind.name, dtypes[dtype].name,
                         (unsigned long long)inputs.digest);
            inputs_clear(&inputs);
        }
}

static void digest_covers_q_k_v_and_slopes_in_order(void **state)
{
    (void)state;
    struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL, DTYPE_BF16);
    struct inputs inputs = {0};
    generate(&inputs, &spec);
    size_t q_bytes = element_count(&spec, TENSOR_Q) * 2, kv_bytes = element_count(&spec, TENSOR_K) * 2;
    size_t slope_bytes = (size_t)spec.num_heads * sizeof(float);
    char *all = malloc(q_bytes + 2 * kv_bytes + slope_bytes);
    memcpy(all, inputs.q, q_bytes);
    memcpy(all + q_bytes, inputs.k, kv_bytes);
    memcpy(all + q_bytes + kv_bytes, inputs.v, kv_bytes);
    memcpy(all + q_bytes + 2 * kv_bytes, inputs.slopes, slope_bytes);
    assert_int_equal(inputs.digest, XXH3_64bits(all, q_bytes + 2 * kv_bytes + slope_bytes));
    free(all);
    inputs_clear(&inputs);
}

static void problem_is_what_the_spec_says(void **state)
{
    (void)state;
    struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL, DTYPE_F32);
    spec.head_offset = 4;
    spec.total_heads = 12;
    spec.q_position = 1000;
    spec.kv_offset = 70;
    struct inputs inputs = {0};
    generate(&inputs, &spec);
    const struct problem *problem = &inputs.problem;
    assert_true(problem->seq_len == spec.seq_len && problem->num_heads == 6 && problem->num_kv_heads == 3);
    assert_true(problem->head_dim == 80 && problem->dtype == DTYPE_F32 && problem->q_position == 1000);
    assert_true(problem->scale == spec.scale && problem->visible == NULL && problem->kv_offset == 70);
    assert_true(problem->q == inputs.q && problem->k == inputs.k && problem->v == inputs.v);
    assert_true(problem->slopes == inputs.slopes);
    assert_true(((uintptr_t)inputs.q | (uintptr_t)inputs.k | (uintptr_t)inputs.v | (uintptr_t)inputs.slopes) % 64 == 0);
    /* Heads 4 to 9 of 12: 2^-5 to 2^-8, then 2^-1/2 and 2^-3/2. */
    for (int h = 0; h < 4; h++)
        assert_true(inputs.slopes[h] == ldexpf(1, -5 - h));
    assert_true(inputs.slopes[4] == 0x1.6a09e6p-1f && inputs.slopes[5] == 0x1.6a09e6p-2f);
    assert_true(problem_spec_bytes(&spec) == 4.0 * (6 * 80 + 2 * 21 * 3 * 80) + 4.0 * 6);
    inputs_clear(&inputs);
    assert_true(!inputs.q && !inputs.k && !inputs.v && !inputs.slopes);
    inputs_clear(&inputs);
}

/* k and v alone are in fp8: their streams rounded to it, whatever the scales; q, digest and memory follow. */
static void an_fp8_cache_holds_the_streams_rounded_to_it(void **state)
{
    (void)state;
    for (int kv_format = KV_E4M3; kv_format <= KV_E5M2; kv_format++) {
        struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL, DTYPE_BF16);
        spec.kv_format = (enum kv_format)kv_format;
        spec.k_scale = 0.5f;
        spec.v_scale = 3;
        struct inputs inputs = {0};
        generate(&inputs, &spec);
        for (int tensor = TENSOR_Q; tensor <= TENSOR_V; tensor++) {
            float *made = widened(&inputs, &spec, (enum tensor)tensor), *expected = plain(&spec, (enum tensor)tensor);
            assert_memory_equal(made, expected, element_count(&spec, (enum tensor)tensor) * sizeof *made);
            free(expected);
            free(made);
        }
        assert_true(inputs.problem.kv_format == spec.kv_format && inputs.problem.k_scale == 0.5f &&
                    inputs.problem.v_scale == 3);
        size_t q_bytes = element_count(&spec, TENSOR_Q) * 2, kv_bytes = element_count(&spec, TENSOR_K), slopes = 24;
        assert_true(problem_spec_bytes(&spec) == (double)(q_bytes + 2 * kv_bytes + slopes));
        char *all = malloc(q_bytes + 2 * kv_bytes + slopes), *end = all;
        end = mempcpy(end, inputs.q, q_bytes);
        end = mempcpy(end, inputs.k, kv_bytes);
        end = mempcpy(end, inputs.v, kv_bytes);
        end = mempcpy(end, inputs.slopes, slopes);
        assert_true(inputs.digest == XXH3_64bits(all, (size_t)(end - all)));
        free(all);
        inputs_clear(&inputs);
    }
}

/* What is found while a tensor is made is what a scan finds when it is: of several tasks, whose ends are no rows', by
 * one thread and two, of visible keys alone. */
static void bounds_of_the_whole_are_those_of_a_scan(void **state)
{
    (void)state;
    static const int64_t lengths[] = {0, 1, 21, 2777};
    for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++)
        for (int cache = 0; cache < DTYPE_COUNT + 2; cache++)
            for (int masked = 0; masked < 2; masked++) {
                struct problem_spec spec = small_spec(DISTRIBUTION_OUTLIERS, DTYPE_F16);
                struct tensor_bounds scanned;
                struct error error;
                if (cache < DTYPE_COUNT)
                    spec.dtype = (enum dtype)cache;
                else
                    spec.kv_format = (enum kv_format)(KV_E4M3 + cache - DTYPE_COUNT);
                spec.k_scale = spec.v_scale = 1;
                spec.seq_len = lengths[n];
                spec.q_position = lengths[n] - 1;
                if (masked)
                    spec.mask = (struct mask_spec){.kind = MASK_HOLES, .holes = 0.5};
                for (int threads = 1; threads <= 2; threads++) {
                    struct inputs inputs = {0};
                    assert_int_equal(inputs_generate(&inputs, &spec, whole_problem(&spec), threads, NULL, &error), 0);
                    assert_null(inputs.problem.bounds);
                    assert_int_equal(tensor_bounds_scan(&scanned, &inputs.problem, 1, NULL, &error), ERROR_NONE);
                    assert_memory_equal(inputs.bounds.k, scanned.k, key_elements(&spec) * sizeof(float));
                    assert_memory_equal(inputs.bounds.v, scanned.v, key_elements(&spec) * sizeof(float));
                    tensor_bounds_clear(&scanned);
                    inputs_clear(&inputs);
                }
            }
}

/* They go with these tensors and this mask alone, and with one query; a part keeps what is promised of it. */
static void bounds_go_with_the_tensors_that_they_are_of(void **state)
{
    (void)state;
    struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL, DTYPE_F16);
    struct inputs inputs = {0}, part = {0};
    struct error error;
    const uint8_t visible[21] = {1};
    generate(&inputs, &spec);
    struct problem asked = inputs.problem;
    assert_ptr_equal(inputs_bounded(&inputs, &asked).bounds, &inputs.bounds);
    asked.k = inputs.v;
    assert_null(inputs_bounded(&inputs, &asked).bounds);
    asked = inputs.problem;
    asked.v = inputs.k;
    assert_null(inputs_bounded(&inputs, &asked).bounds);
    asked = inputs.problem;
    asked.visible = visible;
    assert_null(inputs_bounded(&inputs, &asked).bounds);
    asked = inputs.problem;
    asked.num_queries = 2;
    assert_null(inputs_bounded(&inputs, &asked).bounds);
    assert_int_equal(inputs_generate(&part, &spec, (struct part){1, 2}, 1, NULL, &error), ERROR_NONE);
    assert_ptr_equal(inputs_bounded(&part, &part.problem).bounds, &part.bounds);
    assert_ptr_equal(inputs_bounded(&inputs, &part.problem).bounds, &part.bounds);
    inputs_clear(&part);
    inputs_clear(&inputs);
    assert_null(inputs_bounded(&inputs, &asked).bounds);
}

static void cancelling_the_work_stops_it(void **state)
{
    (void)state;
    struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL, DTYPE_F16);
    struct progress progress = {.cancelled = false};
    struct inputs inputs = {0};
    struct error error;
    assert_int_equal(inputs_generate(&inputs, &spec, whole_problem(&spec), 2, &progress, &error), ERROR_NONE);
    inputs_clear(&inputs);
    atomic_store(&progress.cancelled, true);
    assert_int_equal(inputs_generate(&inputs, &spec, whole_problem(&spec), 2, &progress, &error), ERROR_INTERRUPTED);
    assert_true(!inputs.q && !inputs.k && !inputs.v && !inputs.slopes);
    assert_int_equal(atomic_load(&progress.work_done), 0);
}

/* The address sanitizer is to refuse memory as malloc does. Called by its runtime where there is one. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void memory_that_cannot_be_had_is_an_error(void **state)
{
    (void)state;
    static const int64_t lengths[] = {INT64_MAX / 1000, (int64_t)1 << 44};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL, DTYPE_F32);
        spec.seq_len = lengths[i];
        struct inputs inputs = {0};
        struct error error = {0};
        assert_int_equal(inputs_generate(&inputs, &spec, whole_problem(&spec), 1, NULL, &error), ERROR_SYSTEM);
        assert_non_null(strstr(error.text, "out of memory"));
        assert_true(!inputs.q && !inputs.k && !inputs.v && !inputs.slopes);
    }
}

/* The keys that sequences of a batch begin with are the first one's, from the first to the last; q and the others are
 * their own. */
static void a_prefix_is_that_of_the_first_sequence(void **state)
{
    (void)state;
    static const enum distribution plains[] = {DISTRIBUTION_NORMAL, DISTRIBUTION_UNIFORM};
    for (size_t i = 0; i < sizeof plains / sizeof plains[0]; i++) {
        struct problem_spec first = small_spec(plains[i], DTYPE_F32), own = first, sharing = first;
        struct inputs inputs[3];
        memset(inputs, 0, sizeof inputs);
        own.sequence = sharing.sequence = 2;
        own.seq_len = sharing.seq_len = 33;
        sharing.shared_prefix = 13;
        generate(&inputs[0], &first);
        generate(&inputs[1], &own);
        generate(&inputs[2], &sharing);
        const size_t row = key_elements(&first) * sizeof(float), shared = 13 * row;
        const void *const tensors[3][2] = {
            {inputs[0].k, inputs[0].v}, {inputs[1].k, inputs[1].v}, {inputs[2].k, inputs[2].v}};
        for (int t = 0; t < 2; t++) {
            const char *of_first = tensors[0][t], *of_own = tensors[1][t], *of_sharing = tensors[2][t];
            assert_memory_equal(of_sharing, of_first, shared);
            assert_memory_not_equal(of_sharing + shared, of_first + shared, row);
            assert_memory_equal(of_sharing + shared, of_own + shared, 20 * row);
        }
        assert_memory_equal(inputs[2].q, inputs[1].q, element_count(&own, TENSOR_Q) * sizeof(float));
        for (int j = 0; j < 3; j++)
            inputs_clear(&inputs[j]);
    }
}

/* A launch has one sink a head, whatever its sequences are. */
static void sinks_are_those_of_all_sequences(void **state)
{
    (void)state;
    struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL, DTYPE_F16);
    struct inputs first = {0}, third = {0};
    spec.sinks = (struct sink_spec){.kind = SINKS_NORMAL, .number = 2};
    generate(&first, &spec);
    spec.sequence = 2;
    generate(&third, &spec);
    const size_t bytes = (size_t)spec.num_heads * sizeof(float);
    assert_memory_equal(first.problem.sink_logits, third.problem.sink_logits, bytes);
    assert_memory_not_equal(first.q, third.q, element_count(&spec, TENSOR_Q) * 2);
    inputs_clear(&first);
    inputs_clear(&third);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_element_alone_is_the_element_in_bulk),
        cmocka_unit_test(tensors_are_their_streams_rounded),
        cmocka_unit_test(threads_do_not_show),
        cmocka_unit_test(threads_do_not_show_in_a_mask),
        cmocka_unit_test(a_mask_changes_visible_and_the_digest_alone),
        cmocka_unit_test(the_bits_never_change),
        cmocka_unit_test(digest_covers_q_k_v_and_slopes_in_order),
        cmocka_unit_test(problem_is_what_the_spec_says),
        cmocka_unit_test(an_fp8_cache_holds_the_streams_rounded_to_it),
        cmocka_unit_test(bounds_of_the_whole_are_those_of_a_scan),
        cmocka_unit_test(bounds_go_with_the_tensors_that_they_are_of),
        cmocka_unit_test(cancelling_the_work_stops_it),
        cmocka_unit_test(memory_that_cannot_be_had_is_an_error),
        cmocka_unit_test(a_prefix_is_that_of_the_first_sequence),
        cmocka_unit_test(sinks_are_those_of_all_sequences),
    };
    return cmocka_run_group_tests_name("generate", tests, NULL, NULL) != 0;
}
