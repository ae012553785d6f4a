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

/* dlopen with the threads that the library starts by itself set to none. */
static void *open_without_threads(const char *name)
{
    const char *set = getenv(THREADS_VARIABLE);
    char *before = set ? strdup(set) : NULL;
    setenv(THREADS_VARIABLE, "1", 1);
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (before)
        setenv(THREADS_VARIABLE, before, 1);
    else
        unsetenv(THREADS_VARIABLE);
    free(before);
    return handle;
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
    void *handle = open_without_threads(path);
    close(file);
    return handle;
}

/* OpenBLAS 0.3.29 takes a buffer as it is loaded, and asks again for ever where that is refused, deaf to signals. */
static void load(void)
{
    if (!has_room(IMAGE_BYTES + BUFFER_BYTES + SPARE_BYTES)) {
        error_memory(&library.failure, "OpenBLAS", IMAGE_BYTES + BUFFER_BYTES + SPARE_BYTES);
        return;
    }
    void *handle = open_without_threads("libopenblas.so.0");
    if (!handle && openblas_carried)
        handle = open_carried();
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
