#include "kernels/tests/fake_gpu_keys.h"

#include "kernels/tests/fake_gpu_memory.h"

enum { THREADS = 1000 }; /* of which a row's lanes are no multiple */

static bool is_aligned(const void *address, size_t alignment)
{
    return (uintptr_t)address % alignment == 0;
}

static bool made_are_sound(const struct made_elements *made, const void *memory)
{
    size_t size = (size_t)narrowed_bytes(made->source.dtype);
    if (made->runs == 0 || made->run == 0 || (made->first | made->begin | made->run | made->stride) % LANE_DIMS != 0)
        return false;
    const char *first = (const char *)memory + made->begin * size;
    return is_aligned(memory, 16) && fake_memory_holds(first, ((made->runs - 1) * made->stride + made->run) * size);
}

static bool blocks_are_sound(const struct block_rows *blocks, const uint64_t *sums)
{
    if (blocks->num_blocks == 0 || blocks->row_words == 0)
        return false;
    uint64_t last = blocks->first_word + blocks->num_blocks * (BLOCK_BYTES / 8) - 1;
    uint64_t words = last / blocks->row_words * blocks->stride_words + last % blocks->row_words + 1;
    return is_aligned(blocks->rows, 8) && is_aligned(sums, 8) && fake_memory_holds(blocks->rows, words * 8) &&
           fake_memory_holds(sums, blocks->num_blocks * DIGEST_LANES * sizeof *sums);
}

static bool maxima_are_sound(const struct row_maxima *find, const uint32_t *maxima)
{
    const uint64_t row_bytes = find->row_words * sizeof *maxima;
    return find->row_words > 0 && find->num_groups > 0 && find->num_groups <= find->num_rows &&
           is_aligned(find->rows, 4) && is_aligned(maxima, 4) &&
           fake_memory_holds(find->rows, find->num_rows * row_bytes) &&
           fake_memory_holds(maxima, find->num_groups * row_bytes) &&
           (!find->visible || fake_memory_holds(find->visible, find->num_rows));
}

bool fake_gpu_keys_are_sound(const struct fake_key_work *work)
{
    return work->memory ? made_are_sound(&work->made, work->memory)
           : work->sums ? blocks_are_sound(&work->blocks, work->sums)
                        : maxima_are_sound(&work->find, work->maxima);
}

void fake_gpu_work_on_keys(const struct fake_key_work *work)
{
    for (uint64_t thread = 0; thread < THREADS; thread++) {
        if (work->memory)
            make_elements_in(&work->made, normal_coefficients, work->memory, thread, THREADS);
        else if (work->sums)
            sum_blocks_in(&work->blocks, digest_secret, work->sums, thread, THREADS);
        else
            find_row_maxima(&work->find, work->maxima, thread, THREADS);
    }
}
