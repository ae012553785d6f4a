#include "harness/support/tests/tensor_fixture.h"

/* ---- .npy -------------------------------------------------------------------------------------------------------- */

static void write_npy(const char *path, int major, const char *dictionary, size_t size)
{
    struct bytes bytes = {.size = 0};
    bytes_add_npy(&bytes, major, dictionary, size);
    bytes_write(&bytes, path);
}

/* Each type as NumPy writes it, ml_dtypes' among them, in each version of the format. */
static void test_npy_types(void **state)
{
    (void)state;
    static const struct {
        const char *numpy, *layout;
        size_t size;
    } rows[] = {
        {"<f8", "f64 [2, 3]", 48},   {"<f4", "f32 [2, 3]", 24},   {"<f2", "f16 [2, 3]", 12}, {"<i8", "i64 [2, 3]", 48},
        {"<i4", "i32 [2, 3]", 24},   {"<i2", "i16 [2, 3]", 12},   {"|i1", "i8 [2, 3]", 6},   {"<u8", "u64 [2, 3]", 48},
        {"<u4", "u32 [2, 3]", 24},   {"<u2", "u16 [2, 3]", 12},   {"|u1", "u8 [2, 3]", 6},   {"|b1", "bool [2, 3]", 6},
        {"<V2", "raw16 [2, 3]", 12}, {"|V2", "raw16 [2, 3]", 12}, {"|V1", "raw8 [2, 3]", 6}, {"<V1", "raw8 [2, 3]", 6},
        {"<f1", "e5m2 [2, 3]", 6},   {"|f1", "e5m2 [2, 3]", 6},
    };
    for (size_t r = 0; r < COUNT(rows); r++)
        for (int major = 1; major <= 3; major++) {
            char dictionary[128];
            snprintf(dictionary, sizeof dictionary, "{'descr': '%s', 'fortran_order': False, 'shape': (2, 3), }",
                     rows[r].numpy);
            write_npy("a.npy", major, dictionary, rows[r].size);
            assert_tensor("a.npy", rows[r].layout, 0);
        }
}

/* A number has no axes and one element; a tensor may have none. */
static void test_npy_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *shape, *layout;
        size_t size;
    } rows[] = {
        {"()", "u8 []", 1},
        {"(5,)", "u8 [5]", 5},
        {"(0,)", "u8 [0]", 0},
        {"(3, 0, 2)", "u8 [3, 0, 2]", 0},
        {"(2, 1, 2)", "u8 [2, 1, 2]", 4},
        {"(1, 2, 1, 2, 1, 2, 1, 2)", "u8 [1, 2, 1, 2, 1, 2, 1, 2]", 16},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        char dictionary[128];
        snprintf(dictionary, sizeof dictionary, "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }",
                 rows[r].shape);
        write_npy("a.npy", 1, dictionary, rows[r].size);
        assert_tensor("a.npy", rows[r].layout, 0);
    }
}

#define DICTIONARY(type, order, shape) "{'descr': '" type "', 'fortran_order': " order ", 'shape': " shape ", }"

