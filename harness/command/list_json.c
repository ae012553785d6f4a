#include "harness/command/list_json.h"

#include <stdio.h>

#include "harness/case/case.h"
#include "harness/case/case_keys.h"
#include "harness/case/recipe_library.h"
#include "harness/judge/cause/signature_info.h"
#include "harness/judge/class/arithmetic_class.h"
#include "harness/judge/oracle/oracle.h"
#include "harness/report/compare/compare_point.h"
#include "harness/report/record/record_field.h"
#include "harness/subject/ability.h"
#include "harness/support/field_json.h"
#include "harness/support/json_line.h"
#include "harness/support/json_value.h"

/* Prints a row, which may be NULL for want of memory, and gives it back. */
static enum error_kind put_row(json_t *row, struct error *error)
{
    return json_line_print(row, "a list as JSON", error);
}

struct cell {
    const char *name, *text; /* text NULL: null */
};

/* A new object of texts, or NULL. */
static json_t *texts(const struct cell *cells, size_t count)
{
    json_t *object = json_object();
    bool complete = object;
    for (size_t i = 0; i < count && complete; i++)
        complete = json_put(object, cells[i].name, cells[i].text ? json_from_text(cells[i].text) : json_null());
    return json_finish(object, complete);
}

#define TEXTS(...) \
    texts((const struct cell[]){__VA_ARGS__}, sizeof(const struct cell[]){__VA_ARGS__} / sizeof(struct cell))

/* Puts a member into a row that may be NULL; takes both. */
static json_t *with(json_t *row, const char *name, json_t *value)
{
    bool complete = row && json_put(row, name, value);
    if (!row)
        json_decref(value);
    return json_finish(row, complete);
}

/* ---- what there is ---- */

/* Those that a kernel takes. */
static json_t *dtype_list(enum kernel kernel)
{
    static const struct recipe any = {.name = NULL};
    json_t *list = json_array();
    bool complete = list;
    for (int dtype = 0; dtype < DTYPE_COUNT && complete; dtype++)
        if (!kernel_refusal(kernel, &any, (enum dtype)dtype, KV_AS_DTYPE))
            complete = json_array_append_new(list, json_string(dtypes[dtype].name)) == 0;
    return json_finish(list, complete);
}

enum error_kind list_json_kernels(const struct selection *selection, const struct selection_options *asked,
                                  struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    (void)selection, (void)asked;
    for (int kernel = 0; kernel < KERNEL_COUNT && !kind; kernel++) {
        json_t *row = TEXTS({"kernel", kernels[kernel]->name}, {"about", kernels[kernel]->about});
        row = with(row, "head_dim_min", json_integer(HEAD_DIM_MIN));
        row = with(row, "head_dim_max", json_integer(HEAD_DIM_MAX));
        row = with(row, "head_dim_step", json_integer(HEAD_DIM_STEP));
        kind = put_row(with(row, "dtypes", dtype_list((enum kernel)kernel)), error);
    }
    return kind;
}

enum error_kind list_json_devices(const struct selection *selection, const struct selection_options *asked,
                                  struct error *error)
{
    const struct device_options device_options = {.threads = asked->threads};
    enum error_kind result = ERROR_NONE;
    (void)selection;
    for (int kind = 0; kind < DEVICE_COUNT && !result; kind++) {
        struct device *device = NULL;
        struct error reason;
        bool available = !device_open(&device, (enum device_kind)kind, &device_options, &reason);
        json_t *row = TEXTS({"device", device_kind_names[kind]}, {"name", available ? device_name(device) : NULL},
                            {"reason", available ? NULL : reason.text});
        result = put_row(with(row, "available", json_boolean(available)), error);
        device_close(device);
    }
    return result;
}

enum error_kind list_json_abilities(const struct selection *selection, const struct selection_options *asked,
                                    struct error *error)
{
    (void)selection, (void)asked;
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < ABILITY_COUNT && !kind; i++)
        kind = put_row(TEXTS({"ability", abilities[i].name}, {"about", abilities[i].about}), error);
    return kind;
}

enum error_kind list_json_oracles(const struct selection *selection, const struct selection_options *asked,
                                  struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    (void)selection, (void)asked;
    for (int o = 0; o < ORACLE_COUNT && !kind; o++)
        kind = put_row(TEXTS({"oracle", oracle_names[o]}, {"about", oracles[o].about}), error);
    return kind;
}

enum error_kind list_json_signatures(const struct selection *selection, const struct selection_options *asked,
                                     struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    (void)selection, (void)asked;
    for (int s = SIGNATURE_NONE + 1; s < SIGNATURE_COUNT && !kind; s++) {
        char remedy[REMEDY_SIZE];
        remedy_for(remedy, signature_remedy((enum signature)s), REMEDY_FOR_KERNEL);
        kind = put_row(TEXTS({"signature", signature_names[s]}, {"meaning", signature_meaning((enum signature)s)},
                             {"remedy", remedy}),
                       error);
    }
    return kind;
}

