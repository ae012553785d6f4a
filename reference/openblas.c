#include "reference/openblas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * BUFFER_BYTES: BUFFER_SIZE of OpenBLAS 0.3.21 (common_x86_64.h, common_arm64.h: 32 << 22), mapped for each caller and
 * kept. IMAGE_BYTES: what loading maps, 0.3.29 with libgfortran 43 MB. MAX_CALLERS: half of the 128 threads that Debian
 * and Ubuntu build it for; it ends the program where all of its buffers, two a thread, are taken.
 */
enum { BUFFER_BYTES = 32 << 22, IMAGE_BYTES = 64 << 20, SPARE_BYTES = 16 << 20, MAX_CALLERS = 64 };

#define THREADS_VARIABLE "OPENBLAS_NUM_THREADS"
#define CORE_VARIABLE "OPENBLAS_CORETYPE"

/* One a process, as the library itself. */
static struct {
    pthread_once_t once;
    struct openblas blas;
    struct error failure;
    atomic_int buffers; /* that it has been asked for at once, and therefore has */
} library = {.once = PTHREAD_ONCE_INIT};

static const struct {
    const char *name;
    void **function;
} symbols[] = {
    {"cblas_sgemv", (void **)&library.blas.sgemv},
    {"cblas_dgemv", (void **)&library.blas.dgemv},
    {"cblas_sasum", (void **)&library.blas.sasum},
    {"cblas_dasum", (void **)&library.blas.dasum},
};

struct variable {
    const char *name;
    char *before; /* NULL: it was not set */
};

static struct variable set_for_now(const char *name, const char *value)
{
    const char *before = getenv(name);
    struct variable variable = {name, before ? strdup(before) : NULL};
    setenv(name, value, 1);
    return variable;
}

static void set_back(const struct variable *variable)
{
    if (variable->before)
        setenv(variable->name, variable->before, 1);
    else
        unsetenv(variable->name);
    free(variable->before);
}

/* Whether so much address space is left. */
static bool has_room(size_t bytes)
{
    void *mapped = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return mapped != MAP_FAILED && munmap(mapped, bytes) == 0;
}

static void *open_carried(void)
{
    char path[32];
    int file = openblas_carried();
    if (file < 0)
        return NULL;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    close(file);
    return handle;
}

/* With the threads that the library starts by itself set to none. core: whose kernels it is to take, NULL: it chooses.
 */
static void *open_library(const char *core)
{
    struct variable threads = set_for_now(THREADS_VARIABLE, "1"), chosen = {0};
    if (core)
        chosen = set_for_now(CORE_VARIABLE, core);
    void *handle = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!handle && openblas_carried)
        handle = open_carried();
    if (core)
        set_back(&chosen);
    set_back(&threads);
    return handle;
}

static const char *core_of(void *handle)
{
    char *(*corename)(void);
    *(void **)&corename = dlsym(handle, "openblas_get_corename");
    return corename ? corename() : "unknown";
}

const char *openblas_better_core(const char *core)
{
#ifdef __x86_64__
    bool is_for_any = strcmp(core, "Prescott") == 0 || strcmp(core, "Barcelona") == 0;
    if (!is_for_any || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return NULL;
    bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512cd");
    return has_avx512 ? "SkylakeX" : "Haswell";
#else
    (void)core;
    return NULL;
#endif
}

static void *open_for_this_cpu(void)
{
    void *handle = open_library(NULL);
    const char *better = handle ? openblas_better_core(core_of(handle)) : NULL;
    if (!better || getenv(CORE_VARIABLE))
        return handle;
    dlclose(handle);
    return open_library(better);
}

/* OpenBLAS 0.3.29 takes a buffer as it is loaded, and asks again for ever where that is refused, deaf to signals. */
static void load(void)
{
    if (!has_room(IMAGE_BYTES + BUFFER_BYTES + SPARE_BYTES)) {
        error_memory(&library.failure, "OpenBLAS", IMAGE_BYTES + BUFFER_BYTES + SPARE_BYTES);
        return;
    }
    void *handle = open_for_this_cpu();
    if (!handle) {
        error_set(&library.failure, ERROR_SYSTEM,
                  "a conventional reference needs OpenBLAS (Debian package: libopenblas0): %s", dlerror());
        return;
    }
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++)
        if (!(*symbols[i].function = dlsym(handle, symbols[i].name))) {
            error_set(&library.failure, ERROR_SYSTEM,
                      "a conventional reference needs OpenBLAS (Debian package: libopenblas0): %s", dlerror());
            return;
        }
    library.blas.core = core_of(handle);
    /* Where the program that this is part of has loaded it before, it has threads. */
    void (*set_num_threads)(int);
    *(void **)&set_num_threads = dlsym(handle, "openblas_set_num_threads");
    if (set_num_threads)
        set_num_threads(1);
}

enum error_kind openblas_load(const struct openblas **blas, struct error *error)
{
    pthread_once(&library.once, load);
    *blas = &library.blas;
    return library.failure.kind ? error_set(error, library.failure.kind, "%s", library.failure.text) : ERROR_NONE;
}

enum error_kind openblas_callers(int *callers, int threads, struct error *error)
{
    void *mapped[MAX_CALLERS];
    int wanted = threads < MAX_CALLERS ? threads : MAX_CALLERS, have = atomic_load(&library.buffers), count = 0;
    while (have + count < wanted) {
        size_t bytes = BUFFER_BYTES + (count == 0 ? SPARE_BYTES : 0); /* for what else is allocated meanwhile */
        mapped[count] = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped[count] == MAP_FAILED)
            break;
        count++;
    }
    for (int i = 0; i < count; i++)
        munmap(mapped[i], BUFFER_BYTES + (i == 0 ? SPARE_BYTES : 0));
    if (count > 0)
        atomic_store(&library.buffers, have + count);
    *callers = have + count < wanted ? have + count : wanted;
    return *callers > 0 ? ERROR_NONE : error_memory(error, "OpenBLAS", BUFFER_BYTES + SPARE_BYTES);
}
