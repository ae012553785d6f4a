/*
 * libFuzzer entry for messages of a kernel in another process:
 *     clang -fsanitize=fuzzer,address,undefined ... harness/subject/tests/fuzz_kernel_message.c
 * The first byte chooses which message the others are read as. Whatever they are, it is read or refused with a line.
 */
#include <stdio.h>

#include "harness/subject/tests/message_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum error_kind read_as(int which, struct frame frame, struct error *error)
{
    struct kernel_hello hello;
    struct kernel_result result;
    struct received_launch launch;
    struct launch_fixture fixture;
    if (which == 0)
        return message_read_hello(&hello, frame, error);
    if (which == 1) {
        launch_fixture_make(&fixture);
        return message_read_result(&result, &fixture.sequences, true, frame, error);
    }
    enum error_kind kind = message_read_launch(&launch, frame, error);
    received_launch_clear(&launch);
    return kind;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {.text = ""};
    if (size < 2)
        return 0;
    const struct frame frame = frame_of(data + 1, size - 1);
    if (!frame.bytes)
        return 0;
    enum error_kind kind = read_as(data[0] % 3, frame, &error);
    if (kind != ERROR_NONE && (!error.text[0] || strchr(error.text, '\n'))) {
        fprintf(stderr, "refused without a line: %d '%s'\n", (int)kind, error.text);
        abort();
    }
    return 0;
}
