#include "kernels/tests/fake_gpu_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, GAP = PAGE, DIRTY_BYTES = 1 << 17 };

struct block {
    char *first;
    size_t size_bytes;
};

static size_t memory_bytes = (size_t)4 << 30;
static char *memory;         /* [memory_bytes] */
static struct block *blocks; /* by address */
static size_t num_blocks, used_bytes;

static bool have_memory(void)
{
    if (memory)
        return true;
    const char *bytes = getenv("FAKE_GPU_BYTES");
    if (bytes)
        memory_bytes = strtoull(bytes, NULL, 10);
    void *mapped = mmap(NULL, memory_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    memory = mapped == MAP_FAILED ? NULL : mapped;
    if (memory)
        (void)madvise(memory, memory_bytes, MADV_HUGEPAGE); /* of which few are opened and closed */
    return memory != NULL;
}

void fake_memory_open(bool open)
{
    if (memory && mprotect(memory, memory_bytes, open ? PROT_READ | PROT_WRITE : PROT_NONE))
        abort();
}

bool fake_memory_has(const void *address)
{
    const char *at = address;
    return memory && at >= memory && at < memory + memory_bytes;
}

bool fake_memory_holds(const void *address, size_t size_bytes)
{
    const char *at = address;
    for (size_t i = 0; i < num_blocks; i++)
        if (at >= blocks[i].first && at <= blocks[i].first + blocks[i].size_bytes)
            return size_bytes <= (size_t)(blocks[i].first + blocks[i].size_bytes - at);
    return false;
}

/* What nobody has written: the ends of it, where it is large. Of the rest the memory is given back. */
static void dirty(const struct block *block)
{
    size_t count = block->size_bytes < DIRTY_BYTES ? block->size_bytes : DIRTY_BYTES;
    if (madvise(block->first, block->size_bytes, MADV_DONTNEED))
        abort();
    fake_memory_open(true);
    memset(block->first, 0xcd, count);
    memset(block->first + block->size_bytes - count, 0xcd, count);
    fake_memory_open(false);
}

void *fake_memory_allocate(size_t size_bytes)
{
    size_t place = 0;
    if (!have_memory())
        return NULL;
    char *first = memory;
    while (place < num_blocks && (size_t)(blocks[place].first - first) < size_bytes + GAP) {
        first = blocks[place].first + (blocks[place].size_bytes + GAP + PAGE - 1) / PAGE * PAGE;
        place++;
    }
    if (first > memory + memory_bytes || (size_t)(memory + memory_bytes - first) < size_bytes)
        return NULL;
    struct block *more = realloc(blocks, (num_blocks + 1) * sizeof *blocks);
    if (!more)
        return NULL;
    blocks = more;
    memmove(blocks + place + 1, blocks + place, (num_blocks - place) * sizeof *blocks);
    blocks[place] = (struct block){first, size_bytes};
    num_blocks++;
    used_bytes += size_bytes;
    dirty(&blocks[place]);
    return first;
}

bool fake_memory_release(void *address)
{
    for (size_t i = 0; i < num_blocks; i++)
        if (blocks[i].first == address) {
            dirty(&blocks[i]);
            used_bytes -= blocks[i].size_bytes;
            memmove(blocks + i, blocks + i + 1, (--num_blocks - i) * sizeof *blocks);
            return true;
        }
    return false;
}

size_t fake_memory_bytes(void)
{
    return have_memory() ? memory_bytes : 0;
}

size_t fake_memory_left(void)
{
    return have_memory() ? memory_bytes - used_bytes : 0;
}
