#include "harness/library/exhibit_found.h"

#include <math.h>
#include <string.h>

#include "harness/judge/cause/signature_info.h"
#include "harness/support/json_value.h"
#include "harness/support/source.h"

bool exhibit_text_is_plain(const char *text)
{
    struct source source;
    struct error unused;
    return !strpbrk(text, "\t\r\n") && source_init(&source, "", text, strlen(text), true, &unused) == ERROR_NONE;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
    return text ? json_from_text(text) : json_null();
}

static json_t *fit_to_json(const struct contract_fit *fit)
{
    json_t *object = json_object();
    bool complete = object && json_put(object, "text", json_from_text(fit->text)) &&
                    json_put(object, "name", text_or_null(fit->name)) &&
                    json_put(object, "remedy", text_or_null(fit->remedy)) &&
                    json_put(object, "remedy_too", text_or_null(fit->remedy_too)) &&
                    json_put(object, "class", json_from_text(fit->class_name));
    return json_finish(object, complete);
}

static json_t *contract_to_json(const struct contract_finding *contract)
{
    json_t *object = json_object(), *fits = json_array();
    bool complete = object && fits;
    for (int i = 0; i < contract->num_fits && i < CONTRACT_FITS_MAX && complete; i++)
        complete = json_array_append_new(fits, fit_to_json(&contract->fits[i])) == 0;
    complete = json_put(object, "fits", fits) && complete;
    complete = complete && json_put(object, "num_fits", json_integer(contract->num_fits)) &&
               json_put(object, "named", json_boolean(contract->named));
    return json_finish(object, complete);
}

static json_t *finding_to_json(const struct signature_finding *finding)
{
    const struct {
        const char *name;
        int number;
    } numbers[] = {
        {"query", finding->query},
        {"head", finding->head},
        {"rows_failing", finding->num_rows_failing},
        {"rows_examined", finding->num_rows_examined},
        {"rows_explained", finding->num_rows_explained},
    };
    json_t *object = json_object();
    bool complete = object;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && complete; i++)
        complete = json_put(object, numbers[i].name, json_integer(numbers[i].number));
    complete = complete && json_put(object, "residual", json_from_double(finding->residual)) &&
               json_put(object, "detail", json_from_text(finding->detail)) &&
               json_put(object, "remedy", text_or_null(finding->remedy));
    return json_finish(object, complete);
}

json_t *exhibit_found_to_json(const struct exhibit_found *found)
{
    json_t *object = json_object();
    bool complete = object && json_put(object, "status", json_string(found->status)) &&
                    json_put(object, "class", json_from_text(found->class_name)) &&
                    json_put(object, "of_run", json_boolean(found->of_run)) &&
                    json_put(object, "unwritten", json_integer(found->unwritten)) &&
                    json_put(object, "signature", json_string(signature_names[found->finding.signature])) &&
                    json_put(object, "finding", finding_to_json(&found->finding)) &&
                    json_put(object, "contract", contract_to_json(&found->contract));
    return json_finish(object, complete);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static enum error_kind refuse(const char *name, const char *allowed, struct error *error)
{
    return error_set(error, ERROR_USAGE, "found: %s is not what it can be; allowed: %s", name, allowed);
}

/* A member that is a text, shorter than size; may_be_null: or null. */
static enum error_kind read_text(const char **text, const json_t *object, const char *name, size_t size,
                                 bool may_be_null, struct error *error)
{
    const json_t *value = json_object_get(object, name);
    *text = json_string_value(value);
    if (may_be_null && json_is_null(value))
        return ERROR_NONE;
    return *text && json_string_length(value) == strlen(*text) && strlen(*text) < size && exhibit_text_is_plain(*text)
               ? ERROR_NONE
               : refuse(name, may_be_null ? "null, or one line of text" : "one line of text", error);
}

static enum error_kind read_whole(int64_t *number, const json_t *object, const char *name, int64_t least,
                                  int64_t greatest, struct error *error)
{
    const json_t *value = json_object_get(object, name);
    *number = json_integer_value(value);
    return json_is_integer(value) && *number >= least && *number <= greatest
               ? ERROR_NONE
               : error_set(error, ERROR_USAGE, "found: %s is not what it can be; allowed: %lld to %lld", name,
                           (long long)least, (long long)greatest);
}

static enum error_kind read_residual(double *number, const json_t *finding, struct error *error)
{
    const json_t *value = json_object_get(finding, "residual");
    const char *text = json_string_value(value);
    *number = text && !strcmp(text, "inf") ? (double)INFINITY : text ? (double)NAN : json_number_value(value);
    bool sound = text ? !strcmp(text, "inf") || !strcmp(text, "nan") : json_is_number(value) && *number >= 0;
    return sound ? ERROR_NONE : refuse("residual", "a number of 0 or more, \"inf\" or \"nan\"", error);
}

static enum error_kind read_finding(struct signature_finding *finding, const json_t *object, int num_rows,
                                    int num_heads, struct error *error)
{
    int64_t numbers[5];
    const struct {
        const char *name;
        int64_t least, greatest;
    } ranges[] = {
        {"query", 0, num_rows / num_heads - 1}, {"head", -1, num_heads - 1},     {"rows_failing", 0, num_rows},
        {"rows_examined", 0, num_rows},         {"rows_explained", 0, num_rows},
    };
    const char *detail;
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && !kind; i++)
        kind = read_whole(&numbers[i], object, ranges[i].name, ranges[i].least, ranges[i].greatest, error);
    if (!kind)
        kind = read_text(&detail, object, "detail", SIGNATURE_REASONS_SIZE, false, error);
    if (!kind)
        kind = read_text(&finding->remedy, object, "remedy", REMEDY_SIZE, true, error);
    if (!kind)
        kind = read_residual(&finding->residual, object, error);
    if (kind)
        return kind;
    finding->query = (int)numbers[0];
    finding->head = (int)numbers[1];
    finding->num_rows_failing = (int)numbers[2];
    finding->num_rows_examined = (int)numbers[3];
    finding->num_rows_explained = (int)numbers[4];
    strcpy(finding->detail, detail); /* which is shorter */
    return ERROR_NONE;
}

