#include "harness/support/tests/tensor_fixture.h"

static void test_safetensors_types(void **state)
{
    (void)state;
    static const struct {
        const char *dtype, *layout;
        size_t size;
    } rows[] = {
        {"F64", "f64 [2, 3]", 48},
        {"F32", "f32 [2, 3]", 24},
        {"F16", "f16 [2, 3]", 12},
        {"BF16", "bf16 [2, 3]", 12},
        {"F8_E4M3", "e4m3 [2, 3]", 6},
        {"F8_E5M2", "e5m2 [2, 3]", 6},
        {"F8_E4M3FNUZ", "e4m3fnuz [2, 3]", 6},
        {"I64", "i64 [2, 3]", 48},
        {"I32", "i32 [2, 3]", 24},
        {"I16", "i16 [2, 3]", 12},
        {"I8", "i8 [2, 3]", 6},
        {"U64", "u64 [2, 3]", 48},
        {"U32", "u32 [2, 3]", 24},
        {"U16", "u16 [2, 3]", 12},
        {"U8", "u8 [2, 3]", 6},
        {"BOOL", "bool [2, 3]", 6},
    };
    for (size_t r = 0; r < COUNT(rows); r++)
        for (int odd = 0; odd < 3; odd++) { /* spaces that move the elements to other addresses */
            char header[160];
            snprintf(header, sizeof header, "{\"q\":{\"dtype\":\"%s\",\"shape\":[2,3],\"data_offsets\":[0,%zu]}}%*s",
                     rows[r].dtype, rows[r].size, odd, "");
            write_safetensors("a.safetensors", header, rows[r].size);
            assert_tensor("a.safetensors:q", rows[r].layout, 0);
        }
}

/* A file as a whole: its tensors by name, their layouts, its texts. */
static void test_safetensors_as_a_whole(void **state)
{
    (void)state;
    struct tensor_archive archive;
    struct tensor_layout layout;
    struct tensor_file tensor;
    struct error error = {0};
    char text[TENSOR_LAYOUT_TEXT_SIZE];
    write_safetensors("a.safetensors", HEADER_OF_THREE, 16);
    assert_int_equal(tensor_archive_open(&archive, "a.safetensors", &error), ERROR_NONE);
    assert_int_equal(archive.num_entries, 3);
    assert_string_equal(archive.entries[0].name, "a:b");
    assert_string_equal(archive.entries[1].name, "lse");
    assert_string_equal(archive.entries[2].name, "q");
    assert_int_equal(archive.num_metadata, 2);
    assert_string_equal(archive.metadata[0].key, "axes");
    assert_string_equal(tensor_archive_metadata(&archive, "scale"), "0.125");
    assert_null(tensor_archive_metadata(&archive, "bias"));
    assert_null(tensor_archive_find(&archive, "k"));
    const struct tensor_entry *q = tensor_archive_find(&archive, "q");
    assert_ptr_equal(q, &archive.entries[2]);
    assert_int_equal(tensor_archive_describe(&layout, &archive, q, &error), ERROR_NONE);
    assert_string_equal(tensor_layout_text(text, &layout), "f16 [2, 3]");
    /* A type that is not known is an error of who asks for it. */
    assert_int_equal(tensor_archive_describe(&layout, &archive, &archive.entries[0], &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, "tensor 'a:b' has elements 'F4'; allowed: F64, F32"));
    /* A tensor outlives the archive. */
    assert_int_equal(tensor_archive_tensor(&tensor, &archive, q, &error), ERROR_NONE);
    tensor_archive_close(&archive);
    assert_string_equal(tensor.name, "a.safetensors:q");
    assert_int_equal(tensor.elements[0], 4);
    assert_int_equal(tensor_check_unchanged(&tensor, &error), ERROR_NONE);
    tensor_close(&tensor);
    assert_tensor("a.safetensors:lse", "f32 []", 0);
    assert_refused("a.safetensors:a:b", "'F4'");
}

#define TWO(first, second) \
    "{\"a\":{\"dtype\":\"U8\",\"shape\":" first "},\"q\":{\"dtype\":\"U8\",\"shape\":" second "}}"

