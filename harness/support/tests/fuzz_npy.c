/*
 * libFuzzer entry for the reader of .npy headers:
 *     clang -fsanitize=fuzzer,address,undefined ... harness/support/tests/fuzz_npy.c
 * What bytes may do is checked in npy_promises.h, which the tests share.
 */
#include "harness/support/tests/npy_promises.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *broken = npy_promise_broken(data, size);
    if (broken) {
        fprintf(stderr, "%s\n", broken);
        abort();
    }
    return 0;
}
