#include "harness/support/tests/zip_fixture.h"

static void zip_write(const struct zip *zip)
{
    bytes_write(&zip->file, "a.npz");
}

#define DICTIONARY(type, shape) "{'descr': '" type "', 'fortran_order': False, 'shape': " shape ", }"

static struct bytes npy(const char *dictionary, size_t size)
{
    struct bytes bytes = {.size = 0};
    bytes_add_npy(&bytes, 1, dictionary, size);
    return bytes;
}

/* k.npy and q.npy, 2 and 3 numbers. */
static struct zip make_zip(int method, bool wide, bool behind, const char *comment)
{
    struct zip zip = {.num_members = 0};
    const struct bytes k = npy(DICTIONARY("<f4", "(2,)"), 8), q = npy(DICTIONARY("<f8", "(3,)"), 24);
    zip_add(&zip, "k.npy", method, &k, wide, behind);
    zip_add(&zip, "q.npy", method, &q, wide, behind);
    zip_finish(&zip, wide, comment);
    return zip;
}

/* ---- sound files ------------------------------------------------------------------------------------------------- */

/* Stored and deflated, with and without ZIP64, written to a file and to a pipe. */
static void test_what_numpy_writes(void **state)
{
    (void)state;
    static const int methods[] = {STORED, DEFLATED};
    for (size_t m = 0; m < COUNT(methods); m++)
        for (int i = 0; i < 8; i++) {
            const struct zip zip = make_zip(methods[m], i & 1, i & 2, i & 4 ? "said PK\x05\x06 once" : "");
            zip_write(&zip);
            assert_tensor("a.npz:k", "f32 [2]", 0);
            assert_tensor("a.npz:q", "f64 [3]", 0);
        }
}

static void test_names(void **state)
{
    (void)state;
    struct zip zip = {.num_members = 0};
    const struct bytes content = npy(DICTIONARY("|u1", "()"), 1), text = {"hello", 5};
    zip_add(&zip, "a/b:c.npy", STORED, &content, false, false);
    zip_add(&zip, "readme.txt", STORED, &text, false, false);
    zip_finish(&zip, false, "");
    zip_write(&zip);
    assert_tensor("a.npz:a/b:c", "u8 []", 0);
    struct tensor_file tensor;
    open_sound(&tensor, "a.npz");
    assert_string_equal(tensor.name, "a.npz:a/b:c");
    tensor_close(&tensor);
    assert_refused("a.npz:readme.txt", "has no tensor 'readme.txt'; allowed: 'a/b:c'");
    assert_refused("a.npz:a/b:c.npy", "has no tensor 'a/b:c.npy'");

    zip = (struct zip){.num_members = 0};
    zip_add(&zip, "a.npy", STORED, &content, false, false);
    zip_add(&zip, "a-b.npy", STORED, &content, false, false);
    zip_add(&zip, ".npy", STORED, &content, false, false);
    zip_finish(&zip, false, "");
    zip_write(&zip);
    assert_tensor("a.npz:a", "u8 []", 0);
    assert_tensor("a.npz:a-b", "u8 []", 0);
    assert_refused("a.npz", "has 3 tensors; allowed: the name of one behind a colon: '', 'a', 'a-b'");
}

static void test_a_file_as_a_whole(void **state)
{
    (void)state;
    struct tensor_archive archive;
    struct tensor_layout layout;
    struct error error = {0};
    char text[TENSOR_LAYOUT_TEXT_SIZE];
    const struct zip zip = make_zip(DEFLATED, false, false, "");
    zip_write(&zip);
    assert_int_equal(tensor_archive_open(&archive, "a.npz", &error), ERROR_NONE);
    assert_int_equal(archive.num_entries, 2);
    assert_int_equal(archive.num_metadata, 0);
    assert_int_equal(tensor_archive_describe(&layout, &archive, tensor_archive_find(&archive, "q"), &error), 0);
    assert_string_equal(tensor_layout_text(text, &layout), "f64 [3]");
    tensor_archive_close(&archive);
}

