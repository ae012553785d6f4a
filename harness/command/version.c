#include "harness/command/version.h"

#include <gmp.h>
#include <gnu/libc-version.h>
#include <jansson.h>
#include <libfyaml.h>
#include <libxml/xmlversion.h>
#include <mpfr.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "harness/case/shipped_case.h"
#include "harness/support/build_info.h"

#if __has_include(<cuda_runtime_api.h>)
#include <cuda_runtime_api.h>
#else
#define CUDART_VERSION 0
#endif

#ifdef __AVX2__
#define NEEDS ", needs a CPU with AVX2"
#else
#define NEEDS ""
#endif

static bool is_none(const char *setting)
{
    return strcmp(setting, "none") == 0;
}

static void print_host(FILE *stream)
{
    fprintf(stream, "%s, %s" NEEDS, build_info.arch, build_info.optimize);
    if (!is_none(build_info.sanitizers))
        fprintf(stream, ", sanitizers %s", build_info.sanitizers);
    if (!is_none(build_info.flags))
        fprintf(stream, ", %s", build_info.flags);
    fputc('\n', stream);
}

static void print_cuda(FILE *stream)
{
    if (is_none(build_info.cuda_archs))
        fputs("not compiled in\n", stream);
    else
        fprintf(stream, "architectures %s, PTX for newer GPUs; runtime %d.%d\n", build_info.cuda_archs,
                CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
}

static void print_libraries(FILE *stream)
{
    fprintf(stream, "MPFR %s, GMP %s, jansson %s, libfyaml %s, libxml2 %s, xxHash %u.%u.%u, glibc %s\n",
            mpfr_get_version(), gmp_version, jansson_version_str(), fy_library_version(), LIBXML_DOTTED_VERSION,
            XXH_versionNumber() / 10000, XXH_versionNumber() / 100 % 100, XXH_versionNumber() % 100,
            gnu_get_libc_version());
}

static void print_cases(FILE *stream)
{
    char *folder = shipped_cases_folder();
    fprintf(stream, "%s\n", folder ? folder : "none installed beside the program");
    free(folder);
}

static const struct {
    const char *name;
    void (*print)(FILE *stream);
} facts[] = {
    {"host", print_host},
    {"CUDA", print_cuda},
    {"libraries", print_libraries},
    {"cases", print_cases},
};

void version_print(FILE *stream)
{
    fprintf(stream, "alibicheck %s (%s, %s)\n", build_info.version, build_info.commit, build_info.compiler);
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        fprintf(stream, "  %-10s ", facts[i].name);
        facts[i].print(stream);
    }
}
