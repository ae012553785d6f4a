/* What a record says of the classes of its output. */
#include "harness/report/record/record_value.h"

json_t *record_value_class(const struct record_field *field, const void *member)
{
    (void)field;
    return class_to_json(((const struct record *)member)->class_of_all);
}

json_t *record_value_classes(const struct record_field *field, const void *member)
{
    (void)field;
    return classes_to_json(((const struct record *)member)->class_of_all);
}

json_t *record_value_head_classes(const struct record_field *field, const void *member)
{
    (void)field;
    return row_classes_to_json(((const struct record *)member)->classes);
}

json_t *record_value_class_asked(const struct record_field *field, const void *member)
{
    (void)field;
    char text[CLASS_NAME_SIZE];
    const struct class_demand *demand = member;
    return json_string(class_format(text, &demand->arithmetic));
}
