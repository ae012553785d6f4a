#include "harness/subject/run_failure.h"

#include <string.h>

const struct run_failure_info run_failures[RUN_FAILURE_COUNT] = {
    [RUN_FAILURE_NONE] = {"none", "ran", "Nothing to change."},
    [RUN_FAILURE_CRASH] =
        {"crash", "was ended by a signal",
         "Run this point alone under a memory checker, as in --kernel-command 'valgrind -q alibicheck "
         "serve FILE.so'."},
    [RUN_FAILURE_EXIT] = {"exit", "ended by itself",
                          "Let it return an error in place of ending: whoever calls it ends with it."},
    [RUN_FAILURE_HANG] =
        {"hang", "did not answer in time",
         "Look for a wait that nothing ends; where it only takes long, --kernel-timeout gives it more."},
    [RUN_FAILURE_REFUSAL] = {"refusal", "returned an error",
                             "Mend what the error says. A problem that the kernel is not made for it had better leave "
                             "out of `takes`: such points are skipped."},
    [RUN_FAILURE_NONSENSE] = {"nonsense", "answered with what is no result",
                              "Write results as the protocol has them (docs/kernels.md), and everything else to "
                              "standard error."},
    [RUN_FAILURE_DEVICE] = {"device", "made the GPU's driver report an error",
                            "Run it under compute-sanitizer on this point."},
    [RUN_FAILURE_LEFTOVER] = {"leftover", "left files open or memory behind, launch for launch",
                              "Close and free what a launch has opened and taken, or keep one of it for all."},
};

enum error_kind run_failed(struct error *error, enum run_failure how)
{
    if (error)
        error->how = (int)how;
    return ERROR_SUBJECT;
}

enum run_failure run_failure_of(const struct error *error)
{
    if (error->kind != ERROR_SUBJECT)
        return RUN_FAILURE_NONE;
    return error->how ? (enum run_failure)error->how : RUN_FAILURE_REFUSAL;
}
