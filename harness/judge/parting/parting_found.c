#include "harness/judge/parting/parting_found.h"

#include <stdio.h>

const char *const parting_step_names[PARTING_STEP_COUNT] = {
    [PARTING_UNKNOWN] = "unknown", [PARTING_DOT] = "dot",           [PARTING_BIAS] = "bias",
    [PARTING_LOGIT] = "logit",     [PARTING_WEIGHT] = "weight",     [PARTING_VALUE] = "value",
    [PARTING_SUM] = "sum",         [PARTING_DIVISION] = "division", [PARTING_LSE] = "lse",
};

/* "key 5", or of which it is one, or that there are several. */
static void say_key(char *text, size_t size, const struct parting *parting)
{
    if (parting->key >= 0)
        snprintf(text, size, "key %lld", (long long)parting->key);
    else
        snprintf(text, size, parting->others_differ ? "several keys" : "one of these keys");
}

/* "key 5", "keys 5 and 17", "512 keys, 3, 5, 9, 12, ...". */
static void say_keys(char *text, size_t size, const struct parting *parting)
{
    const int64_t *keys = parting->keys;
    int length = 0;
    if (parting->num_keys == 1) {
        snprintf(text, size, "key %lld", (long long)keys[0]);
        return;
    }
    if (parting->num_keys == 2) {
        snprintf(text, size, "keys %lld and %lld", (long long)keys[0], (long long)keys[1]);
        return;
    }
    length += snprintf(text, size, "%lld keys, ", (long long)parting->num_keys);
    for (int i = 0; i < parting->num_keys && i < PARTING_KEYS_SHOWN && length < (int)size; i++)
        length += snprintf(text + length, size - (size_t)length, "%s%lld", i ? ", " : "", (long long)keys[i]);
    if (parting->num_keys > PARTING_KEYS_SHOWN && length < (int)size)
        snprintf(text + length, size - (size_t)length, ", ...");
}

/* What comes before the key, and behind it; where there is none, all of it. */
static const struct {
    const char *before, *behind;
} sentences[PARTING_STEP_COUNT] = {
    [PARTING_DOT] = {"q.k of ", ": alone, without a bias, lse differs"},
    [PARTING_BIAS] = {"the bias of ", ": alone, with a q of 0, lse differs"},
    [PARTING_LOGIT] = {"the logit of ", ": alone, lse differs, and with others their weights do"},
    [PARTING_WEIGHT] = {"the weight of ", ", as it is formed, rounded or rescaled"},
    [PARTING_VALUE] = {"v of ", ", or how out is rounded: alone its weight is 1, and out differs"},
    [PARTING_SUM] = {"sums over keys: out differs where all weights are 1", NULL},
    [PARTING_DIVISION] = {"the division, or how out is rounded: out differs where all weights and all v are 1", NULL},
    [PARTING_LSE] = {"lse: it differs where out does not, and all weights are 1", NULL},
};

const char *parting_say(char *text, const struct parting *parting)
{
    char step[240], key[48], keys[160] = "", others[64] = "";
    const char *before = sentences[parting->step].before, *behind = sentences[parting->step].behind;
    say_key(key, sizeof key, parting);
    snprintf(step, sizeof step, "%s%s%s", before ? before : "unknown: ", behind ? key : "", behind ? behind : "");
    if (parting->num_keys > 0)
        say_keys(keys, sizeof keys, parting);
    if (parting->others_differ > 0)
        snprintf(others, sizeof others, ", as %d of %d others do alone", parting->others_differ, parting->others_tried);
    snprintf(text, PARTING_TEXT_SIZE, "%s%s%s%s%s%s%s", step, parting->why, *keys ? "; shown by " : "", keys,
             parting->num_keys > 1 && !parting->least ? ", of which fewer may do" : "",
             parting->sharpened ? ", with v changed such that out is near 0" : "", others);
    return text;
}
