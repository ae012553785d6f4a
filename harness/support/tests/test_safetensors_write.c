#include "harness/support/safetensors_write.h"
#include "harness/support/tests/tensor_fixture.h"

#include <signal.h>
#include <sys/resource.h>

static uint8_t counted[64];

static const struct tensor_metadata texts[] = {{"scale", "0.125"}, {"axes", "H D\n\xc3\xa9"}};
static const struct safetensors_tensor tensors[] = {
    {"visible", ELEMENT_BOOL, 1, {3}, counted}, {"q", ELEMENT_BF16, 2, {2, 3}, counted + 8},
    {"none", ELEMENT_F64, 2, {0, 4}, NULL},     {"lse", ELEMENT_F32, 0, {0}, counted + 4},
    {"k", ELEMENT_F16, 1, {1}, counted + 20},
};

static void write_sound(const char *path, const struct safetensors_tensor *given, size_t count,
                        const struct tensor_metadata *metadata, size_t num_metadata)
{
    struct error error = {0};
    if (safetensors_write(path, given, count, metadata, num_metadata, &error) != ERROR_NONE)
        fail_msg("%s", error.text);
}

static void read_all(struct bytes *bytes, const char *path)
{
    int descriptor = open(path, O_RDONLY);
    assert_true(descriptor >= 0);
    ssize_t size = read(descriptor, bytes->at, sizeof bytes->at);
    assert_true(size >= 0);
    bytes->size = (size_t)size;
    close(descriptor);
}

/* To the byte: the largest elements first, the header filled up with spaces. */
static void test_bytes(void **state)
{
    (void)state;
    static const char header[] = "{\"__metadata__\":{\"axes\":\"H D\\n\xc3\xa9\",\"scale\":\"0.125\"},"
                                 "\"none\":{\"dtype\":\"F64\",\"shape\":[0,4],\"data_offsets\":[0,0]},"
                                 "\"lse\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                                 "\"k\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[4,6]},"
                                 "\"q\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[6,18]},"
                                 "\"visible\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[18,21]}}";
    static const uint8_t elements[] = {4, 5, 6, 7, 20, 21, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 0, 1, 2};
    struct bytes bytes, expected = {.size = 0};
    write_sound("a.safetensors", tensors, COUNT(tensors), texts, COUNT(texts));
    read_all(&bytes, "a.safetensors");
    size_t start = (8 + strlen(header) + 63) / 64 * 64;
    bytes_add_integer(&expected, start - 8, 8);
    bytes_add(&expected, header, strlen(header));
    while (expected.size < start)
        bytes_add(&expected, " ", 1);
    bytes_add(&expected, elements, sizeof elements);
    assert_int_equal(bytes.size, expected.size);
    assert_memory_equal(bytes.at, expected.at, bytes.size);
}

/* The order in which they are given is nothing to a file. */
static void test_order(void **state)
{
    (void)state;
    struct bytes one, other;
    const struct tensor_metadata other_texts[] = {texts[1], texts[0]};
    const struct safetensors_tensor other_tensors[] = {tensors[4], tensors[3], tensors[0], tensors[2], tensors[1]};
    write_sound("a.safetensors", tensors, COUNT(tensors), texts, COUNT(texts));
    write_sound("b.safetensors", other_tensors, COUNT(tensors), other_texts, COUNT(texts));
    read_all(&one, "a.safetensors");
    read_all(&other, "b.safetensors");
    assert_int_equal(one.size, other.size);
    assert_memory_equal(one.at, other.at, one.size);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct tensor_archive archive;
    struct error error = {0};
    write_sound("a.safetensors", tensors, COUNT(tensors), texts, COUNT(texts));
    assert_tensor("a.safetensors:visible", "bool [3]", 0);
    assert_tensor("a.safetensors:q", "bf16 [2, 3]", 8);
    assert_tensor("a.safetensors:none", "f64 [0, 4]", 0);
    assert_tensor("a.safetensors:lse", "f32 []", 4);
    assert_tensor("a.safetensors:k", "f16 [1]", 20);
    assert_int_equal(tensor_archive_open(&archive, "a.safetensors", &error), ERROR_NONE);
    assert_int_equal(archive.num_entries, COUNT(tensors));
    assert_string_equal(tensor_archive_metadata(&archive, "axes"), texts[1].value);
    assert_string_equal(tensor_archive_metadata(&archive, "scale"), texts[0].value);
    tensor_archive_close(&archive);
    /* Every type that the format has. */
    for (enum element_type type = 0; type < ELEMENT_COUNT; type++) {
        const struct safetensors_tensor tensor = {"q", type, 2, {2, 3}, counted};
        char layout[TENSOR_LAYOUT_TEXT_SIZE];
        if (!element_types[type].safetensors)
            continue;
        write_sound("a.safetensors", &tensor, 1, NULL, 0);
        assert_tensor("a.safetensors:q",
                      tensor_layout_text(layout, &(struct tensor_layout){.type = type, .num_axes = 2, .shape = {2, 3}}),
                      0);
    }
    /* Nothing at all is a file, too. */
    write_sound("a.safetensors", NULL, 0, NULL, 0);
    assert_refused("a.safetensors", "has no tensor");
}