/* A stored member at an address that suits it is mapped where it is: no temporary file is needed. */
static void test_members_in_place(void **state)
{
    (void)state;
    static const struct {
        const char *member, *name;
        int method, kind;
    } rows[] = {
        {"abcdef.npy", "a.npz:abcdef", STORED, ERROR_NONE},
        {"abcde.npy", "a.npz:abcde", STORED, ERROR_SYSTEM},
        {"abcdef.npy", "a.npz:abcdef", DEFLATED, ERROR_SYSTEM},
    };
    const struct bytes content = npy(DICTIONARY("<f8", "(3,)"), 24);
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct zip zip = {.num_members = 0};
        struct tensor_file tensor;
        struct error error = {0};
        zip_add(&zip, rows[r].member, rows[r].method, &content, false, false);
        zip_finish(&zip, false, "");
        zip_write(&zip);
        assert_tensor(rows[r].name, "f64 [3]", 0);
        assert_int_equal(setenv("TMPDIR", "/nonexistent", 1), 0);
        assert_int_equal(tensor_open(&tensor, rows[r].name, &error), rows[r].kind);
        assert_int_equal(unsetenv("TMPDIR"), 0);
        tensor_close(&tensor);
    }
}

/* More than a block, and more than the header that is looked at first. */
static void test_large_members(void **state)
{
    (void)state;
    static const int methods[] = {STORED, DEFLATED};
    const struct bytes content = npy(DICTIONARY("<u2", "(3, 10000)"), 60000);
    for (size_t m = 0; m < COUNT(methods); m++) {
        struct zip zip = {.num_members = 0};
        zip_add(&zip, "k.npy", methods[m], &content, false, false);
        zip_finish(&zip, false, "");
        zip_write(&zip);
        assert_tensor("a.npz:k", "u16 [3, 10000]", 0);
    }
}

/* ---- files that lie ---------------------------------------------------------------------------------------------- */

enum part { NOWHERE, HEADER, ENTRY, END };

/* Where a number of a part of the second member, q.npy, stands. */
static uint8_t *number_of(struct zip *zip, enum part part, size_t offset)
{
    size_t start = part == HEADER ? zip->headers[1] : part == ENTRY ? zip->directory_start + zip->entries[1] : zip->end;
    return zip->file.at + start + offset;
}

static void change(struct zip *zip, enum part part, size_t offset, int size, uint64_t value)
{
    for (int i = 0; i < size && part; i++)
        number_of(zip, part, offset)[i] = (uint8_t)(value >> (8 * i));
}

