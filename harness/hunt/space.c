#include "harness/hunt/space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_axis.h"
#include "harness/case/case_write.h"
#include "harness/case/key_search.h"
#include "harness/case/recipe_library.h"
#include "harness/hunt/space_limits.h"
#include "harness/problem/distribution.h"
#include "harness/support/field_yaml.h"

const char space_default[] = "seq_len,input,mask,seed";

enum { VALUES_MAX = 10000, SEED_GREATEST = 999999 };

/* A text that says what is free, and where the hunt starts. */
struct reading {
    struct space *space;
    const struct source *source;
    const struct point *starts;
    size_t num_starts;
};

/* ---- what is usual ----------------------------------------------------------------------------------------------- */

int64_t space_step(enum key_id id)
{
    const unsigned step = keys[id].field.whole.multiple_of;
    return id == KEY_HEAD_DIM ? HEAD_DIM_STEP : step ? step : 1;
}

/* The largest of a key's whole numbers where the hunt starts. */
static int64_t greatest_start(const struct reading *reading, const struct field *field)
{
    int64_t greatest = INT64_MIN;
    for (size_t i = 0; i < reading->num_starts; i++) {
        int64_t value = field_integer(field, field_in(field, &reading->starts[i]));
        greatest = value > greatest ? value : greatest;
    }
    return greatest;
}

static const struct usual {
    enum key_id id;
    int64_t least, greatest; /* greatest 0: that where the hunt starts */
    struct real_limits real;
} usual_limits[] = {
    {KEY_SEQ_LEN, 1, 0, {0, 0}},          {KEY_NUM_HEADS, 1, 0, {0, 0}},
    {KEY_NUM_KV_HEADS, 1, 0, {0, 0}},     {KEY_HEAD_DIM, HEAD_DIM_STEP, 0, {0, 0}},
    {KEY_NUM_QUERIES, 1, 8, {0, 0}},      {KEY_SEED, 0, SEED_GREATEST, {0, 0}},
    {KEY_PAGE_SEED, 0, 99, {0, 0}},       {KEY_CHUNK_LEN, 32, 4096, {0, 0}},
    {KEY_PAGE_SIZE, 0, 64, {0, 0}},       {KEY_HEAD_OFFSET, 0, 64, {0, 0}},
    {KEY_KV_OFFSET, 0, 1 << 20, {0, 0}},  {KEY_Q_POSITION, 0, 1 << 20, {0, 0}},
    {KEY_SCALE, 0, 0, {0x1p-6, 1}},       {KEY_MAX_BIAS, 0, 0, {1, 16}},
    {KEY_K_SCALE, 0, 0, {0x1p-4, 0x1p4}}, {KEY_V_SCALE, 0, 0, {0x1p-4, 0x1p4}},
};

static const struct real_limits usual_parameters[INPUT_PARAMETER_COUNT] = {
    [INPUT_MEAN] = {-2, 2},  [INPUT_STDDEV] = {0x1p-4, 4},  [INPUT_LOW] = {-4, 0},     [INPUT_HIGH] = {0, 4},
    [INPUT_VALUE] = {-4, 4}, [INPUT_SPREAD] = {0x1p-4, 16}, [INPUT_CHANNELS] = {1, 8}, [INPUT_FACTOR] = {1, 32},
};
static const struct real_limits usual_floor = {-20000, 0};

struct real_limits space_parameter(const struct free_key *key, enum distribution distribution, size_t parameter)
{
    bool is_floor = distribution == DISTRIBUTION_LOGIT_FLOOR && parameter == INPUT_VALUE;
    return is_floor && !key->parameters_said ? usual_floor : key->parameters[parameter];
}

static enum error_kind refuse(const struct reading *reading, const struct yaml_node *node, const struct key *key,
                              const char *why, struct error *error)
{
    const struct place start = node ? node->place : source_place(reading->source, 0);
    return place_error(error, &start, "%s: %s; allowed: %s=[VALUE, ...]%s", key->field.name, why, key->field.name,
                       key->field.type == FIELD_WHOLE || key->field.type == FIELD_UNSIGNED ||
                               key->field.type == FIELD_REAL
                           ? ", or A..B"
                           : "");
}

/* Every name of a choice that `every` of it stands for. */
static enum error_kind take_choices(struct free_key *free_key, const struct field *field, struct error *error)
{
    int count = field->num_every ? field->num_every : field->names.count;
    free_key->kind = FREE_LIST;
    free_key->values = calloc((size_t)count, sizeof *free_key->values);
    for (int i = 0; free_key->values && i < count; i++) {
        char *name = strdup(field_choice_name(field, i));
        if (!name)
            return error_memory(error, "--vary", FIELD_TEXT_SIZE);
        free_key->values[free_key->num_values++] = name;
    }
    return free_key->values ? ERROR_NONE : error_memory(error, "--vary", FIELD_TEXT_SIZE);
}

