#include "harness/command/foreign_parser.h"

#include "harness/command/options.h"

enum { OPTION_PLUGIN = 1024, OPTION_KERNEL_COMMAND, OPTION_KERNEL_TIMEOUT, OPTION_KERNEL_PIPES };

static const struct argp_option option_table[] = {
    {"plugin", OPTION_PLUGIN, "FILE.so", 0,
     "run your own kernel in place of those that cases name: a shared library made with alibicheck_kernel.h, in a "
     "process of its own",
     1},
    {"kernel-command", OPTION_KERNEL_COMMAND, "CMD", 0,
     "run your own kernel: a program in any language that answers launches over its standard input and output "
     "(docs/kernels.md)",
     1},
    {"kernel-pipes", OPTION_KERNEL_PIPES, "TO,FROM", 0,
     "run your own kernel: whoever is at the other ends of two pipes that this process has inherited", 1},
    {"kernel-timeout", OPTION_KERNEL_TIMEOUT, "TIME", 0,
     "for a launch of your own kernel; what takes longer has failed (60s)", 1},
    {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct foreign_options *options = state->input;
    switch (key) {
    case OPTION_PLUGIN:
        option_text(&options->plugin, option_table, key, argument, state);
        return 0;
    case OPTION_KERNEL_COMMAND:
        option_text(&options->command, option_table, key, argument, state);
        return 0;
    case OPTION_KERNEL_PIPES:
        option_text(&options->pipes, option_table, key, argument, state);
        return 0;
    case OPTION_KERNEL_TIMEOUT:
        option_once(options->timeout_s > 0, option_table, key, argument, state);
        options->timeout_s = parse_time("kernel-timeout", argument, state);
        return 0;
    case ARGP_KEY_END:
        if (!!options->plugin + !!options->command + !!options->pipes > 1)
            argp_error(state, "--plugin, --kernel-command and --kernel-pipes: allowed: one of them");
        if (options->timeout_s > 0 && !foreign_is_asked(options))
            argp_error(state, "--kernel-timeout: is of --plugin and --kernel-command");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp foreign_parser = {option_table, parse_option, NULL, NULL, NULL, NULL, NULL};

void foreign_check_resume(const struct foreign_options *options, bool resume, bool any_build,
                          const struct argp_state *state)
{
    if (any_build && !resume)
        argp_error(state, "--any-build: is of records that --resume keeps");
    if (resume && !any_build && foreign_is_asked(options) && !options->plugin) /* whose file is known by its digest */
        argp_error(state, "--resume: nobody knows whether the kernel is still the one that made the records; "
                          "allowed: with --any-build, which keeps them all the same");
}
