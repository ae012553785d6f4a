#include "harness/case/recipe_text.h"

#include <stdint.h>

/* RECIPE_FILE is given by the Makefile. */
__asm__(".pushsection .rodata\n"
        "recipe_text_begin:\n"
        ".incbin \"" RECIPE_FILE "\"\n"
        "recipe_text_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char recipe_text_begin[], recipe_text_end[];

const char *recipe_text(size_t *size)
{
    *size = (size_t)((uintptr_t)recipe_text_end - (uintptr_t)recipe_text_begin);
    return recipe_text_begin;
}
