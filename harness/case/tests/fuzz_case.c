/*
 * libFuzzer entry for the reader of case files:
 *     clang -fsanitize=fuzzer,address,undefined ... harness/case/tests/fuzz_case.c
 * What a text may do is checked in case_promises.h, which the mutation test shares.
 */
#include "harness/case/tests/case_promises.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *broken = case_promise_broken((const char *)data, size);
    if (broken) {
        fprintf(stderr, "%s\n", broken);
        abort();
    }
    return 0;
}
