/*
 * The OpenBLAS that the program of `make portable` carries: what is used of it as a shared library, packed by xz
 * (OPENBLAS_FILE, which scripts/make-portable makes). It is loaded where the machine has none, from memory.
 */
#include <lzma.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "reference/openblas.h"

__asm__(".section .rodata\n"
        ".balign 16\n"
        "openblas_packed:\n"
        ".incbin \"" OPENBLAS_FILE "\"\n"
        "openblas_packed_end:\n"
        ".byte 0\n"
        ".previous\n");

extern const uint8_t openblas_packed[], openblas_packed_end[];

static bool write_all(int file, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static bool unpack(int file)
{
    static uint8_t block[1 << 16]; /* openblas_load runs this once */
    lzma_stream stream = LZMA_STREAM_INIT;
    lzma_ret result = lzma_stream_decoder(&stream, UINT64_MAX, 0);
    bool complete = result == LZMA_OK;
    stream.next_in = openblas_packed;
    stream.avail_in = (size_t)(openblas_packed_end - openblas_packed);
    while (complete && result == LZMA_OK) {
        stream.next_out = block;
        stream.avail_out = sizeof block;
        result = lzma_code(&stream, LZMA_FINISH);
        complete =
            (result == LZMA_OK || result == LZMA_STREAM_END) && write_all(file, block, sizeof block - stream.avail_out);
    }
    lzma_end(&stream);
    return complete;
}

int openblas_carried(void)
{
    int file = memfd_create("libopenblas.so.0", MFD_CLOEXEC);
    if (file >= 0 && !unpack(file)) {
        close(file);
        file = -1;
    }
    return file;
}
