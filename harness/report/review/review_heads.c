#include "harness/report/review/review_heads.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/review/describe.h"
#include "harness/support/json_value.h"
#include "harness/support/room.h"
#include "reference/slopes.h"

enum { HEADS_MAX = 1 << 16 };

static bool whole_at(const json_t *record, const char *name, int *whole)
{
    const json_t *value = json_object_get(record, name);
    json_int_t number = json_integer_value(value);
    *whole = (int)number;
    return json_is_integer(value) && number >= 0 && number <= HEADS_MAX;
}

/* The slopes of the record's heads, where it says enough of its model. False if memory ran out. */
static bool find_slopes(struct panel *panel, const json_t *record)
{
    const json_t *slopes = json_object_get(record, "slopes"), *values = json_object_get(slopes, "values");
    int offset, total, convention = SLOPES_COUNT;
    double max_bias;
    if (json_is_string(slopes))
        for (convention = 0; convention < SLOPES_COUNT; convention++)
            if (!strcmp(slope_convention_names[convention], json_string_value(slopes)))
                break;
    bool told = convention < SLOPES_COUNT && whole_at(record, "head_offset", &offset) &&
                whole_at(record, "total_heads", &total) && offset + panel->num_heads <= total &&
                record_number(json_object_get(record, "max_bias"), &max_bias) && max_bias > 0 && isfinite(max_bias);
    bool listed = json_is_array(values) && json_array_size(values) == (size_t)panel->num_heads;
    if (!told && !listed)
        return true;
    panel->slopes = calloc((size_t)panel->num_heads, sizeof *panel->slopes);
    if (!panel->slopes)
        return false;
    for (int h = 0; h < panel->num_heads && listed; h++)
        panel->slopes[h] = (float)json_number_value(json_array_get(values, (size_t)h));
    if (!listed)
        slopes_fill(panel->slopes, panel->num_heads, (enum slope_convention)convention, max_bias, offset, total);
    return true;
}

/* What the points of a panel agree in. A new string, or NULL. */
static char *panel_identity(const struct review *review, const struct review_point *point, const json_t *record)
{
    char *slopes = json_print(json_object_get(record, "slopes"), JSON_COMPACT | JSON_ENCODE_ANY);
    char *model[3], *identity = NULL;
    static const char *const names[3] = {"max_bias", "head_offset", "total_heads"};
    for (int i = 0; i < 3; i++)
        model[i] = describe_json(json_object_get(record, names[i]));
    if (model[0] && model[1] && model[2] &&
        asprintf(&identity, "%.17g %.17g %" PRIu32 " %d %s %s %s %s", point->number[NUMBER_SEQ_LEN],
                 point->number[NUMBER_NUM_HEADS], point->text[review->series], review_passed(review, point), model[0],
                 model[1], model[2], slopes ? slopes : "") < 0)
        identity = NULL;
    for (int i = 0; i < 3; i++)
        free(model[i]);
    free(slopes);
    return identity;
}

/* The panel of the point's heads, which may be new; NULL if memory ran out. */
static struct panel *find_panel(struct review *review, const struct review_point *point, const json_t *record)
{
    struct panel *found = NULL;
    char *identity = panel_identity(review, point, record);
    const json_t *place = identity ? json_object_get(review->panel_places, identity) : NULL;
    if (place)
        found = &review->panels[json_integer_value(place)];
    struct panel *panels =
        found || !identity ? NULL
                           : room_for_one(review->panels, &review->panels_capacity, review->num_panels, sizeof *panels);
    if (panels) {
        review->panels = panels;
        panels += review->num_panels;
        *panels = (struct panel){.seq_len = point->number[NUMBER_SEQ_LEN],
                                 .series = point->text[review->series],
                                 .passed = review_passed(review, point),
                                 .num_heads = (int)point->number[NUMBER_NUM_HEADS]};
        panels->heads = calloc((size_t)panels->num_heads, sizeof *panels->heads);
        json_t *number = json_integer((json_int_t)review->num_panels++);
        if (panels->heads && find_slopes(panels, record) &&
            json_object_set(review->panel_places, identity, number) == 0)
            found = panels;
        json_decref(number);
    }
    free(identity);
    return found;
}

enum error_kind review_add_heads(struct review *review, const struct review_point *point,
                                 const struct record_line *line, struct error *error)
{
    const json_t *heads = json_object_get(line->object, "heads");
    bool sampled = json_is_object(json_object_get(line->object, "sample")); /* of which those heads alone are there */
    int num_heads;
    if (!json_is_array(heads) || json_array_size(heads) == 0)
        return ERROR_NONE;
    if (!whole_at(line->object, "num_heads", &num_heads) || num_heads < 1 ||
        (!sampled && (size_t)num_heads > json_array_size(heads)) || !(point->known >> NUMBER_SEQ_LEN & 1))
        return error_set(error, ERROR_USAGE,
                         "%s:%zu: %zu heads of a record with another num_heads, or without seq_len; allowed: at least "
                         "num_heads of them, from 1 to %d",
                         line->path, line->line, json_array_size(heads), HEADS_MAX);
    struct panel *panel = find_panel(review, point, line->object);
    if (!panel)
        return error_memory(error, line->path, (double)num_heads * sizeof *panel->heads);
    for (size_t i = 0; i < json_array_size(heads); i++) {
        const json_t *head = json_array_get(heads, i);
        int place;
        double ulp;
        if (!whole_at(head, "head", &place) || place >= panel->num_heads)
            return error_set(error, ERROR_USAGE, "%s:%zu: heads[%zu].head; allowed: 0 to %d", line->path, line->line, i,
                             panel->num_heads - 1);
        struct figures *figures = &panel->heads[place];
        double mismatched = figures->mismatched;
        figures_add_json(figures, head);
        figures->count++;
        figures->not_passed += figures->mismatched > mismatched;
        if (record_number(json_object_get(head, "max_ulp_err"), &ulp))
            review->head_ulp.counts[ulp_bin(ulp)]++;
    }
    return ERROR_NONE;
}