enum error_kind list_json_classes(const struct selection *selection, const struct selection_options *asked,
                                  struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    (void)selection, (void)asked;
    for (int i = 0; class_word(i) && !kind; i++)
        kind = put_row(TEXTS({"class", class_word(i)}, {"meaning", class_word_meaning(i)}), error);
    return kind;
}

enum error_kind list_json_changes(const struct selection *selection, const struct selection_options *asked,
                                  struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    (void)selection, (void)asked;
    for (int change = 0; change < CHANGE_COUNT && !kind; change++)
        kind = put_row(TEXTS({"change", change_table[change].name}, {"points", change_table[change].about},
                             {"outcome", change_outcome_texts[change_table[change].outcome]}),
                       error);
    return kind;
}

enum error_kind list_json_recipes(const struct selection *selection, const struct selection_options *asked,
                                  struct error *error)
{
    enum error_kind kind = recipe_library_open(error);
    (void)selection, (void)asked;
    for (size_t i = 0; i < recipe_library_count() && !kind; i++) {
        const struct recipe_entry *entry = recipe_library_at(i);
        json_t *row = TEXTS({"recipe", entry->name}, {"about", entry->about}, {"source", entry->source});
        for (size_t f = 0; f < recipe_fields.count; f++) {
            const struct field *field = field_at(&recipe_fields, f);
            row = with(row, field->name, field_to_json(field, field_in(field, &entry->recipe)));
        }
        kind = put_row(row, error);
    }
    return kind;
}

/* ---- formats ---- */

enum error_kind list_json_keys(const struct selection *selection, const struct selection_options *asked,
                               struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    (void)selection, (void)asked;
    for (int id = 0; id < KEY_COUNT && !kind; id++) {
        const struct key *key = &keys[id];
        char allowed[FIELD_ALLOWED_SIZE], about[ABOUT_TEXT_SIZE];
        json_t *row = TEXTS({"key", key->field.name}, {"values", field_allowed(allowed, &key->field)},
                            {"default", key->preset ? key->preset : key->derived}, {"meaning", key_about(about, key)});
        row = with(row, "required", json_boolean(!key->preset && !key->derived));
        kind = put_row(with(row, "axis", json_boolean(key->axis)), error);
    }
    return kind;
}

enum error_kind list_json_recipe_keys(const struct selection *selection, const struct selection_options *asked,
                                      struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    struct recipe_key_row row;
    (void)selection, (void)asked;
    for (size_t i = 0; !kind && recipe_key_row(&row, i); i++)
        kind = put_row(TEXTS({"key", row.cells[0]}, {"values", row.cells[1]}, {"default", row.cells[2]},
                             {"meaning", row.cells[3]}),
                       error);
    return kind;
}

struct field_rows {
    enum error_kind kind;
    struct error *error;
};

static void put_field(void *context, const char *const *cells)
{
    struct field_rows *rows = context;
    if (!rows->kind)
        rows->kind = put_row(TEXTS({"field", cells[0]}, {"type", cells[1]}, {"unit", *cells[2] ? cells[2] : NULL},
                                   {"meaning", cells[3]}),
                             rows->error);
}

enum error_kind list_json_record_fields(const struct selection *selection, const struct selection_options *asked,
                                        struct error *error)
{
    struct field_rows rows = {.error = error};
    (void)selection, (void)asked;
    record_visit_fields(put_field, &rows);
    return rows.kind;
}

/* ---- what files have ---- */

enum error_kind list_json_cases(const struct selection *selection, const struct selection_options *asked,
                                struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    (void)asked;
    for (size_t i = 0, end; i < selection->count && !kind; i = end) {
        const struct test_case *test_case = selection->points[i].test_case;
        for (end = i; end < selection->count && selection->points[end].test_case == test_case;)
            end++;
        json_t *row = TEXTS({"case", case_name(test_case)}, {"file", case_path(test_case)},
                            {"about", case_about(test_case)}, {"because", case_because(test_case)});
        kind = put_row(with(row, "points", json_integer((json_int_t)(end - i))), error);
    }
    return kind;
}

enum error_kind list_json_points(const struct selection *selection, const struct selection_options *asked,
                                 struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    char key[POINT_KEY_SIZE];
    (void)asked;
    for (size_t i = 0; i < selection->count && !kind; i++) {
        const struct test_case *test_case = selection->points[i].test_case;
        kind = put_row(TEXTS({"key", point_key(key, &selection->points[i])}, {"case", case_name(test_case)},
                             {"file", case_path(test_case)}),
                       error);
    }
    return kind;
}