static enum error_kind read_fit(struct contract_fit *fit, const json_t *object, struct error *error)
{
    const char *text, *class_name;
    enum error_kind kind = read_text(&text, object, "text", CONTRACT_TEXT_SIZE, false, error);
    if (!kind)
        kind = read_text(&fit->name, object, "name", REMEDY_SIZE, true, error);
    if (!kind)
        kind = read_text(&fit->remedy, object, "remedy", REMEDY_SIZE, false, error);
    if (!kind)
        kind = read_text(&fit->remedy_too, object, "remedy_too", REMEDY_SIZE, true, error);
    if (!kind)
        kind = read_text(&class_name, object, "class", CLASS_NAME_SIZE, false, error);
    if (kind)
        return kind;
    strcpy(fit->text, text);
    strcpy(fit->class_name, class_name);
    return ERROR_NONE;
}

_Static_assert((int)CONTRACT_FITS_MAX == 4, "allowed values of fits");

static enum error_kind read_contract(struct contract_finding *contract, const json_t *object, struct error *error)
{
    const json_t *fits = json_object_get(object, "fits"), *named = json_object_get(object, "named");
    int64_t count;
    enum error_kind kind = read_whole(&count, object, "num_fits", 0, 1000000, error);
    if (kind)
        return kind;
    contract->num_fits = (int)count;
    int shown = contract->num_fits < CONTRACT_FITS_MAX ? contract->num_fits : CONTRACT_FITS_MAX;
    if (!json_is_array(fits) || json_array_size(fits) != (size_t)shown)
        return refuse("fits", "a list of as many as num_fits says, 4 at most", error);
    if (!json_is_boolean(named) || (json_is_true(named) && shown == 0))
        return refuse("named", "false, or true of a contract that fits", error);
    contract->named = json_is_true(named);
    for (int i = 0; i < shown && !kind; i++)
        kind = read_fit(&contract->fits[i], json_array_get(fits, (size_t)i), error);
    return kind;
}

static bool is_status(const char *text)
{
    return !strcmp(text, "pass") || !strcmp(text, "fail") || !strcmp(text, "error");
}

enum error_kind exhibit_found_read(struct exhibit_found *found, const char *text, int num_rows, int num_heads,
                                   struct error *error)
{
    json_error_t reason;
    const char *signature;
    *found = (struct exhibit_found){.json = json_loads(text, JSON_REJECT_DUPLICATES, &reason)};
    if (!json_is_object(found->json))
        return error_set(error, ERROR_USAGE, "found: is no JSON object; allowed: what --bundle-without-kv wrote");
    enum error_kind kind = read_text(&found->status, found->json, "status", REMEDY_SIZE, false, error);
    if (!kind && !is_status(found->status))
        kind = refuse("status", "pass, fail, error", error);
    if (!kind)
        kind = read_text(&found->class_name, found->json, "class", CLASS_NAME_SIZE, false, error);
    found->of_run = json_is_true(json_object_get(found->json, "of_run"));
    if (!kind && !json_is_boolean(json_object_get(found->json, "of_run")))
        kind = refuse("of_run", "true, false", error);
    if (!kind)
        kind = read_whole(&found->unwritten, found->json, "unwritten", 0, INT64_MAX, error);
    if (!kind)
        kind = read_text(&signature, found->json, "signature", REMEDY_SIZE, false, error);
    if (!kind && (found->finding.signature = signature_from_name(signature)) == SIGNATURE_COUNT)
        kind = refuse("signature", "names that `alibicheck list signatures` prints", error);
    if (!kind)
        kind = read_finding(&found->finding, json_object_get(found->json, "finding"), num_rows, num_heads, error);
    return kind ? kind : read_contract(&found->contract, json_object_get(found->json, "contract"), error);
}

void exhibit_found_clear(struct exhibit_found *found)
{
    json_decref(found->json);
    *found = (struct exhibit_found){.json = NULL};
}
