/*
 * Writes what a GPU's ex2.approx.ftz, rcp.approx.ftz, lg2.approx.ftz, exp2f, expf and __expf return, for models of them
 * to be fitted and proven (function_dump.h has the format): runs of the first three in FOLDER/ex2.dump, rcp.dump and
 * lg2.dump; samples of all binades, and digests of all 2^32 inputs, of all six in FOLDER/all.dump. At most 12 MiB
 * a file. One JSON object a function on stdout.
 *
 *     make build/kernels/tests/dump_functions && build/kernels/tests/dump_functions FOLDER     (a GPU; seconds)
 */
#include <cstdio>
#include <cstdlib>

#include "kernels/probe/function_dump.h"
#include "kernels/probe/functions_cuda.h"

enum { FILE_LIMIT = 12 << 20, THREADS = 256 };

static const char *const names[FUNCTION_COUNT] = FUNCTION_NAMES;

/* Runs, the most important first: one that does not fit into its file is left out. */
struct run {
    enum function function;
    uint32_t first, count;
};

static const struct run runs[] = {
    {FUNCTION_EX2_APPROX, 0x3f800000u, 1 << 23}, /* [1, 2) */
    {FUNCTION_EX2_APPROX, 0x3f000000u, 1 << 23}, /* [1/2, 1) */
    {FUNCTION_EX2_APPROX, 0xbf000000u, 1 << 21}, /* from -1/2 down */
    {FUNCTION_EX2_APPROX, 0xbe800000u, 1 << 18}, /* from -1/4 down, and so on */
    {FUNCTION_EX2_APPROX, 0x3e800000u, 1 << 18}, {FUNCTION_EX2_APPROX, 0xbe000000u, 1 << 18},
    {FUNCTION_EX2_APPROX, 0x3e000000u, 1 << 18}, {FUNCTION_EX2_APPROX, 0xbd800000u, 1 << 18},
    {FUNCTION_EX2_APPROX, 0x3d800000u, 1 << 18}, {FUNCTION_EX2_APPROX, 0xb9800000u, 1 << 18},
    {FUNCTION_EX2_APPROX, 0x39800000u, 1 << 18}, {FUNCTION_RCP_APPROX, 0x3f800000u, 1 << 23}, /* [1, 2) */
    {FUNCTION_RCP_APPROX, 0x3f000000u, 1 << 20}, {FUNCTION_RCP_APPROX, 0xc0000000u, 1 << 20},
    {FUNCTION_RCP_APPROX, 0x7e800000u, 1 << 20}, {FUNCTION_LG2_APPROX, 0x3f800000u, 1 << 23}, /* [1, 2) */
    {FUNCTION_LG2_APPROX, 0x3f000000u, 1 << 23},                                              /* [1/2, 1) */
    {FUNCTION_LG2_APPROX, 0x40000000u, 1 << 21},                                              /* from 2 up */
    {FUNCTION_LG2_APPROX, 0x3e800000u, 1 << 20},                                              /* from 1/4 up */
    {FUNCTION_LG2_APPROX, 0x40800000u, 1 << 19}, {FUNCTION_LG2_APPROX, 0x71800000u, 1 << 19},
};

static bool failed(cudaError_t code, const char *what)
{
    if (code != cudaSuccess)
        fprintf(stderr, "dump_functions: %s: %s\n", what, cudaGetErrorString(code));
    return code != cudaSuccess;
}

static bool refused(const char *path, const char *what)
{
    fprintf(stderr, "dump_functions: %s: ", path);
    perror(what);
    return false;
}

static bool write_section(FILE *file, const char *path, const struct section *section, const void *body)
{
    if (fwrite(section, sizeof *section, 1, file) != 1 || fwrite(body, 1, section->bytes, file) != section->bytes)
        return refused(path, "write");
    return true;
}

/* Everything that the dump works with. */
struct workspace {
    uint32_t *device_results, *results, *unpacked; /* 2^23 */
    unsigned char *packed;
    unsigned long long *device_digests;
    uint64_t digests[DIGEST_BLOCKS];
};

enum { MOST_RESULTS = 1 << 23, MOST_PACKED = MOST_RESULTS / 2 * 11 + 1 };