/* One number, or two, of q.npy that are others than they were. */
static void test_numbers_that_lie(void **state)
{
    (void)state;
    enum {
        Q_SIZE = 128 + 24,
        FILE_SIZE = 2 * 35 + 128 + 8 + Q_SIZE + 2 * 51 + 22,
        DIRECTORY = 2 * 35 + 128 + 8 + Q_SIZE
    };
    static const struct {
        const char *reason;
        struct {
            enum part part;
            size_t offset;
            int size;
            uint64_t value;
        } changes[4];
    } rows[] = {
        {"lacks a member", {{ENTRY, 0, 4, 0x02014b51}}},
        {"is encrypted; allowed: stored or deflated", {{ENTRY, 8, 2, 1}, {HEADER, 6, 2, 1}}},
        {"is encrypted", {{ENTRY, 8, 2, 0x41}, {HEADER, 6, 2, 0x41}}},
        {"is encrypted", {{ENTRY, 8, 2, 0x2000}}},
        {"'q.npy' is another one in the directory", {{HEADER, 6, 2, 1}}},
        {"is packed by method 12; allowed: stored or deflated", {{ENTRY, 10, 2, 12}, {HEADER, 8, 2, 12}}},
        {"is packed by method 9", {{ENTRY, 10, 2, 9}, {HEADER, 8, 2, 9}}},
        {"is another one in the directory", {{ENTRY, 10, 2, DEFLATED}}},
        {"is another one in the directory", {{HEADER, 8, 2, DEFLATED}}},
        {"has more behind its stream", {{ENTRY, 10, 2, DEFLATED}, {HEADER, 8, 2, DEFLATED}}},
        {"is another one in the directory", {{ENTRY, 16, 4, 1}}},
        {"is another one in the directory", {{HEADER, 14, 4, 1}}},
        {"its checksum is another one", {{ENTRY, 16, 4, 1}, {HEADER, 14, 4, 1}}},
        {"has a size that it cannot have", {{ENTRY, 20, 4, Q_SIZE - 1}}},
        {"has a size that it cannot have", {{ENTRY, 24, 4, Q_SIZE + 1}}},
        {"has a size that it cannot have",
         {{ENTRY, 24, 4, 1 << 30}, {HEADER, 22, 4, 1 << 30}, {ENTRY, 10, 2, DEFLATED}, {HEADER, 8, 2, DEFLATED}}},
        {"is another one in the directory", {{HEADER, 18, 4, Q_SIZE - 1}}},
        {"is another one in the directory", {{HEADER, 22, 4, Q_SIZE - 1}}},
        {"is another one in the directory", {{ENTRY, 20, 4, Q_SIZE - 1}, {ENTRY, 24, 4, Q_SIZE - 1}}},
        {"has 151 bytes; allowed: 152, which its header asks for",
         {{ENTRY, 20, 4, Q_SIZE - 1},
          {ENTRY, 24, 4, Q_SIZE - 1},
          {HEADER, 18, 4, Q_SIZE - 1},
          {HEADER, 22, 4, Q_SIZE - 1}}},
        {"lies in the directory",
         {{ENTRY, 20, 4, Q_SIZE + 1},
          {ENTRY, 24, 4, Q_SIZE + 1},
          {HEADER, 18, 4, Q_SIZE + 1},
          {HEADER, 22, 4, Q_SIZE + 1}}},
        {"lies outside of the file", {{ENTRY, 20, 4, 0xfffffffe}, {ENTRY, 24, 4, 0xfffffffe}}},
        {"has no sizes in the directory", {{ENTRY, 20, 4, 0xffffffff}}},
        {"has no sizes in the directory", {{ENTRY, 24, 4, 0xffffffff}}},
        {"has no sizes in the directory", {{ENTRY, 42, 4, 0xffffffff}}},
        {"is another one in the directory", {{HEADER, 22, 4, 0xffffffff}}},
        {"its directory ends within a member", {{ENTRY, 28, 2, 6}}},
        {"its directory ends within a member", {{ENTRY, 28, 2, 0xffff}}},
        {"its directory has more than its members", {{ENTRY, 28, 2, 4}, {HEADER, 26, 2, 4}, {HEADER, 28, 2, 1}}},
        {"its directory ends within a member", {{ENTRY, 30, 2, 1}}},
        {"its directory ends within a member", {{ENTRY, 32, 2, 1}}},
        {"is in another part", {{ENTRY, 34, 2, 1}}},
        {"is not where the directory says", {{ENTRY, 42, 4, 1}}},
        {"'q.npy' is another one in the directory", {{ENTRY, 42, 4, 0}}},
        {"lies outside of the file", {{ENTRY, 42, 4, DIRECTORY}}},
        {"lies in the directory", {{ENTRY, 42, 4, DIRECTORY}, {ENTRY, 20, 8, 0x0000000800000008}}},
        {"lies outside of the file", {{ENTRY, 42, 4, FILE_SIZE}}},
        {"lies outside of the file", {{ENTRY, 42, 4, 0xfffffffe}}},
        {"is not where the directory says", {{HEADER, 0, 4, 0}}},
        {"is another one in the directory", {{HEADER, 26, 2, 4}}},
        {"is not where the directory says", {{HEADER, 26, 2, 0xffff}}},
        {"lies in the directory", {{HEADER, 28, 2, 1}}},
        {"is another one in the directory", {{HEADER, 30, 1, 'Q'}}},
        {"is another one in the directory", {{ENTRY, 46, 1, 'Q'}}},
        {"member 'k.npy' is there twice", {{HEADER, 30, 1, 'k'}, {ENTRY, 46, 1, 'k'}}},
        {"name has a NUL", {{HEADER, 30, 1, 0}, {ENTRY, 46, 1, 0}}},
        {"is no .npz file", {{END, 0, 4, 0}}},
        {"in several parts", {{END, 4, 2, 1}}},
        {"in several parts", {{END, 6, 2, 1}}},
        {"in several parts", {{END, 8, 2, 1}}},
        {"in several parts", {{END, 10, 2, 1}}},
        {"another size than its members take", {{END, 8, 2, 3}, {END, 10, 2, 3}}},
        {"another size than its members take", {{END, 8, 2, 0xffff}, {END, 10, 2, 0xffff}}},
        {"has more than its members", {{END, 8, 2, 1}, {END, 10, 2, 1}}},
        {"its directory is not where its end says", {{END, 12, 4, 101}}},
        {"its directory is not where its end says", {{END, 12, 4, 0xffffffff}}},
        {"its directory is not where its end says", {{END, 16, 4, 1}}},
        {"lacks a member", {{END, 12, 4, 101}, {END, 16, 4, DIRECTORY + 1}}},
        {"is no .npz file", {{END, 20, 2, 1}}},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct zip zip = make_zip(STORED, false, false, "");
        assert_int_equal(zip.file.size, FILE_SIZE);
        for (size_t c = 0; c < COUNT(rows[r].changes); c++)
            change(&zip, rows[r].changes[c].part, rows[r].changes[c].offset, rows[r].changes[c].size,
                   rows[r].changes[c].value);
        zip_write(&zip);
        assert_refused("a.npz:q", rows[r].reason);
    }
}

