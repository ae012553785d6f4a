#include <unistd.h>

#include "harness/command/command.h"
#include "harness/command/options.h"
#include "harness/command/serve.h"

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    const char **path = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*path)
            argp_error(state, "%s: a second plug-in; allowed: one", argument);
        *path = argument;
        return 0;
    case ARGP_KEY_END:
        if (!*path)
            argp_error(state, "there is no plug-in; allowed: a shared library, as `run --plugin` takes it");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp *serve_parser(void)
{
    static const struct argp parser = {
        .parser = parse_option,
        .args_doc = "FILE.so",
        .doc =
            "Answer launches for a plug-in: read them from standard input, call the kernel, write results to standard "
            "output, until there are no more. `run --plugin FILE.so` starts this by itself; beside it, it lets a "
            "plug-in run elsewhere."
            "\vExample:\n"
            "  alibicheck run cases/seed --kernel-command 'ssh gpu-box alibicheck serve ./libmine.so'\n\n"
            "What is written on the pipes is described in docs/kernels.md. Exit code: 0 when standard input ends, 2 "
            "for what is no plug-in, 3 system failure.",
    };
    return &parser;
}

static int serve_command(int argc, char **argv, struct error *error)
{
    const char *path = NULL;
    options_parse(serve_parser(), argc, argv, &path);
    return (int)serve(path, error);
}

const struct command command_serve = {
    .name = "serve",
    .about = "answer launches for a plug-in, over standard input and output",
    .parser = serve_parser,
    .run = serve_command,
};
