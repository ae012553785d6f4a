/*
 * A kernel in C++ as a plug-in: decode attention over a paged KV cache, split into parts that are merged, with grouped
 * heads, several queries, batches and lse, in f32 and bf16, on the CPU. It has the parts that one on a GPU has: the page
 * table, a partial result for each part in the launch's workspace, and the merge.
 *
 *     c++ -std=c++17 -O2 -shared -fPIC $(pkg-config --cflags alibicheck) paged.cpp -o paged.so
 *     alibicheck run gauntlet --plugin ./paged.so --quiet
 */
#include <alibicheck_kernel.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <limits>

namespace {

using Launch = alibicheck_kernel_launch;

constexpr int kPartKeys = 128, kPartsMax = 64;

// ---- types ------------------------------------------------------------------------------------------------------------
struct Bf16 {
    uint16_t bits;
};

float load(float number) { return number; }

float load(Bf16 number)
{
    const uint32_t bits = uint32_t{number.bits} << 16;
    float loaded;
    std::memcpy(&loaded, &bits, sizeof loaded);
    return loaded;
}

void store(float number, float *place) { *place = number; }

void store(float number, Bf16 *place) // to the nearest, of two the even one
{
    uint32_t bits;
    std::memcpy(&bits, &number, sizeof bits);
    const bool nan = std::isnan(number);
    place->bits = uint16_t(nan ? 0x7fc0 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// ---- a part of the keys -----------------------------------------------------------------------------------------------
// Where a partial result lies in the workspace: its maximum, its sum of weights, and head_dim weighted sums of v.
struct Partial {
    float *max, *sum, *values;
    Partial(const Launch &launch, int part)
        : max(static_cast<float *>(launch.workspace) + ptrdiff_t(part) * (launch.head_dim + 2)), sum(max + 1), values(max + 2)
    {
    }
};

// The slots of sequence i that hold its keys, for the KV head g. Offsets are of 64 bits: pools are large.
template <typename T> struct Cache {
    const Launch &launch;
    int i, g;

    const T *slot(const void *pages, int64_t page_stride, int64_t key_stride, int64_t head_stride, int64_t key) const
    {
        const int64_t page = launch.block_table[int64_t(i) * launch.max_pages + key / launch.page_size];
        return static_cast<const T *>(pages) + page * page_stride + key % launch.page_size * key_stride + g * head_stride;
    }
    const T *k(int64_t key) const
    {
        const alibicheck_kernel_strides &of = launch.strides[i];
        return slot(launch.k_pages, launch.k_page, of.k_key, of.k_head, key);
    }
    const T *v(int64_t key) const
    {
        const alibicheck_kernel_strides &of = launch.strides[i];
        return slot(launch.v_pages, launch.v_page, of.v_key, of.v_head, key);
    }
};

// Keys first <= j < end, in one pass with a running maximum. An empty part has the maximum -inf and the sum 0.
template <typename T>
void attend(const Launch &launch, const Cache<T> &cache, const T *q, float slope, int64_t position, int64_t first, int64_t end,
            Partial partial)
{
    float max = -std::numeric_limits<float>::infinity(), sum = 0;
    std::fill_n(partial.values, launch.head_dim, 0.0f);
    for (int64_t j = first; j < end; j++) {
        const T *k = cache.k(j), *v = cache.v(j);
        float dot = 0;
        for (int d = 0; d < launch.head_dim; d++)
            dot += load(q[d]) * load(k[d]);
        const float logit = dot * launch.scale + slope * float(j - position);
        const float greatest = std::max(max, logit), shrink = std::exp(max - greatest), weight = std::exp(logit - greatest);
        sum = sum * shrink + weight;
        for (int d = 0; d < launch.head_dim; d++)
            partial.values[d] = partial.values[d] * shrink + weight * load(v[d]);
        max = greatest;
    }
    *partial.max = max;
    *partial.sum = sum;
}

// ---- a row: its parts, and their merge --------------------------------------------------------------------------------
template <typename T> void merge(const Launch &launch, int parts, T *out, float *lse)
{
    float max = -std::numeric_limits<float>::infinity(), sum = 0;
    for (int p = 0; p < parts; p++)
        max = std::max(max, *Partial(launch, p).max);
    for (int p = 0; p < parts; p++)
        if (*Partial(launch, p).sum > 0)
            sum += *Partial(launch, p).sum * std::exp(*Partial(launch, p).max - max);
    for (int d = 0; d < launch.head_dim; d++) {
        float value = 0;
        for (int p = 0; p < parts; p++)
            if (*Partial(launch, p).sum > 0)
                value += Partial(launch, p).values[d] * std::exp(*Partial(launch, p).max - max);
        store(sum > 0 ? value / sum : 0.0f, &out[d]);
    }
    *lse = sum > 0 ? max + std::log(sum) : -std::numeric_limits<float>::infinity();
}

template <typename T> void run(const Launch &launch)
{
    for (int i = 0; i < launch.num_sequences; i++) {
        const alibicheck_kernel_sequence &sequence = launch.sequences[i];
        for (int row = 0; row < launch.num_queries * launch.num_heads; row++) {
            const int query = row / launch.num_heads, h = row % launch.num_heads;
            const Cache<T> cache{launch, i, h / (launch.num_heads / launch.num_kv_heads)};
            const int64_t behind = launch.num_queries - 1 - query; // queries, whose keys this one does not see
            const int64_t keys = std::max<int64_t>(0, sequence.seq_len - behind);
            const int64_t position = sequence.q_position - behind - sequence.kv_offset;
            const T *q = static_cast<const T *>(sequence.q) + ptrdiff_t(row) * launch.head_dim;
            const int parts = int(std::clamp<int64_t>((keys + kPartKeys - 1) / kPartKeys, 1, kPartsMax));
            const int64_t length = (keys + parts - 1) / parts;
            for (int p = 0; p < parts; p++)
                attend(launch, cache, q, launch.slopes[h], position, std::min(keys, p * length), std::min(keys, (p + 1) * length),
                       Partial(launch, p));
            merge(launch, parts, static_cast<T *>(sequence.out) + ptrdiff_t(row) * launch.head_dim, &sequence.lse[row]);
        }
    }
}

// ---- what alibicheck calls --------------------------------------------------------------------------------------------
uint64_t workspace_bytes(void *, const Launch *launch)
{
    return uint64_t(kPartsMax) * uint64_t(launch->head_dim + 2) * sizeof(float);
}

// No exception may leave it: what is wrong is told.
int32_t launch(void *, const Launch *launch, char *text, uint64_t text_size)
{
    try {
        launch->dtype == ALIBICHECK_KERNEL_F32 ? run<float>(*launch) : run<Bf16>(*launch);
        return 0;
    } catch (const std::exception &failure) {
        std::snprintf(text, text_size, "%s", failure.what());
        return 1;
    }
}

alibicheck_kernel describe()
{
    alibicheck_kernel kernel{};
    kernel.abi = ALIBICHECK_KERNEL_ABI;
    kernel.takes = ALIBICHECK_KERNEL_F32 | ALIBICHECK_KERNEL_BF16 | ALIBICHECK_KERNEL_GQA | ALIBICHECK_KERNEL_QUERIES |
                   ALIBICHECK_KERNEL_BATCH | ALIBICHECK_KERNEL_ALIBI | ALIBICHECK_KERNEL_POSITION | ALIBICHECK_KERNEL_LSE |
                   ALIBICHECK_KERNEL_SAME_BITS | ALIBICHECK_KERNEL_PAGES | ALIBICHECK_KERNEL_ONLY_PAGES;
    kernel.name = "paged";
    kernel.about = "paged, split, in C++";
    kernel.arithmetic = "f32";
    kernel.launch = launch;
    kernel.workspace_bytes = workspace_bytes;
    return kernel;
}

} // namespace

extern "C" const alibicheck_kernel *alibicheck_kernel_describe(uint32_t abi)
{
    static const alibicheck_kernel kernel = describe();
    return abi >= ALIBICHECK_KERNEL_ABI ? &kernel : nullptr;
}