/* Two members, of two names or of one, that are the same bytes. */
static void test_members_that_share_bytes(void **state)
{
    (void)state;
    struct zip zip = make_zip(STORED, false, false, "");
    memcpy(number_of(&zip, ENTRY, 0), zip.file.at + zip.directory_start, zip.entries[1]);
    zip_write(&zip);
    assert_refused("a.npz:k", "member 'k.npy' stands where another one does");
    /* One within the other: a stored member that holds the header of the next one. */
    struct zip inner = {.num_members = 0}, outer = {.num_members = 0};
    const struct bytes q = npy(DICTIONARY("<f8", "(3,)"), 24);
    zip_add(&inner, "q.npy", STORED, &q, false, false);
    zip_add(&outer, "k.npy", STORED, &inner.file, false, false);
    zip_add(&outer, "q.npy", STORED, &q, false, false);
    zip_finish(&outer, false, "");
    change(&outer, ENTRY, 42, 4, 35);
    zip_write(&outer);
    assert_refused("a.npz:q", "member 'q.npy' stands where another one does");
}

static void test_zip64_that_lies(void **state)
{
    (void)state;
    static const struct {
        size_t offset; /* from the end's locator, which 56 bytes stand before */
        int size;
        uint64_t value;
        const char *reason;
    } rows[] = {
        {0, 4, 0, "not where its end says"},
        {4, 4, 1, "in several parts"},
        {8, 8, UINT64_MAX, "its ZIP64 end lies outside of the file"},
        {8, 8, 0, "has no ZIP64 end where it says"},
        {16, 4, 2, "in several parts"},
        {(size_t)-56, 4, 0, "has no ZIP64 end where it says"},
        {(size_t)-52, 8, 45, "has no ZIP64 end where it says"},
        {(size_t)-52, 8, UINT64_MAX, "has no ZIP64 end where it says"},
        {(size_t)-40, 4, 1, "in several parts"},
        {(size_t)-36, 4, 1, "in several parts"},
        {(size_t)-32, 8, 3, "in several parts"},
        {(size_t)-24, 8, 3, "in several parts"},
        {(size_t)-16, 8, UINT64_MAX, "its directory is not where its end says"},
        {(size_t)-8, 8, 0, "its directory is not where its end says"},
        {20 + 8, 4, 0x00010001, "has two ends that contradict each other"},
        {20 + 12, 4, 1, "has two ends that contradict each other"},
        {20 + 16, 4, 1, "has two ends that contradict each other"},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct zip zip = make_zip(STORED, true, false, "");
        for (int i = 0; i < rows[r].size; i++)
            zip.file.at[zip.end - 20 + rows[r].offset + (size_t)i] = (uint8_t)(rows[r].value >> (8 * i));
        zip_write(&zip);
        assert_refused("a.npz:q", rows[r].reason);
    }
    /* What follows a name in the directory: two parts of ZIP64, one that is too short, one that ends too late. */
    static const struct {
        size_t offset;
        int byte;
    } extras[] = {{0, 1}, {9, 2}, {9 + 2, 16}, {9 + 2, 25}};
    for (size_t e = 0; e < COUNT(extras); e++) {
        struct zip zip = make_zip(STORED, true, false, "");
        uint8_t *extra = number_of(&zip, ENTRY, 46 + 5);
        extra[extras[e].offset] = (uint8_t)extras[e].byte;
        if (e == 0)
            extra[1] = 0;
        zip_write(&zip);
        assert_refused("a.npz:q", "has no sizes in the directory");
    }
    /* The directory and a member that are at the ends of numbers. */
    static const uint64_t sizes[] = {UINT64_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1};
    for (size_t s = 0; s < COUNT(sizes); s++)
        for (size_t at = 0; at < 24; at += 8) {
            struct zip zip = make_zip(STORED, true, false, "");
            change(&zip, ENTRY, 46 + 5 + 9 + 4 + at, 8, sizes[s]);
            zip_write(&zip);
            assert_refused("a.npz:q", "member 'q.npy' ");
        }
}