/* Of head_dim: limits that are no multiples of its step, 1..128, are those of a kernel that takes all between them. */
static void step_to_ends(struct free_key *free_key)
{
    if (free_key->kind == FREE_WHOLE &&
        (free_key->least % free_key->step != 0 || free_key->greatest % free_key->step != 0))
        free_key->step = 1;
}

static enum error_kind take_usual(const struct reading *reading, struct free_key *free_key, struct error *error)
{
    const struct key *key = &keys[free_key->id];
    bool is_real = key->field.type == FIELD_REAL;
    if (free_key->kind == FREE_INPUT || free_key->kind == FREE_MASK)
        return ERROR_NONE; /* as it was made */
    if (key->field.type == FIELD_CHOICE)
        return take_choices(free_key, &key->field, error);
    for (size_t i = 0; i < sizeof usual_limits / sizeof usual_limits[0]; i++) {
        const struct usual *usual = &usual_limits[i];
        if (usual->id != free_key->id)
            continue;
        int64_t start = is_real ? 0 : greatest_start(reading, &key->field);
        free_key->kind = is_real ? FREE_REAL : FREE_WHOLE;
        free_key->real = usual->real;
        free_key->greatest = usual->greatest ? usual->greatest : start;
        free_key->least = usual->least > free_key->greatest ? free_key->greatest : usual->least;
        step_to_ends(free_key);
        return ERROR_NONE;
    }
    return refuse(reading, NULL, key, "there are no usual limits", error);
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

/* Values, each as a candidate has it. */
static enum error_kind take_values(struct free_key *free_key, const struct yaml_node *node, const struct point *start,
                                   struct error *error)
{
    struct axis axis;
    enum error_kind kind = axis_read(&axis, &keys[free_key->id], node, error);
    if (kind)
        return kind;
    uint64_t count = axis_count(&axis);
    free_key->kind = FREE_LIST;
    if (count > VALUES_MAX)
        kind = place_error(error, &node->place, "%s has too many values: a list; allowed: at most %d, or A..B",
                           keys[free_key->id].field.name, VALUES_MAX);
    free_key->values = kind ? NULL : calloc(count, sizeof *free_key->values);
    if (!kind && !free_key->values)
        kind = error_memory(error, "--vary", (double)count * sizeof *free_key->values);
    for (uint64_t i = 0; i < count && !kind; i++) {
        struct point point = *start;
        uint64_t step;
        const struct segment *segment = axis_at(&axis, i, &step);
        key_apply(&keys[free_key->id], &segment->first, step, &point);
        free_key->values[free_key->num_values] = case_write_value(free_key->id, &point);
        kind = free_key->values[free_key->num_values] ? ERROR_NONE : error_memory(error, "--vary", FIELD_TEXT_SIZE);
        free_key->num_values += !kind;
    }
    axis_clear(&axis, &keys[free_key->id]);
    return kind;
}

static enum error_kind take_limits(const struct reading *reading, struct free_key *free_key,
                                   const struct yaml_node *node, struct error *error)
{
    const struct field *field = &keys[free_key->id].field;
    struct real_limits real;
    if (free_key->kind == FREE_INPUT)
        return limits_read_input(free_key, node, error);
    if (free_key->kind == FREE_MASK)
        return limits_read_mask(free_key, node, error);
    if (!limits_is_range(field, node))
        return take_values(free_key, node, &reading->starts[0], error);
    if (field->type == FIELD_REAL) {
        free_key->kind = FREE_REAL;
        enum error_kind kind = limits_read_real(&real, field, node, error);
        free_key->real = real;
        return kind;
    }
    free_key->kind = FREE_WHOLE;
    enum error_kind kind = limits_read_whole(&free_key->least, &free_key->greatest, field, node, error);
    if (!kind)
        step_to_ends(free_key);
    return kind;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

/* Characters of text before the next comma that stands in no brackets. */
static size_t item_size(const char *text)
{
    int depth = 0;
    size_t size = 0;
    for (; text[size] && (text[size] != ',' || depth > 0); size++)
        depth += strchr("[{", text[size]) ? 1 : strchr("]}", text[size]) ? -1 : 0;
    return size;
}

static enum error_kind find_key(const struct reading *reading, const char *text, size_t size, enum key_id *id,
                                struct error *error)
{
    char quoted[QUOTE_SIZE], advice[FIELD_ALLOWED_SIZE];
    const struct place start = source_place(reading->source, 0);
    *id = key_find(text, size);
    if (*id == KEY_COUNT)
        return place_error(error, &start, "unknown key: %s; %s", quote(quoted, text, size),
                           key_advice(advice, text, size));
    if (!keys[*id].axis || *id == KEY_BATCH)
        return place_error(error, &start,
                           "cannot be varied: %s; allowed: keys with a * in `alibicheck list keys`, "
                           "but batch",
                           quote(quoted, text, size));
    if (reading->space->keys[*id])
        return place_error(error, &start, "varied twice: %s; allowed: each key once", quote(quoted, text, size));
    return ERROR_NONE;
}

static enum error_kind new_key(struct space *space, enum key_id id, struct error *error)
{
    struct free_key *free_key = calloc(1, sizeof *free_key);
    if (!free_key)
        return error_memory(error, "--vary", sizeof *free_key);
    *free_key = (struct free_key){.id = id, .step = space_step(id), .kind = FREE_LIST};
    memcpy(free_key->parameters, usual_parameters, sizeof usual_parameters);
    if (id == KEY_INPUT) {
        free_key->kind = FREE_INPUT;
        free_key->kinds = (1u << DISTRIBUTION_COUNT) - 1;
    } else if (id == KEY_MASK) {
        free_key->kind = FREE_MASK;
        free_key->kinds = MASK_HOLES | MASK_WINDOW | MASK_DROP_NEWEST | MASK_BLOCK | MASK_PADDING | MASK_GAP;
    }
    space->keys[id] = free_key;
    return ERROR_NONE;
}

/* "KEY" or "KEY=LIMITS", text[0, size) of the source. */
static enum error_kind read_item(struct reading *reading, const char *name, const char *text, size_t size,
                                 struct error *error)
{
    struct yaml_stream stream = {.first = NULL};
    struct source source;
    char *copy = strndup(text, size);
    size_t key_size = copy ? strcspn(copy, "=") : 0;
    enum key_id id;
    enum error_kind kind =
        copy ? source_init(&source, name, copy, size, true, error) : error_memory(error, "--vary", (double)size);
    if (kind) {
        free(copy);
        return kind;
    }
    reading->source = &source;
    kind = find_key(reading, copy, key_size, &id, error);
    if (!kind)
        kind = new_key(reading->space, id, error);
    if (!kind && key_size == size)
        kind = take_usual(reading, reading->space->keys[id], error);
    else if (!kind && !(kind = yaml_read(&stream, &source, key_size + 1, error))) {
        if (!stream.first || stream.first->next)
            kind = refuse(reading, NULL, &keys[id], "no limits", error);
        else
            kind = take_limits(reading, reading->space->keys[id], stream.first, error);
    }
    yaml_clear(&stream);
    free(copy);
    return kind;
}

enum error_kind space_read(struct space *space, const char *const *texts, size_t num_texts, const struct point *starts,
                           size_t num_starts, struct error *error)
{
    *space = (struct space){{NULL}};
    struct reading reading = {.space = space, .starts = starts, .num_starts = num_starts};
    enum error_kind kind = recipe_library_open(error);
    for (size_t i = 0; i < num_texts && !kind; i++) {
        char *name = NULL;
        if (asprintf(&name, "--vary %s", texts[i]) < 0)
            return error_memory(error, "--vary", (double)strlen(texts[i]));
        for (const char *text = texts[i]; !kind;) {
            size_t size = item_size(text);
            kind = read_item(&reading, name, text, size, error);
            if (!text[size])
                break;
            text += size + 1;
        }
        free(name);
    }
    return kind;
}

void space_clear(struct space *space)
{
    for (int id = 0; id < KEY_COUNT; id++) {
        for (size_t i = 0; space->keys[id] && i < space->keys[id]->num_values; i++)
            free(space->keys[id]->values[i]);
        if (space->keys[id])
            free(space->keys[id]->values);
        free(space->keys[id]);
    }
    *space = (struct space){{NULL}};
}

/* ---- within them ------------------------------------------------------------------------------------------------- */

static bool holds_input(const struct free_key *key, const struct input_spec *input)
{
    bool holds = key->kinds >> input->distribution & 1;
    for (size_t i = 0; i < input_fields.count; i++) {
        const struct field *field = field_at(&input_fields, i);
        const struct real_limits limits = space_parameter(key, input->distribution, i);
        double value = field_real(field, field_in(field, input));
        if (distributions[input->distribution].kind.reads >> i & 1)
            holds &= value >= limits.low && value <= limits.high;
    }
    return holds;
}

bool space_holds(const struct free_key *key, const struct point *point, const char *value)
{
    const struct field *field = &keys[key->id].field;
    bool holds = false;
    switch (key->kind) {
    case FREE_WHOLE: {
        int64_t number = field_integer(field, field_in(field, point));
        return number >= key->least && number <= key->greatest && number % key->step == 0;
    }
    case FREE_REAL: {
        double number = field_real(field, field_in(field, point));
        return number >= key->real.low && number <= key->real.high;
    }
    case FREE_INPUT:
        return holds_input(key, &point->problem.input);
    case FREE_MASK:
        return (point->problem.mask.kind & ~key->kinds) == 0;
    case FREE_LIST:
        break;
    }
    char *own = value ? NULL : case_write_value(key->id, point);
    for (size_t i = 0; (value || own) && i < key->num_values; i++)
        holds |= strcmp(value ? value : own, key->values[i]) == 0;
    free(own);
    return holds;
}
