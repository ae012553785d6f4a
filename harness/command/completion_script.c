/* The scripts that make shells ask `alibicheck completion words` while a line is typed; the program carries them. */
#include <string.h>

#include "harness/command/completion.h"

#define SCRIPT_FILE(shell) "harness/command/completion/alibicheck." #shell

/* script_SHELL: a string. */
#define CARRY(shell)                                          \
    __asm__(".pushsection .rodata\n"                          \
            "script_" #shell ":\n"                            \
            ".incbin \"" SCRIPT_FILE(shell) "\"\n"            \
                                            ".byte 0\n"       \
                                            ".popsection\n"); \
    extern const char script_##shell[];

CARRY(bash)
CARRY(zsh)
CARRY(fish)

static const struct {
    const char *name, *script;
} shells[] = {
    {"bash", script_bash},
    {"zsh", script_zsh},
    {"fish", script_fish},
};

enum { NUM_SHELLS = sizeof shells / sizeof shells[0] };

const char *completion_shell(size_t i)
{
    return i < NUM_SHELLS ? shells[i].name : NULL;
}

const char *completion_script(const char *shell)
{
    for (size_t i = 0; i < NUM_SHELLS; i++)
        if (!strcmp(shells[i].name, shell))
            return shells[i].script;
    return NULL;
}
