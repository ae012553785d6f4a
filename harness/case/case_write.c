#include "harness/case/case_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/head_values.h"
#include "harness/case/recipe_library.h"
#include "harness/case/test_case.h"
#include "harness/problem/distribution.h"
#include "harness/support/text_stream.h"

/* A text that grows. */
struct written {
    FILE *stream;
    char *text;
    size_t size;
};

/* "before_bias:30", "window:256:sinks:4": names and numbers in turn, as a mapping; a name alone as it is. */
static void write_pairs(FILE *stream, const char *text)
{
    bool is_mapping = strchr(text, ':');
    bool of_name = true;
    fputs(is_mapping ? "{" : "", stream);
    for (const char *c = text; *c; c++)
        if (*c != ':') {
            fputc(*c, stream);
        } else {
            fputs(of_name ? ": " : ", ", stream);
            of_name = !of_name;
        }
    fputs(is_mapping ? "}" : "", stream);
}

static void write_field(FILE *stream, const struct field *field, const void *structure)
{
    char value[FIELD_TEXT_SIZE];
    fprintf(stream, "%s: %s", field->name, field_format(value, field, field_in(field, structure)));
}

static void write_input(FILE *stream, const struct input_spec *input)
{
    const struct field_kind *kind = &distributions[input->distribution].kind;
    const struct input_spec preset = input_spec_of(input->distribution);
    fprintf(stream, "{distribution: %s", kind->name);
    for (size_t i = 0; i < input_fields.count; i++) {
        const struct field *field = field_at(&input_fields, i);
        if (!(kind->reads >> i & 1) || !field_compare(field, field_in(field, input), field_in(field, &preset)))
            continue;
        fputs(", ", stream);
        write_field(stream, field, input);
    }
    fputs("}", stream);
}

static void write_values(FILE *stream, const float *values, int count)
{
    char number[NUMBER_TEXT_MAX];
    fprintf(stream, "{%s: [", head_values_name);
    for (int i = 0; i < count; i++)
        fprintf(stream, "%s%s", i ? ", " : "", format_float(number, values[i]));
    fputs("]}", stream);
}

static void write_tolerance(FILE *stream, const struct tolerance *tolerance)
{
    const double parts[] = {tolerance->atol, tolerance->rtol, tolerance->lse};
    static const char *const names[] = {"atol", "rtol", "lse"};
    char number[NUMBER_TEXT_MAX];
    for (int i = 0; i < 3; i++)
        fprintf(stream, "%s%s: %s", i ? ", " : "{", names[i], format_double(number, parts[i]));
    fputs("}", stream);
}

/* The recipe of the library that an inline one is called after, "BASE:FIELD=VALUE:..."; of a name of its own, or of
 * another library's, the default. */
static const struct recipe_entry *base_of(const char *name)
{
    char base[RECIPE_TEXT_SIZE];
    snprintf(base, sizeof base, "%.*s", (int)strcspn(name, ":"), name);
    const struct recipe_entry *entry = strchr(name, ':') ? recipe_library_find(base) : NULL;
    return entry ? entry : recipe_library_find("default");
}

/* A recipe of the library by its name, one that stands in a case field by field. */
static void write_recipe(FILE *stream, const struct recipe *recipe)
{
    const struct recipe_entry *entry = recipe ? recipe_library_find(recipe->name) : NULL;
    if (!recipe || (entry && !recipe_compare(&entry->recipe, recipe))) {
        fputs(recipe ? recipe->name : "default", stream);
        return;
    }
    const struct recipe_entry *base = base_of(recipe->name);
    bool is_named = !strchr(recipe->name, ':');
    fprintf(stream, "{%s: %s", is_named ? "name" : "base", is_named ? recipe->name : base->name);
    for (size_t i = 0; i < recipe_fields.count; i++) {
        const struct field *field = field_at(&recipe_fields, i);
        if (recipe_field_equal(field, recipe, &base->recipe))
            continue;
        fputs(", ", stream);
        write_field(stream, field, recipe);
    }
    fputs("}", stream);
}

/* Names of a set with commas between them are a list. */
static void write_plain(FILE *stream, const struct key *key, const struct point *point)
{
    char value[FIELD_TEXT_SIZE];
    const struct field *field = &key->field;
    bool plain = !key->type || !key->type->format;
    const char *text = plain ? field_format(value, field, field_in(field, point)) : key->type->format(value, point);
    bool is_list = field->type == FIELD_SET && strchr(text, ',');
    fprintf(stream, is_list ? "[%s]" : "%s", text);
}

static void write_value(FILE *stream, enum key_id id, const struct point *point)
{
    const struct problem_spec *problem = &point->problem;
    char text[FIELD_TEXT_SIZE];
    if (id == KEY_INPUT)
        write_input(stream, &problem->input);
    else if (id == KEY_MASK)
        write_pairs(stream, mask_format(text, &problem->mask));
    else if (id == KEY_SOFT_CAP)
        write_pairs(stream, key_format(text, &keys[id], point));
    else if (id == KEY_SLOPES && problem->num_slope_values > 0)
        write_values(stream, problem->slope_values, problem->num_slope_values);
    else if (id == KEY_SINK_LOGITS && problem->sinks.kind == SINKS_VALUES)
        write_values(stream, problem->sinks.values, problem->sinks.num_values);
    else if (id == KEY_SINK_LOGITS)
        write_pairs(stream, key_format(text, &keys[id], point));
    else if (id == KEY_TOLERANCE)
        write_tolerance(stream, &point->criterion.tolerance);
    else if (id == KEY_RECIPE)
        write_recipe(stream, point->base_recipe);
    else
        write_plain(stream, &keys[id], point);
}

bool case_gives(const struct point *point, enum key_id id)
{
    return point->test_case->axes[id].given;
}

char *case_write_value(enum key_id id, const struct point *point)
{
    struct written written = {.text = NULL};
    struct error unused;
    if (recipe_library_open(&unused))
        return NULL;
    written.stream = text_stream_open(&written.text, &written.size);
    if (!written.stream)
        return NULL;
    write_value(written.stream, id, point);
    bool failed = ferror(written.stream);
    failed |= fclose(written.stream) != 0;
    if (!failed)
        return written.text;
    free(written.text);
    return NULL;
}