/* Streams that have not what the directory says. */
static void test_streams_that_lie(void **state)
{
    (void)state;
    static const struct {
        const char *shape;
        size_t in_stream, said; /* bytes of elements */
        int packed_more;
        const char *reason;
    } rows[] = {
        {"(8,)", 16, 8, 0, "has more than the"},
        {"(8,)", 4, 8, 0, "has fewer than the 136 bytes that the directory says; allowed: as many as that"},
        {"(65500,)", 65200, 65500, 0, "has fewer than the 65628 bytes"},
        {"(65500,)", 65450, 65500, 0, "has fewer than the 65628 bytes"},
        {"(65500,)", 65508, 65500, 0, "has more than the 65628 bytes"},
        {"(8,)", 8, 8, -1, "ends within its stream"},
        {"(8,)", 8, 8, 1, "has more behind its stream"},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        static struct zip zip;
        char dictionary[96];
        zip = (struct zip){.num_members = 0};
        snprintf(dictionary, sizeof dictionary, "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }",
                 rows[r].shape);
        struct bytes content = {.size = 0};
        bytes_add_npy(&content, 1, dictionary, 0);
        for (size_t i = 0; i < rows[r].in_stream; i++)
            bytes_add_integer(&content, 0, 1);
        size_t said = content.size - rows[r].in_stream + rows[r].said;
        zip_add(&zip, "k.npy", DEFLATED, &content, false, false);
        if (rows[r].packed_more > 0)
            bytes_add(&zip.file, "", 1);
        zip_finish(&zip, false, "");
        zip.entries[1] = zip.entries[0];
        zip.headers[1] = zip.headers[0];
        uint8_t *packed = number_of(&zip, ENTRY, 20);
        uint64_t packed_size = (uint64_t)(packed[0] + packed[1] * 256 + rows[r].packed_more);
        change(&zip, ENTRY, 20, 4, packed_size);
        change(&zip, HEADER, 18, 4, packed_size);
        change(&zip, ENTRY, 24, 4, said);
        change(&zip, HEADER, 22, 4, said);
        zip_write(&zip);
        assert_refused("a.npz:k", rows[r].reason);
    }
}

/* Every byte of a deflated member changed is noticed. */
static void test_damaged_members(void **state)
{
    (void)state;
    static const int methods[] = {STORED, DEFLATED};
    for (size_t m = 0; m < COUNT(methods); m++) {
        struct zip zip = make_zip(methods[m], false, false, "");
        size_t end = zip.directory_start;
        for (size_t at = zip.headers[1] + 35; at < end; at++) {
            struct tensor_file tensor;
            struct error error = {0};
            zip.file.at[at] ^= 0x10;
            zip_write(&zip);
            assert_int_equal(tensor_open(&tensor, "a.npz:q", &error), ERROR_USAGE);
            assert_non_null(strstr(error.text, "a.npz: member 'q.npy'"));
            zip.file.at[at] ^= 0x10;
        }
        zip_write(&zip);
        assert_tensor("a.npz:q", "f64 [3]", 0);
    }
}

