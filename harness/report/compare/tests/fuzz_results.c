/*
 * libFuzzer entry for the reader of records and baselines, and what writes baselines:
 *     clang -fsanitize=fuzzer,address,undefined ... harness/report/compare/tests/fuzz_results.c
 * What bytes may do is checked in results_promises.h.
 */
#include "harness/report/compare/tests/results_promises.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *broken = results_promise_broken(data, size);
    if (broken) {
        fprintf(stderr, "%s\n", broken);
        abort();
    }
    return 0;
}
