/* Rows of k and v of any keys and KV heads, whichever part is open: those of the whole. */
#include "harness/problem/tests/small_inputs.h"

#include "harness/problem/given_source.h"

enum { KEYS = 700, MOST_ROWS = 2000 };

/* Rows up, down, far apart, twice, and some that follow one another. */
static size_t some_rows(int64_t *rows, int64_t all)
{
    size_t count = 0;
    for (int64_t row = all - 1; row >= 0; row -= 3)
        rows[count++] = row;
    for (int64_t row = 0; row < 200; row++)
        rows[count++] = row;
    for (int64_t row = 0; row < 300; row++)
        rows[count++] = row * 769 % all;
    rows[count++] = 5;
    rows[count++] = 5;
    assert_true(count <= MOST_ROWS);
    return count;
}

/* part: opened of the source, without k and v. */
static void assert_rows(const struct problem_source *source, struct part part, const struct inputs *whole, int threads)
{
    const struct problem *shape = &source->shape;
    const size_t bytes = (size_t)shape->head_dim * dtypes[problem_kv_dtype(shape)].size_bytes;
    int64_t rows[MOST_ROWS];
    const size_t count = some_rows(rows, shape->seq_len * shape->num_kv_heads);
    struct inputs inputs = {0};
    struct error error;
    char *to = malloc(count * bytes);
    assert_non_null(to);
    assert_int_equal(source->ops->open(source, part, threads, NULL, &inputs, &error), ERROR_NONE);
    for (int of_v = 0; of_v < 2; of_v++) {
        memset(inputs.k, 1, bytes);
        memset(inputs.v, 1, bytes);
        memset(to, 2, count * bytes);
        assert_int_equal(source->ops->read_rows(source, &inputs, of_v, rows, count, threads, to, &error), ERROR_NONE);
        for (size_t i = 0; i < count; i++)
            assert_memory_equal(to + i * bytes, (const char *)(of_v ? whole->v : whole->k) + (size_t)rows[i] * bytes,
                                bytes);
    }
    inputs_clear(&inputs);
    free(to);
}

/* Shapes need all of q and slopes, of whatever part. */
static void rows_of_what_is_made(void **state)
{
    (void)state;
    for (int distribution = 0; distribution < DISTRIBUTION_COUNT; distribution++) {
        struct problem_spec spec = small_spec((enum distribution)distribution, DTYPE_BF16);
        struct inputs whole = {0};
        spec.seq_len = KEYS;
        generate(&whole, &spec);
        const struct generated_source source = generated_source(&spec);
        for (int threads = 1; threads <= 3; threads += 2)
            assert_rows(&source.source, (struct part){1, 1}, &whole, threads);
        inputs_clear(&whole);
    }
}

static void rows_of_a_sequence_with_a_shared_prefix(void **state)
{
    (void)state;
    struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL, DTYPE_F16);
    struct inputs whole = {0};
    spec.seq_len = KEYS;
    spec.sequence = 2;
    spec.shared_prefix = 301;
    generate(&whole, &spec);
    const struct generated_source source = generated_source(&spec);
    assert_rows(&source.source, (struct part){0, 1}, &whole, 1);
    inputs_clear(&whole);
}

static int forgotten;

static void forget(void *context)
{
    (void)context;
    forgotten++;
}

/* Elements in f32, which the problem has in bf16; heads before keys, then pages that lie in another order. */
static void rows_of_what_is_given(void **state)
{
    (void)state;
    enum { PAGE = 7, PAGES = KEYS / PAGE };
    struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL, DTYPE_BF16);
    struct inputs whole = {0};
    spec.seq_len = KEYS;
    generate(&whole, &spec);
    const size_t dim = (size_t)spec.head_dim, heads = (size_t)spec.num_kv_heads;
    const size_t elements = KEYS * heads * dim;
    float *given[2];
    int64_t pages[PAGES];
    spec.slope_values = whole.slopes;
    spec.num_slope_values = spec.num_heads;
    for (int64_t page = 0; page < PAGES; page++)
        pages[page] = page * 37 % PAGES;
    for (int paged = 0; paged < 2; paged++) {
        for (int of_v = 0; of_v < 2; of_v++) {
            given[of_v] = malloc(elements * sizeof(float));
            assert_non_null(given[of_v]);
            for (size_t key = 0; key < KEYS; key++)
                for (size_t head = 0; head < heads; head++) {
                    size_t place = (size_t)pages[key / PAGE] * PAGE + key % PAGE;
                    dtype_widen(DTYPE_BF16, of_v ? whole.v : whole.k, (key * heads + head) * dim, dim,
                                given[of_v] + (paged ? place * heads + head : head * KEYS + key) * dim);
                }
        }
        const int64_t stride = (int64_t)dim, of_key = paged ? (int64_t)heads * stride : stride,
                      of_head = paged ? stride : KEYS * stride;
        struct tensor_view k = {.name = "k", .elements = given[0], .dtype = DTYPE_F32, .strides = {of_key, of_head, 1}},
                           v = k;
        v.elements = given[1];
        const struct given_tensors tensors = {
            .q = {.name = "q",
                  .elements = whole.q,
                  .dtype = DTYPE_BF16,
                  .strides = {spec.num_heads * stride, stride, 1}},
            .k = k,
            .v = v,
            .pages = paged ? pages : NULL,
            .page_size = PAGE,
            .k_page_stride = PAGE * (int64_t)heads * stride,
            .v_page_stride = PAGE * (int64_t)heads * stride,
            .forget = forget,
        };
        const struct given_source source = given_source(&spec, &tensors);
        forgotten = 0;
        assert_rows(&source.source, (struct part){1, 1}, &whole, 1);
        assert_int_equal(forgotten, 4); /* k and v of the part, and of the rows */
        free(given[0]);
        free(given[1]);
    }
    inputs_clear(&whole);
}

/* Memory that is enough keeps what it has. */
static void room_for_more_rows(void **state)
{
    (void)state;
    const struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL, DTYPE_F16);
    struct inputs inputs = {0};
    struct error error;
    bool lost;
    generate(&inputs, &spec);
    const size_t bytes = element_count(&spec, TENSOR_K) * 2;
    void *k = inputs.k;
    assert_int_equal(inputs_need_room(&inputs, bytes, &lost, &error), ERROR_NONE);
    assert_true(!lost && inputs.k == k);
    assert_int_equal(inputs_need_room(&inputs, bytes + 2, &lost, &error), ERROR_NONE);
    assert_true(lost && inputs.kv_room >= bytes + 2);
    ((char *)inputs.k)[bytes + 1] = ((char *)inputs.v)[bytes + 1] = 1; /* which a sanitizer looks at */
    inputs_clear(&inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_what_is_made),
        cmocka_unit_test(rows_of_a_sequence_with_a_shared_prefix),
        cmocka_unit_test(rows_of_what_is_given),
        cmocka_unit_test(room_for_more_rows),
    };
    return cmocka_run_group_tests_name("read rows", tests, NULL, NULL);
}
