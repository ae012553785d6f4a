/*
 * What this GPU's tensor cores make of the sums of mma_made.h and mma_sums.h. Into a folder it writes
 *
 *   mma-f16.bin, mma-bf16.bin  the results' bits as 32-bit words, lowest byte first, NaN as 0x7fffffff: the rows of
 *                              mma_made that the dtype has, mma_made_sums(row) of each, then the DRAWN_BLOCKS *
 *                              DRAWN_BLOCK drawn ones
 *   mma_digests.h              digests of them, which test_fused_sum.c compares the host's model with
 *
 * and on stdout one JSON object a dtype.
 *
 *     make build/kernels/tests/dump_mma && build/kernels/tests/dump_mma FOLDER             (a GPU; seconds)
 */
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "kernels/probe/mma_made.h"
#include "kernels/probe/prober_kernels.h"

static const char *const names[] = {"f16", "bf16"}; /* [dtype] */

static bool failed(cudaError_t code, const char *what)
{
    if (code != cudaSuccess)
        fprintf(stderr, "dump_mma: %s: %s\n", what, cudaGetErrorString(code));
    return code != cudaSuccess;
}

/* results[i] = the GPU's result of sums[i], for i < count. */
static bool run(enum dtype dtype, const struct mma_sum *sums, size_t count, uint32_t *results)
{
    if (failed(prober_sums(dtype, sums, count, results), "sums"))
        return false;
    for (size_t i = 0; i < count; i++)
        results[i] = mma_result(results[i]);
    return true;
}

static uint64_t digest_of(const uint32_t *results, size_t count)
{
    uint64_t digest = MMA_DIGEST_START;
    for (size_t i = 0; i < count; i++)
        digest = mma_digest(digest, results[i]);
    return digest;
}

/* The digests of a dtype. */
struct digests {
    uint64_t made[MADE_ROWS], drawn[DIGESTED_BLOCKS], all_drawn;
};

static bool dump_made(enum dtype dtype, FILE *file, struct digests *digests, size_t *count)
{
    struct mma_sum sums[MADE_MOST_SUMS];
    uint32_t results[MADE_MOST_SUMS];
    *count = 0;
    for (size_t row = 0; row < MADE_ROWS; row++) {
        size_t n = 0;
        for (size_t i = 0; i < mma_made_sums(row); i++)
            n += mma_made_sum(dtype, row, i, &sums[n]);
        if (n && (!run(dtype, sums, n, results) || fwrite(results, sizeof *results, n, file) != n))
            return false;
        digests->made[row] = digest_of(results, n);
        *count += n;
    }
    return true;
}

static bool dump_drawn(enum dtype dtype, FILE *file, struct digests *digests)
{
    size_t count = (size_t)DRAWN_BLOCKS * DRAWN_BLOCK;
    struct mma_sum *sums = (struct mma_sum *)malloc(count * sizeof *sums);
    uint32_t *results = (uint32_t *)malloc(count * sizeof *results);
    bool done = sums && results;
    for (size_t i = 0; done && i < count; i++)
        mma_drawn_sum(dtype, i, &sums[i]);
    done = done && run(dtype, sums, count, results) && fwrite(results, sizeof *results, count, file) == count;
    for (size_t block = 0; done && block < DIGESTED_BLOCKS; block++)
        digests->drawn[block] = digest_of(results + block * DRAWN_BLOCK, DRAWN_BLOCK);
    if (done)
        digests->all_drawn = digest_of(results, count);
    free(sums);
    free(results);
    return done;
}

static FILE *open_in(const char *folder, const char *name, const char *suffix)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);
    FILE *file = length > 0 && (size_t)length < sizeof path ? fopen(path, "wb") : NULL;
    if (!file)
        fprintf(stderr, "dump_mma: %s/%s%s: %s\n", folder, name, suffix, strerror(errno));
    return file;
}

/* Everything of a dtype. */
static bool dump(enum dtype dtype, const char *folder, const char *device, struct digests *digests)
{
    size_t made;
    FILE *file = open_in(folder, dtype == DTYPE_F16 ? "mma-f16" : "mma-bf16", ".bin");
    if (!file)
        return false;
    bool done = dump_made(dtype, file, digests, &made) && dump_drawn(dtype, file, digests);
    if ((fclose(file) != 0) | !done) {
        fprintf(stderr, "dump_mma: mma-%s.bin is not complete\n", names[dtype]);
        return false;
    }
    printf("{\"instruction\":\"mma.sync.aligned.m16n8k16.row.col.f32.%s.%s.f32\",\"device\":\"%s\",\"made\":%zu,"
           "\"drawn\":%d,\"drawn_digest\":\"%016llx\"}\n",
           names[dtype], names[dtype], device, made, DRAWN_BLOCKS * DRAWN_BLOCK,
           (unsigned long long)digests->all_drawn);
    return true;
}

static void write_array(FILE *file, const char *name, const char *count, const uint64_t *first, const uint64_t *second,
                        int length)
{
    fprintf(file, "\nstatic const uint64_t %s[2][%s] = {\n", name, count);
    for (int dtype = 0; dtype < 2; dtype++) {
        const uint64_t *digests = dtype ? second : first;
        for (int i = 0; i < length; i++)
            fprintf(file, "%s0x%016llx%s",
                    i % 5 ? " "
                    : i   ? "\n     "
                          : "    {",
                    (unsigned long long)digests[i], i + 1 < length ? "," : "},\n");
    }
    fprintf(file, "};\n");
}

static bool write_digests(const char *folder, const char *device, const struct digests digests[2])
{
    FILE *file = open_in(folder, "mma_digests", ".h");
    if (!file)
        return false;
    fprintf(file,
            "/* Written by dump_mma: digests of the results of the sums of mma_made.h and mma_sums.h on a GPU, f16's "
            "and bf16's. */\n"
            "/* clang-format off */\n"
            "#include \"kernels/probe/mma_made.h\"\n\n"
            "static const char mma_device[] = \"%s\";\n"
            "\n/* Of all DRAWN_BLOCKS * DRAWN_BLOCK drawn sums. */\n"
            "static const uint64_t mma_all_drawn[2] = {0x%016llx, 0x%016llx};\n"
            "\n/* Of each row of mma_made, that of nothing where a dtype does not have the row; of each block of drawn "
            "sums. */",
            device, (unsigned long long)digests[0].all_drawn, (unsigned long long)digests[1].all_drawn);
    write_array(file, "mma_made_digests", "MADE_ROWS", digests[0].made, digests[1].made, MADE_ROWS);
    write_array(file, "mma_drawn_digests", "DIGESTED_BLOCKS", digests[0].drawn, digests[1].drawn, DIGESTED_BLOCKS);
    bool done = !ferror(file);
    if ((fclose(file) != 0) | !done) {
        fprintf(stderr, "dump_mma: mma_digests.h is not complete\n");
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct digests digests[2];
    struct cudaDeviceProp properties;
    char device[sizeof properties.name + 32];
    if (argc != 2) {
        fprintf(stderr, "usage: dump_mma FOLDER\n");
        return 2;
    }
    if (failed(cudaGetDeviceProperties(&properties, 0), "a GPU"))
        return 3;
    snprintf(device, sizeof device, "%s (sm_%d%d)", properties.name, properties.major, properties.minor);
    for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++)
        if (!dump((enum dtype)dtype, argv[1], device, &digests[dtype]))
            return 3;
    return write_digests(argv[1], device, digests) ? 0 : 3;
}
