/*
 * Errors of settings that a command has made of options of its own: "--set seq_len=[1..1k*2]:10: " is said to whom has
 * typed --seq-len 1..1k*2.
 */
#ifndef HARNESS_COMMAND_SETTING_BLAME_H
#define HARNESS_COMMAND_SETTING_BLAME_H

#include "reference/error.h"

/* In each line of the error that blames the setting, "KEY=VALUE", the option in its place, "--seq-len TYPED: ", or
 * "--seq-len: " where typed is NULL. */
void setting_blame_option(struct error *error, const char *setting, const char *typed);

#endif
