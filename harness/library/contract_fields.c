/* What a record says of the contracts and classes of an output. */
#include "harness/library/verdict_fields.h"
#include "harness/support/json_value.h"

static json_t *list_fits(const struct record_field *field, const void *member)
{
    (void)field;
    const struct contract_finding *contract = member;
    json_t *fits = json_array();
    bool complete = fits;
    for (int i = 0; complete && i < contract->num_fits && i < CONTRACT_FITS_MAX; i++)
        complete = json_array_append_new(fits, json_from_text(contract->fits[i].text)) == 0;
    return json_finish(fits, complete);
}

static json_t *is_named(const struct record_field *field, const void *member)
{
    (void)field;
    return json_boolean(((const struct contract_finding *)member)->named);
}

_Static_assert((int)CONTRACT_FITS_MAX == 4, "what fits means");

static const struct record_field contract_rows_of[] = {
    {RECORD_NAMED("named", "Whether the output tells the first of them from what was stated and from every other."),
     .type = "boolean", .value = is_named},
    {RECORD_NAMED("fits", "What has to be assumed: \"scale 1 in place of 0.125\". Up to 4."), .type = "list",
     .value = list_fits},
    {RECORD_MEMBER("num_fits", struct contract_finding, num_fits, WHOLE, "How many contracts explain it as well.")},
};
const struct record_fields record_contract_fields = RECORD_FIELDS(contract_rows_of);

json_t *class_to_json(const struct class_whole *whole)
{
    char text[CLASS_NAME_SIZE];
    return json_string(class_name(text, whole));
}

json_t *classes_to_json(const struct class_whole *whole)
{
    char text[CLASS_NAME_SIZE];
    json_t *names = json_array();
    bool complete = names;
    for (int i = 0; complete && i < whole->num_minimal; i++) {
        const struct arithmetic_class one = {whole->output, whole->minimal[i]};
        complete = json_array_append_new(names, json_string(class_format(text, &one))) == 0;
    }
    return json_finish(names, complete);
}

json_t *row_classes_to_json(const struct class_report *report)
{
    char text[CLASS_NAME_SIZE];
    json_t *names = json_array();
    bool complete = names;
    for (int row = 0; complete && row < report->num_rows; row++) {
        struct class_whole whole;
        if (!class_report_has(report, row)) {
            complete = json_array_append_new(names, json_null()) == 0;
            continue;
        }
        class_of_row(&whole, report, row);
        complete = json_array_append_new(names, json_string(class_name(text, &whole))) == 0;
    }
    return json_finish(names, complete);
}
