#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "harness/support/npy.h"
#include "harness/support/npy_read.h"
#include "harness/support/tests/npy_promises.h"
#include "harness/support/tests/scratch.h"

enum { FILE_BYTES_MAX = 512 };

/* A file of version `major` with the dictionary, and room for `size` bytes of elements. Returns its size. */
static size_t make_file(uint8_t *bytes, int major, const char *dictionary, size_t size)
{
    size_t length = strlen(dictionary), start = major == 1 ? 10 : 12;
    memset(bytes, 0, FILE_BYTES_MAX);
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (uint8_t)major;
    bytes[8] = (uint8_t)length;
    memcpy(bytes + start, dictionary, length);
    assert_true(start + length + size <= FILE_BYTES_MAX);
    return start + length + size;
}

/* A file in the temporary folder; the caller removes it. */
static void write_file(char *path, const void *bytes, size_t size)
{
    int descriptor = scratch_file(path, "test_npy");
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, size), size);
    assert_int_equal(close(descriptor), 0);
}

#define GOOD "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3, 4), }"

/* Both versions, entries in any order, either quote, with and without a last comma. */
static void test_headers_that_numpy_may_write(void **state)
{
    (void)state;
    static const struct {
        int major;
        const char *dictionary, *type;
        int num_axes;
        int64_t shape[TENSOR_AXES_MAX];
    } rows[] = {
        {1, GOOD "      \n", "<f2", 3, {2, 3, 4, 1, 1, 1, 1, 1}},
        {2, GOOD "\n", "<f2", 3, {2, 3, 4, 1, 1, 1, 1, 1}},
        {1, "{'shape':(7,),'descr':'<f4','fortran_order':False}", "<f4", 1, {7, 1, 1, 1, 1, 1, 1, 1}},
        {1, "{\"descr\": \"|u1\", \"fortran_order\": False, \"shape\": (5, 6)}", "|u1", 2, {5, 6, 1, 1, 1, 1, 1, 1}},
        {1, "{'descr': '<u2', 'fortran_order': False, 'shape': (1, 1,)}", "<u2", 2, {1, 1, 1, 1, 1, 1, 1, 1}},
        {1,
         "{'descr': '<f8', 'fortran_order': False, 'shape': (1048577, 32, 128)}",
         "<f8",
         3,
         {1048577, 32, 128, 1, 1, 1, 1, 1}},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        uint8_t bytes[FILE_BYTES_MAX];
        char reason[NPY_REASON_SIZE] = "";
        struct npy_header header;
        size_t size = make_file(bytes, rows[r].major, rows[r].dictionary, 0);
        assert_true(npy_header_parse(&header, bytes, size, reason));
        assert_string_equal(header.type, rows[r].type);
        assert_int_equal(header.num_axes, rows[r].num_axes);
        assert_memory_equal(header.shape, rows[r].shape, sizeof header.shape);
        assert_int_equal(header.data_offset, size);
        assert_int_equal(header.file_size - header.data_offset,
                         header.shape[0] * header.shape[1] * header.shape[2] * (header.type[2] - '0'));
        assert_null(npy_promise_broken(bytes, size));
    }
}

static void test_headers_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary, *reason; /* a part of it */
    } rows[] = {
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", "big-endian"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", "'|O'"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", "structs"},
        {"{'descr': <f4, 'fortran_order': False, 'shape': (2,)}", "a type in quotes"},
        {"{'descr': '<f4, 'fortran_order': False, 'shape': (2,)}", "'<f4, '"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2,)}", "C order"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", "True or False"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2)}", "0 to 8 axes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", "0 to 8 axes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}", "0 to 8 axes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3, 4, 5, 6, 7, 8, 9)}", "0 to 8 axes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", "0 to 8 axes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2", "0 to 8 axes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551617,)}", "can be counted"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "can be counted"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2305843009213693952,)}", "can be counted"},
        {"{'descr': '<f4', 'fortran_order': False}", "no 'shape'"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "each once"},
        {"{'descr': '<f4', 'order': False, 'shape': (2,)}", "each once"},
        {"{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}", "commas"},
        {"{'descr' '<f4', 'fortran_order': False, 'shape': (2,)}", "a colon"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", "blanks"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", "commas"},
        {"{'descr': '<f\x01\x02\x1b[31m', 'fortran_order': False, 'shape': (2,)", "\\x1b"},
        {"", "a dictionary"},
        {"{", "nothing more"},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (int major = 1; major <= 2; major++) {
            uint8_t bytes[FILE_BYTES_MAX];
            char reason[NPY_REASON_SIZE] = "";
            struct npy_header header;
            size_t size = make_file(bytes, major, rows[r].dictionary, 8);
            assert_false(npy_header_parse(&header, bytes, size, reason));
            if (!strstr(reason, rows[r].reason))
                fail_msg("%s: %s", rows[r].dictionary, reason);
            assert_null(npy_promise_broken(bytes, size));
        }
}

static void test_preambles_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        uint8_t byte;
        const char *reason;
    } rows[] = {{0, 0x92, "no .npy file"}, {5, 'X', "no .npy file"},       {6, 0, "version 0.0"}, {6, 4, "version 4.0"},
                {7, 1, "version 1.1"},     {6, 2, "allowed: up to 65524"}, {9, 1, "ends within"}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        uint8_t bytes[FILE_BYTES_MAX];
        char reason[NPY_REASON_SIZE] = "";
        struct npy_header header;
        size_t size = make_file(bytes, 1, GOOD, 48);
        bytes[rows[r].offset] = rows[r].byte;
        assert_false(npy_header_parse(&header, bytes, size, reason));
        if (!strstr(reason, rows[r].reason))
            fail_msg("byte %zu: %s", rows[r].offset, reason);
    }
}

