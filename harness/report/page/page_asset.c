#include "harness/report/page/page_asset.h"

#include <stdint.h>

__asm__(".pushsection .rodata\n"
        "page_style_begin:\n"
        ".incbin \"harness/report/page/page.css\"\n"
        "page_style_end:\n"
        ".byte 0\n"
        "page_script_begin:\n"
        ".incbin \"harness/report/page/page.js\"\n"
        "page_script_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char page_style_begin[], page_style_end[], page_script_begin[], page_script_end[];

const char *page_style(size_t *size)
{
    *size = (size_t)((uintptr_t)page_style_end - (uintptr_t)page_style_begin);
    return page_style_begin;
}

const char *page_script(size_t *size)
{
    *size = (size_t)((uintptr_t)page_script_end - (uintptr_t)page_script_begin);
    return page_script_begin;
}
