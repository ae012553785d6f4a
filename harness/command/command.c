#include "harness/command/command.h"

#define COMMAND_ADDRESS(name) &command_##name,
const struct command *const commands[COMMAND_COUNT] = {COMMANDS(COMMAND_ADDRESS)};