/* Every header cut short at every place, and every byte of it changed, is read or refused with a sentence. */
static void test_truncated_and_changed_headers(void **state)
{
    (void)state;
    uint8_t bytes[FILE_BYTES_MAX];
    char reason[NPY_REASON_SIZE];
    struct npy_header header;
    for (int major = 1; major <= 2; major++) {
        size_t size = make_file(bytes, major, GOOD, 0);
        for (size_t cut = 0; cut < size; cut++) {
            assert_false(npy_header_parse(&header, bytes, cut, reason));
            assert_null(npy_promise_broken(bytes, cut));
        }
        for (size_t at = 0; at < size; at++)
            for (int byte = 0; byte < 256; byte++) {
                uint8_t before = bytes[at];
                bytes[at] = (uint8_t)byte;
                assert_null(npy_promise_broken(bytes, size));
                bytes[at] = before;
            }
    }
}

/* What npy_write writes comes back, whole and in parts. */
static void test_round_trip(void **state)
{
    (void)state;
    static const float elements[] = {1, -2, 3.5f, 0, -0.25f, 1e30f};
    char path[SCRATCH_SIZE];
    int descriptor = scratch_file(path, "test_npy");
    struct npy_file file;
    struct error error = {0};
    float back[6];
    assert_true(descriptor >= 0);
    close(descriptor);
    struct npy_array array = {.type = "<f4", .num_axes = 2, .shape = {2, 3}, .data = elements};
    assert_int_equal(npy_write(path, &array, &error), 0);
    assert_int_equal(npy_open(&file, path, &error), 0);
    assert_string_equal(file.header.type, "<f4");
    assert_int_equal(file.header.num_axes, 2);
    assert_int_equal(file.header.shape[0], 2);
    assert_int_equal(file.header.shape[1], 3);
    assert_int_equal(npy_read(&file, 0, 6, back, &error), 0);
    assert_memory_equal(back, elements, sizeof elements);
    assert_int_equal(npy_read(&file, 4, 2, back, &error), 0);
    assert_memory_equal(back, elements + 4, 2 * sizeof *elements);
    /* Cut short behind the program's back. */
    assert_int_equal(truncate(path, 128 + 5 * 4), 0);
    assert_int_equal(npy_read(&file, 4, 2, back, &error), ERROR_SYSTEM);
    assert_non_null(strstr(error.text, "shorter"));
    npy_close(&file);
    assert_int_equal(file.descriptor, -1);
    unlink(path);
}

/* A file has exactly the elements of its header, and its name stands in the error. */
static void test_file_sizes(void **state)
{
    (void)state;
    uint8_t bytes[FILE_BYTES_MAX];
    size_t size = make_file(bytes, 1, GOOD, 48);
    for (int difference = -1; difference <= 1; difference++) {
        char path[SCRATCH_SIZE];
        struct npy_file file;
        struct error error = {0};
        write_file(path, bytes, size + (size_t)difference);
        enum error_kind kind = npy_open(&file, path, &error);
        assert_int_equal(kind, difference ? ERROR_USAGE : ERROR_NONE);
        if (kind) {
            assert_non_null(strstr(error.text, path));
            assert_non_null(strstr(error.text, "which its header asks for"));
            assert_int_equal(file.descriptor, -1);
        }
        npy_close(&file);
        unlink(path);
    }
}

/* Tensors that a dump does not have: these readers take no other ones. */
static void test_files_that_are_no_dumps(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary, *reason;
        size_t size;
    } rows[] = {
        {"{'descr': '<V2', 'fortran_order': False, 'shape': (2,)}", "allowed: '<f2', '<u2', '<f4', '<f8', '|u1'", 4},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (2,)}", "its elements are '<i8'; allowed", 16},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "has 0 axes; allowed: 1 to 3", 4},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 2)}", "has 4 axes; allowed: 1 to 3", 8},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 0)}", "is 0; allowed: at least 1", 0},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        uint8_t bytes[FILE_BYTES_MAX];
        char path[SCRATCH_SIZE];
        struct npy_file file;
        struct error error = {0};
        write_file(path, bytes, make_file(bytes, 1, rows[r].dictionary, rows[r].size));
        assert_int_equal(npy_open(&file, path, &error), ERROR_USAGE);
        if (!strstr(error.text, rows[r].reason) || strncmp(error.text, path, strlen(path)) != 0)
            fail_msg("%s: %s", rows[r].dictionary, error.text);
        unlink(path);
    }
}

static void test_what_is_no_file(void **state)
{
    (void)state;
    static const char *const paths[] = {"/nonexistent/q.npy", "/", "/dev/null"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct npy_file file;
        struct error error = {0};
        assert_int_equal(npy_open(&file, paths[i], &error), ERROR_USAGE);
        assert_ptr_equal(strstr(error.text, paths[i]), error.text);
        assert_int_equal(file.descriptor, -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_that_numpy_may_write),
        cmocka_unit_test(test_headers_that_are_refused),
        cmocka_unit_test(test_preambles_that_are_refused),
        cmocka_unit_test(test_truncated_and_changed_headers),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_file_sizes),
        cmocka_unit_test(test_files_that_are_no_dumps),
        cmocka_unit_test(test_what_is_no_file),
    };
    return cmocka_run_group_tests_name("npy", tests, NULL, NULL) ? 1 : 0;
}