/* Evaluates, packs, unpacks again and compares, and writes; left_out where the file is full. */
static bool dump_results(struct workspace *work, FILE *file, const char *path, enum section_kind kind, struct run run,
                         uint64_t *written)
{
    evaluate_function<<<1024, THREADS>>>(kind, run.function, run.first, run.count, work->device_results);
    if (failed(cudaGetLastError(), names[run.function]) ||
        failed(
            cudaMemcpy(work->results, work->device_results, run.count * sizeof *work->results, cudaMemcpyDeviceToHost),
            names[run.function]))
        return false;
    size_t bytes = pack_results(kind, work->results, run.count, work->packed);
    if (!unpack_results(kind, work->packed, bytes, work->unpacked, run.count) ||
        memcmp(work->unpacked, work->results, run.count * sizeof *work->results) != 0) {
        fprintf(stderr, "dump_functions: %s from 0x%08x: packed results do not come back\n", names[run.function],
                run.first);
        return false;
    }
    if (*written + sizeof(struct section) + bytes > FILE_LIMIT) {
        fprintf(stderr, "dump_functions: %s from 0x%08x: left out, %zu bytes more than %s may have\n",
                names[run.function], run.first, bytes, path);
        return true;
    }
    uint64_t sum = 0;
    for (uint32_t i = 0; i < run.count; i++)
        sum += result_mix(kind == SECTION_RUN ? run.first + i : sample_input(i), work->results[i]);
    struct section section = {
        SECTION_MAGIC, (uint32_t)kind, (uint32_t)run.function, run.first, run.count, (uint32_t)bytes, sum};
    *written += sizeof section + bytes;
    return write_section(file, path, &section, work->packed);
}

static bool dump_runs(struct workspace *work, FILE *file, const char *path, enum function function)
{
    uint64_t written = 0;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        if (runs[i].function == function && !dump_results(work, file, path, SECTION_RUN, runs[i], &written))
            return false;
    return true;
}

static bool dump_all(struct workspace *work, FILE *file, const char *path, enum function function, uint64_t *written,
                     const struct cudaDeviceProp *properties)
{
    struct run samples = {function, 0, SAMPLES};
    struct section section = {
        SECTION_MAGIC, SECTION_DIGESTS, (uint32_t)function, 0, DIGEST_BLOCKS, sizeof work->digests, 0};
    if (failed(cudaMemset(work->device_digests, 0, sizeof work->digests), names[function]))
        return false;
    digest_function<<<DIGEST_BLOCKS, THREADS>>>(function, 0, work->device_digests);
    if (failed(cudaGetLastError(), names[function]) ||
        failed(cudaMemcpy(work->digests, work->device_digests, sizeof work->digests, cudaMemcpyDeviceToHost),
               names[function]))
        return false;
    for (int i = 0; i < DIGEST_BLOCKS; i++)
        section.digest += work->digests[i];
    *written += sizeof section + section.bytes;
    printf("{\"function\":\"%s\",\"device\":\"%s (sm_%d%d)\",\"digest\":\"0x%016llx\"}\n", names[function],
           properties->name, properties->major, properties->minor, (unsigned long long)section.digest);
    return write_section(file, path, &section, work->digests) &&
           dump_results(work, file, path, SECTION_SAMPLES, samples, written);
}

/* Which file: one for each function that has runs, and the last for all. */
static bool dump_file(struct workspace *work, const char *folder, int which, const struct cudaDeviceProp *properties)
{
    static const char *const files[] = {"ex2.dump", "rcp.dump", "lg2.dump", "all.dump"};
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, files[which]) >= (int)sizeof path) {
        fprintf(stderr, "dump_functions: the folder's name is too long\n");
        return false;
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return refused(path, "open");
    bool ok = true;
    uint64_t written = 0;
    if (which < FUNCTION_EXP2)
        ok = dump_runs(work, file, path, (enum function)which);
    else
        for (int f = 0; ok && f < FUNCTION_COUNT; f++)
            ok = dump_all(work, file, path, (enum function)f, &written, properties);
    return fclose(file) == 0 ? ok : refused(path, "close");
}

int main(int argc, char **argv)
{
    static struct workspace work;
    struct cudaDeviceProp properties;
    if (argc != 2) {
        fprintf(stderr, "usage: dump_functions FOLDER\n");
        return 2;
    }
    work.results = (uint32_t *)malloc(MOST_RESULTS * sizeof *work.results);
    work.unpacked = (uint32_t *)malloc(MOST_RESULTS * sizeof *work.unpacked);
    work.packed = (unsigned char *)malloc(MOST_PACKED);
    if (work.results == NULL || work.unpacked == NULL || work.packed == NULL) {
        fprintf(stderr, "dump_functions: no memory\n");
        return 3;
    }
    if (failed(cudaGetDeviceProperties(&properties, 0), "a GPU") ||
        failed(cudaMalloc(&work.device_results, MOST_RESULTS * sizeof *work.device_results), "memory") ||
        failed(cudaMalloc(&work.device_digests, sizeof work.digests), "memory"))
        return 3;
    for (int which = 0; which <= FUNCTION_EXP2; which++)
        if (!dump_file(&work, argv[1], which, &properties))
            return 3;
    free(work.results);
    free(work.unpacked);
    free(work.packed);
    return failed(cudaFree(work.device_results), "memory") || failed(cudaFree(work.device_digests), "memory") ? 3 : 0;
}
