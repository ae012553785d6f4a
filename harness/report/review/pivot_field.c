#include "harness/report/review/pivot_field.h"

#include <string.h>

#include "harness/report/record/record_field.h"
#include "harness/support/suggest.h"

/* The row of a name, also one that stands for any name; or NULL. */
static const struct record_field *row_of(const struct record_fields *fields, const char *name, size_t size)
{
    const struct record_field *any = NULL;
    for (size_t i = 0; fields && size > 0 && i < fields->count; i++) {
        const struct record_field *row = &fields->rows[i];
        const char *own = record_field_name(row);
        if (row->put)
            any = row;
        else if (strlen(own) == size && memcmp(own, name, size) == 0)
            return row;
    }
    return any;
}

bool pivot_field_find(struct pivot_field *field, const char *path)
{
    const struct record_fields *fields = &record_fields;
    const struct record_field *row = NULL;
    *field = (struct pivot_field){0};
    for (const char *name = path;; name++) {
        size_t size = strcspn(name, ".");
        row = row_of(fields, name, size);
        name += size;
        if (!row || !*name)
            break;
        if (row->is_list && field->list > 0)
            return false;
        if (row->is_list)
            field->list = (size_t)(name - path);
        fields = row->members;
    }
    const char *type = row ? record_field_type(row) : "";
    field->number = strstr(type, "integer") || strstr(type, "number");
    field->whole = strcmp(type, "integer") == 0;
    return row;
}

static enum where_field find_name(const char *name)
{
    struct pivot_field field;
    if (!pivot_field_find(&field, name))
        return WHERE_UNKNOWN;
    return field.whole ? WHERE_NUMBER : WHERE_ANY;
}

static void offer_names(struct suggestion *suggestion)
{
    where_record_names.offer(suggestion);
}

const struct where_names pivot_names = {
    .find = find_name,
    .offer = offer_names,
    .allowed = "a name of `alibicheck list record-fields`; heads.NAME is one of each head",
    .option = "--table",
};

json_t *pivot_unit(const json_t *record, const char *list, json_t *element)
{
    size_t size = strcspn(list, ".");
    json_t *unit = json_copy((json_t *)(uintptr_t)record);
    json_t *member =
        list[size] ? pivot_unit(json_object_getn(record, list, size), list + size + 1, element) : json_incref(element);
    if (unit && member && json_object_setn_new(unit, list, size, member) == 0)
        return unit;
    if (!unit || !member) /* else it has been taken */
        json_decref(member);
    json_decref(unit);
    return NULL;
}
