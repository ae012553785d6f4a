#include "harness/report/compare/fact.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/oracle/oracle_report.h"
#include "harness/report/compare/problem_text.h"
#include "harness/report/file/record_file.h"
#include "harness/support/json_value.h"
#include "kernels/kernel.h"

#define TEXT(of_role) .role = (of_role), .is_text = true
#define LIST(of_role) TEXT(of_role), .is_list = true, .is_zero_often = true, .path = "oracles"
#define UNSAID_LIST(of_role) TEXT(of_role), .is_list = true, .is_zero_often = true, .is_often_unsaid = true

static const struct fact_info rows[FACT_COUNT] = {
    [FACT_STATUS] = {.name = "status", TEXT(FACT_OF_OUTCOME)},
    [FACT_EXPECT] = {.name = "expect", TEXT(FACT_OF_OUTCOME)},
    [FACT_EXPECTED_SIGNATURE] = {.name = "expected_signature",
                                 TEXT(FACT_OF_CRITERION),
                                 .is_zero_often = true,
                                 .is_often_unsaid = true},
    [FACT_SIGNATURE] = {.name = "signature", TEXT(FACT_OF_CAUSE), .is_zero_often = true},
    [FACT_CONTRACT] = {.name = "contract", TEXT(FACT_OF_CAUSE), .is_zero_often = true, .is_often_unsaid = true},
    [FACT_VIOLATED] = {.name = "violated", LIST(FACT_OF_CAUSE)},
    [FACT_RUN_FAILURE] = {.name = "run_failure", TEXT(FACT_OF_CAUSE), .is_zero_often = true, .is_often_unsaid = true},
    [FACT_SAMPLE] = {.name = "sample", TEXT(FACT_OF_PROBLEM), .is_zero_often = true, .is_often_unsaid = true},
    [FACT_CLASS] = {.name = "class", TEXT(FACT_OF_CLASS), .is_zero_often = true, .is_often_unsaid = true},
    [FACT_OUTPUT_DIGEST] = {.name = "output_digest", TEXT(FACT_OF_OUTPUT)},
    [FACT_JUDGE] = {.name = "judge", TEXT(FACT_OF_CRITERION)},
    [FACT_ATOL] = {.name = "atol", .path = "tolerance.atol", .role = FACT_OF_CRITERION},
    [FACT_RTOL] = {.name = "rtol", .path = "tolerance.rtol", .role = FACT_OF_CRITERION},
    [FACT_LSE_TOLERANCE] = {.name = "lse_tolerance", .path = "tolerance.lse", .role = FACT_OF_CRITERION},
    [FACT_BUDGET] = {.name = "budget", .role = FACT_OF_CRITERION, .may_be_unknown = true},
    [FACT_CLASS_ASKED] = {.name = "class_asked", UNSAID_LIST(FACT_OF_CRITERION)},
    [FACT_ORACLES] = {.name = "oracles", LIST(FACT_OF_CRITERION)},
    [FACT_PROMISES] = {.name = "promises", UNSAID_LIST(FACT_OF_CRITERION)},
    [FACT_TAKEN_OVER] = {.name = "taken_over", UNSAID_LIST(FACT_OF_CRITERION), .path = "taken_over.facts"},
    [FACT_PROBLEM] =
        {.name = "problem", TEXT(FACT_OF_PROBLEM), .is_list = true, .may_be_unknown = true, .is_new = true},
    [FACT_INPUT_DIGEST] = {.name = "input_digest", TEXT(FACT_OF_PROBLEM)},
    [FACT_TRUTH_DIGEST] = {.name = "truth_digest", TEXT(FACT_OF_PROBLEM)},
    [FACT_SAMPLED_TRUTH] = {.name = "sampled_truth_digest",
                            TEXT(FACT_OF_PROBLEM),
                            .is_zero_often = true,
                            .is_often_unsaid = true,
                            .is_new = true},
    [FACT_TRUTH_OF] = {.name = "truth_of", TEXT(FACT_OF_PROBLEM), .may_be_unknown = true, .is_new = true},
    [FACT_KERNEL] = {.name = "kernel", TEXT(FACT_OF_SUBJECT)},
    [FACT_RECIPE] = {.name = "recipe", TEXT(FACT_OF_SUBJECT)},
    [FACT_RECIPE_DIGEST] = {.name = "recipe_digest", TEXT(FACT_OF_SUBJECT)},
    [FACT_DEVICE] = {.name = "device", TEXT(FACT_OF_SUBJECT)},
    [FACT_DEVICE_NAME] =
        {.name = "device_name", TEXT(FACT_OF_SUBJECT), .is_zero_often = true, .is_often_unsaid = true, .is_new = true},
};

