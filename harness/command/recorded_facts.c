#include "harness/command/recorded_facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/support/source.h"

const struct recorded_facts recorded_facts_default = {.scale = NAN, .factor = 1, .v_factor = 1};

static enum error_kind refuse(const struct recorded_call *call, const struct recorded_argument *argument,
                              const char *what, const char *allowed, struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s: its %s %s; allowed: %s", quote_path(path, call->folder),
                     argument->parameter->name, what, allowed);
}

/* Of a number in JSON; a tensor, or another thing, is none. */
static bool is_number(double *number, const struct recorded_argument *argument)
{
    if (!json_is_number(argument->value))
        return false;
    *number = json_number_value(argument->value);
    return true;
}

static bool is_text(const struct recorded_argument *argument, const char *text)
{
    return json_is_string(argument->value) && !strcmp(json_string_value(argument->value), text);
}

/* None is what is left out: the other call's, or nothing. */
static bool is_none(const struct recorded_argument *argument)
{
    return json_is_null(argument->value);
}

static bool is_off(const struct recorded_argument *argument)
{
    double number = 1;
    return json_is_false(argument->value) || (is_number(&number, argument) && number == 0);
}

/* Multiplies a factor, unless an option states the whole. */
static enum error_kind take_factor(double *factor, const struct recorded_call *call,
                                   const struct recorded_argument *argument, bool stated, const char *allowed,
                                   struct error *error)
{
    double number;
    if (stated)
        return ERROR_NONE;
    if (!is_number(&number, argument))
        return refuse(call, argument, "is no number", allowed, error);
    *factor *= number;
    return ERROR_NONE;
}

static enum error_kind take_layout(struct recorded_facts *facts, const struct recorded_call *call,
                                   const struct recorded_argument *argument, struct error *error)
{
    if (!is_text(argument, "NHD") && !is_text(argument, "HND"))
        return refuse(call, argument, "is neither NHD nor HND", "those", error);
    facts->layout = json_string_value(argument->value);
    return ERROR_NONE;
}

static enum error_kind take_encoding(struct recorded_facts *facts, const struct recorded_call *call,
                                     const struct recorded_argument *argument, struct error *error)
{
    facts->alibi = is_text(argument, "ALIBI");
    return facts->alibi || is_text(argument, "NONE")
               ? ERROR_NONE
               : refuse(call, argument, "is neither NONE nor ALIBI", "those: keys are not rotated here", error);
}

static enum error_kind take_causal(struct recorded_facts *facts, const struct recorded_call *call,
                                   const struct recorded_argument *argument, struct error *error)
{
    if (!json_is_boolean(argument->value))
        return refuse(call, argument, "is neither True nor False", "those", error);
    facts->causal = json_is_true(argument->value);
    return ERROR_NONE;
}

static enum error_kind take_base(struct recorded_facts *facts, const struct recorded_call *call,
                                 const struct recorded_argument *argument, struct error *error)
{
    facts->natural_lse = is_text(argument, "ln");
    return facts->natural_lse || is_text(argument, "log2")
               ? ERROR_NONE
               : refuse(call, argument, "is neither log2 nor ln", "those", error);
}

static enum error_kind take_page_size(struct recorded_facts *facts, const struct recorded_call *call,
                                      const struct recorded_argument *argument, struct error *error)
{
    facts->page_size = json_integer_value(argument->value); /* 0: it is no whole number */
    return facts->page_size > 0 ? ERROR_NONE
                                : refuse(call, argument, "is no whole number from 1 on", "the keys of a page", error);
}

static enum error_kind take_cap(struct recorded_facts *facts, const struct recorded_call *call,
                                const struct recorded_argument *argument, bool stated, struct error *error)
{
    double cap;
    if (stated)
        return ERROR_NONE;
    if (!is_number(&cap, argument))
        return refuse(call, argument, "is no number", "a number, or None", error);
    facts->soft_cap = cap > 0 ? cap : 0;
    return ERROR_NONE;
}

static enum error_kind take(struct recorded_facts *facts, const struct recorded_call *call,
                            const struct recorded_argument *argument, const char *const *stated, struct error *error)
{
    const struct recorded_parameter *parameter = argument->parameter;
    double number = NAN;
    switch (parameter->kind) {
    case RECORDED_HARMLESS:
    case RECORDED_CACHE:
        return ERROR_NONE;
    case RECORDED_TENSOR:
        return argument->value ? refuse(call, argument, "is no tensor", "a tensor", error) : ERROR_NONE;
    case RECORDED_LAYOUT:
        return take_layout(facts, call, argument, error);
    case RECORDED_ENCODING:
        return take_encoding(facts, call, argument, error);
    case RECORDED_SCALE:
        facts->scale = 1;
        return take_factor(&facts->scale, call, argument, stated[GIVEN_SCALE],
                           "a number, or None; or --scale beside it", error);
    case RECORDED_FACTOR:
        return take_factor(&facts->factor, call, argument,
                           stated[GIVEN_SCALE] ||
                               (parameter->option != GIVEN_OPTION_COUNT && stated[parameter->option]),
                           "a number, or None; or the whole --scale beside it", error);
    case RECORDED_V_FACTOR:
        return take_factor(&facts->v_factor, call, argument, stated[GIVEN_V_SCALE],
                           "a number, or None; or --v-scale beside it", error);
    case RECORDED_ONE:
        return is_number(&number, argument) && number == 1
                   ? ERROR_NONE
                   : refuse(call, argument, "is not 1", "1, or None; else name its tensors with --q, --k, --v, --out",
                            error);
    case RECORDED_WINDOW:
        facts->window = facts->window || !is_number(&number, argument) || number != -1;
        return ERROR_NONE;
    case RECORDED_WINDOW_RIGHT:
        return is_off(argument) ? ERROR_NONE : refuse(call, argument, "is not 0", "0, which is causal", error);
    case RECORDED_CAP:
        return take_cap(facts, call, argument, stated[GIVEN_SOFT_CAP], error);
    case RECORDED_CAUSAL:
        return take_causal(facts, call, argument, error);
    case RECORDED_PAGE_SIZE:
        return take_page_size(facts, call, argument, error);
    case RECORDED_LSE_BASE:
        return take_base(facts, call, argument, error);
    case RECORDED_LSE_LAYOUT:
        return is_text(argument, "NH") ? ERROR_NONE : refuse(call, argument, "is not NH", "NH", error);
    case RECORDED_OFF:
        if (is_off(argument) || (parameter->option != GIVEN_OPTION_COUNT && stated[parameter->option]))
            return ERROR_NONE;
        return refuse(call, argument, "is given, and would change the result",
                      parameter->option == GIVEN_SINK_LOGITS
                          ? "None; or --sink-logits beside it, which says what they are added to"
                          : "None, False or 0; else name its tensors with --q, --k, --v, --out",
                      error);
    }
    return ERROR_NONE;
}

enum error_kind recorded_facts_take(struct recorded_facts *facts, const struct recorded_call *call,
                                    const struct judge_options *options, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < call->num_arguments && !kind; i++)
        if (!is_none(&call->arguments[i]))
            kind = take(facts, call, &call->arguments[i], options->values, error);
    return kind;
}