static void test_npy_that_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary, *reason;
        size_t size;
    } rows[] = {
        {DICTIONARY(">f4", "False", "(2,)"), "big-endian; allowed: little-endian", 8},
        {DICTIONARY(">V2", "False", "(2,)"), "big-endian", 4},
        {DICTIONARY("|O", "False", "(2,)"), "Python objects; allowed: numbers", 16},
        {DICTIONARY("|S4", "False", "(2,)"), "'|S4'; allowed: '<f2'", 8},
        {DICTIONARY("<U4", "False", "(2,)"), "'<U4'", 32},
        {DICTIONARY("<c8", "False", "(2,)"), "'<c8'", 16},
        {DICTIONARY("<f16", "False", "(2,)"), "'<f16'", 32},
        {DICTIONARY("<M8[s]", "False", "(2,)"), "'<M8[s]'", 16},
        {DICTIONARY("|V4", "False", "(2,)"), "'|V4'", 8},
        {DICTIONARY("<u1", "False", "(2,)"), "'<u1'", 2},
        {"{'descr': [('a', '<f4'), ('b', '<f4')], 'fortran_order': False, 'shape': (2,), }", "structs", 16},
        {"{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (2,), }", "a type in quotes", 16},
        {DICTIONARY("<f4", "True", "(2, 2)"), "in Fortran order; allowed: C order (numpy.ascontiguousarray)", 16},
        {DICTIONARY("<f4", "1", "(2, 2)"), "True or False", 16},
        {DICTIONARY("<f4", "False", "(-2,)"), "0 to 8 axes", 8},
        {DICTIONARY("<f4", "False", "(2)"), "0 to 8 axes", 8},
        {DICTIONARY("<f4", "False", "[2]"), "0 to 8 axes", 8},
        {DICTIONARY("<f4", "False", "(2.0,)"), "0 to 8 axes", 8},
        {DICTIONARY("<f4", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 2)"), "0 to 8 axes", 8},
        {DICTIONARY("<f4", "False", "(9223372036854775808,)"), "can be counted", 8},
        {DICTIONARY("<f4", "False", "(18446744073709551618,)"), "can be counted", 8},
        {DICTIONARY("<f4", "False", "(4294967296, 4294967296)"), "can be counted", 8},
        {DICTIONARY("<f4", "False", "(2305843009213693952,)"), "can be counted", 8},
        {DICTIONARY("<f4", "False", "(0, 4294967296, 4294967296)"), "can be counted", 0},
        {DICTIONARY("<f4", "False", "(1152921504606846975,)"), "which its header asks for", 8},
        {DICTIONARY("<f4", "False", "(3,)"), "which its header asks for", 8},
        {DICTIONARY("<f4", "False", "(1,)"), "which its header asks for", 8},
        {DICTIONARY("<f4", "False", "()"), "which its header asks for", 8},
        {DICTIONARY("<f4", "False", "(0,)"), "which its header asks for", 8},
        {"{'descr': '<f4', 'fortran_order': False, }", "no 'shape'", 8},
        {"{'descr': '<f4', 'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", "each once", 8},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}", "each once", 8},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } + {}", "blanks", 8},
        {"", "a dictionary", 8},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        write_npy("a.npy", 1, rows[r].dictionary, rows[r].size);
        assert_refused("a.npy", rows[r].reason);
    }
    struct bytes bytes = {.size = 0};
    bytes_add_npy(&bytes, 4, DICTIONARY("<f4", "False", "(2,)"), 8);
    bytes_write(&bytes, "a.npy");
    assert_refused("a.npy", "version 4.0 of the format; allowed: 1.0, 2.0, 3.0");
    bytes = (struct bytes){.size = 0};
    bytes_add_npy(&bytes, 2, DICTIONARY("<f4", "False", "(2,)"), 8);
    bytes.at[11] = 0x7f;
    bytes_write(&bytes, "a.npy");
    assert_refused("a.npy", "allowed: up to 65524");
}

static void test_npy_cut_short_anywhere(void **state)
{
    (void)state;
    struct bytes bytes = {.size = 0};
    bytes_add_npy(&bytes, 1, DICTIONARY("<f4", "False", "(2,)"), 8);
    for (bytes.size--; bytes.size > 0; bytes.size--) {
        bytes_write(&bytes, "a.npy");
        assert_refused("a.npy", "allowed: ");
    }
    bytes_write(&bytes, "a.npy");
    assert_refused("a.npy", "no .npy file");
}

static void test_npy_with_a_byte_changed(void **state)
{
    (void)state;
    struct bytes bytes = {.size = 0};
    bytes_add_npy(&bytes, 1, DICTIONARY("<f4", "False", "(2, 3)"), 24);
    assert_promises("a.npy", &bytes);
}

/* Elements that begin at an odd place are read all the same. */
static void test_npy_without_padding(void **state)
{
    (void)state;
    static const char dictionary[] = "{'descr':'<f8','fortran_order':False,'shape':(3,)}";
    struct bytes bytes = {.size = 0};
    bytes_add(&bytes, "\x93NUMPY\x01", 8);
    bytes_add_integer(&bytes, strlen(dictionary), 2);
    bytes_add(&bytes, dictionary, strlen(dictionary));
    assert_int_not_equal(bytes.size % 8, 0);
    bytes_count_up(&bytes, 24);
    bytes_write(&bytes, "a.npy");
    assert_tensor("a.npy", "f64 [3]", 0);
}