struct fact_info fact_info(enum fact fact)
{
    if (fact < FACT_METRICS || fact >= FACT_METRICS + METRIC_COUNT)
        return rows[fact];
    const struct metric_info *metric = &metric_table[fact - FACT_METRICS];
    return (struct fact_info){
        .name = metric->field.name,
        .role = metric->is_size ? FACT_OF_PROBLEM : FACT_OF_ERROR,
        .may_be_unknown = metric->nan_is_unknown,
        .is_zero_often = metric->field.type == FIELD_WHOLE && !metric->is_size,
    };
}

const char device_foreign[] = "foreign";

bool fact_is_unknown_of_foreign(enum fact fact)
{
    bool is_metric = fact >= FACT_METRICS && fact < FACT_METRICS + METRIC_COUNT;
    return fact == FACT_RECIPE || fact == FACT_RECIPE_DIGEST || (is_metric && metric_table[fact - FACT_METRICS].of_lse);
}

void fact_clear(struct fact_value *value)
{
    free(value->text);
    *value = (struct fact_value){.type = FACT_UNKNOWN};
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static const char *put_text(struct fact_value *value, const char *text)
{
    *value = (struct fact_value){.type = FACT_TEXT, .text = strdup(text)};
    return value->text ? NULL : "";
}

static bool is_outcome(const char *text)
{
    for (int outcome = 0; outcome < ORACLE_OUTCOME_COUNT; outcome++)
        if (!strcmp(text, oracle_outcome_names[outcome]))
            return true;
    return false;
}

/* Whether an oracle of this outcome is one of the fact's list. */
static bool is_listed(enum fact fact, const char *outcome)
{
    bool violated = !strcmp(outcome, oracle_outcome_names[ORACLE_VIOLATED]);
    return violated || (fact == FACT_ORACLES && !strcmp(outcome, oracle_outcome_names[ORACLE_HELD]));
}

/* The names of a record's oracles that were put to the kernel, or that it violates. */
static const char *read_oracles(enum fact fact, struct fact_value *value, const json_t *oracles)
{
    char list[FACT_TEXT_SIZE * 2] = "";
    size_t length = 0, known = 0;
    for (int o = 0; o < ORACLE_COUNT; o++) {
        const char *outcome = json_string_value(json_object_get(oracles, oracle_names[o]));
        known += outcome && is_outcome(outcome);
        if (outcome && is_listed(fact, outcome))
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", length ? "," : "", oracle_names[o]);
    }
    if (known < json_object_size(oracles))
        return "has an oracle, or what came of one, that this program does not know";
    return put_text(value, list);
}

/* "3 of 8 rows by seed 0, here 1 of 2": which rows of a batch were judged. */
static const char *read_sample(struct fact_value *value, const json_t *sample)
{
    static const char *const members[] = {"drawn", "drawn_of", "seed", "rows", "of"};
    char *numbers[5] = {NULL}, text[FACT_TEXT_SIZE];
    bool complete = true;
    for (size_t i = 0; i < 5 && complete; i++) { /* a seed may be beyond what an integer holds */
        const json_t *member = json_object_get(sample, members[i]);
        numbers[i] = json_is_number(member) ? json_print(member, JSON_ENCODE_ANY) : NULL;
        complete = numbers[i];
    }
    if (complete)
        snprintf(text, sizeof text, "%s of %s rows by seed %s, here %s of %s", numbers[0], numbers[1], numbers[2],
                 numbers[3], numbers[4]);
    for (size_t i = 0; i < 5; i++)
        free(numbers[i]);
    return complete ? put_text(value, text) : "does not say which rows";
}

/* The first of the contracts that explain a failure, where it is told from all others. */
static const char *read_contract(struct fact_value *value, const json_t *contract)
{
    const char *fit = json_string_value(json_array_get(json_object_get(contract, "fits"), 0));
    bool named = json_is_true(json_object_get(contract, "named"));
    return put_text(value, named && fit ? fit : "");
}

/* The GPU. Of a kernel that is not ours it stands behind what runs that, if it has said one: "--plugin ./mine.so,
 * NVIDIA H100, driver 13.0". The host device has the same bits on all machines. */
static const char *read_device_name(struct fact_value *value, const json_t *record)
{
    static const char separator[] = ", ";
    const char *device = json_string_value(record_at(record, "device")),
               *name = json_string_value(record_at(record, "device_name"));
    if (!device || !name || !strcmp(device, device_kind_names[DEVICE_HOST]))
        return put_text(value, "");
    if (strcmp(device, device_foreign) != 0)
        return put_text(value, name);
    const char *said = strstr(name, separator);
    return put_text(value, said ? said + strlen(separator) : "");
}

static const char *read_problem(struct fact_value *value, const json_t *record)
{
    *value = (struct fact_value){.type = FACT_TEXT, .text = problem_text(record)};
    return value->text ? NULL : "";
}

static const char *read_problem_as_now(struct fact_value *value, const char *text)
{
    *value = (struct fact_value){.type = FACT_TEXT, .text = problem_text_as_now(text)};
    return value->text ? NULL : "";
}

/* Names in a list, with commas between them. */
static const char *read_list(struct fact_value *value, const json_t *names)
{
    char list[FACT_TEXT_SIZE * 4] = "";
    size_t length = 0;
    for (size_t i = 0; i < json_array_size(names) && length < sizeof list; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (!name)
            return "has what is no name";
        length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", length ? "," : "", name);
    }
    return length < sizeof list ? put_text(value, list) : "is too long";
}

/* No fact is negative: one that were would pass for better than any. */
static const char *read_number(struct fact_value *value, const json_t *json)
{
    double number;
    if (!record_number(json, &number))
        return "is no number";
    if (number < 0)
        return "is below 0";
    *value = (struct fact_value){.type = FACT_NUMBER, .number = number};
    return NULL;
}

const char *fact_usual_text(enum fact fact)
{
    switch (fact) {
    case FACT_SIGNATURE:
        return signature_names[SIGNATURE_NONE];
    case FACT_SAMPLE:
        return "all rows";
    case FACT_CLASS:
        return "not found";
    default:
        return "";
    }
}

static const char *read_default(enum fact fact, struct fact_value *value)
{
    if (fact_info(fact).is_text)
        return put_text(value, fact_usual_text(fact));
    *value = (struct fact_value){.type = FACT_NUMBER};
    return NULL;
}

const char *fact_read(enum fact fact, struct fact_value *value, const json_t *record, bool of_baseline)
{
    const struct fact_info info = fact_info(fact);
    const json_t *json = record_at(record, info.path && !of_baseline ? info.path : info.name);
    *value = (struct fact_value){.type = FACT_UNKNOWN};
    if (fact == FACT_PROBLEM && !of_baseline)
        return read_problem(value, record);
    if (fact == FACT_DEVICE_NAME && !of_baseline)
        return read_device_name(value, record);
    if (fact == FACT_PROBLEM && json_is_string(json))
        return read_problem_as_now(value, json_string_value(json));
    if (info.is_often_unsaid && (!json || json_is_null(json)))
        return read_default(fact, value);
    if (!json && info.is_new)
        return NULL;
    if (!json)
        return of_baseline && info.is_zero_often ? read_default(fact, value) : "is missing";
    if (json_is_null(json))
        return NULL;
    if ((fact == FACT_ORACLES || fact == FACT_VIOLATED) && json_is_object(json))
        return read_oracles(fact, value, json);
    if (fact == FACT_CONTRACT && json_is_object(json))
        return read_contract(value, json);
    if (fact == FACT_SAMPLE && json_is_object(json))
        return read_sample(value, json);
    if (fact == FACT_TAKEN_OVER && json_is_array(json))
        return read_list(value, json);
    if (!info.is_text)
        return read_number(value, json);
    return json_is_string(json) ? put_text(value, json_string_value(json)) : "is no text";
}

json_t *fact_to_json(const struct fact_value *value)
{
    switch (value->type) {
    case FACT_NUMBER:
        if (fabs(value->number) < 0x1p53 && value->number == floor(value->number))
            return json_integer((json_int_t)value->number);
        return json_from_double(value->number);
    case FACT_TEXT:
        return json_from_text(value->text);
    case FACT_UNKNOWN:
        break;
    }
    return json_null();
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

bool fact_equal(const struct fact_value *a, const struct fact_value *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == FACT_TEXT)
        return strcmp(a->text, b->text) == 0;
    return a->number == b->number || (isnan(a->number) && isnan(b->number));
}

/* Whether name[0, size) stands in a list. */
static bool list_has(const char *list, const char *name, size_t size)
{
    while (*list) {
        size_t length = strcspn(list, ",");
        if (length == size && memcmp(list, name, size) == 0)
            return true;
        list += length + (list[length] == ',');
    }
    return false;
}

bool fact_list_within(const struct fact_value *a, const struct fact_value *b)
{
    const char *of_b = b->type == FACT_TEXT ? b->text : "";
    for (const char *name = a->type == FACT_TEXT ? a->text : ""; *name;) {
        size_t length = strcspn(name, ",");
        if (!list_has(of_b, name, length))
            return false;
        name += length + (name[length] == ',');
    }
    return true;
}

char *fact_format(char *text, const struct fact_value *value, int digits)
{
    if (value->type == FACT_TEXT)
        snprintf(text, FACT_TEXT_SIZE, "%s", *value->text ? value->text : "none");
    else if (value->type == FACT_UNKNOWN)
        snprintf(text, FACT_TEXT_SIZE, "-");
    else if (isnan(value->number))
        snprintf(text, FACT_TEXT_SIZE, "nan"); /* printf would show its sign */
    else if (fabs(value->number) < 0x1p53 && value->number == floor(value->number))
        snprintf(text, FACT_TEXT_SIZE, "%.0f", value->number);
    else
        snprintf(text, FACT_TEXT_SIZE, "%.*g", digits, value->number);
    return text;
}
