#include "harness/hunt/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_parameter.h"
#include "harness/case/case_write.h"
#include "harness/problem/distribution.h"

enum { DIGITS = 3 }; /* that are drawn of a number, so that people can read it */

bool change_is_of(enum change change, const struct free_key *key)
{
    bool is_seed = key->id == KEY_SEED || key->id == KEY_PAGE_SEED;
    return change == CHANGE_REDRAW || (key->kind != FREE_LIST && !is_seed);
}

double change_round(double number, int digits)
{
    char text[64];
    snprintf(text, sizeof text, "%.*g", digits, number);
    return strtod(text, NULL);
}

enum error_kind change_write(struct changing *changing, enum key_id id, struct error *error)
{
    char *value = case_write_value(id, &changing->point);
    if (!value)
        return error_memory(error, "a candidate", FIELD_TEXT_SIZE);
    candidate_take(changing->candidate, id, value);
    return ERROR_NONE;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static int64_t clamp(int64_t value, int64_t least, int64_t greatest)
{
    return value < least ? least : value > greatest ? greatest : value;
}

/* One of the lengths at which kernels change their ways, or beside it. */
static int64_t draw_edge(int64_t least, int64_t greatest, struct draws *draws)
{
    if (draw_chance(draws, 0.25))
        return draw_chance(draws, 0.5) ? least : greatest;
    int64_t power = INT64_C(1) << draw_whole(draws, 0, 30), beside = draw_whole(draws, -1, 1);
    int64_t times = draw_chance(draws, 0.5) ? 1 : draw_whole(draws, 1, 8);
    return power > greatest ? greatest : power * times + beside;
}

static int64_t draw_near(int64_t value, struct draws *draws)
{
    if (draw_chance(draws, 0.5))
        return value + (draw_chance(draws, 0.5) ? 1 : -1) * draw_whole(draws, 1, 3);
    return (int64_t)llround((double)value * exp2(2 * draw_unit(draws) - 1));
}

static int64_t draw_any(int64_t least, int64_t greatest, struct draws *draws)
{
    return draw_chance(draws, 0.5) ? draw_whole(draws, least, greatest) : draw_octave(draws, least, greatest);
}

/* From least to greatest, by a change of value. */
static int64_t change_number(int64_t value, int64_t least, int64_t greatest, enum change change, struct draws *draws)
{
    int64_t changed = change == CHANGE_REDRAW ? draw_any(least, greatest, draws)
                      : change == CHANGE_STEP ? draw_near(value, draws)
                                              : draw_edge(least, greatest, draws);
    return clamp(changed, least, greatest);
}

static double draw_real(const struct real_limits *limits, struct draws *draws)
{
    bool by_octaves = limits->low > 0 && draw_chance(draws, 0.7);
    double unit = draw_unit(draws);
    return by_octaves ? limits->low * exp2(unit * log2(limits->high / limits->low))
                      : limits->low + unit * (limits->high - limits->low);
}

static double change_real(double value, const struct real_limits *limits, enum change change, struct draws *draws)
{
    double changed = change == CHANGE_REDRAW ? draw_real(limits, draws)
                     : change == CHANGE_EDGE ? (draw_chance(draws, 0.5) ? limits->low : limits->high)
                     : draw_chance(draws, 0.7)
                         ? value * exp2(2 * draw_unit(draws) - 1)
                         : value + 0.1 * (2 * draw_unit(draws) - 1) * (limits->high - limits->low);
    double rounded = change_round(changed, DIGITS);
    return rounded < limits->low ? limits->low : rounded > limits->high ? limits->high : rounded;
}

/* In units of the key's step. */
static void change_whole(struct point *point, const struct free_key *key, enum change change, struct draws *draws)
{
    const struct field *field = &keys[key->id].field;
    int64_t least = (key->least + key->step - 1) / key->step, greatest = key->greatest / key->step;
    int64_t value = field_integer(field, field_in(field, point));
    bool is_edge = change == CHANGE_EDGE && key->step > 1 && draw_chance(draws, 0.5);
    int64_t changed =
        is_edge ? draw_whole(draws, least, greatest) : change_number(value / key->step, least, greatest, change, draws);
    field_put_integer(field, field_of(field, point), clamp(changed, least, greatest) * key->step);
}

static void change_real_key(struct point *point, const struct free_key *key, enum change change, struct draws *draws)
{
    const struct field *field = &keys[key->id].field;
    void *member = field_of(field, point);
    field_put_real(field, member, change_real(field_real(field, member), &key->real, change, draws));
}

/* ---- input ------------------------------------------------------------------------------------------------------- */

static void change_parameter(struct input_spec *input, const struct free_key *key, size_t parameter, enum change change,
                             int head_dim, struct draws *draws)
{
    const struct field *field = field_at(&input_fields, parameter);
    struct real_limits limits = space_parameter(key, input->distribution, parameter);
    void *member = field_of(field, input);
    if (field->type == FIELD_REAL) {
        field_put_real(field, member, change_real(field_real(field, member), &limits, change, draws));
        return;
    }
    int64_t greatest = limits.high < head_dim ? (int64_t)limits.high : head_dim; /* channels */
    field_put_integer(field, member,
                      change_number(field_integer(field, member), (int64_t)limits.low, greatest, change, draws));
}

/* low up to high. */
static void put_in_order(struct input_spec *input)
{
    double low = input->low;
    if (input->distribution != DISTRIBUTION_UNIFORM || low <= input->high)
        return;
    input->low = input->high;
    input->high = low;
}

/* A bit of a set, each as likely. */
static int draw_bit(unsigned set, struct draws *draws)
{
    int64_t rank = draw_whole(draws, 0, __builtin_popcount(set) - 1);
    int bit = 0;
    for (;; bit++)
        if ((set >> bit & 1) && rank-- == 0)
            return bit;
}

static void change_input(struct point *point, const struct free_key *key, enum change change, struct draws *draws)
{
    struct input_spec *input = &point->problem.input;
    if (change == CHANGE_REDRAW || !(key->kinds >> input->distribution & 1)) {
        *input = input_spec_of((enum distribution)draw_bit(key->kinds, draws));
        change = CHANGE_REDRAW;
    }
    unsigned reads = (unsigned)distributions[input->distribution].kind.reads;
    int one = change == CHANGE_REDRAW ? -1 : draw_bit(reads, draws);
    for (size_t i = 0; i < input_fields.count; i++)
        if ((reads >> i & 1) && (one < 0 || (int)i == one))
            change_parameter(input, key, i, change, point->problem.head_dim, draws);
    put_in_order(input);
}

/* ---- mask -------------------------------------------------------------------------------------------------------- */

static void draw_mask_kind(struct mask_spec *mask, enum mask_kind kind, int64_t length, struct draws *draws)
{
    mask->kind |= kind;
    switch (kind) {
    case MASK_HOLES:
        mask->holes = change_round(draw_unit(draws), 2);
        break;
    case MASK_WINDOW:
        mask->window = draw_octave(draws, 1, length);
        mask->sinks = draw_chance(draws, 0.5) ? 0 : draw_octave(draws, 0, length < 8 ? length : 8);
        break;
    case MASK_DROP_NEWEST:
        mask->drop_newest = draw_octave(draws, 1, length);
        break;
    case MASK_BLOCK:
        mask->block = draw_octave(draws, 1, length);
        mask->keep_every = draw_whole(draws, 2, 8);
        break;
    case MASK_PADDING:
        mask->padding = draw_octave(draws, 1, length);
        break;
    case MASK_GAP:
        mask->gap_keys = draw_octave(draws, 1, length);
        mask->gap_from = draw_whole(draws, 0, length - mask->gap_keys);
        break;
    default:
        break; /* none, all: nothing to draw */
    }
}

static void draw_mask(struct mask_spec *mask, const struct free_key *key, int64_t length, struct draws *draws)
{
    double unit = draw_unit(draws);
    int kinds = unit < 0.3 ? 0 : unit < 0.8 ? 1 : 2;
    *mask = (struct mask_spec){.kind = MASK_NONE};
    for (int i = 0; i < kinds && length > 0; i++)
        draw_mask_kind(mask, (enum mask_kind)(1u << draw_bit(key->kinds, draws)), length, draws);
    if (mask->kind & MASK_ALL)
        *mask = (struct mask_spec){.kind = MASK_ALL};
}

/* A parameter of the mask, of those that it has, near what it was. */
static void step_mask(struct mask_spec *mask, int64_t length, struct draws *draws)
{
    struct {
        enum mask_kind kind;
        int64_t *number, least;
    } const numbers[] = {
        {MASK_WINDOW, &mask->window, 1}, {MASK_WINDOW, &mask->sinks, 0},     {MASK_DROP_NEWEST, &mask->drop_newest, 0},
        {MASK_BLOCK, &mask->block, 1},   {MASK_BLOCK, &mask->keep_every, 1}, {MASK_PADDING, &mask->padding, 0},
        {MASK_GAP, &mask->gap_from, 0},  {MASK_GAP, &mask->gap_keys, 1},
    };
    unsigned present = mask->kind & MASK_HOLES ? 1u : 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        present |= mask->kind & numbers[i].kind ? 2u << i : 0;
    if (!present)
        return;
    int bit = draw_bit(present, draws);
    if (bit == 0)
        mask->holes = change_real(mask->holes, &(struct real_limits){0, 1}, CHANGE_STEP, draws);
    else
        *numbers[bit - 1].number = clamp(draw_near(*numbers[bit - 1].number, draws), numbers[bit - 1].least, length);
}

static void change_mask(struct point *point, const struct free_key *key, enum change change, struct draws *draws)
{
    struct mask_spec *mask = &point->problem.mask;
    int64_t length = point->problem.seq_len;
    bool is_plain = mask->kind == MASK_NONE || (mask->kind & MASK_ALL);
    if (change == CHANGE_REDRAW || is_plain || length == 0)
        draw_mask(mask, key, length, draws);
    else if (change == CHANGE_STEP)
        step_mask(mask, length, draws);
    else
        mask->kind &= ~(enum mask_kind)(1u << draw_bit(mask->kind, draws));
}

/* Parameters of kinds that a mask does not have are 0, as in one that is read. */
static void forget_others(struct mask_spec *mask)
{
    for (size_t i = 0; i < mask_parameters.fields->count; i++) {
        const struct field *field = field_at(mask_parameters.fields, i);
        if (!parameter_read_by(&mask_parameters, i, mask->kind))
            memset(field_of(field, mask), 0, field->size);
    }
}

static void cut_mask(struct mask_spec *mask, int64_t length)
{
    int64_t *const counts[] = {&mask->window, &mask->sinks, &mask->drop_newest, &mask->padding, &mask->block};
    if (length == 0)
        *mask = (struct mask_spec){.kind = MASK_NONE};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        *counts[i] = clamp(*counts[i], 0, length);
    if (mask->kind & MASK_GAP) {
        mask->gap_keys = clamp(mask->gap_keys, 1, length);
        mask->gap_from = clamp(mask->gap_from, 0, length - mask->gap_keys);
    }
    forget_others(mask);
}

enum error_kind change_fit(struct changing *changing, const struct space *space, struct error *error)
{
    struct problem_spec *problem = &changing->point.problem;
    if (!space->keys[KEY_MASK] || (problem->mask.kind & MASK_FILE))
        return ERROR_NONE;
    cut_mask(&problem->mask, problem->seq_len);
    if (problem->mask.kind == MASK_NONE) {
        candidate_take(changing->candidate, KEY_MASK, NULL);
        return ERROR_NONE;
    }
    return change_write(changing, KEY_MASK, error);
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

enum error_kind change_key(struct changing *changing, const struct free_key *key, enum change change,
                           struct draws *draws, struct error *error)
{
    struct point *point = &changing->point;
    if (key->kind == FREE_LIST) {
        char *value = strdup(key->values[draw_whole(draws, 0, (int64_t)key->num_values - 1)]);
        if (!value)
            return error_memory(error, "a candidate", FIELD_TEXT_SIZE);
        candidate_take(changing->candidate, key->id, value);
        return ERROR_NONE;
    }
    if (key->kind == FREE_WHOLE)
        change_whole(point, key, change, draws);
    else if (key->kind == FREE_REAL)
        change_real_key(point, key, change, draws);
    else if (key->kind == FREE_INPUT)
        change_input(point, key, change, draws);
    else
        change_mask(point, key, change, draws);
    return change_write(changing, key->id, error);
}