/* ---- names, kinds of files, elements ----------------------------------------------------------------------------- */

static void test_names(void **state)
{
    (void)state;
    write_npy("x:y.npy", 1, DICTIONARY("|u1", "False", "(2,)"), 2);
    assert_tensor("x:y.npy", "u8 [2]", 0);
    write_safetensors("b:c.safetensors", HEADER_OF_THREE, 16);
    assert_tensor("b:c.safetensors:q", "f16 [2, 3]", 4);
    assert_refused("b:c.safetensors", "has 3 tensors; allowed: the name of one behind a colon: 'a:b', 'lse', 'q'");
    assert_refused("b:c.safetensors:k", "has no tensor 'k'; allowed: 'a:b', 'lse', 'q'");
    assert_refused("b:c.safetensors:", "has no tensor ''; allowed: 'a:b', 'lse', 'q'");
    write_safetensors("one.safetensors", TENSOR("U8", "[8]", "[0,8]"), 8);
    assert_tensor("one.safetensors:q", "u8 [8]", 0);
    struct tensor_file tensor;
    open_sound(&tensor, "one.safetensors");
    assert_string_equal(tensor.name, "one.safetensors:q");
    tensor_close(&tensor);
    assert_refused("x:y.npy:q", "no tensor by its name; allowed: FILE.npy, FILE.npz:NAME, FILE.safetensors:NAME");
    assert_refused("q.pt", "no tensor by its name");
    assert_refused(".npy", "no tensor by its name");
    assert_refused("", "no tensor by its name");
}

