#include "harness/support/build_info.h"

/* BUILD_FILE is written by the Makefile: VERSION, COMMIT, its DATE and the settings, "" where one is not set. */
#include BUILD_FILE

#define TEXT_OF(number) #number
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

/* clang says that it is a gcc, too. */
#ifdef __clang__
#define COMPILER "clang " VERSION_TEXT(__clang_major__, __clang_minor__, __clang_patchlevel__)
#else
#define COMPILER "gcc " VERSION_TEXT(__GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__)
#endif

#define OR(text, otherwise) (sizeof(text) > 1 ? (text) : (otherwise))

const struct build_info build_info = {
    .version = VERSION,
    .commit = COMMIT,
    .date = DATE,
    .compiler = COMPILER,
    .optimize = OPTIMIZE,
    .arch = OR(ARCH, "default"),
    .sanitizers = OR(SANITIZERS, "none"),
    .cuda_archs = OR(CUDA_ARCHS, "none"),
    .flags = OR(FLAGS, "none"),
    .changes = OR(CHANGES, "none"),
};
