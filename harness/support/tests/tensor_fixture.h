/*
 * Files that tests of tensors make, in a folder of their own, and what has to hold of those that are refused.
 */
#ifndef HARNESS_SUPPORT_TESTS_TENSOR_FIXTURE_H
#define HARNESS_SUPPORT_TESTS_TENSOR_FIXTURE_H

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/support/tensor_file.h"
#include "harness/support/tests/scratch.h"
#include "harness/support/tests/tensor_promises.h"

enum { FIXTURE_BYTES_MAX = 1 << 17 };
#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Bytes that become a file. */
struct bytes {
    uint8_t at[FIXTURE_BYTES_MAX];
    size_t size;
};

static char fixture_folder[SCRATCH_SIZE];

static inline int fixture_set_up(void **state)
{
    (void)state;
    return scratch_folder(fixture_folder, "test_tensor") && chdir(fixture_folder) == 0 ? 0 : -1;
}

static inline int fixture_remove(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

static inline int fixture_tear_down(void **state)
{
    (void)state;
    return chdir("/") == 0 && nftw(fixture_folder, fixture_remove, 8, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : -1;
}

static inline void bytes_add(struct bytes *bytes, const void *added, size_t size)
{
    assert_true(bytes->size + size <= sizeof bytes->at);
    memcpy(bytes->at + bytes->size, added, size);
    bytes->size += size;
}

/* An integer, little-endian. */
static inline void bytes_add_integer(struct bytes *bytes, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(i < 8 ? value >> (8 * i) : 0);
        bytes_add(bytes, &byte, 1);
    }
}

/* Elements that are their own offsets. */
static inline void bytes_count_up(struct bytes *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes_add_integer(bytes, i & 0xff, 1);
}

/* An .npy with a dictionary, and `size` bytes of elements. */
static inline void bytes_add_npy(struct bytes *bytes, int major, const char *dictionary, size_t size)
{
    size_t start = major == 1 ? 10 : 12, length = strlen(dictionary);
    size_t blanks = 63 - (start + length) % 64; /* and a line break */
    bytes_add(bytes, "\x93NUMPY", 6);
    bytes_add_integer(bytes, (uint64_t)major, 2);
    bytes_add_integer(bytes, length + blanks + 1, major == 1 ? 2 : 4);
    bytes_add(bytes, dictionary, length);
    for (size_t i = 0; i < blanks; i++)
        bytes_add(bytes, " ", 1);
    bytes_add(bytes, "\n", 1);
    bytes_count_up(bytes, size);
}

static inline void bytes_add_safetensors(struct bytes *bytes, const char *header, size_t size)
{
    bytes_add_integer(bytes, strlen(header), 8);
    bytes_add(bytes, header, strlen(header));
    bytes_count_up(bytes, size);
}

/* Makes the file, in place of what is there. (A file that is cut first waits for the disk on ext4.) */
static inline void bytes_write(const struct bytes *bytes, const char *path)
{
    unlink(path);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes->at, bytes->size), bytes->size);
    assert_int_equal(close(descriptor), 0);
}

static inline void write_safetensors(const char *path, const char *header, size_t size)
{
    struct bytes bytes = {.size = 0};
    bytes_add_safetensors(&bytes, header, size);
    bytes_write(&bytes, path);
}

#define HEADER_OF_THREE                                                  \
    "{\"__metadata__\":{\"scale\":\"0.125\",\"axes\":\"H D\"},"          \
    "\"q\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[4,16]}," \
    "\"lse\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"   \
    "\"a:b\":{\"shape\":[0,7],\"data_offsets\":[16,16],\"dtype\":\"F4\"}}  "

#define TENSOR(dtype, shape, offsets) \
    "{\"q\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

/* The lowest descriptor that is free. */
static inline int free_descriptor(void)
{
    int descriptor = dup(0);
    assert_true(descriptor >= 0);
    close(descriptor);
    return descriptor;
}

/* Opening is refused by one printable line that begins with the file's name and has `reason` in it; nothing is left
 * open. */
static inline void assert_refused(const char *name, const char *reason)
{
    struct tensor_file tensor;
    struct error error = {0};
    int before = free_descriptor();
    size_t path_size = strcspn(name, ":");
    if (tensor_open(&tensor, name, &error) != ERROR_USAGE)
        fail_msg("%s is not refused (%s): %s", name, reason, error.text);
    if (strncmp(error.text, name, path_size) != 0 || !strstr(error.text, reason))
        fail_msg("%s: '%s' without '%s'", name, error.text, reason);
    if (!strstr(error.text, "; allowed: ") && !strstr(error.text, ": cannot be opened: "))
        fail_msg("%s: '%s' does not say what is allowed", name, error.text);
    for (const char *c = error.text; *c; c++)
        if ((unsigned char)*c < ' ')
            fail_msg("%s: '%s' is not one printable line", name, error.text);
    tensor_close(&tensor);
    assert_int_equal(free_descriptor(), before);
}

/* With any byte changed, in a bit or to an end of its range, what holds of any file holds of this one
 * (tensor_promises.h). */
static inline void assert_promises(const char *path, struct bytes *bytes)
{
    enum { CHANGES = 10 };
    for (size_t at = 0; at < bytes->size; at++)
        for (int change = 0; change < CHANGES; change++) {
            uint8_t byte = bytes->at[at];
            bytes->at[at] = (uint8_t)(change < 8 ? byte ^ (1 << change) : change == 8 ? 0 : UINT8_MAX);
            bytes_write(bytes, path);
            const char *broken = tensor_promise_broken(path, bytes->at, bytes->size);
            if (broken)
                fail_msg("%s, byte %zu is %d: %s", path, at, bytes->at[at], broken);
            bytes->at[at] = byte;
        }
}

/* Opens what is sound. */
static inline void open_sound(struct tensor_file *tensor, const char *name)
{
    struct error error = {0};
    if (tensor_open(tensor, name, &error) != ERROR_NONE)
        fail_msg("%s is refused: %s", name, error.text);
    assert_int_equal((uintptr_t)tensor->elements % element_types[tensor->layout.type].size_bytes, 0);
}

/* Type and shape as text, and elements that count up from first. */
static inline void assert_tensor(const char *name, const char *layout, int first)
{
    struct tensor_file tensor;
    char text[TENSOR_LAYOUT_TEXT_SIZE];
    open_sound(&tensor, name);
    assert_string_equal(tensor_layout_text(text, &tensor.layout), layout);
    assert_string_equal(tensor.name, name);
    for (int64_t i = 0; i < tensor_layout_bytes(&tensor.layout); i++)
        assert_int_equal(tensor.elements[i], (first + i) & 0xff);
    tensor_close(&tensor);
}

#endif
