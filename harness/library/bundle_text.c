#include "harness/library/bundle_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "harness/problem/problem_spec.h"
#include "harness/support/number.h"

const char bundle_flag_holds[] = "yes";

char *bundle_text_add(struct bundle_texts *texts, const char *key)
{
    char *value = texts->values[texts->count];
    texts->all[texts->count++] = (struct tensor_metadata){key, value};
    return value;
}

void bundle_text_say(struct bundle_texts *texts, const char *key, const char *value)
{
    if (value)
        texts->all[texts->count++] = (struct tensor_metadata){key, value};
}

static void say_float(struct bundle_texts *texts, const char *key, float number)
{
    char text[NUMBER_TEXT_MAX];
    snprintf(bundle_text_add(texts, key), BUNDLE_TEXT_SIZE, "%s", format_float(text, number));
}

void bundle_text_whole(struct bundle_texts *texts, const char *key, int64_t number)
{
    snprintf(bundle_text_add(texts, key), BUNDLE_TEXT_SIZE, "%" PRId64, number);
}

void bundle_text_digest(struct bundle_texts *texts, const char *key, uint64_t digest)
{
    snprintf(bundle_text_add(texts, key), BUNDLE_TEXT_SIZE, "%016" PRIx64, digest);
}

void bundle_text_arithmetic(struct bundle_texts *texts, const struct bundle_facts *facts)
{
    const struct bundle_arithmetic *arithmetic = &facts->arithmetic;
    char number[NUMBER_TEXT_MAX];
    bundle_text_say(texts, "judge", judge_mode_names[facts->criterion.mode]);
    if (facts->criterion.mode != JUDGE_TOLERANCE)
        snprintf(bundle_text_add(texts, "budget"), BUNDLE_TEXT_SIZE, "%s",
                 format_double(number, facts->criterion.budget));
    if (!arithmetic->recipe)
        return;
    bundle_text_say(texts, "kernel", arithmetic->kernel);
    bundle_text_say(texts, "recipe", arithmetic->recipe);
    bundle_text_say(texts, "recipe_keys", arithmetic->recipe_keys);
    bundle_text_digest(texts, "recipe_digest", arithmetic->recipe_digest);
    if (arithmetic->chunk_len > 0)
        bundle_text_whole(texts, "chunk_len", arithmetic->chunk_len);
}

void bundle_text_facts(struct bundle_texts *texts, const struct problem *problem, const struct output *output,
                       const struct bundle_facts *facts)
{
    char a[NUMBER_TEXT_MAX], r[NUMBER_TEXT_MAX], l[NUMBER_TEXT_MAX], name[CLASS_NAME_SIZE];
    const struct tolerance *tolerance = &facts->criterion.tolerance;
    say_float(texts, "scale", problem->scale);
    if (problem->kv_format != KV_AS_DTYPE) {
        say_float(texts, "k_scale", problem->k_scale);
        say_float(texts, "v_scale", problem->v_scale);
    }
    bundle_text_whole(texts, "q_position", problem->q_position);
    bundle_text_whole(texts, "kv_offset", problem->kv_offset);
    if (output->lse)
        bundle_text_say(texts, "lse_base", "e");
    if (problem->soft_cap)
        snprintf(bundle_text_add(texts, "soft_cap"), BUNDLE_TEXT_SIZE, "%s=%s", soft_cap_names[problem->soft_cap],
                 format_float(a, problem->soft_cap_value));
    snprintf(bundle_text_add(texts, "tolerance"), BUNDLE_TEXT_SIZE, "%s,%s,%s", format_double(a, tolerance->atol),
             format_double(r, tolerance->rtol), format_double(l, tolerance->lse));
    if (facts->demand.asked)
        snprintf(bundle_text_add(texts, "class"), BUNDLE_TEXT_SIZE, "%s",
                 class_format(name, &facts->demand.arithmetic));
    bundle_text_say(texts, "scales_unsaid", unsaid_scales[facts->scales].name);
    if (facts->turned)
        bundle_text_say(texts, "turned", bundle_flag_holds);
    bundle_text_say(texts, "case", facts->case_name);
    bundle_text_say(texts, "key", facts->key);
    bundle_text_say(texts, "definition", facts->definition);
    bundle_text_say(texts, "workload", facts->workload);
    bundle_text_say(texts, "seed", facts->seed);
    bundle_text_digest(texts, "input_digest", facts->input_digest);
    bundle_text_digest(texts, "output_digest", facts->output_digest);
}