static void test_members_that_are_no_tensors(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary, *reason;
        size_t size;
    } rows[] = {
        {DICTIONARY("|O", "(2,)"), "member 'q.npy': its elements are '|O', Python objects", 16},
        {DICTIONARY(">f8", "(2,)"), "member 'q.npy': its elements are '>f8', big-endian", 16},
        {DICTIONARY("<f8", "(3,)"), "member 'q.npy' has 144 bytes; allowed: 152", 16},
        {DICTIONARY("<f8", "(1,)"), "member 'q.npy' has 144 bytes; allowed: 136", 16},
        {DICTIONARY("<f8", "(4294967296, 4294967296)"), "can be counted", 16},
    };
    static const int methods[] = {STORED, DEFLATED};
    for (size_t r = 0; r < COUNT(rows); r++)
        for (size_t m = 0; m < COUNT(methods); m++) {
            struct zip zip = {.num_members = 0};
            const struct bytes content = npy(rows[r].dictionary, rows[r].size), sound = npy(DICTIONARY("|u1", "()"), 1);
            zip_add(&zip, "q.npy", methods[m], &content, false, false);
            zip_add(&zip, "k.npy", methods[m], &sound, false, false);
            zip_finish(&zip, false, "");
            zip_write(&zip);
            assert_refused("a.npz:q", rows[r].reason);
            assert_tensor("a.npz:k", "u8 []", 0); /* which the other one is nothing to */
        }
    struct zip zip = {.num_members = 0};
    const struct bytes text = {"PK\x03\x04 no array", 13}, nothing = {.size = 0};
    zip_add(&zip, "q.npy", STORED, &text, false, false);
    zip_add(&zip, "k.npy", STORED, &nothing, false, false);
    zip_finish(&zip, false, "");
    zip_write(&zip);
    assert_refused("a.npz:q", "member 'q.npy': it is no .npy file");
    assert_refused("a.npz:k", "member 'k.npy': it is no .npy file");
    zip = (struct zip){.num_members = 0};
    zip_add(&zip, "readme.txt", STORED, &text, false, false);
    zip_finish(&zip, false, "");
    zip_write(&zip);
    assert_refused("a.npz", "has no tensor; allowed: what numpy.savez writes");
    zip = (struct zip){.num_members = 0};
    zip_finish(&zip, false, "");
    zip_write(&zip);
    assert_refused("a.npz", "has no tensor");
}

static void test_files_cut_short_anywhere(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        struct zip zip = make_zip(DEFLATED, wide, false, "");
        while (zip.file.size > 0) {
            zip.file.size--;
            zip_write(&zip);
            assert_refused("a.npz:q", "is no .npz file, or ends too early; allowed: what numpy.savez writes");
        }
    }
    /* A file with something before it. */
    struct zip zip = make_zip(STORED, false, false, "");
    struct bytes moved = {"#", 1};
    bytes_add(&moved, zip.file.at, zip.file.size);
    bytes_write(&moved, "a.npz");
    assert_refused("a.npz:q", "its directory is not where its end says");
}

static void test_files_with_a_byte_changed(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        struct zip zip = make_zip(wide ? DEFLATED : STORED, wide, false, "");
        assert_promises("a.npz", &zip.file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_numpy_writes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_a_file_as_a_whole),
        cmocka_unit_test(test_members_in_place),
        cmocka_unit_test(test_large_members),
        cmocka_unit_test(test_numbers_that_lie),
        cmocka_unit_test(test_members_that_share_bytes),
        cmocka_unit_test(test_zip64_that_lies),
        cmocka_unit_test(test_streams_that_lie),
        cmocka_unit_test(test_damaged_members),
        cmocka_unit_test(test_members_that_are_no_tensors),
        cmocka_unit_test(test_files_cut_short_anywhere),
        cmocka_unit_test(test_files_with_a_byte_changed),
    };
    return cmocka_run_group_tests_name("tensor_npz", tests, fixture_set_up, fixture_tear_down) ? 1 : 0;
}
