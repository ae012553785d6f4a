#include "harness/command/recorded_calls.h"

#include <string.h>

#include "harness/support/source.h"

static bool is_stated(const struct judge_options *options, enum judge_option option)
{
    return options->values[option];
}

/* One beside run(): the folder that an option says. */
static enum error_kind open_beside(struct recorded_call *call, const struct recorded_calls *calls,
                                   const struct judge_options *options, enum judge_option option,
                                   enum recorded_role role, struct error *error)
{
    char name[JUDGE_NAME_SIZE], path[PATH_QUOTE_SIZE];
    enum error_kind kind = recorded_call_open(call, options->values[option], error);
    if (kind)
        return kind;
    if (call->function->role != role || !recorded_function_kin(call->function, calls->run.function))
        return error_set(error, ERROR_USAGE, "%s %s: is a call of %s; allowed: %.*s.%s",
                         judge_option_name(name, option), quote_path(path, call->folder), call->function->name,
                         (int)strcspn(calls->run.function->name, "."), calls->run.function->name,
                         role == RECORDED_PLAN ? "plan" : "__init__");
    return recorded_call_check_kin(call, &calls->run, error);
}

static enum error_kind open_calls(struct recorded_calls *calls, const struct judge_options *options,
                                  struct error *error)
{
    static const enum judge_option beside[] = {GIVEN_PLAN, GIVEN_INIT};
    char name[JUDGE_NAME_SIZE];
    enum error_kind kind = recorded_call_open(&calls->run, options->exhibit, error);
    if (kind)
        return kind;
    enum recorded_role role = calls->run.function->role;
    if (role == RECORDED_PLAN || role == RECORDED_INIT)
        return recorded_call_refuse(&calls->run, "has no output that is judged",
                                    "the folder of the run() behind it, with that of plan() as --plan and that of "
                                    "__init__ as --init",
                                    error);
    for (int i = 0; i < 2 && role == RECORDED_ALONE; i++)
        if (is_stated(options, beside[i]))
            return error_set(error, ERROR_USAGE, "%s: with a function that has no wrapper; allowed: with a run()",
                             judge_option_name(name, beside[i]));
    if (role == RECORDED_RUN && !is_stated(options, GIVEN_PLAN))
        return recorded_call_refuse(&calls->run, "does not say what its plan() did",
                                    "--plan FOLDER, the last plan() before it of the same self_id", error);
    if (role == RECORDED_RUN)
        kind = open_beside(&calls->plan, calls, options, GIVEN_PLAN, RECORDED_PLAN, error);
    if (!kind && is_stated(options, GIVEN_INIT))
        kind = open_beside(&calls->init, calls, options, GIVEN_INIT, RECORDED_INIT, error);
    return kind;
}

/* forward() of a wrapper gives its own facts to the object, and calls run(), which alone is recorded. */
static enum error_kind refuse_forward(const struct recorded_calls *calls, const struct judge_options *options,
                                      struct error *error)
{
    const struct recorded_call *run = &calls->run;
    const char *words = run->function->forward;
    int expected = 0, named = 0, others = 0;
    if (!words || (is_stated(options, GIVEN_SCALE) && is_stated(options, GIVEN_SLOPES)))
        return ERROR_NONE;
    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t size = strcspn(at, " ");
        for (int i = 0; i < run->num_arguments; i++) {
            const char *name = run->arguments[i].parameter->name;
            named += run->arguments[i].by_name && strlen(name) == size && !memcmp(name, at, size);
        }
        expected++;
        at += size;
    }
    for (int i = 0; i < run->num_arguments; i++)
        others += run->arguments[i].by_name && strcmp(run->arguments[i].parameter->name, "return_lse") != 0;
    if (named != expected || others != expected)
        return ERROR_NONE;
    return recorded_call_refuse(run,
                                "may have been called by forward(), whose sm_scale, pos_encoding_mode, "
                                "logits_soft_cap, window_left and causal are recorded nowhere",
                                "with --scale and --slopes beside it, and a plan() that says the others", error);
}

enum error_kind recorded_calls_open(struct recorded_calls *calls, const struct judge_options *options,
                                    struct error *error)
{
    *calls = (struct recorded_calls){.run = {.folder = NULL}};
    enum error_kind kind = open_calls(calls, options, error);
    return kind ? kind : refuse_forward(calls, options, error);
}

void recorded_calls_close(struct recorded_calls *calls)
{
    recorded_call_close(&calls->run);
    recorded_call_close(&calls->plan);
    recorded_call_close(&calls->init);
}
