/* What a record says of the classes of its output. */
#include "harness/report/record/record_value.h"
#include "harness/support/json_value.h"

json_t *record_value_class(const struct record_field *field, const void *member)
{
    (void)field;
    char text[CLASS_NAME_SIZE];
    return json_string(class_name(text, ((const struct record *)member)->class_of_all));
}

json_t *record_value_classes(const struct record_field *field, const void *member)
{
    (void)field;
    const struct class_whole *whole = ((const struct record *)member)->class_of_all;
    char text[CLASS_NAME_SIZE];
    json_t *names = json_array();
    bool complete = names;
    for (int i = 0; complete && i < whole->num_minimal; i++) {
        const struct arithmetic_class one = {whole->output, whole->minimal[i]};
        complete = json_array_append_new(names, json_string(class_format(text, &one))) == 0;
    }
    return json_finish(names, complete);
}

json_t *record_value_head_classes(const struct record_field *field, const void *member)
{
    (void)field;
    const struct class_report *report = ((const struct record *)member)->classes;
    char text[CLASS_NAME_SIZE];
    json_t *names = json_array();
    bool complete = names;
    for (int row = 0; complete && row < report->num_rows; row++) {
        struct class_whole whole;
        class_of_row(&whole, report, row);
        complete = json_array_append_new(names, json_string(class_name(text, &whole))) == 0;
    }
    return json_finish(names, complete);
}

json_t *record_value_class_asked(const struct record_field *field, const void *member)
{
    (void)field;
    char text[CLASS_NAME_SIZE];
    const struct class_demand *demand = member;
    return json_string(class_format(text, &demand->arithmetic));
}