static void test_safetensors_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header, *reason;
    } rows[] = {
        {TENSOR("F32", "[2]", "[0,4]"), "has 4 bytes; allowed: 8"},
        {TENSOR("F32", "[1]", "[0,8]"), "has 8 bytes; allowed: 4"},
        {TENSOR("F32", "[]", "[0,8]"), "has 8 bytes; allowed: 4"},
        {TENSOR("F32", "[0]", "[0,8]"), "has 8 bytes; allowed: 0"},
        {TENSOR("F32", "[2]", "[8,16]"), "no place in the file; allowed: \"data_offsets\", [first, end], 0 to 8"},
        {TENSOR("F32", "[2]", "[4,12]"), "no place"},
        {TENSOR("F32", "[2]", "[8,0]"), "no place"},
        {TENSOR("F32", "[2]", "[-8,0]"), "no place"},
        {TENSOR("F32", "[2]", "[0.0,8.0]"), "no place"},
        {TENSOR("F32", "[2]", "[0,8,8]"), "no place"},
        {TENSOR("F32", "[2]", "[0]"), "no place"},
        {TENSOR("F32", "[2]", "8"), "no place"},
        {TENSOR("F32", "[2]", "null"), "no place"},
        {TENSOR("F32", "[2]", "[9223372036854775800,9223372036854775807]"), "no place"},
        {TENSOR("F32", "[2]", "[0,9223372036854775808]"), "no JSON"},
        {TENSOR("F4", "[2]", "[0,9]"), "no place"},
        {TENSOR("F64x", "[1]", "[0,8]"), "'F64x'; allowed: F64"},
        {TENSOR("f32", "[2]", "[0,8]"), "'f32'"},
        {TENSOR("C64", "[1]", "[0,8]"), "'C64'"},
        {TENSOR("F32", "[-2]", "[0,8]"), "whole numbers from 0 on"},
        {TENSOR("F32", "[-1,-2]", "[0,8]"), "whole numbers from 0 on"},
        {TENSOR("F32", "[2.0]", "[0,8]"), "whole numbers from 0 on"},
        {TENSOR("F32", "[\"2\"]", "[0,8]"), "whole numbers from 0 on"},
        {TENSOR("F32", "[[2]]", "[0,8]"), "whole numbers from 0 on"},
        {TENSOR("F32", "2", "[0,8]"), "0 to 8 lengths"},
        {TENSOR("F32", "{}", "[0,8]"), "0 to 8 lengths"},
        {TENSOR("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), "0 to 8 lengths"},
        {TENSOR("F32", "[4294967296,4294967296]", "[0,8]"), "can be counted"},
        {TENSOR("F32", "[2305843009213693954]", "[0,8]"), "can be counted"},
        {TENSOR("F32", "[4611686018427387904,2]", "[0,0]"), "can be counted"},
        {TENSOR("F32", "[0,4294967296,4294967296]", "[0,0]"), "can be counted"},
        {"{\"q\":{\"dtype\":\"F32\",\"shape\":[2]}}", "is not described"},
        {"{\"q\":{\"dtype\":1,\"shape\":[2],\"data_offsets\":[0,8]}}", "is not described"},
        {"{\"q\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"strides\":[1]}}", "is not described"},
        {"{\"q\":[]}", "is not described"},
        {"{\"q\":null}", "is not described"},
        {TWO("[4],\"data_offsets\":[0,4]", "[4],\"data_offsets\":[3,7]"), "'q' stands where another one does"},
        {TWO("[4],\"data_offsets\":[0,4]", "[4],\"data_offsets\":[0,4]"), "stands where another one does"},
        {TWO("[8],\"data_offsets\":[0,8]", "[2],\"data_offsets\":[2,4]"), "'q' stands where another one does"},
        {TWO("[1],\"data_offsets\":[4,5]", "[8],\"data_offsets\":[0,8]"), "'a' stands where another one does"},
        {"{\"q\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},"
         "\"q\":{\"dtype\":\"I8\",\"shape\":[8],\"data_offsets\":[0,8]}}",
         "duplicate object key"},
        {"{\"q\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[8],\"data_offsets\":[0,8]}}", "duplicate object key"},
        {"{\"__metadata__\":{\"a\":1}}", "'a' of \"__metadata__\" is no text"},
        {"{\"__metadata__\":{\"a\":NaN}}", "no JSON"},
        {"{\"__metadata__\":{\"a\":null}}", "is no text"},
        {"{\"__metadata__\":{\"a\":{}}}", "is no text"},
        {"{\"__metadata__\":[\"a\"]}", "\"__metadata__\" is no object"},
        {"{\"__metadata__\":null}", "\"__metadata__\" is no object"},
        {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", "duplicate object key"},
        {"{\"__metadata__\":{\"a\":\"\\u0000\"}}", "no JSON"},
        {"{\"__metadata__\":{\"a\":\"\xff\"}}", "no JSON"},
        {"{}", "has no tensor; allowed: what safetensors writes"},
        {"{\"__metadata__\":{}}", "has no tensor"},
        {"[]", "does not begin with '{'"},
        {" {}", "does not begin with '{'"},
        {"{} x", "no JSON"},
        {"{\"q\":", "no JSON"},
        {"{\n\x1b[31m\"q\":1}", "no JSON"},
        {"{'q': 1}", "no JSON"},
        {"{\"q\":1,}", "no JSON"},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        write_safetensors("a.safetensors", rows[r].header, 8);
        assert_refused("a.safetensors", rows[r].reason);
    }
}

/* Brackets beyond any sense, and a size of the header that is none. */
static void test_safetensors_headers_that_lie(void **state)
{
    (void)state;
    struct bytes bytes = {.size = 0};
    char deep[8192] = "{\"q\":";
    memset(deep + 5, '[', sizeof deep - 6);
    bytes_add_safetensors(&bytes, deep, 0);
    bytes_write(&bytes, "a.safetensors");
    assert_refused("a.safetensors", "no JSON");

    static const struct {
        uint64_t size;
        const char *reason;
    } rows[] = {{0, "takes 0 bytes; allowed: 2 to 100000000"},
                {1, "takes 1 bytes"},
                {UINT64_MAX, "takes 18446744073709551615 bytes"},
                {INT64_MAX, "allowed: 2 to 100000000"},
                {UINT64_MAX - 7, "allowed: 2 to 100000000"},
                {100000001, "allowed: 2 to 100000000"},
                {100000000, "ends within its header"},
                {3, "ends within its header"}};
    for (size_t r = 0; r < COUNT(rows); r++) {
        bytes = (struct bytes){.size = 0};
        bytes_add_integer(&bytes, rows[r].size, 8);
        bytes_add(&bytes, "{}", 2);
        bytes_write(&bytes, "a.safetensors");
        assert_refused("a.safetensors", rows[r].reason);
    }
}

static void test_safetensors_cut_short_anywhere(void **state)
{
    (void)state;
    struct bytes bytes = {.size = 0};
    bytes_add_safetensors(&bytes, TENSOR("F32", "[2]", "[0,8]"), 8);
    while (bytes.size > 0) {
        bytes.size--;
        bytes_write(&bytes, "a.safetensors");
        assert_refused("a.safetensors", "allowed: ");
    }
}

static void test_safetensors_with_a_byte_changed(void **state)
{
    (void)state;
    struct bytes bytes = {.size = 0};
    bytes_add_safetensors(&bytes, HEADER_OF_THREE, 16);
    assert_promises("a.safetensors", &bytes);
}

/* What stands behind and between the tensors is nobody's. */
static void test_safetensors_with_holes(void **state)
{
    (void)state;
    write_safetensors("a.safetensors", TWO("[2],\"data_offsets\":[8,10]", "[4],\"data_offsets\":[2,6]"), 16);
    assert_tensor("a.safetensors:q", "u8 [4]", 2);
    assert_tensor("a.safetensors:a", "u8 [2]", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors_types),
        cmocka_unit_test(test_safetensors_as_a_whole),
        cmocka_unit_test(test_safetensors_that_are_refused),
        cmocka_unit_test(test_safetensors_headers_that_lie),
        cmocka_unit_test(test_safetensors_cut_short_anywhere),
        cmocka_unit_test(test_safetensors_with_holes),
        cmocka_unit_test(test_safetensors_with_a_byte_changed),
    };
    return cmocka_run_group_tests_name("tensor_safetensors", tests, fixture_set_up, fixture_tear_down) ? 1 : 0;
}