/* Headers of all lengths are filled up, and tensors stand where their elements want it. */
static void test_padding(void **state)
{
    (void)state;
    char value[130] = "";
    for (size_t length = 0; length < sizeof value - 1; length++) {
        struct bytes bytes;
        const struct tensor_metadata text = {"t", value};
        value[length] = 'x';
        write_sound("a.safetensors", tensors, COUNT(tensors), &text, 1);
        read_all(&bytes, "a.safetensors");
        assert_int_equal((bytes.at[0] + 256 * bytes.at[1] + 8) % 64, 0);
        assert_tensor("a.safetensors:q", "bf16 [2, 3]", 8);
    }
}

static void test_what_cannot_be_written(void **state)
{
    (void)state;
    static const struct {
        const char *reason, *path;
        enum error_kind kind;
        struct safetensors_tensor tensors[2];
        struct tensor_metadata metadata[2];
    } rows[] = {
        {"'q' is there twice",
         "a.safetensors",
         ERROR_USAGE,
         {{"q", ELEMENT_U8, 0, {0}, counted}, {"q", ELEMENT_F32, 0, {0}, counted}},
         {{"a", ""}, {"b", ""}}},
        {"'a' is there twice",
         "a.safetensors",
         ERROR_USAGE,
         {{"q", ELEMENT_U8, 0, {0}, counted}, {"k", ELEMENT_U8, 0, {0}, counted}},
         {{"a", ""}, {"a", ""}}},
        {"'__metadata__' is there twice",
         "a.safetensors",
         ERROR_USAGE,
         {{"__metadata__", ELEMENT_U8, 0, {0}, counted}, {"k", ELEMENT_U8, 0, {0}, counted}},
         {{"a", ""}, {"b", ""}}},
        {"no UTF-8",
         "a.safetensors",
         ERROR_USAGE,
         {{"q\xff", ELEMENT_U8, 0, {0}, counted}, {"k", ELEMENT_U8, 0, {0}, counted}},
         {{"a", ""}, {"b", ""}}},
        {"without a meaning",
         "a.safetensors",
         ERROR_USAGE,
         {{"q", ELEMENT_RAW16, 0, {0}, counted}, {"k", ELEMENT_U8, 0, {0}, counted}},
         {{"a", ""}, {"b", ""}}},
        {"can be counted",
         "a.safetensors",
         ERROR_USAGE,
         {{"q", ELEMENT_U8, 2, {INT64_C(1) << 32, INT64_C(1) << 32}, NULL}, {"k", ELEMENT_U8, 0, {0}, counted}},
         {{"a", ""}, {"b", ""}}},
        {"cannot write",
         "none/a.safetensors",
         ERROR_SYSTEM,
         {{"q", ELEMENT_U8, 0, {0}, counted}, {"k", ELEMENT_U8, 0, {0}, counted}},
         {{"a", ""}, {"b", ""}}},
        {"cannot write /dev/full: No space left",
         "/dev/full",
         ERROR_SYSTEM,
         {{"q", ELEMENT_U8, 0, {0}, counted}, {"k", ELEMENT_U8, 0, {0}, counted}},
         {{"a", ""}, {"b", ""}}},
    };
    write_sound("a.safetensors", tensors, COUNT(tensors), texts, COUNT(texts));
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct error error = {0};
        int before = free_descriptor();
        assert_int_equal(safetensors_write(rows[r].path, rows[r].tensors, 2, rows[r].metadata, 2, &error),
                         rows[r].kind);
        if (!strstr(error.text, rows[r].reason) || !strstr(error.text, rows[r].path))
            fail_msg("%s: %s", rows[r].reason, error.text);
        assert_int_equal(free_descriptor(), before);
    }
    assert_tensor("a.safetensors:q", "bf16 [2, 3]", 8); /* what was there before */
}

/* A disk that is full half-way leaves what was there, and nothing else. */
static void test_a_file_that_cannot_be_finished(void **state)
{
    (void)state;
    struct error error = {0};
    struct rlimit before, limit;
    static uint8_t elements[1 << 16];
    const struct safetensors_tensor tensor = {"q", ELEMENT_U8, 1, {sizeof elements}, elements};
    assert_int_equal(mkdir("folder", 0700), 0);
    write_sound("folder/a.safetensors", tensors, COUNT(tensors), texts, COUNT(texts));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){4096, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    enum error_kind kind = safetensors_write("folder/a.safetensors", &tensor, 1, NULL, 0, &error);
    signal(SIGXFSZ, handler);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(kind, ERROR_SYSTEM);
    assert_non_null(strstr(error.text, "cannot write folder/a.safetensors: File too large"));
    assert_tensor("folder/a.safetensors:q", "bf16 [2, 3]", 8);
    assert_int_equal(unlink("folder/a.safetensors"), 0);
    assert_int_equal(rmdir("folder"), 0); /* which is empty */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_what_cannot_be_written),
        cmocka_unit_test(test_a_file_that_cannot_be_finished),
    };
    for (size_t i = 0; i < sizeof counted; i++)
        counted[i] = (uint8_t)i;
    return cmocka_run_group_tests_name("safetensors_write", tests, fixture_set_up, fixture_tear_down) ? 1 : 0;
}