/* Of many names the first ones are listed. */
static void test_many_names(void **state)
{
    (void)state;
    struct bytes bytes = {.size = 0};
    char header[16384] = "{", name[160];
    size_t used = 1;
    memset(name, 'n', sizeof name);
    for (int i = 0; i < 40; i++)
        used += (size_t)snprintf(header + used, sizeof header - used,
                                 "%s\"%02d\x7f%.150s\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                                 i ? "," : "", i, name);
    header[used] = '}';
    bytes_add_safetensors(&bytes, header, 0);
    bytes_write(&bytes, "a.safetensors");
    assert_refused("a.safetensors", "'14\\x7f");
    assert_refused("a.safetensors", " and 25 more");
}

static void test_what_is_no_regular_file(void **state)
{
    (void)state;
    assert_int_equal(symlink("loop.npy", "loop.npy"), 0);
    assert_int_equal(mkdir("folder.npy", 0700), 0);
    assert_int_equal(mkfifo("pipe.npy", 0600), 0);
    assert_int_equal(symlink("/dev/null", "device.npy"), 0);
    assert_int_equal(mkdir("folder.safetensors", 0700), 0);
    assert_int_equal(mkfifo("pipe.safetensors", 0600), 0);
    assert_refused("loop.npy", "cannot be opened: Too many levels of symbolic links");
    assert_refused("folder.npy", "is no regular file; allowed: .npy files");
    assert_refused("pipe.npy", "is no regular file");
    assert_refused("device.npy", "is no regular file");
    assert_refused("none.npy", "cannot be opened: No such file");
    assert_refused("folder.safetensors", "is no regular file; allowed: .safetensors files");
    assert_refused("pipe.safetensors:q", "is no regular file");
    assert_refused("none.safetensors:q", "cannot be opened");
    bytes_write(&(struct bytes){.size = 0}, "empty.npy");
    bytes_write(&(struct bytes){.size = 0}, "empty.safetensors");
    assert_refused("empty.npy", "no .npy file");
    assert_refused("empty.safetensors", "no .safetensors file");
    write_npy("a.npy", 1, DICTIONARY("|u1", "False", "(2,)"), 2);
    unlink("link.npy");
    assert_int_equal(symlink("a.npy", "link.npy"), 0);
    assert_tensor("link.npy", "u8 [2]", 0);
}

/* Bits are what a caller is told they are, where the file does not say otherwise. */
static void test_reinterpretation(void **state)
{
    (void)state;
    static const struct {
        const char *numpy, *told, *reason; /* NULL: allowed */
    } rows[] = {
        {"<V2", "bf16", NULL},
        {"<V2", "f16", NULL},
        {"<V2", "i16", NULL},
        {"|V1", "e4m3", NULL},
        {"|V1", "bool", NULL},
        {"<u2", "bf16", NULL},
        {"<i2", "bf16", NULL},
        {"<u2", "u16", NULL},
        {"|u1", "e4m3fnuz", NULL},
        {"|i1", "e5m2", NULL},
        {"<f4", "f32", NULL},
        {"<f2", "bf16", "has f16 [2], which is not bf16; allowed: f16"},
        {"<f4", "bf16", "allowed: f32"},
        {"<f1", "e4m3", "has e5m2 [2], which is not e4m3; allowed: e5m2"},
        {"<V2", "e4m3", "has raw16 [2], which is not e4m3; allowed: types of 2 bytes"},
        {"|V1", "bf16", "allowed: types of 1 bytes"},
        {"<u2", "f32", "allowed: types of 2 bytes"},
        {"<u2", "i16", "allowed: u16, or floats of 2 bytes"},
        {"<u4", "f32", "allowed: u32"},
        {"|b1", "u8", "allowed: bool"},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        char dictionary[128];
        struct tensor_file tensor;
        struct error error = {0};
        snprintf(dictionary, sizeof dictionary, "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }",
                 rows[r].numpy);
        write_npy("a.npy", 1, dictionary, 2 * (size_t)(rows[r].numpy[2] - '0'));
        open_sound(&tensor, "a.npy");
        enum element_type before = tensor.layout.type, told = element_type_from_name(rows[r].told);
        assert_int_not_equal(told, ELEMENT_COUNT);
        assert_int_equal(tensor_reinterpret(&tensor, told, &error), rows[r].reason ? ERROR_USAGE : ERROR_NONE);
        assert_int_equal(tensor.layout.type, rows[r].reason ? before : told);
        if (rows[r].reason && (!strstr(error.text, rows[r].reason) || strncmp(error.text, "a.npy: ", 7) != 0))
            fail_msg("%s told %s: %s", rows[r].numpy, rows[r].told, error.text);
        tensor_close(&tensor);
    }
    assert_int_equal(element_type_from_name("raw16"), ELEMENT_COUNT);
    assert_int_equal(element_type_from_name("float16"), ELEMENT_COUNT);
    assert_int_equal(element_type_from_safetensors("bf16"), ELEMENT_COUNT);
}

/* Kilobytes of a tensor's mapping that are in the program's memory. */
static long resident(const struct tensor_file *tensor)
{
    char line[512];
    unsigned long address;
    bool is_found = false;
    long size = -1;
    FILE *file = fopen("/proc/self/smaps", "r");
    assert_non_null(file);
    while (size < 0 && fgets(line, sizeof line, file)) {
        is_found |= sscanf(line, "%lx-", &address) == 1 && address == (uintptr_t)tensor->mapping;
        if (is_found)
            sscanf(line, "Rss: %ld", &size);
    }
    fclose(file);
    return size;
}

/* 128 MB are read in blocks, which end anywhere, and in little more memory than a block, twice the same. */
static void test_forgetting(void **state)
{
    (void)state;
    enum { SIZE = 128 << 20, BLOCK = (1 << 18) + 5 * 4096 };
    enum { LEAST_KB = 16, MOST_KB = (BLOCK >> 10) + 4096 };
    struct tensor_file tensor;
    write_npy("a.npy", 1, DICTIONARY("|u1", "False", "(134217728,)"), 0);
    assert_int_equal(truncate("a.npy", 128 + SIZE), 0);
    open_sound(&tensor, "a.npy");
    for (int pass = 0; pass < 2; pass++)
        for (int64_t first = 0; first < SIZE; first += BLOCK) {
            int64_t end = SIZE - first < BLOCK ? SIZE : first + BLOCK;
            unsigned sum = 0;
            for (int64_t i = first; i < end; i += 512)
                sum += tensor.elements[i];
            assert_int_equal(sum, 0);
            assert_in_range(resident(&tensor), LEAST_KB, MOST_KB);
            tensor_forget(&tensor, first, end - first);
        }
    tensor_forget(&tensor, SIZE, 0);
    tensor_close(&tensor);
}

static void test_files_that_change(void **state)
{
    (void)state;
    struct tensor_file tensor;
    struct error error = {0};
    write_npy("a.npy", 1, DICTIONARY("|u1", "False", "(2,)"), 2);
    open_sound(&tensor, "a.npy");
    assert_int_equal(tensor_check_unchanged(&tensor, &error), ERROR_NONE);
    assert_int_equal(truncate("a.npy", 129), 0);
    assert_int_equal(tensor_check_unchanged(&tensor, &error), ERROR_SYSTEM);
    assert_non_null(strstr(error.text, "a.npy: was changed while it was read"));
    tensor_close(&tensor);
    /* Of the same size, at another time, and of another size, at the same time. */
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    write_npy("a.npy", 1, DICTIONARY("|u1", "False", "(2,)"), 2);
    open_sound(&tensor, "a.npy");
    assert_int_equal(utimensat(AT_FDCWD, "a.npy", times, 0), 0);
    assert_int_equal(tensor_check_unchanged(&tensor, &error), ERROR_SYSTEM);
    tensor_close(&tensor);
    open_sound(&tensor, "a.npy");
    assert_int_equal(truncate("a.npy", 131), 0);
    assert_int_equal(utimensat(AT_FDCWD, "a.npy", times, 0), 0);
    assert_int_equal(tensor_check_unchanged(&tensor, &error), ERROR_SYSTEM);
    tensor_close(&tensor);
    tensor_close(&tensor);
}

/* A copy needs room: the error says where, and of what. */
static void test_no_room_for_a_copy(void **state)
{
    (void)state;
    struct tensor_file tensor;
    struct error error = {0};
    write_safetensors("a.safetensors", TENSOR("F64", "[1]", "[0,8]") " ", 8);
    assert_tensor("a.safetensors:q", "f64 [1]", 0);
    assert_int_equal(setenv("TMPDIR", "/nonexistent", 1), 0);
    assert_int_equal(tensor_open(&tensor, "a.safetensors:q", &error), ERROR_SYSTEM);
    assert_non_null(strstr(error.text, "/nonexistent: no file can be made in this folder for temporary files"));
    assert_int_equal(unsetenv("TMPDIR"), 0);
    tensor_close(&tensor);
}

/* What a file calls f16 is of f16, and so on; no integer, and nothing unknown, is of a dtype. */
static void test_dtypes(void **state)
{
    (void)state;
    int of_a_dtype = 0;
    for (enum dtype dtype = 0; dtype < DTYPE_COUNT_WITH_FP8; dtype++) {
        const enum element_type type = dtype_element_types[dtype];
        assert_string_equal(element_types[type].name, dtypes[dtype].name);
        assert_int_equal(element_types[type].size_bytes, dtypes[dtype].size_bytes);
        assert_int_equal(element_type_dtype(type), dtype);
    }
    for (enum element_type type = 0; type <= ELEMENT_COUNT; type++)
        of_a_dtype += element_type_dtype(type) != DTYPE_COUNT_WITH_FP8;
    assert_int_equal(of_a_dtype, DTYPE_COUNT_WITH_FP8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtypes),
        cmocka_unit_test(test_npy_types),
        cmocka_unit_test(test_npy_shapes),
        cmocka_unit_test(test_npy_that_is_refused),
        cmocka_unit_test(test_npy_cut_short_anywhere),
        cmocka_unit_test(test_npy_without_padding),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_what_is_no_regular_file),
        cmocka_unit_test(test_reinterpretation),
        cmocka_unit_test(test_forgetting),
        cmocka_unit_test(test_files_that_change),
        cmocka_unit_test(test_no_room_for_a_copy),
        cmocka_unit_test(test_npy_with_a_byte_changed),
    };
    return cmocka_run_group_tests_name("tensor_file", tests, fixture_set_up, fixture_tear_down) ? 1 : 0;
}
